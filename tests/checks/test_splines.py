"""Statements about splines and distributions through maps: true ones, which are proved, and false ones that look true,
which are refuted by a counterexample that is confirmed in exact or ball arithmetic; each with its reason."""

from __future__ import annotations

import dataclasses

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText

RQS = """bijection Spline(u : Real | w : Real[K], h : Real[K], d : Positive[K - 1], K = 4, B = 3) -> Real =
  if abs(u) >= B then u
  else y[k] + H[k] * (s * r^2 + D[k] * r * (1 - r)) / (s + (D[k + 1] + D[k] - 2 * s) * r * (1 - r))
  where {
    W = 2 * B * (0.001 + (1 - 0.001 * K) * softmax(w))   x = -B + join(0, cumsum(W))
    H = 2 * B * (0.001 + (1 - 0.001 * K) * softmax(h))   y = -B + join(0, cumsum(H))
    D = join(1, d, 1)
    k = bin(u, x)
    s = H[k] / W[k]
    r = (u - x[k]) / W[k]
  }
"""
LINEAR = """bijection Spline(u : Real | w : Simplex(K), h : Simplex(K), K = 4, B = 2) -> Real =
  if abs(u) >= B then u else y[k] + H[k] * (u - x[k]) / W[k]
  where {
    W = 2 * B * (0.01 + (1 - 0.01 * K) * w)   x = -B + join(0, cumsum(W))
    H = 2 * B * (0.01 + (1 - 0.01 * K) * h)   y = -B + join(0, cumsum(H))
    k = bin(u, x)
  }
"""
UNIT = """bijection Spline(u : Interval(0, 1) | w : Real[K], h : Real[K], d : Positive[K + 1], K = 4) -> Interval(0, 1) =
  y[k] + H[k] * (s * r^2 + d[k] * r * (1 - r)) / (s + (d[k + 1] + d[k] - 2 * s) * r * (1 - r))
  where {
    W = softmax(w)   x = join(0, cumsum(W))
    H = softmax(h)   y = join(0, cumsum(H))
    k = bin(u, x)
    s = H[k] / W[k]
    r = (u - x[k]) / W[k]
  }
"""
COUPLING = (
    RQS
    + """bijection Coupling(u : Real[D] | H = 8) -> Real[D] =
  join(a, for i: Spline(b[i] | w[i], h[i], exp(d[i]), K = 3))
  where { a, b = split(u)   w, h, d = mlp(a, hidden = [H]) }
"""
)
AUTOREGRESSIVE = (
    RQS
    + """bijection Auto(u : Real[D] | H = 8) -> Real[D] = for i: Spline(u[i] | w, h, exp(d), K = 3)
  where { w, h, d = mlp(u[<i], hidden = [H]) }
"""
)
OF_REALS = "model M {{ latent z : Real[4]  observed x : {end}[4]  p(z) = Normal(0, 1)  x = z |> {map} }}"
OF_UNITS = "model M {{ latent z : Interval(0, 1)[4]  observed x : {end}[4]  p(z) = Uniform(0, 1)  x = z |> {map} }}"


@dataclasses.dataclass(frozen=True)
class Statement:
    """`base` with changes, used as `stage` onto `end`; why it is true, or false."""

    name: str
    base: str
    reason: str
    changes: tuple[tuple[str, str], ...] = ()
    stage: str = "Spline"
    end: str = "Real"

    def text(self) -> str:
        text = self.base
        for old, new in self.changes:
            assert old in text, (self.name, old)
            text = text.replace(old, new)
        return text + (OF_UNITS if self.base is UNIT else OF_REALS).format(map=self.stage, end=self.end)


def on(base: str, name: str, reason: str, *changes: tuple[str, str], stage: str = "Spline", end: str = "") -> Statement:
    return Statement(name, base, reason, changes, stage, end or ("Interval(0, 1)" if base is UNIT else "Real"))


WITHIN = "a quotient whose slope has no negative Bernstein coefficient"
TRUE = (
    on(RQS, "rational-quadratic", WITHIN),
    on(RQS, "two bins", WITHIN, ("K = 4", "K = 2")),
    on(RQS, "nine bins", WITHIN, ("K = 4", "K = 9")),
    on(RQS, "a small box", WITHIN, ("B = 3", "B = 0.25")),
    on(
        RQS,
        "no least width",
        "softmax is positive on its own",
        ("(0.001 + (1 - 0.001 * K) * softmax(w))", "softmax(w)"),
    ),
    on(RQS, "no least height", "softmax is positive", ("(0.001 + (1 - 0.001 * K) * softmax(h))", "softmax(h)")),
    on(
        RQS,
        "another least width",
        "0.1 * 4 < 1",
        ("0.001 + (1 - 0.001 * K) * softmax(w)", "0.1 + (1 - 0.1 * K) * softmax(w)"),
    ),
    on(RQS, "simplexes", "what a Simplex sums to is its type", ("w : Real[K]", "w : Simplex(K)"), ("softmax(w)", "w")),
    on(RQS, "strictly outside", "the pieces agree at B", ("abs(u) >= B", "abs(u) > B")),
    on(RQS, "knots from the right", "a sum is a sum", ("x = -B + join(0, cumsum(W))", "x = join(0, cumsum(W)) - B")),
    on(
        RQS,
        "slopes of a softplus",
        "softplus is positive",
        ("d : Positive[K - 1]", "d : Real[K - 1]"),
        ("join(1, d, 1)", "join(1, softplus(d), 1)"),
    ),
    on(
        RQS,
        "slopes within bounds",
        "sigmoid is positive",
        ("d : Positive[K - 1]", "d : Real[K - 1]"),
        ("join(1, d, 1)", "join(1, 0.1 + sigmoid(d), 1)"),
    ),
    on(
        RQS,
        "free slopes at the ends",
        "a kink is no jump",
        ("d : Positive[K - 1]", "d : Positive[K + 1]"),
        ("join(1, d, 1)", "d"),
    ),
    on(RQS, "steep at the ends", "a kink is no jump", ("join(1, d, 1)", "join(2, d, 5)")),
    on(
        RQS,
        "r from the knots",
        "x[k + 1] - x[k] is a width",
        ("r = (u - x[k]) / W[k]", "r = (u - x[k]) / (x[k + 1] - x[k])"),
    ),
    on(
        RQS,
        "the mean slope upside down",
        "s cancels at the ends, and every coefficient is positive",
        ("s = H[k] / W[k]", "s = W[k] / H[k]"),
    ),
    on(
        RQS,
        "one slope for both ends of a bin",
        "s r^2 + d r (1 - r) over s + 2 (d - s) r (1 - r) rises",
        ("D[k + 1] + D[k] - 2 * s", "2 * D[k] - 2 * s"),
    ),
    on(RQS, "the same with 1 - r", "algebra", ("r * (1 - r)) / (s", "(r - r^2)) / (s")),
    on(
        RQS,
        "scaled",
        "a positive multiple of a bijection",
        ("if abs(u) >= B then u\n  else y", "2 * (if abs(u) >= B then u\n  else y"),
        ("r * (1 - r))\n", "r * (1 - r)))\n"),
    ),
    on(
        RQS,
        "and its sinh",
        "a composition of rising maps",
        ("if abs(u) >= B then u\n  else y", "sinh(if abs(u) >= B then u\n  else y"),
        ("r * (1 - r))\n", "r * (1 - r)))\n"),
    ),
    on(RQS, "then an exponential", "onto the positive numbers", stage="Spline |> exp", end="Positive"),
    on(RQS, "then a sigmoid", "onto the unit interval", stage="Spline |> sigmoid", end="Unit"),
    on(RQS, "four in a row", "a composition of bijections", stage="repeat(4) { Spline |> reverse }"),
    on(LINEAR, "linear", "each piece is a positive multiple plus a shift"),
    on(LINEAR, "seven bins", "the same", ("K = 4", "K = 7")),
    on(
        LINEAR,
        "of a softmax",
        "positive, and of sum 1",
        ("w : Simplex(K)", "w : Real[K]"),
        ("K) * w)", "K) * softmax(w))"),
    ),
    on(LINEAR, "with r", "the same piece", ("H[k] * (u - x[k]) / W[k]", "H[k] * ((u - x[k]) / W[k])")),
    on(
        LINEAR,
        "from the knots",
        "differences of knots",
        ("H[k] * (u - x[k]) / W[k]", "(y[k + 1] - y[k]) * (u - x[k]) / (x[k + 1] - x[k])"),
    ),
    on(LINEAR, "equal widths", "1 / K each", ("w : Simplex(K), ", ""), ("K) * w)", "K) * softmax(zeros(K)))")),
    on(
        LINEAR,
        "quadratic in each bin",
        "r (1 + r) / 2 rises from 0 to 1",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * ((u - x[k]) / W[k] + ((u - x[k]) / W[k])^2) / 2"),
    ),
    on(
        LINEAR,
        "flat at the left of each bin",
        "r^2 rises on [0, 1]: its slope vanishes at 0 alone",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * ((u - x[k]) / W[k])^2"),
    ),
    on(
        LINEAR,
        "Möbius in each bin",
        "2 r / (1 + r) rises from 0 to 1",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * 2 * ((u - x[k]) / W[k]) / (1 + (u - x[k]) / W[k])"),
    ),
    on(LINEAR, "then reversed", "a permutation is a bijection", stage="Spline |> reverse"),
    on(LINEAR, "then asinh", "rises onto the line", stage="Spline |> asinh"),
    on(UNIT, "of the unit interval", WITHIN),
    on(UNIT, "six bins of the unit interval", WITHIN, ("K = 4", "K = 6")),
    on(UNIT, "with a least width", "0.01 * 4 < 1", ("W = softmax(w)", "W = 0.01 + (1 - 0.01 * K) * softmax(w)")),
    on(
        UNIT,
        "onto another interval",
        "heights of sum 2",
        ("y = join(0", "y = -1 + join(0"),
        ("H = softmax(h)", "H = 2 * softmax(h)"),
        ("-> Interval(0, 1)", "-> Interval(-1, 1)"),
        end="Interval(-1, 1)",
    ),
    on(
        COUPLING,
        "a coupling",
        "block-triangular, a spline of each transformed number",
        stage="Coupling |> reverse |> Coupling |> reverse",
    ),
    on(COUPLING, "couplings in a repetition", "the same", stage="repeat(2) { Coupling |> reverse }"),
    on(AUTOREGRESSIVE, "by index", "triangular: entry i sees what is before it", stage="Auto"),
    on(AUTOREGRESSIVE, "by index, twice", "a composition of bijections", stage="repeat(2) { Auto |> reverse }"),
)
FALSE = (
    on(RQS, "knots that fall", "negative widths", ("cumsum(W))", "cumsum(-W))")),
    on(RQS, "widths of any sign", "knots out of order", ("softmax(w)", "w")),
    on(RQS, "heights of any sign", "values out of order", ("softmax(h)", "h")),
    on(RQS, "widths twice as wide", "values are left out at B", ("softmax(w))", "2 * softmax(w))")),
    on(RQS, "heights 0.1% too high", "past B it falls back", ("softmax(h))", "1.001 * softmax(h))")),
    on(RQS, "heights a tenth too low", "values are left out at B", ("softmax(h))", "0.9 * softmax(h))")),
    on(RQS, "widths 1% short", "the last bin goes on past its end", ("0.001 + (1", "0.001 + (0.99")),
    on(RQS, "knots from elsewhere", "they begin at -2", ("x = -B +", "x = -2 +")),
    on(RQS, "values from elsewhere", "they begin at -2", ("y = -B +", "y = -2 +")),
    on(RQS, "slopes of any sign", "a bin that falls at its end", ("d : Positive", "d : Real")),
    on(RQS, "a slope that is negative", "a bin that falls at its end", ("join(1, d, 1)", "join(-1, d, 1)")),
    on(RQS, "tails twice as steep", "a jump at B", ("then u\n", "then 2 * u\n")),
    on(RQS, "tails shifted", "one value left and right of -B", ("then u\n", "then u + 1\n")),
    on(RQS, "tails squared", "both tails rise", ("then u\n", "then u^2\n")),
    on(RQS, "tails of a size", "both tails rise", ("then u\n", "then abs(u)\n")),
    on(RQS, "a wider box", "beyond the last knot a piece falls", ("abs(u) >= B", "abs(u) >= B + 1")),
    on(RQS, "a narrower box", "a jump at 2", ("abs(u) >= B", "abs(u) >= B - 1")),
    on(RQS, "r by the height", "bins that do not meet", ("(u - x[k]) / W[k]", "(u - x[k]) / H[k]")),
    on(RQS, "a height forgotten", "bins that do not meet", ("H[k] * (", "(")),
    on(RQS, "the next value", "bins that do not meet", ("else y[k] +", "else y[k + 1] +")),
    on(RQS, "a sign", "a bin that falls", ("y[k] + H[k]", "y[k] - H[k]")),
    on(RQS, "r without its square", "a bin whose end is another", ("s * r^2", "s * r")),
    on(RQS, "one bin of values for all", "they do not move on", ("else y[k] +", "else y[0] +")),
    on(LINEAR, "linear knots that fall", "negative widths", ("cumsum(W))", "cumsum(-W))")),
    on(LINEAR, "linear widths of any sign", "knots out of order", ("w : Simplex(K)", "w : Real[K]")),
    on(LINEAR, "linear heights of any sign", "values out of order", ("h : Simplex(K)", "h : Real[K]")),
    on(LINEAR, "linear, beyond its box", "a jump at -B", ("y = -B", "y = -2.5")),
    on(LINEAR, "linear, a shift", "bins that do not meet", ("H[k] * (u - x[k])", "H[k] * (u - x[k] - 0.1)")),
    on(LINEAR, "linear, from the next knot", "bins that do not meet", ("(u - x[k])", "(u - x[k + 1])")),
    on(LINEAR, "linear, no height", "bins that do not meet", ("H[k] * (u", "(u")),
    on(
        LINEAR,
        "a parabola in each bin",
        "4 r (1 - r) comes back",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * 4 * ((u - x[k]) / W[k]) * (1 - (u - x[k]) / W[k])"),
    ),
    on(
        LINEAR,
        "a bin that dips",
        "1.5 r^2 - 0.5 r falls first",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * (1.5 * ((u - x[k]) / W[k])^2 - 0.5 * (u - x[k]) / W[k])"),
    ),
    on(
        LINEAR,
        "a bin that overshoots",
        "1.6 r - 0.6 r^2 is no bijection of 2 r / (1 + r)",
        ("H[k] * (u - x[k]) / W[k]", "H[k] * (2.5 * (u - x[k]) / W[k] - 1.5 * ((u - x[k]) / W[k])^2)"),
    ),
    on(LINEAR, "tails of half the slope", "one value on either side of B", ("then u else", "then 0.5 * u else")),
    on(UNIT, "unit widths of any sign", "knots out of order", ("W = softmax(w)", "W = w")),
    on(UNIT, "unit heights of any sign", "values out of order", ("H = softmax(h)", "H = h")),
    on(UNIT, "half of the unit interval", "values are left out", ("H = softmax(h)", "H = 0.5 * softmax(h)")),
    on(UNIT, "twice the unit interval", "values that are too large", ("H = softmax(h)", "H = 2 * softmax(h)")),
    on(UNIT, "unit slopes of any sign", "a bin that falls at its end", ("d : Positive", "d : Real")),
    on(UNIT, "a shifted image", "values below 0", ("y = join(0", "y = -0.5 + join(0")),
    on(UNIT, "unit, bins that do not meet", "a height forgotten", ("y[k] + H[k] *", "y[k] +")),
)


def verdict(text: str) -> tuple[str, str]:
    """The worst status of a claim that a map is a bijection, and the report."""
    from gencompiler.diagnostics.render import render

    source = SourceText("statement.gen", text)
    try:
        done = pipeline.run(source, until="check")
    except CompileError as error:
        report = render(error.diagnostics, {source.name: source})
        return ("refuted" if "counterexample" in report or "the range of" in report else "unknown"), report
    statuses = {v.status for v in done.checked.verdicts if v.obligation.id == "invertible"}
    return ("proved" if statuses == {"proved"} else "unknown"), ""


@pytest.mark.parametrize("statement", TRUE, ids=lambda s: s.name)
def test_what_is_true_is_proved(statement: Statement) -> None:
    found, report = verdict(statement.text())
    assert found == "proved", report


@pytest.mark.parametrize("statement", FALSE, ids=lambda s: s.name)
def test_what_is_false_is_refuted(statement: Statement) -> None:
    found, report = verdict(statement.text())
    assert found == "refuted", report or "it was proved"
