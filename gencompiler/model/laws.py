"""Distributions of the catalogue as right-hand sides of conditionals: which form, and parameters of which shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import distributions
from gencompiler.catalog.supports import SUPPORTS, bounds, values_in
from gencompiler.diagnostics.model import Label
from gencompiler.model import calls, deterministic, mixtures, nodes, pipelines, sdes, user_densities
from gencompiler.model.builder import Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def law(infer: Infer, context: Context, expr: tree.Expr, event: nodes.Type) -> nodes.Expr:
    """The right-hand side of `p(x | …) = …`, for an event of type `event`: a distribution, or one piped through
    maps."""
    if isinstance(expr, tree.Where):
        return infer.where(context, expr, lambda inside, body: law(infer, inside, body, event))
    if isinstance(expr, tree.Binary) and expr.operator == "|>":
        return _pushed(infer, context, expr, event)
    return distribution(infer, context, expr, event)


def _pushed(infer: Infer, context: Context, expr: tree.Binary, event: nodes.Type) -> nodes.Expr:
    """`Normal(m, s) |> F |> G`"""
    source, exprs = pipelines.flatten(expr)
    base = distribution(infer, context, source, nodes.Type(nodes.REAL, event.shape))
    base = with_type(base, nodes.Type(event_support(base), event.shape))
    inside = dataclasses.replace(context, passing=base.type.support)
    stages, shape = pipelines.stages(infer, inside, exprs, event.shape)
    if shape != event.shape:
        message = f"the maps give the shape {list(shape)}, and one event has {list(event.shape)}"
        infer.builder.report("G407", message, expr.span, "does not fit")
    return nodes.Pushed(event, base, stages, span=expr.span)


def distribution(infer: Infer, context: Context, expr: tree.Expr, event: nodes.Type) -> nodes.Expr:
    """A distribution by its name, for an event of type `event`."""
    if isinstance(expr, tree.Where):
        return infer.where(context, expr, lambda inside, body: distribution(infer, inside, body, event))
    if isinstance(expr, tree.Binary) and expr.operator == "|>":
        infer.builder.unsupported("a distribution piped through a map, anywhere but in a conditional,", expr.span)
    if not isinstance(expr, tree.Call) or not isinstance(expr.function, tree.Name):
        infer.builder.report(
            "G103",
            "a distribution is needed here",
            expr.span,
            "not a distribution",
            help=("write e.g. `Normal(mean, scale)`",),
        )
    name = expr.function.id
    if name in infer.builder.definitions and infer.builder.definitions[name].kind == "density":
        return user_densities.distribution(infer, context, expr, infer.builder.definitions[name], event)
    if name == "Mixture":
        return mixtures.mixture(infer, context, expr, event)
    if name in distributions.PLANNED:
        infer.builder.unsupported(f"the distribution `{name}`", expr.span)
    if name in ("p", "q") or expr.conditions is not None:
        infer.builder.unsupported(f"a draw from the joint `{name}`", expr.span)
    if name not in distributions.DISTRIBUTIONS:
        infer.builder.report(
            "G103",
            f"`{name}` is not a distribution",
            expr.function.span,
            "a distribution is needed here",
            help=nearest(name, frozenset(distributions.DISTRIBUTIONS)),
        )
    family = distributions.DISTRIBUTIONS[name]
    form, values = _form(infer, context, expr, family, event)
    if family.atom:
        values = tuple(deterministic.numeric(infer, v) for v in values)
    if form.joint:
        values = _of_each(infer, name, values, event)
    for value, (label, _) in zip(values, form.parameters, strict=True):
        if label in form.vectors:
            _check_vector(infer, name, label, value, event)
            continue
        shape = known_shape(value.type)
        if shape != () and not unify(value.type, event):
            infer.builder.report(
                "G201",
                f"`{label}` has the shape {list(shape or ())}, and one event has {list(event.shape)}",
                value.span,
                "does not fit the event",
            )
    return nodes.Distribution(event, name, form.name, values, span=expr.span)


def _form(
    infer: Infer, context: Context, expr: tree.Call, family: distributions.Family, event: nodes.Type
) -> tuple[distributions.Form, tuple[nodes.Expr, ...]]:
    """The parameterisation that the argument names pick, and the arguments in its order."""
    named = {a.name.id: a for a in expr.arguments if a.name is not None}
    plain = sdes.expanded(infer, context, [a for a in expr.arguments if a.name is None])
    if expr.conditions is not None:
        infer.builder.unsupported("a density applied to a value", expr.span)
    infer.builder.every(named.items(), lambda item: _check_label(infer, family, *item))
    ranged = next((a.value for a in plain if isinstance(a.value, tree.Range)), None)
    if ranged is not None:
        return _over_range(infer, context, family, ranged, len(expr.arguments))
    if not expr.arguments and event.support.name == "Permutation" and any(f.sorts for f in family.forms):
        form = next(f for f in family.forms if f.sorts)
        return form, (_number(Fraction(event.support.arguments[0]), expr),)
    forms = [form for form in family.forms if not form.sorts]
    for form in forms:
        names = [p for p, _ in form.parameters]
        own = [n for n in names if n not in _ends_of(form)]
        for stated in (names, own):  # the ends of the event may be left to the variable
            chosen = _assigned(stated, plain, named)
            if chosen is None:
                continue
            ends = _ends(infer, expr, family, event) if len(stated) < len(names) else {}
            pairs = infer.builder.every(chosen.items(), lambda c: (c[0], calls.argument_value(infer, context, c[1])))
            values = {**ends, **dict(pairs)}
            return form, tuple(values[n] for n in names)
    shown = ((p for p, _ in form.parameters if p not in _ends_of(form)) for form in forms)
    wanted = " or ".join(f"`{family.name}({', '.join(names)})`" for names in shown)
    return infer.builder.report(
        "G104",
        f"these are not the parameters of `{family.name}`",
        expr.span,
        f"wanted {wanted}",
        also=tuple(Label(a.span) for a in named.values()),
    )


def _assigned(
    names: list[str], plain: Sequence[tree.Argument], named: dict[str, tree.Argument]
) -> dict[str, tree.Argument] | None:
    """The argument of each parameter, in their order; None where there are others, or too few or many."""
    rest = [n for n in names if n not in named]
    if not set(named) <= set(names) or len(rest) != len(plain):
        return None
    given = {**dict(zip(rest, plain, strict=True)), **named}
    return {n: given[n] for n in names}


def _over_range(
    infer: Infer, context: Context, family: distributions.Family, range_: tree.Range, count: int
) -> tuple[distributions.Form, tuple[nodes.Expr, ...]]:
    """`Uniform(a..b)`: the whole numbers a, …, b - 1."""
    form = next((f for f in family.forms if _ends_of(f) == tuple(name for name, _ in f.parameters)), None)
    if form is None or count > 1 or range_.lower is None or range_.upper is None:
        infer.builder.unsupported("a range as the parameter of this distribution", range_.span)
    low, high = (_end(infer, context, e, range_) for e in (range_.lower, range_.upper))
    if not (isinstance(low, Fraction) and isinstance(high, Fraction) and low.denominator == high.denominator == 1):
        infer.builder.report("G206", "the ends of a range are whole numbers", range_.span, "not whole")
    if low >= high:
        infer.builder.report("G206", "there is nothing in this range", range_.span, "empty")
    return form, tuple(_number(e, range_) for e in (low, high))


def _end(infer: Infer, context: Context, end: tree.Expr, range_: tree.Range) -> nodes.Real:
    """An end of a range: a constant, or what is one for this model, `size(x)`."""
    try:
        return evaluate(end, context.constants)
    except NotConstant:
        found = infer.expression(context, end)
    if isinstance(found, nodes.Reference):
        found = context.values.get(found.name, found)
    if not isinstance(found, nodes.Literal):
        infer.builder.unsupported("a range of numbers that are not known at compile time", range_.span)
    return found.value


def _number(value: Fraction, at: tree.Expr) -> nodes.Literal:
    return nodes.Literal(nodes.Type(nodes.REAL), value, span=at.span)


def _ends_of(form: distributions.Form) -> tuple[str, ...]:
    """The parameters that a use leaves out: the ends of a range of integers, which are those of the variable."""
    return form.support_arguments if form.support == "Integer" else ()


def _ends(infer: Infer, expr: tree.Call, family: distributions.Family, event: nodes.Type) -> dict[str, nodes.Expr]:
    """The lowest value of a finite variable and the number after its highest, as `Uniform()` has them."""
    form = next(f for f in family.forms if _ends_of(f))
    size = values_in(event.support.name, event.support.arguments) if SUPPORTS[event.support.name].discrete else None
    if event.support.name == "Sign":
        infer.builder.unsupported(f"`{family.name}()` over `{event.support}`", expr.span)
    if size is None:
        return infer.builder.report(
            "G502",
            f"`{event.support}` has infinitely many values, and `{family.name}` is over finitely many",
            expr.span,
            "not a finite set",
        )
    lower = Fraction(bounds(event.support.name, event.support.arguments)[0])
    ends = (lower, lower + size)
    literals = (nodes.Literal(nodes.Type(nodes.REAL), end, span=expr.span) for end in ends)
    return dict(zip(_ends_of(form), literals, strict=True))


def _check_vector(infer: Infer, family: str, label: str, value: nodes.Expr, event: nodes.Type) -> None:
    """A parameter with a number for each value of a scalar event; one of open size has as many as there are values."""
    if not unify(event, nodes.Type(nodes.REAL)):
        infer.builder.unsupported(f"a `{family}` for the elements of a tensor at once", value.span)
    size = values_in(event.support.name, event.support.arguments)
    if known_shape(value.type) is None and size is not None:
        unify(value.type, nodes.Type(nodes.REAL, (size,)))
    shape = known_shape(value.type)
    if shape is not None and len(shape) != 1:
        shown = f"the shape {list(shape)}" if shape else "no axis"
        infer.builder.report(
            "G201",
            f"`{label}` has one number for each value, and this has {shown}",
            value.span,
            f"`{label}` of `{family}` is a vector",
        )


def _of_each(infer: Infer, family: str, values: tuple[nodes.Expr, ...], event: nodes.Type) -> tuple[nodes.Expr, ...]:
    """The parameters of a distribution of a whole vector: a number is that of each of its elements."""
    if len(event.shape) != 1:
        shown = f"{list(event.shape)}" if event.shape else "no axis"
        infer.builder.report(
            "G201",
            f"an event of `{family}` is one vector, and this one has {f'the shape {shown}' if event.shape else shown}",
            values[0].span,
            "of which vector?",
            help=("state it row by row: `p(w[n]) = …`",) if event.shape else (),
        )
    (extent,) = event.shape
    return tuple(
        nodes.Each(nodes.Type(nodes.REAL, (extent,)), f"{family} element", extent, value, span=value.span)
        if known_shape(value.type) == ()
        else value
        for value in values
    )


def _check_label(infer: Infer, family: distributions.Family, label: str, argument: tree.Argument) -> None:
    known = frozenset(p for form in family.forms for p, _ in form.parameters)
    if label not in known:
        infer.builder.report(
            "G104",
            f"`{family.name}` has no parameter called `{label}`",
            argument.span,
            "unknown parameter",
            help=nearest(label, known) or (f"it has {', '.join(f'`{k}`' for k in sorted(known))}",),
        )


def by_a_vector(distribution: nodes.Expr) -> bool:
    """Whether a distribution has a parameter with a number for each of its values."""
    while isinstance(distribution, nodes.Let):
        distribution = distribution.body
    if not isinstance(distribution, nodes.Distribution) or distribution.family not in distributions.DISTRIBUTIONS:
        return False
    forms = distributions.DISTRIBUTIONS[distribution.family].forms
    return any(form.vectors for form in forms if form.name == distribution.form)


def with_type(distribution: nodes.Expr, type_: nodes.Type) -> nodes.Expr:
    """A distribution on events of another type."""
    if isinstance(distribution, nodes.Let):
        return dataclasses.replace(distribution, body=with_type(distribution.body, type_), type=type_)
    return dataclasses.replace(distribution, type=type_)


def event_support(distribution: nodes.Expr) -> nodes.Support:
    """The support of a distribution's events, with its ends where they are numbers."""
    while isinstance(distribution, nodes.Let):
        distribution = distribution.body
    assert isinstance(distribution, nodes.Distribution)
    family = distributions.DISTRIBUTIONS[distribution.family]
    form = next(f for f in family.forms if f.name == distribution.form)
    named = dict(zip((n for n, _ in form.parameters), distribution.arguments, strict=True))
    ends = [named[n] for n in form.support_arguments]
    if form.vectors:
        shape = known_shape(named[form.vectors[0]].type)
        return nodes.Support("Category", (Fraction(shape[0]),)) if shape else nodes.REAL
    own = form.support or family.support
    if SUPPORTS[own].arguments and not (ends and all(isinstance(e, nodes.Literal) for e in ends)):
        return nodes.REAL
    return nodes.Support(own, tuple(e.value for e in ends if isinstance(e, nodes.Literal)))
