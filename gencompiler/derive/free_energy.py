"""Free energies: what is left of an energy when variables are summed or integrated out.

    log sum over h of f(x, h) = log f(x, h0) - log p(h0 | x)      for any h0, by Bayes

where p(h | x) is the law that `conditional_laws` derives and `checks.conditional_laws` verifies; here h0 = 0.
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive import algebra
from gencompiler.derive.conditional_laws import NoLawError, at_zero, law, log_energy, tidy
from gencompiler.derive.density import log_density
from gencompiler.derive.nodes import ConditionalLaw
from gencompiler.derive.substitute import inline
from gencompiler.model import masses, nodes
from gencompiler.node import Node


def log_marginal(model: nodes.Model, joint: str, kept: frozenset[str], at: Node) -> nodes.Expr:
    """log of the unnormalized density of the variables `kept`, by their names; raises NoLawError."""
    functions = {f.name: f for f in model.functions}
    value = inline(log_energy(model, joint, at), functions)
    for asked in laws(model, joint, kept, at):
        name = asked.target
        assert isinstance(name, nodes.Reference)
        own = law(_with(model, joint, value), asked)
        assert isinstance(own, nodes.Distribution)
        zero = _zero(name.type, at)
        mass = tidy(log_density(own, zero))
        value = algebra.subtract(tidy(at_zero(value, name.name)), mass, at.span)
    return value


def laws(model: nodes.Model, joint: str, kept: frozenset[str], at: Node) -> list[nodes.Conditioned]:
    """The conditionals by which an energy loses the variables that are not `kept`, one after another."""
    energy = next((e for e in model.energies if e.joint == joint), None)
    if energy is None:
        raise NoLawError(f"`{joint}` is no energy", at)
    types = {v.name: v.type for v in model.variables}
    rest = list(energy.variables)
    found = []
    for name in energy.variables:
        if name in kept:
            continue
        rest.remove(name)
        given = tuple(nodes.Binding(n, nodes.Reference(types[n], n, span=at.span), span=at.span) for n in rest)
        target = nodes.Reference(types[name], name, span=at.span)
        found.append(nodes.Conditioned(types[name], joint, target, given, span=at.span))
    return found


def summed_laws(model: nodes.Model) -> tuple[ConditionalLaw, ...]:
    """The conditionals that free energies of a model rest on: of the variable that the energy of what is observed
    loses, or the mass of what the constant is summed over."""
    observed = frozenset(v.name for v in model.variables if v.role != "latent")
    found = []
    for energy in model.energies:
        kept = [observed & set(energy.variables)]
        if energy.joint == "p" and (few := masses.summed(model)):
            kept.append(frozenset(v.name for v in few))
        for each in kept:
            asked = laws(model, energy.joint, each, energy)
            if len(asked) != 1:
                continue
            try:
                found.append(ConditionalLaw(asked[0], law(model, asked[0]), span=energy.span))
            except NoLawError:
                continue  # then there is no free energy either
    return tuple(found)


def _with(model: nodes.Model, joint: str, log_value: nodes.Expr) -> nodes.Model:
    """The model with another energy of this name."""
    changed = tuple(
        dataclasses.replace(e, value=algebra.apply("exp", log_value, span=e.span)) if e.joint == joint else e
        for e in model.energies
    )
    return dataclasses.replace(model, energies=changed)


def _zero(type_: nodes.Type, at: Node) -> nodes.Expr:
    return algebra.broadcast(algebra.literal(0, at.span), type_.shape, at.span)
