#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "io/target_intake.h"

static const struct target_ops *const engines[] = {&target_mysql, &target_sqlite};

int target_open(const struct target_config *c, struct target **ret, struct err *err)
{
    const struct target_ops *ops = NULL;

    for (size_t i = 0; i < ARRAY_LEN(engines) && ops == NULL; i++)
        if (str_starts(c->url, engines[i]->scheme))
            ops = engines[i];
    if (ops == NULL) {
        err_set(err, ERR_CONFIG, "'%.100s' is no target", c->url);
        return err_hint(err, "mysql://user@host:port/database or sqlite:PATH");
    }
    if (c->missing_credential != NULL) { /* commands that need no target run outside the service too */
        char *none = NULL;
        return fs_read_credential(NULL, c->missing_credential, &none, err);
    }
    struct target *t = xcalloc(1, sizeof *t);
    t->ops = ops;
    t->config = *c;
    if (t->config.timeout_ms <= 0)
        t->config.timeout_ms = 20000;
    int rc = ops->open(t, err);
    if (rc == 0)
        rc = target_ready(t, err);
    if (rc < 0) {
        target_close(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void target_close(struct target *t)
{
    if (t == NULL)
        return;
    target_drop(t);
    target_keep(t, NULL, NULL);
    t->ops->close(t);
    free(t->hold_pipeline);
    free(t->name);
    free(t);
}

bool target_is_mysql(const struct target *t)
{
    return t->ops == &target_mysql;
}

const char *target_version(const struct target *t)
{
    return t->version;
}

const char *target_name(const struct target *t)
{
    return t->name;
}

/* --- the connection --- */

void target_drop(struct target *t)
{
    if (t->db == NULL)
        return;
    t->ops->disconnect(t);
    t->db = NULL;
    t->manual = false;
    t->hold_name[0] = '\0';
}

/* The session as everybody but an intake knows it. */
static int as_usual(struct target *t, struct err *err)
{
    if (!t->manual || t->taking || t->db == NULL)
        return 0;
    int rc = t->ops->manual(t, false, err);
    if (rc < 0)
        target_drop(t);
    t->manual = false;
    return rc;
}

int target_ready(struct target *t, struct err *err)
{
    int rc = target_ready_to_take(t, err);

    return rc < 0 ? rc : as_usual(t, err);
}

int target_ready_to_take(struct target *t, struct err *err)
{
    struct err ignored;
    int rc = target_beat(t, err);

    if (rc < 0)
        return rc;
    if (t->db != NULL && t->ops->check(t, &ignored) == 0)
        return 0;
    target_drop(t);
    if (t->pinned)
        return err_set(err, ERR_TRANSIENT, "%s: the connection is gone, and its snapshot with it", t->name);
    rc = t->ops->connect(t, err);
    if (rc < 0)
        return err_prefix(err, "%s", t->name);
    t->serial++;
    /* The lock went with the old connection. */
    if (t->hold_pipeline != NULL)
        rc = t->ops->hold(t, t->hold_pipeline, t->hold_epoch, err);
    return rc < 0 ? rc : target_beat(t, err);
}

int target_clock_ms(struct target *t, int64_t *ret_ms, struct err *err)
{
    int rc = target_ready(t, err);

    return rc < 0 ? rc : t->ops->clock_ms(t, ret_ms, err);
}

int target_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err)
{
    int rc = target_ready(t, err);

    if (rc < 0)
        return rc;
    char *name = xstrdup(pipeline);
    free(t->hold_pipeline);
    t->hold_pipeline = name;
    t->hold_epoch = epoch;
    return t->ops->hold(t, pipeline, epoch, err);
}

/* --- statements --- */

const char *target_query(const struct target *t, const char *name)
{
    for (const struct embed *q = t->queries; q->name != NULL; q++)
        if (strcmp(q->name, name) == 0)
            return q->text;
    fprintf(stderr, "orch: no query %s for this target\n", name);
    abort(); /* a test runs every name */
}

int target_run_sql(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn,
                   void *arg, int64_t *ret_rows, struct err *err)
{
    int rc = target_beat(t, err);

    if (rc == 0 && t->db == NULL)
        rc = err_set(err, ERR_TRANSIENT, "the connection is gone");
    if (rc == 0)
        rc = as_usual(t, err);
    if (rc == 0)
        rc = t->ops->run(t, sql, values, n, fn, arg, ret_rows, err);
    if (rc < 0 && t->db != NULL && t->ops->is_lost(t))
        target_drop(t);
    return rc < 0 ? rc : target_beat(t, err);
}

int target_run(struct target *t, const char *name, const struct val *values, size_t n, row_fn *fn, void *arg,
               int64_t *ret_rows, struct err *err)
{
    int rc = target_run_sql(t, target_query(t, name), values, n, fn, arg, ret_rows, err);

    if (rc < 0 && err->native == TARGET_NO_TABLE) {
        err_set(err, ERR_TARGET_SETUP, "orch's own tables are missing in %s", t->name);
        return err_hint(err, "orch target setup makes them");
    }
    return rc;
}

int target_replace(const char *text, const char *const *marks, const char *const *with, struct buf *ret,
                   struct err *err)
{
    int rc = 0;

    buf_clear(ret);
    while (rc == 0 && *text != '\0') {
        size_t n = strcspn(text, "{");
        rc = buf_add(ret, text, n, err);
        text += n;
        for (size_t i = 0; *text == '{' && marks[i] != NULL; i++)
            if (str_starts(text, marks[i])) {
                if (rc == 0)
                    rc = buf_adds(ret, with[i], err);
                text += strlen(marks[i]);
                break;
            }
        if (*text == '{' && rc == 0) /* one that is no mark */
            rc = buf_add(ret, text++, 1, err);
    }
    return rc;
}

int target_fill(struct target *t, const char *name, const char *table, const char *columns, struct buf *ret,
                struct err *err)
{
    static const char *const marks[] = {"{table}", "{index}", "{columns}", NULL};
    struct buf quoted = BUF_INIT(MAX_SQL), index = BUF_INIT(MAX_SQL);
    char *index_name = xasprintf("_orch_lineage_%s", table);

    int rc = t->ops->quote(table, true, &quoted, err);
    if (rc == 0)
        rc = t->ops->quote(index_name, false, &index, err);
    if (rc == 0) {
        const char *const with[] = {quoted.p, index.p, columns != NULL ? columns : "", NULL};
        rc = target_replace(target_query(t, name), marks, with, ret, err);
    }
    free(index_name);
    buf_release(&quoted);
    buf_release(&index);
    return rc;
}

int target_run_on(struct target *t, const char *name, const char *table, const char *columns,
                  const struct val *values, size_t n, row_fn *fn, void *arg, int64_t *ret_rows,
                  struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = target_fill(t, name, table, columns, &sql, err);

    if (rc == 0)
        rc = target_run_sql(t, sql.p, values, n, fn, arg, ret_rows, err);
    buf_release(&sql);
    return rc;
}

int target_script(struct target *t, const char *sql, struct err *err)
{
    int rc = target_beat(t, err);

    if (rc == 0 && t->db == NULL)
        rc = err_set(err, ERR_TRANSIENT, "the connection is gone");
    if (rc == 0)
        rc = as_usual(t, err);
    if (rc == 0)
        rc = t->ops->script(t, sql, err);
    if (rc < 0 && t->db != NULL && t->ops->is_lost(t))
        target_drop(t);
    return rc;
}

int target_begin(struct target *t, struct err *err)
{
    int rc = target_ready(t, err);

    return rc < 0 ? rc : target_script(t, target_query(t, "begin"), err);
}

int target_end(struct target *t, int rc, struct err *err)
{
    struct err ignored;

    if (rc >= 0) {
        int committed = target_script(t, target_query(t, "commit"), err);
        if (committed == 0)
            return rc;
        rc = committed;
    }
    if (t->db != NULL && t->ops->script(t, target_query(t, "rollback"), &ignored) < 0)
        target_drop(t);
    return rc;
}

int64_t target_cell_i64(struct str cell)
{
    int64_t v = 0;
    struct err ignored;

    if (cell.p == NULL || str_to_i64(cell, INT64_MIN, INT64_MAX, &v, &ignored) < 0)
        return 0;
    return v;
}

int target_row_i64(void *arg, const struct str *cells, size_t count, struct err *err)
{
    int64_t *out = arg;

    for (size_t i = 0; i < count; i++) {
        out[i] = 0;
        if (cells[i].p != NULL && str_to_i64(cells[i], INT64_MIN, INT64_MAX, &out[i], err) < 0)
            return err_set(err, ERR_BAD_RESPONSE, "the database answers '%.60s' where a number is expected",
                           cells[i].p);
    }
    return 0;
}

/* --- tables --- */

int target_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err)
{
    int rc = target_ready(t, err);

    return rc < 0 ? rc : t->ops->describe(t, table, ret_owned, err);
}

int target_check(const struct table *def, struct err *err)
{
    if (strcmp(def->engine, "view") == 0) {
        err_set(err, ERR_TARGET, "%s is a view: its rows cannot be loaded exactly once", def->name);
        return err_hint(err, "name the table behind it");
    }
    if (!def->transactional) {
        err_set(err, ERR_TARGET, "table %s has the engine %s, which cannot take back what it wrote",
                def->name, def->engine);
        return err_hint(err, "ALTER TABLE %s ENGINE=InnoDB", def->name);
    }
    if (def->triggers[0] != '\0') {
        err_set(err, ERR_TARGET, "table %s has triggers that change rows on their way in: %s", def->name,
                def->triggers);
        return err_hint(err, "drop them, or load into a table without triggers and copy from there");
    }
    return 0;
}

int target_has_ledger(struct target *t, struct err *err)
{
    int64_t count = 0;
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_run(t, "has_ledger", NULL, 0, target_row_i64, &count, NULL, err);
    return rc < 0 ? rc : count == 2;
}

int target_setup(struct target *t, struct err *err)
{
    int rc = target_ready(t, err);

    return rc < 0 ? rc : target_script(t, target_query(t, "setup"), err);
}

int target_create_table(struct target *t, const char *table, const char *const *names,
                        const char *const *types, size_t count, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = t->ops->create_ddl(t, table, names, types, count, &sql, err);
    if (rc == 0)
        rc = target_script(t, sql.p, err);
    buf_release(&sql);
    return rc < 0 ? err_prefix(err, "cannot make table %s", table) : 0;
}

/* What is missing of the two columns and their index; *ret is empty where nothing is. */
static int lineage_ddl(struct target *t, const char *table, struct buf *ret, struct err *err)
{
    struct table *def = NULL;
    int rc = target_describe(t, table, &def, err);

    if (rc < 0)
        return rc;
    int id = table_find(def, str_of(LINEAGE_LOAD_ID)), line = table_find(def, str_of(LINEAGE_LINE));
    if (strcmp(def->engine, "view") == 0 || !def->transactional)
        rc = target_check(def, err);
    else if (def->has_lineage)
        rc = 0;
    else if (id < 0 && line < 0)
        rc = target_fill(t, "lineage_columns", table, NULL, ret, err);
    else if (id >= 0 && line >= 0)
        rc = target_fill(t, "lineage_index", table, NULL, ret, err);
    else
        rc = err_set(err, ERR_TARGET, "table %s has %s, but not %s", table,
                     id >= 0 ? LINEAGE_LOAD_ID : LINEAGE_LINE, id >= 0 ? LINEAGE_LINE : LINEAGE_LOAD_ID);
    table_free(def);
    return rc;
}

int target_lineage_add(struct target *t, const char *table, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = lineage_ddl(t, table, &sql, err);

    if (rc == 0 && sql.n > 0)
        rc = t->ops->alter(t, sql.p, err);
    buf_release(&sql);
    return rc;
}

/* Scripts as people and --dry-run want them: a statement a line, without our comments. */
static int add_plain(const char *sql, struct buf *ret, struct err *err)
{
    bool start = true;
    int rc = 0;

    while (rc == 0 && *sql != '\0') {
        size_t n = strcspn(sql, "\n");
        const char *p = sql, *comment = strstr(sql, "-- ");
        size_t len = comment != NULL && comment < sql + n ? (size_t)(comment - sql) : n;
        while (len > 0 && *p == ' ') {
            p++;
            len--;
        }
        while (len > 0 && p[len - 1] == ' ')
            len--;
        bool ends = len > 0 && p[len - 1] == ';';
        if (len > 0) {
            rc = start ? 0 : buf_adds(ret, " ", err);
            if (rc == 0)
                rc = buf_add(ret, p, len, err);
            if (rc == 0 && ends)
                rc = buf_adds(ret, "\n", err);
            start = ends;
        }
        sql += n + (sql[n] == '\n');
    }
    return rc == 0 && !start ? buf_adds(ret, ";\n", err) : rc;
}

int target_ddl(struct target *t, const char *table, struct buf *ret, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = add_plain(target_query(t, "setup"), ret, err);

    if (rc == 0 && table != NULL)
        rc = lineage_ddl(t, table, &sql, err);
    if (rc < 0 && err->native == TARGET_NO_TABLE) { /* it is yet to be made: its columns are not known here */
        buf_clear(&sql);
        rc = 0;
    }
    if (rc == 0 && sql.n > 0)
        rc = add_plain(sql.p, ret, err);
    buf_release(&sql);
    return rc;
}

int target_grants(struct target *t, const char *user, const char *table, const char *copy, bool upserts,
                  struct buf *ret, struct err *err)
{
    return t->ops->grants(t, user, table, copy, upserts, ret, err);
}
