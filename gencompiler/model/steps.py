"""Stages of pipelines, laws by the names of joints, and transitions with the steps they take."""

from __future__ import annotations

from gencompiler.model.sde_nodes import Input
from gencompiler.model.values import Binding, Distribution, Expr, Real
from gencompiler.node import Node, node


@node
class Stage(Node):
    """One stage of a pipeline."""


@node
class UseMap(Stage):
    map: str


@node
class UseInverse(UseMap):
    """A map used backwards, `inverse(F)`."""


@node
class UseSurjection(Stage):
    surjection: str


@node
class Option(Node):
    """`name = value`; a value is a number, a word, or a call `word(options)`."""

    name: str
    value: Real | str
    options: tuple[Option, ...] = ()


@node
class UseOde(Stage):
    """`ode(v)`: where d state = v(state, t) dt arrives at t = 1; `function` is v, of Model.functions."""

    function: str
    shape: tuple[int, ...]
    options: tuple[Option, ...] = ()


@node
class UseMany(Stage):
    """A bijection of several variables in a transition: each of its results is a function of all of them, and of the
    values `given` to its conditions."""

    definition: str
    functions: tuple[str, ...]
    given: tuple[Binding, ...] = ()


@node
class Rearrange(Stage):
    """`squeeze`, `unsqueeze`: a tensor of the shape `before` with its elements, in row-major order, in other places of
    one of the shape `after`: `result[j] = value[order[j]]`."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    order: tuple[int, ...]


@node
class Part(Node):
    """So many places of the first axis, and the stages that they go through, if any."""

    count: int
    stages: tuple[Stage, ...]


@node
class Parts(Stage):
    """`join(a |> …, b) where { a, b = split(u) }`: a tensor is cut along its first axis, and each part passes through
    stages of its own."""

    parts: tuple[Part, ...]


@node
class Repeat(Stage):
    """`count` iterations of `stages`, each with its own slice of the stacked parameters; `index` is its number."""

    count: int
    stages: tuple[Stage, ...]
    index: str = ""


@node
class Pushed(Expr):
    """`base |> stages`: the distribution of what the maps make of an event of `base`.  `type` is that of one event."""

    base: Expr
    stages: tuple[Stage, ...]


# -- laws that are asked for by the name of a joint --------------------------------------------------------------------


@node
class FreeEnergy(Expr):
    """`energy(p)(x)`: -log of the unnormalized density of `targets`, the other variables summed or integrated out."""

    joint: str
    targets: tuple[Binding, ...]
    stopped: bool = False


@node
class LogLaw(Expr):
    """`log Normal(x | m, s)`: the logarithm of a catalogue density at a value."""

    distribution: Distribution
    event: Expr


@node
class Conditioned(Expr):
    """The law that a joint or a density gives `target`, a variable or an element of one, given values of others.

    An element is given the rest of its variable (`p(x[i] | x[!=i])`), whose value is among `given`."""

    joint: str
    target: Expr
    given: tuple[Binding, ...]


# -- transitions -----------------------------------------------------------------------------------------------------


@node
class Step(Node):
    """One statement of a transition."""


@node
class Draw(Step):
    """`name ~ distribution`; with a `place`, what is drawn replaces that element of the value called `base`."""

    name: str
    distribution: Expr
    base: str = ""
    place: tuple[Expr, ...] = ()


@node
class Assign(Step):
    """`name = value`"""

    name: str
    value: Expr


@node
class Accept(Step):
    """`names' = metropolis(proposals, target)` (probability None: derived), or `accept(proposals, probability)`."""

    names: tuple[str, ...]
    proposals: tuple[Expr, ...]
    probability: Expr | None
    target: str


@node
class Through(Step):
    """`names = (sources) |> stages`: bijections of several variables at once."""

    names: tuple[str, ...]
    sources: tuple[Expr, ...]
    stages: tuple[Stage, ...]


@node
class Orbit(Step):
    """`names' = orbit(F, R, while = reach, doublings = n)`: a state of the orbit …, F⁻¹(s), s, F(s), … of where the
    chain is, among at most 2^n of them, where R F R = F⁻¹; doubling goes on while `reach` is positive.

    `reach` is of two states, whose variables it calls by the names of `ends`, those of the earlier one first;
    `sources` are what the chain is at."""

    names: tuple[str, ...]
    sources: tuple[Expr, ...]
    forward: tuple[Stage, ...]
    turn: tuple[Stage, ...]
    ends: tuple[str, ...]
    reach: Expr
    doublings: int
    target: str


@node
class Use(Step):
    """Another transition, from where the chain is, with values for its conditions."""

    transition: str
    given: tuple[Binding, ...]


@node
class Series(Step):
    """One step after another: `a |> b`"""

    steps: tuple[Step, ...]


@node
class Iterate(Step):
    """`count` times `step`, which may mention `index` (empty where it has none): `T^k`, `repeat(i in D) { … }`"""

    index: str
    count: int
    step: Step


@node
class Mix(Step):
    """One of `branches`, picked with probability `weights`: `mixture([0.3, 0.7], a, b)`"""

    weights: tuple[Expr, ...]
    branches: tuple[Step, ...]


@node
class Transition(Node):
    """A transition operator: `next` are the primed variables, `current` the variables they are conditioned on, in head
    order; `conditions` are inputs of its own (a temperature, a site)."""

    name: str
    next: tuple[str, ...]
    current: tuple[Input, ...]
    steps: tuple[Step, ...]
    conditions: tuple[Input, ...] = ()
