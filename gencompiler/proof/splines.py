"""The search for proofs about splines: which premises the rules `knots` and `banded` will ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import Term, substitute
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.knot_rules import band
from gencompiler.proof.knots import Piece, bins, knots_of, parts_of_total

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def is_banded(input_: Term, body: Term) -> bool:
    """Whether a body is a piece around 0 with tails."""
    try:
        band(input_, body)
    except Unproved:
        return False
    return True


def banded(search: Search, input_: Term, body: Term) -> Proof:
    """A piece around 0 with tails; raises NotFound."""
    symbols, _, outer, inner = band(input_, body)
    parts = [(own, substitute(p, {input_: own})) for p, own in zip((outer, inner, outer), symbols, strict=True)]
    try:
        pieces = [search.bijection(own, part) for own, part in parts]
    except NotFound as failure:
        raise failure.moved(dict.fromkeys(symbols, input_)) from None
    return prove("banded", (input_, body), *pieces)


def is_spline(input_: Term, body: Term) -> bool:
    """Whether a body speaks of the interval between knots that its input lies in."""
    return bool(bins(input_, body))


def knots(search: Search, input_: Term, body: Term, rule: str = "knots") -> Proof:
    """Rising pieces between knots, of an interval or of the circle; raises NotFound."""
    (place, *more) = bins(input_, body)
    if more:
        raise NotFound("form", body, f"{body} asks for two intervals")
    piece = Piece(input_, place)
    found = piece.of(body)
    premises = [search.range(atom) for atom in piece.atoms]
    premises.append(search.range(piece.knots.widths))
    vectors = dict.fromkeys(parts_of_total(piece.knots.widths))
    for atom in piece.atoms:
        if atom.operation == "element" and atom.arguments[1:] == (place,):
            try:
                vectors.update(dict.fromkeys(parts_of_total(knots_of(atom.arguments[0]).widths)))
            except Unproved:
                continue
    for vector in vectors:
        try:
            premises.append(search.simplex(vector))
        except NotFound:
            continue
    del found
    return prove(rule, (input_, body, place), *premises)
