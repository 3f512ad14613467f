"""A user's `density` as the distribution of a conditional, and on its own, to be checked.

An instance has names that nothing else has (`Laplace.x`), so that its formula can be put in place of its name anywhere.
A density of one number describes a tensor element by element."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import own_axes
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import argument_sizes, calls, definitions, distances, moving_supports, nodes
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
    moving = moving_supports.ends_of(variables[0], conditions)
    scalar = not declared.shape and declared.name.id != "Simplex"
    type_ = nodes.Type(event.support) if scalar else event
    if moving is None:
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
    arguments = _as_distances(infer, definition, conditions, arguments)
    own = density(infer, definition, constants, {})
    lifted = {variables[0].name.id: event.shape} if scalar else {}
    if scalar:
        lifted |= {c.name.id: known_shape(a.type) or () for c, a in zip(conditions, arguments, strict=True)}
    value = own.value
    if moving is not None:
        value = _formula(infer, definition, constants, lifted)
    elif any(lifted.values()):
        value = density(infer, definition, constants, lifted).value
    if own not in builder.user_densities:
        builder.user_densities.append(own)
    family = f"{nodes.USER}{own.name}"
    return nodes.UserDistribution(event, family, "", tuple(arguments), own, value, span=expr.span)


def at(
    infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition
) -> tuple[nodes.Density, dict[str, nodes.Expr]]:
    """An instance of a density of several variables, and what its use gives its conditions, by their names in it."""
    if definition.relation != "=":
        why = "is stated up to a constant (`∝`), so its density is not known"
        infer.builder.report("G503", f"`{definition.name.id}` {why}", expr.span, "a distribution is needed here")
    _, conditions = _signature(infer, definition)
    constants = _constants(infer, definition)
    values = _arguments(infer, context, expr, definition, conditions, constants)
    for condition in conditions:
        if condition.name.id not in values:
            also = (Label(condition.span, "declared here"),)
            infer.builder.report("G104", f"`{condition.name.id}` has no value here", expr.span, "missing", also=also)
        _fit(infer, condition, values[condition.name.id], None, constants)
    own = density(infer, definition, constants, {})
    if own not in infer.builder.user_densities:
        infer.builder.user_densities.append(own)
    return own, {f"{own.name}.{name}": value for name, value in values.items()}


def density(
    infer: Infer, definition: tree.Definition, constants: Constants, shapes: dict[str, tuple[int, ...]]
) -> nodes.Density:
    """An instance of a density; `shapes` of inputs that are tensors where a number is declared.  One on a support that
    moves is that of its standard variable."""
    variables, conditions = _signature(infer, definition)
    name = definition.name.id
    inputs = _inputs(infer, definition, constants, shapes)
    context = _context(infer, definition, inputs, constants)
    moved: tuple[nodes.Expr, nodes.Expr | None] | None = None
    ends = moving_supports.ends_of(variables[0], conditions)
    if ends is not None:
        first = variables[0].name.id
        moved = moving_supports.place(infer, context, ends, context.names[first])
        context = dataclasses.replace(context, names={**context.names, first: moved[0]})
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
    stated = infer.builder.cdfs.get(name)
    cdf = None if stated is None else renamed(infer.expression(context, stated), name)
    cut, span = len(variables), definition.span
    place = None if moved is None else renamed(moved[0], name)
    width = None if moved is None or moved[1] is None else renamed(moved[1], name)
    value = moving_supports.scaled(None if moved is None else moved[1], value)
    whole, value = definition.relation == "=", renamed(value, name)
    return nodes.Density(name, inputs[:cut], inputs[cut:], whole, value, "", cdf, place, width, span=span)


def _inputs(
    infer: Infer, definition: tree.Definition, constants: Constants, shapes: dict[str, tuple[int, ...]]
) -> tuple[nodes.Input, ...]:
    """The variables and the conditions of an instance; a variable whose support moves is the standard one."""
    variables, conditions = _signature(infer, definition)
    kept = {d.name: d for d in distances.distances(infer, definition, conditions)}
    found: list[nodes.Input] = []
    for declaration in (*variables, *conditions):
        assert isinstance(declaration.type, tree.SupportType)
        ends = moving_supports.ends_of(declaration, conditions)
        if ends is not None and len(variables) > 1:
            infer.builder.unsupported("a density of several variables with ends that are parameters", declaration.span)
        if ends is not None and declaration.type.shape:
            infer.builder.unsupported("a tensor on a support with ends that are parameters", declaration.span)
        if ends is not None and declaration in conditions:
            infer.builder.unsupported("a condition whose ends are parameters", declaration.span)
        support = declared_support(infer.builder, declaration.type, constants) if ends is None else ends.standard
        sizes = tuple(_size(infer, s, constants) for s in declaration.type.shape)
        shape = shapes.get(declaration.name.id) or (*sizes, *own_axes(support.name, support.arguments))
        own = f"{definition.name.id}.{declaration.name.id}"
        distance = kept.get(declaration.name.id)
        if distance is not None:
            own, support = f"{definition.name.id}.{distance.label}", distance.support
        found.append(nodes.Input(own, nodes.Type(support, shape), span=declaration.span))
    return tuple(found)


def _context(
    infer: Infer, definition: tree.Definition, inputs: tuple[nodes.Input, ...], constants: Constants
) -> Context:
    """What the names of a density stand for; conditions that are kept as distances are at these."""
    names: dict[str, nodes.Expr] = {
        i.name.rpartition(".")[2]: nodes.Reference(i.type, i.name, span=i.span) for i in inputs
    }
    context = Context(constants, names, {}, f"{definition.name.id}.")
    _, conditions = _signature(infer, definition)
    kept = distances.distances(infer, definition, conditions)
    moved = {d.name: d.value(infer, context, names[d.label]) for d in kept}
    return dataclasses.replace(context, names={**names, **moved})


def _as_distances(
    infer: Infer,
    definition: tree.Definition,
    conditions: tuple[tree.ParameterDecl, ...],
    arguments: list[nodes.Expr],
) -> list[nodes.Expr]:
    """The arguments of a use, those of conditions that are kept as distances as such."""
    names = [c.name.id for c in conditions]
    kept = {d.name: d for d in distances.distances(infer, definition, conditions)}
    context = Context({}, dict(zip(names, arguments, strict=True)), {}, "")
    return [kept[n].of(infer, context, a) if n in kept else a for n, a in zip(names, arguments, strict=True)]


def _formula(
    infer: Infer, definition: tree.Definition, constants: Constants, shapes: dict[str, tuple[int, ...]]
) -> nodes.Expr:
    """The density of an event on a support that moves, 0 outside."""
    variables, conditions = _signature(infer, definition)
    name = definition.name.id
    first, *others = _inputs(infer, definition, constants, shapes)
    event = dataclasses.replace(first, type=nodes.Type(nodes.REAL, first.type.shape))
    context = _context(infer, definition, (event, *others), constants)
    ends = moving_supports.ends_of(variables[0], conditions)
    assert ends is not None and isinstance(definition.body, tree.Expr)
    value = infer.expression(context, definition.body)
    return renamed(moving_supports.within(infer, context, ends, context.names[variables[0].name.id], value), name)


def unused(infer: Infer, definition: tree.Definition) -> None:
    """A density that nothing uses is resolved at its declared types, so that it is checked too, unless only a use would
    say how large it is."""
    used = any(d.name == definition.name.id for d in infer.builder.user_densities)
    if not used and definition.relation == "=" and not _open_sizes(infer, definition):
        alone(infer, definition, lambda _: Fraction(1))


def alone(infer: Infer, definition: tree.Definition, extent: Callable[[str], nodes.Real]) -> None:
    """A density at its declared types, with this extent for each size that is only a name."""
    constants = {name: extent(name) for name in _open_sizes(infer, definition)} | _constants(infer, definition)
    infer.builder.user_densities.append(density(infer, definition, constants, {}))


def _open_sizes(infer: Infer, definition: tree.Definition) -> list[str]:
    """The names among the sizes of a density's variables and conditions that it does not state."""
    variables, conditions = _signature(infer, definition)
    constants = _constants(infer, definition)
    found: list[str] = []
    for declaration in (*variables, *conditions):
        assert isinstance(declaration.type, tree.SupportType)
        if moving_supports.ends_of(declaration, conditions) is not None:
            continue
        sizes = (*declaration.type.shape, *(a.value for a in declaration.type.arguments))
        found += [s.id for s in sizes if isinstance(s, tree.Name) and s.id not in constants and s.id != "inf"]
    return found


# -- inputs ----------------------------------------------------------------------------------------------------------


def _signature(
    infer: Infer, definition: tree.Definition
) -> tuple[tuple[tree.ParameterDecl, ...], tuple[tree.ParameterDecl, ...]]:
    """The variables of a density and its typed conditions."""
    signature = definition.signature
    if signature is None or not isinstance(definition.body, tree.Expr):
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
