"""Every density of the prelude: proven by the engine that proves a user's, and of mass one where it is computed."""

from __future__ import annotations

import math

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.checks.verdict import PROVED
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import prelude
from gencompiler.syntax import tree
from tests.families.test_foundation import perturbed

#: Where a tail is left out, or a kink slows the rule down.
TOLERANCE = {"YuleSimon": 2e-4, "TwoPieceNormal": 1e-4, "AsymmetricLaplace": 1e-4}
DENSITIES = {name: d for name, d in prelude.load().definitions.items() if d.kind == "density"}
TEXT = prelude.load().sources["<prelude>/densities.gen"].text


def spec(name: str) -> str:
    """A model of one use of a density, its conditions learned."""
    signature = DENSITIES[name].signature
    assert signature is not None
    type_ = signature.variables[0].type
    assert isinstance(type_, tree.SupportType)
    event = TEXT[type_.span.start : type_.span.end]
    return f"model M {{ observed x : {event}  p(x) = {name}()  train maximum_likelihood }}"


def grid(event: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Values of a support, and the weights of a sum over them: a change of variables makes the rule of Euler and
    Maclaurin converge geometrically."""
    t = torch.linspace(-6.5, 6.5, 40_001, dtype=torch.float64)
    step = t[1] - t[0]
    match event:
        case "Real":
            return torch.sinh(t), step * torch.cosh(t)
        case "Positive":
            wide = 4 * t
            return torch.exp(wide), 4 * step * torch.exp(wide)
        case "Unit":
            return torch.sigmoid(2 * t), 2 * step * torch.sigmoid(2 * t) * torch.sigmoid(-2 * t)
        case "Interval":
            return 1 + torch.exp(4 * t), 4 * step * torch.exp(4 * t)
        case "Angle":
            angles = torch.linspace(-math.pi, math.pi, 4_001, dtype=torch.float64)[:-1]
            return angles, torch.full_like(angles, 2 * math.pi / 4_000)
    low = {"Count": 0, "Integer": -20_000}[event]
    return torch.arange(low, 20_001), torch.ones((), dtype=torch.float64)


@pytest.mark.parametrize("name", DENSITIES)
def test_a_density_of_the_prelude_is_one(name: str) -> None:
    text = spec(name)
    verdicts = pipeline.run(SourceText("m.gen", text), until="check").checked.verdicts
    own = {v.obligation.id: v for v in verdicts if v.obligation.subject == name}
    assert {i: v.status for i, v in own.items()} == {"nonnegative": PROVED, "mass": PROVED}
    assert own["mass"].grade == "rule", "in closed form, for all parameters"


@pytest.mark.parametrize("name", DENSITIES)
def test_its_mass_is_one_in_floating_point(name: str) -> None:
    model = perturbed(gencompiler.compile(spec(name))(), 0.4).double()
    field = model.fields[0]
    x, weights = grid(field.support.name)
    if field.support.name == "Integer" and math.isfinite(field.support.ends[0]):
        x = torch.arange(int(field.support.ends[0]), 20_001)
    mass = (model.log_prob(x).detach().exp() * weights).sum()
    assert float(mass) == pytest.approx(1.0, abs=TOLERANCE.get(name, 1e-6))
