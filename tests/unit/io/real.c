#include "io/real.h"
#include "tests/tap.h"
#include <math.h>

static uint64_t seed = 88172645463325252u;
static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double any_double(int i)
{
    uint64_t bits = draw() & ~(UINT64_C(1) << 63);
    double v;

    switch (i % 6) {
    case 0: /* a power of two: its neighbours are not equally far */
        bits &= ~((UINT64_C(1) << 52) - 1);
        break;
    case 1: /* a denormal */
        bits &= ((UINT64_C(1) << 52) - 1) >> (draw() % 52);
        break;
    case 2:
        return (double)(draw() % 1000000) / 1000.0 / 3;
    case 3: /* around 2^53 */
        return 9007199254740992.0 + (double)(int64_t)(draw() % 2000) - 1000;
    default:
        break;
    }
    memcpy(&v, &bits, sizeof v);
    return isfinite(v) ? v : 1;
}

TEST(parsing_agrees_with_strtod_and_strtof)
{
    for (int i = 0; i < 300000; i++) {
        struct decimal d = {draw(), (int)(draw() % (i & 1 ? 700 : 60)) - (i & 1 ? 360 : 30),
                            (draw() & 1) != 0};
        char text[48];
        for (uint64_t drop = draw() % 20; drop > 0; drop--)
            d.digits /= 10;
        snprintf(text, sizeof text, "%s%llue%d", d.negative ? "-" : "", (unsigned long long)d.digits,
                 d.exp10);
        double v = decimal_to_double(&d), want = strtod(text, NULL);
        float f = decimal_to_float(&d), want_f = strtof(text, NULL);
        if (!ok(v == want && signbit(v) == signbit(want)) ||
            !ok(f == want_f && signbit(f) == signbit(want_f)))
            diag("%s: %a, strtod says %a", text, v, want);
    }
}

TEST(shortest_reads_back_and_nothing_shorter_does)
{
    for (int i = 0; i < 50000; i++) {
        double v = any_double(i);
        struct decimal d = decimal_shortest(v), p;
        int digits = 1;
        char text[48];
        if (v == 0)
            continue;
        must(decimal_to_double(&d) == v);
        for (;; digits++) {
            snprintf(text, sizeof text, "%.*e", digits - 1, v);
            if (strtod(text, NULL) == v)
                break;
        }
        p = decimal_printed(v, digits);
        struct decimal again = d;
        must(decimal_strip(&again) <= digits);
        /* of the same length, it is the nearest: what printf gives */
        if (decimal_strip(&again) == digits && !ok(decimal_same(d, p)))
            diag("%.17g: %llue%d", v, (unsigned long long)d.digits, d.exp10);
    }
}

TEST(scanning_is_strict)
{
    static const char *const bad[] = {"",    "-",   ".",     "-.",  "+1",    "1e",      "1e+",
                                      "e5",  " 1",  "1 ",    "0x1", "1,0",   "1.2.3",   "inf",
                                      "nan", "NaN", "1e5.0", "--1", "1_000", "\xd9\xa1"};
    static const struct {
        const char *text;
        uint64_t digits;
        int exp10, count;
    } good[] = {
        {"0", 0, 0, 1},
        {"-0.00", 0, 0, 1},
        {"007", 7, 0, 1},
        {"1.50", 15, -1, 2},
        {".5", 5, -1, 1},
        {"5.", 5, 0, 1},
        {"7.96E-05", 796, -7, 3},
        {"1e3", 1, 3, 1},
        {"1e+3", 1, 3, 1},
        {"0.766126609", 766126609, -9, 9},
        {"000000000000000000000000000000000012", 12, 0, 2},
        {"0.00000000000000000000000000000000012", 12, -35, 2},
        {"1200000000000000000000000000000000", 12, 32, 2},
        {"1.0000000000000000000000000", 1, 0, 1},
        {"9999999999999999999", 9999999999999999999u, 0, 19},
        {"0e999999999999", 0, 0, 1},
    };
    struct decimal d;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!ok(decimal_scan(bad[i], strlen(bad[i]), &d) == DECIMAL_BAD))
            diag("'%s'", bad[i]);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        is_int(decimal_scan(good[i].text, strlen(good[i].text), &d), DECIMAL_OK);
        is_int(decimal_strip(&d), good[i].count);
        ok(d.digits == good[i].digits);
        is_int(d.exp10, good[i].exp10);
        ok(d.negative == (good[i].text[0] == '-'));
    }
    is_int(decimal_scan("12345678901234567891", 20, &d), DECIMAL_LONG);
    is_int(decimal_scan("0.10000000000000000555", 22, &d), DECIMAL_LONG);
}
