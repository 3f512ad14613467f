"""Schedules as text: one kernel with its launcher, or several and the function that runs them between products of
torch, which is called as the launcher would be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import call
from gencompiler.emit.lines import statement
from gencompiler.emit.signature import signature
from gencompiler.emit.torch import Printed, print_function
from gencompiler.emit.triton import print_kernel
from gencompiler.rows.schedule import Schedule


def print_schedule(schedule: Schedule, *, name: str, where: Callable[[Span], str] | None = None) -> list[Printed]:
    """The kernels of a schedule; its launcher, or what runs their launchers, is the last and called `name`."""
    if schedule.stages is None:
        return [print_kernel(schedule, name=name, where=where)]
    names = stage_names(name, len(schedule.stages.pieces))
    kernels = [
        print_kernel(piece, name=own, where=where) for own, piece in zip(names, schedule.stages.pieces, strict=True)
    ]
    called = [(own, signature(piece.program)) for own, piece in zip(names, schedule.stages.pieces, strict=True)]
    pieces = dict(enumerate(called, start=1))
    driver = print_function(schedule.stages.driver, name=name, where=where, pieces=pieces)
    head = ["@torch.no_grad()", *statement("@", call("tiles.stages", *names), 0)]
    text = "\n".join([*head, driver.text])
    return [*kernels, dataclasses.replace(driver, text=text, imports=driver.imports | {"torch", "tiles"})]


def stage_names(function: str, count: int) -> list[str]:
    """What the pieces of a row function are called: `sample_stage_1_rows`, ..."""
    stem = function.removesuffix("_rows")
    return [f"{stem}_stage_{number}_rows" for number in range(1, count + 1)]
