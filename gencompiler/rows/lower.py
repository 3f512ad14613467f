"""Lowering: a checked model in, its row programs out, by what can be asked of the model.

| the model has | programs |
|---|---|
| a plan for log p(x) | log_prob |
| a plan to draw x | sample |
| a pipeline to the observed variable | forward, inverse; of one that is solved numerically, its residual |
| latent variables | log_weight, encode, decode, decode_mean (see `latent`) |
| a `train` line | objective_LABEL for each phase (see `objectives`) |
| annealing paths | anneal_start, anneal, anneal_back, anneal_exact (see `annealing`) |
| an energy | energy; for the transition that samples it: start, chain, log_proposal, log_ratio |
| a chain, and `evaluate csl` | csl (see `emission`) |
| an initial value from data | start_means, start_values (see `starts`) |
| a transition of latent variables | posterior_start, posterior_steps |

Each loop comes from a mechanism: layers from `repeat`, dimensions from an indexed head, steps from a transition.
"""

from __future__ import annotations

import dataclasses
import functools

from gencompiler.catalog.words import DENSITY_EVALUATORS
from gencompiler.derive import drawing, queries
from gencompiler.derive.nodes import Derived, Factor
from gencompiler.model import flows
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import annealing, chains, emission, latent, nodes, objectives, residuals, starts, time
from gencompiler.rows.copies import Build
from gencompiler.rows.densities import density_of
from gencompiler.rows.draws import Ancestral, Draws, plan_of
from gencompiler.rows.equations import Flow, flow_to, sources_of
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import variable_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft
from gencompiler.rows.unsupported import NotLowered


def lower(derived: Derived) -> dict[str, nodes.Program]:
    """Every row program of the model, by name; raises `expressions.NotLowered`."""
    programs: list[nodes.Program] = []
    programs += _log_prob(derived)
    programs += _sample(derived)
    programs += [p for link in derived.model.links for p in _maps(derived, link)]
    programs += latent.programs(derived)
    programs += objectives.objectives(derived)
    programs += chains.energies(derived)
    move = chains.sampling_transition(derived.model)
    if move is not None:
        programs += chains.transition(derived, move)
    programs += emission.programs(derived)
    if (exploring := chains.exploring_transition(derived.model)) is not None:
        programs += chains.exploring(derived, exploring)
    programs += annealing.programs(derived)
    programs += time.programs(derived)
    programs += starts.programs(derived)
    return {p.name: p for p in programs}


def trained(derived: Derived) -> dict[str, Build]:
    """The programs whose gradient the default training takes, by name, each to be built anew."""
    phases = derived.model.trainings[0].objective.phases if derived.model.trainings else ()
    found: dict[str, Build] = {}
    for phase in phases:
        if objectives.is_log_prob(phase.value):
            observed = tuple(v.name for v in derived.model.variables if v.role == "observed")
            density = density_of(derived, "p", observed, ())
            if density is not None:
                found["log_prob"] = functools.partial(_log_prob_draft, derived, density)
        else:
            found[f"objective_{phase.label}"] = functools.partial(objectives.draft, derived, phase)
    return found


# -- the distribution of the observed variables ----------------------------------------------------------------------


def _log_prob(derived: Derived) -> list[nodes.Program]:
    observed = [v for v in derived.model.variables if v.role == "observed"]
    density = density_of(derived, "p", tuple(v.name for v in observed), ())
    if density is None:
        asking = _asking(derived.model, {v.name for v in observed})
        if asking is not None:
            raise NotLowered(asking, f"the density of {', '.join(f'`{v.name}`' for v in observed)} in this model")
        return []
    draft, outputs = _log_prob_draft(derived, density)
    return [draft.program(outputs)]


def _log_prob_draft(derived: Derived, density: model.LogDensity) -> tuple[Draft, dict[str, Expr]]:
    bound = "a one-sample bound of log p({x}) of each row: uniform dequantization"
    draft = Draft(derived, "log_prob", bound if derived.model.surjections else "log p({x}) of each row")
    scope = Scope({v.name: draft.input(v) for v in derived.model.variables if v.role == "observed"})
    return draft, {"log_prob": draft.densities.log_density(density, scope)}


def _asking(own: model.Model, observed: set[str]) -> model.Method | model.Training | None:
    """What asks for log p of all observed variables; where it has been proved and no plan is found, it is not kept."""
    for method in own.methods:
        if method.verb == "evaluate" and method.name in DENSITY_EVALUATORS:
            return method
    for training in own.trainings:
        parts = (n for phase in training.objective.phases for n in walk(phase.value))
        densities = (n for n in parts if isinstance(n, model.LogDensity) and n.joint == "p" and not n.given)
        if any({b.name for b in n.targets} == observed for n in densities):
            return training
    return None


def _sample(derived: Derived) -> list[nodes.Program]:
    """Ancestral draws; an indexed head that nothing later reads writes its columns as it goes."""
    observed = tuple(v.name for v in derived.model.variables if v.role == "observed")
    steps = plan_of(derived, "p", observed, ())
    if steps is None:
        return []
    kind = "approximate" if flows.odes(derived.model) else "exact"
    title = f"{kind} samples of {{x}}" + ("" if derived.model.links else ", drawn in the order of the factorization")
    draft = Draft(derived, "sample", title)
    draws = Draws(draft.densities, {})
    ancestral = Ancestral(draws)
    values: dict[str, Expr] = {}
    stored: dict[str, model.Type] = {}
    for place, step in enumerate(steps):
        if isinstance(step, Factor) and _by_element(step, steps) and not _is_read(step, steps[place + 1 :]):
            scope = draws.equations.completed(step.distribution, Scope(values))
            stored[variable_of(step)] = draws.factors.stored(step, scope, ancestral.stream(variable_of(step)))
        else:
            values |= ancestral.step(step, Scope(values))
    program = draft.program({n: values[n] for n in observed if n in values}, stored=stored)
    ordered = tuple(sorted(program.outputs, key=lambda output: observed.index(output.name)))
    return [dataclasses.replace(program, outputs=ordered)]


def _by_element(step: Factor, steps: tuple[drawing.DrawStep, ...]) -> bool:
    """Whether a factor draws one number at a time, and all of its variable."""
    target = step.conditional.targets[0]
    if isinstance(target, model.Element) and any(isinstance(s, model.Element) for s in target.subscripts):
        return False
    alone = all(
        other is step or variable_of(other) != variable_of(step) for other in steps if isinstance(other, Factor)
    )
    return alone and bool(step.conditional.indices) and not step.conditional.targets[0].type.shape


def _is_read(step: Factor, later: tuple[drawing.DrawStep, ...]) -> bool:
    """Whether a later step needs the value that `step` draws."""
    parts = [part for each in later for part in walk(each)]
    return any(isinstance(part, model.Reference) and part.name == variable_of(step) for part in parts)


# -- pipelines -------------------------------------------------------------------------------------------------------


def _maps(derived: Derived, link: model.Link) -> list[nodes.Program]:
    """`forward` and `inverse` of a pipeline between a latent and an observed variable, and no others."""
    variables = {v.name: v for v in derived.model.variables}
    if len(sources_of(link)) > 1:
        return []
    ends = variables[sources_of(link)[0]], variables[link.target]
    data = next((v for v in ends if v.role == "observed"), None)
    base = next((v for v in ends if v.role == "latent"), None)
    if data is None or base is None or queries.link_conditions(derived.model, link):
        return []
    flow = flow_to(link, data.name)
    words = "data {x}" if flow.smooth() == flow else "the value in [0, 1) that quantization turns into {x}"
    flow = flow.smooth()
    found = [_forward(derived, flow, words, base), _inverse(derived, flow, words, data)]
    for program, inverted in zip(tuple(found), (False, True), strict=True):
        if residuals.is_solved(derived, flow, inverted=inverted):
            measured = residuals.residual(derived, flow, program, inverted=inverted)
            found += [] if measured is None else [measured]
    return found


def _forward(derived: Derived, flow: Flow, words: str, base: model.Variable) -> nodes.Program:
    draft = Draft(derived, "forward", f"latent {flow.bases[0]} to {words}, and log|det| of that map")
    passed = draft.densities.equations.to_data(flow, draft.input(base), _seen(draft, flow))
    return draft.program({flow.data: passed.value, "log_abs_det": passed.log_det}, real=True)


def _seen(draft: Draft, flow: Flow) -> Scope:
    """The variables that the maps of a pipeline are conditioned on, as inputs."""
    model_ = draft.derived.model
    used = {s.map for s in walk(flow.link) if isinstance(s, model.UseMap)}
    bodies = [m for m in model_.maps if m.name in used]
    local = {m.input.name for m in bodies} | {b.name for m in bodies for b in walk(m) if isinstance(b, model.Binding)}
    named = {r.name for m in bodies for r in walk(m.body) if isinstance(r, model.Reference)} - local
    return Scope({v.name: draft.input(v) for v in model_.variables if v.name in named and v.role != "given"})


def _inverse(derived: Derived, flow: Flow, words: str, data: model.Variable) -> nodes.Program:
    draft = Draft(derived, "inverse", f"{words} to latent {flow.bases[0]}, and log|det| of that map")
    x = draft.input(data, real=True)
    passed = draft.densities.equations.to_base(flow, x, _seen(draft, flow))
    return draft.program({flow.bases[0]: passed.value, "log_abs_det": passed.log_det}, real=True)
