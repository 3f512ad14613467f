"""`Mixture(logits = a, for k: Normal(m[k], s[k]))`: a distribution whose components span the whole target of a head.

The weights are logarithms up to a constant (`logits`), or numbers on a simplex (`weights`, which a parameter of type
`Simplex(K)` need not say).  The components stand behind the weights, or after `components =`: by an index, or as a list
of one distribution with different parameters, which are then parameters that depend on an index."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.builder import Context, IndexInfo
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

FORMS = ("logits", "weights")


def mixture(infer: Infer, context: Context, expr: tree.Call, event: nodes.Type) -> nodes.Expr:
    """A mixture as the distribution of an event of this type."""
    builder = infer.builder
    named = {a.name.id: a for a in expr.arguments if a.name is not None}
    plain = [a for a in expr.arguments if a.name is None]
    forms = [name for name in FORMS if name in named]
    if not named and len(plain) == 2 and isinstance(plain[1].value, tree.Each | tree.Array) and expr.conditions is None:
        form = _form_of(infer, context, plain[0])
        named, plain, forms = {form: plain[0]}, plain[1:], [form]
    listed = [named["components"]] if "components" in named else plain
    if len(forms) != 1 or set(named) - {*FORMS, "components"} or len(listed) != 1 or expr.conditions is not None:
        builder.report(
            "G104",
            "these are not the parameters of `Mixture`",
            expr.span,
            "wanted weights, then components",
            help=("write e.g. `Mixture(logits = a, for k: Normal(m[k], s[k]))`",),
        )
    value, components = named[forms[0]].value, listed[0].value
    assert value is not None
    if isinstance(components, tree.Array):
        components = _of_list(infer, components)
    if not isinstance(components, tree.Each):
        message = "components are a list, `[A(…), B(…)]`, or written `for k: …`"
        builder.report("G104", message, listed[0].span, "neither")
    if len(components.bindings) > 1 and forms[0] != "logits":
        builder.unsupported("`weights` of components over several indices", components.span, "write `logits = …`")
    weights = infer.expression(context, value)
    infos = [infer.binding(context, each) for each in components.bindings]
    inside = context
    for place, info in enumerate(infos):
        _extent(infer, context, info, weights, place, len(infos))
        inside = inside.index(info)
    from gencompiler.model import laws

    component = laws.distribution(infer, inside, components.body, event)
    extents = [_known(infer, info, binding) for info, binding in zip(infos, components.bindings, strict=True)]
    if not unify(weights.type, nodes.Type(nodes.REAL, tuple(extents))):
        shape = known_shape(weights.type)
        builder.report(
            "G201",
            f"there are {' x '.join(map(str, extents))} components, and `{forms[0]}` has the shape {list(shape or ())}",
            weights.span,
            "one number for each component is needed",
        )
    names = [info.name for info in infos]
    if len(names) == 1:
        return _mixture(event, forms[0], weights, names[0], extents[0], component, expr.span)
    return _nested(event, weights, names, extents, component, expr.span)


#: The index of components that a list states: no name of a spec.
_LISTED = "component number"


def _of_list(infer: Infer, components: tree.Array) -> tree.Each:
    """`[A(a, b), A(c, d)]` as `for k in 2: A(if k == 0 then a else c, if k == 0 then b else d)`."""
    first, *others = components.items
    if not isinstance(first, tree.Call):
        infer.builder.report("G103", "a component is a distribution", first.span, "this is none")
    calls = [first]
    for other in others:
        if not isinstance(other, tree.Call) or other.function != first.function or _names(other) != _names(first):
            advice = "write one distribution with its parameters in the same form"
            infer.builder.unsupported("a list of components of several kinds", other.span, advice)
        calls.append(other)
    sides = [
        None if side[0] is None else tuple(_chosen(same) for same in zip(*(s or () for s in side), strict=True))
        for side in ([c.arguments for c in calls], [c.conditions for c in calls])
    ]
    span = components.span
    count = tree.Number(Fraction(len(calls)), str(len(calls)), span=span)
    binding = tree.Binding(tree.Name(_LISTED, span=span), count, span=span)
    return tree.Each((binding,), tree.Call(first.function, sides[0] or (), sides[1], span=span), span=span)


def _names(call: tree.Call) -> list[list[str | None] | None]:
    """What identifies the parameters that a call sets."""
    sides = (call.arguments, call.conditions)
    return [None if side is None else [a.name.id if a.name is not None else None for a in side] for side in sides]


def _chosen(same: tuple[tree.Argument, ...]) -> tree.Argument:
    """One parameter of all components: that of the component whose turn it is."""
    values = [a.value for a in same]
    found = values[-1]
    for number, value in reversed(list(enumerate(values[:-1]))):
        if value is None or found is None or value == found:
            continue
        place = tree.Name(_LISTED, span=value.span)
        here = tree.Binary("==", place, tree.Number(Fraction(number), str(number), span=value.span), span=value.span)
        found = tree.Choose(here, value, found, span=value.span.to(found.span))
    return tree.Argument(same[0].name, found, same[0].binding, span=same[0].span)


def _form_of(infer: Infer, context: Context, weights: tree.Argument) -> str:
    """What weights without a name are: those whose type is a simplex are probabilities; of others nothing says."""
    assert weights.value is not None
    if infer.expression(context, weights.value).type.support.name == "Simplex":
        return "weights"
    return infer.builder.report(
        "G104",
        "nothing says whether these weights are probabilities or logarithms",
        weights.span,
        "not declared `Simplex(K)`",
        help=(
            "write `logits = …` for logarithms up to a constant, which may be any numbers",
            "write `weights = …` for probabilities",
        ),
    )


def _mixture(
    event: nodes.Type, form: str, weights: nodes.Expr, index: str, extent: int, component: nodes.Expr, span: Span
) -> nodes.Expr:
    return nodes.MixtureDistribution(event, "Mixture", form, (weights,), index, extent, component, span=span)


def _nested(
    event: nodes.Type, weights: nodes.Expr, names: list[str], extents: list[int], component: nodes.Expr, span: Span
) -> nodes.Expr:
    """Components over several indices as a mixture of mixtures: the weight of k is the sum of those of all (k, s), and
    within k the weights of s are in proportion to them."""
    name = f"logits of {', '.join(names)}"  # no name of a spec
    whole = nodes.Reference(nodes.Type(nodes.REAL, tuple(extents)), name, span=span)

    def part(depth: int) -> nodes.Expr:
        """The logits of which the first indices are given."""
        if not depth:
            return whole
        given = (_index(n, extent, span) for n, extent in zip(names[:depth], extents, strict=False))
        rest = tuple(extents[depth:])
        kept = (nodes.Whole(nodes.Type(nodes.REAL), span=span) for _ in rest)
        return nodes.Element(nodes.Type(nodes.REAL, rest), whole, (*given, *kept), span=span)

    found = component
    for depth in range(len(names) - 1, -1, -1):
        logits = part(depth)
        if depth + 1 < len(names):
            total = nodes.Reduce(nodes.Type(nodes.REAL), "logsumexp", _flat(part(depth + 1)), span=span)
            type_ = nodes.Type(nodes.REAL, (extents[depth],))
            logits = nodes.Each(type_, names[depth], extents[depth], total, span=span)
        found = _mixture(event, "logits", logits, names[depth], extents[depth], found, span)
    return nodes.Let(found.type, (nodes.Binding(name, weights, span=span),), found, span=span)


def _flat(expr: nodes.Expr) -> nodes.Expr:
    """All elements of a tensor, one after the other."""
    shape = expr.type.shape
    if len(shape) == 1:
        return expr
    return nodes.Flat(nodes.Type(nodes.REAL, (math.prod(shape),)), expr, 0, span=expr.span)


def _index(name: str, extent: int, span: Span) -> nodes.Expr:
    support = nodes.Support("Integer", (Fraction(0), Fraction(extent)))
    return nodes.Reference(nodes.Type(support), name, span=span)


def _known(infer: Infer, info: IndexInfo, binding: tree.Binding) -> int:
    if info.extent is None:
        infer.builder.report(
            "G202",
            f"nothing determines how far `{info.name}` runs",
            binding.span,
            "no range",
            help=(f"write `for {info.name} in n: …`, or name the number of components `{info.name.upper()}`",),
        )
    return info.extent


def _extent(infer: Infer, context: Context, info: IndexInfo, weights: nodes.Expr, place: int, count: int) -> None:
    """How many components there are: as many as weights, or, of weights whose number is open, K for an index k."""
    shape = known_shape(weights.type)
    if info.extent is None and shape is not None and len(shape) == count:
        info.extent = shape[place]
    stated = context.constants.get(info.name.upper())
    if info.extent is None and isinstance(stated, Fraction) and stated.denominator == 1 and stated >= 1:
        info.extent = int(stated)
