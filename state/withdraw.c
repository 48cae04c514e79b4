/* What a person takes back of the queue: a run that was ended, a replay that has not begun. */
#include "base/mem.h"
#include "state/queue_int.h"

/* 1: nobody works it. */
static int at_rest(struct store *s, const struct job *j, struct err *err)
{
    struct flag flag;
    enum flag_state state;
    int rc = flag_get(s, j->pipeline, &flag, &state, err);

    return rc < 0 ? rc : state != FLAG_HELD || flag.job_id != j->id;
}

static int put_back(struct store *s, int64_t job_id, int64_t now_ms, struct err *err)
{
    struct job j = {0};
    int rc = job_get(s, job_id, &j, err);

    if (rc == 0)
        rc = at_rest(s, &j, err);
    if (rc > 0)
        rc = run_ids(s, SQL_STATE_JOB_PUT_BACK, job_id, now_ms, 0, err);
    job_release(&j);
    return rc;
}

int job_put_back(struct store *s, int64_t job_id, int64_t now_ms, struct err *err)
{
    bool outer = store_in_tx(s);
    int rc = outer ? 0 : store_begin(s, err);

    if (rc == 0)
        rc = put_back(s, job_id, now_ms, err);
    return outer ? rc : queue_end(s, rc, err);
}

/* The verdict that an object had before a replay of it was queued. */
static int restore_object(struct store *s, int64_t object_id, struct err *err)
{
    sqlite3_stmt *st;
    char *was = NULL;
    int rc = store_stmt(s, SQL_STATE_LOAD_OF_OBJECT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, object_id);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        was = col_text(st, 0);
    stmt_done(st);
    if (rc >= 0) /* NEW: never loaded as it is; the next listing decides about it */
        rc = object_verdict(s, object_id, was != NULL ? was : "NEW", err);
    free(was);
    return rc;
}

static int drop_drawn(struct store *s, int64_t job_id, struct err *err)
{
    int64_t ids[2] = {0, 0};
    sqlite3_stmt *st;
    int rc;

    for (;;) {
        rc = store_stmt(s, SQL_STATE_LOAD_DRAWN, &st, err);
        if (rc < 0)
            return rc;
        bind_i64(st, 1, job_id);
        rc = stmt_step(s, st, err);
        for (int i = 0; rc > 0 && i < 2; i++)
            ids[i] = col_i64(st, i);
        stmt_done(st);
        if (rc <= 0)
            return rc;
        rc = load_forget(s, ids[0], SQL_STATE_LOAD_DROP, err);
        if (rc == 0)
            rc = restore_object(s, ids[1], err);
        if (rc < 0)
            return rc;
    }
}

/* 1: a replay that waits, and nothing of it is on its way. */
static int may_withdraw(struct store *s, const struct job *j, struct err *err)
{
    static const char *const waits[] = {"QUEUED", "FAILED", "DEAD"};
    sqlite3_stmt *st;
    int64_t unknown = 0;
    bool fine = false;

    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        fine |= strcmp(j->state, waits[i]) == 0;
    if (!fine || strcmp(j->kind, "REPLAY") != 0)
        return 0;
    int rc = at_rest(s, j, err);
    if (rc > 0)
        rc = store_stmt(s, SQL_STATE_LOAD_UNKNOWN, &st, err) < 0 ? -(int)err->code : 1;
    if (rc <= 0)
        return rc;
    bind_i64(st, 1, j->id);
    rc = query_i64(s, st, &unknown, err);
    return rc < 0 ? rc : rc == 0;
}

static int withdraw(struct store *s, int64_t job_id, const char *who, const char *reason, int64_t now_ms,
                    struct err *err)
{
    struct job j = {0};
    char message[600];
    int rc = job_get(s, job_id, &j, err);

    if (rc == 0)
        rc = may_withdraw(s, &j, err);
    if (rc > 0) {
        snprintf(message, sizeof message, "cancelled by %s%s%s", who, *reason != '\0' ? ": " : "", reason);
        rc = drop_drawn(s, job_id, err);
        if (rc == 0)
            rc = job_close_if_done(s, job_id, "SUPERSEDED", message, now_ms, err);
        if (rc == 0)
            rc = audit_put(s, who, "cancel", j.pipeline, j.part, reason, now_ms, err);
        rc = rc < 0 ? rc : 1;
    }
    job_release(&j);
    return rc;
}

int job_withdraw(struct store *s, int64_t job_id, const char *who, const char *reason, int64_t now_ms,
                 struct err *err)
{
    bool outer = store_in_tx(s);
    int rc = outer ? 0 : store_begin(s, err);

    if (rc == 0)
        rc = withdraw(s, job_id, who, reason, now_ms, err);
    return outer ? rc : queue_end(s, rc, err);
}
