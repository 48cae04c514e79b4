/* A table whole, row by row, for whoever only looks. */
#include "io/target_int.h"

struct scan {
    const struct target *t;
    row_fn *fn;
    void *arg;
    int64_t rows;
};

/* The first cell is there only because a list of columns begins with a comma. */
static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct scan *s = arg;
    int rc = s->fn(s->arg, cells + 1, count - 1, err);

    if (rc >= 0 && ++s->rows % 4096 == 0)
        rc = target_beat(s->t, err);
    return rc;
}

int target_scan(struct target *t, const struct table *def, const int *columns, size_t count, row_fn *fn,
                void *arg, struct err *err)
{
    struct buf list = BUF_INIT(MAX_SQL), sql = BUF_INIT(MAX_SQL);
    struct scan s = {t, fn, arg, 0};

    int rc = target_ready(t, err);
    if (rc == 0)
        rc = target_text_exprs(t, def, columns, count, &list, err);
    if (rc == 0)
        rc = target_fill(t, "rows_all", def->name, list.n > 0 ? list.p : "", &sql, err);
    if (rc == 0)
        rc = t->ops->scan(t, sql.p, on_row, &s, err);
    if (rc < 0 && t->db != NULL && t->ops->is_lost(t))
        target_drop(t);
    buf_release(&list);
    buf_release(&sql);
    return rc;
}
