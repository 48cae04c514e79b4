#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_sums_int.h"

enum {
    FIRST_RANGE = 10000,
    QUICK_MS = 700,       /* a statement that took less may cover twice as much next time */
    SLOW_MS = 2500,       /* one that took more, half */
    CELLS_AT_ONCE = 2500, /* of a SELECT: the server's limit is 4,096 expressions */
    SQL_AT_ONCE = 512 * 1024,
    MANY = 32, /* loads of a SELECT; each of them is a file so small that it shares a transaction */
};

int line_range_open(struct target *t, const char *table, int64_t load_id, struct line_range *ret,
                    struct err *err)
{
    const struct val values[] = {val_i64(load_id)};
    int64_t borders[2] = {0, 0};

    int rc = target_run_on(t, "rows_borders", table, NULL, values, 1, target_row_i64, borders, NULL, err);
    *ret = (struct line_range){.to = borders[0], .end = borders[1] + 1, .width = FIRST_RANGE};
    return rc;
}

bool line_range_next(struct line_range *r)
{
    int64_t now_ms = clock_mono_ms(), took_ms = now_ms - r->started_ms;

    if (r->started_ms != 0 && took_ms < QUICK_MS)
        r->width = r->width * 2 < VERIFY_RANGE ? r->width * 2 : VERIFY_RANGE;
    else if (r->started_ms != 0 && took_ms > SLOW_MS)
        r->width = r->width > 200 ? r->width / 2 : r->width;
    r->started_ms = now_ms;
    r->from = r->to;
    r->to = r->end - r->from > r->width ? r->from + r->width : r->end;
    return r->from < r->end;
}

static void plan(const struct target *t, const struct summing *s, size_t column, struct ask *ret)
{
    ask_plan(&s->def->columns[column], &s->sums->cols[column], s->lines, t->ops->sums_fast, s->sums->full,
             ret);
}

static int add_to(const struct summing *s, struct sums *to, const struct str *cells, size_t count,
                  struct err *err)
{
    int64_t rows = target_cell_i64(cells[0]);
    size_t at = 1;
    struct ask ask;

    if (s->count_rows)
        to->rows += rows;
    for (size_t i = s->from; i < s->to; i++) {
        if (!s->sums->used[i])
            continue;
        plan(s->t, s, i, &ask);
        size_t wants = ask_cells(&ask);
        if (at + wants > count)
            return err_set(err, ERR_INTERNAL, "%zu cells are too few for column %s", count,
                           s->def->columns[i].name);
        if (ask_add(&ask, &s->def->columns[i], cells + at, rows, &to->cols[i], err) < 0)
            return err_prefix(err, "sum of column %s", s->def->columns[i].name);
        at += wants;
    }
    return 0;
}

int sum_cells(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct summing *s = arg;

    return add_to(s, s->sums, cells, count, err);
}

/* Expressions of the columns from s->from on, as many as fit one statement; s->to is where it ended. */
int sum_columns(struct target *t, struct summing *s, struct buf *ret, struct err *err)
{
    struct buf quoted = BUF_INIT(MAX_SQL);
    struct ask ask;
    size_t n = 0, i;
    int rc = 0;

    buf_clear(ret);
    for (i = s->from; rc == 0 && i < s->def->count && n < CELLS_AT_ONCE && ret->n < SQL_AT_ONCE; i++) {
        const struct column *c = &s->def->columns[i];
        if (!s->sums->used[i])
            continue;
        plan(t, s, i, &ask);
        n += ask_cells(&ask);
        buf_clear(&quoted);
        rc = s->prefix != NULL ? buf_adds(&quoted, s->prefix, err) : 0;
        if (rc == 0)
            rc = t->ops->quote(c->name, false, &quoted, err);
        if (rc == 0)
            rc = ask_count_expr(&ask, quoted.p, ret, err);
        if (rc == 0)
            rc = t->ops->sum_expr(c, &ask, quoted.p, ret, err);
        if (rc == 0 && ask.check)
            rc = t->ops->full_expr(c, &ask, quoted.p, ret, err);
    }
    s->to = i;
    buf_release(&quoted);
    return rc;
}

static int sum_range(struct target *t, struct summing *s, int64_t load_id, const struct line_range *r,
                     struct err *err)
{
    const struct val values[] = {val_i64(load_id), val_i64(r->from), val_i64(r->to)};
    struct buf columns = BUF_INIT(MAX_SQL);
    int rc = 0;

    s->from = 0;
    s->lines = r->to - r->from;
    s->count_rows = true;
    do {
        rc = sum_columns(t, s, &columns, err);
        if (rc == 0)
            rc = target_run_on(t, "rows_sum", s->def->name, columns.p, values, 3, sum_cells, s, NULL, err);
        s->from = s->to;
        s->count_rows = false;
    } while (rc == 0 && s->from < s->def->count);
    buf_release(&columns);
    return rc;
}

int table_sums(struct target *t, const struct table *def, int64_t load_id, struct sums *ret, struct err *err)
{
    return table_sums_between(t, def, load_id, 0, 0, ret, err);
}

int table_sums_lines(struct target *t, const struct table *def, int64_t load_id, int64_t from, int64_t to,
                     struct sums *io, struct err *err)
{
    struct summing s = {.def = def, .t = t, .sums = io};
    const struct line_range r = {.from = from, .to = to};

    return sum_range(t, &s, load_id, &r, err);
}

int table_sums_from(struct target *t, const struct table *def, int64_t load_id, int64_t from, int64_t to,
                    struct sums *io, struct err *err)
{
    struct summing s = {.def = def, .t = t, .sums = io};
    struct line_range r;
    int rc = line_range_open(t, def->name, load_id, &r, err);

    r.to = r.to > from ? r.to : from;
    r.end = to > 0 ? to : r.end;
    while (rc == 0 && line_range_next(&r))
        rc = sum_range(t, &s, load_id, &r, err);
    return rc;
}

int table_sums_between(struct target *t, const struct table *def, int64_t load_id, int64_t line_from,
                       int64_t line_to, struct sums *ret, struct err *err)
{
    struct summing s = {.t = t, .def = def, .sums = ret};
    struct line_range r;

    if (!def->has_lineage) {
        err_set(err, ERR_TARGET, "table %s has no lineage columns: its rows cannot be told apart by load",
                def->name);
        return err_hint(err, "orch lineage add %s", def->name);
    }
    if (ret->count != def->count)
        return err_set(err, ERR_INTERNAL, "sums of %zu columns for a table of %zu", ret->count, def->count);
    sums_empty(ret);
    int rc = line_range_open(t, def->name, load_id, &r, err);
    if (line_to > 0) {
        r.to = line_from;
        r.end = line_to;
    }
    while (rc == 0 && line_range_next(&r))
        rc = sum_range(t, &s, load_id, &r, err);
    return rc;
}

/* --- several loads at once --- */

struct many {
    struct summing s; /* its sums: the bounds of all */
    const int64_t *ids;
    struct sums *rets;
    size_t n;
    bool wide; /* a load has more rows than the question was made for */
};

static int add_load(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct many *m = arg;
    int64_t id = target_cell_i64(cells[0]);
    size_t i = 0;

    while (i < m->n && m->ids[i] != id)
        i++;
    if (i == m->n || count < 2)
        return err_set(err, ERR_INTERNAL, "sums of load %lld, which was not asked for", (long long)id);
    m->wide |= target_cell_i64(cells[1]) > m->s.lines;
    return add_to(&m->s, &m->rets[i], cells + 1, count - 1, err);
}

/* Bounds that hold for each of them: all are asked the same. */
static void widen(struct sums *all, const struct sums *rets, size_t n)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < n; k++) {
            struct col_sum *a = &all->cols[i];
            const struct col_sum *b = &rets[k].cols[i];
            all->used[i] |= rets[k].used[i];
            if (!b->bounded)
                continue;
            a->low = a->bounded && a->low < b->low ? a->low : b->low;
            a->high = a->bounded && a->high > b->high ? a->high : b->high;
            a->negative |= b->negative;
            a->bounded = true;
        }
}

static void set_bounds(struct sums *s, const struct sums *all)
{
    for (size_t i = 0; i < s->count; i++) {
        s->cols[i].bounded = all->cols[i].bounded;
        s->cols[i].negative = all->cols[i].negative;
        s->cols[i].low = all->cols[i].low;
        s->cols[i].high = all->cols[i].high;
    }
}

static int sum_some(struct target *t, struct many *m, struct err *err)
{
    struct val values[MANY];
    struct buf columns = BUF_INIT(MAX_SQL);
    int rc = 0;

    for (size_t i = 0; i < MANY; i++)
        values[i] = val_i64(m->ids[i < m->n ? i : m->n - 1]);
    m->s.from = 0;
    m->s.lines = VERIFY_RANGE;
    m->s.count_rows = true;
    do {
        rc = sum_columns(t, &m->s, &columns, err);
        if (rc == 0)
            rc = target_run_on(t, "rows_sum_many", m->s.def->name, columns.p, values, MANY, add_load, m, NULL,
                               err);
        m->s.from = m->s.to;
        m->s.count_rows = false;
    } while (rc == 0 && m->s.from < m->s.def->count);
    buf_release(&columns);
    for (size_t i = 0; rc == 0 && m->wide && i < m->n; i++)
        rc = table_sums(t, m->s.def, m->ids[i], &m->rets[i], err);
    return rc;
}

int table_sums_many(struct target *t, const struct table *def, const int64_t *load_ids, size_t n,
                    struct sums *rets, struct err *err)
{
    struct sums all;
    int rc = 0;

    sums_init(&all, def->count);
    all.full = n > 0 && rets[0].full;
    widen(&all, rets, n);
    for (size_t i = 0; i < n; i++) {
        sums_empty(&rets[i]);
        set_bounds(&rets[i], &all);
    }
    for (size_t at = 0; rc == 0 && at < n; at += MANY) {
        struct many m = {.s = {.def = def, .t = t, .sums = &all},
                         .ids = load_ids + at,
                         .rets = rets + at,
                         .n = n - at < MANY ? n - at : MANY};
        rc = sum_some(t, &m, err);
    }
    sums_release(&all);
    return rc;
}

int target_sums(struct target *t, const struct table *def, int64_t load_id, struct sums *ret, struct err *err)
{
    struct err ignored;
    int rc = target_ready(t, err);

    /* One snapshot: a replay that commits between two ranges must not show in half. */
    if (rc == 0)
        rc = target_script(t, target_query(t, "begin_snapshot"), err);
    if (rc < 0)
        return rc;
    rc = table_sums(t, def, load_id, ret, err);
    if (t->db != NULL && t->ops->script(t, target_query(t, "rollback"), &ignored) < 0)
        target_drop(t);
    return rc;
}

int target_foreign_rows(struct target *t, const struct table *def, int64_t *ret_rows, struct err *err)
{
    int64_t total = 0, found[2] = {0, 0}, count = 0;

    if (!def->has_lineage)
        return err_set(err, ERR_TARGET, "table %s has no lineage columns: no row of it is orch's or foreign",
                       def->name);
    int rc = target_ready(t, err);
    if (rc == 0)
        rc = target_run_on(t, "rows_without_load", def->name, NULL, NULL, 0, target_row_i64, &total, NULL,
                           err);
    for (int64_t id = INT64_MIN; rc == 0;) {
        const struct val next[] = {val_i64(id)};
        found[0] = INT64_MIN;
        rc = target_run_on(t, "rows_next_load", def->name, NULL, next, 1, target_row_i64, found, NULL, err);
        if (rc < 0 || (found[0] == 0 && id >= 0) || found[0] <= id)
            break;
        id = found[0];
        const struct val mine[] = {val_i64(id)};
        if (found[1] == 0)
            rc = target_run_on(t, "rows_count", def->name, NULL, mine, 1, target_row_i64, &count, NULL, err);
        if (rc == 0 && found[1] == 0)
            total += count;
    }
    if (rc == 0)
        *ret_rows = total;
    return rc;
}
