"""Maps of vectors: random compositions prove and their inverses undo them; no minimal breakage proves; rules refuse what
does not follow."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import ctx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import change_search, enclosure, graph
from gencompiler.proof.binders import releveled
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.contractions import bounded
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import InRange, Lipschitz, Member, Nonsingular, VectorBijection, result
from gencompiler.proof.graph import (
    Term,
    apply,
    bound_index,
    contract,
    each,
    element,
    join,
    literal,
    network,
    reduce,
    select,
    symbol,
)
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.matrices import matrix
from gencompiler.proof.numbers import ball
from gencompiler.proof.search import Search
from tests.proof.strategies import patient

D = 3
U = symbol("input", "u", REAL, (D,))
V = symbol("parameter", "v", REAL, (D,))
B = symbol("parameter", "b", REAL, (D,))
S = symbol("parameter", "s", Support("Positive"), (D,))
W = symbol("parameter", "W", REAL, (D, D))
MATRICES = {
    name: symbol("parameter", name, Support(name, arguments), (D, D))
    for name, arguments in (
        ("Lower", (Fraction(D),)),
        ("Upper", (Fraction(D),)),
        ("Orthogonal", (Fraction(D), Fraction(D))),
        ("Invertible", (Fraction(D),)),
    )
}
INDEX = bound_index(0, D)
PAST = (graph.before(INDEX),)


def by_index(x: Term) -> Term:
    """`for i: x[i] * 2 + W[i, <i] @ x[<i]`"""
    own = apply("multiply", element(x, (INDEX,)), literal(2))
    return each(0, D, apply("add", own, contract(element(W, (INDEX, *PAST)), element(x, PAST))))


#: One step each, a bijection of vectors for all parameters.
STEPS = {
    "lower": lambda x: contract(MATRICES["Lower"], x),
    "upper, from the right": lambda x: contract(x, MATRICES["Upper"]),
    "orthogonal": lambda x: contract(matrix("transpose", MATRICES["Orthogonal"]), x),
    "invertible": lambda x: contract(MATRICES["Invertible"], x),
    "product": lambda x: contract(contract(MATRICES["Lower"], MATRICES["Invertible"]), x),
    "shift": lambda x: apply("add", x, B),
    "scale": lambda x: apply("multiply", S, x),
    "sinh": lambda x: apply("sinh", x),
    "asinh": lambda x: apply("asinh", x),
    "reverse": lambda x: select(x, (2, 1, 0)),
    "by index": by_index,
    "rank one": lambda x: apply("add", x, apply("multiply", V, contract(V, x))),
}
#: One step each, of which no composition is a bijection for all parameters.
BREAKAGES = {
    "any matrix": lambda x: contract(W, x),
    "a sum of matrices": lambda x: contract(apply("add", MATRICES["Lower"], MATRICES["Invertible"]), x),
    "any scale": lambda x: apply("multiply", V, x),
    "a square": lambda x: apply("multiply", x, x),
    "relu": lambda x: apply("relu", x),
    "less its mean": lambda x: apply("subtract", x, reduce("mean", x)),
    "rank one, subtracted": lambda x: apply("subtract", x, apply("multiply", V, contract(V, x))),
    "one place twice": lambda x: select(x, (0, 0, 1)),
    "by index, all of the input": lambda x: each(0, D, apply("subtract", element(x, (INDEX,)), reduce("mean", x))),
    "by index, the entry in its view": lambda x: each(
        0, D, apply("subtract", element(x, (INDEX,)), reduce("sum", element(x, (graph.before(INDEX, inclusive=True),))))
    ),
    "by index, without the entry": lambda x: each(0, D, reduce("sum", element(x, PAST))),
}
POINT: dict[Term, Fraction | tuple[Fraction, ...]] = {
    V: (Fraction(1, 2), Fraction(-1), Fraction(2, 3)),
    B: (Fraction(-1), Fraction(1, 4), Fraction(2)),
    S: (Fraction(1, 2), Fraction(3), Fraction(1)),
    W: tuple(Fraction(k, 4) for k in (1, -2, 3, 2, 1, -1, 0, 5, -3)),
    MATRICES["Lower"]: tuple(map(Fraction, (1, 0, 0, 2, 3, 0, -1, 1, 2))),
    MATRICES["Upper"]: tuple(map(Fraction, (2, 1, -1, 0, 1, 3, 0, 0, 1))),
    MATRICES["Orthogonal"]: tuple(map(Fraction, (0, 1, 0, 0, 0, -1, 1, 0, 0))),
    MATRICES["Invertible"]: tuple(map(Fraction, (1, 2, 0, -1, 1, 1, 0, 1, 3))),
}
names = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4)


@settings(patient, max_examples=80)
@given(steps=names)
def test_a_composition_proves_and_its_inverse_undoes_it(steps: list[str]) -> None:
    body = U
    for name in steps:
        body = STEPS[name](body)
    found = Search().any_bijection(U, body).conclusion
    assert isinstance(found, VectorBijection)
    at = (Fraction(1, 3), Fraction(-1, 2), Fraction(1))
    value = evaluate(body, {**POINT, U: at})
    back = evaluate(found.inverse, {**POINT, result((D,)): value})
    with ctx.workprec(enclosure.PRECISION):
        assert all(bool(abs(ball(a) - ball(b)) < 1e-15) for a, b in zip(back, at, strict=True))
    assert releveled(found.inverse) is found.inverse


@pytest.mark.parametrize("breakage", BREAKAGES)
@settings(patient, max_examples=15)
@given(steps=names, place=st.integers(0, 3))
@example(steps=["by index", "asinh"], place=1)
def test_a_minimal_breakage_never_proves(breakage: str, steps: list[str], place: int) -> None:
    body = U
    for number, name in enumerate(steps):
        if number == place % len(steps):
            body = BREAKAGES[breakage](body)
        body = STEPS[name](body)
    with pytest.raises(NotFound):
        Search().invertible(U, body, REAL)


class TestRefusals:
    """Each rule, with one thing wrong."""

    def refuse(self, rule: str, subject: tuple[object, ...], *premises: Proof) -> None:
        with pytest.raises(Unproved):
            prove(rule, subject, *premises)

    def test_matrices(self) -> None:
        self.refuse("declared_nonsingular", (W,))
        wide = symbol("parameter", "Q", Support("Orthogonal", (Fraction(3), Fraction(2))), (3, 2))
        self.refuse("declared_nonsingular", (wide,))
        lower = prove("declared_nonsingular", (MATRICES["Lower"],))
        self.refuse("linear", (U, contract(MATRICES["Upper"], U)), lower)
        self.refuse("nonsingular_product", (contract(MATRICES["Lower"], W),), lower, lower)
        self.refuse("nonsingular_function", (matrix("transpose", W),), lower)
        positive = symbol("input", "u", Support("Positive"), (D,))
        self.refuse("linear", (positive, contract(MATRICES["Lower"], positive)), lower)
        assert isinstance(prove("linear", (U, contract(MATRICES["Lower"], U)), lower).conclusion, VectorBijection)
        zero = Proof("log_of_nonzero", (), (), Nonsingular(W, W, literal(0)))
        self.refuse("nonsingular_multiple", (apply("multiply", literal(2), W),), zero, lower)

    def test_ridges(self) -> None:
        body = apply("add", U, apply("multiply", V, apply("tanh", contract(W_ROW, U))))
        scalar = Search().bijection(symbol("along", "s", REAL), apply("sinh", symbol("along", "s", REAL)))
        self.refuse("ridge", (U, body, False), scalar)
        self.refuse("ridge", (U, apply("add", U, U), False), scalar)
        self.refuse("radial", (U, body), scalar, scalar)

    def test_reorderings(self) -> None:
        core = STEPS["rank one"](U)
        body, other = select(core, (2, 1, 0)), select(core, (1, 2, 0))
        own = symbol("block", f"the value of {core}", REAL, (D,))
        first = Search().any_bijection(U, core)
        second = Search().any_bijection(own, select(own, (2, 1, 0)))
        assert isinstance(prove("composed", (U, body, core), first, second).conclusion, VectorBijection)
        self.refuse("composed", (U, other, core), first, second)
        self.refuse("composed", (U, select(core, (0, 0, 1)), core), first, second)
        self.refuse("composed", (U, apply("add", body, select(U, (2, 1, 0))), core), first, second)

    def test_slopes(self) -> None:
        net = bounded(Fraction(9, 10), network("net", 0, (D,), (U,)))
        plain = prove("lipschitz_plain", (U, U))
        bound = prove("lipschitz_network", (net, U), plain)
        assert bound.conclusion == Lipschitz(net, U, Fraction(9, 10))
        defined = Search().range(net)
        assert isinstance(prove("residual", (U, apply("add", U, net)), bound, defined).conclusion, VectorBijection)
        self.refuse("lipschitz_plain", (select(U, (0, 0, 1)), U))
        self.refuse("lipschitz_network", (network("net", 0, (D,), (U,)), U), plain)
        self.refuse("residual", (U, apply("add", B, net)), bound, defined)
        self.refuse("residual", (U, apply("add", U, net)), bound, Search().range(B))
        self.refuse("residual", (U, apply("add", U, apply("multiply", literal(2), net))), bound, defined)
        one = bounded(Fraction(1), network("net", 0, (D,), (U,)))
        self.refuse(
            "residual", (U, apply("add", U, one)), prove("lipschitz_network", (one, U), plain), Search().range(one)
        )
        self.refuse("lipschitz_applied", (apply("sinh", U), U), plain)
        self.refuse("lipschitz_multiple", (apply("multiply", B, net), U), bound, Search().range(B))
        self.refuse("lipschitz_product", (contract(W, U), U), plain, Search().range(W))

    def test_conditions(self) -> None:
        wanted = Member(contract(V, B), Support("Open", (Fraction(-1), float("inf"))))
        assumed = prove("required", (wanted,))
        assert assumed.conclusion == InRange(wanted.term, Interval(-1, float("inf"), lower_open=True))
        found = Search().invertible(U, apply("sinh", U), REAL)
        under = prove("under", (wanted,), found)
        self.refuse("discharged", (), under)
        self.refuse("discharged", (), under, assumed)
        self.refuse("under", (wanted,), under)

    def test_parts_and_entries(self) -> None:
        half = join((select(U, (0,)), apply("exp", select(U, (1, 2)))))
        search = Search()
        self.refuse("part_not_onto", (half, (0,), REAL), search.range(select(half, (0,))))
        self.refuse("part_not_onto", (half, (1, 2), REAL), search.range(select(half, (0,))))
        self.refuse("two_vectors", (U, apply("sinh", U), (), (Fraction(0),) * 3, (Fraction(0),) * 3))
        self.refuse("two_vectors", (U, U, (), (Fraction(0),) * 3, (Fraction(1),) * 3))
        net = network("net", 0, (D,), (B,))
        ends = ((Fraction(0),) * 3, (Fraction(1),) * 3)
        moved = ((net, *reversed(ends)), (B, ends[0], ends[0]))
        self.refuse("two_vectors", (U, apply("add", U, net), moved, *ends))  # it sees the same at both points
        sees = network("net", 0, (D,), (U,))
        assert prove("two_vectors", (U, apply("add", U, sees), ((sees, *reversed(ends)),), *ends))
        bounds = bounded(Fraction(1, 2), sees)
        self.refuse("two_vectors", (U, apply("add", U, bounds), ((sees, *reversed(ends)),), *ends))


W_ROW = symbol("parameter", "w", REAL, (D,))


@pytest.mark.parametrize(("other", "found"), [(False, True), (True, False)])
def test_norms_of_matrices_with_one_name_are_told_apart(other: bool, found: bool) -> None:
    """u + A tanh(u) / (1 + norm(A)) is a bijection; with norm(B) it is not for B = 0 and a large A."""
    a, b = (symbol("parameter", f"{part}.W", REAL, (D, D)) for part in "ab")
    size = apply("add", literal(1), reduce("norm", b if other else a))
    body = apply("add", U, apply("divide", contract(a, apply("tanh", U)), size))
    assert (change_search.bijection(Search(), U, body) is not None) == found


def test_norms_of_two_matrices_with_one_name_bound_a_map() -> None:
    """u + A (B tanh(u)) / (1 + norm(A) norm(B))"""
    a, b = (symbol("parameter", f"{part}.W", REAL, (D, D)) for part in "ab")
    size = apply("add", literal(1), apply("multiply", reduce("norm", a), reduce("norm", b)))
    body = apply("add", U, apply("divide", contract(a, contract(b, apply("tanh", U))), size))
    assert change_search.bijection(Search(), U, body) is not None
