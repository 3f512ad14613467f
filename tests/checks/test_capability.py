"""What a model can do, with the cost of each direction."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.checks import Capabilities
from gencompiler.diagnostics.span import SourceText
from tests.checks.test_twins import CHAIN, FLOW, GAUSSIAN, LATENT, NADE, SCALAR


def table(text: str) -> Capabilities:
    return pipeline.run(SourceText("c.gen", text), until="check").checked.capabilities


@pytest.mark.parametrize(
    ("text", "sample", "log_prob", "posterior", "score"),
    [
        (FLOW, ("exact", 1), ("bound", 1), "none", "none"),
        (SCALAR, ("exact", 1), ("exact", 1), "exact", "exact"),
        (NADE, ("exact", 8), ("exact", 1), "none", "none"),
        (GAUSSIAN, ("exact", 3), ("exact", 1), "none", "exact"),
        (LATENT, ("exact", 1), ("none", 0), "none", "none"),
        (CHAIN, ("chain", 0), ("none", 0), "none", "exact"),
    ],
    ids=["flow", "scalar flow", "NADE", "Gaussian", "latent", "chain"],
)
def test_the_row_of_a_model(
    text: str, sample: tuple[str, int], log_prob: tuple[str, int], posterior: str, score: str
) -> None:
    row = table(text)
    assert (row.sample.kind, row.sample.passes) == sample
    assert (row.log_prob.kind, row.log_prob.passes) == log_prob
    assert row.posterior.kind == posterior
    assert row.score.kind == score
    assert all(ability.reason for _, ability in row.rows())


def test_an_energy_without_a_chain_cannot_be_sampled() -> None:
    row = table(CHAIN.replace("  sample chain(mala, burn_in = 10)\n", ""))
    assert row.sample.kind == "none"
    assert "transition" in row.sample.reason


def test_a_chain_says_whether_it_keeps_its_target() -> None:
    assert table(CHAIN).sample.reason.endswith("that `mala` keeps it is proved")
    unclaimed = CHAIN.replace("  claim stationary(mala, p)\n", "")
    assert table(unclaimed).sample.reason.endswith("nothing claims that `mala` keeps it")


def test_the_reason_stands_where_it_was_stated() -> None:
    row = table(CHAIN)
    assert CHAIN[row.log_prob.span.start : row.log_prob.span.end] == "p(x) ∝ exp(-U(x))"


PARTIAL = """model M {
  observed x : Real[2]
  latent z : Real[2]
  p(x | z) = Normal(z, 1)
  q(z | x) = Normal(x, 1)
  transition step(x' | x) { z ~ q(z | x)   x' ~ p(x | z) }
  sample chain(step)
}
"""


def test_a_joint_without_a_prior_is_not_drawn_from() -> None:
    alone = "\n".join(line for line in PARTIAL.splitlines() if "step" not in line)
    assert table(alone).sample.kind == "none"
    assert "`z`" in table(alone).sample.reason


def test_two_conditionals_are_sampled_by_the_chain_between_them() -> None:
    row = table(PARTIAL)
    assert row.sample.kind == "chain"
    assert "`step`" in row.sample.reason
