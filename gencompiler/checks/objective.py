"""Does every objective get what it needs from the model?"""

from __future__ import annotations

from gencompiler.catalog import words
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.checks import implicit
from gencompiler.checks.capability import UNSETTLED, Capabilities, given, observed
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.conditionals import BOUNDS, free_latents
from gencompiler.checks.joints import Joint
from gencompiler.checks.verdict import UNKNOWN, Obligation, Verdict
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.structure import HasDensity
from gencompiler.proof.structure_rules import density_kind
from gencompiler.proof.terms import ZERO

ID = "objective"


def densities_needed(model: nodes.Model, phase: nodes.Phase) -> tuple[nodes.LogDensity, ...]:
    """The log densities of all observed variables that a phase evaluates; `conditionals` has the others."""
    whole = set(observed(model))
    found = (n for n in walk(phase.value) if isinstance(n, nodes.LogDensity) and not n.given)
    return tuple(n for n in found if {b.name for b in n.targets} == whole)


def obligation(model: nodes.Model, joint: Joint, name: str, span: Span) -> Obligation:
    """log p(x) exists, exactly or as a bound."""
    goal = HasDensity(joint.name, observed(model), given(model), joint.productions, density_kind(joint.productions))
    return Obligation(ID, name, f"{name} needs log {joint.name}({', '.join(observed(model))})", span, goal)


def needs(model: nodes.Model) -> list[tuple[str, str, Span]]:
    """What asks for the density of which joint, and where: objectives, then evaluations."""
    found: list[tuple[str, str, Span]] = []
    for training in model.trainings:
        for phase in training.objective.phases:
            found.extend((training.objective.name, n.joint, training.span) for n in densities_needed(model, phase))
    asking = words.DENSITY_EVALUATORS if free_latents(model) else (*words.DENSITY_EVALUATORS, *BOUNDS)
    found.extend((m.name, "p", m.span) for m in model.methods if m.verb == "evaluate" and m.name in asking)
    return list(dict.fromkeys(found))


def check(checking: Checking, joints: dict[str, Joint], densities: dict[str, Proof | str], table: Capabilities) -> None:
    """The verdicts on everything that asks for a density."""
    for name, joint_name, span in needs(checking.model):
        joint = joints.get(joint_name)
        if joint is None:
            continue
        own = obligation(checking.model, joint, name, span)
        if table.log_prob.reason == UNSETTLED:
            checking.record(Verdict(UNKNOWN, own, notes=(UNSETTLED,)))
            continue
        _settle(checking, own, joint, densities[joint_name], table)


def _settle(checking: Checking, own: Obligation, joint: Joint, density: Proof | str, table: Capabilities) -> None:
    def attempt() -> Proof:
        if isinstance(density, str):
            raise NotFound("density", ZERO, table.log_prob.reason)
        return density

    def refute(failure: NotFound) -> Proof | None:
        try:
            return prove("unnormalized", (joint.name, joint.productions))
        except Unproved:
            return None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        why, name = table.log_prob.reason, checking.model.name
        implicit_ = any(implicit.reason(checking.model, v) for v in observed(checking.model))
        message = f"{own.words}; {name}'s {why}" if implicit_ else f"{own.words}; {name} has none, because {why}"
        bounded = table.log_prob.kind == "bound" and not implicit_
        if bounded:
            message = f"{own.words}; {name} has only {why}"
        trained = any(t.objective.name == own.subject for t in checking.model.trainings)
        also = (Label(table.log_prob.span, "stated here"),)
        help_: tuple[str, ...] = ()
        if bounded:
            help_ = ("maximise a bound: `train elbo`" if trained else "evaluate it: `evaluate importance(K = 1000)`",)
        elif trained:
            help_ = _instead(checking.model, joint, implicit_)
        code = "G701" if trained else "G703"
        return Finding(code, message, own.span, "needs a density", also, help=help_)

    checking.settle(own, attempt, refute, explain)


def _instead(model: nodes.Model, joint: Joint, implicit_: bool) -> tuple[str, ...]:
    """What a model without a density can be trained by."""
    if any(e.joint == joint.name for e in model.energies):
        return ("an energy is trained by a chain that keeps it: `train contrastive_divergence(T)`",)
    if implicit_:
        seen = observed(model)[0]
        law = f"state a law around what is computed: `{joint.name}({seen} | …) = Normal(…, s)`"
        return (law, "or train without a density, against a critic: `train non_saturating(C)`")
    latents = [v for v in model.variables if v.name in free_latents(model)]
    if not latents:
        return ()
    discrete = any(SUPPORTS[v.type.support.name].discrete for v in latents)
    bound = f"`train {'wake_sleep' if discrete else 'elbo'}`"
    if any(c.joint == "q" for c in model.conditionals):
        return (f"train with the recognition model: {bound}",)
    head = f"q({', '.join(v.name for v in latents)} | {', '.join(observed(model))})"
    return (f"state a recognition model, `{head} = …`, and {bound}",)
