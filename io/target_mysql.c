/*
 * MySQL and MariaDB as a target: the connection and its session, named locks, the rows in bulk. The protocol over it is
 * in target_*.c; what tables look like is in target_mysql_schema.c.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc.h"
#include "io/target_mysql_int.h"
#include "sql_mysql.h"

enum { LOCK_WAIT_S = 15 }; /* below the network time-out, so that the server says 1205 before we give up on it */

struct own {
    struct target_url url;
};

static int my_open(struct target *t, struct err *err)
{
    struct own *own = xcalloc(1, sizeof *own);

    t->own = own;
    t->queries = sql_mysql;
    t->name = xstrdup("mysql");
    int rc = target_url_parse(t->config.url, &own->url, err);
    if (rc == 0 && t->config.option_file != NULL)
        rc = target_option_file(t->config.option_file, &own->url, err);
    if (rc < 0)
        return rc;
    free(t->name);
    t->name = own->url.socket != NULL
                  ? xasprintf("%s/%s", own->url.socket, own->url.database ? own->url.database : "")
                  : xasprintf("%s:%u/%s", own->url.host ? own->url.host : "localhost",
                              own->url.port ? own->url.port : 3306, own->url.database ? own->url.database : "");
    if (own->url.database == NULL) {
        err_set(err, ERR_CONFIG, "the target's URL names no database");
        return err_hint(err, "mysql://user@host:3306/database");
    }
    return 0;
}

static void my_close(struct target *t)
{
    struct own *own = t->own;

    if (own != NULL)
        target_url_release(&own->url);
    free(own);
    t->own = NULL;
}

/* One statement after the other; they end with ";" at the end of a line. */
static int my_script(struct target *t, const char *sql, struct err *err)
{
    int rc = 0;

    while (rc == 0 && *sql != '\0') {
        const char *end = strstr(sql, ";\n");
        size_t n = end != NULL ? (size_t)(end - sql) : strlen(sql);
        char *one = xstrndup(sql, n);
        if (one[strspn(one, " \n;")] != '\0')
            rc = mysqlc_exec(t->db, one, err);
        free(one);
        sql += n + (end != NULL ? 2 : 0);
    }
    return rc;
}

static int set_session(struct target *t, struct err *err)
{
    struct mysqlc *db = t->db;
    char sql[300];

    int rc = my_script(t, target_query(t, "session"), err);
    if (rc < 0)
        return rc;
    /* A transaction of ours that stands still is ended by the server while its successor still waits for it. */
    snprintf(sql, sizeof sql, "SET SESSION innodb_lock_wait_timeout = %d, %s = %d", LOCK_WAIT_S,
             mysqlc_is_mariadb(db) ? "idle_transaction_timeout" : "wait_timeout", TARGET_IDLE_S);
    return mysqlc_exec(db, sql, err);
}

static int my_connect(struct target *t, struct err *err)
{
    struct own *own = t->own;
    const struct target_url *u = &own->url;
    struct mysqlc *db = NULL;
    const struct mysqlc_config c = {
        .host = u->host ? u->host : "localhost",
        .socket = u->socket,
        .user = u->user,
        .password = t->config.password != NULL ? t->config.password : u->password,
        .database = u->database,
        .port = u->port ? u->port : 3306,
        .tls = t->config.tls,
        .ca_file = t->config.ca_file != NULL ? t->config.ca_file : u->ca_file,
        .cert_file = u->cert_file,
        .key_file = u->key_file,
        .timeout_ms = t->config.timeout_ms,
    };

    int rc = mysqlc_open(&c, &db, err);
    if (rc < 0)
        return rc;
    t->db = db;
    snprintf(t->version, sizeof t->version, "%s %s", mysqlc_is_mariadb(db) ? "MariaDB" : "MySQL", mysqlc_version(db));
    rc = set_session(t, err);
    if (rc < 0) {
        mysqlc_close(db);
        t->db = NULL;
    }
    return rc;
}

static void my_disconnect(struct target *t)
{
    mysqlc_close(t->db);
}

static bool my_is_lost(const struct target *t)
{
    return mysqlc_is_lost(t->db);
}

static int my_check(struct target *t, struct err *err)
{
    return mysqlc_ping(t->db, TARGET_PING_MS, err);
}

static int my_run(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn, void *arg,
                  int64_t *ret_rows, struct err *err)
{
    return mysqlc_run(t->db, sql, values, n, fn, arg, ret_rows, NULL, err);
}

static int my_clock_ms(struct target *t, int64_t *ret_ms, struct err *err)
{
    return target_run(t, "target_clock", NULL, 0, target_row_i64, ret_ms, NULL, err);
}

/* ---- named locks: only to free row locks early; what makes it safe is the fence ---- */

static void lock_name(const char *pipeline, int64_t epoch, int n, char out[80])
{
    char hex[SHA256_HEX];

    sha256_hex(pipeline, strlen(pipeline), hex);
    snprintf(out, 80, "orch.%.16s.%lld.%d", hex, (long long)epoch, n);
}

struct holders {
    int64_t ids[HOLD_EPOCHS * HOLD_SLOTS];
};

/* Ends the connections that hold locks of the epochs before this one. Failing at it is no error. */
static void end_predecessors(struct target *t, const char *pipeline, int64_t epoch)
{
    struct buf sql = BUF_INIT(64 * KIB);
    struct holders h = {{0}};
    struct err ignored;
    char name[80];
    int count = 0, rc = buf_adds(&sql, "SELECT ", &ignored);

    for (int back = 1; back <= HOLD_EPOCHS && epoch - back >= 0; back++)
        for (int n = 0; rc == 0 && n < HOLD_SLOTS; n++, count++) {
            lock_name(pipeline, epoch - back, n, name);
            rc = buf_addf(&sql, &ignored, "%sIS_USED_LOCK('%s')", count > 0 ? "," : "", name);
        }
    if (rc == 0 && count > 0)
        rc = mysqlc_run(t->db, sql.p, NULL, 0, target_row_i64, &h, NULL, NULL, &ignored);
    for (int i = 0; rc == 0 && i < count; i++)
        if (h.ids[i] != 0) {
            char kill[64];
            snprintf(kill, sizeof kill, "KILL %lld", (long long)h.ids[i]);
            err_ignore(mysqlc_exec(t->db, kill, &ignored));
        }
    buf_release(&sql);
}

static int my_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    int64_t got = 0;
    int rc = 0;

    for (int n = 0; rc == 0 && got != 1 && n < HOLD_SLOTS; n++) {
        lock_name(pipeline, epoch, n, t->hold_name);
        const struct val values[] = {val_text(t->hold_name)};
        rc = mysqlc_run(t->db, "SELECT GET_LOCK(?, 0)", values, 1, target_row_i64, &got, NULL, NULL, err);
    }
    if (rc < 0 || got != 1)
        t->hold_name[0] = '\0';
    if (rc == 0)
        end_predecessors(t, pipeline, epoch);
    return rc;
}

/* ---- rows ---- */

static enum bulk_kind bulk_kind_of(const struct batch *b, const struct batch_col *c)
{
    switch (c->kind) {
    case CELL_I64:
        return BULK_I64;
    case CELL_U64:
        return BULK_U64;
    case CELL_DOUBLE:
        return BULK_DOUBLE;
    case CELL_BYTES:
        break;
    }
    enum col_type type = b->table->columns[c->column].type;
    return type == COL_BINARY || type == COL_BIT ? BULK_BLOB : BULK_TEXT;
}

static int my_insert_open(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    struct buf head = BUF_INIT(4 * MIB), row = BUF_INIT(4 * MIB);
    struct mysqlc_bulk *bulk = NULL;
    size_t n = s->column_count;

    int rc = buf_adds(&head, "INSERT INTO ", err);
    if (rc == 0)
        rc = my_quote(s->table->name, true, &head, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = buf_adds(&head, i == 0 ? "(" : ",", err);
        if (rc == 0)
            rc = my_quote(s->table->columns[s->columns[i]].name, false, &head, err);
        if (rc == 0)
            rc = buf_adds(&row, i == 0 ? "(?" : ",?", err);
    }
    if (rc == 0 && s->table->has_lineage) {
        rc = buf_adds(&head, "," LINEAGE_LINE "," LINEAGE_LOAD_ID, err);
        if (rc == 0)
            rc = buf_addf(&row, err, ",?,%lld", (long long)s->load_id);
    }
    if (rc == 0)
        rc = buf_adds(&head, ") VALUES ", err);
    if (rc == 0)
        rc = buf_adds(&row, ")", err);
    if (rc == 0)
        rc = mysqlc_bulk_new(l->t->db, head.p, row.p, n + s->table->has_lineage, &bulk, err);
    l->insert = bulk;
    buf_release(&head);
    buf_release(&row);
    return rc;
}

static void my_insert_close(struct load *l)
{
    if (l->t->db != NULL)
        mysqlc_bulk_free(l->insert);
    l->insert = NULL;
}

struct inserting {
    struct load *l;
    const struct batch *b;
    const struct mysqlc_column *columns;
};

static bool is_of_data(const struct err *err)
{
    return err->code == ERR_BAD_VALUE || err->code == ERR_DUPLICATE_KEY || err->code == ERR_TOO_LARGE;
}

static int refuse_row(const struct inserting *in, size_t row, const struct err *why, struct err *err)
{
    const struct batch *b = in->b;
    struct reject_info r = {.line = b->lines[row],
                            .offset = b->offsets[row],
                            .raw = b->raw[row],
                            .raw_n = b->raw_n[row],
                            .raw_total = b->raw_n[row]};
    const char *code = why->code == ERR_DUPLICATE_KEY ? "DUPLICATE_KEY"
                       : why->native == 1366          ? "NOT_IN_CHARSET"
                       : why->native == 1264          ? "OUT_OF_RANGE"
                       : why->native == 1406          ? "TOO_LONG"
                       : why->native == 1048          ? "NOT_NULL"
                                                      : "REFUSED_BY_SERVER";

    snprintf(r.code, sizeof r.code, "%s", code);
    snprintf(r.message, sizeof r.message, "%.299s", why->msg);
    if (why->code == ERR_DUPLICATE_KEY)
        snprintf(r.hint, sizeof r.hint, "the table's keys compare by their collation: %.150s",
                 b->table->unique_keys ? b->table->unique_keys : "");
    return in->l->spec.on_reject(in->l->spec.arg, b, row, &r, err);
}

/* Rows [from, from + n). Where the server refuses one of them, halves, until it stands alone. */
static int insert_range(const struct inserting *in, size_t from, size_t n, struct err *err)
{
    struct mysqlc *db = in->l->t->db;
    struct err why;
    int64_t rows = 0;
    unsigned warnings = 0;

    int rc = mysqlc_exec(db, "SAVEPOINT orch_batch", err);
    if (rc < 0)
        return rc;
    rc = mysqlc_bulk_insert(in->l->insert, in->columns, from, n, &rows, &warnings, &why);
    if (rc == 0 && (rows != (int64_t)n || warnings != 0))
        return err_set(err, ERR_TARGET, "%zu rows were sent, %lld inserted, %u warnings: the server changed something", n,
                       (long long)rows, warnings);
    if (rc == 0) {
        in->l->inserted += rows;
        return 0;
    }
    if (!is_of_data(&why)) {
        *err = why;
        return rc;
    }
    rc = mysqlc_exec(db, "ROLLBACK TO SAVEPOINT orch_batch", err);
    if (rc < 0)
        return rc;
    if (n == 1)
        return refuse_row(in, from, &why, err);
    rc = target_beat(in->l->t, err);
    if (rc == 0)
        rc = insert_range(in, from, n / 2, err);
    return rc < 0 ? rc : insert_range(in, from + n / 2, n - n / 2, err);
}

static int my_insert_rows(struct load *l, const struct batch *b, struct err *err)
{
    size_t n = b->col_count + l->spec.table->has_lineage;
    struct mysqlc_column *columns = xcalloc(n, sizeof *columns);
    struct inserting in = {l, b, columns};

    for (size_t i = 0; i < b->col_count; i++) {
        const struct batch_col *c = &b->cols[i];
        const void *values = c->kind == CELL_DOUBLE ? (const void *)c->dbl
                             : c->kind == CELL_BYTES ? (const void *)c->bytes
                                                     : (const void *)c->i64;
        columns[i] = (struct mysqlc_column){bulk_kind_of(b, c), values, c->lengths, c->nulls};
    }
    if (l->spec.table->has_lineage)
        columns[b->col_count] = (struct mysqlc_column){BULK_I64, b->lines, NULL, NULL};
    int rc = b->rows > 0 ? insert_range(&in, 0, b->rows, err) : 0;
    free(columns);
    return rc;
}

const struct target_ops target_mysql = {
    .scheme = "mysql:",
    .open = my_open,
    .connect = my_connect,
    .disconnect = my_disconnect,
    .is_lost = my_is_lost,
    .check = my_check,
    .close = my_close,
    .run = my_run,
    .script = my_script,
    .clock_ms = my_clock_ms,
    .hold = my_hold,
    .describe = my_describe,
    .create_ddl = my_create_ddl,
    .grants = my_grants,
    .quote = my_quote,
    .sum_expr = my_sum_expr,
    .insert_open = my_insert_open,
    .insert_rows = my_insert_rows,
    .insert_close = my_insert_close,
};
