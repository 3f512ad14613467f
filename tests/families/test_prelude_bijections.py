"""Every bijection of the prelude: proven by the engine that proves a user's, and right where it is computed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import prelude
from gencompiler.syntax import tree
from tests.families.test_foundation import perturbed

BIJECTIONS = {name: d for name, d in prelude.load().definitions.items() if d.kind == "bijection"}
#: Results that are written with a parameter, at its default.
RESULTS = {"BoxCox": "Open(-2, inf)"}
BASES = {
    "Real": "Normal(0, 1)",
    "Real[D]": "Normal(0, 1)",
    "Unit": "LogitNormal(0, 1)",
    "Positive": "Normal(0, 1) |> exp",
    "Interval(0, 1)": "Uniform(0, 1)",
    "Angle": "Uniform(-pi, pi)",
}


def written(type_: tree.TypeExpr | None) -> str:
    """A declared type as it stands in the prelude."""
    assert isinstance(type_, tree.SupportType)
    text = prelude.load().sources["<prelude>/bijections.gen"].text
    return text[type_.span.start : type_.span.end]


def spec(name: str, size: int = 3) -> str:
    """A model of one use of a bijection by its name."""
    definition = BIJECTIONS[name]
    assert definition.signature is not None
    start, end = written(definition.signature.variables[0].type), RESULTS.get(name) or written(definition.result)
    base, (start, end) = BASES[start], (t.removesuffix("[D]") for t in (start, end))
    return (
        f"model Uses {{\n  latent z : {start}[{size}]\n  observed x : {end}[{size}]\n"
        f"  p(z) = {base}\n  x = z |> {name}\n}}\n"
    )


@pytest.mark.parametrize("name", BIJECTIONS)
def test_it_is_proved(name: str) -> None:
    done = pipeline.run(SourceText("uses.gen", spec(name)), until="check")
    assert done.diagnostics == ()
    assert {v.status for v in done.checked.verdicts} == {"proved"}


@pytest.mark.parametrize("name", BIJECTIONS)
def test_it_is_undone_and_its_slope_is_that_of_autograd(name: str) -> None:
    model: Any = perturbed(gencompiler.compile(spec(name))(), 0.7)
    torch.manual_seed(0)
    z = model.inverse(model.sample(400, seed=3).double())[0].detach()
    x, log_abs_det = model.forward(z)
    back, backward_log_abs_det = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(backward_log_abs_det, -log_abs_det, rtol=1e-7, atol=1e-7)
    for row in range(8):
        jacobian = torch.autograd.functional.jacobian(lambda one: model.forward(one[None])[0][0], z[row])
        assert float(torch.linalg.slogdet(jacobian).logabsdet) == pytest.approx(
            float(log_abs_det[row].detach()), abs=1e-8
        )


def test_a_users_definition_of_the_name_is_the_users() -> None:
    own = "bijection Affine(u : Real | m : Real) -> Real = u + m\n" + spec("Affine")
    assert [p.path for p in pipeline.run(SourceText("own.gen", own), until="resolve").model.parameters] == ["Affine.m"]


def test_a_spline_is_the_formula_of_its_paper() -> None:
    """Durkan et al. 2019, eq. 4, bin by bin with explicit knots, at drawn widths, heights and slopes."""
    model: Any = perturbed(gencompiler.compile(spec("RationalQuadraticSpline", 1))(), 0.8)
    count, bound = 8, 3.0
    parts = {key: model.value(f"RationalQuadraticSpline.{key}")[0].detach() for key in ("w", "h", "d")}
    widths, heights = (2 * bound * (0.001 + (1 - 0.001 * count) * parts[key]) for key in ("w", "h"))
    slopes = torch.cat((torch.ones(1), parts["d"], torch.ones(1)))
    knots, levels = (torch.cat((torch.zeros(1), part.cumsum(0))) - bound for part in (widths, heights))
    for at in torch.linspace(-4, 4, 41, dtype=torch.float64):
        found = float(model.forward(at.reshape(1, 1))[0].detach())
        if abs(at) >= bound:
            assert found == pytest.approx(float(at))
            continue
        k = int((knots[1:-1] <= at).sum())
        s, r = heights[k] / widths[k], (at - knots[k]) / widths[k]
        above = heights[k] * (s * r**2 + slopes[k] * r * (1 - r))
        below = s + (slopes[k + 1] + slopes[k] - 2 * s) * r * (1 - r)
        assert found == pytest.approx(float(levels[k] + above / below), abs=1e-9)
    assert math.isfinite(float(model.log_prob(torch.tensor([[40.0]])).detach()))
