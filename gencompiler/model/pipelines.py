"""Pipelines of maps: `z |> repeat(8) { AffineCoupling |> reverse } |> sigmoid |> quantize(17)`."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import functions, supports, words
from gencompiler.diagnostics.span import Span
from gencompiler.model import definitions, derived_flows, flows, images, nodes, parts
from gencompiler.model.builder import Context, IndexInfo
from gencompiler.model.conditions import by_name
from gencompiler.model.constants import size
from gencompiler.model.scope import nearest
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

Shape = tuple[int, ...]


def flatten(expr: tree.Expr) -> tuple[tree.Expr, tuple[tree.Expr, ...]]:
    """The source of a pipeline and its stages, in order."""
    stages: list[tree.Expr] = []
    while isinstance(expr, tree.Binary) and expr.operator == "|>":
        stages.append(expr.right)
        expr = expr.left
    return expr, tuple(reversed(stages))


def stages(
    infer: Infer, context: Context, exprs: tuple[tree.Expr, ...], shape: Shape
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """The typed stages for an input of this shape, of the support that is passing, and the shape of the result."""
    found: list[nodes.Stage] = []
    for expr in exprs:
        made, shape = _stage(infer, context, expr, shape)
        found.extend(made)
        context = dataclasses.replace(context, passing=after(infer, made, context.passing))
    return tuple(found), shape


def after(infer: Infer, made: tuple[nodes.Stage, ...], before: nodes.Support) -> nodes.Support:
    """The support that stages end in."""
    for stage in made:
        match stage:
            case nodes.Repeat():
                before = after(infer, stage.stages, before)
            case nodes.UseInverse():
                before = infer.builder.maps[stage.map].input.type.support
            case nodes.UseMap():
                before = infer.builder.maps[stage.map].result.support
    return before


def _stage(infer: Infer, context: Context, expr: tree.Expr, shape: Shape) -> tuple[tuple[nodes.Stage, ...], Shape]:
    if isinstance(expr, tree.Wrap):
        return _repeat(infer, context, expr, shape)
    head = expr.function if isinstance(expr, tree.Call) else expr
    arguments = expr.arguments + (expr.conditions or ()) if isinstance(expr, tree.Call) else ()
    if not isinstance(head, tree.Name):
        infer.builder.report("G103", "a stage of a pipeline is a map", expr.span, "not a map")
    builder, name = infer.builder, head.id
    if name in builder.definitions:
        return _definition(infer, context, builder.definitions[name], arguments, shape, expr)
    if name == "ode":
        return (flows.stage(infer, context, expr, shape),), shape
    if name == "flow":
        return (derived_flows.stage(infer, context, expr, shape),), shape
    if name == "quantize":
        return _quantize(infer, context, expr, arguments, shape)
    if name in images.REARRANGED:
        return images.rearranged(infer, context, name, expr, shape)
    if name == "inverse":
        return _inverse(infer, context, expr, arguments, shape)
    if arguments:
        builder.unsupported(f"the stage `{name}(…)`", expr.span)
    if name == "reverse":
        kept = context.passing
        return _built(infer, name, shape, _reversal(infer, shape, expr.span), (), expr.span, kept, kept)
    fact = functions.FUNCTIONS.get(name)
    if fact is not None and fact.arity == 1:
        domain, range_ = _support(fact.domain), _support(fact.range)
        if domain is None or range_ is None:
            builder.unsupported(f"the stage `{name}`", expr.span)
        scalar = nodes.Type(domain)
        body = nodes.Apply(
            nodes.Type(nodes.REAL), name, (nodes.Reference(scalar, "u", span=expr.span),), span=expr.span
        )
        return _built(infer, name, shape, body, shape, expr.span, domain, range_)
    if name in (*words.PLANNED, *words.STRUCTURE, *words.MATRICES, *words.WRAPPERS):
        builder.unsupported(f"the stage `{name}`", expr.span)
    return builder.report(
        "G103",
        f"`{name}` is not a map",
        expr.span,
        "a stage of a pipeline is a map",
        help=nearest(name, frozenset(builder.definitions.of_kind("bijection"))),
    )


def _support(interval: str) -> nodes.Support | None:
    """The support that an interval of the catalogue is."""
    found = supports.of_interval(interval)
    if found is None:
        return None
    ends = tuple(float(end) if "inf" in end else Fraction(end) for end in found[1])
    return nodes.Support(found[0], ends)


def _built(
    infer: Infer,
    name: str,
    shape: Shape,
    body: nodes.Expr,
    lift: Shape,
    span: Span,
    domain: nodes.Support = nodes.REAL,
    range_: nodes.Support = nodes.REAL,
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """A map of the language itself; every use of one shape shares an instance, since it owns nothing."""
    builder = infer.builder
    key = f"{name}{list(shape)}{domain}"
    if key not in builder.builtin_maps:
        instance = builder.fresh(name)
        inner = () if lift else shape
        builder.maps[instance] = nodes.Map(
            instance,
            name,
            nodes.Input("u", nodes.Type(domain, inner), span=span),
            nodes.Type(range_, inner),
            lift,
            body,
            span=span,
        )
        builder.builtin_maps[key] = instance
    return (nodes.UseMap(builder.builtin_maps[key], span=span),), shape


def _reversal(infer: Infer, shape: Shape, span: Span) -> nodes.Expr:
    if not shape:
        infer.builder.report("G201", "`reverse` works on a tensor, and this is a scalar", span, "a scalar")
    type_ = nodes.Type(nodes.REAL, shape)
    return nodes.Permute(type_, nodes.Reference(type_, "u", span=span), tuple(reversed(range(shape[0]))), span=span)


def _definition(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    arguments: tuple[tree.Argument, ...],
    shape: Shape,
    expr: tree.Expr,
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    if definition.kind != "bijection":
        infer.builder.report(
            "G103", f"`{definition.name.id}` is a {definition.kind}, not a bijection", expr.span, "not a map"
        )
    arguments = tuple(by_name(infer, definition, arguments).values())
    source, inner = flatten(definition.body) if isinstance(definition.body, tree.Expr) else (None, ())
    if inner and isinstance(source, tree.Name):
        return _composite(infer, context, definition, arguments, shape, expr)
    if (cut := parts.written(definition)) is not None:
        return _composite(infer, context, definition, arguments, shape, expr, cut)
    name, result = definitions.instantiate_map(infer, context, definition, arguments, shape, expr)
    return (nodes.UseMap(name, span=expr.span),), result


def _inverse(
    infer: Infer, context: Context, expr: tree.Expr, arguments: tuple[tree.Argument, ...], shape: Shape
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """`inverse(F)`: the stages that F stands for, backwards."""
    inner = arguments[0].value if len(arguments) == 1 and arguments[0].name is None else None
    if inner is None:
        infer.builder.report("G104", "`inverse(F)` takes one map", expr.span, "wrong arguments")
    found, result = _stage(infer, context, inner, shape)
    if result != shape:
        infer.builder.unsupported("the inverse of a map that changes the shape", expr.span)
    undone: list[nodes.Stage] = []
    for stage in reversed(found):
        if not isinstance(stage, nodes.UseMap):
            infer.builder.unsupported("the inverse of anything but maps with a formula", expr.span)
        kind = nodes.UseMap if isinstance(stage, nodes.UseInverse) else nodes.UseInverse
        undone.append(kind(stage.map, span=expr.span))
    return tuple(undone), shape


def _composite(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    arguments: tuple[tree.Argument, ...],
    shape: Shape,
    expr: tree.Expr,
    cut: parts.Written | None = None,
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """A bijection that is itself a pipeline, or whose parts are, stands for its stages."""
    builder = infer.builder
    if definition.name.id in builder.open:
        builder.report("G108", f"`{definition.name.id}` uses itself", expr.span, "a definition must end")
    with builder.inside(definition.name.id):
        own = parts.with_constants(infer, context, definition, shape, arguments, expr)
        if cut is not None:
            return parts.stages(infer, own, cut, shape)
        assert isinstance(definition.body, tree.Expr)
        return stages(infer, own, flatten(definition.body)[1], shape)


def _quantize(
    infer: Infer, context: Context, expr: tree.Expr, arguments: tuple[tree.Argument, ...], shape: Shape
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    if len(arguments) not in (1, 2) or any(a.value is None or a.name is not None for a in arguments):
        message = "`quantize(K)` takes the number of levels, and the variable that the rest becomes: `quantize(K, u)`"
        infer.builder.report("G104", message, expr.span, "wrong arguments")
    assert arguments[0].value is not None
    rest = _rest(infer, context, arguments[1], shape) if len(arguments) == 2 else ""
    levels = size(arguments[0].value, context.constants, infer.builder.reporter)
    if levels is None:
        raise definitions.Abandon
    name = infer.builder.fresh("quantize")
    infer.builder.surjections[name] = nodes.Surjection(name, levels, shape, rest, span=expr.span)
    return (nodes.UseSurjection(name, span=expr.span),), shape


def _rest(infer: Infer, context: Context, argument: tree.Argument, shape: Shape) -> str:
    """The latent variable that the position within a level becomes."""
    value = infer.expression(context, argument.value) if argument.value is not None else None
    variable = value.name if isinstance(value, nodes.Reference) else ""
    if value is None or variable not in infer.builder.latents:
        infer.builder.report(
            "G104",
            "what `quantize` leaves of a number becomes a latent variable",
            argument.span,
            "not a latent variable",
            help=("declare it: `latent u : Unit[D]`",),
        )
    if context.iterations:
        infer.builder.unsupported("a level's rest in a repetition", argument.span)
    if value.type.shape != shape:
        infer.builder.report(
            "G407", f"the rest has the shape {list(shape)}", argument.span, f"`{variable}` has {list(value.type.shape)}"
        )
    return variable


def _repeat(infer: Infer, context: Context, expr: tree.Wrap, shape: Shape) -> tuple[tuple[nodes.Stage, ...], Shape]:
    head = expr.head
    if not (isinstance(head, tree.Call) and isinstance(head.function, tree.Name) and head.function.id == "repeat"):
        infer.builder.report("G103", "only `repeat(n) { … }` wraps stages", expr.head.span, "not `repeat`")
    if len(head.arguments) != 1:
        infer.builder.report("G104", "`repeat(n)` takes one number", head.span, "wrong number of arguments")
    count, index = _count(infer, context, head.arguments[0])
    inside = dataclasses.replace(context, iterations=(*context.iterations, count))
    if index is not None:
        inside = dataclasses.replace(inside.index(index), layers=(*inside.layers, (index.name, count)))
    source, rest = flatten(expr.body)
    found, result = stages(infer, inside, (source, *rest), shape)
    keeps_shape(infer, "each iteration", shape, result, expr.span)
    return (nodes.Repeat(count, found, index.name if index is not None else "", span=expr.span),), shape


def keeps_shape(infer: Infer, what: str, shape: Shape, result: Shape, span: Span) -> None:
    """Report what does not give the shape that it takes."""
    if result != shape:
        message = f"{what} must keep the shape: {list(shape)} goes in, {list(result)} comes out"
        infer.builder.report("G407", message, span, "the shape changes")


def _count(infer: Infer, context: Context, argument: tree.Argument) -> tuple[int, IndexInfo | None]:
    """How often `repeat(n)` or `repeat(l in n)` runs, and its index."""
    if argument.binding is not None:
        index = infer.binding(context, argument.binding)
        if index.extent is None:
            infer.builder.report("G202", "nothing determines how often this runs", argument.span, "no range")
        if index.name in context.indices or index.name in context.names:
            infer.builder.report("G102", f"`{index.name}` has another meaning here", argument.span, "defined again")
        return index.extent, index
    count = size(argument.value, context.constants, infer.builder.reporter) if argument.value is not None else None
    if count is None:
        raise definitions.Abandon
    return count, None
