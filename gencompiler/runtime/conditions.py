"""Values of given variables as the command line says them: `y=3`, `y=0,1,2`, `y=labels.npy`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gencompiler.runtime import files
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model


def context(model: Model, texts: Sequence[str], rows: int) -> dict[str, Tensor] | None:
    """The given variables of `rows` rows, `[rows, *shape]` by name; None for a model that has none.

    A text is `NAME=VALUES`: numbers separated by commas for a scalar, or an .npy file; where they are fewer than the
    rows they come again.  Raises RunError G801 for a variable that is missing, unknown, or outside its support."""
    said = dict(_parted(text) for text in texts)
    known = {field.name: field for field in model.given}
    name = type(model).__name__
    for unknown in said.keys() - known.keys():
        advice = f"its given variables: {', '.join(known) or 'none'}"
        raise RunError("G801", f"{name} has no given variable `{unknown}`", advice)
    for field in known.values():
        if field.name not in said:
            raise RunError("G801", f"{name} needs a value of the given `{field.name}`", f"--given {field.name}=VALUE")
    return {field.name: _values(field, said[field.name], rows) for field in known.values()} or None


def _parted(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise RunError("G801", f"`{text}` gives no variable a value", "write NAME=VALUE")
    return name.strip(), values.strip()


def _values(field: Field, text: str, rows: int) -> Tensor:
    if Path(text).suffix == ".npy":
        array = np.asarray(files.read(Path(text))["all"]["x"])
    else:
        try:
            array = np.array([float(word) for word in text.split(",")])
        except ValueError as error:
            raise RunError("G801", f"`{field.name}={text}`: not a number", "numbers, or an .npy file") from error
    if not len(array) or int(np.prod(array.shape[1:])) != field.size:
        advice = "give an .npy file with one row for each value"
        raise RunError("G801", f"a value of `{field.name}` has {field.size} numbers, not {array[:1].size}", advice)
    values = torch.from_numpy(array.astype(np.float64)).reshape(-1, *field.shape)
    if not bool(field.support.contains(values).all()):
        raise RunError("G801", f"`{field.name}={text}` is not {field.support}", f"the spec declares {field}")
    return values[torch.arange(rows) % len(values)]
