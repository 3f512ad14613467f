"""What pictures are made of: a model, held-out rows where there are any, and draws for the same conditions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gencompiler.report.data import Array, ChainRecord, Comparison, Event

if TYPE_CHECKING:
    from torch import Tensor

    from gencompiler.runtime.fields import Field
    from gencompiler.runtime.modules import Model

#: Rows drawn for the pictures, and rows of data beside them.
SAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Subject:
    """`rows` are held-out rows by field name, called `rows_name`; `chains` what measuring a chain model left;
    `comparison` the samples of the report, once they are drawn."""

    model: Model
    rows: Mapping[str, Tensor] | None = None
    rows_name: str = ""
    seed: int = 0
    chains: ChainRecord | None = None
    comparison: Comparison | None = None

    @property
    def field(self) -> Field:
        """The first observed variable: the one that is shown."""
        return self.model.observed[0]

    @property
    def event(self) -> Event:
        return event_of(self.field)

    def has(self, *programs: str) -> bool:
        return set(programs) <= set(self.model.programs)

    def data(self) -> Array | None:
        """Held-out rows of the variable that is shown."""
        return None if self.rows is None else self.rows[self.field.name][:SAMPLES].cpu().numpy()

    def observed(self, count: int) -> list[Tensor]:
        """The first `count` held-out rows of each observed variable."""
        assert self.rows is not None
        return [self.rows[field.name][:count].to(self.model.device) for field in self.model.observed]

    def context(self, count: int) -> dict[str, Any] | None:
        """`{"context": …}` for `count` rows: the conditions of held-out rows, else every value of a finite condition in
        turn; {} for a model without conditions, None where there are conditions and no rows to take them from."""
        given = self.model.given
        if not given:
            return {}
        if self.rows is not None:
            places = torch.arange(count) % len(self.rows[given[0].name])
            return {"context": {field.name: self.rows[field.name][places].to(self.model.device) for field in given}}
        if any(classes(field) is None for field in given):
            return None
        return {"context": {field.name: torch.arange(count) % (classes(field) or 1) for field in given}}

    def sample(self, count: int, context: dict[str, Any]) -> Array:
        """Draws of the variable that is shown, `[count, *shape]`."""
        drawn = self.model.sample(count, seed=self.seed, **context)  # type: ignore[operator]
        return (drawn[0] if isinstance(drawn, tuple) else drawn).detach().cpu().numpy()  # type: ignore[no-any-return]


def event_of(field: Field) -> Event:
    """A field as what a picture needs to know of it."""
    lower, upper, *_ = field.support.ends
    return Event(field.name, field.shape, str(field.support), field.support.discrete, lower, upper)


def classes(field: Field) -> int | None:
    """How many values a finite scalar has, counted from 0; None for others."""
    lower, upper, *_ = field.support.ends
    if field.shape or not field.support.discrete or lower != 0 or not np.isfinite(upper):
        return None
    return int(upper) + 1
