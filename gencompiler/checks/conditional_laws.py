"""Conditionals of energies: that the law which was derived is the one that the energy gives.

Drawing a variable from its law given all others is a Metropolis-Hastings step that always accepts; the derived law is
right exactly if that step is in detailed balance with the energy."""

from __future__ import annotations

from gencompiler.checks import invariance
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.moves import condition
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.conditional_laws import log_energy, name_of
from gencompiler.derive.nodes import ConditionalLaw, Derived
from gencompiler.model import nodes
from gencompiler.model.print import expression
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Kernel, Proposal, Reversible
from gencompiler.proof.graph import symbol
from gencompiler.proof.kernel import Proof
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE
from gencompiler.proof.translate import Translation, variable

ID = "conditional"


def obligations(derived: Derived) -> list[Obligation]:
    """One for each law that was derived from an energy, each once."""
    found = {}
    for own in derived.laws:
        shown = expression(own.asked)
        if shown not in found:
            found[shown] = _obligation(derived, own, shown)
    return list(found.values())


def _obligation(derived: Derived, own: ConditionalLaw, shown: str) -> Obligation:
    model, asked = derived.model, own.asked
    scope = Translation.of_model(model)
    names = {i.name: condition(i) for d in model.densities if d.name == asked.joint for i in d.conditions}
    places = asked.target.subscripts if isinstance(asked.target, nodes.Element) else ()
    conditions = {i.name: i for t in model.transitions for i in t.conditions}
    names |= {r.name: condition(conditions[r.name]) for r in places if isinstance(r, nodes.Reference)}
    scope = scope.binding({n: s for n, s in names.items() if n not in {v.name for v in model.variables}})
    distribution, arguments = distribution_terms(scope, own.distribution)
    moved = next(v for v in model.variables if v.name == name_of(asked))
    shape = asked.target.type.shape
    law = Admissible(distribution.family, distribution.form, arguments, moved.type.support, shape)
    drawn = symbol("draw", f"{moved.name}'", moved.type.support, shape)
    proposal = Proposal(drawn, variable(moved), law, tuple(scope.term(p) for p in places))
    state = tuple(variable(v) for v in model.variables if v.role not in ("given", nodes.DERIVED))
    kernel = Kernel(state, (proposal,), None, ONE)
    goal = Reversible(kernel, scope.term(log_energy(model, asked.joint, asked)))
    words = f"`{shown}` is `{distribution.family}`, by the energy"
    return Obligation(ID, shown, words, asked.span, goal)


def check(checking: Checking) -> None:
    """The verdicts on all derived laws; what could not be derived is reported."""
    for failure in checking.derived.failures:
        laws = [a for t in checking.model.transitions for a in _asked(t)]
        if any(a.span == failure.span for a in laws):
            message = f"cannot derive the law of `{failure.subject}`: {failure.reason}"
            help_ = ("write the distribution itself, and claim `stationary(…)`",)
            checking.report(Finding("G623", message, failure.span, "no law of the catalogue", help=help_))
    for own in obligations(checking.derived):
        goal = own.goal
        assert isinstance(goal, Reversible)
        keeping = invariance.Keeping(checking)

        def attempt(keeping: invariance.Keeping = keeping, goal: Reversible = goal) -> Proof:
            return keeping.balances(goal.kernel, goal.log_target)

        def refute(failure: NotFound, keeping: invariance.Keeping = keeping, goal: Reversible = goal) -> Proof | None:
            return keeping.refutation(goal)

        def explain(failure: NotFound, found: Proof | None, own: Obligation = own) -> Finding:
            message = f"cannot prove that {own.words}"
            return Finding("G623", message, own.span, str(failure))

        checking.settle(own, attempt, refute, explain)


def _asked(transition: nodes.Transition) -> list[nodes.Conditioned]:
    draws = (s.distribution for s in transition.steps if isinstance(s, nodes.Draw))
    return [d for d in draws if isinstance(d, nodes.Conditioned)]
