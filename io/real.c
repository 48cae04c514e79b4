#include "io/real.h"
#include "base/attr.h"
#include "io/real_int.h"
#include "io/shortest.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

/*
 * The powers are computed on first use, with plain long arithmetic, instead of standing here as 617 numbers that nobody
 * could check.
 */
enum { K_MIN = POWER_MIN, K_MAX = POWER_MAX, LIMBS = 18 /* 10^324 has 1077 bits */ };
static u128 power[K_MAX - K_MIN + 1];
static pthread_once_t power_once = PTHREAD_ONCE_INIT;

struct big {
    uint64_t w[LIMBS]; /* little endian */
};

static int big_bits(const struct big *b)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (b->w[i] != 0)
            return 64 * i + 64 - __builtin_clzll(b->w[i]);
    return 0;
}

static void big_times_10(struct big *b)
{
    u128 carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (u128)b->w[i] * 10;
        b->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void big_double(struct big *b)
{
    for (int i = LIMBS - 1; i > 0; i--)
        b->w[i] = b->w[i] << 1 | b->w[i - 1] >> 63;
    b->w[0] <<= 1;
}

static bool big_take(struct big *a, const struct big *b) /* a -= b, if it is not less */
{
    u128 borrow = 0;
    int i = LIMBS - 1;

    while (i > 0 && a->w[i] == b->w[i])
        i--;
    if (a->w[i] < b->w[i])
        return false;
    for (i = 0; i < LIMBS; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        a->w[i] = (uint64_t)d;
        borrow = d >> 127;
    }
    return true;
}

static u128 big_top(const struct big *b) /* the top 128 bits, rounded up */
{
    int bits = big_bits(b), low = bits - 128;
    bool rest = false;
    u128 top = 0;

    for (int i = bits - 1; i >= 0 && i >= low; i--)
        top = top << 1 | (b->w[i / 64] >> (i % 64) & 1);
    if (low < 0)
        return top << -low;
    for (int i = 0; i < low && !rest; i++)
        rest = (b->w[i / 64] >> (i % 64) & 1) != 0;
    return top + rest;
}

static u128 big_inverse(const struct big *b) /* 1/b, likewise; b is no power of two */
{
    struct big r = {{0}};
    int bits = big_bits(b);
    u128 q = 0;

    r.w[(bits - 1) / 64] = UINT64_C(1) << ((bits - 1) % 64);
    for (int i = 0; i < 128; i++) {
        big_double(&r);
        q = q << 1 | big_take(&r, b);
    }
    return q + 1;
}

static void fill_powers(void)
{
    struct big b = {{1}};

    for (int k = 0; k <= K_MAX; k++) {
        power[k - K_MIN] = big_top(&b);
        if (k > 0 && k <= -K_MIN)
            power[-k - K_MIN] = big_inverse(&b);
        big_times_10(&b);
    }
}

const u128 *real_powers(void)
{
    pthread_once(&power_once, fill_powers);
    return power;
}

static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* More than 19 digits: zeros at both ends may still leave few that count. */
static enum decimal_form scan_long(const char *p, const char *end, struct decimal *d)
{
    int count = 0, zeros = 0;
    bool point = false;

    d->digits = 0;
    d->exp10 = 0;
    for (; p < end && (digit(*p) || *p == '.'); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        d->exp10 -= point;
        if (*p == '0') {
            zeros += count > 0;
            continue;
        }
        count += zeros + 1;
        if (count > 19)
            return DECIMAL_LONG;
        for (; zeros > 0; zeros--)
            d->digits *= 10;
        d->digits = d->digits * 10 + (uint64_t)(*p - '0');
    }
    d->exp10 += zeros;
    return DECIMAL_OK;
}

enum decimal_form decimal_scan(const char *p, size_t n, struct decimal *ret)
{
    const char *end = p + n, *first;
    uint64_t v = 0;
    int fraction = 0, exponent = 0;

    ret->negative = p < end && *p == '-';
    p += ret->negative;
    first = p;
    for (; p < end && digit(*p); p++)
        v = v * 10 + (uint64_t)(*p - '0');
    ptrdiff_t digits = p - first;
    if (p < end && *p == '.') {
        const char *point = p++;
        for (; p < end && digit(*p); p++)
            v = v * 10 + (uint64_t)(*p - '0');
        digits += p - point - 1;
        /* beyond this the value is 0 or too long, whatever it is */
        fraction = p - point - 1 > 1000000 ? 1000000 : (int)(p - point - 1);
    }
    if (digits == 0)
        return DECIMAL_BAD;
    const char *mantissa_end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool minus = ++p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        if (p == end)
            return DECIMAL_BAD;
        for (; p < end && digit(*p); p++)
            exponent = exponent > 1000000 ? exponent : exponent * 10 + (*p - '0');
        exponent = minus ? -exponent : exponent;
    }
    if (p != end)
        return DECIMAL_BAD;
    ret->digits = v;
    ret->exp10 = -fraction;
    if (digits > 19) {
        enum decimal_form form =
            mantissa_end - first > 1000000 ? DECIMAL_LONG : scan_long(first, mantissa_end, ret);
        if (form != DECIMAL_OK)
            return form;
    }
    ret->exp10 += exponent;
    return DECIMAL_OK;
}

int decimal_strip(struct decimal *d)
{
    int count = 0;

    if (d->digits == 0) {
        d->exp10 = 0;
        return 1;
    }
    while (d->digits % 10 == 0) {
        d->digits /= 10;
        d->exp10++;
    }
    for (uint64_t v = d->digits; v != 0; v /= 10)
        count++;
    return count;
}

bool decimal_same(struct decimal a, struct decimal b)
{
    return a.digits == b.digits && a.exp10 == b.exp10;
}

static double by_library(const struct decimal *d)
{
    char text[48];

    /* no decimal point, so no locale in it */
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)d->digits, d->exp10);
    return strtod(text, NULL);
}

/*
 * The algorithm of D. Lemire, "Number parsing at a gigabyte per second": multiplies by the 128-bit power and
 * reads the double off the product. Where the product cannot decide, and among denormals, strtod does.
 */
static double by_product(const struct decimal *d)
{
    int q = d->exp10;

    if (q < K_MIN || q > 308)
        return by_library(d);
    pthread_once(&power_once, fill_powers);
    u128 g = power[q - K_MIN];
    if (q < -27 || q > 55)
        g -= 1; /* rounded down here */
    int lz = __builtin_clzll(d->digits);
    uint64_t w = d->digits << lz;
    u128 first = (u128)w * (uint64_t)(g >> 64);
    if (((uint64_t)(first >> 64) & 0x1ff) == 0x1ff)
        first += (uint64_t)(((u128)w * (uint64_t)g) >> 64);
    uint64_t upper = (uint64_t)(first >> 64), lower = (uint64_t)first;
    if (lower == UINT64_MAX && (q < -27 || q > 55))
        return by_library(d);
    int top = (int)(upper >> 63);
    uint64_t mantissa = upper >> (top + 64 - 52 - 3);
    int exponent = (((152170 + 65536) * q) >> 16) + 63 + top - lz + 1023;
    if (exponent <= 0)
        return by_library(d);
    if (lower <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << (top + 64 - 52 - 3) == upper)
        mantissa &= ~UINT64_C(1); /* exactly between two: to the even one */
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= UINT64_C(2) << 52) {
        mantissa = UINT64_C(1) << 52;
        exponent++;
    }
    if (exponent >= 0x7ff)
        return HUGE_VAL;
    uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)exponent << 52;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

double decimal_to_double(const struct decimal *d)
{
    double v;

    if (d->digits <= UINT64_C(1) << 53 && d->exp10 >= -22 &&
        d->exp10 <= 22) /* Clinger: both exact, one rounding */
        v = d->exp10 < 0 ? (double)d->digits / exact_power[-d->exp10]
                         : (double)d->digits * exact_power[d->exp10];
    else if (d->digits == 0)
        v = 0;
    else
        v = by_product(d);
    return d->negative ? -v : v;
}

float decimal_to_float(const struct decimal *d)
{
    char text[48];
    float v;

    if (d->digits <= 1u << 24 && d->exp10 >= -10 && d->exp10 <= 10) {
        float f = (float)d->digits;
        v = d->exp10 < 0 ? f / (float)exact_power[-d->exp10] : f * (float)exact_power[d->exp10];
    } else {
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)d->digits, d->exp10);
        v = strtof(text, NULL); /* not by way of a double, which would round twice */
    }
    return d->negative ? -v : v;
}

struct decimal decimal_shortest(double v)
{
    struct decimal d;
    int64_t mantissa;

    shortest_double(v, &mantissa, &d.exp10);
    d.negative = signbit(v) != 0;
    d.digits = (uint64_t)(mantissa < 0 ? -mantissa : mantissa);
    return d;
}

struct decimal decimal_printed(double v, int digits)
{
    struct decimal d = {0, 0, false};
    char text[48];
    const char *e, *p = text;

    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    e = strchr(text, 'e');
    for (; e != NULL && p < e; p++) /* the point is whatever the locale says */
        if (digit(*p))
            d.digits = d.digits * 10 + (uint64_t)(*p - '0');
    d.exp10 = (e != NULL ? (int)strtol(e + 1, NULL, 10) : 0) - (digits - 1);
    decimal_strip(&d);
    d.negative = signbit(v) != 0;
    return d;
}
