"""log of the density that one step of a chain draws data from, given where the chain was: one term of the estimate by
its samples (`runtime.conservative`)."""

from __future__ import annotations

import dataclasses

from gencompiler.derive.density import log_density
from gencompiler.derive.emission import Emission, asked, emission
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.chain_steps import Steps
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.programs import Draft, streams_of


def programs(derived: Derived) -> list[nodes.Program]:
    """The program, where a spec asks for the estimate and the transition has such laws."""
    found = emission(derived.model) if asked(derived.model) is not None else ""
    return [_program(derived, found)] if isinstance(found, Emission) else []


def _program(derived: Derived, own: Emission) -> nodes.Program:
    """log of the laws at data, after the draws that they rest on."""
    move, span = own.transition, own.transition.span
    draft = Draft(derived, "csl", f"log of the density of {{x}} after one more step of {move.name}, given draws of it")
    observed = {v.name: v for v in derived.model.variables if v.role == "observed"}
    data = {f"{name}'": draft.input(v) for name, v in observed.items()}
    names = {
        i.name: draft.input(dataclasses.replace(i, name=f"{i.name}_before"), f"{i.name}_before")
        for i in move.current
        if i.name in observed
    }
    step = draft.graph.scalar("step", span)
    factors = Factors(draft.expressions, streams_of(derived.model))
    steps = Steps(draft.expressions, factors, step, depth=0)
    names = steps.after(move, own.before, {**draft.expressions.givens, **names})
    scope = Scope({**names, **data})
    total = draft.zero
    for law in own.laws:
        event = model.Reference(law.distribution.type, law.name, span=law.span)
        distribution, inside = draft.expressions.distribution(law.distribution, scope)
        term = draft.expressions.lower(log_density(distribution, event), inside)
        total = draft.graph.elementwise("add", total, term, span=span)
    return draft.program({"log_density": total})
