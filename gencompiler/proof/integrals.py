"""Integrals in closed form, over the reals, the positive numbers and the unit interval.

Every other interval is brought to one of the three by a shift and a scale.  A function is cut where its pieces meet, is
written as a sum of products, and each product is looked up in a short table of integrals that converge absolutely
(`proof.integral_table`, and for the unit interval `proof.antiderivatives`), by substituting exp or log, and by the
symmetry ∫ f(y) dy = ∫ (f(y) + f(-y)) dy over y > 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import antiderivatives, error_functions, integral_table, primitives, rationals, shifts, waves
from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, build, constant, literal, substitute, subterms, support_of, symbol
from gencompiler.proof.integrands import (
    Divergent,
    addends,
    ends,
    in_logit,
    mentions,
    split,
    summands,
    with_unit_logs,
    without,
)
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import Cut, Pieces, linear
from gencompiler.proof.products import Product, over_one, times
from gencompiler.proof.terms import ONE, ZERO, minus, over, plus
from gencompiler.proof.terms import times as product_of

POSITIVE, UNIT = Support("Positive"), Support("Unit")
#: How deep cuts, substitutions and symmetries may be nested, how many integrals one may be taken apart into, and how
#: many parts one that has been changed may have.
DEEPEST, MOST, LARGEST = 8, 24, 120
_HALF = Fraction(1, 2)


class Integrals:
    """Integrals of one body; `forms` knows the ranges of terms; `primitives` are sought on demand: that takes long."""

    def __init__(self, forms: ClosedForms, primitives: bool = False) -> None:
        self.forms, self.primitives = forms, primitives
        self.count = self.taken = 0

    def over(self, body: Term, variable: Term) -> tuple[Product, ...]:
        """The integral of `body` over the support of `variable`; raises Unproved."""
        support = support_of(variable)
        if support.name == "Angle":
            return self._between(body, variable, apply("negate", constant("pi")), constant("pi"), 0)
        lower, upper = ends(support)
        if lower is None and upper is None:
            return self._integral(substitute(body, {variable: self._fresh(REAL)}), REAL, 0)
        if lower is not None and upper is not None:
            return self._bounded(body, variable, literal(lower), literal(upper))
        if lower is not None:
            return self._beyond(body, variable, literal(lower), 1, 0)
        assert upper is not None
        return self._beyond(body, variable, literal(upper), -1, 0)

    def _fresh(self, support: Support) -> Term:
        """A symbol for a number of this support, the newest."""
        self.count += 1
        return symbol("integral", f"y{self.count}", support)

    def _bounded(self, body: Term, variable: Term, lower: Term, upper: Term) -> tuple[Product, ...]:
        """Between two numbers; of an even function from -b to b, twice from 0 to b."""
        try:
            return self._between(body, variable, lower, upper, 0)
        except Divergent:
            raise
        except Unproved:
            turned = substitute(body, {variable: apply("negate", variable)})
            even = upper.data == -lower.data and self.forms.normal(body) == self.forms.normal(turned)
            if not even:
                raise
        self.count = self.taken = 0
        return self._between(product_of(literal(2), body), variable, ZERO, upper, 0)

    def _between(self, body: Term, variable: Term, lower: Term, upper: Term, depth: int) -> tuple[Product, ...]:
        """∫ from lower to upper = (upper - lower) ∫ f(lower + (upper - lower) y) dy over the unit interval."""
        width = self.forms.plain(minus(upper, lower))
        need(self.forms.positive(width), "{} may not be below {}", lower, upper)
        y = self._fresh(UNIT)
        inside = substitute(body, {variable: plus(lower, product_of(width, y))})
        return self._integral(product_of(width, inside), UNIT, depth)

    def _beyond(self, body: Term, variable: Term, end: Term, side: int, depth: int) -> tuple[Product, ...]:
        """∫ beyond `end` = ∫ f(end ± y) dy over the positive numbers."""
        y = self._fresh(POSITIVE)
        inside = substitute(body, {variable: plus(end, y) if side > 0 else minus(end, y)})
        return self._integral(inside, POSITIVE, depth)

    def _integral(self, body: Term, support: Support, depth: int) -> tuple[Product, ...]:
        """The integral in the newest symbol, which has this support."""
        self.taken += 1
        short = depth == 0 or len(subterms(body)) <= LARGEST
        need(short and depth <= DEEPEST and self.taken <= MOST, "too many steps")
        y = symbol("integral", f"y{self.count}", support)
        found: list[Product] = []
        for part in addends(body):
            found.extend(self._addend(self._tidy(part, y), y, support, depth))
        return tuple(found)

    def _addend(self, part: Term, y: Term, support: Support, depth: int) -> tuple[Product, ...]:
        """The integral of one addend, cut where it changes its form; then of its summands."""
        try:
            whole = Pieces(self.forms, y, False).resolved(part)
        except Cut as cut:
            return self._cut(part, y, support, cut.place, depth + 1)
        try:
            return self._group(whole, y, support, depth)
        except Unproved:
            groups = self._groups(whole, y, support)
            if len(groups) < 2:
                raise
            return tuple(p for group in groups for p in self._group(group, y, support, depth))

    def _tidy(self, body: Term, y: Term) -> Term:
        """A body whose affine functions of y are written as such."""
        known: dict[Term, Term] = {}
        for term in subterms(body):
            if y not in term.symbols or term is y or term.shape or term.operation not in ("apply", "choose"):
                known[term] = term
                continue
            inside = build(term.operation, term.data, tuple(known[a] for a in term.arguments))
            if term.data in ("add", "subtract", "negate"):
                parts = self._linear(inside, y)
                if parts is not None:
                    inside = ex.written(ex.plus(ex.times(parts[0], ex.atom(y)), parts[1]))
            known[term] = inside
        return known[body]

    def _cut(self, body: Term, y: Term, support: Support, place: Term, depth: int) -> tuple[Product, ...]:
        """The integrals below and above a place inside the domain."""
        if support == REAL:
            return (*self._beyond(body, y, place, -1, depth), *self._beyond(body, y, place, 1, depth))
        need(self.forms.positive(place), "a cut at {}, which may not be inside", place)
        below = self._between(body, y, ZERO, place, depth)
        if support == POSITIVE:
            return (*below, *self._beyond(body, y, place, 1, depth))
        return (*below, *self._between(body, y, place, ONE, depth))

    def _groups(self, body: Term, y: Term, support: Support) -> list[Term]:
        """The summands of a body; on the reals, those about one place together."""
        if support != REAL:
            return summands(body)
        groups: dict[Term, Term] = {}
        for part in summands(body):
            place = next(iter(self._places(part, y)), ZERO)
            groups[place] = plus(groups[place], part) if place in groups else part
        return list(groups.values())

    def _group(self, body: Term, y: Term, support: Support, depth: int) -> tuple[Product, ...]:
        """One summand, by the first way that works."""
        reasons: list[Unproved] = []
        for way in self._ways(body, y, support, depth):
            before = self.count
            try:
                return way()
            except Unproved as reason:
                reasons.append(reason)
                self.count = before
        raise Unproved(f"no integral is known of {body}: {'; '.join(map(str, reasons))}")

    def _ways(self, body: Term, y: Term, support: Support, depth: int) -> Iterator[Callable[[], tuple[Product, ...]]]:
        if not self.forms.products(body):
            yield lambda: ()
            return
        if y not in body.symbols:
            need(support == UNIT, "a constant has no integral over an infinite interval")
            yield lambda: self.forms.products(body)
            return
        if self.forms.positive(body):
            yield lambda: (self._product(Product(1, self.forms.log(body)), y, support),)
        yield lambda: tuple(self._product(p, y, support) for p in self.forms.products(body))
        if support != REAL and self.primitives:
            bounded = support == UNIT
            yield lambda: self.forms.products(primitives.integral(self.forms, body, y, bounded=bounded))
            yield lambda: self._by_odds(body, y, depth + 1)
        if support == REAL:
            yield from self._ways_on_reals(body, y, depth + 1)
        elif support == POSITIVE:
            yield lambda: self._by_exponential(body, y, depth + 1, True)
            yield lambda: self._by_exponential(body, y, depth + 1, False)
            for k in self._rates(body, y):
                yield lambda k=k: self._by_power(body, y, k, depth + 1)  # type: ignore[misc]
                yield lambda k=k: self._by_growth(body, y, k, depth + 1)  # type: ignore[misc]
        else:
            yield lambda: self.forms.products(ex.written(waves.polynomial(self.forms, body, y)))
            yield lambda: self.forms.products(ex.written(rationals.integral(self.forms, body, y)))
            yield lambda: self._by_sigmoid(body, y, depth + 1)

    def _ways_on_reals(self, body: Term, y: Term, depth: int) -> Iterator[Callable[[], tuple[Product, ...]]]:
        yield lambda: self.forms.products(ex.written(shifts.difference(self.forms, body, y)))
        places = [p for p in self._places(body, y) if p is not ZERO]
        for place in [ZERO, *places]:
            shifted = substitute(body, {y: plus(place, y)}) if place is not ZERO else body
            for rate in self._rates(shifted, y):
                yield lambda s=shifted, r=rate: self._by_logarithm(s, y, r, depth)  # type: ignore[misc]
            yield lambda s=shifted: self._halved(s, y, depth)  # type: ignore[misc]
            yield lambda s=shifted: self._folded(s, y, depth)  # type: ignore[misc]

    # -- substitutions -----------------------------------------------------------------------------------------------

    def _folded(self, body: Term, y: Term, depth: int) -> tuple[Product, ...]:
        """∫ f = ∫ (f(y) + f(-y)) over y > 0, of an f that is nowhere negative (Tonelli)."""
        need(depth <= DEEPEST, "an integral that takes too many steps")
        half = self._fresh(POSITIVE)
        pieces = Pieces(self.forms, half, False)
        sides = [pieces.resolved(substitute(body, {y: v})) for v in (half, apply("negate", half))]
        if self.forms.know(body).lower < 0:  # then each side must have an integral of its own
            first = self._integral(sides[0], POSITIVE, depth)
            self.count += 1
            renamed = substitute(sides[1], {half: symbol("integral", f"y{self.count}", POSITIVE)})
            return (*first, *self._integral(renamed, POSITIVE, depth))
        both = self.forms.normal(plus(*sides))
        if ex.is_zero(ex.plus(self.forms.normal(sides[0]), ex.scaled(self.forms.normal(sides[1]), -1))):
            return self._integral(product_of(literal(2), sides[0]), POSITIVE, depth)
        return self._integral(ex.written(both), POSITIVE, depth)

    def _halved(self, body: Term, y: Term, depth: int) -> tuple[Product, ...]:
        """∫ g(y) sigmoid(h(y)) = 1/2 ∫ g(y) of an even g and an odd h, as sigmoid(h) + sigmoid(-h) = 1."""
        need(depth <= DEEPEST, "an integral that takes too many steps")
        turned = {y: apply("negate", y)}
        for term in subterms(body):
            if term.operation == "apply" and term.data == "sigmoid" and y in term.symbols:
                rest = without(body, term)
                inner = term.arguments[0]
                odd = ex.is_zero(self.forms.normal(plus(inner, substitute(inner, turned))))
                if odd and ex.is_zero(self.forms.normal(minus(rest, substitute(rest, turned)))):
                    self.count += 1
                    fresh = symbol("integral", f"y{self.count}", REAL)
                    half = product_of(literal(_HALF), rest)
                    return self._integral(substitute(half, {y: fresh}), REAL, depth)
        raise Unproved("no sigmoid of an odd function")

    def _by_logarithm(self, body: Term, y: Term, rate: Term, depth: int) -> tuple[Product, ...]:
        """y = log(w) / rate, w > 0: dy = dw / (rate w)."""
        w = self._fresh(POSITIVE)
        inside = substitute(body, {y: over(apply("log", w), rate)})
        return self._integral(self.forms_of(over(inside, product_of(rate, w))), POSITIVE, depth)

    def _by_exponential(self, body: Term, y: Term, depth: int, plain: bool) -> tuple[Product, ...]:
        """y = exp(w), w real: dy = exp(w) dw; with `plain`, as it is written, but for the factors y."""
        need(mentions(body, y, "log"), "no logarithm of {}", y)
        w = self._fresh(REAL)
        if not plain:
            inside = substitute(body, {y: apply("exp", w)})
            return self._integral(self.forms_of(product_of(inside, apply("exp", w))), REAL, depth)
        marked = replaced(product_of(body, y), {apply("log", y): w})
        _, own = split(self.forms.log(marked), y)
        need(set(own) <= {apply("log", y)}, "more than powers of {}", y)
        power = ex.written(ex.times(own.get(apply("log", y), {}), ex.atom(w)))
        return self._integral(product_of(substitute(marked, {y: ONE}), apply("exp", power)), REAL, depth)

    def _by_power(self, body: Term, y: Term, rate: Term, depth: int) -> tuple[Product, ...]:
        """y = -log(w) / rate, 0 < w < 1: dy = dw / (rate w)."""
        w = self._fresh(UNIT)
        inside = substitute(body, {y: over(apply("negate", apply("log", w)), rate)})
        return self._integral(self.forms_of(over(inside, product_of(rate, w))), UNIT, depth)

    def _by_growth(self, body: Term, y: Term, rate: Term, depth: int) -> tuple[Product, ...]:
        """y = log(1 + v) / rate, v > 0: dy = dv / (rate (1 + v))."""
        v = self._fresh(POSITIVE)
        grown = plus(ONE, v)
        inside = substitute(body, {y: over(apply("log", grown), rate)})
        return self._integral(self.forms_of(over(inside, product_of(rate, grown))), POSITIVE, depth)

    def _by_sigmoid(self, body: Term, y: Term, depth: int) -> tuple[Product, ...]:
        """y = 1 / (1 + exp(-w)), w real: with l = log(y) - log(1 - y), dy = y (1 - y) dw."""
        w = self._fresh(REAL)
        logit = apply("subtract", apply("log", y), apply("log", minus(ONE, y)))
        parts = self.forms.products(over(body, ONE))
        need(len(parts) == 1 and not parts[0].rest, "no product")
        jacobian = self.forms.log(product_of(y, minus(ONE, y)))
        inside = in_logit(ex.plus(parts[0].log, jacobian), self.forms.normal(logit), y, w)
        return self._integral(product_of(literal(parts[0].sign), apply("exp", inside)), REAL, depth)

    def _by_odds(self, body: Term, y: Term, depth: int) -> tuple[Product, ...]:
        """y = w / (1 + w), w > 0: 1 - y = 1 / (1 + w), dy = dw / (1 + w)^2."""
        need(support_of(y) == UNIT, "no odds of a positive number")
        rest = minus(ONE, y)
        need(
            any(
                t.data == "divide" and rest in subterms(t.arguments[1])
                for t in subterms(body)
                if t.operation == "apply"
            ),
            "no odds of {}",
            y,
        )
        w = self._fresh(POSITIVE)
        grown = plus(ONE, w)
        marked = substitute(replaced(body, {over(y, rest): w, rest: over(ONE, grown)}), {y: over(w, grown)})
        return self._integral(self.forms_of(over(marked, apply("power", grown, literal(2)))), POSITIVE, depth)

    def forms_of(self, body: Term) -> Term:
        """A body with the exponentials of logarithms taken out, over one denominator where that is shorter."""
        return ex.written(over_one(self.forms.normal(body)))

    # -- where and how fast ------------------------------------------------------------------------------------------

    def _places(self, body: Term, y: Term) -> Iterator[Term]:
        """The zeros of the affine functions of y in a body, in its order."""
        found: dict[Term, None] = {}
        for term in subterms(body):
            if y in term.symbols and term is not y and term.shape == ():
                parts = self._linear(term, y)
                if parts is not None:
                    found[self.forms.plain(ex.written(ex.scaled(ex.times(parts[1], ex.inverse(parts[0])), -1)))] = None
        yield from reversed(found)

    def _rates(self, body: Term, y: Term) -> Iterator[Term]:
        """The positive rates k of the functions exp(±k y + …) and sigmoids in a body."""
        found: dict[Term, None] = {}
        for term in subterms(body):
            if term.operation != "apply" or term.data not in _EXPONENTIALS or y not in term.symbols:
                continue
            parts = self._linear(term.arguments[0], y)
            if parts is None:
                continue
            factor = 2 if term.data == "tanh" else 1
            for sign in (factor, -factor):
                rate = ex.written(ex.scaled(parts[0], sign))
                if self.forms.positive(rate):
                    found[rate] = None
        yield from found

    def _linear(self, term: Term, y: Term) -> tuple[Exponentials, Exponentials] | None:
        try:
            parts = linear(self.forms.normal(term), y)
        except Unproved:
            return None
        return parts if parts is not None and parts[0] else None

    # -- the table ---------------------------------------------------------------------------------------------------

    def _product(self, product: Product, y: Term, support: Support) -> Product:
        """The integral of one product."""
        free, own = split(product.log, y)
        more, own = with_unit_logs(self.forms, own, y)
        rest = [(t, n) for t, n in product.rest if y in t.symbols]
        outside = Product(product.sign, ex.plus(free, more), frozenset(p for p in product.rest if p not in rest))
        if support == UNIT:
            return times(outside, antiderivatives.over_unit(self.forms, own, rest, y))
        if support == REAL and (found := error_functions.over_reals(self.forms, own, rest, y)) is not None:
            return times(outside, found)
        need(not rest, "a factor {} of unknown sign", rest[0][0] if rest else "")
        if support == REAL:
            return times(outside, Product(1, integral_table.on_reals(self.forms, own, y)))
        square = apply("power", y, literal(2))
        if set(own) == {y, square}:
            return times(outside, antiderivatives.gaussian_from_zero(self.forms, own[square], own[y]))
        return times(outside, Product(1, integral_table.on_positive(self.forms, own, y)))


_EXPONENTIALS = ("exp", "sigmoid", "softplus", "tanh", "cosh", "sinh", "expm1")
