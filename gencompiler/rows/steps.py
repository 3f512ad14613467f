"""What runs one after the other where a program is several kernels: for `genc kernels`."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from gencompiler.node import walk
from gencompiler.rows.analysis import bound_names, constant
from gencompiler.rows.cost import Cost, cost_in_torch
from gencompiler.rows.nodes import Convolve, Dot, Expr, Let, Loop, Program, Run, Statement
from gencompiler.rows.schedule import Schedule, Stages, outside


@dataclasses.dataclass(frozen=True)
class Step:
    """`kind` is "kernel", "product" (a product with a matrix, or a convolution, by torch) or "torch"; `times`: how
    often it runs, by loops around it (of unknown length: once); `cost` of one row and run; `piece` of a kernel."""

    name: str
    kind: str
    why: str
    times: int
    cost: Cost
    piece: Schedule | None = None


def steps(program: Program, stages: Stages) -> list[Step]:
    """The steps of a driver, those in loops one after the other."""
    return list(_Steps(program, stages).block(stages.driver.body, 1))


class _Steps:
    def __init__(self, program: Program, stages: Stages) -> None:
        self.program, self.stages = program, stages

    def block(self, statements: Sequence[Statement], times: int) -> Iterator[Step]:
        for kind, group in itertools.groupby(statements, key=self._kind):
            own = list(group)
            if kind == "torch":
                yield from self._torch(own, times)
                continue
            for each in own:
                yield from self._one(each, times)

    def _kind(self, statement: Statement) -> str:
        if isinstance(statement, Loop) and any(isinstance(part, Run) for part in walk(statement)):
            return "loop"
        if isinstance(statement, Run):
            return "kernel"
        return "product" if isinstance(statement, Let) and self._why(statement) is not None else "torch"

    def _why(self, statement: Statement) -> str | None:
        """What of a value torch computes by itself."""
        parts = (part for part in walk(statement) if isinstance(part, Expr))
        return next((why for part in parts if (why := outside(part)) is not None), None)

    def _one(self, statement: Statement, times: int) -> Iterator[Step]:
        match statement:
            case Loop(count=count, body=body):
                yield from self.block(body, times * (constant(count) or 1))
            case Run(number=number):
                piece = self.stages.pieces[number - 1]
                yield Step(f"stage {number}", "kernel", piece.reason, times, piece.cost, piece)
            case Let(name=name, value=value):
                products = any(isinstance(part, Dot | Convolve) for part in walk(value))
                kind = "product" if products and value.type.rows else "torch"
                why, _, _ = (self._why(statement) or "").partition(";")
                yield Step(name, kind, why, times, self._cost([statement]))

    def _torch(self, own: list[Statement], times: int) -> Iterator[Step]:
        """What is left to torch between two stages, where it computes something for rows."""
        spent = self._cost(own)
        if not spent.bytes:
            return
        names = list(bound_names(own))
        why = next((why for given, why in self.stages.left.items() if set(given) & set(names)), "")
        yield Step(", ".join(names[-1:]), "torch", why or "not only numbers of rows cross its border", times, spent)

    def _cost(self, own: Sequence[Statement]) -> Cost:
        return cost_in_torch(dataclasses.replace(self.program, inputs=(), body=tuple(own), outputs=()))
