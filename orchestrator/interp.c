#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/choice.h"
#include "orchestrator/interp_int.h"
#include "orchestrator/path.h"

void decision_release(struct decision *d)
{
    for (size_t i = 0; i < d->event_count; i++)
        free(d->events[i].details);
    free(d->events);
    json_decref(d->input);
    json_decref(d->retry);
    json_decref(d->assign);
    json_decref(d->parameters);
    json_decref(d->fork.items);
    json_decref(d->fork.input);
    json_decref(d->output);
    free(d->input_text);
    free(d->error);
    free(d->cause);
    *d = (struct decision){0};
}

static json_t *mutable(const json_t *v)
{
    return (json_t *)(uintptr_t)v; /* jansson counts references through const */
}

/* ---- decisions ---- */

/* The same state, in another phase. */
void decide_stay(struct run *r, enum decision_kind kind, enum machine_phase phase)
{
    struct decision *d = r->d;

    d->kind = kind;
    d->state = r->c->state;
    d->phase = phase;
    d->input = json_incref(mutable(r->c->input));
    d->retry = json_incref(mutable(r->c->retry));
    d->entered_ms = r->entered_ms;
}

void decide_wait(struct run *r, enum machine_phase phase, int64_t wake_ms)
{
    decide_stay(r, DECIDE_WAIT, phase);
    r->d->wake_ms = wake_ms;
}

void decide_enter(struct run *r, const char *state, json_t *input, char *text)
{
    struct decision *d = r->d;

    d->kind = DECIDE_ENTER;
    d->state = state;
    d->phase = PHASE_ENTER;
    d->input = json_incref(input);
    d->input_text = text;
}

void decide_failed(struct run *r, const struct failure *f)
{
    struct decision *d = r->d;

    d->kind = DECIDE_END;
    d->status = "FAILED";
    d->error = f->error ? xstrdup(f->error) : NULL;
    d->cause = f->cause ? xstrdup(f->cause) : NULL;
    d->beyond_all = f->beyond_all;
}

/* ---- data ---- */

static int64_t attempts_used(const json_t *retry)
{
    int64_t n = 0;
    json_t *v;
    size_t i;

    json_array_foreach(retry, i, v)
        n += json_integer_value(v);
    return n;
}

/* $$.Task: a token that is this attempt's alone. Owned. */
static json_t *task_token(struct run *r)
{
    const struct scope s = {.random = &r->random};
    json_t *task = json_object();
    char token[65];

    for (size_t i = 0; i < 4; i++)
        snprintf(token + 16 * i, sizeof token - 16 * i, "%016llx", (unsigned long long)scope_random(&s));
    json_object_set_new(task, "Token", json_string(token));
    return task;
}

/* $$ with the part that only the interpreter knows: made for who asks for it, since most states do not. */
static const json_t *context_of(struct run *r)
{
    if (r->context != NULL)
        return r->context;
    json_t *state = json_object();
    char entered[CIVIL_RFC3339_SIZE];

    r->context = json_is_object(r->env->context) ? json_copy(mutable(r->env->context)) : json_object();
    json_object_set_new(state, "EnteredTime", json_string(civil_rfc3339(r->entered_ms, true, entered)));
    json_object_set_new(state, "Name", json_string(r->c->state));
    if (r->type == ASL_TASK || r->type == ASL_PARALLEL || r->type == ASL_MAP)
        json_object_set_new(state, "RetryCount", json_integer(attempts_used(r->c->retry)));
    json_object_set_new(r->context, "State", state);
    if (r->type == ASL_TASK &&
        str_ends(json_string_value(json_object_get(r->state, "Resource")), ".waitForTaskToken"))
        json_object_set_new(r->context, "Task", task_token(r));
    return r->context;
}

/* All that an expression may see: input as "$". */
static struct scope scope_of(struct run *r, const json_t *input)
{
    return (struct scope){.input = input, .context = context_of(r), .vars = r->c->vars, .random = &r->random};
}

/* The same for one path, which seldom asks for the context. */
static struct scope scope_of_path(struct run *r, const char *path, const json_t *input)
{
    return (struct scope){.input = input,
                          .context = strstr(path, "$$") != NULL ? context_of(r) : NULL,
                          .vars = r->c->vars,
                          .random = &r->random};
}

int run_path(struct run *r, const char *path, const json_t *input, json_t **ret_borrowed, struct err *err)
{
    const struct scope s = scope_of_path(r, path, input);

    return path_get(path, &s, ret_borrowed, err);
}

int run_template(struct run *r, const json_t *template, const json_t *input, json_t **ret_owned,
                 struct err *err)
{
    const struct scope s = scope_of(r, input);

    return template_apply(template, &s, ret_owned, err);
}

int run_assign(struct run *r, const json_t *assigns, const json_t *input, struct failure *f)
{
    json_t *all, *made = NULL;
    struct err err;

    if (assigns == NULL)
        return 0;
    if (run_template(r, assigns, input, &made, &err) < 0)
        return failure_from(r, f, &err);
    all = r->c->vars != NULL ? json_copy(mutable(r->c->vars)) : json_object();
    json_object_update(all, made);
    bool good = payload_within(all, MAX_VARIABLES);
    json_decref(all);
    if (!good) {
        json_decref(made);
        return failure_too_large(f, r->c->state);
    }
    json_decref(r->d->assign);
    r->d->assign = made;
    return 0;
}

int apply_path(struct run *r, const char *field, const json_t *data, json_t **ret, struct failure *f)
{
    const json_t *path = json_object_get(r->state, field);
    struct scope s;
    struct err err;
    int rc;

    if (path == NULL) {
        *ret = json_incref(mutable(data));
        return 0;
    }
    if (json_is_null(path)) {
        *ret = json_object();
        return 0;
    }
    s = scope_of_path(r, json_string_value(path), data);
    rc = path_find(json_string_value(path), &s, ret, &err);
    if (rc < 0)
        return failure_from(r, f, &err);
    if (rc == 0)
        return failure_runtime(r, f, "Invalid path '%s' : %s", json_string_value(path), err.msg);
    return 0;
}

int apply_template(struct run *r, const char *field, const json_t *data, json_t **ret, struct failure *f)
{
    const json_t *template = json_object_get(r->state, field);
    struct err err;

    if (template == NULL)
        *ret = json_incref(mutable(data));
    else if (run_template(r, template, data, ret, &err) < 0)
        return failure_from(r, f, &err);
    show(r, strcmp(field, "ResultSelector") == 0 ? "afterResultSelector" : "afterParameters", *ret);
    return 0;
}

/* The state is left with this output (borrowed): events, and where to go. */
static int leave(struct run *r, json_t *output, const char *next, struct failure *f)
{
    char *text = NULL;

    if (output == r->c->input && r->input_text != NULL)
        text = xstrdup(r->input_text); /* it passed through as it was */
    else if (payload_text(r, output, r->c->state, &text, f) < 0)
        return -1;
    event_exited(r, text);
    if (next != NULL) {
        decide_enter(r, next, output, text);
        return 0;
    }
    r->d->kind = DECIDE_END;
    r->d->status = "SUCCEEDED";
    r->d->output = json_incref(output);
    r->d->input_text = text;
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
    else if (path == NULL)
        whole = json_incref(result);
    else if (path_put(json_string_value(path), r->c->input, result, &whole, &err) < 0)
        rc = failure_from(r, f, &err);
    if (rc == 0) {
        show(r, "afterResultPath", whole);
        rc = apply_path(r, "OutputPath", whole, &output, f);
    }
    if (rc == 0)
        rc = leave(r, output, next_of(r), f);
    json_decref(whole);
    json_decref(output);
    return rc;
}

/* As on AWS Assign sees the result before ResultSelector. */
int finish_result(struct run *r, const json_t *result, struct failure *f)
{
    json_t *selected = NULL;

    show(r, "result", result);
    int rc = run_assign(r, json_object_get(r->state, "Assign"), result, f);

    if (rc == 0)
        rc = apply_template(r, "ResultSelector", result, &selected, f);
    if (rc == 0)
        rc = finish(r, selected, f);
    json_decref(selected);
    return rc;
}

/* ---- the states ---- */

static int enter_pass(struct run *r, json_t *input, struct failure *f)
{
    const json_t *fixed = json_object_get(r->state, "Result"), *assign = json_object_get(r->state, "Assign");
    json_t *result = NULL;
    char *text;
    int rc = apply_template(r, "Parameters", input, &result, f);

    if (rc == 0 && fixed != NULL) {
        json_decref(result);
        result = json_incref(mutable(fixed));
    }
    if (rc == 0)
        show(r, "afterResultSelector", result); /* by AWS's name, although Pass has none */
    if (rc == 0 && assign != NULL && (rc = payload_text(r, result, r->c->state, &text, f)) == 0)
        free(text); /* what Assign sees is bounded, as a task's result is */
    if (rc == 0)
        rc = run_assign(r, assign, result, f);
    if (rc == 0)
        rc = finish(r, result, f);
    json_decref(result);
    return rc;
}

static int enter_choice(struct run *r, json_t *input, struct failure *f)
{
    const struct scope s = scope_of(r, input);
    const json_t *chosen = r->state; /* where no rule matches: its Default, its Assign */
    json_t *rule, *output = NULL;
    struct err err;
    size_t i;

    json_array_foreach(json_object_get(r->state, "Choices"), i, rule) {
        bool yes = false;
        if (choice_matches(rule, &s, &yes, &err) < 0)
            return failure_from(r, f, &err);
        if (yes) {
            chosen = rule;
            break;
        }
    }
    const char *next = json_string_value(json_object_get(chosen, chosen == r->state ? "Default" : "Next"));
    if (next == NULL)
        return failure_runtime(
            r, f, "Failed to transition out of the state. The state does not point to a next state.");
    int rc = run_assign(r, json_object_get(chosen, "Assign"), input, f);
    if (rc == 0)
        rc = apply_path(r, "OutputPath", input, &output, f);
    if (rc == 0)
        rc = leave(r, output, next, f);
    json_decref(output);
    return rc;
}

/* Wait and Succeed let the input through. */
static int pass_through(struct run *r, json_t *input, struct failure *f)
{
    json_t *output = NULL;
    int rc = run_assign(r, json_object_get(r->state, "Assign"), input, f);

    if (rc == 0)
        rc = apply_path(r, "OutputPath", input, &output, f);
    if (rc == 0)
        rc = leave(r, output, next_of(r), f);
    json_decref(output);
    return rc;
}

int field_value(struct run *r, const char *field, const json_t *input, json_t **ret_borrowed,
                struct failure *f)
{
    const char *path = json_string_value(json_object_get(r->state, field));
    struct err err;
    int rc = run_path(r, path, input, ret_borrowed, &err);

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
    decide_wait(r, PHASE_WAIT, wake);
    return 0;
}

/* A string of Fail: the field, or what its path or intrinsic function finds; NULL where there is neither. Owned. */
static int fail_text(struct run *r, const char *field, const json_t *input, char **ret, struct failure *f)
{
    const char *text = json_string_value(json_object_get(r->state, field));
    struct scope s = scope_of(r, input);
    char path_field[16];
    json_t *v = NULL;
    struct err err;
    int rc = 0;

    snprintf(path_field, sizeof path_field, "%sPath", field);
    const char *path = json_string_value(json_object_get(r->state, path_field));
    if (path != NULL) {
        if (expression_value(path, path_field, &s, &v, &err) < 0)
            return failure_from(r, f, &err);
        text = json_string_value(v);
        if (text == NULL)
            rc = failure_runtime(
                r, f, "The JSONPath '%s' specified for the field '%s' finds %s where a string is expected",
                path, path_field, json_kind(v));
    }
    *ret = text != NULL ? xstrdup(text) : NULL;
    json_decref(v);
    return rc;
}

static int enter_fail(struct run *r, json_t *input, struct failure *f)
{
    char *error = NULL, *cause = NULL;
    int rc = fail_text(r, "Error", input, &error, f);

    if (rc == 0)
        rc = fail_text(r, "Cause", input, &cause, f);
    if (rc < 0) {
        free(error);
        free(cause);
        return rc;
    }
    r->d->kind = DECIDE_END;
    r->d->status = "FAILED";
    r->d->error = error;
    r->d->cause = cause;
    return 0;
}

/* Credentials find their role, or the Task fails; who would take it on is not the interpreter's question. */
static int check_role(struct run *r, json_t *input, struct failure *f)
{
    const json_t *credentials = json_object_get(r->state, "Credentials");
    json_t *found = NULL;
    struct err err;
    int rc = 0;

    if (credentials != NULL && run_template(r, credentials, input, &found, &err) < 0)
        rc = failure_from(r, f, &err);
    else if (credentials != NULL && !json_is_string(json_object_get(found, "RoleArn")))
        rc = failure_runtime(r, f, "The RoleArn of Credentials is no string.");
    json_decref(found);
    return rc;
}

static int schedule(struct run *r, json_t *input, struct failure *f)
{
    const char *resource = json_string_value(json_object_get(r->state, "Resource"));
    int64_t timeout = 0, heartbeat = 0;
    json_t *parameters = NULL, *more;
    char *text = NULL;
    int rc = apply_template(r, "Parameters", input, &parameters, f);

    if (rc == 0)
        rc = check_role(r, input, f);
    if (rc == 0)
        rc = seconds_of(r, "TimeoutSeconds", input, 1, &timeout, f);
    if (rc == 0)
        rc = seconds_of(r, "HeartbeatSeconds", input, 1, &heartbeat, f);
    if (rc == 0)
        rc = payload_text(r, parameters, r->c->state, &text, f);
    if (rc == 0) {
        timeout = timeout > 99999999 ? 99999999 : timeout; /* AWS's longest, and no overflow in ms */
        heartbeat = heartbeat > 99999999 ? 99999999 : heartbeat;
        more = json_object();
        json_object_set_new(more, "resource", json_string(resource));
        if (timeout > 0)
            json_object_set_new(more, "timeoutInSeconds", json_integer(timeout));
        if (heartbeat > 0)
            json_object_set_new(more, "heartbeatInSeconds", json_integer(heartbeat));
        event_append(r, "ActivityScheduled",
                     event_text("activityScheduledEventDetails", NULL, "input", text, more));
        json_decref(more);
        decide_stay(r, DECIDE_TASK, PHASE_TASK);
        r->d->resource = resource;
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
    char *text = NULL;

    if (payload_text(r, r->o->output, resource, &text, f) < 0) {
        /* as AWS: the attempt itself failed, and Catch on States.ALL sees it */
        f->beyond_all = false;
        event_append(r, "ActivityFailed", event_error_text("activityFailedEventDetails", f->error, f->cause));
        return -1;
    }
    event_append(r, "ActivitySucceeded",
                 event_text("activitySucceededEventDetails", NULL, "output", text, NULL));
    free(text);
    return finish_result(r, r->o->output, f);
}

static int task_failed(struct run *r, struct failure *f)
{
    failure_of_outcome(r, f, r->o);
    bool timed_out = f->error != NULL && strcmp(f->error, "States.Timeout") == 0;
    event_append(r, timed_out ? "ActivityTimedOut" : "ActivityFailed",
                 event_error_text(timed_out ? "activityTimedOutEventDetails" : "activityFailedEventDetails",
                                  f->error, f->cause));
    return -1;
}

static int enter(struct run *r, struct failure *f)
{
    static int (*const states[])(struct run * r, json_t * input, struct failure * f) = {
        schedule, enter_pass, enter_choice, enter_wait, pass_through, enter_fail, enter_fork, enter_fork};
    json_t *input = NULL;
    char *text = NULL;
    int rc = r->c->input_text != NULL ? 0 : payload_text(r, r->c->input, r->c->state, &text, f);

    if (rc == 0) {
        r->input_text = text != NULL ? text : r->c->input_text;
        event_entered(r, r->input_text);
        rc = apply_path(r, "InputPath", r->c->input, &input, f);
    }
    if (rc == 0) {
        show(r, "afterInputPath", input);
        rc = states[r->type](r, input, f);
    }
    r->input_text = NULL;
    free(text);
    json_decref(input);
    return rc;
}

/* A timer: the Wait is over, or the next attempt begins. Or what was forked is worked out once more. */
static int resume(struct run *r, struct failure *f)
{
    json_t *input = NULL;
    int rc = apply_path(r, "InputPath", r->c->input, &input, f);

    if (rc == 0)
        rc = r->c->phase == PHASE_WAIT ? pass_through(r, input, f)
             : r->type == ASL_TASK     ? schedule(r, input, f)
                                       : enter_fork(r, input, f);
    json_decref(input);
    return rc;
}

/* Which outcomes a phase can meet. */
static bool fits(const struct run *r)
{
    bool forks = r->type == ASL_PARALLEL || r->type == ASL_MAP, answers = false;
    enum outcome_kind kind = r->o->kind;

    switch (r->c->phase) {
    case PHASE_ENTER:
        return kind == OUTCOME_NONE;
    case PHASE_WAIT:
        return kind == OUTCOME_TIMER && r->type == ASL_WAIT;
    case PHASE_RETRY:
        return kind == OUTCOME_TIMER && (r->type == ASL_TASK || forks);
    case PHASE_TASK:
        answers = kind == OUTCOME_FAILED || (kind == OUTCOME_SUCCEEDED && r->o->output != NULL);
        return answers && r->type == ASL_TASK;
    case PHASE_CHILDREN:
    case PHASE_SPAWN:
        return forks && kind != OUTCOME_TIMER;
    case PHASE_DONE:
        break;
    }
    return false;
}

static int begin_run(struct run *r, const struct asl *a, struct err *err)
{
    *r->d = (struct decision){0};
    r->state = asl_state(a, r->c->state);
    if (r->state == NULL)
        return err_set(err, ERR_INTERNAL, "state '%s' is not in the definition", r->c->state);
    r->type = asl_type(r->state);
    r->entered_ms = r->c->phase == PHASE_ENTER ? r->env->now_ms : r->c->entered_ms;
    return 0;
}

int interp_next(const struct asl *a, const struct cursor *c, const struct outcome *o,
                const struct interp_env *env, struct decision *ret, struct err *err)
{
    struct run r = {.c = c, .o = o, .env = env, .d = ret, .random = env->seed};
    struct failure f = {0};
    int rc = begin_run(&r, a, err);

    if (rc < 0)
        return rc;
    if (c->input == NULL || !fits(&r))
        return err_set(err, ERR_INTERNAL, "state '%s', phase %d: outcome %d does not fit", c->state,
                       (int)c->phase, (int)o->kind);
    if (c->phase == PHASE_ENTER)
        rc = enter(&r, &f);
    else if (o->kind == OUTCOME_TIMER || o->kind == OUTCOME_NONE)
        rc = resume(&r, &f);
    else if (r.type == ASL_TASK)
        rc = o->kind == OUTCOME_SUCCEEDED ? task_succeeded(&r, &f) : task_failed(&r, &f);
    else
        rc = joined(&r, &f);
    if (rc < 0)
        fail_state(&r, &f);
    json_decref(r.context);
    return 0;
}

int interp_item(const struct asl *a, const struct cursor *c, const struct fork *fork, size_t index,
                const struct interp_env *env, struct decision *ret, struct err *err)
{
    struct run r = {.c = c, .env = env, .d = ret, .random = env->seed};
    struct failure f = {0};
    json_t *input = NULL;
    int rc = begin_run(&r, a, err);

    if (rc < 0)
        return rc;
    const char *selector = json_object_get(r.state, "ItemSelector") != NULL ? "ItemSelector" : "Parameters";
    if (json_object_get(r.state, selector) == NULL)
        input = json_incref(json_array_get(fork->items, index));
    else
        rc = apply_template(&r, selector, fork->input, &input, &f);
    if (rc == 0) {
        const json_t *start = json_object_get(asl_inner(r.state, 0), "StartAt");
        decide_enter(&r, json_string_value(start), input, NULL);
    } else {
        decide_failed(&r, &f);
        failure_release(&f);
    }
    json_decref(input);
    json_decref(r.context);
    return 0;
}
