"""Layouts and packing without Triton: the tile program, interpreted literally on packed arrays, is the logical one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from gencompiler.node import walk
from gencompiler.rows import placing
from gencompiler.rows import schedule as scheduling
from gencompiler.rows.layout import constant_of, place, plain
from gencompiler.rows.nodes import Dot, Expr, Program, Select
from gencompiler.rows.placing import Placing
from gencompiler.rows.schedule import Config, Schedule, schedule
from tests.rows import interpreter
from tests.rows.harness import SEED, STEP, inputs, parameters, run_tiles
from tests.rows.programs import (
    PROGRAMS,
    coupling_log_prob,
    coupling_sample,
    fvsbn_log_prob,
    mala,
    nade_log_prob,
    nade_sample,
)
from tests.rows.strategies import build, row_programs

ROWS = 2


def assert_same(program: Program, folder: Path, seed: int = 0) -> None:
    scheduled = schedule(program)
    if scheduled.tiled is None:
        return
    given, values = inputs(program, ROWS, seed), parameters(program, seed)
    scalars = dict.fromkeys(program.scalars, 3)
    wanted = interpreter.run(program, given, values, seed=SEED, step=STEP, rows=ROWS, **scalars)
    found = run_tiles(scheduled, given, values, ROWS, folder, **scalars)
    for output, ours, theirs in zip(program.outputs, found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6, err_msg=output.name)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("dims", [3, 12, 16, 17])
def test_tiles_of_models(name: str, dims: int, tmp_path: Path) -> None:
    program = mala() if name == "mala" else PROGRAMS[name](dims)  # type: ignore[call-arg]
    assert schedule(program).fused
    assert_same(program, tmp_path)


@given(row_programs())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tiles_of_random_programs(tmp_path: Path, program: Program) -> None:
    assert_same(program, tmp_path)


# -- planted errors --------------------------------------------------------------------------------------------------

#: Random programs in which masks, realignment and sameness all matter.
WITNESSES = range(40)


def is_caught(folder: Path) -> bool:
    """Whether any witness fails."""
    for seed in WITNESSES:
        try:
            assert_same(build(seed), folder, seed)
        except (AssertionError, ValueError, IndexError):
            return True
    return False


def test_a_missing_mask_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Placing, "cleaned", lambda self, tile, neutral: tile.expr)
    assert is_caught(tmp_path)


def test_a_wrong_layout_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Placing, "moved", lambda self, tile, at: tile.moved(at) if tile.at.width == at.width else tile)
    assert is_caught(tmp_path)


def test_a_wrong_claim_of_sameness_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Adding something does not reproduce a tile outside the layout unless it adds zero there."""

    def careless(function: str, outside: list[float | Expr | None]) -> Expr | None:
        return next((each for each in outside if isinstance(each, Expr)), None)

    monkeypatch.setattr(placing, "unchanged", careless)
    assert is_caught(tmp_path)


# -- what layouts absorb ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [coupling_log_prob, coupling_sample])
@pytest.mark.parametrize("dims", [9, 16, 32, 33])
def test_a_coupling_needs_no_mask(make: object, dims: int) -> None:
    """Splitting, joining and reversing cost nothing: in the loop there are three products and no select."""
    scheduled = schedule(make(dims, 24, 6))  # type: ignore[operator]
    assert scheduled.tiled is not None
    (loop,) = (part for part in scheduled.tiled.program.body if type(part).__name__ == "Loop")
    parts = [part for carry in loop.carried for part in walk(carry.next)]  # type: ignore[attr-defined]
    parts += [part for statement in loop.body for part in walk(statement)]  # type: ignore[attr-defined]
    assert not any(isinstance(part, Select) for part in parts)
    assert sum(isinstance(part, Dot) for part in parts) == 3
    kinds = {packed.kind for packed in scheduled.tiled.packs.values()}
    assert "permutation" not in kinds


def test_places_of_a_reversal_alternate() -> None:
    tiled = schedule(coupling_log_prob(16, 16, 4)).tiled
    assert tiled is not None
    weights = tiled.packs[
        "couplings_mlp_0_weight" if "couplings_mlp_0_weight" in tiled.packs else "couplings.mlp.0.weight"
    ]
    first, _ = weights.axes
    ends, starts = tuple(range(15, 7, -1)), tuple(range(8))
    assert first.layouts == (starts, ends, starts, ends)


def test_equal_layouts_become_one() -> None:
    assert place(((0, 1), (0, 1)), 16) == place(((0, 1),), 16)
    assert plain(3).is_plain
    assert not place(((1, 0),), 16).is_plain
    assert not place(((0, None),), 16).is_whole


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("exp", [0.0], 1.0),
        ("exp", [1.0], None),
        ("add", [0.5, 0.25], 0.75),
        ("add", [1.0, 1e-9], None),
        ("multiply", [0.1, 1.0], None),
        ("divide", [1.0, 0.0], None),
        ("sigmoid", [0.0], 0.5),
        ("softplus", [0.0], None),
        ("power", [3.0, 2.0], 9.0),
        ("add", [0.0, None], None),
    ],
)
def test_only_exact_constants_are_known(function: str, arguments: list[float | None], value: float | None) -> None:
    """A kernel computes in float32: a constant that is rounded there is not known here."""
    assert constant_of(function, arguments) == value


# -- what is fused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "config"),
    [
        (mala(), Config(128, 4, 1)),
        (coupling_log_prob(2, 64, 6), Config(16, 4, 1)),
        (coupling_log_prob(16, 16, 3), Config(16, 4, 2)),
        (coupling_log_prob(64, 64, 8), Config(16, 8, 2)),
        (nade_log_prob(784, 500), Config(16, 8, 1)),
        (fvsbn_log_prob(64), Config(16, 4, 1)),
    ],
)
def test_configurations(program: Program, config: Config) -> None:
    scheduled = schedule(program)
    assert scheduled.fused
    assert scheduled.configs["sm_90"] == config
    assert "on chip" in scheduled.reason


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (coupling_log_prob(64, 256, 2), "matrix; 4096 elements fit"),
        (nade_sample(8, 20_000), "more than the registers"),
    ],
)
def test_what_is_too_wide_stays_in_torch(program: Program, reason: str) -> None:
    scheduled = schedule(program)
    assert not scheduled.fused
    assert reason in scheduled.reason
    assert scheduled.configs == {}


def test_costs_of_nade() -> None:
    """Two multiplications and additions for each weight, ten operations for each sigmoid; weights padded to 512."""
    spent = schedule(nade_log_prob(784, 500)).cost
    assert spent.live_elements == 2 * 512 + 2
    assert spent.bytes == 784 * 8 + 4
    assert spent.weight_bytes == 4 * (2 * 784 * 512 + 784 + 512)
    assert 784 * 512 * 12 < spent.flops < 784 * 512 * 16


def test_a_bug_in_tiling_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `Unfusable` sends a program to torch; anything else must surface."""
    monkeypatch.setattr(scheduling, "tile", lambda program: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        schedule(mala())


def test_schedules_are_values() -> None:
    assert schedule(mala()) == schedule(mala())
    assert isinstance(schedule(mala()), Schedule)
