"""Calls in expressions: catalogue functions, reductions, structure, networks, gradients, a user's `def`; and `where`
blocks."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import distributions, functions, networks, words
from gencompiler.diagnostics.wording import counted
from gencompiler.model import (
    definitions,
    densities,
    density_arguments,
    features,
    fields,
    inner_densities,
    network_calls,
    nodes,
    orders,
    piped,
    reductions,
    sdes,
    sums,
    tables,
    views,
)
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

__all__ = ["Abandon", "call", "local_equations"]


def call(infer: Infer, context: Context, expr: tree.Call) -> nodes.Expr:
    """The typed form of `f(arguments | conditions)`."""
    function = expr.function
    density = densities.value(infer, context, expr)
    if density is not None:
        return density
    law = inner_densities.log_law(infer, context, expr)
    if law is not None:
        return nodes.Apply(law.type, "exp", (law,), span=expr.span)
    if isinstance(function, tree.Call):
        return _call_of_call(infer, context, expr, function)
    if not isinstance(function, tree.Name):
        infer.builder.report("G103", "only a name can be called", function.span, "not a function")
    name = function.id
    definition = infer.builder.definition(context, name)
    if definition is not None and piped.is_inlined(infer, context, expr, definition):
        return piped.one(infer, expr, piped.inlined(infer, context, expr, definition))
    if definition is not None:
        return definitions.call(infer, context, densities.spread_arguments(context, expr), definition)
    if name in context.names or name in context.constants:
        infer.builder.report(
            "G103",
            f"`{name}` is a value, not a function",
            function.span,
            "cannot be called",
            help=("multiplication is written `*`, a subscript `[…]`",),
        )
    if name in words.WRAPPERS:
        return network_calls.bounded(infer, context, expr)
    if name in networks.NETWORKS:
        return network_calls.network(infer, context, expr, networks.NETWORKS[name], ("output",))[0]
    if name in networks.FEATURES:
        return features.call(infer, context, expr, name)
    if name == "indicator" and (found := orders.indicated(infer, context, expr)) is not None:
        return found
    if name in functions.FUNCTIONS or name in functions.REDUCTIONS or name == "softmax":
        return _catalogue(infer, context, expr, name)
    if name in words.MATRICES:
        return _matrix(infer, context, expr, name)
    if name == "grid":
        return tables.grid(infer, context, expr)
    if name == "scatter":
        return orders.scattered(infer, context, expr)
    if name in words.STRUCTURE:
        return _structure(infer, context, expr, name)
    if name in distributions.DISTRIBUTIONS:
        infer.builder.report(
            "G203",
            f"`{name}` is a distribution, not a value",
            expr.span,
            "a value is needed here",
            help=(f"draw from it in an equation of its own: `p(x) = {name}(…)`",),
        )
    if name in sdes.COEFFICIENTS:
        return sdes.coefficient(infer, context, expr, name)
    infer.builder.check_place(name, function.span)
    if name in networks.PLANNED or name in words.PLANNED or name in distributions.PLANNED:
        infer.builder.unsupported(f"`{name}(…)`", expr.span)
    return infer.builder.unsupported(f"a call of `{name}` here", function.span)


def _call_of_call(infer: Infer, context: Context, expr: tree.Call, head: tree.Call) -> nodes.Expr:
    """`grad(f)(x)`"""
    if isinstance(head.function, tree.Name) and head.function.id == "grad":
        score = densities.gradient(infer, context, expr, head)
        if score is not None:
            return score
        return definitions.gradient(infer, context, densities.spread_arguments(context, expr), head)
    energy = density_arguments.free_energy(infer, context, expr, head)
    if energy is not None:
        return energy
    return infer.builder.unsupported("a call of what a call returns", expr.span)


def positional(infer: Infer, context: Context, expr: tree.Call, what: str) -> tuple[nodes.Expr, ...]:
    """The arguments of a call that takes only plain positional ones."""
    if expr.conditions is not None:
        infer.builder.report("G104", f"`{what}` takes no conditions", expr.span, "remove what follows the bar")
    for argument in expr.arguments:
        if argument.name is not None:
            infer.builder.report(
                "G104", f"`{what}` has no argument called `{argument.name.id}`", argument.span, "unknown argument"
            )
    return infer.builder.every(expr.arguments, lambda a: argument_value(infer, context, a))


def _catalogue(infer: Infer, context: Context, expr: tree.Call, name: str) -> nodes.Expr:
    if name in sums.NEUTRAL and (summed := sums.over_several(infer, context, expr, name)) is not None:
        return summed
    arguments = positional(infer, context, expr, name)
    if name in reductions.REDUCED and len(arguments) == 1:
        return reductions.reduce(infer, context, expr, name, arguments[0])
    if name == "softmax" and len(arguments) == 1:
        return reductions.softmax(infer, expr, arguments[0])
    fact = functions.FUNCTIONS.get(name)
    if fact is None or (fact.operator is not None and fact.operator.isalpha()):
        return infer.builder.unsupported(f"`{name}(…)`", expr.span)
    if len(arguments) != fact.arity:
        infer.builder.report(
            "G104",
            f"`{name}` takes {counted(fact.arity, 'argument')}, not {len(arguments)}",
            expr.span,
            "wrong number of arguments",
        )
    return infer.apply(name, arguments, expr.span)


# -- structure -------------------------------------------------------------------------------------------------------


def _structure(infer: Infer, context: Context, expr: tree.Call, name: str) -> nodes.Expr:
    if name == "grad":
        infer.builder.report("G104", "`grad(f)` is a function: apply it", expr.span, "write `grad(f)(x)`")
    if name == "split":
        infer.builder.report(
            "G205", "`split` gives two parts: name both", expr.span, help=("write `a, b = split(u)` in a `where`",)
        )
    arguments = positional(infer, context, expr, name)
    if name in ("zeros", "ones"):
        return _filled(infer, context, expr, arguments, Fraction(name == "ones"))
    if name == "bin":
        return _bin(infer, expr, arguments)
    along_first = _first_axis if name in ("join", "reverse") else _vector
    shapes = [1 if name == "join" and known_shape(a.type) == () else along_first(infer, a, name) for a in arguments]
    if name == "cumsum" and len(arguments) == 1:
        return nodes.Cumulative(arguments[0].type, arguments[0], span=expr.span)
    if name == "join":
        if len(arguments) < 2:
            infer.builder.report("G104", "`join` puts two or more parts side by side", expr.span, "only one part")
        rests = {(known_shape(a.type) or ())[1:] for a in arguments}
        if len(rests) > 1:
            message = "the parts of a join differ along another axis than the first"
            infer.builder.report("G201", message, expr.span, f"shapes {', '.join(str(list(r)) for r in sorted(rests))}")
        type_ = nodes.Type(nodes.REAL, (sum(shapes), *rests.pop()))
        return nodes.Join(type_, arguments, span=expr.span)
    if name == "reverse" and len(arguments) == 1:
        order = tuple(reversed(range(shapes[0])))
        return nodes.Permute(arguments[0].type, arguments[0], order, span=expr.span)
    if name == "size" and len(arguments) == 1:
        whole = arguments[0].name if isinstance(arguments[0], nodes.Reference) else ""
        if whole in infer.builder.of_lengths:
            infer.builder.unsupported("the size of a variable of run-time length", expr.span)
        return nodes.Literal(nodes.Type(nodes.REAL), Fraction(shapes[0]), span=expr.span)
    return infer.builder.report("G104", f"`{name}` takes one argument", expr.span, "wrong number of arguments")


def _matrix(infer: Infer, context: Context, expr: tree.Call, name: str) -> nodes.Expr:
    """`transpose(W)`, `inverse(W)`"""
    arguments = positional(infer, context, expr, name)
    shape = known_shape(arguments[0].type) if len(arguments) == 1 else None
    if shape is None or len(shape) != 2 or (name == "inverse" and shape[0] != shape[1]):
        kind = "a square matrix" if name == "inverse" else "a matrix"
        message = f"`{name}` takes {kind}"
        label = f"this has the shape {list(shape)}" if shape else "this is none"
        infer.builder.report("G201", message, arguments[0].span if arguments else expr.span, label)
    return nodes.MatrixFunction(nodes.Type(nodes.REAL, (shape[1], shape[0])), name, arguments[0], span=expr.span)


def _bin(infer: Infer, expr: tree.Call, arguments: tuple[nodes.Expr, ...]) -> nodes.Expr:
    """`bin(u, x)`: a whole number that subscripts what there is one of for each interval."""
    if len(arguments) != 2 or known_shape(arguments[0].type) != ():
        infer.builder.report("G104", "`bin(u, x)` takes a number and a vector of knots", expr.span, "wrong arguments")
    value, knots = arguments
    count = _vector(infer, knots, "bin")
    if count < 2:
        infer.builder.report("G201", "one knot bounds no interval", knots.span, "only one knot")
    places = nodes.Support("Integer", (Fraction(0), Fraction(count - 1)))
    return nodes.Bin(nodes.Type(places), value, knots, span=expr.span)


def _filled(
    infer: Infer, context: Context, expr: tree.Call, arguments: tuple[nodes.Expr, ...], value: Fraction
) -> nodes.Expr:
    if len(arguments) != 1:
        infer.builder.report("G104", "this takes one argument, a size or a tensor to copy the shape of", expr.span)
    like = arguments[0]
    number: nodes.Expr = nodes.Literal(nodes.Type(nodes.REAL), value, span=expr.span)
    if isinstance(like, nodes.Literal):
        if not isinstance(like.value, Fraction) or like.value.denominator != 1 or like.value < 1:
            message = f"a size must be a positive whole number, not {like.value}"
            infer.builder.report("G206", message, like.span, "not a size")
        shape: tuple[int, ...] = (int(like.value),)
    else:
        whole = known_shape(like.type) or ()
        cuts = views.axes_or_none(like, context.views) or (None,) * len(whole)
        shape = tuple(n for n, cut in zip(whole, cuts, strict=True) if cut is None)  # of a view, at one of its places
    for extent in reversed(shape):
        index = infer.builder.fresh("_index")
        type_ = nodes.Type(nodes.REAL, (extent, *number.type.shape))
        number = nodes.Each(type_, index, extent, number, span=expr.span)
    return number


def _vector(infer: Infer, value: nodes.Expr, name: str) -> int:
    length = _first_axis(infer, value, name)
    if len(known_shape(value.type) or ()) > 1:
        infer.builder.unsupported(f"`{name}` of a tensor with several axes", value.span)
    return length


def _first_axis(infer: Infer, value: nodes.Expr, name: str) -> int:
    shape = known_shape(value.type)
    if shape is None:
        infer.builder.report(
            "G202",
            f"`{name}` needs to know the size of this",
            value.span,
            "size unknown",
            help=("state it: `size = n` in the network's call",),
        )
    if len(shape) == 0:
        infer.builder.report("G201", f"`{name}` works on a tensor, and this is a scalar", value.span, "a scalar")
    return shape[0]


def split(infer: Infer, context: Context, expr: tree.Call, count: int) -> tuple[nodes.Expr, ...]:
    """`a, b = split(u)`: the first ⌊D/2⌋ places, then the rest."""
    arguments = positional(infer, context, expr, "split")
    if len(arguments) != 1 or count != 2:
        message = "`split` cuts one tensor into two parts"
        infer.builder.report("G104", message, expr.span, f"{counted(count, 'name')} on the left")
    length = _first_axis(infer, arguments[0], "split")
    if length < 2:
        infer.builder.report(
            "G407",
            "a single dimension cannot be split",
            expr.span,
            f"this has {length} dimension",
            help=("use a map that transforms every dimension",),
        )
    half = length // 2
    parts = ((0, half), (half, length))
    rest = (known_shape(arguments[0].type) or ())[1:]
    types = (nodes.Type(nodes.REAL, (b - a, *rest)) for a, b in parts)
    return tuple(nodes.Slice(t, arguments[0], a, b, span=expr.span) for t, (a, b) in zip(types, parts, strict=True))


# -- where -----------------------------------------------------------------------------------------------------------


def local_equations(infer: Infer, context: Context, block: tree.Block) -> tuple[Context, tuple[nodes.Binding, ...]]:
    """The equations of a `where`, in dependency order: the context that sees them, and what must be bound."""
    locals_ = _Locals(infer, context, block)
    for item in block.items:
        locals_.resolve(item)
    bindings = tuple(locals_.bindings)
    names = {**context.names, **locals_.names}
    values = {**context.values, **{b.name: b.value for b in bindings}}
    return dataclasses.replace(context, names=names, views=locals_.views, values=values), bindings


class _Locals:
    """Resolves local equations on demand, so that they may stand in any order."""

    def __init__(self, infer: Infer, context: Context, block: tree.Block) -> None:
        self.infer = infer
        self.context = context
        self.owner: dict[str, tree.Equation] = {}
        self.names: dict[str, nodes.Expr] = {}
        self.views = dict(context.views)
        self.bindings: list[nodes.Binding] = []
        self.active: list[tree.Equation] = []
        self.done: list[tree.Equation] = []
        for item in block.items:
            for name in self._targets(item):
                if name.id in self.owner:
                    infer.builder.report("G102", f"`{name.id}` is defined twice", name.span, "defined again")
                self.owner[name.id] = item

    def _targets(self, item: tree.Equation) -> list[tree.Name]:
        names = []
        for target in item.targets:
            if not isinstance(target, tree.Name) and not (len(item.targets) == 1 and _indexed(target)):
                self.infer.builder.unsupported("an indexed local equation", target.span)
            names.append(target if isinstance(target, tree.Name) else _indexed(target)[0])
        if item.relation != "=":
            self.infer.builder.report(
                "G604", "a local equation defines with `=`", item.span, f"this says `{item.relation}`"
            )
        return names

    def resolve(self, item: tree.Equation) -> None:
        if item in self.done:
            return
        if item in self.active:
            self.infer.builder.report("G301", "these local equations define each other", item.span, "needs itself")
        self.active.append(item)
        for name in _mentioned(item.value):
            if name in self.owner:
                self.resolve(self.owner[name])
        names = {**self.context.names, **self.names}
        values = {**self.context.values, **{b.name: b.value for b in self.bindings}}
        context = dataclasses.replace(self.context, names=names, views=self.views, values=values)
        try:
            self._define(context, item)
        except Abandon:  # it has reported; what mentions its names says nothing new
            self.infer.builder.refused |= {t.id for t in item.targets if isinstance(t, tree.Name)}
        self.active.remove(item)
        self.done.append(item)

    def _define(self, context: Context, item: tree.Equation) -> None:
        names = [t.id for t in item.targets if isinstance(t, tree.Name)]
        value = item.value
        if not names:  # `f[k] = e` is the array `for k: e`
            name, index = _indexed(item.targets[0])
            names = [name.id]
            value = tree.Each((tree.Binding(index, None, span=index.span),), value, span=value.span)
        head = value.function.id if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) else ""
        shadowed = head in self.infer.builder.definitions
        if isinstance(value, tree.Call) and head in networks.NETWORKS and not shadowed:
            outputs = network_calls.network(self.infer, context, value, networks.NETWORKS[head], tuple(names))
            self._bind(names, outputs, item)
        elif isinstance(value, tree.Call) and head == "split" and not shadowed:
            self._bind(names, split(self.infer, context, value, len(names)), item)
        else:
            found = piped.values(self.infer, context, value, tuple(names))
            if len(found) != len(names):
                what = f"this gives {counted(len(found), 'value')}, and {counted(len(names), 'name')} stand for it"
                self.infer.builder.report("G205", what, item.span, "a name for each value")
            self._bind(names, found, item)

    def _bind(self, names: list[str], values: tuple[nodes.Expr, ...], item: tree.Equation) -> None:
        for name, value in zip(names, values, strict=True):
            if fields.is_field(self.infer, self.context, value) and not any(views.axes_or_none(value, self.views)):
                self.names[name] = value
                continue
            self.bindings.append(nodes.Binding(name, value, span=item.span))
            self.views = {**self.views, name: views.axes_or_none(value, self.views)}
            self.names[name] = nodes.Reference(value.type, name, span=item.span)


def _indexed(target: tree.Expr) -> tuple[tree.Name, ...]:
    """The name and the index of `f[k]`; nothing for any other target."""
    if isinstance(target, tree.Index) and isinstance(target.base, tree.Name) and len(target.subscripts) == 1:
        place = target.subscripts[0]
        if isinstance(place, tree.At) and isinstance(place.value, tree.Name):
            return target.base, place.value
    return ()


def _mentioned(expr: tree.Expr) -> list[str]:
    from gencompiler.node import walk

    return [n.id for n in walk(expr) if isinstance(n, tree.Name)]


def argument_value(infer: Infer, context: Context, given: tree.Argument) -> nodes.Expr:
    """The value of an argument."""
    if given.value is None:
        infer.builder.unsupported("a binder as an argument", given.span)
    return infer.expression(context, given.value)
