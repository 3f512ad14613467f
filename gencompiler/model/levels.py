"""Levels: values between variables that have names, `h = z |> F`, from which further pipelines go on.

    h2 = z3 |> A            h1 = join(h2, z2) |> B            x = join(h1, z1) |> C

A multiscale flow (Dinh, Sohl-Dickstein & Bengio, Density estimation using Real NVP, ICLR 2017, section 3.6; Kingma &
Dhariwal, Glow, NeurIPS 2018) is written so: x, z1, h1, z2, … determine one another, and p(z1 | h1) is a conditional
like any other.  A level is a latent variable of the type that its pipeline gives.  Any other name with an equation of
its own is a derived quantity, which stands for its formula.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gencompiler.model import nodes, pipelines
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def sources(expr: tree.Expr) -> tuple[tree.Name, ...]:
    """The names that a pipeline starts from, `z` or `join(h, z)`; none where it starts from anything else."""
    if isinstance(expr, tree.Name):
        return (expr,)
    joins = isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name) and expr.function.id == "join"
    if not joins:
        return ()
    assert isinstance(expr, tree.Call)
    named = tuple(a.value for a in expr.arguments if isinstance(a.value, tree.Name) and a.name is None)
    return named if len(named) == len(expr.arguments) and expr.conditions is None else ()


def stated(equations: Iterable[tree.Equation], variables: Iterable[str]) -> list[tree.Equation]:
    """The equations of levels, each after those of the levels that it starts from."""
    piped: dict[str, tree.Equation] = {}
    for equation in equations:
        target = equation.targets[0]
        source, stages = pipelines.flatten(equation.value)
        plain = len(equation.targets) == 1 and equation.relation == "=" and equation.guard is None
        if plain and isinstance(target, tree.Name) and stages and sources(source):
            piped.setdefault(target.id, equation)
    known, found = set(variables), dict[str, tree.Equation]()

    def visit(name: str, under: tuple[str, ...]) -> None:
        for source in sources(pipelines.flatten(piped[name].value)[0]):
            if source.id in piped and source.id not in (*known, *found, *under):
                visit(source.id, (*under, source.id))
                found[source.id] = piped[source.id]

    for name in [name for name in piped if name in known]:
        visit(name, ())
    return list(found.values())


def link(infer: Infer, context: Context, equation: tree.Equation, target: str) -> tuple[nodes.Link, nodes.Type] | None:
    """The pipeline that an equation is, onto `target`, and the type that it ends in; None where it does not start from
    variables."""
    source, exprs = pipelines.flatten(equation.value)
    names = sources(source)
    if not exprs or not names or not all(name.id in infer.builder.variables for name in names):
        return None
    parts = tuple(infer.expression(context, name) for name in names)
    start = parts[0] if len(parts) == 1 else _joined(infer, parts, infer.expression(context, source))
    inside = dataclasses.replace(context, passing=start.type.support)
    stages, shape = pipelines.stages(infer, inside, exprs, known_shape(start.type) or ())
    ends = nodes.Type(pipelines.after(infer, stages, start.type.support), shape)
    return nodes.Link(target, start, stages, span=equation.span), ends


def _joined(infer: Infer, parts: tuple[nodes.Expr, ...], joined: nodes.Expr) -> nodes.Expr:
    """Several variables as what one pipeline starts from: tensors over one support."""
    builder, first = infer.builder, parts[0].type.support
    names = [part.name for part in parts if isinstance(part, nodes.Reference)]
    for part, name in zip(parts, names, strict=True):
        if part.type.support != first:
            message = f"`{names[0]}` is {first} and `{name}` is {part.type.support}: a pipeline takes values of one set"
            builder.report("G403", message, part.span, f"this is {part.type.support}")
        if not known_shape(part.type):
            builder.unsupported("a number among the variables that a pipeline starts from", part.span)
        if names.count(name) > 1:
            message = f"`{name}` stands twice, so that what is joined lies in a plane"
            builder.report("G407", message, part.span, "each variable once")
    return dataclasses.replace(joined, type=nodes.Type(first, known_shape(joined.type) or ()))


class Levels:
    """Declares the levels of a model, and keeps the pipelines that make them."""

    def __init__(
        self,
        infer: Infer,
        context: Context,
        variables: dict[str, nodes.Variable],
        equations: Iterable[tree.Equation],
    ) -> None:
        self.links: list[nodes.Link] = []
        self.equations = stated(equations, variables)
        for equation in self.equations:
            with contextlib.suppress(Abandon):
                self._declare(infer, context, variables, equation)

    def _declare(
        self, infer: Infer, context: Context, variables: dict[str, nodes.Variable], equation: tree.Equation
    ) -> None:
        builder, target = infer.builder, equation.targets[0]
        assert isinstance(target, tree.Name)
        builder.refused.add(target.id)
        found = link(infer, context, equation, target.id)
        if found is None:
            raise Abandon  # it starts from a level that was refused
        made, type_ = found
        variables[target.id] = nodes.Variable(target.id, "latent", type_, span=target.span)
        context.names[target.id] = nodes.Reference(type_, target.id, span=target.span)
        builder.variables.add(target.id)
        builder.latents.add(target.id)
        builder.refused.discard(target.id)
        self.links.append(made)
