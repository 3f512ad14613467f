"""Rules for the detailed balance of diffusions: no current flows.

A diffusion keeps p by bringing to every place as much as it takes away. It is reversible where nothing flows at all:

    J_i = f_i p - ½ ∂_i (G_i p) = 0 for every i     (Pavliotis, Stochastic Processes and Applications, 2014, § 4.6)

Then, and only then, its generator is symmetric in L²(p). Underdamped Langevin dynamics keeps its law and is not
reversible: its current is what moves (x, v) around."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials, derivative, is_zero, scaled, times
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.refute_rules import Assignment, continuous
from gencompiler.proof.sde_facts import Balances, Diffusion, KeepsMeasure, NotBalances, NotKeepsMeasure
from gencompiler.proof.sde_rules import drifts, gradient_of, nonzero, places, point_of, squares, steady, well_formed


def currents(diffusion: Diffusion, log_density: Term) -> tuple[Exponentials, ...]:
    """J_i / p = f_i - ½ (∂_i G_i + G_i ∂_i log p), for each element of the state."""
    score = gradient_of(diffusion, log_density)
    rows = zip(places(diffusion), drifts(diffusion), squares(diffusion), score, strict=True)
    half = Fraction(-1, 2)
    return tuple(ex.plus(f, scaled(ex.plus(derivative(g, x), times(g, s)), half)) for x, f, g, s in rows)


@rule
def no_current(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """It keeps the density, its coefficients do not change with time, and the current is 0 for every state.

    Coefficients that change would make a product of symmetric generators, which need not be symmetric."""
    diffusion, log_density = cast(tuple[Diffusion, Term], subject)
    need(KeepsMeasure(diffusion, log_density) in premises, "not known to keep the density")
    moving = {s for t in (diffusion.drift, *diffusion.noises) for s in t.symbols}
    need(diffusion.time not in moving, "a coefficient that changes with time")
    need(all(map(is_zero, currents(diffusion, log_density))), "a current flows")
    return Balances(diffusion, log_density)


@rule
def current_left(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A state (and a time) at which an element of the current is not 0, in balls.

    Around it there are smooth f and h with ∫ f² J · ∇h ≠ 0, which is how far the generator is from symmetric."""
    diffusion, log_density, place, assignment = cast(tuple[Diffusion, Term, int, Assignment], subject)
    well_formed(diffusion)
    steady(diffusion)
    need(continuous(log_density), "a density that may jump")
    found = currents(diffusion, log_density)
    need(isinstance(place, int) and 0 <= place < len(found), "not an element of the state")
    need(nonzero(ex.written(found[place]), point_of(diffusion, assignment)), "the current may be 0")
    return NotBalances(diffusion, log_density)


@rule
def not_even_kept(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What is not kept is not balanced.  Premise: it is not kept."""
    diffusion, log_density = cast(tuple[Diffusion, Term], subject)
    if NotKeepsMeasure(diffusion, log_density) not in premises:
        raise Unproved("it may be kept")
    return NotBalances(diffusion, log_density)
