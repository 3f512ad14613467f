"""What a program costs one row: numbers kept, operations, memory traffic.  Estimates for the schedule and its
report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from gencompiler.catalog.devices import DEVICES, MAIN
from gencompiler.node import Node, children, walk
from gencompiler.rows.analysis import constant, local_names
from gencompiler.rows.apart import kept_for_all
from gencompiler.rows.nodes import (
    Column,
    Concat,
    Convolve,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Let,
    Local,
    Loop,
    Outer,
    ParameterRead,
    Pool,
    Program,
    Reduce,
    Select,
    Statement,
    StoreColumn,
    StoreSection,
    WithColumn,
    WithWindow,
)

#: A draw is ten rounds of four multiplications and six logical operations.
_DRAW = 100
#: A transcendental function, in multiplications.
_FUNCTION = 10
_CHEAP = frozenset(
    [
        "add",
        "subtract",
        "multiply",
        "negate",
        "min",
        "max",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "and",
        "or",
        "not",
        "abs",
        "relu",
        "indicator",
    ]
)


#: Rows of a batch, for estimates of times on a GPU.
BATCH = 4096

#: Nanoseconds on a GPU, about, below which no operation of torch and no kernel goes: torch takes some microseconds to
#: begin one, and a launcher in Python about as long as two.
_BEGIN, _LAUNCH = 5e3, 1e4

#: What takes an operation of its own.
_RUN = (Elementwise, Select, Dot, Reduce, Pool, Draw, WithColumn, WithWindow, Concat)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one row.  `live_elements`: numbers kept at the same time, at most; `widest`: the longest vector; `flops` and
    `bytes`: operations, and traffic of inputs and outputs, with loops of unknown length counted once; `weight_bytes`:
    what is read once for each tile."""

    live_elements: int
    widest: int
    flops: int
    bytes: int
    weight_bytes: int


def cost(program: Program) -> Cost:
    """The cost of one row of `program`."""
    by_column = {id(part.vector) for part in walk(program) if isinstance(part, Column)}
    kept = [part for part in walk(program) if isinstance(part, Expr) and id(part) not in by_column]
    widths = [_size(part) for part in kept]
    ports = [each.type for each in program.inputs] + [each.type for each in program.outputs]
    traffic = sum(_bytes(port.shape, port.kind) for port in ports)
    weights = sum(4 * math.prod(use.shape) for use in program.parameters)
    return Cost(live_elements(program), max(widths, default=1), flops(program), traffic, weights)


def cost_in_torch(program: Program) -> Cost:
    """The cost of one row where torch runs it operation by operation: each reads its operands and stores what it
    makes."""
    spent = cost(program)
    reads = {part for part in walk(program) if isinstance(part, ParameterRead)}
    weights = 4 * sum(math.prod(read.type.shape) for read in reads)
    return dataclasses.replace(spent, live_elements=0, bytes=_over(program, _traffic), weight_bytes=weights)


def flops(program: Program) -> int:
    """The operations of a row, loops of unknown length counted once."""
    return _over(program, _flops)


def live_elements(program: Program) -> int:
    """The numbers of a row that are kept at the same time, at most."""
    outputs = [output.value for output in program.outputs if output.value is not None]
    return _Liveness(_size, lambda let: _size(let.value)).peak(program.body, local_names(*outputs))


def live_by_particle(program: Program) -> int:
    """The same where the particles of a row come one after the other, and leave as they are known: of what nothing
    reads for all of them, the numbers of one.  `program`'s rows and particles are apart (`rows.apart`)."""
    kept = kept_for_all(program)
    outputs = [each for each in program.outputs if each.type.particles == 1]

    def numbers(let: Let) -> int:
        return _size(let.value) if let.name in kept else _of_one(let.value)

    return _Liveness(_of_one, numbers).peak(program.body, local_names(*outputs))


def floor(spent: Cost, target: str) -> float:
    """Nanoseconds that a row takes at least on a processor of the catalogue, with many rows: its operations at the
    greatest rate, or its bytes at the full bandwidth (Williams, Waterman & Patterson, Roofline, CACM 2009)."""
    device = DEVICES[target]
    return 1e9 * max(spent.flops / device.flops, spent.bytes / device.bandwidth)


def by_kernel(spent: Cost) -> float:
    """Nanoseconds that a batch takes as one kernel: what it reads and stores, or what it computes."""
    return max(_LAUNCH, BATCH * floor(spent, MAIN))


def by_torch(program: Program) -> float:
    """Nanoseconds that a batch takes torch, whose operations each read their operands and store what they make."""
    begun = _BEGIN * operations(program)
    return max(begun, 1e9 * BATCH * _over(program, _traffic) / DEVICES[MAIN].bandwidth)


def _traffic(part: Node) -> int:
    """Bytes of a row that an operation of torch moves."""
    if not isinstance(part, _RUN):
        return 0
    return 4 * sum(_size(each) for each in (part, *children(part)) if isinstance(each, Expr))


def _size(expr: Expr) -> int:
    return math.prod(expr.type.shape) * expr.type.particles if expr.type.rows else 0


def _of_one(expr: Expr) -> int:
    """The numbers that one particle has."""
    return math.prod(expr.type.shape) if expr.type.rows else 0


def _bytes(shape: tuple[int, ...], kind: str) -> int:
    return (8 if kind == "integer" else 4) * math.prod(shape)


def operations(program: Program) -> int:
    """How many operations on values of all rows are run one after another; loops of unknown length count once."""
    return max(1, _over(program, lambda part: int(isinstance(part, _RUN) and part.type.rows)))


def elements(program: Program) -> int:
    """The numbers of a row that are computed one by one, all that are not sums of a product with a matrix."""

    def own(part: Node) -> int:
        if isinstance(part, Reduce | Pool):
            return _size(part.operand if isinstance(part, Reduce) else part.value)
        return _size(part) if isinstance(part, Elementwise | Select | Draw) else 0

    return _over(program, own)


def _over(program: Program, own: Callable[[Node], int]) -> int:
    """The sum of `own` over the parts of a program, those in loops counted for each iteration."""

    def tree(root: Node) -> int:
        return sum(map(own, walk(root)))

    def block(statements: tuple[Statement, ...]) -> int:
        total = 0
        for each in statements:
            if isinstance(each, Loop):
                inside = block(each.body) + sum(tree(carry.next) for carry in each.carried)
                total += (constant(each.count) or 1) * inside + sum(tree(carry.initial) for carry in each.carried)
            else:
                total += tree(each)
        return total

    return block(program.body) + sum(tree(output.value) for output in program.outputs if output.value is not None)


# -- liveness --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Liveness:
    """`size` of a value that is being computed, and `named`, of one that a statement names."""

    size: Callable[[Expr], int]
    named: Callable[[Let], int]
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)

    def peak(self, statements: tuple[Statement, ...], after: frozenset[str]) -> int:
        """The most that is kept while a block runs, when the names `after` are needed behind it."""
        peak = 0
        for statement, later in zip(statements, _needed_after(statements, after), strict=True):
            match statement:
                case Let(name, value):
                    peak = max(peak, self.kept(later | local_names(value)) + self.temporary(value))
                    self.sizes[name] = self.named(statement)
                case StoreColumn(value=value) | StoreSection(value=value):
                    peak = max(peak, self.kept(later | local_names(value)) + self.temporary(value))
                case Loop():
                    for carry in statement.carried:
                        rows = carry.initial.type.rows or carry.next.type.rows
                        carried_size = math.prod(carry.next.type.shape) * carry.next.type.particles
                        self.sizes[carry.name] = carried_size if rows else 0
                    nexts = [carry.next for carry in statement.carried]
                    carried = frozenset(carry.name for carry in statement.carried)
                    needed = later | carried | local_names(*nexts)
                    inner = self.peak(statement.body, needed)
                    ends = self.kept(needed) + max(map(self.temporary, nexts), default=0)
                    peak = max(peak, inner, ends)
        return max(peak, self.kept(after))

    def kept(self, names: frozenset[str]) -> int:
        return sum(self.sizes.get(name, 0) for name in names)

    def temporary(self, expr: Expr) -> int:
        """What computing an expression holds beside its names: its operands one after the other, then itself."""
        if isinstance(expr, Local):
            return 0
        held, most = 0, 0 if isinstance(expr, Outer) else self.size(expr)  # added up as its elements are computed
        for part in children(expr):
            if isinstance(part, Expr) and not isinstance(part, Local | InputRead):
                most = max(most, held + self.temporary(part))
                held += self.size(part)
        return max(most, held)


def _needed_after(statements: tuple[Statement, ...], after: frozenset[str]) -> list[frozenset[str]]:
    """The names that are needed behind each statement of a block."""
    found = [after]
    for statement in reversed(statements[1:]):
        found.append(found[-1] | local_names(statement))
    return found[::-1][: len(statements)]


# -- operations ------------------------------------------------------------------------------------------------------


def _flops(part: Node) -> int:
    match part:
        case Dot(matrix=matrix):
            return 2 * math.prod(matrix.type.shape) * part.type.particles
        case Outer():
            return 2 * _size(part)
        case Convolve(weight=weight):
            return 2 * math.prod((*part.result_grid, *weight.type.shape)) * part.type.particles
        case Elementwise(function=function):
            return _size(part) * (1 if function in _CHEAP else _FUNCTION)
        case Select() | Reduce() | Pool():
            return max(_size(each) for each in (part, *children(part)) if isinstance(each, Expr))
        case Draw():
            return _size(part) * _DRAW
        case Column(vector=vector) if not isinstance(vector, InputRead):
            return _size(vector)
    return 0
