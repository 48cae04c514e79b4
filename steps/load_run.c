/*
 * Whole objects into the target, by the load pipeline of io/loader.h. The order of effects is what makes it exactly once:
 *
 *   load id stored (job_create) > rows > verification > counts, sums and rejects PENDING in the state file
 *   > ledger row, fence, COMMIT in the target > settled in the state file
 *
 * Whoever comes after a death anywhere in between has raised the epoch, so the dead one's COMMIT can no longer
 * come, and then reads the ledger: it has the load id or it has not.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "io/target_rejects.h"
#include "steps/object_int.h"
#include "steps/rejects.h"

enum {
    SHARE_OBJECTS = 200, /* in one transaction */
    SHARE_BYTES = 8 * 1024 * 1024
};

struct running {
    struct load_job *j;
    struct loader_unit *units;
    struct loader_object *objects; /* of all units, one behind the other */
    struct loading **members;      /* likewise */
    size_t unit_count;
    bool alone; /* every object has a transaction of its own */
    bool retry; /* a shared transaction failed: its objects are tried one by one */
};

static struct loading **members_of(const struct running *r, const struct loader_unit *u)
{
    return &r->members[u->objects - r->objects];
}

/* --- what the pipeline calls back, on this thread --- */

static int on_rejects(void *arg, struct loader_unit *u, const struct reject_page *p, struct err *err)
{
    const struct running *r = arg;

    return loading_rejects(members_of(r, u), u->n, p, err);
}

static int put_pending(const struct running *r, struct loader_unit *u, struct err *err)
{
    struct step_ctx *c = r->j->c;
    struct load_result *results = xcalloc(u->n, sizeof *results);
    char **columns = xcalloc(u->n, sizeof *columns);

    for (size_t i = 0; i < u->n; i++) {
        const struct loader_object *o = &u->objects[i];
        columns[i] = loader_columns(r->j->def, r->j->upsert.key, wants_sums(c->pipeline), o);
        results[i] = (struct load_result){.load_id = o->load_id,
                                          .rows_read = o->records,
                                          .rows_loaded = o->sums.rows,
                                          .rows_rejected = o->rejected,
                                          .empty_lines = o->empty_lines,
                                          .no_rejects = members_of(r, u)[i]->rejects == 0,
                                          .now_ms = clock_now_ms(),
                                          .columns = columns[i],
                                          .sha256 = o->sha256};
    }
    int rc = load_pending_all(c->store, c->token, results, u->n, err);
    for (size_t i = 0; i < u->n; i++)
        free(columns[i]);
    free(columns);
    free(results);
    return rc;
}

static int on_ready(void *arg, struct loader_unit *u, struct err *err)
{
    const struct running *r = arg;

    for (size_t i = 0; i < u->n; i++) {
        struct loading *l = members_of(r, u)[i];
        l->over = loading_is_over(l, u->objects[i].rejected, u->objects[i].records);
        if (l->over)
            return 1;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < u->n; i++)
        rc = object_as_said(members_of(r, u)[i]->row, u->objects[i].records, u->objects[i].sha256, err);
    if (rc == 0)
        rc = put_pending(r, u, err);
    for (size_t i = 0; rc == 0 && i < u->n; i++) {
        const struct loader_object *o = &u->objects[i];
        const struct reject_owner owner = {o->load_id, o->rejected > 0 ? o->info.key : NULL, u->replaces};
        rc = step_rejects_copy(r->j->c, u->load, &owner, err);
    }
    return rc < 0 ? rc : fault_point("ingest.pending", err);
}

static int on_done(void *arg, struct loader_unit *u, struct err *err)
{
    struct running *r = arg;
    struct step_ctx *c = r->j->c;
    int64_t *ids = xcalloc(u->n, sizeof *ids);
    const char **states = xcalloc(u->n, sizeof *states);
    int rc = fault_point("ingest.after_commit", err);

    r->j->commits++;
    for (size_t i = 0; i < u->n; i++) {
        const struct loader_object *o = &u->objects[i];
        struct load_row *row = members_of(r, u)[i]->row;
        ids[i] = o->load_id;
        states[i] = o->records == 0 ? "EMPTY" : "LOADED";
        row->rows_read = o->records;
        row->rows_loaded = o->sums.rows;
        row->rows_rejected = o->rejected;
        members_of(r, u)[i]->how = LOADING_DONE;
    }
    if (rc == 0)
        rc = load_settle_all(c->store, c->token, ids, states, u->n, clock_now_ms(), err);
    for (size_t i = 0; i < u->n; i++)
        sums_release(&u->objects[i].sums);
    free(ids);
    free(states);
    return rc < 0 ? rc : fault_point("ingest.settled", err);
}

/* Of a shared transaction: would each of its objects alone fail as well? */
static bool is_everybodys(const struct err *why)
{
    return why->code == ERR_TRANSIENT || why->code == ERR_UNAVAILABLE || why->code == ERR_TIMEOUT ||
           why->code == ERR_BUSY || why->code == ERR_LOCK_LOST || why->code == ERR_ACCESS_DENIED ||
           why->native == TARGET_COMMIT_UNKNOWN || why->native == TARGET_DECIDED;
}

static int on_failed(void *arg, struct loader_unit *u, const struct err *why, struct err *err)
{
    struct running *r = arg;
    struct step_ctx *c = r->j->c;
    struct loading *first = members_of(r, u)[0];
    struct err ignored;

    for (size_t i = 0; i < u->n; i++)
        sums_release(&u->objects[i].sums);
    if (why->native == TARGET_DECIDED) /* certain: what was PENDING is as if it had not begun */
        for (size_t i = 0; i < u->n; i++)
            err_ignore(
                load_settle(c->store, c->token, u->objects[i].load_id, "DRAWN", clock_now_ms(), &ignored));
    if (u->n > 1 && !is_everybodys(why)) {
        for (size_t i = 0; i < u->n; i++) { /* what the next try of each replaces */
            members_of(r, u)[i]->rejects = 0;
            members_of(r, u)[i]->over = false;
        }
        r->retry = true;
        return 0;
    }
    if (u->n == 1 && why->native == TARGET_CAREFUL &&
        (!first->careful || first->refused.n > first->refused_known)) {
        first->careful = true;
        first->refused_known = first->refused.n;
        first->rejects = 0;
        r->retry = true;
        return 0;
    }
    if (u->n == 1 &&
        (first->over || why->native == LOADER_OVER_BUDGET || why->code == ERR_TOO_MANY_REJECTS) &&
        first->rejects > 0)
        return loading_refuse(first, u->objects[0].rejected, err);
    *err = *why;
    return -(int)err->code;
}

/* --- units --- */

static bool joins(const struct running *r, const struct loader_unit *u, int64_t bytes,
                  const struct loading *l)
{
    return !r->alone && l->how == LOADING_SHARED && u->n > 0 && u->n < SHARE_OBJECTS &&
           bytes + l->row->size <= SHARE_BYTES;
}

static void make_units(struct running *r, struct loading *all, size_t n)
{
    struct loader_unit *u = NULL;
    size_t objects = 0;
    int64_t bytes = 0;
    bool shared = false;

    for (size_t i = 0; i < n; i++) {
        struct loading *l = &all[i];
        if (l->how != LOADING_ALONE && l->how != LOADING_SHARED)
            continue;
        if (u == NULL || !shared || !joins(r, u, bytes, l)) {
            u = &r->units[r->unit_count++];
            u->objects = &r->objects[objects];
            bytes = 0;
            shared = l->how == LOADING_SHARED;
        }
        u->replaces = l->replaces;
        u->careful = l->careful;
        u->refused = &l->refused;
        u->n++;
        bytes += l->row->size;
        r->members[objects] = l;
        r->objects[objects++] = (struct loader_object){
            .info = object_info_of(l->row), .load_id = l->row->load_id, .generation = l->row->generation};
    }
}

struct loader_config load_config(const struct load_job *j, const char *label, const struct lanes *lanes,
                                 size_t n, const struct beat *beat)
{
    const struct pipeline *p = j->c->pipeline;

    return (struct loader_config){
        .pipeline = p->name,
        .partition = j->job->part,
        .job = label,
        .reason = j->job->reason,
        .epoch = j->epoch,
        .def = j->def,
        .into = j->def,
        .dialect = &p->dialect,
        .convert = &p->convert,
        .with_sums = wants_sums(p),
        .full_sums = wants_full(p),
        .lanes = n,
        .sources = lanes->sources,
        .targets = lanes->targets,
        .rate = pressure_rate(j->pressure),
        .hold = pressure_hold(j->pressure),
        .beat = beat,
    };
}

static int run_units(struct running *r, struct err *err)
{
    const struct load_job *j = r->j;
    const struct pipeline *p = j->c->pipeline;
    const struct beat beating = pressure_beat(j->pressure);
    struct lanes lanes;
    char label[JOB_NAME_SIZE];
    size_t n =
        j->upsert.key == NULL ? (size_t)j->connections : 1; /* by key: one after the other, so that the last
        file of an hour wins, and no merge waits for another */

    job_label(j->job, label);
    if (n > r->unit_count)
        n = r->unit_count;
    int rc = step_lanes(j->c, n, j->epoch, &lanes, err);
    if (rc < 0)
        return rc;
    struct loader_config config = load_config(j, label, &lanes, n, &beating);
    if (j->upsert.key != NULL)
        config.into = j->upsert.stage;
    config.key = j->upsert.key;
    config.max_rejects = p->max_rejects_percent >= 0 ? -1 : p->max_rejects;
    config.rejects = on_rejects;
    config.ready = on_ready;
    config.done = on_done;
    config.failed = on_failed;
    config.arg = r;
    rc = loader_run(&config, r->units, r->unit_count, err);
    step_lanes_back(j->c);
    return rc;
}

/* No object is passed over in silence, whatever became of the passes. */
static int nothing_left(const struct loading *all, size_t n, struct err *err)
{
    char name[KEY_NAME_SIZE];

    for (size_t i = 0; i < n; i++)
        if (all[i].how == LOADING_ALONE || all[i].how == LOADING_SHARED)
            return err_set(err, ERR_TRANSIENT, "%s: not loaded, though every way was tried",
                           key_name(all[i].row->key, name));
    return 0;
}

int load_run(struct load_job *j, struct loading *all, size_t n, struct err *err)
{
    int rc = 0;

    for (int pass = 0; rc == 0 && pass < 3; pass++) { /* together; each alone; row by row */
        struct running r = {.j = j,
                            .units = xcalloc(n, sizeof *r.units),
                            .objects = xcalloc(n, sizeof *r.objects),
                            .members = xcalloc(n, sizeof(struct loading *)),
                            .alone = pass > 0};
        make_units(&r, all, n);
        if (r.unit_count > 0)
            rc = run_units(&r, err);
        for (size_t i = 0; i < n; i++)
            sums_release(&r.objects[i].sums);
        free(r.units);
        free(r.objects);
        free(r.members);
        if (!r.retry)
            break;
    }
    return rc < 0 ? rc : nothing_left(all, n, err);
}
