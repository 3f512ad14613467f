"""Objectives: `train iwae(K = 20)` is the prelude's `iwae` with its arguments, resolved for this model.

An argument is a constant (with a default and a declared range), or a definition: a critic, a score network, an SDE.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import carried, densities, expectations, frames, nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, evaluate, size
from gencompiler.model.declared import contains, declared_support
from gencompiler.model.scope import nearest
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

_KINDS = {"sde": "an SDE", "transition": "a transition", "density": "a density"}

#: Where to look for another one.
_KNOWN = "among those that are known: `maximum_likelihood`, `elbo`, `iwae`, `wake_sleep`, `contrastive_divergence`"

#: What an objective that draws times of an SDE (`Uniform(time(k))`) takes besides the arguments of its signature.
EVERYWHERE = ("cutoff",)


class Objectives:
    """Resolves the objectives of one model.

    `own`: names of the objectives declared inside it, which speak of its variables by their names; `declared`: those of
    all its variables, also the refused ones; `eliminated`: the variables that a pipeline determines; `laws`: the
    conditionals that its equations state; `links`: its pipelines."""

    def __init__(
        self,
        infer: Infer,
        context: Context,
        known: Mapping[str, tree.Objective],
        own: frozenset[str],
        variables: dict[str, nodes.Variable],
        declared: frozenset[str],
        joints: frozenset[str],
        eliminated: frozenset[str],
        laws: tuple[nodes.Conditional, ...],
        links: tuple[nodes.Link, ...],
    ) -> None:
        self.infer = infer
        self.context = context
        self.known = known
        self.own = own
        self.variables = variables
        self.declared = declared
        self.joints = joints
        self.eliminated = eliminated
        self.laws = laws
        self.links = links

    def resolve(self, statement: tree.Request) -> nodes.Objective:
        """The objective of a `train` line; what is wrong inside one of the prelude is told at that line."""
        reporter, request = self.infer.builder.reporter, statement.value
        before = len(reporter.diagnostics)
        try:
            return self._resolve(request)
        finally:
            for number in range(before, len(reporter.diagnostics)):
                found = reporter.diagnostics[number]
                if found.labels[0].span.source.startswith(frames.PRELUDE):
                    asked = Label(request.span, "asked for here")
                    reporter.diagnostics[number] = dataclasses.replace(found, labels=(asked, *found.labels))

    def _resolve(self, request: tree.Expr) -> nodes.Objective:
        builder = self.infer.builder
        name, arguments = head_of(request)
        if name is None:
            builder.report("G702", "`train` is followed by the name of an objective", request.span, "not an objective")
        declared = self.known.get(name.id)
        if declared is None:
            builder.report(
                "G702",
                f"there is no objective called `{name.id}`",
                name.span,
                "unknown objective",
                help=nearest(name.id, frozenset(self.known)) or (_KNOWN,),
            )
        if builder.refused & self.declared:
            raise Abandon  # a variable has been refused: what the objective's names stand for is not known
        declared = frames.apart(declared, frozenset(self.variables))
        context = self._context(declared, name, arguments)
        phases: list[nodes.Phase] = []
        for number, phase in enumerate(declared.phases):
            phases.append(self._phase(context, phase, number))
            if any(p.label == phases[-1].label for p in phases[:-1]):
                builder.report("G102", f"two phases are called `{phases[-1].label}`", phase.span, "named again")
        return nodes.Objective(name.id, tuple(phases), span=declared.span)

    # -- the signature -----------------------------------------------------------------------------------------------

    def _context(self, declared: tree.Objective, name: tree.Name, arguments: tuple[tree.Argument, ...]) -> Context:
        """The scope of an objective's phases: its arguments, and what `x` and `z` stand for."""
        inside = declared.name.id in self.own
        constants = dict(self.context.constants) if inside else {}
        variables = set(self.variables)
        names = {k: v for k, v in self.context.names.items() if k not in variables} if inside else {}
        names |= {k: v for k, v in self.context.names.items() if k in variables and self.variables[k].role == "given"}
        aliases: dict[str, str] = {}
        given = self._given(declared, name, arguments)
        for parameter in _signature(declared):
            own = parameter.name.id
            argument = given.pop(own, None)
            value = argument.value if argument is not None else parameter.default
            if value is None:
                self.infer.builder.report(
                    "G104",
                    f"`{declared.name.id}` needs `{own}`",
                    name.span,
                    f"write `{declared.name.id}({own} = …)`",
                    also=(Label(parameter.span, "declared here"),),
                )
            outer = self.context if argument is not None else dataclasses.replace(self.context, constants=constants)
            self._bind(parameter, value, outer, constants, aliases)
        for own, argument in given.items():
            assert argument.value is not None
            constants[own] = self._number(argument.value, self.context)
        frame = self._frame(declared, inside, tuple(aliases.values()), name)
        return Context(constants, names, {}, f"{declared.name.id}.", aliases=aliases, frame=frame)

    def _given(
        self, declared: tree.Objective, name: tree.Name, arguments: tuple[tree.Argument, ...]
    ) -> dict[str, tree.Argument]:
        """The arguments of a `train` line by name; positional ones take the first free places."""
        places = [p.name.id for p in _signature(declared)]
        timed = any(isinstance(n, tree.Name) and n.id == "time" for n in walk(declared))
        known = (*places, *(EVERYWHERE if timed else ()))
        found: dict[str, tree.Argument] = {}
        free = iter([p for p in places if all(a.name is None or a.name.id != p for a in arguments)])
        for argument in arguments:
            own = argument.name.id if argument.name is not None else next(free, None)
            if own is None or own not in known or argument.value is None:
                takes = ", ".join(f"`{p}`" for p in places) or "no arguments"
                told = f"`{own}` is not an argument of `{name.id}`" if own else f"too many arguments for `{name.id}`"
                self.infer.builder.report(
                    "G104", told, argument.span, f"it takes {takes}", help=nearest(own or "", frozenset(places))
                )
            if own in found:
                self.infer.builder.report("G102", f"`{own}` is given twice", argument.span, "given again")
            found[own] = argument
        return found

    def _bind(
        self,
        parameter: tree.ParameterDecl,
        value: tree.Expr,
        outer: Context,
        constants: dict[str, nodes.Real],
        aliases: dict[str, str],
    ) -> None:
        """One argument: the name of a definition, or a constant in the declared range."""
        builder = self.infer.builder
        own = parameter.name.id
        wants_name = isinstance(parameter.type, tree.FunctionType) or (
            parameter.type is None and (parameter.default is None or isinstance(parameter.default, tree.Name))
        )
        if wants_name and isinstance(value, tree.Name) and value.id not in outer.constants:
            if value.id in builder.refused:
                raise Abandon
            if value.id not in builder.definitions:
                builder.report(
                    "G101",
                    f"nothing is called `{value.id}` here",
                    value.span,
                    "unknown name",
                    also=(Label(parameter.span, f"for `{own}`"),),
                    help=nearest(value.id, frozenset(builder.definitions)),
                )
            aliases[own] = value.id
            return
        if wants_name and (isinstance(parameter.type, tree.FunctionType) or isinstance(parameter.default, tree.Name)):
            builder.report(
                "G104",
                f"`{own}` is a function, given by its name",
                value.span,
                "not a name",
                also=(Label(parameter.span, "declared here"),),
            )
        constants[own] = found = self._number(value, outer)
        self._in_range(parameter, value, found, constants)

    def _number(self, value: tree.Expr, context: Context) -> nodes.Real:
        try:
            return evaluate(value, context.constants)
        except NotConstant as problem:
            self.infer.builder.report(
                "G206", f"a constant is needed here, and {problem.reason}", problem.expr.span, "not a constant"
            )

    def _in_range(
        self, parameter: tree.ParameterDecl, value: tree.Expr, found: nodes.Real, constants: dict[str, nodes.Real]
    ) -> None:
        if not isinstance(parameter.type, tree.SupportType):
            return
        support = declared_support(self.infer.builder, parameter.type, constants)
        if not contains(support, found):
            self.infer.builder.report(
                "G206",
                f"`{parameter.name.id}` must be {support}, and this is {nodes.format_real(found)}",
                value.span,
                "out of range",
                also=(Label(parameter.span, "declared here"),),
            )

    # -- what the names mean -----------------------------------------------------------------------------------------

    def _frame(self, declared: tree.Objective, inside: bool, given: tuple[str, ...], name: tree.Name) -> frames.Frame:
        """`x` is all observed and `z` all latent variables that nothing determines, or what the definitions that are
        `given` move; a variable is itself, but in the prelude, which cannot know what a model calls `k` or `t`."""
        every = tuple(self.variables.values())
        latent = tuple(v for v in every if v.role == "latent")
        free = tuple(v for v in latent if v.name not in self.eliminated)
        own = {v.name: (v,) for v in every}
        generic = {"x": tuple(v for v in every if v.role == "observed"), "z": free or latent}
        read = carried.from_data(self.variables, self.links, self.infer.builder.surjections)
        if not inside:
            of = (self.infer.builder, given, self.variables, self.links, declared.name.id, name.span)
            moving = carried.moved(*of)
            if moving is not None and (moving.x.role == "latent" or moving.z is not None):
                generic["x"] = (moving.x,)
            if moving is not None and moving.z is not None:
                generic["z"] = (moving.z,)
        if declared.span.source.startswith(frames.PRELUDE):
            own = {}
        meanings = {**generic, **own} if inside else {**own, **generic}
        known = frozenset(read)
        return frames.Frame(declared.name.id, declared.span.source, meanings, self.joints, laws=self.laws, read=known)

    # -- phases ------------------------------------------------------------------------------------------------------

    def _phase(self, context: Context, phase: tree.Phase, number: int) -> nodes.Phase:
        builder = self.infer.builder
        repeats, update = 1, phase
        if isinstance(phase, tree.Repeated):
            repeats = self._repeats(context, phase)
            if len(phase.phases) != 1 or not isinstance(phase.phases[0], tree.Update):
                builder.unsupported("a repetition of several phases", phase.span)
            update = phase.phases[0]
        assert isinstance(update, tree.Update)
        label = phase.label or update.label
        groups = tuple(self._group(context, g) for g in update.groups)
        for k, group in enumerate(groups):
            if group in groups[:k]:
                builder.report("G102", f"`{group}` is updated twice", update.groups[k].span, "named again")
        value = expectations.value(self.infer, context, update.value)
        name = label.id if label is not None else f"phase_{number + 1}"
        ends = None if update.within is None else self._ends(context, update.within)
        return nodes.Phase(name, groups, (), update.direction == "maximize", value, repeats, ends, span=update.span)

    def _ends(self, context: Context, within: tree.TypeExpr) -> tuple[nodes.Real, nodes.Real]:
        """The ends between which a phase keeps what it updates."""
        builder = self.infer.builder
        if isinstance(within, tree.SupportType) and within.name.id == "Interval" and not within.shape:
            low, high = declared_support(builder, within, context.constants).arguments
            if math.isfinite(low) and math.isfinite(high):
                return low, high
        return builder.report(
            "G704",
            "a step is kept within an interval of two ends",
            within.span,
            "not such an interval",
            help=("write `update C in Interval(-0.01, 0.01) maximize …`",),
        )

    def _repeats(self, context: Context, phase: tree.Repeated) -> int:
        builder = self.infer.builder
        name, arguments = head_of(phase.head)
        if name is None or name.id != "repeat" or len(arguments) != 1 or arguments[0].value is None:
            builder.report("G704", "phases are repeated with `repeat(n) { … }`", phase.head.span, "not a repetition")
        found = size(arguments[0].value, context.constants, builder.reporter)
        if found is None:
            raise Abandon
        return found

    def _group(self, context: Context, name: tree.Name) -> str:
        """The joint, function or map whose parameters a phase updates."""
        builder = self.infer.builder
        if name.id in builder.refused:
            raise Abandon
        definition = builder.definition(context, name.id)
        if definition is None and name.id in self.joints:
            return name.id
        if definition is not None and definition.kind in ("def", "bijection"):
            if definition.name.id not in builder.local_definitions and not definition.extern:
                builder.report(
                    "G704",
                    f"`{definition.name.id}` owns no parameters: it is a template, new at every use",
                    name.span,
                    "nothing to update",
                    also=(Label(definition.name.span, "declared outside the model"),),
                    help=("declare it inside the model",),
                )
            return definition.name.id
        if definition is None:
            densities.check_stated(self.infer, context, name)
        own = definition.name.id if definition is not None else name.id
        what = _KINDS.get(definition.kind, "a definition") if definition is not None else "no joint, function or map"
        message = f"`{own}` is {what}: it has no parameters to update"
        return builder.report("G704", message, name.span, "nothing to update")


def head_of(expr: tree.Expr) -> tuple[tree.Name | None, tuple[tree.Argument, ...]]:
    """`name` or `name(arguments)`"""
    if isinstance(expr, tree.Name):
        return expr, ()
    if isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name):
        return expr.function, (*expr.arguments, *(expr.conditions or ()))
    return None, ()


def _signature(declared: tree.Objective) -> tuple[tree.ParameterDecl, ...]:
    signature = declared.signature
    return () if signature is None else (*signature.variables, *(signature.conditions or ()))
