"""True statements that were written before the prover was read, and about draws by way of others."""

from __future__ import annotations

from tests.checks.chain_models import Statement

TRUE: list[Statement] = [
    (
        "gamma_poisson",
        "latent l : Positive\n"
        "observed n : Count\n"
        "p(l) = Gamma(2, 1)\n"
        "p(n | l) = Poisson(l)\n"
        "transition t(n', l' | n, l) { l' ~ Gamma(2 + n, 2)   n' ~ Poisson(l') }\n"
        "claim stationary(t, p)",
        "conjugate",
    ),
    (
        "indep_gamma",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x^2)\n"
        "transition t(x' | x) { y ~ Gamma(3, 1)   x' = metropolis(y) }\n"
        "claim stationary(t, p)",
        "independence sampler",
    ),
    (
        "lognormal_walk",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x^2)\n"
        "transition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = metropolis(y) }\n"
        "claim reversible(t, p)",
        "ratio y/x derived",
    ),
    (
        "lognormal_walk_hand",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x^2)\n"
        "transition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = accept(y, min(1, y^3 * exp(x^2 - y^2) / x^3)) }\n"
        "claim stationary(t, p)",
        "y/x is there",
    ),
    (
        "mala_log",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x)\n"
        "transition t(x' | x) { u ~ Normal(0, 1)   y = exp(log(x) + 0.1 * (3 - x) + sqrt(0.2) * u)   x' = metropolis(y) }\n"
        "claim stationary(t, p)",
        "Langevin in log x, pushed forward",
    ),
    (
        "mala_log_hand",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x)\n"
        "transition t(x' | x) { u ~ Normal(0, 1)   y = exp(log(x) + 0.1 * (3 - x) + sqrt(0.2) * u)   x' = accept(y, min(1, exp(3 * log(y) - y - 3 * log(x) + x - (log(x) - log(y) - 0.1 * (3 - y))^2 / 0.4 + (log(y) - log(x) - 0.1 * (3 - x))^2 / 0.4))) }\n"
        "claim stationary(t, p)",
        "with it",
    ),
    (
        "delayed",
        "observed x : Real\n"
        "def a(x : Real) -> Real = -x^4\n"
        "def b(x : Real) -> Real = sin(x)\n"
        "p(x) ∝ exp(a(x) + b(x))\n"
        "transition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(a(y) - a(x))) * min(1, exp(b(y) - b(x)))) }\n"
        "claim reversible(t, p)",
        "delayed acceptance, Christen & Fox",
    ),
    (
        "mix_other",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - v^2 + x * v)\n"
        "transition a(x', v' | x, v) { y ~ Normal(x, 1)   x' = metropolis(y) }\n"
        "transition b(x', v' | x, v) { y ~ Laplace(x, 3)   x' = metropolis(y) }\n"
        "transition t = mixture([sigmoid(v), 1 - sigmoid(v)], a, b)\n"
        "claim stationary(t, p)",
        "weights of what no branch moves",
    ),
    (
        "lifted",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - v^2)\n"
        "bijection lift(x : Real, v : Real) -> (Real, Real) = (x + v, -v)\n"
        "transition move(x', v' | x, v) { y, w = (x, v) |> lift   x', v' = metropolis(y, w) }\n"
        "transition turn(x', v' | x, v) { v' = -v }\n"
        "transition t = move |> turn\n"
        "claim stationary(t, p)",
        "the guided walk, Gustafson 1998",
    ),
    (
        "unseen_swap",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - v^4 + x * v)\n"
        "transition t(x', v' | x, v) { x' = v   v' = x }\n"
        "claim stationary(t, p)",
        "an exchangeable target",
    ),
    (
        "ehrenfest",
        "observed x : Category(3)\n"
        "p(x) = Categorical([0.25, 0.5, 0.25])\n"
        "transition t(x' | x) { x' ~ Categorical([[0.5, 0.5, 0], [0.25, 0.5, 0.25], [0, 0.5, 0.5]][x]) }\n"
        "claim reversible(t, p)\n"
        "claim ergodic(t)",
        "Ehrenfest, lazy",
    ),
    (
        "student_prop",
        "observed x : Real\n"
        "p(x) ∝ exp(-x^2 / 2)\n"
        "transition t(x' | x) { y ~ StudentT(3, 0, 1)   x' = metropolis(y) }\n"
        "claim reversible(t, p)",
        "derived ratio",
    ),
    (
        "student_prop_hand",
        "observed x : Real\n"
        "p(x) ∝ exp(-x^2 / 2)\n"
        "transition t(x' | x) { y ~ StudentT(3, 0, 1)   x' = accept(y, min(1, exp(x^2 / 2 - y^2 / 2) * ((1 + y^2 / 3) / (1 + x^2 / 3))^2)) }\n"
        "claim reversible(t, p)",
        "q(x)/q(y)",
    ),
    (
        "unseen_augment",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   x' ~ Normal(c / 2, sqrt(0.5)) }\n"
        "claim reversible(t, p)",
        "data augmentation",
    ),
    (
        "laplace_vec",
        "observed x : Real[3]\n"
        "p(x) ∝ exp(-sum(abs(x)))\n"
        "transition t(x' | x) { y ~ Laplace(x, 0.3)   x' = metropolis(y) }\n"
        "claim stationary(t, p)",
        "walk",
    ),
    (
        "gsn",
        "observed x : Binary[8]\n"
        "latent c : Binary[8]\n"
        "q(c | x) = SaltAndPepper(x, rate = 0.1)\n"
        "p(x | c) = Bernoulli(logits = mlp(c, hidden = [8]))\n"
        "transition t(x' | x) { c ~ q(c | x)   x' ~ p(x | c) }\n"
        "claim ergodic(t)",
        "every state in one step",
    ),
    (
        "aided_chain",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   d ~ Normal(c, 1)   x' ~ Normal(d / 3, sqrt(2/3)) }\n"
        "claim stationary(t, p)",
        "by way of two noisy copies",
    ),
    (
        "aided_reads_x",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(0, 1)   x' ~ Normal(0.8 * x + 0.36 * c, 0.48) }\n"
        "claim stationary(t, p)",
        "0.8^2 + 0.36^2 + 0.48^2 = 1",
    ),
    (
        "aided_finite",
        "observed x : Binary\n"
        "p(x) = Bernoulli(0.5)\n"
        "transition t(x' | x) { c ~ Bernoulli([0.2, 0.8][x])   x' ~ Bernoulli(0.2 + 0.6 * c) }\n"
        "claim reversible(t, p)",
        "a symmetric channel, there and back",
    ),
    (
        "aided_finite_erg",
        "observed x : Binary\n"
        "p(x) = Bernoulli(0.5)\n"
        "transition t(x' | x) { c ~ Bernoulli([0.2, 0.8][x])   x' ~ Bernoulli(0.2 + 0.6 * c) }\n"
        "claim ergodic(t)",
        "either bit, from either",
    ),
    (
        "ar2",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "param a : Open(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(a * x, sqrt(1 - a^2))   x' ~ Normal(-a * c, sqrt(1 - a^2)) }\n"
        "claim stationary(t, p)",
        "two turns of an autoregression, one mirrored",
    ),
    (
        "gamma_way",
        "observed x : Positive\n"
        "p(x) = Gamma(2, 3)\n"
        "transition t(x' | x) { n ~ Poisson(x)   x' ~ Gamma(2 + n, 4) }\n"
        "claim reversible(t, p)",
        "a count given the rate, and the rate given the count",
    ),
    (
        "vec_way",
        "observed x : Real[3]\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   x' ~ Normal(c / 2, sqrt(0.5)) }\n"
        "claim stationary(t, p)",
        "three numbers at once",
    ),
    (
        "uniform_way",
        "observed x : Unit\n"
        "p(x) = Beta(1, 1)\n"
        "transition t(x' | x) { k ~ Bernoulli(x)   x' ~ Beta(1 + k, 2 - k) }\n"
        "claim reversible(t, p)",
        "Bayes' rule with one toss",
    ),
]
