"""Networks that the user supplies: what their declarations promise of a result is taken on trust."""

from __future__ import annotations

from gencompiler.checks.checking import Checking
from gencompiler.checks.verdict import ASSUMED, Obligation, Verdict
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof import graph
from gencompiler.proof.external import external as supplied
from gencompiler.proof.facts import Member
from gencompiler.proof.kernel import prove

ID = "external"


def obligations(model: nodes.Model) -> list[Obligation]:
    """One for each external network that the model uses and whose result is declared to be more than Real."""
    used = {n.external for n in walk(model) if isinstance(n, nodes.ExternalOutput)}
    return [_obligation(e) for e in model.externals if e.name in used and e.result.support != nodes.REAL]


def _obligation(external: nodes.External) -> Obligation:
    formals = tuple(
        graph.symbol("formal", f"{external.name}.{i.name}", i.type.support, i.type.shape) for i in external.inputs
    )
    value = supplied(external.name, external.result.support, external.result.shape, formals)
    words = f"`{external.name}` gives values in {external.result}"
    return Obligation(ID, external.name, words, external.span, Member(value, external.result.support))


def check(checking: Checking) -> None:
    """One assumed verdict for each."""
    for own in obligations(checking.model):
        reason = f"declared by `extern def {own.subject}`"
        checking.record(Verdict(ASSUMED, own, prove("assumption", (own.goal, reason)), (reason,)))
