"""Rules that refute: each evaluates terms at a concrete point, exactly or with balls, and concludes what cannot hold.

A point gives rationals to symbols and to network outputs.  A network's output is any constant for some weights (its
last layer 0, its bias that constant), so outputs may be chosen freely, alike for equal paths and numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.catalog.functions import FUNCTIONS, STEPS
from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof.boxes import Evaluation, support_interval
from gencompiler.proof.calculus import fold as folded
from gencompiler.proof.calculus import in_pieces, resolved
from gencompiler.proof.circles import is_circle
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Bijection, Fact, InRange, Monotone, NotInjective, NotOnto, Outside, Tends
from gencompiler.proof.graph import Term, is_finite, literal, substitute, subterms, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.map_rules import is_interval, pieces
from gencompiler.proof.monotone_rules import piece, sections
from gencompiler.proof.numbers import Number, Undecided, Values, compare, total
from gencompiler.proof.range_rules import range_of

#: Rational values of symbols and network outputs, the same for every element.
Assignment = tuple[tuple[Term, Fraction], ...]


def admissible(support: Support, value: Fraction) -> bool:
    """Whether a rational is a value of a support."""
    allowed = domain.of_support(support)
    if support.name == "Angle":
        return abs(value) <= enclosure.named_constant("pi").lower
    if allowed is None or not allowed.contains(value) or (support.name == "NonZero" and value == 0):
        return False
    if support.name == "Sign":
        return value in (-1, 1)
    return value.denominator == 1 or not SUPPORTS[support.name].discrete


def point_of(assignment: Assignment) -> dict[Term, Fraction | Values]:
    """The point, which must be one that parameters and variables can be at."""
    chosen: dict[object, Fraction] = {}
    for atom, value in assignment:
        key = atom.data[:2]
        need(chosen.setdefault((atom.operation, key), value) == value, "two values for one {}", atom)
        if atom.operation != "network":
            need(atom.operation == "symbol" and admissible(support_of(atom), value), "{} cannot be {}", atom, value)
            need(support_of(atom).name not in COUPLED, "the elements of {} are not free", atom)
    return dict(assignment)


def is_free(atom: Term, values: Values) -> bool:
    """Whether a parameter, or whatever else a map leaves open, can have these elements."""
    support = support_of(atom)
    if support.name == "Simplex" and len(atom.shape) == 1:
        return all(isinstance(v, Fraction) and v > 0 for v in values) and sum(values) == 1
    return support.name not in COUPLED and all(admissible(support, v) for v in values)


def _values(term: Term, point: dict[Term, Fraction | Values]) -> Values:
    try:
        return evaluate(term, point)
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None


@rule
def two_points(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """One value at two different inputs, all exact.  Subject: the input, the body, an assignment, the two inputs."""
    input_, body, assignment, first, second = cast(tuple[Term, Term, Assignment, Values, Values], subject)
    point = point_of(assignment)
    need(len(first) == len(second) and first != second, "two different inputs")
    need(all(isinstance(v, Fraction) and admissible(support_of(input_), v) for v in (*first, *second)), "not an input")
    left, right = (_values(body, {**point, input_: place}) for place in (first, second))
    exact = all(isinstance(v, Fraction) for v in (*left, *right)) and left == right
    need(exact or _one_formula(input_, body, point, first, second), "the values differ")
    return NotInjective(input_, body, assignment)


def _one_formula(input_: Term, body: Term, point: dict[Term, Fraction | Values], first: Values, second: Values) -> bool:
    """Whether a function of a number has one and the same closed formula at two points."""
    if input_.shape != () or not isinstance(first[0], Fraction) or not isinstance(second[0], Fraction):
        return False
    left, right = (at_point(body, {**point, input_: (place[0],)}) for place in (first, second))
    return left is right and not left.symbols


def at_point(term: Term, point: dict[Term, Fraction | Values]) -> Term:
    """A term with the numbers of a point put in for its symbols, folded; tensors and networks stay."""
    numbers = {
        atom: literal(value if isinstance(value, Fraction) else value[0])
        for atom, value in point.items()
        if atom.operation == "symbol" and atom.shape == () and (isinstance(value, Fraction) or len(value) == 1)
    }
    return folded(substitute(term, numbers))


@rule
def fold(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A continuous function of a number with three values out of order.  Premise: it is defined everywhere.

    Subject: the input, the body, an assignment, the three inputs."""
    input_, body, assignment, *places = cast(tuple[Term, Term, Assignment, Fraction, Fraction, Fraction], subject)
    need(premises != () and isinstance(premises[0], InRange) and premises[0].term is body, "not known to be defined")
    need(_without_gaps(support_of(input_)), "there are gaps between the values of {}", support_of(input_))
    need(continuous(body, input_) and input_.shape == (), "not known to be continuous")
    point = point_of(assignment)
    need(len(places) == 3 and places[0] < places[1] < places[2], "three inputs in order")
    need(all(admissible(support_of(input_), p) for p in places), "not an input")
    a, b, c = (_values(body, {**point, input_: (p,)})[0] for p in places)
    need(_order(a, b) * _order(b, c) < 0, "the values are in order")
    return NotInjective(input_, body, assignment)


@rule
def crossing(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A function of a number that is continuous from a to b, and at c outside of them is strictly between its values
    there.  Subject: the input, the body, an assignment, a, b and c."""
    input_, body, assignment, a, b, c = cast(tuple[Term, Term, Assignment, Fraction, Fraction, Fraction], subject)
    point = point_of(assignment)
    need(input_.shape == () and a < b and not a <= c <= b, "two ends and a point outside")
    need(_without_gaps(support_of(input_)), "there are gaps between the values of {}", support_of(input_))
    need(all(admissible(support_of(input_), p) for p in (a, b, c)), "not an input")
    box = {s: domain.point(v) for s, v in assignment if s.operation == "symbol"}
    segment = Evaluation({**box, input_: Interval(a, b)}, {})
    taken = resolved(body, input_, segment.holds)
    if not continuous(taken):
        taken = resolved(in_pieces(body, input_), input_, segment.holds)
    need(continuous(taken), "not known to be continuous")
    segment.range(taken)
    left, right, other = (_values(body, {**point, input_: (p,)})[0] for p in (a, b, c))
    need(_order(left, other) * _order(other, right) > 0, "the value at {} is not between", c)
    return NotInjective(input_, body, assignment)


def _without_gaps(support: Support) -> bool:
    """Whether every number between two values is one."""
    return is_interval(support) or is_circle(support)


def _order(left: Number, right: Number) -> int:
    try:
        return compare(left, right)
    except Undecided as problem:
        raise Unproved(str(problem)) from None


def continuous(term: Term, by: Term | None = None) -> bool:
    """Whether a term is made of functions that are continuous wherever they are defined; `by`: in this symbol alone,
    all others held fixed."""
    moving = [t for t in subterms(term) if by is None or by in t.symbols]
    return not any(_may_jump(t, by) for t in moving)


def _may_jump(term: Term, by: Term | None) -> bool:
    if term.operation == "choose":
        return by is None or by in term.arguments[0].symbols
    if term.operation == "bin":
        return True
    jumps = (*STEPS, "poisson_quantile")
    return term.operation == "apply" and (term.data in jumps or FUNCTIONS[term.data].kind == "boolean")


@rule
def outside(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value that is no value of the support, or no value at all; of a point of a simplex, numbers whose sum is not 1.

    Subject: the term, the support, an assignment."""
    term, support, assignment = cast(tuple[Term, Support, Assignment], subject)
    allowed = domain.of_support(support)
    if allowed is None and not is_circle(support):
        raise Unproved(f"the ends of {support} are not exact numbers")
    try:
        values = evaluate(term, point_of(assignment))
    except Undefined:
        return Outside(term, support, assignment)
    except Undecided as problem:
        raise Unproved(str(problem)) from None
    if allowed is None:  # every number stands for an angle
        raise Unproved(f"every number stands for a value of {support}")
    apart = support.name == "Simplex" and len(term.shape) == 1 and differs(total(values), Fraction(1))
    need(apart or any(_escapes(v, allowed, support) for v in values), "every value is one of {}", support)
    return Outside(term, support, assignment)


def differs(left: Number, right: Number) -> bool:
    """Whether two numbers are surely not the same: balls that overlap may be."""
    try:
        return compare(left, right) != 0
    except Undecided:
        return False


def _escapes(value: Number, allowed: domain.Interval, support: Support) -> bool:
    if isinstance(value, Fraction):
        return not admissible(support, value)
    try:
        if SUPPORTS[support.name].discrete:  # strictly between two neighbours
            least = Fraction(int(value.mid().floor().unique_fmpz() or 0))
            if compare(value, least) > 0 and compare(value, least + 1) < 0:
                return True
        below = is_finite(allowed.lower) and compare(value, Fraction(allowed.lower)) < 0
        return below or (is_finite(allowed.upper) and compare(value, Fraction(allowed.upper)) > 0)
    except Undecided:
        return False


@rule
def gap(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value that neither piece of a map takes.  Subject: the input, the body, the support, the value.

    Premises: the range of each piece on its half of the domain, lower first."""
    input_, body, support, value = cast(tuple[Term, Term, Support, Fraction], subject)
    low, high, _, upper_first = pieces(input_, body)
    _, then, otherwise = body.arguments
    below, above = (otherwise, then) if upper_first else (then, otherwise)
    need(admissible(support, value), "{} is not a value of {}", value, support)
    halves = ((below, low), (above, high))
    for premise, (formula, half) in zip(premises, halves, strict=True):
        reached = range_of(premise, substitute(formula, {input_: half}))
        need(not reached.contains(value), "{} may be reached", value)
    return NotOnto(body, support)


@rule
def skipped(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value that no section of a map takes.  Subject: the input, the body, the support, an assignment, the cuts
    between the sections, the value."""
    input_, body, support, assignment, cuts, value = cast(
        tuple[Term, Term, Support, Assignment, tuple[Fraction, ...], Fraction], subject
    )
    point = point_of(assignment)
    need(input_.shape == () and admissible(support, value), "{} is not a value of {}", value, support)
    specific = at_point(body, point)
    for part in sections(support_interval(input_), cuts):
        reached = Evaluation({input_: part}, {}).range(piece(specific, input_, part, {}))
        need(not reached.contains(value), "{} may be reached", value)
    for cut in cuts:
        (found,) = _values(body, {**point, input_: (cut,)})
        need(_order(found, value) != 0, "{} is reached", value)
    return NotOnto(body, support, assignment)


@rule
def falls_short(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A monotone function whose limit at an end is inside the support, or is an end of it that is never reached.

    Subject: the body, the support, an assignment.  Premises: the function at that assignment is monotone; a limit."""
    body, support, assignment = cast(tuple[Term, Support, Assignment], subject)
    monotone, limit = premises
    wanted = domain.of_support(support)
    if not isinstance(monotone, Monotone) or not isinstance(limit, Tends) or wanted is None:
        raise Unproved("a monotone function and a limit are missing")
    need(monotone.body is at_point(body, point_of(assignment)), "another function")
    need((limit.input, limit.body, limit.domain) == (monotone.input, monotone.body, monotone.domain), "another limit")
    need(monotone.domain == support_interval(monotone.input), "only on a part")
    reached = not (monotone.domain.upper_open if limit.upper else monotone.domain.lower_open)
    if limit.upper == monotone.increasing:  # the least upper bound of the values
        missed = limit.high < wanted.upper or (limit.high == wanted.upper and not wanted.upper_open and not reached)
    else:
        missed = limit.low > wanted.lower or (limit.low == wanted.lower and not wanted.lower_open and not reached)
    need(missed, "every value of {} may be reached", support)
    return NotOnto(body, support, assignment)


@rule
def not_onto(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A proven range that misses values of the support.  Subject: the support.  Premise: the range of the body, or that
    it is a bijection."""
    (support,) = cast(tuple[Support], subject)
    (found,) = premises
    wanted = domain.of_support(support)
    if wanted is None or not isinstance(found, InRange | Bijection):
        raise Unproved("no range")
    body, reached = (found.body, found.image) if isinstance(found, Bijection) else (found.term, found.interval)
    need(not wanted.within(reached), "every value of {} may be reached", support)
    return NotOnto(body, support)
