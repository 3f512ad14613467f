"""What every tree of the compiler shares: frozen nodes, spans, traversal.

The three intermediate representations (`syntax.tree`, `model.nodes`, `rows.nodes`) are built from the same kind of
node: an immutable dataclass, compared by content, that carries the span of the text it came from.  A span never takes
part in comparison or hashing, so two equal formulas written in two places are equal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from gencompiler.diagnostics.span import Span

NodeT = TypeVar("NodeT", bound="Node")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def node(cls: type[NodeT]) -> type[NodeT]:
    """Make `cls` an immutable, validated tree node."""
    # A kind's validation is built when the first node of it is made: no spec needs all kinds.
    config = ConfigDict(arbitrary_types_allowed=True, defer_build=True)
    return pydantic_dataclass(frozen=True, config=config)(cls)  # type: ignore[return-value]


@node
class Node:
    """One node of a tree; `span` is keyword-only, mandatory and ignored by `==` and `hash`."""

    span: Span = dataclasses.field(compare=False, repr=False, kw_only=True)


#: Of each kind of node, the fields beside the span: asking the class for each node takes as long as all the rest.
_FIELDS: dict[type, tuple[str, ...]] = {}


def field_names(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node, all but the span."""
    found = _FIELDS.get(kind)
    if found is None:
        found = _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(kind) if field.name != "span")
    return found


def children(tree: Node) -> Iterator[Node]:
    """The nodes directly below `tree`, in field order, looking through tuples."""
    return iter(_below(tree))


def _below(tree: Node) -> list[Node]:
    """The same as a list: trees are walked all the time, and generators within generators take twice as long."""
    found: list[Node] = []
    for name in field_names(type(tree)):
        value = getattr(tree, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            _add_nodes(value, found)
    return found


def _add_nodes(values: tuple[object, ...], found: list[Node]) -> None:
    for value in values:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            _add_nodes(value, found)


def walk(tree: Node) -> Iterator[Node]:
    """Every node of `tree`, parents before children."""
    stack = [tree]
    while stack:
        current = stack.pop()
        yield current
        below = _below(current)
        below.reverse()
        stack += below


def rebuild(tree: NodeT, change: Callable[[Node], Node]) -> NodeT:
    """A copy of `tree` whose direct child nodes are replaced by `change(child)`; `tree` itself when nothing changed."""
    updates: dict[str, Any] = {}
    for name in field_names(type(tree)):
        old = getattr(tree, name)
        new = _changed(old, change)
        if new is not old:
            updates[name] = new
    return dataclasses.replace(tree, **updates) if updates else tree


def _changed(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple):
        items = tuple(_changed(item, change) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def data(value: object, *, spans: bool = False) -> object:
    """A tree as JSON data: every node is an object with its class under "node"; exact numbers are texts."""
    if isinstance(value, Node):
        found: dict[str, object] = {"node": type(value).__name__}
        for field in dataclasses.fields(value):
            if field.name != "span":
                found[field.name] = data(getattr(value, field.name), spans=spans)
            elif spans:
                found["span"] = [value.span.start, value.span.end]
        return found
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: data(getattr(value, f.name), spans=spans) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [data(v, spans=spans) for v in value]
    if isinstance(value, dict):
        return {str(k): data(v, spans=spans) for k, v in value.items()}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value
