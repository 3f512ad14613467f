"""Every value of finite variables, one for each particle: the digits of the particle's number in mixed radix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from gencompiler.catalog.supports import bounds
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.proof.slices import values_of
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.particles import particle_index


def enumerated(graph: Graph, types: Mapping[str, model.Type], span: Span) -> tuple[dict[str, Expr], int]:
    """The value of each variable for particle k, and how many particles there are.

    The last variable's last element runs fastest.  All supports are finite."""
    counts = {name: values_of(type_.support, type_.shape) for name, type_ in types.items()}
    total = math.prod(count for count in counts.values() if count is not None)
    index = graph.name(particle_index(graph.intern, total, span), "value")
    found: dict[str, Expr] = {}
    stride = total
    for name, type_ in types.items():
        levels = values_of(type_.support, ())
        assert levels is not None, f"{name} is not finite"
        elements = []
        for _ in range(math.prod(type_.shape)):
            stride //= levels
            elements.append(_digit(graph, index, stride, levels, _lowest(type_.support), span))
        whole = graph.concat(tuple(elements), span) if type_.shape else elements[0]
        found[name] = graph.name(whole, name)
    return found, total


def constants(graph: Graph, types: Mapping[str, model.Type], span: Span) -> Iterator[dict[str, Expr]]:
    """The same values one after the other, each as numbers: for values of a particle, which has no particles itself."""
    sizes = [math.prod(type_.shape) for type_ in types.values()]
    levels = [_levels(type_.support) for type_, size in zip(types.values(), sizes, strict=True) for _ in range(size)]
    for numbers in itertools.product(*levels):
        left = iter(graph.number(number, span) for number in numbers)
        yield {
            name: graph.concat(tuple(itertools.islice(left, size)), span) if type_.shape else next(left)
            for (name, type_), size in zip(types.items(), sizes, strict=True)
        }


def _levels(support: model.Support) -> range:
    count = values_of(support, ())
    assert count is not None, f"{support} is not finite"
    return range(_lowest(support), _lowest(support) + count)


def _digit(graph: Graph, index: Expr, stride: int, levels: int, lowest: int, span: Span) -> Expr:
    """lowest + floor(index / stride) mod levels, where index < index.type.particles"""
    digit = _floored(graph, index, stride, span)
    if stride * levels < index.type.particles:
        higher = _floored(graph, index, stride * levels, span)
        multiple = graph.elementwise("multiply", graph.number(levels, span), higher, span=span)
        digit = graph.elementwise("subtract", digit, multiple, span=span)
    return graph.elementwise("add", digit, graph.number(lowest, span), span=span) if lowest else digit


def _floored(graph: Graph, index: Expr, divisor: int, span: Span) -> Expr:
    if divisor == 1:
        return index
    return graph.elementwise(
        "floor", graph.elementwise("divide", index, graph.number(divisor, span), span=span), span=span
    )


def _lowest(support: model.Support) -> int:
    lower = bounds(support.name, support.arguments)[0]
    return int(Fraction(str(lower)))
