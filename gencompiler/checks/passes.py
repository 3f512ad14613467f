"""How many steps wait for each other when a pipeline is run in either direction, and whether training runs the longer.

A map by index is computed at once as it is written; undoing it is a recursion over its entries."""

from __future__ import annotations

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.joints import Joint
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.node import walk


def of_map(derived: Derived, name: str, *, undone: bool) -> int:
    """The sequential passes of one map, as written or undone."""
    if not undone or name not in derived.inverses:
        return 1
    return max((n.extent for n in walk(derived.inverses[name].body) if isinstance(n, nodes.Recur)), default=1)


def of_joint(derived: Derived, joint: Joint, *, generating: bool) -> int:
    """The sequential passes of a joint's pipelines: to generate what they produce, or from it back to their sources."""
    found = [1]
    for equation in joint.equations:
        if isinstance(equation.source, nodes.Link):
            undone = equation.production.inverted == generating
            found += [of_map(derived, n, undone=undone != swapped) for n, swapped in _uses(equation.source)]
    return max(found)


def _uses(link: nodes.Link) -> list[tuple[str, bool]]:
    """The maps of a pipeline, and whether each is used backwards."""
    stages = [n for n in walk(link) if isinstance(n, nodes.UseMap)]
    return list(dict.fromkeys((s.map, isinstance(s, nodes.UseInverse)) for s in stages))


def check(checking: Checking, joints: dict[str, Joint]) -> None:
    """Warn of a training that runs a map entry by entry where the other direction would take one pass."""
    for training in checking.model.trainings:
        for joint in joints.values():
            for equation in joint.equations:
                if isinstance(equation.source, nodes.Link):
                    _check(checking, training, joint, equation.source, equation.production.inverted)


def _check(checking: Checking, training: nodes.Training, joint: Joint, link: nodes.Link, inverted: bool) -> None:
    for undone in (True, False):
        slow = [n for n, swapped in _uses(link) if of_map(checking.derived, n, undone=undone != swapped) > 1]
        draws = undone == inverted
        if slow and (_draws if draws else _evaluates)(training, joint):
            map_ = next(m for m in checking.model.maps if m.name == slow[0])
            count = of_map(checking.derived, slow[0], undone=True)
            what = f"draws from `{joint.name}`" if draws else f"evaluates log {joint.name}"
            checking.report(
                Finding(
                    "G411",
                    f"training {what}, and `{map_.definition}` takes {count} steps one after another in that direction",
                    training.span,
                    "runs entry by entry",
                    (
                        Label(
                            next(s.span for s in walk(link) if isinstance(s, nodes.UseMap) and s.map == slow[0]),
                            "this map",
                        ),
                    ),
                    help=("write the map in the direction that training needs: swap the ends of its pipeline",),
                )
            )


def _draws(training: nodes.Training, joint: Joint) -> bool:
    sources = (n for phase in training.objective.phases for n in walk(phase.value) if isinstance(n, nodes.JointSource))
    return any(n.joint == joint.name for n in sources)


def _evaluates(training: nodes.Training, joint: Joint) -> bool:
    found = (n for phase in training.objective.phases for n in walk(phase.value) if isinstance(n, nodes.LogDensity))
    return any(n.joint == joint.name for n in found)
