#ifndef IO_TARGET_QUERY_SUMS_H
#define IO_TARGET_QUERY_SUMS_H
#include "io/sqlval.h"
#include "io/target.h"
/*
 * Rows, and with def the NULLs and sums of its columns (by their names), of what a SELECT with bound values gives, in one
 * statement. ret is made by sums_like of what is compared with it, or empty where def is NULL: then rows alone are counted. rows: how
 * many there are at most, for sums that are exact.
 */
NODISCARD int target_query_sums(struct target *t, const char *select, const struct val *values, size_t count,
                                const struct table *def, int64_t rows, struct sums *ret, struct err *err);
/* About how many rows a table has, as the server's statistics say; they may be far off. 0: they say nothing. */
NODISCARD int target_rows_about(struct target *t, const char *table, int64_t *ret, struct err *err);
#endif
