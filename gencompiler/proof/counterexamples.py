"""The search for counterexamples to a scalar map: floating-point looks at many points and parameters tell where, and
the kernel confirms each find exactly.  Nothing here is trusted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.boxes import support_interval
from gencompiler.proof.calculus import derivative, in_pieces
from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Bijection, Member, Monotone
from gencompiler.proof.graph import Malformed, Term, is_finite, support_of
from gencompiler.proof.joints import cuts_of
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.lazy import np
from gencompiler.proof.numeric import values
from gencompiler.proof.refute_rules import Assignment, admissible, at_point
from gencompiler.proof.samples import grid, within_conditions
from gencompiler.proof.search import Search
from gencompiler.proof.signs import Purse
from gencompiler.proof.slopes import by_slope, sharing

#: How many assignments of the parameters are looked at, and how many finds are tried exactly.
COLUMNS, TRIES = 96, 12
SIMPLE = tuple(Fraction(v) for v in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "1/10", "-1/10", "3", "-3", "10", "-10"))


class Looking:
    """One map, at many points and assignments, of those at which the conditions hold."""

    def __init__(self, input_: Term, body: Term, requires: tuple[Member, ...] = ()) -> None:
        self.input = input_
        self.body = body
        symbols = body.symbols.union(*(c.term.symbols for c in requires))
        free = sorted((s for s in symbols if s is not input_), key=lambda s: str(s.data[:2]))
        self.usable = input_.shape == () and all(_plain(s) for s in (input_, *free))
        ends = within_conditions(requires)
        self.columns = assignments(tuple(free), 4 if requires else 1, ends) if self.usable else []
        if requires:
            self.columns = [c for c in self.columns if holds_at(requires, c)][:COLUMNS]
        self.usable = self.usable and bool(self.columns)
        if not self.usable:
            return
        self.point = {s: np.array([float(dict(c)[s]) for c in self.columns]) for s in free}
        self.where = support_interval(input_)
        self.places = sorted({*_rational_grid(self.where), *self._joints()})
        self.found = self._values(self.body, self.places)

    def _joints(self) -> list[Fraction]:
        """Points beside the joints of a map in pieces."""
        cuts = cuts_of(self.body, self.input, self.where)
        near = [c + sign * Fraction(1, 2**k) for c in cuts for sign in (1, -1) for k in (2, 6, 10, 16)]
        return [p for p in (*cuts, *near) if admissible(support_of(self.input), p)]

    def _values(self, term: Term, places: list[Fraction]) -> np.ndarray:
        column = np.array([float(p) for p in places])[:, None]
        found = values(term, {**self.point, self.input: column})
        return np.broadcast_to(found, (len(places), len(self.columns)))

    # -- not injective -----------------------------------------------------------------------------------------------

    def not_injective(self) -> Proof | None:
        """Two inputs with one value, or values out of order."""
        if not self.usable:
            return None
        finds = itertools.chain(self._flat(), self._turning(), self._dipping())
        for column, places in itertools.islice(finds, TRIES):
            found = self._confirmed(column, places)
            if found is not None:
                return found
        return None

    def _confirmed(self, column: int, places: tuple[Fraction, ...]) -> Proof | None:
        assignment = self.columns[column]
        if len(places) == 2:
            first, second = places
            return attempt("two_points", (self.input, self.body, assignment, (first,), (second,)))
        a, b, c = places
        # Where the values at a and c are one, as around the top of a wave, those on the way to it are between.
        for subject in ((a, b, c), (b, c, a), (a, b, (b + c) / 2), (b, c, (a + b) / 2)):
            try:
                return prove("crossing", (self.input, self.body, assignment, *subject))
            except (Unproved, Malformed):
                continue
        return None

    def _flat(self) -> Iterator[tuple[int, tuple[Fraction, ...]]]:
        """Neighbours with one value, away from the tails, where floats saturate."""
        same = (self.found[1:] == self.found[:-1]) & np.isfinite(self.found[1:])
        inner = np.array([abs(p) <= 8 for p in self.places[1:]])
        for column in range(len(self.columns)):
            rows = np.flatnonzero(same[:, column] & inner)
            if len(rows):
                yield column, (self.places[rows[0]], self.places[rows[0] + 1])

    def _turning(self) -> Iterator[tuple[int, tuple[Fraction, ...]]]:
        """Three points whose values are visibly out of order."""
        scored = []
        for column in range(len(self.columns)):
            own = self.found[:, column]
            rows = np.flatnonzero(np.isfinite(own))
            if len(rows) < 3:
                continue
            found = _out_of_order(own[rows])
            if found is not None:
                size, *ranks = found
                scored.append((-size, column, tuple(self.places[rows[k]] for k in ranks)))
        for _, column, places in sorted(scored, key=lambda s: s[:2])[:TRIES]:
            yield column, places

    def _dipping(self) -> Iterator[tuple[int, tuple[Fraction, ...]]]:
        """Three points around one where the slope, followed to its extreme, has the wrong sign."""
        try:
            slope = derivative(in_pieces(self.body, self.input), self.input)
        except Unproved:
            return
        slopes = self._values(slope, self.places)
        for column in range(len(self.columns)):
            own = slopes[:, column]
            rows = np.flatnonzero(np.isfinite(own))
            if len(rows) < 3:
                continue
            sign = 1.0 if np.median(own[rows]) >= 0 else -1.0
            low = sorted(rows[1:-1], key=lambda r: sign * own[r])[:3]
            for row in low:
                dip = self._followed(slope, column, self.places[row - 1], self.places[row + 1], sign)
                if dip is not None:
                    yield column, dip

    def _followed(
        self, slope: Term, column: int, low: Fraction, high: Fraction, sign: float
    ) -> tuple[Fraction, ...] | None:
        """A triple out of order around the extreme of the slope between two points."""
        point = {s: v[column] for s, v in self.point.items()}
        left, right = float(low), float(high)
        for _ in range(12):
            places = np.linspace(left, right, 17)
            found = np.broadcast_to(values(slope, {**point, self.input: places}), places.shape) * sign
            if not np.isfinite(found).any():
                return None
            best = int(np.nanargmin(found))
            if found[best] < 0 and (found < 0).sum() >= 3:
                break
            left, right = places[max(best - 1, 0)], places[min(best + 1, 16)]
        below = np.flatnonzero(found < 0)
        if not len(below):
            return None
        a, b = Fraction(float(places[below[0]])), Fraction(float(places[below[-1]]))
        if a == b:
            a, b = a - Fraction(1, 2**20), b + Fraction(1, 2**20)
        a, b = (p.limit_denominator(10**9) for p in (a, b))
        far = self._beyond(column, a, b, sign)
        return None if far is None else tuple(sorted((a, b, far)))

    def _beyond(self, column: int, a: Fraction, b: Fraction, sign: float) -> Fraction | None:
        """A point outside a to b, near in value."""
        point = {s: v[column] for s, v in self.point.items()}
        ends = values(self.body, {**point, self.input: np.array([float(a), float(b)])}) * sign
        if not ends[1] < ends[0]:
            return None
        own = self.found[:, column] * sign
        for row in range(len(self.places)):
            if self.places[row] > b and own[row] > ends[1]:
                return self._between(point, b, self.places[row], ends, sign)
        for row in range(len(self.places) - 1, -1, -1):
            if self.places[row] < a and own[row] < ends[0]:
                return self._between(point, a, self.places[row], ends, sign)
        return None

    def _between(
        self, point: dict[Term, float], near: Fraction, far: Fraction, ends: np.ndarray, sign: float
    ) -> Fraction:
        """Between `near` and `far`, where the value is between the ends, if that is found; else `far`."""
        low, high = float(near), float(far)
        for _ in range(60):
            middle = (low + high) / 2
            value = float(values(self.body, {**point, self.input: np.float64(middle)})) * sign
            if ends[1] < value < ends[0] and middle != float(near):
                return Fraction(middle).limit_denominator(10**9)
            outside = value >= ends[0] if far > near else value <= ends[1]
            low, high = (low, middle) if outside else (middle, high)
        return far

    # -- outside and not onto ------------------------------------------------------------------------------------------

    def outside(self, support: Support) -> Proof | None:
        """An input at which the map is undefined, or leaves the support."""
        allowed = domain.of_support(support)
        if not self.usable or allowed is None:
            return None
        low, high = _float(allowed.lower), _float(allowed.upper)
        wrong = np.isnan(self.found) | (self.found < low) | (self.found > high)
        wrong |= (self.found == low) & allowed.lower_open & np.isfinite(self.found)
        wrong |= (self.found == high) & allowed.upper_open & np.isfinite(self.found)
        with np.errstate(invalid="ignore"):
            margin = np.where(np.isnan(self.found), np.inf, np.maximum(low - self.found, self.found - high))
        rows, columns = np.nonzero(wrong)
        far = [float(min(margin[r, c], 1.0)) for r, c in zip(rows, columns, strict=True)]
        order = sorted(range(len(rows)), key=lambda k: (-far[k], columns[k], rows[k]))
        for k in order[:TRIES]:
            assignment = (*self.columns[columns[k]], (self.input, self.places[rows[k]]))
            found = attempt("outside", (self.body, support, assignment))
            if found is not None:
                return found
        return None

    def not_onto(self, support: Support, search: Search) -> Proof | None:
        """Parameters for which the values stop short of the support, or skip some of it."""
        if not self.usable:
            return None
        with sharing(Purse()):
            for assignment in self.columns[:10]:
                found = self._short(assignment, support, search) or self._skipped(assignment, support)
                if found is not None:
                    return found
        return None

    def _short(self, assignment: Assignment, support: Support, search: Search) -> Proof | None:
        specific = at_point(self.body, dict(assignment))
        if self.input not in specific.symbols:
            return None
        try:
            proof = by_slope(search, self.input, specific)
        except NotFound:
            return None
        conclusion = proof.conclusion
        assert isinstance(conclusion, Bijection)
        inner, monotone, low, high, *_ = proof.premises
        if inner.rule != "itself" or not isinstance(monotone.conclusion, Monotone):
            return None
        for end in (low, high):
            found = attempt("falls_short", (self.body, support, assignment), monotone, end)
            if found is not None:
                return found
        return None

    def _skipped(self, assignment: Assignment, support: Support) -> Proof | None:
        specific = at_point(self.body, dict(assignment))
        try:
            cuts = cuts_of(specific, self.input, self.where)
        except Unproved:
            return None
        if not cuts:
            return None
        for cut in cuts:
            near = np.array([float(cut) - 1e-6, float(cut), float(cut) + 1e-6])
            around = sorted(np.broadcast_to(values(specific, {self.input: near}), near.shape))
            for low, high in itertools.pairwise(around):
                if not math.isfinite(high - low) or high - low < 1e-6:
                    continue
                value = Fraction((low + high) / 2).limit_denominator(1000)
                found = _attempt("skipped", (self.input, self.body, support, assignment, cuts, value))
                if found is not None:
                    return found
        return None


def _attempt(rule: str, subject: tuple[object, ...]) -> Proof | None:
    try:
        return attempt(rule, subject)
    except Malformed:
        return None


def _plain(symbol: Term) -> bool:
    """Whether a symbol is a number of an interval."""
    try:
        support_interval(symbol)
    except Unproved:
        return False
    return symbol.shape == () and support_of(symbol).name not in ("Simplex", "Permutation")


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.copysign(math.inf, value)  # type: ignore[arg-type]


def assignments(free: tuple[Term, ...], times: int = 1, more: Sequence[Fraction] = ()) -> list[Assignment]:
    """Values of parameters: simple ones, `more`, ends that are reached, points near those that are not."""
    choices = [_values_of(s, more) for s in free]
    if not all(choices):
        return []
    found: dict[Assignment, None] = {}
    ranked = sorted(itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 20000), key=sum)
    for picked in ranked[: COLUMNS * times]:
        found[tuple((s, choices[k][p]) for k, (s, p) in enumerate(zip(free, picked, strict=True)))] = None
    return list(found) or [()]


def _values_of(symbol: Term, more: Sequence[Fraction]) -> list[Fraction]:
    own = support_interval(symbol)
    support = support_of(symbol)
    ends: list[Fraction] = []
    for end, inward in ((own.lower, 1), (own.upper, -1)):
        if is_finite(end):
            width = Fraction(own.upper) - Fraction(own.lower) if _bounded(own) else Fraction(1)
            ends += [Fraction(end), Fraction(end) + inward * width / 256, Fraction(end) + inward * width / 16]
    if not _bounded(own):
        ends += [Fraction(100), Fraction(-100)]
    middle = [Fraction(own.lower + own.upper) / 2] if _bounded(own) else []
    listed = [*middle, *ends[:1], *ends[3:4], *SIMPLE[:3], *more, *SIMPLE[3:], *ends]
    return list(dict.fromkeys(v for v in listed if admissible(support, v)))[:16]


def _bounded(own: Interval) -> bool:
    return is_finite(own.lower) and is_finite(own.upper)


def _rational_grid(where: Interval) -> list[Fraction]:
    """Rational points of an interval: simple ones, its ends, a grid, far ones."""
    width = _width(where)
    step = Fraction(1, 512) * width if width else None
    low = Fraction(where.lower) if is_finite(where.lower) else None
    points = [Fraction(p).limit_denominator(2**14) for p in grid(where, 160)] if step is None else []
    if step is not None and low is not None:
        points = [low + step * k for k in range(513)]
    ends = [Fraction(e) for e in (where.lower, where.upper) if is_finite(e)]
    near = [e + s * Fraction(1, 2**k) for e in ends for s in (1, -1) for k in (10, 14, 20, 30)]
    far = [Fraction(s * 10**k) for k in range(1, 10) for s in (1, -1)]
    return [p for p in {*points, *ends, *near, *far, *SIMPLE} if where.contains(p)]


def _width(where: Interval) -> Fraction | None:
    return Fraction(where.upper) - Fraction(where.lower) if _bounded(where) else None


def _out_of_order(own: np.ndarray) -> tuple[float, int, int, int] | None:
    """The size of the largest reversal against the way most of it runs, and three places that show it."""
    best: tuple[float, int, int, int] | None = None
    scale = np.minimum(np.abs(own), 1e6)
    for sign in (1.0, -1.0):
        run = sign * own
        highest = np.maximum.accumulate(run)
        later = np.maximum.accumulate(run[::-1])[::-1]
        drop = np.minimum(highest, later) - run
        drop = np.where(drop > 1e-9 * (1 + scale), drop, 0.0)
        k = int(np.argmax(drop))
        if drop[k] > 0:
            first = int(np.flatnonzero(run[: k + 1] >= min(highest[k], later[k]) * 1.0)[-1])
            last = k + int(np.flatnonzero(run[k:] >= min(highest[k], later[k]))[0])
            if first < k < last and (best is None or drop[k] > best[0]):
                best = float(drop[k]), first, k, last
    return best
