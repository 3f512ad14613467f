"""How good a model is on data: nats and bits per dimension with standard errors, or what its chains are worth.

A model with latent variables has log w(x, z) = log p(x, z) - log q(z | x) for z ~ q(z | x) (its program `log_weight`).
Its mean is the ELBO; log of the mean of K weights is a lower bound in expectation that K tightens (Burda, Grosse &
Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from gencompiler.runtime import chains, toys, two_samples
from gencompiler.runtime.data import Rows
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model
from gencompiler.runtime.sampling import Chain

#: Importance weights of a row where `evaluate importance` says no number.
WEIGHTS = 1000

#: Rows evaluated at once.
BATCH = 512


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Mean log p(x) over rows, in nats, with the standard error of the mean over rows.

    `kind` is "exact", "bound" (log p(x) is at least `nats` in expectation, and `bound` says by what) or "estimate".
    `bits_per_dim` is -nats / (D log 2) with D the numbers in a row, on the average where rows differ in length."""

    nats: float
    standard_error: float
    rows: int
    dims: float
    kind: str
    bound: str = ""

    @property
    def bits_per_dim(self) -> float:
        return -self.nats / (self.dims * math.log(2))

    @property
    def bits_error(self) -> float:
        return self.standard_error / (self.dims * math.log(2))

    def __str__(self) -> str:
        relation = {"exact": "=", "estimate": "~"}.get(self.kind, ">=")
        return (
            f"log p(x) {relation} {self.nats:.4f} +- {self.standard_error:.4f} nats, "
            f"{self.bits_per_dim:.4f} +- {self.bits_error:.4f} bits per dimension ({self.rows} rows{self._words})"
        )

    @property
    def _words(self) -> str:
        return f"; {self.bound}" if self.bound else ""


@dataclasses.dataclass(frozen=True)
class Importance:
    """What `draws` weights for each row say: the importance-weighted bound, the ELBO, and the effective sample size
    (sum w)^2 / sum w^2 of a row's weights, on the average over rows and at worst."""

    log_prob: Evaluation
    elbo: Evaluation
    draws: int
    effective_size: float
    smallest_size: float

    def __str__(self) -> str:
        size = f"{self.effective_size:.1f} of {self.draws} draws, at worst {self.smallest_size:.1f}"
        return f"{self.log_prob}\n{self.elbo}\neffective sample size {size}"


@torch.no_grad()
def evaluate(model: Model, rows: Rows, *, samples: int = 1, seed: int = 0) -> Evaluation:
    """Evaluate `model` on rows of a data set, by log p(x) where it has one, else by the ELBO; a bound is averaged over
    `samples` draws for each row."""
    if "log_prob" not in model.programs and "log_weight" in model.programs:
        return importance(model, rows, samples, seed=seed).elbo
    program = "log_prob" if "log_prob" in model.programs else "probability_flow"
    means = [draws.mean(0) for draws in _draws(model, program, rows, samples, seed)]
    kind = model.capabilities.get("log_prob", "exact")
    along = "an estimate by the probability flow" if program == "probability_flow" else "an estimate along an ODE"
    said = {"exact": "", "estimate": along}.get(kind, f"a bound, {_times(samples)}")
    return evaluation(model, rows, torch.cat(means), kind, said)


@torch.no_grad()
def importance(model: Model, rows: Rows, draws: int, *, seed: int = 0) -> Importance:
    """Evaluate `model` by `draws` importance weights for each row, which are keyed as evaluations 0, 1, …

    The weights' logarithms are float32; their mean, log w_1 + … + w_K - log K by logsumexp, is in float64."""
    if "log_weight" not in model.programs:
        advice = "importance needs latent variables and a `q` that they can be drawn from"
        raise RunError("G801", f"{type(model).__name__} has no importance weights", advice)
    if draws < 1:
        raise RunError("G801", f"{draws} importance weights asked for", "ask for 1 or more")
    bounds, means, sizes = [], [], []
    for weights in _draws(model, "log_weight", rows, draws, seed):
        total = weights.logsumexp(0)
        bounds.append(total - math.log(draws))
        means.append(weights.mean(0))
        sizes.append((2 * total - (2 * weights).logsumexp(0)).exp())
    size = torch.cat(sizes)
    return Importance(
        evaluation(model, rows, torch.cat(bounds), "bound", f"the importance-weighted bound, K = {draws}"),
        evaluation(model, rows, torch.cat(means), "bound", f"the ELBO, {_times(draws)}"),
        draws,
        float(size.mean()),
        float(size.min()),
    )


def weights_asked(model: Model) -> int | None:
    """How many importance weights the spec asks for, by `evaluate importance(K = …)`; None where it does not."""
    asked = model.evaluations.get("importance")
    if asked is None or "log_weight" not in model.programs:
        return None
    return int(asked.get("K", WEIGHTS))


def words(model: Model, rows: Rows, *, samples: int = 1, weights: int | None = None, seed: int = 0) -> str:
    """How good `model` is on rows, in words: by `weights` importance weights (None: as many as the spec asks for, 0:
    none), else by log p(x) or its bound, else by the energy distance of its samples."""
    if weights is None:
        weights = weights_asked(model)
    if weights:
        return str(importance(model, rows, weights, seed=seed))
    if {"log_prob", "log_weight", "probability_flow"} & model.programs.keys():
        return str(evaluate(model, rows, samples=samples, seed=seed))
    return str(compare(model, rows, seed=seed))


def evaluable(model: Model | type[Model]) -> bool:
    """Whether there is a way to evaluate the model on rows of data."""
    return bool({"log_prob", "log_weight", "sample"} & model.programs.keys())


def _draws(model: Model, program: str, rows: Rows, count: int, seed: int) -> Iterator[Tensor]:
    """The scalar output of `program` at evaluations 0 to `count`, `[count, rows]` in float64, for some rows at once."""
    if not len(rows):
        raise RunError("G801", "there are no rows to evaluate on", "name a data set with a test split")
    for places in torch.split(torch.arange(len(rows)), BATCH):
        batch = rows.take(places, model.device)
        found = [model.run_batch(program, batch, seed=seed, step=step).double().cpu() for step in range(count)]
        yield torch.stack(found)


def evaluation(model: Model, rows: Rows, values: Tensor, kind: str, bound: str) -> Evaluation:
    """What the logarithms of densities of rows say together."""
    error = float(values.std(unbiased=True)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    dims = sum(_numbers(field, rows) for field in model.observed)
    return Evaluation(float(values.mean()), error, len(values), dims, kind, bound)


def _numbers(field: Field, rows: Rows) -> float:
    """How many numbers of a field a row has, on the average."""
    if not field.length:
        return field.size
    return float(rows.tensors[field.length].double().mean()) * field.size / field.shape[0]


def _times(draws: int) -> str:
    return "one draw for each row" if draws == 1 else f"{draws} draws for each row"


@torch.no_grad()
def compare(model: Model, rows: Rows, *, seed: int = 0) -> two_samples.EnergyDistance:
    """The energy distance between samples of `model` and as many rows of a data set, at most two_samples.ROWS; given
    variables are those of the rows, and count as coordinates."""
    if not len(rows):
        raise RunError("G801", "there are no rows to compare with", "name a data set with a test split")
    batch = rows.take(torch.arange(min(len(rows), two_samples.ROWS)), model.device)
    given = {field.name: batch.tensors[field.name] for field in model.given}
    context = {"context": given} if given else {}
    drawn = model.sample(len(batch), seed=seed, **context)  # type: ignore[operator]
    samples = dict(zip((f.name for f in model.observed), drawn if isinstance(drawn, tuple) else (drawn,), strict=True))
    first, second = (
        torch.cat([each[f.name].reshape(len(batch), -1).double() for f in model.fields], 1)
        for each in ({**samples, **given}, batch.tensors)
    )
    return two_samples.energy_distance(first, second, seed=seed)


def modes(model: Model, data: str, *, seed: int = 0, count: int = two_samples.ROWS) -> two_samples.Modes | None:
    """How many modes of the data set `data` samples of `model` cover; None where its modes are not known."""
    if data not in toys.MODES or model.given:
        return None
    drawn = model.sample(count, seed=seed)  # type: ignore[operator]
    centres, scale = toys.MODES[data]
    return two_samples.modes_covered(drawn[0] if isinstance(drawn, tuple) else drawn, torch.from_numpy(centres), scale)


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
