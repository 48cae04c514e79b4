/* Tables of one moment into Avro files, counted against that moment; then a manifest for each. */
#include "steps/backup.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/target_query_sums.h"
#include "io/target_restore.h"
#include "steps/extract.h"
#include "steps/manifest.h"

enum {
    STATEMENT_MS = 3600 * 1000, /* one may sort, or wait for a slow upload, for so long */
    PAGE_ROWS = 100000,
    ABANDONED_S = 24 * 3600, /* an upload that is older is nobody's */
};
#define PART_BYTES (256 * MIB)
#define RUN_SIZE   40

struct one {
    const char *name;
    const char *run;
    struct table *def;    /* owned */
    const char **columns; /* owned */
    struct extract_table x;
    struct extract_sql sql;
    struct buf ddl, manifest;
    char key[MAX_KEY + 1]; /* of the manifest */
    bool text_times;
};
struct taking {
    const struct backup_request *q;
    struct target_config target;
    struct snapshot *snapshot;  /* owned */
    struct one *all;            /* owned; as many as tables */
    struct dump_table *dumps;   /* owned; those with ordinary dates first */
    size_t *of;                 /* of each dump */
    int64_t at_ms, rows, bytes; /* rows, bytes: of the dump that is over */
    char run[RUN_SIZE];
    size_t put; /* manifests that are there, or may be: their files stay */
};

/* "20220605T123456789Z-1a2b3c": by name is by time. */
static void run_at(int64_t ms, const char *tail, char out[RUN_SIZE])
{
    struct civil c = civil_from_ms(ms);

    snprintf(out, RUN_SIZE, "%04d%02d%02dT%02d%02d%02d%03dZ%s", c.year % 10000, c.month % 100, c.day % 100,
             c.hour % 100, c.minute % 100, c.second % 100, (int)(ms % 1000), tail);
}

static void name_run(struct taking *k)
{
    unsigned char random[3];
    char tail[8];

    random_bytes(random, sizeof random);
    snprintf(tail, sizeof tail, "-%02x%02x%02x", random[0], random[1], random[2]);
    k->at_ms = clock_now_ms();
    run_at(k->at_ms, tail, k->run);
}

static void part_key(void *arg, const struct dump_table *d, int part, struct buf *ret)
{
    const struct one *o = arg;
    struct err ignored;

    UNUSED(d);
    buf_clear(ret);
    err_ignore(buf_addf(ret, &ignored, "%s/%s_%04d.avro", o->name, o->run,
                        part)); /* manifest_key has taken the name */
}

/* --- what is to be taken --- */

static int check_tables(const struct taking *k, struct err *err)
{
    char key[MAX_KEY + 1];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->q->count; i++) {
        rc = manifest_key(k->q->tables[i], k->q->tables[i], -1, k->run, key, err);
        for (size_t n = 0; rc == 0 && n < i; n++)
            if (strcmp(k->q->tables[n], k->q->tables[i]) == 0)
                rc = err_set(err, ERR_USAGE, "table %s is named twice", k->q->tables[i]);
    }
    return rc;
}

static int check_table(const struct table *def, const char *ddl, struct err *err)
{
    if (strncmp(ddl, "CREATE TABLE ", 13) != 0)
        return err_set(err, ERR_CONFIG, "%s is no table: %.40s", def->name, ddl);
    if (!def->transactional) {
        err_set(err, ERR_CONFIG, "table %s is of engine %s, which no snapshot holds still", def->name,
                def->engine);
        return err_hint(err, "ALTER TABLE %s ENGINE=InnoDB", def->name);
    }
    return 0;
}

/* Every column that is stored: what is generated is made again. */
static int prepare(struct taking *k, size_t i, struct err *err)
{
    struct target *t = snapshot_target(k->snapshot, 0);
    struct one *o = &k->all[i];
    const struct extract_window all = {0};
    static const char *const none[] = {NULL};
    size_t n = 0;

    o->name = k->q->tables[i];
    o->run = k->run;
    o->ddl = (struct buf)BUF_INIT(MAX_STATEMENT);
    o->manifest = (struct buf)BUF_INIT(MAX_MANIFEST);
    int rc = target_describe(t, o->name, &o->def, err);
    if (rc == 0)
        rc = target_show_create(t, o->name, &o->ddl, err);
    if (rc == 0)
        rc = check_table(o->def, o->ddl.p, err);
    if (rc == 0)
        rc = manifest_key(o->name, o->name, -1, k->run, o->key, err);
    if (rc < 0)
        return rc;
    o->columns = xcalloc(o->def->count + 1, sizeof *o->columns);
    for (size_t c = 0; c < o->def->count; c++)
        if (!o->def->columns[c].generated)
            o->columns[n++] = o->def->columns[c].name;
    o->x = (struct extract_table){
        .name = o->name, .table = o->name, .columns = o->columns, .watermark = none, .order = none};
    rc = extract_sql(&o->x, o->def, &all, &o->sql, err);
    if (rc == 0)
        rc = target_has_odd_dates(t, o->def, &o->text_times, err);
    return rc;
}

static void fill(struct taking *k, struct one *o, size_t at)
{
    k->of[at] = (size_t)(o - k->all);
    k->dumps[at] = (struct dump_table){.name = o->name,
                                       .record = o->name,
                                       .metadata = o->ddl.p,
                                       .select = o->sql.select,
                                       .values = o->sql.values,
                                       .value_count = o->sql.value_count,
                                       .def = o->def,
                                       .columns = o->sql.columns,
                                       .column_count = o->sql.column_count,
                                       .hidden = o->sql.hidden,
                                       .key_sql = (const char *const *)o->sql.key_sql,
                                       .key_at = o->sql.key_at,
                                       .key_count = o->sql.key_count,
                                       .page_rows = PAGE_ROWS,
                                       .order = o->sql.order[0] != '\0' ? o->sql.order : NULL,
                                       .part_key = part_key,
                                       .arg = o};
}

/* What was read against what the snapshot holds, by the worker that read it. */
static int reconcile(void *arg, struct target *t, const struct dump_table *d, struct err *err)
{
    const struct one *o = d->arg;
    struct sums stored = {0};
    struct sums_diff diff;

    UNUSED(arg);
    sums_like(&stored, &d->sums);
    int rc =
        target_query_sums(t, o->sql.select, o->sql.values, o->sql.value_count, o->def, d->rows, &stored, err);
    if (rc == 0 && stored.rows != d->rows)
        rc =
            err_set(err, ERR_MISMATCH, "%s: %lld rows in the snapshot, %lld were written; there is no backup",
                    d->name, (long long)stored.rows, (long long)d->rows);
    if (rc == 0 && sums_compare(&d->sums, &stored, o->def, &diff, 1) > 0)
        rc = err_set(err, ERR_MISMATCH,
                     "%s: column %s: %s is %s as written and %s in the snapshot; there is no backup", d->name,
                     diff.column, diff.what, diff.source, diff.target);
    sums_release(&stored);
    return rc;
}

/* --- files --- */

static void on_progress(void *arg, int64_t rows, int64_t bytes)
{
    const struct taking *k = arg;

    if (k->q->progress != NULL)
        k->q->progress(k->rows + rows, k->bytes + bytes);
}

static int dump(struct taking *k, size_t from, size_t to, bool text_times, struct err *err)
{
    const struct format_config format = {.kind = FORMAT_AVRO, .codec = k->q->codec, .text_times = text_times};
    const struct dump_config config = {.snapshot = k->snapshot,
                                       .sink = k->q->place,
                                       .format = &format,
                                       .packing = PACK_NONE,
                                       .part_bytes = PART_BYTES,
                                       .beat = k->q->beat,
                                       .verify = reconcile,
                                       .progress = on_progress,
                                       .arg = k};

    if (from == to)
        return 0;
    int rc = dump_run(&config, k->dumps + from, to - from, err);
    for (size_t i = from; rc == 0 && i < to; i++) {
        k->rows += k->dumps[i].rows;
        k->bytes += k->dumps[i].bytes;
    }
    return rc;
}

static int take(struct taking *k, struct err *err)
{
    size_t n = 0, plain;

    for (size_t i = 0; i < k->q->count; i++)
        if (!k->all[i].text_times)
            fill(k, &k->all[i], n++);
    plain = n;
    for (size_t i = 0; i < k->q->count; i++)
        if (k->all[i].text_times)
            fill(k, &k->all[i], n++);
    int rc = dump(k, 0, plain, false, err);
    if (rc == 0)
        rc = dump(k, plain, n, true, err);
    return rc < 0 ? rc : fault_point("backup.dumped", err);
}

/* --- manifests --- */

static int describe(struct taking *k, size_t i, struct err *err)
{
    struct one *o = &k->all[k->of[i]];
    const struct dump_table *d = &k->dumps[i];

    const struct manifest m = {.pipeline = "backup",
                               .task = "backup",
                               .table = o->name,
                               .run = k->run,
                               .seq = -1,
                               .kind = MANIFEST_FULL,
                               .at_ms = k->at_ms,
                               .snapshot = {snapshot_at(k->snapshot), snapshot_position(k->snapshot)},
                               .sql = o->ddl.p,
                               .format = {.kind = "avro", .newline = "lf", .compress = "none"}};
    return manifest_of_dump(&m, d, &o->manifest, err);
}

static int publish(struct taking *k, struct sink *sink, json_t *ret, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->q->count; i++)
        rc = describe(k, i, err);
    for (size_t i = 0; rc == 0 && i < k->q->count; i++) {
        const struct one *o = &k->all[k->of[i]];
        const struct dump_table *d = &k->dumps[i];
        rc = fault_point("backup.before_manifest", err);
        if (rc == 0) {
            k->put++;
            rc = sink_put_new(sink, o->key, o->manifest.p, o->manifest.n, err);
            if (rc == 0)
                rc = err_set(err, ERR_TRANSIENT, "%s is there already", o->key);
        }
        if (rc < 0)
            return rc;
        json_array_append_new(
            ret, json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:b,s:s,s:s}", "table", o->name, "run", k->run,
                           "manifest", o->key, "rows", (json_int_t)d->rows, "bytes", (json_int_t)d->bytes,
                           "parts", (json_int_t)d->part_count, "text_times", (int)o->text_times, "snapshot",
                           snapshot_at(k->snapshot), "notice", snapshot_notice(k->snapshot)));
        rc = fault_point("backup.after_manifest", err);
    }
    return rc;
}

/* --- what backups that died left --- */

struct sweeping {
    const char *table, *before; /* runs of before this moment */
    char **keys;                /* owned: of parts */
    size_t n;
    struct buf runs; /* those that have a manifest, each with a blank around it */
};

static bool is_old(const struct sweeping *s, const char *key)
{
    size_t n = strlen(s->table);

    return strncmp(key, s->table, n) == 0 && key[n] == '/' && strspn(key + n + 1, "0123456789TZ") == 19 &&
           strncmp(key + n + 1, s->before, 19) < 0;
}

static int is_abandoned(void *arg, const char *key)
{
    return is_old(arg, key);
}

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct sweeping *s = arg;
    const char *slash = strrchr(o->key, '/'), *name = slash != NULL ? slash + 1 : o->key;

    if (manifest_is_key(o->key) && str_starts(name, "run-"))
        return buf_addf(&s->runs, err, " %.*s ", (int)(strlen(name) - strlen("run-_manifest.json")),
                        name + 4);
    if (is_old(s, o->key) && str_ends(o->key, ".avro")) {
        s->keys = xrealloc(s->keys, (s->n + 1) * sizeof *s->keys);
        s->keys[s->n++] = xstrdup(o->key);
    }
    return 0;
}

static bool is_listed(const struct sweeping *s, const char *key)
{
    const char *name = strrchr(key, '/') + 1, *end = strrchr(name, '_');
    char *run = xasprintf(" %.*s ", end != NULL ? (int)(end - name) : 0, name);
    bool found = s->runs.p != NULL && strstr(s->runs.p, run) != NULL;

    free(run);
    return found;
}

/* Uploads and files of runs that are a day old and have no manifest. A younger one may be at work. Best effort: a place that
 * lets nobody delete takes backups all the same. */
static void sweep(const struct taking *k, struct sink *sink, const char *table)
{
    struct err ignored, *err = &ignored;
    char before[RUN_SIZE];
    char *below = xasprintf("%s/", table);
    struct sweeping s = {.table = table, .before = before, .runs = BUF_INIT(64 * MIB)};

    run_at(k->at_ms - (int64_t)ABANDONED_S * 1000, "", before);
    int rc = sink_abandon(sink, below, is_abandoned, &s, err);
    if (rc >= 0)
        rc = sink_list(sink, below, on_object, &s, err);
    for (size_t i = 0; i < s.n; i++) {
        if (rc >= 0 && !is_listed(&s, s.keys[i]))
            rc = sink_remove(sink, s.keys[i], err);
        free(s.keys[i]);
    }
    free(s.keys);
    free(below);
    buf_release(&s.runs);
}

/* Files that no manifest will list. Best effort: a later run sweeps what is left. */
static void take_away(const struct taking *k, struct sink *sink)
{
    struct err ignored;

    for (size_t i = k->put; i < k->q->count; i++)
        for (size_t p = 0; p < k->dumps[i].part_count; p++)
            err_ignore(sink_remove(sink, k->dumps[i].parts[p].key, &ignored));
}

/* --- all of it --- */

static int work(struct taking *k, struct sink *sink, json_t *ret, struct err *err)
{
    int rc = check_tables(k, err);

    if (rc == 0 && k->q->named != NULL)
        rc = k->q->named(k->q->arg, k->run, err);
    for (size_t i = 0; rc == 0 && i < k->q->count; i++) {
        sweep(k, sink, k->q->tables[i]);
        rc = beat(k->q->beat, err);
    }
    k->target = *k->q->target;
    k->target.beat = k->q->beat;
    k->target.timeout_ms = STATEMENT_MS;
    if (rc == 0)
        rc = snapshot_open(&k->target, k->q->parallel < k->q->count ? k->q->parallel : k->q->count,
                           k->q->tables, k->q->count, &k->snapshot, err);
    for (size_t i = 0; rc == 0 && i < k->q->count; i++)
        rc = prepare(k, i, err);
    if (rc == 0)
        rc = take(k, err);
    if (rc == 0)
        rc = publish(k, sink, ret, err);
    if (rc < 0)
        take_away(k, sink);
    return rc;
}

int backup_tables(const struct backup_request *q, json_t *ret, struct err *err)
{
    struct taking k = {.q = q};
    struct source_config place = *q->place;
    struct sink *sink = NULL;

    k.all = xcalloc(q->count + 1, sizeof *k.all);
    k.dumps = xcalloc(q->count + 1, sizeof *k.dumps);
    k.of = xcalloc(q->count + 1, sizeof *k.of);
    name_run(&k);
    place.beat = q->beat;
    int rc = sink_open(&place, &sink, err);
    if (rc == 0)
        rc = work(&k, sink, ret, err);
    for (size_t i = 0; i < q->count; i++) {
        struct one *o = &k.all[i];
        dump_table_release(&k.dumps[i]);
        extract_sql_release(&o->sql);
        table_free(o->def);
        free(o->columns);
        buf_release(&o->ddl);
        buf_release(&o->manifest);
    }
    snapshot_close(k.snapshot);
    sink_close(sink);
    free(k.all);
    free(k.dumps);
    free(k.of);
    return rc;
}
