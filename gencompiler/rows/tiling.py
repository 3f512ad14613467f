"""From a logical program to the program of a kernel: statements, loops and outputs over tiles.

The layouts of what a loop over layers carries may differ from one iteration to the next (a reversal after each
coupling);
the sequence is traced once, at compile time, and every table and weight is packed for it.  In all other loops a carried
value keeps its layout.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import rebuild, walk
from gencompiler.rows.analysis import bound_names, constant, local_names
from gencompiler.rows.layout import Place, Tile, place
from gencompiler.rows.nodes import (
    Carry,
    Expr,
    Let,
    Local,
    Loop,
    Output,
    ParameterRead,
    Program,
    RowType,
    Statement,
    StoreColumn,
    StoreSection,
)
from gencompiler.rows.packing import Lead, Packed, Packs
from gencompiler.rows.placing import Flexible, Placing, Surroundings, Unfusable

_INDEX = RowType(False, (), "integer")


@dataclasses.dataclass(frozen=True)
class Tiled:
    """The tile program, the arrays it reads by name, and for each vector output whose elements are not in the first
    columns in order, the table of what is in which column."""

    program: Program
    packs: dict[str, Packed]
    tables: dict[str, ParameterRead]


def tile(program: Program) -> Tiled:
    """`program` over tiles; raises `Unfusable`."""
    return _Tiling(_inlined(program)).tiled()


def _inlined(program: Program) -> Program:
    """Named uniform values of parameters in their places: they are computed when packing, not in the kernel."""
    values: dict[str, Expr] = {}

    def change(part: object) -> object:
        if isinstance(part, Local) and part.name in values:
            return values[part.name]
        changed = rebuild(part, change)  # type: ignore[type-var, arg-type]
        if isinstance(changed, Let) and not changed.value.type.rows and _reads_parameters(changed.value):
            values[changed.name] = changed.value
        return changed

    return change(program)  # type: ignore[return-value]


def _reads_parameters(expr: Expr) -> bool:
    return any(isinstance(part, ParameterRead) for part in walk(expr))


@dataclasses.dataclass(frozen=True)
class _Open:
    """A loop whose body still has slots: places for flexible names, filled when something asks for them."""

    loop: Loop
    body: list[_Item]


_Item = Statement | list[Statement] | _Open


class _Tiling:
    def __init__(self, program: Program) -> None:
        self.program = program
        taken = {*bound_names(program.body), *program.scalars, *(each.name for each in program.inputs)}
        taken |= {"seed", "step", *(each.name for each in program.outputs)}
        self.packs = Packs(set(taken))
        shapes = {use.path: use.shape for use in program.parameters}
        self.placing = Placing(shapes, self.packs, taken)
        self.out: list[_Item] = []

    def tiled(self) -> Tiled:
        self.block(self.program.body)
        outputs: list[Output] = []
        tables: dict[str, ParameterRead] = {}
        for output in self.program.outputs:
            value = output.value
            if value is not None and value.type.shape:
                found = self.placing.vector(value, None)
                if not found.at.is_plain:
                    tables[output.name] = self.placing.table("places", (found.at,), value)
                value = found.expr
            elif value is not None:
                value = self.placing.scalar(value)
            outputs.append(Output(output.name, output.type, value, span=output.span))
        body = _without_dead(_flattened(self.out), outputs)
        program = dataclasses.replace(self.program, parameters=(), body=body, outputs=tuple(outputs))
        program, tables, packs = self.packs.settled(program, tables)
        return Tiled(program, packs, tables)

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            match statement:
                case Let(name, value):
                    self.let(name, value, statement)
                case StoreColumn(output, index, value):
                    value = self.placing.scalar(value)
                    self.out.append(StoreColumn(output, self.placing.scalar(index), value, span=statement.span))
                case StoreSection(output, index, value, length):
                    found = self.placing.vector(value, None)
                    places = None if found.at.is_plain else self.placing.table("places", (found.at,), value)
                    index = self.placing.scalar(index)
                    self.out.append(StoreSection(output, index, found.expr, length, places, span=statement.span))
                case Loop():
                    self.loop(statement)

    def let(self, name: str, value: Expr, statement: Let) -> None:
        tiles = self.placing.around.tiles
        if not value.type.shape:
            self.out.append(Let(name, self.placing.scalar(value), span=statement.span))
        elif len(value.type.shape) > 1:
            if not _reads_parameters(value):
                raise Unfusable(f"the matrix {name} is computed at run time")
        elif self.placing.is_flexible(value):
            slot: list[Statement] = []
            self.out.append(slot)
            self.placing.taken.discard(name)
            tiles[name] = Flexible(name, value, slot, self.placing.around.changing_name)
        else:
            found = self.placing.vector(value, None)
            if not isinstance(found.expr, Local):
                self.out.append(Let(name, found.expr, span=statement.span))
                found = dataclasses.replace(found, expr=Local(found.expr.type, name, span=value.span))
            tiles[name] = found

    # -- loops -------------------------------------------------------------------------------------------------------

    def loop(self, loop: Loop) -> None:
        start = {c.name: self.placing.vector(c.initial, None) for c in loop.carried if c.next.type.shape}
        sequence = self.traced(loop, {name: tile.at for name, tile in start.items()})
        facts = {name: (tile.fill, tile.sound) for name, tile in start.items()}
        outside, before = self.placing.around, self.out
        while True:
            moves = any(place != each[0] for each in sequence.values() for place in each)
            self.placing.around = self.inside(loop, outside, changing=moves)
            self.out = []
            found, following = self.iteration(loop, sequence, facts)
            weaker = {
                name: (fill if fill == found[name][0] else None, sound and found[name][1])
                for name, (fill, sound) in facts.items()
            }
            body, self.out, self.placing.around = self.out, before, outside
            if weaker == facts:
                break
            facts = weaker
        carried = tuple(
            Carry(c.name, start[c.name].expr if c.name in start else self.placing.scalar(c.initial), after, span=c.span)
            for c, after in zip(loop.carried, following, strict=True)
        )
        count = self.placing.scalar(loop.count)
        self.out.append(_Open(dataclasses.replace(loop, count=count, carried=carried, body=()), body))
        for carry in loop.carried:
            if carry.name in start:
                outside.tiles[carry.name] = _carried(carry, sequence[carry.name][-1], facts[carry.name])

    def inside(self, loop: Loop, outside: Surroundings, changing: bool) -> Surroundings:
        """What the body of `loop` sees."""
        loops, count = dict(outside.loops), constant(loop.count)
        if loop.kind in ("layers", "dimensions") and count is not None:
            loops[loop.index] = Lead(Local(_INDEX, loop.index, span=loop.span), count)
        return Surroundings(dict(outside.tiles), loops, loops[loop.index] if changing else outside.changing)

    def iteration(
        self, loop: Loop, sequence: dict[str, list[Place]], facts: dict[str, tuple[float | None, bool]]
    ) -> tuple[dict[str, tuple[float | None, bool]], list[Expr]]:
        """One iteration for all iterations at once: the next values, and what holds outside their layouts."""
        now = {name: _over_iterations(loop, places[:-1]) for name, places in sequence.items()}
        then = {name: _over_iterations(loop, places[1:]) for name, places in sequence.items()}
        for carry in loop.carried:
            if carry.name in now:
                self.placing.around.tiles[carry.name] = _carried(carry, now[carry.name], facts[carry.name])
        self.block(loop.body)
        found: dict[str, tuple[float | None, bool]] = {}
        following: list[Expr] = []
        for carry in loop.carried:
            if carry.name in then:
                tile = self.placing.aligned(carry.next, then[carry.name])
                found[carry.name] = (tile.fill, tile.sound)
                following.append(tile.expr)
            else:
                following.append(self.placing.scalar(carry.next))
        return found, following

    def traced(self, loop: Loop, start: dict[str, Place]) -> dict[str, list[Place]]:
        """The place of each carried vector before every iteration, in the order of execution, and after the last."""
        count = constant(loop.count)
        still = {name: [at, at] for name, at in start.items()}
        if loop.kind != "layers" or count is None or count == 0 or self.placing.around.changing or not start:
            return still
        sequence = {name: [at] for name, at in start.items()}
        known: dict[tuple[Place, ...], dict[str, Place]] = {}
        for _ in range(count):
            now = {name: places[-1] for name, places in sequence.items()}
            key = tuple(now.values())
            if key not in known:
                known[key] = self.next_places(loop, now)
            for name, at in known[key].items():
                if at.width != start[name].width or not at.is_whole:
                    return still
                sequence[name].append(at)
        moves = any(places[0] != each for places in sequence.values() for each in places)
        return sequence if moves else still

    def next_places(self, loop: Loop, now: dict[str, Place]) -> dict[str, Place]:
        """Where one iteration leaves the carried vectors that it finds at `now`."""
        outside, before = self.placing.around, self.out
        self.placing.around, self.out = self.inside(loop, outside, changing=False), []
        for carry in loop.carried:
            if carry.name in now:
                self.placing.around.tiles[carry.name] = _carried(carry, now[carry.name], (None, True))
        self.block(loop.body)
        carried = [carry for carry in loop.carried if carry.name in now]
        after = {carry.name: self.placing.vector(carry.next, now[carry.name]).at for carry in carried}
        self.placing.around, self.out = outside, before
        return after


def _carried(carry: Carry, at: Place, facts: tuple[float | None, bool]) -> Tile:
    fill, sound = facts
    rows = carry.initial.type.rows or carry.next.type.rows
    name = Local(RowType(rows, (at.width,), carry.next.type.kind), carry.name, span=carry.span)
    span = at.columns if fill is not None else (frozenset(range(at.width)),)
    return Tile(name, at, span, fill, sound)


def _over_iterations(loop: Loop, places: list[Place]) -> Place:
    """Places in the order of execution as one place by iteration number."""
    layouts = [at.layouts[0] for at in places]
    return place(tuple(reversed(layouts) if loop.reverse else layouts), places[0].width)


def _flattened(items: list[_Item]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for item in items:
        if isinstance(item, _Open):
            result.append(dataclasses.replace(item.loop, body=_flattened(item.body)))
        elif isinstance(item, list):
            result += item
        else:
            result.append(item)
    return tuple(result)


def _without_dead(statements: tuple[Statement, ...], outputs: list[Output]) -> tuple[Statement, ...]:
    """Without lets that nothing reads."""
    while True:
        read = local_names(*statements, *outputs)
        kept = _kept(statements, read)
        if kept == statements:
            return statements
        statements = kept


def _kept(statements: tuple[Statement, ...], read: frozenset[str]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for each in statements:
        if isinstance(each, Loop):
            result.append(dataclasses.replace(each, body=_kept(each.body, read)))
        elif not isinstance(each, Let) or each.name in read:
            result.append(each)
    return tuple(result)
