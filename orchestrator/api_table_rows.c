/* GET /v1/tables/{table}/rows: those with a key's values, or page by page in the order of the primary key. */
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/shortest.h"
#include "io/target_page.h"
#include "orchestrator/api_table.h"

enum { STEP_BYTES = 32 * MIB, STEP = 4, STEP_MAX = 32 };

struct looking {
    const struct serve_request *q;
    const struct dict_table *table;
    struct table *def; /* owned */
    struct arena *arena;
    int columns[MAX_COLUMNS];
    size_t column_count;
    const struct table_key *key;
    struct val values[MAX_KEY_COLUMNS];
    bool by_key, behind;
    int64_t limit, count, came;
    struct buf *to;
    char *last[MAX_KEY_COLUMNS]; /* of the last row that was written: arena */
    bool full;
};

/* --- what is asked ----------------------------------------------------------------------------------------------- */

/* What the query says of columns: their indexes, and the texts. */
static int filters(struct looking *k, int columns[MAX_KEY_COLUMNS], const char *texts[MAX_KEY_COLUMNS],
                   size_t *ret_count, struct err *err)
{
    const char *name, *value;
    char shown[80];

    *ret_count = 0;
    for (size_t i = 0; serve_query_at(k->q, i, &name, &value); i++) {
        if (strcmp(name, "limit") == 0 || strcmp(name, "after") == 0)
            continue;
        int at = table_find(k->def, str_of(name));
        if (at < 0 || *ret_count == MAX_KEY_COLUMNS) {
            str_printable(name, strlen(name), shown, sizeof shown);
            return err_set(err, ERR_USAGE, "%s has no column '%s'", k->table->name, shown);
        }
        for (size_t n = 0; n < *ret_count; n++)
            if (columns[n] == at)
                return err_set(err, ERR_USAGE, "%s is there twice", k->def->columns[at].name);
        columns[*ret_count] = at;
        texts[(*ret_count)++] = value;
    }
    return 0;
}

static size_t index_of(const int *columns, size_t count, int column)
{
    size_t i = 0;

    while (i < count && columns[i] != column)
        i++;
    return i;
}

static bool is_key_of(const struct table_key *key, const int *columns, size_t count)
{
    for (size_t i = 0; i < key->count; i++)
        if (index_of(columns, count, key->columns[i]) == count)
            return false;
    return key->count == count;
}

static int no_key(const struct looking *k, struct err *err)
{
    err_set(err, ERR_USAGE, "%s is read by the columns of a whole key, or page by page by its primary key",
            k->table->name);
    return err_hint(err, "its keys: %s", *k->def->unique_keys != '\0' ? k->def->unique_keys : "none");
}

static int by_key(struct looking *k, const int *columns, const char *const *texts, size_t count,
                  struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < k->def->key_count && k->key == NULL; i++)
        if (is_key_of(&k->def->keys[i], columns, count) && page_key_usable(k->def, &k->def->keys[i]))
            k->key = &k->def->keys[i];
    if (k->key == NULL)
        return no_key(k, err);
    k->by_key = true;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = page_value(k->def, k->key->columns[i], texts[index_of(columns, count, k->key->columns[i])],
                        k->arena, &k->values[i], err);
    return rc;
}

/* The value of a key of one column as it is; of several as a JSON array of texts. */
static int after(struct looking *k, const char *text, struct err *err)
{
    json_t *list = NULL;
    int rc = 0;

    k->behind = true;
    if (k->key->count == 1)
        return page_value(k->def, k->key->columns[0], text, k->arena, &k->values[0], err);
    if (json_parse(text, strlen(text), "after", &list, err) < 0 || json_array_size(list) != k->key->count)
        rc = err_set(err, ERR_USAGE, "after is what next was: a JSON array of %zu texts", k->key->count);
    for (size_t i = 0; rc == 0 && i < k->key->count; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        rc = s != NULL ? page_value(k->def, k->key->columns[i], s, k->arena, &k->values[i], err)
                       : err_set(err, ERR_USAGE, "after is what next was: texts, in a JSON array");
    }
    json_decref(list);
    return rc;
}

static int asked(struct looking *k, struct err *err)
{
    const char *texts[MAX_KEY_COLUMNS] = {NULL}, *from = serve_query(k->q, "after");
    int columns[MAX_KEY_COLUMNS] = {0};
    size_t count;
    int rc = filters(k, columns, texts, &count, err);

    for (size_t i = 0; i < k->def->count && i < MAX_COLUMNS; i++)
        if (!table_is_lineage(k->def->columns[i].name))
            k->columns[k->column_count++] = (int)i;
    if (rc < 0)
        return rc;
    if (count > 0)
        return from != NULL ? err_set(err, ERR_USAGE, "after goes with no column")
                            : by_key(k, columns, texts, count, err);
    if (k->def->key_count > 0 && strcmp(k->def->keys[0].name, "PRIMARY") == 0 &&
        page_key_usable(k->def, &k->def->keys[0]))
        k->key = &k->def->keys[0];
    if (k->key == NULL)
        return no_key(k, err);
    return from != NULL ? after(k, from, err) : 0;
}

/* --- what is answered -------------------------------------------------------------------------------------------- */

/* Digits that JSON takes as they stand: no zeros in front, digits on both sides of a point. */
static bool is_number(struct str s)
{
    size_t i = s.n > 0 && s.p[0] == '-', digits;

    if (i + 1 < s.n && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
        return false;
    for (digits = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        digits++;
    if (digits > 0 && i < s.n && s.p[i] == '.')
        for (i++, digits = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            digits++;
    if (digits > 0 && i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
        for (digits = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            digits++;
    }
    return digits > 0 && i == s.n;
}

/* A FLOAT comes as the double that it is: its own shortest digits are fewer. */
static int add_float(struct buf *to, struct str s, struct err *err)
{
    char text[64], out[SHORTEST_SIZE];
    int64_t mantissa;
    int exp10;

    snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
    shortest_float(strtof(text, NULL), &mantissa, &exp10);
    shortest_text(mantissa, exp10, out);
    return buf_addf(to, err, "%s%s", mantissa == 0 && *text == '-' ? "-" : "", out);
}

static int add_hex(struct buf *to, struct str s, struct err *err)
{
    int rc = buf_reserve(to, 2 * s.n + 3, err);

    if (rc < 0)
        return rc;
    to->p[to->n++] = '"';
    str_hex(s.p, s.n, to->p + to->n);
    to->n += 2 * s.n;
    return buf_adds(to, "\"", err);
}

static int add_cell(struct looking *k, const struct column *c, struct str s, struct err *err)
{
    if (s.p == NULL)
        return buf_adds(k->to, "null", err);
    switch (c->type) {
    case COL_FLOAT:
        if (is_number(s))
            return add_float(k->to, s, err);
        break;
    case COL_INT:
    case COL_YEAR:
    case COL_DECIMAL:
    case COL_DOUBLE:
    case COL_BIT:
        if (is_number(s))
            return buf_add(k->to, s.p, s.n, err);
        break;
    case COL_BINARY:
    case COL_UNSUPPORTED:
        return add_hex(k->to, s, err);
    case COL_TEXT:
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
        break;
    }
    return json_add_text(k->to, s.p, s.n, err);
}

static void keep_key(struct looking *k, const struct str *cells)
{
    char text[2 * KIB];

    for (size_t i = 0; i < k->key->count; i++) {
        const struct column *c = &k->def->columns[k->key->columns[i]];
        struct str s = cells[index_of(k->columns, k->column_count, k->key->columns[i])];
        bool hex = c->type == COL_BINARY && s.n < sizeof text / 2;
        if (hex)
            str_hex(s.p, s.n, text);
        k->last[i] = hex ? arena_strndup(k->arena, text, 2 * s.n)
                         : arena_strndup(k->arena, s.p != NULL ? s.p : "", s.n);
    }
}

static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct looking *k = arg;
    int rc;

    k->came++;
    if (k->full || k->count == k->limit) { /* there is more */
        k->full = true;
        return 0;
    }
    rc = buf_adds(k->to, k->count > 0 ? ",\n" : "\n", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct column *c = &k->def->columns[k->columns[i]];
        rc = buf_adds(k->to, i > 0 ? "," : "{", err);
        if (rc == 0)
            rc = json_add_text(k->to, c->name, strlen(c->name), err);
        if (rc == 0)
            rc = buf_adds(k->to, ":", err);
        if (rc == 0)
            rc = add_cell(k, c, cells[i], err);
    }
    if (rc == 0)
        rc = buf_adds(k->to, "}", err);
    k->count++;
    keep_key(k, cells);
    k->full = k->to->n > MAX_API_PAGE && !k->by_key;
    return rc;
}

static int end(struct looking *k, struct err *err)
{
    int rc = buf_adds(k->to, "]", err);

    if (rc == 0 && k->full && !k->by_key && k->key->count == 1) {
        rc = buf_adds(k->to, ",\"next\":", err);
        if (rc == 0)
            rc = json_add_text(k->to, k->last[0], strlen(k->last[0]), err);
    } else if (rc == 0 && k->full && !k->by_key) {
        json_t *list = json_array();
        for (size_t i = 0; i < k->key->count; i++)
            json_array_append_new(list, json_string(k->last[i]));
        char *text = json_text(list);
        rc = buf_adds(k->to, ",\"next\":", err);
        if (rc == 0)
            rc = json_add_text(k->to, text, strlen(text), err);
        free(text);
        json_decref(list);
    }
    return rc < 0 ? rc : buf_adds(k->to, "}\n", err);
}

/* A result is kept as a whole before we see it: where rows may be large, a few are asked for at a time. */
static int64_t first_step(const struct looking *k)
{
    int64_t most = 0;

    for (size_t i = 0; i < k->column_count; i++) {
        const struct column *c = &k->def->columns[k->columns[i]];
        bool bytes = c->type == COL_TEXT || c->type == COL_BINARY || c->type == COL_UNSUPPORTED;
        int64_t n = !bytes             ? 64
                    : c->max_bytes > 0 ? c->max_bytes
                    : c->max_chars > 0 ? 4 * c->max_chars
                                       : MAX_CELL;
        most += n < MAX_CELL ? n : MAX_CELL;
    }
    return most * (k->limit + 1) <= STEP_BYTES ? k->limit + 1 : STEP;
}

static int pages(struct looking *k, struct target *t, struct err *err)
{
    struct page_ask ask = {.def = k->def,
                           .columns = k->columns,
                           .column_count = k->column_count,
                           .key = k->key,
                           .values = k->by_key || k->behind ? k->values : NULL,
                           .behind = k->behind};
    int64_t step = first_step(k);
    int rc;

    for (;;) {
        int64_t left = k->limit + 1 - k->count;
        ask.limit = left < step ? left : step;
        k->came = 0;
        rc = target_page(t, &ask, on_row, k, err);
        if (rc < 0 || k->by_key || k->full || k->came < ask.limit)
            return rc;
        for (size_t i = 0; rc == 0 && i < k->key->count; i++)
            rc = page_value(k->def, k->key->columns[i], k->last[i], k->arena, &k->values[i], err);
        if (rc < 0) { /* a value that nobody can ask for: the page ends here */
            k->full = true;
            return 0;
        }
        ask.values = k->values;
        ask.behind = true;
        step = step < STEP_MAX ? 2 * step : step;
    }
}

static int look(struct looking *k, struct target *t, struct err *err)
{
    int rc = target_describe(t, k->table->table, &k->def, err);

    if (rc == 0)
        rc = asked(k, err);
    if (rc == 0)
        rc = buf_adds(k->to, "{\"table\":", err);
    if (rc == 0)
        rc = json_add_text(k->to, k->table->name, strlen(k->table->name), err);
    if (rc == 0)
        rc = buf_adds(k->to, ",\"rows\":[", err);
    if (rc < 0)
        return rc;
    rc = pages(k, t, err);
    return rc < 0 ? rc : end(k, err);
}

int api_rows_get(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct looking *k = xcalloc(1, sizeof *k);
    struct target *t = NULL;
    int rc = config_table(q->config, q->args[0], &k->table, err);

    k->q = q;
    k->to = &a->body;
    k->arena = arena_new();
    if (rc == 0)
        rc = serve_query_int(q, "limit", 1, MAX_API_ROWS, API_ROWS, &k->limit, err);
    if (rc == 0)
        rc = serve_target_take(q->serve, &k->table->target, &t, err);
    if (rc == 0) {
        rc = look(k, t, err);
        serve_target_give(q->serve, t, rc < 0 && err_retryable(err->code));
    }
    table_free(k->def);
    arena_free(k->arena);
    free(k);
    return rc;
}
