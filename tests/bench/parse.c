/*
 * parse FILE PASSES MODE: reads a file of the credit shape, without header and with \N for NULL, on one core: rows_fill into
 * two batches in turn, which are cleared when they are full, as a load has it, and nothing else. MODE: "typed", that
 * alone; "sums", with batch_sum of each batch; "whole", with the SHA-256 of the file too. Prints per pass: seconds, CPU
 * seconds, bytes, rows.
 */
#include "base/limits.h"
#include "io/rows.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name, *type;
} shape[] = {
    {"id", "int(11)"},
    {"SeriousDlqin2yrs", "tinyint(4)"},
    {"RevolvingUtilizationOfUnsecuredLines", "double"},
    {"age", "tinyint(3) unsigned"},
    {"NumberOfTime30-59DaysPastDueNotWorse", "smallint(6)"},
    {"DebtRatio", "double"},
    {"MonthlyIncome", "int(11)"},
    {"NumberOfOpenCreditLinesAndLoans", "smallint(6)"},
    {"NumberOfTimes90DaysLate", "smallint(6)"},
    {"NumberRealEstateLoansOrLines", "smallint(6)"},
    {"NumberOfTime60-89DaysPastDueNotWorse", "smallint(6)"},
    {"NumberOfDependents", "smallint(6)"},
};

static _Noreturn void die(const struct err *err)
{
    fprintf(stderr, "parse: %s\n", err->msg);
    exit(1);
}

struct file_reader {
    struct reader reader;
    int fd;
    int64_t bytes;
};

static int file_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct file_reader *f = (struct file_reader *)r;
    ssize_t got = read(f->fd, p, n);

    if (got < 0)
        return err_set(err, ERR_INTERNAL, "cannot read");
    *ret_n = (size_t)got;
    f->bytes += got;
    return 0;
}

static void file_close(struct reader *r)
{
    close(((struct file_reader *)r)->fd);
}

static void make_table(struct table *t, struct err *err)
{
    *t = (struct table){.arena = arena_new(), .name = "t", .count = ARRAY_LEN(shape)};
    t->columns = arena_alloc(t->arena, t->count * sizeof *t->columns);
    for (size_t i = 0; i < t->count; i++) {
        struct column *c = &t->columns[i];
        memset(c, 0, sizeof *c);
        if (column_parse_type(shape[i].type, t->arena, c, err) < 0)
            die(err);
        c->name = shape[i].name;
        c->nullable = i > 0;
    }
}

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
    static const struct csv_dialect dialect = {.delimiter = ',', .quote = '"'};
    static const char *const nulls[] = {"\\N", NULL};
    static const struct convert_config convert = {.nulls = nulls, .zone = "UTC"};
    const struct rows_config config = {.dialect = &dialect, .convert = &convert, .def = t};
    struct file_reader file = {{file_read, file_close}, open(path, O_RDONLY | O_CLOEXEC), 0};
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct rows_result result;
    struct rows *rows;
    struct sums sums;
    struct err err = {0};

    if (file.fd < 0) {
        perror(path);
        exit(1);
    }
    sums_init(&sums, t->count);
    if (rows_open(&config, &file.reader, strcmp(mode, "whole") == 0, &rows, &err) < 0 ||
        rows_begin(rows, &err) != 1)
        die(&err);
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
