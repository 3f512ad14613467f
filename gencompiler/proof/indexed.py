"""A normal form in index notation: sums over indices of products of elements, with rational coefficients.

`b @ x + x @ W @ h` is the sum over i of b[i] x[i], and over i and j of x[i] W[i, j] h[j].  Summed indices have no
names; a tensor with one element replaced is the old one plus a Kronecker delta times the difference, and a sum with a
delta loses an index.  Comparisons of indices are factors that are 0 or 1.

Two terms with one normal form have one value wherever both are defined."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from gencompiler.catalog.supports import bounds
from gencompiler.proof.graph import Term, gradient_parts, is_finite
from gencompiler.proof.indexed_products import EVEN, ODD, Products
from gencompiler.proof.indices import (
    LARGEST,
    UNIT,
    Factor,
    Index,
    Monomial,
    Open,
    TooLargeError,
    add,
    bound_by,
    equal,
    evaluated,
    holds_view,
    is_index,
    less,
    mapped,
    mentions,
    number,
    raised,
    scale,
)

__all__ = ["Indexed", "TooLargeError", "add", "scale"]

#: Comparisons of indices: `a op b` as (negated, left is b, offset) of `less` on whole numbers.
_ORDER = {"less": (False, False), "greater": (False, True), "greater_equal": (True, False), "less_equal": (True, True)}


class Indexed(Products):
    """Normal forms; sums over at most `expand` places are written out."""

    def __init__(self, expand: int = 0) -> None:
        super().__init__()
        self.expand = expand
        self._known: dict[tuple[Any, ...], Open] = {}
        self._next = 0
        self._depth = 0

    def same(self, left: Term, right: Term) -> bool:
        """Whether two terms have one normal form."""
        if left.shape != right.shape:
            return False
        try:
            indices = tuple(self._fresh() for _ in left.shape)
            return self.value(left, indices) == self.value(right, indices)
        except TooLargeError:
            return False

    def constant(self, term: Term) -> Fraction | None:
        """The number that every element of a term is; None where it is not known to be one."""
        try:
            found = self.value(term, tuple(self._fresh() for _ in term.shape))
        except TooLargeError:
            return None
        if not found:
            return Fraction(0)
        return found.get(UNIT) if len(found) == 1 else None

    def _fresh(self) -> Index:
        self._next += 1
        return ("b", self._next, 0)

    # -- terms -------------------------------------------------------------------------------------------------------

    def value(self, term: Term, indices: tuple[Index, ...] = (), scope: dict[Term, Index] | None = None) -> Open:
        """The element of a term at indices; a scalar has the same value at all."""
        scope = scope or {}
        indices = indices if term.shape else ()
        bound = tuple(sorted(((self._rank(s), scope[s]) for s in term.symbols if s in scope), key=repr))
        key = (term, indices, bound)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._value(term, indices, scope)
            if len(found) > LARGEST:
                raise TooLargeError
        return found

    def _value(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        match term.operation:
            case "literal" if is_finite(term.data):
                return number(Fraction(term.data))
            case "symbol" if term in scope:
                return self._place(scope[term])
            case "apply":
                return self._apply(term, indices, scope)
            case "choose":
                condition, then, otherwise = term.arguments
                test = self._condition(condition, indices, scope)
                rest = add(number(Fraction(1)), scale(test, Fraction(-1)))
                left = self.times(test, self.value(then, indices, scope))
                return add(left, self.times(rest, self.value(otherwise, indices, scope)))
            case "contract" | "reduce" if holds_view(term):
                return self._atom(term, indices, scope)  # over as many places as the view has
            case "contract":
                left_term, right_term = term.arguments
                cut = len(left_term.shape) - 1
                return self._summed(
                    left_term.shape[-1],
                    lambda k: self.times(
                        self.value(left_term, (*indices[:cut], k), scope),
                        self.value(right_term, (k, *indices[cut:]), scope),
                    ),
                )
            case "reduce" if term.data in ("sum", "mean"):
                (operand,) = term.arguments
                found = self._reduced(operand, (), scope)
                size = math.prod(operand.shape)
                return found if term.data == "sum" else scale(found, Fraction(1, size))
            case "each":
                bound = next((s for s in term.arguments[0].symbols if bound_by(s, term)), None)
                inside = scope if bound is None else {**scope, bound: indices[0]}
                return self.value(term.arguments[0], indices[1:], inside)
            case "element":
                return self._element(term, indices, scope)
            case "select" | "join" if indices and indices[0][0] == "c":
                return self._piece(term, indices, scope)
            case "gradient" | "network":
                return self._opaque(term, indices, scope)
        return self._atom(term, indices, scope)

    def _reduced(self, operand: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        """The sum over all axes of a tensor."""
        if len(indices) == len(operand.shape):
            return self.value(operand, indices, scope)
        extent = operand.shape[len(indices)]
        return self._summed(extent, lambda k: self._reduced(operand, (*indices, k), scope))

    def _atom(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        if any(s in scope for s in term.symbols) and term.operation != "symbol":
            raise TooLargeError  # a bound index inside something that is not understood
        self._rank(term)
        return {(((("atom", term, indices), 1),), ()): Fraction(1)}

    def _opaque(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        """A gradient or the output of a network: a function of the elements of its arguments."""
        if term.operation == "gradient":
            body, formals, arguments = gradient_parts(term)
            key: tuple[Any, ...] = ("gradient", body, formals)
            if body.symbols & scope.keys():
                raise TooLargeError
        else:
            key, arguments = ("network", term.data), term.arguments
        if any(holds_view(a) for a in arguments):
            return self._atom(term, indices, scope)
        parts = []
        self._depth += 1  # each function has names of its own for the axes of its arguments
        for argument in arguments:
            axes = tuple(("p", (self._depth, axis), 0) for axis in range(len(argument.shape)))
            parts.append(self._frozen(self.value(argument, axes, scope)))
        self._depth -= 1
        return self._function(key, tuple(parts), indices)

    def _element(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        base, *subscripts = term.arguments
        places: list[Index] = []
        rest = list(indices)
        for subscript in subscripts:
            if subscript.operation == "whole":
                places.append(rest.pop(0))
            elif subscript.operation == "before":
                return self._atom(term, indices, scope)
            else:
                places.append(self._index(subscript, scope))
        return self.value(base, (*places, *rest), scope)

    def _index(self, term: Term, scope: dict[Term, Index]) -> Index:
        """A scalar term as an index."""
        if term in scope:
            return scope[term]
        if term.operation == "literal" and Fraction(term.data).denominator == 1:
            return ("c", 0, int(term.data))
        if term.operation == "apply" and term.data in ("add", "subtract") and term.arguments[1].operation == "literal":
            found, shift = self._index(term.arguments[0], scope), term.arguments[1].data
            if Fraction(shift).denominator == 1:
                return (*found[:-1], found[-1] + (int(shift) if term.data == "add" else -int(shift)))
        if any(s in scope for s in term.symbols):
            raise TooLargeError
        self._rank(term)
        return ("t", term, 0)

    def _place(self, index: Index) -> Open:
        """The number that an index is."""
        if index[0] == "c":
            return number(Fraction(index[-1]))
        base = (*index[:-1], 0)
        own: Open = {(((("index", base), 1),), ()): Fraction(1)}
        return add(own, number(Fraction(index[-1])))

    def _piece(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        """An element of a selection or of a join at a constant place."""
        place = indices[0][-1]
        if term.operation == "select":
            return self.value(term.arguments[0], (("c", 0, term.data[place]), *indices[1:]), scope)
        for part in term.arguments:
            if place < part.shape[0]:
                return self.value(part, (("c", 0, place), *indices[1:]), scope)
            place -= part.shape[0]
        raise TooLargeError

    # -- conditions --------------------------------------------------------------------------------------------------

    def _condition(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        """1 where a condition holds, else 0."""
        if term.operation == "apply" and term.data in ("and", "not", "or"):
            parts = [self._condition(a, indices, scope) for a in term.arguments]
            if term.data == "and":
                return self.times(parts[0], parts[1])
            one = number(Fraction(1))
            nots = [add(one, scale(p, Fraction(-1))) for p in parts]
            return nots[0] if term.data == "not" else add(one, scale(self.times(nots[0], nots[1]), Fraction(-1)))
        if term.operation != "apply" or len(term.arguments) != 2:
            raise TooLargeError
        left, right = term.arguments
        if term.data in ("equal", *_ORDER) and is_index(left, scope) and is_index(right, scope):
            a, b = self._index(left, scope), self._index(right, scope)
            if term.data == "equal":
                return self._factor(equal(a, b))
            negated, swapped = _ORDER[term.data]
            found = self._factor(less(b, a) if swapped else less(a, b))
            return add(number(Fraction(1)), scale(found, Fraction(-1))) if negated else found
        parts_ = tuple(self._frozen(self.value(a, indices, scope)) for a in term.arguments)
        return self._function(("if", term.data), parts_, ())

    def _factor(self, factor: Factor | int) -> Open:
        if isinstance(factor, int):
            return number(Fraction(factor))
        return {(((factor, 1),), ()): Fraction(1)}

    # -- functions ---------------------------------------------------------------------------------------------------

    def _apply(self, term: Term, indices: tuple[Index, ...], scope: dict[Term, Index]) -> Open:
        parts = [self.value(a, indices, scope) for a in term.arguments]
        match term.data:
            case "add":
                return add(parts[0], parts[1])
            case "subtract":
                return add(parts[0], scale(parts[1], Fraction(-1)))
            case "negate":
                return scale(parts[0], Fraction(-1))
            case "multiply":
                return self.times(parts[0], parts[1])
            case "divide":
                return self.times(parts[0], self._power(parts[1], -1))
            case "power":
                exponent = parts[1].get(UNIT, Fraction(0)) if set(parts[1]) <= {UNIT} else None
                if exponent is not None and exponent.denominator == 1 and abs(exponent) <= 16:
                    return self._power(parts[0], int(exponent))
            case "exp":
                return self._exp(parts[0])
            case "log":
                return self._log(parts[0])
            case "sqrt":
                return self._sqrt(parts[0])
            case "sigmoid" | "softplus":
                return self._halves(term.data, parts[0])
        if term.data in ODD or term.data in EVEN:
            flipped = scale(parts[0], Fraction(-1))
            if self._before(flipped, parts[0]):
                found = self._called(term.data, flipped)
                return scale(found, Fraction(-1)) if term.data in ODD else found
        return self._called(term.data, *parts)

    # -- sums --------------------------------------------------------------------------------------------------------

    def _summed(self, extent: int, body: Callable[[Index], Open]) -> Open:
        """The sum of `body` over an index of this extent."""
        if extent <= self.expand:
            found: Open = {}
            for place in range(extent):
                found = add(found, body(("c", 0, place)))
            return found
        index = self._fresh()
        found = {}
        for monomial, coefficient in body(index).items():
            for closed, factor in self._closed(monomial, index, extent).items():
                found[closed] = found.get(closed, Fraction(0)) + coefficient * factor
        return {m: c for m, c in found.items() if c}

    def _closed(self, monomial: Monomial, index: Index, extent: int) -> Open:
        """The sum over an open index of a monomial."""
        factors, sizes = monomial
        if not any(mentions(f, index) for f, _ in factors):
            return {monomial: Fraction(extent)}
        for factor, _ in factors:
            if factor[0] == "equal" and any(i[:2] == index[:2] for i in factor[1:3]):
                return self._eliminated(monomial, index, extent, factor)
        number_ = len(sizes)
        closed: dict[Factor, int] = {}
        for factor, count in factors:
            moved = mapped(factor, lambda i, level: ("s", level, number_, i[-1]) if i[:2] == index[:2] else i)
            closed[moved] = closed.get(moved, 0) + count
        return self._simplified(closed, dict(enumerate((*sizes, extent))))

    def _eliminated(self, monomial: Monomial, index: Index, extent: int, delta: Factor) -> Open:
        """The sum of a monomial with a factor [index + offset = other]."""
        factors, sizes = monomial
        _, left, right, offset = delta
        value = (*right[:-1], right[-1] - offset) if left[:2] == index[:2] else (*left[:-1], left[-1] + offset)
        if not self._inside(value, extent, sizes):
            raise TooLargeError
        if value[0] == "c" and not 0 <= value[-1] < extent:
            return {}
        left_over: dict[Factor, int] = {}
        for factor, count in factors:
            if factor == delta:
                continue
            if factor[0] == "index" and mentions(factor, index):
                raise TooLargeError
            moved = mapped(factor, lambda i, level: raised(value, level, i[-1]) if i[:2] == index[:2] else i)
            simplified = evaluated(moved)
            if simplified == 0:
                return {}
            if simplified != 1:
                assert not isinstance(simplified, int)
                left_over[simplified] = left_over.get(simplified, 0) + count
        return self._simplified(left_over, dict(enumerate(sizes)))

    def _inside(self, value: Index, extent: int, sizes: tuple[int, ...]) -> bool:
        """Whether an index certainly is a place of an axis (a constant may be shown not to be)."""
        if value[0] == "c":
            return True
        if value[0] == "t":
            term = value[1]
            if term.operation != "symbol" or term.data[2].name != "Integer":
                return False
            low, high, _, _ = bounds(term.data[2].name, term.data[2].arguments)
            return bool(low + value[-1] >= 0 and high + value[-1] < extent)
        return bool(value[0] == "s" and value[1] == 0 and value[-1] == 0 and sizes[value[2]] <= extent)
