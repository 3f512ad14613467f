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
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, REALS, Interval
from gencompiler.proof.facts import (
    Bijection,
    Defined,
    Fact,
    InRange,
    Lipschitz,
    LogAbs,
    Member,
    MonotoneOperator,
    result,
)
from gencompiler.proof.graph import Term, apply, choose, join, literal, network, reduce, select, symbol
from gencompiler.proof.kernel import prove
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.search import Search
from gencompiler.proof.structure import Admissible, Axis, Place, Production
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


def _two_values_of_no_parameter() -> Forged:
    """s u takes one value at two inputs where s = 0, which no positive s is."""
    scale = symbol("parameter", "s", Support("Positive"))
    return "two_points", (U, times(scale, U), ((scale, ZERO.data),), (Fraction(0),), (Fraction(1),)), ()


def _a_fold_at_a_pole() -> Forged:
    """1 / u is out of order at -1, 1 and 2, and takes no value twice."""
    return "fold", (U, over(ONE, U), (), Fraction(-1), Fraction(1), Fraction(2)), ()


def _a_fold_at_a_jump() -> Forged:
    """Below 0 the input, from 0 on a number in (4, 5]: out of order, and no value twice."""
    body = choose(apply("less", U, ZERO), U, plus(literal(4), apply("exp", negated(U))))
    return "fold", (U, body, (), Fraction(-1), Fraction(1), Fraction(2)), (InRange(body, ANY),)


def _inputs_out_of_order() -> Forged:
    """The values of sinh are out of order where the inputs are."""
    body = apply("sinh", U)
    return "fold", (U, body, (), Fraction(0), Fraction(2), Fraction(1)), (InRange(body, ANY),)


def _skipped_and_reached() -> Forged:
    """The identity takes the value 0."""
    return "skipped", (U, U, REAL, (), (), Fraction(0)), ()


def _a_shift_by_what_moves() -> Forged:
    """u - u^2 takes the value 0 twice."""
    square = times(U, U)
    return "shift", (U, minus(U, square)), (Search().bijection(U, U).conclusion, InRange(square, NON_NEGATIVE))


def _a_reciprocal_upside_down() -> Forged:
    """u / 2 is not undone by 2 / y."""
    u, two = symbol("input", "u", Support("Positive")), literal(2)
    known = [Search().range(two), Search().log_abs(two), Search().log_abs(two)]
    return "reciprocal", (u, over(u, two)), (Search().bijection(u, u).conclusion, *(k.conclusion for k in known))


def _a_choice_by_the_input() -> Forged:
    """Below 0 the input, from 0 on one less: -1/2 twice."""
    test = apply("less", U, ZERO)
    sides = (Search().bijection(U, b).conclusion for b in (U, minus(U, ONE)))
    return "either_way", (U, choose(test, U, minus(U, ONE))), (InRange(test, Interval(0, 1)), *sides)


def _twice_the_input() -> Forged:
    """2 u + tanh(u) / 2 is not undone by what undoes u + tanh(u) / 2."""
    small = over(apply("tanh", V), literal(2))
    body = plus(plus(V, V), small)
    return "residual", (V, body), (Lipschitz(small, V, Fraction(1, 2)), InRange(small, ANY))


def _a_slope_of_something_else() -> Forged:
    """a u is constant at a = 0."""
    known = (InRange(times(A, U), ANY), LogAbs(ONE, ZERO), InRange(A, ANY), InRange(ZERO, Interval(0, 0)))
    return "affine", (U, times(A, U)), known


def _an_operator_of_positive_numbers() -> Forged:
    """The identity of positive numbers does not reach the negative ones."""
    v = symbol("input", "v", Support("Positive"), (2,))
    return "minty_browder", (v, v), (MonotoneOperator(v, v, strict=True), InRange(v, ANY))


def _some_of_the_summands() -> Forged:
    """u - 2 u falls, though its first summand rises."""
    found = MonotoneOperator(V, V, strict=True)
    return "operator_sum", (minus(V, times(literal(2), V)), V, ((0,),)), (found,)


def _composed_with_the_input_besides() -> Forged:
    """sinh(u) - u is no function of sinh(u) that is undone for one u at a time."""
    inner = apply("sinh", U)
    own, outer = symbol("block", f"the value of {inner}", REAL), None
    outer = minus(own, U)
    second = Bijection(own, outer, REALS, True, True, plus(result(()), U), ZERO)
    return "composed", (U, minus(inner, U), inner), (Search().bijection(U, inner).conclusion, second)


def _shares_of_other_numbers() -> Forged:
    """w / sum(v) sums to 1 where w is v."""
    one, other = (symbol("parameter", name, Support("Positive"), (3,)) for name in "wv")
    return "shares", (over(one, reduce("sum", other)),), (Search().range(one).conclusion,)


def _a_density_stretched() -> Forged:
    """2 y of an exponential y has the density exp(-x / 2) / 2, not exp(-x / 2)."""
    y = symbol("input", "y", Support("Positive"))
    body, place = apply("exp", negated(y)), times(literal(2), y)
    subject = ("F", "", (), Support("Positive"), (), y, (), body, place, None)
    return "described", subject, (InRange(body, NON_NEGATIVE), HasMass((y,), body), InRange(place, POSITIVE))


def _a_density_of_another_width() -> Forged:
    """2 y of a uniform y is uniform on an interval of width 2, not 3."""
    y = symbol("input", "y", Support("Unit"))
    place, width = times(literal(2), y), literal(3)
    subject = ("F", "", (), Support("Positive"), (), y, (), ONE, place, width)
    known = (InRange(place, POSITIVE), InRange(width, Interval(3, 3)))
    return "described", subject, (InRange(ONE, Interval(1, 1)), HasMass((y,), ONE), *known)


def _a_mass_of_the_same_density() -> Forged:
    """exp(-x) has mass 1, and so has exp(-y)."""
    x, y = (symbol("input", name, Support("Positive")) for name in "xy")
    own, other = (apply("exp", negated(v)) for v in (x, y))
    known = (Search().bijection(x, x).conclusion, HasMass((y,), other))
    return "other_mass_by_bijection", ((x,), own, (), y, other), known


def _an_ito_drift_without_its_correction() -> Forged:
    """x o dW is x dW + x / 2 dt."""
    own = Diffusion(X, T, ZERO, (X,))
    return "ito_form", (own, own), (Defined(ZERO), Defined(X), Defined(ZERO), Defined(X))


def _a_place_twice() -> Forged:
    """The first place is produced twice, and the second never."""
    first = Production("p", (), (Place("x", (Axis("place", "", 0),)),), (), (), None)
    return "factorization", ("p", (("x", (2,)),), (first, first), (0, 1)), ()


def _a_place_never() -> Forged:
    """The second place is never produced."""
    first = Production("p", (), (Place("x", (Axis("place", "", 0),)),), (), (), None)
    return "factorization", ("p", (("x", (2,)),), (first,), (0,)), ()


# -- second solutions ------------------------------------------------------------------------------------------------

_NEAR = Fraction(1, 2**11)
_BOX = Fraction(1, 2**10)
_UNIT_ROWS = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))


def _at(*numbers: Fraction | int) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, numbers))


def _a_network_and_its_input_at_once() -> Forged:
    """A coupling: at the solution its network sees the first point's own input, and is to give another number."""
    seen = select(V, (0,))
    output = network("n", 0, (1,), (seen,))
    body = join((select(V, (0,)), plus(select(V, (1,)), output)))
    choices, ends = ((output, _at(0), _at(0)),), (_at(0, 0), _at(_NEAR, _NEAR))
    return "second_solution", (V, body, choices, ends, ((V, 0), (output, 0)), _BOX, _UNIT_ROWS), ()


def _a_network_that_sees_what_is_solved_for() -> Forged:
    """v + B(u), then u + A(v + B(u)): at the solution A sees the first point's own input, and is to give another."""
    first, second = select(V, (0,)), select(V, (1,))
    inner = network("b", 0, (1,), (first,))
    shifted = plus(second, inner)
    outer = network("a", 0, (1,), (shifted,))
    body = join((shifted, plus(first, outer)))
    choices = ((inner, _at(0), _at(_NEAR - 1)), (outer, _at(0), _at(-1)))
    unknowns = ((inner, 0), (outer, 0))
    return "second_solution", (V, body, choices, (_at(0, 0), _at(1, 1)), unknowns, _BOX, _UNIT_ROWS), ()


PLANTED: tuple[Callable[[], Forged], ...] = (
    _a_network_and_its_input_at_once,
    _a_network_that_sees_what_is_solved_for,
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
    _two_values_of_no_parameter,
    _a_fold_at_a_pole,
    _a_fold_at_a_jump,
    _inputs_out_of_order,
    _skipped_and_reached,
    _a_shift_by_what_moves,
    _a_reciprocal_upside_down,
    _a_choice_by_the_input,
    _twice_the_input,
    _a_slope_of_something_else,
    _an_operator_of_positive_numbers,
    _some_of_the_summands,
    _composed_with_the_input_besides,
    _shares_of_other_numbers,
    _a_density_stretched,
    _a_density_of_another_width,
    _a_mass_of_the_same_density,
    _an_ito_drift_without_its_correction,
    _a_place_twice,
    _a_place_never,
)
