"""Numbers that say how good a model is, each with its standard error: on held-out rows, or from chains."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from gencompiler.diagnostics.wording import counted
from gencompiler.report import annealing, partition, quadrature
from gencompiler.report.data import ChainQuantity, ChainRecord, Measurement
from gencompiler.runtime import conservative, evaluate, fokker_planck
from gencompiler.runtime.command import CHAINS, DRAWS
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.data import Dataset, Rows
    from gencompiler.runtime.modules import Model
    from gencompiler.runtime.sampling import Chain

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
    weights: int | None = None,
    seed: int = 0,
) -> Measured:
    """Evaluate `model` on `splits` of `dataset`, by log p(x), a bound of it, or its samples; or by its chains.

    `method` is how the spec asks for chains, in words; `draws` of a bound are averaged for each row; `weights` asks for
    the importance-weighted bound with so many, as the spec may.  Raises RunError for a model that can be evaluated in
    neither way."""
    rows = {} if dataset is None else {"train": dataset.train, "validation": dataset.valid, "test": dataset.test}
    constants = partition.measurements(model, splits[0], rows.get(splits[0]))
    annealed = (*constants, *annealing.measurements(model, splits[0], rows.get(splits[0]), seed=seed))
    annealed = (*annealed, *_by_samples(model, splits[0], rows.get(splits[0]), seed))
    if evaluate.evaluable(model) and dataset is not None:
        weights = weights or evaluate.weights_asked(model)
        source = dataset.name
        found = [_on_rows(model, name, rows[name], source, draws, weights, seed) for name in splits if len(rows[name])]
        return Measured((*(number for numbers in found for number in numbers), *annealed))
    densities = (*_densities(model, seed), *annealed)
    if "chain" in model.programs:
        found_ = _chains(model, method, seed)
        return dataclasses.replace(found_, numbers=(*found_.numbers, *densities))
    if densities:
        return Measured(densities)
    raise RunError("G801", f"{type(model).__name__} has neither a chain nor data that it could be evaluated on")


def _by_samples(model: Model, split: str, rows: Rows | None, seed: int) -> tuple[Measurement, ...]:
    """log of the density of a chain's own law, where the spec asks for it."""
    if not conservative.asked(model) or rows is None or not len(rows):
        return ()
    found = conservative.evaluate(model, rows, seed=seed)
    of = f"{counted(len(rows), f'{split} row')}; at least this in expectation, by the laws of {found.samples:,} chains"
    size = f"of {found.samples} terms of a row, on the average; at worst {found.smallest_size:.1f}"
    return (
        *_numbers(found.log_density, model, split, of),
        Measurement(f"effective sample size, {split}, csl", found.effective_size, None, "", size),
    )


def _densities(model: Model, seed: int) -> tuple[Measurement, ...]:
    """What the Fokker-Planck equation on a grid keeps, and how its last moments compare with those of paths."""
    if fokker_planck.asked(model) is None:
        return ()
    found = fokker_planck.compare(model, seed=seed)
    at = f"at t = {float(found.solution.times[-1]):g}"
    cells = " x ".join(str(len(axis)) for axis in found.solution.axes)
    numbers = [
        Measurement("mass, error", found.solution.mass_error, None, "", f"Fokker-Planck on {cells} cells, to the last"),
        Measurement("smallest density", found.solution.smallest, None, "", "over all cells and kept times"),
    ]
    for place in range(len(found.means)):
        axis = f" of element {place}" if len(found.means) > 1 else ""
        for what, own, paths, error in (
            ("mean", found.means, found.path_means, found.mean_errors),
            ("variance", found.variances, found.path_variances, found.variance_errors),
        ):
            beside = f"{at}; {found.paths:,} paths have {float(paths[place]):.4f} +- {float(error[place]):.4f}"
            numbers.append(Measurement(f"{what}{axis}", float(own[place]), None, "", beside))
    return tuple(numbers)


def _on_rows(
    model: Model, split: str, rows: Rows, data: str, draws: int, weights: int | None, seed: int
) -> list[Measurement]:
    """By importance weights where they are asked for, by log p(x) or the ELBO; by samples where the spec asks for that,
    or nothing else is there."""
    found: list[Measurement] = []
    if weights:
        found = _importance(model, split, rows, data, weights, seed)
    elif {"log_prob", "log_weight", "probability_flow"} & model.programs.keys():
        found = _likelihood(model, split, rows, data, draws, seed)
    if not found or {"energy_distance", "modes"} & model.evaluations.keys():
        found += _samples(model, split, rows, data, seed)
    return found


def _samples(model: Model, split: str, rows: Rows, data: str, seed: int) -> list[Measurement]:
    """The energy distance between samples and rows, and the modes covered where they are known."""
    found = evaluate.compare(model, rows, seed=seed)
    words = (
        f"as many samples as {split} rows of {short(data)}, {found.rows[0]:,} each; 0 if equal, "
        f"+- {found.null_error:.2g} then; p = {found.p_value:.3g} by permutations"
    )
    numbers = [Measurement(f"energy distance, {split}", found.value, found.standard_error, "", words)]
    if (modes := evaluate.modes(model, data, seed=seed)) is not None:
        words = f"of {modes.total} modes of {short(data)}, with a sample within 3 standard deviations"
        numbers.append(Measurement("modes covered", modes.covered, None, "", words))
        numbers.append(Measurement("samples near a mode", modes.near, modes.near_error, "", f"share; {words}"))
    return numbers


def _importance(model: Model, split: str, rows: Rows, data: str, weights: int, seed: int) -> list[Measurement]:
    found = evaluate.importance(model, rows, weights, seed=seed)
    of = f"{counted(len(rows), f'{split} row')} of {short(data)}"
    size = f"of {weights} weights of a row, on the average; at worst {found.smallest_size:.1f}"
    return [
        *_numbers(found.log_prob, model, split, f"{of}; {found.log_prob.bound}"),
        Measurement(f"ELBO, {split}", found.elbo.nats, found.elbo.standard_error, "nats", f"{of}; {found.elbo.bound}"),
        Measurement(f"effective sample size, {split}", found.effective_size, None, "", size),
    ]


def _numbers(result: evaluate.Evaluation, model: Model, split: str, words: str) -> list[Measurement]:
    """Nats and, for discrete data, bits per dimension."""
    nats = Measurement(f"log p, {split}", result.nats, result.standard_error, "nats", words)
    if not all(field.support.discrete for field in model.observed):
        return [nats]
    name = f"bits per dimension, {split}"
    return [Measurement(name, result.bits_per_dim, result.bits_error, "bits", words), nats]


def _likelihood(model: Model, split: str, rows: Rows, data: str, draws: int, seed: int) -> list[Measurement]:
    """Nats and, for discrete data, bits per dimension."""
    result = evaluate.evaluate(model, rows, samples=draws, seed=seed)
    bound = result.kind == "bound"
    words = f"{counted(len(rows), f'{split} row')} of {short(data)}"
    if "log_prob" not in model.programs:
        return _numbers(result, model, split, f"{words}; {result.bound}")
    noise = f" bound, averaged over {draws} draws of its noise"
    settled = "exact" if result.kind == "exact" else result.bound
    nats = f"{words}; {'a lower' + noise if bound else settled}"
    found = [Measurement(f"log p, {split}", result.nats, result.standard_error, "nats", nats)]
    if all(field.support.discrete for field in model.observed):
        bits = f"{words}; {'an upper' + noise if bound else settled}"
        name = f"bits per dimension, {split}"
        found.insert(0, Measurement(name, result.bits_per_dim, result.bits_error, "bits", bits))
    return found


@runtime_checkable
class Chained(Protocol):
    """The class of a package whose model is explored by a chain."""

    def chain(self, chains: int, draws: int, *, seed: int) -> Chain: ...


def short(data: str) -> str:
    """A data set's name without the folders of its file: `mnist:mnist.npz`."""
    name, colon, file = data.rpartition(":")
    return f"{name}{colon}{Path(file).name}"


def chain_record(model: Model, method: str, seed: int, draws: int = DRAWS) -> ChainRecord:
    """The chains of a model, with what each number of their state is worth."""
    assert isinstance(model, Chained)
    began = time.perf_counter()
    chain = model.chain(CHAINS, draws, seed=seed)
    seconds = time.perf_counter() - began
    found = chain.draws if isinstance(chain.draws, tuple) else (chain.draws,)
    parts = [d.reshape(*d.shape[:2], -1).double().cpu().numpy() for d in found]
    quantities = tuple(
        ChainQuantity(name, s.mean, s.standard_deviation, s.standard_error, s.bulk_ess, s.tail_ess, s.r_hat)
        for name, s in evaluate.evaluate_chain(model, chain).items()
    )
    return ChainRecord(method, np.concatenate(parts, axis=-1), quantities, float(chain.acceptance.mean()), seconds)


def _chains(model: Model, method: str, seed: int) -> Measured:
    """Acceptance, agreement and worth of the chains, and their means beside what quadrature gives."""
    record = chain_record(model, method, seed)
    quantities = record.quantities
    exact = quadrature.moments(model, record.draws) if quadrature.applies(model) else {}
    of = f"{CHAINS} chains of {DRAWS:,} draws"
    found = [
        Measurement(
            "acceptance", record.acceptance or 0.0, None, "", f"share of proposals accepted after burn-in; {of}"
        ),
        Measurement("largest R-hat", max(q.r_hat for q in quantities), None, "", "at most 1.01 where chains agree"),
        Measurement("smallest ESS", min(q.bulk_ess for q in quantities), None, "draws", "bulk effective sample size"),
    ]
    if record.seconds:
        rate = found[-1].value / record.seconds
        words = f"the smallest, by {record.seconds:.3g} s of sampling on this machine, burn-in included"
        found.append(Measurement("ESS per second", rate, None, "draws", words))
    for q in quantities:
        words = of
        if q.name in exact:
            words += f"; by quadrature {exact[q.name][0]:.5f}, standard deviation {exact[q.name][1]:.5f}"
        found.append(Measurement(f"mean of {q.name}", q.mean, q.standard_error, "", words))
    return Measured(tuple(found), record)
