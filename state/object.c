#include "state/object.h"
#include "base/mem.h"
#include "state/queue_int.h"

void object_row_release(struct object_row *o)
{
    free(o->part);
    free(o->key);
    free(o->etag);
    free(o->version_id);
    free(o->sha256);
    free(o->verdict);
    *o = (struct object_row){0};
}

static void fill(sqlite3_stmt *st, struct object_row *ret)
{
    *ret = (struct object_row){.id = col_i64(st, 0),
                               .part = col_text(st, 1),
                               .key = col_text(st, 2),
                               .etag = col_text(st, 3),
                               .version_id = col_text(st, 4),
                               .size = col_i64(st, 5),
                               .mtime_ns = col_i64(st, 6),
                               .modified_ms = col_i64(st, 7),
                               .first_seen_ms = col_i64(st, 8),
                               .sha256 = col_text(st, 9),
                               .verdict = col_text(st, 10)};
}

bool object_same(const struct object_seen *o, const struct object_row *row)
{
    const char *etag = o->etag ? o->etag : "";

    if (o->size != row->size || strcmp(etag, row->etag) != 0)
        return false;
    return etag[0] != '\0' || o->mtime_ns == row->mtime_ns;
}

int object_newest(struct store *s, const char *pipeline, const char *key, struct object_row *ret,
                  struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_NEWEST, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    bind_blob(st, 2, key, strlen(key));
    rc = stmt_step(s, st, err);
    if (rc > 0)
        fill(st, ret);
    stmt_done(st);
    return rc;
}

static void bind_said(sqlite3_stmt *st, int at, const struct object_seen *o)
{
    if (o->said_sha256 != NULL)
        bind_i64(st, at, o->said_rows);
    else
        bind_text(st, at, NULL);
    bind_text(st, at + 1, o->said_sha256);
}

int object_said(struct store *s, const struct object_seen *o, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_SAID, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, o->pipeline);
    bind_blob(st, 2, o->key, strlen(o->key));
    bind_said(st, 3, o);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}

static int insert(struct store *s, const struct object_seen *o, int64_t *ret_id, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_PUT, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, o->pipeline);
    bind_text(st, 2, o->part);
    bind_blob(st, 3, o->key, strlen(o->key));
    bind_text(st, 4, o->etag ? o->etag : "");
    bind_text(st, 5, o->version_id);
    bind_i64(st, 6, o->size);
    bind_i64(st, 7, o->mtime_ns);
    bind_i64(st, 8, o->modified_ms);
    bind_i64(st, 9, o->now_ms);
    bind_text(st, 10, "");
    bind_text(st, 11, "NEW");
    bind_said(st, 12, o);
    rc = stmt_run(s, st, err);
    if (rc < 0)
        return rc;
    *ret_id = store_last_id(s);
    return 0;
}

int object_see(struct store *s, const struct object_seen *o, int64_t *ret_id, struct err *err)
{
    struct object_row row = {0};
    int rc = object_newest(s, o->pipeline, o->key, &row, err);

    if (rc < 0)
        return rc;
    if (rc > 0 && object_same(o, &row) && strcmp(row.verdict, "GONE") != 0) {
        *ret_id = row.id;
        rc = 0;
        goto out;
    }
    /* What was never queued and is there no more would keep its partition open for ever. */
    if (rc > 0 && (strcmp(row.verdict, "NEW") == 0 || strcmp(row.verdict, "REFUSED") == 0)) {
        rc = object_verdict(s, row.id, "GONE", err);
        if (rc < 0)
            goto out;
    }
    rc = insert(s, o, ret_id, err);
    if (rc == 0)
        rc = 1;
out:
    object_row_release(&row);
    return rc;
}

/* The statement is bound; fn for every row. */
static int each(struct store *s, sqlite3_stmt *st, object_fn *fn, void *arg, struct err *err)
{
    struct object_row row;
    int rc;

    while ((rc = stmt_step(s, st, err)) > 0) {
        fill(st, &row);
        rc = fn(arg, &row, err);
        object_row_release(&row);
        if (rc < 0)
            break;
    }
    stmt_done(st);
    return rc;
}

/* part NULL: the query has no such parameter. */
static int list_rows(struct store *s, enum sql_state_id id, const char *pipeline, const char *part,
                     object_fn *fn, void *arg, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, id, &st, err);

    if (rc < 0)
        return rc;
    bind_text(st, 1, pipeline);
    if (part != NULL)
        bind_text(st, 2, part);
    return each(s, st, fn, arg, err);
}

int object_list_refused(struct store *s, const char *pipeline, object_fn *fn, void *arg, struct err *err)
{
    return list_rows(s, SQL_STATE_OBJECT_LIST_REFUSED, pipeline, NULL, fn, arg, err);
}

int object_list_current(struct store *s, const char *pipeline, const char *part, object_fn *fn, void *arg,
                        struct err *err)
{
    return list_rows(s, SQL_STATE_OBJECT_LIST_CURRENT, pipeline, part, fn, arg, err);
}

int object_verdict(struct store *s, int64_t id, const char *verdict, struct err *err)
{
    sqlite3_stmt *st;
    int rc = store_stmt(s, SQL_STATE_OBJECT_VERDICT, &st, err);

    if (rc < 0)
        return rc;
    bind_i64(st, 1, id);
    bind_text(st, 2, verdict);
    rc = stmt_run(s, st, err);
    return rc < 0 ? rc : 0;
}
