"""What a kernel takes of a processor, estimated before it is compiled."""

from __future__ import annotations

import math

from gencompiler.catalog.devices import DEVICES
from gencompiler.node import Node, walk
from gencompiler.rows.analysis import loops
from gencompiler.rows.nodes import Dot, Loop, ParameterRead, Program

#: Bytes of a number.
_NUMBER = 4


def live_registers(live_elements: int, rows: int, warps: int, target: str) -> int:
    """Registers of a thread that the values kept by a tile fill; addresses and temporaries come on top."""
    return math.ceil(rows * live_elements / (warps * DEVICES[target].warp))


def shared_bytes(program: Program, rows: int, stages: int) -> int:
    """Shared memory of a tile program: the operands of its largest product, of which the weights are there already
    where stages read them ahead, and what is read ahead."""
    staged = [loop for loop in loops(program) if loop.kind == "layers" and stages > 1]
    there = {part for loop in staged for part in walk(loop) if isinstance(part, Dot)}
    operands = [
        rows * dot.matrix.type.shape[0] + (0 if dot in there else math.prod(dot.matrix.type.shape))
        for dot in walk(program)
        if isinstance(dot, Dot)
    ]
    ahead = max(map(_read, staged), default=0)
    return _NUMBER * (max(operands, default=0) + (stages - 1) * ahead)


def _read(loop: Loop) -> int:
    """Numbers of parameters that an iteration reads."""
    parts: list[Node] = [*loop.body, *(carry.next for carry in loop.carried)]
    reads = {part for tree in parts for part in walk(tree) if isinstance(part, ParameterRead)}
    return sum(math.prod(read.type.shape) for read in reads)
