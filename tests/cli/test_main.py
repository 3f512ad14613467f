"""What `main` does when things go wrong, and what starting costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gencompiler import cli
from gencompiler.diagnostics.model import CompilerBug
from gencompiler.diagnostics.span import Span
from tests.cli.conftest import Genc

HEAVY = {"torch", "triton", "sympy", "matplotlib", "jinja2", "z3", "pytest", "sklearn", "numpy"}


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*arguments: object, **keywords: object) -> None:
        raise error

    monkeypatch.setattr("gencompiler.pipeline.run", fail)


def test_an_interrupt_is_status_130_without_a_traceback(
    genc: Genc, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, KeyboardInterrupt())
    result = genc("check", "specs/flow.gen")
    assert (result.status, result.out) == (130, "")
    assert result.err in ("", "interrupted\n")


def test_a_bug_is_status_70_with_a_dump(
    genc: Genc, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "cache"))
    _failing(monkeypatch, ZeroDivisionError("a proof divided by zero"))
    result = genc("check", "specs/flow.gen")
    assert result.status == 70
    assert "a bug in the compiler" in result.err
    assert "Traceback" not in result.err
    (dump,) = (tmp_path / "cache" / "bugs").iterdir()
    assert str(dump) in result.err
    text = dump.read_text(encoding="utf-8")
    for part in ("genc check specs/flow.gen", "Traceback", "a proof divided by zero", "bijection Scale", "python 3."):
        assert part in text


def test_a_bug_names_pass_and_place(genc: Genc, specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, CompilerBug("lower", "a node without a type", Span("specs/flow.gen", 40, 47)))
    result = genc("check", "specs/flow.gen")
    assert result.status == 70
    assert "lower: a node without a type" in result.err
    assert "characters 40 to 47 of specs/flow.gen" in result.err


def test_a_bug_is_reported_even_where_nothing_can_be_written(
    genc: Genc, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    _failing(monkeypatch, ZeroDivisionError("a proof divided by zero"))
    result = genc("check", "specs/flow.gen")
    assert result.status == 70
    assert "Traceback" in result.err


def test_a_full_disk_is_status_5(genc: Genc, specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, OSError(28, "No space left on device", "generated"))
    result = genc("build", "specs/flow.gen")
    assert (result.status, result.err) == (5, "error[G804]: generated: No space left on device\n")


def test_a_bad_variable_is_status_2(genc: Genc, specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_DEBUG", "very")
    result = genc("check", "specs/flow.gen")
    assert result.status == 2
    assert "GENC_DEBUG" in result.err


def test_errors_of_json_commands_are_json(genc: Genc, specs: Path) -> None:
    result = genc("dump", "broken.gen", "--stage", "rows", "--json")
    assert result.status == 1
    found = json.loads(result.out)
    assert not found["ok"]
    assert found["exit_status"] == 1
    assert found["diagnostics"][0]["labels"][0]["source"] == "broken.gen"


#: Where this very compiler is, for processes that start in other folders.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}


def _process(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=ENVIRONMENT)


def test_check_starts_without_the_heavy_libraries(specs: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom gencompiler.cli import main\nstatus = main(sys.argv[1:])\n"
        "print('modules', *sorted({m.split('.')[0] for m in sys.modules}))\nsys.exit(status)"
    )
    done = _process([sys.executable, "-c", code, "check", "specs"], tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert "gencompiler" in loaded
    assert loaded & HEAVY == set()


def test_help_and_errors_start_without_the_heavy_libraries(specs: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom gencompiler.cli import main\n"
        "main(['--help']), main(['check', 'broken.gen']), main(['explain', 'G402']), main(['nothing'])\n"
        "print('modules', *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = _process([sys.executable, "-c", code], tmp_path)
    assert set(done.stdout.splitlines()[-1].split()[1:]) & HEAVY == set()


def test_python_m_gencompiler_is_genc(tmp_path: Path) -> None:
    done = _process([sys.executable, "-m", "gencompiler", "--version"], tmp_path)
    assert done.stdout.startswith("gencompiler ")


def test_a_reader_that_goes_away_is_no_error(specs: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m gencompiler dump specs/flow.gen --stage surface --json | head -c 1"
    done = _process(["bash", "-c", command], tmp_path)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_main_returns_and_never_raises() -> None:
    assert cli.main(["explain", "G402"]) == 0
    assert cli.main(["--no-such-option"]) == 2


@pytest.mark.slow
def test_an_interrupted_run_can_be_resumed(specs: Path, rows: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gencompiler", "train", "specs/flow.gen", "--data", str(rows), "-o", "mine"]
    command += ["--batch", "8", "--epochs", "100000"]
    process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    metrics, waited = tmp_path / "mine" / "metrics.csv", 0.0
    while not (metrics.is_file() and len(metrics.read_text().splitlines()) > 3) and waited < 120:
        time.sleep(0.1)
        waited += 0.1
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    done = len(metrics.read_text().splitlines()) - 1
    resumed = _process([*command[:-1], str(done + 2), "--resume"], tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert len(metrics.read_text().splitlines()) - 1 == done + 2
