"""Subscripts: `x[i]`, `W[:, i]`, and the causal views `x[<i]`, `W[:, <i]`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, TypeGuard

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes, placed_formulas
from gencompiler.model.builder import Context, IndexInfo
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.types import known_shape, rows_of, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def index(infer: Infer, context: Context, expr: tree.Index) -> nodes.Expr:
    """The typed form of `base[subscripts]`; scalar subscripts remove their axis, causal views keep it."""
    if isinstance(expr.base, tree.Name) and expr.base.id in infer.builder.placed:
        return placed_formulas.mention(infer, context, expr, expr.base.id)
    base = infer.expression(context, expr.base)
    shape = known_shape(base.type)
    if shape is None and (row := _row(infer, context, expr, base)) is not None:
        return row
    if shape is None:
        infer.builder.report(
            "G202",
            "nothing determines the shape of what is subscripted",
            expr.base.span,
            "shape unknown",
            help=("state it: `size = n` in the network's call",),
        )
    count = sum(len(_bound(s)) for s in expr.subscripts)
    if count > len(shape):
        infer.builder.report(
            "G205",
            f"{counted(count, 'subscript')} for {counted(len(shape), 'axis')}",
            expr.span,
            f"this has the shape {list(shape)}" if shape else "this is a scalar",
        )
    if count > len(expr.subscripts):
        base, shape = _flattened(infer, expr, base, shape, count)
    places: list[nodes.Expr] = []
    kept: list[int] = []
    extents = known_shape(base.type) or ()
    for subscript, extent in zip(expr.subscripts, extents, strict=False):
        if isinstance(base, nodes.Flat) and subscript is expr.subscripts[-1]:
            place = _scan(infer, context, subscript, known_shape(base.base.type) or (), base.start)
        else:
            place = _place(infer, context, subscript, extent)
        places.append(place)
        if isinstance(place, nodes.Whole | nodes.Before) or is_view_of_order(place):
            kept.append(extent)
    whole = nodes.Type(nodes.REAL)
    if not _particles(context, expr.base):
        places.extend(nodes.Whole(whole, span=expr.span) for _ in (known_shape(base.type) or ())[len(places) :])
    type_ = nodes.Type(_support(base.type.support, shape, places), (*kept, *shape[len(expr.subscripts) :]))
    return nodes.Element(type_, base, tuple(places), span=expr.span)


def _support(support: nodes.Support, shape: tuple[int, ...], places: list[nodes.Expr]) -> nodes.Support:
    """The support of what subscripts leave: a row of a table of `Simplex(K)` is one, and part of a row is not."""
    whole = len(places) < len(shape) or isinstance(places[-1], nodes.Whole)
    if support.name == "Permutation" and not whole:
        return nodes.Support("Integer", (Fraction(0), *support.arguments))
    if support.name != "Simplex" or whole:
        return support
    return nodes.Support("Interval", (Fraction(0), Fraction(1)))


def _row(infer: Infer, context: Context, expr: tree.Index, base: nodes.Expr) -> nodes.Expr | None:
    """`w[i]` of an open shape, where it is known how far `i` runs: the axes that follow are solved by use.
    `w[o[i]]` is one number of as many as an order has places."""
    place = expr.subscripts[0]
    if len(expr.subscripts) == 1 and isinstance(place, tree.At) and isinstance(place.value, tree.Index):
        turn = infer.expression(context, place.value)
        order = turn.base if isinstance(turn, nodes.Element) else turn
        if order.type.support.name == "Permutation" and known_shape(turn.type) == ():
            unify(base.type, nodes.Type(nodes.REAL, order.type.shape))
            return nodes.Element(nodes.Type(nodes.REAL), base, (turn,), span=expr.span)
        return None
    if len(expr.subscripts) > 1 or not isinstance(place, tree.At) or not isinstance(place.value, tree.Name):
        return None
    info = context.indices.get(place.value.id)
    if info is None or info.extent is None:
        return None
    index_ = infer.expression(context, place.value)
    return nodes.Element(rows_of(base.type, info.extent), base, (index_,), span=expr.span)


def _bound(subscript: tree.Subscript) -> tuple[tree.Expr | None, ...]:
    """The axes that a subscript speaks of: one, or those of the tuple of a scan order."""
    if isinstance(subscript, tree.Relative) and isinstance(subscript.bound, tree.TupleExpr):
        return subscript.bound.items
    return (None,)


def _flattened(
    infer: Infer, expr: tree.Index, base: nodes.Expr, shape: tuple[int, ...], count: int
) -> tuple[nodes.Flat, tuple[int, ...]]:
    """The base with the axes of a scan order, its last ones, as one."""
    scans = [s for s in expr.subscripts if len(_bound(s)) > 1]
    if len(scans) > 1 or scans[0] is not expr.subscripts[-1] or count < len(shape):
        infer.builder.unsupported("a scan order over other axes than the last ones", scans[0].span)
    start = len(expr.subscripts) - 1
    flat = (*shape[:start], math.prod(shape[start:]))
    return nodes.Flat(nodes.Type(base.type.support, flat), base, start, span=base.span), flat


def _scan(infer: Infer, context: Context, subscript: tree.Subscript, shape: tuple[int, ...], start: int) -> nodes.Expr:
    """`<(i, j)`: the places before (i, j) in row-major order."""
    assert isinstance(subscript, tree.Relative) and isinstance(subscript.bound, tree.TupleExpr)
    if subscript.operator not in ("<", "<="):
        infer.builder.unsupported(f"the view `{subscript.operator}(…)`", subscript.span)
    indices = []
    for item, extent in zip(subscript.bound.items, shape[start:], strict=True):
        if not (isinstance(item, tree.Name) and item.id in context.indices):
            infer.builder.unsupported("a causal view with a computed bound", item.span)
        _solve_index(infer, context, item, 0, extent)
        indices.append(infer.expression(context, item))
    support = nodes.Support("Integer", (Fraction(0), Fraction(math.prod(shape[start:]))))
    number = nodes.Scan(nodes.Type(support), tuple(indices), shape[start:], span=subscript.span)
    return nodes.Before(number.type, number, subscript.operator == "<=", span=subscript.span)


def _particles(context: Context, base: tree.Expr) -> bool:
    """Whether `base` is K draws of a variable: `z[k]` is one of them, whatever the variable's own axes."""
    return context.frame is not None and isinstance(base, tree.Name) and context.frame.counted(base.id)


def _place(infer: Infer, context: Context, subscript: tree.Subscript, extent: int) -> nodes.Expr:
    if isinstance(subscript, tree.All):
        return nodes.Whole(nodes.Type(nodes.REAL), span=subscript.span)
    if isinstance(subscript, tree.Relative):
        return before(infer, context, subscript, extent)
    if isinstance(subscript, tree.At):
        if isinstance(subscript.value, tree.Range):
            infer.builder.unsupported("a range as a subscript", subscript.span)
        moved = moved_index(context, subscript.value)
        if moved is not None:
            _solve_index(infer, context, *moved, extent)
        value = infer.expression(context, subscript.value)
        if isinstance(value, nodes.Literal):
            _check_constant(infer, value, subscript, extent)
        elif moved is not None:
            return value
        elif is_view_of_order(value):
            if not _in_head(context):
                text = "write `scatter(x[o[<i]], o[<i], n)` for what is known there"
                infer.builder.unsupported("a view along an order as a value", subscript.span, text)
            _check_order(infer, value, subscript, extent)
        elif isinstance(value, nodes.Element):
            _check_variable(infer, value, subscript, extent)
        elif not isinstance(value, nodes.Reference):
            if not _is_bin(context, value):
                infer.builder.unsupported("a computed subscript", subscript.span)
            _check_bin(infer, value, subscript, extent)
        else:
            _check_variable(infer, value, subscript, extent)
        return value
    return infer.builder.unsupported("this subscript", subscript.span)


def is_view_of_order(place: nodes.Expr) -> TypeGuard[nodes.Element]:
    """`o[<i]` of an order: the places that come before."""
    if not isinstance(place, nodes.Element) or not isinstance(place.base, nodes.Reference):
        return False
    return place.base.type.support.name == "Permutation" and isinstance(place.subscripts[0], nodes.Before)


def _check_order(infer: Infer, value: nodes.Element, subscript: tree.Subscript, extent: int) -> None:
    count = value.base.type.shape[0]
    if count != extent:
        message = f"an order of {count} places along an axis of {extent}"
        infer.builder.report("G204", message, subscript.span, "another number of places")


def _in_head(context: Context) -> bool:
    return any(index.open for index in context.indices.values())


def _check_constant(infer: Infer, value: nodes.Literal, subscript: tree.Subscript, extent: int) -> None:
    at = value.value
    if not isinstance(at, Fraction) or at.denominator != 1:
        infer.builder.report("G205", f"a subscript must be a whole number, not {at}", subscript.span, "not a place")
    if not 0 <= at < extent:
        infer.builder.report(
            "G204", f"place {at} of an axis of {extent}", subscript.span, f"places run from 0 to {extent - 1}"
        )


def _is_bin(context: Context, place: nodes.Expr) -> bool:
    """Whether a subscript counts from an interval between knots, named by a `where` or not."""
    found = moved_bin(place)
    base = found[0] if found is not None else None
    return isinstance(context.values.get(base.name) if isinstance(base, nodes.Reference) else base, nodes.Bin)


def moved_bin(place: nodes.Expr) -> tuple[nodes.Expr, int] | None:
    """`k` and `k + 1` of a `k = bin(u, x)`: what tells the interval, and how far from it; None of anything else."""
    if isinstance(place, nodes.Apply) and place.function in ("add", "subtract"):
        base, by = place.arguments
        if isinstance(by, nodes.Literal) and isinstance(by.value, Fraction) and by.value.denominator == 1:
            found = moved_bin(base)
            shift = int(by.value) * (1 if place.function == "add" else -1)
            return (found[0], found[1] + shift) if found is not None else None
        return None
    own = place.type.support
    whole = own.name == "Integer" and not any(isinstance(a, float) for a in own.arguments)
    return (place, 0) if whole and isinstance(place, nodes.Bin | nodes.Reference) else None


def _check_bin(infer: Infer, value: nodes.Expr, subscript: tree.Subscript, extent: int) -> None:
    """A place that is counted from an interval between knots: it lies on the axis, whichever interval it is."""
    found = moved_bin(value)
    assert found is not None
    lower, upper, _, _ = bounds("Integer", found[0].type.support.arguments)
    first, last = int(lower) + found[1], int(upper) + found[1]
    if not 0 <= first <= last < extent:
        outside = f"it runs from {first} to {last}"
        message = f"this may lie outside an axis of {counted(extent, 'place')}"
        help_ = (f"places run from 0 to {extent - 1}",)
        infer.builder.report("G204", message, subscript.span, outside, help=help_)


def _check_variable(infer: Infer, value: nodes.Expr, subscript: tree.Subscript, extent: int) -> None:
    """A variable, or an element of one, as a subscript: a scalar that takes whole numbers which are all places of the
    axis."""
    support = value.type.support
    named = f"`{value.name}`" if isinstance(value, nodes.Reference) else "this"
    if known_shape(value.type) != () or not SUPPORTS[support.name].discrete:
        infer.builder.report("G205", "a subscript must be a whole number", subscript.span, f"{named} is {value.type}")
    lower, upper, _, _ = bounds(support.name, support.arguments)
    if not 0 <= lower <= upper < extent:
        infer.builder.report(
            "G204",
            f"{named} may lie outside an axis of {counted(extent, 'place')}",
            subscript.span,
            f"it is {support}",
            help=(f"places run from 0 to {extent - 1}",),
        )


def moved_index(context: Context, expr: tree.Expr) -> tuple[tree.Name, int] | None:
    """The index and the whole number that is added to it, of `t`, `t - 1` and `1 + t`; None of anything else."""
    if isinstance(expr, tree.Name):
        return (expr, 0) if expr.id in context.indices else None
    if not isinstance(expr, tree.Binary) or expr.operator not in ("+", "-"):
        return None
    left, right = moved_index(context, expr.left), moved_index(context, expr.right)
    found, other = (left, expr.right) if left is not None else (right, expr.left)
    if found is None or (left is not None and right is not None) or (left is None and expr.operator == "-"):
        return None
    try:
        by = evaluate(other, context.constants)
    except NotConstant:
        return None
    if not isinstance(by, Fraction) or by.denominator != 1:
        return None
    return found[0], found[1] + int(by) * (1 if expr.operator == "+" else -1)


def _solve_index(infer: Infer, context: Context, name: tree.Name, shift: int, extent: int) -> None:
    """`i + shift` subscripts an axis of `extent` places: the first axis says how far an index runs, in a head all of
    them do, and everywhere else each must have a place for it."""
    info = context.indices[name.id]
    if info.open:
        info.start = max(info.start, -shift)
        info.extent = extent - shift if info.extent is None else min(info.extent, extent - shift)
    elif info.extent is None and shift == 0:
        info.extent = extent
    elif info.extent is None:
        infer.builder.unsupported("an index whose range only a moved subscript states", name.span)
    elif info.extent + shift > extent or info.start + shift < 0:
        first, last = info.start + shift, info.extent - 1 + shift
        moved = f"`{info.name}`" if not shift else f"`{info.name} {'+' if shift > 0 else '-'} {abs(shift)}`"
        infer.builder.report(
            "G204",
            f"{moved} runs from {first} to {last}, and this axis has {counted(extent, 'place')}",
            name.span,
            "out of range",
            also=(Label(info.span, f"runs over {info.start}..{info.extent}"),),
            help=_elsewhere(info, first),
        )


def _elsewhere(info: IndexInfo, first: int) -> tuple[str, ...]:
    """What to write where an index runs too far down."""
    if first >= 0:
        return ()
    return (f"list the element in the head, and state what holds for `{info.name} = {info.start}` on its own",)


def before(infer: Infer, context: Context, subscript: tree.Relative, extent: int) -> nodes.Before:
    """`<i` of an axis: the places before an index; in a head also `>i`, those after it, or after a number."""
    builder, after = infer.builder, subscript.operator in (">", ">=")
    if subscript.operator not in ("<", "<=", ">", ">="):
        builder.unsupported(f"the view `{subscript.operator}i`", subscript.span)
    if after and not context.in_head:
        advice = "list it in the head, and read it by a recurrent network or an equation `h[t] = f(h[t + 1], x[t])`"
        builder.unsupported(f"the view `{subscript.operator}i` as a value", subscript.span, advice)
    named = isinstance(subscript.bound, tree.Name) and subscript.bound.id in context.indices
    if not named and not after:
        builder.unsupported("a causal view with a computed bound", subscript.span)
    if named:
        assert isinstance(subscript.bound, tree.Name)
        _solve_index(infer, context, subscript.bound, 0, extent)
        value = infer.expression(context, subscript.bound)
    else:
        value = infer.expression(context, subscript.bound)
        if not isinstance(value, nodes.Literal):
            builder.unsupported("a view with a computed bound", subscript.span)
        _check_constant(infer, value, tree.At(subscript.bound, span=subscript.span), extent)
    return nodes.Before(value.type, value, subscript.operator in ("<=", ">="), after, span=subscript.span)
