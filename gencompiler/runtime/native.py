"""Random words by a C compiler, where there is one: the same numbers as torch's, bit for bit, some ten times sooner.

Philox is a hundred operations on integers, which torch makes passes over memory of.  So `philox.c` is compiled once, in
about a second, by the `cc` of the machine, and kept in the cache under a name that says from what and for which
processor.  Without a compiler, or with GENC_NATIVE=0, torch computes the words; nothing else changes.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gencompiler.runtime import settings

SOURCE = Path(__file__).with_name("philox.c")

#: Flags to try, the best first: not every compiler knows the first.
FLAGS = (("-O3", "-march=native"), ("-O3",))

#: Seconds that compiling may take.
TIME_LIMIT = 60


def uniforms(seed: int, counters: Sequence[Tensor | int], words: int) -> tuple[Tensor, ...] | None:
    """Float32 uniforms of the first words, one or two, at counters that broadcast to three axes at most.

    None where torch has to compute them: on a GPU, while a graph is traced, or without a compiler."""
    tensors = [each for each in counters if isinstance(each, Tensor)]
    if torch.compiler.is_compiling() or any(type(t) is not Tensor or t.device.type != "cpu" for t in tensors):
        return None
    function = library()
    if function is None:
        return None
    shape = torch.broadcast_shapes(*(t.shape for t in tensors)) if tensors else torch.Size()  # type: ignore[no-untyped-call]
    if len(shape) > 3:
        return None
    long = tuple(size for size in shape if size != 1)  # the last axis is the fastest
    grid = (*[1] * (3 - len(long)), *long)
    given = [torch.as_tensor(each, dtype=torch.int64).expand(shape).reshape(grid) for each in counters]
    found = [torch.empty(shape, dtype=torch.float32) for _ in range(words)]
    function(
        seed,
        (ctypes.c_int64 * 3)(*grid),
        (ctypes.c_void_p * 4)(*(each.data_ptr() for each in given)),
        (ctypes.c_int64 * 12)(*(step for each in given for step in each.stride())),
        found[0].data_ptr(),
        found[1].data_ptr() if words > 1 else None,
    )
    return tuple(found)


@functools.cache
def library() -> ctypes._NamedFuncPointer | None:
    """The compiled function; None without a compiler, or where GENC_NATIVE is 0."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not settings.native_wanted() or compiler is None:
        return None
    try:
        function = ctypes.CDLL(str(_compiled(compiler))).uniforms
    except (OSError, subprocess.SubprocessError):
        return None
    pointer = ctypes.c_void_p
    function.argtypes = [ctypes.c_uint64, pointer, pointer, pointer, pointer, pointer]
    function.restype = None
    return function


def _compiled(compiler: str) -> Path:
    """The shared object, from the cache or made now."""
    source = SOURCE.read_bytes()
    key = hashlib.sha256(b"\0".join((source, compiler.encode(), _processor()))).hexdigest()[:16]
    folder = settings.cache_directory() / "native"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise OSError(f"{folder} belongs to someone else")
    path = folder / f"philox-{key}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            made = Path(aside) / "philox.so"
            _compile(compiler, made)
            made.replace(path)
    return path


def _compile(compiler: str, target: Path) -> None:
    shared = ["-std=c11", "-shared", "-fPIC", "-ffp-contract=off", str(SOURCE), "-o", str(target)]
    for place, flags in enumerate(FLAGS):
        try:
            subprocess.run([compiler, *flags, *shared], check=True, capture_output=True, timeout=TIME_LIMIT)
            return
        except subprocess.CalledProcessError:
            if place == len(FLAGS) - 1:
                raise


def _processor() -> bytes:
    """What the code is compiled for: a cache may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.system()} {platform.machine()} {platform.processor()} {flags}".encode()
