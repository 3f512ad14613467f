"""Stochastic calculus: kernels, terminal laws, Itô forms, time reversals, stationary laws of SDEs.

Verified, never integrated: what was derived is differentiated and compared, what is claimed and wrong is refuted by the
Fokker-Planck residual of Gaussian data at one point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

from gencompiler.checks import diffusion_requests, sde_claims, sde_obligations
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.sde_claims import Unsupported, needs
from gencompiler.checks.verdict import REFUTED, UNKNOWN, Obligation, Verdict
from gencompiler.derive import diffusions
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.graph import Malformed, Term
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.sde_facts import (
    Arrives,
    Balances,
    Diffusion,
    ItoForm,
    KeepsMeasure,
    KernelIs,
    Moments,
    Reverses,
    SameMarginals,
)
from gencompiler.proof.sde_rules import coefficients
from gencompiler.proof.text import number, text
from gencompiler.proof.translate import Untranslated

#: Why nothing is tried where the noise may be undefined.
RESTS = "it rests on noise that is not known to be defined"


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all SDEs; the proofs of their moments, by name."""
    proofs: dict[str, Proof] = {}
    derived = checking.derived
    _no_ito_form(checking)
    unsound = {sde.name for sde in derived.sdes.values() if not _settle_sde(checking, sde, proofs)}
    for own, terminal in sde_obligations.terminals(derived):
        if own.subject.partition(" ")[0] in unsound:
            checking.record(Verdict(UNKNOWN, own, notes=(RESTS,)))
        else:
            _settle_terminal(checking, own, terminal, proofs)
    for claim in sde_claims.claims(derived.model):
        _settle_claim(checking, claim, proofs)
    diffusion_requests.check(checking)
    return proofs


def _settle_sde(checking: Checking, sde: nodes.Sde, proofs: dict[str, Proof]) -> bool:
    """The verdicts on one SDE; False where its noise is not known to be defined, and nothing else is tried."""
    diffusion = diffusions.diffusion_of(checking.model, sde)
    sound = True
    for own in sde_obligations.defined(sde, diffusion):
        message = f"`{own.subject}` is not a real number over the whole time"
        verdict = _settle_member(checking, own, message, "G605")
        sound = sound and verdict.status not in (REFUTED, UNKNOWN)
    for own in sde_obligations.ito(checking.derived, sde, diffusion):
        _settle_ito(checking, own)
    for own in sde_obligations.kernel(checking.derived, sde, diffusion):
        if not sound:
            checking.record(Verdict(UNKNOWN, own, notes=(RESTS,)))
        elif isinstance(own.goal, Moments):
            proof = _settle_moments(checking, own)
            if proof is not None:
                proofs[sde.name] = proof
        else:
            message = f"the kernel of `{sde.name}` has no density: its variance may be 0"
            _settle_member(checking, own, message, "G608")
    return sound


def _no_ito_form(checking: Checking) -> None:
    for sde in checking.model.sdes:
        if sde.name not in checking.derived.sdes:
            failure = next(f for f in checking.derived.failures if f.subject == sde.name)
            message = f"the Stratonovich equation `{sde.name}` is valid, but not supported yet: {failure.reason}"
            checking.report(Finding("G901", message, failure.span, "not supported yet"))


def _settle_member(checking: Checking, own: Obligation, message: str, code: str) -> Verdict:
    goal = own.goal
    assert isinstance(goal, Member)

    def attempt() -> Proof:
        try:
            return prove("member", (goal.term, goal.support), checking.search.range(goal.term))
        except Unproved as failure:
            raise NotFound("range", goal.term, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        if found is None:
            return Finding(code, f"cannot prove that {own.words}", own.span, str(failure))
        told = ", ".join(f"{text(t)} = {number(v)}" for t, v in found.subject[2])
        return Finding(code, message, own.span, notes=(f"counterexample: {told}",))

    return checking.settle(own, attempt, lambda failure: refute.outside(goal.term, goal.support), explain)


def _settle_ito(checking: Checking, own: Obligation) -> None:
    goal = own.goal
    assert isinstance(goal, ItoForm)

    def attempt() -> Proof:
        known = _defined(checking, goal.stratonovich, goal.ito)
        return _attempt("ito_form", (goal.stratonovich, goal.ito), goal.ito.drift, *known)

    _settle_unrefuted(checking, own, attempt)


def _settle_unrefuted(checking: Checking, own: Obligation, attempt: Callable[[], Proof]) -> Verdict:
    """The verdict on something that is proved or stays unknown."""

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        return Finding("G606", f"cannot prove that {own.words}", own.span, str(failure))

    return checking.settle(own, attempt, lambda failure: None, explain)


def _attempt(rule: str, subject: tuple[object, ...], term: Term, *premises: Proof) -> Proof:
    try:
        return prove(rule, subject, *premises)
    except Unproved as failure:
        raise needs(str(failure), term) from None


def _settle_moments(checking: Checking, own: Obligation) -> Proof | None:
    goal = own.goal
    assert isinstance(goal, Moments)

    def attempt() -> Proof:
        diffusion = goal.diffusion
        terms = (diffusion.drift, *diffusion.noises, goal.signal, goal.shift, goal.variance)
        known = [checking.search.range(t) for t in terms]
        subject = (diffusion, goal.start, goal.signal, goal.shift, goal.variance)
        return _attempt("moments", subject, diffusion.drift, *known)

    return _settle_unrefuted(checking, own, attempt).proof


def _settle_terminal(checking: Checking, own: Obligation, terminal: nodes.Terminal, proofs: dict[str, Proof]) -> None:
    goal = own.goal
    assert isinstance(goal, Arrives)
    name = own.subject.partition(" ")[0]
    subject = tuple(getattr(goal, f) for f in ("diffusion", "start", "end", "mean", "scale", "limit"))

    def attempt() -> Proof:
        if name not in proofs:
            reasons = [f.reason for f in checking.derived.failures if f.subject == name]
            raise needs(reasons[0] if reasons else "its kernel is not proven", goal.diffusion.drift)
        return _attempt("arrives", subject, goal.mean, proofs[name])

    def refuted(failure: NotFound) -> Proof | None:
        try:
            return prove("far_away", subject, proofs[name]) if name in proofs else None
        except Unproved:
            return None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        sde = checking.derived.sdes[name]
        also = (Label(sde.span, "by this equation"),)
        if found is None:
            return Finding("G607", f"cannot prove that {own.words}", own.span, str(failure), also)
        message = f"`{name}` does not end in the stated law of `{terminal.variable}({number(terminal.time)})`"
        limit = f"more than {number(sde_obligations.LIMIT)} nats per dimension for data at 1 or -1"
        help_ = ("run the noise for longer, or state the law that it reaches",)
        return Finding("G607", message, own.span, limit, also, (own.words,), help_)

    checking.settle(own, attempt, refuted, explain)


def _settle_claim(checking: Checking, claim: nodes.Claim, proofs: dict[str, Proof]) -> None:
    try:
        found = sde_claims.claimed(checking.derived, claim)
    except (Unsupported, Untranslated, Malformed) as problem:
        message = f"this claim about an SDE is valid, but not supported yet: {problem}"
        checking.report(Finding("G901", message, claim.span, "not supported yet"))
        return
    own = sde_obligations.claim(found)
    goal = own.goal
    known = proofs.get(_reference(claim, found.goal, checking.derived))

    def attempt() -> Proof:
        return _prove_claim(checking, goal, known)

    def refuted(failure: NotFound) -> Proof | None:
        if isinstance(goal, KernelIs):
            return sde_claims.refute_kernel(goal, known, checking.search)
        if isinstance(goal, KeepsMeasure):
            return sde_claims.refute_stationary(goal)
        if isinstance(goal, Balances):
            return sde_claims.refute_reversible(goal)
        assert isinstance(goal, Reverses | SameMarginals)
        return sde_claims.refute_pair(goal, known)

    def explain(failure: NotFound, evidence: Proof | None) -> Finding:
        return _explain(checking, own, goal, failure, evidence)

    checking.settle(own, attempt, refuted, explain, (claim.fact.predicate, *claim.fact.arguments))


def _reference(claim: nodes.Claim, goal: Fact, derived: Derived) -> str:
    """The SDE whose moments a claim rests on: that without a score."""
    names = [n for n in claim.fact.arguments if n in derived.sdes]
    if not isinstance(goal, Reverses | SameMarginals):
        return names[0]
    first = goal.forward if isinstance(goal, Reverses) else goal.first
    same = [n for n in reversed(names) if diffusions.diffusion_of(derived.model, derived.sdes[n]) == first]
    return same[0] if same else names[-1]


def _prove_claim(checking: Checking, goal: Fact, known: Proof | None) -> Proof:
    if isinstance(goal, KernelIs):
        if known is None:
            raise needs("no kernel in closed form was derived", goal.mean)
        mean, scale = checking.search.range(goal.mean), checking.search.range(goal.scale)
        subject = (goal.diffusion, goal.start, goal.mean, goal.scale)
        return _attempt("transition_kernel", subject, goal.mean, known, mean, scale)
    if isinstance(goal, KeepsMeasure):
        return _kept(checking, goal)
    if isinstance(goal, Balances):
        kept = _kept(checking, KeepsMeasure(goal.diffusion, goal.log_density))
        return _attempt("no_current", (goal.diffusion, goal.log_density), goal.log_density, kept)
    if isinstance(goal, Reverses):
        subject = (goal.backward, goal.forward, goal.score)
        return _attempt("time_reversal", subject, goal.backward.drift, *_defined(checking, *subject[:2]))
    assert isinstance(goal, SameMarginals)
    subject = (goal.first, goal.second, goal.score)
    return _attempt("equal_marginals", subject, goal.second.drift, *_defined(checking, *subject[:2]))


def _defined(checking: Checking, *equations: Diffusion) -> list[Proof]:
    """That the coefficients of equations have values; raises NotFound."""
    found = []
    for term in coefficients(*equations):
        try:
            found.append(checking.search.defined(term))
        except NotFound as failure:
            raise needs(f"a drift or a noise may have no value: {failure}", failure.term) from None
    return found


def _kept(checking: Checking, goal: KeepsMeasure) -> Proof:
    terms = (goal.log_density, goal.diffusion.drift, *goal.diffusion.noises)
    finite = [checking.search.range(t) for t in terms]
    return _attempt("stationary_density", (goal.diffusion, goal.log_density), goal.log_density, *finite)


def _explain(checking: Checking, own: Obligation, goal: Fact, failure: NotFound, found: Proof | None) -> Finding:
    code = "G601" if isinstance(goal, KeepsMeasure | Balances) else "G606"
    if found is None:
        return Finding(code, f"cannot prove that {own.words}", own.span, "not shown", notes=(str(failure),))
    notes: list[str] = []
    help_: tuple[str, ...] = ()
    if isinstance(goal, Reverses | SameMarginals):
        wrong = sde_claims.what_is_wrong(goal)
        notes += [wrong] if wrong is not None else []
        share = "g^2 * score" if isinstance(goal, Reverses) else "0.5 * g^2 * score"
        help_ = (f"the drift is f - {share}, where f and g are those of the other equation",)
    notes.append(_by_name(checking.model, _told(found)))
    return Finding(code, f"it does not hold that {own.words}", own.span, "refuted", notes=tuple(notes), help=help_)


def _told(found: Proof) -> str:
    """A counterexample in words."""
    if found.rule == "not_even_kept":
        return _told(found.premises[0])
    *rest, assignment = found.subject
    place = ", ".join(f"{_plain(t)} = {number(v)}" for t, v in assignment)
    if found.rule in ("not_reversed", "other_marginals"):
        mean, scale = rest[-2:]
        data = f"Normal({number(mean)}, {number(scale)})"
        return f"counterexample: for data from {data} the Fokker-Planck residual is not 0 at {place}"
    if found.rule in ("not_reversed_at_start", "other_marginals_at_start"):
        mean, scale = rest[-2:]
        data = f"Normal({number(mean)}, {number(scale)})"
        return f"counterexample: at the first time they change data from {data} differently at {place}"
    if found.rule == "infinite_mass":
        along = ", ".join(str(d) for d in cast(tuple[int, ...], rest[-1]))
        also = f" for {place}" if place else ""
        return f"there is no such law: along ({along}) the density does not fall, and its mass is infinite{also}"
    if found.rule == "solves_no_equation":
        return f"counterexample: E x^{rest[-1]} does not solve its equation at {place}"
    if found.rule == "current_left":
        return f"counterexample: at {place} a current flows"
    if found.rule == "flux_left":
        return f"counterexample: the Fokker-Planck residual is not 0 at {place}"
    return f"counterexample: they differ at {place}" if place else "counterexample: they differ everywhere"


def _by_name(model: nodes.Model, words: str) -> str:
    """Words in which what several variables have side by side goes by their own names: `v[0]` for `x, v[1]`."""
    for sde in model.sdes:
        if len(sde.states) == 1:
            continue
        joint, place = ", ".join(s.name for s in sde.states), 0
        for state in sde.states:
            for own in range(math.prod(state.type.shape)):
                name = f"{state.name}[{own}]" if state.type.shape else state.name
                words = words.replace(f"{joint}[{place}]", name)
                place += 1
    return words


def _plain(term: Term) -> str:
    """An element of the state as the spec would write it: of several variables, by its own name."""
    if term.operation == "element" and term.arguments[0].operation == "symbol":
        names = str(term.arguments[0].data[1]).split(", ")
        place = term.arguments[1]
        if len(names) > 1 and term.arguments[0].shape == (len(names),) and place.operation == "literal":
            return names[int(place.data)]
    return text(term).removeprefix("input ")
