"""True statements about transitions and energies: (name, the model's body, reason)."""

from __future__ import annotations

from tests.checks.chain_models import (
    ENERGIES,
    HMC,
    ISING,
    PAIR,
    PLANE,
    POSITIVE,
    RBM,
    REAL,
    VECTORS,
    Statement,
    potential,
)


def _true() -> list[Statement]:
    found: list[Statement] = []
    for name, energy in ENERGIES.items():
        own = f"{REAL}p(x) ∝ {energy}\n"
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
        own = f"{PLANE}p(x) ∝ {energy}\ndef U(x : Real[2]) -> Real = -log({energy})\n"
        found += [
            (
                f"mala_{name}",
                f"{PLANE}p(x) ∝ exp(-U(x))\ndef U(x : Real[2]) -> Real = {potential(energy)}\n"
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
            PAIR + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)",
            "Gibbs sampling",
        ),
        (
            "gibbs_marginal",
            PAIR + "transition t(x' | x) { h ~ p(h | x)   x' ~ p(x | h) }\nclaim stationary(t, p)",
            "the auxiliary variable is drawn anew",
        ),
        (
            "gibbs_by_hand",
            PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b + x) }\nclaim stationary(t, p)",
            "the conditional, written out",
        ),
        (
            "gibbs_ergodic",
            PAIR + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim ergodic(t)",
            "every variable is drawn anew",
        ),
        (
            "scan_mixture",
            PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([0.5, 0.5], g, k)\nclaim stationary(t, p)\nclaim ergodic(t)",
            "a random scan",
        ),
        (
            "rbm",
            RBM + "transition t(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\nclaim stationary(t, p)",
            "block Gibbs",
        ),
        (
            "rbm_backwards",
            RBM + "transition t(x', h' | x, h) { x' ~ p(x | h)   h' ~ p(h | x') }\nclaim stationary(t, p)",
            "block Gibbs, the other way round",
        ),
        (
            "rbm_tempered",
            RBM
            + "density path(x, h | t : Interval(0, 1)) ∝ exp(t * (b @ x + c @ h + x @ W @ h))\ntransition k(x', h' | x, h, t : Interval(0, 1)) { h' ~ path(h | x, t)   x' ~ path(x | h', t) }\nclaim stationary(k, path)",
            "at every temperature",
        ),
        (
            "rbm_power",
            RBM
            + "transition g(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\ntransition t = g^10\nclaim stationary(t, p)",
            "a power of what keeps p",
        ),
        (
            "ising_site",
            ISING + "transition t(x' | x, i : Integer(0..4)) { x'[i] ~ p(x[i] | x[!=i]) }\nclaim stationary(t, p)",
            "one full conditional, whichever",
        ),
        (
            "ising_scan",
            ISING
            + "transition s(x' | x, i : Integer(0..4)) { x'[i] ~ p(x[i] | x[!=i]) }\ntransition t(x' | x) = repeat(i in 4) { s(i = i) }\nclaim stationary(t, p)\nclaim ergodic(t)",
            "a full scan",
        ),
        (
            "ising_first",
            ISING + "transition t(x' | x) { x'[0] ~ p(x[0] | x[!=0]) }\nclaim stationary(t, p)",
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
            POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = metropolis(y) }\nclaim stationary(t, p)",
            "the Jacobian of the exponential is in the ratio",
        ),
        (
            "multiplicative_by_hand",
            POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = accept(y, min(1, exp(2 * log(y) - y - 2 * log(x) + x))) }\nclaim stationary(t, p)",
            "π(y) y / (π(x) x)",
        ),
        (
            "inversion",
            POSITIVE
            + "p(x) ∝ exp(-x - 1 / x)\ntransition t(x' | x) { x' = metropolis(1 / x) }\nclaim stationary(t, p)",
            "an involution with its Jacobian",
        ),
        (
            "sign",
            REAL + "p(x) ∝ exp(-x^4 + x)\ntransition t(x' | x) { x' = metropolis(-x) }\nclaim stationary(t, p)",
            "an involution that keeps lengths",
        ),
        (
            "negation",
            REAL + "p(x) ∝ exp(-x^4)\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
            "an even target",
        ),
        (
            "hmc",
            HMC
            + "transition move(x', v' | x, v) { y, w = (x, v) |> repeat(9) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition t = refresh |> move\nclaim stationary(t, p)",
            "momentum refresh, then an involution",
        ),
        (
            "hmc_one_step",
            HMC
            + "transition t(x', v' | x, v) { y, w = (x, v) |> leap |> flip   x', v' = metropolis(y, w) }\nclaim stationary(t, p)",
            "one leapfrog step is reversed by a flip",
        ),
        ("flip", HMC + "transition t(x', v' | x, v) { v' = -v }\nclaim stationary(t, p)", "the momentum is symmetric"),
        ("refresh", HMC + "claim stationary(refresh, p)", "the momentum is drawn from its law"),
        (
            "partial_refresh",
            HMC + "transition t(x', v' | x, v) { w ~ Normal(0.6 * v, 0.8)   v' = w }\nclaim stationary(t, p)",
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


TRUE = _true()
