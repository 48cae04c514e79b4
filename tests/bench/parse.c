/*
 * parse FILE PASSES MODE: reads a file of the credit shape without header, NULL as \N, as steps/rows.c does: csv_next,
 * converter_row, batches that are cleared when they are full. MODE: "typed", that alone; "sums", with batch_sum of each
 * batch, as a load with verification has it; "whole", behind hashing_open and inflate_open too. Prints per pass:
 * seconds, bytes, rows.
 */
#include "base/limits.h"
#include "io/convert.h"
#include "io/inflate.h"
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

static struct batch *batch_for(const struct converter *c, const struct table *t)
{
    size_t count;
    const int *columns = converter_columns(c, &count);

    return batch_new(t, columns, count, BATCH_ROWS);
}

static int64_t read_all(struct csv *csv, const struct table *t, struct sums *sums, struct err *err)
{
    static const char *const nulls[] = {"\\N", NULL};
    static const struct convert_config config = {.nulls = nulls, .zone = "UTC"};
    struct csv_record rec;
    struct reject_info why;
    struct converter *converter = NULL;
    int64_t rows = 0;
    int rc = csv_next(csv, &rec, err);

    if (rc <= 0 || converter_new(&config, t, &rec, &converter, err) < 0)
        die(err);
    struct batch *batch = batch_for(converter, t), *other = batch_for(converter, t);
    for (; rc > 0; rc = csv_next(csv, &rec, err)) {
        if (converter_row(converter, &rec, batch, &why) != 1) {
            fprintf(stderr, "parse: line %lld: %s: %s\n", (long long)why.line, why.column, why.message);
            exit(1);
        }
        rows++;
        if (batch->rows < batch->capacity && batch->bytes < BATCH_BYTES)
            continue;
        if (sums != NULL)
            batch_sum(batch, sums);
        struct batch *full = batch;
        batch = other;
        other = full;
        batch_clear(batch);
    }
    if (rc < 0)
        die(err);
    if (sums != NULL)
        batch_sum(batch, sums);
    batch_free(batch);
    batch_free(other);
    converter_free(converter);
    return rows;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void one_pass(const char *path, const char *mode, const struct table *t)
{
    static const struct csv_dialect dialect = {.delimiter = ',', .quote = '"'};
    struct file_reader file = {{file_read, file_close}, open(path, O_RDONLY | O_CLOEXEC), 0};
    struct reader *in = &file.reader;
    struct sums sums;
    struct csv *csv;
    struct err err = {0};

    if (file.fd < 0) {
        perror(path);
        exit(1);
    }
    double start = now();
    sums_init(&sums, t->count);
    if (strcmp(mode, "whole") == 0 && (hashing_open(in, &in, &err) < 0 || inflate_open(in, &in, &err) < 0))
        die(&err);
    if (csv_open(in, &dialect, &csv, &err) < 0)
        die(&err);
    int64_t rows = read_all(csv, t, strcmp(mode, "typed") != 0 ? &sums : NULL, &err);
    csv_close(csv);
    sums_release(&sums);
    printf("%.6f %lld %lld\n", now() - start, (long long)file.bytes, (long long)rows);
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
