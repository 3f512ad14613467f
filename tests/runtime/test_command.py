"""The command line of a generated package."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from gencompiler.runtime import command, data, evaluate
from gencompiler.runtime.evaluate import Evaluation

Main = Callable[..., int]


@pytest.fixture
def main(modules: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Main:
    """`main("nade", "train", …)` in an empty folder that holds rows for the models."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    np.save("bits.npy", generator.integers(0, 2, (60, 6)))
    np.save("levels.npy", generator.integers(0, 8, (60, 4)))

    def run(name: str, *arguments: str) -> int:
        package = modules[name]
        kind = getattr(package, package.__all__[0])
        if name == "chain":
            return command.main(kind, arguments=arguments)
        train = importlib.import_module(f"{package.__name__}.train")
        return command.main(kind, fit=train.fit, defaults=train.SETTINGS, arguments=arguments)

    return run


def test_train_sample_eval(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("nade", "train", "--data", "bits.npy", "--epochs", "2", "--out", "run", "--lr", "0.01") == 0
    assert "test: log p(x) = -" in capsys.readouterr().out
    assert main("nade", "sample", "--out", "run", "--count", "5") == 0
    assert np.load("run/samples.npy").shape == (5, 6)
    assert main("nade", "sample", "--out", "run", "--count", "5", "--save", "s.npz") == 0
    assert (np.load("s.npz")["x"] == np.load("run/samples.npy")).all()
    assert main("nade", "eval", "--out", "run", "--data", "bits.npy", "--split", "train") == 0
    assert "(48 rows)" in capsys.readouterr().out
    assert main("nade", "train", "--data", "bits.npy", "--epochs", "3", "--out", "run", "--lr", "0.01", "--resume") == 0


@pytest.mark.parametrize("fraction", [0.1, 0.4])
def test_eval_sees_the_rows_that_training_held_out(
    modules: dict[str, ModuleType], main: Main, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    """Test rows never depend on the fraction that validates; the other splits are those of the spec's fraction."""
    train = importlib.import_module(f"{modules['nade'].__name__}.train")
    monkeypatch.setattr(train, "SETTINGS", dataclasses.replace(train.SETTINGS, validation=fraction))
    fields = modules["nade"].Tiny.fields
    trained = data.load("bits.npy", fields, fraction)
    assert torch.equal(trained.test.numbers, data.load("bits.npy", fields).test.numbers)
    seen: list[torch.Tensor] = []

    def evaluated(model: object, rows: data.Rows, **options: object) -> None:
        seen.append(rows.numbers)

    monkeypatch.setattr(evaluate, "evaluate", evaluated)
    for split in ("train", "valid", "test"):
        assert main("nade", "eval", "--untrained", "--data", "bits.npy", "--split", split) == 0
    for found, rows in zip(seen, (trained.train, trained.valid, trained.test), strict=True):
        assert torch.equal(found, rows.numbers)


def test_bounds_are_called_bounds(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("flow", "train", "--data", "levels.npy", "--epochs", "1", "--out", "run") == 0
    assert main("flow", "eval", "--data", "levels.npy", "--out", "run", "--draws", "3") == 0
    assert "log p(x) >= -" in capsys.readouterr().out


def test_chains_are_diagnosed(main: Main, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "CHAINS", 4)
    monkeypatch.setattr(command, "DRAWS", 8)
    assert main("chain", "eval") == 0
    out = capsys.readouterr().out
    assert "4 chains of 8 draws, acceptance" in out
    assert "x[1]: mean" in out
    assert "R-hat" in out
    with pytest.raises(SystemExit) as caught:
        main("chain", "train")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sample",), "error[G803]: there are no weights"),
        (("train", "--data", "levels.npy"), "error[G801]"),
        (("train", "--data", "nothing"), "error[G806]"),
        (("train", "--data", "bits.npy", "--out", "bits.npy/x"), "error[G804]"),
        (("eval", "--untrained", "--data", "none.npy"), "error[G802]"),
        (("sample", "--weights", "bits.npy"), "error[G803]"),
    ],
)
def test_failures_are_rendered_and_exit_with_5(
    main: Main, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert main("nade", *arguments) == 5
    printed = capsys.readouterr().err
    assert words in printed
    assert "= help:" in printed


def test_interrupted(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_sample", interrupt)
    assert main("nade", "sample") == 130


def test_untrained_models_can_be_looked_at(main: Main) -> None:
    assert main("nade", "sample", "--untrained", "--save", "s.npy") == 0
    assert np.load("s.npy").shape == (64, 6)


def test_one_npy_holds_one_variable() -> None:
    assert str(Evaluation(-10.0, 0.5, 7, 4, "exact")) == (
        "log p(x) = -10.0000 +- 0.5000 nats, 3.6067 +- 0.1803 bits per dimension (7 rows)"
    )


@pytest.mark.slow
def test_as_a_process(packages: Path, tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "nade", "sample", "--untrained", "--count", "3"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{packages}:{root}", "GENC_RUNS": "elsewhere", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "wrote elsewhere/nade/samples.npy: x [3, 6]\n"
    assert done.stderr == ""
