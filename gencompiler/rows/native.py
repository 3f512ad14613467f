"""What runs as a C function on a CPU: an estimate of both times, from the operations of a program alone.

Torch takes some microseconds to begin an operation and a pass over memory for each; a C function keeps a few rows in a
core's cache and does everything to them.  Products with matrices take both equally long.  So a program with long loops,
many small operations or many numbers becomes C, and one that is mostly large products stays with torch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.node import walk
from gencompiler.rows.absorb import absorb
from gencompiler.rows.analysis import constant, loops, torch_alone
from gencompiler.rows.apart import apart
from gencompiler.rows.complements import complement
from gencompiler.rows.cost import elements, flops, live_by_particle, operations
from gencompiler.rows.expand import expand
from gencompiler.rows.nodes import (
    Elementwise,
    Input,
    MatrixFunction,
    Program,
)
from gencompiler.rows.uniforms import Settled, settle

#: Rows of a call, for the estimate: a batch.
ROWS = 256

#: Nanoseconds: of an operation that torch begins and of a call of C; of a number computed by torch and by C; of an
#: operation of a product.
_BEGIN, _CALL, _TORCH, _C, _PRODUCT = 5e3, 3e4, 0.5, 0.15, 0.02

#: C runs what takes it less than this share of torch's time.
GAIN = 0.85

#: What a gradient takes torch, in times of the value alone: it runs forward, and back through each operand.
DIFFERENTIATED = 3

#: Iterations of a loop of unknown length, at least.
_LONG = 10

#: Bytes that a function's numbers of LANES rows may take: a thread's stack holds some megabytes.
LARGEST_FRAME = 1 << 20
#: Bytes up to which they stay in the first cache of a core.
FIRST_CACHE = 24 << 10

#: Parts of a program beyond which compiling it takes longer than it is worth.
LONGEST = 20_000

#: Functions of matrices that only select.
_SELECTING = ("transpose", "diagonal", "diagonal_matrix", "columns", "identity")


@dataclasses.dataclass(frozen=True)
class Native:
    """Whether a program becomes a C function, and why, or why not; `lanes` rows are computed at once, and `work` is
    about how many nanoseconds a row takes, loops of unknown length counted once."""

    runs: bool
    reason: str
    lanes: int = 0
    work: float = 0.0
    settled: Settled | None = None


def native(program: Program) -> Native:
    """The decision for a logical program."""
    if (why := _only_torch(program)) is not None:
        return Native(False, why)
    ready = prepared(program)
    theirs, ours = _times(ready)
    if ours > GAIN * theirs:
        share = f"about {_in_words(ours)} a row in C, {_in_words(theirs)} in torch by {ROWS} rows"
        what = "few operations" if 0.5 * ours < _CALL / ROWS else "large products, which take torch as long"
        return Native(False, f"{what}: {share}")
    return _function(ready, ours, f"about {_in_words(ours)} a row, {_in_words(theirs)} in torch by {ROWS} rows")


def native_gradient(program: Program, passes: Sequence[Program], *, valued: bool = False) -> tuple[Native, ...]:
    """The decision for the passes that differentiate `program`, forward and backward, all or none of them; `valued`:
    the last of them does it all.

    Torch, which differentiates its own functions, begins and moves `DIFFERENTIATED` times what it does forward."""
    if (why := next(filter(None, map(_only_torch, passes)), None)) is not None:
        return (Native(False, why),)
    ready = [prepared(each) for each in passes]
    theirs = DIFFERENTIATED * _times(prepared(program))[0]
    own = [_times(each)[1] for each in ready]
    spent = own[-1] if valued else sum(own)
    share = f"about {_in_words(spent)} a row and gradient, {_in_words(theirs)} in torch by {ROWS} rows"
    if spent > GAIN * theirs:
        return (Native(False, f"torch differentiates its own functions as fast: {share}"),)
    return tuple(_function(each, time, share) for each, time in zip(ready, own, strict=True))


def _function(ready: Program, time: float, why: str) -> Native:
    live = max(1, live_by_particle(ready))
    lanes = next((n for n in (64, 32) if 4 * n * live <= FIRST_CACHE), 16)
    if 4 * lanes * live > LARGEST_FRAME:
        return Native(False, f"one row keeps {live:,} numbers, more than a core keeps at hand")
    return Native(True, why, lanes, time, settle(ready))


def prepared(program: Program) -> Program:
    """`program` as it is printed in C, what all rows share still in it."""
    return apart(complement(expand(absorb(program))))


def _times(program: Program) -> tuple[float, float]:
    """Nanoseconds of a row in torch and in C."""
    singly = elements(program)
    products = _PRODUCT * max(0, flops(program) - singly)
    begun = operations(program) * _repeated(program)
    return products + _TORCH * singly + _BEGIN * begun / ROWS, products + _C * singly + _CALL / ROWS


def _repeated(program: Program) -> int:
    """How often loops of unknown length run, at least: they are there to run long."""
    return _LONG if any(constant(loop.count) is None for loop in loops(program)) else 1


def _in_words(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e3:.3g} us" if nanoseconds >= 1e3 else f"{nanoseconds:.3g} ns"


def _only_torch(program: Program) -> str | None:
    """What of a program no C function computes, or None."""
    size = 0
    for part in walk(program):
        size += 1
        match part:
            case Input() if part.type.particles > 1:
                return f"`{part.name}` of each of {part.type.particles} particles, which torch takes"
            case MatrixFunction(function=function) if function not in _SELECTING:
                return f"`{function}` of a matrix, which torch computes once for all rows"
            case Elementwise(function=function) if not FUNCTIONS[function].in_c:
                return f"`{function}`, which is not computed in C"
            case _ if (why := torch_alone(part)) is not None:
                return why
    if size > LONGEST:
        return f"{size:,} parts, which would take long to compile"
    if not program.inputs and not any(math.prod(each.type.shape) for each in program.outputs):
        return "nothing to compute"
    return None
