"""Terms at a point: exact rationals as long as possible, balls beyond.  This is how counterexamples are confirmed."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping
from fractions import Fraction

from flint import arb, ctx

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure, views
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, bound_array, bound_index, gradient_parts, is_finite, literal, substitute
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.matrices import evaluated
from gencompiler.proof.numbers import (
    COMPARISONS,
    EXACT,
    HIDDEN,
    Number,
    Undecided,
    Values,
    ball,
    compare,
    contracted,
    finite,
    hidden,
    is_zero,
    rational_root,
    reduced,
    times,
    total,
    whole_power,
)
from gencompiler.proof.tables import elements


class Undefined(Exception):
    """`term` has no value here: an argument is outside the domain of its function."""

    def __init__(self, term: Term) -> None:
        super().__init__(f"{term} is undefined")
        self.term = term


#: What atoms stand for: symbols, and (as constants) network outputs by path and number.
Point = Mapping[Term, Fraction | Values]


def evaluate(term: Term, point: Point) -> Values:
    """The elements of `term` at a point; a scalar is a tuple of one.  Raises Undecided or Undefined."""
    evaluation = _Evaluation(point)
    with ctx.workprec(enclosure.PRECISION):
        try:
            found = evaluation.values(term)
        except Undefined:
            if evaluation.mixed:  # perhaps at an element that does not take the branch
                raise Undecided(f"{term} has branches that elements do not take together") from None
            raise
    if hidden(*found):
        raise Undecided(f"{term} is a causal view")
    return found


def _finite(term: Term, values: tuple[Real, ...]) -> Values:
    if not all(isinstance(v, Fraction) for v in values):
        raise Undefined(term)
    return tuple(v for v in values if isinstance(v, Fraction))


class _Evaluation:
    def __init__(self, point: Point) -> None:
        self.point = point
        self.known: dict[Term, Values] = {}
        self.mixed = False  # elements of one tensor take different branches

    def values(self, root: Term) -> Values:
        stack = [root]
        while stack:
            term = stack[-1]
            wanted = [] if term in self.point else [a for a in self._wanted(term) if a not in self.known]
            if wanted:
                stack.extend(wanted)
                continue
            stack.pop()
            if term not in self.known:
                self.known[term] = self._values(term)
        return self.known[root]

    def _wanted(self, term: Term) -> tuple[Term, ...]:
        """What must be evaluated before a term: of a choice, the branches that are taken."""
        if term.operation != "choose":
            return _operands(term)
        condition, then, otherwise = term.arguments
        if condition not in self.known:
            return (condition,)
        taken = {bool(v) for v in self.known[condition] if v is not HIDDEN}
        self.mixed = self.mixed or len(taken) > 1
        return tuple(branch for branch, value in ((then, True), (otherwise, False)) if value in taken)

    def _values(self, term: Term) -> Values:
        size = math.prod(term.shape)
        given = self.point.get(term) if term.operation != "network" else self.point.get(term, self._constant(term))
        if term.arguments:
            _one_length(term)
        if given is not None:
            return given if isinstance(given, tuple) else (given,) * size
        match term.operation:
            case "literal":
                if not is_finite(term.data):
                    raise Undefined(term)
                return (term.data,)
            case "table":
                return _finite(term, elements(term))
            case "constant":
                return (arb.pi() if term.data == "pi" else arb.const_e(),)
            case "apply":
                columns = [_spread(self.known[a], size) for a in term.arguments]
                rows = zip(*columns, strict=True)
                return tuple(HIDDEN if hidden(*row) else self._apply(term, row) for row in rows)
            case "choose":
                # A branch that no element takes may be undefined; where elements differ, neither may.
                columns = [_spread(self.known.get(a, (HIDDEN,)), size) for a in term.arguments]
                rows = zip(*columns, strict=True)
                return tuple(HIDDEN if row[0] is HIDDEN else row[1] if row[0] else row[2] for row in rows)
            case "contract":
                return contracted(term, *(self.known[a] for a in term.arguments))
            case "reduce":
                shown = tuple(v for v in self.known[term.arguments[0]] if v is not HIDDEN)
                return (self._reduce(term, shown),)
            case "scan":
                return tuple(itertools.accumulate(self.known[term.arguments[0]], lambda a, b: total((a, b))))
            case "bin":
                (value,), knots = self.known[term.arguments[0]], self.known[term.arguments[1]]
                return (Fraction(sum(compare(knot, value) <= 0 for knot in knots[1:-1])),)
            case "gradient":
                return self._gradient(term)
            case "each":
                return self._each(term)
            case "bounded" | "root" if term.operation == "bounded" or len(term.arguments) == 4:  # it has a formula
                return self.known[term.arguments[-1]]
            case "matrix":
                return evaluated(term.data, term.arguments[0].shape, self.known[term.arguments[0]])
            case "recur":
                return self._recur(term)
        return self._pick(term)

    def _constant(self, term: Term) -> Fraction | None:
        """The constant that a network is, below a binder too, where its inputs are another term for each index."""
        same = [v for t, v in self.point.items() if t.operation == "network" and t.data[:2] == term.data[:2]]
        return same[0] if same and isinstance(same[0], Fraction) else None

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _apply(self, term: Term, row: tuple[Number, ...]) -> Number:
        name = term.data
        if name in COMPARISONS:
            return Fraction(COMPARISONS[name](compare(*row)))
        if name in EXACT:
            return EXACT[name](*row)
        if name == "divide":
            if is_zero(row[1]):
                raise Undefined(term)
            exact = isinstance(row[0], Fraction) and isinstance(row[1], Fraction)
            return row[0] / row[1] if exact else finite(ball(row[0]) / ball(row[1]))
        if name == "power":
            return self._power(term, *row)
        if name in ("min", "max"):
            return row[0] if (compare(*row) <= 0) == (name == "min") else row[1]
        _require(name, row, term)
        (argument,) = row
        rational = enclosure.exact_function(name)
        if isinstance(argument, Fraction):
            if rational is not None:
                return rational(argument)
            if (bounds := enclosure.value(name, argument))[0] == bounds[1]:
                return Fraction(bounds[0])
        function = enclosure.ball_function(name)
        if function is None:
            if name == "abs":
                return abs(argument)
            if name == "relu":
                return argument if compare(argument, Fraction(0)) > 0 else Fraction(0)
            if name == "sign":
                return Fraction(compare(argument, Fraction(0)))
            raise Undecided(f"{name} of a ball")
        return finite(function(ball(argument)))

    def _power(self, term: Term, base: Number, exponent: Number) -> Number:
        if isinstance(exponent, Fraction) and exponent.denominator == 1 and abs(exponent) <= 64:
            if exponent < 0 and is_zero(base):
                raise Undefined(term)
            return whole_power(base, int(exponent))
        if base == 1 and isinstance(base, Fraction):
            return base
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and base > 0:
            root = rational_root(base, exponent.denominator)
            if root is not None and abs(exponent.numerator) <= 64:
                return whole_power(root, exponent.numerator)
        sign = compare(base, Fraction(0))
        if sign == 0 and compare(exponent, Fraction(0)) > 0:
            return Fraction(0)
        if sign <= 0:
            whole = not isinstance(exponent, Fraction) or exponent.denominator == 1
            raise Undecided(f"{term} of what is not positive") if whole and sign else Undefined(term)
        return finite(ball(base) ** ball(exponent))

    # -- tensors -----------------------------------------------------------------------------------------------------

    def _reduce(self, term: Term, values: Values) -> Number:
        if not values and term.data not in ("sum", "prod", "norm"):
            raise Undefined(term)
        return reduced(term.data, values)

    def _pick(self, term: Term) -> Values:
        if term.operation == "join":
            return tuple(itertools.chain.from_iterable(self.known[a] for a in term.arguments))
        if term.operation == "select":
            base, width = self.known[term.arguments[0]], math.prod(term.shape[1:])
            return tuple(itertools.chain.from_iterable(base[p * width : (p + 1) * width] for p in term.data))
        if term.operation == "element":
            return self._element(term)
        raise Undecided(f"{term} has no value")

    def _element(self, term: Term) -> Values:
        base, *subscripts = term.arguments
        axes: list[range] = []
        hidden: list[tuple[int, int]] = []  # the axes that a causal view cuts, and where
        for extent, place in itertools.zip_longest(base.shape, subscripts):
            if place is None or place.operation == "whole":
                axes.append(range(extent))
                continue
            (index,) = self.values(place.arguments[0] if place.operation == "before" else place)
            if not isinstance(index, Fraction) or index not in range(extent):
                raise Undecided(f"{term} at an unknown place")
            if place.operation == "before":
                last = int(index) + int(place.data)
                axes.append(range(extent))
                hidden.append((len(axes) - 1, last))
            else:
                axes.append(range(int(index), int(index) + 1))
        strides = [math.prod(base.shape[k + 1 :]) for k in range(len(base.shape))]
        values = self.known[base]
        return tuple(
            HIDDEN if any(at[axis] >= last for axis, last in hidden) else values[sum(map(operator.mul, at, strides))]
            for at in itertools.product(*axes)
        )

    def _each(self, term: Term) -> Values:
        (body,) = term.arguments
        bound = next((s for s in body.symbols if s.data[0] == "bound" and s.data[1] == str(term.data[0])), None)
        found: list[Number] = []
        for place in range(term.data[1]):
            instance_ = _with_index(body, bound, place) if bound is not None else body
            found.extend(self.values(instance_))
        return tuple(found)

    def _recur(self, term: Term) -> Values:
        """Entry by entry; what is still to come is hidden by the views that read the array."""
        (body,), (depth, extent, _) = term.arguments, term.data
        own, index = bound_array(*term.data), bound_index(depth, extent)
        found: Values = ()
        for place in range(extent):
            here = {**self.point, own: found + (Fraction(0),) * (extent - place)}
            found += _Evaluation(here).values(_with_index(body, index, place))
        return found

    def _gradient(self, term: Term) -> Values:
        body, formals, actuals = gradient_parts(term)
        here: dict[Term, Fraction | Values] = dict(self.point)
        here.update({f: self.known[a] for f, a in zip(formals, actuals, strict=True)})
        if views.has_view(body):
            raise Undecided("the derivative through a causal view is not evaluated")
        inside = _Evaluation(here)
        inside.values(body)
        return inside.derivatives(body, formals[0])

    def derivatives(self, body: Term, formal: Term) -> Values:
        """The gradient of a scalar body in `formal`, by forward accumulation along each element."""
        size = math.prod(formal.shape)
        return tuple(_Tangents(self, formal, k).of(body)[0] for k in range(size))


class _Tangents:
    """Directional derivatives along element `direction` of `formal`; the values are known already."""

    def __init__(self, values: _Evaluation, formal: Term, direction: int) -> None:
        self.values = values
        self.formal = formal
        size = math.prod(formal.shape)
        self.known: dict[Term, Values] = {formal: tuple(Fraction(int(k == direction)) for k in range(size))}

    def of(self, term: Term) -> Values:
        if term not in self.known:
            self.known[term] = self._of(term) if self.formal in term.symbols else (Fraction(0),) * math.prod(term.shape)
        return self.known[term]

    def _of(self, term: Term) -> Values:
        size = math.prod(term.shape)
        if term.operation == "apply":
            return self._apply(term, size)
        if term.operation == "choose":
            condition = _spread(self.values.known[term.arguments[0]], size)
            taken = {bool(c) for c in condition}
            zeros = (Fraction(0),) * size
            then, otherwise = (
                _spread(self.of(a), size) if value in taken else zeros
                for a, value in zip(term.arguments[1:], (True, False), strict=True)
            )
            return tuple(t if c else o for c, t, o in zip(condition, then, otherwise, strict=True))
        if term.operation == "contract":
            left, right = (self.values.known[a] for a in term.arguments)
            slopes = [self.of(a) for a in term.arguments]
            parts = (contracted(term, slopes[0], right), contracted(term, left, slopes[1]))
            return tuple(total(pair) for pair in zip(*parts, strict=True))
        linear = term.operation in ("select", "join", "element")
        if linear or (term.operation == "reduce" and term.data in ("sum", "mean")):
            return self._linear(term)
        raise Undecided(f"the derivative of {term} is not evaluated")

    def _linear(self, term: Term) -> Values:
        """A linear operation applied to tangents in place of values; subscripts keep theirs."""
        inner = _Evaluation(self.values.point)
        inner.known = {**self.values.known, **{a: self.of(a) for a in _operands(term)}}
        if term.operation == "element":
            inner.known |= {
                s: self.values.values(s) for s in term.arguments[1:] if s.operation not in ("whole", "before")
            }
        return inner._values(term)

    def _apply(self, term: Term, size: int) -> Values:
        fact = FUNCTIONS[term.data]
        found: list[Number] = [Fraction(0)] * size
        if not fact.derivatives:
            if not fact.is_flat:
                raise Undecided(f"the derivative of {term.data} has no formula")
            return tuple(found)
        names = dict(zip("ab", term.arguments, strict=False))
        for formula, argument in zip(fact.derivatives, term.arguments, strict=True):
            if self.formal not in argument.symbols:
                continue
            slopes = _spread(self.values.values(instance(formula, **names)), size)
            tangents = _spread(self.of(argument), size)
            found = [total((f, times(s, t))) for f, s, t in zip(found, slopes, tangents, strict=True)]
        return tuple(found)


def _operands(term: Term) -> tuple[Term, ...]:
    """What must be evaluated before a term: not what is under a `for`, nor inside a gradient's function."""
    if term.operation in ("each", "recur", "fixed_point", "solution", "jacobian_log_det"):
        return ()
    if term.operation == "gradient":
        return gradient_parts(term)[2]
    own = {"element": term.arguments[:1], "root": term.arguments[3:]}
    return own.get(term.operation, term.arguments)


def _one_length(term: Term) -> tuple[Term | None, ...]:
    """The views that cut a term; raises Undecided where it puts tensors of different lengths together."""
    try:
        return views.axes(term)
    except Unproved as problem:
        raise Undecided(str(problem)) from None


def _with_index(body: Term, bound: Term, place: int) -> Term:
    return substitute(body, {bound: literal(place)})


def _spread(values: Values, size: int) -> Values:
    return values * size if len(values) == 1 and size != 1 else values


def _require(name: str, row: tuple[Number, ...], term: Term) -> None:
    """Raise unless a function has one argument, which surely lies in its domain."""
    if len(row) != 1:
        raise Undecided(f"{name} is not evaluated")
    domain = enclosure.domain_of(name)
    low, high = (row[0], row[0]) if isinstance(row[0], Fraction) else enclosure.bounds_of(row[0])
    if domain.contains(low) and domain.contains(high):
        return
    below = high < domain.lower or (high == domain.lower and domain.lower_open)
    above = low > domain.upper or (low == domain.upper and domain.upper_open)
    if below or above:
        raise Undefined(term)
    raise Undecided(f"{term} near the end of its domain")
