#include "io/target_rejects.h"
#include "base/civil.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/target_int.h"

static const char *text_of(struct str cell)
{
    return cell.p != NULL ? cell.p : "";
}

/* --- reading --- */

struct reading {
    verdict_fn *fn;
    void *arg;
    int64_t load_id, line; /* of the last row */
};

static int on_verdict(void *arg, const struct str *c, size_t count, struct err *err)
{
    struct reading *r = arg;

    if (count != 6)
        return err_set(err, ERR_INTERNAL, "a row of orch_reject with %zu cells", count);
    const struct target_verdict v = {.load_id = target_cell_i64(c[0]),
                                     .line = target_cell_i64(c[1]),
                                     .verdict = text_of(c[2]),
                                     .who = text_of(c[3]),
                                     .reason = text_of(c[4]),
                                     .at_ms = target_cell_i64(c[5])};
    r->load_id = v.load_id;
    r->line = v.line;
    return r->fn(r->arg, &v, err);
}

/* The table came later than the ledger. */
static bool is_absent(const struct err *err)
{
    return err->code == ERR_TARGET_SETUP;
}

int target_verdicts(struct target *t, const char *pipeline, int64_t load_id, verdict_fn *fn, void *arg,
                    struct err *err)
{
    struct reading r = {fn, arg, load_id != 0 ? load_id : INT64_MIN, INT64_MIN};
    int64_t rows;

    do {
        const struct val values[] = {val_text(pipeline), val_i64(r.load_id), val_i64(r.load_id),
                                     val_i64(r.line)};
        const struct val of_load[] = {val_text(pipeline), val_i64(load_id), val_i64(r.line)};
        rows = 0;
        int rc = target_ready(t, err);
        if (rc == 0 && load_id != 0)
            rc = target_run(t, "reject_of_load", of_load, ARRAY_LEN(of_load), on_verdict, &r, &rows, err);
        else if (rc == 0)
            rc = target_run(t, "reject_scan", values, ARRAY_LEN(values), on_verdict, &r, &rows, err);
        if (rc < 0)
            return is_absent(err) ? 0 : rc;
    } while (rows > 0);
    return 0;
}

/* --- the copy --- */

int target_copy_ddl(struct target *t, const char *table, struct buf *ret, struct err *err)
{
    return target_fill(t, "copy_setup", table, NULL, ret, err);
}

int target_copy_setup(struct target *t, const char *table, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_copy_ddl(t, table, &sql, err);
    if (rc == 0)
        rc = target_script(t, sql.p, err);
    buf_release(&sql);
    return rc < 0 ? err_prefix(err, "cannot make table %s", table) : 0;
}

static int copy_run(struct target *t, const char *name, const char *table, const struct val *values, size_t n,
                    struct err *err)
{
    int rc = target_run_on(t, name, table, NULL, values, n, NULL, NULL, NULL, err);

    if (rc < 0 && err->native == TARGET_NO_TABLE) {
        err_set(err, ERR_TARGET_SETUP, "the table of rejects %s is not in %s", table, t->name);
        return err_hint(err, "orch target setup makes it");
    }
    return rc;
}

/* "2022-06-05 12:00:00.123", as both servers read it. */
static const char *sql_time(int64_t ms, char out[CIVIL_RFC3339_SIZE])
{
    civil_rfc3339(ms, true, out);
    out[10] = ' ';
    out[strcspn(out, "Z")] = '\0';
    return out;
}

int target_rejects_forget(struct load *l, const char *table, int64_t load_id, struct err *err)
{
    const struct val id = val_i64(load_id);
    int rc = target_load_settle(l, err);

    return rc < 0 ? rc : copy_run(l->t, "copy_delete_load", table, &id, 1, err);
}

int target_rejects_write(struct load *l, const char *table, const struct reject_owner *o,
                         const struct reject_copy *rows, size_t n, struct err *err)
{
    const struct load_spec *s = &l->spec;
    char at[CIVIL_RFC3339_SIZE];
    int rc = target_load_settle(l, err);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct reject_copy *r = &rows[i];
        const struct val values[] = {val_i64(o->load_id),
                                     val_i64(r->line),
                                     val_text(s->pipeline),
                                     val_text(s->partition),
                                     val_blob(o->key, strlen(o->key)),
                                     val_i64(r->offset),
                                     val_text(r->column),
                                     val_text(r->code),
                                     val_text(r->message),
                                     val_blob(r->raw, r->raw_n),
                                     val_i64(r->raw_total),
                                     val_text(sql_time(r->at_ms, at))};
        rc = copy_run(l->t, "copy_put", table, values, ARRAY_LEN(values), err);
    }
    return rc;
}

static int copy_delete(struct target *t, const struct reject_decision *d, int64_t line, struct err *err)
{
    const struct val values[] = {val_i64(d->load_id), val_i64(line)};

    return d->copy != NULL ? copy_run(t, "copy_delete", d->copy, values, 2, err) : 0;
}

/* --- decisions --- */

static int put_verdict(struct target *t, const struct reject_decision *d, int64_t line, const char *verdict,
                       struct err *err)
{
    const struct val values[] = {val_text(d->pipeline), val_i64(d->load_id), val_i64(line),
                                 val_text(verdict),     val_text(d->who),    val_text(d->reason),
                                 val_i64(d->at_ms)};
    int rc = target_run(t, "reject_put", values, ARRAY_LEN(values), NULL, NULL, NULL, err);

    return rc < 0 ? rc : copy_delete(t, d, line, err);
}

static int has_verdict(struct target *t, const struct reject_decision *d, int64_t line, struct err *err)
{
    const struct val values[] = {val_text(d->pipeline), val_i64(d->load_id), val_i64(line)};
    int64_t rows = 0;
    int rc = target_run(t, "reject_one", values, ARRAY_LEN(values), NULL, NULL, &rows, err);

    return rc < 0 ? rc : rows > 0;
}

/* As a skip does (target_ledger.c): the fence is written first, without an epoch, so that whoever knows the ledger by
 * its seq reads it again. */
static int discard(struct target *t, const struct reject_decision *d, struct err *err)
{
    const struct val pipeline[] = {val_text(d->pipeline)};
    int rc = target_run(t, "fence_touch", pipeline, 1, NULL, NULL, NULL, err);

    for (size_t i = 0; rc >= 0 && i < d->n; i++) {
        rc = has_verdict(t, d, d->lines[i], err);
        if (rc == 0)
            rc = put_verdict(t, d, d->lines[i], "DISCARDED", err);
    }
    return rc < 0 ? rc : fault_point("rejects.discard", err);
}

int target_rejects_discard(struct target *t, const struct reject_decision *d, struct err *err)
{
    int rc = target_begin(t, err);

    return rc < 0 ? rc : target_end(t, discard(t, d, err), err);
}

/* --- loaded after all --- */

struct ledger_of {
    int64_t chunk;
    char *columns;
};

static int on_ledger(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct ledger_of *l = arg;

    UNUSED(count);
    UNUSED(err);
    l->chunk = target_cell_i64(cells[0]);
    free(l->columns);
    l->columns = xstrdup(text_of(cells[1]));
    return 0;
}

static int ledger_of(struct target *t, int64_t load_id, struct ledger_of *ret, struct err *err)
{
    const struct val values[] = {val_i64(load_id)};
    int64_t rows = 0;
    int rc = target_run(t, "reject_last_chunk", values, 1, on_ledger, ret, &rows, err);

    if (rc == 0 && rows == 0)
        rc = err_set(err, ERR_CONTRACT, "load %lld is not loaded, or not any more", (long long)load_id);
    return rc;
}

int target_replay_begin(struct target *t, const struct load_spec *spec, struct load **ret, char **ret_columns,
                        struct err *err)
{
    struct load *l = load_new(t, spec);
    struct ledger_of ledger = {0};
    int rc = target_check(spec->table, err);

    if (rc == 0)
        rc = target_begin(t, err);
    if (rc == 0)
        l->serial = t->serial;
    if (rc == 0)
        rc = ledger_of(t, spec->load_id, &ledger, err);
    if (rc == 0)
        rc = t->ops->insert_open(l, err);
    if (rc == 0)
        rc = fault_point("rejects.begun", err);
    if (rc < 0) {
        target_load_abort(l);
        free(ledger.columns);
        return rc;
    }
    *ret = l;
    *ret_columns = ledger.columns;
    return 0;
}

struct checking {
    const struct batch *b;
    size_t row;
    const char *differs; /* column; NULL: none */
    bool found;
};

static int on_stored(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct checking *k = arg;

    UNUSED(err);
    k->found = true;
    for (size_t i = 0; i < k->b->col_count && i + 1 < count; i++) {
        const struct batch_col *c = &k->b->cols[i];
        if (k->differs == NULL && !batch_cell_equal(c, k->row, cells[i + 1]))
            k->differs = k->b->table->columns[c->column].name;
    }
    return 0;
}

int target_replay_check(struct load *l, const struct batch *b, size_t row, struct err *err)
{
    const struct load_spec *s = &l->spec;
    const struct val values[] = {val_i64(s->load_id), val_i64(b->lines[row]), val_i64(b->lines[row])};
    struct checking k = {.b = b, .row = row};
    struct buf columns = BUF_INIT(MAX_SQL);
    int rc = target_load_settle(l, err);

    if (rc == 0)
        rc = target_text_exprs(l->t, s->table, s->columns, s->column_count, &columns, err);
    if (rc == 0)
        rc = target_run_on(l->t, "rows_text", s->table->name, columns.p, values, ARRAY_LEN(values), on_stored,
                           &k, NULL, err);
    buf_release(&columns);
    if (rc == 0 && !k.found)
        rc = err_set(err, ERR_MISMATCH, "line %lld is not in the table after it was inserted",
                     (long long)b->lines[row]);
    else if (rc == 0 && k.differs != NULL)
        rc =
            err_set(err, ERR_MISMATCH,
                    "line %lld column %s: the table holds another value than was sent; nothing was committed",
                    (long long)b->lines[row], k.differs);
    return rc;
}

int target_replay_reason(struct load *l, const char *table, const struct reject_copy *r, struct err *err)
{
    const struct val values[] = {val_text(r->column), val_text(r->code), val_text(r->message),
                                 val_i64(l->spec.load_id), val_i64(r->line)};

    return copy_run(l->t, "copy_reason", table, values, ARRAY_LEN(values), err);
}

static int on_decision(void *arg, const struct str *cells, size_t count, struct err *err)
{
    const struct load *l = arg;

    UNUSED(count);
    return err_set(err, ERR_CONTRACT, "%s/%s was %s by a person; nothing of it was loaded", l->spec.pipeline,
                   l->spec.partition, strcmp(text_of(cells[1]), "ADOPTED") == 0 ? "adopted" : "skipped");
}

static int write_all(struct load *l, const struct reject_decision *d, const char *columns, struct err *err)
{
    const struct load_spec *s = &l->spec;
    struct ledger_of ledger = {0};
    unsigned char sum[SHA256_SIZE];
    int64_t rows = 0;
    int rc = 0;

    if (l->inserted != (int64_t)d->n)
        return err_set(err, ERR_MISMATCH, "%lld rows were inserted, %zu are to be recorded",
                       (long long)l->inserted, d->n);
    for (size_t i = 0; rc == 0 && i < d->n; i++)
        rc = put_verdict(l->t, d, d->lines[i], "REPLAYED", err);
    if (rc == 0)
        rc = ledger_of(l->t, s->load_id, &ledger, err);
    if (rc == 0) {
        const struct val values[] = {val_i64(l->inserted), val_i64(l->inserted),
                                     val_text(columns[0] != '\0' ? columns : NULL), val_i64(s->load_id),
                                     val_i64(ledger.chunk)};
        rc = target_run(l->t, "reject_ledger", values, ARRAY_LEN(values), NULL, NULL, &rows, err);
        if (rc == 0 && rows != 1)
            rc = err_set(err, ERR_CONTRACT, "load %lld is not loaded any more", (long long)s->load_id);
    }
    free(ledger.columns);
    if (rc == 0)
        rc = fault_point("rejects.before_fence", err);
    if (rc == 0)
        rc = fence_write(l->t, s->pipeline, s->epoch, err);
    if (rc == 0) {
        ledger_key_sha256("", s->partition, sum);
        const struct val values[] = {val_text(s->pipeline), val_blob(sum, sizeof sum)};
        rc = target_run(l->t, "decision_standing", values, 2, on_decision, l, NULL, err);
    }
    return rc;
}

static int was_replayed(struct target *t, const void *arg, struct err *err)
{
    const struct reject_decision *d = arg;

    return d->n > 0 ? has_verdict(t, d, d->lines[0], err) : 0;
}

/* COMMIT's answer did not come: as target_load_commit. Its first line tells, for all of them are one transaction; one
 * that loaded nothing is tried again. */
static int settle(struct load *l, const struct reject_decision *d, struct err *err)
{
    struct target *t = l->t;
    struct err asked = *err;
    int done = -1;

    if (l->insert != NULL)
        t->ops->insert_close(l);
    l->insert = NULL;
    t->ops->end_holder(t);
    int rc = fence_ask(t, d->pipeline, l->spec.epoch, was_replayed, d, &done, &asked);
    if (done == 1)
        return 0;
    if (done < 0) {
        err_set(err, asked.code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
                "%s: the answer to COMMIT was lost, and the ledger cannot be asked: %.300s", t->name,
                asked.msg);
        err->native = TARGET_COMMIT_UNKNOWN;
    } else if (rc < 0) {
        *err = asked;
    }
    return -(int)err->code;
}

int target_replay_commit(struct load *l, const struct reject_decision *d, const char *columns,
                         struct err *err)
{
    struct target *t = l->t;
    int rc = target_load_settle(l, err);

    if (rc == 0)
        rc = write_all(l, d, columns, err);
    if (rc == 0)
        rc = fault_point("rejects.before_commit", err);
    if (rc < 0) {
        target_load_abort(l);
        return rc;
    }
    rc = t->ops->script(t, target_query(t, "commit"), err);
    bool answered = rc == 0;
    if (rc < 0 && err->native == TARGET_DEADLOCK) {
        target_load_abort(l);
        return rc;
    }
    if (rc < 0)
        rc = settle(l, d, err);
    load_free(l);
    if (answered)
        target_load_over(t);
    return rc < 0 ? rc : fault_point("rejects.after_commit", err);
}
