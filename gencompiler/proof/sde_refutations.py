"""Rules that refute claims about SDEs: the Fokker-Planck residual of Gaussian data at one point, in balls.

With data Normal(μ, s²) in each dimension, p_t is Normal(M, V) with M = m μ + c and V = m² s² + v, so its score and its
time derivative are closed forms."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials, derivative, normal, scaled, times
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, literal, substitute
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.sde_facts import Diffusion, Moments, NotReverses, NotSameMarginals
from gencompiler.proof.sde_rules import generator, nonzero, places, point_of, same_frame, squares
from gencompiler.proof.terms import minus, plus
from gencompiler.proof.terms import times as product


def instance_of(found: Moments, mean: Fraction, scale: Fraction) -> tuple[Term, Term]:
    """M and V, functions of time, of data Normal(mean, scale²)."""
    middle = plus(product(found.signal, literal(mean)), found.shift)
    square = apply("multiply", found.signal, found.signal)
    return middle, plus(product(square, literal(scale * scale)), found.variance)


def with_score(diffusion: Diffusion, score: Term | None, middle: Term, variance: Term) -> Diffusion:
    """The equation with the score of Normal(M, V) put in: -(x - M) / V."""
    if score is None:
        return diffusion
    exact = apply("divide", minus(middle, diffusion.state), variance)
    drift = substitute(diffusion.drift, {score: exact})
    return Diffusion(diffusion.state, diffusion.time, drift, diffusion.noises)


def residual(found: Moments, moved: Diffusion, middle: Term, variance: Term, *, backward: bool) -> Term:
    """∂_t log p + (∇·(f p) ∓ ½ ∇·∇·(G p)) / p of p_t = Normal(M, V): 0 where `moved` carries p_t.

    Run with dt < 0 the noise enters with the other sign."""
    center, spread = normal(middle), normal(variance)
    score, moving = [], []
    inverse = ex.inverse(spread)
    for x in places(moved):
        gap = ex.plus(ex.atom(x), scaled(center, -1))
        score.append(scaled(times(gap, inverse), -1))
        moving.append(_log_slope(gap, inverse, derivative(center, moved.time), derivative(spread, moved.time)))
    flow = generator(moved, tuple(score))
    if backward:
        still = Diffusion(moved.state, moved.time, moved.drift, ())
        flow = ex.plus(scaled(generator(still, tuple(score)), 2), scaled(flow, -1))
    return ex.written(ex.plus(flow, *moving))


def _log_slope(gap: Exponentials, inverse: Exponentials, middle: Exponentials, spread: Exponentials) -> Exponentials:
    """∂_t log Normal(x; M, V) = (x - M) M' / V + ½ V' ((x - M)² / V² - 1 / V)"""
    square = times(times(gap, gap), times(inverse, inverse))
    bent = scaled(times(spread, ex.plus(square, scaled(inverse, -1))), Fraction(1, 2))
    return ex.plus(times(times(gap, middle), inverse), bent)


Instance = tuple[Fraction, Fraction, Assignment]


def _refuted(found: Fact, moved: Diffusion, score: Term | None, data: Instance, *, backward: bool) -> None:
    """Raise Unproved unless the residual of Gaussian data is surely not 0 at the point."""
    if not isinstance(found, Moments):
        raise Unproved("the moments of this equation are not known")
    mean, scale, assignment = data
    need(scale > 0, "a scale that is not positive")
    middle, variance = instance_of(found, mean, scale)
    own = with_score(moved, score, middle, variance)
    left = residual(found, own, middle, variance, backward=backward)
    need(nonzero(left, point_of(moved, assignment)), "the residual may be 0")


@rule
def not_reversed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Gaussian data whose p_t the equation, run with dt < 0, does not carry.  Premise: the moments of `forward`."""
    backward, forward, score, mean, scale, assignment = cast(
        tuple[Diffusion, Diffusion, Term | None, Fraction, Fraction, Assignment], subject
    )
    same_frame(forward, backward, score)
    (found,) = premises
    need(isinstance(found, Moments) and found.diffusion == forward, "the moments of another equation")
    _refuted(found, backward, score, (mean, scale, assignment), backward=True)
    return NotReverses(backward, forward, score)


@rule
def other_noise(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A point at which the noise differs: quadratic variation tells the paths apart."""
    backward, forward, score, assignment = cast(tuple[Diffusion, Diffusion, Term | None, Assignment], subject)
    same_frame(forward, backward, score)
    for g, h in zip(squares(forward), squares(backward), strict=True):
        if nonzero(ex.written(ex.plus(g, scaled(h, -1))), point_of(forward, assignment)):
            return NotReverses(backward, forward, score)
    raise Unproved("the noise may be the same")


@rule
def other_marginals(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Gaussian data whose p_t the second equation does not carry.  Premise: the moments of the first."""
    first, second, score, mean, scale, assignment = cast(
        tuple[Diffusion, Diffusion, Term | None, Fraction, Fraction, Assignment], subject
    )
    same_frame(first, second, score)
    (found,) = premises
    need(isinstance(found, Moments) and found.diffusion == first, "the moments of another equation")
    _refuted(found, second, score, (mean, scale, assignment), backward=False)
    return NotSameMarginals(first, second, score)
