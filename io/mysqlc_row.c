#include "io/mysqlc_row.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/shortest.h"
#include <math.h>

enum { OK_BYTE = 1, RESERVED_BITS = 2, LONG_CELL = 1024, DEFINITION_END = 13, NAMES = 6 };

/* --- little-endian numbers --- */

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const unsigned char *p)
{
    return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
}

bool row_length(const unsigned char *p, size_t n, size_t *at, uint64_t *ret)
{
    size_t left = n - *at;

    if (left == 0)
        return false;
    const unsigned char *q = p + *at;
    size_t size = q[0] < 0xfb ? 1 : q[0] == 0xfc ? 3 : q[0] == 0xfd ? 4 : q[0] == 0xfe ? 9 : 0;
    if (size == 0 || left < size)
        return false;
    *ret = size == 1 ? q[0] : size == 3 ? get16(q + 1) : size == 4 ? get32(q) >> 8 : get64(q + 1);
    *at += size;
    return true;
}

/* --- what a column is --- */

int row_column(const unsigned char *p, size_t n, struct arena *a, struct row_column *ret, struct err *err)
{
    size_t at = 0;
    uint64_t length = 0;

    *ret = (struct row_column){.name = NULL};
    for (int i = 0; i < NAMES; i++) { /* catalog, schema, table, its own name, name, the column's own */
        if (!row_length(p, n, &at, &length) || length > n - at)
            goto bad;
        if (i == NAMES - 2)
            ret->name = arena_strndup(a, (const char *)p + at, (size_t)length);
        at += (size_t)length;
    }
    if (n - at < DEFINITION_END) /* MariaDB may say more before the end, and at it nobody does */
        goto bad;
    p += n - DEFINITION_END;
    if (p[0] != DEFINITION_END - 1)
        goto bad;
    ret->charset = get16(p + 1);
    ret->length = get32(p + 3);
    ret->type = p[7];
    ret->flags = get16(p + 8);
    ret->decimals = p[10];
    return 0;
bad:
    return err_set(err, ERR_BAD_RESPONSE, "the server's description of a column cannot be read");
}

/* --- cells --- */

void row_put_null(const struct batch_col *c, size_t row)
{
    switch (c->kind) {
    case CELL_I64:
    case CELL_U64:
        c->i64[row] = 0;
        break;
    case CELL_DOUBLE:
        c->dbl[row] = 0;
        c->mantissa[row] = 0;
        c->exp10[row] = 0;
        break;
    case CELL_BYTES:
        c->bytes[row] = NULL;
        c->lengths[row] = 0;
        break;
    }
}

int row_put_double(const struct row_cell *cell, double v, struct batch_col *c, size_t row, struct err *err)
{
    int64_t mantissa;
    int exp10;

    if (!isfinite(v))
        return err_set(err, ERR_BAD_RESPONSE, "column %s holds a number that is none", cell->name);
    shortest_double(v, &mantissa, &exp10); /* of a float too: so do loads, and the server's sums */
    c->dbl[row] = v;
    c->mantissa[row] = mantissa;
    c->exp10[row] = (int16_t)exp10;
    return 0;
}

static char *two(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *clock_text(char *p, const struct row_time *t, unsigned hours, int fsp)
{
    unsigned part = t->micro;

    p = two(p, hours);
    *p++ = ':';
    p = two(p, t->minute);
    *p++ = ':';
    p = two(p, t->second);
    if (fsp == 0)
        return p;
    *p = '.';
    for (int i = 6; i > 0; i--, part /= 10)
        p[i] = (char)('0' + part % 10);
    return p + 1 + fsp;
}

/* Returns the length. */
static size_t time_text(const struct row_cell *cell, const struct row_time *t, char out[48])
{
    char *p = out;

    if (cell->how == ROW_TIME) {
        unsigned hours = t->day * 24 + t->hour; /* up to 838 */
        if (t->negative)
            *p++ = '-';
        if (hours > 99)
            *p++ = (char)('0' + hours / 100 % 10);
        return (size_t)(clock_text(p, t, hours % 100, cell->fsp) - out);
    }
    p = two(p, t->year / 100);
    p = two(p, t->year % 100);
    *p++ = '-';
    p = two(p, t->month);
    *p++ = '-';
    p = two(p, t->day);
    if (cell->how == ROW_DATE)
        return (size_t)(p - out);
    *p++ = ' ';
    return (size_t)(clock_text(p, t, t->hour, cell->fsp) - out);
}

void row_put_time(const struct row_cell *cell, const struct row_time *t, struct batch *b, size_t i,
                  size_t row)
{
    struct batch_col *c = &b->cols[i];
    char text[48];

    c->lengths[row] = time_text(cell, t, text);
    c->bytes[row] = batch_keep(b, text, c->lengths[row]);
    b->bytes += c->lengths[row];
}

/* The bytes behind a time's own length, which says how much of it is there: the rest is zero. */
static bool read_time(const struct row_cell *cell, const unsigned char *p, size_t n, struct row_time *ret)
{
    *ret = (struct row_time){.negative = false};
    if (n == 0)
        return true;
    if (cell->how == ROW_TIME) {
        if (n != 8 && n != 12)
            return false;
        ret->negative = p[0] != 0;
        ret->day = get32(p + 1);
        p += 5;
        n -= 5;
    } else {
        if (n != 4 && n != 7 && n != 11)
            return false;
        ret->year = get16(p);
        ret->month = p[2];
        ret->day = p[3];
        p += 4;
        n -= 4;
    }
    if (n >= 3) {
        ret->hour = p[0];
        ret->minute = p[1];
        ret->second = p[2];
    }
    if (n == 7)
        ret->micro = get32(p + 3);
    return true;
}

static int put_bytes(const struct row_cell *cell, const unsigned char *p, size_t n, struct batch *b, size_t i,
                     size_t row, struct err *err)
{
    struct batch_col *c = &b->cols[i];

    if (cell->how == ROW_BIT) {
        uint64_t v = 0;
        for (size_t k = 0; k < n && k < sizeof v; k++)
            v = v << 8 | p[k];
        c->i64[row] = (int64_t)v;
        return 0;
    }
    if (n > MAX_CELL)
        return err_set(err, ERR_TOO_LARGE, "a value of column %s has %zu bytes, more than %u", cell->name, n,
                       MAX_CELL);
    c->bytes[row] =
        n <= LONG_CELL ? batch_keep(b, (const char *)p, n) : arena_strndup(b->arena, (const char *)p, n);
    c->lengths[row] = n;
    b->bytes += n;
    return 0;
}

static int bad_row(const struct row_cell *cell, struct err *err)
{
    return err_set(err, ERR_BAD_RESPONSE, "the server's row cannot be read at column %s", cell->name);
}

/* A cell with its length before it; *at moves behind it. */
static int read_sized(const struct row_cell *cell, const unsigned char *p, size_t n, size_t *at,
                      struct batch *b, size_t i, size_t row, struct err *err)
{
    struct row_time t;
    uint64_t length;

    if (!row_length(p, n, at, &length) || length > n - *at)
        return bad_row(cell, err);
    p += *at;
    *at += (size_t)length;
    if (cell->how == ROW_BIT || cell->how == ROW_BYTES)
        return put_bytes(cell, p, (size_t)length, b, i, row, err);
    if (!read_time(cell, p, (size_t)length, &t))
        return bad_row(cell, err);
    row_put_time(cell, &t, b, i, row);
    return 0;
}

static int read_real(const struct row_cell *cell, const unsigned char *p, struct batch_col *c, size_t row,
                     struct err *err)
{
    double v;

    if (cell->how == ROW_FLOAT) {
        uint32_t bits = get32(p);
        float f;
        memcpy(&f, &bits, sizeof f);
        v = (double)f;
    } else {
        uint64_t bits = get64(p);
        memcpy(&v, &bits, sizeof v);
    }
    return row_put_double(cell, v, c, row, err);
}

int row_read(const struct row_cell *cells, size_t count, const unsigned char *p, size_t n, struct batch *b,
             size_t row, struct err *err)
{
    static const unsigned char sizes[] = {
        [ROW_INT8] = 1,  [ROW_INT16] = 2,  [ROW_INT32] = 4, [ROW_INT64] = 8,
        [ROW_FLOAT] = 4, [ROW_DOUBLE] = 8, [ROW_DATE] = 0,  [ROW_DATETIME] = 0,
        [ROW_TIME] = 0,  [ROW_BIT] = 0,    [ROW_BYTES] = 0};
    size_t at = OK_BYTE + (count + RESERVED_BITS + 7) / 8;
    int rc = 0;

    if (n < at || p[0] != 0)
        return bad_row(&cells[0], err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct row_cell *cell = &cells[i];
        struct batch_col *c = &b->cols[i];
        const unsigned char *q = p + at;
        size_t bit = i + RESERVED_BITS;
        c->nulls[row] = (char)(p[OK_BYTE + bit / 8] >> bit % 8 & 1);
        if (c->nulls[row]) {
            row_put_null(c, row);
            continue;
        }
        if (n - at < sizes[cell->how])
            return bad_row(cell, err);
        at += sizes[cell->how];
        switch (cell->how) {
        case ROW_INT8:
            c->i64[row] = cell->is_unsigned ? q[0] : (int8_t)q[0];
            break;
        case ROW_INT16:
            c->i64[row] = cell->is_unsigned ? get16(q) : (int16_t)get16(q);
            break;
        case ROW_INT32:
            c->i64[row] = cell->is_unsigned ? (int64_t)get32(q) : (int32_t)get32(q);
            break;
        case ROW_INT64:
            c->i64[row] = (int64_t)get64(q);
            break;
        case ROW_FLOAT:
        case ROW_DOUBLE:
            rc = read_real(cell, q, c, row, err);
            break;
        case ROW_DATE:
        case ROW_DATETIME:
        case ROW_TIME:
        case ROW_BIT:
        case ROW_BYTES:
            rc = read_sized(cell, p, n, &at, b, i, row, err);
            break;
        }
    }
    return rc == 0 && at != n ? bad_row(&cells[count - 1], err) : rc;
}
