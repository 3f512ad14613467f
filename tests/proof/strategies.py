"""Random terms with what is true of them by construction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

from flint import ctx
from hypothesis import settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.graph import Term, apply, choose, literal, symbol
from gencompiler.proof.numbers import Number, ball

#: What all property tests here have in common: a loaded machine does not make them fail.
patient = settings(deadline=None)

POSITIVE, UNIT = Support("Positive"), Support("Unit")
INPUT = symbol("input", "u", REAL)
REAL_PARAMETERS = tuple(symbol("parameter", name, REAL) for name in ("a", "b", "c"))
POSITIVE_PARAMETERS = tuple(symbol("parameter", name, POSITIVE) for name in ("s", "r"))

#: Small rationals, away from where nested exponentials leave every precision.
REALS = st.fractions(min_value=-2, max_value=2, max_denominator=8)
POSITIVES = st.fractions(min_value=Fraction(1, 4), max_value=3, max_denominator=8)


def number(value: Number) -> float:
    """A value of `evaluate` as a float, for assertions."""
    return float(value) if isinstance(value, Fraction) else float(value.mid())


def at(term: Term, **values: Fraction) -> Number:
    """The value of a scalar term, its symbols by name."""
    named = {str(s.data[1]): s for s in term.symbols}
    return evaluate(term, {named[n]: v for n, v in values.items() if n in named})[0]


def distance(left: Number, right: Number) -> float:
    """|left - right|, in the precision of balls."""
    with ctx.workprec(enclosure.PRECISION):
        gap = ball(left) - ball(right)
        return abs(float(gap.mid())) + float(gap.rad())


@dataclasses.dataclass(frozen=True)
class Step:
    """A strictly monotone step from one support onto another; `growth` counts exponentials."""

    name: str
    start: Support
    end: Support
    build: Callable[[Term, Term, Term], Term]
    growth: int = 0


def _leaky(u: Term, positive: Term, real: Term) -> Term:
    return choose(apply("greater_equal", u, literal(0)), u, apply("multiply", positive, u))


#: Every step, as a function of the map so far, a positive parameter and a real one.
STEPS = (
    Step("shift", REAL, REAL, lambda u, s, a: apply("add", u, a)),
    Step("shift left", REAL, REAL, lambda u, s, a: apply("subtract", a, u)),
    Step("scale", REAL, REAL, lambda u, s, a: apply("multiply", s, u)),
    Step("scale by exp", REAL, REAL, lambda u, s, a: apply("multiply", u, apply("exp", a)), 1),
    Step(
        "scale by a product", REAL, REAL, lambda u, s, a: apply("multiply", u, apply("multiply", s, apply("exp", a))), 1
    ),
    Step("divide", REAL, REAL, lambda u, s, a: apply("divide", u, apply("softplus", a))),
    Step("negative scale", REAL, REAL, lambda u, s, a: apply("multiply", literal(-2), u)),
    Step("negate", REAL, REAL, lambda u, s, a: apply("negate", u)),
    Step("sinh", REAL, REAL, lambda u, s, a: apply("sinh", u), 1),
    Step("asinh", REAL, REAL, lambda u, s, a: apply("asinh", u)),
    Step("exp", REAL, POSITIVE, lambda u, s, a: apply("exp", u), 1),
    Step("softplus", REAL, POSITIVE, lambda u, s, a: apply("softplus", u)),
    Step("sigmoid", REAL, UNIT, lambda u, s, a: apply("sigmoid", u)),
    Step("log", POSITIVE, REAL, lambda u, s, a: apply("log", u)),
    Step("scale up", POSITIVE, POSITIVE, lambda u, s, a: apply("divide", u, s)),
    Step("expm1", POSITIVE, POSITIVE, lambda u, s, a: apply("expm1", u), 1),
    Step("log1p", POSITIVE, POSITIVE, lambda u, s, a: apply("log1p", u)),
    Step("square", POSITIVE, POSITIVE, lambda u, s, a: apply("power", u, literal(2)), 1),
    Step("root", POSITIVE, POSITIVE, lambda u, s, a: apply("power", u, literal(Fraction(1, 2)))),
    Step("reciprocal", POSITIVE, POSITIVE, lambda u, s, a: apply("divide", s, u)),
    Step("logit", UNIT, REAL, lambda u, s, a: apply("logit", u)),
    Step("complement", UNIT, UNIT, lambda u, s, a: apply("subtract", literal(1), u)),
)
FIRST = Step("leaky", REAL, REAL, _leaky)


@dataclasses.dataclass(frozen=True)
class ScalarMap:
    """A composition of steps from the reals onto `end`."""

    steps: tuple[tuple[Step, Term, Term], ...]

    @property
    def end(self) -> Support:
        return self.steps[-1][0].end if self.steps else REAL

    @property
    def body(self) -> Term:
        return self.build({})

    def build(self, changed: dict[int, Callable[[Term, Term, Term], Term]]) -> Term:
        """The body, with some steps replaced by others."""
        body = INPUT
        for number_, (step, positive, real) in enumerate(self.steps):
            body = changed.get(number_, step.build)(body, positive, real)
        return body


@st.composite
def scalar_maps(draw: st.DrawFn, least: int = 1) -> ScalarMap:
    """A composition of up to six steps with at most two exponentials."""
    steps: list[tuple[Step, Term, Term]] = []
    current, growth = REAL, 0
    for place in range(draw(st.integers(least, 6))):
        allowed = [s for s in STEPS if s.start == current and growth + s.growth <= 2]
        if place == 0:
            allowed.append(FIRST)
        step = draw(st.sampled_from(allowed))
        steps.append((step, draw(st.sampled_from(POSITIVE_PARAMETERS)), draw(st.sampled_from(REAL_PARAMETERS))))
        current, growth = step.end, growth + step.growth
    return ScalarMap(tuple(steps))


@st.composite
def points(draw: st.DrawFn) -> dict[str, Fraction]:
    """Values for every parameter."""
    values = {p.data[1]: draw(REALS) for p in REAL_PARAMETERS}
    return values | {p.data[1]: draw(POSITIVES) for p in POSITIVE_PARAMETERS}


#: Elementwise functions that a random expression may apply.
UNARY = ("negate", "exp", "log", "expm1", "log1p", "sqrt", "sigmoid", "logit", "softplus", "tanh", "atan", "erf",
         "sinh", "asinh", "cosh", "sin", "cos", "abs", "sign", "relu", "floor")  # fmt: skip
BINARY = ("add", "subtract", "multiply", "divide", "power", "min", "max")


def expressions() -> st.SearchStrategy[Term]:
    """Any scalar expression over a real, a positive and a unit variable."""
    variables = (symbol("variable", "x", REAL), symbol("variable", "y", POSITIVE), symbol("variable", "z", UNIT))
    leaves = st.one_of(
        st.sampled_from(variables),
        st.fractions(min_value=-3, max_value=3, max_denominator=4).map(literal),
    )

    def grow(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        return st.one_of(
            st.tuples(st.sampled_from(UNARY), inner).map(lambda p: apply(p[0], p[1])),
            st.tuples(st.sampled_from(BINARY), inner, inner).map(lambda p: apply(*p)),
            st.tuples(inner, inner, inner).map(lambda p: choose(apply("less", p[0], literal(0)), p[1], p[2])),
        )

    return st.recursive(leaves, grow, max_leaves=8)
