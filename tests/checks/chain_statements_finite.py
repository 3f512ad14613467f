"""More true statements about transitions: finite and counted states, machines, bounded states, temperatures."""

from __future__ import annotations

from tests.checks.chain_models import Statement

TRUE: list[Statement] = [
    (
        "matrix_db",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { x' ~ Categorical([[0.7, 0.3, 0], [0.2, 0.3, 0.5], [0, 0.3, 0.7]][x]) }\nclaim reversible(t, p)",
        "birth-death: detailed balance",
    ),
    (
        "matrix_db_st",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { x' ~ Categorical([[0.7, 0.3, 0], [0.2, 0.3, 0.5], [0, 0.3, 0.7]][x]) }\nclaim stationary(t, p)",
        "birth-death: detailed balance",
    ),
    (
        "matrix_cycle",
        "observed x : Category(3)\np(x) = Uniform()\ntransition t(x' | x) { x' ~ Categorical([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]][x]) }\nclaim stationary(t, p)",
        "doubly stochastic",
    ),
    (
        "matrix_cycle_e",
        "observed x : Category(3)\np(x) ∝ exp(0 * x)\ntransition t(x' | x) { x' ~ Categorical([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]][x]) }\nclaim stationary(t, p)",
        "doubly stochastic",
    ),
    (
        "matrix_aperiodic",
        "observed x : Category(2)\np(x) ∝ 2 - x\ntransition t(x' | x) { x' ~ Categorical([[0.5, 0.5], [1, 0]][x]) }\nclaim stationary(t, p)\nclaim ergodic(t)",
        "one state that may stay breaks the period",
    ),
    (
        "matrix_ergodic",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { x' ~ Categorical([[0.5, 0.5, 0], [0.1, 0.4, 0.5], [0, 0.3, 0.7]][x]) }\nclaim ergodic(t)",
        "connected and aperiodic",
    ),
    (
        "mh_cat",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { y ~ Uniform()   x' = metropolis(y) }\nclaim stationary(t, p)",
        "a uniform proposal",
    ),
    (
        "mh_cat2",
        "observed x : Category(3)\np(x) = Categorical([0.2, 0.3, 0.5])\ntransition t(x' | x) { y ~ Categorical([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]][x])   x' = metropolis(y) }\nclaim stationary(t, p)",
        "asymmetric proposal with its ratio",
    ),
    (
        "mh_cat_sym",
        "observed x : Category(3)\nparam a : Real\np(x) ∝ exp(a * x)\ntransition t(x' | x) { y ~ Categorical([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]][x])   x' = accept(y, min(1, exp(a * (y - x)))) }\nclaim stationary(t, p)",
        "symmetric matrix",
    ),
    (
        "int_inv",
        "observed x : Integer(-inf..inf)\np(x) ∝ exp(-x^2)\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
        "an even mass function",
    ),
    (
        "int_inv2",
        "observed x : Integer(-inf..inf)\np(x) ∝ exp(-(x^2 - x))\ntransition t(x' | x) { x' = 1 - x }\nclaim stationary(t, p)",
        "symmetric about one half",
    ),
    (
        "poisson_iid",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { x' ~ Poisson(3) }\nclaim stationary(t, p)",
        "exact draws",
    ),
    (
        "poisson_mh",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { y ~ Poisson(x + 1)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "state-dependent proposal on counts",
    ),
    (
        "geom_iid",
        "observed x : Count\np(x) ∝ exp(-x)\ntransition t(x' | x) { y ~ Poisson(2)   x' = metropolis(y) }\nclaim stationary(t, p)",
        "an independent proposal of counts",
    ),
    (
        "ring",
        "observed x : Integer(0..4)\nparam a : Real[4]\np(x) ∝ exp(a[x])\ntransition t(x' | x) { y ~ Uniform()   x' = metropolis(y) }\nclaim stationary(t, p)",
        "any masses",
    ),
    (
        "int_bd",
        "observed x : Integer(0..4)\np(x) ∝ exp(-x)\ntransition t(x' | x) { y ~ Categorical([[0.5, 0.5, 0, 0], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5]][x])   x' = metropolis(y) }\nclaim stationary(t, p)",
        "reflecting walk",
    ),
    (
        "ising_random_site",
        "observed x : Binary[2]\np(x) ∝ exp(x[0] * x[1] + x[0])\ntransition a(x' | x) { x'[0] ~ p(x[0] | x[!=0]) }\ntransition b(x' | x) { x'[1] ~ p(x[1] | x[!=1]) }\ntransition t = mixture([0.5, 0.5], a, b)\nclaim reversible(t, p)",
        "random scan",
    ),
    (
        "ising_flip_all",
        "observed x : Sign[3]\nparam J : Real\np(x) ∝ exp(J * (x[0] * x[1] + x[1] * x[2]))\ntransition t(x' | x) { x' = -x }\nclaim stationary(t, p)",
        "global flip without a field",
    ),
    (
        "ising_flip_field_acc",
        "observed x : Sign[3]\nparam J : Real\np(x) ∝ exp(J * (x[0] * x[1] + x[1] * x[2]) + x[0])\ntransition t(x' | x) { x' = accept(-x, min(1, exp(-2 * x[0]))) }\nclaim stationary(t, p)",
        "global flip with a field, accepted by its ratio",
    ),
    (
        "spin_hb_hand",
        "observed x : Binary\nlatent h : Binary\nparam J : Real\np(x, h) ∝ exp(J * x * h)\ntransition t(x', h' | x, h) { x' ~ Bernoulli(probability = sigmoid(J * h)) }\nclaim stationary(t, p)",
        "heat bath by hand",
    ),
    (
        "spin_metro",
        "observed x : Binary\nlatent h : Binary\nparam J : Real\np(x, h) ∝ exp(J * x * h)\ntransition t(x', h' | x, h) { x' = accept(1 - x, min(1, exp(J * h * (1 - 2 * x)))) }\nclaim stationary(t, p)",
        "Metropolis flip",
    ),
    (
        "spin_barker",
        "observed x : Binary\nlatent h : Binary\nparam J : Real\np(x, h) ∝ exp(J * x * h)\ntransition t(x', h' | x, h) { x' = accept(1 - x, sigmoid(J * h * (1 - 2 * x))) }\nclaim reversible(t, p)",
        "Glauber flip",
    ),
    (
        "rbm_rs",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition t = mixture([0.5, 0.5], u, v)\nclaim reversible(t, p)",
        "a random scan",
    ),
    (
        "rbm_pal",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition t = u |> v |> u\nclaim reversible(t, p)",
        "a palindrome of blocks",
    ),
    (
        "rbm_marginal_rev",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition t(x' | x) { h ~ p(h | x)   x' ~ p(x | h) }\nclaim stationary(t, p)",
        "the hidden units are drawn anew",
    ),
    (
        "dae_erg",
        "observed x : Real[2]\nlatent c : Real[2]\nq(c | x) = Normal(x, 0.3)\np(x | c) = Normal(mlp(c, hidden = [4]), 0.5)\ntransition t(x' | x) { c ~ q(c | x)   x' ~ p(x | c) }\nclaim ergodic(t)",
        "Gaussian corruption and reconstruction",
    ),
    (
        "walk_ergodic",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\nclaim ergodic(t)",
        "a walk reaches everything",
    ),
    (
        "hmc_ergodic_refresh",
        "observed x : Real\nlatent h : Binary\np(x, h) ∝ exp(-x^2/2 + x * h)\ntransition t(x', h' | x, h) { x' ~ p(x | h)   h' ~ p(h | x') }\nclaim ergodic(t)",
        "everything is drawn anew",
    ),
    (
        "ula_gauss_corrected",
        "observed x : Real\np(x) ∝ exp(-x^2/2)\ntransition t(x' | x) { x' ~ Normal(x - 0.2 * x, 0.6) }\nclaim stationary(t, p)",
        "0.8 and 0.6: the exact OU step",
    ),
    (
        "path_mala",
        "observed x : Real\np(x) ∝ exp(-x^4)\ndensity path(x | t : Interval(0, 1)) ∝ Normal(x | 0, 2)^(1 - t) * p(x)^t\ntransition k(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 1)   x' = metropolis(y, target = path) }\nclaim stationary(k, path)",
        "at every temperature",
    ),
    (
        "cond_scale",
        "observed x : Real[2]\np(x) ∝ exp(-sum(x^4))\ntransition k(x' | x, s : Positive[2]) { y ~ Normal(x, s)   x' = metropolis(y) }\nclaim stationary(k, p)",
        "for every scale",
    ),
    (
        "compensated",
        "observed x : Real\np(x) ∝ exp(-x^4/4)\ndef w(x : Real) -> Real = sigmoid(x)\ntransition a(x' | x) { y ~ Normal(x, 0.3)   x' = accept(y, min(1, exp(x^4/4 - y^4/4) * w(y) / w(x))) }\ntransition b(x' | x) { y ~ Normal(x, 3)   x' = accept(y, min(1, exp(x^4/4 - y^4/4) * (1 - w(y)) / (1 - w(x)))) }\ntransition t = mixture([w(x), 1 - w(x)], a, b)\nclaim stationary(t, p)",
        "the choice of kernel is in the ratio (Green 1995)",
    ),
    (
        "accept_even_factor",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, sigmoid(x * y) * min(1, exp(x^4 - y^4))) }\nclaim reversible(t, p)",
        "a factor that both ways have",
    ),
    (
        "accept_share_even",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, exp(-y^4) / (exp(-x^4) + exp(-y^4) + exp(-x^4 - y^4))) }\nclaim stationary(t, p)",
        "more in the denominator, the same both ways",
    ),
    (
        "accept_hastings_general",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition t(x' | x) { y ~ Normal(x, 1)   x' = accept(y, min(exp(-x^4), exp(-y^4)) / exp(-x^4)) }\nclaim reversible(t, p)",
        "min(A, B) / A",
    ),
    (
        "palindrome_of_three",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition t = a |> b |> c |> b |> a\nclaim reversible(t, p)",
        "a palindrome",
    ),
    (
        "palindrome_power",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition s = a |> b |> a\ntransition t = s^4\nclaim reversible(t, p)",
        "a power of a palindrome",
    ),
    (
        "mixture_reversible_nested",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition s = a |> b |> a\ntransition t = mixture([0.2, 0.8], s, c)\nclaim reversible(t, p)",
        "a mixture of reversible ones",
    ),
    (
        "broken_then_fresh",
        "observed x : Real\np(x) = Normal(0, 1)\ntransition a(x' | x) { x' ~ Normal(x, 1) }\ntransition b(x' | x) { x' ~ Normal(0, 1) }\ntransition t = a |> b\nclaim stationary(t, p)",
        "the last step draws anew",
    ),
    (
        "broken_then_fresh_finite",
        "observed x : Category(2)\np(x) = Categorical([0.25, 0.75])\ntransition a(x' | x) { x' = 1 - x }\ntransition b(x' | x) { x' ~ Categorical([0.25, 0.75]) }\ntransition t = a |> b\nclaim stationary(t, p)",
        "the last step draws anew",
    ),
    (
        "flip_category",
        "observed x : Category(4)\np(x) ∝ exp(-(x - 1.5)^2)\ntransition t(x' | x) { x' = 3 - x }\nclaim stationary(t, p)",
        "symmetric about 3 / 2",
    ),
    (
        "bits_squared",
        "observed x : Binary[2]\nlatent h : Binary\nparam a : Real\np(x, h) ∝ exp(a * sum(x^2) * h + h)\ntransition t(x', h' | x, h) { h' ~ Bernoulli(logits = 1 + a * sum(x)) }\nclaim stationary(t, p)",
        "x^2 = x of bits",
    ),
    (
        "two_bits_at_once",
        "observed x : Binary\nlatent h : Binary\nparam a : Real\np(x, h) ∝ exp(a * x + a * h + x * h)\ntransition t(x', h' | x, h) { x', h' = (h, x) }\nclaim stationary(t, p)",
        "an exchange of equals",
    ),
    (
        "weights_of_the_still",
        "observed x : Real\nlatent h : Real, g : Real\np(x, h, g) ∝ exp(-x^4 - h^4 - g^4 + x * h * g)\ntransition a(x', h', g' | x, h, g) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x', h', g' | x, h, g) { y ~ Normal(h, 1)   h' = metropolis(y) }\ntransition t = mixture([sigmoid(g), 1 - sigmoid(g)], a, b)\nclaim stationary(t, p)",
        "no branch moves what the weights read",
    ),
    (
        "mixture_three",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition t = mixture([0.2, 0.3, 0.5], a, b, c)\nclaim stationary(t, p)",
        "three branches",
    ),
    (
        "mixture_two_alike",
        "observed x : Real\np(x) ∝ exp(-x^4)\ntransition a(x' | x) { y ~ Normal(x, 1)   x' = metropolis(y) }\ntransition b(x' | x) { y ~ Normal(0, 2)   x' = metropolis(y) }\ntransition c(x' | x) { y ~ Laplace(x, 1)   x' = metropolis(y) }\ntransition t = mixture([0.5 * sigmoid(x), 0.5 - 0.5 * sigmoid(x), 0.5], a, a, a)\nclaim stationary(t, p)",
        "all branches are one",
    ),
    (
        "langevin_minibatch_ratio",
        "observed x : Real\nparam e : Positive\ndef U(x : Real) -> Real = x^4 / 4\np(x) ∝ exp(-U(x))\ntransition t(x' | x) { y ~ Normal(x - e * grad(U)(x), sqrt(2 * e))   x' = metropolis(y) }\nclaim reversible(t, p)",
        "for every step",
    ),
    (
        "sign_walk_barker",
        "observed x : Sign\nparam a : Real\np(x) ∝ exp(a * x)\ntransition t(x' | x) { x' = accept(-x, sigmoid(-2 * a * x)) }\nclaim reversible(t, p)",
        "glauber's flip of a spin",
    ),
    (
        "count_birth_death",
        "observed x : Count\np(x) = Poisson(3)\ntransition t(x' | x) { y ~ Poisson(x + 1)   x' = metropolis(y) }\nclaim reversible(t, p)",
        "counts",
    ),
    (
        "laplace_scale",
        "observed x : Positive\np(x) ∝ exp(-x)\ntransition t(x' | x) { s ~ Normal(0, 1)   x' = metropolis(x * exp(s)) }\nclaim stationary(t, p)",
        "multiplicative noise",
    ),
    (
        "rbm_sdm_comp2",
        "observed x : Binary[3]\nlatent h : Binary[2]\nparam W : Real[3, 2], b : Real[3], c : Real[2]\np(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)\ntransition u(x', h' | x, h) { h' ~ p(h | x) }\ntransition v(x', h' | x, h) { x' ~ p(x | h) }\ntransition m = mixture([sigmoid(sum(x)), 1 - sigmoid(sum(x))], u, v)\ntransition t = u |> m |> v\nclaim stationary(t, p)",
        "what breaks is drawn anew from its law",
    ),
]
