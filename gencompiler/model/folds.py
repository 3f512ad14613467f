"""Recurrent networks that read a view up to its own place, or from the end: `gru(x[>=t], hidden = H)`.

The state is a derived quantity, computed place by place from where the view begins to be read:

    s[N] = 0        s[k] = step(s[k + 1], x[k])        for `x[>=t]` it is s[t], for `x[>t]` s[t + 1]
    s[0] = 0        s[k + 1] = step(s[k], x[k])        for `x[<=t]` it is s[t + 1]

so that every proof that follows quantities sees what it has read, and no rule of its own is needed.  In a sequence of
run-time length the places that a row does not have leave the state as it is.  (Networks on `x[<t]`, whose views are of
what a head produces, are carried by `rows.recurrent`.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.networks import NetworkKind
from gencompiler.model import nodes
from gencompiler.model.builder import Context, IndexInfo, weights_of
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The views that a state is computed along, and whether from the last place down.
FALLING = {">": True, ">=": True, "<=": False}


def view_of(expr: tree.Call) -> tree.Relative | None:
    """The view that a recurrent network reads, where its state is a derived quantity."""
    return next((n for n in walk(expr) if isinstance(n, tree.Relative) and n.operator in FALLING), None)


def state(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    kind: NetworkKind,
    view: tree.Relative,
    hidden: tuple[int, ...],
) -> nodes.Expr:
    """The state of a recurrent network at a view, and the quantity that it is among those of the model."""
    builder, span = infer.builder, expr.span
    others = [
        n for n in walk(expr) if isinstance(n, tree.Relative) and (n.operator, n.bound) != (view.operator, view.bound)
    ]
    if others:
        builder.unsupported("a recurrent network on views that show different places", others[0].span)
    if context.in_map or context.iterations or context.frame is not None:
        builder.unsupported(f"`{kind.name}` on the view `{view.operator}t` here", span)
    info = IndexInfo(_unused(infer, context), None, span)
    inputs = _inputs(infer, context, expr, view, info)
    sizes = tuple((known_shape(i.type) or (0,))[0] for i in inputs)
    path = builder.fresh(f"{context.path}{kind.name}")
    own = nodes.Network(path, kind.name, hidden, "", sizes, hidden, (), False, views=("",) * len(sizes), span=span)
    for parameter in weights_of(own):
        builder.add_parameter(parameter)
    fold = _Fold(infer, kind, path, hidden[0], info, FALLING[view.operator], _present(infer, expr, info))
    builder.folds.extend(fold.quantities(inputs))
    (place,) = _places(infer, context, view, info.extent or 0)
    return fold.at(place if view.operator == ">=" else _moved(infer, place, 1))


def _unused(infer: Infer, context: Context) -> str:
    """A name for the places."""
    while (name := infer.builder.fresh("k")) in context.names or name in context.constants or name in context.indices:
        pass
    return name


def _inputs(
    infer: Infer, context: Context, expr: tree.Call, view: tree.Relative, info: IndexInfo
) -> tuple[nodes.Expr, ...]:
    """What the network reads at one place of its view."""
    from gencompiler.model.network_calls import read

    def at_place(node: Node) -> Node:
        if isinstance(node, tree.Relative):
            return tree.At(tree.Name(info.name, span=node.span), span=node.span)
        return rebuild(node, at_place)

    inside = dataclasses.replace(context.index(info), views={})
    plain = [rebuild(a, at_place) for a in expr.arguments if a.name is None]
    inputs = infer.builder.every(plain, lambda a: read(infer, inside, a))
    local = {*context.indices, *context.values}
    for value in inputs:
        if any(isinstance(n, nodes.Reference) and n.name in local for n in walk(value)):
            infer.builder.unsupported("a recurrent network input that depends on the index beside a view", value.span)
    if info.extent is None:
        infer.builder.report("G202", "nothing determines how far this view goes", view.span, "no axis")
    return inputs


def _places(infer: Infer, context: Context, view: tree.Relative, extent: int) -> Iterator[nodes.Expr]:
    """The place at which a view stands: an index of the head, or a number."""
    from gencompiler.model.subscripts import before

    yield before(infer, dataclasses.replace(context, in_head=True), view, extent).index


def _moved(infer: Infer, place: nodes.Expr, by: int) -> nodes.Expr:
    one = nodes.Literal(nodes.Type(nodes.REAL), Fraction(by), span=place.span)
    if isinstance(place, nodes.Literal) and isinstance(place.value, Fraction):
        return dataclasses.replace(place, value=place.value + by)
    return infer.apply("add", (place, one), place.span)


def _present(infer: Infer, expr: tree.Call, info: IndexInfo) -> nodes.Expr | None:
    """Whether a row has the place, where what is read is a sequence of run-time length."""
    names = {n.id for n in walk(expr) if isinstance(n, tree.Name)}
    length = next((infer.builder.of_lengths[n] for n in sorted(names) if n in infer.builder.of_lengths), None)
    return infer.apply("less", (_index(info), length), expr.span) if length is not None else None


def _index(info: IndexInfo) -> nodes.Reference:
    support = nodes.Support("Integer", (Fraction(0), Fraction(info.extent or 0)))
    return nodes.Reference(nodes.Type(support), info.name, span=info.span)


@dataclasses.dataclass(frozen=True)
class Fold:
    """A quantity that a recurrent network is, and its equations."""

    variable: nodes.Variable
    quantities: tuple[nodes.Quantity, ...]


class _Fold:
    """The states of one network as quantities over one place more than the view's axis has."""

    def __init__(
        self,
        infer: Infer,
        kind: NetworkKind,
        path: str,
        size: int,
        info: IndexInfo,
        falling: bool,
        present: nodes.Expr | None,
    ) -> None:
        self.infer, self.kind, self.path, self.size, self.info = infer, kind, path, size, info
        self.falling, self.present, self.span = falling, present, info.span
        base = path.replace(".", "_")
        self.names = {name: base if name == "h" else f"{base}_{name}" for name, _ in kind.states}

    def at(self, place: nodes.Expr, state: str = "h") -> nodes.Element:
        """A state at a place."""
        whole = nodes.Reference(
            nodes.Type(nodes.REAL, ((self.info.extent or 0) + 1, self.size)), self.names[state], span=self.span
        )
        rest = nodes.Whole(nodes.Type(nodes.REAL), span=self.span)
        return nodes.Element(nodes.Type(nodes.REAL, (self.size,)), whole, (place, rest), span=self.span)

    def quantities(self, inputs: tuple[nodes.Expr, ...]) -> Iterator[Fold]:
        """Each state: 0 at the end from which it is computed, and the step from a place to the next."""
        index, extent = _index(self.info), self.info.extent or 0
        following, here = (
            (_moved(self.infer, index, 1), index) if self.falling else (index, _moved(self.infer, index, 1))
        )
        end = nodes.Literal(nodes.Type(nodes.REAL), Fraction(extent if self.falling else 0), span=self.span)
        for name, value in self._steps(inputs, following).items():
            step = value
            if self.present is not None:
                step = nodes.Choose(value.type, self.present, value, self.at(following, name), span=self.span)
            places = nodes.Range(self.info.name, 0, extent, span=self.span)
            own = self.names[name]
            equations = (
                nodes.Quantity(own, self.at(end, name), (), self._zeros(), span=self.span),
                nodes.Quantity(own, self.at(here, name), (places,), step, span=self.span),
            )
            type_ = nodes.Type(nodes.REAL, (extent + 1, self.size))
            yield Fold(nodes.Variable(own, nodes.DERIVED, type_, span=self.span), equations)

    def _zeros(self) -> nodes.Expr:
        zero = nodes.Literal(nodes.Type(nodes.REAL), Fraction(0), span=self.span)
        return nodes.Each(
            nodes.Type(nodes.REAL, (self.size,)), self.infer.builder.fresh("_unit"), self.size, zero, span=self.span
        )

    def _steps(self, inputs: tuple[nodes.Expr, ...], before: nodes.Expr) -> dict[str, nodes.Expr]:
        """The states after a place, of those `before` it: the catalogue's formulas of the gates."""
        from gencompiler.model.formula import formula, placed

        given = inputs[0] if len(inputs) == 1 else self._joined(inputs)
        states: dict[str, nodes.Expr] = {name: self.at(before, name) for name, _ in self.kind.states}
        layers = {"input": given, "hidden": states["h"]}
        bindings = tuple(
            nodes.Binding(f"of_{layer}", self._affine(layer, value), span=self.span) for layer, value in layers.items()
        )
        gates = {f"{b.name[3]}{k}": self._gate(b, k) for b in bindings for k in range(self.kind.gates)}
        found: dict[str, nodes.Expr] = {}
        values = {**states, **gates}
        for name, text in self.kind.states:
            step = placed(formula(text, **values), self.span)
            values[f"{name}_next"] = step
            found[name] = nodes.Let(step.type, bindings, step, span=self.span)
        return found

    def _joined(self, inputs: tuple[nodes.Expr, ...]) -> nodes.Expr:
        size = sum((known_shape(i.type) or (1,))[0] if known_shape(i.type) else 1 for i in inputs)
        return nodes.Join(nodes.Type(nodes.REAL, (size,)), inputs, span=self.span)

    def _affine(self, layer: str, value: nodes.Expr) -> nodes.Expr:
        """All gates of what a layer reads, one after the other."""
        parameters = self.infer.builder.parameters
        weight, bias = (parameters[f"{self.path}.{layer}.{part}"] for part in ("weight", "bias"))
        matrix, added = (
            nodes.ParameterReference(nodes.Type(p.support, p.shape), p.path, span=self.span) for p in (weight, bias)
        )
        if not known_shape(value.type):
            value = nodes.Each(
                nodes.Type(nodes.REAL, (1,)), self.infer.builder.fresh("_unit"), 1, value, span=self.span
            )
        unify(value.type, nodes.Type(nodes.REAL, weight.shape[1:]))
        product = nodes.Contract(nodes.Type(nodes.REAL, bias.shape), matrix, value, span=self.span)
        return self.infer.apply("add", (product, added), self.span)

    def _gate(self, binding: nodes.Binding, number: int) -> nodes.Expr:
        whole = nodes.Reference(binding.value.type, binding.name, span=self.span)
        start = number * self.size
        return nodes.Slice(nodes.Type(nodes.REAL, (self.size,)), whole, start, start + self.size, span=self.span)
