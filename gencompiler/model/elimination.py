"""The inverse of a Bayesian network as a graph: an order of the latent elements, and what each depends on.

Variables are eliminated from the moral graph, those without latent parents that are left first, and of these the one
that adds the fewest edges; what an eliminated one leaves as neighbours are its parents in the inverse (Webb, Goliński,
Zinkov, Siddharth, Rainforth, Teh & Wood, Faithful inversion of generative models for effective amortized inference,
NeurIPS 2018, algorithm 1).  An element that others determine is eliminated before these, and so drawn after them: it is
then what they make of it, in the inverse as in the model, and the inverse has no mass where the model has none.  Then
each parent is dropped that d-separation lets go, so that none is left which could be.

This only proposes: `checks.inverse_network` proves the result by other means.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

ElementT = TypeVar("ElementT", bound=Hashable)


def inverted(
    parents: Mapping[ElementT, frozenset[ElementT]], latent: Iterable[ElementT], determined: frozenset[ElementT]
) -> dict[ElementT, tuple[ElementT, ...]]:
    """The parents of each latent element in the inverse, in an order in which they can be drawn.

    `parents`: of every element, those of the generative graph; `determined`: elements that are functions of theirs."""
    places = {e: k for k, e in enumerate(parents)}
    found = _eliminated(parents, list(latent), determined)
    order = list(reversed(found))
    pruned: dict[ElementT, tuple[ElementT, ...]] = {}
    for element in order:
        kept = sorted(found[element], key=places.__getitem__)
        for parent in sorted(kept, key=lambda e: -_distance(parents, element, e)):
            rest = frozenset(kept) - {parent}
            if separated(parents, element, parent, rest, determined):
                kept.remove(parent)
        pruned[element] = tuple(kept)
    return pruned


def _eliminated(
    parents: Mapping[ElementT, frozenset[ElementT]], latent: list[ElementT], determined: frozenset[ElementT]
) -> dict[ElementT, frozenset[ElementT]]:
    """What each latent element is connected to when it is eliminated, in the order of elimination."""
    neighbours = moral(parents, frozenset(parents))
    left, found = list(latent), dict[ElementT, frozenset[ElementT]]()
    while left:
        functions = [e for e in left if e in determined]
        ready = [e for e in functions if not any(e in parents[other] for other in functions)]
        ready = ready or [e for e in left if not parents[e] & (set(left) - {e})]
        element = min(ready, key=lambda e: (_fill(neighbours, e), left.index(e)))
        around = neighbours.pop(element)
        found[element] = parents[element] if element in determined else frozenset(around)
        for each in around:
            neighbours[each] |= around - {each}
            neighbours[each].discard(element)
        left.remove(element)
    return found


def _fill(neighbours: Mapping[ElementT, set[ElementT]], element: ElementT) -> int:
    """How many edges eliminating an element adds."""
    around = neighbours[element]
    return sum(b not in neighbours[a] for a, b in itertools.combinations(around, 2))


def moral(parents: Mapping[ElementT, frozenset[ElementT]], keep: frozenset[ElementT]) -> dict[ElementT, set[ElementT]]:
    """The neighbours of each element of `keep`: its parents and children there, and those that share a child."""
    found: dict[ElementT, set[ElementT]] = {e: set() for e in parents if e in keep}
    for child in found:
        for a, b in itertools.combinations((child, *(parents[child] & keep)), 2):
            found[a].add(b)
            found[b].add(a)
    return found


def separated(
    parents: Mapping[ElementT, frozenset[ElementT]],
    one: ElementT,
    two: ElementT,
    known: frozenset[ElementT],
    determined: frozenset[ElementT],
) -> bool:
    """Whether what is known separates two elements: in the moral graph of all three and their ancestors, no path
    avoids it (Lauritzen, Dawid, Larsen & Leimer, Independence properties of directed Markov fields, Networks 1990).

    What `known` determines is known too."""
    fixed = set(known)
    while more := {e for e in determined - fixed if parents[e] <= fixed}:
        fixed |= more
    if {one, two} & (fixed - known):
        return True
    return any(_apart(parents, one, two, frozenset(each)) for each in (known, fixed))


def _apart(
    parents: Mapping[ElementT, frozenset[ElementT]], one: ElementT, two: ElementT, known: frozenset[ElementT]
) -> bool:
    keep = {one, two, *known}
    while more := frozenset().union(*(parents[e] for e in keep)) - keep:
        keep |= more
    neighbours = moral(parents, frozenset(keep))
    seen, waiting = {one}, [one]
    while waiting:
        for each in neighbours[waiting.pop()] - seen - known:
            seen.add(each)
            waiting.append(each)
    return two not in seen


def _distance(parents: Mapping[ElementT, frozenset[ElementT]], one: ElementT, two: ElementT) -> int:
    """How many edges lie between two elements, whatever their directions."""
    edges: dict[ElementT, set[ElementT]] = {e: set(own) for e, own in parents.items()}
    for child, own in parents.items():
        for parent in own:
            edges[parent].add(child)
    reached, frontier, steps = {one}, {one}, 0
    while frontier and two not in reached:
        frontier = set().union(*(edges[e] for e in frontier)) - reached
        reached |= frontier
        steps += 1
    return steps
