"""The functions of `lanes.h`: their errors, what they do at the ends, and their random words."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gencompiler.catalog.functions import FUNCTIONS as CATALOGUE
from gencompiler.emit.c_expressions import COMPUTED, FUNCTIONS
from gencompiler.emit.c_names import TAKEN
from gencompiler.runtime import compiled, native, quantiles, random, special
from tests import c_library

LANES, COUNT = 16, 1 << 15

#: name: (an exact function in float64, the interval of arguments, units in the last place).
UNARY = {
    "exponential": (torch.exp, (-87.0, 88.7), 1.5),
    "exponential_minus_1": (torch.expm1, (-20.0, 88.7), 2.0),
    "logarithm": (torch.log, (1e-37, 1e38), 1.0),
    "log_1_plus": (torch.log1p, (-0.99, 1e30), 3.0),
    "sigmoid": (torch.sigmoid, (-80.0, 80.0), 3.5),
    "softplus": (lambda x: torch.nn.functional.softplus(x, threshold=80), (-80.0, 80.0), 3.0),
    "logit": (torch.logit, (1e-6, 0.99999), 4.0),
    "hyperbolic_tangent": (torch.tanh, (-12.0, 12.0), 3.0),
    "hyperbolic_sine": (torch.sinh, (-88.0, 88.0), 2.5),
    "hyperbolic_cosine": (torch.cosh, (-88.0, 88.0), 2.0),
    "inverse_sinh": (torch.asinh, (-1e37, 1e37), 3.0),
    "sine": (torch.sin, (-1e4, 1e4), 2.0),
    "cosine": (torch.cos, (-1e4, 1e4), 2.0),
    "tangent": (torch.tan, (-1.5, 1.5), 4.0),
    "inverse_tangent": (torch.atan, (-1e6, 1e6), 3.0),
    "error_function": (torch.erf, (-5.0, 5.0), 1.5),
    "wright_omega": (special.wright_omega, (-40.0, 80.0), 4.0),
    "lambert_w": (special.lambert_w, (-0.36, 50.0), 6.0),
}

#: Functions with zeros inside their domain: absolute errors, relative to 1 + their size.
ABSOLUTE = {"log_gamma": (torch.lgamma, (0.01, 200.0), 4e-6), "digamma": (torch.digamma, (0.01, 200.0), 2e-6)}

ENDS = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 3e38, -3e38]
LIKE_TORCH = {
    "exponential": torch.exp,
    "exponential_minus_1": torch.expm1,
    "logarithm": torch.log,
    "log_1_plus": torch.log1p,
    "sigmoid": torch.sigmoid,
    "hyperbolic_tangent": torch.tanh,
    "hyperbolic_sine": torch.sinh,
    "hyperbolic_cosine": torch.cosh,
    "inverse_sinh": torch.asinh,
    "sine": torch.sin,
    "root": torch.sqrt,
    "relu": torch.relu,
    "whole": torch.floor,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Each function in a loop over lanes, as programs have it, and the draws."""
    command = c_library.compiler()
    loop = "for (int64_t i = 0; i < n; i += LANES) for (int lane = 0; lane < LANES; lane++)"
    names = {*UNARY, *ABSOLUTE, *LIKE_TORCH}
    lines = [
        f"void test_{n}(const float *x, float *y, int64_t n) {{ {loop} y[i + lane] = {n}(x[i + lane]); }}"
        for n in sorted(names)
    ]
    for kind in ("uniform", "normal"):
        lines.append(
            f"void test_{kind}(const uint32_t *row, uint64_t seed, int64_t step, int64_t dim, uint32_t stream, float *to)"
            f" {{ {kind}((float(*)[LANES])to, 3, row, seed, step, dim, stream); }}"
        )
    lines.append(
        f"void test_quotients(const float *x, const float *y, float *q, float *r, int64_t n) {{ {loop} {{"
        " q[i + lane] = floor_quotient(x[i + lane], y[i + lane]); r[i + lane] = floor_remainder(x[i + lane], y[i + lane]); } }"
    )
    source = tmp_path_factory.mktemp("lanes") / "functions.c"
    source.write_text(f'#define LANES {LANES}\n#include "lanes.h"\n' + "\n".join(lines) + "\n")
    return native.loaded(command, source, headers=(compiled.HEADER,), more=compiled.FLAGS)


def applied(library: ctypes.CDLL, name: str, x: Tensor) -> Tensor:
    padded = torch.cat([x, x[-1:].expand(-len(x) % LANES)]).contiguous()
    result = torch.empty_like(padded)
    pointers = (ctypes.c_void_p(each.data_ptr()) for each in (padded, result))
    getattr(library, f"test_{name}")(*pointers, ctypes.c_int64(len(padded)))
    return result[: len(x)]


def arguments(low: float, high: float) -> Tensor:
    """Evenly over the interval, and evenly in their logarithms towards 0."""
    generator = torch.Generator().manual_seed(0)
    even = low + (high - low) * torch.rand(COUNT, generator=generator, dtype=torch.float64)
    shrunk = even[: COUNT // 2] * torch.exp(-40 * torch.rand(COUNT // 2, generator=generator, dtype=torch.float64))
    found = torch.cat([even, shrunk]).float()
    return found[(found > low) & (found < high)]


@pytest.mark.parametrize("name", UNARY)
def test_errors_in_units_of_the_last_place(name: str, library: ctypes.CDLL) -> None:
    exact, interval, bound = UNARY[name]
    x = arguments(*interval)
    wanted = exact(x.double())
    unit = torch.exp2(wanted.abs().clamp(min=2.0**-126).log2().floor() - 23)
    error = (applied(library, name, x).double() - wanted).abs() / unit
    assert float(error.max()) <= bound, f"at {float(x[error.argmax()])!r}"


@pytest.mark.parametrize("name", ABSOLUTE)
def test_errors_of_functions_with_zeros(name: str, library: ctypes.CDLL) -> None:
    exact, interval, bound = ABSOLUTE[name]
    x = arguments(*interval)
    wanted = exact(x.double())
    error = (applied(library, name, x).double() - wanted).abs() / (1 + wanted.abs())
    assert float(error.max()) <= bound


@pytest.mark.parametrize("name", LIKE_TORCH)
def test_the_ends_are_torchs(name: str, library: ctypes.CDLL) -> None:
    """Infinities, NaN, zeros and subnormal numbers."""
    x = torch.tensor(ENDS)
    if name == "sine":
        x = x[:-2]
    ours, theirs = applied(library, name, x), LIKE_TORCH[name](x)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-44, equal_nan=True)


def test_floor_division_is_torchs(library: ctypes.CDLL) -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(64, generator=generator).mul(8).round() for _ in range(2))
    y = torch.where(y == 0, 3.0, y) * torch.tensor([1.0, 0.37]).repeat(32)
    q, r = torch.empty_like(x), torch.empty_like(x)
    pointers = (ctypes.c_void_p(each.data_ptr()) for each in (x, y, q, r))
    library.test_quotients(*pointers, ctypes.c_int64(64))
    assert torch.equal(q, x // y)
    assert torch.equal(r, x % y)


@pytest.mark.parametrize(
    ("seed", "step", "dim", "stream"), [(0, 0, 0, 0), (2**63 + 12345, 7, 40, 3), (2**64 - 1, 2**31, 1, 9)]
)
def test_draws_are_those_of_the_runtime(seed: int, step: int, dim: int, stream: int, library: ctypes.CDLL) -> None:
    """Uniforms bit for bit, normals to 1e-6."""
    rows = torch.tensor([0, 3, 77, 2**31, 2**32 - 1, *range(11)])
    row = (ctypes.c_uint32 * LANES)(*rows.tolist())
    for kind in ("uniform", "normal"):
        to = torch.empty(3, LANES)
        function = getattr(library, f"test_{kind}")
        numbers = ctypes.c_uint64(seed), ctypes.c_int64(step), ctypes.c_int64(dim), ctypes.c_uint32(stream)
        function(row, *numbers, ctypes.c_void_p(to.data_ptr()))
        for place in range(3):
            wanted = getattr(random, kind)(seed, rows, step, stream, dim=dim + place)
            if kind == "uniform":
                assert torch.equal(to[place], wanted)
            else:
                assert float((to[place] - wanted).abs().max()) <= 1e-6


def test_what_the_catalogue_says_is_in_c() -> None:
    text = compiled.HEADER.read_text(encoding="utf-8")
    for function in CATALOGUE.values():
        assert function.in_c == (function.name in COMPUTED), function.name
    for name in FUNCTIONS.values():
        assert f"INLINE float {name}(" in text, name
        assert name in TAKEN, name
    assert quantiles.__doc__  # what is not in C has tables of its own there


def test_names_of_the_header_are_taken() -> None:
    import re

    text = Path(compiled.HEADER).read_text(encoding="utf-8")
    defined = set(re.findall(r"^(?:INLINE|static)[^=;]*?(\w+)\(", text, re.MULTILINE)) - {"__attribute__", "products_"}
    assert defined <= set(TAKEN) | {
        "bits_of",
        "of_bits",
        "power_of_two",
        "exponential_tail",
        "sine_of",
        "cosine_of",
        "cosine_of_turn",
    }
