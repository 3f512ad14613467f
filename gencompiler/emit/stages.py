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
    stem = name.removesuffix("_rows")
    numbered = {number: _titled(schedule, number) for number in range(1, 1 + len(schedule.stages.pieces))}
    pieces = {number: (f"{stem}_stage_{number}_rows", signature(each.program)) for number, each in numbered.items()}
    names = [own for own, _ in pieces.values()]
    kernels = [print_kernel(each, name=own, where=where) for own, each in zip(names, numbered.values(), strict=True)]
    driver = print_function(schedule.stages.driver, name=name, where=where, pieces=pieces)
    head = ["@torch.no_grad()", *statement("@", call("tiles.stages", *names), 0)]
    text = "\n".join([*head, driver.text])
    return [*kernels, dataclasses.replace(driver, text=text, imports=driver.imports | {"torch", "tiles"})]


def _titled(schedule: Schedule, number: int) -> Schedule:
    """Piece `number` of a program, which says what it is a part of."""
    assert schedule.stages is not None
    piece = schedule.stages.pieces[number - 1]
    title = f"{schedule.program.title.rstrip('.')}: stage {number}"
    return dataclasses.replace(piece, program=dataclasses.replace(piece.program, title=title))
