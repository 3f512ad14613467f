"""What data say of latent variables, and what an objective means by `x` where it is given what moves one.

`x = w |> F` makes w known from x, and by `w = z |> G` z from w: undone, or dequantized, the pipelines give the value of
w that a row of the data has.  So `w ~ data` is a draw from the data as much as `x ~ data`.

An objective that is written for every model says x for all observed variables and z for the latent ones.  Given an SDE,
its x is what the SDE moves; given the field of `x = z |> ode(v)`, its x and z are the ends of that equation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.mentioned import starts
from gencompiler.node import walk

if TYPE_CHECKING:
    from gencompiler.model.builder import Builder


def from_data(
    variables: Mapping[str, nodes.Variable],
    links: Iterable[nodes.Link],
    surjections: Mapping[str, nodes.Surjection],
) -> dict[str, nodes.Link]:
    """The latent variables that the data give, in the order in which they do, each with the pipeline that gives it.

    A level's rest is a variable of its own, of which the data say nothing."""
    found: dict[str, nodes.Link] = {}
    known = {name for name, v in variables.items() if v.role == "observed"}
    left = [link for link in links if not any(surjections[s].rest for s in _quantizations(link))]
    while usable := [link for link in left if len(_ends(link) & known) == 1]:
        for link in usable:
            for name in _ends(link) - known:
                found[name] = link
        known |= found.keys()
        left = [link for link in left if link not in usable]
    return found


def _quantizations(link: nodes.Link) -> list[str]:
    return [n.surjection for n in walk(link) if isinstance(n, nodes.UseSurjection)]


def _ends(link: nodes.Link) -> set[str]:
    return {link.target, *(part.name for part in starts(link))}


@dataclasses.dataclass(frozen=True)
class Moving:
    """What the definitions that an objective is given move: `x` and, where an ODE ends them, `z`."""

    x: nodes.Variable
    z: nodes.Variable | None


def moved(
    builder: Builder,
    given: Iterable[str],
    variables: Mapping[str, nodes.Variable],
    links: Iterable[nodes.Link],
    objective: str,
    at: Span,
) -> Moving | None:
    """What the definitions of an objective's arguments move; None where none of them moves anything."""
    links, names = tuple(links), tuple(given)
    fields = {
        stage.function: (link, stage) for link in links for stage in walk(link) if isinstance(stage, nodes.UseOde)
    }
    for name in names:
        sde = builder.sdes.get(name)
        if sde is not None and len(sde.equations) == 1:
            for function in (f for f, of in builder.carriers.items() if of == name and f in fields):
                _is_alone(builder, *fields[function], name, objective, at)
            return Moving(variables[sde.state.name], None)
    for name in names:
        for function in builder.instances().get(name, ()):
            if function in fields:
                link, stage = fields[function]
                source = _is_alone(builder, link, stage, name, objective, at)
                return Moving(variables[link.target], variables[source])
    return None


def _is_alone(builder: Builder, link: nodes.Link, stage: nodes.UseOde, name: str, objective: str, at: Span) -> str:
    """The variable that an equation between two variables starts from; what it ends in must have a name too."""
    whole = link.stages == (stage,) and isinstance(link.source, nodes.Reference)
    sde = builder.sdes.get(builder.carriers.get(stage.function, ""))
    if not whole or (sde is not None and sde.state.name != link.target):
        message = f"`{objective}` learns where `{name}` leads, and the value there has no name in this pipeline"
        also = (Label(stage.span, f"one of the stages between `{_source(link)}` and `{link.target}`"),)
        help_ = (f"name it: `latent w : Real[D]`, an equation for `w` that ends here, and `{link.target} = w |> …`",)
        builder.report("G701", message, at, "trained on other values than it moves", also=also, help=help_)
    assert isinstance(link.source, nodes.Reference)
    return link.source.name


def _source(link: nodes.Link) -> str:
    """The name of a pipeline's source."""
    return link.source.name if isinstance(link.source, nodes.Reference) else "its source"
