"""Stored chains: what an objective says of `y ~ persistent(T, chains = n)` is a program over the chains, not the batch.

For a phase with such draws there are three programs more: `objective_LABEL_chains`, the value of each chain's state;
`objective_LABEL_advance`, one draw of the transition from where the chains are; and `objective_LABEL_start`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import nodes
from gencompiler.rows.chain_steps import Steps
from gencompiler.rows.chains import start, state_of
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.programs import Draft, sites_of, streams_of


def kept(phase: model.Phase) -> model.Drawn | None:
    """The draw of stored chains of a phase."""
    found = [d for d in walk(phase.value) if isinstance(d, model.Drawn) and is_stored(d)]
    if len(found) > 1:
        raise NotLowered(phase.value, "an objective with two draws of stored chains")
    return found[0] if found else None


def is_stored(drawn: model.Drawn) -> bool:
    """Whether a draw goes on from where it was at the step before."""
    return isinstance(drawn.source, model.JointSource) and drawn.source.chains > 0


def without_chains(value: model.Expr) -> model.Expr | None:
    """The terms of a linear combination of expectations that are about rows of data; None where there are none."""
    return _part(value, lambda e: not any(is_stored(d) for d in e.draws))


def _part(value: model.Expr, wanted: Callable[[model.Expectation], bool]) -> model.Expr | None:
    """The terms whose expectation is wanted."""
    if isinstance(value, model.Expectation):
        return value if wanted(value) else None
    if isinstance(value, model.Apply) and value.function in ("add", "subtract"):
        left, right = (_part(a, wanted) for a in value.arguments)
        if left is None or right is None:
            if right is not None and value.function == "subtract":
                return model.Apply(value.type, "negate", (right,), span=value.span)
            return right if left is None else left
        return dataclasses.replace(value, arguments=(left, right))
    if isinstance(value, model.Apply) and value.function in ("negate", "multiply"):
        inner = _part(value.arguments[-1], wanted)
        return None if inner is None else dataclasses.replace(value, arguments=(*value.arguments[:-1], inner))
    return value


def programs(derived: Derived, phase: model.Phase) -> list[nodes.Program]:
    """The programs over the stored chains of a phase; none where it has none."""
    drawn = kept(phase)
    if drawn is None:
        return []
    assert isinstance(drawn.source, model.JointSource)
    if any(v.role == "given" for v in derived.model.variables):  # a chain goes on under one condition, a batch has many
        raise NotLowered(phase.value, "stored chains of a model with given variables")
    move = next(t for t in derived.model.transitions if t.name == drawn.source.joint)
    return [
        _value(derived, phase, drawn, move),
        _advance(derived, phase, drawn, move),
        _start(derived, phase, move),
    ]


def _value(derived: Derived, phase: model.Phase, drawn: model.Drawn, move: model.Transition) -> nodes.Program:
    """What the chains' states are worth."""
    direction = "maximizes" if phase.maximize else "minimizes"
    draft = Draft(
        derived, f"objective_{phase.label}_chains", f"the value that {phase.label} {direction}, of each chain"
    )
    state = {i.name: draft.input(i) for i in state_of(move)}
    terms = _part(phase.value, lambda e: any(is_stored(d) for d in e.draws))
    assert terms is not None
    for term in (n for n in walk(terms) if isinstance(n, model.Expectation)):
        if len(term.draws) > 1:
            raise NotLowered(term, "stored chains and other draws in one expectation")
    names = {n: state[v] for v, n in zip(drawn.variables, drawn.names, strict=True)}

    def lower(expr: model.Expr, scope: Scope) -> nodes.Expr:
        if isinstance(expr, model.Expectation):
            return draft.expressions.lower(expr.body, scope.bind(names))
        return draft.densities.lower(expr, scope)

    draft.expressions.probabilistic = lower
    return draft.program({"value": draft.expressions.lower(terms, Scope({}))})


def _advance(derived: Derived, phase: model.Phase, drawn: model.Drawn, move: model.Transition) -> nodes.Program:
    """One draw from where the chains are."""
    source = drawn.source
    assert isinstance(source, model.JointSource)
    times = f"{source.power} steps" if source.power > 1 else "one step"
    draft = Draft(derived, f"objective_{phase.label}_advance", f"{times} of {move.name} from each stored chain")
    graph, span = draft.graph, move.span
    state = {i.name: draft.input(i) for i in state_of(move)}
    site = next(s for s, d in sites_of(derived.model) if d is drawn)
    factors = Factors(draft.expressions, streams_of(derived.model))
    count = graph.integer(source.power, span)
    plan = graph.loop("steps", "k", count, dict(state), span, depth=0)
    offset = graph.elementwise("multiply", graph.scalar("step", span), count, span=span)
    number = graph.name(graph.elementwise("add", offset, graph.index_of(plan), span=span), "turn")
    steps = Steps(draft.expressions, factors, number, depth=1, prefix=f"{site}.")
    moved = steps.of(move, dict(zip(state, plan.inside, strict=True)), {})
    after = graph.close(plan, tuple(moved.state[n] for n in state))
    return draft.program(dict(zip(state, after, strict=True)))


def _start(derived: Derived, phase: model.Phase, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, f"objective_{phase.label}_start", f"where the stored chains of {phase.label} start")
    streams = streams_of(derived.model)
    step = draft.graph.scalar("step", move.span)
    return draft.program({i.name: start(draft, i, streams[i.name], step) for i in state_of(move)})
