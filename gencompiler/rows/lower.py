"""Lowering: a checked model in, its row programs out, by what the model has (a pipeline, conditionals, an energy).

| the model has | programs |
|---|---|
| conditionals of its observed variable | log_prob, sample |
| a base and a pipeline to the observed variable | log_prob, sample, forward, inverse |
| an energy | energy; for the transition that samples it: start, chain, log_proposal, log_ratio |

Each loop comes from a mechanism: layers from `repeat`, dimensions from an indexed head, steps from a transition.
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.rows import chains, nodes
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Passed, Pipeline
from gencompiler.rows.programs import Draft, streams_of


def lower(derived: Derived) -> dict[str, nodes.Program]:
    """Every row program of the model, by name; raises `expressions.NotLowered`."""
    programs: list[nodes.Program] = []
    if derived.model.links:
        programs += _flow(derived, derived.model.links[0])
    elif derived.model.conditionals:
        programs += _factorization(derived)
    programs += [chains.energy(derived, e) for e in derived.model.energies]
    move = chains.sampling_transition(derived.model)
    if move is not None:
        programs += chains.transition(derived, move)
    return {p.name: p for p in programs}


# -- factorizations --------------------------------------------------------------------------------------------------


def _factorization(derived: Derived) -> list[nodes.Program]:
    draft = Draft(derived, "log_prob", "log p({x}) of each row")
    factors = Factors(draft.expressions, streams_of(derived.model))
    values = {v.name: draft.input(v) for v in derived.model.variables}
    total = factors.log_prob(values, draft.zero)
    log_prob = draft.program({"log_prob": total})
    draft = Draft(derived, "sample", "exact samples of {x}, drawn in the order of the factorization")
    factors = Factors(draft.expressions, streams_of(derived.model))
    sampled, stored = factors.sample()
    return [log_prob, draft.program(sampled, stored=stored)]


# -- pipelines -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Flow:
    """A pipeline between a variable with a density (`base`) and the observed one; `generates`: written base to
    observed."""

    link: model.Link
    base: model.Variable
    observed: model.Variable
    generates: bool

    def smooth(self) -> _Flow:
        """The pipeline without the quantization that ends it: what `forward` and `inverse` speak of."""
        stages = self.link.stages
        while stages and isinstance(stages[-1], model.UseSurjection):
            stages = stages[:-1]
        return dataclasses.replace(self, link=dataclasses.replace(self.link, stages=stages))


def _flow(derived: Derived, link: model.Link) -> list[nodes.Program]:
    variables = {v.name: v for v in derived.model.variables}
    assert isinstance(link.source, model.Reference)
    source, target = variables[link.source.name], variables[link.target]
    generates = target.role == "observed"
    flow = _Flow(link, source if generates else target, target if generates else source, generates)
    return [
        _flow_log_prob(derived, flow),
        _flow_sample(derived, flow),
        _flow_forward(derived, flow),
        _flow_inverse(derived, flow),
    ]


def _pipeline(draft: Draft, flow: _Flow) -> Pipeline:
    names = (flow.link.source.name if isinstance(flow.link.source, model.Reference) else "z", flow.link.target)
    return Pipeline(draft.expressions, names, streams_of(draft.derived.model))


def _to_base(draft: Draft, flow: _Flow, x: Expr) -> tuple[Expr, Expr]:
    """The base value of data, and log|d base / d data|."""
    pipeline, start = _pipeline(draft, flow), Passed(x, draft.zero)
    if flow.generates:
        passed = pipeline.backward(flow.link.stages, start, Scope({}))
        return passed.value, draft.graph.elementwise("negate", passed.log_det, span=flow.link.span)
    passed = pipeline.forward(flow.link.stages, start, Scope({}))
    return passed.value, passed.log_det


def _to_data(draft: Draft, flow: _Flow, z: Expr) -> tuple[Expr, Expr]:
    """The data of a base value, and log|d data / d base|."""
    pipeline, start = _pipeline(draft, flow), Passed(z, draft.zero)
    if flow.generates:
        passed = pipeline.forward(flow.link.stages, start, Scope({}))
        return passed.value, passed.log_det
    passed = pipeline.backward(flow.link.stages, start, Scope({}))
    return passed.value, draft.graph.elementwise("negate", passed.log_det, span=flow.link.span)


def _flow_log_prob(derived: Derived, flow: _Flow) -> nodes.Program:
    exact = not derived.model.surjections
    title = (
        "log p({x}) of each row" if exact else "a one-sample bound of log p({x}) of each row: uniform dequantization"
    )
    draft = Draft(derived, "log_prob", title)
    z, log_det = _to_base(draft, flow, draft.input(flow.observed))
    factors = Factors(draft.expressions, streams_of(derived.model))
    base = factors.log_prob({flow.base.name: draft.graph.name(z, flow.base.name)}, draft.zero)
    return draft.program({"log_prob": draft.graph.elementwise("add", base, log_det, span=flow.link.span)})


def _flow_sample(derived: Derived, flow: _Flow) -> nodes.Program:
    draft = Draft(derived, "sample", "exact samples of {x}")
    factors = Factors(draft.expressions, streams_of(derived.model))
    drawn, _ = factors.sample()
    x, _ = _to_data(draft, flow, drawn[flow.base.name])
    return draft.program({flow.observed.name: x})


def _flow_forward(derived: Derived, flow: _Flow) -> nodes.Program:
    draft = Draft(derived, "forward", f"latent {flow.base.name} to {_data(flow)}, and log|det| of that map")
    x, log_det = _to_data(draft, flow.smooth(), draft.input(flow.base))
    return draft.program({flow.observed.name: x, "log_abs_det": log_det}, real=True)


def _flow_inverse(derived: Derived, flow: _Flow) -> nodes.Program:
    draft = Draft(derived, "inverse", f"{_data(flow)} to latent {flow.base.name}, and log|det| of that map")
    z, log_det = _to_base(draft, flow.smooth(), draft.input(flow.observed, real=True))
    return draft.program({flow.base.name: z, "log_abs_det": log_det}, real=True)


def _data(flow: _Flow) -> str:
    """What `forward` gives, in words."""
    return "data {x}" if flow.smooth() == flow else "the value in [0, 1) that quantization turns into {x}"
