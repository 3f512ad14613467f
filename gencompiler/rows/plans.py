"""Loops of a row program while it is built: what `graph` opens, `linearize` places and passes between them change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr


@dataclasses.dataclass(eq=False)
class LoopPlan:
    """A loop under construction; `depth` is that of its body, `wishes` what the carried values were to be called."""

    kind: str
    index: str
    count: Expr
    reverse: bool
    depth: int
    span: Span
    names: tuple[str, ...]
    wishes: tuple[str, ...]
    initials: tuple[Expr, ...]
    inside: tuple[Expr, ...]
    after: tuple[Expr, ...] = ()
    nexts: tuple[Expr, ...] = ()
    #: By the place of a carried value, where an iteration is proven invertible: a stand-in for the value after it, and
    #: the value before it, made when asked for.
    inverse: dict[int, Callable[[], tuple[Expr, Expr]]] | None = None
    stores: list[nodes.StoreColumn | nodes.StoreSection] = dataclasses.field(default_factory=list)
    done: Expr | None = None
    #: The how manieth of its graph.
    number: int = 0
