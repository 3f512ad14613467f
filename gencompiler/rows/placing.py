"""From logical vectors to tiles: the fold that absorbs slices, joins and permutations into layouts.

Scalars stay scalars.  A vector is either rigid, because an input or a carried value has it in certain columns, or
flexible
(a product with a matrix, a parameter, a draw), and then it is made in the columns where what it meets has its elements.
Rigid vectors that meet in different columns are brought together by an exact product with a 0/1 matrix.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import walk
from gencompiler.rows.analysis import constant, inverse_order, local_names
from gencompiler.rows.layout import (
    Place,
    Tile,
    constant_of,
    number_of,
    place,
    plain,
    stays_finite,
    unchanged,
    union,
    vanishes,
)
from gencompiler.rows.nodes import (
    Broadcast,
    Column,
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Iota,
    Let,
    Local,
    Mask,
    Number,
    ParameterRead,
    Permute,
    Reduce,
    RowType,
    Section,
    Select,
    Slice,
    Statement,
    WithColumn,
)
from gencompiler.rows.packing import Lead, Packed, Packs, leading_of_expression, leading_of_read


class Unfusable(Exception):
    """Why a program, or a part of it, cannot be a kernel."""


@dataclasses.dataclass
class Flexible:
    """A named vector that takes the layout of its first use; `slot` is where it is then computed."""

    name: str
    value: Expr
    slot: list[Statement]
    changing: str | None
    made: dict[Place, Tile] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Surroundings:
    """What a place in a program sees: tiles by name, loops with a constant count, and the loop over layers (its index
    and count) whose iterations have layouts of their own."""

    tiles: dict[str, Tile | Flexible]
    loops: dict[str, Lead]
    changing: Lead | None = None

    @property
    def changing_name(self) -> str | None:
        return self.changing.index.name if self.changing and isinstance(self.changing.index, Local) else None


class Placing:
    """A fold over expressions; `parameters` are shapes by path."""

    def __init__(self, parameters: dict[str, tuple[int, ...]], packs: Packs, taken: set[str]) -> None:
        self.parameters, self.packs, self.taken = parameters, packs, taken
        self.around = Surroundings({}, {})

    # -- scalars -----------------------------------------------------------------------------------------------------

    def scalar(self, expr: Expr) -> Expr:
        """A scalar of the tile program."""
        if self._is_packable(expr):
            return self._packed(expr, ())
        match expr:
            case Number() | Local() | InputRead():
                return expr
            case Elementwise(arguments=arguments):
                return dataclasses.replace(expr, arguments=tuple(map(self.scalar, arguments)))
            case Select(condition=condition, then=then, otherwise=otherwise):
                return Select(expr.type, *map(self.scalar, (condition, then, otherwise)), span=expr.span)
            case Reduce(operation=operation, operand=operand):
                neutral = {"sum": 0.0, "prod": 1.0, "max": float("-inf"), "min": float("inf")}[operation]
                return Reduce(expr.type, operation, self.cleaned(self.vector(operand, None), neutral), span=expr.span)
            case Column(vector=vector, index=index):
                return self._column(expr, vector, index)
            case ParameterRead():
                return self._packed(expr, ())
            case Draw():
                return expr
        raise Unfusable(f"a {type(expr).__name__} where a scalar is needed")

    def _column(self, expr: Column, vector: Expr, index: Expr) -> Expr:
        if isinstance(vector, InputRead):
            return expr
        at = constant(index)
        if at is not None and self.is_flexible(vector) and not isinstance(vector, Local):
            length = vector.type.shape[0]
            alone = place((tuple(0 if element == at else None for element in range(length)),), plain(1).width)
            tile = self.vector(vector, alone)
            if tile.at == alone:
                return Reduce(expr.type, "sum", self.cleaned(tile, 0.0), span=expr.span)
        tile = self.vector(vector, None)
        here = _apply("equal", (self._places(tile.at, expr), self.scalar(index)))
        chosen = Select(tile.expr.type, here, tile.expr, _number(0.0, expr), span=expr.span)
        return Reduce(expr.type, "sum", chosen, span=expr.span)

    # -- vectors -----------------------------------------------------------------------------------------------------

    def is_flexible(self, expr: Expr) -> bool:
        match expr:
            case InputRead():
                return False
            case Local(name=name):
                return isinstance(self.around.tiles.get(name), Flexible)
            case Elementwise(arguments=parts):
                return all(self.is_flexible(each) for each in parts if each.type.shape)
            case Select(condition=condition, then=then, otherwise=otherwise):
                return all(self.is_flexible(each) for each in (condition, then, otherwise) if each.type.shape)
            case Slice(vector=vector) | Permute(vector=vector) | WithColumn(vector=vector):
                return self.is_flexible(vector)
            case Concat(parts=parts):
                return all(self.is_flexible(each) for each in parts if each.type.shape)
        return True

    def aligned(self, expr: Expr, at: Place) -> Tile:
        """`expr` with its elements exactly at `at`."""
        return self.moved(self.vector(expr, at), at)

    def moved(self, tile: Tile, at: Place) -> Tile:
        """`tile` with its elements at `at`, through a product with a 0/1 matrix if they are not there yet."""
        if tile.at == at:
            return tile
        if tile.expr.type.kind == "boolean":
            raise Unfusable("a condition on elements that are in different columns")
        matrix = self.table("permutation", (tile.at, at), tile.expr)
        kind = RowType(tile.expr.type.rows, (at.width,))
        product = Dot(kind, self.cleaned(tile, 0.0), matrix, span=tile.expr.span)
        return Tile(product, at, at.columns, 0.0, True)

    def cleaned(self, tile: Tile, neutral: float) -> Expr:
        """The tile with `neutral` in every column outside its layout; for 0 in a product, finite is enough."""
        if tile.fill == neutral:
            return tile.expr
        return Select(
            tile.expr.type, self.mask(tile.at, tile.expr), tile.expr, _number(neutral, tile.expr), span=tile.expr.span
        )

    def mask(self, at: Place, near: Expr) -> Expr:
        """Whether a column is in the layout."""
        if at.is_plain:
            length = len(at.layouts[0])
            return _apply("less", (Iota(_integers(at.width), at.width, span=near.span), _index(length, near)))
        return _apply("not_equal", (self.table("mask", (at,), near), _number(0.0, near)))

    def vector(self, expr: Expr, want: Place | None) -> Tile:
        """A tile for `expr`: at `want` if it is flexible (by default in the first columns), else where it is."""
        length = expr.type.shape[0]
        if self._is_packable(expr):
            at = want or plain(length)
            return Tile(self._packed(expr, (at,)), at, at.columns, 0.0, True)
        match expr:
            case Local(name=name):
                found = self.around.tiles[name]
                if isinstance(found, Tile):
                    return found
                whole = (at for at in found.made if at.is_whole)
                return self._made(found, want or next(whole, plain(length)))
            case InputRead(name=name):
                at = plain(length)
                kind = dataclasses.replace(expr.type, shape=(at.width,))
                return Tile(InputRead(kind, name, span=expr.span), at, at.columns, 0.0, True)
            case ParameterRead():
                at = want or plain(length)
                return Tile(self._packed(expr, (at,)), at, at.columns, 0.0, True)
            case Elementwise():
                return self._elementwise(expr, want)
            case Select():
                return self._select(expr, want)
            case Dot():
                return self._dot(expr, want or plain(length))
            case Broadcast(operand=operand):
                return self.broadcast(self.scalar(operand), want or plain(length))
            case Slice(vector=vector, start=start, stop=stop):
                return self._slice(vector, start, stop, want)
            case Permute(vector=vector, order=order):
                return self._permute(vector, order, want)
            case Concat():
                return self._concat(expr, want)
            case WithColumn(vector=vector, index=index, value=value):
                tile = self.vector(vector, want)
                here = _apply("equal", (self._places(tile.at, expr), self.scalar(index)))
                kind = RowType(expr.type.rows, (tile.at.width,), expr.type.kind)
                changed = Select(kind, here, self.scalar(value), tile.expr, span=expr.span)
                return dataclasses.replace(tile, expr=changed, same=None)
            case Iota():
                at = want or plain(length)
                return Tile(self._places(at, expr), at, _everywhere(at), None, True)
            case Section():
                at = want or plain(length)
                places = None if at.is_plain else self.table("places", (at,), expr)
                kind = dataclasses.replace(expr.type, shape=(at.width,))
                read = Section(kind, expr.input, self.scalar(expr.start), expr.length, places, span=expr.span)
                return Tile(read, at, at.columns, 0.0, True)
            case Draw():
                at = want or plain(length)
                kind = RowType(True, (at.width,))
                drawn = Draw(kind, expr.kind, expr.stream, expr.step, self._places(at, expr), span=expr.span)
                return Tile(drawn, at, _everywhere(at), None, True)
        raise Unfusable(f"a {type(expr).__name__} where a vector is needed")

    def _made(self, flexible: Flexible, at: Place) -> Tile:
        """A flexible name at a layout, computed once for each layout that is asked for."""
        varies = len(at.layouts) > 1
        if varies and flexible.changing != self.around.changing_name:
            return self.vector(flexible.value, at)
        if at not in flexible.made:
            tile = self.vector(flexible.value, at)
            name, number = flexible.name, 1
            while name in self.taken or (number == 1 and flexible.made):
                number += 1
                name = f"{flexible.name}_{number}"
            self.taken.add(name)
            flexible.slot.append(Let(name, tile.expr, span=flexible.value.span))
            flexible.made[at] = dataclasses.replace(tile, expr=Local(tile.expr.type, name, span=tile.expr.span))
        return flexible.made[at]

    # -- elementwise -------------------------------------------------------------------------------------------------

    def _meet(self, parts: tuple[Expr, ...], want: Place | None, length: int) -> list[Tile | Expr]:
        """The parts at one layout: where a rigid one is, preferably `want`; scalars as scalars."""
        rigid = {
            number: self.vector(each, None)
            for number, each in enumerate(parts)
            if each.type.shape and not self.is_flexible(each)
        }
        places = [tile.at for tile in rigid.values()]
        at = want if want is not None and (not places or want in places) else [*places, plain(length)][0]
        there = {number: tile for number, tile in rigid.items() if tile.at == at}  # made once: parts are deep
        return [
            there.get(number) or self.aligned(each, at) if each.type.shape else self.scalar(each)
            for number, each in enumerate(parts)
        ]

    def _elementwise(self, expr: Elementwise, want: Place | None) -> Tile:
        parts = self._meet(expr.arguments, want, expr.type.shape[0])
        tiles = [part for part in parts if isinstance(part, Tile)]
        at, function = tiles[0].at, expr.function
        pads = [part.pad if isinstance(part, Tile) else number_of(part) for part in parts]
        fills = [part.fill if isinstance(part, Tile) else number_of(part) for part in parts]
        sound = [part.sound if isinstance(part, Tile) else True for part in parts]
        pad = 0.0 if vanishes(function, pads, sound) else constant_of(function, pads)
        fill = 0.0 if vanishes(function, fills, sound) else constant_of(function, fills)
        outside: list[float | Expr | None] = [
            known if known is not None else (part.same or part.expr) if isinstance(part, Tile) else None
            for part, known in zip(parts, fills, strict=True)
        ]
        kind = dataclasses.replace(expr.type, shape=(at.width,))
        arguments = tuple(part.expr if isinstance(part, Tile) else part for part in parts)
        value = Elementwise(kind, function, arguments, span=expr.span)
        span = at.columns if fill is not None else union(*(tile.span for tile in tiles))
        safe = fill is not None or (
            stays_finite(function, [number_of(part) if isinstance(part, Expr) else None for part in parts])
            and all(sound)
        )
        return Tile(value, at, span, fill if fill is not None else pad, safe, unchanged(function, outside))

    def _select(self, expr: Select, want: Place | None) -> Tile:
        parts = self._meet((expr.condition, expr.then, expr.otherwise), want, expr.type.shape[0])
        at = next(part.at for part in parts if isinstance(part, Tile))
        _, then, otherwise = parts
        kind = dataclasses.replace(expr.type, shape=(at.width,))
        condition, *branches = (part.expr if isinstance(part, Tile) else part for part in parts)
        value = Select(kind, condition, *branches, span=expr.span)
        fills = [part.fill if isinstance(part, Tile) else number_of(part) for part in (then, otherwise)]
        sames = [part.same or part.expr if isinstance(part, Tile) else None for part in (then, otherwise)]
        known = fills[0] is not None and fills[0] == fills[1]
        sound = all(not isinstance(part, Tile) or part.sound for part in (then, otherwise))
        same = sames[0] if sames[0] is not None and sames[0] == sames[1] else None
        return Tile(value, at, at.columns if known else _everywhere(at), fills[0] if known else None, sound, same)

    # -- making ------------------------------------------------------------------------------------------------------

    def _dot(self, expr: Dot, at: Place) -> Tile:
        vector = self.vector(expr.vector, None)
        if not expr.vector.type.rows:
            raise Unfusable("a product of two uniform values that is computed at run time")
        if not self._is_packable(expr.matrix) and not isinstance(expr.matrix, ParameterRead):
            raise Unfusable("a matrix that is computed at run time")
        matrix = self._packed(expr.matrix, (vector.at, at), expr.transposed)
        row = vector.expr if vector.sound else self.cleaned(vector, 0.0)
        product = Dot(RowType(expr.type.rows, (at.width,)), row, matrix, span=expr.span)
        return Tile(product, at, at.columns, 0.0, True)

    def broadcast(self, scalar: Expr, at: Place) -> Tile:
        kind = RowType(scalar.type.rows, (at.width,), scalar.type.kind)
        number = number_of(scalar)
        span = (frozenset[int](),) if number is not None else _everywhere(at)
        return Tile(Broadcast(kind, scalar, at.width, span=scalar.span), at, span, number, True)

    def _places(self, at: Place, near: Expr) -> Expr:
        """The logical element in each column: an integer vector."""
        return Iota(_integers(at.width), at.width, span=near.span) if at.is_plain else self.table("places", (at,), near)

    def table(self, kind: str, axes: tuple[Place, ...], near: Expr) -> ParameterRead:
        return self.packs.read(Packed(kind, None, self._leading((), axes), axes), kind, near)

    def _is_packable(self, expr: Expr) -> bool:
        """Whether a uniform expression depends on parameters, masks and constant loops only, and so can be computed
        before."""
        if expr.type.rows or not any(isinstance(part, ParameterRead | Mask) for part in walk(expr)):
            return False
        return local_names(expr) <= self.around.loops.keys() and not any(isinstance(e, Draw) for e in walk(expr))

    def _packed(self, expr: Expr, axes: tuple[Place, ...], transposed: bool = False) -> Expr:
        if expr.type.kind == "boolean":  # arrays hold numbers
            kind = dataclasses.replace(expr.type, kind="real")
            held = self._packed(Elementwise(kind, "indicator", (expr,), span=expr.span), axes, transposed)
            return _apply("not_equal", (held, _number(0.0, expr)))
        if isinstance(expr, ParameterRead):
            leading = leading_of_read(expr, self.parameters[expr.path], self.around.changing_name)
            wish = expr.path
        else:
            leading, wish = leading_of_expression(expr, self.around.loops), "weights"
        packed = Packed("parameter", expr, self._leading(leading, axes), axes, transposed)
        return self.packs.read(packed, wish, expr)

    def _leading(self, leading: tuple[Lead, ...], axes: tuple[Place, ...]) -> tuple[Lead, ...]:
        """With the axis of the loop over layers in front where a layout depends on its iteration."""
        loop = self.around.changing
        if loop is None or all(len(at.layouts) == 1 for at in axes):
            return leading
        return (loop, *(lead for lead in leading if lead.index != loop.index))

    # -- rearranging -------------------------------------------------------------------------------------------------

    def _slice(self, vector: Expr, start: int, stop: int, want: Place | None) -> Tile:
        if self.is_flexible(vector):
            at = want or plain(stop - start)
            before, after = (None,) * start, (None,) * (vector.type.shape[0] - stop)
            tile = self.aligned(vector, at.mapped(lambda layout: (*before, *layout, *after)))
            return tile.moved(at)
        tile = self.vector(vector, None)
        return tile.moved(tile.at.mapped(lambda layout: layout[start:stop]))

    def _permute(self, vector: Expr, order: tuple[int, ...], want: Place | None) -> Tile:
        if self.is_flexible(vector):
            at = want or plain(len(order))
            inverse = inverse_order(order)
            return self.aligned(vector, at.mapped(lambda layout: tuple(layout[place] for place in inverse))).moved(at)
        tile = self.vector(vector, None)
        return tile.moved(tile.at.mapped(lambda layout: tuple(layout[place] for place in order)))

    def _concat(self, expr: Concat, want: Place | None) -> Tile:
        from gencompiler.rows.joining import join

        return join(self, expr, want)


def _apply(function: str, arguments: tuple[Expr, Expr]) -> Elementwise:
    shape = max((each.type.shape for each in arguments), key=len)
    kind = RowType(any(each.type.rows for each in arguments), shape, "boolean")
    return Elementwise(kind, function, arguments, span=arguments[0].span)


def _integers(*shape: int) -> RowType:
    return RowType(False, shape, "integer")


def _number(value: float, near: Expr) -> Number:
    return Number(RowType(False, ()), value, span=near.span)


def _index(value: int, near: Expr) -> Number:
    return Number(_integers(), float(value), span=near.span)


def _everywhere(at: Place) -> tuple[frozenset[int], ...]:
    return (frozenset(range(at.width)),)
