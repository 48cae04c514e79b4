#ifndef IO_DIGITS_INT_H
#define IO_DIGITS_INT_H
/* Unsigned integers as digits, without printf: two at a time, in a place whose length is known. */
#include <stdint.h>
#include <string.h>
extern const char digit_pairs[201]; /* "00", "01" .. "99" */
static inline int count_digits(uint64_t v)
{
    static const uint64_t power[] = {0,
                                     10,
                                     100,
                                     1000,
                                     10000,
                                     100000,
                                     1000000,
                                     10000000,
                                     100000000,
                                     1000000000,
                                     10000000000,
                                     100000000000,
                                     1000000000000,
                                     10000000000000,
                                     100000000000000,
                                     1000000000000000,
                                     10000000000000000,
                                     100000000000000000,
                                     1000000000000000000,
                                     10000000000000000000u};
    int t = (64 - __builtin_clzll(v | 1)) * 1233 >> 12; /* the count, or one less */

    return t + (v >= power[t]);
}
/* v has n digits; all of them before p + n. Returns p + n. */
static inline char *put_n_digits(char *p, uint64_t v, int n)
{
    char *o = p + n;

    while (v > UINT32_MAX) {
        uint32_t low = (uint32_t)(v % 100000000);
        v /= 100000000;
        for (int i = 0; i < 4; i++) {
            o -= 2;
            memcpy(o, digit_pairs + (size_t)(low % 100) * 2, 2);
            low /= 100;
        }
    }
    uint32_t w = (uint32_t)v;
    while (w >= 100) {
        o -= 2;
        memcpy(o, digit_pairs + (size_t)(w % 100) * 2, 2);
        w /= 100;
    }
    if (w >= 10)
        memcpy(o - 2, digit_pairs + (size_t)w * 2, 2);
    else
        o[-1] = (char)('0' + w);
    return p + n;
}
/* At most 20 bytes. Returns the end. */
static inline char *put_digits(char *p, uint64_t v)
{
    if (v < 10) {
        *p = (char)('0' + v);
        return p + 1;
    }
    return put_n_digits(p, v, count_digits(v));
}
#endif
