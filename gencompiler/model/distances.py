"""`requires` of a density: `density F(x : Positive | a : Positive, b : Positive) requires a > b = …`.

A condition that has to be above (or below) an expression of the others is kept as its distance from it, d > 0, so that
a = b + d (or b - d) is what the formula reads, for every d: what is proved of the density is proved where it is
required, and that a use fulfils it is what is asked of any argument, that d = a - b is positive.

A support of `a` must not say more than that, or else values that `a` cannot have would be asked about: it is Real, or
Positive (or NonNegative) where `a` is above what is made of such numbers by sums, products and quotients."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The support of a distance, by the comparison.
_SUPPORTS = {">": "Positive", "<": "Positive", ">=": "NonNegative", "<=": "NonNegative"}
_GROWING = ("Positive", "NonNegative", "Unit")


@dataclasses.dataclass(frozen=True)
class Distance:
    """How far a condition is above `other`, or below it."""

    name: str
    other: tree.Expr
    above: bool
    support: nodes.Support

    @property
    def label(self) -> str:
        """What the distance is called in counterexamples: `a - b`, or without the other side where it has a point."""
        if isinstance(self.other, tree.Name):
            return f"{self.name} - {self.other.id}" if self.above else f"{self.other.id} - {self.name}"
        return f"{self.name} beyond its bound"

    def value(self, infer: Infer, context: Context, distance: nodes.Expr) -> nodes.Expr:
        """The condition at a distance."""
        text = "o + d" if self.above else "o - d"
        return _written(infer, context, self.other, text, self.other.span, d=distance)

    def of(self, infer: Infer, context: Context, value: nodes.Expr) -> nodes.Expr:
        """The distance of a condition that has this value; `context` has those of the others."""
        return _written(infer, context, self.other, "d - o" if self.above else "o - d", value.span, d=value)


def distances(infer: Infer, definition: tree.Definition, conditions: tuple[tree.ParameterDecl, ...]) -> list[Distance]:
    """The conditions of a density that are kept as distances, one for each comparison that it requires."""
    declared = {c.name.id: c for c in conditions}
    found: dict[str, Distance] = {}
    for part in _parts(definition.requires):
        distance = next((d for d in _readings(part, declared) if _is_free(d, declared)), None)
        if distance is None or distance.name in found:
            infer.builder.unsupported(
                "a requirement of a density other than one bound for a condition",
                part.span,
                "write `a > b`, of an `a : Real`, or of a positive one above what is positive",
            )
        found[distance.name] = distance
    for distance in found.values():
        if mentioned(distance.other) & found.keys():
            infer.builder.unsupported("a bound of a condition that has a bound itself", distance.other.span)
    return list(found.values())


def _parts(requires: tree.Expr | None) -> list[tree.Expr]:
    if requires is None:
        return []
    if isinstance(requires, tree.Binary) and requires.operator == "and":
        return [*_parts(requires.left), *_parts(requires.right)]
    return [requires]


def _readings(part: tree.Expr, declared: dict[str, tree.ParameterDecl]) -> list[Distance]:
    """A comparison as a bound for its left side, and as one for its right side."""
    if not isinstance(part, tree.Binary) or part.operator not in _SUPPORTS:
        return []
    name, larger = _SUPPORTS[part.operator], part.operator.startswith(">")
    sides = ((part.left, part.right, larger), (part.right, part.left, not larger))
    return [
        Distance(own.id, other, above, nodes.Support(name))
        for own, other, above in sides
        if isinstance(own, tree.Name) and own.id in declared and own.id not in mentioned(other)
    ]


def _is_free(distance: Distance, declared: dict[str, tree.ParameterDecl]) -> bool:
    """Whether every distance gives the condition a value of its declared type, and those it is compared with are
    numbers."""
    if any(n in declared and declared[n].type is not None and _sized(declared[n]) for n in mentioned(distance.other)):
        return False
    own = declared[distance.name].type
    if not isinstance(own, tree.SupportType) or own.shape:
        return False
    if own.name.id == "Real":
        return True
    strict = own.name.id == "NonNegative" or distance.support.name == "Positive"
    return own.name.id in ("Positive", "NonNegative") and distance.above and strict and _grows(distance.other, declared)


def _sized(declaration: tree.ParameterDecl) -> bool:
    return not isinstance(declaration.type, tree.SupportType) or bool(declaration.type.shape)


def _grows(expr: tree.Expr, declared: dict[str, tree.ParameterDecl]) -> bool:
    """Whether an expression is nowhere negative, by its form and the declared types."""
    if isinstance(expr, tree.Number):
        return expr.value >= 0
    if isinstance(expr, tree.Name):
        own = declared[expr.id].type if expr.id in declared else None
        return isinstance(own, tree.SupportType) and own.name.id in _GROWING
    return (
        isinstance(expr, tree.Binary)
        and expr.operator in ("+", "*", "/")
        and all(_grows(e, declared) for e in (expr.left, expr.right))
    )


def mentioned(expr: tree.Expr) -> set[str]:
    """The names in an expression."""
    return {n.id for n in walk(expr) if isinstance(n, tree.Name)}


def _written(infer: Infer, context: Context, other: tree.Expr, text: str, at: Span, **names: nodes.Expr) -> nodes.Expr:
    from gencompiler.model.formula import formula, placed  # which resolves formulas, and so needs all of this package

    return placed(formula(text, o=infer.expression(context, other), **names), at)
