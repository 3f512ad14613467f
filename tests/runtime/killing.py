"""Trains a package in child processes and kills them: `python killing.py FOLDER`, where `flow` and rows.npy are.

The children are forked from this process, which has imported everything and computed nothing, so each costs no start.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from gencompiler.runtime.command import main
from gencompiler.runtime.runs import CHECKPOINT


def start(out: str) -> int:
    """The process of a child that trains, or goes on training, in the folder `out`."""
    train = importlib.import_module("flow.train")
    child = os.fork()
    if child:
        return child
    options = ["--data", "rows.npy", "--out", out, "--epochs", "24", "--save-seconds", "0", "--resume"]
    os._exit(main(train.Flow, fit=train.fit, defaults=train.SETTINGS, arguments=["train", *options]))


def kill(child: int, out: str) -> bool:
    """Kill the child some time after it has written a checkpoint; whether it was still at work."""
    file = Path(out) / CHECKPOINT
    before = file.stat().st_mtime_ns if file.exists() else 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if file.exists() and file.stat().st_mtime_ns != before:
            time.sleep(random.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            return os.WIFSIGNALED(os.waitpid(child, 0)[1])
        time.sleep(0.001)
    return False


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])  # the first optimizer of a process imports for seconds
    assert os.waitpid(start("whole"), 0)[1] == 0
    kills = sum(kill(start("killed"), "killed") for _ in range(4))
    assert os.waitpid(start("killed"), 0)[1] == 0
    print(f"kills: {kills}")
