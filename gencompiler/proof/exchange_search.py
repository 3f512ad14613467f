"""The search for an order in which parts of the input can be exchanged for parts of the result.  Nothing here is
trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gencompiler.proof.blocks import NotFound
from gencompiler.proof.exchange_rules import Exchange, Steps
from gencompiler.proof.facts import Bijection, VectorBijection
from gencompiler.proof.graph import Malformed, Term, subterms
from gencompiler.proof.kernel import Proof, Unproved
from gencompiler.proof.mixing_rules import mixed_blocks
from gencompiler.proof.vector_rules import Places

#: A map is cut into at most this many parts, and this many of them are tried as pivots.
LARGEST, BUDGET = 6, 24

Prover = Callable[[Term, Term], Proof]


def exchanges(input_: Term, body: Term, prover: Prover) -> tuple[Steps, tuple[Proof, ...]] | None:
    """The steps of an elimination and the proof of each; None where none is found.

    `prover`: proves that a part is a bijection of a symbol, or raises NotFound."""
    for own, images in _partitions(input_, body):
        found = _Elimination(input_, body, own, images, prover).found()
        if found is not None:
            return found
    return None


def _partitions(input_: Term, body: Term) -> Iterator[tuple[list[Places], list[Places]]]:
    """Ways to cut the input and the result into as many parts: as they are read and written, or into single places."""
    size = input_.shape[0]
    seen = []
    read = list(mixed_blocks(input_, body))
    if sorted(p for places in read for p in places) == list(range(size)):
        seen.append(read)
    singles = [(k,) for k in range(size)]
    if size <= LARGEST and read != singles and any(len(p) == 1 for p in read):
        seen.append(singles)
    for own in seen:
        images = _written(body, own)
        if images is not None and 2 <= len(own) <= LARGEST:
            yield own, images


def _written(body: Term, own: list[Places]) -> list[Places] | None:
    """The places of the result that belong together: parts of a join, or pieces of the one size that is read."""
    sizes = sorted(len(p) for p in own)
    cuts = [p.shape[0] for p in body.arguments] if body.operation == "join" else []
    if sorted(cuts) != sizes:
        cuts = sizes
        if len(set(sizes)) > 1:
            return None
    found, start = [], 0
    for extent in cuts:
        found.append(tuple(range(start, start + extent)))
        start += extent
    return found


class _Elimination:
    """A search with a fixed number of attempts for pivots, depth first."""

    def __init__(self, input_: Term, body: Term, own: list[Places], images: list[Places], prover: Prover) -> None:
        self.input, self.body, self.own, self.images, self.prover = input_, body, own, images, prover
        self.left = BUDGET

    def found(self) -> tuple[Steps, tuple[Proof, ...]] | None:
        return self._from((), ())

    def _from(self, steps: Steps, proofs: tuple[Proof, ...]) -> tuple[Steps, tuple[Proof, ...]] | None:
        if len(steps) == len(self.own):
            return steps, proofs
        for step in self._candidates(steps, proofs):
            if self.left == 0:
                return None
            self.left -= 1
            try:
                course = self._course((*steps, step), proofs)
                proof = self.prover(course.unknowns[len(steps)], course.parts[len(steps)])
            except (NotFound, Unproved, Malformed):
                continue
            if proofs and _image(proof) != _image(proofs[0]):
                continue
            found = self._from((*steps, step), (*proofs, proof))
            if found is not None:
                return found
        return None

    def _course(self, steps: Steps, proofs: tuple[Proof, ...]) -> Exchange:
        """The map after the proven steps; the steps not chosen yet follow in any order."""
        own = [p for p in self.own if p not in [s[0] for s in steps]]
        images = [p for p in self.images if p not in [s[1] for s in steps]]
        pairs = sorted(own, key=len), sorted(images, key=len)
        course = Exchange(self.input, self.body, (*steps, *zip(*pairs, strict=True)))
        for k, proof in enumerate(proofs):
            assert isinstance(proof.conclusion, Bijection | VectorBijection)
            course.exchange(k, proof.conclusion)
        return course

    def _candidates(self, steps: Steps, proofs: tuple[Proof, ...]) -> list[tuple[Places, Places]]:
        """The pivots that are left, those first after which nothing else mentions what was given away."""
        try:
            course = self._course(steps, proofs)
        except (Unproved, Malformed):
            return []
        left = range(len(steps), len(course.steps))
        ranked = []
        for k in left:
            part = course.parts[k]
            others = [course.parts[j] for j in left if j != k]
            for j in left:
                unknown = course.unknowns[j]
                if unknown in part.symbols and unknown.shape == part.shape:
                    spread = sum(_mentions(other, unknown, part) for other in others)
                    ranked.append((spread, len(subterms(part)), len(ranked), (course.steps[j][0], course.steps[k][1])))
        return [step for *_, step in sorted(ranked)]


def _image(proof: Proof) -> object:
    assert isinstance(proof.conclusion, Bijection | VectorBijection)
    return proof.conclusion.image


def _mentions(term: Term, unknown: Term, known: Term) -> bool:
    """Whether a term depends on a symbol otherwise than through a known term."""
    stack, seen = [term], {known}
    while stack:
        current = stack.pop()
        if current is unknown:
            return True
        if current not in seen and unknown in current.symbols:
            seen.add(current)
            stack.extend(current.arguments)
    return False
