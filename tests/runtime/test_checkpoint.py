"""Checkpoints: what is saved comes back, and nothing else is accepted."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from gencompiler.runtime import checkpoint, storage
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model

Kinds = dict[str, type[Model]]


def refused(code: str, words: str, function: Any, *arguments: Any) -> None:
    with pytest.raises(RunError) as caught:
        function(*arguments)
    assert caught.value.code == code
    assert words in str(caught.value)


@pytest.fixture
def model(kinds: Kinds) -> Model:
    return kinds["nade"](seed=1)


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    file = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.save(file, model, {"tree": {"a": [torch.arange(3), 1.5]}}, {"step": 7})
    return file


TREES = [
    {},
    {
        "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(2, 3)}},
        "param_groups": [{"lr": 1e-3, "params": [0]}],
    },
    {"none": None, "flag": True, "text": "ü", "nested": [(1, 2.5), [torch.tensor(True)], []]},
    {"odd": 0.1 + 0.2, "inf": float("inf"), "big": 2**70},
    {"shared": [t := torch.arange(4), t, t[1:], torch.empty(0), torch.tensor(7)]},
]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
def test_any_optimizer_state_comes_back(model: Model, tmp_path: Path, tree: Any) -> None:
    checkpoint.save(tmp_path / "c", model, {"tree": tree}, {"state": tree if "odd" in tree else 1})
    trees, record = checkpoint.load(tmp_path / "c", model)
    assert same(trees["tree"], tree)
    assert record["state"] == (tree if "odd" in tree else 1)


def test_what_cannot_be_stored_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no place in a checkpoint for set"):
        checkpoint.save(tmp_path / "c", model, {"tree": {1, 2}}, {})


def test_the_same_content_is_the_same_bytes(model: Model, saved: Path) -> None:
    before = saved.read_bytes()
    for _ in range(5):
        checkpoint.save(saved, model, {"tree": {"a": [torch.arange(3), 1.5]}}, {"step": 7})
        assert saved.read_bytes() == before


def test_every_truncation_is_refused(model: Model, saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    file = tmp_path / "short"
    for length in {0, 1, 7, 8, 100, len(content) // 2, len(content) - 1}:
        file.write_bytes(content[:length])
        refused("G803", "damaged", checkpoint.load, file, model)


def test_every_flipped_byte_is_refused(model: Model, saved: Path, tmp_path: Path) -> None:
    content = bytearray(saved.read_bytes())
    file = tmp_path / "flipped"
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for place in range(0, len(content), 37):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        file.write_bytes(damaged)
        with pytest.raises(RunError) as caught:
            checkpoint.load(file, model)
        assert caught.value.code == "G803", place
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


def test_foreign_files_are_refused(kinds: Kinds, model: Model, saved: Path, tmp_path: Path) -> None:
    refused("G803", "belongs to another model: `Tiny` of specs/nade.gen", checkpoint.load, saved, kinds["flow"]())
    refused("G803", "does not exist", checkpoint.load, tmp_path / "none", model)
    safetensors.torch.save_file({"W": torch.zeros(1)}, tmp_path / "plain")
    refused("G803", "not written by a generated package", checkpoint.load, tmp_path / "plain", model)


def test_later_formats_and_other_shapes_are_refused(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT", 99)
    checkpoint.save(tmp_path / "c", model, {}, {})
    monkeypatch.undo()
    refused("G803", "has format 99", checkpoint.load, tmp_path / "c", model)
    other = type(model)()
    other.W = torch.nn.Parameter(torch.zeros(2, 2))
    checkpoint.save(tmp_path / "d", other, {}, {})
    refused("G803", "has [2, 2] for `W`", checkpoint.load, tmp_path / "d", model)


def test_no_pickle_is_inside(saved: Path) -> None:
    content = saved.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert set(header["__metadata__"]) == {"gencompiler"}


# -- files that are whole or not there -------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(
    model: Model, saved: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    before = saved.read_bytes()

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, broken, fail)
    with torch.no_grad():
        model.W.add_(1)  # type: ignore[operator]
    refused("G804", "No space left on device", checkpoint.save, saved, model, {}, {})
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused("G804", "cannot be written", storage.write, tmp_path / "file" / "x", b"")


def test_a_real_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(RunError, match="No space left"), storage.refusing(tmp_path), open("/dev/full", "wb") as file:
        file.write(b"x" * 100_000)
        file.flush()


def test_remains_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    storage.write(tmp_path / "kept", b"1")
    (tmp_path / ".writing-abc").write_bytes(b"half")
    storage.remove_remains(tmp_path)
    assert os.listdir(tmp_path) == ["kept"]
