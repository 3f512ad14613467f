"""Bijections of several variables, `leapfrog(x, v) -> (Real[D], Real[D])`: a function for each result."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.model.conditions import by_default
from gencompiler.model.definitions import enter
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def instantiate(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    types: tuple[nodes.Type, ...],
    at: tree.Expr,
    conditions: tuple[tree.Argument, ...] = (),
) -> tuple[nodes.UseMany, tuple[nodes.Type, ...]]:
    """A bijection of several variables as one function for each of its results, and the types of these.

    Its conditions become further inputs of the functions."""
    builder, signature = infer.builder, definition.signature
    count = len(signature.variables) if signature is not None else 0
    if signature is None or count != len(types):
        message = f"`{definition.name.id}` is a map of {counted(count, 'variable')}, and gets {len(types)}"
        builder.report("G104", message, at.span, "they must pair up", also=(Label(definition.span, "defined here"),))
    if definition.requires is not None:
        builder.unsupported("a bijection of several variables with `requires`", definition.span)
    given = _given(infer, context, definition, conditions, at)
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
    whole = tree.Signature((*signature.variables, *(signature.conditions or ())), None, span=signature.span)
    plain = dataclasses.replace(definition, signature=whole, result=None)
    every = (*types, *(b.value.type for b in given))
    for number, item in enumerate(value.items):
        key = f"{definition.name.id}{tuple(t.shape for t in every)}.{number}"
        if key not in builder.functions_by_shape or definition.name.id not in builder.local_definitions:
            name = builder.fresh(f"{definition.name.id}_{number}")
            inner, inputs = enter(infer, context, plain, every, (), f"{name}.", at)
            body = infer.expression(inner, tree.Where(item, block, span=item.span) if block is not None else item)
            builder.functions[name] = nodes.Function(name, inputs, body, span=definition.span)
            builder.functions_by_shape[key] = name
        names.append(builder.functions_by_shape[key])
        results.append(builder.functions[names[-1]].body.type)
    if len(builder.networks) > networks:
        builder.unsupported("a network in a bijection of several variables", definition.span)
    return nodes.UseMany(definition.name.id, tuple(names), given, span=at.span), tuple(results)


def _given(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    conditions: tuple[tree.Argument, ...],
    at: tree.Expr,
) -> tuple[nodes.Binding, ...]:
    """A value for each condition, of its own or by default."""
    assert definition.signature is not None
    named = {a.name.id: a for a in conditions if a.name is not None}
    found = []
    for declaration in definition.signature.conditions or ():
        name = declaration.name.id
        argument = named.pop(name, None)
        if argument is not None and argument.value is not None:
            found.append(nodes.Binding(name, infer.expression(context, argument.value), span=at.span))
        elif argument is None and declaration.default is not None:
            found.append(by_default(infer, context, name, declaration.default, at))
        else:
            infer.builder.report(
                "G104",
                f"`{definition.name.id}` needs `{name}`",
                at.span,
                f"write `{definition.name.id}({name} = …)`",
                also=(Label(declaration.span, "declared here"),),
            )
    if named or any(a.name is None for a in conditions):
        message = f"`{definition.name.id}` takes {counted(len(found), 'condition')} by name"
        infer.builder.report("G104", message, at.span, "too many arguments", also=(Label(definition.span),))
    return tuple(found)
