"""The search for failures of invariance; the rule `gain` of `chain_refutations` confirms what it finds.

Floats guide it, and decide nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

from flint import ctx

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure, rules
from gencompiler.proof.chain_refutations import chance, log_flow
from gencompiler.proof.chain_rules import Kernel, log_proposal
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.graph import Term, substitute, support_of
from gencompiler.proof.kernel import Proof, attempt
from gencompiler.proof.numbers import Undecided, Values, ball
from gencompiler.proof.refute_rules import Assignment

assert rules.RULES

POSITIVE = Support("Positive")

#: How far out a box is looked for that gains mass, and how large it may be.
REACH = tuple(map(Fraction, (4, 16, 128, 2**14)))
RADII = tuple(Fraction(1, 2**k) for k in range(1, 20, 3))
#: The widest state that is searched, and how many promising places are followed.
WIDEST = 8
FOLLOWED = 3
#: Of a state of one number: the places that are looked at, and the pieces that the mass around them is summed in.
NEARBY = tuple(map(Fraction, (4, -4, 0)))
ABOVE = tuple(map(Fraction, ("1/64", "1/16", "1/4", "1", "4", "16")))
PIECES = 64
#: Steps of the search along a ray, and halvings of the steps of a climb.
THIRDS = 16
HALVINGS = 8
#: Turns of a climb with one step: the height may have no end.
MOST_TURNS = 64

Flat = tuple[Fraction, ...]


def parameters_at_one(*terms: Term) -> Assignment:
    """The parameters of terms, each at 1."""
    found = {s for t in terms for s in t.symbols if s.data[0] == "parameter"}
    return tuple((s, Fraction(1)) for s in sorted(found, key=lambda s: str(s.data[1])))


def gain(kernel: Kernel, target: Term, laws: list[Proof]) -> Proof | None:
    """A place that one step brings more mass to than it holds: far out, where a proposal is heavier than the target."""
    width = _width(kernel)
    plain = all(not p.place and support_of(p.moves) in (REAL, POSITIVE) for p in kernel.proposals)
    if width > WIDEST or not plain:
        return None
    search = _Gain(kernel, target, laws)
    if all(support_of(p.moves) == POSITIVE for p in kernel.proposals):
        tried = (search.in_pieces((place,)) for place in ABOVE if width == 1)
        return next((found for found in tried if found is not None), None)
    followed = 0
    for y in _places(width):
        promise, start = search.promise(y)
        if promise > 2 * width + 2:
            found = search.follow(start, y)
            followed += 1
            if found is not None or followed == FOLLOWED:
                return found
    if width == 1:
        for place in NEARBY:
            found = search.in_pieces((place,))
            if found is not None:
                return found
    return None


class _Gain:
    """The search for a box that gains mass."""

    def __init__(self, kernel: Kernel, target: Term, laws: list[Proof]) -> None:
        self.kernel = kernel
        self.target = target
        self.laws = laws
        self.assignment = parameters_at_one(target, log_proposal(kernel))
        self.there = substitute(target, {p.moves: p.drawn for p in kernel.proposals})

    def promise(self, y: Flat) -> tuple[float, Flat]:
        """How much larger, as a logarithm, π(x) q(y | x) is than π(y), at the best x between 0 and y."""
        held = _float(lambda: evaluate(self.there, self._point(None, y))[0])
        if not math.isfinite(held):
            return -math.inf, y
        low, high = Fraction(0), Fraction(1)
        for _ in range(THIRDS):
            left, right = low + (high - low) / 3, high - (high - low) / 3
            if self.inflow(_scaled(y, left), y) < self.inflow(_scaled(y, right), y):
                low = left
            else:
                high = right
        best = tuple(_rounded(v) for v in _scaled(y, (low + high) / 2))
        return self.inflow(best, y) - held, best

    def follow(self, start: Flat, y: Flat) -> Proof | None:
        """Climb to the x that contributes most, and try boxes around it."""
        x = _climb(lambda place: self.inflow(place, y), start)
        readable = tuple(_rounded(v) for v in x)
        for radius, near in itertools.product(RADII, (readable, x)):
            here, there = _shaped(self.kernel, near), _shaped(self.kernel, y)
            subject = (self.kernel, self.target, self.assignment, here, radius, there, 1)
            found = attempt("gain", subject, *self.laws)
            if found is not None:
                return found
        return None

    def in_pieces(self, y: Flat) -> Proof | None:
        """Of a state of one number: the mass that comes from all around."""
        there = _shaped(self.kernel, y)
        centre, radius, pieces = y[0] / 2, 8 + abs(y[0]) / 2, PIECES
        if support_of(self.kernel.proposals[0].moves) == POSITIVE:
            centre, radius, pieces = Fraction(7, 4) * y[0], Fraction(3, 2) * y[0], 2 * PIECES
        here = _shaped(self.kernel, (centre,))
        subject = (self.kernel, self.target, self.assignment, here, radius, there, pieces)
        return attempt("gain", subject, *self.laws)

    def inflow(self, x: Flat, y: Flat) -> float:
        """log of π(x) q(y | x) a(x, y), as a float."""
        point = self._point(x, y)
        return _float(lambda: log_flow(self.kernel, self.target, point) + chance(self.kernel, point).log())

    def _point(self, x: Flat | None, y: Flat) -> dict[Term, Fraction | Values]:
        point: dict[Term, Fraction | Values] = dict(self.assignment)
        point |= {p.drawn: v for p, v in zip(self.kernel.proposals, _shaped(self.kernel, y), strict=True)}
        if x is not None:
            point |= {p.moves: v for p, v in zip(self.kernel.proposals, _shaped(self.kernel, x), strict=True)}
        return point


def _width(kernel: Kernel) -> int:
    return sum(math.prod(p.moves.shape) for p in kernel.proposals)


def _places(width: int) -> list[Flat]:
    """Points on the diagonal and on the first axes, further and further out."""
    found: list[Flat] = []
    for reach in REACH:
        found += [(reach,) * width, (-reach,) * width]
        found += [tuple(reach if k == axis else Fraction(0) for k in range(width)) for axis in range(min(width, 2))]
    return list(dict.fromkeys(found))


def _rounded(value: Fraction) -> Fraction:
    return Fraction(round(value * 32), 32)


def _scaled(flat: Flat, factor: Fraction) -> Flat:
    return tuple(v * factor for v in flat)


def _shaped(kernel: Kernel, flat: Flat) -> tuple[Values, ...]:
    """The elements of a flat point, one tuple for each proposal."""
    rest = list(flat)
    found: list[Values] = []
    for proposal in kernel.proposals:
        size = math.prod(proposal.moves.shape)
        found.append(tuple(rest[:size]))
        rest = rest[size:]
    return tuple(found)


def _float(compute: Callable[[], object]) -> float:
    try:
        with ctx.workprec(enclosure.PRECISION):
            found = float(ball(compute()).mid())
    except (Undecided, Undefined, OverflowError):
        return -math.inf
    return found if math.isfinite(found) else -math.inf


def _climb(height: Callable[[Flat], float], start: Flat) -> Flat:
    """Uphill along the axes, with shorter and shorter steps."""
    here, best = start, height(start)
    step = max((abs(v) for v in start), default=Fraction(0)) / 4 or Fraction(1)
    for _ in range(HALVINGS):
        improved, turns = True, 0
        while improved and turns < MOST_TURNS:
            turns += 1
            improved = False
            for axis, sign in itertools.product(range(len(here)), (1, -1)):
                there = tuple(v + sign * step if k == axis else v for k, v in enumerate(here))
                value = height(there)
                if value > best + 1e-9:
                    here, best, improved = there, value, True
        step /= 2
    return here
