#include "io/target_query_sums.h"
#include "base/limits.h"
#include "io/target_sums_int.h"

static int one(struct target *t, const char *select, const struct val *values, size_t count,
               struct summing *s, const char *columns, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int64_t rows = 0;
    int rc = buf_addf(&sql, err, "SELECT COUNT(*)%s FROM (%s) AS q", columns, select);

    if (rc == 0)
        rc = s->def != NULL ? target_run_sql(t, sql.p, values, count, sum_cells, s, NULL, err)
                            : target_run_sql(t, sql.p, values, count, target_row_i64, &rows, NULL, err);
    if (rc >= 0 && s->def == NULL)
        s->sums->rows = rows;
    buf_release(&sql);
    return rc < 0 ? rc : 0;
}

int target_query_sums(struct target *t, const char *select, const struct val *values, size_t count,
                      const struct table *def, int64_t rows, struct sums *ret, struct err *err)
{
    struct summing s = {.t = t, .def = def, .sums = ret, .lines = rows + 1, .count_rows = true};
    struct buf columns = BUF_INIT(MAX_SQL);
    int rc = target_ready(t, err);

    if (rc == 0 && def == NULL)
        rc = one(t, select, values, count, &s, "", err);
    while (rc == 0 && def != NULL && s.from < def->count) {
        rc = sum_columns(t, &s, &columns, err);
        if (rc == 0)
            rc = one(t, select, values, count, &s, columns.p != NULL ? columns.p : "", err);
        s.from = s.to;
        s.count_rows = false;
    }
    buf_release(&columns);
    return rc;
}

static int on_create(void *arg, const struct str *cells, size_t count, struct err *err)
{
    return count < 2 ? err_set(err, ERR_BAD_RESPONSE, "SHOW CREATE TABLE has %zu columns", count)
                     : buf_add(arg, cells[1].p, cells[1].n, err);
}

int target_show_create(struct target *t, const char *table, struct buf *ret, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = buf_adds(&sql, "SHOW CREATE TABLE ", err);
    if (rc == 0)
        rc = t->ops->quote(table, true, &sql, err);
    if (rc == 0)
        rc = t->ops->scan(t, sql.p, on_create, ret, err);
    buf_release(&sql);
    return rc < 0 ? rc : 0;
}

int target_rows_about(struct target *t, const char *table, int64_t *ret, struct err *err)
{
    const char *dot = strchr(table, '.'), *name = dot != NULL ? dot + 1 : table;
    char *schema = dot != NULL ? xstrndup(table, (size_t)(dot - table)) : NULL;
    const struct val values[] = {val_text(schema), val_text(name)};

    *ret = 0;
    int rc = target_run(t, "rows_about", values, ARRAY_LEN(values), target_row_i64, ret, NULL, err);
    free(schema);
    return rc < 0 ? rc : 0;
}
