#include "state/fsck.h"
#include "base/mem.h"
#include "state/store_int.h"

static const enum sql_state_id checks[] = {
    SQL_STATE_FSCK_GAPS,          SQL_STATE_FSCK_CHAIN, SQL_STATE_FSCK_TIME,       SQL_STATE_FSCK_START,
    SQL_STATE_FSCK_STARTED_TWICE, SQL_STATE_FSCK_END,   SQL_STATE_FSCK_REDRIVES,   SQL_STATE_FSCK_STOPPED,
    SQL_STATE_FSCK_CLAIM,         SQL_STATE_FSCK_ROOT,  SQL_STATE_FSCK_FRAMES,     SQL_STATE_FSCK_TREE,
    SQL_STATE_FSCK_LIVE,          SQL_STATE_FSCK_TASK,  SQL_STATE_FSCK_NO_TASK,    SQL_STATE_FSCK_ATTEMPTS,
    SQL_STATE_FSCK_STARTS,        SQL_STATE_FSCK_ENDS,  SQL_STATE_FSCK_DEFINITION, SQL_STATE_FSCK_ORPHANS,
};

static const char *text(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);
    return s != NULL ? s : "";
}

int fsck_rows(struct store *s, int64_t execution_id, fsck_fn *fn, void *arg, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(checks); i++) {
        sqlite3_stmt *st;
        rc = store_stmt(s, checks[i], &st, err);
        if (rc < 0)
            return rc;
        bind_i64_or_null(st, 1, execution_id);
        while ((rc = stmt_step(s, st, err)) == 1)
            if ((rc = fn(arg, text(st, 0), text(st, 1), err)) < 0)
                break;
        stmt_done(st);
    }
    return rc < 0 ? rc : 0;
}

int fsck_workflows(struct store *s,
                   int (*fn)(void *arg, const char *sha256, const char *definition, struct err *err),
                   void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FSCK_WORKFLOWS, &st, err);

    while (rc >= 0 && (rc = stmt_step(s, st, err)) == 1)
        rc = fn(arg, text(st, 0), text(st, 1), err);
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int fsck_running(struct store *s, int64_t execution_id, int64_t **ret_owned, size_t *ret_n, struct err *err)
{
    size_t n = 0, room = 0;
    int64_t *ids = NULL;
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FSCK_RUNNING, &st, err);

    if (rc < 0)
        return rc;
    bind_i64_or_null(st, 1, execution_id);
    while ((rc = stmt_step(s, st, err)) == 1) {
        if (n == room) {
            room = room > 0 ? 2 * room : 64;
            ids = xrealloc(ids, room * sizeof *ids);
        }
        ids[n++] = col_i64(st, 0);
    }
    stmt_done(st);
    if (rc < 0) {
        free(ids);
        return rc;
    }
    *ret_owned = ids;
    *ret_n = n;
    return 0;
}

int fsck_count(struct store *s, int64_t execution_id, int64_t *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FSCK_EXECUTION_COUNT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64_or_null(st, 1, execution_id);
    rc = stmt_step(s, st, err);
    *ret = rc == 1 ? col_i64(st, 0) : 0;
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int fsck_live_task(struct store *s, int64_t execution_id, int64_t frame_id, bool *ret_started,
                   int64_t *ret_attempt, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_FSCK_LIVE_TASK, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, execution_id);
    bind_i64(st, 2, frame_id);
    rc = stmt_step(s, st, err);
    if (rc == 1) {
        *ret_started = strcmp(text(st, 0), "STARTED") == 0;
        *ret_attempt = col_i64(st, 1);
    }
    stmt_done(st);
    return rc;
}
