"""Packages for tests, from the text of a spec, without the proofs (which have tests of their own)."""

from __future__ import annotations

import dataclasses
import hashlib
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
    source = SourceText(path, text)
    done = pipeline.Compilation(source, {}, Settings.from_environment(), Reporter(), {path: source})
    for each in pipeline.PASSES:
        if each.name in ("parse", "resolve", "derive", "lower", "schedule"):
            each.function(done)
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
        phases=phases,
    )


def built(text: str, folder: Path, name: str = "tiny") -> Path:
    """The package of a spec, written below `folder`."""
    return write_package(build(text, name), folder, name)
