"""Every environment variable that the runtime reads, in one place; each is read when it is used, never at import."""

from __future__ import annotations

import os
from pathlib import Path

from gencompiler.runtime.errors import RunError

BACKENDS = ("auto", "torch", "triton", "native")


def backend() -> str:
    """GENC_BACKEND: `auto` (Triton on CUDA, C on a CPU with a compiler, torch elsewhere), `torch`, `native`, or `triton`
    (also under TRITON_INTERPRET=1)."""
    value = os.environ.get("GENC_BACKEND", "auto")
    if value not in BACKENDS:
        raise RunError("G801", f"GENC_BACKEND is {value!r}", f"use one of {', '.join(BACKENDS)}")
    return value


def interpreting() -> bool:
    """TRITON_INTERPRET, triton's own: whether kernels run without a GPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def native_wanted() -> str:
    """GENC_NATIVE, what the C compiler is used for: 1 for all it can do, `words` for random words, 0 for nothing."""
    value = os.environ.get("GENC_NATIVE", "1")
    return value if value in ("0", "words") else "1"


def cache_directory() -> Path:
    """GENC_CACHE: what has been compiled once; by default `gencompiler` in the user's cache."""
    own, base = os.environ.get("GENC_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own).expanduser() if own else Path(base or "~/.cache").expanduser() / "gencompiler"


def threads() -> int | None:
    """GENC_THREADS: threads of torch in the commands; None for `auto`, which `runtime.threads` decides."""
    value = os.environ.get("GENC_THREADS", "auto")
    if value == "auto":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise RunError("G801", f"GENC_THREADS is {value!r}", "use auto, or a number from 1 on")
    return int(value)


def threads_of_openmp() -> bool:
    """OMP_NUM_THREADS, OpenMP's own: whether it is set, and torch goes by it."""
    return bool(os.environ.get("OMP_NUM_THREADS"))


def runs_directory() -> Path:
    """GENC_RUNS: where runs are kept when no directory is named; `runs` in the current directory."""
    return Path(os.environ.get("GENC_RUNS", "runs"))


def progress_wanted() -> bool | None:
    """GENC_PROGRESS: 1 always shows the progress bar, 0 never; otherwise (None) it shows on a terminal."""
    return {"1": True, "0": False}.get(os.environ.get("GENC_PROGRESS", ""))


def data_directory() -> Path | None:
    """GENC_DATA: the directory of data sets that are not shipped (`mnist.npz`); None where there is none."""
    value = os.environ.get("GENC_DATA")
    return Path(value) if value else None


def processes() -> int:
    """WORLD_SIZE, torchrun's: how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_number() -> int:
    """RANK, torchrun's: which of them this is, from 0."""
    return int(os.environ.get("RANK", "0")) if processes() > 1 else 0


def local_process_number() -> int:
    """LOCAL_RANK, torchrun's: which of those on this machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
