"""What the rules about SDEs must be told: each condition that a proof rests on, left out."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from gencompiler.derive.linear_sde import solve
from gencompiler.model.nodes import REAL
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import InRange
from gencompiler.proof.graph import apply, each, join, literal, symbol
from gencompiler.proof.kernel import RULES, Unproved, prove
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.search import Search
from tests.proof.test_sde_rules import BETA, POINT, SCORE, UNIT, VP, X1, T, X, defined, diffusion, of_pair, proved, said


def test_coefficients_fit_the_state_and_the_time() -> None:
    own = solve(VP, Fraction(0))
    scalar_time = symbol("input", "t", UNIT, (2,))
    for broken in (
        dataclasses.replace(VP, time=scalar_time),
        dataclasses.replace(VP, state=literal(0)),
        dataclasses.replace(VP, time=X),
        dataclasses.replace(VP, drift=join((X, X))),
        dataclasses.replace(VP, noises=(join((X, X)),)),
    ):
        with pytest.raises(Unproved, match=r"not symbols|another shape"):
            prove("moments", (broken, Fraction(0), own.signal, own.shift, own.variance))


@pytest.mark.parametrize(
    ("drift", "noise", "said_"),
    [
        ("-x", "x", "noise depends"),
        ("-x^2", "1", "not linear"),
        ("-tanh(x)", "1", "not linear"),
        ("t / x", "1", "not linear"),
    ],
)
def test_what_is_not_linear_has_no_moments(drift: str, noise: str, said_: str) -> None:
    found = diffusion(drift, noise)
    terms = (found.drift, *found.noises, literal(1), literal(0), T)
    known = [InRange(t, REALS) for t in terms]
    with pytest.raises(Unproved, match=said_):
        RULES["moments"]((found, Fraction(0), literal(1), literal(0), T), tuple(known))


def test_a_scale_may_not_be_negative() -> None:
    """-s has the square of s."""
    found = diffusion("0", "1")
    known, search = proved(found), Search()
    scale = apply("negate", apply("sqrt", T))
    with pytest.raises(Unproved, match="may be negative"):
        prove("transition_kernel", (found, Fraction(0), X, scale), known, search.range(X), search.range(scale))


def test_a_kernel_has_the_mean_of_the_solution() -> None:
    found = diffusion("0", "1")
    known, search, scale = proved(found), Search(), said("sqrt(t)")
    for mean in ("2 * x", "x + t", "-x"):
        with pytest.raises(Unproved, match="mean is another"):
            ranges = (search.range(said(mean)), search.range(scale))
            prove("transition_kernel", (found, Fraction(0), said(mean), scale), known, *ranges)


def test_a_counterexample_is_at_a_place_and_a_time_of_the_equation() -> None:
    found = diffusion("0", "1")
    known, wrong = proved(found), apply("multiply", literal(2), apply("sqrt", T))
    right = apply("sqrt", T)
    prove("another_kernel", (found, Fraction(0), X, wrong, ((T, Fraction(1)), (X, Fraction(1)))), known)
    with pytest.raises(Unproved, match="not a value"):
        prove("another_kernel", (found, Fraction(0), X, wrong, ((T, Fraction(2)), (X, Fraction(1)))), known)
    with pytest.raises(Unproved, match="not a point"):
        lie = ((T, Fraction(1)), (X, Fraction(1)), (apply("multiply", right, right), Fraction(5)))
        prove("another_kernel", (found, Fraction(0), X, right, lie), known)


@pytest.mark.parametrize("end", [Fraction(0), Fraction(-1), Fraction(2)])
def test_it_arrives_within_its_time(end: Fraction) -> None:
    with pytest.raises(Unproved, match="not a time"):
        prove("arrives", (VP, Fraction(0), end, literal(0), literal(1), Fraction(1, 100)), proved(VP))


def test_a_density_that_moves_is_not_stationary() -> None:
    log_density = said("-x^2 * t", X1)
    found = Diffusion(X1, T, literal(0), ())
    with pytest.raises(Unproved, match="moves"):
        prove("stationary_density", (found, log_density), *defined(found, log_density))


def test_pairs_share_their_state_and_the_score_stands_in_the_drift_alone() -> None:
    right = diffusion(f"-0.5 * {BETA} * x - {BETA} * score", f"sqrt({BETA})")
    of_pair("time_reversal", (right, VP, SCORE))
    other = symbol("input", "s", UNIT)
    for backward, forward, score, said_ in (
        (right, dataclasses.replace(VP, time=other), SCORE, "different variables"),
        (right, VP, apply("negate", SCORE), "not a score"),
        (right, VP, symbol("score", "score", REAL), "not a score"),
        (right, dataclasses.replace(VP, drift=SCORE), SCORE, "besides the drift"),
        (dataclasses.replace(right, noises=(SCORE,)), VP, SCORE, "besides the drift"),
        (dataclasses.replace(right, noises=(*right.noises, literal(0))), VP, SCORE, "number of noises"),
    ):
        with pytest.raises(Unproved, match=said_):
            of_pair("time_reversal", (backward, forward, score))


def test_an_ito_form_has_the_same_noise() -> None:
    """2 o dW has the Itô form of 1 o dW up to the noise: no correction tells them apart."""
    with pytest.raises(Unproved, match="noise is another"):
        of_pair("ito_form", (diffusion("-x", "2"), diffusion("-x", "1")))


@pytest.mark.parametrize("rule", ["not_reversed", "other_marginals"])
def test_a_refutation_rests_on_the_moments_of_its_own_equation(rule: str) -> None:
    data = (Fraction(0), Fraction(1), POINT)
    wrong = diffusion(f"-{BETA} * x", f"sqrt({BETA})")
    prove(rule, (wrong, VP, None, *data) if rule == "not_reversed" else (VP, wrong, None, *data), proved(VP))
    subject = (wrong, VP, None) if rule == "not_reversed" else (VP, wrong, None)
    with pytest.raises(Unproved, match="another equation"):
        prove(rule, (*subject, *data), proved(diffusion("-x", "1")))
    with pytest.raises(Unproved, match="not positive"):
        prove(rule, (*subject, Fraction(0), Fraction(-1), POINT), proved(VP))
    with pytest.raises(Unproved):
        prove(rule, (*subject, *data), Search().range(T))


def test_one_wrong_element_is_enough() -> None:
    """Noises and drifts are compared element by element."""
    pair = join((each(0, 1, literal(1)), each(0, 1, literal(2))))
    for rule in ("time_reversal", "equal_marginals"):
        with pytest.raises(Unproved):
            of_pair(rule, (Diffusion(X, T, literal(0), (pair,)), Diffusion(X, T, literal(0), (literal(1),)), None))


def test_noise_that_differs_needs_a_score() -> None:
    with pytest.raises(Unproved, match="score is missing"):
        of_pair("equal_marginals", (diffusion("0", "1"), diffusion("0"), None))
    with pytest.raises(Unproved, match="noise is another"):
        scored = diffusion("-x - score", "2")
        of_pair("time_reversal", (scored, diffusion("-x", "1"), SCORE))
