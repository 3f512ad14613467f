"""More false statements, each with the smallest error planted:
finite and counted states, machines, bounded states, temperatures."""

from __future__ import annotations

from tests.checks.chain_models import Statement

FALSE: list[Statement] = [
    (
        "matrix_cycle_rev",
        "observed x : Category(3)\np(x) = Uniform()\ntransition t(x' | x) { x' ~ Categorical([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]][x]) }\nclaim reversible(t, p)",
        "a current around the cycle",
    ),
    (
        "matrix_cycle_rev_e",
        "observed x : Category(3)\np(x) ∝ exp(0 * x)\ntransition t(x' | x) { x' ~ Categorical([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]][x]) }\nclaim reversible(t, p)",
        "a current around the cycle",
    ),
    (
        "matrix_off",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { x' ~ Categorical([[0.7, 0.3, 0], [0.2, 0.4, 0.4], [0, 0.3, 0.7]][x]) }\nclaim stationary(t, p)",
        "a row is changed",
    ),
    (
        "matrix_not_ergodic",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { x' ~ Categorical([[1, 0, 0], [0, 0.4, 0.6], [0, 0.3, 0.7]][x]) }\nclaim ergodic(t)",
        "an absorbing state",
    ),
    (
        "matrix_periodic",
        "observed x : Category(2)\np(x) = Uniform()\ntransition t(x' | x) { x' ~ Categorical([[0, 1], [1, 0]][x]) }\nclaim stationary(t, p)\nclaim ergodic(t)",
        "period",
    ),
    (
        "matrix_period_three",
        "observed x : Category(4)\np(x) ∝ 1\ntransition t(x' | x) { x' ~ Categorical([[0, 0.5, 0.5, 0], [0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]][x]) }\nclaim ergodic(t)",
        "three classes in turn",
    ),
    (
        "mh_cat2_no",
        "observed x : Category(3)\nparam a : Real\np(x) ∝ exp(a * x)\ntransition t(x' | x) { y ~ Categorical([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]][x])   x' = accept(y, min(1, exp(a * (y - x)))) }\nclaim stationary(t, p)",
        "asymmetric proposal without ratio",
    ),
    (
        "int_inv_no",
        "observed x : Integer(-inf..inf)\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
        "another centre",
    ),
    (
        "poisson_wrong",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { x' ~ Poisson(2) }\nclaim stationary(t, p)",
        "another rate",
    ),
    (
        "poisson_mh_no",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { y ~ Poisson(x + 1)   x' = accept(y, min(1, exp((y - x) * log(3) - lgamma(y + 1) + lgamma(x + 1)))) }\nclaim stationary(t, p)",
        "ratio of the proposal left out",
    ),
    (
        "poisson_mh_no_rev",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { y ~ Poisson(x + 1)   x' = accept(y, min(1, exp((y - x) * log(3) - lgamma(y + 1) + lgamma(x + 1)))) }\nclaim reversible(t, p)",
        "ratio of the proposal left out",
    ),
    (
        "ising_scan_rev",
        "observed x : Binary[2]\np(x) ∝ exp(x[0] * x[1] + x[0])\ntransition s(x' | x, i : Integer(0..2)) { x'[i] ~ p(x[i] | x[!=i]) }\ntransition t(x' | x) = repeat(i in 2) { s(i = i) }\nclaim reversible(t, p)",
        "a systematic scan is not reversible",
    ),
    (
        "ising_parallel",
        "observed x : Binary[2]\np(x) ∝ exp(x[0] * x[1])\ntransition t(x' | x) { x' ~ Bernoulli(logits = [x[1], x[0]]) }\nclaim stationary(t, p)",
        "synchronous updates",
    ),
    (
        "ising_flip_all_field",
        "observed x : Sign[3]\nparam J : Real\np(x) ∝ exp(J * (x[0] * x[1] + x[1] * x[2]) + x[0])\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
        "global flip with a field",
    ),
    (
        "ising_flip_field_acc_no",
        "observed x : Sign[3]\nparam J : Real\np(x) ∝ exp(J * (x[0] * x[1] + x[1] * x[2]) + x[0])\ntransition t(x' | x) { x' = accept(-x, min(1, exp(-x[0]))) }\nclaim stationary(t, p)",
        "half of the field",
    ),
    (
        "spin_metro_no",
        "observed x : Binary\nlatent h : Binary\nparam J : Real\np(x, h) ∝ exp(J * x * h)\ntransition t(x', h' | x, h) { x' = accept(1 - x, min(1, exp(J * h * (2 * x - 1)))) }\nclaim stationary(t, p)",
        "sign",
    ),
    (
        "rbm_ss_rev",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition t = u |> v\nclaim reversible(t, p)",
        "a systematic scan is not reversible",
    ),
    (
        "rbm_sdm",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition t = mixture([sigmoid(sum(x)), 1 - sigmoid(sum(x))], u, v)\nclaim stationary(t, p)",
        "the scan depends on the state",
    ),
    (
        "rbm_sdm_comp",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition m = mixture([sigmoid(sum(x)), 1 - sigmoid(sum(x))], u, v)\ntransition t = m |> u\nclaim stationary(t, p)",
        "and goes on",
    ),
    (
        "gsn_copy",
        "observed x : Binary[3]\nlatent c : Binary[3]\nq(c | x) = SaltAndPepper(x, rate = 0.4)\ntransition t(x' | x) { c ~ q(c | x)   x' = x }\nclaim ergodic(t)",
        "a copy",
    ),
    (
        "gsn_part",
        "observed x : Binary[2]\np(x) ∝ exp(x[0])\ntransition t(x' | x) { x'[0] ~ p(x[0] | x[!=0]) }\nclaim ergodic(t)",
        "only part is corrupted",
    ),
    (
        "flip_ergodic",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { x' = -x }\nclaim ergodic(t)",
        "two points",
    ),
    (
        "refresh_ergodic",
        "observed x : Real\nlatent v : Real\np(x, v) ∝ exp(-x^2/2 - v^2/2)\ntransition t(x', v' | x, v) { v' ~ p(v) }\nclaim ergodic(t)",
        "x never moves",
    ),
    (
        "ula_Real",
        "observed x : Real\ndef U(x : Real) -> Real = x^2/2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2)) }\nclaim stationary(t, p)",
        "the discretization is biased",
    ),
    (
        "ula_Real3",
        "observed x : Real[3]\ndef U(x : Real[3]) -> Real = sum(x^2)/2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2)) }\nclaim stationary(t, p)",
        "the same, of a vector",
    ),
    (
        "ula_eps",
        "observed x : Real[2]\nparam e : Positive\ndef U(x : Real[2]) -> Real = sum(x^2)/2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - e * grad(U)(x), sqrt(2 * e)) }\nclaim stationary(t, p)",
        "for some e it is wrong",
    ),
    (
        "ula_logistic",
        "observed x : Real\ndef U(x : Real) -> Real = softplus(x) + softplus(-x)\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - 0.5 * grad(U)(x), 1) }\nclaim stationary(t, p)",
        "the discretization is biased",
    ),
    (
        "ula_wells_small_step",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4 - x^2/2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - 0.01 * grad(U)(x), sqrt(0.02)) }\nclaim stationary(t, p)",
        "a small step",
    ),
    (
        "ula_small",
        "observed x : Real\ndef U(x : Real) -> Real = x^2/2\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { x' ~ Normal(x - 0.001 * grad(U)(x), sqrt(0.002)) }\nclaim stationary(t, p)",
        "a tiny step",
    ),
    (
        "mala_then_ula",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition a(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2))   x' = metropolis(y) }\ntransition b(x' | x) { x' ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2)) }\ntransition t = a |> b\nclaim stationary(t, p)",
        "the last part is biased",
    ),
    (
        "ula_then_mala",
        "observed x : Real\ndef U(x : Real) -> Real = x^4/4\np(x) ∝ exp(-U(x))\ntransition a(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2))   x' = metropolis(y) }\ntransition b(x' | x) { x' ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2)) }\ntransition t = b |> a\nclaim stationary(t, p)",
        "the first part is biased",
    ),
    (
        "path_wrong_target",
        "observed x : Real\np(x) ∝ exp(-x^4)\ndensity path(x | t : Interval(0, 1)) ∝ Normal(x | 0, 2)^(1 - t) * p(x)^t\ntransition k(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 1)   x' = metropolis(y) }\nclaim stationary(k, path)",
        "keeps p and not the path",
    ),
    (
        "compensated_half",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ndef w(x : Real) -> Real = sigmoid(x)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = accept(y, min(1, exp(x^4/4 - y^4/4) * w(y) / w(x))) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = accept(y, min(1, exp(x^4/4 - y^4/4))) }\ntransition t = mixture([w(x), 1 - w(x)], a, b)\nclaim stationary(t, p)",
        "only one of the two",
    ),
    (
        "hmc_positive",
        "observed x : Positive\nlatent v : Real\ndef U(x : Positive) -> Real = x - log(x)\np(x, v) ∝ exp(-U(x) - v^2 / 2)\nbijection leap(x : Positive, v : Real) -> (Positive, Real) = (y, w - 0.05 * grad(U)(y))\n  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }\nbijection flip(x : Positive, v : Real) -> (Positive, Real) = (x, -v)\ntransition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip   x', v' = metropolis(y, w) }\nclaim stationary(move, p)",
        "a leapfrog step may leave the positive numbers",
    ),
    (
        "neg_positive",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
        "it leaves the positive numbers",
    ),
    (
        "shift_count",
        "observed x : Count\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
        "it leaves the counts",
    ),
    (
        "swap_supports",
        "observed x : Positive\nlatent v : Real\np(x, v) ∝ exp(-x - v)\nbijection ex(x : Positive, v : Real) -> (Positive, Real) = (v, x)\ntransition t(x', v' | x, v) { a, b = (x, v) |> ex   x', v' = metropolis(a, b) }\nclaim stationary(t, p)",
        "it leaves the positive numbers",
    ),
    (
        "inv_unit",
        "observed x : Unit\np(x) ∝ exp(-x)\ntransition t(x' | x) { x' = metropolis(1 / x) }\nclaim stationary(t, p)",
        "1 / x is above 1",
    ),
    (
        "inv_unit2",
        "observed x : Unit\np(x) ∝ 1 / x\ntransition t(x' | x) { x' = 1 / x }\nclaim stationary(t, p)",
        "1 / x is above 1",
    ),
    (
        "minus_interval",
        "observed x : Interval(0, 2)\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
        "it leaves the interval",
    ),
    (
        "minus_positive_acc",
        "observed x : Positive\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = metropolis(-x) }\nclaim stationary(t, p)",
        "it leaves the positive numbers",
    ),
    (
        "mirror_positive",
        "observed x : Positive\np(x) ∝ exp(-(x - 1)^2)\ntransition t(x' | x) { x' = 2 - x }\nclaim stationary(t, p)",
        "it may leave the positive numbers",
    ),
    (
        "draw_leaves",
        "observed x : Positive\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "a draw may leave the positive numbers",
    ),
    (
        "noise_leaves",
        "observed x : Positive\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { u ~ Normal(0, 1)   y = x + u  x' = metropolis(y) }\nclaim stationary(t, p)",
        "noise may leave the positive numbers",
    ),
    (
        "mirror_interval",
        "observed x : Interval(0, 1)\np(x) ∝ exp(-x^2 + 1.8 * x)\ntransition t(x' | x) { x' = 1.8 - x }\nclaim stationary(t, p)",
        "it may leave the interval",
    ),
    (
        "accept_lopsided",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, sigmoid(x) * min(1, exp(x^4 - y^4))) }\nclaim reversible(t, p)",
        "a factor that depends on where it is",
    ),
    (
        "accept_square",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(1, exp(2 * (x^4 - y^4)))) }\nclaim stationary(t, p)",
        "half the temperature",
    ),
    (
        "accept_share_off",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, exp(-y^4) / (2 * exp(-x^4) + exp(-y^4))) }\nclaim stationary(t, p)",
        "a share of something else",
    ),
    (
        "accept_min_other",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(exp(-x^4), exp(-y^4))) }\nclaim stationary(t, p)",
        "min(A, B) alone is even: it balances the flat measure",
    ),
    (
        "fresh_then_broken",
        "observed x : Real\np(x) = Normal(0, 1)\ntransition a(x' | x) { x' ~ Normal(x, 1) }\ntransition b(x' | x) { x' ~ Normal(0, 1) }\ntransition t = b |> a\nclaim stationary(t, p)",
        "the last step spreads",
    ),
    (
        "flip_category_out",
        "observed x : Category(4)\np(x) ∝ exp(0 * x)\ntransition t(x' | x) { x' = 2 - x }\nclaim stationary(t, p)",
        "2 - 3 is no category",
    ),
    (
        "flip_category_off",
        "observed x : Category(4)\np(x) ∝ exp(-(x - 1)^2)\ntransition t(x' | x) { x' = 3 - x }\nclaim stationary(t, p)",
        "symmetric about something else",
    ),
    (
        "two_bits_unequal",
        "observed x : Binary\nlatent h : Binary\nparam a : Real\np(x, h) ∝ exp(a * x + 2 * a * h + x * h)\ntransition t(x', h' | x, h) { x', h' = (h, x) }\nclaim stationary(t, p)",
        "an exchange of unequals",
    ),
    (
        "weights_of_the_moved",
        "observed x : Real\nlatent h : Real\np(x, h) ∝ exp(-x^4 - h^4 + x * h)\ntransition a(x', h' | x, h) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x', h' | x, h) { y ~ Normal(h, 1)   h' = metropolis(y) }\ntransition t = mixture([sigmoid(2 * h), 1 - sigmoid(2 * h)], a, b)\nclaim stationary(t, p)",
        "one branch moves what the weights read",
    ),
    (
        "mixture_three_state",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition t = mixture([0.5 * sigmoid(x), 0.5, 0.5 - 0.5 * sigmoid(x)], a, b, c)\nclaim stationary(t, p)",
        "two of three weights depend on the state",
    ),
    (
        "composed_state_mixture_middle",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition m = mixture([sigmoid(x), 1 - sigmoid(x)], a, b)\ntransition t = c |> m |> a\nclaim stationary(t, p)",
        "a state-dependent mixture in the middle",
    ),
    (
        "sign_walk_half",
        "observed x : Sign\nparam a : Real\np(x) ∝ exp(a * x)\ntransition t(x' | x) { x' = accept(-x, sigmoid(-a * x)) }\nclaim reversible(t, p)",
        "half of the difference",
    ),
    (
        "detailed_balance_of_gibbs_scan",
        "observed x : Real\nlatent h : Binary\np(x, h) ∝ exp(-x^2 / 2 + x * h)\ntransition t(x', h' | x, h) { x' ~ p(x | h)   h' ~ p(h | x') }\nclaim reversible(t, p)",
        "a systematic scan",
    ),
    (
        "laplace_scale_no",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { s ~ Normal(0, 1)   y = x * exp(s)   x' = accept(y, min(1, exp(x - y))) }\nclaim stationary(t, p)",
        "without its Jacobian",
    ),
]
