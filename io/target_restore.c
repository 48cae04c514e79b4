/* A table out of a backup: rows in bulk, verified, in one transaction. */
#include "io/target_restore.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_mysql_int.h"
#include "io/target_query_sums.h"
#include "io/target_restore_int.h"
#include <strings.h>

enum { MAX_NAME = 64 /* of a table, in characters */ };

struct restore {
    struct target *t;
    struct arena *arena;
    const char *table,
        *work;         /* where it is to be, and where rows go meanwhile: the same, where it is there */
    struct table *def; /* owned: of work */
    struct table into; /* def, as the INSERT binds it */
    struct load load;
    bool open; /* a transaction is */
};

/* --- names --- */

static const char *keep(struct restore *r, char *owned)
{
    const char *kept = arena_strndup(r->arena, owned, strlen(owned));

    free(owned);
    return kept;
}

/* "hr.employees" -> "hr._orch_restore_employees" */
static const char *work_name(struct restore *r, const char *table)
{
    const char *dot = strchr(table, '.'), *name = dot != NULL && dot > table ? dot + 1 : table;
    char hex[SHA256_HEX];

    sha256_hex(name, strlen(name), hex);
    return keep(r, strlen(name) + strlen(RESTORE_PREFIX) <= MAX_NAME
                       ? xasprintf("%.*s%s%s", (int)(name - table), table, RESTORE_PREFIX, name)
                       : xasprintf("%.*s%s%.32s", (int)(name - table), table, RESTORE_PREFIX, hex));
}

static int on_table(struct restore *r, const char *before, const char *table, const char *after,
                    struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = buf_adds(&sql, before, err);

    if (rc == 0)
        rc = mysql_quote(table, true, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, after, err);
    if (rc == 0)
        rc = mysqlc_exec(mysql_db(r->t)->c, sql.p, err);
    buf_release(&sql);
    return rc;
}

/* --- the table --- */

int restore_check(struct target *t, const struct table *def, bool empty, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int64_t rows = 0;

    if (!def->transactional) {
        err_set(err, ERR_TARGET, "table %s is of engine %s, where nothing can be taken back", def->name,
                def->engine);
        return err_hint(err,
                        "drop it, or restore --into another: a table that is made is whole or not there");
    }
    if (def->triggers[0] != '\0') {
        err_set(err, ERR_TARGET, "table %s has triggers (%s), which would change rows as they come back",
                def->name, def->triggers);
        return err_hint(err, "drop them for the restore, or restore --into another table");
    }
    int rc = buf_adds(&sql, "SELECT EXISTS(SELECT 1 FROM ", err);
    if (rc == 0)
        rc = mysql_quote(def->name, true, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, ")", err);
    if (rc == 0 && !empty)
        rc = target_run_sql(t, sql.p, NULL, 0, target_row_i64, &rows, NULL, err);
    buf_release(&sql);
    if (rc >= 0 && rows != 0) {
        err_set(err, ERR_CONTRACT, "table %s is not empty", def->name);
        err->native = TARGET_HAS_ROWS;
        return err_hint(err, "--empty deletes its rows in the same transaction, --into restores beside it; "
                             "of a request: empty, into");
    }
    return rc < 0 ? rc : 0;
}

/* Behind "CREATE TABLE `name`"; NULL: it begins otherwise. */
static const char *behind_name(const char *ddl)
{
    static const char begin[] = "CREATE TABLE `";
    const char *p = ddl + strlen(begin);

    if (strncasecmp(ddl, begin, strlen(begin)) != 0)
        return NULL;
    while (*p != '\0' && (*p != '`' || p[1] == '`'))
        p += *p == '`' ? 2 : 1;
    return *p == '`' ? p + 1 : NULL;
}

/* Names of constraints are there once in a database: beside the table that was backed up the server makes others. */
static int without_names(const char *ddl, struct buf *ret, struct err *err)
{
    static const char begin[] = "  CONSTRAINT `";
    int rc = 0;

    while (rc == 0 && *ddl != '\0') {
        size_t n = strcspn(ddl, "\n");
        const char *p = ddl + strlen(begin);
        if (str_starts(ddl, begin)) {
            while (*p != '\0' && *p != '\n' && (*p != '`' || p[1] == '`'))
                p += *p == '`' ? 2 : 1;
            p += *p == '`';
            rc = buf_add(ret, p, (size_t)(ddl + n - p), err);
        } else {
            rc = buf_add(ret, ddl, n, err);
        }
        ddl += n;
        if (rc == 0 && *ddl == '\n')
            rc = buf_add(ret, ddl++, 1, err);
    }
    return rc;
}

static bool is_named(const char *ddl, const char *rest, const char *table)
{
    const char *dot = strchr(table, '.');
    struct buf quoted = BUF_INIT(4 * KIB);
    struct err ignored;
    size_t n = (size_t)(rest - ddl) - strlen("CREATE TABLE ");

    err_ignore(mysql_quote(dot != NULL && dot > table ? dot + 1 : table, false, &quoted, &ignored));
    bool same = quoted.n == n && memcmp(quoted.p, rest - n, n) == 0;
    buf_release(&quoted);
    return same;
}

static int make(struct restore *r, const char *ddl, struct err *err)
{
    const char *rest = behind_name(ddl);
    struct buf body = BUF_INIT(MAX_SQL);

    if (rest == NULL)
        return err_set(err, ERR_SCHEMA, "the backup's DDL is no CREATE TABLE");
    int rc = is_named(ddl, rest, r->table) ? buf_adds(&body, rest, err) : without_names(rest, &body, err);
    if (rc == 0)
        rc = on_table(r, "DROP TABLE IF EXISTS ", r->work, "", err); /* of one that died */
    if (rc == 0)
        rc = on_table(r, "CREATE TABLE ", r->work, body.p, err);
    buf_release(&body);
    return rc < 0 ? err_prefix(err, "%s cannot be made", r->table) : fault_point("restore.made", err);
}

static int empty_it(struct restore *r, bool empty, struct err *err)
{
    int rc = restore_check(r->t, r->def, empty, err);

    if (rc == 0 && empty) {
        rc = on_table(r, "DELETE FROM ", r->work, "", err);
        if (rc == 0)
            rc = fault_point("restore.emptied", err);
    }
    return rc;
}

/* --- beginning --- */

static int lock(struct restore *r, struct err *err)
{
    int64_t got = 0;
    const char *dot = strchr(r->table, '.');
    const struct val values[] = {dot != NULL && dot > r->table
                                     ? (struct val){VAL_TEXT, 0, r->table, (size_t)(dot - r->table)}
                                     : val_text(NULL),
                                 val_text(dot != NULL && dot > r->table ? dot + 1 : r->table)};
    int rc = target_run(r->t, "restore_lock", values, 2, target_row_i64, &got, NULL, err);

    if (rc >= 0 && got != 1)
        rc = err_set(err, ERR_BUSY, "another restore of %s is under way", r->table);
    return rc < 0 ? rc : 0;
}

static bool is_bytes(const struct column *c)
{
    static const char *const texts[] = {"json", "uuid", "inet4", "inet6"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strncasecmp(c->type_text, texts[i], strlen(texts[i])) == 0)
            return false;
    return c->type == COL_UNSUPPORTED;
}

/* The same columns; lineage is columns like others here, and what has no text (geometry) is bound as bytes. */
static void bind_as(struct restore *r)
{
    struct column *columns = arena_alloc(r->arena, (r->def->count + 1) * sizeof *columns);

    memcpy(columns, r->def->columns, r->def->count * sizeof *columns);
    for (size_t i = 0; i < r->def->count; i++)
        if (is_bytes(&columns[i]))
            columns[i].type = COL_BINARY;
    r->into = *r->def;
    r->into.columns = columns;
    r->into.has_lineage = false;
    r->load = (struct load){.t = r->t, .arena = r->arena, .spec = {.table = &r->into}};
}

static int begin(struct restore *r, const struct restore_spec *spec, struct err *err)
{
    int rc = target_ready(r->t, err);

    if (rc == 0 && !target_is_mysql(r->t))
        rc = err_set(err, ERR_CONFIG, "%s: only MySQL and MariaDB can be restored into", target_name(r->t));
    if (rc == 0)
        rc = target_script(r->t, target_query(r->t, "session_restore"), err);
    r->t->pinned = rc == 0; /* the lock and the transaction are this connection's */
    if (rc == 0)
        rc = lock(r, err);
    if (rc == 0 && spec->ddl != NULL)
        rc = make(r, spec->ddl, err);
    if (rc == 0)
        rc = target_describe(r->t, r->work, &r->def, err);
    if (rc < 0)
        return rc;
    bind_as(r);
    rc = target_begin(r->t, err);
    r->open = rc == 0;
    if (rc == 0 && spec->ddl == NULL)
        rc = empty_it(r, spec->empty, err);
    return rc < 0 ? rc : fault_point("restore.begun", err);
}

int restore_begin(struct target *t, const struct restore_spec *spec, struct restore **ret, struct err *err)
{
    struct restore *r = xcalloc(1, sizeof *r);

    *ret = NULL;
    r->t = t;
    r->arena = arena_new();
    r->table = r->work = keep(r, xstrdup(spec->table));
    if (spec->ddl != NULL)
        r->work = work_name(r, spec->table);
    int rc = begin(r, spec, err);
    if (rc < 0)
        restore_abort(r);
    else
        *ret = r;
    return rc;
}

const struct table *restore_table(const struct restore *r)
{
    return r->def;
}

/* --- rows --- */

static int open_insert(struct restore *r, const struct batch *b, struct err *err)
{
    int *columns = arena_alloc(r->arena, (b->col_count + 1) * sizeof *columns);

    for (size_t i = 0; i < b->col_count; i++)
        columns[i] = b->cols[i].column;
    r->load.spec.columns = columns;
    r->load.spec.column_count = b->col_count;
    r->load.serial = r->t->serial;
    return mysql_insert_open(&r->load, err);
}

int restore_rows(struct restore *r, const struct batch *b, struct err *err)
{
    int rc = target_beat(r->t, err);

    if (rc == 0 && r->load.insert == NULL)
        rc = open_insert(r, b, err);
    if (rc == 0)
        rc = mysql_insert_rows(&r->load, b, err);
    return rc < 0 ? rc : fault_point("restore.batch", err);
}

static void close_insert(struct restore *r)
{
    if (r->load.insert != NULL)
        mysql_insert_close(&r->load);
}

/* --- the end --- */

static int verify(struct restore *r, const struct sums *read, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    struct sums stored = {0};
    struct sums_diff diff;
    int rc = restore_select(r->def, &sql, err);

    sums_like(&stored, read);
    if (rc == 0)
        rc = target_query_sums(r->t, sql.p, NULL, 0, r->def, read->rows, &stored, err);
    if (rc == 0 && stored.rows != read->rows)
        rc = err_set(err, ERR_MISMATCH, "%s holds %lld rows where %lld were read; nothing is restored",
                     r->table, (long long)stored.rows, (long long)read->rows);
    if (rc == 0 && sums_compare(read, &stored, r->def, &diff, 1) > 0)
        rc = err_set(err, ERR_MISMATCH,
                     "%s: column %s: %s is %s as read and %s in the table; nothing is restored", r->table,
                     diff.column, diff.what, diff.source, diff.target);
    buf_release(&sql);
    sums_release(&stored);
    return rc;
}

static int commit(struct restore *r, struct err *err)
{
    int rc = fault_point("restore.before_commit", err);

    if (rc < 0)
        return rc;
    rc = mysqlc_exec(mysql_db(r->t)->c, "COMMIT", err);
    /* A server that lives may have it all the same, where it was interrupted behind its log; but for a deadlock. */
    if (rc < 0 && err->native != TARGET_DEADLOCK) {
        err_prefix(err, "%s: %s", r->table,
                   mysqlc_is_lost(mysql_db(r->t)->c) ? "the answer to COMMIT was lost"
                                                     : "COMMIT was answered with an error");
        err_hint(err, "it holds what it held, or all of the backup; --empty brings the same rows again");
        err->native = TARGET_COMMIT_UNKNOWN;
        return rc;
    }
    r->open = rc < 0;
    if (rc == 0)
        rc = mysql_load_over(r->t, err);
    return rc < 0 ? rc : fault_point("restore.committed", err);
}

static int give_name(struct restore *r, struct err *err)
{
    struct buf to = BUF_INIT(MAX_SQL);
    int rc = buf_adds(&to, " TO ", err);

    if (rc == 0)
        rc = mysql_quote(r->table, true, &to, err);
    if (rc == 0)
        rc = on_table(r, "RENAME TABLE ", r->work, to.p, err);
    buf_release(&to);
    return rc < 0 ? rc : fault_point("restore.renamed", err);
}

int restore_commit(struct restore *r, const struct sums *read, struct err *err)
{
    int rc = r->load.insert != NULL ? mysql_insert_settle(&r->load, err) : 0;

    close_insert(r);
    if (rc == 0)
        rc = fault_point("restore.inserted", err);
    if (rc == 0)
        rc = verify(r, read, err);
    if (rc == 0)
        rc = restore_references(r->t, r->table, r->work, err);
    if (rc == 0)
        rc = commit(r, err);
    if (rc == 0 && r->work != r->table)
        rc = give_name(r, err);
    if (rc == 0)
        r->work = r->table; /* there is nothing to drop any more */
    if (rc < 0 && err->native == TARGET_COMMIT_UNKNOWN)
        r->open = false;
    restore_abort(r);
    return rc;
}

void restore_abort(struct restore *r)
{
    struct err ignored;

    if (r == NULL)
        return;
    close_insert(r);
    bool lost = r->t->db == NULL || r->t->ops->is_lost(r->t);
    if (!lost && r->open)
        err_ignore(mysqlc_exec(mysql_db(r->t)->c, "ROLLBACK", &ignored));
    if (!lost && r->work != r->table)
        err_ignore(on_table(r, "DROP TABLE IF EXISTS ", r->work, "", &ignored));
    r->t->pinned = false;
    target_drop(r->t); /* session, lock and all */
    table_free(r->def);
    arena_free(r->arena);
    free(r);
}
