"""Guards: `p(z[t]) = Normal(0, 1) if t == 0` states an equation for some values of its indices.

A guard compares an index with a constant, or is several such comparisons joined by `and`; what is left are the places
between two ends, as everywhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.model.builder import Context, IndexInfo
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: Each comparison with its sides exchanged.
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def narrow(infer: Infer, context: Context, guard: tree.Expr, indices: Sequence[IndexInfo]) -> None:
    """Let indices run only where `guard` holds."""
    if isinstance(guard, tree.Binary) and guard.operator == "and":
        narrow(infer, context, guard.left, indices)
        narrow(infer, context, guard.right, indices)
        return
    found = _comparison(context, guard, indices)
    if found is None:
        infer.builder.unsupported(
            "a guard that does not compare an index of the head with a constant",
            guard.span,
            "write one such as `if t > 0`, or choose a value: `if … then … else …`",
        )
    index, operator, number = found
    assert index.extent is not None
    match operator:
        case "<" | "<=":
            index.extent = min(index.extent, math.ceil(number) if operator == "<" else math.floor(number) + 1)
        case ">" | ">=":
            index.start = max(index.start, math.floor(number) + 1 if operator == ">" else math.ceil(number))
        case "==":
            index.start = max(index.start, math.ceil(number))
            index.extent = min(index.extent, math.floor(number) + 1)
        case "!=":
            if number == index.start:
                index.start += 1
            elif number == index.extent - 1:
                index.extent -= 1
            elif index.start < number < index.extent and number.denominator == 1:
                infer.builder.unsupported("a guard that leaves out a place in the middle", guard.span)
    if index.extent <= index.start:
        message = f"no value of `{index.name}` satisfies this guard"
        infer.builder.report("G204", message, guard.span, "runs over nothing")


def _comparison(
    context: Context, guard: tree.Expr, indices: Sequence[IndexInfo]
) -> tuple[IndexInfo, str, Fraction] | None:
    """`index operator number`, whichever of the two sides was written first."""
    if not isinstance(guard, tree.Binary) or guard.operator not in _TURNED:
        return None
    names = {i.name: i for i in indices}
    for side, other, operator in (
        (guard.left, guard.right, guard.operator),
        (guard.right, guard.left, _TURNED[guard.operator]),
    ):
        if isinstance(side, tree.Name) and side.id in names:
            try:
                number = evaluate(other, context.constants)
            except NotConstant:
                return None
            return (names[side.id], operator, number) if isinstance(number, Fraction) else None
    return None
