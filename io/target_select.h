#ifndef IO_TARGET_SELECT_H
#define IO_TARGET_SELECT_H
#include "io/batch.h"
#include "io/sqlval.h"
#include "io/target.h"
/*
 * Rows of a SELECT as they come, typed, in the binary protocol and without keeping the result: into batches, as a load has
 * them. MySQL and MariaDB. Nothing else may be asked of the target until select_close.
 */
struct select;
/* def: what the columns are, in order, where the caller knows (target_describe), matched by the result's number of columns;
 * NULL: made from what the server says of the result. Values are bound. */
NODISCARD int target_select(struct target *t, const char *sql, const struct val *values, size_t count,
                            const struct table *def, const int *columns, size_t column_count,
                            struct select **ret, struct err *err);
const struct table *select_table(const struct select *s); /* def, or the one that was made; borrowed */
/* The one that was made, for the caller to keep; NULL: def was given. The select goes on with it. */
struct table *select_take_table(struct select *s); /* returns owned */
/* Appends rows to b (of that table) until it is full: 1, or the result is at its end: 0. lines count from 1. Cells are exact:
 * DOUBLE and FLOAT with the double's shortest decimal, as a load has it; times as text "2022-06-05 12:34:56.123456" with the column's digits, "-838:59:59",
 * "0000-00-00"; BIT as a number; CHAR as the server gives it. A value larger than MAX_CELL is ERR_TOO_LARGE. */
NODISCARD int select_fill(struct select *s, struct batch *b, struct err *err);
void select_close(struct select *s); /* before its end the connection goes with it; NULL is fine */
#endif
