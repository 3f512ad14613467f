"""Statements about transitions and energies: true ones, and false ones that differ in the smallest way.

Each is (name, the model's body, reason).  A false statement names the error that was planted.
"""

from __future__ import annotations

Statement = tuple[str, str, str]

_REAL = "observed x : Real\n"
_PLANE = "observed x : Real[2]\n"
_POSITIVE = "observed x : Positive\n"
_PAIR = "observed x : Binary\nlatent h : Binary\nparam a, b : Real\np(x, h) ∝ exp(a * x + b * h + x * h)\n"
_RBM = """observed x : Binary[3]
latent h : Binary[2]
param W : Real[3, 2], b : Real[3], c : Real[2]
p(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)
"""
_ISING = """observed x : Binary[4]
param W : Real[4, 4], b : Real[4]
p(x) ∝ exp(b @ x + sum(for i, j in 0..i: W[i, j] * x[i] * x[j]))
"""
_HMC = """observed x : Real
latent v : Real
def U(x : Real) -> Real = x^4 / 4 - x
p(x, v) ∝ exp(-U(x) - v^2 / 2)
bijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))
  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }
bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)
transition refresh(x', v' | x, v) { v' ~ p(v) }
"""
ENERGIES = {
    "gaussian": "exp(-x^2 / 2)",
    "quartic": "exp(-x^4 / 4)",
    "skewed": "exp(-x^4 / 4 + x)",
    "logistic": "exp(-softplus(x) - softplus(-x))",
    "student": "1 / (1 + x^2)^3",
}
VECTORS = {
    "gaussian": "exp(-x @ x / 2)",
    "banana": "exp(-0.5 * x[0]^2 - 2 * (x[1] - x[0]^2)^2)",
    "wells": "exp(-sum(x^4) / 4 + sum(x^2))",
}


def _true() -> list[Statement]:
    found: list[Statement] = []
    for name, energy in ENERGIES.items():
        own = f"{_REAL}p(x) ∝ {energy}\n"
        found += [
            (
                f"walk_{name}",
                own + "transition t(x' | x) { y ~ Normal(x, 0.7)   x' = metropolis(y) }\nclaim stationary(t, p)",
                "a symmetric proposal and the ratio of the target",
            ),
            (
                f"walk_by_hand_{name}",
                own
                + f"def f(x : Real) -> Real = log({energy})\n"
                + "transition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(f(y) - f(x)))) }\n"
                + "claim reversible(t, p)",
                "of a symmetric proposal the ratio is that of the target",
            ),
            (
                f"barker_{name}",
                own
                + f"def f(x : Real) -> Real = log({energy})\n"
                + "transition t(x' | x) { y ~ Laplace(x, 1)   x' = accept(y, sigmoid(f(y) - f(x))) }\n"
                + "claim reversible(t, p)",
                "r / (1 + r) is a balancing function (Barker 1965)",
            ),
            (
                f"independent_{name}",
                own + "transition t(x' | x) { y ~ Normal(1, 2)   x' = metropolis(y) }\nclaim stationary(t, p)",
                "the ratio of an independent proposal has both densities in it",
            ),
            (
                f"noise_{name}",
                own
                + "transition t(x' | x) { u ~ Normal(0, 1)   y = 0.9 * x + 0.3 * u   x' = metropolis(y) }\n"
                + "claim stationary(t, p)",
                "a proposal made of noise has the density of its pushforward",
            ),
            (
                f"twice_{name}",
                own
                + "transition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\n"
                + "transition b(x' | x) { y ~ Laplace(x, 2)   x' = metropolis(y) }\n"
                + "transition t = a^3 |> b\nclaim stationary(t, p)",
                "a composition keeps what its parts keep",
            ),
            (
                f"mixed_{name}",
                own
                + "transition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\n"
                + "transition b(x' | x) { y ~ Normal(0, 3)   x' = metropolis(y) }\n"
                + "transition t = mixture([0.25, 0.75], a, b)\nclaim stationary(t, p)",
                "a mixture with constant weights keeps what its parts keep",
            ),
        ]
    for name, energy in VECTORS.items():
        own = f"{_PLANE}p(x) ∝ {energy}\ndef U(x : Real[2]) -> Real = -log({energy})\n"
        found += [
            (
                f"mala_{name}",
                f"{_PLANE}p(x) ∝ exp(-U(x))\ndef U(x : Real[2]) -> Real = {_potential(energy)}\n"
                + "transition t(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2))   x' = metropolis(y) }\n"
                + "claim stationary(t, p)",
                "Langevin proposals with their ratio (Roberts & Tweedie 1996)",
            ),
            (
                f"reflection_{name}",
                own + "transition t(x' | x) { y ~ Normal(-x, 1)   x' = metropolis(y) }\nclaim reversible(t, p)",
                "q(y | x) depends on |x + y|, and is symmetric",
            ),
            (
                f"scaled_{name}",
                own
                + "param s : Positive\n"
                + "transition t(x' | x) { y ~ Normal(x, s)   x' = metropolis(y) }\nclaim stationary(t, p)",
                "for every scale",
            ),
        ]
    found += [
        (
            "gibbs_pair",
            _PAIR + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)",
            "Gibbs sampling",
        ),
        (
            "gibbs_marginal",
            _PAIR + "transition t(x' | x) { h ~ p(h | x)   x' ~ p(x | h) }\nclaim stationary(t, p)",
            "the auxiliary variable is drawn anew",
        ),
        (
            "gibbs_by_hand",
            _PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b + x) }\nclaim stationary(t, p)",
            "the conditional, written out",
        ),
        (
            "gibbs_ergodic",
            _PAIR + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim ergodic(t)",
            "every variable is drawn anew",
        ),
        (
            "scan_mixture",
            _PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([0.5, 0.5], g, k)\nclaim stationary(t, p)\nclaim ergodic(t)",
            "a random scan",
        ),
        (
            "rbm",
            _RBM + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)",
            "block Gibbs",
        ),
        (
            "rbm_backwards",
            _RBM + "transition t(x', h' | x, h) { x' ~ p(x | h)   h' ~ p(h | x') }\nclaim stationary(t, p)",
            "block Gibbs, the other way round",
        ),
        (
            "rbm_tempered",
            _RBM
            + "density path(x, h | t : Interval(0, 1)) ∝ exp(t * (b @ x + c @ h + x @ W @ h))\ntransition k(x', h' | x, h, t : Interval(0, 1)) { h' ~ path(h | x, t)   x' ~ path(x | h', t) }\nclaim stationary(k, path)",
            "at every temperature",
        ),
        (
            "rbm_power",
            _RBM
            + "transition g(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\ntransition t = g^10\nclaim stationary(t, p)",
            "a power of what keeps p",
        ),
        (
            "ising_site",
            _ISING + "transition t(x' | x, i : Integer(0..4)) { x'[i] ~ p(x[i] | x[!=i]) }\nclaim stationary(t, p)",
            "one full conditional, whichever",
        ),
        (
            "ising_scan",
            _ISING
            + "transition s(x' | x, i : Integer(0..4)) { x'[i] ~ p(x[i] | x[!=i]) }\ntransition t(x' | x) = repeat(i in 4) { s(i = i) }\nclaim stationary(t, p)\nclaim ergodic(t)",
            "a full scan",
        ),
        (
            "ising_first",
            _ISING + "transition t(x' | x) { x'[0] ~ p(x[0] | x[!=0]) }\nclaim stationary(t, p)",
            "one constant place",
        ),
        (
            "field_site",
            "observed x : Real[3]\nparam r : Positive\np(x) ∝ exp(-r * x @ x / 2 + 0.1 * sum(for i, j in 0..i: x[i] * x[j]))\ntransition t(x' | x, i : Integer(0..3)) { x'[i] ~ p(x[i] | x[!=i]) }\nclaim stationary(t, p)",
            "a Gaussian field, one element",
        ),
        (
            "gaussian_pair",
            "observed x : Real[3]\nlatent h : Real[3]\np(x, h) ∝ exp(-x @ x - h @ h + x @ h)\ntransition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)\nclaim ergodic(t)",
            "Gaussian blocks",
        ),
        (
            "gaussian_binary",
            "observed x : Real[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], c : Real[2]\np(x, h) ∝ exp(-x @ x / 2 + c @ h + x @ W @ h)\ntransition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)",
            "a Gaussian-Bernoulli machine",
        ),
        (
            "multiplicative",
            _POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = metropolis(y) }\nclaim stationary(t, p)",
            "the Jacobian of the exponential is in the ratio",
        ),
        (
            "multiplicative_by_hand",
            _POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = accept(y, min(1, exp(2 * log(y) - y - 2 * log(x) + x))) }\nclaim stationary(t, p)",
            "π(y) y / (π(x) x)",
        ),
        (
            "inversion",
            _POSITIVE
            + "p(x) ∝ exp(-x - 1 / x)\ntransition t(x' | x) { x' = metropolis(1 / x) }\nclaim stationary(t, p)",
            "an involution with its Jacobian",
        ),
        (
            "sign",
            _REAL + "p(x) ∝ exp(-x^4 + x)\ntransition t(x' | x) { x' = metropolis(-x) }\nclaim stationary(t, p)",
            "an involution that keeps lengths",
        ),
        (
            "negation",
            _REAL + "p(x) ∝ exp(-x^4)\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
            "an even target",
        ),
        (
            "hmc",
            _HMC
            + "transition move(x', v' | x, v) { y, w = (x, v) |> repeat(9) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition t = refresh |> move\nclaim stationary(t, p)",
            "momentum refresh, then an involution",
        ),
        (
            "hmc_one_step",
            _HMC
            + "transition t(x', v' | x, v) { y, w = (x, v) |> leap |> flip   x', v' = metropolis(y, w) }\nclaim stationary(t, p)",
            "one leapfrog step is reversed by a flip",
        ),
        ("flip", _HMC + "transition t(x', v' | x, v) { v' = -v }\nclaim stationary(t, p)", "the momentum is symmetric"),
        ("refresh", _HMC + "claim stationary(refresh, p)", "the momentum is drawn from its law"),
        (
            "partial_refresh",
            _HMC + "transition t(x', v' | x, v) { w ~ Normal(0.6 * v, 0.8)   v' = w }\nclaim stationary(t, p)",
            "0.6^2 + 0.8^2 = 1",
        ),
        (
            "metropolis_within_gibbs",
            "observed x : Real\nlatent h : Real\np(x, h) ∝ exp(-x^2 / 2 - h^4 + x * h)\ntransition a(x', h' | x, h) { y ~ Normal(h, 0.5)   h' = metropolis(y) }\ntransition c(x', h' | x, h) { x' ~ p(x | h) }\ntransition t = a |> c\nclaim stationary(t, p)",
            "one variable is proposed, the other drawn",
        ),
        (
            "stated",
            "observed x : Real\np(x) = Normal(1, 2)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\nclaim stationary(t, p)",
            "a joint that is stated by a conditional",
        ),
        (
            "autoregression",
            "observed x : Real\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(0.8 * x, 0.6) }\nclaim stationary(t, p)",
            "0.8^2 + 0.6^2 = 1",
        ),
        (
            "corruption",
            "observed x : Binary[3]\nlatent c : Binary[3]\nq(c | x) = SaltAndPepper(x, rate = 0.4)\np(x | c) = Bernoulli(logits = mlp(c, hidden = [4]))\ntransition t(x' | x) { c ~ q(c | x)   x' ~ p(x | c) }\nclaim ergodic(t)",
            "a corruption that can turn anything into anything",
        ),
    ]
    return found


def _potential(energy: str) -> str:
    return "-(" + energy.removeprefix("exp(").removesuffix(")") + ")"


def _false() -> list[Statement]:
    found: list[Statement] = []
    for name, energy in ENERGIES.items():
        own = f"{_REAL}p(x) ∝ {energy}\ndef f(x : Real) -> Real = log({energy})\n"
        found += [
            (
                f"no_ratio_{name}",
                own
                + "transition t(x' | x) { y ~ Normal(0.5 * x, 1)   x' = accept(y, min(1, exp(f(y) - f(x)))) }\n"
                + "claim reversible(t, p)",
                "the proposal is not symmetric, and its ratio is left out",
            ),
            (
                f"always_{name}",
                own + "transition t(x' | x) { x' ~ Normal(x, 1) }\nclaim stationary(t, p)",
                "a random walk that accepts everything spreads out",
            ),
            (
                f"upside_down_{name}",
                own
                + "transition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(f(x) - f(y)))) }\n"
                + "claim reversible(t, p)",
                "the ratio is upside down",
            ),
            (
                f"half_{name}",
                own
                + "transition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(0.5 * (f(y) - f(x))))) }\n"
                + "claim reversible(t, p)",
                "another temperature",
            ),
        ]
    for name, energy in VECTORS.items():
        own = f"{_PLANE}p(x) ∝ exp(-U(x))\ndef U(x : Real[2]) -> Real = {_potential(energy)}\n"
        found += [
            (
                f"ula_{name}",
                own + "transition t(x' | x) { x' ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2)) }\nclaim stationary(t, p)",
                "the discretization is biased",
            ),
            (
                f"mala_without_ratio_{name}",
                own
                + "transition t(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2))   x' = accept(y, min(1, exp(U(x) - U(y)))) }\n"
                + "claim reversible(t, p)",
                "the proposal is not symmetric",
            ),
        ]
    found += [
        (
            "gibbs_wrong_field",
            _PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b + 2 * x) }\nclaim stationary(t, p)",
            "twice the interaction",
        ),
        (
            "gibbs_without_field",
            _PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = x) }\nclaim stationary(t, p)",
            "the bias is left out",
        ),
        (
            "gibbs_wrong_bias",
            _PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = a + x) }\nclaim stationary(t, p)",
            "the bias of the other variable",
        ),
        (
            "gibbs_wrong_sign",
            _PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b - x) }\nclaim stationary(t, p)",
            "a sign",
        ),
        (
            "gibbs_last_wrong",
            _PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition w(x', h' | x, h) { h' ~ Bernoulli(logits = b + 1.01 * x) }\ntransition t = g |> w\nclaim stationary(t, p)",
            "the interaction is off by 1%",
        ),
        (
            "mixture_of_state",
            _PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([x, 1 - x], g, k)\nclaim stationary(t, p)",
            "the weights depend on the state",
        ),
        (
            "mixture_of_other",
            _PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([sigmoid(h), 1 - sigmoid(h)], g, k)\nclaim stationary(t, p)",
            "the weights depend on the other variable",
        ),
        (
            "mixture_with_wrong",
            _PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ Bernoulli(logits = b) }\ntransition t = mixture([0.9, 0.1], g, k)\nclaim stationary(t, p)",
            "one part does not keep p",
        ),
        (
            "not_ergodic",
            _PAIR + "transition t(x', h' | x, h) { x' ~ p(x | h) }\nclaim ergodic(t)",
            "one variable never moves",
        ),
        (
            "flip_not_ergodic",
            "observed x : Binary\nlatent h : Binary\np(x, h) ∝ exp(x * h)\ntransition t(x', h' | x, h) { h' = 1 - h }\nclaim ergodic(t)",
            "only one variable changes",
        ),
        (
            "scan_leaves_one",
            "observed x : Binary[3]\np(x) ∝ exp(sum(x))\ntransition s(x' | x, i : Integer(0..3)) { x'[i] ~ p(x[i] | x[!=i]) }\ntransition t(x' | x) = repeat(i in 2) { s(i = i) }\nclaim ergodic(t)",
            "the last place is never drawn",
        ),
        (
            "rbm_transposed_bias",
            "observed x : Binary[2]\nlatent h : Binary[2]\nparam W : Real[2, 2], b : Real[2], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition t(x', h' | x, h) { h' ~ Bernoulli(logits = b + x @ W) }\nclaim stationary(t, p)",
            "the bias of the visible units",
        ),
        (
            "rbm_transposed_weights",
            "observed x : Binary[2]\nlatent h : Binary[2]\nparam W : Real[2, 2], c : Real[2]\np(x, h) ∝ exp(c @ h + x @ W @ h)\ntransition t(x', h' | x, h) { h' ~ Bernoulli(logits = c + W @ x) }\nclaim stationary(t, p)",
            "the weights transposed",
        ),
        (
            "ising_site_wrong",
            "observed x : Binary[3]\nparam b : Real[3]\np(x) ∝ exp(b @ x + x[0] * x[1])\ntransition t(x' | x) { x'[0] ~ Bernoulli(logits = b[0] + x[2]) }\nclaim stationary(t, p)",
            "another neighbour",
        ),
        (
            "ising_twice",
            "observed x : Binary[3]\nparam b : Real[3]\np(x) ∝ exp(b @ x + x[0] * x[1])\ntransition t(x' | x) { x'[0] ~ Bernoulli(logits = b[0] + 2 * x[1]) }\nclaim stationary(t, p)",
            "the interaction counted twice",
        ),
        (
            "tempered_wrong",
            _PAIR
            + "density path(x, h | t : Interval(0, 1)) ∝ exp(t * (a * x + b * h + x * h))\ntransition k(x', h' | x, h, t : Interval(0, 1)) { h' ~ p(h | x) }\nclaim stationary(k, path)",
            "the conditional of another temperature",
        ),
        (
            "autoregression_wide",
            "observed x : Real\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(0.8 * x, 0.7) }\nclaim reversible(t, p)",
            "0.8^2 + 0.7^2 > 1",
        ),
        (
            "autoregression_narrow",
            "observed x : Real\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(0.8 * x, 0.5) }\nclaim reversible(t, p)",
            "0.8^2 + 0.5^2 < 1",
        ),
        (
            "flip_of_a_field",
            "observed x : Binary\nparam a : Real\np(x) ∝ exp(a * x)\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
            "the two states have other masses",
        ),
        (
            "bit_always",
            "observed x : Binary\np(x) ∝ exp(x)\ntransition t(x' | x) { x' ~ Bernoulli(probability = 0.5) }\nclaim stationary(t, p)",
            "a fair coin, and p is not fair",
        ),
        (
            "bit_by_hand",
            "observed x : Binary\np(x) ∝ exp(x)\ntransition t(x' | x) { y ~ Bernoulli(logits = x)   x' = accept(y, min(1, exp(y - x))) }\nclaim stationary(t, p)",
            "the proposal's ratio is left out",
        ),
        (
            "multiplicative_without",
            _POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = accept(y, min(1, exp(log(y) - y - log(x) + x))) }\nclaim stationary(t, p)",
            "the Jacobian is left out",
        ),
    ]
    return found


TRUE = _true()
FALSE = _false()
