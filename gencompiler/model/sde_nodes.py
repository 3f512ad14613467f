"""Stochastic differential equations in the Model IR, and the inputs of definitions."""

from __future__ import annotations

from gencompiler.model.values import Expr, Real, Type
from gencompiler.node import Node, node


@node
class Input(Node):
    """A named, typed input of a definition."""

    name: str
    type: Type


@node
class Noise(Node):
    """`coefficient * d name`: element i of the noise drives element i of a state alone."""

    name: str
    coefficient: Expr


@node
class Moved(Node):
    """`d state = drift dt + sum of noises`"""

    state: Input
    drift: Expr
    noises: tuple[Noise, ...]


@node
class Sde(Node):
    """Equations that move one variable each, by Brownian motions of their own; Itô, or Stratonovich where
    `stratonovich`; data is at the lower end of `time`."""

    name: str
    equations: tuple[Moved, ...]
    time: Input
    stratonovich: bool = False

    @property
    def states(self) -> tuple[Input, ...]:
        """What moves, in the order of the head."""
        return tuple(e.state for e in self.equations)

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The noises of all equations."""
        return tuple(n for e in self.equations for n in e.noises)

    @property
    def alone(self) -> Moved:
        """The only equation; of several variables there is none."""
        (only,) = self.equations
        return only

    @property
    def state(self) -> Input:
        """What the only equation moves."""
        return self.alone.state

    @property
    def drift(self) -> Expr:
        """The drift of the only equation."""
        return self.alone.drift


@node
class Terminal(Node):
    """`p(x(time)) = distribution`: what the variable is meant to be at the end of the time of the SDE that moves
    it."""

    joint: str
    variable: str
    time: Real
    distribution: Expr
