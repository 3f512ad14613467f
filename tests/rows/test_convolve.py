"""Convolutions of row programs: torch against a literal loop over places, and what the verifier refuses."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from gencompiler.diagnostics.model import CompilerBug
from gencompiler.rows.nodes import Convolve, Output, Program, RowType
from gencompiler.rows.schedule import schedule
from gencompiler.rows.verify import verify
from tests.rows import interpreter
from tests.rows.building import AT, given, parameter, read, row, use
from tests.rows.harness import inputs, parameters, run_torch

#: The grid, the box, how far apart its places are, and the zeros around the grid (negative: cut).
CASES = [
    ((7,), (2,), 1, ((2, -1),)),
    ((9,), (3,), 2, ((4, 0),)),
    ((5,), (1,), 1, ((0, 0),)),
    ((4, 5), (2, 3), 1, ((2, -1), (1, 1))),
    ((4, 5), (1, 2), 1, ((0, 0), (2, -1))),
    ((3, 6), (1, 1), 1, ((0, 0), (0, 0))),
    ((5, 4), (3, 3), 1, ((1, 1), (1, 1))),
    ((6, 6), (2, 2), 3, ((0, 0), (0, 0))),
]
IN, OUT = 3, 2


def program(case: tuple[tuple[int, ...], tuple[int, ...], int, tuple[tuple[int, int], ...]], bias: str) -> Program:
    grid, kernel, dilation, pads = case
    value = read("x", row(IN * math.prod(grid)))
    weight = parameter("weight", (None, None), (OUT, IN * math.prod(kernel)))
    added = {"none": None, "uniform": parameter("bias", (None,), (OUT,)), "row": read("y", row(OUT))}[bias]
    found = Convolve(value.type, value, weight, added, grid, kernel, dilation, pads, span=AT)
    type_ = RowType(True, (OUT * math.prod(found.result_grid),))
    found = dataclasses.replace(found, type=type_)
    uses = (use("weight", OUT, IN * math.prod(kernel)), use("bias", OUT))
    rows = (given("x", row(IN * math.prod(grid))), given("y", row(OUT)))
    return Program("layer", "a layer", rows, (), uses, (), (Output("out", type_, found, span=AT),), span=AT)


@pytest.mark.parametrize("bias", ["none", "uniform", "row"])
@pytest.mark.parametrize("case", CASES)
def test_torch_agrees_with_a_loop_over_places(
    case: tuple[tuple[int, ...], tuple[int, ...], int, tuple[tuple[int, int], ...]], bias: str
) -> None:
    layer = program(case, bias)
    verify(layer, "test")
    rows, values = inputs(layer, 3), parameters(layer)
    (found,) = run_torch(layer, rows, values, 3)
    arrays = {k: v.numpy() for k, v in rows.items()}, {k: v.numpy() for k, v in values.items()}
    (wanted,) = interpreter.run(layer, *arrays)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)


def test_no_rows() -> None:
    layer = program(CASES[3], "row")
    none = {name: value[:0] for name, value in inputs(layer, 1).items()}
    assert run_torch(layer, none, parameters(layer), 0)[0].shape == (0, *layer.outputs[0].type.shape)
    assert torch.is_tensor(none["x"])


def test_it_is_left_to_torch() -> None:
    assert "convolution" in schedule(program(CASES[0], "none")).reason


@pytest.mark.parametrize(
    "wrong", [{"grid": (6,)}, {"kernel": (3,)}, {"kernel": (2, 1)}, {"pads": ((-7, 0),)}, {"dilation": 9}]
)
def test_the_verifier_refuses_sizes_that_do_not_fit(wrong: dict[str, object]) -> None:
    layer = program(CASES[0], "uniform")
    value = dataclasses.replace(layer.outputs[0].value, **wrong)
    output = dataclasses.replace(layer.outputs[0], value=value)
    with pytest.raises(CompilerBug):
        verify(dataclasses.replace(layer, outputs=(output,)), "test")
