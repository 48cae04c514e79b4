#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_sqlite_int.h"
#include "sql_sqlite.h"
#include <sys/stat.h>

static int sqlite_open_target(struct target *t, struct err *err)
{
    struct target_url url;
    int rc = target_url_parse(t->config.url, &url, err);

    t->queries = sql_sqlite;
    if (rc < 0) {
        t->name = xstrdup("sqlite");
        return rc;
    }
    t->name = xstrdup(url.path);
    target_url_release(&url);
    return 0;
}

static void sqlite_close_target(struct target *t)
{
    UNUSED(t);
}

int sqlite_fail(struct target *t, int code, struct err *err)
{
    struct sqlite_db *s = t->db;
    const char *text = s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
    int rc;

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (s->beat_rc < 0) { /* it was not the lock that ended the wait */
            *err = s->beat_err;
            return s->beat_rc;
        }
        rc = err_set(err, ERR_BUSY, "%s: another process writes to it, for longer than %d ms", t->name,
                     t->config.timeout_ms);
        break;
    case SQLITE_FULL:
        rc = err_set(err, ERR_DISK_FULL, "%s: %s", t->name, text);
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        rc = err_set(err, ERR_UNAVAILABLE, "%s: %s", t->name, text);
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        rc = err_set(err, ERR_ACCESS_DENIED, "%s: %s", t->name, text);
        break;
    case SQLITE_CONSTRAINT:
        rc = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                     code == SQLITE_CONSTRAINT_ROWID
                 ? err_set(err, ERR_DUPLICATE_KEY, "%s", text)
                 : err_set(err, ERR_BAD_VALUE, "%s", text);
        break;
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        rc = err_set(err, ERR_BAD_VALUE, "%s", text);
        break;
    default: /* SQLITE_NOTADB and SQLITE_CORRUPT too */
        rc = err_set(err, ERR_TARGET, "%s: %s", t->name, text);
        break;
    }
    bool missing = code == SQLITE_ERROR && strstr(text, "no such table") != NULL;
    err->native = missing ? TARGET_NO_TABLE : code;
    return rc;
}

/* Waits for another writer as long as the time-out allows, and no longer than the lease. */
static int on_busy(void *arg, int count)
{
    struct sqlite_db *s = arg;

    if (count == 0)
        s->busy_since_ms = clock_mono_ms();
    if (clock_mono_ms() - s->busy_since_ms >= s->timeout_ms)
        return 0;
    s->beat_rc = beat(s->beat, &s->beat_err);
    if (s->beat_rc < 0)
        return 0;
    clock_sleep_ms(count < 10 ? 2 : 20);
    return 1;
}

/* --- connection --- */

/* orch's own state in the same file: its transactions and a load's would be one, and a restored state file would
 * take the rows with it. */
static int refuse_state_file(struct target *t, struct err *err)
{
    struct stat state, target;

    if (t->config.note_path == NULL || stat(t->config.note_path, &state) != 0 || stat(t->name, &target) != 0)
        return 0;
    if (state.st_dev != target.st_dev || state.st_ino != target.st_ino)
        return 0;
    err_set(err, ERR_CONFIG, "%s is orch's own state file and cannot be a target too", t->name);
    return err_hint(err, "name another file: sqlite:warehouse.db");
}

static int sqlite_script(struct target *t, const char *sql, struct err *err)
{
    struct sqlite_db *s = t->db;

    s->beat_rc = 0;
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : sqlite_fail(t, sqlite3_extended_errcode(s->db), err);
}

static void sqlite_disconnect(struct target *t)
{
    struct sqlite_db *s = t->db;

    sqlite3_close_v2(s->db); /* rolls back; a statement that a load still holds is freed by it */
    free(s);
}

static int sqlite_connect(struct target *t, struct err *err)
{
    struct sqlite_db *s = xcalloc(1, sizeof *s);
    int rc = refuse_state_file(t, err);

    if (rc < 0) {
        free(s);
        return rc;
    }
    s->beat = t->config.beat;
    s->timeout_ms = t->config.timeout_ms;
    t->db = s;
    int code = sqlite3_open_v2(t->name, &s->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        rc = sqlite_fail(t, code, err);
    } else {
        sqlite3_extended_result_codes(s->db, 1);
        sqlite3_busy_handler(s->db, on_busy, s);
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite_add_functions(s->db);
        /* foreign_keys is off unless asked for: a load must not be laxer than the schema */
        rc = sqlite_script(t,
                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                           "PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON;",
                           err);
    }
    if (rc == 0)
        rc = refuse_state_file(t, err); /* the file may have been made just now, by us */
    if (rc < 0) {
        sqlite_disconnect(t);
        t->db = NULL;
        return rc;
    }
    snprintf(t->version, sizeof t->version, "SQLite %s", sqlite3_libversion());
    return 0;
}

static bool sqlite_is_lost(const struct target *t)
{
    UNUSED(t);
    return false;
}

static int sqlite_check(struct target *t, struct err *err)
{
    UNUSED(t);
    UNUSED(err);
    return 0;
}

/* --- statements --- */

static int bind(sqlite3_stmt *stmt, int at, const struct val *v)
{
    switch (v->kind) {
    case VAL_NULL:
        return sqlite3_bind_null(stmt, at);
    case VAL_I64:
        return sqlite3_bind_int64(stmt, at, v->i);
    case VAL_TEXT:
        return sqlite3_bind_text64(stmt, at, v->p, v->n, SQLITE_STATIC, SQLITE_UTF8);
    case VAL_BLOB:
        return sqlite3_bind_blob64(stmt, at, v->n > 0 ? v->p : "", v->n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static int give_row(sqlite3_stmt *stmt, row_fn *fn, void *arg, struct err *err)
{
    size_t count = (size_t)sqlite3_column_count(stmt);
    struct str *cells = xcalloc(count, sizeof *cells);

    for (size_t i = 0; i < count; i++) {
        cells[i].p = (const char *)sqlite3_column_text(stmt, (int)i);
        cells[i].n = cells[i].p != NULL ? (size_t)sqlite3_column_bytes(stmt, (int)i) : 0;
    }
    int rc = fn(arg, cells, count, err);
    free(cells);
    return rc;
}

static int sqlite_run(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn,
                      void *arg, int64_t *ret_rows, struct err *err)
{
    struct sqlite_db *s = t->db;
    sqlite3_stmt *stmt = NULL;
    int64_t rows = 0;
    int rc = 0;

    s->beat_rc = 0;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && (size_t)sqlite3_bind_parameter_count(stmt) != n) {
        rc = err_set(err, ERR_INTERNAL, "%d marks and %zu values: %.200s", sqlite3_bind_parameter_count(stmt),
                     n, sql);
        goto out;
    }
    for (size_t i = 0; code == SQLITE_OK && i < n; i++)
        code = bind(stmt, (int)i + 1, &values[i]);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    for (; code == SQLITE_ROW; code = sqlite3_step(stmt)) {
        rows++;
        rc = fn != NULL ? give_row(stmt, fn, arg, err) : 0;
        if (rc < 0)
            goto out;
    }
    if (code != SQLITE_DONE)
        rc = sqlite_fail(t, code, err);
    else if (ret_rows != NULL)
        *ret_rows = sqlite3_column_count(stmt) > 0 ? rows : sqlite3_changes(s->db);
out:
    sqlite3_finalize(stmt);
    return rc;
}

static int sqlite_scan(struct target *t, const char *sql, row_fn *fn, void *arg, struct err *err)
{
    return sqlite_run(t, sql, NULL, 0, fn, arg, NULL, err);
}

static int sqlite_clock_ms(struct target *t, int64_t *ret_ms, struct err *err)
{
    UNUSED(t);
    UNUSED(err);
    *ret_ms = clock_now_ms();
    return 0;
}

/* The writer's lock of SQLite is the process's own: it goes with it, and nobody needs ending. */
static int sqlite_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    UNUSED(t);
    UNUSED(pipeline);
    UNUSED(epoch);
    UNUSED(err);
    return 0;
}

static void sqlite_end_holder(struct target *t)
{
    target_drop(t);
}

int sqlite_quote(const char *name, bool qualified, struct buf *ret, struct err *err)
{
    int rc = buf_adds(ret, "\"", err);

    UNUSED(qualified); /* no other database is ever attached */
    for (const char *p = name; rc == 0 && *p != '\0'; p++)
        rc = buf_add(ret, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1, err);
    return rc < 0 ? rc : buf_adds(ret, "\"", err);
}

static int sqlite_grants(struct target *t, const char *user, const char *table, const char *copy,
                         bool upserts, struct buf *ret, struct err *err)
{
    UNUSED(user);
    UNUSED(upserts);
    UNUSED(table);
    UNUSED(copy);
    return buf_addf(
        ret, err, "-- %s: SQLite has no users; whoever loads must be able to write the file and its folder\n",
        t->name);
}

const struct target_ops target_sqlite = {
    .scheme = "sqlite:",
    .open = sqlite_open_target,
    .close = sqlite_close_target,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .is_lost = sqlite_is_lost,
    .check = sqlite_check,
    .run = sqlite_run,
    .scan = sqlite_scan,
    .script = sqlite_script,
    .alter = sqlite_script,
    .clock_ms = sqlite_clock_ms,
    .hold = sqlite_hold,
    .end_holder = sqlite_end_holder,
    .describe = sqlite_describe,
    .create_ddl = sqlite_create_ddl,
    .grants = sqlite_grants,
    .quote = sqlite_quote,
    .sum_expr = sqlite_sum_expr,
    .full_expr = sqlite_full_expr,
    .text_expr = sqlite_text_expr,
    .insert_open = sqlite_insert_open,
    .insert_rows = sqlite_insert_rows,
    .insert_close = sqlite_insert_close,
};
