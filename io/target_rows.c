/* The rows of a load as the table holds them, cell by cell, for whoever compares. */
#include "io/target_int.h"

int target_text_exprs(struct target *t, const struct table *def, const int *columns, size_t count,
                      struct buf *ret, struct err *err)
{
    struct buf quoted = BUF_INIT(MAX_SQL);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct column *c = &def->columns[columns[i]];
        buf_clear(&quoted);
        rc = t->ops->quote(c->name, false, &quoted, err);
        if (rc == 0)
            rc = t->ops->text_expr(c, quoted.p, ret, err);
    }
    buf_release(&quoted);
    return rc;
}

int target_rows(struct target *t, const struct target_rows *r, row_fn *fn, void *arg, struct err *err)
{
    const struct val values[] = {val_i64(r->load_id), val_i64(r->from), val_i64(r->to)};
    struct buf columns = BUF_INIT(MAX_SQL);

    int rc = target_ready(t, err);
    if (rc == 0)
        rc = target_text_exprs(t, r->def, r->columns, r->column_count, &columns, err);
    if (rc == 0)
        rc = target_run_on(t, "rows_text", r->def->name, columns.n > 0 ? columns.p : "", values, 3, fn, arg,
                           NULL, err);
    buf_release(&columns);
    return rc;
}
