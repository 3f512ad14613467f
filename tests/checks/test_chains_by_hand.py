"""Transition operators built by hand, and next to it the smallest change that must not pass."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.checks import Checked
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.diagnostics.model import Reporter
from gencompiler.model import nodes
from gencompiler.model.nodes import REAL, Type
from tests.checks import building
from tests.checks.building import (
    AT,
    apply,
    energy_of,
    langevin,
    normal,
    number,
    run,
)


def statuses(checked: Checked) -> dict[tuple[str, str], str]:
    return {(v.obligation.id, v.subject): v.status for v in checked.verdicts}


def codes(reporter: Reporter) -> list[str]:
    return [d.code for d in reporter.diagnostics]


class TestChains:
    def verdict(self, built: nodes.Model, predicate: str = "stationary") -> tuple[str, list[str], str]:
        checked, reporter, _ = run(built)
        notes = " ".join(n for d in reporter.diagnostics for n in (d.message, *d.notes))
        return statuses(checked)[(predicate, "mala")], codes(reporter), notes

    def boltzmann_ratio(self) -> nodes.Expr:
        """`min(1, exp(U(x) - U(y)))`"""
        change = apply("subtract", energy_of(building.STATE), energy_of(building.PROPOSED))
        return apply("min", number(1), apply("exp", change))

    def test_a_missing_ratio(self) -> None:
        status, found, notes = self.verdict(langevin(probability=self.boltzmann_ratio()))
        assert (status, found) == ("unknown", ["G602"])
        assert "leaves its ratio out" in notes
        assert "detailed balance fails" in notes

    def test_a_missing_ratio_refutes_reversibility(self) -> None:
        built = langevin(probability=self.boltzmann_ratio(), predicate="reversible")
        assert self.verdict(built, "reversible")[:2] == ("refuted", ["G602"])

    def test_a_symmetric_proposal_needs_none(self) -> None:
        built = langevin(mean=building.STATE, probability=self.boltzmann_ratio())
        assert self.verdict(built)[:2] == ("proved", [])

    def test_barker_balances_too(self) -> None:
        change = apply("subtract", energy_of(building.STATE), energy_of(building.PROPOSED))
        built = langevin(mean=building.STATE, probability=apply("sigmoid", change), predicate="reversible")
        assert self.verdict(built, "reversible")[:2] == ("proved", [])
        halved = apply("multiply", number(Fraction(1, 2)), change)
        built = langevin(mean=building.STATE, probability=apply("sigmoid", halved), predicate="reversible")
        assert self.verdict(built, "reversible")[:2] == ("refuted", ["G601"])

    def test_an_inverted_ratio(self) -> None:
        change = apply("subtract", energy_of(building.PROPOSED), energy_of(building.STATE))
        upside_down = apply("min", number(1), apply("exp", change))
        built = langevin(mean=building.STATE, probability=upside_down, predicate="reversible")
        assert self.verdict(built, "reversible")[:2] == ("refuted", ["G601"])

    def test_a_probability_above_1(self) -> None:
        change = apply("subtract", energy_of(building.STATE), energy_of(building.PROPOSED))
        built = langevin(mean=building.STATE, probability=apply("exp", change))
        status, found, _ = self.verdict(built)
        assert status == "unknown"
        assert "G501" in found

    def test_accepting_everything_is_biased(self) -> None:
        step = nodes.Draw("x'", normal(building.drift(), apply("sqrt", number(Fraction(1, 10))), (2,)), span=AT)
        status, found, notes = self.verdict(langevin(steps=(step,)))
        assert (status, found) == ("refuted", ["G601"])
        assert "does not leave `p` invariant" in notes
        assert "one step brings more than the target holds there" in notes
        assert "E|x'|^2 - E|x|^2 = 0.0025 E|grad(U)(x)|^2" in notes

    def test_a_proposal_without_a_density(self) -> None:
        status, found, _ = self.verdict(langevin(scale=number(0)))
        assert (status, found) == ("unknown", ["G501"])

    def test_a_proposal_that_is_not_a_draw(self) -> None:
        assign = nodes.Assign("y", apply("negate", building.STATE), span=AT)
        accept = nodes.Accept(("x'",), (building.PROPOSED,), None, "p", span=AT)
        checked, reporter, _ = run(langevin(steps=(assign, accept)))
        assert "G901" in codes(reporter)
        assert ("stationary", "mala") not in statuses(checked)

    def test_a_target_that_may_be_0(self) -> None:
        """log π is not a real number everywhere: the ratio is not one either."""
        built = langevin()
        relu = apply("relu", nodes.Element(Type(REAL), building.STATE, (number(0),), span=AT))
        energy = dataclasses.replace(built.energies[0], value=relu)
        assert self.verdict(dataclasses.replace(built, energies=(energy,)))[0] == "unknown"

    def mean_of_two(self) -> nodes.Expr:
        """Half of Metropolis's probability and half of Barker's, which balance as well."""
        change = apply("subtract", energy_of(building.STATE), energy_of(building.PROPOSED))
        both = apply("add", self.boltzmann_ratio(), apply("sigmoid", change))
        return apply("multiply", number(Fraction(1, 2)), both)

    def test_an_assumption_is_told(self) -> None:
        fact = nodes.Fact("stationary", ("mala", "p"), span=AT)
        trusted = nodes.Assumption(fact, "the step is small", span=AT)
        built = langevin(mean=building.STATE, probability=self.mean_of_two())
        assert self.verdict(built)[:2] == ("unknown", ["G601"])  # it is reversible, and no rule says so
        checked, reporter, derived = run(dataclasses.replace(built, assumptions=(trusted,)))
        assert codes(reporter) == []
        (verdict,) = [v for v in checked.verdicts if v.obligation.id == "stationary"]
        assert verdict.status == "assumed"
        assert verdict.assumptions == ("the step is small",)
        text = certificate_text(checked, "hash", "spec")
        assert "the step is small" in text
        assert recheck(text, derived, "hash") == []

    def test_an_assumption_does_not_save_what_is_refuted(self) -> None:
        fact = nodes.Fact("reversible", ("mala", "p"), span=AT)
        trusted = nodes.Assumption(fact, "trust me", span=AT)
        built = langevin(probability=self.boltzmann_ratio(), predicate="reversible", assumptions=(trusted,))
        assert self.verdict(built, "reversible")[0] == "refuted"


def test_an_unknown_is_a_warning_when_that_is_allowed() -> None:
    built = langevin(mean=building.STATE, probability=TestChains().mean_of_two())
    checked, reporter, _ = run(built, allow_unknown=True)
    assert codes(reporter) == ["G601"]
    assert not reporter.has_errors
    assert statuses(checked)[("stationary", "mala")] == "unknown"
