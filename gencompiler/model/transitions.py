"""Transition operators: `transition mala(x' | x) { y ~ …   x' = metropolis(y) }`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import laws, nodes
from gencompiler.model.builder import Context
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def resolve(
    infer: Infer, context: Context, definition: tree.Definition, variables: dict[str, nodes.Variable]
) -> nodes.Transition:
    """The typed steps of a transition over variables of the model."""
    builder = infer.builder
    signature = definition.signature
    if not isinstance(definition.body, tree.Block):
        builder.unsupported("a transition composed of others", definition.span)
    if signature is None or signature.conditions is None:
        builder.report(
            "G604",
            "a transition has the head `(x' | x)`",
            definition.name.span,
            "what moves, and from where",
            help=(f"write `transition {definition.name.id}(x' | x) {{ … }}`",),
        )
    state = {}
    for declaration in signature.variables:
        state[declaration.name.id] = _state(infer, declaration, variables)
    current = [_current(infer, declaration, variables) for declaration in signature.conditions]
    for name in state:
        if name.rstrip("'") not in {c.name for c in current}:
            builder.report(
                "G604",
                f"`{name}` moves from nowhere",
                signature.span,
                f"the head does not list `{name.rstrip(chr(39))}`",
                help=("a transition is conditioned on the state it leaves",),
            )
    names = {k: v for k, v in context.names.items() if k not in variables}
    names |= {c.name: nodes.Reference(c.type, c.name, span=c.span) for c in current}
    body = _Body(infer, Context(context.constants, names, {}, f"{definition.name.id}."), state)
    for item in definition.body.items:
        body.add(item)
    body.finish(definition)
    return nodes.Transition(definition.name.id, tuple(state), tuple(current), tuple(body.steps), span=definition.span)


def _state(infer: Infer, declaration: tree.ParameterDecl, variables: dict[str, nodes.Variable]) -> nodes.Type:
    name = declaration.name
    if not name.id.endswith("'") or name.id[:-1] not in variables:
        infer.builder.report(
            "G604",
            f"`{name.id}` is not the next value of a variable",
            name.span,
            "left of the bar stand primed variables",
            help=(f"write `{name.id.rstrip(chr(39))}'`",),
        )
    return variables[name.id[:-1]].type


def _current(infer: Infer, declaration: tree.ParameterDecl, variables: dict[str, nodes.Variable]) -> nodes.Input:
    name = declaration.name
    if declaration.type is not None:
        infer.builder.unsupported("a transition with conditions of its own", declaration.span)
    if name.id not in variables:
        infer.builder.report(
            "G604", f"`{name.id}` is not a variable of the model", name.span, "right of the bar stand variables"
        )
    return nodes.Input(name.id, variables[name.id].type, span=name.span)


class _Body:
    """The steps of one transition, in order."""

    def __init__(self, infer: Infer, context: Context, state: dict[str, nodes.Type]) -> None:
        self.infer = infer
        self.context = context
        self.state = state
        self.steps: list[nodes.Step] = []
        self.assigned: dict[str, tree.Equation] = {}

    def add(self, item: tree.Equation) -> None:
        builder = self.infer.builder
        if item.guard is not None:
            builder.unsupported("a guarded step", item.guard.span)
        names = []
        for target in item.targets:
            if not isinstance(target, tree.Name):
                builder.unsupported("a step that moves part of a variable", target.span)
            names.append(target.id)
            if target.id in self.assigned:
                builder.report(
                    "G302",
                    f"`{target.id}` is assigned twice",
                    target.span,
                    "assigned again",
                    also=(Label(self.assigned[target.id].span, "first here"),),
                )
            self.assigned[target.id] = item
        if item.relation == "~":
            self._draw(item, names)
        elif item.relation == "=":
            self._assign(item, names)
        else:
            builder.report(
                "G604", "a step draws with `~` or defines with `=`", item.span, f"this says `{item.relation}`"
            )

    def _draw(self, item: tree.Equation, names: list[str]) -> None:
        if len(names) != 1:
            self.infer.builder.unsupported("a draw of several names", item.span)
        event = self.state.get(names[0]) or self._event()
        value = laws.distribution(self.infer, self.context, item.value, event)
        if laws.by_a_vector(value):
            self.infer.builder.unsupported("a draw by a vector of probabilities in a transition", item.span)
        self.steps.append(nodes.Draw(names[0], value, span=item.span))
        self._bind(names[0], event, item)

    def _event(self) -> nodes.Type:
        """A draw without a declared type has the state's: proposals live where the state does."""
        shapes = {t.shape for t in self.state.values()}
        if len(shapes) != 1:
            self.infer.builder.unsupported("a proposal for a state of several shapes", self.context.names["x"].span)
        return nodes.Type(nodes.REAL, next(iter(shapes)))

    def _assign(self, item: tree.Equation, names: list[str]) -> None:
        value = item.value
        head = value.function.id if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) else ""
        if isinstance(value, tree.Call) and head in ("metropolis", "accept"):
            self._accept(item, names, value, head)
            return
        if len(names) != 1:
            self.infer.builder.unsupported("several names for one value here", item.span)
        found = self.infer.expression(self.context, value)
        if names[0] in self.state and not unify(found.type, self.state[names[0]]):
            self.infer.builder.report(
                "G201",
                f"`{names[0]}` has the shape {list(self.state[names[0]].shape)}",
                value.span,
                f"this has {list(known_shape(found.type) or ())}",
            )
        self.steps.append(nodes.Assign(names[0], found, span=item.span))
        self._bind(names[0], found.type, item)

    def _accept(self, item: tree.Equation, names: list[str], value: tree.Call, head: str) -> None:
        builder = self.infer.builder
        plain = [a.value for a in value.arguments if a.name is None and a.value is not None]
        named = {a.name.id: a for a in value.arguments if a.name is not None}
        if set(named) - {"target"} or value.conditions is not None:
            builder.report("G104", f"`{head}` takes proposals and `target`", value.span, "unknown argument")
        target = "p"
        if "target" in named:
            target_value = named["target"].value
            if not isinstance(target_value, tree.Name) or target_value.id != "p":
                builder.unsupported("a target besides `p`", named["target"].span)
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

    def _bind(self, name: str, type_: nodes.Type, item: tree.Equation) -> None:
        self.context = self.context.bind(**{name: nodes.Reference(type_, name, span=item.span)})

    def finish(self, definition: tree.Definition) -> None:
        if not any(name in self.assigned for name in self.state):
            self.infer.builder.report(
                "G604",
                f"`{definition.name.id}` never moves its state",
                definition.name.span,
                "nothing is assigned",
                help=("end with `x' = metropolis(y)` or `x' ~ …`",),
            )
