#ifndef IO_TARGET_SUMS_INT_H
#define IO_TARGET_SUMS_INT_H
#include "io/target_int.h"
/*
 * How a column of a range of lines is asked for its NULLs and its sum, and what the cells of the answer mean. First
 * comes COUNT(c) where NULLs are possible and not in the sum itself, then:
 *   ASK_COUNT   nothing more
 *   ASK_EXACT   the sum, exact by itself
 *   ASK_PLAIN   the sum, in doubles: of integers so small that it is exact all the same
 *   ASK_PACKED  the same, and a NULL counts 2^shift
 *   ASK_REAL    the sum of decimals, and how many values are too large for it
 *   ASK_SLICES  doubles cut into slices of bits, each so narrow that its sum is exact: cell i is in units of 2^-at[i],
 *               the last, what is left behind the point of the one before, of 2^-at[i - 1]
 *   ASK_BITS    (SQLite) struct bits as hexadecimal digits
 */
enum ask_how { ASK_COUNT, ASK_EXACT, ASK_PLAIN, ASK_PACKED, ASK_REAL, ASK_SLICES, ASK_BITS };
enum { MOST_SLICES = 72 };
struct ask {
    enum ask_how how;
    bool count;
    bool extremes, check; /* MIN and MAX; the checksum: cells behind the others */
    bool negative;        /* slices of values below 0 too */
    int shift, high;
    int slices, at[MOST_SLICES];
};
/* rows: there are no more than so many in the range. fast: the server has floating-point sums in IEEE 754 and FLOOR. */
void ask_plan(const struct column *c, const struct col_sum *s, int64_t rows, bool fast, bool full,
              struct ask *ret);
size_t ask_cells(const struct ask *a); /* all of them */
/* ",COUNT(c),SUM(...)" */
NODISCARD int ask_count_expr(const struct ask *a, const char *quoted, struct buf *ret, struct err *err);
NODISCARD int ask_fast_expr(const struct ask *a, const char *quoted, struct buf *ret, struct err *err);
/* Adds what the cells say of `rows` rows. */
NODISCARD int ask_add(const struct ask *a, const struct column *c, const struct str *cells, int64_t rows,
                      struct col_sum *s, struct err *err);
#endif
