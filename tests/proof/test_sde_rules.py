"""The rules about SDEs: what they prove, and every planted error that they refuse or refute."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import pytest

from gencompiler.derive.antiderivative import NoIntegralError, antiderivative
from gencompiler.derive.linear_sde import Solution, solve
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import component
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, each, element, join, literal, reduce, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.sde_facts import Arrives, Diffusion, Moments, NotArrives, NotReverses, Reverses
from gencompiler.proof.sde_rules import coefficients
from gencompiler.proof.search import Search

UNIT = Support("Interval", (Fraction(0), Fraction(1)))
T = symbol("input", "t", UNIT)
X = symbol("input", "x", REAL, (2,))
X1 = symbol("input", "x", REAL)
SCORE = symbol("score", "score", REAL, (2,))
THETA = symbol("parameter", "theta", Support("Positive"))
BETA, B = "(0.1 + 19.9 * t)", "(0.1 * t + 9.95 * t^2)"


def said(text: str, x: Term = X) -> Term:
    return instance(text, t=T, x=x, score=SCORE, theta=THETA)


def diffusion(drift: str, *noises: str) -> Diffusion:
    return Diffusion(X, T, said(drift), tuple(map(said, noises)))


VP = diffusion(f"-0.5 * {BETA} * x", f"sqrt({BETA})")


def proved(found: Diffusion, own: Solution | None = None, start: Fraction = Fraction(0)) -> Proof:
    own = own or solve(found, start)
    search = Search()
    terms = (found.drift, *found.noises, own.signal, own.shift, own.variance)
    known = [search.range(t) for t in terms]
    return prove("moments", (found, start, own.signal, own.shift, own.variance), *known)


def of_pair(rule: str, subject: tuple[Any, ...]) -> Proof:
    """What a rule says of two equations, whose coefficients are defined."""
    return prove(rule, subject, *map(Search().defined, coefficients(*subject[:2])))


# -- moments ---------------------------------------------------------------------------------------------------------

LINEAR = {
    "variance preserving": (f"-0.5 * {BETA} * x", (f"sqrt({BETA})",), f"1 - exp(-{B})"),
    "sub-VP": (f"-0.5 * {BETA} * x", (f"sqrt({BETA} * (1 - exp(-2 * {B})))",), f"(1 - exp(-{B}))^2"),
    "variance exploding": ("0", ("0.01 * 5000^t * sqrt(2 * log(5000))",), "0.0001 * (5000^(2 * t) - 1)"),
    "EDM": ("0", ("sqrt(2 * t)",), "t^2"),
    "Ornstein-Uhlenbeck": ("-theta * x", ("0.7",), "0.49 * (1 - exp(-2 * theta * t)) / (2 * theta)"),
    "to a level": ("-theta * (x - 2)", ("1",), "(1 - exp(-2 * theta * t)) / (2 * theta)"),
    "resonant": ("-x", ("exp(-t)",), "t * exp(-2 * t)"),
    "driven": ("t - x", ("t",), "(2 * t^2 - 2 * t + 1 - exp(-2 * t)) / 4"),
    "two noises": ("-x", ("1", "sqrt(3)"), "2 * (1 - exp(-2 * t))"),
    "growing": ("x", ("1",), "(exp(2 * t) - 1) / 2"),
    "without noise": ("-x", (), "0"),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_equations_have_their_moments(name: str) -> None:
    drift, noises, variance = LINEAR[name]
    found = diffusion(drift, *noises)
    fact = proved(found).conclusion
    assert isinstance(fact, Moments) and ex.same(fact.variance, said(variance))


@pytest.mark.parametrize("name", [n for n in LINEAR if n != "without noise"])
@pytest.mark.parametrize("part", ["signal", "shift", "variance"])
def test_wrong_moments_are_refused(name: str, part: str) -> None:
    """A factor, a summand that is 0 at the start, and one that is not."""
    drift, noises, _ = LINEAR[name]
    found = diffusion(drift, *noises)
    own = solve(found, Fraction(0))
    for wrong in ("a * 1.01 + t * 0 + 0.001 * t", "a + t^2", "a + 1"):
        changed = dataclasses.replace(own, **{part: instance(wrong, a=getattr(own, part), t=T)})
        with pytest.raises(Unproved):
            proved(found, changed)


@pytest.mark.parametrize(
    ("drift", "noises", "reason"),
    [
        ("-x^3", ("1",), "not linear"),
        ("-x", ("x",), "depends on the state"),
        ("-x / (1 + t)", ("1",), "a function of time that the table does not have"),
        ("-x", ("exp(t^2)",), "an exponential of no linear function of time"),
    ],
)
def test_what_has_no_closed_form_says_why(drift: str, noises: tuple[str, ...], reason: str) -> None:
    with pytest.raises(NoIntegralError, match=reason):
        solve(diffusion(drift, *noises), Fraction(0))


def test_a_candidate_is_verified_where_the_table_has_none() -> None:
    """dx = -x / (1 + t) dt + dW: m = 1 / (1 + t), v = ((1 + t)^3 - 1) / (3 (1 + t)^2)."""
    found = diffusion("-x / (1 + t)", "1")
    variance = "((1 + t)^3 - 1) / (3 * (1 + t)^2)"
    right = Solution(said("1 / (1 + t)"), said("0"), said(f"sqrt({variance})"), said(variance))
    assert isinstance(proved(found, right).conclusion, Moments)
    with pytest.raises(Unproved):
        proved(found, dataclasses.replace(right, variance=said("((1 + t)^3 - 1) / (2 * (1 + t)^2)")))


def test_moments_need_coefficients_that_are_defined() -> None:
    own = solve(VP, Fraction(0))
    with pytest.raises(Unproved, match="not known to be defined"):
        prove("moments", (VP, Fraction(0), own.signal, own.shift, own.variance))


@pytest.mark.parametrize(
    "text", ["t^3", "exp(-2 * t)", "t^2 * exp(3 * t + 1)", "1 / t", "theta * t * exp(theta * t)", "t * exp(t^2)"]
)
def test_antiderivatives_differentiate_back(text: str) -> None:
    own = ex.normal(said(text))
    back = ex.derivative(antiderivative(own, T), T)
    assert ex.is_zero(ex.plus(back, ex.scaled(own, -1)))


# -- terminal laws ---------------------------------------------------------------------------------------------------


def arrival(scale: str, limit: Fraction = Fraction(1, 100)) -> tuple[object, ...]:
    return (VP, Fraction(0), Fraction(1), said("0"), said(scale), limit)


def test_a_terminal_law_within_its_bound() -> None:
    """m^2 = exp(-10.05), so that the bound is 2.2e-5 nats for data at 1."""
    known = proved(VP)
    assert isinstance(prove("arrives", arrival("1"), known).conclusion, Arrives)
    assert isinstance(prove("arrives", arrival("1", Fraction(22, 10**6)), known).conclusion, Arrives)
    with pytest.raises(Unproved):
        prove("arrives", arrival("1", Fraction(21, 10**6)), known)
    with pytest.raises(Unproved):
        prove("far_away", arrival("1"), known)


def test_a_terminal_law_far_from_the_prior() -> None:
    known = proved(VP)
    assert isinstance(prove("far_away", arrival("2"), known).conclusion, NotArrives)
    with pytest.raises(Unproved):
        prove("arrives", arrival("2"), known)
    with pytest.raises(Unproved, match="not known"):
        prove("arrives", arrival("1"))


# -- kernels ---------------------------------------------------------------------------------------------------------


def test_a_claimed_kernel() -> None:
    found = diffusion("-theta * x", "0.7")
    known, search = proved(found), Search()
    mean, scale = said("exp(-theta * t) * x"), said("0.7 * sqrt((1 - exp(-2 * theta * t)) / (2 * theta))")
    subject = (found, Fraction(0), mean, scale)
    prove("transition_kernel", subject, known, search.range(mean), search.range(scale))
    for left_out in (mean, scale):
        with pytest.raises(Unproved):
            prove("transition_kernel", subject, known, *(search.range(t) for t in (mean, scale) if t is not left_out))
    wrong = said("0.7 * sqrt((1 - exp(-theta * t)) / (2 * theta))")
    with pytest.raises(Unproved):
        prove("transition_kernel", (found, Fraction(0), mean, wrong), known, search.range(mean), search.range(wrong))
    at = ((T, Fraction(1)), (X, Fraction(1)), (THETA, Fraction(1)))
    prove("another_kernel", (found, Fraction(0), mean, wrong, at), known)
    with pytest.raises(Unproved):
        prove("another_kernel", (*subject, at), known)


# -- time reversal ---------------------------------------------------------------------------------------------------

REVERSED = f"-0.5 * {BETA} * x - {BETA} * score"
WRONG = {
    "without g^2": f"-0.5 * {BETA} * x - score",
    "with the half of the flow": f"-0.5 * {BETA} * x - 0.5 * {BETA} * score",
    "with the other sign": f"-0.5 * {BETA} * x + {BETA} * score",
    "without the drift": f"-{BETA} * score",
    "with g instead of g^2": f"-0.5 * {BETA} * x - sqrt({BETA}) * score",
}
POINT = ((T, Fraction(1, 2)), (component(X, 0), Fraction(1)), (component(X, 1), Fraction(2)))


def backward(drift: str) -> Diffusion:
    return diffusion(drift, f"sqrt({BETA})")


def test_the_reverse_equation() -> None:
    assert isinstance(of_pair("time_reversal", (backward(REVERSED), VP, SCORE)).conclusion, Reverses)
    for mean, scale in ((1, "1/2"), (0, 1), (-2, 3)):  # and no data refutes it
        subject = (backward(REVERSED), VP, SCORE, Fraction(mean), Fraction(scale), POINT)
        with pytest.raises(Unproved):
            prove("not_reversed", subject, proved(VP))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_reverse_equations_are_refused_and_refuted(name: str) -> None:
    own = backward(WRONG[name])
    with pytest.raises(Unproved):
        of_pair("time_reversal", (own, VP, SCORE))
    subject = (own, VP, SCORE, Fraction(1), Fraction(1, 2), POINT)
    assert isinstance(prove("not_reversed", subject, proved(VP)).conclusion, NotReverses)


def test_a_missing_score_is_refuted() -> None:
    own = backward(f"-0.5 * {BETA} * x")
    with pytest.raises(Unproved):
        of_pair("time_reversal", (own, VP, None))
    prove("not_reversed", (own, VP, None, Fraction(1), Fraction(1, 2), POINT), proved(VP))


def test_other_noise_is_refuted() -> None:
    """The probability flow has the marginals of the paths run backwards, and not their law."""
    flow = diffusion(f"-0.5 * {BETA} * x - 0.5 * {BETA} * score")
    with pytest.raises(Unproved):
        of_pair("time_reversal", (flow, VP, SCORE))
    prove("other_noise", (flow, VP, SCORE, POINT))
    with pytest.raises(Unproved):
        prove("other_noise", (backward(REVERSED), VP, SCORE, POINT))


def test_noise_that_depends_on_the_state_needs_its_divergence() -> None:
    """dx = x dW: the reverse drift is -2 x - x^2 S; without the 2 x it is not."""
    forward = diffusion("0", "x")
    of_pair("time_reversal", (diffusion("-2 * x - x^2 * score", "x"), forward, SCORE))
    with pytest.raises(Unproved):
        of_pair("time_reversal", (diffusion("-x^2 * score", "x"), forward, SCORE))


def test_the_brownian_reverse_needs_beta() -> None:
    """The reverse of dx = sqrt(beta) dW is dx = -beta S dt + sqrt(beta) dW: with drift S it is one only for beta = 1."""
    forward = diffusion("0", f"sqrt({BETA})")
    of_pair("time_reversal", (diffusion(f"-{BETA} * score", f"sqrt({BETA})"), forward, SCORE))
    own = diffusion("-score", f"sqrt({BETA})")
    prove("not_reversed", (own, forward, SCORE, Fraction(1), Fraction(1, 2), POINT), proved(forward))
    of_pair("time_reversal", (diffusion("-score", "1"), diffusion("0", "1"), SCORE))


def test_marginals() -> None:
    flow = diffusion(f"-0.5 * {BETA} * x - 0.5 * {BETA} * score")
    of_pair("equal_marginals", (VP, flow, SCORE))
    half = diffusion(f"-0.5 * {BETA} * x - 0.25 * {BETA} * score", f"sqrt(0.5 * {BETA})")
    of_pair("equal_marginals", (VP, half, SCORE))
    wrong = diffusion(f"-0.5 * {BETA} * x - {BETA} * score")
    with pytest.raises(Unproved):
        of_pair("equal_marginals", (VP, wrong, SCORE))
    data = (Fraction(1), Fraction(1, 2), POINT)
    prove("other_marginals", (VP, wrong, SCORE, *data), proved(VP))
    for right in (flow, half):
        with pytest.raises(Unproved):
            prove("other_marginals", (VP, right, SCORE, *data), proved(VP))


# -- stationary laws and Itô forms -----------------------------------------------------------------------------------


def test_stationary_densities() -> None:
    log_density = apply("negate", reduce("sum", apply("multiply", X, X)))
    right = diffusion("-x", "1")
    prove("stationary_density", (right, log_density), *defined(right, log_density))
    for left_out in (log_density, right.drift, *right.noises):
        with pytest.raises(Unproved, match="defined"):
            premises = (p for p in defined(right, log_density) if p.subject[0] is not left_out)
            prove("stationary_density", (right, log_density), *premises)
    for wrong in (diffusion("-2 * x", "1"), diffusion("-x", "2"), diffusion("-x + 1", "1"), diffusion("x", "1")):
        with pytest.raises(Unproved):
            prove("stationary_density", (wrong, log_density), *defined(wrong, log_density))
        prove("flux_left", (wrong, log_density, POINT))
    with pytest.raises(Unproved):
        prove("flux_left", (diffusion("-x", "1"), log_density, POINT))


def defined(found: Diffusion, log_density: Term) -> list[Proof]:
    search = Search()
    return [search.range(t) for t in (log_density, found.drift, *found.noises)]


@pytest.mark.parametrize(
    ("drift", "noise"),
    [
        ("exp(x^2)", "0"),  # at infinity before long
        ("-x + exp(x^2)", "1"),
        ("x * exp(2 * x^2)", "exp(x^2)"),  # no current, and still it leaves
    ],
)
def test_a_solution_that_leaves_in_finite_time_keeps_nothing(drift: str, noise: str) -> None:
    log_density = apply("negate", apply("multiply", X1, X1))
    found = Diffusion(X1, T, said(drift, X1), (said(noise, X1),))
    with pytest.raises(Unproved, match="finite time"):
        prove("stationary_density", (found, log_density), *defined(found, log_density))


@pytest.mark.parametrize(
    ("potential", "drift", "noise"),
    [
        ("-x^4", "-2 * x^3", "1"),
        ("x^2 / 2 - x^4 / 2", "x / 2 - x^3", "1"),
        ("-x^2", "-x * t", "sqrt(t)"),
        ("-x^2", "0", "0"),
    ],
)
def test_solutions_that_stay_finite(potential: str, drift: str, noise: str) -> None:
    log_density = said(potential, X1)
    found = Diffusion(X1, T, said(drift, X1), (said(noise, X1),))
    prove("stationary_density", (found, log_density), *defined(found, log_density))


def test_a_current_that_goes_round_is_stationary() -> None:
    """f = -x + J x with J skew: the density stays, though the current does not vanish."""
    first, second = (element(X, (literal(k),)) for k in (0, 1))
    around = join((each(0, 1, apply("negate", second)), each(0, 1, first)))
    log_density = apply("negate", reduce("sum", apply("multiply", X, X)))
    found = Diffusion(X, T, apply("subtract", around, X), (literal(1),))
    prove("stationary_density", (found, log_density), *defined(found, log_density))


def test_ito_forms() -> None:
    """x o dW = x dW + x / 2 dt."""
    stratonovich, ito = diffusion("0", "x"), diffusion("0.5 * x", "x")
    of_pair("ito_form", (stratonovich, ito))
    for wrong in (diffusion("0", "x"), diffusion("x", "x"), diffusion("-0.5 * x", "x"), diffusion("0.5 * x", "2 * x")):
        with pytest.raises(Unproved):
            of_pair("ito_form", (stratonovich, wrong))
