"""What the kernels of a package use on a named GPU, found by compiling them ahead of time in a process of their own."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gencompiler.emit.triton import import_lines, kernel_request, print_kernel
from gencompiler.rows.schedule import Schedule

#: Seconds for the kernels of one package.
TIME_LIMIT = 1200


@dataclasses.dataclass(frozen=True)
class KernelUse:
    """Registers of a thread, bytes of stack, spills and shared memory; `error` where it does not compile."""

    kernel: str
    target: str
    registers: int
    stack: int
    spills: int
    shared: int
    error: str


def kernel_use(schedules: dict[str, Schedule], target: str) -> list[KernelUse]:
    """Compile the schedules that are kernels on `target` ("sm_80", "sm_90" or "gfx942"), by the names of their
    launchers.

    Needs triton but no GPU.  Raises `RuntimeError` with the compiler's last words when the process fails."""
    fused = {name: each for name, each in schedules.items() if target in each.configs}
    if not fused:
        return []
    printed = [print_kernel(each, name=name) for name, each in fused.items()]
    text = "\n\n\n".join(["\n".join(import_lines(printed)), *(each.text for each in printed)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.py"
        path.write_text(text, encoding="utf-8")
        request: dict[str, Any] = {
            "file": str(path),
            "target": target,
            "kernels": [kernel_request(each, target, name=name) for name, each in fused.items()],
        }
        command = [sys.executable, "-m", "gencompiler.runtime.aot"]
        try:
            result = subprocess.run(
                command, input=json.dumps(request), capture_output=True, text=True, timeout=TIME_LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the kernels did not compile for {target} within {TIME_LIMIT} seconds") from None
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"the compiler of kernels for {target} failed: {last}")
    return [KernelUse(**each) for each in json.loads(result.stdout)]
