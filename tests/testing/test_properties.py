"""Every property holds for right models, and every planted error is caught by the property that is about it."""

import re

import pytest
import torch
from _pytest.mark import ParameterSet

from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model, Phase
from gencompiler.testing.properties import PROPERTIES, Effort, Property, applicable
from gencompiler.testing.statistics import TEST_FALSE_ALARM
from gencompiler.testing.view import view
from tests.testing import mechanisms, models

RIGHT = (
    models.Flow,
    models.UnitFlow,
    models.Autoregression,
    models.Quantized,
    models.Langevin,
    models.TwoPhases,
    mechanisms.Conditional,
    mechanisms.ContinuousFlow,
    mechanisms.Pair,
    mechanisms.Latent,
    mechanisms.Implicit,
    mechanisms.Diffusion,
)

BY_NAME = {p.name: p for p in PROPERTIES}


def cases() -> list[ParameterSet]:
    """Each right model with its properties; `TwoPhases` is a flow, and has nothing of its own but its phases."""
    found = [(kind, p) for kind in RIGHT for p in applicable(kind())]
    chosen = [(kind, p) for kind, p in found if kind is not models.TwoPhases or p.name == "phases"]
    return [pytest.param(kind, p, marks=[pytest.mark.slow] if p.statistical else []) for kind, p in chosen]


@pytest.mark.parametrize(("kind", "prop"), cases(), ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_right_model_has_every_property(kind: type[Model], prop: Property) -> None:
    prop.check(kind)


def test_properties_are_chosen_by_what_a_model_offers() -> None:
    chosen = {kind: {p.name for p in applicable(kind())} for kind in RIGHT}
    assert {"round_trip", "log_det", "rsample", "sampler_ratios", "finite_gradients"} <= chosen[models.Flow]
    assert not {"off_support", "mass", "stationary", "backends"} & chosen[models.Flow]
    assert {"off_support", "mass", "sampler_small"} <= chosen[models.UnitFlow]
    assert {"mass", "sampler_small", "sampler_ratios", "causality"} <= chosen[models.Autoregression]
    assert "sampler_ratios" not in chosen[models.Quantized], "its log_prob is random"
    assert {"mass", "sampler_small"} <= chosen[models.Quantized]
    assert {"stationary", "detailed_balance", "chain_tails", "same_rows"} <= chosen[models.Langevin]
    assert not {"mass", "batches", "finite_gradients"} & chosen[models.Langevin]
    assert {"round_trip", "log_det", "mass", "sampler_small", "rsample", "phases"} <= chosen[mechanisms.Conditional]
    assert {"continuous_flow", "batches", "samples"} <= chosen[mechanisms.ContinuousFlow]
    exact = {"round_trip", "log_det", "mass", "sampler_ratios", "sampler_small", "precision"}
    assert not exact & chosen[mechanisms.ContinuousFlow], "its maps are solved for"
    assert "continuous_flow" not in chosen[models.Flow] | chosen[mechanisms.Conditional], "their maps are formulas"
    assert {"sampler_ratios", "batches", "precision"} <= chosen[mechanisms.Pair]
    assert {"encode", "decode", "mass", "sampler_small", "batches"} <= chosen[mechanisms.Latent]
    assert chosen[mechanisms.Implicit] == {"samples", "same_rows"}
    assert chosen[mechanisms.Diffusion] == {"samples", "same_rows", "reverse_parts", "trajectory"}
    assert set().union(*chosen.values()) | {"backends", "native"} == set(BY_NAME)


def planted(kind: type[Model], **errors: object) -> type[Model]:
    return type("Planted", (kind,), errors)


def forgets_its_place(self: Model, n: int, *, seed: int = 0) -> torch.Tensor:
    """Rows keyed by the number of rows asked for."""
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed + n))


def centers_the_batch(self: models.Flow, x: torch.Tensor) -> torch.Tensor:
    """Batch statistics in a likelihood."""
    return models.log_normal(self._inverse(x - 0.01 * x.mean(0))[0])


def cancels(self: models.Flow, x: torch.Tensor) -> torch.Tensor:
    """A square of a difference, multiplied out."""
    big = 1e4
    z = self._inverse(x)[0]
    return -0.5 * ((z + big) ** 2 - 2 * big * (z + big) + big**2).sum(1)


def is_off(self: models.Flow, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A log|det| that misses what is there by a little."""
    z, log_det = models.Flow._inverse(self, x)
    return z, log_det + 1e-5


def looks_at_nothing(self: models.UnitFlow, x: torch.Tensor, **keys: object) -> torch.Tensor:
    """A density that trusts its rows."""
    return self._log_prob(x)


class Stateful(models.Flow):
    """Keeps a number that its state_dict does not hold."""

    count = 0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        Stateful.count += 1
        self.number = Stateful.count

    def _inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z, log_det = super()._inverse(x)
        return z * self.number, log_det


def forgets_the_phase(self: models.Flow, *paths: str) -> tuple[torch.Tensor, ...]:
    return tuple(self.value(path) for path in paths)


def overflows(self: models.Flow, x: torch.Tensor) -> torch.Tensor:
    return models.Flow._log_prob(self, x) - torch.exp(200 * self.values("scale")[0].sum())


def looks_at_the_first(self: mechanisms.Conditional, x: torch.Tensor, y: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """The condition of row 0 for all rows."""
    z, log_det = self._inverse(x, y[:1].expand_as(y), c)
    return models.log_normal(z) + log_det


def encodes_the_batch(self: mechanisms.Latent, x: torch.Tensor, rows: torch.Tensor, seed: int) -> torch.Tensor:
    return mechanisms.Latent._encode(self, x + (40 * x.double().mean(0) - 20).to(x), rows, seed)


def decodes_the_batch(self: mechanisms.Latent, z: torch.Tensor, rows: torch.Tensor, seed: int) -> torch.Tensor:
    return mechanisms.Latent._decode(self, z.flip(0), rows, seed)


def decodes_logits(self: mechanisms.Latent, z: torch.Tensor) -> torch.Tensor:
    return 1.5 * mechanisms.Latent._decode_mean(self, z) + 0.5


def has_no_weight(self: mechanisms.Latent, x: torch.Tensor, **keys: object) -> torch.Tensor:
    return torch.full((len(x),), -torch.inf)


def divides_by_zero(self: mechanisms.Implicit, x: torch.Tensor) -> torch.Tensor:
    return torch.where(x[:, :1] > 0.1, x / 0, x)


def divides(self: mechanisms.ContinuousFlow, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero by zero."""
    x, log_det = self._flow(z, 0.0, 1.0)
    return x * (z - z) / (z - z), log_det


PLANTED = [
    ("mass", planted(mechanisms.Latent, forgets=0.1), "sum to"),
    ("sampler_small", planted(mechanisms.Latent, tilt=1.5), "does not follow"),
    ("sampler_small", planted(mechanisms.Conditional, neighbour=1), "does not follow"),
    ("sampler_ratios", planted(mechanisms.Conditional, neighbour=1), "does not follow"),
    ("sampler_ratios", planted(mechanisms.Pair, lean=0.9), "does not follow"),
    ("round_trip", planted(mechanisms.Conditional, other=1), "differs from z"),
    ("continuous_flow", planted(mechanisms.ContinuousFlow, back_to=0.125), r"inverse\(forward\(z\)\) differs from z"),
    (
        "continuous_flow",
        planted(mechanisms.ContinuousFlow, back_from=0.0, back_to=-1.0),
        r"inverse\(forward\(z\)\) differs from z",
    ),
    ("continuous_flow", planted(mechanisms.ContinuousFlow, trace=-1.0), "no opposites"),
    ("continuous_flow", planted(mechanisms.ContinuousFlow, trace=0.9), "no opposites"),
    ("continuous_flow", planted(mechanisms.ContinuousFlow, _forward=divides), r"forward\(z\) is not a number"),
    ("batches", planted(mechanisms.Conditional, _log_prob=looks_at_the_first), "alone"),
    (
        "phases",
        planted(mechanisms.Conditional, phases=(Phase("one", "log_prob", update=("unused",)),)),
        "reaches nothing",
    ),
    ("encode", planted(mechanisms.Latent, _encode=encodes_the_batch), "encode of row"),
    ("encode", planted(mechanisms.Latent, latents=(Field("z", (3,), Support("Binary")),)), "the shape"),
    ("encode", planted(mechanisms.Latent, latents=(Field("z", (2,), Support("Positive")),)), "outside Positive"),
    ("encode", planted(mechanisms.Latent, log_weight=has_no_weight), "log_weight of"),
    ("decode", planted(mechanisms.Latent, _decode=decodes_the_batch), "decode of row"),
    ("decode", planted(mechanisms.Latent, _decode_mean=decodes_logits), "convex hull"),
    ("samples", planted(mechanisms.Implicit, _end=divides_by_zero), "outside Real"),
    ("reverse_parts", planted(mechanisms.Diffusion, forgets_its_step=True), "reverse steps from step"),
    ("trajectory", planted(mechanisms.Diffusion, late=1), "does not end"),
    ("round_trip", planted(models.Flow, inverse_offset=1e-6), r"inverse\(forward\(z\)\) differs from z"),
    ("log_det", planted(models.Flow, forward_sign=-1.0), "forward's log.det. is not the negative"),
    (
        "log_det",
        planted(models.Flow, _inverse=is_off),
        "autograd",
    ),
    ("mass", planted(models.UnitFlow, mass=1.001), "integrates to 1.001"),
    ("mass", planted(models.Autoregression, peek=0.3), "sum to"),
    ("mass", planted(models.Quantized, levels=5.05), "sum to"),
    ("sampler_ratios", planted(models.Flow, sign=-1.0), "does not follow"),
    ("sampler_ratios", planted(models.Flow, spread=1.03), "does not follow"),
    ("sampler_ratios", planted(models.Flow, lean=0.05), "does not follow"),
    ("sampler_ratios", planted(models.UnitFlow, spread=1.03), "does not follow"),
    ("sampler_ratios", planted(models.UnitFlow, shift=0.05), "does not follow"),
    ("sampler_ratios", planted(models.Autoregression, tilt=0.15), "does not follow"),
    ("sampler_small", planted(models.Autoregression, tilt=0.15), "does not follow"),
    ("sampler_small", planted(models.UnitFlow, shift=0.05), "does not follow"),
    ("sampler_small", planted(models.Quantized, spread=1.05), "does not follow"),
    ("rsample", planted(models.Flow, sign=-1.0), "differs from log_prob"),
    (
        "off_support",
        planted(models.UnitFlow, log_prob=looks_at_nothing),
        "NaN|nan",
    ),
    ("detailed_balance", planted(models.Langevin, ratio="target"), "breaks detailed balance"),
    ("detailed_balance", planted(models.Langevin, ratio="flipped"), "breaks detailed balance"),
    ("detailed_balance", planted(models.Langevin, ratio="none"), "breaks detailed balance"),
    ("stationary", planted(models.Langevin, ratio="none"), "does not keep its target"),
    ("stationary", planted(models.Langevin, ratio="target"), "does not keep its target"),
    ("stationary", planted(models.Langevin, drift=0.5), "does not keep its target"),
    ("chain_tails", planted(models.Langevin, ratio="none"), "left the support"),
    ("causality", planted(models.Autoregression, peek=1e-3), "element 0 depends on element 1"),
    ("same_rows", planted(models.Flow, sample=forgets_its_place), "differs from row"),
    ("batches", planted(models.Flow, _log_prob=centers_the_batch), "alone"),
    ("finite_gradients", planted(models.UnitFlow, careless=True), "nan|not finite"),
    ("precision", planted(models.Flow, _log_prob=cancels), "rounding explains"),
    ("state_dict", Stateful, "computes something else"),
    ("phases", planted(models.TwoPhases, values=forgets_the_phase), "its gradient reaches"),
    ("phases", planted(models.TwoPhases, phases=(Phase("one", "log_prob", update=("unused",)),)), "reaches nothing"),
    ("phases", planted(models.TwoPhases, _log_prob=overflows), "the loss is|not finite"),
]


@pytest.mark.parametrize(("name", "kind", "message"), PLANTED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(PLANTED)])
def test_a_planted_error_is_caught(name: str, kind: type[Model], message: str) -> None:
    prop = BY_NAME[name]
    assert prop.applies(view(kind()))
    with pytest.raises(AssertionError, match=re.compile(message)):
        prop.check(kind)


def test_every_property_has_a_planted_error() -> None:
    """Those of the back ends are planted where their code is printed, in `tests/emit`."""
    assert {name for name, _, _ in PLANTED} | {"backends", "native"} == set(BY_NAME)


@pytest.mark.slow
@pytest.mark.parametrize("prop", [p for p in PROPERTIES if p.statistical], ids=str)
def test_statistical_properties_raise_no_false_alarm(prop: Property) -> None:
    """Ten settings of the parameters of every right model, at a rate fifty thousand times that of a run.

    The rate holds at any sample size, so a tenth of the usual one will do."""
    for kind in RIGHT:
        if prop.applies(view(kind())):
            prop.check(kind, Effort(cases=10, samples=0.1, alpha=50_000 * TEST_FALSE_ALARM))
