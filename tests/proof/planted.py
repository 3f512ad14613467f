"""Applications of rules that one condition alone refuses: without it, what they conclude is false.

The suite's statements and their neighbours reach most conditions of the rules; those that decide and that no neighbour
reaches have an application here.  `test_forgeries` sees each refused, `test_rule_mutations` counts its condition."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.chain_rules import Deterministic, Images, Kernel, Proposal, Stationary, log_ratio
from gencompiler.proof.composite_rules import SelfInverse, Volume
from gencompiler.proof.domain import REALS, Interval
from gencompiler.proof.facts import (
    Bijection,
    Defined,
    Fact,
    InRange,
    LogAbs,
    Member,
    MonotoneOperator,
    result,
)
from gencompiler.proof.graph import Term, apply, literal, symbol
from gencompiler.proof.kernel import prove
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.search import Search
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times

Forged = tuple[str, tuple[Any, ...], tuple[Fact, ...]]

U = symbol("input", "u", REAL)
V = symbol("input", "v", REAL, (2,))
A = symbol("parameter", "a", REAL)
X = symbol("variable", "x", REAL)
T = symbol("input", "t", Support("Interval", (Fraction(0), Fraction(1))))
ANY = Interval(-float("inf"), float("inf"), True, True)
#: 1 / a - 1 / a, which has no value at 0.
HOLE = minus(over(ONE, A), over(ONE, A))


def _square(term: Term) -> Term:
    return over(times(term, term), literal(2))


# -- what is defined -------------------------------------------------------------------------------------------------


def _a_map_with_a_hole() -> Forged:
    """u + 1 / a - 1 / a has no value at a = 0."""
    found = Bijection(U, plus(U, HOLE), REALS, True, True, result(()), ZERO)
    return "onto", (REAL,), (found, Defined(U))


def _a_reciprocal_of_what_is_defined() -> Forged:
    """1 / a has no value at a = 0."""
    return "defined_parts", (over(ONE, A),), (Defined(ONE), Defined(A))


def _a_logarithm_of_any_number() -> Forged:
    """log(s) is defined for positive s, and not for all a."""
    s = symbol("along", "s", Support("Positive"))
    return "defined_for", (s, A, apply("log", s)), (Defined(apply("log", s)), InRange(A, ANY))


def _equations_with_a_hole() -> Forged:
    """dx = (1 / a - 1 / a) dt has no reverse at a = 0."""
    forward, backward = (Diffusion(X, T, drift, ()) for drift in (ZERO, HOLE))
    return "time_reversal", (backward, forward, None), (Defined(ZERO),)


# -- chains ----------------------------------------------------------------------------------------------------------


def _normal(mean: Term) -> Admissible:
    return Admissible("Normal", "", (mean, ONE), REAL, ())


def _walk(*drawn: Term, noise: Term | None = None) -> Kernel:
    return Kernel((X,), tuple(Proposal(y, X, _normal(X)) for y in drawn), None, noise)


def _moved_twice() -> Forged:
    """Of two draws for one variable the second counts, and the ratio has the density of both."""
    kernel = _walk(*(symbol("draw", name, REAL) for name in "yz"))
    log_target = negated(_square(X))
    own = log_ratio(kernel, log_target)
    laws = tuple(p.law for p in kernel.proposals)
    return (
        "metropolis_hastings",
        (dataclasses.replace(kernel, log_ratio=own), log_target),
        (*laws, InRange(log_target, ANY), InRange(own, ANY)),
    )


def _accepted_by_what_is_drawn_besides() -> Forged:
    """An acceptance that depends on a number drawn on the way is another on the way back."""
    y, other = symbol("draw", "y", REAL), symbol("draw", "other", REAL)
    log_target = negated(_square(X))
    chance = apply("sigmoid", plus(log_ratio(_walk(y), log_target), minus(other, other)))
    kernel = _walk(y, noise=chance)
    known = (_normal(X), InRange(log_target, ANY), InRange(chance, Interval(0, 1)))
    return "metropolis_hastings", (kernel, log_target), known


def _off_the_half_line() -> Forged:
    """x -> x + v takes positive numbers out of the positive numbers or not, and keeps no volume of them."""
    x, v = (symbol("variable", name, Support("Positive")) for name in "xv")
    return "sheared", ((x, v), (minus(x, v), v), ((0, True, v),)), (InRange(v, ANY),)


def _an_involution_of_other_variables() -> Forged:
    """That -x undoes itself says nothing of x + 1."""
    arrives = symbol("draw", "y", REAL)
    moved = (Images((plus(X, ONE),)),)
    log_target = apply("cos", times(times(literal(2), X), ZERO))
    kernel = Deterministic((X,), (X,), (arrives,), moved, ZERO, None)
    own = SelfInverse((X,), (Images((negated(X),)),))
    known = (own, Volume((X,), moved, ZERO), InRange(log_target, ANY), InRange(ZERO, ANY))
    return "involutive", (kernel, log_target), known


def _a_step_without_a_value() -> Forged:
    """x + log(a) is nowhere for a < 0, though the next step draws x anew."""
    fresh = Kernel((X,), (Proposal(symbol("draw", "y", REAL), X, _normal(ZERO)),), None, ONE)
    arrives = symbol("draw", "there", REAL)
    step = Deterministic((X,), (X,), (arrives,), (Images((plus(X, apply("log", A)),)),), None, ONE)
    return "forgotten", (step, 0), (Stationary(fresh, negated(_square(X))),)


def _a_step_beyond_its_values() -> Forged:
    """Of positive numbers x - 1 may be none."""
    x = symbol("variable", "x", Support("Positive"))
    fresh = Kernel((x,), (Proposal(symbol("draw", "y", Support("Positive")), x, _exponential()),), None, ONE)
    step = Deterministic((x,), (x,), (symbol("draw", "there", REAL),), (Images((minus(x, ONE),)),), None, ONE)
    return "forgotten", (step, 0), (Stationary(fresh, negated(x)), Member(minus(x, ONE), REAL))


def _exponential() -> Admissible:
    return Admissible("Exponential", "", (ONE,), Support("Positive"), ())


# -- equations of motion ---------------------------------------------------------------------------------------------


def _a_law_that_is_not_kept() -> Forged:
    """dx = x dt + dW has no current beside exp(x^2), which is no law."""
    return "no_current", (Diffusion(X, T, X, (ONE,)), times(X, X)), ()


# -- maps ------------------------------------------------------------------------------------------------------------


def _a_multiple_of_either_sign() -> Forged:
    """a u is not monotone where a < 0."""
    inner = MonotoneOperator(V, V, strict=True)
    return "operator_multiple", (times(A, V), V), (inner, InRange(A, ANY))


def _not_coercive() -> Forged:
    """atan is monotone, and not onto the reals."""
    body = apply("atan", V)
    return "minty_browder", (V, body), (MonotoneOperator(body, V, strict=False), InRange(body, ANY))


def _affine_where_it_is_defined() -> Forged:
    """u + 1 / a - 1 / a, once more."""
    body = plus(U, HOLE)
    known = (InRange(U, ANY), LogAbs(ONE, ZERO), InRange(ONE, Interval(1, 1)), InRange(ZERO, Interval(0, 0)))
    return "affine", (U, body), known


def _a_condition_that_does_not_hold() -> Forged:
    """a u is a bijection where a > 0; another condition does not show that."""
    condition = Member(A, Support("Positive"))
    search = Search().under((condition,))
    found = prove("under", (condition,), search.invertible(U, times(A, U), REAL))
    return "discharged", (), (found.conclusion, Member(ONE, Support("Positive")))


PLANTED: tuple[Callable[[], Forged], ...] = (
    _a_map_with_a_hole,
    _a_reciprocal_of_what_is_defined,
    _a_logarithm_of_any_number,
    _equations_with_a_hole,
    _moved_twice,
    _accepted_by_what_is_drawn_besides,
    _off_the_half_line,
    _an_involution_of_other_variables,
    _a_step_without_a_value,
    _a_step_beyond_its_values,
    _a_law_that_is_not_kept,
    _a_multiple_of_either_sign,
    _not_coercive,
    _affine_where_it_is_defined,
    _a_condition_that_does_not_hold,
)
