"""Factorizations: log probabilities and samples of conditionals, a head with an index being a loop over dimensions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from gencompiler.derive.density import draws_of, form_of, log_density, masses, sampler
from gencompiler.derive.nodes import Factor
from gencompiler.derive.sequences import is_backward
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import nodes, places, pushed
from gencompiler.rows.absent import Absent
from gencompiler.rows.arrays import argsort
from gencompiler.rows.causal_units import Units, drawn_networks
from gencompiler.rows.comprehension import is_elementwise
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.inversion import inverted
from gencompiler.rows.newest import NEWEST, along_an_order, as_newest, mentioned, with_newest
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.recurrent import States, recurrent_networks
from gencompiler.rows.stacks import Caches

#: After the name of a draw site: the stream that picks the component of a mixture (twice for one within it), and that
#: of a second standard draw.
COMPONENT, ANOTHER = " component", " another"


class Factors:
    """Lowers the factors of one model into the graph of `expressions`."""

    def __init__(self, expressions: Expressions, streams: Mapping[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.streams = dict(streams)
        self.absent = Absent(expressions)

    def log_density(self, factor: Factor, scope: Scope) -> Expr:
        """log of the density of a factor at the values in `scope`."""
        if factor.conditional.indices:
            return self._log_density_loop(factor, scope)
        return self._term(factor, scope, self.depth(scope))

    def _term(self, factor: Factor, scope: Scope, depth: int) -> Expr:
        """log of the density of one element, at the values of the head's indices in `scope`."""
        target = factor.conditional.targets[0]
        term = pushed.log_density(self.expressions, factor.distribution, target, scope, self.streams, depth)
        return self.absent.log_density(target, term, scope)

    def depth(self, scope: Scope) -> int:
        """That of the innermost loop whose values are in scope."""
        return max((self.graph.depth[id(value)] for value in scope.names.values()), default=0)

    def drawn(self, factor: Factor, scope: Scope, site: str, count: int = 1, *, hint: str = "") -> Expr:
        """A draw of the factor's variable given the values in `scope`, by the stream of `site`, for each of `count`
        particles; it is called `hint`, or as the variable."""
        hint = hint or variable_of(factor)
        if factor.conditional.indices:
            _, (value,) = self._draw_loop(factor, scope, site, count, keep=True)
            return self.graph.name(value, hint)
        step, target = self.graph.scalar("step", factor.span), factor.conditional.targets[0]
        if isinstance(target, model.Element):
            return self._drawn_element(factor, target, scope, site, hint, count)
        return self.draw(factor.distribution, scope, site, step, hint=hint, count=count)

    def _drawn_element(
        self, factor: Factor, target: model.Element, scope: Scope, site: str, hint: str, count: int
    ) -> Expr:
        """The variable, of which one element (or a part) at constant places is drawn now: the rest is as before, or
        0."""
        at = tuple(p for p in (self.expressions.subscript(s, scope) for s in target.subscripts) if p is not None)
        value = self.drawn_at(factor, target, scope, at, site, hint=hint, count=count)
        return places.written(self.graph, self.so_far(factor, scope), target, at, value, factor.span)

    def drawn_at(
        self,
        factor: Factor,
        target: model.Element,
        scope: Scope,
        at: tuple[Expr, ...],
        site: str,
        *,
        hint: str,
        count: int,
    ) -> Expr:
        """A draw of the element (or the part) of the variable at the places `at`."""
        span, whole, step = factor.span, target.base.type, self.graph.scalar("step", factor.span)
        if target.type.shape:
            value = self._drawn_part(factor, scope, at, site, step, hint, count)
        else:
            index, size = places.number(self.graph, at, whole.shape, span), math.prod(whole.shape)
            value = self.draw(factor.distribution, scope, site, step, index, hint=hint, count=count, length=size)
        return self.absent.drawn(target, value, scope)

    def so_far(self, factor: Factor, scope: Scope) -> Expr:
        """What other factors have drawn of the variable; 0 where nothing is drawn yet."""
        name, target = variable_of(factor), factor.conditional.targets[0]
        assert isinstance(target, model.Element)
        if name in scope.names:
            return scope.names[name]
        return self.graph.broadcast(self.graph.number(0, factor.span), math.prod(target.base.type.shape), factor.span)

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
        noise: Callable[[str], Expr] | None = None,
        level: int = 1,
    ) -> Expr:
        """One draw from a distribution: its sampler, fed by standard draws of the stream of `site`.

        `count` and `length` as in `Graph.draw`; the value is called `hint`, or by its site; `noise` gives standard
        draws of a kind that have been made already; `level`: the how manieth mixture within others this may be."""
        inner, scope = pushed.unwrapped(self.expressions, distribution, scope)
        if isinstance(inner, model.Pushed):
            return self._pushed(inner, scope, site, step, dim, hint=hint, count=count, length=length)
        found, scope = self.expressions.distribution(inner, scope)
        if isinstance(found, model.MixtureDistribution):
            stream = self.streams[f"{site}{COMPONENT * level}"]
            picked = self._component(found, scope, stream, step, dim, count=count, length=length)
            inside = dataclasses.replace(scope.bind({found.index: picked}), vector=scope.vector - {found.index})
            sizes = {"count": count, "length": length, "level": level + 1}
            return self.draw(found.component, inside, site, step, dim, hint=hint, noise=noise, **sizes)
        needed = draws_of(found)
        span, type_ = found.span, found.type
        if not needed:
            return self._sized(self.expressions.lower(found.arguments[0], scope), type_, span, hint or site)
        shape = places.flat(type_.shape)

        def made(kind: str) -> Expr:
            if noise is not None:
                return noise(kind)
            drawn, stream = self._standard(kind, site)
            return self.graph.draw(drawn, stream, step, shape, span, dim, count=count, length=length)

        standard = made(needed[0])
        probabilities = masses(found)
        if not isinstance(found, model.UserDistribution) and form_of(found).sorts:
            value = argsort(self.expressions, standard, span)
        elif probabilities is not None:
            value = inverted(self.graph, self.expressions.lower(probabilities, scope), standard, span)
        else:
            first, second = (
                model.Reference(model.Type(model.REAL, type_.shape), name, span=span) for name in _STANDARD
            )
            formula = sampler(found, uniform=first, normal=first, another=second)
            draws = dict(zip(_STANDARD, (standard, *map(made, needed[1:])), strict=False))
            value = self.expressions.lower(formula, scope.bind(draws))
        value = self._sized(value, type_, span, hint or site)
        self.graph.name(standard, "noise")  # unless the noise itself is what is drawn
        return value

    def _standard(self, kind: str, site: str) -> tuple[str, int]:
        """What is drawn, and from which stream."""
        if kind == "another":
            return "uniform", self.streams[f"{site}{ANOTHER}"]
        return kind, self.streams[site]

    def _sized(self, value: Expr, type_: model.Type, span: Span, name: str) -> Expr:
        """The value for each element of an event, called `name`."""
        if value.type.shape != places.flat(type_.shape):
            value = self.graph.broadcast(value, math.prod(type_.shape), span)
        return self.graph.name(value, name)

    def _component(
        self,
        mixture: model.MixtureDistribution,
        scope: Scope,
        stream: int,
        step: Expr,
        dim: Expr | None,
        *,
        count: int,
        length: int,
    ) -> Expr:
        """The number of a component, drawn by a stream of its own."""
        span = mixture.span
        noise = self.graph.draw("uniform", stream, step, (), span, dim, count=count, length=length)
        weights = self.expressions.lower(mixture.arguments[0], scope)
        if mixture.form == "logits":
            total = self.graph.name(self.graph.reduce("logsumexp", weights, span), "log_total")
            less = self.graph.elementwise("subtract", weights, total, span=span)
            weights = self.graph.elementwise("exp", less, span=span)
        return self.graph.name(inverted(self.graph, weights, noise, span), mixture.index)

    def _pushed(
        self,
        found: model.Pushed,
        scope: Scope,
        site: str,
        step: Expr,
        dim: Expr | None,
        *,
        hint: str,
        count: int,
        length: int,
    ) -> Expr:
        def base(own: model.Expr) -> Expr:
            return self.draw(own, scope, site, step, dim, hint="base", count=count, length=length)

        depth = self.graph.depth[id(dim)] if dim is not None else 0
        value = pushed.draw(self.expressions, found, scope, base, self.streams, depth)
        return self.graph.name(value, hint or site)

    # -- loops over dimensions ---------------------------------------------------------------------------------------

    def _open(self, factor: Factor, extra: dict[str, Expr], scope: Scope) -> tuple[LoopPlan, Scope]:
        """The loop of an indexed head: it carries the factor's recurrences, which start at zero, and `extra`."""
        ranges, span = factor.conditional.indices, factor.span
        zero = self.graph.number(0, span)
        carried = {
            r.name: self.graph.broadcast(zero, r.type.shape[0], r.span) if r.type.shape else zero
            for r in factor.recurrences
        }
        extents = tuple(r.stop - r.start for r in ranges)
        count = self.graph.integer(math.prod(extents), span)
        name = "_".join(r.index for r in ranges)
        depth, reverse = self.depth(scope), is_backward(factor)
        plan = self.graph.loop("dimensions", name, count, {**carried, **extra}, span, depth=depth, reverse=reverse)
        found = places.indices(self.graph, self.graph.index_of(plan), extents, span)
        starts = (self.graph.integer(r.start, span) for r in ranges)
        names: dict[str, Expr] = {
            r.index: self.graph.whole("add", at, start, span)
            for r, at, start in zip(ranges, found, starts, strict=True)
        }
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
        if (lanes := self._log_density_lanes(factor, scope)) is not None:
            return lanes
        zero = self.graph.number(0, factor.span)
        states = recurrent_networks(self.expressions, factor)
        extra = {k: v for network in states for k, v in network.initial(scope).items()}
        plan, inside = self._open(factor, {**extra, f"log_{factor.conditional.joint}": zero}, scope)
        now, inside = self._carried(states, plan, inside)
        self.graph.at_once = not states
        term = self._term(factor, inside, plan.depth)
        self.graph.at_once = False
        nexts = self._advance(factor, plan, inside)
        for network, before in zip(states, now, strict=True):
            nexts.extend(network.advanced(before, lambda e: self.expressions.lower(e, inside), inside).values())
        nexts.append(self.graph.elementwise("add", plan.inside[-1], term, span=factor.span))
        return self.graph.close(plan, tuple(nexts))[-1]

    def _log_density_lanes(self, factor: Factor, scope: Scope) -> Expr | None:
        """The sum over all places at once, where each term is a number that is elementwise in the index and some
        network has been evaluated for all of them anyway; else None."""
        range_, target = factor.conditional.indices[0], factor.conditional.targets[0]
        parts = [p for p in walk(factor.distribution) if isinstance(p, model.NetworkOutput)]
        piped = any(isinstance(p, model.Pushed) for p in walk(factor.distribution))
        if len(factor.conditional.indices) > 1 or range_.start or len(_base(target).type.shape) > 1 or piped:
            return None
        if not any(self.expressions.networks[p.path].places for p in parts) or target.type.shape:
            return None
        term = _under_lets(factor.distribution, lambda found: self.absent.formula(target, log_density(found, target)))
        type_ = model.Type(model.REAL, (range_.stop,))
        each = model.Each(type_, range_.index, range_.stop, term, span=factor.span)
        if not is_elementwise(each, self.expressions.functions):
            return None
        terms = self.expressions.lower(each, scope)
        return self.graph.reduce("sum", terms, factor.span)

    def _draw_loop(
        self, factor: Factor, scope: Scope, site: str, count: int, *, keep: bool
    ) -> tuple[model.Type, tuple[Expr, ...]]:
        """Draw dimension by dimension; the past is carried where a naive causal view reads it, or where `keep` asks
        for the whole, which is then returned too; else the columns are stored."""
        name, target, span = variable_of(factor), factor.conditional.targets[0], factor.span
        assert isinstance(target, model.Element)
        whole = target.base.type
        size = math.prod(whole.shape)
        units = drawn_networks(self.expressions, factor, name)
        states = recurrent_networks(self.expressions, factor)
        networks: list[Units | Caches | States] = [*units, *states]
        by_part = bool(states) and len(factor.conditional.indices) > 1
        carried = keep or by_part or along_an_order(target) or any(each.reads_variable for each in units)
        carried = carried or any(mentioned(factor.distribution, {name}, {n.path for n in networks}))
        extra = {name: self.so_far(factor, scope)} if carried else {}
        extra |= {k: v for network in networks for k, v in network.initial(scope).items()}
        plan, inside = self._open(factor, extra, scope)
        at = tuple(self.expressions.subscript(s, inside) for s in target.subscripts)
        given = tuple(p for p in at if p is not None)
        if carried:
            inside = inside.bind({name: plan.inside[len(factor.recurrences)]})
        now, inside = self._carried(networks, plan, inside)
        step, hint = self.graph.scalar("step", span), f"{name}_{plan.index}"
        if target.type.shape:
            value = self._drawn_part(factor, inside, given, site, step, hint, count)
        else:
            turn = (self.graph.index_of(plan),) if along_an_order(target) else given
            index = places.number(self.graph, turn, whole.shape, span)
            value = self.draw(factor.distribution, inside, site, step, index, hint=hint, count=count, length=size)
        value = self.absent.drawn(target, value, inside)
        self.graph.hints[id(value)] = hint
        nexts = self._advance(with_newest(factor, name), plan, inside.bind({NEWEST: value}))
        newest = inside.bind({NEWEST: value})
        if carried:
            before = plan.inside[len(factor.recurrences)]
            nexts.append(places.written(self.graph, before, target, given, value, span))
            newest = newest.bind({name: nexts[-1]})

        def drawn(expr: model.Expr) -> Expr:
            return self.expressions.lower(expr if by_part else as_newest(expr, name), newest)

        for network, held in zip(networks, now, strict=True):
            nexts.extend(network.advanced(held, drawn, inside).values())
        if not keep:
            plan.stores.append(nodes.StoreColumn(name, index, value, span=span))
        after = self.graph.close(plan, tuple(nexts))
        return whole, after[len(factor.recurrences) :][:1] if keep else ()

    def _drawn_part(
        self, factor: Factor, inside: Scope, given: tuple[Expr, ...], site: str, step: Expr, hint: str, count: int
    ) -> Expr:
        """A draw of several elements at once, at `given` places of the other axes: their part of what is drawn for the
        whole variable beforehand.  A mixture picks one component for all of them, each place its own."""
        target = factor.conditional.targets[0]
        assert isinstance(target, model.Element)
        whole = model.Reference(model.Type(model.REAL, target.base.type.shape), "noise", span=factor.span)
        part = dataclasses.replace(target, base=whole)

        def noise(kind: str) -> Expr:
            size = (math.prod(whole.type.shape),)
            own, stream = self._standard(kind, site)
            drawn = self.graph.draw(own, stream, step, size, factor.span, count=count)
            return self.expressions.lower(part, inside.bind({"noise": drawn}))

        chosen = zip(target.base.type.shape, target.subscripts, strict=True)
        extents = tuple(n for n, s in chosen if not isinstance(s, model.Whole))
        place, length = places.number(self.graph, given, extents, factor.span), math.prod(extents)
        sizes = {"count": count, "length": length}
        return self.draw(factor.distribution, inside, site, step, place, hint=hint, noise=noise, **sizes)

    def _carried(
        self, networks: Sequence[Units | Caches | States], plan: LoopPlan, inside: Scope
    ) -> tuple[list[dict[str, Expr]], Scope]:
        """What networks carry, as this iteration's outputs read it, and the scope in which these do."""
        now = []
        for network in networks:
            held = {name: plan.inside[plan.wishes.index(name)] for name in network.names}
            now.append(network.at(held, inside))
        carried = {network.path: tuple(values.values()) for network, values in zip(networks, now, strict=True)}
        return now, dataclasses.replace(inside, carried={**inside.carried, **carried})


#: What a sampler's standard draws are called.
_STANDARD = ("standard draw", "another draw")


def _base(target: model.Expr) -> model.Expr:
    return target.base if isinstance(target, model.Element) else target


def _under_lets(expr: model.Expr, made: Callable[[model.Distribution], model.Expr]) -> model.Expr:
    """What `made` gives of a distribution, under the same local equations."""
    if isinstance(expr, model.Let):
        body = _under_lets(expr.body, made)
        return dataclasses.replace(expr, body=body, type=body.type)
    assert isinstance(expr, model.Distribution)
    return made(expr)


def variable_of(factor: Factor) -> str:
    """The variable that a factor states the law of."""
    target = factor.conditional.targets[0]
    base = target.base if isinstance(target, model.Element) else target
    assert isinstance(base, model.Reference)
    return base.name
