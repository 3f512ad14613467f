"""Densities in objectives: `log p(x, z[k])`, `p(z | x)`, `log stop(q)(z | x)`, `grad(log vp)(x' | x, t)`.

The base name of an argument says which variables, the whole expression says at which value; `variable = value` where
the two differ.  An SDE and a transition are conditional distributions too, of the primed variable.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NoReturn

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.diagnostics.wording import counted
from gencompiler.model import density_arguments, element_laws, frames, nodes
from gencompiler.model.builder import Context
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: Definitions that are conditional distributions of the next value of what they move.
KERNELS = ("sde", "transition")


@dataclasses.dataclass(frozen=True)
class Head:
    """What is left of the parentheses: `p`, `stop(q)`, `T^k`; `kernel` is the definition of an SDE or a transition,
    `density` that of a density inside the model."""

    name: str
    stopped: bool
    power: int
    kernel: tree.Definition | None
    density: tree.Definition | None = None


def head(infer: Infer, context: Context, function: tree.Expr) -> Head | None:
    """The joint or kernel that `function` names; None for anything else."""
    if context.frame is None:
        return None
    if isinstance(function, tree.Call) and called(function) == "stop" and len(function.arguments) == 1:
        inner = function.arguments[0].value
        found = head(infer, context, inner) if inner is not None else None
        return dataclasses.replace(found, stopped=True) if found is not None else None
    if isinstance(function, tree.Binary) and function.operator == "^":
        found = head(infer, context, function.left)
        return dataclasses.replace(found, power=_power(infer, context, function.right)) if found is not None else None
    if not isinstance(function, tree.Name):
        return None
    definition = infer.builder.definition(context, function.id)
    if definition is not None and definition.kind in KERNELS:
        return Head(definition.name.id, False, 1, definition)
    if definition is not None and definition.kind == "density" and function.id in infer.builder.local_definitions:
        return Head(definition.name.id, False, 1, None, definition)
    if definition is None and function.id in context.frame.joints:
        return Head(function.id, False, 1, None)
    if definition is None:
        check_stated(infer, context, function)
    return None


def check_stated(infer: Infer, context: Context, name: tree.Name) -> None:
    """`p` and `q` are joints in every objective; one that no equation states is missed by name."""
    frame = context.frame
    if frame is None or name.id not in ("p", "q") or name.id in context.names or name.id in frame.joints:
        return
    heads = {"p": "`p(x | z) = …`", "q": "`q(z | x) = …`"}
    infer.builder.report(
        "G701",
        f"`{frame.objective}` needs `{name.id}`, and no equation of the model states it",
        name.span,
        f"no `{name.id}(…)`",
        help=(f"state the {'recognition model' if name.id == 'q' else 'model'}: {heads[name.id]}",),
    )


def called(expr: tree.Call) -> str:
    """The name of what is called; empty where it has none."""
    return expr.function.id if isinstance(expr.function, tree.Name) else ""


def _power(infer: Infer, context: Context, exponent: tree.Expr) -> int:
    from gencompiler.model.builder import Abandon
    from gencompiler.model.constants import size

    found = size(exponent, context.constants, infer.builder.reporter)
    if found is None:
        raise Abandon
    return found


def log_density(infer: Infer, context: Context, call: tree.Call, span: Span) -> nodes.LogDensity | None:
    """`log joint(targets | given)`; None where what is called is no joint."""
    found = head(infer, context, call.function)
    if found is None:
        return None
    if found.power != 1:
        infer.builder.unsupported("the density of a power of a transition", call.span)
    targets, given = bindings(infer, context, found, call)
    return nodes.LogDensity(nodes.Type(nodes.REAL), found.name, targets, given, found.stopped, span=span)


def log_value(infer: Infer, context: Context, call: tree.Call, span: Span) -> nodes.Expr | None:
    """`log joint(targets | given)`, which may be the law of one element; None where what is called is no joint."""
    found = head(infer, context, call.function)
    law = element_laws.log_law(infer, context, found, call, span) if found is not None else None
    return law if law is not None else log_density(infer, context, call, span)


def value(infer: Infer, context: Context, call: tree.Call) -> nodes.Expr | None:
    """`p(z | x)` as a number; None where what is called is no joint."""
    density = log_value(infer, context, call, call.span)
    return nodes.Apply(density.type, "exp", (density,), span=call.span) if density is not None else None


def gradient(infer: Infer, context: Context, expr: tree.Call, grad: tree.Call) -> nodes.Expr | None:
    """`grad(log k)(x' | x, t)`: the score in the first target; None where `grad` is of something else."""
    of = grad.arguments[0].value if len(grad.arguments) == 1 else None
    if not isinstance(of, tree.Log) or head(infer, context, of.operand) is None:
        return None
    inner = tree.Call(of.operand, expr.arguments, expr.conditions, span=expr.span)
    density = log_density(infer, context, inner, expr.span)
    assert density is not None
    return nodes.DensityGradient(density.targets[0].value.type, density, span=expr.span)


# -- which variables, at which values --------------------------------------------------------------------------------


def bindings(
    infer: Infer, context: Context, found: Head, call: tree.Call
) -> tuple[tuple[nodes.Binding, ...], tuple[nodes.Binding, ...]]:
    """The variables of a call of a joint or a kernel with their values: targets, then what is given."""
    if found.kernel is not None:
        return _kernel_bindings(infer, context, found.kernel, call)
    targets = [b for a in call.arguments for b in bound(infer, context, a)]
    own, others = density_arguments.conditions_of(infer, context, found.density, call)
    given = [*(b for a in others for b in bound(infer, context, a)), *own]
    once(infer, [*targets, *given], call)
    return tuple(targets), tuple(given)


def once(infer: Infer, found: list[nodes.Binding], call: tree.Call) -> None:
    """Report a variable that a density lists twice."""
    for number, binding in enumerate(found):
        if any(b.name == binding.name for b in found[:number]):
            infer.builder.report(
                "G704",
                f"`{binding.name}` stands twice in this density",
                binding.span,
                "listed again",
                also=(Label(call.span, "in this density"),),
            )


def bound(infer: Infer, context: Context, argument: tree.Argument) -> list[nodes.Binding]:
    """One argument: `x`, `z[k]` or `x = y`."""
    frame = context.frame
    assert frame is not None
    builder = infer.builder
    if argument.value is None:
        builder.report("G704", "a density takes variables and their values", argument.span, "not a value")
    name = argument.name or base_of(argument.value)
    if name is None:
        builder.report(
            "G704",
            "this density needs to know which variable this is the value of",
            argument.span,
            "no variable by name",
            help=("write `x = …`, the variable's name first",),
        )
    if name.id in builder.refused:
        from gencompiler.model.builder import Abandon

        raise Abandon
    variables = frame.meanings.get(name.id)
    if variables is None:
        _not_a_variable(infer, frame, name)
    if not variables:
        role = "observed" if name.id == "x" else "latent"
        builder.report(
            "G701",
            f"`{name.id}` stands for all {role} variables, and the model has none",
            name.span,
            "stands for nothing",
        )
    found = spread(infer, context, argument.value)
    if len(found) != len(variables):
        builder.report(
            "G704",
            f"`{name.id}` is {_listed(variables)}, and this is the value of {counted(len(found), 'variable')}",
            argument.value.span,
            "does not fit",
        )
    return [_binding(infer, v, e, argument) for v, e in zip(variables, found, strict=True)]


def _binding(infer: Infer, variable: nodes.Variable, value: nodes.Expr, argument: tree.Argument) -> nodes.Binding:
    if not unify(value.type, variable.type):
        own = list(known_shape(value.type) or ())
        infer.builder.report(
            "G201",
            f"`{variable.name}` has the shape {list(variable.type.shape)}, and this {own}",
            argument.span,
            "does not fit",
            also=(Label(variable.span, "declared here"),),
        )
    return nodes.Binding(variable.name, value, span=argument.span)


def base_of(expr: tree.Expr) -> tree.Name | None:
    """The name below the subscripts of an expression."""
    while isinstance(expr, tree.Index):
        expr = expr.base
    return expr if isinstance(expr, tree.Name) else None


def _listed(variables: tuple[nodes.Variable, ...]) -> str:
    return ", ".join(f"`{v.name}`" for v in variables)


def _not_a_variable(infer: Infer, frame: frames.Frame, name: tree.Name) -> NoReturn:
    known = " and ".join(f"`{n}`" for n in frame.meanings)
    if name.id in frame.drawn:
        own = next(iter(n for n, v in frame.meanings.items() if v == frame.drawn[name.id].variables), "x")
        infer.builder.report(
            "G704",
            f"`{name.id}` is a draw, and a density needs the name of the variable that it is the value of",
            name.span,
            "which variable?",
            help=(f"write `{own} = {name.id}`",),
        )
    infer.builder.report(
        "G704",
        f"`{name.id}` is not a variable of this objective",
        name.span,
        f"its variables are {known}",
        help=nearest(name.id, frozenset(frame.meanings)),
    )


def _kernel_bindings(
    infer: Infer, context: Context, kernel: tree.Definition, call: tree.Call
) -> tuple[tuple[nodes.Binding, ...], tuple[nodes.Binding, ...]]:
    """`vp(x' | x, t)`: the next state given the state and, for an SDE, the time, under the kernel's own names."""
    signature = kernel.signature
    assert signature is not None
    state = [d.name.id.rstrip("'") for d in signature.variables]
    inputs = [d.name.id for d in signature.conditions or ()]
    given = inputs if kernel.kind == "transition" else [*state, *inputs]
    sides = []
    for names, arguments in ((state, call.arguments), (given, call.conditions or ())):
        found = [e for a in arguments if a.value is not None for e in spread(infer, context, a.value)]
        if len(found) != len(names):
            primed = ", ".join(f"{n}'" for n in state)
            infer.builder.report(
                "G104",
                f"`{kernel.name.id}` is the distribution of {primed} given {', '.join(given)}",
                call.span,
                f"{len(found)} values for {', '.join(names)}",
                also=(Label(kernel.name.span, "defined here"),),
                help=(f"write `{kernel.name.id}({primed} | {', '.join(given)})`",),
            )
        sides.append(tuple(nodes.Binding(n, e, span=e.span) for n, e in zip(names, found, strict=True)))
    return sides[0], sides[1]


# -- values of groups ------------------------------------------------------------------------------------------------


def spread(infer: Infer, context: Context, expr: tree.Expr) -> list[nodes.Expr]:
    """The values that an expression stands for: those of a group, one for each variable, or its own."""
    frame = context.frame
    base = base_of(expr)
    if frame is None or base is None or base.id not in frame.drawn:
        if frame is not None and isinstance(expr, tree.Name) and expr.id in frame.meanings:
            _not_drawn(infer, context, expr)
        return [infer.expression(context, expr)]
    group = frame.drawn[base.id]
    if isinstance(expr, tree.Index):
        check_particle(infer, context, expr, base, group)
    elif group.particles is not None:
        _report_particles(infer, base, group)
    return [infer.expression(context, _renamed(expr, frames.part(base.id, v.name))) for v in group.variables]


def spread_arguments(context: Context, call: tree.Call) -> tree.Call:
    """A call with each group among its arguments spread into its variables, as tuples are."""
    frame = context.frame
    if frame is None:
        return call
    found: list[tree.Argument] = []
    for argument in call.arguments:
        base = base_of(argument.value) if argument.value is not None else None
        group = frame.drawn.get(base.id) if base is not None else None
        if argument.name is None and argument.value is not None and group is not None and base is not None:
            for variable in group.variables:
                spread_value = _renamed(argument.value, frames.part(base.id, variable.name))
                found.append(dataclasses.replace(argument, value=spread_value))
        else:
            found.append(argument)
    return dataclasses.replace(call, arguments=tuple(found))


def no_value(infer: Infer, context: Context, name: tree.Name) -> None:
    """A name of an objective that is no value: a group of variables, or a variable that is not drawn."""
    frame = context.frame
    assert frame is not None
    group = frame.drawn.get(name.id)
    if group is not None:
        infer.builder.report(
            "G704",
            f"`{name.id}` stands for the variables {_listed(group.variables)}, and one value is needed here",
            name.span,
            f"{len(group.variables)} values",
        )
    if name.id in frame.meanings:
        _not_drawn(infer, context, name)
    counted = next((n for n, g in frame.drawn.items() if g.particles and g.particles[0] == name.id), None)
    if counted is not None:
        _not_bound(infer, name, counted, frame.drawn[counted])


def _not_drawn(infer: Infer, context: Context, name: tree.Name) -> None:
    """A variable without a value: neither drawn nor given."""
    frame = context.frame
    assert frame is not None
    if name.id in context.names and all(v.role == "given" for v in frame.meanings[name.id]):
        return
    sources = {"x": "`x ~ data`", "z": "`z ~ q(z | x)`"}
    infer.builder.report(
        "G704",
        f"`{name.id}` has no value here",
        name.span,
        "not drawn",
        help=(f"draw it first, e.g. {sources.get(name.id, f'`{name.id} ~ p({name.id})`')}, in the brackets of `E[…]`",),
    )


def _renamed(expr: tree.Expr, name: str) -> tree.Expr:
    if isinstance(expr, tree.Index):
        return dataclasses.replace(expr, base=_renamed(expr.base, name))
    return tree.Name(name, span=expr.span)


def check_particle(infer: Infer, context: Context, expr: tree.Index, base: tree.Name, group: frames.Group) -> None:
    """`z[k]`: one subscript, an index that runs over the particles."""
    if group.particles is None:
        return
    first = expr.subscripts[0]
    place = first.value if isinstance(first, tree.At) else None
    if not isinstance(place, tree.Name) or place.id in context.indices:
        return
    if place.id == group.particles[0] and place.id not in context.names:
        _not_bound(infer, place, base.id, group)


def _not_bound(infer: Infer, index: tree.Name, drawn: str, group: frames.Group) -> NoReturn:
    assert group.particles is not None
    infer.builder.report(
        "G704",
        f"`{index.id}` numbers the draws of `{drawn}`, and has a value only inside `for {index.id}: …`",
        index.span,
        "not bound here",
        also=(Label(group.span, f"{group.particles[1]} draws"),),
        help=(f"say what becomes of them: `mean(for {index.id}: …)` or `logmeanexp(for {index.id}: …)`",),
    )


def _report_particles(infer: Infer, base: tree.Name, group: frames.Group) -> None:
    assert group.particles is not None
    index, count = group.particles
    infer.builder.report(
        "G704",
        f"`{base.id}` is {count} draws here, and a density takes one",
        base.span,
        "which of them?",
        also=(Label(group.span, "drawn here"),),
        help=(f"write `{base.id}[{index}]` inside `for {index}: …`",),
    )
