"""What a model can do, derived: sample, log_prob, posterior, score, each with the reason and its cost in passes."""

from __future__ import annotations

import contextlib
import dataclasses

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.checks import diffusion_ability, implicit, passes, stationarity
from gencompiler.checks.checking import Checking
from gencompiler.checks.joints import Joint
from gencompiler.checks.verdict import Verdict
from gencompiler.derive import drawing, queries
from gencompiler.derive.log_det import estimated
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import flows, nodes
from gencompiler.model.determined import free_latents
from gencompiler.proof import marginal_rules
from gencompiler.proof.facts import Member
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.structure import Chains, HasDensity, Production, Turns
from gencompiler.proof.structure_rules import density_kind
from gencompiler.proof.turns import members, order_of, slices_of


@dataclasses.dataclass(frozen=True)
class Ability:
    """`kind`: exact, chain, bound, amortized or none; `passes`: sequential passes over the dimensions, 0 where
    unknown."""

    kind: str
    reason: str
    span: Span
    passes: int = 0


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """One row of the capability table."""

    sample: Ability
    log_prob: Ability
    posterior: Ability
    score: Ability

    def rows(self) -> tuple[tuple[str, Ability], ...]:
        """Names and abilities, in table order."""
        return tuple((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))


#: Why there is no density where something that it rests on is not shown: that has been reported at its own place.
UNSETTLED = "its density rests on what is not shown"


def density_proof(
    checking: Checking, factorized: dict[str, Proof], laws: dict[int, Proof], joint: Joint
) -> Proof | str:
    """That a joint has a density of the observed variables, or why not; `laws` are the proofs of its equations."""
    whole = factorized.get(joint.name)
    if whole is None or any(k not in laws for k in range(len(joint.productions))):
        return UNSETTLED
    own = observed(checking.model), given(checking.model)
    ordered = [laws[k] for k in range(len(joint.productions))]
    try:
        return prove("density", own, whole, *ordered)
    except Unproved as failure:
        with contextlib.suppress(Unproved):
            return prove("marginal", own, whole, *ordered)
        return str(failure)


def observed(model: nodes.Model) -> tuple[str, ...]:
    return tuple(v.name for v in model.variables if v.role == "observed")


def given(model: nodes.Model) -> tuple[str, ...]:
    return tuple(v.name for v in model.variables if v.role == "given")


def nothing(model: nodes.Model, reason: str) -> Capabilities:
    """The row of a model that can do nothing."""
    own = Ability("none", reason, model.span)
    return Capabilities(own, own, own, own)


def capabilities(checking: Checking, densities: dict[str, Proof | str]) -> Capabilities:
    """The row of the model's joint `p`."""
    model = checking.model
    joint = next((j for j in checking.joints if j.name == "p"), None)
    if joint is None:
        return _diffusion(checking) if model.terminals else nothing(model, "no equation states `p`")
    energy = next((e for e in model.energies if e.joint == "p"), None)
    latents = tuple(v.name for v in model.variables if v.role == "latent")
    log_prob = _implicit(model) or _log_prob(checking, joint, densities, energy, latents)
    return Capabilities(
        _sample(checking, joint, energy), log_prob, _posterior(model, joint, log_prob), _score(model, log_prob, energy)
    )


def _implicit(model: nodes.Model) -> Ability | None:
    """Why an observed variable that is computed has no density."""
    for name in observed(model):
        found = implicit.reason(model, name)
        if found is not None:
            return Ability("none", found.words, found.span)
    return None


def _diffusion(checking: Checking) -> Capabilities:
    """The row of a model that an SDE produces."""
    model, none = checking.model, nothing(checking.model, "an SDE produces the data")
    sample = diffusion_ability.sample_in_words(model)
    log_prob = diffusion_ability.log_prob_in_words(model)
    score = diffusion_ability.score_in_words(checking.derived)
    return Capabilities(
        Ability(*sample) if sample else none.sample,
        Ability(*log_prob) if log_prob else none.log_prob,
        dataclasses.replace(none.posterior, reason="there is no latent variable"),
        Ability(*score) if score else none.score,
    )


def _log_prob(
    checking: Checking,
    joint: Joint,
    densities: dict[str, Proof | str],
    energy: nodes.Energy | None,
    latents: tuple[str, ...],
) -> Ability:
    span = joint.equations[0].span
    if energy is not None:
        return Ability("none", f"`{joint.name}` is stated up to a constant (`∝`)", energy.span)
    left = _not_eliminated(joint, latents)
    proof = densities[joint.name]
    if isinstance(proof, str) and left is not None and proof != UNSETTLED:
        if (bound := _importance(checking)) is not None:
            return bound
        reason = f"`{left}` is latent, and no equation eliminates it"
        summed = joint.productions, latents, dict(joint.variables)
        if marginal_rules.is_sequence(*summed[:2]) and (told := marginal_rules.why_not_sliced(*summed)):
            reason = f"the sum over `{left}` cannot be done place by place: {told}"
        if marginal_rules.is_normal_sequence(*summed[:2]) and (told := marginal_rules.why_not_filtered(*summed)):
            reason = f"the integral over `{left}` has no closed form: {told}"
        return Ability("none", reason, span)
    if isinstance(proof, str):
        return Ability("none", proof, span)
    assert isinstance(proof.conclusion, HasDensity)
    if proof.conclusion.kind == "bound" and estimated(checking.derived.log_dets):
        reason = f"dequantization, a lower bound in expectation over its noise, and {_by_terms(checking.derived)}"
        return Ability("estimate", reason, span, _density_passes(checking.derived, joint))
    if proof.conclusion.kind == "bound" and flows.odes(checking.model):
        reason = f"dequantization, a lower bound in expectation over its noise, and {_along(checking.model)}"
        return Ability("estimate", reason, span, flows.evaluations(checking.model))
    if proof.conclusion.kind == "bound":
        return Ability(
            "bound",
            "dequantization: a lower bound in expectation over its noise",
            span,
            _density_passes(checking.derived, joint),
        )
    if left is not None:
        summed = joint.productions, latents, dict(joint.variables)
        steps = max(marginal_rules.passes(*summed), _density_passes(checking.derived, joint))
        return Ability("exact", marginal_rules.words(*summed), span, steps)
    if flows.odes(checking.model):
        return Ability("estimate", _along(checking.model), span, flows.evaluations(checking.model))
    if estimated(checking.derived.log_dets):
        return Ability("estimate", _by_terms(checking.derived), span, _density_passes(checking.derived, joint))
    reason = (
        "change of variables"
        if any(isinstance(p.law, Chains) for p in joint.productions)
        else "a product of conditionals"
    )
    return Ability("exact", reason, span, _density_passes(checking.derived, joint))


def _along(model: nodes.Model) -> str:
    """How a density is carried along the ODEs of a model."""
    how = [flows.solving(model, stage) for stage in flows.odes(model)]
    taken = ", ".join(f"{'at most ' if h.solver.adaptive else ''}{h.steps} {h.solver.words}" for h in how)
    exact = all(h.exact for h in how)
    spread = "exact divergence" if exact else "a divergence by one random probe, unbiased"
    return f"change of variables along an ODE in {taken}, with {spread}"


def _by_terms(derived: Derived) -> str:
    """How a density is carried through maps whose log|det| is estimated."""
    names = ", ".join(f"`{name}`" for name in estimated(derived.log_dets))
    return f"change of variables, with log|det| of {names} by random terms of its series, unbiased"


def _importance(checking: Checking) -> Ability | None:
    """log p(x) ≥ E log mean p(x, z) / q(z | x) over draws of the recognition model (Burda et al. 2016)."""
    model, own = checking.model, observed(checking.model)
    computed = {d.target for d in model.deterministic}
    latent = tuple(v.name for v in free_latents(model) if v.name not in computed)
    try:
        queries.density_plan(checking.derived, "p", (*own, *latent), ())
        queries.density_plan(checking.derived, "q", latent, own)
        drawing.draw_plan(checking.derived, "q", latent, own)
    except queries.Refused:
        return None
    stated = next(c for c in model.conditionals if c.joint == "q")
    reason = "an importance-weighted lower bound from draws of `q`"
    if flows.odes(model):
        return Ability("estimate", f"{reason}, and {_along(model)}", stated.span, flows.evaluations(model))
    return Ability("bound", reason, stated.span, 1)


def _not_eliminated(joint: Joint, latents: tuple[str, ...]) -> str | None:
    """A latent variable that is not the source of a pipeline onto something produced."""
    eliminated = {name for p in joint.productions if isinstance(p.law, Chains) for name in p.starts}
    return next((name for name in latents if name not in eliminated), None)


def _density_passes(derived: Derived, joint: Joint) -> int:
    """All variables are known, so every conditional is evaluated at once: one pass, and those of pipelines undone."""
    if not joint.productions:
        return 0
    return max(passes.of_joint(derived, joint, generating=False), _computing_steps(joint))


def _sample(checking: Checking, joint: Joint, energy: nodes.Energy | None) -> Ability:
    span = joint.equations[0].span
    chain = next((m for m in checking.model.methods if m.verb == "sample" and m.name == "chain"), None)
    name = next((str(o.value) for o in chain.arguments if o.name == "transition"), "") if chain else ""
    if energy is not None:
        if chain is None:
            return Ability("none", "no transition samples it: add `sample chain(T)`", energy.span)
        kind = "approximate" if _invariance(checking, name) is None else "chain"
        return Ability(kind, _approached(checking, joint.name, name), chain.span)
    produced = {name for name, _ in joint.variables}
    missing = [name for name in observed(checking.model) if name not in produced]
    if missing:
        return Ability("none", f"no equation of `{joint.name}` produces `{missing[0]}`", span)
    open_ = _never_produced(checking.model, joint, produced)
    if open_ is not None and chain is not None:
        return Ability("chain", f"draws approach the law that `{name}` keeps, if there is one", chain.span)
    if open_ is not None:
        return Ability("none", f"no equation of `{joint.name}` gives `{open_}`, on which its draws depend", span)
    steps = _drawing_steps(joint)
    for conditional in checking.derived.model.conditionals:
        if conditional.joint == joint.name and (left := drawing.undrawn(conditional.distribution)) is not None:
            return Ability("none", f"no sampler was derived for `{left.density.name}`", left.span)
    if flows.odes(checking.model):
        return Ability("approximate", "ancestral, along an ODE", span, flows.evaluations(checking.model))
    return Ability("exact", "ancestral", span, max(steps, passes.of_joint(checking.derived, joint, generating=True)))


def _never_produced(model: nodes.Model, joint: Joint, produced: set[str]) -> str | None:
    """A variable on which the equations of a joint are conditioned, and that is neither drawn by one nor given."""
    known = produced | set(given(model))
    conditions = (listed.variable for production in joint.productions for listed in production.listed)
    return next((name for name in conditions if name not in known), None)


def _invariance(checking: Checking, transition: str) -> Verdict | None:
    """The verdict on whether a chain keeps its target, where something claims it."""
    kinds = ("stationary", "reversible", "warm-up")
    found = (v for v in checking.verdicts if v.obligation.id in kinds and v.subject == transition)
    return next(found, None)


def _bias(checking: Checking, joint: str, transition: str) -> str | None:
    """Of an unadjusted step that nothing claims to be exact: its bias."""
    if _invariance(checking, transition) is not None:
        return None
    return stationarity.unadjusted(checking.derived, transition, joint)


def _approached(checking: Checking, joint: str, transition: str) -> str:
    """What is known of a chain's invariance: where nothing claims it, and the bias of an unadjusted step."""
    if (verdict := _invariance(checking, transition)) is not None:
        return f"draws approach `{joint}` as the chain runs; that `{transition}` keeps it is {verdict.status}"
    bias = _bias(checking, joint, transition)
    if bias is not None:
        return f"draws approach a law that is not `{joint}`: `{transition}` accepts every step, and {bias}"
    return f"draws need not approach `{joint}`: nothing claims that `{transition}` keeps it"


def _drawing_steps(joint: Joint) -> int:
    """The most draws that follow one another: of one equation, or of several in turns."""
    steps = [1]
    for turn in order_of(joint.productions, dict(joint.variables)) or ():
        drawn = [joint.productions[k] for k in members(turn) if not isinstance(joint.productions[k].law, Member)]
        if isinstance(turn, Turns):
            made = [slices_of(p.produces[0], p.indices) for p in drawn]
            steps.append(sum(stop - start for start, stop in filter(None, made)))
        steps += [_steps(p) for p in drawn]
    return max(steps)


def _computing_steps(joint: Joint) -> int:
    """The most places of a derived quantity that are computed one after the other."""
    computed = [p for p in joint.productions if isinstance(p.law, Member) and p.indices]
    own = {p.produces[0].variable for p in computed}
    waiting = [p for p in computed if own & {u.variable for u in p.listed}]
    return max((r.stop - r.start for p in waiting for r in p.indices), default=1)


def _steps(production: Production) -> int:
    """Sequential draws of one equation: as many as its index takes values, where an element needs those before it."""
    own = {p.variable for p in production.produces}
    if not any(u.variable in own for u in production.listed):
        return 1
    steps = 1
    for range_ in production.indices:
        steps *= range_.stop - range_.start
    return steps


def _posterior(model: nodes.Model, joint: Joint, log_prob: Ability) -> Ability:
    latents = [v for v in model.variables if v.role == "latent"]
    if not latents:
        return Ability("none", "there is no latent variable", joint.equations[0].span)
    eliminated = {name for p in joint.productions if isinstance(p.law, Chains) for name in p.starts}
    if all(v.name in eliminated for v in latents):
        kind = density_kind(joint.productions)
        reason = "the pipeline is inverted" + ("; quantization leaves a cell" if kind == "bound" else "")
        return Ability("exact" if kind == "exact" else "none", reason, joint.equations[0].span, log_prob.passes or 1)
    if any(c.joint == "q" for c in model.conditionals):
        return Ability("amortized", "the recognition model `q`", joint.equations[0].span, 1)
    if log_prob.kind == "exact":
        return Ability("exact", "its density by Bayes' rule, over the exact marginal", joint.equations[0].span, 1)
    return Ability("none", "no equation states `q`", joint.equations[0].span)


def _score(model: nodes.Model, log_prob: Ability, energy: nodes.Energy | None) -> Ability:
    own = [v for v in model.variables if v.role == "observed"]
    if any(SUPPORTS[v.type.support.name].discrete for v in own):
        return Ability("none", "the observed variables are discrete", own[0].span)
    if energy is not None:
        return Ability("exact", "the gradient of the energy needs no constant", energy.span, 1)
    if log_prob.kind != "exact":
        bounded = f"log p is only bounded: {log_prob.reason}"
        return Ability("none", bounded if log_prob.kind == "bound" else log_prob.reason, log_prob.span)
    return Ability("exact", "the gradient of log p", log_prob.span, log_prob.passes)
