"""Derivatives, constant folding and the pieces of `if`: rewriting that the rules for scalar maps rest on.

Part of what a proof trusts.  Everything is elementwise: the derivative of a term in a symbol of its own shape is that
of each element in its own element, all other symbols being constants; a symbol that is a scalar may stand inside sums
over tensors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof import enclosure
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import (
    Term,
    apply,
    build,
    choose,
    contract,
    each,
    element,
    is_finite,
    join,
    literal,
    reduce,
    select,
    substitute,
)
from gencompiler.proof.half_turns import at as half_turn_value
from gencompiler.proof.half_turns import half_turns
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.numbers import COMPARISONS
from gencompiler.proof.terms import ONE, ZERO
from gencompiler.proof.views import axes

#: Functions that are not differentiable everywhere, or that jump.
ROUGH = ("min", "max", "abs", "sign", "relu", "floor", "indicator")
#: Powers of numbers beyond this are not computed.
_LARGEST_POWER = 64


def is_number(term: Term) -> bool:
    """Whether a term is a finite literal."""
    return term.operation == "literal" and is_finite(term.data)


# -- folding ---------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=16384)
def fold(term: Term) -> Term:
    """`term` with closed parts computed where that is exact, and neutral numbers dropped.

    Equal wherever `term` is defined; it may be defined at more points (`0 * log(a)` is 0)."""
    if not term.arguments or term.operation in ("gradient", "root"):
        return term
    parts = tuple(fold(a) for a in term.arguments)
    if term.operation == "choose":
        return _chosen(*parts)
    if term.operation != "apply":
        return build(term.operation, term.data, parts)
    return _folded(term.data, parts)


def _chosen(condition: Term, then: Term, otherwise: Term) -> Term:
    if is_number(condition):
        return then if condition.data else otherwise
    return then if then is otherwise else choose(condition, then, otherwise)


def _folded(name: str, parts: tuple[Term, ...]) -> Term:
    if all(is_number(p) for p in parts):
        known = _computed(name, tuple(p.data for p in parts))
        if known is not None:
            return literal(known)
    if name in ("sin", "cos") and (turns := half_turns(parts[0])) is not None and is_number(turns):
        low, high = half_turn_value(name, turns.data)
        if low == high:
            return literal(Fraction(low))
    if name in COMPARISONS and parts[0] is parts[1] and not parts[0].shape:
        return literal(int(COMPARISONS[name](0)))
    simplifier = _SIMPLER.get(name)
    return (simplifier(*parts) if simplifier else None) or apply(name, *parts)


def _computed(name: str, values: tuple[Fraction, ...]) -> Fraction | None:
    match name, values:
        case "add", (a, b):
            return a + b
        case "subtract", (a, b):
            return a - b
        case "multiply", (a, b):
            return a * b
        case "divide", (a, b):
            return a / b if b else None
        case "power", (a, b):
            whole = b.denominator == 1 and abs(b) <= _LARGEST_POWER and (a != 0 or b >= 0)
            return Fraction(a ** int(b)) if whole else _root(a, b)
        case (("min" | "max"), (a, b)):
            return min(a, b) if name == "min" else max(a, b)
    if name in COMPARISONS and len(values) == 2:
        return Fraction(COMPARISONS[name]((values[0] > values[1]) - (values[0] < values[1])))
    if name in ("and", "or"):
        return Fraction(bool(values[0]) and bool(values[1]) if name == "and" else bool(values[0]) or bool(values[1]))
    if name == "not":
        return Fraction(not values[0])
    if name == "indicator":
        return values[0]
    if FUNCTIONS[name].arity != 1 or not enclosure.domain_of(name).contains(values[0]):
        return None
    if enclosure.exact_function(name) is None and abs(values[0]) > 2**16:
        return None
    low, high = enclosure.value(name, values[0])
    return Fraction(low) if low == high and is_finite(low) else None


def _root(base: Fraction, exponent: Fraction) -> Fraction | None:
    """0^b and 1^b, and square roots of squares."""
    if base == 1 or (base == 0 and exponent > 0):
        return base
    if exponent == Fraction(1, 2) and base > 0:
        found = Fraction(math.isqrt(base.numerator), math.isqrt(base.denominator))
        return found if found * found == base else None
    return None


def _add(a: Term, b: Term) -> Term | None:
    if a is ZERO or b is ZERO:
        return _spread(b if a is ZERO else a, a, b)
    return apply("subtract", a, b.arguments[0]) if _is(b, "negate") else None


def _subtract(a: Term, b: Term) -> Term | None:
    if b is ZERO:
        return _spread(a, a, b)
    if a is ZERO:
        return _negate(b) or apply("negate", b)
    if a is b:
        return _spread(ZERO, a, b)
    return apply("add", a, b.arguments[0]) if _is(b, "negate") else None


def _multiply(a: Term, b: Term) -> Term | None:
    if a is ZERO or b is ZERO:
        return _spread(ZERO, a, b)
    if a is ONE or b is ONE:
        return _spread(b if a is ONE else a, a, b)
    if is_number(a) and _is(b, "multiply") and is_number(b.arguments[0]):
        return _folded("multiply", (literal(a.data * b.arguments[0].data), b.arguments[1]))
    return None


def _divide(a: Term, b: Term) -> Term | None:
    if a is ZERO or b is ONE:
        return _spread(a, a, b)
    return None


def _power(a: Term, b: Term) -> Term | None:
    if b is ONE:
        return a
    if a is ONE:
        return _spread(a, a, b)
    return literal(1) if b is ZERO and a.shape == () else None


def _negate(a: Term) -> Term | None:
    if is_number(a):
        return literal(-a.data)
    return a.arguments[0] if _is(a, "negate") else None


def _spread(kept: Term, *all_: Term) -> Term | None:
    """A neutral number disappears only where that does not lose the shape."""
    return kept if all(len(a.shape) <= len(kept.shape) for a in all_) else None


def _is(term: Term, function: str) -> bool:
    return term.operation == "apply" and term.data == function


def _logical(name: str) -> Callable[[Term, Term], Term | None]:
    def simpler(a: Term, b: Term) -> Term | None:
        neutral = name == "and"
        for one, other in ((a, b), (b, a)):
            if is_number(one):
                return other if bool(one.data) == neutral else literal(int(not neutral))
        return None

    return simpler


_SIMPLER: dict[str, Callable[..., Term | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negate": _negate,
    "and": _logical("and"),
    "or": _logical("or"),
}


# -- derivatives -----------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8192)
def derivative(term: Term, by: Term) -> Term:
    """d term / d by, elementwise and folded; raises Unproved where there is no rule."""
    if by not in term.symbols:
        return ZERO
    if term is by:
        return ONE
    match term.operation:
        case "apply":
            return fold(_chain(term, by))
        case "choose":
            condition, then, otherwise = term.arguments
            return fold(choose(condition, derivative(then, by), derivative(otherwise, by)))
    if by.shape != ():
        raise Unproved(f"{term} is no elementwise function of {by}")
    match term.operation:
        case "reduce" if term.data in ("sum", "mean"):
            return _reduced(term, derivative(term.arguments[0], by))
        case "contract":
            left, right = term.arguments
            need(left.shape != () and right.shape != (), "{} has no derivative", term)
            first = _times_along(derivative(left, by), left, right, True)
            second = _times_along(derivative(right, by), left, right, False)
            return fold(apply("add", first, second))
        case "element" if all(by not in s.symbols for s in term.arguments[1:]):
            inner = derivative(term.arguments[0], by)
            return element(inner, term.arguments[1:]) if inner.shape else inner
        case "select":
            inner = derivative(term.arguments[0], by)
            return select(inner, term.data) if inner.shape else inner
        case "join":
            return join(_filled(derivative(a, by), a) for a in term.arguments)
        case "each":
            inner = derivative(term.arguments[0], by)
            return each(term.data[0], term.data[1], inner) if inner is not ZERO else ZERO
    raise Unproved(f"there is no derivative of {term}")


def _filled(value: Term, like: Term) -> Term:
    if value.shape == like.shape:
        return value
    need(value is ZERO or value is ONE, "{} has another shape", value)
    return fold(apply("multiply", value, apply("power", like, ZERO))) if value is ONE else apply("multiply", ZERO, like)


def _reduced(term: Term, inner: Term) -> Term:
    if inner is ZERO:
        return ZERO
    if inner.shape == ():
        (operand,) = term.arguments
        need(term.data == "mean" or not any(axes(operand)), "{} has as many terms as its view has places", term)
        size = math.prod(operand.shape) if term.data == "sum" else 1
        return fold(apply("multiply", literal(size), inner))
    return reduce(term.data, inner)


def _times_along(slope: Term, left: Term, right: Term, first: bool) -> Term:
    """`slope @ right` or `left @ slope`; a scalar slope is a factor of all elements."""
    if slope is ZERO:
        return ZERO
    if slope.shape:
        return contract(slope, right) if first else contract(left, slope)
    other = right if first else left
    need(len(other.shape) == 1 and other.shape == (left if first else right).shape, "{} has no derivative", other)
    return apply("multiply", slope, reduce("sum", other))


def _chain(term: Term, by: Term) -> Term:
    fact = FUNCTIONS[term.data]
    if term.data == "stop" or fact.kind == "boolean" or not fact.derivatives:
        raise Unproved(f"{term.data} has no derivative")
    names = dict(zip("ab", term.arguments, strict=False))
    total: Term = ZERO
    for formula, argument in zip(fact.derivatives, term.arguments, strict=True):
        slope = derivative(argument, by)
        if slope is not ZERO:
            total = apply("add", total, apply("multiply", fold(instance(formula, **names)), slope))
    return total


# -- kinks and pieces ------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def in_pieces(term: Term, by: Term) -> Term:
    """abs, relu, sign, min and max of what depends on `by`, written with `if`."""
    if by not in term.symbols or not term.arguments or term.operation in ("gradient", "root"):
        return term
    parts = tuple(in_pieces(a, by) for a in term.arguments)
    if term.operation == "apply" and term.data in _KINKS and any(by in p.symbols for p in parts):
        return _KINKS[term.data](*parts)
    return build(term.operation, term.data, parts)


_KINKS: dict[str, Callable[..., Term]] = {
    "abs": lambda a: choose(apply("greater_equal", a, ZERO), a, apply("negate", a)),
    "relu": lambda a: choose(apply("greater_equal", a, ZERO), a, apply("multiply", ZERO, a)),
    "sign": lambda a: choose(apply("greater", a, ZERO), ONE, choose(apply("less", a, ZERO), literal(-1), ZERO)),
    "min": lambda a, b: choose(apply("less_equal", a, b), a, b),
    "max": lambda a, b: choose(apply("greater_equal", a, b), a, b),
}


def resolved(term: Term, by: Term, holds: Callable[[Term], bool | None]) -> Term:
    """`term` with the branch taken of every `if` whose condition depends on `by`; `holds` tells, or says None."""
    known: dict[Term, Term] = {}

    def visit(current: Term) -> Term:
        if by not in current.symbols or not current.arguments:
            return current
        found = known.get(current)
        if found is None:
            if current.operation == "choose" and by in current.arguments[0].symbols:
                condition = visit(current.arguments[0])
                answer = holds(condition)
                if answer is None:
                    raise Unproved(f"`{condition}` is neither true nor false throughout")
                found = visit(current.arguments[1 if answer else 2])
            else:
                found = build(current.operation, current.data, tuple(visit(a) for a in current.arguments))
            known[current] = found
        return found

    return visit(term)


def at(term: Term, by: Term, value: Fraction) -> Term:
    """`term` at a number, folded."""
    return fold(substitute(term, {by: literal(value)}))
