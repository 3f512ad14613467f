"""Does a `def` give what it declares?  `def beta(t : Interval(0, 1)) -> Positive = …`, for all values of its inputs.

No proof rests on the declaration: a call stands for its formula.  It is a claim of the spec's own.
"""

from __future__ import annotations

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.requirements import member
from gencompiler.checks.verdict import Obligation
from gencompiler.model import nodes
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import symbol
from gencompiler.proof.kernel import Proof
from gencompiler.proof.translate import Translation

ID = "result"


def obligations(model: nodes.Model) -> list[tuple[Obligation, nodes.Function]]:
    """One for each function that declares more than real numbers."""
    found = []
    translation = Translation.of_model(model)
    for function in model.functions:
        if function.result == nodes.REAL:
            continue
        inputs = {i.name: symbol("input", i.name, i.type.support, i.type.shape) for i in function.inputs}
        goal = Member(translation.binding(inputs).term(function.body), function.result)
        words = f"`{function.name}` gives values in {function.result}, as it declares"
        found.append((Obligation(ID, function.name, words, function.span, goal), function))
    return found


def check(checking: Checking) -> None:
    """The verdicts on all declared results."""
    for own, function in obligations(checking.model):
        _settle(checking, own, function)


def _settle(checking: Checking, own: Obligation, function: nodes.Function) -> None:
    goal = own.goal
    assert isinstance(goal, Member)

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        told = "leave" if found is not None else "leave, as far as can be shown,"
        message = f"the values of `{function.name}` {told} {goal.support}, which it declares"
        help_ = ("map it there: `exp(…)`, `sigmoid(…)`", "or declare what it gives: `-> Real`")
        return Finding("G502", message, function.body.span, f"not known to be {goal.support}", help=help_)

    checking.settle(
        own, lambda: member(checking.search, goal), lambda _: refute.outside(goal.term, goal.support), explain
    )
