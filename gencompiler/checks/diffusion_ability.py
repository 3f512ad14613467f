"""What a model of an SDE can do: sample by its reverse-time equation, and estimate log p by its probability flow."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.sdes import CUTOFF

#: Steps of a solver where the spec does not say.
STEPS = 500
_ORDER = {"euler": "Euler steps", "heun": "Heun steps", "rk4": "Runge-Kutta steps of order 4"}


def moved(model: nodes.Model) -> frozenset[str]:
    """The variables that an SDE with a stated terminal law produces: sampled by running it backwards."""
    ended = {t.variable for t in model.terminals}
    return frozenset(s.state.name for s in model.sdes if s.state.name in ended)


def method_of(model: nodes.Model, verb: str) -> nodes.Method | None:
    """The first `sample` or `evaluate` method of an SDE."""
    return next((m for m in model.methods if m.verb == verb and option(m, "sde") is not None), None)


def option(method: nodes.Method, name: str) -> nodes.Real | str | None:
    """The value of an option of a method, None where it is not given."""
    return next((o.value for o in method.arguments if o.name == name), None)


def steps_of(method: nodes.Method) -> int:
    """How many steps a method takes."""
    found = option(method, "steps")
    return STEPS if found is None else int(found)


def cutoff_of(method: nodes.Method) -> Fraction:
    """How far above the lower end of time a method stops."""
    found = option(method, "cutoff")
    return Fraction(CUTOFF if found is None else found)


def solver_of(method: nodes.Method) -> str:
    """The steps of a method, as its option says; Heun for a flow, Euler-Maruyama for the reverse SDE."""
    return str(option(method, "solver") or ("heun" if method.name == "probability_flow" else "euler-maruyama"))


def sample_in_words(model: nodes.Model) -> tuple[str, str, Span, int] | None:
    """Kind, reason, place and steps of sampling."""
    method = method_of(model, "sample")
    if method is None:
        return None
    how = "the probability flow" if method.name == "probability_flow" else "the reverse-time SDE"
    taken = _ORDER.get(solver_of(method), "Euler-Maruyama steps")
    reason = f"{how} of `{option(method, 'sde')}` in {steps_of(method)} {taken}, with the learned score"
    return "approximate", reason, method.span, steps_of(method)


def log_prob_in_words(model: nodes.Model) -> tuple[str, str, Span, int] | None:
    """Kind, reason, place and steps of log p."""
    method = method_of(model, "evaluate")
    if method is None:
        return None
    taken = _ORDER[solver_of(method)]
    reason = f"the probability flow of `{option(method, 'sde')}` in {steps_of(method)} {taken}, with the learned score"
    return "estimate", reason, method.span, steps_of(method)


def score_in_words(derived: Derived) -> tuple[str, str, Span, int] | None:
    """The learned score, where a method names one."""
    for method in derived.model.methods:
        score = option(method, "score")
        if score is not None:
            return "learned", f"`{score}` at the cutoff", method.span, 1
    return None
