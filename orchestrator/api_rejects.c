/* Rejects, and what became of each object's rows, over HTTP. */
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/rejects.h"
#include "orchestrator/view.h"
#include "state/page.h"

int api_reject_place(const char *after, int64_t *ret_load, int64_t *ret_line, struct err *err)
{
    const char *dash = strchr(after, '-');

    *ret_load = *ret_line = 0;
    if (*after == '\0')
        return 0;
    if (dash == NULL ||
        str_to_i64((struct str){after, (size_t)(dash - after)}, 0, INT64_MAX, ret_load, err) < 0 ||
        str_to_i64(str_of(dash + 1), 0, INT64_MAX, ret_line, err) < 0)
        return err_set(err, ERR_USAGE, "after is not what `next` of a page said");
    return 0;
}

/* Of one pipeline always: all of them at once would be no page of anything. */
static int of_whom(const struct serve_request *q, const struct pipeline **ret, struct err *err)
{
    const char *name = serve_query(q, "pipeline");

    if (name == NULL)
        return err_set(err, ERR_USAGE, "of which pipeline? pipeline is needed");
    return api_flow(q, name, false, ret, err);
}

/* ---- rejects ---- */

struct rejects {
    struct api *x;
    int64_t n, load_id, line;
    bool more;
};

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct rejects *k = arg;

    UNUSED(err);
    if (k->n == k->x->limit || api_is_full(k->x))
        k->more = true;
    if (k->more)
        return 0;
    json_t *row = rejects_row(r, false);
    jout_value(&k->x->j, NULL, row);
    json_decref(row);
    k->n++;
    k->load_id = r->load_id;
    k->line = r->line;
    return 0;
}

struct groups {
    struct api *x;
    int64_t n;
    int by;
    bool more;
};

static int on_group(void *arg, const struct reject_group *g, struct err *err)
{
    struct groups *k = arg;

    UNUSED(err);
    if (k->n == k->x->limit || api_is_full(k->x))
        k->more = true;
    if (k->more)
        return 0;
    json_t *o = rejects_group(g, k->by);
    jout_value(&k->x->j, NULL, o);
    json_decref(o);
    k->n++;
    return 0;
}

static int rejects(struct api *x, struct reject_filter *f, int by, struct err *err)
{
    struct rejects k = {.x = x};
    struct groups g = {.x = x, .by = by};
    const char *after = serve_query(x->q, "after");
    char next[60];
    int rc = api_reject_place(after != NULL ? after : "", &k.load_id, &k.line, err);

    if (rc < 0)
        return rc;
    f->limit = x->limit + 1;
    jout_open(&x->j, by == 0 ? "rejects" : "groups", '[');
    rc = by == 0 ? reject_after(x->cli.store, f, k.load_id, k.line, on_reject, &k, err)
                 : reject_by(x->cli.store, f, by, on_group, &g, err);
    jout_close(&x->j, ']');
    snprintf(next, sizeof next, "%lld-%lld", (long long)k.load_id, (long long)k.line);
    if (k.more)
        api_next_text(x, next);
    if (by != 0)
        jout_bool(&x->j, "more", g.more);
    return rc;
}

int api_rejects(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    static const char *const states[] = {"PENDING", "FINAL", "FAILED", "REPLAYED", "DISCARDED", "all", NULL};
    struct reject_filter f = {.code = serve_query(q, "code"), .column = serve_query(q, "column")};
    const struct pipeline *p = NULL;
    const char *words = serve_query(q, "by");
    char part[PART_SIZE] = "";
    int by = 0;
    struct api x;
    int rc = of_whom(q, &p, err);

    if (rc < 0)
        return rc;
    rc = api_word(q, "state", states, &f.state, err);
    if (rc == 0 && words != NULL) {
        by = rejects_by(words, err);
        rc = by < 0 ? by : 0;
        if (rc == 0 && serve_query(q, "after") != NULL) /* counts change between two pages of them */
            rc = err_set(err, ERR_USAGE, "groups have no pages: after does not go with by");
    }
    if (rc == 0)
        rc = api_part(p, "partition", serve_query(q, "partition"), part, err);
    if (rc < 0)
        return rc;
    f.pipeline = p->name;
    f.part = part[0] != '\0' ? part : NULL;
    if (f.state != NULL && strcmp(f.state, "all") == 0)
        f.state = "";
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = rejects(&x, &f, by, err);
    return api_close(&x, a, rc, err);
}

/* ---- reconciliation ---- */

struct comparing {
    struct api *x;
    int64_t *loads, *jobs; /* owned; jobs of the page, each once */
    size_t job_count;
    int64_t read, loaded, rejected;
    char last[PART_SIZE + 32];
};

/* source = loaded + rejected, of what has been read whole. */
static void object_json(struct comparing *k, const struct load_row *l)
{
    struct jout *j = &k->x->j;
    bool whole = strcmp(l->state, "DRAWN") != 0;

    jout_open(j, NULL, '{');
    jout_text(j, "partition", l->part);
    jout_int(j, "job", l->job_id);
    jout_text(j, "key", l->key);
    jout_int(j, "size", l->size);
    jout_text(j, "etag", l->etag);
    jout_int(j, "load_id", l->load_id);
    jout_int(j, "generation", l->generation);
    jout_text(j, "state", l->state);
    jout_int(j, "rows_read", l->rows_read);
    jout_int(j, "rows_loaded", l->rows_loaded);
    jout_int(j, "rows_rejected", l->rows_rejected);
    if (whole)
        jout_int(j, "difference", l->rows_read - l->rows_loaded - l->rows_rejected);
    else
        jout_text(j, "difference", NULL);
    jout_time(j, "loaded", l->loaded_ms);
    jout_close(j, '}');
    if (whole) {
        k->read += l->rows_read;
        k->loaded += l->rows_loaded;
        k->rejected += l->rows_rejected;
    }
    if (k->job_count == 0 || k->jobs[k->job_count - 1] != l->job_id)
        k->jobs[k->job_count++] = l->job_id;
    snprintf(k->last, sizeof k->last, "%s_%lld", l->part, (long long)l->load_id);
}

static int on_record(void *arg, const struct reconciliation *r, struct err *err)
{
    struct jout *j = arg;
    json_t *differences = NULL;
    int rc = json_parse(r->differences, strlen(r->differences), "differences", &differences, err);

    jout_text(j, "verdict", r->verdict);
    jout_time(j, "at", r->at_ms);
    jout_int(j, "rows_source", r->rows_source);
    jout_int(j, "rows_loaded", r->rows_loaded);
    jout_int(j, "rows_rejected", r->rows_rejected);
    jout_int(j, "rows_target", r->rows_target);
    if (rc == 0)
        jout_value(j, "differences", differences);
    json_decref(differences);
    return rc;
}

static int job_json(struct comparing *k, int64_t id, struct err *err)
{
    struct jout *j = &k->x->j;
    struct job job = {0};
    char name[JOB_NAME_SIZE];
    int rc = job_get(k->x->cli.store, id, &job, err);

    if (rc < 0)
        return rc;
    jout_open(j, NULL, '{');
    jout_int(j, "id", id);
    jout_text(j, "job", job_name(&job, name));
    jout_text(j, "partition", job.part);
    jout_text(j, "state", job.state);
    rc = reconciliation_newest(k->x->cli.store, id, on_record, j, err);
    if (rc == 0)
        jout_text(j, "verdict", NULL);
    jout_close(j, '}');
    job_release(&job);
    return rc < 0 ? rc : 0;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int jobs(struct comparing *k, struct err *err)
{
    int rc = 0;

    qsort(k->jobs, k->job_count, sizeof *k->jobs, by_id);
    jout_open(&k->x->j, "jobs", '[');
    for (size_t i = 0; rc == 0 && i < k->job_count; i++)
        if (i == 0 || k->jobs[i] != k->jobs[i - 1])
            rc = job_json(k, k->jobs[i], err);
    jout_close(&k->x->j, ']');
    return rc;
}

static int compare(struct comparing *k, struct page_loads *of, struct err *err)
{
    struct jout *j = &k->x->j;
    int64_t limit = k->x->limit;

    of->limit = limit + 1;
    k->loads = xcalloc((size_t)limit + 1, sizeof *k->loads);
    k->jobs = xcalloc((size_t)limit + 1, sizeof *k->jobs);
    int n = page_loads(k->x->cli.store, of, k->loads, err), rc = n < 0 ? n : 0, told = 0;
    jout_text(j, "pipeline", of->pipeline);
    jout_open(j, "objects", '[');
    for (; rc == 0 && told < n && told < limit && !api_is_full(k->x); told++) {
        struct load_row row = {0};
        rc = load_get(k->x->cli.store, k->loads[told], &row, err);
        if (rc >= 0)
            object_json(k, &row);
        rc = rc < 0 ? rc : 0;
        load_row_release(&row);
    }
    jout_close(j, ']');
    if (rc == 0)
        rc = jobs(k, err);
    jout_open(j, "sums", '{');
    jout_int(j, "rows_read", k->read);
    jout_int(j, "rows_loaded", k->loaded);
    jout_int(j, "rows_rejected", k->rejected);
    jout_int(j, "difference", k->read - k->loaded - k->rejected);
    jout_close(j, '}');
    if (rc == 0 && n > told)
        api_next_text(k->x, k->last);
    free(k->loads);
    free(k->jobs);
    return rc;
}

/* "PART_LOAD". */
static int behind(const struct pipeline *p, const char *text, char part[PART_SIZE], int64_t *ret_load,
                  struct err *err)
{
    char *copy = xstrdup(text != NULL ? text : "");
    char *bar = strchr(copy, '_');
    int rc = 0;

    part[0] = '\0';
    if (text != NULL && bar == NULL)
        rc = err_set(err, ERR_USAGE, "after is not what `next` of a page said");
    if (rc == 0 && bar != NULL) {
        *bar = '\0';
        rc = api_part(p, "after", copy, part, err);
        if (rc == 0 && str_to_i64(str_of(bar + 1), 0, INT64_MAX, ret_load, err) < 0)
            rc = err_set(err, ERR_USAGE, "after is not what `next` of a page said");
    }
    free(copy);
    return rc;
}

int api_reconciliation(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const struct pipeline *p = NULL;
    char from[PART_SIZE] = "", to[PART_SIZE] = "", after[PART_SIZE] = "";
    struct page_loads of = {0};
    struct api x;
    struct comparing k = {.x = &x};
    int rc = of_whom(q, &p, err);

    if (rc == 0)
        rc = api_part(p, "from", serve_query(q, "from"), from, err);
    if (rc == 0)
        rc = api_part(p, "to", serve_query(q, "to"), to, err);
    if (rc == 0)
        rc = behind(p, serve_query(q, "after"), after, &of.after_load, err);
    if (rc < 0)
        return rc;
    of.pipeline = p->name;
    of.from = from[0] != '\0' ? from : NULL;
    of.to = to[0] != '\0' ? to : NULL;
    of.after_part = after[0] != '\0' ? after : NULL;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = compare(&k, &of, err);
    return api_close(&x, a, rc, err);
}
