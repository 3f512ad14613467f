"""A tensor's elements as scalar terms: what calculus in several variables works on.

Reductions, contractions and gradients are written out, and a tensor symbol becomes one scalar symbol for each place."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

from gencompiler.catalog.supports import COUPLED
from gencompiler.proof import exponentials
from gencompiler.proof.calculus import fold
from gencompiler.proof.graph import (
    Term,
    apply,
    bound_index,
    choose,
    gradient_parts,
    literal,
    name_of,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.terms import ONE, ZERO, plus, times

#: Larger tensors are not written out.
LARGEST = 256


def component(tensor: Term, place: int) -> Term:
    """The scalar symbol that stands for one element of a tensor symbol."""
    if tensor.shape == ():
        return tensor
    kind, name = tensor.data[:2]
    return symbol("component", f"{kind} {name}[{place}]", support_of(tensor))


def components(term: Term) -> tuple[Term, ...]:
    """The elements of a scalar or a vector; raises Unproved."""
    found = _Expansion().of(term)
    need(None not in found, "{} is a causal view", term)
    return tuple(e for e in found if e is not None)


#: The elements of a vector; None at a place that a causal view (`x[<i]`) leaves out.
Elements = tuple[Term | None, ...]


class _Expansion:
    def __init__(self) -> None:
        self.known: dict[Term, Elements] = {}

    def of(self, term: Term) -> Elements:
        if term not in self.known:
            need(len(term.shape) <= 1 and (not term.shape or term.shape[0] <= LARGEST), "{} is too large", term)
            self.known[term] = self._of(term)
        return self.known[term]

    def _of(self, term: Term) -> Elements:
        size = term.shape[0] if term.shape else 1
        match term.operation:
            case "literal" | "constant":
                return (term,)
            case "table" if len(term.shape) == 1:
                return tuple(map(literal, term.data[1]))
            case "symbol":
                return tuple(component(term, k) for k in range(size))
            case "apply":
                return self._rows(term, size, lambda *row: apply(term.data, *row))
            case "choose":
                return self._rows(term, size, lambda *row: fold(choose(*row)))
            case "reduce":
                return (self._reduce(term),)
            case "contract":
                return self._dot(term)
            case "select":
                base = self.of(term.arguments[0])
                return tuple(base[p] for p in term.data)
            case "join":
                return tuple(e for a in term.arguments for e in self.of(a))
            case "each":
                index = bound_index(*term.data)
                rows = (substitute(term.arguments[0], {index: literal(k)}) for k in range(size))
                return tuple(e for row in rows for e in self.of(row))
            case "element":
                return self._element(term)
            case "scan":
                return tuple(itertools.accumulate(components(term.arguments[0]), plus))
            case "gradient":
                return self._gradient(term)
        raise Unproved(f"{term} is not written out")

    def _rows(self, term: Term, size: int, function: Callable[..., Term]) -> Elements:
        columns = [self._spread(a, size) for a in term.arguments]
        return tuple(None if None in row else function(*row) for row in zip(*columns, strict=True))

    def _spread(self, term: Term, size: int) -> Elements:
        found = self.of(term)
        return found * size if term.shape == () else found

    def _shown(self, term: Term) -> tuple[Term, ...]:
        """The elements that a reduction goes over: all that there are, whatever their axes."""
        if len(term.shape) == 2:
            return tuple(e for row in _matrix(term) for e in row)
        return tuple(e for e in self.of(term) if e is not None)

    def _reduce(self, term: Term) -> Term:
        values = self._shown(term.arguments[0])
        if term.data == "norm":
            return apply("sqrt", _sum(tuple(apply("multiply", v, v) for v in values)))
        if term.data in ("logsumexp", "logmeanexp"):
            need(bool(values), "{} of nothing", term.data)
            total = _sum(tuple(apply("exp", v) for v in values))
            return apply("log", total if term.data == "logsumexp" else apply("divide", total, literal(len(values))))
        if term.data == "prod":
            return functools.reduce(times, values, ONE)
        need(term.data in ("sum", "mean") and bool(values or term.data == "sum"), "{} is not written out", term.data)
        total = _sum(values)
        return total if term.data == "sum" else apply("divide", total, literal(len(values)))

    def _dot(self, term: Term) -> Elements:
        left, right = term.arguments
        if len(left.shape) == 2 and len(right.shape) == 1:
            return tuple(_product(row, self.of(right)) for row in _matrix(left))
        if len(left.shape) == 1 and len(right.shape) == 2:
            return tuple(_product(self.of(left), column) for column in zip(*_matrix(right), strict=True))
        need(len(left.shape) == len(right.shape) == 1, "a product of matrices is not written out")
        return (_product(self.of(left), self.of(right)),)

    def _element(self, term: Term) -> Elements:
        base, *places = term.arguments
        if len(base.shape) == 2 and len(places) == 2:
            row, place = places
            need(row.operation == "literal", "a subscript that is not a number")
            return _at(_matrix(base)[int(row.data)], place)
        need(len(places) == 1, "a subscript that is not a number")
        return _at(self.of(base), places[0])

    def _gradient(self, term: Term) -> tuple[Term, ...]:
        body, formals, actuals = gradient_parts(term)
        (value,) = components(body)
        own = exponentials.normal(value)
        found = []
        places = {
            c: e
            for f, a in zip(formals, actuals, strict=True)
            for c, e in zip(components(f), components(a), strict=True)
        }
        for each in components(formals[0]):
            slope = exponentials.written(exponentials.derivative(own, each))
            found.append(substitute(slope, places))
        return tuple(found)


def _at(elements: Elements, place: Term) -> Elements:
    """What a subscript picks from a vector: an element, all of it, or a causal view."""
    match place.operation:
        case "literal":
            return (elements[int(place.data)],)
        case "whole":
            return elements
        case "before" if place.arguments[0].operation == "literal":
            end = int(place.arguments[0].data) + int(place.data)
            return tuple(e if k < end else None for k, e in enumerate(elements))
    raise Unproved("a subscript that is not a number")


def _matrix(term: Term) -> tuple[tuple[Term, ...], ...]:
    """The rows of a matrix of numbers, constant or free, of its transpose, and of functions of these; raises Unproved
    for others."""
    if term.operation == "matrix" and term.data == "transpose":
        return tuple(zip(*_matrix(term.arguments[0]), strict=True))
    rows, columns = term.shape
    need(rows * columns <= LARGEST, "{} is too large", term)
    if term.operation == "table":
        values = term.data[1]
        return tuple(tuple(map(literal, values[r * columns : (r + 1) * columns])) for r in range(rows))
    if term.operation == "apply" and all(a.shape in ((), term.shape) for a in term.arguments):
        tables = [_matrix(a) if a.shape else ((a,) * columns,) * rows for a in term.arguments]
        return tuple(tuple(apply(term.data, *(t[r][c] for t in tables)) for c in range(columns)) for r in range(rows))
    need(term.operation == "symbol" and support_of(term).name not in COUPLED, "{} is not written out", term)
    return tuple(tuple(component(term, r * columns + c) for c in range(columns)) for r in range(rows))


def _product(left: Elements, right: Elements) -> Term:
    pairs = zip(left, right, strict=True)
    return _sum(tuple(apply("multiply", a, b) for a, b in pairs if a is not None and b is not None))


def _sum(values: tuple[Term, ...]) -> Term:
    total = ZERO
    for value in values:
        total = plus(total, value)
    return total


def elementwise(term: Term, tensor: Term, scalar: Term) -> Term:
    """A term that treats every element of `tensor` alike, as a function of one of them; raises Unproved."""
    found = _alike(term, {tensor: scalar}) if tensor.shape else substitute(term, {tensor: scalar})
    need(found.shape == (), "{} is not the same function of every element of {}", term, name_of(tensor))
    return found


def _alike(term: Term, known: dict[Term, Term]) -> Term:
    if term not in known:
        shape = term.shape
        if not any(s in known for s in term.symbols):
            need(shape == (), "{} differs from element to element", term)
            known[term] = term
        else:
            need(term.operation == "apply", "{} mixes elements", term)
            known[term] = apply(term.data, *(_alike(a, known) for a in term.arguments))
    return known[term]
