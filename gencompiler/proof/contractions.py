"""Terms about maps that change little: a network with a Lipschitz bound, a fixed point, the Jacobian of a map.

|g(u) - g(u')| <= c |u - u'| with c < 1 makes `u + g(u)` a bijection, undone by the fixed point of u = y - g(u)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import REAL
from gencompiler.proof.graph import Malformed, Shape, Term, bound_array, define, make, subterms, symbol

#: Jacobians are written out up to this many dimensions.
EXACT_UP_TO = 16


def bounded(slope: Fraction, network: Term) -> Term:
    """An output of a network whose weights are scaled so that it changes by no more than `slope` times its inputs."""
    if network.operation != "network" or not isinstance(slope, Fraction) or slope <= 0:
        raise Malformed("only a network is bounded, by a positive number")
    return make("bounded", slope, (network,), network.shape)


def fixed_point(depth: int, extent: int, steps: int, body: Term) -> Term:
    """The vector x = body(x), in which `bound_array` stands for x; `steps` steps of iteration come near enough."""
    if body.shape != (extent,):
        raise Malformed("a fixed point has the shape of what it is a fixed point of")
    return make("fixed_point", (depth, extent, steps), (body,), (extent,))


def solution(depth: int, extent: int, body: Term, target: Term) -> Term:
    """The one vector x with body(x) = target; in the body `bound_array` stands for x."""
    if body.shape != (extent,) or target.shape != (extent,):
        raise Malformed("an equation has the shape of what is solved for")
    return make("solution", (depth, extent), (body, target), (extent,))


def is_formula(term: Term) -> bool:
    """Whether nothing in a term is only known as the solution of equations that have no other."""
    return all(
        t.operation != "solution" and (t.operation, t.data) != ("jacobian_log_det", None) for t in subterms(term)
    )


def is_computed(term: Term) -> bool:
    """Whether a term can be evaluated: equations are solved, and Jacobians of which nothing is known written out, in
    few dimensions."""
    sizes = [
        t.arguments[-1].shape[0]
        for t in subterms(term)
        if t.operation == "solution" or (t.operation, t.data) == ("jacobian_log_det", None)
    ]
    return all(size <= EXACT_UP_TO for size in sizes)


def moving(shape: Shape) -> Term:
    """The variable of a Jacobian."""
    return symbol("formal", "_at", REAL, shape)


def jacobian_log_det(slope: Fraction | None, body: Term, at: Term) -> Term:
    """log|det| of the Jacobian of `body`, a function of `moving`, at a point; `slope` bounds the norm of what it is
    besides the identity, None where nothing does."""
    if body.shape != at.shape or len(body.shape) != 1:
        raise Malformed("a Jacobian is square where a map keeps the number of dimensions")
    if slope is not None and (not isinstance(slope, Fraction) or not 0 <= slope < 1):
        raise Malformed("a Jacobian that is not near the identity")
    return make("jacobian_log_det", slope, (body, moving(at.shape), at), ())


def _jacobian(data: Any, arguments: tuple[Term, ...]) -> Term:
    body, formal, at = arguments
    if formal is not moving(at.shape):
        raise Malformed("a Jacobian in another variable")
    return jacobian_log_det(data, body, at)


define("bounded", lambda data, arguments: bounded(data, *arguments))
define(
    "fixed_point",
    lambda data, arguments: fixed_point(*data, *arguments),
    lambda term: frozenset((bound_array(term.data[0], term.data[1], REAL),)),
)
define(
    "solution",
    lambda data, arguments: solution(*data, *arguments),
    lambda term: frozenset((bound_array(term.data[0], term.data[1], REAL),)),
)
define("jacobian_log_det", _jacobian, lambda term: frozenset((term.arguments[1],)))
