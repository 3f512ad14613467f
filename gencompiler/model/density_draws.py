"""`a, b ~ Pair(m = 0)` in a transition: several variables drawn at once from a density that the file defines.

The density is a product of laws, `Normal(a | m, 1) * Normal(b | a, 1)`, one for each of its variables; a draw of them
all is a draw of each after those that its law reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes, user_densities
from gencompiler.model.builder import Context
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def defined(infer: Infer, value: tree.Expr) -> tuple[tree.Call, tree.Definition] | None:
    """A use of a density that the file defines, as the distribution of what is drawn."""
    if not isinstance(value, tree.Call) or not isinstance(value.function, tree.Name):
        return None
    found = infer.builder.definitions.get(value.function.id)
    return (value, found) if found is not None and found.kind == "density" else None


def in_order(
    infer: Infer, context: Context, call: tree.Call, definition: tree.Definition, names: Sequence[str]
) -> list[tuple[str, nodes.Expr]]:
    """Which name is drawn from which law, each after what it reads; raises Abandon after a report."""
    builder, name = infer.builder, definition.name.id
    own, values = user_densities.at(infer, context, call, definition)
    also = (Label(definition.name.span, "defined here"),)
    if len(own.variables) != len(names):
        label = f"{counted(len(names), 'name')}, {counted(len(own.variables), 'variable')}"
        builder.report("G604", "each name is drawn from the law of one variable", call.span, label, also=also)
    laws = _laws(own)
    if laws is None:
        what = f"a draw of several names from `{name}`, which is no product of one law for each variable,"
        builder.unsupported(what, call.span, f"write `{name}` as one: `Normal(a | m, 1) * Normal(b | a, 1)`")
    known: dict[str, nodes.Expr] = dict(values)
    waiting = {v.name: (drawn, laws[v.name]) for v, drawn in zip(own.variables, names, strict=True)}
    found: list[tuple[str, nodes.Expr]] = []
    while waiting:
        ready = next((v for v, (_, law) in waiting.items() if not _read(law) & waiting.keys()), None)
        if ready is None:
            builder.report("G604", f"`{name}` gives each variable given another", call.span, "in a circle", also=also)
        drawn, law = waiting.pop(ready)
        found.append((drawn, _at(law, known)))
        known[ready] = nodes.Reference(law.type, drawn, span=call.span)
    return found


def _laws(own: nodes.Density) -> dict[str, nodes.Distribution] | None:
    """The law of each variable of a density, where that is a product of them; None where it is not."""
    found: dict[str, nodes.Distribution] = {}
    for factor in _factors(own.value):
        law = factor.arguments[0] if isinstance(factor, nodes.Apply) and factor.function == "exp" else None
        if not isinstance(law, nodes.LogLaw) or not isinstance(law.event, nodes.Reference) or law.event.name in found:
            return None
        found[law.event.name] = law.distribution
    return found if found.keys() == {v.name for v in own.variables} else None


def _factors(value: nodes.Expr) -> list[nodes.Expr]:
    if isinstance(value, nodes.Apply) and value.function == "multiply":
        return [f for a in value.arguments for f in _factors(a)]
    return [value]


def _read(law: nodes.Distribution) -> set[str]:
    return {n.name for n in walk(law) if isinstance(n, nodes.Reference)}


def _at(law: nodes.Distribution, known: dict[str, nodes.Expr]) -> nodes.Expr:
    """A law with values for what it reads."""

    def visit(current: Node) -> Node:
        if isinstance(current, nodes.Reference):
            return known.get(current.name, current)
        if isinstance(current, nodes.UserDistribution):
            arguments = tuple(cast(nodes.Expr, visit(a)) for a in current.arguments)
            return dataclasses.replace(current, arguments=arguments)
        return rebuild(current, visit)

    return cast(nodes.Expr, visit(law))
