"""Transition operators: a loop over steps whose state is a row of the chain."""

from __future__ import annotations

from gencompiler.derive.acceptance import log_proposal
from gencompiler.derive.density import log_of
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of


def energy(derived: Derived, found: model.Energy) -> nodes.Program:
    """U(x) = -log f(x) of `p(x) ∝ f(x)`."""
    draft = Draft(derived, "energy", "the energy of {x}: -log p({x}) up to an unknown constant")
    variables = {v.name: v for v in derived.model.variables}
    names = {n: draft.input(variables[n]) for n in found.variables}
    value = draft.expressions.lower(log_of(found.value), Scope(names))
    return draft.program({"energy": draft.graph.elementwise("negate", value, span=found.span)})


def sampling_transition(model_: model.Model) -> model.Transition | None:
    """The transition that `sample chain(T)` names, else the first one."""
    moves = {m.name: m for m in model_.transitions}
    for method in model_.methods:
        if method.verb == "sample" and method.name == "chain":
            return moves[str(method.arguments[0].value)]
    return next(iter(moves.values()), None)


def transition(derived: Derived, move: model.Transition) -> list[nodes.Program]:
    """The chain, where it starts, and for an accepted proposal its density and its ratio."""
    programs = [_start(derived, move), _chain(derived, move)]
    if move.name in derived.acceptances:
        programs += [_log_ratio(derived, move), _log_proposal(derived, move)]
    return programs


def _start(derived: Derived, move: model.Transition) -> nodes.Program:
    """Where chains start by default: Normal(0, 1) on the reals."""
    draft = Draft(derived, "start", f"where chains of {move.name} start: Normal(0, 1)")
    streams = streams_of(derived.model)
    step = draft.graph.scalar("step", move.span)
    state = {i.name: draft.graph.draw("normal", streams[i.name], step, i.type.shape, i.span) for i in _moved(move)}
    return draft.program(state)


def _chain(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "chain", f"`steps` steps of {move.name} from each row, numbered from `step`")
    graph = draft.graph
    states = {i.name: draft.input(i) for i in _moved(move)}
    fixed = {i.name: draft.input(i) for i in move.current if i.name not in states}
    plan = graph.loop("steps", "t", draft.scalar("steps"), {**states, "accepted": draft.zero}, move.span, depth=0)
    here = dict(zip(states, plan.inside, strict=False))
    offset = graph.scalar("step", move.span)
    number = graph.name(graph.elementwise("add", offset, graph.index_of(plan), span=move.span), "now")
    moved, taken = _Steps(draft, move, number).run({**here, **fixed})
    nexts = [moved[f"{n}'"] for n in states]
    count = graph.elementwise("add", plan.inside[-1], taken, span=move.span)
    after = graph.close(plan, (*nexts, count))
    outputs = dict(zip((*states, "accepted"), after, strict=True))
    return draft.program(outputs)


class _Steps:
    """One application of a transition."""

    def __init__(self, draft: Draft, move: model.Transition, number: Expr) -> None:
        self.draft = draft
        self.graph = draft.graph
        self.move = move
        self.number = number
        self.factors = Factors(draft.expressions, streams_of(draft.derived.model))

    def run(self, names: dict[str, Expr]) -> tuple[dict[str, Expr], Expr]:
        """The names after the steps, the next state among them, and 1 where a proposal was taken."""
        taken = self.graph.number(1, self.move.span)
        for step in self.move.steps:
            if isinstance(step, model.Draw):
                site = f"{self.move.name}.{step.name}"
                names[step.name] = self.factors.draw(step.distribution, Scope(names), site, self.number)
                self.graph.hints[id(names[step.name])] = step.name
            elif isinstance(step, model.Assign):
                names[step.name] = self.graph.name(self.draft.expressions.lower(step.value, Scope(names)), step.name)
            elif isinstance(step, model.Accept):
                taken = self._accept(step, names)
        for name in self.move.next:
            names.setdefault(name, names[name.rstrip("'")])
        return names, taken

    def _accept(self, step: model.Accept, names: dict[str, Expr]) -> Expr:
        """x' = y where log u < log r; a ratio that is not a number compares false, and rejects."""
        graph, span = self.graph, step.span
        scope = Scope(names)
        streams = streams_of(self.draft.derived.model)
        u = graph.name(graph.draw("uniform", streams[f"{self.move.name}.accept"], self.number, (), span), "u")
        if step.probability is None:
            derived = self.draft.derived.acceptances.get(self.move.name)
            if derived is None:
                raise NotLowered(step.proposals[0], "accepting a proposal without a derived ratio")
            log_ratio = self.draft.expressions.lower(derived.log_ratio, scope)
            graph.name(log_ratio, "log_ratio")
            accept = graph.elementwise("less", graph.elementwise("log", u, span=span), log_ratio, span=span)
        else:
            accept = graph.elementwise("less", u, self.draft.expressions.lower(step.probability, scope), span=span)
        graph.name(accept, "accept")
        for name, proposal in zip(step.names, step.proposals, strict=True):
            value = self.draft.expressions.lower(proposal, scope)
            names[name] = graph.select(accept, value, names[name.rstrip("'")], span)
        return graph.elementwise("indicator", accept, span=span)


def _log_ratio(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "log_ratio", f"log of the Metropolis-Hastings ratio of {move.name} from x to the proposal")
    names = _current_and_proposed(draft, move)
    return draft.program({"log_ratio": draft.expressions.lower(derived.acceptances[move.name].log_ratio, Scope(names))})


def _log_proposal(derived: Derived, move: model.Transition) -> nodes.Program:
    draft = Draft(derived, "log_proposal", f"log density of what {move.name} proposes, given where it stands")
    names = _current_and_proposed(draft, move)
    return draft.program({"log_proposal": draft.expressions.lower(log_proposal(move), Scope(names))})


def _current_and_proposed(draft: Draft, move: model.Transition) -> dict[str, Expr]:
    names = {i.name: draft.input(i) for i in move.current}
    for step in move.steps:
        if isinstance(step, model.Draw):
            names[step.name] = draft.input(model.Input(step.name, step.distribution.type, span=step.span))
    return names


def _moved(move: model.Transition) -> list[model.Input]:
    return [i for i in move.current if f"{i.name}'" in move.next]
