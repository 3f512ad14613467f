"""`evaluate ais(path, T, particles = 500, steps = 1000)`, `bdmc` and `smc`: what is annealed along which path, by which
transition.

A path is a density of the model with one condition on [0, 1], its time: at 0 it can be drawn from, at 1 it is `p`.  A
transition moves what the path is of, and has the time as its condition."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import words
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.scope import nearest
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.requests import Requests

UNIT = nodes.Support("Interval", (Fraction(0), Fraction(1)))

#: What an evaluation takes where the spec does not say.
DEFAULTS = {"particles": 100, "steps": 1000}
#: The share of the particles below which the effective sample size makes tempering resample.
THRESHOLD = Fraction(1, 2)


@dataclasses.dataclass(frozen=True)
class Annealed:
    """One path with one transition along it, the name of the time, and the methods that anneal so.

    `label` names the two among those of a model: the path, with its transition where it is followed by several;
    `first`: what a spec asks for first is meant where no path is named."""

    path: nodes.Density
    transition: nodes.Transition
    time: str
    methods: tuple[nodes.Method, ...]
    label: str
    first: bool

    @property
    def suffix(self) -> str:
        """What follows the names of programs: nothing for those of the first."""
        return "" if self.first else f"_{self.label}"

    @property
    def variables(self) -> tuple[nodes.Input, ...]:
        return self.path.variables

    @property
    def given(self) -> tuple[nodes.Input, ...]:
        """The variables that the path is conditioned on."""
        return tuple(i for i in self.path.conditions if i.name != self.time)


def annealed(model: nodes.Model) -> tuple[Annealed, ...]:
    """What a model asks for, in the order of its lines."""
    asked: dict[tuple[str, str], list[nodes.Method]] = {}
    for each in model.methods:
        if each.name in words.ANNEALED:
            named = {o.name: str(o.value) for o in each.arguments if isinstance(o.value, str)}
            asked.setdefault((named["path"], named["transition"]), []).append(each)
    paths = [path for path, _ in asked]
    found: list[Annealed] = []
    for (name, moved), methods in asked.items():
        path = next(d for d in model.densities if d.name == name)
        move = next(t for t in model.transitions if t.name == moved)
        label = name if paths.count(name) == 1 else f"{name}_{moved}"
        found.append(Annealed(path, move, _times(path)[0].name, tuple(methods), label, not found))
    return tuple(found)


def _times(path: nodes.Density) -> list[nodes.Input]:
    return [i for i in path.conditions if i.type.support == UNIT and i.type.shape == ()]


def method(
    requests: Requests, statement: tree.Request, head: tree.Name, arguments: tuple[tree.Argument, ...]
) -> nodes.Method:
    """The method, with its path and its transition as options; raises Abandon after a report."""
    builder = requests.infer.builder
    names = [a.value for a in arguments[:2] if a.name is None and isinstance(a.value, tree.Name)]
    if len(names) != 2:
        ways = (
            f"write `{head.id}(T, particles = 500, steps = 1000)`: by what keeps `p`, from where the model begins",
            f"or `{head.id}(path, T, …)`, with a density that has a time",
        )
        builder.report("G703", f"`{head.id}` needs a transition", statement.value.span, "by what?", help=ways)
    path_name, move_name = names
    path = builder.densities.get(path_name.id)
    if path is None:
        known = frozenset(builder.densities)
        message = f"`{path_name.id}` is not a density of the model"
        builder.report("G703", message, path_name.span, "no path", help=nearest(path_name.id, known))
    times = _times(path)
    if len(times) != 1:
        help_ = (f"give it one: `density {path.name}(… | t : Interval(0, 1)) ∝ …`",)
        message = f"`{path.name}` has {'no condition' if not times else 'several conditions'} on [0, 1]"
        builder.report("G703", message, path_name.span, "no path from 0 to 1", also=(Label(path.span),), help=help_)
    requests.skip_unresolved(move_name.id)
    move = requests.moves.get(move_name.id)
    if move is None:
        known = frozenset(requests.moves)
        message = f"`{move_name.id}` is not a transition"
        builder.report("G703", message, move_name.span, "unknown transition", help=nearest(move_name.id, known))
    _check_fit(requests, path, move, times[0].name, move_name)
    chosen = (
        nodes.Option("path", path.name, span=path_name.span),
        nodes.Option("transition", move.name, span=move_name.span),
    )
    again = next((m for m in requests.methods if m.name == head.id and m.arguments[:2] == chosen), None)
    if again is not None:
        message = f"`{head.id}` along `{path.name}` by `{move.name}` is asked for twice"
        builder.report("G102", message, statement.span, "asked again", also=(Label(again.span, "first asked here"),))
    found = _options(requests, head, arguments[2:])
    return nodes.Method(statement.verb, head.id, (*chosen, *found), span=statement.span)


def _check_fit(requests: Requests, path: nodes.Density, move: nodes.Transition, time: str, at: tree.Name) -> None:
    """A transition moves the variables of the path and no others, at the path's time."""
    builder = requests.infer.builder
    moved, described = {n.rstrip("'") for n in move.next}, {i.name for i in path.variables}
    also = (Label(path.span, "the path"), Label(move.span, "the transition"))
    if moved != described:
        strange = min(moved ^ described)
        verb = "moves" if strange in moved else "does not move"
        message = f"`{move.name}` {verb} `{strange}`, and `{path.name}` is of {', '.join(sorted(described))}"
        builder.report("G703", message, at.span, "moves other variables", also=also)
    if [i.name for i in move.conditions] != [time] or move.conditions[0].type.support != UNIT:
        help_ = (f"give it the head `{move.name}(… | …, {time} : Interval(0, 1))`",)
        message = f"`{move.name}` does not have the time `{time}` of `{path.name}` as its one condition"
        builder.report("G703", message, at.span, "at which time?", also=also, help=help_)
    observed = {v.name for v in requests.objectives.variables.values() if v.role == "observed"}
    unseen = observed - described - {i.name for i in path.conditions}
    if unseen:
        message = f"`{path.name}` says nothing of `{min(unseen)}`, which is observed"
        builder.report("G703", message, at.span, "a path of part of the model", also=also[:1])


def _options(requests: Requests, head: tree.Name, arguments: tuple[tree.Argument, ...]) -> tuple[nodes.Option, ...]:
    """The numbers, those that are left out at their defaults, and the threshold of `resample = systematic(0.5)`."""
    plain = tuple(a for a in arguments if a.name is None or a.name.id not in ("resample", "on"))
    known = tuple(k for k in words.ANNEALED[head.id] if k not in ("resample", "on"))
    given = {o.name: o for o in requests.arguments(head, plain, known)}
    found = [
        given.get(name, nodes.Option(name, Fraction(default), span=head.span)) for name, default in DEFAULTS.items()
    ]
    resample = next((a for a in arguments if a.name is not None and a.name.id == "resample"), None)
    if "resample" in words.ANNEALED[head.id]:
        value = THRESHOLD if resample is None else _threshold(requests, resample)
        found.append(nodes.Option("threshold", value, span=head.span))
    elif resample is not None:
        requests.infer.builder.report("G107", f"`{head.id}` does not resample", resample.span, "`smc` does")
    for argument in (a for a in arguments if a.name is not None and a.name.id == "on"):
        _check_rows(requests, head, argument)
    return tuple(found)


def _check_rows(requests: Requests, head: tree.Name, argument: tree.Argument) -> None:
    """`on = simulated`: of those rows alone exact draws of the posterior are known, so `bdmc` has no others."""
    builder, value = requests.infer.builder, argument.value
    if "on" not in words.ANNEALED[head.id]:
        builder.report("G107", f"`{head.id}` is of the data", argument.span, "`bdmc` is of simulated rows")
    if not isinstance(value, tree.Name) or value.id != "simulated":
        message = "the upper bound starts from exact draws of the posterior, known of simulated rows alone"
        builder.report("G107", message, argument.span, "no such rows", help=("write `on = simulated`",))


def _threshold(requests: Requests, argument: tree.Argument) -> nodes.Real:
    """Of `systematic(0.5)`."""
    builder, value = requests.infer.builder, argument.value
    called = value.function if isinstance(value, tree.Call) else value
    if not isinstance(called, tree.Name) or called.id != "systematic":
        help_ = ("write `resample = systematic(0.5)`: where the effective sample size is below half the particles",)
        builder.report("G107", "particles are resampled by `systematic`", argument.span, "unknown", help=help_)
    given = value.arguments if isinstance(value, tree.Call) else ()
    if not given:
        return THRESHOLD
    if len(given) > 1 or given[0].value is None:
        builder.report("G107", "`systematic` takes one number", argument.span, "a share of the particles")
    found = requests.number(given[0].value, "systematic")
    if found > 1:
        builder.report("G206", "`systematic` takes a share of the particles", argument.span, f"this is {found}")
    return found
