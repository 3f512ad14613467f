"""Which trained programs have backward passes of their own, on a GPU as kernels and on a CPU as C functions: their row
programs, scheduled; or why torch differentiates its own functions.

Only what runs forward as a kernel is differentiated by kernels, and all that it needs must fit as well.  On a CPU the
estimate of both times decides (`rows.native`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Generic, TypeVar

from gencompiler.catalog.devices import DEVICES, MAIN
from gencompiler.derive.nodes import Derived
from gencompiler.rows.backward import Adjoint, adjoints, apart
from gencompiler.rows.copies import Build, Copies
from gencompiler.rows.lower import trained
from gencompiler.rows.native import Native, native_gradient
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Schedule, on_gpu
from gencompiler.rows.unsupported import NotDifferentiated, NotLowered

#: What a program is printed from: the schedule of a kernel, or the decision for a C function.
Made = TypeVar("Made", Schedule, Native)


@dataclasses.dataclass(frozen=True)
class Way(Generic[Made]):
    """One way to differentiate, and the kernels or C functions of its two programs."""

    adjoint: Adjoint
    saving: Made
    backward: Made

    @property
    def own(self) -> tuple[Made, ...]:
        """What is made for it alone: where nothing is saved, the program itself runs forward."""
        return (self.saving, self.backward) if self.adjoint.saves else (self.backward,)


@dataclasses.dataclass(frozen=True)
class Differentiated:
    """The ways by kernels, the one that saves least first; none where `reason` says why there is none.  `native` and
    `native_reason` are those of C functions."""

    ways: tuple[Way[Schedule], ...]
    reason: str
    native: tuple[Way[Native], ...] = ()
    native_reason: str = ""


def differentiate(derived: Derived, schedules: Mapping[str, Schedule]) -> dict[str, Differentiated]:
    """For each program that the default training differentiates, by its name."""
    return {
        name: _differentiated(build, schedules[name]) for name, build in trained(derived).items() if name in schedules
    }


def _differentiated(build: Build, forward: Schedule) -> Differentiated:
    copies = Copies(build)
    try:
        found = adjoints(copies, at_hand=True)
        functions = _functions(found, forward.program)
        kernels = _kernels(copies, found, forward)
    except (NotDifferentiated, NotLowered) as refusal:
        why = str(refusal)
        return Differentiated((), _forward_reason(forward) or why, native_reason=why)
    return Differentiated(*kernels, *functions)


def _kernels(copies: Copies, found: tuple[Adjoint, ...], forward: Schedule) -> tuple[tuple[Way[Schedule], ...], str]:
    if why := _forward_reason(forward):
        return (), why
    own = [apart(copies, each) for each in found]
    if any(each.prepared is not None for each in own):
        return (), "matrices that are computed from parameters, which torch differentiates"
    ways = tuple(Way(each, on_gpu(each.saving), on_gpu(each.backward)) for each in own)
    parts = [part for way in ways for part in (way.saving, way.backward)]
    # There has to be one processor on which kernels run all of their programs.
    if any(all(target in part.targets() for part in parts) for target in DEVICES):
        return ways, _reason(ways[0].adjoint)
    return (), next(part.why(MAIN) for part in parts if MAIN not in part.targets())


def _forward_reason(forward: Schedule) -> str:
    return "" if forward.targets() else f"forward is torch: {forward.reason}"


def _functions(found: tuple[Adjoint, ...], program: Program) -> tuple[tuple[Way[Native], ...], str]:
    ways = []
    if program.scalars:
        return (), "it takes numbers when it runs"
    for each in found:
        made = native_gradient(program, (each.saving, each.backward), valued=each.valued)
        if refusal := next((part.reason for part in made if not part.runs), ""):
            return (), refusal
        ways.append(Way(each, *made))
    return tuple(ways), f"{_reason(found[0])}; {ways[0].backward.reason}"


def _reason(adjoint: Adjoint) -> str:
    if adjoint.valued:
        return "with the value, in one pass"
    return "states are recomputed by proven inverses" if adjoint.inverts else "states are saved"
