"""More false statements, each with the smallest error planted:
proposals and their ratios, mixtures and compositions, deterministic moves."""

from __future__ import annotations

from tests.checks.chain_models import Statement

FALSE: list[Statement] = [
    (
        "state_scale_no_ratio",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ndef U(x : Real) -> Real = x^4/4\ntransition t(x' | x) { y ~ Normal(x, sqrt(1 + x^2))   x' = accept(y, min(1, exp(U(x) - U(y)))) }\nclaim stationary(t, p)",
        "the step depends on the state, and its ratio is left out",
    ),
    (
        "state_scale_no_ratio_rev",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ndef U(x : Real) -> Real = x^4/4\ntransition t(x' | x) { y ~ Normal(x, sqrt(1 + x^2))   x' = accept(y, min(1, exp(U(x) - U(y)))) }\nclaim reversible(t, p)",
        "the same",
    ),
    (
        "state_scale_by_hand_no_norm",
        "observed x : Real\np(x) ∝ exp(-x^2/2)\ntransition t(x' | x) { y ~ Normal(x, exp(x / 4))   x' = accept(y, min(1, exp(x^2/2 - y^2/2 - (x-y)^2/2 * exp(-y/2) + (y-x)^2/2*exp(-x/2)))) }\nclaim stationary(t, p)",
        "the normalizations of the proposal are left out",
    ),
    (
        "indep_forgot",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(0, 1)   x' = accept(y, min(1, exp(x^4 - y^4))) }\nclaim stationary(t, p)",
        "the proposal's densities are left out",
    ),
    (
        "indep_inverted",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(0, 1)   x' = accept(y, min(1, exp(x^4 - y^4 - y^2/2 + x^2/2))) }\nclaim stationary(t, p)",
        "the proposal's ratio is upside down",
    ),
    (
        "iid_wrong",
        "observed x : Real\np(x) = Normal(1, 2)\ntransition t(x' | x) { x' ~ Normal(1, 2.1) }\nclaim stationary(t, p)",
        "another scale",
    ),
    (
        "ar_mean_off",
        "observed x : Real\np(x) = Normal(3, 2)\ntransition t(x' | x) { x' ~ Normal(3 + 0.6 * (x - 3), 1.61) }\nclaim stationary(t, p)",
        "0.6^2 + 1.61^2 / 4 is not 1",
    ),
    (
        "ou_inexact",
        "observed x : Real\nparam a : Open(0, 1)\np(x) = Normal(0, 1)\ntransition t(x' | x) { x' ~ Normal(a * x, 1 - a) }\nclaim stationary(t, p)",
        "1 - a for its root",
    ),
    (
        "pcn_wrong",
        "observed x : Real\ndef L(x : Real) -> Real = softplus(x) + x^4\np(x) ∝ exp(-x^2/2 - L(x))\ntransition t(x' | x) { y ~ Normal(0.8 * x, 0.7)   x' = accept(y, min(1, exp(L(x) - L(y)))) }\nclaim stationary(t, p)",
        "0.8^2 + 0.7^2 is not 1",
    ),
    (
        "pcn_wrong_rev",
        "observed x : Real\ndef L(x : Real) -> Real = softplus(x) + x^4\np(x) ∝ exp(-x^2/2 - L(x))\ntransition t(x' | x) { y ~ Normal(0.8 * x, 0.7)   x' = accept(y, min(1, exp(L(x) - L(y)))) }\nclaim reversible(t, p)",
        "the same",
    ),
    (
        "mala_hand_swapped",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.1 * x^3, sqrt(0.2))   x' = accept(y, min(1, exp(U(x) - U(y) + (x - y + 0.1 * y^3)^2 / 0.4 - (y - x + 0.1*x^3)^2 / 0.4))) }\nclaim stationary(t, p)",
        "the proposal's ratio is upside down",
    ),
    (
        "mala_hand_wrongvar",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - 0.1 * x^3, sqrt(0.2))   x' = accept(y, min(1, exp(U(x) - U(y) - (x - y + 0.1 * y^3)^2 / 0.2 + (y - x + 0.1*x^3)^2 / 0.2))) }\nclaim reversible(t, p)",
        "half the variance in the ratio",
    ),
    (
        "barker_up",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, sigmoid(y^4 - x^4)) }\nclaim stationary(t, p)",
        "Barker's probability upside down",
    ),
    (
        "barker_up_rev",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, exp(-x^4) / (exp(-x^4) + exp(-y^4))) }\nclaim reversible(t, p)",
        "the same, as a quotient",
    ),
    (
        "metropolis_max",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, max(0, 1 - exp(x^4 - y^4))) }\nclaim reversible(t, p)",
        "what is refused for what is accepted",
    ),
    (
        "threshold",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, if y^4 <= x^4 then 1 else 0.5) }\nclaim reversible(t, p)",
        "threshold accepting",
    ),
    (
        "threshold_st",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, if y^4 <= x^4 then 1 else 0.5) }\nclaim stationary(t, p)",
        "threshold accepting",
    ),
    (
        "mix_state",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([sigmoid(x), 1 - sigmoid(x)], a, b)\nclaim stationary(t, p)",
        "state-dependent mixture",
    ),
    (
        "mix_state_even",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([1 / (1 + x^2), x^2 / (1 + x^2)], a, b)\nclaim stationary(t, p)",
        "even weights are no better",
    ),
    (
        "mix_state_composed",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition m = mixture([1 / (1 + x^2), x^2 / (1 + x^2)], a, b)\ntransition t = a |> m\nclaim stationary(t, p)",
        "state-dependent mixture in a composed chain",
    ),
    (
        "mix_state_composed2",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition m = mixture([1 / (1 + x^2), x^2 / (1 + x^2)], a, b)\ntransition t = m |> a\nclaim stationary(t, p)",
        "state-dependent mixture in a composed chain, first",
    ),
    (
        "mix_state_power",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition m = mixture([sigmoid(x), 1 - sigmoid(x)], a, b)\ntransition t = m^2\nclaim stationary(t, p)",
        "twice what breaks it",
    ),
    (
        "mix_state_nested",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition m = mixture([sigmoid(x), 1 - sigmoid(x)], a, b)\ntransition t = mixture([0.5, 0.5], m, a)\nclaim stationary(t, p)",
        "within another mixture",
    ),
    (
        "mix_not_one",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = mixture([0.3, 0.6], a, b)\nclaim stationary(t, p)",
        "weights do not sum to one",
    ),
    (
        "not_palindrome",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition t = a |> b\nclaim reversible(t, p)",
        "composition not reversible",
    ),
    (
        "mix_of_orders_uneven",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = metropolis(y) }\ntransition u = a |> b\ntransition v = b |> a\ntransition t = mixture([0.4, 0.6], u, v)\nclaim reversible(t, p)",
        "the two orders are not equally likely",
    ),
    (
        "mix_frozen_not",
        "observed x : Real\nlatent h : Binary\np(x, h) ∝ exp(-x^2/2 + x * h)\ntransition a(x', h' | x, h) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x', h' | x, h) { h' ~ p(h | x) }\ntransition t = mixture([0.3 + 0.4 * h, 0.7 - 0.4 * h], a, b)\nclaim stationary(t, p)",
        "weights depend on a variable that one branch moves",
    ),
    (
        "logwalk_nojac",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { n ~ Normal(log(x), 0.5)   x' = accept(exp(n), min(1, exp(2 * n - exp(n) - 2 * log(x) + x))) }\nclaim stationary(t, p)",
        "the Jacobian is left out",
    ),
    (
        "logwalk_jac_inv",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { n ~ Normal(log(x), 0.5)   x' = accept(exp(n), min(1, exp(n - exp(n) - log(x) + x))) }\nclaim stationary(t, p)",
        "jacobian upside down",
    ),
    (
        "gamma_iid_wrong",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { x' ~ Gamma(2, 1) }\nclaim stationary(t, p)",
        "another shape",
    ),
    (
        "lognormal_prop_noratio",
        "observed x : Positive\np(x) ∝ x^2 * exp(-x)\ntransition t(x' | x) { y ~ LogNormal(log(x), 0.5)   x' = accept(y, min(1, y^2 * exp(-y) / (x^2 * exp(-x)))) }\nclaim stationary(t, p)",
        "the proposal's ratio is left out",
    ),
    (
        "inverse_inv_no",
        "observed x : Positive\np(x) ∝ exp(-x - 1/x)\ntransition t(x' | x) { x' = 1 / x }\nclaim stationary(t, p)",
        "the density lacks the Jacobian",
    ),
    (
        "inverse_inv_acc_no",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = accept(1 / x, min(1, exp(x - 1/x))) }\nclaim reversible(t, p)",
        "the Jacobian is left out",
    ),
    (
        "double_not_inv",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = accept(2 * x, min(1, 2 * exp(-x))) }\nclaim stationary(t, p)",
        "not an involution",
    ),
    (
        "logit_walk_no",
        "observed x : Unit\np(x) ∝ x * (1 - x)\ntransition t(x' | x) { n ~ Normal(logit(x), 0.5)   x' = accept(sigmoid(n), min(1, sigmoid(n) * (1 - sigmoid(n)) / (x * (1 - x)))) }\nclaim stationary(t, p)",
        "the Jacobian of the logit is left out",
    ),
    (
        "reflect_unit_no",
        "observed x : Unit\np(x) ∝ x^2 * (1 - x)\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
        "a target that is not symmetric",
    ),
    (
        "mirror_off",
        "observed x : Real\np(x) ∝ exp(-(x - 1)^4)\ntransition t(x' | x) { x' = 1.9 - x }\nclaim stationary(t, p)",
        "another centre",
    ),
    (
        "shift",
        "observed x : Real\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = x + 1 }\nclaim stationary(t, p)",
        "a shift",
    ),
    (
        "shift_acc",
        "observed x : Real\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = accept(x + 1, min(1, exp(x^2 - (x+1)^2))) }\nclaim stationary(t, p)",
        "a shift is no involution",
    ),
    (
        "ghmc_badpartial",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = badpartial |> move |> turn\nclaim stationary(t, p)",
        "0.8^2 + 0.7^2 is not 1",
    ),
    (
        "ghmc_badpartial_last",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = move |> turn |> badpartial\nclaim stationary(t, p)",
        "the same, at the end",
    ),
    (
        "hmc_noflip",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = refresh |> noflip\nclaim stationary(t, p)",
        "the flip is missing: leapfrog is no involution",
    ),
    (
        "hmc_noflip_alone",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\nclaim stationary(noflip, p)",
        "the flip is missing: leapfrog is no involution",
    ),
    (
        "hmc_unadjusted",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition t = refresh |> unadjusted\nclaim stationary(t, p)",
        "leapfrog without acceptance",
    ),
    (
        "hmc_unadjusted_alone",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\nclaim stationary(unadjusted, p)",
        "leapfrog without acceptance",
    ),
    (
        "hmc_sympl_no",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition m(x', v' | x, v) { y, w = (x, v) |> sympl |> flip   x', v' = metropolis(y, w) }\nclaim stationary(m, p)",
        "symplectic Euler is not reversible",
    ),
    (
        "hmc_euler",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection euler(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * v, v - 0.1 * grad(U)(x))\nbijection sympl(x : Real, v : Real) -> (Real, Real) = (x + 0.1 * w, w)\n  where { w = v - 0.1 * grad(U)(x) }\nbijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)\ntransition refresh(x', v' | x, v) { v' ~ p(v) }\ntransition partial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.6) }\ntransition turn(x', v' | x, v) { v' = -v }\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\ntransition noflip(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap }   x', v' = metropolis(y, w) }\ntransition unadjusted(x', v' | x, v) { x', v' = (x, v) |> leap }\ntransition badpartial(x', v' | x, v) { v' ~ Normal(0.8 * v, 0.7) }\ntransition m(x', v' | x, v) { y, w = (x, v) |> euler |> flip   x', v' = metropolis(y, w) }\nclaim stationary(m, p)",
        "euler changes volumes",
    ),
    (
        "hmc_mass_wrong",
        "observed x : Real\nlatent v : Real\ndef U(x : Real) -> Real = x^4 / 4 - x\np(x, v) ∝ exp(-U(x) - v^2 / 2)\ntransition t(x', v' | x, v) { v' ~ Normal(0, 2) }\nclaim stationary(t, p)",
        "momentum from a law of another variance",
    ),
    (
        "rotation_no",
        "observed x : Real\nlatent v : Real\np(x, v) ∝ exp(-x^2/2 - v^2)\nbijection rot(x : Real, v : Real) -> (Real, Real) = (0.6 * x + 0.8 * v, 0.6 * v - 0.8 * x)\ntransition t(x', v' | x, v) { x', v' = (x, v) |> rot }\nclaim stationary(t, p)",
        "rotation of an ellipse",
    ),
    (
        "tempering_swap_upside",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition t(x', y' | x, y) { a, b = (x, y) |> ex   x', y' = accept(a, b, min(1, exp(0.7 * (U(y) - U(x))))) }\nclaim stationary(t, p)",
        "the ratio is upside down",
    ),
    (
        "tempering_swap_factor",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition t(x', y' | x, y) { a, b = (x, y) |> ex   x', y' = accept(a, b, min(1, exp(0.3 * (U(x) - U(y))))) }\nclaim stationary(t, p)",
        "another temperature",
    ),
    (
        "tempering_swap_always",
        "observed x : Real\nlatent y : Real\ndef U(x : Real) -> Real = x^4 - x^2\np(x, y) ∝ exp(-U(x) - 0.3 * U(y))\nbijection ex(x : Real, y : Real) -> (Real, Real) = (y, x)\ntransition t(x', y' | x, y) { x', y' = (x, y) |> ex }\nclaim stationary(t, p)",
        "an exchange without a condition",
    ),
    (
        "pseudo_marginal_no",
        "observed x : Real\nlatent u : Real\np(x, u) ∝ exp(-x^2/2 - u^2/2 + sin(x * u))\ntransition t(x', u' | x, u) { y ~ Normal(x, 1)   w ~ Normal(0, 1)   x', u' = accept(y, w, min(1, exp(sin(y * w) - sin(x * u) + x^2/2 - y^2/2 + u^2/2 - w^2/2))) }\nclaim reversible(t, p)",
        "the auxiliary's density counted twice",
    ),
    (
        "augment_wrong",
        "observed x : Real\nlatent s : Positive\np(s) = Gamma(2, 2)\np(x | s) = Normal(0, 1 / sqrt(s))\ntransition t(x', s' | x, s) { x' ~ Normal(0, 1 / sqrt(s))   s' ~ Gamma(2, 2 + x'^2 / 2) }\nclaim stationary(t, p)",
        "the shape forgets the half",
    ),
    (
        "augment_wrong2",
        "observed x : Real\nlatent s : Positive\np(s) = Gamma(2, 2)\np(x | s) = Normal(0, 1 / sqrt(s))\ntransition t(x', s' | x, s) { x' ~ Normal(0, 1 / s)   s' ~ Gamma(2.5, 2 + x'^2 / 2) }\nclaim stationary(t, p)",
        "scale for precision",
    ),
    (
        "ggibbs_stale",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y, 1)   y' ~ Normal(0.6 * x, 1) }\nclaim stationary(t, p)",
        "the old x: synchronous update (Hogwild)",
    ),
    (
        "ggibbs_rev",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y, 1)   y' ~ Normal(0.6 * x', 1) }\nclaim reversible(t, p)",
        "a systematic scan is not reversible",
    ),
    (
        "ggibbs_scale",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y, 1)   y' ~ Normal(0.6 * x', 0.8) }\nclaim stationary(t, p)",
        "marginal deviation in place of conditional",
    ),
    (
        "ggibbs_seq_rev",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition a(x', y' | x, y) { x' ~ p(x | y) }\ntransition b(x', y' | x, y) { y' ~ p(y | x) }\ntransition t = a |> b\nclaim reversible(t, p)",
        "a systematic scan is not reversible",
    ),
    (
        "ggibbs_state_mix",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition a(x', y' | x, y) { x' ~ p(x | y) }\ntransition b(x', y' | x, y) { y' ~ p(y | x) }\ntransition t = mixture([sigmoid(x), 1 - sigmoid(x)], a, b)\nclaim stationary(t, p)",
        "the scan depends on the state",
    ),
    (
        "ggibbs_over_no",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^2/2 - y^2/2 + 0.6 * x * y)\ntransition t(x', y' | x, y) { x' ~ Normal(0.6 * y - 0.5 * (x - 0.6 * y), 0.75) }\nclaim stationary(t, p)",
        "the deviation is the variance",
    ),
    (
        "ggibbs_mwg_seq_rev",
        "observed x : Real\nlatent y : Real\np(x, y) ∝ exp(-x^4 - y^4 + x * y)\ntransition a(x', y' | x, y) { u ~ Normal(x, 1)   x' = metropolis(u) }\ntransition b(x', y' | x, y) { u ~ Normal(y, 1)   y' = metropolis(u) }\ntransition t = a |> b\nclaim reversible(t, p)",
        "a systematic scan is not reversible",
    ),
]
