"""What a kernel takes of a processor, estimated before it is compiled."""

from __future__ import annotations

import math

from gencompiler.catalog.devices import DEVICES
from gencompiler.node import Node, walk
from gencompiler.rows.analysis import loops
from gencompiler.rows.nodes import Dot, Loop, ParameterRead
from gencompiler.rows.schedule import Schedule

#: Bytes of a number.
_NUMBER = 4


def live_registers(schedule: Schedule, target: str) -> int:
    """Registers of a thread that the values kept by a tile fill; addresses and temporaries come on top."""
    config = schedule.configs[target]
    threads = config.warps * DEVICES[target].warp
    return math.ceil(config.rows * schedule.cost.live_elements / threads)


def shared_bytes(schedule: Schedule, target: str) -> int:
    """Shared memory of a program: the operands of its largest product, of which the weights are there already where
    stages read them ahead, and what is read ahead."""
    assert schedule.tiled is not None
    config, program = schedule.configs[target], schedule.tiled.program
    staged = [loop for loop in loops(program) if loop.kind == "layers" and config.stages > 1]
    there = {part for loop in staged for part in walk(loop) if isinstance(part, Dot)}
    operands = [
        config.rows * dot.matrix.type.shape[0] + (0 if dot in there else math.prod(dot.matrix.type.shape))
        for dot in walk(program)
        if isinstance(dot, Dot)
    ]
    ahead = max(map(_read, staged), default=0)
    return _NUMBER * (max(operands, default=0) + (config.stages - 1) * ahead)


def _read(loop: Loop) -> int:
    """Numbers of parameters that an iteration reads."""
    parts: list[Node] = [*loop.body, *(carry.next for carry in loop.carried)]
    reads = {part for tree in parts for part in walk(tree) if isinstance(part, ParameterRead)}
    return sum(math.prod(read.type.shape) for read in reads)
