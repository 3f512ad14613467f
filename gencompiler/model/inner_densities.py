"""Densities inside a model: `density path(x, h | t : Interval(0, 1)) ∝ exp(t * (b @ x + x @ W @ h))`.

Such a density is of variables of the model, given others and conditions of its own.  It may mention joints as values,
`p(z) * p(x | z)^t`, and distributions of the catalogue, `Normal(x | 0, 2)^(1 - t)`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog import distributions
from gencompiler.model import frames, laws, nodes
from gencompiler.model.builder import Context
from gencompiler.model.declared import declared_type
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def frame(
    definition: tree.Definition,
    variables: Mapping[str, nodes.Variable],
    joints: frozenset[str],
    known: Mapping[str, nodes.Variable],
) -> frames.Frame:
    """Where the names of `known` have values; a name, also a primed one, means its variable."""
    meanings: dict[str, tuple[nodes.Variable, ...]] = {}
    for variable in variables.values():
        meanings[variable.name] = meanings[f"{variable.name}'"] = (variable,)
    drawn = {n: frames.Group((v,), (n,), None, v.span) for n, v in known.items()}
    return frames.Frame(definition.name.id, definition.span.source, meanings, joints, drawn)


def known_as(context: Context, name: str, variable: nodes.Variable, value: nodes.Expr) -> Context:
    """A context in which `name` has a value of a variable."""
    assert context.frame is not None
    group = frames.Group((variable,), (name,), None, value.span)
    names = {**context.names, **frames.values(group, name, value.span), name: value}
    names[frames.part(name, variable.name)] = value
    return dataclasses.replace(context, names=names, frame=context.frame.draw(name, group))


def condition(
    infer: Infer, context: Context, declaration: tree.ParameterDecl, variables: Mapping[str, nodes.Variable]
) -> nodes.Input:
    """What stands after a bar: a variable of the model, or an input with a type of its own."""
    name = declaration.name
    if declaration.type is not None:
        type_ = declared_type(infer.builder, declaration.type, context.constants)
        if name.id in variables:
            infer.builder.report("G102", f"`{name.id}` is a variable of the model", name.span, "declared again")
        return nodes.Input(name.id, type_, span=name.span)
    if name.id not in variables:
        infer.builder.report(
            "G604",
            f"`{name.id}` is not a variable of the model",
            name.span,
            "right of the bar stand variables, or conditions with a type",
            help=(f"declare it: `{name.id} : Interval(0, 1)`",),
        )
    return nodes.Input(name.id, variables[name.id].type, span=name.span)


def resolve(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    variables: Mapping[str, nodes.Variable],
    joints: frozenset[str],
) -> nodes.Density:
    """A density of a model, and the function that is its logarithm."""
    builder, signature = infer.builder, definition.signature
    if signature is None or not isinstance(definition.body, tree.Expr):
        builder.report(
            "G304",
            "a density has the head `(x | …)` and a formula",
            definition.span,
            f"`{definition.name.id}` of what?",
        )
    of: list[nodes.Input] = []
    for declaration in signature.variables:
        name = declaration.name
        if name.id not in variables:
            builder.unsupported("a density inside a model of something besides its variables", declaration.span)
        of.append(nodes.Input(name.id, variables[name.id].type, span=name.span))
    usual = next((d.default for d in signature.conditions or () if d.default is not None), None)
    if usual is not None:
        builder.unsupported("a condition of a density with a default", usual.span)
    given = [condition(infer, context, d, variables) for d in signature.conditions or ()]
    inputs = (*of, *given)
    known = {i.name: variables[i.name] for i in inputs if i.name in variables}
    names = {n: e for n, e in context.names.items() if n not in variables or variables[n].role == "given"}
    inside = Context(context.constants, names, {}, f"{definition.name.id}.")
    inside = dataclasses.replace(inside, frame=frame(definition, variables, joints, {}))
    for each in inputs:
        own = nodes.Reference(each.type, each.name, span=each.span)
        if each.name in known:
            inside = known_as(inside, each.name, known[each.name], own)
        else:
            inside = inside.bind(**{each.name: own})
    value = infer.expression(inside, definition.body)
    shape = known_shape(value.type)
    if shape != ():
        builder.report(
            "G201",
            "a density is a scalar",
            definition.body.span,
            f"this has the shape {list(shape or ())}",
            help=("reduce it: `sum(…)`, or `prod(…)`",),
        )
    log = nodes.Apply(nodes.Type(nodes.REAL), "log", (value,), span=value.span)
    function = builder.fresh(f"log_{definition.name.id}")
    builder.functions[function] = nodes.Function(function, inputs, log, span=definition.span)
    return nodes.Density(
        definition.name.id,
        tuple(of),
        tuple(given),
        definition.relation != "∝",
        value,
        function,
        span=definition.span,
    )


def log_law(infer: Infer, context: Context, call: tree.Call) -> nodes.LogLaw | None:
    """log of `Normal(x | m, s)`: a density of the catalogue, or one stated outside the model, at a value; None for any
    other call."""
    function = call.function
    if not isinstance(function, tree.Name) or call.conditions is None:
        return None
    stated = infer.builder.definitions.get(function.id)
    outside = stated is not None and stated.kind == "density" and function.id not in infer.builder.local_definitions
    if function.id not in distributions.DISTRIBUTIONS and not outside:
        return None
    if len(call.arguments) != 1 or call.arguments[0].name is not None or call.arguments[0].value is None:
        infer.builder.report("G104", f"`{function.id}(x | …)` is a density at one value", call.span, "of what?")
    event = infer.expression(context, call.arguments[0].value)
    plain = tree.Call(function, call.conditions, span=call.span)
    shape = known_shape(event.type)
    if shape is None:
        infer.builder.report("G202", "nothing determines the size of this", event.span, "size unknown")
    if context.frame is not None and context.frame.laws is not None:
        infer.builder.unsupported("a density at a value in an objective", call.span)
    found = laws.distribution(infer, context, plain, nodes.Type(event.type.support, shape))
    assert isinstance(found, nodes.Distribution)
    return nodes.LogLaw(nodes.Type(nodes.REAL), found, event, span=call.span)
