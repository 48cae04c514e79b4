#ifndef TESTS_LIB_AVRO_TABLE_H
#define TESTS_LIB_AVRO_TABLE_H
#include "io/batch.h"
/* Tables and rows for the tests of Avro, made by hand. */
enum { AVRO_ROWS = 40 /* a batch of them has at most */ };
struct avro_table {
    struct table *def;
    struct batch *rows; /* of all columns in order */
};
struct avro_table *avro_table_new(void);
void avro_table_add(struct avro_table *t, const char *name, const char *type, bool nullable);
void avro_table_ready(struct avro_table *t); /* rows are there, empty */
struct avro_table *avro_table_of(const char *name, const char *type, bool nullable); /* one column, ready */
void avro_table_free(struct avro_table *t);
/* The next cell of a column; the row is there with the first one of any. NULL: NULL. */
void avro_put_bytes(struct avro_table *t, size_t column, const char *p, size_t n);
void avro_put_int(struct avro_table *t, size_t column, int64_t v);
void avro_put_real(struct avro_table *t, size_t column, double v);
/* A column of every type, NOT NULL and not, with edge values; tests/t/avro.t knows the same. */
struct avro_table *avro_table_every(void);
bool avro_same_cell(const struct batch_col *a, size_t a_row, const struct batch_col *b, size_t b_row);
void avro_copy_cell(struct batch_col *to, size_t to_row, const struct batch_col *from, size_t from_row);
#endif
