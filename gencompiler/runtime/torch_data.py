"""Torch's `Dataset` and `DataLoader` as sources of rows, map-style or iterable.

They are read once from beginning to end, in their own order, because a row's random draws are keyed by its number and a
run that is resumed must meet the same rows: random augmentation is drawn once, and a loader should not shuffle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, IterableDataset

from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field

Array = NDArray[np.generic]
Source: TypeAlias = Dataset[Any] | DataLoader[Any]

#: Rows after which a source is taken to have no end.
LIMIT = 50_000_000


def is_source(source: object) -> bool:
    """Whether this is a data set or a loader of torch's."""
    return isinstance(source, (Dataset, DataLoader))


def columns(source: Any, fields: Sequence[Field]) -> dict[str, Array]:
    """All rows as arrays by name.

    An item (of a loader: a batch) is a tensor or array, a mapping of such by name, or a sequence of them: first the
    observed variables in their order, then the given ones; a last one too many is a label, `y`.  Raises RunError G801
    for other items, for a source without rows, and for one without an end."""
    batched = isinstance(source, DataLoader) and source.batch_size is not None
    names = [*(f.name for f in fields if not f.given), *(f.name for f in fields if f.given)]
    parts: dict[str, list[Array]] = {}
    rows = 0
    for item in _items(source):
        named = _named(item, names)
        arrays = {name: np.asarray(host(value)) for name, value in named.items()}
        for name, array in arrays.items():
            parts.setdefault(name, []).append(array if batched else array[None])
        rows += len(next(iter(arrays.values()))) if batched else 1
        if rows > LIMIT:
            raise RunError("G801", f"the data set has more than {LIMIT:,} rows", "give one that ends")
    if not parts:
        raise RunError("G801", "the data set has no rows", "give at least one row")
    return {name: _joined(name, arrays) for name, arrays in parts.items()}


def _items(source: Any) -> Iterator[Any]:
    """Map-style data sets are indexed: torch asks of them no more than `__getitem__` and `__len__`."""
    if isinstance(source, (DataLoader, IterableDataset)):
        yield from source
    else:
        yield from (source[i] for i in range(len(source)))


def _named(item: Any, names: Sequence[str]) -> dict[str, Any]:
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    if isinstance(item, (list, tuple)):
        if len(item) not in (len(names), len(names) + 1):
            raise RunError(
                "G801",
                f"an item of the data set has {len(item)} parts, the model has {len(names)} variables",
                f"give mappings by name, or in this order: {', '.join(names)}",
            )
        return dict(zip([*names, "y"], item, strict=False))
    if isinstance(item, (torch.Tensor, np.ndarray, float, int, np.number)):
        return {names[0]: item}
    raise RunError(
        "G801",
        f"an item of the data set is a {type(item).__name__}",
        "items are tensors, mappings of tensors by name, or sequences of them (convert images to tensors)",
    )


def host(value: Any) -> Any:
    """A tensor as an array, wherever it is; anything else as it is."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value


def _joined(name: str, arrays: Iterable[Array]) -> Array:
    try:
        return np.concatenate(list(arrays))
    except ValueError as error:
        raise RunError("G801", f"the rows of `{name}` differ in shape", "bring them to one shape") from error
