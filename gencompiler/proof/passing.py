"""What a pipeline turns a set of numbers into, stage by stage: each starts where the one before ends."""

from __future__ import annotations

import math
from typing import cast

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain
from gencompiler.proof.graph import Shape, Term, literal
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.stages import (
    MapStage,
    OdeStage,
    PartsStage,
    QuantizeStage,
    RearrangeStage,
    StageData,
    UndoneStage,
)

Maps = tuple[tuple[Term, Term, Support], ...]

#: Supports whose values are all numbers of an interval, and those whose values are the whole numbers of one.
CONTINUOUS = ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")
COUNTING = ("Binary", "Integer", "Category", "Count")


class Breaks(Unproved):
    """Stage number `stage` (a path through repeats) does not start where the one before ends, at `support`."""

    def __init__(self, stage: tuple[int, ...], support: Support, wanted: Support | None, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.support = support
        self.wanted = wanted


def pass_through(
    start: Support,
    shape: Shape,
    maps: Maps,
    stages: tuple[StageData, ...],
    at: tuple[int, ...] = (),
    ends: Shape | None = None,
) -> Support:
    """The support in which a pipeline ends, in the shape that it began with or is said to end in; raises Breaks where a
    range is not the next domain, or a shape not the next one."""
    current, first, last = start, shape, shape if ends is None else ends
    for number, stage in enumerate(stages):
        here = (*at, number)
        if isinstance(stage, MapStage):
            input_, body, result = maps[stage.map]
            own = stage.lift or input_.shape
            if own != shape or (stage.lift and input_.shape):
                raise Breaks(here, current, None, f"a map of {list(own)} meets a value of {list(shape)}")
            if body.shape != input_.shape:
                raise Breaks(here, current, None, f"a map of {list(own)} gives a value of {list(body.shape)}")
            domain_ = cast(Support, input_.data[2])
            wanted, result = (result, domain_) if isinstance(stage, UndoneStage) else (domain_, result)
            if not same_set(current, wanted):
                raise Breaks(here, current, wanted, f"the range before is {current}, the domain is {wanted}")
            current = result
        elif isinstance(stage, OdeStage):
            if maps[stage.map][0].shape != shape:
                raise Breaks(here, current, None, f"a flow of another shape meets a value of {list(shape)}")
            if not same_set(current, REAL):
                raise Breaks(here, current, REAL, f"the range before is {current}, the domain is {REAL}")
            current = REAL
        elif isinstance(stage, QuantizeStage):
            found = domain.of_support(current)
            if stage.shape != shape or stage.levels < 1:
                raise Breaks(here, current, None, "quantization of another shape")
            if found is None or current.name not in CONTINUOUS or not found.within(domain.Interval(0, 1, False, True)):
                raise Breaks(here, current, Support("Unit"), f"the range before is {current}, not in [0, 1)")
            if stage.rest is not None and not same_set(stage.rest, Support("Unit")):
                raise Breaks(here, stage.rest, Support("Unit"), f"the rest lies in Unit, and is {stage.rest}")
            current = Support("Integer", (literal(0).data, literal(stage.levels).data))
        elif isinstance(stage, RearrangeStage):
            if stage.before != shape or sorted(stage.order) != list(range(math.prod(stage.before))):
                raise Breaks(here, current, None, f"no rearrangement of a value of {list(shape)}")
            if math.prod(stage.after) != len(stage.order):
                raise Breaks(here, current, None, f"{len(stage.order)} elements do not fill {list(stage.after)}")
            shape = stage.after
        elif isinstance(stage, PartsStage):
            _pass_parts(current, shape, maps, stage, here)
        else:
            end = pass_through(current, shape, maps, stage.stages, here)
            if stage.count > 1 and not same_set(end, current):
                raise Breaks(here, end, current, f"an iteration ends in {end}, and the next starts in {current}")
            current = end
    if shape != last:
        told = f"{list(first)} goes in, {list(shape)} comes out"
        raise Breaks(at or (len(stages) - 1,), current, None, told if ends is None else f"{told}, not {list(ends)}")
    return current


def _pass_parts(start: Support, shape: Shape, maps: Maps, stage: PartsStage, at: tuple[int, ...]) -> None:
    """Parts that make up a value each come back in the support that they began with."""
    whole = bool(shape) and sum(stage.counts) == shape[0] and min(stage.counts) >= 1
    if not whole or len(stage.counts) != len(stage.parts):
        raise Breaks(at, start, None, f"no parts of a value of {list(shape)}")
    for place, (count, part) in enumerate(zip(stage.counts, stage.parts, strict=True)):
        end = pass_through(start, (count, *shape[1:]), maps, part, (*at, place)) if part else start
        if not same_set(end, start):
            raise Breaks(at, end, start, f"a part ends in {end}, and began in {start}")


def same_set(left: Support, right: Support) -> bool:
    """Whether two supports are exactly one set of numbers."""
    if left == right:
        return True
    same_kind = (left.name in CONTINUOUS) == (right.name in CONTINUOUS)
    known = (*CONTINUOUS, *COUNTING)
    if not same_kind or left.name not in known or right.name not in known:
        return False
    return domain.of_support(left) == domain.of_support(right)
