"""Small models written by hand on `runtime.Model`, with the methods a generated class has.

Each takes the pieces that a test may replace by wrong ones as class attributes, so that a planted error is one line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from gencompiler.runtime import random, sampling
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model, Phase, RowFunction

REAL = Support("Real")
LOG_2PI = math.log(2 * math.pi)


class HandWritten(Model):
    """The public methods that the emitter writes for each row program."""

    tile: ClassVar[int] = 128
    capabilities: ClassVar[dict[str, str]] = {"sample": "exact", "log_prob": "exact"}

    learned_here: tuple[str, ...] = ()

    def run(
        self,
        name: str,
        inputs: Sequence[Tensor],
        rows: Tensor,
        *,
        seed: int = 0,
        step: int = 0,
        steps: int = 0,
        update: tuple[str, ...] = (),
    ) -> tuple[Tensor, ...]:
        """A row program here is a method, which reads its parameters itself."""
        program = self.programs[name]
        known = {"rows": rows, "seed": seed, "step": step, "steps": steps, "dtype": self.dtype}
        self.learned_here = update
        outputs = program.function(self, *inputs, **{keyword: known[keyword] for keyword in program.keywords})
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def values(self, *paths: str) -> tuple[Tensor, ...]:
        """The values of parameters, as constants where the phase does not update them."""
        here = self.learned_here
        return tuple(self.value(p) if not here or p in here else self.value(p).detach() for p in paths)

    def log_prob(self, x: Tensor, *, row: Tensor | None = None, seed: int = 0, step: int = 0) -> Tensor:
        return self.row_values("log_prob", [x], row=row, seed=seed, step=step)

    def energy(self, x: Tensor) -> Tensor:
        return self.row_values("energy", [x], outside=math.inf)

    def sample(self, n: int, *, seed: int = 0) -> Any:
        return sampling.sample(self, n, seed=seed)

    def rsample_and_log_prob(self, n: int, *, seed: int = 0) -> Any:
        return sampling.rsample(self, n, seed=seed)

    def forward(self, z: Tensor) -> Any:
        return self.run("forward", [z.to(self.dtype)], torch.arange(len(z)))

    def inverse(self, x: Tensor) -> Any:
        return self.run("inverse", [x.to(self.dtype)], torch.arange(len(x)))

    def chain(self, n: int, draws: int = 1, **options: Any) -> Any:
        return sampling.chain(self, n, draws, **options)


def log_normal(z: Tensor) -> Tensor:
    return (-0.5 * z.square() - 0.5 * LOG_2PI).sum(1)


def program(name: str, *keywords: str) -> RowFunction:
    """The row program that the method `_name` computes; looked up when called, so that a subclass may replace it."""

    def function(model: Model, *inputs: Tensor, **keys: Any) -> Any:
        return getattr(model, f"_{name}")(*inputs, **keys)

    return RowFunction(function, keywords)


class Flow(HandWritten):
    """x = scale * coupling(z) on three reals: the third is scaled and shifted by a function of the first two."""

    fields: ClassVar[tuple[Field, ...]] = (Field("x", (3,), REAL),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
        "rsample": program("rsample", "rows", "seed"),
        "forward": program("forward"),
        "inverse": program("inverse"),
    }

    #: Planted errors.
    sign: ClassVar[float] = 1.0  # of inverse's log|det| in log_prob
    forward_sign: ClassVar[float] = 1.0
    inverse_offset: ClassVar[float] = 0.0
    spread: ClassVar[float] = 1.0  # of the sampler's z
    lean: ClassVar[float] = 0.0  # of the sampler's second z on its first

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("weight", (4, 2), origin="flow.gen:1")
        self.declare("scale", (3,), origin="flow.gen:2", support=Support("Positive"))

    def _conditioner(self, a: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.tanh(a @ weight.T)
        return torch.tanh(hidden[:, :2].sum(1)), hidden[:, 2:].sum(1)

    def _forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        weight, scale = self.values("weight", "scale")
        s, t = self._conditioner(z[:, :2], weight)
        x = scale * torch.cat([z[:, :2], (z[:, 2] * s.exp() + t)[:, None]], 1)
        return x, self.forward_sign * (s + scale.log().sum())

    def _inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weight, scale = self.values("weight", "scale")
        u = x / scale
        s, t = self._conditioner(u[:, :2], weight)
        z = torch.cat([u[:, :2], ((u[:, 2] - t) * torch.exp(-s))[:, None] + self.inverse_offset], 1)
        return z, -(s + scale.log().sum())

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._inverse(x)
        return log_normal(z) + self.sign * log_det

    def _latent(self, rows: Tensor, seed: int) -> Tensor:
        z = self.spread * random.normal(seed, rows, 0, 0, 3, dtype=self.dtype)
        return torch.cat([z[:, :1], z[:, 1:2] + self.lean * z[:, :1], z[:, 2:]], 1)

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        return self._forward(self._latent(rows, seed))[0]

    def _rsample(self, rows: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        z = self._latent(rows, seed)
        x, log_det = self._forward(z)
        return x, log_normal(z) - log_det


class TwoPhases(Flow):
    """A flow whose parameters are learned one after the other."""

    phases: ClassVar[tuple[Phase, ...]] = (
        Phase("one", "log_prob", update=("weight",)),
        Phase("two", "log_prob", update=("scale",)),
    )

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("unused", (2,), origin="flow.gen:3")


class UnitFlow(HandWritten):
    """x = sigmoid(mean + scale * z) on (0, 1): one dimension, a support with ends."""

    fields: ClassVar[tuple[Field, ...]] = (Field("x", (1,), Support("Unit")),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
        "forward": program("forward"),
        "inverse": program("inverse"),
    }

    mass: ClassVar[float] = 1.0
    spread: ClassVar[float] = 1.0
    shift: ClassVar[float] = 0.0
    careless: ClassVar[bool] = False

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("mean", (1,), origin="unit.gen:1")
        self.declare("scale", (1,), origin="unit.gen:2", support=Support("Positive"))

    def _inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, scale = self.values("mean", "scale")
        logit = torch.log(x) - torch.log1p(-x)
        log_det = -(torch.log(x) + torch.log1p(-x) + scale.log())
        return (logit - mean) / scale, log_det.sum(1)

    def _forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        mean, scale = self.values("mean", "scale")
        t = mean + scale * z
        log_det = scale.log() - torch.nn.functional.softplus(t) - torch.nn.functional.softplus(-t)
        return torch.sigmoid(t), log_det.sum(1)

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._inverse(x)
        value = log_normal(z) + log_det + math.log(self.mass)
        # The classical mistake: the branch not taken is NaN where x is an end, and so is its gradient.
        return torch.where(x[:, 0] < 1e-20, value.sqrt(), value) if self.careless else value

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        return self._forward(self.shift + self.spread * random.normal(seed, rows, 0, 0, 1, dtype=self.dtype))[0]


class Autoregression(HandWritten):
    """p(x[i] | x[<i]) = Bernoulli(logits = b[i] + W[i, <i] @ x[<i]) on six bits."""

    fields: ClassVar[tuple[Field, ...]] = (Field("x", (6,), Support("Binary"), "uint8", "int64"),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
    }

    peek: ClassVar[float] = 0.0  # how much an element sees its successor
    tilt: ClassVar[float] = 0.0  # added to one logit of the sampler

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("W", (6, 6), origin="ar.gen:1")
        self.declare("b", (6,), origin="ar.gen:2")

    def _logits(self, x: Tensor) -> Tensor:
        W, b = self.values("W", "b")
        mask = torch.ones_like(W).tril(-1) + self.peek * torch.diag(torch.ones_like(b[1:]), 1)
        return b + x.to(W.dtype) @ (3 * W * mask).T

    def conditionals(self, x: Tensor) -> Tensor:
        logits = self._logits(x)
        return x * logits - torch.nn.functional.softplus(logits)

    def _log_prob(self, x: Tensor) -> Tensor:
        return self.conditionals(x).sum(1)

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        uniform = random.uniform(seed, rows, 0, 0, 6, dtype=self.dtype)
        x = torch.zeros(len(rows), 6, dtype=self.dtype)
        for i in range(6):
            logits = self._logits(x)[:, i] + (self.tilt if i == 4 else 0.0)
            x[:, i] = (uniform[:, i] < torch.sigmoid(logits)).to(self.dtype)
        return x


class Quantized(HandWritten):
    """x = floor(5 sigmoid(mean + scale z)) on two integers; log_prob is one draw of the dequantization bound."""

    capabilities: ClassVar[dict[str, str]] = {"sample": "exact", "log_prob": "bound"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (2,), Support("Integer", (0, 5)), "uint8", "int64"),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob", "rows", "seed"),
        "sample": program("sample", "rows", "seed"),
    }

    spread: ClassVar[float] = 1.0
    levels: ClassVar[float] = 5.0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("mean", (2,), origin="quantized.gen:1")
        self.declare("scale", (2,), origin="quantized.gen:2", support=Support("Positive"))

    def _log_prob(self, x: Tensor, rows: Tensor, seed: int) -> Tensor:
        mean, scale = self.values("mean", "scale")
        u = random.uniform(seed, rows, 0, 1, 2, dtype=self.dtype)
        log_y, log_rest = torch.log((x + u) / 5), torch.log(((4 - x) + (1 - u)) / 5)
        z = (log_y - log_rest - mean) / scale
        log_det = -(log_y + log_rest + scale.log() + math.log(self.levels))
        return log_normal(z) + log_det.sum(1)

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        mean, scale = self.values("mean", "scale")
        z = self.spread * random.normal(seed, rows, 0, 0, 2, dtype=self.dtype)
        return (5 * torch.sigmoid(mean + scale * z)).floor().clamp(0, 4)


class Langevin(HandWritten):
    """MALA for p(x) = exp(-U(x)), U a bent quartic on the plane, without parameters."""

    tile: ClassVar[int] = 2048
    capabilities: ClassVar[dict[str, str]] = {"sample": "chain", "log_prob": "none"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (2,), REAL),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "energy": program("energy"),
        "chain": program("chain", "rows", "seed", "step", "steps"),
    }
    step_size: ClassVar[float] = 0.15

    ratio: ClassVar[str] = "full"  # "full", "none" (unadjusted), "target" (no proposal terms), "flipped"
    drift: ClassVar[float] = 1.0

    def _energy(self, x: Tensor) -> Tensor:
        return 0.5 * x[:, 0] ** 2 + 0.5 * (x[:, 1] - 0.5 * x[:, 0] ** 2) ** 2

    def _gradient(self, x: Tensor) -> Tensor:
        bend = x[:, 1] - 0.5 * x[:, 0] ** 2
        return torch.stack([x[:, 0] - bend * x[:, 0], bend], 1)

    def log_proposal(self, x: Tensor, y: Tensor) -> Tensor:
        mean = x - self.step_size * self._gradient(x)
        variance = 2 * self.step_size
        return -((y - mean) ** 2).sum(1) / (2 * variance) - math.log(2 * math.pi * variance)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        target = self._energy(x) - self._energy(y)
        forth, back = self.log_proposal(x, y), self.log_proposal(y, x)
        return {
            "full": target + back - forth,
            "none": torch.full_like(target, math.inf),
            "target": target,
            "flipped": target + forth - back,
        }[self.ratio]

    def _chain(self, x: Tensor, steps: int, rows: Tensor, seed: int, step: int) -> tuple[Tensor, Tensor]:
        accepted = torch.zeros(len(x))
        for k in range(step, step + steps):
            noise = random.normal(seed, rows, k, 0, 2, dtype=x.dtype)
            log_uniform = random.uniform(seed, rows, k, 1, dtype=x.dtype).log()
            y = x - self.drift * self.step_size * self._gradient(x) + math.sqrt(2 * self.step_size) * noise
            take = log_uniform < self.log_ratio(x, y)
            x = torch.where(take[:, None], y, x)
            accepted = accepted + take
        return x, accepted
