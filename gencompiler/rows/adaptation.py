"""A window of a warm-up: steps of a chain while its step size follows the share of accepted proposals.

By dual averaging (Hoffman & Gelman, *The No-U-Turn Sampler*, JMLR 2014, eq. 6): after step t of the window, with the
share a of proposals accepted, wanted d, and mu = log(10 e) of the step size e at the start of the window,

    H <- (1 - 1/(t + 10)) H + (d - a)/(t + 10),    log e <- mu - sqrt(t)/0.05 H,
    log e_avg <- t^-0.75 log e + (1 - t^-0.75) log e_avg

and by Welford's recurrence the mean of the state and the sum of squares about it, element by element.  Between windows
the runtime puts the deviations where the spec wants them (`runtime.adaptation`).
"""

from __future__ import annotations

from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.model.chain_conditions import Tuned, adapts, moving, tuned
from gencompiler.rows import nodes
from gencompiler.rows.chain_steps import Steps
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of

#: t0, gamma and kappa of dual averaging, and how much longer than the start the first steps may be.
_DELAY, _SHRINKAGE, _FORGETTING, _LONGER = 10, 0.05, 0.75, 10


def programs(derived: Derived, move: model.Transition) -> list[nodes.Program]:
    """The window of a warm-up; none where nothing adapts."""
    if not adapts(derived.model):
        return []
    conditions = tuned(derived.model)
    draft = Draft(derived, "warm_up", f"`steps` steps of {move.name} in a window of its warm-up, numbered from `step`")
    return [_Window(draft, move, conditions).program()]


class _Window:
    def __init__(self, draft: Draft, move: model.Transition, conditions: tuple[Tuned, ...]) -> None:
        self.draft, self.move = draft, move
        self.graph, self.span = draft.graph, move.span
        self.graph.recalls = {}
        self.state = {i.name: draft.input(i) for i in moving(move)}
        self.fixed = {i.name: draft.input(i) for i in move.current if i.name not in self.state}
        self.given = {t.condition.name: draft.input(t.condition) for t in conditions}
        self.followed = next((t for t in conditions if t.how == "acceptance"), None)
        self.spread = tuple(dict.fromkeys(t.of for t in conditions if t.how == "deviation"))

    def _of(self, function: str, *arguments: Expr | float) -> Expr:
        values = [a if isinstance(a, nodes.Expr) else self.graph.number(a, self.span) for a in arguments]
        return self.graph.elementwise(function, *values, span=self.span)

    def program(self) -> nodes.Program:
        zero = self.draft.zero
        carried: dict[str, Expr] = dict(self.state)
        if self.followed is not None:
            start = self._of("log", self.given[self.followed.condition.name])
            carried |= {"log_size": start, "average": start, "behind": zero}
        for name in self.spread:
            shape = self.state[name].type.shape
            none = self.graph.broadcast(zero, shape[0], self.span) if shape else zero
            carried |= {f"{name}_mean": none, f"{name}_square": none}
        plan = self.graph.loop("steps", "k", self.draft.scalar("steps"), carried, self.span, depth=0)
        inside = dict(zip(carried, plan.inside, strict=True))
        index = self.graph.index_of(plan)
        number = self.graph.name(self._of("add", self.graph.scalar("step", self.span), index), "now")
        time = self.graph.name(self._of("add", index, 1.0), "t")
        given = dict(self.given)
        if self.followed is not None:
            given[self.followed.condition.name] = self._of("exp", inside["log_size"])
        factors = Factors(self.draft.expressions, streams_of(self.draft.derived.model))
        steps = Steps(self.draft.expressions, factors, number, depth=1)
        moved = steps.of(self.move, {**{n: inside[n] for n in self.state}, **self.fixed}, given)
        following: dict[str, Expr] = {n: moved.state[n] for n in self.state}
        if self.followed is not None:
            rate = moved.accepted(self.graph, self.span)
            following |= self._sized(inside, time, rate, float(self.followed.rate), carried["log_size"])
        for name in self.spread:
            following |= self._spread(name, inside, time, moved.state[name])
        after = dict(zip(carried, self.graph.close(plan, tuple(following[n] for n in carried)), strict=True))
        outputs = {n: after[n] for n in self.state}
        if self.followed is not None:
            outputs[self.followed.condition.name] = self._of("exp", after["average"])
        outputs |= {f"{n}_square": after[f"{n}_square"] for n in self.spread}
        return self.draft.program(outputs)

    def _sized(self, inside: dict[str, Expr], time: Expr, rate: Expr, wanted: float, start: Expr) -> dict[str, Expr]:
        share = self._of("divide", 1.0, self._of("add", time, float(_DELAY)))
        kept = self._of("multiply", self._of("subtract", 1.0, share), inside["behind"])
        gap = self._of("multiply", share, self._of("subtract", wanted, rate))
        behind = self.graph.name(self._of("add", kept, gap), "behind_next")
        pull = self._of("multiply", self._of("divide", self._of("power", time, 0.5), _SHRINKAGE), behind)
        first = self._of("add", start, self._of("log", float(_LONGER)))
        size = self.graph.name(self._of("subtract", first, pull), "log_size_next")
        weight = self._of("power", time, -_FORGETTING)
        old = self._of("multiply", self._of("subtract", 1.0, weight), inside["average"])
        return {
            "log_size": size,
            "average": self._of("add", self._of("multiply", weight, size), old),
            "behind": behind,
        }

    def _spread(self, name: str, inside: dict[str, Expr], time: Expr, value: Expr) -> dict[str, Expr]:
        before = self.graph.name(self._of("subtract", value, inside[f"{name}_mean"]), "apart")
        mean = self.graph.name(self._of("add", inside[f"{name}_mean"], self._of("divide", before, time)), "mean_next")
        grown = self._of("multiply", before, self._of("subtract", value, mean))
        return {f"{name}_mean": mean, f"{name}_square": self._of("add", inside[f"{name}_square"], grown)}
