"""Types and expressions of the Model IR: what a formula is made of."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model.kinds import *  # noqa: F403  (types are part of the schema)
from gencompiler.model.kinds import Real, Type
from gencompiler.node import Node, node

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
class Table(Expr):
    """A constant tensor: `values` are its elements, the last axis running fastest."""

    values: tuple[Real, ...]


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
class MatrixFunction(Expr):
    """A function of a matrix: transpose, diagonal (a vector); of a square one also inverse, inverse_lower,
    inverse_upper (of a triangular one) and log_abs_det (a number)."""

    function: str
    operand: Expr


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
    """`<index` in a subscript: the places strictly before `index`; with `inclusive` also `index` itself.  `after`:
    those after it, `>index`, which heads list; what an equation computes of them is a derived quantity."""

    index: Expr
    inclusive: bool = False
    after: bool = False


@node
class Scan(Expr):
    """The number of a place of several axes in row-major order: `(i, j)` of the extents N, M is i * M + j."""

    indices: tuple[Expr, ...]
    extents: tuple[int, ...]


@node
class Flat(Expr):
    """`base` with its axes from `start` on as one, row-major: what a scan order over several axes runs along."""

    base: Expr
    start: int


@node
class Element(Expr):
    """`base[subscripts]`; a scalar subscript removes its axis, Whole and Before keep it (Before as a causal view)."""

    base: Expr
    subscripts: tuple[Expr, ...]


@node
class Scatter(Expr):
    """A vector with a place for each of an order's: at places `order[k]` for k in the view `before`, the elements of
    `base` there (1 where it is None), and 0 at all others."""

    base: Expr | None
    order: Expr
    before: Before


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
class Recur(Expr):
    """The vector whose entry `index` is `body`, in which `name` is the vector itself, read only before `index`."""

    index: str
    extent: int
    name: str
    body: Expr


@node
class Cumulative(Expr):
    """`cumsum(operand)`: the running sums of a vector."""

    operand: Expr


@node
class Bin(Expr):
    """`bin(value, knots)`: the number of the interval between increasing knots that a number lies in.

    Below the first knot it is 0, above the last the number of the last interval."""

    value: Expr
    knots: Expr


@node
class FixedPoint(Expr):
    """The vector that `body`, a contraction of `name`, leaves as it is: its limit, reached after `steps` steps."""

    name: str
    steps: int
    body: Expr


@node
class JacobianLogDet(Expr):
    """log|det d body / d name| at name = `at`, of a Jacobian that is the identity and what has a norm of at most
    `slope`, less than 1; None where that is not known."""

    name: str
    body: Expr
    at: Expr
    slope: Fraction | None


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
    """`log joint(targets | given)`: which variables, each at what value.

    `joint` names a joint (`p`, `q`, …), or an SDE or a transition as the conditional distribution that it is (its
    kernel).  `stopped`: the parameters are constants here (`stop(q)`), the values are not."""

    joint: str
    targets: tuple[Binding, ...]
    given: tuple[Binding, ...]
    stopped: bool = False


@node
class DensityGradient(Expr):
    """`grad(log joint)(x | given)`: the gradient of a log density in its first target, a tensor of that shape."""

    density: LogDensity


@node
class EachValue(Expr):
    """The array `[count]` of `body` for every value of the finite variables, which it mentions by name (`for z: …`).

    The last variable's last element runs fastest."""

    variables: tuple[str, ...]
    count: int
    body: Expr


@node
class ExternalOutput(Expr):
    """The user's own network (`extern def`), by its name in `Model.externals`, applied to `arguments`."""

    external: str
    arguments: tuple[Expr, ...]


@node
class Coefficient(Expr):
    """`signal(sde, t)`, `noise(sde, t)` or `gain(sde, t)`: x(t) given x(0) is Normal(signal x(0), noise), and gain is
    the diffusion coefficient."""

    quantity: str
    sde: str
    time: Expr


# -- expectations ----------------------------------------------------------------------------------------------------


@node
class Source(Node):
    """What a draw of an expectation comes from."""


@node
class Data(Source):
    """`x ~ data`: the observed and given variables of one row."""


@node
class JointSource(Source):
    """`joint(variables | given)`; `joint` as in LogDensity.  `stopped`: no gradient reaches its parameters.

    `power`: a transition, so many times.  `chains`: where it is not 0, it starts where the draw of the training step
    before ended: so many chains are kept (`persistent(T, chains = 100)`)."""

    joint: str
    given: tuple[Binding, ...]
    stopped: bool = False
    power: int = 1
    chains: int = 0


@node
class DistributionSource(Source):
    """A distribution of its own: `u ~ Uniform(0, 1)`."""

    distribution: Expr


@node
class Drawn(Node):
    """One draw: `variables` of the model, each known as the local name at its place in `names` (`y ~ p(x)` draws x as
    y); `variables` is empty for a distribution of its own.

    `particles = (k, K)`: K independent draws given everything drawn before, and each name is an array of K."""

    variables: tuple[str, ...]
    names: tuple[str, ...]
    source: Source
    particles: tuple[str, int] | None = None


@node
class Expectation(Expr):
    """`E[draws] body`, one draw for each row; a scalar.  Each draw sees those before it."""

    draws: tuple[Drawn, ...]
    body: Expr
