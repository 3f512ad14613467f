"""Model-IR expressions into row expressions: calls inlined, networks expanded into affine layers, views into reads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from gencompiler.derive.density import log_density, parameter_names
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.model.views import Axes, axes
from gencompiler.rows import (
    arrays,
    bundles,
    gradients,
    images,
    jacobians,
    knots,
    networks,
    nodes,
    parameter_reads,
    places,
    roots,
    row_matrices,
    solutions,
    tables,
)
from gencompiler.rows.bundles import Bundle, Interval
from gencompiler.rows.graph import Graph
from gencompiler.rows.guards import guarded
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.unsupported import NotLowered

__all__ = ["Expressions", "NotLowered", "Passed", "Scope"]


@dataclasses.dataclass(frozen=True)
class Passed:
    """A value on its way through a pipeline and the log|det| of the maps as written, summed so far."""

    value: Expr
    log_det: Expr


@dataclasses.dataclass(frozen=True)
class Scope:
    """What names stand for; `iteration` is the layer loop's index, `vector` the indices that run along an axis;
    `views`: the causal views that cut the axes of names; `stopped`: parameters are constants; `carried`: the sums of
    the layers of networks that a loop over places carries, by path; `lifted`: the body of a scalar map, at all elements
    of a tensor at once; `lanes`: so are other scalars; `bundles` and `intervals`: see `rows.bundles`; `bins`: see
    `rows.knots`; `noise`: see `rows.jacobians`."""

    names: Mapping[str, Expr]
    iteration: tuple[Expr, ...] = ()
    vector: frozenset[str] = frozenset()
    views: Mapping[str, Axes] = dataclasses.field(default_factory=dict)
    stopped: bool = False
    carried: Mapping[str, tuple[Expr, ...]] = dataclasses.field(default_factory=dict)
    lifted: bool = False
    lanes: bool = False
    bins: Mapping[str, knots.Bin] = dataclasses.field(default_factory=dict)
    bundles: Mapping[str, Bundle] = dataclasses.field(default_factory=dict)
    intervals: Mapping[str, Interval] = dataclasses.field(default_factory=dict)
    noise: jacobians.Noise | None = None

    def bind(self, names: Mapping[str, Expr]) -> Scope:
        return dataclasses.replace(self, names={**self.names, **names})

    def view(self, name: str, cut: Axes) -> Scope:
        """This scope, where `name` stands for a value whose axes are cut so."""
        return dataclasses.replace(self, views={**self.views, name: cut}) if any(cut) else self

    def only(self, names: Mapping[str, Expr]) -> Scope:
        """A scope for the body of a definition: it sees its own inputs and nothing else."""
        inside = dataclasses.replace(self, names=dict(names), vector=frozenset(), views={}, carried={})
        return dataclasses.replace(inside, bundles={}, intervals={}, bins={})


class Expressions:
    """Lowers expressions of one derived model into one graph."""

    def __init__(self, derived: Derived, graph: Graph) -> None:
        self.derived = derived
        self.graph = graph
        self.functions = {f.name: f for f in derived.model.functions}
        self.networks = {n.path: n for n in derived.model.networks}
        self.parameters = {p.path: p for p in derived.model.parameters}
        #: The given variables, which every expression may mention, the bodies of definitions included.
        self.givens: dict[str, Expr] = {}
        #: 1 - y for values y whose complement is known more exactly than by subtraction (dequantized levels).
        self.complements: dict[int, tuple[Expr, Expr]] = {}
        #: Short vectors by the identity of an expression and a scope, which are kept beside them.
        self.bundled: dict[tuple[int, int], tuple[model.Expr, Scope, Bundle]] = {}
        #: Outputs of networks, by path, layer, input and iteration: a formula mentions them often.
        self.outputs: dict[tuple[object, ...], Expr] = {}
        #: Calls that compute with no bundles (`rows.bundles`).
        self.plain_calls: set[model.Expr] = set()
        #: Of what a distribution piped through maps drew: the base's event and log|det| of the maps (`rows.pushed`).
        self.origins: dict[tuple[object, ...], Passed] = {}
        #: What lowers log densities, their gradients and expectations, where a program has any.
        self.probabilistic: Callable[[model.Expr, Scope], Expr] | None = None

    def lower(self, expr: model.Expr, scope: Scope) -> Expr:
        """The row expression of `expr`."""
        graph, span = self.graph, expr.span
        if not expr.type.shape and (found := bundles.number(self, expr, scope)) is not None:
            return found
        match expr:
            case model.Literal(value=number):
                return graph.number(float(number), span)
            case model.Table():
                return tables.whole(self, expr)
            case model.Constant(name=name):
                return graph.number({"pi": math.pi, "e": math.e}[name], span)
            case model.Reference():
                return self._reference(expr, scope)
            case model.ParameterReference():
                return self.parameter(expr, (), scope)
            case model.Apply():
                return self._apply(expr, scope)
            case model.Choose():
                return self._choose(expr, scope)
            case model.Contract():
                return self._contract(expr, scope)
            case model.Reduce():
                return self._reduce(expr, scope)
            case model.MatrixFunction():
                return arrays.matrix_function(self, expr, scope)
            case model.Element():
                return self._element(expr, scope)
            case model.Scatter():
                return arrays.scattered(self, expr, scope)
            case model.Scan() | model.Flat() | model.Slice() | model.Join() | model.Permute():
                return self._rearranged(expr, scope)
            case model.JacobianLogDet():
                return jacobians.lowered(self, expr, scope)
            case model.Cumulative():
                return knots.running(self, expr, scope)
            case model.Each() | model.Recur() | model.FixedPoint() | model.EachValue():
                return arrays.array(self, expr, scope)
            case model.Let():
                return self.lower(expr.body, self.locals(expr, scope))
            case model.Call(function=name, arguments=arguments):
                function = self.functions[name]
                return graph.name(self.lower(function.body, self.inside(function, arguments, scope)), name)
            case model.Gradient():
                return gradients.of_function(self, expr, scope)
            case model.DensityGradient():
                return gradients.of_density(self, expr, scope)
            case model.ExternalOutput(external=name, arguments=arguments):
                values = tuple(self.lower(a, scope) for a in arguments)
                return graph.name(graph.external(name, values, expr.type.shape, span), name)
            case model.NetworkOutput():
                return networks.output(self, expr, scope)
            case model.LogDensity() | model.LogLaw() | model.FreeEnergy() | model.Expectation() if self.probabilistic:
                return self.probabilistic(expr, scope)
        return self._solved(expr, scope)

    def _solved(self, expr: model.Expr, scope: Scope) -> Expr:
        """What is defined by an equation."""
        if isinstance(expr, model.Root):
            return roots.root(self, expr, scope)
        if isinstance(expr, model.Solution):
            return solutions.solution(self, expr, scope)
        raise NotLowered(expr, f"this {type(expr).__name__.lower()}")

    def _reference(self, expr: model.Reference, scope: Scope) -> Expr:
        if expr.name in scope.names:
            return arrays.whole(self, expr, scope.names[expr.name])
        if expr.name in self.givens:
            return self.givens[expr.name]
        raise NotLowered(expr, f"`{expr.name}` inside a definition")

    def log_density(self, distribution: model.Expr, event: model.Expr, scope: Scope) -> Expr:
        """log of the density that a (possibly `where`-wrapped) distribution gives to `event`."""
        found, scope = self.distribution(distribution, scope)
        return self.lower(log_density(found, event), scope)

    def distribution(self, expr: model.Expr, scope: Scope) -> tuple[model.Distribution, Scope]:
        """The distribution below its local equations, and the scope that sees them."""
        while isinstance(expr, model.Let):
            scope, expr = self.locals(expr, scope), expr.body
        if not isinstance(expr, model.Distribution):
            raise NotLowered(expr, "this distribution")
        for name, argument in zip(parameter_names(expr), expr.arguments, strict=True):
            self.graph.name(self.lower(argument, scope), name)
        return expr, scope

    def inside(self, function: model.Function, arguments: tuple[model.Expr, ...], scope: Scope) -> Scope:
        """The scope in which the body of a function stands."""
        pairs = list(zip(function.inputs, arguments, strict=True))
        short = [len(a.type.shape) == 1 and bundles.is_bundled(self, a, scope) for a in arguments]
        found = {i.name: self.lower(a, scope) for (i, a), own in zip(pairs, short, strict=True) if not own}
        inside = scope.only(found)
        held = {i.name: bundles.bundle(self, a, scope) for (i, a), own in zip(pairs, short, strict=True) if own}
        return dataclasses.replace(inside, bundles=held)

    def locals(self, expr: model.Let, scope: Scope) -> Scope:
        """The scope in which the body of a `where` stands."""
        for binding in expr.bindings:
            name, own = binding.name, binding.value
            if isinstance(own, model.Bin) and not bundles.in_lanes(scope):
                scope = dataclasses.replace(scope, bins={**scope.bins, name: knots.interval(self, own, scope)})
            elif isinstance(own, model.Bin):
                found = bundles.interval(self, own, scope)
                scope = dataclasses.replace(scope, intervals={**scope.intervals, name: found})
            elif len(own.type.shape) == 1 and bundles.is_bundled(self, own, scope):
                places = bundles.bundle(self, own, scope)
                for value in places:
                    self.graph.name(value, name)
                scope = dataclasses.replace(scope, bundles={**scope.bundles, name: places})
            else:
                value = self.graph.name(self.lower(own, scope), name)
                scope = scope.bind({name: value}).view(name, axes(own, scope.views))
        return scope

    def _choose(self, expr: model.Choose, scope: Scope) -> Expr:
        """A select of branches that are harmless where they are not taken."""
        graph, span = self.graph, expr.span
        parts = (expr.condition, expr.then, expr.otherwise)
        condition, then, otherwise = places.meeting(graph, tuple(self.lower(part, scope) for part in parts))
        if condition.type.rows:
            then = guarded(graph, then, condition)
            otherwise = guarded(graph, otherwise, graph.elementwise("not", condition, span=span))
        return graph.select(condition, then, otherwise, span)

    # -- functions ---------------------------------------------------------------------------------------------------

    def _apply(self, expr: model.Apply, scope: Scope) -> Expr:
        arguments = places.meeting(self.graph, tuple(self.lower(a, scope) for a in expr.arguments))
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

    def parameter(self, expr: model.ParameterReference, index: tuple[Expr | None, ...], scope: Scope) -> Expr:
        """A read of the current iteration's slice, with some axes of the lift and the shape indexed."""
        parameter = self.parameters[expr.path]
        leading: tuple[Expr | None, ...] = ()
        if parameter.iterations:
            leading = scope.iteration[: len(parameter.iterations)]
            if len(leading) < len(parameter.iterations):
                raise NotLowered(expr, "a parameter of a repeated map outside its loop")
        own = parameter.lift + parameter.shape
        index = index + (None,) * (len(own) - len(index))
        shape = tuple(n for n, i in zip(own, index, strict=True) if i is None)
        kind = RowType(False, shape)
        read = self.graph.intern(nodes.ParameterRead(kind, expr.path, leading + index, span=expr.span))
        return self.graph.elementwise("stop", read, span=expr.span) if scope.stopped else read

    # -- tensors -----------------------------------------------------------------------------------------------------

    def _contract(self, expr: model.Contract, scope: Scope) -> Expr:
        left, right = self.lower(expr.left, scope), self.lower(expr.right, scope)
        view = axes(expr.left, scope.views)[-1]
        if view is not None and not (_is_past(expr.left) or _is_past(expr.right)):
            if len(right.type.shape) == 1:
                right = places.kept(self, right, view, 0, scope)
            elif len(left.type.shape) == 1:
                left = places.kept(self, left, view, 0, scope)
        ranks = len(left.type.shape), len(right.type.shape)
        whole = len(expr.left.type.shape), len(expr.right.type.shape)
        if whole[0] == 2 and whole[1] > 1 and right.type.rows and not left.type.rows:
            return images.product(self.graph, left, right, expr.span, first=False)
        if whole[0] > 1 and whole[1] == 2 and left.type.rows and not right.type.rows:
            return images.product(self.graph, right, left, expr.span, first=True)
        if whole == (2, 1) and left.type.shape == places.flat(expr.left.type.shape):
            return row_matrices.times_vector(self.graph, left, right, expr.span)
        if whole == (1, 2) and right.type.shape == places.flat(expr.right.type.shape):
            return row_matrices.vector_times(self.graph, left, right, expr.span)
        if ranks == (1, 1):
            return self.graph.reduce("sum", self.graph.elementwise("multiply", left, right, span=expr.span), expr.span)
        if ranks == (2, 2) and not (left.type.rows or right.type.rows):
            return self.graph.matrix("matmul", left, right, span=expr.span)
        if ranks == (2, 1) and not left.type.rows:
            return self.graph.dot(right, left, True, expr.span)
        if ranks == (1, 2) and not right.type.rows:
            return self.graph.dot(left, right, False, expr.span)
        raise NotLowered(expr, "a product of these ranks")

    def _reduce(self, expr: model.Reduce, scope: Scope) -> Expr:
        graph, span = self.graph, expr.span
        if expr.operation == "sum" and isinstance(expr.operand, model.Each) and arrays.is_nested(expr.operand, scope):
            return arrays.summed(self, expr.operand, scope)
        operand = self.lower(expr.operand, scope)
        if len(operand.type.shape) > 1:
            raise NotLowered(expr, "a reduction over several axes")
        cut = axes(expr.operand, scope.views)
        view = next((v for v in cut if v is not None), None)
        count = graph.number(operand.type.shape[0], span)
        if view is not None:
            own: tuple[tuple[int, ...], int] = (expr.operand.type.shape, cut.index(view))
            operand = places.kept(self, operand, view, _NEUTRAL.get(expr.operation, 0.0), scope, None, *own)
            ones = graph.broadcast(graph.number(1, span), operand.type.shape[0], span)
            count = graph.reduce("sum", places.kept(self, ones, view, 0, scope, None, *own), span)
        if expr.operation == "mean":
            return graph.elementwise("divide", graph.reduce("sum", operand, span), count, span=span)
        if expr.operation == "logmeanexp":
            total = graph.reduce("logsumexp", operand, span)
            return graph.elementwise("subtract", total, graph.elementwise("log", count, span=span), span=span)
        return graph.reduce(expr.operation, operand, span)

    def _rearranged(self, expr: model.Expr, scope: Scope) -> Expr:
        """Numbers of places, and tensors whose places are numbered, cut, joined or ordered anew."""
        graph, span = self.graph, expr.span
        match expr:
            case model.Scan(indices=indices, extents=extents):
                return places.number(graph, tuple(self.lower(i, scope) for i in indices), extents, span)
            case model.Flat(base=base):
                value = self.lower(base, scope)
                return value if value.type.rows else places.reshaped(graph, value, expr.type.shape, span)
            case model.Slice(base=base, start=start, stop=stop):
                each = math.prod(base.type.shape[1:])
                return graph.slice(self.lower(base, scope), start * each, stop * each, span)
            case model.Join(parts=parts):
                return graph.concat(tuple(self.lower(p, scope) for p in parts), span)
            case model.Permute(base=base, order=order):
                each = math.prod(base.type.shape[1:])
                places_of = tuple(place * each + k for place in order for k in range(each))
                return graph.permute(self.lower(base, scope), places_of, span)
        raise NotLowered(expr, f"this {type(expr).__name__.lower()}")

    def _element(self, expr: model.Element, scope: Scope) -> Expr:
        if (chosen := knots.picked(self, expr, scope)) is not None:
            return chosen
        expr = tables.merged(expr)
        if isinstance(expr.base, model.Table):
            return tables.element(self, expr.base, tuple(self.subscript(s, scope) for s in expr.subscripts), expr.span)
        if isinstance(expr.base, model.ParameterReference):
            return parameter_reads.element(self, expr, expr.base, expr.subscripts, scope)
        flat = expr.base if isinstance(expr.base, model.Flat) else None
        if flat is not None and isinstance(flat.base, model.ParameterReference):
            if isinstance(expr.subscripts[-1], model.Scan):
                subscripts = (*expr.subscripts[:-1], *expr.subscripts[-1].indices)
                return parameter_reads.element(self, expr, flat.base, subscripts, scope)
            if all(isinstance(s, model.Whole | model.Before) for s in expr.subscripts):
                return self.lower(flat, scope)
            raise NotLowered(expr, "these subscripts of a parameter")
        if (found := arrays.particle(self, expr, scope)) is not None:
            return found
        base = self.lower(expr.base, scope)
        if len(base.type.shape) != 1:
            raise NotLowered(expr, "a subscript of several axes")
        if len(expr.base.type.shape) > len(expr.subscripts) == 1 and not isinstance(expr.subscripts[0], model.Before):
            whole = model.Whole(model.Type(model.REAL), span=expr.span)  # `w[l]` of a table is `w[l, :]`
            rest = (whole,) * (len(expr.base.type.shape) - 1)
            expr = dataclasses.replace(expr, subscripts=(*expr.subscripts, *rest))
        if len(expr.subscripts) != 1:
            return places.element(self, expr, base, scope)
        place = expr.subscripts[0]
        if isinstance(place, model.Before):
            return places.kept(self, base, place, 0, scope, expr.span)
        index = self.subscript(place, scope)
        return base if index is None else arrays.at(self, base, index, expr.span)

    def subscript(self, place: model.Expr, scope: Scope) -> Expr | None:
        """The index of one axis; None keeps the axis."""
        lane = isinstance(place, model.Reference) and place.name in scope.vector
        if lane or isinstance(place, model.Whole | model.Before):
            return None
        if isinstance(place, model.Literal):
            return self.graph.integer(int(place.value), place.span)
        if (moved := places.moved(self, place, scope)) is not None:
            return moved
        found = self.lower(place, scope)
        return self.graph.integer(int(found.value), place.span) if isinstance(found, nodes.Number) else found


#: What a reduction reads at places that do not count, where that is not 0.
_NEUTRAL = {"prod": 1.0, "min": math.inf, "max": -math.inf, "logsumexp": -math.inf, "logmeanexp": -math.inf}


def _is_past(expr: model.Expr) -> bool:
    """Whether `expr` is a causal view of a value, which `_past` makes zero from the present on."""
    if not isinstance(expr, model.Element) or isinstance(expr.base, model.ParameterReference):
        return False
    return any(isinstance(s, model.Before) for s in expr.subscripts)
