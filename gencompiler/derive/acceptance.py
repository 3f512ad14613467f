"""The Metropolis-Hastings ratio of a transition, derived from its proposal and its target.

log r = log π(y) + log q(x | y) - log π(x) - log q(y | x)      (Hastings 1970)

The proposal is everything drawn since the head, or since the state last moved.  A proposed value is a draw from a
density whose parameters depend on the current state, or a bijection of such a draw:

y = f(x, u), u ~ q(u | x), x = f(y, u')     log r = log π(y) + log q(u' | y) - log|f_u(y, u')|
                                                - log π(x) - log q(u | x) + log|f_u(x, u)|

or, where nothing is drawn, an involution:  log r = log π(f(x)) + log|det f'(x)| - log π(x)      (Green 1995)
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive import algebra
from gencompiler.derive.conditional_laws import NoLawError, log_energy
from gencompiler.derive.density import log_density
from gencompiler.derive.express import Naming, express
from gencompiler.derive.nodes import Acceptance, Failure
from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes
from gencompiler.node import Node, walk
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Bijection, result
from gencompiler.proof.graph import Malformed, symbol
from gencompiler.proof.kernel import prove
from gencompiler.proof.scope import trusted_ranges
from gencompiler.proof.search import Search
from gencompiler.proof.translate import Translation, Untranslated


@dataclasses.dataclass
class Proposed:
    """What a transition has done when it accepts: `now`, what each variable of the state goes by; `draws` since the
    state last moved; `values` of assigned names; `arrived`: names that bijections of several variables gave."""

    now: dict[str, nodes.Expr]
    draws: dict[str, nodes.Distribution]
    values: dict[str, nodes.Expr]
    arrived: set[str]


def acceptance(model: nodes.Model, transition: nodes.Transition) -> Acceptance | Failure | None:
    """The derived ratio; None for a transition that accepts nothing; Failure where it cannot be derived."""
    accepts = [s for s in transition.steps if isinstance(s, nodes.Accept)]
    if not accepts:
        return None
    accept = accepts[0]
    if len(accepts) > 1 or transition.steps[-1] is not accept:
        return Failure(
            transition.name, "a transition that accepts more than once, or goes on after accepting", span=accept.span
        )
    try:
        log_target = log_joint(model, accept.target, accept)
    except NoLawError as problem:
        return Failure(transition.name, problem.reason, span=accept.span)
    strange = {n.rstrip("'") for n in transition.next} - described(model, accept.target)
    if strange:
        return Failure(transition.name, f"`{accept.target}` does not describe `{min(strange)}`", span=accept.span)
    before = proposed(model, transition)
    log_target = substitute(log_target, before.now)
    found = _ratio(model, transition, accept, before, log_target)
    if isinstance(found, str):
        return Failure(transition.name, found, span=accept.span)
    return Acceptance(transition.name, found, span=accept.span)


def log_joint(model: nodes.Model, joint: str, at: Node) -> nodes.Expr:
    """log of what a transition keeps: an energy, a density, or the product of the conditionals of a joint."""
    stated = [c for c in model.conditionals if c.joint == joint]
    if not stated or any(e.joint == joint for e in model.energies):
        return log_energy(model, joint, at)
    if joint == "p" and (model.links or model.deterministic):
        raise NoLawError(f"`{joint}` is stated by equations between variables", at)
    total: nodes.Expr = algebra.literal(0, at.span)
    for conditional in stated:
        (target,) = conditional.targets
        if conditional.indices or not isinstance(target, nodes.Reference):
            raise NoLawError(f"`{joint}` is stated element by element", at)
        found = conditional.distribution
        bindings: list[nodes.Binding] = []
        while isinstance(found, nodes.Let):
            bindings += found.bindings
            found = found.body
        assert isinstance(found, nodes.Distribution)
        density = log_density(found, target)
        if bindings:
            density = nodes.Let(density.type, tuple(bindings), density, span=density.span)
        total = algebra.add(total, density, at.span)
    return total


def described(model: nodes.Model, joint: str) -> frozenset[str]:
    """The variables that the density of a joint, or a density of the model, is of."""
    found: set[str] = set()
    for energy in model.energies:
        found |= set(energy.variables) if energy.joint == joint else set()
    for density in model.densities:
        found |= {i.name for i in density.variables} if density.name == joint else set()
    for conditional in model.conditionals:
        names = {t.name for t in conditional.targets if isinstance(t, nodes.Reference)}
        found |= names if conditional.joint == joint else set()
    return frozenset(found)


def proposed(model: nodes.Model, transition: nodes.Transition) -> Proposed:
    """What a transition has drawn and assigned before its last step."""
    variables = {v.name for v in model.variables}
    found = Proposed({}, {}, {}, set())
    for step in transition.steps:
        if isinstance(step, nodes.Assign):
            found.values[step.name] = substitute(step.value, found.values)
        elif isinstance(step, nodes.Through):
            found.arrived |= set(step.names)
        elif isinstance(step, nodes.Draw):
            variable = step.name.rstrip("'")
            if variable in variables and (step.name != variable or _is_latent(model, variable)):
                types = {v.name: v.type for v in model.variables}
                found.now[variable] = nodes.Reference(types[variable], step.name, span=step.span)
                continue
            found.draws[step.name] = distribution_of(step.distribution, found.values)
    return found


def _is_latent(model: nodes.Model, name: str) -> bool:
    return any(v.name == name and v.role == "latent" for v in model.variables)


def distribution_of(expr: nodes.Expr, values: dict[str, nodes.Expr]) -> nodes.Distribution:
    """A distribution without its local equations, and without assigned names."""
    while isinstance(expr, nodes.Let):
        inner = {**values}
        for binding in expr.bindings:
            inner[binding.name] = substitute(binding.value, inner)
        expr = substitute(expr.body, inner)
    expr = substitute(expr, values)
    assert isinstance(expr, nodes.Distribution)
    return expr


def log_proposal(model: nodes.Model, transition: nodes.Transition) -> nodes.Expr:
    """log q(y | x) of everything the transition draws, with assigned names substituted."""
    total: nodes.Expr = algebra.literal(0, transition.span)
    for name, distribution in proposed(model, transition).draws.items():
        density = log_density(distribution, nodes.Reference(distribution.type, name, span=distribution.span))
        total = algebra.add(total, density, transition.span)
    return total


def is_plain(model: nodes.Model, transition: nodes.Transition) -> bool:
    """Whether a transition is draws of which each is the proposal of one variable, and an acceptance: then the density
    of the proposal and the ratio are functions of two states."""
    accept = transition.steps[-1]
    if not isinstance(accept, nodes.Accept) or accept.target != "p":
        return False
    names = [p.name if isinstance(p, nodes.Reference) else "" for p in accept.proposals]
    before = proposed(model, transition)
    return set(names) == set(before.draws) and len(names) == len(before.draws) and not before.now


def _ratio(
    model: nodes.Model,
    transition: nodes.Transition,
    accept: nodes.Accept,
    before: Proposed,
    log_target: nodes.Expr,
) -> nodes.Expr | str:
    """log r, or why it cannot be derived."""
    span = accept.span
    state = {i.name: before.now.get(i.name, nodes.Reference(i.type, i.name, span=span)) for i in transition.current}
    moved = [n.rstrip("'") for n in accept.names]
    values = {n: substitute(p, before.values) for n, p in zip(moved, accept.proposals, strict=True)}
    there = {_name(state[n]): value for n, value in values.items()}
    gained = algebra.subtract(substitute(log_target, there), log_target, span)
    used = {n for n in moved if _mentions(values[n], set(before.draws))}
    if not before.draws:
        if all(isinstance(v, nodes.Reference) and v.name in before.arrived for v in values.values()):
            return gained
        return _with_jacobian(model, transition, values, gained)
    if not used:
        return "a draw that no proposal depends on"
    back: dict[str, nodes.Expr] = dict(there)
    slopes: nodes.Expr = algebra.literal(0, span)
    drawn = set()
    for name in moved:
        value = values[name]
        if isinstance(value, nodes.Reference) and value.name in before.draws:
            back[value.name] = state[name]
            drawn.add(value.name)
            continue
        noise = [d for d in before.draws if _mentions(value, {d})]
        if len(noise) != 1 or noise[0] in drawn:
            return f"`{name}'` is proposed by no draw of its own"
        drawn.add(noise[0])
        pushed = _pushed(model, transition, before, noise[0], value, state[name])
        if isinstance(pushed, str):
            return pushed
        inverse, slope = pushed
        back[noise[0]] = substitute(inverse, {**there, _TARGET: state[name]})
        slopes = algebra.add(slopes, algebra.subtract(slope, substitute(slope, back), span), span)
    if drawn != set(before.draws):
        return "a proposal that is not exactly the draws of the transition"
    forward: nodes.Expr = algebra.literal(0, span)
    backward: nodes.Expr = algebra.literal(0, span)
    for name, distribution in before.draws.items():
        density = log_density(distribution, nodes.Reference(distribution.type, name, span=distribution.span))
        forward = algebra.add(forward, density, span)
        backward = algebra.add(backward, substitute(density, back), span)
    ratio = algebra.add(gained, algebra.subtract(backward, forward, span), span)
    return algebra.add(ratio, slopes, span)


#: What an inverse calls the value that it takes back.
_TARGET = "_moved"


def _name(expr: nodes.Expr) -> str:
    assert isinstance(expr, nodes.Reference)
    return expr.name


def _mentions(expr: nodes.Expr, names: set[str]) -> bool:
    return any(isinstance(r, nodes.Reference) and r.name in names for r in walk(expr))


def scope_of(model: nodes.Model, transition: nodes.Transition) -> Translation:
    """The names of a transition's head, and the primed ones, as terms."""
    names = {i.name: symbol("variable", i.name, i.type.support, i.type.shape) for i in transition.current}
    names |= {i.name: symbol("condition", i.name, i.type.support, i.type.shape) for i in transition.conditions}
    names |= {f"{v.name}'": symbol("variable", f"{v.name}'", v.type.support, v.type.shape) for v in model.variables}
    return dataclasses.replace(Translation.of_model(model), names=names)


def _pushed(
    model: nodes.Model,
    transition: nodes.Transition,
    before: Proposed,
    noise: str,
    value: nodes.Expr,
    state: nodes.Expr,
) -> tuple[nodes.Expr, nodes.Expr] | str:
    """The noise in terms of the proposed value, called _TARGET, and log|d value / d noise|."""
    law = before.draws[noise]
    scope = scope_of(model, transition)
    own = symbol("draw", noise, nodes.REAL if law.family == "Normal" else law.type.support, law.type.shape)
    try:
        body = scope.binding({noise: own}).term(value)
        found = Search(prove("assumption", s) for s in trusted_ranges(model)).any_bijection(own, body).conclusion
    except (NotFound, Untranslated, Malformed) as problem:
        return f"the proposal is no bijection of `{noise}`: {problem}"
    if not isinstance(found, Bijection):
        return f"the proposal is no map of each element of `{noise}`"
    naming = Naming({result(own.shape): _TARGET, own: noise}, {}, {}, value.span)
    slope = algebra.total(express(found.log_derivative, naming), value.span)
    return express(found.inverse, naming), slope


def _with_jacobian(
    model: nodes.Model, transition: nodes.Transition, values: dict[str, nodes.Expr], gained: nodes.Expr
) -> nodes.Expr | str:
    """The ratio of a deterministic proposal of one variable."""
    if len(values) != 1:
        return "a deterministic proposal of several variables is written as a bijection of them: `y, w = f(x, v)`"
    ((name, value),) = values.items()
    scope = scope_of(model, transition)
    own = scope.names[name]
    try:
        body = scope.term(value)
        found = Search(prove("assumption", s) for s in trusted_ranges(model)).any_bijection(own, body).conclusion
    except (NotFound, Untranslated, Malformed) as problem:
        return f"the proposal is no bijection of `{name}`: {problem}"
    if not isinstance(found, Bijection):
        return f"the proposal is no map of each element of `{name}`"
    naming = Naming({}, {}, {}, value.span)
    slope = express(found.log_derivative, naming)
    if slope.type.shape == () and own.shape:
        size = 1
        for extent in own.shape:
            size *= extent
        slope = algebra.multiply(algebra.literal(size, value.span), slope, value.span)
    return algebra.add(gained, algebra.total(slope, value.span), value.span)
