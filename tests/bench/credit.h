#ifndef TESTS_BENCH_CREDIT_H
#define TESTS_BENCH_CREDIT_H
/* A file of the credit shape, without header and with \N for NULL, as parse.c and format.c read it. */
#include "base/mem.h"
#include "io/rows.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    fprintf(stderr, "%s\n", err->msg);
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

static struct file_reader file_of(const char *path)
{
    struct file_reader f = {{file_read, file_close}, open(path, O_RDONLY | O_CLOEXEC), 0};

    if (f.fd < 0) {
        perror(path);
        exit(1);
    }
    return f;
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

/* Begun, owned; takes the file. */
static struct rows *rows_of(struct file_reader *f, const struct table *t, bool hash, struct err *err)
{
    static const struct csv_dialect dialect = {.delimiter = ',', .quote = '"'};
    static const char *const nulls[] = {"\\N", NULL};
    static const struct convert_config convert = {.nulls = nulls, .zone = "UTC"};
    static struct rows_config config;
    struct rows *rows;

    config = (struct rows_config){.dialect = &dialect, .convert = &convert, .def = t};
    if (rows_open(&config, &f->reader, hash, &rows, err) < 0 || rows_begin(rows, err) != 1)
        die(err);
    return rows;
}
#endif
