#include "io/target_upsert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_stage_int.h"
#include <strings.h>

enum { MAX_OWNERS = 256 /* whose records are held in memory before they are written */ };

/* --- the key --- */

static bool has_column(const struct table *def, const struct table_key *key, const char *name)
{
    for (size_t i = 0; i < key->count; i++)
        if (strcasecmp(def->columns[key->columns[i]].name, name) == 0)
            return true;
    return false;
}

static const struct table_key *find_key(const struct table *def, const char *const *names)
{
    for (size_t i = 0; i < def->key_count; i++) {
        const struct table_key *key = &def->keys[i];
        size_t n = 0;
        bool all = true;
        for (; names != NULL && names[n] != NULL; n++)
            all = all && has_column(def, key, names[n]);
        if (n == 0 ? strcmp(key->name, "PRIMARY") == 0 : all && n == key->count)
            return key;
    }
    return NULL;
}

int target_upsert_key(const struct table *def, const char *const *names, const struct table_key **ret,
                      struct err *err)
{
    const struct table_key *key = find_key(def, names);
    bool named = names != NULL && names[0] != NULL;
    char list[300] = "";
    size_t at = 0;

    if (!def->has_lineage) {
        err_set(err, ERR_TARGET,
                "table %s has no lineage columns, and without them nobody knows which row is newer",
                def->name);
        return err_hint(err, "orch lineage add %s", def->name);
    }
    for (size_t i = 0; named && names[i] != NULL && at + 70 < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.64s", i > 0 ? ", " : "", names[i]);
    if (key == NULL) {
        err_set(err, ERR_TARGET,
                named ? "table %s has no unique key over exactly (%s)"
                      : "table %s has no primary key to upsert by%s",
                def->name, list);
        return err_hint(err, "its unique keys: %.200s; \"key\": [...] names the columns of one of them",
                        def->unique_keys[0] != '\0' ? def->unique_keys : "none");
    }
    for (size_t i = 0; i < key->count; i++) {
        const struct column *c = &def->columns[key->columns[i]];
        if (!c->nullable && !c->generated)
            continue;
        err_set(err, ERR_TARGET, "column %s of the key %s of table %s %s", c->name, key->name, def->name,
                c->nullable ? "may be NULL, and no NULL equals another" : "is generated: no file fills it");
        return err_hint(err, "declare it NOT NULL, or name another key");
    }
    *ret = key;
    return 0;
}

int target_upsert_check(struct target *t, const struct table *def, const struct table_key *key,
                        struct err *err)
{
    return stage_check_key(t, def, key, err);
}

/* --- words of the statements --- */

struct merge {
    struct stage_move move;
    const struct table_key *key;
    struct sums *owned; /* of the load: which columns are used */
    struct buf to, from, match, same, equal, set, absent, sql;
    struct owner {
        int64_t load_id;
        struct sums taken;
    } owners[MAX_OWNERS];
    size_t owner_count;
    struct upsert_counts counts;
    int64_t matched; /* rows of the load that found one of their key */
    bool undoing;
};

static bool in_key(const struct merge *m, int column)
{
    for (size_t i = 0; i < m->key->count; i++)
        if (m->key->columns[i] == column)
            return true;
    return false;
}

/* "a.col" + middle + "b.col" */
static int pair(struct merge *m, const char *column, const char *a, const char *middle, const char *b,
                struct buf *ret, struct err *err)
{
    const struct target_ops *ops = m->move.l->t->ops;
    int rc = buf_adds(ret, a, err);

    if (rc == 0)
        rc = ops->quote(column, false, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, middle, err);
    if (rc == 0)
        rc = buf_adds(ret, b, err);
    return rc < 0 ? rc : ops->quote(column, false, ret, err);
}

static int key_words(struct merge *m, struct err *err)
{
    const struct table *def = m->move.def;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->key->count; i++) {
        const char *name = def->columns[m->key->columns[i]].name;
        const char *and = i > 0 ? " AND " : "";
        rc = buf_adds(&m->match, and, err);
        if (rc == 0)
            rc = pair(m, name, "t.", " = ", "s.", &m->match, err);
        if (rc == 0)
            rc = buf_adds(&m->same, and, err);
        if (rc == 0)
            rc = pair(m, name, "r.", " = ", "s.", &m->same, err);
    }
    if (rc == 0)
        rc = buf_adds(&m->absent, "t.", err);
    if (rc == 0)
        rc = m->move.l->t->ops->quote(def->columns[m->key->columns[0]].name, false, &m->absent, err);
    return rc < 0 ? rc : buf_adds(&m->absent, " IS NULL", err);
}

/* Equal as bytes, NULL included: what a collation takes for equal is a change all the same. */
static int equal_word(struct merge *m, const struct column *c, struct err *err)
{
    bool mysql = target_is_mysql(m->move.l->t), text = c->type == COL_TEXT;

    if (!text)
        return pair(m, c->name, " AND t.", mysql ? " <=> " : " IS ", "s.", &m->equal, err);
    int rc = pair(m, c->name, mysql ? " AND CAST(t." : " AND t.",
                  mysql ? " AS BINARY) <=> CAST(" : " COLLATE BINARY IS ", "s.", &m->equal, err);
    return rc < 0 || !mysql ? rc : buf_adds(&m->equal, " AS BINARY)", err);
}

static int value_words(struct merge *m, struct err *err)
{
    const struct load_spec *s = &m->move.l->spec;
    bool mysql = target_is_mysql(m->move.l->t);
    int rc = buf_adds(&m->equal, "1 = 1", err);

    if (rc == 0)
        rc = buf_adds(&m->set, "", err);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        const struct column *c = &m->move.def->columns[s->columns[i]];
        if (in_key(m, s->columns[i]) && c->type != COL_TEXT)
            continue;
        rc = equal_word(m, c, err); /* a key's text may be written otherwise, and equal under its collation */
        if (rc == 0)
            rc = pair(m, c->name, mysql ? ", t." : ", ", " = ", "s.", &m->set, err);
    }
    return rc;
}

static int words(struct merge *m, struct err *err)
{
    int rc = stage_columns(&m->move, "", &m->to, err);

    if (rc == 0)
        rc = stage_columns(&m->move, "s.", &m->from, err);
    if (rc == 0)
        rc = key_words(m, err);
    return rc < 0 ? rc : value_words(m, err);
}

static int statement(struct merge *m, const char *query, const char *sums, struct err *err)
{
    const struct stage_words w = {.to = m->to.p,
                                  .from = m->from.p,
                                  .match = m->match.p,
                                  .same = m->same.p,
                                  .equal = m->equal.p,
                                  .set = m->set.p,
                                  .absent = m->absent.p,
                                  .sums = sums};

    return stage_sql(&m->move, query, &w, &m->sql, err);
}

/* --- the records of those who owned the rows before --- */

/* A record's share of the sums; what cannot be read any more (a column that is gone) has counts alone. */
static int write_record(struct merge *m, const struct owner *o, const char *columns, int64_t rows_loaded,
                        struct err *err)
{
    struct upsert_counts counts = {.owned = rows_loaded};
    struct sums recorded = {0};
    struct err ignored;
    json_t *old = NULL, *json = NULL;
    char *text = NULL;

    int rc = upsert_from_text(columns, &counts, err);
    if (rc < 0)
        return rc;
    counts.owned -= o->taken.rows;
    if (columns[0] != '\0' && json_parse(columns, strlen(columns), "a ledger row", &old, &ignored) == 0 &&
        sums_from_json(old, 0, m->move.def, &recorded, &ignored) == 0) {
        sums_take(&recorded, &o->taken);
        json = sums_to_json(&recorded, m->move.def);
        sums_release(&recorded);
    }
    json_decref(old);
    if (json == NULL)
        json = json_object();
    json_object_set_new(json, SUMS_UPSERT, upsert_to_json(&counts));
    text = json_text(json);
    const struct val values[] = {val_text(text), val_i64(o->load_id)};
    rc = target_run(m->move.l->t, "ledger_record_set", values, 2, NULL, NULL, NULL, err);
    json_decref(json);
    free(text);
    return rc;
}

struct record {
    char *columns; /* owned */
    int64_t rows_loaded;
};

static int on_record(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct record *r = arg;

    UNUSED(count);
    UNUSED(err);
    free(r->columns);
    r->columns = cells[0].p != NULL ? xstrndup(cells[0].p, cells[0].n) : xstrdup("");
    r->rows_loaded = target_cell_i64(cells[1]);
    return 0;
}

static int flush_owners(struct merge *m, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < m->owner_count; i++) {
        struct owner *o = &m->owners[i];
        const struct val id[] = {val_i64(o->load_id)};
        struct record r = {NULL, 0};
        if (rc == 0 && o->taken.rows != 0)
            rc = target_run(m->move.l->t, "ledger_record", id, 1, on_record, &r, NULL, err);
        if (rc == 0 && r.columns != NULL)
            rc = write_record(m, o, r.columns, r.rows_loaded, err);
        free(r.columns);
        sums_release(&o->taken);
    }
    m->owner_count = 0;
    return rc;
}

static struct owner *owner_of(struct merge *m, int64_t load_id, struct err *err)
{
    for (size_t i = 0; i < m->owner_count; i++)
        if (m->owners[i].load_id == load_id)
            return &m->owners[i];
    if (m->owner_count == MAX_OWNERS && flush_owners(m, err) < 0)
        return NULL;
    struct owner *o = &m->owners[m->owner_count++];
    o->load_id = load_id;
    sums_init(&o->taken, m->move.def->count);
    for (size_t i = 0; i < m->move.def->count; i++)
        o->taken.used[i] = !table_is_lineage(m->move.def->columns[i].name) &&
                           m->move.def->columns[i].type != COL_UNSUPPORTED;
    return o;
}

/* Owner, how many of its rows are the same, then what sum_cells reads. */
struct taking {
    struct merge *m;
    struct summing s;
};

static int on_taken(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct taking *k = arg;
    struct merge *m = k->m;
    int64_t sign = m->undoing ? -1 : 1;
    struct sums part;

    if (k->s.count_rows) {
        m->matched += sign * target_cell_i64(cells[2]);
        m->counts.unchanged += sign * target_cell_i64(cells[1]);
    }
    if (cells[0].p == NULL) /* a row of nobody: no record to keep */
        return 0;
    struct owner *o = owner_of(m, target_cell_i64(cells[0]), err);
    if (o == NULL)
        return -(int)err->code;
    sums_init(&part, m->move.def->count);
    memcpy(part.used, o->taken.used, part.count * sizeof *part.used);
    k->s.sums = m->undoing ? &part : &o->taken;
    int rc = sum_cells(&k->s, cells + 2, count - 2, err);
    if (rc == 0 && m->undoing)
        sums_take(&o->taken, &part);
    sums_release(&part);
    return rc;
}

static int take_over(struct merge *m, int64_t from, int64_t to, struct err *err)
{
    const struct val values[] = {val_i64(m->move.l->spec.load_id), val_i64(from), val_i64(to)};
    struct buf columns = BUF_INIT(MAX_SQL);
    struct sums wanted = {0};
    struct taking k = {
        .m = m,
        .s = {.t = m->move.l->t, .def = m->move.def, .lines = to - from, .count_rows = true, .prefix = "t."}};
    int rc = 0;

    sums_init(&wanted, m->move.def->count);
    for (size_t i = 0; i < wanted.count; i++)
        wanted.used[i] = !table_is_lineage(m->move.def->columns[i].name) &&
                         m->move.def->columns[i].type != COL_UNSUPPORTED;
    do { /* as many columns at once as fit a statement */
        k.s.sums = &wanted;
        rc = sum_columns(m->move.l->t, &k.s, &columns, err);
        if (rc == 0)
            rc = statement(m, "upsert_taken", columns.n > 0 ? columns.p : "", err);
        if (rc == 0)
            rc = target_run_sql(m->move.l->t, m->sql.p, values, 3, on_taken, &k, NULL, err);
        k.s.from = k.s.to;
        k.s.count_rows = false;
    } while (rc == 0 && k.s.from < m->move.def->count);
    sums_release(&wanted);
    buf_release(&columns);
    return rc;
}

static int undo(void *arg, int64_t line, struct err *err)
{
    struct merge *m = arg;

    m->undoing = true;
    int rc = take_over(m, line, line + 1, err);
    m->undoing = false;
    return rc;
}

/* --- the parts of a merge, each in ranges --- */

typedef int part_fn(struct merge *m, const struct line_range *r, const char *sql, struct err *err);

static int each_range(struct merge *m, const char *query, part_fn *fn, struct err *err)
{
    struct load *l = m->move.l;
    struct line_range r;
    char *sql = NULL;

    int rc = statement(m, query, NULL, err);
    if (rc == 0)
        rc = line_range_open(l->t, m->move.stage, l->spec.load_id, &r, err);
    if (rc == 0)
        sql = xstrdup(m->sql.p);
    while (rc == 0 && line_range_next(&r))
        rc = fn(m, &r, sql, err);
    free(sql);
    return rc < 0 ? rc : fault_point(query, err);
}

static int repeated(struct merge *m, const struct line_range *r, const char *sql, struct err *err)
{
    const struct load *l = m->move.l;
    const struct val values[] = {val_i64(l->spec.load_id), val_i64(r->from), val_i64(r->to)};
    int64_t rows = 0;
    int rc = target_run_sql(l->t, sql, values, ARRAY_LEN(values), NULL, NULL, &rows, err);

    m->counts.repeated += rows;
    return rc;
}

static int kept(struct merge *m, const struct line_range *r, const char *sql, struct err *err)
{
    const struct load *l = m->move.l;
    const struct val values[] = {
        val_i64(l->spec.load_id),    val_i64(r->from),           val_i64(r->to), val_text(l->spec.partition),
        val_text(l->spec.partition), val_i64(l->spec.generation)};
    int64_t rows = 0;
    int rc = target_run_sql(l->t, sql, values, ARRAY_LEN(values), NULL, NULL, &rows, err);

    m->counts.kept += rows;
    return rc;
}

static int update(struct merge *m, const struct line_range *r, const char *sql, struct err *err)
{
    int rc = take_over(m, r->from, r->to, err);

    return rc < 0 ? rc : stage_move_range(&m->move, sql, r->from, r->to, err);
}

static int insert(struct merge *m, const struct line_range *r, const char *sql, struct err *err)
{
    return stage_move_range(&m->move, sql, r->from, r->to, err);
}

/* What the load owns now, in the table, against what is left of it in the stage. */
static int verify(struct merge *m, struct err *err)
{
    struct load *l = m->move.l;
    struct table staged = *m->move.def;
    struct sums source = {0};
    struct sums_diff diff;

    staged.name = m->move.stage;
    sums_init(&source, staged.count);
    memcpy(source.used, m->owned->used, staged.count * sizeof *source.used);
    sums_unbound(m->owned); /* the decimal sums: they are what the ledger keeps, and later loads take from */
    int rc = table_sums(l->t, &staged, l->spec.load_id, &source, err);
    if (rc == 0)
        rc = table_sums(l->t, m->move.def, l->spec.load_id, m->owned, err);
    if (rc == 0 && sums_compare(&source, m->owned, m->move.def, &diff, 1) > 0)
        rc = err_set(
            err, ERR_MISMATCH, "%s%s: %s is %s in the stage and %s in the table; nothing was committed",
            diff.column[0] != '\0' ? "column " : "rows", diff.column, diff.what, diff.source, diff.target);
    sums_release(&source);
    return rc;
}

/* One merge into a table at a time: two that do not see each other's rows would both insert them. */
static int lock_table(struct merge *m, struct err *err)
{
    char *name = xasprintf("upsert into %.200s", m->move.def->name); /* no pipeline's name has blanks */
    const struct val values[] = {val_text(name)};
    int rc = target_run(m->move.l->t, "fence_touch", values, 1, NULL, NULL, NULL, err);

    free(name);
    return rc;
}

static int key_is_filled(const struct merge *m, struct err *err)
{
    const struct load_spec *s = &m->move.l->spec;

    for (size_t i = 0; i < m->key->count; i++) {
        bool filled = false;
        for (size_t k = 0; k < s->column_count; k++)
            filled = filled || s->columns[k] == m->key->columns[i];
        if (!filled)
            return err_set(err, ERR_SCHEMA, "column %s of the key is not in the file",
                           m->move.def->columns[m->key->columns[i]].name);
    }
    return 0;
}

static int merge(struct merge *m, struct err *err)
{
    struct load *l = m->move.l;
    int rc = key_is_filled(m, err);

    if (rc == 0)
        rc = lock_table(m, err);
    if (rc == 0)
        rc = words(m, err);
    if (rc == 0)
        rc = each_range(m, "upsert_repeated", repeated, err);
    if (rc == 0)
        rc = each_range(m, "upsert_kept", kept, err);
    m->move.undo = undo;
    m->move.undo_arg = m;
    if (rc == 0)
        rc = each_range(m, "upsert_update", update, err);
    if (rc == 0 && m->move.rows != m->matched)
        rc =
            err_set(err, ERR_MISMATCH, "%lld rows of the table have a key of the load, and %lld were updated",
                    (long long)m->matched, (long long)m->move.rows);
    m->counts.updated = m->matched - m->counts.unchanged;
    m->move.undo = NULL;
    m->move.rows = 0;
    if (rc == 0)
        rc = each_range(m, "upsert_insert", insert, err);
    m->counts.inserted = m->move.rows;
    if (rc == 0)
        rc = verify(m, err);
    m->counts.owned = m->owned->rows;
    l->inserted -= m->move.refused;
    const struct upsert_counts *c = &m->counts;
    int64_t all = c->inserted + c->updated + c->unchanged + c->kept + c->repeated;
    if (rc == 0 && (all != l->inserted || c->owned != all - c->kept - c->repeated))
        rc = err_set(err, ERR_MISMATCH, "%lld rows were staged, and %lld are accounted for",
                     (long long)l->inserted, (long long)all);
    if (rc == 0)
        rc = flush_owners(m, err);
    return rc < 0 ? rc : stage_empty(l->t, m->move.stage, l->spec.load_id, err);
}

int target_upsert_merge(struct load *l, const struct table *def, const struct table_key *key,
                        struct sums *io_owned, stage_reject_fn *on_reject, void *arg,
                        struct upsert_counts *ret, struct err *err)
{
    struct merge *m = xcalloc(1, sizeof *m);
    struct buf *bufs[] = {&m->to, &m->from, &m->match, &m->same, &m->equal, &m->set, &m->absent, &m->sql};

    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        *bufs[i] = (struct buf)BUF_INIT(MAX_SQL);
    m->move = (struct stage_move){.l = l, .def = def, .on_reject = on_reject, .arg = arg};
    target_stage_name(def->name, m->move.stage);
    m->key = key;
    m->owned = io_owned;
    int rc = target_load_settle(l, err);
    if (rc == 0)
        rc = merge(m, err);
    if (rc == 0)
        *ret = m->counts;
    for (size_t i = 0; i < m->owner_count; i++)
        sums_release(&m->owners[i].taken);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_release(bufs[i]);
    free(m);
    return rc;
}

/* --- counts as they are kept --- */

json_t *upsert_to_json(const struct upsert_counts *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "inserted", (json_int_t)c->inserted, "updated",
                     (json_int_t)c->updated, "unchanged", (json_int_t)c->unchanged, "kept",
                     (json_int_t)c->kept, "repeated", (json_int_t)c->repeated, "owned", (json_int_t)c->owned);
}

int upsert_from_text(const char *columns, struct upsert_counts *ret, struct err *err)
{
    json_t *v = NULL;

    if (columns == NULL || strstr(columns, "\"" SUMS_UPSERT "\"") == NULL)
        return 0;
    int rc = json_parse(columns, strlen(columns), "counts of an upsert", &v, err);
    const json_t *o = json_object_get(v, SUMS_UPSERT);
    if (rc == 0 && json_is_object(o)) {
        const struct {
            const char *name;
            int64_t *to;
        } fields[] = {{"inserted", &ret->inserted},   {"updated", &ret->updated},
                      {"unchanged", &ret->unchanged}, {"kept", &ret->kept},
                      {"repeated", &ret->repeated},   {"owned", &ret->owned}};
        rc = 1;
        for (size_t i = 0; rc == 1 && i < ARRAY_LEN(fields); i++)
            if (json_get_i64(o, fields[i].name, 0, fields[i].to, err) < 0)
                rc = -(int)err->code;
    }
    json_decref(v);
    return rc;
}

void upsert_add(struct upsert_counts *a, const struct upsert_counts *b)
{
    a->inserted += b->inserted;
    a->updated += b->updated;
    a->unchanged += b->unchanged;
    a->kept += b->kept;
    a->repeated += b->repeated;
    a->owned += b->owned;
}
