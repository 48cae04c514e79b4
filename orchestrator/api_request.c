/* Requests for the next tick: looked at, and a failed one let stand. */
#include "orchestrator/api_request.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/api_body.h"
#include "orchestrator/requests.h"

static void document(struct jout *j, const char *key, const char *text)
{
    json_t *v = NULL;
    struct err none;

    if (text == NULL || json_parse(text, strlen(text), key, &v, &none) < 0)
        jout_text(j, key, NULL);
    else
        jout_value(j, key, v);
    json_decref(v);
}

void request_json(struct jout *j, const struct request *r)
{
    char title[300];

    request_title(r, title, sizeof title);
    jout_int(j, "id", r->id);
    jout_text(j, "kind", r->kind);
    jout_text(j, "pipeline", r->pipeline);
    document(j, "args", r->args);
    jout_text(j, "title", title);
    jout_text(j, "reason", r->reason);
    jout_text(j, "who", r->who);
    jout_text(j, "state", r->state);
    jout_int(j, "attempts", r->attempts);
    jout_int(j, "acted", r->acted);
    document(j, "result", r->result);
    jout_text(j, "error", r->error);
    jout_text(j, "message", r->message);
    jout_text(j, "hint", r->hint);
    jout_time(j, "made", r->made_ms);
    jout_time(j, "started", r->started_ms);
    jout_time(j, "ended", r->ended_ms);
    jout_time(j, "not_before", r->not_before_ms);
    jout_time(j, "acknowledged", r->acked_ms);
}

struct listing {
    struct api *x;
    int64_t n, last;
    bool more;
};

static int on_request(void *arg, const struct request *r, struct err *err)
{
    struct listing *l = arg;

    UNUSED(err);
    if (l->n == l->x->limit || api_is_full(l->x))
        l->more = true;
    if (l->more)
        return 0;
    jout_open(&l->x->j, NULL, '{');
    request_json(&l->x->j, r);
    jout_close(&l->x->j, '}');
    l->n++;
    l->last = r->id;
    return 0;
}

int api_requests(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    static const char *const states[] = {"QUEUED", "RUNNING", "DONE", "FAILED", NULL};
    const struct pipeline *p = NULL;
    const char *state = NULL;
    int64_t before = INT64_MAX;
    struct api x;
    struct listing l = {.x = &x};
    int rc = api_flow(q, serve_query(q, "pipeline"), true, &p, err);

    if (rc == 0)
        rc = api_word(q, "state", states, &state, err);
    if (rc == 0)
        rc = serve_query_int(q, "after", 0, INT64_MAX, INT64_MAX, &before, err);
    if (rc < 0)
        return rc;
    rc = api_open(&x, q, err);
    if (rc == 0) {
        jout_open(&x.j, "requests", '[');
        rc = request_list(x.cli.store, p != NULL ? p->name : NULL, state, before, x.limit + 1, on_request, &l,
                          err);
        jout_close(&x.j, ']');
    }
    if (rc == 0 && l.more)
        api_next_int(&x, l.last);
    return api_close(&x, a, rc, err);
}

static int id_of(const struct serve_request *q, int64_t *ret, struct err *err)
{
    if (str_to_i64(str_of(q->args[0]), 1, INT64_MAX, ret, err) < 0)
        return err_set(err, ERR_NOT_FOUND, "a request has a number");
    return 0;
}

static int show(const struct serve_request *q, struct serve_answer *a, int64_t id, struct err *err)
{
    struct request r = {0};
    struct api x;
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = request_get(x.cli.store, id, &r, err);
    if (rc == 0)
        request_json(&x.j, &r);
    request_release(&r);
    return api_close(&x, a, rc, err);
}

int api_request(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    int64_t id;
    int rc = id_of(q, &id, err);

    return rc < 0 ? rc : show(q, a, id, err);
}

int api_request_ack(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct store *s = NULL;
    struct api_body b = {0};
    int64_t id;
    int rc = id_of(q, &id, err);

    if (rc == 0)
        rc = api_body_read(q, "acknowledge", NULL, &b, err);
    if (rc == 0)
        rc = serve_writer_take(q->serve, &s, err);
    if (rc == 0) {
        rc = request_ack(s, id, q->who, b.reason, q->now_ms, err);
        serve_writer_give(q->serve);
    }
    api_body_release(&b);
    return rc < 0 ? rc : show(q, a, id, err);
}
