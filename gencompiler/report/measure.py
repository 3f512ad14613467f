"""Numbers that say how good a model is, each with its standard error: on held-out rows, or from chains."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gencompiler.report import quadrature
from gencompiler.report.data import ChainQuantity, ChainRecord, Measurement
from gencompiler.runtime import evaluate
from gencompiler.runtime.command import CHAINS, DRAWS
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.data import Dataset, Rows
    from gencompiler.runtime.modules import Model

#: Draws of a bound that are averaged for each row.
BOUND_DRAWS = 10

#: The R-hat up to which chains are taken to agree (Vehtari et al., 2021, section 4).
AGREEMENT = 1.01


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured; `chains` where the numbers are from chains."""

    numbers: tuple[Measurement, ...]
    chains: ChainRecord | None = None


def measure(
    model: Model,
    dataset: Dataset | None,
    *,
    method: str = "chain",
    splits: tuple[str, ...] = ("test", "validation"),
    draws: int = BOUND_DRAWS,
    seed: int = 0,
) -> Measured:
    """Evaluate `model`: by log p(x) on `splits` of `dataset` where it has one, else by its chains.

    `method` is how the spec asks for chains, in words; `draws` of a bound are averaged for each row.  Raises RunError
    for a model that can be evaluated in neither way."""
    if "log_prob" in model.programs and dataset is not None:
        rows = {"train": dataset.train, "validation": dataset.valid, "test": dataset.test}
        found = [_likelihood(model, name, rows[name], dataset.name, draws, seed) for name in splits if len(rows[name])]
        return Measured(tuple(number for numbers in found for number in numbers))
    if "chain" in model.programs:
        return _chains(model, method, seed)
    raise RunError("G801", f"{type(model).__name__} has neither log p(x) with data to evaluate it on, nor a chain")


def _likelihood(model: Model, split: str, rows: Rows, data: str, draws: int, seed: int) -> list[Measurement]:
    """Nats and, for discrete data, bits per dimension."""
    result = evaluate.evaluate(model, rows, samples=draws, seed=seed)
    bound = result.kind == "bound"
    words = f"{len(rows):,} {split} rows of {short(data)}"
    noise = f" bound, averaged over {draws} draws of its noise"
    nats = f"{words}; {'a lower' + noise if bound else 'exact'}"
    found = [Measurement(f"log p, {split}", result.nats, result.standard_error, "nats", nats)]
    if all(field.support.discrete for field in model.observed):
        bits = f"{words}; {'an upper' + noise if bound else 'exact'}"
        name = f"bits per dimension, {split}"
        found.insert(0, Measurement(name, result.bits_per_dim, result.bits_error, "bits", bits))
    return found


def short(data: str) -> str:
    """A data set's name without the folders of its file: `mnist:mnist.npz`."""
    name, colon, file = data.rpartition(":")
    return f"{name}{colon}{Path(file).name}"


def _chains(model: Model, method: str, seed: int) -> Measured:
    """Acceptance, agreement and worth of the chains, and their means beside what quadrature gives."""
    chain = model.chain(CHAINS, DRAWS, seed=seed)  # type: ignore[operator]
    draws = chain.draws if isinstance(chain.draws, tuple) else (chain.draws,)
    parts = [d.reshape(*d.shape[:2], -1).double().cpu().numpy() for d in draws]
    quantities = tuple(
        ChainQuantity(name, s.mean, s.standard_deviation, s.standard_error, s.bulk_ess, s.tail_ess, s.r_hat)
        for name, s in evaluate.evaluate_chain(model, chain).items()
    )
    acceptance = float(chain.acceptance.mean())
    record = ChainRecord(method, np.concatenate(parts, axis=-1), quantities, acceptance)
    exact = quadrature.moments(model, record.draws) if quadrature.applies(model) else {}
    of = f"{CHAINS} chains of {DRAWS:,} draws"
    found = [
        Measurement("acceptance", acceptance, None, "", f"share of proposals accepted after burn-in; {of}"),
        Measurement("largest R-hat", max(q.r_hat for q in quantities), None, "", "at most 1.01 where chains agree"),
        Measurement("smallest ESS", min(q.bulk_ess for q in quantities), None, "draws", "bulk effective sample size"),
    ]
    for q in quantities:
        words = of
        if q.name in exact:
            words += f"; by quadrature {exact[q.name][0]:.5f}, standard deviation {exact[q.name][1]:.5f}"
        found.append(Measurement(f"mean of {q.name}", q.mean, q.standard_error, "", words))
    return Measured(tuple(found), record)
