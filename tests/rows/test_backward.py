"""Backward passes as row programs: against torch's automatic differentiation, with and without inverses."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.rows.backward import Adjoint, adjoints
from gencompiler.rows.contributions import Contribution
from gencompiler.rows.graph import Graph
from gencompiler.rows.lower import trained
from gencompiler.rows.nodes import Expr, Program
from gencompiler.rows.recovery import Recovery
from gencompiler.rows.schedule import schedule
from gencompiler.rows.unsupported import NotDifferentiated, NotLowered
from gencompiler.rows.verify import verify
from gencompiler.runtime import gradients
from tests.rows import harness
from tests.rows.differentiation import DEEP, both, deep, saved_by_torch, worst

SPECS = Path(__file__).parents[2] / "specs"

#: Spec, constants, program, and whether its loops run back by inverses.
CASES = {
    "couplings": ("bijections/realnvp.gen", {"D": "6"}, "log_prob", True),
    "additive couplings": ("bijections/nice.gen", {"D": "5"}, "log_prob", True),
    "couplings of planes": ("bijections/moons.gen", {}, "log_prob", True),
    "hidden sums": ("autoregressive/nade.gen", {"D": "12", "H": "7"}, "log_prob", True),
    "two hidden sums": ("autoregressive/gaussian_nade.gen", {"D": "7"}, "log_prob", True),
    "weights by index": ("autoregressive/fvsbn.gen", {"D": "7"}, "log_prob", False),
    "weights shared by iterations": ("autoregressive/gru.gen", {"T": "5", "K": "3", "H": "4"}, "log_prob", False),
    "networks": ("approximate/vae.gen", {}, "objective_phase_1", False),
    "a critic's gradient": ("adversarial/gan_grid.gen", {}, "objective_critic", False),
    "binary latents": ("approximate/sbn_wake_sleep.gen", {}, "objective_wake", False),
    "a kernel of an SDE": ("physics/vp_diffusion.gen", {}, "objective_phase_1", False),
    "particles": (
        "approximate/iwae.gen",
        {"D": "6", "H": "5", "Z1": "3", "Z2": "2", "K": "3"},
        "objective_phase_1",
        False,
    ),
    "weights that normalize": ("approximate/sbn_rws.gen", {"D": "5", "H1": "4", "H2": "3"}, "objective_wake", False),
    "a baseline of other particles": ("approximate/sbn_vimco.gen", {"D": "5"}, "objective_phase_1", False),
    "a row of a matrix for each particle": (
        "early/gtm.gen",
        {"D": "5", "G": "3", "B": "2"},
        "objective_phase_1",
        False,
    ),
    "masks": ("autoregressive/made.gen", {"D": "6", "H": "9"}, "log_prob", False),
    "an inverse that takes a loop": ("bijections/maf.gen", {}, "log_prob", False),
    "windows": ("sequences/vrnn.gen", {"T": "3", "D": "4", "H": "6", "Z": "2"}, "objective_phase_1", False),
    "computed places": (
        "autoregressive/recurrent_nade.gen",
        {"T": "3", "D": "4", "H": "5", "U": "6"},
        "log_prob",
        False,
    ),
    "norms of weights": ("adversarial/hinge.gen", {}, "objective_critic", False),
}


@functools.cache
def at_hand(case: str) -> tuple[Program, tuple[Adjoint, ...]]:
    """As C differentiates it."""
    path, constants, name, _ = CASES[case]
    done = pipeline.run(SourceText(path, (SPECS / path).read_text()), defines=constants, until="check")
    build = trained(done.derived)[name]
    draft, outputs = build()
    return draft.program(outputs), adjoints(build, at_hand=True)


@functools.cache
def ways(case: str) -> tuple[Program, tuple[Adjoint, ...]]:
    path, constants, name, _ = CASES[case]
    done = pipeline.run(SourceText(path, (SPECS / path).read_text()), defines=constants, until="check")
    build = trained(done.derived)[name]
    draft, outputs = build()
    return draft.program(outputs), adjoints(build)


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_torch(case: str) -> None:
    program, found = ways(case)
    assert found[0].inverts == CASES[case][3]
    assert not found[-1].inverts
    for way in found:
        for each in (way.saving, way.backward):
            verify(each, "test")
        assert worst(both(program, (way,))) < 1e-9


@pytest.mark.parametrize("case", ["networks", "particles", "masks", "a critic's gradient", "norms of weights"])
def test_a_gradient_that_comes_with_the_value(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It serves a mean over rows; where rows have cotangents of their own the pass is run again."""
    program, (way,) = at_hand(case)
    assert way.valued
    verify(way.backward, "test")
    assert worst(both(program, (way,))) < 1e-9
    assert worst(both(program, (way,), even=True)) < 1e-9
    calls: list[object] = []
    monkeypatch.setattr(gradients, "_results", lambda *given: calls.append(given))
    assert worst(both(program, (way,), even=True)) < 1e-9
    assert not calls


def test_what_saves_states_gives_no_value() -> None:
    _, found = at_hand("couplings")
    assert not any(way.valued for way in found)


@pytest.mark.parametrize("case", CASES)
def test_tiles_compute_what_the_programs_do(case: str, tmp_path: Path) -> None:
    """The literal interpreter of the scheduled programs, layouts and packing included, against the torch functions."""
    program, found = ways(case)
    values, given, rows = harness.parameters(program), harness.inputs(program, 2), 2
    for number, way in enumerate(found):
        saving, backward = schedule(way.saving), schedule(way.backward)
        if not (saving.fused and backward.fused):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        stored = harness.run_torch(way.saving, given, values, rows)
        _compare(harness.run_tiles(saving, given, values, rows, folder), stored)
        states = {output.name: value for output, value in zip(way.saving.outputs[1:], stored[1:], strict=True)}
        cotangents = {f"{program.outputs[0].name}_cotangent": torch.tensor([0.7, -1.3], dtype=torch.float64)}
        everything = {**given, **states, **cotangents}
        wanted = harness.run_torch(way.backward, everything, values, rows)
        _compare(harness.run_tiles(backward, everything, values, rows, folder), wanted)


def _compare(found: list[Tensor], wanted: list[Tensor]) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert float((torch.as_tensor(a) - b).abs().max()) <= 1e-7 * (1 + float(b.abs().max()))


# -- the guard -------------------------------------------------------------------------------------------------------


def test_strong_conditioners_at_depth_32_in_float32() -> None:
    """Where inverses alone lose digits, the guard takes the way that recomputes nothing; else inverses serve."""
    program, found = deep(32)
    gentle, strong = 0.1, 0.6
    assert worst(both(program, found[:1], scale=gentle, dtype=torch.float32)) < 1e-6
    guarded = worst(both(program, found, rows=64, scale=strong, dtype=torch.float32))
    saved = worst(both(program, found[1:], rows=64, scale=strong, dtype=torch.float32))
    assert guarded == saved < 1e-5


def test_without_the_guard_every_digit_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guard is for: the recomputed states of the same model are off by more than their size."""
    monkeypatch.setattr(gradients, "MOST_DRIFT", float("inf"))
    program, found = deep(32)
    assert worst(both(program, found[:1], rows=64, scale=0.6, dtype=torch.float32)) > 1e-4


def test_the_drift_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body with the wrong inverse: off by 1% in every iteration."""

    def wrong(self: Recovery, place: int, end: object, index: object) -> object:
        found = right(self, place, end, index)  # type: ignore[arg-type]
        return self.graph.elementwise("multiply", self.graph.number(1.01, self.plan.span), found, span=self.plan.span)

    right: Callable[..., object] = Recovery._before
    monkeypatch.setattr(Recovery, "_before", wrong)
    done = pipeline.run(SourceText("deep.gen", DEEP), defines={"L": "8"}, until="check")
    build = trained(done.derived)["log_prob"]
    broken = adjoints(build)
    monkeypatch.undo()
    draft, outputs = build()
    program = draft.program(outputs)
    assert worst(both(program, (broken[0], *adjoints(build)[1:]), scale=0.3)) < 1e-9, "the last way serves"
    with pytest.raises(AssertionError, match="the last way"):
        both(program, broken[:1], scale=0.3)


# -- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [8, 64])
def test_what_is_kept_from_forward_to_backward(layers: int) -> None:
    """One state in eight layers, against every activation: at least 30 times less."""
    program, (way, _) = deep(layers)
    states = sum(8 * output.type.shape[0] for output in way.saving.outputs[1:])
    rows = 64
    assert saved_by_torch(program, rows) > 30 * rows * states
    assert states == 8 * 8 * layers // 8


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        ("approximate/sylvester.gen", "objective_phase_1", "MatrixFunction"),
        ("autoregressive/pixelcnn.gen", "log_prob", "convolve"),
        ("approximate/admixture.gen", "objective_phase_1", "log_gamma_quantile, which torch alone knows"),
        ("inverses/hmm.gen", "objective_phase_1", "a loop within a loop"),
    ],
)
def test_what_has_no_backward_pass_says_why(path: str, name: str, why: str) -> None:
    done = pipeline.run(SourceText(path, (SPECS / path).read_text()), until="check")
    with pytest.raises((NotDifferentiated, NotLowered), match=why):
        adjoints(trained(done.derived)[name])


# -- errors that must be noticed -------------------------------------------------------------------------------------


def test_a_mean_over_particles_is_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(self: Graph, value: Expr, count: int, span: Span) -> Expr:
        return self.elementwise("divide", right(self, value, count, span), self.number(count, span), span=span)

    right = Graph.pool
    monkeypatch.setattr(Graph, "pool", mean)
    assert worst(both(*at_hand.__wrapped__("particles"))) > 1e-3


def test_a_mask_belongs_to_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    program, found = ways("masks")
    passed = gradients.Prepared.passed_on

    def without(self: gradients.Prepared, values: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
        shapes = {tuple(each.shape): each for each in given.values()}
        return {path: shapes[tuple(each.shape)] for path, each in passed(self, values, given).items()}

    monkeypatch.setattr(gradients.Prepared, "passed_on", without)
    assert worst(both(program, found)) > 1e-3


def test_an_iteration_adds_to_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    program, found = ways("computed places")
    placed = [
        dataclasses.replace(way, contributions=tuple(_next_place(each) for each in way.contributions)) for way in found
    ]
    assert worst(both(program, tuple(placed))) > 1e-3


def _next_place(each: Contribution) -> Contribution:
    moved = tuple(place[1:] + place[:1] if isinstance(place, tuple) else place for place in each.index)
    return dataclasses.replace(each, index=moved)


def test_pieces_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is taken in pieces has the gradient of the whole."""
    program, found = ways("couplings")
    whole = both(program, found, rows=150)
    monkeypatch.setattr(gradients, "MOST_RESULTS", 64)
    pieces = both(program, found, rows=150)
    for (a, _), (b, _) in zip(whole, pieces, strict=True):
        torch.testing.assert_close(a, b)
    assert len(list(itertools.chain(*pieces))) > 0
