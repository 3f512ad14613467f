"""The sum over finite latent variables along a sequence, in log space: a loop over slices that carries one number for
each value of a slice.

a_s(v') = log sum_v exp(a_{s-1}(v) + log f(v, v')) + log g(v'), where f is the product of the factors that touch slices
s - 1 and s, and g of those that touch slice s alone (Rabiner 1989, equations 19 to 21).  Each value v' is a particle;
the values v are written out, and what does not depend on s is computed before the loop.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

from gencompiler.derive.forward_sums import ForwardSum
from gencompiler.derive.nodes import Factor
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import Node, rebuild
from gencompiler.proof.mentions import axis_of
from gencompiler.proof.slices import Window
from gencompiler.rows.enumeration import constants, enumerated
from gencompiler.rows.equations import Equations
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors, variable_of
from gencompiler.rows.nodes import Expr


@dataclasses.dataclass(frozen=True)
class Piece:
    """A factor as a formula of slices: the elements of latent variables that it touches are names of their own.

    `written`: what it states the law of, as the spec says; `made`: the variable of that."""

    factor: Factor
    window: Window
    written: model.Expr
    made: str

    def at(self, number: int | None) -> bool:
        """Whether it is needed at slice `number`."""
        return number is not None and self.window.start <= number < self.window.stop


class Slicewise:
    """What is done slice by slice: the pieces, and the runs of slices at which the same of them are needed.

    With `falling` it is done from the last slice down, and the slice before in time is the one that follows."""

    def __init__(
        self,
        factors: Factors,
        equations: Equations,
        names: tuple[str, ...],
        extent: int,
        parts: tuple[tuple[Factor, Window], ...],
        span: Span,
        falling: bool = False,
    ) -> None:
        self.factors, self.equations, self.extent, self.parts, self.span = factors, equations, extent, parts, span
        self.falling = falling
        self.graph = factors.graph
        variables = {v.name: v.type for v in factors.expressions.derived.model.variables}
        self.types = {n: model.Type(variables[n].support, variables[n].shape[1:]) for n in names}
        turned = [(factor, _falling(window) if falling else window) for factor, window in parts]
        self.pieces = [
            Piece(_sliced(f, window, self.types), window, f.conditional.targets[0], variable_of(f))
            for f, window in turned
        ]

    def completed(self, scope: Scope) -> Scope:
        """The scope with the derived quantities that the factors mention; no value in it has particles."""
        if any(value.type.particles > 1 for value in scope.names.values()):
            raise NotLowered(self.parts[0][0], "a density along a sequence for each particle")
        for factor, _ in self.parts:
            scope = self.equations.completed(factor.distribution, scope)
        return scope

    def segments(self) -> list[tuple[int, int, list[Piece]]]:
        """Runs of slices, with the pieces that are needed there; the first slice is one of its own."""
        ends = {0, self.extent - 1 if self.falling else 1, self.extent}
        for piece in self.pieces:
            ends |= {piece.window.start, piece.window.stop}
        found = [(a, b, [p for p in self.pieces if p.at(a)]) for a, b in itertools.pairwise(sorted(ends))]
        return found[::-1] if self.falling else found

    def inside(self, piece: Piece, number: Expr, scope: Scope) -> Scope:
        """The scope of a piece at slice `number`: its index is known."""
        if not piece.window.index:
            return scope
        shift = self.graph.integer(piece.window.shift, self.span)
        return scope.bind({piece.window.index: self.graph.whole("subtract", number, shift, self.span)})

    def over(
        self, start: int, stop: int, own: list[Piece], carried: dict[str, Expr], step: Callable[..., tuple[Expr, ...]]
    ) -> tuple[Expr, ...]:
        """`step(number, *carried)` at the slices of a run, one after the other."""
        graph, span = self.graph, self.span
        if stop - start == 1:
            return step(graph.integer(start, span), *carried.values())
        named = next((p.window.index for p in own if p.window.index), "place")
        count = graph.integer(stop - start, span)
        plan = graph.loop("dimensions", named, count, carried, span, depth=0, reverse=self.falling)
        number = graph.whole("add", graph.index_of(plan), graph.integer(start, span), span)
        return graph.close(plan, step(number, *plan.inside))


class ForwardSums(Slicewise):
    """Lowers one forward sum."""

    def __init__(self, factors: Factors, equations: Equations, plan: ForwardSum, span: Span) -> None:
        super().__init__(factors, equations, plan.summed, plan.extent, plan.parts, span)

    def log_density(self, scope: Scope) -> Expr:
        """log of the sum over all values, for each row."""
        scope = self.completed(scope)
        message: Expr | None = None
        for start, stop, own in self.segments():
            if message is None:
                message = self._step(None, self.graph.integer(start, self.span), own, scope)
                continue

            def step(number: Expr, before: Expr, own: list[Piece] = own) -> tuple[Expr, ...]:
                return (self._step(before, number, own, scope),)

            (message,) = self.over(start, stop, own, {"forward": message}, step)
        assert message is not None, "a sequence of no slices"
        return self.graph.reduce("logsumexp", message, self.span)

    def _step(self, message: Expr | None, number: Expr, own: list[Piece], scope: Scope) -> Expr:
        """The sums up to slice `number`, one for each value of it, from those up to the slice before."""
        graph, span = self.graph, self.span
        values, count = enumerated(graph, {now(n): t for n, t in self.types.items()}, span)
        here = scope.bind(values)
        found = self._terms([p for p in own if not p.window.before], number, here)
        joining = [p for p in own if p.window.before]
        if message is not None and joining:
            each: list[Expr] = []
            for earlier in constants(graph, {before(n): t for n, t in self.types.items()}, span):
                term = self._terms(joining, number, here.bind(earlier))
                assert term is not None
                each.append(term)
            table = graph.name(graph.concat(tuple(each), span), "log_step")
            joint = graph.elementwise("add", graph.spread(message, count), graph.spread(table, count), span=span)
            total: Expr | None = graph.reduce("logsumexp", joint, span)
        else:
            total = graph.reduce("logsumexp", message, span) if message is not None else None
        terms = [t for t in (total, found) if t is not None]
        value = terms[0] if len(terms) == 1 else graph.elementwise("add", *terms, span=span)
        return graph.name(graph.collect(value, count, span), "forward")

    def _terms(self, pieces: list[Piece], number: Expr, scope: Scope) -> Expr | None:
        """The sum of the log densities of factors at slice `number`."""
        found: Expr | None = None
        for piece in pieces:
            inside = self.inside(piece, number, scope)
            term = self.factors.log_density(piece.factor, inside)
            if piece.made in self.types:  # a slice of a latent variable, which a row may not have
                target = piece.factor.conditional.targets[0]
                value = target.base if isinstance(target, model.Element) else target
                term = self.factors.absent.log_density(piece.written, term, inside, value)
            found = term if found is None else self.graph.elementwise("add", found, term, span=self.span)
        return found


def now(name: str) -> str:
    """What a latent variable is called at the slice that is summed up to."""
    return f"{name} now"


def before(name: str) -> str:
    """The same at the slice before."""
    return f"{name} before"


def _falling(window: Window) -> Window:
    """A window by the first of the slices that an equation touches, where the last is done before it."""
    if not window.before:
        return window
    return dataclasses.replace(window, shift=window.shift - 1, start=window.start - 1, stop=window.stop - 1)


def _sliced(factor: Factor, window: Window, types: dict[str, model.Type]) -> Factor:
    """The factor without the index of its slices; a latent variable's elements at a slice are names of their own."""
    conditional = factor.conditional
    indices = {r.index for r in conditional.indices}

    def visit(current: Node) -> Node:
        if not isinstance(current, model.Element) or not isinstance(current.base, model.Reference):
            return rebuild(current, visit)
        if current.base.name not in types:
            return rebuild(current, visit)
        first, *rest = current.subscripts
        name = (now if axis_of(first, indices).shift == window.shift else before)(current.base.name)
        whole = model.Reference(types[current.base.name], name, span=current.span)
        if all(isinstance(s, model.Whole) for s in rest):
            return whole
        return dataclasses.replace(current, base=whole, subscripts=tuple(rest))

    left = tuple(r for r in conditional.indices if r.index != window.index)
    made = visit(dataclasses.replace(conditional, indices=left))
    assert isinstance(made, model.Conditional)
    return Factor(made, made.distribution, (), span=factor.span)
