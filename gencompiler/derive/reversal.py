"""The reversal of a transition: what undoes it, started from what it keeps.

A step that draws, or accepts, one thing is in detailed balance and its own reversal; one step after another is reversed
in the opposite order: (K_1 … K_n)* = K_n* … K_1*.  So h' ~ p(h | x), x' ~ p(x | h') becomes x' ~ p(x | h),
h' ~ p(h | x'), and a sweep over i = 0, …, n - 1 becomes the same sweep at n - 1 - i.
What is derived here is not believed: `checks.annealing` proves it.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import cast

from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild, walk

_COMPOSED = (nodes.Use, nodes.Series, nodes.Iterate, nodes.Mix)


class Reversals:
    """Reversals of the transitions of a model; `added` are those that the model does not have."""

    def __init__(self, model: nodes.Model) -> None:
        self.model = model
        self.known = {t.name: t for t in model.transitions}
        self.added: list[nodes.Transition] = []

    def of(self, name: str) -> str | None:
        """The name of the reversal of a transition, maybe its own; None where it is of none of these forms."""
        move = self.known[name]
        if any(isinstance(s, _COMPOSED) for s in move.steps):
            (step,) = move.steps
            own = self._step(step)
            steps: tuple[nodes.Step, ...] | None = None if own is None else (own,)
        else:
            steps = _block(move)
        if steps is None or steps == move.steps:
            return None if steps is None else name
        backward = f"{name}_back"
        while backward in self.known:
            backward += "_"
        found = dataclasses.replace(move, name=backward, steps=steps)
        self.known[backward] = found
        self.added.append(found)
        return backward

    def _step(self, step: nodes.Step) -> nodes.Step | None:
        match step:
            case nodes.Use(transition=name):
                own = self.of(name)
                return None if own is None else dataclasses.replace(step, transition=own)
            case nodes.Series(steps=steps):
                parts = [self._step(s) for s in reversed(steps)]
                found = tuple(p for p in parts if p is not None)
                return dataclasses.replace(step, steps=found) if len(found) == len(parts) else None
            case nodes.Iterate(index=index, count=count, step=inner):
                part = self._step(inner)
                if part is not None and index:
                    part = _from_the_end(part, index, count)
                return None if part is None else dataclasses.replace(step, step=part)
            case nodes.Mix(branches=branches):
                parts = [self._step(b) for b in branches]
                found = tuple(p for p in parts if p is not None)
                return dataclasses.replace(step, branches=found) if len(found) == len(parts) else None
        return None


def _from_the_end(step: nodes.Step, index: str, count: int) -> nodes.Step:
    """A step of a repetition that counts down: count - 1 - index in the place of the index."""
    type_ = nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(count))))
    last = nodes.Literal(type_, Fraction(count - 1), span=step.span)
    own = nodes.Reference(type_, index, span=step.span)
    turned = nodes.Apply(type_, "subtract", (last, own), span=step.span)

    def inside(node: Node) -> Node:
        if isinstance(node, nodes.Expr):
            return substitute(node, {index: turned})
        if isinstance(node, nodes.Iterate) and node.index == index:
            return node  # an index of its own
        return rebuild(node, inside)

    return cast(nodes.Step, inside(step))


def _block(move: nodes.Transition) -> tuple[nodes.Step, ...] | None:
    """The steps in braces, reversed."""
    moving = [s for s in move.steps if _names(s) & set(move.next)]
    if len(moving) == 1:
        return move.steps
    draws = [s for s in move.steps if isinstance(s, nodes.Draw) and s.name in move.next and not s.place]
    if len(draws) != len(move.steps) or len({d.name for d in draws}) != len(draws):
        return None
    drawn: set[str] = set()
    for draw in draws:  # each reads what the state is by then
        read = {r.name for r in walk(draw.distribution) if isinstance(r, nodes.Reference)}
        if read & {n.rstrip("'") for n in drawn} or (read & set(move.next)) - drawn:
            return None
        drawn.add(draw.name)
    found, drawn = [], set()
    for draw in reversed(draws):
        names: dict[str, nodes.Expr] = {}
        for moved in move.next:
            current = next(i for i in move.current if i.name == moved.rstrip("'"))
            now = nodes.Reference(current.type, moved if moved in drawn else current.name, span=draw.span)
            names |= {moved: now, current.name: now}
        found.append(dataclasses.replace(draw, distribution=substitute(draw.distribution, names)))
        drawn.add(draw.name)
    return tuple(found)


def _names(step: nodes.Step) -> set[str]:
    """What a step gives values to."""
    return {n for n in (getattr(step, "name", ""), *getattr(step, "names", ())) if n}
