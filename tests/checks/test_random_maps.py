"""Any map at all: the checks end with a verdict, and a verdict that is not unknown is right."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.checks import Verdict
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.model import nodes
from gencompiler.model.nodes import REAL, Expr, Support, Type
from gencompiler.proof import enclosure
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.kernel import RULES
from gencompiler.proof.numbers import Undecided, ball
from gencompiler.proof.scope import terms_of
from tests.checks.building import (
    AT,
    POSITIVE,
    UNIT,
    apply,
    declared,
    flow,
    map_,
    number,
    parameter,
    reference,
    run,
    use,
)
from tests.proof.strategies import BINARY, UNARY, patient

PARAMETERS = (declared("a", REAL, lift=(2,)), declared("s", POSITIVE, lift=(2,)))
GRID = tuple(Fraction(n, 4) for n in range(-8, 9))
RESULTS = (REAL, POSITIVE, UNIT, Support("NonNegative"))


def bodies() -> st.SearchStrategy[Expr]:
    """Expressions of a few operations in the input and two parameters."""
    leaves = st.one_of(
        st.sampled_from((reference("u"), reference("u"), parameter("a"), parameter("s"))),
        st.fractions(min_value=-2, max_value=2, max_denominator=2).map(number),
    )

    def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        def choose(parts: tuple[Expr, Expr]) -> Expr:
            test = nodes.Apply(Type(nodes.BOOLEAN), "less", (reference("u"), number(0)), span=AT)
            return nodes.Choose(Type(REAL), test, *parts, span=AT)

        return st.one_of(
            st.tuples(st.sampled_from(UNARY), inner).map(lambda p: apply(p[0], p[1])),
            st.tuples(st.sampled_from(BINARY), inner, inner).map(lambda p: apply(*p)),
            st.tuples(inner, inner).map(choose),
        )

    return st.recursive(leaves, grow, max_leaves=5)


def built(body: Expr, result: Support) -> nodes.Model:
    own = map_("F", body, (), result, (4,))
    whole = flow(stages=(use("F"),), maps=(own,), target=result, parameters=PARAMETERS)
    return dataclasses.replace(whole, maps=(own,), trainings=())


def verdict_on(model: nodes.Model) -> tuple[Verdict, list[str]]:
    checked, _, derived = run(model)
    (found,) = [v for v in checked.verdicts if v.obligation.id == "invertible"]
    return found, recheck(certificate_text(checked, "hash", "spec"), derived, "hash")


@settings(patient, max_examples=250)
@given(body=bodies(), result=st.sampled_from(RESULTS), a=st.sampled_from(GRID), s=st.integers(1, 8))
def test_a_map_ends_in_a_verdict_that_is_right(body: Expr, result: Support, a: Fraction, s: int) -> None:
    """A proved map is strictly monotone wherever it is looked at, with values in its result."""
    model = built(body, result)
    found, failures = verdict_on(model)
    assert failures == []
    if found.status != "proved":
        return
    terms = terms_of(model, model.maps[0])
    point = {sym: Fraction(s, 4) if sym.data[1] == "s" else a for sym in terms.body.symbols - {terms.input}}
    with ctx.workprec(enclosure.PRECISION):
        values = []
        for u in GRID:
            try:
                values.append(ball(evaluate(terms.body, {**point, terms.input: u})[0]))
            except Undecided:
                continue
        rises = [bool(low < high) for low, high in itertools.pairwise(values)]
        falls = [bool(low > high) for low, high in itertools.pairwise(values)]
        assert all(rises) or all(falls)


def test_a_kernel_with_a_hole_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared above can differ: a careless rule proves `relu`, whose values on the grid do not rise."""
    from gencompiler.proof.facts import Bijection, Fact
    from gencompiler.proof.graph import Term
    from gencompiler.proof.kernel import Subject

    honest = RULES["unary"]

    def careless(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
        body: Term = subject[1]
        (inner,) = premises
        if body.data == "relu" and isinstance(inner, Bijection):
            return dataclasses.replace(inner, body=body)
        return honest(subject, premises)

    model = built(apply("relu", reference("u")), REAL)
    assert verdict_on(model)[0].status == "refuted"
    monkeypatch.setitem(RULES, "unary", careless)
    assert verdict_on(model)[0].status == "proved"
    with pytest.raises(AssertionError):
        test_a_map_ends_in_a_verdict_that_is_right.hypothesis.inner_test(  # type: ignore[attr-defined]
            body=apply("relu", reference("u")), result=REAL, a=Fraction(1), s=1
        )
