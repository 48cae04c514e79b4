/* Backups that are there: those of a table, and the one that an attempt took whose process died before it could say so. */
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/sink.h"
#include "steps/backup.h"
#include "steps/manifest.h"

enum { MAX_RUNS = 100000 }; /* of one table: 270 years of days */

static const char run_prefix[] = "run-", run_end[] = "_manifest.json";

/* --- of one table --- */

struct listing {
    char **runs; /* owned */
    size_t n, capacity;
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct listing *l = arg;
    const char *slash = strrchr(o->key, '/'), *name = slash != NULL ? slash + 1 : o->key;
    size_t n = strlen(name), around = strlen(run_prefix) + strlen(run_end);

    if (!manifest_is_key(o->key) || !str_starts(name, run_prefix) || n <= around)
        return 0;
    if (l->n == MAX_RUNS)
        return err_set(err, ERR_TOO_LARGE, "more than %d backups of one table", MAX_RUNS);
    if (l->n == l->capacity) {
        l->capacity = 2 * l->capacity + 64;
        l->runs = xrealloc(l->runs, l->capacity * sizeof *l->runs);
    }
    l->runs[l->n++] = xstrndup(name + strlen(run_prefix), n - around);
    return 0;
}

int backup_runs(const struct source_config *place, const char *table, const char *before, int64_t limit,
                int (*fn)(void *arg, const char *run, const char *manifest, struct err *err), void *arg,
                struct err *err)
{
    char below[MAX_KEY + 1], key[MAX_KEY + 1];
    struct listing l = {0};
    struct sink *sink = NULL;
    int rc = manifest_key(table, table, -1, "any", below, err);

    if (rc == 0)
        rc = sink_open(place, &sink, err);
    if (rc == 0) {
        strrchr(below, '/')[1] = '\0';
        rc = sink_list(sink, below, on_object, &l, err);
    }
    for (size_t i = l.n; rc >= 0 && i-- > 0 && limit > 0;) { /* listed in the order of their moments */
        if (before != NULL && strcmp(l.runs[i], before) >= 0)
            continue;
        limit--;
        rc = manifest_key(table, table, -1, l.runs[i], key, err);
        if (rc == 0)
            rc = fn(arg, l.runs[i], key, err);
    }
    for (size_t i = 0; i < l.n; i++)
        free(l.runs[i]);
    free(l.runs);
    sink_close(sink);
    return rc < 0 ? rc : 0;
}

/* --- of one run --- */

static int found_one(struct sink *sink, const char *table, const char *run, json_t *ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_MANIFEST);
    char key[MAX_KEY + 1];
    struct manifest m = {0};
    int rc = manifest_key(table, table, -1, run, key, err);

    if (rc == 0)
        rc = sink_read(sink, key, &text, err);
    if (rc == 1) {
        rc = manifest_parse(text.p, text.n, key, &m, err);
        if (rc == 0)
            json_array_append_new(ret, json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s}", "table", table, "run",
                                                 run, "manifest", key, "rows", (json_int_t)m.rows, "bytes",
                                                 (json_int_t)m.bytes, "parts", (json_int_t)m.part_count,
                                                 "snapshot", m.snapshot.at, "notice",
                                                 "the process that took it died before it could say so"));
        manifest_release(&m);
        rc = rc < 0 ? rc : 1;
    }
    buf_release(&text);
    return rc;
}

int backup_found(const struct source_config *place, const char *const *tables, size_t count, const char *run,
                 json_t *ret, struct err *err)
{
    struct sink *sink = NULL;
    int rc = sink_open(place, &sink, err);

    if (rc == 0)
        rc = 1;
    for (size_t i = 0; rc == 1 && i < count; i++)
        rc = found_one(sink, tables[i], run, ret, err);
    if (rc != 1)
        json_array_clear(ret);
    sink_close(sink);
    return rc;
}
