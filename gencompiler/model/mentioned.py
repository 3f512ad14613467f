"""What pipelines mention through the maps that they use, and make beside their target."""

from __future__ import annotations

from gencompiler.model import nodes
from gencompiler.node import Node, walk


def read_by_maps(model: nodes.Model, tree: Node) -> tuple[nodes.Reference, ...]:
    """What the maps that `tree` uses mention, besides their inputs and local names."""
    bodies = {m.name: m for m in model.maps}
    found: list[nodes.Reference] = []
    for name in dict.fromkeys(n.map for n in walk(tree) if isinstance(n, nodes.UseMap)):
        own = bodies[name]
        local = {own.input.name}
        for part in walk(own.body):
            if isinstance(part, nodes.Binding):
                local.add(part.name)
            elif isinstance(part, nodes.Each):
                local.add(part.index)
            elif isinstance(part, nodes.Recur):
                local |= {part.index, part.name}
        found += [n for n in walk(own.body) if isinstance(n, nodes.Reference) and n.name not in local]
    return tuple(found)


def starts(link: nodes.Link) -> tuple[nodes.Reference, ...]:
    """The variables that a pipeline starts from, in the order in which they are joined."""
    parts = link.source.parts if isinstance(link.source, nodes.Join) else (link.source,)
    return tuple(part for part in parts if isinstance(part, nodes.Reference))


def rests(model: nodes.Model, link: nodes.Link) -> tuple[str, ...]:
    """The variables that a pipeline makes beside its target: what its quantizations leave."""
    surjections = {s.name: s for s in model.surjections}
    used = [surjections[stage.surjection] for stage in link.stages if isinstance(stage, nodes.UseSurjection)]
    return tuple(s.rest for s in used if s.rest)
