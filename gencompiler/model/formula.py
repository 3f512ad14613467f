"""Catalogue formulas: a text in the language becomes a Model-IR expression with the given names put in."""

from __future__ import annotations

import dataclasses
import functools

from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import BUILTIN, Span
from gencompiler.model import nodes
from gencompiler.model.builder import Builder, Context
from gencompiler.model.infer import Infer
from gencompiler.model.prelude import Declarations
from gencompiler.node import Node, rebuild
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse_expression


@functools.cache
def _parsed(text: str) -> tree.Expr:
    return parse_expression(text, "<catalogue>", BUILTIN)


def formula(text: str, **names: nodes.Expr) -> nodes.Expr:
    """`formula("1 - tanh(a)^2", a=e)`: the typed expression, elementwise in the shapes of the given names.

    A name that the language uses (`log`) cannot be given.  A formula that does not resolve is a mistake in the
    catalogue."""
    infer = Infer(Builder(Reporter(), Declarations({}, {})))
    return infer.expression(Context({}, dict(names), {}), _parsed(text))


def placed(expr: nodes.Expr, span: Span) -> nodes.Expr:
    """`expr` with `span` as the place of what the catalogue wrote."""

    def visit(part: Node) -> Node:
        found = rebuild(part, visit)
        return dataclasses.replace(found, span=span) if found.span == BUILTIN else found

    result = visit(expr)
    assert isinstance(result, nodes.Expr)
    return result


def number(value: nodes.Real) -> nodes.Literal:
    """A scalar literal without a place in a spec."""
    return nodes.Literal(nodes.Type(nodes.REAL), value, span=BUILTIN)
