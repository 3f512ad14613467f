"""False statements that were written before the prover was read, and about draws by way of others."""

from __future__ import annotations

from tests.checks.chain_models import Statement

FALSE: list[Statement] = [
    (
        "gamma_poisson_rate",
        "latent l : Positive\n"
        "observed n : Count\n"
        "p(l) = Gamma(2, 1)\n"
        "p(n | l) = Poisson(l)\n"
        "transition t(n', l' | n, l) { l' ~ Gamma(2 + n, 1)   n' ~ Poisson(l') }\n"
        "claim stationary(t, p)",
        "the rate is 2",
    ),
    (
        "lognormal_walk_no",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x^2)\n"
        "transition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = accept(y, min(1, y^2 * exp(x^2 - y^2) / x^2)) }\n"
        "claim stationary(t, p)",
        "y/x is missing",
    ),
    (
        "mala_log_no",
        "observed x : Positive\n"
        "p(x) ∝ x^2 * exp(-x)\n"
        "transition t(x' | x) { u ~ Normal(0, 1)   y = exp(log(x) + 0.1 * (3 - x) + sqrt(0.2) * u)   x' = accept(y, min(1, exp(2 * log(y) - y - 2 * log(x) + x - (log(x) - log(y) - 0.1 * (3 - y))^2 / 0.4 + (log(y) - log(x) - 0.1 * (3 - x))^2 / 0.4))) }\n"
        "claim stationary(t, p)",
        "Jacobian of the logarithm missing",
    ),
    (
        "delayed_no",
        "observed x : Real\n"
        "def a(x : Real) -> Real = -x^4\n"
        "def b(x : Real) -> Real = sin(x)\n"
        "p(x) ∝ exp(a(x) + b(x))\n"
        "transition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(a(y) - a(x))) * min(1, exp(a(y) + b(y) - a(x) - b(x)))) }\n"
        "claim stationary(t, p)",
        "the first stage counted twice",
    ),
    (
        "mix_moved",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - v^2 + x * v)\n"
        "transition a(x', v' | x, v) { y ~ Normal(x, 1)   x' = metropolis(y) }\n"
        "transition b(x', v' | x, v) { y ~ Laplace(v, 3)   v' = metropolis(y) }\n"
        "transition t = mixture([sigmoid(v), 1 - sigmoid(v)], a, b)\n"
        "claim stationary(t, p)",
        "the second branch moves v",
    ),
    (
        "lifted_no",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - v^2)\n"
        "bijection lift(x : Real, v : Real) -> (Real, Real) = (x + v, v)\n"
        "transition t(x', v' | x, v) { y, w = (x, v) |> lift   x', v' = metropolis(y, w) }\n"
        "claim stationary(t, p)",
        "no turn: no involution",
    ),
    (
        "swap_no",
        "observed x : Real\n"
        "latent v : Real\n"
        "p(x, v) ∝ exp(-x^4 - 2 * v^4 + x * v)\n"
        "transition t(x', v' | x, v) { x' = v   v' = x }\n"
        "claim stationary(t, p)",
        "not exchangeable",
    ),
    (
        "cycle_rev",
        "observed x : Category(3)\n"
        "p(x) = Categorical([0.25, 0.5, 0.25])\n"
        "transition t(x' | x) { x' ~ Categorical([[0.5, 0.5, 0], [0.2, 0.5, 0.3], [0.1, 0.4, 0.5]][x]) }\n"
        "claim reversible(t, p)",
        "0.25*0 against 0.25*0.1",
    ),
    (
        "student_prop_no",
        "observed x : Real\n"
        "p(x) ∝ exp(-x^2 / 2)\n"
        "transition t(x' | x) { y ~ StudentT(3, 0, 1)   x' = accept(y, min(1, exp(x^2 / 2 - y^2 / 2) * ((1 + x^2 / 3) / (1 + y^2 / 3))^2)) }\n"
        "claim stationary(t, p)",
        "ratio of proposals upside down",
    ),
    (
        "augment_no",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   x' ~ Normal(c / 2, 0.5) }\n"
        "claim stationary(t, p)",
        "variance for deviation",
    ),
    (
        "shrink_no",
        "observed x : Real[3]\n"
        "p(x) ∝ exp(-sum(abs(x)))\n"
        "transition t(x' | x) { y ~ Laplace(0.9 * x, 0.3)   x' = accept(y, min(1, exp(sum(abs(x)) - sum(abs(y))))) }\n"
        "claim stationary(t, p)",
        "proposal ratio missing",
    ),
    (
        "part_only",
        "observed x : Binary[4]\n"
        "p(x) ∝ exp(sum(x) + x[0] * x[1])\n"
        "transition t(x' | x) { x'[0] ~ p(x[0] | x[!=0]) }\n"
        "claim ergodic(t)",
        "one element moves",
    ),
    (
        "aided_asym",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x + 0.01, 1)   x' ~ Normal(c / 2, sqrt(0.5)) }\n"
        "claim stationary(t, p)",
        "the noisy copy is off centre",
    ),
    (
        "aided_asym_rev",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   x' ~ Normal(c / 2 + 0.001, sqrt(0.5)) }\n"
        "claim reversible(t, p)",
        "the way back is off centre",
    ),
    (
        "aided_reads_x_no",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(0, 1)   x' ~ Normal(0.8 * x + 0.36 * c, 0.5) }\n"
        "claim stationary(t, p)",
        "0.8^2 + 0.36^2 + 0.5^2 is not 1",
    ),
    (
        "aided_finite_no",
        "observed x : Binary\n"
        "p(x) = Bernoulli(0.5)\n"
        "transition t(x' | x) { c ~ Bernoulli([0.2, 0.8][x])   x' ~ Bernoulli(0.2 + 0.5 * c) }\n"
        "claim stationary(t, p)",
        "another channel back",
    ),
    (
        "scan_neg",
        "observed x : Real\n"
        "latent y : Real\n"
        "p(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\n"
        "transition t(x', y' | x, y) { x' ~ Normal(-0.6 * y, 1)   y' ~ Normal(0.6 * x', 1.001) }\n"
        "claim stationary(t, p)",
        "a spread that is a thousandth too wide",
    ),
    (
        "scan_sign_wrong_order",
        "observed x : Real\n"
        "latent y : Real\n"
        "p(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\n"
        "transition t(x', y' | x, y) { y' ~ Normal(0.6 * x, 1)   x' ~ Normal(-0.6 * y', 1) }\n"
        "claim stationary(t, p)",
        "the last draw is the wrong one",
    ),
    (
        "scan_rev_neg",
        "observed x : Real\n"
        "latent y : Real\n"
        "p(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\n"
        "transition t(x', y' | x, y) { x' ~ Normal(-0.6 * y, 1)   y' ~ Normal(0.6 * x', 1) }\n"
        "claim reversible(t, p)",
        "it keeps the law, in one order",
    ),
    (
        "ar2_no",
        "observed x : Real\n"
        "p(x) = Normal(0, 1)\n"
        "param a : Open(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(a * x, sqrt(1 - a^2))   x' ~ Normal(-a * c, 1 - a^2) }\n"
        "claim stationary(t, p)",
        "a variance for a deviation",
    ),
    (
        "gamma_way_no",
        "observed x : Positive\n"
        "p(x) = Gamma(2, 3)\n"
        "transition t(x' | x) { n ~ Poisson(x)   x' ~ Gamma(2 + n, 3) }\n"
        "claim stationary(t, p)",
        "the rate forgets that something was counted",
    ),
    (
        "vec_way_no",
        "observed x : Real[3]\n"
        "p(x) = Normal(0, 1)\n"
        "transition t(x' | x) { c ~ Normal(x, 1)   x' ~ Normal(c / 2, 0.7) }\n"
        "claim stationary(t, p)",
        "0.49 for 0.5",
    ),
    (
        "uniform_way_no",
        "observed x : Unit\n"
        "p(x) = Beta(1, 1)\n"
        "transition t(x' | x) { k ~ Bernoulli(x)   x' ~ Beta(1 + k, 1) }\n"
        "claim stationary(t, p)",
        "failures are not counted",
    ),
]
