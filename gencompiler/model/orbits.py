"""Walks along an orbit, `x', v' = orbit(leapfrog, flip, while = apart)`: which state of it comes next is drawn.

The orbit of a state s under a map F is …, F⁻¹(s), s, F(s), …; the involution R that turns F round, R F R = F⁻¹, walks
it backwards.  A window of the orbit around s is doubled, forwards or backwards at random, while the two ends of it, and
of each half of what is added, are still moving apart (Hoffman & Gelman, *The No-U-Turn Sampler*, JMLR 2014); the next
state is drawn from the window with weights by the target (Betancourt, arXiv:1701.02434, appendix A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.transition_steps import Body

#: Doublings where the spec does not say, and how many are allowed: the last one alone takes 2^(n - 1) steps.
DOUBLINGS, MOST_DOUBLINGS = 8, 16

_OPTIONS = ("while", "doublings", "target")
_HELP = "write `x', v' = orbit(F, R, while = f)`: a map, what turns it round, and how far two states are apart"


def add(body: Body, item: tree.Equation, names: list[str], value: tree.Call) -> None:
    """Resolve one walk along an orbit into a step of `body`."""
    builder = body.infer.builder
    plain = [a.value for a in value.arguments if a.name is None and a.value is not None]
    named = {a.name.id: a for a in value.arguments if a.name is not None}
    if set(named) - set(_OPTIONS) or value.conditions is not None:
        builder.report("G104", f"`orbit` takes two maps, and {', '.join(f'`{o}`' for o in _OPTIONS)}", value.span)
    if len(plain) != 2 or "while" not in named:
        builder.report("G604", "`orbit` takes a map, what turns it round, and `while`", value.span, help=(_HELP,))
    for name in names:
        if name not in body.state:
            builder.report("G604", f"`{name}` is not the next value of a variable", item.span, "the state walks")
    sources = tuple(body.infer.expression(body.context, tree.Name(n.rstrip("'"), span=item.span)) for n in names)
    types = tuple(s.type for s in sources)
    maps = []
    for stage in plain:
        found, results = body.stages((stage,), types)
        if [t.shape for t in results] != [t.shape for t in types]:
            message = f"{counted(len(names), 'variable')} walk, and the map gives something else"
            builder.report("G604", message, stage.span, "it must give what it takes")
        maps.append(found)
    ends, reach = _reach(body, names, types, named["while"])
    target = body.target_density(named.get("target"))
    doublings = _doublings(body, named.get("doublings"))
    step = nodes.Orbit(tuple(names), sources, maps[0], maps[1], ends, reach, doublings, target, span=item.span)
    body.steps.append(step)
    for name in names:
        body.bind(name, body.state[name], item)


def _reach(
    body: Body, names: list[str], types: tuple[nodes.Type, ...], given: tree.Argument
) -> tuple[tuple[str, ...], nodes.Expr]:
    """What a definition says of two states, and the names of their variables in it."""
    builder, value = body.infer.builder, given.value
    head = value.function if isinstance(value, tree.Call) else value
    rest = value.arguments if isinstance(value, tree.Call) else ()
    definition = builder.definition(body.context, head.id) if isinstance(head, tree.Name) else None
    if definition is None or definition.kind != "def" or not isinstance(head, tree.Name):
        builder.report("G604", "`while` names a definition of two states", given.span, "not a `def`", help=(_HELP,))
    ends = tuple(f"{n.rstrip(chr(39))}.{end}" for end in ("first", "last") for n in names)
    values = dict(zip(ends, (*types, *types), strict=True))
    inside = body.context.bind(**{n: nodes.Reference(t, n, span=given.span) for n, t in values.items()})
    states = tuple(tree.Argument(None, tree.Name(n, span=given.span), None, span=given.span) for n in ends)
    reach = body.infer.expression(inside, tree.Call(head, (*states, *rest), None, span=given.span))
    if not unify(reach.type, nodes.Type(nodes.REAL, ())):
        shape = list(known_shape(reach.type) or ())
        builder.report("G201", "how far two states are apart is one number", given.span, f"this has the shape {shape}")
    return ends, reach


def _doublings(body: Body, argument: tree.Argument | None) -> int:
    if argument is None or argument.value is None:
        return DOUBLINGS
    builder = body.infer.builder
    found = size(argument.value, body.context.constants, builder.reporter)
    if found is None or not 1 <= found <= MOST_DOUBLINGS:
        builder.report("G206", f"`doublings` is a whole number from 1 to {MOST_DOUBLINGS}", argument.span)
    return found
