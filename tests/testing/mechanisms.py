"""Small models written by hand for what is given, latent, implicit, or drawn by a reverse process.

As in `tests.testing.models`, the pieces that a test may replace by wrong ones are class attributes and methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from gencompiler.runtime import random, sampling
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Phase, RowFunction
from tests.testing.models import REAL, HandWritten, log_normal, program

BINARY = Support("Binary")


class Conditional(HandWritten):
    """x = shift[y] + exp(c) * z on the plane, given a class y and a number c."""

    fields: ClassVar[tuple[Field, ...]] = (
        Field("x", (2,), REAL),
        Field("y", (), Support("Category", (3,)), "uint8", "int64", given=True),
        Field("c", (), REAL, given=True),
    )
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
        "rsample": program("rsample", "rows", "seed"),
        "forward": program("forward"),
        "inverse": program("inverse"),
    }
    phases: ClassVar[tuple[Phase, ...]] = (Phase("one", "log_prob", update=("shift",)),)

    neighbour: ClassVar[int] = 0  # the sampler takes the class y + neighbour
    other: ClassVar[int] = 0  # and so does `inverse` as a method

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("shift", (3, 2), origin="conditional.gen:1")
        self.declare("unused", (2,), origin="conditional.gen:2")

    def _forward(self, z: Tensor, y: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        (shift,) = self.values("shift")
        return 3 * shift[y.long() % 3] + torch.tanh(c).exp()[:, None] * z, 2 * torch.tanh(c)

    def _inverse(self, x: Tensor, y: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        (shift,) = self.values("shift")
        return (x - 3 * shift[y.long() % 3]) * torch.exp(-torch.tanh(c))[:, None], -2 * torch.tanh(c)

    def _log_prob(self, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        z, log_det = self._inverse(x, y, c)
        return log_normal(z) + log_det

    def _sample(self, y: Tensor, c: Tensor, rows: Tensor, seed: int) -> Tensor:
        return self._forward(random.normal(seed, rows, 0, 0, 2, dtype=self.dtype), y + self.neighbour, c)[0]

    def _rsample(self, y: Tensor, c: Tensor, rows: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        x = self._sample(y, c, rows, seed)
        return x, self._log_prob(x, y, c)

    def log_prob(self, x: Tensor, *, context: Any) -> Tensor:  # type: ignore[override]
        return self.row_values("log_prob", [x], context)

    def sample(self, n: int, *, context: Any, seed: int = 0) -> Any:  # type: ignore[override]
        return sampling.sample(self, n, context, seed=seed)

    def rsample_and_log_prob(self, n: int, *, context: Any, seed: int = 0) -> Any:  # type: ignore[override]
        return sampling.rsample(self, n, context, seed=seed)

    def forward(self, z: Tensor, y: Tensor, c: Tensor) -> Any:  # type: ignore[override]
        return self.call_program("forward", (z, y, c))

    def inverse(self, x: Tensor, y: Tensor, c: Tensor) -> Any:  # type: ignore[override]
        return self.call_program("inverse", (x, y + self.other, c))


class ContinuousFlow(HandWritten):
    """x(1) of dx/dt = (1 + t) tanh(W x), x(0) = z, on the plane, by eight steps of Runge and Kutta."""

    capabilities: ClassVar[dict[str, str]] = {"sample": "approximate", "log_prob": "estimate"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (2,), REAL),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
        "forward": program("forward"),
        "inverse": program("inverse"),
    }

    back_from: ClassVar[float] = 1.0  # the times between which `inverse` goes back
    back_to: ClassVar[float] = 0.0
    trace: ClassVar[float] = 1.0  # its share in the log|det| of `inverse`

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("W", (2, 2), origin="continuous.gen:1")

    def _field(self, t: float, x: Tensor) -> tuple[Tensor, Tensor]:
        """dx/dt and its divergence."""
        (W,) = self.values("W")
        bent = torch.tanh(x @ W.T)
        return (1 + t) * bent, (1 + t) * ((1 - bent**2) * W.diagonal()).sum(1)

    def _flow(self, x: Tensor, start: float, end: float, steps: int = 8) -> tuple[Tensor, Tensor]:
        h, log_det = (end - start) / steps, torch.zeros_like(x[:, 0])
        for k in range(steps):
            t = start + k * h
            v1, d1 = self._field(t, x)
            v2, d2 = self._field(t + h / 2, x + h / 2 * v1)
            v3, d3 = self._field(t + h / 2, x + h / 2 * v2)
            v4, d4 = self._field(t + h, x + h * v3)
            x, log_det = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4), log_det + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
        return x, log_det

    def _forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self._flow(z, 0.0, 1.0)

    def _inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = self._flow(x, self.back_from, self.back_to)
        return z, self.trace * log_det

    def _log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._inverse(x)
        return log_normal(z) + log_det

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        return self._forward(random.normal(seed, rows, 0, 0, 2, dtype=self.dtype))[0]


class Pair(HandWritten):
    """Two observed variables: u ~ Normal(0, 1), and v[i] ~ Normal(a[i] * u, 1)."""

    fields: ClassVar[tuple[Field, ...]] = (Field("u", (), REAL), Field("v", (2,), REAL))
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_prob": program("log_prob"),
        "sample": program("sample", "rows", "seed"),
    }

    lean: ClassVar[float] = 1.0  # of the sampler's v on its u

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("a", (2,), origin="pair.gen:1")

    def _log_prob(self, u: Tensor, v: Tensor) -> Tensor:
        (a,) = self.values("a")
        return log_normal(u[:, None]) + log_normal(v - (1 + a) * u[:, None])

    def _sample(self, rows: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        (a,) = self.values("a")
        noise = random.normal(seed, rows, 0, 0, 3, dtype=self.dtype)
        return noise[:, 0], noise[:, 1:] + self.lean * (1 + a) * noise[:, :1]

    def log_prob(self, u: Tensor, v: Tensor) -> Tensor:  # type: ignore[override]
        return self.row_values("log_prob", [u, v])


class Latent(HandWritten):
    """Three bits x given two hidden bits z, with a recognition model q(z | x)."""

    capabilities: ClassVar[dict[str, str]] = {"sample": "exact", "log_prob": "bound"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (3,), BINARY, "uint8"),)
    latents: ClassVar[tuple[Field, ...]] = (Field("z", (2,), BINARY, "uint8"),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "log_weight": program("log_weight", "rows", "seed"),
        "encode": program("encode", "rows", "seed"),
        "decode": program("decode", "rows", "seed"),
        "decode_mean": program("decode_mean"),
        "sample": program("sample", "rows", "seed"),
    }

    forgets: ClassVar[float] = 0.0  # the share of log q that is left out of the weight
    tilt: ClassVar[float] = 0.0  # of the sampler's prior

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("a", (2,), origin="latent.gen:1")
        self.declare("W", (3, 2), origin="latent.gen:2")
        self.declare("V", (2, 3), origin="latent.gen:3")

    def _draw(self, logits: Tensor, rows: Tensor, seed: int, stream: int) -> Tensor:
        noise = random.uniform(seed, rows, 0, stream, logits.shape[1], dtype=self.dtype)
        return (noise < torch.sigmoid(logits)).to(self.dtype)

    def _encode(self, x: Tensor, rows: Tensor, seed: int) -> Tensor:
        (V,) = self.values("V")
        return self._draw(x.to(V.dtype) @ V.T, rows, seed, 0)

    def _log_weight(self, x: Tensor, rows: Tensor, seed: int) -> Tensor:
        a, W, V = self.values("a", "W", "V")
        x = x.to(V.dtype)
        z = self._encode(x, rows, seed)
        log_p = _log_bernoulli(z, a.expand_as(z)) + _log_bernoulli(x, z @ W.T)
        return log_p - (1 - self.forgets) * _log_bernoulli(z, x @ V.T)

    def _decode(self, z: Tensor, rows: Tensor, seed: int) -> Tensor:
        (W,) = self.values("W")
        return self._draw(z.to(W.dtype) @ W.T, rows, seed, 1)

    def _decode_mean(self, z: Tensor) -> Tensor:
        (W,) = self.values("W")
        return torch.sigmoid(z.to(W.dtype) @ W.T)

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        (a,) = self.values("a")
        return self._decode(self._draw((a + self.tilt).expand(len(rows), 2), rows, seed, 2), rows, seed)

    def log_weight(self, x: Tensor, *, row: Tensor | None = None, seed: int = 0) -> Tensor:
        return self.row_values("log_weight", [x], row=row, seed=seed)

    def encode(self, x: Tensor, *, row: Tensor | None = None, seed: int = 0) -> Any:
        return self.call_program("encode", self.entered([x]), row=row, seed=seed)

    def decode(self, z: Tensor, *, row: Tensor | None = None, seed: int = 0) -> Any:
        return self.call_program("decode", [z], row=row, seed=seed)

    def decode_mean(self, z: Tensor) -> Any:
        return self.call_program("decode_mean", [z])


def _log_bernoulli(x: Tensor, logits: Tensor) -> Tensor:
    return (x * logits - F.softplus(logits)).sum(1)


class Implicit(HandWritten):
    """x = tanh(W z): samples, and no density."""

    capabilities: ClassVar[dict[str, str]] = {"sample": "exact", "log_prob": "none"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (3,), REAL),)
    programs: ClassVar[Mapping[str, RowFunction]] = {"sample": program("sample", "rows", "seed")}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("W", (3, 2), origin="implicit.gen:1")

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        (W,) = self.values("W")
        return self._end(torch.tanh(random.normal(seed, rows, 0, 0, 2, dtype=self.dtype) @ W.T))

    def _end(self, x: Tensor) -> Tensor:
        return x


class Diffusion(HandWritten):
    """Ten Euler-Maruyama steps of dx = -(x - m) dt + sqrt(2) dW from noise."""

    steps: ClassVar[int] = 10
    capabilities: ClassVar[dict[str, str]] = {"sample": "approximate", "log_prob": "none"}
    fields: ClassVar[tuple[Field, ...]] = (Field("x", (2,), REAL),)
    programs: ClassVar[Mapping[str, RowFunction]] = {
        "start": program("start", "rows", "seed"),
        "reverse": program("reverse", "rows", "seed", "step", "steps"),
        "sample": program("sample", "rows", "seed"),
    }

    forgets_its_step: ClassVar[bool] = False
    late: ClassVar[int] = 0  # steps that a trajectory leaves out

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.declare("m", (2,), origin="diffusion.gen:1")

    def _start(self, rows: Tensor, seed: int) -> Tensor:
        return random.normal(seed, rows, 0, 1, 2, dtype=self.dtype)

    def _reverse(self, x: Tensor, rows: Tensor, seed: int, step: int, steps: int) -> Tensor:
        (m,) = self.values("m")
        for k in range(step, step + steps):
            number = k - step if self.forgets_its_step else k
            x = x - 0.1 * (x - m) + 0.2**0.5 * random.normal(seed, rows, number, 0, 2, dtype=self.dtype)
        return x

    def _sample(self, rows: Tensor, seed: int) -> Tensor:
        return self._reverse(self._start(rows, seed), rows, seed, 0, self.steps)

    def reverse(self, x: Tensor, *, steps: int = 1, row: Tensor | None = None, seed: int = 0, step: int = 0) -> Any:
        return self.call_program("reverse", [x], row=row, seed=seed, step=step, steps=steps)

    def trajectory(self, count: int, points: int = 3, *, seed: int = 0) -> sampling.Trajectory:
        steps = self.steps - self.late
        return sampling.trajectory(self, count, points, steps=steps, first=1.0, last=0.0, seed=seed)
