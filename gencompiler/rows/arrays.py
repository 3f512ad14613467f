"""Arrays by comprehension, `for k: e` and `for z: e`, as row values.

An array of K numbers is a vector of the row.  Its entries are computed in one of three ways:

- along the vector's axis, where `e` is elementwise in the index (`rows.comprehension`);
- as K particles, where `e` is about a draw's particle `z[k]`, about every value of a finite variable, or large;
- written out, entry by entry, where `e` is neither and short.

The draw `z` of K particles is an array too, with its axis in front; `z[k]` is the particle's value.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.derive.substitute import substitute
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import nodes, tensors
from gencompiler.rows.comprehension import MOST_ENTRIES, entries, is_elementwise, is_lanewise
from gencompiler.rows.enumeration import constants, enumerated
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.places import flat, reshaped
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Particles of a row at most: values of finite variables, or draws.
MOST_PARTICLES = 4096


# -- arrays ----------------------------------------------------------------------------------------------------------


def array(
    expressions: Expressions, expr: model.Each | model.Recur | model.FixedPoint | model.EachValue, scope: Scope
) -> Expr:
    """An array by comprehension, by recursion, or as a fixed point."""
    if isinstance(expr, model.Recur | model.FixedPoint):
        return recursion(expressions, expr, scope)
    return each(expressions, expr, scope) if isinstance(expr, model.Each) else each_value(expressions, expr, scope)


def matrix_function(expressions: Expressions, expr: model.MatrixFunction, scope: Scope) -> Expr:
    """A function of a matrix that all rows share."""
    inner = expressions.lower(expr.operand, scope)
    if inner.type.rows:
        raise NotLowered(expr, f"the {expr.function} of a matrix that differs between rows")
    return expressions.graph.matrix(expr.function, inner, span=expr.span)


def each(expressions: Expressions, expr: model.Each, scope: Scope) -> Expr:
    """`for k in K: body`"""
    if len(expr.type.shape) != 1:
        if (slices := tensors.along_first(expressions, expr, scope)) is not None:
            return slices
        if entries(expr, expressions.functions) <= MOST_ENTRIES:
            return _written_out(expressions, expr, scope)
        raise NotLowered(expr, "a long array of several axes")
    if (product := _product(expr)) is not None:
        return expressions.lower(product, scope)
    if not any(_is_array(part, scope) for part in walk(expr.body)):
        if is_elementwise(expr, expressions.functions):
            return _along_axis(expressions, expr, scope)
        if expr.extent > 1 and is_lanewise(expr, expressions.functions):
            return _along_axis(expressions, expr, dataclasses.replace(scope, lanes=True))
        if entries(expr, expressions.functions) <= MOST_ENTRIES:
            return _written_out(expressions, expr, scope)
    graph, count = expressions.graph, expr.extent
    _check(expr, count, tuple(_particle_values(expr.body, scope, {expr.index})))
    inside = scope.bind({expr.index: graph.particle_index(count, expr.span)})
    inside = dataclasses.replace(inside, vector=scope.vector - {expr.index})
    return graph.collect(expressions.lower(expr.body, inside), count, expr.span)


def _product(expr: model.Each) -> model.Contract | None:
    """`for i: M[i] @ v` is `M @ v`."""
    body = expr.body
    if not isinstance(body, model.Contract) or not isinstance(body.left, model.Element):
        return None
    base, (place, *rest) = body.left.base, body.left.subscripts
    own = isinstance(place, model.Reference) and place.name == expr.index
    free = not any(isinstance(n, model.Reference) and n.name == expr.index for e in (base, body.right) for n in walk(e))
    if not (own and free) or len(base.type.shape) != 2 or not all(isinstance(s, model.Whole) for s in rest):
        return None
    return model.Contract(expr.type, base, body.right, span=expr.span) if base.type.shape[0] == expr.extent else None


def _along_axis(expressions: Expressions, expr: model.Each, scope: Scope) -> Expr:
    graph, span = expressions.graph, expr.span
    iota = graph.intern(nodes.Iota(RowType(False, (expr.extent,), "integer"), expr.extent, span=span))
    inside = dataclasses.replace(scope.bind({expr.index: iota}), vector=scope.vector | {expr.index})
    body = expressions.lower(expr.body, inside)
    return body if body.type.shape else graph.broadcast(body, expr.extent, span)


def _written_out(expressions: Expressions, expr: model.Each, scope: Scope) -> Expr:
    places = [model.Literal(model.Type(model.REAL), Fraction(k), span=expr.span) for k in range(expr.extent)]
    bodies = (expressions.lower(substitute(expr.body, {expr.index: place}), scope) for place in places)
    return expressions.graph.concat(tuple(bodies), expr.span)


def recursion(expressions: Expressions, expr: model.Recur | model.FixedPoint, scope: Scope) -> Expr:
    """A vector whose entries need those before them, a loop over dimensions that fills it from the first on; or the
    fixed point of a contraction, a loop of as many steps as bring it near enough."""
    graph, span, size = expressions.graph, expr.span, expr.type.shape[0]
    seen = [scope.names[n.name] for n in walk(expr.body) if isinstance(n, model.Reference) and n.name in scope.names]
    seen += scope.iteration
    depth = max((graph.depth[id(value)] for value in seen), default=0)
    start = graph.broadcast(graph.number(0, span), size, span)
    if isinstance(expr, model.FixedPoint):
        return _contracted(expressions, expr, start, scope, depth)
    return _filled(expressions, expr, start, scope, depth)


def _contracted(expressions: Expressions, expr: model.FixedPoint, start: Expr, scope: Scope, depth: int) -> Expr:
    """The fixed point of a proven contraction.

    Each of its steps is shorter than the one before (Banach), so that a row whose step is not has arrived as far as
    rounding lets it: it stays, and the loop may end when all rows do."""
    graph, span = expressions.graph, expr.span
    carried = {"point": start, "moved": graph.number(math.inf, span), "moving": graph.number(1, span)}
    plan = graph.loop("steps", "step", graph.integer(expr.steps, span), carried, span, depth=depth)
    point, before, moving = plan.inside
    value = expressions.lower(expr.body, scope.bind({expr.name: point}))
    step = graph.reduce("norm", graph.elementwise("subtract", value, point, span=span), span)
    step = graph.elementwise("stop", step, span=span)
    endless = graph.elementwise("equal", before, graph.number(math.inf, span), span=span)
    shorter = graph.elementwise("or", endless, graph.elementwise("less", step, before, span=span), span=span)
    going = graph.elementwise(
        "and", shorter, graph.elementwise("greater", moving, graph.number(0, span), span=span), span=span
    )
    plan.done = graph.elementwise("less_equal", moving, graph.number(0, span), span=span)
    nexts = (graph.select(going, value, point, span), step, graph.elementwise("indicator", going, span=span))
    return graph.close(plan, nexts)[0]


def _filled(expressions: Expressions, expr: model.Recur, start: Expr, scope: Scope, depth: int) -> Expr:
    """The loop that fills an array; causal networks that read what is before an entry compute each unit once."""
    from gencompiler.rows.causal_units import recurring_networks

    graph, span = expressions.graph, expr.span
    units = recurring_networks(expressions, expr)
    carried = {"entries": start} | {k: v for each in units for k, v in each.initial(scope).items()}
    plan = graph.loop("dimensions", "i", graph.integer(expr.extent, span), carried, span, depth=depth)
    held, index = dict(zip(carried, plan.inside, strict=True)), graph.index_of(plan)
    bound = scope.bind({expr.index: index, expr.name: held["entries"]})
    inside = dataclasses.replace(bound, vector=scope.vector - {expr.index})
    now = [each.at({name: held[name] for name in each.names}, inside) for each in units]
    read = {each.path: tuple(values.values()) for each, values in zip(units, now, strict=True)}
    inside = dataclasses.replace(inside, carried={**scope.carried, **read})
    value = expressions.lower(expr.body, inside)
    filled = graph.with_column(held["entries"], index, value, span)
    after = inside.bind({expr.name: filled})
    nexts = {"entries": filled}
    for each, values in zip(units, now, strict=True):
        nexts |= each.advanced(values, lambda given: expressions.lower(given, after), inside)
    return graph.close(plan, tuple(nexts[name] for name in carried))[0]


def is_nested(expr: model.Each, scope: Scope) -> bool:
    """Whether the terms of a sum over an index are scalars that hold sums over another index themselves; no loop goes
    over particles."""
    inner = (part for part in walk(expr.body) if isinstance(part, model.Reduce) and part.operation == "sum")
    sums = not expr.body.type.shape and any(isinstance(part.operand, model.Each) for part in inner)
    return sums and not any(_is_array(part, scope) for part in walk(expr.body))


def summed(expressions: Expressions, expr: model.Each, scope: Scope) -> Expr:
    """The sum of `body` over its index, term by term: a loop that carries the total."""
    graph, span = expressions.graph, expr.span
    depth = max((graph.depth[id(value)] for value in scope.names.values()), default=0)
    count = graph.integer(expr.extent, span)
    plan = graph.loop("dimensions", expr.index, count, {"total": graph.number(0, span)}, span, depth=depth)
    inside = scope.bind({expr.index: graph.index_of(plan)})
    inside = dataclasses.replace(inside, vector=scope.vector - {expr.index})
    term = expressions.lower(expr.body, inside)
    (total,) = graph.close(plan, (graph.elementwise("add", plan.inside[0], term, span=span),))
    return total


def each_value(expressions: Expressions, expr: model.EachValue, scope: Scope) -> Expr:
    """`for z: body`: each value of the finite variables is a particle, or, among particles, written out."""
    graph, span = expressions.graph, expr.span
    types = {v.name: v.type for v in expressions.derived.model.variables if v.name in expr.variables}
    types = {name: types[name] for name in expr.variables}
    among = tuple(_particle_values(expr.body, scope, set(expr.variables)))
    if among and expr.count <= MOST_ENTRIES:
        return _values_written_out(expressions, expr, types, scope)
    _check(expr, expr.count, among)
    values, count = enumerated(graph, types, span)
    assert count == expr.count, "an array of every value has as many entries as there are values"
    each = graph.name(expressions.lower(expr.body, scope.bind(values)), "each")
    return graph.collect(each, count, span)


def _values_written_out(
    expressions: Expressions, expr: model.EachValue, types: dict[str, model.Type], scope: Scope
) -> Expr:
    graph, span = expressions.graph, expr.span
    bodies = (expressions.lower(expr.body, scope.bind(values)) for values in constants(graph, types, span))
    return graph.concat(tuple(bodies), span)


# -- elements --------------------------------------------------------------------------------------------------------


def whole(expressions: Expressions, expr: model.Reference, value: Expr) -> Expr:
    """What a name stands for; an array of numbers that are particles is a vector of the row."""
    if not _stands_for_particles(expr, value):
        return value
    if value.type.shape:
        raise NotLowered(expr, f"all particles of `{expr.name}` at once")
    return expressions.graph.collect(value, expr.type.shape[0], expr.span)


def particle(expressions: Expressions, expr: model.Element, scope: Scope) -> Expr | None:
    """`z[k]` of an array of particles, at the particle's own index; None for any other element."""
    base, place = expr.base, expr.subscripts[0]
    if not isinstance(base, model.Reference) or not _is_array(base, scope):
        return None
    graph, count, value = expressions.graph, base.type.shape[0], scope.names[base.name]
    own = isinstance(place, model.Reference) and scope.names.get(place.name) is graph.particle_index(count, place.span)
    if not own:
        return None
    for subscript in expr.subscripts[1:]:
        if not value.type.shape:
            raise NotLowered(expr, "a subscript of several axes")
        value = at(expressions, value, expressions.lower(subscript, scope), expr.span)
    return value


def at(expressions: Expressions, vector: Expr, index: Expr, span: Span) -> Expr:
    """Element `index` of a vector; the index may differ between rows or be the number of the particle."""
    graph, length = expressions.graph, vector.type.shape[0]
    if not index.type.rows:
        return graph.column(vector, index, span)
    if isinstance(index, nodes.ParticleIndex) and index.type.particles == length and vector.type.particles == 1:
        return graph.distribute(vector, span)
    iota = graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
    here = graph.elementwise("equal", index, iota, span=span)
    return graph.reduce("sum", graph.select(here, vector, graph.number(0, span), span), span)


def row_of(expressions: Expressions, table: Expr, index: Expr, span: Span) -> Expr:
    """Entry `index` of a uniform vector, or what a uniform table has at `index` of its first axis, as a vector, where
    the index differs between rows."""
    graph, length = expressions.graph, table.type.shape[0]
    if len(table.type.shape) == 1:
        return at(expressions, table, index, span)
    table = reshaped(graph, table, (length, math.prod(table.type.shape[1:])), span)
    if isinstance(index, nodes.ParticleIndex) and index.type.particles == length:
        return graph.distribute(table, span)
    iota = graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
    here = graph.elementwise("indicator", graph.elementwise("equal", index, iota, span=span), span=span)
    return graph.dot(here, table, False, span)


def entry_by_particle(
    expressions: Expressions, table: Expr, places: tuple[Expr | None, ...], span: Span
) -> Expr | None:
    """Entry (i, j) of a uniform matrix, where i is the number of the particle, as many as rows, and j belongs to the
    row (or the reverse): the row's column of the matrix, one number for each particle.  None of other places."""
    for axis, (own, other) in enumerate((places, places[::-1])):
        if own is None or other is None or not isinstance(own, nodes.ParticleIndex):
            continue
        if own.type.particles == table.type.shape[axis] and other.type.rows and other.type.particles == 1:
            length = table.type.shape[1 - axis]
            iota = expressions.graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
            equal = expressions.graph.elementwise("equal", other, iota, span=span)
            here = expressions.graph.elementwise("indicator", equal, span=span)
            return expressions.graph.distribute(expressions.graph.dot(here, table, axis == 0, span), span)
    return None


def argsort(expressions: Expressions, vector: Expr, span: Span) -> Expr:
    """The order that sorts a vector."""
    kind = dataclasses.replace(vector.type, kind="real")
    return expressions.graph.intern(nodes.Argsort(kind, vector, span=span))


def scattered(expressions: Expressions, expr: model.Scatter, scope: Scope) -> Expr:
    """What is known before a place of an order, at the places where it belongs: those whose own turn has come."""
    graph, span = expressions.graph, expr.span
    turn = graph.name(argsort(expressions, expressions.lower(expr.order, scope), span), "turn")
    bound = expressions.subscript(expr.before.index, scope)
    assert bound is not None, "an index that runs along an axis"
    known = graph.elementwise("less_equal" if expr.before.inclusive else "less", turn, bound, span=span)
    if expr.base is None:
        return graph.elementwise("indicator", known, span=span)
    return graph.select(known, expressions.lower(expr.base, scope), graph.number(0, span), span)


# -- which names are about particles ---------------------------------------------------------------------------------


def _stands_for_particles(expr: model.Reference, value: Expr) -> bool:
    shape = expr.type.shape
    one = value.type.shape == flat(shape)  # of one particle, the vector of all is that of the particle
    return not one and shape[:1] == (value.type.particles,) and value.type.shape == flat(shape[1:])


def _is_array(expr: object, scope: Scope) -> bool:
    """Whether `expr` is a name that stands for an array of particles."""
    return (
        isinstance(expr, model.Reference)
        and expr.name in scope.names
        and _stands_for_particles(expr, scope.names[expr.name])
    )


def _particle_values(body: model.Expr, scope: Scope, own: set[str]) -> Iterator[str]:
    """The names in `body` that stand for the value of one particle of the particles around it."""
    for part in walk(body):
        if isinstance(part, model.Reference) and part.name not in own and part.name in scope.names:
            value = scope.names[part.name]
            if value.type.particles > 1 and not _is_array(part, scope):
                yield part.name


def _check(expr: model.Expr, count: int, among: tuple[str, ...]) -> None:
    if among:
        raise NotLowered(expr, f"an array for each value of `{among[0]}`, itself one of an array's")
    if count > MOST_PARTICLES:
        raise NotLowered(expr, f"an array of {count} entries; {MOST_PARTICLES} is the limit")
