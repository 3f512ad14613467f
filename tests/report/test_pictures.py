"""Which pictures a model gets, what they are made of, and that they are drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gencompiler.report import collect, pictures, style
from gencompiler.report.data import Comparison, Event
from gencompiler.report.pictures import classes, codes, diffusions, flows, latents, modes, samples
from gencompiler.report.pictures.subject import Subject

Kinds = Callable[[str], type[Any]]
RNG = np.random.default_rng(0)

#: Held-out rows of each model.
ROWS: dict[str, dict[str, torch.Tensor]] = {
    "flow": {"x": torch.from_numpy(RNG.normal(size=(40, 2)))},
    "grey": {"x": torch.from_numpy(RNG.integers(0, 5, (40, 16)))},
    "vae": {"x": torch.from_numpy(RNG.integers(0, 2, (40, 16)))},
    "labelled": {"x": torch.from_numpy(RNG.integers(0, 2, (40, 16))), "y": torch.arange(40) % 3},
    "generator": {"x": torch.from_numpy(RNG.normal(size=(40, 2)))},
    "diffusion": {"x": torch.from_numpy(RNG.normal(size=(40, 2)))},
}


def subject(kinds: Kinds, name: str) -> Subject:
    found = Subject(kinds(name)(seed=1), ROWS.get(name), "rows")
    return dataclasses.replace(found, comparison=samples.gather(found))


def names(gathered: tuple[pictures.Gathered, ...]) -> list[str]:
    return [drawing.name for section in pictures.SECTIONS for drawing in pictures.draw(gathered, section)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("flow", ["carried"]),
        ("grey", ["interpolation"]),
        ("vae", ["means", "reconstructions", "manifold", "codes", "interpolation"]),
        ("labelled", ["classes", "means", "reconstructions", "codes"]),
        ("generator", ["manifold"]),
        ("diffusion", ["snapshots", "paths"]),
    ],
)
def test_what_a_model_has_decides_what_is_shown(kinds: Kinds, name: str, expected: list[str]) -> None:
    assert names(pictures.gather(subject(kinds, name))) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("vae", ["means", "manifold", "interpolation"]), ("flow", []), ("grey", [])]
)
def test_without_data_only_what_needs_none_is_shown(kinds: Kinds, name: str, expected: list[str]) -> None:
    assert names(pictures.gather(Subject(kinds(name)(seed=1)))) == expected


def test_drawings_have_names_titles_and_captions(kinds: Kinds) -> None:
    for name in ROWS:
        found = subject(kinds, name)
        drawn = [d for s in pictures.SECTIONS for d in pictures.draw(pictures.gather(found), s)]
        assert len({d.name for d in drawn}) == len(drawn)
        for drawing in drawn:
            assert drawing.title
            assert drawing.caption.endswith(".")
            assert style.svg(drawing).startswith("<svg")


def test_pictures_are_the_same_every_time(kinds: Kinds) -> None:
    def drawn() -> list[str]:
        gathered = pictures.gather(subject(kinds, "vae"))
        return [style.svg(d) for d in pictures.draw(gathered, "latents")]

    assert drawn() == drawn()


# -- latent variables ------------------------------------------------------------------------------------------------


def test_the_manifold_is_the_decoder_on_quantiles_of_the_prior(kinds: Kinds) -> None:
    found = subject(kinds, "vae")
    plane = latents.plane(found)
    assert plane is not None
    assert plane.names == ("z[0]", "z[1]")
    normal = torch.distributions.Normal(0, 1)
    levels = normal.icdf(torch.linspace(0.03, 0.97, latents.SIDE))
    corner = torch.tensor([[levels[0], levels[-1]]])
    exact = found.model.decode_mean(corner)[0].detach().numpy()
    np.testing.assert_allclose(plane.made[latents.SIDE - 1], exact, atol=0.02)


def test_encoded_rows_are_means_of_draws(kinds: Kinds) -> None:
    found = subject(kinds, "vae")
    encoded = codes.encoded(found, 5, draws=400)
    assert encoded is not None
    one = found.model.encode(ROWS["vae"]["x"][:5], seed=0, step=3)
    assert encoded["z"].shape == one.shape == (5, 2)
    spread = torch.stack([found.model.encode(ROWS["vae"]["x"][:5], seed=9, step=k) for k in range(400)])
    np.testing.assert_allclose(encoded["z"], spread.mean(0).detach(), atol=0.2)


def test_the_prior_is_drawn_as_the_spec_says(kinds: Kinds) -> None:
    drawn = codes.prior(subject(kinds, "vae"), 4000)
    assert drawn is not None
    assert float(drawn["z"].mean()) == pytest.approx(0, abs=0.05)
    assert float(drawn["z"].std()) == pytest.approx(1, abs=0.05)


def test_a_way_goes_from_one_row_to_another(kinds: Kinds) -> None:
    ends = torch.arange(2.0 * latents.LINES)[:, None]
    points = latents.line(ends, torch.float32).reshape(latents.LINES, latents.COLUMNS)
    np.testing.assert_allclose(points[:, 0], np.arange(latents.LINES))
    np.testing.assert_allclose(points[:, -1], latents.LINES + np.arange(latents.LINES))
    np.testing.assert_allclose(np.diff(points, axis=1), latents.LINES / (latents.COLUMNS - 1), rtol=1e-5)


def test_a_flow_carries_rows_back_to_themselves(kinds: Kinds) -> None:
    found = flows.ways(subject(kinds, "grey"))
    assert found is not None
    first = found.made[:, 0] * 5
    np.testing.assert_array_equal(np.floor(first), ROWS["grey"]["x"][: latents.LINES])


def test_the_grid_of_a_flow_is_its_forward_map(kinds: Kinds) -> None:
    found = subject(kinds, "flow")
    carried = flows.carried(found)
    assert carried is not None
    corner = torch.tensor([[-flows.GRID_REACH, -flows.GRID_REACH]])
    np.testing.assert_allclose(carried.grid[0, 0], found.model.forward(corner)[0][0].detach(), atol=1e-6)
    np.testing.assert_allclose(carried.rows, ROWS["flow"]["x"])


# -- modes -----------------------------------------------------------------------------------------------------------


def grid(rows: int, modes_reached: int = 9) -> Any:
    centres = np.stack(np.meshgrid([-2, 0, 2], [-2, 0, 2]), -1).reshape(-1, 2)
    return centres[np.arange(rows) % modes_reached] + 0.05 * RNG.normal(size=(rows, 2))


def test_lost_modes_are_counted() -> None:
    found = modes.coverage(Comparison(Event("x", (2,), "Real"), grid(900, 6), grid(600), "rows"))
    assert found is not None
    assert (found.found, len(found.centres)) == (6, 9)
    assert found.near == pytest.approx(0.989, abs=0.01)
    assert found.deviation == pytest.approx(0.05, rel=0.1)
    assert "6 of 9 modes" in modes.draw(found)[0].caption


def test_samples_between_modes_belong_to_none() -> None:
    between = grid(900) + 1.0
    found = modes.coverage(Comparison(Event("x", (2,), "Real"), between, grid(600), "rows"))
    assert found is not None
    assert (found.found, found.near) == (0, 0.0)


@pytest.mark.parametrize("kind", ["normal", "line", "two", "near"])
def test_data_without_clusters_have_no_modes(kind: str) -> None:
    points = {
        "normal": RNG.normal(size=(500, 2)),
        "line": np.stack([np.linspace(0, 1, 500), np.zeros(500)], -1),
        "two": grid(500, 2),
        "near": np.stack([np.arange(30) + 0.5 * (np.arange(30) // 10), np.zeros(30)], -1),
    }[kind]
    assert modes.clusters(points) is None


# -- classes ---------------------------------------------------------------------------------------------------------


def test_each_class_has_its_samples_and_rows(kinds: Kinds) -> None:
    found = classes.gather(subject(kinds, "labelled"))
    assert found is not None
    assert found.samples.shape == (3, classes.IMAGES, 16)
    assert [len(rows) for rows in found.rows] == [classes.IMAGES] * 3
    model = kinds("labelled")(seed=1)
    drawn = model.sample(3 * classes.IMAGES, context=torch.arange(3).repeat_interleave(classes.IMAGES), seed=0)
    np.testing.assert_array_equal(found.samples.reshape(-1, 16), drawn)
    np.testing.assert_array_equal(found.rows[1], ROWS["labelled"]["x"][1::3][: classes.IMAGES])


def test_classes_with_few_rows_are_drawn_with_gaps(kinds: Kinds) -> None:
    found = classes.gather(subject(kinds, "labelled"))
    assert found is not None
    few = dataclasses.replace(found, rows=(found.rows[0][:2], found.rows[1], found.rows[2][:0]))
    assert style.svg(classes.draw(few)[0]).startswith("<svg")


# -- diffusions ------------------------------------------------------------------------------------------------------


def test_a_trajectory_ends_in_the_sample_and_begins_in_noise(kinds: Kinds) -> None:
    model = kinds("diffusion")(seed=2)
    found = model.trajectory(70, 5, seed=3)
    assert found.states.shape == (70, 5, 2)
    torch.testing.assert_close(found.states[:, -1], model.sample(70, seed=3))
    assert float(found.states[:, 0].std()) == pytest.approx(1, abs=0.15)
    np.testing.assert_allclose(found.times, [1, 0.75025, 0.5005, 0.25075, 0.001])
    torch.testing.assert_close(model.trajectory(70, 3, seed=3).states[:, 1], found.states[:, 2])


def test_a_trajectory_of_a_conditional_diffusion_ends_in_its_sample(kinds: Kinds) -> None:
    model, labels = kinds("labelled_diffusion")(seed=2), torch.arange(70) % 3
    found = model.trajectory(70, 3, context=labels, seed=3)
    torch.testing.assert_close(found.states[:, -1], model.sample(70, context=labels, seed=3))


def test_a_trajectory_has_no_more_points_than_steps(kinds: Kinds) -> None:
    found = kinds("diffusion")().trajectory(2, 82)
    assert found.states.shape[1] == len(found.times) == 81
    assert kinds("diffusion")().trajectory(2, 80).states.shape[1] == 80


def test_snapshots_halve_the_time() -> None:
    assert diffusions.halving(65, 6) == [0, 32, 48, 56, 60, 64]
    assert diffusions.halving(3, 6) == [0, 1, 2]


def test_one_dimension_is_drawn_over_time() -> None:
    states = RNG.normal(size=(20, 9))
    found = diffusions.Reverse(Event("x", (), "Real"), np.linspace(1, 0, 9), states)
    assert [d.name for d in diffusions.draw(found)] == ["snapshots", "paths"]


# -- all of them, as the notebook has them ---------------------------------------------------------------------------


def test_figures_of_a_chain(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    from gencompiler.report import measure

    monkeypatch.setattr(measure, "CHAINS", 4)
    monkeypatch.setattr(collect, "DRAWS", 100)
    found = collect.figures_of(kinds("walk")(), None, 0)
    assert [d.name for d in found] == ["histograms", "traces", "ranks"]
