"""Quantities that are convolutions at a place: `h[:, i, j] = x[:, <(i, j)] |> conv(C, kernel = 5)`.

Such a quantity needs none of its own elements, so that it stands for its formula where it is mentioned, at the indices
of the mention.  However often it is mentioned there, it is one network.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.builder import Builder, Context
    from gencompiler.model.infer import Infer


def declare(builder: Builder, context: Context, statements: list[tree.Equation]) -> list[tree.Equation]:
    """Note the quantities of this kind: each has one equation, for all places, and a convolution in its formula, or in
    that of one which it mentions.  The other equations are given back."""
    stated: dict[str, list[tree.Equation]] = {}
    for equation in statements:
        target = equation.targets[0]
        if not isinstance(target, tree.Index) or not isinstance(target.base, tree.Name) or len(equation.targets) > 1:
            continue
        if target.base.id not in context.names:
            stated.setdefault(target.base.id, []).append(equation)
    alone = {name: own[0] for name, own in stated.items() if len(own) == 1 and _is_formula(name, own[0])}
    builder.outside = context
    while True:
        more = {n for n, e in alone.items() if n not in builder.placed and _convolves(builder, e)}
        if not more:
            return [e for e in statements if not any(e is placed for placed in builder.placed.values())]
        builder.placed |= {n: alone[n] for n in alone if n in more}


def _is_formula(name: str, equation: tree.Equation) -> bool:
    """Whether an equation gives an element at plain indices by a formula that does not mention the quantity."""
    target = equation.targets[0]
    assert isinstance(target, tree.Index)
    plain = all(isinstance(s, tree.All) or _index_of(s) for s in target.subscripts)
    return plain and equation.relation == "=" and equation.guard is None and name not in _mentioned(equation.value)


def _index_of(subscript: tree.Subscript) -> str:
    """The name of the index that a subscript is."""
    if isinstance(subscript, tree.At) and isinstance(subscript.value, tree.Name):
        return subscript.value.id
    return ""


def _mentioned(expr: tree.Expr) -> set[str]:
    return {n.id for n in walk(expr) if isinstance(n, tree.Name)}


def _convolves(builder: Builder, equation: tree.Equation) -> bool:
    named = _mentioned(equation.value)
    return bool(named & builder.placed.keys()) or any(
        n in networks.NETWORKS and networks.NETWORKS[n].image for n in named
    )


def mention(infer: Infer, context: Context, expr: tree.Index, name: str) -> nodes.Expr:
    """The formula of `name` at the indices of a mention."""
    builder, equation = infer.builder, infer.builder.placed[name]
    target = equation.targets[0]
    assert isinstance(target, tree.Index)
    if len(target.subscripts) != len(expr.subscripts):
        builder.report(
            "G205",
            f"`{name}` has {counted(len(target.subscripts), 'subscript')}",
            expr.span,
            f"this has {len(expr.subscripts)}",
            also=(Label(target.span, "stated here"),),
        )
    at = dict(context.indices)
    key = []
    for own, other in zip(target.subscripts, expr.subscripts, strict=True):
        index = _index_of(other)
        if isinstance(own, tree.All) != isinstance(other, tree.All) or (index and index not in context.indices):
            builder.unsupported(f"`{name}` at anything but indices of the head", other.span)
        if index:
            info = at[_index_of(own)] = context.indices[index]
            key.append((info.name, info.start, info.extent))
    if name in builder.placed_at and builder.placed_at[name][0] != key:
        builder.unsupported(f"`{name}` in two heads with other indices", expr.span)
    if name not in builder.placed_at:
        if name in builder.open:
            builder.report("G301", "these quantities define each other", equation.span, "needs itself")
        assert builder.outside is not None
        outside = dataclasses.replace(builder.outside, indices=at, path=context.path)
        with builder.inside(name):
            found = infer.expression(outside, equation.value)
        builder.placed_at[name] = key, found
    return builder.placed_at[name][1]
