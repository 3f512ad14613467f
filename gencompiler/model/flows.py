"""Continuous flows, `x = z |> ode(v)`: the stage of a pipeline, and how its equation is solved.

x is where dx/dt = v(x, t) arrives at t = 1 from z at t = 0 (Chen et al., NeurIPS 2018; Grathwohl et al., ICLR 2019).
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import solvers, words
from gencompiler.catalog.solvers import SOLVERS, TOLERANCE, Solver
from gencompiler.model import definitions, nodes
from gencompiler.model.builder import Context
from gencompiler.model.types import known_shape
from gencompiler.node import Node, children, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The time of a continuous flow.
UNIT = nodes.Support("Interval", (Fraction(0), Fraction(1)))
#: The options of a stage, which a training may state for all of them.
OPTIONS = ("solver", "divergence")
#: Steps of a solver of equal steps where the spec does not say, and attempts of one that chooses them.
STEPS, ATTEMPTS = 20, 200
#: Up to so many dimensions the divergence is exact unless the spec says otherwise.
EXACT_UP_TO = 16


def listed(option: str) -> dict[str, tuple[str, ...]]:
    """What an option may say, each word with its own options."""
    if option == "divergence":
        return words.SDE_WORDS["divergence"]
    known = (SOLVERS[name] for name in solvers.solvers("ode"))
    return {s.name: solvers.ADAPTIVE if s.adaptive else ("steps",) for s in known if not s.exponential}


def stage(infer: Infer, context: Context, expr: tree.Expr, shape: tuple[int, ...]) -> nodes.UseOde:
    """`ode(v, solver = rk4(steps = 20), divergence = hutchinson)`"""
    builder = infer.builder
    arguments = expr.arguments if isinstance(expr, tree.Call) else ()
    plain = [a for a in arguments if a.name is None]
    value = plain[0].value if len(plain) == 1 else None
    definition = builder.definition(context, value.id) if isinstance(value, tree.Name) else None
    if definition is None or definition.kind != "def" or definition.extern:
        builder.report("G104", "`ode(v)` takes a `def` of a state and a time", expr.span, "wrong arguments")
    one_axis(infer, expr, shape)
    assert value is not None
    clock = nodes.Type(UNIT)
    inputs = definition.signature.variables if definition.signature else ()
    if len(inputs) != 2:
        builder.report("G104", f"`{definition.name.id}` is not a function of state and time", plain[0].span)
    given = (
        nodes.Reference(nodes.Type(nodes.REAL, shape), inputs[0].name.id, span=expr.span),
        nodes.Reference(clock, inputs[1].name.id, span=expr.span),
    )
    local = definition.name.id in builder.local_definitions
    own = dataclasses.replace(context, iterations=()) if local else context
    name = definitions.instantiate(infer, own, definition, given, value)
    found = known_shape(builder.functions[name].body.type)
    if found not in (shape, ()):
        message = f"what moves a state of the shape {list(shape)} has its shape"
        builder.report("G201", message, plain[0].span, f"this gives {list(found or ())}")
    options = tuple(option(infer, context, a, "ode", OPTIONS) for a in arguments if a.name is not None)
    return nodes.UseOde(name, shape, options, span=expr.span)


def one_axis(infer: Infer, expr: tree.Expr, shape: tuple[int, ...]) -> None:
    """Report a state of several axes."""
    if len(shape) > 1:
        infer.builder.unsupported("an ODE over several axes", expr.span)


def option(infer: Infer, context: Context, argument: tree.Argument, of: str, known: tuple[str, ...]) -> nodes.Option:
    """How the equation of a stage is solved; `known` is what the stage takes."""
    from gencompiler.model import sde_requests

    assert argument.name is not None
    if argument.name.id not in OPTIONS or argument.value is None:
        sde_requests.unknown(infer, f"`{of}` has no such option", argument, argument.name.id, known)
    return sde_requests.word(infer, context, argument, listed(argument.name.id))


@dataclasses.dataclass(frozen=True)
class Solving:
    """How a stage is solved: `steps` of equal length, or attempts of a solver that keeps to a `tolerance`."""

    solver: Solver
    steps: int
    tolerance: Fraction
    exact: bool


def solving(model: nodes.Model, found: nodes.UseOde) -> Solving:
    """What a stage says, or the default training of it, or the defaults."""
    stated = {o.name: o for o in model.trainings[0].options if o.name in OPTIONS} if model.trainings else {}
    stated |= {o.name: o for o in found.options}
    solver = SOLVERS[str(stated["solver"].value)] if "solver" in stated else SOLVERS["rk4"]
    inner = {o.name: Fraction(o.value) for o in stated["solver"].options} if "solver" in stated else {}
    steps = int(inner.get("steps", ATTEMPTS if solver.adaptive else STEPS))
    small = not found.shape or found.shape[0] <= EXACT_UP_TO
    exact = str(stated["divergence"].value) == "exact" if "divergence" in stated else small
    return Solving(solver, steps, inner.get("tolerance", TOLERANCE), exact)


def evaluations(model: nodes.Model) -> int:
    """How often the fields of a model's pipelines are evaluated, one after the other."""
    found = 0
    left: list[tuple[Node, int]] = [(model, 1)]
    while left:
        tree_, times = left.pop()
        if isinstance(tree_, nodes.UseOde):
            how = solving(model, tree_)
            found += times * how.steps * how.solver.evaluations
        inside = times * tree_.count if isinstance(tree_, nodes.Repeat) else times
        left += [(child, inside) for child in children(tree_)]
    return found


def odes(model: nodes.Model) -> tuple[nodes.UseOde, ...]:
    """The ODEs of a model's pipelines, in order."""
    return tuple(n for n in walk(model) if isinstance(n, nodes.UseOde))
