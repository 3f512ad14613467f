"""Probabilities of acceptance that balance a ratio, whatever they look like.

A transition accepts a move from x to y with a(x, y).  Detailed balance asks that a(x, y) = r(x, y) a(y, x), r being
the Metropolis-Hastings ratio; then a need not be min(1, r): Barker's r / (1 + r), half of either, and A / (A + B) with
flows A and B serve as well (Barker, *Australian Journal of Physics* 1965; Peskun, *Biometrika* 1973).  `log_odds`
computes log a(x, y) - log a(y, x) from the form of a:

    exp(t)                   t - t'                  the prime exchanges x and y
    u v, u / v, u^k          sums, differences, multiples of the odds
    sigmoid(s), s' = -s      s
    min(u, v), max, u + v    -c where log u' - log v = log v' - log u = c, or log u' - log u = log v' - log v = c
    what equals its exchange 0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gencompiler.proof.graph import Term, apply, build, substitute, support_of
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, ZERO, minus, negated, plus

Same = Callable[[Term, Term], bool]


def log_of(term: Term) -> Term:
    """log of a positive term, through exponentials, products, quotients and constant powers."""
    return _log_of(term, {})


def _log_of(term: Term, known: dict[Term, Term]) -> Term:
    found = known.get(term)
    if found is None:
        found = known[term] = _log_form(term, known)
    return found


def _log_form(term: Term, known: dict[Term, Term]) -> Term:
    if term.operation == "apply":
        arguments = term.arguments
        if term.data == "exp":
            return arguments[0]
        if term.data == "multiply":
            return plus(_log_of(arguments[0], known), _log_of(arguments[1], known))
        if term.data == "divide":
            return minus(_log_of(arguments[0], known), _log_of(arguments[1], known))
        if term.data == "power" and arguments[1].operation == "literal":
            return apply("multiply", arguments[1], _log_of(arguments[0], known))
    return ZERO if term is ONE else apply("log", term)


def plain(term: Term) -> Term:
    """The same probability without choices and minima inside exponentials: `if r >= 1 then 1 else r` is min(1, r)."""
    if not term.arguments:
        return term
    if term.operation == "choose":
        condition, then, otherwise = map(plain, term.arguments)
        return _chosen(condition, then, otherwise) or term
    if term.operation != "apply":
        return term
    inside = tuple(map(plain, term.arguments))
    if term.data == "exp" and inside[0].operation == "apply" and inside[0].data in ("min", "max"):
        return apply(inside[0].data, *(apply("exp", a) if a is not ZERO else ONE for a in inside[0].arguments))
    return build(term.operation, term.data, inside)


def _chosen(condition: Term, then: Term, otherwise: Term) -> Term | None:
    """min(then, otherwise) or max(…) where a choice takes the smaller, or the larger, of the two."""
    if condition.operation != "apply" or condition.data not in ("less", "less_equal", "greater", "greater_equal"):
        return None
    small, large = condition.arguments
    if condition.data.startswith("greater"):
        small, large = large, small
    # The condition holds where `small` <= `large`, whether or not it holds where they are equal.
    ring = Ring()
    difference = minus(log_of(otherwise), log_of(then))
    for gap in (minus(large, small), minus(log_of(large), log_of(small))):
        if ring.same(gap, difference):
            return apply("min", then, otherwise)
        if ring.same(gap, negated(difference)):
            return apply("max", then, otherwise)
    return None


def log_odds(term: Term, exchange: Mapping[Term, Term], same: Same) -> Term:
    """log a(x, y) - log a(y, x); raises Unproved where the form of a does not say it."""
    back = substitute(term, exchange)
    if back is term or same(back, term):
        return ZERO
    if term.operation == "apply":
        match term.data:
            case "exp":
                return minus(term.arguments[0], back.arguments[0])
            case "multiply" | "divide":
                combine = plus if term.data == "multiply" else minus
                return combine(*(log_odds(a, exchange, same) for a in term.arguments))
            case "power" if term.arguments[1].operation == "literal":
                base, exponent = term.arguments
                return apply("multiply", exponent, log_odds(base, exchange, same))
            case "sigmoid" if same(back.arguments[0], negated(term.arguments[0])):
                return term.arguments[0]
            case "min" | "max" | "add":
                return _of_two(term.arguments, back.arguments, same)
    raise Unproved(f"nothing is known of {term} where state and proposal change places")


def _of_two(here: tuple[Term, ...], there: tuple[Term, ...], same: Same) -> Term:
    """Of min, max and sums, f(c u, c v) = c f(u, v) and f(u, v) = f(v, u), c > 0."""
    logs, back = [log_of(t) for t in here], [log_of(t) for t in there]
    for other in (back[::-1], back):
        gap = minus(other[0], logs[0])
        if same(gap, minus(other[1], logs[1])):
            return negated(gap)
    raise Unproved("the parts of the probability do not change places with state and proposal")


def is_probability(term: Term, positive: Callable[[Term], bool]) -> bool:
    """Whether a term, where it is defined, is in [0, 1] by its form; `positive` says of one that it is at least 0."""
    if term.operation == "literal":
        return 0 <= term.data <= 1
    if term.operation != "apply":
        return term.operation == "symbol" and support_of(term).name == "Unit"
    arguments = term.arguments
    match term.data:
        case "sigmoid":
            return True
        case "multiply":
            return all(is_probability(a, positive) for a in arguments)
        case "min":
            return any(is_probability(a, positive) for a in arguments) and all(map(positive, arguments))
        case "divide":
            over = arguments[1]
            share = over.operation == "apply" and over.data == "add" and arguments[0] in over.arguments
            return share and all(map(positive, over.arguments))
    return False
