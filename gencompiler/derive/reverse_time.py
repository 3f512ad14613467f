"""Stratonovich to Itô, and time reversal: from an SDE and its score, the reverse-time SDE and the probability flow.

    reverse-time SDE    dx = (f - ∇·G - G S) dt + g dW, with dt < 0      (Anderson 1982)
    probability flow    dx = (f - ½ ∇·G - ½ G S) dt                      (Song et al. 2021, eq. 13)

with G = Σ g² and S = ∇ log p_t."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.derive import algebra
from gencompiler.derive.gradient import NoDerivative, gradient
from gencompiler.model import nodes
from gencompiler.node import walk

_HALF, _QUARTER = Fraction(1, 2), Fraction(1, 4)


def ito(sde: nodes.Sde, functions: dict[str, nodes.Function]) -> nodes.Sde:
    """The Itô form; raises NoDerivative.

    Element i of a noise drives element i of the state alone, so its correction is ½ g_i ∂_i g_i = ¼ ∂_i g_i²."""
    if not sde.stratonovich:
        return sde
    equations = []
    for moved in sde.equations:
        correction = algebra.multiply(algebra.literal(_QUARTER, sde.span), _bend(moved, functions), sde.span)
        equations.append(dataclasses.replace(moved, drift=algebra.add(moved.drift, correction, sde.span)))
    return dataclasses.replace(sde, equations=tuple(equations), stratonovich=False)


def _bend(moved: nodes.Moved, functions: dict[str, nodes.Function]) -> nodes.Expr:
    """∂_i G_i for each element: 0 where no noise depends on the state."""
    total: nodes.Expr = algebra.literal(0, moved.span)
    for noise in moved.noises:
        coefficient = noise.coefficient
        if not _mentions(coefficient, moved.state.name):
            continue
        square = algebra.multiply(coefficient, coefficient, noise.span)
        if square.type.shape and not _elementwise(coefficient, moved.state.name):
            raise NoDerivative(coefficient, "an element of the noise depends on another element of the state")
        found = gradient(algebra.total(square, noise.span), moved.state, functions)
        total = algebra.add(total, found, noise.span)
    return total


def _mentions(expr: nodes.Expr, name: str) -> bool:
    return any(isinstance(n, nodes.Reference) and n.name == name for n in walk(expr))


def _elementwise(expr: nodes.Expr, name: str) -> bool:
    """Whether element i depends on element i of the state alone."""
    if isinstance(expr, nodes.Apply):
        return all(_elementwise(a, name) for a in expr.arguments)
    if isinstance(expr, nodes.Reference | nodes.Literal | nodes.Constant | nodes.ParameterReference):
        return True
    return not any(isinstance(n, nodes.Reference) and n.name == name for n in walk(expr))


def square_noise(sde: nodes.Sde) -> nodes.Expr:
    """G = Σ g²"""
    total: nodes.Expr = algebra.literal(0, sde.span)
    for noise in sde.noises:
        square = algebra.multiply(noise.coefficient, noise.coefficient, noise.span)
        total = algebra.add(total, square, noise.span)
    return total


def reverse_drift(sde: nodes.Sde, score: nodes.Expr, functions: dict[str, nodes.Function]) -> nodes.Expr:
    """f - ∇·G - G S of an Itô SDE, for dt < 0; raises NoDerivative."""
    return _drift(sde, score, functions, Fraction(1))


def flow_drift(sde: nodes.Sde, score: nodes.Expr, functions: dict[str, nodes.Function]) -> nodes.Expr:
    """f - ½ ∇·G - ½ G S of an Itô SDE; raises NoDerivative."""
    return _drift(sde, score, functions, _HALF)


def _drift(sde: nodes.Sde, score: nodes.Expr, functions: dict[str, nodes.Function], share: Fraction) -> nodes.Expr:
    span = sde.span
    pull = algebra.multiply(square_noise(sde), score, span)
    taken = algebra.add(_bend(sde.alone, functions), pull, span)
    return algebra.subtract(sde.drift, algebra.multiply(algebra.literal(share, span), taken, span), span)
