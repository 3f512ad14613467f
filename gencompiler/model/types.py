"""Shapes during inference: known tuples, and variables that unification solves.

A network's output has no declared shape: it takes the shape of the sized value it meets, of the event whose
distribution
it parameterises, or of the declared result.  Until then its type carries a `ShapeVariable`; `solved` replaces them
all once a model is complete.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

from gencompiler.model.nodes import REAL, Expr, Input, Support, Type
from gencompiler.node import Node, NodeT, rebuild

Shape = tuple[int, ...]


class ShapeVariable:
    """A shape not known yet; variables that met are one and the same (union by forwarding)."""

    def __init__(self) -> None:
        self._value: Shape | None = None
        self._forward: ShapeVariable | None = None
        self._after: list[Callable[[Shape], None]] = []

    def root(self) -> ShapeVariable:
        variable = self
        while variable._forward is not None:
            variable = variable._forward
        return variable

    @property
    def value(self) -> Shape | None:
        return self.root()._value

    def solve(self, shape: Shape) -> None:
        root = self.root()
        root._value = shape
        waiting, root._after = root._after, []
        for then in waiting:
            then(shape)

    def when_solved(self, then: Callable[[Shape], None]) -> None:
        """Call `then` with the shape, once there is one."""
        if self.value is not None:
            then(self.value)
        else:
            self.root()._after.append(then)

    def join(self, other: ShapeVariable) -> None:
        mine, theirs = self.root(), other.root()
        if mine is not theirs:
            mine._forward = theirs
            theirs._after.extend(mine._after)


def unknown_type(support: Support) -> Type:
    """A type whose shape is a fresh variable."""
    return Type(support, cast(Shape, ShapeVariable()))


def rows_of(tensor: Type, extent: int) -> Type:
    """The type of one of the `extent` rows of a tensor whose shape is not solved: one is solved with the other."""
    row = unknown_type(REAL)
    whole, part = cast(Any, tensor.shape), cast(Any, row.shape)

    def from_row(shape: Shape) -> None:
        if whole.value is None:
            whole.solve((extent, *shape))

    def from_tensor(shape: Shape) -> None:
        if part.value is None and shape[:1] == (extent,):
            part.solve(shape[1:])

    part.when_solved(from_row)
    whole.when_solved(from_tensor)
    return row


def known_shape(type_: Type) -> Shape | None:
    """The shape of `type_`, or None while it is not solved."""
    shape: Any = type_.shape
    return shape.value if isinstance(shape, ShapeVariable) else cast(Shape, shape)


def with_shape(type_: Type, shape: Shape) -> Type:
    return Type(type_.support, shape)


def unify(left: Type, right: Type) -> bool:
    """Make the two shapes equal; False when they are known and differ."""
    a, b = known_shape(left), known_shape(right)
    if a is not None and b is not None:
        return a == b
    if a is not None:
        cast(ShapeVariable, cast(Any, right.shape)).solve(a)
    elif b is not None:
        cast(ShapeVariable, cast(Any, left.shape)).solve(b)
    else:
        cast(ShapeVariable, cast(Any, left.shape)).join(cast(ShapeVariable, cast(Any, right.shape)))
    return True


def meet(types: tuple[Type, ...], support: Support) -> Type | None:
    """The type of an elementwise operation; None when two shapes clash.

    A scalar meets anything.  An unsolved shape meeting a tensor takes its shape; meeting only scalars it stays open."""
    tensors = [t for t in types if known_shape(t) != ()]
    if not tensors:
        return Type(support, ())
    first = next((t for t in tensors if known_shape(t) is not None), tensors[0])
    if not all(unify(first, t) for t in tensors):
        return None
    shape = known_shape(first)
    return Type(support, shape if shape is not None else first.shape)


def solved(tree: NodeT) -> NodeT:
    """`tree` with every solved shape variable replaced by its shape; unsolved ones stay (the caller reports them)."""
    memo: dict[int, Node] = {}

    def visit(current: Node) -> Node:
        if id(current) in memo:
            return memo[id(current)]
        result = rebuild(current, visit)
        if isinstance(result, Expr | Input) and isinstance(cast(Any, result.type.shape), ShapeVariable):
            shape = known_shape(result.type)
            if shape is not None:
                result = dataclasses.replace(result, type=with_shape(result.type, shape))
        memo[id(current)] = result
        return result

    return cast(NodeT, visit(tree))
