"""The whole compiler on random valid specs: what checks must compile, keep its certificate, and have its properties.

Each strategy's specs go through every pass; the certificate is replayed; the emitted model must have every property
that applies to it; and the kernels of all of them are compared with torch in one interpreter process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

import gencompiler
from gencompiler import pipeline
from gencompiler.checks.certificate import recheck
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.write import write_package
from gencompiler.model.hash import model_hash
from gencompiler.settings import Settings
from gencompiler.testing import spec_mechanisms, spec_strategies
from gencompiler.testing.properties import Effort, applicable

STRATEGIES = {
    "autoregressive": spec_strategies.autoregressive,
    "flows": spec_strategies.flows,
    "chains": spec_strategies.chains,
    "latents": spec_strategies.latents,
    "marginals": spec_mechanisms.marginals,
    "noisy_equations": spec_mechanisms.noisy_equations,
    "written_objectives": spec_mechanisms.written_objectives,
    "diffusions": spec_mechanisms.diffusions,
    "adversaries": spec_mechanisms.adversaries,
}

#: Statistical tests in all of these examples together, at most; their false alarms share 1e-6.
TESTS = 1000
EFFORT = Effort(examples=1, cases=1, samples=0.1, alpha=1e-6 / TESTS)


def random_specs(name: str, count: int) -> list[str]:
    """`count` specs of one strategy, the same ones in every run."""
    found: list[str] = []
    strategy: SearchStrategy[str] = STRATEGIES[name]()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("GENC_CACHE")
    os.environ["GENC_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    yield
    os.environ.pop("GENC_CACHE") if before is None else os.environ.update(GENC_CACHE=before)


@pytest.mark.parametrize("count", [4, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_valid_spec_passes_every_pass_and_its_certificate_replays(name: str, count: int) -> None:
    for text in random_specs(name, count):
        done = pipeline.run(SourceText("random.gen", text), settings=Settings(verify=True))
        statuses = {verdict.status for verdict in done.checked.verdicts}
        assert statuses <= {"proved", "assumed"}, text
        assert recheck(done.files["certificate.json"], done.derived, model_hash(done.model)) == [], text


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_valid_spec_has_the_properties_of_its_mechanism(name: str) -> None:
    for text in random_specs(name, 4):
        kind = gencompiler.compile(text)
        properties = [prop for prop in applicable(kind()) if prop.name != "backends"]
        assert properties, text
        for prop in properties:
            try:
                prop.check(kind, EFFORT)
            except AssertionError as failure:
                raise AssertionError(f"{prop}: {failure}\n{text}") from failure


COMPARE = """
import sys
from pathlib import Path
from gencompiler.testing.interpreter import differences, import_package
from gencompiler.testing.strategies import Perturbation

for folder in sorted(Path(sys.argv[1]).iterdir()):
    kind = getattr(import_package(f"random_{folder.name}", folder), (folder / "class.txt").read_text())
    found = differences(Perturbation(0.3, 0).apply(kind()), 33, 7)
    print(f"{folder.name}: {'; '.join(found) or 'same'}")
"""


def compare_back_ends(specs: list[str], folder: Path) -> dict[str, str]:
    """What differs between torch and the interpreted kernels of each spec, by number; "same" where nothing does."""
    for number, text in enumerate(specs):
        done = pipeline.run(SourceText("random.gen", text))
        package = write_package(done.files, folder, f"m{number:03d}")
        (package / "class.txt").write_text(done.model.name, encoding="utf-8")
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", COMPARE, str(folder)]
    done_ = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done_.returncode == 0, done_.stderr[-4000:]
    return dict(line.split(": ", 1) for line in done_.stdout.splitlines())


@pytest.mark.slow
def test_both_printers_agree_on_valid_specs(tmp_path: Path) -> None:
    specs = [text for name in STRATEGIES for text in random_specs(name, 3)]
    found = compare_back_ends(specs, tmp_path)
    assert len(found) == len(specs)
    wrong = [f"{found[key]}\n{text}" for key, text in zip(sorted(found), specs, strict=True) if found[key] != "same"]
    assert not wrong, "\n".join(wrong)


def test_a_changed_kernel_of_a_random_spec_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = random_specs("autoregressive", 3)[-1]
    write = write_package

    def planted(files: dict[str, str], folder: Path, name: str) -> Path:
        changed = files["kernels.py"].replace("log_p = log_p + ", "log_p = log_p + 0.01 + ")
        assert changed != files["kernels.py"]
        return write({**files, "kernels.py": changed}, folder, name)

    monkeypatch.setitem(globals(), "write_package", planted)
    assert "log_prob" in compare_back_ends([text], tmp_path)["m000"]
