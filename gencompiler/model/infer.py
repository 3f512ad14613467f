"""Expressions: Surface in, typed Model IR out.  Names are resolved, shapes inferred by use, constants folded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from gencompiler.catalog import functions
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import (
    arrays,
    calls,
    densities,
    deterministic,
    draws,
    inner_densities,
    nodes,
    piped,
    starts,
    subscripts,
    tables,
)
from gencompiler.model.builder import Abandon, Builder, Context, IndexInfo
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape, meet, unify
from gencompiler.node import walk
from gencompiler.syntax import tree

_OPERATORS = {f.operator: f.name for f in functions.FUNCTIONS.values() if f.operator and f.arity == 2}
_FOLDS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
_CONSTANTS = {"pi": "pi", "e": "e"}


class Infer:
    """Resolves expressions against a Builder."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def expression(self, context: Context, expr: tree.Expr) -> nodes.Expr:
        """The typed form of `expr`; reports and raises Abandon when there is none."""
        match expr:
            case tree.Number(value=value):
                return literal(value, expr.span)
            case tree.Name():
                return self._name(context, expr)
            case tree.Unary(operator="-", operand=operand):
                inner = self.expression(context, operand)
                if isinstance(inner, nodes.Literal):
                    return literal(-inner.value, expr.span)
                return self.apply("negate", (inner,), expr.span)
            case tree.Unary(operator="not", operand=operand):
                return self.apply("not", (self.expression(context, operand),), expr.span)
            case tree.Log():
                return self._log(context, expr)
            case tree.Binary():
                return self._binary(context, expr)
            case tree.Choose():
                return self._choose(context, expr)
            case tree.Call():
                return calls.call(self, context, expr)
            case tree.Index():
                return subscripts.index(self, context, expr)
            case tree.Each():
                return self._each(context, expr)
            case tree.Where():
                return self.where(context, expr, self.expression)
            case tree.TupleExpr():
                return self.builder.unsupported("a tuple here", expr.span)
            case tree.Array():
                return tables.array(self, context, expr)
            case tree.Expect() if context.starting is not None:
                return starts.mean(self, context, expr)
            case tree.Expect():
                return self.builder.unsupported("an expectation outside an objective", expr.span)
            case tree.Wrap():
                return self.builder.unsupported("this braced form", expr.span)
        return self.builder.unsupported("this expression", expr.span)

    def expressions(self, context: Context, *exprs: tree.Expr) -> tuple[nodes.Expr, ...]:
        """The typed forms of independent expressions, each of which reports its own mistakes."""
        return self.builder.every(exprs, lambda e: self.expression(context, e))

    # -- names and operators -----------------------------------------------------------------------------------------

    def _name(self, context: Context, name: tree.Name) -> nodes.Expr:
        if name.id in context.indices:
            return index_reference(context.indices[name.id], name.span)
        if name.id in context.names:
            found = context.names[name.id]
            deterministic.check_meaning(self.builder, context, name.id, name.span)
            return _at(found, name.span)
        if name.id in context.constants:
            return literal(context.constants[name.id], name.span)
        if name.id in self.builder.refused:
            raise Abandon
        if name.id in _CONSTANTS:
            return nodes.Constant(nodes.Type(nodes.REAL), _CONSTANTS[name.id], span=name.span)
        if name.id == "inf":
            return literal(nodes.INFINITY, name.span)
        if context.frame is not None:
            densities.no_value(self, context, name)
        definition = self.builder.definitions.get(name.id)
        if definition is not None or name.id in functions.FUNCTIONS:
            also = (Label(definition.name.span, "defined here"),) if definition else ()
            self.builder.report(
                "G203",
                f"`{name.id}` is a function, not a value",
                name.span,
                "a value is needed here",
                also=also,
                help=(f"apply it: `{name.id}(…)`",),
            )
        self.builder.check_place(name.id, name.span)
        return self.builder.unsupported(f"`{name.id}`", name.span)

    def _binary(self, context: Context, expr: tree.Binary) -> nodes.Expr:
        if expr.operator == "@":
            return self._contract(context, expr)
        if expr.operator == "|>":
            return piped.pipe(self, context, expr)
        if expr.operator == "o":
            self.builder.unsupported("a Stratonovich product", expr.span)
        if expr.operator == "%":
            self.builder.unsupported("a remainder", expr.span)
        left, right = self.expressions(context, expr.left, expr.right)
        if isinstance(left, nodes.Literal) and isinstance(right, nodes.Literal):
            folded = _fold(expr.operator, left.value, right.value)
            if folded is not None:
                return literal(folded, expr.span)
        return self.apply(_OPERATORS[expr.operator], (left, right), expr.span)

    def _contract(self, context: Context, expr: tree.Binary) -> nodes.Expr:
        left, right = self.expressions(context, expr.left, expr.right)
        shapes = _sized_by_the_other(left, right)
        for side, shape in zip((left, right), shapes, strict=True):
            if shape is None:
                self.builder.report(
                    "G202",
                    "nothing determines the size of this factor of `@`",
                    side.span,
                    "size unknown",
                    help=("state it: `size = n` in the network's call",),
                )
            if shape == ():
                self.builder.report(
                    "G201",
                    "`@` contracts tensors, and this is a scalar",
                    side.span,
                    "a scalar",
                    help=("multiply with `*`",),
                )
        a, b = shapes
        assert a is not None and b is not None
        if a[-1] != b[0]:
            self.builder.report(
                "G201",
                f"`@` contracts the last axis of the left with the first of the right, {a[-1]} with {b[0]}",
                expr.span,
                also=(Label(left.span, f"shape {list(a)}"), Label(right.span, f"shape {list(b)}")),
            )
        return nodes.Contract(nodes.Type(nodes.REAL, a[:-1] + b[1:]), left, right, span=expr.span)

    def apply(self, function: str, arguments: tuple[nodes.Expr, ...], span: Span) -> nodes.Expr:
        """An elementwise function of typed arguments; a binary one is true where it is 1."""
        fact = functions.FUNCTIONS[function]
        if function in ("and", "or", "not"):
            arguments = tuple(self.truth(a) for a in arguments)
        support = nodes.BOOLEAN if fact.kind == "boolean" else nodes.REAL
        type_ = meet(tuple(a.type for a in arguments), support)
        if type_ is None:
            labels = tuple(Label(a.span, f"shape {list(known_shape(a.type) or ())}") for a in arguments)
            self.builder.report(
                "G201",
                "shapes meet elementwise only when equal, or when one is a scalar",
                span,
                also=labels,
                help=("write the broadcast with `for`, whose index order fixes the layout",),
            )
        return nodes.Apply(type_, function, arguments, span=span)

    def truth(self, value: nodes.Expr) -> nodes.Expr:
        """Whether a binary value is 1; any other value as it is."""
        if value.type.support != nodes.BINARY:
            return value
        return self.apply("equal", (value, literal(Fraction(1), value.span)), value.span)

    def _log(self, context: Context, expr: tree.Log) -> nodes.Expr:
        operand = expr.operand
        density = densities.log_value(self, context, operand, expr.span) if isinstance(operand, tree.Call) else None
        if density is not None:
            return density
        law = inner_densities.log_law(self, context, operand) if isinstance(operand, tree.Call) else None
        if law is not None:
            return law
        if (
            isinstance(operand, tree.Call)
            and isinstance(operand.function, tree.Name)
            and operand.function.id in ("p", "q")
        ):
            self.builder.unsupported("a log density inside an equation", expr.span)
        return self.apply("log", (self.expression(context, operand),), expr.span)

    def _choose(self, context: Context, expr: tree.Choose) -> nodes.Expr:
        condition, then, otherwise = self.expressions(context, expr.condition, expr.then, expr.otherwise)
        condition = self.truth(condition)
        if condition.type.support != nodes.BOOLEAN:
            self.builder.report("G203", "a condition must compare something", expr.condition.span, "this is a number")
        type_ = meet((condition.type, then.type, otherwise.type), nodes.REAL)
        if type_ is None:
            self.builder.report("G201", "the branches of `if` have different shapes", expr.span)
        return nodes.Choose(type_, condition, then, otherwise, span=expr.span)

    # -- binders -----------------------------------------------------------------------------------------------------

    def _each(self, context: Context, expr: tree.Each) -> nodes.Expr:
        values = draws.each_value(self, context, expr)
        if values is not None:
            return values
        binding, *others = expr.bindings
        if others:
            inner = tree.Each(tuple(others), expr.body, span=expr.span)
            return arrays.shortened(self._each(context, tree.Each((binding,), inner, span=expr.span)))
        info = self.binding(context, binding)
        body = self.expression(context.index(info), expr.body)
        if info.extent is None:
            self.builder.report(
                "G202",
                f"nothing determines how far `{info.name}` runs",
                binding.span,
                "no range",
                help=(f"subscript something with it, or write `for {info.name} in n: …`",),
            )
        shape = known_shape(body.type)
        if shape is None:
            unify(body.type, nodes.Type(nodes.REAL, ()))
            shape = ()
        return nodes.Each(
            nodes.Type(body.type.support, (info.extent, *shape)), info.name, info.extent, body, span=expr.span
        )

    def binding(self, context: Context, binding: tree.Binding) -> IndexInfo:
        """`i`, `i in n` or `i in 0..n`."""
        extent: int | None = None
        range_ = binding.range
        if isinstance(range_, tree.Range):
            lower = range_.lower
            if range_.upper is None or not (isinstance(lower, tree.Number) and lower.value == 0):
                self.builder.unsupported("a range that does not start at 0", range_.span)
            extent = self._extent(context, range_.upper)
        elif range_ is not None:
            extent = self._extent(context, range_)
        return IndexInfo(binding.name.id, extent, binding.span)

    def _extent(self, context: Context, expr: tree.Expr) -> int:
        names = {n.id for n in walk(expr) if isinstance(n, tree.Name)}
        if names & (context.indices.keys() | context.names.keys()):
            self.builder.unsupported("a range whose end is not constant", expr.span)
        found = size(expr, context.constants, self.builder.reporter)
        if found is None:
            raise Abandon
        return found

    def where(self, context: Context, expr: tree.Where, body: Callable[[Context, tree.Expr], nodes.Expr]) -> nodes.Expr:
        """`body where { … }`: local equations in dependency order, then the body; under a `for` they see its index."""
        if isinstance(expr.body, tree.Each):
            inner = tree.Where(expr.body.body, expr.block, span=expr.span)
            return body(context, tree.Each(expr.body.bindings, inner, span=expr.body.span))
        inside, bindings = calls.local_equations(self, context, expr.block)
        result = body(inside, expr.body)
        return nodes.Let(result.type, bindings, result, span=expr.span) if bindings else result


def _sized_by_the_other(left: nodes.Expr, right: nodes.Expr) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """The shapes of two factors; one that is still open is a vector as long as the other's axis."""
    a, b = known_shape(left.type), known_shape(right.type)
    if a is None and b:
        unify(left.type, nodes.Type(nodes.REAL, b[:1]))
    elif b is None and a:
        unify(right.type, nodes.Type(nodes.REAL, a[-1:]))
    return known_shape(left.type), known_shape(right.type)


def literal(value: nodes.Real, span: Span) -> nodes.Literal:
    return nodes.Literal(nodes.Type(nodes.REAL), value, span=span)


def index_reference(info: IndexInfo, span: Span) -> nodes.Reference:
    upper = Fraction(info.extent) if info.extent is not None else nodes.INFINITY
    support = nodes.Support("Integer", (Fraction(info.start), upper))
    return nodes.Reference(nodes.Type(support), info.name, span=span)


def _fold(operator: str, left: nodes.Real, right: nodes.Real) -> Fraction | None:
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        return None
    if operator in _FOLDS:
        return _FOLDS[operator](left, right)
    if operator == "/" and right != 0:
        return left / right
    if operator == "^" and right.denominator == 1 and abs(right) <= 64 and (left != 0 or right >= 0):
        return Fraction(left ** int(right))
    return None


def _at(found: nodes.Expr, span: Span) -> nodes.Expr:
    """A named expression, at the place it is mentioned."""
    if isinstance(found, nodes.Reference):
        return nodes.Reference(found.type, found.name, span=span)
    if isinstance(found, nodes.ParameterReference):
        return nodes.ParameterReference(found.type, found.path, span=span)
    return found
