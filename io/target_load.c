#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/target_int.h"

/*
 * One load, by the protocol of docs/architecture.md: ledger check > rows of the old generation out > rows in > ledger
 * row > fence, last > COMMIT. Everything in one transaction on one connection; where that breaks, nothing has happened. Between
 * fence and COMMIT one question is read: has a person decided otherwise meanwhile?
 */

static const char *copy(struct load *l, const char *text)
{
    return text != NULL ? arena_strndup(l->arena, text, strlen(text)) : NULL;
}

static struct load *load_new(struct target *t, const struct load_spec *spec)
{
    struct load *l = xcalloc(1, sizeof *l);

    l->t = t;
    l->arena = arena_new();
    l->spec = *spec;
    l->spec.pipeline = copy(l, spec->pipeline);
    l->spec.partition = copy(l, spec->partition);
    l->spec.key = copy(l, spec->key != NULL ? spec->key : "");
    l->spec.etag = copy(l, spec->etag);
    l->spec.job = copy(l, spec->job);
    l->spec.reason = copy(l, spec->reason);
    if (spec->column_count > 0) {
        int *columns = arena_alloc(l->arena, spec->column_count * sizeof *columns);
        memcpy(columns, spec->columns, spec->column_count * sizeof *columns);
        l->spec.columns = columns;
    }
    ledger_key_sha256(l->spec.key, l->spec.partition, l->key_sha256);
    return l;
}

static void load_free(struct load *l)
{
    if (l->insert != NULL)
        l->t->ops->insert_close(l);
    arena_free(l->arena);
    free(l);
}

/* Is the connection that this load's transaction lives on still there? */
static int same_connection(const struct load *l, struct err *err)
{
    if (l->t->db != NULL && l->t->serial == l->serial)
        return 0;
    return err_set(err, ERR_TRANSIENT,
                   "the connection of this load broke; the database has taken its rows back");
}

void target_load_abort(struct load *l)
{
    struct err ignored;

    if (l == NULL)
        return;
    struct target *t = l->t;
    bool mine = same_connection(l, &ignored) == 0;
    load_free(l);
    if (!mine)
        return;
    /* ROLLBACK first: a connection that is merely closed is rolled back later, and its row locks stay till then. */
    if (!t->ops->is_lost(t))
        err_ignore(t->ops->script(t, target_query(t, "rollback"), &ignored));
    target_drop(t);
}

/* Other loads of the key whose rows count: only the one that is replaced may be there. */
static int on_live(void *arg, const struct str *cells, size_t count, struct err *err)
{
    const struct load *l = arg;
    int64_t load_id = target_cell_i64(cells[0]), generation = target_cell_i64(cells[1]);

    UNUSED(count);
    if (generation < l->spec.generation && load_id == l->spec.replaces)
        return 0;
    err_set(
        err, ERR_TRANSIENT,
        "the ledger holds generation %lld of this key (load %lld), which generation %lld does not replace",
        (long long)generation, (long long)load_id, (long long)l->spec.generation);
    return err_hint(err, "the state file is behind the target; the next tick brings it in line");
}

/* 1: this load id was loaded before. */
static int check_ledger(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    const struct val values[] = {val_text(s->pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                                 val_i64(s->load_id), val_i64(s->generation)};
    int rc = ledger_has(l->t, s->load_id, err);

    if (rc != 0)
        return rc;
    return target_run(l->t, "ledger_live", values, ARRAY_LEN(values), on_live, l, NULL, err);
}

static int delete_old(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    struct line_range r;

    if (s->replaces == 0 || s->table == NULL)
        return 0;
    if (!s->table->has_lineage) {
        err_set(err, ERR_TARGET,
                "table %s has no lineage columns: the rows of an earlier load cannot be replaced",
                s->table->name);
        return err_hint(err, "orch lineage add %s", s->table->name);
    }
    int rc = line_range_open(l->t, s->table->name, s->replaces, &r, err);
    while (rc == 0 && line_range_next(&r)) {
        const struct val values[] = {val_i64(s->replaces), val_i64(r.from), val_i64(r.to)};
        rc = target_run_on(l->t, "rows_delete", s->table->name, NULL, values, 3, NULL, NULL, NULL, err);
    }
    if (rc < 0 && err->native == TARGET_REFERENCED)
        return err_hint(err,
                        "rows of another table refer to the rows of load %lld; delete them first, or declare "
                        "ON DELETE CASCADE",
                        (long long)s->replaces);
    return rc;
}

int target_load_begin(struct target *t, const struct load_spec *spec, struct load **ret, struct err *err)
{
    struct load *l = load_new(t, spec);
    int rc;

    *ret = NULL;
    rc = spec->table != NULL ? target_check(spec->table, err) : 0;
    if (rc == 0)
        rc = target_begin(t, err);
    if (rc < 0) {
        l->serial = -1; /* no transaction of ours */
        target_load_abort(l);
        return rc;
    }
    l->serial = t->serial;
    rc = check_ledger(l, err);
    if (rc == 1) { /* the transaction has only read */
        rc = target_end(t, 0, err);
        load_free(l);
        return rc < 0 ? rc : 2;
    }
    if (rc == 0)
        rc = delete_old(l, err);
    if (rc == 0 && l->spec.column_count > 0)
        rc = t->ops->insert_open(l, err);
    if (rc == 0)
        rc = fault_point("load.begun", err);
    if (rc < 0) {
        target_load_abort(l);
        return rc;
    }
    *ret = l;
    return 1;
}

int target_load_batch_start(struct load *l, const struct batch *b, struct err *err)
{
    int rc = same_connection(l, err);

    if (rc == 0 && b->rows > 0 && l->insert == NULL)
        rc = err_set(err, ERR_INTERNAL, "rows for a load without columns");
    if (rc == 0)
        rc = target_beat(l->t, err);
    if (rc == 0 && b->rows > 0)
        rc = l->t->ops->insert_rows(l, b, err);
    if (rc == 0)
        rc = fault_point(l->batches++ == 0 ? "load.first_batch" : "load.batch", err);
    return rc < 0 ? rc : target_beat(l->t, err);
}

int target_load_settle(struct load *l, struct err *err)
{
    int rc = same_connection(l, err);

    if (rc == 0 && l->insert != NULL && l->t->ops->insert_settle != NULL)
        rc = l->t->ops->insert_settle(l, err);
    return rc;
}

int target_load_batch(struct load *l, const struct batch *b, struct err *err)
{
    int rc = target_load_batch_start(l, b, err);

    return rc < 0 ? rc : target_load_settle(l, err);
}

int64_t target_load_rows(const struct load *l)
{
    return l->inserted;
}

int target_load_sums(struct load *l, struct sums *ret, struct err *err)
{
    int rc = target_load_settle(l, err);

    if (rc == 0 && l->spec.table == NULL) {
        ret->rows = 0;
        return 0;
    }
    return rc < 0 ? rc : table_sums(l->t, l->spec.table, l->spec.load_id, ret, err);
}

static int write_ledger(struct load *l, const struct ledger_row *given, struct err *err)
{
    const struct load_spec *s = &l->spec;
    struct ledger_row row = *given;

    row.load_id = s->load_id;
    row.generation = s->generation;
    row.pipeline = s->pipeline;
    row.partition = s->partition;
    row.key = s->key;
    row.etag = s->etag;
    row.size = s->size;
    row.mtime_ns = s->mtime_ns;
    row.job = s->job;
    row.reason = s->reason;
    row.last = true;
    if (row.table == NULL && s->table != NULL)
        row.table = s->table->name;
    if (row.rows_loaded != l->inserted)
        return err_set(err, ERR_MISMATCH, "%lld rows are to be recorded, %lld were inserted",
                       (long long)row.rows_loaded, (long long)l->inserted);
    const struct val older[] = {val_text(s->pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                                val_i64(s->generation)};
    int rc = target_run(l->t, "ledger_supersede", older, ARRAY_LEN(older), NULL, NULL, NULL, err);
    return rc < 0 ? rc : ledger_insert(l->t, &row, err);
}

static int on_decision(void *arg, const struct str *cells, size_t count, struct err *err)
{
    const struct load *l = arg;

    UNUSED(count);
    err_set(err, ERR_CONTRACT, "%s/%s was %s while it was loaded; nothing of it was committed",
            l->spec.pipeline, l->spec.partition, strcmp(cells[1].p, "ADOPTED") == 0 ? "adopted" : "skipped");
    err->native = TARGET_DECIDED;
    return -(int)ERR_CONTRACT;
}

/*
 * A statement of its own, after the fence: in the fence's it might be answered before the fence's lock is ours, and
 * miss a decision that commits in between.
 */
static int check_decision(struct load *l, struct err *err)
{
    unsigned char sum[SHA256_SIZE];

    ledger_key_sha256("", l->spec.partition, sum);
    const struct val values[] = {val_text(l->spec.pipeline), val_blob(sum, sizeof sum)};
    return target_run(l->t, "decision_standing", values, ARRAY_LEN(values), on_decision, l, NULL, err);
}

static int write_fence(struct load *l, struct err *err)
{
    const struct val values[] = {val_text(l->spec.pipeline), val_i64(l->spec.epoch)};
    int64_t rows = 0;
    int rc = target_run(l->t, "fence_write", values, 2, NULL, NULL, &rows, err);

    if (rc == 0 && rows != 1)
        rc = err_set(err, ERR_LOCK_LOST,
                     "%s: another run has taken the pipeline over since epoch %lld; nothing was committed",
                     l->spec.pipeline, (long long)l->spec.epoch);
    return rc < 0 ? rc : check_decision(l, err);
}

/* COMMIT failed or its answer was lost. Never guess: whoever writes the fence next knows how it ended. */
static int settle(struct load *l, struct err *err)
{
    struct target *t = l->t;
    struct err asked = *err;
    int loaded;

    if (l->insert != NULL) /* its statement lives on the connection that goes now */
        t->ops->insert_close(l);
    l->insert = NULL;
    t->ops->end_holder(t); /* ends our old transaction, where the server still waits for its COMMIT */
    int rc = fence_resolve(t, l->spec.pipeline, l->spec.epoch, l->spec.load_id, &loaded, &asked);
    if (loaded == 1)
        return 0;
    if (loaded == 0) {
        if (rc < 0)
            *err = asked; /* ERR_LOCK_LOST, and not loaded */
        return -(int)err->code;
    }
    enum err_code code = asked.code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE;
    char first[400];
    snprintf(first, sizeof first, "%.390s", err->msg);
    err_set(err, code, "%s: the answer to COMMIT was lost (%s), and the ledger cannot be asked: %.300s",
            t->name, first, asked.msg);
    err->native = TARGET_COMMIT_UNKNOWN;
    return -(int)code;
}

int target_load_commit(struct load *l, const struct ledger_row *row, struct err *err)
{
    struct target *t = l->t;
    int rc = target_load_settle(l, err);

    if (rc == 0)
        rc = fault_point("load.before_ledger", err);
    if (rc == 0)
        rc = write_ledger(l, row, err);
    if (rc == 0)
        rc = fault_point("load.before_fence", err);
    if (rc == 0)
        rc = write_fence(l, err);
    if (rc == 0)
        rc = fault_point("load.before_commit", err);
    if (rc == 0)
        rc = same_connection(l, err);
    if (rc < 0) {
        target_load_abort(l);
        return rc;
    }
    /* No beat from here on: what ends us now must not hide how COMMIT ended. */
    rc = t->ops->script(t, target_query(t, "commit"), err);
    if (rc < 0 && err->native == TARGET_DEADLOCK) { /* certification failed: rolled back, the server says */
        target_load_abort(l);
        return rc;
    }
    if (rc < 0)
        rc = settle(l, err);
    load_free(l);
    if (rc < 0)
        return rc;
    rc = fault_point("load.after_commit", err);
    if (rc < 0) { /* a fault injected between the database's answer and the caller: nobody knows */
        err_set(err, ERR_UNAVAILABLE, "fault injected after COMMIT");
        err->native = TARGET_COMMIT_UNKNOWN;
        rc = -(int)ERR_UNAVAILABLE;
    }
    return rc;
}
