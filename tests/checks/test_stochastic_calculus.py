"""SDEs through the whole checker: verdicts, certificates, and each wrong equation refused for its own reason."""

from __future__ import annotations

import json

import pytest

from gencompiler.checks.certificate import certificate_text, digest, recheck
from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.hash import model_hash
from gencompiler.pipeline import Compilation, run

HEAD = """
model M(D = 2) {
  observed x : Real[D]
  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t
  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW }
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, t, hidden = [8])
"""
PRIOR = "p(x(1)) = Normal(0, 1)"
RANGE = "(x | t : Interval(0, 1))"


def compiled(body: str, head: str = HEAD) -> Compilation:
    return run(SourceText("m.gen", f"{head}{body}\n}}\n"), until="check")


def found(body: str, head: str = HEAD) -> list[Diagnostic]:
    try:
        return list(compiled(body, head).diagnostics)
    except CompileError as error:
        return list(error.diagnostics)


def codes(body: str, head: str = HEAD) -> list[str]:
    return [d.code for d in found(body, head)]


def statuses(compilation: Compilation) -> dict[str, str]:
    return {f"{v.obligation.id} {v.subject}": v.status for v in compilation.checked.verdicts}


def test_the_verdicts_of_an_sde() -> None:
    assert statuses(compiled(PRIOR)) == {
        "result beta": "proved",
        "sde_noise vp.dW": "proved",
        "moments vp": "proved",
        "kernel_density vp": "proved",
        "terminal_law vp -> p": "proved",
    }


def test_the_terminal_law_states_its_bound() -> None:
    verdict = compiled(PRIOR).checked.verdicts[-1]
    assert verdict.words == "KL(law of x(1) || p(x(1))) <= 4.7e-10 + 2.2e-05 E x_i^2 per dimension"


@pytest.mark.parametrize("prior", ["Normal(0, 2)", "Normal(0, 0.9)", "Normal(1, 1)"])
def test_a_prior_that_the_sde_does_not_reach(prior: str) -> None:
    assert codes(f"p(x(1)) = {prior}") == ["G607"]
    assert codes("p(x(0.5)) = Normal(0, 1)") == ["G607"], "half the time is not enough"


# -- time reversal ---------------------------------------------------------------------------------------------------

RIGHT = "-0.5 * beta(t) * x - beta(t) * score(x, t)"


def reverse(drift: str, noise: str = "sqrt(beta(t))") -> str:
    return f"{PRIOR}\nsde back{RANGE} {{ dx = ({drift}) * dt + {noise} * dW }}\nclaim reverse(back, vp)"


def test_the_right_reverse_is_proved() -> None:
    assert statuses(compiled(reverse(RIGHT)))["reverse back vp"] == "proved"


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        ("-0.5 * beta(t) * x - score(x, t)", "not multiplied by g^2"),
        ("-0.5 * beta(t) * x - 0.5 * beta(t) * score(x, t)", "the ½ is of the probability flow"),
        ("-0.5 * beta(t) * x", "does not mention the score"),
        ("-0.5 * beta(t) * x + beta(t) * score(x, t)", "the wrong sign"),
        ("-beta(t) * score(x, t)", "Fokker-Planck residual is not 0"),
    ],
)
def test_wrong_reverse_drifts_are_refuted_with_a_counterexample(drift: str, said: str) -> None:
    (only,) = found(reverse(drift))
    assert only.code == "G606"
    assert any(said in note for note in only.notes)
    assert any("for data from Normal(1, 0.5) the Fokker-Planck residual is not 0 at" in note for note in only.notes)


def test_another_noise_is_refuted() -> None:
    assert codes(reverse(RIGHT, "sqrt(2 * beta(t))")) == ["G606"]


def flow(drift: str) -> str:
    return f"{PRIOR}\nsde flow{RANGE} {{ dx = ({drift}) * dt }}\nclaim marginals(flow) == marginals(vp)"


def test_the_probability_flow() -> None:
    right = "-0.5 * beta(t) * x - 0.5 * beta(t) * score(x, t)"
    assert statuses(compiled(flow(right)))["marginals flow vp"] == "proved"
    (only,) = found(flow("-0.5 * beta(t) * x - beta(t) * score(x, t)"))
    assert only.code == "G606" and any("the ½ is missing" in note for note in only.notes)
    assert codes(flow("-0.5 * beta(t) * x")) == ["G606"]


# -- closed forms ----------------------------------------------------------------------------------------------------

OU = """
model OU(theta = 1, sigma = 1) {
  observed x : Real
  sde ou(x | t : Positive) { dx = -theta * x * dt + sigma * dW }
"""


@pytest.mark.parametrize(
    ("kernel", "right"),
    [
        ("Normal(exp(-theta * t) * x, sigma * sqrt((1 - exp(-2 * theta * t)) / (2 * theta)))", True),
        ("Normal(exp(-theta * t) * x, sigma * sqrt((1 - exp(-theta * t)) / (2 * theta)))", False),
        ("Normal(exp(-2 * theta * t) * x, sigma * sqrt((1 - exp(-2 * theta * t)) / (2 * theta)))", False),
        ("Normal(exp(-theta * t) * x + t, sigma * sqrt((1 - exp(-2 * theta * t)) / (2 * theta)))", False),
    ],
)
def test_a_claimed_kernel(kernel: str, right: bool) -> None:
    body = f"p(x) = Normal(0, 1)\nclaim ou(x' | x, t) == {kernel}"
    assert codes(body, OU) == ([] if right else ["G606"])


@pytest.mark.parametrize(
    ("scale", "right"), [("sigma / sqrt(2 * theta)", True), ("sigma / sqrt(theta)", False), ("1", False)]
)
def test_a_stationary_normal(scale: str, right: bool) -> None:
    assert codes(f"p(x) = Normal(0, {scale})\nclaim stationary(ou, p)", OU) == ([] if right else ["G601"])


WELL = """
model W {
  observed x : Real[2]
  def U(x : Real[2]) -> Real = x[0]^4 / 4 - x[0]^2 / 2 + (x[1] - x[0]^2)^2
  p(x) ∝ exp(-U(x))
"""


@pytest.mark.parametrize(
    ("drift", "noise", "right"),
    [
        ("-grad(U)(x)", "sqrt(2)", True),
        ("-0.5 * grad(U)(x)", "1", True),
        ("-grad(U)(x)", "1", False),
        ("grad(U)(x)", "sqrt(2)", False),
    ],
)
def test_langevin_dynamics_keep_their_energy(drift: str, noise: str, right: bool) -> None:
    """Towards the target of the claim: the drift is half the noise squared times its score."""
    body = f"sde relax(x | t : Interval(0, 10)) {{ dx = {drift} * dt + {noise} * dW }}\nclaim stationary(relax, p)"
    assert codes(body, WELL) == ([] if right else ["G601"])


def test_stratonovich_is_not_ito() -> None:
    """x o dW has the Itô drift x / 2, so that it keeps another density than x * dW."""
    head = "\nmodel S {\n  observed x : Real\n  p(x) = Normal(0, 1)\n"
    body = "sde s(x | t : Interval(0, 1)) { dx = -x * dt + 0.5 * x ∘ dW }"
    verdict = next(v for v in compiled(body, head).checked.verdicts if v.obligation.id == "ito_form")
    assert verdict.status == "proved"
    derived = compiled(body, head).derived.sdes["s"]
    assert not derived.stratonovich
    plain = compiled(body.replace("∘", "*"), head).derived.sdes["s"]
    assert derived.drift != plain.drift


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f"{PRIOR}\nsde a{RANGE} {{ dx = -x * dt + sqrt(t - 0.5) * dW }}", "G605"),
        (f"{PRIOR}\nsde a{RANGE} {{ dx = -x + dW }}", "G605"),
        (f"{PRIOR}\nsde a{RANGE} {{ dy = -x * dt + dW }}", "G605"),
        (f"{PRIOR}\nsde a{RANGE} {{ dx = dt * dW }}", "G605"),
        (f"{PRIOR}\nsde a{RANGE} {{ dx = x * dW + x ∘ dW2 }}", "G605"),
        (f"{PRIOR}\nsde a{RANGE} {{ dx = dt dx = dW }}", "G605"),
        (f"{PRIOR}\nsde a(x | t) {{ dx = dW }}", "G605"),
        (f"{PRIOR}\nsde a(x | t : Binary) {{ dx = dW }}", "G605"),
        (f"{PRIOR}\nsde a(x) {{ dx = dW }}", "G605"),
        (f"{PRIOR}\nclaim reverse(vp, nothing)", "G104"),
        (f"{PRIOR}\nclaim reverse(vp)", "G104"),
        (f"{PRIOR}\nsample reverse_sde(score)", "G104"),
        (f"{PRIOR}\nsample reverse_sde(beta, vp)", "G104"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, steps = 0)", "G206"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, steps = 1.5)", "G206"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, step = 5)", "G107"),
        (f"{PRIOR}\nsample probability_flow(score, vp, solver = milstein)", "G107"),
        (f"{PRIOR}\nsample probability_flow(score, vp, solver = heun(tolerance = 0.1))", "G107"),
        (f"{PRIOR}\nsample probability_flow(score, vp, solver = dopri5(rho = 7))", "G107"),
        (f"{PRIOR}\nevaluate probability_flow(score, vp, solver = dpm2)", "G107"),
        (f"{PRIOR}\nevaluate probability_flow(score, vp, solver = heun(churn = 3))", "G107"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, solver = heun)", "G107"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, corrector = langevin(0.16))", "G107"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, corrector = langevin(steps = 1.5))", "G206"),
        (f"{PRIOR}\nsample probability_flow(score, vp, steps = 1, solver = heun(rho = 7))", "G206"),
        (f"{PRIOR}\nevaluate fokker_planck(vp)", "G104"),
        (f"{PRIOR}\nevaluate fokker_planck(score, start = Normal(0, 1))", "G104"),
        (f"{PRIOR}\nevaluate fokker_planck(vp, start = Normal(0, 0))", "G206"),
        (f"{PRIOR}\nevaluate fokker_planck(vp, start = Normal(0, 1), grid = 2)", "G206"),
        (f"{PRIOR}\nevaluate fokker_planck(vp, start = Normal(0, 1), cells = 20)", "G107"),
        (f"{PRIOR}\nevaluate fokker_planck(vp, start = Uniform(0, 1))", "G901"),
        (f"{PRIOR}\nsample fokker_planck(vp, start = Normal(0, 1))", "G703"),
        (f"{PRIOR}\nevaluate reverse_sde(score, vp)", "G703"),
        (f"{PRIOR}\nsample reverse_sde(score, vp, cutoff = 1)", "G703"),
    ],
)
def test_malformed_equations_and_requests(body: str, code: str) -> None:
    reported = codes(body)
    assert code in reported


def test_sampling_needs_a_stated_end() -> None:
    assert "G703" in codes("p(x(0.9)) = Normal(0, 1)\nsample reverse_sde(score, vp)")


MATCHING = """
  objective matching {{
    update score minimize E[x ~ data, t ~ Uniform({time}), x' ~ {sde}(x' | x, t)]
      norm(score(x', t) - grad(log {sde})(x' | x, t))^2
  }}
  train matching
  sample reverse_sde(score, vp)
"""


def test_the_score_target_is_infinite_at_the_start() -> None:
    assert codes(PRIOR + MATCHING.format(time="time(vp)", sde="vp")) == []
    assert codes(PRIOR + MATCHING.format(time="0.01, 1", sde="vp")) == []
    assert codes(PRIOR + MATCHING.format(time="0, 1", sde="vp")) == ["G608"]


def test_an_objective_needs_a_kernel() -> None:
    cubic = f"{PRIOR}\nsde cubic{RANGE} {{ dx = -x^3 * dt + dW }}"
    reported = found(cubic + MATCHING.format(time="time(cubic)", sde="cubic"))
    assert {d.code for d in reported} == {"G701", "G607"}
    assert any("not linear in the state" in d.message for d in reported)


@pytest.mark.parametrize(
    ("objective", "rate", "right"),
    [("noise", 30, True), ("noise", 40, False), ("velocity", 40, True), ("data", 40, True)],
)
def test_no_signal_is_left(objective: str, rate: int, right: bool) -> None:
    """The signal at the end is exp(-rate / 2): 3e-7 of the noise for 30, and 2e-9, lost in float32, for 40, where the
    velocity and the data can still be predicted."""
    body = f"""
  sde fast{RANGE} {{ dx = -{rate} / 2 * x * dt + sqrt({rate}) * dW }}
  def eps(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, t, hidden = [8])
  {PRIOR}
  train {objective}_prediction(eps, fast)
"""
    assert codes(body) == ([] if right else ["G608"])


# -- certificates ----------------------------------------------------------------------------------------------------


def test_a_certificate_replays() -> None:
    found_ = compiled(reverse(RIGHT))
    hashed = model_hash(found_.model)
    text = certificate_text(found_.checked, hashed, "m.gen")
    assert recheck(text, found_.derived, hashed) == []


@pytest.mark.parametrize("rule", ["moments", "arrives", "time_reversal"])
def test_a_damaged_certificate_does_not(rule: str) -> None:
    found_ = compiled(reverse(RIGHT))
    data = json.loads(certificate_text(found_.checked, "", "m.gen"))
    step = next(p for p in data["proofs"] if p["rule"] == rule)
    if rule == "moments":
        step["premises"] = []
    elif rule == "arrives":
        step["subject"][-1] = step["conclusion"]["limit"] = {"number": "1/1000000"}
    else:
        step["subject"][0], step["subject"][1] = step["subject"][1], step["subject"][0]
    data["digest"] = digest({k: v for k, v in data.items() if k != "digest"})
    assert recheck(data)


# -- what only looks true --------------------------------------------------------------------------------------------

SCALAR = """
model M {
  observed x : Real
  p(x) = Normal(0, 1)
  def score(x : Real, t : Interval(0, 1)) -> Real = mlp(x, t, hidden = [8])
  def twice(x : Real, t : Interval(0, 1)) -> Real = score(2 * x, t)
  sde ou(x | t : Interval(0, 1)) { dx = -x * dt + 1 * dW }
"""


@pytest.mark.parametrize(
    "drift",
    [
        "-x - 2 * score(x, t) + score(2 * x, t)",
        "-x - 2 * score(x, t) + twice(x, t)",
        "-x - score(x, 1 - t)",
    ],
)
def test_a_score_at_another_place_is_no_score(drift: str) -> None:
    body = f"sde back{RANGE} {{ dx = ({drift}) * dt + 1 * dW }}\nclaim reverse(back, ou)"
    assert codes(body, SCALAR) and set(codes(body, SCALAR)) <= {"G606", "G102", "G901"}
    right = f"sde back{RANGE} {{ dx = (-x - score(x, t)) * dt + 1 * dW }}\nclaim reverse(back, ou)"
    assert statuses(compiled(right, SCALAR))["reverse back ou"] == "proved"


def test_a_stratonovich_equation_that_runs_backwards_is_not_taken_for_one_that_runs_forwards() -> None:
    forward = f"sde f{RANGE} {{ dx = -x * dt + x * dW }}"
    for drift in ("-2.5 * x - x^2 * score(x, t)", "-3.5 * x - x^2 * score(x, t)"):
        back = f"sde b{RANGE} {{ dx = ({drift}) * dt + x o dW }}"
        assert "G901" in codes(f"{forward}\n{back}\nclaim reverse(b, f)", SCALAR)


def test_a_drift_that_a_definition_states_must_reach_the_prior_too() -> None:
    head = "model M {\n  observed x : Real\n  def pull(x : Real, t : Interval(0, 1)) -> Real = -10 * x\n"
    sde = f"sde f{RANGE} {{ dx = pull(x, t) * dt + sqrt(20) * dW }}\n"
    assert codes(f"{sde} p(x(1)) = Normal(0, 1)", head) == []
    assert codes(f"{sde} p(x(1)) = Normal(3, 1)", head) == ["G607"]
    assert "terminal_law f -> p" in statuses(compiled(f"{sde} p(x(1)) = Normal(0, 1)", head))


def test_a_reverse_and_a_flow_do_not_reach_the_prior() -> None:
    flowing = "sde flow(x | t : Interval(0, 1)) { dx = (-0.5 * beta(t) * x - 0.5 * beta(t) * score(x, t)) * dt }"
    assert codes(f"{reverse(RIGHT)}\n{flowing}\nclaim marginals(flow) == marginals(vp)") == []


@pytest.mark.parametrize(
    ("drift", "noise"),
    [("-x + exp(0.5 * x^2)", "sqrt(2)"), ("exp(0.5 * x^2)", "0"), ("0.5 * x * exp(x^2)", "exp(0.5 * x^2)")],
)
def test_an_equation_that_leaves_in_finite_time_is_not_stationary(drift: str, noise: str) -> None:
    body = f"sde s(x | t : Positive) {{ dx = ({drift}) * dt + {noise} * dW }}\nclaim stationary(s, p)"
    assert "G601" in codes(body, SCALAR)


def test_a_kernel_that_is_not_defined_at_the_start() -> None:
    law = "Normal(exp(-t) * x * t / t, sqrt((1 - exp(-2 * t)) / 2))"
    assert codes(f"claim ou(x' | x, t) == {law}", SCALAR) == ["G606"]
