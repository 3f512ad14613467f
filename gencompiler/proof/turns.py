"""Equations that need each other place by place: `h[t]` needs `x[t - 1]`, and `x[t]` needs `h[t]`.

As whole variables they go round in a circle.  Slice by slice along the first axis they need not: a group of equations
can be evaluated for the first slice, then for the second, and so on (or from the last one down), each of them after
those of the same slice that it needs.  Every element then comes after what it depends on, in the order of pairs (slice,
place within the slice), which is well-founded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from gencompiler.proof.graph import Shape
from gencompiler.proof.structure import Place, Production, Range, Turns, first_axis, needs

#: A step of an order of evaluation: one equation, by number, or several in turns.
Turn = int | Turns

NodeT = TypeVar("NodeT")

#: The most pairs of an equation and a slice that are looked at one by one.
MOST_SLICES = 1 << 12


def members(turn: Turn) -> tuple[int, ...]:
    """The equations of a step."""
    return turn.members if isinstance(turn, Turns) else (turn,)


def slices_of(place: Place, indices: tuple[Range, ...]) -> tuple[int, int] | None:
    """The slices start..stop that a produced place lies in, one for each value of its index; None where it does not
    lie in one of them."""
    axis = first_axis(place)
    if axis.kind == "place":
        return axis.shift, axis.shift + 1
    own = next((r for r in indices if axis.kind == "index" and not axis.order and r.index == axis.index), None)
    return (own.start + axis.shift, own.stop + axis.shift) if own is not None else None


def distance(target: Place, used: Place, indices: tuple[Range, ...], extent: int) -> tuple[int, int] | None:
    """How many slices later than `target` the place `used` lies, at least and at most; None where that is not known."""
    made, own, axis = slices_of(target, indices), first_axis(target), first_axis(used)
    if made is None or axis.order:
        return None
    first, last = made[0], made[1] - 1
    same = own.kind == "index" and axis.index == own.index
    if axis.kind == "index" and same:
        return axis.shift - own.shift, axis.shift - own.shift
    if axis.kind == "before" and same:
        return -last, axis.shift - 1 - own.shift
    if axis.kind == "after" and same:
        return axis.shift - own.shift, extent - 1 - first
    if axis.kind == "place":
        return axis.shift - last, axis.shift - first
    return (-last, extent - 1 - first) if axis.kind == "whole" else None


def used_by(production: Production) -> tuple[Place, ...]:
    """Everything that an equation may depend on."""
    return tuple(dict.fromkeys((*production.listed, *production.mentioned)))


def waits(production: Production, other: Production, shapes: Mapping[str, Shape], *, rising: bool) -> tuple[bool, bool]:
    """Of an equation in turns with `other`: whether it needs it in earlier slices or the same one only, and whether it
    needs it in the same."""
    same = False
    for used in used_by(production):
        if used.variable not in shapes or not needs(used, production, other, shapes[used.variable]):
            continue
        found = distance(production.produces[0], used, production.indices, shapes[used.variable][0])
        if found is None:
            return False, False
        latest = found[1] if rising else -found[0]
        if latest > 0:
            return False, False
        same = same or latest == 0
    return True, same


# -- finding an order; nothing rests on how -------------------------------------------------------------------------


def wanted(productions: Sequence[Production], shapes: Mapping[str, Shape]) -> list[set[int]]:
    """For each equation, the others that may produce what it needs."""
    return [
        {
            j
            for j, other in enumerate(productions)
            for used in used_by(p)
            if j != k and used.variable in shapes and needs(used, p, other, shapes[used.variable])
        }
        for k, p in enumerate(productions)
    ]


def order_of(productions: Sequence[Production], shapes: Mapping[str, Shape]) -> tuple[Turn, ...] | None:
    """An order of evaluation, equations that need each other in turns; None where there is none."""
    graph = wanted(productions, shapes)
    groups = components(graph)
    turns: list[Turn] = []
    for group in groups:
        turn = group[0] if len(group) == 1 else in_turns(productions, group, shapes)
        if turn is None:
            return None
        turns.append(turn)
    order: list[Turn] = []
    done: set[int] = set()
    wait = {t: set().union(*(graph[k] for k in members(t))) - {*members(t)} for t in turns}
    while len(order) < len(turns):
        ready = [t for t in turns if t not in order and wait[t] <= done]
        order.extend(ready)
        done |= {k for t in ready for k in members(t)}
    return tuple(order)


def in_turns(productions: Sequence[Production], group: tuple[int, ...], shapes: Mapping[str, Shape]) -> Turns | None:
    """The equations of a group slice by slice, from the first or from the last; None where that is no order."""
    own = [productions[k] for k in group]
    if any(len(p.produces) != 1 or slices_of(p.produces[0], p.indices) is None for p in own):
        return None
    for rising in (True, False):
        found = {(k, j): waits(productions[k], productions[j], shapes, rising=rising) for k in group for j in group}
        if not all(earlier for earlier, _ in found.values()):
            continue
        left, order = list(group), list[int]()
        while left:
            ready = [k for k in left if not any(found[k, j][1] for j in left if j != k)]
            if not ready:
                break
            order.append(ready[0])
            left.remove(ready[0])
        if not left:
            return Turns(tuple(order), rising)
    return None


def components(graph: Sequence[set[int]]) -> list[tuple[int, ...]]:
    """The strongly connected parts of a graph, each in rising order, by their first node."""
    reached = [set(after) for after in graph]
    while True:
        more = [own | set().union(*(reached[k] for k in own)) for own in reached]
        if more == reached:
            break
        reached = more
    found: dict[int, tuple[int, ...]] = {}
    for k in range(len(graph)):
        part = tuple(j for j in range(len(graph)) if j == k or (j in reached[k] and k in reached[j]))
        found.setdefault(part[0], part)
    return list(found.values())


# -- circles --------------------------------------------------------------------------------------------------------


def circle(productions: Sequence[Production], shapes: Mapping[str, Shape]) -> tuple[tuple[int, int], ...] | None:
    """Equations at slices, (number, slice), each of which definitely needs what the next one produces, the first one
    again at the end; None where no such circle is found.

    An equation at a slice stands for what it produces there.  It definitely needs a slice of which it uses all that the
    other equation produces in it."""
    nodes = _slices(productions, shapes)
    if len(nodes) > MOST_SLICES:
        return None
    makers: dict[tuple[str, int], list[int]] = {}
    for k, s in nodes:
        makers.setdefault((productions[k].produces[0].variable, s), []).append(k)
    graph = {(k, s): _definite(productions, shapes, makers, k, s) - {(k, s)} for k, s in nodes}
    left = stuck(graph)
    if not left:
        return None
    path = [min(left)]
    while len(set(path)) == len(path):
        path.append(min(graph[path[-1]] & left))
    return tuple(path[path.index(path[-1]) :])


def stuck(graph: Mapping[NodeT, AbstractSet[NodeT]]) -> set[NodeT]:
    """The nodes of a graph, given by what each of them needs, that are on a circle or need what is on one."""
    left = set(graph)
    while free := {n for n in left if not graph[n] & left}:
        left -= free
    return left


def _slices(productions: Sequence[Production], shapes: Mapping[str, Shape]) -> list[tuple[int, int]]:
    found = []
    for k, production in enumerate(productions):
        if len(production.produces) != 1 or not shapes.get(production.produces[0].variable):
            continue
        made = slices_of(production.produces[0], production.indices)
        empty = any(r.stop <= r.start for r in production.indices)
        if made is not None and not empty:
            found += [(k, s) for s in range(*made)]
    return found


def _definite(
    productions: Sequence[Production],
    shapes: Mapping[str, Shape],
    makers: Mapping[tuple[str, int], list[int]],
    number: int,
    slice_: int,
) -> set[tuple[int, int]]:
    """What one equation at one slice needs in full."""
    production = productions[number]
    target = first_axis(production.produces[0])
    found: set[tuple[int, int]] = set()
    for used in production.listed:
        shape, axis = shapes.get(used.variable), first_axis(used)
        if not shape or axis.order or any(a.kind != "whole" for a in used.axes[1:]):
            continue
        same = target.kind == "index" and axis.index == target.index
        if axis.kind == "place":
            at = range(axis.shift, axis.shift + 1)
        elif axis.kind == "index" and same:
            at = range(slice_ + axis.shift - target.shift, slice_ + axis.shift - target.shift + 1)
        elif axis.kind == "before" and same:
            at = range(min(shape[0], slice_ + axis.shift - target.shift))
        elif axis.kind == "whole":
            at = range(shape[0])
        else:
            continue
        found |= {(k, s) for s in at for k in makers.get((used.variable, s), [])}
    return found
