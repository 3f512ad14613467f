"""Rows of samples and chains: the same bits whatever is asked for, the right shapes, the right law."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.runtime import evaluate, quantiles, random, sampling, special
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model, RowFunction

Kinds = dict[str, type[Model]]


@pytest.mark.parametrize("name", ["nade", "flow", "reals"])
def test_rows_do_not_depend_on_their_number(kinds: Kinds, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds[name], "tile", 16)
    model = kinds[name](seed=1)
    whole = model.sample(40, seed=9)
    for count in (1, 7, 16, 17, 33):
        assert torch.equal(model.sample(count, seed=9), whole[:count])
    assert not torch.equal(model.sample(40, seed=10), whole)


def test_tiles_are_whole_for_torch_and_cut_for_kernels(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrix products round differently for other shapes, so where they are, row i always meets the same one."""
    sizes: list[int] = []
    original = Model.run

    def run(model: Model, name: str, inputs: list[torch.Tensor], rows: torch.Tensor, **keys: int) -> object:
        sizes.append(len(rows))
        return original(model, name, inputs, rows, **keys)

    monkeypatch.setattr(Model, "run", run)
    monkeypatch.setitem(
        kinds["nade"].programs,
        "sample",
        dataclasses.replace(small := kinds["nade"].programs["sample"], tiles=(64, 64, 256)),
    )
    kinds["nade"]().sample(1)
    kinds["nade"]().sample(513)
    assert sizes == [64, 64, 64, 128, 256, 256]
    sizes.clear()
    monkeypatch.setitem(kinds["nade"].programs, "sample", small)  # its operations are small: they cost a launch each
    kinds["nade"]().sample(513)
    assert sizes == [512, 512]
    sizes.clear()
    for count in (3, 1000, 20_000):  # `start` and `chain`, of width 2
        kinds["chain"]().chain(count, burn_in=0, thin=1)
    assert sizes == [64, 64, 1024, 1024, 16384, 16384, 3648, 3648]
    sizes.clear()
    monkeypatch.setattr(kinds["nade"], "kernel", lambda self, name, inputs=(): self.programs[name].function)
    assert kinds["nade"]().sample(300).shape == (300, 6)
    assert sizes == [300]


def test_discrete_samples_are_integers_of_the_support(kinds: Kinds) -> None:
    x = kinds["flow"]().sample(500)
    assert x.dtype == torch.int64
    assert kinds["flow"].fields[0].support.contains(x).all()


def test_samples_follow_log_prob(kinds: Kinds) -> None:
    """Every state's count against its probability: a chi-squared statistic of 63 degrees, alarm at 1e-6."""
    model = kinds["nade"](seed=5)
    x = model.sample(20_000, seed=1)
    place = (x * 2 ** torch.arange(6)).sum(1)
    every = torch.tensor([[i >> k & 1 for k in range(6)] for i in range(64)])
    expected = model.double().log_prob(every).detach().exp() * len(x)
    found = torch.bincount(place, minlength=64)
    statistic = float(((found - expected) ** 2 / expected).sum())
    assert statistic < 138  # the 1 - 1e-6 quantile is 137.4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["chain", "elementwise", "weights"])
def test_chains_do_not_depend_on_their_number(kinds: Kinds, name: str, threads: int, dtype: torch.dtype) -> None:
    """Not to the last bit, though softplus, sinh and sums round differently where vectors end.

    `elementwise` calls functions whose vector and scalar forms differ; `weights` has a matrix product."""
    model = kinds[name](seed=2).to(dtype)
    size = model.fields[0].size
    assert bool(model.programs["chain"].width) == (name != "weights")
    with torch_threads(threads):
        whole = model.chain(10_000, 2, burn_in=2, thin=2, seed=5)
        assert whole.draws.shape == (10_000, 2, size)
        assert whole.acceptance.shape == (10_000,)
        assert 0 < float(whole.acceptance.mean()) < 1
        for count in (1, 7, 256, 1000, 9_999):
            part = model.chain(count, 2, burn_in=2, thin=2, seed=5)
            assert torch.equal(part.draws, whole.draws[:count])
            assert torch.equal(part.acceptance, whole.acceptance[:count])
    assert model.chain(0, 3).draws.shape == (0, 3, size)


def test_any_tile_would_not_do(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    """That tiles are multiples of QUANTUM is what makes rows independent of their number: some do depend without."""
    model = kinds["elementwise"]()
    whole = model.chain(1000, 1, burn_in=0, thin=30, seed=5).draws
    monkeypatch.setattr(sampling, "QUANTUM", 1)
    assert any(
        not torch.equal(model.chain(count, 1, burn_in=0, thin=30, seed=5).draws, whole[:count])
        for count in (1, 3, 7, 13, 50, 101, 333)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("threads", [1, 2])
def test_multiples_of_the_quantum_are_alike(threads: int, dtype: torch.dtype) -> None:
    """The premise of tiles without products: each function and reduction, on every layout of its arguments."""
    reductions = ["sum", "amax", "amin", "prod"]  # as the printer spells them
    functions = {name: f"a.{name}(-1)" for name in reductions}
    for function in FUNCTIONS.values():
        if function.kind != "boolean" and function.name != "indicator":
            functions[function.name] = function.torch.format("a", "b")
    layouts: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "whole": lambda a: a,
        "column": lambda a: a[:, :1],
        "slice": lambda a: a[:, 1:],
        "transposed": lambda a: a.T.contiguous().T,
        "broadcast": lambda a: a[:, :1].expand(-1, a.shape[1]),
    }
    generator = torch.Generator().manual_seed(0)
    with torch_threads(threads):
        for width in (2, 3, 8, 17, 64):
            quick = {name: code for name, code in functions.items() if width == 3 or "quantiles." not in code}
            longest = sampling.GRAIN // width // sampling.QUANTUM * sampling.QUANTUM
            a = 2 * torch.randn(longest, width, dtype=dtype, generator=generator)
            b = 0.1 + torch.rand(longest, width, dtype=dtype, generator=generator)
            for (name, code), (layout, view) in itertools.product(quick.items(), layouts.items()):
                compute = eval(
                    f"lambda a, b: {code}", {"torch": torch, "F": F, "special": special, "quantiles": quantiles}
                )
                whole = compute(view(a), view(b))
                for rows in (64, 128, 192, longest - 64):
                    part = compute(view(a[:rows].clone()), view(b[:rows].clone()))
                    assert torch.equal(part.nan_to_num(), whole[:rows].nan_to_num()), (name, layout, width, rows)


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Torch computes with `count` threads within."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def test_a_chain_is_one_sequence_of_steps(kinds: Kinds) -> None:
    """Burn-in, thinning and the number of draws only choose which states are kept."""
    model = kinds["chain"]()
    dense = model.chain(5, 20, burn_in=0, thin=1, seed=3).draws
    sparse = model.chain(5, 4, burn_in=4, thin=4, seed=3).draws
    assert torch.equal(sparse, dense[:, 7::4])
    assert torch.equal(model.sample(5, burn_in=20, seed=3), dense[:, -1])


def test_given_first_states(kinds: Kinds) -> None:
    model = kinds["chain"]()
    start = torch.full((11, 2), 0.25)
    near = model.chain(11, 1, burn_in=0, thin=1, start=[start]).draws[:, 0]
    assert (near - start).abs().max() < 3
    assert not torch.equal(near[0], near[8])
    with pytest.raises(RunError, match="not a number"):
        model.chain(1, start=[torch.full((1, 2), math.nan)])


@pytest.mark.parametrize(("draws", "thin", "burn_in"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_requests(kinds: Kinds, draws: int, thin: int, burn_in: int) -> None:
    with pytest.raises(RunError):
        kinds["chain"]().chain(2, draws, thin=thin, burn_in=burn_in)
    with pytest.raises(RunError):
        kinds["nade"]().sample(-1)


def test_chains_find_their_law(kinds: Kinds) -> None:
    """x_0 is standard normal under the banana; starting there, it stays: mean 0 and variance 1 within 6 errors."""
    model = kinds["chain"]()
    x0 = random.normal(3, torch.arange(2000), 0, 99)
    noise = random.normal(4, torch.arange(2000), 0, 99)
    start = torch.stack([x0, x0**2 + 0.5 * noise], 1)
    chain = model.chain(2000, 4, burn_in=20, thin=5, start=[start])
    last = chain.draws[:, -1].double()
    assert abs(float(last[:, 0].mean())) < 6 / math.sqrt(2000)
    assert abs(float(last[:, 0].var()) - 1) < 6 * math.sqrt(2 / 2000)
    assert abs(float(last[:, 1].mean()) - 1) < 6 * math.sqrt(2.25 / 2000)
    assert 0.5 < float(chain.acceptance.mean()) < 1


def test_chain_summaries_are_named_after_the_state(kinds: Kinds) -> None:
    model = kinds["chain"]()
    found = evaluate.evaluate_chain(model, model.chain(8, 12, burn_in=2, thin=1))
    assert list(found) == ["x[0]", "x[1]"]


class Walk(Model):
    """Hand-written: two variables, one of them counted; a chain that counts its steps, and a conditional sampler."""

    fields = (
        Field("k", (), Support("Integer", (0, 5))),
        Field("x", (2,), Support("Interval", (-1.0, 1.0))),
        Field("c", (1,), Support("Positive"), given=True),
    )
    tile = 4

    @staticmethod
    def _step(k: torch.Tensor, x: torch.Tensor, steps: int, *, step: int) -> tuple[torch.Tensor, ...]:
        return (k + steps) % 5, x, torch.full_like(k, steps)

    @staticmethod
    def _draw(c: torch.Tensor, *, rows: torch.Tensor, seed: int) -> tuple[torch.Tensor, ...]:
        uniform = random.uniform(seed, rows, 0, 0, 2)
        return (uniform[:, 0] * 5).floor(), uniform * 0 + (rows % 2)[:, None] / c

    programs: ClassVar[dict[str, RowFunction]] = {
        "chain": RowFunction(_step, keywords=("step",), scalars=("steps",)),
        "sample": RowFunction(_draw, keywords=("rows", "seed")),
    }


class Unconditional(Walk):
    fields = Walk.fields[:2]


def test_several_variables_and_default_starts() -> None:
    chain = sampling.chain(Unconditional(), 10, 3, burn_in=0, thin=2)
    k, x = chain.draws
    assert (k.shape, x.shape) == ((10, 3), (10, 3, 2))
    assert (k.dtype, x.dtype) == (torch.int64, torch.float32)
    assert chain.acceptance.tolist() == [1.0] * 10
    assert ((k[:, 1] - k[:, 0]) % 5 == 2).all()
    assert (x.abs() <= 1).all()
    many = sampling.chain(Unconditional(), 4000, 1, burn_in=0, thin=5).draws[0]
    assert np.bincount(many.numpy().ravel(), minlength=5).min() > 600  # uniform on five values: 800 +- 25
    last = sampling.last_state(Unconditional(), 3, burn_in=2)
    assert isinstance(last, tuple)
    assert last[1].shape == (3, 2)


def test_contexts() -> None:
    model = Walk()
    c = torch.arange(1.0, 7.0)[:, None]
    k, x = sampling.sample(model, 6, c, seed=1)
    assert x[:, 0].tolist() == pytest.approx([0, 1 / 2, 0, 1 / 4, 0, 1 / 6])
    assert torch.equal(sampling.sample(model, 6, {"c": c}, seed=1)[0], k)
    for context, words in ((None, "needs the given `c`"), (c[:3], "3 rows for 6"), ({"d": c}, "needs the given")):
        with pytest.raises(RunError, match=words):
            sampling.sample(model, 6, context)
    with pytest.raises(RunError, match="takes no context"):
        sampling.sample(Unconditional(), 6, c)
    as_list, _ = sampling.sample(model, 6, c.tolist(), seed=1)  # type: ignore[arg-type]
    assert torch.equal(as_list, k)
    outside = c.clone()
    outside[4] = -1.0
    with pytest.raises(RunError, match=r"row 4 of `c` lies outside Positive"):
        sampling.sample(model, 6, outside)


def test_no_default_start_on_a_half_line() -> None:
    class Half(Walk):
        fields = (Field("k", (), Support("Positive")),)

    with pytest.raises(RunError, match="pass `start=`"):
        sampling.chain(Half(), 1, 1, burn_in=0, thin=1)
