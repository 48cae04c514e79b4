/* What becomes of rejects: loaded after all, given up by a person, refused again (reject.h). */
#include "base/mem.h"
#include "state/metric.h"
#include "state/queue_int.h"
#include "state/reject.h"

enum { AT_ONCE = 2000 }; /* rows a transaction: others wait for the file meanwhile */

static int run_text(struct store *s, enum sql_state_id id, const char *text, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, text);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int reject_doubt(struct store *s, const char *token, const struct reject_lines *l, struct err *err)
{
    int rc = 0;

    for (size_t at = 0; rc >= 0 && at < l->n;) {
        rc = store_step_begin(s, token, err);
        if (rc < 0)
            return rc;
        rc = run_text(s, SQL_STATE_PIPELINE_LEDGER_DOUBT, l->pipeline, err);
        for (size_t end = at + AT_ONCE; rc >= 0 && at < l->n && at < end; at++)
            rc = run_ids(s, SQL_STATE_REJECT_PENDING, l->load_id, l->lines[at], 0, err);
        rc = queue_end(s, rc, err);
    }
    return rc < 0 ? rc : 0;
}

/* The number of rows changed: 1, or 0 where it was decided before. */
static int decide(struct store *s, int64_t load_id, int64_t line, const struct reject_outcome *o,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_REJECT_DECIDE, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, load_id);
    bind_i64(st, 2, line);
    bind_text(st, 3, o->state);
    bind_text(st, 4, o->who ? o->who : "");
    bind_text(st, 5, o->reason ? o->reason : "");
    bind_i64(st, 6, o->at_ms);
    return stmt_run(s, st, err);
}

static int count(struct store *s, const char *pipeline, const struct reject_outcome *o, int64_t n,
                 struct err *err)
{
    if (n == 0 || strcmp(o->state, "REPLAYED") != 0)
        return 0;
    return counter_add(s, "orch_rows_total", pipeline, "in loaded", n, err);
}

int reject_settle(struct store *s, const char *token, const struct reject_lines *l,
                  const struct reject_outcome *o, struct err *err)
{
    int rc = 0;

    for (size_t at = 0; rc >= 0 && at < l->n;) {
        int64_t changed = 0;
        rc = store_step_begin(s, token, err);
        if (rc < 0)
            return rc;
        for (size_t end = at + AT_ONCE; rc >= 0 && at < l->n && at < end; at++) {
            rc = decide(s, l->load_id, l->lines[at], o, err);
            changed += rc > 0;
        }
        if (rc >= 0)
            rc = count(s, l->pipeline, o, changed, err);
        rc = queue_end(s, rc, err);
    }
    return rc < 0 ? rc : 0;
}

int reject_reasons(struct store *s, const char *token, int64_t load_id, const struct reject *rows, size_t n,
                   struct err *err)
{
    sqlite3_stmt *st;
    int rc = n > 0 ? store_step_begin(s, token, err) : 0;

    if (rc < 0 || n == 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        rc = store_stmt(s, SQL_STATE_REJECT_REASON, &st, err);
        if (rc < 0)
            break;
        bind_i64(st, 1, load_id);
        bind_i64(st, 2, rows[i].line);
        bind_text(st, 3, rows[i].code);
        bind_text(st, 4, rows[i].column);
        bind_text(st, 5, rows[i].message);
        bind_text(st, 6, rows[i].hint);
        rc = stmt_run(s, st, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int load_recount(struct store *s, const char *token, int64_t load_id, int64_t rows_loaded,
                 int64_t rows_rejected, const char *columns, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_LOAD_RECOUNT, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, load_id);
        bind_i64(st, 2, rows_loaded);
        bind_i64(st, 3, rows_rejected);
        bind_text(st, 4, columns);
        rc = stmt_run(s, st, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int reject_verdicts_begin(struct store *s, const char *pipeline, struct err *err)
{
    return run_text(s, SQL_STATE_REJECT_MARK, pipeline, err);
}

int reject_verdict(struct store *s, const char *pipeline, const struct reject_verdict_row *v, bool counts,
                   struct err *err)
{
    sqlite3_stmt *st;
    int rc = decide(s, v->load_id, v->line, &v->outcome, err);

    if (rc > 0)
        return counts ? count(s, pipeline, &v->outcome, 1, err) : 0;
    if (rc == 0)
        rc = store_stmt(s, SQL_STATE_REJECT_CONFIRM, &st, err);
    if (rc < 0)
        return rc;
    bind_i64(st, 1, v->load_id);
    bind_i64(st, 2, v->line);
    bind_text(st, 3, v->outcome.state);
    bind_i64(st, 4, v->outcome.at_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int reject_verdicts_end(struct store *s, const char *pipeline, struct err *err)
{
    return run_text(s, SQL_STATE_REJECT_SWEEP, pipeline, err);
}
