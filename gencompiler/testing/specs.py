"""Specs at sizes that tests can exhaust: the same model with its header constants made small."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from gencompiler import api, pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.nodes import Model as ModelIR
from gencompiler.model.nodes import Variable
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model
from gencompiler.testing import spaces
from gencompiler.testing.view import joined

#: The most states of finite latent variables, which an exact log_prob may sum over for each row.
MOST_LATENT = 1 << 8

#: Values tried for the sizes of a model, largest first.
SIZES = (8, 4, 3, 2)


@dataclasses.dataclass(frozen=True)
class SmallModel:
    """A model class compiled with some header constants replaced."""

    kind: type[Model]
    defines: Mapping[str, int]

    @property
    def suffix(self) -> str:
        """`[D=8, H=8]`, or nothing where no constant was replaced."""
        return f"[{', '.join(f'{k}={v}' for k, v in self.defines.items())}]" if self.defines else ""


def small_model(path: Path) -> SmallModel | None:
    """The spec at the largest of `SIZES` where the mass of its density can be computed, or the smallest that compiles.

    Only integer constants above a size are replaced by it.  None for a spec whose observed variables are not
    one vector: the properties do not speak of those."""
    source = SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    declared = pipeline.run(source, until="resolve").model
    if joined(_fields(declared)) is None:
        return None
    chosen: dict[str, int] = {}
    for size in SIZES:
        defines = {name: size for name, value in declared.constants if _is_size(value) and value > size}
        if not _checks(source, defines):
            continue
        chosen = defines
        if not defines or _is_small(pipeline.run(source, defines=defines, until="resolve").model):
            break
    return SmallModel(api.compile(path, None, **chosen), chosen)


def _is_size(value: object) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1


def _checks(source: SourceText, defines: Mapping[str, int]) -> bool:
    try:
        pipeline.run(source, defines=defines, until="check")
    except CompileError:
        return False
    return True


def _fields(model: ModelIR) -> list[Field]:
    """Observed and given variables, as the generated class will declare them."""
    return [_field(v) for v in model.variables if v.role in ("observed", "given")]


def _field(variable: Variable) -> Field:
    support = variable.type.support
    values = Support(support.name, tuple(map(float, support.arguments)))
    return Field(variable.name, variable.type.shape, values, given=variable.role == "given")


def _is_small(model: ModelIR) -> bool:
    field = joined(_fields(model))
    if field is None or not (spaces.is_enumerable(field) or spaces.is_integrable(field)):
        return False
    latents = [_field(v) for v in model.variables if v.role == "latent"]
    finite = sum(spaces.log_states(latent) for latent in latents if latent.support.discrete)
    return finite <= math.log(MOST_LATENT)
