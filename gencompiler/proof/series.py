"""Sums in closed form over whole numbers: finite ones term by term, endless ones by the ratio of their terms.

With r(k) = f(k + 1) / f(k) and 0 <= k,

    r = q                              f(0) / (1 - q)                                   0 < q < 1
    r = q / (k + 1)                    f(0) exp(q)
    r = q (k + a) / (k + 1)            f(0) (1 - q)^(-a)                                0 < q < 1, a > 0
    r = q (k + 1) / (k + 2)            f(0) (-log(1 - q)) / q                           0 < q < 1
    r = q / ((k + 1/2) (k + 1))        f(0) cosh(2 sqrt(q)), and with 3/2 the like of sinh
    r = q / (k + 1)^2                  f(0) I_0(2 sqrt(q))
    r = ((k + a) / (k + a + 1))^n      f(0) a^n ζ(n, a)                                 a = 1 or 1/2, n even
    r = (k + a) (k + b) / ((k + c) (k + 1))
                                       f(0) Γ(c) Γ(c - a - b) / (Γ(c - a) Γ(c - b))     a, b, c, c - a - b > 0

(the exponential, binomial, logarithmic and Gauss hypergeometric series: Abramowitz & Stegun 4.2.1, 3.6.9, 4.1.24,
15.1.20, 9.6.12), by Abel's series (`proof.abel`), and f(k) = g(k + 1) - g(k) by telescoping, its sum being
lim g - g(0)."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction

from gencompiler.catalog.supports import values_in
from gencompiler.model.nodes import Support
from gencompiler.proof import abel, domain, limits, primitives
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.components import components
from gencompiler.proof.exponentials import NONE, Exponentials
from gencompiler.proof.graph import Term, apply, constant, is_finite, literal, substitute, subterms, support_of, symbol
from gencompiler.proof.integrands import Divergent, addends, split, summands
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import Cut, Pieces, at_number, linear
from gencompiler.proof.products import Product, log_of_number, number, times
from gencompiler.proof.telescoping import antidifference, sum_of_logarithms
from gencompiler.proof.terms import ONE, ZERO, minus, plus

#: Longer sums are not written out.
LONGEST = 4096
#: Sums of fewer terms are.
SHORT = 16
#: A sum that begins later than 0, but no later than here, may be one from 0 on without its first terms.
FURTHEST_START = 3
COUNT = Support("Count")


class Series:
    """Sums of one body; `forms` knows the ranges of terms."""

    def __init__(self, forms: ClosedForms) -> None:
        self.forms = forms

    def over(self, body: Term, variable: Term) -> tuple[Product, ...]:
        """The sum of `body` over the support of `variable`; raises Unproved."""
        support = support_of(variable)
        if support.name == "Sign":
            return self._listed(body, variable, (-1, 1))
        own = domain.of_support(support)
        if own is None:
            raise Unproved(f"{support} is no range of whole numbers")
        size = values_in(support.name, support.arguments)
        if size is not None:
            need(size <= LONGEST, "a sum of {} terms", size)
            return self._between(body, variable, int(own.lower), int(own.lower) + size)
        k = symbol("sum", "k", COUNT)
        if is_finite(own.lower):
            shifted = substitute(body, {variable: plus(literal(own.lower), k)})
            try:
                return self._endless(shifted, k)
            except Unproved:
                if not 0 < own.lower <= FURTHEST_START:
                    raise
            return self._addend(shifted, k, int(own.lower))
        if is_finite(own.upper):
            return self._endless(substitute(body, {variable: minus(literal(own.upper), k)}), k)
        return self._both_ways(body, variable, k)

    def _between(self, body: Term, variable: Term, start: int, stop: int) -> tuple[Product, ...]:
        """Over start..stop: a long sum is cut where its terms change their form, and telescopes if it can."""
        if stop - start < SHORT:
            return self._listed(body, variable, range(start, stop))
        k = symbol("sum", "k", Support("Integer", (Fraction(start), Fraction(stop))))
        try:
            inside = Pieces(self.forms, k, True).resolved(substitute(body, {variable: k}))
            earlier = self._step(inside, k)
        except Cut as cut:
            need(cut.place.operation == "literal", "a change at {}", cut.place)
            middle = max(start + 1, min(math.ceil(cut.place.data), stop - 1))
            sides = ((start, middle), (middle, stop))
            return tuple(p for side in sides for p in self._between(body, variable, *side))
        except Unproved:
            return self._listed(body, variable, range(start, stop))
        last, first = (substitute(earlier, {k: literal(n)}) for n in (stop, start))
        return self.forms.products(minus(last, first))

    def _listed(self, body: Term, variable: Term, values: tuple[int, ...] | range) -> tuple[Product, ...]:
        total: list[Exponentials] = []
        for value in values:
            (inside,) = components(substitute(body, {variable: literal(value)}))
            term = at_number(inside, self.forms)
            total.append(self.forms.normal(term))
        whole = ex.plus(*total)
        return self.forms.products(ex.written(whole)) if len(whole) < 64 else (self._as_one(whole),)

    def _as_one(self, whole: Exponentials) -> Product:
        term = ex.written(whole)
        return Product(1, {}, frozenset(((term, 1),)))

    def _both_ways(self, body: Term, variable: Term, k: Term) -> tuple[Product, ...]:
        """Over all whole numbers: those from 0 on, and those below."""
        up = substitute(body, {variable: k})
        down = substitute(body, {variable: minus(literal(-1), k)})
        try:
            return (*self._endless(up, k), *self._endless(down, k))
        except Unproved:
            return self._telescoped_both_ways(body, variable, k)

    def _endless(self, body: Term, k: Term) -> tuple[Product, ...]:
        """The sum over k = 0, 1, 2, …; where a condition changes, the terms before are written out."""
        head: list[Product] = []
        start = 0
        while True:
            shifted = body if start == 0 else substitute(body, {k: plus(k, literal(start))})
            try:
                rest = Pieces(self.forms, k, True).resolved(shifted)
                break
            except Cut as cut:
                need(start <= 64, "a change far from the start")
                need(not cut.place.symbols, "a change at {}", cut.place)
            first = at_number(substitute(shifted, {k: literal(0)}), self.forms)
            head.extend(self.forms.products(first))
            start += 1
        try:
            return (*head, *self._tail(rest, k, start))
        except Divergent:
            raise
        except Unproved as reason:
            if not _has_power_of(rest, k):
                raise
            head.extend(self.forms.products(at_number(substitute(rest, {k: literal(0)}), self.forms)))
            later = Pieces(self.forms, k, True).resolved(substitute(rest, {k: plus(k, ONE)}))
            try:
                return (*head, *self._tail(later, k, start + 1))
            except Unproved:
                raise reason from None

    def _tail(self, body: Term, k: Term, start: int) -> tuple[Product, ...]:
        try:
            return self._telescoped(body, k)
        except Divergent:
            raise
        except Unproved:
            return tuple(p for part in addends(body) for p in self._addend(part, k, start))

    def _addend(self, body: Term, k: Term, start: int) -> tuple[Product, ...]:
        """The sum of one addend; from `start` on, it is the sum from 0 on without the first terms."""
        try:
            return self._summand(body, k)
        except Divergent:
            raise
        except Unproved:
            if start == 0:
                raise
        whole = substitute(body, {k: minus(k, literal(start))})
        first = (at_number(substitute(whole, {k: literal(n)}), self.forms) for n in range(start))
        less = [p for term in first for p in self.forms.products(apply("negate", term))]
        return (*self._summand(whole, k), *less)

    def _summand(self, body: Term, k: Term) -> tuple[Product, ...]:
        """The sum of one addend; what is 0 at first is summed from the next number on."""
        try:
            return self._products(body, k)
        except Divergent:
            raise
        except Unproved:
            first = at_number(substitute(body, {k: literal(0)}), self.forms)
            need(not self.forms.normal(first), "no series of {} is known", body)
            return self._products(substitute(body, {k: plus(k, ONE)}), k)

    def _products(self, body: Term, k: Term) -> tuple[Product, ...]:
        if self.forms.positive(body):
            with contextlib.suppress(Unproved):
                return self._product(Product(1, self.forms.log(body)), k)
        found: list[Product] = []
        for part in summands(body):
            found.extend(self._part(part, k))
        return tuple(found)

    def _part(self, part: Term, k: Term) -> list[Product]:
        """The same of one product; of one with a factor k, from 1 on."""
        try:
            return [p for product in self.forms.products(part) for p in self._product(product, k)]
        except Divergent:
            raise
        except Unproved:
            need(not self.forms.normal(at_number(substitute(part, {k: literal(0)}), self.forms)), "no series is known")
        later = substitute(part, {k: plus(k, ONE)})
        return list(self._product(Product(1, self.forms.log(later)), k))

    # -- by the ratio ------------------------------------------------------------------------------------------------

    def _product(self, product: Product, k: Term) -> tuple[Product, ...]:
        need(not any(k in t.symbols for t, _ in product.rest), "a factor of unknown sign")
        forms = self.forms
        free, own = split(product.log, k)
        outside = Product(product.sign, free, product.rest)
        log = ex.plus(*(ex.times(v, forms.normal(t)) for t, v in own.items()))
        if (known := abel.log_of_sum(forms, log, k)) is not None:
            return (times(outside, Product(1, known)),)
        after = self._shifted(log, k, 1)
        zero = self._at_zero(log, k)
        numerator, denominator, q = _factors(forms, ex.plus(after, ex.scaled(log, -1)), k)
        total = self._known(numerator, denominator, q)
        return (times(outside, Product(1, ex.plus(zero, total))),)

    def _shifted(self, log: Exponentials, k: Term, by: int) -> Exponentials:
        return self.forms.normal(substitute(ex.written(log), {k: plus(k, literal(by))}))

    def _at_zero(self, log: Exponentials, k: Term) -> Exponentials:
        return self.forms.normal(substitute(ex.written(log), {k: literal(0)}))

    def _known(self, top: list[Exponentials], bottom: list[Exponentials], q: Exponentials) -> Exponentials:
        """log of the sum over f(0), for r = q Π (k + a) / Π (k + c)."""
        forms, one = self.forms, ex.constant(1)
        if q == one and (zeta := _zeta(forms, top, bottom)) is not None:
            return zeta
        bottom = list(bottom)
        if one in bottom:
            bottom.remove(one)
        else:
            top = [*top, one]
        rate = ex.written(q)
        need(forms.positive(rate), "a ratio {} that may not be positive", rate)
        if (len(top), len(bottom)) == (0, 0):
            return q
        rest = forms.plain(minus(ONE, rate))
        if (len(top), len(bottom)) == (1, 0):
            self._converges(rest)
            need(forms.positive(ex.written(top[0])), "a power that may not be positive")
            return ex.scaled(ex.times(top[0], forms.log(rest)), -1)
        if top == [one] and bottom == [ex.constant(2)]:  # q / (k + 2): exp(q) without its first term
            return forms.log(apply("divide", apply("subtract", apply("exp", rate), ONE), rate))
        if not top and len(bottom) == 1:
            return self._hyperbolic(bottom[0], q)
        need((len(top), len(bottom)) == (2, 1), "a ratio of many factors")
        if q == one:
            return self._gauss(top[0], top[1], bottom[0])
        if top == [one, one] and bottom == [ex.constant(2)]:
            self._converges(rest)
            value = ex.scaled(forms.log(rest), -1)
            return ex.plus(forms.log(ex.written(value)), ex.scaled(forms.log(rate), -1))
        raise Unproved("no series of this ratio is known")

    def _hyperbolic(self, place: Exponentials, q: Exponentials) -> Exponentials:
        """r = q / ((k + 1/2) (k + 1)): cosh(2 sqrt(q)); q / ((k + 3/2) (k + 1)): sinh(2 sqrt(q)) / (2 sqrt(q)); and
        q / (k + 1)^2: I_0(2 sqrt(q))."""
        half = number(place)
        need(half in (Fraction(1, 2), 1, Fraction(3, 2)), "a ratio of many factors")
        root = self.forms.raised(ex.scaled(self.forms.log(ex.written(ex.scaled(q, 4))), Fraction(1, 2)))
        if half == 1:
            return self.forms.log(apply("bessel_i0", ex.written(root)))
        if half == Fraction(1, 2):
            return self.forms.log(apply("cosh", ex.written(root)))
        return ex.plus(self.forms.log(apply("sinh", ex.written(root))), ex.scaled(self.forms.log(ex.written(root)), -1))

    def _gauss(self, a: Exponentials, b: Exponentials, c: Exponentials) -> Exponentials:
        left = ex.plus(c, ex.scaled(a, -1))
        right = ex.plus(c, ex.scaled(b, -1))
        rest = ex.plus(left, ex.scaled(b, -1))
        self._converges(ex.written(rest))
        for value in (a, b, c):
            need(self.forms.positive(ex.written(value)), "{} may not be positive", ex.written(value))
        gammas = [self.forms.normal(apply("lgamma", ex.written(v))) for v in (c, rest, left, right)]
        return ex.plus(gammas[0], gammas[1], ex.scaled(gammas[2], -1), ex.scaled(gammas[3], -1))

    def _converges(self, term: Term) -> None:
        if not self.forms.positive(term):
            if self.forms.sign(term) < 0 or (term.operation == "literal" and term.data <= 0):
                raise Divergent(term)
            raise Unproved(f"the sum converges only where {term} is positive")

    # -- telescoping -------------------------------------------------------------------------------------------------

    def _telescoped(self, body: Term, k: Term) -> tuple[Product, ...]:
        with contextlib.suppress(Unproved):
            return self.forms.products(sum_of_logarithms(self.forms, body, k))
        earlier = self._step(body, k)
        last = ZERO if primitives.dies_out(self.forms, earlier, k) else limits.limit(self.forms, earlier, k)
        need(not isinstance(last, float), "what telescopes grows without bound")
        assert not isinstance(last, float)
        first = substitute(earlier, {k: literal(0)})
        return self.forms.products(minus(last, first))

    def _telescoped_both_ways(self, body: Term, variable: Term, k: Term) -> tuple[Product, ...]:
        earlier = self._step(substitute(body, {variable: k}), k)
        wide = symbol("sum", "k", Support("Integer", (-float("inf"), float("inf"))))
        need(self._step(substitute(body, {variable: wide}), wide) is substitute(earlier, {k: wide}), "no telescope")
        last = limits.limit(self.forms, earlier, k)
        first = limits.limit(self.forms, substitute(earlier, {k: apply("negate", k)}), k)
        need(not isinstance(last, float) and not isinstance(first, float), "what telescopes grows without bound")
        assert not isinstance(last, float) and not isinstance(first, float)
        return self.forms.products(minus(last, first))

    def _step(self, body: Term, k: Term) -> Term:
        """A g with body = g(k + 1) - g(k): minus the terms that are taken away."""
        normal = self.forms.normal
        parts = addends(body)
        parts = parts if len(parts) > 1 else summands(body)
        for part in parts:
            for sign in (1, -1):
                g = part if sign > 0 else apply("negate", part)
                for step in (0, -1):
                    start = g if step == 0 else substitute(g, {k: minus(k, ONE)})
                    ahead = substitute(start, {k: plus(k, ONE)})
                    try:
                        if ex.is_zero(ex.plus(normal(minus(ahead, start)), ex.scaled(normal(body), -1))):
                            return start
                    except Unproved:
                        continue
        return antidifference(self.forms, body, k)


def _has_power_of(body: Term, k: Term) -> bool:
    """Whether k^b stands in a body, which has another form where k may be 0."""
    return any(t.operation == "apply" and t.data == "power" and t.arguments[0] is k for t in subterms(body))


def _zeta(forms: ClosedForms, top: list[Exponentials], bottom: list[Exponentials]) -> Exponentials | None:
    """log of Σ a^n / (k + a)^n, for r = ((k + a) / (k + a + 1))^n, n even and a = 1 or 1/2: by ζ(n), and by
    (2^n - 1) ζ(n) / 2^n, with ζ(n) = |B_n| (2 pi)^n / (2 n!) (Abramowitz & Stegun 23.2.16, 23.2.20)."""
    n = len(top)
    if n not in BERNOULLI or len(bottom) != n or any(t != top[0] for t in top):
        return None
    if any(b != ex.plus(top[0], ex.constant(1)) for b in bottom) or number(top[0]) not in (1, Fraction(1, 2)):
        return None
    value = BERNOULLI[n] * 2**n / (2 * math.factorial(n))
    if number(top[0]) != 1:
        value *= Fraction(2**n - 1, 2**n)
    return ex.plus(log_of_number(value), ex.scaled(forms.log(constant("pi")), n))


#: |B_n| for even n.
BERNOULLI = {
    2: Fraction(1, 6),
    4: Fraction(1, 30),
    6: Fraction(1, 42),
    8: Fraction(1, 30),
    10: Fraction(5, 66),
    12: Fraction(691, 2730),
}


def _factors(
    forms: ClosedForms, ratio: Exponentials, k: Term
) -> tuple[list[Exponentials], list[Exponentials], Exponentials]:
    """A ratio q Π (k + a) / Π (k + c), by its logarithm, as the a, the c, and q; raises Unproved."""
    top: list[Exponentials] = []
    bottom: list[Exponentials] = []
    q = ex.constant(1)
    free, own = split(ratio, k)
    for function, count in own.items():
        need(function.operation == "apply" and function.data == "log", "a ratio with {}", function)
        times_ = count.get(NONE, {}).get(ex.UNIT, Fraction(0))
        need(count == ex.constant(times_) and times_.denominator == 1, "a ratio with a broken power")
        parts = linear(forms.normal(function.arguments[0]), k)
        if parts is None or not parts[0]:
            raise Unproved(f"a ratio with {function}")
        slope, rest = parts
        place = ex.times(rest, ex.inverse(slope))
        (top if times_ > 0 else bottom).extend([place] * abs(int(times_)))
        q = ex.times(q, ex.power(slope, int(times_)))
    for place in list(top):
        if place in bottom:
            top.remove(place)
            bottom.remove(place)
    return top, bottom, forms.collected(ex.times(q, forms.raised(free)))
