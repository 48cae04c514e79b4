#include "state/queue.h"
#include "base/mem.h"
#include "state/queue_int.h"

int queue_begin(struct store *s, const char *token, struct err *err)
{
    return store_step_begin(s, token, err);
}

int queue_end(struct store *s, int rc, struct err *err)
{
    int done = rc < 0 ? rc : store_commit(s, err);

    if (done < 0) {
        store_rollback(s);
        return done;
    }
    return rc;
}

int run_ids(struct store *s, enum sql_state_id id, int64_t a, int64_t b, int64_t c, struct err *err)
{
    const int64_t values[] = {a, b, c};
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err);

    if (rc < 0)
        return rc;
    for (int i = 0; i < (int)ARRAY_LEN(values) && i < sqlite3_bind_parameter_count(st); i++)
        bind_i64(st, i + 1, values[i]);
    return stmt_run(s, st, err);
}

int query_i64(struct store *s, sqlite3_stmt *st, int64_t *ret, struct err *err)
{
    int rc = stmt_step(s, st, err);

    if (rc > 0)
        *ret = col_i64(st, 0);
    stmt_done(st);
    return rc;
}

/* SQLite's generator is seeded by the system's; the ids need to differ, not to be secret. */
int64_t random_bits(int bits)
{
    uint64_t v;

    sqlite3_randomness((int)sizeof v, &v);
    return (int64_t)(v >> (64 - bits));
}

void pipeline_row_release(struct pipeline_row *p)
{
    free(p->ledger_target);
    free(p->left_out_example);
    *p = (struct pipeline_row){0};
}

int pipeline_get(struct store *s, const char *pipeline, struct pipeline_row *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PIPELINE_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        *ret = (struct pipeline_row){.ledger_epoch = col_i64(st, 0),
                                     .ledger_seq = col_i64(st, 1),
                                     .full_listing_ms = col_i64(st, 2),
                                     .left_out = col_i64(st, 3),
                                     .retry_ms = col_i64(st, 4),
                                     .retry_count = col_i64(st, 5),
                                     .ledger_target = col_text(st, 6),
                                     .left_out_example = col_text(st, 7),
                                     .listed_ms = col_i64(st, 8)};
    } else if (rc == 0) {
        *ret = (struct pipeline_row){.ledger_epoch = -1,
                                     .ledger_seq = -1,
                                     .ledger_target = xstrdup(""),
                                     .left_out_example = xstrdup("")};
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int pipeline_ledger_known(struct store *s, const char *token, const char *pipeline, const char *target,
                          int64_t epoch, int64_t seq, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_step_begin(s, token, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_PIPELINE_LEDGER_KNOWN, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_text(st, 2, target);
        bind_i64(st, 3, epoch);
        bind_i64(st, 4, seq);
        rc = stmt_run(s, st, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int pipeline_backoff(struct store *s, const char *pipeline, int64_t retry_ms, int64_t count, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_begin(s, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_PIPELINE_BACKOFF, &st, err);
    if (rc == 0) {
        bind_text(st, 1, pipeline);
        bind_i64(st, 2, retry_ms);
        bind_i64(st, 3, count);
        rc = stmt_run(s, st, err);
    }
    rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}

int pipeline_listed(struct store *s, const char *pipeline, int64_t left_out, const char *example,
                    int64_t full_listing_ms, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PIPELINE_LISTED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, left_out);
    bind_text(st, 3, example);
    bind_i64(st, 4, full_listing_ms);
    bind_i64(st, 5, now_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int audit_put(struct store *s, const char *who, const char *verb, const char *pipeline, const char *part,
              const char *reason, int64_t now_ms, struct err *err)
{
    const char *const texts[] = {who, verb, pipeline, part, reason};
    bool outer = store_in_tx(s);
    sqlite3_stmt *st;
    int rc = outer ? 0 : store_begin(s, err);

    if (rc < 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_AUDIT_PUT, &st, err);
    if (rc == 0) {
        bind_i64(st, 1, now_ms);
        for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
            bind_text(st, i + 2, texts[i] ? texts[i] : "");
        rc = stmt_run(s, st, err);
    }
    if (!outer)
        rc = queue_end(s, rc, err);
    return rc < 0 ? rc : 0;
}
