"""How time is cut into steps, the same for every row.

In equal steps, or by Karras et al. 2022, eq. 5: step k of a grid with the exponent rho is at

    t_k = start + (a + k (b - a) / n)^rho,      a = (first - start)^(1 / rho), b = (last - start)^(1 / rho),

which is denser where there is little noise; a sampler's last step then goes from the cutoff down to the data."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.diagnostics.span import Span
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr


@dataclasses.dataclass(frozen=True)
class Clock:
    """Times from `lower`, the cutoff above `start`, to `upper` or back (`down`) in `steps` steps.

    `final`: with `rho` the last step of a way down leads to `start`, where neither score nor kernel need exist."""

    start: Fraction
    lower: Fraction
    upper: Fraction
    steps: int
    rho: Fraction | None
    down: bool
    final: bool

    @property
    def leads_to_the_data(self) -> bool:
        return self.rho is not None and self.down and self.final

    def at(self, graph: Graph, index: Expr, span: Span) -> Expr:
        """The time before step number `index`."""
        first = float(self.upper if self.down else self.lower)
        if self.rho is None:
            even = (self.upper - self.lower) / self.steps
            passed = graph.elementwise("multiply", graph.number(float(even), span), index, span=span)
            return graph.elementwise("subtract" if self.down else "add", graph.number(first, span), passed, span=span)
        rho, start = float(self.rho), float(self.start)
        ends = [(float(t) - start) ** (1 / rho) for t in (self.lower, self.upper)]
        begin, stop = reversed(ends) if self.down else ends
        share = (stop - begin) / (self.steps - self.leads_to_the_data)
        moved = graph.elementwise("multiply", graph.number(share, span), index, span=span)
        root = graph.elementwise("add", graph.number(begin, span), moved, span=span)
        power = graph.elementwise("power", root, graph.number(rho, span), span=span)
        return graph.elementwise("add", power, graph.number(start, span), span=span)

    def following(self, graph: Graph, index: Expr, span: Span) -> Expr:
        """The time after it."""
        if self.rho is None:
            length = self.length(graph, index, span)
            return graph.elementwise("subtract" if self.down else "add", self.at(graph, index, span), length, span=span)
        after = graph.elementwise("add", index, graph.integer(1, span), span=span)
        found = self.at(graph, after, span)
        if not self.leads_to_the_data:
            return found
        before = graph.elementwise("less", index, graph.integer(self.steps - 1, span), span=span)
        return graph.select(before, found, graph.number(float(self.start), span), span)

    def length(self, graph: Graph, index: Expr, span: Span) -> Expr:
        """How much time the step takes."""
        if self.rho is None:
            return graph.number(float((self.upper - self.lower) / self.steps), span)
        own, after = self.at(graph, index, span), self.following(graph, index, span)
        ends = (own, after) if self.down else (after, own)
        return graph.name(graph.elementwise("subtract", *ends, span=span), "length")

    def is_last(self, graph: Graph, index: Expr, span: Span) -> Expr | None:
        """1 in the step that leads to the data and 0 in the others; None where no step does."""
        if not self.leads_to_the_data:
            return None
        found = graph.elementwise("equal", index, graph.integer(self.steps - 1, span), span=span)
        return graph.name(graph.select(found, graph.number(1, span), graph.number(0, span), span), "last")
