"""How hard properties are looked at, and where: settings of a model, drawn by Hypothesis or listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model
from gencompiler.testing import strategies, subject
from gencompiler.testing.statistics import TEST_FALSE_ALARM
from gencompiler.testing.strategies import Perturbation
from gencompiler.testing.subject import Subject
from gencompiler.testing.view import Setting, view

Make = Callable[[], Model]


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


def search(check: Callable[..., None], effort: Effort, **drawn: st.SearchStrategy[Any]) -> None:
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


def drawn_settings(scales: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0)) -> st.SearchStrategy[Setting]:
    """Settings at these distances from the initial parameters, under any conditions."""
    return st.builds(Setting, strategies.perturbations(scales), st.integers(0, 2**31 - 1))


def observed(make: Make) -> Field:
    """The variable that the properties speak of."""
    return subject.observed(view(make()))


def perturbed(make: Make, effort: Effort) -> list[tuple[Subject, int]]:
    """Models at several distances from the initial parameters, each with a seed, for the statistical properties."""
    scales = (0.3, 0.1, 0.7)
    settings = [Setting(Perturbation(scales[i % 3], i), i) for i in range(effort.cases)]
    return [(setting.of(make, alike=True), 1000 * i) for i, setting in enumerate(settings)]


def few(make: Make, effort: Effort) -> list[tuple[Subject, int]]:
    """As `perturbed`, but one where probabilities must be averaged over many draws."""
    cases = perturbed(make, effort)
    return cases if subject.has_exact_log_prob(view(make())) else cases[:1]


def affordable(make: Make, effort: Effort) -> Effort:
    """Few examples where a sample takes a loop of hundreds of steps."""
    return dataclasses.replace(effort, examples=min(effort.examples, 2)) if "reverse" in make().programs else effort
