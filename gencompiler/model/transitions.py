"""Transition operators: `transition mala(x' | x) { y ~ …   x' = metropolis(y) }`, and what is composed of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import inner_densities, nodes
from gencompiler.model.builder import Context
from gencompiler.model.conditions import by_default, is_constant
from gencompiler.model.constants import evaluate
from gencompiler.model.declared import must_contain
from gencompiler.model.transition_steps import Body
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def resolve(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    variables: dict[str, nodes.Variable],
    joints: frozenset[str],
) -> nodes.Transition:
    """The typed steps of a transition over variables of the model."""
    builder = infer.builder
    signature = definition.signature
    assert isinstance(definition.body, tree.Block), "what is composed of others is resolved after them"
    if signature is None or signature.conditions is None:
        builder.report(
            "G604",
            "a transition has the head `(x' | x)`",
            definition.name.span,
            "what moves, and from where",
            help=(f"write `transition {definition.name.id}(x' | x) {{ … }}`",),
        )
    state = {d.name.id: _state(infer, d, variables) for d in signature.variables}
    current, conditions = _conditions(infer, context, definition, variables)
    _check_moves(infer, signature, state, current)
    inside = start(infer, context, definition, variables, joints, (*current, *conditions))
    body = Body(infer, inside, state, variables)
    for item in definition.body.items:
        body.add(item)
    body.finish(definition)
    return nodes.Transition(
        definition.name.id, tuple(state), current, tuple(body.steps), conditions, span=definition.span
    )


def start(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    variables: Mapping[str, nodes.Variable],
    joints: frozenset[str],
    inputs: tuple[nodes.Input, ...],
) -> Context:
    """The scope in which a transition's steps begin: its inputs, and nothing else of the model's variables."""
    names = {k: v for k, v in context.names.items() if k not in variables}
    inside = Context(context.constants, names, {}, f"{definition.name.id}.")
    frame = inner_densities.frame(definition, variables, joints, {})
    inside = dataclasses.replace(inside, frame=frame)
    for each in inputs:
        value = nodes.Reference(each.type, each.name, span=each.span)
        if each.name in variables:
            inside = inner_densities.known_as(inside, each.name, variables[each.name], value)
        else:
            inside = inside.bind(**{each.name: value})
    return inside


def _conditions(
    infer: Infer, context: Context, definition: tree.Definition, variables: Mapping[str, nodes.Variable]
) -> tuple[tuple[nodes.Input, ...], tuple[nodes.Input, ...]]:
    """The variables after the bar, and the conditions with types of their own; defaults are kept for uses."""
    declared = definition.signature.conditions if definition.signature is not None else None
    found = [(d, inner_densities.condition(infer, context, d, variables)) for d in declared or ()]
    for each, condition in found:
        if each.default is None:
            continue
        if each.type is None:
            infer.builder.unsupported("a variable of the model with a default", each.default.span)
        _check_value(infer, context, condition, each.default)
        infer.builder.usual[definition.name.id, each.name.id] = each.default
    return tuple(i for d, i in found if d.type is None), tuple(i for d, i in found if d.type is not None)


def _check_value(infer: Infer, context: Context, condition: nodes.Input, value: tree.Expr) -> None:
    """That a number is one that a condition may be."""
    if is_constant(value, context):
        must_contain(infer.builder, condition, evaluate(value, context.constants), value.span)


def _check_moves(
    infer: Infer, signature: tree.Signature, state: Mapping[str, nodes.Type], current: tuple[nodes.Input, ...]
) -> None:
    """What moves, moves from somewhere."""
    for name in state:
        if name.rstrip("'") not in {c.name for c in current}:
            infer.builder.report(
                "G604",
                f"`{name}` moves from nowhere",
                signature.span,
                f"the head does not list `{name.rstrip(chr(39))}`",
                help=("a transition is conditioned on the state it leaves",),
            )


def _state(infer: Infer, declaration: tree.ParameterDecl, variables: Mapping[str, nodes.Variable]) -> nodes.Type:
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


# -- composition -----------------------------------------------------------------------------------------------------


def compose(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    variables: dict[str, nodes.Variable],
    joints: frozenset[str],
    moves: Mapping[str, nodes.Transition],
) -> nodes.Transition:
    """`transition hmc = refresh |> move`, with a head or without: then it moves what its parts move."""
    signature = definition.signature
    assert isinstance(definition.body, tree.Expr)
    parts = _Composition(infer, context, moves)
    own: tuple[nodes.Input, ...] = ()
    state: dict[str, nodes.Type] = {}
    current: tuple[nodes.Input, ...] = ()
    if signature is not None:
        state = {d.name.id: _state(infer, d, variables) for d in signature.variables}
        current, own = _conditions(infer, context, definition, variables)
        _check_moves(infer, signature, state, current)
    parts.context = start(infer, context, definition, variables, joints, (*current, *own))
    if signature is None:  # weights may mention the state
        every = tuple(nodes.Input(v.name, v.type, span=v.span) for v in variables.values())
        parts.context = start(infer, context, definition, variables, joints, every)
    step = parts.step(definition.body)
    moved = dict.fromkeys(n for name in parts.used for n in moves[name].next)
    needed = dict.fromkeys(i for name in parts.used for i in moves[name].current)
    if signature is not None:
        _check_head(infer, definition, state, current, tuple(moved), tuple(needed))
        needed = dict.fromkeys((*current,))
        moved = dict.fromkeys(state)
    return nodes.Transition(definition.name.id, tuple(moved), tuple(needed), (step,), own, span=definition.span)


def _check_head(
    infer: Infer,
    definition: tree.Definition,
    state: Mapping[str, nodes.Type],
    current: tuple[nodes.Input, ...],
    moved: tuple[str, ...],
    needed: tuple[nodes.Input, ...],
) -> None:
    """A head lists all that the parts move and read."""
    assert definition.signature is not None
    missing = [n for n in moved if n not in state] + [i.name for i in needed if i.name not in {c.name for c in current}]
    if missing:
        infer.builder.report(
            "G604",
            f"a part of `{definition.name.id}` {'moves' if missing[0] in moved else 'reads'} `{missing[0]}`",
            definition.signature.span,
            "the head does not list it",
        )


class _Composition:
    """Steps made of transitions; `used` are the names of those."""

    def __init__(self, infer: Infer, context: Context, moves: Mapping[str, nodes.Transition]) -> None:
        self.infer = infer
        self.context = context
        self.moves = moves
        self.used: list[str] = []

    def step(self, expr: tree.Expr) -> nodes.Step:
        """The step that an expression over transitions is."""
        match expr:
            case tree.Name() | tree.Call() if (use := self._use(expr)) is not None:
                return use
            case tree.Binary(operator="|>", left=left, right=right):
                one, two = self.step(left), self.step(right)
                first = one.steps if isinstance(one, nodes.Series) else (one,)
                return nodes.Series((*first, two), span=expr.span)
            case tree.Binary(operator="^", left=left, right=right):
                return nodes.Iterate("", self._count(right), self.step(left), span=expr.span)
            case tree.Wrap(head=head, body=body):
                return self._repeat(expr, head, body)
            case tree.Call(function=tree.Name(id="mixture")):
                return self._mixture(expr)
        return self.infer.builder.report(
            "G604",
            "a transition is composed of transitions",
            expr.span,
            "not a transition",
            help=("write `a |> b`, `a^3`, `repeat(i in D) { a(i = i) }` or `mixture([0.3, 0.7], a, b)`",),
        )

    def _use(self, expr: tree.Name | tree.Call) -> nodes.Step | None:
        """`site` or `site(i = k)`"""
        builder = self.infer.builder
        name = expr if isinstance(expr, tree.Name) else expr.function
        if not isinstance(name, tree.Name) or name.id not in builder.definitions:
            return None
        definition = builder.definitions[name.id]
        if definition.kind != "transition":
            return None
        if name.id not in self.moves:
            from gencompiler.model.builder import Abandon

            raise Abandon  # it has been refused, or it is composed of this one
        move = self.moves[name.id]
        self.used.append(name.id)
        arguments = () if isinstance(expr, tree.Name) else (*expr.arguments, *(expr.conditions or ()))
        given = self._given(move, arguments, expr)
        return nodes.Use(name.id, given, span=expr.span)

    def _given(
        self, move: nodes.Transition, arguments: tuple[tree.Argument, ...], at: tree.Expr
    ) -> tuple[nodes.Binding, ...]:
        """Values for the conditions of a transition; one that is left out is the composition's own of its name, or what
        the transition says it is."""
        builder = self.infer.builder
        given = {a.name.id: a for a in arguments if a.name is not None}
        known = {*self.context.names, *self.context.indices}
        found = []
        for condition in move.conditions:
            argument = given.pop(condition.name, None)
            value = argument.value if argument is not None else tree.Name(condition.name, span=at.span)
            usual = builder.usual.get((move.name, condition.name))
            if argument is None and condition.name not in known and usual is not None:
                found.append(by_default(self.infer, self.context, condition.name, usual, at))
                continue
            if value is None or (argument is None and condition.name not in known):
                builder.report(
                    "G104",
                    f"`{move.name}` needs `{condition.name}`",
                    at.span,
                    f"write `{move.name}({condition.name} = …)`",
                    also=(Label(condition.span, "declared here"),),
                )
            _check_value(self.infer, self.context, condition, value)
            found.append(nodes.Binding(condition.name, self.infer.expression(self.context, value), span=at.span))
        if given or len(arguments) > len(move.conditions):
            named = ", ".join(f"`{c.name}`" for c in move.conditions) or "no conditions"
            builder.report("G104", f"`{move.name}` takes {named}", at.span, "too many arguments")
        return tuple(found)

    def _count(self, expr: tree.Expr) -> int:
        from gencompiler.model.builder import Abandon
        from gencompiler.model.constants import size

        found = size(expr, self.context.constants, self.infer.builder.reporter)
        if found is None:
            raise Abandon
        return found

    def _repeat(self, expr: tree.Wrap, head: tree.Expr, body: tree.Expr) -> nodes.Step:
        """`repeat(i in D) { … }` and `repeat(3) { … }`"""
        builder = self.infer.builder
        arguments = head.arguments if isinstance(head, tree.Call) else ()
        called = head.function if isinstance(head, tree.Call) else head
        if not isinstance(called, tree.Name) or called.id != "repeat" or len(arguments) != 1:
            builder.report("G604", "only `repeat(n)` has braces here", expr.span, "not a repetition")
        binding = arguments[0].binding
        if binding is None:
            assert arguments[0].value is not None
            return nodes.Iterate("", self._count(arguments[0].value), self.step(body), span=expr.span)
        info = self.infer.binding(self.context, binding)
        if info.extent is None:
            builder.report("G202", f"nothing says how far `{info.name}` runs", binding.span, "write `i in D`")
        outer, self.context = self.context, self.context.index(info)
        step = self.step(body)
        self.context = outer
        return nodes.Iterate(info.name, info.extent, step, span=expr.span)

    def _mixture(self, expr: tree.Call) -> nodes.Step:
        """`mixture([0.3, 0.7], a, b)`"""
        builder = self.infer.builder
        values = [a.value for a in expr.arguments]
        if not values or not isinstance(values[0], tree.Array) or any(a.name is not None for a in expr.arguments):
            builder.report(
                "G604",
                "a mixture has weights and as many transitions",
                expr.span,
                "write `mixture([0.3, 0.7], a, b)`",
            )
        weights = tuple(self.infer.expression(self.context, w) for w in values[0].items)
        branches = tuple(self.step(v) for v in values[1:] if v is not None)
        if len(weights) != len(branches):
            message = f"{len(weights)} weights for {len(branches)} transitions"
            builder.report("G604", message, expr.span, "they must pair up")
        return nodes.Mix(weights, branches, span=expr.span)
