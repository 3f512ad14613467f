"""A tensor's elements as scalar terms: what calculus in several variables works on.

Reductions, contractions and gradients are written out, and a tensor symbol becomes one scalar symbol for each place."""

from __future__ import annotations

import functools

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
    return _Expansion().of(term)


class _Expansion:
    def __init__(self) -> None:
        self.known: dict[Term, tuple[Term, ...]] = {}

    def of(self, term: Term) -> tuple[Term, ...]:
        if term not in self.known:
            need(len(term.shape) <= 1 and (not term.shape or term.shape[0] <= LARGEST), "{} is too large", term)
            self.known[term] = self._of(term)
        return self.known[term]

    def _of(self, term: Term) -> tuple[Term, ...]:
        size = term.shape[0] if term.shape else 1
        match term.operation:
            case "literal" | "constant":
                return (term,)
            case "table" if len(term.shape) == 1:
                return tuple(map(literal, term.data[1]))
            case "symbol":
                return tuple(component(term, k) for k in range(size))
            case "apply":
                columns = [self._spread(a, size) for a in term.arguments]
                return tuple(apply(term.data, *row) for row in zip(*columns, strict=True))
            case "choose":
                columns = [self._spread(a, size) for a in term.arguments]
                return tuple(fold(choose(*row)) for row in zip(*columns, strict=True))
            case "reduce":
                return (self._reduce(term),)
            case "contract":
                return (self._dot(term),)
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
                return (self._element(term),)
            case "gradient":
                return self._gradient(term)
        raise Unproved(f"{term} is not written out")

    def _spread(self, term: Term, size: int) -> tuple[Term, ...]:
        found = self.of(term)
        return found * size if len(found) == 1 else found

    def _reduce(self, term: Term) -> Term:
        values = self.of(term.arguments[0])
        if term.data == "norm":
            return apply("sqrt", _sum(tuple(apply("multiply", v, v) for v in values)))
        if term.data == "logsumexp":
            return apply("log", _sum(tuple(apply("exp", v) for v in values)))
        if term.data == "prod":
            return functools.reduce(times, values, ONE)
        need(term.data in ("sum", "mean"), "{} is not written out", term.data)
        total = _sum(values)
        return total if term.data == "sum" else apply("divide", total, literal(len(values)))

    def _dot(self, term: Term) -> Term:
        left, right = term.arguments
        need(len(left.shape) == len(right.shape) == 1, "a product with a matrix is not written out")
        return _sum(tuple(apply("multiply", a, b) for a, b in zip(self.of(left), self.of(right), strict=True)))

    def _element(self, term: Term) -> Term:
        base, *places = term.arguments
        need(len(places) == 1 and places[0].operation == "literal", "a subscript that is not a number")
        return self.of(base)[int(places[0].data)]

    def _gradient(self, term: Term) -> tuple[Term, ...]:
        body, formals, actuals = gradient_parts(term)
        (value,) = self.of(body)
        own = exponentials.normal(value)
        found = []
        places = {
            c: e for f, a in zip(formals, actuals, strict=True) for c, e in zip(self.of(f), self.of(a), strict=True)
        }
        for each in self.of(formals[0]):
            slope = exponentials.written(exponentials.derivative(own, each))
            found.append(substitute(slope, places))
        return tuple(found)


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
