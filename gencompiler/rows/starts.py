"""Initial values that data give: what each is a mean of, row by row, and the values that follow from the means.

| program | inputs | outputs |
|---|---|---|
| start_means | a row of data | for each mean what it is of, in iteration `layer_0`, … of the repetitions around |
| start_values | the means, as one row | for each parameter its value in that iteration |

`runtime.starts` runs both for each parameter in turn, in the order of `model.starts`: what data reach first has its
values when what follows it is looked at.
"""

from __future__ import annotations

from gencompiler.derive import queries
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.model.starts import passed_by_data
from gencompiler.node import walk
from gencompiler.rows import nodes
from gencompiler.rows.equations import ends_of, flow_to
from gencompiler.rows.expressions import NotLowered, Passed, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Pipeline, inside_map, opened
from gencompiler.rows.places import flat
from gencompiler.rows.programs import Draft


def programs(derived: Derived) -> list[nodes.Program]:
    """`start_means` and `start_values`, where data give initial values."""
    return [_means(derived), _values(derived)] if derived.model.starts else []


def _layers(draft: Draft) -> tuple[Expr, ...]:
    """The numbers of the iterations that are asked about, of as many repetitions as are within one another."""
    model_ = draft.derived.model
    paths = {start.path for start in model_.starts}
    depth = max(len(p.iterations) for p in model_.parameters if p.path in paths)
    return tuple(draft.scalar(f"layer_{number}") for number in range(depth))


def _means(derived: Derived) -> nodes.Program:
    own = derived.model
    draft = Draft(derived, "start_means", "what initial values are means of, for each row of data")
    observed = {v.name for v in own.variables if v.role == "observed"}
    data = Scope({v.name: draft.input(v) for v in own.variables if v.name in observed})
    layers = _layers(draft)
    found: dict[str, Expr] = {}
    for start in (s for s in own.starts if not s.map):
        found |= {mean.name: draft.expressions.lower(mean.body, data) for mean in start.means}
    equations = draft.densities.equations
    waiting = {start.map for start in own.starts if start.map}
    for link, arriving in passed_by_data(own):
        if not waiting:
            break
        used = {stage.map for stage in walk(link) if isinstance(stage, model.UseMap)}
        starts = tuple(s for s in own.starts if s.map in used)
        if starts and queries.link_conditions(own, link) - observed:
            raise NotLowered(starts[0], "an initial value from data behind a map that reads latent variables")
        flow = flow_to(link, arriving)
        probe = Probe(draft, ends_of(link), starts, layers)
        run = probe.backward if flow.generates else probe.forward
        passed = run(link.stages, Passed(data.names[arriving], draft.zero), data)
        data = data.bind(equations.parted(flow, passed.value))
        found |= probe.found
        waiting -= used
    ordered = [mean.name for start in own.starts for mean in start.means]
    return draft.program({name: found[name] for name in ordered}, real=True, once=True)


class Probe(Pipeline):
    """A pipeline that data pass through, which keeps what the means of its maps are of: in the iteration `layers`."""

    def __init__(
        self, draft: Draft, names: tuple[str, str], starts: tuple[model.Start, ...], layers: tuple[Expr, ...]
    ) -> None:
        super().__init__(draft.expressions, names, draft.densities.factors.streams)
        self.layers = layers
        self.means = {s.map: tuple(m for t in starts if t.map == s.map for m in t.means) for s in starts}
        self.found = {m.name: self._nothing(m, self.maps[name]) for name, own in self.means.items() for m in own}

    def _nothing(self, mean: model.Mean, map_: model.Map) -> Expr:
        zero, shape = self.graph.number(0, mean.span), flat((*map_.lift, *mean.body.type.shape))
        return self.graph.broadcast(zero, shape[0], mean.span) if shape else zero

    def through(self, stage: model.Stage, at: Passed, scope: Scope, *, backwards: bool) -> Passed:
        assert isinstance(stage, model.UseMap)
        for mean in self.means.get(stage.map, ()):
            inside = inside_map(self.maps[stage.map], scope, mean.passing, at.value)
            value = self.expressions.lower(mean.body, inside)
            for number, layer in zip(scope.iteration, self.layers, strict=False):
                here = self.graph.elementwise("equal", number, layer, span=mean.span)
                value = self.graph.select(here, value, self.found[mean.name], mean.span)
            self.found[mean.name] = value
        return super().through(stage, at, scope, backwards=backwards)

    def _loop(self, stage: model.Repeat, at: Passed, scope: Scope, depth: int, *, reverse: bool) -> Passed:
        used = {part.map for part in walk(stage) if isinstance(part, model.UseMap)}
        names = [mean.name for name in self.means if name in used for mean in self.means[name]]
        carried = {self.source_name if reverse else self.target_name: at.value}
        carried |= {name: self.found[name] for name in names}
        plan, inside = opened(self.graph, stage, carried, scope, depth, reverse=reverse)
        self.found |= dict(zip(names, plan.inside[1:], strict=True))
        run = self.backward if reverse else self.forward
        result = run(stage.stages, Passed(plan.inside[0], at.log_det), inside, depth + 1)
        value, *found = self.graph.close(plan, (result.value, *(self.found[name] for name in names)))
        self.found |= dict(zip(names, found, strict=True))
        return Passed(value, at.log_det)


def _values(derived: Derived) -> nodes.Program:
    own = derived.model
    draft = Draft(derived, "start_values", "initial values of parameters, from the means that they are made of")
    lifts = {m.name: m.lift for m in own.maps}
    names: dict[str, Expr] = {}
    for start in own.starts:
        for mean in start.means:
            type_ = model.Type(model.REAL, (*lifts.get(start.map, ()), *mean.body.type.shape))
            names[mean.name] = draft.input(model.Input(mean.name, type_, span=mean.span))
    layers = _layers(draft)
    parameters = {p.path: p for p in own.parameters}
    found: dict[str, Expr] = {}
    for number, start in enumerate(own.starts):
        parameter = parameters[start.path]
        scope = Scope(names, iteration=layers[: len(parameter.iterations)], lifted=bool(parameter.lift))
        value = draft.expressions.lower(start.value, scope)
        (size,) = flat((*parameter.lift, *parameter.shape)) or (0,)
        if size and not value.type.shape:
            value = draft.graph.broadcast(value, size, start.span)
        found[f"start_{number}"] = value
    return draft.program(found, real=True, once=True)
