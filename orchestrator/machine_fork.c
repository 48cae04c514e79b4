/* Children of a frame: branches of a Parallel, iterations of a Map. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/machine_int.h"

static bool is_map(const struct node *n)
{
    return n->fork.items != NULL;
}

/* ---- beginning ---- */

void fork_release(struct node *n)
{
    for (size_t i = 0; n->results != NULL && i < n->length; i++)
        json_decref(n->results[i]);
    free(n->results);
    json_decref(n->fork.items);
    json_decref(n->fork.input);
    n->fork = (struct fork){0};
    n->results = NULL;
    n->length = n->started = n->ended = n->failed = n->bytes = 0;
}

void fork_may_spawn(struct machine *m, struct node *n)
{
    bool more = is_map(n) && n->started < n->length && (int64_t)n->running < n->fork.at_once;
    enum machine_phase phase = more ? PHASE_SPAWN : PHASE_CHILDREN;

    if (n->f.phase != phase)
        node_phase(m, n, phase);
}

static const json_t *definition_of(const struct machine *m, const struct node *n)
{
    return asl_state(m->asl, n->f.state);
}

static const char *start_of(const json_t *state, size_t i)
{
    return json_string_value(json_object_get(asl_inner(state, i), "StartAt"));
}

/* The last branch first: whoever is entered last goes first. */
static void begin_branches(struct machine *m, struct node *n)
{
    const json_t *state = definition_of(m, n);
    int64_t input_event = n->fork.input == n->f.input ? n->f.input_event : 0;

    for (size_t i = n->length; i-- > 0;) {
        struct node *child =
            node_new(m, n, FRAME_BRANCH, n->f.fork_event * FRAME_IDS + (int64_t)i, (int64_t)i);
        child->f.last_event = n->f.fork_event;
        node_enter(m, child, start_of(state, i), n->fork.input, NULL, input_event);
    }
    n->started = n->length;
}

int fork_begin(struct machine *m, struct node *n, struct decision *d)
{
    const json_t *state = definition_of(m, n);

    fork_release(n);
    n->fork = d->fork;
    d->fork = (struct fork){0};
    while (!is_map(n) && asl_inner(state, n->length) != NULL)
        n->length++;
    if (is_map(n))
        n->length = json_array_size(n->fork.items);
    n->results = xcalloc(n->length + 1, sizeof *n->results);
    if (is_map(n))
        fork_may_spawn(m, n);
    else
        begin_branches(m, n);
    return n->length == 0;
}

void fork_child_context(struct node *child)
{
    struct node *n = child->parent;
    json_t *item = json_array_get(n->fork.items, (size_t)child->f.index), *context;

    child->context = n->context;
    if (!is_map(n))
        return;
    context = json_is_object(n->context) ? json_copy((json_t *)(uintptr_t)n->context) : json_object();
    json_object_set_new(
        context, "Map",
        json_pack("{s:{s:I, s:O}}", "Item", "Index", (json_int_t)child->f.index, "Value", item));
    json_decref(child->context_owned);
    child->context = child->context_owned = context;
}

static int64_t iteration_event(struct machine *m, struct machine_step *s, const struct node *child,
                               int64_t previous, const char *type, const char *key)
{
    json_t *more =
        json_pack("{s:s, s:I}", "name", child->parent->f.state, "index", (json_int_t)child->f.index);
    int64_t id = step_event(m, s, child, previous, type, event_text(key, NULL, NULL, NULL, more));

    json_decref(more);
    return id;
}

int fork_next_item(struct machine *m, struct node *n, const struct interp_env *env, struct machine_step *s,
                   struct err *err)
{
    int64_t index = (int64_t)n->started++, id = m->events + 1;
    struct node *child = node_new(m, n, FRAME_ITERATION, id * FRAME_IDS, index);
    struct cursor c = node_cursor(n);
    struct interp_env own = *env;
    struct joined up = {0};
    struct decision d;

    fork_child_context(child);
    node_changed(m, n);
    /* As on AWS: those that begin at once point at MapStateStarted, the others at what made room for them. */
    child->f.last_event =
        iteration_event(m, s, child, index < n->fork.at_once ? n->f.fork_event : n->f.slot_event,
                        "MapIterationStarted", "mapIterationStartedEventDetails");
    own.context = child->context;
    own.entered_event = n->f.entered_event;
    int rc = interp_item(m->asl, &c, &n->fork, (size_t)index, &own, &d, err);
    if (rc < 0)
        return rc;
    if (d.kind == DECIDE_ENTER) {
        node_enter(m, child, d.state, d.input, NULL, 0);
        fork_may_spawn(m, n);
    } else {
        node_enter(m, child, start_of(definition_of(m, n), 0), n->fork.input, NULL, 0);
        rc = fork_child_ended(m, child, &d, s, &up);
        if (rc == 1 &&
            up.outcome.kind == OUTCOME_FAILED) { /* it never was at a state: nothing to redrive from */
            node_free(m, child);
            n->started--;
        }
    }
    decision_release(&d);
    if (rc == 1)
        rc = step_decide(m, n, &up.outcome, env, s, err);
    json_decref(up.output);
    free(up.error);
    free(up.cause);
    return rc;
}

/* ---- ending ---- */

void fork_drop(struct machine *m, struct node *n)
{
    struct node *child, *next;

    for (child = n->children.first; child != NULL; child = next) {
        next = child->by_parent.next;
        fork_drop(m, child);
        node_free(m, child);
    }
    fork_release(n);
    if (!n->children_kept)
        return;
    n->children_kept = false;
    if (m->dropped_count % 16 == 0)
        m->dropped = xrealloc(m->dropped, (m->dropped_count + 16) * sizeof *m->dropped);
    m->dropped[m->dropped_count++] = n->f.id;
}

/* What runs in the frame is over, from the inside out. As on AWS only states that can last say so. Depth is that of the
 * definition. */
static void abort_node(struct machine *m, struct node *n, struct machine_step *s)
{
    static const char *const types[ASL_TYPES] = {[ASL_TASK] = "TaskStateAborted",
                                                 [ASL_WAIT] = "WaitStateAborted",
                                                 [ASL_PARALLEL] = "ParallelStateAborted",
                                                 [ASL_MAP] = "MapStateAborted"};

    for (struct node *child = n->children.first; child != NULL; child = child->by_parent.next)
        if (child->f.phase != PHASE_DONE)
            abort_node(m, child, s);
    if (n->f.phase == PHASE_TASK) {
        if (s->aborted_count % 16 == 0)
            s->aborted = xrealloc(s->aborted, (s->aborted_count + 16) * sizeof *s->aborted);
        s->aborted[s->aborted_count++] = n->f.id;
    }
    const char *type = types[asl_type(definition_of(m, n))];
    if (n->f.phase != PHASE_ENTER && type != NULL)
        n->f.last_event = step_event(m, s, n, n->f.last_event, type, NULL);
    if (n->f.kind == FRAME_ITERATION)
        n->f.last_event = iteration_event(m, s, n, n->f.last_event, "MapIterationAborted",
                                          "mapIterationAbortedEventDetails");
    node_changed(m, n);
}

/* Whether the parent can still succeed. */
static bool bearable(const struct node *n)
{
    return is_map(n) && n->fork.tolerated >= 0 && (int64_t)n->failed <= n->fork.tolerated;
}

static void tell_failure(const struct node *n, const struct decision *d, struct joined *ret)
{
    ret->outcome = (struct outcome){.kind = OUTCOME_FAILED, .beyond_all = d->beyond_all};
    if (is_map(n) && n->fork.tolerated >= 0) {
        ret->error = xstrdup("States.ExceedToleratedFailureThreshold");
        ret->cause = xstrdup("The specified tolerated failure threshold was exceeded");
        ret->outcome.beyond_all = false;
    } else {
        ret->error = d->error != NULL ? xstrdup(d->error) : NULL;
        ret->cause = d->cause != NULL ? xstrdup(d->cause) : NULL;
    }
    ret->outcome.error = ret->error;
    ret->outcome.cause = ret->cause;
}

void fork_result(struct node *n, size_t index, json_t *result, size_t bytes)
{
    n->bytes += bytes + 1;
    n->ended++;
    if (n->bytes <= MAX_PAYLOAD && index < n->length)
        n->results[index] = result;
    else /* the array is too large: it will be refused, and is not kept until then */
        json_decref(result);
}

void fork_join(struct node *n, struct joined *ret)
{
    *ret = (struct joined){.outcome = {.kind = OUTCOME_SUCCEEDED}};
    if (n->bytes > MAX_PAYLOAD)
        return; /* no output: too large */
    ret->output = json_array();
    for (size_t i = 0; i < n->length; i++)
        json_array_append(ret->output, n->results[i]);
    ret->outcome.output = ret->output;
}

static json_t *failed_result(const struct decision *d)
{
    return json_pack("{s:s, s:s}", "Error", d->error != NULL ? d->error : "", "Cause",
                     d->cause != NULL ? d->cause : "");
}

/* Among the ended ones, with what it gives. */
static void shelve(struct machine *m, struct node *child, const struct decision *d, int64_t last)
{
    struct node *n = child->parent;
    json_t *result = d->output != NULL ? json_incref(d->output) : failed_result(d);
    size_t bytes = d->input_text != NULL ? strlen(d->input_text) : json_dumpb(result, NULL, 0, JSON_COMPACT);

    fork_drop(m, child);
    json_decref(child->f.input);
    json_decref(child->f.retry);
    json_decref(child->f.vars);
    child->f.input = json_incref(result);
    child->f.retry = child->f.vars = NULL;
    child->f.failed = d->output == NULL;
    child->f.input_event = d->output != NULL ? last : 0;
    node_phase(m, child, PHASE_DONE);
    fork_result(n, (size_t)child->f.index, result, bytes);
}

int fork_child_ended(struct machine *m, struct node *child, const struct decision *d, struct machine_step *s,
                     struct joined *ret)
{
    struct node *n = child->parent;
    int64_t last = child->f.last_event, ended = 0;
    bool succeeded = d->output != NULL;

    *ret = (struct joined){0};
    n->failed += !succeeded;
    if (is_map(n))
        ended = iteration_event(m, s, child, last, succeeded ? "MapIterationSucceeded" : "MapIterationFailed",
                                succeeded ? "mapIterationSucceededEventDetails"
                                          : "mapIterationFailedEventDetails");
    n->f.last_event = is_map(n) && succeeded ? ended : last; /* as AWS has it */
    n->f.slot_event = last;
    node_changed(m, n);
    if (succeeded || bearable(n)) {
        shelve(m, child, d, last);
        if (n->ended < n->length) {
            fork_may_spawn(m, n);
            return 0;
        }
        fork_join(n, ret);
        return 1;
    }
    for (struct node *other = n->children.first; other != NULL; other = other->by_parent.next)
        if (other != child && other->f.phase != PHASE_DONE)
            abort_node(m, other, s);
    tell_failure(n, d, ret);
    return 1;
}
