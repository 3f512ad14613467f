"""Values of C while a function is printed: what names mean, and where numbers are."""

from __future__ import annotations

import dataclasses
import math

from gencompiler.emit.c_code import C, Level, converted, offset, spelled, wrapped
from gencompiler.emit.names import Names
from gencompiler.rows.nodes import RowType

#: A place along an axis: a number, or an expression.
Place = C | int


class Unprintable(Exception):
    """Why a program, or a part of it, is no function of C."""


@dataclasses.dataclass(frozen=True)
class Slot:
    """A named value: of each row `name[lane]` or `name[at][lane]`, of all rows `name` or `name[at]`, row-major.

    One that is kept for all particles of a row has as many numbers for each of them; `particle`: whose are meant."""

    name: str
    type: RowType
    kind: str = "float"
    particle: Place | None = None

    @property
    def size(self) -> int:
        return math.prod(self.type.shape)

    def element(self, at: tuple[Place, ...]) -> C:
        """The number at a place, of the lane `lane`."""
        shape = self.type.shape
        terms = [*self._before(), *zip(at, strides(shape), strict=False)]
        text = self.name + (f"[{offset(terms).text}]" if shape or self._before() else "")
        return C(text + ("[lane]" if self.type.rows else ""), self.kind)

    def _before(self) -> list[tuple[Place, int]]:
        """Where the numbers of the particle begin."""
        return [] if self.particle is None else [(self.particle, self.size)]

    def declaration(self) -> str:
        count = self.size * (1 if self.particle is None else self.type.particles)
        sizes = (f"[{count}]" if self.type.shape or self._before() else "") + ("[LANES]" if self.type.rows else "")
        return f"{'ALIGNED ' if sizes else ''}{spelled(self.kind)} {self.name}{sizes};"

    def vector(self, start: int = 0) -> str:
        """The address of numbers of rows, from a place on."""
        if not self.type.shape and self.particle is None:
            return f"&{self.name}"
        moved = offset([*self._before(), (start, 1)]).text
        return self.name if moved == "0" else f"{self.name} + {moved}"


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Where the numbers of a uniform matrix are: `pointer[i * strides[0] + j * strides[1]]`."""

    pointer: str
    strides: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Array:
    """An array in memory, row-major: a parameter, or what is shared by all rows."""

    name: str
    shape: tuple[int, ...]

    def element(self, places: list[Place]) -> C:
        if not self.shape:
            return C(f"{self.name}[0]")
        return C(f"{self.name}[{offset(list(zip(places, strides(self.shape), strict=True))).text}]")


@dataclasses.dataclass
class Scope:
    """What names mean while one function is printed.

    `values` by the program's names, `inputs`, `arrays` (parameters and shared arrays), `outputs` and their `lengths`;
    `integers`: inputs and outputs of whole numbers; `sums`: outputs that are summed over rows; `tables`: orders of
    permutations; `pooled`: sums over a row's particles, by the name of what is summed."""

    names: Names
    values: dict[str, Slot] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Slot] = dataclasses.field(default_factory=dict)
    arrays: dict[str, Array] = dataclasses.field(default_factory=dict)
    outputs: dict[str, str] = dataclasses.field(default_factory=dict)
    lengths: dict[str, int] = dataclasses.field(default_factory=dict)
    integers: set[str] = dataclasses.field(default_factory=set)
    sums: set[str] = dataclasses.field(default_factory=set)
    tables: dict[tuple[int, ...], str] = dataclasses.field(default_factory=dict)
    pooled: dict[str, Slot] = dataclasses.field(default_factory=dict)

    def bind(self, name: str, kind: RowType, spelled: str = "float") -> Slot:
        """A slot under a fresh C name for the program's `name`."""
        self.values[name] = self.temporary(name, kind, spelled)
        return self.values[name]

    def temporary(self, wish: str, kind: RowType, spelled: str = "float") -> Slot:
        return Slot(self.names.fresh(wish), kind, spelled)

    def table(self, order: tuple[int, ...]) -> str:
        if order not in self.tables:
            self.tables[order] = self.names.fresh("order")
        return self.tables[order]


def strides(shape: tuple[int, ...]) -> list[int]:
    """How far apart neighbours along each axis are, row-major."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def written(place: Place) -> str:
    return str(place) if isinstance(place, int) else place.text


def shifted(place: Place, by: Place) -> Place:
    """The sum of two places."""
    if isinstance(place, int) and isinstance(by, int):
        return place + by
    return offset([(place, 1), (by, 1)])


def mirrored(place: Place, last: int) -> Place:
    """`last - place`"""
    return last - place if isinstance(place, int) else C(f"{last} - {wrapped(place, Level.PRODUCT)}", "int", Level.SUM)


def literal(place: Place) -> int | None:
    if isinstance(place, int):
        return place
    return int(place.text) if place.text.isdigit() else None


def as_place(code: C) -> Place:
    found = literal(code)
    return converted(code, "int") if found is None else found
