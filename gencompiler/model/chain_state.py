"""What of its state a transition reads before it has drawn it anew."""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.model import nodes
from gencompiler.node import Node, children, walk


def reads(transitions: Mapping[str, nodes.Transition], move: nodes.Transition) -> frozenset[str]:
    """The variables whose value at the start decides where a transition goes."""
    found: set[str] = set()
    for step in move.steps:
        _read(transitions, step, found, set())
    if not _composed(move):
        found |= _in_braces(move)
    return frozenset(found)


def _composed(move: nodes.Transition) -> bool:
    return any(isinstance(s, nodes.Use | nodes.Series | nodes.Iterate | nodes.Mix) for s in move.steps)


def _in_braces(move: nodes.Transition) -> set[str]:
    """Of steps in braces: all that a step mentions, what an acceptance may keep, and what is never drawn."""
    moved = {n.rstrip("'") for n in move.next}
    found = {i.name for i in move.current if i.name not in moved}
    assigned: set[str] = set()
    for step in move.steps:
        found |= _mentioned(step)
        if isinstance(step, nodes.Accept | nodes.Orbit):
            found |= moved
        if isinstance(step, nodes.Draw) and step.place:
            found.add(step.base)
        assigned |= {n for n in (getattr(step, "name", ""), *getattr(step, "names", ())) if n}
    return (found | {n for n in moved if f"{n}'" not in assigned}) & {i.name for i in move.current}


def _mentioned(step: Node) -> set[str]:
    """The names whose values a step reads: of `p(h | x)`, not `h`."""
    if isinstance(step, nodes.Conditioned):
        places = step.target.subscripts if isinstance(step.target, nodes.Element) else ()
        return set().union(*(_mentioned(e) for e in (*places, *(b.value for b in step.given))))
    own = {step.name} if isinstance(step, nodes.Reference) else set()
    return own.union(*(_mentioned(child) for child in children(step)))


def _read(transitions: Mapping[str, nodes.Transition], step: nodes.Step, found: set[str], written: set[str]) -> None:
    """Add what a composition reads that it has not `written` before."""
    match step:
        case nodes.Use(transition=name):
            move = transitions[name]
            found |= reads(transitions, move) - written
            written |= {n.rstrip("'") for n in move.next}
        case nodes.Series(steps=steps):
            for part in steps:
                _read(transitions, part, found, written)
        case nodes.Iterate(step=part):
            _read(transitions, part, found, written)
        case nodes.Mix(weights=weights, branches=branches):
            found |= {r.name for w in weights for r in walk(w) if isinstance(r, nodes.Reference)} - written
            for part in branches:
                _read(transitions, part, found, set(written))
