"""Rules for continuous flows: an ordinary differential equation that has one solution through every point.

dx/dt = v(x, t) with v continuous, and Lipschitz in x with a constant for all of 0 <= t <= 1, has for every start one
solution over that time (Picard-Lindelöf), and for every end too: the map from x(0) to x(1) is a bijection of R^n."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import cast

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.external import EXTERN
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, need, rule

#: The time of a flow.
UNIT = Support("Interval", (Fraction(0), Fraction(1)))
#: Functions whose derivative is bounded, in each of their arguments.
_LIPSCHITZ = ("tanh", "sigmoid", "softplus", "sin", "cos", "atan", "erf", "relu", "abs", "min", "max", "asinh")
#: Reductions that move no more than a constant times as far as their operand.
_REDUCTIONS = ("sum", "mean", "norm", "max", "min", "logsumexp", "logmeanexp")
#: What puts elements together or takes them apart.
_STRUCTURE = ("select", "join", "each", "element", "reduce", "contract")


@dataclasses.dataclass(frozen=True)
class Flows(Fact):
    """Through every point at every time of `time` there is one solution of d state = field dt, over all of it."""

    state: Term
    time: Term
    field: Term


@rule
def lipschitz_flow(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The field is built from what is continuous in time and Lipschitz in the state.  Premise: it is a real number
    everywhere.

    Networks of the catalogue are affine layers and activations with bounded derivatives (recurrent ones multiply by
    gates and states, which are bounded), so that they are Lipschitz in their inputs; a product is where one factor is
    free of the state, since what is continuous is bounded on [0, 1]."""
    state, time, field = cast(tuple[Term, Term, Term], subject)
    need(state.operation == time.operation == "symbol" and support_of(state) == REAL, "not a state over the reals")
    need(support_of(time) == UNIT, "the time does not run from 0 to 1")
    need(field.shape in ((), state.shape), "a field of another shape")
    need(any(isinstance(p, InRange) and p.term is field for p in premises), "the field may be undefined")
    _Reading(state, time).lipschitz(field)
    return Flows(state, time, field)


def _of_the_catalogue(term: Term) -> None:
    """Raise Unproved for a network that the user supplies: of how it changes nothing is known."""
    supplied = term.operation == "network" and term.data[0].startswith(EXTERN)
    need(not supplied, "{} is supplied from outside, and may change at any rate", term)


class _Reading:
    """What a field is built from; each question is asked once of a term."""

    def __init__(self, state: Term, time: Term) -> None:
        self.state, self.time = state, time
        self.known: set[tuple[str, Term]] = set()

    def lipschitz(self, term: Term) -> None:
        """Raise Unproved unless a term is seen to be Lipschitz in the state and continuous in the time."""
        if ("lipschitz", term) in self.known or term is self.state:
            return
        self.known.add(("lipschitz", term))
        if self.state not in term.symbols:
            self.continuous(term)
            return
        if term.operation in ("network", *_STRUCTURE):
            _of_the_catalogue(term)
            need(term.operation != "reduce" or term.data in _REDUCTIONS, "`{}` may grow without bound", term.data)
            if term.operation == "contract":
                self._product(term)
                return
            for each in term.arguments:
                self.lipschitz(each)
            return
        need(term.operation == "apply", "{} is not seen to be Lipschitz in the state", term)
        if term.data == "multiply":
            self._product(term)
        elif term.data == "divide":
            self.lipschitz(term.arguments[0])
            need(self.state not in term.arguments[1].symbols, "a division by what depends on the state")
            self.continuous(term.arguments[1])
        else:
            need(
                term.data in ("add", "subtract", "negate", *_LIPSCHITZ),
                "`{}` of the state may grow too fast",
                term.data,
            )
            for each in term.arguments:
                self.lipschitz(each)

    def _product(self, term: Term) -> None:
        free = [each for each in term.arguments if self.state not in each.symbols]
        need(bool(free), "a product of two things that depend on the state")
        for each in term.arguments:
            self.lipschitz(each)

    def continuous(self, term: Term) -> None:
        """Raise Unproved unless a term is seen to be continuous in the time wherever it is defined."""
        if ("continuous", term) in self.known or self.time not in term.symbols or term is self.time:
            return
        self.known.add(("continuous", term))
        _of_the_catalogue(term)
        smooth = term.operation in ("network", *_STRUCTURE)
        smooth = smooth or (term.operation == "apply" and bool(FUNCTIONS[term.data].derivatives))
        need(smooth, "{} may jump in time", term)
        for each in term.arguments:
            self.continuous(each)
