"""Every environment variable that the runtime reads, in one place; each is read when it is used, never at import."""

from __future__ import annotations

import os
from pathlib import Path

from gencompiler.runtime.errors import RunError

BACKENDS = ("auto", "torch", "triton")


def backend() -> str:
    """GENC_BACKEND: `auto` (Triton on CUDA, torch elsewhere), `torch`, or `triton` (also under TRITON_INTERPRET=1)."""
    value = os.environ.get("GENC_BACKEND", "auto")
    if value not in BACKENDS:
        raise RunError("G801", f"GENC_BACKEND is {value!r}", f"use one of {', '.join(BACKENDS)}")
    return value


def interpreting() -> bool:
    """TRITON_INTERPRET, triton's own: whether kernels run without a GPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def runs_directory() -> Path:
    """GENC_RUNS: where runs are kept when no directory is named; `runs` in the current directory."""
    return Path(os.environ.get("GENC_RUNS", "runs"))


def progress_wanted() -> bool | None:
    """GENC_PROGRESS: 1 always shows the progress bar, 0 never; otherwise (None) it shows on a terminal."""
    return {"1": True, "0": False}.get(os.environ.get("GENC_PROGRESS", ""))
