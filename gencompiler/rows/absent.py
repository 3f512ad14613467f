"""Elements beyond a row's run-time length: 0 with probability one (see `model.lengths`)."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model import lengths
from gencompiler.model import nodes as model
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.nodes import Expr

#: What stands for the logarithm of 0 in sums over latent values: exp of it is 0 in every precision, and unlike that of
#: -inf, the gradient of a logsumexp of such terms alone is a number.
IMPOSSIBLE = Fraction(-(10**30))


class Absent:
    """Puts a condition around the log densities and draws of elements that not every row has."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.observed = {v.name for v in expressions.derived.model.variables if v.role == "observed"}

    def log_density(self, target: model.Expr, term: Expr, scope: Scope, value: model.Expr | None = None) -> Expr:
        """`term`, the log density of `target` where the row has it, and beyond the length that of being 0; `value` is
        what the target's value is called, where not as it is written."""
        condition = self._present(target)
        if condition is None:
            return term
        otherwise = self.expressions.lower(self._beyond(target, value or target), scope)
        return self.graph.select(self.expressions.lower(condition, scope), term, otherwise, target.span)

    def formula(self, target: model.Expr, term: model.Expr) -> model.Expr:
        """The same of a formula."""
        condition = self._present(target)
        if condition is None:
            return term
        return model.Choose(term.type, condition, term, self._beyond(target, target), span=target.span)

    def drawn(self, target: model.Expr, value: Expr, scope: Scope) -> Expr:
        """A draw of `target`: `value`, and 0 beyond the length."""
        condition = self._present(target)
        if condition is None:
            return value
        zero = self.graph.number(0, target.span)
        return self.graph.select(self.expressions.lower(condition, scope), value, zero, target.span)

    def _present(self, target: model.Expr) -> model.Expr | None:
        return lengths.present(self.expressions.derived.model, target)

    def _beyond(self, target: model.Expr, value: model.Expr) -> model.Expr:
        """log P(target = 0): 0 of data, which are 0 there; a value that is summed over may be another."""
        span, real = target.span, model.Type(model.REAL)
        zero = model.Literal(real, Fraction(0), span=span)
        assert isinstance(target, model.Element) and isinstance(target.base, model.Reference)
        if target.base.name in self.observed:
            return zero
        size: model.Expr = model.Apply(model.Type(model.REAL, value.type.shape), "abs", (value,), span=span)
        if value.type.shape:
            size = model.Reduce(real, "sum", size, span=span)
        return model.Apply(real, "multiply", (model.Literal(real, IMPOSSIBLE, span=span), size), span=span)
