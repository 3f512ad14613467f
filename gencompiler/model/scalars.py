"""What expressions must be besides well shaped: truth values apart from numbers, and numbers that code can hold."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.model import Reporter
from gencompiler.model import nodes
from gencompiler.node import Node, children, walk

#: Functions of truth values; `==` and `!=` compare any two of a kind.
_LOGIC = ("and", "or", "not", "indicator")
_EQUALITY = ("equal", "not_equal")


def check(model: nodes.Model, reporter: Reporter) -> None:
    """Report truth values used as numbers, numbers used as truth values, and numbers that no float holds."""
    seen: set[nodes.Expr] = set()
    for node in walk(model):
        if isinstance(node, nodes.Literal):
            _check_size(node, reporter)
        if isinstance(node, nodes.Expr):
            if node in seen:
                continue
            seen.add(node)
        for part in children(node):
            if isinstance(part, nodes.Expr):
                _check_kind(node, part, reporter)


def _check_size(number: nodes.Literal, reporter: Reporter) -> None:
    value = number.value
    if not isinstance(value, Fraction):
        return
    try:
        held = float(value)
    except OverflowError:
        reporter.add("G902", "a number this large is infinite in the generated code", number.span, "beyond 1.8e308")
        return
    if held == 0 and value != 0:
        reporter.add("G902", "a number this small is 0 in the generated code", number.span, "below 4.9e-324")


def _check_kind(node: Node, part: nodes.Expr, reporter: Reporter) -> None:
    truth = part.type.support == nodes.BOOLEAN
    if isinstance(node, nodes.Let | nodes.Binding | nodes.Each | nodes.Recur | nodes.FixedPoint | nodes.Solution):
        return  # what they stand for is judged where it is used
    logical = isinstance(node, nodes.Apply) and node.function in _LOGIC
    if isinstance(node, nodes.Choose) and part is node.condition:
        logical = True
    if isinstance(node, nodes.Map) and part is not node.body:
        logical = True  # what it requires
    if isinstance(node, nodes.Apply) and node.function in _EQUALITY:
        logical = any(a.type.support == nodes.BOOLEAN for a in node.arguments)
    if truth and not logical:
        reporter.add(
            "G203",
            "a comparison is true or false, and a number is needed here",
            part.span,
            "not a number",
            help=("`indicator(…)` of it is 1 or 0",),
        )
    elif logical and not truth:
        what = f"`{_spelled(node)}` " if isinstance(node, nodes.Apply) else "a condition "
        reporter.add("G203", f"{what}needs something that is true or false", part.span, "this is a number")


def _spelled(node: nodes.Apply) -> str:
    return FUNCTIONS[node.function].operator or node.function
