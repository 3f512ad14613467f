"""False statements about transitions and energies, each with the smallest error planted: (name, body, the error)."""

from __future__ import annotations

from tests.checks.chain_models import ENERGIES, PAIR, PLANE, POSITIVE, REAL, VECTORS, Statement, potential


def _false() -> list[Statement]:
    found: list[Statement] = []
    for name, energy in ENERGIES.items():
        own = f"{REAL}p(x) ∝ {energy}\ndef f(x : Real) -> Real = log({energy})\n"
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
        own = f"{PLANE}p(x) ∝ exp(-U(x))\ndef U(x : Real[2]) -> Real = {potential(energy)}\n"
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
            PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b + 2 * x) }\nclaim stationary(t, p)",
            "twice the interaction",
        ),
        (
            "gibbs_without_field",
            PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = x) }\nclaim stationary(t, p)",
            "the bias is left out",
        ),
        (
            "gibbs_wrong_bias",
            PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = a + x) }\nclaim stationary(t, p)",
            "the bias of the other variable",
        ),
        (
            "gibbs_wrong_sign",
            PAIR + "transition t(x', h' | x, h) { h' ~ Bernoulli(logits = b - x) }\nclaim stationary(t, p)",
            "a sign",
        ),
        (
            "gibbs_last_wrong",
            PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition w(x', h' | x, h) { h' ~ Bernoulli(logits = b + 1.01 * x) }\ntransition t = g |> w\nclaim stationary(t, p)",
            "the interaction is off by 1%",
        ),
        (
            "mixture_of_state",
            PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([x, 1 - x], g, k)\nclaim stationary(t, p)",
            "the weights depend on the state",
        ),
        (
            "mixture_of_other",
            PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([sigmoid(h), 1 - sigmoid(h)], g, k)\nclaim stationary(t, p)",
            "the weights depend on the other variable",
        ),
        (
            "mixture_with_wrong",
            PAIR
            + "transition g(x', h' | x, h) { x' ~ p(x | h) }\ntransition k(x', h' | x, h) { h' ~ Bernoulli(logits = b) }\ntransition t = mixture([0.9, 0.1], g, k)\nclaim stationary(t, p)",
            "one part does not keep p",
        ),
        (
            "not_ergodic",
            PAIR + "transition t(x', h' | x, h) { x' ~ p(x | h) }\nclaim ergodic(t)",
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
            PAIR
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
            "log_walk_without",
            POSITIVE
            + "p(x) ∝ exp(-U(x))\ndef U(x : Positive) -> Real = x - 2 * log(x)\n"
            + "transition t(x' | x) { n ~ Normal(log(x), 0.4)   x' = accept(exp(n), min(1, exp(U(x) - U(exp(n))))) }\nclaim stationary(t, p)",
            "the Jacobian of the logarithm is left out",
        ),
        (
            "log_langevin_without",
            POSITIVE
            + "p(x) ∝ exp(-U(x))\ndef U(x : Positive) -> Real = x - 2 * log(x)\n"
            + "transition t(x' | x) { n ~ Normal(log(x) - 0.1 * x * grad(U)(x), sqrt(0.2))   x' = accept(exp(n), min(1, exp(U(x) - U(exp(n))))) }\nclaim stationary(t, p)",
            "Langevin moves on a positive variable, without the Jacobian and without the ratio of the proposal",
        ),
        (
            "log_walk_reversible",
            POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { n ~ Normal(log(x), 1)   x' = accept(exp(n), min(1, exp(n - exp(n) - log(x) + x))) }\nclaim reversible(t, p)",
            "the Jacobian of the logarithm is left out",
        ),
        (
            "multiplicative_without",
            POSITIVE
            + "p(x) ∝ x * exp(-x)\ntransition t(x' | x) { u ~ Normal(0, 0.5)   y = x * exp(u)   x' = accept(y, min(1, exp(log(y) - y - log(x) + x))) }\nclaim stationary(t, p)",
            "the Jacobian is left out",
        ),
    ]
    return found


FALSE = _false()
