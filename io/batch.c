#include "io/batch.h"
#include "io/hash.h"
#include <math.h>

__extension__ typedef __int128 i128;

enum { RAW_BLOCK = 48 * 1024 /* records of so many bytes are kept together */ };
enum { SCALE = 30, EXPONENTS = 64 /* of 10^(i - 30): below 1e25, none is higher */ };

enum cell_kind cell_kind_of(const struct column *c)
{
    switch (c->type) {
    case COL_INT:
        return c->is_unsigned ? CELL_U64 : CELL_I64;
    case COL_BIT:
        return CELL_U64;
    case COL_YEAR:
        return CELL_I64;
    case COL_DOUBLE:
    case COL_FLOAT:
        return CELL_DOUBLE;
    case COL_DECIMAL:
    case COL_TEXT:
    case COL_BINARY:
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
    case COL_UNSUPPORTED:
        break;
    }
    return CELL_BYTES;
}

struct batch *batch_new(const struct table *t, const int *columns, size_t count, size_t capacity)
{
    struct batch *b = xcalloc(1, sizeof *b);

    b->table = t;
    b->cols = xcalloc(count, sizeof *b->cols);
    b->col_count = count;
    b->capacity = capacity;
    b->lines = xcalloc(capacity, sizeof *b->lines);
    b->offsets = xcalloc(capacity, sizeof *b->offsets);
    b->raw = xcalloc(capacity, sizeof *b->raw);
    b->raw_n = xcalloc(capacity, sizeof *b->raw_n);
    b->arena = arena_new();
    for (size_t i = 0; i < count; i++) {
        struct batch_col *c = &b->cols[i];
        c->column = columns[i];
        c->kind = cell_kind_of(&t->columns[columns[i]]);
        c->nulls = xcalloc(capacity, sizeof *c->nulls);
        if (c->kind == CELL_DOUBLE) {
            c->dbl = xcalloc(capacity, sizeof *c->dbl);
            c->mantissa = xcalloc(capacity, sizeof *c->mantissa);
            c->exp10 = xcalloc(capacity, sizeof *c->exp10);
        } else if (c->kind == CELL_BYTES) {
            c->bytes = xcalloc(capacity, sizeof *c->bytes);
            c->lengths = xcalloc(capacity, sizeof *c->lengths);
        } else {
            c->i64 = xcalloc(capacity, sizeof *c->i64);
        }
    }
    return b;
}

void batch_share(struct batch *b)
{
    if (b->load_ids == NULL)
        b->load_ids = xcalloc(b->capacity, sizeof *b->load_ids);
}

char *batch_keep(struct batch *b, const char *p, size_t n)
{
    if (b->raw_left <= n) {
        b->raw_left = n + 1 > RAW_BLOCK ? n + 1 : RAW_BLOCK;
        b->raw_free = arena_alloc(b->arena, b->raw_left);
    }
    char *copy = b->raw_free;
    memcpy(copy, p, n);
    copy[n] = '\0';
    b->raw_free += n + 1;
    b->raw_left -= n + 1;
    return copy;
}

void batch_clear(struct batch *b)
{
    b->rows = 0;
    b->bytes = 0;
    b->raw_free = NULL;
    b->raw_left = 0;
    arena_reset(b->arena);
}

void batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->col_count; i++) {
        struct batch_col *c = &b->cols[i];
        free(c->nulls);
        free(c->i64);
        free(c->dbl);
        free(c->bytes);
        free(c->lengths);
        free(c->mantissa);
        free(c->exp10);
    }
    free(b->cols);
    free(b->lines);
    free(b->load_ids);
    free(b->offsets);
    free(b->raw);
    free(b->raw_n);
    arena_free(b->arena);
    free(b);
}

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
