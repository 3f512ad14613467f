"""Traps: what was ever proved though false, or refuted though true, and its neighbours on the other side."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, fmpq, fmpq_mat

from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.proof import matrices
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import Invertible
from gencompiler.proof.numbers import ball
from tests.checks.checking import checked
from tests.checks.soundness import TRAPS, Trap
from tests.checks.soundness_defined import DEFINED


@pytest.mark.parametrize("trap", (*TRAPS, *DEFINED), ids=lambda t: t.name)
def test_no_trap_is_fallen_into(trap: Trap) -> None:
    found, derived = checked(trap.spec)
    own = [v.status for v in found.verdicts if v.obligation.id == trap.obligation]
    assert own and ("refuted" if trap.holds else "proved") not in own
    assert own[-1] == trap.status
    assert recheck(certificate_text(found, "hash", "spec"), derived, "hash") == []


#: Linear maps of tensors: statement, the matrix's rows.
TENSORS = (
    ("(u : Real[2, 3] | W : Invertible(2)) -> Real[2, 3] = W @ u", ((3, 1), (2, 5))),
    ("(u : Real[3, 2] | W : Invertible(2)) -> Real[3, 2] = u @ W", ((3, 1), (2, 5))),
    ("(u : Real[2, 2] | W : Lower(2)) -> Real[2, 2] = W @ u", ((3, 0), (2, 5))),
    ("(u : Real[2] | W : Upper(2)) -> Real[2] = W @ u", ((3, 1), (0, 5))),
)


@pytest.mark.parametrize(("statement", "rows"), TENSORS, ids=[s for s, _ in TENSORS])
def test_the_volume_of_a_linear_map_is_that_of_all_its_vectors(
    statement: str, rows: tuple[tuple[int, ...], ...]
) -> None:
    """log|det| against the determinant of the whole map, written out on the unit tensors."""
    found, _ = checked(f"bijection F{statement}\n")
    (own,) = [v.proof.conclusion for v in found.verdicts if v.proof is not None]
    assert isinstance(own, Invertible) and own.log_det is not None
    size = math.prod(own.input.shape)
    (matrix,) = own.body.symbols - {own.input}
    point = {matrix: tuple(Fraction(v) for row in rows for v in row)}
    images = [
        evaluate(own.body, {**point, own.input: tuple(Fraction(j == k) for j in range(size))}) for k in range(size)
    ]
    whole = fmpq_mat(size, size, [fmpq(v.numerator, v.denominator) for image in images for v in image])
    exact = whole.det()
    own_size = fmpq_mat(2, 2, [v for row in rows for v in row]).det()
    (log_det,) = evaluate(own.log_det, {**point, matrices.matrix("log_abs_det", matrix): (arb(own_size).log(),)})
    assert abs(float((arb(abs(exact)).log() - ball(log_det)).mid())) < 1e-12
