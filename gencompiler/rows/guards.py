"""Branches that are not taken: clamped before they are computed.

A select computes both branches for every row, and the gradient of the one that is not taken is 0 times its slope: no
number where that overflows or is undefined.  So within a branch, the arguments of functions that are not defined, or
not bounded, everywhere are harmless constants in the rows that take the other."""

from __future__ import annotations

from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.rewrite import operands_first, rebuilt

#: Functions whose value or slope may be infinite or undefined: which argument makes it so, and one that does not.
HARMLESS: dict[str, tuple[int, float]] = {
    "divide": (1, 1.0),
    "power": (0, 1.0),
    "log": (0, 1.0),
    "sqrt": (0, 1.0),
    "log1p": (0, 0.0),
    "logit": (0, 0.5),
    "exp": (0, 0.0),
    "expm1": (0, 0.0),
    "sinh": (0, 0.0),
    "cosh": (0, 0.0),
    "tan": (0, 0.0),
    "lambert_w": (0, 0.0),
}


def guarded(graph: Graph, branch: Expr, taken: Expr) -> Expr:
    """`branch`, as it is where `taken` holds, and without overflow or undefined values where it does not.

    Where `taken` differs between the elements of a vector, so does what may be changed: only what reaches the branch
    element by element.  A sum or a product with a matrix in between is read whole by elements of either kind."""
    reached = _reached(branch, taken)
    done: dict[int, Expr] = {}
    for each in operands_first(branch, parts_of):
        if id(each) not in reached:
            continue
        made = each
        if _passes(each, taken):
            if any(done[id(part)] is not part for part in parts_of(each)):
                made = rebuilt(graph, each, lambda part: done[id(part)])
            made = _clamped(graph, made, taken)
        if made is not each and id(each) in graph.hints:
            graph.name(made, graph.hints[id(each)])
        done[id(each)] = made
    return done[id(branch)]


def _reached(branch: Expr, taken: Expr) -> set[int]:
    """`branch` and what it is computed from, in the elements alone that `taken` speaks of."""
    reached: set[int] = set()
    waiting = [branch]
    while waiting:
        each = waiting.pop()
        if id(each) in reached:
            continue
        reached.add(id(each))
        if _passes(each, taken):
            waiting.extend(parts_of(each))
    return reached


def _passes(expr: Expr, taken: Expr) -> bool:
    """Whether what `taken` excludes of `expr` it excludes of its operands."""
    return not taken.type.shape or isinstance(expr, nodes.Elementwise | nodes.Select)


def _clamped(graph: Graph, expr: Expr, taken: Expr) -> Expr:
    if not isinstance(expr, nodes.Elementwise) or expr.function not in HARMLESS:
        return expr
    place, harmless = HARMLESS[expr.function]
    own = expr.arguments[place]
    if not own.type.rows or own.type.kind != "real" or taken.type.shape not in ((), own.type.shape):
        return expr
    if isinstance(own, nodes.Select) and own.condition is taken:
        return expr
    safe = graph.select(taken, own, graph.number(harmless, expr.span), expr.span)
    arguments = (*expr.arguments[:place], safe, *expr.arguments[place + 1 :])
    return graph.elementwise(expr.function, *arguments, span=expr.span)
