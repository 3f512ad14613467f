"""A program under construction, copied: what is derived from one writes into its graph, and building takes long.

A copy shares the expressions, which never change, and has tables and loops of its own.  What the inverse of an
iteration comes to is written by the pipeline that made the loop, into the graph in which it was made: it is asked for
once, there, before copies are made.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import TypeVar

from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.programs import Draft

ValueT = TypeVar("ValueT", Draft, Graph)

#: A program under construction and what it computes, by name.
Build = Callable[[], tuple[Draft, dict[str, Expr]]]


class Copies:
    """Copies of what `build` builds, which is built when the first is asked for."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._plain: tuple[Draft, dict[str, Expr]] | None = None
        self._inverted: Draft | None = None

    def plain(self) -> tuple[Draft, dict[str, Expr]]:
        """A copy in which inverses are not known."""
        draft, outputs = self._built()
        return _copied(draft), dict(outputs)

    def inverted(self) -> tuple[Draft, dict[str, Expr]]:
        """A copy whose loops have their inverses as expressions."""
        original, outputs = self._built()
        if self._inverted is None:
            self._plain = _copied(original), outputs  # the original is what pipelines write into
            for plan in original.graph.plans:
                found = {place: made() for place, made in (plan.inverse or {}).items()}
                plan.inverse = {place: _made(known) for place, known in found.items()}
            self._inverted = original
        return _copied(self._inverted), dict(outputs)

    def _built(self) -> tuple[Draft, dict[str, Expr]]:
        if self._plain is None:
            self._plain = self._build()
        return self._plain


def _copied(draft: Draft) -> Draft:
    """`draft` with a graph and lists of its own; what lowers expressions still writes into the original's graph."""
    twin = _shallow(draft)
    twin.graph = _with_own_loops(_shallow(draft.graph))
    return twin


def _made(known: tuple[Expr, Expr]) -> Callable[[], tuple[Expr, Expr]]:
    return lambda: known


def _with_own_loops(graph: Graph) -> Graph:
    own: dict[int, LoopPlan] = {id(plan): dataclasses.replace(plan, stores=list(plan.stores)) for plan in graph.plans}
    graph.plans = [own[id(plan)] for plan in graph.plans]
    graph.produced_by = {key: own[id(plan)] for key, plan in graph.produced_by.items()}
    return graph


def _shallow(value: ValueT) -> ValueT:
    twin = copy.copy(value)
    tables = {name: copy.copy(each) for name, each in vars(value).items() if isinstance(each, dict | list | set)}
    vars(twin).update(tables)
    return twin
