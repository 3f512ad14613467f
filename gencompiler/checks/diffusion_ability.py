"""What a model of an SDE can do: sample by its reverse-time equation, and estimate log p by its probability flow."""

from __future__ import annotations

from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.diffusion_methods import churn_of, corrector_of, method_of, option, solver_of, steps_of


def _taken(method: nodes.Method) -> tuple[str, int]:
    """The steps of a method in words, and how often they evaluate the score."""
    solver, steps = solver_of(method), steps_of(method)
    passes = steps * solver.evaluations
    most = "at most " if solver.adaptive else ""
    words = f"{most}{steps} {solver.words}"
    corrector, churn = corrector_of(method), churn_of(method)
    if churn is not None:
        words += " with churn"
    if corrector is not None:
        often = "one" if corrector.steps == 1 else str(corrector.steps)
        words += f", each corrected by {often} of Langevin dynamics"
        passes += steps * corrector.steps
    return words, passes


def sample_in_words(model: nodes.Model) -> tuple[str, str, Span, int] | None:
    """Kind, reason, place and steps of sampling."""
    method = method_of(model, "sample")
    if method is None:
        return None
    how = "the probability flow" if method.name == "probability_flow" else "the reverse-time SDE"
    taken, passes = _taken(method)
    reason = f"{how} of `{option(method, 'sde')}` in {taken}, with the learned score"
    return "approximate", reason, method.span, passes


def log_prob_in_words(model: nodes.Model) -> tuple[str, str, Span, int] | None:
    """Kind, reason, place and steps of log p."""
    method = method_of(model, "evaluate")
    if method is None:
        return None
    taken, passes = _taken(method)
    reason = f"the probability flow of `{option(method, 'sde')}` in {taken}, with the learned score"
    return "estimate", reason, method.span, passes


def score_in_words(derived: Derived) -> tuple[str, str, Span, int] | None:
    """The learned score, where a method names one."""
    for method in derived.model.methods:
        score = option(method, "score")
        if score is not None:
            return "learned", f"`{score}` at the cutoff", method.span, 1
    return None
