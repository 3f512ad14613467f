"""Bijections: compositions prove, their inverses and log-determinants are right, and no minimal breakage proves."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure, graph
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import Invertible, NotInjective, VectorBijection, result
from gencompiler.proof.graph import Term, apply, choose, join, literal, network, select, symbol
from gencompiler.proof.numbers import Number, Undecided, Values, ball
from gencompiler.proof.refute import not_injective
from gencompiler.proof.search import Search
from tests.proof.strategies import (
    INPUT,
    POSITIVE_PARAMETERS,
    REAL_PARAMETERS,
    REALS,
    ScalarMap,
    patient,
    points,
    scalar_maps,
)

A, B, _ = REAL_PARAMETERS
S, R = POSITIVE_PARAMETERS


def proven(body: Term, declared: Support, input_: Term = INPUT) -> Invertible:
    conclusion = Search().invertible(input_, body, declared).conclusion
    assert isinstance(conclusion, Invertible)
    return conclusion


def value(term: Term, point: dict[Term, Fraction | Values]) -> Number:
    """The value of a scalar; an example whose values balls cannot tell from the end of a domain is not one."""
    try:
        return evaluate(term, point)[0]
    except Undecided:
        reject()


def close(left: Number, right: Number, tolerance: float) -> bool:
    with ctx.workprec(enclosure.PRECISION):
        return bool(abs(ball(left) - ball(right)) < tolerance * (1 + abs(ball(right))))


@settings(patient, max_examples=150)
@given(made=scalar_maps(), at=points(), u=REALS)
def test_a_composition_proves_and_its_inverse_and_slope_are_right(
    made: ScalarMap, at: dict[str, Fraction], u: Fraction
) -> None:
    assume(u != 0)  # the joint of a map in pieces: no derivative there, and balls cannot tell the pieces apart
    found = proven(made.body, made.end)
    point = {s: at[s.data[1]] for s in (*REAL_PARAMETERS, *POSITIVE_PARAMETERS)}
    y = value(made.body, {**point, INPUT: u})
    assert found.inverse is not None
    assert found.log_det is not None
    assert close(value(found.inverse, {**point, result(()): (y,)}), u, 1e-15)
    step = Fraction(1, 2**44)
    ahead, behind = (value(made.body, {**point, INPUT: u + h}) for h in (step, -step))
    with ctx.workprec(enclosure.PRECISION):
        slope = abs(ball(ahead) - ball(behind)) / arb(fmpq(1, 2**43))
        assert close(value(found.log_det, {**point, INPUT: u}), slope.log(), 1e-9)


#: One step each, of which no composition is a bijection for all parameters.
BREAKAGES = {
    "a scale that may be 0": lambda u, s, a: apply("multiply", a, u),
    "a scale that may be 0, through tanh": lambda u, s, a: apply("multiply", u, apply("tanh", a)),
    "a divisor that may be 0": lambda u, s, a: apply("divide", u, a),
    "a constant": lambda u, s, a: s,
    "a square": lambda u, s, a: apply("multiply", u, u),
    "an even function": lambda u, s, a: apply("cosh", u),
    "a wave": lambda u, s, a: apply("sin", u),
    "a plateau": lambda u, s, a: apply("relu", u),
    "steps": lambda u, s, a: apply("floor", u),
    "a fold": lambda u, s, a: choose(apply("greater_equal", u, literal(0)), u, apply("multiply", a, u)),
    "pieces in different directions": lambda u, s, a: choose(
        apply("less", u, literal(0)), apply("negate", u), apply("multiply", s, u)
    ),
    "pieces that jump": lambda u, s, a: choose(apply("less", u, literal(0)), u, apply("subtract", u, s)),
    "the sum of a map and its reflection": lambda u, s, a: apply("add", u, apply("multiply", a, u)),
}


@pytest.mark.parametrize("name", BREAKAGES)
@settings(patient, max_examples=25)
@given(made=scalar_maps(), place=st.integers(0, 5))
def test_a_minimal_breakage_never_proves(name: str, made: ScalarMap, place: int) -> None:
    number = place % len(made.steps)
    assume(made.steps[number][0].start == REAL)
    broken = made.build({number: BREAKAGES[name]})
    with pytest.raises(NotFound):
        proven(broken, made.end)


@settings(patient, max_examples=40)
@given(made=scalar_maps())
def test_a_wrong_codomain_never_proves(made: ScalarMap) -> None:
    for other in (REAL, Support("Positive"), Support("Unit"), Support("NonNegative")):
        if other != made.end:
            with pytest.raises(NotFound):
                proven(made.body, other)


class TestTraps:
    def test_pieces_whose_values_meet_only_in_the_limit_of_precision(self) -> None:
        """A joint whose values are only enclosed is not known to be one value."""
        meeting = choose(apply("less", INPUT, literal(0)), apply("expm1", INPUT), INPUT)
        with pytest.raises(NotFound):
            proven(meeting, REAL)  # it is onto (-1, inf), not the reals
        assert proven(meeting, Support("Open", (Fraction(-1), float("inf"))))
        unequal = choose(
            apply("less", INPUT, literal(0)),
            apply("add", INPUT, literal(2)),
            apply("add", INPUT, apply("exp", apply("log", literal(2)))),
        )
        with pytest.raises(NotFound):
            proven(unequal, REAL)

    def test_a_map_that_is_only_into_its_codomain(self) -> None:
        with pytest.raises(NotFound, match="range"):
            proven(apply("tanh", INPUT), Support("Interval", (Fraction(-1), Fraction(1))))
        assert proven(apply("tanh", INPUT), Support("Open", (Fraction(-1), Fraction(1))))

    def test_a_shift_of_a_half_line_is_not_onto_a_fixed_one(self) -> None:
        with pytest.raises(NotFound):
            proven(apply("add", apply("exp", INPUT), A), REAL)
        with pytest.raises(NotFound):
            proven(apply("add", apply("exp", INPUT), S), Support("Positive"))

    def test_the_cube_root_of_a_real_is_not_taken(self) -> None:
        with pytest.raises(NotFound):
            proven(apply("power", INPUT, literal(Fraction(1, 3))), REAL)

    def test_log_of_what_may_be_0(self) -> None:
        closed = symbol("input", "u", Support("NonNegative"))
        with pytest.raises(NotFound):
            proven(apply("log", closed), REAL, closed)
        assert proven(
            apply("log", symbol("input", "u", Support("Positive"))), REAL, symbol("input", "u", Support("Positive"))
        )

    def test_a_discrete_input_is_no_interval(self) -> None:
        """The rules for continuous maps are silent; finitely many values are gone through, one by one."""
        own = Support("Integer", (Fraction(0), Fraction(4)))
        count = symbol("input", "u", own)
        with pytest.raises(NotFound):
            Search().bijection(count, count)
        assert proven(count, own, count).log_det is literal(0)
        with pytest.raises(NotFound):
            proven(apply("multiply", count, literal(2)), own, count)

    def test_the_log_of_a_product_is_a_sum(self) -> None:
        """log|exp(a) s| = a + log(s): nothing overflows."""
        found = proven(apply("multiply", INPUT, apply("multiply", apply("exp", A), S)), REAL)
        assert str(found.log_det) == "a + log(s)"
        assert str(proven(apply("multiply", INPUT, apply("sigmoid", A)), REAL).log_det) == "-softplus(-a)"

    def test_multiplying_by_an_exponential_is_undone_by_one(self) -> None:
        assert str(proven(apply("multiply", INPUT, apply("exp", A)), REAL).inverse) == "result * exp(-a)"

    def test_a_declared_nonzero_factor(self) -> None:
        factor = symbol("variable", "k", Support("NonZero"))
        found = proven(apply("multiply", factor, INPUT), REAL)
        assert str(found.log_det) == "log(abs(k))"


# -- vectors ---------------------------------------------------------------------------------------------------------

D = 5


def coupling(input_: Term, kept: tuple[int, ...], moved: tuple[int, ...], order: tuple[int, ...]) -> Term:
    """An affine coupling of any split, its result permuted; the conditioner is in closed form, to be evaluated."""
    a, b = select(input_, kept), select(input_, moved)
    mean = graph.reduce("mean", apply("sinh", a))
    return select(join((a, apply("add", apply("multiply", b, apply("exp", apply("tanh", mean))), mean))), order)


@st.composite
def splits(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    order = draw(st.permutations(range(D)))
    size = draw(st.integers(1, D - 1))
    return tuple(order[:size]), tuple(order[size:])


@settings(patient, max_examples=60)
@given(split=splits(), order=st.permutations(range(D)), u=st.tuples(*D * [REALS]))
def test_a_coupling_of_any_split_and_permutation(
    split: tuple[tuple[int, ...], tuple[int, ...]], order: list[int], u: tuple[Fraction, ...]
) -> None:
    input_ = symbol("input", "u", REAL, (D,))
    body = coupling(input_, *split, tuple(order))
    found = proven(body, REAL, input_)
    assert found.inverse is not None
    assert found.log_det is not None
    y = evaluate(body, {input_: u})
    assert all(close(b, w, 1e-20) for b, w in zip(evaluate(found.inverse, {result((D,)): y}), u, strict=True))
    assert close(value(found.log_det, {input_: u}), log_abs_jacobian(body, input_, u), 1e-15)


def log_abs_jacobian(body: Term, input_: Term, u: tuple[Fraction, ...]) -> Number:
    """log|det| of the numerical Jacobian, by Gaussian elimination on balls."""
    step = Fraction(1, 2**44)
    with ctx.workprec(enclosure.PRECISION):
        columns = []
        for k in range(len(u)):
            ahead, behind = ([*u], [*u])
            ahead[k] += step
            behind[k] -= step
            high, low = (evaluate(body, {input_: tuple(p)}) for p in (ahead, behind))
            columns.append([(ball(h) - ball(w)) / arb(fmpq(1, 2**43)) for h, w in zip(high, low, strict=True)])
        rows = [[column[k] for column in columns] for k in range(len(u))]
        total = arb(0)
        for k in range(len(u)):
            pivot = max(range(k, len(u)), key=lambda r: abs(float(rows[r][k].mid())))
            rows[k], rows[pivot] = rows[pivot], rows[k]
            total += abs(rows[k][k]).log()
            for r in range(k + 1, len(u)):
                factor = rows[r][k] / rows[k][k]
                rows[r] = [x - factor * p for x, p in zip(rows[r], rows[k], strict=True)]
        return total


class TestVectors:
    U = symbol("input", "u", REAL, (4,))
    FIRST, LAST = select(symbol("input", "u", REAL, (4,)), (0, 1)), select(symbol("input", "u", REAL, (4,)), (2, 3))

    def refuse(self, body: Term, kind: str) -> NotFound:
        with pytest.raises(NotFound) as caught:
            Search().any_bijection(self.U, body)
        assert caught.value.kind == kind
        return caught.value

    def test_the_transformed_half_may_not_feed_its_own_conditioner(self) -> None:
        own = network("m", 0, (2,), (self.LAST,))
        failure = self.refuse(join((self.FIRST, apply("add", self.LAST, own))), "cycle")
        assert "the transformed half feeds its own conditioner" in str(failure)
        assert "u[2..4]" in str(failure)

    def test_halves_may_not_feed_each_other(self) -> None:
        there, back = network("m", 0, (2,), (self.FIRST,)), network("n", 0, (2,), (self.LAST,))
        self.refuse(join((apply("add", self.FIRST, back), apply("add", self.LAST, there))), "cycle")

    def test_a_conditioner_that_sees_everything(self) -> None:
        everything = network("m", 0, (2,), (self.U,))
        self.refuse(join((self.FIRST, apply("add", self.LAST, everything))), "cycle")

    def test_one_half_twice(self) -> None:
        self.refuse(join((self.FIRST, apply("exp", self.FIRST))), "reused")

    def test_a_scale_that_a_network_can_make_0(self) -> None:
        scale = network("m", 0, (2,), (self.FIRST,))
        failure = self.refuse(join((self.FIRST, apply("multiply", self.LAST, scale))), "vanishes")
        assert failure.term is scale
        proof = not_injective(self.U, join((self.FIRST, apply("multiply", self.LAST, scale))), Search(), scale)
        assert proof is not None
        assert isinstance(proof.conclusion, NotInjective)

    def test_dimensions_that_do_not_add_up(self) -> None:
        self.refuse(join((self.FIRST, self.FIRST, self.LAST)), "form")
        self.refuse(self.FIRST, "form")

    def test_mixed_ranges(self) -> None:
        self.refuse(join((self.FIRST, apply("exp", self.LAST))), "form")

    def test_a_chain_of_blocks_is_solved_in_order(self) -> None:
        parts = [select(self.U, (k,)) for k in range(4)]
        chained = [parts[0]]
        for k in range(1, 4):
            chained.append(apply("add", parts[k], network("m", k, (1,), (parts[k - 1],))))
        shuffled = join((chained[3], chained[1], chained[0], chained[2]))
        proof = Search().any_bijection(self.U, shuffled)
        assert isinstance(proof.conclusion, VectorBijection)
        order = [proof.subject[2][k][0] for k in proof.subject[3]]
        assert order == [0, 1, 2, 3]
