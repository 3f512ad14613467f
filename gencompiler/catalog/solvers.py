"""Solvers of differential equations, a row each: what passes, checks and documents know about them.

Three kinds.  An explicit Runge-Kutta method, given by its tableau; with a second row of weights it estimates its own
error and chooses the length of its steps.  An exponential integrator, which solves the linear part of a diffusion's
probability flow exactly and expands the rest in the logarithm of the signal-to-noise ratio; a multistep one looks back
at the steps before.  A scheme for stochastic equations, which is consistent with one of the two calculi.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction


@dataclasses.dataclass(frozen=True)
class Tableau:
    """Stage i is at `places[i]` of the step and starts from the slopes of the stages before it, by `coupling[i]`.

    `weights` combine the slopes; `errors`, where there are any, the same for the estimated error."""

    places: tuple[Fraction, ...]
    coupling: tuple[tuple[Fraction, ...], ...]
    weights: tuple[Fraction, ...]
    errors: tuple[Fraction, ...] = ()


@dataclasses.dataclass(frozen=True)
class Solver:
    """`solves`: "ode" or "sde".  `order`: of convergence, of the mean-square error for a stochastic scheme.

    `words`: what it does, in a sentence of `genc check`.  `calculus`: "Itô" or "Stratonovich" of a stochastic scheme.
    `exponential`: how many network evaluations a step of an exponential integrator takes, 0 for the others.
    `multistep`: at how many steps before its own a step looks back, by what they evaluated."""

    name: str
    solves: str
    order: Fraction
    words: str
    source: str
    tableau: Tableau | None = None
    exponential: int = 0
    calculus: str = ""
    multistep: int = 0

    @property
    def adaptive(self) -> bool:
        """Whether it chooses the lengths of its steps."""
        return self.tableau is not None and bool(self.tableau.errors)

    @property
    def evaluations(self) -> int:
        """How often a step evaluates the drift."""
        if self.tableau is not None:
            return len(self.tableau.places)
        return self.exponential or (2 if self.calculus == "Stratonovich" else 1)


def _row(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(each) for each in text.split())


def _tableau(places: str, coupling: str, weights: str, errors: str = "") -> Tableau:
    """Rows of `coupling` are separated by `/`; the first stage has none."""
    rows = ((), *(_row(each) for each in coupling.split(" / "))) if coupling else ((),)
    return Tableau(_row(places), rows, _row(weights), _row(errors))


_HAIRER = "Hairer, Nørsett & Wanner, Solving ordinary differential equations I, 1993"

_ALL = (
    Solver("euler", "ode", Fraction(1), "Euler steps", _HAIRER, _tableau("0", "", "1")),
    Solver("midpoint", "ode", Fraction(2), "midpoint steps", _HAIRER, _tableau("0 1/2", "1/2", "0 1")),
    Solver("heun", "ode", Fraction(2), "Heun steps", _HAIRER, _tableau("0 1", "1", "1/2 1/2")),
    Solver(
        "rk4",
        "ode",
        Fraction(4),
        "Runge-Kutta steps of order 4",
        _HAIRER,
        _tableau("0 1/2 1/2 1", "1/2 / 0 1/2 / 0 0 1", "1/6 1/3 1/3 1/6"),
    ),
    Solver(
        "bosh3",
        "ode",
        Fraction(3),
        "steps of Bogacki and Shampine, orders 3 and 2",
        "Bogacki & Shampine, Applied Mathematics Letters 2, 1989",
        _tableau(
            "0 1/2 3/4 1",
            "1/2 / 0 3/4 / 2/9 1/3 4/9",
            "2/9 1/3 4/9 0",
            "-5/72 1/12 1/9 -1/8",
        ),
    ),
    Solver(
        "dopri5",
        "ode",
        Fraction(5),
        "steps of Dormand and Prince, orders 5 and 4",
        "Dormand & Prince, Journal of Computational and Applied Mathematics 6, 1980",
        _tableau(
            "0 1/5 3/10 4/5 8/9 1 1",
            "1/5 / 3/40 9/40 / 44/45 -56/15 32/9 / 19372/6561 -25360/2187 64448/6561 -212/729 / "
            "9017/3168 -355/33 46732/5247 49/176 -5103/18656 / 35/384 0 500/1113 125/192 -2187/6784 11/84",
            "35/384 0 500/1113 125/192 -2187/6784 11/84 0",
            "71/57600 0 -71/16695 71/1920 -17253/339200 22/525 -1/40",
        ),
    ),
    Solver(
        "ddim",
        "ode",
        Fraction(1),
        "DDIM steps",
        "Song, Meng & Ermon, ICLR 2021; Lu et al., NeurIPS 2022, section 4.1: DPM-Solver-1",
        exponential=1,
    ),
    Solver(
        "dpm2",
        "ode",
        Fraction(2),
        "DPM-Solver-2 steps",
        "Lu et al., NeurIPS 2022, algorithm 1",
        exponential=2,
    ),
    Solver(
        "dpm3",
        "ode",
        Fraction(3),
        "DPM-Solver-3 steps",
        "Lu et al., NeurIPS 2022, algorithm 2",
        exponential=3,
    ),
    Solver(
        "dpm2m",
        "ode",
        Fraction(2),
        "DPM-Solver++(2M) steps",
        "Lu, Zhou, Bao, Chen, Li & Zhu, DPM-Solver++, 2022, algorithm 2",
        exponential=1,
        multistep=1,
    ),
    Solver(
        "dpm3m",
        "ode",
        Fraction(3),
        "DPM-Solver++(3M) steps",
        "Lu, Zhou, Bao, Chen, Li & Zhu, DPM-Solver++, 2022, section 4.2: the multistep solver of order 3",
        exponential=1,
        multistep=2,
    ),
    Solver(
        "euler_maruyama",
        "sde",
        Fraction(1, 2),
        "Euler-Maruyama steps",
        "Kloeden & Platen, Numerical solution of stochastic differential equations, 1992, section 10.2",
        calculus="Itô",
    ),
    Solver(
        "stochastic_heun",
        "sde",
        Fraction(1, 2),
        "stochastic Heun steps",
        "Rümelin, SIAM Journal on Numerical Analysis 19, 1982",
        calculus="Stratonovich",
    ),
)

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in _ALL}

#: The solver of each kind of equation where none is named.
DEFAULT = {"ode": "heun", "sde": "euler_maruyama"}

#: Options of a solver with steps of given lengths: how time is cut, and in a sampler noise that is put back.
GRID = ("rho", "lo")
CHURN = ("churn", "churn_min", "churn_max", "churn_noise")
#: Options of a solver that chooses its steps.
ADAPTIVE = ("tolerance",)
#: Options of the corrector `langevin`.
LANGEVIN = ("snr", "steps")

#: The error that an adaptive solver allows itself a step, of 1 + |x|, where the spec does not say.
TOLERANCE = Fraction(1, 100_000)
#: How many steps an adaptive solver tries at most; from there on it takes what is left in equal parts.
ATTEMPTS = 1000


def solvers(solves: str) -> tuple[str, ...]:
    """The names of the solvers of one kind of equation."""
    return tuple(name for name, solver in SOLVERS.items() if solver.solves == solves)
