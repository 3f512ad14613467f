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
