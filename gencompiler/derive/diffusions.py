"""SDEs of a model as terms, their Itô forms, and the kernels that follow from them."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.derive.antiderivative import NoIntegralError
from gencompiler.derive.express import Naming, express
from gencompiler.derive.gradient import NoDerivative
from gencompiler.derive.linear_sde import Solution, solve
from gencompiler.derive.nodes import Failure, SdeKernel
from gencompiler.derive.reverse_time import ito
from gencompiler.model import nodes
from gencompiler.node import Node, walk
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import elementwise
from gencompiler.proof.graph import Malformed, Term, apply, each, element, join, literal, select, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.sde_rules import scalar_state
from gencompiler.proof.terms import ZERO
from gencompiler.proof.translate import Translation, Untranslated

#: The name of the symbol that stands for ∇ log p_t.
SCORE = "score"


def start_of(sde: nodes.Sde) -> Fraction:
    """The lower end of an SDE's time, where the data is."""
    arguments = sde.time.type.support.arguments
    return Fraction(arguments[0]) if arguments else Fraction(0)


def end_of(sde: nodes.Sde) -> Fraction | None:
    """The upper end, where there is one."""
    arguments = sde.time.type.support.arguments
    return Fraction(arguments[1]) if arguments else None


def translation_of(model: nodes.Model, sde: nodes.Sde, score: str | None = None) -> Translation:
    """A translation in which state and time are symbols, and `score`, a function of the model, is a symbol too."""
    known = Translation.of_model(model)
    time = symbol("input", sde.time.name, sde.time.type.support, sde.time.type.shape)
    found = known.binding({**parts_of(sde), sde.time.name: time})
    if score is None:
        return found
    function = next(f for f in model.functions if f.name == score)
    opaque = nodes.Reference(sde.state.type, SCORE, span=function.span)
    found = found.binding({SCORE: score_symbol(sde)})
    replaced = dataclasses.replace(function, body=opaque)
    return dataclasses.replace(found, functions={**found.functions, score: replaced})


def state_of(sde: nodes.Sde) -> Term:
    """The symbol of all that an SDE moves: of several variables, one vector of their elements."""
    if len(sde.states) == 1:
        return symbol("input", sde.state.name, sde.state.type.support, sde.state.type.shape)
    size = sum(_size(state) for state in sde.states)
    return symbol("input", ", ".join(s.name for s in sde.states), nodes.REAL, (size,))


def parts_of(sde: nodes.Sde) -> dict[str, Term]:
    """Each variable as a part of that symbol."""
    whole = state_of(sde)
    if len(sde.states) == 1:
        return {sde.state.name: whole}
    found: dict[str, Term] = {}
    start = 0
    for state in sde.states:
        end = start + _size(state)
        found[state.name] = select(whole, range(start, end)) if state.type.shape else element(whole, (literal(start),))
        start = end
    return found


def _size(state: nodes.Input) -> int:
    return state.type.shape[0] if state.type.shape else 1


def score_symbol(sde: nodes.Sde) -> Term:
    """The symbol that stands for ∇ log p_t."""
    return symbol("score", SCORE, nodes.REAL, sde.state.type.shape)


def score_function(model: nodes.Model, sde: nodes.Sde, others: tuple[nodes.Sde, ...]) -> str | None:
    """The function of state and time that only this equation applies to them: what it takes for the score."""
    elsewhere = {n.function for other in others for n in walk(other) if isinstance(n, nodes.Call)}
    functions = {f.name: f for f in model.functions}
    for call in walk(sde.drift):
        if not isinstance(call, nodes.Call) or call.function in elsewhere:
            continue
        fits = functions[call.function].body.type.shape == sde.state.type.shape
        if _is_at_state(call, sde) and fits and _only_there(call.function, sde, functions):
            return call.function
    return None


def _is_at_state(call: nodes.Call, sde: nodes.Sde) -> bool:
    names = tuple(a.name if isinstance(a, nodes.Reference) else "" for a in call.arguments)
    return names == (sde.state.name, sde.time.name)


def _only_there(name: str, sde: nodes.Sde, functions: dict[str, nodes.Function]) -> bool:
    """Whether the equation applies `name` to its state and its time and to nothing else: `s(2 * x, t)` is no score, and
    neither is `s(x, t)` where x is a local name, or what another function makes of `s`."""
    local = {b.name for n in walk(sde.drift) if isinstance(n, nodes.Let) for b in n.bindings}
    local |= {n.index for n in walk(sde.drift) if isinstance(n, nodes.Each)}
    if local & {sde.state.name, sde.time.name}:
        return False
    waiting: list[Node] = [sde.drift, *(n.coefficient for n in sde.noises)]
    seen: set[str] = set()
    for at_top in (True, False):
        called: list[str] = []
        for part in (n for tree in waiting for n in walk(tree)):
            if isinstance(part, nodes.Gradient) and part.function == name:
                return False
            if isinstance(part, nodes.Call) and part.function == name:
                if not (at_top and _is_at_state(part, sde)):
                    return False
            elif isinstance(part, nodes.Call | nodes.Gradient):
                called.append(part.function)
        waiting = _bodies(called, seen, functions)
    return True


def _bodies(called: list[str], seen: set[str], functions: dict[str, nodes.Function]) -> list[Node]:
    """The bodies of functions, and of those that they call."""
    found: list[Node] = []
    waiting = list(called)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            body = functions[name].body
            found.append(body)
            waiting += [n.function for n in walk(body) if isinstance(n, nodes.Call | nodes.Gradient)]
    return found


def diffusion_of(model: nodes.Model, sde: nodes.Sde, score: str | None = None) -> Diffusion:
    """The coefficients of an SDE as they are written; raises Untranslated or Malformed."""
    scope = translation_of(model, sde, score)
    time = scope.names[sde.time.name]
    if len(sde.equations) == 1:
        noises = tuple(scope.term(n.coefficient) for n in sde.noises)
        return Diffusion(state_of(sde), time, scope.term(sde.drift), noises)
    drift = join(_wide(scope.term(e.drift), e.state) for e in sde.equations)
    padded = []
    for moved in sde.equations:
        for noise in moved.noises:
            own = scope.term(noise.coefficient)
            padded.append(join(_wide(own if e is moved else ZERO, e.state) for e in sde.equations))
    return Diffusion(state_of(sde), time, drift, tuple(padded))


def _wide(term: Term, state: nodes.Input) -> Term:
    """A coefficient as a vector with an element for each of the variable's."""
    return term if term.shape else each(0, _size(state), term)


# -- Itô forms and kernels -------------------------------------------------------------------------------------------


def ito_forms(model: nodes.Model) -> tuple[dict[str, nodes.Sde], list[Failure]]:
    """Every SDE in Itô form, by name."""
    functions = {f.name: f for f in model.functions}
    found, failures = {}, []
    for sde in model.sdes:
        try:
            found[sde.name] = ito(sde, functions)
        except NoDerivative as problem:
            reason = f"its Itô form needs a derivative of the noise: {problem.reason}"
            failures.append(Failure(sde.name, reason, span=problem.expr.span))
    return found, failures


def kernels(model: nodes.Model, forms: dict[str, nodes.Sde]) -> tuple[dict[str, SdeKernel], list[Failure]]:
    """The kernels of the linear SDEs of a model, and why the others have none."""
    found, failures = {}, []
    for sde in forms.values():
        if not sde.noises:
            failures.append(Failure(sde.name, "no kernel with a density: there is no noise", span=sde.span))
            continue
        if len(sde.equations) > 1:
            failures.append(Failure(sde.name, "no kernel in closed form: it moves several variables", span=sde.span))
            continue
        try:
            diffusion = diffusion_of(model, sde)
            solution = _solution(model, sde, diffusion)
            found[sde.name] = _kernel(model, sde, solution)
        except (NoIntegralError, Untranslated, Malformed) as problem:
            failures.append(Failure(sde.name, f"no kernel in closed form: {problem}", span=sde.span))
    return found, failures


def _solution(model: nodes.Model, sde: nodes.Sde, diffusion: Diffusion) -> Solution:
    try:
        return solve(diffusion, start_of(sde))
    except NoIntegralError as problem:
        supplied = supplied_solution(model, sde, diffusion)
        if supplied is None:
            raise problem
        return supplied


def supplied_solution(model: nodes.Model, sde: nodes.Sde, diffusion: Diffusion) -> Solution | None:
    """The moments that a claim about the kernel supplies, to be verified like derived ones."""
    claim = next((c for c in model.claims if c.fact.predicate == "kernel" and c.fact.arguments == (sde.name,)), None)
    if claim is None:
        return None
    law, (mean, scale) = distribution_terms(translation_of(model, sde), claim.fact.values[0])
    if law.family != "Normal":
        return None
    x = scalar_state(diffusion)
    try:
        own = elementwise(mean, diffusion.state, x)
        signal = ex.slope(own, x)
        shift = ex.plus(ex.normal(own), ex.scaled(ex.times(signal, ex.atom(x)), -1))
        noise = elementwise(scale, diffusion.state, x)
    except Unproved:
        return None
    parts = (ex.written(signal), ex.written(shift), noise)
    if any(x in p.symbols for p in parts):
        return None
    return Solution(*parts, apply("multiply", noise, noise))


def _kernel(model: nodes.Model, sde: nodes.Sde, solution: Solution) -> SdeKernel:
    def said(term: Term) -> nodes.Expr:
        return express(term, Naming({}, {}, {}, sde.span))

    return SdeKernel(
        sde.name,
        sde.state,
        sde.time,
        said(solution.signal),
        said(solution.shift),
        said(solution.noise),
        said(solution.variance),
        gain(sde),
        span=sde.span,
    )


def gain(sde: nodes.Sde) -> nodes.Expr:
    """The diffusion coefficient: of several noises, the root of the sum of their squares."""
    from gencompiler.derive import algebra

    if len(sde.noises) == 1:
        return sde.noises[0].coefficient
    total: nodes.Expr = algebra.literal(0, sde.span)
    for noise in sde.noises:
        square = algebra.multiply(noise.coefficient, noise.coefficient, noise.span)
        total = algebra.add(total, square, noise.span)
    return total if not sde.noises else algebra.apply("sqrt", total, span=sde.span)
