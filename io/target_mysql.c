#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_mysql_int.h"
#include "sql_mysql.h"

enum { ALTER_MS = 24 * 3600 * 1000 };

struct own {
    struct target_url url;
};

static int mysql_open_target(struct target *t, struct err *err)
{
    struct own *own = xcalloc(1, sizeof *own);
    int rc;

    t->own = own;
    t->queries = sql_mysql;
    t->name = xstrdup("mysql");
    rc = target_url_parse(t->config.url, &own->url, err);
    if (rc == 0 && t->config.option_file != NULL)
        rc = target_option_file(t->config.option_file, &own->url, err);
    if (rc < 0)
        return rc;
    struct target_url *u = &own->url;
    if (u->host == NULL)
        u->host = xstrdup("localhost");
    if (u->database == NULL)
        return err_set(err, ERR_CONFIG, "the target names no database: mysql://user@host:port/database");
    free(t->name);
    if (u->socket != NULL)
        t->name = xasprintf("%s/%s", u->socket, u->database);
    else
        t->name = xasprintf(u->port != 0 ? "%s:%u/%s" : "%s%.0u/%s", u->host, u->port, u->database);
    return 0;
}

static void mysql_close_target(struct target *t)
{
    struct own *own = t->own;

    if (own != NULL)
        target_url_release(&own->url);
    free(own);
}

/* --- session --- */

static int on_variable(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct mysql_db *db = arg;

    UNUSED(err);
    if (count != 2 || cells[0].p == NULL)
        return 0;
    if (strcmp(cells[0].p, "max_allowed_packet") == 0)
        db->max_packet = target_cell_i64(cells[1]);
    else if (strcmp(cells[0].p, "local_infile") == 0)
        db->local_infile = cells[1].p != NULL && strcmp(cells[1].p, "ON") == 0;
    else if (strcmp(cells[0].p, "idle_transaction_timeout") == 0)
        db->has_idle_timeout = true;
    else if (strcmp(cells[0].p, "wsrep_on") == 0)
        db->is_cluster = cells[1].p != NULL && strcmp(cells[1].p, "ON") == 0;
    return 0;
}

/* Statements one after the other: they end with ";" before a line end. */
static int script(struct mysqlc *c, const char *sql, struct err *err)
{
    int rc = 0;

    while (rc == 0 && *sql != '\0') {
        const char *end = strstr(sql, ";\n");
        size_t n = end != NULL ? (size_t)(end - sql) : strlen(sql);
        char *one = xstrndup(sql, n);
        if (one[strspn(one, " \n")] != '\0')
            rc = mysqlc_exec(c, one, err);
        free(one);
        sql += n + (end != NULL ? 2 : 0);
    }
    return rc;
}

/* A lock wait ends before the client's own time-out, so that we hear why. */
static int lock_seconds(const struct target *t)
{
    return t->config.timeout_ms / 2000 > 0 ? t->config.timeout_ms / 2000 : 1;
}

static int set_session(struct target *t, struct mysql_db *db, struct err *err)
{
    bool mariadb = mysqlc_is_mariadb(db->c);
    int lock_s = lock_seconds(t);
    char extra[600];

    db->max_packet = 1 * MIB;
    int rc =
        mysqlc_run(db->c, target_query(t, "session_variables"), NULL, 0, on_variable, db, NULL, NULL, err);
    if (rc == 0)
        rc = script(db->c, target_query(t, "session"), err);
    if (rc == 0 && t->config.zero_dates)
        rc = script(db->c, target_query(t, "session_zero_dates"), err);
    /* An idle transaction ends before the lease. */
    snprintf(extra, sizeof extra,
             "SET SESSION innodb_lock_wait_timeout = %d, lock_wait_timeout = %d, wait_timeout = %d%s%s",
             lock_s, lock_s, db->has_idle_timeout ? 8 * TARGET_IDLE_S : TARGET_IDLE_S,
             mariadb ? ", max_statement_time = 0" : ", max_execution_time = 0",
             db->is_cluster ? ", wsrep_sync_wait = 1" : "");
    if (rc == 0)
        rc = mysqlc_exec(db->c, extra, err);
    snprintf(extra, sizeof extra, "SET SESSION idle_transaction_timeout = %d", TARGET_IDLE_S);
    if (rc == 0 && db->has_idle_timeout)
        rc = mysqlc_exec(db->c, extra, err);
    return rc;
}

static int connect_to(const struct target *t, int timeout_ms, struct mysqlc **ret, struct err *err)
{
    const struct own *own = t->own;
    const struct target_url *u = &own->url;
    const struct mysqlc_config config = {
        .host = u->host,
        .socket = u->socket,
        .user = u->user,
        .password = t->config.password != NULL ? t->config.password : u->password,
        .database = u->database,
        .port = u->port,
        .tls = t->config.tls,
        .ca_file = t->config.ca_file != NULL ? t->config.ca_file : u->ca_file,
        .cert_file = u->cert_file,
        .key_file = u->key_file,
        .timeout_ms = timeout_ms,
    };

    return mysqlc_open(&config, ret, err);
}

static int mysql_connect(struct target *t, struct err *err)
{
    struct mysql_db *db = xcalloc(1, sizeof *db);
    int rc = connect_to(t, t->config.timeout_ms, &db->c, err);

    if (rc == 0)
        rc = set_session(t, db, err);
    if (rc < 0) {
        mysqlc_close(db->c);
        free(db);
        return rc;
    }
    snprintf(t->version, sizeof t->version, "%s %s", mysqlc_is_mariadb(db->c) ? "MariaDB" : "MySQL",
             mysqlc_version(db->c));
    t->db = db;
    return 0;
}

static void mysql_disconnect(struct target *t)
{
    mysql_forget_inserts(mysql_db(t));
    mysqlc_close(mysql_db(t)->c);
    free(t->db);
}

static bool mysql_is_lost(const struct target *t)
{
    return mysqlc_is_lost(mysql_db(t)->c);
}

static int mysql_check(struct target *t, struct err *err)
{
    return mysqlc_ping(mysql_db(t)->c, TARGET_PING_MS, err);
}

static int64_t mysql_connection_id(const struct target *t)
{
    return mysqlc_id(mysql_db(t)->c);
}

static int mysql_run(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn,
                     void *arg, int64_t *ret_rows, struct err *err)
{
    return mysqlc_run(mysql_db(t)->c, sql, values, n, fn, arg, ret_rows, NULL, err);
}

static int mysql_scan(struct target *t, const char *sql, row_fn *fn, void *arg, struct err *err)
{
    return mysqlc_scan(mysql_db(t)->c, sql, fn, arg, err);
}

static int mysql_script(struct target *t, const char *sql, struct err *err)
{
    return script(mysql_db(t)->c, sql, err);
}

/* On a connection of its own, because ALTER rebuilds the table and may take hours: the time-out of loads would leave it
 * running behind the back of who asked for it. Waits for other users of the table no longer than a load does. */
static int mysql_alter(struct target *t, const char *sql, struct err *err)
{
    struct mysqlc *c = NULL;
    char wait[80];
    int rc = connect_to(t, ALTER_MS, &c, err);

    snprintf(wait, sizeof wait, "SET SESSION lock_wait_timeout = %d", lock_seconds(t));
    if (rc == 0)
        rc = mysqlc_exec(c, wait, err);
    if (rc == 0)
        rc = script(c, sql, err);
    mysqlc_close(c);
    return rc;
}

static int mysql_clock_ms(struct target *t, int64_t *ret_ms, struct err *err)
{
    return target_run(t, "target_clock", NULL, 0, target_row_i64, ret_ms, NULL, err);
}

int mysql_quote(const char *name, bool qualified, struct buf *ret, struct err *err)
{
    int rc = buf_adds(ret, "`", err);

    for (const char *p = name; rc == 0 && *p != '\0'; p++) {
        bool dot = qualified && *p == '.' && p > name;
        rc = dot ? buf_adds(ret, "`.`", err) : *p == '`' ? buf_adds(ret, "``", err) : buf_add(ret, p, 1, err);
        qualified = qualified && !dot; /* the first dot only: a database's name has none */
    }
    return rc < 0 ? rc : buf_adds(ret, "`", err);
}

/* --- who works here: named locks, so that a successor finds the connection of a stopped owner --- */

static void lock_name(const char *pipeline, int64_t epoch, int slot, char out[80])
{
    char hex[SHA256_HEX];

    sha256_hex(pipeline, strlen(pipeline), hex);
    snprintf(out, 80, "orch.%.16s.%lld.%d", hex, (long long)epoch, slot);
}

struct holders {
    int64_t ids[HOLD_EPOCHS * HOLD_SLOTS];
    size_t n;
};

static int on_holders(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct holders *h = arg;

    UNUSED(err);
    for (size_t i = 0; i < count && h->n < ARRAY_LEN(h->ids); i++)
        if (cells[i].p != NULL)
            h->ids[h->n++] = target_cell_i64(cells[i]);
    return 0;
}

/* Ends the connections that hold locks of the epochs before. Whatever fails here is no error: it frees row locks
 * early, and the fence is what makes it safe. */
static int end_predecessors(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    struct buf sql = BUF_INIT(64 * KIB);
    struct holders h = {.n = 0};
    char name[80], kill[64];
    struct err ignored;

    int rc = buf_adds(&sql, "SELECT NULL", err);
    for (int64_t e = epoch - 1; e >= 0 && e >= epoch - HOLD_EPOCHS; e--)
        for (int slot = 0; slot < HOLD_SLOTS && rc == 0; slot++) {
            lock_name(pipeline, e, slot, name);
            rc = buf_addf(&sql, err, ",IS_USED_LOCK('%s')", name);
        }
    if (rc == 0)
        rc = mysql_run(t, sql.p, NULL, 0, on_holders, &h, NULL, err);
    buf_release(&sql);
    for (size_t i = 0; rc == 0 && i < h.n; i++) {
        snprintf(kill, sizeof kill, "KILL %lld", (long long)h.ids[i]);
        err_ignore(mysql_script(t, kill, &ignored));
    }
    return rc;
}

static int take_lock(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    for (int slot = 0; slot < HOLD_SLOTS; slot++) {
        char name[80];
        int64_t got = 0;
        lock_name(pipeline, epoch, slot, name);
        const struct val value = val_text(name);
        int rc = mysql_run(t, "SELECT GET_LOCK(?, 0)", &value, 1, target_row_i64, &got, NULL, err);
        if (rc < 0)
            return rc;
        if (got == 1) {
            snprintf(t->hold_name, sizeof t->hold_name, "%s", name);
            return 0;
        }
    }
    return 0;
}

static int mysql_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    char mine[80];
    int rc = 0;

    lock_name(pipeline, epoch, 0, mine);
    if (strncmp(t->hold_name, mine, strlen(mine) - 1) == 0)
        return 0;                  /* of this epoch already */
    if (t->hold_name[0] != '\0') { /* before anything else: end_predecessors must not find ourselves */
        const struct val value = val_text(t->hold_name);
        rc = mysql_run(t, "SELECT RELEASE_LOCK(?)", &value, 1, NULL, NULL, NULL, err);
        t->hold_name[0] = '\0';
    }
    if (rc == 0)
        rc = take_lock(t, pipeline, epoch, err);
    if (rc == 0)
        rc = end_predecessors(t, pipeline, epoch, err);
    /* A pooler or a cluster may not know these locks: then a stopped owner's row locks last a little longer. */
    return rc < 0 && mysql_is_lost(t) ? rc : 0;
}

static void mysql_end_holder(struct target *t)
{
    struct mysqlc *other = NULL;
    struct holders h = {.n = 0};
    struct err ignored;
    char name[80], kill[64];

    snprintf(name, sizeof name, "%s", t->hold_name);
    target_drop(t);
    if (name[0] == '\0' || connect_to(t, t->config.timeout_ms, &other, &ignored) < 0)
        return;
    const struct val value = val_text(name);
    int rc = mysqlc_run(other, "SELECT IS_USED_LOCK(?)", &value, 1, on_holders, &h, NULL, NULL, &ignored);
    if (rc == 0 && h.n == 1) {
        snprintf(kill, sizeof kill, "KILL %lld", (long long)h.ids[0]);
        err_ignore(mysqlc_exec(other, kill, &ignored));
    }
    mysqlc_close(other);
}

const struct target_ops target_mysql = {
    .scheme = "mysql://",
    .open = mysql_open_target,
    .close = mysql_close_target,
    .connect = mysql_connect,
    .disconnect = mysql_disconnect,
    .is_lost = mysql_is_lost,
    .check = mysql_check,
    .run = mysql_run,
    .scan = mysql_scan,
    .script = mysql_script,
    .alter = mysql_alter,
    .clock_ms = mysql_clock_ms,
    .hold = mysql_hold,
    .end_holder = mysql_end_holder,
    .describe = mysql_describe,
    .create_ddl = mysql_create_ddl,
    .grants = mysql_grants,
    .quote = mysql_quote,
    .connection_id = mysql_connection_id,
    .sum_expr = mysql_sum_expr,
    .full_expr = mysql_full_expr,
    .sums_fast = true,
    .text_expr = mysql_text_expr,
    .insert_open = mysql_insert_open,
    .insert_rows = mysql_insert_rows,
    .insert_settle = mysql_insert_settle,
    .insert_close = mysql_insert_close,
    .manual = mysql_manual,
    .load_over = mysql_load_over,
};
