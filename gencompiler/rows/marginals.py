"""Linear-Gaussian latent variables, integrated out: log of a Normal whose covariance is a product of uniform matrices.

Each latent variable is an affine map of independent standard normals, kept as an offset and one matrix for each:
z = m + sum_j A_j e_j.  A Normal variable with mean B z + c and scale s is then c + B m + sum_j B A_j e_j + s e, so its
covariance is the sum of the squares B A_j (B A_j)^T + diag(s^2) (Bishop, Pattern Recognition and Machine Learning,
2006, equation 2.115).  The factorization of that matrix depends on parameters alone and is computed once for all rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from gencompiler.derive.nodes import Factor
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import nodes
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.nodes import Expr, RowType


@dataclasses.dataclass(frozen=True)
class Affine:
    """`offset + sum_j matrices[j] e_j` with independent standard normals e_j; for a scalar, a matrix is a vector.

    An offset of None is 0."""

    offset: Expr | None
    matrices: Mapping[str, Expr]


class LinearGaussian:
    """Lowers the density of the observed variable of a linear-Gaussian model."""

    def __init__(self, expressions: Expressions, scope: Scope) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.scope = scope
        self.latent: dict[str, Affine] = {}

    def log_density(self, latents: tuple[Factor, ...], observed: Factor | model.Link, value: Expr) -> Expr:
        """log p(value), the latent variables of `latents` (in order of dependence) integrated out."""
        for factor in latents:
            name, law, own_scale = self.normal(factor)
            own = self._noise(own_scale, factor.conditional.targets[0].type.shape, factor.span)
            self.latent[name] = Affine(law.offset, {**law.matrices, name: own})
        mean, scale = self._observed(observed)
        span = observed.span
        residual = value
        if mean.offset is not None:
            residual = self.graph.name(self._apply("subtract", value, mean.offset, span=span), "residual")
        parts = list(mean.matrices.values())
        noise = [self._apply("multiply", scale, scale, span=span)] if scale is not None else []
        if not value.type.shape:
            return self._scalar(parts, noise, residual, span)
        return self._vector(parts, noise, residual, span)

    def _observed(self, observed: Factor | model.Link) -> tuple[Affine, Expr | None]:
        """The observed variable as an affine map, and the scale of its own noise where it has one."""
        if isinstance(observed, Factor):
            _, mean, scale = self.normal(observed)
            return mean, scale
        stage, source = observed.stages[0], observed.source
        assert isinstance(stage, model.UseMap) and isinstance(source, model.Reference), "derive.marginals says so"
        own = next(m for m in self.expressions.derived.model.maps if m.name == stage.map)
        self.latent[own.input.name] = self.latent[source.name]
        return self.affine(own.body, self.scope), None

    # -- densities ---------------------------------------------------------------------------------------------------

    def _scalar(self, parts: list[Expr], noise: list[Expr], residual: Expr, span: Span) -> Expr:
        """log Normal(residual; 0, variance) of a scalar; `noise` holds the variance of its own noise."""
        squares = [self._square(each, span) for each in parts]
        variance = self.graph.name(self._sum([*squares, *noise], span), "variance")
        quadratic = self._apply("divide", self._apply("multiply", residual, residual, span=span), variance, span=span)
        log_scale = self._apply("log", variance, span=span)
        return self._normal_log(quadratic, log_scale, self.graph.number(0.5, span), 1, span)

    def _square(self, vector: Expr, span: Span) -> Expr:
        return self.graph.total(self._apply("multiply", vector, vector, span=span), span)

    def _vector(self, parts: list[Expr], noise: list[Expr], residual: Expr, span: Span) -> Expr:
        """By the Cholesky factor L of the covariance: |L^-1 r|^2 and sum log diag L."""
        size = residual.type.shape[0]
        squares = [self._matrix("matmul", (size, size), (each, self._transpose(each, span)), span) for each in parts]
        for each in noise:
            own = each if each.type.shape else self.graph.broadcast(each, size, span)
            squares.append(self._matrix("diagonal_matrix", (size, size), (own,), span))
        covariance = self.graph.name(self._sum(squares, span), "covariance")
        factor = self.graph.name(self._matrix("cholesky", (size, size), (covariance,), span), "factor")
        whitening = self.graph.name(self._matrix("inverse_lower", (size, size), (factor,), span), "whitening")
        white = self.graph.name(self.graph.dot(residual, whitening, True, span), "white")
        return self.white_log(white, factor, size, span)

    def white_log(self, white: Expr, factor: Expr, size: int, span: Span) -> Expr:
        """log Normal of a residual r by L^-1 r, L the Cholesky factor of the covariance."""
        quadratic = self._square(white, span)
        diagonal = self._matrix("diagonal", (size,), (factor,), span)
        log_scale = self.graph.total(self._apply("log", diagonal, span=span), span)
        return self._normal_log(quadratic, log_scale, self.graph.number(1, span), size, span)

    def _normal_log(self, quadratic: Expr, log_scale: Expr, power: Expr, size: int, span: Span) -> Expr:
        """-quadratic / 2 - power * log_scale - size / 2 log 2 pi"""
        half = self._apply("multiply", self.graph.number(-0.5, span), quadratic, span=span)
        scaled = self._apply("multiply", power, log_scale, span=span)
        constant = self.graph.number(0.5 * size * math.log(2 * math.pi), span)
        return self._apply("subtract", self._apply("subtract", half, scaled, span=span), constant, span=span)

    # -- variables ---------------------------------------------------------------------------------------------------

    def normal(self, factor: Factor) -> tuple[str, Affine, Expr]:
        """A Normal variable by its name: its mean as an affine map of what was there before, and its scale."""
        target = factor.conditional.targets[0]
        distribution, scope = factor.distribution, self.scope
        while isinstance(distribution, model.Let):
            distribution, scope = self._let(distribution, scope)
        if not isinstance(distribution, model.Distribution) or not isinstance(target, model.Reference):
            raise NotLowered(distribution, "integrating over this variable")
        mean, scale_expr = distribution.arguments
        affine = self.affine(mean, scope)
        scale = self.expressions.lower(scale_expr, scope)
        if scale.type.rows:
            raise NotLowered(scale_expr, "integrating where this scale differs between rows")
        offset = affine.offset
        if isinstance(offset, nodes.Number) and offset.value == 0:
            offset = None
        elif target.type.shape and offset is not None and not offset.type.shape:
            offset = self.graph.broadcast(offset, target.type.shape[0], factor.span)
        if any(m.type.shape[:-1] != target.type.shape for m in affine.matrices.values()):
            raise NotLowered(mean, "integrating where one number is the mean of several")
        return target.name, Affine(offset, affine.matrices), scale

    def _let(self, let: model.Let, scope: Scope) -> tuple[model.Expr, Scope]:
        """Local equations: those that mention latent variables stay symbolic, as affine forms under their names."""
        for binding in let.bindings:
            if self._mentions(binding.value):
                self.latent[binding.name] = self.affine(binding.value, scope)
            else:
                value = self.graph.name(self.expressions.lower(binding.value, scope), binding.name)
                scope = scope.bind({binding.name: value})
        return let.body, scope

    def _noise(self, scale: Expr, shape: tuple[int, ...], span: Span) -> Expr:
        """The matrix of a variable's own noise: diag(scale), or the scale alone of a scalar."""
        if not shape:
            return self.graph.broadcast(scale, 1, span)
        if not scale.type.shape:
            scale = self.graph.broadcast(scale, shape[0], span)
        return self._matrix("diagonal_matrix", (shape[0], shape[0]), (scale,), span)

    # -- affine expressions ------------------------------------------------------------------------------------------

    def affine(self, expr: model.Expr, scope: Scope) -> Affine:
        """An expression that is affine in the latent variables; raises NotLowered for forms that have no rule here."""
        span = expr.span
        if not self._mentions(expr):
            return Affine(self.expressions.lower(expr, scope), {})
        match expr:
            case model.Reference(name=name):
                return self.latent[name]
            case model.Apply(function="add" | "subtract" as function, arguments=(left, right)):
                return self._add(function, self.affine(left, scope), self.affine(right, scope), expr)
            case model.Apply(function="negate", arguments=(inner,)):
                return self._scaled(self.affine(inner, scope), self.graph.number(-1, span), expr)
            case model.Apply(function="multiply", arguments=(left, right)):
                latent, fixed = (right, left) if self._mentions(right) else (left, right)
                return self._scaled(self.affine(latent, scope), self.expressions.lower(fixed, scope), expr)
            case model.Apply(function="divide", arguments=(left, right)):
                one = self.graph.number(1, span)
                inverse = self._apply("divide", one, self.expressions.lower(right, scope), span=span)
                return self._scaled(self.affine(left, scope), inverse, expr)
            case model.Contract(left=left, right=right):
                if self._mentions(right):
                    return self._multiplied(self.expressions.lower(left, scope), self.affine(right, scope), expr)
                matrix = self.expressions.lower(right, scope)
                turned = self._transpose(matrix, span) if len(matrix.type.shape) == 2 else matrix
                return self._multiplied(turned, self.affine(left, scope), expr)
            case model.NetworkOutput(inputs=(only,)):
                return self._network(expr, self.affine(only, scope), scope)
            case model.Let():
                body, within = self._let(expr, scope)
                return self.affine(body, within)
        raise NotLowered(expr, f"integrating over a latent variable through this {type(expr).__name__.lower()}")

    def _mentions(self, expr: model.Expr) -> bool:
        return any(isinstance(n, model.Reference) and n.name in self.latent for n in walk(expr))

    def _add(self, function: str, left: Affine, right: Affine, expr: model.Expr) -> Affine:
        span = expr.span
        minus = self.graph.number(-1, span)
        matrices = dict(left.matrices)
        for name, matrix in right.matrices.items():
            signed = matrix if function == "add" else self._apply("multiply", minus, matrix, span=span)
            if name in matrices and matrices[name].type.shape != signed.type.shape:
                raise NotLowered(expr, "integrating where a number meets a tensor")
            matrices[name] = self._apply("add", matrices[name], signed, span=span) if name in matrices else signed
        if any(m.type.shape[:-1] != expr.type.shape for m in matrices.values()):
            raise NotLowered(expr, "integrating where a number meets a tensor")
        if right.offset is None:
            return Affine(left.offset, matrices)
        if left.offset is None:
            offset = right.offset if function == "add" else self._apply("multiply", minus, right.offset, span=span)
        else:
            offset = self._apply(function, left.offset, right.offset, span=span)
        return Affine(offset, matrices)

    def _scaled(self, inner: Affine, factor: Expr, expr: model.Expr) -> Affine:
        """`factor * inner`, elementwise."""
        span = expr.span
        if factor.type.rows:
            raise NotLowered(expr, "integrating where this factor differs between rows")
        offset = inner.offset
        if offset is not None:
            offset = self._apply("multiply", factor, offset, span=span)
        if not factor.type.shape:
            scaled = {n: self._apply("multiply", factor, m, span=span) for n, m in inner.matrices.items()}
            return Affine(offset, scaled)
        size = factor.type.shape[0]
        if any(m.type.shape[:-1] != (size,) for m in inner.matrices.values()):
            raise NotLowered(expr, "integrating where a number meets a tensor")
        diagonal = self._matrix("diagonal_matrix", (size, size), (factor,), span)
        return Affine(offset, {n: self._product(diagonal, m, span) for n, m in inner.matrices.items()})

    def _multiplied(self, left: Expr, inner: Affine, expr: model.Expr) -> Affine:
        """`left @ inner` for a uniform matrix or vector `left`."""
        span, offset = expr.span, inner.offset
        if left.type.rows or not left.type.shape:
            raise NotLowered(expr, "integrating where this factor differs between rows")
        if len(left.type.shape) == 1:
            if offset is not None:
                offset = self.graph.total(self._apply("multiply", left, offset, span=span), span)
            return Affine(offset, {n: self.graph.dot(left, m, False, span) for n, m in inner.matrices.items()})
        if offset is not None:
            offset = self.graph.dot(offset, left, True, span)
        return Affine(offset, {n: self._product(left, m, span) for n, m in inner.matrices.items()})

    def _product(self, left: Expr, right: Expr, span: Span) -> Expr:
        """Of two matrices; times a multiple of the identity, a multiple."""
        if isinstance(right, nodes.MatrixFunction) and right.function == "diagonal_matrix":
            scale = right.arguments[0]
            if isinstance(scale, nodes.Broadcast):
                return self._apply("multiply", scale.operand, left, span=span)
        return self._matrix("matmul", (left.type.shape[0], right.type.shape[1]), (left, right), span)

    def _network(self, expr: model.NetworkOutput, inner: Affine, scope: Scope) -> Affine:
        """One affine layer: weight @ inner + bias."""
        network = self.expressions.networks[expr.path]
        if network.kind != "linear" or not expr.inputs[0].type.shape or not network.outputs[expr.output]:
            raise NotLowered(expr, f"integrating over a latent variable through `{network.kind}` here")
        name = (network.output_names or ("output",))[expr.output]
        weight, bias = (
            self.expressions.lower(
                model.ParameterReference(model.Type(model.REAL), f"{expr.path}.{name}.{part}", span=expr.span), scope
            )
            for part in ("weight", "bias")
        )
        found = self._multiplied(weight, inner, expr)
        offset = bias if found.offset is None else self._apply("add", found.offset, bias, span=expr.span)
        return Affine(offset, found.matrices)

    # -- row nodes ---------------------------------------------------------------------------------------------------

    def _apply(self, function: str, *arguments: Expr, span: Span) -> Expr:
        return self.graph.elementwise(function, *arguments, span=span)

    def _matrix(self, function: str, shape: tuple[int, ...], arguments: tuple[Expr, ...], span: Span) -> Expr:
        return self.graph.intern(nodes.MatrixFunction(RowType(False, shape), function, arguments, span=span))

    def _transpose(self, matrix: Expr, span: Span) -> Expr:
        return self._matrix("transpose", tuple(reversed(matrix.type.shape)), (matrix,), span)

    def _sum(self, parts: list[Expr], span: Span) -> Expr:
        total = parts[0]
        for part in parts[1:]:
            total = self._apply("add", total, part, span=span)
        return total
