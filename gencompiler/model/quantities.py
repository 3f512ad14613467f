"""Indexed derived quantities: `h[0] = …`, `h[t] = tanh(W @ h[t - 1] + U @ x[t - 1])`.

The name stands for no variable: nothing draws it, and it has no type but the one that its equations give it.  Its first
axis has the places of what its equations subscript with their index; its elements are what the equations compute.  Two
such quantities may need each other, place by place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from gencompiler.diagnostics.model import Label
from gencompiler.model import deterministic, guards, nodes
from gencompiler.model.builder import Abandon, Context, IndexInfo
from gencompiler.model.infer import Infer
from gencompiler.model.subscripts import moved_index
from gencompiler.model.types import known_shape, unify
from gencompiler.node import walk
from gencompiler.syntax import tree


@dataclasses.dataclass(frozen=True)
class Stated:
    """One equation for elements of the quantity `name`."""

    name: str
    equation: tree.Equation
    target: tree.Index


class Indexed:
    """The indexed quantities of a model; a latent variable whose elements are computed is one with a stated type."""

    def __init__(
        self,
        infer: Infer,
        context: Context,
        variables: dict[str, nodes.Variable],
        statements: Iterable[tree.Equation],
    ) -> None:
        self.infer, self.builder, self.context = infer, infer.builder, context
        self.variables = variables
        self.stated = [s for each in statements if (s := self._stated(each)) is not None]
        self.made: list[nodes.Quantity] = []

    def _stated(self, equation: tree.Equation) -> Stated | None:
        target = equation.targets[0]
        if len(equation.targets) > 1 or equation.relation != "=" or not isinstance(target, tree.Index):
            return None
        base = target.base
        if not isinstance(base, tree.Name) or (base.id in self.context.names and base.id not in self.variables):
            return None
        return Stated(base.id, equation, target)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(s.name for s in self.stated)

    def declare(self) -> None:
        """Take the declared ones for what they are."""
        for stated in self.stated:
            declared = self.variables.get(stated.name)
            if declared is not None and declared.role not in ("latent", nodes.DERIVED):
                self.builder.refused.add(stated.name)
                continue
            if declared is not None:
                self.variables[stated.name] = dataclasses.replace(declared, role=nodes.DERIVED)
                self.builder.latents.discard(stated.name)

    def resolve(self) -> list[nodes.Quantity]:
        """Every equation, each after those that say what it needs to know of the shapes of others."""
        extents = self._extents()
        waiting = list(self.stated)
        while waiting:
            open_ = {s.name for s in waiting if s.name not in self.context.names}
            ready = next((s for s in waiting if not open_ & self._mentioned(s)), None)
            if ready is None:
                self._unsized(waiting[0])
                break
            waiting.remove(ready)
            try:
                self.made.append(self._resolve(ready, extents))
            except Abandon:
                self.builder.refused.add(ready.name)
                waiting = [s for s in waiting if s.name != ready.name]
        return self.made

    # -- one equation ------------------------------------------------------------------------------------------------

    def _resolve(self, stated: Stated, extents: dict[str, int]) -> nodes.Quantity:
        builder, equation = self.builder, stated.equation
        declared = self.variables.get(stated.name)
        if declared is not None and declared.role != nodes.DERIVED:
            builder.unsupported(f"an equation for elements of a variable that is {declared.role}", equation.span)
        indices = self._indices(stated, extents)
        if equation.guard is not None:
            guards.narrow(self.infer, self.context, equation.guard, indices)
        for index in indices:
            if index.extent is not None and index.extent <= index.start:
                message = f"`{index.name}` has no value for which all subscripts of this equation are in range"
                builder.report("G204", message, index.span, "runs over nothing")
        context = self.context.index(*indices)
        value = deterministic.numeric(self.infer, self.infer.expression(context, equation.value))
        if stated.name not in self.context.names:
            self._name(stated, value, extents)
        place = self.infer.expression(context, stated.target)
        assert isinstance(place, nodes.Element)
        self._fits(stated, place, value)
        ranges = tuple(nodes.Range(i.name, i.start, i.extent or 0, span=i.span) for i in indices)
        return nodes.Quantity(stated.name, place, ranges, value, span=equation.span)

    def _name(self, stated: Stated, value: nodes.Expr, extents: dict[str, int]) -> None:
        """The type that the first equation gives a quantity."""
        shape = known_shape(value.type)
        if shape is None or stated.name not in extents or len(stated.target.subscripts) != 1:
            self._unsized(stated)
            raise Abandon
        type_ = nodes.Type(nodes.REAL, (extents[stated.name], *shape))
        base = stated.target.base
        self.variables[stated.name] = nodes.Variable(stated.name, nodes.DERIVED, type_, span=base.span)
        self.context.names[stated.name] = nodes.Reference(type_, stated.name, span=base.span)

    def _fits(self, stated: Stated, place: nodes.Element, value: nodes.Expr) -> None:
        shape = known_shape(place.type) or ()
        if known_shape(value.type) == () != shape or not unify(value.type, nodes.Type(nodes.REAL, shape)):
            found = known_shape(value.type)
            told = f"this has the shape {list(found)}" if found else "this is a scalar"
            self.builder.report(
                "G201",
                f"an element of `{stated.name}` has the shape {list(shape)}, and {told}",
                value.span,
                "another shape",
                also=(Label(self.variables[stated.name].span, "its shape follows from here"),),
            )

    def _unsized(self, stated: Stated) -> None:
        name = stated.name
        self.builder.refused.add(name)
        help_ = (f"declare it: `latent {name} : Real[T, n]`", f"or state its first element: `{name}[0] = zeros(n)`")
        message = f"nothing determines the shape of `{name}`"
        self.builder.reporter.add("G202", message, stated.target.span, "shape unknown", help=help_)

    # -- how far indices run -----------------------------------------------------------------------------------------

    def _mentioned(self, stated: Stated) -> set[str]:
        return {n.id for n in walk(stated.equation.value) if isinstance(n, tree.Name)}

    def _free(self, stated: Stated) -> Iterator[tree.Name]:
        """The names in the subscripts of a target that are no constants: its indices."""
        seen: set[str] = set()
        for subscript in stated.target.subscripts:
            for name in walk(subscript):
                if isinstance(name, tree.Name) and name.id not in self.context.constants and name.id not in seen:
                    seen.add(name.id)
                    yield name

    def _extents(self) -> dict[str, int]:
        """The number of places of each quantity: of the axes that its equations subscript with their first index."""
        found = {n: r.type.shape[0] for n in self.names if (r := self.context.names.get(n)) is not None}
        while True:
            before = dict(found)
            for stated in self.stated:
                if stated.name in self.context.names:
                    continue
                places = [extent for _, _, extent in self._subscripts(stated, found)]
                found[stated.name] = max([found.get(stated.name, 0), *places])
            if found == before:
                return {name: extent for name, extent in found.items() if extent}

    def _subscripts(self, stated: Stated, extents: dict[str, int]) -> Iterator[tuple[str, int, int]]:
        """Where indices of an equation subscript something: the index, what is added to it, the length of the axis."""
        names = {n.id: IndexInfo(n.id, None, n.span) for n in self._free(stated)}
        context = self.context.index(*names.values())
        for part in (stated.target, *walk(stated.equation.value)):
            if not isinstance(part, tree.Index) or not isinstance(part.base, tree.Name):
                continue
            shape = self._shape(part.base.id, extents)
            for subscript, extent in zip(part.subscripts, shape, strict=False):
                moved = moved_index(context, subscript.value) if isinstance(subscript, tree.At) else None
                bound = subscript.bound if isinstance(subscript, tree.Relative) else None
                if moved is not None and moved[0].id in names:
                    yield moved[0].id, moved[1], extent
                elif isinstance(bound, tree.Name) and bound.id in names:
                    yield bound.id, 0, extent

    def _shape(self, name: str, extents: dict[str, int]) -> tuple[int, ...]:
        known = self.context.names.get(name)
        shape = known_shape(known.type) if known is not None else None
        return shape if shape is not None else (extents[name],) if name in extents else ()

    def _indices(self, stated: Stated, extents: dict[str, int]) -> list[IndexInfo]:
        """The indices of an equation, each running over every value for which all subscripts are in range."""
        found = {n.id: IndexInfo(n.id, None, n.span) for n in self._free(stated)}
        for name, shift, extent in self._subscripts(stated, extents):
            info = found[name]
            info.start = max(info.start, -shift)
            info.extent = extent - shift if info.extent is None else min(info.extent, extent - shift)
        for info in found.values():
            if info.extent is None:
                self._unsized(stated)
                raise Abandon
        return list(found.values())
