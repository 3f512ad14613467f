"""What networks read besides tensors: one-hot vectors of finite values, and fixed features of a scalar."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.model import network_calls, nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.diagnostics.span import Span
    from gencompiler.model.infer import Infer

#: A finite support with more values is no table that anyone would learn.
MOST_VALUES = 65536


def call(infer: Infer, context: Context, expr: tree.Call, name: str) -> nodes.Expr:
    """`fourier(t)`, `onehot(y)`"""
    if name == "fourier":
        return fourier(infer, context, expr)
    network_calls.call_options(infer, expr, name, networks.FEATURES[name])
    return one_hot(infer, context, expr, expr.arguments)


def _is_embedding(expr: tree.Call) -> bool:
    return isinstance(expr.function, tree.Name) and expr.function.id == "embedding"


def embedded(infer: Infer, context: Context, expr: tree.Call, indicators: nodes.Expr, size: int) -> nodes.Expr:
    """`W @ onehot(x)`, the embedding of each element of a tensor or a causal view: its `size` numbers come before the
    axes of x."""
    count, *shape = known_shape(indicators.type) or ()
    path = infer.builder.fresh(f"{context.path}embedding")
    weight = infer.builder.add_parameter(
        nodes.Parameter(f"{path}.weight", nodes.REAL, context.iterations, (), (size, count), span=expr.span)
    )
    return nodes.Contract(nodes.Type(nodes.REAL, (size, *shape)), weight, indicators, span=expr.span)


def one_hot(infer: Infer, context: Context, expr: tree.Call, arguments: tuple[tree.Argument, ...]) -> nodes.Expr:
    """`for k: indicator(y == lower + k)`, the input of `embedding(y)`, of a value of finite support; of a tensor, whose
    axes come after that of k, for each element."""
    builder = infer.builder
    if len(arguments) != 1 or arguments[0].value is None:
        takes = "`embedding` takes one value, and its size" if _is_embedding(expr) else "`onehot` takes one value"
        builder.report("G104", takes, expr.span, "wrong number of arguments")
    value = infer.expression(context, arguments[0].value)
    name = expr.function.id if isinstance(expr.function, tree.Name) else "onehot"
    found = values_of(value.type.support)
    if found is None:
        builder.report(
            "G203",
            f"`{name}` takes a value of a finite set: a `Category(K)`, an `Integer(a..b)`, a `Binary`",
            value.span,
            f"this is {value.type.support}",
            help=("a network reads numbers as they are: `mlp(…)`",),
        )
    shape = known_shape(value.type) or ()
    lower, count = found
    span = expr.span
    index = builder.fresh("_value")
    support = nodes.Support("Integer", (Fraction(0), Fraction(count)))
    place: nodes.Expr = nodes.Reference(nodes.Type(support), index, span=span)
    if lower:
        place = infer.apply("add", (place, _number(lower, span)), span)
    equal = infer.apply("equal", (value, place), span)
    indicator = infer.apply("indicator", (equal,), span)
    return nodes.Each(nodes.Type(nodes.REAL, (count, *shape)), index, count, indicator, span=span)


def values_of(support: nodes.Support) -> tuple[int, int] | None:
    """The lowest value of a finite support of whole numbers and how many it has; None for every other support."""
    facts = SUPPORTS[support.name]
    if not facts.discrete or support.name in ("Sign", "Permutation"):
        return None
    lower, upper, _, _ = bounds(support.name, support.arguments)
    low, high = float(lower), float(upper)
    if math.isinf(low) or math.isinf(high) or high - low >= MOST_VALUES:
        return None
    return int(low), int(high - low) + 1


def settle_size(infer: Infer, value: nodes.Expr) -> None:
    """The size of an embedding that a network reads, where nothing else has stated it."""
    if not isinstance(value, nodes.NetworkOutput) or known_shape(value.type) is not None:
        return
    if value.path in infer.builder.stacks:
        return
    if networks.NETWORKS[infer.builder.networks[value.path].network.kind].one_hot:
        (count,) = value.inputs[0].type.shape
        unify(value.type, nodes.Type(nodes.REAL, (min(count, networks.EMBEDDING_SIZE),)))


def fourier(infer: Infer, context: Context, expr: tree.Call) -> nodes.Expr:
    """`join(for k: sin(w_k t), for k: cos(w_k t))`, w_k = top^(k / (n - 1)) for k in 0..n, n half of `size`."""
    builder = infer.builder
    options = network_calls.call_options(infer, expr, "fourier", networks.FEATURES["fourier"])
    plain = [a for a in expr.arguments if a.name is None]
    if len(plain) != 1 or plain[0].value is None:
        builder.report("G104", "`fourier` takes one value", expr.span, "wrong number of arguments")
    value = infer.expression(context, plain[0].value)
    if known_shape(value.type) is None:
        unify(value.type, nodes.Type(nodes.REAL))
    if known_shape(value.type) != ():
        builder.unsupported("Fourier features of a tensor", value.span)
    width: int | None = networks.FOURIER_SIZE
    if "size" in options:
        width = size(options["size"], context.constants, builder.reporter)
    if width is None:
        raise Abandon
    if width % 2:
        builder.report(
            "G206", "`fourier` gives a sine and a cosine for each frequency", expr.span, f"size = {width} is odd"
        )
    return _waves(infer, value, width // 2, expr.span)


def _waves(infer: Infer, value: nodes.Expr, count: int, span: Span) -> nodes.Expr:
    index = infer.builder.fresh("_frequency")
    support = nodes.Support("Integer", (Fraction(0), Fraction(count)))
    place = nodes.Reference(nodes.Type(support), index, span=span)
    top = infer.apply("log", (_number(networks.FOURIER_TOP, span),), span)
    fraction = infer.apply("divide", (place, _number(max(1, count - 1), span)), span)
    frequency = infer.apply("exp", (infer.apply("multiply", (top, fraction), span),), span)
    angle = infer.apply("multiply", (frequency, value), span)
    type_ = nodes.Type(nodes.REAL, (count,))
    parts = tuple(
        nodes.Each(type_, index, count, infer.apply(wave, (angle,), span), span=span) for wave in ("sin", "cos")
    )
    return nodes.Join(nodes.Type(nodes.REAL, (2 * count,)), parts, span=span)


def _number(value: int, span: Span) -> nodes.Literal:
    return nodes.Literal(nodes.Type(nodes.REAL), Fraction(value), span=span)
