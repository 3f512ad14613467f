"""The distributions that an objective itself draws from, `u ~ Normal(0, s)` in the brackets of `E[…]`, each with what
the names drawn before it stand for: any value of their supports."""

from __future__ import annotations

from collections.abc import Iterator

from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.structure_rules import event_support
from gencompiler.proof.translate import Translation


def own_draws(model: nodes.Model) -> Iterator[tuple[str, nodes.Expr, Translation]]:
    """Each distribution, what it is called in a certificate, and the scope that it stands in."""
    variables = {v.name: v for v in model.variables}
    for training in model.trainings:
        seen: set[str] = set()
        for phase in training.objective.phases:
            for part in walk(phase.value):
                if not isinstance(part, nodes.Expectation):
                    continue
                inside = Translation.of_model(model)
                for draw in part.draws:
                    subject = f"{training.objective.name}: {draw.names[0]} in {phase.label}"
                    if isinstance(draw.source, nodes.DistributionSource) and subject not in seen:
                        seen.add(subject)
                        yield subject, draw.source.distribution, inside
                    inside = inside.binding(_drawn(draw, variables))


def _drawn(draw: nodes.Drawn, variables: dict[str, nodes.Variable]) -> dict[str, Term]:
    """What the names of a draw stand for; K draws have an axis more."""
    own = [variables[name].type for name in draw.variables if name in variables]
    if isinstance(draw.source, nodes.DistributionSource):
        own = [draw.source.distribution.type]
    more = (draw.particles[1],) if draw.particles is not None else ()
    return {
        name: symbol("draw", name, type_.support, (*more, *type_.shape))
        for name, type_ in zip(draw.names, own, strict=False)
    }


def own_support(distribution: nodes.Distribution, arguments: tuple[Term, ...]) -> nodes.Support:
    """What a family gives to a draw that no declaration speaks of."""
    try:
        return event_support(distribution.family, distribution.form, arguments)
    except Unproved:
        return distribution.type.support
