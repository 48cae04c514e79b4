#include "base/limits.h"
#include "base/mem.h"
#include "io/target_sqlite_int.h"
#include <strings.h>

/* --- types: SQLite's affinity decides what is really stored --- */

enum affinity { AFF_TEXT, AFF_INTEGER, AFF_REAL, AFF_BLOB, AFF_NUMERIC };

/* https://www.sqlite.org/datatype3.html, 3.1, in its order. */
static enum affinity affinity_of(const char *type)
{
    static const struct {
        const char *part;
        enum affinity affinity;
    } rules[] = {{"INT", AFF_INTEGER}, {"CHAR", AFF_TEXT}, {"CLOB", AFF_TEXT}, {"TEXT", AFF_TEXT},
                 {"BLOB", AFF_BLOB},   {"REAL", AFF_REAL}, {"FLOA", AFF_REAL}, {"DOUB", AFF_REAL}};

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strcasestr(type, rules[i].part) != NULL)
            return rules[i].affinity;
    return type[0] == '\0' || strcasecmp(type, "ANY") == 0 ? AFF_BLOB : AFF_NUMERIC;
}

static void unsupported(struct arena *a, const char *type, const char *why, struct column *c)
{
    char *text = xasprintf("%s in SQLite, %s", type[0] != '\0' ? type : "a column without a type", why);

    c->type = COL_UNSUPPORTED;
    c->type_text = arena_strndup(a, text, strlen(text));
    free(text);
}

static void wide_int(struct column *c)
{
    c->min = c->is_unsigned ? 0 : INT64_MIN;
    c->max = INT64_MAX;
    c->max_u = INT64_MAX;
}

/*
 * A declared type that MySQL has too means what it means there, but for the sizes: an INT of SQLite holds 64 bits, a
 * TEXT any length, a FLOAT is a double. Where the affinity would turn the value into another one ('007' in a column
 * declared STRING becomes 7), the column is not loaded.
 */
static void read_type(struct arena *a, const char *type, struct column *c)
{
    enum affinity aff = affinity_of(type);
    struct err unknown;

    if (column_parse_type(type, a, c, &unknown) < 0) {
        c->type_text = arena_strndup(a, type, strlen(type));
        c->type = aff == AFF_INTEGER ? COL_INT
                  : aff == AFF_TEXT  ? COL_TEXT
                  : aff == AFF_REAL  ? COL_DOUBLE
                                     : COL_UNSUPPORTED;
        c->max_chars = c->max_bytes = -1;
        if (aff == AFF_BLOB && type[0] != '\0')
            c->type = COL_BINARY;
    }
    switch (c->type) {
    case COL_INT:
        wide_int(c);
        break;
    case COL_FLOAT:
    case COL_DOUBLE:
        c->type = COL_DOUBLE;
        c->precision = c->scale = 0;
        if (aff != AFF_REAL)
            unsupported(a, type, "which is no REAL there", c);
        break;
    case COL_TEXT:
        c->is_char = false; /* blanks at the end stay */
        if (c->max_chars < 0)
            c->max_bytes = -1;
        if (aff != AFF_TEXT)
            unsupported(a, type, "which turns text that looks like a number into one: declare it TEXT", c);
        break;
    case COL_BINARY:
        c->is_char = false;
        if (strchr(type, '(') == NULL)
            c->max_bytes = -1;
        break;
    case COL_DECIMAL:
        unsupported(a, type, "which keeps no exact decimals: declare it TEXT, or INTEGER or REAL", c);
        break;
    case COL_UNSUPPORTED:
        unsupported(a, type, "whose values have no one type: declare it INTEGER, REAL, TEXT or BLOB", c);
        break;
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
    case COL_YEAR:
    case COL_BIT:
        break;
    }
}

/* --- what a table looks like --- */

struct describing {
    struct table *t;
    const char *real_name;
    size_t capacity, primary_columns;
    const char *primary; /* the only column of a primary key that is the rowid */
    struct buf keys, columns, triggers;
    char key[256];
    size_t key_columns;
    int key_at[MAX_KEY_COLUMNS];
    bool lineage_so_far, partial, is_primary, has_primary_index;
    bool unknown; /* an expression, or another collation than the column's */
};

static const char *keep(struct describing *d, struct str s)
{
    return s.p != NULL ? arena_strndup(d->t->arena, s.p, s.n) : NULL;
}

static int on_table(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;

    UNUSED(err);
    UNUSED(count);
    bool is_view = strcmp(cells[0].p, "view") == 0;
    bool is_virtual = cells[1].p != NULL && strncasecmp(cells[1].p, "CREATE VIRTUAL", 14) == 0;
    d->t->engine = is_view ? "view" : is_virtual ? "virtual" : "sqlite";
    d->t->transactional = !is_view && !is_virtual;
    return 0;
}

static int on_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    struct table *t = d->t;
    struct column c = {0};

    UNUSED(count);
    if (t->count == MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "table %s has more than %d columns", t->name, MAX_COLUMNS);
    read_type(t->arena, cells[1].p != NULL ? cells[1].p : "", &c);
    int64_t hidden = target_cell_i64(cells[5]);
    c.name = keep(d, cells[0]);
    c.nullable = target_cell_i64(cells[2]) == 0;
    c.generated = hidden == 2 || hidden == 3;
    c.invisible = hidden == 1;
    c.has_default = c.nullable || cells[3].p != NULL;
    if (target_cell_i64(cells[4]) > 0) {
        d->primary_columns++;
        if (strcasecmp(cells[1].p != NULL ? cells[1].p : "", "INTEGER") == 0)
            d->primary = c.name;
    }
    if (t->count == d->capacity) {
        size_t wider = d->capacity == 0 ? 32 : d->capacity * 2;
        struct column *grown = arena_alloc(t->arena, wider * sizeof *grown);
        if (t->count > 0)
            memcpy(grown, t->columns, t->count * sizeof *grown);
        t->columns = grown;
        d->capacity = wider;
    }
    t->columns[t->count++] = c;
    return 0;
}

static int end_key(struct describing *d, struct err *err)
{
    int rc = 0;

    if (d->key[0] == '\0')
        return 0;
    if (d->lineage_so_far && d->key_columns == 2 && !d->partial) {
        d->t->has_lineage = true;
        d->t->made_by_orch = d->t->made_by_orch || d->is_primary;
    } else {
        rc = buf_addf(&d->keys, err, "%s%s(%s)", d->keys.n > 0 ? ", " : "",
                      d->is_primary ? "PRIMARY" : d->key, d->columns.p);
        if (!d->partial && !d->unknown)
            table_add_key(d->t, d->is_primary ? "PRIMARY" : d->key, d->key_at, d->key_columns);
    }
    buf_clear(&d->columns);
    d->key[0] = '\0';
    return rc;
}

static int on_key(void *arg, const struct str *cells, size_t count, struct err *err)
{
    static const char *const lineage[] = {LINEAGE_LOAD_ID, LINEAGE_LINE};
    struct describing *d = arg;
    const char *name = cells[2].p != NULL ? cells[2].p : "(expression)";
    int rc = 0;

    UNUSED(count);
    if (strcmp(d->key, cells[0].p) != 0) {
        rc = end_key(d, err);
        snprintf(d->key, sizeof d->key, "%s", cells[0].p);
        d->key_columns = 0;
        d->lineage_so_far = true;
        d->is_primary = strcmp(cells[1].p, "pk") == 0;
        d->has_primary_index = d->has_primary_index || d->is_primary;
        d->partial = target_cell_i64(cells[3]) != 0;
        d->unknown = false;
    }
    int at = cells[2].p != NULL ? table_find(d->t, cells[2]) : -1;
    if (at >= 0 && d->key_columns < MAX_KEY_COLUMNS)
        d->key_at[d->key_columns] = at;
    else
        d->unknown = true;
    if (at >= 0 && d->t->columns[at].collation != NULL && cells[4].p != NULL &&
        strcasecmp(d->t->columns[at].collation, cells[4].p) != 0)
        d->unknown = true;
    if (d->key_columns >= 2 || strcmp(name, lineage[d->key_columns]) != 0)
        d->lineage_so_far = false;
    if (rc == 0)
        rc = buf_addf(&d->columns, err, "%s%s", d->key_columns > 0 ? "," : "", name);
    d->key_columns++;
    return rc;
}

/* The next word of SQL, or a quoted name as a whole; comments are none. Returns its length, 0 at the end. */
static size_t token(const char **p)
{
    static const char open[] = "\"'`[", close[] = "\"'`]";

    *p += strspn(*p, " \t\r\n.");
    const char *k = **p != '\0' ? strchr(open, **p) : NULL;
    if (k != NULL) {
        const char *end = strchr(*p + 1, close[k - open]);
        return end != NULL ? (size_t)(end + 1 - *p) : strlen(*p);
    }
    return strcspn(*p, " \t\r\n.");
}

/* CREATE [TEMP] TRIGGER [IF NOT EXISTS] [schema.]name [BEFORE|AFTER|INSTEAD OF] INSERT ... What cannot be read counts. */
static bool is_insert_trigger(const char *sql)
{
    static const char *const skipped[] = {"CREATE", "TEMP", "TEMPORARY", "TRIGGER",
                                          "IF",     "NOT",  "EXISTS",    NULL};
    static const char *const events[] = {"DELETE", "UPDATE", NULL};
    bool named = false;

    for (size_t n; (n = token(&sql)) > 0; sql += n) {
        bool skip = false;
        for (size_t i = 0; !named && skipped[i] != NULL; i++)
            skip = skip || (strlen(skipped[i]) == n && strncasecmp(sql, skipped[i], n) == 0);
        for (size_t i = 0; named && events[i] != NULL; i++)
            if (strlen(events[i]) == n && strncasecmp(sql, events[i], n) == 0)
                return false;
        if (named && n == 6 && strncasecmp(sql, "INSERT", 6) == 0)
            return true;
        named = named || !skip;
    }
    return true;
}

static int on_trigger(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;

    UNUSED(count);
    if (cells[1].p != NULL && !is_insert_trigger(cells[1].p))
        return 0;
    return buf_addf(&d->triggers, err, "%s%s", d->triggers.n > 0 ? ", " : "", cells[0].p);
}

/* Of texts alone: they decide which keys are the same. */
static void take_collations(struct target *t, const char *table, struct table *def)
{
    struct sqlite_db *db = t->db;

    for (size_t i = 0; i < def->count; i++) {
        struct column *c = &def->columns[i];
        const char *collation = NULL;
        if (c->type == COL_TEXT && sqlite3_table_column_metadata(db->db, NULL, table, c->name, NULL,
                                                                 &collation, NULL, NULL, NULL) == SQLITE_OK)
            c->collation = arena_strndup(def->arena, collation, strlen(collation));
    }
}

static int read_schema(struct target *t, const char *table, struct describing *d, struct err *err)
{
    const struct val value = val_text(table);
    static const struct {
        const char *query;
        row_fn *fn;
    } parts[] = {{"schema_table", on_table}, {"schema_columns", on_column}, {"schema_keys", on_key}};
    int64_t rows = 1;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(parts); i++) {
        rc = target_run(t, parts[i].query, &value, 1, parts[i].fn, d, &rows, err);
        if (rc == 0 && parts[i].fn == on_column)
            take_collations(t, table, d->t);
        if (rc == 0 && i == 0 && rows == 0) {
            rc = err_set(err, ERR_TARGET, "table %s is not in %s", table, t->name);
            err_hint(err, "make it, set create: true, or check the name");
            err->native = TARGET_NO_TABLE;
        }
    }
    if (rc == 0)
        rc = end_key(d, err);
    if (rc == 0 && d->primary != NULL && d->primary_columns == 1 && !d->has_primary_index) {
        /* the rowid under another name: never NULL, filled by SQLite where nobody does */
        struct column *c = &d->t->columns[table_find(d->t, str_of(d->primary))];
        c->nullable = false;
        c->has_default = c->auto_increment = true;
        rc = buf_addf(&d->keys, err, "%sPRIMARY(%s)", d->keys.n > 0 ? ", " : "", d->primary);
        const int at = table_find(d->t, str_of(d->primary));
        table_add_key(d->t, "PRIMARY", &at, 1);
    }
    return rc < 0 ? rc : target_run(t, "schema_triggers", &value, 1, on_trigger, d, NULL, err);
}

int sqlite_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err)
{
    struct arena *arena = arena_new();
    struct table *def = arena_alloc(arena, sizeof *def);
    struct describing d = {
        .t = def, .keys = BUF_INIT(1 * MIB), .columns = BUF_INIT(1 * MIB), .triggers = BUF_INIT(1 * MIB)};

    *def = (struct table){.arena = arena, .name = arena_strndup(arena, table, strlen(table)), .engine = ""};
    int rc = read_schema(t, table, &d, err);
    def->unique_keys = arena_strndup(arena, d.keys.n > 0 ? d.keys.p : "", d.keys.n);
    def->triggers = arena_strndup(arena, d.triggers.n > 0 ? d.triggers.p : "", d.triggers.n);
    buf_release(&d.keys);
    buf_release(&d.columns);
    buf_release(&d.triggers);
    if (rc < 0) {
        table_free(def);
        return rc;
    }
    *ret_owned = def;
    return 0;
}

/* --- making one --- */

int sqlite_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types,
                      size_t count, struct buf *ret, struct err *err)
{
    struct arena *arena = arena_new();
    int rc;

    UNUSED(t);
    rc = buf_adds(ret, "CREATE TABLE ", err);
    if (rc == 0)
        rc = sqlite_quote(table, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (\n", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct column c = {0};
        const char *type = types[i];
        rc = column_parse_type(type, arena, &c, err);
        if (rc == 0 && c.type == COL_DECIMAL)
            type = "TEXT"; /* digit for digit; NUMERIC would make doubles of them */
        else if (rc == 0)
            read_type(arena, type, &c);
        if (rc == 0 && (c.type == COL_UNSUPPORTED || strchr(type, ';') != NULL))
            rc = err_set(err, ERR_TARGET, "column %s: orch does not load %.100s", names[i],
                         c.type == COL_UNSUPPORTED ? c.type_text : type);
        if (rc == 0)
            rc = buf_adds(ret, "  ", err);
        if (rc == 0)
            rc = sqlite_quote(names[i], false, ret, err);
        if (rc == 0)
            rc = buf_addf(ret, err, " %s,\n", type);
    }
    if (rc == 0)
        rc = buf_adds(ret,
                      "  _orch_load_id INTEGER NOT NULL,\n  _orch_line INTEGER NOT NULL,\n"
                      "  PRIMARY KEY (_orch_load_id, _orch_line)\n) WITHOUT ROWID;\n",
                      err);
    arena_free(arena);
    return rc;
}
