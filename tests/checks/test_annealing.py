"""Where annealing paths start and end, and what undoes a transition: true statements are proved, planted errors are not.

A wrong start, end, or reversal changes log Z without a sign that anything is wrong, so each gets the smallest error."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.checks import Checked, check
from gencompiler.checks.certificate import certificate_data, recheck
from gencompiler.derive import reversal
from gencompiler.diagnostics.model import CompilerBug, Reporter
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.nodes import Support
from gencompiler.proof.annealing_rules import Adjoint
from gencompiler.proof.chain_rules import Repeated, Sequence
from gencompiler.proof.graph import apply, literal, substitute, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.structure import Admissible

REAL = "observed x : Real[2]  p(x) ∝ exp(-sum(x^4))  "
BITS = "observed x : Binary[3]  latent h : Binary[2]  param W : Real[3, 2]  p(x, h) ∝ exp(x @ W @ h)  "
LATENT = "observed x : Real[2]  latent z : Real[2]  p(z) = Normal(1, 2)  p(x | z) = Normal(tanh(z), 0.5)  "
WALK = (
    "transition walk(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 0.5)  x' = metropolis(y, target = path) }"
    "  evaluate ais(path, walk)"
)
SWEEP = (
    "transition sweep(x', h' | x, h, t : Interval(0, 1)) { h' ~ path(h | x, t)  x' ~ path(x | h', t) }"
    "  evaluate ais(path, sweep)"
)
POSTERIOR = (
    "transition walk(z' | z, x, t : Interval(0, 1)) { y ~ Normal(z, 0.5)  z' = metropolis(y, target = path) }"
    "  evaluate ais(path, walk)"
)


def real(path: str) -> str:
    return f"{REAL}density path(x | t : Interval(0, 1)) ∝ {path}  {WALK}"


def latent(path: str) -> str:
    return f"{LATENT}density path(z | x, t : Interval(0, 1)) ∝ {path}  {POSTERIOR}"


TRUE = {
    "geometric": real("Normal(x | 1, 2)^(1 - t) * p(x)^t"),
    "written_out": real("exp(-t * sum(x^4)) * Normal(x | 0, 1)^(1 - t)"),
    "an_energy_at_0": real("exp(-t * sum(x^4) - (1 - t) * sum((x - 1)^2) / 8)"),
    "a_constant_factor": real("p(x)^t * (3 * Normal(x | 0, 1))^(1 - t)"),
    "laplace": real("p(x)^t * Laplace(x | 0, 1)^(1 - t)"),
    "uniform_bits": f"{BITS}density path(x, h | t : Interval(0, 1)) ∝ p(x, h)^t  {SWEEP}",
    "likelihood": latent("p(z) * p(x | z)^t"),
    "joint": latent("p(x, z)^t * Normal(z | 0, 1)^(1 - t)"),
}
FALSE = {
    "start_of_no_law": (real("p(x)^t * exp(-(1 - t) * sum(x^6))"), "G624"),
    "start_of_infinite_mass": (real("p(x)^t"), "G624"),
    "ends_twice_as_cold": (real("p(x)^(2 * t) * Normal(x | 0, 1)^(1 - t)"), "G625"),
    "ends_at_twice_the_mass": (real("(2 * p(x))^t * Normal(x | 0, 1)^(1 - t)"), "G625"),
    "base_is_still_there_at_the_end": (real("p(x)^t * Normal(x | 0, 1)"), "G625"),
    "stops_short": (real("p(x)^(t / 2) * Normal(x | 0, 1)^(1 - t / 2)"), "G625"),
    "prior_left_out_at_the_end": (latent("p(z)^(1 - t) * p(x | z)^t"), "G625"),
    "likelihood_without_its_constant": (latent("p(z) * exp(-t * 2 * sum((x - tanh(z))^2))"), "G625"),
}


def checked(body: str) -> tuple[Checked, set[str]]:
    done = pipeline.run(SourceText("m.gen", f"model M {{\n{body}\n}}\n"), until="derive")
    reporter = Reporter()
    return check(done.derived, reporter), {d.code for d in reporter.diagnostics}


@pytest.mark.parametrize("name", TRUE)
def test_a_right_path_is_proved_and_replayed(name: str) -> None:
    found, codes = checked(TRUE[name])
    ids = [v.obligation.id for v in found.verdicts if v.obligation.id.startswith("path")]
    assert ids == ["path start", "path end", "path kept", "path reversed"]
    assert all(v.status == "proved" for v in found.verdicts if v.obligation.id.startswith("path"))
    assert not codes
    assert recheck(certificate_data(found), found.derived) == []


@pytest.mark.parametrize("name", FALSE)
def test_a_wrong_path_is_not_proved(name: str) -> None:
    body, code = FALSE[name]
    found, codes = checked(body)
    assert codes == {code}
    wanted = {"G624": "path start", "G625": "path end"}[code]
    assert all(v.status != "proved" for v in found.verdicts if v.obligation.id == wanted)


# -- paths that no spec declares -------------------------------------------------------------------------------------

MOVE = "transition walk(x' | x) { y ~ Normal(x, 0.5)  x' = metropolis(y) }  "
BY_DEFAULT = {
    "from_a_normal_law": f"{REAL}{MOVE}evaluate ais(walk)",
    "from_a_law_that_is_named": f"{REAL}{MOVE}evaluate smc(walk, start = Normal(1, 3))",
    "by_what_samples": f"{REAL}{MOVE}sample chain(walk)  evaluate ais",
    "by_conditionals": f"{BITS}transition sweep(x', h' | x, h) {{ h' ~ p(h | x)  x' ~ p(x | h') }}  evaluate ais(sweep)",
    "from_the_prior": (
        f"{LATENT}transition walk(z' | z, x) {{ y ~ Normal(z, 0.5)  z' = metropolis(y) }}  evaluate bdmc(walk)"
    ),
    "at_a_condition": (
        f"{REAL}transition walk(x' | x, s : Positive) {{ y ~ Normal(x, s)  x' = metropolis(y) }}  evaluate ais(walk, s = 1)"
    ),
    "by_two_in_turn": f"{REAL}{MOVE}transition twice = walk |> walk^2  evaluate ais(twice)",
    "where_names_are_taken": (
        "observed x, t : Real[2]  p(x, t) ∝ exp(-sum(x^4) - sum(t^4))  def geometric(u : Real) -> Real = u"
        "  transition walk(x', t' | x, t) { y ~ Normal(x, 1)  s ~ Normal(t, 1)  x', t' = metropolis(y, s) }"
        "  evaluate ais(walk)"
    ),
    "of_finite_values": (
        "observed x : Category(3)  param a : Real[3]  p(x) ∝ exp(a[x])"
        "  transition move(x' | x) { y ~ Uniform()  x' = metropolis(y) }  evaluate ais(move)"
    ),
}
NOT_BY_DEFAULT = {
    "keeps_nothing": (f"{REAL}transition drift(x' | x) {{ x' ~ Normal(x, 0.5) }}  evaluate ais(drift)", "G601"),
    "own_acceptance_is_of_p": (
        f"{REAL}transition walk(x' | x) {{ y ~ Normal(x, 0.5)"
        "  x' = accept(y, min(1, exp(sum(x^4) - sum(y^4)))) }  evaluate ais(walk)",
        "G601",
    ),
    "keeps_another_density": (
        f"{REAL}density other(x) ∝ exp(-sum(x^6))"
        "  transition walk(x' | x) { y ~ Normal(x, 1)  x' = metropolis(y, target = other) }  evaluate ais(walk)",
        "G601",
    ),
    "draws_of_an_energy_have_no_upper_bound": (f"{REAL}{MOVE}evaluate bdmc(walk)", "G626"),
}


@pytest.mark.parametrize("name", BY_DEFAULT)
def test_a_path_by_default_is_proved_as_one_that_is_written_out(name: str) -> None:
    found, codes = checked(BY_DEFAULT[name])
    ids = [v.obligation.id for v in found.verdicts if v.obligation.id.startswith("path")]
    assert ids == ["path start", "path end", "path kept", "path reversed"]
    assert all(v.status == "proved" for v in found.verdicts if v.obligation.id.startswith("path"))
    assert not codes
    assert recheck(certificate_data(found), found.derived) == []


@pytest.mark.parametrize("name", NOT_BY_DEFAULT)
def test_what_does_not_keep_p_is_followed_along_no_path(name: str) -> None:
    body, code = NOT_BY_DEFAULT[name]
    found, codes = checked(body)
    assert codes == {code}
    kept = [v for v in found.verdicts if v.obligation.id == "path kept"]
    assert [v.status for v in kept] == (["proved"] if code == "G626" else ["unknown"])


# -- the rules themselves --------------------------------------------------------------------------------------------


def proof_of(name: str, kind: str) -> Proof:
    found, _ = checked(TRUE[name])
    return next(v.proof for v in found.verdicts if v.obligation.id == kind and v.proof is not None)


def test_a_law_with_another_parameter_is_no_start() -> None:
    proof = proof_of("geometric", "path start")
    log_path, time, state, laws = proof.subject
    (law,) = laws
    finite = proof.premises[-1]
    for arguments in ((law.arguments[0], literal(3)), (literal(0), law.arguments[1]), (state[0], law.arguments[1])):
        other = Admissible(law.family, law.form, arguments, law.event, law.shape)
        premise = Proof("assumption", (other, "for this test"), (), other)
        with pytest.raises(Unproved):
            prove("known_start", (log_path, time, state, (other,)), premise, finite)
    with pytest.raises(Unproved, match="admissible"):
        prove("known_start", (log_path, time, state, laws), finite, finite)
    with pytest.raises(Unproved, match="one law for each"):
        prove("known_start", (log_path, time, (), ()), finite)


def test_a_time_on_another_interval_is_none() -> None:
    proof = proof_of("geometric", "path end")
    log_path, time, target = proof.subject
    longer = symbol("condition", "t", Support("Interval", (literal(0).data, literal(2).data)))
    moved = substitute(log_path, {time: longer})
    with pytest.raises(Unproved, match="time"):
        prove("path_ends", (moved, longer, target), *proof.premises)
    with pytest.raises(Unproved):
        prove("path_ends", (log_path, time, moved), *proof.premises)


def test_a_sweep_is_undone_in_the_opposite_order_only() -> None:
    proof = proof_of("uniform_bits", "path reversed")
    found = proof.conclusion
    assert isinstance(found, Adjoint)
    assert isinstance(found.forward, Sequence) and isinstance(found.backward, Sequence)
    assert found.backward.parts == tuple(reversed(found.forward.parts)) != found.forward.parts
    with pytest.raises(Unproved, match="not reversible"):
        prove("own_adjoint", (), proof)
    with pytest.raises(Unproved, match="different measures"):
        other = proof_of("geometric", "path reversed")
        prove("adjoint_sequence", proof.subject, *proof.premises, other)


SITES = (
    "observed x : Binary[3]  param W : Real[3, 3]  p(x) ∝ exp(sum(for i, j in 0..i: W[i, j] * x[i] * x[j]))"
    "  density path(x | t : Interval(0, 1)) ∝ p(x)^t"
    "  transition site(x' | x, i : Integer(0..3), t : Interval(0, 1)) { x'[i] ~ path(x[i] | x[!=i], t) }"
)


def test_a_sweep_is_undone_by_the_same_sweep_from_its_end() -> None:
    body = "  transition sweep(x' | x, t : Interval(0, 1)) = repeat(i in 3) { site(i = i, t = t) }  evaluate ais(path, sweep)"
    found, codes = checked(SITES + body)
    assert not codes
    proof = next(v.proof for v in found.verdicts if v.obligation.id == "path reversed")
    assert proof is not None and proof.rule == "adjoint_repeated"
    own = proof.conclusion
    assert isinstance(own, Adjoint) and isinstance(own.forward, Repeated) and isinstance(own.backward, Repeated)
    (index, count) = proof.subject
    places = [move.part.proposals[0].place for move in (own.forward, own.backward)]  # type: ignore[union-attr]
    assert places == [(index,), (apply("subtract", literal(2), index),)]
    with pytest.raises(Unproved, match="leaves its range"):
        prove("adjoint_repeated", (index, count + 1), *proof.premises)
    nested = prove("adjoint_repeated", (None, 2), proof)
    with pytest.raises(Unproved, match="one and the same index"):
        prove("adjoint_repeated", (index, count), nested)
    assert recheck(certificate_data(found)) == []


def test_a_sweep_in_the_same_order_is_not_taken_for_its_reversal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that counts down at half of its places only."""
    honest = reversal._from_the_end
    wrong = lambda step, index, count: honest(step, index, count - 1)  # noqa: E731
    body = "  transition sweep(x' | x, t : Interval(0, 1)) = repeat(i in 3) { site(i = i, t = t) }  evaluate ais(path, sweep)"
    monkeypatch.setattr(reversal, "_from_the_end", wrong)
    with pytest.raises(CompilerBug, match="what was derived is not what was proved"):
        checked(SITES + body)


def test_a_transition_that_the_reversal_is_not_derived_of_has_no_upper_bound() -> None:
    steps = "  ".join(f"x'[{k}] ~ path(x[{k}] | x[!={k}], t)" for k in (0, 1))
    body = f"{SITES}  transition both(x' | x, t : Interval(0, 1)) {{ {steps} }}"
    found, codes = checked(f"{body}  evaluate ais(path, both)")
    assert not codes
    assert [v.obligation.id for v in found.verdicts if v.obligation.id.startswith("path")][-1] == "path kept"
    _, codes = checked(f"{body}  evaluate bdmc(path, both)")
    assert codes == {"G626"}
