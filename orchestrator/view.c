#include "orchestrator/view.h"
#include "base/mem.h"
#include "io/target_upsert.h"
#include "state/view_rows.h"

const char *view_str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

int64_t view_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const struct {
    const char *name, *glyph;
    int weight; /* of several jobs the heaviest is the partition's state */
    bool well;
} states[VIEW_STATES] = {
    [VIEW_DEAD] = {"DEAD", "✖", 9, false},
    [VIEW_FAILED] = {"FAILED", "✖", 8, false},
    [VIEW_MISMATCHED] = {"MISMATCHED", "≠", 7, false},
    [VIEW_PROCESSING] = {"PROCESSING", "·", 6, false},
    [VIEW_QUEUED] = {"QUEUED", "·", 5, false},
    [VIEW_LOADED] = {"LOADED", "●", 4, false},
    [VIEW_RECONCILED] = {"RECONCILED", "●", 3, true},
    [VIEW_EMPTY] = {"EMPTY", "–", 2, true},
    [VIEW_SKIPPED] = {"SKIPPED", "–", 0, true},
    [VIEW_ADOPTED] = {"ADOPTED", "●", 0, true},
    [VIEW_WAITING] = {"WAITING", "·", 0, false},
    [VIEW_LATE] = {"LATE", "▲", 0, false},
};

const char *view_state_name(enum view_state s)
{
    return states[s].name;
}

const char *view_glyph(enum view_state s)
{
    return states[s].glyph;
}

static enum view_state state_of(const char *name)
{
    size_t i = 0;

    while (i < VIEW_STATES - 1 && strcmp(states[i].name, name) != 0)
        i++;
    return (enum view_state)i;
}

bool view_part_is_well(const struct view_part *p)
{
    return states[p->state].well || (p->state == VIEW_LOADED && p->unverifiable);
}

bool view_is_well(const json_t *partition)
{
    const struct view_part p = {.state = state_of(view_str(partition, "state")),
                                .unverifiable = json_is_true(json_object_get(partition, "unverifiable"))};

    return view_part_is_well(&p);
}

bool view_newest(const struct pipeline *p, int64_t now_ms, int64_t *ret_start_ms)
{
    int64_t start = period_floor(p->period, now_ms) - period_ms(p->period);

    if (p->until_ms >= 0 && p->until_ms < start)
        start = p->until_ms;
    *ret_start_ms = start;
    return start >= p->since_ms;
}

/* ---- the walk: closed hours, rows of partitions, rows of jobs, merged ---- */

struct walk {
    const struct pipeline *p;
    struct view_rows *rows;
    enum view_depth depth;
    bool calendar, met, working; /* each has a next one */
    int64_t at_ms, last_ms;
    char at[PART_SIZE];       /* the closed hour that comes next */
    struct partition_row row; /* the partition that comes next */
    struct job job;           /* the job that comes next */
    struct arena *arena;      /* owned; text of the jobs of one partition */
    struct job *jobs;         /* owned */
    size_t job_cap;
    char part[64]; /* the one that is told; longer than any that orch makes */
    char reason[1000];
};

/* Within a day the name of an hour only counts up: years of them are walked. */
static void next_hour(struct walk *w)
{
    const int64_t hour = (w->at_ms / 3600000) % 24;

    w->at_ms += period_ms(w->p->period);
    w->calendar = w->at_ms <= w->last_ms;
    if (w->p->period == PERIOD_HOUR && hour < 23) {
        w->at[11] = (char)('0' + (hour + 1) / 10);
        w->at[12] = (char)('0' + (hour + 1) % 10);
    } else {
        part_name(w->p->period, w->at_ms, w->at);
    }
}

static int next_row(struct walk *w, struct err *err)
{
    int rc = view_rows_part(w->rows, &w->row, err);

    w->met = rc > 0;
    return rc < 0 ? rc : 0;
}

static int next_job(struct walk *w, struct err *err)
{
    int rc = view_rows_job(w->rows, &w->job, err);

    w->working = rc > 0;
    return rc < 0 ? rc : 0;
}

static int walk_begin(struct walk *w, struct store *s, const char *from, const char *to, int64_t now_ms,
                      struct err *err)
{
    static const enum view_jobs jobs[] = {VIEW_JOBS_STATES, VIEW_JOBS_OPEN, VIEW_JOBS_WHOLE};
    const struct pipeline *p = w->p;
    int64_t given;
    int rc = 0;

    w->at_ms = p->since_ms;
    w->calendar = view_newest(p, now_ms, &w->last_ms);
    if (from != NULL && (rc = part_parse(p->period, from, &given, err)) == 0 && given > w->at_ms)
        w->at_ms = given;
    if (rc == 0 && to != NULL && (rc = part_parse(p->period, to, &given, err)) == 0 && given < w->last_ms)
        w->last_ms = given;
    w->calendar = w->calendar && w->at_ms <= w->last_ms;
    part_name(p->period, w->at_ms, w->at);
    if (rc == 0)
        rc = view_rows_open(s, p->name, from, to, jobs[w->depth], &w->rows, err);
    if (rc == 0)
        rc = next_row(w, err);
    if (rc == 0)
        rc = next_job(w, err);
    return rc;
}

static const char *earliest(const struct walk *w)
{
    const char *part = w->calendar ? w->at : NULL;

    if (w->met && (part == NULL || strcmp(w->row.part, part) < 0))
        part = w->row.part;
    if (w->working && (part == NULL || strcmp(w->job.part, part) < 0))
        part = w->job.part;
    return part;
}

static char *keep(struct walk *w, const char *text)
{
    return text != NULL ? arena_strndup(w->arena, text, strlen(text)) : NULL;
}

/* A job's text is gone with the next one: the partition's are copied. */
static void keep_job(struct walk *w, size_t at)
{
    if (at == w->job_cap) {
        w->job_cap = w->job_cap > 0 ? 2 * w->job_cap : 16;
        w->jobs = xrealloc(w->jobs, w->job_cap * sizeof *w->jobs);
    }
    struct job *j = &w->jobs[at];
    *j = w->job;
    j->pipeline = keep(w, j->pipeline);
    j->part = keep(w, j->part);
    j->kind = keep(w, j->kind);
    j->state = keep(w, j->state);
    j->error = keep(w, j->error);
    j->message = keep(w, j->message);
    j->hint = keep(w, j->hint);
    j->reason = keep(w, j->reason);
    j->who = keep(w, j->who);
}

/* A partition that says QUEUED means: its jobs tell. What a person has decided they do not overrule. */
static void judge(struct view_part *p, const struct job *j, bool *first)
{
    enum view_state mine;

    if (strcmp(j->state, "SUPERSEDED") == 0)
        return;
    mine = state_of(j->state);
    p->objects += j->objects;
    p->bytes += j->bytes;
    p->rows_read += j->rows_read;
    p->rows_loaded += j->rows_loaded;
    p->rows_rejected += j->rows_rejected;
    p->unverifiable = p->unverifiable || j->unverifiable;
    if (p->state == VIEW_SKIPPED || p->state == VIEW_ADOPTED)
        return;
    /* a manifest says that more is to come than was loaded */
    if (p->state == VIEW_LATE && (mine == VIEW_RECONCILED || (mine == VIEW_LOADED && j->unverifiable)))
        return;
    if (*first || states[mine].weight > states[p->state].weight)
        p->state = mine;
    *first = false;
}

static int tell(struct walk *w, view_fn *fn, void *arg, struct err *err)
{
    struct view_part p = {.part = w->part, .state = VIEW_WAITING, .own = "", .reason = ""};
    bool first = true;
    int rc = 0;

    if (w->calendar && strcmp(w->at, w->part) == 0)
        next_hour(w);
    if (w->met && strcmp(w->row.part, w->part) == 0) {
        p.state = state_of(w->row.state);
        p.own = states[p.state].name;
        p.since_ms = w->row.since_ms;
        p.listed_ms = w->row.listed_ms;
        if (w->row.reason[0] != '\0') {
            snprintf(w->reason, sizeof w->reason, "%s", w->row.reason);
            p.reason = w->reason;
        }
        rc = next_row(w, err);
    }
    if (w->depth != VIEW_BRIEF)
        arena_reset(w->arena);
    for (; rc == 0 && w->working && strcmp(w->job.part, w->part) == 0; rc = next_job(w, err)) {
        judge(&p, &w->job, &first);
        if (w->depth != VIEW_BRIEF)
            keep_job(w, p.job_count);
        p.job_count++;
    }
    p.jobs = w->depth != VIEW_BRIEF ? w->jobs : NULL;
    return rc < 0 ? rc : fn(arg, &p, err);
}

int view_each(struct store *s, const struct pipeline *p, const char *from, const char *to, int64_t now_ms,
              enum view_depth depth, view_fn *fn, void *arg, struct err *err)
{
    struct walk w = {.p = p, .depth = depth, .arena = arena_new()};
    const char *part;
    int rc = walk_begin(&w, s, from, to, now_ms, err);

    while (rc >= 0 && rc != VIEW_ENOUGH && (part = earliest(&w)) != NULL) {
        if (strlen(part) >= sizeof w.part) {
            rc = err_set(err, ERR_STATE, "%s: '%s' is no partition", p->name, part);
        } else {
            memcpy(w.part, part, strlen(part) + 1);
            rc = tell(&w, fn, arg, err);
        }
    }
    view_rows_close(w.rows);
    arena_free(w.arena);
    free(w.jobs);
    return rc < 0 || rc == VIEW_ENOUGH ? rc : 0;
}

/* ---- rows by key ---- */

struct upserts {
    struct upsert_counts sum;
    bool any;
};

static int add_upsert(void *arg, const struct load_row *l, struct err *err)
{
    struct upserts *u = arg;
    struct upsert_counts one = {0};
    int rc = strcmp(l->state, "LOADED") == 0 ? upsert_from_text(l->columns, &one, err) : 0;

    upsert_add(&u->sum, &one);
    u->any = u->any || rc > 0;
    return rc < 0 ? rc : 0;
}

int view_upsert(struct store *s, const struct pipeline *p, int64_t job_id, struct upsert_counts *ret,
                struct err *err)
{
    struct upserts u = {0};
    int rc = p->mode == MODE_UPSERT ? load_list(s, job_id, add_upsert, &u, err) : 0;

    *ret = u.sum;
    return rc < 0 ? rc : u.any;
}

/* ---- as JSON ---- */

json_t *view_job_json(const struct job *j)
{
    char name[JOB_NAME_SIZE];
    json_t *o = json_pack("{s:I,s:s,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "id", j->id, "job",
                          job_name(j, name), "n", j->n, "kind", j->kind, "state", j->state, "attempts",
                          j->attempts, "tries", j->tries, "objects", j->objects, "rows_read", j->rows_read,
                          "rows_loaded", j->rows_loaded, "rows_rejected", j->rows_rejected);

    json_object_set_new(o, "bytes", json_integer(j->bytes));
    json_object_set_new(o, "error", cli_json_text(j->error));
    json_object_set_new(o, "message", cli_json_text(j->message));
    json_object_set_new(o, "hint", cli_json_text(j->hint));
    json_object_set_new(o, "reason", cli_json_text(j->reason != NULL ? j->reason : ""));
    json_object_set_new(o, "who", cli_json_text(j->who != NULL ? j->who : ""));
    json_object_set_new(o, "unverifiable", json_boolean(j->unverifiable));
    json_object_set_new(o, "not_before", cli_json_time(j->not_before_ms));
    json_object_set_new(o, "created", cli_json_time(j->created_ms));
    json_object_set_new(o, "updated", cli_json_time(j->updated_ms));
    json_object_set_new(o, "loaded", cli_json_time(j->loaded_ms));
    json_object_set_new(o, "reconciled", cli_json_time(j->reconciled_ms));
    return o;
}

static int add_partition(void *arg, const struct view_part *p, struct err *err)
{
    json_t *o = json_pack("{s:s,s:s}", "partition", p->part, "state", states[p->state].name),
           *jobs = json_array();

    UNUSED(err);
    json_object_set_new(o, "since", cli_json_time(p->since_ms));
    json_object_set_new(o, "listed", cli_json_time(p->listed_ms));
    json_object_set_new(o, "reason", cli_json_text(p->reason));
    json_object_set_new(o, "objects", json_integer(p->objects));
    json_object_set_new(o, "rows_read", json_integer(p->rows_read));
    json_object_set_new(o, "rows_loaded", json_integer(p->rows_loaded));
    json_object_set_new(o, "rows_rejected", json_integer(p->rows_rejected));
    json_object_set_new(o, "unverifiable", json_boolean(p->unverifiable));
    for (size_t i = 0; p->jobs != NULL && i < p->job_count; i++)
        json_array_append_new(jobs, view_job_json(&p->jobs[i]));
    json_object_set_new(o, "jobs", jobs);
    json_array_append_new(arg, o);
    return 0;
}

int view_partitions(struct store *s, const struct pipeline *p, const char *from, const char *to,
                    int64_t now_ms, json_t **ret_owned, struct err *err)
{
    json_t *list = json_array();
    int rc = view_each(s, p, from, to, now_ms, VIEW_WHOLE, add_partition, list, err);

    if (rc == 0)
        *ret_owned = list;
    else
        json_decref(list);
    return rc;
}
