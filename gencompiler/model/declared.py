"""Declared types: supports with their constant arguments."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import supports
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.constants import constant, size
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.builder import Builder


def declared_support(builder: Builder, type_: tree.SupportType, constants: dict[str, nodes.Real]) -> nodes.Support:
    """The support a type names, its bounds evaluated."""
    facts = supports.SUPPORTS.get(type_.name.id)
    if facts is None:
        builder.report("G106", f"there is no type `{type_.name.id}`", type_.name.span, "unknown type")
    arguments: list[nodes.Real] = []
    for argument in type_.arguments:
        if argument.value is None or argument.name is not None:
            builder.report("G104", "a type takes plain arguments", argument.span)
        ends = (
            (argument.value.lower, argument.value.upper)
            if isinstance(argument.value, tree.Range)
            else (argument.value,)
        )
        for end in ends:
            value = None if end is None else constant(end, constants, builder.reporter)
            if value is None:
                from gencompiler.model.builder import Abandon

                raise Abandon
            arguments.append(value)
    if len(arguments) != facts.arguments:
        wanted = {0: "no arguments", 1: "one argument", 2: "two arguments"}[facts.arguments]
        message = f"`{type_.name.id}` takes {wanted}"
        help_: tuple[str, ...] = ()
        if not arguments and len(type_.shape) == facts.arguments == 1:  # brackets say how many, not how large
            help_ = (f"the size stands in parentheses, `{type_.name.id}(…)`; brackets make a tensor of them",)
        builder.report("G104", message, type_.span, "wrong number of arguments", help=help_)
    found = nodes.Support(type_.name.id, tuple(arguments))
    _check_bounds(builder, found, type_)
    return found


def _check_bounds(builder: Builder, support: nodes.Support, type_: tree.SupportType) -> None:
    if support.name in ("Interval", "Open", "Integer") and not support.arguments[0] < support.arguments[1]:
        builder.report("G206", f"`{support}` is empty", type_.span, "the lower end is not below the upper")
    sized = ("Category", "Simplex", "Permutation", "Orthogonal", "Invertible", "Lower", "Upper")
    for count in support.arguments if support.name in sized else ():
        if not isinstance(count, Fraction) or count.denominator != 1 or count < 1:
            builder.report("G206", f"`{support}` needs a positive whole number", type_.span, "not a size")


def declared_type(builder: Builder, type_: tree.TypeExpr, constants: dict[str, nodes.Real]) -> nodes.Type:
    """A declared type with constant sizes."""
    if not isinstance(type_, tree.SupportType):
        builder.unsupported("a function or a tuple as a variable", type_.span)
    support = declared_support(builder, type_, constants)
    sizes = [size(s, constants, builder.reporter) for s in type_.shape]
    if any(s is None for s in sizes):
        from gencompiler.model.builder import Abandon

        raise Abandon
    shape = tuple(s for s in sizes if s is not None)
    return nodes.Type(support, (*shape, *supports.own_axes(support.name, support.arguments)))


def fits(builder: Builder, support: nodes.Support, type_: tree.TypeExpr) -> None:
    """A parameter must have a support that an unconstrained tensor can be mapped onto."""
    stored = supports.SUPPORTS[support.name].stored
    if stored is None:
        builder.report(
            "G203",
            f"a parameter cannot be `{support.name}`",
            type_.span,
            "not a parameter's type",
            help=(
                "parameters are Real, Positive, NonNegative, Unit, Interval(a, b), Open(a, b), …",
                *(
                    ("what is counted is a variable with a law: `latent`",)
                    if supports.SUPPORTS[support.name].discrete
                    else ()
                ),
            ),
        )


def holds(builder: Builder, type_: nodes.Type, at: tree.TypeExpr) -> None:
    """A variable has one number for each element, is one order, or has points of a simplex for rows; supports of whole
    matrices are not supported yet."""
    whole = ("Orthogonal", "Invertible", "Lower", "Upper")
    if type_.support.name == "Permutation" and len(type_.shape) > 1:
        builder.unsupported("a tensor of orders", at.span)
    if type_.support.name in whole:
        builder.unsupported(f"a variable of type `{type_.support.name}`", at.span)


def contains(support: nodes.Support, value: nodes.Real) -> bool:
    """Whether a constant is in a support of numbers."""
    if supports.SUPPORTS[support.name].discrete and (not isinstance(value, Fraction) or value.denominator != 1):
        return False
    if support.name in ("NonZero", "Sign") and value == 0:
        return False
    lower, upper, lower_open, upper_open = supports.bounds(support.name, support.arguments)
    above = value > lower or (value == lower and not lower_open)
    below = value < upper or (value == upper and not upper_open)
    return above and below


def must_contain(builder: Builder, condition: nodes.Input, value: nodes.Real, at: Span) -> None:
    """A condition that is a number is one of its declared type."""
    if not contains(condition.type.support, value):
        message = f"`{condition.name}` is in {condition.type.support}, and {value} is not"
        builder.report("G206", message, at, also=(Label(condition.span, "declared here"),))
