"""The law of one element in its turn: `log p(x[j] | x[o[<d]], o)`, by the equation that states it along an order.

A head `p(x[o[i]] | x[o[<i]], o) = F` says of every order and every turn i what the law of the element is whose turn it
is.  Where the formula F reads of the order no more than which element it speaks of, `o[i]`, and which came before,
`o[<i]`, it is a law of x[j] given the elements at the first d places of o, for any j that is not one of them: that of
each order which begins so and goes on with j (Uria, Murray & Larochelle, A deep and tractable density estimator, ICML
2014, equation 12, which takes the mean over all such j).  It is F with d for i and j for o[i].
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes, orders
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.types import known_shape
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.densities import Head
    from gencompiler.model.infer import Infer


@dataclasses.dataclass(frozen=True)
class _Asked:
    """`joint(variable[place] | variable[order[<turn]], …)`: `value` is that of the variable."""

    joint: str
    variable: nodes.Variable
    value: nodes.Expr
    place: nodes.Expr
    order: nodes.Variable
    order_value: nodes.Expr
    turn: nodes.Before
    given: tuple[nodes.Binding, ...]
    span: Span


def log_law(infer: Infer, context: Context, found: Head, call: tree.Call, span: Span) -> nodes.Expr | None:
    """The logarithm of one element's law in its turn; None of a call that lists no view along an order."""
    if not any(_viewed(argument) is not None for argument in call.conditions or ()):
        return None
    assert context.frame is not None
    if found.kernel is not None or found.density is not None or context.frame.laws is None:
        infer.builder.unsupported("the law of one element here", call.span)
    if found.stopped:
        infer.builder.unsupported("the law of one element with constant parameters", call.span)
    asked = _asked(infer, context, found.name, call, span)
    conditional = _stated(infer, context, asked)
    return _put_in(infer, asked, conditional)


def _viewed(argument: tree.Argument) -> tuple[tree.Name, tree.Index] | None:
    """The names of `x[o[<d]]`: what is viewed, and the view."""
    value = argument.value
    if not isinstance(value, tree.Index) or len(value.subscripts) != 1 or not isinstance(value.base, tree.Name):
        return None
    (place,) = value.subscripts
    inner = place.value if isinstance(place, tree.At) else None
    relative = isinstance(inner, tree.Index) and any(isinstance(s, tree.Relative) for s in inner.subscripts)
    return (value.base, inner) if relative and isinstance(inner, tree.Index) else None


# -- what is asked for -----------------------------------------------------------------------------------------------


def _asked(infer: Infer, context: Context, joint: str, call: tree.Call, span: Span) -> _Asked:
    from gencompiler.model import densities

    builder = infer.builder
    views = [found for argument in call.conditions or () if (found := _viewed(argument)) is not None]
    base, inner = views[0]
    target = call.arguments[0].value if len(call.arguments) == 1 and call.arguments[0].name is None else None
    own = isinstance(target, tree.Index) and isinstance(target.base, tree.Name) and target.base.id == base.id
    if len(views) > 1 or not own or not isinstance(inner.base, tree.Name):
        builder.report(
            "G704",
            f"what comes along an order is given for the law of one element of `{base.id}`",
            call.span,
            f"not `{base.id}[j] | {base.id}[…]`",
            help=(f"write `{joint}({base.id}[j] | {base.id}[o[<d]], o)`",),
        )
    assert isinstance(target, tree.Index)
    variable, order = (_variable(infer, context, name) for name in (base, inner.base))
    view = orders.view(infer, context, inner)
    if view is None:
        message = f"`{inner.base.id}` is no order: it is {order.type}"
        builder.report("G704", message, inner.span, "a view along an order", also=(_declared(order),))
    if view[1].inclusive:
        builder.unsupported("the law of one element given those up to a turn", inner.span, "write `o[<d]`")
    element = infer.expression(context, target)
    if not isinstance(element, nodes.Element) or len(element.subscripts) != 1 or known_shape(element.type) != ():
        builder.report("G704", f"this is more than one element of `{variable.name}`", target.span, "not one element")
    others = [a for a in call.conditions or () if _viewed(a) is None]
    given = tuple(b for argument in others for b in densities.bound(infer, context, argument))
    return _Asked(joint, variable, element.base, element.subscripts[0], order, view[0], view[1], given, span)


def _variable(infer: Infer, context: Context, name: tree.Name) -> nodes.Variable:
    """The one variable that a name of an objective means."""
    assert context.frame is not None
    meant = context.frame.meanings.get(name.id, ())
    if len(meant) != 1:
        listed = ", ".join(f"`{v.name}`" for v in meant) or "no variable"
        message = f"`{name.id}` stands for {listed}, and the law of one element is that of one variable"
        infer.builder.report("G704", message, name.span, f"{len(meant)} variables")
    return meant[0]


def _declared(variable: nodes.Variable) -> Label:
    return Label(variable.span, f"`{variable.name}` is declared here")


# -- the equation that states it -------------------------------------------------------------------------------------


def _stated(infer: Infer, context: Context, asked: _Asked) -> nodes.Conditional:
    """The one equation that states the law of each element along the order, from the first turn on."""
    assert context.frame is not None and context.frame.laws is not None
    own, order = asked.variable.name, asked.order.name
    every = [c for c in context.frame.laws if c.joint == asked.joint and _named(c.targets[0]) == own]
    shape = f"`{asked.joint}({own}[{order}[i]] | {own}[{order}[<i]], {order})`"
    if not every and infer.builder.reporter.has_errors:
        raise Abandon  # the equation that states it may be one that is refused
    if len(every) != 1 or not _along(every[0], own, order, asked.variable.type.shape[0]):
        infer.builder.report(
            "G701",
            f"`{context.frame.objective}` needs the law of each element of `{own}` along the order `{order}`",
            asked.span,
            "stated by no equation",
            also=tuple(Label(c.targets[0].span, f"the law of `{own}`") for c in every),
            help=(f"state it: {shape}",),
        )
    listed = {_named(g) for g in every[0].given} | {order}
    known = {b.name for b in asked.given} | {own, order}
    if missing := sorted(listed - known):
        message = f"the law of an element of `{own}` is stated given `{missing[0]}` too"
        also = (Label(every[0].targets[0].span, "stated here"),)
        infer.builder.report("G704", message, asked.span, f"`{missing[0]}` is not given", also=also)
    return every[0]


def _named(expr: nodes.Expr) -> str:
    """The variable that a target or a given is, or is part of."""
    base = expr.base if isinstance(expr, nodes.Element) else expr
    return base.name if isinstance(base, nodes.Reference) else ""


def _along(conditional: nodes.Conditional, variable: str, order: str, extent: int) -> bool:
    """Whether a head is `p(x[o[i]] | …)` for all turns i."""
    target = conditional.targets[0]
    if len(conditional.targets) != 1 or len(conditional.indices) != 1 or not isinstance(target, nodes.Element):
        return False
    (range_,) = conditional.indices
    whole = (range_.start, range_.stop) == (0, extent)
    return whole and target.type.shape == () and _is_turn(target.subscripts[0], order, range_.index)


def _is_turn(expr: Node, order: str, index: str) -> bool:
    """`o[i]`, the element whose turn it is."""
    if not isinstance(expr, nodes.Element) or _named(expr) != order or len(expr.subscripts) != 1:
        return False
    place = expr.subscripts[0]
    return isinstance(place, nodes.Reference) and place.name == index


# -- its formula -----------------------------------------------------------------------------------------------------


def _put_in(infer: Infer, asked: _Asked, conditional: nodes.Conditional) -> nodes.Expr:
    """The formula of the law with d for i, j for o[i], and the values that are given."""
    values = {b.name: b.value for b in asked.given} | {asked.variable.name: asked.value}
    put = _PutIn(asked, conditional, conditional.indices[0].index, values)
    found = put(conditional.distribution)
    if put.more:
        infer.builder.report(
            "G704",
            f"the law of an element of `{asked.variable.name}` reads more of `{asked.order.name}` than which element it"
            " is and which came before",
            asked.span,
            "another order that begins so gives another law",
            also=(Label(put.more[0].span, "read here"),),
        )
    assert isinstance(found, nodes.Expr)
    return _logarithm(infer, asked, found)


def _logarithm(infer: Infer, asked: _Asked, law: nodes.Expr) -> nodes.Expr:
    """log of a law at x[j], under its local equations."""
    number = nodes.Type(nodes.REAL)
    if isinstance(law, nodes.Let):
        body = _logarithm(infer, asked, law.body)
        return nodes.Let(number, law.bindings, body, span=asked.span)
    if not isinstance(law, nodes.Distribution):
        infer.builder.unsupported("the law of one element that is piped through maps", asked.span)
    event = nodes.Element(nodes.Type(asked.variable.type.support), asked.value, (asked.place,), span=asked.span)
    return nodes.LogLaw(number, law, event, span=asked.span)


class _PutIn:
    """Puts the values that are asked for into a law; `more` is what else it reads of the order."""

    def __init__(
        self, asked: _Asked, conditional: nodes.Conditional, index: str, values: dict[str, nodes.Expr]
    ) -> None:
        self.asked = asked
        self.index = index
        self.values = {**values, index: asked.turn.index}
        self.more: list[nodes.Expr] = []
        written = (asked.place, asked.turn, asked.order_value, *values.values())
        self.free = {n.name for e in written for n in walk(e) if isinstance(n, nodes.Reference)}

    def __call__(self, part: Node) -> Node:
        order = self.asked.order.name
        if _is_turn(part, order, self.index):
            return self.asked.place
        if isinstance(part, nodes.Scatter) and _named(part.order) == order and self._comes_before(part.before):
            base = None if part.base is None else self(part.base)
            return dataclasses.replace(part, base=base, order=self.asked.order_value, before=self.asked.turn)
        if isinstance(part, nodes.Reference):
            if part.name == order:
                self.more.append(part)
            return self.values.get(part.name, part)
        if isinstance(part, nodes.Let):
            return self._let(part)
        if isinstance(part, nodes.Each | nodes.MixtureDistribution) and part.index in self.free:
            own = self._renamed(part.index, nodes.Type(nodes.REAL), part.span)
            return dataclasses.replace(rebuild(part, own), index=_apart(part.index))
        return rebuild(part, self)

    def _comes_before(self, view: nodes.Before) -> bool:
        return not view.inclusive and isinstance(view.index, nodes.Reference) and view.index.name == self.index

    def _let(self, part: nodes.Let) -> nodes.Let:
        """Local equations, under other names where what is put in mentions one of theirs."""
        inside, bindings = self, []
        for binding in part.bindings:
            value = inside(binding.value)
            assert isinstance(value, nodes.Expr)
            taken = binding.name in self.free
            bindings.append(nodes.Binding(_apart(binding.name) if taken else binding.name, value, span=binding.span))
            if taken:
                inside = inside._renamed(binding.name, binding.value.type, binding.span)
        body = inside(part.body)
        assert isinstance(body, nodes.Expr)
        return nodes.Let(part.type, tuple(bindings), body, span=part.span)

    def _renamed(self, name: str, type_: nodes.Type, span: Span) -> _PutIn:
        found = copy.copy(self)
        found.values = {**self.values, name: nodes.Reference(type_, _apart(name), span=span)}
        return found


def _apart(name: str) -> str:
    """A name that no spec contains."""
    return f"{name} in turn"
