"""More true statements about transitions: proposals and their ratios, mixtures and compositions, deterministic moves."""

from __future__ import annotations

from tests.checks.chain_models import Statement

TRUE: list[Statement] = [
    (
        "state_scale_mh",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition t(x' | x) { y ~ Normal(x, sqrt(1 + x^2))   x' = metropolis(y) }\nclaim stationary(t, p)",
        "a step that depends on the state, with its ratio",
    ),
    (
        "state_scale_by_hand",
        "observed x : Real\np(x) ∝ exp(-x^2/2)\ntransition t(x' | x) { y ~ Normal(x, exp(x / 4))   x' = accept(y, min(1, exp(x^2/2 - y^2/2 + x/4 - y/4 - (x-y)^2/2 * exp(-y/2) + (y-x)^2/2*exp(-x/2)))) }\nclaim stationary(t, p)",
        "the same ratio, written out",
    ),
    (
        "indep_by_hand",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(0, 1)   x' = accept(y, min(1, exp(x^4 - y^4 + y^2/2 - x^2/2))) }\nclaim reversible(t, p)",
        "π(y) q(x) / (π(x) q(y))",
    ),
    (
        "iid",
        "observed x : Real\np(x) = Normal(1, 2)\ntransition t(x' | x) { x' ~ Normal(1, 2) }\nclaim stationary(t, p)",
        "exact draws",
    ),
    (
        "iid_rev",
        "observed x : Real\np(x) = Normal(1, 2)\ntransition t(x' | x) { x' ~ Normal(1, 2) }\nclaim reversible(t, p)",
        "exact draws are in balance",
    ),
    (
        "ar_mean",
        "observed x : Real\np(x) = Normal(3, 2)\ntransition t(x' | x) { x' ~ Normal(3 + 0.6 * (x - 3), 1.6) }\nclaim stationary(t, p)",
        "0.6^2 + 0.8^2 = 1, about the mean",
    ),
    (
        "ar_neg",
        "observed x : Real\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(-0.8 * x, 0.6) }\nclaim reversible(t, p)",
        "a negative correlation",
    ),
    (
        "ou_exact",
        "observed x : Real\nparam a : Open(0, 1)\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(a * x, sqrt(1 - a^2)) }\nclaim stationary(t, p)",
        "a^2 + (1 - a^2) = 1, for every a",
    ),
    (
        "pcn",
        "observed x : Real\ndef L(x : Real) -> Real = softplus(x) + x^4\np(x) ∝ exp(-x^2/2 - L(x))\ntransition t(x' | x) { y ~ Normal(0.8 * x, 0.6)   x' = accept(y, min(1, exp(L(x) - L(y)))) }\nclaim stationary(t, p)",
        "preconditioned Crank-Nicolson",
    ),
    (
        "pcn_vec",
        "observed x : Real[3]\ndef L(x : Real[3]) -> Real = sum(x^4)\np(x) ∝ exp(-x @ x/2 - L(x))\ntransition t(x' | x) { y ~ Normal(0.8 * x, 0.6)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "preconditioned Crank-Nicolson of a vector",
    ),
    (
        "mala_hand",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.1 * x^3, sqrt(0.2))   x' = accept(y, min(1, exp(U(x) - U(y) - (x - y + 0.1 * y^3)^2 / 0.4 + (y - x + 0.1*x^3)^2 / 0.4))) }\nclaim stationary(t, p)",
        "Langevin's ratio, written out",
    ),
    (
        "mala_wrong_step_metropolis",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.3 * grad(U)(x), 1)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "any drift is fine with ratio",
    ),
    (
        "mala_wrong_potential_drift",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\ndef V(x : Real) -> Real = x^2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.3 * grad(V)(x), 1)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "surrogate gradient",
    ),
    (
        "tmala",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.1 * tanh(grad(U)(x)), 0.5)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "tamed",
    ),
    (
        "barker_div",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, exp(-y^4) / (exp(-x^4) + exp(-y^4))) }\nclaim reversible(t, p)",
        "Barker written as a quotient",
    ),
    (
        "barker_r",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, 1 / (1 + exp(y^4 - x^4))) }\nclaim reversible(t, p)",
        "Barker 1/(1+1/r)",
    ),
    (
        "half_barker",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, 0.5 * min(1, exp(x^4 - y^4))) }\nclaim reversible(t, p)",
        "half of a balancing function is one: lazy Metropolis",
    ),
    (
        "lazy_barker",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, 0.3 * sigmoid(x^4 - y^4)) }\nclaim reversible(t, p)",
        "a constant times a balancing function",
    ),
    (
        "metropolis_min_quot",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(-y^4) / exp(-x^4))) }\nclaim reversible(t, p)",
        "the ratio as a quotient of masses",
    ),
    (
        "metropolis_exp_min",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, exp(min(0, x^4 - y^4))) }\nclaim reversible(t, p)",
        "exp of min(0, log r)",
    ),
    (
        "metropolis_if",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, if y^4 <= x^4 then 1 else exp(x^4 - y^4)) }\nclaim reversible(t, p)",
        "min(1, r) as a choice",
    ),
    (
        "mix_const",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([0.3, 0.7], a, b)\nclaim stationary(t, p)",
        "constant weights",
    ),
    (
        "mix_const_rev",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([0.3, 0.7], a, b)\nclaim reversible(t, p)",
        "a mixture of reversible kernels is reversible",
    ),
    (
        "mix_param",
        "param w : Unit\nobserved x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([w, 1 - w], a, b)\nclaim stationary(t, p)",
        "a weight that is learned",
    ),
    (
        "mix_same",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([sigmoid(x), 1 - sigmoid(x)], a, a)\nclaim stationary(t, p)",
        "both branches are one kernel",
    ),
    (
        "palindrome",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = a |> b |> a\nclaim reversible(t, p)",
        "palindromic composition",
    ),
    (
        "comp_st",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = a |> b\nclaim stationary(t, p)",
        "a composition",
    ),
    (
        "power_rev",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = a^3\nclaim reversible(t, p)",
        "a power of a reversible kernel",
    ),
    (
        "mix_of_orders",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition u = a |> b\ntransition v = b |> a\ntransition t = mixture([0.5, 0.5], u, v)\nclaim reversible(t, p)",
        "symmetrised composition",
    ),
    (
        "mix_of_orders_st",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition u = a |> b\ntransition v = b |> a\ntransition t = mixture([0.5, 0.5], u, v)\nclaim stationary(t, p)",
        "symmetrised composition",
    ),
    (
        "mix_frozen",
        "observed x : Real\nlatent h : Binary\np(x, h) ∝ exp(-x^2/2 + x * h)\ntransition a(x', h' | x, h) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x', h' | x, h) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([0.3 + 0.4 * h, 0.7 - 0.4 * h], a, b)\nclaim stationary(t, p)",
        "weights depend only on a variable that no branch moves",
    ),
    (
        "logwalk",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { n ~ Normal(log(x), 0.5)   x' = metropolis(exp(n)) }\nclaim stationary(t, p)",
        "a walk of the logarithm",
    ),
    (
        "logwalk_hand",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { n ~ Normal(log(x), 0.5)   x' = accept(exp(n), min(1, exp(3 * n - exp(n) - 3 * log(x) + x))) }\nclaim stationary(t, p)",
        "x^3 exp(-x)",
    ),
    (
        "gamma_indep",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { y ~ Gamma(3, 2)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "an independent proposal of positive numbers",
    ),
    (
        "gamma_iid",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { x' ~ Gamma(3, 1) }\nclaim stationary(t, p)",
        "x^2 exp(-x) is Gamma(3, 1)",
    ),
    (
        "lognormal_prop",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "a proposal that is not symmetric",
    ),
    (
        "lognormal_prop_ratio",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = accept(y, min(1, y^3 * exp(-y) / (x^3 * exp(-x)))) }\nclaim stationary(t, p)",
        "its ratio adds a power",
    ),
    (
        "inverse_inv",
        "observed x : Positive\np(x) ∝ exp(-x - 1/x) / x\ntransition t(x' | x) { x' = 1 / x }\nclaim stationary(t, p)",
        "1/x symmetric under inversion with dx/x",
    ),
    (
        "inverse_inv_acc",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = accept(1 / x, min(1, exp(x - 1/x) / x^2)) }\nclaim reversible(t, p)",
        "the Jacobian 1 / x^2",
    ),
    (
        "beta_iid",
        "observed x : Unit\np(x) ∝ x * (1 - x)\ntransition t(x' | x) { x' ~ Beta(2, 2) }\nclaim stationary(t, p)",
        "x (1 - x) is Beta(2, 2)",
    ),
    (
        "logit_walk",
        "observed x : Unit\np(x) ∝ x * (1 - x)\ntransition t(x' | x) { n ~ Normal(logit(x), 0.5)   x' = metropolis(sigmoid(n)) }\nclaim stationary(t, p)",
        "a walk of the logit",
    ),
    (
        "reflect_unit",
        "observed x : Unit\np(x) ∝ x * (1 - x)\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
        "a symmetric target",
    ),
    (
        "mirror",
        "observed x : Real\np(x) ∝ exp(-(x - 1)^4)\ntransition t(x' | x) { x' = 2 - x }\nclaim stationary(t, p)",
        "a target symmetric about 1",
    ),
    (
        "ghmc",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = partial |> move |> turn\nclaim stationary(t, p)",
        "a partial refresh, a move, a turn",
    ),
    (
        "ghmc_noturn",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = partial |> move\nclaim stationary(t, p)",
        "without the turn it is slow, not wrong",
    ),
    (
        "hmc_sympl",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\nbijection adj(x : Real, v : Real) -> (Real, Real) = (y, v - 0.1 * grad(U)(y)) where { y = x + 0.1 * v }\ntransition m(x', v' | x, v) { y, w = (x, v) |> sympl |> adj |> flip   x', v' = metropolis(y, w) }\ntransition t = refresh |> m\nclaim stationary(t, p)",
        "symplectic Euler with its adjoint",
    ),
    (
        "hmc_turn_rev",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\nclaim reversible(move, p)",
        "an involution with its ratio is in balance",
    ),
    (
        "hmc_palin",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = refresh |> move |> refresh\nclaim reversible(t, p)",
        "a palindrome",
    ),
    (
        "hmc_mass",
        "observed x : Real[2]\nlatent v : Real[2]\nparam m : Positive[2]\ndef U(x : Real[2]) -> Real = sum(x^4) / 4\np(x, v) ∝ exp(-U(x) - sum(v^2 / m) / 2)\nbijection leap(x : Real[2], v : Real[2]) -> (Real[2], Real[2]) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w / m }\nbijection flip(x : Real[2], v : Real[2]) -> (Real[2], Real[2]) = (x, -v)\ntransition r(x', v' | x, v) { v' ~ p(v) }\ntransition mv(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition t = r |> mv\nclaim stationary(t, p)",
        "masses that are learned",
    ),
    (
        "rotation",
        "observed x : Real\nlatent v : Real\np(x, v) ∝ exp(-x^2/2 - v^2 / 2)\nbijection rot(x : Real, v : Real) -> (Real, Real) = (0.6 * x + 0.8 * v, 0.6 * v - 0.8 * x)\ntransition t(x', v' | x, v) { x', v' = (x, v) |> rot }\nclaim stationary(t, p)",
        "exact rotation keeps a Gaussian",
    ),
    (
        "swap",
        "observed x : Real\nlatent v : Real\np(x, v) ∝ exp(-x^4 - v^4 + x * v)\ntransition t(x', v' | x, v) { x', v' = (v, x) }\nclaim stationary(t, p)",
        "exchange under a symmetric target",
    ),
    (
        "tempering_swap",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition t(x', y' | x, y) { a, b = (x, y) |> ex   x', y' = metropolis(a, b) }\nclaim stationary(t, p)",
        "an exchange of temperatures",
    ),
    (
        "tempering_swap_hand",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition t(x', y' | x, y) { a, b = (x, y) |> ex   x', y' = accept(a, b, min(1, exp(0.7 * (U(x) - U(y))))) }\nclaim stationary(t, p)",
        "its ratio, written out",
    ),
    (
        "tempering_full",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition a(x', y' | x, y) { u ~ Normal(x, 0.3)   x' = metropolis(u) }\ntransition b(x', y' | x, y) { u ~ Normal(y, 1)   y' = metropolis(u) }\ntransition s(x', y' | x, y) { c, d = (x, y) |> ex   x', y' = metropolis(c, d) }\ntransition t = a |> b |> s\nclaim stationary(t, p)",
        "moves at both temperatures, and an exchange",
    ),
    (
        "pseudo_marginal",
        "observed x : Real\nlatent u : Real\np(x, u) ∝ exp(-x^2/2 - u^2/2 + sin(x * u))\ntransition t(x', u' | x, u) { y ~ Normal(x, 1)   w ~ Normal(0, 1)   x', u' = metropolis(y, w) }\nclaim stationary(t, p)",
        "the estimate travels with the state",
    ),
    (
        "pseudo_marginal_hand",
        "observed x : Real\nlatent u : Real\np(x, u) ∝ exp(-x^2/2 - u^2/2 + sin(x * u))\ntransition t(x', u' | x, u) { y ~ Normal(x, 1)   w ~ Normal(0, 1)   x', u' = accept(y, w, min(1, exp(sin(y * w) - sin(x * u) + x^2/2 - y^2/2))) }\nclaim stationary(t, p)",
        "the auxiliary variable's density cancels",
    ),
    (
        "augment",
        "observed x : Real\nlatent s : Positive\np(s) = Gamma(2, 2)\np(x | s) = Normal(0, 1 / sqrt(s))\ntransition t(x', s' | x, s) { x' ~ Normal(0, 1 / sqrt(s))   s' ~ Gamma(2.5, 2 + x'^2 / 2) }\nclaim stationary(t, p)",
        "scale mixture Gibbs",
    ),
    (
        "ggibbs",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y, 1)   y' ~ Normal(0.6 * x', 1) }\nclaim stationary(t, p)",
        "both conditionals, the second at the new value",
    ),
    (
        "ggibbs_random",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition a(x', y' | x, y) { x' ~ p(x | y) }\ntransition b(x', y' | x, y) { y' ~ p(y | x) }\ntransition t = mixture([0.5, 0.5], a, b)\nclaim reversible(t, p)",
        "random scan is reversible",
    ),
    (
        "ggibbs_pal",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition a(x', y' | x, y) { x' ~ p(x | y) }\ntransition b(x', y' | x, y) { y' ~ p(y | x) }\ntransition t = a |> b |> a\nclaim reversible(t, p)",
        "a palindrome of conditionals",
    ),
    (
        "ggibbs_over",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y - 0.5 * (x - 0.6 * y), sqrt(0.75)) }\nclaim stationary(t, p)",
        "overrelaxation (Adler 1981)",
    ),
    (
        "ggibbs_mwg_seq",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^4 - y^4 + x * y)\ntransition a(x', y' | x, y) { u ~ Normal(x, 1)   x' = metropolis(u) }\ntransition b(x', y' | x, y) { u ~ Normal(y, 1)   y' = metropolis(u) }\ntransition t = a |> b\nclaim stationary(t, p)",
        "one variable after another",
    ),
    (
        "ggibbs_sign",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(-0.6 * y, 1)   y' ~ Normal(0.6 * x', 1) }\nclaim stationary(t, p)",
        "the sign does not matter to the marginal, and the second step restores the rest",
    ),
]
