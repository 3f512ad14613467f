"""Floating-point values of terms at many points at once: how searches decide where to look.  Nothing rests on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gencompiler.proof.budget import spend
from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.lazy import np

Array = Any

#: So many floats at once cost as much as one.
THOUSAND = 1024
#: Steps of one operation on them.
FLOATS_COST = 5


def values(term: Term, point: Mapping[Term, Array]) -> Array:
    """The values of a term where its symbols have these; not a number where it is undefined.

    Tensors have their own axes first; symbols without a value, networks and views are not a number."""
    known: dict[Term, Array] = dict(point)
    parts = subterms(term)
    spend(FLOATS_COST * len(parts) * (1 + max((np.size(v) for v in known.values()), default=1) // THOUSAND))
    with np.errstate(all="ignore"):
        for part in parts:
            if part not in known:
                known[part] = _value(part, known)
    return known[term]


def _value(term: Term, known: Mapping[Term, Array]) -> Array:
    arguments = [known[a] for a in term.arguments]
    match term.operation:
        case "literal":
            return np.float64(float(term.data))
        case "constant":
            return np.float64(math.pi if term.data == "pi" else math.e)
        case "apply":
            function = FLOATS.get(term.data)
            return np.float64(np.nan) if function is None else function(*arguments)
        case "choose":
            return np.where(np.asarray(arguments[0]) != 0, arguments[1], arguments[2])
        case "reduce" if term.data in ("sum", "mean") and len(term.arguments[0].shape) == 1:
            operand = np.atleast_1d(arguments[0])  # one number where it is undefined
            return operand.sum(0) if term.data == "sum" else operand.mean(0)
        case "contract" if all(len(a.shape) == 1 for a in term.arguments):
            return (arguments[0] * arguments[1]).sum(0)
    return np.float64(np.nan)


def _power(a: Array, b: Array) -> Array:
    return np.power(np.asarray(a, dtype=float), b)


def _erf(a: Array) -> Array:
    return np.vectorize(math.erf)(a)


def _log_gamma(a: Array) -> Array:
    return np.vectorize(lambda v: math.lgamma(v) if 0 < v < 1e300 else math.nan, otypes=[float])(a)


def _softplus(a: Array) -> Array:
    return np.logaddexp(0.0, a)


def _omega(a: Array) -> Array:
    """Wright's omega by Newton's method."""
    a = np.asarray(a, dtype=float)
    w = np.where(a > 1, a - np.log(np.maximum(a, 1.0)), np.exp(np.minimum(a, 1.0)) / (1 + np.exp(np.minimum(a, 1.0))))
    for _ in range(30):
        w = w - w * (w + np.log(np.maximum(w, 1e-300)) - a) / (1 + w)
    return w


def _lambert(a: Array) -> Array:
    a = np.asarray(a, dtype=float)
    w = np.where(a < 0, -1 + np.sqrt(np.maximum(2 * (1 + math.e * a), 0)), np.log1p(np.maximum(a, 0)))
    for _ in range(40):
        e = np.exp(w)
        w = w - (w * e - a) / (e * (w + 1) + 1e-300)
    return w


def _numpy(name: str) -> Callable[..., Array]:
    """A function of numpy, looked up when it is called."""

    def function(*arguments: Array) -> Array:
        found: Array = getattr(np, name)(*arguments)
        return found

    return function


FLOATS: dict[str, Callable[..., Array]] = {
    "add": _numpy("add"),
    "subtract": _numpy("subtract"),
    "multiply": _numpy("multiply"),
    "divide": _numpy("divide"),
    "power": _power,
    "negate": _numpy("negative"),
    "min": _numpy("minimum"),
    "max": _numpy("maximum"),
    "less": lambda a, b: (a < b) * 1.0,
    "less_equal": lambda a, b: (a <= b) * 1.0,
    "greater": lambda a, b: (a > b) * 1.0,
    "greater_equal": lambda a, b: (a >= b) * 1.0,
    "equal": lambda a, b: (a == b) * 1.0,
    "not_equal": lambda a, b: (a != b) * 1.0,
    "and": lambda a, b: ((a != 0) & (b != 0)) * 1.0,
    "or": lambda a, b: ((a != 0) | (b != 0)) * 1.0,
    "not": lambda a: (np.asarray(a) == 0) * 1.0,
    "indicator": lambda a: a * 1.0,
    "exp": _numpy("exp"),
    "log": _numpy("log"),
    "expm1": _numpy("expm1"),
    "log1p": _numpy("log1p"),
    "sqrt": _numpy("sqrt"),
    "sigmoid": lambda a: np.exp(-_softplus(-np.asarray(a, dtype=float))),
    "logit": lambda a: np.log(a) - np.log1p(-np.asarray(a)),
    "softplus": _softplus,
    "tanh": _numpy("tanh"),
    "atan": _numpy("arctan"),
    "erf": _erf,
    "sinh": _numpy("sinh"),
    "asinh": _numpy("arcsinh"),
    "cosh": _numpy("cosh"),
    "sin": _numpy("sin"),
    "cos": _numpy("cos"),
    "tan": lambda a: np.where(np.abs(a) < math.pi / 2, np.tan(a), np.nan),
    "abs": _numpy("abs"),
    "sign": _numpy("sign"),
    "relu": lambda a: np.maximum(a, 0.0),
    "floor": _numpy("floor"),
    "stop": lambda a: a,
    "lgamma": _log_gamma,
    "bessel_i0": _numpy("i0"),
    "log_bessel_i0": lambda a: np.log(np.i0(a)),
    "lambert_w": _lambert,
    "wright_omega": _omega,
}
