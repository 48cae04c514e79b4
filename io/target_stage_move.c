/* Rows from the stage into the table, range by range: counted, and what the table refuses found by halving. */
#include "base/fault.h"
#include "base/limits.h"
#include "io/target_stage_int.h"

int stage_sql(struct stage_move *m, const char *query, const struct stage_words *w, struct buf *ret,
              struct err *err)
{
    static const char *const marks[] = {"{table}", "{stage}", "{to}",     "{from}", "{match}", "{same}",
                                        "{equal}", "{set}",   "{absent}", "{sums}", NULL};
    struct target *t = m->l->t;
    struct buf table = BUF_INIT(MAX_SQL), stage = BUF_INIT(MAX_SQL);

    int rc = t->ops->quote(m->def->name, true, &table, err);
    if (rc == 0)
        rc = t->ops->quote(m->stage, true, &stage, err);
    if (rc == 0) {
        const char *const given[] = {w->to, w->from, w->match, w->same, w->equal, w->set, w->absent, w->sums};
        const char *with[ARRAY_LEN(marks)] = {table.p, stage.p};
        for (size_t i = 0; i < ARRAY_LEN(given); i++)
            with[2 + i] = given[i] != NULL ? given[i] : "";
        rc = target_replace(target_query(t, query), marks, with, ret, err);
    }
    buf_release(&table);
    buf_release(&stage);
    return rc;
}

int stage_columns(const struct stage_move *m, const char *prefix, struct buf *ret, struct err *err)
{
    const struct load_spec *s = &m->l->spec;
    int rc = buf_adds(ret, "", err);

    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        rc = buf_adds(ret, prefix, err);
        if (rc == 0)
            rc = m->l->t->ops->quote(m->def->columns[s->columns[i]].name, false, ret, err);
        if (rc == 0)
            rc = buf_adds(ret, ",", err);
    }
    return rc;
}

int stage_count(struct stage_move *m, int64_t from, int64_t to, int64_t *ret, struct err *err)
{
    const struct val values[] = {val_i64(m->l->spec.load_id), val_i64(from), val_i64(to)};

    return target_run_on(m->l->t, "rows_sum", m->stage, "", values, 3, target_row_i64, ret, NULL, err);
}

static bool is_about_data(const struct err *err)
{
    return err->code == ERR_BAD_VALUE || err->code == ERR_DUPLICATE_KEY;
}

/* Level, code, message. A note is none: it says how, not what. */
static int on_warning(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct err *first = arg;

    UNUSED(err);
    if (count != 3 || first->code != ERR_OK || cells[0].p == NULL || strcmp(cells[0].p, "Note") == 0)
        return 0;
    err_set(first, ERR_BAD_VALUE, "%s", cells[2].p != NULL ? cells[2].p : "a warning");
    err_hint(first, "the server would have changed the value");
    first->native = (int)target_cell_i64(cells[1]);
    return 0;
}

/* 0: done, *ret rows; ERR_BAD_VALUE, ERR_DUPLICATE_KEY: taken back. */
static int attempt(struct stage_move *m, const char *sql, int64_t from, int64_t to, int64_t *ret,
                   struct err *err)
{
    const struct val values[] = {val_i64(m->l->spec.load_id), val_i64(from), val_i64(to)};
    struct target *t = m->l->t;
    struct err warned = {0}, ignored;

    int rc = target_script(t, target_query(t, "savepoint"), err);
    if (rc < 0)
        return rc;
    rc = target_run_sql(t, sql, values, 3, NULL, NULL, ret, err);
    if (rc == 0)
        rc = target_run(t, "stage_warnings", NULL, 0, on_warning, &warned, NULL, err);
    if (rc == 0 && warned.code != ERR_OK) {
        *err = warned;
        rc = -(int)warned.code;
    }
    if (rc == 0)
        return target_script(t, target_query(t, "savepoint_release"), err);
    if (!is_about_data(err))
        return rc;
    int back = target_script(t, target_query(t, "savepoint_back"), &ignored);
    if (back < 0) {
        *err = ignored;
        return back;
    }
    return rc;
}

static const struct {
    int native;
    const char *code;
} mysql_codes[] = {{1048, "NOT_NULL"},     {1263, "NOT_NULL"},     {1364, "NOT_NULL"},
                   {1452, "FOREIGN_KEY"},  {1216, "FOREIGN_KEY"},  {3819, "CHECK_FAILED"},
                   {4025, "CHECK_FAILED"}, {1264, "OUT_OF_RANGE"}, {1690, "OUT_OF_RANGE"},
                   {1406, "TOO_LONG"},     {1526, "NO_PARTITION"}},
  sqlite_codes[] = {{1299, "NOT_NULL"}, {275, "CHECK_FAILED"}, {787, "FOREIGN_KEY"}};

static const char *code_of(const struct target *t, const struct err *why)
{
    if (why->code == ERR_DUPLICATE_KEY)
        return "DUPLICATE_KEY";
    for (size_t i = 0; target_is_mysql(t) && i < ARRAY_LEN(mysql_codes); i++)
        if (mysql_codes[i].native == why->native)
            return mysql_codes[i].code;
    for (size_t i = 0; !target_is_mysql(t) && i < ARRAY_LEN(sqlite_codes); i++)
        if (sqlite_codes[i].native == why->native)
            return sqlite_codes[i].code;
    return "REFUSED_BY_SERVER";
}

static int refuse(struct stage_move *m, int64_t line, const struct err *why, struct err *err)
{
    const struct val values[] = {val_i64(m->l->spec.load_id), val_i64(line)};
    struct reject_info info = {.line = line, .offset = -1, .raw = ""};

    if (m->on_reject == NULL) {
        *err = *why;
        return err_prefix(err, "line %lld", (long long)line);
    }
    snprintf(info.code, sizeof info.code, "%s", code_of(m->l->t, why));
    snprintf(info.message, sizeof info.message, "%.299s", why->msg);
    snprintf(info.hint, sizeof info.hint, "%.199s", why->hint);
    m->refused++;
    int rc = m->undo != NULL ? m->undo(m->undo_arg, line, err) : 0;
    if (rc == 0 && !m->keeps)
        rc = target_run_on(m->l->t, "stage_refused", m->stage, NULL, values, 2, NULL, NULL, NULL, err);
    return rc < 0 ? rc : m->on_reject(m->arg, &info, err);
}

/* Deep as the logarithm of a range's lines. */
int stage_move_range(struct stage_move *m, const char *sql, int64_t from, int64_t to, struct err *err)
{
    struct err why;
    int64_t rows = 0;
    int rc = attempt(m, sql, from, to, &rows, err);

    if (rc == 0) {
        m->rows += rows;
        return 0;
    }
    if (!is_about_data(err))
        return rc;
    if (to - from == 1) {
        why = *err;
        return refuse(m, from, &why, err);
    }
    int64_t middle = from + (to - from) / 2;
    rc = stage_move_range(m, sql, from, middle, err);
    return rc < 0 ? rc : stage_move_range(m, sql, middle, to, err);
}

static int publish_range(struct stage_move *m, const char *sql, const struct line_range *r, struct err *err)
{
    int64_t before = m->rows + m->refused, there = 0;
    int rc = stage_count(m, r->from, r->to, &there, err);

    if (rc == 0)
        rc = stage_move_range(m, sql, r->from, r->to, err);
    if (rc == 0 && m->rows + m->refused - before != there)
        rc = err_set(err, ERR_MISMATCH, "%lld rows of lines %lld to %lld stand in %s, and %lld went into %s",
                     (long long)there, (long long)r->from, (long long)r->to - 1, m->stage,
                     (long long)(m->rows + m->refused - before), m->def->name);
    return rc < 0 ? rc : fault_point("stage.range", err);
}

int target_stage_publish(struct load *l, const struct table *def, stage_reject_fn *on_reject, void *arg,
                         int64_t *ret_rows, struct err *err)
{
    struct stage_move m = {.l = l, .def = def, .on_reject = on_reject, .arg = arg, .keeps = true};
    struct buf to = BUF_INIT(MAX_SQL), from = BUF_INIT(MAX_SQL), sql = BUF_INIT(MAX_SQL);
    struct line_range r;

    target_stage_name(def->name, m.stage);
    int rc = stage_columns(&m, "", &to, err);
    if (rc == 0)
        rc = stage_columns(&m, "s.", &from, err);
    if (rc == 0)
        rc = stage_sql(&m, "stage_publish", &(struct stage_words){.to = to.p, .from = from.p}, &sql, err);
    if (rc == 0)
        rc = line_range_open(l->t, m.stage, l->spec.load_id, &r, err);
    while (rc == 0 && line_range_next(&r))
        rc = publish_range(&m, sql.p, &r, err);
    if (rc == 0) {
        l->inserted += m.rows;
        *ret_rows = m.rows;
    }
    buf_release(&to);
    buf_release(&from);
    buf_release(&sql);
    return rc;
}
