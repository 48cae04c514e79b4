/*
 * One object into the target: one transaction, with its ledger row and the fence (docs/architecture.md). The order of
 * effects is what makes it exactly once:
 *
 *   load id stored (job_create) > rows > verification > counts, sums and rejects PENDING in the state file
 *   > ledger row, fence, COMMIT in the target > settled in the state file
 *
 * Whoever comes after a death anywhere in between has raised the epoch, so the dead one's COMMIT can no longer
 * come, and then reads the ledger: it has the load id or it has not.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "steps/object_int.h"

struct loading {
    const struct load_job *job;
    struct load_row *row;
    struct load *load; /* the open transaction; NULL: aborted or not begun */
    struct rejects_out rejects;
    struct sums sums; /* of the rows as parsed */
    int64_t replaces, inserted;
    const int *columns; /* borrowed from the converter */
    size_t column_count;
    bool over_budget; /* the transaction is gone; reading on only to show the pattern */
};

static const struct pipeline *pipeline_of(const struct loading *l)
{
    return l->job->c->pipeline;
}

/* The ledger's strings live for the callback only. */
struct newest {
    int64_t load_id, generation, size, mtime_ns;
    char etag[300], sha256[65];
};

static int keep_newest(void *arg, const struct ledger_row *r, struct err *err)
{
    struct newest *n = arg;

    UNUSED(err);
    n->load_id = r->load_id;
    n->generation = r->generation;
    n->size = r->size;
    n->mtime_ns = r->mtime_ns;
    snprintf(n->etag, sizeof n->etag, "%s", r->etag ? r->etag : "");
    snprintf(n->sha256, sizeof n->sha256, "%s", r->sha256);
    return 0;
}

static bool same_identity(const struct newest *n, const struct load_row *l)
{
    if (n->size != l->size)
        return false;
    return l->etag[0] != '\0' || n->etag[0] != '\0' ? strcmp(n->etag, l->etag) == 0
                                                    : n->mtime_ns == l->mtime_ns;
}

static void job_label(const struct loading *l, char out[JOB_NAME_SIZE])
{
    const struct job *j = l->job->job;

    if (j->n > 1)
        snprintf(out, JOB_NAME_SIZE, "%s#%lld", j->part, (long long)j->n);
    else
        snprintf(out, JOB_NAME_SIZE, "%s", j->part);
}

static int on_server_reject(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                            struct err *err)
{
    struct loading *l = arg;

    if (wants_sums(pipeline_of(l)))
        batch_sum_row(b, row, -1, &l->sums); /* which counts it out of the rows too */
    else
        l->sums.rows--;
    return rejects_add(&l->rejects, why, l->row->key, err);
}

static int begin_transaction(struct loading *l, bool rows, struct err *err)
{
    char label[JOB_NAME_SIZE];

    job_label(l, label);
    struct load_spec spec = {
        .table = rows ? l->job->def : NULL,
        .columns = l->columns,
        .column_count = l->column_count,
        .pipeline = pipeline_of(l)->name,
        .partition = l->job->job->part,
        .key = l->row->key,
        .etag = l->row->etag,
        .job = label,
        .reason = l->job->job->reason,
        .load_id = l->row->load_id,
        .generation = l->row->generation,
        .size = l->row->size,
        .mtime_ns = l->row->mtime_ns,
        .epoch = l->job->epoch,
        .replaces = l->replaces,
        .on_reject = on_server_reject,
        .arg = l,
    };
    /* An empty object that replaces one with rows still has rows to delete. */
    if (l->replaces != 0)
        spec.table = l->job->def;
    int rc = target_load_begin(l->job->target, &spec, &l->load, err);
    if (rc == 2)
        return err_set(err, ERR_INTERNAL,
                       "load %lld is in the ledger already, though it was not a moment ago",
                       (long long)l->row->load_id);
    return rc < 0 ? rc : fault_point("ingest.begun", err);
}

static int on_begin(void *arg, const int *columns, size_t count, struct err *err)
{
    struct loading *l = arg;

    l->columns = columns;
    l->column_count = count;
    for (size_t i = 0; i < count; i++)
        l->sums.used[columns[i]] = wants_sums(pipeline_of(l));
    return begin_transaction(l, true, err);
}

static int on_batch(void *arg, const struct batch *b, struct err *err)
{
    struct loading *l = arg;

    if (l->over_budget)
        return 0;
    if (wants_sums(pipeline_of(l)))
        batch_sum(b, &l->sums);
    else
        l->sums.rows += (int64_t)b->rows;
    return target_load_batch_start(l->load, b, err);
}

static int on_end(void *arg, struct err *err)
{
    struct loading *l = arg;

    return l->load != NULL ? target_load_settle(l->load, err) : 0;
}

static int on_reject(void *arg, const struct reject_info *why, struct err *err)
{
    struct loading *l = arg;
    const struct pipeline *p = pipeline_of(l);

    int rc = rejects_add(&l->rejects, why, l->row->key, err);
    if (rc < 0 || p->max_rejects_percent >= 0 || l->rejects.count <= p->max_rejects)
        return rc;
    if (!l->over_budget) { /* it cannot be loaded any more: free the target, read on for the reader's sake */
        l->over_budget = true;
        target_load_abort(l->load);
        l->load = NULL;
    }
    if (l->rejects.count >= MAX_REJECTS_SHOWN)
        return err_set(err, ERR_TOO_MANY_REJECTS, "%s", "the first records of a longer list");
    return 0;
}

/* Over the budget: ERR_TOO_MANY_REJECTS with the first reject in words, the rejects kept as FAILED. */
static int check_budget(struct loading *l, int64_t records, struct err *err)
{
    const struct pipeline *p = pipeline_of(l);
    int64_t n = l->rejects.count;
    bool percent = p->max_rejects_percent >= 0;
    char budget[64];

    if (percent ? (double)n * 100.0 <= p->max_rejects_percent * (double)records : n <= p->max_rejects)
        return 0;
    int rc = rejects_flush(&l->rejects, err);
    if (rc == 0)
        rc = reject_keep_failed(l->job->c->store, l->job->c->token, l->row->load_id, err);
    if (rc < 0)
        return rc;
    snprintf(budget, sizeof budget, percent ? "%g%%" : "%.0f",
             percent ? p->max_rejects_percent : (double)p->max_rejects);
    bool value = n == 1 && strcmp(budget, "0") == 0;
    rc = value ? err_set(err, ERR_TOO_MANY_REJECTS, "%s", l->rejects.first)
               : err_set(err, ERR_TOO_MANY_REJECTS,
                         "%s (the first of %lld%s rejected records; max_rejects is %s)", l->rejects.first,
                         (long long)n, n >= MAX_REJECTS_SHOWN && !percent ? " or more" : "", budget);
    err_hint(err, "%s%sorch rejects %s/%s shows them; mend the file, or raise max_rejects",
             l->rejects.first_hint, l->rejects.first_hint[0] != '\0' ? "; " : "", p->name, l->job->job->part);
    return rc;
}

/* As parsed against as stored, before COMMIT. */
static int verify(struct loading *l, struct err *err)
{
    struct sums stored = {0};
    struct sums_diff diff;

    if (target_load_rows(l->load) != l->sums.rows)
        return err_set(err, ERR_MISMATCH, "%lld rows read, %lld inserted", (long long)l->sums.rows,
                       (long long)target_load_rows(l->load));
    if (!wants_sums(pipeline_of(l)) || !l->job->def->has_lineage || l->columns == NULL)
        return 0; /* columns NULL: no record, no row */
    sums_init(&stored, l->job->def->count);
    memcpy(stored.used, l->sums.used, l->job->def->count * sizeof *stored.used);
    int rc = target_load_sums(l->load, &stored, err);
    if (rc == 0 && sums_compare(&l->sums, &stored, l->job->def, &diff, 1) > 0)
        rc = err_set(err, ERR_MISMATCH,
                     "column %s: %s is %s in the file and %s in the table; nothing was committed",
                     diff.column, diff.what, diff.source, diff.target);
    sums_release(&stored);
    return rc;
}

/* State first (PENDING), then the target's COMMIT, then the state again. */
static int commit(struct loading *l, const struct rows_result *r, struct err *err)
{
    struct step_ctx *c = l->job->c;
    bool empty = r->records == 0;
    json_t *json = wants_sums(pipeline_of(l)) && !empty ? sums_to_json(&l->sums, l->job->def) : NULL;
    char *columns = json != NULL ? json_text(json) : xstrdup("");
    struct load_result result = {.load_id = l->row->load_id,
                                 .rows_read = r->records,
                                 .rows_loaded = l->sums.rows,
                                 .rows_rejected = l->rejects.count,
                                 .empty_lines = r->empty_lines,
                                 .now_ms = clock_now_ms(),
                                 .columns = columns,
                                 .sha256 = r->sha256};
    struct ledger_row ledger = {.state = empty ? LEDGER_EMPTY : LEDGER_LOADED,
                                .rows_read = r->records,
                                .rows_loaded = l->sums.rows,
                                .rows_rejected = l->rejects.count,
                                .columns = columns,
                                .table = pipeline_of(l)->table,
                                .last = true,
                                .at_ms = clock_now_ms()};
    snprintf(ledger.sha256, sizeof ledger.sha256, "%s", r->sha256);

    int rc = rejects_flush(&l->rejects, err);
    if (rc == 0)
        rc = load_pending(c->store, c->token, &result, err);
    if (rc == 0)
        rc = fault_point("ingest.pending", err);
    if (rc == 0)
        rc = beat(&c->beat, err); /* the last look at the lease before the point of no return */
    if (rc == 0) {
        struct load *load = l->load;
        l->load = NULL; /* commit frees it whatever comes */
        rc = target_load_commit(load, &ledger, err);
    }
    if (rc < 0 && err->native == TARGET_DECIDED) { /* certain: what was PENDING is as if it had not begun */
        struct err ignored;
        err_ignore(load_settle(c->store, c->token, l->row->load_id, "DRAWN", clock_now_ms(), &ignored));
    }
    if (rc == 0)
        rc = fault_point("ingest.after_commit", err);
    if (rc == 0)
        rc =
            load_settle(c->store, c->token, l->row->load_id, empty ? "EMPTY" : "LOADED", clock_now_ms(), err);
    if (rc == 0)
        rc = fault_point("ingest.settled", err);
    if (rc == 0) {
        l->row->rows_read = r->records;
        l->row->rows_loaded = l->sums.rows;
        l->row->rows_rejected = l->rejects.count;
    }
    json_decref(json);
    free(columns);
    return rc;
}

static int read_and_load(struct loading *l, struct err *err)
{
    const struct row_sink sink = {on_begin, on_batch, on_reject, on_end, l};
    struct rows_result result;
    char name[KEY_NAME_SIZE];

    int rc = rows_read(l->job->c, l->row, l->job->def, &sink, &result, err);
    if (rc < 0 && !(l->over_budget && err->code == ERR_TOO_MANY_REJECTS))
        return rc;
    rc = check_budget(l, result.records, err);
    if (rc < 0)
        return rc;
    if (l->load == NULL)
        rc = begin_transaction(l, false,
                               err); /* no record: an empty object leaves its ledger row all the same */
    if (rc == 0)
        rc = verify(l, err);
    if (rc < 0)
        return err_prefix(err, "%s", key_name(l->row->key, name));
    return commit(l, &result, err);
}

/* The same bytes again under another identity: recorded, not loaded. Only where the sizes agree is it worth a read. */
static int same_bytes(struct loading *l, const struct newest *n, bool *ret, struct err *err)
{
    char sha256[65];

    *ret = false;
    if (n->size != l->row->size || n->sha256[0] == '\0')
        return 0;
    int rc = object_sha256(l->job->c, l->row, sha256, err);
    if (rc == 0)
        *ret = strcmp(sha256, n->sha256) == 0;
    return rc;
}

/* What the ledger knows of the key decides: load it, replace, or nothing. 1: settled, nothing to load. */
static int look_at_ledger(struct loading *l, struct err *err)
{
    struct step_ctx *c = l->job->c;
    struct newest n;
    bool same = false;
    char name[KEY_NAME_SIZE];

    int rc = target_ledger_newest(l->job->target, pipeline_of(l)->name, l->row->key, keep_newest, &n, err);
    if (rc <= 0)
        return rc;
    if (n.generation >= l->row->generation) /* this state file is behind: the next listing rebuilds it */
        return err_set(err, ERR_TRANSIENT,
                       "%s: the ledger holds generation %lld, newer than this state file knows",
                       key_name(l->row->key, name), (long long)n.generation);
    if (strcmp(l->job->job->kind, "REPLAY") != 0) {
        same = same_identity(&n, l->row);
        rc = same ? 0 : same_bytes(l, &n, &same, err);
        if (rc < 0)
            return rc;
    }
    if (same) {
        rc = load_settle(c->store, c->token, l->row->load_id, "SAME", clock_now_ms(), err);
        return rc < 0 ? rc : 1;
    }
    if (!l->job->def->has_lineage) {
        err_set(err, ERR_TARGET,
                "%s was loaded before, and without lineage columns its rows cannot be replaced",
                key_name(l->row->key, name));
        return err_hint(err, "orch lineage add %s", pipeline_of(l)->table);
    }
    l->replaces = n.load_id;
    return 0;
}

/* What an earlier attempt may have left: the epoch is ours now, so the ledger's word is final. 1: it was loaded. */
struct found {
    struct load_result result;
    enum ledger_state state;
    char *columns;
    char sha256[65];
};

static int keep_found(void *arg, const struct ledger_row *r, struct err *err)
{
    struct found *f = arg;

    UNUSED(err);
    f->state = r->state;
    f->result.rows_read = r->rows_read;
    f->result.rows_loaded = r->rows_loaded;
    f->result.rows_rejected = r->rows_rejected;
    free(f->columns);
    f->columns = xstrdup(r->columns ? r->columns : "");
    snprintf(f->sha256, sizeof f->sha256, "%s", r->sha256);
    return 0;
}

static int resolve_pending(const struct load_job *j, struct load_row *l, struct err *err)
{
    struct step_ctx *c = j->c;
    struct found f = {.result = {.load_id = l->load_id, .now_ms = clock_now_ms()}};

    int rc = target_ledger_by_id(j->target, l->load_id, keep_found, &f, err);
    if (rc == 0 && strcmp(l->state, "PENDING") == 0)
        rc = load_settle(c->store, c->token, l->load_id, "DRAWN", clock_now_ms(), err);
    if (rc == 1) {
        f.result.columns = f.columns;
        f.result.sha256 = f.sha256;
        f.result.empty_lines = l->empty_lines;
        rc = load_pending(c->store, c->token, &f.result, err);
        if (rc == 0)
            rc = load_settle(c->store, c->token, l->load_id, f.state == LEDGER_EMPTY ? "EMPTY" : "LOADED",
                             clock_now_ms(), err);
        l->rows_read = f.result.rows_read;
        l->rows_loaded = f.result.rows_loaded;
        l->rows_rejected = f.result.rows_rejected;
        rc = rc == 0 ? 1 : rc;
    }
    free(f.columns);
    return rc;
}

int load_object(const struct load_job *j, struct load_row *row, struct err *err)
{
    struct loading l = {.job = j, .row = row};

    int rc = resolve_pending(j, row, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rejects_init(&l.rejects, j->c, row->load_id);
    sums_init(&l.sums, j->def->count);
    rc = look_at_ledger(&l, err);
    bool loads = rc == 0;
    if (loads)
        rc = read_and_load(&l, err);
    if (rc < 0 && l.load != NULL)
        target_load_abort(l.load);
    sums_release(&l.sums);
    rejects_release(&l.rejects);
    return rc < 0 ? rc : loads;
}

static int restore_reject(void *arg, const struct reject_info *why, struct err *err)
{
    struct loading *l = arg;

    return rejects_add(&l->rejects, why, l->row->key, err);
}

int load_restore_rejects(const struct load_job *j, const struct load_row *row, struct err *err)
{
    struct load_row copy = *row;
    struct loading l = {.job = j, .row = &copy};
    const struct row_sink sink = {.reject = restore_reject, .arg = &l};
    struct rows_result result;

    rejects_init(&l.rejects, j->c, row->load_id);
    int rc = rows_read(j->c, row, j->def, &sink, &result, err);
    if (rc == 0)
        rc = rejects_flush(&l.rejects, err);
    if (rc == 0)
        rc = load_settle(j->c->store, j->c->token, row->load_id, row->state, clock_now_ms(), err);
    rejects_release(&l.rejects);
    return rc;
}
