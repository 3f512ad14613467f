"""Hypothesis strategies for what a generated model is given: rows, parameters, batch sizes, seeds and dtypes.

Large tensors are drawn as a small description (a pattern and a seed) and computed from it, so that an example stays
cheap to draw and shrinks towards the plain case: unperturbed parameters, ordinary rows, seed 0.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import TypeVar

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor, nn

from gencompiler.runtime.fields import Field, Support
from gencompiler.testing.side_by_side import SideBySide

ModuleT = TypeVar("ModuleT", bound=nn.Module)

#: Rows in a tile of the torch printer and of a kernel: batches just above it need a second tile.
TILE = 64

#: The largest magnitude that rows on an unbounded support take.
REACH = 1e3

#: How rows are spread over their support, from plain to extreme.
PATTERNS = ("interior", "edges", "tails", "mixed")


# -- rows ------------------------------------------------------------------------------------------------------------


def make_rows(field: Field, count: int, pattern: str, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """`count` rows of `field` `[count, *shape]` in its support, spread by `pattern`; int64 on a discrete support."""
    support = field.support
    if isinstance(support, SideBySide):
        parts = [Field(field.name, (size,), own) for own, size in support.parts]
        return torch.cat([make_rows(part, count, pattern, seed + place) for place, part in enumerate(parts)], 1)
    shape = (count, *field.shape)
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(shape, generator=generator, dtype=torch.float64)
    if pattern == "mixed":
        spread = torch.stack([_spread(support, unit, name, generator) for name in PATTERNS[:3]])
        which = torch.randint(3, (1, *shape), generator=generator)
        values = spread.gather(0, which)[0]
    else:
        values = _spread(support, unit, pattern, generator)
    if support.discrete:
        return values.long()
    if support.name == "Simplex":
        values = values.clamp(min=1e-30)
        return (values / values.sum(-1, keepdim=True)).to(dtype)
    return _inside(values.to(dtype), support)


def _spread(support: Support, unit: Tensor, pattern: str, generator: torch.Generator) -> Tensor:
    """float64 values of the support from uniforms in [0, 1)."""
    if support.discrete:
        return _spread_integers(support, unit, pattern)
    sign = torch.where(torch.rand(unit.shape, generator=generator, dtype=torch.float64) < 0.5, -1.0, 1.0)
    magnitude = {
        "interior": torch.special.ndtri(0.5 + unit / 2),
        "edges": torch.tensor((0.0, 1e-30, 1e-8, 1.0), dtype=torch.float64)[(4 * unit).long()],
        "tails": 10.0 ** (1 + (math.log10(REACH) - 1) * unit),
    }[pattern]
    real: Tensor = sign * magnitude
    lower, upper, _, _ = support.ends
    if math.isinf(lower) and math.isinf(upper):
        return real
    if math.isinf(upper):
        return lower + _positive(real, magnitude, pattern)
    if math.isinf(lower):
        return upper - _positive(real, magnitude, pattern)
    shares = {"interior": unit, "edges": (unit > 0.5).double(), "tails": torch.sigmoid(real.clamp(-80, 80))}
    share: Tensor = shares[pattern]
    return lower + (upper - lower) * share


def _positive(real: Tensor, magnitude: Tensor, pattern: str) -> Tensor:
    return torch.where(real > 0, magnitude, 1 / magnitude) if pattern == "tails" else magnitude


def _spread_integers(support: Support, unit: Tensor, pattern: str) -> Tensor:
    lower, upper, _, _ = support.ends
    lower = lower if math.isfinite(lower) else min(-100.0, upper - 100)
    upper = upper if math.isfinite(upper) else max(100.0, lower + 100)
    if pattern == "interior":
        return lower + (unit * (upper - lower + 1)).floor()
    return torch.where(unit < 0.5, lower, upper)


def _inside(values: Tensor, support: Support) -> Tensor:
    """`values` moved off the open ends that rounding put them on, and into the interval."""
    lower, upper, lower_open, upper_open = support.ends
    first = torch.tensor(lower, dtype=values.dtype)
    last = torch.tensor(upper, dtype=values.dtype)
    if lower_open and math.isfinite(lower):
        first = torch.nextafter(first, last)
        if lower == 0:  # closer to 0, derivatives of logarithms overflow in float32, and rightly
            first = torch.tensor(1e-30, dtype=values.dtype)
    if upper_open and math.isfinite(upper):
        last = torch.nextafter(last, first)
    return values.clamp(first, last)


def rows(
    field: Field,
    count: int | SearchStrategy[int],
    dtype: torch.dtype = torch.float32,
    patterns: tuple[str, ...] = PATTERNS,
) -> SearchStrategy[Tensor]:
    """Rows `[count, *shape]` in the support of `field`: ordinary ones, edge values, tails, and all mixed."""
    counts = st.just(count) if isinstance(count, int) else count
    return st.builds(
        lambda n, pattern, seed: make_rows(field, n, pattern, seed, dtype),
        counts,
        st.sampled_from(patterns),
        st.integers(0, 2**31 - 1),
    )


def rows_off_support(field: Field, count: int, seed: int) -> Tensor | None:
    """Rows of which each has one element just or far outside the support; None where nothing finite is outside."""
    lower, upper, _, _ = field.support.ends
    outside = [lower - 1, lower - 1000] if math.isfinite(lower) else []
    outside += [upper + 1, upper + 1000] if math.isfinite(upper) else []
    if not outside:
        return None
    values = make_rows(field, count, "interior", seed).reshape(count, -1)
    generator = torch.Generator().manual_seed(seed)
    where = torch.randint(values.shape[1], (count,), generator=generator)
    which = torch.randint(len(outside), (count,), generator=generator)
    values[torch.arange(count), where] = torch.tensor(outside).to(values.dtype)[which]
    return values.reshape(count, *field.shape)


# -- parameters ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Perturbation:
    """Normal noise added to every unconstrained parameter; a matrix gets it divided by the root of its last axis.

    A model as it is constructed is often a special case (couplings that start as the identity), so a property must also
    hold away from it."""

    scale: float = 0.0
    seed: int = 0

    def apply(self, module: ModuleT) -> ModuleT:
        """A perturbed copy of `module`, of the same dtype and device."""
        changed = copy.deepcopy(module)
        generator = torch.Generator().manual_seed(self.seed)
        with torch.no_grad():
            for parameter in changed.parameters():
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                spread = self.scale / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else self.scale
                parameter.add_((spread * noise).to(parameter))
        return changed


def perturbations(scales: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0)) -> SearchStrategy[Perturbation]:
    """Perturbations of a module's parameters, from none to large."""
    return st.builds(Perturbation, st.sampled_from(scales), st.integers(0, 2**31 - 1))


# -- batches, seeds, dtypes ------------------------------------------------------------------------------------------


def batch_sizes(tile: int = TILE) -> SearchStrategy[int]:
    """Empty, one row, odd, exactly a tile, just above one, and several tiles."""
    return st.sampled_from((1, 0, 3, 7, tile - 1, tile, tile + 1, 2 * tile + 3))


def seeds() -> SearchStrategy[int]:
    """64-bit seeds, with the values at which 32-bit halves carry."""
    edges = st.sampled_from((0, 1, 2**31 - 1, 2**32 - 1, 2**32, 2**63 - 1))
    return edges | st.integers(0, 2**63 - 1)


def dtypes() -> SearchStrategy[torch.dtype]:
    """The floating-point types that every torch model supports."""
    return st.sampled_from((torch.float32, torch.float64))
