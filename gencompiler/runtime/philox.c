/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011) at many counters at once: the integers of `runtime.random`.

   Compiled by `runtime.native` where there is a C compiler.  The lanes of a block go through every round together, in
   registers, where torch takes a pass over memory for each of a hundred operations. */

#include <stdint.h>

#define LANES 32
#define ROUNDS 10

static const float BELOW_ONE = 0x1.fffffep-1f;

static float unit(uint32_t word) {
    float u = ((float)(word >> 8) + 0.5f) * 0x1p-24f; /* the sum rounds to nearest even */
    return u < BELOW_ONE ? u : BELOW_ONE;
}

/* The words 0 and 1 of a block, in the places of the first two counters. */
static void block(uint32_t key_0, uint32_t key_1, uint32_t counters[4][LANES]) {
    uint32_t a[LANES], b[LANES], c[LANES], d[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        a[lane] = counters[0][lane];
        b[lane] = counters[1][lane];
        c[lane] = counters[2][lane];
        d[lane] = counters[3][lane];
    }
    for (int round = 0; round < ROUNDS; round++) {
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
    for (int lane = 0; lane < LANES; lane++) {
        counters[0][lane] = a[lane];
        counters[1][lane] = b[lane];
    }
}

/* Move on by one in a grid, the last axis first. */
static void advance(int64_t place[3], const int64_t *sizes, int64_t by) {
    place[2] += by;
    if (place[2] < sizes[2]) return;
    place[2] = 0;
    if (++place[1] < sizes[1]) return;
    place[1] = 0;
    place[0]++;
}

/* Uniforms at the counters of a grid of three axes: of word 0 to `first`, and of word 1 to `second` unless it is null.
   Counter k at (i, j, l) is counters[k][i * strides[3 k] + j * strides[3 k + 1] + l * strides[3 k + 2]]. */
void uniforms(uint64_t seed, const int64_t *sizes, const int64_t *const *counters, const int64_t *strides, float *first,
              float *second) {
    int64_t count = sizes[0] * sizes[1] * sizes[2], place[3] = {0, 0, 0};
    for (int64_t start = 0; start < count; start += LANES) {
        int lanes = count - start < LANES ? (int)(count - start) : LANES;
        uint32_t own[4][LANES] = {{0}};
        int together = lanes == LANES && place[2] + LANES <= sizes[2];
        for (int lane = 0; lane < lanes; lane += together ? LANES : 1) {
            for (int k = 0; k < 4; k++) {
                const int64_t *by = strides + 3 * k;
                const int64_t *at = counters[k] + place[0] * by[0] + place[1] * by[1] + place[2] * by[2];
                for (int next = 0; next < (together ? LANES : 1); next++) own[k][lane + next] = (uint32_t)at[next * by[2]];
            }
            advance(place, sizes, together ? LANES : 1);
        }
        block((uint32_t)seed, (uint32_t)(seed >> 32), own);
        for (int lane = 0; lane < lanes; lane++) first[start + lane] = unit(own[0][lane]);
        for (int lane = 0; second && lane < lanes; lane++) second[start + lane] = unit(own[1][lane]);
    }
}
