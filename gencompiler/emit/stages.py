"""Schedules as text: one kernel with its launcher, or several and the function that runs them between products of
torch, which is called as the launcher would be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import call
from gencompiler.emit.lines import statement
from gencompiler.emit.signature import Signature, signature
from gencompiler.emit.torch import Printed, print_function
from gencompiler.emit.triton import print_kernel
from gencompiler.rows.anonymous import anonymous
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Config, Schedule

#: The launchers that a file has for pieces, by what they compute and how they are laid out.
Pieces = dict[tuple[Program, frozenset[tuple[str, Config]]], str]


def print_schedule(
    schedule: Schedule, *, name: str, where: Callable[[Span], str] | None = None, known: Pieces | None = None
) -> list[Printed]:
    """The kernels of a schedule; its launcher, or what runs their launchers, is the last and called `name`.

    `known`: the pieces that the file has before, whose launchers serve for equal ones; these are added."""
    if schedule.stages is None:
        return [print_kernel(schedule, name=name, where=where)]
    stem = name.removesuffix("_rows")
    known = {} if known is None else known
    kernels: list[Printed] = []
    pieces: dict[int, tuple[str, Signature]] = {}
    for number, piece in enumerate(schedule.stages.pieces, 1):
        key = anonymous(piece.program), frozenset(piece.configs.items())
        if key not in known:
            known[key] = f"{stem}_stage_{number}_rows"
            kernels.append(print_kernel(_titled(schedule, number), name=known[key], where=where))
        pieces[number] = known[key], signature(piece.program)
    driver = print_function(schedule.stages.driver, name=name, where=where, pieces=pieces)
    names = dict.fromkeys(own for own, _ in pieces.values())
    head = ["@torch.no_grad()", *statement("@", call("tiles.stages", *names), 0)]
    text = "\n".join([*head, driver.text])
    return [*kernels, dataclasses.replace(driver, text=text, imports=driver.imports | {"torch", "tiles"})]


def _titled(schedule: Schedule, number: int) -> Schedule:
    """Piece `number` of a program, which says what it is a part of."""
    assert schedule.stages is not None
    piece = schedule.stages.pieces[number - 1]
    title = f"{schedule.program.title.rstrip('.')}: stage {number}"
    return dataclasses.replace(piece, program=dataclasses.replace(piece.program, title=title))
