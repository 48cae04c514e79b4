/* Exact sums of doubles in fixed point, wide enough for any of them. */
#include "io/sums_int.h"
#include <math.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

enum { WORD = 64, DOUBLE_BITS = 53, MOST = 1023 /* two words hold a product */ };

void bits_add(struct bits *b, int64_t mantissa, int exp2)
{
    size_t place = (size_t)exp2 + (size_t)BITS_LOW, i = place / WORD;
    i128 v = (i128)mantissa * ((i128)1 << (place % WORD));
    uint64_t extend = mantissa < 0 ? UINT64_MAX : 0;
    u128 t = (u128)b->w[i] + (uint64_t)v;

    b->w[i++] = (uint64_t)t;
    t = (t >> WORD) + b->w[i] + (uint64_t)((u128)v >> WORD);
    b->w[i++] = (uint64_t)t;
    /* whole words of ones and a carry change nothing, nor do zeros without one */
    for (t >>= WORD; i < BITS_WORDS && (extend == 0) != (t == 0); i++) {
        t += (u128)b->w[i] + extend;
        b->w[i] = (uint64_t)t;
        t >>= WORD;
    }
}

void bits_add_double(struct bits *b, double v, int exp2)
{
    int e;
    int64_t m;

    if (v == 0 || !isfinite(v)) {
        if (v != 0) /* no sum of ours: it must show */
            bits_add(b, 1, -BITS_LOW);
        return;
    }
    m = (int64_t)ldexp(frexp(v, &e), DOUBLE_BITS);
    for (e += exp2 - DOUBLE_BITS; e < -BITS_LOW && m % 2 == 0; m /= 2)
        e++;
    if (e < -BITS_LOW || e > MOST) {
        m = 1;
        e = -BITS_LOW;
    }
    bits_add(b, m, e);
}

void bits_add_all(struct bits *a, const struct bits *b)
{
    u128 carry = 0;

    for (size_t i = 0; i < BITS_WORDS; i++) {
        carry += (u128)a->w[i] + b->w[i];
        a->w[i] = (uint64_t)carry;
        carry >>= WORD;
    }
}

void bits_subtract(struct bits *a, const struct bits *b)
{
    u128 carry = 1;

    for (size_t i = 0; i < BITS_WORDS; i++) {
        carry += (u128)a->w[i] + ~b->w[i];
        a->w[i] = (uint64_t)carry;
        carry >>= WORD;
    }
}

double bits_double(const struct bits *b)
{
    static const struct bits zero;
    bool negative = b->w[BITS_WORDS - 1] >> (WORD - 1) != 0;
    struct bits v = negative ? zero : *b;
    double sum = 0;

    if (negative)
        bits_subtract(&v, b);
    for (size_t i = 0; i < BITS_WORDS; i++)
        sum += ldexp((double)v.w[i], (int)(i * WORD) - BITS_LOW);
    return negative ? -sum : sum;
}
