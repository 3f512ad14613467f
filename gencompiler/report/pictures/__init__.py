"""The pictures of a report: for each mechanism, what its community looks at.

A row of `MECHANISMS` says in which section of the page pictures stand, how their data is gathered from a model (None
where it has nothing of the kind), and how it is drawn.  What a model has (programs, fields, data) decides, never what
it is called.  To add a picture, add a row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from gencompiler.report.pictures import classes, diffusions, flows, grids, latents, modes, phase
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing

__all__ = ["MECHANISMS", "SECTIONS", "Gathered", "Subject", "draw", "gather"]


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """Pictures of one kind: the page's section, `gather(subject)` and `draw(data)`."""

    section: str
    gather: Callable[[Subject], Any]
    draw: Callable[[Any], Sequence[Drawing]]


#: In the order of the page.
MECHANISMS = (
    Mechanism("samples", modes.gather, modes.draw),
    Mechanism("samples", classes.gather, classes.draw),
    Mechanism("latents", latents.means, latents.draw_means),
    Mechanism("latents", latents.pairs, latents.draw_pairs),
    Mechanism("latents", latents.plane, latents.draw_plane),
    Mechanism("latents", latents.cloud, latents.draw_cloud),
    Mechanism("latents", latents.ways, latents.draw_ways),
    Mechanism("latents", flows.carried, flows.draw),
    Mechanism("latents", flows.ways, latents.draw_ways),
    Mechanism("diffusion", diffusions.gather, diffusions.draw),
    Mechanism("diffusion", grids.gather, grids.draw),
    Mechanism("diffusion", phase.gather, phase.draw),
)


#: Sections of the page that these pictures make up, in its order.
SECTIONS = tuple(dict.fromkeys(each.section for each in MECHANISMS))


@dataclasses.dataclass(frozen=True)
class Gathered:
    """Data of some pictures, and the row of `MECHANISMS` that draws it."""

    mechanism: Mechanism
    data: Any


def gather(subject: Subject) -> tuple[Gathered, ...]:
    """The data of every picture that the model has beside samples, chains and training."""
    found = [(each, each.gather(subject)) for each in MECHANISMS]
    return tuple(Gathered(each, data) for each, data in found if data is not None)


def draw(gathered: Sequence[Gathered], section: str) -> list[Drawing]:
    """The pictures of one section."""
    chosen = [each for each in gathered if each.mechanism.section == section]
    return [drawing for each in chosen for drawing in each.mechanism.draw(each.data)]
