"""The rule that refutes a map of the circle by its ends."""

from __future__ import annotations

from typing import cast

from flint import arb, ctx

from gencompiler.proof import enclosure
from gencompiler.proof.circles import is_circle
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange, NotAround
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, ball
from gencompiler.proof.refute_rules import Assignment, continuous, point_of


def gained(input_: Term, body: Term, assignment: Assignment) -> arb:
    """f(pi) - f(-pi) in turns, as a ball; raises Unproved where it has no value."""
    with ctx.workprec(enclosure.PRECISION):
        pi = arb.pi()
        try:
            values: list[Number] = [evaluate(body, {**point_of(assignment), input_: (end,)})[0] for end in (-pi, pi)]
        except (Undecided, Undefined) as problem:
            raise Unproved(str(problem)) from None
        return (ball(values[1]) - ball(values[0])) / (2 * pi)


@rule
def not_around(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """f(pi) - f(-pi) is neither 2 pi nor -2 pi for a continuous f.  Premise: f is defined everywhere.

    A continuous f that is injective modulo 2 pi on -pi <= u < pi is strictly monotone there, and takes its values in an
    interval of length |f(pi) - f(-pi)|: more than a turn has values that stand for one angle, less misses angles.
    Subject: the angle, the body, an assignment."""
    input_, body, assignment = cast(tuple[Term, Term, Assignment], subject)
    need(is_circle(support_of(input_)) and input_.shape == body.shape == (), "{} is no angle", input_)
    need(len(premises) == 1 and isinstance(premises[0], InRange), "not known to be defined")
    (defined,) = premises
    assert isinstance(defined, InRange)
    need(defined.term is body and continuous(body, input_), "not known to be continuous")
    turns = gained(input_, body, assignment)
    need(not turns.contains(1) and not turns.contains(-1), "{} may go around once", body)
    return NotAround(input_, body, assignment)
