#include "state/flag.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/queue_int.h"

static void copy_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
    char *text = col_text(st, i);

    snprintf(out, size, "%s", text ? text : "");
    free(text);
}

int flag_get(struct store *s, const char *pipeline, struct flag *ret, enum flag_state *ret_state,
             struct err *err)
{
    char status[32];
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FLAG_GET, &st, err);

    *ret = (struct flag){0};
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc <= 0) {
        *ret_state = FLAG_FREE;
        return rc;
    }
    copy_text(st, 0, ret->id, sizeof ret->id);
    ret->execution_id = col_i64(st, 1);
    ret->job_id = col_i64(st, 2);
    ret->epoch = col_i64(st, 3);
    ret->set_ms = col_i64(st, 4);
    ret->lease_boot_ms = col_i64(st, 5);
    ret->lease_ms = col_i64(st, 6);
    copy_text(st, 7, ret->boot_id, sizeof ret->boot_id);
    copy_text(st, 8, status, sizeof status);
    copy_text(st, 9, ret->owner, sizeof ret->owner);
    stmt_done(st);
    bool stale = strcmp(status, "RUNNING") != 0 || strcmp(ret->boot_id, clock_boot_id()) != 0 ||
                 ret->lease_boot_ms <= clock_boot_ms();
    *ret_state = stale ? FLAG_STALE : FLAG_HELD;
    return 0;
}

/* 1: the job may be worked by this execution. */
static int may_work(struct store *s, const struct flag_new *n, struct err *err)
{
    static const char *const fine[] = {"QUEUED", "FAILED", "PROCESSING"};
    char state[32];
    sqlite3_stmt *st;

    if (n->job_id == 0)
        return 1;
    int rc = store_stmt(s, SQL_STATE_JOB_STATE, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, n->job_id);
    bind_text(st, 2, n->pipeline);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        copy_text(st, 0, state, sizeof state);
        rc = strcmp(state, "LOADED") == 0 && col_i64(st, 1) == 0 && col_i64(st, 2) == 0;
        for (size_t i = 0; i < ARRAY_LEN(fine); i++)
            rc |= strcmp(state, fine[i]) == 0;
        rc = rc && col_i64(st, 3) == 0;
    }
    stmt_done(st);
    return rc;
}

/* The flag's former job, when another is taken: its run said nothing, so it waits again. */
static int abandon(struct store *s, const struct flag *f, struct err *err)
{
    char message[200];
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_ABANDON, &st, err);

    if (rc < 0)
        return rc;
    snprintf(message, sizeof message, "the run that worked it (%.120s) ended without a word",
             f->owner[0] != '\0' ? f->owner : "no longer in this state file");
    bind_i64(st, 1, f->job_id);
    bind_i64(st, 2, clock_now_ms());
    bind_text(st, 3, message);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int put(struct store *s, const char *pipeline, const struct flag *f, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FLAG_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, f->id);
    bind_i64(st, 3, f->execution_id);
    bind_i64(st, 4, f->job_id);
    bind_i64(st, 5, f->epoch);
    bind_i64(st, 6, f->set_ms);
    bind_i64(st, 7, f->lease_boot_ms);
    bind_i64(st, 8, f->lease_ms);
    bind_text(st, 9, f->boot_id);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int take(struct store *s, const struct flag_new *n, struct flag *ret, struct err *err)
{
    struct flag old;
    enum flag_state state;
    int64_t now = clock_now_ms();

    int rc = flag_get(s, n->pipeline, &old, &state, err);
    if (rc < 0)
        return rc;
    /* Ours although its lease is over: nobody has taken it, so it still is. */
    bool ours = state != FLAG_FREE && old.execution_id == n->execution_id;
    if (state == FLAG_HELD && !ours)
        return 0;
    if (state != FLAG_FREE && (old.job_id != n->job_id || !ours))
        rc = abandon(s, &old, err);
    if (rc == 0)
        rc = may_work(s, n, err);
    if (rc <= 0)
        return rc;
    struct flag f = {.execution_id = n->execution_id,
                     .job_id = n->job_id,
                     .epoch = ours ? old.epoch : n->epoch,
                     .set_ms = ours ? old.set_ms : now,
                     .lease_boot_ms = clock_boot_ms() + n->lease_ms_from_now,
                     .lease_ms = now + n->lease_ms_from_now};
    if (ours) {
        memcpy(f.id, old.id, sizeof f.id);
    } else {
        int64_t random[2] = {random_bits(63), random_bits(63)};
        str_hex(random, sizeof random, f.id);
    }
    snprintf(f.boot_id, sizeof f.boot_id, "%s", clock_boot_id());
    rc = put(s, n->pipeline, &f, err);
    if (rc == 0 && n->job_id != 0)
        rc = run_ids(s, SQL_STATE_JOB_TAKE, n->job_id, n->execution_id, now, err);
    if (rc < 0)
        return rc;
    *ret = f;
    return 1;
}

int flag_set(struct store *s, const char *token, const struct flag_new *n, struct flag *ret, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    *ret = (struct flag){0};
    if (rc < 0)
        return rc;
    return queue_end(s, take(s, n, ret, err), err);
}

static int lost(const char *pipeline, struct err *err)
{
    return err_set(err, ERR_LOCK_LOST, "%s: another run holds the now-processing flag", pipeline);
}

int flag_held(struct store *s, const char *pipeline, const char *id, struct flag *ret, struct err *err)
{
    enum flag_state state;
    int rc = flag_get(s, pipeline, ret, &state, err);

    if (rc < 0)
        return rc;
    return strcmp(ret->id, id) == 0 && id[0] != '\0' ? 0 : lost(pipeline, err);
}

int flag_epoch(struct store *s, const char *token, const char *pipeline, const char *id, int64_t from,
               int64_t to, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_FLAG_EPOCH, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, id);
        bind_i64(st, 3, from);
        bind_i64(st, 4, to);
        rc = stmt_run(s, st, err);
        if (rc == 0)
            rc = lost(pipeline, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int flag_renew(struct store *s, const char *pipeline, const char *id, int64_t lease_ms_from_now,
               struct err *err)
{
    bool outer = store_in_tx(s);
    sqlite3_stmt *st;
    int rc = outer ? 0 : store_begin(s, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_FLAG_RENEW, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, id);
        bind_i64(st, 3, clock_boot_ms() + lease_ms_from_now);
        bind_i64(st, 4, clock_now_ms() + lease_ms_from_now);
        bind_text(st, 5, clock_boot_id());
        rc = stmt_run(s, st, err);
        if (rc == 0)
            rc = lost(pipeline, err);
    }
    if (!outer)
        rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

static int clear(struct store *s, const char *pipeline, const char *id, const struct job_outcome *outcome,
                 struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FLAG_CLEAR, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, id);
    rc = stmt_run(s, st, err);
    if (rc <= 0 || outcome == NULL)
        return rc;
    rc = job_apply(s, outcome, err);
    return rc < 0 ? rc : 1;
}

int flag_reset(struct store *s, const char *token, const char *pipeline, const char *id,
               const struct job_outcome *outcome, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    return queue_end(s, clear(s, pipeline, id, outcome, err), err);
}
