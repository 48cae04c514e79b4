/* A table's statement, whole or page by page: rows behind the last one that was read. */
#include "base/limits.h"
#include "io/dump_int.h"
#include <inttypes.h>

static const struct column *key_column(const struct dump_table *t, const struct table *def,
                                       const int *columns, size_t i)
{
    return &def->columns[columns[t->key_at[i]]];
}

bool page_column_fits(const struct column *c)
{
    switch (c->type) {
    case COL_TEXT:
        return !c->is_list; /* ordered by number, compared as text */
    case COL_DOUBLE:
    case COL_FLOAT:
    case COL_UNSUPPORTED:
        return false;
    case COL_INT:
    case COL_DECIMAL:
    case COL_BINARY:
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
    case COL_YEAR:
    case COL_BIT:
        break;
    }
    return true;
}

int page_key_fits(const struct dump_table *t, const struct table *def, const int *columns)
{
    if (t->key_count == 0 || t->key_count > MAX_KEY_COLUMNS || t->page_rows <= 0)
        return 0;
    for (size_t i = 0; i < t->key_count; i++)
        if (!page_column_fits(key_column(t, def, columns, i)))
            return 0;
    return 1;
}

static bool is_same(const struct val *v, const struct batch_col *c, size_t row)
{
    char scratch[CELL_TEXT_SIZE];

    if (v->kind == VAL_I64)
        return v->i == c->i64[row];
    struct str text = batch_cell_text(c, row, scratch);
    return v->n == text.n && (text.n == 0 || memcmp(v->p, text.p, text.n) == 0);
}

int page_key_keep(struct page_key *k, const struct dump_table *t, const struct batch *b, size_t row,
                  struct err *err)
{
    char scratch[CELL_TEXT_SIZE];
    size_t same = 0;

    while (k->begun && same < t->key_count && is_same(&k->values[same], &b->cols[t->key_at[same]], row))
        same++;
    if (k->begun && same == t->key_count) /* it would go on for ever, and double what it has read */
        return err_set(err, ERR_INTERNAL, "%s: the rows behind the last one begin with it again", t->name);

    if (k->values == NULL) {
        k->values = xcalloc(t->key_count, sizeof *k->values);
        k->arena = arena_new();
    }
    arena_reset(k->arena);
    for (size_t i = 0; i < t->key_count; i++) {
        const struct batch_col *c = &b->cols[t->key_at[i]];
        struct str text = batch_cell_text(c, row, scratch);
        const char *kept = arena_strndup(k->arena, text.n > 0 ? text.p : "", text.n);
        bool number = c->kind == CELL_I64 || (c->kind == CELL_U64 && c->i64[row] >= 0);
        k->values[i] = number ? val_i64(c->i64[row])
                       : b->table->columns[c->column].type == COL_BINARY
                           ? val_blob(kept, text.n)
                           : (struct val){VAL_TEXT, 0, kept, text.n};
    }
    k->begun = true;
    return 0;
}

void page_key_release(struct page_key *k)
{
    free(k->values);
    arena_free(k->arena);
    *k = (struct page_key){0};
}

/* Text would be compared with a number as a double, with all that is lost by it. */
void page_mark(const struct column *c, const struct val *v, char out[PAGE_MARK_SIZE])
{
    switch (c->type) {
    case COL_INT:
    case COL_BIT: /* from 2^63 on: MySQL takes a mark in CAST(? AS UNSIGNED) for signed, and cuts it there */
        snprintf(out, PAGE_MARK_SIZE, "%s", v->kind == VAL_TEXT ? "CAST(? AS DECIMAL(20,0))" : "?");
        return;
    case COL_DECIMAL:
        snprintf(out, PAGE_MARK_SIZE, "CAST(? AS DECIMAL(%d,%d))", c->precision, c->scale);
        return;
    case COL_DATE:
        snprintf(out, PAGE_MARK_SIZE, "CAST(? AS DATE)");
        return;
    case COL_DATETIME:
    case COL_TIMESTAMP:
        snprintf(out, PAGE_MARK_SIZE, "CAST(? AS DATETIME(%d))", c->fsp);
        return;
    case COL_TIME:
        snprintf(out, PAGE_MARK_SIZE, "CAST(? AS TIME(%d))", c->fsp);
        return;
    case COL_DOUBLE:
    case COL_FLOAT:
    case COL_TEXT:
    case COL_BINARY:
    case COL_YEAR:
    case COL_UNSUPPORTED:
        break;
    }
    snprintf(out, PAGE_MARK_SIZE, "?");
}

static int compare(struct page_condition *p, size_t i, const char *how, struct err *err)
{
    char mark[PAGE_MARK_SIZE] = "?";

    if (p->is_mysql)
        page_mark(p->columns[i], &p->given[i], mark);
    p->values[p->value_count++] = p->given[i];
    return buf_addf(p->sql, err, "%s%s%s", p->names[i], how, mark);
}

int page_with(struct page_condition *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        rc = i > 0 ? buf_adds(p->sql, " AND ", err) : 0;
        if (rc == 0)
            rc = compare(p, i, "=", err);
    }
    return rc;
}

/* "k1 >= ? AND ((k1 > ?) OR (k1 = ? AND k2 > ?))": the first of them alone finds the place in an index. */
int page_behind(struct page_condition *p, struct err *err)
{
    if (p->count == 0 || p->columns[0] == NULL)
        return err_set(err, ERR_INTERNAL, "a page of no key");
    int rc = compare(p, 0, p->count > 1 ? ">=" : ">", err);
    if (p->count == 1)
        return rc;
    for (size_t last = 0; rc == 0 && last < p->count; last++) {
        rc = buf_adds(p->sql, last == 0 ? " AND ((" : ") OR (", err);
        for (size_t i = 0; rc == 0 && i <= last; i++) {
            rc = compare(p, i, i == last ? ">" : "=", err);
            if (rc == 0 && i < last)
                rc = buf_adds(p->sql, " AND ", err);
        }
    }
    return rc < 0 ? rc : buf_adds(p->sql, "))", err);
}

static int order(const struct dump_table *t, struct buf *sql, struct err *err)
{
    int rc = 0;

    if (t->key_count == 0)
        return t->order != NULL ? buf_adds(sql, t->order, err) : 0;
    for (size_t i = 0; rc == 0 && i < t->key_count; i++)
        rc = buf_addf(sql, err, "%s%s", i == 0 ? " ORDER BY " : ",", t->key_sql[i]);
    return rc;
}

int page_sql(const struct dump_table *t, const struct table *def, const int *columns,
             const struct page_key *k, struct buf *ret, struct val **ret_values, size_t *ret_count,
             struct err *err)
{
    struct page_condition p = {.names = t->key_sql, .count = t->key_count, .is_mysql = true, .sql = ret};

    p.values = xcalloc(t->value_count + PAGE_VALUES(t->key_count), sizeof *p.values);
    p.value_count = t->value_count;
    if (t->value_count > 0)
        memcpy(p.values, t->values, t->value_count * sizeof *p.values);
    buf_clear(ret);
    ret->max = 2 * MAX_STATEMENT; /* the select, and where the page begins */
    int rc = buf_adds(ret, t->select, err);
    if (rc == 0 && k != NULL && k->begun) {
        p.given = k->values;
        for (size_t i = 0; i < t->key_count; i++)
            p.columns[i] = key_column(t, def, columns, i);
        rc = buf_adds(ret, " AND ", err);
        if (rc == 0)
            rc = page_behind(&p, err);
    }
    if (rc == 0)
        rc = order(t, ret, err);
    if (rc == 0 && k != NULL)
        rc = buf_addf(ret, err, " LIMIT %" PRId64, t->page_rows);
    *ret_values = p.values;
    *ret_count = p.value_count;
    return rc;
}
