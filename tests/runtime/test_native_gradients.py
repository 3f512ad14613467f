"""Gradients by C functions: those of torch, differentiable again, the same for any number of threads; the guard of what
is recomputed; torch's own checks of the operator."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime import backends, gradients, operators
from gencompiler.testing import interpreter
from gencompiler.testing.strategies import Perturbation
from tests import c_library
from tests.benchmarks.timing import threads

SPEC = """
bijection AffineCoupling(u : Real[D] | H = 12) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }
model Tiny(D = 20) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(4) { AffineCoupling |> reverse }
  train maximum_likelihood
}
"""

PARTICLES = """
model Weighted(D = 6, K = 3) {
  observed x : Real[D]
  latent   z : Real[2]
  p(z)     = Normal(0, 1)
  p(x | z) = Normal(mlp(z, hidden = [8]), 0.5)
  q(z | x) = Normal(m, softplus(s)) where { m, s = mlp(x, hidden = [8]) }
  train iwae(K = K)
}
"""

ROWS = 137


def built(folder: Path, text: str, name: str) -> Any:
    c_library.compiler()
    spec = folder / "tiny.gen"
    spec.write_text(text, encoding="utf-8")
    gencompiler.compile(spec, folder / "built")
    package = f"{name.lower()}_gradients"
    interpreter.import_package(package, Path(folder / "built" / "tiny"))
    return Perturbation(0.3, 0).apply(getattr(importlib.import_module(f"{package}.model"), name)())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return built(tmp_path_factory.mktemp("native_gradients"), SPEC, "Tiny")


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return built(tmp_path_factory.mktemp("particles"), PARTICLES, "Weighted")


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Tensor:
    monkeypatch.setenv("GENC_NATIVE", "1")
    return torch.randn(ROWS, 20, generator=torch.Generator().manual_seed(1)).requires_grad_()


def gradients_of(model: Any, x: Tensor) -> list[Tensor]:
    leaves = [x, *model.parameters()]
    return list(torch.autograd.grad((model.log_prob(x) * torch.linspace(0.5, 1.5, ROWS)).sum(), leaves))


def by_torch(model: Any, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    with monkeypatch.context() as patch:
        patch.setenv("GENC_BACKEND", "torch")
        return gradients_of(model, x)


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).norm() <= 1e-5 * b.norm()


def test_gradients_are_those_of_torch(model: Any, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert backends.differentiable(model, "log_prob_rows", [x]) is not None
    ours = gradients_of(model, x)
    assert_equal(ours, by_torch(model, x, monkeypatch))
    with threads(2):
        monkeypatch.setattr("gencompiler.runtime.compiled.WORTH_A_THREAD", 1.0)
        assert all(map(torch.equal, gradients_of(model, x), ours))


def test_states_that_drift_are_not_used(model: Any, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no drift is small enough, all states are saved, and gradients are the same up to rounding."""
    monkeypatch.setattr(gradients, "MOST_DRIFT", -1.0)
    assert_equal(gradients_of(model, x), by_torch(model, x, monkeypatch))


def test_a_derivative_is_differentiated_by_torch(model: Any, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def penalty() -> list[Tensor]:
        (score,) = torch.autograd.grad(model.log_prob(x).sum(), x, create_graph=True)
        return list(torch.autograd.grad(score.square().sum(), list(model.parameters()), allow_unused=True))

    ours = penalty()
    monkeypatch.setenv("GENC_BACKEND", "torch")
    for a, b in zip(ours, penalty(), strict=True):
        assert (a is None) == (b is None)
        assert a is None or (a - b).norm() <= 1e-5 * (1 + b.norm())


def test_what_an_input_is_made_of_counts_once(model: Any, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def derivative(*, again: bool) -> list[Tensor]:
        leaves = list(model.parameters())
        moved = x.detach() + 0.1 * leaves[0].mean()
        return list(torch.autograd.grad(model.log_prob(moved).sum(), leaves, create_graph=again))

    ours = derivative(again=True)
    assert_equal(derivative(again=False), ours)
    monkeypatch.setenv("GENC_BACKEND", "torch")
    assert_equal(ours, derivative(again=True))


def test_the_operator_passes_the_checks_of_torch(model: Any, x: Tensor) -> None:
    program = model.programs["log_prob"]
    values = [model.value(path).detach().requires_grad_() for path in program.parameters]
    module, function = f"{model.package}.native", program.function.__name__
    arguments = (module, function, [x.detach().requires_grad_()], values, torch.arange(ROWS), 0, 0)
    torch.library.opcheck(operators._rows, arguments)


def test_a_gradient_that_comes_with_the_value(weighted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mean over rows by K draws each: once, again, among what is added up, and for any number of threads."""
    monkeypatch.setenv("GENC_NATIVE", "1")
    x = torch.randn(ROWS, 6, generator=torch.Generator().manual_seed(1))
    leaves = list(weighted.parameters())
    (way,) = backends._differentiated(f"{weighted.package}.native")["objective_phase_1_rows"].ways
    assert way.valued

    def gradient() -> list[Tensor]:
        loss = weighted.loss(x, seed=3)
        first = torch.autograd.grad(loss, leaves, retain_graph=True)
        second = torch.autograd.grad(2 * loss, leaves)
        assert all(torch.equal(2 * a, b) for a, b in zip(first, second, strict=True))
        return list(first)

    ours = gradient()
    with threads(2):
        monkeypatch.setattr("gencompiler.runtime.compiled.WORTH_A_THREAD", 1.0)
        assert all(map(torch.equal, gradient(), ours))
    monkeypatch.setenv("GENC_BACKEND", "torch")
    assert_equal(ours, list(torch.autograd.grad(weighted.loss(x, seed=3), leaves)))
