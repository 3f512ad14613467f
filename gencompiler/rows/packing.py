"""Arrays that a kernel reads: parameters, transposed and padded with their elements where the state has them, and
tables.

Masks, permutations and layouts live here and nowhere in the kernel.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import Node, rebuild
from gencompiler.rows.analysis import constant, local_names
from gencompiler.rows.layout import Place
from gencompiler.rows.nodes import Expr, Local, ParameterRead, ParameterUse, Program, RowType


@dataclasses.dataclass(frozen=True)
class Lead:
    """A leading axis of a packed array: how long it is, and what the kernel indexes it with."""

    index: Expr
    count: int


@dataclasses.dataclass(frozen=True)
class Packed:
    """One array.

    kind:  "parameter"    `source`, a uniform expression, for every value of the leading indices
           "mask"         1 in the columns of `axes[0]`, else 0
           "places"       the element that is in each column, -1 where there is none (integers)
           "permutation"  the 0/1 matrix that takes a vector from `axes[0]` to `axes[1]`
    `axes` place the axes of the source, after transposing it when `transposed`.
    """

    kind: str
    source: Expr | None
    leading: tuple[Lead, ...]
    axes: tuple[Place, ...]
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(lead.count for lead in self.leading), *(at.width for at in self.axes))


class Packs:
    """The arrays of one kernel; equal requests share one array."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.wishes: dict[Packed, str] = {}

    def read(self, packed: Packed, wish: str, at: Expr) -> ParameterRead:
        """The kernel's read of `packed`, which `settled` will name after `wish`."""
        number = list(self.wishes).index(packed) if packed in self.wishes else len(self.wishes)
        self.wishes.setdefault(packed, wish)
        kind = "integer" if packed.kind == "places" else "real"
        index = (*(lead.index for lead in packed.leading), *[None] * len(packed.axes))
        widths = tuple(place.width for place in packed.axes)
        return ParameterRead(RowType(False, widths, kind), str(number), index, span=at.span)

    def settled(
        self, program: Program, tables: dict[str, ParameterRead]
    ) -> tuple[Program, dict[str, ParameterRead], dict[str, Packed]]:
        """`program` and `tables` with the arrays that they still read under their final names, and these arrays."""
        numbered = list(self.wishes.items())
        names: dict[str, str] = {}

        def named(number: str) -> str:
            if number not in names:
                names[number] = self._name(numbered[int(number)][1])
            return names[number]

        def rename(part: Node) -> Node:
            part = rebuild(part, rename)
            if not isinstance(part, ParameterRead):
                return part
            return dataclasses.replace(part, path=named(part.path))

        renamed = rebuild(program, rename)
        renamed_tables = {name: dataclasses.replace(t, path=named(t.path)) for name, t in tables.items()}
        packs = {name: numbered[int(number)][0] for number, name in names.items()}
        parameters = tuple(ParameterUse(name, packed.shape, span=program.span) for name, packed in packs.items())
        return dataclasses.replace(renamed, parameters=parameters), renamed_tables, packs

    def _name(self, wish: str) -> str:
        name, number = wish, 1
        while name in self.taken:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name


def leading_of_read(read: ParameterRead, shape: tuple[int, ...], first: str | None) -> tuple[Lead, ...]:
    """The axes of a parameter that are indexed by something other than a constant, that of loop `first` in front."""
    leads = [
        Lead(place, size)
        for place, size in zip(read.index, shape, strict=True)
        if place is not None and constant(place) is None
    ]
    return tuple(sorted(leads, key=lambda lead: not (isinstance(lead.index, Local) and lead.index.name == first)))


def leading_of_expression(expr: Expr, loops: dict[str, Lead]) -> tuple[Lead, ...]:
    """The loops that a uniform expression depends on, outermost first."""
    names = local_names(expr)
    return tuple(lead for name, lead in loops.items() if name in names)
