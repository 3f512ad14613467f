"""The draws of an expectation: `x ~ data`, `z[k in K] ~ stop(q)(z | x)`, `x, z ~ p`, `u ~ Uniform(0, 1)`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import values_in
from gencompiler.diagnostics.model import Label
from gencompiler.model import densities, frames, kernel_draws, laws, nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import size
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify, unknown_type
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The most values of finite variables that a sum over them enumerates.
MOST_VALUES = 65536


def targets(equation: tree.Equation) -> list[str]:
    """The names that a draw or a local equation gives a value to."""
    return [base.id for t in equation.targets if (base := _base(t)) is not None]


def _base(target: tree.Expr) -> tree.Name | None:
    base = target.base if isinstance(target, tree.Index) else target
    return base if isinstance(base, tree.Name) else None


def draw(infer: Infer, context: Context, equation: tree.Equation) -> tuple[Context, nodes.Drawn]:
    """One draw, and the context in which its names have values."""
    builder = infer.builder
    if equation.relation != "~":
        builder.unsupported(
            "a definition between draws", equation.span, "draws stand in `E[…]`, definitions in `where`"
        )
    names = _target_names(infer, equation)
    particles = _particles(infer, context, equation)
    value = equation.value
    if isinstance(value, tree.Name) and value.id == "data":
        return _data(infer, context, equation, names, particles)
    call = value if isinstance(value, tree.Call) else None
    if call is not None and isinstance(call.function, tree.Name) and call.function.id == "persistent":
        return kernel_draws.persistent(infer, context, equation, names, call)
    found = densities.head(infer, context, call.function if call is not None else value)
    if found is None and call is not None and (found := densities.head(infer, context, call)) is not None:
        call = None  # `x, z ~ stop(p)`
    if found is not None:
        return _joint(infer, context, equation, names, particles, found, call)
    return _distribution(infer, context, equation, names, particles)


def _target_names(infer: Infer, equation: tree.Equation) -> list[tree.Name]:
    found: list[tree.Name] = []
    for target in equation.targets:
        base = _base(target)
        if base is None:
            infer.builder.report("G704", "a draw gives a value to a name", target.span, "not a name")
        if isinstance(target, tree.Index) and not (
            len(target.subscripts) == 1 and isinstance(target.subscripts[0], tree.Over)
        ):
            infer.builder.unsupported(
                "a draw of part of a variable", target.span, f"K draws are written `{base.id}[k in K] ~ …`"
            )
        if any(n.id == base.id for n in found):
            infer.builder.report("G704", f"`{base.id}` is drawn twice", base.span, "drawn again")
        found.append(base)
    return found


def _particles(infer: Infer, context: Context, equation: tree.Equation) -> tuple[str, int] | None:
    """`z[k in K]`"""
    found: list[tuple[str, int]] = []
    for target in equation.targets:
        if not isinstance(target, tree.Index):
            continue
        (over,) = target.subscripts
        assert isinstance(over, tree.Over)
        if over.binding.range is None:
            infer.builder.report(
                "G202",
                "nothing says how many draws these are",
                over.span,
                "no range",
                help=(f"write `{over.binding.name.id} in K`",),
            )
        count = size(over.binding.range, context.constants, infer.builder.reporter)
        if count is None:
            raise Abandon
        found.append((over.binding.name.id, count))
    if found and len(found) < len(equation.targets):
        infer.builder.unsupported("a draw of one value of one name and several of another", equation.span)
    if len(set(found)) > 1:
        infer.builder.report("G704", "names drawn together have one number of draws", equation.span, "two numbers")
    assert context.frame is not None, "draws stand in an expectation"
    if found and any(g.particles for g in context.frame.drawn.values()):
        infer.builder.unsupported("several draws of several draws", equation.span)
    return found[0] if found else None


# -- data ------------------------------------------------------------------------------------------------------------


def _data(
    infer: Infer,
    context: Context,
    equation: tree.Equation,
    names: list[tree.Name],
    particles: tuple[str, int] | None,
) -> tuple[Context, nodes.Drawn]:
    frame = context.frame
    assert frame is not None
    if particles is not None:
        infer.builder.report(
            "G704", "a row of the data is what it is: it is drawn once", equation.span, "several draws"
        )
    variables: list[nodes.Variable] = []
    for name in names:
        meant = frame.meanings.get(name.id, ())
        strange = next((v for v in meant if v.role != "observed" and v.name not in frame.read), None)
        if not meant or strange is not None:
            role = f"`{strange.name}` is {strange.role}" if strange else f"`{name.id}` is not a variable of the model"
            infer.builder.report(
                "G704",
                f"data holds the observed variables, and {role}",
                name.span,
                "not in the data",
                help=("write `x ~ data`" if frame.source.startswith(frames.PRELUDE) else "draw an observed variable",),
            )
        context = with_draw(infer, context, name, frames.Group(meant, tuple(v.name for v in meant), None, name.span))
        variables.extend(meant)
    own = tuple(v.name for v in variables)
    return context, nodes.Drawn(own, own, nodes.Data(span=equation.value.span), span=equation.span)


# -- joints and kernels ----------------------------------------------------------------------------------------------


def _joint(
    infer: Infer,
    context: Context,
    equation: tree.Equation,
    names: list[tree.Name],
    particles: tuple[str, int] | None,
    found: densities.Head,
    call: tree.Call | None,
) -> tuple[Context, nodes.Drawn]:
    frame = context.frame
    assert frame is not None
    drawn = _drawn_variables(infer, frame, names, found, call)
    given: tuple[nodes.Binding, ...] = ()
    if call is not None and found.kernel is not None:
        given = kernel_draws.given(infer, context, found.kernel, call)
    elif call is not None:
        given = tuple(b for a in call.conditions or () for b in densities.bound(infer, context, a))
    variables: list[nodes.Variable] = []
    local: list[str] = []
    for name, group in zip(names, drawn, strict=True):
        own = local_names(infer, frame, name.id, group)
        context = with_draw(infer, context, name, frames.Group(group, own, particles, name.span))
        variables.extend(group)
        local.extend(own)
    source = nodes.JointSource(found.name, given, found.stopped, found.power, span=equation.value.span)
    listed = tuple(v.name for v in variables)
    return context, nodes.Drawn(listed, tuple(local), source, particles, span=equation.span)


def _drawn_variables(
    infer: Infer, frame: frames.Frame, names: list[tree.Name], found: densities.Head, call: tree.Call | None
) -> list[tuple[nodes.Variable, ...]]:
    """For each name on the left, the variables that it gets: those of the call in order, or its own (`x, z ~ p`)."""
    builder = infer.builder
    if call is None and found.kernel is not None:
        builder.report("G704", f"`{found.name}` moves from somewhere", names[0].span, "draw from `T(x' | x)`")
    bases = [(n.id, n) for n in names]
    if call is not None:
        bases = [(_drawn_base(infer, a), names[0]) for a in call.arguments]
        if len(bases) != len(names):
            builder.report(
                "G704",
                f"{len(names)} name{'s' * (len(names) > 1)} for {len(bases)} drawn",
                call.span,
                "they must pair up",
            )
    groups = []
    for base, name in bases:
        known = frame.meanings.get(base.rstrip("'") if found.kernel is not None else base)
        if not known:
            role = "latent" if base == "z" else "observed"
            message = (
                f"`{base}` is not a variable that `{found.name}` draws"
                if known is None
                else f"`{base}` stands for all {role} variables, and the model has none"
            )
            own = name.span if call is None else call.span
            help_ = nearest(base, frozenset(frame.meanings)) if known is None else ()
            builder.report("G704" if known is None else "G701", message, own, "nothing to draw", help=help_)
        groups.append(known)
    return groups


def _drawn_base(infer: Infer, argument: tree.Argument) -> str:
    value = argument.value
    if argument.name is not None or not isinstance(value, tree.Name):
        infer.builder.report(
            "G704", "left of the bar stand the names of the variables that are drawn", argument.span, "not a name"
        )
    return value.id


def local_names(infer: Infer, frame: frames.Frame, name: str, variables: tuple[nodes.Variable, ...]) -> tuple[str, ...]:
    """A variable drawn under its own or its generic name keeps its own; a renamed one takes the new name."""
    if frame.meanings.get(name) == variables:
        return tuple(v.name for v in variables)
    if len(variables) == 1:
        return (_free(infer, name),)
    return tuple(frames.part(name, v.name) for v in variables)


def _free(infer: Infer, name: str) -> str:
    """A local name that is not also a variable of the model, which definitions may mention."""
    return f"{name}_drawn" if name in infer.builder.variables else name


def with_draw(infer: Infer, context: Context, name: tree.Name, group: frames.Group) -> Context:
    """The context with one more draw; a name is drawn once in one expectation."""
    assert context.frame is not None
    for other, earlier in context.frame.drawn.items():
        if other == name.id or set(earlier.names) & set(group.names):
            infer.builder.report(
                "G704",
                f"`{name.id}` is drawn twice",
                name.span,
                "drawn again",
                also=(Label(earlier.span, "first drawn here"),),
            )
    frame = context.frame.draw(name.id, group)
    names = {k: v for k, v in context.names.items() if k != name.id}
    return dataclasses.replace(context, frame=frame, names={**names, **frames.values(group, name.id, name.span)})


# -- distributions of their own --------------------------------------------------------------------------------------


def _distribution(
    infer: Infer,
    context: Context,
    equation: tree.Equation,
    names: list[tree.Name],
    particles: tuple[str, int] | None,
) -> tuple[Context, nodes.Drawn]:
    if len(names) != 1:
        infer.builder.report("G704", "one draw gives one value", equation.span, f"{len(names)} names")
    event = unknown_type(nodes.REAL)
    found = laws.distribution(infer, context, equation.value, event)
    if known_shape(event) is None:
        unify(event, nodes.Type(nodes.REAL))
    type_ = nodes.Type(laws.event_support(found), known_shape(event) or ())
    local = _free(infer, names[0].id)
    variable = nodes.Variable(local, "latent", type_, span=names[0].span)
    group = frames.Group((variable,), (local,), particles, names[0].span)
    source = nodes.DistributionSource(laws.with_type(found, type_), span=equation.value.span)
    return with_draw(infer, context, names[0], group), nodes.Drawn((), (local,), source, particles, span=equation.span)


# -- finite variables ------------------------------------------------------------------------------------------------


def each_value(infer: Infer, context: Context, expr: tree.Each) -> nodes.Expr | None:
    """`for z: …` over all values of finite variables; None where `z` is an index."""
    frame = context.frame
    binding = expr.bindings[0]
    if frame is None or binding.range is not None or len(expr.bindings) != 1:
        return None
    variables = frame.meanings.get(binding.name.id)
    if not variables:
        return None
    count = 1
    for variable in variables:
        values = finite_values(variable.type.support)
        if values is None:
            infer.builder.report(
                "G701",
                f"`for {binding.name.id}: …` runs over all values of {', '.join(f'`{v.name}`' for v in variables)}, "
                f"and `{variable.name}` is {variable.type.support}",
                binding.span,
                "not finite",
                also=(Label(variable.span, "declared here"),),
            )
        count *= values ** math.prod(variable.type.shape)
        if count > MOST_VALUES:
            infer.builder.report(
                "G902",
                f"`{binding.name.id}` has more than {MOST_VALUES} values, too many to sum over one by one",
                binding.span,
                "too many values",
                also=(Label(variable.span, f"{variable.type}"),),
            )
    group = frames.Group(variables, tuple(v.name for v in variables), None, binding.span)
    body = infer.expression(with_draw(infer, context, binding.name, group), expr.body)
    shape = known_shape(body.type) or ()
    type_ = nodes.Type(body.type.support, (count, *shape))
    return nodes.EachValue(type_, tuple(v.name for v in variables), count, body, span=expr.span)


def finite_values(support: nodes.Support) -> int | None:
    """How many values a support has; None where they are not finitely many."""
    return 2 if support.name == "Sign" else values_in(support.name, support.arguments)
