"""Several processes: one gradient, one writer, the same parameters, and an end when one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gencompiler.runtime import checkpoint, distributed, runs
from gencompiler.runtime.errors import RunError
from tests.runtime import games, workers

#: Two processes; the rendezvous chooses a free port itself.
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

#: Seconds after which a test gives up on its processes.
PATIENCE = 240

Result = dict[str, Any]


def environment(*paths: Path) -> dict[str, str]:
    root = Path(__file__).parents[2]
    kept = {name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (*paths, root))), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return games.write(tmp_path_factory.mktemp("games"), "game", 2)


@pytest.fixture(scope="module")
def results(package: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """What two processes found, by rank."""
    out = tmp_path_factory.mktemp("results")
    command = [*TORCHRUN, str(Path(workers.__file__)), str(package), str(out)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(out / f"{rank}.pt") for rank in (0, 1))
    return first, second


@pytest.fixture(scope="module")
def alone(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same in this process."""
    module = runs.import_package(package)
    found: Result = {str(rows): workers.step(module, rows) for rows in workers.BATCHES}
    found["mean_loss"] = workers.mean_loss(module)
    found["written"] = workers.written(module, tmp_path_factory.mktemp("alone") / "run")
    return found


@pytest.mark.parametrize("rows", [str(rows) for rows in workers.BATCHES])
def test_the_gradient_is_that_of_one_process(results: tuple[Result, Result], alone: Result, rows: str) -> None:
    assert [each[rows]["shard"] for each in results] == ([9, 8] if rows == "17" else [1, 0])
    for each in results:
        torch.testing.assert_close(each[rows]["loss"], alone[rows]["loss"], rtol=1e-6, atol=1e-7)
        for name, gradient in alone[rows]["gradients"].items():
            found = each[rows]["gradients"][name]
            if gradient is None:
                assert found is None, f"{name} has a gradient, and an optimizer would move it"
            else:
                torch.testing.assert_close(found, gradient, rtol=1e-6, atol=1e-7)


def test_an_unweighted_average_would_be_found(results: tuple[Result, Result], alone: Result) -> None:
    found = results[0]["unweighted"]["gradients"]["C.w"]
    assert not torch.allclose(found, alone["17"]["gradients"]["C.w"], rtol=1e-4)


def test_all_processes_hold_the_same_bits(results: tuple[Result, Result]) -> None:
    first, second = (each["written"] for each in results)
    assert all(torch.equal(a, b) for a, b in zip(first["parameters"], second["parameters"], strict=True))
    assert torch.equal(first["samples"], second["samples"])


def test_two_processes_train_as_one_does(results: tuple[Result, Result], alone: Result) -> None:
    for a, b in zip(results[0]["written"]["parameters"], alone["written"]["parameters"], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert results[0]["mean_loss"] == results[1]["mean_loss"] == pytest.approx(alone["mean_loss"], rel=1e-6)


def test_all_processes_stop_at_a_number_that_is_none(results: tuple[Result, Result]) -> None:
    first, second = (each["infinite"] for each in results)
    assert "G805" in first
    assert "in the rows of another process" in first
    assert "G805" in second
    assert "is the first that is not finite" in second


def test_one_process_writes(results: tuple[Result, Result], alone: Result) -> None:
    first, second = (each["written"]["files"] for each in results)
    assert first == alone["written"]["files"]
    assert second == []


def test_two_writers_would_be_found(results: tuple[Result, Result]) -> None:
    assert all(runs.CHECKPOINT in each["two_writers"]["files"] for each in results)


def test_equal_parameters_sample_the_same_bits(results: tuple[Result, Result], package: Path) -> None:
    model = runs.import_package(package).Game()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), results[0]["written"]["parameters"], strict=True):
            parameter.copy_(value)
    assert torch.equal(model.sample(300, seed=5), results[0]["written"]["samples"])


def test_alone_nothing_is_joined() -> None:
    with distributed.joined("cpu"):
        assert (distributed.size(), distributed.rank(), distributed.leading()) == (1, 0, True)
    assert distributed.sums([1.5, 2.5], torch.device("cpu")) == [1.5, 2.5]
    assert distributed.anywhere(True, torch.device("cpu"))
    assert torch.equal(distributed.shard(torch.arange(5)), torch.arange(5))


def test_the_device_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.device("cuda") == "cuda"
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert distributed.device("cuda") == "cuda:1"
    assert distributed.device("cpu") == "cpu"


def test_a_lost_process_is_an_error_of_the_run() -> None:
    with pytest.raises(RunError, match="lost the others") as caught, distributed._together():
        raise RuntimeError("\nConnection closed by peer\nmore")
    assert caught.value.code == "G807"
    assert caught.value.notes == ("Connection closed by peer",)


# -- killed ----------------------------------------------------------------------------------------------------------


def train(package: Path, out: Path, *options: str) -> list[str]:
    data = package.parent / "rows.npy"
    np.save(data, workers.ROWS)
    run = ["-m", package.name, "train", "--data", str(data), "--out", str(out), "--batch", "17", *options]
    return [*TORCHRUN, *run]


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_a_killed_worker_ends_the_run_and_it_resumes(package: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    command = train(package, out, "--epochs", "100000", "--save-seconds", "0")
    with log.open("w") as file:
        process = subprocess.Popen(command, env=environment(package.parent), stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (out / runs.CHECKPOINT).exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        os.kill(children(process.pid)[-1], signal.SIGKILL)
        assert process.wait(timeout=PATIENCE) != 0
    finally:
        process.kill()
    assert "lost the others" in log.read_text()
    _, record = checkpoint.load(out / runs.CHECKPOINT, runs.import_package(package).Game())
    epochs = str(record["state"]["epoch"] + 2)
    for folder, options in ((out, ["--resume"]), (tmp_path / "whole", [])):
        again = train(package, folder, "--epochs", epochs, *options)
        done = subprocess.run(
            again, env=environment(package.parent), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("wrote ") == 1
    for name in (runs.CHECKPOINT, runs.WEIGHTS, runs.METRICS):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.slow
def test_an_interrupt_of_one_process_stops_all_and_saves(package: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    command = train(package, out, "--epochs", "100000", "--save-seconds", "0")
    with log.open("w") as file:
        process = subprocess.Popen(command, env=environment(package.parent), stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (out / runs.CHECKPOINT).exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        os.kill(children(process.pid)[-1], signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) != 0
    finally:
        process.kill()
    text = log.read_text()
    assert "interrupted" in text
    assert "lost the others" not in text
    checkpoint.load(out / runs.CHECKPOINT, runs.import_package(package).Game())
