#include "state/page.h"
#include "state/store_int.h"
#include <string.h>

static int ids_of(struct store *s, sqlite3_stmt *st, int64_t *ids, int64_t limit, struct err *err)
{
    int n = 0, rc = 0;

    while (n < limit && (rc = stmt_step(s, st, err)) > 0)
        ids[n++] = col_i64(st, 0);
    stmt_done(st);
    return rc < 0 ? rc : n;
}

static int newest(struct store *s, enum sql_state_id id, const struct page_of *p, sqlite3_stmt **ret,
                  struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, p->pipeline);
    bind_text(*ret, 2, p->state);
    bind_i64(*ret, 3, p->before);
    bind_i64(*ret, 4, p->limit);
    return 0;
}

int page_jobs(struct store *s, const struct page_of *p, int64_t *ids, struct err *err)
{
    sqlite3_stmt *st;
    int rc = newest(s, p->part != NULL ? SQL_STATE_PAGE_JOBS_PART : SQL_STATE_PAGE_JOBS, p, &st, err);

    if (rc < 0)
        return rc;
    if (p->part != NULL)
        bind_text(st, 5, p->part);
    return ids_of(s, st, ids, p->limit, err);
}

/* Borrowed until the next step; NULL for NULL. */
static char *text(sqlite3_stmt *st, int i)
{
    return (char *)(uintptr_t)sqlite3_column_text(st, i);
}

int page_executions(struct store *s, const struct page_of *p, bool idle,
                    int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                    struct err *err)
{
    sqlite3_stmt *st;
    int rc = newest(s, p->pipeline != NULL ? SQL_STATE_PAGE_EXECUTIONS_PIPELINE : SQL_STATE_PAGE_EXECUTIONS,
                    p, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 5, idle);
    while ((rc = stmt_step(s, st, err)) > 0) {
        const struct execution e = {.id = col_i64(st, 0),
                                    .name = text(st, 1),
                                    .pipeline = text(st, 2),
                                    .cause_of_start = text(st, 3),
                                    .status = text(st, 4),
                                    .error = text(st, 5),
                                    .cause = text(st, 6),
                                    .start_ms = col_i64(st, 7),
                                    .stop_ms = col_i64(st, 8),
                                    .idle = col_i64(st, 9) != 0,
                                    .redrive_count = col_i64(st, 10),
                                    .redrive_ms = col_i64(st, 11)};
        if ((rc = fn(arg, &e, err)) < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

int page_loads(struct store *s, const struct page_loads *p, int64_t *load_ids, struct err *err)
{
    const char *from = p->from != NULL ? p->from : "", *after = p->after_part != NULL ? p->after_part : "";
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PAGE_LOADS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, p->pipeline);
    bind_text(st, 2, strcmp(after, from) > 0 ? after : from);
    bind_text(st, 3, p->to != NULL ? p->to : "\x7f"); /* no part begins so */
    bind_text(st, 4, after);
    bind_i64(st, 5, p->after_load);
    bind_i64(st, 6, p->limit);
    return ids_of(s, st, load_ids, p->limit, err);
}

int page_events(struct store *s, int64_t execution_id, int64_t after, int64_t limit,
                int (*fn)(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                          const char *details, struct err *err),
                void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PAGE_EVENTS, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, after);
    bind_i64(st, 3, limit);
    while ((rc = stmt_step(s, st, err)) > 0) {
        rc = fn(arg, col_i64(st, 0), col_i64(st, 1), text(st, 2), col_i64(st, 3), text(st, 4), err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
