"""Warm-ups: what sets a condition of a transition must not matter once it stands still.

While a step size follows the chain's own past, no law is kept (Andrieu & Thoms, *A tutorial on adaptive MCMC*, 2008).
From the end of the warm-up on the conditions are numbers, whatever they came from; so the transition has to keep the
target for every value that its conditions may have, which is what is proved here."""

from __future__ import annotations

from gencompiler.checks import invariance
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.moves import Unsupported, move_of
from gencompiler.checks.stationarity import log_target
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import chain_conditions, nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Stationary
from gencompiler.proof.kernel import Proof

ID = "warm-up"
TARGET = "p"


def obligations(derived: Derived) -> list[Obligation]:
    """That the chain's transition keeps its target at whatever its warm-up ends with."""
    own = _obligation(derived)
    return [own] if own is not None else []


def _method(model: nodes.Model) -> nodes.Method:
    return next(m for m in model.methods if m.verb == "sample" and m.name == "chain")


def _obligation(derived: Derived) -> Obligation | None:
    if not chain_conditions.adapts(derived.model):
        return None
    method = _method(derived.model)
    name = str(method.arguments[0].value)
    transition = next(t for t in derived.model.transitions if t.name == name)
    target = log_target(derived, TARGET, method)
    if target is None:
        return None
    try:
        move = move_of(derived, transition)
    except Unsupported:
        return None
    tuned = ", ".join(f"`{t.condition.name}`" for t in chain_conditions.tuned(derived.model) if t.how != "constant")
    words = f"`{name}` keeps `{TARGET}` whatever {tuned} a warm-up ends with"
    return Obligation(ID, name, words, method.span, Stationary(move, target))


def check(checking: Checking) -> None:
    """The verdict on the warm-up of the model's chain, if it has one."""
    if not chain_conditions.adapts(checking.model):
        return
    own, method = _obligation(checking.derived), _method(checking.model)
    if own is None:
        message = f"`{method.arguments[0].value}` adapts, and nothing is known of what it keeps"
        checking.report(Finding("G627", message, method.span, "a warm-up"))
        return
    goal, keeping = own.goal, invariance.Keeping(checking)
    assert isinstance(goal, Stationary)
    if not keeping.admissible(goal.kernel):
        return  # its proposal has been reported

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        transition = next(t for t in checking.model.transitions if t.name == own.subject)
        also = (Label(transition.span, "the transition"),)
        message = f"cannot prove that {own.words}"
        return Finding("G627", message, own.span, "not shown", also, (str(failure),))

    checking.settle(
        own, lambda: keeping.keeps(goal.kernel, goal.log_target), lambda failure: keeping.refutation(goal), explain
    )
