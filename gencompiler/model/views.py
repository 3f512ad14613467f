"""Causal views: which axes of a value hold only the places before an index, `x[<i]`.

The shape of a view is that of what it is a view of; how much of it there is depends on the index.  So a view has places
that do not count, and every sum, product or contraction over it must leave them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.model import nodes
from gencompiler.model.types import known_shape
from gencompiler.node import Node, children

#: For each axis of a value, the view that cuts it, or None where all of it is there.
Axes = tuple[nodes.Before | None, ...]


class Mismatch(Exception):
    """Two tensors meet along an axis of which a view shows different parts."""

    def __init__(self, expr: nodes.Expr, parts: tuple[tuple[nodes.Expr, nodes.Before | None], ...]) -> None:
        super().__init__("a causal view meets something of another length")
        self.expr = expr
        self.parts = parts


class Opaque(Exception):
    """A causal view, `expr`, reaches something that has no causal form yet: a network, a split, a join."""

    def __init__(self, expr: nodes.Expr, what: str) -> None:
        super().__init__(what)
        self.expr = expr
        self.what = what


#: What takes a whole tensor, and how a view of one is refused.
_OPAQUE = {
    nodes.Call: "a causal view as the argument of a definition",
    nodes.Gradient: "a gradient at a causal view",
    nodes.Slice: "`split` of a causal view",
    nodes.Permute: "`reverse` of a causal view",
    nodes.Join: "`join` with a causal view",
}


def axes(expr: nodes.Expr, names: Mapping[str, Axes]) -> Axes:
    """The views that cut the axes of `expr`; `names`: those of names that stand for views.

    Raises Mismatch or Opaque where the expression has no meaning, or none yet."""
    whole: Axes = (None,) * len(known_shape(expr.type) or ())
    match expr:
        case nodes.Reference(name=name):
            return names.get(name, whole)
        case nodes.Apply(arguments=arguments):
            return _elementwise(expr, arguments, names)
        case nodes.Choose(condition=condition, then=then, otherwise=otherwise):
            return _elementwise(expr, (condition, then, otherwise), names)
        case nodes.Contract(left=left, right=right):
            a, b = axes(left, names), axes(right, names)
            if not same(a[-1], b[0]):
                raise Mismatch(expr, ((left, a[-1]), (right, b[0])))
            return a[:-1] + b[1:]
        case nodes.Flat(base=base, start=start):
            own = axes(base, names)
            if any(own[start:]):
                raise Opaque(expr, "a scan order over axes of a causal view")
            return (*own[:start], None)
        case nodes.Element(base=base, subscripts=subscripts):
            return _element(expr, axes(base, names), subscripts)
        case nodes.Let(bindings=bindings, body=body):
            inside = dict(names)
            for binding in bindings:
                inside[binding.name] = axes(binding.value, inside)
            return axes(body, inside)
        case nodes.Each(index=index, body=body) | nodes.Recur(index=index, body=body):
            return (None, *axes(body, {k: v for k, v in names.items() if k != index}))
    _opaque(expr, names)
    return whole


def axes_or_none(expr: nodes.Expr, names: Mapping[str, Axes]) -> Axes:
    """The views that cut the axes of `expr`, none where its shape is open or the views do not fit, which `check`
    reports."""
    try:
        return axes(expr, names)
    except (Mismatch, Opaque):
        return ()


def _elementwise(expr: nodes.Expr, arguments: tuple[nodes.Expr, ...], names: Mapping[str, Axes]) -> Axes:
    tensors = [(a, cut) for a in arguments if (cut := axes(a, names))]
    for argument, cut in tensors[1:]:
        for mine, theirs in zip(tensors[0][1], cut, strict=True):
            if not same(mine, theirs):
                raise Mismatch(expr, ((tensors[0][0], mine), (argument, theirs)))
    return tensors[0][1] if tensors else ()


def _element(expr: nodes.Element, base: Axes, subscripts: tuple[nodes.Expr, ...]) -> Axes:
    kept: list[nodes.Before | None] = []
    for place, axis in zip(subscripts, base, strict=False):
        if axis is not None and not isinstance(place, nodes.Whole):
            raise Opaque(expr, "a subscript of a causal view")
        if isinstance(place, nodes.Before):
            kept.append(place)
        elif isinstance(place, nodes.Whole):
            kept.append(axis)
    return (*kept, *base[len(subscripts) :])


def _opaque(expr: nodes.Expr, names: Mapping[str, Axes]) -> None:
    """A reduction makes one number of any view; the rest has no causal form yet."""
    for part in children(expr):
        if isinstance(part, nodes.Expr) and any(axes(part, names)) and type(expr) in _OPAQUE:
            raise Opaque(part, _OPAQUE[type(expr)])


def same(left: nodes.Before | None, right: nodes.Before | None) -> bool:
    """Whether two axes of one extent show the same places."""
    if left is None or right is None:
        return left is right
    return (left.index, left.inclusive, left.after) == (right.index, right.inclusive, right.after)


def check(model: nodes.Model, reporter: Reporter) -> None:
    """Report every expression of `model` in which a causal view meets what does not fit it."""
    for root in _roots(model):
        try:
            axes(root, {})
        except Opaque as problem:
            message = f"{problem.what} is valid, but not supported yet"
            reporter.add("G901", message, problem.expr.span, "not supported yet")
        except Mismatch as problem:
            (_, first), (_, second) = problem.parts
            view = first or second
            assert view is not None
            labels = tuple(Label(part.span, _length(axis)) for part, axis in problem.parts)
            reporter.add(
                "G201",
                "a causal view meets a tensor of another length",
                problem.expr.span,
                also=labels,
                help=(f"take the same part of both: `[{_spelled(view)}]`",),
            )


def _roots(tree: Node) -> Iterator[nodes.Expr]:
    """The outermost expressions below a node."""
    for child in children(tree):
        if isinstance(child, nodes.Expr):
            yield child
        else:
            yield from _roots(child)


def _length(axis: nodes.Before | None) -> str:
    return f"the places `{_spelled(axis)}`" if axis is not None else "all places"


def _spelled(view: nodes.Before) -> str:
    index = view.index.name if isinstance(view.index, nodes.Reference) else "i"
    if isinstance(view.index, nodes.Scan):
        index = f"({', '.join(i.name for i in view.index.indices if isinstance(i, nodes.Reference))})"
    return f"{'>' if view.after else '<'}{'=' if view.inclusive else ''}{index}"
