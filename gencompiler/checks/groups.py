"""Do phases that work against each other update parameters of their own, and does every phase update something?"""

from __future__ import annotations

from gencompiler.checks.checking import Checking, Finding
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes


def check(checking: Checking) -> frozenset[str]:
    """Report what opposed phases share, and phases without parameters; the names of the objectives with the former."""
    opposed: set[str] = set()
    for training in checking.model.trainings:
        phases = training.objective.phases
        for number, phase in enumerate(phases):
            _check_updates(checking, training, phase)
            _check_ends(checking, training, phase)
            for earlier in phases[:number]:
                if not set(phase.update) & set(earlier.update) and _share(checking, training, earlier, phase):
                    opposed.add(training.objective.name)
    return frozenset(opposed)


def _check_updates(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    if phase.parameters:
        return
    groups = " and ".join(f"`{g}`" for g in phase.update)
    message = f"`{training.objective.name}` updates {groups}, and no equation of it has a parameter"
    checking.report(Finding("G704", message, training.span, "nothing to learn", _phase_label(training, phase)))


def _check_ends(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    """What is kept between two ends is stored as it is: a parameter of another support than the reals is moved along
    coordinates of its own, and the nearest point to them is not the nearest to its value."""
    own = [p for p in checking.model.parameters if p.path in phase.parameters and p.support.name != "Real"]
    if phase.within is None or not own:
        return
    low, high = map(nodes.format_real, phase.within)
    message = f"`{phase.label}` keeps parameters within [{low}, {high}], and `{own[0].path}` is in {own[0].support}"
    also = (Label(own[0].span, "has a support of its own"), *_phase_label(training, phase))
    help_ = (f"declare it `: Real`, or `: Interval({low}, {high})` and leave out the interval after `update`",)
    checking.report(Finding("G704", message, training.span, "cannot be kept there", also, (), help_))


def _share(checking: Checking, training: nodes.Training, one: nodes.Phase, other: nodes.Phase) -> bool:
    """Whether two phases share a parameter, reported."""
    shared = [path for path in one.parameters if path in other.parameters]
    if not shared:
        return False
    declared = {p.path: p.span for p in checking.model.parameters}
    sides = [f"`{phase.label}` updates {_groups(phase)}" for phase in (one, other)]
    message = f"{' and '.join(sides)}, and both reach `{shared[0]}`"
    more = f"they share {len(shared)} parameters: {', '.join(f'`{p}`' for p in shared[:6])}"
    marks = [Label(declared[shared[0]], f"`{shared[0]}`")] if shared[0] in declared else []
    help_ = (f"give {_groups(one)} and {_groups(other)} parameters of their own",)
    notes = (more,) if len(shared) > 1 else ()
    checking.report(Finding("G706", message, training.span, "opposed phases", tuple(marks), notes, help_))
    return True


def _groups(phase: nodes.Phase) -> str:
    return ", ".join(f"`{g}`" for g in phase.update)


def _phase_label(training: nodes.Training, phase: nodes.Phase) -> tuple[Label, ...]:
    return (Label(phase.span, "this phase"),) if phase.span.source != training.span.source else ()
