"""What the `sample` and `evaluate` methods of an SDE ask for: which equation, which times, by which solver."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.catalog.solvers import ATTEMPTS, DEFAULT, SOLVERS, TOLERANCE, Solver
from gencompiler.catalog.words import SDE_EQUATIONS
from gencompiler.model import nodes
from gencompiler.model.sdes import CUTOFF

#: Steps of a solver where the spec does not say.
STEPS = 500


def moved(model: nodes.Model) -> frozenset[str]:
    """The variables that an SDE produces: from a stated terminal law, by running it backwards, or from the law that a
    Fokker-Planck equation starts with."""
    ended = {t.variable for t in model.terminals}
    started = {option(m, "equation") for m in model.methods}
    ended |= {state.name for sde in model.sdes if sde.name in started for state in sde.states}
    return frozenset(state.name for s in model.sdes for state in s.states if state.name in ended)


def method_of(model: nodes.Model, verb: str) -> nodes.Method | None:
    """The first `sample` or `evaluate` method of an SDE."""
    return next((m for m in model.methods if m.verb == verb and option(m, "sde") is not None), None)


def option(method: nodes.Method, name: str) -> nodes.Real | str | None:
    """The value of an option of a method, None where it is not given."""
    return next((o.value for o in method.arguments if o.name == name), None)


def inner(method: nodes.Method, name: str, own: str) -> Fraction | None:
    """A number in the option `name = word(own = …)`, None where it is not given."""
    found = next((o for o in method.arguments if o.name == name), None)
    return next((Fraction(o.value) for o in found.options if o.name == own), None) if found is not None else None


def steps_of(method: nodes.Method) -> int:
    """How many steps a method takes; of one that chooses their lengths, how many it tries at most."""
    found = option(method, "steps")
    if found is None:
        return ATTEMPTS if solver_of(method).adaptive else STEPS
    return int(found)


def cutoff_of(method: nodes.Method) -> Fraction:
    """How far above the lower end of time the equation is solved: `cutoff`, or the solver's `lo`."""
    found = option(method, "cutoff")
    lowest = inner(method, "solver", "lo")
    if found is None and lowest is not None:
        return lowest
    return Fraction(CUTOFF if found is None else found)


def solver_of(method: nodes.Method) -> Solver:
    """The solver that a method names; Heun for a flow, Euler-Maruyama for the reverse SDE."""
    return SOLVERS[str(option(method, "solver") or DEFAULT[SDE_EQUATIONS[method.name]])]


def tolerance_of(method: nodes.Method) -> Fraction:
    """The error a step may make, of an adaptive solver."""
    return inner(method, "solver", "tolerance") or TOLERANCE


def rho_of(method: nodes.Method) -> Fraction | None:
    """The exponent of a grid of times whose steps shorten towards the data, None where all are equal."""
    return inner(method, "solver", "rho")


@dataclasses.dataclass(frozen=True)
class Churn:
    """Noise that is put back before each step, from time t to (1 + min(amount / steps, √2 - 1)) t, where
    lowest <= t <= highest (Karras et al. 2022, algorithm 2)."""

    amount: Fraction
    lowest: nodes.Real
    highest: nodes.Real
    scale: Fraction


def churn_of(method: nodes.Method) -> Churn | None:
    """What the solver puts back, None where nothing is."""
    amount = inner(method, "solver", "churn")
    if amount is None:
        return None
    lowest, highest, scale = (inner(method, "solver", f"churn_{own}") for own in ("min", "max", "noise"))
    top = nodes.INFINITY if highest is None else highest
    return Churn(amount, Fraction(0) if lowest is None else lowest, top, Fraction(1) if scale is None else scale)


@dataclasses.dataclass(frozen=True)
class Corrector:
    """After each step `steps` steps of Langevin dynamics at the new time, of size 2 (snr noise(t))^2."""

    snr: Fraction
    steps: int


def corrector_of(method: nodes.Method) -> Corrector | None:
    """The corrector, None where there is none."""
    if option(method, "corrector") != "langevin":
        return None
    snr, steps = inner(method, "corrector", "snr"), inner(method, "corrector", "steps")
    return Corrector(Fraction(4, 25) if snr is None else snr, 1 if steps is None else int(steps))


def needs_kernel(method: nodes.Method) -> str | None:
    """Which part of a method needs the closed form of x(t) given x(0), in words."""
    if solver_of(method).exponential:
        return f"`{solver_of(method).name}` solves the linear part exactly"
    if churn_of(method) is not None:
        return "`churn` puts noise back"
    return "`langevin` takes its step from the noise" if corrector_of(method) is not None else None
