#include "state/exec.h"
#include "state/queue_int.h"
#include "state/store_int.h"

enum { PRUNE_AT_ONCE = 500 };

static int lost(struct err *err, const char *what, int64_t id)
{
    return err_set(err, ERR_LOCK_LOST, "execution %lld: %s: another run took it over", (long long)id, what);
}

/* ---- workflows ---- */

int workflow_put(struct store *s, const char *sha256, const char *name, const char *definition,
                 int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_WORKFLOW_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, sha256);
    bind_text(st, 2, name);
    bind_text(st, 3, definition);
    bind_i64(st, 4, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int workflow_get(struct store *s, const char *sha256, char **ret_name, char **ret_definition, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_WORKFLOW_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, sha256);
    rc = stmt_step(s, st, err);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "no workflow with the sha256 %s", sha256);
    if (rc < 0)
        return rc;
    *ret_name = col_text(st, 0);
    *ret_definition = col_text(st, 1);
    stmt_done(st);
    return 0;
}

int exec_map_put(struct store *s, int64_t execution_id, const char *sha256, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_MAP_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_text(st, 2, sha256);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int exec_map_get(struct store *s, int64_t execution_id, char **ret_owned, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_MAP_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    rc = stmt_step(s, st, err);
    if (rc == 1) {
        *ret_owned = col_text(st, 0);
        stmt_done(st);
    }
    return rc;
}

/* ---- executions ---- */

void execution_release(struct execution *e)
{
    free(e->name);
    free(e->pipeline);
    free(e->workflow_sha256);
    free(e->cause_of_start);
    free(e->status);
    free(e->input);
    free(e->output);
    free(e->error);
    free(e->cause);
    free(e->stop_error);
    free(e->stop_cause);
    free(e->claim_lock);
    free(e->claim_boot_id);
    memset(e, 0, sizeof *e);
}

/* The columns of every query named exec_get, exec_by_name, exec_list_*. */
static void read_execution(sqlite3_stmt *st, struct execution *e)
{
    *e = (struct execution){
        .id = col_i64(st, 0),
        .name = col_text(st, 1),
        .pipeline = col_text(st, 2),
        .workflow_sha256 = col_text(st, 3),
        .cause_of_start = col_text(st, 4),
        .status = col_text(st, 5),
        .input = col_text(st, 6),
        .output = col_text(st, 7),
        .error = col_text(st, 8),
        .cause = col_text(st, 9),
        .start_ms = col_i64(st, 10),
        .stop_ms = col_i64(st, 11),
        .deadline_ms = col_i64(st, 12),
        .redrive_count = col_i64(st, 13),
        .redrive_ms = col_i64(st, 14),
        .idle = col_i64(st, 15) != 0,
        .stop_requested = col_i64(st, 16) != 0,
        .stop_error = col_text(st, 17),
        .stop_cause = col_text(st, 18),
        .claim = col_i64(st, 19),
        .claim_lock = col_text(st, 20),
        .claim_boot_id = col_text(st, 21),
        .claim_pid = col_i64(st, 22),
        .claim_pid_start = col_i64(st, 23),
        .claim_lease_boot_ms = col_i64(st, 24),
        .claim_lease_ms = col_i64(st, 25),
        .own = col_i64(st, 26) != 0,
    };
}

static int one_execution(struct store *s, sqlite3_stmt *st, struct execution *ret, struct err *err)
{
    int rc = stmt_step(s, st, err);

    if (rc == 1) {
        read_execution(st, ret);
        stmt_done(st);
    }
    return rc;
}

int exec_get(struct store *s, int64_t id, struct execution *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = one_execution(s, st, ret, err);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "no execution with the id %lld", (long long)id);
    return rc < 0 ? rc : 0;
}

static int find_by_name(struct store *s, const char *name, struct execution *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_BY_NAME, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, name);
    return one_execution(s, st, ret, err);
}

int exec_by_name(struct store *s, const char *name, struct execution *ret, struct err *err)
{
    int rc = find_by_name(s, name, ret, err);

    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "no execution '%s'", name);
    return rc < 0 ? rc : 0;
}

static int each_execution(struct store *s, sqlite3_stmt *st,
                          int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                          struct err *err)
{
    int rc;

    while ((rc = stmt_step(s, st, err)) == 1) {
        struct execution e;
        read_execution(st, &e);
        rc = fn(arg, &e, err);
        execution_release(&e);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int exec_list(struct store *s, const char *pipeline, const char *status, int64_t limit,
              int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg, struct err *err)
{
    enum sql_state_id id = SQL_STATE_EXEC_LIST_ALL;
    sqlite3_stmt *st;

    if (status != NULL && strcmp(status, "RUNNING") == 0)
        id = SQL_STATE_EXEC_LIST_RUNNING;
    else if (pipeline != NULL)
        id = SQL_STATE_EXEC_LIST_PIPELINE;
    int rc = store_stmt(s, id, &st, err);
    if (rc < 0)
        return rc;
    if (id != SQL_STATE_EXEC_LIST_ALL)
        bind_text(st, 1, pipeline);
    if (id != SQL_STATE_EXEC_LIST_RUNNING)
        bind_text(st, 2, status);
    bind_i64(st, 3, limit);
    return each_execution(s, st, fn, arg, err);
}

int exec_own_failing(struct store *s, int64_t limit,
                     int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                     struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_OWN_FAILING, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, limit);
    return each_execution(s, st, fn, arg, err);
}

int exec_own_failing_count(struct store *s, int64_t *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_OWN_FAILING_COUNT, &st, err);

    if (rc < 0)
        return rc;
    rc = query_i64(s, st, ret, err);
    return rc < 0 ? rc : 0;
}

int exec_own_running(struct store *s, int64_t after, int64_t *ids, int n, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_OWN_RUNNING, &st, err), found = 0;

    if (rc < 0)
        return rc;
    bind_i64(st, 1, after);
    bind_i64(st, 2, n);
    while (found < n && (rc = stmt_step(s, st, err)) == 1)
        ids[found++] = col_i64(st, 0);
    stmt_done(st);
    return rc < 0 ? rc : found;
}

/* T0's idempotence: 1 and the id when the same run is there and RUNNING. */
static int same_name(struct store *s, const struct execution_new *n, int64_t *ret_id, struct err *err)
{
    struct execution e = {0};
    int rc = find_by_name(s, n->name, &e, err);

    if (rc != 1)
        return rc;
    if (strcmp(e.status, "RUNNING") == 0 && strcmp(e.input, n->input) == 0 &&
        strcmp(e.pipeline, n->pipeline) == 0 && e.own == n->own) {
        *ret_id = e.id;
    } else {
        rc = err_set(err, ERR_CONFLICT,
                     "ExecutionAlreadyExists: an execution with the name '%s' is there already", n->name);
        snprintf(err->name, sizeof err->name, "ExecutionAlreadyExists");
    }
    execution_release(&e);
    return rc;
}

static int insert_execution(struct store *s, const struct execution_new *n, int64_t *ret_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_INSERT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, n->name);
    bind_text(st, 2, n->pipeline);
    bind_text(st, 3, n->workflow_sha256);
    bind_text(st, 4, n->cause_of_start);
    bind_text(st, 5, n->input);
    bind_i64(st, 6, n->now_ms);
    bind_i64_or_null(st, 7, n->deadline_ms);
    bind_i64(st, 8, n->own);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    *ret_id = store_last_id(s);
    const struct frame root = {.parent = -1,
                               .kind = (char *)(uintptr_t) "ROOT",
                               .state = (char *)(uintptr_t)n->start_at,
                               .phase = (char *)(uintptr_t) "ENTER",
                               .input_event = 1};
    return frame_put(s, *ret_id, &root, err);
}

int exec_create(struct store *s, const struct execution_new *n, int64_t *ret_id, struct err *err)
{
    int rc = same_name(s, n, ret_id, err);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = insert_execution(s, n, ret_id, err);
    if (rc < 0)
        return rc;
    json_t *details = json_pack("{s:{s:s, s:{s:b}, s:s}}", "executionStartedEventDetails", "input", n->input,
                                "inputDetails", "truncated", 0, "roleArn", "");
    /* As on AWS the first state's event does not point back at it: both have previousEventId 0. */
    rc = event_add(s, *ret_id, "ExecutionStarted", details, n->now_ms, err);
    json_decref(details);
    return rc;
}

int exec_claim(struct store *s, const struct claim_new *c, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_CLAIM, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, c->id);
    bind_i64(st, 2, c->expect_claim);
    bind_i64(st, 3, c->claim);
    bind_text(st, 4, c->lock);
    bind_text(st, 5, c->boot_id);
    bind_i64(st, 6, c->pid);
    bind_i64(st, 7, c->pid_start);
    bind_i64(st, 8, c->lease_boot_ms);
    bind_i64(st, 9, c->lease_ms);
    return stmt_run(s, st, err);
}

int exec_renew(struct store *s, int64_t id, int64_t claim, int64_t lease_boot_ms, int64_t lease_ms,
               bool *ret_stop, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_RENEW, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, claim);
    bind_i64(st, 3, lease_boot_ms);
    bind_i64(st, 4, lease_ms);
    rc = stmt_step(s, st, err);
    if (rc == 1) {
        *ret_stop = col_i64(st, 0) != 0;
        stmt_done(st); /* the first row comes when the whole update is done */
        return 0;
    }
    return rc < 0 ? rc : lost(err, "lease", id);
}

int exec_stop_requested(struct store *s, int64_t id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_STOP_REQUESTED, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = stmt_step(s, st, err);
    if (rc == 1)
        stmt_done(st);
    return rc;
}

int exec_ours(struct store *s, int64_t id, int64_t claim, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_OURS, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, claim);
    rc = stmt_step(s, st, err);
    if (rc == 0)
        return lost(err, "next state", id);
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int exec_release_claim(struct store *s, int64_t id, int64_t claim, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_RELEASE_CLAIM, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, claim);
    rc = stmt_run(s, st, err);
    if (rc == 0)
        return lost(err, "release", id);
    return rc < 0 ? rc : 0;
}

int exec_request_stop(struct store *s, int64_t id, const char *error, const char *cause, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_REQUEST_STOP, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_text(st, 2, error);
    bind_text(st, 3, cause);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int close_tasks(struct store *s, int64_t id, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_FINISH_TASKS, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int of_id(struct store *s, enum sql_state_id what, int64_t id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, what, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int exec_finish(struct store *s, int64_t id, int64_t claim, const char *status, const char *output,
                const char *error, const char *cause, bool idle, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_FINISH, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_i64(st, 2, claim);
    bind_text(st, 3, status);
    bind_text(st, 4, output);
    bind_text(st, 5, error);
    bind_text(st, 6, cause);
    bind_i64(st, 7, idle);
    bind_i64(st, 8, now_ms);
    rc = stmt_run(s, st, err);
    if (rc == 0)
        return lost(err, "end", id);
    rc = rc < 0 ? rc : close_tasks(s, id, now_ms, err);
    if (rc >= 0)
        rc = of_id(s, SQL_STATE_EXEC_FINISH_UNSAID, id, err);
    return rc < 0 ? rc : of_id(s, SQL_STATE_EXEC_FINISH_UNTOLD, id, err);
}

int exec_worked(struct store *s, int64_t id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_WORKED, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = stmt_step(s, st, err);
    if (rc == 1) {
        rc = col_i64(st, 0) != 0;
        stmt_done(st);
    }
    return rc;
}

int exec_prune(struct store *s, int64_t idle_ms, int64_t other_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXEC_PRUNE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, idle_ms);
    bind_i64(st, 2, other_ms);
    bind_i64(st, 3, PRUNE_AT_ONCE);
    return stmt_run(s, st, err);
}

/* ---- tasks ---- */

void task_release(struct task *t)
{
    free(t->state);
    free(t->token);
    free(t->resource);
    free(t->parameters);
    free(t->status);
    memset(t, 0, sizeof *t);
}

int task_schedule(struct store *s, int64_t execution_id, int64_t frame_id, const struct task *t,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_INSERT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, frame_id);
    bind_text(st, 3, t->state);
    bind_i64(st, 4, t->attempt);
    bind_text(st, 5, t->token);
    bind_text(st, 6, t->resource);
    bind_text(st, 7, t->parameters);
    bind_i64_or_null(st, 8, t->timeout_ms);
    bind_i64_or_null(st, 9, t->heartbeat_ms);
    bind_i64(st, 10, t->scheduled_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int task_live(struct store *s, int64_t execution_id, int64_t frame_id, struct task *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_LIVE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, frame_id);
    rc = stmt_step(s, st, err);
    if (rc != 1)
        return rc;
    *ret = (struct task){
        .id = col_i64(st, 0),
        .state = col_text(st, 1),
        .token = col_text(st, 2),
        .resource = col_text(st, 3),
        .parameters = col_text(st, 4),
        .status = col_text(st, 5),
        .attempt = col_i64(st, 6),
        .timeout_ms = col_i64(st, 7),
        .heartbeat_ms = col_i64(st, 8),
        .claim = col_i64(st, 9),
        .scheduled_ms = col_i64(st, 10),
        .started_ms = col_i64(st, 11),
        .last_beat_ms = col_i64(st, 12),
    };
    stmt_done(st);
    return 1;
}

int task_abort(struct store *s, int64_t execution_id, int64_t frame_id, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_ABORT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, frame_id);
    bind_i64(st, 3, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

/* A change of one task by its token; another number of rows than one means that it is not ours any more. */
static int by_token(struct store *s, sqlite3_stmt *st, const char *what, struct err *err)
{
    int rc = stmt_run(s, st, err);

    if (rc == 0)
        return err_set(err, ERR_LOCK_LOST, "%s: the task was timed out or taken over", what);
    return rc < 0 ? rc : 0;
}

int task_start(struct store *s, const char *token, int64_t claim, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_START, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, token);
    bind_i64(st, 2, claim);
    bind_i64(st, 3, now_ms);
    return by_token(s, st, "start", err);
}

int task_beat(struct store *s, const char *token, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_BEAT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, token);
    bind_i64(st, 2, now_ms);
    return by_token(s, st, "heartbeat", err);
}

int task_finish(struct store *s, const char *token, const char *status, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_FINISH, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, token);
    bind_text(st, 2, status);
    bind_i64(st, 3, now_ms);
    return by_token(s, st, "end", err);
}

int task_guard(struct store *s, const char *token, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TASK_GUARD, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, token);
    rc = stmt_step(s, st, err);
    if (rc == 0)
        return err_set(err, ERR_LOCK_LOST, "the task was timed out or taken over: nothing is written for it");
    if (rc < 0)
        return rc;
    stmt_done(st);
    return 0;
}
