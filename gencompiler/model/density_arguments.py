"""What a density is given besides values of variables (`t` of `path(x | h, t)`), and free energies `energy(p)(x)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import densities, nodes
from gencompiler.model.builder import Context
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def free_energy(infer: Infer, context: Context, expr: tree.Call, call: tree.Call) -> nodes.FreeEnergy | None:
    """`energy(p)(x)`; None where another function is called."""
    of = call.arguments[0].value if len(call.arguments) == 1 and call.conditions is None else None
    if densities.called(call) != "energy" or of is None or context.frame is None:
        return None
    found = densities.head(infer, context, of)
    if found is None or found.kernel is not None or found.power != 1:
        infer.builder.report(
            "G704", "an energy is that of a joint", of.span, "not a joint", help=("write `energy(p)(x)`",)
        )
    frame = context.frame
    targets: list[nodes.Binding] = []
    for argument in expr.arguments:
        base = argument.name or (densities.base_of(argument.value) if argument.value is not None else None)
        if base is not None and base.id not in frame.meanings and base.id in frame.drawn and argument.value is not None:
            group = frame.drawn[base.id]
            values = densities.spread(infer, context, argument.value)
            targets += [
                nodes.Binding(v.name, e, span=argument.span) for v, e in zip(group.variables, values, strict=True)
            ]
        else:
            targets += densities.bound(infer, context, argument)
    densities.once(infer, targets, expr)
    return nodes.FreeEnergy(nodes.Type(nodes.REAL), found.name, tuple(targets), found.stopped, span=expr.span)


def conditions_of(
    infer: Infer, context: Context, density: tree.Definition | None, call: tree.Call
) -> tuple[list[nodes.Binding], list[tree.Argument]]:
    """The values of a density's own conditions (`t` of `path(x | h, t)`), and the other arguments after the bar.

    A condition goes by its name, `t = 0.5`, or stands where the density's head has it."""
    given = list(call.conditions or ())
    if density is None or density.signature is None:
        return [], given
    declared = list(density.signature.conditions or ())
    own = {d.name.id for d in declared if d.type is not None}
    variables = [d.name.id for d in declared if d.type is None]
    found: list[nodes.Binding] = []
    rest: list[tree.Argument] = []
    free = iter([n for n in own if all(a.name is None or a.name.id != n for a in given)])
    for argument in given:
        base = argument.name or (densities.base_of(argument.value) if argument.value is not None else None)
        assert context.frame is not None
        if base is not None and base.id not in own and (base.id in variables or base.id in context.frame.meanings):
            rest.append(argument)
            continue
        name = argument.name.id if argument.name is not None else next(free, None)
        if name is None or name not in own or argument.value is None:
            infer.builder.report(
                "G104", f"`{density.name.id}` has no such condition", argument.span, "nothing that it is given"
            )
        value = infer.expression(context, argument.value)
        found.append(nodes.Binding(name, value, span=argument.span))
    missing = sorted(own - {b.name for b in found})
    if missing:
        infer.builder.report(
            "G104",
            f"`{density.name.id}` needs `{missing[0]}`",
            call.span,
            "a condition is missing",
            also=(Label(density.name.span, "defined here"),),
        )
    return found, rest
