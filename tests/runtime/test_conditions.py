"""Given variables said on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gencompiler.runtime import conditions
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model


class Plain(Model):
    fields = (Field("x", (2,), Support("Real")),)


class Labelled(Model):
    fields = (*Plain.fields, Field("y", (), Support("Category", (10,)), given=True))


class Directed(Model):
    fields = (*Plain.fields, Field("v", (2,), Support("Real"), given=True))


def test_values_come_again() -> None:
    found = conditions.context(Labelled(), ["y=0,3,5"], 7)
    assert found is not None
    assert found["y"].tolist() == [0, 3, 5, 0, 3, 5, 0]
    one = conditions.context(Labelled(), ["y = 4"], 3)
    assert one is not None
    assert one["y"].tolist() == [4, 4, 4]


def test_rows_of_a_file(tmp_path: Path) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    np.save(tmp_path / "v.npy", rows)
    found = conditions.context(Directed(), [f"v={tmp_path / 'v.npy'}"], 5)
    assert found is not None
    assert torch.equal(found["v"], torch.from_numpy(rows)[[0, 1, 2, 0, 1]])


def test_a_model_without_given_variables() -> None:
    assert conditions.context(Plain(), [], 5) is None


@pytest.mark.parametrize(
    ("model", "texts", "words"),
    [
        (Labelled, [], "needs a value of the given `y`"),
        (Labelled, ["y=1", "z=1"], "has no given variable `z`"),
        (Plain, ["y=1"], "its given variables: none"),
        (Labelled, ["y"], "gives no variable a value"),
        (Labelled, ["y="], "gives no variable a value"),
        (Labelled, ["y=one"], "not a number"),
        (Labelled, ["y=1.5"], "is not Category(10)"),
        (Labelled, ["y=10"], "is not Category(10)"),
        (Directed, ["v=1"], "has 2 numbers, not 1"),
        (Directed, ["v=missing.npy"], "does not exist"),
    ],
)
def test_refusals(model: type[Model], texts: list[str], words: str) -> None:
    with pytest.raises(RunError) as caught:
        conditions.context(model(), texts, 3)
    assert words in str(caught.value)
