#include "orchestrator/test_state.h"
#include "base/mem.h"
#include "orchestrator/interp.h"

struct test {
    const struct state_test *t;
    const json_t *definition; /* of the state */
    json_t *seen;             /* owned: what the interpreter was asked to show */
    json_t *retry;            /* owned; NULL: none used */
};

static void put_text(json_t *o, const char *key, const json_t *v)
{
    char *text = v != NULL ? json_text(v) : NULL;

    if (text != NULL)
        json_object_set_new(o, key, json_string(text));
    free(text);
}

static void put_string(json_t *o, const char *key, const char *s)
{
    if (s != NULL)
        json_object_set_new(o, key, json_string(s));
}

static int decide(struct test *t, const struct decision *at, const struct outcome *o, struct decision *ret,
                  struct err *err)
{
    const struct cursor c = {.state = t->t->state,
                             .phase = at != NULL ? at->phase : PHASE_ENTER,
                             .input = at != NULL ? at->input : t->t->input,
                             .retry = t->retry,
                             .vars = t->t->vars,
                             .entered_ms = t->t->now_ms};
    const struct interp_env env = {.context = t->t->context, .now_ms = t->t->now_ms, .seen = t->seen};

    return interp_next(t->t->asl, &c, o, &env, ret, err);
}

/* What each iteration would begin with. */
static int show_items(struct test *t, const struct decision *d, struct err *err)
{
    json_t *all = json_array(), *value;
    size_t i;
    int rc = 0;

    json_array_foreach(d->fork.items, i, value) {
        struct decision item = {0};
        json_t *context = json_copy((json_t *)(uintptr_t)t->t->context);
        json_object_set_new(context, "Map",
                            json_pack("{s:{s:I,s:O}}", "Item", "Index", (json_int_t)i, "Value", value));
        const struct cursor c = {.state = t->t->state,
                                 .phase = d->phase,
                                 .input = d->input,
                                 .vars = t->t->vars,
                                 .entered_ms = t->t->now_ms};
        const struct interp_env env = {.context = context, .now_ms = t->t->now_ms};
        rc = interp_item(t->t->asl, &c, &d->fork, i, &env, &item, err);
        if (rc == 0 && item.kind == DECIDE_ENTER)
            json_array_append(all, item.input);
        decision_release(&item);
        json_decref(context);
        if (rc < 0)
            break;
    }
    json_object_set(t->seen, "afterItemsPath", d->fork.items);
    if (json_object_get(t->definition, "ItemSelector") != NULL ||
        json_object_get(t->definition, "Parameters") != NULL)
        json_object_set(t->seen, "afterItemSelector", all);
    json_decref(all);
    return rc;
}

/* The decision that the state is left with. */
static int settle(struct test *t, struct decision *ret, struct err *err)
{
    static const struct outcome none = {.kind = OUTCOME_NONE}, timer = {.kind = OUTCOME_TIMER};
    const struct outcome answer = {.kind = t->t->result != NULL ? OUTCOME_SUCCEEDED : OUTCOME_FAILED,
                                   .output = t->t->result,
                                   .error = t->t->error,
                                   .cause = t->t->cause};
    struct decision first = {0};
    int rc = decide(t, NULL, &none, &first, err);

    if (rc < 0)
        return rc;
    bool asks = first.kind == DECIDE_TASK || first.kind == DECIDE_FORK;
    if (first.kind == DECIDE_FORK && first.fork.items != NULL)
        rc = show_items(t, &first, err);
    if (rc == 0 && asks && !t->t->mocked) {
        err_set(err, ERR_USAGE, "state '%.100s' is a %s, and nothing says what it answers", t->t->state,
                json_string_value(json_object_get(t->definition, "Type")));
        rc = err_hint(
            err, "--mock FILE with {\"result\": ...} or {\"errorOutput\": {\"error\": ..., \"cause\": ...}}");
    }
    if (rc == 0 && (asks || (first.kind == DECIDE_WAIT && first.phase == PHASE_WAIT))) {
        rc = decide(t, &first, asks ? &answer : &timer, ret, err);
        decision_release(&first);
        return rc;
    }
    if (rc < 0)
        decision_release(&first);
    else
        *ret = first;
    return rc;
}

/* inspectionData: the stages as JSON text, the numbers as numbers, what became of an error. */
static json_t *inspection(const struct test *t)
{
    static const char *const stages[] = {"afterInputPath",    "afterParameters", "afterItemsPath",
                                         "afterItemSelector", "result",          "afterResultSelector",
                                         "afterResultPath",   "variables"};
    static const char *const numbers[] = {"toleratedFailureCount", "toleratedFailurePercentage",
                                          "maxConcurrency"};
    json_t *o = json_object();

    put_text(o, "input", t->t->input);
    if (json_object_get(t->definition, "Result") != NULL) { /* as AWS: what is not used is not shown */
        json_object_del(t->seen, "afterInputPath");
        json_object_del(t->seen, "afterParameters");
        json_object_set(t->seen, "result", json_object_get(t->definition, "Result"));
    }
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        put_text(o, stages[i], json_object_get(t->seen, stages[i]));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (json_object_get(t->seen, numbers[i]) != NULL)
            json_object_set(o, numbers[i], json_object_get(t->seen, numbers[i]));
    if (json_object_get(t->seen, "errorDetails") != NULL)
        json_object_set(o, "errorDetails", json_object_get(t->seen, "errorDetails"));
    return o;
}

static json_t *answer_of(const struct test *t, const struct decision *d)
{
    const json_t *handled = json_object_get(t->seen, "errorDetails");
    bool caught = json_object_get(handled, "catchIndex") != NULL;
    json_t *o = json_object();

    if (d->kind == DECIDE_WAIT)
        put_string(o, "status", "RETRIABLE");
    else if (d->kind == DECIDE_END)
        put_string(o, "status", d->status);
    else
        put_string(o, "status", caught ? "CAUGHT_ERROR" : "SUCCEEDED");
    put_text(o, "output", d->kind == DECIDE_ENTER ? d->input : d->output);
    if (d->kind == DECIDE_END) {
        put_string(o, "error", d->error);
        put_string(o, "cause", d->cause);
    } else if (handled != NULL) {
        put_string(o, "error", json_string_value(json_object_get(t->seen, "error")));
        put_string(o, "cause", json_string_value(json_object_get(t->seen, "cause")));
    }
    if (d->kind == DECIDE_ENTER)
        put_string(o, "nextState", d->state);
    json_object_set_new(o, "inspectionData", inspection(t));
    return o;
}

/* The variables after the state. */
static void show_variables(struct test *t, const struct decision *d)
{
    json_t *all;

    if (t->t->vars == NULL && d->assign == NULL)
        return;
    all = t->t->vars != NULL ? json_copy((json_t *)(uintptr_t)t->t->vars) : json_object();
    if (d->assign != NULL)
        json_object_update(all, d->assign);
    json_object_set_new(t->seen, "variables", all);
}

/* One pass. */
static int try_it(struct test *t, json_t **ret, struct err *err)
{
    struct decision d = {0};
    int rc;

    json_decref(t->seen);
    t->seen = json_object();
    rc = settle(t, &d, err);
    if (rc < 0)
        return rc;
    show_variables(t, &d);
    *ret = answer_of(t, &d);
    decision_release(&d);
    return 0;
}

static int no_state(const struct state_test *s, struct err *err)
{
    const json_t *states = asl_states(s->asl), *v;
    const char **names = xcalloc(json_object_size(states) + 1, sizeof *names), *name, *near;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)states, name, v)
        names[n++] = name;
    near = str_nearest(s->state, names);
    free(names);
    err_set(err, ERR_USAGE, "the definition has no state '%.100s'", s->state);
    return near != NULL ? err_hint(err, "the nearest is '%s'", near) : -(int)ERR_USAGE;
}

int test_state(const struct state_test *s, json_t **ret, struct err *err)
{
    struct test t = {.t = s, .definition = asl_state(s->asl, s->state)};
    int rc;

    if (t.definition == NULL)
        return no_state(s, err);
    rc = try_it(&t, ret, err);
    const json_t *rule = json_object_get(json_object_get(t.seen, "errorDetails"), "retryIndex");
    if (rc == 0 && s->retries > 0 && rule != NULL) { /* now it is known which of them has been at work */
        t.retry = json_array();
        for (json_int_t i = 0; i <= json_integer_value(rule); i++)
            json_array_append_new(t.retry, json_integer(i == json_integer_value(rule) ? s->retries : 0));
        json_decref(*ret);
        rc = try_it(&t, ret, err);
    }
    json_decref(t.seen);
    json_decref(t.retry);
    return rc;
}
