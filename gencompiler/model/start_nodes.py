"""Initial values that data give: means over rows of a data set, and what parameters begin with."""

from __future__ import annotations

from gencompiler.model.values import Expr
from gencompiler.node import Node, node

#: The sides of a map on which data may reach it.
INPUT, RESULT = "input", "result"


@node
class DataMean(Expr):
    """`E[names ~ data] body`, elementwise the mean of `body` over rows; no model holds one, see `Mean`."""

    names: tuple[str, ...]
    body: Expr


@node
class Mean(Node):
    """In an initial value `name` stands for the mean of `body` over rows of data.

    `passing`: what `body` calls the values drawn; in a start of a map one name, of what passes on one `side`, its input
    or its result."""

    name: str
    body: Expr
    passing: str
    side: str = ""


@node
class Start(Node):
    """The parameter `path` begins with `value`, which mentions `means` and parameters whose own starts come before.

    Of a parameter of the map `map`, `value` is one element's where the map is lifted, and one iteration's."""

    path: str
    value: Expr
    means: tuple[Mean, ...]
    map: str = ""
