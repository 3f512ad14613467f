"""Games: is a critic whose means are compared free to take any value, is one whose logarithm is taken positive, does
the generator's loss saturate, and does the generator's phase leave its critic alone?

All is read off the shape of an objective, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator

from gencompiler.checks.checking import Checking, Finding
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof import graph
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.domain import POSITIVE
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.translate import Translation

#: A function whose values are summed in an objective, and the sign it has there.
Signed = tuple[nodes.Call, int]


def check(checking: Checking, opposed: frozenset[str] = frozenset()) -> None:
    """Report critics that are bounded where they must not be, losses that saturate, and generators that move their
    critic; the last not for the objectives in `opposed`, of which that has been said."""
    for training in checking.model.trainings:
        for phase in training.objective.phases:
            _check_logarithms(checking, training, phase)
            _check_bounded(checking, training, phase)
            _check_saturation(checking, training, phase)
            if training.objective.name not in opposed:
                _check_reach(checking, training, phase)


# -- critics ---------------------------------------------------------------------------------------------------------


def _check_bounded(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    """A difference of means of one critic estimates a distance only where the critic is not confined."""
    signs: dict[str, set[int]] = {}
    for call, sign in linear(phase.value, 1):
        signs.setdefault(call.function, set()).add(sign)
    for function in checking.model.functions:
        if signs.get(function.name) != {1, -1} or not _is_updated(checking.model, function, phase):
            continue
        known = _range(checking, function)
        if known is None:
            continue
        message = (
            f"`{training.objective.name}` compares means of `{function.name}`, and its values are confined to {known}"
        )
        also = (Label(function.body.span, f"in {known}"),)
        help_ = ("let it take every value: leave out the function around the network, and declare `-> Real`",)
        notes = ("the difference of means is bounded whatever the two laws are, so it is no distance",)
        checking.report(Finding("G707", message, training.span, "a bounded critic", also, notes, help_))


def _check_logarithms(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    """log C(x) and log(1 - C(x)) need a critic with values in (0, inf), or below 1."""
    functions = {f.name: f for f in checking.model.functions}
    for call, complement in dict.fromkeys(_logarithms(phase.value)):
        critic = functions[call.function]
        term = _body(checking, critic)
        if _is_positive(checking, graph.apply("subtract", graph.literal(1), term) if complement else term):
            continue
        shown = f"1 - {critic.name}" if complement else critic.name
        message = f"`{training.objective.name}` takes log({shown}), and `{shown}` may be 0 or negative"
        also = (Label(critic.body.span, "not shown to be in (0, 1)" if complement else "not shown to be positive"),)
        help_ = ("end it in a function onto (0, 1): `sigmoid(…)`, and declare `-> Unit`",)
        checking.report(Finding("G709", message, training.span, "a logarithm", also, (), help_), unknown=True)


def _logarithms(value: nodes.Expr) -> Iterator[tuple[nodes.Call, bool]]:
    """The calls of which an objective takes the logarithm, and those whose complement it does."""
    for part in walk(value):
        match part:
            case nodes.Apply(function="log", arguments=(nodes.Call() as call,)):
                yield call, False
            case nodes.Apply(
                function="log",
                arguments=(nodes.Apply(function="subtract", arguments=(nodes.Literal(value=1), nodes.Call() as call)),),
            ):
                yield call, True


def _is_positive(checking: Checking, term: Term) -> bool:
    try:
        return range_of(checking.search.range(term).conclusion, term).within(POSITIVE)
    except NotFound:
        return False


def linear(value: nodes.Expr, sign: int) -> Iterator[Signed]:
    """The calls that are summands of an objective, with the signs of their coefficients."""
    match value:
        case nodes.Call():
            yield value, sign
        case nodes.Expectation(body=body) | nodes.Let(body=body):
            yield from linear(body, sign)
        case nodes.Apply(function="add", arguments=(left, right)):
            yield from linear(left, sign)
            yield from linear(right, sign)
        case nodes.Apply(function="subtract", arguments=(left, right)):
            yield from linear(left, sign)
            yield from linear(right, -sign)
        case nodes.Apply(function="negate", arguments=(operand,)):
            yield from linear(operand, -sign)
        case nodes.Apply(function="multiply", arguments=(nodes.Literal(value=factor), other)) if factor:
            yield from linear(other, sign if factor > 0 else -sign)


def _is_updated(model: nodes.Model, function: nodes.Function, phase: nodes.Phase) -> bool:
    """Whether a phase changes the parameters that the function itself owns."""
    paths = {n.path for n in walk(function.body) if isinstance(n, nodes.ParameterReference)}
    networks = {f"{n.path}." for n in walk(function.body) if isinstance(n, nodes.NetworkOutput)}
    return any(p in paths or any(p.startswith(n) for n in networks) for p in phase.parameters)


def _range(checking: Checking, function: nodes.Function) -> str | None:
    """The bounded interval in which a function's values are proven to lie, in words; None where there is none."""
    term = _body(checking, function)
    try:
        known = range_of(checking.search.range(term).conclusion, term)
    except NotFound:
        return None
    return str(known) if float(known.upper) - float(known.lower) < float("inf") else None


def _body(checking: Checking, function: nodes.Function) -> Term:
    """What a function computes, in terms of its inputs."""
    formals = {i.name: symbol("input", i.name, i.type.support, i.type.shape) for i in function.inputs}
    return Translation.of_model(checking.model).binding(formals).term(function.body)


# -- generators ------------------------------------------------------------------------------------------------------


def _check_saturation(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    """Minimising E log(1 - C(x)) over the law of x: its gradient vanishes where the critic rejects every draw."""
    functions = {f.name: f for f in checking.model.functions}
    for expectation in (n for n in walk(phase.value) if isinstance(n, nodes.Expectation)):
        if not any(isinstance(d.source, nodes.JointSource) for d in expectation.draws):
            continue
        for call in (call for call, complement in _logarithms(expectation.body) if complement):
            critic = functions[call.function]
            if phase.maximize or _is_updated(checking.model, critic, phase):
                continue
            name = critic.name
            message = f"`{training.objective.name}` minimizes log(1 - {name}(x)), whose gradient vanishes early"
            notes = (
                f"while `{name}` tells all draws from data, log(1 - {name}) is flat: Goodfellow et al. 2014, section 3",
            )
            help_ = (f"maximize log {name}(x): `train non_saturating({name})`",)
            checking.reporter.add("G708", message, training.span, "saturates", notes=notes, help=help_)


def _check_reach(checking: Checking, training: nodes.Training, phase: nodes.Phase) -> None:
    """A phase in which draws move towards a critic's approval must not move the critic towards the draws as well."""
    alone = [p for p in training.objective.phases if not set(p.update) & _drawn(phase)]
    for critic in checking.model.functions:
        judged = [e for e in walk(phase.value) if isinstance(e, nodes.Expectation) and _judges(e, critic, phase)]
        if not judged or not _is_updated(checking.model, critic, phase):
            continue
        rivals = [p for p in alone if p is not phase and _is_updated(checking.model, critic, p)]
        if not rivals:
            continue
        groups = " and ".join(f"`{g}`" for g in phase.update)
        message = f"phase `{phase.label}` of `{training.objective.name}` updates {groups} towards one end"
        told = f"phase `{rivals[0].label}` trains it to tell them from data"
        notes = (f"`{critic.name}` judges the draws and is moved to approve of them, while {told}",)
        left = [g for g in phase.update if g in _drawn(phase)]
        help_ = (f"leave the critic out: `update {', '.join(left)}`",)
        checking.report(Finding("G715", message, training.span, "reaches its critic", (), notes, help_))


def _drawn(phase: nodes.Phase) -> set[str]:
    """The joints that a phase updates and draws from, with the gradient."""
    sources = (n for n in walk(phase.value) if isinstance(n, nodes.JointSource) and not n.stopped)
    return {s.joint for s in sources} & set(phase.update)


def _judges(expectation: nodes.Expectation, critic: nodes.Function, phase: nodes.Phase) -> bool:
    """Whether a critic is evaluated at draws of what a phase updates."""
    drawn = {
        name
        for d in expectation.draws
        if isinstance(d.source, nodes.JointSource) and d.source.joint in _drawn(phase)
        for name in d.names
    }
    calls = (n for n in walk(expectation.body) if isinstance(n, nodes.Call) and n.function == critic.name)
    return any(n.name in drawn for call in calls for n in walk(call) if isinstance(n, nodes.Reference))
