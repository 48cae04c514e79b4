/*
 * format FILE PASSES: reads a file of the credit shape, without header and with \N for NULL, into batches of 4,000 rows
 * (at most 200,000 rows in all), and then writes them PASSES times, on one core. For each pass and kind of work a line:
 * name, seconds of CPU, bytes made or taken (shortest: doubles), rows.
 *   shortest  the shortest decimal of each double, as who reads a result needs it
 *   csv       format_rows alone; jsonl: likewise
 *   printf    the yardstick: the same cells by snprintf, doubles with %.17g
 *   gzip      the CSV packed with level 1; zstd: with level 3
 * The CSV must be the file again, byte for byte.
 */
#include "io/format.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/deflate.h"
#include "io/shortest.h"
#include "tests/bench/credit.h"

enum { BATCHES = 50 };

static size_t fill(const char *path, const struct table *t, struct batch *batches[BATCHES], struct err *err)
{
    struct file_reader file = file_of(path);
    struct rows *rows = rows_of(&file, t, false, err);
    size_t n = 0, count;

    const int *columns = rows_columns(rows, &count);
    for (int why = ROWS_FULL; why == ROWS_FULL && n < BATCHES; n++) {
        batches[n] = batch_new(t, columns, count, BATCH_ROWS);
        why = rows_fill(rows, batches[n], -1, NULL, NULL, err);
        if (why < 0)
            die(err);
    }
    rows_close(rows);
    return n;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void told(const char *what, double since, size_t bytes, size_t rows)
{
    printf("%s %.6f %zu %zu\n", what, seconds() - since, bytes, rows);
}

static void shortest(struct batch *const *b, size_t n)
{
    double since = seconds();
    size_t doubles = 0, rows = 0;

    for (size_t i = 0; i < n; i++) {
        rows += b[i]->rows;
        for (size_t k = 0; k < b[i]->col_count; k++) {
            const struct batch_col *c = &b[i]->cols[k];
            for (size_t row = 0; c->kind == CELL_DOUBLE && row < b[i]->rows; row++) {
                int exp10;
                shortest_double(c->dbl[row], &c->mantissa[row], &exp10);
                c->exp10[row] = (int16_t)exp10;
                doubles++;
            }
        }
    }
    told("shortest", since, doubles, rows);
}

/* Each batch is added to an empty buf, as a writer does that hands on what it has. */
static void format(enum format_kind kind, const struct table *t, struct batch *const *b, size_t n,
                   struct buf *all)
{
    static const int order[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const struct format_config config = {.kind = kind, .delimiter = ',', .null = "\\N"};
    struct buf out = BUF_INIT(16 * MIB);
    struct format *f;
    struct err err;
    double spent = 0;
    size_t bytes = 0, rows = 0;

    if (format_new(&config, t, order, t->count, &f, &err) < 0)
        die(&err);
    for (size_t i = 0; i < n; i++) {
        double since = seconds();
        buf_clear(&out);
        if (format_rows(f, b[i], 0, b[i]->rows, &out, &err) < 0)
            die(&err);
        spent += seconds() - since;
        bytes += out.n;
        rows += b[i]->rows;
        if (all != NULL && buf_add(all, out.p, out.n, &err) < 0)
            die(&err);
    }
    told(kind == FORMAT_CSV ? "csv" : "jsonl", seconds() - spent, bytes, rows);
    format_free(f);
    buf_release(&out);
}

static void by_printf(struct batch *const *b, size_t n)
{
    enum { ROOM = 4 * MIB };
    char *out = xmalloc(ROOM);
    double since = seconds();
    size_t bytes = 0, rows = 0;

    for (size_t i = 0; i < n; i++) {
        char *o = out;
        for (size_t row = 0; row < b[i]->rows; row++)
            for (size_t k = 0; k < b[i]->col_count; k++) {
                const struct batch_col *c = &b[i]->cols[k];
                char end = k + 1 < b[i]->col_count ? ',' : '\n';
                size_t room = ROOM - (size_t)(o - out);
                if (c->nulls[row])
                    o += snprintf(o, room, "\\N%c", end);
                else if (c->kind == CELL_DOUBLE)
                    o += snprintf(o, room, "%.17g%c", c->dbl[row], end);
                else
                    o += snprintf(o, room, "%lld%c", (long long)c->i64[row], end);
            }
        bytes += (size_t)(o - out);
        rows += b[i]->rows;
    }
    told("printf", since, bytes, rows);
    free(out);
}

static int count(void *arg, const void *p, size_t n, struct err *err)
{
    UNUSED(p);
    UNUSED(err);
    *(size_t *)arg += n;
    return 0;
}

static void pack(enum packing packing, const struct buf *all, size_t rows)
{
    struct deflate *d;
    struct err err;
    size_t packed = 0;

    if (deflate_new(packing, 0, count, &packed, &d, &err) < 0)
        die(&err);
    double since = seconds();
    for (size_t at = 0; at < all->n; at += 200000)
        if (deflate_write(d, all->p + at, all->n - at < 200000 ? all->n - at : 200000, &err) < 0)
            die(&err);
    if (deflate_end(d, &err) < 0)
        die(&err);
    told(packing == PACK_GZIP ? "gzip" : "zstd", since, all->n, rows);
    deflate_free(d);
}

static void same_as_file(const char *path, const struct buf *all)
{
    char *p = xmalloc(all->n + 1);
    FILE *f = fopen(path, "rb");
    struct err err;

    if (f == NULL || fread(p, 1, all->n, f) != all->n || memcmp(p, all->p, all->n) != 0) {
        err_ignore(err_set(&err, ERR_MISMATCH, "what was written is not what was read"));
        die(&err);
    }
    fclose(f);
    free(p);
}

int main(int argc, char **argv)
{
    struct batch *batches[BATCHES];
    struct buf all = BUF_INIT(512 * MIB);
    struct table table;
    struct err err = {0};

    if (argc != 3) {
        fprintf(stderr, "format FILE PASSES\n");
        return 2;
    }
    make_table(&table, &err);
    size_t n = fill(argv[1], &table, batches, &err), rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += batches[i]->rows;
    for (int i = (int)strtol(argv[2], NULL, 10); i > 0; i--) {
        buf_clear(&all);
        shortest(batches, n);
        format(FORMAT_CSV, &table, batches, n, &all);
        format(FORMAT_JSONL, &table, batches, n, NULL);
        by_printf(batches, n);
        pack(PACK_GZIP, &all, rows);
        pack(PACK_ZSTD, &all, rows);
    }
    same_as_file(argv[1], &all);
    for (size_t i = 0; i < n; i++)
        batch_free(batches[i]);
    buf_release(&all);
    arena_free(table.arena);
    return 0;
}
