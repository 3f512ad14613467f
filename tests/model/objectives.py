"""Small models, one for each kind of objective, and how a text is resolved in memory."""

from __future__ import annotations

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import nodes

REAL_LATENT = """model M(D = 3, Z = 2) {
  observed x : Binary[D]
  latent z : Real[Z]
  p(z) = Normal(0, 1)
  p(x | z) = Bernoulli(logits = linear(z))
  q(z | x) = Normal(m, softplus(s)) where { m, s = linear(x) }
  TRAIN
}
"""

#: Two latent variables: `z` of an objective stands for both.
TWO_LATENTS = """model M(D = 3, Z = 2) {
  observed x : Binary[D]
  latent h1 : Binary[Z], h2 : Binary
  p(h2) = Bernoulli(logits = bias())
  p(h1 | h2) = Bernoulli(logits = linear(h2))
  p(x | h1) = Bernoulli(logits = linear(h1))
  q(h1 | x) = Bernoulli(logits = linear(x))
  q(h2 | h1) = Bernoulli(logits = linear(h1))
  TRAIN
}
"""

ORDERED = """model M(D = 3) {
  observed x : Binary[D]
  latent o : Permutation(D)
  p(o) = Uniform()
  p(x[o[i]] | x[o[<i]], o) = Bernoulli(logits = linear(scatter(x[o[<i]], o[<i], D), indicator(o[<i]))[o[i]])
  q(o | x) = p(o)
  TRAIN
}
"""

GAME = """model M(D = 3, Z = 2) {
  observed x : Real[D]
  latent z : Real[Z]
  p(z) = Normal(0, 1)
  p(x | z) = Normal(linear(z), 1)
  q(z | x) = Normal(linear(x), 1)
  def critic(x : Real[D]) -> Unit = sigmoid(linear(x))
  def pairs(x : Real[D], z : Real[Z]) -> Unit = sigmoid(linear(x, z))
  TRAIN
}
"""

DIFFUSION = """model M(D = 2) {
  observed x : Real[D]
  latent z : Real[D]
  p(z) = Normal(0, 1)
  sde vp(x | t : Interval(0, 1)) { dx = -0.5 * x * dt + dW }
  def e(x : Real[D], t : Real) -> Real[D] = mlp(x, t, hidden = [4])
  p(x(1)) = Normal(0, 1)
  TRAIN
}
"""


def resolved(base: str, train: str) -> nodes.Model:
    """The Model IR of a base with its `train` line, or with an objective of its own."""
    source = SourceText("m.gen", base.replace("TRAIN", train))
    return pipeline.run(source, until="resolve").model


def codes(base: str, train: str, until: str = "resolve") -> list[str]:
    """The codes that are reported."""
    try:
        done = pipeline.run(SourceText("m.gen", base.replace("TRAIN", train)), until=until)
    except CompileError as error:
        return [d.code for d in error.diagnostics]
    return [d.code for d in done.diagnostics]


def own(body: str) -> str:
    """An objective declared in the model, and the line that trains it."""
    return f"objective own {{ {body} }}\n  train own"
