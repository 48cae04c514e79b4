/*
 * Parallel and Map as one frame sees them: what they fork, and what becomes of what comes back. The branches and
 * iterations themselves are frames: machine.h.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/interp_int.h"

enum { MAX_AT_ONCE = 40 }; /* iterations of an inline Map that AWS runs at a time */

static int bad_value(struct run *r, const char *field, const json_t *v, const char *kind, struct failure *f)
{
    const char *path = json_string_value(json_object_get(r->state, field));
    char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);

    failure_runtime(r, f, "The %s field refers to value \"%.200s\" which is not a valid %s: %s", field, text,
                    kind, path);
    free(text);
    return -1;
}

/* A whole number, or its ...Path; fallback where there is neither. */
static int count_of(struct run *r, const char *field, const json_t *input, int64_t fallback, int64_t *ret,
                    struct failure *f)
{
    const json_t *fixed = json_object_get(r->state, field);
    char path_field[40];
    json_t *v = NULL;

    snprintf(path_field, sizeof path_field, "%sPath", field);
    *ret = fixed != NULL ? json_integer_value(fixed) : fallback;
    if (json_object_get(r->state, path_field) == NULL)
        return 0;
    if (field_value(r, path_field, input, &v, f) < 0)
        return -1;
    if (!json_is_integer(v))
        return bad_value(r, path_field, v, "integer", f);
    *ret = json_integer_value(v);
    return *ret < 0 ? failure_runtime(r, f, "%s cannot be negative.", field) : 0;
}

static int percentage_of(struct run *r, const json_t *input, double *ret, struct failure *f)
{
    static const char *const field = "ToleratedFailurePercentage", *const path =
                                                                       "ToleratedFailurePercentagePath";
    const json_t *fixed = json_object_get(r->state, field);
    json_t *v = NULL;

    *ret = fixed != NULL ? json_number_value(fixed) : -1;
    if (json_object_get(r->state, path) == NULL)
        return 0;
    if (field_value(r, path, input, &v, f) < 0)
        return -1;
    if (!json_is_number(v))
        return bad_value(r, path, v, "float", f);
    *ret = json_number_value(v);
    return *ret < 0 || *ret > 100 ? failure_runtime(r, f, "%s must be between 0 and 100.", field) : 0;
}

/* How many iterations may fail: the smaller of what is said as a number and as a share; -1: nothing is said. */
static int tolerance(struct run *r, const json_t *input, struct fork *fork, struct failure *f)
{
    int64_t count = -1, share = -1;
    double percentage = -1;

    if (count_of(r, "ToleratedFailureCount", input, -1, &count, f) < 0 ||
        percentage_of(r, input, &percentage, f) < 0)
        return -1;
    if (count >= 0)
        show_taken(r, "toleratedFailureCount", json_integer(count));
    if (percentage >= 0)
        show_taken(r, "toleratedFailurePercentage", json_real(percentage));
    if (percentage >= 0)
        share = (int64_t)(percentage * (double)json_array_size(fork->items) / 100.0 + 1e-9);
    fork->tolerated = count < 0 || (share >= 0 && share < count) ? share : count;
    return 0;
}

/* As AWS: what is wrong with MaxConcurrency and ItemsPath comes before MapStateStarted, with the tolerance behind it. */
static int enter_map(struct run *r, json_t *input, struct failure *f)
{
    const char *path = json_string_value(json_object_get(r->state, "ItemsPath"));
    struct fork *fork = &r->d->fork;
    json_t *items = input, *length;

    if (count_of(r, "MaxConcurrency", input, 0, &fork->at_once, f) < 0)
        return -1;
    show_taken(r, "maxConcurrency", json_integer(fork->at_once));
    if (fork->at_once == 0 || fork->at_once > MAX_AT_ONCE)
        fork->at_once = MAX_AT_ONCE;
    if (path != NULL && field_value(r, "ItemsPath", input, &items, f) < 0)
        return -1;
    if (!json_is_array(items))
        return failure_runtime(r, f, "Reference path \"%s\" must point to array.", path != NULL ? path : "$");
    fork->items = json_incref(items);
    fork->input = json_incref(input);
    length = json_pack("{s:I}", "length", (json_int_t)json_array_size(items));
    event_append(r, "MapStateStarted", event_text("mapStateStartedEventDetails", NULL, NULL, NULL, length));
    json_decref(length);
    return tolerance(r, input, fork, f);
}

static int enter_parallel(struct run *r, json_t *input, struct failure *f)
{
    char *text = NULL;

    if (apply_template(r, "Parameters", input, &r->d->fork.input, f) < 0 ||
        payload_text(r, r->d->fork.input, r->c->state, &text, f) < 0)
        return -1;
    free(text);
    event_append(r, "ParallelStateStarted", NULL);
    return 0;
}

int enter_fork(struct run *r, json_t *input, struct failure *f)
{
    int rc = r->type == ASL_MAP ? enter_map(r, input, f) : enter_parallel(r, input, f);

    if (rc == 0)
        decide_stay(r, DECIDE_FORK, PHASE_CHILDREN);
    return rc;
}

int joined(struct run *r, struct failure *f)
{
    struct decision *d = r->d;

    if (r->o->kind == OUTCOME_FAILED) {
        failure_of_outcome(r, f, r->o);
        return -1;
    }
    if (r->o->output == NULL)
        return failure_too_large(f, r->c->state);
    event_append(r, r->type == ASL_MAP ? "MapStateSucceeded" : "ParallelStateSucceeded", NULL);
    d->events[d->event_count - 1].aside = true;
    return finish_result(r, r->o->output, f);
}
