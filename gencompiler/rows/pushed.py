"""Distributions piped through bijections: `Normal(m, s) |> F`.

Of y = F(u) with u from the base, log p(y) = log p(u) - log|dF/du|.  A value that was drawn here is remembered with
the u it came from: its density costs no inverse, which an inverse autoregressive flow would compute dimension by
dimension (Kingma et al., Improved variational inference with inverse autoregressive flow, 2016, eq. 12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gencompiler.derive.density import log_density as base_density
from gencompiler.model import nodes as model
from gencompiler.model.mentioned import read_by_maps
from gencompiler.node import walk
from gencompiler.rows.expressions import Expressions, Passed, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Pipeline


def unwrapped(expressions: Expressions, expr: model.Expr, scope: Scope) -> tuple[model.Expr, Scope]:
    """The distribution below its local equations, and the scope that sees them."""
    while isinstance(expr, model.Let):
        scope = expressions.locals(expr, scope)
        expr = expr.body
    return expr, scope


def log_density(
    expressions: Expressions,
    distribution: model.Expr,
    event: model.Expr,
    scope: Scope,
    streams: Mapping[str, int],
    depth: int = 0,
) -> Expr:
    """log of the density that a distribution, piped or plain, gives to `event`."""
    found, scope = unwrapped(expressions, distribution, scope)
    if not isinstance(found, model.Pushed):
        return expressions.log_density(found, event, scope)
    graph, span = expressions.graph, found.span
    value = expressions.lower(event, scope)
    at = None if scope.stopped else expressions.origins.get(_drawn(expressions, found, value, scope))
    if at is None:
        start = Passed(value, graph.number(0, span))
        at = _pipeline(expressions, streams).backward(found.stages, start, scope, depth)
    base = model.Reference(found.base.type, _BASE, span=span)
    density, inside = expressions.distribution(found.base, scope)
    term = expressions.lower(base_density(density, base), inside.bind({_BASE: graph.name(at.value, _BASE)}))
    return graph.elementwise("subtract", term, at.log_det, span=span)


def draw(
    expressions: Expressions,
    found: model.Pushed,
    scope: Scope,
    base: Callable[[model.Expr], Expr],
    streams: Mapping[str, int],
    depth: int = 0,
) -> Expr:
    """A draw: what the maps make of `base`'s draw of the distribution that they start from."""
    graph = expressions.graph
    start = base(found.base)
    passed = _pipeline(expressions, streams).forward(
        found.stages, Passed(start, graph.number(0, found.span)), scope, depth
    )
    if passed.value is not start:
        expressions.origins[_drawn(expressions, found, passed.value, scope)] = Passed(start, passed.log_det)
    return passed.value


def _drawn(expressions: Expressions, found: model.Pushed, value: Expr, scope: Scope) -> tuple[object, ...]:
    """What a draw is known by: its value, the distribution, and the values that the distribution is conditioned on."""
    mentioned = (*walk(found), *read_by_maps(expressions.derived.model, found))
    names = sorted({n.name for n in mentioned if isinstance(n, model.Reference) and n.name in scope.names})
    return (id(value), found, found.span, *((name, id(scope.names[name])) for name in names))


#: What an event of the base is called.
_BASE = "base"


def _pipeline(expressions: Expressions, streams: Mapping[str, int]) -> Pipeline:
    return Pipeline(expressions, (_BASE, "pushed"), dict(streams))
