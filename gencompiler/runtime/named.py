"""Data sets by name: those that are shipped, those of the plane, and MNIST out of a file that the user has.

Every set is columns by name for each split ("all" where it has no split of its own): `x` the values, `y` the labels.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gencompiler.runtime import files, settings, toys
from gencompiler.runtime.errors import RunError

Array = NDArray[np.generic]
Columns = dict[str, Array]


def read(source: str) -> dict[str, Columns]:
    """The columns of the data set or file `source`, by split; raises RunError G806 for a name that is none."""
    if not source:
        raise RunError("G806", "no data set is named", "name one: `with { data = NAME }` in the spec, or `--data`")
    name, _, file = source.partition(":")
    if not file and name in NAMED:
        return NAMED[name]()
    if name in FROM_FILE:
        return FROM_FILE[name](Path(file) if file else _kept(name))
    if Path(source).suffix or Path(source).exists():
        return files.read(Path(source))
    known = [*NAMED, *(f"{n}:FILE" for n in FROM_FILE)]
    raise RunError(
        "G806", f"unknown data set `{source}`", f"known: {', '.join(known)}; or a file .npz .npy .csv .parquet"
    )


def _kept(name: str) -> Path:
    """The file of a data set that is named without one: in the directory GENC_DATA."""
    folder = settings.data_directory()
    if folder is None:
        advice = f"write `{name}:FILE`, an .npz with x_train and x_test, or put mnist.npz where GENC_DATA says"
        raise RunError("G806", f"data set `{name}` needs a file", advice)
    return folder / "mnist.npz"


def digits() -> Array:
    """uint8 [1797, 64], grey levels 0 to 16."""
    return _digits()["x"]


def _digits() -> Columns:
    resource = importlib.resources.files("gencompiler.runtime") / "digits.npz"
    with resource.open("rb") as file, np.load(file) as archive:
        return {"x": np.asarray(archive["x"]), "y": np.asarray(archive["y"])}


def binarize(levels: Array, top: int, seed: int = 0) -> Array:
    """One Bernoulli draw with P(1) = level / top, uint8: a function of the seed and of the element's place in C order.

    Each compares 32 bits of numpy's Philox stream, which is the same in every version, with its level."""
    generator = np.random.Philox(key=seed)
    drawn = [np.empty((0, *levels.shape[1:]), dtype=np.uint8)]
    for part in np.split(levels, range(4096, len(levels), 4096)):
        words = generator.random_raw(part.size).reshape(part.shape) >> np.uint64(32)
        ones = words * np.uint64(top) < part.astype(np.uint64) << np.uint64(32)
        drawn.append(ones.astype(np.uint8))
    return np.concatenate(drawn)


def unit(levels: Array, top: int) -> Array:
    """Levels 0 to `top` as numbers in [0, 1]: y = x / top, so log p_X(x) = log p_Y(y) - D log(top) for D numbers."""
    return np.asarray(levels.astype(np.float32) / np.float32(top))


def signed(levels: Array, top: int) -> Array:
    """Levels 0 to `top` as numbers in [-1, 1]: y = 2 x / top - 1, so log p_X(x) = log p_Y(y) - D log(top / 2)."""
    return np.asarray(2 * levels.astype(np.float32) / np.float32(top) - 1)


def _mnist(path: Path) -> dict[str, Columns]:
    parts = files.read(path)
    if set(parts) != {"train", "test"}:
        raise RunError(
            "G802", f"{path} has no x_train and x_test", "MNIST is an .npz with the arrays x_train and x_test"
        )
    held = len(parts["train"]["x"]) // 6
    return {
        "train": {name: array[:-held] for name, array in parts["train"].items()},
        "valid": {name: array[-held:] for name, array in parts["train"].items()},
        "test": parts["test"],
    }


def _mnist_binary(path: Path) -> dict[str, Columns]:
    parts = _mnist(path)
    whole = binarize(np.concatenate([part["x"] for part in parts.values()]), 255)
    ends = np.cumsum([len(part["x"]) for part in parts.values()])[:-1]
    return {name: {**parts[name], "x": x} for name, x in zip(parts, np.split(whole, ends), strict=True)}


def _mnist_real(path: Path) -> dict[str, Columns]:
    return {name: {**part, "x": signed(part["x"], 255)} for name, part in _mnist(path).items()}


def _shipped(change: Callable[[Array], Array]) -> Callable[[], dict[str, Columns]]:
    """The shipped digits with their levels changed, and their labels."""

    def make() -> dict[str, Columns]:
        columns = _digits()
        return {"all": {**columns, "x": change(columns["x"])}}

    return make


def _tumours() -> dict[str, Columns]:
    """The shipped measurements, each column with mean 0 and standard deviation 1."""
    resource = importlib.resources.files("gencompiler.runtime") / "tumours.npz"
    with resource.open("rb") as file, np.load(file) as archive:
        x, y = np.asarray(archive["x"], dtype=np.float64), np.asarray(archive["y"])
    return {"all": {"x": ((x - x.mean(0)) / x.std(0)).astype(np.float32), "y": y}}


def _letters() -> dict[str, Columns]:
    """The shipped pieces of English text: uint8 [1027, 32], 0 to 26."""
    resource = importlib.resources.files("gencompiler.runtime") / "letters.npz"
    with resource.open("rb") as file, np.load(file) as archive:
        return {"all": {"x": np.asarray(archive["x"])}}


#: The longest word of `words`.
LONGEST_WORD = 16


def _words() -> dict[str, Columns]:
    """The words of the shipped text: x uint8 [words, 16], letters 0 to 25 and 0 beyond a word's end, and T, their
    lengths."""
    text = np.concatenate(([0], np.asarray(_letters()["all"]["x"]).reshape(-1), [0])).astype(np.int64)
    blanks = np.flatnonzero(text == 0)
    starts, lengths = blanks[:-1] + 1, np.diff(blanks) - 1
    kept = (lengths > 0) & (lengths <= LONGEST_WORD)
    starts, lengths = starts[kept][:-1], lengths[kept][:-1]  # the text breaks off within the last one
    places = np.arange(LONGEST_WORD)
    there = places < lengths[:, None]
    letters = text[np.minimum(starts[:, None] + places, len(text) - 1)] - 1
    return {"all": {"x": np.where(there, letters, 0).astype(np.uint8), "T": lengths.astype(np.uint8)}}


#: Patches of photographs: their side, the columns of a strip, and the strips of each split.
PATCH, STRIP = 8, 16
STRIPS = {"train": tuple(k for k in range(20) if k not in (3, 7, 12, 16)), "valid": (3, 12), "test": (7, 16)}
PATCHES = {"train": 20_000, "valid": 2_000, "test": 2_000}

#: Levels from here on are those of a saturated sky.
SATURATED = 250


def _patches() -> dict[str, Columns]:
    """Squares of the shipped photographs at random places, no two of different splits overlapping, none of them
    saturated; seed 0."""
    resource = importlib.resources.files("gencompiler.runtime") / "photographs.npz"
    with resource.open("rb") as file, np.load(file) as archive:
        photographs = np.asarray(archive["x"])
    generator = np.random.Philox(key=0)
    found: dict[str, Columns] = {}
    for split, count in PATCHES.items():
        strips = np.array(STRIPS[split])
        words = (generator.random_raw(8 * count) >> np.uint64(32)).astype(np.int64).reshape(4, 2 * count)
        image, strip = words[0] % len(photographs), strips[words[1] % len(strips)]
        row, column = words[2] % (photographs.shape[1] - PATCH + 1), words[3] % (STRIP - PATCH + 1)
        rows = row[:, None, None] + np.arange(PATCH)[:, None]
        columns = (strip * STRIP + column)[:, None, None] + np.arange(PATCH)
        levels = photographs[image[:, None, None], rows, columns]
        levels = levels[levels.max((1, 2)) < SATURATED][:count]
        noise = ((generator.random_raw(levels.size) >> np.uint64(40)).reshape(levels.shape) + 0.5) / 2**24
        found[split] = {"x": ((levels + noise - 128) / 64).astype(np.float32)}
    return found


def _toy(make: Callable[[], Array]) -> Callable[[], dict[str, Columns]]:
    return lambda: {"all": {"x": make()}}


NAMED: dict[str, Callable[[], dict[str, Columns]]] = {
    "digits": _shipped(lambda x: x),
    "digits_binary": _shipped(lambda x: binarize(x, 16)),
    "digits_unit": _shipped(lambda x: unit(x, 16)),
    "digits_real": _shipped(lambda x: signed(x, 16)),
    "tumours": _tumours,
    "letters": _letters,
    "words": _words,
    "patches": _patches,
    "inverse_sine": lambda: {"all": dict(toys.inverse_sine())},
    **{name: _toy(make) for name, make in toys.TOYS.items()},
}
FROM_FILE: dict[str, Callable[[Path], dict[str, Columns]]] = {
    "mnist": _mnist,
    "mnist_binary": _mnist_binary,
    "mnist_real": _mnist_real,
}
