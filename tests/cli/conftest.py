"""A spec small enough to train in a moment, and `genc` as a function."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gencompiler.cli import main

FLOW = '''"""A scaled normal: nobody, 2026."""
bijection Scale(u : Real | m : Real, s : Positive) -> Real = m + s * u
model Scaled(D = 2) {
  observed x : Real[D]
  latent z : Real[D]

  p(z) = Normal(0, 1)
  x = z |> Scale

  train maximum_likelihood with { data = moons  epochs = 2  batch = 32 }
}
'''
CHAIN = '''"""A walk: nobody, 2026."""
model Walk(eps = 0.5) {
  observed x : Real[1]
  p(x) ∝ exp(-U(x))
  def U(x : Real[1]) -> Real = 0.5 * x[0]^2
  transition walk(x' | x) { y ~ Normal(x, sqrt(2 * eps))   x' = metropolis(y) }
  claim stationary(walk, p)
  sample chain(walk, burn_in = 50, thin = 2)
}
'''
BROKEN = FLOW.replace("s : Positive", "s : Real")
UNSUPPORTED = FLOW.replace("p(z) = Normal(0, 1)", "p(z[i] | z[<i]) = Normal(transformer(z[<i]), 1)")


@dataclasses.dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


Genc = Callable[..., Result]


@pytest.fixture
def genc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Genc:
    """`genc("check", path)` in a fresh folder with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENC_PROGRESS", "0")
    for name in ("GENC_DEBUG", "GENC_VERIFY", "GENC_RUNS", "GENC_ALLOW_UNKNOWN", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder `specs` with a flow, a chain, a spec that is wrong and one that is not supported yet."""
    folder = tmp_path / "specs"
    folder.mkdir()
    for name, text in (("flow", FLOW), ("walk", CHAIN)):
        (folder / f"{name}.gen").write_text(text, encoding="utf-8")
    for name, text in (("broken", BROKEN), ("unsupported", UNSUPPORTED)):
        (tmp_path / f"{name}.gen").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Sixty rows of data for the flow."""
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.random.default_rng(0).normal(size=(60, 2)) * 3 + 1)
    return path
