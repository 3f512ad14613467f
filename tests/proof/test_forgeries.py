"""Applications of rules that no search would make, as a forged certificate may hold them: each would prove something
false, and its rule refuses it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from gencompiler.checks.verdict import rests_on_conditions
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import sign_search
from gencompiler.proof.asymptotics import Limits
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.chain_rules import Blend, Kernel, Proposal
from gencompiler.proof.domain import POSITIVE, REALS, Interval
from gencompiler.proof.facts import Bijection, Fact, Invertible, Member
from gencompiler.proof.graph import Term, apply, choose, element, join, literal, network, reduce, select, symbol
from gencompiler.proof.kernel import RULES, Proof, Unproved, prove
from gencompiler.proof.mass_search import mass
from gencompiler.proof.running import bin_of
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.search import Search
from gencompiler.proof.structure import Admissible
from gencompiler.proof.tables import table
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times
from tests.proof.mutants import licensed, site_of, without
from tests.proof.planted import PLANTED, Forged

U = symbol("input", "u", REAL)
V = symbol("inner", "v", REAL)
A = symbol("parameter", "a", REAL)
X = symbol("input", "x", Support("Positive"))
Y = symbol("input", "y", Support("Positive"))
N = symbol("input", "n", Support("Count"))
BIT = symbol("variable", "k", Support("Binary"))
OPEN = Interval(0, 1, lower_open=True, upper_open=True)


def facts(*proofs: Proof) -> tuple[Fact, ...]:
    return tuple(p.conclusion for p in proofs)


def _a_line_less_the_input() -> Forged:
    """v - 2 u rises in v, and sinh(u) - 2 u does not rise in u."""
    inner = Search().bijection(U, apply("sinh", U))
    outer = minus(V, times(literal(2), U))
    sign = prove("on_box", (ONE, ((V, REALS),), ("here",)))
    rises = prove("strictly", (V, outer, REALS, ()), sign)
    ends = [prove("tends", (V, outer, REALS, upper, None)) for upper in (False, True)]
    body = minus(apply("sinh", U), times(literal(2), U))
    return "by_slope", (U, body, V, outer, ()), facts(inner, rises, *ends)


def _a_density_with_the_variable_for_its_rate() -> Forged:
    """x exp(-x y) has mass 1 in y, and x exp(-x^2) has mass 1/2 in x."""
    body = times(X, apply("exp", negated(times(X, Y))))
    own = times(X, apply("exp", negated(times(X, X))))
    return "mass_by_bijection", (X, own, Y, body), facts(Search().bijection(X, X), _mass(Y, body))


def _a_sum_for_an_integral() -> Forged:
    """Σ 2^-(n + 1) = 1, and ∫ 2^-(x + 1) dx is not."""
    x = symbol("input", "x", Support("NonNegative"))
    own, body = (apply("power", literal(Fraction(1, 2)), plus(s, ONE)) for s in (x, N))
    ranges = [Search().range(t) for t in (literal(Fraction(1, 2)), own, body, plus(N, ONE), plus(x, ONE))]
    return "mass_by_bijection", (x, own, N, body), facts(Search().bijection(x, x), _mass(N, body), *ranges)


def _mass(variable: Term, body: Term) -> Proof:
    return mass(Search(), (variable,), body)


def _a_square_that_is_positive_inside() -> Forged:
    """-x / x^2 = -1 / x rises on (0, 1), and has no value at 0 that it begins with."""
    square = times(X, X)
    term = negated(over(X, square))
    known = prove("on_box", (square, ((X, OPEN),), ("here",)))
    tree = ("slope", X, True, ("clear", (X,), ("here",)), ("here",))
    return "on_box", (term, ((X, OPEN),), tree), facts(known)


def _a_square_beyond_the_support() -> Forged:
    """x^2 > 0 for the positive numbers, and 1 / x^2 is not defined on all of (-1, 1)."""
    square = times(X, X)
    wide = Interval(-1, 1, lower_open=True, upper_open=True)
    return "on_box", (over(ONE, square), ((X, wide),), ("here",)), facts(Search().range(square))


def _a_network_that_sees_the_same() -> Forged:
    """Two balls around exp(1) are one number: the coupling `b + net(exp(a))` is one-to-one."""
    pair = symbol("input", "u", REAL, (2,))
    first, last = select(pair, (0,)), select(pair, (1,))
    net = network("net", 0, (1,), (apply("exp", first),))
    body = join((first, apply("add", last, net)))
    one, other = (Fraction(1), Fraction(0)), (Fraction(1), Fraction(1))
    return "two_vectors", (pair, body, ((net, (Fraction(1),), (Fraction(0),)),), one, other), ()


def _a_jump_between_knots() -> Forged:
    """[0, 1) and [1, 2) change places: out of order, and one-to-one."""
    place = bin_of(U, table((5,), tuple(map(Fraction, (-1, 0, 1, 2, 3)))))
    moved = apply("add", U, element(table((4,), tuple(map(Fraction, (0, 1, -1, 0)))), (place,)))
    points = tuple(map(Fraction, ("1/2", "3/2", "5/2")))
    return "fold", (U, moved, (), *points), facts(Search().range(moved))


def _kernel(law: Admissible, moves: Term, **more: Any) -> Kernel:
    drawn = symbol("draw", "y", law.event)
    return Kernel((moves,), (Proposal(drawn, moves, law),), more.get("log_ratio"), more.get("probability"))


def _coin(probability: Term) -> Admissible:
    return Admissible("Bernoulli", "probability", (probability,), Support("Binary"), ())


def _always_accepted() -> Forged:
    """A fair coin that is always accepted is not in balance with exp(k)."""
    law = Admissible("Categorical", "probabilities", (table((2,), (Fraction(1, 2),) * 2),), Support("Binary"), ())
    shares = prove("rows_of_table", (law.arguments[0],))
    admissible = prove("distribution", (law.family, law.form, law.arguments, law.event, law.shape), shares)
    return "balanced_by_cases", (_kernel(law, BIT, log_ratio=ZERO), BIT), facts(admissible)


def _shares_that_sum_to_two() -> Forged:
    """A mixture with the weights of a point of a simplex keeps what its parts keep: they are not 1 and 1."""
    w = symbol("parameter", "w", Support("Simplex"), (2,))
    part = _kernel(_coin(literal(Fraction(1, 2))), BIT, probability=ONE)
    move = Blend((BIT,), tuple(element(w, (literal(k),)) for k in range(2)), (part, part))
    state = ((BIT, (Fraction(0),)),)
    return "finite_change", (move, ZERO, ((w, (Fraction(1), Fraction(1))),), state, (BIT,)), ()


def _a_variable_with_one_value() -> Forged:
    """It never moves, and is everywhere that it can be."""
    alone = symbol("variable", "c", Support("Category", (Fraction(1),)))
    part = _kernel(_coin(literal(Fraction(1, 2))), BIT, probability=ONE)
    return "unreached", (dataclasses.replace(part, state=(BIT, alone)), (BIT, alone)), ()


def _half_a_bit() -> Forged:
    """Of 1/2 as a bit with noise both values have probability 1/20."""
    half, rate = literal(Fraction(1, 2)), literal(Fraction(1, 10))
    subject = ("SaltAndPepper", "", (half, rate), Support("Binary"), ())
    return "distribution", subject, facts(Search().range(half), Search().range(rate))


def _out_of_the_half_line() -> Forged:
    """dx = -x dt + sqrt(2) dW solves the equation of exp(-x^2 / 2), and leaves the positive numbers."""
    time = symbol("condition", "t", Support("Positive"))
    drift, noise = negated(X), apply("sqrt", literal(2))
    log_density = negated(over(apply("power", X, literal(2)), literal(2)))
    ranges = [Search().range(t) for t in (log_density, drift, noise)]
    return "stationary_density", (Diffusion(X, time, drift, (noise,)), log_density), facts(*ranges)


def _another_symbol_for_a_piece() -> Forged:
    """-u w is no function of u alone where w is spelled like the part of the line below 0; at w = 0 it is constant."""
    low, high = (
        symbol("input", "u", Support("Interval", e))
        for e in ((-float("inf"), Fraction(0)), (Fraction(0), float("inf")))
    )
    body = choose(apply("less", U, ZERO), negated(times(U, low)), U)
    maps = Search().bijection(low, negated(times(low, low))), Search().bijection(high, high)
    joint = Search().range(negated(times(ZERO, low))), Search().range(ZERO)
    return "piecewise", (U, body), facts(*maps, *joint)


def _two_norms_of_one_name() -> Forged:
    """norm(W) / (1 + norm(W)) < 1, and not where the second W is that of another part."""
    here, there = (reduce("norm", symbol("parameter", f"{part}.W", REAL, (2, 2))) for part in "ab")
    any_ = symbol("along", "norm(W)", Support("NonNegative"))
    positive = sign_search.on_supports(Search(), minus(ONE, over(any_, plus(ONE, any_))), strict=True)
    assert positive is not None
    return "below_in_norms", (over(here, plus(ONE, there)),), facts(positive)


def _a_deviation_that_is_positive() -> Forged:
    """The root of a mean of squares, which is 0 where all are."""
    square = times(U, U)
    mean = symbol("mean", "m", Support("Positive"))
    value = apply("sqrt", mean)
    ranges = facts(Search().range(square), Search().range(value))
    return "starts", (value, Support("Positive"), ((mean, square),)), ranges


def _a_mean_of_which_nothing_is_said() -> Forged:
    mean = symbol("mean", "m", Support("Positive"))
    return "starts", (mean, Support("Positive"), ()), facts(Search().range(mean))


def _two_means_of_one_name() -> Forged:
    """1 + m is positive where m is the mean of a bit, and not where it is that of u."""
    first, second = symbol("mean", "m", REAL), symbol("mean", "m", Support("Interval", (Fraction(0), Fraction(1))))
    value = plus(ONE, second)
    ranges = facts(Search().range(U), Search().range(BIT), Search().range(value))
    return "starts", (value, Support("Positive"), ((first, U), (second, BIT))), ranges


FORGED: tuple[Callable[[], Forged], ...] = (
    _a_line_less_the_input,
    _a_density_with_the_variable_for_its_rate,
    _a_sum_for_an_integral,
    _a_square_that_is_positive_inside,
    _a_square_beyond_the_support,
    _a_network_that_sees_the_same,
    _a_jump_between_knots,
    _always_accepted,
    _shares_that_sum_to_two,
    _a_variable_with_one_value,
    _half_a_bit,
    _out_of_the_half_line,
    _another_symbol_for_a_piece,
    _two_norms_of_one_name,
    _a_deviation_that_is_positive,
    _a_mean_of_which_nothing_is_said,
    _two_means_of_one_name,
)


@pytest.mark.parametrize("forged", (*FORGED, *PLANTED), ids=lambda f: f.__name__.strip("_"))
def test_no_forged_application_is_licensed(forged: Callable[[], Forged]) -> None:
    """One condition refuses it: without that one, the false conclusion is drawn."""
    name, subject, premises = forged()
    with pytest.raises(Unproved) as caught:
        RULES[name](subject, premises)
    site, asked = site_of(caught.value)
    if asked:  # else it is no condition of a rule, but a range that is not found
        with without(site):
            assert licensed((name, subject, premises))


@pytest.mark.parametrize("function", ["abs", "relu"])
def test_no_limit_is_taken_through_a_kink(function: str) -> None:
    """u |1 / u| tends to 1, and the slope of |·| at 0 is none."""
    term = times(U, apply(function, over(ONE, U)))
    with pytest.raises(Unproved):
        Limits(U, REALS, True, Evaluation({}, {})).limit(term)


@pytest.mark.parametrize("upper", [False, True])
def test_a_square_times_a_wave_tends_to_infinity_at_both_ends(upper: bool) -> None:
    wave = plus(literal(2), apply("sin", U))
    for term in (times(times(U, U), wave), times(U, times(wave, U))):
        assert prove("tends", (U, term, REALS, upper, None)).conclusion.values()[-2:] == (math.inf, math.inf)
    cube = times(U, times(wave, times(U, U)))
    end = math.inf if upper else -math.inf
    assert prove("tends", (U, cube, REALS, upper, None)).conclusion.values()[-2:] == (end, end)


def test_a_square_times_a_slow_wave_is_a_map_of_the_negative_numbers() -> None:
    u = symbol("input", "u", Support("Open", (-math.inf, Fraction(0))))
    body = times(times(u, u), plus(literal(2), apply("sin", apply("log", negated(u)))))
    found = Search().bijection(u, body).conclusion
    assert isinstance(found, Bijection)
    assert (found.image, found.onto, found.increasing) == (POSITIVE, True, False)


@pytest.mark.parametrize(("square", "within"), [(1, 1), (2, 1.5), (Fraction(9, 4), Fraction(3, 2))])
def test_a_square_bounds_its_root(square: Fraction, within: Fraction) -> None:
    """|a| < sqrt(2) is told by a number above it, and one that is no more than 1 / denominator above."""
    condition = Member(minus(literal(square), times(A, A)), Support("Positive"))
    assert prove("required", (condition,)).conclusion.values()[0] is condition.term
    known = prove("required", (Member(times(A, A), Support("Open", (-math.inf, Fraction(square)))),))
    (_, found) = prove("by_size", (), known).conclusion.values()
    assert isinstance(found, Interval) and found.upper**2 >= square and -found.lower == found.upper
    assert found.upper <= within + Fraction(1, 2)


def conditional() -> tuple[Proof, Member]:
    """That a u is a bijection where a > 0, and the condition."""
    condition = Member(A, Support("Positive"))
    search = Search().under((condition,))
    return prove("under", (condition,), search.invertible(U, times(A, U), REAL)), condition


def test_a_condition_does_not_show_itself() -> None:
    found, condition = conditional()
    assert not rests_on_conditions(found, found.conclusion)
    held = prove("member", (A, Support("Positive")), prove("required", (condition,)))
    free = prove("discharged", (), found, held)
    assert isinstance(free.conclusion, Invertible) and free.conclusion.requires == ()
    assert rests_on_conditions(free, free.conclusion)


def test_a_condition_says_nothing_of_what_is_put_in() -> None:
    """With a > 0 the map a u is a bijection; it does not follow that b u is one where a > 0."""
    b = symbol("parameter", "b", REAL)
    condition = Member(A, Support("Positive"))
    scaled = Search().under((condition,)).bijection(U, times(A, U))
    put = prove("instance_of_map", (A, b), scaled, Search().range(b))
    other = prove("onto", (REAL,), put, Search().defined(times(b, U)))
    found = prove("under", (condition,), other)
    assert isinstance(found.conclusion, Invertible) and found.conclusion.body is times(b, U)
    assert rests_on_conditions(found, found.conclusion)


def test_a_condition_is_about_parameters() -> None:
    with pytest.raises(Unproved):
        prove("required", (Member(symbol("along", "s", REAL), Support("Positive")),))
    own = Search().invertible(U, apply("sinh", U), REAL)
    with pytest.raises(Unproved):
        prove("under", (Member(U, Support("Positive")),), own)


def test_what_is_forged_is_near_what_is_true() -> None:
    """The honest neighbours of some of these are licensed, so that it is the false part that is refused."""
    inner = Search().bijection(U, apply("sinh", U))
    assert inner.conclusion.values()[3] is True
    assert prove("on_box", (over(ONE, times(X, X)), ((X, OPEN),), ("here",))).conclusion.values()[2].within(POSITIVE)
    assert _mass(Y, apply("exp", negated(Y))).conclusion.values()[1] is apply("exp", negated(Y))
    coin = _coin(literal(Fraction(1, 2)))
    assert prove("unreached", (dataclasses.replace(_kernel(coin, BIT, probability=ONE), state=(BIT, U)), (BIT, U)))
