"""Specs that hold, and next to each the smallest change to its text that must not: one pair for every kind of proof."""

from __future__ import annotations

import dataclasses

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText

FLOW = """bijection Coupling(u : Real[D]) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [8]) }
bijection Warp(u : Real | e : Real, d : Positive) -> Real = sinh((asinh(u) + e) / d)
model Flow(D = 4) {
  observed x : Integer(0..17)[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(4) { Coupling |> reverse } |> Warp |> sigmoid |> quantize(17)
  train maximum_likelihood
}
"""
SCALAR = """bijection F(u : Real | a : Positive) -> Real = if u >= 0 then u else a * u
model Scalar(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> F
}
"""
NADE = """model NADE(D = 8, H = 5) {
  observed x : Binary[D]
  param W : Real[H, D], V : Real[D, H], b : Real[D], c : Real[H]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + W[:, <i] @ x[<i]))
  train maximum_likelihood
}
"""
GAUSSIAN = """model Gaussian(D = 3) {
  observed x : Real[D]
  param W : Real[D, D], b : Real[D], s : Positive[D]
  p(x[i] | x[<i]) = Normal(W[i, <i] @ x[<i] + b[i], s[i])
  train maximum_likelihood
}
"""
LATENT = """model Latent(D = 3) {
  observed x : Binary[D]
  latent   z : Real[D]
  p(z)     = Normal(0, 1)
  p(x | z) = Bernoulli(logits = linear(z))
}
"""
CHAIN = """model Banana(eps = 0.05) {
  observed x : Real[2]
  p(x) ∝ exp(-U(x))
  def U(x : Real[2]) -> Real = 0.5 * x[0]^2 + 2 * (x[1] - x[0]^2)^2
  transition mala(x' | x) { y ~ Normal(x - eps * grad(U)(x), sqrt(2 * eps))   x' = metropolis(y) }
  claim stationary(mala, p)
  sample chain(mala, burn_in = 10)
}
"""
MIXTURE = """model Mixture(K = 3) {
  observed x : Real
  latent   k : Category(K)
  param a : Real[K], mu : Real[K], s : Positive
  p(k)     = Categorical(logits = a)
  p(x | k) = Normal(mu[k], s)
  train maximum_likelihood
}
"""

PIPED = """bijection Coupling(u : Real[D] | c : Real[C]) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, c, hidden = [8]) }
model Piped(D = 3, Z = 2) {
  observed x : Binary[D]
  latent   z : Unit[Z]
  p(z)     = Normal(0, 1) |> sigmoid
  p(x | z) = Bernoulli(logits = linear(z))
  q(z | x) = Normal(m, exp(s)) |> repeat(2) { Coupling(c = h, C = 4) |> reverse } |> sigmoid
    where { m, s, h = mlp(x, hidden = [8]) }
  train elbo
}
"""
SPLINE = """bijection Spline(u : Real | w : Real[K], h : Real[K], d : Positive[K - 1], K = 5, B = 3) -> Real =
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
model Spline1(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> Spline
  train maximum_likelihood
}
"""


@dataclasses.dataclass(frozen=True)
class Twin:
    """A change to a spec that holds, the code that must come of it, and the words that must be in the report."""

    name: str
    base: str
    old: str
    new: str
    code: str
    words: str = ""


TWINS = (
    # couplings and flows
    Twin("conditioner sees its target", FLOW, "mlp(a,", "mlp(b,", "G406", "feeds its own conditioner: u[2..4]"),
    Twin("conditioner sees everything", FLOW, "mlp(a,", "mlp(u,", "G406", "feeds its own conditioner"),
    Twin("scale can vanish", FLOW, "b * exp(tanh(s))", "b * tanh(s)", "G402", "s = 0"),
    Twin("scale is a network", FLOW, "b * exp(tanh(s))", "b * s", "G402", "counterexample: s = 0, t = 0"),
    Twin("divides by a network", FLOW, "b * exp(tanh(s))", "b / s", "G402"),
    Twin("one half twice", FLOW, "join(a, b * exp(tanh(s)) + t)", "join(b, b * exp(tanh(s)) + t)", "G401"),
    Twin("no permutation", FLOW, "|> reverse }", "}", "G404", "dimensions 0..2"),
    Twin("a single coupling", FLOW, "repeat(4) { Coupling |> reverse }", "Coupling", "G404"),
    Twin("no squashing", FLOW, "|> sigmoid |>", "|>", "G403", "takes Unit, and gets Real"),
    Twin("squashed twice", FLOW, "|> sigmoid |>", "|> sigmoid |> sigmoid |>", "G403", "takes Real, and gets Unit"),
    Twin("other levels", FLOW, "quantize(17)", "quantize(16)", "G403", "Integer(0..16)"),
    Twin("another shape", FLOW, "observed x : Integer(0..17)[D]", "observed x : Integer(0..17)[5]", "G407"),
    Twin("unsigned divisor", FLOW, "d : Positive", "d : Real", "G402", "declare `d : Positive`"),
    Twin("non-negative divisor", FLOW, "d : Positive", "d : NonZero", "G203"),
    # scalar maps
    Twin("unsigned slope", SCALAR, "a : Positive", "a : Real", "G402", "a = 0"),
    Twin("jump", SCALAR, "then u else", "then u + 1 else", "G403", "never takes the value 0.5"),
    Twin("fold", SCALAR, "else a * u", "else -a * u", "G401", "counterexample"),
    Twin("plateau", SCALAR, "if u >= 0 then u else a * u", "relu(u)", "G401", "both map to 0"),
    Twin("square", SCALAR, "if u >= 0 then u else a * u", "u^2", "G401", "u = 1 and u = -1 both map to 1"),
    Twin("wave", SCALAR, "if u >= 0 then u else a * u", "sin(a * u)", "G401", "out of order"),
    Twin("constant", SCALAR, "if u >= 0 then u else a * u", "0 * u + a", "G402"),
    Twin("not onto", SCALAR, "if u >= 0 then u else a * u", "exp(u)", "G403", "declare the result as `Positive`"),
    Twin("not defined", SCALAR, "if u >= 0 then u else a * u", "log(u)", "G403", "u = 0"),
    Twin("too wide a codomain", SCALAR, "-> Real = if u >= 0 then u else a * u", "-> Unit = tanh(u)", "G403"),
    Twin(
        "wrong target", SCALAR, "-> Real = if u >= 0 then u else a * u", "-> Unit = sigmoid(u)", "G403", "ends in Unit"
    ),
    # distributions through maps
    Twin("prior on another set", PIPED, "Normal(0, 1) |> sigmoid", "Normal(0, 1) |> exp", "G403", "ends in Positive"),
    Twin(
        "base on another set",
        PIPED,
        "Normal(0, 1) |> sigmoid",
        "Uniform(0, 1) |> sigmoid",
        "G403",
        "gets Interval(0, 1)",
    ),
    Twin("scale of a base", PIPED, "exp(s)", "s", "G501", "cannot prove that the scale"),
    Twin("conditions its own target", PIPED, "mlp(a, c,", "mlp(b, c,", "G401", "both map to"),
    Twin("posterior that keeps places", PIPED, "|> reverse }", "}", "G404", "never transformed"),
    Twin("piped and quantized", PIPED, "Normal(0, 1) |> sigmoid", "Normal(0, 1) |> sigmoid |> quantize(2)", "G403"),
    # splines
    Twin("knots that fall", SPLINE, "x = -B + join(0, cumsum(W))", "x = -B + join(0, cumsum(-W))", "G401"),
    Twin("widths of any sign", SPLINE, "softmax(w)", "w", "G402", "is taken"),
    Twin("heights of any sign", SPLINE, "softmax(h)", "h", "G401"),
    Twin("widths that are too wide", SPLINE, "softmax(w))", "2 * softmax(w))", "G403", "it never takes"),
    Twin("heights that are too high", SPLINE, "softmax(h))", "1.001 * softmax(h))", "G401"),
    Twin("least width of all", SPLINE, "W = 2 * B * (0.001 + (1", "W = 2 * B * (0.001 + (0.99", "G401"),
    Twin("knots from elsewhere", SPLINE, "x = -B +", "x = -2 +", "G401"),
    Twin("values from elsewhere", SPLINE, "y = -B +", "y = -2 +", "G401"),
    Twin("slopes of any sign", SPLINE, "d : Positive[K - 1]", "d : Real[K - 1]", "G401"),
    Twin("tails of another slope", SPLINE, "then u\n", "then 2 * u\n", "G403", "it never takes the value"),
    Twin("a wider box", SPLINE, "if abs(u) >= B", "if abs(u) >= B + 1", "G401"),
    Twin("r of the wrong width", SPLINE, "(u - x[k]) / W[k]", "(u - x[k]) / H[k]", "G401"),
    Twin("a height forgotten", SPLINE, "y[k] + H[k] *", "y[k] +", "G401"),
    # factorizations
    Twin("sees everything", NADE, "W[:, <i] @ x[<i]", "W @ x", "G305", "`x` is not strictly before `x[i]`"),
    Twin("sees itself", NADE, "b[i] +", "b[i] + x[i] +", "G305"),
    Twin("sees the present", NADE, "p(x[i] | x[<i])", "p(x[i] | x[<=i])", "G305", "x[<=i]"),
    Twin("head lists nothing", NADE, "p(x[i] | x[<i])", "p(x[i])", "G105", "`x[<i]` is mentioned"),
    Twin("twice", NADE, "  train", "  p(x) = Bernoulli(logits = b)\n  train", "G302", "first produced here"),
    Twin("unlisted latent", LATENT, "p(x | z)", "p(x)", "G105", "`z` is mentioned"),
    Twin("cycle", LATENT, "p(z)     = Normal(0, 1)", "p(z | x) = Normal(linear(x), 1)", "G301"),
    Twin("never produced", LATENT, "  p(z)     = Normal(0, 1)\n", "", "G303", "`z` is never produced"),
    # distributions
    Twin("unsigned scale", GAUSSIAN, "s : Positive[D]", "s : Real[D]", "G501", "declare `param s : Positive[D]`"),
    Twin("wrong support", GAUSSIAN, "observed x : Real[D]", "observed x : Positive[D]", "G502", "events in Real"),
    Twin("discrete events", GAUSSIAN, "observed x : Real[D]", "observed x : Binary[D]", "G502"),
    Twin("continuous events", NADE, "observed x : Binary[D]", "observed x : Real[D]", "G502"),
    Twin("logits as a probability", NADE, "logits =", "probability =", "G501", "Unit"),
    Twin("fewer logits than values", MIXTURE, "a : Real[K]", "a : Real[2]", "G502", "events in Integer(0..2)"),
    Twin("values that do not start at 0", MIXTURE, "k : Category(K)", "k : Integer(-1..2)", "G204"),
    Twin(
        "no distribution",
        MIXTURE,
        "logits = a",
        "sigmoid(a)",
        "G501",
        "counterexample: a = 0, sigmoid(a) = [0.5, 0.5, 0.5]",
    ),
    Twin("negative probabilities", MIXTURE, "logits = a", "a", "G501", "counterexample: a = [0, 0, 0]"),
    Twin("logits that are not defined", MIXTURE, "logits = a", "logits = log(a)", "G501", "is not defined"),
    # chains
    Twin(
        "missing ratio",
        CHAIN,
        "metropolis(y)",
        "accept(y, min(1, exp(U(x) - U(y))))",
        "G602",
        "detailed balance fails between x = [0, 0] and x = [1, 1]",
    ),
    Twin("nothing rejected", CHAIN, "y ~ Normal", "x' ~ Normal", "G601", "E|x'|^2 - E|x|^2 = 0.0025"),
    Twin("no probability", CHAIN, "metropolis(y)", "accept(y, exp(U(x) - U(y)))", "G501", "not be a probability"),
    Twin("no proposal", CHAIN, "sqrt(2 * eps)", "0", "G501", "it is 0"),
    # objectives
    Twin("likelihood of an energy", CHAIN, "sample chain(mala, burn_in = 10)", "train maximum_likelihood", "G701", "∝"),
    Twin(
        "likelihood with a latent",
        LATENT,
        "linear(z))",
        "linear(z))\n  train maximum_likelihood",
        "G701",
        "`z` is latent",
    ),
)
FIRST = {"nothing rejected": ("   x' = metropolis(y)", "")}


def report_of(text: str) -> tuple[list[str], str]:
    """The codes and the whole report of a spec."""
    from gencompiler.diagnostics.render import render

    source = SourceText("twin.gen", text)
    try:
        done = pipeline.run(source, until="check")
    except CompileError as error:
        return [d.code for d in error.diagnostics], render(error.diagnostics, {source.name: source})
    return [d.code for d in done.diagnostics], ""


@pytest.mark.parametrize(
    "base", [FLOW, SCALAR, PIPED, SPLINE, NADE, GAUSSIAN, LATENT, MIXTURE, CHAIN], ids=lambda b: b.split()[1]
)
def test_the_spec_holds(base: str) -> None:
    done = pipeline.run(SourceText("base.gen", base), until="check")
    assert done.diagnostics == ()
    assert {v.status for v in done.checked.verdicts if v.obligation.id != "integrable"} == {"proved"}


@pytest.mark.parametrize("twin", TWINS, ids=lambda t: t.name)
def test_the_broken_twin_does_not(twin: Twin) -> None:
    base = twin.base.replace(*FIRST[twin.name]) if twin.name in FIRST else twin.base
    assert twin.old in base
    found, text = report_of(base.replace(twin.old, twin.new))
    assert found[:1] == [twin.code], text
    assert twin.words in text


def test_the_example_of_the_architecture_to_the_letter() -> None:
    _, text = report_of(
        """model Flow(D = 4) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  param scale : Real[D]

  bijection Scale(u : Real) -> Real = scale * u
  x = z |> Scale
}
"""
    )
    assert (
        text.rstrip("\n").removesuffix("1 error").rstrip("\n")
        == """\
error[G402]: cannot prove that `scale` is never zero, so `Scale` may not be invertible
  --> twin.gen:7:39
   5 |   param scale : Real[D]
     |         ----- declared without a sign
   7 |   bijection Scale(u : Real) -> Real = scale * u
     |                                       ^^^^^^^^^ zero here makes every u map to 0
   = counterexample: scale = 0, u = 0 and u = 1 both map to 0
   = help: declare `param scale : Positive[D]`"""
    )


def test_its_fix_is_accepted() -> None:
    assert report_of(
        """model Flow(D = 4) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  param scale : Positive[D]

  bijection Scale(u : Real) -> Real = scale * u
  x = z |> Scale
}
"""
    ) == ([], "")


class TestAssumptions:
    SPEC = """model Assumed(D = 2) {
  observed x : Real[D]
  param s : Real[D]
  p(x) = Normal(0, s)
  assume positive(s) because "it starts at 1 and is projected"
}
"""

    def test_what_rests_on_one_says_so(self) -> None:
        done = pipeline.run(SourceText("a.gen", self.SPEC), until="check")
        (verdict,) = [v for v in done.checked.verdicts if v.obligation.id == "admissible"]
        assert verdict.status == "assumed"
        assert verdict.assumptions == ("it starts at 1 and is projected",)

    def test_without_it_the_claim_is_refuted(self) -> None:
        text = "\n".join(line for line in self.SPEC.splitlines() if "assume" not in line)
        assert report_of(text)[0] == ["G501"]

    def test_a_scale_of_a_map(self) -> None:
        done = pipeline.run(
            SourceText(
                "a.gen",
                """model Assumed(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  param s : Real[D]
  p(z) = Normal(0, 1)
  bijection Scale(u : Real[D]) -> Real[D] = s * u
  x = z |> Scale
  assume positive(s) because "projected"
}
""",
            ),
            until="check",
        )
        statuses = {v.obligation.id: v.status for v in done.checked.verdicts}
        assert statuses["invertible"] == "assumed"
        assert statuses["domains"] == "assumed"

    def test_an_unknown_name(self) -> None:
        found, text = report_of(self.SPEC.replace("positive(s)", "positive(r)"))
        assert "G101" in found
        assert "`r`" in text

    def test_an_assumed_inverse_is_still_missing(self) -> None:
        base = SCALAR.replace("if u >= 0 then u else a * u", "u + exp(sin(u)) / (2.5 + a)").replace(
            "  x = z |> F\n", '  x = z |> F\n  assume invertible(F) because "increasing"\n'
        )
        assert report_of(base)[0] == ["G406"]
        without = base.replace('  assume invertible(F) because "increasing"\n', "")
        found, text = report_of(without)
        assert found == ["G408"]
        assert "assume" not in text  # there is no inverse to compile, so it would not help

    def test_a_claim_of_positivity(self) -> None:
        claimed = self.SPEC.replace('assume positive(s) because "it starts at 1 and is projected"', "claim positive(s)")
        assert report_of(claimed.replace("s : Real[D]", "s : Positive[D]"))[0] == []
        assert report_of(claimed)[0] == ["G501", "G501"]
