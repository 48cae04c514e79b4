#include "state/reject.h"
#include "base/mem.h"
#include "state/queue_int.h"

static int put_one(struct store *s, int64_t load_id, const struct reject *r, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REJECT_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, load_id);
    bind_i64(st, 2, r->line);
    bind_i64(st, 3, r->offset);
    bind_text(st, 4, r->column ? r->column : "");
    bind_text(st, 5, r->code);
    bind_text(st, 6, r->message);
    bind_text(st, 7, r->hint ? r->hint : "");
    bind_blob(st, 8, r->raw, r->raw_n);
    bind_i64(st, 9, r->raw_total);
    bind_text(st, 10, r->raw_sha256 ? r->raw_sha256 : "");
    bind_i64(st, 11, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? err_prefix(err, "reject of line %lld", (long long)r->line) : 0;
}

int reject_put(struct store *s, const char *token, int64_t load_id, const struct reject *rows, size_t n,
               bool first, int64_t now_ms, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = job_guard_load(s, token, load_id, err);
    if (rc == 0 && first)
        rc = run_ids(s, SQL_STATE_REJECT_CLEAR, load_id, 0, 0, err);
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = put_one(s, load_id, &rows[i], now_ms, err);
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int reject_forget(struct store *s, const char *token, int64_t load_id, int64_t offset_from, int64_t offset_to,
                  struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = job_guard_load(s, token, load_id, err);
    if (rc == 0)
        rc = run_ids(s, SQL_STATE_REJECT_FORGET, load_id, offset_from, offset_to, err);
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int reject_keep_failed(struct store *s, const char *token, int64_t load_id, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = job_guard_load(s, token, load_id, err);
    if (rc == 0)
        rc = run_ids(s, SQL_STATE_REJECT_FAILED, load_id, 0, 0, err);
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

enum { FIRST_TEXT = 7, TEXTS = 12, RAW = 19 };

/* Columns 7 to 18 of reject_list and reject_page are texts, in the order of the members below. */
static int give(sqlite3_stmt *st, reject_fn *fn, void *arg, struct err *err)
{
    char *t[TEXTS];

    for (int i = 0; i < TEXTS; i++)
        t[i] = col_text(st, FIRST_TEXT + i);
    const struct reject r = {.load_id = col_i64(st, 0),
                             .line = col_i64(st, 1),
                             .offset = col_i64(st, 2),
                             .raw_total = col_i64(st, 3),
                             .at_ms = col_i64(st, 4),
                             .job_n = col_i64(st, 5),
                             .decided_ms = col_i64(st, 6),
                             .column = t[0],
                             .code = t[1],
                             .message = t[2],
                             .hint = t[3],
                             .raw_sha256 = t[4],
                             .state = t[5],
                             .pipeline = t[6],
                             .part = t[7],
                             .key = t[8],
                             .job_state = t[9],
                             .who = t[10],
                             .reason = t[11],
                             .raw = sqlite3_column_blob(st, RAW),
                             .raw_n = (size_t)sqlite3_column_bytes(st, RAW)};
    int rc = fn(arg, &r, err);
    for (int i = 0; i < TEXTS; i++)
        free(t[i]);
    return rc;
}

static int each(struct store *s, sqlite3_stmt *st, reject_fn *fn, void *arg, struct err *err)
{
    int rc;

    while ((rc = stmt_step(s, st, err)) > 0) {
        rc = give(st, fn, arg, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

static int filtered(struct store *s, enum sql_state_id id, const struct reject_filter *f, sqlite3_stmt **ret,
                    struct err *err)
{
    int rc = store_stmt(s, id, ret, err);

    if (rc < 0)
        return rc;
    bind_text(*ret, 1, f->pipeline);
    bind_text(*ret, 2, f->part);
    bind_i64(*ret, 3, f->limit);
    bind_text(*ret, 4, f->code);
    bind_text(*ret, 5, f->column);
    bind_text(*ret, 6, f->state);
    return 0;
}

int reject_list(struct store *s, const struct reject_filter *f, reject_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = filtered(s, SQL_STATE_REJECT_LIST, f, &st, err);

    return rc < 0 ? rc : each(s, st, fn, arg, err);
}

int reject_after(struct store *s, const struct reject_filter *f, int64_t after_load, int64_t after_line,
                 reject_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = filtered(s, f->part != NULL ? SQL_STATE_PAGE_REJECTS_PART : SQL_STATE_PAGE_REJECTS, f, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 7, after_load);
    bind_i64(st, 8, after_line);
    return each(s, st, fn, arg, err);
}

int reject_page(struct store *s, int64_t load_id, int64_t after_line, const struct reject_filter *f,
                reject_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REJECT_PAGE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, load_id);
    bind_i64(st, 2, after_line);
    bind_text(st, 3, f->state);
    bind_text(st, 4, f->code);
    bind_text(st, 5, f->column);
    bind_i64(st, 6, f->limit);
    return each(s, st, fn, arg, err);
}

static int give_group(sqlite3_stmt *st, int (*fn)(void *arg, const struct reject_group *g, struct err *err),
                      void *arg, struct err *err)
{
    static const int columns[] = {0, 1, 2, 5, 6, 8, 9, 10};
    char *t[ARRAY_LEN(columns)];

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        t[i] = col_text(st, columns[i]);
    const struct reject_group g = {.code = t[0],
                                   .column = t[1],
                                   .key = t[2] != NULL ? t[2] : "",
                                   .count = col_i64(st, 3),
                                   .line = col_i64(st, 7),
                                   .part = t[3],
                                   .first_key = t[4],
                                   .first_column = t[5],
                                   .first_code = t[6],
                                   .message = t[7]};
    int rc = fn(arg, &g, err);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        free(t[i]);
    return rc;
}

int reject_by(struct store *s, const struct reject_filter *f, int by,
              int (*fn)(void *arg, const struct reject_group *g, struct err *err), void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = filtered(s, SQL_STATE_REJECT_BY, f, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 7, by);
    while ((rc = stmt_step(s, st, err)) > 0) {
        rc = give_group(st, fn, arg, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int reject_loads(struct store *s, const struct reject_filter *f, int64_t **ret_ids, size_t *ret_n,
                 struct err *err)
{
    size_t n = 0, room = 0;
    int64_t *ids = NULL;
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REJECT_LOADS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, f->pipeline);
    bind_text(st, 2, f->part);
    bind_text(st, 3, f->code);
    bind_text(st, 4, f->column);
    while ((rc = stmt_step(s, st, err)) > 0) {
        if (n == room) {
            room = room > 0 ? room * 2 : 64;
            ids = xrealloc(ids, room * sizeof *ids);
        }
        ids[n++] = col_i64(st, 0);
    }
    stmt_done(st);
    *ret_ids = ids;
    *ret_n = n;
    return rc < 0 ? rc : 0;
}

int reject_counts(struct store *s,
                  int (*fn)(void *arg, const char *pipeline, int64_t final, int64_t other, struct err *err),
                  void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REJECT_COUNTS, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) > 0) {
        rc = fn(arg, (const char *)sqlite3_column_text(st, 0), col_i64(st, 1), col_i64(st, 2), err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
