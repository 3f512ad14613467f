"""Rules for factorizations: an order in which the equations can be evaluated, or a definite reason why there is
none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Shape
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.precedence import acyclic, apart, strictly_after
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Factorizes,
    NotFactorized,
    Place,
    Production,
    PushesForward,
    Turns,
    box,
    covers,
    describe,
    needs,
    overlap,
    strictly_before,
    volume,
)
from gencompiler.proof.turns import Turn, circle, members, slices_of, stuck, used_by, waits


@rule
def factorization(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A joint whose equations can be evaluated in an order, some of them in turns (`turns`).  Subject: the fact without
    conditions, and such an order."""
    joint, variables, productions, order = cast(
        tuple[str, tuple[tuple[str, Shape], ...], tuple[Production, ...], tuple[Turn, ...]], subject
    )
    shapes = dict(variables)
    numbers = [k for turn in order for k in members(turn)]
    need(sorted(numbers) == list(range(len(productions))), "not an order of the equations")
    for name, shape in variables:
        _produced_once(name, shape, productions)
    produced = {p.variable for production in productions for p in production.produces}
    need(produced <= set(shapes), "a variable that does not belong to the joint is produced")
    for production in productions:
        if production.sources != 1 or (isinstance(production.law, Chains) and production.law.end is not None):
            _fits(production, productions, shapes)
        for used in production.mentioned:
            need(any(covers(p, used) for p in production.listed), "the head does not list {}", describe(used))
    position = {k: n for n, turn in enumerate(order) for k in members(turn)}
    for k, production in enumerate(productions):
        need(acyclic(production, shapes), "an equation needs what it produces itself, and not in one order")
        for used in used_by(production):
            for j, other in enumerate(productions):
                own = any(p.variable == used.variable for p in other.produces)
                if own and j != k and needs(used, production, other, shapes[used.variable]):
                    together = isinstance(order[position[k]], Turns) and position[j] == position[k]
                    need(together or position[j] < position[k], "{} is needed before it is produced", describe(used))
    for turn in order:
        if isinstance(turn, Turns):
            _evaluated_in_turns(turn, productions, shapes)
    conditions = {u.variable for p in productions for u in p.listed} - produced
    return Factorizes(joint, variables, productions, tuple(sorted(conditions)))


def _fits(production: Production, productions: tuple[Production, ...], shapes: Mapping[str, Shape]) -> None:
    """A pipeline that starts from several variables, or ends in another shape: it takes whole variables of the joint,
    over one support and joined along their first axes, to a whole variable of the shape that it gives."""
    law = production.law
    if not isinstance(law, Chains) or not 1 <= production.sources <= len(production.listed):
        raise Unproved("only a pipeline starts from several variables")
    need(not production.inverted or production.sources == 1, "a pipeline is undone onto several variables")
    ends = (production.listed[: production.sources], production.produces[:1])
    starts, gives = reversed(ends) if production.inverted else ends
    names = [place.variable for place in (*starts, *gives)]
    need(len(set(names)) == len(names) and set(names) <= set(shapes), "not several variables of the joint")
    need(not any(place.axes for place in (*starts, *gives)), "a part of a variable is joined")
    taken, (given,) = [shapes[name] for name in names[:-1]], [shapes[name] for name in names[-1:]]
    joined = taken[0] if len(taken) == 1 else _joined(taken)
    need(joined == law.shape, "the pipeline starts somewhere else")
    need(given == (law.shape if law.end is None else law.end), "the pipeline ends in another shape")
    for other in productions if len(taken) > 1 else ():
        if {place.variable for place in other.produces} & set(names[:-1]):
            need(_over(other.law) == law.source, "what is joined is not over one support")


def _joined(shapes: list[Shape]) -> Shape:
    """The shape of tensors that are put side by side along their first axes."""
    need(all(shapes) and len({shape[1:] for shape in shapes}) == 1, "what is joined does not fit")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _over(law: Fact | None) -> Support | None:
    """The support of what an equation makes."""
    match law:
        case Admissible(event=event):
            return event
        case PushesForward(chain=chain) | (Chains() as chain):
            return chain.target
    return None


def _evaluated_in_turns(turn: Turns, productions: tuple[Production, ...], shapes: Mapping[str, Shape]) -> None:
    """What each of them needs of the others, and of itself, comes in earlier slices, or before it in the same one."""
    for n, k in enumerate(turn.members):
        need(len(productions[k].produces) == 1, "an equation in turns produces several variables")
        need(slices_of(productions[k].produces[0], productions[k].indices) is not None, "no slice after the other")
        for m, j in enumerate(turn.members):
            earlier, same = waits(productions[k], productions[j], shapes, rising=turn.rising)
            need(earlier and not (same and m > n), "{} is needed before it is produced", productions[j].label)


def _produced_once(name: str, shape: Shape, productions: tuple[Production, ...]) -> None:
    boxes = []
    for production in productions:
        for place in production.produces:
            if place.variable == name:
                found = box(place, shape, production.indices)
                if found is None:
                    raise Unproved(f"the elements that {describe(place)} produces are not a box")
                used = {a.index for a in place.axes if a.kind == "index"}
                need(
                    used == {r.index for r in production.indices},
                    "{} is produced for every other index again",
                    describe(place),
                )
                boxes.append(found)
    for k, one in enumerate(boxes):
        need(not any(overlap(one, other) for other in boxes[:k]), "an element of {} is produced twice", name)
    size = volume(tuple((0, n) for n in shape))
    need(sum(volume(b) for b in boxes) == size, "an element of {} is never produced", name)


@rule
def no_factorization(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An element produced twice or never, a mention that the head does not list, a dependence on itself, a cycle.

    Only definite reasons count: none that involves a subscript of which nothing is known."""
    joint, variables, productions = cast(tuple[str, tuple[tuple[str, Shape], ...], tuple[Production, ...]], subject)
    wrong = (
        any(_miscounted(name, shape, productions) for name, shape in variables)
        or any(_disagrees(p, dict(variables)) for p in productions)
        or _circular(productions)
        or _circle_of_elements(productions)
        or circle(productions, dict(variables)) is not None
    )
    need(wrong, "nothing is definitely wrong")
    return NotFactorized(joint, variables, productions)


def _known(place: Place) -> bool:
    open_ = ("other", "scan", "after")
    return all(a.kind not in open_ and not a.order for a in place.axes)


def _miscounted(name: str, shape: Shape, productions: tuple[Production, ...]) -> bool:
    boxes = []
    complete = True
    for production in productions:
        for place in production.produces:
            if place.variable == name:
                found = box(place, shape, production.indices)
                used = {a.index for a in place.axes if a.kind == "index"}
                if found is not None and any(r.index not in used and r.stop - r.start > 1 for r in production.indices):
                    return True
                complete = complete and found is not None
                boxes.extend([found] if found is not None else [])
    twice = any(overlap(one, other) for k, one in enumerate(boxes) for other in boxes[:k])
    return twice or (complete and sum(map(volume, boxes)) < volume(tuple((0, n) for n in shape)))


def _disagrees(production: Production, shapes: Mapping[str, Shape]) -> bool:
    """A mention outside the head, or a place of a produced variable that may be what is produced itself."""
    own = {p.variable: p for p in production.produces}
    for used in production.mentioned:
        if _known(used) and all(map(_known, production.listed)) and not any(covers(p, used) for p in production.listed):
            return True
    for used in (*production.listed, *production.mentioned):
        target = own.get(used.variable)
        if target is None or not (_known(used) and _known(target)):
            continue
        ordered = any(order(target, used, production.indices) for order in (strictly_before, strictly_after))
        if ordered or apart(target, used, production.indices, shapes[used.variable]):
            continue
        if all(r.stop > r.start for r in production.indices):
            return True
    return False


def _circular(productions: tuple[Production, ...]) -> bool:
    """A cycle of equations each of which needs the very elements that the next produces.

    Only variables with one equation count, in whose place the indices stand as they are; at an index that all of the
    equations have, the elements depend on one another in a circle."""
    once = [p for p in productions if len(p.produces) == 1 and _same_elements(p.produces[0])]
    made = [p.variable for q in productions for p in q.produces]
    once = [p for p in once if made.count(p.produces[0].variable) == 1]
    ranges = [r for p in once for r in p.indices]
    if ranges and max(r.start for r in ranges) >= min(r.stop for r in ranges):
        return False
    makers = {p.produces[0].variable: k for k, p in enumerate(once)}
    return _has_cycle(
        [{makers[u.variable] for u in p.listed if u.variable in makers and _same_elements(u)} for p in once]
    )


def _circle_of_elements(productions: tuple[Production, ...]) -> bool:
    """The same among equations that each produce one element, named by constants."""
    single = [p for p in productions if len(p.produces) == 1 and not p.indices and _is_element(p.produces[0])]
    makers = {p.produces[0]: k for k, p in enumerate(single)}
    return _has_cycle([{makers[used] for used in p.listed if used in makers} for p in single])


def _is_element(place: Place) -> bool:
    return all(a.kind == "place" for a in place.axes)


def _has_cycle(wanted: list[set[int]]) -> bool:
    """Whether a graph, given by what each node needs, has a cycle."""
    return bool(stuck(dict(enumerate(wanted))))


def _same_elements(used: Place) -> bool:
    return all(a.kind == "whole" or (a.kind == "index" and a.shift == 0 and not a.order) for a in used.axes)
