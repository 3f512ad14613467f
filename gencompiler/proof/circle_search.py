"""The search for proofs about maps of the circle: turn by turn, in closed form, between knots, by the slope.

As in `search`, nothing here is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.model.nodes import Support
from gencompiler.proof import splines
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.circle_rules import moebius_parts, weighted_parts
from gencompiler.proof.circles import HALF_TURNS, half_turns, in_half_turns
from gencompiler.proof.graph import Malformed, Term, subterms
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.slopes import BySlope

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def onto_circle(search: Search, input_: Term, body: Term, declared: Support) -> Proof:
    """That a map of angles is a bijection of the circle, or of a torus; raises NotFound."""
    found = search.any_bijection(input_, body) if input_.shape else circle_map(search, input_, body)
    try:
        return prove("onto_circle", (declared,), found, search.defined(body))
    except Unproved as failure:
        raise NotFound("form", body, str(failure)) from None


def circle_map(search: Search, input_: Term, body: Term) -> Proof:
    """That `body` is a bijection of the circle in `input_`, place by place; raises NotFound."""
    if body is input_:
        return prove("angle_itself", (input_,))
    if input_ not in body.symbols:
        raise NotFound("form", body, f"{body} does not depend on {input_}")
    if body.shape != input_.shape:
        raise NotFound("form", body, f"{body} is not an elementwise function of {input_}")
    inside = [a for a in body.arguments if input_ in a.symbols]
    if body.operation == "apply" and body.data in ("add", "subtract", "negate") and len(inside) == 1:
        rest = [search.range(a) for a in body.arguments if a is not inside[0]]
        return prove("rotation", (input_, body), circle_map(search, input_, inside[0]), *rest)
    try:
        for look in (_in_closed_form, _between_knots, _weighted):
            found = look(search, input_, body)
            if found is not None:
                return found
        return _around(search, input_, body)
    except (Unproved, Malformed) as failure:
        raise NotFound("form", body, _undefined(body) or str(failure)) from None


def _undefined(body: Term) -> str | None:
    """Why a map may have no value, in terms of the angle itself; None where it has."""
    try:
        Evaluation({}, {}).range(body)
    except Unproved as failure:
        return str(failure)
    return None


def _in_closed_form(search: Search, input_: Term, body: Term) -> Proof | None:
    try:
        above, below, _ = moebius_parts(input_, body)
        return attempt("moebius", (input_, body), search.range(below), search.range(above))
    except (Unproved, NotFound):
        return None


def _between_knots(search: Search, input_: Term, body: Term) -> Proof | None:
    if not splines.is_spline(input_, body):
        return None
    return splines.knots(search, input_, body, "circular_knots")


def _weighted(search: Search, input_: Term, body: Term) -> Proof | None:
    try:
        weights, _, own, apart = weighted_parts(input_, body)
        parts = circle_map(search, own, apart), search.simplex(weights)
    except (Unproved, NotFound):
        return None
    return attempt("weighted_around", (input_, body), *parts)


def _around(search: Search, input_: Term, body: Term) -> Proof:
    """That a map rises and goes around once; raises NotFound or Unproved."""
    t, outer = half_turns(input_.shape), in_half_turns(input_, body)
    monotone, ranges = BySlope(search, t, outer).monotone(HALF_TURNS)
    simplexes = []
    for part in subterms(body):
        if len(part.shape) == 1 and input_ not in part.symbols:
            try:
                simplexes.append(search.simplex(part))
            except NotFound:
                continue
    return prove("around", (input_, body), monotone, *simplexes, *ranges)
