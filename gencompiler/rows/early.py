"""What a kernel stores, it stores as soon as it is known: a value that waits for the end of the program waits in
registers.

Backward passes write the factors of every weight's gradient, a vector for each layer; stored at the end, all of them
are kept at once.
"""

from __future__ import annotations

import dataclasses

from gencompiler.rows.analysis import bound_names, local_names
from gencompiler.rows.cost import live_elements
from gencompiler.rows.nodes import Number, Output, RowType, Statement, StoreColumn, StoreSection
from gencompiler.rows.tiling import Tiled


def store_early(tiled: Tiled) -> Tiled:
    """`tiled` with its stores behind the last value that each needs, where that keeps fewer numbers at once."""
    moved = _moved(_stored(tiled))
    return tiled if live_elements(moved.program) >= live_elements(tiled.program) else moved


def _stored(tiled: Tiled) -> Tiled:
    """`tiled` with a statement for every output that is a vector."""
    stores: list[Statement] = []
    outputs: list[Output] = []
    tables = dict(tiled.tables)
    for output in tiled.program.outputs:
        value = output.value
        if value is None or not value.type.shape:
            outputs.append(output)
            continue
        first = Number(RowType(False, (), "integer"), 0.0, span=output.span)
        places, length = tables.pop(output.name, None), output.type.shape[0]
        stores.append(StoreSection(output.name, first, value, length, places, span=output.span))
        outputs.append(dataclasses.replace(output, value=None))
    body = (*tiled.program.body, *stores)
    program = dataclasses.replace(tiled.program, body=body, outputs=tuple(outputs))
    return dataclasses.replace(tiled, program=program, tables=tables)


def _moved(tiled: Tiled) -> Tiled:
    """`tiled` with each store outside loops behind the last statement that binds a name it reads."""
    computed = [each for each in tiled.program.body if not isinstance(each, StoreColumn | StoreSection)]
    known = {name: number for number, each in enumerate(computed, start=1) for name in bound_names((each,))}
    after: list[list[Statement]] = [[] for _ in range(len(computed) + 1)]
    for store in tiled.program.body:
        if isinstance(store, StoreColumn | StoreSection):
            after[max((known.get(name, 0) for name in local_names(store)), default=0)].append(store)
    body = [*after[0], *(each for number, made in enumerate(computed, start=1) for each in (made, *after[number]))]
    return dataclasses.replace(tiled, program=dataclasses.replace(tiled.program, body=tuple(body)))
