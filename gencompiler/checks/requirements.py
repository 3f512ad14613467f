"""Does each use of a map fulfil what the map requires of its parameters?"""

from __future__ import annotations

import dataclasses

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Member
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.scope import MapTerms, terms_of
from gencompiler.proof.search import Search
from gencompiler.proof.text import number, text

ID = "required"


@dataclasses.dataclass(frozen=True)
class Use:
    """One condition of one map."""

    obligation: Obligation
    map: nodes.Map
    condition: nodes.Expr
    terms: MapTerms


def uses(derived: Derived) -> list[Use]:
    """Every condition of every map of the model."""
    found = []
    for map_ in derived.model.maps:
        if not map_.requires:
            continue
        terms = terms_of(derived.model, map_)
        for place, (condition, goal) in enumerate(zip(map_.requires, terms.requires, strict=True)):
            subject = map_.name if len(map_.requires) == 1 else f"{map_.name} {place + 1}"
            words = f"`{map_.definition}` requires {_spelled(terms, condition)}, and it holds here"
            found.append(
                Use(Obligation(ID, subject, words, used_at(derived.model, map_), goal), map_, condition, terms)
            )
    return found


def used_at(model: nodes.Model, map_: nodes.Map) -> Span:
    """Where a map is used."""
    stages = (n for link in model.links for n in walk(link) if isinstance(n, nodes.UseMap))
    return next((s.span for s in stages if s.map == map_.name), map_.span)


def check(checking: Checking, proofs: dict[str, Proof]) -> dict[str, Proof]:
    """The verdicts on all conditions; of the proofs of maps, those whose conditions hold, rid of them."""
    held: dict[str, list[Proof]] = {}
    for use in uses(checking.derived):
        goal = use.obligation.goal
        assert isinstance(goal, Member)
        verdict = _settle(checking, use, goal)
        if verdict.proof is not None and verdict.proof.conclusion == goal:
            held.setdefault(use.map.name, []).append(verdict.proof)
    settled = {}
    for map_ in checking.model.maps:
        proof, shown = proofs.get(map_.name), held.get(map_.name, [])
        if proof is not None and len(shown) == len(map_.requires):
            settled[map_.name] = prove("discharged", (), proof, *shown) if shown else proof
    return settled


def _settle(checking: Checking, use: Use, goal: Member) -> Verdict:
    return checking.settle(
        use.obligation,
        lambda: member(checking.search, goal),
        lambda _: refute.outside(goal.term, goal.support),
        lambda _, found: _explain(use, found),
    )


def member(search: Search, goal: Member) -> Proof:
    """That a condition holds for all values of what it is made of; raises NotFound."""
    try:
        if goal.support.name == "NonZero":
            return prove("nonzero_member", (goal,), search.nonzero(goal.term))
        return prove("member", (goal.term, goal.support), search.range(goal.term))
    except Unproved as failure:
        raise NotFound("range", goal.term, str(failure)) from None


def _spelled(terms: MapTerms, condition: nodes.Expr) -> str:
    return text(terms.translation.term(condition), terms.translation.labels)


def _explain(use: Use, found: Proof | None) -> Finding:
    condition = _spelled(use.terms, use.condition)
    notes: tuple[str, ...] = ()
    if found is not None:
        point: Assignment = found.subject[2]
        names = use.terms.translation.labels
        notes = (f"counterexample: {', '.join(f'{text(t, names)} = {number(v)}' for t, v in point)}",)
    shown = "does not hold here" if found is not None else "is not shown to hold here"
    return Finding(
        "G410",
        f"`{use.map.definition}` requires {condition}, which {shown}",
        use.obligation.span,
        "used here",
        (Label(use.condition.span, "required here"),),
        notes,
        ("compute the parameters so that it holds, `Map(v = …)`, or declare types that imply it",),
    )
