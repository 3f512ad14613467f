"""The ahead-of-time gate: kernels compile for GPUs that are not there, without spills, within the checked-in table.

`tests/rows/resources.toml` has what each kernel used when it was accepted; a kernel that uses more registers or shared
memory, or spills at all, fails.  `python -m tests.emit.test_triton_resources` writes the table again.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gencompiler.emit.resources import KernelUse, kernel_use
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Config, Schedule, schedule
from tests.rows.programs import (
    coupling_log_prob,
    coupling_sample,
    fvsbn_log_prob,
    fvsbn_sample,
    mala,
    nade_log_prob,
    nade_sample,
)

TABLE = Path(__file__).parents[1] / "rows" / "resources.toml"

#: Bytes of shared memory of one program.
SHARED = {"sm_80": 163 * 1024, "sm_90": 227 * 1024}

#: Registers by which a new version of the compiler may differ.
SLACK = 16

KERNELS: dict[str, Program] = {
    "coupling_log_prob_16": coupling_log_prob(16, 24, 4),
    "coupling_log_prob_64": coupling_log_prob(64, 64, 8),
    "coupling_log_prob_2": coupling_log_prob(2, 64, 6),
    "coupling_sample_64": coupling_sample(64, 64, 8),
    "nade_log_prob_784": nade_log_prob(784, 500),
    "nade_sample_784": nade_sample(784, 500),
    "fvsbn_log_prob_784": fvsbn_log_prob(784),
    "fvsbn_sample_64": fvsbn_sample(64),
    "mala": mala(),
}

pytestmark = pytest.mark.slow


def compiled(target: str) -> dict[str, KernelUse]:
    schedules = {name: schedule(program) for name, program in KERNELS.items()}
    return {use.kernel.removesuffix("_kernel"): use for use in kernel_use(schedules, target)}


@pytest.fixture(scope="module", params=["sm_80", "sm_90"])
def uses(request: pytest.FixtureRequest) -> dict[str, KernelUse]:
    pytest.importorskip("triton")
    return compiled(request.param)


def test_every_kernel_is_within_its_row(uses: dict[str, KernelUse]) -> None:
    accepted = tomllib.loads(TABLE.read_text())
    assert uses.keys() == KERNELS.keys()
    for name, use in uses.items():
        row = accepted[use.target][name]
        assert not use.error, f"{name}: {use.error}"
        assert use.spills == 0, f"{name} spills {use.spills} bytes on {use.target}"
        assert use.stack <= row["stack"], f"{name} keeps {use.stack} bytes in local memory on {use.target}"
        assert use.registers <= row["registers"] + SLACK, f"{name}: {use.registers} registers on {use.target}"
        assert use.shared <= row["shared"] <= SHARED[use.target], f"{name}: {use.shared} bytes of shared memory"


def test_a_kernel_that_spills_is_seen() -> None:
    """Four warps are too few for 64 x 64 matrices."""
    pytest.importorskip("triton")
    good = schedule(KERNELS["coupling_log_prob_64"])
    bad = Schedule(good.program, good.reason, good.cost, good.tiled, {"sm_90": Config(16, 4, 1)})
    (use,) = kernel_use({"bad": bad}, "sm_90")
    assert use.spills > 0


def test_amd_compiles_too() -> None:
    pytest.importorskip("triton")
    chosen = ("coupling_log_prob_16", "nade_sample_784", "mala")
    for use in kernel_use({name: schedule(KERNELS[name]) for name in chosen}, "gfx942"):
        assert not use.error
        assert use.spills == 0
        assert use.shared <= 64 * 1024


def test_nothing_fused_is_nothing_compiled() -> None:
    assert kernel_use({"wide": schedule(coupling_log_prob(64, 256, 2))}, "sm_90") == []


def write_table() -> None:
    lines = ["# What each kernel used when it was accepted; see tests/emit/test_triton_resources.py.", ""]
    for target in SHARED:
        lines.append(f"[{target}]")
        for name, use in compiled(target).items():
            lines.append(f"{name} = {{ registers = {use.registers}, stack = {use.stack}, shared = {use.shared} }}")
        lines.append("")
    TABLE.write_text("\n".join(lines))


if __name__ == "__main__":
    write_table()
