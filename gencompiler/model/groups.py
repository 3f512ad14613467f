"""What `update p, q` means: the parameters that a joint, a function or a map reaches.

A joint reaches what its heads and equations mention, through functions, maps, densities, networks and derived
quantities; the pipelines of a model belong to `p`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from gencompiler.model import nodes
from gencompiler.node import Node, walk


def with_parameters(model: nodes.Model, instances: dict[str, tuple[str, ...]]) -> nodes.Model:
    """The model with `Phase.parameters` filled in; `instances` of each `def`, by its name in the spec."""
    trainings = []
    for training in model.trainings:
        phases = []
        for phase in training.objective.phases:
            own = {path for group in phase.update for path in parameters(model, group, instances.get(group, ()))}
            listed = tuple(p.path for p in model.parameters if p.path in own)
            extern = tuple(e.name for e in model.externals if e.name in own)
            phases.append(dataclasses.replace(phase, parameters=(*listed, *extern)))
        objective = dataclasses.replace(training.objective, phases=tuple(phases))
        trainings.append(dataclasses.replace(training, objective=objective))
    return dataclasses.replace(model, trainings=tuple(trainings))


def parameters(model: nodes.Model, group: str, instances: tuple[str, ...] = ()) -> frozenset[str]:
    """The paths of the parameters that a group reaches, and the names of its external networks."""
    if any(external.name == group for external in model.externals):
        return frozenset({group})
    return reached(model, _roots(model, group, instances))


def reached(model: nodes.Model, roots: Iterable[Node]) -> frozenset[str]:
    """The same for parts of a model."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(roots)
    parts = _parts(model)
    while waiting:
        for node in walk(waiting.pop()):
            if isinstance(node, nodes.ParameterReference):
                found.add(node.path)
            elif isinstance(node, nodes.NetworkOutput):
                found |= {p.path for p in model.parameters if p.path.startswith(f"{node.path}.")}
            elif isinstance(node, nodes.ExternalOutput):
                found.add(node.external)
            name = _mentioned(node)
            if name is not None and name not in seen:
                seen.add(name)
                waiting.extend(parts.get(name, ()))
    return frozenset(found)


def _roots(model: nodes.Model, group: str, instances: tuple[str, ...]) -> tuple[Node, ...]:
    """The equations of a joint, or the instances of a definition."""
    found: list[Node] = [c for c in model.conditionals if c.joint == group]
    found += [e for e in model.energies if e.joint == group]
    found += [t for t in model.terminals if t.joint == group]
    if group == "p":
        found += [*model.links, *model.deterministic]
    found += [f for f in model.functions if f.name == group or f.name in instances]
    found += [m for m in model.maps if m.definition == group]
    return tuple(found)


def _parts(model: nodes.Model) -> dict[str, tuple[Node, ...]]:
    """What a mention by name leads to."""
    found: dict[str, tuple[Node, ...]] = {f"function {f.name}": (f,) for f in model.functions}
    found |= {f"map {m.name}": (m,) for m in model.maps}
    found |= {f"sde {s.name}": (s,) for s in model.sdes}
    for quantity in model.quantities:
        key = f"quantity {quantity.name}"
        found[key] = (*found.get(key, ()), quantity.value)
    joints = {c.joint for c in model.conditionals} | {e.joint for e in model.energies}
    found |= {f"joint {j}": _roots(model, j, ()) for j in joints}
    return found


def _mentioned(node: Node) -> str | None:
    match node:
        case nodes.Call(function=name) | nodes.Gradient(function=name):
            return f"function {name}"
        case nodes.UseOde(function=name):
            return f"function {name}"
        case nodes.Reference(name=name):
            return f"quantity {name}"
        case nodes.UseMap(map=name):
            return f"map {name}"
        case nodes.Coefficient(sde=name):
            return f"sde {name}"
        case nodes.LogDensity(joint=name):
            return f"joint {name}"
    return None
