"""Training runs: exact resume after any interruption, early stopping, interrupts, files."""

from __future__ import annotations

import csv
import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from gencompiler.runtime import checkpoint, data, runs, training
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model

Modules = dict[str, ModuleType]
FILES = (runs.CHECKPOINT, runs.WEIGHTS, runs.METRICS)

ROWS = {
    "nade": np.random.default_rng(0).integers(0, 2, (60, 6)).astype(np.uint8),
    "flow": np.random.default_rng(0).integers(0, 8, (60, 4)).astype(np.uint8),
    "reals": np.random.default_rng(0).standard_normal((200, 2)),
}


class Killed(BaseException):
    """Stands for SIGKILL inside one process."""


def fit(modules: Modules, name: str, **options: Any) -> Model:
    package = modules[name]
    kind: type[Model] = getattr(package, package.__all__[0])
    return kind(seed=1).fit(ROWS[name], **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def metrics(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / runs.METRICS).read_text())))


def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Make the next run die at its `steps`-th step, before or after that step may be saved."""
    original: Callable[..., None] = training.Run._after_step
    count = itertools.count(1)

    def after(run: training.Run, rows: int) -> None:
        number = next(count)
        if number == steps and where == "before":
            raise Killed
        original(run, rows)
        if number == steps:
            raise Killed

    monkeypatch.setattr(training.Run, "_after_step", after)


@pytest.mark.parametrize("name", ["nade", "flow"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_at_any_step_and_resumed_ends_with_the_same_bits(
    modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    whole = fit(modules, name, out=tmp_path / "whole", epochs=3)
    expected = contents(tmp_path / "whole")
    assert len(metrics(tmp_path / "whole")) == 3
    for steps in range(1, 10):
        out = tmp_path / f"{steps}"
        with monkeypatch.context() as patched:
            killed_after(steps, patched, where)
            with pytest.raises(Killed):
                fit(modules, name, out=out, epochs=3, save_seconds=0 if steps % 2 else 1e9)
        again = fit(modules, name, out=out, epochs=3, resume=True)
        assert contents(out) == expected, f"killed at step {steps}"
        assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def test_killed_again_and_again(modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(modules, "flow", out=tmp_path / "whole")
    for _ in range(100):
        try:
            with monkeypatch.context() as patched:
                killed_after(2, patched, "after")
                fit(modules, "flow", out=tmp_path / "often", save_seconds=0, resume=True)
            break
        except Killed:
            continue
    assert contents(tmp_path / "often") == contents(tmp_path / "whole")


def test_each_epoch_takes_every_row_once_in_an_order_of_its_own(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    original = data.Rows.take

    def take(rows: data.Rows, places: torch.Tensor, device: Any = "cpu") -> data.Batch:
        batch = original(rows, places, device)
        seen.append(batch.row)
        return batch

    monkeypatch.setattr(data.Rows, "take", take)
    fit(modules, "nade", epochs=2, validation=0.0)
    first, second = torch.cat(seen[:4]), torch.cat(seen[4:])
    assert len(first) == 54
    assert len(first.unique()) == 54
    assert torch.equal(first.sort().values, second.sort().values)
    assert not torch.equal(first, second)


def test_a_run_may_be_made_longer(modules: Modules, tmp_path: Path) -> None:
    fit(modules, "nade", out=tmp_path / "whole", epochs=5)
    fit(modules, "nade", out=tmp_path / "longer", epochs=2)
    fit(modules, "nade", out=tmp_path / "longer", epochs=5, resume=True)
    assert contents(tmp_path / "longer") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_sigkill_at_random_moments(packages: Path) -> None:
    """The real thing: processes killed by the system, at moments that no code agreed to."""
    np.save(packages / "rows.npy", ROWS["flow"])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    script = str(Path(__file__).with_name("killing.py"))
    done = subprocess.run(
        [sys.executable, script, str(packages)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.rsplit(" ", 1)[1]) >= 2
    assert contents(packages / "killed") == contents(packages / "whole")


def test_resume_refuses_another_run(modules: Modules, tmp_path: Path) -> None:
    fit(modules, "nade", out=tmp_path, epochs=1)
    for options, code, words in (
        ({}, "G804", "holds a run already"),
        ({"resume": True, "batch": 8}, "G803", "was written with batch = 16, this run has 8"),
        ({"resume": True, "seed": 3}, "G803", "was written with seed = 0"),
        ({"resume": True, "schedule": "cosine"}, "G803", "was written with schedule = constant"),
    ):
        with pytest.raises(RunError) as caught:
            fit(modules, "nade", out=tmp_path, epochs=1, **options)
        assert caught.value.code == code
        assert words in str(caught.value)
    rows = ROWS["nade"].copy()
    rows[0, 0] ^= 1
    with pytest.raises(RunError, match="trained on other data"):
        modules["nade"].Tiny().fit(rows, out=tmp_path, resume=True)


def test_resume_refuses_another_number_of_threads(modules: Modules, tmp_path: Path) -> None:
    """Sums are split among threads, so the end would have other bits."""
    before = torch.get_num_threads()
    fit(modules, "nade", out=tmp_path, epochs=1)
    try:
        torch.set_num_threads(before + 1)
        with pytest.raises(RunError, match=f"with threads = {before}, this run has {before + 1}") as caught:
            fit(modules, "nade", out=tmp_path, epochs=2, resume=True)
        assert f"GENC_THREADS={before}" in str(caught.value.help)
    finally:
        torch.set_num_threads(before)
    fit(modules, "nade", out=tmp_path, epochs=2, resume=True)


def test_options_that_json_changes_are_still_the_same(modules: Modules, tmp_path: Path) -> None:
    options = {"optimizer_options": {"lr": 0.01, "betas": (0.8, 0.9)}, "epochs": 1, "out": tmp_path}
    fit(modules, "nade", **options)
    fit(modules, "nade", **options, resume=True)


def test_a_validation_that_is_not_a_number_stops(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "mean_loss", lambda *arguments: float("nan"))
    with pytest.raises(RunError, match="the validation loss is nan"):
        fit(modules, "nade", epochs=1)


def test_a_damaged_checkpoint_stops_the_resume(modules: Modules, tmp_path: Path) -> None:
    fit(modules, "nade", out=tmp_path, epochs=1)
    file = tmp_path / runs.CHECKPOINT
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RunError) as caught:
        fit(modules, "nade", out=tmp_path, epochs=2, resume=True)
    assert caught.value.code == "G803"


def test_training_improves_and_keeps_the_best(modules: Modules, tmp_path: Path) -> None:
    rows = np.zeros((100, 6), dtype=np.uint8)
    rows[::2] = 1
    kind = modules["nade"].Tiny
    model = kind(seed=1).fit(rows, epochs=30, out=tmp_path)
    dataset = data.load(rows, kind.fields)
    trained = training.mean_loss(model, dataset.valid, "phase_1", training.Settings())
    assert trained is not None
    assert trained < 2.5  # the start is 6 log 2 = 4.16, the optimum log 2
    lines = metrics(tmp_path)
    assert trained == pytest.approx(min(float(line["validation"]) for line in lines), rel=1e-6)


def test_early_stopping(modules: Modules, tmp_path: Path) -> None:
    fit(modules, "nade", out=tmp_path, epochs=200, patience=3, optimizer_options={"lr": 0.3})
    losses = [float(line["validation"]) for line in metrics(tmp_path)]
    assert len(losses) < 200
    assert losses.index(min(losses)) == len(losses) - 4
    # a stopped run that is resumed stays stopped
    before = contents(tmp_path)
    fit(modules, "nade", out=tmp_path, epochs=200, patience=3, optimizer_options={"lr": 0.3}, resume=True)
    assert contents(tmp_path) == before


def test_without_validation_the_last_or_averaged_parameters_are_kept(modules: Modules) -> None:
    last = fit(modules, "nade", epochs=2, validation=0.0)
    averaged = fit(modules, "nade", epochs=2, validation=0.0, ema=0.99)
    assert not torch.equal(last.W, averaged.W)
    start = modules["nade"].Tiny(seed=1)
    assert float((averaged.W - start.W).abs().max().detach()) < float((last.W - start.W).abs().max().detach())


def test_steps_end_a_run(modules: Modules, tmp_path: Path) -> None:
    fit(modules, "nade", out=tmp_path, steps=5)
    lines = metrics(tmp_path)
    assert [line["step"] for line in lines] == ["3", "5"]


def test_accumulated_gradients_are_those_of_the_batch(modules: Modules) -> None:
    whole = fit(modules, "nade", steps=2, validation=0.0)
    parts = fit(modules, "nade", steps=2, validation=0.0, accumulate=3)
    torch.testing.assert_close(whole.W, parts.W, rtol=1e-4, atol=1e-6)
    assert not torch.equal(whole.W, modules["nade"].Tiny(seed=1).W)


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_precisions(modules: Modules, precision: str) -> None:
    model = fit(modules, "flow", epochs=1, precision=precision)
    assert model.dtype == (torch.float64 if precision == "float64" else torch.float32)
    assert all(p.isfinite().all() for p in model.parameters())


def test_second_order_optimizers_call_the_step_again(modules: Modules) -> None:
    model = fit(modules, "nade", epochs=2, batch=60, optimizer="lbfgs", optimizer_options={"lr": 0.5, "max_iter": 4})
    x = torch.from_numpy(ROWS["nade"])
    with torch.no_grad():
        assert float(model.loss(x)) < float(modules["nade"].Tiny(seed=1).loss(x)) - 0.01


def test_a_command_line_changes_the_rate_and_its_course() -> None:
    """`--lr` is one of the optimizer's options; another `--schedule` drops the options of the one before."""
    spec = training.Settings(
        optimizer_options={"lr": 0.1, "betas": (0.5, 0.9)}, schedule="step", schedule_options={"every": 100}
    )
    chosen = spec.override(spec.spelled({"lr": 0.01, "schedule": "cosine", "epochs": 3}))
    assert chosen.optimizer_options == {"lr": 0.01, "betas": (0.5, 0.9)}
    assert (chosen.schedule, chosen.schedule_options, chosen.epochs) == ("cosine", {}, 3)
    assert spec.override(spec.spelled({"schedule": "step"})) == spec
    assert spec.override(spec.spelled({})) == spec


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epoch": 3}, "unknown option `epoch`"),
        ({"batch": 0}, "batch = 0"),
        ({"precision": "float8"}, "precision = float8"),
        ({"validation": 1.0}, "validation = 1.0"),
        ({"optimizer": "magic"}, "unknown optimizer"),
    ],
)
def test_wrong_settings_are_refused(modules: Modules, options: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError, match=words):
        fit(modules, "nade", **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_the_step_and_saves(modules: Modules, tmp_path: Path, number: int) -> None:
    fit(modules, "nade", out=tmp_path / "whole")
    original = training.Run.add_loss
    before = signal.getsignal(number)

    def add_loss(run: training.Run, *arguments: Any) -> None:
        original(run, *arguments)
        if run.step == 4:
            os.kill(os.getpid(), number)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training.Run, "add_loss", add_loss)
        with pytest.raises(KeyboardInterrupt):
            fit(modules, "nade", out=tmp_path / "part")
    assert signal.getsignal(number) == before
    _, record = checkpoint.load(tmp_path / "part" / runs.CHECKPOINT, modules["nade"].Tiny())
    assert record["state"]["step"] == 5
    fit(modules, "nade", out=tmp_path / "part", resume=True)
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_no_files_without_a_place_for_them(modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fit(modules, "nade", epochs=1)
    assert os.listdir(tmp_path) == []


def test_training_leaves_global_randomness_alone(modules: Modules) -> None:
    torch.manual_seed(0)
    one = fit(modules, "flow", epochs=1)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    other = fit(modules, "flow", epochs=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_run_folder_is_enough_to_load_the_model(modules: Modules, packages: Path, tmp_path: Path) -> None:
    model = fit(modules, "nade", out=tmp_path, epochs=1)
    kept, built = (
        {f.name for f in folder.iterdir() if f.is_file()} for folder in (tmp_path / "package/nade", packages / "nade")
    )
    assert kept == built and "native.c" in kept
    loaded = runs.load_run(tmp_path)
    x = torch.from_numpy(ROWS["nade"])
    assert torch.equal(loaded.log_prob(x), model.log_prob(x))  # type: ignore[operator]
    (tmp_path / runs.WEIGHTS).unlink()
    runs.load_run(tmp_path)
    with pytest.raises(RunError, match="does not hold a run"):
        runs.load_run(tmp_path / "package")


def test_metrics_read_back_to_the_same_bits(modules: Modules, tmp_path: Path) -> None:
    model = fit(modules, "nade", out=tmp_path, epochs=1)
    line = metrics(tmp_path)[0]
    assert float(line["validation"]) == training.mean_loss(
        model, data.load(ROWS["nade"], model.fields).valid, "phase_1", training.Settings()
    )
