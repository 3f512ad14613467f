"""Transition operators: a loop over steps whose state is a row of the chain."""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.derive.acceptance import is_plain, log_proposal
from gencompiler.derive.conditional_laws import NoLawError
from gencompiler.derive.density import log_of
from gencompiler.derive.free_energy import log_marginal
from gencompiler.derive.nodes import Derived
from gencompiler.model import masses
from gencompiler.model import nodes as model
from gencompiler.rows import adaptation, nodes
from gencompiler.rows.chain_steps import Steps
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of


def energies(derived: Derived) -> list[nodes.Program]:
    """U(x) = -log f(x) of `p(x) ∝ f(x)`, latent variables summed out, and the mass of each value of what the constant
    is summed over; nothing where sums are not known."""
    found = [p for e in derived.model.energies if (p := _energy(derived, e)) is not None]
    mass = _log_mass(derived)
    return [*found, mass] if mass is not None else found


def _log_mass(derived: Derived) -> nodes.Program | None:
    """log of the sum of f over all variables but those that `masses.summed` chooses."""
    kept = masses.summed(derived.model)
    energy = next((e for e in derived.model.energies if e.joint == "p"), None)
    if not kept or energy is None or len(energy.variables) > len(kept) + 1:
        return None  # of one variable it is proved that the law by which it is summed out is the energy's
    names = ", ".join(v.name for v in kept)
    draft = Draft(derived, "log_mass", f"log of the mass of {names} under p, up to its constant")
    inputs = {v.name: draft.input(v) for v in kept}
    value = log_of(energy.value)
    if len(kept) < len(energy.variables):
        try:
            value = log_marginal(derived.model, "p", frozenset(inputs), energy)
        except NoLawError:
            return None
    return draft.program({"log_mass": draft.expressions.lower(value, Scope(inputs))})


def _energy(derived: Derived, found: model.Energy) -> nodes.Program | None:
    draft = Draft(derived, "energy", "the energy of {x}: -log p({x}) up to an unknown constant")
    variables = {v.name: v for v in derived.model.variables}
    kept = [n for n in found.variables if variables[n].role != "latent"]
    names = {n: draft.input(variables[n]) for n in kept}
    value = log_of(found.value)
    if len(kept) < len(found.variables):
        try:
            value = log_marginal(derived.model, found.joint, frozenset(kept), found)
        except NoLawError:
            return None
    lowered = draft.expressions.lower(value, Scope(names))
    return draft.program({"energy": draft.graph.elementwise("negate", lowered, span=found.span)})


def sampling_transition(model_: model.Model) -> model.Transition | None:
    """The transition that `sample chain(T)` names, else the first one that needs no conditions."""
    moves = {m.name: m for m in model_.transitions}
    for method in model_.methods:
        if method.verb == "sample" and method.name == "chain":
            return moves[str(method.arguments[0].value)]
    return next((m for m in moves.values() if not m.conditions and not _held(model_, m)), None)


def _held(model_: model.Model, move: model.Transition) -> set[str]:
    """The observed variables that a transition reads and leaves where they are."""
    observed = {v.name for v in model_.variables if v.role == "observed"}
    return {i.name for i in move.current} & observed - {i.name for i in state_of(move)}


def exploring_transition(model_: model.Model) -> model.Transition | None:
    """The first transition that moves latent variables alone, with observed ones held where they are: its chains
    explore a posterior."""
    latent = {v.name for v in model_.variables if v.role == "latent"}
    plain = (m for m in model_.transitions if not m.conditions and _held(model_, m))
    return next((m for m in plain if {i.name for i in state_of(m)} <= latent), None)


def exploring(derived: Derived, move: model.Transition) -> list[nodes.Program]:
    """Where chains of the latent variables given the others start, and their steps."""
    return [
        dataclasses.replace(_start(derived, move), name="posterior_start"),
        dataclasses.replace(_chain(derived, move), name="posterior_steps"),
    ]


def transition(derived: Derived, move: model.Transition) -> list[nodes.Program]:
    """The chain, where it starts, and for an accepted proposal its density and its ratio."""
    programs = [_start(derived, move), _chain(derived, move), *adaptation.programs(derived, move)]
    if move.conditions:
        return programs  # what is proposed depends on more than two states
    if move.name in derived.acceptances and is_plain(derived.model, move) and not hidden_state(derived.model, move):
        programs += [_log_ratio(derived, move), _log_proposal(derived, move)]
    return programs


def state_of(move: model.Transition) -> list[model.Input]:
    """What a chain moves, in order."""
    return [i for i in move.current if f"{i.name}'" in move.next]


def hidden_state(model_: model.Model, move: model.Transition) -> bool:
    """Whether a chain moves latent variables too."""
    latent = {v.name for v in model_.variables if v.role == "latent"}
    return any(i.name in latent for i in state_of(move))


# -- programs --------------------------------------------------------------------------------------------------------


def _start(derived: Derived, move: model.Transition) -> nodes.Program:
    """Where chains start by default."""
    own = {i.type.support.name for i in state_of(move)}
    words = "Normal(0, 1)" if own == {"Real"} else "Normal(0, 1) on the reals, uniform on finite supports"
    draft = Draft(derived, "start", f"where chains of {move.name} start: {words}")
    streams = streams_of(derived.model)
    step = draft.graph.scalar("step", move.span)
    return draft.program({i.name: start(draft, i, streams[i.name], step) for i in state_of(move)})


def start(draft: Draft, variable: model.Input, stream: int, step: Expr) -> Expr:
    """A first value of a variable: Normal(0, 1), its exponential or its sigmoid, or a uniform value."""
    graph, span, support, shape = draft.graph, variable.span, variable.type.support, variable.type.shape
    lower, upper, _, _ = bounds(support.name, support.arguments)
    if SUPPORTS[support.name].discrete and upper < float("inf") and lower > -float("inf"):
        uniform = graph.draw("uniform", stream, step, shape, span)
        if (lower, upper) == (0, 1):
            half = graph.number(0.5, span)
            return graph.elementwise("indicator", graph.elementwise("less", uniform, half, span=span), span=span)
        width = graph.elementwise("multiply", uniform, graph.number(float(upper - lower) + 1, span), span=span)
        return graph.elementwise(
            "add", graph.elementwise("floor", width, span=span), graph.number(float(lower), span), span=span
        )
    normal = graph.draw("normal", stream, step, shape, span)
    if support.name in ("Positive", "NonNegative"):
        return graph.elementwise("exp", normal, span=span)
    if support.name == "Real":
        return normal
    if -float("inf") < lower < upper < float("inf"):
        unit = graph.elementwise("sigmoid", normal, span=span)
        wide = graph.elementwise("multiply", unit, graph.number(float(upper - lower), span), span=span)
        return graph.elementwise("add", wide, graph.number(float(lower), span), span=span)
    reference = model.Reference(variable.type, variable.name, span=span)
    raise NotLowered(reference, f"a first state of a chain on {support}")


def _chain(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "chain", f"`steps` steps of {move.name} from each row, numbered from `step`")
    graph = draft.graph
    graph.recalls = {}
    states = {i.name: draft.input(i) for i in state_of(move)}
    fixed = {i.name: draft.input(i) for i in move.current if i.name not in states}
    given = {i.name: draft.input(i) for i in move.conditions}
    plan = graph.loop("steps", "t", draft.scalar("steps"), {**states, "accepted": draft.zero}, move.span, depth=0)
    here = dict(zip(states, plan.inside, strict=False))
    offset = graph.scalar("step", move.span)
    number = graph.name(graph.elementwise("add", offset, graph.index_of(plan), span=move.span), "now")
    factors = Factors(draft.expressions, streams_of(derived.model))
    moved = Steps(draft.expressions, factors, number, depth=1).of(move, {**here, **fixed}, given)
    nexts = [moved.state[n] for n in states]
    count = graph.elementwise("add", plan.inside[-1], moved.accepted(graph, move.span), span=move.span)
    after = graph.close(plan, (*nexts, count))
    outputs = dict(zip((*states, "accepted"), after, strict=True))
    return draft.program(outputs)


# -- an accepted proposal, as functions of two states ----------------------------------------------------------------


def _log_ratio(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "log_ratio", f"log of the Metropolis-Hastings ratio of {move.name} from x to the proposal")
    names = _current_and_proposed(draft, move)
    return draft.program({"log_ratio": draft.expressions.lower(derived.acceptances[move.name].log_ratio, Scope(names))})


def _log_proposal(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "log_proposal", f"log density of what {move.name} proposes, given where it stands")
    names = _current_and_proposed(draft, move)
    density = log_proposal(derived.model, move)
    return draft.program({"log_proposal": draft.expressions.lower(density, Scope(names))})


def _current_and_proposed(draft: Draft, move: model.Transition) -> dict[str, Expr]:
    names = {i.name: draft.input(i) for i in move.current}
    for step in move.steps:
        if isinstance(step, model.Draw):
            names[step.name] = draft.input(model.Input(step.name, step.distribution.type, span=step.span))
    return names
