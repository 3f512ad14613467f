"""A kernel stores what it is asked for as soon as it is known: the same results, and fewer numbers at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from gencompiler.catalog.devices import DEVICES
from gencompiler.emit.triton import kernel_source
from gencompiler.node import walk
from gencompiler.rows import early
from gencompiler.rows import schedule as scheduling
from gencompiler.rows.footprint import live_registers, shared_bytes
from gencompiler.rows.nodes import Expr, Program, Statement, StoreSection
from gencompiler.rows.schedule import schedule
from gencompiler.rows.tiling import Tiled
from tests.rows.building import AT, apply, dot, let, local, output, parameter, read, row, use
from tests.rows.building import given as input_of
from tests.rows.programs import coupling_log_prob
from tests.rows.strategies import row_programs
from tests.rows.test_schedule import assert_same


def _always(tiled: Tiled) -> Tiled:
    return early._moved(early._stored(tiled))


def perceptron(layers: int, width: int = 32) -> Program:
    """A row's vector through layers, every one of which is asked for; all layers have the same weights."""
    body: list[Statement] = []
    below: Expr = read("x", row(width))
    for number in range(layers):
        body.append(let(f"h_{number}", apply("tanh", dot(below, parameter("weight", (None, None), (width, width))))))
        below = local(f"h_{number}", row(width))
    outputs = tuple(output(f"out_{n}", local(f"h_{n}", row(width))) for n in range(layers))
    inputs = (input_of("x", row(width)),)
    return Program("layers", "every layer", inputs, (), (use("weight", width, width),), tuple(body), outputs, span=AT)


@given(row_programs())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_stores_may_be_early_in_any_program(tmp_path: Path, program: Program) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduling, "store_early", _always)
        assert_same(program, tmp_path)


def test_layers_are_not_kept_until_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep, shallow = schedule(perceptron(9)), schedule(perceptron(3))
    assert deep.cost.live_elements == shallow.cost.live_elements
    assert_same(perceptron(9), tmp_path)
    monkeypatch.setattr(scheduling, "store_early", lambda tiled: tiled)
    assert schedule(perceptron(9)).cost.live_elements > 2 * deep.cost.live_elements


def test_a_store_that_is_too_early_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(early, "local_names", lambda *trees: frozenset[str]())
    with pytest.raises(Exception, match="h_"):
        assert_same(perceptron(3), tmp_path)


def test_nothing_moves_where_nothing_is_gained() -> None:
    kept = schedule(coupling_log_prob(16, 24, 4))
    assert kept.tiled is not None
    assert not any(isinstance(part, StoreSection) for part in walk(kept.tiled.program))


# -- what a kernel takes ---------------------------------------------------------------------------------------------


def test_a_matrix_is_read_again_outside_loops_only() -> None:
    source = kernel_source(schedule(perceptron(3)))
    assert source.count(" matrix(") + source.count("(matrix(") == source.count("matrix(") == 1
    assert source.count("matrix_again(") == 2
    assert "matrix_again(" not in kernel_source(schedule(coupling_log_prob(16, 24, 4)))


def test_a_wider_warp_makes_the_same_threads() -> None:
    configs = schedule(coupling_log_prob(64, 64, 8)).configs
    assert configs["sm_90"].stages == 2
    for target, device in DEVICES.items():
        on = configs[target]
        assert on.warps * device.warp == configs["sm_90"].warps * 32
        assert on.rows == configs["sm_90"].rows


def test_a_second_stage_takes_the_weights_of_the_next_iteration() -> None:
    tiled = schedule(coupling_log_prob(64, 64, 8)).tiled
    assert tiled is not None
    assert shared_bytes(tiled.program, 16, 1) == 4 * (16 * 64 + 64 * 64)
    three_matrices = 4 * 3 * 64 * 64
    assert shared_bytes(tiled.program, 16, 2) >= three_matrices + 4 * 16 * 64


def test_live_numbers_are_shared_by_the_threads_of_a_tile() -> None:
    assert live_registers(1000, 16, 8, "sm_90") == -(-16 * 1000 // (8 * 32))
    assert live_registers(1000, 16, 4, "gfx942") == -(-16 * 1000 // (4 * 64))


def test_stages_are_as_many_as_shared_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the processor itself: one like another takes its tile as far as that fits."""
    program = coupling_log_prob(64, 64, 8)
    tiled = schedule(program).tiled
    assert tiled is not None
    need = shared_bytes(tiled.program, 16, 2)
    stages = {target: config.stages for target, config in schedule(program).configs.items()}
    assert stages == {"sm_80": 2, "sm_86": 2, "sm_90": 2, "gfx942": 1}
    monkeypatch.setitem(DEVICES, "sm_86", dataclasses.replace(DEVICES["sm_86"], shared=need - 1))
    assert {target: each.stages for target, each in schedule(program).configs.items()} == stages | {"sm_86": 1}


def test_a_processor_takes_what_was_measured_on_one_that_it_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    program = coupling_log_prob(16, 24, 4)
    tiled = schedule(program).tiled
    assert tiled is not None
    key = scheduling.program_key(tiled.program)
    monkeypatch.setitem(scheduling.MEASURED, key, {"sm_80": (32, 8, 3)})
    assert schedule(program).configs["sm_86"] == scheduling.Config(32, 8, 3)
    monkeypatch.setitem(scheduling.MEASURED, key, {"sm_80": None})
    assert "sm_86" not in schedule(program).configs
    monkeypatch.setitem(scheduling.MEASURED, key, {"sm_80": None, "sm_86": (32, 8, 1)})
    assert schedule(program).configs["sm_86"] == scheduling.Config(32, 8, 1)


def test_what_was_measured_is_chosen_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    program = coupling_log_prob(16, 24, 4)
    free = schedule(program)
    assert free.tiled is not None
    key = scheduling.program_key(free.tiled.program)
    monkeypatch.setitem(scheduling.MEASURED, key, {"sm_80": (32, 8, 3), "gfx942": None})
    measured = schedule(program)
    assert measured.configs == dict.fromkeys(("sm_80", "sm_86"), scheduling.Config(32, 8, 3)) | {
        "sm_90": free.configs["sm_90"]
    }
    assert schedule(dataclasses.replace(program, name="other", title="")).configs == measured.configs
    assert "ran out of registers" in measured.why("gfx942")
    assert measured.why("sm_80") == free.reason
    monkeypatch.setitem(scheduling.MEASURED, key, dict.fromkeys(DEVICES))
    assert not schedule(program).fused
    assert "ran out of registers" in schedule(program).reason
