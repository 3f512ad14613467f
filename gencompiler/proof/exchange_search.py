"""The search for an order in which parts of the input can be exchanged for parts of the result.  Nothing here is
trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gencompiler.proof.blocks import NotFound
from gencompiler.proof.dependence import depends_beside
from gencompiler.proof.exchange_rules import Exchange, Step, Steps
from gencompiler.proof.graph import Malformed, Term, subterms
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.mixing_rules import mixed_blocks
from gencompiler.proof.vector_rules import Part, Places

#: A map is cut into at most this many parts, this many pivots are tried, and so many values on the way in each place.
LARGEST, BUDGET, MOVES = 6, 24, 3

Prover = Callable[[Term, Term], Proof]


def exchanges(input_: Term, body: Term, prover: Prover) -> Proof | None:
    """The proof of an elimination; None where none is found.

    `prover`: proves that a part is a bijection of a symbol, or raises NotFound."""
    for own, images in _partitions(input_, body):
        found = _Elimination(input_, body, own, images, prover).after((), ())
        if found is not None:
            return attempt("exchanged", (input_, body, own, images, found[0]), *found[1])
    return None


def _partitions(input_: Term, body: Term) -> Iterator[tuple[tuple[Places, ...], tuple[Places, ...]]]:
    """Ways to cut the input and the result into as many parts: as they are read and written, or into single places."""
    size = input_.shape[0]
    seen = []
    read = mixed_blocks(input_, body)
    if sorted(p for places in read for p in places) == list(range(size)):
        seen.append(read)
    singles = tuple((k,) for k in range(size))
    if size <= LARGEST and read != singles and any(len(p) == 1 for p in read):
        seen.append(singles)
    for own in seen:
        images = _written(body, own)
        if images is not None and 2 <= len(own) <= LARGEST:
            yield own, images


def _written(body: Term, own: tuple[Places, ...]) -> tuple[Places, ...] | None:
    """The places of the result that belong together: parts of a join, or pieces of the one size that is read."""
    sizes = sorted(len(p) for p in own)
    cuts = [p.shape[0] for p in body.arguments] if body.operation == "join" else []
    if sorted(cuts) != sizes:
        cuts = sizes
        if len(set(sizes)) > 1:
            return None
    found: list[Places] = []
    start = 0
    for extent in cuts:
        found.append(tuple(range(start, start + extent)))
        start += extent
    return tuple(found)


class _Elimination:
    """A search with a fixed number of attempts for pivots, depth first."""

    def __init__(
        self, input_: Term, body: Term, own: tuple[Places, ...], images: tuple[Places, ...], prover: Prover
    ) -> None:
        self.input, self.body, self.own, self.images, self.prover = input_, body, own, images, prover
        self.left = BUDGET

    def after(self, steps: Steps, proofs: tuple[Proof, ...]) -> tuple[Steps, tuple[Proof, ...]] | None:
        """The whole elimination that begins with these steps."""
        try:
            course = self._course(steps, proofs)
        except (Unproved, Malformed):
            return None
        if not course.parts:
            return steps, proofs
        moves = _moves(course) if len(steps) < 2 * len(self.own) else []
        clean, others = _pivots(course)
        for step in (*clean, *moves, *others):
            if self.left == 0:
                return None
            self.left -= 1
            try:
                proof = self.prover(course.symbols[step[0]], course.value(step))
            except (NotFound, Unproved, Malformed):
                continue
            if self._fits(step, proof, steps, proofs):
                found = self.after((*steps, step), (*proofs, proof))
                if found is not None:
                    return found
        return None

    def _course(self, steps: Steps, proofs: tuple[Proof, ...]) -> Exchange:
        """The map after the proven steps."""
        course = Exchange(self.input, self.body, self.own, self.images)
        for step, proof in zip(steps, proofs, strict=True):
            course.exchange(step, _map(proof))
        return course

    def _fits(self, step: Step, proof: Proof, steps: Steps, proofs: tuple[Proof, ...]) -> bool:
        """Whether a part of the result has the range of those before."""
        others = [p for s, p in zip(steps, proofs, strict=True) if not isinstance(s[1], Term)]
        return isinstance(step[1], Term) or not others or _map(proof).image == _map(others[0]).image


def _pivots(course: Exchange) -> tuple[list[Step], list[Step]]:
    """What may be exchanged: so that nothing else mentions what was given away, and so that something does."""
    ranked: list[tuple[int, int, int, Step]] = []
    for image, part in course.parts.items():
        others = [p for places, p in course.parts.items() if places != image]
        for own, unknown in course.symbols.items():
            if unknown in part.symbols and unknown.shape == part.shape:
                spread = sum(depends_beside(other, unknown, part) for other in others)
                ranked.append((spread, len(subterms(part)), len(ranked), (own, image)))
    ranked.sort()
    return [step for spread, *_, step in ranked if not spread], [step for spread, *_, step in ranked if spread]


def _moves(course: Exchange) -> list[Step]:
    """Values on the way through which alone the result depends on a part of the input, the outermost first."""
    parts = list(course.parts.values())
    found: list[Step] = []
    for own, unknown in course.symbols.items():
        inner = [
            t
            for t in reversed(subterms(*parts))
            if t.operation in ("apply", "choose") and t.shape == unknown.shape and unknown in t.symbols
        ]
        alone = [t for t in inner if t not in parts and not any(depends_beside(p, unknown, t) for p in parts)]
        found.extend((own, t) for t in alone[:MOVES])
    return found


def _map(proof: Proof) -> Part:
    found = proof.conclusion
    assert isinstance(found, Part)
    return found
