/* Which rows and values differ: a job's objects, read again, against the table, line by line. */
#include "base/mem.h"
#include "steps/object_int.h"
#include "steps/step.h"
#include "steps/upsert_int.h"

enum { SHOWN = 300 /* bytes of a value or of a row that are shown */ };

struct differing {
    struct step_ctx *c;
    struct target *target;
    struct table *def;
    struct diff *io;
    const struct job *job;
    const struct load_row *load;
    const int *columns;
    size_t column_count;
    int64_t next_line;     /* of the table, the first that was not asked for yet */
    const struct batch *b; /* what the rows that come are compared with */
    size_t at;             /* the next of it */
    bool by_key; /* an upsert: what is not there is an older row, a repeated one, or another load's by now */
    int64_t owned, present; /* by_key: rows that the load has by its record, and those that were found */
};

static int note(struct differing *d, const char *what, int64_t line, const char *column, struct str source,
                struct str target, struct err *err)
{
    char job[JOB_NAME_SIZE], name[KEY_NAME_SIZE], a[4 * SHOWN + 1], b[4 * SHOWN + 1];

    if (json_array_size(d->io->found) >= d->io->limit)
        return 0;
    str_printable(source.p != NULL ? source.p : "NULL",
                  source.p != NULL && source.n < SHOWN ? source.n
                  : source.p != NULL                   ? SHOWN
                                                       : 4,
                  a, sizeof a);
    str_printable(target.p != NULL ? target.p : "NULL",
                  target.p != NULL && target.n < SHOWN ? target.n
                  : target.p != NULL                   ? SHOWN
                                                       : 4,
                  b, sizeof b);
    json_t *v = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "job", job_name(d->job, job), "object",
                          key_name(d->load->key, name), "line", (json_int_t)line, "what", what, "column",
                          column, "source", a, "target", b);
    if (v == NULL || json_array_append_new(d->io->found, v) < 0)
        return err_set(err, ERR_INTERNAL, "cannot describe a difference");
    return 0;
}

/* A row of the file that the table has not. */
static int missing(struct differing *d, size_t row, struct err *err)
{
    const struct str raw = {d->b->raw[row] != NULL ? d->b->raw[row] : "", d->b->raw_n[row]};

    if (d->by_key)
        return 0;
    d->io->missing++;
    return note(d, "missing", d->b->lines[row], "", raw, str_of(""), err);
}

/* A row that the table alone has: its values, as far as they are shown. */
static int extra(struct differing *d, int64_t line, const struct str *cells, size_t count, struct err *err)
{
    char row[SHOWN + 1];
    size_t n = 0;

    for (size_t i = 1; i < count && n < SHOWN; i++) {
        struct str v = cells[i].p != NULL ? cells[i] : str_of("NULL");
        if (i > 1)
            row[n++] = ',';
        size_t take = v.n < SHOWN - n ? v.n : SHOWN - n;
        memcpy(row + n, v.p, take);
        n += take;
    }
    d->io->extra++;
    return note(d, "extra", line, "", str_of(""), (struct str){row, n}, err);
}

static int same_row(struct differing *d, size_t row, const struct str *cells, struct err *err)
{
    char scratch[CELL_TEXT_SIZE];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->b->col_count; i++) {
        const struct batch_col *c = &d->b->cols[i];
        if (batch_cell_equal(c, row, cells[i + 1]))
            continue;
        d->io->values++;
        rc = note(d, "value", d->b->lines[row], d->def->columns[c->column].name,
                  batch_cell_text(c, row, scratch), cells[i + 1], err);
    }
    return rc;
}

/* Both sides come by line, so one walk over the two tells all. */
static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct differing *d = arg;
    int64_t line;

    if (count != d->column_count + 1)
        return err_set(err, ERR_INTERNAL, "%zu cells where %zu are expected", count, d->column_count + 1);
    int rc = str_to_i64(cells[0], INT64_MIN, INT64_MAX, &line, err);
    d->io->rows_target++;
    d->present++;
    while (rc == 0 && d->b != NULL && d->at < d->b->rows && d->b->lines[d->at] < line)
        rc = missing(d, d->at++, err);
    if (rc < 0)
        return rc;
    if (d->b != NULL && d->at < d->b->rows && d->b->lines[d->at] == line)
        return same_row(d, d->at++, cells, err);
    return extra(d, line, cells, count, err);
}

/* The table's rows up to a line against what is left of the batch; b NULL: against nothing. */
static int compare(struct differing *d, const struct batch *b, int64_t to, struct err *err)
{
    const struct target_rows range = {.def = d->def,
                                      .columns = d->columns,
                                      .column_count = d->column_count,
                                      .load_id = d->load->load_id,
                                      .from = d->next_line,
                                      .to = to};

    d->b = b;
    d->at = 0;
    int rc = target_rows(d->target, &range, on_row, d, err);
    while (rc == 0 && b != NULL && d->at < b->rows)
        rc = missing(d, d->at++, err);
    d->next_line = to == INT64_MAX ? to : to + 1;
    return rc;
}

static int on_begin(void *arg, const int *columns, size_t count, struct err *err)
{
    struct differing *d = arg;

    UNUSED(err);
    d->columns = columns;
    d->column_count = count;
    return 0;
}

static int on_batch(void *arg, const struct batch *b, struct err *err)
{
    struct differing *d = arg;

    d->io->rows_source += (int64_t)b->rows;
    return b->rows > 0 ? compare(d, b, b->lines[b->rows - 1], err) : 0;
}

/* While the reader's columns are still there: whatever the table has beyond the last line of the file. */
static int on_end(void *arg, struct err *err)
{
    return compare(arg, NULL, INT64_MAX, err);
}

static int keep_state(void *arg, const struct ledger_row *r, struct err *err)
{
    UNUSED(err);
    *(enum ledger_state *)arg = r->state;
    return 0;
}

/* A replay that came in between would show as rows that are gone. */
static int still_stands(struct differing *d, struct err *err)
{
    enum ledger_state state = LEDGER_PLAN;
    char name[KEY_NAME_SIZE];

    int rc = target_ledger_by_id(d->target, d->load->load_id, keep_state, &state, err);
    if (rc == 1 && state == LEDGER_SUPERSEDED) {
        err_set(err, ERR_TRANSIENT, "%s was loaded anew while it was compared", key_name(d->load->key, name));
        return err_hint(err, "run it again");
    }
    return rc < 0 ? rc : 0;
}

/* Whether the load goes by key, and how many rows its record says that it has. */
static int read_record(struct differing *d, struct err *err)
{
    char *record = NULL;

    d->owned = d->present = 0;
    int rc = upsert_record(d->target, d->load, &record, &d->owned, err);
    d->by_key = rc > 0;
    free(record);
    return rc < 0 ? rc : 0;
}

/* Of rows by key nobody can say which one is gone, but how many are. */
static int missing_by_key(struct differing *d, struct err *err)
{
    char source[60], target[60];
    int64_t found = d->present, owned = d->owned;

    int rc = d->by_key && found < owned ? read_record(d, err) : 0;
    if (rc < 0 || !d->by_key || found >= owned)
        return rc;
    if (d->owned < owned) {
        err_set(err, ERR_TRANSIENT, "a later load took rows over while they were compared");
        return err_hint(err, "run it again");
    }
    d->io->missing += owned - found;
    snprintf(source, sizeof source, "%lld rows by the ledger", (long long)owned);
    snprintf(target, sizeof target, "%lld rows", (long long)found);
    return note(d, "missing", 0, "", str_of(source), str_of(target), err);
}

static int one_load(struct differing *d, struct err *err)
{
    const struct row_sink sink = {.begin = on_begin, .batch = on_batch, .end = on_end, .arg = d};
    struct rows_result result;
    int64_t before = d->io->values + d->io->missing + d->io->extra;

    d->next_line = INT64_MIN;
    d->columns = NULL;
    d->column_count = 0;
    int rc = read_record(d, err);
    if (rc == 0)
        rc = rows_read(d->c, d->load, d->def, &sink, &result, err);
    if (rc < 0 && (err->code == ERR_OBJECT_CHANGED || err->code == ERR_NOT_FOUND)) {
        d->io->objects++;
        return note(d, "object", 0, "", str_of(err->msg), str_of(""), err);
    }
    if (rc == 0 && d->columns == NULL) /* no record: whatever the table has is too much */
        rc = compare(d, NULL, INT64_MAX, err);
    if (rc == 0)
        rc = missing_by_key(d, err);
    if (rc == 0 && d->io->values + d->io->missing + d->io->extra > before)
        rc = still_stands(d, err);
    return rc;
}

int step_diff_job(struct step_ctx *c, const struct job *job, struct diff *io, struct err *err)
{
    struct differing d = {.c = c, .io = io, .job = job};
    struct loads loads = {NULL, 0};

    int rc = step_target(c, &d.target, err);
    if (rc == 0)
        rc = target_describe(d.target, c->pipeline->table, &d.def, err);
    if (rc == 0 && !d.def->has_lineage) {
        err_set(err, ERR_TARGET, "table %s has no lineage columns: no row can be told from another",
                c->pipeline->table);
        rc = err_hint(err, "orch lineage add %s", c->pipeline->table);
    }
    if (rc == 0)
        rc = loads_get(c->store, job->id, &loads, err);
    for (size_t i = 0; rc == 0 && i < loads.n; i++) {
        d.load = &loads.rows[i];
        if (strcmp(d.load->state, "LOADED") == 0)
            rc = one_load(&d, err);
        if (rc == 0)
            rc = beat(&c->beat, err);
    }
    loads_release(&loads);
    table_free(d.def);
    return rc;
}
