"""A model without names of densities and laws in its transitions: formulas and catalogue distributions in their place.

log path(x | h, t)        a call of the function that is its logarithm
grad(log path)(x | t)     the gradient of that function
log p(x | z)              the formula of the conditional that states it
log Normal(x | m, s)      the catalogue's formula
h' ~ p(h | x)             a draw from the distribution that `conditional_laws` derives
"""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.derive import algebra
from gencompiler.derive.conditional_laws import NoLawError, law, log_energy, name_of
from gencompiler.derive.density import log_density, log_of
from gencompiler.derive.nodes import ConditionalLaw, Failure
from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes
from gencompiler.node import Node, NodeT, rebuild


def plain(model: nodes.Model) -> tuple[nodes.Model, tuple[ConditionalLaw, ...], tuple[Failure, ...]]:
    """The model, the conditionals of energies that its transitions draw from, and what could not be derived."""
    return _Plain(model).run()


class _Plain:
    def __init__(self, model: nodes.Model) -> None:
        self.model = model
        self.functions = {f.name: f for f in model.functions}
        self.laws: list[ConditionalLaw] = []
        self.failures: list[Failure] = []
        self.named = {d.name: d for d in model.densities}
        self.energies = {e.joint: e for e in model.energies}

    def run(self) -> tuple[nodes.Model, tuple[ConditionalLaw, ...], tuple[Failure, ...]]:
        densities = tuple(self._density(d) for d in self.model.densities)
        energies = tuple(self._expanded(e) for e in self.model.energies)
        self.model = dataclasses.replace(
            self.model, densities=densities, energies=energies, functions=tuple(self.functions.values())
        )
        transitions = tuple(self._transition(t) for t in self.model.transitions)
        model = dataclasses.replace(self.model, transitions=transitions, functions=tuple(self.functions.values()))
        return model, tuple(self.laws), tuple(self.failures)

    def _density(self, density: nodes.Density) -> nodes.Density:
        """A density with its formula written out, and its logarithm with it."""
        value = self._expanded(density.value)
        own = self.functions[density.function]
        self.functions[density.function] = dataclasses.replace(own, body=log_of(value))
        return dataclasses.replace(density, value=value)

    def _transition(self, transition: nodes.Transition) -> nodes.Transition:
        return dataclasses.replace(transition, steps=tuple(self._expanded(s) for s in transition.steps))

    def _expanded(self, tree: NodeT) -> NodeT:
        def visit(current: Node) -> Node:
            if isinstance(current, nodes.DensityGradient) and self._is_known(current.density.joint):
                return self._gradient(rebuild(current.density, visit), current)
            inner = rebuild(current, visit)
            if isinstance(inner, nodes.LogLaw):
                return log_density(inner.distribution, inner.event)
            if isinstance(inner, nodes.LogDensity):
                return self._log(inner)
            if isinstance(inner, nodes.Conditioned):
                return self._law(inner)
            return inner

        return cast(NodeT, visit(tree))

    def _is_known(self, joint: str) -> bool:
        return joint in self.named or joint in self.energies

    # -- densities ---------------------------------------------------------------------------------------------------

    def _log(self, density: nodes.LogDensity) -> nodes.Expr:
        values = {b.name: b.value for b in (*density.targets, *density.given)}
        if not self._is_known(density.joint):
            return self._stated(density, values)
        function = self._function(density.joint, tuple(b.name for b in density.targets), density)
        if any(i.name not in values for i in function.inputs):
            return density
        arguments = tuple(values[i.name] for i in function.inputs)
        return nodes.Call(density.type, function.name, arguments, span=density.span)

    def _gradient(self, density: nodes.LogDensity, at: nodes.DensityGradient) -> nodes.Expr:
        values = {b.name: b.value for b in (*density.targets, *density.given)}
        function = self._function(density.joint, tuple(b.name for b in density.targets), at)
        if any(i.name not in values for i in function.inputs):
            return dataclasses.replace(at, density=density)
        arguments = tuple(values[i.name] for i in function.inputs)
        return nodes.Gradient(at.type, function.name, arguments, span=at.span)

    def _function(self, joint: str, first: tuple[str, ...], at: Node) -> nodes.Function:
        """The logarithm of an energy or a density as a function, `first[0]` its first input."""
        if joint in self.named:
            inputs = self.functions[self.named[joint].function].inputs
        else:
            types = {v.name: v for v in self.model.variables}
            inputs = tuple(nodes.Input(n, types[n].type, span=types[n].span) for n in self.energies[joint].variables)
        if first:
            inputs = tuple(sorted(inputs, key=lambda i: i.name != first[0]))
        known = next(
            (f for f in self.functions.values() if f.inputs == inputs and f.name.startswith(f"log_{joint}")), None
        )
        if known is not None:
            return known
        taken, name = set(self.functions), f"log_{joint}"
        while name in taken:
            name += "_of_" + inputs[0].name
        body = log_energy(dataclasses.replace(self.model, functions=tuple(self.functions.values())), joint, at)
        found = nodes.Function(name, inputs, body, span=at.span)
        self.functions[name] = found
        return found

    def _stated(self, density: nodes.LogDensity, values: dict[str, nodes.Expr]) -> nodes.Expr:
        """A product of conditionals that the model states; another density stays what it is."""
        total: nodes.Expr = algebra.literal(0, density.span)
        for target in density.targets:
            stated = [
                c
                for c in self.model.conditionals
                if c.joint == density.joint
                and not c.indices
                and len(c.targets) == 1
                and isinstance(c.targets[0], nodes.Reference)
                and c.targets[0].name == target.name
            ]
            listed = {e.name for c in stated for e in c.given if isinstance(e, nodes.Reference)}
            if len(stated) != 1 or not listed <= values.keys():
                return density
            distribution = stated[0].distribution
            bindings: list[nodes.Binding] = []
            while isinstance(distribution, nodes.Let):
                bindings += [dataclasses.replace(b, value=substitute(b.value, values)) for b in distribution.bindings]
                distribution = distribution.body
            assert isinstance(distribution, nodes.Distribution)
            found = log_density(_substituted(distribution, values), target.value)
            if bindings:
                found = nodes.Let(found.type, tuple(bindings), found, span=found.span)
            total = algebra.add(total, found, density.span)
        return total

    # -- laws --------------------------------------------------------------------------------------------------------

    def _law(self, asked: nodes.Conditioned) -> nodes.Expr:
        try:
            found = law(self.model, asked)
        except NoLawError as problem:
            self.failures.append(Failure(f"{asked.joint}({name_of(asked)})", problem.reason, span=asked.span))
            return asked
        if self._is_known(asked.joint):
            types = {v.name: v.type for v in self.model.variables}
            types |= {i.name: i.type for d in self.model.densities for i in d.conditions}
            own = tuple(
                dataclasses.replace(b, value=nodes.Reference(types[b.name], b.name, span=b.span)) for b in asked.given
            )
            question = dataclasses.replace(asked, given=own)
            self.laws.append(ConditionalLaw(question, law(self.model, question), span=asked.span))
        return found


def _substituted(distribution: nodes.Distribution, values: dict[str, nodes.Expr]) -> nodes.Distribution:
    arguments = tuple(substitute(a, values) for a in distribution.arguments)
    return dataclasses.replace(distribution, arguments=arguments)
