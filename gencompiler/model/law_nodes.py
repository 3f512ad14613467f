"""Laws of the Model IR that are no row of the catalogue: users' densities, and mixtures of other distributions."""

from __future__ import annotations

from gencompiler.model.sde_nodes import Input
from gencompiler.model.values import Distribution, Expr
from gencompiler.node import Node, node


@node
class Density(Node):
    """An instance of a user's `density`: `value` is p(x | conditions), or its unnormalised form under `∝`.

    `function` is that of its logarithm, of the variables and then the conditions, for a density inside a model.  The
    inputs and local names of one that stands outside begin with its own name; `cdf`: the distribution function that the
    model claims for it.  Of one whose support has parameters for ends, all of these are of a standard variable, which
    `place` takes to the event; `width`: how far apart two such ends are (`model.moving_supports`)."""

    name: str
    variables: tuple[Input, ...]
    conditions: tuple[Input, ...]
    normalized: bool
    value: Expr
    function: str = ""
    cdf: Expr | None = None
    place: Expr | None = None
    width: Expr | None = None


@node
class MixtureDistribution(Distribution):
    """Of `extent` components, `component` for `index`, each on the whole event; `arguments` are the weights: `logits`,
    or numbers of sum 1, as `form` says."""

    index: str
    extent: int
    component: Expr


#: Before the name of a user's density, where a family of the catalogue is named.
USER = "density:"


@node
class UserDistribution(Distribution):
    """A user's density with its conditions; `value` is its formula, elementwise where the density is of one number and
    the event is a tensor.

    `sampler`, where one was derived, is an event of the density in terms of its conditions and of a standard draw,
    `draw`, "uniform" or "normal"."""

    density: Density
    value: Expr
    draw: str = ""
    sampler: Expr | None = None
