"""A model as a density of one vector, which the properties are written for.

Given variables get values, a row of them for each row number; observed variables of one support, or of finite ones, are
laid side by side.  A model of one observed variable and nothing given is its own view.  Where a row has a length, what
lies beyond must be 0: a model does not look there, and its view gives other rows no density.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Context, Model, Values
from gencompiler.runtime.sampling import Chain, Trajectory
from gencompiler.testing.side_by_side import SideBySide
from gencompiler.testing.strategies import Perturbation, make_rows

if TYPE_CHECKING:
    from gencompiler.testing.subject import Subject

#: Values of each given variable, in turn for row 0, 1, …; a number that no tile is a multiple of.
PERIOD = 61


def joined(fields: Sequence[Field]) -> Field | None:
    """The observed variables among `fields` as one; None where there is none, or where they are not one vector: where
    their supports differ and are not finite, or are said of a whole row."""
    observed = [field for field in fields if not field.given]
    if len(observed) == 1:
        return observed[0]
    first = observed[0] if observed else None
    if first is None or any(field.support.name in ("Simplex", "Permutation") for field in observed):
        return None
    name, size = "_".join(field.name for field in observed), sum(field.size for field in observed)
    if all(field.support == first.support for field in observed):
        return Field(name, (size,), first.support, first.storage, first.compute)
    if all(field.support.discrete and _bounded(field.support) for field in observed):
        return Field(name, (size,), SideBySide(tuple((field.support, field.size) for field in observed)))
    return None


def _bounded(support: Support) -> bool:
    lower, upper, _, _ = support.ends
    return math.isfinite(upper - lower)


def has_view(model: Model) -> bool:
    """Whether the observed variables of the model are one vector."""
    return joined(model.fields) is not None


def view(model: Model, seed: int = 0, *, alike: bool = False) -> Subject:
    """`model` as a density of one vector, under conditions drawn by `seed`; the same one for all rows where `alike`."""
    plain = len(model.fields) == 1 and not model.fields[0].given
    return cast("Subject", model if plain else View(model, seed, alike=alike))


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where a model is looked at: how far its parameters are from the initial ones, and what it is given."""

    perturbation: Perturbation
    conditions: int = 0

    def of(self, make: Callable[[], Model], *, alike: bool = False) -> Subject:
        """The view of what `make` constructs; under one condition for all rows where `alike`."""
        return view(self.perturbation.apply(make()), self.conditions, alike=alike)


class View(nn.Module):
    """The methods of `model`, without its contexts, and with one tensor `[rows, *shape]` for all observed variables."""

    def __init__(self, model: Model, seed: int, *, alike: bool) -> None:
        super().__init__()
        together = joined(model.fields)
        if together is None:
            raise ValueError(f"the observed variables of {type(model).__name__} are not one vector")
        self.model = model
        self.fields = (together,)
        self.conditions = {
            field.name: make_rows(field, 1 if alike else PERIOD, "interior", seed + place, torch.float64)
            for place, field in enumerate(model.given)
        }

    def __getattr__(self, name: str) -> Any:
        """What is no different under conditions: programs, phases, capabilities, …"""
        modules = self.__dict__.get("_modules", {})
        if "model" not in modules:  # while it is made or copied
            raise AttributeError(name)
        return modules["model"] if name == "model" else getattr(modules["model"], name)

    # -- conditions and rows -----------------------------------------------------------------------------------------

    def context(self, rows: Tensor | int) -> Context:
        """The conditions of these rows, by their numbers."""
        numbers = torch.arange(rows) if isinstance(rows, int) else rows
        return {name: table[numbers % len(table)] for name, table in self.conditions.items()} or None

    def _keywords(self, rows: Tensor | int) -> dict[str, Context]:
        context = self.context(rows)
        return {} if context is None else {"context": context}

    def parts(self, x: Tensor) -> list[Tensor]:
        """The observed variables of rows `[n, *shape]`."""
        if len(self.model.observed) == 1:
            return [x]
        pieces = torch.split(x, [field.size for field in self.model.observed], 1)
        return [p.reshape(len(x), *f.shape) for p, f in zip(pieces, self.model.observed, strict=True)]

    def _together(self, values: Values, axes: int = 1) -> Tensor:
        """Several observed variables `[…, *shape]` as one, after the first `axes` axes."""
        if isinstance(values, Tensor):
            return values
        return torch.cat([value.flatten(axes) if value.dim() > axes else value[..., None] for value in values], axes)

    def _rows(self, name: str, x: Tensor, row: Tensor | None, keys: Mapping[str, Any]) -> Any:
        return self._called(name, self.parts(x), row, keys)

    def _called(self, name: str, inputs: Sequence[Tensor], row: Tensor | None, keys: Mapping[str, Any]) -> Any:
        """The method `name` of these rows, with the keys of its draws where it makes any."""
        numbers = torch.arange(len(inputs[0])) if row is None else row
        drawing = {**keys, "row": numbers} if "seed" in self.model.programs[name].keywords else {}
        return getattr(self.model, name)(*inputs, **self._keywords(numbers), **drawing)

    def _where_padded(self, log_density: Tensor, x: Tensor, row: Tensor | None) -> Tensor:
        """`log_density` of rows that are 0 beyond their lengths, and -inf of others."""
        known = dict(zip((field.name for field in self.model.observed), self.parts(x), strict=True))
        known |= self.context(torch.arange(len(x)) if row is None else row) or {}
        found = log_density
        for field in (f for f in self.model.observed if f.length):
            places = torch.arange(field.shape[0], device=x.device)
            beyond = places >= known[field.length].reshape(-1, 1)
            elements = known[field.name].reshape(len(x), field.shape[0], field.size // field.shape[0])
            filled = (elements != 0).any(2)
            found = torch.where((beyond & filled).any(1), -math.inf, found)
        return found

    # -- the methods of a model --------------------------------------------------------------------------------------

    def log_prob(self, x: Tensor, *, row: Tensor | None = None, **keys: Any) -> Tensor:
        return self._where_padded(self._rows("log_prob", x, row, keys), x, row)

    def log_weight(self, x: Tensor, *, row: Tensor | None = None, **keys: Any) -> Tensor:
        return self._where_padded(self._rows("log_weight", x, row, keys), x, row)

    def probability_flow(self, x: Tensor, *, row: Tensor | None = None, **keys: Any) -> Tensor:
        return cast(Tensor, self._rows("probability_flow", x, row, keys))

    def energy(self, x: Tensor) -> Tensor:
        return cast(Tensor, self._rows("energy", x, None, {}))

    def encode(self, x: Tensor, *, row: Tensor | None = None, **keys: Any) -> Values:
        return cast(Values, self._rows("encode", x, row, keys))

    def decode(self, *latents: Tensor, row: Tensor | None = None, **keys: Any) -> Tensor:
        return self._together(self._called("decode", latents, row, keys))

    def decode_mean(self, *latents: Tensor, row: Tensor | None = None) -> Tensor:
        return self._together(self._called("decode_mean", latents, row, {}))

    def sample(self, count: int, **keys: Any) -> Tensor:
        return self._together(self.model.sample(count, **self._keywords(count), **keys))  # type: ignore[operator]

    def rsample_and_log_prob(self, count: int, **keys: Any) -> tuple[Tensor, Tensor]:
        rows, log_prob = self.model.rsample_and_log_prob(count, **self._keywords(count), **keys)  # type: ignore[operator]
        return self._together(rows), log_prob

    def chain(self, count: int, draws: int = 1, *, start: list[Tensor] | None = None, **options: Any) -> Chain:
        first = None if start is None else self.parts(start[0])
        found = self.model.chain(count, draws, start=first, **self._keywords(count), **options)  # type: ignore[operator]
        return Chain(self._together(found.draws, 2), found.acceptance)

    def trajectory(self, count: int, points: int, **keys: Any) -> Trajectory:
        found: Trajectory = self.model.trajectory(count, points, **self._keywords(count), **keys)  # type: ignore[operator]
        return found

    def loss(self, x: Tensor, **keys: Any) -> Tensor:
        own = zip(self.model.observed, self.parts(x), strict=True)
        batch = {field.name: part for field, part in own} | dict(self.context(len(x)) or {})
        return self.model.loss(batch, **keys)

    # -- methods whose arguments include the given variables, by name ------------------------------------------------

    def forward(self, z: Tensor) -> Any:
        return self._filled(self.model.forward, z)

    def inverse(self, x: Tensor) -> Any:
        return self._filled(self.model.inverse, x)  # type: ignore[arg-type]

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        found: Tensor = self._filled(self.model.log_ratio, x, y)  # type: ignore[arg-type]
        return found

    def log_proposal(self, x: Tensor, y: Tensor) -> Tensor:
        found: Tensor = self._filled(self.model.log_proposal, x, y)  # type: ignore[arg-type]
        return found

    def reverse(self, x: Tensor, **keys: Any) -> Tensor:
        found: Tensor = self._filled(self.model.reverse, x, **keys)  # type: ignore[arg-type]
        return found

    def _filled(self, method: Callable[..., Any], *own: Tensor, **keys: Any) -> Any:
        """`method` of `own` tensors, in order, and of the given variables at the places of their names."""
        conditions, mine = dict(self.context(len(own[0])) or {}), iter(own)
        wanted = [p.name for p in inspect.signature(method).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        return method(*(conditions[name] if name in conditions else next(mine) for name in wanted), **keys)
