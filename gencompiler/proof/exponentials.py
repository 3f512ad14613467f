"""A normal form for functions of time: sums of polynomials times exponentials of polynomials.

    f = Σ P_k exp(E_k),      P_k, E_k polynomials in atoms with rational coefficients

Equal normal forms mean equal values wherever both are defined: exp(a) exp(b) = exp(a + b), exp(a)^n = exp(n a),
expm1(a) = exp(a) - 1, c^a = exp(a log c) for c > 0, and sqrt(a)^2 = a.  Everything is scalar; `components` writes a
tensor's elements as scalars."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof.budget import spend
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, is_finite, literal
from gencompiler.proof.kernel import need
from gencompiler.proof.ring import add
from gencompiler.proof.terms import ONE, ZERO

#: A product of atoms with whole exponents; the empty one is 1.
Monomial = frozenset[tuple[Term, int]]
Polynomial = dict[Monomial, Fraction]
#: A polynomial as a key.
Frozen = frozenset[tuple[Monomial, Fraction]]
Exponentials = dict[Frozen, Polynomial]

UNIT: Monomial = frozenset()
NONE: Frozen = frozenset()
#: Expansions with more products are refused.
LARGEST = 4096
#: What a product of two products costs, in steps of a budget.
PAIR = 4
#: Functions with a derivative everywhere on the inside of their domain.
_ROUGH = ("min", "max", "abs", "sign", "relu", "floor", "indicator")


def frozen(polynomial: Polynomial) -> Frozen:
    """A polynomial as a key."""
    return frozenset(polynomial.items())


def constant(value: Fraction | int) -> Exponentials:
    """A number."""
    return {NONE: {UNIT: Fraction(value)}} if value else {}


def atom(term: Term, exponent: int = 1) -> Exponentials:
    """A power of a term that is not looked into."""
    return {NONE: {frozenset(((term, exponent),)): Fraction(1)}}


# -- arithmetic ------------------------------------------------------------------------------------------------------


def plus(*terms: Exponentials) -> Exponentials:
    """The sum."""
    found: dict[Frozen, Polynomial] = {}
    spend(sum(map(len, terms)))
    for term in terms:
        for exponent, polynomial in term.items():
            own = found.setdefault(exponent, {})
            for monomial, coefficient in polynomial.items():
                own[monomial] = own.get(monomial, Fraction(0)) + coefficient
    cleaned = {e: {m: c for m, c in p.items() if c} for e, p in found.items()}
    return {e: p for e, p in cleaned.items() if p}


def scaled(value: Exponentials, factor: Fraction | int) -> Exponentials:
    """A rational multiple."""
    if not factor:
        return {}
    return {e: {m: c * factor for m, c in p.items()} for e, p in value.items()}


def times(left: Exponentials, right: Exponentials) -> Exponentials:
    """The product, expanded; raises Unproved where that is too large."""
    parts: list[Exponentials] = []
    pairs = 0
    for e, p in left.items():
        for f, q in right.items():
            exponent = frozen(add(dict(e), dict(f)))
            for m, x in p.items():
                for n, y in q.items():
                    pairs += 1
                    need(pairs <= LARGEST, "an expansion that is too large")
                    spend(PAIR)
                    merged = _merged(m, n)
                    parts.append(_shifted(scaled(merged, x * y), exponent))
    return plus(*parts)


def _shifted(value: Exponentials, exponent: Frozen) -> Exponentials:
    return {frozen(add(dict(e), dict(exponent))): p for e, p in value.items()}


def _merged(left: Monomial, right: Monomial) -> Exponentials:
    """The product of two monomials; an even power of a square root is a power of its argument."""
    counts: dict[Term, int] = {}
    for each, count in (*left, *right):
        counts[each] = counts.get(each, 0) + count
    roots = [t for t, n in counts.items() if t.operation == "apply" and t.data == "sqrt" and abs(n) >= 2]
    found: Exponentials = constant(1)
    for root in roots:
        whole = int(counts[root] / 2)
        counts[root] -= 2 * whole
        found = times(found, power(normal(root.arguments[0]), whole))
    rest = frozenset((t, n) for t, n in counts.items() if n)
    own: Exponentials = {NONE: {rest: Fraction(1)}}
    return times(found, own) if roots else own


def power(value: Exponentials, exponent: int) -> Exponentials:
    """value^n; the reciprocal of a sum is an atom."""
    base = value if exponent >= 0 else inverse(value)
    found = constant(1)
    for _ in range(abs(exponent)):
        found = times(found, base)
    return found


def inverse(value: Exponentials) -> Exponentials:
    """1 / value; raises Unproved for 0."""
    need(bool(value), "a division by 0")
    single = _single(value)
    if single is None:
        return atom(written(value), -1)
    exponent, monomial, coefficient = single
    negative = frozenset((m, -c) for m, c in exponent)
    return {negative: {frozenset((t, -n) for t, n in monomial): 1 / coefficient}}


def _single(value: Exponentials) -> tuple[Frozen, Monomial, Fraction] | None:
    """The one product that a value is, if it is one."""
    if len(value) != 1:
        return None
    ((exponent, polynomial),) = value.items()
    if len(polynomial) != 1:
        return None
    ((monomial, coefficient),) = polynomial.items()
    return exponent, monomial, coefficient


def exponential(value: Exponentials) -> Exponentials:
    """exp(value)"""
    if set(value) <= {NONE}:
        return {frozen(value.get(NONE, {})): {UNIT: Fraction(1)}}
    return atom(apply("exp", written(value)))


def root(value: Exponentials) -> Exponentials:
    """sqrt(value), half of an exponent and the root of a square number taken out."""
    single = _single(value)
    if single is None:
        return atom(apply("sqrt", written(value))) if value else {}
    exponent, monomial, coefficient = single
    half = frozenset((m, c / 2) for m, c in exponent)
    exact = _square_root(coefficient)
    inside: Exponentials = {NONE: {monomial: coefficient if exact is None else Fraction(1)}}
    rest = constant(1) if inside == constant(1) else atom(apply("sqrt", written(inside)))
    return _shifted(scaled(rest, 1 if exact is None else exact), half)


def _square_root(value: Fraction) -> Fraction | None:
    if value < 0:
        return None
    found = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return found if found * found == value else None


# -- terms -----------------------------------------------------------------------------------------------------------


def normal(term: Term) -> Exponentials:
    """The normal form of a scalar term; what it does not look into is an atom."""
    need(term.shape == (), "{} is not a number", term)
    if term.operation == "literal":
        need(is_finite(term.data), "{} is not finite", term)
        return constant(term.data)
    if term.operation != "apply":
        return atom(term)
    if term.data == "power":
        return _powered(*term.arguments)
    parts = [normal(a) for a in term.arguments]
    match term.data:
        case "add":
            return plus(*parts)
        case "subtract":
            return plus(parts[0], scaled(parts[1], -1))
        case "negate":
            return scaled(parts[0], -1)
        case "multiply":
            return times(*parts)
        case "divide":
            return times(parts[0], inverse(parts[1]))
        case "exp":
            return exponential(parts[0])
        case "expm1":
            return plus(exponential(parts[0]), constant(-1))
        case "sqrt":
            return root(parts[0])
        case "log":
            return _logarithm(parts[0])
        case "log1p":
            return _logarithm(plus(parts[0], constant(1)))
        case "sinh" | "cosh":
            return _hyperbolic(parts[0], -1 if term.data == "sinh" else 1)
        case "tanh":
            return times(_hyperbolic(parts[0], -1), inverse(_hyperbolic(parts[0], 1)))
        case "sigmoid":
            return inverse(plus(constant(1), exponential(scaled(parts[0], -1))))
        case "softplus":
            return _logarithm(plus(constant(1), exponential(parts[0])))
    return atom(apply(term.data, *map(written, parts)))


def _hyperbolic(value: Exponentials, sign: int) -> Exponentials:
    """(exp(a) + sign exp(-a)) / 2"""
    parts = exponential(value), scaled(exponential(scaled(value, -1)), sign)
    return scaled(plus(*parts), Fraction(1, 2))


def _logarithm(value: Exponentials) -> Exponentials:
    single = _single(value)
    if single is None:
        return atom(apply("log", written(value)))
    exponent, monomial, coefficient = single
    inside: Exponentials = {NONE: {monomial: coefficient}}
    rest: Exponentials = {} if inside == constant(1) else atom(apply("log", written(inside)))
    return plus({NONE: dict(exponent)} if exponent else {}, rest)


def _number(value: Exponentials) -> Fraction | None:
    """The number that a value is, if it is one."""
    if not value:
        return Fraction(0)
    return value[NONE][UNIT] if set(value) == {NONE} and set(value[NONE]) == {UNIT} else None


def _powered(base: Term, exponent: Term) -> Exponentials:
    count = _number(normal(exponent))
    if count is not None and count.denominator == 1 and abs(count) <= 16:
        return power(normal(base), int(count))
    if count == Fraction(1, 2):
        return root(normal(base))
    positive = base.operation == "constant" or (base.operation == "literal" and base.data > 0)
    if positive:
        return exponential(times(normal(exponent), _logarithm(normal(base))))
    return atom(apply("power", written(normal(base)), written(normal(exponent))))


def written(value: Exponentials) -> Term:
    """A term with this normal form, the same for equal forms."""
    products = [
        (coefficient, _product(exponent, monomial))
        for exponent, polynomial in value.items()
        for monomial, coefficient in polynomial.items()
    ]
    total: Term = ZERO
    for coefficient, product in sorted(products, key=lambda p: (str(p[1]), p[0])):
        size = abs(coefficient)
        part = product if size == 1 else literal(size) if product is ONE else apply("multiply", literal(size), product)
        if total is ZERO:
            total = part if coefficient > 0 else apply("negate", part)
        else:
            total = apply("add" if coefficient > 0 else "subtract", total, part)
    return total


def _product(exponent: Frozen, monomial: Monomial) -> Term:
    factors = [t if n == 1 else apply("power", t, literal(n)) for t, n in monomial]
    factors.sort(key=str)
    if exponent:
        factors.append(apply("exp", written({NONE: dict(exponent)})))
    product: Term = ONE
    for factor in factors:
        product = factor if product is ONE else apply("multiply", product, factor)
    return product


# -- derivatives -----------------------------------------------------------------------------------------------------


def derivative(value: Exponentials, symbol: Term) -> Exponentials:
    """d value / d symbol; raises Unproved where a function has no derivative."""
    found: list[Exponentials] = []
    for exponent, polynomial in value.items():
        whole: Exponentials = {exponent: polynomial}
        inner = _slope({NONE: dict(exponent)} if exponent else {}, symbol)
        found.append(times(whole, inner) if inner else {})
        found.append(_shifted(_slope({NONE: polynomial}, symbol), exponent))
    return plus(*found)


def _slope(value: Exponentials, symbol: Term) -> Exponentials:
    """The derivative of a polynomial in atoms."""
    found: list[Exponentials] = []
    for monomial, coefficient in value.get(NONE, {}).items():
        for each, count in monomial:
            if symbol not in each.symbols:
                continue
            rest = frozenset({*(monomial - {(each, count)}), *(((each, count - 1),) if count != 1 else ())})
            outer: Exponentials = {NONE: {rest: coefficient * count}}
            found.append(times(outer, slope(each, symbol)))
    return plus(*found)


def slope(term: Term, symbol: Term) -> Exponentials:
    """d term / d symbol of a scalar term by the chain rule; raises Unproved."""
    if symbol not in term.symbols:
        return {}
    if term is symbol:
        return constant(1)
    need(term.operation == "apply", "{} is not differentiated in {}", term, symbol)
    rules = FUNCTIONS[term.data].derivatives
    need(bool(rules) and term.data not in _ROUGH, "{} has no derivative", term.data)
    names = dict(zip("ab", term.arguments, strict=False))
    found = []
    for formula, argument in zip(rules, term.arguments, strict=True):
        if symbol in argument.symbols:
            found.append(times(normal(instance(formula, **names)), slope(argument, symbol)))
    return plus(*found)


# -- equality --------------------------------------------------------------------------------------------------------


def is_zero(value: Exponentials) -> bool:
    """Whether a value is 0 wherever it is defined: reciprocals of sums are multiplied out first."""
    for _ in range(16):
        if not value:
            return True
        lowest = _lowest_sum(value)
        if lowest is None:
            return False
        term, count = lowest
        whole = power(normal(term), -count)
        cleared: list[Exponentials] = []
        for exponent, polynomial in value.items():
            for monomial, coefficient in polynomial.items():
                own = dict(monomial).get(term, 0)
                kept = frozenset((t, n) for t, n in monomial if t is not term)
                rest: Exponentials = {exponent: {kept: coefficient}}
                factor = whole if own == 0 else power(normal(term), own - count)
                cleared.append(times(rest, factor))
        value = plus(*cleared)
    return False


def _lowest_sum(value: Exponentials) -> tuple[Term, int] | None:
    """A sum that stands in a denominator, and its lowest power."""
    found: dict[Term, int] = {}
    for polynomial in value.values():
        for monomial in polynomial:
            for each, count in monomial:
                if count < 0 and each.operation == "apply" and each.data in ("add", "subtract"):
                    found[each] = min(found.get(each, 0), count)
    return min(found.items(), key=lambda item: str(item[0])) if found else None


def same(left: Term, right: Term) -> bool:
    """Whether two scalar terms have equal values wherever both are defined."""
    return is_zero(plus(normal(left), scaled(normal(right), -1)))
