"""A row program under construction, and the numbering of its random streams."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.derive.density import draws_of
from gencompiler.derive.nodes import Derived
from gencompiler.model import diffusion_methods, flows
from gencompiler.model import nodes as model
from gencompiler.node import Node, children, walk
from gencompiler.rows import jacobians, nodes
from gencompiler.rows.chain_sites import sites as draw_sites
from gencompiler.rows.densities import Densities
from gencompiler.rows.expressions import Expressions
from gencompiler.rows.factors import ANOTHER, COMPONENT
from gencompiler.rows.graph import Graph
from gencompiler.rows.linearize import linearize
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.places import flat


def streams_of(model_: model.Model) -> dict[str, int]:
    """The random stream of every draw site, numbered in Model-IR order.

    Variables (as `p` draws them), dequantization, steps of transitions; then the variables of other joints, as
    `JOINT.VARIABLE`, the draws of the default training's phases, as `site.VARIABLE` or `site` (see `sites_of`), and the
    noises of SDEs, as `SDE.NOISE`, and what their samplers draw beside, as `SDE.SITE`; last what estimates of log|det|
    take."""
    names = [v.name for v in model_.variables]
    names += [s.name for s in model_.surjections]
    for transition in model_.transitions:
        names += draw_sites(model_, transition)
    drawn = [v.name for v in model_.variables if v.role != "given"]
    joints = dict.fromkeys(c.joint for c in model_.conditionals if c.joint != "p")
    names += [f"{joint}.{name}" for joint in joints for name in drawn]
    for site, draw in sites_of(model_):
        if isinstance(draw.source, model.JointSource):
            moves = [t for t in model_.transitions if t.name == draw.source.joint]
            names += [s for t in moves for s in draw_sites(model_, t, f"{site}.")]
            names += [] if moves else [f"{site}.{name}" for name in drawn]
        elif isinstance(draw.source, model.DistributionSource):
            names.append(site)
    for sde in model_.sdes:
        names += [f"{sde.name}.{n.name}" for n in sde.noises] + [f"{sde.name}.probe"]
    names += list(dict.fromkeys(f"{stage.function}.probe" for stage in flows.odes(model_)))
    for method in model_.methods:
        if diffusion_methods.option(method, "sde") is not None:
            corrector = diffusion_methods.corrector_of(method)
            sites = [f"corrector_{place}" for place in range(corrector.steps)] if corrector is not None else []
            sites += ["churn"] if diffusion_methods.churn_of(method) is not None else []
            names += [f"{diffusion_methods.option(method, 'sde')}.{site}" for site in sites]
    own = tuple(names)
    for level in range(_levels(model_)):
        names += [f"{name}{COMPONENT * (level + 1)}" for name in own]
    laws = [n for n in walk(model_) if isinstance(n, model.Distribution)]
    if any("another" in draws_of(law) for law in laws if law.family in DISTRIBUTIONS):
        names += [f"{name}{ANOTHER}" for name in own]
    names += [site for map_ in model_.maps for site in jacobians.sites(map_)]
    return {name: number for number, name in enumerate(names)}


def _levels(tree: Node) -> int:
    """How many mixtures are within one another at most: each has a stream of its own for its components."""
    own = isinstance(tree, model.MixtureDistribution)
    return own + max((_levels(child) for child in children(tree)), default=0)


def sites_of(model_: model.Model) -> list[tuple[str, model.Drawn]]:
    """The draws of the default training, each with the name of its site: `LABEL.NUMBER`, the phase and its how
    manieth."""
    phases = model_.trainings[0].objective.phases if model_.trainings else ()
    found = []
    for phase in phases:
        draws = [part for part in walk(phase.value) if isinstance(part, model.Drawn)]
        found += [(f"{phase.label}.{number}", draw) for number, draw in enumerate(draws)]
    return found


def kind_of(type_: model.Type) -> str:
    return "integer" if SUPPORTS[type_.support.name].discrete else "real"


class Draft:
    """Collects the inputs and outputs of one program; `title` may mention the observed variable as `{x}`."""

    def __init__(self, derived: Derived, name: str, title: str) -> None:
        self.derived = derived
        self.graph = Graph()
        self.expressions = Expressions(derived, self.graph)
        self.name = name
        observed = [v.name for v in derived.model.variables if v.role == "observed"]
        self.title = title.format(x=", ".join(observed))
        self.span = derived.model.span
        self.inputs: list[nodes.Input] = []
        self.scalars: list[str] = []
        self.zero = self.graph.number(0, self.span)
        given = [v for v in derived.model.variables if v.role == "given"]
        self.expressions.givens = {v.name: self.input(v) for v in given}
        self.densities = Densities(self.expressions, streams_of(derived.model))

    def input(self, variable: model.Variable | model.Input, name: str | None = None, *, real: bool = False) -> Expr:
        """A row input for a variable; `real`: the continuous value behind a discrete one."""
        if variable.name in self.expressions.givens:
            return self.expressions.givens[variable.name]
        found = self.graph.fresh(name or variable.name)
        type_ = RowType(True, flat(variable.type.shape), "real" if real else kind_of(variable.type))
        self.inputs.append(nodes.Input(found, type_, span=variable.span))
        return self.graph.intern(nodes.InputRead(type_, found, span=variable.span))

    def scalar(self, name: str) -> Expr:
        """A runtime integer that the caller passes."""
        self.scalars.append(name)
        return self.graph.scalar(name, self.span)

    def program(
        self,
        outputs: Mapping[str, Expr],
        *,
        stored: Mapping[str, model.Type] | None = None,
        real: bool = False,
        once: bool = False,
    ) -> nodes.Program:
        """The finished program; `stored` outputs are written column by column; `real`: outputs keep their real values;
        `once`: it runs once in a training."""
        discrete = {} if real else {v.name: kind_of(v.type) for v in self.derived.model.variables}
        made = [
            self.output(name, value, kind=discrete.get(name.rstrip("'"), "real")) for name, value in outputs.items()
        ]
        for name, type_ in (stored or {}).items():
            made.append(nodes.Output(name, RowType(True, flat(type_.shape), kind_of(type_)), None, span=self.span))
        return dataclasses.replace(self.assembled(made), once=once)

    def output(self, name: str, value: Expr, *, kind: str = "real") -> nodes.Output:
        return nodes.Output(name, RowType(True, value.type.shape, kind, value.type.particles), value, span=value.span)

    def assembled(self, outputs: Sequence[nodes.Output], *, name: str = "", title: str = "") -> nodes.Program:
        """The program of these outputs, whose values are nodes of the graph; `name` and `title` for the draft's own."""
        values = tuple(output.value for output in outputs if output.value is not None)
        body, written = linearize(self.graph, values)
        places = iter(written)
        made = [o if o.value is None else dataclasses.replace(o, value=next(places)) for o in outputs]
        return nodes.Program(
            name or self.name,
            title or self.title,
            self._in_order(),
            tuple(self.scalars),
            self._parameters((*body, *made)),
            body,
            tuple(made),
            span=self.span,
        )

    def _in_order(self) -> tuple[nodes.Input, ...]:
        """The inputs, those for variables of the model in the order of their declaration."""
        places = {v.name: number for number, v in enumerate(self.derived.model.variables)}
        return tuple(sorted(self.inputs, key=lambda i: places.get(i.name, len(places))))

    def _parameters(self, trees: tuple[nodes.Statement | nodes.Output, ...]) -> tuple[nodes.ParameterUse, ...]:
        read = {n.path for tree in trees for n in walk(tree) if isinstance(n, nodes.ParameterRead)}
        return tuple(
            nodes.ParameterUse(p.path, p.storage_shape, p.support.name, span=p.span)
            for p in self.derived.model.parameters
            if p.path in read
        )
