"""Which parts of variables an equation speaks of, as places: what it produces, lists and mentions.

Part of what a proof trusts: one case per form of subscript, and nothing is known of what has no case."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import Node, children
from gencompiler.proof.structure import WHOLE, Axis, Place

OTHER = Axis("other")


def variable_of(expr: nodes.Expr) -> str:
    """The variable that a reference or an element is about."""
    while isinstance(expr, nodes.Element | nodes.Flat):
        expr = expr.base
    assert isinstance(expr, nodes.Reference)
    return expr.name


def place(expr: nodes.Expr, indices: set[str]) -> Place:
    """The part of a variable that a reference or an element of one stands for."""
    if isinstance(expr, nodes.Element) and isinstance(expr.base, nodes.Reference):
        axes = tuple(axis_of(s, indices) for s in expr.subscripts)
        return Place(expr.base.name, axes)
    if isinstance(expr, nodes.Element) and isinstance(expr.base, nodes.Flat):
        *first, last = expr.subscripts
        return Place(variable_of(expr), (*(axis_of(s, indices) for s in first), *_scanned(last, indices)))
    return Place(variable_of(expr))


def _scanned(subscript: nodes.Expr, indices: set[str]) -> tuple[Axis, ...]:
    """The axes of a scan order: the first with all its indices, then those that it covers."""
    if isinstance(subscript, nodes.Before) and isinstance(subscript.index, nodes.Scan):
        names = [i.name for i in subscript.index.indices if isinstance(i, nodes.Reference) and i.name in indices]
        if len(names) == len(subscript.index.indices):
            first = Axis("scan", ",".join(names), int(subscript.inclusive))
            return (first, *(Axis("scanned") for _ in names[1:]))
    return (OTHER,)


def _along(subscript: nodes.Element, order: nodes.Reference, indices: set[str]) -> Axis:
    """A place along an order: `o[i]`, `o[<i]` of a permutation."""
    inner = axis_of(subscript.subscripts[0], indices)
    if order.type.support.name != "Permutation" or len(subscript.subscripts) != 1:
        return OTHER
    return dataclasses.replace(inner, order=order.name) if inner.kind in ("index", "before") else OTHER


def axis_of(subscript: nodes.Expr, indices: set[str]) -> Axis:
    """One subscript."""
    if isinstance(subscript, nodes.Before):
        inner = axis_of(subscript.index, indices)
        if subscript.after and inner.kind in ("index", "place") and not inner.order:
            return Axis("after", inner.index, inner.shift + int(not subscript.inclusive))
        if inner.kind == "index" and not subscript.after:
            return Axis("before", inner.index, inner.shift + int(subscript.inclusive))
        return OTHER
    if isinstance(subscript, nodes.Whole):
        return WHOLE
    if isinstance(subscript, nodes.Element) and isinstance(subscript.base, nodes.Reference):
        return _along(subscript, subscript.base, indices)
    if (
        isinstance(subscript, nodes.Literal)
        and isinstance(subscript.value, Fraction)
        and subscript.value.denominator == 1
    ):
        return Axis("place", "", int(subscript.value))
    if isinstance(subscript, nodes.Reference) and subscript.name in indices:
        return Axis("index", subscript.name)
    if isinstance(subscript, nodes.Apply) and subscript.function in ("add", "subtract"):
        left, right = (axis_of(a, indices) for a in subscript.arguments)
        sign = 1 if subscript.function == "add" else -1
        if left.kind == "index" and right.kind == "place":
            return Axis("index", left.index, left.shift + sign * right.shift)
        if left.kind == "place" and right.kind == "index" and sign == 1:
            return Axis("index", right.index, right.shift + left.shift)
    return OTHER


#: What the entries of local arrays mention, by name: the array's index, and places that may be said in terms of it.
Entries = Mapping[str, tuple[str, tuple[tuple[Place, Span], ...]]]


def mentions(
    tree: Node,
    variables: set[str],
    indices: set[str],
    model: nodes.Model,
    hidden: frozenset[str] = frozenset(),
    arrays: Entries = MappingProxyType({}),
) -> list[tuple[Place, Span]]:
    """Every mention of a variable of the model below `tree`, calls included; local names hide variables.

    A view `h[<=i]` of a local array `h = for m: e` mentions what the entries up to i do, and no more."""
    if isinstance(tree, nodes.Reference):
        if tree.name in arrays:
            return [(_anywhere(p, arrays[tree.name][0]), span) for p, span in arrays[tree.name][1]]
        known = tree.name in variables and tree.name not in hidden
        return [(Place(tree.name), tree.span)] if known else []
    base = tree.base if isinstance(tree, nodes.Element) else None
    base = base.base if isinstance(base, nodes.Flat) else base
    if isinstance(tree, nodes.Element) and isinstance(tree.base, nodes.Reference) and tree.base.name in arrays:
        own = _shown(arrays[tree.base.name], axis_of(tree.subscripts[0], indices - hidden))
        return own + [m for s in tree.subscripts for m in mentions(s, variables, indices, model, hidden, arrays)]
    if isinstance(tree, nodes.Element) and isinstance(base, nodes.Reference) and base.name in variables - hidden:
        own = [(place(tree, indices - hidden), tree.span)]
        return own + [m for s in tree.subscripts for m in mentions(s, variables, indices, model, hidden, arrays)]
    found: list[tuple[Place, Span]] = []
    if isinstance(tree, nodes.Scatter):
        seen = nodes.Element(tree.order.type, tree.order, (tree.before,), span=tree.span)
        parts = [nodes.Element(tree.type, tree.base, (seen,), span=tree.span)] if tree.base is not None else [seen]
        return [m for part in parts for m in mentions(part, variables, indices, model, hidden, arrays)]
    if isinstance(tree, nodes.Let):
        return _under_names(tree, variables, indices, model, hidden, arrays)
    if isinstance(tree, nodes.Each):
        arrays = {name: known for name, known in arrays.items() if name != tree.index}
        return mentions(tree.body, variables, indices, model, hidden | {tree.index}, arrays)
    if isinstance(tree, nodes.FixedPoint | nodes.Solution | nodes.JacobianLogDet):
        own = mentions(tree.body, variables, indices, model, hidden | {tree.name}, arrays)
        outside = {nodes.JacobianLogDet: "at", nodes.Solution: "target"}.get(type(tree))
        return own + (mentions(getattr(tree, outside), variables, indices, model, hidden, arrays) if outside else [])
    if isinstance(tree, nodes.Recur):
        return mentions(tree.body, variables, indices, model, hidden | {tree.index, tree.name}, arrays)
    if isinstance(tree, nodes.UseMap):
        map_ = next(m for m in model.maps if m.name == tree.map)
        by_map = mentions(map_.body, variables, set(), model, hidden | {map_.input.name})
        return [(Place(p.variable), tree.span) for p, _ in by_map]
    if isinstance(tree, nodes.Call | nodes.Gradient):
        function = next(f for f in model.functions if f.name == tree.function)
        inside = hidden | {i.name for i in function.inputs}
        found += [(p, tree.span) for p, _ in mentions(function.body, variables, set(), model, inside)]
    for child in children(tree):
        found += mentions(child, variables, indices, model, hidden, arrays)
    return found


def _under_names(
    tree: nodes.Let,
    variables: set[str],
    indices: set[str],
    model: nodes.Model,
    hidden: frozenset[str],
    arrays: Entries,
) -> list[tuple[Place, Span]]:
    """What stands under local names mentions; local arrays are looked into where they are read."""
    found: list[tuple[Place, Span]] = []
    for name, value in ((binding.name, binding.value) for binding in tree.bindings):
        arrays_before, arrays = arrays, {n: known for n, known in arrays.items() if n != name}
        if isinstance(value, nodes.Each) and value.index not in indices | variables:
            inside = (indices | {value.index}, model, hidden - {value.index}, arrays_before)
            arrays = {**arrays, name: (value.index, tuple(mentions(value.body, variables, *inside)))}
        else:
            found += mentions(value, variables, indices, model, hidden, arrays_before)
        hidden = hidden | {name}
    return found + mentions(tree.body, variables, indices, model, hidden, arrays)


def _shown(array: tuple[str, tuple[tuple[Place, Span], ...]], at: Axis) -> list[tuple[Place, Span]]:
    """What the entries of a local array mention that a subscript picks."""
    index, entries = array
    return [(_entries(place, index, at), span) for place, span in entries]


def _entries(place: Place, index: str, at: Axis) -> Place:
    """What all entries of an array that a subscript picks mention, where one entry, at `index`, mentions `place`.

    Entries before i + s mention of what comes before m + t what comes before i + s - 1 + t, and of the elements m + t
    none that does not come before i + s + t; the entry i + s mentions what it says, with i + s for m."""
    if at.order or at.kind not in ("before", "index"):
        return _anywhere(place, index)

    def moved(axis: Axis) -> Axis:
        if index not in axis.index.split(","):
            return axis
        if axis.kind not in ("before", "index"):
            return OTHER
        if at.kind == "index":
            return dataclasses.replace(axis, index=at.index, shift=axis.shift + at.shift)
        last = at.shift + axis.shift - int(axis.kind == "before")
        return Axis("before", at.index, last, axis.order)

    return Place(place.variable, tuple(map(moved, place.axes)))


def _anywhere(place: Place, index: str) -> Place:
    """What any entry of an array mentions."""
    axes = (OTHER if index in axis.index.split(",") else axis for axis in place.axes)
    return Place(place.variable, tuple(axes))
