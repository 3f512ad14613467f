"""The search for proofs about maps of a few numbers, entry by entry.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

from gencompiler.proof import sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.components import component, components
from gencompiler.proof.graph import Malformed, Term, select, subterms
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.part_search import block
from gencompiler.proof.proper_rules import determinant, far_out
from gencompiler.proof.vector_rules import Places, in_blocks
from gencompiler.proof.written_rules import LARGEST, jacobian, written

#: Formulas with more parts are not looked at entry by entry.
LONGEST = 160

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def bijection(search: Search, input_: Term, body: Term) -> Proof | None:
    """A map written out, or as a few entries after the others; None where that shows nothing."""
    if input_.shape[0] > LARGEST:
        return None
    with contextlib.suppress(NotFound, Unproved, Malformed):
        plain = written(input_, body)
        if len(subterms(plain)) > LONGEST:
            return None
        if plain is body:
            return _in_turn(search, input_, body)
        return prove("written_out", (input_, body), search.any_bijection(input_, plain), search.range(body))
    return None


def _in_turn(search: Search, input_: Term, body: Term) -> Proof | None:
    """Entries of the result that depend on as many elements of the input, then as many others, to the end."""
    levels = _levels(input_, body)
    if levels is None:
        return None
    order = tuple(k for images, _ in levels for k in images)
    places = tuple(own for _, own in levels)
    moved = select(body, order)
    symbols, parts = in_blocks(input_, moved, places)
    proofs = [
        search.any_bijection(s, p) if s.shape[0] > 1 else block(search, s, p)
        for s, p in zip(symbols, parts, strict=True)
    ]
    whole = prove("blocks", (input_, moved, places, tuple(range(len(places)))), *proofs)
    return whole if moved is body else prove("reordered_result", (input_, body, order), whole)


def _levels(input_: Term, body: Term) -> list[tuple[Places, Places]] | None:
    """Which entries of the result give which elements of the input, in turn; None where all of them belong together."""
    size = input_.shape[0]
    own = [component(input_, k) for k in range(size)]
    read = [{k for k, c in enumerate(own) if c in entry.symbols} for entry in components(body)]
    left, known = list(range(size)), set[int]()
    found: list[tuple[Places, Places]] = []
    while left:
        step = next(
            (
                images
                for count in range(1, len(left) + 1)
                for images in itertools.combinations(left, count)
                if len(set().union(*(read[k] for k in images)) - known) == count
            ),
            None,
        )
        if step is None:
            return None
        solved = set().union(*(read[k] for k in step)) - known
        found.append((step, tuple(sorted(solved))))
        known |= solved
        left = [k for k in left if k not in step]
    return found if len(found) > 1 else None


def dominated(search: Search, input_: Term, body: Term) -> Proof | None:
    """A map whose Jacobian has a diagonal that outweighs the rest; None where it is not seen to."""
    if input_.shape[0] > LARGEST:
        return None
    with contextlib.suppress(NotFound, Unproved, Malformed):
        if len(subterms(*components(body))) > LONGEST:
            return None
        slopes = [search.range(slope) for row in jacobian(input_, body) for slope in row]
        return prove("dominated_diagonal", (input_, body), search.range(body), *slopes)
    return None


def proper(search: Search, input_: Term, body: Term) -> Proof | None:
    """A map that is linear far out, and whose determinant is nowhere 0; None where it is not seen to be."""
    with contextlib.suppress(NotFound, Unproved, Malformed):
        found = far_out(input_, body)
        bounds = [search.range(rest) for rest in found.rest]
        volume = determinant(jacobian(input_, body))
        signed = sign_search.on_supports(search, volume, strict=True) or search.range(volume)
        return prove("proper", (input_, body), search.range(body), signed, *bounds)
    return None
