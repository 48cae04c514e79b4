#include "base/mem.h"
#include "state/queue_int.h"

void partition_row_release(struct partition_row *p)
{
    free(p->part);
    free(p->state);
    free(p->reason);
    *p = (struct partition_row){0};
}

static void fill(sqlite3_stmt *st, struct partition_row *ret)
{
    *ret = (struct partition_row){.part = col_text(st, 0),
                                  .state = col_text(st, 1),
                                  .reason = col_text(st, 2),
                                  .since_ms = col_i64(st, 3),
                                  .listed_ms = col_i64(st, 4),
                                  .open = col_i64(st, 5) != 0};
}

static int select_rows(struct store *s, const char *pipeline, const char *from, const char *to,
                       sqlite3_stmt **ret, struct err *err)
{
    int rc = store_stmt(s, SQL_STATE_PARTITION_LIST, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, pipeline);
    bind_text(*ret, 2, from);
    bind_text(*ret, 3, to);
    return 0;
}

int partition_get(struct store *s, const char *pipeline, const char *part, struct partition_row *ret,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = select_rows(s, pipeline, part, part, &st, err);

    if (rc < 0)
        return rc;
    rc = stmt_step(s, st, err);
    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    return rc;
}

int partition_list(struct store *s, const char *pipeline, const char *from, const char *to, partition_fn *fn,
                   void *arg, struct err *err)
{
    struct partition_row row;
    sqlite3_stmt *st;
    int rc = select_rows(s, pipeline, from, to, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        fill(st, &row);
        rc = fn(arg, &row, err);
        partition_row_release(&row);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

int partition_put(struct store *s, const char *pipeline, const struct partition_seen *p, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PARTITION_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, p->part);
    bind_text(st, 3, p->state);
    bind_i64(st, 4, p->now_ms);
    bind_text(st, 5, p->reason ? p->reason : "");
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int partition_queued(struct store *s, const char *pipeline, const char *part, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PARTITION_QUEUED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_i64(st, 3, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

/* The next load of the partition's waiting jobs that has had no effect yet. 1/0 */
static int waiting_load(struct store *s, const char *pipeline, const char *part, int64_t ret[3],
                        struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LOAD_WAITING, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    rc = stmt_step(s, st, err);
    for (int i = 0; rc > 0 && i < 3; i++)
        ret[i] = col_i64(st, i);
    stmt_done(st);
    return rc;
}

/* Jobs that nobody works leave the queue; their objects are NEW again, for the day when the decision is taken
 * back. */
static int clear_queue(struct store *s, const char *pipeline, const char *part, const char *state,
                       int64_t now_ms, struct err *err)
{
    int64_t ids[3]; /* load, object, job */
    char message[64];
    int rc;

    snprintf(message, sizeof message, "the partition was %s",
             strcmp(state, "ADOPTED") == 0 ? "adopted" : "skipped");
    while ((rc = waiting_load(s, pipeline, part, ids, err)) > 0) {
        rc = load_forget(s, ids[0], SQL_STATE_LOAD_DROP, err);
        if (rc == 0)
            rc = object_verdict(s, ids[1], "NEW", err);
        if (rc == 0)
            rc = job_close_if_done(s, ids[2], "SUPERSEDED", message, now_ms, err);
        if (rc < 0)
            break;
    }
    return rc;
}

/* Objects that came after the decision, and were not to be loaded while it stood. */
static int unrefuse(struct store *s, const char *pipeline, const char *part, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_UNREFUSE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int partition_decide_tx(struct store *s, const char *pipeline, const char *part, const char *state,
                        const char *reason, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (strcmp(state, "SKIPPED") == 0 || strcmp(state, "ADOPTED") == 0)
        rc = clear_queue(s, pipeline, part, state, now_ms, err);
    else
        rc = unrefuse(s, pipeline, part, err);
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_PARTITION_DECIDE, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_text(st, 3, state);
    bind_text(st, 4, reason ? reason : "");
    bind_i64(st, 5, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int decide(struct store *s, const struct partition_decision *d, struct err *err)
{
    const char *last = d->parts[d->n - 1];
    char span[64];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->n; i++)
        rc = partition_decide_tx(s, d->pipeline, d->parts[i], d->state, d->reason, d->now_ms, err);
    if (rc < 0 || d->who == NULL)
        return rc;
    snprintf(span, sizeof span, d->n > 1 ? "%s..%s" : "%s", d->parts[0], last);
    return audit_put(s, d->who, d->verb, d->pipeline, span, d->reason, d->now_ms, err);
}

int partition_decide(struct store *s, const struct partition_decision *d, struct err *err)
{
    int rc = d->n > 0 ? store_begin(s, err) : 0;

    return rc < 0 || d->n == 0 ? rc : queue_end(s, decide(s, d, err), err);
}
