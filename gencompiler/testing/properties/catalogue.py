"""The table of properties: when each applies, and how it is searched or sampled."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor

from gencompiler.runtime.modules import Model
from gencompiler.testing import spaces, strategies, subject
from gencompiler.testing.properties import (
    backends,
    batches,
    causality,
    chain,
    density,
    diffusion,
    latent,
    looking,
    maps,
    numerics,
    sampler,
    state,
    training,
)
from gencompiler.testing.properties.looking import Effort, Make
from gencompiler.testing.strategies import Perturbation
from gencompiler.testing.subject import Subject
from gencompiler.testing.view import Setting, has_view, view

#: Rows with more elements than this are large.
_SMALL_ROW = 8

#: A density that is a sum of more terms than this is costly.
_FEW_TERMS = 32


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
        self.run(make, effort or Effort())

    def __str__(self) -> str:
        return self.name


def applicable(model: Model) -> tuple[Property, ...]:
    """The properties that this model must have, in the order of the table."""
    if not has_view(model):
        return ()
    seen = view(model)
    return tuple(p for p in PROPERTIES if p.applies(seen))


def _on_a_grid(model: Subject) -> bool:
    """Whether a density is integrated on a grid of points."""
    smooth = subject.is_integrable(model) and subject.has_exact_log_prob(model)
    return smooth and not subject.has_inner_ends(model)


# -- the properties, as they are run ---------------------------------------------------------------------------------


def _evaluations(model: Subject, seed: int) -> list[tuple[str, Callable[[Subject], Tensor]]]:
    """What can be computed with a model and compared between two copies of it."""
    field = subject.observed(model)
    x = subject.on_support(model, strategies.make_rows(field, 33, "interior", seed, torch.float64), seed)
    found: list[tuple[str, Callable[[Subject], Tensor]]] = []
    if subject.has_density(model):
        found.append(("log_prob", lambda m: subject.log_prob(m, x, seed=seed)))
    if "energy" in model.programs:
        found.append(("energy", lambda m: m.energy(x)))
    if subject.offers(model, "forward", "inverse"):
        z = strategies.make_rows(maps.base(model), 33, "interior", seed, torch.float64)
        found.append(("forward's log|det|", lambda m: m.forward(z.to(m.dtype))[1]))
    return found


def _mass(make: Make, effort: Effort) -> None:
    for model, seed in looking.few(make, effort):
        if subject.is_enumerable(model):
            density.check_mass_by_enumeration(model, seed, effort.count(density.DRAWS))
        else:
            density.check_mass_by_quadrature(model, seed)


def _off_support(make: Make, effort: Effort) -> None:
    field = looking.observed(make)

    def check(setting: Setting, seed: int) -> None:
        off = strategies.rows_off_support(field, 7, seed)
        if off is None:
            raise ValueError(f"nothing lies outside {field.support}")
        on = strategies.make_rows(field, 5, "mixed", seed)
        density.check_off_support(setting.of(make, alike=True), off, on)

    looking.search(check, effort, setting=looking.drawn_settings(), seed=st.integers(0, 2**31 - 1))


def _sampler_ratios(make: Make, effort: Effort) -> None:
    # Errors add up over the elements of a row, and so does the cost: large rows need fewer samples.
    large = looking.observed(make).size > _SMALL_ROW
    pilot = effort.count(sampler.PILOT // 6 if large else sampler.PILOT)
    fresh = effort.count(sampler.FRESH // 8 if large else sampler.FRESH)
    for model, seed in looking.perturbed(make, effort)[: 1 if large else None]:
        sampler.check_sampler_by_ratios(model, seed, pilot=pilot, fresh=fresh, alpha=effort.alpha)


def _sampler_small(make: Make, effort: Effort) -> None:
    count = effort.count(sampler.SMALL)
    for model, seed in looking.few(make, effort):
        if subject.is_enumerable(model):
            draws = effort.count(density.DRAWS)
            sampler.check_sampler_by_enumeration(model, seed, count=count, draws=draws, alpha=effort.alpha)
        else:
            sampler.check_sampler_by_quadrature(model, seed, count=count, alpha=effort.alpha)


def _reparameterized(make: Make, effort: Effort) -> None:
    def check(setting: Setting, count: int, seed: int) -> None:
        sampler.check_rsample(setting.of(make), count, seed)

    sizes = strategies.batch_sizes(make().tile)
    looking.search(check, effort, setting=looking.drawn_settings(), count=sizes, seed=strategies.seeds())


def _detailed_balance(make: Make, effort: Effort) -> None:
    def check(setting: Setting, x: Tensor, y: Tensor) -> None:
        chain.check_detailed_balance(setting.of(make, alike=True), x, y)

    rows = strategies.rows(looking.observed(make), 9, torch.float64, ("interior", "edges"))
    looking.search(check, effort, setting=looking.drawn_settings(), x=rows, y=rows)


def _stationary(make: Make, effort: Effort) -> None:
    for model, seed in looking.perturbed(make, effort):
        chain.check_stationary(model, seed, chains=effort.count(chain.CHAINS), alpha=effort.alpha)


def _chain_tails(make: Make, effort: Effort) -> None:
    def check(setting: Setting, start: Tensor, seed: int) -> None:
        chain.check_chain_survives_tails(setting.of(make), start, seed)

    rows = strategies.rows(looking.observed(make), 21)
    looking.search(check, effort, setting=looking.drawn_settings(), start=rows, seed=strategies.seeds())


def _causality(make: Make, effort: Effort) -> None:
    field = looking.observed(make)

    def check(setting: Setting, x: Tensor, other: Tensor) -> None:
        model = subject.in_float64(setting.of(make, alike=True))
        causality.check_causality(model.conditionals, x, other)

    rows = strategies.rows(field, 5, torch.float64)
    looking.search(check, effort, setting=looking.drawn_settings(), x=rows, other=rows)


def _same_rows(make: Make, effort: Effort) -> None:
    # Past the first tile; where a sample takes hundreds of steps, not far.
    tile = make().tile
    most = tile // 4 + 3 if "reverse" in make().programs else 2 * tile + 3

    def check(setting: Setting, count: int, seed: int) -> None:
        model = setting.of(make)
        counts = (min(count, most), min(model.tile + 3, most))
        if "sample" in model.programs:
            batches.check_same_rows(lambda n: model.sample(n, seed=seed), counts)
        if "chain" in model.programs:
            batches.check_same_rows(lambda n: subject.chain_draws(model, n, seed), counts)

    sizes = strategies.batch_sizes(tile)
    effort = looking.affordable(make, effort)
    looking.search(check, effort, setting=looking.drawn_settings(), count=sizes, seed=strategies.seeds())


def _batches(make: Make, effort: Effort) -> None:
    tile = make().tile

    def check(setting: Setting, x: Tensor, seed: int) -> None:
        batches.check_batch(setting.of(make), x, seed)

    rows = strategies.rows(looking.observed(make), strategies.batch_sizes(tile), torch.float64, ("interior",))
    looking.search(check, effort, setting=looking.drawn_settings(), x=rows, seed=strategies.seeds())


def _finite_gradients(make: Make, effort: Effort) -> None:
    def check(setting: Setting, x: Tensor, seed: int) -> None:
        numerics.check_finite_gradients(setting.of(make), x, seed)

    # An encoder may overflow far out, where its weights are rightly not numbers.
    patterns = strategies.PATTERNS if "log_prob" in make().programs else ("interior", "edges")
    rows = strategies.rows(looking.observed(make), 9, patterns=patterns)
    looking.search(check, effort, setting=looking.drawn_settings(), x=rows, seed=strategies.seeds())


def _precision(make: Make, effort: Effort) -> None:
    def check(setting: Setting, seed: int) -> None:
        model = setting.of(make)
        for label, evaluate in _evaluations(model, seed):
            numerics.check_precision(model, evaluate, label)

    seeds = st.integers(0, 2**31 - 1)
    looking.search(check, effort, setting=looking.drawn_settings((0.0, 0.1, 0.5)), seed=seeds)


def _state(make: Make, effort: Effort) -> None:
    def check(setting: Setting, dtype: torch.dtype, seed: int) -> None:
        model = setting.of(make).to(dtype)
        for _, evaluate in _evaluations(model, seed):
            state.check_state_dict(lambda: view(make(), setting.conditions), model, evaluate)

    seeds = st.integers(0, 2**31 - 1)
    looking.search(check, effort, setting=looking.drawn_settings((1.0,)), dtype=strategies.dtypes(), seed=seeds)


def _phases(make: Make, effort: Effort) -> None:
    def check(setting: Setting, x: Tensor, seed: int) -> None:
        model = setting.of(make)
        training.check_phases(model, subject.on_support(model, x, seed), seed)

    rows = strategies.rows(looking.observed(make), 9, patterns=("interior",))
    looking.search(check, effort, setting=looking.drawn_settings((0.1, 0.5)), x=rows, seed=strategies.seeds())


def _samples(make: Make, effort: Effort) -> None:
    def check(setting: Setting, count: int, seed: int) -> None:
        sampler.check_samples_in_support(setting.of(make), count, seed)

    effort = looking.affordable(make, effort)
    sizes = strategies.batch_sizes(make().tile // 4)
    looking.search(check, effort, setting=looking.drawn_settings((0.0, 0.1, 0.3)), count=sizes, seed=strategies.seeds())


def _encode(make: Make, effort: Effort) -> None:
    def check(setting: Setting, x: Tensor, seed: int) -> None:
        latent.check_encode(setting.of(make), x, seed)

    rows = strategies.rows(looking.observed(make), 7, torch.float64, ("interior",))
    looking.search(check, effort, setting=looking.drawn_settings(), x=rows, seed=strategies.seeds())


def _decode(make: Make, effort: Effort) -> None:
    def check(setting: Setting, seed: int) -> None:
        latent.check_decode(setting.of(make), 7, seed)

    looking.search(check, effort, setting=looking.drawn_settings(), seed=st.integers(0, 2**31 - 1))


def _composition(make: Make, effort: Effort) -> None:
    def check(setting: Setting, seed: int, first: int, cut: int) -> None:
        diffusion.check_composition(setting.of(make), 9, seed, first, cut)

    cuts = {"first": st.integers(0, 3), "cut": st.integers(1, diffusion.STEPS - 1)}
    looking.search(check, effort, setting=looking.drawn_settings(), seed=strategies.seeds(), **cuts)


def _trajectory(make: Make, effort: Effort) -> None:
    for model, seed in looking.perturbed(make, dataclasses.replace(effort, cases=1)):
        diffusion.check_trajectory(model, 5, 3, seed)


def _backends(make: Make, effort: Effort) -> None:
    del effort  # one comparison: the interpreter is slow
    backends.check_backends(view(Perturbation(0.3, 0).apply(make())), rows=67, seed=3)


def _c_functions(make: Make, effort: Effort) -> None:
    del effort  # one comparison: what differs, differs in every row
    backends.check_c_functions(view(Perturbation(0.3, 0).apply(make())), rows=67, seed=3)


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
    """Not where each of the many densities is a large sum, and the space so small that it is enumerated."""
    if not subject.has_exact_log_prob(model) or not subject.offers(model, "log_prob", "sample"):
        return False
    terms = sum(spaces.log_states(latent) for latent in model.latents if latent.support.discrete)
    return terms <= math.log(_FEW_TERMS) or not subject.is_enumerable(model)


#: Every property there is.
PROPERTIES: tuple[Property, ...] = (
    Property("round_trip", "forward and inverse undo each other", maps.closed_form, maps.round_trip),
    Property("log_det", "log|det| is that of the Jacobian", maps.closed_form, maps.log_det),
    Property(
        "continuous_flow",
        "forward and inverse are one flow in two directions",
        lambda m: subject.offers(m, "forward", "inverse") and not maps.closed_form(m),
        maps.continuous_flow,
    ),
    Property(
        "mass",
        "the mass of the density is one",
        lambda m: subject.has_density(m) and (subject.is_enumerable(m) or _on_a_grid(m)),
        _mass,
    ),
    Property(
        "off_support",
        "log_prob is -inf off the support",
        lambda m: subject.has_density(m) and not subject.has_no_ends(m),
        _off_support,
    ),
    Property("sampler_ratios", "sample follows log_prob (ratios)", _exact_and_sampled, _sampler_ratios, True),
    Property(
        "sampler_small",
        "sample follows log_prob (exact probabilities or CDF)",
        lambda m: subject.has_density(m) and "sample" in m.programs and (subject.is_enumerable(m) or _on_a_grid(m)),
        _sampler_small,
        True,
    ),
    Property("samples", "samples are finite and in the support", _has("sample"), _samples),
    Property("rsample", "rsample returns its own log_prob", _has("rsample", "log_prob"), _reparameterized),
    Property(
        "detailed_balance",
        "the acceptance ratio balances the proposal",
        lambda m: subject.has_methods(m, "log_ratio", "log_proposal"),
        _detailed_balance,
    ),
    Property(
        "stationary",
        "chains keep their target law",
        lambda m: (
            "chain" in m.programs
            and m.capabilities.get("sample") != "approximate"  # an unadjusted chain keeps another law
            and ("energy" in m.programs or subject.has_exact_log_prob(m))
            and subject.is_integrable(m)
        ),
        _stationary,
        True,
    ),
    Property("chain_tails", "chains survive the tails", _has("chain"), _chain_tails),
    Property(
        "causality", "conditionals see no successor", lambda m: subject.has_methods(m, "conditionals"), _causality
    ),
    Property(
        "same_rows",
        "rows depend on the seed alone",
        lambda m: "sample" in m.programs or "chain" in m.programs,
        _same_rows,
    ),
    Property("batches", "rows do not see each other", subject.has_density, _batches),
    Property("finite_gradients", "gradients are finite, NaN never appears", subject.has_density, _finite_gradients),
    Property(
        "precision",
        "float32 is close to float64",
        lambda m: not subject.is_estimated(m) and (subject.has_density(m) or "energy" in m.programs),
        _precision,
    ),
    Property("state_dict", "the state_dict holds all state", lambda m: bool(_evaluations(m, 0)), _state),
    Property("phases", "each phase moves its own parameters alone", lambda m: bool(m.phases), _phases),
    Property("encode", "encode draws latent variables, row by row", _has("encode"), _encode),
    Property("decode", "decode draws rows, row by row", _has("decode"), _decode),
    Property("reverse_parts", "steps of a reverse diffusion compose", _has("start", "reverse"), _composition),
    Property("trajectory", "trajectories end in samples", _has("start", "reverse", "sample"), _trajectory),
    Property("backends", "Triton computes what torch computes", _interpretable, _backends),
    Property("native", "C computes what torch computes", backends.has_c_functions, _c_functions),
)
