/* What an execution did, from its history. */
#include "orchestrator/graph_trail.h"
#include "base/mem.h"
#include "state/exec.h"

struct reading {
    struct trail *t;
    char *at;    /* owned: the state that it is in; NULL: none yet */
    char *error; /* owned: of its last attempt, until another succeeds */
};

static void raise_count(json_t *counts, const char *key)
{
    json_object_set_new(counts, key, json_integer(json_integer_value(json_object_get(counts, key)) + 1));
}

static void step(struct reading *r, const char *to, bool caught)
{
    char key[GRAPH_STEP_SIZE];

    raise_count(r->t->steps, graph_step(r->at, to, caught, key));
}

static void entered(struct reading *r, const char *name)
{
    raise_count(r->t->entered, name);
    if (r->at != NULL) {
        if (r->error != NULL) /* it was left, though its task had failed: caught */
            json_object_set_new(r->t->failed, r->at, json_string(r->error));
        step(r, name, r->error != NULL);
    }
    free(r->at);
    free(r->error);
    r->at = xstrdup(name);
    r->error = NULL;
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

    UNUSED(id);
    UNUSED(previous);
    UNUSED(ts_ms);
    if (rc < 0)
        return rc;
    if (str_ends(type, "StateEntered") && detail(details, "name") != NULL) {
        entered(r, detail(details, "name"));
    } else if (r->at != NULL && strcmp(type, "ActivityScheduled") == 0 && r->error != NULL) {
        step(r, r->at, false);
        free(r->error);
        r->error = NULL;
    } else if (r->at != NULL &&
               (strcmp(type, "ActivityFailed") == 0 || strcmp(type, "ActivityTimedOut") == 0 ||
                str_starts(type, "ExecutionFailed") || str_starts(type, "ExecutionTimedOut") ||
                str_starts(type, "ExecutionAborted"))) {
        const char *error = detail(details, "error");
        free(r->error);
        r->error = xstrdup(error != NULL ? error : str_ends(type, "TimedOut") ? "States.Timeout" : "aborted");
    }
    json_decref(details);
    return 0;
}

int trail_read(struct store *s, const struct execution *e, struct trail *ret, struct err *err)
{
    struct reading r = {.t = ret};

    *ret = (struct trail){.entered = json_object(), .steps = json_object(), .failed = json_object()};
    int rc = event_list(s, e->id, false, -1, on_event, &r, err);
    if (rc >= 0 && r.at != NULL && strcmp(e->status, "RUNNING") == 0)
        ret->current = xstrdup(r.at);
    if (rc >= 0 && r.at != NULL && r.error != NULL && ret->current == NULL)
        json_object_set_new(ret->failed, r.at, json_string(r.error));
    free(r.at);
    free(r.error);
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
