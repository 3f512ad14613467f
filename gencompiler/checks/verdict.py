"""Verdicts: what was to be shown, how it ended, and what that rests on."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.diagnostics.span import Span
from gencompiler.model.nodes import Support
from gencompiler.proof.chain_rules import NotReversible, NotStationary, Reversible, Stationary
from gencompiler.proof.circles import is_circle
from gencompiler.proof.condition_rules import holds_at, hypotheses_in
from gencompiler.proof.conditional_rules import Draws, HasConditional, NotProduced
from gencompiler.proof.density_facts import HasMass, IsCdf, NotCdf, NotMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.ergodic_rules import Ergodic, NotErgodic
from gencompiler.proof.facts import Fact, InRange, Invertible, Member, NotAround, NotInjective, NotOnto, Outside
from gencompiler.proof.kernel import Proof
from gencompiler.proof.sde_facts import (
    Arrives,
    Balances,
    KeepsMeasure,
    KernelIs,
    NotArrives,
    NotBalances,
    NotKeepsMeasure,
    NotKernelIs,
    NotReverses,
    NotSameMarginals,
    Reverses,
    SameMarginals,
)
from gencompiler.proof.separation_facts import Faithful, Minimal, NotMinimal, Unfaithful
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Factorizes,
    HasDensity,
    Integrable,
    Keeps,
    NotAdmissible,
    NotChains,
    NotFactorized,
    NotIntegrable,
    Transforms,
    Unnormalized,
    is_atom,
)

PROVED, REFUTED, UNKNOWN, ASSUMED = "proved", "refuted", "unknown", "assumed"
STATUSES = (PROVED, REFUTED, UNKNOWN, ASSUMED)

#: The rule that takes a fact on the user's word; a proof that contains it makes a verdict `assumed`.
TRUST = "assumption"
#: The rule that states a mass up to the tolerance, however exactly it is known.
WEAKENED = "near_enough"


@dataclasses.dataclass(frozen=True)
class Obligation:
    """Something that must hold.  `id` names its kind, `words` say it, `goal` is it."""

    id: str
    subject: str
    words: str
    span: Span
    goal: Fact


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`status` is proved, refuted, unknown or assumed.

    `proof` concludes the goal, or what refutes it; unknown has none.  `grade` says on what it rests: "rule" (replayed
    by `genc recheck`), "enclosure(e)" (so is this, and it holds up to e), or "" where there is no proof.  `assumptions`
    are the user's reasons, `notes` the evidence in words."""

    status: str
    obligation: Obligation
    proof: Proof | None = None
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.obligation.subject

    @property
    def words(self) -> str:
        return self.obligation.words

    @property
    def span(self) -> Span:
        return self.obligation.span

    @property
    def grade(self) -> str:
        return grade_of(self.proof) if self.proof is not None else ""


def grade_of(proof: Proof) -> str:
    """On what a proof rests: rules alone, or an enclosure of a mass with its error."""
    found: set[int] = set()
    stack, errors = [proof], [Fraction(0)]
    while stack:
        current = stack.pop()
        if id(current) in found:
            continue
        found.add(id(current))
        stack.extend(current.premises)
        if isinstance(current.conclusion, HasMass) and current.rule != WEAKENED:
            errors.append(current.conclusion.error)
    return f"enclosure({float(max(errors)):.0e})" if max(errors) else "rule"


def refutes(found: Fact, goal: Fact) -> bool:
    """Whether the first fact contradicts the second."""
    match found, goal:
        case NotInjective(), Invertible():
            return found.input is goal.input and found.body is goal.body and holds_at(goal.requires, found.at)
        case Outside(), Invertible():
            return found.term is goal.body and found.support == goal.result and holds_at(goal.requires, found.at)
        case NotOnto(), Invertible() if not is_circle(goal.result):  # an angle is taken where any number for it is
            return found.body is goal.body and found.support == goal.result and holds_at(goal.requires, found.at)
        case NotAround(), Invertible() if is_circle(goal.result):
            return found.input is goal.input and found.body is goal.body and holds_at(goal.requires, found.at)
        case Outside(), InRange():
            return found.term is goal.term and found.support == Support("NonNegative") and goal.interval == NON_NEGATIVE
        case NotMass(), HasMass():
            return (found.variables, found.body) == (goal.variables, goal.body)
        case NotCdf(), IsCdf():
            return found.values() == goal.values()
        case Outside(), Member():
            return found.term is goal.term and found.support == goal.support
        case Outside(), Admissible():
            return _requires(goal, found)
        case (NotReversible(), Reversible()) | (NotStationary(), Stationary()) | (NotErgodic(), Ergodic()):
            return found.values() == goal.values()
        case (NotAdmissible(), Admissible()) | (NotChains(), Chains()) | (Keeps(), Transforms()):
            return found.values() == goal.values()
        case NotFactorized(), Factorizes():
            return (found.joint, found.variables, found.productions) == (goal.joint, goal.variables, goal.productions)
        case (
            (NotKernelIs(), KernelIs())
            | (NotArrives(), Arrives())
            | (NotReverses(), Reverses())
            | (NotSameMarginals(), SameMarginals())
            | (NotKeepsMeasure(), KeepsMeasure())
            | (NotBalances(), Balances())
        ):
            return found.values() == goal.values()
        case NotIntegrable(), Integrable():
            return found.values() == goal.values()
        case (Unfaithful(), Faithful()) | (NotMinimal(), Minimal()):
            return found.values() == goal.values()
        case NotProduced(), HasConditional() | Draws():
            return (found.joint, found.targets, found.productions) == (goal.joint, goal.targets, goal.productions)
        case Unnormalized(), HasDensity():
            return found.joint == goal.joint and found.productions == goal.productions
    return False


def _requires(goal: Admissible, found: Outside) -> bool:
    from gencompiler.proof.law_rules import needs

    if is_atom(goal.family):
        return found.support == goal.event and any(found.term is value for value in goal.arguments)
    return any(term is found.term and support == found.support for _, term, support in needs(goal))


def rests_on_conditions(proof: Proof, goal: Fact) -> bool:
    """Whether a proof takes a condition for granted that its goal does not name."""
    own = goal.requires if isinstance(goal, Invertible) else ()
    return bool(hypotheses_in(proof) - set(own))


def assumptions_in(proof: Proof) -> tuple[str, ...]:
    """The reasons of every assumption that a proof rests on, in order."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    stack = [proof]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if current.rule == TRUST:
            found[str(current.subject[1])] = None
        stack.extend(reversed(current.premises))
    return tuple(found)
