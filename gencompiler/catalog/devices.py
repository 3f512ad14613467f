"""Processors that kernels are compiled for: what they can do, from their makers' data sheets.

A100 SXM 80 GB: NVIDIA A100 Tensor Core GPU data sheet, 2021.  GeForce RTX 3090: NVIDIA Ampere GA102 GPU architecture
white paper, 2021.  H100 SXM: NVIDIA H100 Tensor Core GPU data sheet, 2023.
MI300X: AMD Instinct MI300X data sheet, 2023.  Shared memory of one program: CUDA C++ Programming Guide, table of
technical specifications; AMD CDNA 3 instruction set architecture, local data share.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Device:
    """`flops`: operations a second in float32 without matrix units; `bandwidth`: bytes of memory a second; `shared`:
    bytes of shared memory of one program; `warp`: threads that run in step; `prefetches`: whether shared memory has
    room for the weights of the next iteration; `like`: the processor whose registers and instructions it has, so that
    what was compiled for that one tells what kernels take here."""

    name: str
    flops: float
    bandwidth: float
    shared: int
    warp: int
    prefetches: bool
    like: str = ""


DEVICES: dict[str, Device] = {
    "sm_80": Device("A100 SXM 80 GB", 19.5e12, 2.039e12, 163 * 1024, 32, True),
    "sm_86": Device("GeForce RTX 3090", 35.6e12, 0.936e12, 99 * 1024, 32, True, like="sm_80"),
    "sm_90": Device("H100 SXM", 67e12, 3.35e12, 227 * 1024, 32, True),
    "gfx942": Device("MI300X", 163.4e12, 5.3e12, 64 * 1024, 64, False),
}

#: The one that is spoken of where none is named.
MAIN = "sm_90"
