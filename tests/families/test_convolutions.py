"""Stacks of convolutions on causal views: drawing from caches follows the density of all places at once, what each place
sees is what the proof says, and a stack that looks ahead is refused."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.catalog import stacks
from gencompiler.catalog.stacks import VIEW, Affine, Box, Layer
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.stacks import layers_of
from gencompiler.node import walk
from gencompiler.proof.causal_rules import SeesItsField
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.rows.cost import cost
from gencompiler.rows.nodes import Convolve, Program
from gencompiler.runtime import convolutions, random
from gencompiler.settings import Settings
from tests.families.test_foundation import perturbed

SEQUENCE = "model M(D = {places}) {{ observed x : Real[D]  p(x[i] | x[<i]) = Normal({network}, 1) }}"
IMAGE = (
    "model M(N = 5, L = 6) {{ observed x : Real[N, L]  given y : Real[2]"
    "  p(x[i, j] | x[<(i, j)]) = Normal({network}, 1) }}"
)
NETWORKS = {
    "wavenet": (SEQUENCE, "wavenet(x[<i], hidden = 6, layers = 4)"),
    "cycles": (SEQUENCE, "wavenet(sin(x[<i]), x[<i], hidden = 5, layers = 4, kernel = 3, cycle = 2)"),
    "pixelcnn": (IMAGE, "pixelcnn(x[<(i, j)], y, hidden = 5, layers = 2, first = 3)"),
    "wide": (IMAGE, "pixelcnn(x[<(i, j)], hidden = 4, layers = 1, kernel = 5, first = 5)"),
    "masked": (IMAGE, "masked(x[<(i, j)], y, hidden = 5, layers = 2, first = 3)"),
}
PLACES = 30


@functools.cache
def built(name: str) -> Any:
    text, network = NETWORKS[name]
    return perturbed(gencompiler.compile(text.format(places=PLACES, network=network))(), 0.7)


def context(model: Any, rows: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    given = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    return {"context": given} if model.given else {}


def kind_of(name: str) -> tuple[tuple[int, ...], tuple[Layer, ...]]:
    """The grid of a network, and its layers."""
    text, network = NETWORKS[name]
    source = SourceText("m.gen", text.format(places=PLACES, network=network))
    found = pipeline.run(source, until="resolve").model.networks[0]
    return found.grid, layers_of(found)


@pytest.mark.parametrize("name", NETWORKS)
def test_drawing_from_caches_follows_the_density(name: str) -> None:
    """With scales of 1, log p(x) is that of the very noise that the draws are made of, place by place."""
    model = built(name)
    given = context(model, 16)
    x = model.sample(16, seed=4, **given)
    z = random.normal(4, torch.arange(16), 0, 0, PLACES, dtype=torch.float64)
    assert (x.reshape(z.shape) - z).std(0)[PLACES // 2 :].min() > 0.01  # the means differ from row to row
    expected = -0.5 * (z**2).sum(1) - 0.5 * PLACES * math.log(2 * math.pi)
    torch.testing.assert_close(model.log_prob(x, **given), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "text",
    [
        "observed x : Real[2, 3, 4]  p(x[:, i, j] | x[:, <(i, j)]) = Normal(pixelcnn(x[:, <(i, j)], hidden = 5, layers = 1), 1)",
        "observed x : Real[8, 3]  p(x[t, :] | x[<t, :]) = Normal(wavenet(x[<t, :], hidden = 5, layers = 2), 1)",
    ],
)
def test_a_place_may_have_several_numbers(text: str) -> None:
    model = perturbed(gencompiler.compile(f"model M {{ {text} }}")(), 0.7)
    x = model.sample(8, seed=4)
    z = random.normal(4, torch.arange(8), 0, 0, 24, dtype=torch.float64)
    assert (x.flatten(1) - z).std(0).max() > 0.01
    expected = -0.5 * (z**2).sum(1) - 12 * math.log(2 * math.pi)
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-11, atol=1e-11)


def jacobian(name: str, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """The greatest derivative, over some rows, of the mean at each place by each place."""
    model, results, own = built(name), [], convolutions.convolve

    def recorded(*arguments: Any, **options: Any) -> torch.Tensor:
        results.append(own(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(convolutions, "convolve", recorded)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(12, PLACES, generator=generator, dtype=torch.float64, requires_grad=True)
    shape = (12, *model.fields[-1 if not model.given else 0].shape)
    model.log_prob(x.reshape(shape), **context(model, 12))
    means = results[-1].sum(0)  # a row's mean depends on that row
    assert results[-1].shape == x.shape
    slopes = [torch.autograd.grad(m, x, retain_graph=True)[0] for m in means]
    return torch.stack([slope.abs().amax(0) for slope in slopes])


@pytest.mark.parametrize("name", NETWORKS)
def test_each_place_depends_on_what_it_sees(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Derivatives vanish exactly where the proof says that nothing is seen, the blind spot of masks included."""
    grid, layers = kind_of(name)
    seen = stacks.sights(grid, tuple((layer.name, layer.reads) for layer in layers))["last"]
    wanted = torch.tensor([[bool(bits >> place & 1) for place in range(PLACES)] for bits in seen])
    found = jacobian(name, monkeypatch) != 0
    assert torch.equal(found, wanted)
    assert not torch.triu(found).any()
    assert (stacks.holes(grid, seen) > 0) == (name == "masked")


# -- the proof -------------------------------------------------------------------------------------------------------


def structured(layers: tuple[Layer, ...]) -> tuple[Any, ...]:
    parts = ((layer.name, tuple(dataclasses.astuple(box) for box in layer.reads)) for layer in layers)
    return tuple(part for part in parts if part[0] != "output")


def fact(name: str) -> SeesItsField:
    grid, layers = kind_of(name)
    found = prove("convolutional_network", ("net", grid, structured(layers))).conclusion
    assert isinstance(found, SeesItsField)
    return found


def test_receptive_fields() -> None:
    """By hand: a dilation d with kernel k adds (k - 1) d places, a block of an image its reach on each side."""
    assert fact("wavenet").field == ((-(2 + 1 + 2 + 4 + 8), 0),)
    assert fact("cycles").field == ((-(3 + 2 * (1 + 2 + 1 + 2)), 0),)
    assert fact("pixelcnn").field == ((-3, 0), (-3, 3))
    assert fact("wide").field == ((-4, 0), (-4, 4))
    assert [fact(name).blind for name in NETWORKS if name != "masked"] == [0, 0, 0, 0] and fact("masked").blind


def shifted(box: Box, axis: int) -> Box:
    first = tuple(f + (k == axis) for k, f in enumerate(box.first))
    return dataclasses.replace(box, first=first)


def planted(name: str) -> list[tuple[str, int, int]]:
    """Every box of every layer, to be moved by one place along each axis."""
    grid, layers = kind_of(name)
    boxes = [(layer.name, k) for layer in layers if isinstance(layer, Affine) for k in range(len(layer.reads))]
    return [(layer, k, axis) for layer, k in boxes for axis in range(len(grid)) if layer != "output"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_box_that_is_moved_ahead_is_refused(name: str) -> None:
    """Moved along the last axis, or a row down, a box looks ahead, unless nothing of its own row is in what it reads:
    in the vertical stack a step to the side is none ahead, and moves the field."""
    grid, layers = kind_of(name)
    refused = allowed = 0
    right = fact(name)
    for where, number, axis in planted(name):
        moved = tuple(
            dataclasses.replace(
                layer, reads=tuple(shifted(b, axis) if k == number else b for k, b in enumerate(layer.reads))
            )
            if layer.name == where and isinstance(layer, Affine)
            else layer
            for layer in layers
        )
        try:
            found = prove("convolutional_network", ("net", grid, structured(moved))).conclusion
        except Unproved as problem:
            refused += "looks ahead" in str(problem)
        else:
            allowed += 1
            assert found != right
            seen = stacks.sights(grid, tuple((each.name, each.reads) for each in moved))["last"]
            assert all(bits < 1 << place for place, bits in enumerate(seen))
    assert refused and (allowed == 0 or len(grid) == 2)


@pytest.mark.parametrize(
    "layers",
    [
        (("last", (("nothing", (0,), (1,), 1),)),),
        (("last", ((VIEW, (-1, 0), (1, 1), 1),)),),
        (("last", ((VIEW, (-1,), (0,), 1),)),),
        (("last", ((VIEW, (-1,), (1,), 0),)),),
        (("first", ((VIEW, (-1,), (1,), 1),)),),
        (("last", ((VIEW, (-1,), (1,), 1),)), ("last", ((VIEW, (0,), (1,), 1),))),
        (("first", ((VIEW, (0,), (1,), 1),)), ("last", (("first", (0,), (1,), 1),))),
    ],
)
def test_what_is_no_stack_proves_nothing(layers: Any) -> None:
    with pytest.raises(Unproved):
        prove("convolutional_network", ("net", (4,), layers))


def test_a_grid_too_large_to_be_looked_at_proves_nothing() -> None:
    with pytest.raises(Unproved, match="more places"):
        prove("convolutional_network", ("net", (stacks.MOST_PLACES + 1,), (("last", ((VIEW, (-1,), (1,), 1),)),)))


# -- windows ---------------------------------------------------------------------------------------------------------

SIZES = {"N": 5, "R": 2, "K": 3, "S": 2, "Q": 4}


def neighbourhood(x: torch.Tensor, i: int, j: int, radius: int) -> torch.Tensor:
    """The numbers before (i, j) around it, row by row, 0 outside."""
    found = []
    for a, b in ((a, b) for a in range(i - radius, i + 1) for b in range(j - radius, j + radius + 1)):
        if (a, b) < (i, j):
            inside = 0 <= a < x.shape[1] and 0 <= b < x.shape[2]
            found.append(x[:, a, b] if inside else torch.zeros_like(x[:, 0, 0]))
    return torch.stack(found, -1)


def conditional(
    names: dict[str, torch.Tensor], c: torch.Tensor, place: tuple[int, int]
) -> torch.distributions.Distribution:
    """Theis et al. 2012, equations 4 to 6: gates eta - exp(t) |L c|^2 / 2, experts Normal(a c, exp(b - t / 2)), where t is
    alpha with a start for each scale, the pixel to the left is added to a c, and all but L is a place's own."""
    alpha = names["alpha"][place] + torch.linspace(-2, 5, SIZES["S"], dtype=c.dtype)
    energy = (c @ names["L"]).square().sum(-1).T * names["g"][place].exp()
    gates = (names["eta"][place] - 0.5 * alpha.exp() * energy[:, :, None]).flatten(1)
    means = (c[:, -1:] + c @ names["a"][place].T)[:, :, None].expand(-1, -1, SIZES["S"]).flatten(1)
    scales = (names["b"][place][:, None] - 0.5 * alpha).exp().flatten().expand_as(means)
    normal = torch.distributions.Normal(means, scales)
    return torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=gates), normal)


def test_mcgsm_is_that_of_the_paper() -> None:
    """log p by hand; and draws of the first pixels have the distribution functions that they are given: uniform numbers,
    by Kolmogorov and Smirnov off by more than 0.045 of 4,000 with probability 2 exp(-2 * 4000 * 0.045^2) = 2e-7."""
    model = perturbed(gencompiler.compile("specs/mixtures/mcgsm.gen", **SIZES)(), 0.5)
    names = {name: value.detach() for name, value in model.named_parameters()}
    x = model.sample(4000, seed=2)
    places = [(i, j) for i in range(5) for j in range(5)]
    laws = {place: conditional(names, neighbourhood(x, *place, 2), place) for place in places}
    total = sum(law.log_prob(x[:, i, j]) for (i, j), law in laws.items())
    torch.testing.assert_close(model.log_prob(x), total, rtol=1e-10, atol=1e-10)
    for place in ((0, 0), (1, 3), (2, 2), (4, 4)):
        uniform = laws[place].cdf(x[:, place[0], place[1]]).sort().values
        assert (uniform - torch.arange(0.5, 4000) / 4000).abs().max() < 0.045


def test_a_window_of_a_sequence() -> None:
    text = "model M { observed x : Real[7]  param a : Real[3]  p(x[t] | x[<t]) = Normal(a @ window(x[<t], radius = 3), 1) }"
    model = perturbed(gencompiler.compile(text)(), 0.7)
    x = model.sample(8, seed=3)
    weights = dict(model.named_parameters())["a"].detach()
    padded = torch.nn.functional.pad(x, (3, 0))
    means = sum(weights[k] * padded[:, k : k + 7] for k in range(3))
    z = random.normal(3, torch.arange(8), 0, 0, 7, dtype=torch.float64)
    torch.testing.assert_close(x - means, z, rtol=0, atol=1e-12)
    expected = torch.distributions.Normal(means, 1).log_prob(x).sum(1)
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-12, atol=1e-12)


def test_the_pixels_of_a_place_share_a_component_and_the_places_do_not() -> None:
    """Two components far apart: the channels of a pixel agree in their sign, and the pixels differ in it."""
    text = (
        "model M { observed x : Real[3, 4, 4]  param a : Real[2]"
        "  p(x[:, i, j] | x[:, <(i, j)]) = Mixture(logits = a, for k: Normal(20 * k - 10, 1)) }"
    )
    x = gencompiler.compile(text)().double().sample(500, seed=1)
    signs = x > 0
    assert (signs == signs[:, :1]).all()
    share = signs[:, 0].double().mean(0)
    assert (share - 0.5).abs().max() < 0.12 and signs[:, 0].flatten(1).double().var(1).min() > 0
    noise = (x - (20 * signs.double() - 10)).flatten(1)
    assert torch.corrcoef(noise.T).fill_diagonal_(0).abs().max() < 0.25


# -- cost ------------------------------------------------------------------------------------------------------------


def sampler(places: int) -> Program:
    text = SEQUENCE.format(places=places, network="wavenet(x[<i], hidden = 8, layers = 6)")
    return pipeline.run(SourceText("m.gen", text), until="lower", settings=Settings()).programs["sample"]


def test_a_step_of_drawing_costs_the_depth_whatever_the_length() -> None:
    """No layer is computed again for places that were drawn before."""
    short, long = sampler(40), sampler(160)
    assert not any(isinstance(part, Convolve) for part in walk(short))
    assert cost(long).flops == pytest.approx(4 * cost(short).flops, rel=0.01)
