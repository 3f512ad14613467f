"""What is asked of SDEs: a stated law to start from, a kernel where one is needed, and times at which it is defined."""

from __future__ import annotations

from collections.abc import Iterator

from gencompiler.checks.checking import Checking, Finding
from gencompiler.derive import diffusions
from gencompiler.derive.substitute import without_lets
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import diffusion_methods as asked
from gencompiler.model import nodes
from gencompiler.node import Node, children, walk
from gencompiler.proof.sde_numbers import is_lost
from gencompiler.proof.text import number


def check(checking: Checking) -> None:
    """Report what a method or an objective asks of an SDE that it does not have."""
    for method in checking.model.methods:
        if asked.option(method, "sde") is not None:
            _method(checking, method)
    for name, who, span in _mentions(checking):
        reason = next((f.reason for f in checking.derived.failures if f.subject == name), "no kernel")
        message = f"{who} needs the kernel of `{name}`, and there is {reason}"
        help_ = (f"state it, to be verified: `claim {name}(x' | x, t) == Normal(…)`",)
        checking.report(Finding("G701", message, span, "needs the law of x(t) given x(0)", help=help_))
    for training in checking.derived.written:
        _times(checking, training)


def _method(checking: Checking, method: nodes.Method) -> None:
    name = str(asked.option(method, "sde"))
    sde = checking.derived.sdes.get(name)
    if sde is None:
        return
    end, start = diffusions.end_of(sde), diffusions.start_of(sde)
    if end is None:
        message = f"`{method.name}` needs a time at which `{name}` ends, and its time is `{sde.time.type.support}`"
        checking.report(Finding("G703", message, method.span, "no end", (Label(sde.span, "runs for ever"),)))
        return
    if asked.cutoff_of(method) >= end - start:
        message = f"the cutoff of `{method.name}` is not below the end of time, {number(end)}"
        checking.report(Finding("G703", message, method.span, f"it is {number(asked.cutoff_of(method))}"))
    _solver(checking, method, sde)
    stated = [t for t in checking.model.terminals if t.variable == sde.state.name]
    if not any(t.time == end for t in stated):
        wanted = f"{sde.state.name}({number(end)})"
        message = f"`{method.name}` starts from the law of `{wanted}`, which nothing states"
        help_ = (f"state it: `p({wanted}) = Normal(0, 1)`",)
        also = tuple(Label(t.span, f"at another time, {number(t.time)}") for t in stated)
        checking.report(Finding("G703", message, method.span, "from where?", also, help=help_))


def _solver(checking: Checking, method: nodes.Method, sde: nodes.Sde) -> None:
    """What the solver of a method asks of its SDE: a kernel, and a calculus that reads it as it is written."""
    solver, why = asked.solver_of(method), asked.needs_kernel(method)
    if why is not None and sde.name not in checking.derived.kernels:
        reason = next((f.reason for f in checking.derived.failures if f.subject == sde.name), "no kernel")
        message = f"{why}, which needs the kernel of `{sde.name}`, and there is {reason}"
        help_ = ("take a Runge-Kutta method, which asks for nothing: `solver = heun`",)
        checking.report(Finding("G703", message, method.span, "needs the law of x(t) given x(0)", help=help_))
    bent = next((n for n in sde.noises if _mentions_state(n.coefficient, sde)), None)
    if solver.calculus == "Stratonovich" and bent is not None:
        message = f"`{solver.name}` solves Stratonovich equations, and the noise of `{sde.name}` depends on the state"
        also = (Label(bent.span, "here the two calculi differ"),)
        notes = ("the reverse equation is derived in Itô's sense; read in the other, its drift lacks ½ g ∂g",)
        help_ = ("take `solver = euler_maruyama`",)
        checking.report(Finding("G609", message, method.span, "another calculus", also, notes, help_))
    if asked.rho_of(method) is not None and asked.steps_of(method) < 2:
        message = "a grid with `rho` has at least 2 steps: the last one leads from `lo` to the data"
        checking.report(Finding("G206", message, method.span, f"steps = {asked.steps_of(method)}"))


def _mentions_state(expr: nodes.Expr, sde: nodes.Sde) -> bool:
    return any(isinstance(n, nodes.Reference) and n.name == sde.state.name for n in walk(expr))


def _mentions(checking: Checking) -> Iterator[tuple[str, str, Span]]:
    """Kernels that are mentioned and could not be put in: which, by whom, and where; once for each."""
    model = checking.model
    known = {t.span: f"`{t.objective.name}`" for t in model.trainings} | {
        f.span: f"`{f.name}`" for f in model.functions
    }
    for part in (*model.trainings, *model.functions):
        names = {s.name for s in model.sdes} - set(checking.derived.kernels)
        for name in dict.fromkeys(_named(part)):
            if name in names:
                yield name, known[part.span], part.span


def _named(part: Node) -> Iterator[str]:
    for node in walk(part):
        if isinstance(node, nodes.Coefficient):
            yield node.sde
        elif isinstance(node, nodes.LogDensity | nodes.JointSource):
            yield node.joint


# -- times -----------------------------------------------------------------------------------------------------------


def _times(checking: Checking, training: nodes.Training) -> None:
    for expectation in walk(training):
        if isinstance(expectation, nodes.Expectation):
            lowest = dict(_uniform(expectation))
            for name, time, span in _targets(expectation):
                if time in lowest and name in checking.derived.kernels:
                    _at_start(checking, name, lowest[time], span)
            _signal_to_noise(checking, expectation)


def _uniform(expectation: nodes.Expectation) -> Iterator[tuple[str, nodes.Real]]:
    """The names that are drawn uniformly, with the lower end."""
    for draw in expectation.draws:
        source = draw.source
        law = source.distribution if isinstance(source, nodes.DistributionSource) else None
        if isinstance(law, nodes.Distribution) and law.family == "Uniform":
            lower = law.arguments[0]
            if isinstance(lower, nodes.Literal):
                yield draw.names[0], lower.value


def _targets(expectation: nodes.Expectation) -> Iterator[tuple[str, str, Span]]:
    """Scores of kernels, with the name of the time at which they are taken."""
    for found in walk(expectation.body):
        if isinstance(found, nodes.DensityGradient):
            for binding in found.density.given:
                if isinstance(binding.value, nodes.Reference):
                    yield found.density.joint, binding.value.name, found.span


def _at_start(checking: Checking, name: str, lower: nodes.Real, span: Span) -> None:
    sde = checking.derived.sdes[name]
    start = diffusions.start_of(sde)
    if lower > start:
        return
    message = (
        f"the score of the kernel of `{name}` is infinite at {sde.time.name} = {number(start)}, where its noise is 0"
    )
    help_ = (f"draw the time above it: `Uniform(time({name}))` starts at the cutoff",)
    checking.report(Finding("G608", message, span, f"its time is drawn from {number(lower)} on", help=help_))


def _names_data_beside_the_signal(expectation: nodes.Expectation) -> bool:
    """Whether something of the data is left where the signal is 0: what is predicted is the data, or the velocity."""
    data = {name for draw in expectation.draws if isinstance(draw.source, nodes.Data) for name in draw.names}

    def left(expr: Node) -> bool:
        if isinstance(expr, nodes.Reference):
            return expr.name in data
        product = expr.arguments if isinstance(expr, nodes.Apply) and expr.function == "multiply" else ()
        if any(isinstance(a, nodes.Coefficient) and a.quantity == "signal" for a in product):
            return False
        return any(left(child) for child in children(expr))

    return left(without_lets(expectation.body))


def _signal_to_noise(checking: Checking, expectation: nodes.Expectation) -> None:
    """A network that predicts the noise from x(t) learns nothing of the data where no signal is left."""
    if _names_data_beside_the_signal(expectation):
        return
    found = next(
        (n for n in walk(expectation.body) if isinstance(n, nodes.Coefficient) and n.quantity == "signal"), None
    )
    sde = checking.derived.sdes.get(found.sde) if found is not None else None
    kernel = checking.derived.kernels.get(found.sde) if found is not None else None
    end = diffusions.end_of(sde) if sde is not None else None
    if found is None or sde is None or kernel is None or end is None:
        return
    scope = diffusions.translation_of(checking.model, sde)
    parts = scope.term(kernel.signal), scope.term(kernel.noise), scope.names[sde.time.name]
    if is_lost(*parts, end):
        when = f"{sde.time.name} = {number(end)}"
        message = f"no signal is left of `{sde.name}` at {when}: predicting the noise says nothing of the data there"
        help_ = ("predict the velocity or the data, or let less noise in",)
        checking.report(Finding("G608", message, found.span, "lost in float32", help=help_))
