"""The search for a line along which a map of a vector takes a value twice.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.proof import refute
from gencompiler.proof.binders import replaced
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.components import component, components
from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Malformed, Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.lazy import np
from gencompiler.proof.line_rules import along_line
from gencompiler.proof.numbers import Values
from gencompiler.proof.numeric import Array, values
from gencompiler.proof.refute_rules import admissible
from gencompiler.proof.samples import grid_of
from gencompiler.proof.solution_rules import output_names
from gencompiler.proof.vector_points import extreme, free_of, one_at_a_time
from gencompiler.proof.vector_refutations import Choice, values_of_symbols

if TYPE_CHECKING:
    from gencompiler.proof.search import Search

#: Maps of at most so many numbers, and how many finds are tried exactly.
LARGEST, TRIES = 16, 6


def line_twice(input_: Term, body: Term, search: Search, requires: tuple[Member, ...] = ()) -> Proof | None:
    """Values of everything but one element of the input for which one entry moves alone, and takes a value twice."""
    if len(input_.shape) != 1 or input_.shape[0] > LARGEST or body.shape != input_.shape:
        return None
    with contextlib.suppress(Unproved, Malformed):
        for chosen, point, place in itertools.islice(_folds(input_, body, requires), TRIES):
            with contextlib.suppress(NotFound, Unproved, Malformed):
                own, moving = along_line(input_, body, chosen, point, place)
                inner = refute.not_injective(own, moving, search)
                if inner is not None:
                    return attempt("line_twice", (input_, body, chosen, point, place), inner)
    return None


def _folds(input_: Term, body: Term, requires: tuple[Member, ...]) -> Iterator[tuple[tuple[Choice, ...], Values, int]]:
    """Lines along which one entry moves, up and down, as floating-point numbers tell."""
    free = free_of(input_, body, requires)
    names = output_names(tuple(free))
    entries = components(replaced(body, names))
    size = input_.shape[0]
    line = np.array(grid_of(input_, 96) or list(np.linspace(-3.1, 3.1, 193)))
    line = line[np.abs(line) < 1e3]
    every = one_at_a_time(free, extreme(free, requires))
    allowed = [c for c in every if holds_at(requires, values_of_symbols(c))]
    columns: dict[Term, Array] = {}
    for number, atom in enumerate(free):
        for k in range(math.prod(atom.shape)):
            column = [float(chosen[number][1][k]) for chosen in allowed]
            columns[component(names.get(atom, atom), k)] = np.array(column)[:, None]
    for start, place in itertools.product(_starts(input_), (0, size // 2, size - 1)):
        there = {**columns, **{component(input_, k): float(start) for k in range(size)}}
        there[component(input_, place)] = line
        found = [np.broadcast_to(values(e, there), (len(allowed), len(line))) for e in entries]
        for which in np.flatnonzero(_turning(np.stack(found))):
            yield allowed[which], (start,) * size, place


def _turning(found: Array) -> Array:
    """For which choices one entry moves, and does so in both directions: values by entry, choice and place."""
    moving = (found != found[..., :1]).any(-1)
    least = 1e-9 * (1 + np.minimum(np.abs(found[..., 1:]), 1e6))
    with np.errstate(invalid="ignore"):
        steps = np.diff(found)
        turns = (steps > least).any(-1) & (steps < -least).any(-1)
    return (moving.sum(0) == 1) & (moving & turns).any(0)


def _starts(input_: Term) -> list[Fraction]:
    return [c for c in (Fraction(0), Fraction(1), Fraction(-1)) if admissible(support_of(input_), c)] or [
        Fraction(1, 2)
    ]
