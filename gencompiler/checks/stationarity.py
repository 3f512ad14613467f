"""Does a transition keep the distribution that the spec claims it keeps?

The ratio that was derived is not believed: the rule builds it again from the proposal and the target, and compares.
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.checks.admissibility import step_support, transition_translation
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import UNKNOWN, Obligation, Verdict, refutes
from gencompiler.derive.density import log_of
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof import imbalance
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import (
    Kernel,
    NotReversible,
    NotStationary,
    Proposal,
    Reversible,
    Stationary,
    accepted,
    log_proposal,
    swap,
)
from gencompiler.proof.chain_rules import (
    log_of as log_of_term,
)
from gencompiler.proof.graph import Term, apply, gradient_parts, literal, name_of, substitute, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.numbers import Values
from gencompiler.proof.ring import Ring
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE, ZERO, minus, negated, times
from gencompiler.proof.text import number
from gencompiler.proof.translate import Translation

PREDICATES = ("stationary", "reversible")


class Unsupported(Exception):
    """The transition is not of a form that the rules speak about; `step` is to blame."""

    def __init__(self, reason: str, step: nodes.Step | nodes.Transition) -> None:
        super().__init__(reason)
        self.step = step


def kernel_of(derived: Derived, transition: nodes.Transition) -> Kernel:
    """A transition as draws and one acceptance; raises Unsupported."""
    scope = transition_translation(derived.model, transition)
    state = {i.name: scope.names[i.name] for i in transition.current}
    draws: dict[str, tuple[Term, Admissible]] = {}
    for step in transition.steps:
        if isinstance(step, nodes.Draw):
            distribution, arguments = distribution_terms(scope, step.distribution)
            event = step_support(transition, step, distribution, arguments)
            law = Admissible(distribution.family, distribution.form, arguments, event, distribution.type.shape)
            drawn = symbol("draw", step.name, event, distribution.type.shape)
            draws[step.name] = (drawn, law)
            scope = scope.binding({step.name: drawn})
        elif isinstance(step, nodes.Assign):
            scope = scope.binding({step.name: scope.term(step.value)})
    accept = transition.steps[-1]
    if any(isinstance(s, nodes.Accept) for s in transition.steps[:-1]):
        raise Unsupported("it goes on after accepting", accept)
    proposed = _proposed(transition, accept, scope)
    by_symbol = dict(draws.values())
    if set(proposed.values()) != set(by_symbol):
        raise Unsupported("each variable must move to a draw itself, and nothing else may be drawn", accept)
    moves = {drawn: state[name.rstrip("'")] for name, drawn in proposed.items()}
    proposals = [Proposal(drawn, moves[drawn], law) for drawn, law in draws.values()]
    if not isinstance(accept, nodes.Accept):
        return Kernel(tuple(state.values()), tuple(proposals), None, ONE)
    if accept.probability is not None:
        return Kernel(tuple(state.values()), tuple(proposals), None, scope.term(accept.probability))
    acceptance = derived.acceptances.get(transition.name)
    if acceptance is None:
        raise Unsupported("no ratio could be derived", accept)
    return Kernel(tuple(state.values()), tuple(proposals), scope.term(acceptance.log_ratio), None)


def _proposed(transition: nodes.Transition, last: nodes.Step, scope: Translation) -> dict[str, Term]:
    """What each primed variable becomes; a transition without acceptance moves to its draws."""
    if isinstance(last, nodes.Accept):
        return {name: scope.term(proposal) for name, proposal in zip(last.names, last.proposals, strict=True)}
    if any(name not in scope.names for name in transition.next):
        raise Unsupported("a primed variable is never assigned", transition)
    return {name: scope.names[name] for name in transition.next}


def log_target(model: nodes.Model, joint: str) -> Term | None:
    """log of the unnormalized density of a joint that is an energy."""
    energy = next((e for e in model.energies if e.joint == joint), None)
    return None if energy is None else Translation.of_model(model).term(log_of(energy.value))


def obligation(derived: Derived, claim: nodes.Claim) -> Obligation | None:
    """What a claim says, if it is about a transition that the rules can speak of."""
    predicate, (name, joint) = claim.fact.predicate, claim.fact.arguments[:2]
    transition = next(t for t in derived.model.transitions if t.name == name)
    target = log_target(derived.model, joint)
    if target is None:
        return None
    kernel = kernel_of(derived, transition)
    fact = Stationary if predicate == "stationary" else Reversible
    words = f"`{name}` {'leaves' if fact is Stationary else 'is reversible with respect to'} `{joint}`"
    if fact is Stationary:
        words += " invariant"
    return Obligation(predicate, name, words, claim.span, fact(kernel, target))


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


def check(checking: Checking, admissible: dict[str, Proof]) -> None:
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
        name = claim.fact.arguments[0]
        assert isinstance(own.goal, Stationary | Reversible)
        laws = [admissible.get(f"{name}: {p.drawn.data[1]}") for p in own.goal.kernel.proposals]
        known = [p for p in laws if p is not None]
        if len(known) < len(laws):
            note = "it rests on a proposal that is not known to be admissible"
            checking.record(Verdict(UNKNOWN, own, notes=(note,)))
            continue
        _settle(checking, claim, own, known)


def _settle(checking: Checking, claim: nodes.Claim, own: Obligation, laws: list[Proof]) -> None:
    goal = own.goal
    assert isinstance(goal, Stationary | Reversible)

    def attempt() -> Proof:
        finite = checking.search.range(goal.log_target)
        ratio = accepted(goal.kernel)
        if ratio is None:
            raise NotFound("ratio", ZERO, "the probability of acceptance is neither min(1, r) nor sigmoid(log r)")
        try:
            defined = checking.search.range(ratio[0])
            balanced = prove("metropolis_hastings", (goal.kernel, goal.log_target), *laws, finite, defined)
            return balanced if isinstance(goal, Reversible) else prove("detailed_balance", (), balanced)
        except Unproved as failure:
            raise NotFound("ratio", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        search = imbalance.unbalanced if isinstance(goal, Reversible) else imbalance.gain
        return search(goal.kernel, goal.log_target, laws)

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        evidence = found or imbalance.unbalanced(goal.kernel, goal.log_target, laws)
        return _explain(checking, claim, own, failure, evidence)

    checking.settle(own, attempt, refute, explain, (claim.fact.predicate, *claim.fact.arguments))


def _explain(
    checking: Checking, claim: nodes.Claim, own: Obligation, failure: NotFound, found: Proof | None
) -> Finding:
    goal = own.goal
    assert isinstance(goal, Stationary | Reversible)
    transition = next(t for t in checking.model.transitions if t.name == claim.fact.arguments[0])
    accept = transition.steps[-1]
    notes: tuple[str, ...] = (told(found),) if found is not None else (str(failure),)
    message = f"cannot prove that {own.words}"
    if found is not None and isinstance(found.conclusion, NotReversible) and isinstance(goal, Reversible):
        message = f"`{transition.name}` is not reversible with respect to `{claim.fact.arguments[1]}`"
    if found is not None and isinstance(found.conclusion, NotStationary):
        message = f"`{transition.name}` does not leave `{claim.fact.arguments[1]}` invariant"
    help_: tuple[str, ...] = ()
    label = "refuted" if found is not None and refutes(found.conclusion, goal) else "not shown"
    if goal.kernel.probability is ONE:
        bias = discretization_bias(goal)
        notes = (*([bias] if bias else []), *notes)
        also = (Label(accept.span, "every proposal is accepted"),)
        help_ = ("accept or reject with the derived ratio: `y ~ …   x' = metropolis(y)`",)
        return Finding("G601", message, claim.span, label, also, notes, help_)
    if failure.kind == "ratio":
        derived = isinstance(accept, nodes.Accept) and accept.probability is None
        help_ = () if derived else ("accept with the derived ratio: `metropolis(…)`",)
        also = (Label(accept.span, "accepts with this probability"),)
        if lacks_proposal_ratio(goal):
            reason = "is not symmetric" if found is not None else "is not known to be symmetric"
            message += f": its proposal {reason}, and the probability of acceptance leaves its ratio out"
            return Finding("G602", message, claim.span, label, also, notes, help_)
        return Finding("G601", message, claim.span, label, also, notes, help_)
    return Finding("G601", message, claim.span, label, (Label(accept.span, "accepts here"),), notes)


def lacks_proposal_ratio(goal: Stationary | Reversible) -> bool:
    """Whether the probability is min(1, π(y) / π(x)), of a proposal that is not symmetric."""
    kernel = goal.kernel
    there = substitute(goal.log_target, {p.moves: p.drawn for p in kernel.proposals})
    ratio = None if kernel.probability is None else accepted(kernel)
    if ratio is None or symmetric(kernel):
        return False
    own = ratio[0] if ratio[1] else log_of_term(ratio[0])
    return Ring().same(own, minus(there, goal.log_target))


def discretization_bias(goal: Stationary | Reversible) -> str | None:
    """Of an Euler step of Langevin dynamics, x' ~ Normal(x - e grad(U)(x), sqrt(2 e)) with π = exp(-U): its bias.

    E|x'|^2 - E|x|^2 = -2 e E[x @ grad(U)(x)] + e^2 E|grad(U)(x)|^2 + 2 e D, and E[x @ grad(U)(x)] = D by parts."""
    if len(goal.kernel.proposals) != 1:
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
    return Ring().same(forward, substitute(forward, swap(kernel)))


def told(found: Proof) -> str:
    """A failure of detailed balance, or of invariance, in words."""
    if found.rule == "gain":
        return _gain(found)
    kernel, _, assignment, here, there = found.subject
    fixed = [f"{t} = {number(v)}" for t, v in assignment]
    places = [
        f"{p.moves} = {_point(x)}, {p.drawn} = {_point(y)}"
        for p, x, y in zip(kernel.proposals, here, there, strict=True)
    ]
    return f"detailed balance fails at {', '.join([*fixed, *places])}: the flows there and back differ"


def _gain(found: Proof) -> str:
    kernel, _, assignment, here, radius, there = found.subject
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
