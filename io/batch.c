#include "io/batch.h"
#include <string.h>

enum { RAW_BLOCK = 48 * 1024 /* records of so many bytes are kept together */ };

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

static void move_up(void *array, size_t size, size_t row, size_t rows)
{
    char *p = array;

    if (p != NULL)
        memmove(p + row * size, p + (row + 1) * size, (rows - row - 1) * size);
}

void batch_take_out(struct batch *b, size_t row)
{
    for (size_t i = 0; i < b->col_count; i++) {
        struct batch_col *c = &b->cols[i];
        move_up(c->nulls, sizeof *c->nulls, row, b->rows);
        move_up(c->i64, sizeof *c->i64, row, b->rows);
        move_up(c->dbl, sizeof *c->dbl, row, b->rows);
        move_up(c->bytes, sizeof *c->bytes, row, b->rows);
        move_up(c->lengths, sizeof *c->lengths, row, b->rows);
        move_up(c->mantissa, sizeof *c->mantissa, row, b->rows);
        move_up(c->exp10, sizeof *c->exp10, row, b->rows);
    }
    move_up(b->lines, sizeof *b->lines, row, b->rows);
    move_up(b->offsets, sizeof *b->offsets, row, b->rows);
    move_up(b->load_ids, sizeof *b->load_ids, row, b->rows);
    move_up(b->raw, sizeof *b->raw, row, b->rows);
    move_up(b->raw_n, sizeof *b->raw_n, row, b->rows);
    b->rows--;
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
