"""Has the chain that samples a law to evaluate by, as `evaluate csl` needs?"""

from __future__ import annotations

from gencompiler.checks.checking import Checking, Finding
from gencompiler.derive import emission
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes


def check(checking: Checking) -> None:
    """Report a request for an estimate that nothing can be averaged for."""
    method = emission.asked(checking.model)
    if method is None:
        return
    found = emission.emission(checking.model)
    if isinstance(found, emission.Emission):
        return
    message = f"`{method.name}` averages the law that a chain draws its next state from, and there is none: {found}"
    help_ = ("let the chain end with such a draw: `c ~ q(c | x)   x' ~ p(x | c)`",)
    label = _stated(checking.model)
    checking.report(Finding("G703", message, method.span, "no law to average", label, (), help_))


def _stated(model: nodes.Model) -> tuple[Label, ...]:
    chain = next((m for m in model.methods if m.verb == "sample"), None)
    named = str(chain.arguments[0].value) if chain is not None and chain.arguments else ""
    return tuple(Label(t.span, "the transition") for t in model.transitions if t.name == named)
