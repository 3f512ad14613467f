"""Optimizers, schedules, clipping and averages by name."""

from __future__ import annotations

import math

import pytest
import torch

from gencompiler.runtime import optimizers
from gencompiler.runtime.errors import RunError


def quadratic(name: str, steps: int, **options: float) -> float:
    """|w - 1| after some steps down (w - 1)^2."""
    w = torch.nn.Parameter(torch.zeros(3))
    optimizer = optimizers.optimizer(name, [w], **options)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = ((w - 1) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return float((w.detach() - 1).abs().max())


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_every_optimizer_descends(name: str) -> None:
    assert quadratic(name, 200, lr=0.05) < 0.1


def test_the_catalogue_and_the_runtime_know_the_same_words() -> None:
    words = pytest.importorskip("gencompiler.catalog.words")
    assert set(words.OPTIMIZERS) == set(optimizers.OPTIMIZERS)
    assert set(words.SCHEDULES) == set(optimizers.SCHEDULES)
    for name, options in words.OPTIMIZERS.items():
        values = {"betas": (0.9, 0.99), "nesterov": False, "max_iter": 5, "history_size": 3}
        optimizers.optimizer(name, [torch.nn.Parameter(torch.zeros(1))], **{o: values.get(o, 0.5) for o in options})
    for name, options in words.SCHEDULES.items():
        optimizers.schedule(name, **dict.fromkeys(options, 1.0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optimizers.optimizer("adamm", []), "unknown optimizer `adamm`"),
        (lambda: optimizers.optimizer("adam", [torch.nn.Parameter(torch.zeros(1))], rate=1), "has no option `rate`"),
        (lambda: optimizers.schedule("sine"), "unknown schedule `sine`"),
        (lambda: optimizers.schedule("step"), "it takes: every, factor"),
    ],
)
def test_unknown_names_are_refused(make: object, words: str) -> None:
    with pytest.raises(RunError) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)


def test_schedules() -> None:
    cosine = optimizers.schedule("cosine", warmup=4, final=0.1)
    assert [cosine(s, 104) for s in (0, 3)] == [0.25, 1.0]
    assert cosine(4, 104) == 1.0
    assert cosine(54, 104) == pytest.approx(0.55)
    assert cosine(104, 104) == pytest.approx(0.1)
    assert cosine(999, 104) == pytest.approx(0.1)
    linear = optimizers.schedule("linear", final=0.0)
    assert [linear(s, 10) for s in (0, 5, 10)] == pytest.approx([1, 0.5, 0])
    step = optimizers.schedule("step", every=10, factor=0.5)
    assert [step(s, 99) for s in (9, 10, 29)] == [1, 0.5, 0.25]
    assert optimizers.schedule("constant")(7, 9) == 1


def test_rates_are_factors_of_the_first_one() -> None:
    optimizer = optimizers.optimizer("sgd", [torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    assert optimizers.set_rate(optimizer, 0.5) == pytest.approx(0.15)
    assert optimizers.set_rate(optimizer, 1.0) == pytest.approx(0.3)


def test_clipping() -> None:
    w = torch.nn.Parameter(torch.zeros(2))
    optimizer = optimizers.optimizer("sgd", [w], lr=1.0)
    for limit, norm in ((1.0, 1.0), (None, 5.0), (10.0, 5.0)):
        w.grad = torch.tensor([3.0, 4.0])
        optimizers.clip(optimizer, limit)
        assert float(w.grad.norm()) == pytest.approx(norm, rel=1e-5)


def test_averages() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 0.0)
    average = optimizers.Average(model, 0.9)
    for _ in range(3):
        torch.nn.init.constant_(model.weight, 1.0)
        average.update()
    expected = 1 - 0.9**3
    with average.applied():
        assert float(model.weight.detach()) == pytest.approx(expected)
    assert float(model.weight.detach()) == 1
    assert float(average.result()["weight"]) == pytest.approx(expected)
    other = optimizers.Average(model, 0.9)
    other.restore(average.state())
    assert torch.equal(other.result()["weight"], average.result()["weight"])
    nothing = optimizers.Average(model, None)
    nothing.update()
    with nothing.applied():
        assert float(model.weight.detach()) == 1
    assert nothing.state() == {}
    assert math.isclose(float(nothing.result()["weight"].detach()), 1)
