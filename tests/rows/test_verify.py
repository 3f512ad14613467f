"""The verifier accepts what lowering makes and finds each kind of planted error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from gencompiler.diagnostics.model import CompilerBug
from gencompiler.node import Node, rebuild
from gencompiler.rows.nodes import (
    Column,
    Dot,
    Draw,
    Elementwise,
    Let,
    Local,
    Loop,
    Number,
    ParameterRead,
    Permute,
    Program,
    Reduce,
    RowType,
    Slice,
)
from gencompiler.rows.schedule import schedule
from gencompiler.rows.verify import verify, verify_tile
from tests.rows.programs import PROGRAMS, coupling_log_prob, coupling_sample, mala, nade_log_prob, nade_sample
from tests.rows.strategies import row_programs


def changed(tree: Program, kind: type[Node], change: Callable[..., Node]) -> Program:
    """`tree` with its first node of type `kind` replaced."""
    done = False

    def visit(part: Node) -> Node:
        nonlocal done
        if isinstance(part, kind) and not done:
            done = True
            return change(part)
        return rebuild(part, visit)

    result = rebuild(tree, visit)
    assert done
    return result


@pytest.mark.parametrize("name", PROGRAMS)
def test_accepts_programs(name: str) -> None:
    program = PROGRAMS[name]()
    assert verify(program, "test") is program


@given(row_programs())
@settings(max_examples=60, deadline=None)
def test_accepts_random_programs(program: Program) -> None:
    verify(program, "test")


ERRORS: dict[str, tuple[Callable[[], Program], type[Node], Callable[..., Node], str]] = {
    "type": (coupling_log_prob, Reduce, lambda e: dataclasses.replace(e, type=RowType(False, ())), "operands make it"),
    "kind": (mala, Elementwise, lambda e: dataclasses.replace(e, type=RowType(True, (), "boolean")), "boolean"),
    "name": (nade_sample, Local, lambda e: dataclasses.replace(e, name="nowhere"), "is not bound here"),
    "function": (mala, Elementwise, lambda e: dataclasses.replace(e, function="gamma"), "no function of the catalogue"),
    "arity": (mala, Elementwise, lambda e: dataclasses.replace(e, arguments=e.arguments[:1]), "no function of the"),
    "index": (
        mala,
        Column,
        lambda e: dataclasses.replace(e, index=dataclasses.replace(e.index, value=0.5)),
        "no integer",
    ),
    "column": (
        mala,
        Column,
        lambda e: dataclasses.replace(e, index=dataclasses.replace(e.index, value=2.0)),
        "outside",
    ),
    "parameter": (nade_log_prob, ParameterRead, lambda e: dataclasses.replace(e, path="Q"), "is no parameter"),
    "axes": (nade_log_prob, ParameterRead, lambda e: dataclasses.replace(e, index=()), "is no parameter with 0 axes"),
    "slice": (coupling_log_prob, Slice, lambda e: dataclasses.replace(e, stop=99), "slice 4..99 of 8"),
    "permutation": (coupling_log_prob, Permute, lambda e: dataclasses.replace(e, order=(0,) * 8), "no permutation"),
    "matrix": (coupling_log_prob, Dot, lambda e: dataclasses.replace(e, transposed=False), "meets a matrix"),
    "loop": (nade_log_prob, Loop, lambda e: dataclasses.replace(e, kind="forever"), "no kind of loop"),
    "count": (
        nade_log_prob,
        Loop,
        lambda e: dataclasses.replace(e, count=dataclasses.replace(e.count, value=13.0)),
        "outside",
    ),
    "reduction": (coupling_log_prob, Reduce, lambda e: dataclasses.replace(e, operation="mean"), "no reduction"),
    "draw": (coupling_sample, Draw, lambda e: dataclasses.replace(e, kind="cauchy"), "no draw"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_finds_planted_errors(name: str) -> None:
    make, kind, change, message = ERRORS[name]
    if name == "index":
        program = changed(
            mala(), Column, lambda e: dataclasses.replace(e, index=dataclasses.replace(e.index, value=0.5))
        )
    else:
        program = changed(make(), kind, change)
    with pytest.raises(CompilerBug, match=message) as caught:
        verify(program, "lower")
    assert caught.value.pass_name == "lower"
    assert caught.value.span is not None
    assert caught.value.span.source == "flow.gen"


def test_a_name_is_bound_once() -> None:
    program = nade_log_prob()
    twice = Let("logit", Number(RowType(False, ()), 0.0, span=program.span), span=program.span)
    with pytest.raises(CompilerBug, match="logit is bound twice"):
        verify(dataclasses.replace(program, body=(twice, *program.body)), "lower")


def test_two_draws_have_two_streams() -> None:
    program = mala()
    same = changed(program, Draw, lambda draw: dataclasses.replace(draw, stream=1))
    with pytest.raises(CompilerBug, match="two different draws share stream 1"):
        verify(same, "lower")


def test_an_output_is_stored_or_a_value() -> None:
    program = nade_sample()
    bare = dataclasses.replace(program.outputs[1], value=None)
    with pytest.raises(CompilerBug, match="output log_prob is neither"):
        verify(dataclasses.replace(program, outputs=(program.outputs[0], bare)), "lower")


def test_a_tile_program_has_no_slices() -> None:
    with pytest.raises(CompilerBug, match="a kernel has no"):
        verify_tile(coupling_log_prob(16, 16), "schedule")


def test_a_tile_is_padded() -> None:
    scheduled = schedule(nade_log_prob(12, 20))
    assert scheduled.tiled is not None
    program = scheduled.tiled.program
    uses = tuple(
        dataclasses.replace(use, shape=(12, 20)) if use.shape == (12, 32) else use for use in program.parameters
    )
    narrow = changed(
        dataclasses.replace(program, parameters=uses),
        ParameterRead,
        lambda read: dataclasses.replace(read, type=RowType(False, (20,))),
    )
    with pytest.raises(CompilerBug):
        verify_tile(narrow, "schedule")
