#include "base/mem.h"
#include "orchestrator/interp_int.h"
#include "orchestrator/path.h"
#include <stdarg.h>

void failure_release(struct failure *f)
{
    free(f->error);
    free(f->cause);
    *f = (struct failure){0};
}

static void set_cause(const struct run *r, struct failure *f, const char *why)
{
    if (r->env->entered_event > 0)
        f->cause =
            xasprintf("An error occurred while executing the state '%s' (entered at the event id #%lld). %s",
                      r->c->state, (long long)r->env->entered_event, why);
    else
        f->cause = xasprintf("An error occurred while executing the state '%s'. %s", r->c->state, why);
}

int failure_runtime(const struct run *r, struct failure *f, const char *fmt, ...)
{
    char why[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    *f = (struct failure){.error = xstrdup("States.Runtime"), .beyond_all = true};
    set_cause(r, f, why);
    return -1;
}

int failure_from(const struct run *r, struct failure *f, const struct err *err)
{
    const char *name = err_asl(err);

    *f = (struct failure){0};
    /* AWS says States.Runtime, the specification its own names: shown as the one, caught under the other */
    static const char *const specified[] = {"States.ParameterPathFailure", "States.IntrinsicFailure"};
    for (size_t i = 0; i < ARRAY_LEN(specified); i++)
        if (strcmp(name, specified[i]) == 0) {
            f->also = specified[i];
            name = "States.Runtime";
            break;
        }
    f->error = xstrdup(name);
    f->beyond_all = strcmp(name, "States.Runtime") == 0;
    set_cause(r, f, err->msg);
    return -1;
}

int failure_too_large(struct failure *f, const char *what)
{
    *f = (struct failure){.error = xstrdup("States.DataLimitExceeded"), .beyond_all = true};
    f->cause =
        xasprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes "
                  "service limit.",
                  what);
    return -1;
}

/* Bad bytes in a name or a cause are escaped once, here. */
static char *clean(const char *s)
{
    json_t *v = s != NULL ? safe_string(s) : NULL;
    char *copy = v != NULL ? xstrdup(json_string_value(v)) : NULL;

    json_decref(v);
    return copy;
}

/* A branch or an iteration may fail without a name; a task may not. */
void failure_of_outcome(const struct run *r, struct failure *f, const struct outcome *o)
{
    *f = (struct failure){.error = clean(o->error),
                          .cause = clean(o->cause)}; /* SendTaskFailure needs neither */
    if (r->type == ASL_PARALLEL)
        f->also = "States.BranchFailed";
    f->beyond_all = o->beyond_all;
    if (f->error == NULL)
        return;
    if (strcmp(f->error, "States.HeartbeatTimeout") == 0) {
        free(f->error);
        f->error = xstrdup("States.Timeout");
        f->also = "States.HeartbeatTimeout";
    }
    f->beyond_all = f->beyond_all || strcmp(f->error, "States.Runtime") == 0;
}

static bool name_matches(const char *name, const struct failure *f)
{
    if (strcmp(name, "States.ALL") == 0)
        return !f->beyond_all;
    const char *error = f->error != NULL ? f->error : "";
    if (strcmp(name, "States.TaskFailed") == 0 && !f->beyond_all && strcmp(error, "States.Timeout") != 0)
        return true;
    if (f->also != NULL && strcmp(name, f->also) == 0)
        return true;
    return strcmp(name, error) == 0 &&
           strcmp(name, "States.Runtime") != 0; /* which always ends the execution */
}

/* The one matcher, for Retry and Catch alike. */
static bool rule_matches(const json_t *rule, const struct failure *f)
{
    json_t *name;
    size_t i;

    json_array_foreach(json_object_get(rule, "ErrorEquals"), i, name)
        if (name_matches(json_string_value(name), f))
            return true;
    return false;
}

static int64_t integer_or(const json_t *rule, const char *field, int64_t fallback)
{
    const json_t *v = json_object_get(rule, field);

    return json_is_integer(v) ? json_integer_value(v) : fallback;
}

/* IntervalSeconds * BackoffRate ^ used, at most MaxDelaySeconds, and with FULL jitter anything from 0 to
 * that. */
static int64_t retry_delay_ms(const json_t *rule, int64_t used, uint32_t jitter)
{
    const json_t *rate = json_object_get(rule, "BackoffRate");
    const char *strategy = json_string_value(json_object_get(rule, "JitterStrategy"));
    double delay = (double)integer_or(rule, "IntervalSeconds", 1),
           factor = rate ? json_number_value(rate) : 2.0;
    double most = (double)integer_or(rule, "MaxDelaySeconds", 99999999);

    for (int64_t i = 0; i < used && delay < most && factor > 1.0; i++)
        delay *= factor;
    if (!(delay < most)) /* infinity as well */
        delay = most;
    int64_t ms = (int64_t)(delay * 1000.0);
    if (strategy != NULL && strcmp(strategy, "FULL") == 0)
        ms = (int64_t)(((uint64_t)jitter * ((uint64_t)ms + 1)) >> 32);
    return ms;
}

/* The first retrier that names the error decides; when it is used up, the others are not asked. */
static bool try_retry(struct run *r, const struct failure *f)
{
    const json_t *rules = json_object_get(r->state, "Retry");
    json_t *rule, *counts;
    size_t i, k;

    json_array_foreach(rules, i, rule) {
        if (!rule_matches(rule, f))
            continue;
        int64_t used = json_integer_value(json_array_get(r->c->retry, i));
        if (used >= integer_or(rule, "MaxAttempts", 3))
            return false;
        counts = json_array();
        for (k = 0; k < json_array_size(rules); k++)
            json_array_append_new(
                counts, json_integer(json_integer_value(json_array_get(r->c->retry, k)) + (k == i)));
        int64_t delay = retry_delay_ms(rule, used, r->env->jitter);
        decide_wait(r, PHASE_RETRY, r->env->now_ms + delay);
        show_taken(r, "errorDetails",
                   json_pack("{s:I, s:I}", "retryIndex", (json_int_t)i, "retryBackoffIntervalSeconds",
                             (json_int_t)((delay + 999) / 1000)));
        json_decref(r->d->retry);
        r->d->retry = counts;
        return true;
    }
    return false;
}

/* Error output: both members are always there, so that a handler's paths find them. */
static json_t *error_output(const struct failure *f)
{
    json_t *v = json_object();

    json_object_set_new(v, "Error", safe_string(f->error != NULL ? f->error : ""));
    json_object_set_new(v, "Cause", safe_string(f->cause != NULL ? f->cause : ""));
    return v;
}

/* 1 caught, 0 no catcher, -1: caught, but its ResultPath does not fit: *f is now that. */
static int try_catch(struct run *r, struct failure *f)
{
    json_t *rule, *output = NULL;
    char *text = NULL;
    struct err err;
    size_t i;

    json_array_foreach(json_object_get(r->state, "Catch"), i, rule) {
        if (!rule_matches(rule, f))
            continue;
        const json_t *path = json_object_get(rule, "ResultPath");
        json_t *error = error_output(f);
        struct failure worse = {0};
        int rc = run_assign(r, json_object_get(rule, "Assign"), error, &worse);
        if (rc < 0)
            ; /* as if the catcher's ResultPath did not fit */
        else if (json_is_null(path))
            output = json_incref((json_t *)(uintptr_t)r->c->input);
        else if (path_put(path ? json_string_value(path) : "$", r->c->input, error, &output, &err) < 0)
            rc = failure_from(r, &worse, &err);
        if (rc == 0)
            rc = payload_text(r, output, r->c->state, &text, &worse);
        if (rc == 0) {
            event_exited(r, text);
            show_taken(r, "errorDetails", json_pack("{s:I}", "catchIndex", (json_int_t)i));
            decide_enter(r, json_string_value(json_object_get(rule, "Next")), output, text);
        } else {
            struct failure old = *f;
            *f = worse;
            failure_release(&old);
        }
        json_decref(output);
        json_decref(error);
        return rc < 0 ? -1 : 1;
    }
    return 0;
}

void fail_state(struct run *r, struct failure *f)
{
    json_decref(r->d->assign); /* what failed has set nothing */
    r->d->assign = NULL;
    if (f->error != NULL)
        show_taken(r, "error", safe_string(f->error));
    if (f->cause != NULL)
        show_taken(r, "cause", safe_string(f->cause));
    if (!try_retry(r, f)) {
        if (r->type != ASL_TASK && r->o->kind == OUTCOME_FAILED) /* which a retry is not worth an event */
            event_append(r, r->type == ASL_MAP ? "MapStateFailed" : "ParallelStateFailed", NULL);
        if (try_catch(r, f) <= 0)
            decide_failed(r, f);
    }
    failure_release(f);
}
