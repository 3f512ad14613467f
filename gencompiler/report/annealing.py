"""What annealing says of a model, as numbers of a report: masses, likelihoods, and how far they can be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from gencompiler.report.data import Measurement
from gencompiler.runtime import annealing

if TYPE_CHECKING:
    from gencompiler.runtime.annealing import Estimate, Sandwich
    from gencompiler.runtime.data import Rows
    from gencompiler.runtime.modules import Model

#: The risk at which bounds are stated beside their expectation.
RISK = 0.01

_METHODS = {"ais": "annealed importance sampling", "smc": "tempering with resampling", "bdmc": "annealing both ways"}


def measurements(model: Model, split: str, rows: Rows | None, *, seed: int = 0) -> list[Measurement]:
    """The numbers that the spec asks for; `rows` of data where a path is conditioned on some, or p(x) can be had from
    log Z and the energy."""
    found: list[Measurement] = []
    for (method, path), each in annealing.estimated(model, rows, seed=seed).items():
        title, given = annealing.title(model, method, path), bool(annealing.Path(model, path).given)
        if isinstance(each, annealing.Sandwich):
            found += _sandwich(each, title)
            continue
        found += _estimate(_METHODS[method], title, each, split, given)
        if rows is not None and len(rows) and not given and "energy" in model.programs:
            found.append(_likelihood(model, title, each, split, rows))
    return found


def _sizes(estimate: Estimate) -> str:
    return f"{estimate.particles:,} particles, {estimate.steps:,} steps"


def _estimate(how: str, method: str, estimate: Estimate, split: str, conditioned: bool) -> list[Measurement]:
    name = f"log p, {split}, {method}" if conditioned else f"log Z, {method}"
    value, error = _mean(estimate.log_z)
    slack = -math.log(RISK)
    words = f"{how}, {_sizes(estimate)}; a lower bound in expectation"
    if conditioned:
        words = f"{len(estimate.log_z)} rows; {words}"
    else:
        error = float(estimate.standard_error[0])
        words += f", and up to {slack:.1f} with probability {1 - RISK:g}"
    size = estimate.effective_size
    shown = f"of {estimate.particles} particles" + (
        f" of a row; at worst {float(size.min()):.1f}" if conditioned else ""
    )
    return [
        Measurement(name, value, error, "nats", words),
        Measurement(f"effective sample size, {method}", float(size.mean()), None, "", shown),
    ]


def _likelihood(model: Model, method: str, estimate: Estimate, split: str, rows: Rows) -> Measurement:
    """log p(x) = -U(x) - log Z: what makes log Z too low makes it too high."""
    batch = rows.take(torch.arange(len(rows)), model.device)
    with torch.no_grad():
        energies = model.run_batch("energy", batch).double()
    value, spread = _mean(-energies)
    error = math.hypot(spread, float(estimate.standard_error[0]))
    words = f"{len(rows)} rows; -U(x) - log Z, an upper bound in expectation, as log Z is a lower one"
    return Measurement(f"log p, {split}, {method}", value - float(estimate.log_z[0]), error, "nats", words)


def _sandwich(found: Sandwich, title: str) -> list[Measurement]:
    rows = len(found.gap)
    numbers = []
    for name, side, relation in (("lower", found.lower, "at least"), ("upper", found.upper, "at most")):
        value, error = _mean(side.log_z)
        error = float(side.standard_error[0]) if rows == 1 else error
        words = f"{rows} simulated rows, {_sizes(side)}; log Z is {relation} this in expectation"
        numbers.append(Measurement(f"log Z, {name}, {title}", value, error, "nats", words))
    value, error = _mean(found.gap)
    words = "upper minus lower bound: the errors of both together, in expectation"
    return [*numbers, Measurement(f"gap, {title}", value, error if rows > 1 else None, "nats", words)]


def _mean(values: torch.Tensor) -> tuple[float, float]:
    """The mean over groups, and its standard error."""
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(values.mean()), error
