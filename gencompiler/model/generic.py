"""Functions of definitions: `weighting(vp, t)` with `def variance(k, t) = noise(k, t)^2`.

An untyped argument of a top-level `def` is generic.  Where a definition is passed for one, the call is expanded in
place, the argument going by its name in the body.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def takes_definitions(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> bool:
    """Whether some argument of a call is the name of a definition."""
    local = definition.name.id in infer.builder.local_definitions
    return not local and any(_names_definition(infer, context, a.value) for a in expr.arguments)


def _names_definition(infer: Infer, context: Context, value: tree.Expr | None) -> bool:
    if not isinstance(value, tree.Name) or value.id in context.names or value.id in context.constants:
        return False
    return infer.builder.definition(context, value.id) is not None


def expand(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> nodes.Expr:
    """The body of a generic `def` for these arguments; values are bound once, under names of their own."""
    builder = infer.builder
    variables = definition.signature.variables if definition.signature else ()
    if len(expr.arguments) != len(variables) or any(a.name is not None or a.value is None for a in expr.arguments):
        builder.report(
            "G104",
            f"`{definition.name.id}` takes {counted(len(variables), 'argument')}",
            expr.span,
            "wrong arguments",
            also=(Label(definition.name.span, "defined here"),),
        )
    if not isinstance(definition.body, tree.Expr) or definition.name.id in builder.open:
        builder.report("G108", f"`{definition.name.id}` uses itself", expr.span, "a definition must end")
    names: dict[str, nodes.Expr] = {}
    aliases: dict[str, str] = {}
    bindings: list[nodes.Binding] = []
    for variable, argument in zip(variables, expr.arguments, strict=True):
        assert argument.value is not None
        if isinstance(argument.value, tree.Name) and _names_definition(infer, context, argument.value):
            aliases[variable.name.id] = context.actual(argument.value.id)
            continue
        value = infer.expression(context, argument.value)
        if isinstance(value, nodes.Reference | nodes.Literal):
            names[variable.name.id] = value
            continue
        own = builder.fresh(f"_{variable.name.id}")
        bindings.append(nodes.Binding(own, value, span=argument.span))
        names[variable.name.id] = nodes.Reference(value.type, own, span=argument.span)
    inside = Context({}, names, {}, context.path, aliases=aliases)
    inside = dataclasses.replace(inside, constants={k: v for k, v in context.constants.items() if k == "cutoff"})
    with builder.inside(definition.name.id):
        body = infer.expression(inside, definition.body)
    return nodes.Let(body.type, tuple(bindings), body, span=expr.span) if bindings else body
