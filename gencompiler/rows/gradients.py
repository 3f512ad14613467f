"""Gradients that a spec asks for: `grad(f)(x, t)` and the score `grad(log p)(x | z)`.

A gradient is in the first argument alone, so that argument is a placeholder while the value is lowered and
differentiated, and is put in its place afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows.adjoint import gradient
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: What the differentiated argument is called while it is one; no name of the language has a space.
_VARIABLE = "differentiated argument"


def of_function(expressions: Expressions, expr: model.Gradient, scope: Scope) -> Expr:
    """The gradient of a definition: as it was derived, or else by reverse mode on what the definition computes."""
    function, graph = expressions.functions[expr.function], expressions.graph
    names = [each.name for each in function.inputs]
    first, *others = (expressions.lower(argument, scope) for argument in expr.arguments)

    def body(formula: model.Expr, at: Expr) -> Expr:
        return expressions.lower(formula, scope.only(dict(zip(names, (at, *others), strict=True))))

    derived = expressions.derived.gradients.get(expr.function)
    if derived is not None:
        found = body(derived, first)
    else:
        found = _at(graph, first, lambda place: body(function.body, place), expr.span)
    return graph.name(found, f"grad_{expr.function}")


def of_density(expressions: Expressions, expr: model.DensityGradient, scope: Scope) -> Expr:
    """The gradient of a log density in its first target."""
    density, graph = expr.density, expressions.graph
    first = density.targets[0]

    def value(place: Expr) -> Expr:
        named = model.Reference(first.value.type, _VARIABLE, span=first.value.span)
        targets = (dataclasses.replace(first, value=named), *density.targets[1:])
        return expressions.lower(dataclasses.replace(density, targets=targets), scope.bind({_VARIABLE: place}))

    found = _at(graph, expressions.lower(first.value, scope), value, expr.span)
    return graph.name(found, f"grad_log_{density.joint}")


def _at(graph: Graph, argument: Expr, value: Callable[[Expr], Expr], span: Span) -> Expr:
    """The gradient of `value` at `argument`."""
    place = graph.placeholder(argument, span)
    return graph.substitute(gradient(graph, value(place), place), place, argument)
