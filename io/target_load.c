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

struct load *load_new(struct target *t, const struct load_spec *spec)
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
    l->serial = -1; /* no transaction yet */
    return l;
}

void load_free(struct load *l)
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

/* Objects that share a transaction are all new. Where one is not, each gets a transaction of its own instead. */
static int check_members(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    int64_t *ids = xcalloc(s->member_count, sizeof *ids);
    const char **keys = xcalloc(s->member_count, sizeof *keys);

    for (size_t i = 0; i < s->member_count; i++) {
        ids[i] = s->members[i].load_id;
        keys[i] = s->members[i].key;
    }
    int rc = ledger_has_any(l->t, s->pipeline, ids, keys, s->member_count, err);
    if (rc == 1)
        rc = err_set(err, ERR_TRANSIENT, "the ledger has objects that this state file calls new");
    free(ids);
    free(keys);
    return rc;
}

static int on_plan(void *arg, const struct str *cells, size_t count, struct err *err)
{
    bool *planned = arg;

    UNUSED(count);
    UNUSED(err);
    *planned = cells[0].p != NULL && strcmp(cells[0].p, "PLAN") == 0;
    return 0;
}

/* A chunk goes under its plan; the whole is sealed when no chunk is missing. */
static int check_chunks(struct load *l, struct err *err)
{
    const struct val id = val_i64(l->spec.load_id);
    int64_t found[3] = {0, 0, 0};
    bool planned = false;
    int rc = target_run(l->t, "chunk_state", &id, 1, on_plan, &planned, NULL, err);

    if (rc == 0 && !planned)
        rc = err_set(err, ERR_TRANSIENT, "the ledger has no plan of load %lld, or it is being taken back",
                     (long long)l->spec.load_id);
    if (rc < 0 || !l->spec.seal)
        return rc;
    rc = target_run(l->t, "chunk_gaps", &id, 1, target_row_i64, found, NULL, err);
    if (rc == 0 && (found[0] != found[1] || found[2] != 1))
        rc = err_set(err, ERR_TRANSIENT, "load %lld has %lld chunks in the ledger where %lld are to be",
                     (long long)l->spec.load_id, (long long)found[0], (long long)found[1]);
    return rc;
}

/* 1: this load id, or this chunk of it, was loaded before. */
static int check_ledger(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    const struct val values[] = {val_text(s->pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                                 val_i64(s->load_id), val_i64(s->generation)};

    if (s->members != NULL)
        return check_members(l, err);
    int rc = ledger_has(l->t, s->load_id, s->chunk, err);
    if (rc == 0 && (s->chunk > 0 || s->seal))
        rc = check_chunks(l, err);
    if (rc != 0 || s->chunk > 0)
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
    if (rc == 0 && l->spec.column_count > 0 && !l->spec.seal)
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

void target_load_lines(struct load *l, int64_t line_to)
{
    l->spec.line_to = line_to;
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
    if (rc == 0 && l->spec.chunk > 0)
        return table_sums_between(l->t, l->spec.table, l->spec.load_id, l->spec.line_from, l->spec.line_to,
                                  ret, err);
    return rc < 0 ? rc : table_sums(l->t, l->spec.table, l->spec.load_id, ret, err);
}

int target_load_sums_from(struct load *l, int64_t line, struct sums *io, struct err *err)
{
    int rc = target_load_settle(l, err);

    if (rc == 0)
        rc = table_sums_from(l->t, l->spec.table, l->spec.load_id, line,
                             l->spec.chunk > 0 ? l->spec.line_to : 0, io, err);
    return rc;
}

int target_load_sums_many(struct load *l, const int64_t *load_ids, size_t n, struct sums *rets,
                          struct err *err)
{
    int rc = target_load_settle(l, err);

    return rc < 0 ? rc : table_sums_many(l->t, l->spec.table, load_ids, n, rets, err);
}

/* What the load knows better than the caller. */
static void complete(const struct load *l, size_t i, struct ledger_row *row)
{
    const struct load_spec *s = &l->spec;
    const struct load_member one = {s->load_id, s->generation, s->size, s->mtime_ns, s->key, s->etag},
                             *m = s->members != NULL ? &s->members[i] : &one;

    row->load_id = m->load_id;
    row->generation = m->generation;
    row->key = m->key;
    row->etag = m->etag;
    row->size = m->size;
    row->mtime_ns = m->mtime_ns;
    row->pipeline = s->pipeline;
    row->partition = s->partition;
    row->job = s->job;
    row->reason = s->reason;
    row->chunk = s->chunk;
    if (s->chunk == 0)
        row->last = true;
    if (row->table == NULL && s->table != NULL)
        row->table = s->table->name;
}

static int seal(struct load *l, const struct ledger_row *r, struct err *err)
{
    const struct val id = val_i64(r->load_id);
    const struct val values[] = {val_text(ledger_state_name(r->state)),
                                 val_text(r->sha256),
                                 val_i64(r->rows_read),
                                 val_i64(r->rows_loaded),
                                 val_i64(r->rows_rejected),
                                 val_text(r->columns != NULL && r->columns[0] != '\0' ? r->columns : NULL),
                                 val_i64(r->at_ms != 0 ? r->at_ms : clock_now_ms()),
                                 val_i64(r->byte_to),
                                 val_i64(r->line_to),
                                 id};
    int64_t rows = 0;
    int rc = target_run(l->t, "chunk_seal", values, ARRAY_LEN(values), NULL, NULL, &rows, err);

    if (rc == 0 && rows != 1)
        rc =
            err_set(err, ERR_TRANSIENT, "the plan of load %lld is not there any more", (long long)r->load_id);
    if (rc == 0)
        rc = target_run(l->t, "chunk_forget_all", &id, 1, NULL, NULL, NULL, err);
    return rc;
}

static int supersede(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    const struct val older[] = {val_text(s->pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                                val_i64(s->generation)};

    if (s->members != NULL || s->chunk > 0)
        return 0;
    return target_run(l->t, "ledger_supersede", older, ARRAY_LEN(older), NULL, NULL, NULL, err);
}

static int write_ledger(struct load *l, const struct ledger_row *given, size_t n, struct err *err)
{
    struct ledger_row *rows = xcalloc(n, sizeof *rows);
    int64_t loaded = 0;
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        rows[i] = given[i];
        complete(l, i, &rows[i]);
        loaded += rows[i].rows_loaded;
    }
    if (n != (l->spec.members != NULL ? l->spec.member_count : 1))
        rc = err_set(err, ERR_INTERNAL, "%zu ledger rows for a load of %zu objects", n, l->spec.member_count);
    if (rc == 0 && !l->spec.seal && loaded != l->inserted)
        rc = err_set(err, ERR_MISMATCH, "%lld rows are to be recorded, %lld were inserted", (long long)loaded,
                     (long long)l->inserted);
    if (rc == 0)
        rc = supersede(l, err);
    if (rc == 0)
        rc = l->spec.seal ? seal(l, &rows[0], err) : ledger_insert(l->t, rows, n, err);
    free(rows);
    return rc;
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
    int rc = fence_write(l->t, l->spec.pipeline, l->spec.epoch, err);

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
    int64_t id = l->spec.members != NULL ? l->spec.members[0].load_id : l->spec.load_id;
    int rc = fence_resolve(t, l->spec.pipeline, l->spec.epoch, id, l->spec.chunk, &loaded, &asked);
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

void target_load_over(struct target *t)
{
    struct err ignored;

    if (t->ops->load_over != NULL && t->ops->load_over(t, &ignored) < 0)
        target_drop(t); /* the next load connects anew; this one is in */
}

int target_load_commit(struct load *l, const struct ledger_row *row, struct err *err)
{
    return target_load_commit_all(l, row, 1, err);
}

int target_load_commit_all(struct load *l, const struct ledger_row *rows, size_t n, struct err *err)
{
    struct target *t = l->t;
    int rc = target_load_settle(l, err);

    if (rc == 0)
        rc = fault_point("load.before_ledger", err);
    if (rc == 0)
        rc = write_ledger(l, rows, n, err);
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
    bool answered = rc == 0;
    if (rc < 0 && err->native == TARGET_DEADLOCK) { /* certification failed: rolled back, the server says */
        target_load_abort(l);
        return rc;
    }
    if (rc < 0)
        rc = settle(l, err);
    load_free(l);
    if (answered)
        target_load_over(t);
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
