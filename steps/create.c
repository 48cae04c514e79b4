/* The table of a pipeline with "create": true, typed by a sample of what the pipeline would load first. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "steps/object_int.h"
#include "steps/steps_int.h"

enum {
    SAMPLE_OBJECTS = 10,
    SAMPLE_ROWS = 200000,
    SAMPLE_PARTITIONS = 24 * 31, /* from since on, until objects are found */
};

struct sampling {
    struct step_ctx *c;
    struct infer *infer;
    struct object_info objects[SAMPLE_OBJECTS]; /* strings owned */
    size_t count;
    int64_t rows;
    bool header_seen;  /* of the object that is read */
    struct buf header; /* the first object's names, a NUL after each; empty: none was read yet */
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct sampling *s = arg;

    UNUSED(err);
    if (s->count == SAMPLE_OBJECTS || o->size == 0 || !include_matches(s->c->pipeline, o->key))
        return 0;
    struct object_info *copy = &s->objects[s->count++];
    *copy = *o;
    copy->key = xstrdup(o->key);
    copy->etag = xstrdup(o->etag ? o->etag : "");
    copy->version_id = o->version_id ? xstrdup(o->version_id) : NULL;
    return 0;
}

static int first_header(struct sampling *s, const struct csv_record *rec, struct err *err)
{
    int rc = infer_header(s->infer, rec, err);

    for (size_t f = 0; rc == 0 && f < rec->count; f++) {
        rc = buf_add(&s->header, rec->fields[f].p, rec->fields[f].n, err);
        if (rc == 0)
            rc = buf_add(&s->header, "", 1, err);
    }
    return rc;
}

/* An object with other names, or in another order, says nothing of the columns that the first one gave. */
static bool same_header(const struct sampling *s, const struct csv_record *rec)
{
    const char *p = s->header.p, *end = p + s->header.n;

    if (!s->c->pipeline->convert.header)
        return true;
    for (size_t f = 0; f < rec->count; f++) {
        size_t n = rec->fields[f].n;
        if ((size_t)(end - p) <= n || memcmp(p, rec->fields[f].p, n) != 0 || p[n] != '\0')
            return false;
        p += n + 1;
    }
    return p == end;
}

static int on_record(void *arg, const struct csv_record *rec, struct err *err)
{
    struct sampling *s = arg;
    int rc = 0;

    if (!s->header_seen) {
        s->header_seen = true;
        rc = s->header.n == 0 ? first_header(s, rec, err) : !same_header(s, rec);
        if (rc == 0 && !s->c->pipeline->convert.header)
            infer_row(s->infer, rec);
        return rc;
    }
    if (rec->code == CSV_GOOD)
        infer_row(s->infer, rec);
    return ++s->rows >= SAMPLE_ROWS ? 1 : 0;
}

/* The first objects from `since` on, a partition at a time. */
static int find_objects(struct sampling *s, struct err *err)
{
    const struct pipeline *p = s->c->pipeline;
    struct source *source;
    int64_t start = p->since_ms, last = clock_now_ms();

    if (p->until_ms >= 0 && p->until_ms < last)
        last = p->until_ms;
    int rc = step_source(s->c, &source, err);
    for (int i = 0; rc == 0 && i < SAMPLE_PARTITIONS && s->count == 0 && start <= last; i++) {
        char prefix[PREFIX_SIZE], part[PREFIX_SIZE];
        rc = part_prefix(p->layout, start, part, err);
        if (rc == 0) {
            snprintf(prefix, sizeof prefix, "%.200s%.300s", p->prefix, part);
            rc = source_list(source, prefix, on_object, s, err);
        }
        start += period_ms(p->period);
    }
    return rc;
}

static const char *configured_type(const struct pipeline *p, const char *column)
{
    for (size_t i = 0; p->create_types != NULL && i < p->convert.rule_count; i++)
        if (p->convert.rules[i].to != NULL && strcmp(p->convert.rules[i].to, column) == 0)
            return p->create_types[i];
    return NULL;
}

static int make_table(struct sampling *s, struct target *t, struct err *err)
{
    size_t n = infer_count(s->infer);
    const char **names = xcalloc(n + 1, sizeof *names), **types = xcalloc(n + 1, sizeof *types);

    for (size_t i = 0; i < n; i++) {
        infer_column(s->infer, i, &names[i], &types[i]);
        const char *wanted = configured_type(s->c->pipeline, names[i]);
        if (wanted != NULL)
            types[i] = wanted;
    }
    int rc = target_create_table(t, s->c->pipeline->table, names, types, n, err);
    free(names);
    free(types);
    return rc;
}

static int sample(struct sampling *s, struct err *err)
{
    int rc = find_objects(s, err);

    if (rc == 0 && s->count == 0) {
        err_set(err, ERR_NOT_FOUND, "no object to take the columns of table %s from", s->c->pipeline->table);
        rc = err_hint(err,
                      "make the table yourself, or run orch target setup again when the first file is there");
    }
    for (size_t i = 0; rc == 0 && i < s->count && s->rows < SAMPLE_ROWS; i++) {
        s->header_seen = false;
        rc = step_records(s->c, &s->objects[i], on_record, s, err);
    }
    return rc;
}

int step_create_table(struct step_ctx *c, struct err *err)
{
    struct sampling s = {.c = c, .header = BUF_INIT(MAX_RECORD)};
    struct target *t;
    struct table *there = NULL;
    struct err absent;

    int rc = step_target(c, &t, err);
    if (rc < 0)
        return rc;
    rc = target_describe(t, c->pipeline->table, &there, &absent);
    table_free(there);
    if (rc == 0)
        return 0;
    if (absent.code != ERR_TARGET) {
        *err = absent;
        return rc;
    }
    s.infer = infer_new(&c->pipeline->convert);
    rc = sample(&s, err);
    if (rc == 0)
        rc = make_table(&s, t, err);
    for (size_t i = 0; i < s.count; i++) {
        free((char *)(uintptr_t)s.objects[i].key);
        free((char *)(uintptr_t)s.objects[i].etag);
        free((char *)(uintptr_t)s.objects[i].version_id);
    }
    buf_release(&s.header);
    infer_free(s.infer);
    return rc < 0 ? rc : 1;
}
