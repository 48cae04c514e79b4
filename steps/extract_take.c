/*
 * orch-extract {pipeline, run} -> {rows, bytes, parts}: one snapshot, all tables of the run into files under names of this very
 * attempt, counted against the snapshot. An attempt that died leaves files that no manifest lists; they go once another has been
 * published.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_moment.h"
#include "io/target_query_sums.h"
#include "steps/extract_int.h"
#include "steps/steps_int.h"

extract_progress_fn *extract_progress;
enum { STATEMENT_MS = 3600 * 1000 }; /* one may sort, or wait for a slow upload, for so long */

struct one { /* table of the attempt */
    const struct extract *x;
    const struct extraction *row;
    const struct extract_table *t;
    struct table *def; /* owned; NULL of a query */
    struct extract_sql sql;
    struct extract_names names;
    char *key, *notice; /* of the manifest; owned, both */
    struct buf ddl;     /* of an Avro file */
};
struct taking {
    struct step_ctx *c;
    const struct extract *x;
    struct extract_rows rows;
    struct one *all; /* as many */
    struct dump_table *dumps;
    struct snapshot *snapshot;
    struct moment moment;
    int64_t stamp_ms, began_ms;
    int64_t about; /* rows, for who watches; 0: not known */
};

static void part_key(void *arg, const struct dump_table *d, int part, struct buf *ret)
{
    const struct one *o = arg;
    struct err ignored;

    UNUSED(d);
    err_ignore(extract_key(o->x, &o->names, part, ret, &ignored)); /* it has made one of this path before */
}

static int prepare(struct taking *k, size_t i, struct err *err)
{
    struct one *o = &k->all[i];
    const struct extraction *e = o->row = &k->rows.rows[i];
    o->x = k->x;
    struct dump_table *d = &k->dumps[i];
    struct buf name = BUF_INIT(MAX_KEY);
    char now[MOMENT_SIZE], key[MAX_KEY + 1];
    struct target *target;

    int rc = extract_find(k->c->pipeline, e->name, &o->t, err);
    if (rc == 0)
        rc = step_target(k->c, &target, err);
    if (rc == 0)
        rc = extract_describe(target, o->t, &o->def, err);
    o->ddl = (struct buf)BUF_INIT(MAX_STATEMENT);
    if (rc == 0 && o->t->table != NULL && k->x->format.kind == FORMAT_AVRO)
        rc = target_show_create(target, o->t->table, &o->ddl, err);
    if (rc < 0)
        return rc;
    const struct extract_window w = {.from = e->from,
                                     .to = e->to,
                                     .datetime_offset_s = k->x->datetime_offset_s,
                                     .now = moment_text(k->moment.now_ms, now)};
    rc = extract_sql(o->t, o->def, &w, &o->sql, err);
    extract_names(k->c->pipeline, o->t, e->run, k->stamp_ms, &o->names);
    if (rc == 0)
        rc = extract_key(k->x, &o->names, 0, &name, err);
    if (rc == 0)
        rc = extract_dir(&o->names, true, &name, err);
    if (rc == 0)
        rc = manifest_key(name.p, e->name, e->seq, e->run, key, err);
    if (rc == 0) {
        o->key = xstrdup(key);
        o->notice = xasprintf("%s%s%s", e->notice,
                              e->notice[0] != '\0' && o->sql.warning[0] != '\0' ? "; " : "", o->sql.warning);
        *d = (struct dump_table){.name = e->name,
                                 .select = o->sql.select,
                                 .values = o->sql.values,
                                 .value_count = o->sql.value_count,
                                 .def = o->sql.columns != NULL ? o->def : NULL,
                                 .columns = o->sql.columns,
                                 .column_count = o->sql.column_count,
                                 .hidden = o->sql.hidden,
                                 .key_sql = (const char *const *)o->sql.key_sql,
                                 .key_at = o->sql.key_at,
                                 .key_count = o->sql.key_count,
                                 .page_rows = k->x->page_rows,
                                 .order = o->sql.order[0] != '\0' ? o->sql.order : NULL,
                                 .record = e->name,
                                 .metadata = o->ddl.n > 0 ? o->ddl.p : NULL,
                                 .part_key = part_key,
                                 .arg = o};
    }
    buf_release(&name);
    return rc;
}

static bool has_subquery(const struct extract_table *t)
{
    bool has = t->where != NULL && strcasestr(t->where, "select") != NULL;

    for (size_t i = 0; i < t->transform_count; i++)
        has = has || strcasestr(t->transforms[i].sql, "select") != NULL;
    return has;
}

static int open_snapshot(struct taking *k, struct err *err)
{
    const char **tables = xcalloc(k->rows.n + 1, sizeof *tables);
    struct target_config config = k->c->pipeline->target;
    size_t n = 0, wanted = (size_t)k->x->parallel < k->rows.n ? (size_t)k->x->parallel : k->rows.n;

    config.beat = &k->c->beat;
    config.timeout_ms = STATEMENT_MS;
    for (size_t i = 0; i < k->rows.n; i++)
        if (k->all[i].t->table != NULL)
            tables[n++] = k->all[i].t->table;
    bool known = n == k->rows.n; /* of a query, and of a subquery, the tables cannot be held still */
    for (size_t i = 0; known && i < k->rows.n; i++)
        known = !has_subquery(k->all[i].t);
    if (!known)
        wanted = 1;
    int rc = snapshot_open(&config, wanted > 0 ? wanted : 1, tables, n, &k->snapshot, err);
    free(tables);
    return rc < 0 ? rc : fault_point("extract.snapshot", err);
}

/* What was read against what the snapshot holds, by the worker that read it: nothing is published that differs. */
static int reconcile(void *arg, struct target *t, const struct dump_table *d, struct err *err)
{
    const struct one *o = d->arg;
    struct sums stored = {0};
    struct sums_diff diff;
    bool sums = o->x->verify != VERIFY_COUNT && o->sql.columns != NULL;

    UNUSED(arg);
    if (sums)
        sums_like(&stored, &d->sums);
    int rc = 0;
    if (!sums && d->given >= 0)
        stored.rows = d->given; /* a query of the user's own is not run twice */
    else
        rc = target_query_sums(t, o->sql.select, o->sql.values, o->sql.value_count, sums ? o->def : NULL,
                               d->rows, &stored, err);
    if (rc == 0 && stored.rows != d->rows)
        rc = err_set(err, ERR_MISMATCH,
                     "%s: %lld rows in the snapshot, %lld were written; nothing is published", d->name,
                     (long long)stored.rows, (long long)d->rows);
    if (rc == 0 && sums && sums_compare(&d->sums, &stored, o->def, &diff, 1) > 0)
        rc = err_set(err, ERR_MISMATCH,
                     "%s: column %s: %s is %s as written and %s in the snapshot; nothing is published",
                     d->name, diff.column, diff.what, diff.source, diff.target);
    sums_release(&stored);
    return rc;
}

/* --- the manifest --- */

static const char *kind_text(enum format_kind k)
{
    return format_suffix(k) + 1;
}

static enum manifest_kind kind_of(const char *kind)
{
    return strcmp(kind, "FULL") == 0    ? MANIFEST_FULL
           : strcmp(kind, "RANGE") == 0 ? MANIFEST_RANGE
                                        : MANIFEST_INCREMENTAL;
}

static int describe(struct taking *k, size_t i, struct buf *ret, struct err *err)
{
    const struct one *o = &k->all[i];
    const struct dump_table *d = &k->dumps[i];
    const struct format_config *f = &k->x->format;
    static const char *const packs[] = {"none", "gzip", "zstd"};
    const char delimiter[2] = {f->kind == FORMAT_TSV ? '\t' : f->delimiter, '\0'};
    bool text = f->kind == FORMAT_CSV || f->kind == FORMAT_TSV;
    size_t watermarks = 0;

    while (o->t->watermark[watermarks] != NULL)
        watermarks++;
    const struct manifest m = {.pipeline = k->c->pipeline->name,
                               .task = k->x->task,
                               .table = o->t->name,
                               .run = o->row->run,
                               .seq = o->row->seq,
                               .kind = kind_of(o->row->kind),
                               .at_ms = k->stamp_ms,
                               .watermark = {o->t->watermark, watermarks, o->row->from, o->row->to},
                               .snapshot = {snapshot_at(k->snapshot), snapshot_position(k->snapshot)},
                               .sql = o->sql.text,
                               .format = {kind_text(f->kind), text ? delimiter : NULL, text ? f->null : NULL,
                                          f->header, f->crlf ? "crlf" : "lf",
                                          f->kind == FORMAT_AVRO       ? NULL
                                          : f->binary == BINARY_BASE64 ? "base64"
                                                                       : "hex",
                                          packs[k->x->packing]}};
    return manifest_of_dump(&m, d, ret, err);
}

/* What kept tables from being read side by side, too. */
static char *with_notice(struct one *o, const char *more)
{
    if (more[0] != '\0') {
        char *both = xasprintf("%s%s%s", o->notice, o->notice[0] != '\0' ? "; " : "", more);
        free(o->notice);
        o->notice = both;
    }
    return o->notice;
}

static int record(struct taking *k, struct err *err)
{
    struct extraction *rows = xcalloc(k->rows.n + 1, sizeof *rows);
    struct buf *texts = xcalloc(k->rows.n + 1, sizeof *texts);
    int64_t took = clock_mono_ms() - k->began_ms;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->rows.n; i++) {
        texts[i] = (struct buf)BUF_INIT(MAX_MANIFEST);
        rc = describe(k, i, &texts[i], err);
        rows[i] = k->rows.rows[i]; /* borrowed */
        rows[i].stamp_ms = k->stamp_ms;
        rows[i].manifest_key = k->all[i].key;
        rows[i].manifest = texts[i].p;
        rows[i].rows = k->dumps[i].rows;
        rows[i].bytes = k->dumps[i].bytes;
        rows[i].parts = (int64_t)k->dumps[i].part_count;
        rows[i].sql = k->all[i].sql.text;
        rows[i].took_ms = took;
        rows[i].notice = with_notice(&k->all[i], snapshot_notice(k->snapshot));
    }
    if (rc == 0)
        rc = extraction_written(k->c->store, k->c->token, rows, k->rows.n, clock_now_ms(), err);
    for (size_t i = 0; i < k->rows.n; i++)
        buf_release(&texts[i]);
    free(texts);
    free(rows);
    return rc;
}

/* --- the step --- */

static void on_progress(void *arg, int64_t rows, int64_t bytes)
{
    const struct taking *k = arg;

    if (extract_progress != NULL)
        extract_progress(k->c->pipeline->name, rows, k->about, bytes, clock_mono_ms() - k->began_ms);
}

/* How many rows there will be is known of whole tables alone, and of them by statistics. */
static void guess(struct taking *k)
{
    struct target *target = snapshot_target(k->snapshot, 0);
    struct err ignored;

    for (size_t i = 0; i < k->rows.n; i++) {
        const struct extract_table *t = k->all[i].t;
        int64_t rows = 0;
        if (t->table == NULL || t->filter_count > 0 || t->where != NULL || k->rows.rows[i].from != NULL ||
            target_rows_about(target, t->table, &rows, &ignored) < 0 || rows == 0) {
            k->about = 0;
            return;
        }
        k->about += rows;
    }
}

/* Uploads of attempts that died. */
static int abandon(struct taking *k, struct err *err)
{
    struct sink *sink = NULL;
    int rc = extract_sink(k->c, &sink, err);

    for (size_t i = 0; rc == 0 && i < k->rows.n; i++)
        if (strcmp(k->rows.rows[i].stamps, "[]") != 0)
            rc = extract_sweep(k->c, sink, &k->rows.rows[i], k->all[i].t, NULL, err);
    sink_close(sink);
    return rc;
}

/* Files that are on no record, and no manifest will list. Best effort: the next one that publishes sweeps what is left. */
static void take_away(struct taking *k)
{
    struct sink *sink = NULL;
    struct err ignored;
    int rc = extract_sink(k->c, &sink, &ignored);

    for (size_t i = 0; rc == 0 && i < k->rows.n; i++)
        for (size_t p = 0; p < k->dumps[i].part_count; p++)
            err_ignore(sink_remove(sink, k->dumps[i].parts[p].key, &ignored));
    sink_close(sink);
}

static int take(struct taking *k, struct err *err)
{
    const struct dump_config config = {.sink = &k->c->pipeline->source,
                                       .format = &k->x->format,
                                       .packing = k->x->packing,
                                       .level = k->x->level,
                                       .part_bytes = k->x->part_bytes,
                                       .beat = &k->c->beat,
                                       .verify = reconcile,
                                       .progress = on_progress,
                                       .arg = k};
    struct dump_config with = config;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->rows.n; i++)
        rc = prepare(k, i, err);
    if (rc == 0)
        rc = abandon(k, err);
    if (rc == 0)
        rc = open_snapshot(k, err);
    with.snapshot = k->snapshot;
    if (rc == 0 && extract_progress != NULL)
        guess(k);
    if (rc == 0)
        rc = dump_run(&with, k->dumps, k->rows.n, err);
    if (rc < 0)
        return rc;
    rc = fault_point("extract.dumped", err);
    if (rc == 0)
        rc = record(k, err);
    if (rc < 0 &&
        err->code == ERR_LOCK_LOST) /* of any other failure it is not known whether it is on record */
        take_away(k);
    return rc < 0 ? rc : fault_point("extract.written", err);
}

static void release(struct taking *k)
{
    for (size_t i = 0; k->all != NULL && i < k->rows.n; i++) {
        struct one *o = &k->all[i];
        table_free(o->def);
        extract_sql_release(&o->sql);
        buf_release(&o->ddl);
        free(o->key);
        free(o->notice);
        dump_table_release(&k->dumps[i]);
    }
    snapshot_close(k->snapshot);
    free(k->all);
    free(k->dumps);
    extract_rows_release(&k->rows);
}

/* 1: an attempt before this one has written all that is left of the run, and died before it was published. */
static int is_written(struct taking *k, const char *run, struct err *err)
{
    int rc = extract_rows(k->c, run, NULL, &k->rows, err);

    for (size_t i = 0; rc == 0 && i < k->rows.n; i++)
        if (strcmp(k->rows.rows[i].state, "WRITTEN") != 0) {
            extract_rows_release(&k->rows);
            return 0;
        }
    return rc < 0 ? rc : 1;
}

static int begin(struct taking *k, const char *run, struct err *err)
{
    struct step_ctx *c = k->c;
    struct target *target;
    int rc = step_target(c, &target, err);

    if (rc == 0)
        rc = target_moment(target, k->x->lag_ms, &k->moment, err);
    if (rc == 0)
        rc = extract_claim(c, run, &k->stamp_ms, &k->rows, err);
    if (rc == 0) {
        k->all = xcalloc(k->rows.n + 1, sizeof *k->all);
        k->dumps = xcalloc(k->rows.n + 1, sizeof *k->dumps);
        rc = take(k, err);
    }
    return rc;
}

int step_run_extract(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct taking k = {.c = c, .x = c->pipeline->extract, .began_ms = clock_mono_ms()};
    int64_t rows = 0, bytes = 0, parts = 0;
    const char *run;
    size_t left = 0;

    int rc = json_need_str(parameters, "run", &run, err);
    if (rc == 0) /* who goes on with a dead one's run may have another config */
        rc = extract_drop_gone(c, run, &left, err);
    if (rc == 0 && left > 0)
        rc = is_written(&k, run, err);
    if (rc == 0 && left > 0)
        rc = begin(&k, run, err);
    for (size_t i = 0; rc >= 0 && i < k.rows.n; i++) {
        rows += k.dumps != NULL ? k.dumps[i].rows : k.rows.rows[i].rows;
        bytes += k.dumps != NULL ? k.dumps[i].bytes : k.rows.rows[i].bytes;
        parts += k.dumps != NULL ? (int64_t)k.dumps[i].part_count : k.rows.rows[i].parts;
    }
    if (rc >= 0)
        *ret_owned = json_pack("{s:I,s:I,s:I}", "rows", (json_int_t)rows, "bytes", (json_int_t)bytes, "parts",
                               (json_int_t)parts);
    release(&k);
    return rc < 0 ? rc : 0;
}
