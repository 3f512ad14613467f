"""What is taken on the user's word.  A proof that contains this rule is not a proof: its verdict is `assumed`."""

from __future__ import annotations

from typing import cast

from gencompiler.proof.facts import Fact
from gencompiler.proof.kernel import Subject, need, rule


@rule
def assumption(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A fact, and the reason the spec gives for it."""
    fact, reason = cast(tuple[Fact, str], subject)
    need(isinstance(fact, Fact) and bool(reason), "an assumption needs a reason")
    return fact
