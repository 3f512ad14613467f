"""Draws from kernels in an objective: what a transition starts from, and chains that go on from step to step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import chain_state, densities, draws, frames, nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.conditions import by_default
from gencompiler.model.constants import size
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def given(infer: Infer, context: Context, kernel: tree.Definition, call: tree.Call) -> tuple[nodes.Binding, ...]:
    """What a kernel starts from; its next state is what is drawn."""
    signature = kernel.signature
    assert signature is not None
    state = [d.name.id.rstrip("'") for d in signature.variables]
    inputs = [d.name.id for d in signature.conditions or ()]
    wanted = inputs if kernel.kind == "transition" else [*state, *inputs]
    if kernel.kind == "transition":
        return _transition_given(infer, context, kernel, call, wanted)
    found = [e for a in call.conditions or () if a.value is not None for e in densities.spread(infer, context, a.value)]
    if len(found) != len(wanted):
        infer.builder.report(
            "G104",
            f"`{kernel.name.id}` moves given {', '.join(f'`{n}`' for n in wanted)}",
            call.span,
            f"{len(found)} values",
            also=(Label(kernel.name.span, "defined here"),),
        )
    return tuple(nodes.Binding(n, e, span=e.span) for n, e in zip(wanted, found, strict=True))


def _transition_given(
    infer: Infer, context: Context, kernel: tree.Definition, call: tree.Call, wanted: list[str]
) -> tuple[nodes.Binding, ...]:
    """What a transition starts from, by name; a variable that it draws anew before it reads it may be left out.

    `x` of an objective stands for all observed variables, of which each that the transition knows is meant."""
    assert context.frame is not None
    found: dict[str, nodes.Binding] = {}
    for argument in call.conditions or ():
        if argument.value is None:
            continue
        base = argument.name or densities.base_of(argument.value)
        values = densities.spread(infer, context, argument.value)
        known = context.frame.drawn.get(base.id) if base is not None else None
        meant = known.variables if known is not None and argument.name is None else ()
        if argument.name is not None:
            meant = context.frame.meanings.get(argument.name.id, ())
        names = [v.name for v in meant] if len(meant) == len(values) else [n for n in wanted if n not in found]
        for name, value in zip(names, values, strict=False):
            found[name] = nodes.Binding(name, value, span=value.span)
    move = infer.builder.transitions.get(kernel.name.id)
    if move is None:
        raise Abandon
    read = chain_state.reads(infer.builder.transitions, move)
    for each in move.conditions:
        usual = infer.builder.usual.get((move.name, each.name))
        if each.name not in found and usual is not None:
            found[each.name] = by_default(infer, context, each.name, usual, call)
    missing = [i.name for i in move.current if i.name not in found and i.name in read]
    missing += [i.name for i in move.conditions if i.name not in found]
    names = [i.name for i in (*move.current, *move.conditions)]
    if missing:
        infer.builder.report(
            "G104",
            f"`{kernel.name.id}` moves given {', '.join(f'`{n}`' for n in names)}",
            call.span,
            f"no value of `{missing[0]}`",
            also=(Label(kernel.name.span, "defined here"),),
        )
    return tuple(found[n] for n in names if n in found)


def persistent(
    infer: Infer, context: Context, equation: tree.Equation, names: list[tree.Name], call: tree.Call
) -> tuple[Context, nodes.Drawn]:
    """`y ~ persistent(stop(T^k), chains = n)`: the observed variables of chains that go on from step to step."""
    builder, frame = infer.builder, context.frame
    assert frame is not None
    plain = [a.value for a in call.arguments if a.name is None and a.value is not None]
    named = {a.name.id: a.value for a in call.arguments if a.name is not None}
    found = densities.head(infer, context, plain[0]) if len(plain) == 1 else None
    if found is None or found.kernel is None or found.kernel.kind != "transition" or set(named) - {"chains"}:
        builder.report("G704", "stored chains move by a transition", call.span, "write `persistent(T, chains = 100)`")
    move = builder.transitions.get(found.name)
    if move is None:
        raise Abandon
    chains = named.get("chains")
    count = 100 if chains is None else size(chains, context.constants, builder.reporter)
    if count is None:
        raise Abandon
    if move.conditions or len(names) != 1:
        builder.report(
            "G704", f"`{found.name}` cannot be stored", call.span, "a transition without conditions, and one name"
        )
    group = tuple(v for v in frame.meanings["x"] if f"{v.name}'" in move.next)
    own = draws.local_names(infer, frame, names[0].id, group)
    context = draws.with_draw(infer, context, names[0], frames.Group(group, own, None, names[0].span))
    source = nodes.JointSource(found.name, (), found.stopped, found.power, count, span=call.span)
    return context, nodes.Drawn(tuple(v.name for v in group), own, source, None, span=equation.span)
