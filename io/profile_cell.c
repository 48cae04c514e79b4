/* What one cell is: pure, and fast for the numbers that fill most files. */
#include "base/civil.h"
#include "io/profile_int.h"
#include "io/real.h"
#include <math.h>
#include <strings.h>

static bool is_digit(char c)
{
    return (unsigned)(unsigned char)c - '0' < 10;
}

/* --- numbers --- */

/* Eight digits at once, if that is what is at p: most fractions have as many. */
static bool eight_digits(const char *p, uint64_t *digits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), six = UINT64_C(0x0606060606060606);
    uint64_t w = hash_eight(p);

    if ((w & high) != UINT64_C(0x3030303030303030) || ((w + six) & high) != UINT64_C(0x3030303030303030))
        return false;
    w = (w & ~high) * (10 << 8 | 1) >> 8; /* pairs of digits, in every other byte */
    w = (w & UINT64_C(0x00ff00ff00ff00ff)) * (100 << 16 | 1) >> 16;
    w = (w & UINT64_C(0x0000ffff0000ffff)) * (UINT64_C(10000) << 32 | 1) >> 32;
    *digits = *digits * 100000000 + w;
    return true;
#else
    UNUSED(p);
    UNUSED(digits);
    return false;
#endif
}

/* Up to 19 digits and one point, without exponent: 1 read, 0 another form or too long for exactness. */
static int plain_number(const char *p, const char *end, struct cell_look *ret)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    bool negative = *p == '-';
    uint64_t digits = 0;
    size_t fraction = 0;

    p += negative;
    if (end - p > 18 || p == end)
        return 0;
    const char *from = p;
    while (p < end && is_digit(*p))
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    bool whole = p == end;
    if (!whole) {
        if (*p != '.')
            return 0;
        const char *point = p++;
        if (end - p >= 8 && eight_digits(p, &digits))
            p += 8;
        while (p < end && is_digit(*p))
            digits = digits * 10 + (uint64_t)(*p++ - '0');
        fraction = (size_t)(p - point) - 1;
        if (p < end || (fraction == 0 && point == from) || digits > (UINT64_C(1) << 53))
            return 0;
    }
    /* exact: both are doubles, and one division rounds once */
    double v = whole ? (double)digits : (double)digits / tens[fraction];
    ret->number = negative ? -v : v;
    ret->class = whole ? CELL_INT : CELL_REAL;
    return 1;
}

static int number_of(const char *p, size_t n, struct cell_look *ret)
{
    const char *end = p + n, *whole = p + (*p == '-');
    struct decimal d;

    if (end - whole > 1 && whole[0] == '0' && is_digit(whole[1]))
        return 0; /* 007 is a code */
    if (plain_number(p, end, ret) == 1)
        return 1;
    if (decimal_scan(p, n, &d) == DECIMAL_BAD)
        return 0;
    if (decimal_scan(p, n, &d) == DECIMAL_LONG) { /* 19 digits are more than a double has */
        d = (struct decimal){0, 0, *p == '-'};
        const char *at = whole;
        int taken = 0;
        bool point = false;
        for (; at < end && *at != 'e' && *at != 'E'; at++) {
            if (*at == '.') {
                point = true;
            } else if (taken < 19 && (taken > 0 || *at != '0')) {
                d.digits = d.digits * 10 + (uint64_t)(*at - '0');
                taken++;
                d.exp10 -= point;
            } else if (taken >= 19) {
                d.exp10 += !point;
            } else {
                d.exp10 -= point;
            }
        }
        int e = 0;
        bool minus = at + 1 < end && at[1] == '-';
        for (at += at < end ? 1 + (at + 1 < end && (at[1] == '-' || at[1] == '+')) : 0; at < end; at++)
            e = e < 10000 ? e * 10 + (*at - '0') : e;
        d.exp10 += minus ? -e : e;
    }
    double v = decimal_to_double(&d);
    if (!isfinite(v))
        return 0;
    ret->number = v;
    bool digits_only = memchr(p, '.', n) == NULL && memchr(p, 'e', n) == NULL && memchr(p, 'E', n) == NULL;
    ret->class = digits_only && fabs(v) < 9223372036854775808.0 ? CELL_INT : CELL_REAL;
    return 1;
}

/* --- dates --- */

static int two(const char *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* 2022-06-05, and 2022-06-05[T ]12:00[:00[.000]][Z|+01:00] */
static int date_of(const char *p, size_t n, struct cell_look *ret)
{
    struct civil c = {0};

    if (n < 10 || n > 40 || p[4] != '-' || p[7] != '-' || two(p) < 0 || two(p + 2) < 0)
        return 0;
    c.year = two(p) * 100 + two(p + 2);
    c.month = two(p + 5);
    c.day = two(p + 8);
    if (!civil_valid(c.year, c.month, c.day))
        return 0;
    ret->number = (double)civil_to_ms(&c) / 1000;
    ret->class = CELL_DATE;
    if (n == 10)
        return 1;
    if (n < 16 || (p[10] != ' ' && p[10] != 'T') || p[13] != ':')
        return 0;
    int hour = two(p + 11), minute = two(p + 14);
    double second = 0;
    size_t at = 16;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return 0;
    if (at < n && p[at] == ':') {
        int whole = n >= 19 ? two(p + 17) : -1;
        if (whole < 0 || whole > 59)
            return 0;
        second = whole;
        at = 19;
        double unit = 0.1;
        if (at + 1 < n && p[at] == '.')
            for (at++; at < n && is_digit(p[at]); at++, unit /= 10)
                second += unit * (p[at] - '0');
    }
    if (at < n && p[at] == 'Z') {
        at++;
    } else if (at + 6 == n && (p[at] == '+' || p[at] == '-') && p[at + 3] == ':') {
        int off_h = two(p + at + 1), off_m = two(p + at + 4);
        if (off_h < 0 || off_h > 14 || off_m < 0 || off_m > 59)
            return 0;
        minute -= (p[at] == '-' ? -1 : 1) * (off_h * 60 + off_m);
        at += 6;
    }
    if (at != n)
        return 0;
    ret->number += hour * 3600.0 + minute * 60.0 + second;
    ret->class = CELL_DATETIME;
    return 1;
}

void cell_look(const char *p, size_t n, struct cell_look *ret)
{
    size_t bad;

    ret->flags = 0;
    ret->chars = (uint32_t)n;
    if ((is_digit(*p) || *p == '-' || *p == '.') && (number_of(p, n, ret) == 1 || date_of(p, n, ret) == 1))
        return;
    ret->class = CELL_TEXT;
    ret->number = NAN;
    uint32_t chars = 0;
    for (size_t i = 0; i < n; i++)
        chars += ((unsigned char)p[i] & 0xc0) != 0x80;
    ret->chars = chars;
    if (memchr(" \t", p[0], 2) != NULL || memchr(" \t", p[n - 1], 2) != NULL)
        ret->flags |= CELL_PADDED;
    if (!str_utf8_valid(p, n, &bad))
        ret->flags |= CELL_BAD_UTF8;
}

/* --- texts --- */

size_t cell_shape(const char *p, size_t n, char out[SHAPE_SIZE])
{
    static const char more[] = "...";
    size_t at = 0;
    char before = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)p[i];
        char c = (b & 0xc0) == 0xc0      ? 'w'
                 : b >= 0x80             ? 0
                 : is_digit((char)b)     ? '9'
                 : b >= 'A' && b <= 'Z'  ? 'A'
                 : b >= 'a' && b <= 'z'  ? 'a'
                 : b < 0x20 || b == 0x7f ? '?'
                                         : (char)b;
        if (c == 0 || (c == before && (c == 'A' || c == 'a' || c == 'w')))
            continue;
        if (at == SHAPE_SIZE - 4) {
            memcpy(out + at, more, 4);
            return at + 3;
        }
        out[at++] = c;
        before = c;
    }
    out[at] = '\0';
    return at;
}

bool cell_is_placeholder(const char *p, size_t n)
{
    static const char *const words[] = {
        "na",  "n/a", "#n/a",    "null", "none",    "nil",    "nan",  "-",      "--",        "?",      ".",
        "\\n", "tbd", "missing", "none", "unknown", "(null)", "n.a.", "#null!", "undefined", "#value!"};

    while (n > 0 && (*p == ' ' || *p == '\t')) {
        p++;
        n--;
    }
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    if (n == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == n && strncasecmp(words[i], p, n) == 0)
            return true;
    return false;
}

bool cell_is_coded(double v)
{
    static const double codes[] = {96,    97,     98,      99,       996,       997, 998, 999, 9998, 9999,
                                   99999, 999999, 9999999, 99999999, 999999999, -1,  -9,  -99, -999, -9999};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i] == v)
            return true;
    return false;
}
