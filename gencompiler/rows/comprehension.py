"""When an array `for i: e` may be computed as one vector expression, `i` running along its axis.

Then every part of `e` that depends on `i` becomes a vector whose lane i is its value at i.  That is right only where
each such part is a number: a tensor that depends on `i` would put two axes into one.  What is not of this form is
written out, entry by entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.derive.density import log_density
from gencompiler.model import nodes
from gencompiler.model.subscripts import moved_bin
from gencompiler.node import Node, children, walk

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


def is_lanewise(expr: nodes.Each, functions: Mapping[str, nodes.Function]) -> bool:
    """The same where parts that depend on the index may be short vectors, held place by place (`rows.bundles`): of
    splines, which have nothing else to be computed by."""
    if not _has_knots(expr, functions):
        return False
    try:
        _Bundles(expr.index, expr.extent, functions).depends(expr.body, frozenset({expr.index}))
    except _NotElementwise:
        return False
    return True


def _has_knots(expr: Node, functions: Mapping[str, nodes.Function]) -> bool:
    """Whether running sums, or intervals between knots, stand in an expression or in what it calls."""
    called = (functions[n.function].body for n in walk(expr) if isinstance(n, nodes.Call))
    own = any(isinstance(n, nodes.Cumulative | nodes.Bin) for n in walk(expr))
    return own or any(_has_knots(body, functions) for body in called)


class _Lanes:
    #: Axes that what differs from lane to lane may have.
    most_axes = 0

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
            case nodes.LogLaw(distribution=law, event=event):
                found = self.depends(log_density(law, event), names)
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
        if found and len(expr.type.shape) > self.most_axes:
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


class _Bundles(_Lanes):
    """Lanes whose parts may be vectors: sums, running sums and elements of those are looked into as well."""

    most_axes = 1

    def depends(self, expr: nodes.Expr, names: frozenset[str]) -> bool:
        match expr:
            case nodes.Cumulative() | nodes.Bin() | nodes.Reduce() | nodes.Slice() | nodes.Permute() | nodes.Join():
                found = True in {self.depends(part, names) for part in children(expr) if isinstance(part, nodes.Expr)}
            case nodes.Contract(left=left, right=right) if len(left.type.shape) == len(right.type.shape) == 1:
                found = True in {self.depends(left, names), self.depends(right, names)}
            case nodes.Element(base=base, subscripts=subscripts) if len(base.type.shape) == 2:
                return self._row(base, subscripts, names)
            case nodes.Element(base=base, subscripts=(place,)) if self._inside(base, place, names):
                found = True
            case _:
                return super().depends(expr, names)
        if found and len(expr.type.shape) > self.most_axes:
            raise _NotElementwise
        return found

    def _inside(self, base: nodes.Expr, place: nodes.Expr, names: frozenset[str]) -> bool:
        """`v[k]` of a vector that differs from lane to lane, or at an interval between knots."""
        own = moved_bin(place)
        if isinstance(place, nodes.Literal):
            return self.depends(base, names)
        if own is None or (isinstance(own[0], nodes.Reference) and own[0].name == self.index):
            return False
        self.depends(base, names)
        return True

    def _row(self, base: nodes.Expr, subscripts: tuple[nodes.Expr, ...], names: frozenset[str]) -> bool:
        """`w[i]` of what has a row for each value of the index."""
        place, *others = subscripts
        own = isinstance(place, nodes.Reference) and place.name == self.index
        plain = isinstance(base, nodes.Reference | nodes.ParameterReference | nodes.NetworkOutput)
        if self.depends(base, names) or not plain or base.type.shape[0] != self.extent:
            raise _NotElementwise
        if not own or not all(isinstance(o, nodes.Whole) for o in others):
            raise _NotElementwise
        return True
