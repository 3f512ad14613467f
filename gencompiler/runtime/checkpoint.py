"""Checkpoints and weights: safetensors files with a record beside the tensors; no pickle, nothing executable.

The record (JSON in the file's metadata) says which model the tensors belong to, and carries a digest of them, so that a
damaged, truncated or foreign file is refused with its reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gencompiler.runtime import storage
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

FORMAT = 1
_KEY = "gencompiler"
_WEIGHTS = "model."


def save(path: Path, model: Model, trees: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Write the model's parameters, and under each name of `trees` a nested structure of tensors and plain values (an
    optimizer's state, averages); `record` is JSON, and may hold what identifies the run."""
    tensors = {_WEIGHTS + name: tensor for name, tensor in model.state_dict().items()}
    structures = {name: _pack(tree, f"{name}.", tensors) for name, tree in trees.items()}
    tensors = {name: _contiguous(tensor) for name, tensor in tensors.items()}
    full = {
        "format": FORMAT,
        "model_hash": model.model_hash,
        "model": type(model).__name__,
        "spec": model.spec,
        "compiler": model.compiler,
        "structures": structures,
        "record": dict(record),
    }
    text = json.dumps(full)
    # One entry: safetensors writes several in an order that changes from run to run.
    sealed = json.dumps({"sha256": _digest(text, tensors), "content": text})
    storage.write(path, safetensors.torch.save(tensors, metadata={_KEY: sealed}))


def load(path: Path, model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put the file's parameters into `model`; returns `(trees, record)` as they were saved, tensors on the host.

    Raises RunError G803 when the file is damaged, of another model, or of a later format; `model` is then unchanged."""
    tensors, full = _read(path)
    _check_owner(path, full, model)
    weights = {name.removeprefix(_WEIGHTS): t for name, t in tensors.items() if name.startswith(_WEIGHTS)}
    _check_weights(path, weights, model)
    model.load_state_dict(weights)
    trees = {name: _unpack(tree, tensors) for name, tree in full["structures"].items()}
    return trees, full["record"]


def save_weights(model: Model, path: Path, record: Mapping[str, Any] | None = None) -> None:
    """Write the parameters alone."""
    save(path, model, {}, record or {})


def load_weights(model: Model, path: Path) -> dict[str, Any]:
    """Put the parameters of a weights file or a checkpoint into `model`; returns its record."""
    return load(path, model)[1]


# -- reading ---------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if not path.is_file():
        raise RunError("G803", f"{path} does not exist", "check the path, or train first")
    try:
        content = path.read_bytes()
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise RunError("G803", f"{path} is damaged or not a checkpoint: {error}", _RECOVER) from error
    sealed = header.get("__metadata__", {}).get(_KEY)
    if sealed is None:
        raise RunError("G803", f"{path} was not written by a generated package", _RECOVER)
    seal, text = _opened(sealed)
    if seal != _digest(text, tensors):
        raise RunError("G803", f"{path} is damaged: its content does not match its digest", _RECOVER)
    full = json.loads(text)
    if full["format"] != FORMAT:
        raise RunError("G803", f"{path} has format {full['format']}, this version reads {FORMAT}", _RECOVER)
    return tensors, full


def _opened(sealed: str) -> tuple[str, str]:
    """The digest and the record of a file's metadata; empty texts where they are damaged."""
    try:
        parts = json.loads(sealed)
        return str(parts["sha256"]), str(parts["content"])
    except (ValueError, KeyError, TypeError):
        return "", ""


_RECOVER = "use another checkpoint, or start a new run with another `--out`"


def _check_owner(path: Path, full: Mapping[str, Any], model: Model) -> None:
    if full["model_hash"] == model.model_hash:
        return
    raise RunError(
        "G803",
        f"{path} belongs to another model: `{full['model']}` of {full['spec']}",
        "rebuild the package from the spec that the checkpoint was trained with, or train anew",
        (
            f"the checkpoint's model hash is {full['model_hash'][:16]}, this model's is {model.model_hash[:16]}",
            f"it was written by compiler {full['compiler']}, this package by {model.compiler}",
        ),
    )


def _check_weights(path: Path, weights: Mapping[str, Tensor], model: Model) -> None:
    own = model.state_dict()
    for name in sorted(own.keys() | weights.keys()):
        found, want = weights.get(name), own.get(name)
        if found is None or want is None or found.shape != want.shape:
            have = "nothing" if found is None else str(list(found.shape))
            wanted = "nothing" if want is None else str(list(want.shape))
            raise RunError("G803", f"{path} has {have} for `{name}`, the model has {wanted}", _RECOVER)


# -- nested structures -----------------------------------------------------------------------------------------------


def _pack(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`tree` as JSON, its tensors moved to `tensors` under names that begin with `name`."""
    if isinstance(tree, Tensor):
        key = f"{name}{len(tensors)}"
        tensors[key] = tree
        return {"tensor": key}
    if isinstance(tree, Mapping):
        return {"items": [[_pack(k, name, tensors), _pack(v, name, tensors)] for k, v in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list" if isinstance(tree, list) else "tuple": [_pack(item, name, tensors) for item in tree]}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(f"no place in a checkpoint for {type(tree).__name__}")


def _unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "items":
        return {_unpack(key, tensors): _unpack(value, tensors) for key, value in content}
    items = [_unpack(item, tensors) for item in content]
    return items if kind == "list" else tuple(items)


def _contiguous(tensor: Tensor) -> Tensor:
    """A host copy of its own memory: safetensors refuses views that share it."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
