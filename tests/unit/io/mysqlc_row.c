#include "io/mysqlc_row.h"
#include "base/mem.h"
#include "tests/tap.h"

/* What no real server sends; what one does is in target_select. */

static struct batch *batch_of(const struct row_cell *cells, size_t count)
{
    static struct column columns[8];
    static int at[8];
    static struct table table;

    for (size_t i = 0; i < count; i++) {
        enum row_how how = cells[i].how;
        columns[i] = (struct column){.name = "c",
                                     .type = how <= ROW_INT64    ? COL_INT
                                             : how == ROW_DOUBLE ? COL_DOUBLE
                                                                 : COL_TEXT};
        at[i] = (int)i;
    }
    table = (struct table){.columns = columns, .count = count};
    return batch_new(&table, at, count, 1);
}

static int read_copy(const struct row_cell *cells, size_t count, const char *p, size_t n, struct batch *b,
                     struct err *err)
{
    unsigned char *exact = xmalloc(n > 0 ? n : 1); /* so that a byte beside it is found out */

    memcpy(exact, p, n);
    int rc = row_read(cells, count, exact, n, b, 0, err);
    free(exact);
    return rc;
}

TEST(a_row_that_is_cut_anywhere_is_refused)
{
    static const struct row_cell cells[] = {{ROW_INT8, false, 0, "a"},   {ROW_INT64, false, 0, "b"},
                                            {ROW_DOUBLE, false, 0, "d"}, {ROW_DATETIME, false, 6, "t"},
                                            {ROW_TIME, false, 0, "h"},   {ROW_BYTES, false, 0, "s"}};
    static const char row[] = "\0\0"
                              "\xff"
                              "\1\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\xf8\x3f"
                              "\x0b\xe6\x07\x06\x05\x0c\x22\x38\x40\xe2\x01\x00"
                              "\x08\x01\x22\x00\x00\x00\x16\x3b\x3b"
                              "\xfc\x05\x00hello";
    size_t n = sizeof row - 1;
    struct batch *b = batch_of(cells, ARRAY_LEN(cells));
    struct err err;

    must_rc(read_copy(cells, ARRAY_LEN(cells), row, n, b, &err), &err);
    is_int(b->cols[0].i64[0], -1);
    is_int(b->cols[1].i64[0], 1);
    ok(b->cols[2].dbl[0] == 1.5);
    is_str(b->cols[3].bytes[0], "2022-06-05 12:34:56.123456");
    is_str(b->cols[4].bytes[0], "-838:59:59");
    is_str(b->cols[5].bytes[0], "hello");
    for (size_t cut = 0; cut < n; cut++)
        fails(read_copy(cells, ARRAY_LEN(cells), row, cut, b, &err), &err, ERR_BAD_RESPONSE);
    char *more = xmalloc(n + 1);
    memcpy(more, row, n + 1);
    fails(read_copy(cells, ARRAY_LEN(cells), more, n + 1, b, &err), &err, ERR_BAD_RESPONSE);
    more[0] = 1; /* no row's first byte */
    fails(read_copy(cells, ARRAY_LEN(cells), more, n, b, &err), &err, ERR_BAD_RESPONSE);
    free(more);
    batch_free(b);
}

TEST(what_cannot_be_is_refused)
{
    static const struct row_cell text[] = {{ROW_BYTES, false, 0, "s"}}, day[] = {{ROW_DATE, false, 0, "t"}},
                                 real[] = {{ROW_DOUBLE, false, 0, "d"}};
    static const struct {
        const struct row_cell *cell;
        const char *row;
        size_t n;
        enum err_code code;
    } rows[] = {{text, "\0\0\xfb", 3, ERR_BAD_RESPONSE},
                {text, "\0\0\xff", 3, ERR_BAD_RESPONSE},
                {text, "\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 11, ERR_BAD_RESPONSE},
                {day, "\0\0\5\0\0\0\0\0", 8, ERR_BAD_RESPONSE},
                {real, "\0\0\0\0\0\0\0\0\xf8\x7f", 10, ERR_BAD_RESPONSE}};
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct batch *b = batch_of(rows[i].cell, 1);
        fails(read_copy(rows[i].cell, 1, rows[i].row, rows[i].n, b, &err), &err, rows[i].code);
        ok(strstr(err.msg, rows[i].cell->name) != NULL);
        batch_free(b);
    }
}

TEST(a_description_is_whole_or_refused)
{
    static const char plain[] = "\3def\4shop\1t\1t\2id\3own\x0c\x3f\0\x0b\0\0\0\3\3\x42\0\0\0",
                      more[] =
                          "\3def\4shop\1t\1t\2id\3own\6\1\4json\x0c\x2d\0\xff\xff\xff\xff\xfc\x10\0\0\0\0";
    struct arena *a = arena_new();
    struct row_column c;
    struct err err;

    must_rc(row_column((const unsigned char *)plain, sizeof plain - 1, a, &c, &err), &err);
    is_str(c.name, "id");
    is_int(c.charset, 63);
    is_int(c.length, 11);
    is_int(c.type, 3);
    is_int(c.flags, 0x4203);
    must_rc(row_column((const unsigned char *)more, sizeof more - 1, a, &c, &err), &err);
    is_int(c.type, 252);
    is_int(c.length, 4294967295);
    for (size_t cut = 0; cut < sizeof plain - 1; cut++) {
        unsigned char *exact = xmalloc(cut > 0 ? cut : 1);
        memcpy(exact, plain, cut);
        fails(row_column(exact, cut, a, &c, &err), &err, ERR_BAD_RESPONSE);
        free(exact);
    }
    arena_free(a);
}
