/*
 * orch-generate-queue {pipeline, asOf, cause} -> {partitions, new, jobs, waiting, late, ...}: what should be loaded
 * by now and is not? Lists what is due, whatever its age, and makes jobs of what is new. A listing is done with no
 * transaction open; what it found is applied in one, decided by what the state file says then. Dying in between costs
 * nothing but the listing.
 */
#include "base/civil.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "steps/listing.h"

enum {
    FLUSH_OBJECTS = 5000, /* what one transaction of the state file takes, about: others wait for it */
    FLUSH_PARTS = 1000,
    BACKLOG_MS = 300000, /* cron's period: new files wait no longer behind a backlog than without one */
    FUTURE_MS = 900000,  /* modified later than now by more is a wrong clock, not an object being written */
};

struct counts {
    int64_t partitions, objects, jobs, requeued, waiting, late, empty, refused, gone;
};
struct generating {
    struct step_ctx *c;
    struct listing l;
    bool dry;
    json_t *plan;
    struct counts n;
};
/* One partition with what lies there. */
struct found {
    struct generating *g;
    const struct part *part;
    const struct seen *seen;
    size_t count;
    int64_t *ids, *sizes; /* owned; to be queued */
    size_t id_count;
    int64_t bytes, requeued, refused, held, queued_before;
};

/* ---- objects ---- */

static int act(struct found *f, const struct object_seen *o, const struct verdict *v, int64_t id,
               struct err *err)
{
    struct store *s = f->g->c->store;
    int rc = 0;

    if (v->fate == FATE_AGAIN) {
        rc = object_verdict(s, id, "LOADED", err);
        if (rc == 0 && v->open.load_id != 0 && v->open.object_id != id)
            rc = load_drop(s, &v->open, "overwritten by what was loaded before", o->now_ms, err);
    } else if (v->fate == FATE_REPOINT) {
        rc = load_repoint(s, &v->open, id, o->now_ms, err);
    } else if (v->fate == FATE_REFUSE) {
        rc = object_verdict(s, id, "REFUSED", err);
    }
    return rc;
}

static int one_object(struct found *f, const struct object_seen *o, struct err *err)
{
    struct step_ctx *c = f->g->c;
    struct verdict v;
    int64_t id = 0;

    int rc = decide_object(c, f->part, o, &v, err);
    if (rc == 0 && !f->g->dry && v.fate != FATE_KNOWN)
        rc = object_see(c->store, o, &id, err);
    else if (rc == 0 && !f->g->dry && o->said_sha256 != NULL)
        rc = object_said(c->store, o, err);
    if (rc < 0)
        return rc;
    f->requeued += v.fate == FATE_REPOINT;
    f->refused += v.fate == FATE_REFUSE;
    f->held += v.fate == FATE_HOLD;
    f->queued_before += v.fate == FATE_KNOWN && v.open.load_id != 0 && !v.open.dead;
    if (v.fate == FATE_QUEUE) {
        f->ids[f->id_count] = id;
        f->sizes[f->id_count++] = o->size;
        f->bytes += o->size;
    }
    return f->g->dry ? 0 : act(f, o, &v, id, err);
}

static int make_jobs(struct found *f, struct err *err)
{
    const struct pipeline *p = f->g->c->pipeline;
    int rc = 0;

    for (size_t i = 0, n; rc == 0 && i < f->id_count; i += n) {
        int64_t bytes = f->sizes[i], job_id;
        for (n = 1; i + n < f->id_count && n < MAX_JOB_OBJECTS && bytes + f->sizes[i + n] <= p->job_bytes;
             n++)
            bytes += f->sizes[i + n];
        f->g->n.jobs++;
        const struct job_new job = {.pipeline = p->name,
                                    .part = f->part->name,
                                    .kind = "LOAD",
                                    .objects = f->ids + i,
                                    .object_count = n,
                                    .bytes = bytes,
                                    .now_ms = f->g->l.now_ms};
        if (!f->g->dry)
            rc = job_create(f->g->c->store, &job, &job_id, err);
    }
    return rc;
}

/* ---- objects that were there and are not ---- */

struct missing {
    const struct found *f;
    int64_t *ids; /* owned */
    char **keys;  /* owned, each too */
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->o.key, ((const struct seen *)b)->o.key);
}

static int on_current(void *arg, const struct object_row *o, struct err *err)
{
    struct missing *m = arg;
    const struct seen key = {.o = {.key = o->key}};

    UNUSED(err);
    if (strcmp(o->verdict, "NEW") != 0 && strcmp(o->verdict, "QUEUED") != 0 &&
        strcmp(o->verdict, "REFUSED") != 0)
        return 0;
    if (m->f->count > 0 && bsearch(&key, m->f->seen, m->f->count, sizeof key, by_key) != NULL)
        return 0;
    m->ids = xrealloc(m->ids, (m->n + 1) * sizeof *m->ids);
    m->keys = xrealloc(m->keys, (m->n + 1) * sizeof *m->keys);
    m->ids[m->n] = o->id;
    m->keys[m->n++] = xstrdup(o->key);
    return 0;
}

static int one_gone(struct found *f, int64_t id, const char *key, struct err *err)
{
    struct step_ctx *c = f->g->c;
    struct load_open open;

    int rc = load_open(c->store, c->pipeline->name, key, &open, err);
    if (rc < 0)
        return rc;
    if (rc > 0 && open.object_id == id && (open.pending || open.worked))
        return 0; /* who works it will find out */
    f->g->n.gone++;
    if (rc > 0 && open.object_id == id)
        return load_drop(c->store, &open, "its objects vanished before they were loaded", f->g->l.now_ms,
                         err);
    return object_verdict(c->store, id, "GONE", err);
}

static int drop_gone(struct found *f, struct err *err)
{
    struct step_ctx *c = f->g->c;
    struct missing m = {.f = f};

    int rc = object_list_current(c->store, c->pipeline->name, f->part->name, on_current, &m, err);
    for (size_t i = 0; rc == 0 && i < m.n; i++)
        rc = one_gone(f, m.ids[i], m.keys[i], err);
    for (size_t i = 0; i < m.n; i++)
        free(m.keys[i]);
    free(m.keys);
    free(m.ids);
    return rc;
}

/* ---- partitions ---- */

static int plan_row(struct found *f, const char *action, const char *code, const char *reason,
                    int64_t objects, struct err *err)
{
    json_t *row;

    if (!f->g->dry)
        return 0;
    row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "partition", f->part->name, "action", action, "code",
                    code, "reason", reason, "objects", (json_int_t)objects, "bytes", (json_int_t)f->bytes);
    if (row == NULL || json_array_append_new(f->g->plan, row) < 0)
        return err_set(err, ERR_INTERNAL, "cannot describe a partition");
    return 0;
}

static int put_part(struct found *f, enum part_state state, const char *reason, struct err *err)
{
    const struct partition_seen row = {
        .part = f->part->name, .state = part_state_name(state), .reason = reason, .now_ms = f->g->l.now_ms};

    f->g->n.waiting += state == PART_WAITING;
    f->g->n.late += state == PART_LATE;
    f->g->n.empty += state == PART_EMPTY;
    return f->g->dry ? 0 : partition_put(f->g->c->store, f->g->c->pipeline->name, &row, err);
}

static int64_t due_ms(const struct found *f)
{
    const struct pipeline *p = f->g->c->pipeline;

    return f->part->start_ms + period_ms(p->period) + p->settle_ms;
}

/* Nothing (to be had) lies there yet. */
static int wait_for(struct found *f, const char *reason, bool may_be_empty, struct err *err)
{
    const struct pipeline *p = f->g->c->pipeline;
    bool empty = may_be_empty && f->g->l.now_ms >= due_ms(f) && f->part->nothing_said;
    bool late =
        f->count == 0 && f->g->l.now_ms >= due_ms(f) + p->late_after_ms; /* one that settles has come */
    enum part_state state = empty                            ? PART_EMPTY
                            : !late                          ? PART_WAITING
                            : may_be_empty && p->allow_empty ? PART_EMPTY
                                                             : PART_LATE;
    static const char *const actions[] = {
        [PART_WAITING] = "wait", [PART_LATE] = "late", [PART_EMPTY] = "empty"};

    static const char *const codes[] = {
        [PART_WAITING] = "MISSING", [PART_LATE] = "LATE", [PART_EMPTY] = "EMPTY"};

    int rc = put_part(f, state, reason, err);
    if (rc == 0 && (state != PART_EMPTY || state != f->part->state))
        rc = plan_row(f, actions[state], f->count > 0 ? "SETTLING" : codes[state], reason, (int64_t)f->count,
                      err);
    return rc;
}

/* A manifest says that there is more, or something else. What was loaded before shows until the partition is late. */
static int held_back(struct found *f, struct err *err)
{
    const char *why = f->part->hold;
    bool late = f->g->l.now_ms >= due_ms(f) + f->g->c->pipeline->late_after_ms;

    if (!late && f->part->state == PART_QUEUED)
        return put_part(f, PART_QUEUED, "", err);
    int rc = put_part(f, late ? PART_LATE : PART_WAITING, why, err);
    return rc < 0
               ? rc
               : plan_row(f, late ? "late" : "wait", late ? "LATE" : "MISSING", why, (int64_t)f->count, err);
}

static bool settled(const struct found *f)
{
    int64_t now = f->g->l.now_ms, settle = f->g->c->pipeline->settle_ms;

    for (size_t i = 0; i < f->count; i++) {
        int64_t modified = f->seen[i].o.modified_ms;
        if (modified + settle > now && modified <= now + FUTURE_MS)
            return false;
    }
    return now >= due_ms(f);
}

/* What came after a person adopted the partition was not there to be adopted: it is shown, not loaded. */
static int adopted(struct found *f, struct err *err)
{
    struct store *s = f->g->c->store;
    int64_t id;
    int rc = 0;

    for (size_t i = 0; rc == 0 && !f->g->dry && i < f->count; i++)
        if (f->seen[i].o.modified_ms > f->part->since_ms) {
            rc = object_see(s, &f->seen[i].o, &id, err);
            if (rc > 0)
                rc = object_verdict(s, id, "REFUSED", err);
        }
    return rc < 0 ? rc : put_part(f, PART_ADOPTED, "", err);
}

static int with_objects(struct found *f, struct err *err)
{
    int rc = 0;

    f->ids = xcalloc(f->count, sizeof *f->ids);
    f->sizes = xcalloc(f->count, sizeof *f->sizes);
    for (size_t i = 0; rc == 0 && i < f->count; i++)
        rc = one_object(f, &f->seen[i].o, err);
    if (rc == 0)
        rc = make_jobs(f, err);
    f->g->n.objects += (int64_t)f->id_count;
    f->g->n.requeued += f->requeued;
    f->g->n.refused += f->refused;
    if (rc == 0)
        rc = put_part(f, PART_QUEUED, "", err);
    if (rc == 0 && f->id_count > 0)
        rc = plan_row(f, "queue", f->part->state == PART_QUEUED ? "NEW_FILES" : "NEW",
                      f->part->state == PART_QUEUED ? "new or changed since it was listed" : "new",
                      (int64_t)f->id_count, err);
    else if (rc == 0 && f->requeued > 0)
        rc = plan_row(f, "queue", "SOURCE_CHANGED", "overwritten before it was loaded", f->requeued, err);
    else if (rc == 0 && f->refused > 0)
        rc = plan_row(f, "refuse", "REFUSED", decide_refusal(f->g->c->pipeline), f->refused, err);
    else if (rc == 0 && f->held > 0)
        rc = plan_row(f, "wait", "HELD", "an older state of the object is being loaded", f->held, err);
    else if (rc == 0 && f->queued_before > 0)
        rc = plan_row(f, "load", "QUEUED", "queued already", f->queued_before, err);
    free(f->ids);
    free(f->sizes);
    return rc;
}

static int one_part(struct found *f, struct err *err)
{
    struct step_ctx *c = f->g->c;
    int rc = 0;

    f->g->n.partitions++;
    if (f->part->state == PART_ADOPTED)
        return adopted(f, err);
    if (f->part->hold != NULL)
        return held_back(f, err);
    if (f->count > 0 && !settled(f)) {
        if (f->part->state == PART_QUEUED)
            return put_part(f, PART_QUEUED, "", err);
        return wait_for(f, "an object is younger than settle", false, err);
    }
    if (!f->g->dry)
        rc = drop_gone(f, err);
    if (rc < 0 || f->count > 0)
        return rc < 0 ? rc : with_objects(f, err);
    /* What was loaded stays loaded, wherever its file has gone. */
    rc = load_any(c->store, c->pipeline->name, f->part->name, err);
    if (rc != 0)
        return rc < 0 ? rc : put_part(f, PART_QUEUED, "", err);
    if (f->part->unlisted > 0)
        return wait_for(f, "objects have come, and no manifest lists them", false, err);
    return wait_for(f, f->part->nothing_said ? "its manifest lists no object" : "no object has come", true,
                    err);
}

/* ---- the run ---- */

static int apply_units(struct generating *g, size_t first, size_t end, struct err *err)
{
    struct listing *l = &g->l;
    size_t at = 0;
    int rc = 0;

    listing_sort(l);
    for (size_t u = first; u < end; u++)
        for (size_t i = l->units[u].first; rc == 0 && i < l->units[u].first + l->units[u].count; i++) {
            struct found f = {.g = g, .part = &l->parts[i]};
            while (at < l->seen_count && l->seen[at].part < i)
                at++;
            f.seen = l->seen_count > 0 ? l->seen + at : NULL;
            while (at + f.count < l->seen_count && l->seen[at + f.count].part == i)
                f.count++;
            at += f.count;
            if (f.part->state != PART_SKIPPED)
                rc = one_part(&f, err);
        }
    return rc;
}

/* Units [first, end) are listed: what they found into the state file, in one transaction. */
static int flush(struct generating *g, size_t first, size_t end, struct err *err)
{
    struct store *s = g->c->store;
    int rc = beat(&g->c->beat, err);

    if (rc < 0 || first == end)
        return rc;
    if (g->dry) {
        rc = apply_units(g, first, end, err);
    } else {
        rc = fault_point("generate.listed", err);
        if (rc == 0)
            rc = queue_begin(s, g->c->token, err);
        if (rc == 0)
            rc = apply_units(g, first, end, err);
        if (rc == 0)
            rc = fault_point("generate.before_commit", err);
        if (rc == 0)
            rc = store_commit(s, err);
        store_rollback(s);
        if (rc == 0)
            rc = fault_point("generate.committed", err);
    }
    listing_clear(&g->l);
    return rc;
}

static int list_all(struct generating *g, struct err *err)
{
    struct listing *l = &g->l;
    size_t first = 0, parts = 0;
    int rc = 0;

    for (size_t u = 0; rc == 0 && u < l->unit_count; u++) {
        rc = listing_run(l, &l->units[u], err);
        parts += l->units[u].count;
        if (rc == 0 && (l->seen_count >= FLUSH_OBJECTS || parts >= FLUSH_PARTS)) {
            rc = flush(g, first, u + 1, err);
            first = u + 1;
            parts = 0;
        }
    }
    return rc < 0 ? rc : flush(g, first, l->unit_count, err);
}

/* The numbers of the listing as a whole. */
static int finish(struct generating *g, struct err *err)
{
    enum { DAY_MS = 86400000 };
    const char *name = g->c->pipeline->name;
    struct pipeline_row row = {0};
    int64_t full = 0;

    if (g->l.unit_count == 0)
        return 0;
    int rc = pipeline_get(g->c->store, name, &row, err);
    if (rc == 0 && !g->l.cut &&
        (row.full_listing_ms <= g->l.now_ms - DAY_MS || row.full_listing_ms > g->l.now_ms))
        full = g->l.now_ms; /* everything has been listed within a day before */
    pipeline_row_release(&row);
    if (rc == 0)
        rc = queue_begin(g->c->store, g->c->token, err);
    if (rc == 0)
        rc = pipeline_listed(g->c->store, name, g->l.left_out, g->l.left_out_example, full, g->l.now_ms, err);
    if (rc == 0)
        rc = store_commit(g->c->store, err);
    store_rollback(g->c->store);
    return rc;
}

static json_t *result(const struct generating *g)
{
    const struct counts *n = &g->n;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "partitions",
                     (json_int_t)n->partitions, "new", (json_int_t)n->objects, "jobs", (json_int_t)n->jobs,
                     "requeued", (json_int_t)n->requeued, "waiting", (json_int_t)n->waiting, "late",
                     (json_int_t)n->late, "empty", (json_int_t)n->empty, "refused", (json_int_t)n->refused,
                     "gone", (json_int_t)n->gone, "leftOut", (json_int_t)g->l.left_out, "cut", g->l.cut);
}

static int generate(struct step_ctx *c, int64_t as_of_ms, bool dry, json_t **ret, struct err *err)
{
    struct generating g = {.c = c, .dry = dry};
    int64_t now = clock_now_ms();

    int rc = listing_plan(c, as_of_ms < now ? as_of_ms : now, now, &g.l, err);
    if (dry)
        g.plan = json_array();
    if (rc == 0)
        rc = list_all(&g, err);
    if (rc == 0 && !dry)
        rc = finish(&g, err);
    if (rc == 0)
        *ret = dry ? json_incref(g.plan) : result(&g);
    json_decref(g.plan);
    listing_release(&g.l);
    return rc;
}

int step_generate_queue(struct step_ctx *c, bool dry, json_t **ret_plan, struct err *err)
{
    return generate(c, INT64_MAX, dry, ret_plan, err);
}

/* A backlog is worked one job an execution: what was listed a moment ago need not be listed for each of them. */
static int listed_just_now(struct step_ctx *c, bool *ret, struct err *err)
{
    struct pipeline_row row = {0};
    int64_t now = clock_now_ms();

    int rc = pipeline_get(c->store, c->pipeline->name, &row, err);
    if (rc == 0)
        *ret = row.listed_ms <= now && now - row.listed_ms < BACKLOG_MS;
    pipeline_row_release(&row);
    return rc;
}

int step_run_generate_queue(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const char *as_of, *cause = "";
    int64_t as_of_ms = INT64_MAX;
    bool fresh = false;

    int rc = json_get_str(parameters, "asOf", NULL, &as_of, err);
    if (rc == 0 && as_of != NULL)
        rc = civil_parse_rfc3339(as_of, &as_of_ms, err);
    if (rc == 0)
        rc = json_get_str(parameters, "cause", "", &cause, err);
    if (rc == 0 && strcmp(cause, "BACKLOG") == 0)
        rc = listed_just_now(c, &fresh, err);
    if (rc == 0 && fresh) {
        *ret_owned = json_pack("{s:b}", "listedBefore", 1);
        return 0;
    }
    if (rc == 0)
        rc = step_rebuild(c, err);
    if (rc >= 0)
        rc = generate(c, as_of_ms, false, ret_owned, err);
    return rc;
}
