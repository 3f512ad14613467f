"""The search for a counterexample to a map's being one-to-one onto what it declares.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from gencompiler.checks.checking import Checking
from gencompiler.model import nodes
from gencompiler.proof import line_search, refute, vector_counterexamples
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import FAR, FAR_LOOK, Spent, limited
from gencompiler.proof.circles import is_circle
from gencompiler.proof.graph import subterms
from gencompiler.proof.kernel import Proof
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.scope import MapTerms


def refutation(checking: Checking, map_: nodes.Map, terms: MapTerms, failure: NotFound) -> Proof | None:
    """The first counterexample that a look finds; each look may take so many steps, and all of them together so many
    (`proof.budget`)."""
    with contextlib.suppress(Spent), limited(FAR):
        for look in _looks(checking, map_, terms, failure):
            with contextlib.suppress(Spent), limited(FAR_LOOK):
                found = look()
                if found is not None:
                    return found
    return None


def _looks(
    checking: Checking, map_: nodes.Map, terms: MapTerms, failure: NotFound
) -> Iterator[Callable[[], Proof | None]]:
    """Where counterexamples are looked for, in turn."""
    input_, body, requires = terms.input, terms.body, terms.requires
    support, search = map_.result.support, checking.search
    if is_circle(support):
        yield lambda: _refute_around(checking, map_, terms)
        return
    yield lambda: _refute_any(checking, map_, terms, failure)
    if not input_.shape or body.shape != input_.shape:
        return
    if not is_interval(support):
        yield lambda: vector_counterexamples.part_skips(input_, body, support)
    yield lambda: line_search.line_twice(input_, body, search, requires)
    yield lambda: vector_counterexamples.not_injective(input_, body, requires)
    if not requires:
        yield lambda: vector_counterexamples.singular(input_, body, search)
        yield lambda: vector_counterexamples.entry_twice(input_, body, search)
        yield lambda: vector_counterexamples.smaller_twice(input_, body, search)
        if support == nodes.REAL:
            yield lambda: vector_counterexamples.sphere_missed(input_, body, search)
        yield lambda: vector_counterexamples.corner_missed(input_, body, support, search)
        yield lambda: vector_counterexamples.part_not_onto(body, support, search)
        yield lambda: vector_counterexamples.always_in_order(body, support, search)
        yield lambda: refute.outside(body, support)
    yield lambda: vector_counterexamples.entry_missed(input_, body, support, requires, search)
    yield lambda: vector_counterexamples.shifted(input_, body, requires)
    yield lambda: vector_counterexamples.collision(input_, body, requires)
    yield lambda: vector_counterexamples.taken_again(input_, body, requires)


def _refute_around(checking: Checking, map_: nodes.Map, terms: MapTerms) -> Proof | None:
    """A map of angles that does not go around once, has one value twice, or none."""
    if not terms.requires and (found := refute.not_around(terms.input, terms.body, checking.search)) is not None:
        return found
    if terms.input.shape:
        along = line_search.line_twice(terms.input, terms.body, checking.search, terms.requires)
        return along or vector_counterexamples.not_injective(terms.input, terms.body, terms.requires)
    found = refute.not_injective(terms.input, terms.body, checking.search, None, terms.requires)
    return found or refute.outside_map(terms.input, terms.body, map_.result.support, terms.requires)


def _refute_any(checking: Checking, map_: nodes.Map, terms: MapTerms, failure: NotFound) -> Proof | None:
    declared = map_.result.support
    search, requires = checking.search, terms.requires
    if not requires and any(t.operation == "bin" for t in subterms(terms.body)):
        missed = refute.not_onto(terms.input, terms.body, declared, search) if failure.kind == "onto" else None
        missed = missed or refute.along_intervals(terms.input, terms.body, declared)
        return missed or refute.outside_map(terms.input, terms.body, declared)
    found: Proof | None = None
    if failure.kind != "onto":
        bound = any(s.data[0] == "bound" for s in failure.term.symbols)
        zero = failure.term if failure.kind == "vanishes" and not bound else None
        found = refute.not_injective(terms.input, terms.body, search, zero, requires)
    found = found or refute.outside_map(terms.input, terms.body, declared, requires)
    found = found or refute.not_onto(terms.input, terms.body, declared, search, requires)
    return found or (None if requires else refute.along_intervals(terms.input, terms.body, declared))
