"""Lipschitz constants of functions of the catalogue: |f(a) - f(b)| <= slope |a - b| on their whole domain."""

from __future__ import annotations

from fractions import Fraction

#: In any case no less than the largest slope; functions that are not here have none, or none that is known.
SLOPES: dict[str, Fraction] = {
    "tanh": Fraction(1),
    "sin": Fraction(1),
    "cos": Fraction(1),
    "atan": Fraction(1),
    "asinh": Fraction(1),
    "relu": Fraction(1),
    "abs": Fraction(1),
    "softplus": Fraction(1),
    "negate": Fraction(1),
    "sigmoid": Fraction(1, 4),
    "erf": Fraction(113, 100),
}
