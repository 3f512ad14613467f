"""Formulas of the catalogue in row expressions."""

from __future__ import annotations

import functools
import math

from gencompiler.diagnostics.span import BUILTIN, Span
from gencompiler.model import nodes as model
from gencompiler.model.formula import formula
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, Number


def applied(graph: Graph, text: str, arguments: tuple[Expr, ...], span: Span, *, value: Expr | None = None) -> Expr:
    """A formula over `a` and `b`, elementwise in `arguments`, and over `y`, a function's `value` at them."""
    names = dict(zip("ab", arguments, strict=False)) | ({} if value is None else {"y": value})

    def of(expr: model.Expr) -> Expr:
        match expr:
            case model.Literal(value=value):
                return graph.number(float(value), span)
            case model.Constant(name=name):
                return graph.number({"pi": math.pi, "e": math.e}[name], span)
            case model.Reference(name=name):
                return names[name]
            case model.Apply(function="power", arguments=(base, exponent)):
                return power(graph, of(base), of(exponent), span)
            case model.Apply(function=function, arguments=parts):
                return graph.elementwise(function, *map(of, parts), span=span)
        raise TypeError(f"not part of a formula: {expr!r}")

    return of(_parsed(text, "".join(names)))


def power(graph: Graph, base: Expr, exponent: Expr, span: Span) -> Expr:
    """`base ^ exponent` without powers of 0 and 1."""
    if isinstance(exponent, Number) and exponent.value == 1:
        return base
    if isinstance(exponent, Number) and exponent.value == 0:
        return graph.number(1, span)
    if isinstance(exponent, Number) and exponent.value.is_integer():
        exponent = graph.integer(int(exponent.value), span)
    return graph.elementwise("power", base, exponent, span=span)


@functools.cache
def _parsed(text: str, names: str) -> model.Expr:
    real = model.Type(model.REAL)
    return formula(text, **{name: model.Reference(real, name, span=BUILTIN) for name in names})
