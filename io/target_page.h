#ifndef IO_TARGET_PAGE_H
#define IO_TARGET_PAGE_H
#include "io/target.h"
/*
 * Some rows of a table for somebody who looks: those with a key's values, or those behind them in its order. Values are of
 * their column's type before they are asked for, and bound.
 */
struct page_ask { /* borrowed */
    const struct table *def;
    const int *columns; /* that are given, indexes into def->columns */
    size_t column_count;
    const struct table_key *key;
    const struct val *values; /* one for each of the key's columns; NULL: from the first row on */
    bool behind;              /* rows behind those values; else the rows that have them */
    int64_t limit;
};
/* Cells as text, as target_rows gives them. */
NODISCARD int target_page(struct target *t, const struct page_ask *a, row_fn *fn, void *arg, struct err *err);
/* Whether rows can be asked for by it: exact comparison, and an order that is that of the comparison. */
bool page_key_usable(const struct table *def, const struct table_key *k);
/* What column c is compared with, of a text as a person writes it; BINARY in hex. ERR_USAGE where it is no such value.
 * Borrows from a. */
NODISCARD int page_value(const struct table *def, int column, struct str text, struct arena *a,
                         struct val *ret, struct err *err);
#endif
