"""Which variables pipelines determine: of the two ends of `x = z |> F` either gives the other, so one of them is free.

What is observed is not sought; of two latent ends, the target is the one to know, which the rest of the model reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gencompiler.model import nodes
from gencompiler.node import walk


def determined(links: Iterable[nodes.Link], latent: Collection[str]) -> frozenset[str]:
    """The latent variables that a pipeline gives once the others are known."""
    found: set[str] = set()
    for link in links:
        sources = {n.name for n in walk(link.source) if isinstance(n, nodes.Reference)} & set(latent)
        found |= sources or {link.target} & set(latent)
    return frozenset(found)


def free_latents(model: nodes.Model) -> tuple[nodes.Variable, ...]:
    """The latent variables that no pipeline determines, in the order of the spec."""
    latent = [v for v in model.variables if v.role == "latent"]
    gone = determined(model.links, {v.name for v in latent})
    return tuple(v for v in latent if v.name not in gone)
