"""The search for proofs about bijections of the state: what they do to volumes, and what those keep that are always
taken."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gencompiler.proof import carried_rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Deterministic, Images, Mapped
from gencompiler.proof.graph import Malformed, Term, substitute
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.places import substitute_parts
from gencompiler.proof.search import Search
from gencompiler.proof.terms import ONE

if TYPE_CHECKING:
    from gencompiler.checks.invariance import Keeping


def linear_volume(search: Search, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Proof | None:
    """log|det| of one map that mixes numbers linearly; None of others, and where the determinant may be 0."""
    if len(maps) != 1 or not isinstance(maps[0], Images):
        return None
    try:
        found = carried_rules.mixing(moves, maps[0].images)
        ranges = [search.range(term) for term in dict.fromkeys(found.coefficients())]
        size = search.log_abs(found.determinant())
        return prove("linear_volume", (moves, maps[0].images), size, *ranges)
    except (NotFound, Unproved, Malformed):
        return None


def shears(moves: tuple[Term, ...], images: tuple[Term, ...]) -> tuple[tuple[int, bool, Term], ...]:
    """The shears that a map is a sequence of, as far as they are found."""
    here = list(images)
    found: list[tuple[int, bool, Term]] = []
    progress = True
    while progress:
        progress = False
        for number, current in enumerate(here):
            if current in moves or current.operation != "apply" or current.data not in ("add", "subtract"):
                continue
            others = {h: m for k, (m, h) in enumerate(zip(moves, here, strict=True)) if k != number}
            sides = ((1, 0),) if current.data == "subtract" else ((1, 0), (0, 1))
            for added, kept in sides:
                own = current.arguments[added]
                addend = substitute_parts(own, others)
                allowed = set(others.values())
                inputs = {s for s in addend.symbols if s in moves}
                if (
                    inputs <= allowed
                    and _by_places(own, others, addend)
                    and current.arguments[kept].shape == current.shape
                ):
                    found.append((number, current.data == "subtract", addend))
                    here[number] = current.arguments[kept]
                    progress = True
                    break
    return tuple(found)


def _by_places(own: Term, others: dict[Term, Term], addend: Term) -> bool:
    """Whether putting the others back in their places gives the addend itself."""
    return substitute(addend, {m: h for h, m in others.items()}) is own


def sheared(search: Search, moves: tuple[Term, ...], own: Images) -> Proof:
    """That a map made of shears keeps volumes; raises NotFound or Unproved."""
    witness = shears(moves, own.images)
    added = [search.range(addend) for _, _, addend in witness]
    return prove("sheared", (moves, own.images, witness), *added)


def carried(keeping: Keeping, move: Deterministic, log_target: Term) -> Proof | None:
    """That a bijection which is always taken keeps a measure; None where that is not seen, and of others."""
    if move.probability is not ONE:
        return None
    with contextlib.suppress(NotFound, Unproved, Malformed):
        own = keeping.volume(move.moves, move.maps)
        return prove("carried", (move, log_target), own, keeping.search.range(log_target))
    return None
