"""The base of generated modules, on generated packages: entrances, parameters, losses, files."""

from __future__ import annotations

import copy
import io
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gencompiler.runtime import data
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model

Kinds = dict[str, type[Model]]


def bits(count: int, size: int = 6) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 2, (count, size)))


def refused(code: str, words: str, function: object, *arguments: object, **options: object) -> None:
    with pytest.raises(RunError) as caught:
        function(*arguments, **options)  # type: ignore[operator]
    assert caught.value.code == code
    assert words in str(caught.value)


def test_probabilities_sum_to_one(kinds: Kinds) -> None:
    every = torch.tensor(list(itertools.product((0, 1), repeat=6)))
    model = kinds["nade"](seed=3).double()
    assert float(model.log_prob(every).detach().exp().sum()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool, torch.float64]
)
def test_any_exactly_integral_dtype_is_accepted(kinds: Kinds, dtype: torch.dtype) -> None:
    model = kinds["nade"]()
    assert torch.equal(model.log_prob(bits(5).to(dtype)), model.log_prob(bits(5)))


def test_off_support_rows_are_impossible_and_alone_in_it(kinds: Kinds) -> None:
    model = kinds["nade"](seed=1)
    x = bits(4).double()
    x[1, 2] = 0.5
    x[2, 0] = 2
    x[3, 5] = math.inf
    found = model.log_prob(x)
    assert found[1:].tolist() == [-math.inf] * 3
    assert torch.equal(found[:1], model.log_prob(bits(4)[:1]))
    found[:1].sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_stand_ins_for_impossible_rows_survive_narrow_dtypes(kinds: Kinds) -> None:
    """Rows off the support are replaced by a member, which a narrow dtype could not hold."""

    class Shifted(kinds["nade"]):  # type: ignore[misc]
        fields = (Field("x", (6,), Support("Integer", (300, 302))),)

    entered, inside = Shifted().enter([bits(3).to(torch.uint8)], None)
    assert not inside.any()
    assert entered[0].tolist() == [[300.0] * 6] * 3


def test_nan_is_an_error(kinds: Kinds) -> None:
    x = torch.zeros(3, 2)
    x[2, 1] = math.nan
    refused("G801", "row 2", kinds["reals"]().log_prob, x)


@pytest.mark.parametrize("shape", [(6,), (3, 5), (3, 6, 1)])
def test_wrong_shapes_are_errors(kinds: Kinds, shape: tuple[int, ...]) -> None:
    refused("G801", "the model wants [rows, 6]", kinds["nade"]().log_prob, torch.zeros(shape))


@pytest.mark.parametrize("name", ["nade", "flow", "reals"])
def test_empty_batches(kinds: Kinds, name: str) -> None:
    model = kinds[name]()
    empty = torch.zeros(0, *model.fields[0].shape)
    assert model.log_prob(empty).shape == (0,)
    assert model.sample(0).shape == (0, *model.fields[0].shape)


@pytest.mark.parametrize("name", ["nade", "flow", "reals"])
def test_dtypes(kinds: Kinds, name: str) -> None:
    model = kinds[name](seed=2)
    x = model.sample(20, seed=4)
    single = model.log_prob(x)
    double = model.double().log_prob(x)
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


def test_flows_go_round(kinds: Kinds) -> None:
    model = kinds["reals"](seed=5).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    z = torch.randn(7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x, log_abs_det = model.forward(z)
    back, opposite = model.inverse(x)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(opposite, -log_abs_det)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(model.log_prob(x), normal - log_abs_det)
    assert log_abs_det.abs().min() > 0


def test_a_bound_is_keyed_by_seed_step_and_row(kinds: Kinds) -> None:
    model = kinds["flow"](seed=1)
    x = torch.full((4, 4), 3)
    base = model.log_prob(x)
    assert len(set(base.tolist())) == 4
    assert torch.equal(base, model.log_prob(x))
    assert not torch.equal(base, model.log_prob(x, seed=1))
    assert not torch.equal(base, model.log_prob(x, step=1))
    swapped = model.log_prob(x, row=torch.tensor([1, 0, 3, 2]))
    assert torch.equal(swapped, base[[1, 0, 3, 2]])


def test_loss_is_minus_the_mean(kinds: Kinds) -> None:
    model = kinds["nade"]()
    x = bits(8)
    assert torch.equal(model.loss(x), -model.log_prob(x).mean())
    assert torch.equal(model.loss({"x": x}), model.loss(x))
    refused("G801", "no phase `wake`", model.loss, x, phase="wake")
    refused("G801", "no `x`", model.loss, {"y": x})


def test_loss_of_checked_rows_is_the_same(kinds: Kinds) -> None:
    model = kinds["flow"]()
    rows = data.load(np.random.default_rng(1).integers(0, 8, (40, 4)), model.fields).train
    batch = rows.take(torch.arange(10))
    assert torch.equal(model.loss(batch, seed=2, step=3), model.loss(batch.tensors["x"], row=batch.row, seed=2, step=3))


def test_a_model_without_objective_says_so(kinds: Kinds) -> None:
    refused("G801", "no training objective", kinds["chain"]().loss, torch.zeros(1, 2))
    refused("G801", "no training objective", kinds["chain"]().fit, np.zeros((9, 2)))


def test_initial_parameters_come_from_the_seed_alone(kinds: Kinds) -> None:
    torch.manual_seed(0)
    one = kinds["nade"](seed=7).state_dict()
    torch.manual_seed(1)
    two = kinds["nade"](seed=7).state_dict()
    other = kinds["nade"](seed=8).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["W"], other["W"])
    refused("G801", "not in 0..2^64", kinds["nade"], -1)


def test_it_is_a_module_like_any_other(kinds: Kinds) -> None:
    model = kinds["flow"](seed=1)
    names = set(model.state_dict())
    assert "AffineCoupling.mlp.0.weight" in names
    assert "Scale.s" in names
    clone = copy.deepcopy(model)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    clone.load_state_dict(torch.load(buffer, weights_only=True))
    x = torch.full((3, 4), 2)
    assert torch.equal(clone.log_prob(x), model.log_prob(x))
    assert model.origins["Scale.s"] == "flow.gen:5"
    functional = torch.func.functional_call(model, dict(model.named_parameters()), (torch.zeros(2, 4),))
    assert torch.equal(functional[0], model.forward(torch.zeros(2, 4))[0])


def test_parameters_may_have_any_name() -> None:
    class Odd(Model):
        fields = (Field("x", (1,), Support("Real")),)

        def __init__(self) -> None:
            super().__init__()
            for name in ("forward", "training", "lambda", "loss", "mlp", "mlp.0.weight", "mlp.0.bias"):
                self.declare(name, (2,), origin="odd.gen:1", start=float(len(name)))

    model = Odd()
    for name in ("forward", "training", "lambda", "loss", "mlp", "mlp.0.weight", "mlp.0.bias"):
        assert model.value(name).tolist() == [len(name)] * 2
    assert len(list(model.parameters())) == 7
    assert model.training is True
    assert {"forward_", "lambda_", "mlp", "mlp_.0.weight"} < set(model.state_dict())


def test_saved_and_loaded(kinds: Kinds, tmp_path: Path) -> None:
    model = kinds["nade"](seed=4)
    model.save(tmp_path / "w.safetensors")
    again = kinds["nade"].load(tmp_path / "w.safetensors")
    assert torch.equal(again.log_prob(bits(9)), model.log_prob(bits(9)))
    refused("G803", "belongs to another model", kinds["flow"].load, tmp_path / "w.safetensors")


def test_distribution(kinds: Kinds) -> None:
    model = kinds["reals"](seed=2)
    p = model.distribution()
    assert (p.event_shape, p.batch_shape) == ((2,), ())
    torch.manual_seed(3)
    x = p.sample((4, 5))
    torch.manual_seed(3)
    assert torch.equal(x, p.sample((4, 5)))
    assert x.shape == (4, 5, 2)
    assert p.log_prob(x).shape == (4, 5)
    torch.testing.assert_close(p.log_prob(x).reshape(-1), model.log_prob(x.reshape(-1, 2)))
    assert p.support.check(x).all()
    assert p.sample().shape == (2,)
    binary = kinds["nade"]().distribution()
    assert not binary.support.check(torch.full((1, 6), 2)).all()
    assert not binary.has_rsample
    with pytest.raises(NotImplementedError):
        binary.rsample()


def test_unknown_back_ends_are_refused(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_BACKEND", "fpga")
    refused("G801", "GENC_BACKEND", kinds["nade"]().log_prob, bits(1))


def test_kernels_are_used_where_they_apply(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under GENC_BACKEND=triton and in float32 only: launchers without gradients, with them kernels with a backward."""
    from gencompiler.runtime import backends

    calls = []

    def launcher(model: Model, function: str) -> None:
        calls.append(function)

    def differentiated(module: str, device: torch.device) -> frozenset[str]:
        calls.append("GRADIENTS")
        return frozenset()

    monkeypatch.setattr(backends, "kernel_launcher", launcher)
    monkeypatch.setattr(backends, "_differentiated", differentiated)
    model = kinds["nade"]()
    with torch.no_grad():
        model.log_prob(bits(2))
    model.log_prob(bits(2))
    assert calls == []
    monkeypatch.setenv("GENC_BACKEND", "triton")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    refused("G801", "TRITON_INTERPRET=1", model.double().float().log_prob, bits(2))
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    model.log_prob(bits(2))
    assert calls == ["GRADIENTS"]
    with torch.no_grad():
        model.log_prob(bits(2))
        assert calls[1:] == ["log_prob_rows"]
        model.double().log_prob(bits(2))
    model.log_prob(bits(2))
    assert len(calls) == 2
