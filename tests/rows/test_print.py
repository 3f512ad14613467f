"""The text and the JSON of row programs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from gencompiler.node import data
from gencompiler.rows.nodes import Number, Program, RowType
from gencompiler.rows.print import expression, text
from tests.rows.building import AT, apply, local, number, row
from tests.rows.programs import PROGRAMS, nade_log_prob
from tests.rows.strategies import row_programs

NADE = """\
program log_prob: log p(x) of NADE
  input x : integer[rows, 12]
  parameter W : Real[20, 12]
  parameter V : Real[12, 20]
  parameter b : Real[12]
  parameter c : Real[20]
  loop dimensions i in 0..12 carrying a, log_p:
    a <- c
    log_p <- 0
    logit = b[i] + sum(sigmoid(a) * V[i])
    next a = a + W[:, i] * x[i]
    next log_p = log_p + (x[i] * logit - softplus(logit))
  output log_prob : real[rows] = log_p
"""


def test_text_of_nade() -> None:
    assert text(nade_log_prob()) == NADE


@pytest.mark.parametrize("name", PROGRAMS)
def test_text_and_json_are_stable(name: str) -> None:
    assert text(PROGRAMS[name]()) == text(PROGRAMS[name]())
    assert json.loads(json.dumps(data(PROGRAMS[name]()), allow_nan=False))["node"] == "Program"


@given(row_programs())
@settings(max_examples=40, deadline=None)
def test_every_program_prints(program: Program) -> None:
    assert text(program).count("\n") >= len(program.outputs)
    json.dumps(data(program), allow_nan=False)


def test_parentheses_follow_precedence() -> None:
    a, b = local("a", row()), local("b", row())
    assert expression(apply("subtract", a, apply("subtract", a, b))) == "a - (a - b)"
    assert expression(apply("subtract", apply("subtract", a, b), b)) == "a - b - b"
    assert expression(apply("power", apply("negate", a), 2.0)) == "(-a)^2"
    assert expression(apply("negate", apply("power", a, 2.0))) == "-a^2"
    assert expression(apply("multiply", apply("add", a, b), b)) == "(a + b) * b"
    assert expression(apply("and", apply("less", a, b), apply("not", apply("equal", a, b)))) == "a < b and not (a == b)"


def test_infinite_numbers() -> None:
    infinite = Number(RowType(False, ()), float("-inf"), span=AT)
    assert expression(infinite) == "-inf"
    assert data(infinite)["value"] == "-inf"
    assert expression(number(3.0)) == "3"
