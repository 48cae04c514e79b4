#include "io/convert_int.h"
#include "io/real.h"
#include "io/shortest.h"
#include <float.h>
#include <math.h>
#include <strings.h>

/* Why a field is no number, in words that lead to the remedy. */
static void number_hint(struct csv_field f, struct reject_info *ret)
{
    static const char *const spellings[] = {"na", "n/a", "#n/a", "nan", "null", "none",   "nil",
                                            "-",  "--",  ".",    "?",   "\\n",  "missing"};
    const char *comma = memchr(f.p, ',', f.n);

    if (f.n == 0) {
        refuse_hint(ret, "%s",
                    f.quoted ? "a quoted empty field is never NULL; only an unquoted one can be"
                             : "an empty field is NULL only where the null list has \"\"");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        if (strlen(spellings[i]) == f.n && strncasecmp(spellings[i], f.p, f.n) == 0) {
            refuse_hint(ret, "%s",
                        f.quoted ? "a quoted field is never NULL; only an unquoted one can be"
                                 : "if it means NULL, list these very bytes in \"null\"");
            return;
        }
    if (f.p[0] == ' ' || f.p[f.n - 1] == ' ' || f.p[0] == '\t' || f.p[f.n - 1] == '\t')
        refuse_hint(ret, "blanks around a number are not taken away");
    else if (f.p[0] == '+')
        refuse_hint(ret, "a number is written without '+'");
    else if (comma != NULL)
        refuse_hint(ret, "digits are written without ',' between them, and with '.' as decimal point");
}

static int not_a_number(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    char word[TYPE_WORD_SIZE];
    bool is_int = c->column->type == COL_INT || c->column->type == COL_BIT;

    type_word_of(c->column, word);
    refuse(ret, is_int ? "NOT_AN_INT" : "NOT_A_NUMBER", f, "is not %s %s",
           strchr("AEIOU", word[0]) ? "an" : "a", word);
    number_hint(f, ret);
    return 0;
}

static int out_of_range(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const struct column *k = c->column;
    char word[TYPE_WORD_SIZE];

    type_word_of(k, word);
    if (k->type == COL_INT && k->is_unsigned)
        return refuse(ret, "OUT_OF_RANGE", f, "is outside 0 to %llu of %s", (unsigned long long)k->max_u,
                      word);
    if (k->type == COL_INT)
        return refuse(ret, "OUT_OF_RANGE", f, "is outside %lld to %lld of %s", (long long)k->min,
                      (long long)k->max, word);
    if (k->type == COL_DECIMAL || k->type == COL_BIT)
        return refuse(ret, "OUT_OF_RANGE", f, "is outside the range of %s", k->type_text);
    return refuse(ret, "OUT_OF_RANGE", f, "is outside the range of %s", word);
}

/* 1: plain digits; *ret saturates, *ret_over says so. 0: something else. */
static int plain_digits(const char *p, const char *end, uint64_t *ret, bool *ret_over)
{
    uint64_t v = 0;
    bool over = false;

    if (p == end)
        return 0;
    if (end - p <= 19) {
        for (; p < end; p++) {
            unsigned d = (unsigned)(unsigned char)*p - '0';
            if (d > 9)
                return 0;
            v = v * 10 + d;
        }
    } else {
        for (; p < end; p++) {
            unsigned d = (unsigned)(unsigned char)*p - '0';
            if (d > 9)
                return 0;
            over |= __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v);
        }
    }
    *ret = v;
    *ret_over = over;
    return 1;
}

int put_int(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const struct column *k = c->column;
    bool negative = f.n > 0 && f.p[0] == '-', over = false;
    uint64_t v;
    struct decimal d;

    if (!plain_digits(f.p + negative, f.p + f.n, &v, &over)) {
        not_a_number(c, f, ret);
        if (ret->hint[0] == '\0' && decimal_scan(f.p, f.n, &d) != DECIMAL_BAD)
            refuse_hint(ret, "an integer is digits only, also where the fraction is zero; DECIMAL or DOUBLE "
                             "take the rest");
        return 0;
    }
    if (k->is_unsigned) {
        if (over || v > k->max_u || (negative && v != 0))
            return out_of_range(c, f, ret);
        c->to->i64[c->row] = (int64_t)v;
        return 1;
    }
    if (over || v > (uint64_t)k->max + negative)
        return out_of_range(c, f, ret);
    c->to->i64[c->row] = (int64_t)(negative ? -v : v);
    return 1;
}

int put_bit(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    uint64_t v;
    bool over = false;

    if (!plain_digits(f.p, f.p + f.n, &v, &over))
        return not_a_number(c, f, ret);
    if (over || v > UINT64_MAX >> (64 - c->column->precision))
        return out_of_range(c, f, ret);
    c->to->i64[c->row] = (int64_t)v;
    return 1;
}

static int digits_lost(const struct cell *c, struct csv_field f, const char *why, struct reject_info *ret)
{
    char word[TYPE_WORD_SIZE];

    refuse(ret, "DIGITS_LOST", f, "has more digits than %s holds%s",
           c->column->type == COL_DECIMAL ? c->column->type_text : type_word_of(c->column, word), why);
    if (c->column->type == COL_FLOAT)
        refuse_hint(ret, "FLOAT holds 6 digits for certain, DOUBLE 15; DECIMAL holds what it declares");
    else if (c->column->type == COL_DOUBLE)
        refuse_hint(ret, "DOUBLE holds 15 digits for certain; DECIMAL holds what it declares");
    else
        refuse_hint(ret,
                    "declare the column with more digits after the point, or round where the file is made");
    return 0;
}

/* The two sides of the point, without zeros that do not count. */
struct sides {
    const char *whole, *fraction;
    size_t whole_n, fraction_n;
};

static struct sides split(const char *p, size_t n)
{
    const char *end = p + n, *point = memchr(p, '.', n);
    struct sides s = {p, point != NULL ? point + 1 : end, 0, 0};

    s.whole_n = (size_t)((point != NULL ? point : end) - p);
    s.fraction_n = (size_t)(end - s.fraction);
    for (; s.whole_n > 0 && *s.whole == '0'; s.whole_n--)
        s.whole++;
    while (s.fraction_n > 0 && s.fraction[s.fraction_n - 1] == '0')
        s.fraction_n--;
    return s;
}

/* d written out without exponent, at most 110 bytes; what is so far out that it fits no DECIMAL, shortened.
 */
static size_t write_out(struct decimal d, char out[128])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)d.digits);
    int zeros = d.exp10 > 80 ? 80 : d.exp10;
    char *o = out;

    if (d.exp10 < -80) {
        memset(out, '0', 81);
        out[0] = '.';
        out[80] = '1';
        return 81;
    }
    if (zeros >= 0) {
        memcpy(o, digits, (size_t)n);
        memset(o + n, '0', (size_t)zeros);
        return (size_t)n + (size_t)zeros;
    }
    int before = n + zeros; /* digits before the point; negative: zeros after it */
    if (before > 0) {
        memcpy(o, digits, (size_t)before);
        o += before;
    }
    *o++ = '.';
    for (int i = before; i < 0; i++)
        *o++ = '0';
    size_t rest = (size_t)(before > 0 ? n - before : n);
    memcpy(o, digits + (before > 0 ? before : 0), rest);
    return (size_t)(o - out) + rest;
}

/* The text is what the server shows: exactly `scale` digits after the point, so that both sides sum the same
 * bytes. */
int put_decimal(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const size_t scale = (size_t)c->column->scale, room = (size_t)c->column->precision - scale;
    const char *p = f.p;
    size_t n = f.n;
    struct decimal d;
    char plain[128], *o = c->scratch;
    enum decimal_form form = decimal_scan(p, n, &d);

    if (form == DECIMAL_BAD)
        return not_a_number(c, f, ret);
    if (memchr(p, 'e', n) != NULL || memchr(p, 'E', n) != NULL) {
        if (form == DECIMAL_LONG)
            return digits_lost(c, f, "", ret);
        decimal_strip(&d);
        n = write_out(d, plain);
        p = plain;
    } else {
        p += d.negative;
        n -= d.negative;
    }
    struct sides s = split(p, n);
    bool zero = s.whole_n == 0 && s.fraction_n == 0;
    if (s.whole_n > room || (c->column->is_unsigned && d.negative && !zero))
        return out_of_range(c, f, ret);
    if (s.fraction_n > scale)
        return digits_lost(c, f, "", ret);
    if (d.negative && !zero)
        *o++ = '-';
    if (s.whole_n == 0)
        *o++ = '0';
    memcpy(o, s.whole, s.whole_n);
    o += s.whole_n;
    if (scale > 0) {
        *o++ = '.';
        memcpy(o, s.fraction, s.fraction_n);
        memset(o + s.fraction_n, '0', scale - s.fraction_n);
        o += scale;
    }
    c->to->bytes[c->row] = c->scratch;
    c->to->lengths[c->row] = (size_t)(o - c->scratch);
    return 1;
}

/* What DOUBLE(M,D) and UNSIGNED ask for on top. The server would round to D digits, silently. */
static int check_declared(const struct cell *c, struct csv_field f, struct decimal d, struct reject_info *ret)
{
    const struct column *k = c->column;

    if (k->is_unsigned && d.negative && d.digits != 0)
        return out_of_range(c, f, ret);
    if (k->precision == 0)
        return 1;
    int digits = decimal_strip(&d);
    if (d.digits != 0 && digits + d.exp10 > k->precision - k->scale)
        return out_of_range(c, f, ret);
    if (-d.exp10 > k->scale)
        return digits_lost(c, f, " after the point", ret);
    return 1;
}

/*
 * A double is loaded when the text is one that stands for that very double: at most 15 digits (every such
 * decimal comes back from a double), or what printers give for it: the shortest form, %.16g or %.17g. Any
 * other text says more than the column will hold.
 */
int put_double(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    struct decimal d, shortest;
    enum decimal_form form = decimal_scan(f.p, f.n, &d);
    double v;

    if (form == DECIMAL_BAD)
        return not_a_number(c, f, ret);
    if (form == DECIMAL_LONG)
        return digits_lost(c, f, "", ret);
    bool exact =
        d.digits < 1000000000000000 && d.exp10 >= -22 && d.exp10 <= 22; /* no denormal, no overflow */
    v = decimal_to_double(&d);
    if (!exact && d.digits != 0) {
        int digits = decimal_strip(&d);
        if (digits > 17)
            return digits_lost(c, f, "", ret);
        if (isinf(v))
            return out_of_range(c, f, ret);
        if (digits > 15 || fabs(v) < DBL_MIN) {
            shortest = decimal_shortest(v);
            if (v == 0 || (!decimal_same(d, shortest) && !decimal_same(d, decimal_printed(v, 16)) &&
                           !decimal_same(d, decimal_printed(v, 17))))
                return digits_lost(c, f, "", ret);
            shortest.negative = d.negative;
            d = shortest;
        }
    }
    if (d.digits == 0)
        d.exp10 = 0;
    if ((c->column->is_unsigned || c->column->precision != 0) && !check_declared(c, f, d, ret))
        return 0;
    c->to->dbl[c->row] = v;
    c->to->mantissa[c->row] = d.negative ? -(int64_t)d.digits : (int64_t)d.digits;
    c->to->exp10[c->row] = (int16_t)d.exp10;
    return 1;
}

/* Likewise with a float's digits: at most 6, else the shortest form, %.7g, %.8g or %.9g of the float. */
int put_float(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    struct decimal d;
    enum decimal_form form = decimal_scan(f.p, f.n, &d);
    bool known = false;

    if (form == DECIMAL_BAD)
        return not_a_number(c, f, ret);
    int digits = decimal_strip(&d);
    if (form == DECIMAL_LONG || digits > 9)
        return digits_lost(c, f, "", ret);
    float v = decimal_to_float(&d);
    if (isinf(v))
        return out_of_range(c, f, ret);
    known = d.digits == 0 || (digits <= 6 && fabsf(v) >= FLT_MIN);
    for (int n = fabsf(v) >= FLT_MIN ? 7 : 1; n <= 9 && !known && v != 0; n++)
        known = decimal_same(d, decimal_printed((double)v, n));
    if (!known) { /* of a power of two the shortest form may be none of those */
        struct decimal shortest = {0, 0, d.negative};
        int64_t mantissa;
        shortest_float(fabsf(v), &mantissa, &shortest.exp10);
        shortest.digits = (uint64_t)mantissa;
        if (v == 0 || !decimal_same(d, shortest))
            return digits_lost(c, f, "", ret);
    }
    if (!check_declared(c, f, d, ret))
        return 0;
    struct decimal stored = decimal_shortest((double)v);
    c->to->dbl[c->row] = (double)v;
    c->to->mantissa[c->row] = stored.negative ? -(int64_t)stored.digits : (int64_t)stored.digits;
    c->to->exp10[c->row] = (int16_t)stored.exp10;
    return 1;
}
