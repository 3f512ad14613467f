"""Models of every family given a class: under each class the density has the mass one, and the class matters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.testing.properties import Effort, applicable
from gencompiler.testing.spaces import states
from gencompiler.testing.strategies import Perturbation
from gencompiler.testing.view import view

#: What follows `given y : Category(3)` in a model of x : Binary[4].
BINARY = {
    "NADE": """
  param W : Real[5, D], V : Real[D, 5], U : Real[3, 5], b : Real[3, D]
  p(x[i] | x[<i]) = Bernoulli(logits = b[y][i] + V[i] @ sigmoid(U[y] + W[:, <i] @ x[<i]))
  train maximum_likelihood""",
    "orderless NADE": """
  latent o : Permutation(D)
  p(o) = Uniform()
  p(x[o[i]] | x[o[<i]], o) =
    Bernoulli(logits = mlp(scatter(x[o[<i]], o[<i], D), indicator(o[<i]), onehot(y), hidden = [5])[o[i]])
  q(o | x) = p(o)
  train orderless""",
    "recurrent": """
  p(x[t] | x[<t]) = Bernoulli(logits = linear(gru(x[<t], hidden = 5), onehot(y)))
  train maximum_likelihood""",
    "WaveNet": """
  p(x[t] | x[<t]) = Bernoulli(logits = wavenet(x[<t], onehot(y), hidden = 4, layers = 2))
  train maximum_likelihood""",
    "WaveNet written out": """
  p(x[t] | x[<t]) = Bernoulli(logits = x[<t] |> conv(4, kernel = 2) |> gated(e = g) |> conv(kernel = 1))
    where { g = embedding(y, size = 3) }
  train maximum_likelihood""",
    "recurrent, by local names": """
  p(x[t] | x[<t]) = Bernoulli(logits = linear(gru(v, g, hidden = 5)))
    where { g = embedding(y, size = 3)   v = 2 * x[<t] - 1 }
  train maximum_likelihood""",
    "belief net": """
  latent a : Binary[2], b : Binary[2]
  p(b) = Bernoulli(logits = linear(onehot(y)))
  p(a | b) = Bernoulli(logits = linear(b))
  p(x | a) = Bernoulli(logits = linear(a, onehot(y)))
  q(a | x) = Bernoulli(logits = linear(x, onehot(y)))
  q(b | a) = Bernoulli(logits = linear(a))
  train reweighted_wake_sleep(K = 3)""",
    "autoencoder": """
  latent z : Real[2]
  p(z) = Normal(linear(onehot(y)), 1)
  p(x | z) = Bernoulli(logits = linear(z, onehot(y)))
  q(z | x) = Normal(m, softplus(s) + 0.5) where { m, s = linear(x, onehot(y)) }
  train iwae_dreg(K = 3)""",
    "hidden Markov model": """
  latent z : Binary[D]
  param  a : Real[3], A : Real[3, 2], b : Real[3, 2]
  p(z[0]) = Bernoulli(logits = a[y])
  p(z[t] | z[t - 1]) = Bernoulli(logits = A[y, z[t - 1]])
  p(x[t] | z[t]) = Bernoulli(logits = b[y, z[t]])
  train maximum_likelihood""",
}
#: The same of x : Real[2].
REAL = {
    "RNADE": """
  param W : Real[5, D], c : Real[3, 5], A, M, S : Real[D, 2, 5]
  p(x[i] | x[<i]) = Mixture(logits = A[i] @ h, for k: Normal((M[i] @ h)[k], (0.3 + softplus(S[i] @ h))[k]))
    where { h = tanh(c[y] + W[:, <i] @ x[<i]) }
  train maximum_likelihood""",
    "mixture of experts": """
  param A : Real[2, D], s : Positive[2]
  p(x) = Mixture(logits = linear(onehot(y)), for k: Normal(A[k], s[k]))
  train maximum_likelihood""",
    "factor analysis": """
  latent z : Real[1]
  param  W : Real[D, 1], b : Real[3, D], sigma : Positive[D]
  p(z) = Normal(0, 1)
  p(x | z) = Normal(W @ z + b[y], sigma)
  train maximum_likelihood""",
    "latent grid": """
  latent k : Category(4)
  param  W : Real[D, 4], b : Real[3, D], s : Positive
  p(k) = Uniform()
  p(x | k) = Normal(W @ onehot(k) + b[y], s)
  train em""",
}
#: A layer that is given something.
GATED = """def gated(h : Real[C, T] | e : Real[N], N = 3) -> Real[C, T] = tanh(a) * sigmoid(b)
  where { a, b = conv(h, size = C, kernel = 2, context = e) }
"""
MODELS = {
    name: f"{GATED if 'gated' in body else ''}model Given(D = {size}) {{\n  observed x : {support}[D]\n  given y : Category(3){body}\n}}\n"
    for support, size, bodies in (("Binary", 4, BINARY), ("Real", 2, REAL))
    for name, body in bodies.items()
}


@pytest.mark.parametrize("name", MODELS)
def test_a_density_under_each_class(name: str) -> None:
    kind: Any = gencompiler.compile(MODELS[name])
    model: Any = Perturbation(0.7, 2).apply(kind())
    mass = next(p for p in applicable(model) if p.name == "mass")
    mass.check(kind, Effort(examples=3, cases=1, samples=0.2))
    x = torch.randn(5, 2) if name in REAL else states(view(model).fields[0])[:5]
    density = model.log_prob if "log_prob" in model.programs else model.log_weight
    under = [density(x, context=torch.full((5,), y)) for y in range(3)]
    assert (under[0] - under[1]).abs().max() > 1e-3 and (under[1] - under[2]).abs().max() > 1e-3
    model.zero_grad()
    model.loss({"x": x, "y": torch.tensor([0, 1, 2, 0, 1])}, phase=model.phases[0].label).backward()
    assert any(p.grad is not None and bool((p.grad != 0).any()) for p in model.parameters())
    assert model.sample(4, context=torch.tensor([2, 0, 1, 1])).shape == (4, *x.shape[1:])


MACHINE = """
model RBM(D = 3, H = 2) {
  observed x : Binary[D]
  latent h : Binary[H]
  given y : Category(2)
  param W : Real[H, D], a : Real[2, D], b : Real[2, H]
  p(x, h) ∝ exp(a[y] @ x + b[y] @ h + h @ W @ x)
  transition gibbs(x' | x) { h ~ p(h | x)   x' ~ p(x | h) }
  train contrastive_divergence(gibbs, k = 2)
  sample chain(gibbs, burn_in = 20)
}
"""


def test_a_machine_is_trained_under_its_own_class() -> None:
    """The prelude's objective draws a `y` of its own, which is not the class that this model calls so."""
    model: Any = Perturbation(0.7, 2).apply(gencompiler.compile(MACHINE)())
    x, y = states(view(model).fields[0]), torch.arange(8) % 2
    model.loss({"x": x, "y": torch.zeros_like(y)}).backward()
    own = model.a.grad
    assert own[0].abs().max() > 0 and (own[1] == 0).all()
    kept = MACHINE.replace("contrastive_divergence(gibbs, k = 2)", "persistent_contrastive_divergence(gibbs)")
    with pytest.raises(CompileError, match="stored chains of a model with given variables"):
        gencompiler.compile(kept)
