"""Energies: that `∝` can be normalized at all is taken on the word of whoever wrote it."""

from __future__ import annotations

from gencompiler.checks.checking import Checking
from gencompiler.checks.verdict import ASSUMED, Obligation, Verdict
from gencompiler.derive.density import log_of
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.proof.kernel import prove
from gencompiler.proof.structure import Integrable
from gencompiler.proof.translate import Translation, variable

ID = "integrable"
REASON = "stated by `∝`"


def obligation(derived: Derived, energy: nodes.Energy) -> Obligation:
    """The total mass of an energy is finite."""
    model = derived.model
    variables = tuple(variable(v) for v in model.variables if v.name in energy.variables)
    log_density = Translation.of_model(model).term(log_of(energy.value))
    words = f"the total mass of `{energy.joint}({', '.join(energy.variables)})` is finite: {REASON}"
    return Obligation(ID, energy.joint, words, energy.span, Integrable(energy.joint, variables, log_density))


def check(checking: Checking) -> None:
    """One assumed verdict for each energy."""
    for energy in checking.model.energies:
        own = obligation(checking.derived, energy)
        proof = prove("assumption", (own.goal, REASON))
        checking.record(Verdict(ASSUMED, own, proof, (REASON,)))
