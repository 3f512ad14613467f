"""Files that are either whole or not there: written beside their place, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gencompiler.runtime.errors import RunError

_PREFIX = ".writing-"


def write(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, atomically; a failure (disk full, no permission) leaves what was there.

    Raises RunError G804."""
    with refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=_PREFIX, suffix=path.suffix, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _flush_directory(path.parent)


def remove_remains(directory: Path) -> None:
    """Delete what a killed process left half-written in `directory`."""
    for remains in sorted(directory.glob(f"{_PREFIX}*")):
        with contextlib.suppress(OSError):
            remains.unlink()


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write `path` into RunError G804."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            "G804", f"{path} cannot be written: {reason}", "free disk space or choose another `--out`"
        ) from error


def _flush_directory(directory: Path) -> None:
    """Make a rename survive a power cut, where the system lets a directory be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
