"""What is defined by an equation rather than by a formula."""

from __future__ import annotations

from gencompiler.model.values import Expr, Real
from gencompiler.node import node

__all__ = ["Root", "Solution"]


@node
class Root(Expr):
    """The value of `name` between `lower` and `upper` at which `body`, a strictly monotone function of it, is `target`;
    elementwise.  `near`: a formula of that number, which rounds more than `body` does."""

    name: str
    body: Expr
    target: Expr
    lower: Real
    upper: Real
    increasing: bool
    near: Expr | None = None


@node
class Solution(Expr):
    """The one vector `name` at which `body`, a bijection of it, is `target`."""

    name: str
    body: Expr
    target: Expr
