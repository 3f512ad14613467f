"""Instances of definitions: a template met with concrete shapes becomes a Function or a Map with parameters of its own.

What is declared at top level is fresh at every use; what is declared inside a model owns one set of parameters, so its
instances are shared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import own_axes
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import externals, generic, moving_supports, nodes, starts
from gencompiler.model.argument_sizes import inputs_of, known, solve
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.conditions import computed, constants_of
from gencompiler.model.declared import declared_support, fits
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

#: The comparisons that a `requires` may state.
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "not_equal")

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def call(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    definition: tree.Definition,
    expected: tuple[int, ...] | None = None,
) -> nodes.Expr:
    """`f(a, b | c)` of a user's `def`; `expected`: the shape that its value must have, where that is known."""
    if generic.takes_definitions(infer, context, expr, definition):
        return generic.expand(infer, context, expr, definition)
    if definition.kind == "bijection":
        from gencompiler.model import applied

        return applied.bijection(infer, context, expr, definition)
    if definition.kind != "def":
        infer.builder.unsupported(f"a {definition.kind} applied inside an expression", expr.span)
    arguments = _match(infer, context, expr, definition)
    if definition.extern:
        types = tuple(a.type for a in arguments)
        inner, inputs = enter(infer, context, definition, types, (), "", expr)
        return externals.call(infer, definition, tuple(arguments), inner.constants, inputs, expr)
    name = instantiate(infer, context, definition, tuple(arguments), expr, expected)
    function = infer.builder.functions[name]
    return nodes.Call(function.body.type, name, tuple(arguments), span=expr.span)


def gradient(infer: Infer, context: Context, expr: tree.Call, head: tree.Call) -> nodes.Expr:
    """`grad(f)(x, …)`: a tensor of the shape of `x`."""
    if len(head.arguments) != 1 or head.conditions is not None or not isinstance(head.arguments[0].value, tree.Name):
        infer.builder.unsupported("the gradient of anything but a named function", head.span)
    name = head.arguments[0].value
    definition = infer.builder.definition(context, name.id)
    if definition is None or definition.kind != "def":
        infer.builder.unsupported(f"the gradient of `{name.id}`", name.span)
    arguments = _match(infer, context, expr, definition)
    instance = instantiate(infer, context, definition, tuple(arguments), expr)
    if known_shape(infer.builder.functions[instance].body.type) != ():
        infer.builder.report(
            "G201",
            f"`grad` differentiates a scalar function, and `{name.id}` gives a tensor",
            expr.span,
            also=(Label(definition.name.span, "defined here"),),
        )
    return nodes.Gradient(arguments[0].type, instance, tuple(arguments), span=expr.span)


def instantiate(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    arguments: tuple[nodes.Expr, ...],
    at: tree.Expr,
    expected: tuple[int, ...] | None = None,
) -> str:
    """The name of the instance of a `def` for arguments of these shapes; made when there is none yet."""
    builder = infer.builder
    shapes = tuple(known_shape(a.type) for a in arguments)
    key = f"{definition.name.id}{shapes}"
    if key in builder.functions_by_shape and definition.name.id in builder.local_definitions:
        return builder.functions_by_shape[key]
    if definition.name.id in builder.open:
        builder.report(
            "G108",
            f"`{definition.name.id}` uses itself",
            at.span,
            "a definition must end",
            also=(Label(definition.name.span, "defined here"),),
        )
    if definition.extern or not isinstance(definition.body, tree.Expr):
        builder.unsupported("a network supplied from outside (`extern def`) here", at.span)
    name = builder.fresh(definition.name.id)
    types = tuple(a.type for a in arguments)
    with builder.inside(definition.name.id):
        inner, inputs = enter(infer, context, definition, types, (), f"{name}.", at, expected=expected)
        body = infer.expression(inner, definition.body)
        _check_result(infer, inner, definition, body)
        result = _promised(infer, inner, definition)
    builder.functions[name] = nodes.Function(name, inputs, body, result, span=definition.span)
    builder.functions_by_shape[key] = name
    return name


def _match(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> list[nodes.Expr]:
    """The arguments of a call in the order of the definition's variables."""
    variables = definition.signature.variables if definition.signature else ()
    if expr.conditions is not None or (definition.signature and definition.signature.conditions):
        infer.builder.unsupported("a `def` with parameters after the bar", expr.span)
    by_name = {a.name.id: a.value for a in expr.arguments if a.name is not None}
    plain = [a.value for a in expr.arguments if a.name is None]
    found: list[nodes.Expr] = []
    for variable in variables:
        value = by_name.pop(variable.name.id, None) or (plain.pop(0) if plain else variable.default)
        if value is None:
            infer.builder.report(
                "G104",
                f"`{definition.name.id}` needs `{variable.name.id}`",
                expr.span,
                "an argument is missing",
                also=(Label(variable.span, "declared here"),),
            )
        found.append(infer.expression(context, value))
    if plain or by_name:
        infer.builder.report(
            "G104",
            f"`{definition.name.id}` takes {counted(len(variables), 'argument')}",
            expr.span,
            "too many arguments",
            also=(Label(definition.name.span, "defined here"),),
        )
    return found


def enter(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    arguments: tuple[nodes.Type, ...],
    conditions: tuple[tree.Argument, ...],
    path: str,
    at: tree.Expr,
    *,
    lift: tuple[int, ...] = (),
    lanes: tuple[int, ...] = (),
    supplied: Callable[[dict[str, nodes.Real]], dict[str, nodes.Expr]] | None = None,
    expected: tuple[int, ...] | None = None,
) -> tuple[Context, tuple[nodes.Input, ...]]:
    """The context of a definition's body for arguments of these types, and its typed inputs.

    Sizes named in its types are solved from the arguments; conditions without a value are learned parameters below
    `path`, one for each of `lift` or of `lanes`, which the body sees one of or all of.  `supplied` gives the conditions
    that are computed, and solves the sizes in their types.  `expected`: the shape of the result, where it is known."""
    local = definition.name.id in infer.builder.local_definitions
    constants: dict[str, nodes.Real] = dict(context.constants) if local else {}
    names = dict(context.names) if local else {}
    signature = definition.signature or tree.Signature((), None, span=definition.span)
    learning = definition.kind == "bijection" and supplied is None
    constants_of(infer, context, signature, conditions, constants, learned=learning)
    inputs = inputs_of(infer, definition, arguments, constants, at, expected)
    names |= {i.name: nodes.Reference(i.type, i.name, span=i.span) for i in inputs}
    given = (
        supplied(constants)
        if supplied is not None
        else computed(infer, context, definition, signature, conditions, constants)
    )
    names |= given
    if lift and any(known_shape(value.type) for value in given.values()):
        infer.builder.unsupported("a tensor as the condition of a scalar map", at.span)
    inner = Context(constants, names, {}, path, context.iterations, in_map=definition.kind == "bijection")
    for declaration in signature.conditions or ():
        if declaration.name.id not in constants and declaration.name.id not in given:
            names[declaration.name.id] = learned(infer, inner, declaration, path, lift, lanes)
    return inner, inputs


def learned(
    infer: Infer,
    context: Context,
    declaration: tree.ParameterDecl,
    path: str,
    lift: tuple[int, ...],
    lanes: tuple[int, ...] = (),
) -> nodes.Expr:
    """A parameter of a map that the use leaves out is learned, in its declared type."""
    builder = infer.builder
    if declaration.type is None:
        name = declaration.name.id
        if name in context.names:
            return context.names[name]
        builder.report(
            "G104",
            f"`{name}` has neither a type nor a value",
            declaration.span,
            "nothing says what it is",
            help=(f"declare it: `{name} : Real`",),
        )
    if not isinstance(declaration.type, tree.SupportType):
        builder.unsupported("a function or a tuple as a parameter", declaration.span)
    ends = moving_supports.ends_among(declaration, context.names)
    if ends is None:
        moving_supports.check_order(builder, declaration, context.constants)
        support = declared_support(builder, declaration.type, context.constants)
    else:
        support = ends.stored(declaration)
    fits(builder, support, declaration.type)
    sizes = [known(s, context.constants) for s in declaration.type.shape]
    if None in sizes:
        builder.report(
            "G202", f"nothing determines the size of `{declaration.name.id}`", declaration.type.span, "size unknown"
        )
    for size, written in zip(sizes, declaration.type.shape, strict=True):
        if size is not None and (not isinstance(size, Fraction) or size.denominator != 1 or size < 1):
            message = f"a size must be a positive whole number, not {size}"
            builder.report("G206", message, written.span, f"this is {size}")
    shape = (*lanes, *(int(Fraction(s)) for s in sizes if s is not None), *own_axes(support.name, support.arguments))
    if starts.from_data(declaration.default):
        builder.from_data.add(f"{path}{declaration.name.id}")
    own = builder.add_parameter(
        nodes.Parameter(f"{path}{declaration.name.id}", support, context.iterations, lift, shape, span=declaration.span)
    )
    return own if ends is None else moving_supports.place(infer, context, ends, own)[0]


#: The supports that a definition may declare for what it gives, and that are proved of it.
PROMISED = ("Unit", "Positive", "NonNegative", "Interval", "Open")


def _promised(infer: Infer, context: Context, definition: tree.Definition) -> nodes.Support:
    """The support that a definition declares for what it gives."""
    result = definition.result
    if not isinstance(result, tree.SupportType) or result.name.id not in PROMISED:
        return nodes.REAL
    return declared_support(infer.builder, result, context.constants)


def _check_result(infer: Infer, context: Context, definition: tree.Definition, body: nodes.Expr) -> None:
    if definition.result is None:
        return
    if not isinstance(definition.result, tree.SupportType):
        infer.builder.unsupported("a definition with several results", definition.result.span)
    sizes = tuple(known(s, context.constants) for s in definition.result.shape)
    if any(s is None for s in sizes):
        return
    wanted = tuple(int(Fraction(s)) for s in sizes if s is not None)
    if not unify(body.type, nodes.Type(nodes.REAL, wanted)):
        found = list(known_shape(body.type) or ())
        infer.builder.report(
            "G201",
            f"`{definition.name.id}` promises the shape {list(wanted)}, and its body has {found}",
            body.span,
            "this is what it gives",
            also=(Label(definition.result.span, "declared here"),),
        )


def instantiate_map(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    conditions: tuple[tree.Argument, ...],
    shape: tuple[int, ...],
    at: tree.Expr,
) -> tuple[str, tuple[int, ...]]:
    """An instance of a bijection for an input of this shape: its name and the shape of its result."""
    builder = infer.builder
    signature = definition.signature
    if (
        signature is None
        or len(signature.variables) != 1
        or not isinstance(signature.variables[0].type, tree.SupportType)
    ):
        builder.unsupported("a bijection of several variables", definition.span)
    if not isinstance(definition.body, tree.Expr):
        builder.unsupported("a bijection without a formula", definition.span)
    local = definition.name.id in builder.local_definitions
    if local and definition.name.id in builder.maps:
        if conditions != builder.conditions_of[definition.name.id]:
            builder.unsupported("a second use of a model's own map, with other conditions,", at.span)
        return definition.name.id, _result_shape(builder.maps[definition.name.id])
    scalar = not signature.variables[0].type.shape
    lift = shape if scalar else ()
    name = builder.fresh(definition.name.id)
    builder.conditions_of[name] = conditions
    own = dataclasses.replace(context, iterations=()) if local else context
    type_ = nodes.Type(nodes.REAL, () if scalar else shape)
    inner, inputs = enter(infer, own, definition, (type_,), conditions, f"{name}.", at, lift=lift)
    if scalar and local:
        inner = _lifted_names(inner, lift, inputs[0])
    body = infer.expression(inner, definition.body)
    _check_result(infer, inner, definition, body)
    result_shape = known_shape(body.type)
    if result_shape is None:
        unify(body.type, type_)
        result_shape = type_.shape
    support = _result_support(infer, inner, definition)
    result = nodes.Type(support, result_shape)
    requires = _required(infer, inner, definition)
    builder.maps[name] = nodes.Map(
        name, definition.name.id, inputs[0], result, lift, body, requires, context.layers, span=definition.span
    )
    starts.of_map(infer, inner, signature, builder.maps[name])
    return name, lift or result_shape


def _required(infer: Infer, context: Context, definition: tree.Definition) -> tuple[nodes.Expr, ...]:
    """The comparisons that a use of a definition has to fulfil: what it `requires`, and that no support is empty whose
    ends are parameters."""
    written = [definition.requires] if definition.requires is not None else []
    for declaration in (definition.signature.conditions if definition.signature else None) or ():
        ends = moving_supports.ends_among(declaration, context.names)
        if ends is not None and ends.lower is not None and ends.upper is not None:
            written.append(tree.Binary("<", ends.lower, ends.upper, span=declaration.span))
    return tuple(c for each in written for c in _conjuncts(infer, infer.expression(context, each)))


def _conjuncts(infer: Infer, condition: nodes.Expr) -> tuple[nodes.Expr, ...]:
    if isinstance(condition, nodes.Apply) and condition.function == "and":
        return tuple(c for part in condition.arguments for c in _conjuncts(infer, part))
    if not isinstance(condition, nodes.Apply) or condition.function not in COMPARISONS:
        infer.builder.unsupported("a condition other than comparisons joined by `and`", condition.span)
    return (condition,)


def _lifted_names(context: Context, lift: tuple[int, ...], own: nodes.Input) -> Context:
    """Inside a scalar map of a model, a parameter shaped like the tensor it is lifted over means its own element."""
    names = dict(context.names)
    for name, value in names.items():
        if isinstance(value, nodes.ParameterReference) and value.type.shape == lift and name != own.name:
            names[name] = nodes.ParameterReference(nodes.Type(value.type.support), value.path, span=value.span)
    return dataclasses.replace(context, names=names)


def _result_shape(map_: nodes.Map) -> tuple[int, ...]:
    return map_.lift or map_.result.shape


def _result_support(infer: Infer, context: Context, definition: tree.Definition) -> nodes.Support:
    if isinstance(definition.result, tree.SupportType):
        return declared_support(infer.builder, definition.result, context.constants)
    return nodes.REAL


__all__ = ["Abandon", "call", "enter", "gradient", "instantiate", "instantiate_map", "learned", "solve"]
