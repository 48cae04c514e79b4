#ifndef IO_DIGITS_INT_H
#define IO_DIGITS_INT_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
/*
 * Digits read several at a time, in one word: no loop whose length nobody can foresee. All give false, and leave the
 * rest to loops, where bytes stand in a word the other way round.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { DIGITS_AT_ONCE = 1 };

static inline uint64_t digits_load(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

/* Of eight bytes, the first of which is the highest digit. */
static inline bool digits_value(uint64_t w, uint64_t *ret)
{
    static const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), six = UINT64_C(0x0606060606060606);
    bool good = (((w & high) | ((w + six) & high) >> 4) == UINT64_C(0x3333333333333333));

    w = (w & ~high) * (10 << 8 | 1) >> 8; /* pairs of digits, in every other byte */
    w = (w & UINT64_C(0x00ff00ff00ff00ff)) * (100 << 16 | 1) >> 16;
    *ret = (w & UINT64_C(0x0000ffff0000ffff)) * (UINT64_C(10000) << 32 | 1) >> 32;
    return good;
}

/* The first n digits of w, 1 to 8. */
static inline bool digits_first(uint64_t w, unsigned n, uint64_t *ret)
{
    unsigned shift = 64 - 8 * n;

    /* zeros in front: shift is 56 at most, so that the second shift is one of 8 to 64 in two steps */
    return digits_value(w << shift | UINT64_C(0x3030303030303030) >> 8 >> (56 - shift), ret);
}

/* Where in w the first byte b stands, from 0 on; 8: nowhere. */
static inline unsigned digits_find(uint64_t w, char b)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x = w ^ ones * (unsigned char)b, hit = (x - ones) & ~x & ones << 7;

    return hit != 0 ? (unsigned)__builtin_ctzll((unsigned long long)hit) / 8 : 8;
}
#else
enum { DIGITS_AT_ONCE = 0 };

static inline uint64_t digits_load(const char *p)
{
    (void)p;
    return 0;
}

static inline bool digits_value(uint64_t w, uint64_t *ret)
{
    *ret = w;
    return false;
}

static inline bool digits_first(uint64_t w, unsigned n, uint64_t *ret)
{
    *ret = w + n;
    return false;
}

static inline unsigned digits_find(uint64_t w, char b)
{
    return w + (unsigned char)b > 0 ? 8 : 8;
}
#endif
#endif
