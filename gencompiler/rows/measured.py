"""What compiling has shown where the schedule's estimate of live numbers is too low: which tile does not spill.

`python -m tests.emit.test_shipped_kernels` compiles the kernels of the shipped specs for every processor of the
catalogue, and where one runs out of registers tries other tiles and writes down here which one fits, or that none does.
The key is the program of the kernel, whatever its name: the same mathematics in another spec is the same kernel.
"""

from __future__ import annotations

import dataclasses
import hashlib

from gencompiler.rows.nodes import Program
from gencompiler.rows.print import text

#: Rows, warps and stages by the key of a tile program; None where every choice spills.
MEASURED: dict[str, tuple[int, int, int] | None] = {
    "e94e04db01ac4d4f": (16, 4, 2),  # lsgan_objective_critic_backward_6
    "965d43d110683113": (16, 4, 2),  # wgan_gp_objective_generator_backward_8
    "67a4c2b624f0de8f": (16, 8, 3),  # realnvp_forward_2
    "4f91a4147c97e003": (16, 8, 3),  # realnvp_inverse_3
    "9e23589fa9538925": None,  # realnvp_learned_dequantization_objective_phase_1_backward_7
    "14945907bcf7a5be": None,  # conditional_realnvp_log_prob_0
    "685eaeadafdd2f13": None,  # conditional_realnvp_log_prob_saving_4
    "4acbf249dc9d827c": None,  # conditional_realnvp_log_prob_saving_6
    "f1a8e8667e2a5406": (16, 8, 1),  # sine_forward_residual_2
    "9bd5036ae576ab77": None,  # spline_log_prob_backward_5
    "b364a7fe0cd2f609": (16, 8, 1),  # rbm_pcd_anneal_8
    "2ea1f0b628c49ddd": None,  # hmm_log_weight_1
    "f58f7ad58405eb11": None,  # hmm_objective_phase_1_5
}


def program_key(program: Program) -> str:
    """The hash of a tile program without its name and title."""
    anonymous = dataclasses.replace(program, name="kernel", title="")
    return hashlib.sha256(text(anonymous).encode()).hexdigest()[:16]
