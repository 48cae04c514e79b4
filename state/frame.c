/* Frames and events of executions. */
#include "state/exec.h"
#include "state/store_int.h"

void frame_release(struct frame *f)
{
    free(f->kind);
    free(f->state);
    free(f->phase);
    free(f->input);
    free(f->retry);
    free(f->vars);
    memset(f, 0, sizeof *f);
}

int frame_put(struct store *s, int64_t execution_id, const struct frame *f, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FRAME_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, f->parent);
    bind_i64(st, 3, f->id);
    bind_text(st, 4, f->kind);
    bind_i64(st, 5, f->item);
    bind_text(st, 6, f->state);
    bind_text(st, 7, f->phase);
    bind_i64(st, 8, f->input_event);
    bind_text(st, 9, f->input_event > 0 ? NULL : f->input);
    bind_text(st, 10, f->retry);
    bind_text(st, 11, f->vars);
    bind_i64(st, 12, f->entered_ms);
    bind_i64(st, 13, f->wake_ms);
    bind_i64(st, 14, f->entered_event);
    bind_i64(st, 15, f->last_event);
    bind_i64(st, 16, f->fork_event);
    bind_i64(st, 17, f->slot_event);
    bind_i64(st, 18, f->failed);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int frame_drop(struct store *s, int64_t execution_id, int64_t parent_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FRAME_DROP, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, parent_id);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int event_payload(struct store *s, int64_t execution_id, int64_t event, char **ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EVENT_PAYLOAD, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, event);
    rc = stmt_step(s, st, err);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_text(st, 0) : NULL;
    stmt_done(st);
    return *ret != NULL ? 0
                        : err_set(err, ERR_INTERNAL, "execution %lld: event %lld has no input and no output",
                                  (long long)execution_id, (long long)event);
}

int frame_list(struct store *s, int64_t execution_id,
               int (*fn)(void *arg, const struct frame *f, struct err *err), void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FRAME_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    while ((rc = stmt_step(s, st, err)) == 1) {
        struct frame f = {
            .id = col_i64(st, 0),
            .parent = col_i64(st, 1),
            .kind = col_text(st, 2),
            .item = col_i64(st, 3),
            .state = col_text(st, 4),
            .phase = col_text(st, 5),
            .input_event = col_i64(st, 6),
            .input = col_text(st, 7),
            .retry = col_text(st, 8),
            .vars = col_text(st, 9),
            .entered_ms = col_i64(st, 10),
            .wake_ms = col_i64(st, 11),
            .entered_event = col_i64(st, 12),
            .last_event = col_i64(st, 13),
            .fork_event = col_i64(st, 14),
            .slot_event = col_i64(st, 15),
            .failed = col_i64(st, 16) != 0,
        };
        rc = f.input_event > 0 ? event_payload(s, execution_id, f.input_event, &f.input, err) : 0;
        if (rc == 0)
            rc = fn(arg, &f, err);
        frame_release(&f);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int frame_wake(struct store *s, int64_t execution_id, int64_t latest_ms, int64_t *ret_wake_ms,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FRAME_WAKE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, latest_ms);
    rc = stmt_step(s, st, err);
    if (rc < 0)
        return rc;
    *ret_wake_ms = col_i64(st, 0);
    stmt_done(st);
    return 0;
}

int event_put(struct store *s, int64_t execution_id, const struct event_new *e, int64_t now_ms,
              struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EVENT_INSERT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, e->id);
    bind_i64(st, 3, e->previous);
    bind_text(st, 4, e->type);
    bind_i64(st, 5, now_ms);
    bind_text(st, 6, e->details);
    bind_text(st, 7, e->state);
    if (e->state != NULL)
        bind_i64(st, 8, e->frame);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int event_add(struct store *s, int64_t execution_id, const char *type, const json_t *details, int64_t now_ms,
              struct err *err)
{
    int64_t count = 0;
    int rc = event_count(s, execution_id, &count, err);

    if (rc < 0)
        return rc;
    char *text = details != NULL ? json_text(details) : NULL;
    const struct event_new e = {.id = count + 1, .type = type, .details = text};
    rc = event_put(s, execution_id, &e, now_ms, err);
    free(text);
    return rc;
}

int event_count(struct store *s, int64_t execution_id, int64_t *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_EVENT_COUNT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    rc = stmt_step(s, st, err);
    if (rc < 0)
        return rc;
    *ret = col_i64(st, 0); /* ids have no gaps */
    stmt_done(st);
    return 0;
}

int event_list(struct store *s, int64_t execution_id, bool reverse, int64_t limit,
               int (*fn)(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                         const char *details, struct err *err),
               void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, reverse ? SQL_STATE_EVENT_LIST_REVERSE : SQL_STATE_EVENT_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, limit);
    while ((rc = stmt_step(s, st, err)) == 1) {
        char *type = col_text(st, 2), *details = col_text(st, 4);
        rc = fn(arg, col_i64(st, 0), col_i64(st, 1), type, col_i64(st, 3), details, err);
        free(type);
        free(details);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}
