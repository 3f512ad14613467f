"""Packages for tests, from the text of a spec, without the proofs (which have tests of their own)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from gencompiler import pipeline
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.write import Capabilities, PhaseProgram, SpecIdentity, emit_package, write_package
from gencompiler.model.hash import model_hash
from gencompiler.settings import Settings

NADE = """\"\"\"A small NADE.\"\"\"
model Tiny(D = 6, H = 5) {
  observed x : Binary[D]
  param W : Real[H, D], V : Real[D, H], b : Real[D], c : Real[H]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + W[:, <i] @ x[<i]))
  train maximum_likelihood with { optimizer = adam(lr = 1e-2)  epochs = 4  batch = 16 }
}
"""

FLOW = """
bijection AffineCoupling(u : Real[D] | H = 8) -> Real[D] =
  join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }
bijection Scale(u : Real | s : Positive) -> Real = s * u

model Flow(D = 4) {
  observed x : Integer(0..8)[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(2) { AffineCoupling |> reverse } |> Scale |> sigmoid |> quantize(8)
  train maximum_likelihood with { schedule = cosine(warmup = 4)  clip = 5  ema = 0.9  batch = 16  epochs = 3 }
  evaluate bits_per_dim
}
"""

REALS = """
bijection AffineCoupling(u : Real[D] | H = 8) -> Real[D] =
  join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }

model Reals(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(2) { AffineCoupling |> reverse }
  train maximum_likelihood with { batch = 64  epochs = 2 }
}
"""

CHAIN = """
model Banana(eps = 0.05) {
  observed x : Real[2]
  p(x) ∝ exp(-U(x))
  def U(x : Real[2]) -> Real = 0.5 * x[0]^2 + 2 * (x[1] - x[0]^2)^2
  transition mala(x' | x) { y ~ Normal(x - eps * grad(U)(x), sqrt(2 * eps))   x' = metropolis(y) }
  claim stationary(mala, p)
  sample chain(mala, burn_in = 20, thin = 3)
}
"""

#: Its functions, and those of its gradient, round differently in vector and in scalar instructions.
ELEMENTWISE = """
model Wells() {
  observed x : Real[11]
  p(x) ∝ exp(-U(x))
  def U(x : Real[11]) -> Real = sum(softplus(2 * x) + cosh(x) + sigmoid(x)^1.5)
  transition mala(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), sqrt(0.2))   x' = metropolis(y) }
  claim stationary(mala, p)
  sample chain(mala, burn_in = 20, thin = 3)
}
"""

WEIGHTS = """
model Hidden(D = 5, H = 16) {
  observed x : Real[D]
  param W : Real[H, D], v : Real[H]
  p(x) ∝ exp(-U(x))
  def U(x : Real[D]) -> Real = 0.5 * sum(x^2) + v @ tanh(W @ x)
  transition walk(x' | x) { y ~ Normal(x, 0.4)   x' = metropolis(y) }
  claim stationary(walk, p)
  sample chain(walk, burn_in = 20, thin = 3)
}
"""


SCHEDULED = ("parse", "resolve", "derive", "lower", "schedule")


def unproved(source: SourceText, *passes: str, defines: Mapping[str, int] | None = None) -> pipeline.Compilation:
    """A spec after these passes, without the proofs, with some of its constants replaced."""
    done = pipeline.Compilation(source, defines or {}, Settings.from_environment(), Reporter(), {source.name: source})
    for each in pipeline.PASSES:
        if each.name in passes:
            each.function(done)
    return done


def build(
    text: str,
    name: str = "tiny",
    *,
    path: str = "",
    capabilities: Capabilities | None = None,
    doc: str | None = None,
    phases: tuple[PhaseProgram, ...] | None = None,
) -> dict[str, str]:
    """The files of the package of a spec; `path` is where the spec says it is, `doc` replaces its documentation."""
    path = path or f"specs/{name}.gen"
    done = unproved(SourceText(path, text), *SCHEDULED, "differentiate")
    model = done.model if doc is None else dataclasses.replace(done.model, doc=doc)
    digest = hashlib.sha256(text.encode()).hexdigest()
    identity = SpecIdentity(name, path, digest, model_hash(done.model), "0.1.0")
    chains = "log_prob" not in done.programs
    known = (
        Capabilities("chain", "none")
        if chains
        else Capabilities("exact", "bound" if done.model.surjections else "exact")
    )
    return emit_package(
        model,
        done.programs,
        spec=identity,
        sources=done.sources,
        capabilities=capabilities or known,
        schedules=done.schedules,
        gradients=done.gradients,
        phases=phases,
    )


def built(text: str, folder: Path, name: str = "tiny") -> Path:
    """The package of a spec, written below `folder`."""
    return write_package(build(text, name), folder, name)
