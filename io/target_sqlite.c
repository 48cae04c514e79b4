/*
 * SQLite as a target: one file, one writer at a time (BEGIN IMMEDIATE), prepared INSERTs, sums by aggregate functions
 * of our own, which are exact where SQLite's SUM() of reals is not. Never the state file itself: its transactions
 * and the data's must not be one.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/real.h"
#include "io/target_int.h"
#include "sql_sqlite.h"
#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

struct own {
    char *path; /* owned */
    int64_t busy_since_ms;
};

/* ---- errors ---- */

static int fail(struct target *t, sqlite3 *db, int code, const char *what, struct err *err)
{
    const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    enum err_code kind = ERR_IO;

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        kind = ERR_TRANSIENT;
        break;
    case SQLITE_FULL:
        kind = ERR_DISK_FULL;
        break;
    case SQLITE_CANTOPEN:
        kind = ERR_NOT_FOUND;
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        kind = ERR_ACCESS_DENIED;
        break;
    case SQLITE_IOERR:
        kind = db != NULL && sqlite3_system_errno(db) == ENOSPC ? ERR_DISK_FULL : ERR_IO;
        break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:
        kind = ERR_TARGET;
        break;
    default:
        break;
    }
    int rc = err_set(err, kind, "%s: %s: %s", t->name, what, text);
    err->native = strstr(text, "no such table") != NULL ? TARGET_NO_TABLE : code;
    return rc;
}

/* ---- exact aggregates ---- */

struct aggregate {
    struct dec256 sum;
    int64_t large;
    bool any;
};

static void add_real(struct aggregate *a, double v)
{
    if (!(fabs(v) < 1e25)) {
        a->large++;
        return;
    }
    struct decimal d = decimal_shortest(v);
    dec256_add_decimal(&a->sum, d.negative ? -(int64_t)d.digits : (int64_t)d.digits, d.exp10);
}

static struct aggregate *aggregate_of(sqlite3_context *c)
{
    struct aggregate *a = sqlite3_aggregate_context(c, (int)sizeof *a);

    if (a == NULL)
        sqlite3_result_error_nomem(c);
    return a;
}

static void number_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct aggregate *a = aggregate_of(c);

    UNUSED(n);
    if (a == NULL || sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    a->any = true;
    if (sqlite3_value_type(v[0]) == SQLITE_INTEGER)
        dec256_add_decimal(&a->sum, sqlite3_value_int64(v[0]), 0);
    else
        add_real(a, sqlite3_value_double(v[0]));
}

/* Over the bytes as they are stored. A number that a hand put into a text column has bytes of its own. */
static void crc_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct aggregate *a = aggregate_of(c);

    UNUSED(n);
    if (a == NULL || sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    a->any = true;
    const void *p = sqlite3_value_type(v[0]) == SQLITE_BLOB ? sqlite3_value_blob(v[0]) : sqlite3_value_text(v[0]);
    dec256_add_decimal(&a->sum, crc32_of(p != NULL ? p : "", (size_t)sqlite3_value_bytes(v[0])), 0);
}

static void sum_final(sqlite3_context *c)
{
    struct aggregate *a = sqlite3_aggregate_context(c, 0);
    char text[96];

    if (a == NULL || !a->any) {
        sqlite3_result_null(c);
        return;
    }
    dec256_text(&a->sum, text);
    sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

static void large_final(sqlite3_context *c)
{
    struct aggregate *a = sqlite3_aggregate_context(c, 0);

    sqlite3_result_int64(c, a != NULL ? a->large : 0);
}

static int register_functions(sqlite3 *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int rc = sqlite3_create_function(db, "orch_sum", 1, flags, NULL, NULL, number_step, sum_final);

    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(db, "orch_large", 1, flags, NULL, NULL, number_step, large_final);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(db, "orch_crc", 1, flags, NULL, NULL, crc_step, sum_final);
    return rc;
}

/* ---- the connection ---- */

static int sq_open(struct target *t, struct err *err)
{
    struct target_url url = {0};
    struct own *own = xcalloc(1, sizeof *own);

    t->own = own;
    t->queries = sql_sqlite;
    t->name = xstrdup(t->config.url);
    int rc = target_url_parse(t->config.url, &url, err);
    if (rc == 0)
        own->path = xstrdup(url.path);
    target_url_release(&url);
    return rc;
}

static void sq_close(struct target *t)
{
    struct own *own = t->own;

    if (own != NULL)
        free(own->path);
    free(own);
    t->own = NULL;
}

/* Waits for a lock in slices, so that the heart goes on beating; gives up after the time-out. */
static int on_busy(void *arg, int count)
{
    struct target *t = arg;
    struct own *own = t->own;
    struct err ignored;

    if (count == 0)
        own->busy_since_ms = clock_mono_ms();
    if (clock_mono_ms() - own->busy_since_ms > t->config.timeout_ms || target_beat(t, &ignored) < 0)
        return 0;
    clock_sleep_ms(count < 10 ? 5 : 50);
    return 1;
}

static int is_state_file(struct target *t, const char *path, struct err *err)
{
    struct stat a, b;

    if (t->config.note_path == NULL || stat(path, &a) != 0 || stat(t->config.note_path, &b) != 0 ||
        a.st_dev != b.st_dev || a.st_ino != b.st_ino)
        return 0;
    err_set(err, ERR_CONFIG, "%s is the state file itself", t->name);
    return err_hint(err, "give the target a file of its own");
}

static int sq_connect(struct target *t, struct err *err)
{
    struct own *own = t->own;
    sqlite3 *db = NULL;

    snprintf(t->version, sizeof t->version, "SQLite %s", sqlite3_libversion());
    int code = sqlite3_open_v2(own->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int rc = code == SQLITE_OK ? is_state_file(t, own->path, err) : fail(t, db, code, "cannot open", err);
    if (rc == 0) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_busy_handler(db, on_busy, t);
        code = sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", NULL, NULL, NULL);
        if (code == SQLITE_OK)
            code = register_functions(db);
        if (code != SQLITE_OK)
            rc = fail(t, db, code, "cannot open", err);
    }
    if (rc < 0) {
        sqlite3_close(db);
        return rc;
    }
    t->db = db;
    return 0;
}

static void sq_disconnect(struct target *t)
{
    sqlite3_stmt *st;

    while (t->db != NULL && (st = sqlite3_next_stmt(t->db, NULL)) != NULL)
        sqlite3_finalize(st);
    sqlite3_close(t->db); /* rolls back */
}

static bool sq_is_lost(const struct target *t)
{
    UNUSED(t);
    return false; /* there is no server that could go away */
}

static int sq_check(struct target *t, struct err *err)
{
    UNUSED(t);
    UNUSED(err);
    return 0;
}

/* ---- statements ---- */

static void bind_values(sqlite3_stmt *st, const struct val *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1;
        switch (values[i].kind) {
        case VAL_NULL:
            sqlite3_bind_null(st, at);
            break;
        case VAL_I64:
            sqlite3_bind_int64(st, at, values[i].i);
            break;
        case VAL_TEXT:
            sqlite3_bind_text(st, at, values[i].p, (int)values[i].n, SQLITE_STATIC);
            break;
        case VAL_BLOB:
            sqlite3_bind_blob(st, at, values[i].p, (int)values[i].n, SQLITE_STATIC);
            break;
        }
    }
}

static int give_row(sqlite3_stmt *st, row_fn *fn, void *arg, struct err *err)
{
    size_t count = (size_t)sqlite3_column_count(st);
    struct str *cells = xcalloc(count, sizeof *cells);

    for (size_t i = 0; i < count; i++)
        if (sqlite3_column_type(st, (int)i) != SQLITE_NULL) {
            cells[i].p = (const char *)sqlite3_column_text(st, (int)i);
            cells[i].n = (size_t)sqlite3_column_bytes(st, (int)i);
        }
    int rc = fn(arg, cells, count, err);
    free(cells);
    return rc;
}

static int sq_run(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn, void *arg,
                  int64_t *ret_rows, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int64_t rows = 0;
    int code = sqlite3_prepare_v2(t->db, sql, -1, &st, NULL);
    int rc = 0;

    if (code != SQLITE_OK)
        return fail(t, t->db, code, "cannot prepare", err);
    bind_values(st, values, n);
    while (rc >= 0 && (code = sqlite3_step(st)) == SQLITE_ROW) {
        rows++;
        if (fn != NULL)
            rc = give_row(st, fn, arg, err);
        if (rc >= 0)
            rc = target_beat(t, err);
    }
    if (rc >= 0 && code != SQLITE_DONE)
        rc = fail(t, t->db, code, "statement failed", err);
    if (ret_rows != NULL)
        *ret_rows = sqlite3_column_count(st) > 0 ? rows : sqlite3_changes(t->db);
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

static int sq_script(struct target *t, const char *sql, struct err *err)
{
    int code = sqlite3_exec(t->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : fail(t, t->db, code, "statement failed", err);
}

static int sq_clock_ms(struct target *t, int64_t *ret_ms, struct err *err)
{
    UNUSED(t);
    UNUSED(err);
    *ret_ms = clock_now_ms(); /* it lives on this machine */
    return 0;
}

/* BEGIN IMMEDIATE is the lock; a dead owner's is free at once. */
static int sq_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    UNUSED(t);
    UNUSED(pipeline);
    UNUSED(epoch);
    UNUSED(err);
    return 0;
}

static void sq_end_holder(struct target *t)
{
    UNUSED(t);
}

/* ---- schema ---- */

static int sq_quote(const char *name, bool qualified, struct buf *ret, struct err *err)
{
    int rc = buf_adds(ret, "\"", err);

    UNUSED(qualified);
    for (const char *p = name; rc == 0 && *p != '\0'; p++) {
        rc = buf_add(ret, p, 1, err);
        if (rc == 0 && *p == '"')
            rc = buf_add(ret, p, 1, err);
    }
    return rc == 0 ? buf_adds(ret, "\"", err) : rc;
}

struct describing {
    struct table *t;
    bool is_view, found;
    struct buf keys;
    char index[256];      /* the one whose columns are being collected */
    char columns[1024];
    bool partial;
};

static int on_table(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;

    UNUSED(count);
    UNUSED(err);
    d->found = true;
    d->is_view = str_is(cells[0], "view");
    return 0;
}

static int on_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    struct table *t = d->t;

    UNUSED(count);
    if (t->count == MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "table %s has more than %u columns", t->name, (unsigned)MAX_COLUMNS);
    struct column c = {.max_chars = -1, .max_bytes = -1};
    char *type = arena_strndup(t->arena, cells[1].p ? cells[1].p : "", cells[1].n);
    int rc = column_parse_type(type[0] != '\0' ? type : "text", t->arena, &c, err);
    if (rc < 0)
        return err_prefix(err, "column %s", cells[0].p);
    if (c.type == COL_INT && !c.is_unsigned) { /* whatever it is called, SQLite keeps 64 bits */
        c.min = INT64_MIN;
        c.max = INT64_MAX;
    }
    if (strchr(type, '(') == NULL) /* nor has its TEXT or BLOB MySQL's 64 KiB */
        c.max_chars = c.max_bytes = -1;
    c.name = arena_strndup(t->arena, cells[0].p, cells[0].n);
    c.type_text = type;
    c.nullable = target_cell_i64(cells[2]) == 0 && target_cell_i64(cells[4]) == 0;
    c.has_default = cells[3].p != NULL && strcasecmp(cells[3].p, "null") != 0;
    c.generated = target_cell_i64(cells[5]) >= 2;
    if (c.type == COL_DECIMAL) { /* its affinity would turn 1.10 into the double 1.1 */
        err_set(err, ERR_TARGET, "table %s column %s: SQLite keeps no DECIMAL exactly", t->name, c.name);
        return err_hint(err, "declare it TEXT, BIGINT or DOUBLE");
    }
    t->columns = t->columns != NULL ? t->columns : arena_alloc(t->arena, MAX_COLUMNS * sizeof *t->columns);
    t->columns[t->count++] = c;
    return 0;
}

/* One index is complete: is it the provenance's, or one that messages should name? */
static int end_index(struct describing *d, struct err *err)
{
    if (d->index[0] == '\0')
        return 0;
    if (strcmp(d->columns, LINEAGE_LOAD_ID "," LINEAGE_LINE) == 0 && !d->partial) {
        d->t->has_lineage = true;
        return 0;
    }
    return buf_addf(&d->keys, err, "%s%s(%s)", d->keys.n > 0 ? ", " : "", d->index, d->columns);
}

/* name, origin, column, partial: in order of index and column. */
static int on_key(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    int rc = 0;

    UNUSED(count);
    if (strcmp(d->index, cells[0].p) != 0) {
        rc = end_index(d, err);
        snprintf(d->index, sizeof d->index, "%s", cells[0].p);
        d->columns[0] = '\0';
        d->partial = target_cell_i64(cells[3]) != 0;
    }
    size_t n = strlen(d->columns);
    snprintf(d->columns + n, sizeof d->columns - n, "%s%s", n > 0 ? "," : "", cells[2].p ? cells[2].p : "(expression)");
    if (rc == 0 && str_is(cells[1], "pk") && strcmp(d->columns, LINEAGE_LOAD_ID "," LINEAGE_LINE) == 0)
        d->t->made_by_orch = true;
    return rc;
}

static int on_trigger(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    struct table *t = d->t;

    UNUSED(count);
    UNUSED(err);
    if (cells[1].p != NULL && strcasestr(cells[1].p, "insert") != NULL && t->triggers[0] == '\0')
        t->triggers = arena_strndup(t->arena, cells[0].p, cells[0].n);
    return 0;
}

static int sq_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err)
{
    struct arena *a = arena_new();
    struct table *def = arena_alloc(a, sizeof *def); /* in its own arena: table_free frees just that */
    struct describing d = {.t = def};
    const struct val name[] = {val_text(table)};

    memset(def, 0, sizeof *def);
    buf_init(&d.keys, 64 * KIB);
    def->arena = a;
    def->name = arena_strndup(def->arena, table, strlen(table));
    def->triggers = "";
    int rc = target_run(t, "schema_table", name, 1, on_table, &d, NULL, err);
    if (rc == 0 && !d.found) {
        rc = err_set(err, ERR_TARGET, "there is no table %s in %s", table, t->name);
        err_hint(err, "make it, or orch target setup with \"create\": true");
        err->native = TARGET_NO_TABLE;
    }
    if (rc == 0)
        rc = target_run(t, "schema_columns", name, 1, on_column, &d, NULL, err);
    if (rc == 0)
        rc = target_run(t, "schema_keys", name, 1, on_key, &d, NULL, err);
    if (rc == 0)
        rc = end_index(&d, err);
    if (rc == 0)
        rc = target_run(t, "schema_triggers", name, 1, on_trigger, &d, NULL, err);
    if (rc == 0) {
        def->engine = d.is_view ? "view" : "sqlite";
        def->transactional = true;
        def->unique_keys = d.keys.n > 0 ? arena_strndup(def->arena, d.keys.p, d.keys.n) : "";
        *ret_owned = def;
    } else {
        table_free(def);
    }
    buf_release(&d.keys);
    return rc;
}

static int sq_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types,
                         size_t count, struct buf *ret, struct err *err)
{
    UNUSED(t);
    int rc = buf_adds(ret, "CREATE TABLE ", err);
    if (rc == 0)
        rc = sq_quote(table, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (\n  " LINEAGE_LOAD_ID " INTEGER NOT NULL,\n  " LINEAGE_LINE " INTEGER NOT NULL,\n", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = buf_adds(ret, "  ", err);
        if (rc == 0)
            rc = sq_quote(names[i], false, ret, err);
        /* a DECIMAL's digits are kept as text: SQLite has no exact number of that kind */
        if (rc == 0)
            rc = buf_addf(ret, err, " %s,\n", strncasecmp(types[i], "decimal", 7) == 0 ? "text" : types[i]);
    }
    return rc == 0 ? buf_adds(ret, "  PRIMARY KEY (" LINEAGE_LOAD_ID ", " LINEAGE_LINE ")\n) WITHOUT ROWID;\n", err)
                   : rc;
}

static int sq_grants(struct target *t, const char *user, const char *table, struct buf *ret, struct err *err)
{
    struct own *own = t->own;

    UNUSED(user);
    UNUSED(table);
    return buf_addf(ret, err, "read and write access to %s and its folder\n", own->path);
}

static int sq_sum_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    switch (sum_kind_of(c)) {
    case SUM_NUMBER:
        return buf_addf(ret, err, ",orch_sum(%s)", quoted);
    case SUM_DOUBLE:
        return buf_addf(ret, err, ",orch_sum(%s),orch_large(%s)", quoted, quoted);
    case SUM_CRC:
        return buf_addf(ret, err, ",orch_crc(%s)", quoted);
    case SUM_NONE:
        break;
    }
    return 0;
}

/* ---- rows ---- */

static int sq_insert_open(struct load *l, struct err *err)
{
    struct target *t = l->t;
    const struct load_spec *s = &l->spec;
    struct buf sql = BUF_INIT(4 * MIB);
    size_t extra = s->table->has_lineage ? 2 : 0;

    int rc = buf_adds(&sql, "INSERT INTO ", err);
    if (rc == 0)
        rc = sq_quote(s->table->name, true, &sql, err);
    for (size_t i = 0; rc == 0 && i < s->column_count + extra; i++) {
        const char *name = i < s->column_count      ? s->table->columns[s->columns[i]].name
                           : i == s->column_count ? LINEAGE_LOAD_ID
                                                    : LINEAGE_LINE;
        rc = buf_adds(&sql, i == 0 ? "(" : ",", err);
        if (rc == 0)
            rc = sq_quote(name, false, &sql, err);
    }
    for (size_t i = 0; rc == 0 && i < s->column_count + extra; i++)
        rc = buf_adds(&sql, i == 0 ? ") VALUES (?" : ",?", err);
    if (rc == 0)
        rc = buf_adds(&sql, ")", err);
    if (rc == 0) {
        sqlite3_stmt *st = NULL;
        int code = sqlite3_prepare_v2(t->db, sql.p, (int)sql.n, &st, NULL);
        rc = code == SQLITE_OK ? 0 : fail(t, t->db, code, "cannot prepare the insert", err);
        l->insert = st;
    }
    buf_release(&sql);
    return rc;
}

static void bind_cell(sqlite3_stmt *st, int at, const struct batch *b, const struct batch_col *c, size_t row)
{
    if (c->nulls[row]) {
        sqlite3_bind_null(st, at);
        return;
    }
    switch (c->kind) {
    case CELL_I64:
    case CELL_U64:
        sqlite3_bind_int64(st, at, c->i64[row]);
        break;
    case CELL_DOUBLE:
        sqlite3_bind_double(st, at, c->dbl[row]);
        break;
    case CELL_BYTES:
        if (b->table->columns[c->column].type == COL_BINARY)
            sqlite3_bind_blob(st, at, c->bytes[row], (int)c->lengths[row], SQLITE_STATIC);
        else
            sqlite3_bind_text(st, at, c->bytes[row], (int)c->lengths[row], SQLITE_STATIC);
        break;
    }
}

static int refused(struct load *l, const struct batch *b, size_t row, struct err *err)
{
    sqlite3 *db = l->t->db;
    int code = sqlite3_extended_errcode(db);
    bool duplicate = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY;
    struct reject_info why = {.line = b->lines[row],
                              .offset = b->offsets[row],
                              .raw = b->raw[row],
                              .raw_n = b->raw_n[row],
                              .raw_total = b->raw_n[row]};

    snprintf(why.code, sizeof why.code, "%s", duplicate ? "DUPLICATE_KEY" : "REFUSED_BY_SERVER");
    snprintf(why.message, sizeof why.message, "%s", sqlite3_errmsg(db));
    return l->spec.on_reject(l->spec.arg, b, row, &why, err);
}

static int sq_insert_rows(struct load *l, const struct batch *b, struct err *err)
{
    sqlite3_stmt *st = l->insert;
    int rc = 0;

    for (size_t row = 0; rc >= 0 && row < b->rows; row++) {
        int at = 1;
        for (size_t i = 0; i < b->col_count; i++)
            bind_cell(st, at++, b, &b->cols[i], row);
        if (l->spec.table->has_lineage) {
            sqlite3_bind_int64(st, at++, l->spec.load_id);
            sqlite3_bind_int64(st, at, b->lines[row]);
        }
        int code = sqlite3_step(st);
        if (code == SQLITE_DONE)
            l->inserted++;
        else if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH)
            rc = refused(l, b, row, err);
        else
            rc = fail(l->t, l->t->db, code, "insert failed", err);
        sqlite3_reset(st);
    }
    sqlite3_clear_bindings(st);
    return rc < 0 ? rc : 0;
}

static void sq_insert_close(struct load *l)
{
    if (l->t->db != NULL)
        sqlite3_finalize(l->insert);
    l->insert = NULL;
}

const struct target_ops target_sqlite = {
    .scheme = "sqlite:",
    .open = sq_open,
    .connect = sq_connect,
    .disconnect = sq_disconnect,
    .is_lost = sq_is_lost,
    .check = sq_check,
    .close = sq_close,
    .run = sq_run,
    .script = sq_script,
    .clock_ms = sq_clock_ms,
    .hold = sq_hold,
    .end_holder = sq_end_holder,
    .describe = sq_describe,
    .create_ddl = sq_create_ddl,
    .grants = sq_grants,
    .quote = sq_quote,
    .sum_expr = sq_sum_expr,
    .insert_open = sq_insert_open,
    .insert_rows = sq_insert_rows,
    .insert_close = sq_insert_close,
};
