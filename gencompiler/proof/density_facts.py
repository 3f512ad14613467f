"""What a proof can conclude about densities and mass functions."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term


@dataclasses.dataclass(frozen=True)
class HasMass(Fact):
    """`body` has the integral (over discrete variables, the sum) 1 over the supports of `variables`, up to `error`.

    That holds for all values of its other symbols.  It says nothing about the sign of `body`."""

    variables: tuple[Term, ...]
    body: Term
    error: Fraction = Fraction(0)


@dataclasses.dataclass(frozen=True)
class IsCdf(Fact):
    """`cdf` increases from 0 to 1 over the support of `variable`, and its derivative in it is `body`."""

    variable: Term
    body: Term
    cdf: Term


@dataclasses.dataclass(frozen=True)
class NotCdf(Fact):
    """At some point, the derivative of `cdf` is not `body`, or `cdf` is not between 0 and 1."""

    variable: Term
    body: Term
    cdf: Term


@dataclasses.dataclass(frozen=True)
class NotMass(Fact):
    """For some admissible values of the other symbols, `body`, which is nowhere negative, has no integral, or another
    one than 1."""

    variables: tuple[Term, ...]
    body: Term
