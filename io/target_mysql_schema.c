/* What MySQL and MariaDB tables look like, and the statements that make them. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_mysql_int.h"

static int quote_one(const char *name, size_t n, struct buf *ret, struct err *err)
{
    int rc = buf_adds(ret, "`", err);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = buf_add(ret, name + i, 1, err);
        if (rc == 0 && name[i] == '`')
            rc = buf_add(ret, "`", 1, err);
    }
    return rc == 0 ? buf_adds(ret, "`", err) : rc;
}

/* A table may be written as database.table. */
int my_quote(const char *name, bool qualified, struct buf *ret, struct err *err)
{
    const char *dot = qualified ? strchr(name, '.') : NULL;
    int rc = 0;

    if (dot != NULL) {
        rc = quote_one(name, (size_t)(dot - name), ret, err);
        if (rc == 0)
            rc = buf_adds(ret, ".", err);
        name = dot + 1;
    }
    return rc == 0 ? quote_one(name, strlen(name), ret, err) : rc;
}

struct describing {
    struct table *t;
    bool found;
    struct buf keys;
    char index[256], columns[1024]; /* the index whose columns are being collected */
    bool partial;
    struct column *list;            /* grows; moved into the arena at the end */
};

static const char *keep(struct table *t, struct str s)
{
    return arena_strndup(t->arena, s.p ? s.p : "", s.p ? s.n : 0);
}

static int on_table(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;

    UNUSED(count);
    UNUSED(err);
    d->found = true;
    d->t->engine = str_is(cells[0], "BASE TABLE") ? keep(d->t, cells[1]) : "view";
    d->t->transactional = strcasecmp(d->t->engine, "InnoDB") == 0;
    return 0;
}

/* name, type, nullable, default, extra, charset, collation */
static int on_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    struct table *t = d->t;
    struct column c = {.max_chars = -1, .max_bytes = -1};

    UNUSED(count);
    if (t->count == MAX_COLUMNS)
        return err_set(err, ERR_TOO_LARGE, "table %s has more than %u columns", t->name, (unsigned)MAX_COLUMNS);
    const char *type = keep(t, cells[1]), *extra = keep(t, cells[4]), *fallback = keep(t, cells[3]);
    int rc = column_parse_type(type, t->arena, &c, err);
    if (rc < 0)
        return err_prefix(err, "table %s column %s", t->name, cells[0].p);
    c.name = keep(t, cells[0]);
    c.type_text = type;
    c.nullable = str_is(cells[2], "YES");
    c.auto_increment = strcasestr(extra, "auto_increment") != NULL;
    c.generated = strcasestr(extra, "virtual") != NULL || strcasestr(extra, "stored") != NULL ||
                  strcasestr(extra, "persistent") != NULL;
    c.invisible = strcasestr(extra, "invisible") != NULL;
    c.has_default = cells[3].p != NULL && strcasecmp(fallback, "null") != 0; /* MariaDB writes NULL as a word */
    c.charset = cells[5].p != NULL ? keep(t, cells[5]) : NULL;
    c.collation = cells[6].p != NULL ? keep(t, cells[6]) : NULL;
    d->list = xrealloc(d->list, (t->count + 1) * sizeof *d->list);
    d->list[t->count++] = c;
    return 0;
}

static int end_index(struct describing *d, struct err *err)
{
    if (d->index[0] == '\0')
        return 0;
    if (strcmp(d->columns, LINEAGE_LOAD_ID "," LINEAGE_LINE) == 0 && !d->partial) {
        d->t->has_lineage = true;
        d->t->made_by_orch = d->t->made_by_orch || strcmp(d->index, "PRIMARY") == 0;
        return 0;
    }
    return buf_addf(&d->keys, err, "%s%s(%s)", d->keys.n > 0 ? ", " : "", d->index, d->columns);
}

/* index, column, length of a prefix: in order of index and column */
static int on_key(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    int rc = 0;

    UNUSED(count);
    if (strcmp(d->index, cells[0].p) != 0) {
        rc = end_index(d, err);
        snprintf(d->index, sizeof d->index, "%s", cells[0].p);
        d->columns[0] = '\0';
        d->partial = false;
    }
    size_t n = strlen(d->columns);
    snprintf(d->columns + n, sizeof d->columns - n, "%s%s", n > 0 ? "," : "", cells[1].p ? cells[1].p : "(expression)");
    d->partial = d->partial || cells[2].p != NULL;
    return rc;
}

static int on_trigger(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct describing *d = arg;
    char *all = xasprintf("%s%s%s", d->t->triggers, d->t->triggers[0] != '\0' ? ", " : "", cells[0].p);

    UNUSED(count);
    UNUSED(err);
    d->t->triggers = arena_strndup(d->t->arena, all, strlen(all));
    free(all);
    return 0;
}

static int read_schema(struct target *t, struct describing *d, struct err *err)
{
    const char *table = d->t->name, *dot = strchr(table, '.');
    char *schema = dot != NULL ? xstrndup(table, (size_t)(dot - table)) : NULL;
    const struct val names[] = {val_text(schema), val_text(dot != NULL ? dot + 1 : table)};

    int rc = target_run(t, "schema_table", names, 2, on_table, d, NULL, err);
    if (rc == 0 && !d->found) {
        err_set(err, ERR_TARGET, "there is no table %s in %s, or none that this user may see", table, t->name);
        rc = err_hint(err, "make it, or orch target setup with \"create\": true");
        err->native = TARGET_NO_TABLE;
    }
    if (rc == 0)
        rc = target_run(t, "schema_columns", names, 2, on_column, d, NULL, err);
    if (rc == 0)
        rc = target_run(t, "schema_keys", names, 2, on_key, d, NULL, err);
    if (rc == 0)
        rc = end_index(d, err);
    if (rc == 0)
        rc = target_run(t, "schema_triggers", names, 2, on_trigger, d, NULL, err);
    free(schema);
    return rc;
}

int my_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err)
{
    struct arena *a = arena_new();
    struct table *def = arena_alloc(a, sizeof *def);
    struct describing d = {.t = def};

    memset(def, 0, sizeof *def);
    buf_init(&d.keys, 64 * KIB);
    def->arena = a;
    def->name = arena_strndup(a, table, strlen(table));
    def->triggers = "";
    int rc = read_schema(t, &d, err);
    if (rc == 0) {
        def->unique_keys = d.keys.n > 0 ? arena_strndup(a, d.keys.p, d.keys.n) : "";
        def->columns = arena_alloc(a, (def->count + 1) * sizeof *def->columns);
        if (def->count > 0)
            memcpy(def->columns, d.list, def->count * sizeof *def->columns);
        *ret_owned = def;
    } else {
        arena_free(a);
    }
    free(d.list);
    buf_release(&d.keys);
    return rc;
}

int my_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types, size_t count,
                  struct buf *ret, struct err *err)
{
    UNUSED(t);
    int rc = buf_adds(ret, "CREATE TABLE ", err);
    if (rc == 0)
        rc = my_quote(table, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (\n  " LINEAGE_LOAD_ID " BIGINT NOT NULL,\n  " LINEAGE_LINE " BIGINT NOT NULL,\n", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = buf_adds(ret, "  ", err);
        if (rc == 0)
            rc = my_quote(names[i], false, ret, err);
        if (rc == 0)
            rc = buf_addf(ret, err, " %s NULL,\n", types[i]);
    }
    return rc == 0 ? buf_adds(ret,
                              "  PRIMARY KEY (" LINEAGE_LOAD_ID ", " LINEAGE_LINE ")\n"
                              ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;\n",
                              err)
                   : rc;
}

int my_grants(struct target *t, const char *user, const char *table, struct buf *ret, struct err *err)
{
    struct buf quoted = BUF_INIT(64 * KIB);
    int rc = my_quote(table, true, &quoted, err);

    UNUSED(t);
    if (rc == 0)
        rc = buf_addf(ret, err,
                      "GRANT SELECT, INSERT, DELETE ON %s TO %s;\n"
                      "GRANT SELECT, INSERT, UPDATE ON orch_load TO %s;\n"
                      "GRANT SELECT, INSERT, UPDATE ON orch_fence TO %s;\n",
                      quoted.p, user, user, user);
    buf_release(&quoted);
    return rc;
}

/* docs/cleaning.md: exact on the server as in sums.c. */
int my_sum_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    switch (sum_kind_of(c)) {
    case SUM_NUMBER:
        if (c->type == COL_DECIMAL)
            return buf_addf(ret, err, ",SUM(%s)", quoted);
        return buf_addf(ret, err, ",SUM(CAST(%s%s AS DECIMAL(65,0)))", quoted, c->type == COL_BIT ? "+0" : "");
    case SUM_DOUBLE:
        return buf_addf(ret, err, ",SUM(IF(ABS(%s)<1e25,CAST(%s AS DECIMAL(65,30)),0)),SUM(NOT ABS(%s)<1e25)", quoted,
                        quoted, quoted);
    case SUM_CRC:
        if (c->type == COL_BINARY)
            return buf_addf(ret, err, ",SUM(CRC32(%s))", quoted);
        return buf_addf(ret, err, ",SUM(CRC32(CONVERT(%s USING utf8mb4)))", quoted);
    case SUM_NONE:
        break;
    }
    return 0;
}
