#include "state/size.h"
#include "state/store_int.h"

static const char *col(sqlite3_stmt *st, int i)
{
    const char *text = (const char *)sqlite3_column_text(st, i);

    return text != NULL ? text : "";
}

int size_unjudged(struct store *s, const char *pipeline, const char *from, int64_t limit,
                  int (*fn)(void *arg, const char *part, int64_t rows, struct err *err), void *arg,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_SIZE_UNJUDGED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, from);
    bind_i64(st, 3, limit);
    while ((rc = stmt_step(s, st, err)) == 1) {
        rc = fn(arg, col(st, 0), col_i64(st, 1), err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int size_likes(struct store *s, const char *pipeline, const char *const *parts, size_t n,
               int64_t rows[SIZE_LIKES], size_t *ret_n, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_SIZE_LIKES, &st, err);

    *ret_n = 0;
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    for (size_t i = 0; i < n && i < SIZE_LIKES; i++)
        bind_text(st, 2 + (int)i, parts[i]);
    while ((rc = stmt_step(s, st, err)) == 1 && *ret_n < SIZE_LIKES)
        rows[(*ret_n)++] = col_i64(st, 0);
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int size_put(struct store *s, const char *pipeline, const struct size_verdict *v, int64_t now_ms,
             struct err *err)
{
    const int64_t numbers[] = {v->rows, v->usual, v->least, v->likes, v->small, now_ms};
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_SIZE_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, v->part);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        bind_i64(st, 3 + (int)i, numbers[i]);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int size_small(struct store *s, const char *pipeline,
               int (*fn)(void *arg, const struct size_verdict *v, struct err *err), void *arg,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_SIZE_SMALL, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    while ((rc = stmt_step(s, st, err)) == 1) {
        const struct size_verdict v = {col(st, 0),     col_i64(st, 1), col_i64(st, 2),
                                       col_i64(st, 3), col_i64(st, 4), true};
        rc = fn(arg, &v, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
