/* A table's statement, whole or page by page: rows behind the last one that was read. */
#include "base/limits.h"
#include "io/dump_int.h"
#include <inttypes.h>

static const struct column *key_column(const struct dump_table *t, const struct table *def,
                                       const int *columns, size_t i)
{
    return &def->columns[columns[t->key_at[i]]];
}

int page_key_fits(const struct dump_table *t, const struct table *def, const int *columns)
{
    if (t->key_count == 0 || t->page_rows <= 0)
        return 0;
    for (size_t i = 0; i < t->key_count; i++) {
        const struct column *c = key_column(t, def, columns, i);
        switch (c->type) {
        case COL_TEXT:
            if (c->is_list) /* ordered by number, compared as text */
                return 0;
            break;
        case COL_DOUBLE:
        case COL_FLOAT:
        case COL_UNSUPPORTED:
            return 0;
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
    }
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

struct building {
    const struct dump_table *t;
    const struct table *def;
    const int *columns;
    const struct page_key *k;
    struct buf *sql;
    struct val *values;
    size_t count;
};

static int compare(struct building *b, size_t i, const char *how, struct err *err)
{
    char mark[PAGE_MARK_SIZE];

    page_mark(key_column(b->t, b->def, b->columns, i), &b->k->values[i], mark);
    b->values[b->count++] = b->k->values[i];
    return buf_addf(b->sql, err, "%s%s%s", b->t->key_sql[i], how, mark);
}

/* " AND k1 >= ? AND ((k1 > ?) OR (k1 = ? AND k2 > ?))": the first of them alone finds the place in an index. */
static int behind(struct building *b, struct err *err)
{
    int rc = buf_adds(b->sql, " AND ", err);

    if (rc == 0)
        rc = compare(b, 0, b->t->key_count > 1 ? ">=" : ">", err);
    if (b->t->key_count == 1)
        return rc;
    for (size_t last = 0; rc == 0 && last < b->t->key_count; last++) {
        rc = buf_adds(b->sql, last == 0 ? " AND ((" : ") OR (", err);
        for (size_t i = 0; rc == 0 && i <= last; i++) {
            rc = compare(b, i, i == last ? ">" : "=", err);
            if (rc == 0 && i < last)
                rc = buf_adds(b->sql, " AND ", err);
        }
    }
    return rc < 0 ? rc : buf_adds(b->sql, "))", err);
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
    size_t most = t->value_count + 1 + t->key_count * (t->key_count + 1) / 2;
    struct building b = {t, def, columns, k, ret, xcalloc(most + 1, sizeof *b.values), t->value_count};

    if (t->value_count > 0)
        memcpy(b.values, t->values, t->value_count * sizeof *b.values);
    buf_clear(ret);
    ret->max = 2 * MAX_STATEMENT; /* the select, and where the page begins */
    int rc = buf_adds(ret, t->select, err);
    if (rc == 0 && k != NULL && k->begun)
        rc = behind(&b, err);
    if (rc == 0)
        rc = order(t, ret, err);
    if (rc == 0 && k != NULL)
        rc = buf_addf(ret, err, " LIMIT %" PRId64, t->page_rows);
    *ret_values = b.values;
    *ret_count = b.count;
    return rc;
}
