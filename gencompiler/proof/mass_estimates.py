"""What a mass seems to be, in floating point: whether to look for a proof or for a counterexample first, and where.
Nothing rests on it.

Integrals are sums over the nodes of Takahasi & Mori's double exponential formula (Publ. RIMS 9, 1974), endless sums are
cut off; each is taken once more with fewer nodes, every other one or the first half, and is believed as far as the two
agree and nothing is at the ends, beyond which there may be more."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.proof.boxes import support_interval
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, is_finite, support_of
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.lazy import np
from gencompiler.proof.mass_rules import elements, scalar, share
from gencompiler.proof.numeric import values
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.sign_search import free_symbols, points

#: Nodes along each of one, two and three variables; more are not looked at.
NODES = {1: 401, 2: 81, 3: 25}
#: A mass is far from 1 where it misses it by more than this, and by so many times what the two sums differ by.
FAR, TIMES = 1e-9, 30.0
#: It is 1 where that is not so, and it is known as well as this.
NEAR = 1e-5
#: One that is less certain says little: what falls very slowly has most of its mass beyond all nodes.
SURE = 1e-4
#: A body has to have a value at so many of the nodes.
ENOUGH = 0.7


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mass at numbers for the parameters, and what it may be wrong by."""

    assignment: Assignment
    value: float
    doubt: float

    @property
    def agrees(self) -> bool:
        """Whether it seems to be 1."""
        return self.suspicion == 0 and self.doubt <= NEAR

    @property
    def suspicion(self) -> int:
        """How much it seems to be another than 1: 2, 1, or 0 where what it may be wrong by accounts for that."""
        missed = abs(self.value - 1)
        if missed > FAR + TIMES * self.doubt and self.doubt <= SURE:
            return 2
        return int(missed > FAR + 2 * self.doubt)


#: Places, their weights, the weights of fewer of them, and which are not at the ends.
_Nodes = tuple[Any, Any, Any, Any]
#: The part of the nodes that is not at the ends.
_INNER = 0.92


def estimates(variables: tuple[Term, ...], body: Term, assignments: list[Assignment]) -> list[Estimate]:
    """The masses of a body in scalar symbols; none where there are too many variables, or it cannot be evaluated."""
    count = NODES.get(len(variables))
    if count is None:
        return []
    try:
        rules = [_nodes(v, count) for v in variables]
    except Unproved:
        return []
    places = np.meshgrid(*(own for own, *_ in rules), indexing="ij")
    weights = np.ones(())
    coarse = np.ones(())
    inner = np.ones(())
    for _, fine, half, middle in rules:
        weights, coarse = np.multiply.outer(weights, fine), np.multiply.outer(coarse, half)
        inner = np.multiply.outer(inner, middle)
    found = []
    for assignment in assignments:
        point: dict[Term, Any] = {s: np.float64(float(value)) for s, value in assignment}
        known = np.broadcast_to(values(body, point | dict(zip(variables, places, strict=True))), weights.shape)
        plain = np.isfinite(known)
        with np.errstate(all="ignore"):
            usable = np.where(plain, known, 0.0)  # far out, where floats overflow
            value, other, middle = (float((usable * w).sum()) for w in (weights, coarse, weights * inner))
        doubt = abs(value - other) + abs(value - middle)
        if math.isfinite(doubt) and plain.mean() > ENOUGH:
            found.append(Estimate(assignment, value, doubt))
    return found


def _nodes(variable: Term, count: int) -> _Nodes:
    support = support_of(variable)
    if support.name == "Sign":
        return np.array([-1.0, 1.0]), np.ones(2), np.ones(2), np.ones(2)
    if support.name == "Angle":
        return _doubly_exponential(-math.pi, math.pi, count)
    own = support_interval(variable)
    if not SUPPORTS[support.name].discrete:
        low, high = (float(e) if is_finite(e) else math.copysign(math.inf, e) for e in (own.lower, own.upper))
        return _doubly_exponential(low, high, count)
    return _whole_numbers(own, count)


def _whole_numbers(own: Interval, count: int) -> _Nodes:
    if is_finite(own.lower):
        size = int(own.upper - own.lower) + 1 if is_finite(own.upper) else count
        places = float(own.lower) + np.arange(min(size, 16 * count))
    elif is_finite(own.upper):
        size, places = count, float(own.upper) - np.arange(count)
    else:
        size, places = 2 * count + 1, np.array(sorted(range(-count, count + 1), key=abs), dtype=float)
    endless = not (is_finite(own.lower) and is_finite(own.upper)) or size > len(places)
    kept = np.arange(len(places)) < (len(places) // 2 if endless else len(places))
    return places, np.ones(len(places)), kept * 1.0, np.ones(len(places))


def _doubly_exponential(low: float, high: float, count: int) -> _Nodes:
    steps = np.linspace(-1.0, 1.0, count)
    ends = 3.3 if math.isinf(low) or math.isinf(high) else 3.0
    t = ends * steps
    inner, slope = math.pi / 2 * np.sinh(t), math.pi / 2 * np.cosh(t)
    if math.isinf(low) and math.isinf(high):
        places, weights = np.sinh(inner), np.cosh(inner) * slope
    elif math.isinf(low) or math.isinf(high):
        grown = np.exp(inner)
        places, weights = (low + grown if math.isinf(high) else high - grown), grown * slope
    else:
        share = 1 / (1 + np.exp(-2 * inner))
        places = np.where(inner < 0, low + (high - low) * share, high - (high - low) / (1 + np.exp(2 * inner)))
        weights = (high - low) * 2 * share / (1 + np.exp(2 * inner)) * slope
        weights = np.where((places > low) & (places < high), weights, 0.0)
    step = t[1] - t[0]
    half = 2 * step * (np.arange(count) % 2 == 0)
    return places, weights * step, weights * half, (np.abs(steps) <= _INNER) * 1.0


#: At how many values of the parameters the mass is estimated.
MOST = 24


def suspects(found: list[Estimate]) -> list[Assignment]:
    """Where the mass seems to be another than 1, the plainest first, then in the order in which they were looked at."""
    return [e.assignment for e in sorted(found, key=lambda e: -e.suspicion) if e.suspicion]


def estimated(variables: tuple[Term, ...], body: Term) -> list[Estimate]:
    """The masses at simple values of the parameters."""
    own, whole = elements(variables), scalar(body)
    return estimates(own, whole, list(tried(variables, body, MOST)))


def tried(variables: tuple[Term, ...], body: Term, most: int) -> Iterator[Assignment]:
    """Simple values of the parameters."""
    own, whole = elements(variables), scalar(body)
    simple, shares = _with_shares(tuple(s for s in free_symbols(whole) if s not in own and s not in variables))
    for assignment in points(simple, most):
        yield (*assignment, *shares)


def _with_shares(free: tuple[Term, ...]) -> tuple[tuple[Term, ...], Assignment]:
    """The symbols that are no elements of points of a simplex, and numbers for those that are: 1/2, 1/4, …"""
    simplex = [s for s in free if s.data[0] == "component" and support_of(s).name == "Simplex"]
    found: dict[Term, Fraction] = {}
    for element in simplex:
        size = int(support_of(element).arguments[0])
        for k in range(size):
            found[share(element, k)] = Fraction(1, 2 ** min(k + 1, size - 1))
    return tuple(s for s in free if s not in simplex), tuple(found.items())
