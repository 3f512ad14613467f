"""Substitution and inlining on Model-IR expressions."""

from __future__ import annotations

import dataclasses

from gencompiler.model import nodes
from gencompiler.node import Node, rebuild


def substitute(expr: nodes.Expr, values: dict[str, nodes.Expr]) -> nodes.Expr:
    """`expr` with every free Reference to a key of `values` replaced; inner bindings shadow."""
    if not values:
        return expr
    if isinstance(expr, nodes.Reference):
        return values.get(expr.name, expr)
    if isinstance(expr, nodes.Let):
        return _let(expr, values)
    if isinstance(expr, nodes.Each | nodes.Recur):
        own = (expr.index, expr.name) if isinstance(expr, nodes.Recur) else (expr.index,)
        values = {k: v for k, v in values.items() if k not in own}
    if isinstance(expr, nodes.FixedPoint):
        values = {k: v for k, v in values.items() if k != expr.name}
    if isinstance(expr, nodes.Solution):
        inside = {k: v for k, v in values.items() if k != expr.name}
        target = substitute(expr.target, values)
        return dataclasses.replace(expr, body=substitute(expr.body, inside), target=target)
    if isinstance(expr, nodes.JacobianLogDet):
        inside = {k: v for k, v in values.items() if k != expr.name}
        return dataclasses.replace(expr, body=substitute(expr.body, inside), at=substitute(expr.at, values))
    return rebuild(expr, lambda child: _child(child, values))


def _child(child: Node, values: dict[str, nodes.Expr]) -> Node:
    return substitute(child, values) if isinstance(child, nodes.Expr) else rebuild(child, lambda c: _child(c, values))


def _let(expr: nodes.Let, values: dict[str, nodes.Expr]) -> nodes.Expr:
    bindings = []
    for binding in expr.bindings:
        bindings.append(dataclasses.replace(binding, value=substitute(binding.value, values)))
        values = {k: v for k, v in values.items() if k != binding.name}
    return dataclasses.replace(expr, bindings=tuple(bindings), body=substitute(expr.body, values))


def without_lets(expr: nodes.Expr) -> nodes.Expr:
    """`expr` with what its local names stand for in their places."""
    if isinstance(expr, nodes.Let):
        values: dict[str, nodes.Expr] = {}
        for binding in expr.bindings:
            values[binding.name] = without_lets(substitute(binding.value, values))
        return without_lets(substitute(expr.body, values))
    return rebuild(expr, lambda child: without_lets(child) if isinstance(child, nodes.Expr) else child)


def inline(expr: nodes.Expr, functions: dict[str, nodes.Function]) -> nodes.Expr:
    """`expr` without `Let` and without calls of user functions; equal parts stay equal, so sharing can be found
    again."""
    if isinstance(expr, nodes.Let):
        values: dict[str, nodes.Expr] = {}
        for binding in expr.bindings:
            values[binding.name] = inline(substitute(binding.value, values), functions)
        return inline(substitute(expr.body, values), functions)
    if isinstance(expr, nodes.Call):
        function = functions[expr.function]
        given = {i.name: inline(a, functions) for i, a in zip(function.inputs, expr.arguments, strict=True)}
        return inline(substitute(inline(function.body, functions), given), functions)
    return rebuild(expr, lambda child: inline(child, functions) if isinstance(child, nodes.Expr) else child)
