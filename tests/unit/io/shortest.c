#include "io/shortest.h"
#include "io/digits_int.h"
#include "io/real.h"
#include "tests/tap.h"
#include <float.h>
#include <math.h>

/*
 * What is right, by printf and strtod alone: the text reads back; one digit less does not; and of that many digits it is
 * what printf rounds to, unless that does not read back (beside a power of two, whose neighbours are not equally far).
 * ORCH_SHORTEST_CASES: how many random bit patterns; a campaign sets tens of millions.
 */
static uint64_t seed = 88172645463325252u;
static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static long cases(long usual)
{
    const char *wanted = getenv("ORCH_SHORTEST_CASES");

    return wanted != NULL ? strtol(wanted, NULL, 10) : usual;
}

static bool reads_as(const char *text, double v, bool is_float)
{
    return is_float ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

/* The digits of "1.234e-05" as an integer, and its exponent, as we have them. */
static struct decimal digits_of(const char *text)
{
    struct decimal d;

    if (decimal_scan(text, strlen(text), &d) != DECIMAL_OK)
        abort();
    decimal_strip(&d);
    return d;
}

/* Whether a decimal of `digits` digits, the nearest or one beside it, reads back. */
static bool some_read(double v, int digits, bool is_float, bool beside)
{
    char text[64], number[64];

    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    if (reads_as(text, v, is_float))
        return true;
    struct decimal d = digits_of(text);
    for (int n = count_digits(d.digits); n < digits; n++) {
        d.digits *= 10;
        d.exp10--;
    }
    for (int step = -1; beside && step <= 1; step += 2) {
        snprintf(number, sizeof number, "%llue%d",
                 (unsigned long long)d.digits + (unsigned long long)(int64_t)step, d.exp10);
        if (reads_as(number, v, is_float))
            return true;
    }
    return false;
}

static bool right(double v, bool is_float)
{
    char text[SHORTEST_SIZE], printed[64];
    int64_t mantissa;
    int exp10, power;
    double plus = fabs(v);

    if (is_float)
        shortest_float((float)v, &mantissa, &exp10);
    else
        shortest_double(v, &mantissa, &exp10);
    int n = shortest_text(mantissa, exp10, text);
    if ((size_t)n != strlen(text) || !reads_as(text, v, is_float))
        return false;
    if (v == 0)
        return mantissa == 0 && exp10 == 0;
    uint64_t m = (uint64_t)(mantissa < 0 ? -mantissa : mantissa);
    if (m % 10 == 0 || (mantissa < 0) != (v < 0))
        return false;
    int digits = count_digits(m);
    bool narrow = frexp(plus, &power) == 0.5;
    if (digits > 1 && some_read(plus, digits - 1, is_float, narrow))
        return false;
    snprintf(printed, sizeof printed, "%.*e", digits - 1, plus);
    struct decimal p = digits_of(printed);
    return (p.digits == m && p.exp10 == exp10) || (narrow && !reads_as(printed, plus, is_float));
}

static bool right_double(double v)
{
    if (!right(v, false) || !right(-v, false)) {
        diag("%a, %.17g", v, v);
        return false;
    }
    return true;
}

static bool right_float(float v)
{
    if (!right((double)v, true) || !right((double)-v, true)) {
        diag("%a, %.9g", (double)v, (double)v);
        return false;
    }
    return true;
}

static double double_of(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static float float_of(uint32_t bits)
{
    float v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

TEST(any_double_reads_back_and_nothing_shorter_does)
{
    for (long i = cases(700000); i > 0; i--) {
        double v = double_of(draw());
        if (isfinite(v) && !ok(right(v, false))) {
            diag("%a, %.17g", v, v);
            return;
        }
    }
}

TEST(any_float_reads_back_and_nothing_shorter_does)
{
    for (long i = cases(300000); i > 0; i--) {
        float v = float_of((uint32_t)(draw() >> 32));
        if (isfinite(v) && !ok(right((double)v, true))) {
            diag("%a, %.9g", (double)v, (double)v);
            return;
        }
    }
}

TEST(doubles_as_people_write_them)
{
    for (long i = cases(100000) / 4; i > 0; i--) {
        double v = (double)(draw() % 1000000000) / (double)(1 << draw() % 20),
               w = (double)(draw() % 100000000) / 1e9;
        if (!ok(right_double(v)) || !ok(right_double(w)) ||
            !ok(right_double((double)(draw() >> draw() % 60))))
            return;
    }
}

TEST(powers_of_two_and_their_neighbours)
{
    for (int biased = 0; biased < 0x7ff; biased++)
        for (int step = -2; step <= 2; step++) {
            uint64_t bits = ((uint64_t)biased << 52) + (uint64_t)(int64_t)step;
            if (bits < UINT64_C(0x7ff) << 52 && !ok(right_double(double_of(bits))))
                return;
        }
    for (uint32_t biased = 0; biased < 0xff; biased++)
        for (int step = -2; step <= 2; step++) {
            uint32_t bits = (biased << 23) + (uint32_t)step;
            if (bits < 0xffu << 23 && !ok(right_float(float_of(bits))))
                return;
        }
    for (int i = 0; i < 52; i++)
        ok(right_double(double_of(UINT64_C(1) << i))); /* denormals */
    for (int i = 0; i < 23; i++)
        ok(right_float(float_of(1u << i)));
}

TEST(powers_of_ten_and_their_neighbours)
{
    char text[16];

    for (int e = -324; e <= 308; e++) {
        snprintf(text, sizeof text, "1e%d", e);
        double v = strtod(text, NULL);
        for (int i = 0; i < 9; i++)
            ok(isinf(v * (i + 1)) || right_double(v * (i + 1)));
        ok(right_double(nextafter(v, 0)));
        ok(right_double(nextafter(v, HUGE_VAL)));
        if (e >= -45 && e <= 38) {
            float f = strtof(text, NULL);
            ok(right_float(f) && right_float(nextafterf(f, 0)) && right_float(nextafterf(f, HUGE_VALF)));
        }
    }
}

TEST(integers_around_two_to_the_53)
{
    for (int64_t i = -3000; i <= 3000; i++) {
        ok(right_double((double)((INT64_C(1) << 53) + i)));
        ok(right_float((float)((1 << 24) + i)));
        ok(right_double((double)i));
    }
}

TEST(the_ends)
{
    static const double some[] = {DBL_MAX, DBL_MIN, DBL_TRUE_MIN, DBL_EPSILON,       0.1,
                                  0.2,     0.3,     1.0 / 3,      9.5367431640625e-7};
    static const float few[] = {FLT_MAX, FLT_MIN, FLT_TRUE_MIN, FLT_EPSILON, 0.1f, 1.0f / 3};

    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        ok(right_double(some[i]));
    for (size_t i = 0; i < ARRAY_LEN(few); i++)
        ok(right_float(few[i]));
}

static void written(double v, const char *want)
{
    char text[SHORTEST_SIZE];
    int64_t mantissa;
    int exp10;

    shortest_double(v, &mantissa, &exp10);
    is_int(shortest_text(mantissa, exp10, text), strlen(want));
    is_str(text, want);
}

TEST(how_it_looks)
{
    int64_t mantissa;
    int exp10;

    written(0, "0");
    written(-0.0, "0"); /* an integer mantissa has no sign of its own there: io/format_cell.c adds it */
    written(0.1, "0.1");
    written(-1200, "-1200");
    written(1.5e-7, "1.5e-7");
    written(1e-6, "0.000001");
    written(9.99e-7, "9.99e-7");
    written(0.000012345678901234567, "0.000012345678901234568");
    written(123456.789, "123456.789");
    written(1e16, "10000000000000000");
    written(99999999999999984.0, "99999999999999980");
    written(1e17, "1e17");
    written(-1.7976931348623157e308, "-1.7976931348623157e308");
    written(5e-324, "5e-324");
    written(100, "100");
    written(0.30000000000000004, "0.30000000000000004");
    shortest_float(0.1f, &mantissa, &exp10);
    is_int(mantissa, 1);
    is_int(exp10, -1);
    shortest_float(-16777216.0f, &mantissa, &exp10);
    is_int(mantissa, -16777216);
    is_int(exp10, 0);
}

TEST(decimals_that_are_not_the_shortest_lose_their_zeros)
{
    static const struct {
        int64_t mantissa;
        int exp10;
        const char *want;
    } some[] = {
        {150, -2, "1.5"},
        {1500, -2, "15"},
        {10, -8, "1e-7"},
        {100, -5, "0.001"},
        {5000, 20, "5e23"},
        {INT64_MAX, 0, "9.223372036854775807e18"},
        {INT64_MIN, -18, "-9.223372036854775808"},
        {INT64_MIN, -24, "-0.000009223372036854775808"},
        {INT64_MAX, -30000, "9.223372036854775807e-29982"},
    };
    char text[SHORTEST_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        int n = shortest_text(some[i].mantissa, some[i].exp10, text);
        is_int(n, strlen(text));
        is_str(text, some[i].want);
    }
}
