/* The cheapest SQL that sums a column exactly. docs/verification.md says why each form is exact. */
#include "io/real.h"
#include "io/target_sums_int.h"
#include <math.h>

enum {
    EXACT_BITS = 53,    /* integers below 2^53 add up without rounding in doubles */
    MAX_EXPONENT = 1000 /* a product stays below 2^this */
};

static int bits_of(int64_t rows)
{
    int n = 0;

    while (n < 62 && (INT64_C(1) << n) < rows)
        n++;
    return n;
}

/* Magnitudes of an integer column are at most 2^this. */
static int integer_bits(const struct column *c)
{
    uint64_t most = c->is_unsigned ? c->max_u : c->max < 0 ? 0 : (uint64_t)c->max, least = (uint64_t)c->min;

    if (c->is_unsigned && most == 0)
        most = (uint64_t)c->max;
    if (!c->is_unsigned && c->min < 0 && -least > most)
        most = -least;
    int n = 0;
    while (n < 64 && most > (n == 0 ? 1 : UINT64_C(1) << n))
        n++;
    return n;
}

static bool plan_slices(const struct col_sum *s, int rows, struct ask *ret)
{
    const int width = EXACT_BITS - 1 - rows;
    bool some = s->low <= s->high;
    int high = some ? s->high : 0, low = some ? s->low : -60, n = 1;

    if (width < 8)
        return false;
    ret->how = ASK_SLICES;
    ret->negative = s->negative;
    ret->high = high;
    ret->at[0] = width - high;
    do {
        if (n == MOST_SLICES)
            return false;
        ret->at[n] = ret->at[n - 1] + width;
        n++;
    } while (ret->at[n - 1] < -low);
    ret->slices = n;
    return true;
}

void ask_plan(const struct column *c, const struct col_sum *s, int64_t rows, bool fast, bool full,
              struct ask *ret)
{
    enum sum_kind kind = sum_kind_of(c);
    int range = bits_of(rows);

    *ret = (struct ask){.how = kind == SUM_NONE     ? ASK_COUNT
                               : kind == SUM_DOUBLE ? ASK_REAL
                                                    : ASK_EXACT,
                        .count = c->nullable || !fast,
                        .extremes = full && has_extremes(c),
                        .check = full};
    if (kind == SUM_DOUBLE && s->bounded) {
        if (!fast)
            ret->how = ASK_BITS;
        else if (!plan_slices(s, range, ret))
            ret->how = ASK_REAL;
        return;
    }
    if (kind != SUM_NUMBER || c->type != COL_INT || !fast)
        return;
    int value = integer_bits(c);
    if (value + range < EXACT_BITS)
        ret->how = ASK_PLAIN;
    if (c->nullable && value + 2 * range + 2 < EXACT_BITS) {
        ret->how = ASK_PACKED;
        ret->shift = value + range + 1;
        ret->count = false;
    }
}

static size_t own_cells(const struct ask *a)
{
    switch (a->how) {
    case ASK_COUNT:
        return 0;
    case ASK_EXACT:
    case ASK_PLAIN:
    case ASK_PACKED:
    case ASK_BITS:
        break;
    case ASK_REAL:
        return 2;
    case ASK_SLICES:
        return (size_t)a->slices;
    }
    return 1;
}

size_t ask_cells(const struct ask *a)
{
    return (size_t)a->count + own_cells(a) + (a->extremes ? 2 : 0) + (size_t)a->check;
}

int ask_count_expr(const struct ask *a, const char *quoted, struct buf *ret, struct err *err)
{
    return a->count ? buf_addf(ret, err, ",COUNT(%s)", quoted) : 0;
}

static int add_power(int exp2, struct buf *ret, struct err *err)
{
    char text[40];

    snprintf(text, sizeof text, "%.17g", ldexp(1, exp2));
    return buf_addf(ret, err, "%s%s", text, strchr(text, 'e') == NULL ? "e0" : "");
}

/*
 * c * 2^exp2, which is exact. Where it could leave the range of doubles, a value as large as that counts as 0: its last
 * bit is far above 2^-exp2, so no slice from there on has anything of it.
 */
static int scaled(const char *quoted, int high, int exp2, struct buf *ret, struct err *err)
{
    bool guarded = high + exp2 > MAX_EXPONENT;
    int first = exp2 > MAX_EXPONENT ? MAX_EXPONENT : exp2;
    int rc = guarded ? buf_addf(ret, err, "IF(ABS(%s)<", quoted) : 0;

    if (rc == 0 && guarded)
        rc = add_power(MAX_EXPONENT - exp2, ret, err);
    if (rc == 0)
        rc = buf_addf(ret, err, guarded ? ",%s,0e0)*" : "%s*", quoted);
    if (rc == 0)
        rc = add_power(first, ret, err);
    if (rc == 0 && exp2 > first)
        rc = buf_adds(ret, "*", err);
    if (rc == 0 && exp2 > first)
        rc = add_power(exp2 - first, ret, err);
    return rc;
}

/* What is left of c * 2^at behind the point. */
static int rest(const struct ask *a, int at, const char *quoted, struct buf *ret, struct err *err)
{
    int high = a->high;
    int rc = scaled(quoted, high, at, ret, err);

    if (rc == 0)
        rc = buf_adds(ret, a->negative ? "-TRUNCATE(" : "-FLOOR(", err);
    if (rc == 0)
        rc = scaled(quoted, high, at, ret, err);
    return rc < 0 ? rc : buf_adds(ret, a->negative ? ",0)" : ")", err);
}

static int slice(const struct ask *a, int i, const char *quoted, struct buf *ret, struct err *err)
{
    const char *whole = a->negative ? ",SUM(TRUNCATE(" : ",SUM(FLOOR(", *end = a->negative ? ",0))" : "))";
    int rc;

    if (i == a->slices - 1) {
        rc = buf_adds(ret, ",SUM(", err);
        if (rc == 0)
            rc = rest(a, a->at[i - 1], quoted, ret, err);
        return rc < 0 ? rc : buf_adds(ret, ")", err);
    }
    rc = buf_adds(ret, whole, err);
    if (rc == 0 && i == 0)
        rc = scaled(quoted, a->high, a->at[0], ret, err);
    if (rc == 0 && i > 0) {
        rc = buf_adds(ret, "(", err);
        if (rc == 0)
            rc = rest(a, a->at[i - 1], quoted, ret, err);
        if (rc == 0)
            rc = buf_adds(ret, ")*", err);
        if (rc == 0)
            rc = add_power(a->at[i] - a->at[i - 1], ret, err);
    }
    return rc < 0 ? rc : buf_adds(ret, end, err);
}

int ask_fast_expr(const struct ask *a, const char *quoted, struct buf *ret, struct err *err)
{
    int rc = 0;

    if (a->how == ASK_PLAIN)
        return buf_addf(ret, err, ",SUM(%s+0e0)", quoted);
    if (a->how == ASK_PACKED) {
        rc = buf_addf(ret, err, ",SUM(IFNULL(%s+0e0,", quoted);
        if (rc == 0)
            rc = add_power(a->shift, ret, err);
        return rc < 0 ? rc : buf_adds(ret, "))", err);
    }
    for (int i = 0; rc == 0 && i < a->slices; i++)
        rc = slice(a, i, quoted, ret, err);
    return rc;
}

/* --- answers --- */

static int cell_double(struct str cell, double *ret, struct err *err)
{
    struct decimal d;

    *ret = 0;
    if (cell.p == NULL) /* a sum of no values */
        return 0;
    if (decimal_scan(cell.p, cell.n, &d) == DECIMAL_BAD)
        return err_set(err, ERR_INTERNAL, "'%.*s' is no sum", (int)(cell.n > 60 ? 60 : cell.n), cell.p);
    *ret = decimal_to_double(&d);
    return 0;
}

static int add_hex(struct str cell, struct bits *b, struct err *err)
{
    struct bits v = {{0}};

    if (cell.p == NULL)
        return 0;
    if (cell.n != sizeof v * 2)
        return err_set(err, ERR_INTERNAL, "a sum of bits has %zu digits", cell.n);
    for (size_t i = 0; i < cell.n; i++) {
        unsigned char ch = (unsigned char)cell.p[i];
        unsigned digit = (unsigned)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
        size_t place = cell.n - 1 - i;
        v.w[place / 16] |= (uint64_t)(digit & 15) << (place % 16 * 4);
    }
    bits_add_all(b, &v);
    return 0;
}

static int add_slices(const struct ask *a, const struct str *cells, struct col_sum *s, struct err *err)
{
    for (int i = 0; i < a->slices; i++) {
        double v;
        int rc = cell_double(cells[i], &v, err);
        if (rc < 0)
            return rc;
        bits_add_double(sums_bits(s), v, -a->at[i < a->slices - 1 ? i : i - 1]);
    }
    return 0;
}

static int add_packed(const struct ask *a, struct str cell, struct col_sum *s, struct err *err)
{
    double all, unit = ldexp(1, a->shift);
    int rc = cell_double(cell, &all, err);

    if (rc < 0)
        return rc;
    double nulls = floor((all + unit / 2) / unit);
    s->nulls += (int64_t)nulls;
    dec256_add_scaled(&s->sum, (int64_t)(all - nulls * unit), 30);
    return 0;
}

static int add_full(const struct ask *a, const struct column *c, const struct str *cells, struct col_sum *s,
                    struct err *err)
{
    struct full *f = sums_full(s);

    for (int i = 0; a->extremes && i < 2; i++, cells++)
        if (cells->p != NULL)
            full_extreme(f, c, *cells);
    return cells->p != NULL ? dec256_add_text(&f->check, *cells, err) : 0;
}

int ask_add(const struct ask *a, const struct column *c, const struct str *cells, int64_t rows,
            struct col_sum *s, struct err *err)
{
    double v;
    int rc = 0;

    if (a->count)
        s->nulls += rows - target_cell_i64(*cells++);
    switch (a->how) {
    case ASK_COUNT:
        break;
    case ASK_EXACT:
    case ASK_REAL:
        rc = cells[0].p != NULL ? dec256_add_text(&s->sum, cells[0], err) : 0;
        if (rc == 0 && a->how == ASK_REAL)
            s->large += target_cell_i64(cells[1]);
        break;
    case ASK_PLAIN:
        rc = cell_double(cells[0], &v, err);
        if (rc == 0)
            dec256_add_scaled(&s->sum, (int64_t)v, 30);
        break;
    case ASK_PACKED:
        rc = add_packed(a, cells[0], s, err);
        break;
    case ASK_SLICES:
        rc = add_slices(a, cells, s, err);
        break;
    case ASK_BITS:
        rc = add_hex(cells[0], sums_bits(s), err);
        break;
    }
    if (rc == 0 && a->check)
        rc = add_full(a, c, cells + own_cells(a), s, err);
    return rc;
}
