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
    """p(x) of a model with one observed variable: `event_shape` is that of x, `batch_shape` is ().

    Samples are keyed by a seed drawn from torch's global generator, so `torch.manual_seed` fixes them."""

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012, torch's name and type

    def __init__(self, model: Model, context: Context = None) -> None:
        if len(model.observed) != 1:
            raise RunError("G801", f"{type(model).__name__} has {len(model.observed)} observed variables, not one")
        self._model, self._context = model, context
        self._field = model.observed[0]
        self.has_rsample = "rsample" in model.programs
        super().__init__(Size(), Size(self._field.shape), validate_args=False)

    @property
    def support(self) -> Any:
        return self._field.support.constraint(len(self._field.shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(x) in nats of `[*batch, *event]`: `[*batch]`; -inf outside the support."""
        batch = value.shape[: value.dim() - len(self.event_shape)]
        rows = value.reshape(-1, *self.event_shape)
        result: Tensor = self._model.log_prob(rows, **self._with_context())  # type: ignore[operator]
        return result.reshape(batch)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        count = Size(sample_shape).numel()
        rows = self._model.sample(count, seed=_seed(), **self._with_context())  # type: ignore[operator]
        result: Tensor = rows.reshape(*sample_shape, *self.event_shape)
        return result

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        if not self.has_rsample:
            raise NotImplementedError(f"{type(self._model).__name__} has no differentiable sampler")
        rows, _ = sampling.rsample(self._model, Size(sample_shape).numel(), self._context, seed=_seed())
        assert isinstance(rows, Tensor)
        return rows.reshape(*sample_shape, *self.event_shape)

    def _with_context(self) -> dict[str, Any]:
        return {} if self._context is None else {"context": self._context}


def _seed() -> int:
    return int(torch.randint(0, 2**62, ()))
