"""Random statements that are true by construction, and the smallest breakages of them.

A scalar map is a composition of bijections of the line, one of which may be replaced by a neighbour that is none: then
the whole is none.  A density is the pushforward of a known one, its Jacobian written out.  A chain is a composition, or
a mixture, of kernels that each keep the target; where the last one does not, the composition does not, and where one
part of a mixture does not, the mixture does not."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st


@dataclasses.dataclass(frozen=True)
class Statement:
    """A file, which of its verdicts is meant, and whether it holds."""

    spec: str
    obligation: str
    holds: bool


@dataclasses.dataclass(frozen=True)
class Step:
    """A bijection of the line, `X` for its argument, and neighbours of it that are none.

    `parameters`: what it needs; those of a neighbour are written after a bar."""

    body: str
    broken: tuple[str, ...] = ()
    parameters: str = ""


#: Bijections of the reals onto the reals; each neighbour fails to be one, for some parameters, by 1 % or at an end.
STEPS = (
    Step("(2 * X - 1)"),
    Step("(3 - X / 2)"),
    Step("(m# + s# * X)", ("(m# + s# * X) | m# : Real, s# : NonNegative",), "m# : Real, s# : Positive"),
    Step("sinh(X)", ("(sinh(X) - 1.01 * X)", "cosh(X)")),
    Step("asinh(X)", ("atan(X)", "(asinh(X) - 1.01 * X)")),
    Step("(X^3 + X)", ("(X^3 - 0.01 * X)", "(X^2 + X)")),
    Step("X^3", ("X^2",)),
    Step("(X + sin(X))", ("(X + 1.01 * sin(X))",)),
    Step("(X - 0.99 * tanh(X))", ("(X - 1.01 * tanh(X))",)),
    Step("(X + c# * tanh(X))", ("(X + c# * tanh(X)) | c# : Interval(-1.01, 1)",), "c# : Interval(-0.99, 1)"),
    Step("(if X > 0 then X else a# * X)", ("(if X > 0 then X else a# * X) | a# : NonNegative",), "a# : Positive"),
    Step("(exp(X) - exp(-X))", ("(exp(X) + exp(-X))", "(exp(X) - exp(-X) - 2.01 * X)")),
    Step("(softplus(X) - softplus(-X))", ("(softplus(X) - softplus(-X) - X)", "softplus(X)")),
    Step("(X + abs(X) / 2)", ("(X + 1.01 * abs(X))",)),
)
#: Last steps: onto another set, and what they are not onto.
ENDS = (
    ("X", "Real", "Positive"),
    ("exp(X)", "Positive", "NonNegative"),
    ("sigmoid(X)", "Unit", "Interval(0, 1)"),
    ("softplus(X)", "Positive", "Real"),
    ("tanh(X)", "Open(-1, 1)", "Open(-1, 1.01)"),
    ("(1 + exp(X))", "Open(1, inf)", "Open(0.99, inf)"),
)


@st.composite
def scalar_maps(draw: st.DrawFn) -> Statement:
    """A composition of one to three steps and an end; broken at one step, at the end, or nowhere."""
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3))
    body_end, onto, not_onto = draw(st.sampled_from(ENDS))
    where = draw(st.sampled_from(["nowhere", "nowhere", "step", "end"]))
    breakable = [k for k, s in enumerate(steps) if s.broken]
    if where == "step" and not breakable:
        where = "end"
    broken = draw(st.sampled_from(breakable)) if where == "step" else -1
    body, parameters = "u", []
    for number, step in enumerate(steps):
        text, own = step.body, step.parameters
        if number == broken:
            text, _, own = draw(st.sampled_from(step.broken)).partition(" | ")
        body = text.replace("X", body)
        body = body.replace("#", str(number))
        parameters += [own.replace("#", str(number))] if own else []
    bar = f" | {', '.join(parameters)}" if parameters else ""
    result = not_onto if where == "end" else onto
    spec = f"bijection F(u : Real{bar}) -> {result} = {body_end.replace('X', body)}\n"
    return Statement(spec, "invertible", where == "nowhere")


# -- vectors ---------------------------------------------------------------------------------------------------------

_NETS = "s, t = mlp(a, hidden = [4], size = 2)"
#: Maps of Real[4], each with neighbours that are none.
LAYERS = (
    ("join(a, b * exp(tanh(s)) + t)", _NETS, ("join(a, b * tanh(s) + t)", "join(b, b * exp(tanh(s)) + t)")),
    ("join(a, b + mlp(a, hidden = [4]))", "", ("join(a + mlp(b, hidden = [4]), b + mlp(a, hidden = [4]))",)),
    ("join(b * softplus(s) + t, a)", _NETS, ("join(b * relu(s) + t, a)",)),
    ("join(a, sinh(b + t))", _NETS, ("join(a, sinh(b + t) - 1.01 * b)",)),
)
BY_INDEX = (
    ("for i: u[i] * exp(m) + s where { m, s = mlp(u[<i], hidden = [4]) }", "m, s = mlp(u[<i]", "m, s = mlp(u[<=i]"),
    ("for i: u[i] + tanh(W[i, <i] @ u[<i])", "W[i, <i] @ u[<i]", "W[i] @ u"),
    ("for i: sinh(u[i]) * (2 + sin(sum(u[<i])))", "(2 + sin", "(0.99 + sin"),
)
MATRICES = (("L @ u", "L : Lower(4)", "L : Real[4, 4]"), ("Q @ u", "Q : Orthogonal(4, 4)", "Q : Real[4, 4]"))


@st.composite
def vector_maps(draw: st.DrawFn) -> Statement:
    """A coupling, a map by index or a linear map, perhaps reversed, perhaps after an elementwise step."""
    holds = draw(st.booleans())
    kind = draw(st.sampled_from(["coupling", "index", "matrix"]))
    parameters, where = "", ""
    if kind == "coupling":
        body, nets, broken = draw(st.sampled_from(LAYERS))
        body = body if holds else draw(st.sampled_from(broken))
        where = f" where {{ a, b = split(u)  {nets} }}"
        body = draw(st.sampled_from([body, f"reverse({body})"]))
    elif kind == "index":
        body, old, new = draw(st.sampled_from(BY_INDEX))
        body = body if holds else body.replace(old, new)
        parameters = " | W : Real[4, 4]" if "W[" in body else ""
    else:
        body, own, other = draw(st.sampled_from(MATRICES))
        parameters = f" | {own if holds else other}, c : Real[4]"
        body = draw(st.sampled_from([body, f"{body} + c", f"reverse({body})"]))
    return Statement(f"bijection F(u : Real[4]{parameters}) -> Real[4] = {body}{where}\n", "invertible", holds)


# -- densities -------------------------------------------------------------------------------------------------------

#: Densities on the reals, `Z` for the variable.
BASES = (
    "exp(-Z^2 / 2) / sqrt(2 * pi)",
    "exp(-abs(Z)) / 2",
    "exp(-Z - 2 * softplus(-Z))",
    "1 / (pi * (1 + Z^2))",
    "exp(-Z - exp(-Z))",
)
#: z in terms of x, dz/dx, the signature, and the factors of dz/dx that one may forget.
CHANGES = (
    ("((x - m) / s)", "(1 / s)", "x : Real | m : Real, s : Positive"),
    ("(2 * x + 1)", "2", "x : Real"),
    ("log(x)", "(1 / x)", "x : Positive"),
    ("((log(x) - m) / s)", "(1 / (s * x))", "x : Positive | m : Real, s : Positive"),
    ("log(x / (1 - x))", "(1 / (x * (1 - x)))", "x : Unit"),
)
_FACTORS = ("1.000001 * ", "0.999999 * ", "2 * ")


@st.composite
def densities(draw: st.DrawFn) -> Statement:
    """f(z(x)) z'(x); broken by a factor."""
    base = draw(st.sampled_from(BASES))
    z, slope, signature = draw(st.sampled_from(CHANGES))
    holds = draw(st.booleans())
    factor = "" if holds else draw(st.sampled_from(_FACTORS))
    formula = f"{factor}{slope} * ({base.replace('Z', z)})"
    spec = f"density F({signature}) = {formula}\nmodel M {{ observed y : Real  p(y) = Normal(0, 1) }}\n"
    return Statement(spec, "mass", holds)


# -- chains ----------------------------------------------------------------------------------------------------------

TARGETS = ("-x^4 / 4", "-x^2 / 2", "-x^4 / 4 + x", "-softplus(x) - softplus(-x)")
#: Kernels that keep the target exp(f), and for each a neighbour that does not.
KERNELS = (
    (
        "y ~ Normal(x, 0.7)  x' = metropolis(y)",
        "y ~ Normal(x, 0.7)  x' = accept(y, min(1, exp(0.5 * (f(y) - f(x)))))",
    ),
    ("y ~ Normal(0.5 * x, 1)  x' = metropolis(y)", "y ~ Normal(0.5 * x, 1)  x' = accept(y, min(1, exp(f(y) - f(x))))"),
    (
        "y ~ Laplace(x, 1)  x' = accept(y, sigmoid(f(y) - f(x)))",
        "y ~ Laplace(x, 1)  x' = accept(y, sigmoid(f(x) - f(y)))",
    ),
    ("y ~ Logistic(1, 2)  x' = metropolis(y)", "x' ~ Logistic(x, 2)"),
)


@st.composite
def chains(draw: st.DrawFn) -> Statement:
    """One kernel, two one after the other, or a mixture of two."""
    target = draw(st.sampled_from(TARGETS))
    first, second = draw(st.tuples(st.sampled_from(KERNELS), st.sampled_from(KERNELS)))
    shape = draw(st.sampled_from(["b", "a |> b", "a^2 |> b", "mixture([0.25, 0.75], a, b)"]))
    error = draw(st.sampled_from(["none", "none", "kernel", "weights"]))
    if error == "weights" and "mixture" not in shape:
        error = "kernel"
    own = second[1 if error == "kernel" else 0]
    if error == "weights":
        shape = "mixture([sigmoid(x), sigmoid(-x)], a, b)"
    lines = [
        f"observed x : Real\np(x) ∝ exp({target})\ndef f(x : Real) -> Real = {target}",
        f"transition a(x' | x) {{ {first[0]} }}\ntransition b(x' | x) {{ {own} }}",
    ]
    name = "b" if shape == "b" else "t"
    lines += [] if shape == "b" else [f"transition t = {shape}"]
    lines.append(f"claim stationary({name}, p)")
    return Statement("model M {\n" + "\n".join(lines) + "\n}\n", "stationary", error == "none")
