"""Generated packages on disk compared with what would be written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gencompiler.emit.write import is_generated

#: Left by tools in a package's folder; not compared.
IGNORED = frozenset({"__pycache__", ".hypothesis", ".pytest_cache"})


def differences(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What distinguishes `folder` from `files`, a line each; nothing where they are the same byte for byte."""
    if not folder.is_dir():
        return [f"{folder} does not exist"]
    found = []
    for name, text in sorted(files.items()):
        path = folder / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif path.read_bytes() != text.encode("utf-8"):
            found.append(f"{path} differs{_first_difference(path, text)}")
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.as_posix() not in files and not IGNORED.intersection(inside.parts):
            found.append(f"{path} does not belong there")
    return found


def _first_difference(path: Path, text: str) -> str:
    old = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, (left, right) in enumerate(zip(old, text.splitlines(), strict=False), start=1):
        if left != right:
            return f" from line {number} on"
    return " in its length or line endings"


def strangers(folder: Path, names: set[str]) -> list[str]:
    """The packages in `folder` that no spec stands behind."""
    if not folder.is_dir():
        return []
    packages = sorted(f for f in folder.iterdir() if f.is_dir() and any(f.iterdir()) and is_generated(f))
    return [f"{package} belongs to no spec" for package in packages if package.name not in names]
