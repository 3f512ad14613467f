"""How many threads torch computes with in the commands `run`, `train`, `sample`, `eval` and `test`.

A process of the user's own is left alone: nothing here happens on import, nor in `fit` or `sample` of a model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from gencompiler.runtime import settings

#: Parameters times rows at once from which more than one thread is worth its risk.
#:
#: A training step with 2 threads instead of 1 on 2 cores, nothing else running: 0.82 times as fast at 1.1e7 (RealNVP,
#: 84k parameters, batch 128), 1.28 times at 8.6e7 (batch 1024), 1.30 times at 1.0e8 (NADE, 785k parameters, batch 128).
#: With another process on one of the cores, where short operations wait for a thread that is not running: 0.40, 0.66
#: and 0.91 times as fast, and 0.03 times at 1.3e7 (NADE, batch 16).  By `python -m tests.benchmarks threads`, `--busy`.
LARGE = 100_000_000


@contextlib.contextmanager
def chosen(model: nn.Module, rows: int) -> Iterator[None]:
    """Torch computes with GENC_THREADS threads within; where neither that nor OMP_NUM_THREADS is set, with one for a
    small model and with all for a large one.  `rows`: how many the model sees at once."""
    before = torch.get_num_threads()
    wanted = settings.threads()
    if wanted is None:
        large = sum(parameter.numel() for parameter in model.parameters()) * rows >= LARGE
        wanted = before if large or settings.threads_of_openmp() else 1
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
