"""Few and quick statements whose proofs and refutations use every rule of the kernel: names of the corpora, and specs
of their own for what these do not reach."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import apply, element, literal, symbol
from tests.checks import density_corpus, density_corpus_more, mass_corpus, soundness, vector_statements
from tests.checks.test_chain_statements import FALSE as FALSE_CHAINS
from tests.checks.test_chain_statements import TRUE as TRUE_CHAINS
from tests.checks.test_inverse_networks import heads, spec
from tests.checks.test_sde_statements import STATEMENTS as SDES
from tests.proof import density_rule_statements

ROOT = Path(__file__).parents[2]

SCALAR = (
    "(u : Real | a : Positive) -> Real = if u >= 0 then u else a * u",
    "(u : Real) -> Real = u + max(u, 0)",
    "(u : Real) -> Real = if u >= 0 then u + 1 else u",
    "(u : Positive) -> Positive = u^2",
    "(u : Real | a : Real) -> Real = u + (if a > 0 then 1 else 2)",
    "(u : Positive) -> Unit = 1 - exp(-u) / 2",
    "(u : Real) -> Real = if u > 0 then u else exp(u) - 1",
    "(u : Real | a : Real, b : Real) -> Real requires a >= 0 = a * u + b",
    "(u : Real) -> Real = u + 1.01 * relu(-u)",
    "(u : Interval(0, 1)) -> Open(0, 1) = u^2",
    "(u : Positive | a : Positive, b : Real, c : NonNegative, d : Positive) -> Real requires a * d - b * c > 0 = log(u)",
    "(u : Real) -> Real = if abs(u) <= 1 then u^3 else u",
    "(u : Real) -> Real = if u >= 0 then exp(u) - 1.01 else u",
    "(u : Real) -> Real = u / sqrt(1 + u^2)",
    "(u : Real) -> Real = if u > 1 then 2 * u - 0.99 else u",
    "(u : Real | a : Interval(-1, 1)) -> Real = u + a * sin(u)",
    "(u : Real[3] | c : Real[3], a : Positive, b : NonNegative) -> Real[3] = u + b * (u - c) / (a + norm(u - c))",
    "(u : Real | a : Real) -> Real requires a != 0 = u / (2 * a)",
    "(u : Real | a : Real, s : Positive) -> Real requires a != 0 = s / (a * s) + u",
    "(u : Real | w : Simplex(3)) -> Real = u / (sum(w) + 1)",
    "(u : Real[2] | L : Lower(2), c : Real[2]) -> Real[2] = u + inverse(L) @ c",
    "(u : Real[3] | w : Real[3], v : Real[3]) -> Real[3] requires w @ v >= 0 = u + v * tanh(w @ u)",
    "(u : Real[3] | v : Real[3], w : Real[3]) -> Real[3] requires 1 + w @ v != 0 = u + v * (w @ u)",
    "(u : Real | v : Interval(0, 1), w : Simplex(3)) -> Real = u + bin(v, join(0, cumsum(w)))",
    "(u : Real | w : Simplex(2)) -> Real = if u > 0 then u + w[0] else u",
    "(u : Real | a : Unit) -> Real = u / (1 - prod(for s in 3: if s < 2 then a / 2 else 1))",
    "(u : Real | w : Simplex(2)) -> Real = if u > 1 then exp(u) - 2 else u + 0.001 * w[0]",
    "(u : Interval(0, 1)) -> Interval(0, 1) = sin(pi * u / 2)",
    "(u : Interval(0, 1)) -> Open(-1, 1) = cos(pi * u)",
    "(u : Open(-1, 1)) -> Real = tan(pi * u / 2)",
    "(u : Real | a : Interval(0, 1)) -> Real = u * (1 + sin(pi * a / 3))",
    "(u : NonZero) -> NonZero = -2 / u",
    "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = 3 - u",
    "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = 3 * u",
    "(u : Integer(0..3)) -> Integer(0..3) = 2 - u",
    "(u : Integer(-inf..inf)[2]) -> Integer(-inf..inf)[2] = join(a, b + floor(3 * tanh(a))) where { a, b = split(u) }",
    "(u : Integer(-inf..inf)[2]) -> Integer(-inf..inf)[2] = join(a, 2 * b) where { a, b = split(u) }",
    "(u : Real[3]) -> Real[3] = for i: (i - 1.5) * u[i] + sum(u[<i])",
    "(u : Positive[2]) -> Positive[2] = [u[0] * u[1], u[0] / u[1]]",
    "(u : Real[4] | e : Real) -> Real[4] = join(q, h - e * q^3) where { x, p = split(u)  h = p - e * x^3  q = x + e * h }",
    "(u : Unit[2]) -> Unit[2] = [u[0] * u[1], u[1]]",
    "(u : Real[2]) -> Real[2] = [exp(u[0]) * cos(u[1]), exp(u[0]) * sin(u[1])]",
    "(u : Real[4]) -> Real[4] = join(a * exp(t), b * exp(s)) where { a, b = split(u)  s = mlp(a)  t = mlp(b) }",
    "(u : Real[2]) -> Real[2] = u / (1 + norm(u))",
    "(u : Real[2]) -> Real[2] = [u[0] + 0.5 * tanh(u[0] + u[1]), u[1] - 1.4 * tanh(u[0] + u[1])]",
    "(u : Real[20]) -> Real[20] = u - 2 * tanh(u)",
    "(u : Real[20] | v : Real[20]) -> Real[20] = u - v * tanh(v @ u)",
    "(u : Real | c : Real) -> Real requires c^2 < 1 = u + c * sin(u)",
    "(u : Real[2] | W : Real[2, 2]) -> Real[2] requires norm(W) < 1.1 = u + W @ sin(u)",
    "(u : Real[2] | c : Real[2]) -> Real[2] = c + (u - c) * sqrt(1 + norm(u - c))",
    "(u : Real | w : Simplex(2)) -> Real = if u > 1 then u else if u > 0 then 1.01 * u else exp(u) - w[0] - w[1]",
    "(u : Real[3] | A : Real[2, 3], b : Real[2]) -> Real[3] = u + 1 + transpose(A) @ (0.5 * softmax(A @ u + b))",
    "(u : Real[2] | A : Real[2, 2], W : Real[2, 2]) -> Real[2] = u^3 + (W - transpose(W)) @ u + A @ relu(u @ A)",
    "(u : Real[2] | v : Real[2], w : Real[2]) -> Real[2] = 2 * u + v * tanh(v @ u) + w * exp(w @ u)",
    "(u : Real[2]) -> Real[2] = u * norm(u) + softmax(u)",
    "(u : Real[3]) -> Open(-1, 1)[3] = u / sqrt(1 + u @ u)",
    "(u : Real[2]) -> Real[2] = [[2, 1], [1, 1]] @ u",
    "(u : Real[2] | W : Real[2, 2]) -> Real[2] = expm(W) @ u",
    "(u : Real[3] | A : Real[2, 3]) -> Real[3] = transpose(A) @ (A @ u) + tanh(u)",
    "(u : Real[3]) -> Real[3] = 2 * u + [u[1], u[2], u[0]]",
    "(u : Real[3]) -> Real[3] = [cos(u[2]) * u[0] - sin(u[2]) * u[1], sin(u[2]) * u[0] + cos(u[2]) * u[1], u[2]]",
    "(u : Real[3]) -> Real[3] = [u[0] + 0.3 * tanh(u[1] + u[2]), u[1] + 0.3 * sin(u[0] - u[2]), u[2] + 0.3 * sin(u[0] + u[1])]",
    "(u : Real | a : Real) -> Real = if a > 0 then u else 2 * u",
    "(u : Real[4]) -> Real[4] = m * u + (1 - m) * (2 * u + mlp(m * u, hidden = [4])) where { m = [1, 0, 1, 0] }",
    "(u : Real[2] | a : Real, b : Real) -> Real[2] requires a^2 + b^2 > 0 = [a * u[0] - b * u[1], b * u[0] + a * u[1]]",
    "(u : Real[2] | W : Real[2, 2]) -> Real[2] = u + (W @ tanh(u)) / (1 + norm(W))",
    "(u : Real[2] | W : Real[2, 2]) -> Real[2] = u + 0.9 * W @ sin(u) / sqrt(1 + sum(W * W))",
    "(u : Real[2] | W : Real[2, 3], V : Real[3, 2]) -> Real[2] requires sum(W * W) * sum(V * V) < 1 = u + W @ tanh(V @ u)",
    "(u : Angle | b : Unit, a : Real) -> Angle = 1 - (u + b * sin(u - a))",
    "(u : Angle | r : Unit, a : Real) -> Angle = u - 2 * atan(r * sin(a - u) / (1 - r * cos(u - a)))",
    "(u : Angle | r : Unit) -> Angle = u + 2 * atan(r * sin(u) / (1 - 0.5 * r * cos(u)))",
    "(u : Angle | r : Unit) -> Angle = u + 2 * atan(r * sin(2 * u) / (1 - r * cos(u)))",
    "(u : Angle | w : Simplex(2), a : Real[2]) -> Angle = w @ (u + 2 * atan(sin(u - a) / (2 - cos(u - a))))",
    *(
        "(u : Angle | w : Real[2], h : Real[2]) -> Angle = y[k] + H[k] * (u - x[k]) / W[k] where {"
        f" W = 2 * pi * softmax(w)  x = -pi + join(0, cumsum(W))  H = {turn} * softmax(h)  y = 1 + join(0, cumsum(H))"
        "  k = bin(u, x) }"
        for turn in ("2 * pi", "pi")
    ),
    "(u : Real[2] | w : Simplex(3), h : Simplex(3), d : Positive[2]) -> Real[2] = "
    "for i: RationalQuadraticSpline(u[i] | w, h, d, K = 3)",
    "(u : Angle) -> Angle = -2 * u",
    "(u : Angle) -> Angle = u / 2",
    "(u : Angle) -> Angle = u + 1.5 * sin(u)",
    "(u : Angle[2]) -> Angle[2] = join(a, a + b) where { a, b = split(u) }",
    "(u : Angle) -> Real = u",
)
VECTOR = (
    "planar, the direction made admissible (Rezende & Mohamed, A.1)",
    "stretched within a plane",
    "a stretch that may be 0",
    "a strictly triangular part",
    "a reflection in a plane",
    "a choice by the norm of a parameter",
    "a projection on a hyperplane",
    "a rotation of the halves, written out",
    "a rotation with a sign lost: singular at pi / 4",
    "a rotation back",
    "a rotation, tanh, one half",
    "by index in a coupling",
    "a layer onto the positive numbers",
    "a product of matrices",
    "a positive multiple",
    "I + v v^T has determinant 1 + v @ v",
    "a bound of a composition",
    "a multiple that may be 0",
    "onto the positive numbers, declared real",
    "a wave of the entry",
)
DENSITY = ("InverseGaussian", "DiscreteWeibull", "Kumaraswamy", "TruncatedExponential", "DiscretizedLogistic")
DENSITY += ("WrappedCauchy", "TruncatedNormalBetween", "JohnsonSUMoved", "MixtureOnASimplex")
CHAIN = (
    "inversion",
    "not_ergodic",
    "bit_by_hand",
    "hmc",
    "corruption",
    "always_quartic",
    "rbm_power",
    "scan_mixture",
    "barker_div",
    "palindrome",
    "spin_metro",
    "iid_wrong",
    "mirror_off",
    "mix_not_one",
    "inverse_inv_acc_no",
    "ghmc_badpartial",
    "mix_state_composed2",
    "matrix_cycle",
    "matrix_db",
    "matrix_ergodic",
    "matrix_periodic",
    "matrix_off",
    "mh_cat_sym",
    "ula_gaussian",
    "broken_then_fresh",
    "refresh_ergodic",
    "neg_positive",
    "ising_scan_rev",
    "autoregression_wide",
    "rotation",
    "rotation_no",
)
CHAIN += ("ggibbs_sign", "ggibbs_stale", "unseen_augment", "hmc_euler", "ula_banana")
SDE = (
    "reversible: two noises",
    "reversible: underdamped",
    "reversible: flat",
    "stationary: squashed swirl",
    "stationary: a flat law",
    "kernel: noise of time, Stratonovich",
    "kernel: Brownian motion, t for its root",
    "kernel: slowing drift, exponent",
    "reverse: state-dependent",
    "reverse: state-dependent, half of it",
    "reverse: VP, the flow",
    "reverse: Brownian, no beta",
    "marginals: Stratonovich and Itô",
    "marginals: Stratonovich, sign",
    "marginals: two for one, added",
    "terminal: VE, unit",
    "terminal: OU, long enough",
)
TRAPS = (
    "bijection: the reciprocal",
    "cdf: a density everywhere else",
    "flow: a network of the catalogue",
    "chain: a site that is drawn",
)
SPECS = ("sprinkler", "gsm", "fokker_planck", "gtm", "gru", "bigan", "vae_flow_prior", "spline")
UI = (
    "g301_cycle",
    "g503_infinite_mass",
    "g306_blind_spot",
    "g409_explaining_away",
    "g701_energy",
    "g701_prior_missing",
    "g306_narrow_network",
    "g502_values_of_categorical",
    "g301_circle_within_a_slice",
)


def _annealed(*lines: str) -> str:
    """A model whose constant is sought along a path, by a transition called `move`."""
    *others, last = lines
    if last.startswith("="):
        last = f"transition move(x' | x, t : Interval(0, 1)) {last}"
    return "\n".join(["model M {", *others, last, "evaluate ais(path, move)", "}", ""])


_QUARTIC = (
    "observed x : Real[2]  p(x) ∝ exp(-sum(x^4))",
    "density path(x | t : Interval(0, 1)) ∝ Normal(x | 1, 2)^(1 - t) * p(x)^t",
    "transition a(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 0.5)  x' = metropolis(y, target = path) }",
    "transition b(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 2)  x' = metropolis(y, target = path) }",
)
_ORBIT = """model M { observed x : Real  latent v : Real  p(x, v) ∝ exp(-x^4 - v^2 / 2)
bijection leap(x : Real, v : Real | e : Real) -> (Real, Real) = (x + e * v, v)
bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)
def apart(x, v, y, w : Real) -> Real = min((y - x) * v, (y - x) * w)
transition walk(x', v' | x, v, e : Real) { x', v' = orbit(leap(e = e), flip, while = apart, doublings = 3) }
claim stationary(walk, p)
}
"""
OWN = {
    **density_rule_statements.OWN,
    "an energy that falls too slowly": "model M { observed x : Positive  p(x) ∝ exp(-x) / x }\n",
    "equations in turns": """model M { observed x : Real[3]  latent z : Real[3]  param a : Real
h[0] = 0
h[t] = tanh(a * h[t - 1] + x[t - 1] + z[t - 1])
p(z[t] | h[t]) = Normal(h[t], 1)  p(x[t] | z[t], h[t]) = Normal(z[t] * h[t], 1)  q(z[t] | x[t], h[t]) = Normal(x[t] + h[t], 1)
train elbo
}
""",
    "a condition that holds": """bijection F(u : Real | a : Real) -> Real requires a != 0 = a * u
model M { observed x : Real  latent z : Real  param s : Positive  p(z) = Normal(0, 1)  x = z |> F(a = s) }
""",
    "a number that is not 0": """model M { given c : NonZero  observed x : Real  latent z : Real  p(z) = Normal(0, 1)
bijection F(u : Real) -> Real = c * u
x = z |> F
}
""",
    "a stack over a sequence": """model M { observed x : Real[5]
p(x[i] | x[<i]) = Normal(wavenet(x[<i], hidden = 2, layers = 2), 1)
}
""",
    "a stack over an image": """model M { observed x : Real[3, 4]
p(x[i, j] | x[<(i, j)]) = Normal(masked(x[<(i, j)], hidden = 2, layers = 1, first = 3), 1)
}
""",
    "a composition whose last part breaks it": """model M { observed x : Real
p(x) ∝ exp(-x^4 / 4)
transition a(x' | x) { y ~ Normal(x, 0.7)  x' = metropolis(y) }
transition b(x' | x) { x' ~ Logistic(x, 2) }
transition t = a |> b
claim stationary(t, p)
}
""",
    "a current and one against it": """model M { observed x : Category(3)
p(x) ∝ exp(0 * x)
transition a(x' | x) { x' ~ Categorical([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]][x]) }
transition b(x' | x) { x' ~ Categorical([[0.1, 0.3, 0.6], [0.6, 0.1, 0.3], [0.3, 0.6, 0.1]][x]) }
transition t = a |> b
claim reversible(t, p)
}
""",
    "shares": "model M { observed k : Category(3)  param w : Positive[3]  p(k) = Categorical(probabilities = w / sum(w)) }\n",
    "equal shares": "model M { observed k : Category(3)  p(k) = Categorical(probabilities = for i in 0..3: 1 / 3) }\n",
    "a table": "model M { observed k : Category(2)  p(k) = Categorical(probabilities = [0.25, 0.75]) }\n",
    "a mixture of rows": """model M { observed k : Category(2)  param w : Simplex(2), A : Simplex(2)[2]
p(k) = Categorical(probabilities = w @ A) }
""",
    "one of two points": """model M { observed k : Category(2)  param w : Simplex(2), a : Real
p(k) = Categorical(probabilities = if a > 0 then w else [0.5, 0.5]) }\n""",
    "a mean by a point of a simplex": """model M { observed x : Binary[2]  latent w : Simplex(2)  param f : Unit[2, 2]
p(w) = Dirichlet(2)  p(x | w) = Bernoulli(probability = w @ f) }
""",
    "numbers along an order": """model M { observed x : Binary[3]  latent o : Permutation(3)
p(o) = Uniform()
p(x[o[i]] | x[o[<i]], o) = Bernoulli(0.1 + 0.2 * sum(scatter(x[o[<i]], o[<i], 3)))
}
""",
    "initial values that data give": """model M(D = 2) { observed x : Binary[D], y : Real
param b : Real[D] = logit(0.01 + 0.98 * E[x ~ data] x), s : Positive = sqrt(E[y ~ data] y^2)
param r : Interval(0, 1) = 0.25 + 0.25 * (E[x ~ data] mean(x)) + 0.25 * (E[x ~ data] x[0])
p(x) = Bernoulli(logits = b)  p(y) = Normal(r, s)
}
""",
    "a walk along an orbit": _ORBIT,
    "a sweep along a path": _annealed(
        "observed x : Binary[3]  latent h : Binary[2]  param W : Real[3, 2]  p(x, h) ∝ exp(x @ W @ h)",
        "density path(x, h | t : Interval(0, 1)) ∝ p(x, h)^t",
        "transition move(x', h' | x, h, t : Interval(0, 1)) { h' ~ path(h | x, t)  x' ~ path(x | h', t) }",
    ),
    "one of two moves along a path": _annealed(*_QUARTIC, "= mixture([0.3, 0.7], a(t = t), b(t = t))"),
    "two moves of a kind along a path": _annealed(*_QUARTIC, "= a(t = t)^2"),
    "many elements": """model M { observed x : Real[14]  latent a, b : Real[14]
p(a) = Normal(0, 1)  p(b) = Normal(0, 1)  p(x | a, b) = Normal(sum(a) * b, 1)
q(a | x) = Normal(x, 1)  q(b | x) = Normal(x, 1)
claim faithful(q, p)
}
""",
}


def statements() -> Iterator[tuple[str, str]]:
    """(name, file)"""
    yield from ((s, f"bijection F{s}\n") for s in SCALAR)
    for name, (parameters, result, body) in {**vector_statements.TRUE, **vector_statements.FALSE}.items():
        if name in VECTOR:
            bar = f" | {parameters}" if parameters else ""
            yield name, f"bijection F(u : Real[D]{bar}) -> {result} = {body}\n" + _AROUND
    for pair in (*density_corpus.DENSITIES, *mass_corpus.MASSES, *density_corpus_more.MORE):
        if pair.name in DENSITY:
            yield from ((f"{pair.name} {formula}", pair.spec(formula)) for formula in (pair.true, pair.false))
    yield from ((n, f"model M {{\n{body}\n}}\n") for n, body, _ in (*TRUE_CHAINS, *FALSE_CHAINS) if n in CHAIN)
    yield from ((s.name, s.model + "\n") for s in SDES if s.name in SDE)
    yield "an inverse", spec(heads("a; b|a"), ("b",), heads("a|b"))
    beside = spec(heads("a; b|a; c|b"), ("c",), heads("b|c; a|b,c"))
    yield "a parent too many", beside.replace("faithful", "minimal")
    yield from ((t.name, t.spec) for t in soundness.TRAPS if t.name in TRAPS)
    for path in sorted((ROOT / "specs").rglob("*.gen")):
        if path.stem in SPECS:
            yield path.stem, path.read_text(encoding="utf-8")
    yield from ((n, (ROOT / "tests" / "ui" / f"{n}.gen").read_text(encoding="utf-8")) for n in UI)
    yield from OWN.items()


_AROUND = "model M(D = 4) { observed x : Real[D]  latent z : Real[D]  p(z) = Normal(0, 1)  x = z |> F }\n"


# -- trees that a careless `on_box` would accept ---------------------------------------------------------------------

X = symbol("input", "x", REAL)
PAIR = symbol("parameter", "w", Support("Interval", (Fraction(0), Fraction(1))), (2,))
FIRST, SECOND = (element(PAIR, (literal(k),)) for k in (0, 1))
APART = apply("subtract", literal(Fraction(1, 2)), apply("power", apply("subtract", FIRST, SECOND), literal(2)))
SQUARE = apply("power", X, literal(2))
HERE = ("here",)
INSIDE = ((X, Interval(-1, 1, True, True)),)


#: (term, box, tree), none of which the rule may accept, with what is false about each.
TREES = (
    # -1/2 where the elements are 0 and 1, though positive where both are on one side of 1/2
    (APART, (), ("cut", PAIR, Fraction(1, 2), HERE, HERE)),
    # halves that are not all of the box
    (X, INSIDE, ("cut", X, Fraction(2), HERE, HERE)),
    # it falls: its least value is at the upper end
    (apply("negate", X), INSIDE, ("slope", X, True, HERE, HERE)),
    # it turns at 0
    (apply("add", SQUARE, X), INSIDE, ("slope", X, True, HERE, HERE)),
    # |x| has a kink, and its formula on one side is not the other's
    (apply("abs", X), ((X, Interval(0, 1)),), ("slope", X, True, HERE, HERE)),
    # a negative leading coefficient bounds from above
    (apply("subtract", literal(1), SQUARE), INSIDE, ("square", X, 1, HERE, HERE)),
    # nothing is known about it
    (X, INSIDE, ("condition", X)),
    # x may be negative, so that x^3 / x^2 has not the sign of its numerator's other factor
    (apply("multiply", X, apply("exp", X)), INSIDE, ("clear", (X,), HERE)),
    (X, INSIDE, ("no such step",)),
)
