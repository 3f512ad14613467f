"""What a term is worth while a number runs over an interval, everything else fixed: an enclosure of each element.

Part of what a proof trusts.  `strict`: the term is also defined and continuous on the whole interval, since every test
has one outcome there, every number stays between the same knots, and nothing applied jumps.  Otherwise a test that goes
both ways contributes both branches."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from fractions import Fraction

from flint import ctx

from gencompiler.catalog.functions import FUNCTIONS, STEPS
from gencompiler.proof import domain, enclosure
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import Point, Undefined, evaluate
from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.numbers import COMPARISONS, Number, Undecided

Enclosures = tuple[Interval, ...]
TRUE, FALSE, EITHER = domain.point(Fraction(1)), domain.point(Fraction(0)), Interval(Fraction(0), Fraction(1))
#: Intervals between knots that are looked at one by one, at most.
MOST_PLACES = 64


class Sweep:
    """Enclosures of terms while `input_` runs over `interval`."""

    def __init__(self, point: Point, input_: Term, interval: Interval, *, strict: bool) -> None:
        self.point = point
        self.input = input_
        self.strict = strict
        self.known: dict[Term, Enclosures] = {input_: (interval,)}

    def of(self, term: Term) -> Enclosures:
        """The elements of a term; raises Unproved."""
        if term not in self.known:
            self.known[term] = self._of(term) if self.input in term.symbols else self._fixed(term)
        return self.known[term]

    def one(self, term: Term) -> Interval:
        """A scalar."""
        (found,) = self.of(term)
        return found

    def _fixed(self, term: Term) -> Enclosures:
        try:
            return tuple(map(_around, evaluate(term, self.point)))
        except (Undecided, Undefined) as problem:
            raise Unproved(str(problem)) from None

    def _of(self, term: Term) -> Enclosures:
        match term.operation:
            case "apply":
                size = math.prod(term.shape)
                columns = [_spread(self.of(a), size) for a in term.arguments]
                return tuple(self._apply(term, row) for row in zip(*columns, strict=True))
            case "choose":
                return self._choose(term)
            case "bin":
                return (self._bin(*term.arguments),)
            case "element":
                return (self._element(term),)
            case "join":
                return tuple(e for a in term.arguments for e in self.of(a))
            case "select" if len(term.shape) == 1:
                base = self.of(term.arguments[0])
                return tuple(base[p] for p in term.data)
            case "reduce" if term.data == "sum":
                return (_sum(self.of(term.arguments[0])),)
        raise Unproved(f"{term} is not followed along an interval")

    def _apply(self, term: Term, row: tuple[Interval, ...]) -> Interval:
        name = term.data
        if FUNCTIONS[name].kind == "boolean":
            return self._condition(name, row)
        match name:
            case "add" | "subtract" | "multiply":
                return {"add": domain.add, "subtract": domain.subtract, "multiply": domain.multiply}[name](*row)
            case "negate":
                return domain.negate(row[0])
            case "divide":
                inverse = domain.reciprocal(row[1])
                if inverse is None:
                    raise Unproved(f"{term.arguments[1]} may be 0")
                return domain.multiply(row[0], inverse)
            case "power":
                exponent = term.arguments[1]
                whole = exponent.operation == "literal" and exponent.data in range(1, 17)
                need(whole, "{} is not a small whole power", term)
                return domain.power(row[0], int(exponent.data))
            case "min" | "max":
                return _extremum(name, *row)
            case "abs":
                return _size(row[0])
        need(name not in STEPS and bool(FUNCTIONS[name].monotone), "{} is not followed along an interval", term)
        (argument,) = row
        need(argument.within(enclosure.domain_of(name)), "{} may leave the domain of {}", argument, name)
        return enclosure.image(name, argument)[0]

    # -- what depends on a test --------------------------------------------------------------------------------------

    def _condition(self, name: str, row: tuple[Interval, ...]) -> Interval:
        if name in COMPARISONS:
            found = _compared(name, *row)
        elif name == "not":
            found = {TRUE: FALSE, FALSE: TRUE}.get(row[0], EITHER)
        else:
            decisive = FALSE if name == "and" else TRUE
            found = decisive if decisive in row else EITHER if EITHER in row else row[0]
        need(found != EITHER or not self.strict, "a test goes both ways")
        return found

    def _choose(self, term: Term) -> Enclosures:
        size = math.prod(term.shape)
        tests = _spread(self.of(term.arguments[0]), size)
        then = self.of(term.arguments[1]) if any(t != FALSE for t in tests) else ()
        otherwise = self.of(term.arguments[2]) if any(t != TRUE for t in tests) else ()
        found = []
        for place, test in enumerate(tests):
            sides = [_spread(side, size)[place] for side, no in ((then, FALSE), (otherwise, TRUE)) if test != no]
            found.append(domain.hull(*sides))
        return tuple(found)

    def _bin(self, value: Term, knots: Term) -> Interval:
        own, inner = self.one(value), self.of(knots)[1:-1]
        passed = [_compared("less_equal", knot, own) for knot in inner]
        need(EITHER not in passed or not self.strict, "a knot is passed")
        least, most = passed.count(TRUE), len(passed) - passed.count(FALSE)
        return Interval(Fraction(least), Fraction(most))

    def _element(self, term: Term) -> Interval:
        base, *places = term.arguments
        need(len(places) == 1 and len(base.shape) == 1, "{} is not followed along an interval", term)
        at, values = self.one(places[0]), self.of(base)
        whole = all(isinstance(e, Fraction) and e.denominator == 1 for e in (at.lower, at.upper))
        need(whole and 0 <= at.lower <= at.upper < len(values), "{} is at an unknown place", term)
        return domain.hull(*values[int(at.lower) : int(at.upper) + 1])


def _around(number: Number) -> Interval:
    return domain.point(number) if isinstance(number, Fraction) else Interval(*enclosure.bounds_of(number))


def _spread(values: Enclosures, size: int) -> Enclosures:
    return values * size if len(values) == 1 and size != 1 else values


def _sum(values: Iterable[Interval]) -> Interval:
    found = domain.point(Fraction(0))
    for value in values:
        found = domain.add(found, value)
    return found


def _size(a: Interval) -> Interval:
    if a.sign > 0 or (a.lower == 0 and not a.lower_open):
        return a
    if a.upper <= 0:
        return domain.negate(a)
    upper, upper_open = max((-a.lower, not a.lower_open), (a.upper, not a.upper_open))
    return Interval(Fraction(0), upper, False, not upper_open)


def _extremum(name: str, a: Interval, b: Interval) -> Interval:
    pick = min if name == "min" else max
    return Interval(pick(a.lower, b.lower), pick(a.upper, b.upper))


def _compared(name: str, a: Interval, b: Interval) -> Interval:
    """Whether every number of one compares so with every number of the other, or none does."""
    if name in ("equal", "not_equal"):
        apart = a.upper < b.lower or b.upper < a.lower
        return (FALSE if name == "equal" else TRUE) if apart else EITHER
    if name in ("greater", "greater_equal"):
        a, b = b, a
    strictly = name in ("less", "greater")
    before, after = (operator.lt, operator.le) if strictly else (operator.le, operator.lt)
    if before(a.upper, b.lower):
        return TRUE
    return FALSE if after(b.upper, a.lower) else EITHER


def enclosures(term: Term, point: Point, input_: Term, interval: Interval, *, strict: bool) -> Enclosures:
    """What the elements of `term` are worth on an interval; raises Unproved."""
    with ctx.workprec(enclosure.PRECISION):
        return Sweep(point, input_, interval, strict=strict).of(term)


def branches(term: Term, point: Point, input_: Term, interval: Interval) -> list[Interval]:
    """What a map of a number may be worth on an interval, each branch that may be taken on its own."""
    with ctx.workprec(enclosure.PRECISION):
        sweep, waiting, found = Sweep(point, input_, interval, strict=False), [term], []
        while waiting:
            current = waiting.pop()
            if current.operation == "choose" and current.shape == ():
                test = sweep.one(current.arguments[0])
                waiting += [a for a, no in ((current.arguments[1], FALSE), (current.arguments[2], TRUE)) if test != no]
                continue
            for places in _between(sweep, current):
                own = Sweep(point, input_, interval, strict=False)
                own.known.update(places)
                found.append(own.one(current))
    return found


def _between(sweep: Sweep, term: Term) -> list[dict[Term, Enclosures]]:
    """Each of the intervals between knots that numbers may lie in, on its own; of several, all that may be together."""
    found: list[dict[Term, Enclosures]] = [{}]
    for part in subterms(term):
        if part.operation == "bin" and sweep.input in part.symbols:
            at = sweep.one(part)
            places = range(int(at.lower), int(at.upper) + 1)
            need(len(found) * len(places) <= MOST_PLACES, "too many intervals at once")
            found = [{**known, part: (domain.point(Fraction(k)),)} for known in found for k in places]
    return found
