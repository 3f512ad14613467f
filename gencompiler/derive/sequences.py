"""Several equations for parts of one variable, `p(z[0]) = …` and `p(z[t] | z[t - 1]) = …`, in the order of drawing."""

from __future__ import annotations

from collections.abc import Sequence

from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes
from gencompiler.proof.mentions import place, variable_of
from gencompiler.proof.precedence import strictly_after
from gencompiler.proof.structure import Place, Range, box, overlap, strictly_before


def in_sequence(model: nodes.Model, factors: Sequence[Factor]) -> list[Factor]:
    """The factors of one variable, each after those that produce what its head lists of that variable.

    There is such an order, or the factorization has been refuted."""
    left = list(factors)
    found: list[Factor] = []
    while left:
        waits = [f for f in left if any(_needs(model, f, other) for other in left if other is not f)]
        ready = next((f for f in left if f not in waits), left[0])
        found.append(ready)
        left.remove(ready)
    return found


def _needs(model: nodes.Model, factor: Factor, other: Factor) -> bool:
    """Whether the head of `factor` lists what `other` produces."""
    (target,) = other.conditional.targets
    name = variable_of(target)
    shape = next(v.type.shape for v in model.variables if v.name == name)
    made = box(_place(target, other), shape, _ranges(other))
    for given in factor.conditional.given:
        if variable_of(given) == name:
            wanted = box(_place(given, factor), shape, _ranges(factor))
            if wanted is None or made is None or overlap(wanted, made):
                return True
    return False


def is_backward(factor: Factor) -> bool:
    """Whether an equation needs elements of its variable that come later in scan order: `p(z[t - 1] | z[t])`."""
    (target,) = factor.conditional.targets
    own = [g for g in factor.conditional.given if variable_of(g) == variable_of(target)]
    made, ranges = _place(target, factor), _ranges(factor)
    return any(strictly_after(made, _place(g, factor), ranges) for g in own) and not any(
        strictly_before(made, _place(g, factor), ranges) for g in own
    )


def _place(expr: nodes.Expr, factor: Factor) -> Place:
    return place(expr, {r.index for r in factor.conditional.indices})


def _ranges(factor: Factor) -> tuple[Range, ...]:
    return tuple(Range(r.index, r.start, r.stop) for r in factor.conditional.indices)
