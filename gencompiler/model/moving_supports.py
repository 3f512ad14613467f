"""Supports whose ends are parameters.

A parameter of such a support, `b : Open(-a, inf)`, is learned as one of a support that stays, at its place in the
other: b = -a + b' with b' > 0.  So what is known of it is there in every formula that mentions it.

A density on such a support, `density Above(x : Interval(m, inf) | m : Real) = exp(m - x)`, is kept as that of a
standard variable y, on the positive numbers or the unit interval, which moves to x by its place: m + y beyond one end,
b - y below it, a + (b - a) y between two.  So its mass is an integral over a fixed support, ∫ f(x) dx = ∫ f(place(y)) w
dy with the width w = |d place / dy|, and a draw of x is the place of one of y."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import functions
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.builder import Builder
    from gencompiler.model.infer import Infer

#: The supports whose ends may be parameters.
MOVABLE = ("Interval", "Open")


@dataclasses.dataclass(frozen=True)
class Ends:
    """The ends of a moving support as they are written; None where it has none."""

    lower: tree.Expr | None
    upper: tree.Expr | None

    @property
    def standard(self) -> nodes.Support:
        """Where the standard variable lies."""
        return nodes.Support("Positive" if self.lower is None or self.upper is None else "Unit")

    def stored(self, declaration: tree.ParameterDecl) -> nodes.Support:
        """Where what is learned of a parameter lies: with the ends where they belong to its support."""
        assert isinstance(declaration.type, tree.SupportType)
        if declaration.type.name.id == "Open":
            return self.standard
        half_line = self.standard.name == "Positive"
        return nodes.Support("NonNegative") if half_line else nodes.Support("Interval", (Fraction(0), Fraction(1)))


def ends_of(declaration: tree.ParameterDecl, conditions: tuple[tree.ParameterDecl, ...]) -> Ends | None:
    """The ends of a variable's support, where one of them mentions a condition; None of a support that stays."""
    return ends_among(declaration, {c.name.id for c in conditions})


def ends_among(declaration: tree.ParameterDecl, names: Collection[str]) -> Ends | None:
    """The ends of a declared support, where one of them mentions one of `names`; None of a support that stays."""
    declared = declaration.type
    if not isinstance(declared, tree.SupportType) or declared.name.id not in MOVABLE or len(declared.arguments) != 2:
        return None
    found = [a.value for a in declared.arguments if a.value is not None]
    if len(found) != 2 or not any(n in names for end in found for n in _mentioned(end)):
        return None
    lower = None if _is_below_all(found[0]) else found[0]
    upper = None if _is_infinity(found[1]) else found[1]
    return Ends(lower, upper) if lower is not None or upper is not None else None


def moves(declaration: tree.ParameterDecl, constants: dict[str, nodes.Real]) -> bool:
    """Whether an end of a declared support is more than a number."""
    return bool(_unknown(declaration, constants))


def check_order(builder: Builder, declaration: tree.ParameterDecl, constants: dict[str, nodes.Real]) -> None:
    """An end mentions what is declared before it."""
    for name in _unknown(declaration, constants):
        own = declaration.name.id
        builder.report(
            "G206",
            f"an end of `{own}` mentions `{name.id}`, which is not declared before it",
            name.span,
            "not known yet",
            help=(f"declare `{name.id}` before `{own}`",),
        )


def _unknown(declaration: tree.ParameterDecl, constants: dict[str, nodes.Real]) -> list[tree.Name]:
    """The names in the ends of a declared support that are no numbers."""
    declared = declaration.type
    if not isinstance(declared, tree.SupportType) or declared.name.id not in MOVABLE:
        return []
    ends = [a.value for a in declared.arguments if a.value is not None]
    named = [n for end in ends for n in walk(end) if isinstance(n, tree.Name)]
    return [n for n in named if n.id not in constants and n.id not in functions.CONSTANTS]


def _mentioned(expr: tree.Expr) -> set[str]:
    return {n.id for n in walk(expr) if isinstance(n, tree.Name)}


def _is_below_all(expr: tree.Expr) -> bool:
    return isinstance(expr, tree.Unary) and expr.operator == "-" and _is_infinity(expr.operand)


def _is_infinity(expr: tree.Expr) -> bool:
    return isinstance(expr, tree.Name) and expr.id == "inf"


def place(infer: Infer, context: Context, ends: Ends, standard: nodes.Expr) -> tuple[nodes.Expr, nodes.Expr | None]:
    """The event at a value of the standard variable, and the width of a support with two ends."""
    span = standard.span
    lower, upper = (None if e is None else infer.expression(context, e) for e in (ends.lower, ends.upper))
    if lower is None and upper is not None:
        return _written(span, "b - y", b=upper, y=standard), None
    if upper is None and lower is not None:
        return _written(span, "a + y", a=lower, y=standard), None
    assert lower is not None and upper is not None
    width = _written(span, "b - a", a=lower, b=upper)
    return _written(span, "a + w * y", a=lower, w=width, y=standard), width


def within(infer: Infer, context: Context, ends: Ends, event: nodes.Expr, value: nodes.Expr) -> nodes.Expr:
    """The density of an event, 0 outside the support."""
    span = value.span
    for end, text in ((ends.upper, "if x > c then 0 else v"), (ends.lower, "if x < c then 0 else v")):
        if end is not None:
            value = _written(span, text, x=event, c=infer.expression(context, end), v=value)
    return value


def scaled(width: nodes.Expr | None, value: nodes.Expr) -> nodes.Expr:
    """The density of the standard variable."""
    return value if width is None else _written(value.span, "w * v", w=width, v=value)


def _written(span: Span, text: str, **names: nodes.Expr) -> nodes.Expr:
    from gencompiler.model.formula import formula, placed  # which resolves formulas, and so needs all of this package

    return placed(formula(text, **names), span)
