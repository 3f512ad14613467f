"""Threads of the commands: one for small models, all for large ones, what is set before anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gencompiler.runtime import command, threads
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of three threads that nobody asked for."""
    monkeypatch.setattr(torch, "_count", 3, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: torch._count)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: setattr(torch, "_count", count))
    for name in ("OMP_NUM_THREADS", "GENC_THREADS"):
        monkeypatch.delenv(name, raising=False)


def inside(rows: int, parameters: int = 1000) -> int:
    with threads.chosen(nn.Linear(parameters, 1, bias=False), rows):
        return torch.get_num_threads()


@pytest.mark.usefixtures("three")
def test_size_decides() -> None:
    assert inside(threads.LARGE // 1000 - 1) == 1
    assert inside(threads.LARGE // 1000) == 3
    assert inside(1, parameters=1) == 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("variables", "small", "large"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3, 3),
        ({"GENC_THREADS": "2"}, 2, 2),
        ({"GENC_THREADS": "2", "OMP_NUM_THREADS": "3"}, 2, 2),
        ({"GENC_THREADS": "auto"}, 1, 3),
        ({"GENC_THREADS": "auto", "OMP_NUM_THREADS": "3"}, 3, 3),
    ],
)
def test_what_is_set_decides(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], small: int, large: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (inside(1), inside(threads.LARGE)) == (small, large)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_what_is_no_number_of_threads(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GENC_THREADS", value)
    with pytest.raises(RunError, match="GENC_THREADS"):
        inside(1)
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three")
def test_commands_choose_and_models_do_not(
    kinds: dict[str, type[Model]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[int] = []
    original = Model.run

    def run(model: Model, *arguments: object, **keys: object) -> object:
        seen.append(torch.get_num_threads())
        return original(model, *arguments, **keys)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "run", run)
    monkeypatch.chdir(tmp_path)
    assert command.main(kinds["nade"], arguments=["sample", "--untrained", "--count", "3"]) == 0
    kinds["nade"]().sample(3)  # type: ignore[operator]
    assert seen == [1, 3]


@pytest.mark.slow
def test_importing_changes_nothing() -> None:
    lines = "import torch; before = torch.get_num_threads(); import gencompiler.runtime.command"
    script = f"{lines}; assert torch.get_num_threads() == before"
    root = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": root}, check=True)
