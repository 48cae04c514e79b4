#include "tests/lib/machine.h"
#include "base/buf.h"
#include "base/mem.h"

void machine_release(struct machine_result *r)
{
    json_decref(r->output);
    json_decref(r->events);
    json_decref(r->parameters);
    json_decref(r->waits);
    free(r->error);
    free(r->cause);
    *r = (struct machine_result){0};
}

static bool entered(const char *type)
{
    return str_ends(type, "StateEntered");
}

static char *join(const struct machine_result *r, bool states)
{
    struct buf text = BUF_INIT(1 << 24);
    struct err err;
    json_t *e;
    size_t i;

    json_array_foreach(r->events, i, e) {
        const char *word = json_string_value(json_object_get(e, "type"));
        if (states && !entered(word))
            continue;
        if (states)
            word = json_string_value(json_object_get(json_object_get(e, "stateEnteredEventDetails"), "name"));
        err_ignore(buf_addf(&text, &err, "%s%s", text.n ? " " : "", word));
    }
    return buf_take(&text);
}

char *machine_types(const struct machine_result *r)
{
    return join(r, false);
}

char *machine_states(const struct machine_result *r)
{
    return join(r, true);
}

static void add_event(json_t *events, const char *type)
{
    json_t *e = json_object();

    json_object_set_new(e, "type", json_string(type));
    json_array_append_new(events, e);
}

/* The next prepared answer of the state; false when there is none. */
static bool answer(const struct machine *m, json_t *calls, const char *state, struct outcome *o)
{
    json_int_t n = json_integer_value(json_object_get(calls, state));
    const json_t *mock = json_array_get(json_object_get(m->mocks, state), (size_t)n);

    if (mock == NULL)
        return false;
    json_object_set_new(calls, state, json_integer(n + 1));
    *o = (struct outcome){.kind = OUTCOME_SUCCEEDED, .output = json_object_get(mock, "output")};
    if (o->output == NULL)
        *o = (struct outcome){.kind = OUTCOME_FAILED,
                              .error = json_string_value(json_object_get(mock, "error")),
                              .cause = json_string_value(json_object_get(mock, "cause"))};
    return true;
}

static void finish(struct machine_result *ret, struct decision *d)
{
    snprintf(ret->status, sizeof ret->status, "%s", d->status);
    ret->output = json_incref(d->output);
    ret->error = d->error ? xstrdup(d->error) : NULL;
    ret->cause = d->cause ? xstrdup(d->cause) : NULL;
}

/* What happens outside the interpreter after a decision; false: the run is over. */
static bool act(const struct machine *m, struct decision *d, json_t *calls, struct outcome *o, int64_t *now,
                struct machine_result *ret)
{
    *o = (struct outcome){.kind = OUTCOME_NONE};
    switch (d->kind) {
    case DECIDE_END:
        finish(ret, d);
        return false;
    case DECIDE_TASK:
        json_array_append(ret->parameters, d->parameters);
        add_event(ret->events, "ActivityStarted");
        if (answer(m, calls, d->state, o))
            return true;
        snprintf(ret->status, sizeof ret->status, "UNMOCKED");
        return false;
    case DECIDE_WAIT:
        json_array_append_new(ret->waits, json_integer(d->wake_ms - *now));
        *now = d->wake_ms > *now ? d->wake_ms : *now;
        o->kind = OUTCOME_TIMER;
        return true;
    case DECIDE_ENTER:
        break;
    }
    return true;
}

int machine_run(const struct machine *m, const json_t *input, struct machine_result *ret, struct err *err)
{
    struct decision d = {0}, old = {.state = xstrdup(asl_start_at(m->asl)), .phase = xstrdup("ENTER")};
    struct outcome o = {.kind = OUTCOME_NONE};
    json_t *calls = json_object(),
           *context = m->context ? NULL : json_pack("{s:{s:O}}", "Execution", "Input", input);
    int64_t now = m->start_ms, entered_event = 0;
    size_t most = m->max_events > 0 ? (size_t)m->max_events : 25000;
    int rc = 0;

    *ret = (struct machine_result){.events = json_array(), .parameters = json_array(), .waits = json_array()};
    add_event(ret->events, "ExecutionStarted");
    old.input = json_incref((json_t *)(uintptr_t)input);
    for (bool more = true; more && rc == 0;) {
        struct cursor c = {old.state, old.phase, old.input, old.retry, old.entered_ms};
        if (o.kind == OUTCOME_NONE)
            entered_event = (int64_t)json_array_size(ret->events) + 1;
        struct interp_env env = {m->context ? m->context : context, now, m->jitter, (uint64_t)now,
                                 entered_event};
        rc = interp_next(m->asl, &c, &o, &env, &d, err);
        if (rc < 0)
            break;
        json_array_extend(ret->events, d.events);
        more = act(m, &d, calls, &o, &now, ret);
        if (more && json_array_size(ret->events) >= most) {
            snprintf(ret->status, sizeof ret->status, "RUNAWAY");
            more = false;
        }
        decision_release(&old);
        old = d;
    }
    ret->end_ms = now;
    decision_release(&old);
    json_decref(calls);
    json_decref(context);
    return rc;
}
