"""The table of properties: when each applies, and how it is searched or sampled."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any, cast

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model
from gencompiler.testing import strategies, subject
from gencompiler.testing.properties import (
    backends,
    batches,
    bijection,
    causality,
    chain,
    density,
    numerics,
    sampler,
    state,
    training,
)
from gencompiler.testing.statistics import TEST_FALSE_ALARM
from gencompiler.testing.strategies import Perturbation
from gencompiler.testing.subject import Subject

#: Rows with more elements than this are large.
_SMALL_ROW = 8

Make = Callable[[], Subject]


@dataclasses.dataclass(frozen=True)
class Effort:
    """How hard to look: Hypothesis examples per searched property; and for each statistical one the settings of the
    parameters, a factor on its sample sizes, and the false-alarm rate of each test."""

    examples: int = 12
    cases: int = 2
    samples: float = 1.0
    alpha: float = TEST_FALSE_ALARM

    def count(self, usual: int) -> int:
        """How many samples to take where `usual` is usual."""
        return max(1, round(self.samples * usual))


@dataclasses.dataclass(frozen=True)
class Property:
    """One property: `applies(model)` says whether a model must have it, `check(make)` raises AssertionError where the
    model that `make()` constructs has not.  A `statistical` check makes `Effort.cases` statistical tests."""

    name: str
    claim: str
    applies: Callable[[Subject], bool]
    run: Callable[[Make, Effort], None]
    statistical: bool = False

    def check(self, make: Callable[[], Model], effort: Effort | None = None) -> None:
        """Look for a counterexample, starting from what `make()` constructs."""
        self.run(cast(Make, make), effort or Effort())

    def __str__(self) -> str:
        return self.name


def applicable(model: Model) -> tuple[Property, ...]:
    """The properties that this model must have, in the order of the table."""
    plain = cast(Subject, model)
    return tuple(p for p in PROPERTIES if p.applies(plain)) if subject.is_plain(plain) else ()


# -- how a property is looked at -------------------------------------------------------------------------------------


def _search(check: Callable[..., None], effort: Effort, **drawn: st.SearchStrategy[Any]) -> None:
    """Run `check` on examples drawn by Hypothesis, the same ones in every run."""

    @settings(
        max_examples=effort.examples,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(**drawn)
    def example(**arguments: Any) -> None:
        check(**arguments)

    example()


def _perturbed(make: Make, effort: Effort) -> list[tuple[Subject, int]]:
    """Models at several distances from the initial parameters, each with a seed, for the statistical properties."""
    scales = (0.3, 0.1, 0.7)
    return [(Perturbation(scales[i % 3], i).apply(make()), 1000 * i) for i in range(effort.cases)]


def _few(make: Make, effort: Effort) -> list[tuple[Subject, int]]:
    """As `_perturbed`, but one where probabilities must be averaged over many draws."""
    cases = _perturbed(make, effort)
    return cases if subject.has_exact_log_prob(make()) else cases[:1]


def _latents(model: Subject) -> Field:
    return Field("z", subject.observed(model).shape, Support("Real"))


def _evaluations(model: Subject, seed: int) -> list[tuple[str, Callable[[Subject], Tensor]]]:
    """What can be computed with a model and compared between two copies of it."""
    field = subject.observed(model)
    x = strategies.make_rows(field, 33, "interior", seed, torch.float64)
    found: list[tuple[str, Callable[[Subject], Tensor]]] = []
    if "log_prob" in model.programs:
        found.append(("log_prob", lambda m: subject.log_prob(m, x, seed=seed)))
    if "energy" in model.programs:
        found.append(("energy", lambda m: m.energy(x)))
    if subject.offers(model, "forward", "inverse"):
        z = strategies.make_rows(_latents(model), 33, "interior", seed, torch.float64)
        found.append(("forward's log|det|", lambda m: m.forward(z.to(m.dtype))[1]))
    return found


# -- the properties, as they are run ---------------------------------------------------------------------------------


def _round_trip(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, z: Tensor) -> None:
        bijection.check_round_trip(perturbation.apply(make()), z)

    rows = strategies.rows(_latents(make()), 17, torch.float64)
    _search(check, effort, perturbation=strategies.perturbations(), z=rows)


def _log_det(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, z: Tensor) -> None:
        bijection.check_log_det(perturbation.apply(make()), z)

    rows = strategies.rows(_latents(make()), 3, torch.float64, ("interior", "edges"))
    _search(check, effort, perturbation=strategies.perturbations(), z=rows)


def _mass(make: Make, effort: Effort) -> None:
    for model, seed in _few(make, effort):
        if subject.is_enumerable(model):
            density.check_mass_by_enumeration(model, seed, effort.count(density.DRAWS))
        else:
            density.check_mass_by_quadrature(model, seed)


def _off_support(make: Make, effort: Effort) -> None:
    field = subject.observed(make())

    def check(perturbation: Perturbation, seed: int) -> None:
        off = strategies.rows_off_support(field, 7, seed)
        if off is None:
            raise ValueError(f"nothing lies outside {field.support}")
        on = strategies.make_rows(field, 5, "mixed", seed)
        density.check_off_support(perturbation.apply(make()), off, on)

    _search(check, effort, perturbation=strategies.perturbations(), seed=st.integers(0, 2**31 - 1))


def _sampler_ratios(make: Make, effort: Effort) -> None:
    # Errors add up over the elements of a row, and so does the cost: large rows need fewer samples.
    large = subject.observed(make()).size > _SMALL_ROW
    pilot = effort.count(sampler.PILOT // 6 if large else sampler.PILOT)
    fresh = effort.count(sampler.FRESH // 8 if large else sampler.FRESH)
    for model, seed in _perturbed(make, effort)[: 1 if large else None]:
        sampler.check_sampler_by_ratios(model, seed, pilot=pilot, fresh=fresh, alpha=effort.alpha)


def _sampler_small(make: Make, effort: Effort) -> None:
    count = effort.count(sampler.SMALL)
    for model, seed in _few(make, effort):
        if subject.is_enumerable(model):
            draws = effort.count(density.DRAWS)
            sampler.check_sampler_by_enumeration(model, seed, count=count, draws=draws, alpha=effort.alpha)
        else:
            sampler.check_sampler_by_quadrature(model, seed, count=count, alpha=effort.alpha)


def _reparameterized(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, count: int, seed: int) -> None:
        sampler.check_rsample(perturbation.apply(make()), count, seed)

    sizes = strategies.batch_sizes(make().tile)
    _search(check, effort, perturbation=strategies.perturbations(), count=sizes, seed=strategies.seeds())


def _detailed_balance(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, x: Tensor, y: Tensor) -> None:
        chain.check_detailed_balance(perturbation.apply(make()), x, y)

    rows = strategies.rows(subject.observed(make()), 9, torch.float64, ("interior", "edges"))
    _search(check, effort, perturbation=strategies.perturbations(), x=rows, y=rows)


def _stationary(make: Make, effort: Effort) -> None:
    for model, seed in _perturbed(make, effort):
        chain.check_stationary(model, seed, chains=effort.count(chain.CHAINS), alpha=effort.alpha)


def _chain_tails(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, start: Tensor, seed: int) -> None:
        chain.check_chain_survives_tails(perturbation.apply(make()), start, seed)

    rows = strategies.rows(subject.observed(make()), 21)
    _search(check, effort, perturbation=strategies.perturbations(), start=rows, seed=strategies.seeds())


def _causality(make: Make, effort: Effort) -> None:
    field = subject.observed(make())

    def check(perturbation: Perturbation, x: Tensor, other: Tensor) -> None:
        model = subject.in_float64(perturbation.apply(make()))
        causality.check_causality(model.conditionals, x, other)

    rows = strategies.rows(field, 5, torch.float64)
    _search(check, effort, perturbation=strategies.perturbations(), x=rows, other=rows)


def _same_rows(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, count: int, seed: int) -> None:
        model = perturbation.apply(make())
        counts = (count, model.tile + 3)
        if "sample" in model.programs:
            batches.check_same_rows(lambda n: model.sample(n, seed=seed), counts)
        if "chain" in model.programs:
            batches.check_same_rows(lambda n: subject.chain_draws(model, n, seed), counts)

    sizes = strategies.batch_sizes(make().tile)
    _search(check, effort, perturbation=strategies.perturbations(), count=sizes, seed=strategies.seeds())


def _batches(make: Make, effort: Effort) -> None:
    tile = make().tile

    def check(perturbation: Perturbation, x: Tensor, seed: int) -> None:
        batches.check_batch(perturbation.apply(make()), x, seed)

    rows = strategies.rows(subject.observed(make()), strategies.batch_sizes(tile), torch.float64, ("interior",))
    _search(check, effort, perturbation=strategies.perturbations(), x=rows, seed=strategies.seeds())


def _finite_gradients(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, x: Tensor, seed: int) -> None:
        numerics.check_finite_gradients(perturbation.apply(make()), x, seed)

    rows = strategies.rows(subject.observed(make()), 9)
    _search(check, effort, perturbation=strategies.perturbations(), x=rows, seed=strategies.seeds())


def _precision(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, seed: int) -> None:
        model = perturbation.apply(make())
        for label, evaluate in _evaluations(model, seed):
            numerics.check_precision(model, evaluate, label)

    seeds = st.integers(0, 2**31 - 1)
    _search(check, effort, perturbation=strategies.perturbations((0.0, 0.1, 0.5)), seed=seeds)


def _state(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, dtype: torch.dtype, seed: int) -> None:
        model = perturbation.apply(make()).to(dtype)
        for _, evaluate in _evaluations(model, seed):
            state.check_state_dict(make, model, evaluate)

    seeds = st.integers(0, 2**31 - 1)
    _search(check, effort, perturbation=strategies.perturbations((1.0,)), dtype=strategies.dtypes(), seed=seeds)


def _phases(make: Make, effort: Effort) -> None:
    def check(perturbation: Perturbation, x: Tensor, seed: int) -> None:
        training.check_phases(perturbation.apply(make()), x, seed)

    rows = strategies.rows(subject.observed(make()), 9, patterns=("interior",))
    _search(check, effort, perturbation=strategies.perturbations((0.1, 0.5)), x=rows, seed=strategies.seeds())


def _backends(make: Make, effort: Effort) -> None:
    del effort  # one comparison: the interpreter is slow
    backends.check_backends(Perturbation(0.3, 0).apply(make()), rows=67, seed=3)


def _interpretable(model: Subject) -> bool:
    """The interpreter costs by the operation: small models only, and not within itself."""
    return (
        subject.observed(model).size <= backends.LARGEST_SIZE
        and os.environ.get("TRITON_INTERPRET") != "1"
        and backends.has_kernels(model)
    )


def _has(*programs: str) -> Callable[[Subject], bool]:
    return lambda model: subject.offers(model, *programs)


def _exact_and_sampled(model: Subject) -> bool:
    return subject.has_exact_log_prob(model) and "sample" in model.programs


#: Every property there is.
PROPERTIES: tuple[Property, ...] = (
    Property("round_trip", "forward and inverse undo each other", _has("forward", "inverse"), _round_trip),
    Property("log_det", "log|det| is that of the Jacobian", _has("forward", "inverse"), _log_det),
    Property(
        "mass",
        "the mass of the density is one",
        lambda m: (
            "log_prob" in m.programs
            and (subject.is_enumerable(m) or (subject.is_integrable(m) and subject.has_exact_log_prob(m)))
        ),
        _mass,
    ),
    Property(
        "off_support",
        "log_prob is -inf off the support",
        lambda m: "log_prob" in m.programs and not subject.has_no_ends(m),
        _off_support,
    ),
    Property("sampler_ratios", "sample follows log_prob (ratios)", _exact_and_sampled, _sampler_ratios, True),
    Property(
        "sampler_small",
        "sample follows log_prob (exact probabilities or CDF)",
        lambda m: (
            subject.offers(m, "log_prob", "sample")
            and (subject.is_enumerable(m) or (subject.is_integrable(m) and subject.has_exact_log_prob(m)))
        ),
        _sampler_small,
        True,
    ),
    Property("rsample", "rsample returns its own log_prob", _has("rsample", "log_prob"), _reparameterized),
    Property(
        "detailed_balance",
        "the acceptance ratio balances the proposal",
        lambda m: hasattr(m, "log_ratio") and hasattr(m, "log_proposal"),
        _detailed_balance,
    ),
    Property(
        "stationary",
        "chains keep their target law",
        lambda m: (
            "chain" in m.programs
            and ("energy" in m.programs or subject.has_exact_log_prob(m))
            and subject.is_integrable(m)
        ),
        _stationary,
        True,
    ),
    Property("chain_tails", "chains survive the tails", _has("chain"), _chain_tails),
    Property("causality", "conditionals see no successor", lambda m: hasattr(m, "conditionals"), _causality),
    Property(
        "same_rows",
        "rows depend on the seed alone",
        lambda m: "sample" in m.programs or "chain" in m.programs,
        _same_rows,
    ),
    Property("batches", "rows do not see each other", _has("log_prob"), _batches),
    Property("finite_gradients", "gradients are finite, NaN never appears", _has("log_prob"), _finite_gradients),
    Property(
        "precision", "float32 is close to float64", lambda m: bool({"log_prob", "energy"} & set(m.programs)), _precision
    ),
    Property("state_dict", "the state_dict holds all state", lambda m: bool(_evaluations(m, 0)), _state),
    Property("phases", "each phase moves its own parameters alone", lambda m: bool(m.phases), _phases),
    Property("backends", "Triton computes what torch computes", _interpretable, _backends),
)
