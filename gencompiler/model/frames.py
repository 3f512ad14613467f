"""What the names of an objective stand for: `x` for all observed variables, `z` for the latent ones, and their draws.

An objective of the prelude is written for every model, so one name of it may stand for several variables, its group.
Inside a model's own objective each variable also goes by its own name.
"""

from __future__ import annotations

import dataclasses

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

#: Texts of the prelude are named so; its objectives see no definition of a spec but those they are given.
PRELUDE = "<prelude>/"


@dataclasses.dataclass(frozen=True)
class Group:
    """Variables that were drawn together under one name, each with the local name of its value.

    `particles = (k, K)`: each value is an array of K independent draws."""

    variables: tuple[nodes.Variable, ...]
    names: tuple[str, ...]
    particles: tuple[str, int] | None
    span: Span


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where an expression of an objective stands.

    `objective` is its name; `meanings`: the variables that a base name means in `p(x | z)`; `drawn`: the names that
    have a value here; `joints`: the names of joints, and of nothing else; `source`: the text that it is written in;
    `laws`: in an objective, the conditionals that the model's equations state; `read`: the latent variables that the
    data give."""

    objective: str
    source: str
    meanings: dict[str, tuple[nodes.Variable, ...]]
    joints: frozenset[str]
    drawn: dict[str, Group] = dataclasses.field(default_factory=dict)
    laws: tuple[nodes.Conditional, ...] | None = None
    read: frozenset[str] = frozenset()

    def draw(self, name: str, group: Group) -> Frame:
        """This frame with one more draw, which hides an earlier one of its name, and a variable that is something else.

        So the `y` that an objective of the prelude draws is not the label `y` that a model is given."""
        meanings = {n: v for n, v in self.meanings.items() if n != name or v == group.variables}
        return dataclasses.replace(self, meanings=meanings, drawn={**self.drawn, name: group})

    def counted(self, name: str) -> bool:
        """Whether a name, or its group, is several draws."""
        group = self.drawn.get(name.partition(".")[0])
        return group is not None and group.particles is not None

    def sees(self, definition: tree.Definition) -> bool:
        """Whether the objective may mention a definition by name: the prelude's see only their own."""
        return not self.source.startswith(PRELUDE) or definition.span.source.startswith(PRELUDE)


def apart(declared: tree.Objective, variables: frozenset[str]) -> tree.Objective:
    """An objective of the prelude with other names for its indices and local equations where they are a variable's.

    It was written without knowing that a model has a `k` or a `w`, whose values its densities are about."""
    if not declared.span.source.startswith(PRELUDE):
        return declared
    bound = {n.name.id for n in walk(declared) if isinstance(n, tree.Binding)}
    for equation in (n for n in walk(declared) if isinstance(n, tree.Equation) and n.relation == "="):
        bases = (t.base if isinstance(t, tree.Index) else t for t in equation.targets)
        bound |= {base.id for base in bases if isinstance(base, tree.Name)}
    # `for z: …` binds no index: it runs over the values of what `z` stands for.
    names = {name: _unlike(name, variables) for name in (bound & variables) - {"x", "z"}}

    def visit(node: Node) -> Node:
        if isinstance(node, tree.Name) and node.id in names:
            return dataclasses.replace(node, id=names[node.id])
        return rebuild(node, visit)

    found = visit(declared) if names else declared
    assert isinstance(found, tree.Objective)
    return found


def _unlike(name: str, variables: frozenset[str]) -> str:
    """A name made of `name` that is no variable's."""
    while name in variables:
        name += "_local"
    return name


def part(name: str, variable: str) -> str:
    """The key of one variable of a group among the names in scope; no name of a spec contains a dot."""
    return f"{name}.{variable}"


def values(group: Group, name: str, span: Span) -> dict[str, nodes.Expr]:
    """The names that a draw brings into scope: one for each variable, and its own where it is one variable's."""
    found: dict[str, nodes.Expr] = {}
    for variable, local in zip(group.variables, group.names, strict=True):
        shape = (group.particles[1], *variable.type.shape) if group.particles else variable.type.shape
        value = nodes.Reference(nodes.Type(variable.type.support, shape), local, span=span)
        found[part(name, variable.name)] = value
        if len(group.variables) == 1:
            found[name] = value
    return found
