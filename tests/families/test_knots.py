"""Splines whose bins are an axis of the row, and those that are held place by place: one formula, one value."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import schedule
from tests.families.test_foundation import perturbed

COUPLING = """bijection Couple(u : Real[D] | K = {bins}, H = 6) -> Real[D] =
  join(2 * a, for i: RationalQuadraticSpline(b[i] | w, h, 0.01 + d, K = K))
  where {{ a, b = split(u)   p, q, e = mlp(a, hidden = [H])   w = softmax(p)   h = softmax(q)   d = softplus(e) }}
model M(D = {size}) {{ observed x : Real[D]  latent z : Real[D]  p(z) = Normal(0, 1)  x = z |> Couple }}
"""


def programs(size: int, bins: int) -> dict[str, Program]:
    return pipeline.run(SourceText("m.gen", COUPLING.format(size=size, bins=bins)), until="lower").programs


def test_one_element_has_its_bins_as_an_axis() -> None:
    """More bins are longer vectors, not more of them."""
    few, many = (programs(2, bins)["log_prob"] for bins in (4, 16))
    assert sum(1 for _ in walk(few)) == sum(1 for _ in walk(many))
    assert schedule(many).fused, schedule(many).reason


@pytest.mark.parametrize("size", [2, 3])
def test_one_element_and_several_are_undone_alike(size: int) -> None:
    """D = 2 has one transformed element, D = 3 two, each of which is undone."""
    model: Any = perturbed(gencompiler.compile(COUPLING.format(size=size, bins=5))(), 0.7)
    z = torch.randn(50, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    x, log_abs_det = model.forward(z)
    back, negative = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(negative, -log_abs_det, rtol=1e-8, atol=1e-8)


def test_both_forms_have_the_same_values() -> None:
    one: Any = perturbed(gencompiler.compile(COUPLING.format(size=2, bins=5))(), 0.7)
    two: Any = gencompiler.compile(COUPLING.format(size=3, bins=5))().double()
    two.load_state_dict(one.state_dict())
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    x, log_abs_det = one.forward(z)
    twice, both = two.forward(torch.cat((z, z[:, 1:]), 1))
    torch.testing.assert_close(twice, torch.cat((x, x[:, 1:]), 1), rtol=1e-12, atol=1e-12)
    of_the_first = math.log(2)
    torch.testing.assert_close(both, 2 * log_abs_det - of_the_first, rtol=1e-11, atol=1e-11)
