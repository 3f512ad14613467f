"""Running sums, and which of the intervals between knots a number lies in: two operations of terms."""

from __future__ import annotations

from typing import Any

from gencompiler.proof.graph import Malformed, Term, define, make


def scan(operand: Term) -> Term:
    """The running sums of a vector: v[0], v[0] + v[1], …"""
    if len(operand.shape) != 1:
        raise Malformed("a running sum is of a vector")
    return make("scan", None, (operand,), operand.shape)


def bin_of(value: Term, knots: Term) -> Term:
    """The number k of the interval between knots that `value` lies in: how many of knots[1..K-1] are at most `value`.

    Below the first knot it is 0, above the last one K - 2, where K is the number of knots."""
    if value.shape != () or len(knots.shape) != 1 or knots.shape[0] < 2:
        raise Malformed("a number lies between two or more knots")
    return make("bin", None, (value, knots), ())


def _plain(data: Any, term: Term) -> Term:
    if data is not None:
        raise Malformed("an operation without data has some")
    return term


define("scan", lambda data, arguments: _plain(data, scan(*arguments)))
define("bin", lambda data, arguments: _plain(data, bin_of(*arguments)))
