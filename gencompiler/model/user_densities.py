"""A user's `density` as the distribution of a conditional, and on its own, to be checked.

An instance has names that nothing else has (`Laplace.x`), so that its formula can be put in place of its name anywhere.
A density of one number describes a tensor element by element."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import own_axes
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import argument_sizes, calls, definitions, nodes
from gencompiler.model.builder import Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.declared import declared_support
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node, rebuild
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

Constants = dict[str, nodes.Real]


def distribution(
    infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition, event: nodes.Type
) -> nodes.UserDistribution:
    """`Name(arguments)` as the distribution of an event of this type."""
    builder = infer.builder
    variables, conditions = _signature(infer, definition)
    if definition.relation != "=":
        builder.report(
            "G503",
            f"`{definition.name.id}` is stated up to a constant (`∝`), so its density is not known",
            expr.span,
            "a distribution is needed here",
            also=(Label(definition.name.span, "defined here"),),
        )
    if len(variables) != 1:
        builder.unsupported("a density of several variables as a distribution", expr.span)
    constants = _constants(infer, definition)
    declared = variables[0].type
    assert isinstance(declared, tree.SupportType)
    scalar = not declared.shape and declared.name.id != "Simplex"
    type_ = nodes.Type(event.support) if scalar else event
    argument_sizes.solve(infer, variables[0], type_, constants, expr)
    name = builder.fresh(definition.name.id)
    values = _arguments(infer, context, expr, definition, conditions, constants)
    arguments: list[nodes.Expr] = []
    for condition in conditions:
        value = values.get(condition.name.id)
        if value is None:
            value = _learned(infer, context, condition, f"{name}.", event.shape if scalar else (), constants)
        arguments.append(value)
        _fit(infer, condition, value, event if scalar else None, constants)
    own = density(infer, definition, constants, {})
    lifted = {variables[0].name.id: event.shape} if scalar else {}
    if scalar:
        lifted |= {c.name.id: known_shape(a.type) or () for c, a in zip(conditions, arguments, strict=True)}
    value = own.value
    if any(lifted.values()):
        value = density(infer, definition, constants, lifted).value
    if own not in builder.user_densities:
        builder.user_densities.append(own)
    family = f"{nodes.USER}{own.name}"
    return nodes.UserDistribution(event, family, "", tuple(arguments), own, value, span=expr.span)


def density(
    infer: Infer, definition: tree.Definition, constants: Constants, shapes: dict[str, tuple[int, ...]]
) -> nodes.Density:
    """An instance of a density; `shapes` of inputs that are tensors where a number is declared."""
    variables, conditions = _signature(infer, definition)
    name = definition.name.id
    names: dict[str, nodes.Expr] = {}
    inputs: list[nodes.Input] = []
    for declaration in (*variables, *conditions):
        assert isinstance(declaration.type, tree.SupportType)
        support = declared_support(infer.builder, declaration.type, constants)
        sizes = tuple(_size(infer, s, constants) for s in declaration.type.shape)
        shape = shapes.get(declaration.name.id) or (*sizes, *own_axes(support.name, support.arguments))
        type_ = nodes.Type(support, shape)
        inputs.append(nodes.Input(f"{name}.{declaration.name.id}", type_, span=declaration.span))
        names[declaration.name.id] = nodes.Reference(type_, inputs[-1].name, span=declaration.span)
    context = Context(constants, names, {}, f"{name}.")
    assert isinstance(definition.body, tree.Expr)
    value = infer.expression(context, definition.body)
    if not any(shapes.values()) and known_shape(value.type) != ():
        infer.builder.report(
            "G201",
            "a density is a number",
            definition.body.span,
            f"this has the shape {list(known_shape(value.type) or ())}",
            help=("the elements of a vector are independent under `prod(for i: …)`",),
        )
    stated = infer.builder.cdfs.get(definition.name.id)
    cdf = None if stated is None else renamed(infer.expression(context, stated), name)
    cut = len(variables)
    return nodes.Density(
        name, tuple(inputs[:cut]), tuple(inputs[cut:]), True, renamed(value, name), "", cdf, span=definition.span
    )


def unused(infer: Infer, definition: tree.Definition) -> None:
    """A density that nothing uses is resolved at its declared types, so that it is checked too."""
    builder = infer.builder
    if any(d.name == definition.name.id for d in builder.user_densities) or definition.relation != "=":
        return
    variables, conditions = _signature(infer, definition)
    constants = _constants(infer, definition)
    for declaration in (*variables, *conditions):
        assert isinstance(declaration.type, tree.SupportType)
        for size in (*declaration.type.shape, *(a.value for a in declaration.type.arguments if a.value is not None)):
            if isinstance(size, tree.Name) and size.id not in constants and size.id != "inf":
                return  # only a use says how large it is
    builder.user_densities.append(density(infer, definition, constants, {}))


# -- inputs ----------------------------------------------------------------------------------------------------------


def _signature(
    infer: Infer, definition: tree.Definition
) -> tuple[tuple[tree.ParameterDecl, ...], tuple[tree.ParameterDecl, ...]]:
    """The variables of a density and its typed conditions."""
    signature = definition.signature
    if signature is None or not isinstance(definition.body, tree.Expr) or definition.requires is not None:
        infer.builder.unsupported("a density of this form", definition.span)
    conditions = tuple(c for c in signature.conditions or () if c.type is not None or c.default is None)
    for declaration in (*signature.variables, *conditions):
        if declaration.type is None:
            infer.builder.report(
                "G104",
                f"`{declaration.name.id}` has no type, and a density needs to know over what it is taken",
                declaration.span,
                "no type",
                help=(f"declare it: `{declaration.name.id} : Real`",),
            )
        if not isinstance(declaration.type, tree.SupportType):
            infer.builder.unsupported("a function or a tuple in a density", declaration.span)
    return signature.variables, conditions


def _constants(infer: Infer, definition: tree.Definition) -> Constants:
    """Conditions that are numbers: those with a default and no type."""
    found: Constants = {}
    signature = definition.signature
    for declaration in (signature.conditions or ()) if signature else ():
        if declaration.default is not None and declaration.type is None:
            try:
                found[declaration.name.id] = evaluate(declaration.default, found)
            except NotConstant as problem:
                infer.builder.report("G206", "a default must be a constant", problem.expr.span, problem.reason)
    return found


def _size(infer: Infer, expr: tree.Expr, constants: Constants) -> int:
    try:
        found = evaluate(expr, constants)
    except NotConstant:
        infer.builder.report("G202", "nothing determines this size", expr.span, "size unknown")
    return int(Fraction(found))


def _arguments(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    definition: tree.Definition,
    conditions: tuple[tree.ParameterDecl, ...],
    constants: Constants,
) -> dict[str, nodes.Expr]:
    """The values that a use gives, by the names of the conditions."""
    names = [c.name.id for c in conditions]
    given: dict[str, tree.Argument] = {a.name.id: a for a in expr.arguments if a.name is not None}
    for name, argument in list(given.items()):
        if name in constants and argument.value is not None:
            constants[name] = _number(infer, context, given.pop(name))
        elif name not in names:
            known = frozenset((*names, *constants))
            infer.builder.report(
                "G104",
                f"`{definition.name.id}` has no parameter called `{name}`",
                argument.span,
                "unknown parameter",
                help=nearest(name, known) or (f"it has {', '.join(f'`{k}`' for k in sorted(known))}",),
            )
    plain = [a for a in expr.arguments if a.name is None]
    free = [n for n in names if n not in given]
    if len(plain) > len(free):
        infer.builder.report(
            "G104",
            f"`{definition.name.id}` takes {counted(len(names), 'parameter')}",
            expr.span,
            "too many arguments",
            also=(Label(definition.name.span, "defined here"),),
        )
    chosen = {**given, **dict(zip(free, plain, strict=False))}
    return {name: calls.argument_value(infer, context, argument) for name, argument in chosen.items()}


def _number(infer: Infer, context: Context, argument: tree.Argument) -> nodes.Real:
    assert argument.value is not None
    try:
        return evaluate(argument.value, context.constants)
    except NotConstant as problem:
        infer.builder.report("G206", "this must be a constant", problem.expr.span, problem.reason)


def _learned(
    infer: Infer,
    context: Context,
    declaration: tree.ParameterDecl,
    path: str,
    lift: tuple[int, ...],
    constants: dict[str, nodes.Real],
) -> nodes.Expr:
    """A condition of a density that a use leaves out, one for each element of `lift`."""
    inside = Context(constants, {}, {}, path, context.iterations)
    found = definitions.learned(infer, inside, declaration, path, lift)
    return dataclasses.replace(found, type=nodes.Type(found.type.support, (*lift, *found.type.shape)))


def _fit(
    infer: Infer,
    declaration: tree.ParameterDecl,
    value: nodes.Expr,
    event: nodes.Type | None,
    constants: Constants,
) -> None:
    """A condition has its declared shape; where the density is taken element by element, the event's will do."""
    assert isinstance(declaration.type, tree.SupportType)
    shape = known_shape(value.type)
    for size, extent in zip(declaration.type.shape, shape or (), strict=False):
        if isinstance(size, tree.Name):
            constants.setdefault(size.id, Fraction(extent))
    sizes = tuple(_size(infer, s, constants) for s in declaration.type.shape)
    support = declared_support(infer.builder, declaration.type, constants)
    wanted = (*sizes, *own_axes(support.name, support.arguments))
    if event is not None and not wanted and shape != ():
        wanted = event.shape
    if not unify(value.type, nodes.Type(nodes.REAL, wanted)):
        infer.builder.report(
            "G201",
            f"`{declaration.name.id}` does not fit: this has the shape {list(shape or ())}",
            value.span,
            f"`{declaration.name.id}` has {list(wanted)}" if wanted else "a number is needed here",
            also=(Label(declaration.span, "declared here"),),
        )


# -- names -----------------------------------------------------------------------------------------------------------


def renamed(expr: nodes.Expr, prefix: str) -> nodes.Expr:
    """An expression whose local names and indices begin with `prefix`, so that nothing it is put into captures them."""

    def value_of(current: nodes.Expr, own: frozenset[str]) -> nodes.Expr:
        found = visit(current, own)
        assert isinstance(found, nodes.Expr)
        return found

    def visit(current: Node, own: frozenset[str]) -> Node:
        if isinstance(current, nodes.Reference):
            return dataclasses.replace(current, name=f"{prefix}.{current.name}") if current.name in own else current
        if isinstance(current, nodes.Let):
            bindings = []
            for binding in current.bindings:
                value = value_of(binding.value, own)
                bindings.append(dataclasses.replace(binding, name=f"{prefix}.{binding.name}", value=value))
                own = own | {binding.name}
            return dataclasses.replace(current, bindings=tuple(bindings), body=value_of(current.body, own))
        if isinstance(current, nodes.Each):
            body = value_of(current.body, own | {current.index})
            return dataclasses.replace(current, index=f"{prefix}.{current.index}", body=body)
        return rebuild(current, lambda child: visit(child, own))

    return value_of(expr, frozenset())
