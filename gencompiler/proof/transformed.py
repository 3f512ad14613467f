"""Following every element of a tensor through a pipeline: what do its maps do to it?"""

from __future__ import annotations

import dataclasses
import enum
import math

from gencompiler.model.nodes import Support
from gencompiler.proof.blocks import NotFound, diagonal
from gencompiler.proof.graph import Shape, Term, select, subterms
from gencompiler.proof.stages import (
    MapStage,
    PartsStage,
    RearrangeStage,
    RepeatStage,
    StageData,
    UndoneStage,
    flows_in,
)

Maps = tuple[tuple[Term, Term, Support], ...]


class Effect(enum.IntEnum):
    """What a map does to one place: passes it on, shifts it by something, or changes its scale or shape."""

    KEPT = 0
    SHIFTED = 1
    TRANSFORMED = 2


def move(input_: Term, body: Term) -> list[tuple[int, Effect]]:
    """For each place of a vector map's result: the place of the input it comes from, and the effect on it."""
    try:
        blocks = diagonal(input_, body)
    except NotFound:
        return [(place, Effect.TRANSFORMED) for place in range(input_.shape[0])]
    parts = body.arguments if body.operation == "join" else (body,)
    found: list[tuple[int, Effect]] = []
    for part, places in zip(parts, blocks, strict=True):
        effect = _effect(select(input_, places), part)
        found.extend((place, effect) for place in places)
    return found


def _effect(own: Term, part: Term) -> Effect:
    """What an elementwise part does to the selection `own` of the input."""
    if part is own:
        return Effect.KEPT
    inside = [a for a in part.arguments if _mentions(own, a)] if part.operation == "apply" else []
    if part.operation != "apply" or part.data not in ("add", "subtract") or len(inside) != 1:
        return Effect.TRANSFORMED
    return max(_effect(own, inside[0]), Effect.SHIFTED)


def _mentions(own: Term, term: Term) -> bool:
    return own in subterms(term)


def is_coupling(input_: Term, body: Term) -> bool:
    """Whether some places of the input change others: a vector map that is not elementwise up to a permutation."""
    if not input_.shape:
        return False
    effects = {effect for _, effect in move(input_, body)}
    return len(effects) > 1 if Effect.KEPT in effects else _mixes(input_, body)


def _mixes(input_: Term, body: Term) -> bool:
    """Whether places of the result depend on several places of the input: by a matrix, a network, the past."""
    own = [t for t in subterms(body) if input_ in t.symbols]
    past = any(t.operation == "element" and any(p.operation == "before" for p in t.arguments[1:]) for t in own)
    return past or any(t.operation in ("contract", "reduce", "network") for t in own)


@dataclasses.dataclass
class _Elements:
    """Where the elements of a value come from, in row-major order, and the shape they are in."""

    shape: Shape
    origin: list[int]


class _Follower:
    """Follows every element of the input through the stages of a pipeline.

    `coupled` and `learned`: the strongest effect of couplings, and of all learned maps, on each element."""

    def __init__(self, shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> None:
        used = _used(stages)
        self.moves = [move(i, b) if i.shape and k in used else None for k, (i, b, _) in enumerate(maps)]
        self.coupling = [k in used and is_coupling(i, b) for k, (i, b, _) in enumerate(maps)]
        self.scalar = [_scalar_effect(i, b) for i, b, _ in maps]
        size = math.prod(shape)
        self.coupled = [Effect.KEPT] * size
        self.learned = [Effect.KEPT] * size
        self.met = False

    def through(self, stages: tuple[StageData, ...], at: _Elements) -> None:
        for stage in stages:
            if isinstance(stage, MapStage):
                self._map(stage, at)
            elif isinstance(stage, RepeatStage):
                for _ in range(stage.count):
                    self.through(stage.stages, at)
            elif isinstance(stage, RearrangeStage):
                at.origin, at.shape = [at.origin[place] for place in stage.order], stage.after
            elif isinstance(stage, PartsStage):
                self._parts(stage, at)

    def _map(self, stage: MapStage, at: _Elements) -> None:
        places = self.moves[stage.map]
        if places is None or stage.lift:
            for start in at.origin:
                self.learned[start] = max(self.learned[start], self.scalar[stage.map])
            return
        coupling = self.coupling[stage.map]
        self.met = self.met or coupling
        each, undone = math.prod(at.shape[1:]), isinstance(stage, UndoneStage)
        moved = list(at.origin)
        for result, (place, effect) in enumerate(places):
            source, target = (result, place) if undone else (place, result)
            own = at.origin[source * each : (source + 1) * each]
            moved[target * each : (target + 1) * each] = own
            for start in own:
                self.learned[start] = max(self.learned[start], effect)
                if coupling:
                    self.coupled[start] = max(self.coupled[start], effect)
        at.origin = moved

    def _parts(self, stage: PartsStage, at: _Elements) -> None:
        each, start = math.prod(at.shape[1:]), 0
        moved: list[int] = []
        for count, part in zip(stage.counts, stage.parts, strict=True):
            own = _Elements((count, *at.shape[1:]), at.origin[start * each : (start + count) * each])
            self.through(part, own)
            moved.extend(own.origin)
            start += count
        at.origin = moved


def follow(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[list[Effect], list[Effect], bool]:
    """For each element of the input: the strongest effect of the couplings, that of all learned maps, and if there is a
    coupling.

    A scalar map without symbols of its own (`sigmoid`) changes every element alike, and counts for neither."""
    follower = _Follower(shape, maps, stages)
    follower.through(stages, _Elements(shape, list(range(math.prod(shape)))))
    return follower.coupled, follower.learned, follower.met


def _used(stages: tuple[StageData, ...]) -> set[int]:
    """The numbers of the maps of a pipeline."""
    found: set[int] = set()
    for stage in stages:
        if isinstance(stage, MapStage):
            found.add(stage.map)
        elif isinstance(stage, RepeatStage | PartsStage):
            found |= _used(stage.stages)
    return found


def _scalar_effect(input_: Term, body: Term) -> Effect:
    if body is input_ or not (body.symbols - {input_}):
        return Effect.KEPT
    shift = body.operation == "apply" and body.data in ("add", "subtract") and input_ in body.arguments
    return Effect.SHIFTED if shift else Effect.TRANSFORMED


def untransformed(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[int, ...]:
    """The elements that every coupling of a pipeline passes on unchanged; none where there is no coupling."""
    if flows_in(stages):
        return ()  # a flow moves every place
    coupled, _, met = follow(shape, maps, stages)
    return tuple(k for k, effect in enumerate(coupled) if effect is Effect.KEPT) if met else ()


def only_shifted(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[int, ...]:
    """The elements whose scale no learned map of a pipeline with couplings ever changes."""
    if flows_in(stages):
        return ()
    coupled, learned, met = follow(shape, maps, stages)
    return tuple(k for k in range(len(coupled)) if learned[k] is Effect.SHIFTED) if met else ()
