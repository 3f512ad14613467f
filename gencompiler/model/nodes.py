"""The Model IR: resolved, typed, shape-inferred mathematics.

Everything has a concrete shape (header constants are folded in) and no batch axis.  A top-level definition is a
template: each use is an instance of its own, named by its path, with its own parameters.  Calls stay calls; they are
inlined only when lowering.

A parameter is referred to by its path.  One that belongs to a `repeat(n)` has `iterations = (n,)`: it is stored with
that leading axis, and an expression inside the loop speaks of the current iteration's slice.  One that belongs to a
scalar map lifted over a tensor has `lift = (D,)`: one value for each element.

Types and expressions are in `values`, differential equations in `sde_nodes`, stages of pipelines and transitions in
`steps`; they are re-exported here, so that a pass imports one module, `nodes`.
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model.law_nodes import *  # noqa: F403  (the one schema of the Model IR, in five files)
from gencompiler.model.law_nodes import Density
from gencompiler.model.sde_nodes import *  # noqa: F403
from gencompiler.model.sde_nodes import Input, Sde, Terminal
from gencompiler.model.solutions import *  # noqa: F403
from gencompiler.model.start_nodes import *  # noqa: F403
from gencompiler.model.start_nodes import Start
from gencompiler.model.steps import *  # noqa: F403
from gencompiler.model.steps import Option, Stage, Transition
from gencompiler.model.values import *  # noqa: F403
from gencompiler.model.values import REAL, Expr, Real, Support, Type
from gencompiler.node import Node, node

# -- parameters, networks, functions ---------------------------------------------------------------------------------


@node
class Parameter(Node):
    """A learned tensor of storage shape `iterations + lift + shape`, unconstrained; `support` is a fact about its
    value.

    `initial`: "default" (decided by rank and support), "zeros", or a constant; what data give is in `Model.starts`."""

    path: str
    support: Support
    iterations: tuple[int, ...]
    lift: tuple[int, ...]
    shape: tuple[int, ...]
    initial: str | Fraction = "default"

    @property
    def storage_shape(self) -> tuple[int, ...]:
        return self.iterations + self.lift + self.shape


#: Of a box the layer that it reads, the first offset along each axis, how many places, and how far they are apart.
BoxOf = tuple[str, tuple[int, ...], tuple[int, ...], int]


@node
class Layer(Node):
    """A layer of a stack of convolutions that the spec writes out, as `catalog.stacks` has them: "affine" in what its
    boxes hold and in the inputs `given` (their numbers among those that are no views), a "formula" of the layers that
    its `names` stand for, or what its boxes hold put "together".  `zero`: its weights begin at zero."""

    name: str
    kind: str
    size: int
    boxes: tuple[BoxOf, ...]
    given: tuple[int, ...] = ()
    formula: str = ""
    names: tuple[tuple[str, str], ...] = ()
    zero: bool = False


@node
class Network(Node):
    """One network call: `kind` is a key of `catalog.networks`; its weights are ordinary parameters below `path`.

    `inputs`, `outputs`: their sizes, 0 for a scalar; `zero_output` starts the last layer at zero, as a conditioner's.

    A network on causal views, `mlp(x[<i])`, is one network for all `places` of their axis (0: no such network): a view
    has `inputs` numbers at each place, the result for place i is block i of the output layer, and masks keep it from
    reading more than the view at i shows.  `views`: of each input "before", "until" (`x[<=i]`), or "" where it is no
    view; the masks follow from `catalog.causal`.  `lipschitz`: weights are scaled so that it bounds |output| / |input|.

    A stack of convolutions (`model.stacks`) has the places of a view in a `grid`, and numbers as `settings`, or, where
    the spec writes it out, its `layers`.
    """

    path: str
    kind: str
    hidden: tuple[int, ...]
    activation: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    iterations: tuple[int, ...]
    zero_output: bool
    output_names: tuple[str, ...] = ()
    places: int = 0
    views: tuple[str, ...] = ()
    lipschitz: Fraction | None = None
    grid: tuple[int, ...] = ()
    settings: tuple[tuple[str, int], ...] = ()
    layers: tuple[Layer, ...] = ()


@node
class Function(Node):
    """An instance of a user's `def`; `result`: the support that it declares, which is proved of its body."""

    name: str
    inputs: tuple[Input, ...]
    body: Expr
    result: Support = REAL


@node
class Map(Node):
    """An instance of a bijection: `result = body(input)`.

    A scalar map used on a tensor is lifted: `lift = (D,)`, and `input`, `result` and `body` speak of one element.
    `requires`: comparisons that the use has to fulfil; `indices`: of the repetitions around it, with their counts."""

    name: str
    definition: str
    input: Input
    result: Type
    lift: tuple[int, ...]
    body: Expr
    requires: tuple[Expr, ...] = ()
    indices: tuple[tuple[str, int], ...] = ()


@node
class Surjection(Node):
    """`quantize(K)`: y in [0, 1) goes to floor(K y); its inverse is dequantization, y = (x + u) / K with u ~
    Uniform(0, 1).  `quantize(K, u)` makes two variables of y, x = floor(K y) and `rest`, u = K y - x."""

    name: str
    levels: int
    shape: tuple[int, ...]
    rest: str = ""


# -- equations -------------------------------------------------------------------------------------------------------


#: The role of what equations compute place by place, `h[t] = …`: no variable, it can be mentioned like one.
DERIVED = "derived"


@node
class Variable(Node):
    """`role` is observed, latent or given; or DERIVED."""

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
class Deterministic(Node):
    """`target = value`: an equation between variables that is no pipeline of bijections (`x = mlp(z)`).

    Where `value` is invertible in a variable with a density (`x = f(z) + eps`), the target has one too; else it is
    implicit: it can be sampled, and has no density."""

    target: str
    value: Expr


@node
class Quantity(Node):
    """`place = value` for every value of `indices`: elements of the derived quantity `name`, an Element of it."""

    name: str
    place: Expr
    indices: tuple[Range, ...]
    value: Expr


@node
class External(Node):
    """`extern def name(inputs) -> result`: the user's own network, given when the module is constructed."""

    name: str
    inputs: tuple[Input, ...]
    result: Type


@node
class Length(Node):
    """`name : Count = longest` in a header: in each row the first axis of `variables` has as many elements as the
    variable `name` says, at most `longest`; what lies beyond is 0."""

    name: str
    longest: int
    variables: tuple[str, ...]


# -- objectives and requests -----------------------------------------------------------------------------------------


@node
class Phase(Node):
    """One optimizer step, taken `repeats` times in a row with fresh draws: `value`, a linear combination of
    Expectations, is maximised (or minimised) over `parameters`, the paths that the groups in `update` (joints,
    functions) reach.  Where there are ends, `within`, each step ends at the nearest point between them."""

    label: str
    update: tuple[str, ...]
    parameters: tuple[str, ...]
    maximize: bool
    value: Expr
    repeats: int = 1
    within: tuple[Real, Real] | None = None


@node
class Objective(Node):
    """`name` as in the spec; `phases` run in order, once for each batch."""

    name: str
    phases: tuple[Phase, ...]


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
    values: tuple[Expr, ...] = ()


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
    deterministic: tuple[Deterministic, ...]
    externals: tuple[External, ...]
    sdes: tuple[Sde, ...]
    terminals: tuple[Terminal, ...]
    transitions: tuple[Transition, ...]
    trainings: tuple[Training, ...]
    methods: tuple[Method, ...]
    claims: tuple[Claim, ...]
    assumptions: tuple[Assumption, ...]
    user_densities: tuple[Density, ...] = ()  # outside the model
    quantities: tuple[Quantity, ...] = ()
    lengths: tuple[Length, ...] = ()
    starts: tuple[Start, ...] = ()
