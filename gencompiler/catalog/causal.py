"""Causal networks: which places of a sequence each unit may depend on, as degrees.

A unit of degree m may depend on the places before m.  A weight from a unit of degree m to one of degree m' is kept
where m <= m', and every path through such weights keeps that promise: the output for place i has degree i, so it
depends on the places before i and on no other (Germain, Gregor, Murray & Larochelle, MADE, ICML 2015, section 4.1).
Degrees never decrease from unit to unit, which makes the units of one degree neighbours, and a mask a staircase; when
the places become known one by one, each unit is computed once.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Degrees:
    """`count` units: unit k has the degree `first + (k * rise) // run`."""

    count: int
    first: int
    rise: int
    run: int

    def of(self, unit: int) -> int:
        return self.first + unit * self.rise // self.run

    def all(self) -> tuple[int, ...]:
        return tuple(map(self.of, range(self.count)))

    @property
    def most(self) -> int:
        """The most units that have one degree."""
        return -(-self.run // self.rise) if self.rise else self.count

    def start(self, degree: int) -> int:
        """How many units have a smaller degree; `rise` is positive."""
        return min(self.count, max(0, -((self.first - degree) * self.run // self.rise)))


def inputs(places: int, features: int, view: str) -> Degrees:
    """What a network reads of a sequence: `features` numbers of each place, `view` "before" or "until"; or, where
    `view` is empty, `features` numbers that it may always read."""
    if not view:
        return Degrees(features, 0, 0, 1)
    return Degrees(places * features, int(view == "before"), 1, features)


def outputs(places: int, features: int) -> Degrees:
    """`features` numbers for each place."""
    return Degrees(places * features, 0, 1, features)


def hidden(places: int, units: int, views: tuple[str, ...]) -> Degrees:
    """Degrees spread evenly over those at which anything new is known, the lowest and the highest among them.

    At degree 0 there is something to read only if the network has a condition or may read place i itself."""
    first = min(0 if "" in views or "until" in views else 1, places - 1)
    levels = places - first
    if units >= levels:
        return Degrees(units, first, levels, units)
    return Degrees(units, first, max(levels - 1, 0), max(units - 1, 1))


def reach(layers: tuple[tuple[Degrees, ...], ...]) -> tuple[int, ...]:
    """For each unit of the last layer, the largest degree of the units of the first that a path of kept weights leads
    from; -1 where there is none.

    By induction: a unit sees what the units of the layer before see whose degrees are at most its own."""
    seen = [(d, d) for part in layers[0] for d in part.all()]
    for layer in layers[1:]:
        best: dict[int, int] = {}
        for degree, far in seen:
            best[degree] = max(best.get(degree, -1), far)
        rising = sorted(best.items())
        found = []
        for degree in (d for part in layer for d in part.all()):
            found.append((degree, max((far for low, far in rising if low <= degree), default=-1)))
        seen = found
    return tuple(far for _, far in seen)
