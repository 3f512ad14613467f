"""The C compiler of the machine, where there is one: random words, and the C functions of packages.

What is compiled is kept in the cache under a name that says from what, by which compiler and for which processor; so it
is compiled once, in about a second.  Without a compiler, or with GENC_NATIVE=0, torch computes everything, and nothing
else changes.
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

#: What all is compiled with: arithmetic is IEEE's, and rounds as torch's does.
COMMON = ("-std=gnu11", "-shared", "-fPIC", "-ffp-contract=off")

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
    """The compiled function of random words; None without a compiler, or where GENC_NATIVE is 0."""
    command = compiler()
    if command is None:
        return None
    try:
        function = loaded(command, SOURCE).uniforms
    except (OSError, subprocess.SubprocessError):
        return None
    pointer = ctypes.c_void_p
    function.argtypes = [ctypes.c_uint64, pointer, pointer, pointer, pointer, pointer]
    function.restype = None
    return function


def compiler() -> str | None:
    """The C compiler: CC, else `cc`; None where there is none, or where GENC_NATIVE is 0."""
    return shutil.which(os.environ.get("CC", "cc")) if settings.native_wanted() != "0" else None


def loaded(
    command: str, source: Path, *, define: str = "", headers: Sequence[Path] = (), more: Sequence[str] = ()
) -> ctypes.CDLL:
    """The library compiled from `source`, from the cache or made now; `define` chooses a part of it, `more` are flags
    that a compiler may lack.

    Raises OSError, or subprocess.SubprocessError from a compiler that fails or takes too long."""
    texts = [each.read_bytes() for each in (source, *headers)]
    status = os.stat(command)
    told = f"{command} {status.st_size} {status.st_mtime_ns} {define} {FLAGS} {COMMON} {more}"
    key = hashlib.sha256(b"\0".join((*texts, told.encode(), _processor()))).hexdigest()[:16]
    options = [*([f"-D{define}"] if define else []), *(f"-I{each.parent}" for each in headers)]
    try:
        folder = _folder()
        path = folder / f"{(define or source.stem).lower()}-{key}.so"
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder) as aside:
                made = Path(aside) / "made.so"
                _compile(command, source, made, options, more)
                made.replace(path)
        return ctypes.CDLL(str(path))
    except PermissionError:  # a cache that cannot be written to: for this process alone
        with tempfile.TemporaryDirectory() as aside:
            made = Path(aside) / "made.so"
            _compile(command, source, made, options, more)
            return ctypes.CDLL(str(made))


def _folder() -> Path:
    folder = settings.cache_directory() / "native"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise OSError(f"{folder} belongs to someone else")
    return folder


def _compile(command: str, source: Path, target: Path, options: Sequence[str], more: Sequence[str]) -> None:
    attempts = [(*flags, *more) for flags in FLAGS] + ([FLAGS[-1]] if more else [])
    for place, flags in enumerate(attempts):
        words = [command, *flags, *COMMON, *options, str(source), "-lm", "-o", str(target)]
        try:
            subprocess.run(words, check=True, capture_output=True, timeout=TIME_LIMIT)
            return
        except subprocess.CalledProcessError:
            if place == len(attempts) - 1:
                raise


@functools.cache
def _processor() -> bytes:
    """What the code is compiled for: a cache may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.system()} {platform.machine()} {platform.processor()} {flags}".encode()
