"""Densities and mass functions, each beside its smallest error: proved, and refuted with a counterexample."""

from __future__ import annotations

import math

import pytest

from gencompiler import pipeline
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.checks.verdict import PROVED, UNKNOWN
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from tests.checks import density_corpus_fresh, density_corpus_strange, density_corpus_unseen
from tests.checks.checking import checked
from tests.checks.density_corpus import DENSITIES, Pair
from tests.checks.density_corpus_more import MORE
from tests.checks.mass_corpus import MASSES

PAIRS = (*DENSITIES, *MASSES, *MORE, *density_corpus_strange.STRANGE, *density_corpus_fresh.FRESH)
PAIRS += density_corpus_unseen.UNSEEN
UNPROVED = (
    *density_corpus_strange.UNPROVED,
    *density_corpus_fresh.FRESH_UNPROVED,
    *density_corpus_unseen.UNSEEN_UNPROVED,
)
UNREFUTED = (*density_corpus_strange.UNREFUTED, *density_corpus_fresh.FRESH_UNREFUTED)
UNREFUTED += density_corpus_unseen.UNSEEN_UNREFUTED


@pytest.mark.parametrize("pair", [p for p in PAIRS if p.name not in UNPROVED], ids=lambda p: p.name)
def test_a_density_is_proved(pair: Pair) -> None:
    found = pipeline.run(SourceText("true.gen", pair.spec(pair.true)), until="check")
    own = [v for v in found.checked.verdicts if v.obligation.id in ("nonnegative", "mass")]
    assert [v.status for v in own] == [PROVED, PROVED]


@pytest.mark.parametrize("pair", [p for p in PAIRS if p.name not in UNREFUTED], ids=lambda p: p.name)
def test_its_smallest_error_is_refuted(pair: Pair) -> None:
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("false.gen", pair.spec(pair.false)), until="check")
    (finding,) = caught.value.diagnostics
    assert finding.code == "G503"
    assert any("counterexample" in note for note in finding.notes), finding


OPEN = [(p, p.true) for p in PAIRS if p.name in UNPROVED] + [(p, p.false) for p in PAIRS if p.name in UNREFUTED]


@pytest.mark.slow
@pytest.mark.parametrize(("pair", "formula"), OPEN, ids=lambda each: getattr(each, "name", ""))
def test_what_is_not_settled_stays_open(pair: Pair, formula: str) -> None:
    found, _ = checked(pair.spec(formula))
    own = [v.status for v in found.verdicts if v.obligation.id in ("nonnegative", "mass")]
    assert own[-1] == UNKNOWN and set(own) <= {PROVED, UNKNOWN}


CDFS = (  # the last of each is wrong
    ("x : Unit | a : Positive, b : Positive", "a * b * x^(a - 1) * (1 - x^a)^(b - 1)", "1 - (1 - x^a)^b", "1 - (1 - x)^b"),
    ("x : Real | m : Real, s : Positive", "exp(-(x - m) / s - exp(-(x - m) / s)) / s", "exp(-exp(-(x - m) / s))", "exp(-exp((x - m) / s))"),
    ("x : Positive | k : Positive", "k * x^(k - 1) * exp(-x^k)", "1 - exp(-x^k)", "exp(-x^k)"),
    ("x : Interval(1, inf) | a : Positive", "a * x^(-a - 1)", "1 - x^(-a)", "2 - x^(-a)"),
)  # fmt: skip


@pytest.mark.parametrize(("signature", "density", "cdf", "wrong"), CDFS)
def test_a_distribution_function_can_be_claimed(signature: str, density: str, cdf: str, wrong: str) -> None:
    spec = Pair("F", signature, density, density, "").spec(density)
    claimed = spec.replace("p(y)", f"claim cdf(F) == {cdf}\n  p(y)")
    found = pipeline.run(SourceText("true.gen", claimed), until="check")
    assert {v.obligation.id for v in found.checked.verdicts if v.status == PROVED} >= {"cdf", "mass"}
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("false.gen", claimed.replace(f"== {cdf}", f"== {wrong}")), until="check")
    assert [d.code for d in caught.value.diagnostics] == ["G503"]


#: One for each way to a proof: closed forms, cuts, series, changes of variables, waves, signs by boxes, enclosures.
REPLAYED = (
    "SkewNormal",
    "StudentT",
    "TruncatedNormal",
    "Banana",
    "Yule",
    "DiscretizedLogistic",
    "JohnsonSUMoved",
    "SkewLaplace",
    "NormalGamma",
    "UniformBetween",
    "Borel",
    "GaussKuzmin",
    "Soliton",
    "WrappedCauchy",
    "TruncatedNormalBetween",
    "SumOfThreeUniforms",
    "ClaytonCopula",
    "Planck",
    "OddSquares",
    "BenktanderTwo",
    "UnitLindley",
    "MedianOfFiveNormals",
    "UniformPlusLogistic",
    "FoldedCauchy",
    "CartwrightOfFour",
    "Freund",
    "GumbelBarnett",
    "AliMikhailHaq",
    "DirichletThenCategory",
    "LeastAndGreatest",
)


@pytest.mark.parametrize("name", REPLAYED)
def test_certificates_of_densities_are_replayed(name: str) -> None:
    pair = next(p for p in PAIRS if p.name == name)
    found = pipeline.run(SourceText("true.gen", pair.spec(pair.true)), until="check")
    text = certificate_text(found.checked, "", "true.gen")
    assert recheck(text, found.derived) == []
    assert recheck(text.replace('"mass"', '"mess"', 1), found.derived) != []


def test_an_enclosure_says_how_good_it_is() -> None:
    spec = Pair("F", "x : Real", "", "", "").spec(f"exp(-x^4 - cosh(x)) / {_constant()}")
    found = pipeline.run(SourceText("true.gen", spec), until="check")
    grades = [v.grade for v in found.checked.verdicts if v.obligation.id == "mass"]
    assert grades and grades[0].startswith("enclosure(")
    assert recheck(certificate_text(found.checked, "", "true.gen"), found.derived) == []


def _constant() -> str:
    """The integral of exp(-x^4 - cosh x) by the trapezoidal rule, which converges exponentially for it."""
    step = 1 / 64
    return repr(step * sum(math.exp(-((k * step) ** 4) - math.cosh(k * step)) for k in range(-400, 401)))


def test_a_distribution_function_that_jumps_back_at_a_pole_is_none() -> None:
    """atan(x) - atan(1 / x) has the derivative 2 / (1 + x^2) and jumps by -pi at 0: it goes from 0 to 1, and the
    density has the mass 2."""
    density = "2 / (pi * (1 + x^2))"
    spec = Pair("F", "x : Real", "", "", "").spec(density)
    claimed = spec.replace("p(y)", "claim cdf(F) == (atan(x) - atan(1 / x)) / pi + 0.5\n  p(y)")
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("false.gen", claimed), until="check")
    assert {d.code for d in caught.value.diagnostics} == {"G503"}


def test_a_condition_that_never_holds_decides_nothing() -> None:
    """sin^2 + cos^2 - 1 is 0, which its range does not say; where it is positive this would be a density."""
    whole = "exp(-abs(x)) / 2"
    formula = f"if (sin(x)^2 + cos(x)^2 - 1)^2 > 0 then {whole} else 2 * {whole}"
    with pytest.raises(CompileError):
        pipeline.run(SourceText("false.gen", Pair("F", "x : Real", "", "", "").spec(formula)), until="check")


DISORDER = "density F(x : Interval(a, b) | a : Real, b : Real) = if a < b then 1 / (b - a) else 1 / (a - b + 1)\n"
DISORDER += "model M {\n  observed y : Real\n  p(y) = Normal(0, 1)\n}\n"


def test_ends_of_a_support_must_be_in_order() -> None:
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("false.gen", DISORDER), until="check")
    (finding,) = caught.value.diagnostics
    assert (finding.code, "wrong order" in finding.message) == ("G503", True)
    assert any("counterexample" in note for note in finding.notes)


@pytest.mark.parametrize(("event", "end", "codes"), [("Real", "Real", []), ("Positive", "Positive", []), ("Positive", "Real", ["G502"]), ("Unit", "Unit", ["G502"]), ("Count", "Positive", ["G502"])])  # fmt: skip
def test_a_support_that_moves_stays_within_that_of_the_variable(event: str, end: str, codes: list[str]) -> None:
    spec = f"""density F(x : Interval(m, inf) | m : {end}) = exp(m - x)
model M {{
  observed x : {event}
  p(x) = F()
}}
"""
    try:
        found = [d.code for d in pipeline.run(SourceText("moving.gen", spec), until="check").diagnostics]
    except CompileError as error:
        found = [d.code for d in error.diagnostics]
    assert found == codes
