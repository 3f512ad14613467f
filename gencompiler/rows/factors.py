"""Factorizations: log probabilities and samples of conditionals, a head with an index being a loop over dimensions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.derive.causal import causal_views
from gencompiler.derive.density import draws_of, masses, sampler
from gencompiler.derive.nodes import Factor, Recurrence
from gencompiler.model import nodes as model
from gencompiler.node import Node, rebuild
from gencompiler.rows import nodes
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.graph import LoopPlan
from gencompiler.rows.inversion import inverted
from gencompiler.rows.nodes import Expr


class Factors:
    """Lowers the factors of one model into the graph of `expressions`."""

    def __init__(self, expressions: Expressions, streams: Mapping[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.streams = dict(streams)

    def log_density(self, factor: Factor, scope: Scope) -> Expr:
        """log of the density of a factor at the values in `scope`."""
        if factor.conditional.indices:
            return self._log_density_loop(factor, scope)
        return self.expressions.log_density(factor.distribution, factor.conditional.targets[0], scope)

    def drawn(self, factor: Factor, scope: Scope, site: str, count: int = 1, *, hint: str = "") -> Expr:
        """A draw of the factor's variable given the values in `scope`, by the stream of `site`, for each of `count`
        particles; it is called `hint`, or as the variable."""
        hint = hint or variable_of(factor)
        if factor.conditional.indices:
            _, (value,) = self._draw_loop(factor, scope, site, count, keep=True)
            return self.graph.name(value, hint)
        step = self.graph.scalar("step", factor.span)
        return self.draw(factor.distribution, scope, site, step, hint=hint, count=count)

    def stored(self, factor: Factor, scope: Scope, site: str) -> model.Type:
        """The same for an indexed head, written to the output of the variable's name column by column."""
        whole, _ = self._draw_loop(factor, scope, site, 1, keep=False)
        return whole

    # -- whole variables ---------------------------------------------------------------------------------------------

    def draw(
        self,
        distribution: model.Expr,
        scope: Scope,
        site: str,
        step: Expr,
        dim: Expr | None = None,
        *,
        hint: str = "",
        count: int = 1,
        length: int = 1,
    ) -> Expr:
        """One draw from a distribution: its sampler, fed by standard draws of the stream of `site`.

        `count` and `length` as in `Graph.draw`; the value is called `hint`, or by its site."""
        found, scope = self.expressions.distribution(distribution, scope)
        needed = draws_of(found)
        if len(needed) > 1:
            raise NotLowered(found, "a sampler that needs two standard draws")
        span, type_ = found.span, found.type
        reference = model.Reference(model.Type(model.REAL, type_.shape), "standard draw", span=span)
        noise = self.graph.draw(needed[0], self.streams[site], step, type_.shape, span, dim, count=count, length=length)
        probabilities = masses(found)
        if probabilities is not None:
            value = inverted(self.graph, self.expressions.lower(probabilities, scope), noise, span)
        else:
            formula = sampler(found, uniform=reference, normal=reference)
            value = self.expressions.lower(formula, scope.bind({"standard draw": noise}))
        if value.type.shape != type_.shape:
            value = self.graph.broadcast(value, type_.shape[0], span)
        self.graph.name(value, hint or site)
        self.graph.name(noise, "noise")  # unless the noise itself is what is drawn
        return value

    # -- loops over dimensions ---------------------------------------------------------------------------------------

    def _open(self, factor: Factor, extra: dict[str, Expr], scope: Scope) -> tuple[LoopPlan, Scope]:
        """The loop of an indexed head: it carries the factor's recurrences, which start at zero, and `extra`."""
        range_ = factor.conditional.indices[0]
        span = factor.span
        zero = self.graph.number(0, span)
        carried = {
            r.name: self.graph.broadcast(zero, r.type.shape[0], r.span) if r.type.shape else zero
            for r in factor.recurrences
        }
        count = self.graph.integer(range_.stop, span)
        plan = self.graph.loop("dimensions", range_.index, count, {**carried, **extra}, span, depth=0)
        names: dict[str, Expr] = {range_.index: self.graph.index_of(plan)}
        names |= {r.name: v for r, v in zip(factor.recurrences, plan.inside, strict=False)}
        return plan, scope.bind(names)

    def _advance(self, factor: Factor, plan: LoopPlan, scope: Scope) -> list[Expr]:
        """The recurrences after this dimension."""
        found = []
        for recurrence, before in zip(factor.recurrences, plan.inside, strict=False):
            term = self.expressions.lower(recurrence.term, scope)
            found.append(self.graph.elementwise("add", before, term, span=recurrence.span))
        return found

    def _log_density_loop(self, factor: Factor, scope: Scope) -> Expr:
        zero = self.graph.number(0, factor.span)
        plan, inside = self._open(factor, {f"log_{factor.conditional.joint}": zero}, scope)
        target = factor.conditional.targets[0]
        term = self.expressions.log_density(factor.distribution, target, inside)
        nexts = self._advance(factor, plan, inside)
        nexts.append(self.graph.elementwise("add", plan.inside[-1], term, span=factor.span))
        return self.graph.close(plan, tuple(nexts))[-1]

    def _draw_loop(
        self, factor: Factor, scope: Scope, site: str, count: int, *, keep: bool
    ) -> tuple[model.Type, tuple[Expr, ...]]:
        """Draw dimension by dimension; the past is carried where a naive causal view reads it, or where `keep` asks
        for the whole, which is then returned too; else the columns are stored."""
        name, target, span = variable_of(factor), factor.conditional.targets[0], factor.span
        assert isinstance(target, model.Element)
        whole = target.base.type
        carried = keep or _reads_past(factor, name)
        zero = self.graph.number(0, span)
        extra = {name: self.graph.broadcast(zero, whole.shape[0], span)} if carried else {}
        plan, inside = self._open(factor, extra, scope)
        index = inside.names[factor.conditional.indices[0].index]
        if carried:
            inside = inside.bind({name: plan.inside[-1]})
        step, hint = self.graph.scalar("step", span), f"{name}_{factor.conditional.indices[0].index}"
        value = self.draw(factor.distribution, inside, site, step, index, hint=hint, count=count, length=whole.shape[0])
        self.graph.hints[id(value)] = hint
        nexts = self._advance(_with_newest(factor, name), plan, inside.bind({_NEWEST: value}))
        if carried:
            nexts.append(self.graph.with_column(plan.inside[-1], index, value, span))
        if not keep:
            plan.stores.append(nodes.StoreColumn(name, index, value, span=span))
        after = self.graph.close(plan, tuple(nexts))
        return whole, after[-1:] if keep else ()


_NEWEST = "newest"


def _with_newest(factor: Factor, name: str) -> Factor:
    """The factor whose recurrences read the element just drawn by a name of its own."""

    def visit(current: Node) -> Node:
        if (
            isinstance(current, model.Element)
            and isinstance(current.base, model.Reference)
            and current.base.name == name
        ):
            return model.Reference(current.type, _NEWEST, span=current.span)
        return rebuild(current, visit)

    def changed(recurrence: Recurrence) -> Recurrence:
        term = visit(recurrence.term)
        assert isinstance(term, model.Expr)
        return dataclasses.replace(recurrence, term=term)

    return dataclasses.replace(factor, recurrences=tuple(map(changed, factor.recurrences)))


def _reads_past(factor: Factor, name: str) -> bool:
    """Whether a naive causal view reads what has been drawn so far."""
    return any(isinstance(v.base, model.Reference) and v.base.name == name for v in causal_views(factor.distribution))


def variable_of(factor: Factor) -> str:
    """The variable that a factor states the law of."""
    target = factor.conditional.targets[0]
    base = target.base if isinstance(target, model.Element) else target
    assert isinstance(base, model.Reference)
    return base.name
