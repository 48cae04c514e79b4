#include "state/view_rows.h"
#include "base/mem.h"
#include "state/queue_int.h"

struct view_rows {
    struct store *s;
    sqlite3_stmt *parts, *jobs, *open; /* NULL: at its end, or not wanted */
    enum view_jobs depth;
};

/* Borrowed from the statement; the structs have no const because elsewhere they own their text. */
static char *text(sqlite3_stmt *st, int i)
{
    return (char *)(uintptr_t)sqlite3_column_text(st, i);
}

static int range(struct store *s, enum sql_state_id id, const char *pipeline, const char *from,
                 const char *to, sqlite3_stmt **ret, struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, pipeline);
    bind_text(*ret, 2, from != NULL ? from : "");
    bind_text(*ret, 3, to != NULL ? to : "\x7f"); /* no part begins so */
    return 0;
}

int view_rows_open(struct store *s, const char *pipeline, const char *from, const char *to,
                   enum view_jobs jobs, struct view_rows **ret_owned, struct err *err)
{
    struct view_rows *r = xcalloc(1, sizeof *r);
    int rc;

    *r = (struct view_rows){.s = s, .depth = jobs};
    rc = range(s, SQL_STATE_VIEW_PARTS, pipeline, from, to, &r->parts, err);
    if (rc == 0)
        rc = range(s, jobs == VIEW_JOBS_WHOLE ? SQL_STATE_VIEW_JOBS : SQL_STATE_VIEW_JOB_STATES, pipeline,
                   from, to, &r->jobs, err);
    if (rc == 0 && jobs == VIEW_JOBS_OPEN)
        rc = range(s, SQL_STATE_VIEW_JOBS_OPEN, pipeline, from, to, &r->open, err);
    if (rc < 0)
        view_rows_close(r);
    else
        *ret_owned = r;
    return rc;
}

void view_rows_close(struct view_rows *r)
{
    if (r == NULL)
        return;
    stmt_done(r->parts);
    stmt_done(r->jobs);
    stmt_done(r->open);
    free(r);
}

/* stmt_step has reset a statement that is at its end: another step would begin again. */
static int step(struct view_rows *r, sqlite3_stmt **st, struct err *err)
{
    if (*st == NULL)
        return 0;
    int rc = stmt_step(r->s, *st, err);
    if (rc <= 0)
        *st = NULL;
    return rc;
}

int view_rows_part(struct view_rows *r, struct partition_row *ret, struct err *err)
{
    int rc = step(r, &r->parts, err);

    if (rc > 0)
        *ret = (struct partition_row){.part = text(r->parts, 0),
                                      .state = text(r->parts, 1),
                                      .since_ms = col_i64(r->parts, 2),
                                      .listed_ms = col_i64(r->parts, 3),
                                      .reason = text(r->parts, 4)};
    return rc;
}

static void rest_of_job(sqlite3_stmt *st, struct job *j)
{
    j->id = col_i64(st, 4);
    j->attempts = col_i64(st, 5);
    j->tries = col_i64(st, 6);
    j->not_before_ms = col_i64(st, 7);
    j->execution_id = col_i64(st, 8);
    j->bytes = col_i64(st, 9);
    j->pipeline = text(st, 10);
    j->kind = text(st, 11);
    j->error = text(st, 12);
    j->message = text(st, 13);
    j->hint = text(st, 14);
    j->reason = text(st, 15);
    j->who = text(st, 16);
    j->created_ms = col_i64(st, 17);
    j->updated_ms = col_i64(st, 18);
    j->loaded_ms = col_i64(st, 19);
    j->reconciled_ms = col_i64(st, 20);
    j->objects = col_i64(st, 21);
    j->rows_read = col_i64(st, 22);
    j->rows_loaded = col_i64(st, 23);
    j->rows_rejected = col_i64(st, 24);
}

static bool is_open(const struct job *j)
{
    static const char *const closed[] = {"RECONCILED", "EMPTY", "SUPERSEDED"};

    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (strcmp(j->state, closed[i]) == 0)
            return false;
    return strcmp(j->state, "LOADED") != 0 || !j->unverifiable;
}

int view_rows_job(struct view_rows *r, struct job *ret, struct err *err)
{
    int rc = step(r, &r->jobs, err);

    if (rc <= 0)
        return rc;
    *ret = (struct job){.part = text(r->jobs, 0),
                        .n = col_i64(r->jobs, 1),
                        .state = text(r->jobs, 2),
                        .unverifiable = col_i64(r->jobs, 3) != 0};
    if (r->depth == VIEW_JOBS_WHOLE)
        rest_of_job(r->jobs, ret);
    if (r->depth != VIEW_JOBS_OPEN || !is_open(ret))
        return 1;
    /* The two read one snapshot, in one order. */
    rc = step(r, &r->open, err);
    if (rc == 0 || (rc > 0 && (strcmp(text(r->open, 0), ret->part) != 0 || col_i64(r->open, 1) != ret->n)))
        return err_set(err, ERR_STATE, "%s#%lld: the indexes of jobs disagree", ret->part, (long long)ret->n);
    if (rc > 0)
        rest_of_job(r->open, ret);
    return rc;
}

int view_marks(struct store *s, const char *pipeline, const char *from, const char *to,
               int (*fn)(void *arg, const struct view_mark *m, struct err *err), void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = range(s, SQL_STATE_VIEW_MARKS, pipeline, from, to, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        const struct view_mark m = {text(st, 0), text(st, 1), col_i64(st, 2), col_i64(st, 3)};
        if ((rc = fn(arg, &m, err)) < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

int view_channels(struct store *s, int (*fn)(void *arg, const struct view_channel *c, struct err *err),
                  void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_VIEW_CHANNELS, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        const struct view_channel c = {.name = text(st, 0),
                                       .since_ms = col_i64(st, 1),
                                       .tried_ms = col_i64(st, 2),
                                       .failed = col_i64(st, 3),
                                       .error = text(st, 4)};
        if ((rc = fn(arg, &c, err)) < 0)
            break;
    }
    stmt_done(st);
    return rc;
}
