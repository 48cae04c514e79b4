/* What is asked of a database before a backup, and before a restore's COMMIT. */
#include "base/limits.h"
#include "io/target_mysql_int.h"
#include "io/target_restore.h"
#include "io/target_restore_int.h"

struct reference {               /* one constraint; its columns come row by row */
    char *name, *child, *parent; /* "db.table" */
    struct buf on, some, none;   /* c.a = p.x AND ..; c.a IS NOT NULL AND ..; p.x IS NULL */
};
struct references {
    struct reference *all;
    size_t n;
};

int restore_select(const struct table *def, struct buf *ret, struct err *err)
{
    const char *before = "SELECT ";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < def->count; i++) {
        if (def->columns[i].generated)
            continue;
        rc = buf_adds(ret, before, err);
        if (rc == 0)
            rc = mysql_quote(def->columns[i].name, false, ret, err);
        before = ",";
    }
    if (rc == 0)
        rc = buf_adds(ret, " FROM ", err);
    return rc < 0 ? rc : mysql_quote(def->name, true, ret, err);
}

/* before `alias`.`column` after */
static int add(struct buf *b, const char *alias, struct str column, const char *after, struct err *err)
{
    int rc = buf_addf(b, err, "%s%s.", b->n > 0 ? " AND " : "", alias);

    if (rc == 0)
        rc = mysql_quote(column.p, false, b, err);
    return rc < 0 ? rc : buf_adds(b, after, err);
}

/* constraint, child's schema, table, column, parent's schema, table, column */
static int on_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct references *r = arg;

    if (count != 7 || cells[3].p == NULL || cells[6].p == NULL)
        return err_set(err, ERR_BAD_RESPONSE, "the server tells foreign keys in %zu columns", count);
    char *child = xasprintf("%s.%s", cells[1].p, cells[2].p);
    struct reference *last = r->n > 0 ? &r->all[r->n - 1] : NULL;
    if (last == NULL || strcmp(last->name, cells[0].p) != 0 || strcmp(last->child, child) != 0) {
        r->all = xrealloc(r->all, (r->n + 1) * sizeof *r->all);
        last = &r->all[r->n++];
        *last = (struct reference){.name = xstrdup(cells[0].p),
                                   .child = xstrdup(child),
                                   .parent = xasprintf("%s.%s", cells[4].p, cells[5].p),
                                   .on = BUF_INIT(64 * KIB),
                                   .some = BUF_INIT(64 * KIB),
                                   .none = BUF_INIT(64 * KIB)};
    }
    free(child);
    int rc = add(&last->on, "c", cells[3], " = p.", err);
    if (rc == 0)
        rc = mysql_quote(cells[6].p, false, &last->on, err);
    if (rc == 0)
        rc = add(&last->some, "c", cells[3], " IS NOT NULL", err);
    if (rc == 0 && last->none.n == 0)
        rc = add(&last->none, "p", cells[6], " IS NULL", err);
    return rc;
}

/* Both sides' rows stay as they are until COMMIT. */
static int check(struct target *t, const struct reference *f, const char *table, const char *full,
                 const char *work, struct err *err)
{
    const char *child = strcmp(f->child, full) == 0 ? work : f->child,
               *parent = strcmp(f->parent, full) == 0 ? work : f->parent;
    struct buf sql = BUF_INIT(MAX_SQL);
    int64_t rows = 0;
    int rc = buf_adds(&sql, "SELECT EXISTS(SELECT 1 FROM ", err);

    if (rc == 0)
        rc = mysql_quote(child, true, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, " AS c LEFT JOIN ", err);
    if (rc == 0)
        rc = mysql_quote(parent, true, &sql, err);
    if (rc == 0)
        rc = buf_addf(&sql, err, " AS p ON %s WHERE %s AND %s LOCK IN SHARE MODE)", f->on.p, f->some.p,
                      f->none.p);
    if (rc == 0)
        rc = target_run_sql(t, sql.p, NULL, 0, target_row_i64, &rows, NULL, err);
    buf_release(&sql);
    if (rc < 0)
        return err_prefix(err, "foreign key %s", f->name);
    if (rows == 0)
        return 0;
    err_set(err, ERR_BAD_VALUE,
            "%s: foreign key %s: rows of %s refer to rows that %s does not hold; nothing is restored", table,
            f->name, f->child, f->parent);
    return err_hint(err, "restore tables before those that refer to them");
}

static int on_name(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    return buf_add(arg, cells[0].p, cells[0].n, err);
}

int restore_references(struct target *t, const char *table, const char *work, struct err *err)
{
    const char *dot = strchr(table, '.'), *work_dot = dot != NULL ? strchr(work, '.') : NULL;
    const struct val db =
        dot != NULL ? (struct val){VAL_TEXT, 0, table, (size_t)(dot - table)} : val_text(NULL);
    const char *name = dot != NULL ? dot + 1 : table;
    const struct val values[] = {db, val_text(name), db, val_text(work_dot != NULL ? work_dot + 1 : work),
                                 db, val_text(name)};
    struct buf full = BUF_INIT(4 * KIB);
    struct references r = {0};

    int rc = target_run(t, "restore_full_name", values, 2, on_name, &full, NULL, err);
    if (rc >= 0)
        rc = target_run(t, "restore_references", values + 2, 4, on_column, &r, NULL, err);
    for (size_t i = 0; i < r.n; i++) {
        struct reference *f = &r.all[i];
        if (rc >= 0)
            rc = check(t, f, table, full.p, work, err);
        free(f->name);
        free(f->child);
        free(f->parent);
        buf_release(&f->on);
        buf_release(&f->some);
        buf_release(&f->none);
    }
    free(r.all);
    buf_release(&full);
    return rc < 0 ? rc : 0;
}

/* A date is in the calendar where it comes back from the number of its day. */
int target_has_odd_dates(struct target *t, const struct table *def, bool *ret, struct err *err)
{
    struct buf where = BUF_INIT(MAX_SQL), name = BUF_INIT(4 * KIB);
    int64_t found = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < def->count; i++) {
        const struct column *c = &def->columns[i];
        if ((c->type != COL_DATE && c->type != COL_DATETIME && c->type != COL_TIMESTAMP) || c->generated)
            continue;
        buf_clear(&name);
        rc = mysql_quote(c->name, false, &name, err);
        if (rc == 0)
            rc = buf_addf(&where, err, "%s(%s IS NOT NULL AND IFNULL(FROM_DAYS(TO_DAYS(%s)) <> DATE(%s), 1))",
                          where.n > 0 ? " OR " : "", name.p, name.p, name.p);
    }
    if (rc == 0 && where.n > 0)
        rc = target_run_on(t, "backup_dates", def->name, where.p, NULL, 0, target_row_i64, &found, NULL, err);
    *ret = found != 0;
    buf_release(&where);
    buf_release(&name);
    return rc < 0 ? rc : 0;
}
