"""What derivation adds to a model: plain data, each result with the expressions it consists of.

Sign convention (stated in `log_det`): a LogDet is log|d result / d input| of the map as written, as a function of the
map's input, which is known in either direction of use.
"""

from __future__ import annotations

import dataclasses

from gencompiler.model.nodes import Conditional, Conditioned, Distribution, Expr, Input, Model, Sde, Training, Type
from gencompiler.node import Node, node


@node
class Inverse(Node):
    """`input = body(output)` for the map named `map`; for a lifted map, of one element."""

    map: str
    output: Input
    body: Expr


@node
class LogDet(Node):
    """log|det| of the map named `map` in terms of its own input; for a lifted map, of one element (sum over `lift`)."""

    map: str
    body: Expr


@node
class Acceptance(Node):
    """log of the Metropolis-Hastings ratio of the only Accept step of `transition`: log[π(y) q(x|y) / (π(x) q(y|x))].

    In terms of the transition's current variables and the names drawn before the Accept."""

    transition: str
    log_ratio: Expr


@node
class Recurrence(Node):
    """A value carried from dimension to dimension: 0 before the first, plus `term` after each (a function of the
    index)."""

    name: str
    type: Type
    term: Expr


@node
class Factor(Node):
    """A conditional whose causal reductions read carried values: `distribution` refers to the recurrences by name."""

    conditional: Conditional
    distribution: Expr
    recurrences: tuple[Recurrence, ...]


@node
class InTurns(Node):
    """Factors that are evaluated slice by slice along the first axis of their variables, upwards where `rising`, in
    this order within a slice.  Those of derived quantities compute them: they are all at one value."""

    factors: tuple[Factor, ...]
    rising: bool


@node
class SdeKernel(Node):
    """Given x at the lower end of time, x(t) is Normal(signal x + shift, noise) element by element.

    `variance` is noise², `gain` the diffusion coefficient; all are expressions in the time's name."""

    sde: str
    state: Input
    time: Input
    signal: Expr
    shift: Expr
    noise: Expr
    variance: Expr
    gain: Expr


@node
class ConditionalLaw(Node):
    """The distribution that an energy gives one variable, or an element of one, given values of the others."""

    asked: Conditioned
    distribution: Expr


@node
class Annealing(Node):
    """The path `path` from `laws` at time 0, one for each of its variables, to the joint `p` at time 1, and the
    transition whose steps follow it; `backward` names the transition that runs them backwards, "" where none was
    derived.  `suffix` is what the names of its programs end in."""

    path: str
    transition: str
    time: Input
    variables: tuple[Input, ...]
    given: tuple[Input, ...]
    laws: tuple[Distribution, ...]
    backward: str
    suffix: str


@node
class Failure(Node):
    """Nothing could be derived for `subject`, and why; `span` is the smallest place to blame."""

    subject: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Derived:
    """A model with what follows from it; keys are map, transition and function names.

    `gradients`: for a function f, the gradient in its first input, in terms of its inputs; `kernels`: of the SDEs that
    have one; `sdes`: every SDE in Itô form; `written`: the trainings before kernels were put into `model`; `laws`: the
    conditionals of energies that transitions draw from; `annealings`: the paths that evaluations follow."""

    model: Model
    inverses: dict[str, Inverse]
    log_dets: dict[str, LogDet]
    acceptances: dict[str, Acceptance]
    failures: tuple[Failure, ...]
    gradients: dict[str, Expr] = dataclasses.field(default_factory=dict)
    factors: tuple[Factor, ...] = ()
    kernels: dict[str, SdeKernel] = dataclasses.field(default_factory=dict)
    sdes: dict[str, Sde] = dataclasses.field(default_factory=dict)
    written: tuple[Training, ...] = ()
    laws: tuple[ConditionalLaw, ...] = ()
    annealings: tuple[Annealing, ...] = ()
