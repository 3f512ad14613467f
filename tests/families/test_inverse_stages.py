"""`inverse(F)` in a pipeline: F backwards, with log|det| of the stage as it is written."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from tests.families.test_foundation import perturbed

MAPS = """
bijection Past(u : Real[D] | H = 5) -> Real[D] = for i: (u[i] - m) * exp(-s) where { m, s = mlp(u[<i], hidden = [H]) }
bijection Bend(u : Real | c : Open(-1, inf), b : Real) -> Real = u + c * tanh(u + b)
bijection Logs(u : Positive) -> Real = log u
"""
SPEC = """
model Backwards(D = 3) {
  observed x : Positive[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> inverse(Past(H = 4)) |> Affine |> inverse(Bend) |> inverse(inverse(Affine)) |> inverse(Logs)
  train maximum_likelihood
}
"""


def test_it_is_undone_by_the_map_and_its_slope_is_that_of_autograd() -> None:
    model: Any = perturbed(gencompiler.compile(MAPS + SPEC)(), 0.5).double()
    z = torch.tensor([[0.3, -1.2, 0.8], [-0.4, 2.1, -0.9]], dtype=torch.float64)
    x, log_abs_det = model.forward(z)
    back, other = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(other, -log_abs_det, rtol=1e-9, atol=1e-9)
    for row in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda one: model.forward(one[None])[0][0], z[row])
        assert float(torch.linalg.slogdet(jacobian).logabsdet) == pytest.approx(float(log_abs_det[row].detach()))


def test_a_map_backwards_costs_what_the_map_costs() -> None:
    done = pipeline.run(SourceText("backwards.gen", MAPS + SPEC), until="check")
    assert done.diagnostics == ()
    assert {v.status for v in done.checked.verdicts} == {"proved"}


def test_what_is_reversed_within_a_map_is_what_that_map_takes() -> None:
    squeezed = "bijection Squeezed(u : Real[D]) -> Unit[D] = u |> reverse |> Affine |> sigmoid\n"
    model = """
model Opened(D = 3) {
  observed x : Real[D]
  latent   z : Unit[D]
  p(z) = Uniform(0, 1)
  x = z |> inverse(Squeezed)
  train maximum_likelihood
}
"""
    done = pipeline.run(SourceText("opened.gen", squeezed + model), until="check")
    assert done.diagnostics == ()
    assert {v.status for v in done.checked.verdicts} == {"proved"}


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ("inverse(Logs) |> inverse(Logs)", "G403"),  # the second takes any number, and gives what Logs takes
        ("inverse(exp)", "G403"),  # it takes what exp gives, and z is any number
        ("inverse(repeat(2) { Bend })", "G901"),
        ("inverse()", "G104"),
    ],
)
def test_what_does_not_fit_is_refused(stages: str, code: str) -> None:
    text = MAPS + SPEC.replace("inverse(Past(H = 4)) |> Affine |> inverse(Bend) |> inverse(inverse(Affine))", "Affine")
    text = text.replace("inverse(Logs)", stages)
    if stages.startswith("inverse(Logs)"):
        text = text.replace("observed x : Positive", "observed x : Real")
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("refused.gen", text), until="check")
    assert {d.code for d in caught.value.diagnostics} == {code}
