"""From lark's parse tree to the Surface: the engine, leaves, types and expressions."""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

from lark import Token, Tree

from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.syntax import tree as t
from gencompiler.syntax.ambiguity import Ambiguities
from gencompiler.syntax.limits import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT

#: How each operator token is written in the tree.
OPERATORS = {
    "OR": "or", "AND": "and", "NOT": "not", "LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "EQ": "==", "NE": "!=",
    "PIPE": "|>", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "AT": "@", "PERCENT": "%", "CARET": "^",
    "STRATONOVICH": "o", "EQUALS": "=", "PROPTO": "∝", "TILDE": "~",
}  # fmt: skip

Value = Any  # what a rule yields: a node, a tuple of nodes, a token, or None for what was left out


class ExpressionBuilder:
    """Builds the Surface bottom-up, without recursion, so that no input can exhaust the stack.

    Each grammar rule (or its alias) `r` has a method `_r(span, *children)`; children are nodes, or tokens where the
    grammar keeps one.
    """

    def __init__(self, source: SourceText, reporter: Reporter, span: Span | None = None) -> None:
        self._source = source
        self._reporter = reporter
        self._fixed_span = span
        self._ambiguities = Ambiguities(reporter)
        self._bad_names: set[str] = set()
        self._too_deep = False

    def build(self, parsed: Tree[Token]) -> Value:
        """The Surface node of `parsed`; what is wrong with it goes to the reporter."""
        values: dict[int, Value] = {}
        depths: dict[int, int] = {}
        result: Value = None
        for subtree in parsed.iter_subtrees():
            below = max((depths[id(c)] for c in subtree.children if isinstance(c, Tree)), default=0)
            children = [values[id(c)] if isinstance(c, Tree) else self._leaf(c) for c in subtree.children]
            span = self._span(subtree)
            rule = cast(Callable[..., Value], getattr(self, f"_{subtree.data}"))
            result = values[id(subtree)] = rule(span, *children)
            deeper = isinstance(result, t.Expr | t.TypeExpr) and all(result is not child for child in children)
            depths[id(subtree)] = below + deeper
            self._check_depth(depths[id(subtree)], span)
        return result

    # -- leaves and limits -------------------------------------------------------------------------------------------

    def _span(self, subtree: Tree[Token]) -> Span:
        if self._fixed_span:
            return self._fixed_span
        if subtree.meta.empty:
            return Span(self._source.name, 0, 0)
        return Span(self._source.name, subtree.meta.start_pos, subtree.meta.end_pos)

    def _token_span(self, token: Token) -> Span:
        if self._fixed_span:
            return self._fixed_span
        return Span(self._source.name, cast(int, token.start_pos), cast(int, token.end_pos))

    def _leaf(self, token: Token | None) -> Value:
        if token is None or token.type not in ("NAME", "NUMBER"):
            return token
        span = self._token_span(token)
        return self._name(token, span) if token.type == "NAME" else self._number(token, span)

    def _name(self, token: Token, span: Span) -> t.Name:
        if token == "∇":
            return t.Name("grad", span=span)
        bare = token.rstrip("'")
        normal = unicodedata.normalize("NFKC", bare)
        if (normal != bare or not bare.isidentifier()) and bare not in self._bad_names:
            self._bad_names.add(bare)
            power = re.fullmatch(r"([^⁰¹²³⁴-⁹]+)([⁰¹²³⁴-⁹]+)", bare)
            suggestion = f"{power[1]}^{normal[len(power[1]) :]}" if power else normal
            self._reporter.add(
                "G015",
                f"`{token}` is not a name in normal form",
                span,
                "two names that look alike must be the same name",
                help=(f"write `{suggestion}`",) if suggestion != bare else (),
            )
        return t.Name(str(token), span=span)

    def _number(self, token: Token, span: Span) -> t.Number:
        mantissa, _, exponent = token.lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > MAX_EXPONENT:
            self._reporter.add(
                "G902",
                "a number is too long",
                span,
                f"at most {MAX_DIGITS} digits and an exponent of at most {MAX_EXPONENT}",
            )
            return t.Number(Fraction(0), "0", span=span)
        return t.Number(Fraction(str(token)), str(token), span=span)

    def _check_depth(self, depth: int, span: Span) -> None:
        if depth > MAX_DEPTH and not self._too_deep:
            self._too_deep = True
            self._reporter.add(
                "G902",
                "an expression is nested too deeply",
                span,
                f"more than {MAX_DEPTH} operations inside each other",
                help=("name a part of it in a `where` block",),
            )

    @staticmethod
    def _text(token: Token) -> str:
        """What a docstring says, without its quotes and its indentation."""
        return inspect.cleandoc(token[3:-3].replace("\r\n", "\n")).strip()

    # -- types -------------------------------------------------------------------------------------------------------

    def _support(self, span: Span, name: t.Name, arguments: Value, shape: Value) -> t.SupportType:
        return t.SupportType(name, arguments or (), shape or (), span=span)

    def _type_arguments(self, span: Span, arguments: tuple[t.Argument, ...]) -> tuple[t.Argument, ...]:
        return arguments

    def _shape(self, span: Span, *sizes: t.Expr) -> tuple[t.Expr, ...]:
        return sizes

    def _tuple_type(self, span: Span, *items: t.TypeExpr) -> t.TupleType:
        return t.TupleType(items, span=span)

    def _function_type(self, span: Span, domain: t.TypeExpr, codomain: t.TypeExpr) -> t.FunctionType:
        return t.FunctionType(domain, codomain, span=span)

    # -- operators and open forms ------------------------------------------------------------------------------------

    def _rhs(self, span: Span, body: t.Expr, block: t.Block | None) -> t.Expr:
        return body if block is None else t.Where(body, block, span=span)

    def _binary(self, span: Span, left: t.Expr, operator: Token, right: t.Expr) -> t.Binary:
        symbol = OPERATORS[operator.type]
        self._ambiguities.binary(symbol, self._token_span(operator), left, right)
        return t.Binary(symbol, left, right, span=span)

    def _unary(self, span: Span, operator: Token, operand: t.Expr) -> t.Unary:
        symbol = OPERATORS[operator.type]
        if symbol == "-":
            self._ambiguities.open_form(symbol, self._token_span(operator), operand)
        return t.Unary(symbol, operand, span=span)

    def _log(self, span: Span, word: Token, operand: t.Expr) -> t.Log:
        self._ambiguities.open_form("log", self._token_span(word), operand)
        return t.Log(operand, span=span)

    def _choose(self, span: Span, condition: t.Expr, then: t.Expr, otherwise: t.Expr) -> t.Choose:
        return t.Choose(condition, then, otherwise, span=span)

    def _each(self, span: Span, *parts: Value) -> t.Each:
        return t.Each(parts[:-1], parts[-1], span=span)

    def _expect(self, span: Span, bracket: Token, *parts: Value) -> t.Expect:
        return t.Expect(parts[:-1], parts[-1], span=span)

    def _draw(self, span: Span, targets: tuple[t.Expr, ...], relation: Token, value: t.Expr) -> t.Equation:
        return t.Equation(targets, OPERATORS[relation.type], value, span=span)

    def _binding(self, span: Span, name: t.Name, over: t.Expr | None) -> t.Binding:
        return t.Binding(name, over, span=span)

    def _between(self, span: Span, lower: t.Expr, upper: t.Expr) -> t.Range:
        return t.Range(lower, upper, span=span)

    # -- atoms, calls and subscripts ---------------------------------------------------------------------------------

    def _parenthesised(self, span: Span, inner: t.Expr) -> t.Expr:
        return self._ambiguities.close(inner)

    def _tuple(self, span: Span, *items: t.Expr) -> t.TupleExpr:
        return t.TupleExpr(items, span=span)

    def _array(self, span: Span, *items: t.Expr | None) -> t.Array:
        return t.Array(tuple(item for item in items if item is not None), span=span)

    def _wrap(self, span: Span, word: Token, call: Value, body: t.Expr) -> t.Wrap:
        return t.Wrap(self._repeat(word, call), body, span=span)

    def _repeat(self, word: Token, call: Value) -> t.Call:
        where, arguments, conditions = call
        name = t.Name(str(word), span=self._token_span(word))
        return t.Call(name, arguments, conditions, span=name.span.to(where))

    def _called(self, span: Span, function: t.Expr, call: Value) -> t.Call:
        where, arguments, conditions = call
        self._ambiguities.call(function, where)
        return t.Call(function, arguments, conditions, span=span)

    def _call(self, span: Span, arguments: Value, conditions: Value) -> Value:
        return span, arguments or (), conditions

    def _arguments(self, span: Span, *arguments: t.Argument) -> tuple[t.Argument, ...]:
        return arguments

    def _positional(self, span: Span, value: t.Expr) -> t.Argument:
        return t.Argument(None, value, span=span)

    def _named(self, span: Span, name: t.Name, value: t.Expr) -> t.Argument:
        return t.Argument(name, value, span=span)

    def _argument_over(self, span: Span, name: t.Name, over: t.Expr) -> t.Argument:
        return t.Argument(None, None, t.Binding(name, over, span=span), span=span)

    def _indexed(self, span: Span, base: t.Expr, subscripts: tuple[t.Subscript, ...]) -> t.Index:
        return t.Index(base, subscripts, span=span)

    def _index(self, span: Span, *subscripts: t.Subscript) -> tuple[t.Subscript, ...]:
        return subscripts

    def _at(self, span: Span, value: t.Expr) -> t.At:
        return t.At(value, span=span)

    def _all(self, span: Span) -> t.All:
        return t.All(span=span)

    def _relative(self, span: Span, operator: Token, bound: t.Expr) -> t.Relative:
        return t.Relative(OPERATORS[operator.type], bound, span=span)

    def _over(self, span: Span, name: t.Name, over: t.Expr) -> t.Over:
        return t.Over(t.Binding(name, over, span=span), span=span)

    def _slice(self, span: Span, lower: t.Expr, upper: t.Expr | None) -> t.At:
        return t.At(t.Range(lower, upper, span=span), span=span)

    def _slice_to(self, span: Span, upper: t.Expr) -> t.At:
        return t.At(t.Range(None, upper, span=span), span=span)
