"""A normal form for what integrals and sums come to: signed products, each the exponential of a sum of logarithms.

It refines `exponentials`: with `know`, which says where a term lies, powers of positive numbers and products of them
are taken apart under the logarithm, sigmoids and hyperbolic functions become exponentials, and the gamma function has
one form for arguments that differ by whole numbers.  Two terms with one normal form are equal wherever both are
defined."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.domain import Interval
from gencompiler.proof.exponentials import NONE, UNIT, Exponentials
from gencompiler.proof.graph import Term, apply, constant, is_finite
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.products import (
    EVEN,
    ODD,
    REWRITTEN,
    Product,
    cleared,
    is_reciprocal,
    is_sum,
    leads_negative,
    log_of_number,
    logarithm_in,
    negative,
    number,
    of_pi,
    parts_of,
    rank,
    reduced,
    times,
    without_half_turns,
)

#: Where a term lies; raises Unproved where that is not known.
Know = Callable[[Term], Interval]

#: A sum of more products is refused.
LARGEST = 1024
_HALF = Fraction(1, 2)


class ClosedForms:
    """Normal forms of scalar terms, each once."""

    def __init__(self, know: Know) -> None:
        self.know = know
        self._normal: dict[Term, Exponentials] = {}
        self._products: dict[Term, tuple[Product, ...]] = {}

    def positive(self, term: Term) -> bool:
        """Whether a term is known to be positive."""
        return self.sign(term) > 0

    def sign(self, term: Term) -> int:
        """1, -1, or 0 where the sign of a term is not known."""
        try:
            return self.know(term).sign
        except Unproved:
            return 0

    # -- sums of exponentials ----------------------------------------------------------------------------------------

    def normal(self, term: Term) -> Exponentials:
        """The normal form of a term, expanded."""
        found = self._normal.get(term)
        if found is None:
            found = self._normal[term] = self.collected(self._find_normal(term))
        return found

    def plain(self, term: Term) -> Term:
        """The term that a normal form is written as: the same for equal forms."""
        return ex.written(self.normal(term))

    def _find_normal(self, term: Term) -> Exponentials:
        if term.operation == "literal":
            need(is_finite(term.data), "{} is not finite", term)
            return ex.constant(term.data)
        if term.operation == "constant" and term.data == "e":
            return ex.exponential(ex.constant(1))
        if term.operation != "apply":
            return ex.atom(term)
        name, arguments = term.data, term.arguments
        match name:
            case "add":
                return ex.plus(*map(self.normal, arguments))
            case "subtract":
                return ex.plus(self.normal(arguments[0]), ex.scaled(self.normal(arguments[1]), -1))
            case "negate":
                return ex.scaled(self.normal(arguments[0]), -1)
            case "multiply":
                return ex.times(*map(self.normal, arguments))
            case "divide":
                return ex.times(self.normal(arguments[0]), self._reciprocal(arguments[1]))
            case "power":
                return self._power(*arguments)
            case "exp":
                return ex.exponential(self.normal(arguments[0]))
            case "log" | "lgamma":
                return self.log(arguments[0]) if name == "log" else self._log_gamma(arguments[0])
            case "sqrt" if self.positive(arguments[0]):
                return self.raised(ex.scaled(self.log(arguments[0]), _HALF))
        rewritten = REWRITTEN.get(name)
        if rewritten is not None:
            return self.normal(rewritten(arguments[0]))
        return self._atom(name, arguments)

    def _reciprocal(self, divisor: Term) -> Exponentials:
        """1 / divisor; the factors of a product stay apart, and so do the powers of a sum."""
        if divisor.operation == "apply" and divisor.data == "multiply":
            return ex.times(*map(self._reciprocal, divisor.arguments))
        if divisor.operation == "apply" and divisor.data == "power":
            base, exponent = divisor.arguments
            count = number(self.normal(exponent))
            if count is not None and count.denominator == 1 and 0 < count <= 16:
                return ex.power(self.normal(base), -int(count))
        return ex.inverse(self.normal(divisor))

    def _power(self, base: Term, exponent: Term) -> Exponentials:
        count = number(self.normal(exponent))
        if count is not None and count.denominator == 1 and abs(count) <= 16:
            return ex.power(self.normal(base), int(count))
        if not self.normal(base) and self.positive(exponent):
            return {}
        need(self.positive(base), "the base {} may not be positive", base)
        return self.raised(ex.times(self.normal(exponent), self.log(base)))

    def _atom(self, name: str, arguments: tuple[Term, ...]) -> Exponentials:
        """A function that is not taken apart, of normal arguments; odd and even functions of one sign of them."""
        inner = [self.normal(a) for a in arguments]
        if name in ("sin", "cos") and (turned := without_half_turns(inner[0])) is not None:
            rest, odd = turned
            return ex.scaled(self.normal(apply(name, ex.written(rest))), -1 if odd else 1)
        if name == "abs" and (side := self.sign(ex.written(inner[0]))):
            return ex.scaled(inner[0], side)
        if name in ODD or name in EVEN:
            if not inner[0]:
                return {} if name in ODD else ex.constant(int(name in ("cos", "bessel_i0")))
            if name in ("sin", "cos") and (exact := of_pi(name, inner[0])) is not None:
                return ex.constant(exact)
            if leads_negative(inner[0]):
                flipped = ex.atom(apply(name, ex.written(ex.scaled(inner[0], -1))))
                return ex.scaled(flipped, -1) if name in ODD else flipped
        return ex.atom(apply(name, *map(ex.written, inner)))

    def _log_gamma(self, argument: Term) -> Exponentials:
        """log Γ(z): Γ(z + 1) = z Γ(z) brings the number in z to (0, 1], and Γ(1) = 1, Γ(1/2) = sqrt(pi)."""
        need(self.positive(argument), "the argument {} of the gamma function may not be positive", argument)
        own = self.normal(argument)
        free = own.get(NONE, {}).get(UNIT, Fraction(0))
        rest = ex.plus(own, ex.constant(-free))
        steps = math.ceil(free) - 1 if not rest else math.floor(free)
        need(abs(steps) <= 64, "a large argument of the gamma function")
        while steps > 0 and not self.positive(ex.written(ex.plus(own, ex.constant(-steps)))):
            steps -= 1
        start = ex.plus(own, ex.constant(-steps))
        logs = [self.log(ex.written(ex.plus(start, ex.constant(j)))) for j in range(steps)]
        logs += [ex.scaled(self.log(ex.written(ex.plus(start, ex.constant(-j)))), -1) for j in range(1, 1 - steps)]
        return ex.plus(self._log_gamma_start(start), *logs)

    def _log_gamma_start(self, start: Exponentials) -> Exponentials:
        if start == ex.constant(1):
            return {}
        if start == ex.constant(_HALF):
            return ex.scaled(self.log(constant("pi")), _HALF)
        return ex.atom(apply("lgamma", ex.written(start)))

    # -- logarithms --------------------------------------------------------------------------------------------------

    def log(self, term: Term) -> Exponentials:
        """log of a positive term; raises Unproved where it may not be positive."""
        need(self.positive(term), "{} may not be positive", term)
        factors = self._log_of_factors(term)
        if factors is not None:
            return factors
        found = self.products(term)
        if len(found) == 1 and found[0].sign > 0 and not found[0].rest:
            return found[0].log
        own = self.normal(term)
        plain = ex.written(own)
        if len(parts_of(own)) == 1 and plain is not term:
            return self.log(plain)
        return self._log_of_sum(own)

    def _log_of_factors(self, term: Term) -> Exponentials | None:
        """log of a product, a quotient or a power of positive terms, by parts."""
        if term.operation != "apply" or term.data not in ("multiply", "divide", "power"):
            return None
        left, right = term.arguments
        if term.data == "power":
            return ex.times(self.normal(right), self.log(left)) if self.positive(left) else None
        if not (self.positive(left) and self.positive(right)):
            return None
        return ex.plus(self.log(left), ex.scaled(self.log(right), 1 if term.data == "multiply" else -1))

    def _log_of_sum(self, value: Exponentials) -> Exponentials:
        """log of a sum, the first of its products (one that is not subtracted) taken out where that is positive:
        log a + log(1 + b / a + …)."""
        parts = parts_of(value)
        need(len(parts) > 0, "the logarithm of 0")
        if (fraction := self._log_of_fraction(value)) is not None:
            return fraction
        lead = min(parts, key=lambda part: (part[1] < 0, rank(part[0])))[0]
        inside = value
        outside: Exponentials = {}
        term = ex.written(lead)
        if len(parts) > 1 and self.positive(term):
            outside = self.log(term)
            inside = self.collected(ex.times(value, ex.inverse(lead)))
        turned = self._turned(inside)
        if turned is not None:
            return ex.plus(outside, *turned)
        return ex.plus(outside, ex.atom(apply("log", ex.written(inside))))

    def _log_of_fraction(self, value: Exponentials) -> Exponentials | None:
        """log(1 - 1 / s + …) = log(s - 1 + …) - log(s) of a positive sum s that stands in a denominator."""
        for divisor in {t for p in value.values() for m in p for t, n in m if n == -1 and is_sum(t)}:
            if self.positive(divisor):
                top = cleared(value, divisor, ex.normal(divisor))
                if top is not None and 0 < len(parts_of(top)) <= len(parts_of(value)):
                    return ex.plus(self.log(ex.written(top)), ex.scaled(self.log(divisor), -1))
        return None

    def _turned(self, value: Exponentials) -> tuple[Exponentials, Exponentials] | None:
        """log(1 + q) = log q + log(1 + 1 / q) of a positive q in whose place 1 / q is written."""
        rest = ex.plus(value, ex.constant(-1))
        parts = parts_of(rest)
        if len(parts) != 1 or not is_reciprocal(parts[0][0]) or not self.positive(ex.written(rest)):
            return None
        whole = ex.plus(ex.constant(1), ex.inverse(rest))
        other = ex.written(whole)
        return self.log(ex.written(rest)), self.log(other) if len(parts_of(whole)) == 1 else ex.atom(
            apply("log", other)
        )

    def products(self, term: Term) -> tuple[Product, ...]:
        """A term as a sum of products."""
        found = self._products.get(term)
        if found is None:
            found = self._products[term] = self._find_products(term)
            need(len(found) <= LARGEST, "a sum of too many products")
        return found

    def _find_products(self, term: Term) -> tuple[Product, ...]:
        if term.operation == "literal":
            need(is_finite(term.data), "{} is not finite", term)
            return (Product(1 if term.data > 0 else -1, log_of_number(abs(term.data))),) if term.data else ()
        if term.operation == "constant":
            return (Product(1, ex.constant(1) if term.data == "e" else ex.atom(apply("log", term))),)
        if term.operation == "apply":
            found = self._applied(term.data, term.arguments)
            if found is not None:
                return found
        if self.positive(term):
            return (Product(1, ex.atom(apply("log", self._as_atom(term)))),)
        return (Product(1, {}, frozenset(((self._as_atom(term), 1),))),)

    def _as_atom(self, term: Term) -> Term:
        own = self.normal(term)
        parts = parts_of(own)
        return ex.written(own) if len(parts) != 1 else term

    def _applied(self, name: str, arguments: tuple[Term, ...]) -> tuple[Product, ...] | None:
        match name:
            case "add":
                return (*self.products(arguments[0]), *self.products(arguments[1]))
            case "subtract":
                return (*self.products(arguments[0]), *map(negative, self.products(arguments[1])))
            case "negate":
                return tuple(map(negative, self.products(arguments[0])))
            case "multiply":
                left, right = map(self.products, arguments)
                return tuple(times(a, b) for a in left for b in right)
            case "divide":
                return tuple(times(a, self._inverse(arguments[1])) for a in self.products(arguments[0]))
            case "exp":
                return (Product(1, self.normal(arguments[0])),)
            case "power":
                return self._powers(*arguments)
            case "sqrt" if self.positive(arguments[0]):
                return (Product(1, ex.scaled(self.log(arguments[0]), _HALF)),)
        rewritten = REWRITTEN.get(name)
        if rewritten is not None and name != "softplus":
            return self.products(rewritten(arguments[0]))
        own = self.normal(apply(name, *arguments))
        ((product, coefficient),) = parts_of(own) if len(parts_of(own)) == 1 else ((None, Fraction(0)),)
        if product is None or set(product) != {NONE}:
            return None
        ((monomial, _),) = product[NONE].items()
        sign = 1 if coefficient > 0 else -1
        whole = ex.written({NONE: {monomial: Fraction(1)}})
        if self.positive(whole):
            return (Product(sign, ex.plus(log_of_number(abs(coefficient)), ex.atom(apply("log", whole)))),)
        return (Product(sign, log_of_number(abs(coefficient)), monomial),)

    def _inverse(self, divisor: Term) -> Product:
        if self.positive(divisor) and (log := self._log_of_factors(divisor)) is not None:
            return Product(1, ex.scaled(log, -1))
        found = self.products(divisor)
        if len(found) == 1:
            (own,) = found
            return Product(own.sign, ex.scaled(own.log, -1), frozenset((t, -n) for t, n in own.rest))
        sign = self.sign(divisor)
        if sign == 0:
            return Product(1, {}, frozenset(((self._as_atom(divisor), -1),)))
        size = divisor if sign > 0 else ex.written(ex.scaled(self.normal(divisor), -1))
        return Product(sign, ex.scaled(self._log_of_sum(self.normal(size)), -1))

    def _powers(self, base: Term, exponent: Term) -> tuple[Product, ...] | None:
        count = number(self.normal(exponent))
        own = self.products(base)
        if count is not None and count.denominator == 1 and abs(count) <= 16 and (len(own) == 1 or count > 0):
            if len(own) > 1 and self.positive(base) and count > 3:
                return (Product(1, ex.scaled(self.log(base), count)),)
            one: tuple[Product, ...] = (Product(1, {}),)
            factor = own if count >= 0 else (self._inverse(base),)
            for _ in range(abs(int(count))):
                one = tuple(times(a, b) for a in one for b in factor)
                need(len(one) <= LARGEST, "a sum of too many products")
            return one
        if count is not None and count.denominator == 1 and not self.positive(base):
            need(abs(count) <= 16, "a large exponent")
            inverse, whole = self._inverse(base), Product(1, {})
            for _ in range(abs(int(count))):
                whole = times(whole, inverse)
            return (whole,)
        need(self.positive(base), "the base {} may not be positive", base)
        return (Product(1, ex.times(self.normal(exponent), self.log(base))),)

    # -- from logarithms back ----------------------------------------------------------------------------------------

    def raised(self, log: Exponentials) -> Exponentials:
        """exp(log): whole multiples of logarithms become powers."""
        return self.collected(ex.exponential(log))

    def collected(self, value: Exponentials) -> Exponentials:
        """A value in which no exponent holds a whole multiple of a logarithm."""
        for _ in range(8):
            value = reduced(value)
            found: list[Exponentials] = []
            changed = False
            for exponent, polynomial in value.items():
                kept, factor = self._whole_powers(dict(exponent))
                if factor is None:
                    found.append({exponent: polynomial})
                    continue
                changed = True
                found.append(ex.times({ex.frozen(kept): polynomial}, factor))
            if not changed:
                return value
            value = ex.plus(*found)
        return value

    def _whole_powers(self, exponent: ex.Polynomial) -> tuple[ex.Polynomial, Exponentials | None]:
        factor: Exponentials | None = None
        kept: ex.Polynomial = {}
        for monomial, coefficient in exponent.items():
            base = logarithm_in(monomial)
            whole = math.floor(coefficient) if base is not None else 0
            if base is None or whole == 0 or abs(whole) > 64:
                kept[monomial] = coefficient
                continue
            own = ex.power(self.normal(base), whole) if base.operation != "literal" else ex.constant(base.data**whole)
            factor = own if factor is None else ex.times(factor, own)
            if coefficient != whole:
                kept[monomial] = coefficient - whole
        return kept, factor

    def value(self, product: Product) -> Exponentials:
        """What a product is worth, as a sum of exponentials."""
        own = ex.times(ex.constant(product.sign), self.raised(product.log))
        for term, count in product.rest:
            own = ex.times(own, ex.power(self.normal(term), count))
        return own

    def total(self, products: tuple[Product, ...]) -> Exponentials:
        """The value of a sum of products."""
        return self.collected(ex.plus(*map(self.value, products)))

    def is_one(self, products: tuple[Product, ...]) -> bool:
        """Whether a sum of products is 1."""
        return ex.is_zero(ex.plus(self.total(products), ex.constant(-1)))
