/*
 * The ledger's word into the state file (queue.h). What is loaded is what the ledger says; what this file
 * alone knows (loads drawn, failures, troubles) stays where the ledger does not contradict it.
 */
#include "base/mem.h"
#include "base/str.h"
#include "state/queue_int.h"

/* "2022-06-05T12#2" -> 2. Whatever else: the first job of the partition. */
static int64_t job_n(const char *job)
{
    const char *hash = job != NULL ? strchr(job, '#') : NULL;
    struct err unused;
    int64_t n = 1;

    if (hash != NULL && str_to_i64(str_of(hash + 1), 1, 1000000000, &n, &unused) < 0)
        n = 1;
    return n;
}

static int make_job(struct store *s, const struct rebuilt *r, int64_t *ret_id, struct err *err)
{
    bool replay = r->reason != NULL && r->reason[0] != '\0';
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, r->pipeline);
    bind_text(st, 2, r->part);
    bind_i64(st, 3, job_n(r->job));
    bind_text(st, 4, replay ? "REPLAY" : "LOAD");
    bind_text(st, 5, "LOADED");
    bind_i64(st, 6, r->size);
    bind_text(st, 7, replay ? r->reason : "");
    bind_text(st, 8, "");
    bind_i64(st, 9, r->at_ms);
    bind_i64_or_null(st, 10, r->at_ms);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    *ret_id = store_last_id(s);
    return partition_queued(s, r->pipeline, r->part, r->at_ms, err);
}

static int job_of(struct store *s, const struct rebuilt *r, int64_t *ret_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_BY_N, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, r->pipeline);
    bind_text(st, 2, r->part);
    bind_i64(st, 3, job_n(r->job));
    rc = query_i64(s, st, ret_id, err);
    if (rc == 0)
        rc = make_job(s, r, ret_id, err);
    return rc < 0 ? rc : 0;
}

static bool same_object(const struct rebuilt *r, const char *etag, int64_t size, int64_t mtime_ns)
{
    const char *theirs = r->etag ? r->etag : "";

    if (r->size != size || strcmp(theirs, etag) != 0)
        return false;
    return theirs[0] != '\0' || r->mtime_ns == mtime_ns;
}

static int make_object(struct store *s, const struct rebuilt *r, int64_t *ret_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, r->pipeline);
    bind_text(st, 2, r->part);
    bind_blob(st, 3, r->key, strlen(r->key));
    bind_text(st, 4, r->etag ? r->etag : "");
    bind_text(st, 5, NULL);
    bind_i64(st, 6, r->size);
    bind_i64(st, 7, r->mtime_ns);
    bind_i64(st, 8, r->mtime_ns / 1000000);
    bind_i64(st, 9, r->at_ms);
    bind_text(st, 10, r->sha256 ? r->sha256 : "");
    bind_text(st, 11, "LOADED");
    bind_text(st, 12, NULL);
    bind_text(st, 13, NULL);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    *ret_id = store_last_id(s);
    return 0;
}

/* The row of the load, if it is of this object; else the newest of the key, if it is; else a new one. */
static int object_of(struct store *s, const struct rebuilt *r, const struct load_row *known, int64_t *ret_id,
                     struct err *err)
{
    struct object_row row = {0};
    sqlite3_stmt *st;
    int rc;

    if (known->load_id != 0 && same_object(r, known->etag, known->size, known->mtime_ns)) {
        *ret_id = known->object_id;
    } else {
        rc = object_newest(s, r->pipeline, r->key, &row, err);
        if (rc < 0)
            return rc;
        *ret_id = row.id;
        bool same = rc > 0 && same_object(r, row.etag, row.size, row.mtime_ns);
        if (!same && rc > 0 && strcmp(row.verdict, "NEW") == 0)
            rc = object_verdict(s, row.id, "GONE", err);
        object_row_release(&row);
        if (!same || rc < 0)
            return rc < 0 ? rc : make_object(s, r, ret_id, err);
    }
    rc = store_stmt(s, SQL_STATE_OBJECT_SHA256, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, *ret_id);
    bind_text(st, 2, r->sha256 ? r->sha256 : "");
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

/* Loads that were drawn for what the ledger has under another load id, or for what it is past: they never had
 * an effect (it would be in the ledger), and never may have one. */
static int forget_rivals(struct store *s, const struct rebuilt *r, int64_t object_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc;

    for (;;) {
        rc = store_stmt(s, SQL_STATE_REBUILD_RIVALS, &st, err);
        if (rc < 0)
            return rc;
        bind_text(st, 1, r->pipeline);
        bind_blob(st, 2, r->key, strlen(r->key));
        bind_i64(st, 3, r->load_id);
        bind_i64(st, 4, r->generation);
        bind_i64(st, 5, object_id);
        int64_t rival = 0;
        rc = query_i64(s, st, &rival, err);
        if (rc > 0)
            rc = load_forget(s, rival, SQL_STATE_REBUILD_FORGET, err);
        else
            return rc;
        if (rc < 0)
            return rc;
    }
}

/* 1 made, 0: the job has a load of this sighting of the object already. */
static int try_load(struct store *s, const struct rebuilt *r, int64_t job_id, int64_t object_id,
                    struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REBUILD_LOAD_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, r->load_id);
    bind_i64(st, 2, job_id);
    bind_i64(st, 3, object_id);
    bind_i64(st, 4, r->generation);
    return stmt_run(s, st, err);
}

static int make_load(struct store *s, const struct rebuilt *r, int64_t *object_id, struct err *err)
{
    int64_t job_id = 0;

    int rc = job_of(s, r, &job_id, err);
    if (rc == 0)
        rc = try_load(s, r, job_id, *object_id, err);
    if (rc == 0) { /* two generations of one identity in one job's name: a sighting each */
        rc = make_object(s, r, object_id, err);
        if (rc == 0)
            rc = try_load(s, r, job_id, *object_id, err);
        if (rc == 0)
            rc = err_set(err, ERR_INTERNAL, "load %lld of the ledger does not fit in", (long long)r->load_id);
    }
    return rc < 0 ? rc : 0;
}

static int put_load(struct store *s, const struct rebuilt *r, int64_t object_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = run_ids(s, SQL_STATE_REJECT_FINAL, r->load_id, 0, 0, err);

    if (rc >= 0)
        rc = store_stmt(s, SQL_STATE_REBUILD_LOAD, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, r->load_id);
    bind_i64(st, 2, object_id);
    bind_i64(st, 3, r->generation);
    bind_text(st, 4, r->state);
    bind_i64(st, 5, r->rows_read);
    bind_i64(st, 6, r->rows_loaded);
    bind_i64(st, 7, r->rows_rejected);
    bind_text(st, 8, r->columns ? r->columns : "");
    bind_i64(st, 9, r->at_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static bool was_loaded(const struct load_row *known)
{
    return known->load_id != 0 && (strcmp(known->state, "LOADED") == 0 || strcmp(known->state, "EMPTY") == 0);
}

static int put_object_load(struct store *s, const struct rebuilt *r, bool current, struct err *err)
{
    struct load_row known = {0};
    struct err unknown;
    int64_t object_id = 0;

    int rc = load_get(s, r->load_id, &known, &unknown);
    if (rc < 0 && unknown.code != ERR_NOT_FOUND) {
        *err = unknown;
        return rc;
    }
    rc = object_of(s, r, &known, &object_id, err);
    if (rc == 0)
        rc = forget_rivals(s, r, current ? object_id : 0, err);
    if (rc == 0 && known.load_id == 0)
        rc = make_load(s, r, &object_id, err);
    if (rc == 0)
        rc = put_load(s, r, object_id, err);
    if (rc == 0 && current && !was_loaded(&known))
        rc = run_ids(s, SQL_STATE_REBUILD_REOPEN, r->load_id, 0, 0, err);
    if (rc >= 0 && current)
        rc = object_verdict(s, object_id, r->state, err);
    load_row_release(&known);
    return rc;
}

/* An object whose chunks are on their way in: the same load goes on with it, or takes it back. */
static int put_plan(struct store *s, const struct rebuilt *r, struct err *err)
{
    struct load_row known = {0};
    struct err unknown;
    int64_t object_id = 0;

    int rc = load_get(s, r->load_id, &known, &unknown);
    bool there = rc == 0;
    load_row_release(&known);
    if (rc < 0 && unknown.code != ERR_NOT_FOUND) {
        *err = unknown;
        return rc;
    }
    if (there)
        return 0;
    rc = object_of(s, r, &known, &object_id, err);
    if (rc == 0)
        rc = forget_rivals(s, r, 0, err);
    if (rc == 0)
        rc = make_load(s, r, &object_id, err);
    return rc < 0 ? rc : object_verdict(s, object_id, "QUEUED", err);
}

static int put_decision(struct store *s, const struct rebuilt *r, struct err *err)
{
    struct partition_row row = {0};
    int rc = partition_get(s, r->pipeline, r->part, &row, err);
    bool decided = rc > 0 && (strcmp(row.state, "SKIPPED") == 0 || strcmp(row.state, "ADOPTED") == 0);

    partition_row_release(&row);
    if (rc < 0)
        return rc;
    if (strcmp(r->state, "SKIPPED") == 0 || strcmp(r->state, "ADOPTED") == 0)
        return partition_decide_tx(s, r->pipeline, r->part, r->state, r->reason, r->at_ms, err);
    if (decided && strcmp(r->state, "SUPERSEDED") == 0) /* taken back since */
        return partition_decide_tx(s, r->pipeline, r->part, "WAITING", "", r->at_ms, err);
    return 0;
}

int queue_rebuild_row(struct store *s, const struct rebuilt *r, struct err *err)
{
    bool current = strcmp(r->state, "LOADED") == 0 || strcmp(r->state, "EMPTY") == 0;
    bool past = strcmp(r->state, "SUPERSEDED") == 0;

    if (r->key == NULL || r->key[0] == '\0')
        return put_decision(s, r, err);
    if (!current && !past)
        return put_plan(s, r, err);
    return put_object_load(s, r, current, err);
}

int queue_rebuild_begin(struct store *s, const char *pipeline, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REBUILD_BEGIN, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

/* Ids that a query gave, so that nothing is written while it is read. Bounded by the rows of the state file.
 */
struct found {
    int64_t a, b, open, current, superseded, loaded_ms;
    char state[16];
};
struct founds {
    struct found *rows;
    size_t n, cap;
};

static struct found *add(struct founds *f)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->rows = xrealloc(f->rows, f->cap * sizeof *f->rows);
    }
    f->rows[f->n] = (struct found){0};
    return &f->rows[f->n++];
}

static int open_query(struct store *s, enum sql_state_id id, const char *pipeline, int64_t live,
                      sqlite3_stmt **ret, struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, pipeline);
    bind_i64(*ret, 2, live);
    return 0;
}

/* What this file holds for loaded and the ledger does not know: the target was put back; to be loaded again,
 * under the same load id, so that a row of it that is there after all cannot be doubled. */
static int undo_unknown(struct store *s, const char *pipeline, int64_t live, struct err *err)
{
    struct founds f = {NULL, 0, 0};
    sqlite3_stmt *st;
    int rc = open_query(s, SQL_STATE_REBUILD_UNKNOWN, pipeline, live, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        struct found *row = add(&f);
        row->a = col_i64(st, 0);
        row->b = col_i64(st, 1);
    }
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        /* Kept: it may have been loaded while the ledger was read, and then the next attempt finds it there. */
        rc = run_ids(s, SQL_STATE_REJECT_UNSETTLE, f.rows[i].a, 0, 0, err);
        if (rc >= 0)
            rc = run_ids(s, SQL_STATE_LOAD_UNDO, f.rows[i].a, 0, 0, err);
        if (rc >= 0)
            rc = object_verdict(s, f.rows[i].b, "QUEUED", err);
    }
    free(f.rows);
    return rc < 0 ? rc : 0;
}

/* NULL: stays as it is. */
static const char *state_of(const struct found *j)
{
    static const char *const waits[] = {"QUEUED", "FAILED", "DEAD", "PROCESSING", "SUPERSEDED"};
    static const char *const done[] = {"LOADED", "RECONCILED", "MISMATCHED", "EMPTY", "SUPERSEDED"};
    bool waiting = false, settled = false;

    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        waiting |= strcmp(j->state, waits[i]) == 0;
    for (size_t i = 0; i < ARRAY_LEN(done); i++)
        settled |= strcmp(j->state, done[i]) == 0;
    if (j->open > 0)
        return settled ? "QUEUED" : NULL;
    if (j->current > 0)
        return waiting ? "LOADED" : NULL;
    return j->superseded > 0 && strcmp(j->state, "SUPERSEDED") != 0 ? "SUPERSEDED" : NULL;
}

static int set_job(struct store *s, const struct found *j, const char *state, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REBUILD_JOB, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, j->a);
    bind_text(st, 2, state);
    bind_i64(st, 3, now_ms);
    bind_i64_or_null(st, 4, j->loaded_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int set_jobs(struct store *s, const char *pipeline, int64_t live, int64_t now_ms, struct err *err)
{
    struct founds f = {NULL, 0, 0};
    sqlite3_stmt *st;
    int rc = open_query(s, SQL_STATE_REBUILD_JOBS, pipeline, live, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        struct found *row = add(&f);
        char *state = col_text(st, 1);
        row->a = col_i64(st, 0);
        row->open = col_i64(st, 2);
        row->current = col_i64(st, 3);
        row->superseded = col_i64(st, 4);
        row->loaded_ms = col_i64(st, 5);
        snprintf(row->state, sizeof row->state, "%s", state ? state : "");
        free(state);
    }
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        const char *state = state_of(&f.rows[i]);
        if (state != NULL)
            rc = set_job(s, &f.rows[i], state, now_ms, err);
    }
    free(f.rows);
    return rc < 0 ? rc : 0;
}

/* A job whose only load was a rival has none left. */
static int close_bare_jobs(struct store *s, const char *pipeline, int64_t live, struct err *err)
{
    sqlite3_stmt *st;
    int rc = open_query(s, SQL_STATE_REBUILD_BARE, pipeline, live, &st, err);

    if (rc == 0)
        rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int queue_rebuild_end(struct store *s, const char *pipeline, int64_t now_ms, struct err *err)
{
    struct flag flag;
    enum flag_state state;

    int rc = flag_get(s, pipeline, &flag, &state, err);
    int64_t live = state == FLAG_HELD ? flag.job_id : 0;
    if (rc == 0)
        rc = undo_unknown(s, pipeline, live, err);
    if (rc == 0)
        rc = set_jobs(s, pipeline, live, now_ms, err);
    if (rc == 0)
        rc = close_bare_jobs(s, pipeline, live, err);
    return rc < 0 ? rc : queue_rebuild_begin(s, pipeline, err);
}
