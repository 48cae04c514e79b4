#include "base/mem.h"
#include "state/metric.h"
#include "state/queue_int.h"

void load_row_release(struct load_row *l)
{
    free(l->state);
    free(l->columns);
    free(l->key);
    free(l->etag);
    free(l->version_id);
    free(l->sha256);
    free(l->part);
    free(l->said_sha256);
    *l = (struct load_row){0};
}

static void fill(sqlite3_stmt *st, struct load_row *ret)
{
    *ret = (struct load_row){.load_id = col_i64(st, 0),
                             .job_id = col_i64(st, 1),
                             .object_id = col_i64(st, 2),
                             .generation = col_i64(st, 3),
                             .replaces = col_i64(st, 4),
                             .rows_read = col_i64(st, 5),
                             .rows_loaded = col_i64(st, 6),
                             .rows_rejected = col_i64(st, 7),
                             .empty_lines = col_i64(st, 8),
                             .state = col_text(st, 9),
                             .columns = col_text(st, 10),
                             .rejects_missing = col_i64(st, 11) != 0,
                             .key = col_text(st, 12),
                             .etag = col_text(st, 13),
                             .version_id = col_text(st, 14),
                             .sha256 = col_text(st, 15),
                             .part = col_text(st, 16),
                             .size = col_i64(st, 17),
                             .mtime_ns = col_i64(st, 18),
                             .modified_ms = col_i64(st, 19),
                             .loaded_ms = col_i64(st, 20),
                             .said_rows = col_i64(st, 21),
                             .said_sha256 = col_text(st, 22)};
}

int load_list(struct store *s, int64_t job_id, load_fn *fn, void *arg, struct err *err)
{
    struct load_row row;
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LOAD_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, job_id);
    while ((rc = stmt_step(s, st, err)) > 0) {
        fill(st, &row);
        rc = fn(arg, &row, err);
        load_row_release(&row);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

int load_get(struct store *s, int64_t load_id, struct load_row *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LOAD_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, load_id);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no load %lld", (long long)load_id);
    return rc < 0 ? rc : 0;
}

static int by_key(struct store *s, enum sql_state_id id, const char *pipeline, const char *key,
                  sqlite3_stmt **ret, struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, pipeline);
    bind_blob(*ret, 2, key, strlen(key));
    return 0;
}

int load_newest(struct store *s, const char *pipeline, const char *key, struct load_row *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = by_key(s, SQL_STATE_LOAD_NEWEST, pipeline, key, &st, err);

    if (rc < 0)
        return rc;
    rc = stmt_step(s, st, err);
    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    return rc;
}

int load_open(struct store *s, const char *pipeline, const char *key, struct load_open *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = by_key(s, SQL_STATE_LOAD_OPEN, pipeline, key, &st, err);

    if (rc < 0)
        return rc;
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret = (struct load_open){.load_id = col_i64(st, 0),
                                  .job_id = col_i64(st, 1),
                                  .object_id = col_i64(st, 2),
                                  .pending = col_i64(st, 3) != 0,
                                  .worked = col_i64(st, 4) != 0,
                                  .waits = col_i64(st, 5) != 0,
                                  .dead = col_i64(st, 6) != 0};
    stmt_done(st);
    return rc;
}

int load_forget(struct store *s, int64_t load_id, enum sql_state_id how, struct err *err)
{
    int rc = run_ids(s, how, load_id, 0, 0, err);

    if (rc == 0)
        return err_set(err, ERR_INTERNAL, "load %lld has had an effect and cannot be dropped",
                       (long long)load_id);
    if (rc > 0)
        rc = run_ids(s, SQL_STATE_REJECT_CLEAR, load_id, 0, 0, err);
    return rc < 0 ? rc : 0;
}

static int refuse_touched(const struct load_open *l, struct err *err)
{
    if (l->pending || l->worked)
        return err_set(err, ERR_INTERNAL, "load %lld is being worked", (long long)l->load_id);
    return 0;
}

int load_repoint(struct store *s, const struct load_open *l, int64_t object_id, int64_t now_ms,
                 struct err *err)
{
    int rc = refuse_touched(l, err);

    if (rc == 0)
        rc = run_ids(s, SQL_STATE_LOAD_REPOINT, l->load_id, object_id, 0, err);
    if (rc >= 0)
        rc = run_ids(s, SQL_STATE_REJECT_CLEAR, l->load_id, 0, 0, err);
    if (rc >= 0)
        rc = object_verdict(s, l->object_id, "GONE", err);
    if (rc >= 0)
        rc = object_verdict(s, object_id, "QUEUED", err);
    if (rc >= 0)
        rc = run_ids(s, SQL_STATE_JOB_REQUEUE, l->job_id, now_ms, 0, err);
    return rc < 0 ? rc : 0;
}

int load_drop(struct store *s, const struct load_open *l, const char *message, int64_t now_ms,
              struct err *err)
{
    int rc = refuse_touched(l, err);

    if (rc == 0)
        rc = load_forget(s, l->load_id, SQL_STATE_LOAD_DROP, err);
    if (rc == 0)
        rc = object_verdict(s, l->object_id, "GONE", err);
    if (rc == 0)
        rc = job_close_if_done(s, l->job_id, "EMPTY", message, now_ms, err);
    return rc;
}

int load_any(struct store *s, const char *pipeline, const char *part, struct err *err)
{
    sqlite3_stmt *st;
    int64_t one;
    int rc = store_stmt(s, SQL_STATE_LOAD_ANY, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    return query_i64(s, st, &one, err);
}

static int set_sha256(struct store *s, int64_t object_id, const char *sha256, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_SHA256, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, object_id);
    bind_text(st, 2, sha256 ? sha256 : "");
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int put_pending(struct store *s, const struct load_result *r, struct err *err)
{
    struct load_row row = {0};
    sqlite3_stmt *st;
    int rc = load_get(s, r->load_id, &row, err);

    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_LOAD_PENDING, &st, err);
    if (rc < 0)
        goto out;
    bind_i64(st, 1, r->load_id);
    bind_i64(st, 2, r->rows_read);
    bind_i64(st, 3, r->rows_loaded);
    bind_i64(st, 4, r->rows_rejected);
    bind_i64(st, 5, r->empty_lines);
    bind_text(st, 6, r->columns ? r->columns : "");
    rc = stmt_run(s, st, err);
    if (rc > 0)
        rc = set_sha256(s, row.object_id, r->sha256, err);
    else if (rc == 0 && strcmp(row.state, "LOADED") != 0 && strcmp(row.state, "EMPTY") != 0)
        rc = err_set(err, ERR_LOCK_LOST, "load %lld is %s: it is not to be loaded any more",
                     (long long)r->load_id, row.state);
out:
    load_row_release(&row);
    return rc < 0 ? rc : 0;
}

int load_pending_all(struct store *s, const char *token, const struct load_result *r, size_t n,
                     struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        rc = job_guard_load(s, token, r[i].load_id, err);
        if (rc == 0 && r[i].no_rejects)
            rc = run_ids(s, SQL_STATE_REJECT_CLEAR, r[i].load_id, 0, 0, err);
        if (rc >= 0)
            rc = put_pending(s, &r[i], err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int load_pending(struct store *s, const char *token, const struct load_result *r, struct err *err)
{
    return load_pending_all(s, token, r, 1, err);
}

static int undo(struct store *s, int64_t load_id, struct err *err)
{
    int rc = run_ids(s, SQL_STATE_REJECT_DROP_PENDING, load_id, 0, 0, err);

    if (rc >= 0)
        rc = run_ids(s, SQL_STATE_LOAD_UNDO, load_id, 0, 0, err);
    return rc < 0 ? rc : 0;
}

/* What the new generation replaced is no longer current; nor is a job all of whose loads were replaced. */
static int supersede_older(struct store *s, const struct load_row *row, const char *pipeline, int64_t now_ms,
                           int64_t *ret_replaced, struct err *err)
{
    sqlite3_stmt *st;
    int rc;

    for (;;) {
        rc = by_key(s, SQL_STATE_LOAD_OLDER, pipeline, row->key, &st, err);
        if (rc < 0)
            return rc;
        bind_i64(st, 3, row->generation);
        rc = stmt_step(s, st, err);
        int64_t load_id = rc > 0 ? col_i64(st, 0) : 0, job_id = rc > 0 ? col_i64(st, 1) : 0;
        stmt_done(st);
        if (rc <= 0)
            return rc;
        if (*ret_replaced == 0)
            *ret_replaced = load_id;
        rc = run_ids(s, SQL_STATE_LOAD_SUPERSEDE, load_id, 0, 0, err);
        if (rc >= 0 && job_id != row->job_id)
            rc = job_close_if_done(s, job_id, "SUPERSEDED", "its objects were loaded again", now_ms, err);
        if (rc < 0)
            return rc;
    }
}

/* Values that became NULL, by the sums of the source side: 0 where verify is count. */
static int64_t nulls_of(const char *columns)
{
    json_t *sums = NULL, *one;
    const char *name;
    struct err none;
    int64_t n = 0;

    if (columns[0] != '{' || json_parse(columns, strlen(columns), "sums", &sums, &none) < 0)
        return 0;
    json_object_foreach(sums, name, one)
        n += json_integer_value(json_object_get(one, "nulls"));
    json_decref(sums);
    return n;
}

/* In the transaction that settles the load, once: so the counters are as exact as the rows. */
static int count_loaded(struct store *s, const struct load_row *row, const char *pipeline, struct err *err)
{
    static const char name[] = "orch_rows_total";
    int rc = counter_add(s, name, pipeline, "in loaded", row->rows_loaded, err);

    if (rc == 0)
        rc = counter_add(s, name, pipeline, "in rejected", row->rows_rejected, err);
    if (rc == 0)
        rc = counter_add(s, name, pipeline, "in null_converted", nulls_of(row->columns), err);
    if (rc == 0)
        rc = counter_add(s, "orch_bytes_total", pipeline, "", row->size, err);
    return rc;
}

static int finish(struct store *s, const struct load_row *row, const char *state, const char *pipeline,
                  int64_t now_ms, struct err *err)
{
    bool same = strcmp(state, "SAME") == 0;
    struct load_row loaded = {0};
    int64_t replaced = 0;
    sqlite3_stmt *st;
    int rc;

    if (same) { /* the bytes that are loaded already: known by the same sum */
        rc = run_ids(s, SQL_STATE_REJECT_CLEAR, row->load_id, 0, 0, err);
        if (rc >= 0)
            rc = load_newest(s, pipeline, row->key, &loaded, err);
        if (rc > 0)
            rc = set_sha256(s, row->object_id, loaded.sha256, err);
    } else {
        rc = supersede_older(s, row, pipeline, now_ms, &replaced, err);
        if (rc >= 0)
            rc = run_ids(s, SQL_STATE_REJECT_FINAL, row->load_id, 0, 0, err);
    }
    if (rc >= 0)
        rc = store_stmt(s, SQL_STATE_LOAD_SETTLE, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, row->load_id);
        bind_text(st, 2, state);
        bind_i64(st, 3, now_ms);
        bind_i64(st, 4, replaced);
        rc = stmt_run(s, st, err);
    }
    if (rc >= 0)
        rc = object_verdict(s, row->object_id, state, err);
    load_row_release(&loaded);
    return rc;
}

/* Without the sums over the job's loads that job_get tells: of a job of n loads each settled one would cost n steps. */
static int pipeline_of_job(struct store *s, int64_t job_id, char **ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_JOB_PIPELINE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, job_id);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret = col_text(st, 0);
    stmt_done(st);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)job_id);
    return rc < 0 ? rc : 0;
}

static int settle(struct store *s, int64_t load_id, const char *state, int64_t now_ms, struct err *err)
{
    struct load_row row = {0};
    char *pipeline = NULL;
    bool open;

    int rc = load_get(s, load_id, &row, err);
    if (rc == 0)
        rc = pipeline_of_job(s, row.job_id, &pipeline, err);
    if (rc < 0)
        goto out;
    open = strcmp(row.state, "DRAWN") == 0 || strcmp(row.state, "PENDING") == 0;
    if (!open && strcmp(row.state, state) != 0)
        rc = err_set(err, ERR_LOCK_LOST, "load %lld is %s and cannot become %s", (long long)load_id,
                     row.state, state);
    else if (strcmp(state, "DRAWN") == 0)
        rc = undo(s, load_id, err);
    else
        rc = finish(s, &row, state, pipeline, now_ms, err);
    if (rc >= 0 && open && strcmp(state, "DRAWN") != 0 && strcmp(state, "SAME") != 0)
        rc = count_loaded(s, &row, pipeline, err);
out:
    free(pipeline);
    load_row_release(&row);
    return rc;
}

int load_settle_all(struct store *s, const char *token, const int64_t *load_ids, const char *const *states,
                    size_t n, int64_t now_ms, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        rc = job_guard_load(s, token, load_ids[i], err);
        if (rc == 0)
            rc = settle(s, load_ids[i], states[i], now_ms, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int load_settle(struct store *s, const char *token, int64_t load_id, const char *state, int64_t now_ms,
                struct err *err)
{
    return load_settle_all(s, token, &load_id, &state, 1, now_ms, err);
}
