#include "state/trigger.h"
#include "base/limits.h"
#include "state/store_int.h"

int trigger_find(struct store *s, const char *pipeline, const char *expression, struct trigger *ret,
                 struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TRIGGER_FIND, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, expression);
    rc = stmt_step(s, st, err);
    if (rc == 1) {
        ret->anchor_ms = col_i64(st, 0);
        ret->last_fire_ms = sqlite3_column_type(st, 1) == SQLITE_NULL ? -1 : col_i64(st, 1);
        stmt_done(st);
    }
    return rc;
}

int trigger_get(struct store *s, const char *pipeline, const char *expression, int64_t now_ms,
                struct trigger *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = trigger_find(s, pipeline, expression, ret, err);

    /* An anchor still to come: the clock was set back, and a rate() would be silent until then. Not one of a moment
     * from now: that is another tick's, made while this one waited for the transaction. */
    if (rc < 0 || (rc > 0 && ret->anchor_ms <= now_ms + CLOCK_SLACK_MS))
        return rc < 0 ? rc : 0;
    rc = store_stmt(s, SQL_STATE_TRIGGER_PUT, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, expression);
    bind_i64(st, 3, now_ms);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    ret->anchor_ms = now_ms;
    ret->last_fire_ms = -1;
    return 0;
}

int trigger_fired(struct store *s, const char *pipeline, int64_t fire_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TRIGGER_FIRED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, fire_ms);
    return stmt_run(s, st, err);
}
