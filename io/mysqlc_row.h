#ifndef IO_MYSQLC_ROW_H
#define IO_MYSQLC_ROW_H
#include "io/batch.h"
/*
 * The binary protocol's results as bytes: what a column is, and a row's cells into a batch. Knows neither the client library nor
 * a socket; whatever the bytes are, nothing is read beside them. Numbers on the wire are little-endian.
 */
enum row_how {
    ROW_INT8,
    ROW_INT16,
    ROW_INT32,
    ROW_INT64,
    ROW_FLOAT,
    ROW_DOUBLE,
    ROW_DATE,
    ROW_DATETIME,
    ROW_TIME,
    ROW_BIT,
    ROW_BYTES
};
struct row_cell { /* of a column: how its cells come, and what they become */
    enum row_how how;
    bool is_unsigned;
    int fsp;          /* digits of a second's fraction */
    const char *name; /* borrowed, for messages */
};
struct row_column { /* as a column definition has it; name is in the arena */
    char *name;
    unsigned type, flags, decimals, charset;
    unsigned long length;
};
struct row_time {
    bool negative;
    unsigned year, month, day, hour, minute, second, micro; /* of a TIME: days, and hours to 23 */
};
/* ERR_BAD_RESPONSE where the bytes are none. */
NODISCARD int row_column(const unsigned char *p, size_t n, struct arena *a, struct row_column *ret,
                         struct err *err);
/* A length or count of 1 to 9 bytes at *at, which moves behind it. false: it is none, or not whole. */
bool row_length(const unsigned char *p, size_t n, size_t *at, uint64_t *ret);
/* A row's packet, whole: into row `row` of b, whose columns are of the cells' kinds. */
NODISCARD int row_read(const struct row_cell *cells, size_t count, const unsigned char *p, size_t n,
                       struct batch *b, size_t row, struct err *err);
/* One cell each, for whoever has it already. */
NODISCARD int row_put_double(const struct row_cell *cell, double v, struct batch_col *c, size_t row,
                             struct err *err);
void row_put_time(const struct row_cell *cell, const struct row_time *t, struct batch *b, size_t i,
                  size_t row);
void row_put_null(const struct batch_col *c, size_t row);
#endif
