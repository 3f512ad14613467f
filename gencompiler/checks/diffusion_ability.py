"""What a model of an SDE can do: sample by its reverse-time equation, and estimate log p by its probability flow."""

from __future__ import annotations

from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.diffusion_methods import method_of, option, solver_of, steps_of

_ORDER = {"euler": "Euler steps", "heun": "Heun steps", "rk4": "Runge-Kutta steps of order 4"}


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
