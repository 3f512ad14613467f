"""Small untrained models, one for each mechanism."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gencompiler import api

SPECS = {
    "flow": """
bijection Scale(u : Real | m : Real, s : Positive) -> Real = m + s * u
model Flow(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> Scale
  train maximum_likelihood
}""",
    "grey": """
bijection Scale(u : Real | m : Real, s : Positive) -> Real = m + s * u
model Grey(D = 16) {
  observed x : Integer(0..5)[D]
  latent   z : Real[D]
  p(z) = Logistic(0, 1)
  x = z |> Scale |> sigmoid |> quantize(5)
  train maximum_likelihood
}""",
    "vae": """
model Vae(D = 16, Z = 2, H = 8) {
  observed x : Binary[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Bernoulli(logits = mlp(z, hidden = [H]))
  q(z | x) = Normal(m, softplus(s)) where { m, s = mlp(x, hidden = [H]) }
  train elbo
}""",
    "labelled": """
model Labelled(D = 16, H = 8) {
  observed x : Binary[D]
  given    y : Category(3)
  latent   h : Binary[H]
  p(h)     = Bernoulli(logits = bias())
  p(x | h) = Bernoulli(logits = linear(h, embedding(y)))
  q(h | x) = Bernoulli(logits = linear(x, embedding(y)))
  train wake_sleep
}""",
    "generator": """
model Generator(D = 2, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z]
  p(z) = Normal(0, 1)
  x = mlp(z, hidden = [8])
  def C(x : Real[D]) -> Unit = sigmoid(mlp(x, hidden = [8]))
  train non_saturating(C)
}""",
    "diffusion": """
model Diffusion(D = 2) {
  observed x : Real[D]
  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t
  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW }
  p(x(1)) = Normal(0, 1)
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, fourier(t, size = 8), hidden = [8])
  train denoising_score_matching(score, vp)
  sample reverse_sde(score, vp, steps = 80)
}""",
    "labelled_diffusion": """
model LabelledDiffusion(D = 16) {
  observed x : Real[D]
  given    y : Category(3)
  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t
  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW }
  p(x(1)) = Normal(0, 1)
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, fourier(t, size = 8), embedding(y), hidden = [8])
  train denoising_score_matching(score, vp)
  sample reverse_sde(score, vp, steps = 70)
}""",
    "walk": """
model Walk {
  observed x : Real[1]
  p(x) ∝ exp(-U(x))
  def U(x : Real[1]) -> Real = 0.5 * x[0]^2
  transition walk(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }
  claim stationary(walk, p)
  sample chain(walk, burn_in = 50, thin = 2)
}""",
}


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], type[Any]]:
    """`kinds("vae")` is the class of that model, compiled once."""
    folder: Path = tmp_path_factory.mktemp("packages")
    made: dict[str, type[Any]] = {}

    def kind(name: str) -> type[Any]:
        if name not in made:
            spec = folder / f"pictured_{name}.gen"
            spec.write_text(SPECS[name], encoding="utf-8")
            made[name] = api.compile(spec, out=folder)
        return made[name]

    return kind
