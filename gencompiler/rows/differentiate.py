"""Which trained programs have a backward pass of kernels: their row programs, scheduled; or why torch differentiates.

Only what runs forward as a kernel is differentiated by kernels, and all that it needs must fit as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.catalog.devices import DEVICES, MAIN
from gencompiler.derive.nodes import Derived
from gencompiler.rows.backward import Adjoint, adjoints
from gencompiler.rows.contributions import NotDifferentiated
from gencompiler.rows.lower import trained
from gencompiler.rows.schedule import Schedule, schedule
from gencompiler.rows.unsupported import NotLowered


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to differentiate, and the kernels of its two programs."""

    adjoint: Adjoint
    saving: Schedule
    backward: Schedule


@dataclasses.dataclass(frozen=True)
class Differentiated:
    """The ways, the one that saves least first; none where `reason` says why torch differentiates the program."""

    ways: tuple[Way, ...]
    reason: str


def differentiate(derived: Derived, schedules: Mapping[str, Schedule]) -> dict[str, Differentiated]:
    """For each program that the default training differentiates, by its name."""
    found: dict[str, Differentiated] = {}
    for name, build in trained(derived).items():
        if name not in schedules:
            continue
        if not schedules[name].fused:
            found[name] = Differentiated((), f"forward is torch: {schedules[name].reason}")
            continue
        try:
            ways = [Way(each, schedule(each.saving), schedule(each.backward)) for each in adjoints(build)]
        except (NotDifferentiated, NotLowered) as refusal:
            found[name] = Differentiated((), str(refusal))
            continue
        found[name] = _together(ways)
    return found


def _together(ways: list[Way]) -> Differentiated:
    """The ways, where there is a processor on which all of their programs are kernels."""
    parts = [part for way in ways for part in (way.saving, way.backward)]
    if any(all(target in part.configs for part in parts) for target in DEVICES):
        return Differentiated(tuple(ways), _reason(ways[0].adjoint))
    return Differentiated((), next(part.why(MAIN) for part in parts if MAIN not in part.configs))


def _reason(adjoint: Adjoint) -> str:
    return "states are recomputed by proven inverses" if adjoint.inverts else "states are saved"
