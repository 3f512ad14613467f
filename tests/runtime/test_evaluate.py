"""Evaluations: exact, ELBO, importance-weighted, and by samples, on models whose answers are known."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from gencompiler.runtime import data, evaluate, random
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Context, Model, RowFunction

DRAWS = ("rows", "seed", "step")


def normal_log_density(x: Tensor, mean: Tensor | float, scale: float) -> Tensor:
    return -0.5 * ((x - mean) / scale) ** 2 - math.log(scale) - 0.5 * math.log(2 * math.pi)


def log_weight_rows(x: Tensor, *, rows: Tensor, seed: int, step: int) -> Tensor:
    """z ~ N(0, 1), x | z ~ N(z, 1), so p(x) = N(0, 2) and p(z | x) = N(x / 2, 1 / 2); q(z | x) = N(x / 2, 1)."""
    mean = x[:, 0] / 2
    z = mean + random.normal(seed, rows, step, 0)
    joint = normal_log_density(z, 0.0, 1.0) + normal_log_density(x[:, 0], z, 1.0)
    return joint - normal_log_density(z, mean, 1.0)


def sample_rows(*, rows: Tensor, seed: int, step: int) -> Tensor:
    return math.sqrt(2) * random.normal(seed, rows, step, 0, 1)


class Latent(Model):
    fields = (Field("x", (1,), Support("Real")),)
    programs: ClassVar[dict[str, RowFunction]] = {
        "log_weight": RowFunction(log_weight_rows, keywords=DRAWS),
        "sample": RowFunction(sample_rows, keywords=DRAWS),
    }

    def sample(self, count: int = 1, *, context: Context = None, seed: int = 0) -> Tensor:
        from gencompiler.runtime import sampling

        drawn = sampling.sample(self, count, context, seed=seed)
        assert isinstance(drawn, Tensor)
        return drawn


#: KL(q || p(z | x)) of the model above: between N(m, 1) and N(m, 1/2).
GAP = 0.5 * (2 - 1 - math.log(2))


@pytest.fixture(scope="module")
def rows() -> data.Rows:
    x = math.sqrt(2) * np.random.default_rng(0).standard_normal((600, 1))
    return data.load(x, Latent.fields, 0.0).train


def exact(rows: data.Rows) -> Tensor:
    return normal_log_density(rows.tensors["x"][:, 0].double(), 0.0, math.sqrt(2))


def test_the_elbo_lies_below_by_the_divergence(rows: data.Rows) -> None:
    """E log w = log p(x) - KL(q || p(z | x)), in every row."""
    found = evaluate.importance(Latent(), rows, 400).elbo
    noise = 4 * math.sqrt(2) / math.sqrt(400 * len(rows))
    assert abs(found.nats - (float(exact(rows).mean()) - GAP)) < noise
    assert found.kind == "bound"
    assert found.bound == "the ELBO, 400 draws for each row"


def test_the_bound_closes_with_draws(rows: data.Rows) -> None:
    truth = float(exact(rows).mean())
    gaps = [truth - evaluate.importance(Latent(), rows, draws).log_prob.nats for draws in (1, 5, 50, 500)]
    assert gaps[0] > gaps[1] > gaps[2] > abs(gaps[3])
    # var w / w^2 = 2 / sqrt(3) - 1 for these two normals, and the bias is half of it over K
    assert gaps[3] == pytest.approx((2 / math.sqrt(3) - 1) / 1000, abs=3e-3)


def test_one_draw_is_the_elbo(rows: data.Rows) -> None:
    found = evaluate.importance(Latent(), rows, 1)
    assert found.log_prob.nats == pytest.approx(found.elbo.nats, abs=1e-12)
    assert found.effective_size == pytest.approx(1)


def test_the_effective_sample_size(rows: data.Rows) -> None:
    """K / (1 + var w / (E w)^2) for many draws: sqrt(3) / 2 of them here."""
    found = evaluate.importance(Latent(), rows, 2000)
    assert found.effective_size / 2000 == pytest.approx(math.sqrt(3) / 2, rel=0.01)
    assert found.smallest_size < found.effective_size
    assert "of 2000 draws" in str(found)


def test_the_mean_of_weights_is_taken_in_float64(rows: data.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights below the smallest float32 count all the same; a mean of exponentials would be log 0."""
    original = Model.run_batch

    def far(model: Model, *arguments: object, **options: object) -> Tensor:
        return original(model, *arguments, **options) - 1000  # type: ignore[arg-type]

    near = evaluate.importance(Latent(), rows, 10).log_prob.nats
    monkeypatch.setattr(Model, "run_batch", far)
    assert evaluate.importance(Latent(), rows, 10).log_prob.nats == pytest.approx(near - 1000, abs=1e-4)


def test_rows_do_not_depend_on_how_many_are_evaluated_at_once(rows: data.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate.importance(Latent(), rows, 3)
    monkeypatch.setattr(evaluate, "BATCH", 64)
    assert evaluate.importance(Latent(), rows, 3).log_prob.nats == pytest.approx(whole.log_prob.nats, abs=1e-9)


def test_every_draw_is_another(rows: data.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted error: the same draw again and again makes K draws no better than one."""
    original = Model.run_batch

    def same(model: Model, program: str, batch: data.Batch, *, seed: int, step: int) -> Tensor:
        return original(model, program, batch, seed=seed, step=0)

    better = evaluate.importance(Latent(), rows, 50).log_prob.nats
    monkeypatch.setattr(Model, "run_batch", same)
    assert evaluate.importance(Latent(), rows, 50).log_prob.nats < better - 0.05


def test_standard_errors_are_over_rows(rows: data.Rows) -> None:
    found = evaluate.importance(Latent(), rows, 200).log_prob
    assert found.standard_error == pytest.approx(float(exact(rows).std()) / math.sqrt(len(rows)), rel=0.02)
    assert found.rows == len(rows)


def test_a_model_without_log_prob_is_evaluated_by_its_elbo(rows: data.Rows) -> None:
    found = evaluate.evaluate(Latent(), rows, samples=3)
    assert found == evaluate.importance(Latent(), rows, 3).elbo
    assert str(found).startswith("log p(x) >= ")
    assert str(found).endswith("(540 rows; the ELBO, 3 draws for each row)")


def test_a_sampler_is_compared_by_its_samples(rows: data.Rows) -> None:
    assert evaluate.compare(Latent(), rows).p_value > 0.01
    shifted = data.load(rows.tensors["x"].numpy() + 0.5, Latent.fields, 0.0).train
    assert evaluate.compare(Latent(), shifted).p_value < 0.01


def test_samples_are_compared_given_what_the_rows_give() -> None:
    """The planted fault: a sampler that looks at no condition has the right x and the right c, and not their pairs."""

    def shifted(c: Tensor, *, rows: Tensor, seed: int, step: int) -> Tensor:
        return c[:, None] + random.normal(seed, rows, step, 0, 1)

    def deaf(c: Tensor, *, rows: Tensor, seed: int, step: int) -> Tensor:
        return math.sqrt(5) * random.normal(seed, rows, step, 0, 1)

    class Conditional(Latent):
        fields = (*Latent.fields, Field("c", (), Support("Real"), given=True))

    generator = np.random.default_rng(0)
    c = 2 * generator.standard_normal(800)
    held = data.load({"x": c[:, None] + generator.standard_normal((800, 1)), "c": c}, Conditional.fields, 0.0).train
    p_values = []
    for function in (shifted, deaf):
        model = Conditional()
        model.programs = {"sample": RowFunction(function, keywords=DRAWS)}  # type: ignore[misc]
        p_values.append(evaluate.compare(model, held).p_value)
    assert p_values[0] > 0.01
    assert p_values[1] < 0.01


def test_refusals(rows: data.Rows) -> None:
    with pytest.raises(RunError, match="0 importance weights"):
        evaluate.importance(Latent(), rows, 0)
    empty = data.Rows({"x": torch.zeros(0, 1)}, torch.arange(0))
    for ask in (lambda: evaluate.importance(Latent(), empty, 2), lambda: evaluate.compare(Latent(), empty)):
        with pytest.raises(RunError, match="no rows"):
            ask()

    class Bare(Model):
        fields = Latent.fields

    with pytest.raises(RunError, match="has no importance weights"):
        evaluate.importance(Bare(), rows, 2)


def test_what_the_spec_asks_for_is_what_is_measured(rows: data.Rows) -> None:
    class Asked(Latent):
        evaluations: ClassVar[dict[str, dict[str, float | str]]] = {"importance": {"K": 7}}

    assert evaluate.weights_asked(Latent()) is None
    assert evaluate.weights_asked(Asked()) == 7
    assert "the importance-weighted bound, K = 7" in evaluate.words(Asked(), rows)
    assert "K = 3" in evaluate.words(Asked(), rows, weights=3)
    assert evaluate.words(Latent(), rows) == str(evaluate.evaluate(Latent(), rows))


def test_a_model_that_only_samples_is_measured_by_samples(rows: data.Rows) -> None:
    class Sampler(Latent):
        programs: ClassVar[dict[str, RowFunction]] = {"sample": Latent.programs["sample"]}

    assert evaluate.evaluable(Sampler)
    assert evaluate.words(Sampler(), rows).startswith("energy distance ")


def test_modes_of_a_sampler() -> None:
    def grid_rows(*, rows: Tensor, seed: int, step: int) -> Tensor:
        centre = 2 * (5 * random.uniform(seed, rows, step, 0, 2)).floor() - 4
        return torch.where(centre == 4, 0.0, centre) + 0.05 * random.normal(seed, rows, step, 1, 2)

    class Grid(Latent):
        fields = (Field("x", (2,), Support("Real")),)
        programs: ClassVar[dict[str, RowFunction]] = {"sample": RowFunction(grid_rows, keywords=DRAWS)}

    found = evaluate.modes(Grid(), "grid25")
    assert found is not None
    assert (found.covered, found.total) == (16, 25)  # the planted fault: nothing at 4
    assert evaluate.modes(Grid(), "moons") is None


def test_the_report_has_the_same_numbers(rows: data.Rows) -> None:
    from gencompiler.report.measure import measure

    x = math.sqrt(2) * np.random.default_rng(1).standard_normal((300, 1))
    loaded = data.load(x, Latent.fields)
    found = evaluate.importance(Latent(), loaded.test, 20)
    numbers = {each.name: each for each in measure(Latent(), loaded, splits=("test",), weights=20).numbers}
    assert numbers["log p, test"].value == found.log_prob.nats
    assert numbers["ELBO, test"].value == found.elbo.nats
    assert numbers["effective sample size, test"].value == found.effective_size
    assert "the importance-weighted bound, K = 20" in numbers["log p, test"].words
    (elbo,) = measure(Latent(), loaded, splits=("test",), draws=3).numbers
    assert elbo.value == evaluate.evaluate(Latent(), loaded.test, samples=3).nats
    assert "the ELBO, 3 draws for each row" in elbo.words


def test_the_report_compares_samples_where_there_is_no_density(rows: data.Rows) -> None:
    from gencompiler.report.measure import measure

    class Grid(Latent):
        fields = (Field("x", (2,), Support("Real")),)
        programs: ClassVar[dict[str, RowFunction]] = {
            "sample": RowFunction(lambda *, rows, seed, step: random.normal(seed, rows, step, 0, 2), keywords=DRAWS)
        }

    loaded = data.load("grid25", Grid.fields)
    numbers = {each.name: each for each in measure(Grid(), loaded, splits=("test",)).numbers}
    assert numbers["energy distance, test"].value > 10 * (numbers["energy distance, test"].standard_error or 1)
    assert 0 < numbers["modes covered"].value < 25
    assert 0 < numbers["samples near a mode"].value < 0.1
