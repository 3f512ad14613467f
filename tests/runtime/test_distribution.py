"""Models as `torch.distributions`: torch's conventions, conditional models too."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from gencompiler.runtime import random, sampling
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Context, Model, RowFunction

DRAWS = ("rows", "seed", "step", "dtype")


def log_prob_rows(x: Tensor, c: Tensor) -> Tensor:
    return (-0.5 * (x - c[:, None]) ** 2 - 0.5 * math.log(2 * math.pi)).sum(1)


def sample_rows(c: Tensor, *, rows: Tensor, seed: int, step: int, dtype: torch.dtype) -> Tensor:
    return c[:, None] + random.normal(seed, rows, step, 0, 3, dtype=dtype)


def rsample_rows(c: Tensor, **keys: object) -> tuple[Tensor, Tensor]:
    x = sample_rows(c, **keys)  # type: ignore[arg-type]
    return x, log_prob_rows(x, c)


class Shifted(Model):
    """x | c ~ Normal(c, 1) in three dimensions."""

    fields = (Field("x", (3,), Support("Real")), Field("c", (), Support("Real"), given=True))
    programs: ClassVar[dict[str, RowFunction]] = {
        "log_prob": RowFunction(log_prob_rows),
        "sample": RowFunction(sample_rows, keywords=DRAWS),
        "rsample": RowFunction(rsample_rows, keywords=DRAWS),
    }

    def log_prob(self, x: Tensor, *, context: Context) -> Tensor:
        return self.row_values("log_prob", (x,), context)

    def sample(self, count: int = 1, *, context: Context, seed: int = 0) -> Tensor:
        drawn = sampling.sample(self, count, context, seed=seed)
        assert isinstance(drawn, Tensor)
        return drawn


C = torch.tensor([-2.0, 0.0, 5.0, 7.0])


def twin() -> Independent:
    """What torch itself would call the same."""
    return Independent(Normal(C[:, None].expand(4, 3), 1.0), 1)


@pytest.mark.parametrize("context", [C, {"c": C}])
def test_shapes_are_torchs(context: Context) -> None:
    p, q = Shifted().distribution(context), twin()
    assert (p.batch_shape, p.event_shape) == (q.batch_shape, q.event_shape)
    for shape in ((), (5,), (2, 5)):
        assert p.sample(shape).shape == q.sample(shape).shape
        assert p.rsample(shape).shape == q.rsample(shape).shape
    assert p.has_rsample and q.has_rsample


@pytest.mark.parametrize("shape", [(3,), (4, 3), (1, 3), (6, 4, 3), (2, 6, 4, 3), (6, 1, 3)])
def test_densities_are_torchs(shape: tuple[int, ...]) -> None:
    """Values broadcast against the batch."""
    value = torch.linspace(-3, 8, math.prod(shape)).reshape(shape)
    torch.testing.assert_close(Shifted().distribution(C).log_prob(value), twin().log_prob(value))


def test_each_member_of_the_batch_has_its_own_context() -> None:
    torch.manual_seed(0)
    p = Shifted().distribution(C)
    for drawn in (p.sample((4000,)), p.rsample((4000,))):
        torch.testing.assert_close(drawn.mean((0, 2)), C, atol=0.05, rtol=0)
        assert abs(float(torch.corrcoef(drawn[:, :, 0].T)[0, 1])) < 0.08


def test_draws_are_torchs_to_seed() -> None:
    p = Shifted().distribution(C)
    torch.manual_seed(3)
    first = p.sample((2,))
    assert not torch.equal(first, p.sample((2,)))
    torch.manual_seed(3)
    assert torch.equal(first, p.sample((2,)))


def test_derivatives_pass_through_rsample() -> None:
    c = C.clone().requires_grad_()
    Shifted().distribution(c).rsample((5,)).sum().backward()
    assert torch.equal(c.grad, torch.full((4,), 15.0))


@pytest.mark.parametrize("batch", [(4,), (6, 4), (2, 6, 4)])
def test_expand(batch: tuple[int, ...]) -> None:
    p, q = Shifted().distribution(C).expand(batch), twin().expand(batch)
    assert (p.batch_shape, p.event_shape) == (q.batch_shape, q.event_shape)
    value = q.sample((3,))
    torch.testing.assert_close(p.log_prob(value), q.log_prob(value))
    assert p.sample((3,)).shape == value.shape
    assert p.expand((7, *batch)).batch_shape == (7, *batch)


def test_without_given_variables_expand_makes_a_batch(kinds: dict[str, type[Model]]) -> None:
    p = kinds["reals"]().distribution()
    wide = p.expand((5, 3))
    assert (p.batch_shape, wide.batch_shape) == ((), (5, 3))
    x = wide.sample((2,))
    assert x.shape == (2, 5, 3, 2)
    assert torch.equal(wide.log_prob(x), p.log_prob(x))
    assert len(x.reshape(-1, 2).unique(dim=0)) == 30


def test_torch_can_build_on_it(kinds: dict[str, type[Model]]) -> None:
    joint = Independent(Shifted().distribution(C), 1)
    value = joint.sample()
    torch.testing.assert_close(joint.log_prob(value), twin().log_prob(value).sum())
    assert joint.event_shape == (4, 3)
    binary = kinds["nade"]().distribution()
    assert bool(binary.support.check(binary.sample((9,))).all())
    assert not bool(binary.support.check(torch.full((6,), 2.0)))


def test_refusals() -> None:
    with pytest.raises(RunError, match="needs the given `c`"):
        Shifted().distribution()
    with pytest.raises(RunError, match="shape"):
        Shifted().distribution(torch.zeros(4, 2))
