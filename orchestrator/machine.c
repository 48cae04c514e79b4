/* Steps of the tree of frames: what a decision makes of a frame, and what that makes of those around it. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/machine_int.h"

/* ---- lists: a node is in the one of its phase, and in its parent's ---- */

enum { AT_FRONT = true, AT_BACK = false };

static void list_add(struct list *l, struct node *n, size_t link, bool front)
{
    struct link *own = (struct link *)((char *)n + link);
    struct node *other = front ? l->first : l->last;

    *own = front ? (struct link){NULL, other} : (struct link){other, NULL};
    if (other == NULL) {
        l->first = l->last = n;
        return;
    }
    struct link *of = (struct link *)((char *)other + link);
    if (front) {
        of->prev = n;
        l->first = n;
    } else {
        of->next = n;
        l->last = n;
    }
}

static void list_remove(struct list *l, struct node *n, size_t link)
{
    struct link *own = (struct link *)((char *)n + link);

    if (own->prev != NULL)
        ((struct link *)((char *)own->prev + link))->next = own->next;
    else
        l->first = own->next;
    if (own->next != NULL)
        ((struct link *)((char *)own->next + link))->prev = own->prev;
    else
        l->last = own->prev;
    *own = (struct link){NULL, NULL};
}

/*
 * Who goes first does not depend on whether the tree was read back meanwhile. What is innermost goes on first, and of
 * branches the first; tasks are asked for in the order in which they were scheduled, but for one that was begun: its owner
 * died, and nobody is to wait for others before that is known.
 */
static bool goes_before(const struct node *a, const struct node *b)
{
    if (a->f.phase == PHASE_TASK && (a->f.slot_event > 0) != (b->f.slot_event > 0))
        return a->f.slot_event > 0;
    if (a->f.phase == PHASE_TASK)
        return a->f.last_event < b->f.last_event;
    if (a->f.id / FRAME_IDS != b->f.id / FRAME_IDS)
        return a->f.id > b->f.id;
    return a->f.id < b->f.id;
}

static void add_by_phase(struct machine *m, struct node *n)
{
    struct list *l = &m->by_phase[n->f.phase];
    struct node *after = l->last, *before;
    bool at_front = n->f.phase == PHASE_ENTER || n->f.phase == PHASE_SPAWN;

    if (l->first == NULL || (at_front && goes_before(n, l->first))) { /* as good as always */
        list_add(l, n, offsetof(struct node, by_phase), AT_FRONT);
        return;
    }
    while ((at_front || n->f.phase == PHASE_TASK) && after != NULL && goes_before(n, after))
        after = after->by_phase.prev;
    if (after == NULL || after == l->last) {
        list_add(l, n, offsetof(struct node, by_phase), after == NULL ? AT_FRONT : AT_BACK);
        return;
    }
    before = after->by_phase.next;
    n->by_phase = (struct link){after, before};
    after->by_phase.next = before->by_phase.prev = n;
}

/* ---- nodes ---- */

struct node *node_new(struct machine *m, struct node *parent, enum frame_kind kind, int64_t id, int64_t index)
{
    struct node *n = xcalloc(1, sizeof *n);

    n->f = (struct machine_frame){
        .id = id, .parent = parent != NULL ? parent->f.id : -1, .kind = kind, .index = index};
    n->parent = parent;
    n->context = parent != NULL ? parent->context : m->context;
    if (parent != NULL) {
        n->seen = json_incref(parent->seen);
        struct node *first = parent->children.first;
        list_add(&parent->children, n, offsetof(struct node, by_parent), first != NULL && id < first->f.id);
        parent->running++;
    }
    add_by_phase(m, n);
    m->running++;
    node_changed(m, n);
    return n;
}

static void task_clear(struct machine_task *t)
{
    json_decref(t->parameters);
    *t = (struct machine_task){0};
}

void node_free(struct machine *m, struct node *n)
{
    while (n->children.first != NULL)
        node_free(m, n->children.first);
    if (n->parent != NULL)
        list_remove(&n->parent->children, n, offsetof(struct node, by_parent));
    list_remove(&m->by_phase[n->f.phase], n, offsetof(struct node, by_phase));
    if (n->changed)
        list_remove(&m->changed, n, offsetof(struct node, by_change));
    if (n->f.phase != PHASE_DONE) {
        m->running--;
        if (n->parent != NULL)
            n->parent->running--;
    }
    fork_release(n);
    task_clear(&n->f.task);
    json_decref(n->f.input);
    json_decref(n->f.retry);
    json_decref(n->f.vars);
    json_decref(n->seen);
    json_decref(n->context_owned);
    free(n->input_text);
    free(n);
}

void node_phase(struct machine *m, struct node *n, enum machine_phase phase)
{
    bool ended = phase == PHASE_DONE && n->f.phase != PHASE_DONE;

    list_remove(&m->by_phase[n->f.phase], n, offsetof(struct node, by_phase));
    n->f.phase = phase;
    add_by_phase(m, n);
    if (ended) {
        m->running--;
        if (n->parent != NULL)
            n->parent->running--;
    }
    if (phase != PHASE_TASK)
        task_clear(&n->f.task);
    node_changed(m, n);
}

void node_changed(struct machine *m, struct node *n)
{
    if (!n->changed)
        list_add(&m->changed, n, offsetof(struct node, by_change), AT_BACK);
    n->changed = true;
}

void node_sees(struct node *n)
{
    json_t *outer = n->parent != NULL ? n->parent->seen : NULL;

    json_decref(n->seen);
    if (n->f.vars == NULL) {
        n->seen = json_incref(outer);
    } else if (outer == NULL) {
        n->seen = json_incref(n->f.vars);
    } else {
        n->seen = json_copy(outer);
        json_object_update(n->seen, n->f.vars);
    }
}

void node_enter(struct machine *m, struct node *n, const char *state, json_t *input, char *text,
                int64_t input_event)
{
    json_incref(input);
    json_decref(n->f.input);
    json_decref(n->f.retry);
    free(n->input_text);
    n->input_text = text;
    n->f.state = asl_name(m->asl, state);
    n->f.input = input;
    n->f.input_event = input_event;
    n->f.retry = NULL;
    n->f.entered_event = n->f.entered_ms = n->f.wake_ms = 0;
    n->f.fork_event = n->f.slot_event = 0;
    node_phase(m, n, PHASE_ENTER);
}

struct cursor node_cursor(const struct node *n)
{
    return (struct cursor){.state = n->f.state,
                           .phase = n->f.phase,
                           .input = n->f.input,
                           .input_text = n->input_text,
                           .retry = n->f.retry,
                           .vars = n->seen,
                           .entered_ms = n->f.entered_ms};
}

/* ---- the machine ---- */

struct machine *machine_new(const struct asl *a, const json_t *context, int64_t max_events)
{
    struct machine *m = xcalloc(1, sizeof *m);

    m->asl = a;
    m->context = context;
    m->max_events = max_events > 0 ? max_events : MAX_TRANSITIONS;
    return m;
}

void machine_free(struct machine *m)
{
    if (m == NULL)
        return;
    if (m->root != NULL)
        node_free(m, m->root);
    json_decref(m->output);
    free(m->error);
    free(m->cause);
    free(m->dropped);
    free(m->loaded);
    free(m);
}

void machine_begin(struct machine *m, const json_t *input, int64_t input_event)
{
    m->root = node_new(m, NULL, FRAME_ROOT, 0, 0);
    m->events = 1;
    node_enter(m, m->root, asl_start_at(m->asl), (json_t *)(uintptr_t)input, NULL, input_event);
}

int64_t machine_events(const struct machine *m)
{
    return m->events;
}

struct machine_end machine_end(const struct machine *m)
{
    return (struct machine_end){m->status, m->output, m->error, m->cause};
}

/* A retry whose state was entered at a time still to come does not wait: the clock was set back, and it would wait until
 * then; one that was put down since knows today's clock. A Wait may name a time, so it keeps its own. */
static bool is_due(const struct node *n, int64_t now_ms)
{
    return n->f.wake_ms <= now_ms ||
           (n->f.phase == PHASE_RETRY && n->f.entered_ms > now_ms + CLOCK_SLACK_MS &&
            n->f.wake_ms >= n->f.entered_ms);
}

/* The one that is due first; where none is due, *ret_wake_ms is the earliest time. */
static struct node *due(const struct machine *m, int64_t now_ms, int64_t *ret_wake_ms)
{
    static const enum machine_phase timers[] = {PHASE_WAIT, PHASE_RETRY};
    struct node *first = NULL;

    *ret_wake_ms = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(timers); i++)
        for (struct node *n = m->by_phase[timers[i]].first; n != NULL; n = n->by_phase.next) {
            if (n->f.wake_ms < *ret_wake_ms)
                *ret_wake_ms = n->f.wake_ms;
            if (is_due(n, now_ms) && (first == NULL || n->f.wake_ms < first->f.wake_ms ||
                                      (n->f.wake_ms == first->f.wake_ms && n->f.id < first->f.id)))
                first = n;
        }
    return first;
}

/* Nested Maps that wait could have 40 times 40 times 40 frames: past the limit one at a time is enough to go on. */
static struct node *spawns(const struct machine *m)
{
    struct node *n = m->by_phase[PHASE_SPAWN].first;

    while (n != NULL && m->running >= MAX_FRAMES && n->running > 0)
        n = n->by_phase.next;
    return n;
}

enum machine_next machine_next(struct machine *m, int64_t now_ms, struct machine_frame **ret_borrowed,
                               int64_t *ret_wake_ms)
{
    int64_t wake = 0;

    *ret_borrowed = NULL;
    if (m->status != NULL)
        return MACHINE_ENDED;
    struct node *n = m->by_phase[PHASE_ENTER].first;
    if (n == NULL)
        n = due(m, now_ms, &wake);
    if (n == NULL && m->by_phase[PHASE_TASK].first != NULL) {
        *ret_borrowed = &m->by_phase[PHASE_TASK].first->f;
        return MACHINE_TASK;
    }
    if (n == NULL)
        n = spawns(m);
    if (n != NULL) {
        *ret_borrowed = &n->f;
        return MACHINE_GO;
    }
    *ret_wake_ms = wake;
    return wake < INT64_MAX ? MACHINE_WAIT : MACHINE_LOST;
}

/* ---- steps ---- */

void machine_step_release(struct machine_step *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->events[i].details);
    free(s->events);
    free(s->aborted);
    *s = (struct machine_step){0};
}

int64_t step_event(struct machine *m, struct machine_step *s, const struct node *n, int64_t previous,
                   const char *type, char *details)
{
    if (s->count % 8 == 0)
        s->events = xrealloc(s->events, (s->count + 8) * sizeof *s->events);
    s->events[s->count++] = (struct machine_event){.id = ++m->events,
                                                   .previous = previous,
                                                   .frame = n != NULL ? n->f.id : -1,
                                                   .type = type,
                                                   .state = n != NULL ? n->f.state : NULL,
                                                   .entered_ms = n != NULL ? n->f.entered_ms : 0,
                                                   .details = details};
    return m->events;
}

/* Appends the decision's events to the frame; the id of the last one. */
static int64_t take_events(struct machine *m, struct node *n, struct decision *d, struct machine_step *s)
{
    int64_t id = 0;

    for (size_t i = 0; i < d->event_count; i++) {
        struct interp_event *e = &d->events[i];
        id = step_event(m, s, n, n->f.last_event, e->type, e->details);
        e->details = NULL;
        if (!e->aside)
            n->f.last_event = id;
        if (i == 0 && n->f.phase == PHASE_ENTER)
            n->f.entered_event = id;
    }
    return id;
}

static void set_vars(struct node *n, json_t *assign)
{
    if (assign == NULL)
        return;
    json_t *vars =
        n->f.vars != NULL ? json_copy(n->f.vars) : json_object(); /* the old one may be seen elsewhere */
    json_object_update(vars, assign);
    json_decref(n->f.vars);
    n->f.vars = vars;
    node_sees(n);
}

/* The same state in the decision's phase. */
static void stay(struct machine *m, struct node *n, const struct decision *d)
{
    json_incref(d->retry);
    json_decref(n->f.retry);
    n->f.retry = d->retry;
    n->f.entered_ms = d->entered_ms;
    n->f.wake_ms = d->wake_ms;
    n->f.slot_event = 0;
    if (n->f.entered_event != 0)
        n->f.input_event = n->f.entered_event;
    free(n->input_text);
    n->input_text = NULL;
    node_phase(m, n, d->phase);
}

static void end_root(struct machine *m, struct node *n, struct decision *d, struct machine_step *s)
{
    m->status = d->status;
    m->output = json_incref(d->output);
    m->error = d->error != NULL ? xstrdup(d->error) : NULL;
    m->cause = d->cause != NULL ? xstrdup(d->cause) : NULL;
    if (d->output != NULL) {
        step_event(m, s, NULL, n->f.last_event, "ExecutionSucceeded",
                   event_text("executionSucceededEventDetails", NULL, "output", d->input_text, NULL));
        node_phase(m, n, PHASE_DONE);
    } else {
        step_event(m, s, NULL, n->f.last_event, "ExecutionFailed",
                   event_error_text("executionFailedEventDetails", m->error, m->cause));
    }
    s->ended = true;
}

/* 1: the frame forked, and there is nothing to wait for; 2: it has ended; 0: neither. */
static int take(struct machine *m, struct node *n, struct decision *d, struct machine_step *s)
{
    int64_t last = take_events(m, n, d, s);
    bool stands = d->kind == DECIDE_END && strcmp(d->status, "FAILED") == 0;

    node_changed(m, n);
    if (!stands && d->kind != DECIDE_FORK)
        fork_drop(m, n);
    switch (d->kind) {
    case DECIDE_ENTER:
        set_vars(n, d->assign);
        node_enter(m, n, d->state, d->input, d->input_text, last);
        d->input_text = NULL;
        return 0;
    case DECIDE_TASK:
        stay(m, n, d);
        n->f.task = (struct machine_task){.resource = d->resource,
                                          .parameters = json_incref(d->parameters),
                                          .timeout_ms = d->timeout_ms,
                                          .heartbeat_ms = d->heartbeat_ms,
                                          .attempt = d->attempt};
        s->scheduled = &n->f;
        return 0;
    case DECIDE_WAIT:
        stay(m, n, d);
        return 0;
    case DECIDE_FORK:
        stay(m, n, d);
        n->f.fork_event = n->f.slot_event = last;
        return fork_begin(m, n, d);
    case DECIDE_END:
        break;
    }
    return 2;
}

static int decide(struct machine *m, struct node *n, const struct outcome *o, const struct interp_env *env,
                  struct decision *ret, struct err *err)
{
    struct cursor c = node_cursor(n);
    struct interp_env own = *env;

    own.context = n->context;
    own.entered_event = n->f.phase == PHASE_ENTER ? m->events + 1 : n->f.entered_event;
    return interp_next(m->asl, &c, o, &own, ret, err);
}

/* Ends: every turn goes up one frame, or follows a fork of nothing, which the state is left by. */
int step_decide(struct machine *m, struct node *n, const struct outcome *o, const struct interp_env *env,
                struct machine_step *s, struct err *err)
{
    struct joined up = {.outcome = *o}, next;
    int rc;

    do {
        struct decision d;
        rc = decide(m, n, &up.outcome, env, &d, err);
        next = (struct joined){0};
        if (rc == 0) {
            rc = take(m, n, &d, s);
            if (rc == 1) {
                fork_join(n, &next);
            } else if (rc == 2 && n->parent == NULL) {
                end_root(m, n, &d, s);
                rc = 0;
            } else if (rc == 2) {
                struct node *parent = n->parent;
                rc = fork_child_ended(m, n, &d, s, &next);
                n = parent;
            }
            decision_release(&d);
        }
        json_decref(up.output);
        free(up.error);
        free(up.cause);
        up = next;
    } while (rc > 0);
    return rc;
}

/* The last event that fits is the one that says so. */
static void limit(struct machine *m, struct machine_step *s, int64_t before)
{
    static const char *const cause = MACHINE_FULL " (%lld).";

    if (m->events < m->max_events || (m->events == m->max_events && s->ended))
        return;
    machine_step_release(s);
    json_decref(m->output);
    free(m->error);
    free(m->cause);
    m->output = NULL;
    m->status = "FAILED";
    m->error = xstrdup("States.Runtime");
    m->cause = xasprintf(cause, (long long)m->max_events);
    m->events = before;
    step_event(m, s, NULL, 0, "ExecutionFailed",
               event_error_text("executionFailedEventDetails", m->error, m->cause));
    s->ended = true;
}

int machine_go(struct machine *m, struct machine_frame *f, const struct interp_env *env,
               struct machine_step *ret, struct err *err)
{
    static const struct outcome none = {.kind = OUTCOME_NONE}, timer = {.kind = OUTCOME_TIMER};
    struct node *n = node_of(f);
    int64_t before = m->events;
    int rc;

    *ret = (struct machine_step){0};
    if (f->phase == PHASE_SPAWN)
        rc = fork_next_item(m, n, env, ret, err);
    else
        rc = step_decide(m, n, f->phase == PHASE_ENTER ? &none : &timer, env, ret, err);
    if (rc == 0)
        limit(m, ret, before);
    return rc;
}

int machine_answer(struct machine *m, struct machine_frame *f, const struct outcome *o,
                   const struct interp_env *env, struct machine_step *ret, struct err *err)
{
    int64_t before = m->events;
    int rc;

    *ret = (struct machine_step){0};
    rc = step_decide(m, node_of(f), o, env, ret, err);
    if (rc == 0)
        limit(m, ret, before);
    return rc;
}

void machine_note(struct machine *m, struct machine_frame *f, const char *type, const char *details,
                  struct machine_step *ret)
{
    struct node *n = node_of(f);

    *ret = (struct machine_step){0};
    f->last_event = step_event(m, ret, n, f->last_event, type, details != NULL ? xstrdup(details) : NULL);
    if (f->phase == PHASE_TASK)
        f->slot_event = f->last_event;
    node_changed(m, n);
}
