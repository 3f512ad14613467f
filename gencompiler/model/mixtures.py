"""`Mixture(logits = a, for k: Normal(m[k], s[k]))`: a distribution whose components span the whole target of a head.

The weights are logarithms up to a constant (`logits`), or numbers on a simplex (`weights`); the components stand behind
the weights, or after `components =`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

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
    if not isinstance(components, tree.Each):
        builder.unsupported("a list of components", listed[0].span, "write them as `for k: …`")
    if len(components.bindings) != 1:
        builder.unsupported("components over several indices", components.span)
    weights = infer.expression(context, value)
    info = infer.binding(context, components.bindings[0])
    _extent(infer, context, info, weights)
    from gencompiler.model import laws

    component = laws.distribution(infer, context.index(info), components.body, event)
    if info.extent is None:
        builder.report(
            "G202",
            f"nothing determines how far `{info.name}` runs",
            components.bindings[0].span,
            "no range",
            help=(f"write `for {info.name} in n: …`, or name the number of components `{info.name.upper()}`",),
        )
    if not unify(weights.type, nodes.Type(nodes.REAL, (info.extent,))):
        shape = known_shape(weights.type)
        builder.report(
            "G201",
            f"there are {info.extent} components, and `{forms[0]}` has the shape {list(shape or ())}",
            weights.span,
            "one number for each component is needed",
        )
    return nodes.MixtureDistribution(
        event, "Mixture", forms[0], (weights,), info.name, info.extent, component, span=expr.span
    )


def _extent(infer: Infer, context: Context, info: IndexInfo, weights: nodes.Expr) -> None:
    """How many components there are: as many as weights, or, of weights whose number is open, K for an index k."""
    shape = known_shape(weights.type)
    if info.extent is None and shape is not None and len(shape) == 1:
        info.extent = shape[0]
    stated = context.constants.get(info.name.upper())
    if info.extent is None and isinstance(stated, Fraction) and stated.denominator == 1 and stated >= 1:
        info.extent = int(stated)
