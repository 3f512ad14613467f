"""What a model is made of, as plain data that rules can reason about: equations, places of variables, stages."""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Shape, Term
from gencompiler.proof.stages import StageData


@dataclasses.dataclass(frozen=True)
class Axis:
    """One subscript: "whole" (`:`), "index" (`i + shift`), "before" (`<i + shift`), "after" (`>=i + shift`; without
    an index, from the constant `shift` on), "place" (the constant `shift`),
    "scan" (`<(i, j)`, its indices joined by commas, with `shift` 1 for `<=(i, j)`) on the first of its axes and
    "scanned" on the others, or "other": a subscript that is none of these, of which nothing is known.

    `order`: the permutation along which an "index" or a "before" goes, `o[i]` and `o[<i]`; "": along the axis."""

    kind: str
    index: str = ""
    shift: int = 0
    order: str = ""


WHOLE = Axis("whole")


@dataclasses.dataclass(frozen=True)
class Place:
    """Part of a variable; missing axes are whole."""

    variable: str
    axes: tuple[Axis, ...] = ()


def first_axis(place: Place) -> Axis:
    """The subscript that says which slice along the first axis."""
    return place.axes[0] if place.axes else WHOLE


@dataclasses.dataclass(frozen=True)
class Range:
    """`index` runs over start..stop."""

    index: str
    start: int
    stop: int


@dataclasses.dataclass(frozen=True)
class Production:
    """One equation: for every value of `indices` it produces `produces`; its head lists `listed`, its body uses
    `mentioned`.

    `law` is what must be known of it for its density to exist: that a distribution is admissible, that a pipeline
    chains; None for an energy.  `inverted`: a pipeline that is written from what it produces to what it lists;
    `sources`: how many of the first in `listed` are joined along their first axes to what it starts from."""

    label: str
    indices: tuple[Range, ...]
    produces: tuple[Place, ...]
    listed: tuple[Place, ...]
    mentioned: tuple[Place, ...]
    law: Fact | None
    inverted: bool = False
    sources: int = 1

    @property
    def starts(self) -> tuple[str, ...]:
        """The variables that a pipeline starts from."""
        return tuple(place.variable for place in self.listed[: self.sources])

    @property
    def conditions(self) -> tuple[str, ...]:
        """Those that the maps of a pipeline read besides."""
        return tuple(place.variable for place in self.listed[self.sources :])


@dataclasses.dataclass(frozen=True)
class Turns:
    """Equations, by number, that are evaluated slice by slice along the first axis of what they produce, from the first
    slice on (`rising`) or from the last one down; within a slice in the order of `members`."""

    members: tuple[int, ...]
    rising: bool


@dataclasses.dataclass(frozen=True)
class Factorizes(Fact):
    """The productions of a joint are a directed factorization: no cycle, each element of `variables` produced once.

    `conditions` are variables that it uses and does not produce."""

    joint: str
    variables: tuple[tuple[str, Shape], ...]
    productions: tuple[Production, ...]
    conditions: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class NotFactorized(Fact):
    """The productions of a joint are no factorization."""

    joint: str
    variables: tuple[tuple[str, Shape], ...]
    productions: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class Admissible(Fact):
    """A distribution of the catalogue whose parameters are admissible, on events over `event` of this shape."""

    family: str
    form: str
    arguments: tuple[Term, ...]
    event: Support
    shape: Shape


def is_atom(family: str) -> bool:
    """Whether a distribution of the catalogue is all at one value."""
    return family in DISTRIBUTIONS and DISTRIBUTIONS[family].atom


def has_density(law: Fact | None) -> bool:
    """Whether a law is a distribution with a density: not one that is all at one real number."""
    if isinstance(law, PushesForward):
        return has_density(law.base)
    if not isinstance(law, Admissible):
        return False
    return not is_atom(law.family) or SUPPORTS[law.event.name].discrete


@dataclasses.dataclass(frozen=True)
class Described(Admissible):
    """A user's density whose conditions are in their declared supports: nowhere negative, and of mass 1.

    Where `place` is stated, all this is of a standard variable, and the events are what `place` makes of it; `width`:
    how far apart the ends of their support are, where it has two."""

    variable: Term
    conditions: tuple[Term, ...]
    body: Term
    place: Term | None = None
    width: Term | None = None


@dataclasses.dataclass(frozen=True)
class Mixed(Admissible):
    """A mixture: `component` for every value of `index`, on the same events; `arguments` are its weights."""

    index: Term
    component: Admissible


@dataclasses.dataclass(frozen=True)
class NotAdmissible(Fact):
    """The events of a distribution are not the values of its variable."""

    family: str
    form: str
    arguments: tuple[Term, ...]
    event: Support
    shape: Shape


@dataclasses.dataclass(frozen=True)
class Chains(Fact):
    """A pipeline takes tensors over `source` onto tensors over `target`: each range is the next domain, all shapes fit.

    `maps` are the bodies of its maps with the input of each; `end`: the shape that it gives, where that is another than
    it takes.  Without a QuantizeStage it is a bijection."""

    source: Support
    target: Support
    shape: Shape
    maps: tuple[tuple[Term, Term, Support], ...]
    stages: tuple[StageData, ...]
    end: Shape | None = None


@dataclasses.dataclass(frozen=True)
class PushesForward(Fact):
    """A distribution, and a bijection from where its events lie: together, the distribution of what the bijection makes
    of an event."""

    base: Admissible
    chain: Chains


#: What makes a density of an equation with a distribution of its own.
Law = Admissible | PushesForward


@dataclasses.dataclass(frozen=True)
class Transforms(Fact):
    """Every place of the first axis is transformed by the couplings of a pipeline, if it has any couplings."""

    shape: Shape
    maps: tuple[tuple[Term, Term, Support], ...]
    stages: tuple[StageData, ...]


@dataclasses.dataclass(frozen=True)
class NotChains(Fact):
    """The declared range of some stage is not the next domain, or the last one not the target."""

    source: Support
    target: Support
    shape: Shape
    maps: tuple[tuple[Term, Term, Support], ...]
    stages: tuple[StageData, ...]
    end: Shape | None = None


@dataclasses.dataclass(frozen=True)
class Keeps(Fact):
    """Some place passes every coupling of a pipeline unchanged."""

    shape: Shape
    maps: tuple[tuple[Term, Term, Support], ...]
    stages: tuple[StageData, ...]


@dataclasses.dataclass(frozen=True)
class HasDensity(Fact):
    """log of the joint's density of the observed variables: "exact", or the "bound" that dequantization gives."""

    joint: str
    observed: tuple[str, ...]
    given: tuple[str, ...]
    productions: tuple[Production, ...]
    kind: str


@dataclasses.dataclass(frozen=True)
class Unnormalized(Fact):
    """The joint is known up to a constant only."""

    joint: str
    productions: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class Integrable(Fact):
    """The total mass of exp(log_density) over the supports of `variables` is finite and positive."""

    joint: str
    variables: tuple[Term, ...]
    log_density: Term


@dataclasses.dataclass(frozen=True)
class NotIntegrable(Fact):
    """For some admissible values of the other symbols, the total mass of exp(log_density) is not finite."""

    joint: str
    variables: tuple[Term, ...]
    log_density: Term


def describe(place: Place) -> str:
    """`x`, `x[i]`, `x[:, <i]`"""
    if not place.axes:
        return place.variable
    return f"{place.variable}[{', '.join(_axis(a) for a in place.axes if a.kind != 'scanned')}]"


def _axis(axis: Axis) -> str:
    if axis.kind == "whole":
        return ":"
    if axis.kind in ("place", "other"):
        return str(axis.shift) if axis.kind == "place" else "…"
    if axis.kind == "scan":
        return f"<{'=' if axis.shift else ''}({', '.join(axis.index.split(','))})"
    if axis.order:
        return f"{axis.order}[{_axis(dataclasses.replace(axis, order=''))}]"
    shift = axis.shift
    if axis.kind == "before" and shift == 1:
        return f"<={axis.index}"
    moved = f"{axis.index} {'+' if shift > 0 else '-'} {abs(shift)}" if shift else axis.index
    if axis.kind == "after":
        return f">{axis.index}" if axis.index and shift == 1 else f">={moved or shift}"
    return f"<{moved}" if axis.kind == "before" else moved


def box(place: Place, shape: Shape, indices: tuple[Range, ...]) -> tuple[tuple[int, int], ...] | None:
    """The elements that a produced place covers as its indices run, one range for each axis; None for other shapes.

    Distinct indices on distinct axes make it a box, each element once."""
    ranges = {r.index: r for r in indices}
    used: list[str] = []
    found: list[tuple[int, int]] = []
    for number, extent in enumerate(shape):
        axis = place.axes[number] if number < len(place.axes) else WHOLE
        if axis.kind == "whole":
            found.append((0, extent))
        elif axis.kind == "place":
            found.append((axis.shift, axis.shift + 1))
        elif axis.kind == "index" and axis.index in ranges and axis.index not in used:
            used.append(axis.index)
            own = ranges[axis.index]
            found.append((own.start + axis.shift, own.stop + axis.shift))
            if axis.order and found[-1] != (0, extent):
                return None  # some of the places of an order, and which is not known
        else:
            return None
        if not 0 <= found[-1][0] <= found[-1][1] <= extent:
            return None
    return tuple(found)


def volume(boxes: tuple[tuple[int, int], ...]) -> int:
    """The number of elements of a box."""
    size = 1
    for start, stop in boxes:
        size *= stop - start
    return size


def overlap(a: tuple[tuple[int, int], ...], b: tuple[tuple[int, int], ...]) -> bool:
    """Whether two boxes share an element."""
    return all(max(p[0], q[0]) < min(p[1], q[1]) for p, q in zip(a, b, strict=True))


def needs(used: Place, by: Production, other: Production, shape: Shape) -> bool:
    """Whether `other` may produce an element of the place `used`, which a head of `by` lists.

    Elements that are known by their subscripts are looked up one box against another; of a view, all may be needed."""
    wanted = box(used, shape, by.indices)
    for place in other.produces:
        if place.variable == used.variable:
            made = box(place, shape, other.indices)
            if wanted is None or made is None or overlap(wanted, made):
                return True
    return False


def strictly_before(target: Place, place: Place, indices: tuple[Range, ...]) -> bool:
    """Whether `place` holds only elements earlier in scan order than the one that `target` is, for all indices.

    Places along one order are compared by where they come in it: a permutation has each place once.  Axes are compared
    from the first: equal ones pass on, a strictly earlier one decides.  An axis that is whole in both
    passes on as well: the target is produced at all its places at once, and the later axes say when.  Places before
    (i, j) in row-major order are earlier than the element (i, j)."""
    ranges = {r.index: r for r in indices}
    for number, own in enumerate(target.axes):
        other = place.axes[number] if number < len(place.axes) else WHOLE
        if own == other == WHOLE:
            continue
        if other.kind == "scan":
            names = other.index.split(",")
            rest = target.axes[number : number + len(names)]
            return not other.shift and tuple(rest) == tuple(Axis("index", name) for name in names)
        if own == other and own.kind in ("index", "place"):
            continue
        if own.kind == "index" and (own.order or other.order):
            same = own.order == other.order and own.index == other.index
            return same and (other.kind == "before" and other.shift <= own.shift)
        if own.kind == "index":
            if other.index == own.index and other.kind == "before":
                return other.shift <= own.shift
            if other.index == own.index and other.kind == "index":
                return other.shift < own.shift
            return other.kind == "place" and other.shift < ranges[own.index].start + own.shift
        return own.kind == "place" and other.kind == "place" and other.shift < own.shift
    return False


def covers(listed: Place, used: Place) -> bool:
    """Whether everything in `used` is in `listed`, axis by axis, for all values of the indices."""
    if listed.variable != used.variable:
        return False
    for number, own in enumerate(listed.axes):
        other = used.axes[number] if number < len(used.axes) else WHOLE
        if own.kind == "whole" or (own == other and own.kind != "other"):
            continue
        if own.kind == "scan":
            return _scan_covers(own, listed.axes[number:], used.axes[number:])
        same = other.index == own.index and other.order == own.order
        if own.kind == "before" and same and other.kind == "before" and other.shift <= own.shift:
            continue
        if own.kind == "before" and same and other.kind == "index" and other.shift < own.shift:
            continue
        if own.kind == "after" and not own.order and _from_on(own, other):
            continue
        return False
    return True


def _from_on(own: Axis, other: Axis) -> bool:
    """Whether a subscript picks only places from `own` on."""
    if own.index == "" and own.shift <= 0:
        return True
    if other.order or other.kind not in ("index", "after", "place"):
        return False
    if own.index == "":
        return other.index == "" and other.shift >= own.shift
    return other.index == own.index and other.kind != "place" and other.shift >= own.shift


def _scan_covers(scan: Axis, listed: tuple[Axis, ...], used: tuple[Axis, ...]) -> bool:
    """Whether the places `used` all come before (i, j) in row-major order: the same scan, or subscripts of which those
    from the first on equal the indices until one is strictly before its own."""
    names = scan.index.split(",")
    if len(listed) != len(names) or len(used) > len(names):
        return False
    if used and used[0].kind == "scan":
        return used[0].index == scan.index and used[0].shift <= scan.shift and len(used) == len(listed)
    for name, axis in zip(names, used, strict=False):
        if axis.index != name:
            return False
        if axis.kind == "index" and axis.shift == 0:
            continue
        return (axis.kind == "before" and axis.shift <= 0) or (axis.kind == "index" and axis.shift < 0)
    return bool(scan.shift) and len(used) == len(names)
