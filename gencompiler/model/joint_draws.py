"""`r, s ~ q(rain, sprinkler | wet)` in a transition: several variables drawn at once from a joint.

A joint states its variables one by one, each given some of the others, so that a draw of them all is a draw of each
after those that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gencompiler.model import density_arguments, density_draws, nodes
from gencompiler.model.builder import Context
from gencompiler.model.densities import Head, bound
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def drawn(
    infer: Infer, context: Context, joint: tuple[Head, tree.Call] | None, value: tree.Expr, names: Sequence[str]
) -> Sequence[tuple[str, nodes.Expr]]:
    """Which name is drawn from which law, one after the other; raises Abandon after a report."""
    defined = density_draws.defined(infer, value)
    if defined is not None:
        return density_draws.in_order(infer, context, *defined, names)
    if joint is None:
        infer.builder.unsupported("a draw of several names from anything but a joint or a density", value.span)
    return in_order(infer, context, *joint, names)


def in_order(
    infer: Infer, context: Context, found: Head, call: tree.Call, names: Sequence[str]
) -> list[tuple[str, nodes.Conditioned]]:
    """Which name is drawn from which law, each after what it is given; raises Abandon after a report."""
    builder = infer.builder
    plain = [a.value for a in call.arguments if a.name is None and isinstance(a.value, tree.Name)]
    variables = [v.id for v in plain if isinstance(v, tree.Name)]
    if len(variables) != len(call.arguments) or len(variables) != len(names):
        label = f"{len(names)} names, {len(call.arguments)} variables"
        builder.report("G604", "each name is drawn from the law of one variable", call.span, label)
    own, others = density_arguments.conditions_of(infer, context, found.density, call)
    if own:
        builder.unsupported("a draw of several names from a density", call.span)
    known = {b.name: b.value for each in others for b in bound(infer, context, each)}
    waiting = {v: _stated(infer, found.name, v, call) for v in variables}
    named = dict(zip(variables, names, strict=True))
    drawn: list[tuple[str, nodes.Conditioned]] = []
    while waiting:
        ready = next((v for v, conditional in waiting.items() if _parents(conditional) <= known.keys()), None)
        if ready is None:
            variable = next(iter(waiting))
            missing = sorted(_parents(waiting[variable]) - known.keys() - waiting.keys())
            label = f"`{variable}` is given `{missing[0]}`" if missing else "each is given another"
            builder.report("G604", f"`{found.name}` does not draw these variables given those", call.span, label)
        (target,) = waiting.pop(ready).targets
        given = tuple(nodes.Binding(n, v, span=call.span) for n, v in known.items())
        drawn.append((named[ready], nodes.Conditioned(target.type, found.name, target, given, span=call.span)))
        known[ready] = nodes.Reference(target.type, named[ready], span=call.span)
    return drawn


def _stated(infer: Infer, joint: str, variable: str, call: tree.Call) -> nodes.Conditional:
    """The one equation of a joint that states the law of a variable as a whole."""
    found = [c for c in infer.builder.stated if c.joint == joint and _named(c.targets[0]) == variable]
    if len(found) != 1 or not isinstance(found[0].targets[0], nodes.Reference):
        what = f"a draw of `{variable}` with others, which `{joint}` does not state as a whole,"
        infer.builder.unsupported(what, call.span, "draw one name after the other")
    return found[0]


def _named(target: nodes.Expr) -> str:
    return next((n.name for n in walk(target) if isinstance(n, nodes.Reference)), "")


def _parents(conditional: nodes.Conditional) -> set[str]:
    return {n.name for g in conditional.given for n in walk(g) if isinstance(n, nodes.Reference)}
