#include "io/convert_int.h"
#include "io/digits_int.h"

/*
 * What most cells are: an integer of up to 16 digits, or a decimal of up to 15 with one point, in range, in a column
 * that asks for nothing special. Whatever is not so goes the long way (convert.c), which alone refuses: here is
 * nothing but a shorter way to the same value.
 */
enum { MOST_DIGITS = 15 /* of a decimal: it and the power of ten below are doubles themselves */ };

static const uint64_t whole_power[MOST_DIGITS + 1] = {1u,
                                                      10u,
                                                      100u,
                                                      1000u,
                                                      10000u,
                                                      100000u,
                                                      1000000u,
                                                      10000000u,
                                                      100000000u,
                                                      1000000000u,
                                                      10000000000u,
                                                      100000000000u,
                                                      1000000000000u,
                                                      10000000000000u,
                                                      100000000000000u,
                                                      1000000000000000u};
static const double double_power[MOST_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* No spelling of NULL may be what is taken for a number here. */
static bool null_is_a_number(const struct plan *p)
{
    for (size_t i = 0; i < p->null_count; i++)
        for (size_t k = 0; k < p->nulls[i].n; k++)
            if (p->nulls[i].p[k] >= '0' && p->nulls[i].p[k] <= '9')
                return true;
    return false;
}

struct quick quick_of(const struct plan *p)
{
    const struct column *k = p->cell.column;
    struct quick q = {QUICK_NOT, p->field, 0};

    if (!DIGITS_AT_ONCE || p->field < 0 || null_is_a_number(p))
        return q;
    if (k->type == COL_INT) {
        q.kind = k->is_unsigned ? QUICK_UNSIGNED : QUICK_INT;
        q.max = k->is_unsigned ? k->max_u : (uint64_t)k->max;
    } else if (k->type == COL_DOUBLE && !k->is_unsigned && k->precision == 0) {
        q.kind = QUICK_DOUBLE;
    }
    return q;
}

/* One or two digits: most columns of numbers have no more. */
static inline bool few_digits(const char *p, unsigned n, uint64_t *ret)
{
    unsigned two = 1 - n; /* all ones or none: no branch, for nobody can foresee which */
    unsigned a = (unsigned)(unsigned char)p[0] - '0', b = ((unsigned)(unsigned char)p[1] - '0') & two;

    *ret = a + (9 * a & two) + b;
    return (a <= 9) & (b <= 9);
}

/* n digits at p, 1 to 8 */
static inline bool some_digits(const char *p, unsigned n, uint64_t *ret)
{
    return n <= 2 ? few_digits(p, n, ret) : digits_first(digits_load(p), n, ret);
}

/* 1 to 16 */
static inline bool many_digits(const char *p, unsigned n, uint64_t *ret)
{
    uint64_t high, low;

    if (n <= 8)
        return some_digits(p, n, ret);
    bool good = some_digits(p, n - 8, &high) & digits_value(digits_load(p + n - 8), &low);
    *ret = high * 100000000 + low;
    return good;
}

static inline bool quick_int(const struct quick *q, struct csv_field f, int64_t *ret)
{
    uint64_t v;

    if (f.n - 1 < 2 && few_digits(f.p, f.n, &v) && v <= q->max) {
        *ret = (int64_t)v;
        return true;
    }
    unsigned minus = f.p[0] == '-', n = f.n - minus;
    if (n - 1 >= 16 || (minus && q->kind == QUICK_UNSIGNED) || !many_digits(f.p + minus, n, &v) ||
        v > q->max + minus)
        return false;
    *ret = (int64_t)(minus ? -v : v);
    return true;
}

static inline bool quick_double(struct csv_field f, struct batch_col *to, size_t row)
{
    unsigned minus = f.p[0] == '-', n = f.n - minus;
    const char *p = f.p + minus;
    uint64_t w = digits_load(p), digits, fraction = 0;
    unsigned point = digits_find(w, '.'), after = 0;

    if (n - 1 > MOST_DIGITS)
        return false;
    if (point < n && point < 8) {
        after = n - point - 1;
        if (point == 0 || after == 0 || !some_digits(p, point, &digits) ||
            !many_digits(p + point + 1, after, &fraction))
            return false;
        digits = digits * whole_power[after] + fraction;
    } else if (n > 8 || !digits_first(w, n, &digits)) {
        return false;
    }
    /* one division of two exact doubles: what decimal_to_double does */
    double v = (double)(int64_t)digits / double_power[after];
    to->dbl[row] = minus ? -v : v;
    to->mantissa[row] = minus ? -(int64_t)digits : (int64_t)digits;
    to->exp10[row] = (int16_t)(digits != 0 ? -(int)after : 0);
    return true;
}

size_t quick_cells(const struct converter *c, const struct csv_record *rec, const struct batch *b,
                   size_t from)
{
    const struct csv_field *fields = rec->fields;
    struct batch_col *to = b->cols + from;
    const struct quick *q = c->quick + from, *end = c->quick + c->count;
    size_t row = b->rows;

    if (!rec->padded)
        return from;
    for (; q < end; q++, to++) {
        if (q->kind == QUICK_DOUBLE ? !quick_double(fields[q->field], to, row)
                                    : q->kind == QUICK_NOT || !quick_int(q, fields[q->field], &to->i64[row]))
            break;
        to->nulls[row] = 0;
    }
    return (size_t)(q - c->quick);
}
