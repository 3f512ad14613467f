"""Model-IR expressions into row expressions: calls inlined, networks expanded into affine layers, views into reads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from gencompiler.derive.density import form_of, log_density
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, RowType


class NotLowered(Exception):
    """A valid expression that row programs cannot hold yet."""

    def __init__(self, expr: model.Expr, what: str) -> None:
        super().__init__(what)
        self.span = expr.span
        self.what = what


@dataclasses.dataclass(frozen=True)
class Scope:
    """What names stand for; `iteration` is the layer loop's index, `vector` the indices that run along an axis."""

    names: Mapping[str, Expr]
    iteration: Expr | None = None
    vector: frozenset[str] = frozenset()

    def bind(self, names: Mapping[str, Expr]) -> Scope:
        return dataclasses.replace(self, names={**self.names, **names})

    def only(self, names: Mapping[str, Expr]) -> Scope:
        """A scope for the body of a definition: it sees its own inputs and nothing else."""
        return dataclasses.replace(self, names=dict(names), vector=frozenset())


class Expressions:
    """Lowers expressions of one derived model into one graph."""

    def __init__(self, derived: Derived, graph: Graph) -> None:
        self.derived = derived
        self.graph = graph
        self.functions = {f.name: f for f in derived.model.functions}
        self.networks = {n.path: n for n in derived.model.networks}
        self.parameters = {p.path: p for p in derived.model.parameters}
        #: 1 - y for values y whose complement is known more exactly than by subtraction (dequantized levels).
        self.complements: dict[int, tuple[Expr, Expr]] = {}

    def lower(self, expr: model.Expr, scope: Scope) -> Expr:
        """The row expression of `expr`."""
        graph, span = self.graph, expr.span
        match expr:
            case model.Literal(value=number):
                return graph.number(float(number), span)
            case model.Constant(name=name):
                return graph.number({"pi": math.pi, "e": math.e}[name], span)
            case model.Reference(name=name):
                return scope.names[name]
            case model.ParameterReference():
                return self._parameter(expr, (), scope)
            case model.Apply():
                return self._apply(expr, scope)
            case model.Choose(condition=condition, then=then, otherwise=otherwise):
                parts = (self.lower(condition, scope), self.lower(then, scope), self.lower(otherwise, scope))
                return graph.select(*parts, span)
            case model.Contract():
                return self._contract(expr, scope)
            case model.Reduce():
                return self._reduce(expr, scope)
            case model.Element():
                return self._element(expr, scope)
            case model.Slice(base=base, start=start, stop=stop):
                return graph.slice(self.lower(base, scope), start, stop, span)
            case model.Join(parts=parts):
                return graph.concat(tuple(self.lower(p, scope) for p in parts), span)
            case model.Permute(base=base, order=order):
                return graph.permute(self.lower(base, scope), order, span)
            case model.Each():
                return self._each(expr, scope)
            case model.Let():
                for binding in expr.bindings:
                    value = graph.name(self.lower(binding.value, scope), binding.name)
                    scope = scope.bind({binding.name: value})
                return self.lower(expr.body, scope)
            case model.Call(function=name, arguments=arguments):
                function = self.functions[name]
                given = {i.name: self.lower(a, scope) for i, a in zip(function.inputs, arguments, strict=True)}
                return graph.name(self.lower(function.body, scope.only(given)), name)
            case model.Gradient(function=name, arguments=arguments):
                function = self.functions[name]
                given = {i.name: self.lower(a, scope) for i, a in zip(function.inputs, arguments, strict=True)}
                return graph.name(self.lower(self.derived.gradients[name], scope.only(given)), f"grad_{name}")
            case model.NetworkOutput():
                return self._network(expr, scope)
        raise NotLowered(expr, f"this {type(expr).__name__.lower()}")

    def log_density(self, distribution: model.Expr, event: model.Expr, scope: Scope) -> Expr:
        """log of the density that a (possibly `where`-wrapped) distribution gives to `event`."""
        found, scope = self.distribution(distribution, scope)
        return self.lower(log_density(found, event), scope)

    def distribution(self, expr: model.Expr, scope: Scope) -> tuple[model.Distribution, Scope]:
        """The distribution below its local equations, and the scope that sees them."""
        while isinstance(expr, model.Let):
            for binding in expr.bindings:
                value = self.graph.name(self.lower(binding.value, scope), binding.name)
                scope = scope.bind({binding.name: value})
            expr = expr.body
        if not isinstance(expr, model.Distribution):
            raise NotLowered(expr, "this distribution")
        for (name, _), argument in zip(form_of(expr).parameters, expr.arguments, strict=True):
            self.graph.name(self.lower(argument, scope), name)
        return expr, scope

    # -- functions ---------------------------------------------------------------------------------------------------

    def _apply(self, expr: model.Apply, scope: Scope) -> Expr:
        arguments = tuple(self.lower(a, scope) for a in expr.arguments)
        exponent = expr.arguments[-1]
        if expr.function == "power" and isinstance(exponent, model.Literal) and float(exponent.value).is_integer():
            arguments = (arguments[0], self.graph.integer(int(exponent.value), exponent.span))
        exact = self._with_complement(expr.function, arguments, expr.span)
        return exact if exact is not None else self.graph.elementwise(expr.function, *arguments, span=expr.span)

    def _with_complement(self, function: str, arguments: tuple[Expr, ...], span: Span) -> Expr | None:
        """logit(y), 1 - y and log1p(-y) of a y in (0, 1) whose complement is known: no cancellation near 1."""
        graph = self.graph
        if function == "logit" and id(arguments[0]) in self.complements:
            odds = self.complements[id(arguments[0])]
            logs = tuple(graph.elementwise("log", side, span=span) for side in odds)
            return graph.elementwise("subtract", *logs, span=span)
        return None

    def _parameter(self, expr: model.ParameterReference, index: tuple[Expr | None, ...], scope: Scope) -> Expr:
        """A read of the current iteration's slice, with some axes of the lift and the shape indexed."""
        parameter = self.parameters[expr.path]
        leading: tuple[Expr | None, ...] = ()
        if parameter.iterations:
            if scope.iteration is None:
                raise NotLowered(expr, "a parameter of a repeated map outside its loop")
            leading = (scope.iteration,)
        own = parameter.lift + parameter.shape
        index = index + (None,) * (len(own) - len(index))
        shape = tuple(n for n, i in zip(own, index, strict=True) if i is None)
        return self.graph.intern(nodes.ParameterRead(RowType(False, shape), expr.path, leading + index, span=expr.span))

    def _network(self, expr: model.NetworkOutput, scope: Scope) -> Expr:
        """An affine layer for each hidden width, then one for this output (weights [out, in])."""
        network, graph, span = self.networks[expr.path], self.graph, expr.span
        name = (network.output_names or ("output",))[expr.output]
        value = None
        if expr.inputs:
            value = graph.concat(tuple(self.lower(i, scope) for i in expr.inputs), span)
        for number in range(len(network.hidden)):
            assert value is not None
            value = graph.elementwise(
                network.activation, self._affine(value, f"{expr.path}.{number}", scope, span), span=span
            )
            graph.name(value, "hidden")
        result = self._affine(value, f"{expr.path}.{name}", scope, span)
        if network.outputs[expr.output] == 0:
            return graph.column(result, graph.integer(0, span), span)
        return result

    def _affine(self, value: Expr | None, path: str, scope: Scope, span: Span) -> Expr:
        bias = self._parameter(model.ParameterReference(model.Type(model.REAL), f"{path}.bias", span=span), (), scope)
        if value is None:
            return bias
        weight = self._parameter(
            model.ParameterReference(model.Type(model.REAL), f"{path}.weight", span=span), (), scope
        )
        return self.graph.elementwise("add", self.graph.dot(value, weight, True, span), bias, span=span)

    # -- tensors -----------------------------------------------------------------------------------------------------

    def _contract(self, expr: model.Contract, scope: Scope) -> Expr:
        left, right = self.lower(expr.left, scope), self.lower(expr.right, scope)
        ranks = len(left.type.shape), len(right.type.shape)
        if ranks == (1, 1):
            return self.graph.reduce("sum", self.graph.elementwise("multiply", left, right, span=expr.span), expr.span)
        if ranks == (2, 1) and not left.type.rows:
            return self.graph.dot(right, left, True, expr.span)
        if ranks == (1, 2) and not right.type.rows:
            return self.graph.dot(left, right, False, expr.span)
        raise NotLowered(expr, "a product of these ranks")

    def _reduce(self, expr: model.Reduce, scope: Scope) -> Expr:
        graph, span = self.graph, expr.span
        operand = self.lower(expr.operand, scope)
        if len(operand.type.shape) > 1:
            raise NotLowered(expr, "a reduction over several axes")
        if expr.operation == "mean":
            count = graph.number(operand.type.shape[0], span)
            return graph.elementwise("divide", graph.reduce("sum", operand, span), count, span=span)
        if expr.operation == "norm":
            square = graph.elementwise("multiply", operand, operand, span=span)
            return graph.elementwise("sqrt", graph.reduce("sum", square, span), span=span)
        if expr.operation in ("sum", "prod", "min", "max"):
            return graph.reduce(expr.operation, operand, span)
        raise NotLowered(expr, f"`{expr.operation}`")

    def _element(self, expr: model.Element, scope: Scope) -> Expr:
        if isinstance(expr.base, model.ParameterReference):
            return self._parameter(expr.base, tuple(self._subscript(s, scope) for s in expr.subscripts), scope)
        base = self.lower(expr.base, scope)
        if len(expr.subscripts) != 1 or len(base.type.shape) != 1:
            raise NotLowered(expr, "a subscript of several axes")
        place = expr.subscripts[0]
        if isinstance(place, model.Before):
            return self._past(base, place, scope, expr.span)
        index = self._subscript(place, scope)
        return base if index is None else self.graph.column(base, index, expr.span)

    def _subscript(self, place: model.Expr, scope: Scope) -> Expr | None:
        """The index of one axis; None keeps the axis."""
        if isinstance(place, model.Whole | model.Before):
            return None
        if isinstance(place, model.Reference) and place.name in scope.vector:
            return None
        if isinstance(place, model.Literal):
            return self.graph.integer(int(place.value), place.span)
        return self.lower(place, scope)

    def _past(self, base: Expr, place: model.Before, scope: Scope, span: Span) -> Expr:
        """The past of a vector in the naive form: zero from the present on (it meets its weights in a product)."""
        graph = self.graph
        length = base.type.shape[0]
        iota = graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
        function = "less_equal" if place.inclusive else "less"
        mask = graph.elementwise(function, iota, self.lower(place.index, scope), span=span)
        return graph.select(mask, base, graph.number(0, span), span)

    def _each(self, expr: model.Each, scope: Scope) -> Expr:
        """An array by comprehension: its index runs along the vector's axis."""
        graph, span = self.graph, expr.span
        if len(expr.type.shape) != 1:
            raise NotLowered(expr, "an array of several axes")
        iota = graph.intern(nodes.Iota(RowType(False, (expr.extent,), "integer"), expr.extent, span=span))
        inside = dataclasses.replace(scope.bind({expr.index: iota}), vector=scope.vector | {expr.index})
        body = self.lower(expr.body, inside)
        return body if body.type.shape else graph.broadcast(body, expr.extent, span)
