"""Expressions that the grammar reads in one way and readers in two: refused, with both ways of writing them."""

from __future__ import annotations

from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.diagnostics.span import Span
from gencompiler.syntax import tree as t

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
#: Operators that bind tighter than a sum, so that an open form after one looks closed.
_TIGHT = frozenset({"*", "/", "@", "%", "o", "-"})
#: Operators whose result is a value, never something that could be called; `^` and `|>` also combine kernels.
_VALUED = frozenset({"+", "-", "*", "/", "@", "%", "o", "and", "or"}) | COMPARISONS
_OPEN = {t.Choose: "if", t.Each: "for", t.Expect: "E"}


class Ambiguities:
    """Checks each operation as it is built, while it is still known what stood in parentheses."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._closed: dict[int, t.Expr] = {}  # by identity; the nodes are kept so that no identity is used twice

    def close(self, inner: t.Expr) -> t.Expr:
        """Note that `inner` stands in parentheses."""
        self._closed[id(inner)] = inner
        return inner

    def is_closed(self, expr: t.Expr) -> bool:
        return id(expr) in self._closed

    def binary(self, operator: str, operator_span: Span, left: t.Expr, right: t.Expr) -> None:
        """Check `left operator right`."""
        if operator in _TIGHT:
            self.open_form(operator, operator_span, right)
        if operator in COMPARISONS and isinstance(left, t.Binary) and left.operator in COMPARISONS:
            self._chain(left, right)
        if (
            operator == "^"
            and isinstance(left, t.Log)
            and not self.is_closed(left)
            and not self.is_closed(left.operand)
        ):
            self._reporter.add(
                "G012",
                "`log a^b` reads as `log(a^b)` and as `(log a)^b`",
                left.span.to(right.span),
                help=("write `log(a^b)` or `(log a)^b`",),
            )

    def _chain(self, left: t.Binary, right: t.Expr) -> None:
        if self.is_closed(left):
            return
        self._reporter.add(
            "G012",
            "comparisons do not chain",
            left.span.to(right.span),
            "two comparisons in a row",
            help=("join two comparisons with `and`: `0 < x and x < 1`",),
        )

    def open_form(self, operator: str, operator_span: Span, operand: t.Expr) -> None:
        """Check an open form (`if`, `for`, `E`) after a tight operator: its body must not be an unparenthesised sum."""
        if type(operand) not in _OPEN or self.is_closed(operand):
            return
        word, body = _OPEN[type(operand)], operand
        while type(body) in _OPEN and not self.is_closed(body):
            assert isinstance(body, t.Choose | t.Each | t.Expect)
            body = body.otherwise if isinstance(body, t.Choose) else body.body
        if isinstance(body, t.Binary) and body.operator not in _TIGHT - {"-"} | {"^"} and not self.is_closed(body):
            what = "sum" if body.operator in "+-" else "operation"
            self._reporter.add(
                "G011",
                f"the {what} after this `{word}` may or may not belong to it",
                body.span,
                f"`{word}` reaches to the end of this {what}",
                also=(Label(operator_span, f"readers expect `{operator}` to bind more tightly"),),
                help=(f"put parentheses around the {what}, or around the whole `{word}` form",),
            )

    def call(self, function: t.Expr, span: Span) -> None:
        """Check what is called: a number or an arithmetic result followed by `(` is a forgotten operator."""
        arithmetic = isinstance(function, t.Binary) and function.operator in _VALUED
        if isinstance(function, t.Number) or arithmetic or isinstance(function, t.Unary):
            self._reporter.add(
                "G006",
                "two expressions side by side; missing operator",
                Span(span.source, function.span.start, span.end) if isinstance(function, t.Number) else span,
                "this is a value, which cannot be called",
                help=("write `*` between them for a product",),
            )
