#include "base/limits.h"
#include "base/mem.h"
#include "io/target_intake.h"
#include "io/target_mysql_int.h"
#include "io/target_stage.h"

/* --- what a table looks like --- */

struct describing {
    struct table *t;
    size_t capacity;
    bool is_view;
    /* the unique keys, one after the other */
    struct buf keys, columns;
    char key[256];
    size_t key_columns;
    int key_at[MAX_KEY_COLUMNS];
    bool lineage_so_far, part, unknown; /* part: of a column's prefix; unknown: an expression, or too wide */
};

static const char *keep(struct table *t, struct str s)
{
    return s.p != NULL ? arena_strndup(t->arena, s.p, s.n) : NULL;
}

static int on_table(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;

    UNUSED(err);
    UNUSED(count);
    d->is_view = strstr(cells[0].p, "VIEW") != NULL;
    d->t->engine = d->is_view ? "view" : keep(d->t, cells[1]);
    d->t->transactional = !d->is_view && strcmp(d->t->engine, "InnoDB") == 0;
    return 0;
}

static int on_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    struct table *t = d->t;
    struct column c = {0};
    struct err unknown;

    UNUSED(count);
    if (t->count == MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "table %s has more than %d columns", t->name, MAX_COLUMNS);
    if (column_parse_type(cells[1].p, t->arena, &c, &unknown) < 0) {
        /* A type that orch does not know is no harm as long as no load fills it. */
        c.type = COL_UNSUPPORTED;
        c.type_text = keep(t, cells[1]);
    }
    const char *extra = cells[4].p != NULL ? cells[4].p : "";
    c.name = keep(t, cells[0]);
    c.nullable = strcmp(cells[2].p, "YES") == 0;
    c.generated = strstr(extra, "VIRTUAL GENERATED") != NULL || strstr(extra, "STORED GENERATED") != NULL ||
                  strstr(extra, "PERSISTENT") != NULL;
    c.auto_increment = strstr(extra, "auto_increment") != NULL;
    c.invisible = strstr(extra, "INVISIBLE") != NULL;
    c.has_default = c.nullable || c.auto_increment || cells[3].p != NULL;
    c.charset = keep(t, cells[5]);
    c.collation = keep(t, cells[6]);
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
    bool lineage = d->lineage_so_far && d->key_columns == 2 && !d->part;
    if (lineage) {
        d->t->has_lineage = true;
        d->t->made_by_orch = d->t->made_by_orch || strcmp(d->key, "PRIMARY") == 0;
    } else {
        rc = buf_addf(&d->keys, err, "%s%s(%s)", d->keys.n > 0 ? ", " : "", d->key, d->columns.p);
        if (!d->part && !d->unknown)
            table_add_key(d->t, d->key, d->key_at, d->key_columns);
    }
    buf_clear(&d->columns);
    d->key[0] = '\0';
    return rc;
}

static int on_key(void *arg, const struct str *cells, size_t count, struct err *err)
{
    static const char *const lineage[] = {LINEAGE_LOAD_ID, LINEAGE_LINE};
    struct describing *d = arg;
    const char *name = cells[1].p != NULL ? cells[1].p : "(expression)";
    int rc = 0;

    UNUSED(count);
    if (strcmp(d->key, cells[0].p) != 0) {
        rc = end_key(d, err);
        snprintf(d->key, sizeof d->key, "%s", cells[0].p);
        d->key_columns = 0;
        d->lineage_so_far = true;
        d->part = d->unknown = false;
    }
    int at = cells[1].p != NULL ? table_find(d->t, cells[1]) : -1;
    if (at >= 0 && d->key_columns < MAX_KEY_COLUMNS)
        d->key_at[d->key_columns] = at;
    else
        d->unknown = true;
    if (d->key_columns >= 2 || strcmp(name, lineage[d->key_columns]) != 0)
        d->lineage_so_far = false;
    d->part = d->part || cells[2].p != NULL;
    if (rc == 0)
        rc = buf_addf(&d->columns, err, "%s%s", d->key_columns > 0 ? "," : "", name);
    d->key_columns++;
    return rc;
}

static int on_trigger(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct buf *names = arg;

    UNUSED(count);
    return buf_addf(names, err, "%s%s", names->n > 0 ? ", " : "", cells[0].p);
}

static int read_schema(struct target *t, const char *table, struct describing *d, struct buf *triggers,
                       struct err *err)
{
    const char *dot = strchr(table, '.');
    char *schema = dot != NULL && dot > table ? xstrndup(table, (size_t)(dot - table)) : NULL;
    const struct val values[] = {val_text(schema), val_text(schema != NULL ? dot + 1 : table)};
    static const struct {
        const char *query;
        row_fn *fn;
    } parts[] = {{"schema_table", on_table}, {"schema_columns", on_column}, {"schema_keys", on_key}};
    int64_t rows = 1;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(parts); i++) {
        rc = target_run(t, parts[i].query, values, 2, parts[i].fn, d, &rows, err);
        if (rc == 0 && i == 0 && rows == 0) {
            rc = err_set(err, ERR_TARGET, "table %s is not in %s (or this user may not see it)", table,
                         t->name);
            err_hint(err, "make it, set create: true, or check the name and the user's rights");
            err->native = TARGET_NO_TABLE;
        }
    }
    if (rc == 0)
        rc = end_key(d, err);
    if (rc == 0)
        rc = target_run(t, "schema_triggers", values, 2, on_trigger, triggers, NULL, err);
    free(schema);
    return rc;
}

int mysql_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err)
{
    struct arena *arena = arena_new();
    struct table *def = arena_alloc(arena, sizeof *def);
    struct buf triggers = BUF_INIT(1 * MIB);
    struct describing d = {.t = def, .keys = BUF_INIT(1 * MIB), .columns = BUF_INIT(1 * MIB)};

    *def = (struct table){.arena = arena, .name = arena_strndup(arena, table, strlen(table)), .engine = ""};
    int rc = read_schema(t, table, &d, &triggers, err);
    def->unique_keys = arena_strndup(arena, d.keys.n > 0 ? d.keys.p : "", d.keys.n);
    def->triggers = arena_strndup(arena, triggers.n > 0 ? triggers.p : "", triggers.n);
    buf_release(&d.keys);
    buf_release(&d.columns);
    buf_release(&triggers);
    if (rc < 0) {
        table_free(def);
        return rc;
    }
    *ret_owned = def;
    return 0;
}

/* --- making one --- */

int mysql_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types,
                     size_t count, struct buf *ret, struct err *err)
{
    struct arena *arena = arena_new();
    int rc;

    UNUSED(t);
    rc = buf_adds(ret, "CREATE TABLE ", err);
    if (rc == 0)
        rc = mysql_quote(table, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (\n", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct column c = {0};
        rc = column_parse_type(types[i], arena, &c, err);
        if (rc == 0 && (c.type == COL_UNSUPPORTED || strchr(types[i], ';') != NULL))
            rc =
                err_set(err, ERR_TARGET, "column %s: '%.60s' is no type that orch loads", names[i], types[i]);
        if (rc == 0)
            rc = buf_adds(ret, "  ", err);
        if (rc == 0)
            rc = mysql_quote(names[i], false, ret, err);
        if (rc == 0)
            rc = buf_addf(ret, err, " %s%s,\n", types[i],
                          strcasestr(types[i], " NULL") != NULL ? "" : " NULL");
    }
    if (rc == 0)
        rc = buf_adds(ret,
                      "  _orch_load_id BIGINT NOT NULL,\n  _orch_line BIGINT NOT NULL,\n"
                      "  PRIMARY KEY (_orch_load_id, _orch_line)\n"
                      ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n",
                      err);
    arena_free(arena);
    return rc;
}

/* 'user'@'host' as GRANT wants it; "user" alone is for every host. */
static int add_account(const char *user, struct buf *ret, struct err *err)
{
    const char *at = strrchr(user, '@');
    const char *parts[] = {user, at != NULL ? at + 1 : "%"};
    size_t lengths[] = {at != NULL ? (size_t)(at - user) : strlen(user), strlen(parts[1])};
    int rc = 0;

    for (size_t i = 0; i < 2; i++) {
        if (rc == 0)
            rc = buf_adds(ret, i == 0 ? " TO '" : "@'", err);
        for (size_t k = 0; rc == 0 && k < lengths[i]; k++)
            rc = buf_addf(ret, err, "%s%c", parts[i][k] == '\'' || parts[i][k] == '\\' ? "\\" : "",
                          parts[i][k]);
        if (rc == 0)
            rc = buf_adds(ret, "'", err);
    }
    return rc < 0 ? rc : buf_adds(ret, ";\n", err);
}

int mysql_grants(struct target *t, const char *user, const char *table, const char *copy, bool upserts,
                 struct buf *ret, struct err *err)
{
    char stage[STAGE_NAME_SIZE];

    /* TRIGGER: without it the user cannot see that a table has none. DELETE: for replays and overwritten objects. */
    const struct {
        const char *rights, *table;
    } rows[] = {
        {upserts ? "SELECT, INSERT, UPDATE, DELETE, TRIGGER" : "SELECT, INSERT, DELETE, TRIGGER", table},
        {"SELECT, INSERT, UPDATE, DELETE", "orch_load"},
        {"SELECT, INSERT, UPDATE", "orch_fence"},
        {"SELECT, INSERT", "orch_reject"},
        {"SELECT, INSERT, UPDATE, DELETE", copy},
        {"SELECT, INSERT, DELETE", table != NULL ? stage : NULL}, /* last: it may be yet to be made */
    };
    const char *database = strrchr(t->name, '/') + 1;
    int rc = 0;

    if (table != NULL)
        target_stage_name(table, stage);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++) {
        if (rows[i].table == NULL)
            continue;
        char *name = strchr(rows[i].table, '.') != NULL ? xstrdup(rows[i].table)
                                                        : xasprintf("%s.%s", database, rows[i].table);
        rc = buf_addf(ret, err, "GRANT %s ON ", rows[i].rights);
        if (rc == 0)
            rc = mysql_quote(name, true, ret, err);
        free(name);
        if (rc == 0)
            rc = add_account(user, ret, err);
    }
    return rc;
}

/* Of a name with or without its database. */
static int grant_on(struct target *t, const char *right, const char *table, const char *user, struct buf *ret,
                    struct err *err)
{
    const char *database = strrchr(t->name, '/') + 1;
    char *name = strchr(table, '.') != NULL ? xstrdup(table) : xasprintf("%s.%s", database, table);
    int rc = buf_addf(ret, err, "GRANT %s ON ", right);

    if (rc == 0)
        rc = mysql_quote(name, true, ret, err);
    free(name);
    return rc < 0 ? rc : add_account(user, ret, err);
}

int target_intake_grants(struct target *t, const char *user, const char *table, const char *const *references,
                         size_t n, struct buf *ret, struct err *err)
{
    int rc = target_is_mysql(t) ? 0 : err_set(err, ERR_CONFIG, "%s has no grants", target_name(t));

    if (rc == 0)
        rc = grant_on(t, "SELECT, INSERT, TRIGGER", table, user, ret, err);
    if (rc == 0)
        rc = grant_on(t, "SELECT, INSERT, UPDATE", "orch_intake", user, ret, err);
    if (rc == 0)
        rc = grant_on(t, "SELECT, INSERT", "orch_intake_reject", user, ret, err);
    /* a row that is looked up is locked as well, and MySQL asks for more than SELECT for that */
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = grant_on(t, mysqlc_is_mariadb(mysql_db(t)->c) ? "SELECT" : "SELECT, UPDATE", references[i], user,
                      ret, err);
    return rc;
}

int target_read_grants(struct target *t, const char *user, const char *const *tables, size_t n, bool several,
                       struct buf *ret, struct err *err)
{
    int rc = target_is_mysql(t) ? 0 : err_set(err, ERR_CONFIG, "%s has no grants", target_name(t));

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = grant_on(t, "SELECT", tables[i], user, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, "GRANT PROCESS ON *.*", err);
    if (rc == 0)
        rc = add_account(user, ret, err);
    if (rc == 0 && several)
        rc = buf_adds(ret, "GRANT RELOAD ON *.*", err);
    if (rc == 0 && several)
        rc = add_account(user, ret, err);
    return rc;
}
