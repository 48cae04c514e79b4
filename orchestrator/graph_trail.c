/* What an execution did, from its history. */
#include "orchestrator/graph_trail.h"
#include "base/mem.h"
#include "state/exec.h"

struct reading {
    struct trail *t;
    const char *
        *at; /* owned: of every event the state that it tells of; borrowed from t->entered; NULL: none */
    size_t count;
    json_t *errors;      /* owned: state -> error of its last attempt, until another succeeds */
    const char *last;    /* entered last and not left yet; borrowed likewise */
    int64_t fork_failed; /* newest ParallelStateFailed or MapStateFailed */
};

static void raise_count(json_t *counts, const char *key)
{
    json_object_set_new(counts, key, json_integer(json_integer_value(json_object_get(counts, key)) + 1));
}

static const char *state_of(const struct reading *r, int64_t event)
{
    return event > 0 && (size_t)event < r->count ? r->at[event] : NULL;
}

/* Branches run beside each other, so what came before an event is what it points at. */
static void tells_of(struct reading *r, int64_t id, const char *state)
{
    while (id > 0 && r->count <= (size_t)id) {
        if (r->count % 256 == 0)
            r->at = xrealloc(r->at, (r->count + 256) * sizeof *r->at);
        r->at[r->count++] = NULL;
    }
    if (id > 0)
        r->at[id] = state;
}

static const char *entered_name(const struct reading *r, const char *name)
{
    void *own = json_object_iter_at(r->t->entered, name);

    return own != NULL ? json_object_iter_key(own) : NULL;
}

static void step(struct reading *r, const char *from, const char *to, bool caught)
{
    char key[GRAPH_STEP_SIZE];

    raise_count(r->t->steps, graph_step(from, to, caught, key));
}

static void entered(struct reading *r, int64_t id, int64_t previous, const char *name)
{
    const char *from = state_of(r, previous);
    json_t *error = from != NULL ? json_object_get(r->errors, from) : NULL;

    raise_count(r->t->entered, name);
    if (error != NULL) /* it was left, though its task had failed: caught */
        json_object_set(r->t->failed, from, error);
    if (from != NULL)
        step(r, from, name, error != NULL);
    if (from != NULL)
        json_object_del(r->errors, from);
    json_object_del(r->errors, name);
    r->last = entered_name(r, name);
    tells_of(r, id, r->last);
}

/* A Parallel's exit points at where its last branch was: the name says which state it is. */
static const char *left(struct reading *r, const char *name, int64_t previous)
{
    const char *own = entered_name(r, name), *within = state_of(r, previous), *error = NULL;

    if (own == NULL)
        return within;
    if (within != NULL && previous == r->fork_failed)
        error = json_string_value(json_object_get(r->errors, within));
    if (previous == r->fork_failed && previous > 0)
        json_object_set_new(r->errors, name, json_string(error != NULL ? error : "failed within"));
    return own;
}

/* The member whose name ends in EventDetails, and in it the text of that key; NULL: none. */
static const char *detail(const json_t *details, const char *key)
{
    const char *name, *found = NULL;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)details, name, v)
        if (found == NULL && str_ends(name, "EventDetails"))
            found = json_string_value(json_object_get(v, key));
    return found;
}

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *text, struct err *err)
{
    struct reading *r = arg;
    json_t *details = NULL;
    int rc = text != NULL ? json_parse(text, strlen(text), "event", &details, err) : 0;

    UNUSED(ts_ms);
    if (rc < 0)
        return rc;
    const char *at = state_of(r, previous) != NULL ? state_of(r, previous) : r->last;
    if (str_ends(type, "StateEntered") && detail(details, "name") != NULL) {
        entered(r, id, previous, detail(details, "name"));
        json_decref(details);
        return 0;
    }
    if (str_ends(type, "StateExited") && detail(details, "name") != NULL) {
        at = left(r, detail(details, "name"), previous);
    } else if (strcmp(type, "MapIterationStarted") == 0 && detail(details, "name") != NULL) {
        at = entered_name(r, detail(details, "name")); /* it points at the iteration that made room for it */
    } else if (strcmp(type, "ParallelStateFailed") == 0 || strcmp(type, "MapStateFailed") == 0) {
        r->fork_failed = id;
    } else if (at != NULL && strcmp(type, "ActivityScheduled") == 0 &&
               json_object_get(r->errors, at) != NULL) {
        step(r, at, at, false);
        json_object_del(r->errors, at);
    } else if (at != NULL && (strcmp(type, "ActivityFailed") == 0 || strcmp(type, "ActivityTimedOut") == 0 ||
                              str_starts(type, "ExecutionFailed") || str_starts(type, "ExecutionTimedOut") ||
                              str_starts(type, "ExecutionAborted"))) {
        const char *error = detail(details, "error");
        error = error != NULL ? error : str_ends(type, "TimedOut") ? "States.Timeout" : "aborted";
        json_object_set_new(r->errors, at, json_string(error));
    }
    tells_of(r, id, at);
    json_decref(details);
    return 0;
}

int trail_read(struct store *s, const struct execution *e, struct trail *ret, struct err *err)
{
    struct reading r = {.t = ret, .errors = json_object()};
    const char *state;
    json_t *error;

    *ret = (struct trail){.entered = json_object(), .steps = json_object(), .failed = json_object()};
    int rc = event_list(s, e->id, false, -1, on_event, &r, err);
    if (rc >= 0 && r.last != NULL && strcmp(e->status, "RUNNING") == 0)
        ret->current = xstrdup(r.last);
    if (rc >= 0 && ret->current == NULL) /* what nothing caught */
        json_object_foreach(r.errors, state, error)
            json_object_set(ret->failed, state, error);
    free(r.at);
    json_decref(r.errors);
    if (rc < 0)
        trail_release(ret);
    return rc < 0 ? rc : 0;
}

void trail_release(struct trail *t)
{
    json_decref(t->entered);
    json_decref(t->steps);
    json_decref(t->failed);
    free(t->current);
    *t = (struct trail){0};
}
