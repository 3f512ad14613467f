"""Of a branch, what is made harmless where it is not taken: what reaches it element by element."""

from __future__ import annotations

from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.guards import guarded
from gencompiler.rows.nodes import Expr
from gencompiler.rows.rewrite import operands_first
from tests.rows.building import AT, local, row, uniform

GRAPH = Graph()
X = GRAPH.intern(local("x", row(3)))
SQUARE = GRAPH.intern(local("square", uniform(3, 3)))
EACH = GRAPH.intern(local("each", row(3, kind="boolean")))
WHOLE = GRAPH.intern(local("whole", row(kind="boolean")))


def apply(function: str, *arguments: Expr) -> Expr:
    return GRAPH.elementwise(function, *arguments, span=AT)


def safe(taken: Expr, harmless: float) -> Expr:
    return GRAPH.select(taken, X, GRAPH.number(harmless, AT), AT)


def test_an_element_that_is_not_taken_is_clamped() -> None:
    branch = apply("add", apply("log", X), X)
    assert guarded(GRAPH, branch, EACH) is apply("add", apply("log", safe(EACH, 1.0)), X)


def test_a_row_that_is_not_taken_is_clamped_below_sums_and_products() -> None:
    exp, clamped = apply("exp", X), apply("exp", safe(WHOLE, 0.0))
    assert guarded(GRAPH, GRAPH.reduce("sum", exp, AT), WHOLE) is GRAPH.reduce("sum", clamped, AT)
    assert guarded(GRAPH, GRAPH.dot(exp, SQUARE, False, AT), WHOLE) is GRAPH.dot(clamped, SQUARE, False, AT)


def test_what_is_read_whole_is_left_where_the_condition_is_of_each_element() -> None:
    """A square matrix makes a vector of the condition's own size of others that it does not speak of."""
    exp = apply("exp", X)
    product = GRAPH.dot(exp, SQUARE, False, AT)
    assert guarded(GRAPH, product, EACH) is product
    share = apply("divide", exp, GRAPH.broadcast(GRAPH.reduce("sum", exp, AT), 3, AT))
    below = operands_first(guarded(GRAPH, apply("add", product, share), EACH), parts_of)
    assert product in below
    assert GRAPH.reduce("sum", exp, AT) in below
    assert apply("exp", safe(EACH, 0.0)) in below
