"""Does every density that is asked for exist, and can everything that is drawn be drawn?

A density of all observed variables is the business of `objective`; here are the others: log p(x, z), log q(z | x), and
the draws of an objective.  What answers a question is found by `derive.queries` and proved from the joint's own
factorization and laws.
"""

from __future__ import annotations

import contextlib
import dataclasses

from gencompiler.checks.capability import UNSETTLED, given, observed
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.joints import Joint
from gencompiler.checks.verdict import UNKNOWN, Obligation, Verdict
from gencompiler.derive import drawing, queries
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import determined, nodes
from gencompiler.node import Node, walk
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.conditional_rules import (
    Draws,
    HasConditional,
    ancestors,
    conditional_equations,
    descendants,
    drawing_equations,
    makers,
    marginal_equations,
)
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.terms import ZERO

ID = "objective"


@dataclasses.dataclass(frozen=True)
class Need:
    """`subject`, an objective or a method, asks for log joint(targets | given), or with `draws` for draws of it.

    `span` is where it is asked for, `trained` whether by an objective."""

    subject: str
    joint: str
    targets: tuple[str, ...]
    given: tuple[str, ...]
    draws: bool
    trained: bool
    span: Span

    @property
    def asked(self) -> str:
        """`q(z | x)`"""
        condition = f" | {', '.join(self.given)}" if self.given else ""
        return f"{self.joint}({', '.join(self.targets)}{condition})"

    @property
    def words(self) -> str:
        return f"{self.subject} needs {'draws from' if self.draws else 'log'} {self.asked}"


def needs(model: nodes.Model) -> list[Need]:
    """What objectives and methods ask for, each once, in order."""
    found: list[Need] = []
    joints = {c.joint for c in model.conditionals} | {e.joint for e in model.energies} | {"p", "q"}
    for training in model.trainings:
        name = training.objective.name
        for phase in training.objective.phases:
            for part in walk(phase.value):
                if isinstance(part, nodes.LogDensity):
                    targets, known = (tuple(b.name for b in side) for side in (part.targets, part.given))
                    found.append(Need(name, part.joint, targets, known, False, True, _place(training, part)))
                if isinstance(part, nodes.Drawn) and isinstance(source := part.source, nodes.JointSource):
                    known = tuple(b.name for b in source.given)
                    found.append(Need(name, source.joint, part.variables, known, True, True, _place(training, part)))
    for method in model.methods:
        if method.verb == "evaluate" and method.name in BOUNDS:
            found += _bound(model, method)
    whole = set(observed(model))
    asked = {(n.subject, n.joint, n.targets, n.given, n.draws): n for n in reversed(found) if n.joint in joints}
    kept = sorted(asked.values(), key=found.index)
    return [n for n in kept if n.draws or n.given or set(n.targets) != whole]


def _place(training: nodes.Training, part: Node) -> Span:
    """Where a part of an objective is asked for: itself, or the `train` line where it is the prelude's."""
    return part.span if part.span.source == training.span.source else training.span


#: Evaluations that average log p(x, z) - log q(z | x) over draws of q, where there are latent variables.
BOUNDS = ("bound", "importance")


def _bound(model: nodes.Model, method: nodes.Method) -> list[Need]:
    latent, own = free_latents(model), observed(model)
    if not latent:
        return []
    return [
        Need(method.name, "p", (*own, *latent), (), False, False, method.span),
        Need(method.name, "q", latent, own, True, False, method.span),
        Need(method.name, "q", latent, own, False, False, method.span),
    ]


def free_latents(model: nodes.Model) -> tuple[str, ...]:
    """The names of the latent variables that no pipeline determines."""
    return tuple(v.name for v in determined.free_latents(model))


# -- verdicts --------------------------------------------------------------------------------------------------------


def obligation(model: nodes.Model, joint: Joint, need: Need) -> Obligation:
    """That a density exists, or that draws can be made."""
    roles = {v.name: v.role for v in model.variables}
    known = (*(n for n in need.given if roles.get(n) != "given"), *given(model))
    goal: HasConditional | Draws
    if need.draws:
        goal = Draws(need.joint, need.targets, known, joint.productions)
    else:
        goal = HasConditional(need.joint, need.targets, known, joint.productions, _kind(joint, need, known))
    subject = f"{need.subject}: {'a draw of ' if need.draws else ''}{need.asked}"
    return Obligation(ID, subject, need.words, need.span, goal)


def _kind(joint: Joint, need: Need, known: tuple[str, ...]) -> str:
    try:
        return conditional_equations(joint.productions, need.targets, known)[1]
    except Unproved:
        return "exact"


def check(
    checking: Checking, joints: dict[str, Joint], factorized: dict[str, Proof], laws: dict[str, dict[int, Proof]]
) -> None:
    """The verdicts on all needs; `factorized` and `laws` are the proofs of joints and of their equations."""
    told: set[tuple[str, str, str]] = set()
    for need in needs(checking.model):
        joint = joints.get(need.joint)
        if joint is None and (need.subject, need.joint, "") in told:
            continue
        if joint is None:
            told.add((need.subject, need.joint, ""))
            message = f"{need.words}, and no equation of {checking.model.name} states `{need.joint}`"
            code = "G701" if need.trained else "G703"
            help_ = (f"state it: `{need.asked} = …`",)
            checking.report(Finding(code, message, need.span, f"no `{need.joint}(…)`", help=help_))
            continue
        own = obligation(checking.model, joint, need)
        whole = factorized.get(need.joint)
        missing = next((n for n in need.targets if not makers(joint.productions, n)), "")
        if whole is None or (need.subject, need.joint, missing) in told:
            checking.record(Verdict(UNKNOWN, own, notes=(UNSETTLED,)))
            continue
        if missing:  # one report for the density and for the draws that lack the same equation
            told.add((need.subject, need.joint, missing))
        _settle(checking, own, need, Answer(joint, whole, laws[need.joint]))


@dataclasses.dataclass(frozen=True)
class Answer:
    """Proves conditionals of one joint; raises Unproved, or Unsettled where an equation it rests on is not shown."""

    joint: Joint
    whole: Proof
    laws: dict[int, Proof]

    def draws(self, targets: tuple[str, ...], known: tuple[str, ...]) -> Proof:
        used = drawing_equations(self.joint.productions, targets, known)
        return prove("ancestral", (targets, known), self.whole, *self._laws(used))

    def density(self, targets: tuple[str, ...], known: tuple[str, ...], always: frozenset[str]) -> Proof:
        """From the equations as they stand, by marginalisation, or by Bayes' rule; `always`: the model's givens."""
        productions = self.joint.productions
        try:
            used, _ = conditional_equations(productions, targets, known)
            return prove("conditional_density", (targets, known), self.whole, *self._laws(used))
        except Unproved as failure:
            first = failure
        with contextlib.suppress(Unproved):
            used, _ = marginal_equations(productions, targets, known)
            return prove("conditional_marginal", (targets, known), self.whole, *self._laws(used))
        reached = descendants(productions, frozenset(targets) | ancestors(productions, targets, known))
        after = tuple(n for n in known if n in reached and n not in always)
        if not after:
            raise first
        before = tuple(n for n in known if n not in after)
        try:
            above = self.density((*targets, *after), before, always)
            return prove("bayes", (targets, known), above, self.density(after, before, always))
        except Unproved:
            raise first from None

    def _laws(self, used: tuple[int, ...]) -> list[Proof]:
        if any(k not in self.laws for k in used):
            raise Unsettled
        return [self.laws[k] for k in used]


class Unsettled(Exception):
    """An equation is not shown to be admissible; that has been reported at its own place."""


def _settle(checking: Checking, own: Obligation, need: Need, answer: Answer) -> None:
    goal, joint = own.goal, answer.joint
    assert isinstance(goal, HasConditional | Draws)

    def attempt() -> Proof:
        try:
            if need.draws:
                return answer.draws(goal.targets, goal.given)
            return answer.density(goal.targets, goal.given, frozenset(given(checking.model)))
        except Unproved as failure:
            raise NotFound("density", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        try:
            return prove("not_produced", (joint.name, goal.targets, joint.productions))
        except Unproved:
            return None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        return _explain(checking, joint, need, str(failure))

    try:
        checking.settle(own, attempt, refute, explain)
    except Unsettled:
        checking.record(Verdict(UNKNOWN, own, notes=(UNSETTLED,)))


def _explain(checking: Checking, joint: Joint, need: Need, reason: str) -> Finding:
    code = "G701" if need.trained else "G703"
    known = tuple(need.given)
    try:
        plan = drawing.draw_plan if need.draws else queries.density_plan
        plan(checking.derived, need.joint, need.targets, known)
        span = joint.equations[0].span
    except queries.Refused as refused:
        reason, span = refused.reason, refused.span
    missing = [n for n in need.targets if not makers(joint.productions, n)]
    help_: tuple[str, ...] = ()
    if missing:
        listed = " | …" if need.joint != "p" else ""
        help_ = (f"state its distribution: `{need.joint}({missing[0]}{listed}) = …`",)
    label = "needs draws" if need.draws else "needs a density"
    message = (
        f"{need.words}; {checking.model.name} has {'none' if not need.draws else 'no such draws'}, because {reason}"
    )
    also = (Label(span, "declared here" if missing else "the cause"),)
    return Finding(code, message, need.span, label, also, help=help_)
