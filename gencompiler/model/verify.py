"""The verifier of the Model IR: what every later pass may rely on.  A violation is a bug of the compiler."""

from __future__ import annotations

from gencompiler.diagnostics.model import CompilerBug
from gencompiler.model import nodes
from gencompiler.model.types import ShapeVariable
from gencompiler.node import Node, walk


def verify(model: nodes.Model) -> None:
    """Raise CompilerBug unless all shapes are solved and every reference by name has its target."""
    parameters = {p.path for p in model.parameters}
    maps = {m.name for m in model.maps}
    functions = {f.name for f in model.functions}
    networks = {n.path for n in model.networks}
    surjections = {s.name for s in model.surjections}
    for node in walk(model):
        if isinstance(node, nodes.Expr):
            shape: object = node.type.shape
            if isinstance(shape, ShapeVariable) or not all(isinstance(n, int) for n in node.type.shape):
                raise CompilerBug("resolve", f"an unsolved shape in {type(node).__name__}", node.span)
        known: tuple[tuple[type[Node], str, set[str]], ...] = (
            (nodes.ParameterReference, "path", parameters),
            (nodes.UseMap, "map", maps),
            (nodes.UseSurjection, "surjection", surjections),
            (nodes.Call, "function", functions),
            (nodes.UseOde, "function", functions),
            (nodes.Gradient, "function", functions),
            (nodes.NetworkOutput, "path", networks),
        )
        for kind, field, names in known:
            if isinstance(node, kind) and getattr(node, field) not in names:
                raise CompilerBug("resolve", f"{kind.__name__} of unknown `{getattr(node, field)}`", node.span)
