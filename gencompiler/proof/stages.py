"""The stages of a pipeline, as facts speak of them: maps by number, and what is done with their parts."""

from __future__ import annotations

import dataclasses

from gencompiler.model.nodes import Support
from gencompiler.proof.graph import Shape
from gencompiler.proof.kernel import need


@dataclasses.dataclass(frozen=True)
class MapStage:
    """A map, by number among the maps of a pipeline; `lift` is the tensor that a scalar map acts on elementwise."""

    map: int
    lift: Shape


@dataclasses.dataclass(frozen=True)
class UndoneStage(MapStage):
    """A map used backwards."""


@dataclasses.dataclass(frozen=True)
class QuantizeStage:
    """y in [0, 1) goes to floor(levels * y), and, where `rest` is the support of a variable, to it and the difference
    of levels * y to it."""

    levels: int
    shape: Shape
    rest: Support | None = None


@dataclasses.dataclass(frozen=True)
class RepeatStage:
    count: int
    stages: tuple[StageData, ...]


@dataclasses.dataclass(frozen=True)
class OdeStage:
    """The flow of an ODE over vectors of real numbers, whose field is by this number among the maps of a pipeline."""

    map: int


@dataclasses.dataclass(frozen=True)
class RearrangeStage:
    """The elements of a tensor, in row-major order, in other places of one of the shape `after`."""

    before: Shape
    after: Shape
    order: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class PartsStage:
    """Consecutive parts of the first axis, so many places each, go through stages of their own."""

    counts: tuple[int, ...]
    parts: tuple[tuple[StageData, ...], ...]

    @property
    def stages(self) -> tuple[StageData, ...]:
        return tuple(stage for part in self.parts for stage in part)


StageData = RearrangeStage | PartsStage | MapStage | QuantizeStage | RepeatStage | OdeStage

#: Stages that hold stages.
NESTED = (RepeatStage, PartsStage)


def quantizes(stages: tuple[StageData, ...]) -> bool:
    """Whether a pipeline contains a quantization."""
    return any(isinstance(s, QuantizeStage) or (isinstance(s, NESTED) and quantizes(s.stages)) for s in stages)


def flows_in(stages: tuple[StageData, ...]) -> bool:
    """Whether a pipeline contains an ODE."""
    return any(isinstance(s, OdeStage) or (isinstance(s, NESTED) and flows_in(s.stages)) for s in stages)


def rests(stages: tuple[StageData, ...]) -> int:
    """How many further variables the quantizations of a pipeline make; of a repeated one, none can be known."""
    need(not any(isinstance(s, NESTED) and rests(s.stages) for s in stages), "a rest in each of several iterations")
    return sum(isinstance(s, QuantizeStage) and s.rest is not None for s in stages)
