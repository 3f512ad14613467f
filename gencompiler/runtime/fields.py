"""What the data of a model looks like: supports at run time, and one `Field` per observed or given variable."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor
from torch.distributions import constraints

#: Supports whose values are counted, not measured; the API gives them as int64.
DISCRETE = frozenset({"Binary", "Boolean", "Category", "Integer", "Count", "Sign", "Permutation"})

#: Fixed ends of scalar supports: lower, upper, lower open, upper open.  A support with arguments takes its ends from
#: them.
_ENDS: dict[str, tuple[float, float, bool, bool]] = {
    "Real": (-math.inf, math.inf, True, True),
    "NonZero": (-math.inf, math.inf, True, True),
    "Positive": (0, math.inf, True, True),
    "NonNegative": (0, math.inf, False, True),
    "Unit": (0, 1, True, True),
    "Angle": (-math.pi, math.pi, False, True),
    "Binary": (0, 1, False, False),
    "Boolean": (0, 1, False, False),
    "Count": (0, math.inf, False, True),
    "Sign": (-1, 1, False, False),
    "Simplex": (0, 1, False, False),
}

SIMPLEX_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class Support:
    """A set of values: `Support("Integer", 0, 17)` is {0, …, 16}; the upper end of `Integer` is excluded."""

    name: str
    arguments: tuple[float, ...] = ()

    @property
    def discrete(self) -> bool:
        return self.name in DISCRETE

    @property
    def ends(self) -> tuple[float, float, bool, bool]:
        """Lower end, upper end, and whether each is excluded."""
        if self.name == "Integer":
            return self.arguments[0], self.arguments[1] - 1, False, False
        if self.name in ("Category", "Permutation"):
            return 0, self.arguments[0] - 1, False, False
        if self.name in ("Interval", "Open"):
            lower, upper = self.arguments
            is_open = self.name == "Open"
            return lower, upper, is_open or lower == -math.inf, is_open or upper == math.inf
        return _ENDS[self.name]

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        separator = ".." if self.name == "Integer" else ", "
        return f"{self.name}({separator.join(f'{a:g}' for a in self.arguments)})"

    def contains(self, value: Tensor) -> Tensor:
        """Elementwise membership, a boolean tensor of `value`'s shape.  What concerns a whole row (a simplex sums to
        one, a permutation has each place once) marks the row's every element."""
        if not value.is_floating_point():
            value = value.long()  # a narrow dtype would wrap the ends it is compared with
        lower, upper, lower_open, upper_open = self.ends
        inside = (value > lower if lower_open else value >= lower) & (value < upper if upper_open else value <= upper)
        if self.discrete and value.is_floating_point():
            inside = inside & (value == value.floor())
        if self.name in ("NonZero", "Sign"):
            inside = inside & (value != 0)
        if self.name == "Simplex":
            off = (value.sum(-1, keepdim=True) - 1).abs() > SIMPLEX_TOLERANCE
            inside = inside & ~off
        if self.name == "Permutation":
            places = torch.arange(value.shape[-1], device=value.device, dtype=value.dtype)
            inside = inside & (value.sort(-1).values == places).all(-1, keepdim=True)
        return inside

    def member(self, shape: tuple[int, ...]) -> Tensor:
        """Some value of the support, float64 or int64, which stands in for rows outside of it."""
        if self.name == "Permutation":
            return torch.arange(shape[-1]).expand(shape)
        if self.name == "Simplex":
            return torch.full(shape, 1 / shape[-1], dtype=torch.float64)
        lower, upper, lower_open, upper_open = self.ends
        if self.name in ("NonZero", "Sign"):
            inner = 1.0
        elif math.isfinite(lower) and math.isfinite(upper):
            inner = lower if self.discrete else 0.5 * (lower + upper)
        elif math.isfinite(lower):
            inner = lower + 1 if lower_open else lower
        elif math.isfinite(upper):
            inner = upper - 1 if upper_open else upper
        else:
            inner = 0.0
        return torch.full(shape, inner, dtype=torch.int64 if self.discrete else torch.float64)

    def constraint(self, event_dims: int) -> constraints.Constraint:
        """The torch constraint that says the same, with the last `event_dims` axes as one event."""
        base = _Member(self)
        return constraints.independent(base, event_dims)  # type: ignore[no-untyped-call]


class _Member(constraints.Constraint):
    """Membership in a support, for torch.distributions."""

    def __init__(self, support: Support) -> None:
        self.support = support
        self.is_discrete = support.discrete

    def check(self, value: Tensor) -> Tensor:
        return self.support.contains(value)


@dataclasses.dataclass(frozen=True)
class Field:
    """One observed or given variable.

    `shape` is of one row.  `storage` is the dtype in which data waits on the host, the smallest that holds the support;
    `compute` the one it enters row programs with, "float" (that of the model's parameters) or "int64".  In the API
    discrete values are int64 in any case.  `length` names the field that says how much of the first axis a row has;
    what lies beyond is 0."""

    name: str
    shape: tuple[int, ...]
    support: Support
    storage: str = "float32"
    compute: str = "float"
    given: bool = False
    length: str = ""

    @property
    def size(self) -> int:
        """How many numbers one row has."""
        return math.prod(self.shape)

    def contains(self, value: Tensor) -> Tensor:
        """Elementwise membership of `value` `[rows, *shape]`.  A density on the simplex is one on its inside: a
        row with a share of 0 may be given to a model, and has no density itself."""
        inside = self.support.contains(value)
        return inside & (value > 0) if self.support.name == "Simplex" and not self.given else inside

    def within(self, value: Tensor, lengths: Tensor | None) -> Tensor:
        """`value` `[rows, *shape]`, and 0 beyond each row's length, where the field has any."""
        if lengths is None:
            return value
        places = torch.arange(self.shape[0], device=value.device)
        there = (places < lengths.reshape(-1, 1)).reshape(-1, self.shape[0], *[1] * (len(self.shape) - 1))
        return torch.where(there, value, torch.zeros((), dtype=value.dtype, device=value.device))

    def __str__(self) -> str:
        sizes = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        return f"{self.name} : {self.support}{sizes}"
