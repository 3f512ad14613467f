"""The steps in the braces of a transition: draws, definitions, acceptances, walks along orbits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import (
    densities,
    density_arguments,
    inner_densities,
    joint_draws,
    laws,
    many_maps,
    nodes,
    orbits,
    pipelines,
)
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape, unify, unknown_type
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


class Body:
    """Resolves the steps of one transition, in order; `state` are the types of the primed variables."""

    def __init__(
        self,
        infer: Infer,
        context: Context,
        state: Mapping[str, nodes.Type],
        variables: Mapping[str, nodes.Variable],
    ) -> None:
        self.infer = infer
        self.context = context
        self.state = state
        self.variables = variables
        self.steps: list[nodes.Step] = []
        self.assigned: dict[str, tree.Equation] = {}

    def add(self, item: tree.Equation) -> None:
        """Resolve one step; raises Abandon after a report."""
        builder = self.infer.builder
        if item.guard is not None:
            builder.unsupported("a guarded step", item.guard.span)
        names = [self._target(target, item) for target in item.targets]
        if item.relation == "~":
            self._draw(item, names)
        elif item.relation == "=":
            self._assign(item, names)
        else:
            builder.report(
                "G604", "a step draws with `~` or defines with `=`", item.span, f"this says `{item.relation}`"
            )

    def _target(self, target: tree.Expr, item: tree.Equation) -> str:
        """The name that a step gives a value to; several draws may each move one element of a variable."""
        part = isinstance(target, tree.Index)
        base = target.base if isinstance(target, tree.Index) else target
        if not isinstance(base, tree.Name) or (part and base.id not in self.state):
            self.infer.builder.unsupported("a step that moves part of a value", target.span)
        earlier = self.assigned.get(base.id)
        if earlier is not None and not (part and isinstance(earlier.targets[0], tree.Index)):
            self.infer.builder.report(
                "G302",
                f"`{base.id}` is assigned twice",
                target.span,
                "assigned again",
                also=(Label(earlier.span, "first here"),),
            )
        self.assigned[base.id] = item
        return base.id

    # -- draws -------------------------------------------------------------------------------------------------------

    def _draw(self, item: tree.Equation, names: list[str]) -> None:
        if len(names) != 1:
            self._draw_several(item, names)
            return
        (name,), (target,) = names, item.targets
        place: tuple[nodes.Expr, ...] = ()
        base = ""
        event = self.state.get(name) or self._variable_type(name)
        if isinstance(target, tree.Index):
            base, place, event = self._place(name, target)
        joint = self._joint(item.value)
        if joint is not None:
            value = self._conditioned(*joint, event)
        else:
            event = event or self._uniform(item.value) or unknown_type(nodes.REAL)
            value = laws.distribution(self.infer, self.context, item.value, event)
            event = self._sized(event)
            value = laws.with_type(value, event)
        self.steps.append(nodes.Draw(name, value, base, place, span=item.span))
        self.bind(name, self.state[name] if place else value.type, item)

    def _draw_several(self, item: tree.Equation, names: list[str]) -> None:
        """`r, s ~ q(rain, sprinkler | wet)`, `a, b ~ Pair(m = 0)`: one draw after the other."""
        if any(isinstance(target, tree.Index) for target in item.targets):
            self.infer.builder.unsupported("a draw of several elements at once", item.span)
        for name, law in joint_draws.drawn(self.infer, self.context, self._joint(item.value), item.value, names):
            self.steps.append(nodes.Draw(name, law, span=item.span))
            self.bind(name, law.type, item)

    def _uniform(self, value: tree.Expr) -> nodes.Type | None:
        """What `Uniform()` is over, which says nothing of it: the state, where it is one variable."""
        if not isinstance(value, tree.Call) or not isinstance(value.function, tree.Name) or value.arguments:
            return None
        if value.function.id != "Uniform" or len(self.state) != 1:
            return None
        return next(iter(self.state.values()))

    def _variable_type(self, name: str) -> nodes.Type | None:
        """The type of a latent variable that is drawn on the way."""
        variable = self.variables.get(name)
        return variable.type if variable is not None else None

    def _sized(self, event: nodes.Type) -> nodes.Type:
        """A draw of no size of its own has the state's: proposals live where the state does."""
        shape = known_shape(event)
        if shape is None:
            shapes = {t.shape for t in self.state.values()}
            shape = next(iter(shapes)) if len(shapes) == 1 else ()
            unify(event, nodes.Type(nodes.REAL, shape))
        return nodes.Type(event.support, shape)

    def _place(self, name: str, target: tree.Index) -> tuple[str, tuple[nodes.Expr, ...], nodes.Type]:
        """Of `x'[i]`: the value whose element is replaced, the place, and the type of the element."""
        base = name if name in self.context.names else name.rstrip("'")
        found = self.infer.expression(self.context, dataclasses.replace(target, base=tree.Name(base, span=target.span)))
        if not isinstance(found, nodes.Element) or known_shape(found.type) != ():
            self.infer.builder.unsupported("a step that moves several elements of a variable", target.span)
        return base, found.subscripts, nodes.Type(self.state[name].support)

    def _joint(self, value: tree.Expr) -> tuple[densities.Head, tree.Call] | None:
        """`p(h | x)`: the joint or density, and the call."""
        if not isinstance(value, tree.Call):
            return None
        found = densities.head(self.infer, self.context, value.function)
        if found is None:
            return None
        if found.kernel is not None or found.power != 1 or found.stopped:
            self.infer.builder.unsupported("a draw from another transition inside one", value.span)
        return found, value

    def _conditioned(self, found: densities.Head, call: tree.Call, event: nodes.Type | None) -> nodes.Expr:
        """The law of one variable, or of an element of one, given others."""
        builder = self.infer.builder
        if len(call.arguments) != 1 or call.arguments[0].value is None:
            builder.unsupported("a draw of several variables at once", call.span)
        argument = call.arguments[0].value
        base = argument.base if isinstance(argument, tree.Index) else argument
        variable = self.variables.get(base.id) if isinstance(base, tree.Name) else None
        if variable is None:
            builder.report(
                "G604",
                "left of the bar stands the variable that is drawn",
                argument.span,
                "not a variable of the model",
            )
        own, others = density_arguments.conditions_of(self.infer, self.context, found.density, call)
        given = list(own)
        whole: nodes.Expr = nodes.Reference(variable.type, variable.name, span=argument.span)
        target = whole
        for each in others:
            if isinstance(each.value, tree.Index) and isinstance(argument, tree.Index):
                given.append(self._rest(each.value, argument, variable))
            else:
                given += densities.bound(self.infer, self.context, each)
        if isinstance(argument, tree.Index):
            if all(b.name != variable.name for b in given):
                builder.unsupported("the law of an element without the rest of its variable", argument.span)
            target = self._element(argument, variable)
        if event is not None and not unify(
            nodes.Type(nodes.REAL, target.type.shape), nodes.Type(nodes.REAL, known_shape(event) or ())
        ):
            builder.report(
                "G201",
                f"`{variable.name}` has the shape {list(target.type.shape)}",
                call.span,
                f"what is drawn here has {list(known_shape(event) or ())}",
            )
        return nodes.Conditioned(target.type, found.name, target, tuple(given), span=call.span)

    def _element(self, argument: tree.Index, variable: nodes.Variable) -> nodes.Expr:
        """`x[i]`, whichever value the variable has here."""
        whole = nodes.Reference(variable.type, variable.name, span=argument.span)
        inside = self.context.bind(**{variable.name: whole})
        found = self.infer.expression(inside, argument)
        if known_shape(found.type) != ():
            self.infer.builder.unsupported("the law of several elements of a variable", argument.span)
        assert isinstance(found, nodes.Element)
        return nodes.Element(nodes.Type(variable.type.support), whole, found.subscripts, span=argument.span)

    def _rest(self, rest: tree.Index, argument: tree.Index, variable: nodes.Variable) -> nodes.Binding:
        """`x[!=i]` of `p(x[i] | x[!=i])`: the value of the variable, of which all but one element counts."""
        builder, base = self.infer.builder, rest.base
        relative = rest.subscripts[0]
        place = argument.subscripts[0]
        matching = (
            isinstance(relative, tree.Relative)
            and relative.operator == "!="
            and isinstance(place, tree.At)
            and relative.bound == place.value
            and len(rest.subscripts) == len(argument.subscripts) == 1
        )
        if not isinstance(base, tree.Name) or base.id.rstrip("'") != variable.name or not matching:
            builder.unsupported("the law of an element given part of the others", rest.span)
        return nodes.Binding(variable.name, self.infer.expression(self.context, base), span=rest.span)

    # -- definitions -------------------------------------------------------------------------------------------------

    def _assign(self, item: tree.Equation, names: list[str]) -> None:
        value = item.value
        head = value.function.id if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) else ""
        if isinstance(value, tree.Call) and head in ("metropolis", "accept"):
            self._accept(item, names, value, head)
        elif isinstance(value, tree.Call) and head == "orbit" and head not in self.infer.builder.definitions:
            orbits.add(self, item, names, value)
        elif (piped := self._piped(value)) is not None:
            self._through(item, names, *piped)
        elif isinstance(value, tree.TupleExpr) and len(value.items) == len(names):
            found = self.infer.expressions(self.context, *value.items)
            for name, each in zip(names, found, strict=True):
                self._define(item, name, each)
        elif len(names) != 1:
            self.infer.builder.report(
                "G604",
                f"{counted(len(names), 'name')} for one value",
                item.span,
                "they must pair up",
                help=("write `a, b = (…, …)`, or apply a bijection of as many variables",),
            )
        else:
            self._define(item, names[0], self.infer.expression(self.context, value))

    def _define(self, item: tree.Equation, name: str, found: nodes.Expr) -> None:
        if isinstance(next(iter(item.targets)), tree.Index):
            self.infer.builder.unsupported("a definition of part of a variable", item.span)
        if name in self.state and not unify(found.type, self.state[name]):
            self._misshapen(name, found)
        self.steps.append(nodes.Assign(name, found, span=item.span))
        self.bind(name, found.type, item)

    def _misshapen(self, name: str, found: nodes.Expr) -> NoReturn:
        self.infer.builder.report(
            "G201",
            f"`{name}` has the shape {list(self.state[name].shape)}",
            found.span,
            f"this has {list(known_shape(found.type) or ())}",
        )

    def _piped(self, value: tree.Expr) -> tuple[tree.Expr, tuple[tree.Expr, ...]] | None:
        """`(x, v) |> repeat(L) { leapfrog } |> flip`, or `leapfrog(x, v)` of a bijection of several variables."""
        if isinstance(value, tree.Binary) and value.operator == "|>":
            source, stages = pipelines.flatten(value)
            return (source, stages) if isinstance(source, tree.TupleExpr) else None
        if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) and value.conditions is None:
            definition = self.infer.builder.definitions.get(value.function.id)
            plain = [a.value for a in value.arguments if a.name is None and a.value is not None]
            if definition is not None and definition.kind == "bijection" and len(plain) == len(value.arguments) > 1:
                return tree.TupleExpr(tuple(plain), span=value.span), (value.function,)
        return None

    def _through(self, item: tree.Equation, names: list[str], source: tree.Expr, stages: tuple[tree.Expr, ...]) -> None:
        assert isinstance(source, tree.TupleExpr)
        sources = self.infer.expressions(self.context, *source.items)
        found, types = self.stages(stages, tuple(s.type for s in sources))
        if len(types) != len(names):
            message = f"{counted(len(names), 'name')} for {counted(len(types), 'value')}"
            self.infer.builder.report("G604", message, item.span, "they must pair up")
        self.steps.append(nodes.Through(tuple(names), sources, found, span=item.span))
        for name, type_ in zip(names, types, strict=True):
            self.bind(name, type_, item)

    def stages(
        self, stages: tuple[tree.Expr, ...], types: tuple[nodes.Type, ...]
    ) -> tuple[tuple[nodes.Stage, ...], tuple[nodes.Type, ...]]:
        found: list[nodes.Stage] = []
        for stage in stages:
            if isinstance(stage, tree.Wrap):
                first, rest = pipelines.flatten(stage.body)
                inner, after = self.stages((first, *rest), types)
                if [t.shape for t in after] != [t.shape for t in types]:
                    self.infer.builder.report(
                        "G407", "a repeated map must give what it takes", stage.span, "it does not"
                    )
                found.append(nodes.Repeat(self._count(stage), inner, span=stage.span))
            else:
                made, types = self._stage(stage, types)
                found.append(made)
        return tuple(found), types

    def _count(self, stage: tree.Wrap) -> int:
        head = stage.head
        arguments = head.arguments if isinstance(head, tree.Call) else ()
        value = arguments[0].value if len(arguments) == 1 else None
        if value is None:
            self.infer.builder.report("G604", "only `repeat(n)` has braces here", stage.span, "not a repetition")
        found = size(value, self.context.constants, self.infer.builder.reporter)
        if found is None:
            raise Abandon
        return found

    def _stage(self, stage: tree.Expr, types: tuple[nodes.Type, ...]) -> tuple[nodes.Stage, tuple[nodes.Type, ...]]:
        builder = self.infer.builder
        called = stage.function if isinstance(stage, tree.Call) else stage
        conditions = (*stage.arguments, *(stage.conditions or ())) if isinstance(stage, tree.Call) else ()
        definition = builder.definitions.get(called.id) if isinstance(called, tree.Name) else None
        if definition is None or definition.kind != "bijection" or not isinstance(definition.body, tree.Expr):
            builder.report(
                "G103",
                "a stage of a pipeline of several variables is a bijection of as many",
                stage.span,
                "not such a bijection",
            )
        return many_maps.instantiate(self.infer, self.context, definition, types, stage, conditions)

    # -- acceptance --------------------------------------------------------------------------------------------------

    def _accept(self, item: tree.Equation, names: list[str], value: tree.Call, head: str) -> None:
        builder = self.infer.builder
        plain = [a.value for a in value.arguments if a.name is None and a.value is not None]
        named = {a.name.id: a for a in value.arguments if a.name is not None}
        if set(named) - {"target"} or value.conditions is not None:
            builder.report("G104", f"`{head}` takes proposals and `target`", value.span, "unknown argument")
        target = self.target_density(named.get("target"))
        probability = None
        if head == "accept":
            if len(plain) != len(names) + 1:
                builder.report(
                    "G604",
                    "`accept(y, a)` takes the proposal and its probability",
                    value.span,
                    "wrong number of arguments",
                )
            probability = self.infer.expression(self.context, plain.pop())
        if len(plain) != len(names):
            message = f"{counted(len(names), 'name')} for {counted(len(plain), 'proposal')}"
            builder.report("G604", message, item.span, "they must pair up")
        for name in names:
            if name not in self.state:
                builder.report(
                    "G604",
                    f"`{name}` is not the next value of a variable",
                    item.span,
                    "only the state is accepted or kept",
                )
        proposals = tuple(self.infer.expression(self.context, p) for p in plain)
        for name, proposal in zip(names, proposals, strict=True):
            if not unify(proposal.type, self.state[name]):
                builder.report(
                    "G201",
                    f"the proposal does not have the shape of `{name}`",
                    proposal.span,
                    f"shape {list(known_shape(proposal.type) or ())}",
                )
        self.steps.append(nodes.Accept(tuple(names), proposals, probability, target, span=item.span))
        for name in names:
            self.bind(name, self.state[name], item)

    def target_density(self, argument: tree.Argument | None) -> str:
        """The joint or density that an acceptance keeps: `p` where nothing is said."""
        if argument is None:
            return "p"
        builder, value = self.infer.builder, argument.value
        if not isinstance(value, tree.Name):
            builder.report("G604", "a target is the name of a joint or a density", argument.span, "not a name")
        found = densities.head(self.infer, self.context, value)
        if found is None or found.kernel is not None:
            builder.report("G604", f"`{value.id}` is not a joint or a density", value.span, "nothing that is kept")
        return found.name

    def bind(self, name: str, type_: nodes.Type, item: tree.Equation) -> None:
        value = nodes.Reference(type_, name, span=item.span)
        variable = self.variables.get(name.rstrip("'"))
        if variable is not None:
            self.context = inner_densities.known_as(self.context, name, variable, value)
        else:
            self.context = self.context.bind(**{name: value})

    def finish(self, definition: tree.Definition) -> None:
        if not any(name in self.assigned for name in self.state):
            self.infer.builder.report(
                "G604",
                f"`{definition.name.id}` never moves its state",
                definition.name.span,
                "nothing is assigned",
                help=("end with `x' = metropolis(y)` or `x' ~ …`",),
            )
