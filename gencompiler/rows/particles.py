"""Where rows meet particles: what belongs to a row is repeated for each of its particles, and no earlier.

A value that depends on no particle is computed once for each row; `Spread` stands where it meets one that does.  So an
encoder runs once for a row, however many draws follow it.
"""

from __future__ import annotations

from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.unsupported import NotLowered

Intern = Callable[[Expr], Expr]


def together(parts: tuple[Expr, ...], shape: tuple[int, ...], kind: str = "real") -> RowType:
    """The type of what is computed from `parts`, which have met."""
    rows = any(part.type.rows for part in parts)
    return RowType(rows, shape, kind, max((part.type.particles for part in parts), default=1))


def meet(intern: Intern, parts: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """`parts` with as many particles as the one that has most."""
    count = max((part.type.particles for part in parts), default=1)
    return tuple(spread(intern, part, count) for part in parts) if count > 1 else parts


def spread(intern: Intern, value: Expr, count: int) -> Expr:
    """A value for each of `count` particles; what all rows share stays as it is."""
    if not value.type.rows or value.type.particles == count:
        return value
    if value.type.particles != 1:
        raise NotLowered(value, f"{value.type.particles} particles that meet {count}")
    kind = RowType(True, value.type.shape, value.type.kind, count)
    return intern(nodes.Spread(kind, value, span=value.span))


def collect(intern: Intern, value: Expr, count: int, span: Span) -> Expr:
    """The scalars of `count` particles as a vector of their row."""
    if value.type.particles == 1 or isinstance(value, nodes.Spread):
        same = value.value if isinstance(value, nodes.Spread) else value
        return intern(nodes.Broadcast(RowType(same.type.rows, (count,), same.type.kind), same, count, span=span))
    if value.type.particles != count:
        raise NotLowered(value, f"an array of {count} over {value.type.particles} particles")
    if isinstance(value, nodes.Distribute) and value.vector.type.rows:
        return value.vector
    return intern(nodes.Collect(RowType(True, (count,), value.type.kind), value, span=span))


def pool(intern: Intern, value: Expr, count: int, span: Span) -> Expr:
    """The sum over `count` particles; of what they have in common, `count` times that."""
    if value.type.particles == 1 or isinstance(value, nodes.Spread):
        same = value.value if isinstance(value, nodes.Spread) else value
        if isinstance(same, nodes.Number):
            return intern(nodes.Number(same.type, count * same.value, span=span))
        times = intern(nodes.Number(RowType(False, ()), float(count), span=span))
        return intern(nodes.Elementwise(together((times, same), same.type.shape), "multiply", (times, same), span=span))
    return intern(nodes.Pool(RowType(True, value.type.shape), value, span=span))


def distribute(intern: Intern, vector: Expr, span: Span) -> Expr:
    """Element k of a vector (row k of a uniform matrix) for particle k."""
    count, *rest = vector.type.shape
    if vector.type.particles != 1:
        raise NotLowered(vector, "an array that differs between particles, indexed by particle")
    if isinstance(vector, nodes.Collect):
        return vector.value
    if isinstance(vector, nodes.Broadcast):
        return spread(intern, vector.operand, count)
    if count == 1 and not rest:
        first = nodes.Number(RowType(False, (), "integer"), 0.0, span=span)
        return intern(nodes.Column(RowType(vector.type.rows, (), vector.type.kind), vector, intern(first), span=span))
    return intern(nodes.Distribute(RowType(True, tuple(rest), vector.type.kind, count), vector, span=span))


def particle_index(intern: Intern, count: int, span: Span) -> Expr:
    """The number of the particle among `count`."""
    if count == 1:
        return intern(nodes.Number(RowType(False, (), "integer"), 0.0, span=span))
    return intern(nodes.ParticleIndex(RowType(True, (), "integer", count), span=span))
