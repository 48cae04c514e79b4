#include "base/clock.h"
#include "io/hash.h"
#include "io/inflate.h"
#include "steps/object_int.h"

const char *key_name(const char *key, char out[KEY_NAME_SIZE])
{
    const char *slash = strrchr(key, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : key;

    str_printable(name, strlen(name), out, KEY_NAME_SIZE);
    return out;
}

struct object_info object_info_of(const struct load_row *l)
{
    return (struct object_info){.key = l->key,
                                .etag = l->etag ? l->etag : "",
                                .version_id = l->version_id,
                                .size = l->size,
                                .mtime_ns = l->mtime_ns,
                                .modified_ms = l->modified_ms};
}

/* One is filled while the sink may still be at work on the other. */
struct reading {
    const struct row_sink *sink;
    struct batch *batch, *given;
};

static int flush(struct reading *r, struct err *err)
{
    struct batch *full = r->batch;
    int rc = 0;

    if (full->rows > 0 && r->sink->batch != NULL)
        rc = r->sink->batch(r->sink->arg, full, err);
    r->batch = r->given;
    r->given = full;
    batch_clear(r->batch);
    return rc;
}

static int all_records(struct reading *r, struct rows *rows, const struct table *def, struct err *err)
{
    const struct row_sink *s = r->sink;
    size_t count;
    int rc = rows_begin(rows, err);

    if (rc <= 0)
        return rc;
    const int *columns = rows_columns(rows, &count);
    r->batch = batch_new(def, columns, count, BATCH_ROWS);
    r->given = batch_new(def, columns, count, BATCH_ROWS);
    rc = s->begin != NULL ? s->begin(s->arg, columns, count, err) : 0;
    while (rc == 0) {
        rc = rows_fill(rows, r->batch, -1, s->reject, s->arg, err);
        if (rc < 0)
            return rc;
        bool end = rc == ROWS_END;
        rc = flush(r, err);
        if (end)
            break;
    }
    return rc == 0 && s->end != NULL ? s->end(s->arg, err) : rc;
}

int rows_read(struct step_ctx *c, const struct load_row *l, const struct table *def,
              const struct row_sink *sink, struct rows_result *ret, struct err *err)
{
    const struct rows_config config = {
        &c->pipeline->dialect, &c->pipeline->convert, def, &c->beat, {l->part, l->key, l->load_id}};
    struct object_info o = object_info_of(l);
    struct reading r = {.sink = sink};
    struct rows *rows = NULL;
    struct reader *raw;
    struct source *source;
    char name[KEY_NAME_SIZE];

    memset(ret, 0, sizeof *ret);
    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = source_get(source, &o, &raw, err);
    if (rc == 0)
        rc = rows_open(&config, raw, true, &rows, err);
    if (rc == 0)
        rc = all_records(&r, rows, def, err);
    if (rows != NULL)
        rows_result(rows, ret);
    batch_free(r.batch);
    batch_free(r.given);
    rows_close(rows);
    return rc < 0 ? err_prefix(err, "%s", key_name(l->key, name)) : 0;
}

int object_sha256(struct step_ctx *c, const struct load_row *l, char ret[65], struct err *err)
{
    struct object_info o = object_info_of(l);
    struct source *source;
    struct reader *raw = NULL, *hashing = NULL;
    unsigned char sum[SHA256_SIZE];
    char waste[16384];
    int64_t bytes;
    size_t n = 1;

    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = source_get(source, &o, &raw, err);
    if (rc == 0)
        rc = hashing_open(raw, &hashing, err);
    while (rc == 0 && n > 0)
        rc = reader_read(hashing, waste, sizeof waste, &n, err);
    if (rc == 0) {
        hashing_result(hashing, sum, &bytes);
        str_hex(sum, sizeof sum, ret);
    }
    reader_close(hashing);
    return rc;
}

int object_as_said(const struct load_row *l, int64_t records, const char *sha256, struct err *err)
{
    char name[KEY_NAME_SIZE];

    if (l->said_sha256 == NULL)
        return 0;
    key_name(l->key, name);
    if (strcmp(sha256, l->said_sha256) != 0) {
        err_set(err, ERR_MISMATCH, "%s: its sha256 is %s, its manifest says %s", name, sha256,
                l->said_sha256);
        return err_hint(err, "it was changed after it was extracted: extract it again");
    }
    if (records != l->said_rows) {
        err_set(err, ERR_MISMATCH, "%s: %lld rows were read, its manifest says %lld", name,
                (long long)records, (long long)l->said_rows);
        return err_hint(err,
                        "the bytes are those that were extracted: does \"csv\" of the pipeline fit what the "
                        "manifest's \"format\" says");
    }
    return 0;
}

static int collect(void *arg, const struct load_row *l, struct err *err)
{
    struct loads *all = arg;

    UNUSED(err);
    all->rows = xrealloc(all->rows, (all->n + 1) * sizeof *all->rows);
    struct load_row *copy = &all->rows[all->n++];
    *copy = *l;
    copy->state = xstrdup(l->state);
    copy->columns = xstrdup(l->columns);
    copy->key = xstrdup(l->key);
    copy->etag = xstrdup(l->etag ? l->etag : "");
    copy->version_id = l->version_id ? xstrdup(l->version_id) : NULL;
    copy->sha256 = xstrdup(l->sha256 ? l->sha256 : "");
    copy->part = xstrdup(l->part);
    copy->said_sha256 = l->said_sha256 != NULL ? xstrdup(l->said_sha256) : NULL;
    return 0;
}

int loads_get(struct store *s, int64_t job_id, struct loads *ret, struct err *err)
{
    *ret = (struct loads){NULL, 0};
    int rc = load_list(s, job_id, collect, ret, err);
    if (rc < 0)
        loads_release(ret);
    return rc;
}

void loads_release(struct loads *l)
{
    for (size_t i = 0; i < l->n; i++)
        load_row_release(&l->rows[i]);
    free(l->rows);
    *l = (struct loads){NULL, 0};
}
