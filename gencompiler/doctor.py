"""`genc doctor`: whether this machine has what the compiler needs, found out by trying."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gencompiler.settings import Settings, variables

#: Distribution -> what it is for; the first group is required, the second belongs to extras.
REQUIRED = {
    "torch": "runs generated packages",
    "lark": "reads specs",
    "pydantic": "checks trees",
    "jinja2": "writes generated packages and reports",
    "numpy": "holds data",
    "safetensors": "holds weights",
    "typer": "this command line",
    "rich": "this command line",
    "python-flint": "proves",
    "matplotlib": "draws reports",
}
OPTIONAL = {
    "triton": "fused kernels (Linux only)",
    "pyarrow": "reads parquet, extra [data]",
    "scikit-learn": "more data sets, extra [data]",
    "arviz": "more diagnostics of chains, extra [mcmc]",
    "pytest": "runs `genc test`, extra [test]",
    "hypothesis": "runs `genc test`, extra [test]",
}

#: The smallest spec that goes through the whole compiler: a flow with one learned scale.
SELF_CHECK = '''"""A scaled normal variable."""
bijection Scale(u : Real | s : Positive) -> Real = s * u
model SelfCheck(D = 2) {
  observed x : Real[D]
  latent z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> Scale
  train maximum_likelihood
}
'''


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: `status` is ok, missing (an option that is not there) or failed."""

    subject: str
    status: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Everything `genc doctor` found; well unless something failed."""

    findings: tuple[Finding, ...]
    variables: tuple[tuple[str, str], ...]

    @property
    def well(self) -> bool:
        return all(finding.status != "failed" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.well,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "variables": [{"name": name, "does": words} for name, words in self.variables],
        }


def diagnose(settings: Settings, *, self_check: bool = True) -> Diagnosis:
    """Look at versions, devices and folders, and (unless told not to) compile and run a small spec."""
    findings = [Finding("python", "ok", f"{platform.python_version()} ({sys.executable})"), *_versions()]
    findings.append(_attempt("devices", _devices))
    findings.append(_compiler())
    findings.append(_attempt("cache folder", lambda: _writable(settings.cache)))
    if self_check:
        findings.append(_attempt("compile and run", _self_check))
    return Diagnosis(tuple(findings), variables())


def _versions() -> list[Finding]:
    found = []
    for names, absent in ((REQUIRED, "failed"), (OPTIONAL, "missing")):
        for name, purpose in names.items():
            try:
                found.append(Finding(name, "ok", importlib.metadata.version(name)))
            except importlib.metadata.PackageNotFoundError:
                found.append(Finding(name, absent, f"not installed; {purpose}"))
    return found


def _attempt(subject: str, look: Callable[[], str]) -> Finding:
    """Whatever goes wrong while looking is the finding: a doctor must not fall ill."""
    try:
        return Finding(subject, "ok", look())
    except Exception as error:
        return Finding(subject, "failed", f"{type(error).__name__}: {error}")


def _devices() -> str:
    import torch

    threads = f"cpu with {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        return f"{threads}; no CUDA device"
    devices = (torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count()))
    return "; ".join(
        [threads, *(f"{d.name}, {d.total_memory / 2**30:.0f} GiB, sm_{d.major}{d.minor}" for d in devices)]
    )


def _compiler() -> Finding:
    """The C compiler that runs row programs on a CPU, tried on the random words that all draws need."""
    from gencompiler.runtime import native

    command = native.compiler()
    if command is None:
        return Finding("C compiler", "missing", "none (CC, cc), or GENC_NATIVE is 0; torch runs everything on a CPU")
    if native.library() is None:
        return Finding("C compiler", "missing", f"{command} compiles nothing; torch runs everything on a CPU")
    return Finding("C compiler", "ok", command)


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder):
        return str(folder)


def _self_check() -> str:
    """Compile `SELF_CHECK` and compare its log density with the closed form, Normal(0, 1) at the initial scale of 1."""
    import math

    import torch

    import gencompiler

    start = time.perf_counter()
    model = gencompiler.compile(SELF_CHECK)()
    compiled = time.perf_counter() - start
    x = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    expected = -0.5 * (x**2).sum(1) - math.log(2 * math.pi)
    difference = float((model.log_prob(x).detach() - expected).abs().max())
    if not difference < 1e-5:  # NaN is not less, either
        raise ArithmeticError(f"the log density of the self-check is off by {difference}")
    rows = model.sample(3)
    if tuple(rows.shape) != (3, 2):
        raise ArithmeticError(f"the self-check drew {tuple(rows.shape)} instead of (3, 2)")
    return f"a small flow compiled in {compiled:.2f} s and agrees with its closed form"
