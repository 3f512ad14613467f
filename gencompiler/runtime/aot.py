"""Compile kernels for a GPU that is not there, and read what they use: `python -m gencompiler.runtime.aot`.

The standard input is JSON, `{"file": …, "target": "sm_90", "kernels": [{"name", "signature", "constants", "warps",
"stages"}]}`; the standard output is a JSON list of `Resources`.  A process of its own, because a compiler that is
given a kernel it cannot compile may end its process.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

_TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


@dataclasses.dataclass(frozen=True)
class Resources:
    """What one kernel uses on one target: registers of a thread, bytes of stack, spills and shared memory.

    `error` is the compiler's last line where it refused; the numbers are then 0."""

    kernel: str
    target: str
    registers: int = 0
    stack: int = 0
    spills: int = 0
    shared: int = 0
    error: str = ""


def resources(kernel: Any, request: dict[str, Any], target: str) -> Resources:
    """Compile one `@triton.jit` function for `target`, "sm_80", "sm_90" or "gfx942"."""
    name = request["name"]
    try:
        compiled = _compiled(kernel, request, target)
    except Exception as refusal:  # triton's compiler raises whatever its passes raise
        lines = str(refusal).strip().splitlines() or [""]
        return Resources(name, target, error=f"{type(refusal).__name__}: {lines[-1]}")
    shared = int(compiled.metadata.shared)
    if target.startswith("gfx"):
        return _of_amd(name, target, compiled.asm["amdgcn"], shared)
    return _of_nvidia(name, target, compiled.asm, shared)


def _compiled(kernel: Any, request: dict[str, Any], target: str) -> Any:
    constants = request["constants"]
    signature = {n: "constexpr" if n in constants else request["signature"][n] for n in kernel.arg_names}
    aligned = [["tt.divisibility", 16]]
    attributes = {(n,): aligned for n, arg in enumerate(kernel.arg_names) if signature[arg].startswith("*")}
    source = ASTSource(kernel, signature=signature, constexprs=constants, attrs=attributes)
    if target.startswith("gfx"):
        device = GPUTarget("hip", target, 64)
    else:
        device = GPUTarget("cuda", int(target.removeprefix("sm_")), 32)
    return triton.compile(
        source, target=device, options={"num_warps": request["warps"], "num_stages": request["stages"]}
    )


def _of_nvidia(name: str, target: str, asm: dict[str, Any], shared: int) -> Resources:
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder) / "kernel.cubin"
        cubin.write_bytes(asm["cubin"])
        usage = _output(_TOOLS / "cuobjdump", "--dump-resource-usage", str(cubin))
    found = re.search(r"REG:(\d+) STACK:(\d+)", usage)
    if found is None:
        return Resources(name, target, error="cuobjdump reported nothing")
    registers, stack = int(found[1]), int(found[2])
    spills = _spills(asm["ptx"], target) if stack else 0  # registers are spilled to the stack
    if spills is None:
        return Resources(name, target, error="ptxas reported nothing")
    return Resources(name, target, registers, stack, spills, shared)


def _spills(ptx: str, target: str) -> int | None:
    """Bytes of registers that a kernel of Nvidia stores and loads again."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        architecture = re.search(r"\.target\s+(\w+)", ptx)
        arch = architecture[1] if architecture else target
        verbose = _output(_ptxas(), "-v", f"-arch={arch}", str(source), "-o", str(Path(folder) / "out"))
    spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", verbose)
    return None if spilled is None else int(spilled[1]) + int(spilled[2])


def _ptxas() -> Path:
    """The assembler that understands the PTX of this triton."""
    newer = _TOOLS / "ptxas-blackwell"
    return newer if newer.exists() else _TOOLS / "ptxas"


def _of_amd(name: str, target: str, assembly: str, shared: int) -> Resources:
    def field(key: str) -> int:
        return max((int(value) for value in re.findall(rf"\.{key}:\s+(\d+)", assembly)), default=0)

    # Scalar registers spill into lanes of vector registers, not into memory.
    spills = 4 * field("vgpr_spill_count")
    return Resources(name, target, field("vgpr_count"), field("private_segment_fixed_size"), spills, shared)


def _output(*command: object) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def main() -> None:
    """Read a request, compile its kernels, write their resources."""
    request = json.load(sys.stdin)
    spec = importlib.util.spec_from_file_location("kernels", request["file"])
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot import {request['file']}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [resources(getattr(module, each["name"]), each, request["target"]) for each in request["kernels"]]
    json.dump([dataclasses.asdict(each) for each in found], sys.stdout)


if __name__ == "__main__":
    main()
