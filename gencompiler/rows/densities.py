"""`log p(x, z | y)` at given values, by the plan that `derive.queries` makes for it.

A value may be data, a draw, or a draw's particle; what depends on no particle is computed once for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gencompiler.derive import forward_sums, marginals, queries
from gencompiler.derive.conditional_laws import NoLawError
from gencompiler.derive.free_energy import log_marginal
from gencompiler.derive.nodes import Derived, Factor
from gencompiler.model import nodes as model
from gencompiler.rows.enumeration import constants, enumerated
from gencompiler.rows.equations import Equations, flow_to, sources_of
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.factors import Factors, variable_of
from gencompiler.rows.filters import Filters
from gencompiler.rows.forward_sums import ForwardSums
from gencompiler.rows.marginals import LinearGaussian
from gencompiler.rows.nodes import Expr
from gencompiler.rows.stopping import Inseparable, parameters_stopped


class Densities:
    """Lowers log densities of one model into the graph of `expressions`."""

    def __init__(self, expressions: Expressions, streams: Mapping[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.derived: Derived = expressions.derived
        self.factors = Factors(expressions, streams)
        self.equations = Equations(expressions, self.factors)
        self.known: dict[tuple[object, ...], Expr] = {}
        expressions.probabilistic = self.lower

    def lower(self, expr: model.Expr, scope: Scope) -> Expr:
        """What asks for a distribution where a program has no draws."""
        if isinstance(expr, model.LogDensity):
            return self.log_density(expr, scope)
        if isinstance(expr, model.LogLaw):
            return self.expressions.log_density(expr.distribution, expr.event, scope)
        if isinstance(expr, model.FreeEnergy):
            return self.free_energy(expr, scope)
        raise NotLowered(expr, f"this {type(expr).__name__.lower()}")

    def free_energy(self, expr: model.FreeEnergy, scope: Scope) -> Expr:
        """-log of an unnormalized density at given values."""
        values = {b.name: self.expressions.lower(b.value, scope) for b in expr.targets}
        try:
            found = log_marginal(self.derived.model, expr.joint, frozenset(values), expr)
        except NoLawError as problem:
            raise NotLowered(expr, f"this energy ({problem.reason})") from None
        value = self.expressions.lower(found, Scope(values, stopped=expr.stopped))
        return self.graph.name(self.graph.elementwise("negate", value, span=expr.span), "energy")

    def log_density(self, density: model.LogDensity, scope: Scope) -> Expr:
        """`log joint(targets | given)`, a scalar for each row, or for each particle."""
        targets = {b.name: self.expressions.lower(b.value, scope) for b in density.targets}
        given = {b.name: self.expressions.lower(b.value, scope) for b in density.given}
        return self.at(density, targets, given)

    def at(self, density: model.LogDensity, targets: Mapping[str, Expr], given: Mapping[str, Expr]) -> Expr:
        """The same at values that are lowered already."""
        values = {**given, **targets}
        key = (density.joint, density.stopped, tuple(targets), tuple((n, id(v)) for n, v in values.items()))
        if key not in self.known:
            self.known[key] = (
                self._stopped(density, targets, values)
                if density.stopped
                else self._by_plan(density, targets, Scope(values))
            )
        return self.known[key]

    def _stopped(self, density: model.LogDensity, targets: Mapping[str, Expr], values: Mapping[str, Expr]) -> Expr:
        try:
            return parameters_stopped(self.graph, values, lambda named: self._by_plan(density, targets, Scope(named)))
        except Inseparable:
            return self._by_plan(density, targets, Scope(values, stopped=True))

    def _by_plan(self, density: model.LogDensity, targets: Mapping[str, Expr], scope: Scope) -> Expr:
        given = tuple(b.name for b in density.given)
        try:
            plan = queries.density_plan(self.derived, density.joint, tuple(targets), given)
        except queries.Refused as refusal:
            raise NotLowered(density, f"log {density.joint} of these variables") from refusal
        return self.of_plan(plan, density, scope)

    def of_plan(self, plan: queries.DensityPlan, density: model.LogDensity, scope: Scope) -> Expr:
        match plan:
            case queries.Product(factors=factors):
                return self.product(factors, scope)
            case queries.Pushforward():
                return self._pushforward(plan, density, scope)
            case forward_sums.ForwardSum():
                return self._forward_sum(plan, density, scope)
            case forward_sums.Filter():
                return self._filtered(plan, density, scope)
            case marginals.FiniteSum():
                return self._finite_sum(plan, density, scope)
            case marginals.LinearGaussian():
                return self._linear_gaussian(plan, scope)
            case marginals.Ratio(joint=joint, marginal=marginal):
                parts = (self.of_plan(joint, density, scope), self.of_plan(marginal, density, scope))
                return self.graph.elementwise("subtract", *parts, span=density.span)
        raise NotLowered(density, f"the density of a {type(plan).__name__.lower()}")

    def product(self, factors: Iterable[Factor], scope: Scope) -> Expr:
        """The sum of the log densities of `factors`, each named after its joint and its variable."""
        total: Expr | None = None
        joint = ""
        for factor in factors:
            scope = self.equations.completed(factor.distribution, scope)
            term = self.factors.log_density(factor, scope)
            joint = factor.conditional.joint
            self.graph.name(term, f"log_{joint}_{variable_of(factor)}")
            total = term if total is None else self.graph.elementwise("add", total, term, span=factor.span)
        assert total is not None, "a density of no variables"
        self.graph.suggestions[id(total)] = f"log_{joint}"
        return total

    def _pushforward(self, plan: queries.Pushforward, density: model.LogDensity, scope: Scope) -> Expr:
        """log p_x(x) = log p_z(z) + log|dz / dx|"""
        link = plan.link
        data = link.target if link.target in scope.names else sources_of(link)[0]
        flow = flow_to(link, data)
        passed = self.equations.to_base(flow, scope.names[data], scope)
        base = self.of_plan(plan.base, density, scope.bind(self.equations.parted(flow, passed.value)))
        return self.graph.elementwise("add", base, passed.log_det, span=link.span)

    def _finite_sum(self, plan: marginals.FiniteSum, density: model.LogDensity, scope: Scope) -> Expr:
        """log sum over z of p(x, z), each value of z a particle."""
        types = {v.name: v.type for v in self.derived.model.variables}
        summed = {name: types[name] for name in plan.summed}
        others = (value for name, value in scope.names.items() if name not in summed)
        if any(value.type.particles > 1 for value in others):  # a particle has no particles itself
            found = [self.product(plan.factors, scope.bind(v)) for v in constants(self.graph, summed, density.span)]
            return self.graph.reduce("logsumexp", self.graph.concat(tuple(found), density.span), density.span)
        values, count = enumerated(self.graph, summed, density.span)
        each = self.graph.name(self.product(plan.factors, scope.bind(values)), "log_joint")
        return self.graph.reduce("logsumexp", self.graph.collect(each, count, density.span), density.span)

    def _forward_sum(self, plan: forward_sums.ForwardSum, density: model.LogDensity, scope: Scope) -> Expr:
        """log p(x) with a sequence of finite variables summed slice by slice, for each value of those beside it."""
        types = {v.name: v.type for v in self.derived.model.variables if v.name in plan.beside}
        each = []
        for values in constants(self.graph, types, density.span):
            inside = scope.bind(values)
            found = ForwardSums(self.factors, self.equations, plan, density.span).log_density(inside)
            free = self.product(plan.free, inside) if plan.free else None
            each.append(found if free is None else self.graph.elementwise("add", found, free, span=density.span))
        if len(each) == 1:
            return each[0]
        return self.graph.reduce("logsumexp", self.graph.concat(tuple(each), density.span), density.span)

    def _filtered(self, plan: forward_sums.Filter, density: model.LogDensity, scope: Scope) -> Expr:
        """log p(x) with a sequence of Normal variables integrated out slice by slice."""
        found = Filters(self.factors, self.equations, plan, density.span).log_density(scope)
        if not plan.free:
            return found
        return self.graph.elementwise("add", found, self.product(plan.free, scope), span=density.span)

    def _linear_gaussian(self, plan: marginals.LinearGaussian, scope: Scope) -> Expr:
        """log p(x) with the latent variables integrated out, and the factors that do not depend on them."""
        name = plan.observed.target if isinstance(plan.observed, model.Link) else variable_of(plan.observed)
        value = scope.names[name]
        found = LinearGaussian(self.expressions, scope).log_density(plan.latents, plan.observed, value)
        if not plan.factors:
            return found
        return self.graph.elementwise("add", found, self.product(plan.factors, scope), span=plan.observed.span)


def density_of(
    derived: Derived, joint: str, targets: tuple[str, ...], given: tuple[str, ...]
) -> model.LogDensity | None:
    """`log joint(targets | given)` at the variables' own values; None where it has no plan."""
    try:
        queries.density_plan(derived, joint, targets, given)
    except queries.Refused:
        return None
    types, span = {v.name: v.type for v in derived.model.variables}, derived.model.span

    def own(names: tuple[str, ...]) -> tuple[model.Binding, ...]:
        return tuple(model.Binding(n, model.Reference(types[n], n, span=span), span=span) for n in names)

    return model.LogDensity(model.Type(model.REAL), joint, own(targets), own(given), span=span)
