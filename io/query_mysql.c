/* One statement of a task on MySQL or MariaDB: prepared, so that it is one, and typed by the server. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/format_int.h"
#include "io/query_int.h"
#include "io/target_mysql_int.h"
#include "io/target_select.h"

enum { ROWS_AT_ONCE = 256 };

/* ---- values ---- */

struct bound {
    struct val *values;
    char **texts; /* owned; of numbers and JSON */
    size_t n;
};

static void bound_release(struct bound *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->texts[i]);
    free(b->texts);
    free(b->values);
}

static void bind_values(const json_t *values, struct bound *b)
{
    const json_t *v;
    size_t i;

    b->n = json_array_size(values);
    b->values = xcalloc(b->n + 1, sizeof *b->values);
    b->texts = xcalloc(b->n + 1, sizeof *b->texts);
    json_array_foreach(values, i, v) {
        if (json_is_integer(v)) {
            b->values[i] = val_i64(json_integer_value(v));
        } else if (json_is_boolean(v)) {
            b->values[i] = val_i64(json_is_true(v));
        } else if (json_is_string(v)) {
            b->values[i] = (struct val){VAL_TEXT, 0, json_string_value(v), json_string_length(v)};
        } else if (!json_is_null(v)) {
            b->texts[i] = json_text(v);
            b->values[i] = val_text(b->texts[i]);
        }
    }
}

/* ---- rows ---- */

static json_t *decimal(const struct column *c, const char *p, size_t n)
{
    struct err none;
    int64_t v;

    if (c->scale == 0 && str_to_i64((struct str){p, n}, INT64_MIN, INT64_MAX, &v, &none) == 0)
        return json_integer((json_int_t)v);
    return json_stringn(p, n);
}

static json_t *real(const struct batch_col *b, const struct column *c, size_t row)
{
    char text[SHORTEST_SIZE + 8] = "";
    enum cell_form form = c->type == COL_FLOAT ? FORM_FLOAT : FORM_DOUBLE;

    *format_double(text, b, row, form) = '\0';
    return json_real(
        strtod(text, NULL)); /* of a FLOAT: the shortest text that means it, not the double next to it */
}

static int cell(const struct batch_col *b, const struct column *c, size_t row, json_t **ret, struct err *err)
{
    char text[32];

    if (b->nulls[row]) {
        *ret = json_null();
        return 0;
    }
    switch (b->kind) {
    case CELL_I64:
        *ret = json_integer((json_int_t)b->i64[row]);
        return 0;
    case CELL_U64:
        snprintf(text, sizeof text, "%llu", (unsigned long long)b->i64[row]);
        *ret = b->i64[row] < 0 ? json_string(text) : json_integer((json_int_t)b->i64[row]);
        return 0;
    case CELL_DOUBLE:
        *ret = real(b, c, row);
        return 0;
    case CELL_BYTES:
        break;
    }
    if (c->type == COL_DECIMAL)
        *ret = decimal(c, b->bytes[row], b->lengths[row]);
    else if (c->type == COL_BINARY || c->type == COL_BIT)
        *ret = query_hex(b->bytes[row], b->lengths[row]);
    else
        return query_text(c->name, b->bytes[row], b->lengths[row], ret, err);
    return 0;
}

static int add_rows(const struct batch *b, struct query_rows *ret, struct err *err)
{
    int rc = 0;

    for (size_t row = 0; rc == 0 && row < b->rows; row++) {
        json_t *object = json_object();
        for (size_t i = 0; rc == 0 && i < b->col_count; i++) {
            const struct column *c = &b->table->columns[b->cols[i].column];
            json_t *v = NULL;
            rc = cell(&b->cols[i], c, row, &v, err);
            if (rc == 0)
                rc = query_cell(object, c->name, v, err);
        }
        if (rc < 0)
            json_decref(object);
        else
            rc = query_row(ret, object, err);
    }
    return rc;
}

static int read_rows(struct target *t, const char *sql, const struct bound *v, struct query_rows *ret,
                     struct err *err)
{
    struct select *s = NULL;
    struct batch *b = NULL;
    int rc = target_select(t, sql, v->values, v->n, NULL, NULL, 0, &s, err), more = 1;

    if (rc < 0)
        return rc;
    const struct table *def = select_table(s);
    int *columns = xcalloc(def->count + 1, sizeof *columns);
    for (size_t i = 0; i < def->count; i++)
        columns[i] = (int)i;
    b = batch_new(def, columns, def->count, ROWS_AT_ONCE);
    while (rc == 0 && more > 0) {
        more = select_fill(s, b, err);
        rc = more < 0 ? more : add_rows(b, ret, err);
        batch_clear(b);
    }
    batch_free(b);
    free(columns);
    select_close(s);
    return rc;
}

int query_mysql(struct target *t, const struct query_statement *s, struct query_rows *ret, struct err *err)
{
    struct mysqlc *c = mysql_db(t)->c;
    struct bound v = {0};
    size_t marks = 0;
    bool gives = false;
    int rc = mysqlc_look(c, s->sql, &marks, &gives, err);

    if (rc < 0) {
        if (err->native == 1064)
            err_hint(err, "a task's statement is one; several are a list, in one transaction");
        return rc;
    }
    if (marks != json_array_size(s->values))
        return err_set(err, ERR_CONTRACT, "the statement has %zu marks '?', and %zu values are given", marks,
                       json_array_size(s->values));
    bind_values(s->values, &v);
    rc = gives ? read_rows(t, s->sql, &v, ret, err)
               : mysqlc_run(c, s->sql, v.values, v.n, NULL, NULL, &ret->affected, NULL, err);
    bound_release(&v);
    return rc;
}
