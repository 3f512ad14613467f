"""Rules for kernels of SDEs that are claimed: the derived moments, or others."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from flint import ctx

from gencompiler.proof import enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import elementwise
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import Term, apply
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Undecided, ball
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.sde_facts import Diffusion, KernelIs, NotKernelIs
from gencompiler.proof.sde_rules import known, moments_of, point_of, scalar_state
from gencompiler.proof.terms import minus, plus
from gencompiler.proof.terms import times as product


@rule
def transition_kernel(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A Normal with the mean and the variance of the solution.  Premises: its moments; its mean is a real
    number, its scale not negative."""
    diffusion, start, mean, scale = cast(tuple[Diffusion, Fraction, Term, Term], subject)
    found = moments_of(premises, diffusion, start)
    fine = [p for p in premises if isinstance(p, InRange) and p.term is scale and p.interval.within(NON_NEGATIVE)]
    need(bool(fine), "the scale may be negative")
    known(premises, (mean,))
    x = scalar_state(diffusion)
    own = plus(product(found.signal, x), found.shift)
    need(ex.same(elementwise(mean, diffusion.state, x), own), "the mean is another")
    square = apply("multiply", scale, scale)
    need(ex.same(elementwise(square, diffusion.state, x), found.variance), "the variance is another")
    return KernelIs(diffusion, start, mean, scale)


@rule
def another_kernel(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A state and a time at which the mean or the variance differs.  Premise: the moments."""
    diffusion, start, mean, scale, assignment = cast(tuple[Diffusion, Fraction, Term, Term, Assignment], subject)
    found = moments_of(premises, diffusion, start)
    point = point_of(diffusion, assignment)
    own = plus(product(found.signal, diffusion.state), found.shift)
    for claimed, right in ((mean, own), (apply("multiply", scale, scale), found.variance)):
        if _differ(claimed, right, point):
            return NotKernelIs(diffusion, start, mean, scale)
    raise Unproved("the kernel may be this one")


def _differ(left: Term, right: Term, point: dict[Term, Fraction]) -> bool:
    try:
        with ctx.workprec(enclosure.PRECISION):
            gap = evaluate(minus(left, right), point)
            return any(not ball(v).contains(0) for v in gap)
    except (Undecided, Undefined):
        return False
