"""Functions of matrices as terms: transpose, diagonal, inverse, exponential, log|det|."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gencompiler.proof.graph import Malformed, Shape, Term, define, make
from gencompiler.proof.numbers import Number, Undecided, Values

#: What each function of a matrix gives, for one of n rows.
FUNCTIONS = ("transpose", "diagonal", "inverse", "expm", "inverse_lower", "inverse_upper", "log_abs_det")


def matrix(function: str, operand: Term) -> Term:
    """A function of a matrix; two transpositions are none."""
    if function not in FUNCTIONS or len(operand.shape) != 2:
        raise Malformed(f"there is no {function!r} of the shape {operand.shape}")
    if function == "transpose" and operand.operation == "matrix" and operand.data == "transpose":
        return operand.arguments[0]
    return make("matrix", function, (operand,), _shape(function, operand.shape))


define("matrix", lambda data, arguments: matrix(data, *arguments))


def _shape(function: str, shape: Shape) -> Shape:
    rows, columns = shape
    if function == "transpose":
        return (columns, rows)
    if rows != columns:
        raise Malformed(f"the {function} of a matrix that is not square")
    return {"diagonal": (rows,), "log_abs_det": ()}.get(function, shape)


def evaluated(function: str, shape: Shape, values: Values) -> Values:
    """The elements of a function of a matrix, exact where its elements are."""
    rows, columns = shape
    table = [list(values[k * columns : (k + 1) * columns]) for k in range(rows)]
    if function == "transpose":
        return tuple(table[i][j] for j in range(columns) for i in range(rows))
    if function == "diagonal":
        return tuple(table[i][i] for i in range(rows))
    if function == "log_abs_det":
        raise Undecided("log|det| of a matrix is not evaluated")
    if function == "expm":
        return tuple(v for row in _exponential(table) for v in row)
    return tuple(v for row in _inverted(table) for v in row)


def _exponential(table: list[list[Number]]) -> list[list[Number]]:
    """The finite sum of A^k / k! of a matrix some power of which is 0."""
    if not all(isinstance(v, Fraction) for row in table for v in row):
        raise Undecided("the exponential of a matrix that is not exact")
    size = len(table)
    power: list[list[Number]] = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    found = [list(row) for row in power]
    for k in range(1, size + 1):
        power = [
            [sum((a * r[j] for a, r in zip(row, table, strict=True)), Fraction(0)) / k for j in range(size)]
            for row in power
        ]
        found = [[a + b for a, b in zip(r, s, strict=True)] for r, s in zip(found, power, strict=True)]
    if any(v != 0 for row in power for v in row):
        raise Undecided("the exponential of a matrix none of whose powers is 0")
    return found


def _inverted(table: list[list[Number]]) -> list[list[Number]]:
    """By elimination, over the rationals."""
    if not all(isinstance(v, Fraction) for row in table for v in row):
        raise Undecided("the inverse of a matrix that is not exact")
    size = len(table)
    work = [[*row, *(Fraction(int(i == j)) for j in range(size))] for i, row in enumerate(table)]
    for at in range(size):
        pivot = next((k for k in range(at, size) if work[k][at] != 0), None)
        if pivot is None:
            raise Undecided("the inverse of a singular matrix")
        work[at], work[pivot] = work[pivot], work[at]
        work[at] = [v / work[at][at] for v in work[at]]
        for k in range(size):
            if k != at:
                work[k] = [v - work[k][at] * w for v, w in zip(work[k], work[at], strict=True)]
    return [row[size:] for row in work]


def determinant(size: int, values: Values) -> Fraction:
    """The determinant of a square matrix of rationals, row by row, by elimination."""
    work = [[Fraction(v) for v in values[k * size : (k + 1) * size]] for k in range(size)]
    found = Fraction(1)
    for at in range(size):
        pivot = next((k for k in range(at, size) if work[k][at] != 0), None)
        if pivot is None:
            return Fraction(0)
        if pivot != at:
            work[at], work[pivot] = work[pivot], work[at]
            found = -found
        found *= work[at][at]
        for k in range(at + 1, size):
            factor = work[k][at] / work[at][at]
            work[k] = [v - factor * w for v, w in zip(work[k], work[at], strict=True)]
    return found


def has_positive_minors(rows: Sequence[Sequence[Fraction]]) -> bool:
    """Whether all leading minors are positive: where every step of elimination leaves a positive pivot."""
    work = [list(row) for row in rows]
    for at in range(len(work)):
        if work[at][at] <= 0:
            return False
        for k in range(at + 1, len(work)):
            factor = work[k][at] / work[at][at]
            work[k] = [v - factor * w for v, w in zip(work[k], work[at], strict=True)]
    return True
