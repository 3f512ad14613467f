"""A bijection of which a part goes through a pipeline of its own: `join(a |> …, b) where { a, b = split(u) }`.

What the other part is, passes: so a multiscale flow leaves some of its variables where they are, and looks at the rest
more closely (Dinh, Sohl-Dickstein & Bengio, Density estimation using Real NVP, ICLR 2017, section 3.6).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.model import definitions, nodes
from gencompiler.model.builder import Context
from gencompiler.model.conditions import constants_of, sizes_named
from gencompiler.model.declared import declared_support
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Written:
    """The stages of each of the two parts, in order, as written, and all of it."""

    pipelines: tuple[tuple[tree.Expr, ...], ...]
    expr: tree.Expr


def written(definition: tree.Definition) -> Written | None:
    """What a definition of this form says; None for one of any other form, or without a pipeline."""
    from gencompiler.model.pipelines import flatten

    body = definition.body
    if not isinstance(body, tree.Where) or len(body.block.items) != 1 or not _is_call(body.body, "join"):
        return None
    assert isinstance(body.body, tree.Call)
    (item,) = body.block.items
    names = [t.id for t in item.targets if isinstance(t, tree.Name)]
    input_ = definition.signature.variables[0].name.id if definition.signature else ""
    if not _is_call(item.value, "split") or [a.value for a in _arguments(item.value)] != [
        tree.Name(input_, span=item.span)
    ]:
        return None
    values = [a.value for a in body.body.arguments]
    pipes = [flatten(v) for v in values if v is not None]
    sources = [source.id for source, _ in pipes if isinstance(source, tree.Name)]
    if sources != names or len(names) != 2 or not any(stages for _, stages in pipes):
        return None
    return Written(tuple(stages for _, stages in pipes), body)


def _is_call(expr: tree.Expr, name: str) -> bool:
    return isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name) and expr.function.id == name


def _arguments(expr: tree.Expr) -> tuple[tree.Argument, ...]:
    return expr.arguments if isinstance(expr, tree.Call) else ()


def stages(infer: Infer, context: Context, cut: Written, shape: Shape) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """The two parts as `split` cuts them, each through its stages."""
    from gencompiler.model import pipelines

    builder = infer.builder
    if not shape or shape[0] < 2:
        builder.report("G407", "a single dimension cannot be split", cut.expr.span, f"the shape is {list(shape)}")
    half = shape[0] // 2
    found: list[nodes.Part] = []
    for count, exprs in zip((half, shape[0] - half), cut.pipelines, strict=True):
        own = (count, *shape[1:])
        made, result = pipelines.stages(infer, context, exprs, own)
        pipelines.keeps_shape(infer, "a part", own, result, cut.expr.span)
        part = nodes.Part(count, made, span=cut.expr.span)
        for stage in walk(part):
            if isinstance(stage, nodes.UseOde | nodes.UseSurjection):
                builder.unsupported("a part that goes through anything but bijections", stage.span)
        found.append(part)
    return (nodes.Parts(tuple(found), span=cut.expr.span),), shape


def with_constants(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    shape: tuple[int, ...],
    given: tuple[tree.Argument, ...],
    at: tree.Expr,
) -> Context:
    """The context of a bijection that is made of stages: it has constants of its own, and nothing else.  What passes
    into it is what it is declared to take: where it is undone, that is not what comes before."""
    signature = definition.signature
    if signature is None:
        return context
    sizes = sizes_named(signature)
    constants = {name: value for name, value in context.constants.items() if name not in sizes}
    constants_of(infer, context, signature, given, constants)
    for variable in signature.variables:
        if isinstance(variable.type, tree.SupportType) and variable.type.shape:
            definitions.solve(infer, variable, nodes.Type(nodes.REAL, shape), constants, at)
    for declaration in signature.conditions or ():
        if declaration.name.id not in constants:
            infer.builder.unsupported("a parameter of a bijection that is a pipeline", declaration.span)
    taken = signature.variables[0].type if signature.variables else None
    own = declared_support(infer.builder, taken, constants) if isinstance(taken, tree.SupportType) else context.passing
    return dataclasses.replace(context, constants=constants, passing=own)
