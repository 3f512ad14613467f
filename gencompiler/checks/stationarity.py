"""Does a transition keep the distribution that the spec claims it keeps?

The ratio that was derived is not believed: the rule builds it again from the proposal and the target, and compares.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.checks import admissibility, arrivals, energies, invariance, orbits
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.moves import Unsupported, condition, move_of
from gencompiler.checks.verdict import REFUTED, UNKNOWN, Obligation, Verdict, refutes
from gencompiler.derive.acceptance import described, log_joint
from gencompiler.derive.conditional_laws import NoLawError
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.node import Node
from gencompiler.proof import finite_chains, flow_search
from gencompiler.proof.balancing import log_of as log_of_term
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import (
    Blend,
    Deterministic,
    Kernel,
    Move,
    NotReversible,
    NotStationary,
    Orbit,
    Proposal,
    Reversible,
    Stationary,
    accepted,
    log_proposal,
    same,
    swap,
)
from gencompiler.proof.chain_rules import (
    there as there_of,
)
from gencompiler.proof.composite_rules import moved
from gencompiler.proof.graph import Term, apply, gradient_parts, literal, name_of, substitute, support_of
from gencompiler.proof.kernel import Proof
from gencompiler.proof.numbers import Values
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, minus, negated, times
from gencompiler.proof.text import number
from gencompiler.proof.translate import Translation

PREDICATES = ("stationary", "reversible")


def log_target(derived: Derived, joint: str, at: Node) -> Term | None:
    """log of the unnormalized density of a joint, or of a density of the model; None where it has none."""
    model = derived.model
    try:
        value = log_joint(model, joint, at)
    except NoLawError:
        return None
    own = {i.name: condition(i) for d in model.densities if d.name == joint for i in d.conditions}
    variables = {v.name for v in model.variables}
    return Translation.of_model(model).binding({n: s for n, s in own.items() if n not in variables}).term(value)


def obligation(derived: Derived, claim: nodes.Claim) -> Obligation | None:
    """What a claim says, if it is about a transition that the rules can speak of."""
    predicate, (name, joint) = claim.fact.predicate, claim.fact.arguments[:2]
    transition = next(t for t in derived.model.transitions if t.name == name)
    target = log_target(derived, joint, claim)
    if target is None:
        return None
    move = move_of(derived, transition)
    strange = sorted({name_of(m) for m in moved(move)} - described(derived.model, joint))
    if strange:
        raise Unsupported(f"it moves `{strange[0]}`, which `{joint}` does not describe", transition)
    words = f"`{name}` {'leaves' if predicate == 'stationary' else 'is reversible with respect to'} `{joint}`"
    if predicate == "stationary":
        return Obligation(predicate, name, f"{words} invariant", claim.span, Stationary(move, target))
    return Obligation(predicate, name, words, claim.span, Reversible(move, target))


def obligations(derived: Derived) -> list[Obligation]:
    """What the model's claims say, of those transitions that the rules can speak of."""
    found = []
    for claim in claims(derived.model):
        try:
            own = obligation(derived, claim)
        except Unsupported:
            continue
        found += [own] if own is not None else []
    return found


def claims(model: nodes.Model) -> list[nodes.Claim]:
    """The claims that this file settles."""
    names = {t.name for t in model.transitions}
    return [c for c in model.claims if c.fact.predicate in PREDICATES and c.fact.arguments[0] in names]


def check(checking: Checking) -> None:
    """The verdicts on all claims of stationarity and reversibility."""
    for claim in claims(checking.model):
        try:
            own = obligation(checking.derived, claim)
        except Unsupported as problem:
            _unsupported(checking, claim, problem)
            continue
        if own is None:
            message = f"`{claim.fact.arguments[1]}` has no density that a transition could keep"
            checking.report(Finding("G603", message, claim.span, "not stated by `∝`"))
            continue
        _settle(checking, claim, own)


def _settle(checking: Checking, claim: nodes.Claim, own: Obligation) -> None:
    goal = own.goal
    assert isinstance(goal, Stationary | Reversible)
    keeping = invariance.Keeping(checking)
    if not keeping.admissible(goal.kernel):
        _inadmissible(checking, claim, own)
        return

    endless = f"the mass of `{claim.fact.arguments[1]}` is not finite" if _endless(checking, claim) else ""
    if endless and keeping.refutation(goal) is None:
        checking.record(Verdict(UNKNOWN, own, notes=(endless,)))
        return

    def attempt() -> Proof:
        if endless:
            raise NotFound("mass", goal.log_target, endless)
        rule = "finite_keeps" if isinstance(goal, Stationary) else "finite_balances"
        try:
            if isinstance(goal, Stationary):
                return keeping.keeps(goal.kernel, goal.log_target)
            return keeping.balances(goal.kernel, goal.log_target)
        except NotFound:
            exactly = finite_chains.settled(rule, goal.kernel, goal.log_target)
            if exactly is None and isinstance(goal, Stationary):
                exactly = arrivals.arriving(keeping, goal.kernel, goal.log_target)
            if exactly is None:
                raise
            return exactly

    def refute(failure: NotFound) -> Proof | None:
        return keeping.refutation(goal)

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        blamed = keeping.blamed or goal.kernel
        evidence = found
        if evidence is None and isinstance(blamed, Kernel) and (laws := keeping.premises(blamed)) is not None:
            evidence = flow_search.unbalanced(blamed, goal.log_target, laws)
        return _explain(checking, claim, own, failure, evidence, blamed)

    checking.settle(own, attempt, refute, explain, (claim.fact.predicate, *claim.fact.arguments))


def _endless(checking: Checking, claim: nodes.Claim) -> bool:
    """Whether the target is no law, which has been reported where it is stated."""
    verdicts = (v for v in checking.verdicts if v.obligation.id == energies.ID)
    return any(v.status == REFUTED and v.obligation.subject == claim.fact.arguments[1] for v in verdicts)


def _inadmissible(checking: Checking, claim: nodes.Claim, own: Obligation) -> None:
    """What is claimed of laws whose parameters may not be admissible, where a step states them, or with the values that
    a use of the transition gives to its conditions."""
    note = "it rests on a proposal that is not known to be admissible"
    checking.record(Verdict(UNKNOWN, own, notes=(note,)))
    open_ = (v for v in checking.verdicts if v.obligation.id == admissibility.ID and v.status in (UNKNOWN, REFUTED))
    if next(open_, None) is None:  # else it has been reported at its own place
        note = "with the values that it gives to conditions, a law has parameters that are not known to be admissible"
        finding = Finding("G601", f"cannot prove that {own.words}", claim.span, "not shown", notes=(note,))
        checking.report(finding, unknown=True)


def _explain(
    checking: Checking, claim: nodes.Claim, own: Obligation, failure: NotFound, found: Proof | None, blamed: Move
) -> Finding:
    goal = own.goal
    assert isinstance(goal, Stationary | Reversible)
    if not isinstance(blamed, Kernel):
        return _explain_composed(checking, claim, own, failure, found, blamed)
    single = dataclasses.replace(goal, kernel=blamed)
    transition = next(t for t in checking.model.transitions if t.name == claim.fact.arguments[0])
    accept = transition.steps[-1]
    notes: tuple[str, ...] = (told(found),) if found is not None else (str(failure),)
    message = f"cannot prove that {own.words}"
    if found is not None and isinstance(found.conclusion, NotReversible) and isinstance(goal, Reversible):
        message = f"`{transition.name}` is not reversible with respect to `{claim.fact.arguments[1]}`"
    if found is not None and isinstance(found.conclusion, NotStationary):
        message = f"`{transition.name}` does not leave `{claim.fact.arguments[1]}` invariant"
    help_: tuple[str, ...] = ()
    leaving = next((p for p in blamed.proposals if support_of(p.drawn) != support_of(p.moves)), None)
    if leaving is not None and found is None:
        return _leaves(leaving, claim, message, notes, accept)
    label = "refuted" if found is not None and refutes(found.conclusion, goal) else "not shown"
    if blamed.probability is ONE:
        bias = discretization_bias(single)
        notes = (*([bias] if bias else []), *notes)
        also = (Label(accept.span, "every proposal is accepted"),)
        help_ = ("accept or reject with the derived ratio: `y ~ …   x' = metropolis(y)`",)
        return Finding("G601", message, claim.span, label, also, notes, help_)
    if failure.kind == "ratio":
        derived = isinstance(accept, nodes.Accept) and accept.probability is None
        help_ = () if derived else ("accept with the derived ratio: `metropolis(…)`",)
        also = (Label(accept.span, "accepts with this probability"),)
        if lacks_proposal_ratio(single):
            reason = "is not symmetric" if found is not None else "is not known to be symmetric"
            message += f": its proposal {reason}, and the probability of acceptance leaves its ratio out"
            return Finding("G602", message, claim.span, label, also, notes, help_)
        return Finding("G601", message, claim.span, label, also, notes, help_)
    return Finding("G601", message, claim.span, label, (Label(accept.span, "accepts here"),), notes)


def _leaves(
    proposal: Proposal, claim: nodes.Claim, message: str, notes: tuple[str, ...], accept: nodes.Step
) -> Finding:
    """A proposal that may be no state: on another scale it is one, and the Jacobian of the scale is in the ratio."""
    drawn, moved = proposal.drawn, proposal.moves
    message += f": `{drawn}` is drawn from {support_of(drawn)}, and `{moved}` is in {support_of(moved)}"
    help_: tuple[str, ...] = ()
    if support_of(moved).name == "Positive":
        scale = "where every value is allowed; the ratio then has the Jacobian in it"
        help_ = (f"propose log {moved}, {scale}: `n ~ Normal(log({moved}), …)   {moved}' = metropolis(exp(n))`",)
    return Finding("G602", message, claim.span, "not shown", (Label(accept.span, "accepts here"),), notes, help_)


def _explain_composed(
    checking: Checking, claim: nodes.Claim, own: Obligation, failure: NotFound, found: Proof | None, blamed: Move
) -> Finding:
    """Of a mixture, a composition, a deterministic move."""
    told_ = (str(failure),) if found is None else (told(found), str(failure))
    message = f"cannot prove that {own.words}" if found is None else f"it is false that {own.words}"
    label = "not shown" if found is None else "refuted"
    if isinstance(blamed, Blend) and any(s in blamed.state for w in blamed.weights for s in w.symbols):
        message += ": the weights of the mixture depend on the state"
        help_ = ("a mixture keeps what its parts keep where its weights are constants",)
        return Finding("G620", message, claim.span, label, notes=told_, help=help_)
    if isinstance(blamed, Orbit):
        return orbits.explain(checking.model, claim, message, label, told_, failure, blamed)
    if isinstance(blamed, Deterministic):
        return Finding("G621", message, claim.span, label, notes=told_, help=orbits.elsewhere(blamed, failure))
    return Finding("G601", message, claim.span, label, notes=told_)


def lacks_proposal_ratio(goal: Stationary | Reversible) -> bool:
    """Whether the probability is min(1, π(y) / π(x)), of a proposal that is not symmetric."""
    kernel = goal.kernel
    if not isinstance(kernel, Kernel):
        return False
    there = substitute(goal.log_target, there_of(kernel))
    ratio = None if kernel.probability is None else accepted(kernel)
    if ratio is None or symmetric(kernel):
        return False
    own = ratio[0] if ratio[1] else log_of_term(ratio[0])
    return same(own, minus(there, goal.log_target))


def unadjusted(derived: Derived, name: str, joint: str) -> str | None:
    """The bias of a transition that is an Euler step of Langevin dynamics for a joint; None of any other."""
    transition = next(t for t in derived.model.transitions if t.name == name)
    target = log_target(derived, joint, transition)
    try:
        move = move_of(derived, transition)
    except Unsupported:
        return None
    if target is None or not isinstance(move, Kernel) or move.probability is not ONE:
        return None
    return discretization_bias(Stationary(move, target))


def discretization_bias(goal: Stationary | Reversible) -> str | None:
    """Of an Euler step of Langevin dynamics, x' ~ Normal(x - e grad(U)(x), sqrt(2 e)) with π = exp(-U): its bias.

    E|x'|^2 - E|x|^2 = -2 e E[x @ grad(U)(x)] + e^2 E|grad(U)(x)|^2 + 2 e D, and E[x @ grad(U)(x)] = D by parts."""
    if not isinstance(goal.kernel, Kernel) or len(goal.kernel.proposals) != 1:
        return None
    (proposal,) = goal.kernel.proposals
    if proposal.law.family != "Normal":
        return None
    mean, scale = proposal.law.arguments
    step = _gradient_step(mean, proposal.moves)
    if step is None:
        return None
    size, gradient = step
    body, formals, actuals = gradient_parts(gradient)
    potential = substitute(body, dict(zip(formals, actuals, strict=True)))
    ring = Ring()
    langevin = ring.same(apply("multiply", scale, scale), times(literal(2), size))
    if not langevin or actuals[0] is not proposal.moves or not ring.same(negated(potential), goal.log_target):
        return None
    factor = number(size.data**2) if size.operation == "literal" else f"({size})^2"
    x = proposal.moves
    name = name_of(formals[0]).rpartition(".")[0]
    return f"under the target E|{x}'|^2 - E|{x}|^2 = {factor} E|grad({name})({x})|^2, where these moments exist"


def _gradient_step(mean: Term, state: Term) -> tuple[Term, Term] | None:
    """e and the gradient of `x - e * grad(U)(x)`."""
    if mean.operation != "apply" or mean.data != "subtract" or mean.arguments[0] is not state:
        return None
    drift = mean.arguments[1]
    if drift.operation == "gradient":
        return ONE, drift
    if drift.operation != "apply" or drift.data != "multiply" or drift.arguments[1].operation != "gradient":
        return None
    return drift.arguments[0], drift.arguments[1]


def symmetric(kernel: Kernel) -> bool:
    """Whether q(y | x) = q(x | y)."""
    forward = log_proposal(kernel)
    return same(forward, substitute(forward, swap(kernel)))


def told(found: Proof) -> str:
    """A failure of detailed balance, or of invariance, in words."""
    if found.rule == "gain":
        return _gain(found)
    if found.rule == "unbalanced":
        _, _, assignment, here, there = found.subject
        return f"detailed balance fails between {_places((*assignment, *here))} and {_places(there)}: the flows differ"
    if found.rule == "finite_imbalance":
        _, _, assignment, variables, here, there = found.subject
        ends = [_places(tuple(zip(variables, state, strict=True))) for state in (here, there)]
        fixed = "".join(f", {t} = {_point(v if isinstance(v, tuple) else (v,))}" for t, v in assignment)
        return f"detailed balance fails between {ends[0]} and {ends[1]}{fixed}: the flows differ"
    if found.rule == "not_kept":
        return told(found.premises[0])
    if found.rule in ("surplus", "overtaken", "escapes"):
        where = _places((*found.subject[2], *found.subject[3]))
        if found.rule == "surplus":
            return f"at {where} one step brings more of the target's mass than there is"
        if found.rule == "escapes":
            return f"from {where} it goes where no state is"
        return f"from {where} more of the target's mass leaves than comes back"
    if found.rule == "lost_share":
        return "the weights do not sum to 1"
    return refutation_words(found)


def _places(values: tuple[tuple[Term, Values], ...]) -> str:
    return ", ".join(f"{symbol} = {_point(value)}" for symbol, value in values)


def refutation_words(found: Proof) -> str:
    """A refutation of a composition, in words."""
    if found.rule == "part_breaks":
        return f"part {found.subject[0] + 1} breaks it, and what follows cannot mend it: " + told(
            found.premises[found.subject[0]]
        )
    kernel, _, assignment, place = found.subject[:4]
    del kernel
    fixed = [f"{t} = {_point(v if isinstance(v, tuple) else (v,))}" for t, v in assignment]
    where = [f"{s} = {_point(v)}" for s, v in place]
    return f"at {', '.join([*fixed, *where])} one step changes how much of the target's mass is there"


def _gain(found: Proof) -> str:
    kernel, _, assignment, here, radius, there, _ = found.subject
    fixed = [f"{t} = {number(v)}" for t, v in assignment]
    to = [*fixed, *(f"{p.drawn} = {_point(y)}" for p, y in zip(kernel.proposals, there, strict=True))]
    origin = ", ".join(f"{p.moves} = {_point(x)}" for p, x in zip(kernel.proposals, here, strict=True))
    size = number(radius)
    return f"near {', '.join(to)} one step brings more than the target holds there: from within {size} of {origin}"


def _point(values: Values) -> str:
    shown = [number(v) for v in values if isinstance(v, Fraction)]
    if len(shown) > 4:
        shown = [*shown[:2], "…", shown[-1]]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _unsupported(checking: Checking, claim: nodes.Claim, problem: Unsupported) -> None:
    predicate, arguments = claim.fact.predicate, claim.fact.arguments
    message = f"the claim `{predicate}({', '.join(arguments)})` is valid, but not supported yet: {problem}"
    checking.report(Finding("G901", message, claim.span, "not supported yet", (Label(problem.step.span),)))
