"""When an array `for i: e` may be computed as one vector expression, `i` running along its axis.

Then every part of `e` that depends on `i` becomes a vector whose lane i is its value at i.  That is right only where
each such part is a number: a tensor that depends on `i` would put two axes into one.  What is not of this form is
written out, entry by entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.model import nodes
from gencompiler.node import children, walk

#: Entries that are written out at most, those of arrays within the array counted.
MOST_ENTRIES = 256


class _NotElementwise(Exception):
    """Some part depends on the index and is more than a number."""


def entries(expr: nodes.Expr, functions: Mapping[str, nodes.Function]) -> int:
    """How many entries the arrays of `expr` amount to, at most, when they are written out within one another."""
    found = 1
    for inner in walk(expr):
        if isinstance(inner, nodes.Each):
            found *= inner.extent
        elif isinstance(inner, nodes.Call):
            found *= entries(functions[inner.function].body, functions)
    return found


def is_elementwise(expr: nodes.Each, functions: Mapping[str, nodes.Function]) -> bool:
    """Whether the body of `expr` may be computed for all values of its index at once."""
    try:
        _Lanes(expr.index, expr.extent, functions).depends(expr.body, frozenset({expr.index}))
    except _NotElementwise:
        return False
    return True


class _Lanes:
    def __init__(self, index: str, extent: int, functions: Mapping[str, nodes.Function]) -> None:
        self.index = index
        self.extent = extent
        self.functions = functions

    def depends(self, expr: nodes.Expr, names: frozenset[str]) -> bool:
        """Whether `expr` depends on the index, by which `names` do; raises _NotElementwise."""
        match expr:
            case nodes.Reference(name=name):
                found = name in names
            case nodes.Element(base=base, subscripts=subscripts):
                found = self._element(base, subscripts, names)
            case nodes.Contract(left=left, right=right):
                found = self._contract(left, right, names)
            case nodes.Let(bindings=bindings, body=body):
                for binding in bindings:
                    own = self.depends(binding.value, names)
                    names = names | {binding.name} if own else names - {binding.name}
                found = self.depends(body, names)
            case nodes.Call(function=name, arguments=arguments):
                inputs = self.functions[name].inputs
                pairs = zip(inputs, arguments, strict=True)
                given = frozenset(i.name for i, a in pairs if self.depends(a, names))
                found = bool(given) and self.depends(self.functions[name].body, given)
            case nodes.NetworkOutput(inputs=inputs) if any(_is_view(i, self.index) for i in inputs):
                if any(self.depends(i, names) for i in inputs if not _is_view(i, self.index)):
                    raise _NotElementwise
                found = True  # a network on causal views gives a number for each place of its axis
            case nodes.Apply() | nodes.Choose():
                # A vector that is the same for every i would meet the lanes as if its places were values of i.
                parts = expr.arguments if isinstance(expr, nodes.Apply) else (expr.condition, expr.then, expr.otherwise)
                found = True in {self.depends(p, names) for p in parts}
            case _:
                if any(isinstance(n, nodes.Reference) and n.name in names for n in walk(expr)):
                    raise _NotElementwise
                found = False
        if found and expr.type.shape:
            raise _NotElementwise
        return found

    def _element(self, base: nodes.Expr, subscripts: tuple[nodes.Expr, ...], names: frozenset[str]) -> bool:
        """`x[i]`, `W[1, i]`: the index once, along an axis as long as the array, all others constant."""
        dependent = [k for k, s in enumerate(subscripts) if self._mentions(s, names)]
        if self.depends(base, names):
            raise _NotElementwise
        if not dependent:
            return False
        place = subscripts[dependent[0]]
        plain = isinstance(place, nodes.Reference) and place.name == self.index
        if len(dependent) > 1 or not plain or base.type.shape[dependent[0]] != self.extent:
            raise _NotElementwise
        return True

    def _contract(self, left: nodes.Expr, right: nodes.Expr, names: frozenset[str]) -> bool:
        """`W[i] @ v` and `v @ W[:, i]`: matrix-vector products, an entry for each value of the index."""
        mine, theirs = self._mentions(left, names), self._mentions(right, names)
        if not (mine or theirs):
            return False
        vector, matrix = (right, left) if mine else (left, right)
        if (mine and theirs) or len(vector.type.shape) != 1 or not isinstance(matrix, nodes.Element):
            raise _NotElementwise
        if not isinstance(matrix.base, nodes.ParameterReference) or len(matrix.subscripts) != 2:
            raise _NotElementwise
        if not isinstance(matrix.subscripts[1 if mine else 0], nodes.Whole):
            raise _NotElementwise
        return self._element(matrix.base, matrix.subscripts, names)

    def _mentions(self, expr: nodes.Expr, names: frozenset[str]) -> bool:
        return any(isinstance(n, nodes.Reference) and n.name in names for n in walk(expr))


def _is_view(expr: nodes.Expr, index: str) -> bool:
    """Whether every place of `expr` is one of a causal view at `index`, and of nothing else that the index decides."""
    if isinstance(expr, nodes.Apply | nodes.Choose):
        parts = [p for p in children(expr) if isinstance(p, nodes.Expr) and p.type.shape]
        return bool(parts) and all(_is_view(p, index) for p in parts)
    places = [s for s in expr.subscripts if isinstance(s, nodes.Before)] if isinstance(expr, nodes.Element) else []
    return any(isinstance(s.index, nodes.Reference) and s.index.name == index for s in places)
