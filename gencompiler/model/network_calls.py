"""Network calls: `mlp(a, hidden = [H, H])`, `linear(h)`, `bias()`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.model import nodes
from gencompiler.model.builder import Context, PendingNetwork
from gencompiler.model.constants import size
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify, unknown_type
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def network(
    infer: Infer, context: Context, expr: tree.Call, kind: networks.NetworkKind, output_names: tuple[str, ...]
) -> tuple[nodes.Expr, ...]:
    """One output expression for each name; sizes left open are solved by use."""
    inputs = tuple(_input(infer, context, a) for a in expr.arguments if a.name is None)
    options = _options(infer, expr, kind)
    hidden = tuple(_sizes(infer, context, options["hidden"])) if "hidden" in options else ()
    activation = _activation(infer, options.get("activation"))
    path = infer.builder.fresh(f"{context.path}{kind.name}")
    types = tuple(unknown_type(nodes.REAL) for _ in output_names)
    if "size" in options:
        stated = size(options["size"], context.constants, infer.builder.reporter)
        for type_ in types:
            if stated is not None:
                unify(type_, nodes.Type(nodes.REAL, (stated,)))
    sizes = tuple((known_shape(i.type) or (0,))[0] for i in inputs)
    found = nodes.Network(
        path, kind.name, hidden, activation, sizes, (), context.iterations, context.in_map, output_names, span=expr.span
    )
    infer.builder.networks[path] = PendingNetwork(found, types)
    return tuple(nodes.NetworkOutput(t, path, number, inputs, span=expr.span) for number, t in enumerate(types))


def _input(infer: Infer, context: Context, argument: tree.Argument) -> nodes.Expr:
    if argument.value is None:
        infer.builder.unsupported("a binder as a network's input", argument.span)
    value = infer.expression(context, argument.value)
    if any(isinstance(n, nodes.Before) for n in walk(value)):
        infer.builder.unsupported("a network on a causal view", argument.span)
    shape = known_shape(value.type)
    if shape is None:
        infer.builder.report(
            "G202",
            "nothing determines the size of this network's input",
            argument.span,
            "size unknown",
            help=("state it: `size = n` in the call that makes it",),
        )
    if len(shape) > 1:
        infer.builder.unsupported("a network on a tensor with several axes", argument.span)
    return value


def _options(infer: Infer, expr: tree.Call, kind: networks.NetworkKind) -> dict[str, tree.Expr]:
    known = frozenset(name for name, _ in kind.options)
    if expr.conditions is not None:
        infer.builder.report("G104", f"`{kind.name}` takes no conditions", expr.span, "remove what follows the bar")
    found: dict[str, tree.Expr] = {}
    for argument in expr.arguments:
        if argument.name is None:
            continue
        if argument.name.id not in known or argument.value is None:
            infer.builder.report(
                "G107",
                f"`{kind.name}` has no option called `{argument.name.id}`",
                argument.span,
                "unknown option",
                help=nearest(argument.name.id, known) or (f"it has {', '.join(f'`{k}`' for k in sorted(known))}",),
            )
        found[argument.name.id] = argument.value
    return found


def _sizes(infer: Infer, context: Context, expr: tree.Expr) -> list[int]:
    items = expr.items if isinstance(expr, tree.Array | tree.TupleExpr) else (expr,)
    found = [size(item, context.constants, infer.builder.reporter) for item in items]
    if any(s is None for s in found):
        from gencompiler.model.builder import Abandon

        raise Abandon
    return [int(Fraction(s)) for s in found if s is not None]


def _activation(infer: Infer, expr: tree.Expr | None) -> str:
    if expr is None:
        return "relu"
    if not isinstance(expr, tree.Name) or expr.id not in networks.ACTIVATIONS:
        infer.builder.report(
            "G107",
            "an activation is one of " + ", ".join(f"`{a}`" for a in networks.ACTIVATIONS),
            expr.span,
            "not an activation",
        )
    return expr.id
