"""The Model IR: resolved, typed, shape-inferred mathematics.

Everything has a concrete shape (header constants are folded in) and no batch axis.  A top-level definition is a
template: each use is an instance of its own, named by its path, with its own parameters.  Calls stay calls; they are
inlined only when lowering.

A parameter is referred to by its path.  One that belongs to a `repeat(n)` has `iterations = (n,)`: it is stored with
that leading axis, and an expression inside the loop speaks of the current iteration's slice.  One that belongs to a
scalar map lifted over a tensor has `lift = (D,)`: one value for each element.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from gencompiler.node import Node, node

#: An exact number; the infinities are floats, everything else is a Fraction.
Real = Fraction | float
INFINITY = math.inf


# -- types -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Support:
    """A set of values, e.g. `Support("Integer", (Fraction(0), Fraction(17)))`; `catalog.supports` has its facts."""

    name: str
    arguments: tuple[Real, ...] = ()

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        separator = ".." if self.name == "Integer" else ", "
        return f"{self.name}({separator.join(format_real(a) for a in self.arguments)})"


@dataclasses.dataclass(frozen=True)
class Type:
    """A support and a shape; `()` is a scalar."""

    support: Support
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.support}[{', '.join(map(str, self.shape))}]" if self.shape else str(self.support)


def format_real(value: Real) -> str:
    """`3`, `1/2`, `inf`"""
    return str(value)


REAL = Support("Real")
BINARY = Support("Binary")
BOOLEAN = Support("Boolean")


# -- expressions -----------------------------------------------------------------------------------------------------


@node
class Expr(Node):
    """An expression; `type` is its inferred type."""

    type: Type


@node
class Literal(Expr):
    """An exact number."""

    value: Real


@node
class Constant(Expr):
    """A named real: "pi" or "e"."""

    name: str


@node
class Reference(Expr):
    """A variable of the model, an input of a definition, a `where` name, a draw or an index."""

    name: str


@node
class ParameterReference(Expr):
    """The current iteration's slice of a parameter (see the module's docstring for `iterations` and `lift`)."""

    path: str


@node
class Apply(Expr):
    """A function of `catalog.functions`, elementwise; scalars meet tensors, equal shapes meet."""

    function: str
    arguments: tuple[Expr, ...]


@node
class Choose(Expr):
    """Elementwise `if condition then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Contract(Expr):
    """`left @ right`: the last axis of one with the first axis of the other."""

    left: Expr
    right: Expr


@node
class Reduce(Expr):
    """A reduction over all axes: sum, prod, mean, min, max, norm, logsumexp, logmeanexp."""

    operation: str
    operand: Expr


@node
class Whole(Expr):
    """`:` in a subscript."""


@node
class Before(Expr):
    """`<index` in a subscript: the places strictly before `index`; with `inclusive` also `index` itself."""

    index: Expr
    inclusive: bool = False


@node
class Element(Expr):
    """`base[subscripts]`; a scalar subscript removes its axis, Whole and Before keep it (Before as a causal view)."""

    base: Expr
    subscripts: tuple[Expr, ...]


@node
class Slice(Expr):
    """Places `start..stop` of the first axis, constant."""

    base: Expr
    start: int
    stop: int


@node
class Join(Expr):
    """Parts put side by side along the first axis."""

    parts: tuple[Expr, ...]


@node
class Permute(Expr):
    """`result[j] = base[order[j]]` along the first axis."""

    base: Expr
    order: tuple[int, ...]


@node
class Each(Expr):
    """The array of `body` for `index` in 0..`extent`, its axis first."""

    index: str
    extent: int
    body: Expr


@node
class Binding(Node):
    name: str
    value: Expr


@node
class Let(Expr):
    """`body where { bindings }`, each binding seeing those before it."""

    bindings: tuple[Binding, ...]
    body: Expr


@node
class Call(Expr):
    """A call of a user's `def`, by the name of its instance in `Model.functions`."""

    function: str
    arguments: tuple[Expr, ...]


@node
class Gradient(Expr):
    """`grad(f)(arguments)`: the gradient of a scalar function in its first argument."""

    function: str
    arguments: tuple[Expr, ...]


@node
class NetworkOutput(Expr):
    """Output number `output` of the network at `path` (`Model.networks`) applied to `inputs`."""

    path: str
    output: int
    inputs: tuple[Expr, ...]


@node
class Distribution(Expr):
    """A distribution of `catalog.distributions` or a user's density (`density:NAME`), by its parameters in order.

    `type` is the type of one event.  `form` picks the parameterisation (Bernoulli by `logits` or by `probability`)."""

    family: str
    form: str
    arguments: tuple[Expr, ...]


@node
class LogDensity(Expr):
    """`log joint(targets | given)`; with no targets beyond the observed variables this is the model's log p(x)."""

    joint: str
    targets: tuple[Expr, ...]
    given: tuple[Expr, ...]


# -- parameters, networks, functions ---------------------------------------------------------------------------------


@node
class Parameter(Node):
    """A learned tensor of storage shape `iterations + lift + shape`, unconstrained; `support` is a fact about its
    value.

    `initial`: "default" (decided by rank and support), "zeros", or a constant."""

    path: str
    support: Support
    iterations: tuple[int, ...]
    lift: tuple[int, ...]
    shape: tuple[int, ...]
    initial: str | Fraction = "default"

    @property
    def storage_shape(self) -> tuple[int, ...]:
        return self.iterations + self.lift + self.shape


@node
class Network(Node):
    """One network call: `kind` is a key of `catalog.networks`; its weights are ordinary parameters below `path`.

    `inputs` and `outputs` are the sizes of its inputs and outputs, 0 for a scalar; `zero_output` starts the last
    layer at zero (the conditioner of a bijection begins as the identity)."""

    path: str
    kind: str
    hidden: tuple[int, ...]
    activation: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    iterations: tuple[int, ...]
    zero_output: bool
    output_names: tuple[str, ...] = ()


@node
class Input(Node):
    """A named, typed input of a definition."""

    name: str
    type: Type


@node
class Function(Node):
    """An instance of a user's `def`."""

    name: str
    inputs: tuple[Input, ...]
    body: Expr


@node
class Density(Node):
    """An instance of a user's `density`: `value` is p(x | conditions), or its unnormalised form under `∝`."""

    name: str
    variables: tuple[Input, ...]
    conditions: tuple[Input, ...]
    normalized: bool
    value: Expr


@node
class Map(Node):
    """An instance of a bijection: `result = body(input)`.

    A scalar map used on a tensor is lifted: `lift = (D,)`, and `input`, `result` and `body` speak of one element.
    `arguments` binds the conditions that the use supplied; learned ones are ParameterReferences in the body."""

    name: str
    definition: str
    input: Input
    result: Type
    lift: tuple[int, ...]
    body: Expr


@node
class Surjection(Node):
    """`quantize(K)`: y in [0, 1) goes to floor(K y); its inverse is dequantization, y = (x + u) / K with u ~
    Uniform(0, 1)."""

    name: str
    levels: int
    shape: tuple[int, ...]


# -- equations -------------------------------------------------------------------------------------------------------


@node
class Stage(Node):
    """One stage of a pipeline."""


@node
class UseMap(Stage):
    map: str


@node
class UseSurjection(Stage):
    surjection: str


@node
class Repeat(Stage):
    """`count` iterations of `stages`, each with its own slice of the stacked parameters."""

    count: int
    stages: tuple[Stage, ...]


@node
class Variable(Node):
    """`role` is observed, latent or given."""

    name: str
    role: str
    type: Type


@node
class Range(Node):
    """`index` runs over start..stop, constant."""

    index: str
    start: int
    stop: int


@node
class Conditional(Node):
    """`joint(targets | given) = distribution` for every value of `indices`.

    A target or a given is a Reference (the whole variable) or an Element of one."""

    joint: str
    targets: tuple[Expr, ...]
    given: tuple[Expr, ...]
    indices: tuple[Range, ...]
    distribution: Expr


@node
class Energy(Node):
    """`joint(variables | given) ∝ value`"""

    joint: str
    variables: tuple[str, ...]
    given: tuple[str, ...]
    value: Expr


@node
class Link(Node):
    """`target = source |> stages`: a deterministic equation between variables."""

    target: str
    source: Expr
    stages: tuple[Stage, ...]


@node
class Step(Node):
    """One statement of a transition."""


@node
class Draw(Step):
    """`name ~ distribution`"""

    name: str
    distribution: Expr


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
class Transition(Node):
    """A transition operator: `next` are the primed variables, `current` what they are conditioned on, in head order."""

    name: str
    next: tuple[str, ...]
    current: tuple[Input, ...]
    steps: tuple[Step, ...]


# -- objectives and requests -----------------------------------------------------------------------------------------


@node
class DataDraw(Node):
    """`x ~ data`: all observed and given variables of one row."""


@node
class Phase(Node):
    """One optimizer step: `update` groups by joint or function name, and E[draws] body to be maximised (or
    minimised)."""

    label: str
    update: tuple[str, ...]
    maximize: bool
    draws: tuple[DataDraw, ...]
    value: Expr


@node
class Objective(Node):
    name: str
    phases: tuple[Phase, ...]


@node
class Option(Node):
    """`name = value`; a value is a number, a word, or a call `word(options)`."""

    name: str
    value: Real | str
    options: tuple[Option, ...] = ()


@node
class Training(Node):
    objective: Objective
    options: tuple[Option, ...]


@node
class Method(Node):
    """`sample` or `evaluate` with a method and its arguments."""

    verb: str
    name: str
    arguments: tuple[Option, ...]


@node
class Fact(Node):
    """`stationary(T, p)` and the like: a predicate over names and expressions."""

    predicate: str
    arguments: tuple[str, ...]


@node
class Claim(Node):
    fact: Fact


@node
class Assumption(Node):
    fact: Fact
    reason: str


@node
class Model(Node):
    """One resolved model."""

    name: str
    doc: str
    constants: tuple[tuple[str, Real], ...]
    variables: tuple[Variable, ...]
    parameters: tuple[Parameter, ...]
    networks: tuple[Network, ...]
    functions: tuple[Function, ...]
    densities: tuple[Density, ...]
    maps: tuple[Map, ...]
    surjections: tuple[Surjection, ...]
    conditionals: tuple[Conditional, ...]
    energies: tuple[Energy, ...]
    links: tuple[Link, ...]
    transitions: tuple[Transition, ...]
    trainings: tuple[Training, ...]
    methods: tuple[Method, ...]
    claims: tuple[Claim, ...]
    assumptions: tuple[Assumption, ...]
