#ifndef IO_BATCH_H
#define IO_BATCH_H
#include "io/sums.h"
#include "io/table.h"
/*
 * Rows on their way to the target, column by column, as an array-bound INSERT wants them. Text lives in the
 * batch's arena until batch_clear.
 */
enum cell_kind { CELL_I64, CELL_U64, CELL_DOUBLE, CELL_BYTES };
struct batch_col {
    int column; /* index into table->columns */
    enum cell_kind kind;
    char *nulls;            /* 1: NULL */
    int64_t *i64;           /* CELL_I64; CELL_U64 by cast */
    double *dbl;            /* CELL_DOUBLE */
    const char **bytes;     /* CELL_BYTES */
    unsigned long *lengths; /* CELL_BYTES */
    int64_t *mantissa;      /* CELL_DOUBLE: value == mantissa * 10^exp10, its shortest decimal form */
    int16_t *exp10;
};
struct batch {
    const struct table *table;
    struct batch_col *cols;
    size_t col_count;
    size_t rows, capacity;
    size_t bytes; /* on the wire or in memory, roughly, the larger of each row: flush at BATCH_BYTES */
    int64_t *lines, *offsets; /* per row: for _orch_line and for rejects found by the server */
    int64_t *load_ids; /* per row, for _orch_load_id, where objects share a batch; NULL: the load's own */
    const char **raw;  /* per row: the record as it stood (arena), for such rejects */
    uint32_t *raw_n;
    struct arena *arena;
    char *raw_free; /* in arena: room for the next records as they stood */
    size_t raw_left;
};
enum cell_kind cell_kind_of(const struct column *c);
/* columns: indexes into t->columns that the load fills, in INSERT order. t is borrowed. */
struct batch *batch_new(const struct table *t, const int *columns, size_t count, size_t capacity);
/* Rows of several objects from now on: load_ids is there, 0 so far. */
void batch_share(struct batch *b);
void batch_clear(struct batch *b);
/* A copy of a record's n bytes that lives as long as the arena's; a NUL follows it. */
char *batch_keep(struct batch *b, const char *p, size_t n);
/* Row is gone, and those behind it move up. */
void batch_take_out(struct batch *b, size_t row);
void batch_free(struct batch *b);
/* Adds rows [from, to) of b to s. */
void batch_sum_rows(const struct batch *b, size_t from, size_t to, struct sums *s);
/* Adds every row of b, or one row, to (sign +1) or takes it from (-1) s. */
void batch_sum(const struct batch *b, struct sums *s);
/* Whether the cell is what the table gives as text (target_rows); NULL equals NULL alone. */
bool batch_cell_equal(const struct batch_col *c, size_t row, struct str stored);
#define CELL_TEXT_SIZE 40
/* The cell as text, p NULL for NULL; borrows from the batch or from scratch. */
struct str batch_cell_text(const struct batch_col *c, size_t row, char scratch[CELL_TEXT_SIZE]);
void batch_sum_row(const struct batch *b, size_t row, int sign, struct sums *s);
#endif
