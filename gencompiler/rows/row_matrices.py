"""Products with a matrix that differs between rows: `A[s] @ z`, of a table of matrices one of which a row picks.

In a row such a matrix is a vector, a line after the other, so that a product is written out line by line."""

from __future__ import annotations

from gencompiler.diagnostics.span import Span
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr


def times_vector(graph: Graph, matrix: Expr, vector: Expr, span: Span) -> Expr:
    """`matrix @ vector`: an entry for each line of the matrix."""
    size = vector.type.shape[0]
    lines = (graph.slice(matrix, at, at + size, span) for at in range(0, matrix.type.shape[0], size))
    products = (graph.elementwise("multiply", line, vector, span=span) for line in lines)
    return graph.concat(tuple(graph.reduce("sum", product, span) for product in products), span)


def vector_times(graph: Graph, vector: Expr, matrix: Expr, span: Span) -> Expr:
    """`vector @ matrix`: the sum of the lines, each times its entry of the vector."""
    count = vector.type.shape[0]
    size = matrix.type.shape[0] // count
    total: Expr | None = None
    for k in range(count):
        line = graph.slice(matrix, k * size, (k + 1) * size, span)
        part = graph.elementwise("multiply", graph.column(vector, graph.integer(k, span), span), line, span=span)
        total = part if total is None else graph.elementwise("add", total, part, span=span)
    assert total is not None, "an axis has a place"
    return total
