/* Values of the server's text form and Avro's bytes, exactly. Pure. */
#include "base/civil.h"
#include "io/ocf_int.h"

enum { LIMBS = 8, MAX_DIGITS = 65 };
static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

/* w = w * by + add; the lowest limb first. */
static void more(uint32_t w[LIMBS], uint32_t by, uint32_t add)
{
    uint64_t carry = add;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)w[i] * by;
        w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* w = w / 10^9; returns what is left over. */
static uint32_t less(uint32_t w[LIMBS])
{
    uint64_t rest = 0;

    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | w[i];
        w[i] = (uint32_t)(rest / tens[9]);
        rest %= tens[9];
    }
    return (uint32_t)rest;
}

static void negate(uint32_t w[LIMBS])
{
    uint64_t carry = 1;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint32_t)~w[i];
        w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* The digits of text on both sides of its point, and zeros up to scale: at most MAX_DIGITS, else -1. */
static int all_digits(struct str text, int scale, char out[MAX_DIGITS])
{
    const char *p = text.p, *end = p + text.n;
    int n = 0, fraction = -1;

    if (p == end || *p == '.' || end[-1] == '.')
        return -1;
    for (; p < end; p++) {
        if (*p == '.' && fraction < 0) {
            fraction = 0;
            continue;
        }
        if (!is_digit(*p) || fraction == scale)
            return -1;
        fraction += fraction >= 0;
        if (n == 0 && *p == '0')
            continue;
        if (n == MAX_DIGITS)
            return -1;
        out[n++] = *p;
    }
    for (fraction = fraction < 0 ? 0 : fraction; fraction < scale && n > 0; fraction++) {
        if (n == MAX_DIGITS)
            return -1;
        out[n++] = '0';
    }
    return n;
}

bool ocf_decimal_put(struct str text, int precision, int scale, unsigned char out[OCF_DECIMAL_MAX],
                     size_t *ret_n)
{
    bool negative = text.n > 0 && *text.p == '-';
    uint32_t w[LIMBS] = {0};
    char digits[MAX_DIGITS];

    if (negative) {
        text.p++;
        text.n--;
    }
    int n = all_digits(text, scale, digits);
    if (n < 0 || n > precision)
        return false;
    for (int i = 0; i < n;) {
        uint32_t v = 0;
        int m = 0;
        for (; m < 9 && i < n; m++, i++)
            v = v * 10 + (uint32_t)(digits[i] - '0');
        more(w, tens[m], v);
    }
    if (negative)
        negate(w);
    /* two's complement, the highest first, without bytes that say nothing but the sign */
    unsigned char all[OCF_DECIMAL_MAX];
    for (int i = 0; i < LIMBS; i++)
        for (int k = 0; k < 4; k++)
            all[OCF_DECIMAL_MAX - 1 - i * 4 - k] = (unsigned char)(w[i] >> 8 * k);
    unsigned char fill = all[0];
    size_t at = 0;
    while (at < OCF_DECIMAL_MAX - 1 && all[at] == fill && ((all[at + 1] ^ fill) & 0x80) == 0)
        at++;
    *ret_n = OCF_DECIMAL_MAX - at;
    memcpy(out, all + at, *ret_n);
    return true;
}

bool ocf_decimal_get(const unsigned char *p, size_t n, int precision, int scale, char out[OCF_TEXT_MAX],
                     size_t *ret_n)
{
    enum { ALL = 81 }; /* digits of 256 bits, and some */
    char digits[ALL];
    uint32_t w[LIMBS];
    char *o = out;

    if (n == 0 || n > OCF_DECIMAL_MAX)
        return false;
    bool negative = (*p & 0x80) != 0;
    memset(w, negative ? 0xff : 0, sizeof w);
    for (size_t i = 0; i < n; i++) {
        size_t at = n - 1 - i;
        w[i / 4] = (w[i / 4] & ~(UINT32_C(0xff) << i % 4 * 8)) | (uint32_t)p[at] << i % 4 * 8;
    }
    if (negative)
        negate(w);
    /* 9 digits at a time, from the end */
    for (int at = ALL; at > 0;) {
        uint32_t v = less(w);
        for (int k = 0; k < 9; k++, v /= 10)
            digits[--at] = (char)('0' + v % 10);
    }
    int first = 0;
    while (first < ALL && digits[first] == '0')
        first++;
    if (ALL - first > precision)
        return false;
    if (first > ALL - scale - 1)
        first = ALL - scale - 1; /* "0.05" */
    if (negative)
        *o++ = '-';
    memcpy(o, digits + first, (size_t)(ALL - scale - first));
    o += ALL - scale - first;
    if (scale > 0) {
        *o++ = '.';
        memcpy(o, digits + ALL - scale, (size_t)scale);
        o += scale;
    }
    *ret_n = (size_t)(o - out);
    return true;
}

size_t ocf_u64_put(uint64_t v, unsigned char out[9])
{
    size_t n = 1;

    while (n < 9 && v >> (8 * n - 1) != 0) /* the highest bit is the sign */
        n++;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(n - 1 - i < 8 ? v >> 8 * (n - 1 - i) : 0);
    return n;
}

bool ocf_u64_get(const unsigned char *p, size_t n, uint64_t *ret)
{
    uint64_t v = 0;

    if (n == 0 || (*p & 0x80) != 0)
        return false;
    for (; n > 8; n--)
        if (*p++ != 0)
            return false;
    for (; n > 0; n--)
        v = v << 8 | *p++;
    *ret = v;
    return true;
}

/* Exactly n digits. */
static bool number(const char *p, int n, int *ret)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (!is_digit(p[i]))
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *ret = v;
    return true;
}

bool ocf_date_put(struct str text, int64_t *ret_days)
{
    const char *p = text.p;
    int y, m, d;

    if (text.n != 10 || p[4] != '-' || p[7] != '-' || !number(p, 4, &y) || !number(p + 5, 2, &m) ||
        !number(p + 8, 2, &d) || m < 1 || m > 12 || d < 1 || d > civil_month_days(y, m))
        return false;
    *ret_days = civil_days(y, m, d);
    return true;
}

static const int64_t first_day = -719528, last_day = 2932896; /* 0000-01-01, 9999-12-31 */

/* n digits of v, and what follows them. */
static char *digits_of(char *o, int64_t v, int n, char behind)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        o[i] = (char)('0' + v % 10);
    o[n] = behind;
    return o + n + 1;
}

bool ocf_date_get(int64_t days, char out[OCF_TEXT_MAX], size_t *ret_n)
{
    if (days < first_day || days > last_day)
        return false;
    struct civil c = civil_from_ms(days * 86400000);
    char *o = digits_of(out, c.year, 4, '-');
    o = digits_of(o, c.month, 2, '-');
    *ret_n = (size_t)(digits_of(o, c.day, 2, ' ') - out) - 1;
    return true;
}

bool ocf_micros_put(struct str text, int64_t *ret_micros)
{
    const char *p = text.p;
    int64_t days, micros = 0;
    int h, m, s;

    if (text.n < 19 || text.n == 20 || text.n > 26 || p[10] != ' ' || p[13] != ':' || p[16] != ':' ||
        !ocf_date_put((struct str){p, 10}, &days) || !number(p + 11, 2, &h) || !number(p + 14, 2, &m) ||
        !number(p + 17, 2, &s) || h > 23 || m > 59 || s > 59 || (text.n > 19 && p[19] != '.'))
        return false;
    for (size_t i = 20; i < 26; i++) {
        if (i < text.n && !is_digit(p[i]))
            return false;
        micros = micros * 10 + (i < text.n ? p[i] - '0' : 0);
    }
    *ret_micros = (((days * 24 + h) * 60 + m) * 60 + s) * 1000000 + micros;
    return true;
}

bool ocf_micros_get(int64_t micros, int fsp, char out[OCF_TEXT_MAX], size_t *ret_n)
{
    const int64_t day = INT64_C(86400) * 1000000;
    int64_t days = micros / day, rest = micros % day;

    if (rest < 0) {
        rest += day;
        days--;
    }
    int64_t seconds = rest / 1000000, part = rest % 1000000;
    if (part % tens[6 - fsp] != 0 || !ocf_date_get(days, out, ret_n))
        return false;
    char *o = out + *ret_n + 1; /* the blank is there */
    o = digits_of(o, seconds / 3600, 2, ':');
    o = digits_of(o, seconds / 60 % 60, 2, ':');
    o = digits_of(o, seconds % 60, 2, '.');
    if (fsp > 0)
        o = digits_of(o, part / tens[6 - fsp], fsp, '.');
    *ret_n = (size_t)(o - out) - 1;
    return true;
}
