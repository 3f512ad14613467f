"""Gradients of random row programs, through particles and loops: their backward passes in torch's float64, and as C
functions in float32, beside torch's automatic differentiation in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gencompiler.emit.c import print_c
from gencompiler.rows.backward import Adjoint, adjoints
from gencompiler.rows.graph import Graph
from gencompiler.rows.native import Native, prepared
from gencompiler.rows.nodes import Expr, Output, ParameterUse, Program
from gencompiler.rows.programs import Draft
from gencompiler.rows.uniforms import settle
from gencompiler.rows.unsupported import NotDifferentiated, NotLowered
from gencompiler.rows.verify import verify
from gencompiler.runtime import gradients
from tests import c_library
from tests.rows import harness
from tests.rows.building import AT
from tests.rows.differentiation import gradient_of
from tests.rows.recipes import Built, Maker, Sizes

ROWS, LANES = 21, 16

#: Seeds whose backward passes are compiled: between them, particles that are pooled, collected and handed out, products
#: of matrices for particles and for rows, states that are saved.
IN_C = (3, 5, 8, 12, 17, 21)


class _Draft(Draft):
    """A random program under construction."""

    def __init__(self, built: Built) -> None:  # of no model
        self.graph: Graph = built.graph
        self.name, self.title, self.span = "random", "a random program", AT
        self.inputs, self.scalars = list(built.inputs), []
        self.uses = built.uses

    def _in_order(self) -> tuple[Any, ...]:
        return tuple(self.inputs)

    def _parameters(self, trees: tuple[Any, ...]) -> tuple[ParameterUse, ...]:
        return tuple(self.uses.values())


def built(seed: int) -> tuple[_Draft, dict[str, Expr]]:
    """A random scalar: of a row, and of its particles."""
    sizes = Sizes()
    maker, made = Maker(seed, sizes), Built(sizes)
    vector = ("reduce", "sum", ("unary", "tanh", ("pool", maker.make(4, 3, True))))
    collected = ("reduce", "logsumexp", ("collect", maker.make(None, 4, True)))
    recipe = ("binary", "add", ("binary", "add", vector, collected), maker.make(None, 4, False))
    return _Draft(made), {"value": made.build(recipe)}


def ways(seed: int, *, at_hand: bool) -> tuple[Program, tuple[Adjoint, ...]]:
    draft, outputs = built(seed)
    program = draft.assembled([Output("value", outputs["value"].type, outputs["value"], span=AT)])
    return program, adjoints(lambda: built(seed), at_hand=at_hand)


def both(
    program: Program, gradient: gradients.Gradient, dtype: torch.dtype, *, even: bool
) -> list[tuple[Tensor, Tensor]]:
    """(what `gradient` gives, torch's in float64) for each input and parameter."""
    given_, values = harness.inputs(program, ROWS), harness.parameters(program)
    cotangent = torch.full((ROWS,), 0.3) if even else torch.linspace(0.5, 1.5, ROWS)
    inputs = [given_[name].to(dtype) for name in gradient.inputs]
    parameters = [values[path].to(dtype) for path in gradient.parameters]
    keys = gradients.Keys(torch.arange(ROWS), harness.SEED, harness.STEP)
    _, *states = gradients.forward_at_once(gradient, inputs, parameters, keys)
    ours = gradients.backward(gradient, inputs, parameters, states, cotangent.to(dtype), keys)
    return list(zip(ours, _by_torch(program, gradient, given_, values, cotangent), strict=True))


def _by_torch(
    program: Program,
    gradient: gradients.Gradient,
    given_: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    cotangent: Tensor,
) -> list[Tensor]:
    leaves = {name: each.clone().requires_grad_() for name, each in (given_ | values).items()}
    (value,) = harness.run_torch(
        program, {n: leaves[n] for n in given_}, {n: leaves[n] for n in values}, ROWS, torch.float64
    )
    wanted = [leaves[name] for name in (*gradient.inputs, *gradient.parameters)]
    found = torch.autograd.grad((value * cotangent.double()).sum(), wanted, allow_unused=True)
    return [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(wanted, found, strict=True)]


def worst(pairs: list[tuple[Tensor, Tensor]]) -> float:
    return max(float((a.double() - b).norm() / (1 + b.norm())) for a, b in pairs)


@example(seed=1, even=False)  # a loop that starts from what another ended with
@example(seed=23, even=True)
@given(seed=st.integers(0, 2**32), even=st.booleans())
@settings(max_examples=25, deadline=None)
def test_backward_passes_are_the_derivative(seed: int, even: bool) -> None:
    try:
        program, found = ways(seed, at_hand=even)
    except (NotDifferentiated, NotLowered) as refusal:
        assert any(words in str(refusal) for words in ("a loop that carries values of particles", "no gradient"))
        return
    for way in found:
        verify(way.saving, "random")
        verify(way.backward, "random")
    assert worst(both(program, gradient_of(program, found), torch.float64, even=even)) < 1e-9


def test_most_random_programs_have_one() -> None:
    """The property above says little where nothing is differentiated."""
    refused = 0
    for seed in range(40):
        try:
            ways(seed, at_hand=False)
        except (NotDifferentiated, NotLowered):
            refused += 1
    assert refused < 20


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Program, gradients.Gradient]]:
    c_library.compiler()
    printed: dict[str, c_library.Printed] = {}
    found = {seed: ways(seed, at_hand=True) for seed in IN_C}
    names: dict[int, str] = {}
    for seed, (_, own) in found.items():
        for number, way in enumerate(own):
            for each in (way.saving, way.backward):
                native = Native(True, "", LANES, 1e4, settle(prepared(each)))  # whatever it costs
                names[id(each)] = name = f"random_{seed}_{number}_{each.name.removeprefix('random_')}"
                printed[name] = each, native, print_c(each, native, name=name)
    flags = ("-O1", "-fno-math-errno", "-fno-trapping-math")
    made = c_library.functions(tmp_path_factory.mktemp("gradients") / "gradients.c", printed, flags)
    return {
        seed: (program, gradient_of(program, own, lambda each: made[names[id(each)]]))
        for seed, (program, own) in found.items()
    }


@pytest.mark.parametrize("seed", IN_C)
@pytest.mark.parametrize("even", [False, True])
def test_c_functions_are_the_derivative(
    seed: int, even: bool, in_c: dict[int, tuple[Program, gradients.Gradient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    c_library.used(monkeypatch)
    program, gradient = in_c[seed]
    assert worst(both(program, gradient, torch.float32, even=even)) < 2e-4
