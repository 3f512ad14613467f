"""A program that is no kernel as a whole, taken apart: what only torch does by itself, and the pieces between.

`split` is told which values torch computes (products with matrices that do not fit on chip, convolutions, modules of
the user's own).  Each becomes a statement of its own, and what lies between two of them one program: its inputs are the
values that cross its border, its outputs those that are needed behind it.  A loop that holds such a value stays a loop
of the driver, around a body that is taken apart in the same way.  Backward passes are programs too: nothing here knows
of gradients.

    region 0 -> products 1 -> region 1 -> products 2 -> ... -> region n

A value is computed as early as it can be; one that is needed later only is computed later where less crosses the
borders then, as a random number does that nothing reads before.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import bound_names, draws, local_names
from gencompiler.rows.lifting import Lifted, Outside
from gencompiler.rows.nodes import (
    Expr,
    Input,
    InputRead,
    Let,
    Local,
    Loop,
    Number,
    Output,
    ParameterRead,
    Program,
    RowType,
    Run,
    Section,
    Slice,
    Statement,
    StoreColumn,
    StoreSection,
)

#: Of a piece, whether it is worth a function of its own.
Worth = Callable[[Program], bool]


_INDEX = RowType(False, (), "integer")


@dataclasses.dataclass(frozen=True)
class Split:
    """`driver` runs the `pieces` (`nodes.Run`, by number) between what torch computes."""

    driver: Program
    pieces: tuple[Program, ...]


def split(program: Program, outside: Outside, worth: Worth) -> Split:
    """`program` taken apart at the values that torch computes; a piece that is not `worth` it stays in the driver."""
    return _Splitting(program, outside, worth).split()


class Kind(enum.Enum):
    """Of a statement of the driver: torch computes it by itself, or it is a loop that holds such a value (APART); all
    rows share it (UNIFORM); it writes to an output (STORE); or it belongs to a region (INSIDE)."""

    APART = enum.auto()
    UNIFORM = enum.auto()
    STORE = enum.auto()
    INSIDE = enum.auto()


@dataclasses.dataclass(eq=False)
class _Item:
    """One statement of a block, the names it binds and reads, and its level: what is apart at level n comes before the
    region of level n."""

    statement: Statement
    kind: Kind
    binds: tuple[str, ...]
    reads: frozenset[str]
    level: int = 0

    @property
    def by(self) -> int:
        """The region by which its operands must be there."""
        return self.level - (self.kind is Kind.APART)


class _Splitting:
    def __init__(self, program: Program, outside: Outside, worth: Worth) -> None:
        self.program, self.worth = program, worth
        self.lifted = Lifted(program, outside)
        self.types, self.shared = self.lifted.types, self.lifted.shared
        self.scalars = list(dict.fromkeys((*program.scalars, "seed", "step")))
        self.pieces: list[Program] = []

    def split(self) -> Split:
        outputs = self.lifted.outputs
        body = self._block(self.lifted.body, _read_by(outputs), outermost=True)
        runs = [each for each in body if isinstance(each, Run)]
        stored = {name: kind for run in runs for name, kind in zip(run.names, run.types, strict=True)}
        ends = tuple(_filled(output, stored) for output in outputs)
        driver = dataclasses.replace(self.program, body=_alive(body, _read_by(ends)), outputs=ends)
        return Split(driver, tuple(self.pieces))

    # -- levels ------------------------------------------------------------------------------------------------------

    def _block(self, statements: Sequence[Statement], needed: frozenset[str], *, outermost: bool) -> list[Statement]:
        """The statements of the driver; `needed`: the names that are read behind them."""
        items = [self._item(each) for each in statements]
        levels: dict[str, int] = {}
        for item in items:
            before = max((levels.get(name, 0) for name in item.reads), default=0)
            item.level = before + (item.kind is Kind.APART)
            levels |= dict.fromkeys(item.binds, item.level)
        self._sink(items, needed)
        _repeat_conditions(items)
        made: list[Statement] = []
        for level in range(max((item.level for item in items), default=0) + 1):
            here = {kind: [i for i in items if i.level == level and i.kind is kind] for kind in Kind}
            made += [self._apart(item.statement) for item in here[Kind.APART]]
            made += [item.statement for item in here[Kind.UNIFORM]]
            own = here[Kind.INSIDE]
            later = needed.union(*(i.reads for i in items if i not in own))
            made += self._region([item.statement for item in own], later, outermost=outermost)
            made += [item.statement for item in here[Kind.STORE]]
        return made

    def _item(self, statement: Statement) -> _Item:
        kind, binds = Kind.INSIDE, _bound_outside(statement)
        match statement:
            case Let(value=value):
                kind = Kind.UNIFORM if not value.type.rows else Kind.APART if self.lifted.holds(value) else Kind.INSIDE
            case Loop():
                kind = Kind.APART if self.lifted.holds(statement) else Kind.INSIDE
            case StoreColumn() | StoreSection():
                kind = Kind.STORE
        return _Item(statement, kind, binds, local_names(statement) - set(binds))

    def _sink(self, items: Sequence[_Item], needed: frozenset[str]) -> None:
        """Let what is read later only be computed later, where less crosses the borders then."""
        last = max((item.level for item in items), default=0)
        makers = {name: item for item in items for name in item.binds}
        readers = {name: [item for item in items if name in item.reads] for name in makers}

        def size(name: str) -> int:
            return math.prod(self.types[name].shape) if self.types[name].rows else 0

        for item in reversed(items):
            if item.kind is not Kind.INSIDE or not isinstance(item.statement, Let):
                continue
            (name,) = item.binds
            ends = [reader.by for reader in readers[name]] + [last] * (name in needed)
            latest = min(ends, default=item.level)
            if latest <= item.level:
                continue
            inside = any(reader.by == latest and reader.kind is Kind.INSIDE for reader in readers[name])
            kept = name in needed or any(r.kind is not Kind.INSIDE or r.level > latest for r in readers[name])
            saved = size(name) * (1 + inside - kept)
            crossing = 0
            for operand in item.reads & makers.keys():
                others = [reader for reader in readers[operand] if reader is not item]
                there = makers[operand].kind is Kind.APART or operand in needed
                there = there or any(reader.by > makers[operand].level for reader in others)
                if not any(reader.by == latest and reader.kind is Kind.INSIDE for reader in others):
                    crossing += size(operand) * (1 if there else 2)
            if crossing < saved:
                item.level = latest

    # -- what becomes of them ----------------------------------------------------------------------------------------

    def _apart(self, statement: Statement) -> Statement:
        if not isinstance(statement, Loop):
            return statement
        self.scalars.append(statement.index)
        needed = local_names(*(carry.next for carry in statement.carried))
        return dataclasses.replace(statement, body=tuple(self._block(statement.body, needed, outermost=False)))

    def _region(self, own: list[Statement], later: frozenset[str], *, outermost: bool) -> list[Statement]:
        """A run of the piece that a region is, or the region itself where it is none."""
        results = [name for each in own for name in _bound_outside(each) if name in later]
        found = self._piece(own, results, outermost=outermost)
        if found is None:
            return own
        piece, arguments = found
        if not self.worth(piece):
            return own
        self.pieces.append(piece)
        number, span = len(self.pieces), own[0].span
        scalars = tuple(Local(_INDEX, name, span=span) for name in piece.scalars)
        names, types = zip(*((each.name, each.type) for each in piece.outputs), strict=True)
        random = any(True for _ in draws(piece))
        return [Run(number, names, types, tuple(arguments), scalars, random, span=span)]

    def _piece(
        self, own: list[Statement], results: list[str], *, outermost: bool
    ) -> tuple[Program, tuple[Expr, ...]] | None:
        """The program of a region and what it is run for; None where it is none: something else than numbers of rows
        crosses its border."""
        stored = _stored(self.program, own)
        if not (results or stored):
            return None
        if stored and not (outermost and _stores_of(own, stored) == _stores_of(self.program.body, stored)):
            return None
        body = (*self._shared_by(own), *own)
        unbound = local_names(*body) - set(bound_names(body))
        # In the order in which they are read, whatever they are called: equal pieces then take equal arguments.
        read = (part.name for each in body for part in walk(each) if isinstance(part, Local))
        free = [name for name in dict.fromkeys(read) if name in unbound]
        random = any(True for each in body for _ in draws(each))
        scalars = tuple(name for name in self.scalars if name in free and not (random and name in ("seed", "step")))
        crossing = {name: self.types[name] for name in free if name in self.types}
        numbers = [*crossing.values(), *(self.types[name] for name in results)]
        if not all(each.rows and each.kind != "boolean" and each.particles == 1 for each in numbers):
            return None
        if not crossing.keys() | set(self.scalars) >= set(free):
            return None

        given = {each.name for each in self.program.inputs}
        named = {name: f"{name}_now" if name in given else name for name in crossing}

        inside = _from_memory(body, named)
        reads = {part.name for each in inside for part in walk(each) if isinstance(part, InputRead)}
        reads |= {part.input for each in inside for part in walk(each) if isinstance(part, Section)}
        span = own[0].span
        inputs = [each for each in self.program.inputs if each.name in reads]
        arguments: list[Expr] = [InputRead(each.type, each.name, span=span) for each in inputs]
        inputs += [Input(named[name], kind, span=span) for name, kind in crossing.items()]
        arguments += [Local(kind, name, span=span) for name, kind in crossing.items()]
        paths = {part.path for each in inside for part in walk(each) if isinstance(part, ParameterRead)}
        made = ((name, self.types[name]) for name in results)
        outputs = [Output(name, kind, Local(kind, name, span=span), span=span) for name, kind in made]
        piece = dataclasses.replace(
            self.program,
            name="stage",  # equal pieces of different programs are one kernel to who compiles it
            title="what lies between two products",
            inputs=tuple(inputs),
            scalars=scalars,
            parameters=tuple(use for use in self.program.parameters if use.path in paths),
            body=inside,
            outputs=(*outputs, *stored),
        )
        return piece, tuple(arguments)

    def _shared_by(self, own: Sequence[Statement]) -> list[Statement]:
        """What all rows share that the statements read, each after what it reads itself."""
        found: dict[str, Statement] = {}

        def add(names: Iterable[str]) -> None:
            for name in sorted(names):
                if name in self.shared and name not in found:
                    add(local_names(self.shared[name]))
                    found[name] = self.shared[name]

        add(local_names(*own) - set(bound_names(own)))
        return list(found.values())


def _repeat_conditions(items: Sequence[_Item]) -> None:
    """Conditions do not cross borders: what reads one of an earlier region compares again."""
    known = {
        item.statement.name: (item.level, item.statement.value)
        for item in items
        if item.kind is Kind.INSIDE and isinstance(item.statement, Let) and item.statement.value.type.kind == "boolean"
    }

    def written(part: Node) -> Node:
        return rebuild(known[part.name][1] if isinstance(part, Local) and part.name in known else part, written)

    for item in items:
        if any(name in known and known[name][0] != item.level for name in item.reads):
            item.statement = rebuild(item.statement, written)
            item.reads = local_names(item.statement) - set(item.binds)


def _from_memory(body: Iterable[Statement], named: Mapping[str, str]) -> tuple[Statement, ...]:
    """A region with its operands as inputs, by the names that these have; parts of them are read by themselves."""

    def change(part: Node) -> Node:
        match part:
            case Local(name=name) if name in named:
                return InputRead(part.type, named[name], span=part.span)
            case Slice(vector=Local() | InputRead() as vector, start=start, stop=stop):
                read = change(vector)
                if isinstance(read, InputRead) and read.type.kind == "real":
                    at = Number(_INDEX, float(start), span=part.span)
                    return Section(part.type, read.name, at, stop - start, span=part.span)
        return rebuild(part, change)

    return tuple(rebuild(each, change) for each in body)


def _stored(program: Program, own: Iterable[Statement]) -> list[Output]:
    """The outputs of a program that statements store."""
    names = {part.output for each in own for part in walk(each) if isinstance(part, StoreColumn | StoreSection)}
    return [output for output in program.outputs if output.name in names]


def _stores_of(statements: Iterable[Statement], outputs: Sequence[Output]) -> int:
    """How many statements store these outputs."""
    names = {output.name for output in outputs}
    parts = (part for each in statements for part in walk(each) if isinstance(part, StoreColumn | StoreSection))
    return sum(part.output in names for part in parts)


def _read_by(outputs: Sequence[Output]) -> frozenset[str]:
    return local_names(*(output.value for output in outputs if output.value is not None))


def _bound_outside(statement: Statement) -> tuple[str, ...]:
    """The names that a statement of a region binds for what comes after it."""
    match statement:
        case Let(name=name):
            return (name,)
        case Loop(carried=carried):
            return tuple(carry.name for carry in carried)
    return ()


def _filled(output: Output, stored: Mapping[str, RowType]) -> Output:
    """An output that a piece stores is what it returns."""
    if output.value is not None or output.name not in stored:
        return output
    return dataclasses.replace(output, value=Local(stored[output.name], output.name, span=output.span))


def _alive(statements: Iterable[Statement], needed: frozenset[str]) -> tuple[Statement, ...]:
    """The statements without names that nothing reads: those of values that only pieces compute."""
    kept: list[Statement] = []
    for each in reversed(tuple(statements)):
        if isinstance(each, Let) and each.name not in needed:
            continue
        kept.append(_with_alive_body(each) if isinstance(each, Loop) else each)
        needed |= local_names(kept[-1])
    return tuple(reversed(kept))


def _with_alive_body(loop: Loop) -> Loop:
    return dataclasses.replace(loop, body=_alive(loop.body, local_names(*(carry.next for carry in loop.carried))))
