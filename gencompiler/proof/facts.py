"""What a proof can conclude.  Every fact holds for all values of its symbols in their declared supports."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.model.nodes import REAL, Real, Support
from gencompiler.proof.domain import CIRCLE, Circle, Interval
from gencompiler.proof.graph import Shape, Term, symbol


class Fact:
    """A conclusion of a rule."""

    def values(self) -> tuple[object, ...]:
        """What it says, field by field."""
        assert dataclasses.is_dataclass(self)
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))


@dataclasses.dataclass(frozen=True)
class InRange(Fact):
    """`term` is defined and each of its elements lies in `interval`."""

    term: Term
    interval: Interval


@dataclasses.dataclass(frozen=True)
class Defined(Fact):
    """`term` has a value, for all values of its symbols in their supports.

    A branch of a choice needs one only where it is taken, and a part that nothing reads needs none."""

    term: Term


@dataclasses.dataclass(frozen=True)
class NonZero(Fact):
    """`term` is defined and none of its elements is 0."""

    term: Term


@dataclasses.dataclass(frozen=True)
class LogAbs(Fact):
    """`term` is nowhere 0, and log|term| = `value`, elementwise."""

    term: Term
    value: Term


@dataclasses.dataclass(frozen=True)
class Bijection(Fact):
    """With everything else fixed, each element of `body` is a continuous injective function of that element of `input`.

    It maps the declared support of `input` into `image`, onto it when `onto`; it is strictly increasing, strictly
    decreasing, or (None) one of the two depending on the rest.  `inverse` is in terms of `result(input.shape)`, and
    `log_derivative` is log|d body / d input|, outside a null set."""

    input: Term
    body: Term
    image: Interval
    onto: bool
    increasing: bool | None
    inverse: Term
    log_derivative: Term


@dataclasses.dataclass(frozen=True)
class CircleMap(Fact):
    """With everything else fixed, each element of `body` modulo 2 pi is a bijection of the circle, one of that element
    of `input`, and goes around once, forwards when `increasing`.

    `inverse` is a function of `result(input.shape)` that is right, modulo 2 pi, for every number that stands for the
    angle, and has its own values in [-pi, pi) where it is `principal`; `log_derivative` is log|d body / d input|,
    outside a null set."""

    input: Term
    body: Term
    increasing: bool
    inverse: Term
    log_derivative: Term
    principal: bool = False

    @property
    def image(self) -> Circle:
        """What its values are."""
        return CIRCLE

    @property
    def onto(self) -> bool:
        """Whether every angle is reached."""
        return True


@dataclasses.dataclass(frozen=True)
class VectorBijection(Fact):
    """`body` is an injective function of the tensor `input`, with everything else fixed.

    Each element of it lies in `image`; when `onto`, every tensor over `image` is reached.  `log_det` is a scalar.
    Where `image` is the circle, the values of `body` count modulo 2 pi, and `inverse` has angles of [-pi, pi)."""

    input: Term
    body: Term
    image: Interval | Circle
    onto: bool
    inverse: Term
    log_det: Term


@dataclasses.dataclass(frozen=True)
class Nonsingular(Fact):
    """`term` is a square matrix with this inverse, and log|det term| is `log_abs_det`."""

    term: Term
    inverse: Term
    log_abs_det: Term


@dataclasses.dataclass(frozen=True)
class Lipschitz(Fact):
    """|term(u) - term(u')| <= slope |u - u'| in the Euclidean norm, for all values u of `input`, the rest fixed."""

    term: Term
    input: Term
    slope: Fraction


@dataclasses.dataclass(frozen=True)
class Changes(Fact):
    """|term(u) - term(u')| <= size |u - u'| in the Euclidean norm, for all values u of `input`, the rest fixed.

    `size` is a number free of the input, and not negative."""

    term: Term
    input: Term
    size: Term


@dataclasses.dataclass(frozen=True)
class MonotoneOperator(Fact):
    """`term` is continuous in the vector `input`, the rest fixed, and (term(u) - term(v)) · (u - v) >= 0.

    A number stands for the vector all of whose elements it is.  `strict`: strictly monotone, and coercive, term(u) · u
    / |u| going to infinity with |u|."""

    term: Term
    input: Term
    strict: bool


@dataclasses.dataclass(frozen=True)
class Member(Fact):
    """Each element of `term` is a value of `support`."""

    term: Term
    support: Support


@dataclasses.dataclass(frozen=True)
class Invertible(Fact):
    """`body` maps the support of `input` one-to-one onto the tensors (of a scalar map, the numbers) over `result`.

    As a goal, `inverse` and `log_det` are those that were derived, None where there are none.  It holds wherever the
    conditions `requires` do."""

    input: Term
    body: Term
    result: Support
    inverse: Term | None
    log_det: Term | None
    requires: tuple[Member, ...] = ()


def result(shape: Shape) -> Term:
    """The symbol that an inverse is written in."""
    return symbol("result", "result", REAL, shape)


# -- refutations -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class NotInjective(Fact):
    """For some admissible values of the other symbols, `body` takes one value at two values of `input`.

    `at`: these values."""

    input: Term
    body: Term
    at: tuple[tuple[Term, Fraction | tuple[Fraction, ...]], ...] = ()


@dataclasses.dataclass(frozen=True)
class NotAround(Fact):
    """For some admissible values of the other symbols (`at`), the two ends of the circle cut open at -pi are not one
    turn apart: `body`, continuous on [-pi, pi], is no bijection of the circle."""

    input: Term
    body: Term
    at: tuple[tuple[Term, Fraction], ...] = ()


@dataclasses.dataclass(frozen=True)
class Outside(Fact):
    """For some admissible values of its symbols (`at`), an element of `term` is undefined or not a value of
    `support`."""

    term: Term
    support: Support
    at: tuple[tuple[Term, Fraction], ...] = ()


@dataclasses.dataclass(frozen=True)
class NotOnto(Fact):
    """For some admissible values of the other symbols (`at`), `body` never takes some value of `support`."""

    body: Term
    support: Support
    at: tuple[tuple[Term, Fraction | tuple[Fraction, ...]], ...] = ()


# -- scalar maps by their derivatives ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class OnBox(Fact):
    """With its symbols in the intervals of `box` (others in their supports), `term` is defined and in `interval`."""

    term: Term
    box: tuple[tuple[Term, Interval], ...]
    interval: Interval


@dataclasses.dataclass(frozen=True)
class Monotone(Fact):
    """With everything else fixed, `body` is a continuous, strictly monotone function of `input` on `domain`."""

    input: Term
    body: Term
    domain: Interval
    increasing: bool


@dataclasses.dataclass(frozen=True)
class Tends(Fact):
    """At the `upper` (or lower) end of `domain`, `body` has a limit in the extended reals between `low` and `high`."""

    input: Term
    body: Term
    domain: Interval
    upper: bool
    low: Real
    high: Real
