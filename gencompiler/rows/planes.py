"""Short vectors as separate scalars: a state of at most eight dimensions needs no tile.

A vector is taken apart when neither it nor anything that shares its elements (by elementwise meeting, slicing, joining,
permuting, naming or carrying) is longer than eight or is indexed by a loop.  Its elements become values `[rows]` of
their
own, "planes", a dot from it becomes a sum of weighted rows, a dot to it one reduction for each element.  What is left
needs neither padding nor layouts.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from gencompiler.node import Node, children, rebuild, walk
from gencompiler.rows.analysis import bound_names, constant, unravelled
from gencompiler.rows.nodes import (
    Broadcast,
    Carry,
    Column,
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Iota,
    Let,
    Local,
    Loop,
    Mask,
    Number,
    Output,
    ParameterRead,
    Permute,
    Program,
    Reduce,
    Reshape,
    RowType,
    Section,
    Select,
    Slice,
    Statement,
    StoreColumn,
    StoreSection,
    WithColumn,
)
from gencompiler.rows.retype import retype

#: The longest vector that is taken apart.
LONGEST = 8

_REDUCING = {"sum": "add", "prod": "multiply", "max": "max", "min": "min"}


def take_apart(program: Program) -> Program:
    """`program` with its short vectors as scalars."""
    return retype(_Apart(program, _short_vectors(program)).program())


# -- which vectors ---------------------------------------------------------------------------------------------------


class _Groups:
    """Vectors that share elements, by union and find; a group has a greatest length and may be indexed by a loop."""

    def __init__(self) -> None:
        self.parent: dict[object, object] = {}
        self.tall: set[object] = set()

    def find(self, key: object) -> object:
        while self.parent.setdefault(key, key) != key:
            self.parent[key] = self.parent[self.parent[key]]
            key = self.parent[key]
        return key

    def join(self, a: object, b: object) -> None:
        self.parent[self.find(a)] = self.find(b)

    def short(self, key: object) -> bool:
        return self.find(key) not in {self.find(each) for each in self.tall}


def _key(expr: Expr) -> object:
    """A vector's key: its name where it has one, so that all its uses are one; else the node itself."""
    match expr:
        case Local(name=name):
            return ("local", name)
        case InputRead(name=name):
            return ("input", name)
    return id(expr)


def _short_vectors(program: Program) -> _Groups:
    groups = _Groups()
    for part in walk(program):
        match part:
            case Let(name, value):
                groups.join(("local", name), _key(value))
            case Carry(name=name, initial=initial, next=following):
                groups.join(("local", name), _key(initial))
                groups.join(("local", name), _key(following))
            case Column(vector=vector, index=index) if not isinstance(vector, InputRead) and constant(index) is None:
                groups.tall.add(_key(vector))
            case WithColumn(vector=vector, index=index):
                groups.join(_key(part), _key(vector))
                if constant(index) is None:
                    groups.tall.add(_key(part))
            case Elementwise() | Select() | Slice() | Concat() | Permute():
                for below in children(part):
                    if isinstance(below, Expr) and below.type.shape:
                        groups.join(_key(part), _key(below))
        if isinstance(part, Expr) and part.type.shape and (len(part.type.shape) > 1 or part.type.shape[0] > LONGEST):
            groups.tall.add(_key(part))
    return groups


# -- taking apart ----------------------------------------------------------------------------------------------------


class _Apart:
    def __init__(self, program: Program, groups: _Groups) -> None:
        self.source, self.groups = program, groups
        self.taken = set(bound_names(program.body))
        self.inputs = {each.name: each.type for each in program.inputs}
        self.parts: dict[str, list[str]] = {}

    def program(self) -> Program:
        body = list(self.block(self.source.body))
        outputs = []
        for output in self.source.outputs:
            value = output.value
            if value is not None and self.is_short(value):
                body += [
                    StoreColumn(output.name, _index(place, output), each, span=output.span)
                    for place, each in enumerate(self.elements(value))
                ]
                outputs.append(dataclasses.replace(output, value=None))
            else:
                changed = None if value is None else self.whole(value)
                outputs.append(Output(output.name, output.type, changed, span=output.span))
        return dataclasses.replace(self.source, body=tuple(body), outputs=tuple(outputs))

    def is_short(self, expr: Expr) -> bool:
        return len(expr.type.shape) == 1 and self.groups.short(_key(expr))

    def names(self, name: str, count: int) -> list[str]:
        """The names of a vector's elements: `x_0`, `x_1`, … or with more underscores where those are taken."""
        if name not in self.parts:
            stem = name
            while any(f"{stem}_{place}" in self.taken for place in range(count)):
                stem += "_"
            self.parts[name] = [f"{stem}_{place}" for place in range(count)]
            self.taken.update(self.parts[name])
        return self.parts[name]

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, statements: tuple[Statement, ...]) -> Iterator[Statement]:
        for statement in statements:
            match statement:
                case Let(name, value) if self.is_short(value):
                    elements = self.elements(value)
                    for part, element in zip(self.names(name, len(elements)), elements, strict=True):
                        yield Let(part, element, span=statement.span)
                case Loop():
                    carried = tuple(each for carry in statement.carried for each in self.carry(carry))
                    body = tuple(self.block(statement.body))
                    yield dataclasses.replace(statement, carried=tuple(carried), body=body)
                case StoreSection(output, index, value) if self.is_short(value):
                    first = self.whole(index)
                    for place, element in enumerate(self.elements(value)):
                        yield StoreColumn(output, _after(first, place), element, span=statement.span)
                case _:
                    yield rebuild(statement, self.change)

    def carry(self, carry: Carry) -> Iterator[Carry]:
        if not self.is_short(carry.next):
            yield rebuild(carry, self.change)
            return
        before, after = self.elements(carry.initial), self.elements(carry.next)
        for name, initial, following in zip(self.names(carry.name, len(after)), before, after, strict=True):
            yield Carry(name, initial, following, span=carry.span)

    def change(self, part: Node) -> Node:
        return self.whole(part) if isinstance(part, Expr) else rebuild(part, self.change)

    # -- what is not taken apart itself ------------------------------------------------------------------------------

    def whole(self, expr: Expr) -> Expr:
        """A scalar, or a vector that stays one, over parts that may have been taken apart."""
        match expr:
            case Reduce(operand=operand) if self.is_short(operand):
                return self.folded(_REDUCING[expr.operation], self.elements(operand), expr)
            case Column(vector=vector, index=index) if self.is_short(vector) and constant(index) is not None:
                return self.elements(vector)[constant(index) or 0]
            case Dot(vector=vector) if self.is_short(vector):
                terms: list[Expr] = []
                for place, element in enumerate(self.elements(vector)):
                    weights = _row(self.matrix(expr), place, expr.transposed)
                    terms.append(Elementwise(expr.type, "multiply", (element, weights), span=expr.span))
                return self.folded("add", terms, expr)
        return rebuild(expr, self.change)

    def matrix(self, dot: Dot) -> Expr:
        return self.whole(dot.matrix)

    def folded(self, function: str, terms: list[Expr], at: Expr) -> Expr:
        result, *rest = terms
        for term in rest:
            result = Elementwise(at.type, function, (result, term), span=at.span)
        return result

    # -- vectors as lists of scalars ---------------------------------------------------------------------------------

    def elements(self, expr: Expr) -> list[Expr]:
        count = expr.type.shape[0]
        kind = RowType(expr.type.rows, (), expr.type.kind)
        match expr:
            case Local(name=name):
                return [Local(kind, part, span=expr.span) for part in self.names(name, count)]
            case InputRead():
                return [Column(kind, expr, _index(place, expr), span=expr.span) for place in range(count)]
            case ParameterRead():
                return [_at_place(expr, place, kind) for place in range(count)]
            case Reshape(value=value):
                return [_at_places(value, at) for at in itertools.product(*map(range, value.type.shape))]
            case Section(input=name, start=start):
                read = InputRead(self.inputs[name], name, span=expr.span)
                first = self.whole(start)
                return [Column(kind, read, _after(first, place), span=expr.span) for place in range(count)]
            case Elementwise(arguments=arguments):
                rows = zip(*(self.spread(each, count) for each in arguments), strict=True)
                return [dataclasses.replace(expr, type=kind, arguments=row) for row in rows]
            case Select(condition=condition, then=then, otherwise=otherwise):
                rows = zip(*(self.spread(each, count) for each in (condition, then, otherwise)), strict=True)
                return [Select(kind, *row, span=expr.span) for row in rows]
            case Dot():
                return self.dot_elements(expr, kind)
            case Broadcast(operand=operand):
                return [self.whole(operand)] * count
            case WithColumn(vector=vector, index=index, value=value):
                place = constant(index)
                return [self.whole(value) if n == place else each for n, each in enumerate(self.elements(vector))]
            case Slice(vector=vector, start=start, stop=stop):
                return self.elements(vector)[start:stop]
            case Concat(parts=parts):
                return [
                    each for part in parts for each in (self.elements(part) if part.type.shape else [self.whole(part)])
                ]
            case Permute(vector=vector, order=order):
                source = self.elements(vector)
                return [source[place] for place in order]
            case Iota():
                return [Number(kind, float(place), span=expr.span) for place in range(count)]
            case Draw():
                return [dataclasses.replace(expr, type=kind, dim=_index(place, expr)) for place in range(count)]
        raise TypeError(f"no vector: {expr!r}")

    def spread(self, expr: Expr, count: int) -> list[Expr]:
        return self.elements(expr) if expr.type.shape else [self.whole(expr)] * count

    def dot_elements(self, expr: Dot, kind: RowType) -> list[Expr]:
        """Each element of a product as a reduction over a vector that stays a tile, or as a sum of scalars."""
        matrix, result = self.matrix(expr), []
        for place in range(expr.type.shape[0]):
            weights = _row(matrix, place, not expr.transposed)
            if self.is_short(expr.vector):
                scalars = zip(self.elements(expr.vector), _elements_of_weights(weights), strict=True)
                products: list[Expr] = [Elementwise(kind, "multiply", pair, span=expr.span) for pair in scalars]
                result.append(self.folded("add", products, Number(kind, 0.0, span=expr.span)))
            else:
                vector = self.whole(expr.vector)
                real = dataclasses.replace(vector.type, kind="real")
                product = Elementwise(real, "multiply", (vector, weights), span=expr.span)
                result.append(Reduce(kind, "sum", product, span=expr.span))
        return result


def _index(place: int, at: Node) -> Number:
    return Number(RowType(False, (), "integer"), float(place), span=at.span)


def _after(first: Expr, place: int) -> Expr:
    """`first + place`, an index."""
    if (at := constant(first)) is not None:
        return _index(at + place, first)
    return Elementwise(first.type, "add", (first, _index(place, first)), span=first.span) if place else first


def _row(matrix: Expr, place: int, transposed: bool) -> Expr:
    """Row `place` of a uniform matrix, or its column `place` when `transposed`: a uniform vector."""
    kind = RowType(False, (matrix.type.shape[0 if transposed else 1],), matrix.type.kind)
    match matrix:
        case ParameterRead():
            return _at_place(matrix, place, kind, axis=1 if transposed else 0)
        case Elementwise(arguments=arguments):
            rows = tuple(_row(each, place, transposed) if each.type.shape else each for each in arguments)
            return dataclasses.replace(matrix, type=kind, arguments=rows)
        case Select(condition=condition, then=then, otherwise=otherwise):
            parts = (condition, then, otherwise)
            return Select(kind, *(_row(e, place, transposed) if e.type.shape else e for e in parts), span=matrix.span)
        case Mask(rows=rows, columns=columns):
            mine, others = (columns, rows) if transposed else (rows, columns)
            degree = [d for part in mine for d in part.all()][place]
            degrees = [d for part in others for d in part.all()]
            runs = itertools.groupby(degree <= d if transposed else d <= degree for d in degrees)
            kept = tuple(_repeated(float(each), len(list(run)), matrix) for each, run in runs)
            return kept[0] if len(kept) == 1 else Concat(kind, kept, span=matrix.span)
        case Reshape(value=table) if table.type.shape[0] == matrix.type.shape[0]:  # the later axes side by side
            if transposed:
                return _along_first(table, unravelled(place, table.type.shape[1:]), kind)
            inner = RowType(False, table.type.shape[1:], table.type.kind)
            return Reshape(kind, _at_first(table, place, inner), span=matrix.span)
    raise TypeError(f"no uniform matrix: {matrix!r}")


def _at_first(table: Expr, place: int, kind: RowType) -> Expr:
    """What a uniform table has at one place of its first axis."""
    match table:
        case ParameterRead():
            return _at_place(table, place, kind)
        case Elementwise(arguments=arguments):
            parts = tuple(_at_first(each, place, kind) if each.type.shape else each for each in arguments)
            return dataclasses.replace(table, type=kind, arguments=parts)
        case Broadcast(operand=operand) if operand.type == kind:
            return operand
    raise TypeError(f"no uniform table: {table!r}")


def _along_first(table: Expr, at: tuple[int, ...], kind: RowType) -> Expr:
    """What a uniform table has at these places of its later axes, along the first one."""
    match table:
        case ParameterRead(index=index):
            free = [number for number, each in enumerate(index) if each is None][1:]
            places = dict(zip(free, at, strict=True))
            whole = tuple(_index(places[k], table) if k in places else each for k, each in enumerate(index))
            return ParameterRead(kind, table.path, whole, span=table.span)
        case Elementwise(arguments=arguments):
            parts = tuple(_along_first(each, at, kind) if each.type.shape else each for each in arguments)
            return dataclasses.replace(table, type=kind, arguments=parts)
        case Broadcast() if table.type == kind:
            return table
    raise TypeError(f"no uniform table: {table!r}")


def _repeated(value: float, length: int, at: Node) -> Expr:
    number = Number(RowType(False, ()), value, span=at.span)
    return Broadcast(RowType(False, (length,)), number, length, span=at.span)


def _at_place(read: ParameterRead, place: int, kind: RowType, axis: int = 0) -> ParameterRead:
    """A parameter with its `axis`-th free axis indexed."""
    free = [number for number, each in enumerate(read.index) if each is None]
    index = list(read.index)
    index[free[axis]] = _index(place, read)
    return ParameterRead(kind, read.path, tuple(index), span=read.span)


def _at_places(tensor: Expr, at: tuple[int, ...]) -> Expr:
    """An element of a uniform tensor: of a parameter, or of what functions make of some."""
    kind = RowType(False, (), tensor.type.kind)
    match tensor:
        case ParameterRead(index=index):
            places = iter(at)
            whole = tuple(_index(next(places), tensor) if each is None else each for each in index)
            return ParameterRead(kind, tensor.path, whole, span=tensor.span)
        case Elementwise(arguments=arguments):
            parts = tuple(_at_places(each, at) if each.type.shape else each for each in arguments)
            return dataclasses.replace(tensor, type=kind, arguments=parts)
    raise TypeError(f"no tensor: {tensor!r}")


def _elements_of_weights(weights: Expr) -> list[Expr]:
    kind = RowType(False, (), weights.type.kind)
    match weights:
        case ParameterRead():
            return [_at_place(weights, place, kind) for place in range(weights.type.shape[0])]
        case Elementwise(arguments=arguments):
            count = weights.type.shape[0]
            columns = (_elements_of_weights(each) if each.type.shape else [each] * count for each in arguments)
            return [dataclasses.replace(weights, type=kind, arguments=row) for row in zip(*columns, strict=True)]
        case Select(condition=condition, then=then, otherwise=otherwise):
            count, parts = weights.type.shape[0], (condition, then, otherwise)
            columns = (_elements_of_weights(each) if each.type.shape else [each] * count for each in parts)
            return [Select(kind, *row, span=weights.span) for row in zip(*columns, strict=True)]
        case Reshape(value=table):
            return [_at_places(table, unravelled(k, table.type.shape)) for k in range(weights.type.shape[0])]
        case Broadcast(operand=operand, length=length):
            return [operand] * length
        case Concat(parts=parts):
            return [each for part in parts for each in _elements_of_weights(part)]
    raise TypeError(f"no uniform vector: {weights!r}")
