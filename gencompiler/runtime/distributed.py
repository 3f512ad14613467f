"""Data-parallel training: each process has the whole model and a shard of every batch, and gradients are added up.

    torchrun --nproc-per-node 2 -m generated.nade train

With b rows in a batch and b_r of them in the shard of process r, process r differentiates (b_r / b) times the mean loss
of its shard, so the sum over processes is the gradient of the mean over the batch; shards may differ in size.  Draws
are keyed by dataset row, so that a row draws the same numbers in whichever process it is.  All processes hold the same
parameters, bit for bit; process 0 alone writes files and shows progress.

Processes meet as torchrun's environment says (gloo on the CPU, nccl on CUDA); without it there is one, and nothing
here does anything.  A process that is gone ends the others with RunError G807.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.distributed as torch_distributed
from torch import Tensor

from gencompiler.runtime import settings
from gencompiler.runtime.errors import RunError

#: How long a process waits for one that is there but silent.
PATIENCE = datetime.timedelta(minutes=10)


def size() -> int:
    """The number of processes that train together."""
    return torch_distributed.get_world_size() if _joined() else 1


def rank() -> int:
    """The number of this process, from 0; also before and after the processes are joined."""
    return torch_distributed.get_rank() if _joined() else settings.process_number()


def leading() -> bool:
    """Whether this is the one process that writes."""
    return rank() == 0


def device(name: str) -> str:
    """The device of this process: of several GPUs the one with its number on this machine."""
    return f"cuda:{settings.local_process_number()}" if name == "cuda" and settings.processes() > 1 else name


def _joined() -> bool:
    return torch_distributed.is_available() and torch_distributed.is_initialized()


@contextlib.contextmanager
def joined(kind: str) -> Iterator[None]:
    """Within, this process is one of those that the environment names; `kind` is the type of its device.

    A process group that the caller has made is used and left as it is."""
    if settings.processes() == 1 or _joined():
        yield
        return
    with _together():
        torch_distributed.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        torch_distributed.destroy_process_group()


def shard(places: Tensor) -> Tensor:
    """This process's part of the rows of a batch, `[rows]`: in order, of sizes that differ by at most one."""
    return torch.tensor_split(places, size())[rank()]


@torch.no_grad()
def summed(optimizer: torch.optim.Optimizer, total: Tensor) -> Tensor:
    """Add up the gradients of the optimizer's parameters over the processes, in place, and return the sum of the scalar
    `total`.

    A parameter that has a gradient in no process keeps none, so that its optimizer leaves it alone, as in one
    process."""
    if size() == 1:
        return total
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    has = torch.tensor([p.grad is not None for p in parameters], dtype=total.dtype, device=total.device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([total.reshape(1), has, *(g.reshape(-1) for g in gradients)])
    _add_up(flat)
    sizes = [1, len(parameters), *(p.numel() for p in parameters)]
    result, counts, *sums = torch.split(flat, sizes)
    for parameter, count, each in zip(parameters, counts.tolist(), sums, strict=True):
        parameter.grad = each.reshape(parameter.shape).to(parameter.dtype) if count else None
    return result.reshape(()).to(total.dtype)


def sums(values: Sequence[float], where: torch.device) -> list[float]:
    """Each number's sum over the processes, in float64."""
    if size() == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=where)
    _add_up(tensor)
    found: list[float] = tensor.tolist()
    return found


def anywhere(flag: bool, where: torch.device) -> bool:
    """Whether `flag` is set in any process."""
    return sums([float(flag)], where)[0] > 0


@torch.no_grad()
def share(tensors: Iterable[Tensor]) -> None:
    """Give every process the tensors of process 0, in place."""
    if size() > 1:
        with _together():
            for tensor in tensors:
                torch_distributed.broadcast(tensor, src=0)


def require_agreement(number: int, what: str, where: torch.device) -> None:
    """Raise RunError G807 unless all processes have the same `number`, a whole one."""
    if size() == 1:
        return
    tensor = torch.tensor([number, -number], device=where)
    with _together():
        torch_distributed.all_reduce(tensor, torch_distributed.ReduceOp.MAX)
    largest, smallest = int(tensor[0]), -int(tensor[1])
    if largest != smallest:
        raise RunError(
            "G807",
            f"the processes disagree on {what}: from {smallest} to {largest}",
            "start every process with the same options, and let them see the same `--out` directory",
        )


def wait(where: torch.device) -> None:
    """Until every process is here."""
    sums([0.0], where)


def _add_up(tensor: Tensor) -> None:
    with _together():
        torch_distributed.all_reduce(tensor)


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Where processes must meet: one that is gone, or does not come, ends this one."""
    try:
        yield
    except RuntimeError as error:  # torch's own errors of this kind derive from it
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
        raise RunError(
            "G807",
            f"process {rank()} of {settings.processes()} lost the others",
            ("look at the first process that failed; go on from the last checkpoint with `--resume`",),
            (reason,),
        ) from error
