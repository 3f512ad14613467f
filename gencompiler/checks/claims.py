"""Claims and assumptions about names: `claim positive(s)`, and names in assumptions that mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.scope import named_terms
from gencompiler.proof.text import number, text

ID = "positive"
POSITIVE = nodes.Support("Positive")


def obligations(derived: Derived) -> list[tuple[Obligation, nodes.Claim, Term]]:
    """One for each claim that a named value is positive."""
    wanted = [c for c in derived.model.claims if c.fact.predicate == ID]
    named = named_terms(derived.model) if wanted else {}
    return [
        (Obligation(ID, name, f"`{name}` is positive", claim.span, Member(named[name], POSITIVE)), claim, named[name])
        for claim in wanted
        for name in claim.fact.arguments[:1]
        if name in named
    ]


def check(checking: Checking) -> None:
    """The verdicts on claims of positivity; names that mean nothing are reported."""
    for own, claim, term in obligations(checking.derived):

        def attempt(term: Term = term) -> Proof:
            try:
                return prove("member", (term, POSITIVE), checking.search.range(term))
            except Unproved as failure:
                raise NotFound("range", term, str(failure)) from None

        def refuted(failure: NotFound, term: Term = term) -> Proof | None:
            return refute.outside(term, POSITIVE)

        def explain(failure: NotFound, found: Proof | None, own: Obligation = own) -> Finding:
            if found is None:
                return Finding("G501", f"cannot prove that {own.words}", own.span, str(failure))
            told = ", ".join(f"{text(t)} = {number(v)}" for t, v in found.subject[2])
            return Finding("G501", f"`{own.subject}` may not be positive", own.span, notes=(f"counterexample: {told}",))

        checking.settle(own, attempt, refuted, explain, (ID, *claim.fact.arguments))
    _unknown_names(checking)


def check_answers(checking: Checking) -> None:
    """Every claim has a verdict, or was reported: a claim that nothing looks at would pass in silence."""
    spans = {v.obligation.span for v in checking.verdicts}
    subjects = {v.obligation.subject for v in checking.verdicts}
    reported = {d.labels[0].span for d in checking.reporter.diagnostics if d.labels}
    for claim in checking.model.claims:
        fact = claim.fact
        about = fact.arguments[:1] and fact.arguments[0] in subjects and fact.predicate in ("invertible", "normalized")
        if not about and claim.span not in spans and not any(_within(span, claim.span) for span in reported):
            names = ", ".join(f"`{a}`" for a in fact.arguments)
            message = f"the claim `{fact.predicate}` of {names} is valid, but not supported yet"
            checking.report(Finding("G901", message, claim.span, "nothing checks it"))


def _within(inner: Span, outer: Span) -> bool:
    return inner.source == outer.source and outer.start <= inner.start and inner.end <= outer.end


def _unknown_names(checking: Checking) -> None:
    """`positive(NAME)`, `invertible(NAME)` and `normalized(NAME)` must be about something."""
    model = checking.model
    for fact in [*(c.fact for c in model.claims), *(a.fact for a in model.assumptions)]:
        predicate, arguments = fact.predicate, fact.arguments
        if predicate not in _NAMED:
            continue
        what, known = _NAMED[predicate]
        if len(arguments) != 1:
            message = f"`{predicate}` takes one name"
            checking.report(Finding("G104", message, fact.span, "wrong number of arguments"))
        elif arguments[0] not in known(model):
            message = f"`{arguments[0]}` is not {what}"
            checking.report(Finding("G101", message, fact.span, "nothing of that name"))


def _maps(model: nodes.Model) -> set[str]:
    return {m.definition for m in model.maps} | {m.name for m in model.maps}


def _laws(model: nodes.Model) -> set[str]:
    return {d.name for d in model.densities} | {e.joint for e in model.energies} | {c.joint for c in model.conditionals}


#: Predicates of one name: what the name must be, and the names of a model that are that.
_NAMED: dict[str, tuple[str, Callable[[nodes.Model], Collection[str]]]] = {
    "invertible": ("a map that the model uses", _maps),
    "positive": ("a parameter or a `where` name", named_terms),
    "normalized": ("a density or a joint of the model", _laws),
}
