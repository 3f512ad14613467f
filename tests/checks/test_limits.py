"""What is too large ends in a diagnostic, not in an exhausted stack."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.proof.graph import MAX_DEPTH

SPEC = """bijection F(u : Real) -> Real = a{last} where {{ a0 = u {chain} }}
model M(D = 2) {{
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> F
}}
"""


def chained(length: int, step: str) -> str:
    chain = " ".join(f"a{k + 1} = {step.format(f'a{k}')}" for k in range(length))
    return SPEC.format(last=length, chain=chain)


@pytest.mark.parametrize("step", ["{} + 1", "sinh(asinh({}))", "-{}"])
@pytest.mark.parametrize("length", [10, MAX_DEPTH // 3, MAX_DEPTH - 5, MAX_DEPTH, 4 * MAX_DEPTH])
def test_a_long_chain_of_local_equations(length: int, step: str) -> None:
    source = SourceText("deep.gen", chained(length, step))
    try:
        done = pipeline.run(source, until="check")
    except CompileError as error:
        assert length >= MAX_DEPTH // 3
        assert {d.code for d in error.diagnostics} == {"G902"}
        return
    assert {v.status for v in done.checked.verdicts} == {"proved"}


def test_sharing_is_kept() -> None:
    """Each local equation uses the one before twice: written out, this would be 2^40 terms."""
    text = chained(40, "{0} + 0 * {0}").replace("-> Real = a40", "-> Real = u + 0 * a40")
    done = pipeline.run(SourceText("shared.gen", text), until="check")
    assert {v.status for v in done.checked.verdicts} == {"proved"}
