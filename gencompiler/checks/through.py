"""What a head has to list where its right-hand side mentions a derived quantity: the quantity, or what that depends on.

`p(x[t] | h[t])` lists the quantity; `p(x[t] | x[<t])` lists what `h[t] = f(h[t - 1], x[t - 1])` comes down to.  How far
back it reaches, or ahead, is followed through all equations of quantities: exactly, or, where one needs itself in
earlier places, as everything before the latest place that it needs, and likewise from the earliest one on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gencompiler.checks.checking import Finding
from gencompiler.checks.equations import Equation
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof.structure import WHOLE, Axis, Place, Production, covers, describe, first_axis


def unlisted(model: nodes.Model, equations: Sequence[Equation]) -> list[Finding]:
    """What heads do not list and their right-hand sides reach through a derived quantity."""
    computed = {v.name for v in model.variables if v.role == nodes.DERIVED}
    makers = [e.production for e in equations if isinstance(e.source, nodes.Quantity)]
    found: list[Finding] = []
    for equation in equations:
        if not isinstance(equation.source, nodes.Conditional):
            continue
        heads = tuple(place for place, _ in equation.listed)
        for used in equation.production.mentioned:
            if used.variable not in computed or any(covers(head, used) for head in heads):
                continue
            missing = next((p for p in reached(used, makers) if not any(covers(head, p) for head in heads)), None)
            if missing is not None:
                found.append(_finding(equation, used, missing))
                break
    return found


def _finding(equation: Equation, used: Place, missing: Place) -> Finding:
    told = f"`{describe(used)}` depends on `{describe(missing)}`, and the head lists neither"
    help_ = (f"list one of them in the head: `… | {describe(used)}` or `… | {describe(missing)}`",)
    at = equation.mentioned_at(used)
    return Finding("G105", told, at, "not listed", (Label(equation.head, "the head"),), help=help_)


def reached(used: Place, makers: Sequence[Production]) -> list[Place]:
    """The variables that a mention of a quantity comes down to, each as the place that holds all that is needed."""
    names = {m.produces[0].variable for m in makers}
    first = first_axis(used)
    if first.kind not in ("index", "place"):
        return [Place(name) for name in _variables(used.variable, makers, names)]
    extents: dict[str, tuple[float, float] | None] = {}
    exact: dict[str, Place] = {}
    for name, axes, shifts in _steps(used, makers, names):
        known = extents.get(name, shifts)
        both = shifts is not None and known is not None
        extents[name] = (min(known[0], shifts[0]), max(known[1], shifts[1])) if both and known and shifts else None
        if shifts is not None and shifts[0] == shifts[1] and math.isfinite(shifts[0]):
            exact.setdefault(f"{name} {shifts}", Place(name, (_from(first, first.kind, int(shifts[0])), *axes)))
    again = _repeats(used.variable, makers, names)
    found = [] if again else [p for p in exact.values() if extents[p.variable] is not None]
    for name, over in sorted(extents.items()):
        if over is None or again:
            found.append(_holding(name, first, over))
    return found


def _holding(name: str, first: Axis, over: tuple[float, float] | None) -> Place:
    """The place of a variable that holds all within these distances of a head's index."""
    if over is not None and over[0] > -math.inf == -over[1]:
        return Place(name, (_from(first, "after", int(over[0])),))
    if over is None or over[1] == math.inf or first.kind == "place":
        return Place(name)
    return Place(name, (_from(first, "before", int(over[1]) + 1),))


def _from(first: Axis, kind: str, shift: int) -> Axis:
    return Axis(kind, first.index, shift)


def _steps(
    used: Place, makers: Sequence[Production], names: set[str]
) -> Iterator[tuple[str, tuple[Axis, ...], tuple[float, float] | None]]:
    """The mentions of variables below a quantity, with how far they are from the head's index, at least and at most;
    None: anywhere.  What keeps growing, beyond what so many equations can add up to, has no end."""
    start = first_axis(used).shift
    most = (len(makers) + 1) * max((_step(m) for m in makers), default=0)
    waiting: list[tuple[str, float | None]] = [(used.variable, start)]
    seen: set[tuple[str, float | None]] = {(used.variable, start)}
    while waiting:
        name, at = waiting.pop()
        for maker in (m for m in makers if m.produces[0].variable == name):
            own = first_axis(maker.produces[0])
            for mentioned in maker.mentioned:
                shift = _bounded(_moved(own, first_axis(mentioned), at), start, most)
                if mentioned.variable not in names:
                    rest = tuple(a if a.kind == "place" else WHOLE for a in mentioned.axes[1:])
                    low = -math.inf if first_axis(mentioned).kind == "before" else shift
                    yield mentioned.variable, rest, None if shift is None or low is None else (low, shift)
                elif (mentioned.variable, shift) not in seen:
                    seen.add((mentioned.variable, shift))
                    waiting.append((mentioned.variable, shift))


def _step(maker: Production) -> int:
    """How far from what it produces an equation reaches at most."""
    own = first_axis(maker.produces[0])
    moves = [_moved(own, first_axis(mentioned), 0) for mentioned in maker.mentioned]
    return max((abs(int(m)) for m in moves if m is not None), default=0)


def _bounded(shift: float | None, start: int, most: int) -> float | None:
    if shift is None or abs(shift - start) <= most:
        return shift
    return math.inf if shift > start else -math.inf


def _moved(own: Axis, mentioned: Axis, at: float | None) -> float | None:
    """Where a mention lies, seen from a head in which what is produced lies at `at`."""
    if at is None or mentioned.order:
        return None
    if mentioned.kind == "index" and mentioned.index == own.index and own.kind == "index":
        return at + mentioned.shift - own.shift
    if mentioned.kind == "before" and mentioned.index == own.index and own.kind == "index":
        return at + mentioned.shift - 1 - own.shift
    if mentioned.kind == "place" and own.kind == "place":
        return at + mentioned.shift - own.shift
    return None


def _repeats(name: str, makers: Sequence[Production], names: set[str]) -> bool:
    """Whether a quantity comes down to one that needs itself, or to a view."""
    below = {name} | (names & _below(name, makers))
    used = [u for m in makers if m.produces[0].variable in below for u in m.mentioned]
    return any(n in _below(n, makers) for n in below) or any(first_axis(u).kind == "before" for u in used)


def _below(name: str, makers: Sequence[Production]) -> set[str]:
    """Everything that a quantity mentions, directly or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        own = waiting.pop()
        more = {u.variable for m in makers if m.produces[0].variable == own for u in m.mentioned} - found
        found |= more
        waiting += more
    return found


def _variables(name: str, makers: Sequence[Production], names: set[str]) -> list[str]:
    return sorted(_below(name, makers) - names)
