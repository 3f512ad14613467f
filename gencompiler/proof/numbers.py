"""Numbers of an evaluation: exact rationals as long as possible, balls beyond, and nothing decided by rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flint import arb, fmpq

if TYPE_CHECKING:
    from gencompiler.proof.graph import Term

#: One number: an exact Fraction, or a ball (flint's `arb`) around it.
Number = Any
#: A tensor in row-major order.
Values = tuple[Number, ...]


class Undecided(Exception):
    """A comparison, or an operation outside its domain, that balls of this precision cannot settle."""


def compare(left: Number, right: Number) -> int:
    """-1, 0 or 1; raises Undecided when two balls overlap."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return (left > right) - (left < right)
    a, b = ball(left), ball(right)
    if bool(a < b):
        return -1
    if bool(a > b):
        return 1
    raise Undecided(f"{a} and {b} overlap")


def ball(number: Number) -> arb:
    """A number as a ball of the current precision."""
    return arb(fmpq(number.numerator, number.denominator)) if isinstance(number, Fraction) else number


def is_zero(number: Number) -> bool:
    """Whether a number is 0; raises Undecided for a ball around 0."""
    if isinstance(number, Fraction):
        return number == 0
    if number.contains(0):
        raise Undecided("a divisor that may be 0")
    return False


def whole_power(base: Number, exponent: int) -> Number:
    """base^n by multiplication: flint's own power of a ball around 0 is not a number."""
    found: Number = Fraction(1)
    for _ in range(abs(exponent)):
        found = times(found, base)
    if exponent >= 0:
        return found
    return 1 / found if isinstance(found, Fraction) else finite(1 / found)


def rational_root(number: Fraction, degree: int) -> Fraction | None:
    """The root of a number that is not negative, where it is rational and its parts are no larger than 2^50."""
    if degree > 12 or max(number.numerator, number.denominator) >= 2**50:
        return None
    found = Fraction(*(round(part ** (1 / degree)) for part in (number.numerator, number.denominator)))
    return found if found**degree == number else None


def square_root(number: Number) -> Number:
    """The square root, exactly where it is rational."""
    exact = rational_root(number, 2) if isinstance(number, Fraction) else None
    return ball(number).sqrt() if exact is None else exact


def finite(value: arb) -> arb:
    """A ball as it is; raises Undecided where it is not finite."""
    if not value.is_finite():
        raise Undecided("a value too large for balls")
    return value


def times(left: Number, right: Number) -> Number:
    """a b, exactly 0 where a factor is."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left * right
    if left == 0 or right == 0:
        return Fraction(0)
    return ball(left) * ball(right)


def total(values: Iterable[Number]) -> Number:
    """The sum of numbers."""
    found: Number = Fraction(0)
    for value in values:
        exact = isinstance(found, Fraction) and isinstance(value, Fraction)
        found = found + value if exact else ball(found) + ball(value)
    return found


#: Comparisons, by the order of their arguments.
COMPARISONS: dict[str, Callable[[int], bool]] = {
    "less": lambda order: order < 0,
    "less_equal": lambda order: order <= 0,
    "greater": lambda order: order > 0,
    "greater_equal": lambda order: order >= 0,
    "equal": lambda order: order == 0,
    "not_equal": lambda order: order != 0,
}
#: Functions that are exact on rationals.
EXACT: dict[str, Callable[..., Number]] = {
    "add": lambda a, b: total((a, b)),
    "subtract": lambda a, b: total((a, -b)),
    "multiply": times,
    "negate": lambda a: -a,
    "and": lambda a, b: Fraction(bool(a) and bool(b)),
    "or": lambda a, b: Fraction(bool(a) or bool(b)),
    "not": lambda a: Fraction(not a),
    "indicator": lambda a: Fraction(bool(a)),
}


# -- tensors with causal views ---------------------------------------------------------------------------------------

#: A place that a causal view leaves out.
HIDDEN = None


def hidden(*values: Number) -> bool:
    return any(v is HIDDEN for v in values)


def reduced(name: str, values: Values) -> Number:
    """The sum, mean, product, extreme, norm, `logsumexp` or `logmeanexp` of numbers."""
    match name:
        case "sum":
            return total(values)
        case "mean":
            return times(total(values), Fraction(1, len(values)))
        case "prod":
            product: Number = Fraction(1)
            for value in values:
                product = times(product, value)
            return product
        case "min" | "max":
            best = values[0]
            for value in values[1:]:
                best = value if (compare(value, best) < 0) == (name == "min") else best
            return best
        case "norm":
            return square_root(total(times(v, v) for v in values))
    found = total(ball(v).exp() for v in values)
    return ball(found).log() - (arb(len(values)).log() if name == "logmeanexp" else 0)


def contracted(term: Term, a: Values, b: Values) -> Values:
    """`a @ b` of the values of a contraction's arguments."""
    left, right = term.arguments
    inner = right.shape[0]
    rows, columns = math.prod(left.shape[:-1]), math.prod(right.shape[1:])
    return tuple(
        total(
            times(a[r * inner + k], b[k * columns + c])
            for k in range(inner)
            if not hidden(a[r * inner + k], b[k * columns + c])
        )
        for r in range(rows)
        for c in range(columns)
    )
