/*
 * A row of the binary protocol, and the description of a column, as a stranger may send them in a server's place. The first
 * byte says how many columns there are, one byte each what they are, the rest is the row.
 */
#include "base/mem.h"
#include "io/mysqlc_row.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 12, KINDS = ROW_BYTES + 1 };

static enum col_type type_of(enum row_how how)
{
    return how <= ROW_INT64                        ? COL_INT
           : how == ROW_FLOAT || how == ROW_DOUBLE ? COL_DOUBLE
           : how == ROW_BIT                        ? COL_BIT
                                                   : COL_TEXT;
}

static void row(const uint8_t *what, size_t count, const unsigned char *p, size_t n)
{
    struct column columns[MOST] = {{.name = NULL}};
    struct row_cell cells[MOST];
    int at[MOST];
    struct table table = {.columns = columns, .count = count};
    struct err err;

    for (size_t i = 0; i < count; i++) {
        cells[i] = (struct row_cell){what[i] % KINDS, (what[i] & 64) != 0, what[i] % 7, "c"};
        columns[i] =
            (struct column){.name = "c", .type = type_of(cells[i].how), .is_unsigned = cells[i].is_unsigned};
        at[i] = (int)i;
    }
    struct batch *b = batch_new(&table, at, count, 1);
    int rc = row_read(cells, count, p, n, b, 0, &err);
    if (rc < 0 && err.code != ERR_BAD_RESPONSE)
        __builtin_trap();
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char scratch[CELL_TEXT_SIZE];
        struct str text = batch_cell_text(&b->cols[i], 0, scratch);
        if ((text.p == NULL) != (b->cols[i].nulls[0] != 0))
            __builtin_trap();
        if (b->cols[i].kind == CELL_BYTES && text.p != NULL && text.p[text.n] != '\0')
            __builtin_trap();
    }
    batch_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct row_column column;
    struct err err;

    if (row_column(data, size, a, &column, &err) < 0 ? err.code != ERR_BAD_RESPONSE : column.name == NULL)
        __builtin_trap();
    arena_free(a);
    size_t count = size > 0 ? data[0] % MOST + 1 : 0;
    if (count > 0 && size > count) {
        size_t n = size - 1 - count;
        unsigned char *p = xmalloc(n + 1); /* of its own, so that a byte beside it is found out */
        unsigned char *exact = xrealloc(p, n > 0 ? n : 1);
        if (n > 0)
            memcpy(exact, data + 1 + count, n);
        row(data + 1, count, exact, n);
        free(exact);
    }
    return 0;
}
