"""Roots: the argument at which a strictly monotone function has a value, as a term.

    root(f, t, y, (a, b, rising)) is the t between a and b with f(t) = y, elementwise
    root(f, t, y, (a, b, rising), near) is the same number, which `near` is a formula of

That there is one, and only one, is the business of the rules that write it down, and so is that the formula is right.
What a formula rounds may be more than what f rounds: `near` is where the computation of the root starts."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model.nodes import Real, Support
from gencompiler.proof.graph import (
    Malformed,
    Shape,
    Term,
    define,
    is_finite,
    make,
    symbol,
)

#: Before the number of a root's symbol, in Model IR.
ROOT = "root_"
#: The interval that a root is looked for in, and whether the function increases there.
Bracket = tuple[Real, Real, bool]


def root(body: Term, formal: Term, target: Term, bracket: Bracket, near: Term | None = None) -> Term:
    """The value of `formal` between the ends of the bracket at which `body`, elementwise, is `target`."""
    lower, upper, increasing = bracket
    if formal.operation != "symbol" or formal.data[0] != "root" or not lower < upper or type(increasing) is not bool:
        raise Malformed("a root is of a function of a symbol of its own, between two ends")
    parts = (body, formal, target) if near is None else (body, formal, target, near)
    return make("root", (*map(_exact_end, (lower, upper)), increasing), parts, formal.shape)


def _exact_end(end: Real) -> Real:
    return Fraction(end) if is_finite(end) else end


def root_symbol(body: Term, shape: Shape) -> Term:
    """The symbol that a root of `body` binds: no root inside `body` binds it."""
    return symbol("root", str(body.depth), Support("Real"), shape)


define(
    "root",
    lambda data, arguments: root(arguments[0], arguments[1], arguments[2], data, *arguments[3:]),
    lambda term: frozenset((term.arguments[1],)),
)
