"""Networks on causal views: which inputs of a call show only what comes before an index, `mlp(x[<i], y)`.

Such a network is one network for all places of the view's axis, whose units are masked.  Its units are computed once
for all places, so each number that a view gives it must belong to one place and to nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.catalog.stacks import MOST_PLACES
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.model.conditions import by_value
from gencompiler.model.views import axes_or_none, same
from gencompiler.node import children, walk

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def shown(
    infer: Infer, context: Context, inputs: tuple[nodes.Expr, ...]
) -> tuple[int, tuple[str, ...], tuple[nodes.Expr, ...]]:
    """The number of places of the views among `inputs`, 0 if there are none; of each input "before", "until" or ""; and
    the inputs, in place of local names what they stand for: a network is one for all places, outside of all `where`."""
    cuts = [axes_or_none(i, context.views) for i in inputs]
    first = next((view for cut in cuts for view in cut if view is not None), None)
    if first is None:
        return 0, ("",) * len(inputs), inputs
    found, places = [], 0
    for value, cut in zip(inputs, cuts, strict=True):
        view = next((v for v in cut if v is not None), None)
        if any(cut[1:-1]) or sum(v is not None for v in cut) > 1:
            infer.builder.unsupported("a network on a view of a middle axis, or of several", value.span)
        if view is not None and not same(view, first) and view.index != first.index:
            infer.builder.unsupported("a network on views at different indices", value.span)
        if view is None and mentions(value, first.index):
            infer.builder.unsupported("a network input that depends on the index beside a causal view", value.span)
        if view is not None and not whole_is_elementwise(value, first.index):
            infer.builder.unsupported("a network on what is computed from all of a causal view", value.span)
        places = value.type.shape[cut.index(view)] if view is not None else places
        found.append("" if view is None else "until" if view.inclusive else "before")
    return places, tuple(found), tuple(by_value(value, context) for value in inputs)


def convolved(infer: Infer, callee: str, places: int, shown: tuple[str, ...], span: Span) -> None:
    """Report a view that no stack of convolutions reads; `callee` is what the spec calls."""
    if not places:
        infer.builder.unsupported(f"`{callee}` of what is no causal view", span)
    if "until" in shown:
        infer.builder.unsupported(f"`{callee}` on a view up to its own place", span)
    if places > MOST_PLACES:
        infer.builder.unsupported(f"`{callee}` over more than {MOST_PLACES} places", span)


def grid(inputs: tuple[nodes.Expr, ...], axes: int, places: int) -> tuple[int, ...]:
    """The axes over which a view runs: those of a scan order, `x[<(i, j)]`, where a network has so many, or any number
    (0); else one."""
    if axes == 1:
        return (places,)
    for part in (p for value in inputs for p in walk(value)):
        if isinstance(part, nodes.Element) and isinstance(part.base, nodes.Flat):
            shape = part.base.base.type.shape[part.base.start :]
            if len(shape) == axes or (not axes and len(shape) < 3):
                return tuple(shape)
    return () if axes else (places,)


def mentions(expr: nodes.Expr, index: nodes.Expr) -> bool:
    """Whether the index of a view is mentioned in `expr`, or one of those that a scan order is of."""
    own = (index, *index.indices) if isinstance(index, nodes.Scan) else (index,)
    return any(part == each for part in walk(expr) for each in own)


def whole_is_elementwise(expr: nodes.Expr, index: nodes.Expr) -> bool:
    """Whether each place of `expr` is a function of that place alone, wherever a view at `index` is part of it."""
    match expr:
        case nodes.Apply() | nodes.Choose():
            return all(whole_is_elementwise(c, index) for c in children(expr) if isinstance(c, nodes.Expr))
        case nodes.Each(body=body):
            return whole_is_elementwise(body, index)
        case nodes.Contract(left=nodes.ParameterReference(), right=right):  # a table, `embedding(x[<t])`
            along = axes_or_none(right, {})
            return len(along) > 1 and along[0] is None and whole_is_elementwise(right, index)
        case nodes.Element(base=base, subscripts=subscripts):
            places = [s for s in subscripts if not isinstance(s, nodes.Whole)]
            plain = all(isinstance(s, nodes.Before) or not mentions(s, index) for s in places)
            return plain and not mentions(base, index)
    return not mentions(expr, index)
