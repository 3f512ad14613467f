"""The search for the sign of a term on a box: which cuts and lemmas show it.  Nothing here is trusted.

Direct evaluation first; then without denominators and positive factors; then, where a slope has one sign, at the end;
then squares; then in terms of fewer symbols; then the halves.  The tree that is found is what the rule `on_box`
computes again."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from gencompiler.model.nodes import REAL
from gencompiler.proof.box_sign_rules import (
    SignTree,
    Tree,
    beside_root,
    interval_of,
    is_atom,
    separable,
)
from gencompiler.proof.boxes import Box, Evaluation
from gencompiler.proof.budget import spend
from gencompiler.proof.calculus import at, derivative, is_number
from gencompiler.proof.domain import NON_NEGATIVE, Interval
from gencompiler.proof.graph import Malformed, Term, is_finite, subterms, support_of
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.numerators import cleared, coefficients, divisible
from gencompiler.proof.sign_steps import products_in, quotients, renamed, through
from gencompiler.proof.terms import negated

#: How many evaluations a search may take, how deep its cuts and its slopes may nest.
BUDGET, CUTS, SLOPES = 1000, 24, 3
#: What the other forms of a term cost, beside an evaluation of it.
WRITING = 4


class OutOfBudget(Exception):
    """The search has taken as many steps as it may."""


@dataclasses.dataclass
class Purse:
    """What all the searches about one function may spend together: operations on intervals."""

    left: int = 40_000


@functools.lru_cache(maxsize=4096)
def _size(term: Term) -> int:
    """What an evaluation costs: numbers grow with the symbols that are cut."""
    return len(subterms(term)) * max(1, len(term.symbols) ** 2 // 2)


class Signs:
    """Searches for trees that show a term to be positive (or, weakly, not negative) on a box."""

    def __init__(
        self,
        known: dict[Term, Interval],
        first: Term,
        budget: int = BUDGET,
        slopes: int = SLOPES,
        purse: Purse | None = None,
    ) -> None:
        self.known = known
        self.first = first
        self.left = budget
        self.purse = purse or Purse()
        self.slopes = slopes
        self.rules = SignTree(known)
        self.refused = False  # a value of the wrong sign was met

    def prove(self, term: Term, box: Box, *, strict: bool) -> Tree | None:
        """A tree, or None; `strict` asks for > 0."""
        try:
            return self._prove(term, box, strict, CUTS, self.slopes)
        except OutOfBudget:
            return None

    def _enough(self, interval: Interval | None, strict: bool) -> bool:
        return interval is not None and (interval.sign > 0 if strict else interval.within(NON_NEGATIVE))

    def _range(self, term: Term, box: Box) -> Interval | None:
        self.left -= 1
        self.purse.left -= _size(term)
        spend(_size(term))
        if self.left < 0 or self.purse.left < 0:
            raise OutOfBudget
        try:
            return Evaluation(box, self.known).range(term)
        except Unproved:
            return None

    def _prove(self, term: Term, box: Box, strict: bool, cuts: int, slopes: int) -> Tree | None:
        own = self._range(term, box)
        if self._enough(own, strict):
            return ("here",)
        if own is not None and (own.upper < 0 or (own.upper <= 0 and strict)):
            self.refused = self.refused or own.upper < 0
            return None
        if not (set(term.symbols)):
            return None
        for about in self.known:
            if self._holds(term, box, ("condition", about), strict):
                return ("condition", about)
        spend(WRITING * _size(term))
        if own is None:  # perhaps it is defined on the halves
            return self._cut(term, box, strict, cuts, slopes)
        shorter = self._shorter(term, box)
        if shorter is not None:
            found = self._prove(shorter[1], box, strict, cuts, slopes)
            return found and ("divided", *shorter, found)
        simpler = self._cleared(term, box)
        if simpler is not None:
            numerator, factors = simpler
            found = self._prove(numerator, box, strict, cuts, slopes)
            if found is not None:
                return ("clear", factors, found)
            if self.refused:
                return None
        tree = self._lemmas(term, box, strict, slopes)
        if tree is not None:
            return tree
        if simpler is None and cuts == CUTS:
            for step, moved, inside in self._renamings(term, box):
                found = self._prove(moved, inside, strict, cuts - 1, slopes)
                if found is not None:
                    return (*step, found)
        return self._cut(term, box, strict, cuts, slopes)

    def _holds(self, term: Term, box: Box, tree: Tree, strict: bool) -> bool:
        try:
            return self._enough(self.rules.range(term, box, tree), strict)
        except Unproved:
            return False

    def _shorter(self, term: Term, box: Box) -> tuple[Term, Term] | None:
        """A positive factor of a term, and what is left without it."""
        for divisor, quotient in quotients(term):
            own = self._range(divisor, box)
            if own is not None and own.sign > 0:
                return divisor, quotient
        return None

    def _renamings(self, term: Term, box: Box) -> Iterator[tuple[Tree, Term, Box]]:
        """A term with fewer symbols, and the box with the new one."""
        for about in self.known:
            for symbol in sorted(about.symbols & term.symbols, key=lambda s: (support_of(s) != REAL, str(s.data[:2]))):
                with contextlib.suppress(Unproved, Malformed):
                    moved, own = renamed(term, about, symbol)
                    yield ("renamed", about, symbol), moved, {**box, own: self.known[about]}
        for part in products_in(term):
            with contextlib.suppress(Unproved, Malformed):
                moved, own = through(term, part)
                yield ("through", part), moved, {**box, own: Evaluation(box, self.known).range(part)}

    def _cleared(self, term: Term, box: Box) -> tuple[Term, tuple[Term, ...]] | None:
        _, divided = cleared(term)
        factors = []
        for factor, count in divided:
            found = self._range(factor, box)
            if found is not None and divisible(found, count):
                factors.append(factor)
        numerator, used = cleared(term, frozenset(factors))
        return (numerator, tuple(f for f, _ in used)) if numerator is not term else None

    # -- lemmas ------------------------------------------------------------------------------------------------------

    def _lemmas(self, term: Term, box: Box, strict: bool, slopes: int) -> Tree | None:
        for symbol in self._symbols(term):
            found = self._by_slope(term, box, symbol, strict, slopes)
            if found is not None:
                return found
        return self._by_square(term, box, strict, slopes) or self._by_root(term, box, strict)

    def _by_root(self, term: Term, box: Box, strict: bool) -> Tree | None:
        for atom in subterms(term):
            if atom.operation != "apply" or atom.data != "sqrt":
                continue
            try:
                factor, rest = beside_root(term, atom)
            except Unproved:
                continue
            first = self._prove(factor, box, True, 2, 1)
            second = first and self._prove(rest, box, strict, 2, 1)
            if first is not None and second is not None:
                tree: Tree = ("root", atom, first, second)
                if self._holds(term, box, tree, strict):
                    return tree
        return None

    def _by_slope(self, term: Term, box: Box, symbol: Term, strict: bool, slopes: int) -> Tree | None:
        if not slopes or symbol.operation != "symbol":
            return None
        try:
            slope = derivative(term, symbol)
        except Unproved:
            return None
        own = self._range(slope, box)
        directions: list[bool] = []
        if own is not None and own.within(NON_NEGATIVE):
            directions = [True]
        elif own is not None and own.upper <= 0:
            directions = [False]
        elif self._unbounded(symbol, box) and slopes > 1 and (own is not None):
            directions = [True, False]
        for rising in directions:
            found = self._from_end(term, box, symbol, slope, rising, strict, slopes)
            if found is not None:
                return found
        return None

    def _unbounded(self, symbol: Term, box: Box) -> bool:
        own = interval_of(symbol, box)
        return not (is_finite(own.lower) and is_finite(own.upper))

    def _from_end(
        self, term: Term, box: Box, symbol: Term, slope: Term, rising: bool, strict: bool, slopes: int
    ) -> Tree | None:
        own = interval_of(symbol, box)
        end = own.lower if rising else own.upper
        of_end: Tree | None = ("here",)
        if is_finite(end):
            of_end = None
            for demand in (True, False):
                if demand or not strict or (own.lower_open if rising else own.upper_open):
                    of_end = of_end or self._shallow(at(term, symbol, Fraction(end)), box, demand, slopes - 1)
            if of_end is None:
                return None
        steep = slope if rising else negated(slope)
        of_slope = self._shallow(steep, box, True, slopes - 1) or self._shallow(steep, box, False, slopes - 1)
        if of_slope is None:
            return None
        tree: Tree = ("slope", symbol, rising, of_slope, of_end)
        return tree if self._holds(term, box, tree, strict) else None

    def _shallow(self, term: Term, box: Box, strict: bool, slopes: int) -> Tree | None:
        return self._prove(term, box, strict, 1, slopes)

    def _by_square(self, term: Term, box: Box, strict: bool, slopes: int) -> Tree | None:
        for atom, power in _quadratics(term):
            for inner in (("here",), None):
                if inner is None:
                    a = self._square_trees(term, box, atom, power, strict, slopes)
                    if a is None:
                        continue
                    tree: Tree = ("square", atom, power, *a)
                else:
                    tree = ("square", atom, power, inner, inner)
                if self._holds(term, box, tree, strict):
                    return tree
        return None

    def _square_trees(
        self, term: Term, box: Box, atom: Term, power: int, strict: bool, slopes: int
    ) -> tuple[Tree, Tree] | None:
        from gencompiler.proof.calculus import fold
        from gencompiler.proof.graph import apply, literal

        found = coefficients(term, atom)
        a, b, c = (found.get(k * power, literal(0)) for k in (2, 1, 0))
        rest = fold(apply("subtract", apply("multiply", apply("multiply", literal(4), a), c), apply("multiply", b, b)))
        if term.symbols <= a.symbols and term.symbols <= rest.symbols:
            return None
        first = self._prove(a, box, True, 2, min(slopes, 1))
        second = first and self._prove(rest, box, strict, 6, min(slopes, 1))
        return None if first is None or second is None else (first, second)

    # -- cuts --------------------------------------------------------------------------------------------------------

    def _cut(self, term: Term, box: Box, strict: bool, cuts: int, slopes: int) -> Tree | None:
        if not cuts:
            return None
        best: tuple[float, Term, Fraction] | None = None
        for symbol in self._symbols(term):
            try:
                own = interval_of(symbol, box)
            except Unproved:
                continue
            width = _squeezed(own.upper) - _squeezed(own.lower)
            if width > 1e-9 and (best is None or width > best[0] * 1.01):
                best = width, symbol, _middle(own)
        if best is None:
            return None
        _, symbol, value = best
        own = interval_of(symbol, box)
        low = Interval(own.lower, value, own.lower_open, False)
        high = Interval(value, own.upper, False, own.upper_open)
        left = self._prove(term, {**box, symbol: low}, strict, cuts - 1, slopes)
        if left is None:
            return None
        right = self._prove(term, {**box, symbol: high}, strict, cuts - 1, slopes)
        return None if right is None else ("cut", symbol, value, left, right)

    def _symbols(self, term: Term) -> Iterable[Term]:
        """What may be cut: the first symbol, then the others; of a vector that is taken apart, its elements."""
        found = sorted((s for s in term.symbols if s is not self.first), key=lambda s: str(s.data[:2]))
        if any(s.shape for s in found):
            found = [a for s in found for a in ([s] if separable(term, s) else _elements(term, s))]
        return [self.first, *found] if self.first in term.symbols else found


def _elements(term: Term, symbol: Term) -> list[Term]:
    """The elements of a symbol that a term mentions at places that are numbers."""
    return [p for p in subterms(term) if p.operation == "element" and p.arguments[0] is symbol and is_atom(p)]


def _quadratics(term: Term) -> list[tuple[Term, int]]:
    """Atoms in a power of which a term is a quadratic."""
    found = []
    seen: dict[Term, None] = {}
    for part in subterms(term):
        if part.operation == "symbol" or (part.operation == "apply" and part.arguments and len(part.arguments) == 1):
            seen[part] = None
    for atom in seen:
        try:
            powers = set(coefficients(term, atom)) - {0}
        except Unproved:
            continue
        if not powers or min(powers) < 0 or max(powers) % 2:
            continue
        half = max(powers) // 2
        if powers <= {half, 2 * half}:
            found.append((atom, half))
    return found


def _squeezed(value: object) -> float:
    """The line on (-1, 1)."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.copysign(1.0, value)  # type: ignore[arg-type]
    return math.copysign(1.0, number) if math.isinf(number) else number / (1 + abs(number))


def _middle(own: Interval) -> Fraction:
    """Where an interval is cut: 0 for the line, twice as far out on a half-line, else the middle."""
    if own.lower < 0 < own.upper and not (is_finite(own.lower) and is_finite(own.upper)):
        return Fraction(0)
    if own.upper == math.inf:
        low = Fraction(own.lower)
        return 2 * low if low >= 1 else Fraction(1) if low >= 0 else low / 2 if low < -1 else Fraction(0)
    if own.lower == -math.inf:
        high = Fraction(own.upper)
        return 2 * high if high <= -1 else Fraction(-1) if high <= 0 else high / 2 if high > 1 else Fraction(0)
    middle = Fraction(own.lower + own.upper) / 2
    return _simple(middle, Fraction(own.upper - own.lower))


def _simple(value: Fraction, width: Fraction) -> Fraction:
    """A number of few digits near the middle."""
    step = Fraction(1)
    while step > width / 4:
        step /= 2
    return round(value / step) * step


__all__ = ["Signs", "is_number"]
