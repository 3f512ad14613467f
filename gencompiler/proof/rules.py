"""Every rule of the kernel; importing this module registers them all."""

from __future__ import annotations

from gencompiler.proof import (
    chain_refutations,
    chain_rules,
    factorization_rules,
    map_rules,
    range_rules,
    refute_rules,
    structure_rules,
    trust_rules,
)
from gencompiler.proof.kernel import RULES

#: The modules that hold them.
MODULES = (
    range_rules,
    map_rules,
    refute_rules,
    structure_rules,
    factorization_rules,
    chain_rules,
    chain_refutations,
    trust_rules,
)

__all__ = ["MODULES", "RULES"]
