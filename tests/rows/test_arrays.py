"""Arrays over particles and over the values of finite variables, and gradients, from a spec to what torch computes.

Each objective is lowered within a small model and compared with the same formula written in torch by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.rows.nodes import Draw, Program
from gencompiler.rows.verify import verify
from gencompiler.runtime import random
from tests.rows.harness import SEED, STEP, inputs, parameters, run_torch

ROWS, K, D = 5, 3, 2

SPEC = """
objective asked(K : Integer(2..inf) = 3) {{ update p, q maximize {objective} }}

model M(D = 2) {{
  observed x : Real[D]
  latent z : Binary[2]
  param m : Real[D], n : Real[D], l : Real[2], s : Positive, A : Real[2, D], b : Real[2]

  p(z) = Bernoulli(logits = l)
  p(x | z) = Normal(m * z[0] + n * z[1], s)
  q(z | x) = Bernoulli(logits = A @ x + b)

  train asked with {{ data = moons }}
}}
"""


def lowered(text: str, name: str = "objective_phase_1") -> Program:
    found = pipeline.run(SourceText("arrays.gen", text), until="lower").programs[name]
    return verify(found, "test")


class Hand:
    """The model in torch, for values of any leading shape."""

    def __init__(self, program: Program) -> None:
        self.x = inputs(program, ROWS)["x"]
        self.values = parameters(program)
        zero = torch.zeros((), dtype=torch.float64)
        for path in ("m", "n", "l", "s", "A", "b"):
            setattr(self, path, self.values.get(path, zero))
        self.l: Tensor
        self.m: Tensor
        self.n: Tensor
        self.s: Tensor
        self.A: Tensor
        self.b: Tensor
        draws = {part for part in walk(program) if isinstance(part, Draw)}
        if draws:
            (draw,) = draws
            size = draw.type.particles * 2
            noise = random.uniform(SEED, torch.arange(ROWS), STEP, draw.stream, size, dtype=torch.float64)
            self.z = (noise.view(ROWS, -1, 2) < torch.sigmoid(self.logits)[:, None]).double()

    @property
    def logits(self) -> Tensor:
        return self.x @ self.A.T + self.b

    def log_p(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z)"""
        mean = z[..., :1] * self.m + z[..., 1:] * self.n
        scaled = (x - mean) / self.s
        log_x = (-0.5 * scaled**2 - self.s.log() - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (z * self.l - F.softplus(self.l)).sum(-1) + log_x

    def log_q(self, z: Tensor) -> Tensor:
        logits = self.logits[:, None]
        return (z * logits - F.softplus(logits)).sum(-1)

    @property
    def f(self) -> Tensor:
        return self.log_p(self.x[:, None], self.z) - self.log_q(self.z)

    @property
    def every(self) -> Tensor:
        """log p(x, z) for every z: [rows, 4]"""
        z = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
        return self.log_p(self.x[:, None], z)


def _without(f: Tensor) -> Tensor:
    columns = []
    for k in range(K):
        others = (f.sum(1) - f[:, k]) / (K - 1)
        columns.append(torch.cat([f[:, :k], others[:, None], f[:, k + 1 :]], 1).logsumexp(1) - math.log(K))
    return torch.stack(columns, 1)


DRAWN = "E[x ~ data, z[k in K] ~ stop(q)(z | x)]"
LOCAL = "where { f[k] = log p(x, z[k]) - log q(z[k] | x) }"

OBJECTIVES: dict[str, Callable[[Hand], Tensor]] = {
    f"{DRAWN} logmeanexp(f) {LOCAL}": lambda h: h.f.logsumexp(1) - math.log(K),
    f"{DRAWN} sum(for k: stop(softmax(f)[k]) * f[k]) {LOCAL}": lambda h: (h.f.softmax(1) * h.f).sum(1),
    f"{DRAWN} sum(for k: k * f[k]) {LOCAL}": lambda h: (torch.arange(K) * h.f).sum(1),
    f"{DRAWN} mean(for k: f[k] - log q(z[k] | x)) {LOCAL}": lambda h: (h.f - h.log_q(h.z)).mean(1),
    f"{DRAWN} sum(for k: without[k] * log q(z[k] | x)) where {{ f[k] = log p(x, z[k]) - log q(z[k] | x)  "
    "without[k] = logmeanexp(for j in K: if j == k then (sum(f) - f[k]) / (K - 1) else f[j]) }": lambda h: (
        _without(h.f) * h.log_q(h.z)
    ).sum(1),
    f"{DRAWN} sum(for k: logsumexp(for j in K: log p(x, z[j])) * log q(z[k] | x))": lambda h: (
        h.log_p(h.x[:, None], h.z).logsumexp(1) * h.log_q(h.z).sum(1)
    ),
    f"{DRAWN} sum(for k: sum(for j in K: log p(x, z[j])) * log q(z[k] | x))": lambda h: (
        h.log_p(h.x[:, None], h.z).sum(1) * h.log_q(h.z).sum(1)
    ),
    f"{DRAWN} sum(for k: log p(z[k] | x))": lambda h: h.log_p(h.x[:, None], h.z).sum(1) - K * h.every.logsumexp(1),
    "E[x ~ data] logsumexp(for z: log p(x, z))": lambda h: h.every.logsumexp(1),
    "E[x ~ data] sum(for z: stop(p(z | x)) * log p(x, z))": lambda h: (h.every.softmax(1) * h.every).sum(1),
    "E[x ~ data] log p(x)": lambda h: h.every.logsumexp(1),
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_objective_is_its_formula(objective: str) -> None:
    name = "log_prob" if objective.endswith("log p(x)") else "objective_phase_1"
    program = lowered(SPEC.format(objective=objective), name)
    hand = Hand(program)
    (found,) = run_torch(program, {"x": hand.x}, hand.values, ROWS)
    torch.testing.assert_close(found, OBJECTIVES[objective](hand), rtol=1e-6, atol=1e-6)


def test_a_wrong_order_of_values_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from gencompiler.rows import enumeration

    digit = enumeration._digit
    monkeypatch.setattr(enumeration, "_digit", lambda graph, index, stride, *rest: digit(graph, index, 1, *rest))
    with pytest.raises(AssertionError):
        test_an_objective_is_its_formula("E[x ~ data] logsumexp(for z: log p(x, z))")


# -- gradients -------------------------------------------------------------------------------------------------------

SCORES = """
objective asked({argument}) {{ update {group} maximize E[x ~ data] norm({gradient})^2 }}

model M(D = 2) {{
  observed x : Real[D]
  param m : Real[D], s : Positive
  {model}
  train asked({argument}) with {{ data = moons }}
}}
"""


def _normal(x: Tensor, v: dict[str, Tensor]) -> Tensor:
    return (-0.5 * ((x - v["m"]) / v["s"]) ** 2).sum(-1)


def _autoregressive(x: Tensor, v: dict[str, Tensor]) -> Tensor:
    return -0.5 * (((x[:, 0] - v["m"][0]) / v["s"]) ** 2 + ((x[:, 1] - v["m"][1] - x[:, 0].sin()) / v["s"]) ** 2)


def _network(x: Tensor, v: dict[str, Tensor]) -> Tensor:
    hidden = torch.tanh(x @ v["C.mlp.0.weight"].T + v["C.mlp.0.bias"])
    return (hidden @ v["C.mlp.output.weight"].T + v["C.mlp.output.bias"])[:, 0]


CRITIC = "def C(u : Real[D]) -> Real = mlp(u, hidden = [4], activation = tanh)\n  p(x) = Normal(m, s)"

GRADIENTS: dict[tuple[str, str], Callable[[Tensor, dict[str, Tensor]], Tensor]] = {
    ("grad(log p)(x)", "p(x) = Normal(m, s)"): _normal,
    ("grad(log p)(x)", "p(x[i] | x[<i]) = Normal(m[i] + sum(sin(x[<i])), s)"): _autoregressive,
    ("grad(C)(x)", CRITIC): _network,
}


@pytest.mark.parametrize(("gradient", "model"), GRADIENTS)
def test_a_gradient_is_that_of_its_formula(gradient: str, model: str) -> None:
    argument, group = ("C", "C") if "C" in gradient else ("", "p")
    program = lowered(SCORES.format(gradient=gradient, model=model, argument=argument, group=group))
    x, values = inputs(program, ROWS)["x"], parameters(program)
    (found,) = run_torch(program, {"x": x}, values, ROWS)
    x = x.clone().requires_grad_()
    known = {"C.mlp.output.bias": torch.zeros(1, dtype=torch.float64)} | values
    (slope,) = torch.autograd.grad(GRADIENTS[gradient, model](x, known).sum(), x)
    torch.testing.assert_close(found, (slope**2).sum(-1))


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "what"),
    [
        (f"{DRAWN} sum(for k: sum(for j in K: log p(x, z[j]) * log q(z[k] | x)))", "an array for each value"),
        ("E[x ~ data, z[k in K] ~ stop(q)(z | x)] sum(z)", "particles of `z`|axes"),
    ],
)
def test_what_has_no_form_yet_is_refused(objective: str, what: str) -> None:
    with pytest.raises(CompileError, match=what) as problem:
        lowered(SPEC.format(objective=objective))
    assert [each.code for each in problem.value.diagnostics] == ["G901"]
