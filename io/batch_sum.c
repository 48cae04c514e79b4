/* What the rows of a batch come to: NULLs and exact sums, as io/sums.h says. */
#include "io/batch.h"
#include "io/hash.h"
#include "io/sums_int.h"
#include <inttypes.h>
#include <math.h>

__extension__ typedef __int128 i128;

enum {
    SCALE = 30,
    EXPONENTS = 64,     /* of 10^(i - 30): below 1e25, none is higher */
    BLOCK = 512,        /* so many mantissas of 53 bits fit in 64 */
    EXPONENTS_2 = 2047, /* of a double, as it stands */
    CELL_FULL = 130
};

/* A batch's worth of int64 fits in 128 bits whatever its signs. */
static void add_wide(struct col_sum *s, i128 v, int exp10_plus_30)
{
    const int64_t e18 = 1000000000000000000;

    if (v / e18 != 0)
        dec256_add_scaled(&s->sum, (int64_t)(v / e18), exp10_plus_30 + 18);
    if (v % e18 != 0)
        dec256_add_scaled(&s->sum, (int64_t)(v % e18), exp10_plus_30);
}

static void sum_ints(const struct batch_col *c, size_t from, size_t to, int sign, struct col_sum *s)
{
    const uint64_t offset = c->kind == CELL_U64 ? 0 : UINT64_C(1) << 63; /* so that all are 0 at least */
    uint64_t low = 0, high = 0, values = 0;

    for (size_t r = from; r < to; r++) { /* no branch, no carry: several rows in a step */
        uint64_t there = c->nulls[r] == 0, v = ((uint64_t)c->i64[r] ^ offset) & (0 - there);
        low += v & UINT32_MAX;
        high += v >> 32;
        values += there;
    }
    add_wide(s, sign * (((i128)high << 32) + low - (i128)values * offset), SCALE);
}

static void sum_doubles(const struct batch_col *c, size_t from, size_t to, int sign, struct col_sum *s)
{
    i128 sum[EXPONENTS] = {0};

    for (size_t r = from; r < to; r++) {
        if (c->nulls[r])
            continue;
        int k = c->exp10[r] + SCALE;
        int64_t m = c->mantissa[r];
        if (!(fabs(c->dbl[r]) < 1e25)) {
            s->large += sign;
            continue;
        }
        if (k < 0) {
            m = decimal_cut(m, -k);
            k = 0;
        }
        if (m != 0) /* so that k is below EXPONENTS */
            sum[k] += m;
    }
    for (int k = 0; k < EXPONENTS; k++)
        if (sum[k] != 0)
            add_wide(s, sign * sum[k], k);
}

/*
 * To the last bit: mantissas are added up by exponent. The bounds are what the server's side needs to ask for a sum that
 * is as exact; two places more, so that a value that is off by its last bit is within them.
 */
static void sum_bits(const struct batch_col *c, size_t from, size_t to, int sign, struct col_sum *s)
{
    int64_t sums[EXPONENTS_2 + 1];
    int least = EXPONENTS_2, most = 0;
    bool negative = s->negative;

    for (size_t r = from; r < to; r++) {
        uint64_t u;
        if (c->nulls[r] || c->dbl[r] == 0)
            continue;
        memcpy(&u, &c->dbl[r], sizeof u);
        int e = (int)(u >> 52 & EXPONENTS_2);
        if (e < 1)
            e = 1; /* denormal: as the least of the others, without the leading one */
        least = e < least ? e : least;
        most = e > most ? e : most;
    }
    if (!s->bounded) {
        s->low = INT16_MAX;
        s->high = INT16_MIN;
    }
    s->bounded = true;
    if (least > most)
        return;
    memset(&sums[least], 0, (size_t)(most - least + 1) * sizeof *sums);
    for (size_t r = from; r < to; r++) {
        uint64_t u;
        if (c->nulls[r] || c->dbl[r] == 0)
            continue;
        memcpy(&u, &c->dbl[r], sizeof u);
        int e = (int)(u >> 52 & EXPONENTS_2);
        int64_t m = (int64_t)(u & ((UINT64_C(1) << 52) - 1)) | (int64_t)(e > 0) << 52;
        negative |= u >> 63 != 0;
        sums[e > 0 ? e : 1] += u >> 63 != 0 ? -m : m;
    }
    for (int e = least; e <= most; e++)
        if (sums[e] != 0)
            bits_add(sums_bits(s), sign * sums[e], e - 1075);
    s->negative = negative;
    if (least - 1077 < s->low)
        s->low = (int16_t)(least - 1077);
    if (most - 1022 > s->high)
        s->high = (int16_t)(most - 1022);
}

/* The text is the server's: digits, and exactly `scale` of them after the point. */
static void sum_decimals(const struct batch_col *c, int scale, size_t from, size_t to, int sign,
                         struct col_sum *s)
{
    i128 sum = 0;
    struct dec256 wide = {{0}};
    struct err err;

    for (size_t r = from; r < to; r++) {
        const char *p = c->bytes[r];
        size_t n = c->nulls[r] ? 0 : c->lengths[r];
        if (n > 18) {
            err_ignore(dec256_add_text(&wide, (struct str){p, n}, &err));
            continue;
        }
        bool minus = n > 0 && *p == '-';
        int64_t v = 0;
        for (size_t i = minus; i < n; i++)
            if (p[i] != '.')
                v = v * 10 + (p[i] - '0');
        sum += minus ? -v : v;
    }
    add_wide(s, sign * sum, SCALE - scale);
    /* a + sign * b, by text, on the rare wide road only */
    char text[100];
    dec256_text(&wide, text + 1);
    if (strcmp(text + 1, "0") == 0)
        return;
    bool minus = text[1] == '-';
    text[0] = '-';
    const char *p = sign > 0 ? text + 1 : minus ? text + 2 : text;
    err_ignore(dec256_add_text(&s->sum, str_of(p), &err));
}

static void sum_crcs(const struct batch_col *c, size_t from, size_t to, int sign, struct col_sum *s)
{
    int64_t sum = 0;

    for (size_t r = from; r < to; r++)
        if (!c->nulls[r])
            sum += crc32_of(c->bytes[r], c->lengths[r]);
    dec256_add_scaled(&s->sum, sign * sum, SCALE);
}

/* The number that the table's CAST(x AS DECIMAL(65,30)) is, all digits written. */
static struct str real_digits(const struct batch_col *c, size_t row, char out[CELL_FULL])
{
    int k = c->exp10[row] + SCALE;
    int64_t m = c->mantissa[row];

    if (!(fabs(c->dbl[row]) < 1e25))
        return str_of("large");
    if (k < 0) {
        m = decimal_cut(m, -k);
        k = 0;
    }
    return dec256_digits(m, k, out);
}

static void sum_full(const struct batch *b, const struct batch_col *c, size_t row, int sign, struct full *f)
{
    const struct column *column = &b->table->columns[c->column];
    char scratch[CELL_TEXT_SIZE], digits[CELL_FULL], line[24];
    struct str text = batch_cell_text(c, row, scratch);

    if (text.p == NULL)
        return;
    if (sign < 0)
        f->loose = true;
    else if (has_extremes(column))
        full_extreme(f, column, text);
    int n = snprintf(line, sizeof line, "%" PRId64 ":", b->lines[row]);
    if (c->kind == CELL_DOUBLE)
        text = real_digits(c, row, digits);
    dec256_add_scaled(&f->check, sign * (int64_t)crc32_more(crc32_of(line, (size_t)n), text.p, text.n),
                      SCALE);
}

static int64_t count_nulls(const char *nulls, size_t from, size_t to)
{
    unsigned count = 0; /* a batch has fewer rows */

    for (size_t r = from; r < to; r++)
        count += nulls[r] != 0;
    return count;
}

static void sum_rows(const struct batch *b, size_t from, size_t to, int sign, struct sums *s)
{
    for (size_t i = 0; i < b->col_count; i++) {
        const struct batch_col *c = &b->cols[i];
        const struct column *column = &b->table->columns[c->column];
        struct col_sum *sum = &s->cols[c->column];
        s->used[c->column] = true;
        for (size_t r = from; s->full && r < to; r++)
            sum_full(b, c, r, sign, sums_full(sum));
        sum->nulls += sign * count_nulls(c->nulls, from, to);
        switch (sum_kind_of(column)) {
        case SUM_NUMBER:
            if (c->kind == CELL_BYTES)
                sum_decimals(c, column->scale, from, to, sign, sum);
            else
                sum_ints(c, from, to, sign, sum);
            break;
        case SUM_DOUBLE:
            sum_doubles(c, from, to, sign, sum);
            for (size_t r = from; r < to; r += BLOCK)
                sum_bits(c, r, to - r < BLOCK ? to : r + BLOCK, sign, sum);
            break;
        case SUM_CRC:
            sum_crcs(c, from, to, sign, sum);
            break;
        case SUM_NONE:
            break;
        }
    }
    s->rows += sign * (int64_t)(to - from);
}

void batch_sum_rows(const struct batch *b, size_t from, size_t to, struct sums *s)
{
    sum_rows(b, from, to, 1, s);
}

void batch_sum(const struct batch *b, struct sums *s)
{
    sum_rows(b, 0, b->rows, 1, s);
}

void batch_sum_row(const struct batch *b, size_t row, int sign, struct sums *s)
{
    sum_rows(b, row, row + 1, sign, s);
}
