"""What can be concluded of an inverse of a Bayesian network."""

from __future__ import annotations

import dataclasses

from gencompiler.proof.facts import Fact
from gencompiler.proof.separation import Variables
from gencompiler.proof.structure import Production

Names = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Faithful(Fact):
    """The equations of `inverse` can state the law of the variables that they produce given `observed`, whatever the
    conditionals of `joint` are: they ask for no independence that its graph does not give."""

    inverse: str
    joint: str
    variables: Variables
    observed: Names
    recognition: tuple[Production, ...]
    generation: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class Unfaithful(Fact):
    """The equations of `inverse` ask for an independence that `joint` does not have."""

    inverse: str
    joint: str
    variables: Variables
    observed: Names
    recognition: tuple[Production, ...]
    generation: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class Minimal(Fact):
    """No element of `inverse` depends on another that could be left out without asking for an independence that the
    graph of `joint` does not give."""

    inverse: str
    joint: str
    variables: Variables
    observed: Names
    recognition: tuple[Production, ...]
    generation: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class NotMinimal(Fact):
    """An element of `inverse` depends on another that could be left out: the independence that it then asks for is one
    that the graph of `joint` gives."""

    inverse: str
    joint: str
    variables: Variables
    observed: Names
    recognition: tuple[Production, ...]
    generation: tuple[Production, ...]
