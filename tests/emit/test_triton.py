"""Kernels under Triton's interpreter against the torch printer, and the text of `kernels.py`.

The interpreter is chosen when triton is imported, for the whole process; so one process of its own runs all cases.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gencompiler.emit.triton import import_lines, kernel_name, print_kernel
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import schedule
from tests.rows.programs import (
    coupling_log_prob,
    coupling_sample,
    extremes,
    fvsbn_log_prob,
    fvsbn_sample,
    mala,
    nade_log_prob,
    nade_sample,
)

ROOT = Path(__file__).parents[2]

#: name: program, rows (more than one tile for some, not a multiple of it for most).
MODELS: dict[str, tuple[Program, int]] = {
    "coupling_log_prob_12": (coupling_log_prob(12, 16, 3), 21),
    "coupling_log_prob_32": (coupling_log_prob(32, 20, 4), 16),
    "coupling_log_prob_2": (coupling_log_prob(2, 16, 3), 21),
    "coupling_log_prob_7": (coupling_log_prob(7, 16, 3), 5),
    "coupling_sample_17": (coupling_sample(17, 16, 3), 21),
    "coupling_sample_3": (coupling_sample(3, 20, 5), 40),
    "nade_log_prob": (nade_log_prob(), 33),
    "nade_sample": (nade_sample(), 33),
    "fvsbn_log_prob": (fvsbn_log_prob(), 9),
    "fvsbn_sample_20": (fvsbn_sample(20), 9),
    "mala": (mala(), 300),
    "extremes": (extremes(), 40),
    "no_rows": (coupling_log_prob(12, 16, 3), 0),
}

#: Random programs, and of the slow test: layouts, masks, draws and functions in all combinations.
RANDOM, MORE = 20, 100

#: Changes to the kernel of `coupling_log_prob`, each of which the comparison must notice.
SABOTAGE = {
    "a sign": ("tl.exp(-s)", "tl.exp(s)"),
    "a layer": ("k = 2 - k_down", "k = k_down"),
    "a mask of outputs": ("columns >= 0", "columns >= 1"),
    "a sum": ("log_det - tl.sum(s, 1)", "log_det - tl.sum(s * s, 1)"),
    "a layout": ("[*range(6)]", "[*range(5, -1, -1)]"),
}

#: Beyond 2e-5 of the value: eight couplings undone have cancelling sums in other orders.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("interpreter") / "cases.pickle"
    cases = [(name, program, rows, seed, None) for seed, (name, (program, rows)) in enumerate(MODELS.items())]
    cases += [(name, coupling_log_prob(12, 16, 3), 9, 0, change) for name, change in SABOTAGE.items()]
    path.write_bytes(pickle.dumps(cases))
    command = [sys.executable, "-W", "ignore", "-m", "tests.rows.interpret", str(path)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=900)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("name", MODELS)
def test_kernels_are_the_torch_functions(name: str, results: dict[str, Any]) -> None:
    """Discrete outputs equal, continuous ones to the tolerance, and finite where torch's are."""
    for output, comparison in results[name].items():
        assert comparison["equal"], f"{output} of {name}"
        assert comparison.get("error", 0.0) <= TOLERANCE, f"{output} of {name}: {comparison}"


@pytest.mark.parametrize(("examples", "seed"), [(RANDOM, 0), pytest.param(MORE, 1, marks=pytest.mark.slow)])
def test_kernels_of_random_programs_are_the_torch_functions(examples: int, seed: int) -> None:
    """Most have kernels, no kernel is wrong, and wrong ones would be noticed."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.rows.random_kernels", str(examples), str(seed)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=1800)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout)
    assert found["kernels"] >= 0.8 * examples
    assert found["unnoticed"] == []


@pytest.mark.parametrize("name", SABOTAGE)
def test_wrong_kernels_are_noticed(name: str, results: dict[str, Any]) -> None:
    assert any(not c["equal"] or c["error"] > TOLERANCE for c in results[name].values())


# -- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_printed_text_is_clean(name: str, tmp_path: Path) -> None:
    """ruff neither complains nor would format it differently, and Python compiles it."""
    pytest.importorskip("ruff")
    printed = print_kernel(schedule(MODELS[name][0]), where=lambda span: "flow.gen:7")
    text = "\n".join(import_lines([printed])) + "\n\n\n" + printed.text
    if "_LAYOUT_1" in printed.text:
        text = text.replace("\n\n\n", "\n\n", 1)
    file = tmp_path / "kernels.py"
    file.write_text(text)
    compile(text, "kernels.py", "exec")
    config = str(ROOT / "pyproject.toml")
    for command in (["check", "--no-cache"], ["format", "--check", "--diff", "--no-cache"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", config, str(file)]
        result = subprocess.run(ruff, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_text_of_a_coupling_loop() -> None:
    """The loop is the paper's equation: no split, no join, no mask."""
    text = print_kernel(schedule(coupling_sample(16, 16, 3))).text
    assert "        u = u * tl.exp(s) + t\n" in text
    assert "tl.where" not in text.partition("tl.store")[0]


def test_a_schedule_that_is_not_fused_has_no_kernel() -> None:
    with pytest.raises(ValueError, match="matrix"):
        print_kernel(schedule(coupling_log_prob(64, 256, 2)))


def test_names() -> None:
    assert kernel_name(mala(), "chain_rows") == "chain_kernel"
    printed = print_kernel(schedule(mala()), name="chain_rows")
    assert "def chain_rows(x, steps, *, rows, seed, step):" in printed.text
    assert "chain_kernel[(programs,)](" in printed.text
    assert "@tiles.sizes(sm_80=(128, 4, 1), sm_86=(128, 4, 1), sm_90=(128, 4, 1), gfx942=(128, 2, 1))\n" in printed.text
