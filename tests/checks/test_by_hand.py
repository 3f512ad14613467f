"""Each kind of proof on a model built by hand, and next to it the smallest change that must not pass."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from gencompiler.checks import Checked
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.diagnostics.model import CompilerBug, Reporter
from gencompiler.model import nodes
from gencompiler.model.nodes import BINARY, REAL, Support, Type
from tests.checks import building
from tests.checks.building import (
    AT,
    EARLIER,
    INDEX,
    OWN,
    POSITIVE,
    UNIT,
    A,
    B,
    U,
    X,
    apply,
    autoregressive,
    conditional,
    coupling_body,
    declared,
    flow,
    langevin,
    logits,
    map_,
    network,
    normal,
    number,
    parameter,
    part,
    reference,
    run,
    use,
)


def statuses(checked: Checked) -> dict[tuple[str, str], str]:
    return {(v.obligation.id, v.subject): v.status for v in checked.verdicts}


def codes(reporter: Reporter) -> list[str]:
    return [d.code for d in reporter.diagnostics]


class TestWhatHolds:
    def test_a_flow(self) -> None:
        checked, reporter, derived = run(flow())
        assert codes(reporter) == []
        assert statuses(checked) == {
            ("factorization", "p"): "proved",
            ("admissible", "p(z)"): "proved",
            ("invertible", "C"): "proved",
            ("invertible", "reverse"): "proved",
            ("invertible", "sigmoid"): "proved",
            ("domains", "x"): "proved",
            ("transformed", "x"): "proved",
            ("objective", "maximum_likelihood"): "proved",
        }
        assert recheck(certificate_text(checked, "hash", "spec"), derived, "hash") == []

    def test_an_autoregressive_model(self) -> None:
        checked, reporter, derived = run(autoregressive())
        assert codes(reporter) == []
        assert set(statuses(checked).values()) == {"proved"}
        assert recheck(certificate_text(checked, "hash", "spec"), derived, "hash") == []

    def test_a_metropolis_chain(self) -> None:
        checked, reporter, derived = run(langevin())
        assert codes(reporter) == []
        assert statuses(checked) == {
            ("factorization", "p"): "proved",
            ("admissible", "mala: y"): "proved",
            ("density", "p"): "proved",
            ("integrable", "p"): "assumed",
            ("stationary", "mala"): "proved",
        }
        assert recheck(certificate_text(checked, "hash", "spec"), derived, "hash") == []


class TestFlows:
    """The smallest change to the flow, and the code that must come."""

    def refused(self, built: nodes.Model, code: str, obligation: str, subject: str, status: str) -> Checked:
        checked, reporter, _ = run(built)
        assert code in codes(reporter), codes(reporter)
        assert statuses(checked)[(obligation, subject)] == status
        return checked

    def test_the_conditioner_sees_what_is_transformed(self) -> None:
        body = coupling_body(shift=network("C.mlp", 1, 2, B))
        self.refused(flow(body), "G406", "invertible", "C", "unknown")

    def test_a_scale_that_can_vanish(self) -> None:
        body = coupling_body(scale=network("C.mlp", 0, 2, A))
        checked = self.refused(flow(body), "G402", "invertible", "C", "refuted")
        assert "both map to" in checked.verdicts[2].notes[0]

    def test_a_learned_scale_without_a_sign(self) -> None:
        body = apply("multiply", parameter("C.scale"), reference("u"))
        bare = map_("Scale", body, (), lift=(4,))
        stages = (use("Scale"), use("sigmoid"), nodes.UseSurjection("quantize", span=AT))
        for support, holds in ((REAL, False), (POSITIVE, True), (UNIT, True), (Support("NonNegative"), False)):
            built = flow(stages=stages, maps=(bare,), parameters=(declared("C.scale", support, lift=(4,)),))
            checked, reporter, _ = run(built)
            assert (codes(reporter) == []) == holds, support
            assert (statuses(checked)[("invertible", "Scale")] == "proved") == holds

    def test_dimensions_that_do_not_add_up(self) -> None:
        short = nodes.Join(Type(REAL, (3,)), (part(U, 0, 1), B), span=AT)
        self.refused(flow(short), "G408", "invertible", "C", "unknown")

    def test_no_reversal(self) -> None:
        stages = (nodes.Repeat(4, (use("C"),), span=AT), use("sigmoid"), nodes.UseSurjection("quantize", span=AT))
        self.refused(flow(stages=stages), "G404", "transformed", "x", "refuted")

    def test_an_even_number_of_couplings_is_not_needed(self) -> None:
        stages = (use("C"), use("reverse"), use("C"), use("sigmoid"), nodes.UseSurjection("quantize", span=AT))
        _, reporter, _ = run(flow(stages=stages))
        assert codes(reporter) == []

    def test_only_shifted(self) -> None:
        body = nodes.Join(Type(REAL, (4,)), (A, apply("add", B, network("C.mlp", 0, 2, A))), span=AT)
        checked, reporter, _ = run(flow(body))
        assert codes(reporter) == ["G405"]
        assert set(statuses(checked).values()) == {"proved"}

    def test_quantization_of_what_is_not_in_the_unit_interval(self) -> None:
        loop = nodes.Repeat(4, (use("C"), use("reverse")), span=AT)
        stages = (loop, nodes.UseSurjection("quantize", span=AT))
        self.refused(flow(stages=stages), "G403", "domains", "x", "refuted")

    def test_a_target_with_other_levels(self) -> None:
        target = Support("Integer", (Fraction(0), Fraction(16)))
        self.refused(flow(target=target), "G403", "domains", "x", "refuted")

    def test_a_range_that_is_not_onto(self) -> None:
        narrow = map_("narrow", apply("tanh", reference("u")), (), REAL, (4,))
        stages = (use("narrow"), use("sigmoid"), nodes.UseSurjection("quantize", span=AT))
        checked = self.refused(flow(stages=stages, maps=(narrow,)), "G403", "invertible", "narrow", "refuted")
        assert "(-1, 1)" in checked.verdicts[-1].notes[0] + str([v.notes for v in checked.verdicts])

    def test_a_map_that_is_not_strictly_monotone(self) -> None:
        flat = map_("flat", apply("relu", reference("u")), (), Support("NonNegative"), (4,))
        stages = (use("flat"),)
        built = flow(stages=stages, maps=(flat,), target=Support("NonNegative"))
        self.refused(built, "G401", "invertible", "flat", "refuted")

    def test_pieces_that_do_not_meet(self) -> None:
        u = reference("u")
        below = nodes.Apply(Type(nodes.BOOLEAN), "less", (u, number(0)), span=AT)
        jump = nodes.Choose(Type(REAL), below, u, apply("add", u, number(1)), span=AT)
        stages = (use("jump"),)
        built = flow(stages=stages, maps=(map_("jump", jump, (), REAL, (4,)),), target=REAL)
        self.refused(built, "G403", "invertible", "jump", "refuted")

    def test_what_rests_on_an_unproven_map_is_not_proved(self) -> None:
        checked, _, _ = run(flow(coupling_body(scale=network("C.mlp", 0, 2, A))))
        left = {k: s for k, s in statuses(checked).items() if k[0] in ("domains", "objective")}
        assert left == {("domains", "x"): "unknown", ("objective", "maximum_likelihood"): "unknown"}
        assert checked.capabilities.log_prob.kind == "none"


class TestWhatWasDerivedIsNotBelieved:
    """An error planted in the derivation is the compiler's bug, and stops it."""

    def test_a_wrong_inverse(self) -> None:
        _, _, derived = run(flow())
        inverse = derived.inverses["sigmoid"]
        wrong = dataclasses.replace(inverse, body=apply("negate", inverse.body))
        self.plant(derived, inverses={**derived.inverses, "sigmoid": wrong})

    def test_a_wrong_sign_of_the_log_determinant(self) -> None:
        _, _, derived = run(flow())
        own = derived.log_dets["C"]
        wrong = dataclasses.replace(own, body=apply("negate", own.body))
        self.plant(derived, log_dets={**derived.log_dets, "C": wrong})

    def test_the_inverse_of_another_map(self) -> None:
        _, _, derived = run(flow())
        wrong = dataclasses.replace(derived.inverses["C"], map="reverse")
        self.plant(derived, inverses={**derived.inverses, "reverse": wrong})

    def plant(self, derived: object, **changes: object) -> None:
        from gencompiler.checks import check
        from gencompiler.derive.nodes import Derived

        assert isinstance(derived, Derived)
        damaged = dataclasses.replace(derived, **changes)  # type: ignore[arg-type]
        with pytest.raises(CompilerBug, match="not what was proved"):
            check(damaged, Reporter())

    def test_a_wrong_ratio_is_not_proved(self) -> None:
        from gencompiler.checks import check

        _, _, derived = run(langevin())
        own = derived.acceptances["mala"]
        for ratio in (apply("negate", own.log_ratio), apply("add", own.log_ratio, number(1)), number(0)):
            wrong = dataclasses.replace(own, log_ratio=ratio)
            damaged = dataclasses.replace(derived, acceptances={"mala": wrong})
            reporter = Reporter()
            checked = check(damaged, reporter)
            assert codes(reporter) == ["G601"]
            assert statuses(checked)[("stationary", "mala")] in ("unknown", "refuted")


class TestFactorizations:
    def refused(self, built: nodes.Model, code: str, status: str = "refuted") -> None:
        checked, reporter, _ = run(built)
        assert codes(reporter)[0] == code, codes(reporter)
        assert statuses(checked)[("factorization", "p")] == status
        assert checked.capabilities.log_prob.kind == "none"

    def test_an_element_that_needs_itself(self) -> None:
        self.refused(autoregressive(conditional(OWN, (EARLIER,), logits(X), (INDEX,))), "G305")

    def test_a_view_that_holds_the_present(self) -> None:
        inclusive = nodes.Before(Type(REAL), building.I, inclusive=True, span=AT)
        present = nodes.Element(Type(BINARY, (3,)), X, (inclusive,), span=AT)
        self.refused(autoregressive(conditional(OWN, (present,), logits(present), (INDEX,))), "G305")

    def test_a_body_that_mentions_more_than_its_head_lists(self) -> None:
        self.refused(autoregressive(conditional(OWN, (), logits(EARLIER), (INDEX,))), "G105")

    def test_an_element_that_is_never_produced(self) -> None:
        short = nodes.Range("i", 0, 2, span=AT)
        self.refused(autoregressive(conditional(OWN, (EARLIER,), logits(EARLIER), (short,))), "G303")

    def test_an_element_that_is_produced_twice(self) -> None:
        once = conditional(OWN, (EARLIER,), logits(EARLIER), (INDEX,))
        self.refused(autoregressive(once, once), "G302")

    def test_two_halves_are_one_whole(self) -> None:
        first = nodes.Range("i", 0, 1, span=AT)
        rest = nodes.Range("i", 1, 3, span=AT)
        parts = [conditional(OWN, (EARLIER,), logits(EARLIER), (r,)) for r in (first, rest)]
        checked, _, _ = run(autoregressive(*parts))
        # the second half needs the first, and each needs its own: element by element this is a factorization
        assert statuses(checked)[("factorization", "p")] in ("proved", "unknown")
        overlapping = nodes.Range("i", 0, 3, span=AT)
        self.refused(autoregressive(parts[0], conditional(OWN, (EARLIER,), logits(EARLIER), (overlapping,))), "G302")

    def test_a_cycle(self) -> None:
        shape = (2,)
        x, z = reference("x", shape), reference("z", shape)
        both = building.model(
            variables=(
                building.variable("x", "observed", REAL, shape),
                building.variable("z", "latent", REAL, shape),
            ),
            conditionals=(
                conditional(x, (z,), normal(z, number(1), shape)),
                conditional(z, (x,), normal(x, number(1), shape)),
            ),
        )
        self.refused(both, "G301")
        one_way = dataclasses.replace(
            both, conditionals=(both.conditionals[0], conditional(z, (), normal(number(0), number(1), shape)))
        )
        checked, reporter, _ = run(one_way)
        assert codes(reporter) == []
        assert statuses(checked)[("factorization", "p")] == "proved"


class TestDistributions:
    def of(
        self, distribution: nodes.Distribution, support: Support, *parameters: nodes.Parameter
    ) -> tuple[Checked, Reporter]:
        target = reference("x", (2,), support)
        built = building.model(
            variables=(building.variable("x", "observed", support, (2,)),),
            parameters=parameters,
            conditionals=(conditional(target, (), distribution),),
        )
        checked, reporter, _ = run(built)
        return checked, reporter

    @pytest.mark.parametrize(
        ("support", "holds"), [(POSITIVE, True), (UNIT, True), (REAL, False), (Support("NonNegative"), False)]
    )
    def test_a_scale(self, support: Support, holds: bool) -> None:
        checked, reporter = self.of(normal(number(0), parameter("s"), (2,)), REAL, declared("s", support))
        assert (codes(reporter) == []) == holds
        assert statuses(checked)[("admissible", "p(x)")] == ("proved" if holds else "refuted")
        if not holds:
            assert codes(reporter) == ["G501"]

    @pytest.mark.parametrize(("value", "holds"), [(Fraction(1, 2), True), (1, False), (0, False), (2, False)])
    def test_a_probability(self, value: int | Fraction, holds: bool) -> None:
        bernoulli = nodes.Distribution(Type(BINARY, (2,)), "Bernoulli", "probability", (number(value),), span=AT)
        _, reporter = self.of(bernoulli, BINARY)
        assert (codes(reporter) == []) == holds

    @pytest.mark.parametrize("support", [POSITIVE, UNIT, BINARY, Support("Integer", (Fraction(0), Fraction(5)))])
    def test_events_of_another_support(self, support: Support) -> None:
        checked, reporter = self.of(normal(number(0), number(1), (2,)), support)
        assert codes(reporter) == ["G502"]
        assert statuses(checked)[("admissible", "p(x)")] == "refuted"

    @pytest.mark.parametrize(
        ("ends", "support", "code"),
        [
            ((0, 1), UNIT, None),  # up to its ends, which have no mass
            ((0, 1), Support("Interval", (Fraction(0), Fraction(1))), None),
            ((0, 2), UNIT, "G502"),
            ((1, 0), UNIT, "G501"),
            ((1, 1), UNIT, "G501"),
        ],
    )
    def test_a_uniform(self, ends: tuple[int, int], support: Support, code: str | None) -> None:
        uniform = nodes.Distribution(Type(support, (2,)), "Uniform", "", tuple(map(number, ends)), span=AT)
        _, reporter = self.of(uniform, support)
        assert codes(reporter) == ([code] if code else [])


def test_a_refutation_stays_an_error_when_unknowns_are_allowed() -> None:
    _, reporter, _ = run(flow(coupling_body(scale=network("C.mlp", 0, 2, A))), allow_unknown=True)
    assert reporter.has_errors
