"""Sums over several indices: `sum(for i, j in 0..i: W[i, j] * x[i] * x[j])` is a sum of sums; and products.

A range may depend on the indices before it, or on whole numbers, `prod(for s in 0..t + 1: 1 - beta(s))`; a place
outside it contributes 0 to a sum, and 1 to a product.  `sum(for j in o[>=d]: e)` runs over the places of an order that
come from its turn d on.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import supports
from gencompiler.model import nodes, orders
from gencompiler.model.builder import Abandon, Context, IndexInfo
from gencompiler.model.constants import NotConstant, evaluate, size
from gencompiler.model.subscripts import moved_bin
from gencompiler.model.types import known_shape
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


#: What a place outside of a range contributes.
NEUTRAL = {"sum": Fraction(0), "prod": Fraction(1)}


def over_several(infer: Infer, context: Context, call: tree.Call, name: str) -> nodes.Expr | None:
    """The sum, or product, of an array over several indices, or over a range that is not `0..n`; None of anything
    else."""
    operand = call.arguments[0].value if len(call.arguments) == 1 else None
    if not isinstance(operand, tree.Each):
        return None
    if len(operand.bindings) == 1 and _plain(context, operand.bindings[0]):
        return None
    return _sum(infer, context, operand.bindings, operand.body, call, name)


def _plain(context: Context, binding: tree.Binding) -> bool:
    range_ = binding.range
    if not isinstance(range_, tree.Range):
        return not isinstance(range_, tree.Index)
    starts_at_zero = isinstance(range_.lower, tree.Number) and range_.lower.value == 0
    return starts_at_zero and range_.upper is not None and _is_constant(context, range_.upper)


def _is_constant(context: Context, expr: tree.Expr) -> bool:
    names = {n.id for n in walk(expr) if isinstance(n, tree.Name)}
    return not names & (context.indices.keys() | context.names.keys())


def _sum(
    infer: Infer,
    context: Context,
    bindings: tuple[tree.Binding, ...],
    body: tree.Expr,
    call: tree.Call,
    name: str,
) -> nodes.Expr:
    binding, *rest = bindings
    come = orders.still_to_come(infer, context, binding.range) if name == "sum" else None
    info, bounds = _index(infer, context, binding) if come is None else (_places(binding, come), ())
    if info.extent is None and not _subscribes(info.name, (body, *(b.range for b in rest))):
        info.extent = _largest(infer, context, binding)
    inside = context.index(info)
    value = _sum(infer, inside, tuple(rest), body, call, name) if rest else infer.expression(inside, body)
    if known_shape(value.type) != ():
        infer.builder.unsupported("a sum of tensors over several indices", body.span)
    if info.extent is None:
        infer.builder.report(
            "G202",
            f"nothing determines how far `{info.name}` runs",
            binding.span,
            "no range",
            help=(f"subscript something with it, or write `for {info.name} in n: …`",),
        )
    real = nodes.Type(nodes.REAL)
    index = nodes.Reference(_whole(info.extent), info.name, span=binding.span)
    for function, bound in bounds:
        condition = infer.apply(function, (index, infer.expression(inside, bound)), bound.span)
        nothing = nodes.Literal(real, NEUTRAL[name], span=bound.span)
        value = nodes.Choose(real, condition, value, nothing, span=bound.span)
    if come is not None:
        zero = nodes.Literal(real, Fraction(0), span=come.span)
        condition = infer.apply("equal", (nodes.Element(real, come, (index,), span=come.span), zero), come.span)
        value = nodes.Choose(real, condition, value, zero, span=come.span)
    each = nodes.Each(nodes.Type(nodes.REAL, (info.extent,)), info.name, info.extent, value, span=call.span)
    return nodes.Reduce(real, name, each, span=call.span)


def _subscribes(index: str, parts: tuple[tree.Expr | None, ...]) -> bool:
    """Whether an index picks a place of something, which says how far it runs."""
    subscripts = (n for part in parts if part is not None for n in walk(part) if isinstance(n, tree.Subscript))
    return any(isinstance(n, tree.Name) and n.id == index for s in subscripts for n in walk(s))


def _largest(infer: Infer, context: Context, binding: tree.Binding) -> int | None:
    """The largest value of the end of a range, of a whole number of finite support, moved by a constant."""
    if not isinstance(binding.range, tree.Range) or binding.range.upper is None:
        return None
    end = infer.expression(context, binding.range.upper)
    found = moved_bin(end)
    support = found[0].type.support if found is not None else None
    if found is None or support is None or not supports.SUPPORTS[support.name].discrete:
        return None
    _, upper, _, _ = supports.bounds(support.name, support.arguments)
    return None if upper == nodes.INFINITY else max(0, int(upper) + found[1])


def _places(binding: tree.Binding, come: nodes.Expr) -> IndexInfo:
    """An index of all places of an order."""
    return IndexInfo(binding.name.id, come.type.shape[0], binding.span)


def _whole(extent: int) -> nodes.Type:
    return nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(extent))))


def _index(
    infer: Infer, context: Context, binding: tree.Binding
) -> tuple[IndexInfo, tuple[tuple[str, tree.Expr], ...]]:
    """A bound index, and the conditions on it that its range adds."""
    range_ = binding.range
    if not isinstance(range_, tree.Range):
        return infer.binding(context, binding), ()
    bounds: list[tuple[str, tree.Expr]] = []
    extent: int | None = None
    if range_.upper is None:
        infer.builder.unsupported("a range without an end", range_.span)
    if _is_constant(context, range_.upper):
        extent = size(range_.upper, context.constants, infer.builder.reporter)
        if extent is None:
            raise Abandon
    else:
        bounds.append(("less", range_.upper))
    if range_.lower is not None and not _zero(context, range_.lower):
        bounds.append(("greater_equal", range_.lower))
    return IndexInfo(binding.name.id, extent, binding.span), tuple(bounds)


def _zero(context: Context, expr: tree.Expr) -> bool:
    try:
        return evaluate(expr, context.constants) == 0
    except NotConstant:
        return False
