/*
 * One pass. Level-triggered: what is due is read from the state file each time, so a tick that was missed, killed or
 * doubled costs nothing. No tick-wide lock: executions are claimed one by one.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "io/hash.h"
#include "orchestrator/requests.h"
#include "orchestrator/tick_int.h"
#include "state/extraction.h"
#include "state/queue.h"
#include "state/trigger.h"

enum {
    PRUNE_ROUNDS = 20,
    BACKOFF_MS = 5000,
    BACKOFF_MAX_MS = 300000,
    SLICE_MS = 200,
};

/* ---- what an execution came to ---- */

static bool is_job_fault(const char *error)
{
    enum err_code code = err_by_name(error);

    return err_counts(code) || code == ERR_OBJECT_CHANGED;
}

static int set_backoff(struct tick *t, struct flow *f, int64_t count, struct err *err)
{
    int64_t delay = BACKOFF_MS;

    if (count == f->retry_count && count == 0)
        return 0;
    for (int64_t i = 1; i < count && delay < BACKOFF_MAX_MS; i++)
        delay *= 2;
    if (delay > BACKOFF_MAX_MS)
        delay = BACKOFF_MAX_MS;
    f->retry_count = count;
    return pipeline_backoff(t->store, f->p->name, count == 0 ? 0 : clock_now_ms() + delay, count, err);
}

static void note_failure(struct tick *t, const struct execution *x)
{
    const char *error = x->error != NULL ? x->error : "States.Timeout";

    snprintf(t->failed_name, sizeof t->failed_name, "%s", x->name);
    snprintf(t->failed_text, sizeof t->failed_text, "%s%s%s", error, x->cause != NULL ? ": " : "",
             x->cause != NULL ? x->cause : "");
    t->failed_hint = err_by_name(error) == ERR_OBJECT_CHANGED
                         ? "a file is taken once it has been at rest for settle; the next look after that "
                           "queues what is there then"
                         : "";
    int status = err_exit_status(err_by_name(error));
    t->failed_status = exit_worse(t->failed_status, status == 2 ? 1 : status);
}

/* The same of an extract: a run that was asked for. */
static int next_run(struct tick *t, struct flow *f, int64_t *ret_id, struct err *err)
{
    char *run = NULL;
    int rc = extraction_open(t->store, f->p->name, clock_now_ms(), &run, err);

    *ret_id = rc == 1 ? (int64_t)crc32_of(run, strlen(run)) + 1 : 0;
    free(run);
    return rc;
}

/* 1: another job may be worked at once, 0: none is left that may. */
static int next_job(struct tick *t, struct flow *f, int64_t *ret_id, struct err *err)
{
    struct job job = {0};
    int64_t pending = 0;

    if (f->p->extract != NULL)
        return next_run(t, f, ret_id, err);
    int rc = job_next(t->store, f->p->name, t->o->partition, clock_now_ms(), &job, &pending, err);

    *ret_id = rc == 1 ? job.id : 0;
    job_release(&job);
    return rc;
}

/* An execution of ours has ended: shall another be started? */
static int ended(struct tick *t, struct flow *f, int64_t id, struct err *err)
{
    struct execution x = {0};
    int64_t job_id = 0;
    int rc = exec_get(t->store, id, &x, err);

    if (rc < 0)
        return rc;
    bool well = strcmp(x.status, "SUCCEEDED") == 0;
    bool job_fault = !well && x.error != NULL && is_job_fault(x.error);
    if (well || job_fault)
        rc = set_backoff(t, f, 0, err);
    else if (strcmp(x.status, "ABORTED") != 0)
        rc = set_backoff(t, f, f->retry_count + 1, err);
    if (!well && strcmp(x.status, "ABORTED") != 0)
        note_failure(t, &x);
    if (rc == 0)
        rc = next_job(t, f, &job_id, err);
    /* Idle though a job is next: something holds it. The same job again: working it once more would change nothing. */
    f->more = rc > 0 && (well || job_fault) && !x.idle && job_id != f->job_id;
    f->job_id = job_id;
    execution_release(&x);
    return rc < 0 ? rc : 0;
}

/* Works one execution as far as it goes. */
static int work(struct tick *t, struct flow *f, int64_t id, struct err *err)
{
    enum engine_result result = ENGINE_HELD;
    int64_t wake = 0;
    int rc = engine_work(t->engine, id, &result, &wake, err);

    f->more = false;
    if (rc < 0)
        return rc;
    if (result == ENGINE_ENDED)
        return ended(t, f, id, err);
    if (result == ENGINE_WAITING && (f->wake_ms == 0 || wake < f->wake_ms))
        f->wake_ms = wake;
    if (result == ENGINE_HELD)
        t->held = true;
    return 0;
}

/* ---- what there is to do ---- */

enum { RUNNING_AT_ONCE = 100 };

struct ids {
    int64_t id[RUNNING_AT_ONCE];
    size_t n;
};

static int on_running(void *arg, const struct execution *x, struct err *err)
{
    struct ids *ids = arg;

    UNUSED(err);
    if (ids->n < RUNNING_AT_ONCE)
        ids->id[ids->n++] = x->id;
    return 0;
}

/* Takeovers and wakes, oldest first. */
static int work_running(struct tick *t, struct flow *f, struct err *err)
{
    struct ids ids = {.n = 0};
    int rc = exec_list(t->store, f->p->name, "RUNNING", RUNNING_AT_ONCE, on_running, &ids, err);

    for (size_t i = ids.n; rc == 0 && i-- > 0 && !engine_stop_signal;)
        rc = work(t, f, ids.id[i], err);
    return rc;
}

/* 1: the schedule has fired since it was last acted on; *ret_fire_ms is that fire. */
static int schedule_due(struct tick *t, struct flow *f, int64_t *ret_fire_ms, struct err *err)
{
    struct trigger g = {0};
    struct cronexpr c;
    int64_t now = clock_now_ms();

    if (f->p->schedule == NULL || f->p->schedule[0] == '\0')
        return 0;
    int rc = cronexpr_parse(f->p->schedule, &c, err);
    if (rc < 0)
        return err_prefix(err, "schedule");
    rc = trigger_find(t->store, f->p->name, f->p->schedule, &g, err);
    if (rc == 0 || (rc == 1 && g.anchor_ms > now + CLOCK_SLACK_MS)) {
        rc = store_begin(t->store, err);
        if (rc == 0)
            rc = trigger_get(t->store, f->p->name, f->p->schedule, now, &g, err);
        if (rc == 0)
            rc = store_commit(t->store, err);
        store_rollback(t->store);
    }
    if (rc < 0 || cronexpr_prev(&c, f->p->zone, g.anchor_ms, now, ret_fire_ms) != 1)
        return rc < 0 ? rc : 0;
    f->anchor_ms = g.anchor_ms;
    f->last_fire_ms = g.last_fire_ms;
    return g.last_fire_ms < 0 || *ret_fire_ms > g.last_fire_ms || g.last_fire_ms > now + CLOCK_SLACK_MS;
}

/* 1: after failures, not before its time. Also reads how many there were. */
static int backed_off(struct tick *t, struct flow *f, struct err *err)
{
    struct pipeline_row row = {0};
    int rc = pipeline_get(t->store, f->p->name, &row, err);

    if (rc < 0)
        return rc;
    f->retry_count = row.retry_count;
    int64_t now = clock_now_ms();
    /* Further ahead than any back-off reaches: the clock was set back. */
    rc = row.retry_ms > now && row.retry_ms <= now + BACKOFF_MAX_MS + CLOCK_SLACK_MS;
    pipeline_row_release(&row);
    return rc;
}

static int start(struct tick *t, struct flow *f, const char *cause, int64_t fire_ms, struct err *err)
{
    json_t *input =
        json_pack("{s:s, s:s?, s:s}", "pipeline", f->p->name, "partition", t->o->partition, "cause", cause);
    int64_t id = 0;
    int rc = engine_start_one(t->engine, f->p, cause, fire_ms, input, &id, err);

    json_decref(input);
    f->more = false;
    if (rc < 0)
        return rc;
    if (rc == 0) { /* another tick was faster */
        t->held = true;
        return 0;
    }
    t->jobs++;
    rc = fire_ms >= 0 ? tick_count_missed(t, f, id, fire_ms, err) : 0;
    if (rc == 0)
        rc = fault_point("tick.started", err);
    return rc < 0 ? rc : work(t, f, id, err);
}

/* The first execution of this tick, when one is due: the schedule has fired, or a person says so. */
static int start_first(struct tick *t, struct flow *f, struct err *err)
{
    int64_t fire = -1;
    int rc = backed_off(t, f, err);

    if (rc < 0)
        return rc;
    if (t->o->force)
        rc = 1;
    else
        rc = rc == 1 ? 0
                     : schedule_due(t, f, &fire, err); /* not acted on while backed off: the fire stays due */
    bool by_hand = t->o->force || (rc == 0 && f->asked);
    if (by_hand)
        fire = -1;
    if (rc < 0 || (rc == 0 && !by_hand))
        return rc;
    rc = tick_paused(t, f, err);
    if (rc < 0 || (rc > 0 && by_hand)) /* what a request has queued waits, too */
        return rc < 0 ? rc : 0;
    if (rc > 0)
        return tick_look(t, f, fire, err);
    rc = next_job(t, f, &f->job_id, err);
    if (rc < 0)
        return rc;
    return start(t, f, by_hand ? "RUN" : "SCHEDULE", fire, err);
}

/*
 * Runs of an extract that wait: asked for by hand, or to be tried again. They are worked whatever the schedule says, before it
 * begins another. 1: none is left that this tick can do something about.
 */
static int work_waiting(struct tick *t, struct flow *f, struct err *err)
{
    int64_t id = 0;
    int rc = t->o->force ? 0 : backed_off(t, f, err);

    if (rc == 0)
        rc = tick_paused(t, f, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    f->job_id = 0;
    while ((rc = next_run(t, f, &id, err)) > 0 && t->jobs < MAX_JOBS_PER_TICK) {
        if (id == f->job_id) /* it is still there: worked once more it would not get further */
            return 0;
        f->job_id = id;
        rc = start(t, f, "BACKLOG", -1, err);
        if (rc < 0 || t->held || f->wake_ms > 0 || engine_stop_signal)
            return rc < 0 ? rc : 0;
        f->job_id = id;
    }
    f->more = false;
    return rc < 0 ? rc : 1;
}

static int work_flow(struct tick *t, struct flow *f, struct err *err)
{
    bool held_before = t->held;

    t->held = false;
    f->more = false;
    f->wake_ms = 0;
    int rc = work_running(t, f, err);
    if (rc < 0 || t->held || f->wake_ms > 0 || engine_stop_signal)
        goto out;
    if (!f->started) {
        f->started = true;
        bool more = f->more; /* of an execution that was taken over */
        int free_for_more = f->p->extract != NULL ? work_waiting(t, f, err) : 1;
        if (free_for_more <= 0 || t->o->waiting_only) {
            rc = free_for_more < 0 ? free_for_more : 0;
            f->more = false;
            goto out;
        }
        rc = start_first(t, f, err);
        f->more = f->more || (more && f->wake_ms == 0 && !t->held);
    }
    while (rc == 0 && f->more && !engine_stop_signal && t->jobs < MAX_JOBS_PER_TICK) {
        rc = tick_paused(t, f, err); /* a person may pause in the midst of a backlog */
        if (rc != 0)
            break;
        rc = start(t, f, t->o->force ? "RUN" : "BACKLOG", -1, err);
    }
    rc = rc < 0 ? rc : 0;
out:
    f->held = f->held || t->held;
    t->held = t->held || held_before;
    return rc;
}

/* ---- the tick ---- */

bool tick_is_of_state_file(enum err_code code)
{
    return code == ERR_STATE || code == ERR_STATE_NEWER || code == ERR_DISK_FULL || code == ERR_BUSY ||
           code == ERR_IO || code == ERR_INTERNAL;
}

static void say_notice(struct tick *t)
{
    const char *notice = store_notice(t->store);

    if (notice[0] != '\0')
        tick_print("", notice, "");
}

/* Every pipeline once; later only those whose execution wakes. */
static int pass(struct tick *t, bool first, struct err *err)
{
    for (size_t i = 0; i < t->flow_count && !engine_stop_signal; i++) {
        struct flow *f = &t->flows[i];
        if (!first && (f->wake_ms == 0 || f->wake_ms > clock_now_ms()))
            continue;
        int rc = work_flow(t, f, err);
        say_notice(t);
        if (rc < 0 && tick_is_of_state_file(err->code))
            return rc;
        if (rc < 0) /* one pipeline that cannot be worked keeps none of the others waiting */
            f->refused = *err;
    }
    if (t->o->pipeline != NULL || engine_stop_signal ||
        (!first && (t->own_wake_ms == 0 || t->own_wake_ms > clock_now_ms())))
        return 0;
    return tick_own(t, err);
}

/* Sleeps until the next execution wakes, when that is soon enough. False: nothing more in this tick. */
static bool linger(struct tick *t)
{
    int64_t wake = t->own_wake_ms, began = clock_mono_ms();

    for (size_t i = 0; i < t->flow_count; i++)
        if (t->flows[i].wake_ms > 0 && (wake == 0 || t->flows[i].wake_ms < wake))
            wake = t->flows[i].wake_ms;
    if (wake == 0 || wake - clock_now_ms() > t->linger_left_ms)
        return false;
    while (!engine_stop_signal && clock_now_ms() < wake) {
        int64_t left = wake - clock_now_ms();
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
    t->linger_left_ms -= clock_mono_ms() - began;
    return !engine_stop_signal;
}

static int prune_rounds(struct tick *t, int64_t now, struct err *err)
{
    int rc = 1;

    for (int i = 0; rc > 0 && i < PRUNE_ROUNDS; i++) {
        rc = store_begin(t->store, err);
        if (rc == 0)
            rc = exec_prune(t->store, now - t->config->keep_idle_ms, now - t->config->keep_ms, err);
        int gone = rc >= 0 ? request_prune(t->store, now - t->config->keep_ms, err) : 0;
        rc = gone < 0 ? gone : rc + gone;
        if (rc >= 0 && store_commit(t->store, err) < 0)
            rc = -(int)err->code;
        store_rollback(t->store);
    }
    if (rc >= 0)
        rc = engine_sweep(t->engine, err);
    return rc < 0 ? rc : 0;
}

/* Once an hour; when it was done last is kept like a schedule. No pipeline has such a name. */
static int prune(struct tick *t, struct err *err)
{
    static const char name[] = "(prune)", expression[] = "rate(1 hour)";
    struct trigger g = {.last_fire_ms = -1};
    int64_t now = clock_now_ms();
    int rc = trigger_find(t->store, name, expression, &g, err);

    if (rc < 0 || (rc == 1 && g.last_fire_ms >= 0 && now - g.last_fire_ms < 3600000 &&
                   g.last_fire_ms <= now + CLOCK_SLACK_MS))
        return rc < 0 ? rc : 0;
    rc = store_begin(t->store, err);
    if (rc == 0)
        rc = trigger_get(t->store, name, expression, now, &g, err);
    if (rc == 0)
        rc = trigger_fired(t->store, name, now, err);
    if (rc >= 0)
        rc = store_commit(t->store, err);
    store_rollback(t->store);
    return rc < 0 ? rc : prune_rounds(t, now, err);
}

static int set_up(struct tick *t, struct err *err)
{
    const struct config *c = t->config;
    int rc = engine_new(c, t->store, &t->engine, err);

    if (rc < 0)
        return rc;
    t->linger_left_ms = t->o->linger_ms < 0 ? c->linger_ms : t->o->linger_ms;
    t->flows = xcalloc(c->pipeline_count + c->extract_count + 1, sizeof *t->flows);
    for (size_t i = 0; i < c->pipeline_count + c->extract_count; i++) {
        const struct pipeline *p =
            i < c->pipeline_count ? &c->pipelines[i] : &c->extracts[i - c->pipeline_count];
        if (t->o->pipeline == NULL || strcmp(t->o->pipeline, p->name) == 0)
            t->flows[t->flow_count++].p = p;
    }
    if (t->o->pipeline != NULL && t->flow_count == 0) {
        const struct pipeline *p;
        return config_flow(c, t->o->pipeline, &p, err); /* names the nearest */
    }
    return 0;
}

static int finish(struct tick *t, struct err *err)
{
    int rc = tick_say(t, err);

    if (rc == 0)
        rc = prune(t, err);
    if (rc < 0)
        return rc;
    if (t->o->force && t->failed_status != 0 &&
        t->status == 0) { /* said before: whoever runs it by hand hears it again */
        tick_print(t->failed_name, t->failed_text, t->failed_hint);
        t->status = t->failed_status;
    }
    if (t->o->fail_if_locked && t->held)
        t->status = exit_worse(t->status, 10);
    return 0;
}

int tick_run(const struct config *c, struct store *s, const struct tick_options *o, struct err *err)
{
    struct tick t = {.config = c, .store = s, .o = o};
    struct requests *requests = NULL;
    struct err later;
    int rc;

    store_takeover(true);
    say_notice(&t); /* of opening the file */
    tick_begun(&t);
    rc = set_up(&t, err);
    if (rc == 0 && o->pipeline == NULL && !o->force)
        rc = requests_work(&t, &requests, err);
    if (rc == 0)
        rc = pass(&t, true, err);
    while (rc == 0 && linger(&t))
        rc = pass(&t, false, err);
    if (requests_end(requests, rc == 0 && !engine_stop_signal, &later) < 0 && rc == 0) {
        *err = later;
        rc = -(int)err->code;
    }
    if (rc == 0 && engine_stop_signal)
        t.status = exit_worse(t.status, 75); /* what is to be said, the next tick says */
    else if (rc == 0)
        rc = finish(&t, err);
    rc = tick_ended(&t, rc, err);
    engine_free(t.engine);
    free(t.flows);
    return rc < 0 ? rc : t.status;
}
