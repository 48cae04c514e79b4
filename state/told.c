#include "state/told.h"
#include "state/store_int.h"

static const char *col(sqlite3_stmt *st, int i)
{
    const char *text = (const char *)sqlite3_column_text(st, i);

    return text != NULL ? text : "";
}

int told_list(struct store *s, const char *channel, told_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TOLD_LIST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, channel);
    while ((rc = stmt_step(s, st, err)) == 1) {
        const struct told t = {.key = col(st, 0),
                               .pipeline = col(st, 1),
                               .class = col(st, 2),
                               .part = col(st, 3),
                               .text = col(st, 4),
                               .hint = col(st, 5),
                               .ending = col(st, 6),
                               .opened_ms = col_i64(st, 7),
                               .said_ms = col_i64(st, 8),
                               .gone_ms = col_i64(st, 9)};
        rc = fn(arg, &t, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int told_stands(struct store *s, const char *channel, const struct told *t, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TOLD_STANDS, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, channel);
    bind_text(st, 2, t->key);
    bind_text(st, 3, t->pipeline);
    bind_text(st, 4, t->class);
    bind_text(st, 5, t->part);
    bind_text(st, 6, t->text);
    bind_text(st, 7, t->hint);
    bind_i64(st, 8, t->opened_ms);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

/* channel, and up to two texts and a number behind it; NULL: not bound. */
static int run(struct store *s, enum sql_state_id id, const char *channel, const char *a, const char *b,
               int64_t n, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err), at = 1;

    if (rc < 0)
        return rc;
    bind_text(st, at++, channel);
    if (a != NULL)
        bind_text(st, at++, a);
    if (b != NULL)
        bind_text(st, at++, b);
    if (n != 0)
        bind_i64(st, at++, n);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

int told_gone(struct store *s, const char *channel, const char *key, const char *ending, int64_t now_ms,
              struct err *err)
{
    return run(s, SQL_STATE_TOLD_GONE, channel, key, ending, now_ms, err);
}

int told_said(struct store *s, const char *channel, const char *key, int64_t now_ms, struct err *err)
{
    return run(s, SQL_STATE_TOLD_SAID, channel, key, NULL, now_ms, err);
}

int told_drop(struct store *s, const char *channel, const char *key, struct err *err)
{
    return run(s, SQL_STATE_TOLD_DROP, channel, key, NULL, 0, err);
}

int told_drop_all(struct store *s, const char *channel, struct err *err)
{
    return run(s, SQL_STATE_TOLD_DROP_ALL, channel, NULL, NULL, 0, err);
}

int told_channels(struct store *s, int (*fn)(void *arg, const char *channel, struct err *err), void *arg,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_TOLD_CHANNELS, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) == 1) {
        rc = fn(arg, col(st, 0), err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

/* ---- why a trouble went ---- */

static int ending_of(struct store *s, sqlite3_stmt *st, char *out, size_t size, struct err *err)
{
    static const char *const words[][2] = {{"SKIPPED", "skipped"},           {"ADOPTED", "adopted"},
                                           {"ACKNOWLEDGED", "acknowledged"}, {"REDRIVEN", "redriven"},
                                           {"STOPPED", "stopped"},           {"FORGOTTEN", "no longer kept"}};
    int rc = stmt_step(s, st, err);

    for (size_t i = 0; rc == 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(words[i][0], col(st, 0)) == 0)
            snprintf(out, size, "%s%s%s%s%s", words[i][1], *col(st, 2) != '\0' ? " by " : "", col(st, 2),
                     *col(st, 1) != '\0' ? ": " : "", col(st, 1));
    stmt_done(st);
    return rc;
}

/* Of no pipeline: an execution of a definition of its own, or what has no ending but that it is well (a channel, a request). */
static int ending_of_own(struct store *s, const char *part, const char *class, char *out, size_t size,
                         struct err *err)
{
    sqlite3_stmt *st;
    int rc;

    if (strcmp(class, "FAILED") != 0)
        return 0;
    rc = store_stmt(s, SQL_STATE_TOLD_ENDING_OWN, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, part);
    return ending_of(s, st, out, size, err);
}

int told_ending(struct store *s, const char *pipeline, const char *part, const char *class, char *out,
                size_t size, struct err *err)
{
    sqlite3_stmt *st;
    int rc;

    out[0] = '\0';
    if (pipeline[0] == '\0')
        return ending_of_own(s, part, class, out, size, err);
    rc = store_stmt(s, SQL_STATE_TOLD_ENDING_PART, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    rc = ending_of(s, st, out, size, err);
    if (rc != 0)
        return rc;
    rc = store_stmt(s, SQL_STATE_TOLD_ENDING_ACK, &st, err);
    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    bind_text(st, 3, class);
    return ending_of(s, st, out, size, err);
}

/* ---- deliveries ---- */

int channel_list(struct store *s, int (*fn)(void *arg, const struct channel_row *c, struct err *err),
                 void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_CHANNEL_LIST, &st, err);

    if (rc < 0)
        return rc;
    while ((rc = stmt_step(s, st, err)) == 1) {
        const struct channel_row c = {.name = col(st, 0),
                                      .error = col(st, 1),
                                      .sent = col_i64(st, 2),
                                      .failed = col_i64(st, 3),
                                      .ok_ms = col_i64(st, 4),
                                      .failing_since_ms = col_i64(st, 5),
                                      .tried_ms = col_i64(st, 6)};
        rc = fn(arg, &c, err);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int channel_ok(struct store *s, const char *name, int64_t now_ms, struct err *err)
{
    return run(s, SQL_STATE_CHANNEL_OK, name, NULL, NULL, now_ms, err);
}

int channel_failed(struct store *s, const char *name, const char *error, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_CHANNEL_FAILED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, name);
    bind_i64(st, 2, now_ms);
    bind_text(st, 3, error);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}
