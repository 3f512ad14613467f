"""What proofs say about stochastic differential equations."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """d state = drift dt + Σ noise dW, Itô, each noise a number or one for each element of `state`.

    Every noise has a Brownian motion of its own for each element."""

    state: Term
    time: Term
    drift: Term
    noises: tuple[Term, ...]


@dataclasses.dataclass(frozen=True)
class Moments(Fact):
    """Given x(start), each element of x(t) is Normal with mean `signal` x(start) + `shift` and this variance.

    The three are functions of time alone."""

    diffusion: Diffusion
    start: Fraction
    signal: Term
    shift: Term
    variance: Term


@dataclasses.dataclass(frozen=True)
class KernelIs(Fact):
    """Given x(start) = `diffusion.state`, x(t) is Normal(mean, scale)."""

    diffusion: Diffusion
    start: Fraction
    mean: Term
    scale: Term


@dataclasses.dataclass(frozen=True)
class NotKernelIs(Fact):
    """The law of x(t) given x(start) is another."""

    diffusion: Diffusion
    start: Fraction
    mean: Term
    scale: Term


@dataclasses.dataclass(frozen=True)
class Arrives(Fact):
    """For every law of x(start) with E x_i^2 <= 1, KL(law of x(end) || Normal(mean, scale)) <= `limit` per
    dimension."""

    diffusion: Diffusion
    start: Fraction
    end: Fraction
    mean: Term
    scale: Term
    limit: Fraction


@dataclasses.dataclass(frozen=True)
class NotArrives(Fact):
    """For some law of x(start) with E x_i^2 <= 1 the divergence is larger."""

    diffusion: Diffusion
    start: Fraction
    end: Fraction
    mean: Term
    scale: Term
    limit: Fraction


@dataclasses.dataclass(frozen=True)
class Reverses(Fact):
    """Whatever the data: with `score` = ∇ log p_t of `forward`, `backward` run with dt < 0 has the path law of
    `forward`."""

    backward: Diffusion
    forward: Diffusion
    score: Term | None


@dataclasses.dataclass(frozen=True)
class NotReverses(Fact):
    """For some data law the paths have different laws."""

    backward: Diffusion
    forward: Diffusion
    score: Term | None


@dataclasses.dataclass(frozen=True)
class SameMarginals(Fact):
    """Whatever the data: started from one law, with `score` = ∇ log p_t of `first`, both have the law p_t at every
    t."""

    first: Diffusion
    second: Diffusion
    score: Term | None


@dataclasses.dataclass(frozen=True)
class NotSameMarginals(Fact):
    """For some data law the second does not have the marginals of the first."""

    first: Diffusion
    second: Diffusion
    score: Term | None


@dataclasses.dataclass(frozen=True)
class KeepsMeasure(Fact):
    """The diffusion leaves the law with a density proportional to exp(log_density), where that is finite, invariant: it
    solves the stationary Fokker-Planck equation, and the state stays finite."""

    diffusion: Diffusion
    log_density: Term


@dataclasses.dataclass(frozen=True)
class NotKeepsMeasure(Fact):
    """It does not, or there is no such law."""

    diffusion: Diffusion
    log_density: Term


@dataclasses.dataclass(frozen=True)
class Balances(Fact):
    """Started in that law, the diffusion is reversible: (x(s), x(t)) and (x(t), x(s)) have one law."""

    diffusion: Diffusion
    log_density: Term


@dataclasses.dataclass(frozen=True)
class NotBalances(Fact):
    """They have different laws for some s and t, or there is no such law."""

    diffusion: Diffusion
    log_density: Term


@dataclasses.dataclass(frozen=True)
class ItoForm(Fact):
    """The Stratonovich equation with the coefficients of `stratonovich` is the Itô equation `ito`."""

    stratonovich: Diffusion
    ito: Diffusion
