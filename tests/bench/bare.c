/* The bare SQLite query: steps a statement to its end, fetching every column, as a program must that shows the rows. */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    long long rows = 0, bytes = 0;
    int rc;

    if (argc != 3 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, argv[2], -1, &st, NULL) != SQLITE_OK)
        return 1;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        for (int i = 0, n = sqlite3_column_count(st); i < n; i++)
            if (sqlite3_column_type(st, i) == SQLITE_TEXT)
                bytes += sqlite3_column_text(st, i)[0];
            else
                bytes += sqlite3_column_int64(st, i) & 1;
        rows++;
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    printf("%lld rows %lld\n", rows, bytes);
    return rc == SQLITE_DONE ? 0 : 1;
}
