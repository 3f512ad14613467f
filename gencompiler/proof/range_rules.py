"""Rules for ranges, signs and the logarithm of an absolute value.

The subject of each is one term; its premises speak of the term's arguments, in order.  Intervals treat each occurrence
of a symbol on its own, which is sound and sometimes wider than the truth."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS, STEPS
from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.proof import domain, enclosure
from gencompiler.proof.boxes import support_interval
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, REALS, Interval
from gencompiler.proof.facts import Defined, Fact, InRange, LogAbs, NonZero
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, gradient_parts, is_finite, literal, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.terms import minus, negated, plus


def subject_term(subject: Subject, operation: str, data: object = None) -> Term:
    """The subject, which must be this operation."""
    term: Term = subject[0]
    need(term.operation == operation and data in (None, term.data), "{} is not of the form {}", term, data or operation)
    return term


def range_of(fact: Fact, term: Term) -> Interval:
    """The interval of a premise, which must be about `term`."""
    if not isinstance(fact, InRange) or fact.term is not term:
        raise Unproved(f"a premise about the range of {term} is missing")
    return fact.interval


def has_value(premise: Fact, term: Term) -> None:
    """Raises Unproved unless a premise says that this term is defined."""
    need(premise == Defined(term), "{} is not known to be defined", term)


def ranges(term: Term, premises: tuple[Fact, ...]) -> tuple[Interval, ...]:
    need(len(premises) == len(term.arguments), "one premise for each argument")
    return tuple(range_of(p, a) for p, a in zip(premises, term.arguments, strict=True))


# -- leaves ----------------------------------------------------------------------------------------------------------


@rule
def number(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A finite literal, or pi or e."""
    term: Term = subject[0]
    if term.operation == "constant":
        return InRange(term, enclosure.named_constant(term.data))
    need(term.operation == "literal" and is_finite(term.data), "{} is not a finite number", term)
    return InRange(term, domain.point(term.data))


@rule
def entries(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The entries of a table of finite numbers lie between the smallest and the largest."""
    term = subject_term(subject, "table")
    values = term.data[1]
    need(all(map(is_finite, values)), "{} has an entry that is not finite", term)
    return InRange(term, Interval(min(values), max(values)))


@rule
def declared(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A symbol has values in its declared support; an angle, between -pi and pi."""
    term = subject_term(subject, "symbol")
    return InRange(term, support_interval(term))


@rule
def network_output(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A network on real inputs gives real outputs."""
    term: Term = subject[0]
    need(term.operation in ("network", "bounded"), "{} is not a network", term)
    ranges(term, premises)
    return InRange(term, REALS)


# -- arithmetic ------------------------------------------------------------------------------------------------------

_ARITHMETIC = {"add": domain.add, "subtract": domain.subtract, "multiply": domain.multiply}


@rule
def arithmetic(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Sums, differences and products of intervals; a factor times itself is its square."""
    term = subject_term(subject, "apply")
    need(term.data in _ARITHMETIC, "{} is not a sum, difference or product", term.data)
    left, right = ranges(term, premises)
    if term.data == "multiply" and term.arguments[0] is term.arguments[1]:
        return InRange(term, domain.power(left, 2))
    return InRange(term, _ARITHMETIC[term.data](left, right))


@rule
def quotient(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A quotient, its divisor of one sign, or proven not to vanish by a third premise."""
    term = subject_term(subject, "apply", "divide")
    left, right = ranges(term, premises[:2])
    inverse = domain.reciprocal(right)
    if inverse is not None:
        return InRange(term, domain.multiply(left, inverse))
    need(NonZero(term.arguments[1]) in premises[2:], "{} may be 0", term.arguments[1])
    return InRange(term, REALS)


@rule
def power(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A whole constant exponent, or a positive base with any exponent; b^a is in (0, 1) for b in (0, 1) and a > 0, and
    beyond 1 for b > 1."""
    term = subject_term(subject, "apply", "power")
    base, exponent = ranges(term, premises)
    if exponent.is_point and Fraction(exponent.lower).denominator == 1:
        return InRange(term, _whole_power(base, int(exponent.lower)))
    if base.sign > 0 and exponent.sign:
        one = domain.point(1)
        below = base.within(Interval(0, 1)) if exponent.sign > 0 else base.within(Interval(1, math.inf))
        above = base.within(Interval(1, math.inf)) if exponent.sign > 0 else base.within(Interval(0, 1))
        strict = not base.contains(Fraction(1))
        if below and not above:
            return InRange(term, Interval(0, 1, True, strict))
        if above and not below:
            return InRange(term, Interval(1, math.inf, strict))
        return InRange(term, one if base == one else POSITIVE)
    if base.sign > 0:
        return InRange(term, POSITIVE)
    # 0^0 = 1: with an exponent that is counted, a power is continuous in its base even there.
    counted = all(SUPPORTS[support_of(s).name].discrete for s in term.arguments[1].symbols)
    allowed = exponent.sign > 0 or (counted and exponent.within(NON_NEGATIVE))
    need(base.within(NON_NEGATIVE) and allowed, "{} may be undefined", term)
    return InRange(term, NON_NEGATIVE)


def _whole_power(base: Interval, exponent: int) -> Interval:
    need(abs(exponent) <= 64, "a large exponent")
    if exponent == 0:
        return domain.point(1)
    found = domain.power(base, abs(exponent))
    if exponent > 0:
        return found
    inverse = domain.reciprocal(found) if base.sign else None
    if inverse is None:
        raise Unproved("a negative power of what may be 0")
    return inverse


# -- functions of the catalogue --------------------------------------------------------------------------------------


@rule
def monotone(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A monotone function on its domain: the values at the ends, cut down to its range."""
    term = subject_term(subject, "apply")
    fact = FUNCTIONS[term.data]
    need(fact.monotone is not None, "{} is not monotone", term.data)
    (argument,) = ranges(term, premises)
    need(argument.within(enclosure.domain_of(term.data)), "{} may leave the domain of {}", term.arguments[0], term.data)
    return InRange(term, enclosure.image(term.data, argument)[0])


@rule
def bounded(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Any unary function on its domain: its range; sharper for abs, relu and sign."""
    term = subject_term(subject, "apply")
    fact = FUNCTIONS[term.data]
    need(fact.arity == 1 and fact.kind != "boolean", "{} is not a function of one number", term.data)
    (argument,) = ranges(term, premises)
    need(argument.within(enclosure.domain_of(term.data)), "{} may leave the domain of {}", term.arguments[0], term.data)
    exact = enclosure.exact_function(term.data)
    if term.data == "abs" and argument.sign == 0:
        square = domain.power(argument, 2)
        reach = max(-argument.lower, argument.upper)
        return InRange(term, Interval(0, reach, False, square.upper_open))
    if term.data == "abs":
        return InRange(term, argument if argument.sign > 0 else domain.negate(argument))
    if exact is not None and term.data in ("relu", "sign") and argument.sign > 0:
        return InRange(term, argument if term.data == "relu" else domain.point(1))
    return InRange(term, enclosure.range_of(term.data))


@rule
def extremum(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """min and max of two values."""
    term = subject_term(subject, "apply")
    need(term.data in ("min", "max"), "{} is not an extremum", term.data)
    left, right = ranges(term, premises)
    if term.data == "max":
        left, right = domain.negate(left), domain.negate(right)
    lower = min((left.lower, left.lower_open), (right.lower, right.lower_open))
    upper = min((left.upper, not left.upper_open), (right.upper, not right.upper_open))
    found = Interval(lower[0], upper[0], lower[1], not upper[1])
    return InRange(term, domain.negate(found) if term.data == "max" else found)


@rule
def condition(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Comparisons and logic of defined values, and `indicator`, are 0 or 1."""
    term = subject_term(subject, "apply")
    need(FUNCTIONS[term.data].kind == "boolean" or term.data == "indicator", "{} is not a condition", term.data)
    ranges(term, premises)
    return InRange(term, Interval(0, 1))


@rule
def either(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A choice lies in the hull of its branches, each defined everywhere."""
    term = subject_term(subject, "choose")
    _, then, otherwise = ranges(term, premises)
    return InRange(term, domain.hull(then, otherwise))


@rule
def settled_choice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A choice by a comparison that the ranges of its sides settle: the branch that is taken, the other defined too.

    Premises: the ranges of both sides, then those of the branches."""
    term = subject_term(subject, "choose")
    condition, *branches = term.arguments
    need(condition.operation == "apply" and len(condition.arguments) == 2, "no comparison")
    need(len(premises) == 4, "four ranges are needed")
    left, right, then, otherwise = map(range_of, premises, (*condition.arguments, *branches))
    apart = domain.add(left, domain.negate(right))
    if condition.data in ("greater", "greater_equal"):
        apart = domain.negate(apart)
    strict = condition.data in ("less", "greater")
    need(strict or condition.data in ("less_equal", "greater_equal"), "{} is no comparison", condition.data)
    below, above = apart.sign < 0, apart.sign > 0
    reached = domain.negate(apart).within(domain.NON_NEGATIVE), apart.within(domain.NON_NEGATIVE)
    holds, fails = (below, reached[1]) if strict else (reached[0], above)
    need(holds or fails, "{} may be either", condition)
    return InRange(term, then if holds else otherwise)


# -- tensors ---------------------------------------------------------------------------------------------------------


@rule
def part(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An element, a view or a selection of a tensor; the entries of `for`."""
    term: Term = subject[0]
    need(term.operation in ("element", "select", "each"), "{} is not a part", term)
    need(len(premises) == 1, "one premise")
    return InRange(term, range_of(premises[0], term.arguments[0]))


@rule
def side_by_side(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A join lies in the hull of its parts."""
    term = subject_term(subject, "join")
    return InRange(term, domain.hull(*ranges(term, premises)))


@rule
def gradient_value(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The gradient of a function all of whose local derivatives are defined: sums of products of real numbers.

    Premises: the range of the body, then of every local derivative that `local_derivatives` lists, then of the actuals,
    which lie where the inputs may; at a kink the derivative is the catalogue's."""
    term = subject_term(subject, "gradient")
    inner = local_derivatives(term)
    body, formals, actuals = gradient_parts(term)
    wanted = (body, *inner, *actuals)
    need(len(premises) == len(wanted), "one premise for the body, each local derivative and each argument")
    found = [range_of(premise, about) for premise, about in zip(premises, wanted, strict=True)]
    need(all(f.shape == a.shape for f, a in zip(formals, actuals, strict=True)), "inputs of other shapes")
    for formal, actual, own in zip(formals, actuals, found[1 + len(inner) :], strict=True):
        need(_may_be(formal, actual, own), "{} may leave {}", actual, support_of(formal))
    own_support = support_of(formals[0])
    first = domain.of_support(own_support)
    apart = not SUPPORTS[own_support.name].discrete and own_support.name not in COUPLED
    open_ends = first is not None and first.lower_open and first.upper_open
    need(apart and open_ends, "a derivative in {}, whose values have no neighbours on both sides", formals[0])
    return InRange(term, REALS)


def _may_be(formal: Term, actual: Term, own: domain.Interval) -> bool:
    """Whether a term in this range is always a value of an input of a function."""
    support = support_of(formal)
    if actual.operation == "symbol" and support_of(actual) == support:
        return True
    allowed = domain.of_support(support)
    whole = SUPPORTS[support.name].discrete or support.name in (*COUPLED, "NonZero")
    return allowed is not None and not whole and own.within(allowed)


def local_derivatives(term: Term) -> tuple[Term, ...]:
    """The partial derivatives of every function applied, in a gradient's body, to what depends on its first formal."""
    body, formal = term.arguments[0], term.arguments[1]
    found: dict[Term, None] = {}
    stack = [body]
    seen: set[Term] = set()
    while stack:
        current = stack.pop()
        if current in seen or formal not in current.symbols:
            continue
        seen.add(current)
        stack.extend(current.arguments)
        if current.operation == "gradient" or (current.operation == "reduce" and current.data not in ("sum", "mean")):
            raise Unproved(f"the derivative of {current} is not known to be defined")
        if current.operation == "apply":
            found.update(dict.fromkeys(_partials(current, formal)))
    return tuple(found)


def _partials(current: Term, formal: Term) -> list[Term]:
    fact = FUNCTIONS[current.data]
    if fact.kind == "boolean" or current.data in STEPS:
        return []
    need(bool(fact.derivatives), "{} has no derivative", current.data)
    names = dict(zip("ab", current.arguments, strict=False))
    return [
        instance(formula, **names)
        for formula, argument in zip(fact.derivatives, current.arguments, strict=True)
        if formal in argument.symbols
    ]


# -- what does not vanish --------------------------------------------------------------------------------------------


@rule
def nonzero_sign(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value of one sign is not 0."""
    term: Term = subject[0]
    need(range_of(premises[0], term).sign != 0, "{} may be 0", term)
    return NonZero(term)


@rule
def nonzero_declared(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A symbol declared NonZero."""
    term = subject_term(subject, "symbol")
    need(support_of(term).name == "NonZero", "{} may be 0", term)
    return NonZero(term)


@rule
def nonzero_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A product or quotient of what does not vanish; a negative, an element or a selection of it."""
    term: Term = subject[0]
    if term.operation == "apply":
        need(term.data in ("multiply", "divide", "negate"), "{} may be 0", term)
        parts = term.arguments
    else:
        need(term.operation in ("element", "select", "each", "join"), "{} may be 0", term)
        parts = term.arguments if term.operation == "join" else term.arguments[:1]
    need(premises == tuple(NonZero(p) for p in parts), "a premise that an argument does not vanish is missing")
    return NonZero(term)


# -- log|c| ----------------------------------------------------------------------------------------------------------


@rule
def log_of_number(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log|c| of a number; 0 for 1 and -1."""
    term = subject_term(subject, "literal")
    need(term.data != 0 and is_finite(term.data), "the logarithm of 0")
    size = abs(term.data)
    return LogAbs(term, literal(0) if size == 1 else apply("log", literal(size)))


@rule
def log_catalogued(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log|f(a)| by the catalogue's formula, as log|exp(a)| = a, where f(a) has one sign."""
    term = subject_term(subject, "apply")
    formula = FUNCTIONS[term.data].log_abs
    if formula is None:
        raise Unproved(f"no formula for log|{term}|")
    need(range_of(premises[0], term).sign != 0, "{} may be 0", term)
    return LogAbs(term, instance(formula, a=term.arguments[0]))


@rule
def log_of_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log|a b| = log|a| + log|b|, log|a / b| = log|a| - log|b|, log|-a| = log|a|."""
    term = subject_term(subject, "apply")
    need(term.data in ("multiply", "divide", "negate"), "{} is not a product", term)
    need(len(premises) == len(term.arguments), "one premise for each factor")
    values = []
    for premise, factor in zip(premises, term.arguments, strict=True):
        if not isinstance(premise, LogAbs) or premise.term is not factor:
            raise Unproved(f"log|{factor}| is not known")
        values.append(premise.value)
    if term.data == "negate":
        return LogAbs(term, values[0])
    return LogAbs(term, (plus if term.data == "multiply" else minus)(*values))


@rule
def log_of_positive(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log|c| = log(c) for c > 0, and log(-c) for c < 0."""
    term: Term = subject[0]
    sign = range_of(premises[0], term).sign
    need(sign != 0, "{} may be 0", term)
    return LogAbs(term, apply("log", term if sign > 0 else negated(term)))


@rule
def log_of_nonzero(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log|c| of what does not vanish."""
    term: Term = subject[0]
    need(premises == (NonZero(term),), "{} may be 0", term)
    return LogAbs(term, apply("log", apply("abs", term)))
