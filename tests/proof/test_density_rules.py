"""Rules about densities refuse what does not follow: a box that is too small, a wave that is cut off, a missing share."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import mass_search, sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import Interval
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.kernel import Unproved, attempt, prove
from gencompiler.proof.mass_rules import at_point, last_shares
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.search import Search
from gencompiler.proof.waves import root_of_square

X = symbol("input", "x", Support("Open", (Fraction(-1), Fraction(2))))
M = symbol("input", "m", REAL)
S = symbol("input", "s", Support("Positive"))


def term(text: str, **names: Term) -> Term:
    return instance(text, **names)


def test_a_box_must_hold_the_supports() -> None:
    square = term("x^2 - 1.5 * x + 0.6", x=X)  # at least 0.0375, which intervals do not see
    shown = sign_search.on_supports(Search(), square, strict=True)
    assert shown is not None
    assert range_of(shown.conclusion, square).sign > 0
    inside = Interval(Fraction(0), Fraction(1))
    part = attempt("on_box", (square, ((X, inside),), ("cut", X, Fraction(1, 2), ("here",), ("here",))))
    assert part is None or attempt("on_supports", (square,), part) is None
    rising = term("x + 1/2", x=X)
    half = prove("on_box", (rising, ((X, inside),), ("here",)))
    assert attempt("on_supports", (rising,), half) is None


def test_a_difference_of_one_function_has_the_sign_of_its_arguments() -> None:
    search = Search()
    ordered = term("erf((2 - m) / s) - erf(-m / s)", m=M, s=S)
    assert range_of(search.range(ordered).conclusion, ordered).sign > 0
    open_ = term("erf((2 - m) / s) - erf(m / s)", m=M, s=S)
    assert range_of(search.range(open_).conclusion, open_).sign == 0


@pytest.mark.parametrize(
    ("text", "mass"),
    [
        ("exp(s * cos(2 * pi * x)) / bessel_i0(s)", True),
        ("exp(s * cos(4 * pi * x + 1)) / bessel_i0(s)", True),
        ("exp(s * cos(pi * x)) / bessel_i0(s)", False),  # half a period
        ("exp(s * cos(2 * x)) / bessel_i0(s)", False),
        ("3 / (5 + 4 * cos(2 * pi * x))", True),
        ("3 / (4.5 + 4 * cos(2 * pi * x))", False),
        ("sqrt(17) / 4 / (1 + 16 * cos(2 * pi * x)^2)", False),
    ],
)
def test_waves_are_integrated_over_whole_periods(text: str, mass: bool) -> None:
    y = symbol("input", "y", Support("Unit"))
    try:
        mass_search.closed_form(Search(), (y,), term(text, x=y, **({"s": S} if "s *" in text else {})))
        found = True
    except NotFound:
        found = False
    assert found == mass


@pytest.mark.parametrize(
    ("text", "mass"),
    [
        ("exp(-x) * (1 + erf(x - 1)) / 2 * exp(3/4)", True),
        ("exp(x) * (1 + erf(x - 1)) / 2", False),  # grows without bound
        ("exp(-x) * (1 - erf(x - 1)) / 2", False),  # on the other side
        ("exp(-x^2) / sqrt(pi) * (1 + erf(x + 1)) / (1 + erf(1 / sqrt(2)))", True),
        ("exp(-x^2) / sqrt(pi) * (1 + erf(x + 1)) / (1 + erf(1))", False),
    ],
)
def test_error_functions_are_integrated_where_that_converges(text: str, mass: bool) -> None:
    y = symbol("input", "y", REAL)
    try:
        mass_search.closed_form(Search(), (y,), term(text, x=y))
        found = True
    except NotFound:
        found = False
    assert found == mass


def test_the_shares_of_a_simplex_are_given_all_at_once() -> None:
    simplex = Support("Simplex", (Fraction(3),))
    shares = [symbol("component", f"input w[{k}]", simplex) for k in range(3)]
    whole = term("a + b + c", a=shares[0], b=shares[1], c=shares[2])
    assert ClosedForms(sign_search.Asking(Search())).plain(last_shares(whole)).data == 1
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    at_point(whole, tuple(zip(shares, (half, quarter, quarter), strict=True)))
    for values in ((half, half), (half, half, half), (-half, half, 1), (1,)):
        with pytest.raises(Unproved):
            at_point(whole, tuple(zip(shares, map(Fraction, values), strict=False)))
    with pytest.raises(Unproved):
        at_point(whole, ((shares[1], Fraction(1)),))


def test_roots_of_squares() -> None:
    forms = ClosedForms(sign_search.Asking(Search()))
    found = root_of_square(forms.normal(term("1 - 2 * m^2 + m^4", m=M)))
    assert found in (forms.normal(term("1 - m^2", m=M)), forms.normal(term("m^2 - 1", m=M)))
    assert root_of_square(forms.normal(term("1 - 2 * m^2 + 2 * m^4", m=M))) is None
    assert root_of_square(forms.normal(term("1 + m^2", m=M))) is None


def test_another_density_is_no_change_of_variables() -> None:
    """exp(-sinh(x)^2 / 2) without its slope, pushed through sinh, is not the normal density."""
    x, y = symbol("input", "x", REAL), symbol("input", "y", REAL)
    bijection = Search().bijection(x, term("sinh(x)", x=x))
    normal = term("exp(-0.5 * y^2) / sqrt(2 * pi)", y=y)
    mass = mass_search.closed_form(Search(), (y,), normal)
    right = term("cosh(x) * exp(-0.5 * sinh(x)^2) / sqrt(2 * pi)", x=x)
    wrong = term("exp(-0.5 * sinh(x)^2) / sqrt(2 * pi)", x=x)
    ranges = [Search().range(t) for t in (right, wrong, term("cosh(x)", x=x), term("exp(-x) + exp(x)", x=x))]
    assert attempt("mass_by_bijection", (x, right, y, normal), bijection, mass, *ranges) is not None
    assert attempt("mass_by_bijection", (x, wrong, y, normal), bijection, mass, *ranges) is None
