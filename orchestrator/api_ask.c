/* What is asked for over HTTP. Nothing is done here but what is one row of the state file (pause, resume); the rest is put down
 * for the next tick (orchestrator/requests.h). Of the places of backups a client knows nothing: the config names them. */
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/api_body.h"
#include "orchestrator/api_request.h"
#include "orchestrator/decision.h"
#include "orchestrator/replay.h"
#include "orchestrator/status_int.h"
#include "state/pause.h"
#include "state/request.h"

/* ---- put down ---- */

static int put_down(const struct serve_request *q, const char *kind, const struct pipeline *p,
                    const struct api_body *b, int64_t *ret_id, struct err *err)
{
    struct store *s = NULL;
    char *args = json_text(b->args);
    const struct request_new n = {.kind = kind,
                                  .pipeline = p != NULL ? p->name : "",
                                  .args = args,
                                  .reason = b->reason,
                                  .who = q->who,
                                  .key = q->key,
                                  .now_ms = q->now_ms};
    int rc = serve_writer_take(q->serve, &s, err);

    if (rc == 0) {
        rc = request_make(s, &n, ret_id, err);
        serve_writer_give(q->serve);
    }
    free(args);
    return rc < 0 ? rc : 0;
}

static int accepted(const struct serve_request *q, struct serve_answer *a, int64_t id, struct err *err)
{
    struct request r = {0};
    struct api x;
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = fault_point("request.put", err);
    if (rc == 0)
        rc = request_get(x.cli.store, id, &r, err);
    if (rc == 0)
        request_json(&x.j, &r);
    request_release(&r);
    rc = api_close(&x, a, rc, err);
    if (rc < 0) { /* it is put down: a client that heard otherwise would ask for it twice */
        buf_clear(&a->body);
        rc = buf_addf(&a->body, err, "{\"id\":%lld}\n", (long long)id);
        if (rc < 0)
            return rc;
    }
    a->status = 202;
    a->location = xasprintf("/v1/requests/%lld", (long long)id);
    return 0;
}

/* ---- replay, retry ---- */

/* A plan of years is not made while a browser waits. */
static int plan_is_small(const struct serve_request *q, const struct pipeline *p, const char *from,
                         const char *to, struct err *err)
{
    int64_t first = p->since_ms, last;

    if (!view_newest(p, q->now_ms, &last))
        return 0;
    if (from != NULL && part_parse(p->period, from, &first, err) < 0)
        return -(int)err->code;
    if (to != NULL && part_parse(p->period, to, &last, err) < 0)
        return -(int)err->code;
    if ((last - first) / period_ms(p->period) >= MAX_API_PLAN)
        return err_set(err, ERR_TOO_LARGE, "more than %d partitions in one plan; from and to cut it",
                       MAX_API_PLAN);
    return 0;
}

static int plan(struct api *x, const struct pipeline *p, const struct replay_ask *ask, struct err *err)
{
    struct replay_count n;
    json_t *rows = json_array();
    int rc = replay_queue(x->cli.store, p, ask, rows, &n, err);

    if (rc == 0) {
        jout_text(&x->j, "pipeline", p->name);
        jout_bool(&x->j, "dry_run", true);
        jout_int(&x->j, "work", (int64_t)n.work);
        jout_int(&x->j, "well", (int64_t)n.well);
        jout_value(&x->j, "plan", rows);
    }
    json_decref(rows);
    return rc;
}

static int would_load(const struct serve_request *q, struct serve_answer *a, const char *kind,
                      const struct pipeline *p, const struct api_body *b, struct err *err)
{
    bool retry = strcmp(kind, "retry") == 0;
    const char *only = json_string_value(json_object_get(b->args, "only"));
    const struct replay_ask ask = {.verb = kind,
                                   .part = json_string_value(json_object_get(b->args, "partition")),
                                   .from = json_string_value(json_object_get(b->args, "from")),
                                   .to = json_string_value(json_object_get(b->args, "to")),
                                   .only = retry ? "failed" : only,
                                   .retry = retry,
                                   .dry_run = true};
    struct api x;
    int rc = 0;

    if (b->dry_run && ask.part == NULL)
        rc = plan_is_small(q, p, ask.from, ask.to, err);
    /* Of one partition the plan is made in any case: an hour that does not exist is said now, not by the tick. */
    if (rc < 0 || (!b->dry_run && ask.part == NULL))
        return rc;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = plan(&x, p, &ask, err);
    return api_close(&x, a, rc, err);
}

/* ---- skip ---- */

static int would_skip(const struct serve_request *q, struct serve_answer *a, const struct pipeline *p,
                      const struct api_body *b, struct err *err)
{
    const struct skip_ask ask = {.part = json_string_value(json_object_get(b->args, "partition")),
                                 .reason = b->reason,
                                 .undo = json_is_true(json_object_get(b->args, "undo")),
                                 .dry_run = true};
    char said[SKIP_SAID_SIZE] = "";
    struct api x;
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = skip_partition(&x.cli, p, &ask, said, err);
    if (rc >= 0) {
        jout_text(&x.j, "pipeline", p->name);
        jout_bool(&x.j, "dry_run", true);
        jout_bool(&x.j, "changes", rc > 0);
        jout_text(&x.j, "said", said);
    }
    return api_close(&x, a, rc, err);
}

/* ---- of one pipeline: by /v1, and by the forms of the pages ---- */

int api_ask(const struct serve_request *q, struct serve_answer *a, const char *kind, const struct pipeline *p,
            const struct api_body *b, int64_t *ret_id, struct err *err)
{
    int rc = strcmp(kind, "skip") == 0 ? would_skip(q, a, p, b, err) : would_load(q, a, kind, p, b, err);

    *ret_id = 0;
    return rc == 0 && !b->dry_run ? put_down(q, kind, p, b, ret_id, err) : rc;
}

static int ask(const struct serve_request *q, struct serve_answer *a, const char *kind, struct err *err)
{
    const struct pipeline *p;
    struct api_body b = {0};
    int64_t id = 0;
    int rc = api_flow(q, q->args[0], false, &p, err);

    if (rc == 0)
        rc = api_body_read(q, kind, p, &b, err);
    if (rc == 0)
        rc = api_ask(q, a, kind, p, &b, &id, err);
    if (rc == 0 && id != 0)
        rc = accepted(q, a, id, err);
    api_body_release(&b);
    return rc;
}

int api_replay(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return ask(q, a, "replay", err);
}

int api_retry(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return ask(q, a, "retry", err);
}

int api_skip(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return ask(q, a, "skip", err);
}

/* ---- pause, resume: one row, and at once ---- */

int api_set_pause(const struct serve_request *q, const struct pipeline *p, const struct api_body *b,
                  bool pause, struct err *err)
{
    struct store *s = NULL;
    int rc = serve_writer_take(q->serve, &s, err);

    if (rc < 0)
        return rc;
    rc = pause ? pause_set(s, p->name, q->who, b->reason, q->now_ms, err)
               : pause_clear(s, p->name, q->who, b->reason, q->now_ms, err);
    serve_writer_give(q->serve);
    return rc;
}

static int pause_or_resume(const struct serve_request *q, struct serve_answer *a, bool pause, struct err *err)
{
    const struct pipeline *p;
    struct api_body b = {0};
    struct pause now = {0};
    struct api x;
    int rc = api_flow(q, q->args[0], true, &p, err), changed = 0;

    if (rc == 0)
        rc = api_body_read(q, pause ? "pause" : "resume", p, &b, err);
    if (rc == 0)
        rc = changed = api_set_pause(q, p, &b, pause, err);
    api_body_release(&b);
    if (rc < 0)
        return rc;
    rc = api_open(&x, q, err);
    int paused = rc == 0 ? pause_get(x.cli.store, p->name, &now, err) : 0;
    if (rc == 0 && paused >= 0) {
        jout_text(&x.j, "pipeline", p->name);
        jout_bool(&x.j, "changed", changed > 0);
        status_pause_json(&x.j, paused > 0 ? &now : NULL);
    }
    return api_close(&x, a, rc < 0 ? rc : paused, err);
}

int api_pause(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return pause_or_resume(q, a, true, err);
}

int api_resume(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return pause_or_resume(q, a, false, err);
}

/* ---- backups, restores ---- */

int api_check_place(const struct serve_request *q, struct err *err)
{
    if (q->config->backups.connection != NULL)
        return 0;
    err_set(err, ERR_NOT_FOUND, "this server has no place for backups");
    return err_hint(err,
                    "serve.backups.connection names a connection of orch.json, a folder or a bucket; orch "
                    "backup and orch restore go without it");
}

static int table_files(const struct serve_request *q, struct serve_answer *a, const char *kind,
                       struct err *err)
{
    struct api_body b = {0};
    int64_t id = 0;
    int rc = api_check_place(q, err);

    if (rc == 0)
        rc = api_body_read(q, kind, NULL, &b, err);
    if (rc == 0)
        rc = put_down(q, kind, NULL, &b, &id, err);
    if (rc == 0)
        rc = accepted(q, a, id, err);
    api_body_release(&b);
    return rc;
}

int api_backup(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return table_files(q, a, "backup", err);
}

int api_restore(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return table_files(q, a, "restore", err);
}
