"""Importance weights: are normalised ones held constant, are there two of them, and what does their number cost?

All is read off the shape of an objective: a softmax of log densities is a vector of self-normalised weights, whatever
it is called, and a `logmeanexp` over particles is the bound of Burda, Grosse & Salakhutdinov (2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from gencompiler.checks.checking import Checking, Finding
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.groups import reached
from gencompiler.node import Node, children, walk

#: From how many particles on the gradient that reaches the proposal through the bound is mostly noise: its ratio of
#: signal to noise falls as 1/sqrt(K) (Rainforth et al., ICML 2018, theorem 1).
MANY = 100

#: In how many dimensions draws from the prior still meet the posterior: the relative variance of the estimate grows
#: exponentially with them (MacKay 1995, section 4, stays at two).
FEW_DIMENSIONS = 8


def check(checking: Checking) -> None:
    """Report the misuses of importance weights in every phase."""
    for training in checking.model.trainings:
        for phase in training.objective.phases:
            for part in walk(phase.value):
                if isinstance(part, nodes.Expectation):
                    _check_constant(checking, training, phase, part)
                    _check_single(checking, training, part)
                    _check_many(checking, training, phase, part)
                    _check_prior(checking, training, part)


# -- normalised weights ----------------------------------------------------------------------------------------------


def _check_constant(
    checking: Checking, training: nodes.Training, phase: nodes.Phase, expectation: nodes.Expectation
) -> None:
    """A gradient through normalised weights is that of no bound: they stand for the posterior, which is given."""
    uses = list(_open_weights(expectation.body, frozenset()))
    if not (uses and any(d.particles for d in expectation.draws) and _updated(checking, phase, expectation)):
        return
    message = f"the gradient of `{training.objective.name}` passes through normalised importance weights"
    notes = ("they stand for the posterior at the current parameters; what is followed is the gradient of no bound",)
    help_ = ("hold them constant: `stop(…)` around the weight",)
    also = _inside(training, uses[0], "this weight is not constant")
    checking.report(Finding("G710", message, training.span, "weights with a gradient", also, notes, help_))


def _check_single(checking: Checking, training: nodes.Training, expectation: nodes.Expectation) -> None:
    """One draw's normalised weight is 1."""
    alone = [d.particles[0] for d in expectation.draws if d.particles is not None and d.particles[1] == 1]
    found = [p for p in walk(expectation.body) if isinstance(p, nodes.Expr) and _normalises(p)]
    if not alone or not found:
        return
    message = f"`{training.objective.name}` normalises the weight of a single draw, which makes it 1"
    notes = ("the draw then counts as one from the posterior, and `q` learns from its own draws: nothing",)
    help_ = ("draw two or more: `K = 5`",)
    also = _inside(training, found[0], "the only weight")
    checking.report(Finding("G711", message, training.span, "one draw", also, notes, help_))


def _open_weights(value: Node, names: frozenset[str]) -> Iterator[nodes.Expr]:
    """Where normalised weights, or one of `names` that holds them, are used outside `stop(…)`."""
    if isinstance(value, nodes.Apply) and value.function == "stop":
        return
    if isinstance(value, nodes.Expr) and (
        _normalises(value) or (isinstance(value, nodes.Reference) and value.name in names)
    ):
        yield value
    elif isinstance(value, nodes.Let):
        for binding in value.bindings:
            names = names | {binding.name} if any(_open_weights(binding.value, names)) else names - {binding.name}
        yield from _open_weights(value.body, names)
    else:
        for child in children(value):
            yield from _open_weights(child, names)


def _normalises(value: Node) -> bool:
    """Whether this is exp(a - logsumexp(a)), a softmax, of something that reads a log density."""
    if not isinstance(value, nodes.Let):
        return False
    match value.body:
        case nodes.Apply(
            function="exp",
            arguments=(
                nodes.Apply(function="subtract", arguments=(one, nodes.Reduce(operation="logsumexp", operand=other))),
            ),
        ) if one == other:
            return any(isinstance(n, nodes.LogDensity) for b in value.bindings for n in walk(b.value))
    return False


# -- how many ---------------------------------------------------------------------------------------------------------


def _check_many(
    checking: Checking, training: nodes.Training, phase: nodes.Phase, expectation: nodes.Expectation
) -> None:
    """Through the bound itself the proposal learns less, the more particles there are."""
    if not any(_averages(part) for part in walk(expectation.body)):
        return
    for drawn in expectation.draws:
        source = drawn.source
        if drawn.particles is None or drawn.particles[1] <= MANY or not isinstance(source, nodes.JointSource):
            continue
        if source.stopped or source.joint not in phase.update or source.joint == "p":
            continue
        name, count = source.joint, drawn.particles[1]
        message = f"with {count} particles the gradient of `{training.objective.name}` in `{name}` is mostly noise"
        notes = ("its ratio of signal to noise falls as 1/sqrt(K): Rainforth et al. 2018, theorem 1",)
        help_ = (f"estimate it doubly reparameterized: `train iwae_dreg(K = {count})`",)
        checking.report(Finding("G712", message, training.span, "many particles", (), notes, help_))


def _check_prior(checking: Checking, training: nodes.Training, expectation: nodes.Expectation) -> None:
    """Draws from the prior seldom meet the posterior in many dimensions."""
    if not any(_averages(part) for part in walk(expectation.body)):
        return
    shapes = {v.name: v.type.shape for v in checking.model.variables}
    for drawn in expectation.draws:
        source = drawn.source
        if drawn.particles is None or not isinstance(source, nodes.JointSource) or source.given:
            continue
        dimensions = sum(math.prod(shapes[name]) for name in drawn.variables if name in shapes)
        if source.joint != "p" or dimensions <= FEW_DIMENSIONS:
            continue
        message = f"`{training.objective.name}` estimates an integral over {dimensions} dimensions from the prior"
        notes = ("their weights' relative variance grows exponentially with the dimensions: few draws count",)
        help_ = ("state `q(z | x)` and `train iwae`, or keep the latent space small",)
        checking.report(Finding("G713", message, training.span, "drawn from the prior", (), notes, help_))


def _averages(part: Node) -> bool:
    return isinstance(part, nodes.Reduce) and part.operation == "logmeanexp"


# -- where -----------------------------------------------------------------------------------------------------------


def _updated(checking: Checking, phase: nodes.Phase, expectation: nodes.Expectation) -> bool:
    """Whether the phase changes something that the body depends on."""
    return bool(reached(checking.model, (expectation.body,)) & set(phase.parameters))


def _inside(training: nodes.Training, part: nodes.Expr, words: str) -> tuple[Label, ...]:
    """A mark at a part of the objective, where the user wrote it."""
    return (Label(part.span, words),) if part.span.source == training.span.source else ()
