/*
 * The loop over one claimed execution: decide (pure) -> act (no transaction open) -> apply (one transaction). Every write
 * is guarded by the claim, and a task's end by its token: who was taken over finds 0 rows, rolls back and lets go.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "io/hash.h"
#include "orchestrator/engine_int.h"
#include "state/flag.h"
#include <assert.h>

/* ---- closing from outside the definition ---- */

static const struct {
    const char *status, *type, *key;
} endings[] = {
    {"ABORTED", "ExecutionAborted", "executionAbortedEventDetails"},
    {"TIMED_OUT", "ExecutionTimedOut", "executionTimedOutEventDetails"},
    {"FAILED", "ExecutionFailed", "executionFailedEventDetails"},
};

/* Inside a transaction. As on AWS the event points at nothing before it. */
static int put_end(struct run *r, const char *status, const char *error, const char *cause, struct err *err)
{
    json_t *details = json_object();
    int64_t now = clock_now_ms();
    size_t i = 0;

    while (strcmp(endings[i].status, status) != 0)
        i++;
    if (error != NULL)
        json_object_set_new(details, "error", json_string(error));
    if (cause != NULL)
        json_object_set_new(details, "cause", json_string(cause));
    json_t *whole = json_pack("{s:o}", endings[i].key, details);
    int rc = exec_finish(r->e->store, r->x.id, r->claim, status, NULL, error, cause, false, now, err);
    if (rc == 0)
        rc = event_add(r->e->store, r->x.id, endings[i].type, whole, now, err);
    json_decref(whole);
    return rc;
}

int run_close(struct run *r, const char *status, const char *error, const char *cause, struct err *err)
{
    int rc = store_begin(r->e->store, err);

    if (rc == 0)
        rc = put_end(r, status, error, cause, err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    return rc;
}

/* TIMED_OUT as AWS: the event names States.Timeout, the execution neither error nor cause. */
static int close_timed_out(struct run *r, struct err *err)
{
    json_t *details = json_pack("{s:{s:s}}", "executionTimedOutEventDetails", "error", "States.Timeout");
    int64_t now = clock_now_ms();
    int rc = store_begin(r->e->store, err);

    if (rc == 0)
        rc = exec_finish(r->e->store, r->x.id, r->claim, "TIMED_OUT", NULL, NULL, NULL, false, now, err);
    if (rc == 0)
        rc = event_add(r->e->store, r->x.id, "ExecutionTimedOut", details, now, err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    json_decref(details);
    return rc;
}

/* ---- apply ---- */

static int put_result(struct run *r, int64_t now, struct err *err)
{
    const struct machine_end end = machine_end(r->m);
    bool succeeded = strcmp(end.status, "SUCCEEDED") == 0;
    int worked = exec_worked(r->e->store, r->x.id, err);

    if (worked < 0)
        return worked;
    char *output = end.output != NULL ? json_text(end.output) : NULL;
    /* one that somebody started by hand is kept, and its name with it, whatever its tasks were */
    int rc = exec_finish(r->e->store, r->x.id, r->claim, end.status, output, end.error, end.cause,
                         succeeded && !worked && !r->x.own, now, err);
    free(output);
    return rc;
}

/* Inside a transaction: one step written down, the answer to a task where o is not NULL. 1: the execution has ended. */
static int put_step(struct run *r, struct machine_frame *f, const struct outcome *o, int64_t now,
                    struct err *err)
{
    struct interp_env env = {.now_ms = now, .seed = random_next(&r->random)};
    struct machine_step s;
    int rc;

    env.jitter = (uint32_t)random_next(&r->random);
    rc = o != NULL ? machine_answer(r->m, f, o, &env, &s, err) : machine_go(r->m, f, &env, &s, err);
    if (rc < 0) { /* the frame is not what the definition says */
        machine_step_release(&s);
        r->broken = true;
        return rc;
    }
    bool ended = s.ended;
    rc = tree_write(r, &s, now, err);
    if (rc == 0 && ended)
        rc = put_result(r, now, err);
    return rc < 0 ? rc : ended;
}

/* The steps that can be taken at once, in the open transaction. 1: the execution has ended. */
static int put_steps(struct run *r, struct machine_frame *f, const struct outcome *o, int64_t now,
                     struct err *err)
{
    int64_t wake;
    int rc = put_step(r, f, o, now, err);

    for (int i = 1; rc == 0 && i < engine_steps_at_once; i++) {
        if (machine_next(r->m, now, &f, &wake) != MACHINE_GO)
            break;
        rc = put_step(r, f, NULL, now, err);
    }
    return rc;
}

/*
 * T1, T2, T4, T5: the task's end (when status is not NULL), the decision, and the pure states that follow, in one
 * transaction. 1: the execution has ended. After a failure r->m is not what the file says: the run is over.
 */
static int apply_once(struct run *r, struct machine_frame *f, const struct outcome *o,
                      const char *task_status, struct err *err)
{
    int64_t now = clock_now_ms();
    int rc = store_begin(r->e->store, err), ended = 0;

    if (rc == 0)
        rc = exec_ours(r->e->store, r->x.id, r->claim, err);
    if (rc == 0 && task_status != NULL)
        rc = task_finish(r->e->store, r->t.token, task_status, now, err);
    random_bytes(&r->random, sizeof r->random);
    if (rc == 0)
        rc = ended = put_steps(r, f, o, now, err);
    if (rc >= 0)
        rc = tree_flush(r, err);
    if (rc == 0)
        rc = fault_point(task_status != NULL ? "engine.t4" : "engine.t1", err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    task_release(&r->t);
    return rc < 0 ? rc : ended;
}

/* The same; where the machine breaks in the midst of it nothing of it is kept, and the execution is closed. */
static int apply(struct run *r, struct machine_frame *f, const struct outcome *o, const char *task_status,
                 struct err *err)
{
    struct err why;
    int rc = apply_once(r, f, o, task_status, err);

    if (rc >= 0 || !r->broken)
        return rc;
    why = *err;
    rc = run_close(r, "FAILED", err_asl(&why), why.msg, err);
    return rc < 0 ? rc : 1;
}

/* ---- act ---- */

/* Claim, task and flag renewed in short transactions; the step runs on. */
static int renew(struct run *r, struct err *err)
{
    struct store *s = r->e->store;
    bool stop = false;
    int rc = store_begin(s, err);

    if (rc == 0)
        rc = exec_renew(s, r->x.id, r->claim, clock_boot_ms(), r->lease_ms, &stop, err);
    if (rc == 0)
        rc = task_beat(s, r->t.token, clock_now_ms(), err);
    if (rc == 0)
        rc = store_commit(s, err);
    store_rollback(s);
    if (rc < 0) {
        r->why = err->code == ERR_LOCK_LOST ? WHY_LOST : WHY_NONE;
        return rc;
    }
    r->renewed_mono = clock_mono_ms();
    if (stop) {
        r->why = WHY_STOP;
        return err_set(err, ERR_CANCELLED, "stopped by orch stop");
    }
    if (r->ctx.flag_id != NULL) {
        rc = flag_renew(s, r->x.pipeline, r->ctx.flag_id, r->lease_ms, err);
        r->why = rc < 0 && err->code == ERR_LOCK_LOST ? WHY_FLAG : WHY_NONE;
    }
    return rc;
}

static int time_over(struct run *r, int64_t mono, struct err *err)
{
    if (r->t.timeout_ms != 0 && mono - r->task_mono >= r->t.timeout_ms) {
        r->why = WHY_TASK_TIMEOUT;
        return err_set(err, ERR_TASK_TIMEOUT, "ran past TimeoutSeconds (%lld)",
                       (long long)r->t.timeout_ms / 1000);
    }
    if (r->x.deadline_ms != 0 && clock_now_ms() >= r->x.deadline_ms) {
        r->why = WHY_DEADLINE;
        return err_set(err, ERR_CANCELLED, "the execution ran past its TimeoutSeconds");
    }
    return 0;
}

static int on_beat(void *arg, struct err *err)
{
    struct run *r = arg;
    int64_t mono = clock_mono_ms();
    struct err weather;

    if (engine_stop_signal && r->why == WHY_NONE)
        r->why = WHY_SIGNAL;
    if (r->why != WHY_NONE) /* the answer stays the same until the step has ended */
        return err_set(err,
                       r->why == WHY_LOST || r->why == WHY_FLAG ? ERR_LOCK_LOST
                       : r->why == WHY_TASK_TIMEOUT             ? ERR_TASK_TIMEOUT
                                                                : ERR_CANCELLED,
                       r->why == WHY_SIGNAL ? "stopped by a signal" : "the task is over");
    if (mono - r->beat_mono < 1000)
        return 0;
    r->beat_mono = mono;
    int rc = time_over(r, mono, err);
    if (rc < 0)
        return rc;
    /* A step may beat inside a short transaction of its own: then the next one will do. */
    if (store_in_tx(r->e->store) || (mono - r->renewed_mono < r->lease_ms / 4 &&
                                     exec_stop_requested(r->e->store, r->x.id, &weather) != 1))
        return 0;
    rc = renew(r, &weather);
    if (rc == 0)
        return 0;
    /* A busy or full disk is no reason to give up a load while most of the lease is left. */
    if (r->why == WHY_NONE && clock_mono_ms() - r->renewed_mono < r->lease_ms / 4 * 3)
        return 0;
    *err = weather;
    return rc;
}

static int64_t lease_of(const struct task *t)
{
    if (t->heartbeat_ms == 0)
        return LEASE_MS;
    return t->heartbeat_ms < LEASE_MIN_MS ? LEASE_MIN_MS : t->heartbeat_ms;
}

/* T3. From here on the effect may have happened. 1: somebody asks to stop; nothing was started. */
static int start_task(struct run *r, struct machine_frame *f, struct err *err)
{
    struct store *s = r->e->store;
    json_t *details = json_pack("{s:{s:s}}", "activityStartedEventDetails", "workerName", r->e->worker);
    char *text = json_text(details);
    struct machine_step step;
    int64_t now = clock_now_ms(), lease = lease_of(&r->t);
    bool stop = false;
    int rc = store_begin(s, err);

    if (rc == 0)
        rc = exec_renew(s, r->x.id, r->claim, clock_boot_ms(), lease, &stop, err);
    if (rc == 0 && stop) {
        r->why = WHY_STOP;
        rc = 1;
    }
    if (rc == 0)
        rc = task_start(s, r->t.token, r->claim, now, err);
    if (rc == 0) {
        machine_note(r->m, f, "ActivityStarted", text, &step);
        rc = tree_write(r, &step, now, err);
    }
    if (rc == 0)
        rc = tree_flush(r, err);
    if (rc == 0)
        rc = fault_point("engine.t3", err);
    if (rc == 0)
        rc = store_commit(s, err);
    store_rollback(s);
    json_decref(details);
    free(text);
    r->lease_ms = lease;
    r->renewed_mono = r->task_mono = clock_mono_ms();
    return rc;
}

/* What a task that is nobody's but the definition's knows of itself. */
static void set_task(struct run *r, const struct machine_frame *f)
{
    free(r->ctx.cause);
    r->ctx.cause = NULL;
    r->ctx.world = &r->e->config->world;
    r->ctx.state = r->t.state;
    r->ctx.attempt = r->t.attempt;
    r->ctx.timeout_ms = r->t.timeout_ms;
    r->ctx.heartbeat_ms = r->t.heartbeat_ms;
    step_key(r->x.name, r->x.start_ms, f->entered_event, r->ctx.key);
}

/* The step that the task's resource means, and what it is given. */
static int bind_step(struct run *r, const json_t *given, struct mapped *ret, struct err *err)
{
    const struct step_type *type = engine_step_lookup(r->t.resource);
    int rc = 0;

    *ret = (struct mapped){.type = type};
    if (type != NULL)
        ret->parameters = json_incref((json_t *)(uintptr_t)given);
    else if (resource_map_has(r->map, r->t.resource))
        rc = resource_map_apply(r->map, r->t.resource, given, r->context, ret, err);
    else
        rc = err_set(err, ERR_RUNTIME, "no step for the resource '%s'", r->t.resource);
    if (rc == 0 && r->pipeline == NULL && step_of_pipeline(ret->type))
        rc = err_set(err, ERR_CONTRACT, "step %s works on a pipeline, and this execution has none",
                     ret->type->name);
    return rc < 0 ? rc : step_check_parameters(ret->type, ret->parameters, err);
}

static int run_bound(struct run *r, const struct mapped *m, json_t **ret, struct err *err)
{
    json_t *given = NULL;
    int rc = m->type->run(&r->ctx, m->parameters, &given, err);

    if (rc < 0 || m->rule == NULL) {
        *ret = given;
        return rc;
    }
    if (given == NULL)
        given = json_null();
    rc = mapped_result(m, given, ret, err);
    json_decref(given);
    return rc;
}

static int run_step(struct run *r, const struct machine_frame *f, json_t **ret, struct err *err)
{
    json_t *parameters = NULL;
    struct mapped bound = {0};
    int rc = json_parse(r->t.parameters, strlen(r->t.parameters), "parameters", &parameters, err);

    set_task(r, f);
    if (rc == 0)
        rc = bind_step(r, parameters, &bound, err);
    if (rc < 0)
        goto out;
    free(r->ctx.flag_id);
    r->ctx.flag_id = NULL; /* a step that holds the flag says so */
    r->ctx.store = r->e->store;
    r->ctx.pipeline = r->pipeline;
    r->ctx.token = r->t.token;
    r->ctx.execution_id = r->x.id;
    r->ctx.execution_name = r->x.name;
    r->ctx.lease_ms = r->lease_ms;
    r->ctx.beat = (struct beat){on_beat, r};
    r->beat_mono = 0;
    r->why = WHY_NONE;
    assert(!store_in_tx(r->e->store));
    rc = run_bound(r, &bound, ret, err);
    if (rc < 0)
        store_rollback(r->e->store); /* a failed step may leave one open; a successful one may not */
    assert(!store_in_tx(r->e->store));
out:
    mapped_release(&bound);
    json_decref(parameters);
    return rc;
}

static int fail_task(struct run *r, struct machine_frame *f, const struct err *why, struct err *err)
{
    char cause[sizeof why->msg + sizeof why->hint + 16];
    const char *name = err_asl(why);
    bool timed_out = strcmp(name, "States.Timeout") == 0;

    if (why->hint[0] != '\0')
        snprintf(cause, sizeof cause, "%s (hint: %s)", why->msg, why->hint);
    else
        snprintf(cause, sizeof cause, "%s", why->msg);
    const struct outcome o = {
        .kind = OUTCOME_FAILED, .error = name, .cause = r->ctx.cause != NULL ? r->ctx.cause : cause};
    return apply(r, f, &o, timed_out ? "TIMED_OUT" : "FAILED", err);
}

enum next { NEXT_GO, NEXT_ENDED, NEXT_GIVE_BACK };

/* T3, the step, T4. Returns enum next. */
static int act(struct run *r, struct machine_frame *f, struct err *err)
{
    json_t *result = NULL;
    struct err why = {0};
    int rc = start_task(r, f, err);

    if (rc != 0)
        return rc < 0 ? rc : NEXT_GO;
    int done = run_step(r, f, &result, &why);
    r->e->fenced += done < 0 && why.code == ERR_LOCK_LOST && r->why != WHY_LOST;
    rc = fault_point("engine.step_done", err);
    if (rc < 0)
        goto out;
    if (done >= 0) {
        const struct outcome o = {.kind = OUTCOME_SUCCEEDED, .output = result != NULL ? result : json_null()};
        rc = apply(r, f, &o, "SUCCEEDED", err);
    } else if (r->why == WHY_LOST) {
        *err = why;
        rc = err_set(err, ERR_LOCK_LOST, "execution %s was taken over", r->x.name);
    } else if (r->why == WHY_SIGNAL) {
        rc = NEXT_GIVE_BACK;
        goto out;
    } else if (r->why == WHY_STOP || r->why == WHY_DEADLINE) {
        rc = 0; /* the top of the loop closes it */
        task_release(&r->t);
    } else {
        rc = fail_task(r, f, &why, err);
    }
    if (rc >= 0)
        rc = rc == 1 ? NEXT_ENDED : NEXT_GO;
out:
    json_decref(result);
    return rc;
}

/* T5: a task that was STARTED by somebody who is gone (or by us before SIGTERM): an ordinary ASL error. */
static int bury_task(struct run *r, struct machine_frame *f, struct err *err)
{
    bool late = r->t.timeout_ms != 0 && clock_now_ms() - r->t.started_ms >= r->t.timeout_ms;
    const struct outcome o = {.kind = OUTCOME_FAILED,
                              .error = late ? "States.Timeout" : "States.HeartbeatTimeout",
                              .cause = late ? "the task ran past TimeoutSeconds, and its owner is gone"
                                            : "the task's owner died, was stopped, or fell silent"};
    int rc = fault_point("engine.t5", err);

    return rc < 0 ? rc : apply(r, f, &o, "TIMED_OUT", err);
}

/* Renews the claim whatever is left of the lease; ERR_LOCK_LOST when it is another's. */
static int assure_claim(struct run *r, bool *ret_stop, struct err *err)
{
    int rc = store_begin(r->e->store, err);

    if (rc == 0)
        rc = exec_renew(r->e->store, r->x.id, r->claim, clock_boot_ms(), r->lease_ms, ret_stop, err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    r->renewed_mono = clock_mono_ms();
    return rc;
}

static int work_task(struct run *r, struct machine_frame *f, struct err *err)
{
    bool stop;

    task_release(&r->t);
    int rc = task_live(r->e->store, r->x.id, f->id, &r->t, err);
    if (rc ==
        0) { /* we slept, and whoever took over has worked it since; else the file is not what we wrote */
        rc = assure_claim(r, &stop, err);
        return rc < 0
                   ? rc
                   : err_set(err, ERR_INTERNAL, "execution %s waits for a task that is not there", r->x.name);
    }
    if (rc < 0)
        return rc;
    if (strcmp(r->t.status, "STARTED") == 0)
        return bury_task(r, f, err);
    return act(r, f, err);
}

/* ---- the loop ---- */

static int release_claim(struct run *r, struct err *err)
{
    int rc = store_begin(r->e->store, err);

    if (rc == 0)
        rc = exec_release_claim(r->e->store, r->x.id, r->claim, err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    return rc;
}

/* The lease between tasks too: retries, long chains of states. Also tells of orch stop. */
static int keep_claim(struct run *r, bool *ret_stop, struct err *err)
{
    *ret_stop = r->x.stop_requested || r->why == WHY_STOP;
    if (*ret_stop || clock_mono_ms() - r->renewed_mono < r->lease_ms / 4)
        return 0;
    return assure_claim(r, ret_stop, err);
}

static int close_stopped(struct run *r, struct err *err)
{
    struct execution now = {0};
    int rc = exec_get(r->e->store, r->x.id, &now, err);

    if (rc == 0)
        rc = run_close(r, "ABORTED", now.stop_error, now.stop_cause, err);
    execution_release(&now);
    return rc;
}

/* One turn: NEXT_*, or <0. *ret_wake_ms > 0: waits until then. */
static int turn(struct run *r, int64_t *ret_wake_ms, struct err *err)
{
    struct machine_frame *f;
    int64_t now = clock_now_ms();
    bool stop = false;
    int rc = keep_claim(r, &stop, err);

    if (rc < 0)
        return rc;
    if (stop) {
        rc = close_stopped(r, err);
        return rc < 0 ? rc : NEXT_ENDED;
    }
    if (r->x.deadline_ms != 0 && now >= r->x.deadline_ms) {
        rc = close_timed_out(r, err);
        return rc < 0 ? rc : NEXT_ENDED;
    }
    if (engine_stop_signal)
        return NEXT_GIVE_BACK;
    switch (machine_next(r->m, now, &f, ret_wake_ms)) {
    case MACHINE_GO:
        rc = apply(r, f, NULL, NULL, err);
        return rc == 1 ? NEXT_ENDED : rc;
    case MACHINE_TASK:
        return work_task(r, f, err);
    case MACHINE_WAIT:
        if (r->x.deadline_ms != 0 && r->x.deadline_ms < *ret_wake_ms)
            *ret_wake_ms = r->x.deadline_ms;
        return NEXT_GIVE_BACK;
    case MACHINE_ENDED:
        return NEXT_ENDED;
    case MACHINE_LOST:
        break;
    }
    rc = run_close(r, "FAILED", "Orch.Internal", "nothing of it can go on, and nothing waits", err);
    return rc < 0 ? rc : NEXT_ENDED;
}

int run_loop(struct run *r, enum engine_result *ret, int64_t *ret_wake_ms, struct err *err)
{
    int64_t wake = 0;
    int rc;

    do {
        rc = turn(r, &wake, err);
    } while (rc == NEXT_GO);
    if (rc < 0)
        return rc;
    if (rc == NEXT_ENDED) {
        *ret = ENGINE_ENDED;
        return fault_point("engine.ended", err);
    }
    *ret = wake > 0 ? ENGINE_WAITING : ENGINE_STOPPED;
    *ret_wake_ms = wake;
    return release_claim(r, err);
}
