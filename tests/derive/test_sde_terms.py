"""What derivation makes of SDEs: kernels put into formulas, Itô forms, reverse drifts."""

from __future__ import annotations

import pytest

from gencompiler.derive.derive import derive
from gencompiler.derive.diffusions import score_function
from gencompiler.derive.gradient import NoDerivative
from gencompiler.derive.nodes import Derived
from gencompiler.derive.reverse_time import flow_drift, reverse_drift
from gencompiler.diagnostics.span import BUILTIN, SourceText
from gencompiler.model import nodes
from gencompiler.model.print import expression
from gencompiler.node import walk
from gencompiler.pipeline import run

SPEC = """
model M {{
  observed x : Real[2]
  sde vp(x | t : Interval(0, 1)) {{ dx = {sde} }}
  def score(x : Real[2], t : Interval(0, 1)) -> Real[2] = mlp(x, t, hidden = [4]) * noise(vp, t)
  p(x(1)) = Normal(0, 1)
  {more}
}}
"""


def derived(sde: str = "-5 * x * dt + sqrt(10) * dW", more: str = "") -> Derived:
    return derive(run(SourceText("m.gen", SPEC.format(sde=sde, more=more)), until="resolve").model)


def test_no_kernel_is_left_in_a_derived_model() -> None:
    found = derived(more="train denoising_score_matching(score, vp, weighting = likelihood)")
    for node in walk(found.model):
        assert not isinstance(node, nodes.Coefficient | nodes.DensityGradient | nodes.LogDensity | nodes.JointSource)
    assert any(isinstance(n, nodes.Coefficient) for t in found.written for n in walk(t)), "as it was written"


def test_the_kernel_in_words() -> None:
    kernel = derived().kernels["vp"]
    assert expression(kernel.signal) == "exp((-(5 * t)))"
    assert expression(kernel.noise) == "sqrt((-expm1((-(10 * t)))))"


def test_an_sde_without_a_kernel_says_why() -> None:
    found = derived("-x^3 * dt + dW")
    assert not found.kernels
    (failure,) = [f for f in found.failures if f.subject == "vp"]
    assert failure.reason == "no kernel in closed form: the drift is not linear in the state"


@pytest.mark.parametrize(
    ("sde", "reverse", "flow"),
    [
        ("dW", "(-S)", "(-(1/2 * S))"),
        ("-x * dt + 2 * dW", "((-x) - (4 * S))", "((-x) - (2 * S))"),
        ("x * dt", "x", "x"),
    ],
)
def test_reverse_drifts(sde: str, reverse: str, flow: str) -> None:
    found = derived(sde).sdes["vp"]
    score = nodes.Reference(found.state.type, "S", span=BUILTIN)
    assert expression(reverse_drift(found, score, {})) == reverse
    assert expression(flow_drift(found, score, {})) == flow


def test_noise_that_mixes_elements_has_no_ito_form() -> None:
    with pytest.raises(NoDerivative, match="another element"):
        from gencompiler.derive.reverse_time import ito

        model = run(SourceText("m.gen", SPEC.format(sde="reverse(x) ∘ dW", more="")), until="resolve").model
        ito(model.sdes[0], {})


def test_what_an_equation_takes_for_the_score() -> None:
    back = "sde back(x | t : Interval(0, 1)) { dx = (-5 * x - 10 * score(x, t)) * dt + sqrt(10) * dW }"
    found = derived(more=back)
    vp, reverse = (found.sdes[n] for n in ("vp", "back"))
    assert score_function(found.model, reverse, (vp,)) == "score"
    assert score_function(found.model, vp, (reverse,)) is None
