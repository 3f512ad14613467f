"""Gradients of parameters from what a backward row program gives: sums and products over rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gencompiler.runtime.programs import RowFunction


@dataclasses.dataclass(frozen=True)
class Part:
    """One summand of the gradient of the parameter `path`.

    `index`: for each axis of the parameter a constant place, "loop" for the iterations of a loop, the places of its
    iterations, or None for the whole axis.  `outputs` name one result of the backward program, added up over rows
    unless it is `summed`, or two whose products are to be: axes 0 and 1 of a matrix.  `count`: the iterations whose
    values lie one after the other in each result, 0 outside of loops.  `particles`: how many have a row of the matrix
    each, 1 where they share what they have."""

    path: str
    index: tuple[int | str | tuple[int, ...] | None, ...]
    outputs: tuple[str, ...]
    count: int = 0
    summed: bool = False
    particles: int = 1


def assembled(
    parts: Sequence[Part], results: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]
) -> dict[str, Tensor]:
    """The gradient of each parameter in `shapes`, in the dtype of the results; zero where nothing contributes."""
    some = next(iter(results.values()))
    gradients = {path: some.new_zeros(shape) for path, shape in shapes.items()}
    for part in parts:
        if part.path in gradients:
            _add(gradients[part.path], part, [results[name] for name in part.outputs])
    return gradients


def _add(gradient: Tensor, part: Part, values: list[Tensor]) -> None:
    """Add one part in place."""
    scattered = any(isinstance(each, tuple) for each in part.index)
    looped = scattered or "loop" in part.index
    if len(values) == 2:
        total = _products(values, part.count, looped)
    else:
        free = [size for size, place in zip(gradient.shape, part.index, strict=True) if place is None]
        total = _sums(values[0], part, free, looped)
    if scattered:
        _scatter(gradient, part, total)
        return
    place = part.index.index("loop") if looped else 0
    kept = sum(not isinstance(each, int) for each in part.index[:place])
    if looped and kept:
        total = total.movedim(0, kept)
    items = [
        each if isinstance(each, int) else slice(0, part.count) if each == "loop" else slice(None)
        for each in part.index
    ]
    gradient[tuple(items)] += total


def _scatter(gradient: Tensor, part: Part, total: Tensor) -> None:
    """Add what each iteration has to places of its own, which iterations may share."""
    flat = torch.zeros((part.count,), dtype=torch.int64)
    for place, step in zip(part.index, gradient.stride(), strict=True):
        if place is not None:
            own = torch.arange(part.count) if place == "loop" else torch.as_tensor(place)
            flat = flat + step * own
    for place, size, step in zip(part.index, gradient.shape, gradient.stride(), strict=True):
        if place is None:
            flat = flat[..., None] + step * torch.arange(size)
    gradient.view(-1).index_add_(0, flat.flatten().to(gradient.device), total.reshape(-1))


def _products(values: list[Tensor], count: int, looped: bool) -> Tensor:
    """Outer products, added up over rows (and over iterations, where all of them read the same matrix)."""
    first, second = values
    if count:
        first, second = (each.view(len(each), count, -1) for each in values)
    if looped:
        return torch.einsum("rkn,rkm->knm", first, second)
    return first.flatten(0, -2).T @ second.flatten(0, -2)


def _sums(value: Tensor, part: Part, free: Sequence[int], looped: bool) -> Tensor:
    """One value for each row and iteration, of the axes `free`, added up."""
    value = value if part.particles == 1 else value.view(-1, part.particles, *value.shape[1:])
    total = value if part.summed else value.sum(0)
    each = total.view([*([part.count] if part.count else []), *free])
    return each if looped or not part.count else each.sum(0)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Matrices that are computed from parameters: `function` of the parameters gives them, those of `names` in this
    order, with the shapes `shapes`; of each whose count in `counts` is not 0 the so many iterations of a loop, one
    after the other."""

    function: RowFunction
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]

    def passed_on(self, values: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The gradients of parameters from those `found` for the matrices."""
        paths = self.function.parameters
        with torch.enable_grad():
            leaves = [values[path].detach().requires_grad_() for path in paths]
            keywords = {"rows": torch.arange(0, device=leaves[0].device)} if "rows" in self.function.keywords else {}
            made = self.function.function(*leaves, **keywords)
        outputs = made if isinstance(made, tuple) else (made,)
        own: list[Tensor] = []
        for name, count in zip(self.names, self.counts, strict=True):
            own += found[name].unbind(0) if count else [found[name]]
        gradients = torch.autograd.grad(outputs, leaves, own, allow_unused=True)
        return {path: each for path, each in zip(paths, gradients, strict=True) if each is not None}


@dataclasses.dataclass(frozen=True)
class Keys:
    """What random draws are keyed by: the numbers of the rows, the seed and the step."""

    rows: Tensor
    seed: int
    step: int


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to differentiate a row program, by two kernels or C functions.

    `saving` gives the program's value and then states, whose shapes per row are in `shapes`; `backward` takes the
    inputs, these states and the cotangent of the value, and gives `results`, of `width` numbers for each row.  One of
    them may be `drift`: how far recomputed states are from saved ones.

    `valued`: the first of the results is the program's value, and no state is saved.  The gradient is proportional to
    the cotangent, which is the same for all rows where a mean over rows is differentiated: so it is taken with the
    value, for a cotangent of 1."""

    saving: RowFunction
    backward: RowFunction
    shapes: tuple[tuple[int, ...], ...]
    results: tuple[str, ...]
    parts: tuple[Part, ...]
    width: int
    prepared: Prepared | None = None
    valued: bool = False

    def gradients(self, results: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The gradient of each parameter in `values`, from what `backward` gave."""
        shapes = {path: value.shape for path, value in values.items()}
        if self.prepared is None:
            return assembled(self.parts, results, shapes)
        own = {name: torch.Size(shape) for name, shape in zip(self.prepared.names, self.prepared.shapes, strict=True)}
        found = assembled(self.parts, results, {**shapes, **own})
        for path, gradient in self.prepared.passed_on(values, found).items():
            found[path] += gradient
        return found


@dataclasses.dataclass(frozen=True)
class Gradient:
    """How a row program with one scalar output is differentiated: `inputs` and `parameters` in the order of its
    arguments, and the ways, the one that saves least first; the last one recomputes nothing."""

    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    ways: tuple[Way, ...]

    def functions(self) -> Iterator[Any]:
        """The functions of all ways."""
        for way in self.ways:
            yield from (way.saving.function, way.backward.function)

    def fits(self, device: torch.device) -> bool:
        """Whether all kernels have tiles on this device."""
        return all(launcher.sizes.fit(device) for launcher in self.functions())


#: Beyond this drift what was recomputed is not used (measured: gradients are then within 1e-5 of float64's).
MOST_DRIFT = 1e-5
#: Numbers that the results of one launch of a backward kernel may take: 64 MiB.
MOST_RESULTS = 1 << 24


def forward(gradient: Gradient, inputs: Sequence[Tensor], parameters: Sequence[Tensor], keys: Keys) -> list[Tensor]:
    """The value of each row, and the states that `backward` starts from."""
    return _called(gradient.ways[0].saving, inputs, dict(zip(gradient.parameters, parameters, strict=True)), keys)


def forward_at_once(
    gradient: Gradient, inputs: Sequence[Tensor], parameters: Sequence[Tensor], keys: Keys
) -> list[Tensor]:
    """The same, with what the gradient is made of in the place of states where the way is `valued`."""
    way = gradient.ways[0]
    if not (way.valued and parameters) or len(keys.rows) * way.width > MOST_RESULTS:
        return forward(gradient, inputs, parameters, keys)
    ones = torch.ones(len(keys.rows), dtype=parameters[0].dtype, device=keys.rows.device)
    values = dict(zip(gradient.parameters, parameters, strict=True))
    return _called(way.backward, [*inputs, ones], values, keys)


def backward(
    gradient: Gradient,
    inputs: Sequence[Tensor],
    parameters: Sequence[Tensor],
    states: Sequence[Tensor],
    cotangent: Tensor,
    keys: Keys,
) -> list[Tensor]:
    """The gradients of the inputs and then of the parameters; zero for discrete inputs.  `states`: what came with the
    value, of `forward` or `forward_at_once`.

    Rows are taken in pieces, so that what they give before it is added up stays below MOST_RESULTS numbers."""
    values = dict(zip(gradient.parameters, parameters, strict=True))
    way = gradient.ways[0]
    if way.valued and states and len(cotangent) and bool((cotangent == cotangent[0]).all()):
        results = dict(zip(way.results[1:], states, strict=True))
        found = way.gradients(results, values)
        given = zip(gradient.inputs, inputs, strict=True)
        own = [results.get(f"{name}_gradient", torch.zeros_like(each)) for name, each in given]
        return [each * cotangent[0] for each in (*own, *(found[path] for path in gradient.parameters))]
    states = [] if way.valued else states  # the pass is run again
    totals = [torch.zeros_like(each) for each in parameters]
    own = [torch.zeros_like(each) for each in inputs]
    length = max(64, MOST_RESULTS // max(1, way.width) // 64 * 64)
    for start in range(0, len(cotangent), length):
        piece = slice(start, start + length)
        cut = [each[piece] for each in inputs]
        keyed = dataclasses.replace(keys, rows=keys.rows[piece])
        way, results = _results(gradient, cut, values, [each[piece] for each in states], cotangent[piece], keyed)
        found = way.gradients(results, values)
        for total, path in zip(totals, gradient.parameters, strict=True):
            total.add_(found[path])
        for name, target in zip(gradient.inputs, own, strict=True):
            if f"{name}_gradient" in results:
                target[piece] = results[f"{name}_gradient"]
    return [*own, *totals]


def _results(
    gradient: Gradient,
    inputs: Sequence[Tensor],
    values: Mapping[str, Tensor],
    states: Sequence[Tensor],
    cotangent: Tensor,
    keys: Keys,
) -> tuple[Way, dict[str, Tensor]]:
    """What the first way gives whose recomputed states are those that were saved."""
    for way in gradient.ways:
        if way is not gradient.ways[0]:
            _, *states = _called(way.saving, inputs, values, keys)
        found = _called(way.backward, [*inputs, *states, cotangent], values, keys)
        results = dict(zip(way.results, found, strict=True))
        if way.valued:
            results.pop(way.results[0])
        drift = results.pop("drift", None)
        if drift is None or bool((drift <= MOST_DRIFT).all()):  # not a number is more than any drift
            return way, results
    raise AssertionError("the last way recomputes nothing")


def _called(function: RowFunction, inputs: Sequence[Tensor], values: Mapping[str, Tensor], keys: Keys) -> list[Tensor]:
    known = {"rows": keys.rows, "seed": keys.seed, "step": keys.step}
    keywords = {name: known[name] for name in function.keywords}
    found = function.function(*inputs, *(values[path] for path in function.parameters), **keywords)
    return list(found) if isinstance(found, tuple) else [found]
