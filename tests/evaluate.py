"""A direct evaluator of Model-IR expressions in float64: an oracle that shares nothing with the printers."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model import nodes
from gencompiler.runtime import quantiles, special


def evaluate(expr: nodes.Expr, names: dict[str, torch.Tensor]) -> torch.Tensor:
    """The value of `expr` for float64 tensors without a batch axis."""
    match expr:
        case nodes.Literal(value=value):
            return torch.tensor(float(value), dtype=torch.float64)
        case nodes.Constant(name=name):
            return torch.tensor({"pi": math.pi, "e": math.e}[name], dtype=torch.float64)
        case nodes.Reference(name=name):
            return names[name]
        case nodes.ParameterReference(path=path):
            return names[path]
        case nodes.Apply():
            return _apply(expr.function, [evaluate(a, names) for a in expr.arguments])
        case nodes.Choose(condition=c, then=a, otherwise=b):
            return torch.where(evaluate(c, names), evaluate(a, names), evaluate(b, names))
        case nodes.Reduce(operation="sum", operand=operand):
            return evaluate(operand, names).sum()
        case nodes.Reduce(operation="mean", operand=operand):
            return evaluate(operand, names).mean()
        case nodes.Reduce(operation="norm", operand=operand):
            return evaluate(operand, names).norm()
        case nodes.Contract(left=left, right=right):
            return evaluate(left, names) @ evaluate(right, names)
        case nodes.Element(base=base, subscripts=subscripts):
            places = tuple(slice(None) if isinstance(s, nodes.Whole) else int(evaluate(s, names)) for s in subscripts)
            return evaluate(base, names)[places]
        case nodes.Slice(base=base, start=start, stop=stop):
            return evaluate(base, names)[start:stop]
        case nodes.Join(parts=parts):
            return torch.cat([torch.atleast_1d(evaluate(p, names)) for p in parts])
        case nodes.Permute(base=base, order=order):
            return evaluate(base, names)[list(order)]
        case nodes.Each(index=index, extent=extent, body=body):
            values = [
                evaluate(body, {**names, index: torch.tensor(float(i), dtype=torch.float64)}) for i in range(extent)
            ]
            return torch.stack(values)
        case nodes.Let(bindings=bindings, body=body):
            for binding in bindings:
                names = {**names, binding.name: evaluate(binding.value, names)}
            return evaluate(body, names)
    raise TypeError(type(expr).__name__)


def _apply(function: str, arguments: list[torch.Tensor]) -> torch.Tensor:
    spelled = FUNCTIONS[function].torch.format(*(f"a{i}" for i in range(len(arguments))))
    scope = {"torch": torch, "F": F, "special": special, "quantiles": quantiles, "dtype": torch.float64} | {
        f"a{i}": a for i, a in enumerate(arguments)
    }
    return eval(spelled, scope)  # the catalogue's own text
