/*
 * Rows in bulk where no arrays can be bound: LOAD DATA LOCAL, fed from memory. The statement reads nothing of the disk:
 * whatever file a server names, it gets the rows that we are sending, and nothing where we send none.
 *
 * LOCAL means IGNORE: what the server does not like it bends or drops, with a warning. So a statement counts only when
 * there is no warning and as many rows went in as were sent; who gets less rolls back and goes the careful way.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "io/mysqlc_int.h"

enum { ROOM = 4096 /* at least so much is asked for, or more: a cell without text fits */ };

struct mysqlc_infile {
    const struct mysqlc_part *part, *end;
    size_t columns, row, col; /* the cell that comes next, of the part */
    size_t at;                /* bytes of it that are written: a long text in pieces */
};

static int nothing(void **ret, const char *name, void *arg)
{
    struct mysqlc *c = arg;

    UNUSED(name);
    *ret = c->infile;
    return c->infile == NULL; /* nobody asked this of the server */
}

static char *put_digits(char *p, uint64_t v)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *put_signed(char *p, int64_t v)
{
    if (v < 0)
        *p++ = '-';
    return put_digits(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* Escapes what LOAD DATA would read as something else. Returns how much of the text is written. */
static size_t put_text(char **p, const char *limit, const char *text, size_t from, size_t n)
{
    char *out = *p;

    for (; from < n && limit - out >= 2; from++) {
        char ch = text[from];
        if (ch == '\\' || ch == '\t' || ch == '\n' || ch == '\0') {
            *out++ = '\\';
            ch = ch == '\t' ? 't' : ch == '\n' ? 'n' : ch == '\0' ? '0' : ch;
        }
        *out++ = ch;
    }
    *p = out;
    return from;
}

/* The cell, or as much of it as fits: true when it is complete. */
static bool put_cell(struct mysqlc_infile *f, char **p, const char *limit)
{
    const struct mysqlc_column *c = &f->part->cols[f->col];

    if (c->nulls != NULL && c->nulls[f->row]) {
        memcpy(*p, "\\N", 2);
        *p += 2;
        return true;
    }
    switch (c->kind) {
    case BULK_I64:
        if (c->is_year && ((const int64_t *)c->values)[f->row] == 0) {
            memcpy(*p, "0000", 4);
            *p += 4;
            return true;
        }
        *p = put_signed(*p, ((const int64_t *)c->values)[f->row]);
        return true;
    case BULK_U64:
        *p = put_digits(*p, ((const uint64_t *)c->values)[f->row]);
        return true;
    case BULK_DOUBLE: /* the shortest decimal that reads back as this very double */
        *p = put_signed(*p, c->mantissa[f->row]);
        *(*p)++ = 'e';
        *p = put_signed(*p, c->exp10[f->row]);
        return true;
    case BULK_TEXT:
    case BULK_BLOB: {
        size_t n = c->lengths[f->row];
        f->at = put_text(p, limit, ((const char *const *)c->values)[f->row], f->at, n);
        if (f->at < n)
            return false;
        f->at = 0;
        return true;
    }
    }
    return true;
}

static int give(void *arg, char *buf, unsigned size)
{
    struct mysqlc_infile *f = arg;
    char *p = buf;
    const char *limit = buf + size - 48; /* a number, and what stands behind it */

    while (p < limit && f->part < f->end) {
        if (f->row == f->part->rows) {
            f->part++;
            f->row = 0;
            continue;
        }
        if (!put_cell(f, &p, limit))
            break;
        bool last = ++f->col == f->columns;
        *p++ = last ? '\n' : '\t';
        if (last) {
            f->col = 0;
            f->row++;
        }
    }
    return (int)(p - buf);
}

static void done(void *arg)
{
    UNUSED(arg);
}

static int say(void *arg, char *text, unsigned size)
{
    UNUSED(arg);
    snprintf(text, size, "orch gives no file to a server");
    return 2; /* CR_UNKNOWN_ERROR would be taken for a fault of the library */
}

void mysqlc_infile_guard(struct mysqlc *c)
{
    mysql_set_local_infile_handler(c->handle, nothing, give, done, say, c);
}

int mysqlc_infile(struct mysqlc *c, const char *sql, const struct mysqlc_part *parts, size_t count,
                  size_t columns, int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
    struct mysqlc_infile f = {.part = parts, .end = parts + count, .columns = columns};
    int64_t start_ms = clock_mono_ms();

    c->infile = &f;
    int failed = mysql_real_query(c->handle, sql, (unsigned long)strlen(sql));
    c->infile = NULL;
    if (failed != 0)
        return mysqlc_fail_handle(c, start_ms, err);
    *ret_rows = (int64_t)mysql_affected_rows(c->handle);
    *ret_warnings = mysql_warning_count(c->handle);
    c->answered_ms = clock_mono_ms();
    return 0;
}
