"""Masses and likelihoods by annealing: importance sampling along a path, its reversal, and tempering with resampling.

A path goes from laws of known mass at time 0 to the target at time 1.  Particles follow it by transitions that keep it;
the product of the ratios f_t(x) / f_s(x) on the way is a weight whose mean is the target's mass Z (Neal, *Annealed
importance sampling*, Statistics and Computing 2001).  Hence

    E log(mean w) <= log Z,    P(log(mean w) > log Z + a) <= exp(-a)            (Markov's inequality)

Run down from exact draws of the target, 1 / Z is the mean of the inverse weights, which bounds log Z from above in the
same way (Grosse, Ghahramani & Adams, 2015; Grosse, Ancha & Roy, *Measuring the reliability of MCMC inference with
bidirectional Monte Carlo*, NeurIPS 2016).  Where the path is conditioned on data, Z is p(x) of each row.

Weights are `[groups, particles]`: one group, or one for each row of data; logarithms are float64 once they leave a
program.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gencompiler.runtime import random, sampling
from gencompiler.runtime.data import Rows
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model

#: Stream of the uniform that resamples; a model's own draws count their streams from 0.
RESAMPLING_STREAM = 0x7FFF_FFC0
#: How often `smc` looks at the effective sample size, in a run.
LOOKS = 100
#: Independent runs of `smc`, whose spread is its standard error.
RUNS = 8


@dataclasses.dataclass(frozen=True)
class Estimate:
    """log Z of each group, `[groups]`: "lower" or "upper" bounds that hold in expectation and up to a with probability
    1 - exp(-a).

    `log_weights` `[groups, particles]` are of weights with mean Z, or 1 / Z of an upper bound; `standard_error` is by
    the delta method from their spread; `effective_size` (sum w)^2 / sum w^2 of `particles`; `acceptance` the share of
    proposals taken on the way."""

    log_z: Tensor
    standard_error: Tensor
    effective_size: Tensor
    log_weights: Tensor
    particles: int
    steps: int
    acceptance: float
    bound: str = "lower"

    def at(self, risk: float) -> Tensor:
        """What log Z is above (below, of an upper bound) with probability at least 1 - risk, for each group."""
        slack = math.log(risk)
        return self.log_z + slack if self.bound == "lower" else self.log_z - slack

    def __str__(self) -> str:
        relation = ">=" if self.bound == "lower" else "<="
        error = float(self.standard_error.mean())
        size = f"effective sample size {float(self.effective_size.mean()):.1f} of {self.particles}"
        return (
            f"log Z {relation} {float(self.log_z.mean()):.4f} +- {error:.4f} nats in expectation, {size}, "
            f"{self.steps} steps"
        )


@dataclasses.dataclass(frozen=True)
class Sandwich:
    """Bounds of log Z from both sides, on draws of the model itself, for which exact draws of the target are known."""

    lower: Estimate
    upper: Estimate

    @property
    def gap(self) -> Tensor:
        """Upper minus lower bound of each group: at least the sum of both errors, in expectation."""
        return self.upper.log_z - self.lower.log_z

    def __str__(self) -> str:
        gap = self.gap
        error = float(gap.std()) / math.sqrt(len(gap)) if len(gap) > 1 else math.nan
        return f"{self.lower}\n{self.upper}\ngap {float(gap.mean()):.4f} +- {error:.4f} nats over {len(gap)} draws"


@dataclasses.dataclass(frozen=True)
class Path:
    """One of a model's paths; the first where none is named."""

    model: Model
    name: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What it is of and given, in the order of declaration."""
        known = self.model.annealed
        return known[self.name] if self.name else next(iter(known.values()), ())

    @property
    def given(self) -> tuple[Field, ...]:
        """What it is conditioned on."""
        return tuple(f for f in self.fields if f.given)

    @property
    def suffix(self) -> str:
        """What the names of its programs end in."""
        return "" if self.name in ("", next(iter(self.model.annealed), "")) else f"_{self.name}"

    def has(self, *programs: str) -> bool:
        """Whether there are these of its programs."""
        return all(f"{name}{self.suffix}" in self.model.programs for name in programs)

    def tiles(self, count: int, *programs: str) -> Iterator[Tensor]:
        """The rows that these of its programs run on at a time."""
        return sampling.tiles(self.model, count, *(f"{name}{self.suffix}" for name in programs))

    def run(
        self,
        program: str,
        inputs: Sequence[Tensor],
        rows: Tensor,
        *,
        seed: int,
        step: int = 0,
        steps: int = 0,
        total: int = 1,
    ) -> tuple[Tensor, ...]:
        """The results of one of its programs."""
        name = f"{program}{self.suffix}"
        return self.model.run(name, inputs, rows, seed=seed, step=step, steps=steps, total=total)

    def groups(self, given: Sequence[Tensor], particles: int, steps: int) -> int:
        """How many numbers are estimated: one, or one for each row of what it is conditioned on."""
        _checked(particles, steps)
        if len(given) != len(self.given):
            names = ", ".join(f"`{f.name}`" for f in self.given) or "nothing"
            raise RunError("G801", f"the path of {type(self.model).__name__} is conditioned on {names}")
        return len(given[0]) if given else 1

    def entered(self, given: Sequence[Tensor]) -> list[Tensor]:
        """What it is conditioned on, as programs compute with it."""
        return [self.model.computed(f, self.model.shaped(f, v)) for f, v in zip(self.given, given, strict=True)]

    def fixed(self, given: Sequence[Tensor], rows: Tensor, particles: int, groups: int) -> list[Tensor]:
        """What each particle of a tile is conditioned on."""
        return [v[(rows // particles).clamp(max=groups - 1)] for v in self.entered(given)]

    def merged(self, state: Sequence[Tensor], fixed: Sequence[Tensor]) -> list[Tensor]:
        """The inputs of a step, in the order of declaration."""
        moving, others = iter(state), iter(fixed)
        return [next(others if field.given else moving) for field in self.fields]


@torch.no_grad()
def ais(
    model: Model, given: Sequence[Tensor] = (), *, particles: int, steps: int, seed: int = 0, path: str = ""
) -> Estimate:
    """A stochastic lower bound of log Z, for each row of `given` where the path is conditioned on some."""
    own = Path(model, path)
    groups = own.groups(given, particles, steps)
    weights, taken = [], []
    for rows in own.tiles(groups * particles, "anneal_start", "anneal"):
        fixed = own.fixed(given, rows, particles, groups)
        *state, weight = own.run("anneal_start", fixed, rows, seed=seed)
        *_, gained, accepted = own.run("anneal", own.merged(state, fixed), rows, seed=seed, steps=steps, total=steps)
        weights.append(weight.double() + gained.double())
        taken.append(accepted.double() / steps)
    return _estimate(torch.cat(weights), torch.cat(taken), groups, particles, steps)


@torch.no_grad()
def reverse_ais(
    model: Model, values: Sequence[Tensor], *, particles: int, steps: int, seed: int = 0, path: str = ""
) -> Estimate:
    """A stochastic upper bound of log Z by running the path backwards from `values`, exact draws of the target: one row
    for each particle, or, where the path is conditioned on data, one for each row of it.

    Nothing here can tell whether the draws are exact: from those of a chain that has not converged no bound follows."""
    own = Path(model, path)
    if not own.has("anneal_back"):
        raise RunError("G801", f"no transition is known that runs the path of {type(model).__name__} backwards")
    entered = [model.computed(f, model.shaped(f, v)) for f, v in zip(own.fields, values, strict=True)]
    given = [v for f, v in zip(own.fields, entered, strict=True) if f.given]
    exact = [v for f, v in zip(own.fields, entered, strict=True) if not f.given]
    groups = len(entered[0]) if given else 1
    particles = particles if given else len(entered[0])
    _checked(particles, steps)
    weights, taken = [], []
    for rows in own.tiles(groups * particles, "anneal_start", "anneal_back"):
        group = (rows // particles).clamp(max=groups - 1)
        fixed = [v[group] for v in given]
        state = [v[group if given else rows.clamp(max=particles - 1)] for v in exact]
        *_, mass = own.run("anneal_start", fixed, rows, seed=seed)
        merged = own.merged(state, fixed)
        *_, lost, accepted = own.run("anneal_back", merged, rows, seed=seed, steps=steps, total=steps)
        weights.append(lost.double() - mass.double())
        taken.append(accepted.double() / steps)
    found = _estimate(torch.cat(weights), torch.cat(taken), groups, particles, steps)
    return dataclasses.replace(found, log_z=-found.log_z, bound="upper")


@torch.no_grad()
def bdmc(model: Model, rows: int, *, particles: int, steps: int, seed: int = 0, path: str = "") -> Sandwich:
    """Bounds from both sides on `rows` simulated from the model: the latent values of a simulated row are an exact draw
    of its posterior.  Where the path is conditioned on nothing, `rows` exact draws are particles of the upper bound."""
    own = Path(model, path)
    if not own.has("anneal_exact", "anneal_back"):
        advice = "pass exact draws from elsewhere to `reverse_ais`"
        raise RunError("G801", f"{type(model).__name__} has no exact draws of the target to start from", advice)
    parts = [own.run("anneal_exact", [], tile, seed=seed, step=1) for tile in own.tiles(rows, "anneal_exact")]
    values = [torch.cat(each)[:rows] for each in zip(*parts, strict=True)]
    given = [v for f, v in zip(own.fields, values, strict=True) if f.given]
    lower = ais(model, given, particles=particles, steps=steps, seed=seed, path=path)
    return Sandwich(lower, reverse_ais(model, values, particles=particles, steps=steps, seed=seed, path=path))


@torch.no_grad()
def smc(
    model: Model,
    given: Sequence[Tensor] = (),
    *,
    particles: int,
    steps: int,
    threshold: float = 0.5,
    runs: int = RUNS,
    seed: int = 0,
    path: str = "",
) -> Estimate:
    """Tempering: as `ais`, and where the effective sample size falls below `threshold` of the particles they are drawn
    anew by their weights, systematically (Del Moral, Doucet & Jasra, *Sequential Monte Carlo samplers*, 2006).

    exp(log Z) stays unbiased; particles depend on each other, so the standard error is from `runs` runs, over which the
    estimate is averaged."""
    own = Path(model, path)
    rows = own.groups(given, particles, steps)
    groups = rows * runs
    places = torch.arange(groups * particles, device=model.device)
    repeated = [v.repeat_interleave(runs, 0) for v in own.entered(given)]
    fixed = [v.repeat_interleave(particles, 0) for v in repeated]
    *state, weight = own.run("anneal_start", fixed, places, seed=seed)
    log_weights = weight.double().reshape(groups, particles)
    log_z = torch.zeros(groups, dtype=torch.float64, device=model.device)
    taken = torch.zeros(groups * particles, dtype=torch.float64, device=model.device)
    stride = max(1, steps // LOOKS)
    for first in range(0, steps, stride):
        count = min(stride, steps - first)
        inputs = own.merged(state, fixed)
        *state, gained, accepted = own.run("anneal", inputs, places, seed=seed, step=first, steps=count, total=steps)
        taken += accepted.double() / steps
        log_weights = log_weights + gained.double().reshape(groups, particles)
        low = _effective(log_weights) < threshold * particles
        if bool(low.any()) and first + count < steps:
            chosen = systematic(log_weights, low, seed, first + count)
            state = [each[chosen] for each in state]
            log_z = torch.where(low, log_z + _log_mean(log_weights), log_z)
            log_weights = torch.where(low[:, None], 0.0, log_weights)
    each = (log_z + _log_mean(log_weights)).reshape(rows, runs)
    found = _estimate(each.flatten(), taken, rows, runs, steps)
    size = _effective(log_weights).reshape(rows, runs).mean(1)
    return dataclasses.replace(found, effective_size=size, particles=particles)


def systematic(log_weights: Tensor, chosen: Tensor, seed: int, step: int) -> Tensor:
    """Ancestors of all particles, `[groups * particles]`, in the groups `chosen` by one uniform number for each: of a
    weight w out of P particles, the number is P w rounded up or down (Kitagawa 1996); elsewhere, each its own."""
    groups, particles = log_weights.shape
    shares = log_weights.softmax(1).cumsum(1)
    numbers = torch.arange(groups, device=log_weights.device)
    start = random.uniform(seed, numbers, step, RESAMPLING_STREAM, 1).double()
    ticks = (torch.arange(particles, device=log_weights.device) + start) / particles
    ancestors = torch.searchsorted(shares.contiguous(), ticks.contiguous()).clamp(max=particles - 1)
    own = torch.arange(particles, device=log_weights.device).expand(groups, particles)
    ancestors = torch.where(chosen[:, None], ancestors, own)
    return (ancestors + numbers[:, None] * particles).flatten()


# -- pieces ----------------------------------------------------------------------------------------------------------


def _estimate(log_weights: Tensor, taken: Tensor, groups: int, particles: int, steps: int) -> Estimate:
    """The logarithm of the mean weight of each group; surplus rows of the last tile are dropped."""
    found = log_weights[: groups * particles].reshape(groups, particles)
    size = _effective(found)
    spread = (particles / size - 1).clamp(min=0) / max(1, particles - 1)
    error = spread.sqrt() if particles > 1 else torch.full_like(size, math.nan)
    accepted = float(taken[: groups * particles].mean()) if len(taken) >= groups * particles else float(taken.mean())
    return Estimate(_log_mean(found), error, size, found, particles, steps, accepted)


def _log_mean(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(1) - math.log(log_weights.shape[1])


def _effective(log_weights: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2"""
    return (2 * log_weights.logsumexp(1) - (2 * log_weights).logsumexp(1)).exp()


def _checked(particles: int, steps: int) -> None:
    if min(particles, steps) < 1:
        raise RunError("G801", f"particles = {particles}, steps = {steps}", "both start at 1")


# -- as a spec asks --------------------------------------------------------------------------------------------------

#: Rows of data of which log p(x) is estimated, at most, where the path is conditioned on data; rows that `bdmc`
#: simulates.
ROWS, SIMULATED = 100, 16

METHODS = ("ais", "smc", "bdmc")


def asked(model: Model | type[Model]) -> tuple[tuple[str, str], ...]:
    """The methods of this file that the spec asks for, and the package has programs for: how, and along which path."""
    found = []
    for place, path in enumerate(model.annealed):
        suffix = f"_{path}" if place else ""
        own = (name for name in METHODS if f"{name}{suffix}" in model.evaluations)
        found += [(name, path) for name in own if f"anneal{suffix}" in model.programs]
    return tuple(found)


def estimated(model: Model, rows: Rows | None, *, seed: int = 0) -> dict[tuple[str, str], Estimate | Sandwich]:
    """What the spec asks for, by method and path.  A path that is conditioned on data follows at most ROWS rows of it;
    without any, only `bdmc` says something, on rows of its own."""
    found: dict[tuple[str, str], Estimate | Sandwich] = {}
    for name, path in asked(model):
        own = Path(model, path)
        names = [f.name for f in own.given]
        given: list[Tensor] = []
        if names and rows is not None and len(rows):
            batch = rows.take(torch.arange(min(len(rows), ROWS)), model.device)
            given = [batch.tensors[each] for each in names]
        options = model.evaluations[f"{name}{own.suffix}"]
        sizes = {"particles": int(options["particles"]), "steps": int(options["steps"]), "seed": seed}
        if name == "bdmc":
            found[name, path] = bdmc(model, SIMULATED, **sizes, path=path)
        elif len(given) == len(names) and name == "smc":
            found[name, path] = smc(model, given, **sizes, threshold=float(options.get("threshold", 0.0)), path=path)
        elif len(given) == len(names):
            found[name, path] = ais(model, given, **sizes, path=path)
    return found


def title(model: Model, name: str, path: str) -> str:
    """A method in words: its path is said where there are several."""
    return name if len(model.annealed) == 1 else f"{name} along {path}"


def words(model: Model, rows: Rows | None, *, seed: int = 0) -> str:
    """The estimates in words, a line or more for each."""
    found = estimated(model, rows, seed=seed)
    return "\n".join(f"{title(model, *asked_)}: {each}" for asked_, each in found.items())
