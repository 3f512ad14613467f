"""Rules for bijections of the state that are always taken: a rotation keeps what is the same all around.

π(f(x)) |det f'(x)| = π(x)      =>      f carries π to itself
"""

from __future__ import annotations

from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.chain_rules import Deterministic, Images, Stationary, is_of_state, same
from gencompiler.proof.composite_rules import Volume, check_maps, composed, volume_of
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Fact, InRange, LogAbs
from gencompiler.proof.graph import Term, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mixing_rules import LARGEST, Mixing, affine_in
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ONE, plus


def mixing(moves: tuple[Term, ...], images: tuple[Term, ...]) -> Mixing:
    """Numbers that mix each other linearly, as a matrix and offsets free of them; raises Unproved."""
    check_maps(moves, (Images(images),))
    need(2 <= len(moves) <= LARGEST, "not a few numbers")
    need(all(m.shape == () and support_of(m) == REAL for m in moves), "not a map of real numbers")
    rows = [affine_in(image, moves) for image in images]
    return Mixing(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), 1)


@rule
def linear_volume(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """y = A x + b is a bijection of R^n where det A, free of x, is not 0, and changes volumes by |det A|.

    Subject: the variables, their images.  Premises: log|det A|, then the range of every entry of A and b, which says
    that it is defined."""
    moves, images = cast(tuple[tuple[Term, ...], tuple[Term, ...]], subject)
    found = mixing(moves, images)
    size, *ranges = premises
    if not isinstance(size, LogAbs) or size.term is not found.determinant():
        raise Unproved("the determinant may be 0")
    defined = {r.term for r in ranges if isinstance(r, InRange)}
    need(set(found.coefficients()) <= defined, "a coefficient may not be defined")
    return Volume(moves, (Images(images),), size.value)


@rule
def carried(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection that is always taken, and gives every place the density that it had.

    Subject: the move, log of the measure.  Premises: the volume of its maps, which only bijections have, and that log π
    is a real number."""
    kernel, log_target = cast(tuple[Deterministic, Term], subject)
    check_maps(kernel.moves, kernel.maps)
    need(kernel.probability is ONE, "it may be refused")
    need(set(kernel.moves) <= set(kernel.state), "what moves is not the state")
    volume, finite = premises
    log_det = volume_of(volume, kernel.moves, kernel.maps)
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    is_of_state(log_target, kernel.state)
    there = dict(zip(kernel.moves, composed(kernel.moves, kernel.maps), strict=True))
    arrived = plus(substitute(log_target, there), log_det)
    need(same(arrived, log_target), "places do not keep their density")
    return Stationary(kernel, log_target)
