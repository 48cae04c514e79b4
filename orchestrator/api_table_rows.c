/* GET /v1/tables/{table}/rows: those with a key's values, or page by page in the order of the primary key. */
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/shortest.h"
#include "io/target_page.h"
#include "orchestrator/api_table.h"

enum { STEP_BYTES = 32 * MIB, STEP = 4, STEP_MAX = 32 };
#define HEX_LIST "[{\"hex\"" /* how next begins where a key's only value is no text for a query */

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
    struct str last[MAX_KEY_COLUMNS]; /* of the last row that was written, as page_value takes it: arena */
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
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *text = texts[index_of(columns, count, k->key->columns[i])]; /* is_key_of has seen it */
        rc = page_value(k->def, k->key->columns[i], str_of(text != NULL ? text : ""), k->arena, &k->values[i],
                        err);
    }
    return rc;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* One of next's values: a text, or its bytes in hex, where no query can have them. */
static bool after_value(struct looking *k, const json_t *item, struct str *ret)
{
    const char *text = json_string_value(item), *hex = json_string_value(json_object_get(item, "hex"));

    if (text != NULL)
        *ret = (struct str){text, json_string_length(item)};
    if (text != NULL || hex == NULL || strlen(hex) % 2 != 0)
        return text != NULL;
    size_t n = strlen(hex) / 2;
    char *bytes = arena_alloc(k->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    bytes[n] = '\0';
    *ret = (struct str){bytes, n};
    return true;
}

/* The value of a key of one column as it is; of several, and of what no query can have, a JSON array. */
static int after(struct looking *k, const char *text, struct err *err)
{
    json_t *list = NULL;
    struct str s = {0};
    int rc = 0;

    k->behind = true;
    if (k->key->count == 1 && !str_starts(text, HEX_LIST))
        return page_value(k->def, k->key->columns[0], str_of(text), k->arena, &k->values[0], err);
    if (json_parse(text, strlen(text), "after", &list, err) < 0 || json_array_size(list) != k->key->count)
        rc = err_set(err, ERR_USAGE, "after is what next was: a JSON array of %zu texts", k->key->count);
    for (size_t i = 0; rc == 0 && i < k->key->count; i++)
        rc = after_value(k, json_array_get(list, i), &s)
                 ? page_value(k->def, k->key->columns[i], s, k->arena, &k->values[i], err)
                 : err_set(err, ERR_USAGE, "after is what next was: texts, in a JSON array");
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
        if (hex) {
            str_hex(s.p, s.n, text);
            s = (struct str){text, 2 * s.n};
        }
        k->last[i] = (struct str){arena_strndup(k->arena, s.p != NULL ? s.p : "", s.n), s.n};
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

/* What a query may hold as it is: no control characters, and UTF-8. */
static bool fits_query(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return str_utf8_valid(s.p, s.n, NULL) != 0 && !str_starts(s.p, HEX_LIST);
}

static json_t *next_value(struct str s)
{
    if (fits_query(s))
        return json_stringn(s.p, s.n);
    char *hex = xmalloc(2 * s.n + 1);
    str_hex(s.p, s.n, hex);
    json_t *o = json_pack("{s:s}", "hex", hex);
    free(hex);
    return o;
}

static int end(struct looking *k, struct err *err)
{
    int rc = buf_adds(k->to, "]", err);

    if (rc == 0 && k->full && !k->by_key && k->key->count == 1 && fits_query(k->last[0])) {
        rc = buf_adds(k->to, ",\"next\":", err);
        if (rc == 0)
            rc = json_add_text(k->to, k->last[0].p, k->last[0].n, err);
    } else if (rc == 0 && k->full && !k->by_key) {
        json_t *list = json_array();
        for (size_t i = 0; i < k->key->count; i++)
            json_array_append_new(list, next_value(k->last[i]));
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
