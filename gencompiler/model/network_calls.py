"""Network calls: `mlp(a, hidden = [H, H])`, `linear(h)`, `bias()`."""

from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.catalog.stacks import MOST_PLACES
from gencompiler.model import causal_inputs, convolutions, features, fields, folds, nodes, stacks, views
from gencompiler.model.builder import Context, PendingNetwork
from gencompiler.model.conditions import by_value, is_constant
from gencompiler.model.constants import constant, size
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape, unify, unknown_type
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def network(
    infer: Infer, context: Context, expr: tree.Call, kind: networks.NetworkKind, output_names: tuple[str, ...]
) -> tuple[nodes.Expr, ...]:
    """One output expression for each name; sizes left open are solved by use."""
    plain = tuple(a for a in expr.arguments if a.name is None)
    options = call_options(infer, expr, kind.name, kind.options)
    if kind.gates and (view := folds.view_of(expr)) is not None:
        hidden = _state(infer, context, expr, kind, options, output_names)
        return (folds.state(infer, context, expr, kind, view, hidden),)
    if kind.one_hot or kind.image:
        plain = _with_size(context, plain, options)
    inputs = _inputs(infer, context, expr, kind, plain)
    if kind.image and len(inputs) == 1 and fields.is_field(infer, context, inputs[0]):
        return fields.convolution(infer, context, expr, inputs[0], options, output_names)
    if kind.one_hot and len(known_shape(inputs[0].type) or ()) > 1:
        return (_table(infer, context, expr, options, inputs[0], output_names),)
    for option in ("dilation", "context"):
        if option in options:
            infer.builder.unsupported(f"`{option}` of a convolution that is not on a causal view", expr.span)
    hidden = _state(infer, context, expr, kind, options, output_names)
    activation = _activation(infer, options.get("activation"))
    path = infer.builder.fresh(f"{context.path}{kind.name}")
    types = tuple(unknown_type(nodes.REAL) for _ in output_names)
    grid = convolutions.grid_of(infer, expr, inputs) if kind.image else ()
    if "size" in options:
        stated = size(options["size"], context.constants, infer.builder.reporter)
        for type_ in types:
            if stated is not None:
                unify(type_, nodes.Type(nodes.REAL, (stated, *grid)))
    places, shown = (0, ()) if kind.image else causal_inputs.shown(infer, context, inputs)
    if places:  # it is one network for all places, which stands outside of the local equations of any
        inputs = tuple(by_value(value, context) for value in inputs)
    own = (
        (known_shape(i.type) or (), places if s else 0)
        for i, s in zip(inputs, shown or ("",) * len(inputs), strict=True)
    )
    sizes = tuple(itertools.starmap(_size, own))
    if kind.stack is not None:
        _stacked(infer, expr, kind, places, shown, hidden)
        grid = causal_inputs.grid(inputs, kind.axes, places)
    if kind.stack is not None and not grid:
        message = f"`{kind.name}` reads an image, and this view has one axis"
        infer.builder.report("G104", message, expr.span, "a view in raster order is needed", help=("`x[<(i, j)]`",))
    settings = _settings(infer, context, expr, kind, options, hidden, len(grid)) if kind.stack is not None else ()
    if kind.image:
        settings = convolutions.settings(infer, context, expr, options.get("kernel"), hidden)
    if kind.gates:
        _recurrent(infer, expr, kind, places, hidden, types)
    stated = is_true(infer, options, "zero")
    from_zero = context.in_map or stated
    if stated:
        infer.builder.zeros.add(path)
    if context.in_map:
        _begin_elsewhere(infer, context, inputs)
    found = nodes.Network(
        *(path, kind.name, hidden, activation, sizes, (), context.iterations, from_zero, output_names, places),
        shown if places else (),
        grid=grid,
        settings=settings,
        span=expr.span,
    )
    if kind.stack is not None and not kind.weight:
        unify(types[0], nodes.Type(nodes.REAL, (stacks.sizes_of(found, stacks.layers_of(found))["last"],)))
    infer.builder.networks[path] = PendingNetwork(found, types)
    return tuple(nodes.NetworkOutput(t, path, number, inputs, span=expr.span) for number, t in enumerate(types))


def _begin_elsewhere(infer: Infer, context: Context, inputs: tuple[nodes.Expr, ...]) -> None:
    """Of networks one after another in a map the last begins at 0: of all of them no gradient would reach a weight."""
    waiting = list(inputs)
    while waiting:
        for part in walk(waiting.pop()):
            if isinstance(part, nodes.Reference) and part.name in context.values:
                waiting.append(context.values[part.name])
            elif isinstance(part, nodes.NetworkOutput) and part.path in infer.builder.networks:
                pending = infer.builder.networks[part.path]
                pending.network = dataclasses.replace(pending.network, zero_output=part.path in infer.builder.zeros)


def _table(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    options: dict[str, tree.Expr],
    indicators: nodes.Expr,
    names: tuple[str, ...],
) -> nodes.Expr:
    """The embedding of every element of a tensor."""
    if len(names) > 1:
        infer.builder.report("G104", "the embedding of a tensor has one result", expr.span, "several names for it")
    most = (known_shape(indicators.type) or (1,))[0]
    count = _sizes(infer, context, options["size"])[0] if "size" in options else min(most, networks.EMBEDDING_SIZE)
    return features.embedded(infer, context, expr, indicators, count)


def bounded(infer: Infer, context: Context, expr: tree.Call) -> nodes.Expr:
    """`lipschitz(mlp(u, hidden = [64]), 0.9)`: a network whose weights are scaled so that its outputs change by no more
    than so many times the change of its inputs."""
    inner, bound = (*(a.value for a in expr.arguments), None, None)[:2]
    kind = None
    if isinstance(inner, tree.Call) and isinstance(inner.function, tree.Name):
        kind = networks.NETWORKS.get(inner.function.id)
    if (
        not isinstance(inner, tree.Call)
        or kind is None
        or kind.one_hot
        or not kind.weight
        or bound is None
        or len(expr.arguments) != 2
    ):
        message = "`lipschitz` takes a network and a number: `lipschitz(mlp(u, hidden = [64]), 0.9)`"
        infer.builder.report("G104", message, expr.span, "wrong arguments")
    slope = constant(bound, context.constants, infer.builder.reporter)
    if not isinstance(slope, Fraction) or slope <= 0:
        infer.builder.report("G206", "a Lipschitz bound is a positive number", bound.span, f"this is {slope}")
    (found,) = network(infer, context, inner, kind, ("output",))
    assert isinstance(found, nodes.NetworkOutput)
    pending = infer.builder.networks[found.path]
    if pending.network.places:
        infer.builder.unsupported("a Lipschitz bound of a network on a causal view", expr.span)
    pending.network = dataclasses.replace(pending.network, lipschitz=slope)
    return found


def _recurrent(
    infer: Infer,
    expr: tree.Call,
    kind: networks.NetworkKind,
    places: int,
    hidden: tuple[int, ...],
    types: tuple[nodes.Type, ...],
) -> None:
    """A recurrent network carries one state along a causal view, and gives it."""
    if not places:
        infer.builder.unsupported(f"`{kind.name}` of what is no causal view", expr.span)
    unify(types[0], nodes.Type(nodes.REAL, hidden))


def _state(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    kind: networks.NetworkKind,
    options: dict[str, tree.Expr],
    names: tuple[str, ...],
) -> tuple[int, ...]:
    """The size of the one state that a recurrent network has; of any other its hidden layers."""
    hidden = tuple(_sizes(infer, context, options["hidden"])) if "hidden" in options else ()
    if kind.gates and len(hidden) != 1:
        infer.builder.report(
            "G104", f"`{kind.name}` needs the size of its state", expr.span, "one number", help=("`hidden = 64`",)
        )
    if kind.gates and len(names) > 1:
        infer.builder.report("G104", f"`{kind.name}` has one result, its state", expr.span, "several names for it")
    return hidden


def _stacked(
    infer: Infer,
    expr: tree.Call,
    kind: networks.NetworkKind,
    places: int,
    shown: tuple[str, ...],
    hidden: tuple[int, ...],
) -> None:
    """A stack of convolutions reads a causal view, and all its layers are equally wide."""
    name = kind.name
    if len(hidden) != 1 and kind.weight:
        infer.builder.report(
            "G104", f"`{name}` needs the width of its layers", expr.span, "one number", help=("`hidden = 64`",)
        )
    if not places:
        infer.builder.unsupported(f"`{name}` of what is no causal view", expr.span)
    if "until" in shown:
        infer.builder.unsupported(f"`{name}` on a view up to its own place", expr.span)
    if places > MOST_PLACES:
        infer.builder.unsupported(f"`{name}` over more than {MOST_PLACES} places", expr.span)


def _settings(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    kind: networks.NetworkKind,
    options: dict[str, tree.Expr],
    hidden: tuple[int, ...],
    axes: int,
) -> tuple[tuple[str, int], ...]:
    """The numbers that a stack is built from, those that the call leaves out as the catalogue has them."""
    found: dict[str, int] = {}
    for name, value in kind.options:
        if name in options and name not in ("hidden", "size"):
            (found[name],) = _sizes(infer, context, options[name])
        elif isinstance(value, int):
            found[name] = value
        elif name not in ("hidden", "size"):
            message = f"`{kind.name}` needs its `{name}`"
            infer.builder.report("G104", message, expr.span, "one number", help=(f"`{name} = 3`",))
    for name, least in networks.LEAST.items():
        if name in found and found[name] < least:
            infer.builder.report("G206", f"`{name}` is at least {least}", expr.span, f"this is {found[name]}")
    for name in ("kernel", "first"):
        if kind.axes > 1 and found.get(name, 1) % 2 == 0:
            infer.builder.report(
                "G206", f"`{name}` is odd, for a box has a middle", expr.span, f"this is {found[name]}"
            )
    return ((("hidden", hidden[0]) if hidden else ("axes", axes)), *found.items())


def _size(shape: tuple[int, ...], places: int) -> int:
    """How many numbers an input has, or a view at each of its places; 0 for one that is a number (there)."""
    if places:
        return math.prod(shape) // places if len(shape) > 1 else 0
    return shape[0] if shape else 0


def _with_size(
    context: Context, plain: tuple[tree.Argument, ...], options: dict[str, tree.Expr]
) -> tuple[tree.Argument, ...]:
    """The inputs of a network that reads no numbers; one after them is its size without the name, `conv(a, C)`."""
    last = plain[-1].value if len(plain) > 1 else None
    if last is None or not is_constant(last, context):
        return plain
    options.setdefault("size", last)
    return plain[:-1]


def is_true(infer: Infer, options: dict[str, tree.Expr], name: str) -> bool:
    """Whether an option is `true`."""
    value = options.get(name)
    if value is None:
        return False
    if not isinstance(value, tree.Name) or value.id not in ("true", "false"):
        infer.builder.report("G107", f"`{name}` is `true` or `false`", value.span, "neither")
    return value.id == "true"


def _inputs(
    infer: Infer, context: Context, expr: tree.Call, kind: networks.NetworkKind, plain: tuple[tree.Argument, ...]
) -> tuple[nodes.Expr, ...]:
    """What a network reads."""
    if kind.one_hot:
        return (features.one_hot(infer, context, expr, plain),)
    return infer.builder.every(plain, lambda a: read(infer, context, a, image=kind.image))


def read(infer: Infer, context: Context, argument: tree.Argument, *, image: bool = False) -> nodes.Expr:
    """One input of a network."""
    if argument.value is None:
        infer.builder.unsupported("a binder as a network's input", argument.span)
    value = infer.expression(context, argument.value)
    if value.type.support.name == "Category":
        infer.builder.report(
            "G203",
            "a network reads numbers, and the values of a category have no order",
            argument.span,
            f"this is {value.type.support}",
            help=("embed it: `embedding(…)` learns a vector for each value",),
        )
    if image and fields.is_field(infer, context, value):
        return value  # a size that is open is settled by what reads it
    features.settle_size(infer, value)
    shape = known_shape(value.type)
    if shape is None:
        infer.builder.report(
            "G202",
            "nothing determines the size of this network's input",
            argument.span,
            "size unknown",
            help=("state it: `size = n` in the call that makes it",),
        )
    if len(shape) > 1 and not image and not any(views.axes_or_none(value, context.views)):
        infer.builder.unsupported("a network on a tensor with several axes", argument.span)
    return value


def call_options(
    infer: Infer, expr: tree.Call, callee: str, options: tuple[tuple[str, object], ...]
) -> dict[str, tree.Expr]:
    """The options that a call gives, by name."""
    known = frozenset(name for name, _ in options)
    if expr.conditions is not None:
        infer.builder.report("G104", f"`{callee}` takes no conditions", expr.span, "remove what follows the bar")
    found: dict[str, tree.Expr] = {}
    for argument in expr.arguments:
        if argument.name is None:
            continue
        if argument.name.id not in known or argument.value is None:
            infer.builder.report(
                "G107",
                f"`{callee}` has no option called `{argument.name.id}`",
                argument.span,
                "unknown option",
                help=nearest(argument.name.id, known) or (f"it has {', '.join(f'`{k}`' for k in sorted(known))}",),
            )
        found[argument.name.id] = argument.value
    return found


def _sizes(infer: Infer, context: Context, expr: tree.Expr) -> list[int]:
    items = expr.items if isinstance(expr, tree.Array | tree.TupleExpr) else (expr,)
    found = [size(item, context.constants, infer.builder.reporter) for item in items]
    if any(s is None for s in found):
        from gencompiler.model.builder import Abandon

        raise Abandon
    return [int(Fraction(s)) for s in found if s is not None]


def _activation(infer: Infer, expr: tree.Expr | None) -> str:
    if expr is None:
        return "relu"
    if not isinstance(expr, tree.Name) or expr.id not in networks.ACTIVATIONS:
        infer.builder.report(
            "G107",
            "an activation is one of " + ", ".join(f"`{a}`" for a in networks.ACTIVATIONS),
            expr.span,
            "not an activation",
        )
    return expr.id
