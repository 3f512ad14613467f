"""A model as a `torch.distributions.Distribution`, for code that speaks that language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints

from gencompiler.runtime import sampling
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Context, Model


class ModelDistribution(Distribution):
    """p(x) of a model with one observed variable, or p(x | context) of one with given variables.

    `event_shape` is that of x.  `batch_shape` is () without given variables; with them it is [rows of the context], one
    conditional for each.  Samples are keyed by a seed drawn from torch's global generator, so `torch.manual_seed` fixes
    them."""

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012, torch's name and type

    def __init__(self, model: Model, context: Context = None) -> None:
        if len(model.observed) != 1:
            raise RunError("G801", f"{type(model).__name__} has {len(model.observed)} observed variables, not one")
        self._model = model
        self._field = model.observed[0]
        given = zip(model.given, model.given_values(context), strict=True)
        self._given = {field.name: model.shaped(field, value) for field, value in given}
        rows = sorted({len(value) for value in self._given.values()})
        if len(rows) > 1:
            raise RunError("G801", f"the given variables differ in their number of rows: {rows}")
        batch = Size(rows)
        #: The row of the context that each member of the batch has.
        self._places = torch.arange(batch.numel(), device=model.device).reshape(batch)
        super().__init__(batch, Size(self._field.shape), validate_args=False)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether draws can be differentiated."""
        return "rsample" in self._model.programs

    @property
    def support(self) -> Any:
        return self._field.support.constraint(len(self._field.shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> ModelDistribution:
        """The same distribution for every member of a larger batch."""
        checked: Any = self._get_checked_instance  # torch gives it no type
        new: ModelDistribution = checked(ModelDistribution, _instance)
        new._model, new._field, new._given = self._model, self._field, self._given
        places = self._places if self._given else self._places.reshape(())
        new._places = places.expand(Size(batch_shape))
        super(ModelDistribution, new).__init__(Size(batch_shape), self.event_shape, validate_args=False)
        return new

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(x) in nats of `[*sample, *batch, *event]`: `[*sample, *batch]`; -inf outside the support."""
        event = len(self.event_shape)
        shape: Size = torch.broadcast_shapes(  # type: ignore[no-untyped-call]
            value.shape[: value.dim() - event], self.batch_shape
        )
        rows = value.expand(*shape, *self.event_shape).reshape(-1, *self.event_shape)
        result: Tensor = self._model.log_prob(rows, **self._context(shape))  # type: ignore[operator]
        return result.reshape(shape)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape) + self.batch_shape
        rows = self._model.sample(shape.numel(), seed=_seed(), **self._context(shape))  # type: ignore[operator]
        result: Tensor = rows.reshape(*shape, *self.event_shape)
        return result

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        if not self.has_rsample:
            raise NotImplementedError(f"{type(self._model).__name__} has no differentiable sampler")
        shape = Size(sample_shape) + self.batch_shape
        context = self._context(shape).get("context")
        rows, _ = sampling.rsample(self._model, shape.numel(), context, seed=_seed())
        assert isinstance(rows, Tensor)
        return rows.reshape(*shape, *self.event_shape)

    def _context(self, shape: Size) -> dict[str, Any]:
        """The given variables of each of `shape` rows, as the model's methods take them."""
        places = self._places.expand(shape).reshape(-1)
        return {"context": {name: value[places] for name, value in self._given.items()}} if self._given else {}


def _seed() -> int:
    return int(torch.randint(0, 2**62, ()))
