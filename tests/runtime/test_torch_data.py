"""Torch's own data sets and loaders as sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from gencompiler.runtime import data, torch_data
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support

X = torch.from_numpy(np.random.default_rng(0).standard_normal((40, 2))).float()
Y = torch.arange(40) % 3

PLANE = [Field("x", (2,), Support("Real"))]
LABELLED = [Field("c", (), Support("Category", (3,)), given=True), *PLANE]


class Mapped(Dataset[Any]):
    """Torch's minimum: a length, and items by number; past the end it does not stop."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def __len__(self) -> int:
        return 40

    def __getitem__(self, place: int) -> Any:
        return self._item(place)


class Stream(IterableDataset[Any]):
    def __init__(self, count: int | None = 40) -> None:
        self._count = count

    def __iter__(self) -> Iterator[Any]:
        place = 0
        while self._count is None or place < self._count:
            yield X[place % 40], Y[place % 40]
            place += 1


SOURCES = {
    "tensors": Mapped(lambda i: X[i]),
    "arrays": Mapped(lambda i: X[i].numpy()),
    "pairs": Mapped(lambda i: (X[i], int(Y[i]))),
    "names": Mapped(lambda i: {"c": Y[i], "x": X[i]}),
    "tensor_dataset": TensorDataset(X, Y),
    "stream": Stream(),
    "loader": DataLoader(TensorDataset(X, Y), batch_size=7),
    "loader_of_names": DataLoader(Mapped(lambda i: {"c": Y[i], "x": X[i]}), batch_size=7),
    "loader_of_stream": DataLoader(Stream(), batch_size=7),
    "loader_without_batches": DataLoader(TensorDataset(X, Y), batch_size=None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_kind_gives_the_same_rows(name: str) -> None:
    expected = data.load(X.numpy(), PLANE)
    loaded = data.load(SOURCES[name], PLANE)
    assert loaded.fingerprint == expected.fingerprint
    assert torch.equal(loaded.test.tensors["x"], expected.test.tensors["x"])


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in ("tensors", "arrays")])
def test_labels_reach_a_given_variable(name: str) -> None:
    loaded = data.load(SOURCES[name], LABELLED)
    for part in (loaded.train, loaded.valid, loaded.test):
        assert torch.equal(part.tensors["c"].long(), Y[part.numbers])
        assert torch.equal(part.tensors["x"], X[part.numbers])


def test_tensors_are_arrays() -> None:
    expected = data.load(X.numpy(), PLANE).fingerprint
    assert data.load(X, PLANE).fingerprint == expected
    assert data.load(X.clone().requires_grad_(), PLANE).fingerprint == expected
    assert data.load({"x": X, "c": Y}, LABELLED).train.tensors.keys() == {"x", "c"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Mapped(lambda i: (X[i], Y[i], Y[i])), "has 3 parts, the model has 1 variables"),
        (Mapped(lambda i: "a word"), "an item of the data set is a str"),
        (Mapped(lambda i: X[i, : 1 + i % 2]), "the rows of `x` differ in shape"),
        (Stream(0), "no rows"),
        (Mapped(lambda i: X[i].double() / 0), "`x` is"),
    ],
)
def test_refusals(source: Any, words: str) -> None:
    with pytest.raises(RunError) as caught:
        data.load(source, PLANE)
    assert caught.value.code == "G801"
    assert words in str(caught.value)


def test_a_stream_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_data, "LIMIT", 100)
    with pytest.raises(RunError, match="more than 100 rows"):
        data.load(Stream(None), PLANE)
