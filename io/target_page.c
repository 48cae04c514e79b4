#include "io/target_page.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/convert_int.h"
#include "io/dump_int.h"
#include "io/target_int.h"
#include <inttypes.h>

bool page_key_usable(const struct table *def, const struct table_key *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (!page_column_fits(&def->columns[k->columns[i]]))
            return false;
    return k->count > 0;
}

int page_value(const struct table *def, int column, struct str text, struct arena *a, struct val *ret,
               struct err *err)
{
    const struct column *c = &def->columns[column];
    char scratch[CELL_SCRATCH], shown[CELL_TEXT_SIZE];
    struct batch *b = batch_new(def, &column, 1, 1);
    const struct batch_col *to = &b->cols[0];
    const struct cell cell = {c, NULL, &b->cols[0], 0, scratch, true};
    struct bytes_plan hex = {.form = CONVERT_HEX};
    struct csv_field f = {text.p, (uint32_t)text.n, true};
    struct reject_info why;
    int rc = 0;

    if ((c->type == COL_BINARY ? put_encoded(&cell, &hex, f, &why) : put_cell(&cell, f, &why)) == 0) {
        rc = err_set(err, ERR_USAGE, "%s: %s", c->name, why.message);
    } else {
        struct str s = batch_cell_text(to, 0, shown);
        const char *kept = arena_strndup(a, s.n > 0 ? s.p : "", s.n);
        bool number = to->kind == CELL_I64 || (to->kind == CELL_U64 && to->i64[0] >= 0);
        *ret = number                  ? val_i64(to->i64[0])
               : c->type == COL_BINARY ? val_blob(kept, s.n)
                                       : (struct val){VAL_TEXT, 0, kept, s.n};
    }
    free(hex.text);
    batch_free(b);
    return rc;
}

struct building {
    struct target *t;
    const struct page_ask *a;
    struct buf sql;
    char *names[MAX_KEY_COLUMNS]; /* of the key's columns, quoted; owned */
    struct val values[PAGE_VALUES(MAX_KEY_COLUMNS)];
    size_t count;
};

static int quote_key(struct building *b, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->a->key->count; i++) {
        struct buf quoted = BUF_INIT(1 * KIB);
        rc = b->t->ops->quote(b->a->def->columns[b->a->key->columns[i]].name, false, &quoted, err);
        if (rc == 0)
            b->names[i] = xstrdup(quoted.p);
        buf_release(&quoted);
    }
    return rc;
}

static int where(struct building *b, struct err *err)
{
    struct page_condition p = {.names = (const char *const *)b->names,
                               .given = b->a->values,
                               .count = b->a->key->count,
                               .is_mysql = target_is_mysql(b->t),
                               .sql = &b->sql,
                               .values = b->values};
    int rc = buf_adds(&b->sql, " WHERE ", err);

    for (size_t i = 0; i < p.count; i++)
        p.columns[i] = &b->a->def->columns[b->a->key->columns[i]];
    if (rc == 0)
        rc = b->a->behind ? page_behind(&p, err) : page_with(&p, err);
    b->count = p.value_count;
    return rc;
}

static int build(struct building *b, struct err *err)
{
    const struct page_ask *a = b->a;
    struct buf columns = BUF_INIT(MAX_SQL), table = BUF_INIT(1 * KIB);
    int rc = target_text_exprs(b->t, a->def, a->columns, a->column_count, &columns, err);

    if (rc == 0)
        rc = b->t->ops->quote(a->def->name, true, &table, err);
    if (rc == 0)
        rc = buf_addf(&b->sql, err, "SELECT %s FROM %s", columns.p + 1, table.p);
    if (rc == 0)
        rc = quote_key(b, err);
    if (rc == 0 && a->values != NULL)
        rc = where(b, err);
    for (size_t i = 0; rc == 0 && i < a->key->count; i++)
        rc = buf_addf(&b->sql, err, "%s%s", i == 0 ? " ORDER BY " : ",", b->names[i]);
    if (rc == 0)
        rc = buf_addf(&b->sql, err, " LIMIT %" PRId64, a->limit);
    buf_release(&columns);
    buf_release(&table);
    return rc;
}

int target_page(struct target *t, const struct page_ask *a, row_fn *fn, void *arg, struct err *err)
{
    struct building b = {.t = t, .a = a, .sql = BUF_INIT(MAX_SQL)};
    int rc;

    if (a->column_count == 0 || a->key->count > MAX_KEY_COLUMNS)
        return err_set(err, ERR_TARGET, "%s has no columns to show", a->def->name);
    rc = target_ready(t, err);
    if (rc == 0)
        rc = build(&b, err);
    if (rc == 0)
        rc = target_run_sql(t, b.sql.p, b.values, b.count, fn, arg, NULL, err);
    buf_release(&b.sql);
    for (size_t i = 0; i < a->key->count; i++)
        free(b.names[i]);
    return rc;
}
