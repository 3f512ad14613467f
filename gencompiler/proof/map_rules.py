"""Rules for bijections: scalar maps built up around their input, and block-triangular maps of vectors.

A scalar rule's subject is `(input, body)`.  Each rule that applies a function to the map so far writes the inverse and
log|derivative| next to it, from the catalogue's formulas: both compositions hold because each step undoes one step.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof.contractions import is_computed
from gencompiler.proof.domain import REALS, Interval
from gencompiler.proof.facts import Bijection, Fact, Invertible, LogAbs, VectorBijection, result
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import (
    Term,
    apply,
    choose,
    is_finite,
    literal,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import has_value, range_of
from gencompiler.proof.terms import ZERO, minus, negated, over, plus, times


def _map(premise: Fact, input_: Term, body: Term) -> Bijection:
    """The premise that `body` is a bijection in `input_`, of the same shape."""
    if not isinstance(premise, Bijection) or premise.input is not input_ or premise.body is not body:
        raise Unproved(f"{body} is not known to be injective in {input_}")
    return premise


def _before(inner: Bijection, undone: Term) -> Term:
    """The inverse of a map followed by a step, `undone` being the step's inverse of the result."""
    return substitute(inner.inverse, {result(inner.input.shape): undone})


def _step(subject: Subject, *functions: str) -> tuple[Term, Term]:
    input_, body = cast(tuple[Term, Term], subject)
    need(body.operation == "apply" and body.data in functions, "{} is not one of {}", body, ", ".join(functions))
    need(body.shape == input_.shape, "{} has another shape than {}", body, input_)
    return input_, body


@rule
def itself(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u is a bijection in u."""
    (input_,) = subject
    own = domain.of_support(support_of(input_))
    if own is None or not is_interval(support_of(input_)):
        raise Unproved(f"{support_of(input_)} is not an interval")
    return Bijection(input_, input_, own, True, True, result(input_.shape), ZERO)


def is_interval(support: Support) -> bool:
    """Whether every number between two values of a support is one of its values."""
    return support.name in ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")


@rule
def unary(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A strictly monotone function of the catalogue, on its domain."""
    input_, body = _step(subject, *(f.name for f in FUNCTIONS.values() if f.monotone))
    inner = _map(premises[0], input_, body.arguments[0])
    fact = FUNCTIONS[body.data]
    if fact.inverse is None or fact.log_abs_derivative is None:
        raise Unproved(f"the catalogue has no inverse of {body.data}")
    allowed = enclosure.domain_of(body.data)
    interior = Interval(allowed.lower, allowed.upper, True, True)
    need(inner.image.within(interior), "{} may leave the inside of the domain of {}", body.arguments[0], body.data)
    image, exact = enclosure.image(body.data, inner.image)
    rising = None if inner.increasing is None else inner.increasing == (fact.monotone == "increasing")
    slope = instance(fact.log_abs_derivative, a=body.arguments[0])
    undone = _before(inner, instance(fact.inverse, y=result(input_.shape)))
    return Bijection(input_, body, image, inner.onto and exact, rising, undone, plus(inner.log_derivative, slope))


@rule
def shift(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + c, c + u, u - c and c - u, with c free of the input.  Premises: the map, the range of c."""
    input_, body = _step(subject, "add", "subtract")
    inner, other, first = _operand(subject, premises)
    by = range_of(premises[1], other)
    y = result(input_.shape)
    if body.data == "add":
        undone, image, rising = minus(y, other), domain.add(inner.image, by), inner.increasing
    elif first:
        undone, image, rising = plus(y, other), domain.subtract(inner.image, by), inner.increasing
    else:
        undone, image = minus(other, y), domain.subtract(by, inner.image)
        rising = None if inner.increasing is None else not inner.increasing
    onto = inner.onto and (by.is_point or inner.image == REALS)
    return Bijection(input_, body, image, onto, rising, _before(inner, undone), inner.log_derivative)


def _operand(subject: Subject, premises: tuple[Fact, ...]) -> tuple[Bijection, Term, bool]:
    """The argument that is a map of the input, the other one (free of it), and whether the map comes first."""
    input_, body = subject
    left, right = body.arguments
    first = input_ in left.symbols
    moved, other = (left, right) if first else (right, left)
    need(input_ not in other.symbols, "{} depends on {} too", other, input_)
    return _map(premises[0], input_, moved), other, first


@rule
def scaling(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u c, c u and u / c, with c free of the input and nowhere 0.  Premises: the map, the range of c, log|c|."""
    input_, body = _step(subject, "multiply", "divide")
    inner, factor, first = _operand(subject, premises)
    need(body.data == "multiply" or first, "a reciprocal is another rule")
    size = _log(premises[2], factor)
    by = range_of(premises[1], factor)
    y = result(input_.shape)
    if body.data == "multiply":
        undone, slope = divided(y, factor), plus(inner.log_derivative, size)
        image = domain.multiply(inner.image, by)
    else:
        undone, slope = multiplied(y, factor), minus(inner.log_derivative, size)
        inverse = domain.reciprocal(by)
        image = domain.multiply(inner.image, inverse) if inverse is not None else REALS
    ends = {inner.image.lower, inner.image.upper} <= {0, math.inf, -math.inf}
    onto = inner.onto and (inner.image == REALS or by.is_point or (ends and by.sign != 0))
    rising = None if inner.increasing is None or by.sign == 0 else inner.increasing == (by.sign > 0)
    return Bijection(
        input_, body, REALS if inner.image == REALS else image, onto, rising, _before(inner, undone), slope
    )


def divided(value: Term, factor: Term) -> Term:
    """value / factor; by an exponential, a product with its reciprocal."""
    if factor.operation == "apply" and factor.data == "exp":
        return times(value, apply("exp", negated(factor.arguments[0])))
    return over(value, factor)


def multiplied(value: Term, factor: Term) -> Term:
    """value * factor"""
    return times(value, factor)


def _log(premise: Fact, term: Term) -> Term:
    if not isinstance(premise, LogAbs) or premise.term is not term:
        raise Unproved(f"{term} is not known to differ from 0")
    return premise.value


@rule
def reciprocal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c / u on one side of 0, with c free of the input and nowhere 0.

    Premises: the map, the range of c, log|c|, log|map|."""
    input_, body = _step(subject, "divide")
    inner, over_, first = _operand(subject, premises)
    need(not first, "the input is the dividend")
    flipped = domain.reciprocal(inner.image)
    if flipped is None:
        raise Unproved(f"{body.arguments[1]} may be 0")
    by = range_of(premises[1], over_)
    size, own = _log(premises[2], over_), _log(premises[3], body.arguments[1])
    ends = {flipped.lower, flipped.upper} <= {0, math.inf, -math.inf}
    onto = inner.onto and by.sign != 0 and (by.is_point or ends)
    rising = None if inner.increasing is None or by.sign == 0 else inner.increasing == (by.sign < 0)
    slope = minus(plus(inner.log_derivative, size), times(literal(2), own))
    undone = _before(inner, over(over_, result(input_.shape)))
    return Bijection(input_, body, domain.multiply(by, flipped), onto, rising, undone, slope)


@rule
def raised(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u^c on positive numbers, with a constant c other than 0.  Premise: the map."""
    input_, body = _step(subject, "power")
    exponent = body.arguments[1]
    known = exponent.operation == "literal" and exponent.data != 0 and is_finite(exponent.data)
    need(known, "{} is undone only where its exponent is a number other than 0", body)
    inner = _map(premises[0], input_, body.arguments[0])
    need(inner.image.sign > 0, "{} is undone only where {} is positive", body, body.arguments[0])
    image = _powers(inner.image, Fraction(exponent.data))
    rising = None if inner.increasing is None else inner.increasing == (exponent.data > 0)
    slope = plus(
        apply("log", literal(abs(exponent.data))) if abs(exponent.data) != 1 else ZERO,
        times(literal(exponent.data - 1), apply("log", body.arguments[0])),
    )
    undone = _before(inner, apply("power", result(input_.shape), literal(1 / Fraction(exponent.data))))
    onto = inner.onto and image is not None
    slopes = plus(inner.log_derivative, slope)
    return Bijection(input_, body, image or domain.POSITIVE, onto, rising, undone, slopes)


def _powers(image: Interval, exponent: Fraction) -> Interval | None:
    """{x^c} of an interval of positive numbers; None where its ends are not seen exactly."""
    ends = (image.lower, image.upper)
    if not all(e in (0, 1, math.inf) for e in ends) and (exponent.denominator != 1 or abs(exponent) > 64):
        return None
    size = abs(exponent)
    low, high = (e if e in (0, 1, math.inf) else Fraction(Fraction(e) ** size) for e in ends)
    found = Interval(low, high, image.lower_open, image.upper_open)
    return found if exponent > 0 else domain.reciprocal(found)


# -- pieces ----------------------------------------------------------------------------------------------------------


def pieces(input_: Term, body: Term) -> tuple[Term, Term, Fraction, bool]:
    """The symbols of the lower and upper piece of `if u < c then … else …`, c, and whether `then` is the upper piece.

    Each piece is considered on its half of the domain with c itself."""
    need(body.operation == "choose" and body.shape == input_.shape, "not a map in pieces")
    test = body.arguments[0]
    need(
        test.operation == "apply" and test.data in ("less", "less_equal", "greater", "greater_equal"),
        "the condition is not a comparison",
    )
    left, right = test.arguments
    need(input_ in (left, right), "the condition does not compare the input itself")
    joint = right if left is input_ else left
    constant = joint.operation == "literal" and is_finite(joint.data)
    need(constant, "the condition does not compare {} with a number", input_)
    need(support_of(input_) == REAL, "a map in pieces on part of the line")
    upper_first = test.data.startswith("greater") == (left is input_)
    kind, name, _, shape = input_.data
    supports = (Support("Interval", ends) for ends in ((-math.inf, joint.data), (joint.data, math.inf)))
    below, above = (symbol(kind, name, support, shape) for support in supports)
    need(not {below, above} & body.symbols, "the name of a piece of {} is in use", input_)
    return below, above, Fraction(joint.data), upper_first


@rule
def piecewise(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Two pieces, monotone the same way, with one exact value where they meet.

    Premises: each piece is a bijection on its closed half of the domain (lower first); the range of each at the
    joint."""
    input_, body = cast(tuple[Term, Term], subject)
    low, high, joint, upper_first = pieces(input_, body)
    test, then, otherwise = body.arguments
    below, above = (otherwise, then) if upper_first else (then, otherwise)
    lower = _map(premises[0], low, substitute(below, {input_: low}))
    upper = _map(premises[1], high, substitute(above, {input_: high}))
    at = {input_: literal(joint)}
    left, right = (range_of(p, substitute(b, at)) for p, b in zip(premises[2:4], (below, above), strict=True))
    need(left.is_point and left == right, "the pieces do not have one known value at {}", joint)
    need(
        lower.increasing is not None and lower.increasing == upper.increasing, "the pieces run in different directions"
    )
    y = result(input_.shape)
    back = {low: input_, high: input_}
    upward = apply("greater_equal" if lower.increasing else "less_equal", y, literal(left.lower))
    slopes = {low: substitute(lower.log_derivative, back), high: substitute(upper.log_derivative, back)}
    slope = choose(test, slopes[high if upper_first else low], slopes[low if upper_first else high])
    return Bijection(
        input_,
        body,
        domain.hull(lower.image, upper.image),
        lower.onto and upper.onto,
        lower.increasing,
        choose(upward, upper.inverse, lower.inverse),
        ZERO if slopes[low] is ZERO and slopes[high] is ZERO else slope,
    )


@rule
def either_way(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A choice by something else than the input: of two bijections onto one range.

    Premises: that the condition is defined, the bijection of each branch."""
    input_, body = cast(tuple[Term, Term], subject)
    need(body.operation == "choose", "{} is no choice", body)
    test, then, otherwise = body.arguments
    need(input_ not in test.symbols and body.shape == input_.shape, "the condition {} looks at {}", test, input_)
    range_of(premises[0], test)
    first, second = _map(premises[1], input_, then), _map(premises[2], input_, otherwise)
    need(first.image == second.image, "the branches have different ranges")
    return Bijection(
        input_,
        body,
        first.image,
        first.onto and second.onto,
        first.increasing if first.increasing == second.increasing else None,
        choose(test, first.inverse, second.inverse),
        choose(test, first.log_derivative, second.log_derivative),
    )


# -- the whole map ---------------------------------------------------------------------------------------------------


@rule
def onto(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection onto the declared result.  Subject: the declared support.  Premises: the scalar or vector bijection,
    and that its body is defined, which no rule on the way need have asked; where nothing computes the inverse, what is
    concluded names none."""
    (declared,) = subject
    found, defined = premises
    if not isinstance(found, Bijection | VectorBijection):
        raise Unproved("not a bijection")
    has_value(defined, found.body)
    wanted = domain.of_support(declared)
    need(wanted is not None and is_interval(declared), "{} is not an interval", declared)
    need(found.onto, "the range {} is not known to be reached", found.image)
    need(found.image == wanted, "the range is {}, not {}", found.image, declared)
    slope = found.log_derivative if isinstance(found, Bijection) else found.log_det
    if not (is_computed(found.inverse) and is_computed(slope)):
        return Invertible(found.input, found.body, declared, None, None)
    return Invertible(found.input, found.body, declared, found.inverse, slope)
