"""Integrals and sums by what the tables of masses know, each beside neighbours of another value, which are not proved."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import exponentials as ex
from gencompiler.proof import mass_search, sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.divisions import cancelled, divided
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, choose, symbol
from gencompiler.proof.kernel import Proof, attempt, prove
from gencompiler.proof.search import Search

SUPPORTS = {"real": REAL, "positive": Support("Positive"), "unit": Support("Unit"), "count": Support("Count")}
A, M = symbol("input", "a", Support("Positive")), symbol("input", "m", REAL)
T = symbol("input", "t", Support("Open", (Fraction(-1), Fraction(1))))


def body(text: str, x: Term) -> Term:
    return instance(
        text, **{n: s for n, s in (("x", x), ("a", A), ("m", M), ("t", T)) if n in text.replace("sqrt", "")}
    )


def has_mass_one(support: str, text: str, primitives: bool = False) -> bool:
    x = symbol("input", "x", SUPPORTS[support])
    with contextlib.suppress(NotFound):
        asking = sign_search.AskingSigns(Search(), strict=True)
        mass_search.closed_form(Search(), (x,), body(text, x), asking, primitives)
        return True
    return False


@pytest.mark.parametrize(
    ("support", "text", "neighbours"),
    [
        ("unit", "(1 + cos(2 * pi * x + m))^3 / 2.5", ("(1 + cos(2 * pi * x + m))^3 / 2", "(1 + cos(pi * x + m))^3 / 2.5")),
        ("unit", "1 + cos(2 * pi * x) * sin(2 * pi * x)", ("1 + cos(2 * pi * x) * cos(2 * pi * x)",)),
        ("unit", "2 * sin(4 * pi * x + m)^2", ("2 * sin(4 * pi * x + m)^4", "2 * sin(4 * x + m)^2")),
        ("unit", "1 + cos(2 * pi * x) * cos(4 * pi * x)^2", ("1 + cos(4 * pi * x) * cos(2 * pi * x)^2",)),
        (
            "real",
            "exp(-(x - m)^2 / 2) / sqrt(2 * pi) * (1 + sin(a * (x - m)))",
            ("exp(-(x - m)^2 / 2) / sqrt(2 * pi) * (1 + sin(a * x))", "exp(-x^2 / 2) / sqrt(2 * pi) * (1 + cos(a * x))"),
        ),
        (
            "real",
            "exp(-x^2 / 2) / sqrt(2 * pi) * (1 + cos(a * x)) / (1 + exp(-a^2 / 2))",
            ("exp(-x^2 / 2) / sqrt(2 * pi) * (1 + cos(a * x)) / (1 + exp(-a^2))",),
        ),
        ("real", "3 * erf(x)^2 * exp(-x^2) / sqrt(pi)", ("2 * erf(x)^2 * exp(-x^2) / sqrt(pi)", "3 * erf(x)^2 * exp(-x^2 / 2) / sqrt(2 * pi)")),
        ("real", "(1 + erf(x - m)^3) * exp(-(x - m)^2) / sqrt(pi)", ("(1 + erf(x + m)^3) * exp(-(x - m)^2) / sqrt(pi)",)),
        ("real", "(erf(x + a) - erf(x - a)) / (4 * a)", ("(erf(x + a) - erf(x - a)) / (2 * a)", "(erf(2 * x + a) - erf(2 * x - a)) / (4 * a)")),
        ("real", "(sigmoid(3 * x + a) - sigmoid(3 * x)) * 3 / a", ("(sigmoid(3 * x + a) - sigmoid(3 * x)) / a",)),
        ("real", "(sigmoid(m - x) - sigmoid(m - x - 2)) / 2", ("(sigmoid(m - x) - sigmoid(m - x - 2)) / 4",)),
        ("unit", "(1 - t) / (1 - t * x)^2", ("(1 - t) / (1 - t * x)^3", "1 / (1 - t * x)^2")),
        ("unit", "2 * x * (1 - t)^2 / (1 - t * x)^3", ("2 * x * (1 - t) / (1 - t * x)^3",)),
        ("unit", "1 / ((1 + a * x) * log(1 + a)) * a", ("1 / ((1 + a * x) * log(1 + a))",)),
        ("unit", "x^2 / (1 + x) / (log(2) - 0.5)", ("x^2 / (1 + x) / (log(2) + 0.5)", "x^3 / (1 + x) / (log(2) - 0.5)")),
        ("unit", "6 * x * (1 - x) * (1 - t)^2 / (1 - t * x)^4", ("6 * x * (1 - t)^2 / (1 - t * x)^4",)),
        ("count", "(1 + a * x) * exp(-a * x) - (1 + a + a * x) * exp(-a * x - a)", ("(2 + a * x) * exp(-a * x) - (2 + a + a * x) * exp(-a * x - a)",)),
        ("real", "exp(-abs(x)) / 2 * (1 + abs(exp(m)) - exp(m))", ("exp(-abs(x)) / 2 * (1 + abs(exp(m)) + exp(m))",)),
    ],
)  # fmt: skip
def test_what_has_mass_one(support: str, text: str, neighbours: tuple[str, ...]) -> None:
    assert has_mass_one(support, text)
    assert not any(has_mass_one(support, neighbour) for neighbour in neighbours)


@pytest.mark.parametrize(
    ("support", "text", "neighbours"),
    [
        (
            "positive",
            "exp(2 * a * (1 - sqrt(1 + x))) * (1 + x)^(-1.5) * (a * sqrt(1 + x) + 0.5)",
            (
                "exp(2 * a * (1 - sqrt(1 + x))) * (1 + x)^(-1.5) * (a * sqrt(1 + x) + 1)",  # another derivative
                "exp(2 * a * (sqrt(1 + x) - 1)) * (1 + x)^(-1.5) * (a * sqrt(1 + x) - 0.5 + 1)",  # it does not die out
                "exp(1 + 2 * a * (1 - sqrt(1 + x))) * (1 + x)^(-1.5) * (a * sqrt(1 + x) + 0.5)",  # e at the lower end
            ),
        ),
        ("unit", "(a + 1 + x) * x^a * exp(x - 1)", ("(a + x) * x^a * exp(x - 1)", "(a + 1 + x) * x^a * exp(x)")),
    ],
)  # fmt: skip
def test_primitives(support: str, text: str, neighbours: tuple[str, ...]) -> None:
    assert has_mass_one(support, text, primitives=True)
    assert not any(has_mass_one(support, neighbour, primitives=True) for neighbour in neighbours)


def _real_law(text: str) -> tuple[Term, Term, Proof]:
    y = symbol("input", "y", REAL)
    law = instance(text, y=y, m=M)
    return y, law, mass_search.closed_form(Search(), (y,), law)


def test_only_what_is_folded_is_unfolded() -> None:
    y, law, mass = _real_law("exp(-(y - m)^2 / 2) / sqrt(2 * pi)")
    folded = "exp(-(x - m)^2 / 2) / sqrt(2 * pi) + exp(-(x + m)^2 / 2) / sqrt(2 * pi)"
    x, z = symbol("input", "x", Support("Positive")), symbol("input", "x", Support("Unit"))
    ranges = [Search().range(instance("pi"))]
    assert attempt("mass_unfolded", (x, instance(folded, x=x, m=M), y, law), mass, *ranges) is not None
    assert attempt("mass_unfolded", (z, instance(folded, x=z, m=M), y, law), mass, *ranges) is None
    once = instance("2 * exp(-(x - m)^2 / 2) / sqrt(2 * pi)", x=x, m=M)
    assert attempt("mass_unfolded", (x, once, y, law), mass, *ranges) is None
    assert attempt("mass_unfolded", (x, instance(folded, x=x, m=M), x, law), mass, *ranges) is None
    assert attempt("mass_unfolded", (x, instance(folded, x=x, m=M), y, law), *ranges) is None


def test_every_region_is_integrated_over_all_variables() -> None:
    x, y = (symbol("input", name, Support("Positive")) for name in "xy")
    above = instance("exp(-(y - x) - 2 * x)", x=x, y=y)
    below = instance("exp(-(x - y) - 2 * y)", x=x, y=y)
    law = choose(instance("x < y", x=x, y=y), above, below)
    search = Search()
    found = mass_search._in_regions(search, (x, y), law)
    assert found.rule == "mass_in_regions"
    for orders in (((x, y), (x,)), ((x, y),), ((x, y), (x, x)), ((x, y), (x, y), (x, y))):
        assert attempt(found.rule, ((x, y), law, orders), *found.premises) is None
    assert attempt(found.rule, found.subject, *found.premises[1:]) is None
    assert prove(found.rule, found.subject, *found.premises).conclusion == found.conclusion


def test_what_divides_is_cancelled_and_nothing_else() -> None:
    product = ex.normal(instance("(1 + a) * (m^2 + a * m - 2)", a=A, m=M))
    factor = ex.normal(instance("1 + a", a=A))
    quotient = divided(product, factor)
    assert quotient == ex.normal(instance("m^2 + a * m - 2", a=A, m=M))
    assert divided(ex.plus(product, ex.constant(1)), factor) is None
    growth = ex.normal(instance("exp(2 * a) - 1", a=A))
    assert divided(growth, ex.normal(instance("exp(a) - 1", a=A))) == ex.normal(instance("exp(a) + 1", a=A))
    for text in ("(1 + 2 * a + a^2) / (1 + a)", "1 / (1 + a) + a / (1 + a) + a"):
        assert cancelled(ex.normal(instance(text, a=A))) == factor
    open_ = ex.normal(instance("(2 + 2 * a + a^2) / (1 + a)", a=A))
    assert ex.is_zero(ex.plus(cancelled(open_), ex.scaled(open_, -1)))
