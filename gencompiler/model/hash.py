"""The hash that ties weights and certificates to a model: its mathematics, without spans, docstrings or requests."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from gencompiler.model import nodes
from gencompiler.node import data


def model_hash(model: nodes.Model) -> str:
    """SHA-256 (hex) of the Model IR: a comment, a docstring or a training option does not invalidate weights."""
    mathematics = dataclasses.replace(model, doc="", trainings=(), methods=(), claims=(), assumptions=())
    contents = data(mathematics)
    assert isinstance(contents, dict)
    for kind in ("quantities", "lengths", "starts"):  # a kind of equation that a model does not have is no part of it
        if not contents[kind]:
            del contents[kind]
    for function in contents["functions"]:  # nor is a declaration that says nothing
        if function["result"] == data(nodes.REAL):
            del function["result"]
    text = json.dumps(contents, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
