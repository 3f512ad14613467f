"""Flows on circles and tori: densities of mass 1 that match closed forms and a peer, and maps that are undone across
the seam."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import gencompiler
from gencompiler.runtime import toys
from tests.families.test_foundation import perturbed

BY_INDEX = """bijection Auto(u : Angle[D] | H = 8) -> Angle[D] = for i: c + Moebius(u[i] | sigmoid(r), a)
  where { r, a, c = mlp(cos(u[<i]), sin(u[<i]), hidden = [H]) }
model M(D = 2) { observed x : Angle[D]  latent z : Angle[D]  p(z) = Uniform(-pi, pi)  x = z |> Auto |> reverse |> Auto }
"""
#: One map of the circle, from a uniform angle.
ONE = "model M {{ observed x : Angle  latent z : Angle  p(z) = Uniform(-pi, pi)  x = z |> {stages} }}"


def grid(count: int) -> torch.Tensor:
    """The middles of `count` equal arcs."""
    return -math.pi + 2 * math.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count


def torus() -> Any:
    """The flow of the spec, its parameters moved."""
    return perturbed(importlib.import_module("generated.torus").Torus(), 0.15)


def by_index() -> Any:
    return perturbed(gencompiler.compile(BY_INDEX)(), 0.4)


@pytest.mark.parametrize("make", [torus, by_index])
def test_a_density_on_the_torus_has_mass_one(make: Callable[[], Any]) -> None:
    """By the midpoint rule, which errs most at the knots."""
    angles = grid(200)
    points = torch.cartesian_prod(angles, angles)
    mass = make().log_prob(points).exp().mean() * (2 * math.pi) ** 2
    assert float(mass.detach()) == pytest.approx(1, abs=2e-3)


def test_a_density_has_no_seam() -> None:
    """At -pi and just below pi it is one: the ends are identified, and the slopes where they meet."""
    model, other = torus(), grid(7)
    ends = [torch.stack([torch.full_like(other, end), other], 1) for end in (-math.pi, math.pi - 1e-9)]
    for order in ((0, 1), (1, 0)):
        low, high = (model.log_prob(e[:, order]).detach() for e in ends)
        torch.testing.assert_close(low, high, rtol=0, atol=1e-5)


def test_a_uniform_angle_through_a_moebius_map_is_a_wrapped_cauchy() -> None:
    """McCullagh, Möbius transformation and Cauchy parameter estimation, Annals of Statistics 1996: of concentration r,
    about the point opposite to a."""
    model: Any = perturbed(gencompiler.compile(ONE.format(stages="Moebius"))(), 0.9)
    r, a = (float(model.value(f"Moebius.{name}").detach()) for name in ("r", "a"))
    x = grid(101)
    expected = (1 - r**2) / (1 + r**2 - 2 * r * torch.cos(x - a - math.pi)) / (2 * math.pi)
    torch.testing.assert_close(model.log_prob(x).detach().exp(), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    "stages", ["Moebius |> Turn", "MoebiusMixture(K = 3) |> Turn", "CircularSpline(K = 5) |> Turn"]
)
def test_a_map_is_undone_on_both_sides_of_the_seam(stages: str) -> None:
    model: Any = perturbed(gencompiler.compile(ONE.format(stages=stages))(), 0.9)
    near = torch.tensor([0.0, 1e-9, 1e-3], dtype=torch.float64)
    z = torch.cat([grid(400), near - math.pi, math.pi - near[1:]])
    x, log_abs_det = (t.detach() for t in model.forward(z))
    assert bool(((x >= -math.pi) & (x < math.pi)).all())
    back, negative = (t.detach() for t in model.inverse(x))
    around = torch.remainder(back - z + math.pi, 2 * math.pi) - math.pi
    assert float(around.abs().max()) < 1e-8
    torch.testing.assert_close(negative, -log_abs_det, rtol=1e-7, atol=1e-7)
    assert float((log_abs_det[:400].exp().mean() - 1).abs()) < 1e-2  # the slope's mean is one turn for one turn


def test_draws_are_angles_in_single_precision() -> None:
    model: Any = gencompiler.compile(ONE.format(stages="Moebius |> Turn"))()
    model = perturbed(model, 2.0).float()
    draws = model.sample(4096, seed=1)
    assert bool(((draws >= -math.pi) & (draws < math.pi)).all())
    assert bool(model.log_prob(draws).isfinite().all())


def test_the_windings_have_the_density_that_they_are_said_to() -> None:
    points = toys.windings(5000, seed=3)
    assert points.min() >= -math.pi
    assert points.max() < math.pi
    wide, narrow = toys.WINDINGS_SCALES
    for angle, scale in ((points[:, 0] - math.pi, wide), (points[:, 1] - 2 * points[:, 0], narrow)):
        assert np.cos(angle).mean() == pytest.approx(math.exp(-(scale**2) / 2), abs=0.03)
        assert np.sin(angle).mean() == pytest.approx(0, abs=0.05)


def test_a_spline_of_the_circle_is_that_of_a_peer() -> None:
    """zuko's monotone rational-quadratic spline on [-pi, pi], at drawn widths, heights and slopes."""
    zuko = pytest.importorskip("zuko")
    model: Any = perturbed(gencompiler.compile(ONE.format(stages="CircularSpline(K = 5)"))(), 0.8)
    w, h, d = (model.value(f"CircularSpline.{n}") for n in "whd")
    least = 0.001
    widths, heights = (2 * (least + (1 - 5 * least) * t.detach()) for t in (w, h))
    knots = [
        torch.cat([torch.tensor([-1.0], dtype=torch.float64), v.cumsum(0) - 1]) * math.pi for v in (widths, heights)
    ]
    slopes = torch.cat([d, d[:1]]).detach()
    peer = zuko.transforms.MonotonicRQSTransform(torch.zeros(5), torch.zeros(5), torch.zeros(4))
    peer.horizontal, peer.vertical, peer.derivatives = *knots, slopes
    z = grid(300)
    expected, log_slope = peer.call_and_ladj(z)
    x, log_abs_det = model.forward(z)
    torch.testing.assert_close(x.detach(), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(log_abs_det.detach(), log_slope, rtol=1e-9, atol=1e-9)


def test_what_an_inverse_is_worth_is_measured_around_the_circle() -> None:
    """Next to the seam the map of what was found may be a turn away from what was sought, and is as good."""
    model: Any = perturbed(gencompiler.compile(ONE.format(stages="MoebiusMixture(K = 3) |> Turn"))(), 0.9)
    near = torch.logspace(-16, -1, 300, dtype=torch.float64)
    x = torch.cat([grid(400), near - math.pi, math.pi - near]).clamp(-math.pi, math.nextafter(math.pi, 0))
    _, _, residual, bound, converged = model.inverse_ex(x)
    assert bool(converged.all())
    assert bool((residual <= bound).all())
