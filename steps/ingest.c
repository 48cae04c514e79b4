/* orch-ingest {pipeline, job, flag} -> {objects, rowsRead, rowsLoaded, rowsRejected}. See load_run.c. */
#include "base/clock.h"
#include "base/fault.h"
#include "state/flag.h"
#include "steps/drift.h"
#include "steps/object_int.h"
#include "steps/steps_int.h"
#include "steps/upsert_int.h"

/* Every attempt raises the epoch before it looks at anything: from here on no earlier attempt can commit. */
static int take_epoch(struct step_ctx *c, struct target *t, const char *flag_id, int64_t *ret_epoch,
                      struct err *err)
{
    const char *pipeline = c->pipeline->name;
    struct flag flag;

    int rc = flag_held(c->store, pipeline, flag_id, &flag, err);
    if (rc < 0)
        return rc;
    free(c->flag_id);
    c->flag_id = xstrdup(flag_id);
    rc = target_fence_raise(t, pipeline, flag.epoch, ret_epoch, err);
    if (rc == 0)
        rc = fault_point("ingest.raised", err);
    if (rc == 0)
        rc = flag_epoch(c->store, c->token, pipeline, flag_id, flag.epoch, *ret_epoch, err);
    if (rc == 0)
        rc = target_hold(t, pipeline, *ret_epoch, err);
    return rc;
}

static int table_of(struct step_ctx *c, struct target *t, struct table **ret, struct err *err)
{
    int rc = target_describe(t, c->pipeline->table, ret, err);

    if (rc == 0)
        rc = target_check(*ret, err);
    if (rc == 0 && c->pipeline->lineage == LINEAGE_COLUMNS && !(*ret)->has_lineage) {
        err_set(err, ERR_TARGET, "table %s has no provenance columns", c->pipeline->table);
        rc = err_hint(err, "orch lineage add %s, or \"lineage\": \"none\" (append only, no replay)",
                      c->pipeline->table);
    }
    return rc;
}

/* Rejects that only the ledger's count tells of: read again where the object is still there. */
static int restore_rejects(const struct load_job *j, const struct load_row *l, struct err *err)
{
    struct err gone;
    int rc = load_restore_rejects(j, l, &gone);

    if (rc < 0 && (gone.code == ERR_OBJECT_CHANGED || gone.code == ERR_NOT_FOUND))
        return 0; /* status says that they are missing */
    if (rc < 0)
        *err = gone;
    return rc;
}

/* Objects that are loaded whole go together, as far as they follow each other; those in chunks one by one. */
static int load_all(struct load_job *j, struct loading *all, size_t n, struct err *err)
{
    size_t from = 0;
    int rc = 0;

    while (rc == 0 && from < n) {
        size_t to = from;
        while (to < n && all[to].how != LOADING_CHUNKS)
            to++;
        rc = load_run(j, all + from, to - from, err);
        if (rc == 0 && to < n)
            rc = load_chunks(j, &all[to], err);
        from = to + 1;
    }
    return rc;
}

/* What became of the rows where they are put by key: summed over the job's loads, for the execution's record. */
static int add_counts(void *arg, const struct load_row *l, struct err *err)
{
    struct upsert_counts one = {0};
    int rc = upsert_from_text(l->columns, &one, err);

    upsert_add(arg, &one);
    return rc < 0 ? rc : 0;
}

static int give_counts(struct step_ctx *c, int64_t job_id, json_t *out, struct err *err)
{
    struct upsert_counts counts = {0};
    int rc = load_list(c->store, job_id, add_counts, &counts, err);

    if (rc == 0) {
        json_t *v = upsert_to_json(&counts);
        json_object_del(v, "owned"); /* that changes; the ledger has it */
        json_object_set_new(out, "upsert", v);
    }
    return rc;
}

/* Asked of the state file again: what the ledger had before us, all of it or chunks, has come without its rejects. */
static int restore_all(const struct load_job *j, struct err *err)
{
    struct loads now = {NULL, 0};
    int rc = loads_get(j->c->store, j->job->id, &now, err);

    for (size_t i = 0; rc == 0 && i < now.n; i++)
        if (now.rows[i].rejects_missing && strcmp(now.rows[i].state, "LOADED") == 0)
            rc = restore_rejects(j, &now.rows[i], err);
    loads_release(&now);
    return rc;
}

static int all_objects(struct load_job *j, struct loads *loads, int64_t totals[3], struct err *err)
{
    struct loading *all = xcalloc(loads->n, sizeof *all);
    bool drifted = false;
    int rc = load_orphans(j, err);

    if (rc == 0)
        rc = load_limits(j, loads, err);
    if (rc == 0)
        rc = load_plan(j, loads, all, err);
    /* all of them before the first transaction: an ALTER would wait for those that are open */
    for (size_t i = 0; rc >= 0 && i < loads->n; i++) {
        const struct object_info o = object_info_of(&loads->rows[i]);
        if (all[i].how != LOADING_DONE)
            rc = step_drift(j->c, j->target, &o, loads->rows[i].part, &j->def, err);
        drifted = drifted || rc == 1;
    }
    if (rc >= 0 &&
        drifted) { /* the key is of the table as it was described before, and so are the stage's columns */
        upsert_release(&j->upsert);
        rc = upsert_open(j->c->pipeline, j->target, j->def, &j->upsert, err);
    }
    j->pressure = pressure_new(j->c, j->job->part);
    if (rc >= 0)
        rc = pressure_poll(j->pressure, err);
    if (rc == 0)
        rc = load_all(j, all, loads->n, err);
    if (rc == 0)
        rc = restore_all(j, err);
    pressure_free(j->pressure);
    j->pressure = NULL;
    for (size_t i = 0; rc == 0 && i < loads->n; i++) {
        totals[0] += loads->rows[i].rows_read;
        totals[1] += loads->rows[i].rows_loaded;
        totals[2] += loads->rows[i].rows_rejected;
    }
    for (size_t i = 0; i < loads->n; i++)
        free(all[i].refused.rows);
    free(all);
    return rc;
}

/*
 * So that the next tick need not ask the ledger again: only where seq has moved by our own commits alone. The epoch is
 * not enough: a decision made on another host (a skip) moves seq under it, and must be read.
 */
static int remember_ledger(const struct load_job *j, int64_t was, struct err *err)
{
    int64_t epoch, seq;

    int rc = target_fence_read(j->target, j->c->pipeline->name, &epoch, &seq, err);
    if (rc <= 0 || epoch != j->epoch || was < 0 || seq != was + j->commits)
        return rc < 0 ? rc : 0;
    return step_ledger_known(j->c, j->target, epoch, seq, err);
}

int step_run_ingest(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct target *target = NULL;
    struct job job = {0};
    struct loads loads = {NULL, 0};
    struct load_job lj = {.c = c, .job = &job};
    int64_t job_id, seq = -1, totals[3] = {0, 0, 0};
    const char *flag_id;
    char name[JOB_NAME_SIZE];

    int rc = json_need_i64(parameters, "job", &job_id, err);
    if (rc == 0)
        rc = json_need_str(parameters, "flag", &flag_id, err);
    if (rc == 0)
        rc = job_get(c->store, job_id, &job, err);
    if (rc == 0)
        rc = step_target(c, &target, err);
    if (rc == 0)
        rc = take_epoch(c, target, flag_id, &lj.epoch, err);
    lj.target = target;
    if (rc == 0)
        rc = table_of(c, target, &lj.def, err);
    if (rc == 0)
        rc = upsert_open(c->pipeline, target, lj.def, &lj.upsert, err);
    if (rc == 0)
        rc = step_ledger_seq(c, target, &seq, err);
    if (rc == 0)
        rc = loads_get(c->store, job_id, &loads, err);
    if (rc == 0)
        rc = all_objects(&lj, &loads, totals, err);
    if (rc == 0)
        rc = remember_ledger(&lj, seq, err);
    if (rc == 0) {
        struct job_outcome outcome = {.job_id = job_id,
                                      .state = "LOADED",
                                      .now_ms = clock_now_ms(),
                                      .unverifiable = !lj.def->has_lineage};
        rc = job_set(c->store, c->token, &outcome, err);
    }
    if (rc == 0)
        rc = fault_point("ingest.done", err);
    if (rc == 0)
        *ret_owned = json_pack("{s:I, s:I, s:I, s:I}", "objects", (json_int_t)loads.n, "rowsRead",
                               (json_int_t)totals[0], "rowsLoaded", (json_int_t)totals[1], "rowsRejected",
                               (json_int_t)totals[2]);
    if (rc == 0 && lj.upsert.key != NULL)
        rc = give_counts(c, job_id, *ret_owned, err);
    if (rc < 0 && job.part != NULL)
        rc = err_prefix(err, "%s", job_name(&job, name));
    loads_release(&loads);
    upsert_release(&lj.upsert);
    table_free(lj.def);
    job_release(&job);
    return rc;
}
