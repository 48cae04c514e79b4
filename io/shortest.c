#include "io/shortest.h"
#include "io/digits_int.h"
#include "io/real_int.h"
#include <stdbool.h>
#include <string.h>

const char digit_pairs[201] = "00010203040506070809"
                              "10111213141516171819"
                              "20212223242526272829"
                              "30313233343536373839"
                              "40414243444546474849"
                              "50515253545556575859"
                              "60616263646566676869"
                              "70717273747576777879"
                              "80818283848586878889"
                              "90919293949596979899";

/*
 * R. Giulietti, "The Schubfach way to render doubles": v and the ends of the interval that reads back as v are scaled by
 * a power of ten, so that the interval holds at least one integer and at most one multiple of ten, which is the answer
 * where there is one. The power is known to 128 bits (of a float: 64); what is cut off below is kept as the lowest bit,
 * which is enough to compare by.
 */
static uint64_t round_to_odd(u128 g, uint64_t cp)
{
    u128 x = (u128)(uint64_t)g * cp;
    u128 y = (u128)(uint64_t)(g >> 64) * cp + (uint64_t)(x >> 64);

    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static uint32_t round_to_odd_float(uint64_t g, uint32_t cp)
{
    u128 x = (u128)g * cp;

    return (uint32_t)(x >> 64) | ((uint32_t)(x >> 32) > 1);
}

/* The interval in quarters of the last digit: lower and upper belong to it. Gives the digits; *k is raised where one
 * digit less does. */
static inline uint64_t choose(uint64_t lower, uint64_t v, uint64_t upper, int *k)
{
    uint64_t s = v / 4;

    if (s >= 10) {
        uint64_t sp = s / 10;
        bool down = lower <= 40 * sp, up = 40 * sp + 40 <= upper;
        if (down != up) {
            ++*k;
            return sp + up;
        }
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up)
        return s + up;
    uint64_t middle = 4 * s + 2;
    return s + (v > middle || (v == middle && (s & 1) != 0));
}

static inline uint64_t strip(uint64_t digits, int *exp10)
{
    while (digits % 10000 == 0) {
        digits /= 10000;
        *exp10 += 4;
    }
    if (digits % 100 == 0) {
        digits /= 100;
        *exp10 += 2;
    }
    if (digits % 10 == 0) {
        digits /= 10;
        ++*exp10;
    }
    return digits;
}

/* floor(log10(2^q)), of 3/4 * 2^q where the lower neighbour is nearer; floor(log2(10^k)) */
static inline int log10_of(int q, bool narrow)
{
    return (q * 1262611 - (narrow ? 524031 : 0)) >> 22;
}

static inline int log2_of(int k)
{
    return (k * 1741647) >> 19;
}

void shortest_double(double v, int64_t *ret_mantissa, int *ret_exp10)
{
    uint64_t bits, digits = 0;
    int k = 0;

    memcpy(&bits, &v, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7ff);
    uint64_t c = biased != 0 ? fraction | UINT64_C(1) << 52 : fraction;
    int q = (biased != 0 ? biased : 1) - 1075;
    if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0) {
        digits = c >> -q; /* an integer that is held exactly */
    } else if (c != 0) {
        bool odd = (c & 1) != 0, narrow = fraction == 0 && biased > 1;
        k = log10_of(q, narrow);
        int h = q + log2_of(-k) + 1;
        u128 g = real_powers()[-k - POWER_MIN];
        digits = choose(round_to_odd(g, (4 * c - 2 + (narrow ? 1 : 0)) << h) + odd,
                        round_to_odd(g, (4 * c) << h), round_to_odd(g, (4 * c + 2) << h) - odd, &k);
    }
    if (digits != 0)
        digits = strip(digits, &k);
    *ret_mantissa = bits >> 63 != 0 ? -(int64_t)digits : (int64_t)digits;
    *ret_exp10 = digits != 0 ? k : 0;
}

void shortest_float(float v, int64_t *ret_mantissa, int *ret_exp10)
{
    uint32_t bits;
    uint64_t digits = 0;
    int k = 0;

    memcpy(&bits, &v, sizeof bits);
    uint32_t fraction = bits & ((1u << 23) - 1);
    int biased = (int)(bits >> 23 & 0xff);
    uint32_t c = biased != 0 ? fraction | 1u << 23 : fraction;
    int q = (biased != 0 ? biased : 1) - 150;
    if (q <= 0 && q > -24 && (c & ((1u << -q) - 1)) == 0) {
        digits = c >> -q;
    } else if (c != 0) {
        bool odd = (c & 1) != 0, narrow = fraction == 0 && biased > 1;
        k = log10_of(q, narrow);
        int h = q + log2_of(-k) + 1;
        u128 full = real_powers()[-k - POWER_MIN];
        uint64_t g = (uint64_t)(full >> 64) + ((uint64_t)full != 0); /* rounded up again */
        digits = choose((uint64_t)round_to_odd_float(g, (4 * c - 2 + (narrow ? 1 : 0)) << h) + odd,
                        round_to_odd_float(g, (4 * c) << h),
                        (uint64_t)round_to_odd_float(g, (4 * c + 2) << h) - odd, &k);
    }
    if (digits != 0)
        digits = strip(digits, &k);
    *ret_mantissa = bits >> 31 != 0 ? -(int64_t)digits : (int64_t)digits;
    *ret_exp10 = digits != 0 ? k : 0;
}

/* "1.5e-7" of 15 and the place behind its first digit */
static char *put_exponent(char *o, uint64_t digits, int exp10)
{
    char *first = o + 1, *end = put_digits(first, digits);
    int exponent = exp10 + (int)(end - first) - 1;

    o[0] = first[0];
    first[0] = '.';
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    *end++ = 'e';
    if (exponent < 0)
        *end++ = '-';
    return put_digits(end, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

int shortest_text(int64_t mantissa, int exp10, char out[SHORTEST_SIZE])
{
    uint64_t digits = mantissa < 0 ? -(uint64_t)mantissa : (uint64_t)mantissa;
    int n = count_digits(digits), point = n + exp10; /* digits before the point */
    char *o = out, *end;

    if (mantissa < 0)
        *o++ = '-';
    if (mantissa == 0) {
        *o++ = '0';
        end = o;
    } else if (point < -5 || point > 17) {
        end = put_exponent(o, digits, exp10);
    } else if (exp10 >= 0) {
        end = put_digits(o, digits);
        for (int i = 0; i < exp10; i++)
            *end++ = '0';
    } else {
        if (point <= 0) {
            memcpy(o, "0.000000", 8);
            end = put_n_digits(o + 2 - point, digits, n);
        } else {
            end = put_n_digits(o + 1, digits, n);
            for (int i = 0; i < point; i++)
                o[i] = o[i + 1];
            o[point] = '.';
        }
        while (end[-1] == '0')
            end--;
        if (end[-1] == '.')
            end--;
    }
    *end = '\0';
    return (int)(end - out);
}
