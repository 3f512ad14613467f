"""Matrices that a program computes from its parameters: weights times masks, windows of weights, products of factors.

Rows share them, so what a backward pass gives for such a matrix is added up over rows first, as for a parameter, and
only then becomes gradients of the parameters: by the derivative of a function of parameters alone, which is computed
once, and which torch differentiates.
"""

from __future__ import annotations

import copy
import dataclasses

from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.programs import Draft
from gencompiler.rows.rewrite import Substitution, operands_first
from gencompiler.rows.unsupported import NotDifferentiated


@dataclasses.dataclass(frozen=True)
class Prepared:
    """`program` computes matrices of parameters; `names` are those of the matrices in contributions, `shapes` theirs.

    `counts`: how many outputs each matrix has, one for each iteration of a loop; 0 where one output holds all."""

    program: nodes.Program
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Matrix:
    """`value` at each of the `count` iterations of the loop with the index `own`, if that is one it depends on."""

    name: str
    value: Expr
    own: Expr | None
    count: int


class Matrices:
    """Collects what is multiplied with and is no parameter itself."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._found: dict[int, _Matrix] = {}

    def place(self, matrix: Expr, own: Expr | None, count: int) -> tuple[str, tuple[int | str | None, ...]]:
        """A name for a matrix, and which axes it has: "loop" for the iterations of the loop with the index `own`."""
        locals_ = [part for part in operands_first(matrix, parts_of) if isinstance(part, nodes.Local)]
        if any(part is not own for part in locals_):
            raise NotDifferentiated("a matrix that is computed from what a loop carries")
        index = own if locals_ else None
        if id(matrix) not in self._found:
            name = self.graph.fresh(f"matrix_{len(self._found) + 1}")
            self._found[id(matrix)] = _Matrix(name, matrix, index, count if locals_ else 0)
        places: tuple[int | str | None, ...] = ("loop",) if locals_ else ()
        return self._found[id(matrix)].name, (*places, *(None for _ in matrix.type.shape))

    def prepared(self, draft: Draft) -> Prepared | None:
        """The program of all of them; None where there is none."""
        if not self._found:
            return None
        found = list(self._found.values())
        values = [self._values(each) for each in found]
        outputs = [
            nodes.Output(self.graph.fresh("prepared"), value.type, value, span=draft.span)
            for group in values
            for value in group
        ]
        alone = copy.copy(draft)
        alone.graph = copy.copy(draft.graph)
        alone.graph.plans = []  # loops are over what rows have
        title = f"the matrices of {draft.name} that are computed from its parameters"
        program = alone.assembled(outputs, name=f"{draft.name}_prepared", title=title)
        shapes = [(*((each.count,) if each.own is not None else ()), *each.value.type.shape) for each in found]
        sizes = zip(values, shapes, strict=True)
        return Prepared(
            dataclasses.replace(program, inputs=(), scalars=()),
            tuple(each.name for each in found),
            tuple(shapes),
            tuple(0 if group[0].type.shape == shape else len(group) for group, shape in sizes),
        )

    def _values(self, matrix: _Matrix) -> list[Expr]:
        """All iterations at once where that is the same formula, else one after the other."""
        own = matrix.own
        if own is None:
            return [matrix.value]
        lifted = self._lifted(matrix.value, own, matrix.count)
        if lifted is not None:
            return [lifted]
        numbers = (self.graph.integer(k, matrix.value.span) for k in range(matrix.count))
        return [Substitution(self.graph, {id(own): number})(matrix.value) for number in numbers]

    def _lifted(self, value: Expr, own: Expr, count: int) -> Expr | None:
        """`value` with the iterations in front, where it is computed element by element from matrices of them."""
        if all(part is not own for part in operands_first(value, parts_of)):
            return value
        kind = RowType(False, (count, *value.type.shape), value.type.kind)
        match value:
            case nodes.ParameterRead(index=(first, None, None)) if first is own:
                return self.graph.intern(dataclasses.replace(value, type=kind, index=(None, None, None)))
            case nodes.Elementwise(arguments=arguments) if len(value.type.shape) == 2:
                parts = [self._lifted(each, own, count) for each in arguments]
                if not any(part is None or len(part.type.shape) == 1 for part in parts):
                    kept = tuple(part for part in parts if part is not None)
                    return self.graph.intern(dataclasses.replace(value, type=kind, arguments=kept))
        return None
