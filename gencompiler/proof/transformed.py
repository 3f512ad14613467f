"""Following every place of the first axis through a pipeline: what do its maps do to it?"""

from __future__ import annotations

import enum

from gencompiler.model.nodes import Support
from gencompiler.proof.blocks import NotFound, diagonal
from gencompiler.proof.graph import Shape, Term, select, subterms
from gencompiler.proof.structure import MapStage, OdeStage, RepeatStage, StageData, UndoneStage

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


def follow(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[list[Effect], list[Effect], bool]:
    """For each place of the input: the strongest effect of the couplings, that of all learned maps, and if there is a
    coupling.

    A scalar map without symbols of its own (`sigmoid`) changes every place alike, and counts for neither."""
    size = shape[0] if shape else 1
    origin = list(range(size))
    coupled = [Effect.KEPT] * size
    learned = [Effect.KEPT] * size
    used = {stage.map for stage in _unrolled(stages)}
    moves = [move(i, b) if i.shape and k in used else None for k, (i, b, _) in enumerate(maps)]
    coupling = [k in used and is_coupling(i, b) for k, (i, b, _) in enumerate(maps)]
    scalar = [_scalar_effect(i, b) for i, b, _ in maps]
    met = False
    for stage in _unrolled(stages):
        places = moves[stage.map]
        if places is None or stage.lift:
            learned = [max(e, scalar[stage.map]) for e in learned]
            continue
        met = met or coupling[stage.map]
        for result, (place, effect) in enumerate(places):
            start = origin[result if isinstance(stage, UndoneStage) else place]
            learned[start] = max(learned[start], effect)
            if coupling[stage.map]:
                coupled[start] = max(coupled[start], effect)
        sources = [place for place, _ in places]
        if isinstance(stage, UndoneStage):
            origin = [origin[sources.index(place)] if place in sources else origin[place] for place in range(size)]
        else:
            origin = [origin[place] for place in sources]
    return coupled, learned, met


def _scalar_effect(input_: Term, body: Term) -> Effect:
    if body is input_ or not (body.symbols - {input_}):
        return Effect.KEPT
    shift = body.operation == "apply" and body.data in ("add", "subtract") and input_ in body.arguments
    return Effect.SHIFTED if shift else Effect.TRANSFORMED


def _unrolled(stages: tuple[StageData, ...]) -> list[MapStage]:
    found: list[MapStage] = []
    for stage in stages:
        if isinstance(stage, MapStage):
            found.append(stage)
        elif isinstance(stage, RepeatStage):
            found.extend(_unrolled(stage.stages) * stage.count)
    return found


def untransformed(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[int, ...]:
    """The places that every coupling of a pipeline passes on unchanged; none where there is no coupling."""
    if any(isinstance(stage, OdeStage) for stage in stages):
        return ()  # a flow moves every place
    coupled, _, met = follow(shape, maps, stages)
    return tuple(k for k, effect in enumerate(coupled) if effect is Effect.KEPT) if met else ()


def only_shifted(shape: Shape, maps: Maps, stages: tuple[StageData, ...]) -> tuple[int, ...]:
    """The places whose scale no learned map of a pipeline with couplings ever changes."""
    if any(isinstance(stage, OdeStage) for stage in stages):
        return ()
    coupled, learned, met = follow(shape, maps, stages)
    return tuple(k for k in range(len(coupled)) if learned[k] is Effect.SHIFTED) if met else ()
