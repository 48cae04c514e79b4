#include "state/request.h"
#include "base/mem.h"
#include "state/queue.h"
#include "state/queue_int.h"

void request_release(struct request *r)
{
    char *all[] = {r->kind,    r->pipeline, r->args,    r->reason, r->who, r->state,
                   r->reached, r->error,    r->message, r->hint,   r->key, r->result};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    *r = (struct request){0};
}

static void fill(sqlite3_stmt *st, struct request *ret)
{
    *ret = (struct request){.id = col_i64(st, 0),
                            .kind = col_text(st, 1),
                            .pipeline = col_text(st, 2),
                            .args = col_text(st, 3),
                            .reason = col_text(st, 4),
                            .who = col_text(st, 5),
                            .key = col_text(st, 6),
                            .state = col_text(st, 7),
                            .attempts = col_i64(st, 8),
                            .not_before_ms = col_i64(st, 9),
                            .reached = col_text(st, 10),
                            .acted = col_i64(st, 11),
                            .result = col_text(st, 12),
                            .error = col_text(st, 13),
                            .message = col_text(st, 14),
                            .hint = col_text(st, 15),
                            .made_ms = col_i64(st, 16),
                            .started_ms = col_i64(st, 17),
                            .ended_ms = col_i64(st, 18),
                            .acked_ms = col_i64(st, 19)};
}

/* The first row of a bound statement: 1, or 0. */
static int one(struct store *s, sqlite3_stmt *st, struct request *ret, struct err *err)
{
    int rc = stmt_step(s, st, err);

    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    return rc;
}

static int each(struct store *s, sqlite3_stmt *st, request_fn *fn, void *arg, struct err *err)
{
    struct request row;
    int rc;

    while ((rc = stmt_step(s, st, err)) > 0) {
        fill(st, &row);
        rc = fn(arg, &row, err);
        request_release(&row);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

/* ---- made ---- */

static int by_key(struct store *s, const struct request_new *n, int64_t *ret_id, struct err *err)
{
    struct request was = {0};
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_BY_KEY, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, n->key);
    rc = one(s, st, &was, err);
    if (rc > 0) {
        *ret_id = was.id;
        if (strcmp(was.kind, n->kind) != 0 || strcmp(was.pipeline, n->pipeline) != 0 ||
            strcmp(was.args, n->args) != 0 || strcmp(was.reason, n->reason) != 0)
            rc = err_set(err, ERR_CONFLICT, "this Idempotency-Key came with another request: %lld, a %s",
                         (long long)was.id, was.kind);
    }
    request_release(&was);
    return rc;
}

static int put(struct store *s, const struct request_new *n, int64_t *ret_id, struct err *err)
{
    char verb[40];
    sqlite3_stmt *st;
    int rc = n->key != NULL ? by_key(s, n, ret_id, err) : 0;

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = store_stmt(s, SQL_STATE_REQUEST_PUT, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, n->kind);
    bind_text(st, 2, n->pipeline);
    bind_text(st, 3, n->args);
    bind_text(st, 4, n->reason);
    bind_text(st, 5, n->who);
    bind_text(st, 6, n->key);
    bind_i64(st, 7, n->now_ms);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    *ret_id = store_last_id(s);
    snprintf(verb, sizeof verb, "request %s", n->kind);
    rc = audit_put(s, n->who, verb, n->pipeline, "", n->reason, n->now_ms, err);
    return rc < 0 ? rc : 1;
}

int request_make(struct store *s, const struct request_new *n, int64_t *ret_id, struct err *err)
{
    int rc = store_begin(s, err);

    return rc < 0 ? rc : queue_end(s, put(s, n, ret_id, err), err);
}

/* ---- read ---- */

int request_get(struct store *s, int64_t id, struct request *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = one(s, st, ret, err);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no request %lld", (long long)id);
    return rc < 0 ? rc : 0;
}

int request_list(struct store *s, const char *pipeline, const char *state, int64_t before, int64_t limit,
                 request_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, state);
    bind_i64(st, 3, before);
    bind_i64(st, 4, limit);
    return each(s, st, fn, arg, err);
}

int request_next(struct store *s, int64_t after, struct request *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_NEXT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, after);
    return one(s, st, ret, err);
}

int request_failing(struct store *s, const char *pipeline, request_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_FAILING, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    return each(s, st, fn, arg, err);
}

int request_counts(struct store *s, struct request_counts *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_COUNTS, &st, err);

    if (rc < 0)
        return rc;
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret = (struct request_counts){col_i64(st, 0), col_i64(st, 1), col_i64(st, 2)};
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

/* ---- worked ---- */

static int gone(struct err *err, int64_t id)
{
    return err_set(err, ERR_LOCK_LOST, "request %lld is not at that any more", (long long)id);
}

static int begin(struct store *s, int64_t id, int64_t now_ms, struct err *err)
{
    int rc = run_ids(s, SQL_STATE_REQUEST_BEGIN, id, now_ms, 0, err);

    return rc == 0 ? gone(err, id) : rc;
}

int request_begin(struct store *s, int64_t id, int64_t now_ms, struct err *err)
{
    int rc = store_begin(s, err);

    rc = rc < 0 ? rc : queue_end(s, begin(s, id, now_ms, err), err);
    return rc < 0 ? rc : 0;
}

int request_reached(struct store *s, int64_t id, const char *part, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_REACHED, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_text(st, 2, part);
    rc = stmt_run(s, st, err);
    if (rc == 0)
        return gone(err, id);
    return rc < 0 ? rc : 0;
}

static int named(struct store *s, int64_t id, const char *run, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_NAMED, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_text(st, 2, run);
    rc = stmt_run(s, st, err);
    return rc == 0 ? gone(err, id) : rc;
}

int request_named(struct store *s, int64_t id, const char *run, struct err *err)
{
    int rc = store_begin(s, err);

    rc = rc < 0 ? rc : queue_end(s, named(s, id, run, err), err);
    return rc < 0 ? rc : 0;
}

static int end(struct store *s, int64_t id, const struct request_end *e, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REQUEST_END, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_text(st, 2, e->state);
    bind_text(st, 3, e->result);
    bind_text(st, 4, e->error != NULL ? e->error : "");
    bind_text(st, 5, e->message != NULL ? e->message : "");
    bind_text(st, 6, e->hint != NULL ? e->hint : "");
    bind_i64(st, 7, e->not_before_ms);
    bind_i64_or_null(st, 8, strcmp(e->state, "QUEUED") == 0 ? 0 : e->now_ms);
    rc = stmt_run(s, st, err);
    return rc == 0 ? gone(err, id) : rc;
}

int request_end(struct store *s, int64_t id, const struct request_end *e, struct err *err)
{
    int rc = store_begin(s, err);

    rc = rc < 0 ? rc : queue_end(s, end(s, id, e, err), err);
    return rc < 0 ? rc : 0;
}

static int again(struct store *s, int64_t id, struct err *err)
{
    int rc = run_ids(s, SQL_STATE_REQUEST_AGAIN, id, 0, 0, err);

    return rc == 0 ? gone(err, id) : rc;
}

int request_again(struct store *s, int64_t id, struct err *err)
{
    int rc = store_begin(s, err);

    rc = rc < 0 ? rc : queue_end(s, again(s, id, err), err);
    return rc < 0 ? rc : 0;
}

static int ack(struct store *s, int64_t id, const char *who, const char *reason, int64_t now_ms,
               struct err *err)
{
    struct request r = {0};
    int rc = request_get(s, id, &r, err);

    if (rc == 0)
        rc = run_ids(s, SQL_STATE_REQUEST_ACK, id, now_ms, 0, err);
    if (rc > 0)
        rc = audit_put(s, who, "ack", r.pipeline, "", reason, now_ms, err) < 0 ? -(int)err->code : 1;
    request_release(&r);
    return rc;
}

int request_ack(struct store *s, int64_t id, const char *who, const char *reason, int64_t now_ms,
                struct err *err)
{
    int rc = store_begin(s, err);

    return rc < 0 ? rc : queue_end(s, ack(s, id, who, reason, now_ms, err), err);
}

int request_prune(struct store *s, int64_t before_ms, struct err *err)
{
    return run_ids(s, SQL_STATE_REQUEST_PRUNE, before_ms, 0, 0, err);
}
