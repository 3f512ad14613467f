"""Sequences of varying length as columns of a data set: padded with zeros, beside a column of lengths.

A field with a run-time length, `x : Category(26)[T]`, is stored `[rows, longest, …]`; what lies beyond a row's own
length is 0.  It may come as an array that is at least as long as its rows, or as a list of sequences, whose lengths are
then those of the field `T` where no column says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field

Array = NDArray[np.generic]


def stacked(columns: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """The columns, with those that are lists of sequences, of fields with a length, as arrays beside their lengths."""
    found = dict(columns)
    for field in (f for f in fields if f.length and isinstance(found.get(f.name), list | tuple)):
        rows = [np.asarray(row) for row in found[field.name]]
        longest = max((len(row) for row in rows), default=0)
        inner = next((row.shape[1:] for row in rows if len(row)), field.shape[1:])
        if any(row.shape[1:] != inner for row in rows if len(row)):
            raise RunError("G801", f"the sequences of `{field.name}` differ in more than their length")
        whole = np.zeros((len(rows), longest, *inner), dtype=np.result_type(*rows) if rows else np.float64)
        for place, row in enumerate(rows):
            whole[place, : len(row)] = row
        found[field.name] = whole
        found.setdefault(field.length, np.array([len(row) for row in rows]))
    return found


def padded(columns: Mapping[str, Array], fields: Sequence[Field], name: str) -> dict[str, Array]:
    """The columns, with those of fields with a length as long as the longest may be, and 0 beyond each row's own.

    Raises RunError G801 where a row is shorter than it says."""
    found = dict(columns)
    for field in (f for f in fields if f.length):
        array, lengths = found[field.name], found[field.length].reshape(-1)
        inner = field.size // field.shape[0]
        size = int(np.prod(array.shape[1:]))
        if size % inner or len(array) != len(lengths):
            continue  # what `check` reports
        width = size // inner
        if len(lengths) and lengths.max() > width:
            row = int(lengths.argmax())
            said = f"`{field.length}` says {lengths[row]}"
            message = f"{name}: row {row} of `{field.name}` has {width} elements, and {said}"
            raise RunError("G801", message, f"`{field.length}` counts the elements of a row that are there")
        kept = min(width, field.shape[0])
        whole = np.zeros((len(array), field.shape[0], inner), dtype=array.dtype)
        whole[:, :kept] = array.reshape(len(array), width, inner)[:, :kept]
        whole[np.arange(field.shape[0]) >= lengths[:, None]] = 0
        found[field.name] = whole.reshape(len(array), *field.shape)
    return found
