"""Phases of an objective: for each one program that gives its value for every row of a batch.

The value is one draw of each expectation, so that its mean over rows is an unbiased estimate, and its gradient an
unbiased estimate of the gradient: pathwise through samplers that are differentiable, as the spec says elsewhere.
"""

from __future__ import annotations

from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.rows import nodes, stored
from gencompiler.rows.draws import Draws
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, sites_of


def objectives(derived: Derived) -> list[nodes.Program]:
    """A program `objective_LABEL` for each phase of the default training that `log_prob` does not compute."""
    trainings = derived.model.trainings
    phases = trainings[0].objective.phases if trainings else ()
    found = [_program(derived, phase) for phase in phases if not is_log_prob(phase.value)]
    for phase in phases:
        found += stored.programs(derived, phase)
    return found


def _program(derived: Derived, phase: model.Phase) -> nodes.Program:
    draft_, outputs = draft(derived, phase)
    return draft_.program(outputs)


def is_log_prob(value: model.Expr) -> bool:
    """`E[x ~ data] log p(x)`: what the program `log_prob` computes."""
    if not isinstance(value, model.Expectation) or not isinstance(value.body, model.LogDensity):
        return False
    density, drawn = value.body, [draw for draw in value.draws if isinstance(draw.source, model.Data)]
    names = {name: variable for draw in drawn for name, variable in zip(draw.names, draw.variables, strict=True)}
    own = all(isinstance(b.value, model.Reference) and names.get(b.value.name) == b.name for b in density.targets)
    return density.joint == "p" and own and not density.given and len(value.draws) == len(drawn) == 1


def draft(derived: Derived, phase: model.Phase) -> tuple[Draft, dict[str, Expr]]:
    """The program of one phase under construction, and its value."""
    title = f"the value that {phase.label} {'maximizes' if phase.maximize else 'minimizes'}, by one draw for each row"
    made = Draft(derived, f"objective_{phase.label}", title)
    data = {v.name: made.input(v) for v in derived.model.variables if v.role == "observed"}
    sites = {id(draw): site for site, draw in sites_of(derived.model)}
    own = stored.without_chains(phase.value)
    if own is None:
        raise NotLowered(phase.value, "an objective of stored chains alone")
    value = Phase(made, data, sites).value(own)
    if value.type.shape or value.type.particles > 1:
        raise NotLowered(phase.value, "an objective that is no scalar")
    return made, {"value": value}


class Phase:
    """The value of one phase, lowered; `sites` name the draws by identity."""

    def __init__(self, draft: Draft, data: dict[str, Expr], sites: dict[int, str]) -> None:
        self.expressions = draft.expressions
        self.expressions.probabilistic = self._lower
        self.densities = draft.densities
        self.draws = Draws(self.densities, data)
        self.sites = sites

    def value(self, expr: model.Expr) -> Expr:
        return self.expressions.lower(expr, Scope({}))

    def _lower(self, expr: model.Expr, scope: Scope) -> Expr:
        match expr:
            case model.Expectation(draws=draws, body=body):
                for drawn in draws:
                    scope = self.draws.draw(drawn, scope, self.sites[id(drawn)])
                return self.expressions.lower(body, scope)
        return self.densities.lower(expr, scope)
