"""The rule for the sign of a term on a box, by a tree of cuts and lemmas: monotone in a symbol, a positive denominator,
a square, a condition."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, cast

from gencompiler.catalog.functions import STEPS
from gencompiler.proof import domain
from gencompiler.proof.asymptotics import Limits, bounds
from gencompiler.proof.boxes import Box, Evaluation, support_interval
from gencompiler.proof.calculus import at, derivative, fold
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, Interval
from gencompiler.proof.facts import Fact, InRange, OnBox
from gencompiler.proof.graph import Term, apply, is_finite, literal, subterms
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numerators import cleared, coefficients, divisible, horner
from gencompiler.proof.ring import Ring
from gencompiler.proof.sign_steps import is_product, renamed, through
from gencompiler.proof.terms import negated

#: How a sign was found: a node of a tree of cuts and lemmas, as plain data.
Tree = tuple[Any, ...]
BoxData = tuple[tuple[Term, Interval], ...]


def given_ranges(
    premises: tuple[Fact, ...], input_: Term | None = None, where: Interval | None = None
) -> dict[Term, Interval]:
    """What the premises say of terms, on the whole of their supports, or where `input_` is in an interval; beyond its
    support the former say nothing of what depends on it."""
    beyond = input_ is not None and where is not None and not where.within(support_interval(input_))
    found = {p.term: p.interval for p in premises if isinstance(p, InRange)}
    found = {t: i for t, i in found.items() if not (beyond and input_ in t.symbols)}
    for premise in premises:
        if isinstance(premise, OnBox) and len(premise.box) == 1 and input_ is not None and where is not None:
            (symbol, interval), *_ = premise.box
            if symbol is input_ and where.within(interval):
                found[premise.term] = premise.interval
    return found


@rule
def on_box(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Where a term lies on a box, by a tree of cuts and lemmas.  Subject: the term, the box, the tree.

    Premises: ranges of terms, as conditions and assumptions give them."""
    term, box, tree = cast(tuple[Term, BoxData, Tree], subject)
    need(all(not i.is_point for _, i in box), "a box without an inside")
    known = given_ranges(premises, *box[0]) if len(box) == 1 else given_ranges(premises)
    beyond = [s for s, where in box if s.operation == "symbol" and not where.within(support_interval(s))]
    known = {t: i for t, i in known.items() if len(box) == 1 or not t.symbols & set(beyond)}
    return OnBox(term, box, SignTree(known).range(term, dict(box), tree))


class SignTree:
    """What a tree of cuts and lemmas says of a term on a box; `known` is what premises say of terms."""

    def __init__(self, known: dict[Term, Interval]) -> None:
        self.known = known

    def range(self, term: Term, box: Box, tree: Tree) -> Interval:
        """Where `term` lies on `box`, by this tree."""
        match tree:
            case ("here",):
                return Evaluation(box, self.known).range(term)
            case ("cut", symbol, value, low, high):
                return self._cut(term, box, symbol, value, low, high)
            case ("slope", symbol, rising, of_slope, of_end):
                return self._slope(term, box, symbol, bool(rising), of_slope, of_end)
            case ("clear", factors, inner):
                return self._clear(term, box, factors, inner)
            case ("square", symbol, power, of_leading, of_rest):
                return self._square(term, box, symbol, power, of_leading, of_rest)
            case ("root", atom, of_factor, of_rest):
                return self._root(term, box, atom, of_factor, of_rest)
            case ("condition", about):
                return self._condition(term, box, about)
            case ("divided", divisor, quotient, inner):
                return self._divided(term, box, divisor, quotient, inner)
            case ("renamed", about, symbol, inner):
                return self._renamed(term, box, about, symbol, inner)
            case ("through", part, inner):
                return self._through(term, box, part, inner)
        raise Unproved("no such step")

    def _cut(self, term: Term, box: Box, symbol: Term, value: Fraction, low: Tree, high: Tree) -> Interval:
        """The halves of the values of an atom.  Of a tensor they are halves for each element on its own, which is all
        there is only where no element of the term depends on two of its elements."""
        need(is_atom(symbol) and separable(term, symbol), "{} has elements on both sides of a cut", symbol)
        own = interval_of(symbol, box)
        need(isinstance(value, Fraction) and own.lower < value < own.upper, "a cut outside the box")
        left = Interval(own.lower, value, own.lower_open, False)
        right = Interval(value, own.upper, False, own.upper_open)
        return domain.hull(self.range(term, {**box, symbol: left}, low), self.range(term, {**box, symbol: right}, high))

    def _slope(self, term: Term, box: Box, symbol: Term, rising: bool, of_slope: Tree, of_end: Tree) -> Interval:
        """A function that rises is at least its value at the lower end; one that falls, at the upper."""
        need(symbol.operation == "symbol", "{} is no symbol", symbol)
        own = interval_of(symbol, box)
        slope = derivative(term, symbol)
        steep = self.range(slope if rising else negated(slope), box, of_slope)
        need(steep.within(NON_NEGATIVE), "the slope in {} has no sign", symbol)
        end = own.lower if rising else own.upper
        if not is_finite(end):
            return self._from_infinity(term, box, symbol, not rising, steep.sign > 0)
        closed = Interval(own.lower, own.upper, own.lower_open and not rising, own.upper_open and rising)
        # What is known within the box need not hold at the end of it: x² > 0 on (0, 1).
        kept = {t: i for t, i in self.known.items() if closed == own or symbol not in t.symbols}
        Evaluation({**box, symbol: closed}, kept).range(term)
        need(smooth_in(term, symbol), "{} is in pieces", term)
        lowest = self.range(at(term, symbol, Fraction(end)), box, of_end)
        away = own.lower_open if rising else own.upper_open
        open_ = lowest.lower_open or (away and steep.sign > 0) or lowest.lower == -math.inf
        return Interval(lowest.lower, math.inf, open_)

    def _from_infinity(self, term: Term, box: Box, symbol: Term, upper: bool, strict: bool) -> Interval:
        """The same where the end is at infinity: the values are beyond the limit."""
        Evaluation(box, self.known).range(term)
        need(smooth_in(term, symbol), "{} is in pieces", term)
        signs = Evaluation({s: i for s, i in box.items() if s is not symbol}, self.known)
        low, _ = bounds(Limits(symbol, interval_of(symbol, box), upper, signs).limit(term), signs)
        return Interval(low, math.inf, strict)

    def _clear(self, term: Term, box: Box, factors: tuple[Term, ...], inner: Tree) -> Interval:
        """The sign of a fraction with a positive denominator is that of its numerator."""
        evaluation = Evaluation(box, self.known)
        evaluation.range(term)
        numerator, divided = cleared(term, frozenset(factors))
        for factor, count in divided:
            need(divisible(evaluation.range(factor), count), "{} may not be positive", factor)
        return sign_only(self.range(numerator, box, inner))

    def _square(self, term: Term, box: Box, atom: Term, power: int, of_leading: Tree, of_rest: Tree) -> Interval:
        """a s² + b s + c with a > 0: at least (4 a c - b²) / 4 a.  s is a power of an atom."""
        Evaluation(box, self.known).range(term)
        found = coefficients(term, atom)
        need(set(found) <= {0, power, 2 * power}, "{} is not quadratic in {}", term, atom)
        a, b, c = (found.get(k * power, literal(0)) for k in (2, 1, 0))
        need(self.range(a, box, of_leading).sign > 0, "the leading coefficient may not be positive")
        rest = apply("subtract", apply("multiply", apply("multiply", literal(4), a), c), apply("multiply", b, b))
        return sign_only(self.range(fold(rest), box, of_rest))

    def _root(self, term: Term, box: Box, atom: Term, of_factor: Tree, of_rest: Tree) -> Interval:
        """c √p + r with c > 0: positive where c² p - r² is, since then |r| < c √p."""
        Evaluation(box, self.known).range(term)
        factor, rest = beside_root(term, atom)
        need(self.range(factor, box, of_factor).sign > 0, "the factor of {} may not be positive", atom)
        return sign_only(self.range(rest, box, of_rest))

    def _condition(self, term: Term, box: Box, about: Term) -> Interval:
        """A positive multiple of what a premise is about, plus what is not negative."""
        need(about in self.known, "no premise about {}", about)
        Evaluation(box, self.known).range(term)
        ring = Ring()
        own, other = ring.normal(fold(term)), ring.normal(fold(about))
        (monomial, size), *_ = other.items()
        factor = own.get(monomial, Fraction(0)) / size
        need(factor > 0 and own == {m: c * factor for m, c in other.items()}, "{} is another term", term)
        return sign_only(self.known[about])

    def _divided(self, term: Term, box: Box, divisor: Term, quotient: Term, inner: Tree) -> Interval:
        """The sign of a product with a positive factor is that of the other one."""
        Evaluation(box, self.known).range(term)
        need(Evaluation(box, self.known).range(divisor).sign > 0, "{} may not be positive", divisor)
        need(is_product(term, divisor, quotient), "{} is not {} times another term", term, divisor)
        return sign_only(self.range(quotient, box, inner))

    def _renamed(self, term: Term, box: Box, about: Term, symbol: Term, inner: Tree) -> Interval:
        """A premise about symbol + rest says where c = symbol + rest lies: with c - rest for the symbol, whose own
        interval is not used, the term has the same values."""
        need(about in self.known, "no premise about {}", about)
        Evaluation(box, self.known).range(term)
        moved, own = renamed(term, about, symbol)
        return sign_only(self.range(moved, {**box, own: self.known[about]}, inner))

    def _through(self, term: Term, box: Box, part: Term, inner: Tree) -> Interval:
        """A function of one product of symbols, for all values that the product may have."""
        Evaluation(box, self.known).range(term)
        moved, own = through(term, part)
        return sign_only(self.range(moved, {**box, own: Evaluation(box, self.known).range(part)}, inner))


def beside_root(term: Term, atom: Term) -> tuple[Term, Term]:
    """Of c √p + r: c, and c² p - r²; raises Unproved for other terms."""
    need(atom.operation == "apply" and atom.data == "sqrt", "{} is no square root", atom)
    found = coefficients(term, atom)
    need(set(found) <= {0, 1} and 1 in found, "{} is not linear in {}", term, atom)
    factor, other = found[1], found.get(0, literal(0))
    square = apply("multiply", apply("multiply", factor, factor), atom.arguments[0])
    return factor, fold(horner(Ring().normal(apply("subtract", square, apply("multiply", other, other)))))


def sign_only(interval: Interval) -> Interval:
    """What a range says of the sign: positive or not negative; raises Unproved for others."""
    if interval.sign > 0:
        return POSITIVE
    need(interval.within(NON_NEGATIVE), "the sign is not known")
    return NON_NEGATIVE


def interval_of(symbol: Term, box: Box) -> Interval:
    """The interval of a symbol in a box, or its support's."""
    return Evaluation(box, {}).range(symbol)


def is_atom(term: Term) -> bool:
    """Whether a term is a symbol, or the element of one at places that are numbers."""
    if term.operation == "element":
        base, *places = term.arguments
        return base.operation == "symbol" and term.shape == () and all(p.operation == "literal" for p in places)
    return term.operation == "symbol"


def separable(term: Term, symbol: Term) -> bool:
    """Whether an element of a term depends on one element of a symbol at most: the same function of each."""
    if symbol.shape == () or symbol not in term.symbols:
        return True
    return all(
        part is symbol or part.operation in ("apply", "choose") for part in subterms(term) if symbol in part.symbols
    )


def smooth_in(term: Term, symbol: Term) -> bool:
    """Whether a term has no `if`, kink or jump that depends on `symbol`."""
    return not any(
        symbol in part.symbols
        and (
            (part.operation == "choose" and symbol in part.arguments[0].symbols)
            or (part.operation == "apply" and part.data in (*STEPS, "stop", "abs", "relu"))
            or (part.operation == "apply" and part.data in ("min", "max"))
        )
        for part in subterms(term)
    )
