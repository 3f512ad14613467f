"""log|t| of a term, such as the slope of a map, in a form that neither overflows nor cancels where there is one.

Part of what a proof trusts."""

from __future__ import annotations

from collections.abc import Callable

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.calculus import is_number
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, choose, literal, reduce
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.terms import ONE, ZERO, minus, negated, plus, times


def log_size(term: Term, signs: Evaluation) -> Term:
    """log|term| in a form that does not overflow where there is one; where `term` is 0, -inf or no number."""
    if is_number(term) and term.data != 0:
        return ZERO if abs(term.data) == 1 else apply("log", literal(abs(term.data)))
    if term.operation == "choose":
        condition, then, otherwise = term.arguments
        if ZERO in (then, otherwise):  # at a point between pieces
            return log_size(otherwise if then is ZERO else then, signs)
        return choose(condition, log_size(then, signs), log_size(otherwise, signs))
    if term.operation == "apply":
        found = _LOGS.get(term.data, _plain)(term, signs)
        if found is not None:
            return found
    if _sums_of_positive(term, signs):
        operand = term.arguments[0]
        if term.operation == "contract":
            operand = apply("multiply", *term.arguments)
        return reduce("logsumexp", log_size(operand, signs))
    return apply("log", _size(term, signs))


def _sums_of_positive(term: Term, signs: Evaluation) -> bool:
    if (term.operation == "reduce" and term.data == "sum") or term.operation == "contract":
        parts = term.arguments
    else:
        return False
    if any(len(p.shape) != 1 for p in parts):
        return False
    try:
        return all(signs.range(p).lower >= 0 for p in parts)
    except Unproved:
        return False


def _size(term: Term, signs: Evaluation) -> Term:
    try:
        found = signs.range(term)
    except Unproved:
        return apply("abs", term)
    if found.lower >= 0:
        return term
    return negated(term) if found.upper <= 0 else apply("abs", term)


def _plain(term: Term, signs: Evaluation) -> Term | None:
    formula = FUNCTIONS[term.data].log_abs
    return instance(formula, a=term.arguments[0]) if formula is not None else None


def _log_product(term: Term, signs: Evaluation) -> Term | None:
    left, right = (log_size(a, signs) for a in term.arguments)
    return (plus if term.data == "multiply" else minus)(left, right)


def _log_power(term: Term, signs: Evaluation) -> Term | None:
    base, exponent = term.arguments
    return times(exponent, log_size(base, signs))


def _log_sum(term: Term, signs: Evaluation) -> Term | None:
    """log(1 + exp(a)) = softplus(a)"""
    for one, other in (term.arguments, term.arguments[::-1]):
        if one is ONE and other.operation == "apply" and other.data == "exp":
            return apply("softplus", other.arguments[0])
    return None


_LOGS: dict[str, Callable[[Term, Evaluation], Term | None]] = {
    "multiply": _log_product,
    "divide": _log_product,
    "power": _log_power,
    "add": _log_sum,
    "negate": lambda term, signs: log_size(term.arguments[0], signs),
}
