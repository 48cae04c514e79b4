/*
 * orch-extract-publish {pipeline, run} -> {tables, rows}: the manifest of each table, last of all and only where there is none of
 * its number yet; then the watermark. Who comes second finds the other's manifest, takes its word, and removes his own files.
 *
 * orch-extract-failed {pipeline, run, error, cause} -> {state}: what is tried again, when; or DEAD.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/hash.h"
#include "steps/extract_int.h"
#include "steps/steps_int.h"

enum { READ_BACK = 256 * 1024 };

struct publishing {
    struct step_ctx *c;
    struct sink *sink; /* owned */
    int64_t rows, tables;
};

/* --- read back --- */

struct finding {
    const char *key;
    struct object_info info;
    char etag[200];
    bool found;
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct finding *f = arg;

    UNUSED(err);
    if (strcmp(o->key, f->key) == 0) {
        f->info = *o;
        f->info.key = f->key;
        snprintf(f->etag, sizeof f->etag, "%s", o->etag);
        f->info.etag = f->etag;
        f->info.version_id = NULL;
        f->found = true;
    }
    return 0;
}

static int read_back(struct publishing *p, const struct manifest_part *part, struct err *err)
{
    struct finding f = {.key = part->key};
    struct sha256 *h = sha256_new();
    struct reader *raw = NULL;
    unsigned char sum[SHA256_SIZE];
    char hex[SHA256_HEX], *chunk = xmalloc(READ_BACK);
    struct source *source;
    size_t n = 1;

    int rc = step_source(p->c, &source, err);
    if (rc == 0)
        rc = source_list(source, part->key, on_object, &f, err);
    if (rc == 0 && (!f.found || f.info.size != part->bytes))
        rc = err_set(err, ERR_MISMATCH, "%s is not there as it was written; nothing is published", part->key);
    if (rc == 0)
        rc = source_get(source, &f.info, &raw, err);
    while (rc == 0 && n > 0) {
        rc = reader_read(raw, chunk, READ_BACK, &n, err);
        sha256_add(h, chunk, rc == 0 ? n : 0);
        if (rc == 0)
            rc = beat(&p->c->beat, err);
    }
    sha256_end(h, sum);
    str_hex(sum, sizeof sum, hex);
    if (rc == 0 && strcmp(hex, part->sha256) != 0)
        rc = err_set(err, ERR_MISMATCH,
                     "%s reads back as other bytes than were written; nothing is published", part->key);
    reader_close(raw);
    sha256_free(h);
    free(chunk);
    return rc;
}

/* --- one table --- */

/* What stands under our number: ours all the same (its answer was lost, or we died behind it), or another's. */
static int put_manifest(struct publishing *p, struct extraction *e, struct err *err)
{
    struct buf there = BUF_INIT(MAX_MANIFEST);
    int rc = sink_put_new(p->sink, e->manifest_key, e->manifest, strlen(e->manifest), err);

    if (rc == 0)
        rc = sink_read(p->sink, e->manifest_key, &there, err);
    if (rc == 1 && there.n > 0 &&
        (there.n != strlen(e->manifest) || memcmp(there.p, e->manifest, there.n) != 0)) {
        free(e->manifest);
        e->manifest = xstrndup(there.p, there.n);
    }
    buf_release(&there);
    if (rc == 0)
        rc = err_set(err, ERR_TRANSIENT, "%s was there a moment ago", e->manifest_key);
    return rc < 0 ? rc : 0;
}

static int take_word(const struct publishing *p, struct extraction *e, const struct manifest *m,
                     struct err *err)
{
    if (strcmp(m->pipeline, p->c->pipeline->name) != 0 || strcmp(m->table, e->name) != 0) {
        err_set(err, ERR_CONFIG, "%s is a manifest of %s/%s: two extracts write to the same place",
                e->manifest_key, m->pipeline, m->table);
        return err_hint(err, "give each a task or prefix of its own");
    }
    e->rows = m->rows;
    e->bytes = m->bytes;
    e->parts = (int64_t)m->part_count;
    free(e->to);
    e->to = m->watermark.to != NULL ? xstrdup(m->watermark.to) : NULL;
    free(e->run);
    e->run = xstrdup(m->run);
    return 0;
}

/* Of one who comes second the files may be gone: they are swept behind the manifest of who was first. */
static int read_all_back(struct publishing *p, const struct extraction *e, const struct manifest *m,
                         struct err *err)
{
    struct buf there = BUF_INIT(MAX_MANIFEST);
    struct err why;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->part_count; i++)
        rc = read_back(p, &m->parts[i], err);
    if (rc < 0 && err->code != ERR_CANCELLED && sink_read(p->sink, e->manifest_key, &there, &why) == 1)
        rc = 0;
    buf_release(&there);
    return rc;
}

static int publish(struct publishing *p, struct extraction *e, struct err *err)
{
    bool reads = e->verify || p->c->pipeline->extract->verify == VERIFY_FULL;
    const struct extract_table *t;
    struct manifest m = {0};

    int rc = extract_find(p->c->pipeline, e->name, &t, err);
    if (rc == 0 && strcmp(e->kind, "INCREMENTAL") == 0 && e->rows == 0) {
        rc = extract_unclaim(p->c, p->sink, e, t, err);
        return rc < 0 ? rc : extraction_nothing(p->c->store, p->c->token, e, clock_now_ms(), err);
    }
    if (rc == 0)
        rc = manifest_parse(e->manifest, strlen(e->manifest), e->manifest_key, &m, err);
    if (rc == 0 && e->seq < 0 && e->stamp_ms < clock_now_ms() - EXTRACT_STALE_MS)
        rc = err_set(err, ERR_NOT_FOUND,
                     "written too long ago: its files may have been swept, and are written anew");
    if (rc == 0 && reads)
        rc = read_all_back(p, e, &m, err);
    manifest_release(&m);
    if (rc == 0)
        rc = fault_point("extract.before_manifest", err);
    if (rc == 0)
        rc = put_manifest(p, e, err);
    if (rc == 0)
        rc = fault_point("extract.after_manifest", err);
    if (rc == 0)
        rc = manifest_parse(e->manifest, strlen(e->manifest), e->manifest_key, &m, err);
    if (rc == 0)
        rc = extract_copy(p->sink, e->manifest_key, e->manifest, strlen(e->manifest), &m, err);
    if (rc == 0)
        rc = extract_sweep(p->c, p->sink, e, t, &m, err); /* e->run is ours yet, whoever was first */
    if (rc == 0)
        rc = take_word(p, e, &m, err);
    if (rc == 0)
        rc = extraction_published(p->c->store, p->c->token, e, clock_now_ms(), err);
    p->rows += e->rows;
    p->tables++;
    manifest_release(&m);
    return rc < 0 ? rc : fault_point("extract.published", err);
}

int step_run_extract_publish(struct step_ctx *c, const json_t *parameters, json_t **ret_owned,
                             struct err *err)
{
    struct publishing p = {.c = c};
    struct extract_rows rows = {0};
    const char *run;
    size_t left;

    int rc = json_need_str(parameters, "run", &run, err);
    if (rc == 0)
        rc = extract_drop_gone(c, run, &left, err);
    if (rc == 0)
        rc = extract_sink(c, &p.sink, err);
    if (rc == 0)
        rc = extract_rows(c, run, "WRITTEN", &rows, err);
    for (size_t i = 0; rc == 0 && i < rows.n; i++) {
        rc = publish(&p, &rows.rows[i], err);
        if (rc < 0)
            err_prefix(err, "%s", rows.rows[i].name);
    }
    if (rc == 0)
        *ret_owned = json_pack("{s:I,s:I}", "tables", (json_int_t)p.tables, "rows", (json_int_t)p.rows);
    extract_rows_release(&rows);
    sink_close(p.sink);
    return rc;
}

/* --- failures --- */

int step_run_extract_failed(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const char *run = "", *error = "", *cause = "";
    struct extract_rows rows = {0};

    int rc = json_need_str(parameters, "run", &run, err);
    if (rc == 0)
        rc = json_get_str(parameters, "error", "", &error, err);
    if (rc == 0)
        rc = json_get_str(parameters, "cause", "", &cause, err);
    if (rc == 0)
        rc = extract_rows(c, run, NULL, &rows, err);
    if (rc == 0 && rows.n > 0) {
        enum err_code code = err_by_name(error);
        const struct extraction_failure f = {
            .error = error,
            .message = cause,
            .counts = err_counts(code),
            .wrong = code == ERR_MISMATCH || code == ERR_NOT_FOUND,
            .max_attempts = c->pipeline->max_attempts,
            .not_before_ms = code == ERR_CANCELLED ? 0 : clock_now_ms() + step_wait_ms(rows.rows[0].tries),
            .now_ms = clock_now_ms()};
        rc = extraction_failed(c->store, c->token, c->pipeline->name, run, &f, err);
    }
    if (rc == 0)
        *ret_owned = json_pack("{s:I}", "tables", (json_int_t)rows.n);
    extract_rows_release(&rows);
    return rc;
}
