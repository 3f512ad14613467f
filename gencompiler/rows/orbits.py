"""A walk along an orbit (`model.orbits`), as one loop over the states that are added to its window.

The window has been doubled k times once it has 2^k states, so that states number 2^k to 2^(k + 1) - 1 are one block.
They are made one after the other from an end of the window, forwards by F, or backwards by R F R; a state of the block
is kept in proportion to the weights so far, and proposed with probability min(1, w(block) / w(window)) once the block
is whole.  The state at which each dyadic part of the block begins is kept until the part ends (Phan, Pradhan &
Jankowiak, 2019), when it is seen whether it is folded; a folded part ends the walk without the block.

Acceptance is the mean of min(1, w(state) / w(start)) over what has been added, as in Hoffman & Gelman (2014), eq. 8.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.derive.acceptance import log_joint
from gencompiler.model import nodes as model
from gencompiler.rows.chain_sites import WALK
from gencompiler.rows.expressions import Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan

if TYPE_CHECKING:
    from gencompiler.rows.chain_steps import Steps

#: log of the weight of a state whose weight is not a number, or 0.
_NOTHING = -1e30

State = tuple[Expr, ...]


def walk(steps: Steps, step: model.Orbit, names: dict[str, Expr], prefix: str, number: Expr, depth: int) -> Expr:
    """Move `names` along the orbit of where they are; the acceptance."""
    return _Walk(steps, step, names, prefix, depth).run(number)


@dataclasses.dataclass
class _Block:
    """A state that is about to be added: `place` in its block of `size` states, what it is drawn with, and the walk so
    far, by name."""

    place: Expr
    size: Expr
    uniforms: dict[str, Expr]
    at: dict[str, State]
    plain: dict[str, Expr]


class _Walk:
    def __init__(self, steps: Steps, step: model.Orbit, names: dict[str, Expr], prefix: str, depth: int) -> None:
        self.steps, self.step, self.names, self.prefix, self.depth = steps, step, names, prefix, depth
        self.graph, self.span = steps.graph, step.span
        self.variables = tuple(n.rstrip("'") for n in step.names)

    # -- shorthand ---------------------------------------------------------------------------------------------------

    def _number(self, value: float) -> Expr:
        return self.graph.number(value, self.span)

    def _of(self, function: str, *arguments: Expr | float) -> Expr:
        values = [self._number(a) if isinstance(a, int | float) else a for a in arguments]
        return self.graph.elementwise(function, *values, span=self.span)

    def _choose(self, condition: Expr, then: State, otherwise: State) -> State:
        pairs = zip(then, otherwise, strict=True)
        return tuple(a if a is b else self.graph.select(condition, a, b, self.span) for a, b in pairs)

    def _select(self, condition: Expr, then: Expr, otherwise: Expr) -> Expr:
        return self.graph.select(condition, then, otherwise, self.span)

    # -- what is walked on -------------------------------------------------------------------------------------------

    def _log_weight(self, state: State) -> Expr:
        """log of what a state weighs; of what is not a number, as of 0."""
        here = {**self.names, **dict(zip(self.variables, state, strict=True))}
        density = log_joint(self.steps.expressions.derived.model, self.step.target, self.step)
        value = self.graph.name(self.steps.expressions.lower(density, Scope(here)), "log_weight")
        return self._select(self._of("greater", value, _NOTHING), value, self._number(_NOTHING))

    def _folded(self, first: State, last: State) -> Expr:
        """Whether two states, in the order of the orbit, are no longer moving apart."""
        ends = dict(zip(self.step.ends, (*first, *last), strict=True))
        reach = self.steps.expressions.lower(self.step.reach, Scope({**self.names, **ends}))
        return self._of("not", self._of("greater", self.graph.name(reach, "reach"), 0))

    def _next(self, state: State, forwards: Expr) -> State:
        """F, or where the walk goes backwards, R F R."""
        stages = self.steps.stages
        start = self._choose(forwards, state, stages(self.step.turn, state, self.names, self.depth + 1))
        there = stages(self.step.forward, start, self.names, self.depth + 1)
        there = self._choose(forwards, there, stages(self.step.turn, there, self.names, self.depth + 1))
        return tuple(self.graph.name(v, f"{n}_added") for n, v in zip(self.variables, there, strict=True))

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self, number: Expr) -> Expr:
        """The walk of one step of the chain."""
        graph, count = self.graph, 2**self.step.doublings - 1
        start = tuple(self.steps.expressions.lower(s, Scope(self.names)) for s in self.step.sources)
        self.start_weight = graph.name(self._log_weight(start), "start_weight")
        none = self._number(0)
        parts = ("first", "last", "added", "picked", "kept")
        carried = {f"{n}_{part}": v for part in parts for n, v in zip(self.variables, start, strict=True)}
        carried |= {"window": self.start_weight, "block": none, "forwards": none, "place": none}
        carried |= {"size": self._number(1), "folded": none, "going": self._number(1), "rate": none, "states": none}
        if self.step.doublings > 1:
            carried["begins"] = graph.concat(start * (self.step.doublings - 1), self.span)
        total = graph.integer(count, self.span)
        plan = graph.loop("steps", "added", total, carried, self.span, depth=self.depth)
        inside = dict(zip(carried, plan.inside, strict=True))
        at = {part: tuple(inside.pop(f"{n}_{part}") for n in self.variables) for part in parts}
        block = _Block(inside["place"], inside["size"], self._uniforms(plan, number, total), at, inside)
        following = self._added(block)
        plan.done = self._of("less_equal", inside["going"], 0)
        after = dict(zip(carried, graph.close(plan, tuple(following[n] for n in carried)), strict=True))
        for name, variable in zip(self.step.names, self.variables, strict=True):
            self.names[name] = after[f"{variable}_kept"]
        return self._of("divide", after["rate"], after["states"])

    def _uniforms(self, plan: LoopPlan, number: Expr, count: Expr) -> dict[str, Expr]:
        """What is drawn with each state, keyed by the steps of the chain and of the walk."""
        graph, streams = self.graph, self.steps.factors.streams
        key = self._of("add", self._of("multiply", number, count), graph.index_of(plan))
        key = graph.name(key, "state")
        return {each: graph.draw("uniform", streams[f"{self.prefix}{each}"], key, (), self.span) for each in WALK}

    def _added(self, block: _Block) -> dict[str, Expr]:
        """The walk with one more state."""
        at, plain, size, place = block.at, block.plain, block.size, block.place
        opens = self._of("less_equal", place, 0)
        drawn = self._of("indicator", self._of("less", block.uniforms["way"], 0.5))
        ahead = self.graph.name(self._select(opens, drawn, plain["forwards"]), "ahead")
        forwards = self._of("greater", ahead, 0.5)
        end = self._choose(forwards, at["last"], at["first"])
        added = self._next(self._choose(opens, end, at["added"]), forwards)
        weight = self._log_weight(added)
        heavier = self._select(opens, weight, self._log_sum(plain["block"], weight))
        whole = self.graph.name(heavier, "block_weight")
        log_pick = self._of("log", block.uniforms["pick"])
        pick = self._of("or", opens, self._of("less", log_pick, self._of("subtract", weight, whole)))
        picked = self._choose(pick, added, at["picked"])
        begins, folded_ = self._parts(block, added, forwards)
        folded = self._of("greater", folded_, 0)
        closes = self._of("greater_equal", self._of("add", place, 1), size)
        going = self._of("greater", plain["going"], 0)
        sound = self._of("and", going, self._of("not", folded))
        joins = self._of("and", sound, closes)
        log_take = self._of("log", block.uniforms["accept"])
        take = self._of("and", joins, self._of("less", log_take, self._of("subtract", whole, plain["window"])))
        first = self._choose(self._of("and", joins, self._of("not", forwards)), added, at["first"])
        last = self._choose(self._of("and", joins, forwards), added, at["last"])
        ends = self._of("and", closes, self._folded(first, last))
        on = self._of("and", sound, self._of("not", ends))
        share = self._of("exp", self._of("min", self._of("subtract", weight, self.start_weight), 0.0))
        states = {"first": first, "last": last, "added": added, "picked": picked}
        states["kept"] = self._choose(take, picked, at["kept"])
        following = {
            f"{n}_{part}": v for part, each in states.items() for n, v in zip(self.variables, each, strict=True)
        }
        if begins is not None:
            following["begins"] = begins
        counted = self._of("indicator", going)
        return following | {
            "window": self._select(joins, self._log_sum(plain["window"], whole), plain["window"]),
            "block": whole,
            "forwards": ahead,
            "place": self._select(closes, self._number(0), self._of("add", place, 1)),
            "size": self._select(closes, self._of("multiply", size, 2), size),
            "folded": self._select(closes, self._number(0), folded_),
            "going": self._of("indicator", on),
            "rate": self._of("add", plain["rate"], self._of("multiply", counted, share)),
            "states": self._of("add", plain["states"], counted),
        }

    def _parts(self, block: _Block, added: State, forwards: Expr) -> tuple[Expr | None, Expr]:
        """The states at which the dyadic parts of the block begin, and whether one that ends here is folded.

        A loop over parts of 2, 4, … states: where this state neither begins nor ends one, it does so with none of the
        longer ones."""
        graph, count, depth = self.graph, self.step.doublings - 1, self.depth + 1
        if not count:
            return None, block.plain["folded"]
        carried = {"begins": block.plain["begins"], "folded": block.plain["folded"], "length": self._number(2)}
        carried |= {"looking": self._number(1)}
        plan = graph.loop("steps", "level", graph.integer(count, self.span), carried, self.span, depth=depth)
        begins, folded, length, _ = plan.inside
        plan.done = self._of("less_equal", plan.inside[-1], 0)
        flat = graph.concat(added, self.span)
        width = flat.type.shape[0]
        start = graph.whole("multiply", graph.index_of(plan), graph.integer(width, self.span), self.span)
        opens = self._multiple(block.place, length)
        begin = graph.select(opens, flat, graph.window(begins, start, width, self.span), self.span)
        ends = self._multiple(self._of("add", block.place, 1), length)
        early = self._apart(graph.name(begin, "begin"))
        first, last = self._choose(forwards, early, added), self._choose(forwards, added, early)
        bent = self._of("and", ends, self._folded(first, last))
        following = (
            graph.with_window(begins, start, begin, self.span),
            self._of("max", folded, self._of("indicator", bent)),
            self._of("multiply", length, 2),
            self._of("indicator", self._of("or", opens, ends)),
        )
        after = graph.close(plan, following)
        return after[0], after[1]

    def _apart(self, flat: Expr) -> State:
        """The variables of a state that stand side by side."""
        found, at = [], 0
        for each in self.step.sources:
            size = math.prod(each.type.shape)
            part = self.graph.slice(flat, at, at + size, self.span)
            first = self.graph.integer(0, self.span)
            found.append(part if each.type.shape else self.graph.column(part, first, self.span))
            at += size
        return tuple(found)

    def _multiple(self, value: Expr, of: Expr) -> Expr:
        """Whether a whole number is a multiple of another."""
        share = self._of("divide", value, of)
        return self._of("equal", share, self._of("floor", share))

    def _log_sum(self, left: Expr, right: Expr) -> Expr:
        """log(exp(left) + exp(right))"""
        apart = self._of("abs", self._of("subtract", left, right))
        less = self._of("log1p", self._of("exp", self._of("negate", apart)))
        return self._of("add", self._of("max", left, right), less)
