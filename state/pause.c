#include "state/pause.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/queue_int.h"

static void copy_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
    char *text = col_text(st, i);

    snprintf(out, size, "%s", text != NULL ? text : "");
    free(text);
}

int pause_get(struct store *s, const char *pipeline, struct pause *ret, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PAUSE_GET, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        ret->since_ms = col_i64(st, 0);
        copy_text(st, 1, ret->who, sizeof ret->who);
        copy_text(st, 2, ret->reason, sizeof ret->reason);
    }
    stmt_done(st);
    return rc;
}

static int put(struct store *s, const char *pipeline, const char *who, const char *reason, int64_t now_ms,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PAUSE_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_i64(st, 2, now_ms);
    bind_text(st, 3, who);
    bind_text(st, 4, reason);
    rc = stmt_run(s, st, err);
    if (rc <= 0)
        return rc;
    rc = audit_put(s, who, "pause", pipeline, "", reason, now_ms, err);
    return rc < 0 ? rc : 1;
}

int pause_set(struct store *s, const char *pipeline, const char *who, const char *reason, int64_t now_ms,
              struct err *err)
{
    int rc = store_begin(s, err);

    return rc < 0 ? rc : queue_end(s, put(s, pipeline, who, reason, now_ms, err), err);
}

static int clear(struct store *s, const char *pipeline, const char *who, const char *reason, int64_t now_ms,
                 struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_PAUSE_DELETE, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    rc = stmt_run(s, st, err);
    if (rc <= 0)
        return rc;
    rc = audit_put(s, who, "resume", pipeline, "", reason, now_ms, err);
    return rc < 0 ? rc : 1;
}

int pause_clear(struct store *s, const char *pipeline, const char *who, const char *reason, int64_t now_ms,
                struct err *err)
{
    int rc = store_begin(s, err);

    return rc < 0 ? rc : queue_end(s, clear(s, pipeline, who, reason, now_ms, err), err);
}

static int ack(struct store *s, const char *const texts[4], const char *who, const char *reason,
               int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_ACK_PUT, &st, err);

    if (rc < 0)
        return rc;
    for (int i = 0; i < 4; i++)
        bind_text(st, i + 1, texts[i]);
    bind_i64(st, 5, now_ms);
    bind_text(st, 6, who);
    bind_text(st, 7, reason);
    rc = stmt_run(s, st, err);
    if (rc >= 0)
        rc = audit_put(s, who, "ack", texts[0], texts[1], reason, now_ms, err);
    return rc < 0 ? rc : 0;
}

int ack_put(struct store *s, const char *pipeline, const char *part, const char *class, const char *subject,
            const char *who, const char *reason, int64_t now_ms, struct err *err)
{
    const char *const texts[] = {pipeline, part, class, subject};
    int rc = store_begin(s, err);

    return rc < 0 ? rc : queue_end(s, ack(s, texts, who, reason, now_ms, err), err);
}

/* Object ids ascend: an acknowledgement of the newest covers those that lay there with it. */
static bool covers(const char *class, const char *known, const char *subject)
{
    struct err unused;
    int64_t a, b;

    if (strcmp(class, "REFUSED") == 0 && str_to_i64(str_of(known), 0, INT64_MAX, &a, &unused) == 0 &&
        str_to_i64(str_of(subject), 0, INT64_MAX, &b, &unused) == 0)
        return b <= a;
    return strcmp(known, subject) == 0;
}

int ack_covers(struct store *s, const char *pipeline, const char *part, const char *class,
               const char *subject, struct err *err)
{
    const char *const texts[] = {pipeline, part, class};
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_ACK_GET, &st, err);

    if (rc < 0)
        return rc;
    for (int i = 0; i < 3; i++)
        bind_text(st, i + 1, texts[i]);
    rc = stmt_step(s, st, err);
    if (rc > 0) {
        char *known = col_text(st, 0);
        rc = known != NULL && covers(class, known, subject);
        free(known);
    }
    stmt_done(st);
    return rc;
}

int ack_subject(struct store *s, const char *pipeline, const char *part, const char *class,
                char ret[ACK_SUBJECT_SIZE], struct err *err)
{
    bool small = strcmp(class, "SMALL") == 0;
    int64_t id = 0;
    sqlite3_stmt *st;
    int rc = store_stmt(s, small ? SQL_STATE_ACK_SMALL : SQL_STATE_ACK_REFUSED, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_text(st, 2, part);
    rc = query_i64(s, st, &id, err);
    snprintf(ret, ACK_SUBJECT_SIZE, "%lld", (long long)id);
    return rc > 0 && (small || id > 0);
}
