#include "state/extraction.h"
#include "base/mem.h"
#include "state/store_int.h"

void extraction_release(struct extraction *e)
{
    char *all[] = {e->pipeline,     e->run,      e->name, e->kind,   e->state, e->stamps,
                   e->manifest_key, e->manifest, e->sql,  e->notice, e->error, e->message,
                   e->hint,         e->reason,   e->who,  e->from,   e->to,    e->of};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    *e = (struct extraction){0};
}

void watermark_release(struct watermark *w)
{
    free(w->value);
    free(w->run);
    free(w->of);
    *w = (struct watermark){.seq = -1};
}

static int end_of(struct store *s, int rc, struct err *err)
{
    if (rc >= 0)
        rc = store_commit(s, err);
    store_rollback(s);
    return rc < 0 ? rc : 0;
}

static int plan_one(struct store *s, const char *pipeline, const char *run, const struct extraction *e,
                    int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, run);
    bind_text(st, 3, e->name);
    bind_text(st, 4, e->kind);
    bind_i64(st, 5, e->seq);
    bind_text(st, 6, e->from);
    bind_text(st, 7, e->to);
    bind_i64(st, 8, e->verify);
    bind_text(st, 9, e->notice != NULL ? e->notice : "");
    bind_text(st, 10, e->reason != NULL ? e->reason : "");
    bind_text(st, 11, e->who != NULL ? e->who : "");
    bind_i64(st, 12, now_ms);
    bind_text(st, 13, e->of != NULL ? e->of : "");
    return stmt_run(s, st, err);
}

static int supersede(struct store *s, const char *pipeline, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_SUPERSEDE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, now_ms);
    return stmt_run(s, st, err);
}

int extraction_plan(struct store *s, const char *token, const char *pipeline, const char *run,
                    const struct extraction *rows, size_t n, int64_t now_ms, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    if (n > 0 && rows[0].seq >= 0)
        rc = supersede(s, pipeline, now_ms, err);
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = plan_one(s, pipeline, run, &rows[i], now_ms, err);
    return end_of(s, rc, err);
}

int extraction_open(struct store *s, const char *pipeline, int64_t now_ms, char **ret_run, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_OPEN, &st, err);

    *ret_run = NULL;
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, now_ms);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret_run = col_text(st, 0);
    stmt_done(st);
    return rc;
}

int extraction_sequence(struct store *s, const char *pipeline, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_SEQUENCE_OPEN, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        rc = (int)col_i64(st, 0);
    stmt_done(st);
    return rc;
}

static void take(sqlite3_stmt *st, struct extraction *e)
{
    *e = (struct extraction){.id = col_i64(st, 0),
                             .pipeline = col_text(st, 1),
                             .run = col_text(st, 2),
                             .name = col_text(st, 3),
                             .kind = col_text(st, 4),
                             .seq = col_i64(st, 5),
                             .state = col_text(st, 6),
                             .from = col_text(st, 7),
                             .to = col_text(st, 8),
                             .verify = col_i64(st, 9) != 0,
                             .stamp_ms = col_i64(st, 10),
                             .stamps = col_text(st, 11),
                             .manifest_key = col_text(st, 12),
                             .manifest = col_text(st, 13),
                             .rows = col_i64(st, 14),
                             .bytes = col_i64(st, 15),
                             .parts = col_i64(st, 16),
                             .sql = col_text(st, 17),
                             .notice = col_text(st, 18),
                             .took_ms = col_i64(st, 19),
                             .attempts = col_i64(st, 20),
                             .tries = col_i64(st, 21),
                             .not_before_ms = col_i64(st, 22),
                             .execution_id = col_i64(st, 23),
                             .error = col_text(st, 24),
                             .message = col_text(st, 25),
                             .hint = col_text(st, 26),
                             .reason = col_text(st, 27),
                             .who = col_text(st, 28),
                             .created_ms = col_i64(st, 29),
                             .updated_ms = col_i64(st, 30),
                             .of = col_text(st, 31)};
}

static int each(struct store *s, sqlite3_stmt *st, extraction_fn *fn, void *arg, struct err *err)
{
    int rc;

    while ((rc = stmt_step(s, st, err)) > 0) {
        struct extraction e;
        take(st, &e);
        rc = fn(arg, &e, err);
        extraction_release(&e);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int extraction_run(struct store *s, const char *pipeline, const char *run, extraction_fn *fn, void *arg,
                   struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_RUN, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, run);
    return each(s, st, fn, arg, err);
}

int extraction_newest(struct store *s, const char *pipeline, int64_t limit, extraction_fn *fn, void *arg,
                      struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_NEWEST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, limit);
    return each(s, st, fn, arg, err);
}

int extraction_bad(struct store *s, const char *pipeline, extraction_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_BAD, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    return each(s, st, fn, arg, err);
}

static int last_stamp(struct store *s, const char *pipeline, int64_t *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_LAST_STAMP, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    *ret = rc > 0 ? col_i64(st, 0) : 0;
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int extraction_stamp(struct store *s, const char *token, const char *pipeline, const char *run,
                     int64_t execution_id, int64_t now_ms, int64_t *ret_stamp_ms, struct err *err)
{
    sqlite3_stmt *st;
    int64_t last = 0, stamp = now_ms / 1000 * 1000;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = last_stamp(s, pipeline, &last, err);
    if (stamp <= last)
        stamp = last + 1000;
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_EXTRACTION_STAMP, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, run);
        bind_i64(st, 3, stamp);
        bind_i64_or_null(st, 4, execution_id);
        bind_i64(st, 5, now_ms);
        rc = stmt_run(s, st, err);
    }
    *ret_stamp_ms = stamp;
    return end_of(s, rc, err);
}

int extraction_written(struct store *s, const char *token, const struct extraction *rows, size_t n,
                       int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const struct extraction *e = &rows[i];
        rc = store_stmt(s, SQL_STATE_EXTRACTION_WRITTEN, &st, err);
        if (rc < 0)
            break;
        bind_i64(st, 1, e->id);
        bind_text(st, 2, e->manifest_key);
        bind_text(st, 3, e->manifest);
        bind_i64(st, 4, e->rows);
        bind_i64(st, 5, e->bytes);
        bind_i64(st, 6, e->parts);
        bind_text(st, 7, e->sql);
        bind_i64(st, 8, e->took_ms);
        bind_text(st, 9, e->notice);
        bind_i64(st, 10, now_ms);
        bind_i64(st, 11, e->stamp_ms);
        rc = stmt_run(s, st, err);
        if (rc == 0)
            rc = err_set(err, ERR_LOCK_LOST, "%s: another attempt of this run has begun", e->name);
    }
    return end_of(s, rc, err);
}

static int put_watermark(struct store *s, const char *pipeline, const char *name, const char *value,
                         int64_t seq, const char *run, int64_t at_ms, const char *of, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_WATERMARK_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, name);
    bind_text(st, 3, value);
    bind_i64(st, 4, seq);
    bind_text(st, 5, run);
    bind_i64(st, 6, at_ms);
    bind_text(st, 7, of != NULL ? of : "");
    return stmt_run(s, st, err);
}

int extraction_published(struct store *s, const char *token, const struct extraction *e, int64_t now_ms,
                         struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_EXTRACTION_PUBLISHED, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, e->id);
        bind_i64(st, 2, e->rows);
        bind_i64(st, 3, e->bytes);
        bind_i64(st, 4, e->parts);
        bind_i64(st, 5, now_ms);
        rc = stmt_run(s, st, err);
    }
    if (rc == 0)
        rc = err_set(err, ERR_LOCK_LOST, "%s: it is not WRITTEN any more", e->name);
    if (rc > 0 && e->seq >= 0)
        rc = put_watermark(s, e->pipeline, e->name, e->to, e->seq, e->run, now_ms, e->of, err);
    return end_of(s, rc, err);
}

int extraction_nothing(struct store *s, const char *token, const struct extraction *e, int64_t now_ms,
                       struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_EXTRACTION_NOTHING, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, e->id);
        bind_i64(st, 2, now_ms);
        rc = stmt_run(s, st, err);
    }
    if (rc >= 0)
        rc = store_stmt(s, SQL_STATE_EXTRACTION_NOTHING_BEFORE, &st, err);
    if (rc >= 0) {
        bind_text(st, 1, e->pipeline);
        bind_text(st, 2, e->name);
        bind_i64(st, 3, e->id);
        rc = stmt_run(s, st, err);
    }
    return end_of(s, rc, err);
}

int extraction_failed(struct store *s, const char *token, const char *pipeline, const char *run,
                      const struct extraction_failure *f, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_EXTRACTION_FAILED, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, run);
        bind_i64(st, 3, f->counts);
        bind_i64(st, 4, f->max_attempts);
        bind_i64(st, 5, f->not_before_ms);
        bind_text(st, 6, f->error);
        bind_text(st, 7, f->message);
        bind_text(st, 8, f->hint != NULL ? f->hint : "");
        bind_i64(st, 9, f->now_ms);
        bind_i64(st, 10, f->wrong);
        rc = stmt_run(s, st, err);
    }
    return end_of(s, rc, err);
}

static int of_pipeline(struct store *s, enum sql_state_id query, const char *pipeline, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, NULL, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, query, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        rc = stmt_run(s, st, err);
    }
    return end_of(s, rc, err);
}

int extraction_again(struct store *s, const char *pipeline, struct err *err)
{
    return of_pipeline(s, SQL_STATE_EXTRACTION_AGAIN, pipeline, err);
}

int extraction_retry(struct store *s, const char *pipeline, struct err *err)
{
    return of_pipeline(s, SQL_STATE_EXTRACTION_RETRY, pipeline, err);
}

int extraction_totals(struct store *s, const char *pipeline,
                      int (*fn)(void *arg, const struct extraction_total *t, struct err *err), void *arg,
                      struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EXTRACTION_TOTALS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    while ((rc = stmt_step(s, st, err)) > 0) {
        char *name = col_text(st, 0), *to = col_text(st, 5);
        const struct extraction_total t = {.name = name,
                                           .to = to,
                                           .runs = col_i64(st, 1),
                                           .rows = col_i64(st, 2),
                                           .bytes = col_i64(st, 3),
                                           .at_ms = col_i64(st, 4)};
        rc = fn(arg, &t, err);
        free(name);
        free(to);
        if (rc < 0) {
            stmt_done(st);
            return rc;
        }
    }
    return rc;
}

int watermark_get(struct store *s, const char *pipeline, const char *name, struct watermark *ret,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_WATERMARK_GET, &st, err);

    *ret = (struct watermark){.seq = -1};
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, name);
    rc = stmt_step(s, st, err);
    if (rc > 0)
        *ret = (struct watermark){.value = col_text(st, 0),
                                  .seq = col_i64(st, 1),
                                  .run = col_text(st, 2),
                                  .at_ms = col_i64(st, 3),
                                  .of = col_text(st, 4)};
    stmt_done(st);
    return rc;
}

int watermark_adopt(struct store *s, const char *token, const char *pipeline, const char *name,
                    const struct watermark *w, struct err *err)
{
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    return end_of(s, put_watermark(s, pipeline, name, w->value, w->seq, w->run, w->at_ms, w->of, err), err);
}

int extraction_drop(struct store *s, const char *token, int64_t id, const char *message, int64_t now_ms,
                    struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_EXTRACTION_DROP, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, id);
        bind_text(st, 2, message);
        bind_i64(st, 3, now_ms);
        rc = stmt_run(s, st, err);
    }
    return end_of(s, rc, err);
}

int watermark_moved(struct store *s, const char *token, const char *pipeline, const char *name,
                    const char *of, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_WATERMARK_MOVED, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, name);
        bind_text(st, 3, of);
        rc = stmt_run(s, st, err);
    }
    return end_of(s, rc, err);
}
