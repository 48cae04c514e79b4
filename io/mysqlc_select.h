#ifndef IO_MYSQLC_SELECT_H
#define IO_MYSQLC_SELECT_H
#include "io/batch.h"
#include "io/mysqlc.h"
/* Rows of a statement as they come, typed, straight into batches: what target_select.h is made of. Until close nothing else
 * may be asked of the connection. */
struct mysqlc_select;
NODISCARD int mysqlc_select_open(struct mysqlc *c, const char *sql, const struct val *values, size_t count,
                                 struct mysqlc_select **ret, struct err *err);
size_t mysqlc_select_count(const struct mysqlc_select *s); /* columns */
/* What the server says of column i; strings in a. */
void mysqlc_select_column(const struct mysqlc_select *s, size_t i, struct arena *a, struct column *ret);
/* Rows are for columns (NULL: the first ones) of def: ERR_SCHEMA where the result is of another type. Before the first fill. */
NODISCARD int mysqlc_select_into(struct mysqlc_select *s, const struct table *def, const int *columns,
                                 struct err *err);
/* Appends rows to b until it is full: 1, or there are no more: 0. */
NODISCARD int mysqlc_select_fill(struct mysqlc_select *s, struct batch *b, struct err *err);
void mysqlc_select_close(
    struct mysqlc_select *s); /* before the end the connection is lost by it; NULL is fine */
#endif
