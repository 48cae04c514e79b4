#include "state/notice.h"
#include "state/store_int.h"

static int end_of(struct store *s, int rc, struct err *err)
{
    if (rc >= 0)
        rc = store_commit(s, err);
    store_rollback(s);
    return rc < 0 ? rc : 0;
}

static int end(struct store *s, const char *pipeline, const char *what, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_NOTICE_END, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, what);
    bind_i64(st, 3, now_ms);
    return stmt_run(s, st, err);
}

static int write_row(struct store *s, enum sql_state_id id, const struct notice *n, int64_t now_ms, bool over,
                     struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, n->pipeline);
    bind_text(st, 2, n->part);
    bind_text(st, 3, n->what);
    bind_text(st, 4, n->text);
    bind_i64(st, 5, now_ms);
    bind_i64_or_null(st, 6, over ? now_ms : 0);
    return stmt_run(s, st, err);
}

static int put(struct store *s, const char *token, const struct notice *n, int64_t now_ms, bool over,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = write_row(s, SQL_STATE_NOTICE_AGAIN, n, now_ms, over, err);
    if (rc == 0 && !over)
        rc = end(s, n->pipeline, n->what, now_ms, err) < 0 ? -(int)err->code : 0;
    if (rc == 0) {
        rc = write_row(s, SQL_STATE_NOTICE_PUT, n, now_ms, over, err);
        if (rc >= 0)
            rc = store_stmt(s, SQL_STATE_NOTICE_TRIM, &st, err);
        if (rc >= 0) {
            bind_text(st, 1, n->pipeline);
            rc = stmt_run(s, st, err);
        }
    }
    return end_of(s, rc, err);
}

int notice_put(struct store *s, const char *token, const struct notice *n, int64_t now_ms, struct err *err)
{
    return put(s, token, n, now_ms, true, err);
}

int notice_goes_on(struct store *s, const char *token, const struct notice *n, int64_t now_ms,
                   struct err *err)
{
    return put(s, token, n, now_ms, false, err);
}

int notice_end(struct store *s, const char *token, const char *pipeline, const char *what, int64_t now_ms,
               struct err *err)
{
    int rc = store_step_begin(s, token, err);

    return rc < 0 ? rc : end_of(s, end(s, pipeline, what, now_ms, err), err);
}

int notice_open(struct store *s, const char *pipeline, int64_t alive_ms,
                int (*fn)(void *arg, const struct notice *n, int64_t from_ms, struct err *err), void *arg,
                struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_NOTICE_OPEN, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, alive_ms);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        const struct notice n = {pipeline, (const char *)sqlite3_column_text(st, 0),
                                 (const char *)sqlite3_column_text(st, 1),
                                 (const char *)sqlite3_column_text(st, 2)};
        int told = fn(arg, &n, col_i64(st, 3), err);
        rc = told < 0 ? told : 1;
    }
    stmt_done(st);
    return rc;
}
