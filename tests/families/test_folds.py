"""Recurrent networks on views up to a place and from the end: states of torch's own modules, posteriors of a chain.

The sums over paths and the backward messages are written out in torch from the values of the parameters.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gencompiler
from gencompiler.diagnostics.model import CompileError
from tests.families.test_foundation import perturbed

PLACES, VALUES = 4, 3
#: A chain and a recognition model that sees what comes later; `view` and `first` are what it reads.
SMOOTHER = """
model Smoother(T = 4, K = 2, M = 3) {{
  observed x : Category(M)[T]
  latent   z : Category(K)[T]
  param pi : Simplex(K), A : Simplex(K)[K], B : Simplex(M)[K]
  p(z[0])            = Categorical(pi)
  p(z[t] | z[t - 1]) = Categorical(A[z[t - 1]])
  p(x[t] | z[t])     = Categorical(B[z[t]])
  q(z[t] | z[t - 1], {view}) = Categorical(logits = linear(embedding(z[t - 1], 4), {kind}(onehot({view}), hidden = 5)))
  q(z[0] | {first})  = Categorical(logits = linear({kind}(onehot({first}), hidden = 5)))
  {claim}
  train sleep
  evaluate importance(K = 10)
}}
"""
PEERS: dict[str, Any] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}
VIEWS = {"x[>=t]": "x[>=0]", "x[>t]": "x[>0]", "x[<=t]": "x[<=0]"}


def smoother(kind: str = "gru", view: str = "x[>=t]", claim: str = "") -> Any:
    first = {"x[<=t]": "x"}.get(view, VIEWS[view])
    text = SMOOTHER.format(kind=kind, view=view, first=first, claim=claim)
    if first == "x":  # the first place has read itself
        text = text.replace(f"{kind}(onehot(x), hidden = 5)", "onehot(x[0])").replace("q(z[0] | x)", "q(z[0] | x[0])")
    return perturbed(gencompiler.compile(text)(), 0.7)


def states(model: Any, kind: str, path: str, x: Tensor, view: str) -> Tensor:
    """The state of torch's module for every place, having read the places that the view shows."""
    named = {name: value.detach() for name, value in model.named_parameters()}
    peer = PEERS[kind](VALUES, 5, batch_first=True).double()
    for ours, theirs in (("input", "ih"), ("hidden", "hh")):
        getattr(peer, f"weight_{theirs}_l0").data = named[f"{path}.{ours}.weight"]
        getattr(peer, f"bias_{theirs}_l0").data = named[f"{path}.{ours}.bias"]
    read = F.one_hot(x, VALUES).double()
    if view == "x[<=t]":
        return peer(read)[0].detach()
    back = peer(read.flip(1))[0].detach().flip(1)
    return back if view == "x[>=t]" else torch.cat((back[:, 1:], torch.zeros_like(back[:, :1])), 1)


def by_torch(model: Any, kind: str, view: str, x: Tensor, z: Tensor) -> Tensor:
    named = {name: value.detach() for name, value in model.named_parameters()}
    of_z = named["q.embedding.output.weight"].T[z]
    later = states(model, kind, f"q.{kind}", x, view)
    read = torch.cat((of_z[:, :-1], later[:, 1:]), -1)
    logits = read @ named["q.linear.output.weight"].T + named["q.linear.output.bias"]
    first = (
        F.one_hot(x[:, 0], VALUES).double() if view == "x[<=t]" else states(model, kind, f"q.{kind}_2", x, view)[:, 0]
    )
    own = first @ named["q.linear_2.output.weight"].T + named["q.linear_2.output.bias"]
    logits = torch.cat((own[:, None], logits), 1)
    return logits.log_softmax(-1).gather(-1, z[..., None])[..., 0].sum(1)


@pytest.mark.parametrize(("kind", "view"), [("gru", "x[>=t]"), ("lstm", "x[>=t]"), ("rnn", "x[>t]"), ("gru", "x[<=t]")])
def test_a_state_has_read_what_its_view_shows(kind: str, view: str) -> None:
    model = smoother(kind, view)
    x = torch.randint(0, VALUES, (16, PLACES), generator=torch.Generator().manual_seed(0))
    weight, z = model.log_weight(x, seed=5).detach(), model.encode(x, seed=5)
    expected = chain(model, x, z) - by_torch(model, kind, view, x, z)
    torch.testing.assert_close(weight, expected, rtol=1e-9, atol=1e-9)


def chain(model: Any, x: Tensor, z: Tensor) -> Tensor:
    """log p(x, z)"""
    pi, steps, emits = (model.value(name).detach() for name in ("pi", "A", "B"))
    total = pi[z[:, 0]].log() + emits[z[:, 0], x[:, 0]].log()
    for t in range(1, x.shape[1]):
        total = total + steps[z[:, t - 1], z[:, t]].log() + emits[z[:, t], x[:, t]].log()
    return total


def test_an_inverse_that_sees_what_comes_later_is_faithful() -> None:
    """q can state the posterior where it sees x[>=t], and not where it leaves x[t] out or sees only what came before."""
    assert smoother(claim="claim faithful(q, p)") is not None
    for view in ("x[>t]", "x[<=t]"):
        with pytest.raises(CompileError) as refused:
            smoother(view=view, claim="claim faithful(q, p)")
        assert {d.code for d in refused.value.diagnostics} == {"G409"}


def test_weights_average_to_the_density_of_the_observed() -> None:
    """log p(x) by forward sums is that of all paths, and the mean of the weights of draws that have read x[>=t]."""
    model = smoother()
    x = torch.randint(0, VALUES, (4, PLACES), generator=torch.Generator().manual_seed(2))
    paths = torch.tensor(list(itertools.product(range(2), repeat=PLACES)))
    exact = torch.stack([chain(model, row.expand(len(paths), -1), paths).logsumexp(0) for row in x])
    torch.testing.assert_close(model.log_prob(x).detach(), exact, rtol=1e-9, atol=1e-9)
    weights = model.log_weight(x.repeat_interleave(4000, 0), seed=1).detach().reshape(4, 4000)
    ratios = (weights - exact[:, None]).exp()
    assert ((ratios.mean(1) - 1).abs() < 5 * ratios.std(1) / 4000**0.5).all()
