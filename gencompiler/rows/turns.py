"""Equations in turns: one loop over slices, whose body evaluates the equations one after the other.

What an equation reads of an earlier slice, `h[t - 1]`, is a value that the loop carries, and what it reads of the same
one has just been made; only views (`x[<t]`) read the whole of a variable.  Slices in which other equations hold than in
their neighbours, as the first ones do, are evaluated outside of the loop."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from gencompiler.derive.nodes import Factor, InTurns
from gencompiler.model import nodes as model
from gencompiler.node import Node, rebuild
from gencompiler.proof.mentions import axis_of, place
from gencompiler.proof.structure import Range
from gencompiler.proof.turns import slices_of
from gencompiler.rows import places
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.factors import Factors, variable_of
from gencompiler.rows.graph import NEVER_NAMED
from gencompiler.rows.newest import mentioned
from gencompiler.rows.nodes import Expr
from gencompiler.rows.recurrent import States, recurrent_networks

#: A slice of a variable, so many before the one that is being made.
Past = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Part:
    """One equation: what it makes of the slice `index` + `shift` of `name`; its law reads slices by names of their
    own, `reads`, of `wide` variables the whole, and the states of recurrent `networks` that have read the slices
    before."""

    factor: Factor
    name: str
    index: str
    shift: int
    start: int
    stop: int
    reads: frozenset[Past]
    wide: frozenset[str]
    networks: tuple[States, ...]

    @property
    def target(self) -> model.Element:
        target = self.factor.conditional.targets[0]
        assert isinstance(target, model.Element)
        return target


@dataclasses.dataclass
class State:
    """What is known before a slice: the whole variables so far, the slices before it that are read, and the states of
    networks by their names."""

    wholes: dict[str, Expr]
    past: dict[Past, Expr]
    networks: dict[str, Expr]


def made_in_turns(
    factors: Factors, group: InTurns, scope: Scope, site: Callable[[str], str], count: int, hints: Mapping[str, str]
) -> dict[str, Expr]:
    """The variables that a group of equations makes, drawn from the streams of `site` for `count` particles."""
    names = frozenset(variable_of(f) for f in group.factors)
    parts = [_part(factors.expressions, f, names, rising=group.rising) for f in group.factors]
    sweep = _Sweep(factors, parts, group.rising, scope, site, count)
    states = {k: v for p in parts for network in p.networks for k, v in network.initial(scope).items()}
    state = State({p.name: factors.so_far(p.factor, scope) for p in parts}, {}, states)
    for start, stop, active in sweep.segments():
        state = sweep.segment(state, start, stop, active)
    return {n: factors.graph.name(v, hints.get(n, n)) for n, v in state.wholes.items()}


class _Sweep:
    """One pass over all slices."""

    def __init__(
        self, factors: Factors, parts: list[Part], rising: bool, scope: Scope, site: Callable[[str], str], count: int
    ) -> None:
        self.factors, self.expressions, self.graph = factors, factors.expressions, factors.graph
        self.parts, self.rising, self.site, self.count = parts, rising, site, count
        self.scope = scope
        self.types = {p.name: p.target.base.type for p in parts}
        self.span = parts[0].factor.span
        self.lags = {n: max((lag for p in parts for v, lag in p.reads if v == n), default=0) for n in self.types}

    def _zeros(self, shape: tuple[int, ...]) -> Expr:
        zero = self.graph.number(0, self.span)
        return self.graph.broadcast(zero, math.prod(shape), self.span) if shape else zero

    def segments(self) -> list[tuple[int, int, tuple[Part, ...]]]:
        """Runs of slices start..stop in which the same equations hold, in the order of evaluation."""
        first, last = min(p.start for p in self.parts), max(p.stop for p in self.parts)
        found: list[tuple[int, int, tuple[Part, ...]]] = []
        for at in range(first, last):
            active = tuple(p for p in self.parts if p.start <= at < p.stop)
            if found and found[-1][2] == active:
                found[-1] = (found[-1][0], at + 1, active)
            elif active:
                found.append((at, at + 1, active))
        return found if self.rising else found[::-1]

    # -- one run of slices -------------------------------------------------------------------------------------------

    def segment(self, state: State, start: int, stop: int, active: tuple[Part, ...]) -> State:
        """The state after the slices start..stop."""
        made = dict.fromkeys(p.name for p in active)  # in order: what is printed must not depend on the hash
        first = start if self.rising else stop - 1
        past = {(n, lag): self._before(state, n, first, lag) for n in made for lag in range(1, self.lags[n] + 1)}
        if stop - start == 1:
            at = self.graph.integer(start, self.span)
            return self._slice(State(state.wholes, past, state.networks), at, active, str(start))
        span, depth = self.span, self.factors.depth(self.scope)
        carried = {n: state.wholes[n] for n in self.types if n in made}
        carried |= {_name(n, lag): value for (n, lag), value in past.items()}
        carried |= {n: state.networks[n] for p in active for network in p.networks for n in network.names}
        count = self.graph.integer(stop - start, span)
        index = next(p.index for p in active)
        plan = self.graph.loop("dimensions", index, count, carried, span, depth=depth, reverse=not self.rising)
        inside = dict(zip(carried, plan.inside, strict=True))
        at = self.graph.whole("add", self.graph.index_of(plan), self.graph.integer(start, span), span)
        wholes = {**state.wholes, **{n: inside[n] for n in made}}
        networks = {**state.networks, **{n: inside[n] for n in state.networks if n in inside}}
        now = self._slice(State(wholes, {k: inside[_name(*k)] for k in past}, networks), at, active, plan.index)
        nexts = {**now.networks, **{n: now.wholes[n] for n in made}, **{_name(*k): now.past[k] for k in past}}
        after = dict(zip(carried, self.graph.close(plan, tuple(nexts[c] for c in carried)), strict=True))
        networks = {n: after.get(n, before) for n, before in state.networks.items()}
        return State({**state.wholes, **{n: after[n] for n in made}}, {k: after[_name(*k)] for k in past}, networks)

    def _before(self, state: State, name: str, at: int, lag: int) -> Expr:
        """The slice that lies `lag` before the slice `at`, where a run begins."""
        own = at - lag if self.rising else at + lag
        if (name, lag) in state.past:
            return state.past[name, lag]
        if 0 <= own < self.types[name].shape[0]:
            return self._read(state.wholes[name], name, self.graph.integer(own, self.span))
        return self._zeros(self.types[name].shape[1:])  # no equation reads it

    def _read(self, whole: Expr, name: str, at: Expr) -> Expr:
        return places.leading(self.graph, whole, (at,), self.types[name].shape, self.span)

    def _slice(self, state: State, at: Expr, active: tuple[Part, ...], label: str) -> State:
        """One slice: every equation in order, and what is read of the past from the next slice on.  What is made is
        called after the variable and `label`."""
        wholes, values = dict(state.wholes), dict(state.past)
        for part in active:
            inside = self._inside(part, wholes, values, at, state.networks)
            value = self._value(part, inside, wholes, values, at)
            if not isinstance(value, NEVER_NAMED):
                self.graph.hints[id(value)] = f"{part.name}_{label}"
            values[part.name, 0] = value
            wholes[part.name] = self._written(wholes[part.name], part.name, at, value)
        past = {(n, lag): values[n, lag - 1] for n, lag in state.past if (n, lag - 1) in values}
        networks = dict(state.networks)
        for part in active:
            for network in part.networks:
                now = {n: state.networks[n] for n in network.names}
                inside = self._inside(part, wholes, values, at, state.networks)
                networks |= network.advanced(now, self._reading(part, inside, wholes, values, at), inside)
        return State(wholes, past, networks)

    def _reading(
        self, part: Part, inside: Scope, wholes: Mapping[str, Expr], values: Mapping[Past, Expr], at: Expr
    ) -> Callable[[model.Expr], Expr]:
        """Lowers what a network reads of the slice that has just been made."""

        def lowered(expr: model.Expr) -> Expr:
            reader = _Reader(part.index, part.shift, self.rising, frozenset(self.types))
            changed = reader.read(expr, frozenset())
            assert isinstance(changed, model.Expr)
            names = {_name(n, lag): self._past(n, lag, wholes, values, at) for n, lag in reader.found}
            return self.expressions.lower(changed, inside.bind(names))

        return lowered

    def _inside(
        self,
        part: Part,
        wholes: Mapping[str, Expr],
        values: Mapping[Past, Expr],
        at: Expr,
        networks: Mapping[str, Expr],
    ) -> Scope:
        """The scope of an equation: its index, the slices that it reads, the wholes of what it views."""
        states = {network.path: tuple(networks[n] for n in network.names) for network in part.networks}
        scope = dataclasses.replace(self.scope, carried={**self.scope.carried, **states})
        names = {_name(n, lag): self._past(n, lag, wholes, values, at) for n, lag in sorted(part.reads)}
        names |= {n: wholes[n] for n in sorted(part.wide)}
        if part.index:
            back = self.graph.integer(part.shift, self.span)
            names[part.index] = self.graph.whole("subtract", at, back, self.span) if part.shift else at
        return scope.bind(names)

    def _past(self, name: str, lag: int, wholes: Mapping[str, Expr], values: Mapping[Past, Expr], at: Expr) -> Expr:
        if (name, lag) in values:
            return values[name, lag]
        back = self.graph.integer(lag, self.span)
        moved = self.graph.whole("subtract" if self.rising else "add", at, back, self.span) if lag else at
        return self._read(wholes[name], name, moved)

    def _value(
        self, part: Part, inside: Scope, wholes: Mapping[str, Expr], values: Mapping[Past, Expr], at: Expr
    ) -> Expr:
        """The slice with what an equation makes of it."""
        factors, graph, target, span = self.factors, self.graph, part.target, part.factor.span
        site, name = self.site(part.name), part.name
        if part.factor.conditional.indices:  # element by element within the slice
            whole = factors.drawn(part.factor, inside.bind({name: wholes[name]}), site, self.count)
            return self._read(whole, name, at)
        given = tuple(p for s in target.subscripts if (p := self.expressions.subscript(s, inside)) is not None)
        value = factors.drawn_at(part.factor, target, inside, given, site, hint=name, count=self.count)
        if len(given) == 1:
            return value
        shape = self.types[name].shape[1:]
        kept = values[name, 0] if (name, 0) in values else self._zeros(shape)
        of = model.Reference(model.Type(model.REAL, shape), name, span=span)
        return places.written(
            graph, kept, model.Element(target.type, of, target.subscripts[1:], span=span), given[1:], value, span
        )

    def _written(self, whole: Expr, name: str, at: Expr, value: Expr) -> Expr:
        return places.with_leading(self.graph, whole, (at,), self.types[name].shape, value, self.span)


# -- equations that read slices --------------------------------------------------------------------------------------


def _name(variable: str, lag: int) -> str:
    """What the slice of a variable is called, so many before the present one."""
    return f"{variable}_now" if lag == 0 else f"{variable}_before" if lag == 1 else f"{variable}_{lag}_before"


def _part(expressions: Expressions, factor: Factor, names: frozenset[str], *, rising: bool) -> Part:
    """A factor as an equation for one slice."""
    conditional, name = factor.conditional, variable_of(factor)
    indices = {r.index for r in conditional.indices}
    target = place(conditional.targets[0], indices)
    own = target.axes[0]
    ranges = tuple(Range(r.index, r.start, r.stop) for r in conditional.indices)
    made = slices_of(target, ranges)
    assert made is not None, "an equation in turns that makes no slice"
    rest = tuple(r for r in conditional.indices if r.index != own.index)
    networks = () if rest or not ranges else tuple(recurrent_networks(expressions, factor))
    paths = frozenset(network.path for network in networks)
    reader = _Reader(own.index, own.shift, rising, names - ({name} if rest else set()), paths)
    law = reader.read(conditional.distribution, frozenset())
    assert isinstance(law, model.Expr)
    inner = dataclasses.replace(conditional, indices=rest, distribution=law)
    part = Factor(inner, law, (), span=factor.span)
    wide = frozenset(mentioned(law, names, paths))
    return Part(part, name, own.index, own.shift, *made, frozenset(reader.found), wide, networks)


@dataclasses.dataclass
class _Reader:
    """Rewrites what an equation reads of the slices of `names`, beside the networks `carried`; `found` is which."""

    index: str
    shift: int
    rising: bool
    names: frozenset[str]
    carried: frozenset[str] = frozenset()
    found: set[Past] = dataclasses.field(default_factory=set)

    def read(self, tree: Node, hidden: frozenset[str]) -> Node:
        if isinstance(tree, model.NetworkOutput) and tree.path in self.carried:
            return tree
        if isinstance(tree, model.Element) and (found := self._slice(tree, hidden)) is not None:
            return found
        if isinstance(tree, model.Let):
            bindings = []
            for binding in tree.bindings:
                value = self.read(binding.value, hidden)
                assert isinstance(value, model.Expr)
                bindings.append(dataclasses.replace(binding, value=value))
                hidden = hidden | {binding.name}
            body = self.read(tree.body, hidden)
            assert isinstance(body, model.Expr)
            return dataclasses.replace(tree, bindings=tuple(bindings), body=body)
        if isinstance(tree, model.Each | model.Recur | model.MixtureDistribution):
            hidden = hidden | {tree.index}
        return rebuild(tree, lambda child: self.read(child, hidden))

    def _slice(self, element: model.Element, hidden: frozenset[str]) -> model.Expr | None:
        base = element.base
        if not isinstance(base, model.Reference) or base.name not in self.names - hidden or self.index in hidden:
            return None
        axis = axis_of(element.subscripts[0], {self.index})
        if axis.kind != "index" or axis.order:
            return None
        lag = self.shift - axis.shift if self.rising else axis.shift - self.shift
        if lag < 0:
            return None
        self.found.add((base.name, lag))
        type_ = model.Type(base.type.support, base.type.shape[1:])
        own = model.Reference(type_, _name(base.name, lag), span=base.span)
        rest = tuple(self._rest(element, hidden))
        if all(isinstance(s, model.Whole) for s in rest):
            return own
        return model.Element(element.type, own, rest, span=element.span)

    def _rest(self, element: model.Element, hidden: frozenset[str]) -> list[model.Expr]:
        found = []
        for subscript in element.subscripts[1:]:
            changed = self.read(subscript, hidden)
            assert isinstance(changed, model.Expr)
            found.append(changed)
        return found
