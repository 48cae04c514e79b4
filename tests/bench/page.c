/* The bare SQLite queries of a page: statements from a file, one a line, stepped to their ends with every column fetched, N times
 * over on one connection, as the server has one. Prints the seconds of one time. */
#define _POSIX_C_SOURCE 200809L
#include "tests/bench/walk.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX = 2000, LINE = 20000 };
static sqlite3_stmt *all[MAX];
static long long rows, bytes;

int main(int argc, char **argv)
{
    static char line[LINE];
    struct timespec a, b;
    sqlite3 *db;
    size_t n = 0;
    FILE *f;

    if (argc != 4 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        (f = fopen(argv[2], "r")) == NULL)
        return 1;
    for (; fgets(line, LINE, f) != NULL && n < MAX; n++)
        if (sqlite3_prepare_v2(db, line, -1, &all[n], NULL) != SQLITE_OK)
            return fprintf(stderr, "%s: %s\n", sqlite3_errmsg(db), line), 1;
    int times = atoi(argv[3]);
    for (size_t i = 0; i < n; i++) /* once to warm up */
        if (walk(all[i], &rows, &bytes))
            return 1;
    rows = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int t = 0; t < times; t++)
        for (size_t i = 0; i < n; i++)
            if (walk(all[i], &rows, &bytes))
                return 1;
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.9f %lld %lld\n",
           ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9) / times, rows / times,
           bytes);
    return 0;
}
