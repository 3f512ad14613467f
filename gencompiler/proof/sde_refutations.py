"""Rules that refute claims about SDEs: the Fokker-Planck residual of Gaussian data at one point, in balls.

With data Normal(μ, s²) in each dimension, p_t is Normal(M, V) with M = m μ + c and V = m² s² + v, so its score and its
time derivative are closed forms."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import elementwise
from gencompiler.proof.exponentials import Exponentials, derivative, normal, scaled, times
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, literal, substitute, support_of
from gencompiler.proof.growth import degree
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.sde_facts import Diffusion, Moments, NotKernelIs, NotReverses, NotSameMarginals
from gencompiler.proof.sde_rules import (
    affine,
    generator,
    known,
    nonzero,
    places,
    point_of,
    same_frame,
    scalar_state,
    squares,
    steady,
    well_formed,
)
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
    steady(found.diffusion, moved)
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
    steady(forward, backward)
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


# -- at the start, where the data is -------------------------------------------------------------------------------


def first_time(diffusion: Diffusion) -> Fraction:
    """The lower end of a closed interval of time, where the data is; raises Unproved."""
    support = support_of(diffusion.time)
    need(support.name in ("Interval", "NonNegative"), "a time without a first moment")
    return Fraction(support.arguments[0]) if support.arguments else Fraction(0)


def residual_at_start(
    first: Diffusion, second: Diffusion, score: Term | None, data: tuple[Fraction, Fraction], *, backward: bool
) -> Term:
    """How fast log p changes by the second equation, less by the first, at the first time, p = Normal(mean, scale²)."""
    mean, scale = data
    need(scale > 0, "a scale that is not positive")
    middle, variance = literal(mean), literal(scale * scale)
    own = with_score(second, score, middle, variance)
    slopes = tuple(normal(apply("divide", minus(middle, x), variance)) for x in places(first))
    flow = generator(own, slopes)
    if backward:
        still = Diffusion(own.state, own.time, own.drift, ())
        flow = ex.plus(scaled(generator(still, slopes), 2), scaled(flow, -1))
    gap = ex.written(ex.plus(generator(first, slopes), scaled(flow, -1)))
    return substitute(gap, {first.time: literal(first_time(first))})


def _other_start(subject: Subject, *, backward: bool) -> None:
    """Raise Unproved unless the two equations surely change the density of the data differently at the first time.

    For data with a smooth density d/dt E φ(x_t) at the first time is E L φ for every smooth φ of compact support, so
    that equal marginals have equal adjoints L* p there, whatever the coefficients are later on."""
    first, second, score, mean, scale, assignment = cast(
        tuple[Diffusion, Diffusion, Term | None, Fraction, Fraction, Assignment], subject
    )
    same_frame(first, second, score)
    steady(first, second)
    left = residual_at_start(first, second, score, (mean, scale), backward=backward)
    need(nonzero(left, point_of(first, assignment)), "they may change it alike")


@rule
def other_marginals_at_start(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Gaussian data whose density the second equation begins to change in another way than the first."""
    _other_start(subject, backward=False)
    first, second, score = cast(tuple[Diffusion, Diffusion, Term | None], subject[:3])
    return NotSameMarginals(first, second, score)


@rule
def not_reversed_at_start(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Gaussian data that `backward`, run with dt < 0, does not arrive at as `forward` leaves it."""
    backward, forward, *rest = subject
    _other_start((forward, backward, *rest), backward=True)
    first, second, score = cast(tuple[Diffusion, Diffusion, Term | None], (backward, forward, rest[0]))
    return NotReverses(first, second, score)


# -- kernels that solve no equation ----------------------------------------------------------------------------------


def moment(mean: Exponentials, variance: Exponentials, power: int) -> Exponentials:
    """E y^power of a Normal(mean, variance)."""
    known = [ex.constant(1), mean]
    for n in range(2, power + 1):
        known.append(ex.plus(times(mean, known[n - 1]), scaled(times(variance, known[n - 2]), n - 1)))
    return known[power]


def moment_residual(diffusion: Diffusion, mean: Term, scale: Term, power: int) -> Exponentials:
    """Of a claimed law: where coefficients move with time, m' - a m - b or v' - 2 a v - G; else that of the backward
    equation."""
    x, t = scalar_state(diffusion), diffusion.time
    if not any(t in term.symbols for term in (diffusion.drift, *diffusion.noises)):
        return _backward_residual(diffusion, mean, scale, power)
    need(power <= 2, "two moments settle a linear equation")
    a, b = affine(diffusion)
    square = ex.plus(*(ex.power(normal(elementwise(g, diffusion.state, x)), 2) for g in diffusion.noises))
    need(degree(square, frozenset((x,))) == 0, "the noise depends on the state")
    if power == 1:
        m = normal(elementwise(mean, diffusion.state, x))
        return ex.plus(derivative(m, t), scaled(ex.plus(times(a, m), b), -1))
    v = ex.power(normal(elementwise(scale, diffusion.state, x)), 2)
    return ex.plus(derivative(v, t), scaled(ex.plus(scaled(times(a, v), 2), square), -1))


def _backward_residual(diffusion: Diffusion, mean: Term, scale: Term, power: int) -> Exponentials:
    """∂_t u - f ∂_x u - ½ G ∂_x² u for u(x, t) = E y^power, y of the claimed law at t given x at the start."""
    x, t = scalar_state(diffusion), diffusion.time
    drift = normal(elementwise(diffusion.drift, diffusion.state, x))
    square = ex.plus(*(ex.power(normal(elementwise(g, diffusion.state, x)), 2) for g in diffusion.noises))
    own = frozenset((x,))
    grown = degree(drift, own), degree(square, own)
    need(grown[0] is not None and grown[0] <= 1, "a drift that grows faster than the state")
    need(grown[1] is not None and grown[1] <= 2, "noise that grows faster than the state")
    m = normal(elementwise(mean, diffusion.state, x))
    s = normal(elementwise(scale, diffusion.state, x))
    u = moment(m, times(s, s), power)
    slope = derivative(u, x)
    spread = scaled(times(square, derivative(slope, x)), Fraction(1, 2))
    return ex.plus(derivative(u, t), scaled(ex.plus(times(drift, slope), spread), -1))


@rule
def solves_no_equation(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A moment of the claimed law that does not solve its equation at some point.

    Of a linear equation mean and variance do.  With a drift of at most linear and G of at most quadratic growth,
    polynomials in x free of time, every moment of x(t) given x(0) solves the backward equation ∂_t u = f u' + ½ G u''
    (Kolmogorov; Kunita 1990, theorem 4.8.11).  Premises: the coefficients are real numbers over the whole time."""
    diffusion, start, mean, scale, power, assignment = cast(
        tuple[Diffusion, Fraction, Term, Term, int, Assignment], subject
    )
    well_formed(diffusion)
    steady(diffusion)
    need(power in (1, 2, 3, 4), "a moment that is not looked into")
    known(premises, (diffusion.drift, *diffusion.noises))
    left = ex.written(moment_residual(diffusion, mean, scale, power))
    need(nonzero(left, point_of(diffusion, assignment)), "the moment may solve its equation")
    return NotKernelIs(diffusion, start, mean, scale)
