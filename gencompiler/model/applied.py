"""A bijection applied inside an expression, `F(u | a)`: a function like any other, whose body the prover sees.

Applied to a vector, a scalar map acts on every element: with one parameter each, learned or supplied; a supplied number
is the same for all.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.model import definitions, nodes
from gencompiler.model.builder import Context
from gencompiler.model.conditions import by_name, conditions_of, fit, is_constant
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def bijection(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> nodes.Expr:
    """The typed form of `F(u | conditions)`."""
    builder, name = infer.builder, definition.name.id
    signature = definition.signature
    variables = signature.variables if signature else ()
    if len(variables) != 1 or not isinstance(variables[0].type, tree.SupportType):
        builder.unsupported("a bijection of several variables", definition.span)
    if len(expr.arguments) != 1 or expr.arguments[0].name is not None or expr.arguments[0].value is None:
        help_ = ("what is fixed stands after a bar: `F(u | a)`",) if len(expr.arguments) > 1 else ()
        builder.report("G104", f"`{name}` takes one value before the bar", expr.span, "wrong arguments", help=help_)
    value = infer.expression(context, expr.arguments[0].value)
    given = by_name(infer, definition, expr.conditions or ())
    constants, computed = _sorted(infer, context, given)
    lanes = _lanes(infer, variables[0], value)
    if not lanes:
        return _call(infer, context, expr, definition, value, constants, computed)
    if any(map(_has_axes, conditions_of(definition))):
        builder.unsupported(
            f"`{name}` of a vector with a vector for each element", expr.span, "write it out: `for i: F(u[i] | a[i])`"
        )
    return _call(infer, context, expr, definition, value, constants, computed, lanes)


def _sorted(
    infer: Infer, context: Context, given: dict[str, tree.Argument]
) -> tuple[tuple[tree.Argument, ...], dict[str, tuple[tree.Argument, nodes.Expr]]]:
    """What the compiler knows the value of, and what the model computes."""
    constants, computed = [], {}
    for name, argument in given.items():
        if argument.value is None:
            infer.builder.unsupported("a binder as an argument", argument.span)
        if is_constant(argument.value, context):
            constants.append(argument)
        else:
            computed[name] = (argument, infer.expression(context, argument.value))
    return tuple(constants), computed


def _lanes(infer: Infer, variable: tree.ParameterDecl, value: nodes.Expr) -> tuple[int, ...]:
    """The shape of the elements that a scalar map acts on one by one; empty where it acts on the whole."""
    assert isinstance(variable.type, tree.SupportType)
    shape = known_shape(value.type)
    if variable.type.shape:
        return ()
    if shape is None:
        unify(value.type, nodes.Type(nodes.REAL))
        return ()
    if len(shape) > 1:
        infer.builder.unsupported("a map of the elements of a tensor with several axes", value.span)
    return shape


def _has_axes(declaration: tree.ParameterDecl) -> bool:
    type_ = declaration.type
    return isinstance(type_, tree.SupportType) and (bool(type_.shape) or type_.name.id == "Simplex")


def _call(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    definition: tree.Definition,
    value: nodes.Expr,
    constants: tuple[tree.Argument, ...],
    computed: dict[str, tuple[tree.Argument, nodes.Expr]],
    lanes: tuple[int, ...] = (),
) -> nodes.Expr:
    """A call of a fresh instance; its inputs are the value and what the model computes."""
    builder, name = infer.builder, definition.name.id
    if name in builder.open:
        builder.report("G108", f"`{name}` uses itself", expr.span, "a definition must end")
    if not isinstance(definition.body, tree.Expr):
        builder.unsupported("a bijection without a formula", definition.span)
    instance = builder.fresh(f"{context.path}{name}")
    declared = {d.name.id: d for d in conditions_of(definition)}

    def supplied(sizes: dict[str, nodes.Real]) -> dict[str, nodes.Expr]:
        for key, (argument, given) in computed.items():
            if not (lanes and known_shape(given.type) in (None, lanes) and unify(given.type, event)):
                fit(infer, declared[key], given, argument, sizes)
        return {key: nodes.Reference(v.type, key, span=a.span) for key, (a, v) in computed.items()}

    event = nodes.Type(nodes.REAL, known_shape(value.type) or ())
    own = nodes.Type(nodes.REAL) if lanes else event
    inner, inputs = definitions.enter(
        infer, context, definition, (own,), constants, f"{instance}.", expr, lanes=lanes, supplied=supplied
    )
    arguments = (value, *(v for _, v in computed.values()))
    first = dataclasses.replace(inputs[0], type=nodes.Type(inputs[0].type.support, event.shape))
    names = {**inner.names, first.name: nodes.Reference(first.type, first.name, span=first.span)}
    formal = [nodes.Input(key, v.type, span=a.span) for key, (a, v) in computed.items()]
    with builder.inside(name):
        body = infer.expression(dataclasses.replace(inner, names=names), definition.body)
    builder.functions[instance] = nodes.Function(instance, (first, *formal), body, span=definition.span)
    return nodes.Call(body.type, instance, arguments, span=expr.span)
