"""Stochastic differential equations: `sde vp(x | t : Interval(0, 1)) { dx = -0.5 * x * dt + dW }`, what they are to
end in (`p(x(1)) = Normal(0, 1)`), and what is derived from them by name (`signal(vp, t)`, `time(vp)`)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.declared import declared_support
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: What is derived from an SDE by name, as a function of time.
COEFFICIENTS = ("signal", "noise", "gain")

#: Training and sampling stop this far above the lower end of time, where the kernel has no density.
CUTOFF = Fraction(1, 1000)

_NOISE = re.compile(r"dW[0-9]*")
_TIMES = ("Interval", "Positive", "NonNegative")


# -- definitions -----------------------------------------------------------------------------------------------------


def resolve(
    infer: Infer, context: Context, definition: tree.Definition, variables: dict[str, nodes.Variable]
) -> nodes.Sde:
    """The typed equations of an SDE over variables of the model; raises Abandon after a report."""
    states, time = _head(infer, context, definition, variables)
    names = {k: v for k, v in context.names.items() if k not in {s.name for s in states}}
    names |= {i.name: nodes.Reference(i.type, i.name, span=i.span) for i in (*states, time)}
    inside = Context(context.constants, names, {}, f"{definition.name.id}.")
    reading: set[bool] = set()
    moved = [
        _moved(infer, inside, state, equation, time, reading)
        for state, equation in zip(states, _equations(infer, definition, states), strict=True)
    ]
    drives: dict[str, nodes.Noise] = {}
    for noise in (n for each in moved for n in each.noises):
        other = drives.setdefault(noise.name, noise)
        if other is not noise:
            what = f"one noise that drives several variables (`d{noise.name}`; `d{noise.name}2` is another one)"
            infer.builder.unsupported(what, noise.span)
    return nodes.Sde(definition.name.id, tuple(moved), time, True in reading, span=definition.span)


def _moved(
    infer: Infer, inside: Context, state: nodes.Input, equation: tree.Equation, time: nodes.Input, reading: set[bool]
) -> nodes.Moved:
    """One equation; `reading` collects the calculi that an SDE is written in."""
    terms = _Terms(infer, inside, time.name, reading)
    terms.add(equation.value, 1)
    drift = _sum(infer, terms.drift) or _zero(equation.value)
    noises = []
    for name, parts in terms.noises.items():
        coefficient = _sum(infer, parts)
        assert coefficient is not None
        noises.append(nodes.Noise(name.removeprefix("d"), coefficient, span=coefficient.span))
    for value in (drift, *(n.coefficient for n in noises)):
        _fits(infer, value, state)
    return nodes.Moved(state, drift, tuple(noises), span=equation.span)


def _malformed(infer: Infer, message: str, at: Node, label: str = "", *help_: str) -> NoReturn:
    infer.builder.report("G605", message, at.span, label, help=help_)


def _head(
    infer: Infer, context: Context, definition: tree.Definition, variables: dict[str, nodes.Variable]
) -> tuple[list[nodes.Input], nodes.Input]:
    """The states and the time of `name(x | t : Interval(0, 1))`."""
    signature, name = definition.signature, definition.name
    if signature is None or signature.conditions is None or len(signature.conditions) != 1:
        _malformed(infer, "an SDE has the head `(x | t : Interval(0, 1))`", name, "what moves, and its time")
    (clock,) = signature.conditions
    states: list[nodes.Input] = []
    for moved in signature.variables:
        if moved.type is not None or moved.name.id not in variables:
            known = frozenset(variables)
            message = f"`{moved.name.id}` is not a variable of the model"
            infer.builder.report("G605", message, moved.span, "an SDE moves one", help=nearest(moved.name.id, known))
        variable = variables[moved.name.id]
        if variable.type.support != nodes.REAL:
            message = f"an SDE moves real numbers, and `{variable.name}` is `{variable.type}`"
            _malformed(infer, message, moved, "not over the reals")
        if variable.name in {s.name for s in states}:
            infer.builder.report("G102", f"`{variable.name}` is named twice", moved.span, "again")
        states.append(nodes.Input(variable.name, variable.type, span=moved.span))
    if not isinstance(clock.type, tree.SupportType) or clock.type.shape:
        _malformed(infer, f"the time `{clock.name.id}` has no interval", clock, "", "write `t : Interval(0, 1)`")
    support = declared_support(infer.builder, clock.type, context.constants)
    if support.name not in _TIMES or nodes.INFINITY in support.arguments:
        message = f"time runs over an interval, not over `{support}`"
        _malformed(infer, message, clock.type, "", "write `Interval(a, b)`, or `Positive` without an end")
    return states, nodes.Input(clock.name.id, nodes.Type(support), span=clock.span)


def _equations(infer: Infer, definition: tree.Definition, states: list[nodes.Input]) -> list[tree.Equation]:
    """The equation of each state, in the order of the head."""
    wanted = [f"d{state.name}" for state in states]
    listed = ", ".join(f"`{w}`" for w in wanted)
    if not isinstance(definition.body, tree.Block):
        _malformed(infer, f"an SDE is a block `{{ {wanted[0]} = … * dt + … * dW }}`", definition.name)
    found: dict[str, tree.Equation] = {}
    for item in definition.body.items:
        target = item.targets[0]
        if item.relation != "=" or item.guard is not None or not isinstance(target, tree.Name) or len(item.targets) > 1:
            _malformed(infer, f"an equation of an SDE is `{wanted[0]} = …`", item, "not an equation")
        if target.id not in wanted:
            moves = ", ".join(f"`{s.name}`" for s in states)
            _malformed(infer, f"the SDE moves {moves}, and this is `{target.id}`", target, f"write {listed}")
        if target.id in found:
            _malformed(infer, f"`{target.id}` has one equation", item, "stated again")
        found[target.id] = item
    missing = next((w for w in wanted if w not in found), None)
    if missing is not None:
        _malformed(infer, f"`{missing}` has one equation", definition.name, "there is none")
    return [found[w] for w in wanted]


class _Terms:
    """The right-hand side, taken apart: what stands at `dt`, and what at each `dW`."""

    def __init__(self, infer: Infer, context: Context, time: str, reading: set[bool]) -> None:
        self.infer = infer
        self.context = context
        self.step = f"d{time}"
        self.drift: list[nodes.Expr] = []
        self.noises: dict[str, list[nodes.Expr]] = {}
        self.stratonovich = reading

    def add(self, expr: tree.Expr, sign: int) -> None:
        """One summand with its sign."""
        if isinstance(expr, tree.Binary) and expr.operator in ("+", "-"):
            self.add(expr.left, sign)
            self.add(expr.right, sign if expr.operator == "+" else -sign)
            return
        differential, factors = self._factors(expr)
        if differential is None:
            message = f"each term of an SDE ends in `* {self.step}` or `* dW`"
            _malformed(self.infer, message, expr, "neither drift nor noise")
        value = self._product(factors, sign, expr)
        if differential.id == self.step:
            self.drift.append(value)
            return
        self.noises.setdefault(differential.id, []).append(value)

    def _factors(self, expr: tree.Expr) -> tuple[tree.Name | None, list[tree.Expr]]:
        """The differential of a product, and its other factors; -(a * dt) is (-1) a dt."""
        if isinstance(expr, tree.Name) and (expr.id in (self.step, "dt") or _NOISE.fullmatch(expr.id)):
            if expr.id == "dt" != self.step:
                _malformed(self.infer, f"the time of this SDE is `{self.step[1:]}`", expr, f"write `{self.step}`")
            return expr, []
        if isinstance(expr, tree.Unary) and expr.operator == "-":
            found, factors = self._factors(expr.operand)
            return found, [tree.Number(Fraction(-1), "-1", span=expr.span), *factors]
        if isinstance(expr, tree.Binary) and expr.operator in ("*", "o"):
            left, before = self._factors(expr.left)
            right, after = self._factors(expr.right)
            if left is not None and right is not None:
                _malformed(self.infer, "a product of two differentials", expr, "one is enough")
            if right is not None and _NOISE.fullmatch(right.id) and expr.operator in ("*", "o"):
                self._interpretation(expr)
            return left or right, [*before, *after]
        if isinstance(expr, tree.Binary) and expr.operator == "@" and self._factors(expr.right)[0] is not None:
            self.infer.builder.unsupported("noise through a matrix (`L @ dW`)", expr.span)
        return None, [expr]

    def _interpretation(self, product: tree.Binary) -> None:
        """`∘ dW` is Stratonovich, `* dW` Itô; one SDE does not mix them."""
        self.stratonovich.add(product.operator == "o")
        if len(self.stratonovich) > 1:
            message = "an SDE is Itô (`* dW`) or Stratonovich (`∘ dW`), not both"
            _malformed(self.infer, message, product, "read in the other way")

    def _product(self, factors: list[tree.Expr], sign: int, at: tree.Expr) -> nodes.Expr:
        values = [self.infer.expression(self.context, f) for f in factors]
        if not values:
            return nodes.Literal(nodes.Type(nodes.REAL), Fraction(sign), span=at.span)
        if isinstance(values[0], nodes.Literal) and values[0].value == -1 and len(values) > 1:
            values, sign = values[1:], -sign
        product = values[0]
        for value in values[1:]:
            product = self.infer.apply("multiply", (product, value), at.span)
        return product if sign > 0 else self.infer.apply("negate", (product,), at.span)


def _sum(infer: Infer, parts: list[nodes.Expr]) -> nodes.Expr | None:
    total = parts[0] if parts else None
    for part in parts[1:]:
        assert total is not None
        total = infer.apply("add", (total, part), part.span)
    return total


def _zero(at: tree.Expr) -> nodes.Expr:
    return nodes.Literal(nodes.Type(nodes.REAL), Fraction(0), span=at.span)


def _fits(infer: Infer, value: nodes.Expr, state: nodes.Input) -> None:
    shape = known_shape(value.type)
    if shape != () and not unify(value.type, state.type):
        message = f"`{state.name}` has the shape {list(state.type.shape)}, and this term {list(shape or ())}"
        infer.builder.report("G201", message, value.span, "does not fit")


# -- terminal laws ---------------------------------------------------------------------------------------------------


def is_terminal(head: tree.Call, variables: dict[str, nodes.Variable]) -> bool:
    """Whether a head is `p(x(1))`."""
    argument = head.arguments[0].value if len(head.arguments) == 1 else None
    name = argument.function if isinstance(argument, tree.Call) else None
    return isinstance(name, tree.Name) and name.id in variables


def terminal(
    infer: Infer, context: Context, equation: tree.Equation, head: tree.Call, variables: dict[str, nodes.Variable]
) -> nodes.Terminal:
    """`p(x(1)) = Normal(0, 1)`"""
    from gencompiler.model import laws

    value = head.arguments[0].value
    assert isinstance(value, tree.Call) and isinstance(value.function, tree.Name)
    assert isinstance(head.function, tree.Name)
    variable = variables[value.function.id]
    times = [a.value for a in value.arguments]
    if equation.relation != "=" or head.conditions is not None or len(times) != 1 or times[0] is None:
        _malformed(infer, "what an SDE ends in is stated as `p(x(1)) = Normal(…)`", equation)
    known = infer.builder.definitions
    if not any(_moves(known[name], variable.name) for name in known.of_kind("sde")):
        _malformed(infer, f"no SDE moves `{variable.name}`", value, "a variable at a time", "declare one: `sde …`")
    at = _number(infer, context, times[0])
    names = {k: v for k, v in context.names.items() if k not in variables}
    inside = Context(context.constants, names, {}, context.path)
    law = laws.distribution(infer, inside, equation.value, variable.type)
    joint = head.function.id
    return nodes.Terminal(joint, variable.name, at, law, span=equation.span)


def _moves(definition: tree.Definition, name: str) -> bool:
    signature = definition.signature
    return signature is not None and any(v.name.id == name for v in signature.variables)


def _number(infer: Infer, context: Context, value: tree.Expr) -> nodes.Real:
    try:
        return evaluate(value, context.constants)
    except NotConstant as problem:
        infer.builder.report("G206", "a time is a constant here", problem.expr.span, problem.reason)


# -- what is derived, by name ----------------------------------------------------------------------------------------


def named(infer: Infer, context: Context, expr: tree.Expr | None) -> str | None:
    """The SDE that an expression names, directly or through an objective's argument."""
    if not isinstance(expr, tree.Name) or expr.id in context.names:
        return None
    definition = infer.builder.definition(context, expr.id)
    return definition.name.id if definition is not None and definition.kind == "sde" else None


def coefficient(infer: Infer, context: Context, expr: tree.Call, quantity: str) -> nodes.Expr:
    """`signal(sde, t)`, `noise(sde, t)`, `gain(sde, t)`: a number."""
    arguments = [a.value for a in expr.arguments if a.name is None]
    sde = named(infer, context, arguments[0]) if arguments else None
    if expr.conditions is not None or len(arguments) != 2 or arguments[1] is None or len(expr.arguments) != 2:
        infer.builder.report("G104", f"`{quantity}(sde, t)` takes an SDE and a time", expr.span, "wrong arguments")
    if sde is None:
        infer.builder.report("G104", f"`{quantity}` is of an SDE", expr.arguments[0].span, "this names none")
    time = infer.expression(context, arguments[1])
    if known_shape(time.type) != ():
        infer.builder.report("G201", "a time is a number", time.span, f"shape {list(known_shape(time.type) or ())}")
    return nodes.Coefficient(nodes.Type(nodes.REAL), quantity, sde, time, span=expr.span)


def times(infer: Infer, context: Context, expr: tree.Call) -> tuple[nodes.Real, nodes.Real]:
    """The ends of `time(sde)`: where its kernel has a density, `cutoff` above the lower end of time."""
    sde = named(infer, context, expr.arguments[0].value) if len(expr.arguments) == 1 else None
    if sde is None or expr.conditions is not None:
        infer.builder.report("G104", "`time(sde)` takes an SDE", expr.span, "wrong arguments")
    definition = infer.builder.definitions[sde]
    clock = (definition.signature.conditions or (None,))[0] if definition.signature else None
    if clock is None or not isinstance(clock.type, tree.SupportType):
        raise Abandon  # the SDE itself has been reported
    support = declared_support(infer.builder, clock.type, context.constants)
    if support.name != "Interval":
        infer.builder.report("G206", f"the time of `{sde}` has no end", expr.span, f"it runs over `{support}`")
    lower, upper = support.arguments
    return lower + context.constants.get("cutoff", CUTOFF), upper


def expanded(infer: Infer, context: Context, arguments: list[tree.Argument]) -> list[tree.Argument]:
    """`Uniform(time(sde))` as `Uniform(lower, upper)`."""
    found: list[tree.Argument] = []
    for argument in arguments:
        value = argument.value
        if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) and value.function.id == "time":
            for end in times(infer, context, value):
                number = tree.Number(Fraction(end), str(end), span=value.span)
                found.append(tree.Argument(None, number, span=argument.span))
        else:
            found.append(argument)
    return found
