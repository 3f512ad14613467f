"""Every option of the compiler and every `GENC_*` environment variable, in one place.

An option is a field of `Settings`; its metadata names the environment variable that sets it and says in a line what it
does (`genc doctor` prints the table).  What changes from call to call (`-D`, `--seed`, `--epochs`) belongs to the
commands, not here.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "": False,
}


class SettingsError(ValueError):
    """An environment variable whose value cannot be used; a usage error of the command line."""


def _variable(name: str, read: Callable[[str], Any], doc: str) -> dict[str, Any]:
    """Metadata of an option: the variable that sets it, how its text is read, and what it does."""
    return {"variable": name, "read": read, "doc": doc}


def _flag(text: str) -> bool:
    value = _FLAGS.get(text.strip().lower())
    if value is None:
        raise ValueError("1 or 0")
    return value


def _level(text: str) -> int:
    if text.strip() not in {"", "0", "1", "2", "3", "4"}:
        raise ValueError("a number from 0 to 4")
    return int(text.strip() or 0)


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a folder")
    return Path(text).expanduser()


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "gencompiler"


@dataclasses.dataclass(frozen=True)
class Settings:
    """The compiler's options."""

    debug: int = dataclasses.field(
        default=0,
        metadata=_variable(
            "GENC_DEBUG",
            _level,
            "0 to 4: 1 times every pass, 2 also prints the model, 3 what was derived and checked, 4 row programs",
        ),
    )
    verify: bool = dataclasses.field(
        default=False, metadata=_variable("GENC_VERIFY", _flag, "1: verify every tree between passes")
    )
    allow_unknown: bool = dataclasses.field(
        default=False,
        metadata=_variable(
            "GENC_ALLOW_UNKNOWN", _flag, "1: what is neither proved nor refuted is a warning, as with --allow-unknown"
        ),
    )
    cache: Path = dataclasses.field(
        default_factory=_default_cache,
        metadata=_variable(
            "GENC_CACHE", _path, "folder of what can be made again: parse tables, packages, dumps of bugs"
        ),
    )
    runs: Path = dataclasses.field(
        default=Path("runs"), metadata=_variable("GENC_RUNS", _path, "folder in which a run gets its own folder")
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """The settings that `environment` (default: the process's) asks for; `overrides` win, except None.

        Raises SettingsError for a value that cannot be read."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            variable = field.metadata["variable"]
            if variable not in environment:
                continue
            try:
                values[field.name] = field.metadata["read"](environment[variable])
            except ValueError as expected:
                raise SettingsError(f"{variable} must be {expected}, got {environment[variable]!r}") from None
        given = {name: value for name, value in overrides.items() if value is not None}
        return cls(**{**values, **given})


#: Variables that a generated package reads as well.  It runs without the compiler, so `runtime.settings` reads them.
RUNTIME_VARIABLES = (
    ("GENC_BACKEND", "auto, torch, native or triton: what runs row programs; auto takes Triton on CUDA, C on a CPU"),
    (
        "GENC_THREADS",
        "threads of torch in the commands that run a model; auto takes OMP_NUM_THREADS, else 1 for small models",
    ),
    ("GENC_DATA", "folder of data sets that are not shipped: `mnist` is mnist.npz there"),
    ("GENC_NATIVE", "what a C compiler is used for: 1 all it can do, words random words alone, 0 nothing"),
    ("GENC_PROGRESS", "1 always shows a progress bar, 0 never; otherwise it shows on a terminal"),
)


def variables() -> tuple[tuple[str, str], ...]:
    """(name, what it does) of every environment variable, in a fixed order."""
    own = tuple((f.metadata["variable"], f.metadata["doc"]) for f in dataclasses.fields(Settings))
    return (*own, *RUNTIME_VARIABLES)
