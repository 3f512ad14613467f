"""What a loop that draws a variable element by element reads of it: the newest element, and those before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Set

from gencompiler.derive.nodes import Factor, Recurrence
from gencompiler.model import nodes as model
from gencompiler.node import Node, children, rebuild

NEWEST = "newest"


def with_newest(factor: Factor, name: str) -> Factor:
    """The factor whose recurrences read the element just drawn by a name of its own."""

    def changed(recurrence: Recurrence) -> Recurrence:
        return dataclasses.replace(recurrence, term=as_newest(recurrence.term, name))

    return dataclasses.replace(factor, recurrences=tuple(map(changed, factor.recurrences)))


def as_newest(expr: model.Expr, name: str) -> model.Expr:
    """`expr`, whose elements of the variable are the one just drawn."""

    def visit(current: Node) -> Node:
        if isinstance(current, model.Element) and named(current.base) == name:
            return model.Reference(current.type, NEWEST, span=current.span)
        return rebuild(current, visit)

    found = visit(expr)
    assert isinstance(found, model.Expr)
    return found


def mentioned(tree: Node, names: Set[str], carried: Set[str]) -> Iterator[str]:
    """Which of `names` a formula reads; the networks `carried` read sums or states instead."""
    if isinstance(tree, model.NetworkOutput) and tree.path in carried:
        return
    if isinstance(tree, model.Reference) and tree.name in names:
        yield tree.name
    for child in children(tree):
        yield from mentioned(child, names, carried)


def along_an_order(target: model.Element) -> bool:
    """Whether an element is meant by its turn in an order, `x[o[i]]`, and so differs between rows."""
    return any(isinstance(s, model.Element) for s in target.subscripts)


def named(base: model.Expr) -> str:
    """The name of what a place is a place of, in whatever axes."""
    base = base.base if isinstance(base, model.Flat) else base
    return base.name if isinstance(base, model.Reference) else ""
