"""What row programs cannot hold yet."""

from __future__ import annotations

from gencompiler.node import Node


class NotLowered(Exception):
    """A valid expression that row programs cannot hold yet; `what` names it, `expr` is where it stands."""

    def __init__(self, expr: Node, what: str) -> None:
        super().__init__(what)
        self.span = expr.span
        self.what = what


class NotDifferentiated(Exception):
    """Why a program has no backward pass of its own; torch differentiates its torch function instead."""
