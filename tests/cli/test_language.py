"""What the reference says is not supported yet is answered with exit status 3; what it says works does.

When something of the first list comes to work, its test fails: then take it out of here and out of `language.md`.
"""

from __future__ import annotations

import pytest

from gencompiler import api
from tests.cli.test_docs import LANGUAGE

FLOW = "model M(D = 4) {{ observed x : Real[D]  latent z : Real[D]  p(z) = Normal(0, 1)  x = z |> {} }}"
SHIFT = "bijection F(u : Real | m : Real) -> Real = u + m "
CHAIN = (
    "observed x : Real  p(x) ∝ exp(-x^2)  transition a(x' | x) { y ~ Normal(x, 1)  x' = metropolis(y) }"
    "  sample chain(a, burn_in = 10) "
)
VAE = (
    "observed x : Binary[4]  latent z : Real[2]  p(z) = Normal(0, 1)  p(x | z) = Bernoulli(logits = linear(z))"
    "  q(z | x) = Normal(m, softplus(s)) where { m, s = linear(x) } "
)
SDE = (
    "observed x : Real[2]  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t"
    "  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW }  p(x(1)) = Normal(0, 1)"
    "  def s(x : Real[2], t : Interval(0, 1)) -> Real[2] = mlp(x, fourier(t, size = 8), hidden = [8]) "
)
GAN = "observed x : Real[2]  latent z : Real[2]  p(z) = Normal(0, 1)  x = mlp(z, hidden = [8]) "

#: What `language.md` calls not supported yet: its words, and a model, or a model's statements.
PLANNED: dict[str, str] = {
    "One noise in two of its equations": (
        "observed x, v : Real  p(x, v) ∝ exp(-x^2 - v^2)"
        "  sde a(x, v | t : Positive) { dx = -x * dt + dW  dv = -v * dt + dW }"
    ),
    "Equalities of other kinds": "observed x : Real  param a : Real  p(x) = Normal(a, 1)  claim (a + 1)^2 == a^2 + 2 * a + 1",
    "repetitions of several phases": VAE
    + (
        "objective o { both: repeat(2) { update p maximize E[x ~ data, z ~ q(z | x)] log p(x, z)"
        "  update q maximize E[x, z ~ p] log q(z | x) } }  train o"
    ),
    "a length of another axis than the first": "model M(T : Count = 4) { observed x : Real[2, T]  p(x[:, t]) = Normal(0, 1) }",
    "`Orthogonal(n, m)`": "observed x : Orthogonal(3, 3)  p(x) = Normal(0, 1)",
    "`Invertible(n)`": "observed x : Invertible(3)  p(x) = Normal(0, 1)",
    "`Lower(n)`": "observed x : Lower(3)  p(x) = Normal(0, 1)",
    "`Upper(n)`": "observed x : Upper(3)  p(x) = Normal(0, 1)",
    "guards that compare anything else": "observed x : Real[4]  param a : Real  p(x[t]) = Normal(a, 1) if a > 0",
    "Circles along another axis than the first": (
        "observed x, y : Real[2, 3]  p(x[:, t] | y[:, <t]) = Normal(sum(y[:, <t]), 1)"
        "  p(y[:, t] | x[:, <=t]) = Normal(sum(x[:, <=t]), 1)"
    ),
    "several targets": "observed x : Real, y : Real  param a : Real  p(x, y) = Normal(a, 1)",
    "with a moved bound": "observed x : Real[4]  p(x[i] | x[<i]) = Normal(sum(x[<i - 1]), 1)",
    "`x[>=i]`": "observed x, y : Real[4]  p(y) = Normal(0, 1)  p(x[i] | y) = Normal(sum(y[>=i]), 1)",
    "`x[!=i]`": "observed x, y : Real[4]  p(y) = Normal(0, 1)  p(x[i] | y) = Normal(sum(y[!=i]), 1)",
    "`transformer`": "observed x : Real[4]  p(x[i] | x[<i]) = Normal(transformer(x[<i]), 1)",
    "Lists of several distributions": (
        "observed x : Real  param a : Real[2]  p(x) = Mixture(logits = a, [Normal(0, 1), Laplace(0, 1)])"
    ),
}

#: What `language.md` says works: its words, and a model's statements.
SUPPORTED: dict[str, str] = {
    "Components that have little in common stand in a list": (
        "given c : Real[2]  observed x : Real  param s : Positive"
        "  p(x) = Mixture(logits = linear(c), [Normal(linear(c), 0.5), Normal(mlp(c, hidden = [8]), s)])  evaluate exact"
    ),
    "Parameters after the bar are set where it is used": (
        "observed x : Real  def f(u : Real | a : Real) -> Real = a * u  p(x) = Normal(f(1 | a = 2), 1)  evaluate exact"
    ),
    "`h[t] = …`, guards on indices": (
        "observed x : Real[4]  param a : Real[4]  h[t] = 2 * a[t] if t < 2  h[t] = a[t] if t >= 2  p(x[t]) = Normal(h[t], 1)"
        "  evaluate exact"
    ),
    "equations in turns": (
        "observed x : Real[3], y : Real[3]  p(x[i] | y[<i]) = Normal(sum(y[<i]), 1)"
        "  p(y[i] | x[<=i]) = Normal(sum(x[<=i]), 1)  evaluate exact"
    ),
    "declared, `latent h : Real[T, n]`": (
        "observed x : Real[3]  latent h : Real[3, 2]  param a : Real[2]  h[t] = a * t  p(x[t] | h[t]) = Normal(sum(h[t]), 1)"
        "  evaluate exact"
    ),
    "along any number of paths": (
        "observed x : Real  p(x) ∝ exp(-x^4)"
        "  density a(x | t : Interval(0, 1)) ∝ p(x)^t * Normal(x | 0, 1)^(1 - t)"
        "  density b(x | t : Interval(0, 1)) ∝ p(x)^t * Normal(x | 0, 2)^(1 - t)"
        "  transition m(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 1)  x' = metropolis(y, target = a) }"
        "  transition n(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 1)  x' = metropolis(y, target = b) }"
        "  evaluate ais(a, m)  evaluate ais(b, n)"
    ),
    "`ais(T)` without a path": CHAIN + "evaluate ais(a)",
    "`VonMises(mean, concentration)`": "observed x : Angle  param a : Real  p(x) = VonMises(a, 1)",
    "`T : Count = 16` in a header": (
        "model M(T : Count = 16) { observed x : Real[T]  p(x[t] | x[<t]) = Normal(sum(x[<t]), 1) }"
    ),
    "`Poisson(rate)`": "observed x : Count  param a : Real  p(x) = Poisson(exp(a))",
    "`Beta(a, b)`": "observed x : Unit  param a : Positive  p(x) = Beta(a, 1)",
    "`Gamma(shape, rate)`": "observed x : Positive  param a : Positive  p(x) = Gamma(1, a)",
    "`StudentT(freedom, mean, scale)`": "observed x : Real  param a : Real  p(x) = StudentT(3, a, 1)",
    "`p(z[t - 1] | z[t])`, from the last element to the first": (
        "observed x : Real[4]  p(x[3]) = Normal(0, 1)  p(x[i - 1] | x[i]) = Normal(x[i], 1)  evaluate exact"
    ),
    "`latent o : Permutation(n)` is an order": (
        "observed x : Binary[3]  latent o : Permutation(3)  p(o) = Uniform()  q(o | x) = Uniform()  evaluate importance(K = 4)"
        "  p(x[o[i]] | x[o[<i]], o) = Bernoulli(logits = sum(scatter(x[o[<i]], o[<i], 3)) + sum(indicator(o[<i])))"
    ),
    "composition, `transition both = refresh |> move`": CHAIN + "transition b(x' | x) = a |> a  claim stationary(b, p)",
    "`ergodic(T)` (it reaches every state)": CHAIN + "claim ergodic(a)",
    "distributions piped through them": "observed x : Positive  param s : Positive  p(x) = Normal(0, s) |> exp",
    "running sums `cumsum(v)`": "observed x : Real[3]  param a : Real[3]  p(x) = Normal(cumsum(a), 1)",
    "within another `repeat`": SHIFT + FLOW.format("repeat(2) { repeat(2) { F } }"),
    "`repeat(l in n) { stages }`": SHIFT + FLOW.format("repeat(l in 2) { F }"),
    "of a matrix `transpose`": (
        "bijection F(u : Real[D] | W : Invertible(D)) -> Real[D] = inverse(transpose(W)) @ u " + FLOW.format("F")
    ),
    "`q = inverse(p)`": (
        "observed x : Binary  latent z : Binary  p(z) = Bernoulli(0.5)  p(x | z) = Bernoulli(logits = z)  q = inverse(p)"
    ),
    "`[[0.1, 0.9], [0.7, 0.3]][a, b]`": (
        "observed x, a, b : Binary  p(a) = Bernoulli(0.5)  p(b) = Bernoulli(0.5)"
        "  p(x | a, b) = Bernoulli([[0.1, 0.9], [0.7, 0.3]][a, b])  evaluate exact"
    ),
    "`either = tub or lung`": (
        "observed either : Binary  latent tub, lung : Binary  p(tub) = Bernoulli(0.1)  p(lung) = Bernoulli(0.2)"
        "  either = tub or lung  evaluate exact"
    ),
    "`q(z | x) = Delta(mlp(x))`": (
        "observed x : Real  latent z : Real  p(z) = Normal(0, 1)  p(x | z) = Normal(z, 1)  q(z | x) = Delta(mlp(x))"
    ),
    "`Categorical(logits = …)`": (
        "observed x : Category(3)  param a : Real[3]  p(x) = Categorical(logits = a)  train maximum_likelihood"
    ),
    "`q` is by custom the recognition joint": VAE + "train elbo  evaluate importance(K = 10)",
    "finite latent variables are summed over": (
        "observed x : Real[2]  latent z : Binary[3]  p(z) = Bernoulli(logits = bias())  p(x | z) = Normal(linear(z), 1)"
        "  train maximum_likelihood"
    ),
    "linear-Gaussian ones integrated": (
        "observed x : Real[4]  latent z : Real[2]  param W : Real[4, 2], s : Positive  p(z) = Normal(0, 1)"
        "  p(x | z) = Normal(W @ z, s)  train maximum_likelihood"
    ),
    "Components may run over several indices": (
        "observed x : Real  param a, t : Real[2, 3], m : Real[2]"
        "  p(x) = Mixture(logits = for k, s: a[k, s], for k, s: Normal(m[k], exp(t[k, s])))"
    ),
    "`wavenet(x[<t], hidden = C)`": "observed x : Real[6]  p(x[t] | x[<t]) = Normal(wavenet(x[<t], hidden = 4, layers = 2), 1)",
    "`pixelcnn(x[<(i, j)], hidden = C)`": (
        "observed x : Real[4, 4]  p(x[i, j] | x[<(i, j)]) = Normal(pixelcnn(x[<(i, j)], hidden = 4, layers = 1), 1)"
    ),
    "`window(x[<(i, j)], radius = R)`": (
        "observed x : Real[4, 4]  param a : Real[4]  p(x[i, j] | x[<(i, j)]) = Normal(a @ window(x[<(i, j)], radius = 1), 1)"
    ),
    "`softmax`": "observed x : Real[3]  param a : Real[3]  p(x) = Normal(softmax(a), 1)  train maximum_likelihood",
    "`sample reverse_sde(score, sde, steps = n)`": SDE
    + "train denoising_score_matching(s, vp) sample reverse_sde(s, vp)",
    "solvers](mechanisms/diffusion.md#solvers) with options": (
        SDE + "sample probability_flow(s, vp, steps = 10, solver = heun(rho = 7))"
    ),
    "`evaluate fokker_planck(sde, start = Normal(2, 0.1), grid = 400, steps = 400)`": (
        SDE + "evaluate fokker_planck(vp, start = Normal(2, 0.1), grid = 400, steps = 400)"
    ),
    "`dopri5(tolerance = 1e-5)`": SDE + "sample probability_flow(s, vp, solver = dopri5(tolerance = 1e-5))",
    "`corrector = langevin(snr = 0.16, steps = 1)`": (
        SDE + "sample reverse_sde(s, vp, steps = 10, corrector = langevin(snr = 0.16, steps = 1))"
    ),
    "`exact` or `hutchinson`": SDE + "evaluate probability_flow(s, vp, divergence = hutchinson)",
    "several independent noises": (
        "observed x : Real  p(x) = Normal(0, 1)  sde a(x | t : Positive) { dx = -x * dt + 1 * dW1 + 1 * dW2 }"
        "  claim stationary(a, p)"
    ),
    "`marginals(a) == marginals(b)`": (
        "observed x : Real  p(x) = Normal(0, 1)  sde a(x | t : Positive) { dx = -x * dt + sqrt(2) * dW }"
        "  sde b(x | t : Positive) { dx = -x * dt + sqrt(2) ∘ dW }  claim marginals(a) == marginals(b)"
    ),
    "`extern def": (
        "observed x : Real[2]  latent z : Real[2]  extern def g(z : Real[2]) -> Real[2]  p(z) = Normal(0, 1)"
        "  p(x | z) = Normal(g(z), 1)  q(z | x) = Normal(linear(x), 1)  train elbo"
    ),
    "`evaluate energy_distance`": (
        GAN + "def C(x : Real[2]) -> Unit = sigmoid(mlp(x))  train non_saturating(C)  evaluate energy_distance"
    ),
    "`train non_saturating(C)`": GAN + "def C(x : Real[2]) -> Real = mlp(x, hidden = [8])  train wasserstein(C)",
}


def model(text: str) -> str:
    """A whole spec of some statements."""
    whole = text.startswith(("model", "bijection", "density"))
    return text if whole else f"model M {{ {text} }}"


@pytest.mark.parametrize("words", PLANNED)
def test_what_is_not_supported_yet_says_so(words: str) -> None:
    assert words in LANGUAGE
    result = api.check(model(PLANNED[words]))
    assert result.exit_status != 0, f"{words} is supported now: say so in language.md, and take it out of this list"
    assert result.exit_status == 3, result.render()


@pytest.mark.parametrize("words", SUPPORTED)
def test_what_is_supported_passes(words: str) -> None:
    assert words in LANGUAGE
    result = api.check(model(SUPPORTED[words]))
    assert result.exit_status == 0, result.render()
