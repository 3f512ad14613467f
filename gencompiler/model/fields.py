"""Stacks of convolutions that a spec writes out: `x[<(i, j)] |> onehot |> conv(C, kernel = 7) |> relu |> conv(K)`.

A convolution of a causal view has a value at every place of the view; where it is mentioned, it is the value at the
place of the head, like that of every network on a view.  What a further convolution reads are the values at the places
around, so all convolutions that come of one view are layers of one network (`catalog.stacks`): the first reads what
the view shows, the others end with their own place.  What is elementwise between them is a layer too, a formula.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.catalog.stacks import MOST_PLACES, VIEW
from gencompiler.model import causal_inputs, network_calls, nodes
from gencompiler.model.conditions import by_value
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape, solved, unify, unknown_type
from gencompiler.model.views import Axes, axes_or_none
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.builder import Builder, Context
    from gencompiler.model.infer import Infer

#: The layer that is the newest place which a view of a sequence shows.
NEWEST = "newest"


@dataclasses.dataclass
class Field:
    """A layer whose size may still be open."""

    name: str
    type: nodes.Type
    boxes: tuple[nodes.BoxOf, ...]
    given: tuple[int, ...] = ()
    formula: str = ""
    names: tuple[tuple[str, str], ...] = ()
    zero: bool = False

    @property
    def kind(self) -> str:
        """As in the Model IR."""
        return "formula" if self.formula else "together" if self.name == NEWEST else "affine"


@dataclasses.dataclass
class Stack:
    """The layers that come of one view so far; `given` are the inputs of convolutions that are no views, `formulas` the
    values that have become layers."""

    path: str
    view: nodes.Expr
    cut: nodes.Before
    grid: tuple[int, ...]
    iterations: tuple[int, ...]
    layers: list[Field] = dataclasses.field(default_factory=list)
    given: list[nodes.Expr] = dataclasses.field(default_factory=list)
    formulas: list[tuple[nodes.Expr, str]] = dataclasses.field(default_factory=list)

    def named(self, base: str) -> str:
        taken = {layer.name for layer in self.layers}
        return next(n for n in (base, *(f"{base}_{k}" for k in range(2, len(taken) + 3))) if n not in taken)

    def add(self, layer: Field) -> nodes.Expr:
        """A new layer, as its value at the place of the head."""
        self.layers.append(layer)
        number = len(self.layers) - 1
        return nodes.NetworkOutput(layer.type, self.path, number, (self.view,), span=self.view.span)


def _cut(context: Context, value: nodes.Expr) -> nodes.Before | None:
    cuts: Axes = axes_or_none(value, context.views)
    return next((c for c in cuts if c is not None), None)


def _stack_of(infer: Infer, value: nodes.Expr) -> Stack | None:
    """The stack whose layers a value is made of."""
    paths = [n.path for n in walk(value) if isinstance(n, nodes.NetworkOutput)]
    return next((infer.builder.stacks[p] for p in paths if p in infer.builder.stacks), None)


def is_field(infer: Infer, context: Context, value: nodes.Expr) -> bool:
    """Whether a value has a meaning at each place of a causal view: a view, or what convolutions made of one."""
    return _cut(context, value) is not None or _stack_of(infer, value) is not None


def grid_of(infer: Infer, values: tuple[nodes.Expr, ...]) -> tuple[int, ...]:
    """The places at which some of the values have a meaning each; none where none has."""
    stacks = (_stack_of(infer, value) for value in values)
    return next((stack.grid for stack in stacks if stack is not None), ())


def whole_shape(infer: Infer, value: nodes.Expr, grid: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a value with all places of its stack, if it has one, or of that of the values beside it: a number
    that is the same everywhere, `zeros(e)`, is so at each place."""
    shape = known_shape(value.type)
    constant = isinstance(value, nodes.Each) and all(isinstance(n, nodes.Each | nodes.Literal) for n in walk(value))
    return shape if shape is None or not (constant or _stack_of(infer, value)) else (*shape, *grid)


def newest(infer: Infer, context: Context, value: nodes.Expr) -> nodes.Expr:
    """A view of a sequence as what it shows last, which is what stands at a place of it; anything else as it is."""
    cut, shape = _cut(context, value), known_shape(value.type)
    if cut is None or shape is None or isinstance(cut.index, nodes.Scan):
        return value
    stack = _stack(infer, context, value, cut)
    found = next((k for k, layer in enumerate(stack.layers) if layer.name == NEWEST), None)
    type_ = nodes.Type(nodes.REAL, shape[:-1])
    if found is not None:
        return nodes.NetworkOutput(type_, stack.path, found, (stack.view,), span=value.span)
    return stack.add(Field(NEWEST, type_, ((VIEW, (-1,), (1,), 1),)))


def _stack(infer: Infer, context: Context, value: nodes.Expr, cut: nodes.Before) -> Stack:
    """The stack of a view, made where there is none yet."""
    builder, value = infer.builder, by_value(value, context)
    for stack in builder.stacks.values():
        if stack.view == value:
            return stack
    places, shown = causal_inputs.shown(infer, context, (value,))
    if "until" in shown:
        builder.unsupported("a convolution of a view up to its own place", value.span)
    if places > MOST_PLACES:
        builder.unsupported(f"convolutions over more than {MOST_PLACES} places", value.span)
    grid = causal_inputs.grid((value,), 0, places)
    path = builder.fresh(f"{context.path.split('.')[0] + '.' if context.path.startswith('q.') else ''}stack")
    builder.stacks[path] = stack = Stack(path, value, cut, grid, context.iterations)
    return stack


# -- convolutions ----------------------------------------------------------------------------------------------------


def convolution(
    infer: Infer,
    context: Context,
    expr: tree.Call,
    value: nodes.Expr,
    options: dict[str, tree.Expr],
    names: tuple[str, ...],
) -> tuple[nodes.Expr, ...]:
    """`conv(v, size = C, kernel = 3, dilation = 2, context = c)` of a view or of what convolutions made of one, a
    result for each name."""
    builder = infer.builder
    if "hidden" in options:
        builder.unsupported("a convolution with hidden layers on a causal view", expr.span, "write one after the other")
    numbers = {n: _number(infer, context, options, n, d) for n, d in (("kernel", 3), ("dilation", 1))}
    stack, source = _read(infer, context, value)
    if len(stack.grid) == 2 and numbers["kernel"] % 2 == 0:
        message = f"this is {numbers['kernel']}"
        builder.report("G206", "`kernel` is odd, for a square has a middle", expr.span, message)
    boxes = _boxes(source, len(stack.grid), numbers["kernel"], numbers["dilation"])
    if not boxes:
        help_ = ("the first convolution needs a `kernel` of 3 or more",)
        builder.report("G206", "this convolution sees nothing of its view", expr.span, "`kernel = 1`", help=help_)
    given = (_condition(infer, context, stack, options["context"]),) if "context" in options else ()
    from_zero = network_calls.is_true(infer, options, "zero")
    found = []
    for name in names:
        type_ = unknown_type(nodes.REAL)
        if "size" in options:
            unify(type_, nodes.Type(nodes.REAL, (_number(infer, context, options, "size", 1),)))
        layer = stack.named("conv" if name == "output" else name)
        builder.channels[stack.path, layer] = source
        found.append(stack.add(Field(layer, type_, boxes, given, zero=from_zero)))
    return tuple(dataclasses.replace(each, span=expr.span) for each in found)


def _number(infer: Infer, context: Context, options: dict[str, tree.Expr], name: str, default: int) -> int:
    from gencompiler.model.builder import Abandon

    if name not in options:
        return default
    found = size(options[name], context.constants, infer.builder.reporter)
    if found is None:
        raise Abandon
    return found


def _boxes(source: str, axes: int, kernel: int, dilation: int) -> tuple[nodes.BoxOf, ...]:
    """What a convolution reads: of a view, places before its own; of a layer, up to its own.  Of an image the rows
    above and the row so far."""
    own = 0 if source == VIEW else 1
    if axes == 1:
        return ((source, (-dilation * (kernel - own) if own else -dilation * (kernel - 1) - 1,), (kernel,), dilation),)
    reach = kernel // 2
    above = (source, (-reach * dilation, -reach * dilation), (reach, kernel), dilation)
    row = (source, (0, -reach * dilation), (1, reach + own), dilation)
    return tuple(box for box in (above, row) if all(box[2]))


def _condition(infer: Infer, context: Context, stack: Stack, written: tree.Expr) -> int:
    """The number of an input that is no view."""
    from gencompiler.model import features

    value = infer.expression(context, written)
    features.settle_size(infer, value)
    value = by_value(value, context)  # as the inputs of every network on a view
    if is_field(infer, context, value) or causal_inputs.mentions(value, stack.cut.index):
        infer.builder.unsupported("a context that depends on the place", written.span)
    if len(known_shape(value.type) or ()) > 1 or known_shape(value.type) is None:
        infer.builder.report("G201", "a context is a number or a vector", written.span, "not a vector")
    if value not in stack.given:
        stack.given.append(value)
    return stack.given.index(value)


def _read(infer: Infer, context: Context, value: nodes.Expr) -> tuple[Stack, str]:
    """The stack of what a convolution reads, and the layer that it reads."""
    cut = _cut(context, value)
    if cut is not None:
        return _stack(infer, context, value, cut), VIEW
    stack = _stack_of(infer, value)
    assert stack is not None
    return stack, _layer(infer, stack, value)


def _layer(infer: Infer, stack: Stack, value: nodes.Expr) -> str:
    """The layer that a value is, made where it is a formula of others."""
    if isinstance(value, nodes.NetworkOutput) and value.path == stack.path:
        return stack.layers[value.output].name
    known = next((layer for made, layer in stack.formulas if made is value), None)
    if known is not None:
        return known
    settle(infer, value)
    names: dict[str, str] = {}
    text = _formula(infer, stack, value, names)
    found = next((layer.name for layer in stack.layers if (layer.formula, dict(layer.names)) == (text, names)), None)
    if found is None:
        found = stack.named("formula")
        stack.layers.append(Field(found, value.type, (), (), text, tuple(names.items())))
    stack.formulas.append((value, found))
    return found


def _formula(infer: Infer, stack: Stack, value: nodes.Expr, names: dict[str, str]) -> str:
    """An elementwise function of layers as a text of the language, the layers called a0, a1, …"""
    layer = next((layer for made, layer in stack.formulas if made is value), None)
    if isinstance(value, nodes.NetworkOutput) and value.path == stack.path:
        layer = stack.layers[value.output].name
    if layer is not None:
        known = next((n for n, other in names.items() if other == layer), f"a{len(names)}")
        names[known] = layer
        return known
    match value:
        case nodes.Literal(value=Fraction() as number):
            text = (
                f"{abs(number.numerator)}"
                if number.denominator == 1
                else f"({abs(number.numerator)} / {number.denominator})"
            )
            return f"(-{text})" if number < 0 else text
        case nodes.Each(body=body) if isinstance(body, nodes.Literal | nodes.Each):
            return _formula(infer, stack, body, names)
        case nodes.Apply(function=function, arguments=arguments):
            parts = [_formula(infer, stack, a, names) for a in arguments]
            operator = FUNCTIONS[function].operator
            if function == "negate":
                return f"(-{parts[0]})"
            if operator is not None and len(parts) == 2 and not operator.isalpha():
                return f"({parts[0]} {operator} {parts[1]})"
            if operator is None:
                return f"{function}({', '.join(parts)})"
    return infer.builder.unsupported("anything but elementwise functions between the layers of a stack", value.span)


def settle(infer: Infer, value: nodes.Expr) -> None:
    """The layers of a formula whose size nothing has stated keep that of what they read."""
    for part in walk(value):
        if not isinstance(part, nodes.NetworkOutput) or part.path not in infer.builder.stacks:
            continue
        stack = infer.builder.stacks[part.path]
        source = infer.builder.channels.get((stack.path, stack.layers[part.output].name))
        if known_shape(part.type) is not None or source is None:
            continue
        below = next((layer.type for layer in stack.layers if layer.name == source), None)
        if below is None:
            below = nodes.Type(nodes.REAL, (known_shape(stack.view.type) or (1,))[:-1])
        shape = known_shape(below)
        if shape is not None:
            unify(part.type, nodes.Type(nodes.REAL, shape))


# -- when all sizes are known ----------------------------------------------------------------------------------------


def close(builder: Builder, stack: Stack, wanted: list[int]) -> nodes.Network | None:
    """The network of a stack, of which the layers numbered in `wanted` are mentioned; None after a report."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in stack.layers:
        shape = known_shape(layer.type)
        if shape is None:
            advice = ("state it: `size = n`", "or use it where a size is known")
            message = f"nothing determines the size of `{layer.name}`"
            builder.reporter.add("G202", message, stack.view.span, "a convolution of this view", help=advice)
            return None
        shapes[layer.name] = shape
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    span, here = stack.view.span, ((0,) * len(stack.grid), (1,) * len(stack.grid), 1)
    layers = [
        nodes.Layer(f.name, f.kind, sizes[f.name], f.boxes, f.given, f.formula, f.names, f.zero, span=span)
        for f in stack.layers
    ]
    names = tuple(stack.layers[k].name for k in wanted)
    layers.append(
        nodes.Layer("last", "together", sum(sizes[n] for n in names), tuple((n, *here) for n in names), span=span)
    )
    view = (known_shape(stack.view.type) or ())[:-1]
    inputs = (math.prod(view) if view else 0, *((known_shape(g.type) or (0,))[0] for g in stack.given))
    outputs = tuple(sizes[name] if shapes[name] else 0 for name in names)
    shown = ("before", *("" for _ in stack.given))
    return nodes.Network(
        *(stack.path, networks.WRITTEN, (), "relu", inputs, outputs, stack.iterations, False, names),
        math.prod(stack.grid),
        shown,
        grid=stack.grid,
        layers=tuple(layers),
        span=span,
    )


def closed(builder: Builder, model: nodes.Model) -> nodes.Model:
    """`model` with the network of each stack, whose outputs are the layers that equations mention."""
    from gencompiler.model.builder import weights_of

    if not builder.stacks:
        return model
    wanted = mentioned(builder, model)
    made = [close(builder, stack, wanted[path]) for path, stack in builder.stacks.items() if wanted[path]]
    found = [network for network in made if network is not None]
    builder.reporter.raise_errors()
    weights = tuple(p for network in found for p in weights_of(network))
    model = dataclasses.replace(model, networks=(*model.networks, *found), parameters=(*model.parameters, *weights))

    def visit(current: Node) -> Node:
        changed = rebuild(current, visit)
        stack = builder.stacks.get(changed.path) if isinstance(changed, nodes.NetworkOutput) else None
        if stack is None or not isinstance(changed, nodes.NetworkOutput):
            return changed
        number = wanted[stack.path].index(changed.output)
        return dataclasses.replace(changed, output=number, inputs=(stack.view, *stack.given))

    changed = visit(model)
    assert isinstance(changed, nodes.Model)
    return solved(changed)


def mentioned(builder: Builder, model: nodes.Model) -> dict[str, list[int]]:
    """The layers of each stack that equations mention, in order."""
    found: dict[str, list[int]] = {path: [] for path in builder.stacks}
    for part in walk(model):
        if isinstance(part, nodes.NetworkOutput) and part.path in found and part.output not in found[part.path]:
            found[part.path].append(part.output)
    return {path: sorted(numbers) for path, numbers in found.items()}
