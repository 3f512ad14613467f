"""Does a chain reach everything from everywhere?  `claim ergodic(T)`"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gencompiler.checks.admissibility import ID as ADMISSIBLE
from gencompiler.checks.admissibility import attempt as admissible
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.invariance import Keeping
from gencompiler.checks.moves import Unsupported, move_of
from gencompiler.checks.verdict import REFUTED, UNKNOWN, Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof import finite_chains
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Aided, Blend, Deterministic, Kernel, Move, accepted, positive_everywhere
from gencompiler.proof.composite_rules import moved, parts_of
from gencompiler.proof.ergodic_rules import Ergodic
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.kernel import attempt as kernel_attempt
from gencompiler.proof.terms import ONE, ZERO
from gencompiler.proof.translate import variable

ID = "ergodic"
_POSITIVE = nodes.Support("Positive")


def claims(model: nodes.Model) -> list[nodes.Claim]:
    """The claims that this file settles."""
    names = {t.name for t in model.transitions}
    return [c for c in model.claims if c.fact.predicate == ID and c.fact.arguments[0] in names]


def obligation(derived: Derived, claim: nodes.Claim) -> Obligation:
    """What a claim says; raises Unsupported."""
    name = claim.fact.arguments[0]
    transition = next(t for t in derived.model.transitions if t.name == name)
    moved = {n.rstrip("'") for n in transition.next}
    state = tuple(variable(v) for v in derived.model.variables if v.name in moved)
    words = f"`{name}` reaches every state from every state"
    return Obligation(ID, name, words, claim.span, Ergodic(move_of(derived, transition), state))


def obligations(derived: Derived) -> list[Obligation]:
    """What the claims say, of those transitions that the rules can speak of."""
    found = []
    for claim in claims(derived.model):
        try:
            found.append(obligation(derived, claim))
        except Unsupported:
            continue
    return found


def check(checking: Checking) -> None:
    """The verdicts on all claims of ergodicity."""
    for claim in claims(checking.model):
        try:
            own = obligation(checking.derived, claim)
        except Unsupported as problem:
            name = claim.fact.arguments[0]
            message = f"the claim `ergodic({name})` is valid, but not supported yet: {problem}"
            also = (Label(problem.step.span),)
            checking.report(Finding("G901", message, claim.span, "not supported yet", also))
            continue
        _settle(checking, claim, own)


def _settle(checking: Checking, claim: nodes.Claim, own: Obligation) -> None:
    goal = own.goal
    assert isinstance(goal, Ergodic)
    open_ = any(v.obligation.id == ADMISSIBLE and v.status in (UNKNOWN, REFUTED) for v in checking.verdicts)
    if open_ and not Keeping(checking).admissible(goal.kernel):  # which has been reported at its own place
        note = "it rests on a law that is not known to be admissible"
        checking.record(Verdict(UNKNOWN, own, notes=(note,)))
        return

    def attempt() -> Proof:
        try:
            return prove("full_support", (goal.kernel, goal.state), *_premises(checking, goal.kernel))
        except Unproved as failure:
            followed = kernel_attempt("finite_ergodic", (goal.kernel, goal.state))
            if followed is not None:
                return followed
            raise NotFound("support", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        rules = ("unreached", "finite_periodic")
        others = (kernel_attempt(rule, (goal.kernel, goal.state)) for rule in rules)
        return finite_chains.unreachable(goal.kernel, goal.state) or next((p for p in others if p is not None), None)

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        notes = (str(failure),) if found is None else (_told(found),)
        message = f"cannot prove that {own.words}" if found is None else f"`{own.subject}` is not ergodic"
        help_ = ("draw every variable anew from a law that is positive everywhere, with `rate` above 0 for instance",)
        return Finding(
            "G622", message, claim.span, "not shown" if found is None else "refuted", notes=notes, help=help_
        )

    checking.settle(own, attempt, refute, explain, (ID, *claim.fact.arguments))


def _premises(checking: Checking, move: Move) -> Iterator[Proof]:
    """What is known of the laws, ratios and weights of a move; what is not found is left out."""
    if isinstance(move, Aided):
        for _, law in move.aids:
            with contextlib.suppress(NotFound):
                yield admissible(checking, law)
    if isinstance(move, Kernel):
        for proposal in move.proposals:
            try:
                yield admissible(checking, proposal.law)
            except NotFound:
                continue
            if not positive_everywhere(proposal.law):
                for argument in proposal.law.arguments:
                    with contextlib.suppress(NotFound):
                        yield checking.search.range(argument)
    if isinstance(move, Kernel | Deterministic) and move.probability is not ONE:
        ratio = accepted(move)
        if ratio is not None:
            with contextlib.suppress(NotFound):
                yield checking.search.range(ratio[0])
    if isinstance(move, Blend):
        for weight in move.weights:
            try:
                yield prove("member", (weight, _POSITIVE), checking.search.range(weight))
            except (NotFound, Unproved):
                continue
    for part in parts_of(move):
        yield from _premises(checking, part)


def _told(found: Proof) -> str:
    if found.rule == "closed_set":
        return finite_chains.told(found)
    if found.rule == "finite_periodic":
        return "it has a period: after no number of steps may it be everywhere, wherever it began"
    move, state = found.subject
    still = next((s for s in state if s not in moved(move)), None)
    return f"{still} never moves" if still is not None else "it draws nothing, so that few places are ever reached"
