"""Bijections of several variables, `leapfrog(x, v) -> (Real[D], Real[D])`: a function for each result."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.model.definitions import enter
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def instantiate(
    infer: Infer, context: Context, definition: tree.Definition, types: tuple[nodes.Type, ...], at: tree.Expr
) -> tuple[tuple[str, ...], tuple[nodes.Type, ...]]:
    """A bijection of several variables as one function for each of its results, and their types."""
    builder, signature = infer.builder, definition.signature
    count = len(signature.variables) if signature is not None else 0
    if signature is None or count != len(types):
        message = f"`{definition.name.id}` is a map of {counted(count, 'variable')}, and gets {len(types)}"
        builder.report("G104", message, at.span, "they must pair up", also=(Label(definition.span, "defined here"),))
    if signature.conditions or definition.requires is not None:
        builder.unsupported("a bijection of several variables with parameters", definition.span)
    value = definition.body
    block: tree.Block | None = None
    if isinstance(value, tree.Where):
        block, value = value.block, value.body
    if not isinstance(value, tree.TupleExpr) or len(value.items) != count:
        builder.report(
            "G203",
            f"`{definition.name.id}` takes {counted(count, 'value')} and must give as many",
            definition.span,
            "not a bijection",
            help=("write `= (first, second) where { … }`",),
        )
    networks = len(builder.networks)
    names: list[str] = []
    results: list[nodes.Type] = []
    plain = dataclasses.replace(definition, result=None)
    for number, item in enumerate(value.items):
        key = f"{definition.name.id}{tuple(t.shape for t in types)}.{number}"
        if key not in builder.functions_by_shape or definition.name.id not in builder.local_definitions:
            name = builder.fresh(f"{definition.name.id}_{number}")
            inner, inputs = enter(infer, context, plain, types, (), f"{name}.", at)
            body = infer.expression(inner, tree.Where(item, block, span=item.span) if block is not None else item)
            builder.functions[name] = nodes.Function(name, inputs, body, span=definition.span)
            builder.functions_by_shape[key] = name
        names.append(builder.functions_by_shape[key])
        results.append(builder.functions[names[-1]].body.type)
    if len(builder.networks) > networks:
        builder.unsupported("a network in a bijection of several variables", definition.span)
    return tuple(names), tuple(results)
