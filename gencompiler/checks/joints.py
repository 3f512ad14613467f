"""The joints of a model: `p`, `q`, …, each the equations that share its letter, and the variables that they produce."""

from __future__ import annotations

import dataclasses

from gencompiler.checks.equations import Equation, equations_of
from gencompiler.derive.nodes import Derived
from gencompiler.proof.graph import Shape
from gencompiler.proof.structure import Production


@dataclasses.dataclass(frozen=True)
class Joint:
    """The equations of one joint, and the variables that they produce."""

    name: str
    variables: tuple[tuple[str, Shape], ...]
    equations: tuple[Equation, ...]

    @property
    def productions(self) -> tuple[Production, ...]:
        return tuple(e.production for e in self.equations)


def joints(derived: Derived) -> list[Joint]:
    """Every joint that has an equation, in order of appearance; equations between variables belong to `p`."""
    model = derived.model
    shapes = {v.name: v.type.shape for v in model.variables}
    names = [c.joint for c in model.conditionals] + [e.joint for e in model.energies]
    names += ["p"] if model.links or model.deterministic or model.quantities else []
    found = []
    for name in dict.fromkeys(names):
        equations = equations_of(derived, name)
        produced = {p.variable for e in equations for p in e.production.produces}
        variables = tuple((n, s) for n, s in shapes.items() if n in produced)
        found.append(Joint(name, variables, equations))
    return found
