"""What `∝` states: a density from 0 on, outside a null set; and what is said of formulas that are none."""

from __future__ import annotations

import pytest

from gencompiler import check
from gencompiler.checks.certificate import certificate_data, recheck
from tests.checks.checking import checked

MODEL = "model M {{ observed x : {type}  param a : Real, n : Real[3]  p(x) ∝ {density} }}"


def status(density: str, type_: str = "Real[3]") -> str:
    found = check(MODEL.format(type=type_, density=density))
    if found.diagnostics:
        assert {d.code for d in found.diagnostics} == {"G503"}
        return "refuted"
    (verdict,) = [v for v in found.verdicts if v.obligation.id == "density"]
    return verdict.status


@pytest.mark.parametrize(
    "density", ["exp(-sum(x^2))", "exp(a * sum(x) - sum(x^2))", "1 / (1 + sum(x^2))", "max(0, 1 - norm(x))"]
)
def test_a_density_is_proved_where_its_range_is_known(density: str) -> None:
    assert status(density) == "proved"


@pytest.mark.parametrize(
    "density", ["-1", "x[0]", "a * exp(-sum(x^2))", "exp(-log(x[0]))", "exp(-sqrt(x[1] + x[2]))", "1 - norm(x)"]
)
def test_a_negative_or_undefined_density_is_refuted(density: str) -> None:
    assert status(density) == "refuted"


@pytest.mark.parametrize(
    "density",
    [
        "exp(-1 / (x[0] - x[1])^2 - sum(x^2))",  # two elements are equal on a null set
        "exp(-1 / norm(x) - sum(x^2))",  # all of them are 0 at one point
        "exp(-sum(log(abs(x))^2))",
    ],
)
def test_what_fails_on_a_null_set_is_not_refuted(density: str) -> None:
    assert status(density) == "assumed"


@pytest.mark.parametrize("type_", ["Binary[3]", "Sign[3]", "Category(4)[3]"])
def test_finite_supports(type_: str) -> None:
    assert status("exp(n @ x)", type_) == "proved"
    assert status("sum(x) - 1/2", type_) == "refuted"


def test_an_auxiliary_draw_has_its_familys_support() -> None:
    text = """model M {
  observed x : Real[2]
  p(x) ∝ exp(-sum(x^2))
  transition t(x' | x) { s ~ Uniform(0.5, 1)  y ~ Normal(x, s)  x' = metropolis(y) }
}
"""
    assert check(text).diagnostics == ()


def test_a_symmetric_laplace_proposal_needs_no_ratio() -> None:
    text = """model M {
  observed x : Real[2]
  p(x) ∝ exp(-sum(x^2))
  transition t(x' | x) { y ~ Laplace(x, 1)  x' = accept(y, min(1, exp(sum(x^2) - sum(y^2)))) }
  claim stationary(t, p)
}
"""
    assert {v.status for v in check(text).verdicts if v.obligation.id == "stationary"} == {"proved"}
    (shifted,) = check(text.replace("Laplace(x, 1)", "Laplace(x + 1, 1)")).diagnostics
    assert shifted.code == "G602"


@pytest.mark.parametrize(
    ("heads", "code"),
    [
        ("p(x[0]) = {n}  p(x[1] | x[0]) = {n}  p(x[2] | x[0]) = {n}", ""),
        ("p(x[2] | x[1]) = {n}  p(x[1] | x[0]) = {n}  p(x[0]) = {n}", ""),
        ("p(x[0]) = {n}  p(x[1] | x[0]) = {n}", "G303"),
        ("p(x[0]) = {n}  p(x[1] | x[0]) = {n}  p(x[1] | x[0]) = {n}", "G302"),
        ("p(x[0]) = {n}  p(x[2] | x[1]) = {n}  p(x[1] | x[2]) = {n}", "G301"),
    ],
)
def test_elements_that_are_produced_one_by_one(heads: str, code: str) -> None:
    law = heads.format(n="Normal(0, 1)")
    found = check(f"model M {{ observed x : Real[3]  {law} }}").diagnostics
    assert {d.code for d in found} == ({code} if code else set())


#: Energies, the law of their variable, and whether their mass is finite; true ones next to the smallest errors.
MASSES = (
    ("Real", "exp(-abs(x))", True),
    ("Real", "exp(-2 * cos(x))", False),
    ("Real", "exp(-2 * cos(x) - log(1 + x^2))", True),
    ("Real", "1 / (1 + x^2)", True),
    ("Real", "1 / sqrt(1 + x^2)", False),
    ("Real", "1 / (1 + abs(x))", False),
    ("Real", "exp(x)", False),
    ("Real", "exp(-x^4 + 3 * x^3)", True),
    ("Real", "exp(-a * x^2)", False),  # where a is negative
    ("Real", "exp(-(1 + a^2) * x^2)", True),
    ("Positive", "1 / x", False),
    ("Positive", "exp(-x) / x", False),
    ("Positive", "exp(-x) / sqrt(x)", True),
    ("Unit", "1 / (x * (1 - x))", False),
    ("Unit", "1 / sqrt(x * (1 - x))", True),
    ("Count", "1 / (1 + x)", False),
    ("Count", "1 / (1 + x)^2", True),
    ("Angle", "exp(cos(x))", True),
    ("Real[2]", "exp(-x[0]^2)", False),
    ("Real[2]", "exp(-x[0]^2 - x[1]^2)", True),
)


@pytest.mark.parametrize(("type_", "density", "finite"), MASSES)
def test_an_infinite_mass_is_refuted(type_: str, density: str, finite: bool) -> None:
    found = check(MODEL.format(type=type_, density=density))
    assert [d.code for d in found.diagnostics] == ([] if finite else ["G503"])
    if not finite:
        assert "not finite" in found.diagnostics[0].message


SLANTED = (
    ("x, v : Real", "exp(-(x - v)^2)", "refuted", "along x = v"),
    ("x, v : Real", "exp(-(x - v)^2 - v^2)", "proved", "and not across"),
    ("x, v : Real", "exp(-x - v)", "refuted", "it grows"),
    ("x, v : Real", "exp(-abs(x - v))", "refuted", "along x = v"),
    ("x, v : Real", "exp(-abs(x - v) - abs(x))", "proved", "and not across"),
    ("x, v : Real", "1 / (1 + (x - v)^2)^2", "refuted", "along x = v"),
    ("x, v : Real", "exp(-x^2 - v^2 + 1.9 * x * v)", "proved", "a narrow valley"),
    ("x, v : Real", "exp(-x^2 - v^2 + 2 * x * v)", "refuted", "a valley without an end"),
    ("x, v : Real", "exp(-x^2 - v^2 + 2.1 * x * v)", "refuted", "a saddle, of v - x between two numbers"),
    ("x, v : Real", "exp(-(x - 2 * v)^2)", "refuted", "along x = 2 v"),
    ("x, v : Real", "exp(-(x - 2 * v)^2 - abs(x - v) / 9)", "assumed", "two directions"),
    ("x, v : Positive", "exp(-(x - v)^2)", "refuted", "in a quarter of the plane"),
    ("x, v : Positive", "exp(-(x - v)^2 - x)", "assumed", "and not across"),
    ("x : Positive, v : Real", "exp(-(x + v)^2)", "refuted", "v goes the other way"),
    ("x, v : Positive", "exp(-(x + v)^2)", "assumed", "neither may"),
    ("x, v : Unit", "exp(x - v)", "proved", "a bounded square"),
    ("x, v : Real, z : Real", "exp(-(x - v)^2 - (v - z)^2)", "refuted", "all three together"),
    ("x, v : Real, z : Real", "exp(-(x - v)^2 - (v - z)^2 - z^2)", "proved", "one of them held"),
    ("x, v : Binary", "exp(3 * x * v)", "proved", "four numbers"),
    ("x : Count, v : Binary", "exp(x * v)", "refuted", "where v is 0"),
)


@pytest.mark.parametrize(("variables", "density", "status", "reason"), SLANTED)
def test_the_mass_along_slanted_lines(variables: str, density: str, status: str, reason: str) -> None:
    names = ", ".join(part.partition(":")[0].strip() for part in variables.split(","))
    found, _ = checked(f"model M {{\n  observed {variables}\n  p({names}) ∝ {density}\n}}\n")
    own = next(v for v in found.verdicts if v.obligation.id == "integrable")
    assert own.status == status, reason
    assert recheck(certificate_data(found)) == []


def test_energies_in_a_library() -> None:
    """For all values of their parameters: of a mass that is finite at some values only, nothing is proved."""
    found, _ = checked("""density Well(x : Real, v : Real | a : Real) ∝ exp(-(x - a * v)^2 - v^4)
density Bowl(x : Real[2] | s : Positive) ∝ exp(-s * sum(x^2))
density Open(x : Real | s : NonNegative) ∝ exp(-s * x^2)
density Ridge(x : Real, v : Real) ∝ exp(-(x - v)^2)
""")
    own = {v.obligation.subject: v.status for v in found.verdicts if v.obligation.id == "integrable"}
    assert own == {"Well": "proved", "Bowl": "proved", "Open": "assumed", "Ridge": "refuted"}
    assert {v.status for v in found.verdicts if v.obligation.id == "nonnegative"} == {"proved"}
    assert recheck(certificate_data(found)) == []


def test_a_chain_keeps_no_law_of_infinite_mass() -> None:
    """Detailed balance holds, and there is nothing to sample from."""
    text = """model M {
  observed x : Real
  p(x) ∝ exp(-2 * cos(x))
  transition walk(x' | x) { y ~ Normal(x, 1)  x' = metropolis(y) }
  claim stationary(walk, p)
}
"""
    assert stationarity(text) == "unknown"
    assert stationarity(text.replace("cos(x)", "cosh(x)")) == "proved"


def stationarity(text: str) -> str:
    found, _ = checked(text)
    (verdict,) = [v for v in found.verdicts if v.obligation.id == "stationary"]
    return verdict.status
