/* Columns that a file has and a table lacks: the one thing that is ever changed in a user's table. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"

enum { DUPLICATE_COLUMN = 1060, NOT_INSTANT = 1845, NOT_INSTANT_WHY = 1846 };

/* As the tables that orch makes in SQLite have it: digit for digit, where NUMERIC would make doubles of them. */
static const char *type_here(const struct target *t, const char *type)
{
    return !target_is_mysql(t) && str_starts(type, "DECIMAL") ? "TEXT" : type;
}

static int add_column(struct target *t, const char *name, const char *type, struct buf *sql, struct err *err)
{
    int rc = buf_adds(sql, " ADD COLUMN ", err);

    if (rc == 0)
        rc = t->ops->quote(name, false, sql, err);
    return rc < 0 ? rc : buf_addf(sql, err, " %s NULL", type_here(t, type));
}

static bool is_there_already(const struct err *err)
{
    return err->native == DUPLICATE_COLUMN || strstr(err->msg, "duplicate column name") != NULL;
}

static int run_alter(struct target *t, const char *table, const char *sql, struct err *err)
{
    int rc = t->ops->alter(t, sql, err);

    if (rc == 0 || is_there_already(err))
        return rc == 0 ? 0 : 1;
    if (err->native == NOT_INSTANT || err->native == NOT_INSTANT_WHY)
        err_hint(err,
                 "it would copy the whole table, which nobody should wait for in a load: ALTER it by hand");
    else if (err->code == ERR_ACCESS_DENIED)
        err_hint(err, "GRANT ALTER on the table, or set target.drift to another policy");
    return err_prefix(err, "cannot add columns to %s", table);
}

/*
 * All of them in one statement, which is there whole or not at all, whatever dies. INSTANT: what would rebuild the table
 * is refused, since no heart would beat meanwhile.
 */
static int alter_mysql(struct target *t, const char *table, const char *const *names,
                       const char *const *types, size_t count, struct buf *sql, struct err *err)
{
    int rc = buf_adds(sql, "ALTER TABLE ", err);

    if (rc == 0)
        rc = t->ops->quote(table, true, sql, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_column(t, names[i], types[i], sql, err);
        if (rc == 0)
            rc = buf_adds(sql, ",", err);
    }
    if (rc == 0)
        rc = buf_adds(sql, " ALGORITHM=INSTANT", err);
    return rc < 0 ? rc : run_alter(t, table, sql->p, err);
}

static int alter_sqlite(struct target *t, const char *table, const char *const *names,
                        const char *const *types, size_t count, struct buf *sql, struct err *err)
{
    int again = 0, rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        buf_clear(sql);
        rc = buf_adds(sql, "ALTER TABLE ", err);
        if (rc == 0)
            rc = t->ops->quote(table, true, sql, err);
        if (rc == 0)
            rc = add_column(t, names[i], types[i], sql, err);
        if (rc == 0)
            rc = run_alter(t, table, sql->p, err);
        again = again || rc > 0;
        rc = rc > 0 ? 0 : rc;
    }
    return rc < 0 ? rc : again;
}

int target_add_columns(struct target *t, const char *table, const char *const *names,
                       const char *const *types, size_t count, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_is_mysql(t) ? alter_mysql(t, table, names, types, count, &sql, err)
                                : alter_sqlite(t, table, names, types, count, &sql, err);
    buf_release(&sql);
    return rc;
}
