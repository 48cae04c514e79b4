#include "state/trouble.h"
#include "state/store_int.h"

static int each(struct store *s, sqlite3_stmt *st, trouble_fn *fn, void *arg, struct err *err)
{
    int rc;

    while ((rc = stmt_step(s, st, err)) == 1) {
        char *key = col_text(st, 0), *pipeline = col_text(st, 1), *class = col_text(st, 2);
        char *text = col_text(st, 3), *hint = col_text(st, 4);
        struct trouble t = {key, pipeline, class, text, hint, col_i64(st, 5), col_i64(st, 6)};
        rc = fn(arg, &t, err);
        free(key);
        free(pipeline);
        free(class);
        free(text);
        free(hint);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int trouble_seen(struct store *s, const struct trouble *t, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_SEEN, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, t->key);
    bind_text(st, 2, t->pipeline);
    bind_text(st, 3, t->class);
    bind_text(st, 4, t->text);
    bind_text(st, 5, t->hint != NULL ? t->hint : "");
    bind_i64(st, 6, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int trouble_said(struct store *s, const char *key, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_SAID, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, key);
    bind_i64(st, 2, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int trouble_gone(struct store *s, const char *pipeline, int64_t now_ms, trouble_fn *fn, void *arg,
                 struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_GONE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, now_ms);
    rc = each(s, st, fn, arg, err);
    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_TROUBLE_DELETE_GONE, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int trouble_list(struct store *s, const char *pipeline, trouble_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    return each(s, st, fn, arg, err);
}

static const char *text_or_empty(sqlite3_stmt *st, int i)
{
    const char *text = (const char *)sqlite3_column_text(st, i);

    return text != NULL ? text : "";
}

int trouble_jobs(struct store *s, const char *pipeline,
                 int (*fn)(void *arg, const struct bad_job *j, struct err *err), void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_JOBS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    while ((rc = stmt_step(s, st, err)) == 1) {
        const struct bad_job j = {.id = col_i64(st, 0),
                                  .part = text_or_empty(st, 1),
                                  .n = col_i64(st, 2),
                                  .state = text_or_empty(st, 3),
                                  .error = text_or_empty(st, 4),
                                  .message = text_or_empty(st, 5),
                                  .hint = text_or_empty(st, 6),
                                  .execution_id = col_i64(st, 7),
                                  .attempts = col_i64(st, 8),
                                  .tries = col_i64(st, 9),
                                  .not_before_ms = col_i64(st, 10)};
        rc = fn(arg, &j, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int trouble_late(struct store *s, const char *pipeline,
                 int (*fn)(void *arg, const char *part, int64_t since_ms, const char *reason,
                           struct err *err),
                 void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TROUBLE_LATE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    while ((rc = stmt_step(s, st, err)) == 1) {
        rc = fn(arg, text_or_empty(st, 0), col_i64(st, 1), text_or_empty(st, 2), err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
