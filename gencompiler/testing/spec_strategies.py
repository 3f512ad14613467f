"""Hypothesis strategies for whole specs: random models that are valid by construction.

Every mechanism is a strategy that writes the text of one model from random parts: expressions over what is in scope,
parameters, networks, conditioners, scalar bijections, potentials.  What comes out must check, compile, and have every
property of its certificate; `tests/testing/test_random_specs.py` says so.
"""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

#: Functions of any real with bounded slope, so that a deep composition neither overflows nor loses its gradient.
SMOOTH = ("tanh({})", "sigmoid({})", "softplus({})", "sin({})", "atan({})", "asinh({})", "0.5 * ({})", "-({})")

#: Bijections of the reals that grow like a power in either direction, by their definition.
SCALAR_MAPS = {
    "Affine": "bijection Affine(u : Real | m : Real, s : Positive) -> Real = m + s * u",
    "Tilt": "bijection Tilt(u : Real | s : Positive) -> Real = if u < 0 then u / (1 + s) else u",
    "SinhArcsinh": (
        "bijection SinhArcsinh(u : Real | e : Real, d : Positive) -> Real = sinh((asinh(u) + e) / (d + 0.5))"
    ),
    "Steeper": "bijection Steeper(u : Real) -> Real = if u < 0 then 0.5 * u else 2 * u",
    "Flip": "bijection Flip(u : Real | b : Real) -> Real = b - u",
}


@dataclasses.dataclass
class Writer:
    """The text of a model under construction: parameters are declared as expressions ask for them."""

    draw: st.DrawFn
    parameters: list[str] = dataclasses.field(default_factory=list)
    conditions: tuple[str, ...] = ()  # vectors that networks also read

    def parameter(self, support: str, shape: str = "") -> str:
        """The name of a fresh parameter."""
        name = f"w{len(self.parameters)}"
        self.parameters.append(f"{name} : {support}{shape}")
        return name

    def given(self) -> str:
        """The declaration of a given variable, or of none; networks read it from here on."""
        kind = self.draw(st.sampled_from(["nothing", "vector", "class"]))
        if kind == "nothing":
            return ""
        self.conditions = ("c",) if kind == "vector" else ("embedding(c, size = 2)",)
        return "  given c : Real[2]\n" if kind == "vector" else "  given c : Category(3)\n"

    def shift(self) -> list[str]:
        """A scalar that depends on what is given, where anything is."""
        return [f"{self.parameter('Real', '[2]')} @ {vector}" for vector in self.conditions]

    def scalar(self, names: list[str], depth: int = 2) -> str:
        """A real expression over scalars in scope and fresh parameters."""
        choice = self.draw(st.integers(0, 5 if depth else 1))
        if choice == 0 or (choice == 1 and not names):
            return self.draw(st.sampled_from([self.parameter("Real"), "0.5", "-1", "2"]))
        if choice == 1:
            return self.draw(st.sampled_from(names))
        if choice <= 3:
            operator = self.draw(st.sampled_from(["+", "-", "*"]))
            left, right = self.scalar(names, depth - 1), self.scalar(names, depth - 1)
            return f"({left} {operator} {right})" if operator != "*" else f"(tanh({left}) * ({right}))"
        function = self.draw(st.sampled_from(SMOOTH))
        return function.format(self.scalar(names, depth - 1))

    def positive(self, inner: str) -> str:
        """A positive expression made of a real one, bounded away from 0."""
        form = self.draw(
            st.sampled_from(["exp(tanh({}))", "softplus({}) + 0.1", "0.2 + sigmoid({})", "1 + ({})^2 / 4"])
        )
        return form.format(inner)

    def vector(self, source: str, inner: str, outer: str) -> str:
        """A vector expression [outer] of a vector `source` [inner]: an affine form, a layer, a network."""
        kind = self.draw(st.sampled_from(["affine", "layer", "network"]))
        if kind == "network" or self.conditions:
            activation = self.draw(st.sampled_from(["relu", "tanh", "softplus"]))
            source = ", ".join((source, *self.conditions))
            return f"mlp({source}, hidden = [3], activation = {activation}, size = {outer})"
        weights, bias = self.parameter("Real", f"[{outer}, {inner}]"), self.parameter("Real", f"[{outer}]")
        form = f"{weights} @ {source} + {bias}"
        return form if kind == "affine" else f"{self.draw(st.sampled_from(['tanh', 'sigmoid', 'softplus']))}({form})"

    def declarations(self) -> str:
        return f"  param {', '.join(self.parameters)}\n" if self.parameters else ""


def model(header: str, writer: Writer, body: str, before: str = "") -> str:
    first, _, rest = header.partition("\n")
    return f"{before}{first}\n{rest}{writer.declarations()}{body}}}\n"


@st.composite
def autoregressive(draw: st.DrawFn) -> str:
    """A factorization over dimensions, binary or real, with causal reductions of every kind the compiler knows."""
    writer = Writer(draw)
    size = draw(st.integers(2, 4))
    binary, condition = draw(st.booleans()), writer.given()
    summaries = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["carried", "row", "total", "curved"]))
        if kind == "carried":
            hidden = draw(st.integers(1, 3))
            weights = writer.parameter("Real", f"[{hidden}, {size}]")
            bias, out = writer.parameter("Real", f"[{hidden}]"), writer.parameter("Real", f"[{size}, {hidden}]")
            function = draw(st.sampled_from(["sigmoid", "tanh"]))
            summaries.append(f"{out}[i] @ {function}({bias} + {weights}[:, <i] @ x[<i])")
        elif kind == "row":
            summaries.append(f"{writer.parameter('Real', f'[{size}, {size}]')}[i, <i] @ x[<i]")
        else:
            summaries.append("sum(x[<i])" if kind == "total" else "sum(tanh(x[<i]))")
    bias = f"{writer.parameter('Real', f'[{size}]')}[i]"
    names = ["a", bias, *(f"({shift})" for shift in writer.shift())]
    mean = f"{bias} + {writer.scalar(names)}"
    if binary:
        law = f"Bernoulli(logits = {mean})"
    else:
        family = draw(st.sampled_from(["Normal", "Logistic", "Laplace"]))
        law = f"{family}({mean}, {writer.positive(writer.scalar(names, 1))})"
    support = "Binary" if binary else "Real"
    body = f"  p(x[i] | x[<i]) = {law} where {{ a = {' + '.join(summaries)} }}\n  train maximum_likelihood\n"
    return model(f"model Auto {{\n  observed x : {support}[{size}]\n{condition}", writer, body)


@st.composite
def flows(draw: st.DrawFn) -> str:
    """A pipeline of couplings and scalar bijections, in either direction, from a Normal or a Logistic base."""
    writer = Writer(draw)
    size = draw(st.integers(2, 4))
    chosen = draw(st.lists(st.sampled_from(sorted(SCALAR_MAPS)), max_size=2, unique=True))
    shift = draw(st.sampled_from(["t", "tanh(t)", "2 * t"]))
    scale = draw(st.sampled_from(["exp(tanh(s))", "(softplus(s) + 0.1)", "(0.5 + sigmoid(s))"]))
    hidden, activation = draw(st.integers(1, 4)), draw(st.sampled_from(["relu", "tanh"]))
    condition = writer.given()
    # A map takes what is given as a parameter.
    takes, reads = (" | c : Real[2]", "a, c") if condition else ("", "a")
    couple = f"Couple(c = {writer.conditions[0]})" if condition else "Couple"
    coupling = (
        f"bijection Couple(u : Real[D]{takes}) -> Real[D] = join(a, b * {scale} + {shift})\n"
        f"  where {{ a, b = split(u)   s, t = mlp({reads}, hidden = [{hidden}], activation = {activation}) }}\n"
    )
    stages = [couple, "reverse", couple, *draw(st.permutations(chosen))]
    if size % 2:  # the middle element of an odd vector meets every transformation through the reversals
        stages = [couple, "reverse", couple, "reverse", "Affine", *chosen]
        chosen = sorted({*chosen, "Affine"})
    count = draw(st.integers(1, 2))
    pipeline = " |> ".join(stages)
    if count > 1:
        pipeline = f"repeat({count}) {{ {pipeline} }}"
    base = draw(st.sampled_from(["Normal(0, 1)", "Logistic(0, 1)"]))
    # Data of a few levels are dequantized, which only a map from latent to data may end in.
    levels = draw(st.sampled_from([0, 3]))
    generates = levels > 0 or draw(st.booleans())
    support = f"Integer(0..{levels})" if levels else "Real"
    end = f" |> sigmoid |> quantize({levels})" if levels else ""
    link = f"x = z |> {pipeline}{end}" if generates else f"z = x |> {pipeline}"
    before = "".join(f"{SCALAR_MAPS[name]}\n" for name in chosen) + coupling
    header = f"model Flow {{\n  observed x : {support}[{size}]\n  latent z : Real[{size}]\n{condition}"
    return model(header, writer, f"  p(z) = {base}\n  {link}\n  train maximum_likelihood\n", before)


@st.composite
def chains(draw: st.DrawFn) -> str:
    """A confining energy with a bounded perturbation, sampled by a Metropolis chain."""
    writer = Writer(draw)
    size = draw(st.integers(1, 3))
    wave = draw(st.sampled_from(["sin", "cos", "tanh"]))
    place = draw(st.integers(0, size - 1))
    amplitude = draw(st.sampled_from(["0.5", "1", "2"]))
    condition = writer.given()
    angle = " + ".join([f"x[{place}]", *writer.shift()])
    potential = f"0.5 * x @ x + {amplitude} * {wave}({angle})"
    step = draw(st.sampled_from(["0.1", "0.3"]))
    drift = f"x - {step} * grad(U)(x)" if draw(st.booleans()) else "x"
    body = (
        f"  p(x) ∝ exp(-U(x))\n  def U(x : Real[{size}]) -> Real = {potential}\n"
        f"  transition move(x' | x) {{ y ~ Normal({drift}, sqrt(2 * {step}))   x' = metropolis(y) }}\n"
        "  claim stationary(move, p)\n  sample chain(move, burn_in = 50)\n"
    )
    return model(f"model Chain {{\n  observed x : Real[{size}]\n{condition}", writer, body)


@st.composite
def latents(draw: st.DrawFn) -> str:
    """A latent variable with a recognition model, trained by an objective that its kind of latent allows."""
    writer = Writer(draw)
    size, hidden = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    discrete, condition = draw(st.booleans()), writer.given()
    prior = f"Bernoulli(logits = {writer.parameter('Real', f'[{hidden}]')})" if discrete else "Normal(0, 1)"
    if draw(st.booleans()):
        support, law = "Binary", f"Bernoulli(logits = {writer.vector('z', str(hidden), str(size))})"
    else:
        scale = writer.positive(writer.parameter("Real", f"[{size}]"))
        support, law = "Real", f"Normal({writer.vector('z', str(hidden), str(size))}, {scale})"
    if discrete:
        guess = f"Bernoulli(logits = {writer.vector('x', str(size), str(hidden))})"
        objective = draw(st.sampled_from(["wake_sleep", "reweighted_wake_sleep(K = 3)", "score_function(K = 2)"]))
    else:
        guess = f"Normal({writer.vector('x', str(size), str(hidden))}, {writer.positive(writer.parameter('Real'))})"
        objective = draw(st.sampled_from(["elbo", "beta_elbo(beta = 2)", "iwae(K = 3)", "iwae_dreg(K = 3)"]))
    kind = "Binary" if discrete else "Real"
    header = f"model Latent {{\n  observed x : {support}[{size}]\n  latent z : {kind}[{hidden}]\n{condition}"
    body = f"  p(z) = {prior}\n  p(x | z) = {law}\n  q(z | x) = {guess}\n  train {objective}\n"
    return model(header, writer, body)
