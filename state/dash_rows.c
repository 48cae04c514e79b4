#include "state/dash_rows.h"
#include "state/store_int.h"

/* Borrowed until the next step; "" for NULL. */
static char *text(sqlite3_stmt *st, int i)
{
    const unsigned char *t = sqlite3_column_text(st, i);

    return (char *)(uintptr_t)(t != NULL ? t : (const unsigned char *)"");
}

int dash_rates(struct store *s, const char *pipeline, int64_t limit,
               int (*fn)(void *arg, int64_t at_ms, int64_t took_ms, int64_t rows, struct err *err), void *arg,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_DASH_RATES, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, limit);
    while ((rc = stmt_step(s, st, err)) > 0)
        if ((rc = fn(arg, col_i64(st, 0), col_i64(st, 1), col_i64(st, 2), err)) < 0)
            break;
    stmt_done(st);
    return rc;
}

int dash_opened(struct store *s, const char *key, int64_t *ret_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_DASH_OPENED, &st, err);

    *ret_ms = 0;
    if (rc < 0)
        return rc;
    bind_text(st, 1, key);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        *ret_ms = col_i64(st, 0);
        stmt_done(st);
    }
    return rc < 0 ? rc : 0;
}

int dash_list_decisions(struct store *s, const char *pipeline, int64_t before, int64_t limit,
                        int (*fn)(void *arg, const struct dash_decision *d, struct err *err), void *arg,
                        struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_DASH_AUDIT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, before);
    bind_i64(st, 3, limit);
    while ((rc = stmt_step(s, st, err)) > 0) {
        const struct dash_decision d = {.id = col_i64(st, 0),
                                        .at_ms = col_i64(st, 1),
                                        .who = text(st, 2),
                                        .verb = text(st, 3),
                                        .pipeline = text(st, 4),
                                        .part = text(st, 5),
                                        .reason = text(st, 6)};
        if ((rc = fn(arg, &d, err)) < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

/* ---- rejects ---- */

static int bind_cursor(struct store *s, sqlite3_stmt *st, const struct dash_rejects *a, struct err *err)
{
    sqlite3_stmt *at;
    int rc = store_stmt(s, SQL_STATE_LOAD_GET, &at, err);

    if (rc < 0)
        return rc;
    bind_i64(at, 1, a->load_id);
    rc = stmt_step(s, at, err);
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, "the page that this one follows is there no longer");
    if (rc > 0) {
        bind_text(st, 6, text(at, 16));
        bind_i64(st, 7, col_i64(at, 2));
        bind_i64(st, 8, col_i64(at, 3));
        bind_i64(st, 9, a->load_id);
        bind_i64(st, 10, a->line);
        stmt_done(at);
    }
    return rc < 0 ? rc : 0;
}

int dash_list_rejects(struct store *s, const struct dash_rejects *a, reject_fn *fn, void *arg,
                      struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_DASH_REJECTS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, a->filter.pipeline);
    bind_text(st, 2, a->filter.part);
    bind_text(st, 3, a->filter.code);
    bind_text(st, 4, a->filter.column);
    bind_text(st, 5, a->filter.state);
    bind_i64(st, 11, a->filter.limit);
    if (a->load_id != 0)
        rc = bind_cursor(s, st, a, err);
    while (rc >= 0 && (rc = stmt_step(s, st, err)) > 0) {
        const struct reject r = {.load_id = col_i64(st, 0),
                                 .line = col_i64(st, 1),
                                 .offset = col_i64(st, 2),
                                 .raw_total = col_i64(st, 3),
                                 .at_ms = col_i64(st, 4),
                                 .column = text(st, 5),
                                 .code = text(st, 6),
                                 .message = text(st, 7),
                                 .hint = text(st, 8),
                                 .state = text(st, 9),
                                 .part = text(st, 10),
                                 .key = text(st, 11),
                                 .who = text(st, 12),
                                 .reason = text(st, 13),
                                 .raw = sqlite3_column_blob(st, 14),
                                 .raw_n = (size_t)sqlite3_column_bytes(st, 14)};
        if ((rc = fn(arg, &r, err)) < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
