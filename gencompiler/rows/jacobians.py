"""log|det| of a Jacobian I + A with |A| <= c < 1: written out in few dimensions, in many by random terms of a series.

    log|det(I + A)| = tr log(I + A) = Σ_k (-1)^(k + 1) tr(A^k) / k

A trace is the mean of v·A^k v over vectors v of random signs (Hutchinson 1990), and the series that of its first N
terms over a random N, each divided by the probability that it is reached (Chen, Behrmann, Duvenaud & Jacobsen, Residual
flows, NeurIPS 2019, theorem 1).  So the estimate has no bias, nor has its gradient.  After the first `SURE` terms each
is reached from the one before with probability c: a smaller one could make the variance infinite, as A^k shrinks no
faster than c^k.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.model import nodes as model
from gencompiler.proof.contractions import EXACT_UP_TO
from gencompiler.proof.lipschitz_rules import steps_of
from gencompiler.rows.adjoint import gradient
from gencompiler.rows.nodes import Expr
from gencompiler.rows.solvers import signs
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Terms of the series that every row has.
SURE = 2
#: Iterations of a repetition have noise of their own, which is keyed by so many times the step and their number.
ITERATIONS = 4096


def sites(map_: model.Map) -> tuple[str, ...]:
    """The draws that the log|det| of a map of many dimensions may take."""
    shape = map_.input.type.shape
    return (f"{map_.name}.probe", f"{map_.name}.terms") if len(shape) == 1 and shape[0] > EXACT_UP_TO else ()


@dataclasses.dataclass(frozen=True)
class Noise:
    """The streams of a map's draws; an estimate in a program without any is refused where it is lowered."""

    probe: int
    terms: int


def noise_of(map_: model.Map, streams: Mapping[str, int]) -> Noise | None:
    """The noise of a map's log|det|, where it may take some."""
    named = sites(map_)
    return Noise(*(streams[name] for name in named)) if named else None


def lowered(expressions: Expressions, expr: model.JacobianLogDet, scope: Scope) -> Expr:
    """log|det| of a Jacobian, or an estimate of it."""
    (size,) = expr.at.type.shape
    if size <= EXACT_UP_TO:
        return _written_out(expressions, expr, scope)
    if expr.slope is None or scope.noise is None:
        raise NotLowered(expr, f"the Jacobian of a residual map in more than {EXACT_UP_TO} dimensions here")
    return _series(expressions, expr, expr.slope, scope, scope.noise)


def _written_out(expressions: Expressions, expr: model.JacobianLogDet, scope: Scope) -> Expr:
    """Row by row by reverse mode."""
    graph, span, (size,) = expressions.graph, expr.span, expr.at.type.shape
    argument = expressions.lower(expr.at, scope)
    place = graph.placeholder(argument, span)
    value = expressions.lower(expr.body, scope.bind({expr.name: place}))
    slopes = [gradient(graph, graph.column(value, graph.integer(k, span), span), place) for k in range(size)]
    found = graph.log_abs_det(graph.concat(tuple(slopes), span), size, span)
    return graph.substitute(found, place, argument)


def _series(expressions: Expressions, expr: model.JacobianLogDet, slope: Fraction, scope: Scope, noise: Noise) -> Expr:
    """The terms that a row has, in a loop that carries (-A)^k v and stops where no row has more.

    It has as many iterations as make c^k 2^-40: what would come after them is no more than that."""
    from gencompiler.rows.tangent import Tangents

    graph, span = expressions.graph, expr.span

    def apply(function: str, *of: Expr) -> Expr:
        return graph.elementwise(function, *of, span=span)

    def number(value: float | Fraction) -> Expr:
        return graph.number(float(value), span)

    argument = expressions.lower(expr.at, scope)
    key = graph.scalar("step", span)
    for index in scope.iteration:
        key = graph.whole("add", graph.whole("multiply", key, graph.integer(ITERATIONS, span), span), index, span)
    probe = signs(graph, noise.probe, expr.at.type.shape, span, key)
    lot = graph.name(graph.draw("uniform", noise.terms, key, (), span), "lot")
    carried = {"power": probe, "log_det": number(0), "alive": number(1)}
    depth = max(graph.depth[id(each)] for each in (argument, probe, *scope.iteration))
    count = graph.integer(max(steps_of(slope), SURE), span)
    plan = graph.loop("steps", "term", count, carried, span, depth=depth)
    power, total, alive = plan.inside
    order = graph.whole("add", graph.index_of(plan), graph.integer(1, span), span)
    place = graph.placeholder(argument, span)
    moved = Tangents(expressions, place, power).of(expressions.lower(expr.body, scope.bind({expr.name: place})))
    assert moved is not None, "a residual map moves with its input"
    moved = graph.substitute(moved, place, argument)
    power_after = graph.name(apply("subtract", power, moved), "power")

    def reached(by: Expr) -> Expr:
        """The probability of the term of this order."""
        further = apply("max", apply("subtract", by, graph.integer(SURE, span)), number(0))
        return apply("power", number(slope), further)

    own = graph.reduce("sum", apply("multiply", probe, power_after), span)
    term = apply("divide", apply("multiply", alive, own), apply("multiply", order, reached(order)))
    later = reached(graph.whole("add", order, graph.integer(1, span), span))
    alive_after = graph.select(apply("less_equal", lot, later), number(1), number(0), span)
    plan.done = apply("less_equal", alive, number(0))
    return graph.close(plan, (power_after, apply("subtract", total, term), alive_after))[1]
