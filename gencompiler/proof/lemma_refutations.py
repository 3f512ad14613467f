"""Rules that refute statements about maps of vectors that come down to smaller ones: the lemmas of `lemma_rules` and
`subspace_rules` hold in both directions."""

from __future__ import annotations

from typing import cast

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.domain import NON_NEGATIVE, of_support
from gencompiler.proof.facts import Bijection, Fact, InRange, NotInjective, NotOnto
from gencompiler.proof.graph import Term, is_finite, support_of
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.lemma_rules import ALONG, DISTANCE, radial_of, ridge_of
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.subspace_rules import within_of
from gencompiler.proof.terms import ZERO


def smaller(kind: str, input_: Term, body: Term) -> tuple[Term, Term]:
    """The smaller map that a map comes down to, by the lemma of this kind: its input and its body; raises Unproved."""
    match kind:
        case "ridge":
            return ALONG, ridge_of(input_, body).scalar(flipped=False)
        case "radial":
            return DISTANCE, radial_of(input_, body).scalar
    need(kind == "within", "{} is no lemma", kind)
    found = within_of(input_, body)
    return found.place, found.small


@rule
def smaller_twice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map that comes down to a smaller one is not injective where the smaller one is not.

    Along v, u + v g(w @ u): the smaller map is the identity where w is 0, so w is not, and every number is w @ u for
    some u.  For s and s' with one value t and a vector y with w @ y = t, both y - v g(s) and y - v g(s') go to y, and
    differ, since w @ them are s and s'.  From a centre: at the distances r and r' in one direction.  Within a subspace:
    Q s and Q s' are different vectors, and what is orthogonal to Q stays.  Subject: the input, the body, the lemma.
    Premise: that of the smaller map."""
    input_, body, kind = cast(tuple[Term, Term, str], subject)
    own, inner = smaller(kind, input_, body)
    (found,) = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    need(isinstance(found, NotInjective), "the smaller map is not known to take a value twice")
    assert isinstance(found, NotInjective)
    need(found.input is own and found.body is inner, "a premise about another map")
    return NotInjective(input_, body, found.at)


@rule
def falls_short_of_sphere(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map from one centre of which no value is at some distance from the centre is not onto.

    |c' + (u - c) k(r) - c'| = r k(r), where that is not negative.  Subject: the input, the body.  Premises: the range
    of r k(r), that it misses a number that is not negative."""
    input_, body = cast(tuple[Term, Term], subject)
    found = radial_of(input_, body)
    size, missed = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    need(isinstance(size, InRange) and size.term is found.scalar, "the distance is not known to be defined")
    assert isinstance(size, InRange)
    need(size.interval.within(NON_NEGATIVE), "{} may be negative", found.scalar)
    need(isinstance(missed, NotOnto), "no distance is known to be missed")
    assert isinstance(missed, NotOnto)
    need(missed.body is found.scalar and missed.support == support_of(DISTANCE), "a premise about another map")
    return NotOnto(body, REAL, missed.at)


@rule
def corner_missed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map from 0 whose values stay in a ball does not reach the corners of a cube that the ball does not hold.

    Subject: the input, the body, the support.  Premise: r k(r) as a map of the distance, whose image is bounded."""
    input_, body, support = cast(tuple[Term, Term, Support], subject)
    found = radial_of(input_, body)
    (inner,) = premises
    wanted = of_support(support)
    need(support_of(input_) == REAL and found.centre is ZERO, "not a map of the reals from 0")
    need(isinstance(inner, Bijection) and wanted is not None and is_interval(support), "no image is known")
    assert isinstance(inner, Bijection)
    assert wanted is not None
    need(inner.input is DISTANCE and inner.body is found.scalar, "a premise about another map")
    top, end = inner.image.upper, wanted.upper
    need(inner.image.within(NON_NEGATIVE) and is_finite(top) and is_finite(end) and end > 0, "no bounded image")
    need(wanted.lower < end and end * end * body.shape[0] > top * top, "the ball holds the cube")
    return NotOnto(body, support)
