#include "orchestrator/simulate.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/resource.h"

enum { LAST_STATES = 16 }; /* that are remembered, to name the loop of an execution that does not end */

struct sim {
    const struct simulation *s;
    struct machine *m;
    struct simulated *ret;
    int64_t now, deadline;   /* deadline 0: none */
    int64_t began_ms;        /* by the real, monotonic clock */
    size_t bytes;            /* of details so far */
    uint64_t bits;           /* of the generator of JitterStrategy FULL and the intrinsics */
    char *last[LAST_STATES]; /* owned: the states entered last, a ring */
    int64_t entered;
    char *resource; /* owned: of the task that is being asked; NULL: none */
};

void simulated_release(struct simulated *r)
{
    for (int64_t i = 0; r->events != NULL && i < r->event_count; i++)
        free(r->events[i]);
    free(r->events);
    free(r->output);
    free(r->error);
    free(r->cause);
    *r = (struct simulated){0};
}

static int keep(struct sim *m, int64_t id, int64_t previous, const char *type, const char *details,
                struct err *err)
{
    json_t *event = NULL;
    int rc = 0;

    m->bytes += details != NULL ? strlen(details) : 0;
    if (m->s->history) {
        struct simulated *r = m->ret;
        if (r->event_count % 1024 == 0)
            r->events = xrealloc(r->events, ((size_t)r->event_count + 1024) * sizeof *r->events);
        rc = exec_event_json(id, previous, type, m->now, details, &event, err);
        r->events[r->event_count] = json_text(event);
        json_decref(event);
    }
    m->ret->event_count++;
    return rc;
}

static int end(struct sim *m, const char *status, const char *error, const char *cause)
{
    m->ret->status = status;
    m->ret->error = error != NULL ? xstrdup(error) : NULL;
    m->ret->cause = cause != NULL ? xstrdup(cause) : NULL;
    m->ret->stop_ms = m->now;
    return 1;
}

/* An end that the definition did not come to by itself. */
static int end_failed(struct sim *m, const char *error, const char *cause, struct err *err)
{
    json_t *d = json_pack("{s:{s:s,s:s}}", "executionFailedEventDetails", "error", error, "cause", cause);
    char *text = json_text(d);
    int64_t last = m->ret->event_count;
    int rc = keep(m, last + 1, last, "ExecutionFailed", text, err);

    free(text);
    json_decref(d);
    return rc < 0 ? rc : end(m, "FAILED", error, cause);
}

/* As on AWS: neither error nor cause, and an event that points back at none. */
static int end_timed_out(struct sim *m, struct err *err)
{
    m->now = m->deadline;
    int rc = keep(m, m->ret->event_count + 1, 0, "ExecutionTimedOut",
                  "{\"executionTimedOutEventDetails\":{\"error\":\"States.Timeout\"}}", err);

    return rc < 0 ? rc : end(m, "TIMED_OUT", NULL, NULL);
}

static const char *last_state(const struct sim *m, int64_t back)
{
    return m->last[(m->entered - 1 - back) % LAST_STATES];
}

/* " It goes round in A, B." or the states entered last. Owned. */
static char *loop_text(const struct sim *m)
{
    struct buf text = BUF_INIT(8 * KIB);
    int64_t known = m->entered < LAST_STATES ? m->entered : LAST_STATES, period = 1, i;
    struct err full;

    for (; period <= known / 2; period++) {
        for (i = 0; i + period < known && strcmp(last_state(m, i), last_state(m, i + period)) == 0;)
            i++;
        if (i + period == known)
            break;
    }
    bool round = period <= known / 2;
    err_ignore(buf_adds(&text, round ? " It goes round in " : " The states entered last: ", &full));
    for (i = (round ? period : known) - 1; i >= 0; i--)
        err_ignore(buf_addf(&text, &full, "%s%s", last_state(m, i), i > 0 ? ", " : "."));
    return buf_take(&text);
}

/* 1: no further event has room, or time. */
static int check_room(struct sim *m, struct err *err)
{
    char *loop, *cause;
    int rc;

    bool many = m->ret->event_count >= m->s->most_events - 1, large = m->bytes > MAX_SIM_BYTES;
    if (!many && !large && clock_mono_ms() - m->began_ms < m->s->most_ms)
        return 0;
    loop = loop_text(m);
    if (many)
        cause = xasprintf("The execution reached the maximum number of history events (%lld).%s",
                          (long long)m->s->most_events, loop);
    else if (large)
        cause = xasprintf("The execution's history is larger than %u MiB.%s", MAX_SIM_BYTES / MIB, loop);
    else
        cause = xasprintf("The simulation took longer than %lld s.%s", (long long)m->s->most_ms / 1000, loop);
    rc = end_failed(m, "States.Runtime", cause, err);
    free(loop);
    free(cause);
    return rc;
}

/* Takes what the step made. 1: over. */
static int take(struct sim *m, struct machine_step *step, struct err *err)
{
    const char *resource = step->scheduled != NULL ? step->scheduled->task.resource : m->resource;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < step->count; i++) {
        struct machine_event *e = &step->events[i];
        bool last = step->ended && i + 1 == step->count;
        if (!last)
            rc = check_room(m, err);
        if (rc != 0)
            break;
        if (resource != NULL)
            resource_event(resource, e);
        rc = keep(m, e->id, e->previous, e->type, e->details, err);
    }
    if (rc == 0 && step->ended) {
        struct machine_end over = machine_end(m->m);
        m->ret->output = over.output != NULL ? json_text(over.output) : NULL;
        rc = end(m, over.status, over.error, over.cause);
    }
    machine_step_release(step);
    return rc;
}

static int note(struct sim *m, struct machine_frame *f, const char *type, char *details, struct err *err)
{
    struct machine_step step = {0};

    machine_note(m->m, f, type, details, &step);
    free(details);
    return take(m, &step, err);
}

static int no_answer(struct sim *m, const char *state, struct err *err)
{
    long long calls = mock_calls(m->s->mocks, state);
    char *cause;

    if (mock_has(m->s->mocks, state))
        cause = xasprintf("The Task '%s' was asked for answer %lld, and its mocked response has none.", state,
                          calls - 1);
    else
        cause =
            xasprintf("The Task '%s' has no mocked response in %s.", state,
                      m->s->mocks != NULL ? "the test case" : "this simulation: there is no --mock-config");
    int rc = end_failed(m, SIMULATE_NO_ANSWER, cause, err);
    free(cause);
    return rc;
}

/* Started, submitted where its end is waited for, answered. */
static int answer_task(struct sim *m, struct machine_frame *f, const struct interp_env *env, struct err *err)
{
    const char *type = NULL;
    struct machine_step step = {0};
    struct mock_answer a = {0};
    int rc;

    free(m->resource);
    m->resource = xstrdup(f->task.resource);
    char *details = resource_started(m->resource, &type);
    bool answered = mock_next(m->s->mocks, f->state, &a);
    rc = note(m, f, type, details, err);
    if (rc == 0 && !answered)
        rc = no_answer(m, f->state, err);
    if (rc == 0 && resource_submits(m->resource, a.error))
        rc = note(m, f, "TaskSubmitted", resource_submitted(m->resource), err);
    if (rc != 0)
        return rc;
    const struct outcome o = {.kind = a.output != NULL ? OUTCOME_SUCCEEDED : OUTCOME_FAILED,
                              .output = a.output,
                              .error = a.error,
                              .cause = a.cause};
    rc = machine_answer(m->m, f, &o, env, &step, err);
    if (rc == 0)
        rc = take(m, &step, err);
    free(m->resource);
    m->resource = NULL;
    return rc;
}

static int go(struct sim *m, struct machine_frame *f, const struct interp_env *env, struct err *err)
{
    struct machine_step step = {0};

    if (f->phase == PHASE_ENTER) {
        char **slot = &m->last[m->entered++ % LAST_STATES];
        free(*slot);
        *slot = xstrdup(f->state);
    }
    int rc = machine_go(m->m, f, env, &step, err);
    return rc < 0 ? rc : take(m, &step, err);
}

/* One decision. 1: over. */
static int turn(struct sim *m, struct err *err)
{
    struct machine_frame *f = NULL;
    struct interp_env env = {.now_ms = m->now, .most_payload = m->s->most_payload};
    int64_t wake = 0;

    env.jitter = (uint32_t)random_next(&m->bits); /* one behind the other: in a list they have no order */
    env.seed = random_next(&m->bits);
    switch (machine_next(m->m, m->now, &f, &wake)) {
    case MACHINE_GO:
        return go(m, f, &env, err);
    case MACHINE_TASK:
        return answer_task(m, f, &env, err);
    case MACHINE_WAIT:
        if (m->deadline > 0 && wake >= m->deadline)
            return end_timed_out(m, err);
        m->now = wake;
        return 0;
    case MACHINE_ENDED:
    case MACHINE_LOST:
        break;
    }
    return err_set(err, ERR_INTERNAL, "the machine stands still, and has not ended");
}

static int begin(struct sim *m, const json_t *input, struct err *err)
{
    char *text = json_text(input);
    json_t *d = json_pack("{s:{s:s,s:{s:b},s:s}}", "executionStartedEventDetails", "input", text,
                          "inputDetails", "truncated", 0, "roleArn", "");
    char *details = json_text(d);
    int rc = keep(m, 1, 0, "ExecutionStarted", details, err);

    machine_begin(m->m, input, 1);
    json_decref(d);
    free(details);
    free(text);
    return rc;
}

int simulate(const struct simulation *s, const json_t *input, struct simulated *ret, struct err *err)
{
    int64_t seconds = asl_timeout_seconds(s->asl);
    struct sim m = {.s = s,
                    .m = machine_new(s->asl, s->context, INT64_MAX),
                    .ret = ret,
                    .now = s->start_ms,
                    .began_ms = clock_mono_ms(),
                    .deadline = seconds > 0 ? s->start_ms + seconds * 1000 : 0};
    int rc;

    *ret = (struct simulated){0};
    rc = begin(&m, input, err);
    while (rc == 0)
        rc = turn(&m, err);
    for (size_t i = 0; i < LAST_STATES; i++)
        free(m.last[i]);
    free(m.resource);
    machine_free(m.m);
    return rc < 0 ? rc : 0;
}
