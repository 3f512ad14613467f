"""A law that another joint states: `q(o | x) = p(o)`.

The two are one law, with one set of parameters, so that log p(o) - log q(o | x) is 0 whatever they are.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, IndexInfo
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.equations import Equations


@dataclasses.dataclass(frozen=True)
class Request:
    """`joint(target | given) = other(target | fewer)`"""

    equation: tree.Equation
    joint: str
    target: nodes.Expr
    given: tuple[nodes.Expr, ...]
    indices: tuple[IndexInfo, ...]


def is_law(parts: Equations, value: tree.Expr) -> bool:
    """Whether a right-hand side is the law of a joint, `p(…)`, `q(…)` or another that an equation above states."""
    if not isinstance(value, tree.Call) or not isinstance(value.function, tree.Name):
        return False
    name = value.function.id
    joints = {"p", "q", *(c.joint for c in parts.conditionals)}
    return name in joints - parts.infer.builder.definitions.keys() - DISTRIBUTIONS.keys()


def conditional(parts: Equations, request: Request) -> nodes.Conditional:
    """The conditional with the law that the other joint states of the same variable."""
    builder, value = parts.infer.builder, request.equation.value
    assert isinstance(value, tree.Call) and isinstance(value.function, tree.Name)
    other = value.function.id
    whole = isinstance(request.target, nodes.Reference) and not request.indices
    listed = [a.value.id for a in (*value.arguments, *(value.conditions or ())) if isinstance(a.value, tree.Name)]
    plain = len(listed) == len(value.arguments) + len(value.conditions or ()) and len(value.arguments) == 1
    if not whole or not plain or other == request.joint:
        builder.unsupported("the law of another joint of anything but one whole variable", value.span)
    assert isinstance(request.target, nodes.Reference)
    name = request.target.name
    own = [c for c in parts.conditionals if c.joint == other and _whole(c) == name]
    if listed[0] != name or len(own) != 1:
        if builder.reporter.has_errors:
            raise Abandon  # the equation that states it may be one that is refused
        message = f"the law of `{name}` is needed here, and no equation states `{other}({name})` in one piece"
        builder.report("G701", message, value.span, f"a law of `{listed[0]}`" if listed[0] != name else "not stated")
    known = {g.name for g in request.given if isinstance(g, nodes.Reference)}
    needed = [g.name for g in own[0].given if isinstance(g, nodes.Reference)]
    if missing := [n for n in needed if n not in known or n not in listed]:
        also = (Label(own[0].span, f"`{other}({name} | {', '.join(needed)})` is stated here"),)
        message = f"the law of `{name}` depends on `{missing[0]}`, which is not listed"
        builder.report("G105", message, value.span, f"`{missing[0]}` is missing", also=also)
    return nodes.Conditional(
        request.joint, (request.target,), request.given, (), own[0].distribution, span=request.equation.span
    )


def _whole(conditional_: nodes.Conditional) -> str:
    """The variable of which a conditional without indices is the law; empty where it is of a part."""
    target = conditional_.targets[0]
    return target.name if isinstance(target, nodes.Reference) and not conditional_.indices else ""
