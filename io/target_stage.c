#include "base/limits.h"
#include "base/mem.h"
#include "io/target_stage_int.h"

enum { NAME_MAX_BYTES = 64 /* of an identifier: the server counts characters, which are fewer */ };

static const char prefix[] = "_orch_stage_";

void target_stage_name(const char *table, char out[STAGE_NAME_SIZE])
{
    const char *dot = strchr(table, '.'), *plain = dot != NULL && dot > table ? dot + 1 : table;
    size_t n = strlen(plain), keep = NAME_MAX_BYTES - sizeof prefix - 16;
    char hex[SHA256_HEX];

    if (sizeof prefix - 1 + n <= NAME_MAX_BYTES) {
        snprintf(out, STAGE_NAME_SIZE, "%.*s%s%s", (int)(plain - table), table, prefix, plain);
        return;
    }
    while (keep > 0 && ((unsigned char)plain[keep] & 0xc0) == 0x80) /* not within a character */
        keep--;
    sha256_hex(plain, n, hex);
    snprintf(out, STAGE_NAME_SIZE, "%.*s%s%.*s_%.16s", (int)(plain - table), table, prefix, (int)keep, plain,
             hex);
}

/* --- its shape --- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_column(const struct column *a, const struct column *b)
{
    if (strcmp(a->name, b->name) != 0)
        return false;
    if (table_is_lineage(a->name) || (a->type == COL_UNSUPPORTED && b->type == COL_UNSUPPORTED))
        return true;
    return same_text(a->type_text, b->type_text) && same_text(a->charset, b->charset) &&
           same_text(a->collation, b->collation);
}

/* The first column that is another one in the stage; NULL: none. */
static const char *differs(const struct table *def, const struct table *stage)
{
    for (size_t i = 0; i < def->count; i++)
        if (i >= stage->count || !same_column(&def->columns[i], &stage->columns[i]))
            return def->columns[i].name;
    return stage->count > def->count ? stage->columns[def->count].name : NULL;
}

/* 1: there, *ret is it; 0: not. */
static int find_stage(struct target *t, const char *name, struct table **ret, struct err *err)
{
    int rc = target_describe(t, name, ret, err);

    if (rc < 0 && err->code == ERR_TARGET && err->native == TARGET_NO_TABLE)
        return 0;
    return rc < 0 ? rc : 1;
}

int target_stage_check(struct target *t, const struct table *def, struct table **ret_stage_def,
                       struct err *err)
{
    char name[STAGE_NAME_SIZE];
    struct table *stage = NULL;

    target_stage_name(def->name, name);
    int rc = find_stage(t, name, &stage, err);
    if (rc < 0)
        return rc;
    const char *column = rc == 1 ? differs(def, stage) : NULL;
    if (rc == 1 && column == NULL && stage->has_lineage) {
        *ret_stage_def = stage;
        return 0;
    }
    if (rc == 0)
        err_set(err, ERR_TARGET_SETUP, "the staging table %s is missing in %s", name, target_name(t));
    else
        err_set(err, ERR_TARGET_SETUP, "the staging table %s is not as table %s is now: column %s", name,
                def->name, column != NULL ? column : LINEAGE_LOAD_ID);
    table_free(stage);
    return err_hint(err, "orch target setup makes it");
}

/* --- its index over the key --- */

static int key_name(struct target *t, const char *stage, char out[STAGE_NAME_SIZE + 16])
{
    /* an index's name is its table's own in MySQL, and the database's in SQLite */
    return snprintf(out, STAGE_NAME_SIZE + 16, "_orch_key%s", target_is_mysql(t) ? "" : stage);
}

/* The index that is there, as a key of the table. */
struct key_look {
    const struct table *def;
    int columns[MAX_KEY_COLUMNS];
    size_t n;     /* of the index's columns, load id and line among them */
    bool foreign; /* it has a column that the table has not, or another form */
};

static int on_key_column(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct key_look *k = arg;
    int at = cells[0].p != NULL ? table_find(k->def, cells[0]) : -1;

    UNUSED(count);
    UNUSED(err);
    if (at < 0 || k->n > MAX_KEY_COLUMNS || (k->n == 0 && strcmp(cells[0].p, LINEAGE_LOAD_ID) != 0))
        k->foreign = true;
    else if (k->n > 0 && !table_is_lineage(cells[0].p))
        k->columns[k->n - 1] = at;
    k->n++;
    return 0;
}

static int read_key(struct target *t, const struct table *def, struct key_look *ret, struct err *err)
{
    char stage[STAGE_NAME_SIZE], index[STAGE_NAME_SIZE + 16];

    *ret = (struct key_look){.def = def};
    target_stage_name(def->name, stage);
    key_name(t, stage, index);
    const char *dot = strchr(stage, '.');
    char *schema = dot != NULL ? xstrndup(stage, (size_t)(dot - stage)) : NULL;
    const struct val mysql[] = {val_text(schema), val_text(dot != NULL ? dot + 1 : stage), val_text(index)};
    const struct val sqlite[] = {val_text(index)};
    int rc = target_run(t, "stage_key", target_is_mysql(t) ? mysql : sqlite, target_is_mysql(t) ? 3 : 1,
                        on_key_column, ret, NULL, err);
    free(schema);
    return rc;
}

/* 1: it is there, over these columns; 0: none is; 2: over others. */
static int look_at_key(struct target *t, const struct table *def, const struct table_key *key,
                       struct err *err)
{
    struct key_look look;
    int rc = read_key(t, def, &look, err);

    if (rc < 0 || look.n == 0)
        return rc;
    if (look.foreign || look.n != key->count + 2)
        return 2;
    return memcmp(look.columns, key->columns, key->count * sizeof *key->columns) == 0 ? 1 : 2;
}

int stage_check_key(struct target *t, const struct table *def, const struct table_key *key, struct err *err)
{
    char stage[STAGE_NAME_SIZE];
    int rc = look_at_key(t, def, key, err);

    if (rc < 0 || rc == 1)
        return rc < 0 ? rc : 0;
    target_stage_name(def->name, stage);
    err_set(err, ERR_TARGET_SETUP, "the staging table %s has no index over the key", stage);
    return err_hint(err, "orch target setup makes it");
}

/* --- making it --- */

static int add_quoted(struct target *t, const char *name, const char *after, struct buf *ret, struct err *err)
{
    int rc = t->ops->quote(name, false, ret, err);

    return rc < 0 ? rc : buf_adds(ret, after, err);
}

static int add_column(struct target *t, const struct column *c, struct buf *ret, struct err *err)
{
    bool mysql = target_is_mysql(t);
    int rc = add_quoted(t, c->name, " ", ret, err);

    if (rc < 0)
        return rc;
    if (table_is_lineage(c->name))
        return buf_adds(ret, mysql ? "BIGINT NOT NULL, " : "INTEGER NOT NULL, ", err);
    if (!mysql && c->type == COL_UNSUPPORTED) /* no load fills it */
        return buf_adds(ret, "BLOB, ", err);
    rc = buf_adds(ret, c->type_text, err);
    if (rc == 0 && mysql && c->charset != NULL)
        rc = buf_addf(ret, err, " CHARACTER SET %s", c->charset);
    if (rc == 0 && c->collation != NULL)
        rc = buf_addf(ret, err, " COLLATE %s", c->collation);
    return rc < 0 ? rc : buf_adds(ret, " NULL, ", err);
}

static int create_sql(struct target *t, const struct table *def, const char *stage, struct buf *ret,
                      struct err *err)
{
    int rc = buf_adds(ret, "CREATE TABLE ", err);

    if (rc == 0)
        rc = t->ops->quote(stage, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (", err);
    for (size_t i = 0; rc == 0 && i < def->count; i++)
        rc = add_column(t, &def->columns[i], ret, err);
    if (rc == 0)
        rc = buf_adds(ret, "PRIMARY KEY (" LINEAGE_LOAD_ID ", " LINEAGE_LINE "))", err);
    return rc < 0 ? rc
                  : buf_adds(ret,
                             target_is_mysql(t)
                                 ? " ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='orch: rows on their way'"
                                 : " WITHOUT ROWID",
                             err);
}

static int key_sql(struct target *t, const struct table *def, const char *stage, const struct table_key *key,
                   struct buf *ret, struct err *err)
{
    char name[STAGE_NAME_SIZE + 16];

    key_name(t, stage, name);
    int rc = buf_adds(ret, "CREATE INDEX ", err);
    if (rc == 0)
        rc = add_quoted(t, name, " ON ", ret, err);
    if (rc == 0)
        rc = t->ops->quote(stage, true, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, " (" LINEAGE_LOAD_ID ", ", err);
    for (size_t i = 0; rc == 0 && i < key->count; i++)
        rc = add_quoted(t, def->columns[key->columns[i]].name, ", ", ret, err);
    return rc < 0 ? rc : buf_adds(ret, LINEAGE_LINE ")", err);
}

static int drop_key_sql(struct target *t, const char *stage, struct buf *ret, struct err *err)
{
    static const char *const marks[] = {"{stage}", "{key}", NULL};
    struct buf quoted = BUF_INIT(MAX_SQL), key = BUF_INIT(MAX_SQL);
    char name[STAGE_NAME_SIZE + 16];

    key_name(t, stage, name);
    int rc = t->ops->quote(stage, true, &quoted, err);
    if (rc == 0)
        rc = t->ops->quote(name, false, &key, err);
    if (rc == 0) {
        const char *const with[] = {quoted.p, key.p, NULL};
        rc = target_replace(target_query(t, "stage_key_drop"), marks, with, ret, err);
    }
    buf_release(&quoted);
    buf_release(&key);
    return rc;
}

/* What is to be done, a statement each; an empty one is none. */
struct stage_plan {
    struct buf drop, create, drop_key, create_key;
    int verdict; /* as target_stage_setup answers */
};

static int make_plan(struct target *t, const struct table *def, const struct table_key *key,
                     struct stage_plan *p, struct err *err)
{
    char name[STAGE_NAME_SIZE];
    struct table *stage = NULL;
    struct key_look old = {.n = 0};
    struct table_key kept;

    target_stage_name(def->name, name);
    int rc = find_stage(t, name, &stage, err);
    if (rc < 0)
        return rc;
    bool there = rc == 1, fits = there && differs(def, stage) == NULL && stage->has_lineage;
    table_free(stage);
    p->verdict = fits ? 0 : there ? 2 : 1;
    rc = there && !fits ? target_fill(t, "stage_drop", name, NULL, &p->drop, err) : 0;
    if (rc == 0 && !fits)
        rc = create_sql(t, def, name, &p->create, err);
    if (rc == 0 && there && !fits && key == NULL) /* made anew, it has the index that it had */
        rc = read_key(t, def, &old, err);
    if (old.n > 2 && !old.foreign) {
        kept = (struct table_key){"", old.columns, old.n - 2};
        key = &kept;
    }
    if (rc < 0 || key == NULL)
        return rc;
    int index = fits ? look_at_key(t, def, key, err) : 0;
    if (index < 0 || index == 1)
        return index < 0 ? index : 0;
    rc = index == 2 ? drop_key_sql(t, name, &p->drop_key, err) : 0;
    return rc < 0 ? rc : key_sql(t, def, name, key, &p->create_key, err);
}

static void plan_init(struct stage_plan *p)
{
    *p = (struct stage_plan){BUF_INIT(MAX_SQL), BUF_INIT(MAX_SQL), BUF_INIT(MAX_SQL), BUF_INIT(MAX_SQL), 0};
}

static void plan_release(struct stage_plan *p)
{
    buf_release(&p->drop);
    buf_release(&p->create);
    buf_release(&p->drop_key);
    buf_release(&p->create_key);
}

/* A load that is to go on with what it has staged: a stage of another shape would be its end. */
static int check_live(struct target *t, const char *stage, struct err *err)
{
    int64_t load_id = 0, rows = 0;
    int rc = target_run_on(t, "stage_live", stage, NULL, NULL, 0, target_row_i64, &load_id, &rows, err);

    if (rc < 0 || rows == 0)
        return rc;
    err_set(err, ERR_BUSY, "load %lld has rows in %s, whose columns are to change", (long long)load_id,
            stage);
    return err_hint(err, "run it again when the load is done, or orch skip it");
}

int target_stage_setup(struct target *t, const struct table *def, const struct table_key *key,
                       struct err *err)
{
    const struct buf *steps[4];
    char name[STAGE_NAME_SIZE];
    struct stage_plan p;

    plan_init(&p);
    target_stage_name(def->name, name);
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = make_plan(t, def, key, &p, err);
    if (rc == 0 && p.verdict == 2)
        rc = check_live(t, name, err);
    steps[0] = &p.drop;
    steps[1] = &p.create;
    steps[2] = &p.drop_key;
    steps[3] = &p.create_key;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(steps); i++)
        if (steps[i]->n > 0)
            rc = target_run_sql(t, steps[i]->p, NULL, 0, NULL, NULL, NULL, err);
    int verdict = p.verdict;
    plan_release(&p);
    return rc < 0 ? err_prefix(err, "staging table %s", name) : verdict;
}

int target_stage_ddl(struct target *t, const struct table *def, const struct table_key *key, struct buf *ret,
                     struct err *err)
{
    struct stage_plan p;

    plan_init(&p);
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = make_plan(t, def, key, &p, err);
    const struct buf *steps[] = {&p.drop, &p.create, &p.drop_key, &p.create_key};
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(steps); i++) {
        size_t n = steps[i]->n;
        while (n > 0 && (steps[i]->p[n - 1] == '\n' || steps[i]->p[n - 1] == ';'))
            n--;
        rc = n > 0 ? buf_add(ret, steps[i]->p, n, err) : 0;
        if (rc == 0 && n > 0)
            rc = buf_adds(ret, ";\n", err);
    }
    plan_release(&p);
    return rc;
}

/* --- what is left in it --- */

int stage_empty(struct target *t, const char *stage, int64_t load_id, struct err *err)
{
    struct line_range r;
    int rc = line_range_open(t, stage, load_id, &r, err);

    while (rc == 0 && line_range_next(&r)) {
        const struct val values[] = {val_i64(load_id), val_i64(r.from), val_i64(r.to)};
        rc = target_run_on(t, "rows_delete", stage, NULL, values, 3, NULL, NULL, NULL, err);
    }
    return rc;
}

int target_stage_clear(struct target *t, const struct table *def, int64_t load_id, struct err *err)
{
    char stage[STAGE_NAME_SIZE];
    struct line_range r;

    target_stage_name(def->name, stage);
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = line_range_open(t, stage, load_id, &r, err);
    while (rc == 0 && line_range_next(&r)) {
        const struct val values[] = {val_i64(load_id), val_i64(r.from), val_i64(r.to)};
        rc = target_begin(t, err);
        if (rc == 0)
            rc = target_end(t, target_run_on(t, "rows_delete", stage, NULL, values, 3, NULL, NULL, NULL, err),
                            err);
    }
    return rc;
}

int target_stage_next(struct target *t, const struct table *def, int64_t after, int64_t *ret_load_id,
                      bool *ret_live, struct err *err)
{
    const struct val values[] = {val_i64(after)};
    int64_t found[2] = {0, 0};
    char stage[STAGE_NAME_SIZE];

    target_stage_name(def->name, stage);
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = target_run_on(t, "stage_next", stage, NULL, values, 1, target_row_i64, found, NULL, err);
    if (rc < 0 || found[0] <= after || found[0] == 0)
        return rc;
    *ret_load_id = found[0];
    *ret_live = found[1] != 0;
    return 1;
}
