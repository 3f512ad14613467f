"""Stacks of convolutions over the places of a sequence or an image: layers as data, and which places each one sees.

A layer has some features at every place.  `Affine` reads boxes of offsets around a place, outside of the grid zeros;
`Pointwise` is a formula of other layers at the same place.  What a layer may depend on follows from the boxes alone:
the places that it reads, and what these have seen.  Nothing is masked: a box that ends before its own place is what
makes a stack causal.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping

#: The most places of a grid: what each of them sees is listed, which takes as many bits as their square.
MOST_PLACES = 2**14

#: What a stack reads: the features that its views show at a place.
VIEW = "view"


@dataclasses.dataclass(frozen=True)
class Box:
    """The layer `source` at the offsets `first + dilation * k` from a place, along each axis k = 0, …, count - 1."""

    source: str
    first: tuple[int, ...]
    counts: tuple[int, ...]
    dilation: int = 1

    @property
    def last(self) -> tuple[int, ...]:
        return tuple(f + self.dilation * (n - 1) for f, n in zip(self.first, self.counts, strict=True))

    @property
    def here(self) -> bool:
        """Whether it is the place itself and no other."""
        return not any(self.first) and all(n == 1 for n in self.counts)

    def offsets(self) -> list[tuple[int, ...]]:
        ranges = (range(f, f + self.dilation * n, self.dilation) for f, n in zip(self.first, self.counts, strict=True))
        return list(itertools.product(*ranges))


@dataclasses.dataclass(frozen=True)
class Affine:
    """`size` numbers at each place: bias + Σ weight · (what the boxes hold), and where `conditioned` + weight ·
    (the inputs that are no views, or those of them that are numbered in `given`)."""

    name: str
    size: int
    reads: tuple[Box, ...]
    conditioned: bool = False
    given: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Pointwise:
    """`formula` of the layers that its names stand for, at the same place, elementwise."""

    name: str
    size: int
    formula: str
    names: tuple[tuple[str, str], ...]
    axes: int

    @property
    def reads(self) -> tuple[Box, ...]:
        return tuple(_here(layer, self.axes) for _, layer in self.names)


@dataclasses.dataclass(frozen=True)
class Around:
    """What the boxes hold, side by side: one box after the other, its places in raster order, of each its features."""

    name: str
    reads: tuple[Box, ...]


Layer = Affine | Pointwise | Around
Settings = Mapping[str, int]


def _here(source: str, axes: int) -> Box:
    return Box(source, (0,) * axes, (1,) * axes)


def _gated(name: str, size: int, pieces: str, axes: int) -> Pointwise:
    """tanh of one half times sigmoid of the other: van den Oord et al. 2016, in both of the papers below."""
    names = (("a", f"{pieces}filter"), ("b", f"{pieces}gate"))
    return Pointwise(name, size, "tanh(a) * sigmoid(b)", names, axes)


def _readout(source: tuple[str, ...], size: int, axes: int) -> tuple[Layer, ...]:
    """relu, an affine map at each place, relu: what the outputs are affine in."""
    here = tuple(_here(layer, axes) for layer in source)
    return (
        Affine("skip", size, here),
        Pointwise("rectified", size, "relu(a)", (("a", "skip"),), axes),
        Affine("mixed", size, (_here("rectified", axes),)),
        Pointwise("last", size, "relu(a)", (("a", "mixed"),), axes),
    )


def wavenet(settings: Settings) -> tuple[Layer, ...]:
    """Dilated causal convolutions with gates, residual and skip connections (van den Oord et al., WaveNet, 2016,
    sections 2.1 to 2.4; conditions as in 2.5).

    The dilations are 1, 2, 4, … and begin again after `cycle` layers.  The first convolution reads the `kernel` places
    before a place, the others `kernel` places that end with it.  All skips are added by one affine map of the gated
    layers side by side."""
    size, kernel = settings["hidden"], settings["kernel"]
    layers: list[Layer] = [Affine("residual_0", size, (Box(VIEW, (-kernel,), (kernel,)),))]
    for number in range(settings["layers"]):
        dilation = 2 ** (number % settings["cycle"])
        read = (Box(f"residual_{number}", (-dilation * (kernel - 1),), (kernel,), dilation),)
        layers += (Affine(f"{number}.{half}", size, read, conditioned=True) for half in ("filter", "gate"))
        layers.append(_gated(f"gated_{number}", size, f"{number}.", 1))
        if number + 1 < settings["layers"]:
            layers.append(Affine(f"{number}.residual", size, (_here(f"gated_{number}", 1),)))
            sum_ = (("a", f"residual_{number}"), ("b", f"{number}.residual"))
            layers.append(Pointwise(f"residual_{number + 1}", size, "a + b", sum_, 1))
    return (*layers, *_readout(tuple(f"gated_{k}" for k in range(settings["layers"])), size, 1))


def pixelcnn(settings: Settings) -> tuple[Layer, ...]:
    """The gated PixelCNN (van den Oord et al., Conditional image generation with PixelCNN decoders, 2016, sections 2.1
    to 2.3 and figure 2): a vertical stack of all rows above, and a horizontal one of the row so far that reads it.

    Neither has a blind spot: what the vertical stack sees is a rectangle that ends with the row above, and the
    horizontal stack sees that and the places to the left."""
    size, near, far = settings["hidden"], settings["kernel"] // 2, settings["first"] // 2
    layers: list[Layer] = [
        Affine("vertical_0", size, (Box(VIEW, (-far, -far), (far, 2 * far + 1)),)),
        Affine("horizontal_0", size, (Box(VIEW, (0, -far), (1, far)),)),
    ]
    for number in range(settings["layers"]):
        above = Box(f"vertical_{number}", (-near, -near), (near + 1, 2 * near + 1))
        left = Box(f"horizontal_{number}", (0, -near), (1, near + 1))
        halves = ("filter", "gate")
        layers += (Affine(f"{number}.vertical_{half}", size, (above,), conditioned=True) for half in halves)
        reads = (left, *(_here(f"{number}.vertical_{half}", 2) for half in halves))
        layers += (Affine(f"{number}.horizontal_{half}", size, reads, conditioned=True) for half in halves)
        if number + 1 < settings["layers"]:
            layers.append(_gated(f"vertical_{number + 1}", size, f"{number}.vertical_", 2))
        layers.append(_gated(f"gated_{number}", size, f"{number}.horizontal_", 2))
        layers.append(Affine(f"{number}.residual", size, (_here(f"gated_{number}", 2),)))
        sum_ = (("a", f"horizontal_{number}"), ("b", f"{number}.residual"))
        layers.append(Pointwise(f"horizontal_{number + 1}", size, "a + b", sum_, 2))
    rectified = Pointwise("seen", size, "relu(a)", (("a", f"horizontal_{settings['layers']}"),), 2)
    return (*layers, rectified, *_readout(("seen",), size, 2))


def masked(settings: Settings) -> tuple[Layer, ...]:
    """Masked convolutions in residual blocks (van den Oord, Kalchbrenner & Kavukcuoglu, Pixel recurrent neural
    networks, 2016, sections 3.3 and 3.4): the rows above and the row so far in one kernel, cut after its middle.

    It has a blind spot: a place to the upper right is seen only through places between, and those in its own row lie
    ahead."""
    size, near, far = settings["hidden"], settings["kernel"] // 2, settings["first"] // 2

    def boxes(source: str, reach: int, own: int) -> tuple[Box, ...]:
        return Box(source, (-reach, -reach), (reach, 2 * reach + 1)), Box(source, (0, -reach), (1, reach + own))

    layers: list[Layer] = [Affine("residual_0", size, boxes(VIEW, far, 0))]
    for number in range(settings["layers"]):
        layers.append(Pointwise(f"rectified_{number}", size, "relu(a)", (("a", f"residual_{number}"),), 2))
        layers.append(Affine(f"{number}.masked", size, boxes(f"rectified_{number}", near, 1), conditioned=True))
        sum_ = (("a", f"residual_{number}"), ("b", f"{number}.masked"))
        layers.append(Pointwise(f"residual_{number + 1}", size, "a + b", sum_, 2))
    return (*layers, *_readout((f"residual_{settings['layers']}",), size, 2))


def window(settings: Settings) -> tuple[Layer, ...]:
    """The neighbourhood of a place that comes before it (Theis, Hosseini & Bethge, 2012, figure 1): of an image, the
    `radius` rows above as far as `radius` to each side, and so many places to the left; of a sequence, so many
    before."""
    reach = settings["radius"]
    if settings["axes"] == 1:
        return (Around("last", (Box(VIEW, (-reach,), (reach,)),)),)
    above = Box(VIEW, (-reach, -reach), (reach, 2 * reach + 1))
    return (Around("last", (above, Box(VIEW, (0, -reach), (1, reach)))),)


# -- what each layer sees --------------------------------------------------------------------------------------------


Grid = tuple[int, ...]


def sights(
    grid: Grid, layers: tuple[tuple[str, tuple[Box, ...]], ...], only: frozenset[str] = frozenset()
) -> dict[str, list[int]]:
    """For each layer and each place, the places of the view that it depends on through some path, bit q for place q;
    places are numbered in raster order.  `only`: the layers that are asked about, or all.

    Exact: a path that leaves the grid meets a zero there, and is none."""
    count = math.prod(grid)
    last = {box.source: number for number, (_, reads) in enumerate(layers) for box in reads}
    found = {VIEW: [1 << number for number in range(count)]}
    for number_of_layer, (name, reads) in enumerate(layers):
        seen = [0] * count
        for box in reads:
            source = found[box.source]
            for offset in box.offsets():
                inside, step = _shifted(grid, offset)
                for number in inside:
                    seen[number] |= source[number + step]
        found[name] = seen
        for other in [s for s in found if only and s not in only and last.get(s, -1) <= number_of_layer]:
            del found[other]  # nothing reads it any more
    return found


@functools.lru_cache(maxsize=4096)
def _shifted(grid: Grid, offset: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The numbers of the places at whose `offset` the grid has a place too, and what it is numbered more."""
    ranges = [range(max(0, -o), min(n, n - o)) for n, o in zip(grid, offset, strict=True)]
    return tuple(_number(grid, place) for place in itertools.product(*ranges)), _number(grid, offset)


def _number(grid: Grid, place: tuple[int, ...]) -> int:
    found = 0
    for extent, at in zip(grid, place, strict=True):
        found = found * extent + at
    return found


def field(grid: Grid, seen: list[int]) -> tuple[tuple[int, int], ...]:
    """The receptive field: along each axis the least and the greatest offset at which a place is seen."""
    ends = [(0, 0)] * len(grid)
    for place, bits in zip(itertools.product(*map(range, grid)), seen, strict=True):
        for line, start in _lines(grid):
            run = bits >> start & ((1 << grid[-1]) - 1)
            if run:
                extremes = ((*line, (run & -run).bit_length() - 1), (*line, run.bit_length() - 1))
                for other in extremes:
                    steps = (b - a for a, b in zip(place, other, strict=True))
                    ends = [(min(low, s), max(high, s)) for (low, high), s in zip(ends, steps, strict=True)]
    return tuple(ends)


def holes(grid: Grid, seen: list[int]) -> int:
    """At how many places something within the receptive field, and before the place, is not seen: a blind spot."""
    ends, found = field(grid, seen), 0
    for number, place in enumerate(itertools.product(*map(range, grid))):
        low, high = max(0, place[-1] + ends[-1][0]), min(grid[-1] - 1, place[-1] + ends[-1][1])
        run = ((1 << (high - low + 1)) - 1) << low
        around = 0
        for line, start in _lines(grid):
            if all(a + e[0] <= b <= a + e[1] for a, b, e in zip(place, line, ends, strict=False)):
                around |= run << start
        found += bool(around & ((1 << number) - 1) & ~seen[number])
    return found


@functools.lru_cache(maxsize=16)
def _lines(grid: Grid) -> tuple[tuple[tuple[int, ...], int], ...]:
    """The lines along the last axis: where along the others, and the number of the first place."""
    lines = itertools.product(*map(range, grid[:-1]))
    return tuple((line, number * grid[-1]) for number, line in enumerate(lines))
