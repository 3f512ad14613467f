"""`extern def net(x : Real[D], t : Interval(0, 1)) -> Real[D]`: a network that the user gives to the model's class.

Proofs know nothing of it but its shapes and the support of its result, which is taken on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.declared import declared_type
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: Supports that a result may have: proofs read a positive value as exp of a number, one in (0, 1) as its sigmoid.
RESULTS = ("Real", "Positive", "Unit")


def call(
    infer: Infer,
    definition: tree.Definition,
    arguments: tuple[nodes.Expr, ...],
    constants: dict[str, nodes.Real],
    inputs: tuple[nodes.Input, ...],
    at: tree.Expr,
) -> nodes.Expr:
    """One call; all calls are of one module, so they must agree on its sizes, `constants`."""
    builder, name = infer.builder, definition.name.id
    if len(arguments) != len(inputs) or not inputs:
        builder.report("G104", f"`{name}` takes at least one argument", at.span, "no argument")
    if definition.result is None:
        builder.unsupported("an `extern def` without a result", definition.span)
    result = declared_type(builder, definition.result, constants)
    if result.support.name not in RESULTS:
        builder.unsupported(f"an `extern def` that gives {result.support}", definition.result.span)
    if any(len(i.type.shape) > 1 for i in inputs) or len(result.shape) > 1:
        builder.unsupported("an `extern def` over several axes", definition.span)
    known = builder.externals.get(name)
    stated = nodes.External(name, inputs, result, span=definition.span)
    if known is None:
        builder.fresh(name)
        builder.externals[name] = stated
    elif [i.type for i in known.inputs] != [i.type for i in inputs] or known.result != result:
        builder.report(
            "G201",
            f"`{name}` is one network, and these sizes differ from those of an earlier call",
            at.span,
            f"shapes {[list(known_shape(a.type) or ()) for a in arguments]}",
            also=(Label(definition.name.span, "given once, when the model is constructed"),),
        )
    return nodes.ExternalOutput(result, name, arguments, span=at.span)
