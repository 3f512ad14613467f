"""What a head has to list where its right-hand side mentions a derived quantity: the quantity, or what that depends on.

`p(x[t] | h[t])` lists the quantity; `p(x[t] | x[<t])` lists what `h[t] = f(h[t - 1], x[t - 1])` comes down to.  How far
back it reaches is followed through all equations of quantities: exactly, or, where one needs itself in earlier places,
as everything before the latest place that it needs."""

from __future__ import annotations

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
    if first_axis(used).kind != "index":
        return [Place(name) for name in _variables(used.variable, makers, names)]
    whole: set[str] = set()
    latest: dict[str, int] = {}
    exact: dict[str, Place] = {}
    again = _repeats(used.variable, makers, names)
    for name, axes, shift in _steps(used, makers, names):
        if shift is None:
            whole.add(name)
        else:
            latest[name] = max(latest.get(name, shift), shift)
            exact.setdefault(f"{name} {shift}", Place(name, (Axis("index", first_axis(used).index, shift), *axes)))
    index = first_axis(used).index
    past = [Place(name, (Axis("before", index, shift + 1),)) for name, shift in latest.items() if name not in whole]
    own = list(exact.values()) if not again else past
    return [*(Place(name) for name in sorted(whole)), *(p for p in own if p.variable not in whole)]


def _steps(
    used: Place, makers: Sequence[Production], names: set[str]
) -> Iterator[tuple[str, tuple[Axis, ...], int | None]]:
    """The mentions of variables below a quantity, with how far they are from the head's index; None: anywhere."""
    waiting: list[tuple[str, int | None]] = [(used.variable, first_axis(used).shift)]
    seen: dict[str, int | None] = {used.variable: first_axis(used).shift}
    while waiting:
        name, at = waiting.pop()
        for maker in (m for m in makers if m.produces[0].variable == name):
            own = first_axis(maker.produces[0])
            for mentioned in maker.mentioned:
                shift = _moved(own, first_axis(mentioned), at)
                if mentioned.variable not in names:
                    rest = tuple(a if a.kind == "place" else WHOLE for a in mentioned.axes[1:])
                    yield mentioned.variable, rest, shift
                    continue
                known = seen.get(mentioned.variable, "none")
                if known == "none" or (known is not None and (shift is None or shift > int(known))):
                    seen[mentioned.variable] = shift
                    waiting.append((mentioned.variable, shift))


def _moved(own: Axis, mentioned: Axis, at: int | None) -> int | None:
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
