"""What is claimed of SDEs: kernels, stationary laws, time reversals, equal marginals, each as a goal for the kernel."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.checks.stationarity import log_target
from gencompiler.derive import diffusions
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof import exponentials as ex
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.current_rules import currents
from gencompiler.proof.exponentials import Exponentials, scaled, times, written
from gencompiler.proof.facts import Fact
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, substitute
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.polynomials import direction_without_end, directions, polynomial, rises_along
from gencompiler.proof.refute import assignments
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.sde_facts import Balances, Diffusion, KeepsMeasure, KernelIs, Moments, Reverses, SameMarginals
from gencompiler.proof.sde_refutations import (
    instance_of,
    moment_residual,
    residual,
    residual_at_start,
    with_score,
)
from gencompiler.proof.sde_rules import (
    drifts,
    generator,
    gradient_of,
    log_of,
    nonzero,
    places,
    scores,
    squares,
    stays_up,
)
from gencompiler.proof.search import Search
from gencompiler.proof.structure_rules import form_of
from gencompiler.proof.terms import plus, total
from gencompiler.proof.translate import Translation, variable

#: Data laws that refutations try: mean and scale.
DATA = tuple((Fraction(m), Fraction(s)) for m, s in ((1, "1/2"), (0, 1), (1, 2)))


class Unsupported(Exception):
    """The claim is not of a form that the rules speak about."""


@dataclasses.dataclass(frozen=True)
class Claimed:
    """A claim with its goal in words."""

    claim: nodes.Claim
    goal: Fact
    words: str


def claims(model: nodes.Model) -> list[nodes.Claim]:
    """The claims of a model that are about SDEs."""
    names = {s.name for s in model.sdes}
    predicates = ("kernel", "reverse", "marginals", "stationary", "reversible")
    return [c for c in model.claims if c.fact.predicate in predicates and c.fact.arguments[0] in names]


def claimed(derived: Derived, claim: nodes.Claim) -> Claimed:
    """The goal of a claim; raises Unsupported."""
    predicate, names = claim.fact.predicate, claim.fact.arguments
    missing = [n for n in names if n not in derived.sdes and any(s.name == n for s in derived.model.sdes)]
    if missing:
        raise Unsupported(f"`{missing[0]}` has no Itô form")
    if predicate == "kernel":
        return Claimed(claim, _kernel(derived, claim), f"the kernel of `{names[0]}` is as stated")
    if predicate == "stationary":
        words = f"`{names[0]}` leaves `{names[1]}` invariant"
        return Claimed(claim, _stationary(derived, names[0], names[1]), words)
    if predicate == "reversible":
        kept = _stationary(derived, names[0], names[1])
        words = f"`{names[0]}` is reversible with respect to `{names[1]}`"
        return Claimed(claim, Balances(kept.diffusion, kept.log_density), words)
    return _pair(derived, claim)


def _kernel(derived: Derived, claim: nodes.Claim) -> KernelIs:
    sde = derived.sdes[claim.fact.arguments[0]]
    diffusion = diffusions.diffusion_of(derived.model, sde)
    scope = diffusions.translation_of(derived.model, sde)
    law, arguments = distribution_terms(scope, claim.fact.values[0])
    if law.family != "Normal":
        raise Unsupported(f"a linear SDE has a Normal kernel, not `{law.family}`")
    return KernelIs(diffusion, diffusions.start_of(sde), *arguments)


def _stationary(derived: Derived, name: str, joint: str) -> KeepsMeasure:
    sde = derived.sdes[name]
    diffusion = diffusions.diffusion_of(derived.model, sde)
    parts = diffusions.parts_of(sde)
    moved = [v for v in derived.model.variables if v.name in parts]
    energies = {e.joint for e in derived.model.energies}
    log_density = log_target(derived, joint, derived.model) if joint in energies else None
    if log_density is None:
        densities = [_stated_density(derived.model, v, joint) for v in moved]
        log_density = densities[0]
        for other in densities[1:]:
            log_density = plus(log_density, other)
    return KeepsMeasure(diffusion, substitute(log_density, {variable(v): parts[v.name] for v in moved}))


def _stated_density(model: nodes.Model, found: nodes.Variable, joint: str) -> Term:
    """log of `p(x) = …`, of a law that depends on nothing."""
    for conditional in model.conditionals:
        alone = not conditional.given and not conditional.indices and len(conditional.targets) == 1
        target = conditional.targets[0]
        if conditional.joint != joint or not alone or not isinstance(target, nodes.Reference):
            continue
        law, arguments = distribution_terms(Translation.of_model(model), conditional.distribution)
        row = form_of(law.family, law.form) if law.family in DISTRIBUTIONS else None
        if target.name == found.name and row is not None and not row.vectors:
            names = {n: v for (n, _), v in zip(row.parameters, arguments, strict=True)}
            return total(instance(row.log_density, x=variable(found), **names), found.type.shape)
    raise Unsupported(f"`{joint}({found.name})` is neither an energy nor one distribution")


def _pair(derived: Derived, claim: nodes.Claim) -> Claimed:
    """`reverse(b, f)` and `marginals(a) == marginals(b)`: the one that mentions a score is compared with the other."""
    model, names = derived.model, claim.fact.arguments
    moved, fixed = (derived.sdes[n] for n in names)
    score = diffusions.score_function(model, moved, (fixed,))
    if claim.fact.predicate == "marginals" and score is None:
        swapped = diffusions.score_function(model, fixed, (moved,))
        if swapped is not None or not moved.noises:
            moved, fixed, score = (fixed, moved, swapped) if swapped is not None else (moved, fixed, None)
    symbol = diffusions.score_symbol(moved) if score is not None else None
    first = diffusions.diffusion_of(model, fixed)
    second = diffusions.diffusion_of(model, moved, score)
    said = f", with `{score}` = grad log p_t" if score is not None else ""
    if claim.fact.predicate == "reverse":
        _needs_ito(model, names[0])
        words = f"`{names[0]}` with time running backwards has the path law of `{names[1]}`{said}"
        return Claimed(claim, Reverses(second, first, symbol), words)
    words = f"`{names[0]}` and `{names[1]}` have equal marginals{said}"
    return Claimed(claim, SameMarginals(first, second, symbol), words)


def _needs_ito(model: nodes.Model, name: str) -> None:
    """An Itô form is that of time running forwards; backwards the correction has the other sign."""
    written = next(s for s in model.sdes if s.name == name)
    bent = (n for noise in written.noises for n in walk(noise.coefficient) if isinstance(n, nodes.Reference))
    if written.stratonovich and any(n.name == written.state.name for n in bent):
        raise Unsupported(f"`{name}` runs backwards, and is a Stratonovich equation whose noise depends on the state")


# -- proofs and refutations ------------------------------------------------------------------------------------------


def refute_kernel(goal: KernelIs, found: Proof | None, search: Search) -> Proof | None:
    """A state and a time at which a claimed kernel differs from the derived one."""
    if found is None or not isinstance(found.conclusion, Moments):
        return _solves_nothing(goal, search)
    terms = (goal.mean, goal.scale, found.conclusion.signal, found.conclusion.variance)
    free = {s for t in terms for s in t.symbols} | {goal.diffusion.time, goal.diffusion.state}
    for assignment in assignments(_ordered(free)):
        proof = attempt("another_kernel", (*goal.values(), assignment), found)
        if proof is not None:
            return proof
    return None


def _solves_nothing(goal: KernelIs, search: Search) -> Proof | None:
    """A moment of the claimed law that does not solve its equation."""
    try:
        defined = [search.range(t) for t in (goal.diffusion.drift, *goal.diffusion.noises)]
    except NotFound:
        return None
    for power in (1, 2, 3, 4):
        try:
            left = ex.written(moment_residual(goal.diffusion, goal.mean, goal.scale, power))
        except Unproved:
            return None
        if (assignment := _not_zero_at(left)) is not None:
            return attempt("solves_no_equation", (*goal.values(), power, assignment), *defined)
    return None


def refute_stationary(goal: KeepsMeasure) -> Proof | None:
    """A state at which the residual of the stationary equation is not 0."""
    try:
        left = ex.written(generator(goal.diffusion, gradient_of(goal.diffusion, goal.log_density)))
    except Unproved:
        return None
    if (assignment := _not_zero_at(left)) is not None:
        return attempt("flux_left", (goal.diffusion, goal.log_density, assignment))
    return _infinite(goal)


def refute_reversible(goal: Balances) -> Proof | None:
    """An element of the current that is not 0 at some state, or what refutes that the law is kept."""
    try:
        found = [ex.written(c) for c in currents(goal.diffusion, goal.log_density)]
    except Unproved:
        return None
    for place, left in enumerate(found):
        if (assignment := _not_zero_at(left)) is not None:
            return attempt("current_left", (goal.diffusion, goal.log_density, place, assignment))
    lost = _infinite(KeepsMeasure(goal.diffusion, goal.log_density))
    return attempt("not_even_kept", (goal.diffusion, goal.log_density), lost) if lost is not None else None


def _infinite(goal: KeepsMeasure) -> Proof | None:
    """A direction, and values of the parameters, along which the density has infinite mass."""
    state, value = places(goal.diffusion), log_of(goal.log_density)
    sure = direction_without_end(value, state)
    if sure is not None:
        return attempt("infinite_mass", (goal.diffusion, goal.log_density, sure, ()))
    if stays_up(goal.log_density, state):
        ahead = tuple(int(k == 0) for k in range(len(state)))
        return attempt("infinite_mass", (goal.diffusion, goal.log_density, ahead, ()))
    own = polynomial(value, state)
    if own is None:
        return None
    for direction in itertools.islice(directions(len(state)), 2 * len(state)):
        free = set(written(rises_along(own, direction)).symbols)
        for assignment in assignments(_ordered(free)) if free else ():
            proof = attempt("infinite_mass", (goal.diffusion, goal.log_density, direction, assignment))
            if proof is not None:
                return proof
    return None


def refute_pair(goal: Reverses | SameMarginals, found: Proof | None) -> Proof | None:
    """Gaussian data, and a place and a time at which the second equation does not carry its law."""
    backward = isinstance(goal, Reverses)
    _, second = _equations(goal)
    if isinstance(goal, Reverses):
        proof = _other_noise(goal)
        if proof is not None:
            return proof
    if found is None or not isinstance(found.conclusion, Moments):
        return _other_start(goal)
    rule = "not_reversed" if backward else "other_marginals"
    for mean, scale in DATA:
        middle, variance = instance_of(found.conclusion, mean, scale)
        try:
            own = with_score(second, goal.score, middle, variance)
            left = residual(found.conclusion, own, middle, variance, backward=backward)
        except Unproved:
            return _other_start(goal)
        if (assignment := _not_zero_at(left)) is not None:
            return attempt(rule, (*goal.values(), mean, scale, assignment), found)
    return _other_start(goal)


def _other_start(goal: Reverses | SameMarginals) -> Proof | None:
    """Gaussian data, and a place at which the two begin differently."""
    backward = isinstance(goal, Reverses)
    first, second = _equations(goal)
    rule = "not_reversed_at_start" if backward else "other_marginals_at_start"
    for data in DATA:
        try:
            left = residual_at_start(first, second, goal.score, data, backward=backward)
        except Unproved:
            return None
        if (assignment := _not_zero_at(left)) is not None:
            return attempt(rule, (*goal.values(), *data, assignment))
    return None


def _equations(goal: Reverses | SameMarginals) -> tuple[Diffusion, Diffusion]:
    return (goal.forward, goal.backward) if isinstance(goal, Reverses) else (goal.first, goal.second)


def _other_noise(goal: Reverses) -> Proof | None:
    try:
        rows = zip(squares(goal.forward), squares(goal.backward), strict=True)
        gap = next((ex.plus(g, scaled(h, -1)) for g, h in rows if ex.plus(g, scaled(h, -1))), None)
    except Unproved:
        return None
    for assignment in assignments(_ordered(set(ex.written(gap).symbols))) if gap is not None else ():
        proof = attempt("other_noise", (*goal.values(), assignment))
        if proof is not None:
            return proof
    return None


def what_is_wrong(goal: Reverses | SameMarginals) -> str | None:
    """A known mistake that a drift makes, in words."""
    first, second = _equations(goal)
    share = Fraction(1) if isinstance(goal, Reverses) else Fraction(1, 2)
    try:
        rows = list(zip(drifts(first), squares(first), scores(first, goal.score), drifts(second), strict=True))
    except Unproved:
        return None
    if goal.score is None:
        return "the drift does not mention the score"

    def is_(taken: list[Exponentials]) -> bool:
        gaps = (ex.plus(b, scaled(f, -1), own) for (f, _, _, b), own in zip(rows, taken, strict=True))
        return all(ex.is_zero(gap) for gap in gaps)

    pulls = [times(g, s) for _, g, s, _ in rows]
    if share != 1 and is_(pulls):
        return "the ½ is missing: g^2 * score / 2 is what the flow takes"
    if share == 1 and is_([scaled(p, Fraction(1, 2)) for p in pulls]):
        return "the ½ is of the probability flow: the reverse drift takes g^2 * score"
    if is_([s for _, _, s, _ in rows]) or is_([scaled(s, share) for _, _, s, _ in rows]):
        return "the score is not multiplied by g^2"
    if is_([scaled(p, -share) for p in pulls]):
        return "the score has the wrong sign: time runs backwards, dt < 0"
    return None


def _not_zero_at(term: Term) -> Assignment | None:
    """Values of its symbols at which a scalar term is surely not 0; the first of those that are tried."""
    return next((a for a in assignments(_ordered(set(term.symbols))) if nonzero(term, dict(a))), None)


def _ordered(symbols: set[Term]) -> tuple[Term, ...]:
    return tuple(sorted(symbols, key=lambda s: s.data[:2]))


def needs(reason: str, term: Term) -> NotFound:
    """What an attempt raises where a premise is missing."""
    return NotFound("sde", term, reason)
