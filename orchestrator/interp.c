#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/choice.h"
#include "orchestrator/interp_int.h"
#include "orchestrator/path.h"

void decision_release(struct decision *d)
{
    json_decref(d->events);
    json_decref(d->input);
    json_decref(d->retry);
    json_decref(d->parameters);
    json_decref(d->output);
    free(d->state);
    free(d->phase);
    free(d->resource);
    free(d->error);
    free(d->cause);
    *d = (struct decision){0};
}

static json_t *mutable(const json_t *v)
{
    return (json_t *)(uintptr_t)v; /* jansson counts references through const */
}

/* The same state, in another phase. */
static void stay(struct run *r, enum decision_kind kind, const char *phase)
{
    struct decision *d = r->d;

    d->kind = kind;
    d->state = xstrdup(r->c->state);
    d->phase = xstrdup(phase);
    d->input = json_incref(mutable(r->c->input));
    d->retry = json_is_array(r->c->retry) ? json_incref(mutable(r->c->retry)) : json_array();
    d->entered_ms = r->entered_ms;
}

void decide_wait(struct run *r, const char *phase, int64_t wake_ms)
{
    stay(r, DECIDE_WAIT, phase);
    r->d->wake_ms = wake_ms;
}

void decide_enter(struct run *r, const char *state, json_t *input)
{
    struct decision *d = r->d;

    d->kind = DECIDE_ENTER;
    d->state = xstrdup(state);
    d->phase = xstrdup("ENTER");
    d->input = json_incref(input);
    d->retry = json_array();
}

void decide_failed(struct run *r, const char *error, const char *cause)
{
    json_t *details = json_object();

    if (error != NULL)
        json_object_set_new(details, "error", safe_string(error));
    if (cause != NULL)
        json_object_set_new(details, "cause", safe_string(cause));
    event_append(r, "ExecutionFailed", "executionFailedEventDetails", details);
    r->d->kind = DECIDE_END;
    r->d->status = "FAILED";
    r->d->error = error ? xstrdup(error) : NULL;
    r->d->cause = cause ? xstrdup(cause) : NULL;
}

/* What paths of a state see: data as "$". */
static struct scope scope_of(struct run *r, const json_t *data)
{
    return (struct scope){.input = data, .context = r->context, .random = &r->random};
}

/* InputPath or OutputPath: absent is "$", null is {}. Owned. */
static int apply_path(struct run *r, const char *field, const json_t *data, json_t **ret, struct failure *f)
{
    const json_t *path = json_object_get(r->state, field);
    struct scope s = scope_of(r, data);
    json_t *found = NULL;
    struct err err;
    int rc;

    if (json_is_null(path)) {
        *ret = json_object();
        return 0;
    }
    rc = path_get(path ? json_string_value(path) : "$", &s, &found, &err);
    if (rc < 0)
        return failure_from(r, f, &err);
    if (rc == 0)
        return failure_runtime(r, f, "Invalid path '%s': No results for path in the %s of the state",
                               json_string_value(path), field[0] == 'I' ? "input" : "result");
    *ret = json_incref(found);
    return 0;
}

/* Parameters or ResultSelector, where there is one. Owned. */
static int apply_template(struct run *r, const char *field, json_t *data, json_t **ret, struct failure *f)
{
    const json_t *template = json_object_get(r->state, field);
    struct scope s = scope_of(r, data);
    struct err err;

    if (template == NULL) {
        *ret = json_incref(data);
        return 0;
    }
    return template_apply(template, &s, ret, &err) < 0 ? failure_from(r, f, &err) : 0;
}

/* The state is left with this output (borrowed): events, and where to go. */
static int leave(struct run *r, json_t *output, const char *next, struct failure *f)
{
    char *text = NULL;

    if (payload_text(output, r->c->state, &text, f) < 0)
        return -1;
    event_exited(r, text);
    if (next != NULL) {
        decide_enter(r, next, output);
    } else {
        event_append(r, "ExecutionSucceeded", "executionSucceededEventDetails", details_of("output", text));
        r->d->kind = DECIDE_END;
        r->d->status = "SUCCEEDED";
        r->d->output = json_incref(output);
    }
    free(text);
    return 0;
}

static const char *next_of(const struct run *r)
{
    return json_string_value(json_object_get(r->state, "Next"));
}

/* ResultPath onto the raw input, then OutputPath. */
static int finish(struct run *r, json_t *result, struct failure *f)
{
    const json_t *path = json_object_get(r->state, "ResultPath");
    json_t *whole = NULL, *output = NULL;
    struct err err;
    int rc = 0;

    if (json_is_null(path))
        whole = json_incref(mutable(r->c->input));
    else if (path_put(path ? json_string_value(path) : "$", r->c->input, result, &whole, &err) < 0)
        rc = failure_from(r, f, &err);
    if (rc == 0)
        rc = apply_path(r, "OutputPath", whole, &output, f);
    if (rc == 0)
        rc = leave(r, output, next_of(r), f);
    json_decref(whole);
    json_decref(output);
    return rc;
}

static int enter_pass(struct run *r, json_t *input, struct failure *f)
{
    const json_t *fixed = json_object_get(r->state, "Result");
    json_t *result = NULL;
    int rc = apply_template(r, "Parameters", input, &result, f);

    if (rc == 0)
        rc = finish(r, fixed ? mutable(fixed) : result, f);
    json_decref(result);
    return rc;
}

static int enter_choice(struct run *r, json_t *input, struct failure *f)
{
    const char *next = json_string_value(json_object_get(r->state, "Default"));
    struct scope s = scope_of(r, input);
    json_t *rule, *output = NULL;
    struct err err;
    size_t i;

    json_array_foreach(json_object_get(r->state, "Choices"), i, rule) {
        bool yes = false;
        if (choice_matches(rule, &s, &yes, &err) < 0)
            return failure_from(r, f, &err);
        if (yes) {
            next = json_string_value(json_object_get(rule, "Next"));
            break;
        }
    }
    if (next == NULL)
        return failure_runtime(
            r, f, "Failed to transition out of the state. The state does not point to a next state.");
    int rc = apply_path(r, "OutputPath", input, &output, f);
    if (rc == 0)
        rc = leave(r, output, next, f);
    json_decref(output);
    return rc;
}

/* Wait and Succeed let the input through. */
static int pass_through(struct run *r, json_t *input, struct failure *f)
{
    json_t *output = NULL;
    int rc = apply_path(r, "OutputPath", input, &output, f);

    if (rc == 0)
        rc = leave(r, output, next_of(r), f);
    json_decref(output);
    return rc;
}

/* The value of a ...Path field. */
static int field_value(struct run *r, const char *field, const json_t *input, json_t **ret_borrowed,
                       struct failure *f)
{
    const char *path = json_string_value(json_object_get(r->state, field));
    struct scope s = scope_of(r, input);
    struct err err;
    int rc = path_get(path, &s, ret_borrowed, &err);

    if (rc < 0)
        return failure_from(r, f, &err);
    return rc > 0
               ? 0
               : failure_runtime(r, f, "The %s parameter does not reference an input value: %s", field, path);
}

/* A ...Seconds or ...SecondsPath pair; fallback when neither is there. */
static int seconds_of(struct run *r, const char *field, const json_t *input, int64_t min, int64_t *ret,
                      struct failure *f)
{
    const json_t *fixed = json_object_get(r->state, field);
    char path_field[40];
    json_t *v = NULL;

    snprintf(path_field, sizeof path_field, "%sPath", field);
    const char *path = json_string_value(json_object_get(r->state, path_field));
    if (fixed != NULL || path == NULL) {
        *ret = json_integer_value(fixed);
        return 0;
    }
    if (field_value(r, path_field, input, &v, f) < 0)
        return -1;
    if (!json_is_integer(v)) {
        char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
        failure_runtime(r, f, "The %s parameter cannot be parsed as a long value: %s == %.200s", path_field,
                        path, text);
        free(text);
        return -1;
    }
    if (json_integer_value(v) < min)
        return failure_runtime(r, f, "The %s parameter references a %s value: %s == %lld", path_field,
                               min > 0 ? "non-positive" : "negative", path, (long long)json_integer_value(v));
    *ret = json_integer_value(v);
    return 0;
}

static int timestamp_of(struct run *r, const json_t *input, int64_t *ret_ms, struct failure *f)
{
    const json_t *fixed = json_object_get(r->state, "Timestamp");
    json_t *v = mutable(fixed);
    int64_t ns;

    if (fixed == NULL && field_value(r, "TimestampPath", input, &v, f) < 0)
        return -1;
    if (!json_is_string(v) || !timestamp_read(json_string_value(v), ret_ms, &ns)) {
        char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
        failure_runtime(
            r, f,
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
            "format string: %s == %.200s",
            json_string_value(json_object_get(r->state, "TimestampPath")), text);
        free(text);
        return -1;
    }
    *ret_ms += ns > 0; /* not before */
    return 0;
}

static int enter_wait(struct run *r, json_t *input, struct failure *f)
{
    bool by_seconds =
        json_object_get(r->state, "Seconds") != NULL || json_object_get(r->state, "SecondsPath") != NULL;
    int64_t now = r->env->now_ms, wake = now, seconds = 0;

    if (by_seconds) {
        if (seconds_of(r, "Seconds", input, 0, &seconds, f) < 0)
            return -1;
    } else {
        if (timestamp_of(r, input, &wake, f) < 0)
            return -1;
        seconds = wake > now ? (wake - now) / 1000 : 0;
    }
    if (seconds > INT32_MAX) /* 68 years: where AWS draws the line */
        return failure_runtime(r, f, "Wait state delay is too long.");
    if (by_seconds)
        wake = now + seconds * 1000;
    if (wake <= now)
        return pass_through(r, input, f);
    decide_wait(r, "WAIT", wake);
    return 0;
}

/* A string of Fail: the field, or what its path finds; NULL where there is neither. Borrowed. */
static int fail_text(struct run *r, const char *field, const json_t *input, const char **ret,
                     struct failure *f)
{
    struct scope s = scope_of(r, input);
    char path_field[16];
    json_t *v = NULL;
    struct err err;

    snprintf(path_field, sizeof path_field, "%sPath", field);
    const char *path = json_string_value(json_object_get(r->state, path_field));
    *ret = json_string_value(json_object_get(r->state, field));
    if (path == NULL)
        return 0;
    int rc = path_get(path, &s, &v, &err);
    if (rc < 0)
        return failure_from(r, f, &err);
    if (!json_is_string(v)) {
        char *text = json_text(path[1] == '$' ? r->context : input);
        if (rc == 0)
            failure_runtime(
                r, f,
                "The JSONPath '%s' specified for the field '%s' could not be found in the input '%.1500s'",
                path, path_field, text);
        else
            failure_runtime(
                r, f, "The JSONPath '%s' specified for the field '%s' finds %s where a string is expected",
                path, path_field, json_kind(v));
        free(text);
        return -1;
    }
    *ret = json_string_value(v);
    return 0;
}

static int enter_fail(struct run *r, json_t *input, struct failure *f)
{
    const char *error = NULL, *cause = NULL;

    if (fail_text(r, "Error", input, &error, f) < 0 || fail_text(r, "Cause", input, &cause, f) < 0)
        return -1;
    decide_failed(r, error, cause);
    return 0;
}

static int64_t attempts_used(const json_t *retry)
{
    int64_t n = 0;
    json_t *v;
    size_t i;

    json_array_foreach(retry, i, v)
        n += json_integer_value(v);
    return n;
}

static int schedule(struct run *r, json_t *input, struct failure *f)
{
    const char *resource = json_string_value(json_object_get(r->state, "Resource"));
    int64_t timeout = 0, heartbeat = 0;
    json_t *parameters = NULL, *details;
    char *text = NULL;
    int rc = apply_template(r, "Parameters", input, &parameters, f);

    if (rc == 0)
        rc = seconds_of(r, "TimeoutSeconds", input, 1, &timeout, f);
    if (rc == 0)
        rc = seconds_of(r, "HeartbeatSeconds", input, 1, &heartbeat, f);
    if (rc == 0)
        rc = payload_text(parameters, r->c->state, &text, f);
    if (rc == 0) {
        timeout = timeout > 99999999 ? 99999999 : timeout; /* AWS's longest, and no overflow in ms */
        heartbeat = heartbeat > 99999999 ? 99999999 : heartbeat;
        details = details_of("input", text);
        json_object_set_new(details, "resource", json_string(resource));
        if (timeout > 0)
            json_object_set_new(details, "timeoutInSeconds", json_integer(timeout));
        if (heartbeat > 0)
            json_object_set_new(details, "heartbeatInSeconds", json_integer(heartbeat));
        event_append(r, "ActivityScheduled", "activityScheduledEventDetails", details);
        stay(r, DECIDE_TASK, "TASK");
        r->d->resource = xstrdup(resource);
        r->d->parameters = json_incref(parameters);
        r->d->timeout_ms = timeout * 1000;
        r->d->heartbeat_ms = heartbeat * 1000;
        r->d->attempt = attempts_used(r->c->retry) + 1;
    }
    free(text);
    json_decref(parameters);
    return rc;
}

static int task_succeeded(struct run *r, struct failure *f)
{
    const char *resource = json_string_value(json_object_get(r->state, "Resource"));
    json_t *result = NULL, *details;
    char *text = NULL;
    int rc = payload_text(r->o->output, resource, &text, f);

    if (rc < 0) {
        /* as AWS: the attempt itself failed, and Catch on States.ALL sees it */
        f->beyond_all = false;
        details = json_object();
        json_object_set_new(details, "error", json_string(f->error));
        json_object_set_new(details, "cause", safe_string(f->cause));
        event_append(r, "ActivityFailed", "activityFailedEventDetails", details);
        return rc;
    }
    event_append(r, "ActivitySucceeded", "activitySucceededEventDetails", details_of("output", text));
    free(text);
    rc = apply_template(r, "ResultSelector", mutable(r->o->output), &result, f);
    if (rc == 0)
        rc = finish(r, result, f);
    json_decref(result);
    return rc;
}

static int task_failed(struct run *r, struct failure *f)
{
    json_t *details = json_object();

    failure_of_outcome(f, r->o);
    bool timed_out = strcmp(f->error, "States.Timeout") == 0;
    json_object_set_new(details, "error", safe_string(f->error));
    if (f->cause != NULL)
        json_object_set_new(details, "cause", safe_string(f->cause));
    event_append(r, timed_out ? "ActivityTimedOut" : "ActivityFailed",
                 timed_out ? "activityTimedOutEventDetails" : "activityFailedEventDetails", details);
    return -1;
}

static int enter(struct run *r, struct failure *f)
{
    static const struct {
        const char *type;
        int (*fn)(struct run *r, json_t *input, struct failure *f);
    } states[] = {{"Task", schedule},   {"Pass", enter_pass},      {"Choice", enter_choice},
                  {"Wait", enter_wait}, {"Succeed", pass_through}, {"Fail", enter_fail}};
    json_t *input = NULL;
    char *text = NULL;
    int rc = payload_text(r->c->input, r->c->state, &text, f);

    if (rc == 0) {
        event_entered(r, text);
        rc = apply_path(r, "InputPath", r->c->input, &input, f);
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(states); i++)
        if (strcmp(states[i].type, r->type) == 0) {
            rc = states[i].fn(r, input, f);
            break;
        }
    free(text);
    json_decref(input);
    return rc;
}

/* A timer: the Wait is over, or the next attempt begins. */
static int resume(struct run *r, struct failure *f)
{
    json_t *input = NULL;
    int rc = apply_path(r, "InputPath", r->c->input, &input, f);

    if (rc == 0)
        rc = strcmp(r->c->phase, "WAIT") == 0 ? pass_through(r, input, f) : schedule(r, input, f);
    json_decref(input);
    return rc;
}

/* $$ with the part that only the interpreter knows. Owned. */
static json_t *context_with_state(const struct run *r)
{
    json_t *context = json_is_object(r->env->context) ? json_copy(mutable(r->env->context)) : json_object();
    json_t *state = json_object();
    char entered[CIVIL_RFC3339_SIZE];

    json_object_set_new(state, "EnteredTime", json_string(civil_rfc3339(r->entered_ms, true, entered)));
    json_object_set_new(state, "Name", json_string(r->c->state));
    if (strcmp(r->type, "Task") == 0)
        json_object_set_new(state, "RetryCount", json_integer(attempts_used(r->c->retry)));
    json_object_set_new(context, "State", state);
    return context;
}

/* Which outcomes a phase can meet. */
static bool fits(const struct cursor *c, const struct outcome *o, const char *type)
{
    if (strcmp(c->phase, "ENTER") == 0)
        return o->kind == OUTCOME_NONE;
    if (strcmp(c->phase, "WAIT") == 0)
        return o->kind == OUTCOME_TIMER && strcmp(type, "Wait") == 0;
    if (strcmp(type, "Task") != 0)
        return false;
    if (strcmp(c->phase, "RETRY") == 0)
        return o->kind == OUTCOME_TIMER;
    return strcmp(c->phase, "TASK") == 0 &&
           (o->kind == OUTCOME_FAILED || (o->kind == OUTCOME_SUCCEEDED && o->output));
}

int interp_next(const struct asl *a, const struct cursor *c, const struct outcome *o,
                const struct interp_env *env, struct decision *ret, struct err *err)
{
    struct run r = {
        .c = c, .o = o, .env = env, .state = asl_state(a, c->state), .d = ret, .random = env->seed};
    struct failure f = {0};
    int rc;

    *ret = (struct decision){0};
    if (r.state == NULL)
        return err_set(err, ERR_INTERNAL, "state '%s' is not in the definition", c->state);
    r.type = json_string_value(json_object_get(r.state, "Type"));
    if (c->input == NULL || !fits(c, o, r.type))
        return err_set(err, ERR_INTERNAL, "state '%s', phase %s: outcome %d does not fit", c->state, c->phase,
                       (int)o->kind);
    r.entered_ms = strcmp(c->phase, "ENTER") == 0 ? env->now_ms : c->entered_ms;
    r.context = context_with_state(&r);
    ret->events = json_array();
    if (o->kind == OUTCOME_NONE)
        rc = enter(&r, &f);
    else if (o->kind == OUTCOME_TIMER)
        rc = resume(&r, &f);
    else
        rc = o->kind == OUTCOME_SUCCEEDED ? task_succeeded(&r, &f) : task_failed(&r, &f);
    if (rc < 0)
        fail_state(&r, &f);
    json_decref(r.context);
    return 0;
}
