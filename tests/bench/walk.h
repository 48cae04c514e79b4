#ifndef TESTS_BENCH_WALK_H
#define TESTS_BENCH_WALK_H
#include <sqlite3.h>
/* Steps a statement to its end, fetching every column, as a program must that shows the rows. 1: something failed. */
static inline int walk(sqlite3_stmt *st, long long *io_rows, long long *io_bytes)
{
    int rc;

    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        for (int i = 0, n = sqlite3_column_count(st); i < n; i++)
            if (sqlite3_column_type(st, i) == SQLITE_TEXT)
                *io_bytes += sqlite3_column_text(st, i)[0];
            else
                *io_bytes += sqlite3_column_int64(st, i) & 1;
        ++*io_rows;
    }
    return rc != SQLITE_DONE || sqlite3_reset(st) != SQLITE_OK;
}
#endif
