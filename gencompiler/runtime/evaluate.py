"""How good a model is on data: nats and bits per dimension with standard errors, or what its chains are worth."""

from __future__ import annotations

import dataclasses
import math

import torch

from gencompiler.runtime import chains
from gencompiler.runtime.data import Rows
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model
from gencompiler.runtime.sampling import Chain

#: Rows evaluated at once.
BATCH = 512


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Mean log p(x) over rows, in nats, with the standard error of the mean over rows.

    `kind` is "exact" or "bound" (then log p(x) is at least `nats` in expectation).  `bits_per_dim` is
    -nats / (D log 2) with D the numbers in a row."""

    nats: float
    standard_error: float
    rows: int
    dims: int
    kind: str

    @property
    def bits_per_dim(self) -> float:
        return -self.nats / (self.dims * math.log(2))

    @property
    def bits_error(self) -> float:
        return self.standard_error / (self.dims * math.log(2))

    def __str__(self) -> str:
        relation = "=" if self.kind == "exact" else ">="
        return (
            f"log p(x) {relation} {self.nats:.4f} +- {self.standard_error:.4f} nats, "
            f"{self.bits_per_dim:.4f} +- {self.bits_error:.4f} bits per dimension ({self.rows} rows)"
        )


@torch.no_grad()
def evaluate(model: Model, rows: Rows, *, samples: int = 1, seed: int = 0) -> Evaluation:
    """Evaluate `model` on rows of a data set; a bound is averaged over `samples` draws for each row."""
    if not len(rows):
        raise RunError("G801", "there are no rows to evaluate on", "name a data set with a test split")
    total = torch.zeros(0, dtype=torch.float64)
    for start in range(0, len(rows), BATCH):
        batch = rows.take(torch.arange(start, min(start + BATCH, len(rows))), model.device)
        draws = [model.run_batch("log_prob", batch, seed=seed, step=step).double().cpu() for step in range(samples)]
        total = torch.cat([total, torch.stack(draws).mean(0)])
    error = float(total.std(unbiased=True)) / math.sqrt(len(total)) if len(total) > 1 else math.nan
    dims = sum(field.size for field in model.observed)
    return Evaluation(float(total.mean()), error, len(total), dims, model.capabilities.get("log_prob", "exact"))


def evaluate_chain(model: Model, chain: Chain) -> dict[str, chains.Summary]:
    """ESS and R-hat of each number of the state, by name ("x[0]")."""
    draws = chain.draws if isinstance(chain.draws, tuple) else (chain.draws,)
    result = {}
    for field, values in zip(model.observed, draws, strict=True):
        flat = values.reshape(*values.shape[:2], -1).double().cpu().numpy()
        for place in range(flat.shape[-1]):
            name = f"{field.name}[{place}]" if field.shape else field.name
            result[name] = chains.summary(flat[:, :, place])
    return result
