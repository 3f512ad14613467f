"""The rules of reverse mode: what each kind of row expression passes on to its operands."""

from __future__ import annotations

import functools
import itertools
import math

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.span import Span
from gencompiler.rows import nodes
from gencompiler.rows.analysis import inverse_order
from gencompiler.rows.formulas import applied
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.unsupported import NotLowered

#: The longest vector that is taken apart into one expression for each element.
LONGEST = 64


class Pullbacks:
    """Adjoints by node.  That of a vector may be a scalar: one number for all elements.

    `particles`: of the value that is differentiated; `depends`: the ids of the nodes that have adjoints at all."""

    def __init__(self, graph: Graph, particles: int, depends: set[int]) -> None:
        self.graph = graph
        self.particles = particles
        self.depends = depends
        self.adjoints: dict[int, Expr] = {}
        self.elements: dict[int, dict[int, Expr]] = {}
        self.ranges: dict[int, list[tuple[int, Expr]]] = {}

    def add(self, node: Expr, adjoint: Expr) -> None:
        """Add to the adjoint of `node`."""
        if id(node) not in self.depends or (isinstance(adjoint, nodes.Number) and adjoint.value == 0):
            return
        before = self.adjoints.get(id(node))
        self.adjoints[id(node)] = adjoint if before is None else self._sum(before, adjoint)

    def pass_on(self, node: Expr, part: Expr, adjoint: Expr) -> None:
        """Add what `node` passes on to its operand: where one value met the particles of its row, the sum over them."""
        if self.particles == 1 and part.type.particles < node.type.particles:
            adjoint = self.graph.pool(adjoint, node.type.particles, node.span)
        self.add(part, adjoint)

    def add_element(self, vector: Expr, place: int, adjoint: Expr) -> None:
        """Add to the adjoint of one element of a vector."""
        found = self.elements.setdefault(id(vector), {})
        found[place] = self._sum(found[place], adjoint) if place in found else adjoint

    def take(self, node: Expr) -> Expr | None:
        """The whole adjoint of `node`, when all that reads it has been visited."""
        adjoint, elements = self.adjoints.get(id(node)), self.elements.get(id(node))
        if id(node) in self.ranges:
            adjoint = self._from_ranges(self.ranges[id(node)], adjoint, node.type.shape[0], node.span)
        if elements is None:
            return adjoint
        vector = self._from_elements(elements, node.type.shape[0], node.span)
        return vector if adjoint is None else self._sum(adjoint, vector)

    def full(self, adjoint: Expr, shape: tuple[int, ...]) -> Expr:
        """An adjoint with one number for each element."""
        if shape and not adjoint.type.shape:
            return self.graph.broadcast(adjoint, shape[0], adjoint.span)
        return adjoint

    def pull(self, node: Expr, adjoint: Expr) -> None:
        """Pass the adjoint of `node` on to its operands."""
        match node:
            case nodes.Elementwise():
                self._elementwise(node, adjoint)
            case nodes.Select(condition=condition, then=then, otherwise=otherwise):
                zero = self.graph.number(0, node.span)
                self._fit(node, then, self.graph.select(condition, adjoint, zero, node.span))
                self._fit(node, otherwise, self.graph.select(condition, zero, adjoint, node.span))
            case nodes.Dot(vector=vector, matrix=matrix, transposed=transposed):
                whole = self.full(adjoint, node.type.shape)
                self.pass_on(node, vector, self.graph.dot(whole, matrix, not transposed, node.span))
            case nodes.Reduce(operation=operation, operand=operand):
                self.add(operand, self._reduce(node, operation, operand, adjoint))
            case nodes.Broadcast(operand=operand):
                self._fit(node, operand, adjoint)
            case nodes.Spread() | nodes.Collect() | nodes.Pool() | nodes.Distribute():
                self._particles(node, adjoint)
            case _:
                self._rearranged(node, adjoint)

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def _sum(self, a: Expr, b: Expr) -> Expr:
        return self.graph.elementwise("add", a, b, span=a.span)

    def _product(self, a: Expr, b: Expr) -> Expr:
        return self.graph.elementwise("multiply", a, b, span=b.span)

    def _elementwise(self, node: nodes.Elementwise, adjoint: Expr) -> None:
        """By the catalogue's derivatives."""
        function = FUNCTIONS[node.function]
        rules = (function.value_derivative,) if function.value_derivative else function.derivatives
        if not rules and not function.is_flat:
            raise NotLowered(node, f"the gradient of {node.function}, which torch alone knows")
        for rule, argument in zip(rules, node.arguments, strict=False):
            if id(argument) in self.depends:
                slope = applied(self.graph, rule, node.arguments, node.span, value=node)
                self._fit(node, argument, self._scaled(slope, adjoint))

    def _scaled(self, slope: Expr, adjoint: Expr) -> Expr:
        if isinstance(slope, nodes.Number) and slope.value == -1:
            return self.graph.elementwise("negate", adjoint, span=adjoint.span)
        return slope if isinstance(slope, nodes.Number) and slope.value == 0 else self._product(slope, adjoint)

    def _fit(self, node: Expr, part: Expr, contribution: Expr) -> None:
        """A scalar that met a vector receives the sum over its elements."""
        if node.type.shape and not part.type.shape:
            if contribution.type.shape:
                contribution = self.graph.reduce("sum", contribution, node.span)
            else:
                length = self.graph.number(node.type.shape[0], node.span)
                contribution = self._product(length, contribution)
        self.pass_on(node, part, contribution)

    def _reduce(self, node: Expr, operation: str, operand: Expr, adjoint: Expr) -> Expr:
        graph, span = self.graph, node.span
        match operation:
            case "sum":
                return adjoint
            case "logsumexp":  # softmax; minus infinity throughout has no direction to grow in
                low = graph.elementwise("equal", node, graph.number(-math.inf, span), span=span)
                shift = graph.select(low, graph.number(0, span), node, span)
                share = graph.elementwise("exp", graph.elementwise("subtract", operand, shift, span=span), span=span)
                return self._product(share, adjoint)
            case "norm":  # at 0, where it has no derivative, 0 as in torch
                none = graph.elementwise("equal", node, graph.number(0, span), span=span)
                size = graph.select(none, graph.number(1, span), node, span)
                return self._product(graph.elementwise("divide", operand, size, span=span), adjoint)
            case "max" | "min":  # equal elements share, as in torch
                equal = graph.elementwise("equal", operand, node, span=span)
                chosen = graph.elementwise("indicator", equal, span=span)
                each = graph.elementwise("divide", adjoint, graph.reduce("sum", chosen, span), span=span)
                return self._product(chosen, each)
        one, length = graph.number(1, span), operand.type.shape[0]
        self._short(operand)
        places = [graph.integer(place, span) for place in range(length)]
        others = tuple(graph.reduce("prod", graph.with_column(operand, p, one, span), span) for p in places)
        return self._product(graph.concat(others, span), adjoint)

    # -- places ------------------------------------------------------------------------------------------------------

    def _rearranged(self, node: Expr, adjoint: Expr) -> None:
        graph, span = self.graph, node.span
        whole = self.full(adjoint, node.type.shape)
        match node:
            case nodes.Column(vector=vector, index=nodes.Number(value=place)):
                self.add_element(vector, int(place), adjoint)
            case nodes.Column(vector=vector, index=index):
                zeros = graph.broadcast(graph.number(0, span), vector.type.shape[0], span)
                self.add(vector, graph.with_column(zeros, index, adjoint, span))
            case nodes.WithColumn(vector=vector, index=index, value=value):
                self.pass_on(node, vector, graph.with_column(whole, index, graph.number(0, span), span))
                self.pass_on(node, value, graph.column(whole, index, span))
            case nodes.Window(value=vector, start=first) if len(vector.type.shape) == 1:
                zeros = graph.broadcast(graph.number(0, span), vector.type.shape[0], span)
                self.add(vector, graph.with_window(zeros, first, whole, span))
            case nodes.WithWindow(vector=vector, start=first, value=value):
                length = value.type.shape[0]
                zeros = graph.broadcast(graph.number(0, span), length, span)
                self.pass_on(node, vector, graph.with_window(whole, first, zeros, span))
                self.pass_on(node, value, graph.window(whole, first, length, span))
            case nodes.Slice(vector=vector, start=start):
                if id(vector) in self.depends:
                    self.ranges.setdefault(id(vector), []).append((start, whole))
            case nodes.Concat(parts=parts):
                self._parts(node, parts, whole)
            case nodes.Permute(vector=vector, order=order):
                self.add(vector, graph.permute(whole, inverse_order(order), span))
            case nodes.ExternalCall():
                raise NotLowered(node, "the gradient of a network that is not written in the spec")
            case _:
                raise NotLowered(node, f"the gradient of {type(node).__name__.lower()}")

    def _parts(self, node: Expr, parts: tuple[Expr, ...], whole: Expr) -> None:
        at, span = 0, node.span
        for part in parts:
            width = part.type.shape[0] if part.type.shape else 1
            if id(part) in self.depends:
                if part.type.shape:
                    self.pass_on(node, part, self.graph.slice(whole, at, at + width, span))
                else:
                    self.pass_on(node, part, self.graph.column(whole, self.graph.integer(at, span), span))
            at += width

    def _from_ranges(self, ranges: list[tuple[int, Expr]], whole: Expr | None, length: int, span: Span) -> Expr:
        """The sum of adjoints of some ranges and of the whole, side by side: no zeros where something is known."""
        graph = self.graph
        if whole is not None:
            ranges = [*ranges, (0, self.full(whole, (length,)))]
        ends = sorted({0, length, *(start for start, _ in ranges), *(s + e.type.shape[0] for s, e in ranges)})
        parts: list[Expr] = []
        for start, stop in itertools.pairwise(ends):
            here = [
                graph.slice(each, start - first, stop - first, span)
                for first, each in ranges
                if first <= start and stop <= first + each.type.shape[0]
            ]
            zero = graph.broadcast(graph.number(0, span), stop - start, span)
            parts.append(functools.reduce(self._sum, here) if here else zero)
        return graph.concat(tuple(parts), span)

    def _from_elements(self, elements: dict[int, Expr], length: int, span: Span) -> Expr:
        """The vector that has these elements, and zeros elsewhere."""
        graph, zero = self.graph, self.graph.number(0, span)
        if 2 * len(elements) >= length:
            return graph.concat(tuple(elements.get(place, zero) for place in range(length)), span)
        vector = graph.broadcast(zero, length, span)
        for place, element in sorted(elements.items()):
            vector = graph.with_column(vector, graph.integer(place, span), element, span)
        return vector

    def _short(self, vector: Expr) -> None:
        if vector.type.shape[0] > LONGEST:
            raise NotLowered(vector, f"the gradient of a product of more than {LONGEST} numbers")

    # -- particles ---------------------------------------------------------------------------------------------------

    def _particles(self, node: Expr, adjoint: Expr) -> None:
        graph, span, own = self.graph, node.span, self.particles > 1
        match node:
            case nodes.Spread(value=value):
                self.pass_on(node, value, adjoint)
            case nodes.Collect() | nodes.Pool() if own:
                raise NotLowered(node, "the gradient of a particle's value in what all its row's particles share")
            case nodes.Pool(value=value):
                self.add(value, graph.spread(self.full(adjoint, node.type.shape), value.type.particles))
            case nodes.Collect(value=value):
                self.add(value, graph.distribute(self.full(adjoint, node.type.shape), span))
            case nodes.Distribute(vector=vector) if len(vector.type.shape) == 1:
                length = vector.type.shape[0]
                if not own:
                    self.add(vector, graph.collect(adjoint, length, span))
                    return
                iota = graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
                mine = graph.elementwise("equal", iota, graph.particle_index(length, span), span=span)
                self.add(vector, graph.select(mine, adjoint, graph.number(0, span), span))
