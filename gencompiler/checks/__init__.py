"""Stage 4: what was derived in, verdicts and capabilities out.

One file per obligation.  Each states what must hold (`obligations`), tries to prove it with the kernel of `proof`,
tries to refute it where that fails, and reports what is refuted or unknown.  Rows lower only what was verified."""

from __future__ import annotations

import dataclasses

from gencompiler.checks import (
    adaptation,
    admissibility,
    adversaries,
    annealing,
    capability,
    causality,
    claims,
    conditional_laws,
    conditionals,
    conservative,
    decoders,
    domains,
    energies,
    ergodicity,
    estimators,
    externals,
    factorization,
    groups,
    implicit,
    importance,
    inverse_network,
    invertibility,
    normalization,
    objective,
    ode_flows,
    passes,
    requirements,
    sde_obligations,
    seams,
    starts,
    stationarity,
    stochastic_calculus,
)
from gencompiler.checks.capability import Ability, Capabilities
from gencompiler.checks.checking import Checking
from gencompiler.checks.joints import Joint, joints
from gencompiler.checks.verdict import Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Reporter
from gencompiler.model import nodes
from gencompiler.proof.graph import TooDeepError
from gencompiler.proof.kernel import Proof, prove
from gencompiler.proof.structure import Production, PushesForward
from gencompiler.proof.translate import Untranslated

__all__ = ["Ability", "Capabilities", "Checked", "Obligation", "Verdict", "check", "obligations"]


@dataclasses.dataclass(frozen=True)
class Checked:
    """A derived model with the verdicts on all its obligations, and what it can do."""

    derived: Derived
    verdicts: tuple[Verdict, ...]
    capabilities: Capabilities


def check(derived: Derived, reporter: Reporter, *, allow_unknown: bool = False) -> Checked:
    """Every obligation of `derived`, with its verdict; what is refuted or unknown is reported.

    With `allow_unknown`, an unknown is a warning."""
    checking = Checking(derived, reporter, allow_unknown)
    try:
        return _check(checking)
    except TooDeepError as problem:
        reporter.add("G902", f"the mathematics of the model is too large to check: {problem}", derived.model.span)
    except Untranslated as problem:
        message = f"this is valid, but cannot be checked yet: {problem}"
        reporter.add("G901", message, problem.expr.span, "not supported yet")
    return Checked(derived, tuple(checking.verdicts), capability.nothing(derived.model, "the checks did not end"))


def _check(checking: Checking) -> Checked:
    derived = checking.derived
    if not derived.model.variables:  # a library of densities and maps
        normalization.check(checking)
        invertibility.check(checking)
        return Checked(derived, tuple(checking.verdicts), capability.nothing(derived.model, "there is no model"))
    factorized = factorization.check(checking)
    causality.check(checking)
    normalization.check(checking)
    admissible = admissibility.check(checking)
    invertible = invertibility.check(checking)
    chained = domains.check(checking, {**invertible, **ode_flows.check(checking)})
    computed = implicit.check(checking)
    externals.check(checking)
    starts.check(checking)
    seams.check(checking)
    energies.check(checking)
    conditional_laws.check(checking)
    stationarity.check(checking)
    adaptation.check(checking)
    annealing.check(checking)
    ergodicity.check(checking)
    conservative.check(checking)
    stochastic_calculus.check(checking)
    claims.check(checking)
    inverse_network.check(checking, factorized)
    known = {j.name: j for j in checking.joints}
    densities: dict[str, Proof | str] = {}
    laws = {joint.name: _laws(joint, admissible, {**chained, **computed}) for joint in known.values()}
    for joint in known.values():
        densities[joint.name] = capability.density_proof(checking, factorized, laws[joint.name], joint)
    table = capability.capabilities(checking, densities)
    objective.check(checking, known, densities, table)
    passes.check(checking, known)
    conditionals.check(checking, known, factorized, laws)
    opposed = groups.check(checking)
    estimators.check(checking, opposed)
    adversaries.check(checking, opposed)
    importance.check(checking)
    decoders.check(checking)
    claims.check_answers(checking)
    return Checked(derived, tuple(checking.verdicts), table)


def _laws(joint: Joint, admissible: dict[str, Proof], between: dict[str, Proof]) -> dict[int, Proof]:
    """The proofs of a joint's equations, by number; `between`: those of equations between variables, by target."""
    found = {}
    for number, equation in enumerate(joint.equations):
        if isinstance(equation.source, nodes.Link | nodes.Deterministic):
            proof = between.get(equation.source.target)
        elif isinstance(equation.source, nodes.Quantity):
            proof = between.get(equation.production.label)
        else:
            proof = _law(equation.production, admissible, between)
        if proof is not None:
            found[number] = proof
    return found


def _law(production: Production, admissible: dict[str, Proof], between: dict[str, Proof]) -> Proof | None:
    """The proof of a conditional's law, by its label."""
    own, piped = admissible.get(production.label), between.get(production.label)
    if not isinstance(production.law, PushesForward) or own is None:
        return own
    return prove("pushes_forward", (), own, piped) if piped is not None else None


def obligations(derived: Derived) -> list[Obligation]:
    """Everything that must hold of a derived model, without any attempt to show it."""
    model = derived.model
    if not model.variables:
        return [own for own, _, _ in invertibility.obligations(derived)]
    known = {j.name: j for j in joints(derived)}
    found = [factorization.obligation(j) for j in known.values()]
    found += [own for own, _ in causality.obligations(model)]
    found += normalization.obligations(derived)
    found += [use.obligation for use in admissibility.uses(derived)]
    found += [own for own, _, _ in admissibility.probabilities(derived)]
    found += [own for own, _, _ in invertibility.obligations(derived)]
    found += [use.obligation for use in requirements.uses(derived)]
    found += [own for own, _ in ode_flows.obligations(derived)]
    for pipe in domains.pipes(derived):
        found += [domains.chain_obligation(pipe), domains.transformed_obligation(pipe)]
    found += [implicit.obligation(derived, d) for d in model.deterministic]
    found += [implicit.quantity_obligation(derived, q) for q in model.quantities]
    found += externals.obligations(model)
    found += starts.obligations(derived)
    for energy in model.energies:
        found += [energies.density_obligation(derived, energy), energies.obligation(derived, energy)]
    found += conditional_laws.obligations(derived)
    found += stationarity.obligations(derived)
    found += adaptation.obligations(derived)
    found += annealing.obligations(derived)
    found += ergodicity.obligations(derived)
    found += sde_obligations.obligations(derived)
    found += [own for own, _, _ in claims.obligations(derived)]
    found += inverse_network.obligations(derived)
    for name, joint, span in objective.needs(model):
        found += [objective.obligation(model, known[joint], name, span)] if joint in known else []
    found += [conditionals.obligation(model, known[n.joint], n) for n in conditionals.needs(model) if n.joint in known]
    return found
