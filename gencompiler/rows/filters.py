"""A Normal latent variable along a sequence, integrated out: the Kalman filter, a loop over slices.

Before slice s the latent variable is Normal(m, P) given what was observed.  One equation makes of it A m + b and
A P A' + Q; each observation C z + d with noise R has the log density of Normal(C m + d, S), S = C P C' + R, and leaves
m + K (x - C m - d) and P - K C P with K = P C' S^-1 (Kalman, A new approach to linear filtering and prediction
problems, 1960).  With S = L L' and G = L^-1 C P these are m + G' L^-1 (x - C m - d) and P - G' G.  P, L and G
depend on parameters alone, and are computed once for all rows.
"""

from __future__ import annotations

import dataclasses
import math

from gencompiler.derive.forward_sums import Filter
from gencompiler.derive.nodes import Factor
from gencompiler.derive.sequences import is_backward
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows.equations import Equations
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors, variable_of
from gencompiler.rows.forward_sums import Piece, Slicewise, before, now
from gencompiler.rows.marginals import Affine, LinearGaussian
from gencompiler.rows.nodes import Expr
from gencompiler.rows.places import reshaped


@dataclasses.dataclass(frozen=True)
class Belief:
    """The latent slice given what came before: Normal(mean, covariance); and log of the density of that so far."""

    mean: Expr
    covariance: Expr
    log_density: Expr

    def carried(self) -> dict[str, Expr]:
        return {"mean": self.mean, "covariance": self.covariance, "log_density": self.log_density}


class Filters(Slicewise):
    """Lowers one filter."""

    def __init__(self, factors: Factors, equations: Equations, plan: Filter, span: Span) -> None:
        falling = any(is_backward(f) for f, _ in plan.parts if variable_of(f) == plan.integrated)
        super().__init__(factors, equations, (plan.integrated,), plan.extent, plan.parts, span, falling)
        self.name = plan.integrated
        self.size = math.prod(self.types[plan.integrated].shape)

    def log_density(self, scope: Scope) -> Expr:
        """log of the integral over all values, for each row."""
        scope = self.completed(scope)
        belief: Belief | None = None
        for start, stop, own in self.segments():
            if belief is None:
                belief = self._step(None, self.graph.integer(start, self.span), own, scope)
                continue

            def step(number: Expr, *carried: Expr, own: list[Piece] = own) -> tuple[Expr, ...]:
                return tuple(self._step(Belief(*carried), number, own, scope).carried().values())

            belief = Belief(*self.over(start, stop, own, belief.carried(), step))
        assert belief is not None, "a sequence of no slices"
        return belief.log_density

    def _step(self, belief: Belief | None, number: Expr, own: list[Piece], scope: Scope) -> Belief:
        made = [p for p in own if _variable(p.factor) == now(self.name)]
        if len(made) != 1:
            raise NotLowered(own[0].factor, "integrating where no one equation makes the whole of a place")
        found = self._moved(belief, made[0], self.inside(made[0], number, scope))
        for piece in own:
            if piece is not made[0]:
                if piece.window.before:
                    raise NotLowered(piece.factor, "integrating over two places that one observation depends on")
                found = self._observed(found, piece.factor, self.inside(piece, number, scope))
        return found

    def _moved(self, belief: Belief | None, piece: Piece, scope: Scope) -> Belief:
        """The latent slice after its own equation; nothing is known of it before the first."""
        span = piece.factor.span
        lowered = self._linear(before(self.name), scope)
        _, law, scale = lowered.normal(piece.factor)
        own = self._diagonal(self.graph.elementwise("multiply", scale, scale, span=span), self.size, span)
        zero = self.graph.broadcast(self.graph.number(0, span), self.size, span)
        offset = self._vector(law.offset, self.size, span) if law.offset is not None else zero
        log_density = belief.log_density if belief is not None else self.graph.number(0, span)
        if not law.matrices:
            return Belief(offset, own, log_density)
        assert belief is not None, "the first slice depends on one before it"
        moves = self._matrix_of(law, self.size, span)
        mean = self.graph.elementwise("add", self.graph.dot(belief.mean, moves, True, span), offset, span=span)
        spread = self._product(self._product(moves, belief.covariance, span), self._transposed(moves, span), span)
        covariance = self.graph.elementwise("add", spread, own, span=span)
        return Belief(self.graph.name(mean, "mean"), self.graph.name(covariance, "covariance"), log_density)

    def _observed(self, belief: Belief, factor: Factor, scope: Scope) -> Belief:
        """The belief after an observation, whose log density is added."""
        graph, span, target = self.graph, factor.span, factor.conditional.targets[0]
        if factor.conditional.indices:
            raise NotLowered(factor, "integrating where an observation has further indices: write `x[t, :]`")
        size = math.prod(target.type.shape)
        value = self._vector(self.factors.expressions.lower(target, scope), size, span)
        named = model.Reference(target.type, "observed now", span=span)
        own = dataclasses.replace(factor, conditional=dataclasses.replace(factor.conditional, targets=(named,)))
        lowered = self._linear(now(self.name), scope)
        _, law, scale = lowered.normal(own)
        seen = self._matrix_of(law, size, span)
        expected = graph.dot(belief.mean, seen, True, span)
        if law.offset is not None:
            expected = graph.elementwise("add", expected, self._vector(law.offset, size, span), span=span)
        residual = graph.name(graph.elementwise("subtract", value, expected, span=span), "residual")
        both = self._product(seen, belief.covariance, span)
        noise = self._diagonal(graph.elementwise("multiply", scale, scale, span=span), size, span)
        spread = graph.elementwise("add", self._product(both, self._transposed(seen, span), span), noise, span=span)
        factor_ = graph.name(graph.matrix("cholesky", spread, span=span), "factor")
        whitening = graph.name(graph.matrix("inverse_lower", factor_, span=span), "whitening")
        white = graph.name(graph.dot(residual, whitening, True, span), "white")
        gain = graph.name(self._product(whitening, both, span), "gain")
        mean = graph.elementwise("add", belief.mean, graph.dot(white, gain, False, span), span=span)
        known = self._product(self._transposed(gain, span), gain, span)
        covariance = graph.elementwise("subtract", belief.covariance, known, span=span)
        term = lowered.white_log(white, factor_, size, span)
        log_density = graph.elementwise("add", belief.log_density, term, span=span)
        return Belief(graph.name(mean, "mean"), graph.name(covariance, "covariance"), log_density)

    # -- uniform matrices --------------------------------------------------------------------------------------------

    def _linear(self, name: str, scope: Scope) -> LinearGaussian:
        """What reads affine functions of a latent slice, a scalar one as a vector of one."""
        found = LinearGaussian(self.factors.expressions, scope)
        one = self.graph.number(1, self.span)
        ones = self.graph.broadcast(one, self.size, self.span)
        scalar = not self.types[self.name].shape
        found.latent[name] = Affine(None, {name: ones if scalar else self._diagonal(ones, self.size, self.span)})
        return found

    def _matrix_of(self, law: Affine, rows: int, span: Span) -> Expr:
        if len(law.matrices) != 1:
            raise NotLowered(
                self.parts[0][0], "integrating where an observation does not depend on the latent variable"
            )
        (found,) = law.matrices.values()
        return reshaped(self.graph, found, (rows, self.size), span)

    def _vector(self, value: Expr, size: int, span: Span) -> Expr:
        return value if value.type.shape else self.graph.broadcast(value, size, span)

    def _diagonal(self, entries: Expr, size: int, span: Span) -> Expr:
        return self.graph.matrix("diagonal_matrix", self._vector(entries, size, span), span=span)

    def _product(self, left: Expr, right: Expr, span: Span) -> Expr:
        return self.graph.matrix("matmul", left, right, span=span)

    def _transposed(self, matrix: Expr, span: Span) -> Expr:
        return self.graph.matrix("transpose", matrix, span=span)


def _variable(factor: Factor) -> str:
    """The name that a factor makes, as a formula of slices."""
    target = factor.conditional.targets[0]
    return target.name if isinstance(target, model.Reference) else ""
