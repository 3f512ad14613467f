"""What each process of a distributed test computes: `torchrun … workers.py PACKAGE OUT`."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from gencompiler.runtime import data, distributed, runs, storage, training
from gencompiler.runtime.errors import RunError

ROWS = 3.0 + np.random.default_rng(0).standard_normal((60, 2))

#: Rows of a batch: of two shards of 9 and 8; of one shard that is empty.
BATCHES = (17, 1)


def step(module: ModuleType, rows: int) -> dict[str, Any]:
    """The loss of one step of the critic over a batch of `rows` rows, and the gradients it leaves."""
    train = importlib.import_module(f"{module.__name__}.train")
    model = module.Game(seed=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    settings = train.SETTINGS.override({"accumulate": 2})
    loaded = data.load(ROWS, model.fields)
    shard = loaded.train.take(distributed.shard(torch.arange(rows)))
    loss = train.critic_step(model, dataclasses.replace(shard, whole=rows), optimizer, settings, 3)
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return {"loss": loss, "gradients": gradients, "shard": len(shard)}


def infinite(module: ModuleType) -> str:
    """What is said of a batch with one infinite row, the last: that of the last process."""
    train = importlib.import_module(f"{module.__name__}.train")
    model = module.Game(seed=1)
    rows = data.load(ROWS, model.fields).train
    rows.tensors["x"][BATCHES[0] - 1] = torch.inf
    shard = dataclasses.replace(rows.take(distributed.shard(torch.arange(BATCHES[0]))), whole=BATCHES[0])
    try:
        train.critic_step(model, shard, torch.optim.SGD(model.parameters(), lr=0.0), train.SETTINGS, 3)
    except RunError as error:
        return str(error)
    return "nothing"


def unweighted(module: ModuleType) -> dict[str, Any]:
    """The planted error: every process counts alike, whatever the size of its shard."""
    original = data.Batch.share
    data.Batch.share = property(lambda part: 1 / distributed.size() / 2)  # type: ignore[assignment, misc]
    try:
        return step(module, BATCHES[0])
    finally:
        data.Batch.share = original  # type: ignore[method-assign]


def written(module: ModuleType, out: Path, **options: Any) -> dict[str, Any]:
    """A short run: the files that this process wrote, its parameters, and samples."""
    files: list[str] = []
    original = storage.write

    def write(path: Path, content: bytes) -> None:
        files.append(path.name)
        original(path, content)

    storage.write = write
    try:
        model = module.Game(seed=1).fit(ROWS, out=out, epochs=2, batch=17, save_seconds=0, **options)
    finally:
        storage.write = original
    return {"files": files, "parameters": list(model.state_dict().values()), "samples": model.sample(300, seed=5)}


def two_writers(module: ModuleType, out: Path) -> dict[str, Any]:
    """The planted error: every process takes itself for the one that writes."""
    original = distributed.leading
    distributed.leading = lambda: True
    try:
        return written(module, out / f"planted-{distributed.rank()}")
    finally:
        distributed.leading = original


def mean_loss(module: ModuleType) -> float | None:
    model = module.Game(seed=1)
    rows = data.load(np.tile(ROWS, (30, 1)), model.fields).train
    return training.mean_loss(model, rows, "critic", training.Settings())


def main() -> None:
    torch.set_num_threads(1)
    module, out = runs.import_package(Path(sys.argv[1])), Path(sys.argv[2])
    with distributed.joined("cpu"):
        results: dict[str, Any] = {str(rows): step(module, rows) for rows in BATCHES}
        results["unweighted"] = unweighted(module)
        results["infinite"] = infinite(module)
        results["mean_loss"] = mean_loss(module)
        results["written"] = written(module, out / "run")
        results["two_writers"] = two_writers(module, out)
        torch.save(results, out / f"{distributed.rank()}.pt")


if __name__ == "__main__":
    main()
