"""Every property holds for right models, and every planted error is caught by the property that is about it."""

import re

import pytest
import torch

from gencompiler.runtime.modules import Model, Phase
from gencompiler.testing.properties import PROPERTIES, Effort, Property, applicable
from gencompiler.testing.statistics import TEST_FALSE_ALARM
from tests.testing import models

RIGHT = (
    models.Flow,
    models.UnitFlow,
    models.Autoregression,
    models.Quantized,
    models.Langevin,
    models.TwoPhases,
)

BY_NAME = {p.name: p for p in PROPERTIES}


def cases() -> list[tuple[type[Model], Property]]:
    return [(kind, p) for kind in RIGHT for p in applicable(kind())]


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
    assert set().union(*chosen.values()) | {"backends"} == set(BY_NAME)


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


PLANTED = [
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
    assert prop.applies(kind())
    with pytest.raises(AssertionError, match=re.compile(message)):
        prop.check(kind)


def test_every_property_has_a_planted_error() -> None:
    assert {name for name, _, _ in PLANTED} | {"backends"} == set(BY_NAME)


@pytest.mark.parametrize("prop", [p for p in PROPERTIES if p.statistical], ids=str)
def test_statistical_properties_raise_no_false_alarm(prop: Property) -> None:
    """Ten settings of the parameters of every right model, at a rate fifty thousand times that of a run.

    The rate holds at any sample size, so a tenth of the usual one will do."""
    for kind in RIGHT:
        if prop.applies(kind()):
            prop.check(kind, Effort(cases=10, samples=0.1, alpha=50_000 * TEST_FALSE_ALARM))
