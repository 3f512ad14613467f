"""Wake-sleep and reweighted wake-sleep on a 6-6-4 sigmoid belief network: gradients against exact enumeration.

A row's gradient is a convex combination of numbers in [-1, 1], so by Hoeffding's inequality and the union bound over
M components the mean of N independent rows errs by more than sqrt(2 log(2 M / d) / N) somewhere with probability at most
d.  Here d = 1e-9, and each planted error shifts some component by more than twice that, so that it is missed with
probability at most 1e-9.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
import torch

import gencompiler
from gencompiler.diagnostics.model import CompileError
from tests.families.enumeration import Array, Layer, Network, states, two_particle_weights
from tests.families.test_foundation import perturbed

SIZES = (6, 6, 4)
FALSE_ALARM = 1e-9
#: Copies of each of the 64 rows of data.
COPIES = 4_000

MODEL = """
model Net(D = 6, H1 = 6, H2 = 4) {
  observed x : Binary[D]
  latent   h1 : Binary[H1], h2 : Binary[H2]
  p(h2)      = Bernoulli(logits = bias())
  p(h1 | h2) = Bernoulli(logits = linear(h2))
  p(x | h1)  = Bernoulli(logits = linear(h1))
  q(h1 | x)  = Bernoulli(logits = linear(x))
  q(h2 | h1) = Bernoulli(logits = linear(h1))
  train OBJECTIVE
}
"""

#: The prelude's reweighted wake-sleep, with a hole for its weights.
REWEIGHTED = """
objective reweighted {
  wake: update p, q maximize E[x ~ data, z[k in 2] ~ stop(q)(z | x)]
    sum(for k: WEIGHT * (log p(x, z[k]) + log q(z[k] | x)))
    where { w = softmax(for k: RATIO) }
}
"""

#: Where the layers of `Network` are stored.
LAYERS = {
    "top": "bias.output",
    "middle": "linear.output",
    "bottom": "linear_2.output",
    "first": "q.linear.output",
    "second": "q.linear_2.output",
}


def model_of(objective: str, declared: str = "", scale: float = 1.0) -> Any:
    text = declared + MODEL.replace("OBJECTIVE", objective)
    return perturbed(gencompiler.compile(text)(), scale)


def network_of(model: Any) -> Network:
    """The model's parameters, as arrays."""

    def layer(path: str) -> Layer:
        bias = model.raw(f"{path}.bias").detach().numpy()
        weight = np.zeros((len(bias), 0)) if path == LAYERS["top"] else model.raw(f"{path}.weight").detach().numpy()
        return Layer(weight, bias)

    return Network(**{name: layer(path) for name, path in LAYERS.items()}, sizes=SIZES)


def gradients(model: Any, phase: str) -> dict[str, Array]:
    """The gradient of the phase's value, averaged over COPIES draws for every x; parameters it leaves alone at 0."""
    x = torch.tensor(states(6)).repeat_interleave(COPIES, 0)
    model.zero_grad(set_to_none=True)
    model.loss(x.long(), seed=11, phase=phase).backward()
    found = {}
    for name, path in LAYERS.items():
        for part in ("weight", "bias"):
            if (name, part) != ("top", "weight"):
                raw = model.raw(f"{path}.{part}")
                found[f"{name}.{part}"] = np.zeros(raw.shape) if raw.grad is None else -raw.grad.numpy()
    return found


def error(found: dict[str, Array], exact: dict[str, Array]) -> float:
    """The largest error of any component; what `exact` does not list must be 0."""
    return max(float(np.abs(value - exact.get(name, 0.0)).max()) for name, value in found.items())


@functools.cache
def allowed() -> float:
    model = model_of("wake_sleep")
    components = sum(parameter.numel() for parameter in model.parameters())
    return math.sqrt(2 * math.log(2 * components / FALSE_ALARM) / (64 * COPIES))


# -- wake-sleep ------------------------------------------------------------------------------------------------------


def test_wake_follows_log_p_under_the_recognition_model() -> None:
    model = model_of("wake_sleep")
    net = network_of(model)
    _, log_q = net.tables()
    exact = net.p_gradient(np.exp(log_q) / 64)
    assert error(gradients(model, "wake"), exact) < allowed()
    uniform = net.p_gradient(np.full_like(log_q, 1 / log_q.size))  # planted: z from elsewhere
    assert error(gradients(model, "wake"), uniform) > 3 * allowed()


def test_sleep_follows_log_q_under_the_generative_model() -> None:
    model = model_of("wake_sleep")
    net = network_of(model)
    log_p, log_q = net.tables()
    assert error(gradients(model, "sleep"), net.q_gradient(np.exp(log_p))) < allowed()
    wake = net.q_gradient(np.exp(log_q) / 64)  # planted: x from data, z from q
    assert error(gradients(model, "sleep"), wake) > 3 * allowed()


# -- reweighted wake-sleep -------------------------------------------------------------------------------------------


def reweighted(weight: str = "stop(w[k])", ratio: str = "log p(x, z[k]) - log q(z[k] | x)") -> Any:
    return model_of("reweighted", REWEIGHTED.replace("WEIGHT", weight).replace("RATIO", ratio))


def reweighted_gradient(net: Network) -> dict[str, Array]:
    log_p, log_q = net.tables()
    weights = two_particle_weights(log_p, log_q) / 64
    return {**net.p_gradient(weights), **net.q_gradient(weights)}


def test_the_prelude_reweights_two_draws_exactly() -> None:
    model = model_of("reweighted_wake_sleep(K = 2)")
    exact = reweighted_gradient(network_of(model))
    assert error(gradients(model, "wake"), exact) < allowed()


def test_weights_with_a_gradient_are_refused() -> None:
    with pytest.raises(CompileError, match="G710"):
        reweighted("w[k]", "log p(x, z[k]) - log q(z[k] | x)")


@pytest.mark.parametrize(
    ("weight", "ratio"),
    [
        ("stop(w[k])", "log p(x, z[k])"),  # not divided by the proposal
        ("stop(w[k])", "log q(z[k] | x) - log p(x, z[k])"),  # upside down
    ],
)
def test_wrong_weights_are_seen(weight: str, ratio: str) -> None:
    model = reweighted(weight, ratio)
    assert error(gradients(model, "wake"), reweighted_gradient(network_of(model))) > 3 * allowed()
