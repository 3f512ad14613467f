"""Every rule of the kernel; importing this module registers them all."""

from __future__ import annotations

from gencompiler.proof import (
    causal_rules,
    chain_refutations,
    chain_rules,
    composite_rules,
    condition_rules,
    conditional_rules,
    ergodic_rules,
    factorization_rules,
    finite_rules,
    index_rules,
    knot_rules,
    lemma_rules,
    lipschitz_rules,
    map_rules,
    marginal_rules,
    matrix_rules,
    range_rules,
    reduction_rules,
    refute_rules,
    sde_kernel_rules,
    sde_refutations,
    sde_rules,
    separation_rules,
    simplex_rules,
    structure_rules,
    sweep_refutations,
    trust_rules,
    vector_rules,
)
from gencompiler.proof.kernel import RULES

#: The modules that hold them.
MODULES = (
    range_rules,
    reduction_rules,
    simplex_rules,
    map_rules,
    index_rules,
    knot_rules,
    refute_rules,
    sweep_refutations,
    structure_rules,
    causal_rules,
    factorization_rules,
    conditional_rules,
    condition_rules,
    marginal_rules,
    matrix_rules,
    lemma_rules,
    lipschitz_rules,
    chain_rules,
    composite_rules,
    ergodic_rules,
    finite_rules,
    chain_refutations,
    sde_kernel_rules,
    sde_rules,
    sde_refutations,
    separation_rules,
    trust_rules,
    vector_rules,
)

__all__ = ["MODULES", "RULES"]
