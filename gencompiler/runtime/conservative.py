"""The density of a chain's law, from its samples: conservative sampling-based likelihood estimation (CSL).

A chain whose step ends with a draw x' ~ L(x' | c) has, after one step from states with the law π_n, the density
π_{n+1}(x) = E L(x | c), the mean over states and draws of c.  With S independent chains

    log (1/S) sum_s L(x | c_s) <= log π_{n+1}(x)   in expectation

as the logarithm is concave (Bengio, Yao & Cho, *Bounding the test log-likelihood of generative models*, ICLR 2014
workshop; Bengio, Thibodeau-Laufer, Alain & Yosinski, ICML 2014, section 5.1).  It is an estimate of the law that the
chain has in equilibrium as far as it has reached that; where the terms of few samples dominate, it is far too low.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gencompiler.runtime.data import Rows
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.evaluate import Evaluation, evaluation
from gencompiler.runtime.modules import Context, Model

#: Chains where the spec does not say.
SAMPLES = 1000
#: Pairs of a row and a sample that are computed at once.
PAIRS = 1 << 16
#: The number of the step that the density is of, beyond all that a chain takes before it.
STEP = 1 << 30


@dataclasses.dataclass(frozen=True)
class Conservative:
    """The estimate on rows, from `samples` chains; (sum w)^2 / sum w^2 of a row's terms w, on the average over rows and
    at worst."""

    log_density: Evaluation
    samples: int
    effective_size: float
    smallest_size: float

    def __str__(self) -> str:
        size = f"{self.effective_size:.1f} of {self.samples} samples, at worst {self.smallest_size:.1f}"
        return f"{self.log_density}\neffective sample size {size}"


def asked(model: Model | type[Model]) -> bool:
    """Whether the spec asks for the estimate."""
    return "csl" in model.programs


@torch.no_grad()
def log_density(
    model: Model,
    values: Sequence[Tensor],
    context: Context = None,
    *,
    samples: int = SAMPLES,
    burn_in: int,
    seed: int = 0,
) -> Tensor:
    """The estimate for each row of data, `[rows]` in float64, by the last states of `samples` chains; of a conditional
    model, of so many for each of the different values that it is given."""
    terms = terms_of(model, _entered(model, values), samples, burn_in, seed, context)
    return terms.logsumexp(1) - math.log(samples)


@torch.no_grad()
def evaluate(model: Model, rows: Rows, *, seed: int = 0) -> Conservative:
    """As the spec asks, on rows of a data set."""
    if not len(rows):
        raise RunError("G801", "there are no rows to evaluate on", "name a data set with a test split")
    samples = int(model.evaluations["csl"].get("samples", SAMPLES))
    batch = rows.take(torch.arange(len(rows)), model.device)
    context = {f.name: batch.tensors[f.name] for f in model.given} or None
    data = _entered(model, [batch.tensors[f.name] for f in model.observed])
    terms = terms_of(model, data, samples, None, seed, context)
    total = terms.logsumexp(1)
    size = (2 * total - (2 * terms).logsumexp(1)).exp()
    words = f"by the laws of {samples:,} chains, in expectation"
    found = evaluation(model, rows, total - math.log(samples), "bound", words)
    return Conservative(found, samples, float(size.mean()), float(size.min()))


def _entered(model: Model, values: Sequence[Tensor]) -> list[Tensor]:
    return [model.computed(f, model.shaped(f, v)) for f, v in zip(model.observed, values, strict=True)]


@torch.no_grad()
def terms_of(
    model: Model,
    data: Sequence[Tensor],
    samples: int,
    burn_in: int | None,
    seed: int,
    context: Context = None,
) -> Tensor:
    """log L(x | c) of each row and sample, `[rows, samples]` in float64 on the CPU; c is drawn anew for each pair.

    Rows that are given the same share their chains."""
    if samples < 1:
        raise RunError("G801", f"{samples} samples asked for", "ask for 1 or more")
    options: dict[str, Any] = {} if burn_in is None else {"burn_in": burn_in}
    given = [model.shaped(f, v) for f, v in zip(model.given, model.given_values(context), strict=True)]
    count = len(data[0])
    found = torch.empty(count, samples, dtype=torch.float64)
    for rows, shared in _alike(given, count, model.device):
        if shared:
            wide = (v.expand(samples, *v.shape[1:]) for v in shared)
            options["context"] = dict(zip((f.name for f in model.given), wide, strict=True))
        drawn = model.sample(samples, seed=seed, **options)  # type: ignore[operator]
        states = drawn if isinstance(drawn, tuple) else (drawn,)
        before = [model.computed(f, s) for f, s in zip(model.observed, states, strict=True)]
        own = [model.computed(f, v) for f, v in zip(model.given, shared, strict=True)]
        for pairs in torch.split(torch.arange(len(rows) * samples, device=model.device), PAIRS):
            place, chain = rows[pairs // samples], pairs % samples
            conditions = [v.expand(len(pairs), *v.shape[1:]) for v in own]
            inputs = [*conditions, *(x[place] for x in data), *(x[chain] for x in before)]
            (terms,) = model.run("csl", inputs, place * samples + chain, seed=seed, step=STEP)
            found[place.cpu(), chain.cpu()] = terms.double().cpu()
    return found


def _alike(given: Sequence[Tensor], count: int, device: torch.device | str) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """The rows that are given the same values, and these, each as one row."""
    if not given:
        yield torch.arange(count, device=device), []
        return
    flat = torch.cat([v.reshape(count, -1).double() for v in given], 1)
    _, kind = torch.unique(flat, dim=0, return_inverse=True)
    for each in range(int(kind.max()) + 1):
        rows = (kind == each).nonzero()[:, 0]
        yield rows, [v[rows[:1]] for v in given]
