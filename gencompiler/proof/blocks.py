"""The block structure of a vector map: which part of the result transforms which part of the input, in what order.

Found by looking, and not trusted: the rule `blocks` takes what is found here as a witness and checks it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.proof.binders import replaced
from gencompiler.proof.graph import Term, bound_index, select, subterms

Places = tuple[int, ...]


@dataclasses.dataclass
class NotFound(Exception):
    """No proof was found.  `term` is the smallest term to blame, `within` the step that needed it; `kind` says why:

    "range" (a range is not known), "vanishes" (a factor may be 0), "reused" (the input occurs more than once), "form"
    (no rule fits), "cycle" (parts depend on each other), "mixed" (a determinant may be 0), "onto" (the range is not the
    declared one)."""

    kind: str
    term: Term
    reason: str
    within: Term | None = None

    def __str__(self) -> str:
        return self.reason

    def moved(self, values: Mapping[Term, Term]) -> NotFound:
        """The same, with symbols replaced in the terms to blame."""
        within = None if self.within is None else replaced(self.within, values)
        return NotFound(self.kind, replaced(self.term, values), self.reason, within)


def diagonal(input_: Term, body: Term) -> tuple[Places, ...]:
    """The places of the input that each part of the result transforms: one selection for each part, all disjoint."""
    parts = body.arguments if body.operation == "join" else (body,)
    if body.shape != input_.shape:
        raise NotFound("form", body, f"the result has the shape {list(body.shape)}, the input {list(input_.shape)}")
    candidates = [_selections(input_, p) for p in parts]
    for part, found in zip(parts, candidates, strict=True):
        if not found:
            raise NotFound("form", part, f"{part} is no function, place by place, of a part of {input_}")
    chosen = _disjoint(candidates)
    if chosen is None:
        raise NotFound("reused", body, f"two parts of the result transform the same part of {input_}")
    return chosen


def _selections(input_: Term, part: Term) -> list[Places]:
    """The selections of the input, of the part's own shape, that stand where an elementwise function meets them."""
    found: dict[tuple[int, ...], None] = {}
    stack = [part]
    seen: set[Term] = set()
    while stack:
        term = stack.pop()
        if term in seen:
            continue
        seen.add(term)
        if term is input_:
            found[tuple(range(input_.shape[0]))] = None
        elif term.operation == "select" and term.arguments[0] is input_:
            found[term.data] = None
        elif term.operation in ("apply", "choose", "contract"):
            stack.extend(reversed([a for a in term.arguments if a.shape == part.shape]))
        elif term.operation == "each":
            found.update(dict.fromkeys(_entries(input_, term)))
    return [places for places in found if len(set(places)) == len(places) == part.shape[0]]


def _entries(input_: Term, part: Term) -> list[tuple[int, ...]]:
    """The selections of the input of which `for i: e` takes entry i."""
    index = bound_index(*part.data)
    taken = [
        t.arguments[0] for t in subterms(part.arguments[0]) if t.operation == "element" and t.arguments[1:] == (index,)
    ]
    whole = tuple(range(input_.shape[0]))
    return [
        whole if base is input_ else base.data
        for base in taken
        if base is input_ or (base.operation == "select" and base.arguments[0] is input_)
    ]


def _disjoint(candidates: list[list[Places]]) -> tuple[Places, ...] | None:
    """One candidate for each part, all disjoint; the last one mentioned first, since a coupling shifts by what it
    kept."""

    def choose(k: int, taken: frozenset[int]) -> tuple[Places, ...] | None:
        if k == len(candidates):
            return ()
        for places in candidates[k]:
            if not taken & set(places):
                rest = choose(k + 1, taken | set(places))
                if rest is not None:
                    return (places, *rest)
        return None

    return choose(0, frozenset())


def solving_order(
    symbols: tuple[Term, ...], parts: tuple[Term, ...], places: tuple[Places, ...], input_: Term
) -> tuple[int, ...]:
    """An order in which the blocks can be solved; raises NotFound naming a cycle."""
    needs = [{j for j, s in enumerate(symbols) if s in _needed(part, symbols[k])} for k, part in enumerate(parts)]
    order: list[int] = []
    while len(order) < len(parts):
        ready = [k for k in range(len(parts)) if k not in order and needs[k] <= set(order)]
        if not ready:
            stuck = [k for k in range(len(parts)) if k not in order]
            raise NotFound("cycle", parts[stuck[0]], _cycle(needs, stuck, places, input_))
        order.extend(ready)
    return tuple(order)


def _needed(part: Term, own: Term) -> frozenset[Term]:
    """What must be known to undo a part: every other block, and its own where it feeds a network or the like.

    What a linear map or a `for` does with its own block is looked at when that block is undone."""
    inner: set[Term] = set()
    stack = [part]
    seen: set[Term] = set()
    while stack:
        term = stack.pop()
        if term in seen:
            continue
        seen.add(term)
        if term.operation in ("apply", "choose"):
            stack.extend(term.arguments)
        elif term.operation in ("each", "contract", "join", "select") and term.shape == own.shape:
            inner |= term.symbols - {own}
        elif term is not own:
            inner |= term.symbols
    return frozenset(inner)


def _cycle(needs: list[set[int]], stuck: list[int], places: tuple[Places, ...], input_: Term) -> str:
    path = [stuck[0]]
    while len(set(path)) == len(path):
        path.append(min(j for j in needs[path[-1]] if j in stuck))
    path = path[path.index(path[-1]) :]
    names = [str(select(input_, places[k])) for k in path]
    if len(names) == 2 and set(places[path[0]]) == set(range(input_.shape[0])):
        return f"every entry of the result depends on all of {input_}, in a form that no rule is about"
    return "the transformed half feeds its own conditioner: " + " needs ".join(names)
