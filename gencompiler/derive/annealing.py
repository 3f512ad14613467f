"""Annealing paths: the law that one starts from, and what runs it backwards.

At time 0 the path must be a product of laws that can be drawn from, times a constant.  They are looked for among the
laws that the path itself mentions at a value of a variable, `Normal(x | 0, 2)^(1 - t)`; those that the model states,
`p(z)`; those that an energy gives; and the uniform one.  The first that fit are taken; `checks.annealing` proves them.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from gencompiler.derive import algebra, drawing, queries
from gencompiler.derive.acceptance import distribution_of
from gencompiler.derive.conditional_laws import NoLawError, by_coefficients, by_gradient, tidy
from gencompiler.derive.nodes import Annealing, Derived, Failure
from gencompiler.derive.reversal import Reversals
from gencompiler.derive.substitute import inline, substitute
from gencompiler.model import nodes
from gencompiler.model.annealing import Annealed, annealed
from gencompiler.node import walk
from gencompiler.proof.annealing_rules import elsewhere, log_start
from gencompiler.proof.chain_rules import same
from gencompiler.proof.graph import Malformed, Term, symbol
from gencompiler.proof.graph import substitute as replaced
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.structure import Admissible
from gencompiler.proof.translate import Translation, Untranslated, variable

#: How many combinations of laws are tried.
_TRIED = 64


def derive(written: nodes.Model, model: nodes.Model) -> tuple[nodes.Model, tuple[Annealing, ...], tuple[Failure, ...]]:
    """The paths that a model asks for, with where they start, and the model with the transitions that run them
    backwards; `written` is the model as the spec has it, `model` the one with its formulas written out."""
    found, failures, reversals = [], [], Reversals(model)
    for asked in annealed(model):
        own = _path(written, model, asked, reversals)
        if isinstance(own, Failure):
            failures.append(own)
        else:
            found.append(own)
    if reversals.added:
        model = dataclasses.replace(model, transitions=(*model.transitions, *reversals.added))
    return model, tuple(found), tuple(failures)


def _path(written: nodes.Model, model: nodes.Model, asked: Annealed, reversals: Reversals) -> Annealing | Failure:
    """One path, or why it does not start anywhere."""
    try:
        laws = _start(written, model, asked)
    except (Untranslated, Malformed, Unproved) as problem:
        return Failure(asked.path.name, str(problem), span=asked.methods[0].span)
    if laws is None:
        reason = f"at 0 `{asked.path.name}` is no product of laws of its variables that could be found"
        return Failure(asked.path.name, reason, span=asked.methods[0].span)
    time = next(i for i in asked.path.conditions if i.name == asked.time)
    return Annealing(
        asked.path.name,
        asked.transition.name,
        time,
        asked.variables,
        asked.given,
        laws,
        reversals.of(asked.transition.name) or "",
        asked.suffix,
        span=asked.methods[0].span,
    )


# -- terms, which the checks speak of too ----------------------------------------------------------------------------


def time_symbol(time: nodes.Input) -> Term:
    """The symbol of a path's time."""
    return symbol("condition", time.name, time.type.support, time.type.shape)


def scope_of(model: nodes.Model, time: nodes.Input) -> Translation:
    """What the names of a path stand for."""
    return Translation.of_model(model).binding({time.name: time_symbol(time)})


def log_path(model: nodes.Model, path: str, time: nodes.Input) -> Term:
    """log of a path's unnormalized density."""
    density = next(d for d in model.densities if d.name == path)
    function = next(f for f in model.functions if f.name == density.function)
    return scope_of(model, time).term(function.body)


def law_term(scope: Translation, moved: nodes.Input, law: nodes.Distribution) -> Admissible:
    """A law of a variable, as something to be shown admissible."""
    distribution, arguments = distribution_terms(scope, law)
    return Admissible(distribution.family, distribution.form, arguments, moved.type.support, moved.type.shape)


def state_terms(model: nodes.Model, variables: tuple[nodes.Input, ...]) -> tuple[Term, ...]:
    """The symbols of a path's variables."""
    declared = {v.name: v for v in model.variables}
    return tuple(variable(declared[i.name]) for i in variables)


#: What a path has to end at.
TARGET = "p"


def exact_draws(derived: Derived, own: Annealing) -> drawing.DrawPlan | None:
    """How `p` draws everything that the path is of, and is given; None where it does not."""
    wanted = {i.name for i in (*own.variables, *own.given)}
    names = tuple(v.name for v in derived.model.variables if v.name in wanted and v.role != "given")
    try:
        return drawing.draw_plan(derived, TARGET, names, ())
    except queries.Refused:
        return None


# -- where it starts -------------------------------------------------------------------------------------------------


def _start(written: nodes.Model, model: nodes.Model, asked: Annealed) -> tuple[nodes.Distribution, ...] | None:
    """The laws of the variables at time 0; None where none fit."""
    time = next(i for i in asked.path.conditions if i.name == asked.time)
    scope, path = scope_of(model, time), log_path(model, asked.path.name, time)
    state = state_terms(model, asked.variables)
    candidates = [list(_candidates(written, model, asked, i)) for i in asked.variables]
    for laws in itertools.islice(itertools.product(*candidates), _TRIED):
        terms = tuple(law_term(scope, i, law) for i, law in zip(asked.variables, laws, strict=True))
        if any(s in state for t in terms for a in t.arguments for s in a.symbols):
            continue
        try:
            found = log_start(path, time_symbol(time), state, terms)
        except Unproved:
            continue
        if same(found, replaced(found, elsewhere(state))):
            return laws
    return None


def _candidates(
    written: nodes.Model, model: nodes.Model, asked: Annealed, moved: nodes.Input
) -> Iterator[nodes.Distribution]:
    """Laws that a variable may have at time 0, those that the spec mentions first."""
    density = next(d for d in written.densities if d.name == asked.path.name)
    for part in walk(density.value):
        if isinstance(part, nodes.LogLaw) and _is(part.event, moved.name):
            yield _with_type(part.distribution, moved)
    for stated in model.conditionals:
        if stated.targets == (nodes.Reference(moved.type, moved.name, span=moved.span),) and not stated.indices:
            law = stated.distribution
            if not isinstance(law, nodes.Pushed):
                yield _with_type(distribution_of(law, {}), moved)
    yield from _of_energy(model, asked, moved)
    if moved.type.support.name == "Binary":
        zero = algebra.literal(0, moved.span)
        yield nodes.Distribution(moved.type, "Bernoulli", "logits", (zero,), span=asked.path.span)


def _is(expr: nodes.Expr, name: str) -> bool:
    return isinstance(expr, nodes.Reference) and expr.name == name


def _with_type(law: nodes.Distribution, moved: nodes.Input) -> nodes.Distribution:
    return dataclasses.replace(law, type=moved.type)


def _of_energy(model: nodes.Model, asked: Annealed, moved: nodes.Input) -> Iterator[nodes.Distribution]:
    """The law that the path at time 0 gives one variable, as an energy."""
    functions = {f.name: f for f in model.functions}
    body = inline(functions[asked.path.function].body, functions)
    value = tidy(substitute(body, {asked.time: algebra.literal(0, asked.path.span)}))
    target = nodes.Reference(moved.type, moved.name, span=asked.path.span)
    question = nodes.Conditioned(moved.type, asked.path.name, target, (), span=asked.path.span)
    if moved.name not in {r.name for r in walk(value) if isinstance(r, nodes.Reference)}:
        return
    try:
        found = by_gradient(value, question, functions) if moved.type.shape else by_coefficients(model, value, question)
    except NoLawError:
        return
    if isinstance(found, nodes.Distribution):
        yield found
