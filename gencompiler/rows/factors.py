"""Factorizations: log probabilities and samples of conditionals, a head with an index being a loop over dimensions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.derive.causal import causal_views
from gencompiler.derive.density import draws_of, sampler
from gencompiler.derive.nodes import Factor, Recurrence
from gencompiler.model import nodes as model
from gencompiler.node import Node, rebuild
from gencompiler.rows import nodes
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.graph import LoopPlan
from gencompiler.rows.nodes import Expr, RowType


class Factors:
    """Lowers the factors of one model into the graph of `expressions`."""

    def __init__(self, expressions: Expressions, streams: dict[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.streams = streams
        self.factors = expressions.derived.factors

    def log_prob(self, values: Mapping[str, Expr], zero: Expr) -> Expr:
        """The sum of the log densities of the factors whose variables are in `values`."""
        total = zero
        for factor in self.factors:
            if _variable(factor) not in values:
                continue
            found = (
                self._log_prob_loop(factor, values)
                if factor.conditional.indices
                else self._log_prob_once(factor, values)
            )
            total = found if total is zero else self.graph.elementwise("add", total, found, span=factor.span)
        return self.graph.name(total, "log_p")

    def sample(self) -> tuple[dict[str, Expr], dict[str, model.Type]]:
        """Drawn variables in order, and those that a loop stores column by column."""
        drawn: dict[str, Expr] = {}
        stored: dict[str, model.Type] = {}
        for factor in self._in_order():
            name = _variable(factor)
            if factor.conditional.indices:
                stored[name] = self._sample_loop(factor, drawn)
            else:
                drawn[name] = self.draw(factor.distribution, Scope(drawn), name, self.graph.scalar("step", factor.span))
        return drawn, stored

    def _in_order(self) -> list[Factor]:
        """Factors after those whose variables they are given."""
        left, done, order = list(self.factors), set[str](), []
        while left:
            ready = [f for f in left if _given(f) <= done]
            if not ready:
                raise NotLowered(left[0].distribution, "a cycle of conditionals")
            order.append(ready[0])
            done.add(_variable(ready[0]))
            left.remove(ready[0])
        return order

    # -- whole variables ---------------------------------------------------------------------------------------------

    def _log_prob_once(self, factor: Factor, values: Mapping[str, Expr]) -> Expr:
        target = factor.conditional.targets[0]
        return self.expressions.log_density(factor.distribution, target, Scope(values))

    def draw(self, distribution: model.Expr, scope: Scope, name: str, step: Expr, dim: Expr | None = None) -> Expr:
        """One draw from a distribution: its sampler, fed by standard draws of its stream."""
        found, scope = self.expressions.distribution(distribution, scope)
        needed = draws_of(found)
        if len(needed) > 1:
            raise NotLowered(found, "a sampler that needs two standard draws")
        span, type_ = found.span, found.type
        reference = model.Reference(model.Type(model.REAL, type_.shape), "standard draw", span=span)
        noise = self.graph.draw(needed[0], self.streams[name], step, type_.shape, span, dim)
        formula = sampler(found, uniform=reference, normal=reference)
        value = self.expressions.lower(formula, scope.bind({"standard draw": self.graph.name(noise, "noise")}))
        if value.type.shape != type_.shape:
            value = self.graph.broadcast(value, type_.shape[0], span)
        return self.graph.name(value, name)

    # -- loops over dimensions ---------------------------------------------------------------------------------------

    def _open(self, factor: Factor, extra: dict[str, Expr]) -> tuple[LoopPlan, Scope]:
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
        return plan, Scope(names)

    def _advance(self, factor: Factor, plan: LoopPlan, scope: Scope) -> list[Expr]:
        """The recurrences after this dimension."""
        found = []
        for recurrence, before in zip(factor.recurrences, plan.inside, strict=False):
            term = self.expressions.lower(recurrence.term, scope)
            found.append(self.graph.elementwise("add", before, term, span=recurrence.span))
        return found

    def _log_prob_loop(self, factor: Factor, values: Mapping[str, Expr]) -> Expr:
        zero = self.graph.number(0, factor.span)
        plan, scope = self._open(factor, {"log_p": zero})
        scope = scope.bind(values)
        target = factor.conditional.targets[0]
        term = self.expressions.log_density(factor.distribution, target, scope)
        nexts = self._advance(factor, plan, scope)
        nexts.append(self.graph.elementwise("add", plan.inside[-1], term, span=factor.span))
        return self.graph.close(plan, tuple(nexts))[-1]

    def _sample_loop(self, factor: Factor, drawn: Mapping[str, Expr]) -> model.Type:
        """Draw dimension by dimension; the past is carried only where a naive causal view reads it."""
        name, target, span = _variable(factor), factor.conditional.targets[0], factor.span
        assert isinstance(target, model.Element)
        whole = target.base.type
        naive = any(
            isinstance(v.base, model.Reference) and v.base.name == name for v in causal_views(factor.distribution)
        )
        zero = self.graph.number(0, span)
        extra = {name: self.graph.broadcast(zero, whole.shape[0], span)} if naive else {}
        plan, scope = self._open(factor, extra)
        scope = scope.bind(drawn)
        index = scope.names[factor.conditional.indices[0].index]
        if naive:
            scope = scope.bind({name: plan.inside[-1]})
        step = self.graph.scalar("step", span)
        value = self.draw(factor.distribution, scope, name, step, dim=index)
        self.graph.hints[id(value)] = f"{name}_{factor.conditional.indices[0].index}"
        nexts = self._advance(_with_newest(factor, name), plan, scope.bind({_NEWEST: value}))
        if naive:
            type_ = RowType(True, whole.shape)
            nexts.append(self.graph.intern(nodes.WithColumn(type_, plan.inside[-1], index, value, span=span)))
        plan.stores.append(nodes.StoreColumn(name, index, value, span=span))
        self.graph.close(plan, tuple(nexts))
        return whole


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


def _variable(factor: Factor) -> str:
    target = factor.conditional.targets[0]
    base = target.base if isinstance(target, model.Element) else target
    assert isinstance(base, model.Reference)
    return base.name


def _given(factor: Factor) -> set[str]:
    found = set()
    for given in factor.conditional.given:
        base = given.base if isinstance(given, model.Element) else given
        assert isinstance(base, model.Reference)
        found.add(base.name)
    return found - {_variable(factor)}
