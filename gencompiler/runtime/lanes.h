/* What the C functions of a generated package share: elementary functions, products, random numbers.

   A function computes LANES rows at once.  A number of each row is `float v[LANES]`, a vector of each row
   `float v[n][LANES]`: rows are innermost, so every operation is a loop over lanes that the compiler turns into vector
   instructions, and what it does to one lane does not depend on the others.  Hence a row has the same bits wherever it
   stands and however many rows there are.

   The elementary functions have no branch and no table, so that they become part of such loops, and are within four
   units in the last place of the exact value (`tests/runtime/test_lanes.py` has each bound) where nothing else is said.
   Nothing here may be compiled with -ffast-math: infinities and NaN are values like others. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef LANES
#define LANES 32
#endif

/* The longest vectors of the processor, in floats. */
#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif

#define ALIGNED __attribute__((aligned(64)))
#define INLINE static inline __attribute__((always_inline, unused))

/* a b + c, with one rounding where the processor has that: elsewhere it would be a call. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#define FMA_DOUBLE(a, b, c) __builtin_fma(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#define FMA_DOUBLE(a, b, c) ((a) * (b) + (c))
#endif

INLINE uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

INLINE float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* -- choices: both values are computed, so that a loop over lanes has no branch ------------------------------------ */

INLINE float choose(int condition, float then, float otherwise) { return condition ? then : otherwise; }
INLINE int choose_bool(int condition, int then, int otherwise) { return condition ? then : otherwise; }
INLINE double choose_number(int condition, double then, double otherwise) { return condition ? then : otherwise; }
/* NaN where either is NaN, as torch has it. */
INLINE float minimum(float a, float b) { return (b < a) | (b != b) ? b : a; }
INLINE float maximum(float a, float b) { return (b > a) | (b != b) ? b : a; }
INLINE float square(float x) { return x * x; }
INLINE float relu(float x) { return x <= 0.0f ? 0.0f : x; }
INLINE float absolute(float x) { return __builtin_fabsf(x); }
INLINE float root(float x) { return __builtin_sqrtf(x); }
INLINE float whole(float x) { return __builtin_floorf(x); }
INLINE float sign(float x) { return (float)(x > 0.0f) - (float)(x < 0.0f); }

/* x multiplied with itself. */
INLINE float whole_power(float x, int exponent) {
    float value = 1.0f;
    for (int bit = 16; bit; bit >>= 1) value = exponent & bit ? value * value * x : value * value;
    return value;
}

/* a = b quotient(a, b) + remainder(a, b), the remainder with the sign of b. */
INLINE float floor_remainder(float a, float b) {
    float rest = fmodf(a, b);
    return (rest != 0.0f) & ((rest < 0.0f) != (b < 0.0f)) ? rest + b : rest;
}
INLINE float floor_quotient(float a, float b) {
    float quotient = (a - floor_remainder(a, b)) / b, below = floorf(quotient);
    return quotient - below > 0.5f ? below + 1.0f : below;
}
INLINE int64_t whole_remainder(int64_t a, int64_t b) {
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
INLINE int64_t whole_quotient(int64_t a, int64_t b) { return (a - whole_remainder(a, b)) / b; }

/* -- exponentials (polynomials of S. L. Moshier's Cephes, `expf` and `logf`) --------------------------------------- */

/* x = n log 2 + r with |r| <= log 2 / 2; n as a float and as an integer.  A NaN has a NaN for r. */
typedef struct {
    float n, r;
    int32_t whole;
} reduced;

INLINE reduced reduce(float x) {
    float shifted = FMA(x, 1.44269504088896341f, 12582912.0f), n = shifted - 12582912.0f;
    float r = FMA(n, -0.693359375f, x);
    return (reduced){n, FMA(n, 2.12194440e-4f, r), (int32_t)(bits_of(shifted) - 0x4B400000u)};
}

/* exp(r) - 1 - r of a reduced r. */
INLINE float exponential_tail(float r) {
    float p = FMA(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = FMA(p, r, 8.3334519073e-3f);
    p = FMA(p, r, 4.1665795894e-2f);
    p = FMA(p, r, 1.6666665459e-1f);
    p = FMA(p, r, 5.0000001201e-1f);
    return p * (r * r);
}

INLINE float power_of_two(int32_t n) { return of_bits((uint32_t)(n + 127) << 23); }

/* exp(x) 2^shift, in two steps, for results that are subnormal or overflow. */
INLINE float scaled_exponential(float x, int32_t shift) {
    x = x < -104.0f ? -104.0f : x;
    x = x > 90.0f ? 90.0f : x;
    reduced at = reduce(x);
    int32_t n = at.whole + shift, half = n >> 1;
    float value = exponential_tail(at.r) + at.r + 1.0f;
    return value * power_of_two(half) * power_of_two(n - half);
}

INLINE float exponential(float x) { return scaled_exponential(x, 0); }

/* 2^n (exp(r) - 1) + (2^n - 1), halved until the end so that 2^n does not overflow before its product does. */
INLINE float exponential_minus_1(float x) {
    float inside = x < -25.0f ? -25.0f : x;
    inside = inside > 89.0f ? 89.0f : inside;
    reduced at = reduce(inside);
    float half = power_of_two(at.whole - 1), tail = exponential_tail(at.r) + at.r;
    float value = 2.0f * FMA(half, tail, half - 0.5f);
    return absolute(x) < 1e-10f ? x : value; /* keeps the sign of a zero */
}

INLINE float logarithm(float x) {
    int small = x < 1.17549435e-38f;
    float scaled = small ? x * 8388608.0f : x;
    uint32_t bits = bits_of(scaled), shifted = bits - 0x3F3504F3u; /* of sqrt(1/2) */
    float n = (float)((int32_t)shifted >> 23) - (small ? 23.0f : 0.0f);
    float f = of_bits((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f, z = f * f;
    float p = FMA(7.0376836292e-2f, f, -1.1514610310e-1f);
    p = FMA(p, f, 1.1676998740e-1f);
    p = FMA(p, f, -1.2420140846e-1f);
    p = FMA(p, f, 1.4249322787e-1f);
    p = FMA(p, f, -1.6668057665e-1f);
    p = FMA(p, f, 2.0000714765e-1f);
    p = FMA(p, f, -2.4999993993e-1f);
    p = FMA(p, f, 3.3333331174e-1f);
    float tail = FMA(n, -2.12194440e-4f, p * z * f);
    float value = FMA(n, 0.693359375f, f + FMA(-0.5f, z, tail));
    value = x == 0.0f ? -INFINITY : value;
    value = x < 0.0f ? NAN : value;
    return (x != x) | (x == INFINITY) ? x : value;
}

/* log(u) x / (u - 1) with u = 1 + x as rounded (W. Kahan). */
INLINE float log_1_plus(float x) {
    float u = 1.0f + x, d = u - 1.0f, log_u = logarithm(u);
    float corrected = log_u * (x / (d == 0.0f ? 1.0f : d));
    float value = d == 0.0f ? x : corrected;
    return absolute(x) > 1.0f ? log_u : value;
}

INLINE float power(float a, float b) { return powf(a, b); }

/* -- sigmoids ------------------------------------------------------------------------------------------------------ */

/* s / (s + s exp(-x)) with s = 2^-24, so that one step scales it down to subnormal results; the polynomial is that of
   least relative error of its degree with the value 1 at 0 (by Lawson's iteration). */
INLINE float sigmoid(float x) {
    x = x < -104.0f ? -104.0f : x;
    x = x > 70.0f ? 70.0f : x;
    float shifted = FMA(x, -1.44269504088896341f, 12582912.0f), n = shifted - 12582912.0f;
    float r = FMA(n, 2.12194440e-4f, FMA(n, -0.693359375f, -x));
    float p = FMA(8.29030607e-3f, r, 4.18979754e-2f);
    p = FMA(p, r, 1.66676366e-1f);
    p = FMA(p, r, 4.99991492e-1f);
    p = FMA(p, r, 9.99999707e-1f);
    p = FMA(p, r, 1.0f);
    return 0x1p-24f / FMA(power_of_two((int32_t)(bits_of(shifted) - 0x4B400000u) - 24), p, 0x1p-24f);
}
INLINE float softplus(float x) { return (x < 0.0f ? 0.0f : x) + log_1_plus(exponential(-absolute(x))); }

/* Around 1/2, where its two logarithms cancel, as log1p((2 x - 1) / (1 - x)). */
INLINE float logit(float x) {
    int middle = absolute(x - 0.5f) < 0.25f;
    float near = log_1_plus((2.0f * x - 1.0f) / (middle ? 1.0f - x : 1.0f));
    float far = logarithm(x) - log_1_plus(-x);
    return middle ? near : far;
}

/* -t / (t + 2) with t = exp(-2 |x|) - 1. */
INLINE float hyperbolic_tangent(float x) {
    float t = exponential_minus_1(-2.0f * absolute(x)), value = -t / (t + 2.0f);
    return x < 0.0f ? -value : value;
}

/* (t + t / (t + 1)) / 2 with t = exp(|x|) - 1; exp(|x|) / 2 where that is all that is left. */
INLINE float hyperbolic_sine(float x) {
    float size = absolute(x), t = exponential_minus_1(size > 20.0f ? 20.0f : size);
    float far = scaled_exponential(size, -1), near = 0.5f * (t + t / (t + 1.0f));
    float value = size > 20.0f ? far : near;
    return x < 0.0f ? -value : value;
}

INLINE float hyperbolic_cosine(float x) {
    float size = absolute(x), far = scaled_exponential(size, -1);
    float grown = exponential(size > 20.0f ? 20.0f : size), near = 0.5f * (grown + 1.0f / grown);
    return size > 20.0f ? far : near;
}

/* log1p(|x| + x^2 / (1 + sqrt(1 + x^2))); log|x| + log 2 where the square would overflow. */
INLINE float inverse_sinh(float x) {
    float size = absolute(x), bounded = size > 1e9f ? 1e9f : size, z = bounded * bounded;
    float near = log_1_plus(bounded + z / (1.0f + root(1.0f + z)));
    float far = logarithm(size) + 0.6931471805599453f;
    float value = size > 1e9f ? far : near;
    return x < 0.0f ? -value : value;
}

/* -- trigonometric (polynomials of Cephes, `sinf` and `atanf`) ----------------------------------------------------- */

/* x = n pi / 2 + r, in float64 so that x may be large; the last two bits of n. */
typedef struct {
    float r;
    int32_t quarter;
} turned;

INLINE turned turn(float x) {
    double shifted = FMA_DOUBLE((double)x, 0.63661977236758134, 6755399441055744.0), n = shifted - 6755399441055744.0;
    double r = FMA_DOUBLE(n, -1.5707963267948966, (double)x);
    uint64_t bits;
    memcpy(&bits, &shifted, 8);
    float left = (float)FMA_DOUBLE(n, -6.123233995736766e-17, r);
    left = left < -0.7854f ? -0.7854f : left; /* beyond 1e15 nothing of x is left: a wave stays one all the same */
    left = left > 0.7854f ? 0.7854f : left;
    return (turned){left, (int32_t)(bits & 3)};
}

INLINE float sine_of(float r) {
    float s = r * r, p = FMA(-1.9515295891e-4f, s, 8.3321608736e-3f);
    return FMA(FMA(p, s, -1.6666654611e-1f) * s, r, r);
}

INLINE float cosine_of(float r) {
    float s = r * r, p = FMA(2.443315711809948e-5f, s, -1.388731625493765e-3f);
    return FMA(FMA(p, s, 4.166664568298827e-2f), s * s, FMA(-0.5f, s, 1.0f));
}

INLINE float sine(float x) {
    turned at = turn(x);
    float value = at.quarter & 1 ? cosine_of(at.r) : sine_of(at.r);
    return at.quarter & 2 ? -value : value;
}

INLINE float cosine(float x) {
    turned at = turn(x);
    float value = at.quarter & 1 ? sine_of(at.r) : cosine_of(at.r);
    return (at.quarter + 1) & 2 ? -value : value;
}

INLINE float tangent(float x) {
    turned at = turn(x);
    float s = sine_of(at.r), c = cosine_of(at.r);
    return at.quarter & 1 ? -c / s : s / c;
}

/* Reduced to |x| <= tan(pi / 8). */
INLINE float inverse_tangent(float x) {
    float size = absolute(x);
    int far = size > 2.414213562373095f, middle = (size > 0.4142135623730950f) & !far;
    float shift = far ? 1.5707963267948966f : middle ? 0.7853981633974483f : 0.0f;
    float above = far ? -1.0f : middle ? size - 1.0f : size, below = far ? size : middle ? size + 1.0f : 1.0f;
    float r = above / below, s = r * r;
    float p = FMA(FMA(FMA(8.05374449538e-2f, s, -1.38776856032e-1f), s, 1.99777106478e-1f), s, -3.33329491539e-1f);
    float value = shift + FMA(p * s, r, r);
    return x < 0.0f ? -value : value;
}

INLINE float error_function(float x) { return erff(x); }

/* -- the gamma function, x > 0 ------------------------------------------------------------------------------------- */

/* Stirling's series (Abramowitz & Stegun 6.1.41) from 8 on, below it after eight steps up. */
INLINE float log_gamma(float x) {
    int up = x >= 8.0f;
    float z = up ? x : x + 8.0f, w = 1.0f / (z * z);
    float steps = x * (x + 1.0f) * (x + 2.0f) * (x + 3.0f) * (x + 4.0f) * (x + 5.0f) * (x + 6.0f) * (x + 7.0f);
    float tail = FMA(w, FMA(w, 0.0007936507936507937f, -0.002777777777777778f), 0.08333333333333333f) / z;
    float value = (z - 0.5f) * logarithm(z) - z + 0.9189385332046727f + tail;
    return up ? value : value - logarithm(steps);
}

/* The derivative of the former (6.3.18), likewise. */
INLINE float digamma(float x) {
    int up = x >= 8.0f;
    float a = up ? 1.0f : x;
    float steps = 1.0f / a + 1.0f / (a + 1.0f) + 1.0f / (a + 2.0f) + 1.0f / (a + 3.0f);
    steps += 1.0f / (a + 4.0f) + 1.0f / (a + 5.0f) + 1.0f / (a + 6.0f) + 1.0f / (a + 7.0f);
    float z = up ? x : x + 8.0f, w = 1.0f / (z * z);
    float tail = w * FMA(-w, FMA(-w, 0.003968253968253968f, 0.008333333333333333f), 0.08333333333333333f);
    float value = logarithm(z) - 0.5f / z - tail;
    return up ? value : value - steps;
}

/* -- the inverses of y exp(y) and of y + log(y), as in `runtime.special` ------------------------------------------- */

/* Three steps of order 4 from a start that is right to a digit; exp(x) where that is all that is left. */
INLINE float wright_omega(float x) {
    float inside = x < -40.0f ? -40.0f : x;
    float near = exponential(inside > 2.0f ? 2.0f : inside), far = inside < 2.0f ? 2.0f : inside;
    float w = x > 2.0f ? far - logarithm(far) : near / (1.0f + near);
#pragma GCC unroll 3
    for (int step = 0; step < 3; step++) {
        float rest = inside - w - logarithm(w), one = 1.0f + w;
        float share = rest / one, large = one + rest * 0.6666666666666666f;
        w = w * (1.0f + share * (large - 0.5f * share) / (large - share));
    }
    float grown = exponential(x > 1.0f ? 1.0f : x) * exponential(-w), left = w - (w - grown) / (1.0f + w);
    float small = exponential(x);
    w = x < 1.0f ? left : w;
    return x < -40.0f ? small : w;
}

/* Halley's steps; beside the branch point at -1/e its series. */
INLINE float lambert_w(float x) {
    float inside = 2.718281828459045f * x + 1.0f, p = root(2.0f * (inside < 0.0f ? 0.0f : inside));
    float series = FMA(p, FMA(p, 0.1527777777777778f - p * 0.07962962962962963f, -0.3333333333333333f), 1.0f);
    float log_x = log_1_plus(x < -0.3f ? -0.3f : x);
    float far = log_x * (1.0f - log_1_plus(log_x) / (2.0f + log_x));
    float w = x < -0.25f ? FMA(p, series, -1.0f) : far;
#pragma GCC unroll 3
    for (int step = 0; step < 3; step++) {
        float grown = exponential(w), rest = w * grown - x, one = 1.0f + w, safe = one > 1e-3f ? one : 1.0f;
        float next = w - rest / (grown * safe - (w + 2.0f) * rest / (2.0f * safe));
        w = one > 1e-3f ? next : w;
    }
    return w;
}

/* -- random numbers: the same function of (seed, row, step, dim, stream) as `runtime.random`, which documents it ---- */

/* Words 0 and 1 of Philox4x32-10 for each lane, to `a` and `b`; all lanes go through each round together. */
static __attribute__((unused)) void words(uint32_t *restrict a, uint32_t *restrict b, const uint32_t *restrict row,
                                          uint64_t seed, uint32_t step, uint32_t dim, uint32_t stream) {
    ALIGNED uint32_t c[LANES], d[LANES];
    uint32_t key_0 = (uint32_t)seed, key_1 = (uint32_t)(seed >> 32);
    for (int lane = 0; lane < LANES; lane++) {
        a[lane] = row[lane];
        b[lane] = step;
        c[lane] = dim;
        d[lane] = stream;
    }
    for (int round = 0; round < 10; round++) {
        for (int lane = 0; lane < LANES; lane++) {
            uint64_t left = (uint64_t)a[lane] * 0xD2511F53u, right = (uint64_t)c[lane] * 0xCD9E8D57u;
            a[lane] = (uint32_t)(right >> 32) ^ b[lane] ^ key_0;
            c[lane] = (uint32_t)(left >> 32) ^ d[lane] ^ key_1;
            b[lane] = (uint32_t)right;
            d[lane] = (uint32_t)left;
        }
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
}

/* (n + 1/2) 2^-24 of the upper 24 bits, kept below 1. */
INLINE float unit(uint32_t word) {
    float u = ((float)(int32_t)(word >> 8) + 0.5f) * 0x1p-24f;
    return u < 0x1.fffffep-1f ? u : 0x1.fffffep-1f;
}

/* cos(2 pi u) for u in (0, 1): exact reduction to an eighth of a turn. */
INLINE float cosine_of_turn(float u) {
    float quarter = whole(4.0f * u + 0.5f), r = (u - 0.25f * quarter) * 6.283185307179586f;
    int odd = (quarter == 1.0f) | (quarter == 3.0f), negative = (quarter == 1.0f) | (quarter == 2.0f);
    float s = sine_of(r), c = cosine_of(r), value = odd ? s : c;
    return negative ? -value : value;
}

/* Dims dim..dim + count, uniform on (0, 1). */
static __attribute__((unused)) void uniform(float (*restrict to)[LANES], int count, const uint32_t *row, uint64_t seed,
                                            int64_t step, int64_t dim, uint32_t stream) {
    for (int j = 0; j < count; j++) {
        ALIGNED uint32_t first[LANES], second[LANES];
        words(first, second, row, seed, (uint32_t)step, (uint32_t)(dim + j), stream);
        for (int lane = 0; lane < LANES; lane++) to[j][lane] = unit(first[lane]);
    }
}

/* The same, standard normal by Box and Muller. */
static __attribute__((unused)) void normal(float (*restrict to)[LANES], int count, const uint32_t *row, uint64_t seed,
                                           int64_t step, int64_t dim, uint32_t stream) {
    for (int j = 0; j < count; j++) {
        ALIGNED uint32_t first[LANES], second[LANES];
        words(first, second, row, seed, (uint32_t)step, (uint32_t)(dim + j), stream);
        for (int lane = 0; lane < LANES; lane++)
            to[j][lane] = root(-2.0f * logarithm(unit(first[lane]))) * cosine_of_turn(unit(second[lane]));
    }
}

/* -- vectors of the processor -------------------------------------------------------------------------------------- */

typedef float chunk __attribute__((vector_size(4 * WIDTH), may_alias));

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#if WIDTH == 16
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif WIDTH == 8
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif
#endif
#endif

INLINE chunk chunk_at(const float *from) {
    chunk value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE void chunk_to(float *to, chunk value) { memcpy(to, &value, sizeof value); }

/* WIDTH by WIDTH numbers, `by` and `apart` from row to row: to[j by + i] = from[i apart + j]. */
static __attribute__((noinline, unused)) void transpose(float *restrict to, int64_t by, const float *restrict from,
                                                        int64_t apart) {
#ifdef LOW
    chunk rows[WIDTH], next[WIDTH];
    for (int i = 0; i < WIDTH; i++) rows[i] = chunk_at(from + i * apart);
#pragma GCC unroll 4
    for (int done = 1; done < WIDTH; done *= 2) {
#pragma GCC unroll 8
        for (int k = 0; k < WIDTH / 2; k++) {
            next[2 * k] = __builtin_shufflevector(rows[k], rows[k + WIDTH / 2], LOW);
            next[2 * k + 1] = __builtin_shufflevector(rows[k], rows[k + WIDTH / 2], HIGH);
        }
#pragma GCC unroll 16
        for (int k = 0; k < WIDTH; k++) rows[k] = next[k];
    }
    for (int j = 0; j < WIDTH; j++) chunk_to(to + j * by, rows[j]);
#else
    for (int j = 0; j < WIDTH; j++)
        for (int i = 0; i < WIDTH; i++) to[j * by + i] = from[i * apart + j];
#endif
}

/* -- rows in memory ------------------------------------------------------------------------------------------------ */

/* Of rows first..first + LANES the `n` of `length` columns from `column` on; the last row again beyond the end. */
static __attribute__((unused)) void load_section(float (*restrict to)[LANES], const float *restrict from, int64_t first,
                                                 int64_t count, int n, int length, int64_t column) {
    int start = 0;
    const float *own = from + first * length + column;
    if (first + LANES <= count)
        for (; start + WIDTH <= n; start += WIDTH)
            for (int lane = 0; lane < LANES; lane += WIDTH)
                transpose(to[start] + lane, LANES, own + (int64_t)lane * length + start, length);
    for (int lane = 0; lane < LANES; lane++) {
        const float *row = first + lane < count ? own + (int64_t)lane * length : own + (count - 1 - first) * length;
        for (int j = start; j < n; j++) to[j][lane] = row[j];
    }
}

/* All of the `n` columns. */
static __attribute__((unused)) void load(float (*restrict to)[LANES], const float *restrict from, int64_t first,
                                         int64_t count, int n) {
    load_section(to, from, first, count, n, n, 0);
}

static __attribute__((unused)) void load_whole(float (*restrict to)[LANES], const int64_t *restrict from, int64_t first,
                                               int64_t count, int n) {
    for (int lane = 0; lane < LANES; lane++) {
        const int64_t *row = from + (first + lane < count ? first + lane : count - 1) * n;
        for (int j = 0; j < n; j++) to[j][lane] = (float)row[j];
    }
}

/* The first `n` of the `length` columns from `column` on, back to their rows. */
static __attribute__((unused)) void store(float *restrict to, const float (*restrict from)[LANES], int64_t first,
                                          int64_t count, int n, int length, int64_t column) {
    int start = 0;
    float *own = to + first * length + column;
    if (first + LANES <= count)
        for (; start + WIDTH <= n; start += WIDTH)
            for (int lane = 0; lane < LANES; lane += WIDTH)
                transpose(own + (int64_t)lane * length + start, length, from[start] + lane, LANES);
    for (int lane = 0; lane < LANES && first + lane < count; lane++)
        for (int j = start; j < n; j++) own[(int64_t)lane * length + j] = from[j][lane];
}

static __attribute__((unused)) void store_whole(int64_t *restrict to, const float (*restrict from)[LANES], int64_t first,
                                                int64_t count, int n, int length, int64_t column) {
    for (int lane = 0; lane < LANES && first + lane < count; lane++)
        for (int j = 0; j < n; j++) to[(first + lane) * length + column + j] = (int64_t)from[j][lane];
}

/* -- sums over rows ------------------------------------------------------------------------------------------------ */

/* to[j] += the sum over rows of from[j], for n numbers; of the rows only the first `live` are there. */
static __attribute__((unused)) void add_sums(float *restrict to, const float (*restrict from)[LANES], int n,
                                             int64_t live) {
    int j = 0;
#ifdef EVEN
    /* WIDTH numbers at once: neighbours are added, and go on side by side, until each number has one place. */
    for (; live >= LANES && j + WIDTH <= n; j += WIDTH) {
        chunk sums[WIDTH];
        for (int k = 0; k < WIDTH; k++) {
            sums[k] = *(const chunk *)from[j + k];
            for (int lane = WIDTH; lane < LANES; lane += WIDTH) sums[k] += *(const chunk *)(from[j + k] + lane);
        }
#pragma GCC unroll 4
        for (int left = WIDTH / 2; left > 0; left /= 2) {
#pragma GCC unroll 8
            for (int k = 0; k < left; k++) {
                chunk a = sums[2 * k], b = sums[2 * k + 1];
                sums[k] = __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
            }
        }
        chunk_to(to + j, chunk_at(to + j) + sums[0]);
    }
#endif
    for (; j < n; j++) {
        float sum = 0.0f;
        for (int lane = 0; lane < LANES && lane < live; lane++) sum += from[j][lane];
        to[j] += sum;
    }
}

/* -- products ------------------------------------------------------------------------------------------------------ */

/* The one place where a product and a sum may be rounded once: everywhere else that is torch's arithmetic. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#define CONTRACTED
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define CONTRACTED _Pragma("clang fp contract(fast)")
#define UNROLLED _Pragma("unroll")
#endif

/* `blocks` times BLOCK sums, which stay in registers while the numbers go by. */
#define PRODUCTS(BLOCK)                                                                                              \
    static __attribute__((noinline, unused)) void products_##BLOCK(                                                  \
        float *restrict to, int blocks, const float *restrict from, int n, const float *restrict matrix,             \
        int64_t by_row, int64_t by_column) {                                                                         \
        CONTRACTED                                                                                                   \
        for (int lane = 0; lane < LANES; lane += WIDTH) {                                                            \
            for (int block = 0; block < blocks; block++) {                                                           \
                const float *weight = matrix + BLOCK * block * by_row;                                               \
                chunk sums[BLOCK];                                                                                   \
                UNROLLED for (int k = 0; k < BLOCK; k++) sums[k] = (chunk){0};                                       \
                for (int i = 0; i < n; i++) {                                                                        \
                    chunk x = *(const chunk *)(from + (int64_t)i * LANES + lane);                                    \
                    UNROLLED for (int k = 0; k < BLOCK; k++) sums[k] += x * weight[k * by_row + i * by_column];      \
                }                                                                                                    \
                float *target = to + (int64_t)block * BLOCK * LANES + lane;                                          \
                UNROLLED for (int k = 0; k < BLOCK; k++) *(chunk *)(target + k * LANES) = sums[k];                   \
            }                                                                                                        \
        }                                                                                                            \
    }
PRODUCTS(8)
PRODUCTS(4)
PRODUCTS(1)

/* Adds to BLOCK rows of a matrix with m columns: sums over rows of products, of WIDTH columns or fewer. */
#define OUTER(BLOCK)                                                                                                 \
    static __attribute__((noinline, unused)) void outer_##BLOCK(                                                     \
        float *restrict to, int m, int width, const float *restrict left, const chunk *restrict right) {             \
        CONTRACTED                                                                                                   \
        chunk sums[BLOCK];                                                                                           \
        UNROLLED for (int k = 0; k < BLOCK; k++) sums[k] = (chunk){0};                                               \
        for (int lane = 0; lane < LANES; lane++) {                                                                   \
            chunk x = right[lane];                                                                                   \
            UNROLLED for (int k = 0; k < BLOCK; k++) sums[k] += x * left[k * LANES + lane];                          \
        }                                                                                                            \
        UNROLLED for (int k = 0; k < BLOCK; k++) {                                                                   \
            float *target = to + (int64_t)k * m;                                                                     \
            if (width == WIDTH) chunk_to(target, chunk_at(target) + sums[k]);                                        \
            else for (int i = 0; i < width; i++) target[i] += ((const float *)&sums[k])[i];                          \
        }                                                                                                            \
    }
OUTER(8)
OUTER(1)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

/* to[j m + k] += the sum over rows of left[j] right[k]; of the rows only the first `live` are there. */
static __attribute__((unused)) void add_products(float *restrict to, const float (*restrict left)[LANES], int n,
                                                 const float (*restrict right)[LANES], int m, int64_t live) {
    for (int k = 0; k < m; k += WIDTH) {
        ALIGNED float turned[LANES][WIDTH] = {{0}};
        int width = m - k < WIDTH ? m - k : WIDTH, j = 0;
        if (width == WIDTH && live >= LANES)
            for (int lane = 0; lane < LANES; lane += WIDTH) transpose(turned[lane], WIDTH, right[k] + lane, LANES);
        else
            for (int i = 0; i < width; i++)
                for (int lane = 0; lane < LANES && lane < live; lane++) turned[lane][i] = right[k + i][lane];
        for (; j + 8 <= n; j += 8)
            outer_8(to + (int64_t)j * m + k, m, width, left[j], (const chunk *)turned);
        for (; j < n; j++) outer_1(to + (int64_t)j * m + k, m, width, left[j], (const chunk *)turned);
    }
}

/* to[j] = sum_i matrix[j by_row + i by_column] from[i], of m by n numbers, in the order of i. */
static __attribute__((unused)) void dot(float (*restrict to)[LANES], int m, const float (*restrict from)[LANES], int n,
                                        const float *restrict matrix, int64_t by_row, int64_t by_column) {
    int j = m / 8 * 8;
    products_8(to[0], m / 8, from[0], n, matrix, by_row, by_column);
    if (m - j >= 4) {
        products_4(to[j], 1, from[0], n, matrix + j * by_row, by_row, by_column);
        j += 4;
    }
    products_1(to[j], m - j, from[0], n, matrix + j * by_row, by_row, by_column);
}
