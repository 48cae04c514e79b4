/* The bare SQLite query. */
#include "tests/bench/walk.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    long long rows = 0, bytes = 0;

    if (argc != 3 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, argv[2], -1, &st, NULL) != SQLITE_OK)
        return 1;
    int failed = walk(st, &rows, &bytes);
    sqlite3_finalize(st);
    sqlite3_close(db);
    printf("%lld rows %lld\n", rows, bytes);
    return failed;
}
