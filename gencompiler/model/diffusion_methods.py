"""What the `sample` and `evaluate` methods of an SDE ask for: which equation, how many steps, by which solver."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model import nodes
from gencompiler.model.sdes import CUTOFF

#: Steps of a solver where the spec does not say.
STEPS = 500


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
