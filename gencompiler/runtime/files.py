"""Arrays out of files (.npz, .npy, .csv, .parquet), and what identifies their content."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gencompiler.runtime.errors import RunError

Array = NDArray[np.generic]


def read(path: Path) -> dict[str, dict[str, Array]]:
    """The arrays of a file: `{"all": {...}}`, or `{"train": {"x": ...}, "test": {...}}` when it has x_train and
    x_test."""
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise RunError("G802", f"{path}: unknown kind of file", f"known: {', '.join(_READERS)}")
    if not path.is_file():
        raise RunError("G802", f"{path} does not exist", "check the path; data is never downloaded")
    try:
        arrays = reader(path)
    except RunError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            "G802", f"{path} cannot be read: {error}", "the file may be damaged or of another kind"
        ) from error
    split: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        base, _, part = name.rpartition("_")
        if part in ("train", "valid", "test") and base:
            split.setdefault(part, {})[base] = array
    return split if "train" in split else {"all": arrays}


def _npz(path: Path) -> dict[str, Array]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _npy(path: Path) -> dict[str, Array]:
    with path.open("rb") as file:
        return {"x": np.load(file, allow_pickle=False)}


def _csv(path: Path) -> dict[str, Array]:
    """All columns side by side as `x`; a first line that is not all numbers is a header."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.reader(file) if line]
    start = 1 if lines and not all(_is_number(cell) for cell in lines[0]) else 0
    for number, line in enumerate(lines[start:], start + 1):
        if len(line) != len(lines[start]):
            raise RunError("G802", f"{path}:{number}: {len(line)} columns, the lines before have {len(lines[start])}")
        for column, cell in enumerate(line, 1):
            if not _is_number(cell):
                what = f"`{cell}` is not a number" if cell.strip() else "an empty cell"
                raise RunError("G802", f"{path}:{number}: column {column}: {what}", "fill or drop such lines")
    if not lines[start:]:
        raise RunError("G802", f"{path} has no rows", "give one line of numbers for each row")
    rows = [[float(cell) for cell in line] for line in lines[start:]]
    return {"x": np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parquet(path: Path) -> dict[str, Array]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise RunError("G802", f"{path}: reading parquet needs pyarrow", "pip install 'gencompiler[data]'") from error
    table = parquet.read_table(path)
    return {"x": np.stack([column.to_numpy() for column in table.columns], axis=1)}


_READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".csv": _csv,
    ".parquet": _parquet,
}


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and values, hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
