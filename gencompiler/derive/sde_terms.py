"""Kernels of SDEs put in: what an expression says of an SDE by name, as the formulas that were derived for it.

signal(vp, t), noise(vp, t), gain(vp, t)     the closed forms at t
log vp(x' | x, t)                            the Normal log density
grad(log vp)(x' | x, t)                      -(x' - mean) / variance
x' ~ vp(x' | x, t)                           a draw of Normal(mean, noise)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import cast

from gencompiler.derive import algebra
from gencompiler.derive.density import log_density
from gencompiler.derive.nodes import SdeKernel
from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes
from gencompiler.node import Node, NodeT, rebuild

Kernels = Mapping[str, SdeKernel]


def plain(tree: NodeT, kernels: Kernels) -> NodeT:
    """`tree` without any mention of the kernels."""

    def visit(current: Node) -> Node:
        if isinstance(current, nodes.DensityGradient) and current.density.joint in kernels:
            return _gradient(rebuild(current.density, visit), kernels)
        inner = rebuild(current, visit)
        if isinstance(inner, nodes.Coefficient) and inner.sde in kernels:
            return coefficient(inner, kernels)
        if isinstance(inner, nodes.LogDensity) and inner.joint in kernels:
            law, event = _law(inner, kernels)
            return log_density(law, event)
        if isinstance(inner, nodes.Drawn):
            return _drawn(inner, kernels)
        return inner

    return cast(NodeT, visit(tree))


def coefficient(found: nodes.Coefficient, kernels: Kernels) -> nodes.Expr:
    """The closed form of `signal`, `noise` or `gain` at a time."""
    kernel = kernels[found.sde]
    return _at(getattr(kernel, found.quantity), kernel, found.time)


def _at(expr: nodes.Expr, kernel: SdeKernel, time: nodes.Expr) -> nodes.Expr:
    return substitute(expr, {kernel.time.name: time})


def distribution(kernel: SdeKernel, state: nodes.Expr, time: nodes.Expr) -> nodes.Distribution:
    """The law of x(t) given x = `state`."""
    span = state.span
    signal, shift, noise = (_at(e, kernel, time) for e in (kernel.signal, kernel.shift, kernel.noise))
    mean = algebra.add(algebra.multiply(signal, state, span), shift, span)
    type_ = nodes.Type(nodes.REAL, state.type.shape)
    return nodes.Distribution(type_, "Normal", "", (mean, noise), span=span)


def _given(given: tuple[nodes.Binding, ...], kernel: SdeKernel) -> tuple[nodes.Expr, nodes.Expr]:
    values = {b.name: b.value for b in given}
    return values[kernel.state.name], values[kernel.time.name]


def _law(found: nodes.LogDensity, kernels: Kernels) -> tuple[nodes.Distribution, nodes.Expr]:
    kernel = kernels[found.joint]
    return distribution(kernel, *_given(found.given, kernel)), found.targets[0].value


def _gradient(found: nodes.LogDensity, kernels: Kernels) -> nodes.Expr:
    """-(x' - mean) / noise^2"""
    law, event = _law(found, kernels)
    mean, noise = law.arguments
    gap = algebra.subtract(mean, event, found.span)
    square = algebra.multiply(noise, noise, found.span)
    return algebra.apply("divide", gap, square, span=found.span)


def _drawn(found: nodes.Drawn, kernels: Kernels) -> nodes.Drawn:
    source = found.source
    if not isinstance(source, nodes.JointSource) or source.joint not in kernels:
        return found
    kernel = kernels[source.joint]
    law = distribution(kernel, *_given(source.given, kernel))
    return dataclasses.replace(found, variables=(), source=nodes.DistributionSource(law, span=source.span))
