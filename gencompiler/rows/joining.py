"""Vectors side by side in one tile: which columns each part gets, and what brings the parts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.rows.layout import Layout, Place, Tile, paired, place, plain, union, width_for
from gencompiler.rows.nodes import Concat, Elementwise, Expr, RowType, Select

if TYPE_CHECKING:
    from gencompiler.rows.placing import Placing


def join(placing: Placing, expr: Concat, want: Place | None) -> Tile:
    """The parts of `expr` in one tile, those that are already somewhere left there as far as possible."""
    sizes = [part.type.shape[0] if part.type.shape else 1 for part in expr.parts]
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    rigid = {
        number: placing.vector(part, None)
        for number, part in enumerate(expr.parts)
        if part.type.shape and not placing.is_flexible(part)
    }
    if not rigid:
        whole = want or plain(sum(sizes))
        places = [_part(whole, start, size) for start, size in zip(starts, sizes, strict=True)]
    else:
        places = _arranged(sizes, starts, {number: tile.at for number, tile in rigid.items()}, want)
    tiles = [
        placing.moved(rigid[number], at) if number in rigid else _made(placing, part, at)
        for number, (part, at) in enumerate(zip(expr.parts, places, strict=True))
    ]
    result = tiles[0]
    for tile in tiles[1:]:
        result = _both(placing, result, tile)
    return result


def _made(placing: Placing, part: Expr, at: Place) -> Tile:
    return placing.aligned(part, at) if part.type.shape else placing.broadcast(placing.scalar(part), at)


def _part(at: Place, start: int, size: int) -> Place:
    return at.mapped(lambda layout: layout[start : start + size])


def _arranged(sizes: list[int], starts: list[int], rigid: dict[int, Place], want: Place | None) -> list[Place]:
    """A place for each part, all disjoint: rigid parts where they are unless that is taken, others where `want` has
    them or in free columns."""
    widest = max(at.width for at in rigid.values())
    width = max(widest, width_for(sum(sizes)))
    count = max(len(at.layouts) for at in (*rigid.values(), *([want] if want else [])))
    taken: tuple[frozenset[int], ...] = (frozenset(),) * count
    chosen: dict[int, Place] = {}
    wanted = {number: _part(want, starts[number], size) for number, size in enumerate(sizes)} if want else {}
    candidates = [*rigid.items(), *((n, at) for n, at in wanted.items() if n not in rigid)]
    for number, at in candidates:
        if at.width == width and at.is_whole and _disjoint(at, taken):
            chosen[number] = at
            taken = union(taken, at.columns)
    for number, size in enumerate(sizes):
        if number not in chosen:
            chosen[number] = place(tuple(_free(columns, size, width) for columns in taken), width)
            taken = union(taken, chosen[number].columns)
    return [chosen[number] for number in range(len(sizes))]


def _disjoint(at: Place, taken: tuple[frozenset[int], ...]) -> bool:
    columns, others = paired(at.columns, taken)
    return all(not here & there for here, there in zip(columns, others, strict=True))


def _free(taken: frozenset[int], size: int, width: int) -> Layout:
    return tuple([column for column in range(width) if column not in taken][:size])


def _both(placing: Placing, first: Tile, second: Tile) -> Tile:
    """Two tiles with disjoint layouts as one, by what costs least: nothing where one reproduces the other outside its
    layout, a sum where both are zero there, a select otherwise."""
    count = max(len(first.at.layouts), len(second.at.layouts))
    layouts = ((tile.at.layouts * count)[:count] for tile in (first, second))
    at = place(tuple((*here, *there) for here, there in zip(*layouts, strict=True)), first.at.width)
    pad = first.pad if first.pad == second.pad else None
    kinds = first.expr.type.kind, second.expr.type.kind
    whole = kinds[1] if kinds[0] == kinds[1] else "real"
    kind = RowType(first.expr.type.rows or second.expr.type.rows, (at.width,), whole)
    span = union(first.span, second.span) if pad is not None else (frozenset(range(at.width)),)
    sound = first.sound and second.sound
    for one, other in ((first, second), (second, first)):
        if one.same is not None and one.same == other.expr:
            return Tile(one.expr, at, span, pad, sound, one.same)
    if first.fill == 0.0 and second.fill == 0.0 and kind.kind != "boolean":
        total = Elementwise(kind, "add", (first.expr, second.expr), span=second.expr.span)
        return Tile(total, at, at.columns, 0.0, True)
    chosen = Select(kind, placing.mask(second.at, second.expr), second.expr, first.expr, span=second.expr.span)
    return Tile(chosen, at, span, pad, sound)
