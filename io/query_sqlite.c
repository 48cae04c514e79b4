/* One statement of a task on SQLite, whose values have types of their own whatever the column says. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/query_int.h"
#include "io/target_sqlite_int.h"
#include <math.h>

void query_sqlite_interrupt(struct target *t)
{
    struct sqlite_db *s = t->db;

    sqlite3_interrupt(s->db);
}

/* What is behind the first statement, but for blanks, comments and ';'. */
static bool is_more(const char *tail)
{
    for (;;) {
        tail += strspn(tail, " \t\r\n;");
        if (str_starts(tail, "--"))
            tail += strcspn(tail, "\n");
        else if (str_starts(tail, "/*") && strstr(tail + 2, "*/") != NULL)
            tail = strstr(tail + 2, "*/") + 2;
        else
            return *tail != '\0';
    }
}

static int bind_one(sqlite3_stmt *stmt, int at, const json_t *v)
{
    char *text;
    int code;

    if (json_is_null(v))
        return sqlite3_bind_null(stmt, at);
    if (json_is_integer(v))
        return sqlite3_bind_int64(stmt, at, json_integer_value(v));
    if (json_is_boolean(v))
        return sqlite3_bind_int(stmt, at, json_is_true(v));
    if (json_is_real(v))
        return sqlite3_bind_double(stmt, at, json_real_value(v));
    if (json_is_string(v))
        return sqlite3_bind_text64(stmt, at, json_string_value(v), json_string_length(v), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    text = json_text(v);
    code = sqlite3_bind_text64(stmt, at, text, strlen(text), SQLITE_TRANSIENT, SQLITE_UTF8);
    free(text);
    return code;
}

static int bind_all(struct target *t, sqlite3_stmt *stmt, const json_t *values, const char *key,
                    struct err *err)
{
    int marks = sqlite3_bind_parameter_count(stmt), own = sqlite3_bind_parameter_index(stmt, ":orch_key");
    size_t given = json_array_size(values), at = 0;

    if ((size_t)(marks - (own > 0)) != given)
        return err_set(err, ERR_CONTRACT, "the statement has %d marks '?', and %zu values are given",
                       marks - (own > 0), given);
    for (int i = 1; i <= marks; i++) {
        int code = i == own ? sqlite3_bind_text(stmt, i, key, -1, SQLITE_TRANSIENT)
                            : bind_one(stmt, i, json_array_get(values, at++));
        if (code != SQLITE_OK)
            return sqlite_fail(t, code, err);
    }
    return 0;
}

static int cell(sqlite3_stmt *stmt, int i, json_t **ret, struct err *err)
{
    const char *name = sqlite3_column_name(stmt, i);
    double v;

    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        *ret = json_integer(sqlite3_column_int64(stmt, i));
        return 0;
    case SQLITE_FLOAT:
        v = sqlite3_column_double(stmt, i);
        *ret = isfinite(v) ? json_real(v) : json_string(v > 0 ? "Infinity" : "-Infinity");
        return 0;
    case SQLITE_BLOB:
        *ret = query_hex(sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
        return 0;
    case SQLITE_NULL:
        *ret = json_null();
        return 0;
    default:
        break;
    }
    const char *text = (const char *)sqlite3_column_text(stmt, i);
    return query_text(name, text, (size_t)sqlite3_column_bytes(stmt, i), ret, err);
}

static int add_row(sqlite3_stmt *stmt, struct query_rows *ret, struct err *err)
{
    json_t *row = json_object();
    int rc = 0;

    for (int i = 0; rc == 0 && i < sqlite3_column_count(stmt); i++) {
        json_t *v = NULL;
        int type = sqlite3_column_type(stmt, i);
        if (type == SQLITE_TEXT || type == SQLITE_BLOB) /* before copies are made of it */
            rc = query_room(ret, (size_t)sqlite3_column_bytes(stmt, i), err);
        if (rc == 0)
            rc = cell(stmt, i, &v, err);
        if (rc == 0)
            rc = query_cell(row, sqlite3_column_name(stmt, i), v, err);
    }
    if (rc == 0)
        return query_row(ret, row, err);
    json_decref(row);
    return rc;
}

int query_sqlite(struct target *t, const struct query_statement *s, const char *key, struct query_rows *ret,
                 struct err *err)
{
    struct sqlite_db *db = t->db;
    sqlite3_stmt *stmt = NULL;
    const char *tail = "";
    int rc = 0, code = sqlite3_prepare_v2(db->db, s->sql, -1, &stmt, &tail);

    db->beat_rc = 0;
    if (code == SQLITE_OK && is_more(tail)) {
        err_set(err, ERR_CONTRACT, "there is more than one statement");
        rc = err_hint(err, "a task's statement is one; several are a list, in one transaction");
    }
    if (code == SQLITE_OK && rc == 0)
        rc = bind_all(t, stmt, s->values, key, err);
    bool gives = code == SQLITE_OK && sqlite3_column_count(stmt) > 0;
    int64_t before = sqlite3_total_changes64(db->db);
    while (code == SQLITE_OK && rc == 0) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW) {
            rc = add_row(stmt, ret, err);
            code = SQLITE_OK;
        }
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = code == SQLITE_INTERRUPT ? err_set(err, ERR_CANCELLED, "the statement was interrupted")
                                      : sqlite_fail(t, code, err);
    if (rc == 0 && !gives && sqlite3_total_changes64(db->db) > before)
        ret->affected = sqlite3_changes64(db->db);
    sqlite3_finalize(stmt);
    return rc;
}
