"""Statements about maps of the circle: true ones, which are proved, and the same with a minimal error, which are not;
each with its reason.  Those that a number at the ends or three points in order contradict are refuted."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText

MOEBIUS = "u + 2 * atan(r * sin(u - a) / (1 - r * cos(u - a)))"
SPLINE = """  y[k] + H[k] * (s * r^2 + D[k] * r * (1 - r)) / (s + (D[k + 1] + D[k] - 2 * s) * r * (1 - r))
  where {
    W = 2 * pi * softmax(w)   x = -pi + join(0, cumsum(W))
    H = 2 * pi * softmax(h)   y = -pi + join(0, cumsum(H))
    D = join(d, d[0])
    k = bin(u, x)   s = H[k] / W[k]   r = (u - x[k]) / W[k]
  }"""
KNOTS = "(u : Angle | w : Real[4], h : Real[4], d : Positive[4]) -> Angle =\n" + SPLINE

TRUE = (
    ("(u : Angle) -> Angle = u", "the identity"),
    ("(u : Angle | a : Real) -> Angle = u + a", "a rotation, whatever its angle"),
    ("(u : Angle[3]) -> Angle[3] = reverse(u)", "a permutation"),
    ("(u : Angle[2]) -> Angle[2] = join(a, a + b) where { a, b = split(u) }", "a rotation of one angle by the other"),
    (
        "(u : Angle[3] | H = 4) -> Angle[3] = for i: u[i] + m where { m = mlp(cos(u[<i]), sin(u[<i]), hidden = [H]) }",
        "by index: a rotation by what came before",
    ),
    ("(u : Angle | a : Real) -> Angle = a - u", "a reflection goes around once, backwards"),
    ("(u : Angle) -> Angle = -u", "a reflection"),
    ("(u : Angle) -> Angle = u + 0.99 * sin(u)", "slope 1 + 0.99 cos(u) > 0"),
    ("(u : Angle) -> Angle = u + sin(u)", "the slope vanishes at the seam alone"),
    ("(u : Angle | b : Unit, a : Real) -> Angle = u + b * sin(u - a)", "its ends move with a, one turn apart"),
    ("(u : Angle) -> Angle = u + sin(2 * u) / 2.1", "slope 1 + 2 cos(2 u) / 2.1 > 0"),
    ("(u : Angle | a : Real) -> Angle = 1 - (u + a + 0.3 * cos(3 * u))", "slope of the inside at least 0.1"),
    (
        f"(u : Angle | r : Unit, a : Real) -> Angle = {MOEBIUS}",
        "a Möbius map, slope (1 - r^2) / |1 - r exp(i (u - a))|^2",
    ),
    (
        "(u : Angle | r : Unit, a : Real) -> Angle = u - 2 * atan(r * sin(a - u) / (1 - r * cos(a - u)))",
        "the same map, written the other way round",
    ),
    (
        "(u : Angle | r : Open(-1, 1)) -> Angle = u + 2 * atan(r * sin(u) / (1 - r * cos(u)))",
        "a negative r is the opposite direction",
    ),
    (
        "(u : Angle | c : Open(2, inf)) -> Angle = u + 2 * atan((cos(u) - sin(u)) / (c + sin(u) + cos(u)))",
        "d = c > 2 > sqrt(2): another Möbius map",
    ),
    (f"(u : Angle | r : Unit, a : Real, b : Real) -> Angle = b - ({MOEBIUS})", "a Möbius map and a reflection"),
    (
        "(u : Angle | w : Simplex(3), r : Unit[3], a : Real[3]) -> Angle = w @ (" + MOEBIUS + ")",
        "a mean of maps that rise and go around once",
    ),
    (KNOTS, "a circular spline"),
    (KNOTS.replace("join(d, d[0])", "join(d, 2 * d[0])"), "slopes that differ where the ends meet: a kink is no jump"),
    (KNOTS.replace("y = -pi", "y = 1"), "a circular spline, and a rotation"),
)

FALSE = (
    ("(u : Angle) -> Angle = 2 * u", "winds twice", "G412"),
    ("(u : Angle) -> Angle = 3 * u + sin(u)", "winds three times", "G412"),
    ("(u : Angle) -> Angle = u / 2", "half a turn, and two values at the seam", "G412"),
    ("(u : Angle) -> Angle = 0.99 * u", "ends that miss by 1%", "G412"),
    ("(u : Angle) -> Angle = 0.5 * sin(u)", "does not wind", "G412"),
    ("(u : Angle) -> Angle = -2 * u", "winds twice, backwards", "G412"),
    ("(u : Angle | c : Positive) -> Angle = c * u", "winds c times", "G412"),
    ("(u : Angle) -> Angle = u + sin(u / 2)", "half a wave: 2 more at one end than at the other", "G412"),
    ("(u : Angle) -> Angle = u + 1.01 * sin(u)", "dips by 1% at the seam", "G401"),
    ("(u : Angle | b : Interval(0, 1.01)) -> Angle = u + b * sin(u)", "dips where b is 1.01", "G401"),
    ("(u : Angle) -> Angle = u + sin(2 * u) / 1.9", "slope 1 - 2 / 1.9 < 0", "G401"),
    (f"(u : Angle | r : Interval(0, 1), a : Real) -> Angle = {MOEBIUS}", "at |w| = 1 the slope vanishes", "G403"),
    (
        "(u : Angle | r : Unit) -> Angle = u + 4 * atan(r * sin(u) / (1 - r * cos(u)))",
        "twice the bend: slope 1 - 4 r / (1 + r) < 0",
        "G401",
    ),
)
#: Not refuted, and not proved either: what is missing is a fact about networks, simplexes and knots.
UNPROVED = (
    (
        "(u : Angle | w : Simplex(3), r : Unit[3]) -> Angle = 2 * (w @ (u + 2 * atan(r * sin(u) / (1 - r * cos(u)))))",
        "winds twice",
    ),
    (KNOTS.replace("H = 2 * pi", "H = pi"), "half a turn between the knots"),
    (KNOTS.replace("d : Positive[4]", "d : Real[4]"), "slopes that may be negative"),
    (KNOTS.replace("x = -pi", "x = -3"), "knots that begin elsewhere than the circle"),
    ("(u : Angle) -> Real = u", "a circle is no line"),
    ("(u : Real) -> Angle = u", "a line is no circle: 0 and 2 pi are one angle"),
    ("(u : Angle[2]) -> Angle[2] = [2 * u[0], u[1]]", "winds twice in one place"),
    ("(u : Angle[2]) -> Angle[2] = [u[0] + u[1], u[0] - u[1]]", "determinant -2: two points for one"),
    ("(u : Angle[2] | L : Lower(2)) -> Angle[2] = L @ u", "a matrix that is not one of whole numbers"),
)


def verdict(statement: str) -> tuple[str, tuple[str, ...]]:
    """The verdict on a map, and the codes of what was reported."""
    try:
        done = pipeline.run(SourceText("circle.gen", f"bijection F{statement}\n"), until="check")
    except CompileError as problem:
        return "", tuple(d.code for d in problem.diagnostics)
    (found,) = done.checked.verdicts
    return found.status, tuple(d.code for d in done.diagnostics)


@pytest.mark.parametrize(("statement", "reason"), TRUE)
def test_what_is_true_is_proved(statement: str, reason: str) -> None:
    assert verdict(statement) == ("proved", ()), reason


@pytest.mark.parametrize(("statement", "reason", "code"), FALSE)
def test_what_is_false_is_refuted(statement: str, reason: str, code: str) -> None:
    assert verdict(statement) == ("", (code,)), reason


@pytest.mark.parametrize(("statement", "reason"), UNPROVED)
def test_what_is_false_is_never_proved(statement: str, reason: str) -> None:
    assert verdict(statement)[0] == "", reason
