"""More strategies for whole specs: marginals, noise through equations, written objectives, diffusions, adversaries."""

from __future__ import annotations

from hypothesis import strategies as st

from gencompiler.testing.spec_strategies import Writer, model

#: Objectives of a critic, and what its values are.
_GAMES = {
    "adversarial(C)": "Unit",
    "clipped_wasserstein(C)": "Real",
    "non_saturating(C)": "Unit",
    "least_squares(C)": "Real",
    "hinge(C)": "Real",
    "wasserstein(C, penalty = 2, ratio = 2)": "Real",
}


@st.composite
def marginals(draw: st.DrawFn) -> str:
    """A latent variable whose marginal is derived: linear-Gaussian, or a sum over a finite set.

    At most two observed dimensions, so that its mass can be computed."""
    writer = Writer(draw)
    size = draw(st.integers(1, 2))
    if draw(st.booleans()):
        hidden = draw(st.integers(1, 3))
        weights, bias = writer.parameter("Real", f"[{size}, {hidden}]"), writer.parameter("Real", f"[{size}]")
        deviation = writer.parameter("Positive", draw(st.sampled_from(["", f"[{size}]"])))
        scale = f"{deviation} + 0.1"
        prior = draw(st.sampled_from(["Normal(0, 1)", f"Normal({writer.parameter('Real', f'[{hidden}]')}, 2)"]))
        if draw(st.booleans()):
            header = f"  latent z : Real[{hidden}], e : Real[{size}]\n"
            body = f"  p(z) = {prior}\n  p(e) = Normal(0, {scale})\n  x = {weights} @ z + {bias} + e\n"
        else:
            header = f"  latent z : Real[{hidden}]\n"
            body = f"  p(z) = {prior}\n  p(x | z) = Normal({weights} @ z + {bias}, {scale})\n"
        objective = "maximum_likelihood"
    else:
        count, condition = draw(st.integers(2, 3)), writer.given()
        header = f"  latent k : Category({count})\n{condition}"
        logits = writer.parameter("Real", f"[{count}]")
        if condition:
            logits = f"mlp({writer.conditions[0]}, hidden = [3], size = {count})"
        means, scales = writer.parameter("Real", f"[{count}, {size}]"), writer.parameter("Positive", f"[{count}]")
        family = draw(st.sampled_from(["Normal", "Logistic", "Laplace"]))
        law = f"{family}({means}[k], {scales}[k] + 0.2)"
        body = f"  p(k) = Categorical(logits = {logits})\n  p(x | k) = {law}\n"
        objective = draw(st.sampled_from(["maximum_likelihood", "em"]))
    return model(f"model Marginal {{\n  observed x : Real[{size}]\n{header}", writer, f"{body}  train {objective}\n")


@st.composite
def noisy_equations(draw: st.DrawFn) -> str:
    """`x = f(z) + s * e` with a recognition model: the noise is eliminated, and log p(x | z) derived."""
    writer = Writer(draw)
    size, hidden, condition = draw(st.integers(2, 3)), draw(st.integers(1, 3)), writer.given()
    family = draw(st.sampled_from(["Normal", "Logistic", "Laplace"]))
    scale = draw(st.sampled_from(["0.5", writer.parameter("Positive"), writer.parameter("Positive", f"[{size}]")]))
    guess = f"Normal({writer.vector('x', str(size), str(hidden))}, {writer.positive(writer.parameter('Real'))})"
    body = (
        f"  p(z) = Normal(0, 1)\n  p(e) = {family}(0, 1)\n"
        f"  x = {writer.vector('z', str(hidden), str(size))} + {scale} * e\n"
        f"  q(z | x) = {guess}\n  train {draw(st.sampled_from(['elbo', 'iwae(K = 3)']))}\n"
    )
    header = f"  observed x : Real[{size}]\n  latent z : Real[{hidden}], e : Real[{size}]\n{condition}"
    return model(f"model Noisy {{\n{header}", writer, body)


@st.composite
def written_objectives(draw: st.DrawFn) -> str:
    """A latent model under an objective put together at random: one phase or two, one draw or several, with `stop`."""
    writer = Writer(draw)
    size, hidden, condition = draw(st.integers(2, 3)), draw(st.integers(1, 2)), writer.given()
    draws = draw(st.sampled_from(["z ~ q(z | x)", "z[k in 3] ~ q(z | x)"]))
    several = "[k]" if "k in" in draws else ""

    def bound() -> str:
        z = f"z{several}"
        weight = draw(st.sampled_from(["", "0.5 * ", "2 * "]))
        form = draw(
            st.sampled_from(
                [
                    f"log p(x | {z}) - {weight}(log q({z} | x) - log p({z}))",
                    f"log p(x, {z}) - log stop(q)({z} | x)",
                    f"log p(x, {z}) - stop(log q({z} | x))",
                    f"{weight}log p(x, {z}) - log q({z} | x)",
                ]
            )
        )
        reduction = draw(st.sampled_from(["mean", "logmeanexp", "sum"]))
        return f"{reduction}(for k: {form})" if several else form

    if draw(st.booleans()):
        phases = f"update p, q maximize E[x ~ data, {draws}] {bound()}"
    else:
        sleep = "E[x, z ~ p] log q(z | x)"
        second = draw(st.sampled_from([sleep, f"E[x ~ data, {draws}] {bound()}"]))
        first = f"first: update p maximize E[x ~ data, {draws}] {bound()}"
        phases = f"{first}\n  second: repeat(2) {{ update q maximize {second} }}"
    law = f"Bernoulli(logits = {writer.vector('z', str(hidden), str(size))})"
    guess = f"Normal({writer.vector('x', str(size), str(hidden))}, {writer.positive(writer.parameter('Real'))})"
    header = f"  observed x : Binary[{size}]\n  latent z : Real[{hidden}]\n{condition}"
    body = f"  p(z) = Normal(0, 1)\n  p(x | z) = {law}\n  q(z | x) = {guess}\n  train written\n"
    return model(f"model Written {{\n{header}", writer, body, f"objective written {{\n  {phases}\n}}\n")


@st.composite
def diffusions(draw: st.DrawFn) -> str:
    """A linear SDE, a score for it, and samples of the reverse process."""
    writer = Writer(draw)
    size, condition = draw(st.integers(1, 3)), writer.given()
    rate, slope = draw(st.sampled_from(["0.1", "0.5", "1"])), draw(st.sampled_from(["8", "12", "19.9"]))
    inputs = ", ".join(("x", "fourier(t, size = 4)", *writer.conditions))
    network = f"mlp({inputs}, hidden = [4], activation = {draw(st.sampled_from(['silu', 'tanh']))}, size = {size})"
    typed = f"(x : Real[{size}], t : Interval(0, 1)) -> Real[{size}]"
    before = draw(st.booleans())
    if before:
        functions = f"  def f{typed} = {network}\n  def score{typed} = -f(x, t) / noise(vp, t)\n"
        objective = draw(st.sampled_from(["noise_prediction(f, vp)", "noise_prediction(f, vp, weighting = variance)"]))
    else:
        functions = f"  def score{typed} = {network}\n"
        weighting = draw(st.sampled_from(["", ", weighting = variance", ", weighting = likelihood"]))
        objective = f"denoising_score_matching(score, vp{weighting})"
    body = (
        f"  def beta(t : Interval(0, 1)) -> Positive = {rate} + {slope} * t\n"
        "  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW }\n"
        f"  p(x(1)) = Normal(0, 1)\n{functions}  train {objective}\n"
        f"  sample reverse_sde(score, vp, steps = {draw(st.integers(8, 20))})\n"
    )
    return model(f"model Diffusion {{\n  observed x : Real[{size}]\n{condition}", writer, body)


@st.composite
def adversaries(draw: st.DrawFn) -> str:
    """A generator without a density against a critic."""
    writer = Writer(draw)
    size, hidden, condition = draw(st.integers(1, 3)), draw(st.integers(1, 3)), writer.given()
    game, values = draw(st.sampled_from(sorted(_GAMES.items())))
    prior = draw(st.sampled_from(["Normal(0, 1)", "Uniform(-1, 1)"]))
    support = "Real" if prior.startswith("Normal") else "Interval(-1, 1)"
    read = ", ".join(("x", *writer.conditions))
    score = f"mlp({read}, hidden = [4], activation = tanh, size = 1)[0]"
    critic = f"sigmoid({score})" if values == "Unit" else score
    body = (
        f"  p(z) = {prior}\n  x = {writer.vector('z', str(hidden), str(size))}\n"
        f"  def C(x : Real[{size}]) -> {values} = {critic}\n  train {game}\n"
    )
    header = f"  observed x : Real[{size}]\n  latent z : {support}[{hidden}]\n{condition}"
    return model(f"model Game {{\n{header}", writer, body)
