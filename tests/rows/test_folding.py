"""What the graph simplifies is what it was."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from tests.rows import building as b
from tests.rows import interpreter
from tests.rows.harness import run_torch
from tests.rows.test_particles import as_program

#: Functions of one number that are defined everywhere.
UNARY = [f.name for f in FUNCTIONS.values() if f.arity == 1 and f.kind in ("real", "same") and f.name != "indicator"]
WHOLE = [name for name in UNARY if FUNCTIONS[name].domain == "(-inf, inf)"]


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(UNARY, WHOLE)))
def test_functions_of_functions(outer: str, inner: str) -> None:
    """f(g(a)) is `a` where f is the inverse of g, and only there."""
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    value = graph.elementwise(outer, graph.elementwise(inner, x, span=b.AT), span=b.AT)
    given = np.array([[0.3, 0.6, 0.45]])
    with np.errstate(all="ignore"):
        wanted = interpreter._OPERATIONS[outer](interpreter._OPERATIONS[inner](given))
    (found,) = interpreter.run(as_program(graph, {"value": value}), {"x": given}, {})
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("function", "numbers", "value"), [("add", (1.0, 2.0), 3.0), ("divide", (1.0, 4.0), 0.25), ("stop", (2.0,), 2.0)]
)
def test_arithmetic_on_numbers(function: str, numbers: tuple[float, ...], value: float) -> None:
    graph = Graph()
    found = graph.elementwise(function, *(graph.number(each, b.AT) for each in numbers), span=b.AT)
    assert isinstance(found, nodes.Number)
    assert found.value == value


def test_what_has_no_value_is_left() -> None:
    graph = Graph()
    found = graph.elementwise("divide", graph.number(1, b.AT), graph.number(0, b.AT), span=b.AT)
    assert isinstance(found, nodes.Elementwise)


def test_a_thousand_operations_in_a_row() -> None:
    """Neither the compiler nor Python's parser runs out of depth."""
    import torch

    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    value = x
    for _ in range(1000):
        value = graph.elementwise("sin", value, span=b.AT)
    program = as_program(graph, {"value": value})
    given = torch.rand(2, 3, dtype=torch.float64)
    (found,) = run_torch(program, {"x": given}, {}, 2)
    for _ in range(1000):
        given = given.sin()
    torch.testing.assert_close(found, given)
