"""An SDE as a bijection, `x = z |> flow(score, vp)`: its probability flow as a stage of a pipeline.

With the score of p_t in place of ∇ log p_t, the ODE dx = (f - ½ g² score) dt has the marginals of the SDE (Song et al.,
ICLR 2021, eq. 13).  Run from the end of time, where z is, down to `cutoff` above its start, where the data is, it is a
continuous flow like any other, whatever the score: the stage is the ODE of a `def` that is derived here,

    d state / ds = (f - ½ g² score) dt/ds     t = lo + (hi - lo) (1 - s)^rho,   0 <= s <= 1,

where rho > 1 makes the equal steps of a solver shorter towards the data.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import words
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import flows, nodes, sde_requests
from gencompiler.model.builder import Context
from gencompiler.model.sdes import CUTOFF
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The time of the stage, from 0 at the latent variable to 1 at the data.
CLOCK = "passed"


def stage(infer: Infer, context: Context, expr: tree.Expr, shape: tuple[int, ...]) -> nodes.UseOde:
    """`flow(score, vp, solver = dopri5(tolerance = 1e-5), cutoff = 1e-3, rho = 2)`"""
    builder = infer.builder
    arguments = expr.arguments if isinstance(expr, tree.Call) and expr.conditions is None else ()
    plain = [a for a in arguments if a.name is None]
    if len(plain) != 2:
        builder.report("G104", "`flow(score, sde)` takes a score and an SDE", expr.span, "wrong arguments")
    score, moved = plain
    sde = builder.equations_of(moved.value.id) if isinstance(moved.value, tree.Name) else None
    if sde is None:
        builder.report("G104", "`flow(score, sde)` takes an SDE", moved.span, "this names none")
    sde_requests.of_one_variable(infer, sde, moved)
    flows.one_axis(infer, expr, shape)
    if context.iterations:
        builder.unsupported("the flow of one SDE in a repetition", expr.span)
    if sde.state.type.shape != shape:
        message = f"`{sde.name}` moves `{sde.state.name}`, of the shape {list(sde.state.type.shape)}"
        builder.report("G201", message, moved.span, f"what comes here has the shape {list(shape)}")
    name = sde_requests.read_score(infer, context, sde, score)
    numbers = {"cutoff": CUTOFF, "rho": Fraction(1)}
    options = []
    for argument in arguments:
        if argument.name is not None and argument.name.id in numbers and argument.value is not None:
            numbers[argument.name.id] = _number(infer, context, argument)
        elif argument.name is not None:
            options.append(flows.option(infer, context, argument, "flow", (*words.FLOW, *flows.OPTIONS)))
    own = builder.fresh(f"{sde.name}_flow")
    builder.carriers[own] = sde.name
    velocity = _velocity(infer, sde, name, numbers, expr.span)
    inputs = (sde.state, nodes.Input(CLOCK, nodes.Type(flows.UNIT), span=expr.span))
    builder.functions[own] = nodes.Function(own, inputs, velocity, span=expr.span)
    return nodes.UseOde(own, shape, tuple(options), span=expr.span)


def _number(infer: Infer, context: Context, argument: tree.Argument) -> Fraction:
    """`cutoff` is a time above 0; `rho` a whole number, so that the ends of time are exact."""
    assert argument.value is not None
    found = sde_requests.read_number(infer, context, argument, argument.value)
    if found.name == "rho" and Fraction(found.value).denominator != 1:
        infer.builder.report("G206", "`rho` is a positive whole number", argument.span, f"this is {found.value}")
    return Fraction(found.value)


def _velocity(infer: Infer, sde: nodes.Sde, score: str, numbers: dict[str, Fraction], span: Span) -> nodes.Expr:
    """d state / ds, where the time of the SDE is a local name."""
    lower, upper = _ends(infer, sde, numbers["cutoff"], span)
    bent = next((n for n in sde.noises if any(_is(each, sde.state.name) for each in walk(n.coefficient))), None)
    if bent is not None:
        also = "an SDE whose noise depends on the state, as a stage,"
        infer.builder.unsupported(also, bent.span)

    def call(function: str, *of: nodes.Expr) -> nodes.Expr:
        return infer.apply(function, of, span)

    def literal(value: Fraction) -> nodes.Expr:
        return nodes.Literal(nodes.Type(nodes.REAL), value, span=span)

    state = nodes.Reference(sde.state.type, sde.state.name, span=span)
    time = nodes.Reference(sde.time.type, sde.time.name, span=span)
    clock = nodes.Reference(nodes.Type(flows.UNIT), CLOCK, span=span)
    left, rho = call("subtract", literal(Fraction(1)), clock), numbers["rho"]
    length = literal(upper - lower)
    when = call("add", literal(lower), call("multiply", length, _power(infer, left, int(rho), span)))
    rate = call("multiply", literal(-rho * (upper - lower)), _power(infer, left, int(rho) - 1, span))
    moved: nodes.Expr = sde.drift
    pull = nodes.Call(state.type, score, (state, time), span=span)
    for noise in sde.noises:
        half = call("multiply", literal(Fraction(1, 2)), call("multiply", noise.coefficient, noise.coefficient))
        moved = call("subtract", moved, call("multiply", half, pull))
    body = call("multiply", rate, moved)
    return nodes.Let(body.type, (nodes.Binding(sde.time.name, when, span=span),), body, span=span)


def _is(node: object, name: str) -> bool:
    return isinstance(node, nodes.Reference) and node.name == name


def _power(infer: Infer, base: nodes.Expr, exponent: int, span: Span) -> nodes.Expr:
    """base^exponent; without a power where it is 0 or 1."""
    if exponent == 1:
        return base
    number = nodes.Literal(nodes.Type(nodes.REAL), Fraction(1 if exponent == 0 else exponent), span=span)
    return number if exponent == 0 else infer.apply("power", (base, number), span)


def _ends(infer: Infer, sde: nodes.Sde, cutoff: Fraction, span: Span) -> tuple[Fraction, Fraction]:
    """The times at the data and at the latent variable."""
    ends = sde.time.type.support.arguments
    if len(ends) != 2:
        message = f"`flow` needs a time at which `{sde.name}` ends, and its time is `{sde.time.type.support}`"
        infer.builder.report("G703", message, span, "no end", also=(Label(sde.span, "runs for ever"),))
    lower, upper = Fraction(ends[0]) + cutoff, Fraction(ends[1])
    if lower >= upper:
        message = f"the cutoff of `flow` is not below the end of time, {upper}"
        infer.builder.report("G703", message, span, f"it is {cutoff}")
    return lower, upper
