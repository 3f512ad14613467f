"""Forward-mode derivatives on the row graph: how a value moves when one row vector moves along a direction.

The Jacobian itself is never formed: its product with a direction costs as much as the value, which is what the
divergence of a drift needs."""

from __future__ import annotations

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.model.formula import formula
from gencompiler.rows import nodes
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.nodes import Expr

_NAMES = ("a", "b")


class Tangents:
    """Derivatives of values in `variable`, a node of the graph, along `direction`, of its shape."""

    def __init__(self, expressions: Expressions, variable: Expr, direction: Expr) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.known: dict[int, tuple[Expr, Expr | None]] = {id(variable): (variable, direction)}

    def of(self, value: Expr) -> Expr | None:
        """d value along the direction; None where it is 0.  Raises NotLowered where there is no rule."""
        if id(value) not in self.known:
            self.known[id(value)] = (value, self._of(value))
        return self.known[id(value)][1]

    def _of(self, value: Expr) -> Expr | None:
        graph, span = self.graph, value.span
        if not value.type.rows:
            return None
        match value:
            case nodes.Elementwise():
                return self._elementwise(value)
            case nodes.Select(condition=condition, then=then, otherwise=otherwise):
                parts = self.of(then), self.of(otherwise)
                if parts == (None, None):
                    return None
                zero = graph.number(0, span)
                return graph.select(condition, parts[0] or zero, parts[1] or zero, span)
            case nodes.Dot(vector=vector, matrix=matrix, transposed=transposed) if not matrix.type.rows:
                moved = self.of(vector)
                return None if moved is None else graph.dot(moved, matrix, transposed, span)
            case nodes.Reduce(operation="sum", operand=operand):
                moved = self.of(operand)
                return None if moved is None else graph.reduce("sum", self._wide(moved, operand), span)
            case nodes.Broadcast(operand=operand, length=length):
                moved = self.of(operand)
                return None if moved is None else graph.broadcast(moved, length, span)
            case nodes.Column(vector=vector, index=index):
                moved = self.of(vector)
                return None if moved is None else graph.column(self._wide(moved, vector), index, span)
            case nodes.Slice(vector=vector, start=start, stop=stop):
                moved = self.of(vector)
                return None if moved is None else graph.slice(self._wide(moved, vector), start, stop, span)
            case nodes.Permute(vector=vector, order=order):
                moved = self.of(vector)
                return None if moved is None else graph.permute(self._wide(moved, vector), order, span)
            case nodes.Concat(parts=parts):
                return self._concat(parts, span)
            case nodes.InputRead() | nodes.Local() | nodes.Draw():
                return None
        raise NotLowered(_at(span), f"the derivative of this {type(value).__name__.lower()}")

    def _concat(self, parts: tuple[Expr, ...], span: Span) -> Expr | None:
        moved = [self.of(p) for p in parts]
        if all(m is None for m in moved):
            return None
        zero = self.graph.number(0, span)
        return self.graph.concat(
            tuple(self._wide(m if m is not None else zero, p) for m, p in zip(moved, parts, strict=True)), span
        )

    def _wide(self, moved: Expr, like: Expr) -> Expr:
        """A tangent of the shape of its value: a scalar one stands for every element."""
        if moved.type.shape == like.type.shape:
            return moved
        return self.graph.broadcast(moved, like.type.shape[0], like.span)

    def _elementwise(self, value: nodes.Elementwise) -> Expr | None:
        moved = [self.of(a) for a in value.arguments]
        if all(m is None for m in moved):
            return None
        function = FUNCTIONS[value.function]
        rules = function.derivatives
        if not rules and not function.is_flat:
            raise NotLowered(value, f"the derivative of {value.function}")
        total: Expr | None = None
        names = dict(zip(_NAMES, value.arguments, strict=False))
        given = {n: model.Reference(model.Type(model.REAL, a.type.shape), n, span=value.span) for n, a in names.items()}
        for number, tangent in enumerate(moved):
            if tangent is None or not rules:
                continue
            slope = self.expressions.lower(formula(rules[number], **given), Scope(names))
            term = self.graph.elementwise("multiply", slope, tangent, span=value.span)
            total = term if total is None else self.graph.elementwise("add", total, term, span=value.span)
        return total


def _at(span: Span) -> model.Expr:
    return model.Literal(model.Type(model.REAL), 0.0, span=span)


def divergence(expressions: Expressions, value: Expr, variable: Expr, probe: Expr | None) -> Expr:
    """∂ value_i / ∂ variable_i summed over i, exactly; with a `probe` of ±1 its unbiased estimate probe @ J @ probe
    (Hutchinson 1990)."""
    graph, span = expressions.graph, value.span
    if not variable.type.shape:
        found = Tangents(expressions, variable, graph.number(1, span)).of(value)
        return graph.number(0, span) if found is None else found
    if probe is not None:
        moved = Tangents(expressions, variable, probe).of(value)
        if moved is None:
            return graph.number(0, span)
        moved = graph.name(moved, "tangent")
        return graph.reduce("sum", graph.elementwise("multiply", probe, moved, span=span), span)
    size = variable.type.shape[0]
    total = graph.number(0, span)
    for place in range(size):
        unit = graph.concat(tuple(graph.number(float(k == place), span) for k in range(size)), span)
        tangents = Tangents(expressions, variable, unit)
        moved = tangents.of(value)
        if moved is not None:
            moved = graph.name(moved, "tangent")
            own = graph.column(moved, graph.integer(place, span), span) if moved.type.shape else moved
            total = graph.elementwise("add", total, own, span=span)
    return total
