/*
 * parse FILE PASSES MODE: reads a file of the credit shape, without header and with \N for NULL, on one core: rows_fill into
 * two batches in turn, which are cleared when they are full, as a load has it, and nothing else. MODE: "typed", that
 * alone; "sums", with batch_sum of each batch; "whole", with the SHA-256 of the file too. Prints per pass: seconds, CPU
 * seconds, bytes, rows.
 */
#include "base/limits.h"
#include "tests/bench/credit.h"
#include <time.h>

static int refuse(void *arg, const struct reject_info *why, struct err *err)
{
    UNUSED(arg);
    return err_set(err, ERR_BAD_CSV, "line %lld: %s: %s", (long long)why->line, why->column, why->message);
}

static void fill(struct rows *rows, const struct table *t, struct sums *sums, struct err *err)
{
    size_t count;
    const int *columns = rows_columns(rows, &count);
    struct batch *batch[2] = {batch_new(t, columns, count, BATCH_ROWS),
                              batch_new(t, columns, count, BATCH_ROWS)};
    int why = ROWS_FULL;

    for (int i = 0; why == ROWS_FULL; i = !i) {
        batch_clear(batch[i]);
        why = rows_fill(rows, batch[i], -1, refuse, NULL, err);
        if (why < 0)
            die(err);
        if (sums != NULL)
            batch_sum(batch[i], sums);
    }
    batch_free(batch[0]);
    batch_free(batch[1]);
}

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void one_pass(const char *path, const char *mode, const struct table *t)
{
    struct file_reader file = file_of(path);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct rows_result result;
    struct sums sums;
    struct err err = {0};

    sums_init(&sums, t->count);
    struct rows *rows = rows_of(&file, t, strcmp(mode, "whole") == 0, &err);
    fill(rows, t, strcmp(mode, "typed") != 0 ? &sums : NULL, &err);
    rows_result(rows, &result);
    rows_close(rows);
    sums_release(&sums);
    printf("%.6f %.6f %lld %lld\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           (long long)file.bytes, (long long)result.records);
}

int main(int argc, char **argv)
{
    struct table table;
    struct err err = {0};

    if (argc != 4) {
        fprintf(stderr, "parse FILE PASSES typed|sums|whole\n");
        return 2;
    }
    make_table(&table, &err);
    for (int i = (int)strtol(argv[2], NULL, 10); i > 0; i--)
        one_pass(argv[1], argv[3], &table);
    arena_free(table.arena);
    return 0;
}
