"""Does each ODE of a pipeline have one solution through every point, so that its flow is a bijection?"""

from __future__ import annotations

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.model import flows, nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.ode_rules import UNIT, Flows
from gencompiler.proof.translate import Translation

ID = "ode_flow"


def goal(model: nodes.Model, stage: nodes.UseOde) -> Flows:
    """What must hold of a stage."""
    function = next(f for f in model.functions if f.name == stage.function)
    state, time = function.inputs
    symbols = symbol("input", state.name, nodes.REAL, stage.shape), symbol("input", time.name, UNIT)
    scope = Translation.of_model(model).binding(dict(zip((state.name, time.name), symbols, strict=True)))
    return Flows(*symbols, scope.term(function.body))


def obligations(derived: Derived) -> list[tuple[Obligation, nodes.UseOde]]:
    """One for each ODE."""
    found = []
    for stage in {s.function: s for s in flows.odes(derived.model)}.values():
        words = f"d state = {stage.function} dt has one solution through every point, so that its flow is a bijection"
        own = Obligation(ID, stage.function, words, stage.span, goal(derived.model, stage))
        found.append((own, stage))
    return found


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all ODEs; the proofs, by the name that `equations.chains` gives the stage."""
    proofs = {}
    for own, stage in obligations(checking.derived):
        target = own.goal
        assert isinstance(target, Flows)

        def attempt(target: Flows = target) -> Proof:
            try:
                return prove("lipschitz_flow", target.values(), checking.search.range(target.field))
            except Unproved as failure:
                raise NotFound("ode", target.field, str(failure)) from None

        def explain(failure: NotFound, found: Proof | None, own: Obligation = own) -> Finding:
            help_ = ("networks with any activation of the catalogue are Lipschitz: bound what multiplies the state",)
            return Finding("G610", f"cannot prove that {own.words}", own.span, failure.reason, help=help_)

        verdict = checking.settle(own, attempt, lambda failure: None, explain)
        if verdict.proof is not None and isinstance(verdict.proof.conclusion, Flows):
            proofs[f"ode {stage.function}"] = verdict.proof
    return proofs
