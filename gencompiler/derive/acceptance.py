"""The Metropolis-Hastings ratio of a transition, derived from its proposal and its target.

log r = log π(y) + log q(x | y) - log π(x) - log q(y | x)      (Hastings 1970)

The proposal is everything drawn since the head.  Allowed here: every proposed value is a draw from a density whose
parameters depend on the current state; names assigned on the way are substituted.
"""

from __future__ import annotations

from gencompiler.derive import algebra
from gencompiler.derive.density import log_density, log_of
from gencompiler.derive.nodes import Acceptance, Failure
from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes


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
    energy = next((e for e in model.energies if e.joint == accept.target), None)
    if energy is None:
        return Failure(transition.name, f"`{accept.target}` has no density up to a constant (`∝`)", span=accept.span)
    draws, _ = _draws(transition)
    proposed = [p.name if isinstance(p, nodes.Reference) else None for p in accept.proposals]
    if set(proposed) != set(draws) or len(draws) != len(proposed):
        return Failure(transition.name, "a proposal that is not exactly the draws of the transition", span=accept.span)
    moved = [n.rstrip("'") for n in accept.names]
    if set(moved) != set(energy.variables):
        return Failure(
            transition.name, "a transition that accepts only part of the target's variables", span=accept.span
        )
    ratio = _ratio(energy, transition, accept, draws, dict(zip(moved, accept.proposals, strict=True)))
    return Acceptance(transition.name, ratio, span=accept.span)


def _draws(transition: nodes.Transition) -> tuple[dict[str, nodes.Distribution], dict[str, nodes.Expr]]:
    """The distributions of the drawn names, and what assigned names stand for."""
    values: dict[str, nodes.Expr] = {}
    draws: dict[str, nodes.Distribution] = {}
    for step in transition.steps:
        if isinstance(step, nodes.Assign):
            values[step.name] = substitute(step.value, values)
        elif isinstance(step, nodes.Draw):
            found = step.distribution
            while isinstance(found, nodes.Let):
                inner = {**values}
                for binding in found.bindings:
                    inner[binding.name] = substitute(binding.value, inner)
                found = substitute(found.body, inner)
            found = substitute(found, values)
            assert isinstance(found, nodes.Distribution)
            draws[step.name] = found
    return draws, values


def log_proposal(transition: nodes.Transition) -> nodes.Expr:
    """log q(y | x) of everything the transition draws, with assigned names substituted."""
    draws, _ = _draws(transition)
    total: nodes.Expr = algebra.literal(0, transition.span)
    for name, distribution in draws.items():
        density = log_density(distribution, nodes.Reference(distribution.type, name, span=distribution.span))
        total = algebra.add(total, density, transition.span)
    return total


def _ratio(
    energy: nodes.Energy,
    transition: nodes.Transition,
    accept: nodes.Accept,
    draws: dict[str, nodes.Distribution],
    proposal_of: dict[str, nodes.Expr],
) -> nodes.Expr:
    span = accept.span
    log_target = log_of(energy.value)
    current = {i.name: nodes.Reference(i.type, i.name, span=span) for i in transition.current}
    swapped: dict[str, nodes.Expr] = dict(proposal_of)
    for name, proposal in proposal_of.items():
        assert isinstance(proposal, nodes.Reference)
        swapped[proposal.name] = current[name]
    forward: nodes.Expr = algebra.literal(0, span)
    backward: nodes.Expr = algebra.literal(0, span)
    for name, distribution in draws.items():
        density = log_density(distribution, nodes.Reference(distribution.type, name, span=span))
        forward = algebra.add(forward, density, span)
        backward = algebra.add(backward, substitute(density, swapped), span)
    targets = algebra.subtract(substitute(log_target, dict(proposal_of)), log_target, span)
    return algebra.add(targets, algebra.subtract(backward, forward, span), span)
