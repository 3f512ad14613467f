"""Recurrent networks on causal views: equal to torch's own, normalised by enumeration, drawn as their density says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import gencompiler
from gencompiler import pipeline
from gencompiler.catalog.networks import NETWORKS
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from tests.families.test_foundation import perturbed
from tests.families.test_several_axes import agree

SEQUENCE = """
model M(T = 5) {{
  observed x : Category(3)[T]
  p(x[t] | x[<t]) = Categorical(logits = linear({network}))
}}
"""

ROWS = """
model M(T = 3, D = 3) {
  observed x : Binary[T, D]
  param W : Real[4, D], V : Real[D, 4]
  p(x[t, i] | x[<t, :], x[t, <i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + W[:, <i] @ x[t, <i]))
    where { h = lstm(x[<t, :], hidden = 5)   b, c = linear(h) }
}
"""

PEERS: dict[str, Any] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


def sequence(kind: str) -> Any:
    text = SEQUENCE.format(network=f"{kind}(onehot(x[<t]), hidden = 6)")
    return perturbed(gencompiler.compile(text)(), 1.0)


def by_torch(model: Any, kind: str, x: torch.Tensor) -> torch.Tensor:
    """The log density with torch's own recurrent module in the place of ours."""
    named = {name: value.detach() for name, value in model.named_parameters()}
    peer = PEERS[kind](3, 6, batch_first=True).double()
    for ours, theirs in (("input", "ih"), ("hidden", "hh")):
        getattr(peer, f"weight_{theirs}_l0").data = named[f"{kind}.{ours}.weight"]
        getattr(peer, f"bias_{theirs}_l0").data = named[f"{kind}.{ours}.bias"]
    after, _ = peer(F.one_hot(x, 3).double())
    states = torch.cat((torch.zeros_like(after[:, :1]), after[:, :-1]), 1)
    logits = states @ named["linear.output.weight"].T + named["linear.output.bias"]
    return logits.log_softmax(-1).gather(-1, x[..., None])[..., 0].sum(1)


@pytest.mark.parametrize("kind", PEERS)
def test_a_recurrent_network_is_that_of_torch(kind: str) -> None:
    model = sequence(kind)
    x = torch.randint(0, 3, (64, 5), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model.log_prob(x).detach(), by_torch(model, kind, x).detach(), rtol=1e-12, atol=1e-12)


def test_another_formula_is_not_that_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comparison notices gates in another order."""
    import dataclasses

    kind = NETWORKS["gru"]
    wrong = tuple(
        (name, text.replace("i1", "i9").replace("i0", "i1").replace("i9", "i0")) for name, text in kind.states
    )
    monkeypatch.setitem(NETWORKS, "gru", dataclasses.replace(kind, states=wrong))
    model = sequence("gru")
    x = torch.randint(0, 3, (64, 5), generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(model.log_prob(x), by_torch(model, "gru", x), atol=1e-3)


@pytest.mark.parametrize("kind", PEERS)
def test_sequences_are_drawn_as_their_density_says(kind: str) -> None:
    agree(sequence(kind), 3, (5,))


def test_a_state_moves_on_with_the_last_of_a_rows_elements() -> None:
    agree(perturbed(gencompiler.compile(ROWS)(), 1.0), 2, (3, 3))


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("gru(onehot(x[<=t]), hidden = 6)", "G301"),  # x[t] would need itself
        ("gru(onehot(x[<t]))", "G104"),
        ("gru(onehot(x[<t]), hidden = [6, 6])", "G104"),
        ("gru(onehot(x[<t]), hidden = 6, layers = 2)", "G107"),
        ("gru(x[<t], hidden = 6)", "G203"),
        ("gru(zeros(3), hidden = 6)", "G901"),
        ("gru(onehot(x), hidden = 6)", "G901"),
    ],
)
def test_what_is_no_recurrence_over_the_past_is_refused(network: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("m.gen", SEQUENCE.format(network=network)), until="check")
    assert code in {d.code for d in caught.value.diagnostics}, caught.value.diagnostics
