#include "state/history.h"
#include "state/store_int.h"

static enum sql_state_id query_of(const struct history_query *q)
{
    if (q->failed)
        return q->reverse ? SQL_STATE_HISTORY_FAILED_DOWN : SQL_STATE_HISTORY_FAILED_UP;
    if (q->state != NULL)
        return q->reverse ? SQL_STATE_HISTORY_STATE_DOWN : SQL_STATE_HISTORY_STATE_UP;
    return q->reverse ? SQL_STATE_HISTORY_DOWN : SQL_STATE_HISTORY_UP;
}

static int tell(sqlite3_stmt *st, history_fn *fn, void *arg, struct err *err)
{
    const struct history_event e = {.id = col_i64(st, 0),
                                    .previous = col_i64(st, 1),
                                    .type = (const char *)sqlite3_column_text(st, 2),
                                    .ts_ms = col_i64(st, 3),
                                    .details = (const char *)sqlite3_column_text(st, 4),
                                    .state = (const char *)sqlite3_column_text(st, 5),
                                    .frame = sqlite3_column_type(st, 6) != SQLITE_NULL ? col_i64(st, 6) : -1};

    return fn(arg, &e, err);
}

int history_page(struct store *s, const struct history_query *q, history_fn *fn, void *arg, int64_t *ret_next,
                 struct err *err)
{
    int64_t from = q->from != 0 ? q->from : q->reverse ? INT64_MAX : 1, told = 0;
    enum sql_state_id id = query_of(q);
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, q->execution_id);
    bind_i64(st, 2, from);
    bind_i64(st, 3, q->limit < 0 ? -1 : q->limit + 1); /* one more: is there another page? */
    if (q->failed || q->state != NULL)
        bind_text(st, 4, q->state);
    if (ret_next != NULL)
        *ret_next = 0;
    while ((rc = stmt_step(s, st, err)) == 1) {
        if (q->limit >= 0 && told == q->limit) {
            if (ret_next != NULL)
                *ret_next = col_i64(st, 0);
            break;
        }
        rc = tell(st, fn, arg, err);
        if (rc < 0)
            break;
        told++;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int history_has_state(struct store *s, int64_t execution_id, const char *state, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_HISTORY_FIND_STATE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_text(st, 2, state);
    rc = stmt_step(s, st, err);
    stmt_done(st);
    return rc;
}
