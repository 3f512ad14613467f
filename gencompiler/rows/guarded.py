"""What an iteration needs only sometimes: values that matter where a condition holds that is the same for all rows, and
stores that the next iteration overwrites.

The adjoint of a loop starts again at every saved state (`rows.recovery`): it reads the state, and compares it with what
it recomputed, in one iteration of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from gencompiler.node import Node, children, rebuild, walk
from gencompiler.rows.analysis import bound_names, constant, local_names
from gencompiler.rows.nodes import (
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    Number,
    RowType,
    Select,
    Statement,
    StoreColumn,
    StoreSection,
)

_INDEX = RowType(False, (), "integer")


def is_guarded(select: Select) -> bool:
    """Whether a value is chosen by a condition that is the same for all rows, and unknown before."""
    condition = select.condition
    return not condition.type.rows and not condition.type.shape and constant(condition) is None


def guards(statements: Sequence[Statement], ends: Sequence[Expr]) -> dict[str, Expr]:
    """Of the values that the body of a loop names, the condition without which nothing reads them; `ends` are the next
    values of what the loop carries."""
    uses: dict[str, list[Expr | None]] = {}
    for end in ends:
        _visit(end, None, uses)
    found: dict[str, Expr] = {}
    unbound: set[str] = set()
    for each in reversed(statements):
        unbound.update(bound_names((each,)))
        if not isinstance(each, Let):
            _visit(each, None, uses)
            continue
        conditions = uses.get(each.name, [])
        guard = conditions[0] if conditions and all(other == conditions[0] for other in conditions) else None
        if guard is not None and not local_names(guard) & unbound:
            found[each.name] = guard
        _visit(each.value, found.get(each.name), uses)
    return found


def _visit(part: Node, guard: Expr | None, uses: dict[str, list[Expr | None]]) -> None:
    if isinstance(part, Local):
        uses.setdefault(part.name, []).append(guard)
    elif isinstance(part, Select) and is_guarded(part):
        _visit(part.condition, guard, uses)
        _visit(part.then, guard or part.condition, uses)
        _visit(part.otherwise, guard, uses)
    else:
        for each in children(part):
            _visit(each, guard, uses)


def kept(store: StoreColumn | StoreSection, loop: Loop) -> Expr | None:
    """The condition under which the next iteration of `loop` does not store to the same place; None where none does.

    Places that iterations share are rounded quotients of the index."""
    count = constant(loop.count)
    if count is None or not any(isinstance(p, Elementwise) and p.function == "quotient" for p in walk(store.index)):
        return None
    span, boolean = store.span, RowType(False, (), "boolean")
    index, one = Local(_INDEX, loop.index, span=span), Number(_INDEX, 1, span=span)
    last = Number(_INDEX, 0 if loop.reverse else count - 1, span=span)
    following = Elementwise(_INDEX, "subtract" if loop.reverse else "add", (index, one), span=span)

    def moved(part: Node) -> Node:
        return following if isinstance(part, Local) and part.name == loop.index else rebuild(part, moved)

    there = cast(Expr, moved(store.index))
    ends = Elementwise(boolean, "equal", (index, last), span=span)
    differs = Elementwise(boolean, "not_equal", (store.index, there), span=span)
    return Elementwise(boolean, "or", (ends, differs), span=span)
