#include "base/mem.h"
#include "state/queue_int.h"

void job_release(struct job *j)
{
    free(j->pipeline);
    free(j->part);
    free(j->kind);
    free(j->state);
    free(j->error);
    free(j->message);
    free(j->hint);
    free(j->reason);
    free(j->who);
    *j = (struct job){0};
}

const char *job_name(const struct job *j, char out[JOB_NAME_SIZE])
{
    int n = snprintf(out, JOB_NAME_SIZE, "%s/%s", j->pipeline, j->part);

    if (j->n > 1 && n > 0 && n < JOB_NAME_SIZE)
        snprintf(out + n, (size_t)(JOB_NAME_SIZE - n), "#%lld", (long long)j->n);
    return out;
}

static void fill(sqlite3_stmt *st, struct job *ret)
{
    *ret = (struct job){.id = col_i64(st, 0),
                        .n = col_i64(st, 1),
                        .attempts = col_i64(st, 2),
                        .tries = col_i64(st, 3),
                        .not_before_ms = col_i64(st, 4),
                        .execution_id = col_i64(st, 5),
                        .bytes = col_i64(st, 6),
                        .pipeline = col_text(st, 7),
                        .part = col_text(st, 8),
                        .kind = col_text(st, 9),
                        .state = col_text(st, 10),
                        .error = col_text(st, 11),
                        .message = col_text(st, 12),
                        .hint = col_text(st, 13),
                        .reason = col_text(st, 14),
                        .who = col_text(st, 15),
                        .unverifiable = col_i64(st, 16) != 0,
                        .created_ms = col_i64(st, 17),
                        .updated_ms = col_i64(st, 18),
                        .loaded_ms = col_i64(st, 19),
                        .reconciled_ms = col_i64(st, 20),
                        .objects = col_i64(st, 21),
                        .rows_read = col_i64(st, 22),
                        .rows_loaded = col_i64(st, 23),
                        .rows_rejected = col_i64(st, 24)};
}

int job_get(struct store *s, int64_t id, struct job *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
    return rc < 0 ? rc : 0;
}

int job_list(struct store *s, const char *pipeline, const char *from, const char *to, job_fn *fn, void *arg,
             struct err *err)
{
    struct job row;
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, from);
    bind_text(st, 3, to);
    while ((rc = stmt_step(s, st, err)) > 0) {
        fill(st, &row);
        rc = fn(arg, &row, err);
        job_release(&row);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

static int guard(struct store *s, enum sql_state_id id, const char *token, int64_t row, struct err *err)
{
    sqlite3_stmt *st;
    int64_t one;
    int rc;

    if (token == NULL)
        return 0;
    rc = store_stmt(s, id, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, row);
    bind_text(st, 2, token);
    rc = query_i64(s, st, &one, err);
    if (rc == 0)
        return err_set(err, ERR_LOCK_LOST, "another run works this job now");
    return rc < 0 ? rc : 0;
}

static int job_guard(struct store *s, const char *token, int64_t job_id, struct err *err)
{
    return guard(s, SQL_STATE_JOB_GUARD, token, job_id, err);
}

int job_guard_load(struct store *s, const char *token, int64_t load_id, struct err *err)
{
    return guard(s, SQL_STATE_JOB_GUARD_LOAD, token, load_id, err);
}

/* The key is in no other job that may still load it: taken out of one that waits, never out of one at work.
 */
static int free_key(struct store *s, const struct job_new *n, const char *key, struct err *err)
{
    struct load_open open;
    int rc;

    while ((rc = load_open(s, n->pipeline, key, &open, err)) > 0) {
        if (open.pending || open.worked) {
            err_set(err, ERR_BUSY, "%s/%s: an object of it is being loaded, or was when a run ended",
                    n->pipeline, n->part);
            return err_hint(err, "orch tick brings that to its end; then try again");
        }
        rc = load_forget(s, open.load_id, SQL_STATE_LOAD_DROP, err);
        if (rc == 0)
            rc = job_close_if_done(s, open.job_id, "SUPERSEDED", "its objects are in a newer job", n->now_ms,
                                   err);
        if (rc < 0)
            break;
    }
    return rc;
}

/*
 * A load id: seconds since 2020 and 22 random bits, so that ids ascend (the target's clustered key), are
 * exact in every JSON reader (below 2^53 until 2088), and do not meet those that a lost state file had drawn.
 */
static int draw(struct store *s, int64_t job_id, int64_t object_id, int64_t generation, int64_t replaces,
                int64_t now_ms, struct err *err)
{
    enum { SINCE_S = 1577836800, TRIES = 100 };
    int64_t seconds = now_ms / 1000 - SINCE_S;
    sqlite3_stmt *st;
    int rc;

    for (int i = 0; i < TRIES; i++) {
        rc = store_stmt(s, SQL_STATE_LOAD_PUT, &st, err);
        if (rc < 0)
            return rc;
        bind_i64(st, 1, ((seconds > 0 ? seconds : 0) << 22) + random_bits(22) + 1);
        bind_i64(st, 2, job_id);
        bind_i64(st, 3, object_id);
        bind_i64(st, 4, generation);
        bind_i64(st, 5, replaces);
        rc = stmt_run(s, st, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return err_set(err, ERR_INTERNAL, "no load id could be drawn for object %lld", (long long)object_id);
}

static int key_of(struct store *s, int64_t object_id, char **ret_owned, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, object_id);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret_owned = col_text(st, 2);
    stmt_done(st);
    if (rc == 0)
        return err_set(err, ERR_INTERNAL, "there is no object %lld", (long long)object_id);
    return rc < 0 ? rc : 0;
}

static int add_object(struct store *s, const struct job_new *n, int64_t job_id, int64_t object_id,
                      struct err *err)
{
    struct load_row newest = {0};
    sqlite3_stmt *st;
    char *key = NULL;
    int64_t generation = 0;

    int rc = key_of(s, object_id, &key, err);
    if (rc == 0)
        rc = free_key(s, n, key, err);
    if (rc == 0)
        rc = load_newest(s, n->pipeline, key, &newest, err);
    if (rc >= 0)
        rc = store_stmt(s, SQL_STATE_LOAD_LAST_GENERATION, &st, err);
    if (rc < 0)
        goto out;
    bind_text(st, 1, n->pipeline);
    bind_blob(st, 2, key, strlen(key));
    rc = query_i64(s, st, &generation, err);
    if (rc > 0)
        rc = draw(s, job_id, object_id, generation + 1, newest.load_id, n->now_ms, err);
    if (rc == 0)
        rc = object_verdict(s, object_id, "QUEUED", err);
out:
    load_row_release(&newest);
    free(key);
    return rc;
}

static int refuse_decided(struct store *s, const struct job_new *n, struct err *err)
{
    struct partition_row row = {0};
    int rc = partition_get(s, n->pipeline, n->part, &row, err);

    if (rc > 0 && (strcmp(row.state, "SKIPPED") == 0 || strcmp(row.state, "ADOPTED") == 0))
        rc = err_set(err, ERR_CONTRACT, "%s/%s is %s; take that back first", n->pipeline, n->part, row.state);
    partition_row_release(&row);
    return rc < 0 ? rc : 0;
}

int job_create(struct store *s, const struct job_new *n, int64_t *ret_id, struct err *err)
{
    sqlite3_stmt *st;
    int64_t last = 0, id;
    int rc = refuse_decided(s, n, err);

    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_JOB_LAST_N, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, n->pipeline);
    bind_text(st, 2, n->part);
    rc = query_i64(s, st, &last, err);
    if (rc > 0)
        rc = store_stmt(s, SQL_STATE_JOB_PUT, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, n->pipeline);
    bind_text(st, 2, n->part);
    bind_i64(st, 3, last + 1);
    bind_text(st, 4, n->kind);
    bind_text(st, 5, "QUEUED");
    bind_i64(st, 6, n->bytes);
    bind_text(st, 7, n->reason ? n->reason : "");
    bind_text(st, 8, n->who ? n->who : "");
    bind_i64(st, 9, n->now_ms);
    bind_i64_or_null(st, 10, 0);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    id = store_last_id(s);
    rc = 0;
    for (size_t i = 0; rc == 0 && i < n->object_count; i++)
        rc = add_object(s, n, id, n->objects[i], err);
    if (rc == 0)
        rc = partition_queued(s, n->pipeline, n->part, n->now_ms, err);
    if (rc == 0)
        *ret_id = id;
    return rc;
}

/* Jobs of the flag: the one that is being worked, or the one whose run ended without a word. */
static int flag_jobs(struct store *s, const char *pipeline, int64_t *ret_live, int64_t *ret_stale,
                     struct err *err)
{
    struct flag flag;
    enum flag_state state;
    int rc = flag_get(s, pipeline, &flag, &state, err);

    *ret_live = rc == 0 && state == FLAG_HELD ? flag.job_id : 0;
    *ret_stale = rc == 0 && state == FLAG_STALE ? flag.job_id : 0;
    return rc;
}

int job_next(struct store *s, const char *pipeline, const char *part, int64_t now_ms, struct job *ret,
             int64_t *ret_pending, struct err *err)
{
    int64_t live, stale, id;
    sqlite3_stmt *st = NULL;

    int rc = flag_jobs(s, pipeline, &live, &stale, err);
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_JOB_PENDING, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_i64(st, 3, live);
    bind_i64(st, 4, stale);
    rc = query_i64(s, st, ret_pending, err);
    if (rc > 0)
        rc = store_stmt(s, SQL_STATE_JOB_NEXT, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_i64(st, 3, now_ms);
    bind_i64(st, 4, live);
    bind_i64(st, 5, stale);
    rc = query_i64(s, st, &id, err);
    if (rc <= 0)
        return rc;
    rc = job_get(s, id, ret, err);
    return rc < 0 ? rc : 1;
}

int job_apply(struct store *s, const struct job_outcome *o, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_SET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, o->job_id);
    bind_text(st, 2, o->state);
    bind_text(st, 3, o->error);
    bind_text(st, 4, o->message);
    bind_text(st, 5, o->hint);
    bind_i64(st, 6, o->counts ? 1 : 0);
    bind_i64(st, 7, o->not_before_ms);
    bind_i64(st, 8, o->now_ms);
    bind_i64(st, 9, o->unverifiable ? 1 : 0);
    rc = stmt_run(s, st, err);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)o->job_id);
    return rc < 0 ? rc : 0;
}

int job_set(struct store *s, const char *token, const struct job_outcome *o, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = job_guard(s, token, o->job_id, err);
    if (rc == 0)
        rc = job_apply(s, o, err);
    return queue_end(s, rc, err);
}

int job_retry(struct store *s, int64_t job_id, int64_t now_ms, struct err *err)
{
    bool outer = store_in_tx(s);
    int rc = outer ? 0 : store_begin(s, err);

    if (rc == 0)
        rc = run_ids(s, SQL_STATE_JOB_RETRY, job_id, now_ms, 0, err);
    return outer ? rc : queue_end(s, rc, err);
}

static int close_job(struct store *s, int64_t job_id, const char *state, const char *message, int64_t now_ms,
                     struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_CLOSE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, job_id);
    bind_text(st, 2, state);
    bind_text(st, 3, message);
    bind_i64(st, 4, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int job_close_if_done(struct store *s, int64_t job_id, const char *state, const char *message, int64_t now_ms,
                      struct err *err)
{
    int64_t open = 0, current = 0;
    struct job job = {0};
    sqlite3_stmt *st = NULL;

    int rc = job_get(s, job_id, &job, err);
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_JOB_LOADS_LEFT, &st, err);
    if (rc != 0)
        goto out;
    bind_i64(st, 1, job_id);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        open = col_i64(st, 0);
        current = col_i64(st, 1);
    }
    stmt_done(st);
    if (rc < 0)
        goto out;
    rc = 0;
    if (open > 0 || job.state == NULL || strcmp(job.state, "PROCESSING") == 0)
        goto out;
    bool waits = strcmp(job.state, "QUEUED") == 0 || strcmp(job.state, "FAILED") == 0 ||
                 strcmp(job.state, "DEAD") == 0;
    if (current == 0)
        rc = close_job(s, job_id, state, message, now_ms, err);
    else if (waits)
        rc = run_ids(s, SQL_STATE_JOB_REQUEUE, job_id, now_ms, 0, err);
out:
    job_release(&job);
    return rc < 0 ? rc : 0;
}

/* The first difference as words, from the JSON that is stored with it. */
static void difference(const char *json, char out[400])
{
    json_t *all = NULL;
    struct err unused;
    const char *column = "", *what = "", *source = "", *target = "";

    snprintf(out, 400, "source and target differ");
    if (json_parse(json, strlen(json), "differences", &all, &unused) < 0)
        return;
    const json_t *d = json_array_get(all, 0);
    if (json_get_str(d, "column", "", &column, &unused) == 0 &&
        json_get_str(d, "what", "", &what, &unused) == 0 &&
        json_get_str(d, "source", "", &source, &unused) == 0 &&
        json_get_str(d, "target", "", &target, &unused) == 0 && what[0] != '\0')
        snprintf(out, 400, "%s%.120s%s%.20s is %.90s in the source and %.90s in the target",
                 column[0] ? "column " : "", column, column[0] ? ": " : "", what, source, target);
    json_decref(all);
}

/* All loads EMPTY: there was nothing to compare, and that is well. */
static int only_empty(struct store *s, int64_t job_id, bool *ret, struct err *err)
{
    sqlite3_stmt *st;
    int64_t others = 0;
    int rc = store_stmt(s, SQL_STATE_JOB_NOT_EMPTY, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, job_id);
    rc = query_i64(s, st, &others, err);
    *ret = others == 0;
    return rc < 0 ? rc : 0;
}

static int move_job(struct store *s, const struct reconciliation *r, const struct job *job, struct err *err)
{
    bool differs = strcmp(r->verdict, "DIFFERENT") == 0, equal = strcmp(r->verdict, "EQUAL") == 0,
         empty = false;
    const char *state = job->state;
    char message[400] = "";
    sqlite3_stmt *st;
    int rc = 0;

    /* A job that waits or is being worked has no verdict yet, whoever compares. */
    if (strcmp(state, "LOADED") != 0 && strcmp(state, "RECONCILED") != 0 &&
        strcmp(state, "MISMATCHED") != 0 && strcmp(state, "EMPTY") != 0)
        return 0;
    if (equal)
        rc = only_empty(s, r->job_id, &empty, err);
    if (differs)
        difference(r->differences != NULL ? r->differences : "[]", message);
    if (equal || differs)
        state = differs ? "MISMATCHED" : empty ? "EMPTY" : "RECONCILED";
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_JOB_VERDICT, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, r->job_id);
    bind_text(st, 2, state);
    bind_text(st, 3, differs ? err_name(ERR_MISMATCH) : NULL);
    bind_text(st, 4, differs ? message : NULL);
    bind_i64(st, 5, r->at_ms);
    bind_i64(st, 6, !equal && !differs);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int reconciliation_put(struct store *s, const char *token, const struct reconciliation *r, struct err *err)
{
    struct job job = {0};
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = job_guard(s, token, r->job_id, err);
    if (rc == 0)
        rc = job_get(s, r->job_id, &job, err);
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_RECONCILIATION_PUT, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, r->job_id);
        bind_i64(st, 2, r->at_ms);
        bind_text(st, 3, r->verdict);
        bind_i64(st, 4, r->rows_source);
        bind_i64(st, 5, r->rows_loaded);
        bind_i64(st, 6, r->rows_rejected);
        bind_i64(st, 7, r->rows_target);
        bind_text(st, 8, r->differences ? r->differences : "[]");
        rc = stmt_run(s, st, err);
    }
    if (rc > 0)
        rc = move_job(s, r, &job, err);
    job_release(&job);
    return queue_end(s, rc, err);
}

int reconciliation_newest(struct store *s, int64_t job_id,
                          int (*fn)(void *arg, const struct reconciliation *r, struct err *err), void *arg,
                          struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_RECONCILIATION_NEWEST, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, job_id);
    rc = stmt_step(s, st, err);
    if (rc <= 0)
        return rc;
    char *verdict = col_text(st, 6), *differences = col_text(st, 7);
    struct reconciliation r = {.job_id = col_i64(st, 0),
                               .at_ms = col_i64(st, 1),
                               .rows_source = col_i64(st, 2),
                               .rows_loaded = col_i64(st, 3),
                               .rows_rejected = col_i64(st, 4),
                               .rows_target = col_i64(st, 5),
                               .verdict = verdict,
                               .differences = differences};
    stmt_done(st);
    rc = fn(arg, &r, err);
    free(verdict);
    free(differences);
    return rc < 0 ? rc : 1;
}
