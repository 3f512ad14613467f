"""Tensors that differ between rows, all slices along the first axis treated alike: `for c: s[c] * u[c] + b[c]`.

In a row such a tensor is a vector, a slice after the other; what there is one number of for each slice is repeated for
the elements of the slice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import places
from gencompiler.rows.comprehension import is_elementwise
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


class _OtherForm(Exception):
    """The slices are not computed element by element from slices at the same index and from numbers."""


def along_first(expressions: Expressions, expr: model.Each, scope: Scope) -> Expr | None:
    """All slices of an array at once; None where they are not of this form."""
    try:
        return _Slices(expressions, expr, scope).lower(expr.body)
    except _OtherForm:
        return None


class _Slices:
    def __init__(self, expressions: Expressions, expr: model.Each, scope: Scope) -> None:
        self.expressions, self.array, self.scope = expressions, expr, scope
        self.inner = math.prod(expr.type.shape[1:])

    def lower(self, expr: model.Expr) -> Expr:
        """The vector of `expr` for all values of the index; raises _OtherForm."""
        graph, span = self.expressions.graph, expr.span
        if not expr.type.shape:
            return self._numbers(expr)
        if expr.type.shape != self.array.type.shape[1:]:
            raise _OtherForm
        match expr:
            case model.Element(base=base, subscripts=(model.Reference(name=self.array.index), *rest)):
                kept = all(isinstance(place, model.Whole) for place in rest)
                if not kept or base.type.shape != self.array.type.shape or self._mentions(base):
                    raise _OtherForm
                value = self.expressions.lower(base, self.scope)
                return value if value.type.rows else places.reshaped(graph, value, places.flat(base.type.shape), span)
            case model.Apply(function=function, arguments=arguments):
                return graph.elementwise(function, *map(self.lower, arguments), span=span)
        raise _OtherForm

    def _numbers(self, expr: model.Expr) -> Expr:
        """One number for each slice, or for all of them."""
        if not self._mentions(expr):
            return self.expressions.lower(expr, self.scope)
        numbers = model.Each(
            model.Type(expr.type.support, (self.array.extent,)),
            self.array.index,
            self.array.extent,
            expr,
            span=expr.span,
        )
        if not is_elementwise(numbers, self.expressions.functions):
            raise _OtherForm
        return repeated(self.expressions.graph, self.expressions.lower(numbers, self.scope), self.inner, expr.span)

    def _mentions(self, expr: model.Expr) -> bool:
        return any(isinstance(n, model.Reference) and n.name == self.array.index for n in walk(expr))


def repeated(graph: Graph, vector: Expr, count: int, span: Span) -> Expr:
    """Each element of a vector `count` times, one after the other."""
    size = vector.type.shape[0]
    if vector.type.rows:
        parts = (graph.column(vector, graph.integer(k, span), span) for k in range(size))
        return graph.concat(tuple(graph.broadcast(part, count, span) for part in parts), span)
    return places.reshaped(graph, graph.matrix("columns", vector, span=span, size=count), (size * count,), span)
