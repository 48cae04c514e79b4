/*
 * bench-dump MYSQL-URL SINK-URL ENDPOINT|- CONNECTIONS gzip|zstd|none PAGE-ROWS TABLE...: tables whole, as CSV, through
 * dump_run; one line: seconds, rows, bytes, MB/s, CPU seconds of this process, its peak memory in MiB. A page's key is the
 * table's primary key; 0: one statement. S3's key is the tests'. DUMP_SUMS=no leaves the sums out.
 *
 *     cc -O2 -include base/banned.h -std=c17 -D_GNU_SOURCE -DORCH_TEST_BUILD=1 -I. -Ibuild/testrelease/generated tests/bench/dump.c
 *       build/testrelease/lib{io,base}.a -lmariadb -lcurl -lxml2 -lz -lzstd -lcrypto -lsqlite3 -ljansson -lavro -lm -o bench-dump
 */
#include "io/dump.h"
#include "base/clock.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

enum { TABLES = 16 };

static void check(int rc, const struct err *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static void part_key(void *arg, const struct dump_table *t, int part, struct buf *ret)
{
    struct err err;

    (void)arg;
    check(buf_addf(ret, &err, "bench/%s_%d.csv", t->name, part), &err);
}

struct keys {
    char *sql[MAX_KEY_COLUMNS];
    int at[MAX_KEY_COLUMNS], columns[256];
};

static void describe(struct snapshot *s, const char *name, int64_t page_rows, struct keys *k,
                     struct dump_table *ret)
{
    struct table *def = NULL;
    struct err err;

    check(target_describe(snapshot_target(s, 0), name, &def, &err), &err);
    *ret = (struct dump_table){.name = name,
                               .def = def,
                               .columns = k->columns,
                               .column_count = def->count,
                               .part_key = part_key,
                               .key_sql = (const char *const *)k->sql,
                               .key_at = k->at};
    char *list = xstrdup("");
    for (size_t i = 0; i < def->count; i++) {
        char *more = xasprintf("%s%s`%s`", list, i > 0 ? "," : "", def->columns[i].name);
        free(list);
        list = more;
        k->columns[i] = (int)i;
    }
    ret->select = xasprintf("SELECT %s FROM `%s` WHERE (1)", list, name);
    free(list);
    for (size_t i = 0; page_rows > 0 && def->key_count > 0 && i < def->keys[0].count; i++) {
        k->at[i] = def->keys[0].columns[i];
        k->sql[i] = xasprintf("`%s`", def->columns[k->at[i]].name);
        ret->key_count = i + 1;
    }
    ret->page_rows = page_rows;
}

static double cpu_seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    static struct dump_table tables[TABLES];
    static struct keys keys[TABLES];
    struct rusage before, after;
    struct err err;
    int64_t rows = 0, bytes = 0;

    if (argc < 8 || argc > 7 + TABLES)
        return 2;
    size_t n = (size_t)argc - 7;
    const char *sums = getenv("DUMP_SUMS");
    struct target_config target = {.url = argv[1], .tls = TLS_OFF};
    struct source_config sink = {.url = argv[2],
                                 .endpoint = argv[3][0] != '-' ? argv[3] : NULL,
                                 .path_style = true,
                                 .env = {.access_key_id = "orch-test-access-key",
                                         .secret_access_key = "orch-test-secret/with+both=signs",
                                         .metadata_disabled = "true"}};
    struct format_config format = {.kind = FORMAT_CSV, .delimiter = ',', .header = true, .null = ""};
    struct dump_config c = {.sink = &sink,
                            .format = &format,
                            .packing = strcmp(argv[5], "gzip") == 0   ? PACK_GZIP
                                       : strcmp(argv[5], "zstd") == 0 ? PACK_ZSTD
                                                                      : PACK_NONE,
                            .without_sums = sums != NULL && strcmp(sums, "no") == 0};
    check(snapshot_open(&target, strtoul(argv[4], NULL, 10), NULL, 0, &c.snapshot, &err), &err);
    for (size_t i = 0; i < n; i++)
        describe(c.snapshot, argv[7 + i], strtoll(argv[6], NULL, 10), &keys[i], &tables[i]);
    getrusage(RUSAGE_SELF, &before);
    int64_t start_ms = clock_mono_ms();
    check(dump_run(&c, tables, n, &err), &err);
    double seconds = (double)(clock_mono_ms() - start_ms) / 1000;
    getrusage(RUSAGE_SELF, &after);
    for (size_t i = 0; i < n; i++) {
        rows += tables[i].rows;
        bytes += tables[i].bytes;
    }
    printf("%.3f s %" PRId64 " rows %" PRId64 " bytes %.1f MB/s cpu %.2f peak %ld MiB\n", seconds, rows,
           bytes, (double)bytes / 1e6 / seconds, cpu_seconds(&after) - cpu_seconds(&before),
           after.ru_maxrss / 1024);
    return 0;
}
