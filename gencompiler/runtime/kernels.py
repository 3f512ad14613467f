"""Device functions that generated kernels share: elementary functions that keep their accuracy, and random numbers.

Each function is elementwise over float32 blocks, agrees with torch's float32 function to a few units in the last
place, and
needs neither libdevice nor local memory, so it compiles for every target and runs under TRITON_INTERPRET=1.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG_2 = tl.constexpr(0.6931471805599453)
HALF_PI = tl.constexpr(1.5707963267948966)
QUARTER_PI = tl.constexpr(0.7853981633974483)
TWO_PI = tl.constexpr(6.283185307179586)
#: The largest float32 below 1.
BELOW_ONE = tl.constexpr(0.999999940395355224609375)


# -- the smaller and the larger --------------------------------------------------------------------------------------
# As torch's: not a number where an argument is not one, which those of a processor would swallow.


@triton.jit
def minimum(a, b):
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def maximum(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# -- exponentials ----------------------------------------------------------------------------------------------------


@triton.jit
def log1p(x):
    """log(1 + x); below 1 by Kahan's correction, log(u) x / (u - 1) with u = 1 + x as rounded."""
    u = 1.0 + x
    d = u - 1.0
    corrected = tl.log(u) * (x / tl.where(d == 0.0, 1.0, d))
    return tl.where(tl.abs(x) > 1.0, tl.log(u), tl.where(d == 0.0, x, corrected))


@triton.jit
def expm1(x):
    """exp(x) - 1; near 0 by Kahan's correction, (u - 1) x / log(u) with u = exp(x) as rounded."""
    u = tl.exp(x)
    near = (tl.abs(x) <= 1.0) & (u != 1.0)
    corrected = (u - 1.0) * (x / tl.log(tl.where(near, u, 2.0)))
    return tl.where(near, corrected, tl.where(u == 1.0, x, u - 1.0))


@triton.jit
def softplus(x):
    """log(1 + exp(x))"""
    return tl.maximum(x, 0.0) + log1p(tl.exp(-tl.abs(x)))


@triton.jit
def logit(x):
    """log(x / (1 - x)); around 1/2, where its two logarithms cancel, as log1p((2 x - 1) / (1 - x))."""
    middle = tl.abs(x - 0.5) < 0.25
    return tl.where(middle, log1p((2.0 * x - 1.0) / tl.where(middle, 1.0 - x, 1.0)), tl.log(x) - log1p(-x))


@triton.jit
def square(x):
    return x * x


@triton.jit
def whole_power(x, EXPONENT: tl.constexpr):
    """x multiplied with itself."""
    if EXPONENT == 0:
        return tl.full(x.shape, 1.0, tl.float32)
    value = x
    for _ in tl.static_range(EXPONENT - 1):
        value = value * x
    return value


@triton.jit
def power(a, b):
    """a^b; 0^0 = 1, a negative base only with an integral exponent.  Either may be a number."""
    base, exponent = tl.broadcast(tl.cast(a, tl.float32), tl.cast(b, tl.float32))
    magnitude = tl.exp(exponent * tl.log(tl.abs(base)))
    odd = tl.floor(exponent * 0.5) * 2.0 != exponent
    value = tl.where((base < 0.0) & odd, -magnitude, magnitude)
    value = tl.where((base < 0.0) & (tl.floor(exponent) != exponent), float("nan"), value)
    return tl.where(exponent == 0.0, 1.0, value)


# -- hyperbolic ------------------------------------------------------------------------------------------------------


@triton.jit
def tanh(x):
    """-t / (t + 2) with t = exp(-2|x|) - 1, signed: never overflows, exact near 0."""
    t = expm1(-2.0 * tl.abs(x))
    value = -t / (t + 2.0)
    return tl.where(x < 0.0, -value, value)


@triton.jit
def sinh(x):
    """(t + t / (t + 1)) / 2 with t = exp(|x|) - 1, signed; exp(|x| - log 2) where that is all that is left."""
    size = tl.abs(x)
    t = expm1(minimum(size, 20.0))
    value = tl.where(size > 20.0, tl.exp(size - LOG_2), 0.5 * (t + t / (t + 1.0)))
    return tl.where(x < 0.0, -value, value)


@triton.jit
def cosh(x):
    size = tl.abs(x)
    return tl.where(size > 20.0, tl.exp(size - LOG_2), 0.5 * (tl.exp(size) + tl.exp(-size)))


@triton.jit
def asinh(x):
    """log1p(|x| + x² / (1 + sqrt(1 + x²))), signed; log|x| + log 2 where the square would overflow."""
    size = tl.abs(x)
    bounded = minimum(size, 1e9)
    value = log1p(bounded + bounded * bounded / (1.0 + tl.sqrt(1.0 + bounded * bounded)))
    value = tl.where(size > 1e9, tl.log(size) + LOG_2, value)
    return tl.where(x < 0.0, -value, value)


# -- the inverses of y exp(y) and of y + log(y) ----------------------------------------------------------------------


@triton.jit
def wright_omega(x):
    """Two steps of order 4 from a start that is right to a digit; exp(x) where that is all that is left."""
    near = tl.exp(minimum(maximum(x, -40.0), 2.0))
    far = maximum(x, 2.0)
    inside = maximum(x, -40.0)
    w = tl.where(x > 2.0, far - tl.log(far), near / (1.0 + near))
    for _ in tl.static_range(3):
        rest = inside - w - tl.log(w)
        one = 1.0 + w
        share = rest / one
        large = one + rest * 0.6666666666666666
        w = w * (1.0 + share * (large - 0.5 * share) / (large - share))
    grown = tl.exp(minimum(x, 1.0)) * tl.exp(-w)
    w = tl.where(x < 1.0, w - (w - grown) / (1.0 + w), w)
    return tl.where(x < -40.0, tl.exp(x), w)


@triton.jit
def lambert_w(x):
    """Halley's steps; beside the branch point at -1/e its series."""
    p = tl.sqrt(2.0 * maximum(2.718281828459045 * x + 1.0, 0.0))
    branch = -1.0 + p * (1.0 + p * (-0.3333333333333333 + p * (0.1527777777777778 - p * 0.07962962962962963)))
    log = log1p(maximum(x, -0.3))
    w = tl.where(x < -0.25, branch, log * (1.0 - log1p(log) / (2.0 + log)))
    for _ in tl.static_range(3):
        grown = tl.exp(w)
        rest = w * grown - x
        one = 1.0 + w
        safe = tl.where(one > 1e-3, one, 1.0)
        w = tl.where(one > 1e-3, w - rest / (grown * safe - (w + 2.0) * rest / (2.0 * safe)), w)
    return w


# -- trigonometric ---------------------------------------------------------------------------------------------------


@triton.jit
def tan(x):
    return tl.sin(x) / tl.cos(x)


@triton.jit
def atan(x):
    """Reduced to |x| <= tan(pi / 8), then a polynomial (S. L. Moshier's Cephes, `atanf`)."""
    size = tl.abs(x)
    far = size > 2.414213562373095
    middle = (size > 0.4142135623730950) & (size <= 2.414213562373095)
    shift = tl.where(far, HALF_PI, tl.where(middle, QUARTER_PI, 0.0))
    r = tl.where(far, -1.0 / maximum(size, 1.0), tl.where(middle, (size - 1.0) / (size + 1.0), size))
    s = r * r
    p = ((8.05374449538e-2 * s - 1.38776856032e-1) * s + 1.99777106478e-1) * s - 3.33329491539e-1
    value = shift + (p * s * r + r)
    return tl.where(x < 0.0, -value, value)


# -- the gamma function ----------------------------------------------------------------------------------------------


@triton.jit
def lgamma(x):
    """log Γ(x), x > 0: Stirling's series (Abramowitz & Stegun 6.1.41) from 8 on, below it after eight steps up."""
    up = x >= 8.0
    steps = x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0) * (x + 5.0) * (x + 6.0) * (x + 7.0)
    z = tl.where(up, x, x + 8.0)
    w = 1.0 / (z * z)
    tail = (0.08333333333333333 + w * (-0.002777777777777778 + w * 0.0007936507936507937)) / z
    value = (z - 0.5) * tl.log(z) - z + 0.9189385332046727 + tail
    return tl.where(up, value, value - tl.log(tl.where(up, 1.0, steps)))


@triton.jit
def digamma(x):
    """The derivative of log Γ, x > 0 (Abramowitz & Stegun 6.3.18), likewise."""
    up = x >= 8.0
    small = tl.where(up, 1.0, x)
    steps = 1.0 / small + 1.0 / (small + 1.0) + 1.0 / (small + 2.0) + 1.0 / (small + 3.0)
    steps += 1.0 / (small + 4.0) + 1.0 / (small + 5.0) + 1.0 / (small + 6.0) + 1.0 / (small + 7.0)
    z = tl.where(up, x, x + 8.0)
    w = 1.0 / (z * z)
    value = tl.log(z) - 0.5 / z - w * (0.08333333333333333 - w * (0.008333333333333333 - w * 0.003968253968253968))
    return tl.where(up, value, value - steps)


@triton.jit
def cos2pi(u):
    """cos(2 pi u) for u in (0, 1): exact reduction to an eighth of a turn, then short polynomials (Cephes)."""
    quarter = tl.floor(4.0 * u + 0.5)
    r = (u - 0.25 * quarter) * TWO_PI
    s = r * r
    cosine = 1.0 - 0.5 * s + s * s * ((2.443315711809948e-5 * s - 1.388731625493765e-3) * s + 4.166664568298827e-2)
    sine = r + r * s * ((-1.9515295891e-4 * s + 8.3321608736e-3) * s - 1.6666654611e-1)
    value = tl.where((quarter == 1.0) | (quarter == 3.0), sine, cosine)
    return tl.where((quarter == 1.0) | (quarter == 2.0), -value, value)


@triton.jit
def sign(x):
    """-1, 0 or 1"""
    return (x > 0.0).to(tl.float32) - (x < 0.0).to(tl.float32)


# -- arrays ----------------------------------------------------------------------------------------------------------


@triton.jit
def vector(array, at, WIDTH: tl.constexpr):
    """Row `at` of a packed array [..., WIDTH], as [1, WIDTH]."""
    return tl.load(array + at * WIDTH + tl.arange(0, WIDTH))[None, :]


@triton.jit
def matrix(array, at, HEIGHT: tl.constexpr, WIDTH: tl.constexpr):
    """Matrix `at` of a packed array [..., HEIGHT, WIDTH].  Called at each use: a matrix kept in a name across products
    would not stay in registers."""
    places = tl.arange(0, HEIGHT)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    return tl.load(array + at * HEIGHT * WIDTH + places)


@triton.jit
def matrix_again(array, at, HEIGHT: tl.constexpr, WIDTH: tl.constexpr):
    """`matrix`, from memory once more: of two equal reads the compiler makes one, and then keeps the matrix in
    registers from the first product to the last."""
    places = tl.arange(0, HEIGHT)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    return tl.load(array + at * HEIGHT * WIDTH + places, volatile=True)


@triton.jit
def dot(vector, matrix, PRECISION: tl.constexpr):
    """Rows times a matrix, accumulated in float32, with operands as `tiles.precision` says.

    The interpreter multiplies float32 whatever it is told, so there operands are rounded first."""
    if PRECISION == "bf16":
        result = tl.dot(vector.to(tl.bfloat16), matrix.to(tl.bfloat16), out_dtype=tl.float32)
    elif PRECISION == "rounded to bf16":
        result = tl.dot(rounded(vector, 16), rounded(matrix, 16), input_precision="ieee", out_dtype=tl.float32)
    elif PRECISION == "rounded to tf32":
        result = tl.dot(rounded(vector, 13), rounded(matrix, 13), input_precision="ieee", out_dtype=tl.float32)
    else:
        result = tl.dot(vector, matrix, input_precision=PRECISION, out_dtype=tl.float32)
    return result


@triton.jit
def rounded(x, BITS: tl.constexpr):
    """x without the last BITS bits of its significand, rounded to nearest, ties to even."""
    bits = x.to(tl.int32, bitcast=True)
    last = (bits >> BITS) & 1
    return ((bits + ((1 << (BITS - 1)) - 1) + last) & -(1 << BITS)).to(tl.float32, bitcast=True)


@triton.jit
def _multiply(a, b):
    return a * b


@triton.jit
def product(x):
    """The product over the last axis."""
    return tl.reduce(x, 1, _multiply)


@triton.jit
def largest(x):
    """The largest over the last axis; not a number where one is not, which `tl.max` would swallow."""
    return tl.reduce(x, 1, maximum)


@triton.jit
def smallest(x):
    """The smallest over the last axis, likewise."""
    return tl.reduce(x, 1, minimum)


# -- random numbers --------------------------------------------------------------------------------------------------
# The same function of (seed, row, step, dim, stream) as `gencompiler.runtime.random`, which documents it.


@triton.jit
def words(seed, row, step, dim, stream):
    """Words 0 and 1 of Philox4x32-10.  All counters become 32-bit blocks: a 64-bit one would select another
    generator."""
    first = row.to(tl.uint32)
    zero = first * 0
    second, third, fourth = (zero + step).to(tl.uint32), (zero + dim).to(tl.uint32), (zero + stream).to(tl.uint32)
    word_0, word_1, _, _ = tl.philox(seed, first, second, third, fourth)
    return word_0, word_1


@triton.jit
def unit(word):
    """(n + 1/2) 2^-24 of the upper 24 bits, kept below 1."""
    return tl.minimum(((word >> 8).to(tl.float32) + 0.5) * 5.9604644775390625e-8, BELOW_ONE)


@triton.jit
def uniform(seed, row, step, dim, stream):
    """Uniform on (0, 1), ends excluded."""
    first, _ = words(seed, row, step, dim, stream)
    return unit(first)


@triton.jit
def normal(seed, row, step, dim, stream):
    """Standard normal, by Box and Muller."""
    first, second = words(seed, row, step, dim, stream)
    return tl.sqrt(-2.0 * tl.log(unit(first))) * cos2pi(unit(second))
