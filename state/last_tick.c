#include "state/last_tick.h"
#include "base/mem.h"
#include "state/queue_int.h"
#include <unistd.h>

static const char *host_name(char out[80])
{
    out[0] = '\0';
    err_ignore(gethostname(out, 79));
    out[79] = '\0';
    return out;
}

/*
 * In WAL mode a transaction under NORMAL is not synced, yet never tears the file: a power cut takes it away whole, and those
 * after it that were not synced either. What was committed under FULL before stays.
 */
static void sync_less(struct store *s, bool less)
{
    sqlite3_exec(store_db(s), less ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", NULL, NULL,
                 NULL);
}

static int run_light(struct store *s, sqlite3_stmt *st, struct err *err)
{
    int rc = store_begin(s, err);

    if (rc < 0)
        return rc;
    rc = queue_end(s, stmt_run(s, st, err), err);
    return rc < 0 ? rc : 0;
}

int last_tick_get(struct store *s, struct last_tick *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LAST_TICK_GET, &st, err);

    *ret = (struct last_tick){0};
    if (rc < 0)
        return rc;
    rc = stmt_step(s, st, err);
    if (rc <= 0)
        return rc;
    *ret = (struct last_tick){.started_ms = col_i64(st, 0),
                              .finished_ms = col_i64(st, 1),
                              .success_ms = col_i64(st, 2),
                              .duration_ms = col_i64(st, 3),
                              .exit_status = (int)col_i64(st, 4),
                              .pid = col_i64(st, 6),
                              .metrics_said_ms = col_i64(st, 7)};
    char *host = col_text(st, 5);
    snprintf(ret->host, sizeof ret->host, "%s", host);
    free(host);
    stmt_done(st);
    return 1;
}

int last_tick_begin(struct store *s, int64_t now_ms, struct err *err)
{
    char host[80];
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LAST_TICK_BEGIN, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, now_ms);
    bind_text(st, 2, host_name(host));
    bind_i64(st, 3, (int64_t)getpid());
    sync_less(s, true);
    rc = run_light(s, st, err);
    sync_less(s, false);
    return rc;
}

int last_tick_end(struct store *s, int exit_status, int64_t duration_ms, int64_t now_ms, struct err *err)
{
    bool well = exit_status == 0 || exit_status == 1 || exit_status == 5 || exit_status == 6;
    char host[80];
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LAST_TICK_END, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, now_ms);
    bind_i64(st, 2, exit_status);
    bind_i64(st, 3, well);
    bind_i64(st, 4, duration_ms);
    bind_text(st, 5, host_name(host));
    bind_i64(st, 6, (int64_t)getpid());
    sync_less(s, true);
    rc = run_light(s, st, err);
    sync_less(s, false);
    return rc;
}

int last_tick_metrics_said(struct store *s, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_LAST_TICK_METRICS_SAID, &st, err);

    if (rc < 0)
        return rc;
    bind_i64_or_null(st, 1, now_ms);
    return run_light(s, st, err);
}
