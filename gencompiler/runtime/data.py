"""Data for training: named sets and files, split once for all, checked against a model's fields before a step is taken.

A data set is named as `NAME`, `NAME:FILE` or `FILE`:

==================  ====================================================================================================
digits              1,797 handwritten digits of 8 x 8 pixels, grey levels 0 to 16 (shipped; `digits.md` has the source)
digits_binary       one Bernoulli draw of them, P(1) = level / 16, seed 0: fixed for all time
digits_unit         them as numbers in [0, 1], level / 16
digits_real         them as numbers in [-1, 1], level / 8 - 1; densities differ by log p(level) = log p(x) - 64 log 8
tumours             569 tumours, 30 standardised measurements each (shipped; `tumours.md` has the source)
letters             1,027 pieces of English text, 32 symbols of 27 each (shipped; `letters.md` has the source)
words               the words of that text one by one, 26 letters, 1 to 16 of them, their number as `T`
patches             24,000 squares of 8 x 8 pixels of two photographs, (level + noise - 128) / 64, seed 0 (shipped;
                    `photographs.md` has the source)
inverse_sine        20,000 pairs c = x + 0.3 sin(2 pi x) + noise, x to be told from c; seed 0
mnist:FILE          an .npz with `x_train` and `x_test`, grey levels 0 to 255; the last 10,000 of x_train validate
mnist_binary:FILE   one Bernoulli draw of it, P(1) = level / 255, seed 0
mnist_real:FILE     it as numbers in [-1, 1], level / 127.5 - 1
moons, pinwheel,    20,000 points of the plane each, seed 0
checkerboard,
swissroll, grid25
drawn               20,000 draws of the model itself at its initial parameters, seed 0: for a model whose conditionals
                    are numbers, and for objectives that only dream
FILE                .npz (arrays named after the fields, or x_train and x_test), .npy, .csv, .parquet (needs pyarrow)
==================  ====================================================================================================

Digits, tumours and MNIST have labels as well, `y`, for a variable like `given y : Category(10)`.  `mnist` without a
file is mnist.npz in the directory GENC_DATA.  A torch `Dataset` or `DataLoader` is a data set too (see `torch_data`).

A variable takes the column of its name; without one, the only column left whose rows have its size and support.
Nothing is converted silently: a row is reshaped to its field's shape when the sizes agree, and that is all.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gencompiler.runtime import files, lengths, named, random, torch_data
from gencompiler.runtime.errors import DiscreteData, RunError
from gencompiler.runtime.fields import Field

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

Array = NDArray[np.generic]
Columns = dict[str, Array]

#: The random stream of splits, apart from a model's draws.
SPLIT_STREAM = 0x7FFF_FFE1

#: Of a data set without a split of its own: one row in ten validates, one in ten tests.
HELD_OUT = 0.1


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows of a data set: one tensor `[rows, *shape]` per field, in storage dtype, on the host.

    `numbers` are the rows' numbers within the whole data set, the keys of their random draws: a row draws the same
    whatever split or batch it is in."""

    tensors: Mapping[str, Tensor]
    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: Tensor, device: torch.device | str = "cpu") -> Batch:
        """The rows at `places`, on `device`."""
        return Batch(
            {name: tensor[places].to(device, non_blocking=True) for name, tensor in self.tensors.items()},
            self.numbers[places].to(device, non_blocking=True),
        )


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows on the device: what `Model.loss` takes.  `row` are dataset row numbers, the keys of their random draws;
    `whole` counts the rows of the batch that these are a part or a shard of (themselves when 0)."""

    tensors: Mapping[str, Tensor]
    row: Tensor
    whole: int = 0

    def __len__(self) -> int:
        return len(self.row)

    @property
    def share(self) -> float:
        """The weight of the mean over these rows in the mean over the whole batch."""
        return len(self) / (self.whole or len(self))

    def parts(self, count: int) -> list[Batch]:
        """The batch in at most `count` parts of nearly equal size; none of a shard without rows."""
        if not len(self):
            return []
        whole = self.whole or len(self)
        pieces = {name: tensor.chunk(count) for name, tensor in self.tensors.items()}
        rows = self.row.chunk(count)
        return [Batch({name: piece[i] for name, piece in pieces.items()}, row, whole) for i, row in enumerate(rows)]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Three disjoint splits, and a fingerprint of the whole that a checkpoint keeps."""

    name: str
    train: Rows
    valid: Rows
    test: Rows
    fingerprint: str


#: What data comes from: a name or file, an array or tensor, such by field name, a torch `Dataset` or `DataLoader`, or a
#: data set that was loaded before.
Source: TypeAlias = str | Mapping[str, Array | Tensor] | Array | Tensor | torch_data.Source | Dataset


#: The data set that a model makes for itself, and its size.
OWN, OWN_ROWS = "drawn", 20_000


def load(
    source: Source,
    fields: Sequence[Field],
    validation: float = HELD_OUT,
    draw: Callable[[int], Mapping[str, Tensor]] | None = None,
    *,
    exact: bool = True,
) -> Dataset:
    """The data set `source` names (see the module), or an array, arrays by field name, or torch's data, split and
    checked.  `draw(n)` makes the rows of `drawn`; whole numbers are warned of (G809) where the density is `exact`: one
    that is bounded through latent variables mostly has a scale that is given.

    `validation` is the fraction of the training rows that validate, where the source does not say.  Raises RunError:
    G806 for an unknown name, G802 for a file that cannot be read, G801 for rows that do not fit the fields."""
    if isinstance(source, Dataset):
        return source
    if isinstance(source, str) and source == OWN and draw is not None:
        name, parts = OWN, {"all": {n: np.asarray(torch_data.host(v)) for n, v in draw(OWN_ROWS).items()}}
    elif isinstance(source, str):
        name, parts = source, named.read(source)
    elif torch_data.is_source(source):
        name, parts = "torch", {"all": torch_data.columns(source, fields)}
    else:
        name, parts = "array", _arrays(source, fields)
    columns = {split: _columns_for(part, fields, name) for split, part in parts.items()}
    columns = {split: lengths.padded(part, fields, name) for split, part in columns.items()}
    for split, part in columns.items():
        called = f"{name} ({split})" if split != "all" else name
        check(part, fields, called)
        for field in fields if exact else ():
            _warn_of_whole_numbers(part[field.name], field, called)
    return _split(name, {s: _stored(c, fields) for s, c in columns.items()}, validation)


def of(kind: type[Model], source: Source, validation: float = HELD_OUT) -> Dataset:
    """The data set of a model: as `load`, with `drawn` made of the model's own draws."""
    return load(source, kind.fields, validation, own(kind), exact=kind.capabilities.get("log_prob") == "exact")


def own(kind: type[Model]) -> Callable[[int], Mapping[str, Tensor]]:
    """What makes `drawn`: rows of a model at its initial parameters, seed 0."""

    def draw(count: int) -> Mapping[str, Tensor]:
        if "sample" not in kind.programs or kind.externals or any(f.given for f in kind.fields):
            raise RunError(
                "G806",
                f"{kind.__name__} cannot make a data set of its own",
                "name a data set: `with { data = NAME }` in the spec, or `--data`",
            )
        found: Any = kind(seed=0).sample(count, seed=0)  # type: ignore[operator]
        values = found if isinstance(found, tuple) else (found,)
        names = [f.name for f in kind.fields if not f.given]
        return dict(zip(names, values, strict=True))

    return draw


# -- sources ---------------------------------------------------------------------------------------------------------


def _arrays(source: Any, fields: Sequence[Field]) -> dict[str, Columns]:
    if isinstance(source, Mapping):
        columns = lengths.stacked(source, fields)
        return {"all": {name: np.asarray(torch_data.host(value)) for name, value in columns.items()}}
    return {"all": {fields[0].name: np.asarray(torch_data.host(source))}}


# -- fitting to the fields -------------------------------------------------------------------------------------------


def _columns_for(columns: Columns, fields: Sequence[Field], name: str) -> Columns:
    """The columns under the fields' names: by name; for a single field the only array besides labels, whatever it is
    called; else the only array that fits a field and no other."""
    found = {field.name: columns[field.name] for field in fields if field.name in columns}
    left = {column: array for column, array in columns.items() if column not in found}
    missing = [field for field in fields if field.name not in found]
    values = [column for column in left if column != "y"]
    if len(fields) == 1 and missing and len(values) == 1:
        return {fields[0].name: left[values[0]]}
    fitting = {field.name: [c for c, array in left.items() if _fits(array, field)] for field in missing}
    for field in missing:
        others = [c for name, candidates in fitting.items() if name != field.name for c in candidates]
        if len(fitting[field.name]) == 1 and fitting[field.name][0] not in others:
            found[field.name] = left[fitting[field.name][0]]
            continue
        raise RunError(
            "G801",
            f"{name} has no array for `{field.name}`",
            f"name the arrays after the model's variables: {', '.join(f.name for f in fields)}",
            (f"it has: {', '.join(columns) or 'nothing'}",),
        )
    return found


def _fits(array: Array, field: Field) -> bool:
    """Whether every row has the field's size and lies in its support."""
    try:
        _check_field(array, field, "")
    except RunError:
        return False
    return array.ndim > 0 and len(array) > 0


def check(columns: Mapping[str, Array], fields: Sequence[Field], name: str) -> None:
    """Raise RunError G801 unless every row has the shape, dtype and support of its field; says which row and column."""
    counts = {f.name: len(columns[f.name]) if columns[f.name].ndim else 0 for f in fields}
    if len(set(counts.values())) > 1:
        raise RunError("G801", f"the arrays of {name} differ in their number of rows", notes=(f"rows: {counts}",))
    if not all(counts.values()):
        raise RunError("G801", f"{name} has no rows", "give at least one row")
    for field in fields:
        _check_field(columns[field.name], field, name)


def _check_field(array: Array, field: Field, name: str) -> None:
    if array.dtype.kind not in "biuf":
        raise RunError(
            "G801", f"{name}: `{field.name}` has dtype {array.dtype}, which is not a number", "store numbers"
        )
    if int(np.prod(array.shape[1:])) != field.size:
        found = "×".join(map(str, array.shape[1:])) or "1"
        raise RunError(
            "G801",
            f"{name}: a row of `{field.name}` has {found} numbers, the spec says {field.size}",
            f"declare `{field.name}` with the data's shape, or override the size (`-D`)",
            (f"the spec declares {field}",),
        )
    flat = array.reshape(len(array), -1)
    for start in range(0, len(flat), 8192):
        part = flat[start : start + 8192]
        _check_values(part, field, name, start)


#: Fewer rows say nothing of how often a number occurs again; more are not looked at.
_MANY_ROWS, _LOOKED_AT = 64, 4096


def _warn_of_whole_numbers(array: Array, field: Field, name: str) -> None:
    """G809 where the data of a continuous observed variable are whole numbers, each of them in many rows."""
    if field.support.discrete or field.given or len(array) < _MANY_ROWS:
        return
    array = array[:_LOOKED_AT]
    if array.dtype.kind not in "biu" and bool((array != np.floor(array)).any()):
        return
    values = np.unique(array)
    if 1 < len(values) < len(array) / 2:
        ends = f"{int(values[0])}..{int(values[-1]) + 1}"
        warnings.warn(
            DiscreteData(
                f"{name}: `{field.name}` is declared {field.support}, and its data are {len(values)} whole numbers:"
                f" a density on them has no largest value; declare it `Integer({ends})` and quantize"
            ),
            stacklevel=2,
        )


#: Supports that hold every whole number between their ends.
_RANGES = frozenset({"Real", "NonNegative", "Binary", "Boolean", "Category", "Integer", "Count"})


def _check_values(part: Array, field: Field, name: str, start: int) -> None:
    if part.dtype.kind == "f":
        bad = ~np.isfinite(part)
        if bad.any():
            row, column = map(int, np.argwhere(bad)[0])
            raise RunError(
                "G801",
                f"{name}: `{field.name}` is {part[row, column]} at row {start + row}, column {column}",
                "drop or fill such rows before training",
                (f"{int(bad.any(1).sum())} rows of rows {start} to {start + len(part)} are affected",),
            )
    lower, upper, _, _ = field.support.ends
    if part.dtype.kind in "bui" and field.support.name in _RANGES and lower <= part.min() and part.max() <= upper:
        return
    values = torch.from_numpy(np.ascontiguousarray(part, dtype=np.float64)).reshape(len(part), *field.shape)
    inside = field.contains(values).reshape(len(part), -1).numpy()
    if not inside.all():
        row, column = map(int, np.argwhere(~inside)[0])
        raise RunError(
            "G801",
            f"{name}: `{field.name}` is {part[row, column]} at row {start + row}, column {column}: not {field.support}",
            _advice(field, part),
            (f"the spec declares {field}; the data runs from {part.min()} to {part.max()}",),
        )


def _advice(field: Field, part: Array) -> str:
    if field.support.name == "Binary":
        return "choose a binary data set (digits_binary, mnist_binary:FILE), or threshold or draw the values yourself"
    if field.support.name == "Simplex":
        return "divide each row by its sum, and add a little to shares of 0, which have no density"
    if field.support.discrete and part.dtype.kind == "f":
        return "store whole numbers, or declare the variable Real"
    return "declare the support that the data has, or bring the data into the declared one"


def _stored(columns: Columns, fields: Sequence[Field]) -> dict[str, Tensor]:
    return {
        field.name: torch.from_numpy(
            np.ascontiguousarray(columns[field.name]).reshape(-1, *field.shape).astype(field.storage)
        )
        for field in fields
    }


# -- splits ----------------------------------------------------------------------------------------------------------


def shuffled(count: int, seed: int, step: int, stream: int) -> Tensor:
    """A permutation of 0..count, a function of its arguments alone: the order of one random 63-bit word per row."""
    high, low, *_ = random.philox(seed, torch.arange(count), step, 0, stream)
    return torch.argsort(((high >> 1) << 32) | low, stable=True)


def _split(name: str, parts: dict[str, dict[str, Tensor]], validation: float) -> Dataset:
    """The source's own splits where it has them, else a deterministic one: test rows never depend on `validation`."""
    whole = {field: torch.cat([part[field] for part in parts.values()]) for field in next(iter(parts.values()))}
    places, start = {}, 0
    for split, part in parts.items():
        size = len(next(iter(part.values())))
        places[split] = torch.arange(start, start + size)
        start += size
    if "all" in places:
        places["test"], places["train"] = _drawn(places.pop("all"), HELD_OUT)
    if "valid" not in places:
        # of a set without splits, `validation` counts all rows, as HELD_OUT does
        share = validation * start / max(1, len(places["train"])) if "all" in parts else validation
        places["valid"], places["train"] = _drawn(places["train"], share)
    places.setdefault("test", torch.arange(0))
    if not len(places["train"]):
        raise RunError("G801", f"{name} leaves no row to train on", "give more rows, or a smaller validation fraction")
    train, valid, test = (
        Rows({field: tensor[places[split]] for field, tensor in whole.items()}, places[split])
        for split in ("train", "valid", "test")
    )
    return Dataset(name, train, valid, test, files.fingerprint(whole))


def _drawn(places: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
    """A random `fraction` of places, and the rest, both in order."""
    count = 0 if fraction == 0 or len(places) < 3 else max(1, round(fraction * len(places)))
    order = shuffled(len(places), 0, 0, SPLIT_STREAM)
    return places[order[:count].sort().values], places[order[count:].sort().values]
