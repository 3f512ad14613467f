"""Rules for how much a term changes with its input, as a formula of the parameters: |f(u) - f(v)| <= size |u - v|.

`lipschitz_rules` gives one number for all values of the parameters.  Here the bound names them, as `norm(W)`, so that a
condition such as `norm(W) < 1`, or a division by `1 + norm(W)`, may keep it below 1."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.catalog.slopes import SLOPES
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.binders import replaced
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Changes, Fact, InRange
from gencompiler.proof.graph import Term, apply, is_finite, literal, reduce, subterms, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.lemma_rules import change, drawn_out
from gencompiler.proof.operator_rules import solved
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ONE, ZERO, minus, over, plus, times


def size_of(premise: Fact, term: Term, input_: Term) -> Term:
    """The bound of a premise about this term."""
    if not isinstance(premise, Changes) or premise.term is not term or premise.input is not input_:
        raise Unproved(f"nothing is known about how much {term} changes with {input_}")
    return premise.size


@rule
def changes_plainly(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The input itself, a part of it, each place once; and what does not depend on it.  Premise: that it is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    range_of(premises[0], term)
    if input_ not in term.symbols:
        return Changes(term, input_, ZERO)
    part = term.operation == "select" and term.arguments[0] is input_ and len(set(term.data)) == len(term.data)
    need(term is input_ or part, "{} is not the input", term)
    return Changes(term, input_, ONE)


@rule
def changes_applied(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A function of the catalogue with bounded slope, place by place; sums and differences.  Premises: the arguments'
    bounds."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "apply" and len(premises) == len(term.arguments), "{} is not a function", term)
    sizes = [size_of(p, a, input_) for p, a in zip(premises, term.arguments, strict=True)]
    spread = (a.shape == term.shape or s is ZERO for a, s in zip(term.arguments, sizes, strict=True))
    need(all(spread), "a number is spread")
    if term.data in ("add", "subtract"):
        return Changes(term, input_, plus(*sizes))
    need(term.data in SLOPES, "the slope of {} is not bounded", term.data)
    slope = SLOPES[term.data]
    return Changes(term, input_, sizes[0] if slope == 1 else _product(literal(slope), sizes[0]))


@rule
def changes_scaled(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c f(u), f(u) c and f(u) / c with c free of the input, a number or one for each place.

    Premises: the bound of f, the range of c, that of the whole (so that c is never 0 where it divides)."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "apply" and term.data in ("multiply", "divide"), "{} is not a multiple", term)
    moved = [a for a in term.arguments if input_ in a.symbols]
    need(len(moved) == 1 and moved[0].shape == term.shape, "{} is not a multiple of one map", term)
    factor = term.arguments[0] if term.arguments[1] is moved[0] else term.arguments[1]
    need(term.data == "multiply" or (factor is term.arguments[1] and factor.shape == ()), "{} divides", moved[0])
    own = range_of(premises[1], factor)
    range_of(premises[2], term)
    size = reduce("norm", factor) if factor.shape else factor if own.sign > 0 else apply("abs", factor)
    inner = size_of(premises[0], moved[0], input_)
    return Changes(term, input_, _product(inner, size) if term.data == "multiply" else over(inner, size))


@rule
def changes_by_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """W f(u) and f(u) W: by no more than the norm of W, |W x| <= norm(W) |x| (Frobenius); an orthogonal W keeps
    lengths.  Premises: the bound of f, that W is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "contract", "{} is not a product", term)
    factor, moved = sorted(term.arguments, key=lambda a: len(a.shape), reverse=True)
    need(len(factor.shape) == 2 and len(moved.shape) == 1 and input_ not in factor.symbols, "{} is no linear map", term)
    range_of(premises[1], factor)
    inner = size_of(premises[0], moved, input_)
    bare = factor.arguments[0] if factor.operation == "matrix" and factor.data == "transpose" else factor
    if bare.operation == "symbol" and support_of(bare).name == "Orthogonal":
        return Changes(term, input_, inner)
    return Changes(term, input_, _product(reduce("norm", bare), inner))


@rule
def changes_drawn_out(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(c W) f(u) is c (W f(u)).  Premises: the bound of the latter, that the term is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    plain = drawn(term)
    range_of(premises[1], term)
    return Changes(term, input_, size_of(premises[0], plain, input_))


def drawn(term: Term) -> Term:
    """A product of a matrix and a vector with a number that stands in the way before it."""
    found = drawn_out(term) if term.operation == "contract" else None
    need(found is not None, "{} has no factor in the way", term)
    assert found is not None
    return times(*found)


def _product(left: Term, right: Term) -> Term:
    return ZERO if left is ZERO or right is ZERO else times(left, right)


# -- below 1 ---------------------------------------------------------------------------------------------------------

#: A coefficient and the exponents of norms of tensors.
Monomial = tuple[Fraction, dict[Term, Fraction]]


def monomial(term: Term) -> Monomial:
    """A term as a multiple of powers of norms, `sum(W * W)` being the square of one; raises Unproved.

    `sum(abs(W))`, which is no less than the norm, counts as it: what is found is then a lower bound."""
    if term.operation == "literal":
        need(is_finite(term.data) and term.data > 0, "{} is not positive", term)
        return Fraction(term.data), {}
    if term.operation == "reduce" and (found := _norm(term)) is not None:
        tensor, power = found
        return Fraction(1), {tensor: Fraction(power)}
    if term.operation == "contract" and term.shape == () and term.arguments[0] is term.arguments[1]:
        return Fraction(1), {term.arguments[0]: Fraction(2)}
    need(term.operation == "apply", "{} is no product of norms", term)
    match term.data:
        case "multiply" | "divide":
            (c, left), (d, right) = map(monomial, term.arguments)
            sign = 1 if term.data == "multiply" else -1
            need(sign > 0 or not right, "{} divides by a norm", term)
            powers = {t: left.get(t, Fraction(0)) + right.get(t, Fraction(0)) for t in (*left, *right)}
            return (c * d if sign > 0 else c / d), powers
        case "power" if term.arguments[1].operation == "literal" and term.arguments[1].data in (2, 3, 4):
            count = int(term.arguments[1].data)
            c, powers = monomial(term.arguments[0])
            return c**count, {t: count * n for t, n in powers.items()}
        case "sqrt":
            c, powers = monomial(term.arguments[0])
            need(c == 1, "{} is a root of another number", term)
            return c, {t: n / 2 for t, n in powers.items()}
    raise Unproved(f"{term} is no product of norms")


def _norm(term: Term) -> tuple[Term, int] | None:
    """A reduction as a power of a norm: the tensor and the exponent."""
    (operand,) = term.arguments
    if term.data == "norm":
        return operand, 1
    if term.data != "sum" or operand.operation != "apply":
        return None
    if operand.data == "abs":
        return operand.arguments[0], 1
    square = operand.data == "multiply" and operand.arguments[0] is operand.arguments[1]
    power = operand.data == "power" and operand.arguments[1] is literal(2)
    return (operand.arguments[0], 2) if square or power else None


def _is_taxicab(term: Term) -> bool:
    """Whether a term is sum(abs(W)), which a norm bounds from below only."""
    own = term.operation == "reduce" and term.data == "sum" and term.arguments[0].operation == "apply"
    return own and term.arguments[0].data == "abs"


@rule
def below_by_condition(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c n^a < 1 follows from d n^b < t where a = k b and c (t / d)^k <= 1, n^a being a product of powers of norms.

    Subject: the term.  Premise: where another product of norms lies."""
    (term,) = cast(tuple[Term], subject)
    (found,) = premises
    need(isinstance(found, InRange) and not any(map(_is_taxicab, subterms(term))), "nothing is known")
    assert isinstance(found, InRange)
    coefficient, powers = monomial(term)
    other, known = monomial(found.term)
    top = found.interval.upper
    need(is_finite(top) and top > 0 and bool(powers) and powers.keys() == known.keys(), "about other norms")
    ratios = {powers[t] / known[t] for t in powers}
    need(len(ratios) == 1, "other powers")
    ratio = ratios.pop()
    need(ratio > 0, "other powers")
    least = coefficient**ratio.denominator * (Fraction(top) / other) ** ratio.numerator
    need(least < 1 or (least == 1 and found.interval.upper_open), "{} may be 1", term)
    return InRange(term, Interval(0, 1, False, True))


def room(term: Term) -> Term:
    """1 - term, with symbols for the norms in it: two where two tensors are spelled alike."""
    powers: dict[Term, tuple[Term, int]] = {}
    for part in subterms(term):
        if part.operation == "reduce" and not _is_taxicab(part) and (found := _norm(part)) is not None:
            powers[part] = found
    names: dict[Term, Term] = {}
    for tensor, _ in powers.values():
        if tensor not in names:
            alike = sum(str(other) == str(tensor) for other in names)
            spelled = f"norm({tensor}) {alike + 1}" if alike else f"norm({tensor})"
            names[tensor] = symbol("along", spelled, Support("NonNegative"))
    need(bool(names), "{} has no norms", term)
    need(len(set(names.values())) == len(names), "two norms in {} go by one name", term)
    need(not set(names.values()) & term.symbols, "the name of a norm in {} is in use", term)
    known = {p: names[t] if n == 1 else apply("power", names[t], literal(n)) for p, (t, n) in powers.items()}
    return minus(ONE, replaced(term, known))


@rule
def below_in_norms(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A term is below 1 where 1 - term is positive for any numbers in the place of the norms in it.  Premise: that."""
    (term,) = cast(tuple[Term], subject)
    need(range_of(premises[0], room(term)).sign > 0, "{} may be 1", term)
    return InRange(term, Interval(-math.inf, 1, True, True))


@rule
def small_change(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + g(u) with |g(u) - g(v)| <= size |u - v| and size < 1, for each value of the parameters: Banach's fixed point
    of u = y - g(u).  Behrmann et al. 2019, theorem 1.  Subject: the input, the body.  Premises: the bound of g, where
    it lies."""
    input_, body = cast(tuple[Term, Term], subject)
    moved = change(input_, body)
    size = size_of(premises[0], moved, input_)
    known = range_of(premises[1], size)
    need(known.upper < 1 or (known.upper == 1 and known.upper_open), "{} may be 1", size)
    need(support_of(input_) == REAL and len(input_.shape) == 1, "not a map of the reals")
    return solved(input_, body)
