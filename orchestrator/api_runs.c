/* Jobs, executions and their events over HTTP. */
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/status_int.h"
#include "state/page.h"

/* `after` as a number; standard where it is not there. */
static int after_id(const struct serve_request *q, int64_t standard, int64_t *ret, struct err *err)
{
    return serve_query_int(q, "after", 0, INT64_MAX, standard, ret, err);
}

/* ---- jobs ---- */

static int one_job(struct api *x, int64_t id, struct err *err)
{
    struct job job = {0};
    int rc = job_get(x->cli.store, id, &job, err);

    if (rc < 0)
        return rc;
    struct status_parts parts = {&x->j, x->cli.store, api_configured(x->q->config, job.pipeline), false};
    rc = status_job_json(&parts, &job, err);
    job_release(&job);
    return rc;
}

static int jobs(struct api *x, struct page_of *of, struct err *err)
{
    /* room for one more than the page has: that one is not told, and says that there is a next page */
    int64_t *ids = xcalloc((size_t)x->limit + 1, sizeof *ids), limit = x->limit;

    of->limit = limit + 1;
    int n = page_jobs(x->cli.store, of, ids, err), rc = n < 0 ? n : 0, told = 0;
    jout_open(&x->j, "jobs", '[');
    for (; rc == 0 && told < n && told < limit && !api_is_full(x); told++)
        rc = one_job(x, ids[told], err);
    jout_close(&x->j, ']');
    if (rc == 0 && n > told)
        api_next_int(x, ids[told - 1]);
    free(ids);
    return rc;
}

int api_jobs(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    static const char *const states[] = {"QUEUED", "PROCESSING", "LOADED",     "RECONCILED", "FAILED",
                                         "DEAD",   "MISMATCHED", "SUPERSEDED", "EMPTY",      NULL};
    struct page_of of = {0};
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "";
    struct api x;
    int rc = api_flow(q, serve_query(q, "pipeline"), false, &p, err);

    if (rc == 0)
        rc = api_word(q, "state", states, &of.state, err);
    if (rc == 0)
        rc = after_id(q, INT64_MAX, &of.before, err);
    if (rc == 0 && p == NULL && serve_query(q, "partition") != NULL)
        rc = err_set(err, ERR_USAGE, "partition goes with pipeline");
    if (rc == 0 && p != NULL)
        rc = api_part(p, "partition", serve_query(q, "partition"), part, err);
    if (rc < 0)
        return rc;
    of.pipeline = p != NULL ? p->name : NULL;
    of.part = part[0] != '\0' ? part : NULL;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = jobs(&x, &of, err);
    return api_close(&x, a, rc, err);
}

/* ---- executions ---- */

/* What orch list and orch describe do not have. */
static void put_own(struct jout *j, const struct execution *e)
{
    jout_int(j, "id", e->id);
    jout_text(j, "pipeline", e->pipeline);
    jout_text(j, "cause_of_start", e->cause_of_start);
}

struct executions {
    struct api *x;
    int64_t n, last;
    bool more;
};

static int on_execution(void *arg, const struct execution *e, struct err *err)
{
    struct executions *k = arg;

    UNUSED(err);
    if (k->n == k->x->limit || api_is_full(k->x))
        k->more = true;
    if (k->more)
        return 0;
    jout_open(&k->x->j, NULL, '{');
    put_own(&k->x->j, e);
    exec_entry(&k->x->j, e);
    jout_close(&k->x->j, '}');
    k->n++;
    k->last = e->id;
    return 0;
}

static int executions(struct api *x, struct page_of *of, struct err *err)
{
    struct executions k = {.x = x};

    of->limit = x->limit + 1;
    jout_open(&x->j, "executions", '[');
    int rc = page_executions(x->cli.store, of, true, on_execution, &k, err);
    jout_close(&x->j, ']');
    if (rc == 0 && k.more)
        api_next_int(x, k.last);
    return rc;
}

int api_executions(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    static const char *const states[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", NULL};
    struct page_of of = {0};
    const struct pipeline *p = NULL;
    struct api x;
    int rc = api_flow(q, serve_query(q, "pipeline"), true, &p, err);

    if (rc == 0)
        rc = api_word(q, "status", states, &of.state, err);
    if (rc == 0)
        rc = after_id(q, INT64_MAX, &of.before, err);
    if (rc < 0)
        return rc;
    of.pipeline = p != NULL ? p->name : NULL;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = executions(&x, &of, err);
    return api_close(&x, a, rc, err);
}

int api_execution(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct execution e = {0};
    json_t *o = NULL, *v;
    const char *key;
    struct api x;
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = exec_find(&x.cli, STORE_READ, q->args[0], &e, err);
    if (rc == 0)
        rc = exec_describe(x.cli.store, &e, &o, err);
    if (rc == 0) {
        put_own(&x.j, &e);
        json_object_foreach(o, key, v)
            jout_value(&x.j, key, v);
    }
    json_decref(o);
    execution_release(&e);
    return api_close(&x, a, rc, err);
}

struct events {
    struct api *x;
    int64_t n, last;
    bool more;
};

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    struct events *k = arg;
    json_t *o = NULL;

    if (k->n == k->x->limit || api_is_full(k->x))
        k->more = true;
    if (k->more)
        return 0;
    int rc = exec_event_json(id, previous, type, ts_ms, details, &o, err);
    if (rc == 0)
        jout_value(&k->x->j, NULL, o);
    json_decref(o);
    k->n++;
    k->last = id;
    return rc;
}

static int events(struct api *x, int64_t after, struct err *err)
{
    struct execution e = {0};
    struct events k = {.x = x};
    int rc = exec_find(&x->cli, STORE_READ, x->q->args[0], &e, err);

    if (rc < 0)
        return rc;
    jout_int(&x->j, "execution", e.id);
    jout_open(&x->j, "events", '[');
    rc = page_events(x->cli.store, e.id, after, x->limit + 1, on_event, &k, err);
    jout_close(&x->j, ']');
    if (k.more)
        api_next_int(x, k.last);
    execution_release(&e);
    return rc;
}

int api_events(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    int64_t after;
    struct api x;
    int rc = after_id(q, 0, &after, err);

    if (rc < 0)
        return rc;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = events(&x, after, err);
    return api_close(&x, a, rc, err);
}
