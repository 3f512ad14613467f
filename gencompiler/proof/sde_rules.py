"""Rules for stochastic differential equations: verified by differentiation, never by integration.

Symbols of one instance: `f` the drift, G_i = Σ noise_i², S = ∇ log p_t.  All of it is written out element by
element."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.model.nodes import REAL
from gencompiler.proof import enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.components import component, components, elementwise
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.exponentials import Exponentials, derivative, is_zero, normal, scaled, times
from gencompiler.proof.facts import Defined, Fact, InRange
from gencompiler.proof.graph import Term, literal, substitute, support_of, symbol
from gencompiler.proof.growth import stays_finite
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, ball
from gencompiler.proof.polynomials import direction_without_end, may_rise, polynomial, rises_along
from gencompiler.proof.refute_rules import Assignment, admissible, continuous
from gencompiler.proof.sde_facts import (
    Arrives,
    Diffusion,
    ItoForm,
    KeepsMeasure,
    Moments,
    NotArrives,
    NotKeepsMeasure,
    Reverses,
    SameMarginals,
)


def well_formed(diffusion: Diffusion) -> None:
    """State and time are symbols, the state any numbers, and every coefficient fits it; raises Unproved."""
    state, time = diffusion.state, diffusion.time
    need(state.operation == time.operation == "symbol" and time.shape == () and state is not time, "not symbols")
    need(support_of(state) == REAL, "{} may leave {}", state, support_of(state))
    for value in (diffusion.drift, *diffusion.noises):
        need(value.shape in ((), state.shape), "a coefficient of another shape")


def steady(*diffusions: Diffusion) -> None:
    """No coefficient jumps: what one does at a single moment, or in a single state, leaves every law as it is, so that
    a difference at a point says nothing; raises Unproved."""
    for each in diffusions:
        need(all(map(continuous, (each.drift, *each.noises))), "a coefficient that may jump")


def known(premises: tuple[Fact, ...], terms: tuple[Term, ...]) -> None:
    """Each term is a real number wherever its symbols have values."""
    found = {p.term for p in premises if isinstance(p, InRange)}
    need(all(t in found for t in terms), "a coefficient that is not known to be defined")


def coefficients(*diffusions: Diffusion) -> tuple[Term, ...]:
    """What stands at dt and at each dW."""
    return tuple(term for each in diffusions for term in (each.drift, *each.noises))


def scalar_state(diffusion: Diffusion) -> Term:
    """The symbol of any one element of the state."""
    return symbol("component", "any", diffusion.state.data[2])


@rule
def moments(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """dx = (a x + b) dt + Σ g dW with a, b, g functions of time: x(t) is Normal given x(start), and its moments solve

        m' = a m,   c' = a c + b,   v' = 2 a v + Σ g²,   m = 1, c = v = 0 at the start      (Särkkä & Solin 2019, ch. 6)

    Premises: drift, noises, m, c and v are real numbers over the whole time; being elementary they are continuous, so
    that the linear equation has one solution."""
    diffusion, start, signal, shift, variance = cast(tuple[Diffusion, Fraction, Term, Term, Term], subject)
    well_formed(diffusion)
    known(premises, (diffusion.drift, *diffusion.noises, signal, shift, variance))
    x, t = scalar_state(diffusion), diffusion.time
    a, b = affine(diffusion)
    square = ex.plus(*(ex.power(normal(elementwise(g, diffusion.state, x)), 2) for g in diffusion.noises))
    need(all(x not in s for s in _atoms(square)), "the noise depends on the state")
    m, c, v = normal(signal), normal(shift), normal(variance)
    for name, value, slope in (
        ("signal", m, times(a, m)),
        ("shift", c, ex.plus(times(a, c), b)),
        ("variance", v, ex.plus(times(scaled(a, 2), v), square)),
    ):
        residual = ex.plus(derivative(value, t), scaled(slope, -1))
        need(is_zero(residual), "the {} does not solve its equation", name)
    for name, term, first in (("signal", signal, 1), ("shift", shift, 0), ("variance", variance, 0)):
        at = normal(substitute(term, {t: literal(start)}))
        need(is_zero(ex.plus(at, ex.constant(-first))), "the {} does not start at {}", name, first)
    return Moments(diffusion, start, signal, shift, variance)


def affine(diffusion: Diffusion) -> tuple[Exponentials, Exponentials]:
    """a and b of a drift a x + b that treats every element alike; raises Unproved."""
    x = scalar_state(diffusion)
    drift = normal(elementwise(diffusion.drift, diffusion.state, x))
    a = derivative(drift, x)
    need(all(x not in s for s in _atoms(a)), "the drift is not linear in the state")
    b = ex.plus(drift, scaled(times(a, ex.atom(x)), -1))
    need(all(x not in s for s in _atoms(b)), "the drift is not linear in the state")
    return a, b


def _atoms(value: Exponentials) -> list[frozenset[Term]]:
    """The symbols of every atom of a normal form."""
    found = []
    for exponent, part in value.items():
        for monomial in (*part, *(m for m, _ in exponent)):
            found += [term.symbols for term, _ in monomial]
    return found


# -- kernels ---------------------------------------------------------------------------------------------------------


def moments_of(premises: tuple[Fact, ...], diffusion: Diffusion, start: Fraction) -> Moments:
    found = next((p for p in premises if isinstance(p, Moments)), None)
    if found is None or (found.diffusion, found.start) != (diffusion, start):
        raise Unproved("the moments of this equation are not known")
    return found


def point_of(diffusion: Diffusion, assignment: Assignment) -> dict[Term, Fraction]:
    for term, value in assignment:
        need(term.operation == "symbol" and isinstance(value, Fraction), "not a point")
        need(admissible(term.data[2], value), "not a value of {}", term)
    return {term: value for term, value in assignment if isinstance(value, Fraction)}


# -- where it arrives ------------------------------------------------------------------------------------------------


def divergence(found: Moments, end: Fraction, mean: Term, scale: Term) -> arb:
    """The largest KL(law of x(end) || Normal(mean, scale)) per dimension over laws with E x_i² <= 1.

    The divergence is convex in the law, so point masses are worst: for x(start) = ±1,

        KL = (r - 1 - log r + d²) / 2,   r = v / s²,   d = (|m| + |c - mean|) / s"""
    at = {found.diffusion.time: end}
    m, c, v = (ball(evaluate(t, at)[0]) for t in (found.signal, found.shift, found.variance))
    worst = arb(0)
    means, scales = evaluate(mean, {}), evaluate(scale, {})
    size = max(len(means), len(scales))
    for k in range(size):
        mu, s = (ball(values[k % len(values)]) for values in (means, scales))
        r = v / s**2
        d = (abs(m) + abs(c - mu)) / s
        worst += (r - 1 - r.log() + d**2) / 2
    return worst / size


@rule
def arrives(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The largest divergence, in balls, is at most the limit.  Premise: the moments."""
    goal = _goal(subject)
    if not bool(_arrival(goal, premises) <= ball(goal.limit)):
        raise Unproved("the terminal law may be far from the prior")
    return goal


@rule
def far_away(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The divergence of the point mass at 1 (or -1) exceeds the limit.  Premise: the moments."""
    goal = _goal(subject)
    if not bool(_arrival(goal, premises) > ball(goal.limit)):
        raise Unproved("the terminal law may be near the prior")
    return NotArrives(*subject)


def _goal(subject: Subject) -> Arrives:
    diffusion, start, end, mean, scale, limit = cast(
        tuple[Diffusion, Fraction, Fraction, Term, Term, Fraction], subject
    )
    return Arrives(diffusion, start, end, mean, scale, limit)


def _arrival(goal: Arrives, premises: tuple[Fact, ...]) -> arb:
    found = moments_of(premises, goal.diffusion, goal.start)
    need(goal.end > goal.start and admissible(goal.diffusion.time.data[2], goal.end), "not a time")
    try:
        with ctx.workprec(enclosure.PRECISION):
            return divergence(found, goal.end, goal.mean, goal.scale)
    except (Undecided, Undefined, ZeroDivisionError) as problem:
        raise Unproved(str(problem)) from None


# -- Fokker-Planck ---------------------------------------------------------------------------------------------------


def squares(diffusion: Diffusion) -> tuple[Exponentials, ...]:
    """G_i = Σ noise_i² for each element."""
    size = diffusion.state.shape[0] if diffusion.state.shape else 1
    found: list[Exponentials] = [{}] * size
    for noise in diffusion.noises:
        own = components(noise)
        values = own * size if len(own) == 1 else own
        found = [ex.plus(g, ex.power(normal(v), 2)) for g, v in zip(found, values, strict=True)]
    return tuple(found)


def drifts(diffusion: Diffusion) -> tuple[Exponentials, ...]:
    """f_i for each element."""
    size = diffusion.state.shape[0] if diffusion.state.shape else 1
    own = components(diffusion.drift)
    return tuple(normal(v) for v in (own * size if len(own) == 1 else own))


def places(diffusion: Diffusion) -> tuple[Term, ...]:
    """The scalar symbols of the state."""
    return components(diffusion.state)


def generator(diffusion: Diffusion, score: tuple[Exponentials, ...]) -> Exponentials:
    """(∇·(f p) - ½ Σ ∂_i² (G_i p)) / p for a density with ∇ log p = score.

    It is Σ ∂_i f_i + f_i S_i - ½ (∂_i² G_i + 2 ∂_i G_i S_i + G_i (∂_i S_i + S_i²))."""
    parts: list[Exponentials] = []
    rows = zip(places(diffusion), drifts(diffusion), squares(diffusion), score, strict=True)
    for x, f, g, s in rows:
        slope = derivative(g, x)
        bent = ex.plus(derivative(slope, x), scaled(times(slope, s), 2))
        spread = times(g, ex.plus(derivative(s, x), times(s, s)))
        parts += [derivative(f, x), times(f, s), scaled(ex.plus(bent, spread), Fraction(-1, 2))]
    return ex.plus(*parts)


@rule
def stationary_density(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The residual of the stationary Fokker-Planck equation is 0 for every state and time, and none leaves in finite
    time.

    Premises: the log density, the drift and the noises are real numbers everywhere."""
    diffusion, log_density = cast(tuple[Diffusion, Term], subject)
    well_formed(diffusion)
    known(premises, (log_density, diffusion.drift, *diffusion.noises))
    need(diffusion.time not in log_density.symbols, "a density that moves")
    score = gradient_of(diffusion, log_density)
    need(is_zero(generator(diffusion, score)), "the Fokker-Planck residual is not 0")
    state, value = places(diffusion), log_of(log_density)
    need(direction_without_end(value, state) is None and not may_rise(value, state), "the mass is not finite")
    need(not stays_up(log_density, state), "the mass is not finite")
    finite = stays_finite(diffusion.time, state, drifts(diffusion), squares(diffusion), score, value)
    need(finite, "the state may leave in finite time: neither linear, nor reversible, nor drawn back by its drift")
    return KeepsMeasure(diffusion, log_density)


def gradient_of(diffusion: Diffusion, log_density: Term) -> tuple[Exponentials, ...]:
    """∇ log p, element by element."""
    own = log_of(log_density)
    return tuple(derivative(own, x) for x in places(diffusion))


def log_of(log_density: Term) -> Exponentials:
    """The normal form of log p, a scalar that may be made of the elements of the state."""
    (value,) = components(log_density)
    return normal(value)


def stays_up(log_density: Term, state: tuple[Term, ...]) -> bool:
    """Whether log p is above some number everywhere, on a space without end."""
    (value,) = components(log_density)
    try:
        return Evaluation({}, {}).range(value).lower > -math.inf and any(support_of(x) == REAL for x in state)
    except Unproved:
        return False


@rule
def infinite_mass(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A direction along which p does not fall: exp(log p) is no law up to a constant, so that nothing keeps it.

    Either log p does not mention an element of the state, or it is bounded from below on an unbounded space, or it is a
    polynomial whose form of the highest degree is positive there, in balls at an admissible value of each
    parameter."""
    diffusion, log_density, direction, assignment = cast(tuple[Diffusion, Term, tuple[int, ...], Assignment], subject)
    well_formed(diffusion)
    state = places(diffusion)
    need(len(direction) == len(state) and any(direction), "not a direction of the state")
    if direction_without_end(log_of(log_density), state) == direction or stays_up(log_density, state):
        return NotKeepsMeasure(diffusion, log_density)
    own = polynomial(log_of(log_density), state)
    need(own is not None, "not a polynomial")
    assert own is not None
    term = ex.written(rises_along(own, direction))
    try:
        with ctx.workprec(enclosure.PRECISION):
            value = ball(evaluate(term, point_of(diffusion, assignment))[0])
            need(bool(value > 0), "the mass may be finite")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotKeepsMeasure(diffusion, log_density)


@rule
def flux_left(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A state (and a time) at which the residual of the stationary Fokker-Planck equation is not 0, in balls."""
    diffusion, log_density, assignment = cast(tuple[Diffusion, Term, Assignment], subject)
    well_formed(diffusion)
    steady(diffusion)
    need(continuous(log_density), "a density that may jump")
    residual = ex.written(generator(diffusion, gradient_of(diffusion, log_density)))
    need(nonzero(residual, point_of(diffusion, assignment)), "the residual may be 0")
    return NotKeepsMeasure(diffusion, log_density)


def nonzero(term: Term, point: dict[Term, Fraction]) -> bool:
    """Whether a scalar term is surely not 0 at a point."""
    try:
        with ctx.workprec(enclosure.PRECISION):
            value: Number = evaluate(term, point)[0]
            return not ball(value).contains(0)
    except (Undecided, Undefined):
        return False


# -- time reversal and marginals -------------------------------------------------------------------------------------


def scores(diffusion: Diffusion, score: Term | None) -> tuple[Exponentials, ...]:
    """The elements of the symbol that stands for ∇ log p_t; without one the equation mentions none, and it is 0."""
    size = len(places(diffusion))
    return tuple(ex.atom(component(score, k)) if score is not None else {} for k in range(size))


def same_frame(first: Diffusion, second: Diffusion, score: Term | None) -> None:
    """Both move one state over one time, and only the second mentions the score; raises Unproved."""
    well_formed(first)
    well_formed(second)
    need((first.state, first.time) == (second.state, second.time), "two equations of different variables")
    if score is not None:
        need(score.operation == "symbol" and score.shape == first.state.shape, "not a score")
        own = {s for t in (first.drift, *first.noises, *second.noises) for s in t.symbols}
        need(score not in own, "the score stands besides the drift")


@rule
def time_reversal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """drift f_i - ∂_i G_i - G_i S_i and the same G, with dt < 0      (Anderson 1982)

    Premises: the coefficients of both are real numbers everywhere."""
    backward, forward, score = cast(tuple[Diffusion, Diffusion, Term | None], subject)
    same_frame(forward, backward, score)
    need(len(forward.noises) == len(backward.noises), "another number of noises")
    rows = zip(places(forward), drifts(forward), squares(forward), scores(forward, score), strict=True)
    for (x, f, g, s), b, h in zip(rows, drifts(backward), squares(backward), strict=True):
        need(is_zero(ex.plus(g, scaled(h, -1))), "the noise is another")
        need(score is not None or not g, "the score is missing")
        right = ex.plus(f, scaled(derivative(g, x), -1), scaled(times(g, s), -1))
        need(is_zero(ex.plus(b, scaled(right, -1))), "the drift is another")
    need(premises == tuple(map(Defined, coefficients(backward, forward))), "a coefficient that may have no value")
    return Reverses(backward, forward, score)


@rule
def equal_marginals(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """drift f_i - ½ ∂_i (G_i - H_i) - ½ (G_i - H_i) S_i      (Song et al. 2021, eq. 13 for H = 0)

    Premises: the coefficients of both are real numbers everywhere."""
    first, second, score = cast(tuple[Diffusion, Diffusion, Term | None], subject)
    same_frame(first, second, score)
    rows = zip(places(first), drifts(first), squares(first), scores(first, score), strict=True)
    for (x, f, g, s), b, h in zip(rows, drifts(second), squares(second), strict=True):
        gap = ex.plus(g, scaled(h, -1))
        need(score is not None or is_zero(gap), "the score is missing")
        half = scaled(ex.plus(derivative(gap, x), times(gap, s)), Fraction(-1, 2))
        need(is_zero(ex.plus(b, scaled(ex.plus(f, half), -1))), "the drift is another")
    need(premises == tuple(map(Defined, coefficients(first, second))), "a coefficient that may have no value")
    return SameMarginals(first, second, score)


@rule
def ito_form(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The Itô drift is f_i + ½ Σ_k g_ki ∂_i g_ki, and the noise the same      (Kloeden & Platen 1992, eq. 4.9.11)

    Element i of a noise drives element i of the state alone, so no other derivative enters.  Premises: the coefficients
    of both are real numbers everywhere."""
    stratonovich, ito = cast(tuple[Diffusion, Diffusion], subject)
    same_frame(stratonovich, ito, None)
    need(stratonovich.noises == ito.noises, "the noise is another")
    size = len(places(ito))
    corrections: list[Exponentials] = [{}] * size
    for noise in ito.noises:
        own = components(noise)
        values = own * size if len(own) == 1 else own
        for k, (x, value) in enumerate(zip(places(ito), values, strict=True)):
            g = normal(value)
            corrections[k] = ex.plus(corrections[k], scaled(times(g, derivative(g, x)), Fraction(1, 2)))
    for f, b, correction in zip(drifts(stratonovich), drifts(ito), corrections, strict=True):
        need(is_zero(ex.plus(b, scaled(f, -1), scaled(correction, -1))), "the drift is another")
    need(premises == tuple(map(Defined, coefficients(stratonovich, ito))), "a coefficient that may have no value")
    return ItoForm(stratonovich, ito)
