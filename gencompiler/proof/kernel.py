"""The kernel's interface: rules are registered here, and a proof is a graph of their applications.

A rule is a function from a subject and proven premises to the one conclusion it licenses; it raises `Unproved` when it
licenses none.  A conclusion is computed, never supplied, so that replaying a proof is computing it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from gencompiler.proof.budget import spend
from gencompiler.proof.facts import Fact

#: What a rule is asked about: terms, and plain data that serves as a witness.
Subject = tuple[Any, ...]
Rule = Callable[[Subject, tuple[Fact, ...]], Fact]

RULES: dict[str, Rule] = {}
#: Steps that an application of a rule counts for.
APPLICATION = 8


class Unproved(Exception):
    """The rule does not license a conclusion about this subject from these premises."""


def rule(function: Rule) -> Rule:
    """Register a rule under its own name."""
    name = function.__name__
    if name in RULES:
        raise ValueError(f"two rules are called {name}")
    RULES[name] = function
    return function


@dataclasses.dataclass(frozen=True, eq=False)
class Proof:
    """An application of a rule.  Premises are shared: a proof is a graph."""

    rule: str
    subject: Subject
    premises: tuple[Proof, ...]
    conclusion: Fact


def prove(name: str, subject: Subject, *premises: Proof) -> Proof:
    """Apply a rule to a subject; raises Unproved."""
    spend(APPLICATION)
    conclusion = RULES[name](subject, tuple(p.conclusion for p in premises))
    return Proof(name, subject, premises, conclusion)


def attempt(name: str, subject: Subject, *premises: Proof) -> Proof | None:
    """As `prove`; None where the rule licenses nothing."""
    try:
        return prove(name, subject, *premises)
    except Unproved:
        return None


def need(condition: bool, reason: str, *parts: object) -> None:
    """Raise Unproved unless `condition`; the places `{}` of the reason are filled in only then."""
    if not condition:
        raise Unproved(reason.format(*parts) if parts else reason)
