"""Expectations: `E[draws] body`, and the linear combinations of them that an objective maximises or minimises.

By linearity E[x] (f + c E[y] g) = E[x] f + c E[x, y] g, so an expectation inside another's sum is a term of its own,
over those of the outer draws that it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from gencompiler.diagnostics.model import Label
from gencompiler.model import densities, draws, nodes, unrolled
from gencompiler.model.builder import Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.types import known_shape
from gencompiler.node import Node, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


@dataclasses.dataclass(frozen=True)
class Term:
    """`factor * E[draws] body where locals`"""

    factor: Fraction
    draws: tuple[tree.Equation, ...]
    body: tree.Expr
    locals: tuple[tree.Equation, ...]
    expect: tree.Expect


def value(infer: Infer, context: Context, expr: tree.Expr) -> nodes.Expr:
    """What a phase maximises or minimises: a linear combination of Expectations."""
    terms = list(_terms(infer, context, expr, Fraction(1), (), ()))
    total: nodes.Expr | None = None
    for term in terms:
        found = _expectation(infer, context, term)
        total = _sum(total, term.factor, found)
    assert total is not None
    return total


def _sum(total: nodes.Expr | None, factor: Fraction, term: nodes.Expr) -> nodes.Expr:
    span, type_ = term.span, nodes.Type(nodes.REAL)
    size = abs(factor) if total is not None else factor
    if size == -1:
        term = nodes.Apply(type_, "negate", (term,), span=span)
    elif size != 1:
        term = nodes.Apply(type_, "multiply", (nodes.Literal(type_, size, span=span), term), span=span)
    if total is None:
        return term
    return nodes.Apply(type_, "add" if factor > 0 else "subtract", (total, term), span=total.span.to(span))


# -- taking a sum apart ----------------------------------------------------------------------------------------------


def _terms(
    infer: Infer,
    context: Context,
    expr: tree.Expr,
    factor: Fraction,
    outer: tuple[tree.Equation, ...],
    locals_: tuple[tree.Equation, ...],
) -> Iterator[Term]:
    """The expectations of a linear combination of expectations."""
    match expr:
        case tree.Where(body=body, block=block):
            yield from _terms(infer, context, body, factor, outer, (*locals_, *block.items))
        case tree.Binary(operator="+" | "-" as operator, left=left, right=right):
            yield from _terms(infer, context, left, factor, outer, locals_)
            yield from _terms(infer, context, right, factor if operator == "+" else -factor, outer, locals_)
        case tree.Unary(operator="-", operand=operand):
            yield from _terms(infer, context, operand, -factor, outer, locals_)
        case tree.Binary(operator="*" | "/" as operator, left=left, right=right) if _inside(expr):
            own, rest = (left, right) if _inside(right) and operator == "*" else (right, left)
            scale = _factor(infer, context, own)
            yield from _terms(
                infer, context, rest, factor * scale if operator == "*" else factor / scale, outer, locals_
            )
        case tree.Expect():
            yield from _expect(infer, context, expr, factor, outer, locals_)
        case _ if _inside(expr):
            _report_inside(infer, expr)
        case _:
            infer.builder.report(
                "G704",
                "an objective is an expectation, or a sum of them",
                expr.span,
                "nothing says over which draws",
                help=("write `E[x ~ data] …`",),
            )


def _expect(
    infer: Infer,
    context: Context,
    expr: tree.Expect,
    factor: Fraction,
    outer: tuple[tree.Equation, ...],
    locals_: tuple[tree.Equation, ...],
) -> Iterator[Term]:
    """An expectation: its own part, then the expectations inside its body's sum."""
    body = expr.body
    if isinstance(body, tree.Where):
        locals_ = (*locals_, *body.block.items)
        body = body.body
    hidden = {name for draw in expr.draws for name in draws.targets(draw)}
    kept = tuple(draw for draw in outer if not set(draws.targets(draw)) & hidden)
    every = (*kept, *expr.draws)
    own, inner = _split(body)
    if own is not None:
        if _inside(own):
            _report_inside(infer, own)
        every = tuple(_with_locals(draw, locals_) for draw in every)
        wanted = _needed(infer, context, every, len(kept), _closure(own, locals_))
        yield Term(factor, wanted, own, _reached(own, locals_), expr)
    for sign, part in inner:
        yield from _terms(infer, context, part, factor * sign, every, locals_)


def _split(body: tree.Expr) -> tuple[tree.Expr | None, list[tuple[int, tree.Expr]]]:
    """A sum without the terms that are expectations, and those with their signs."""
    if not _inside(body):
        return body, []
    match body:
        case tree.Binary(operator="+" | "-" as operator, left=left, right=right):
            one, found = _split(left)
            two, more = _split(right)
            sign = 1 if operator == "+" else -1
            found += [(sign * s, e) for s, e in more]
            if one is None and two is not None and sign < 0:
                return tree.Unary("-", two, span=two.span), found
            if one is None or two is None:
                return one if two is None else two, found
            return tree.Binary(operator, one, two, span=body.span), found
        case tree.Unary(operator="-", operand=operand):
            own, found = _split(operand)
            return (tree.Unary("-", own, span=body.span) if own is not None else None), [(-s, e) for s, e in found]
    return None, [(1, body)]


def _inside(expr: Node) -> bool:
    return any(isinstance(n, tree.Expect) for n in walk(expr))


def _factor(infer: Infer, context: Context, expr: tree.Expr) -> Fraction:
    try:
        found = evaluate(expr, context.constants)
    except NotConstant:
        infer.builder.report(
            "G704",
            "the factor of an expectation must be a constant",
            expr.span,
            "not known at compile time",
            help=("move it to the right of `E[…]`, into the expectation",),
        )
    if not isinstance(found, Fraction) or found == 0:
        infer.builder.report("G206", f"the factor of an expectation cannot be {found}", expr.span, f"this is {found}")
    return found


def _report_inside(infer: Infer, expr: tree.Expr) -> NoReturn:
    inner = next(n for n in walk(expr) if isinstance(n, tree.Expect))
    infer.builder.report(
        "G704",
        "an expectation inside a function has no unbiased estimate from draws",
        inner.span,
        "an expectation here",
        also=(Label(expr.span, "inside this"),) if expr.span != inner.span else (),
        help=(
            "an objective is a sum of expectations, each times a constant",
            "for a function of an average over K draws, draw them together: "
            "`E[x ~ data, z[k in K] ~ q(z | x)] log(mean(for k: …))`",
        ),
    )


# -- what a term needs -----------------------------------------------------------------------------------------------


def _names(expr: Node) -> set[str]:
    return {n.id for n in walk(expr) if isinstance(n, tree.Name)}


def _closure(body: tree.Expr, locals_: tuple[tree.Equation, ...]) -> set[str]:
    """The names that a body mentions, itself or through local equations."""
    found = _names(body)
    for item in _reached(body, locals_):
        found |= _names(item.value)
    return found


def _reached(body: tree.Expr, locals_: tuple[tree.Equation, ...]) -> tuple[tree.Equation, ...]:
    """The local equations that a body uses, as written."""
    used = _names(body)
    while True:
        more = [i for i in locals_ if set(draws.targets(i)) & used]
        found = used.union(*(_names(i.value) for i in more))
        if found == used:
            return tuple(more)
        used = found


def _with_locals(draw: tree.Equation, locals_: tuple[tree.Equation, ...]) -> tree.Equation:
    """A draw with the local equations that its distribution mentions."""
    items = _reached(draw.value, locals_)
    if not items:
        return draw
    block = tree.Block(items, span=items[0].span.to(items[-1].span))
    return dataclasses.replace(draw, value=tree.Where(draw.value, block, span=draw.value.span))


def _needed(
    infer: Infer, context: Context, every: tuple[tree.Equation, ...], around: int, used: set[str]
) -> tuple[tree.Equation, ...]:
    """An expectation's own draws, and of the first `around` the ones that something in it mentions."""
    wanted = set(used)
    kept: list[tree.Equation] = []
    for number, draw in reversed(list(enumerate(every))):
        if number >= around or set(draws.targets(draw)) & wanted:
            kept.append(draw)
            wanted |= _read(infer, context, draw)
    return tuple(reversed(kept))


def _read(infer: Infer, context: Context, draw: tree.Equation) -> set[str]:
    """The names whose values a draw reads; left of the bar of a joint stand names of variables, not values."""
    value = draw.value
    if isinstance(value, tree.Call) and densities.head(infer, context, value.function) is not None:
        return {name for argument in value.conditions or () for name in _names(argument)}
    return _names(value)


# -- resolution ------------------------------------------------------------------------------------------------------


def _expectation(infer: Infer, context: Context, term: Term) -> nodes.Expectation:
    """One expectation: its draws in order, then the body with its local equations."""
    inside = context
    drawn: list[nodes.Drawn] = []
    written, written_body = unrolled.unrolled(infer, context, term.draws, term.body)
    for draw in written:
        inside, found = draws.draw(infer, inside, draw)
        drawn.append(found)
    body = written_body
    if term.locals:
        block = tree.Block(term.locals, span=term.locals[0].span.to(term.locals[-1].span))
        body = tree.Where(body, block, span=body.span)
    result = infer.expression(inside, body)
    shape = known_shape(result.type)
    if shape is None:
        from gencompiler.model.types import unify

        unify(result.type, nodes.Type(nodes.REAL))
    elif shape != ():
        infer.builder.report(
            "G201",
            "an objective is a scalar",
            term.body.span,
            f"this has the shape {list(shape)}",
            help=("reduce it: `sum(…)` or `mean(…)`",),
        )
    return nodes.Expectation(nodes.Type(nodes.REAL), tuple(drawn), result, span=term.expect.span)
