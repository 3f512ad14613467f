"""What a model with latent variables can do beside `log_prob` and `sample`.

| the model has | programs |
|---|---|
| `p(x | z)` | decode: a draw of x; decode_mean: its mean, where every form has one |
| `p(z)` beside it | prior: a draw of z, for pictures |
| `q(z | x)` | encode: a draw of z; log_weight: log p(x, z) - log q(z | x) at such a draw, an estimate of log p(x) |
"""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.derive import drawing, queries
from gencompiler.derive.density import form_of
from gencompiler.derive.nodes import Derived, Factor, InTurns
from gencompiler.model import nodes as model
from gencompiler.model.determined import free_latents
from gencompiler.model.formula import formula
from gencompiler.model.mentioned import read_by_maps
from gencompiler.node import walk
from gencompiler.rows import nodes
from gencompiler.rows.densities import density_of
from gencompiler.rows.draws import Ancestral, Draws, plan_of
from gencompiler.rows.equations import sources_of
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import variable_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft


def programs(derived: Derived) -> list[nodes.Program]:
    """log_weight, encode, decode, decode_mean and prior, those that the model can have."""
    generation = _generation(derived)
    return [*_recognition(derived), *generation, *(_prior(derived) if generation else [])]


# -- q(z | x) --------------------------------------------------------------------------------------------------------


def _recognition(derived: Derived) -> list[nodes.Program]:
    observed, latents = _names(derived.model, "observed"), _recognized(derived.model)
    steps = plan_of(derived, "q", latents, observed) if latents else None
    if steps is None:
        return []
    posterior = f"q({', '.join(latents)} | {', '.join(observed)})"
    draft = Draft(derived, "encode", f"a draw of {', '.join(latents)} for each row from {posterior}")
    drawn = _encoded(draft, steps, observed)
    made = [draft.program({name: drawn[name] for name in latents})]
    joint = density_of(derived, "p", (*observed, *latents), ())
    recognition = density_of(derived, "q", latents, observed)
    if joint is not None and recognition is not None:
        everything = ", ".join((*observed, *latents))
        title = f"log p({everything}) - log {posterior} of each row, at a draw from {posterior}"
        made.insert(0, _log_weight(Draft(derived, "log_weight", title), steps, joint, recognition))
    return made


def _log_weight(
    draft: Draft, steps: drawing.DrawPlan, joint: model.LogDensity, recognition: model.LogDensity
) -> nodes.Program:
    observed = _names(draft.derived.model, "observed")
    values = _encoded(draft, steps, observed)
    log_p = draft.densities.log_density(joint, Scope(values))
    log_q = draft.densities.log_density(recognition, Scope(values))
    return draft.program({"log_weight": draft.graph.elementwise("subtract", log_p, log_q, span=draft.span)})


def _encoded(draft: Draft, steps: drawing.DrawPlan, observed: tuple[str, ...]) -> dict[str, Expr]:
    variables = {v.name: v for v in draft.derived.model.variables}
    given = {name: draft.input(variables[name]) for name in observed}
    return Ancestral(_draws(draft), "q").run(steps, given)


# -- p(x | z) --------------------------------------------------------------------------------------------------------


def _generation(derived: Derived) -> list[nodes.Program]:
    observed, latents = _names(derived.model, "observed"), _latents(derived.model)
    steps = plan_of(derived, "p", observed, latents)
    if steps is None:
        return []
    read = tuple(name for name in latents if name in _read_by(derived, steps))
    if not read:
        return []
    likelihood = f"p({', '.join(observed)} | {', '.join(read)})"
    inputs = [v for v in derived.model.variables if v.name in read]
    draft = Draft(derived, "decode", f"a draw of {{x}} for each row from {likelihood}")
    drawn = Ancestral(_draws(draft)).run(steps, {v.name: draft.input(v) for v in inputs})
    made = [draft.program({name: drawn[name] for name in observed})]
    factors = [step for step in steps if isinstance(step, Factor) and _has_mean(step)]
    if len(factors) == len(observed) == len(steps):
        draft = Draft(derived, "decode_mean", f"the mean of {likelihood} of each row")
        scope = Scope({v.name: draft.input(v) for v in inputs})
        means = {variable_of(factor): _mean(draft, factor, scope) for factor in factors}
        made.append(draft.program({name: means[name] for name in observed}, real=True))
    return [_given_last(program, read) for program in made]


def _prior(derived: Derived) -> list[nodes.Program]:
    latents = _latents(derived.model)
    steps = plan_of(derived, "p", latents, ())
    if steps is None:
        return []
    draft = Draft(derived, "prior", f"draws of {', '.join(latents)} from p")
    drawn = Ancestral(_draws(draft)).run(steps, {})
    return [draft.program({name: drawn[name] for name in latents})]


def _given_last(program: nodes.Program, latents: tuple[str, ...]) -> nodes.Program:
    """The program with its inputs as its method takes them: latent variables, then the context."""
    ordered = tuple(sorted(program.inputs, key=lambda each: each.name not in latents))
    return dataclasses.replace(program, inputs=ordered)


def _read_by(derived: Derived, steps: drawing.DrawPlan) -> set[str]:
    """The names that a plan reads, by its deterministic equations and its pipelines too."""
    equations = {d.target: d.value for d in derived.model.deterministic}
    factors = [f for step in steps for f in (step.factors if isinstance(step, InTurns) else [step])]
    left = [f.distribution if isinstance(f, Factor) else f for f in factors]
    found: set[str] = set()
    for step in steps:
        if isinstance(step, model.Link):
            found |= {*sources_of(step), *queries.link_conditions(derived.model, step)}
    while left:
        expr = left.pop()
        for part in (*walk(expr), *read_by_maps(derived.model, expr)):
            if isinstance(part, model.Reference) and part.name not in found:
                found.add(part.name)
                left += [equations[part.name]] if part.name in equations else []
    return found


def _has_mean(factor: Factor) -> bool:
    """Whether the factor is of a whole variable, and its family states a mean."""
    found = factor.distribution
    while isinstance(found, model.Let):
        found = found.body
    if factor.conditional.indices or not isinstance(found, model.Distribution) or found.family not in DISTRIBUTIONS:
        return False
    return form_of(found).mean is not None


def _mean(draft: Draft, factor: Factor, scope: Scope) -> Expr:
    expressions, graph = draft.expressions, draft.graph
    scope = draft.densities.equations.completed(factor.distribution, scope)
    found, scope = expressions.distribution(factor.distribution, scope)
    form = form_of(found)
    assert form.mean is not None, "a family without a mean"
    names = [name for name, _ in form.parameters]
    mean = formula(form.mean, **dict(zip(names, found.arguments, strict=True)))
    value = expressions.lower(mean, scope)
    shape = factor.conditional.targets[0].type.shape
    return graph.broadcast(value, shape[0], factor.span) if shape and not value.type.shape else value


# -- both ------------------------------------------------------------------------------------------------------------


def _draws(draft: Draft) -> Draws:
    return Draws(draft.densities, {})


def _names(model_: model.Model, role: str) -> tuple[str, ...]:
    return tuple(v.name for v in model_.variables if v.role == role)


def _latents(model_: model.Model) -> tuple[str, ...]:
    return tuple(v.name for v in free_latents(model_))


def _recognized(model_: model.Model) -> tuple[str, ...]:
    """The latent variables that `q` states the law of."""
    stated = {queries.variable_of(each) for each in model_.conditionals if each.joint == "q"}
    return tuple(name for name in _names(model_, "latent") if name in stated)
