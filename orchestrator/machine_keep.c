/* What is kept of the tree of frames from one process to the next. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/machine_int.h"

static const char *const names[MACHINE_PHASES] = {"ENTER",    "TASK",  "WAIT", "RETRY",
                                                  "CHILDREN", "SPAWN", "DONE"};

const char *machine_phase_name(enum machine_phase p)
{
    return names[p];
}

enum machine_phase machine_phase_of(const char *name)
{
    size_t i = 0;

    while (i < MACHINE_PHASES && strcmp(names[i], name) != 0)
        i++;
    return (enum machine_phase)i;
}

int machine_flush(struct machine *m, const struct machine_keeper *k, struct err *err)
{
    for (size_t i = 0; i < m->dropped_count; i++) {
        int rc = k->drop(k->arg, m->dropped[i], err);
        if (rc < 0)
            return rc;
    }
    m->dropped_count = 0;
    for (struct node *n = m->changed.first, *next; n != NULL; n = next) {
        next = n->by_change.next;
        int rc = k->put(k->arg, &n->f, err);
        if (rc < 0)
            return rc;
        if (n->parent != NULL)
            n->parent->children_kept = true;
        n->changed = false;
        n->by_change = (struct link){NULL, NULL};
        m->changed.first = next;
        if (next == NULL)
            m->changed.last = NULL;
        else
            next->by_change.prev = NULL;
        if (n->f.phase == PHASE_DONE && n->parent != NULL)
            node_free(m, n); /* its result is with the parent */
    }
    return 0;
}

/* ---- reading it back ---- */

static struct node *find(const struct machine *m, int64_t id)
{
    size_t low = 0, high = m->loaded_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->loaded[middle]->f.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->loaded_count && m->loaded[low]->f.id == id ? m->loaded[low] : NULL;
}

static int not_a_tree(const struct machine_frame *f, const char *why, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "frame %lld in state '%s': %s", (long long)f->id, f->state, why);
}

int machine_load(struct machine *m, const struct machine_frame *f, struct err *err)
{
    struct node *parent = f->parent >= 0 ? find(m, f->parent) : NULL, *n;

    if ((f->parent < 0) != (m->root == NULL) || (f->parent >= 0 && parent == NULL))
        return not_a_tree(f, "its parent is not there", err);
    if (m->loaded_count > 0 && m->loaded[m->loaded_count - 1]->f.id >= f->id)
        return not_a_tree(f, "its number is out of order", err);
    if (asl_name(m->asl, f->state) == NULL)
        return not_a_tree(f, "the definition has no such state", err);
    if (f->index < 0 || f->input == NULL || (int)f->phase >= MACHINE_PHASES)
        return not_a_tree(f, "it is not whole", err);
    n = node_new(m, parent, f->kind, f->id, f->index);
    if (parent == NULL)
        m->root = n;
    else
        parent->children_kept = true;
    node_enter(m, n, f->state, f->input, NULL, f->input_event);
    n->f.retry = json_incref(f->retry);
    n->f.vars = json_incref(f->vars);
    n->f.entered_ms = f->entered_ms;
    n->f.wake_ms = f->wake_ms;
    n->f.entered_event = f->entered_event;
    n->f.last_event = f->last_event;
    n->f.fork_event = f->fork_event;
    n->f.slot_event = f->slot_event;
    n->f.failed = f->failed;
    node_phase(m, n, f->phase);
    if (m->loaded_count % 64 == 0)
        m->loaded = xrealloc(m->loaded, (m->loaded_count + 64) * sizeof *m->loaded);
    m->loaded[m->loaded_count++] = n;
    return 0;
}

/*
 * What the frame forked is worked out once more, from its input: nothing of it is kept. The items come out the same after a
 * redrive too: asl_fork.c refuses what would not. Of a Parallel only the number of branches: they have their input already,
 * and Parameters may draw random numbers, which would be others now.
 */
static int fork_again(struct machine *m, struct node *n, struct err *err)
{
    static const struct outcome none = {.kind = OUTCOME_NONE};
    const struct interp_env env = {.context = n->context, .entered_event = n->f.entered_event};
    const json_t *state = asl_state(m->asl, n->f.state);
    struct cursor c = node_cursor(n);
    struct decision d = {0};
    int rc = asl_type(state) == ASL_MAP ? interp_next(m->asl, &c, &none, &env, &d, err) : 0;

    if (rc < 0)
        return rc;
    n->fork = d.fork;
    d.fork = (struct fork){0};
    bool forks = d.kind == DECIDE_FORK || asl_type(state) == ASL_PARALLEL;
    decision_release(&d);
    if (!forks)
        return not_a_tree(&n->f, "it has nothing to fork", err);
    if (n->fork.items != NULL)
        n->length = json_array_size(n->fork.items);
    else
        while (asl_inner(state, n->length) != NULL)
            n->length++;
    n->results = xcalloc(n->length + 1, sizeof *n->results);
    return 0;
}

static int place_child(struct node *n, struct err *err)
{
    struct node *parent = n->parent;

    if (parent->results == NULL || (size_t)n->f.index >= parent->length)
        return not_a_tree(&n->f, "its parent has no place for it", err);
    if (parent->started <= (size_t)n->f.index)
        parent->started = (size_t)n->f.index + 1;
    fork_child_context(n);
    if (n->f.phase != PHASE_DONE)
        return 0;
    if (parent->results[n->f.index] != NULL)
        return not_a_tree(&n->f, "it is there twice", err);
    parent->failed += n->f.failed;
    fork_result(parent, (size_t)n->f.index, json_incref(n->f.input),
                json_dumpb(n->f.input, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY));
    return 0;
}

int machine_loaded(struct machine *m, int64_t events, struct err *err)
{
    int rc = m->root != NULL ? 0 : err_set(err, ERR_INTERNAL, "the execution has no frame");

    m->events = events;
    for (size_t i = 0; rc == 0 && i < m->loaded_count; i++) {
        struct node *n = m->loaded[i];
        n->changed = false;
        n->by_change = (struct link){NULL, NULL};
        if (n->parent != NULL)
            rc = place_child(n, err);
        if (rc == 0)
            node_sees(n);
        if (rc == 0 && (n->f.phase == PHASE_CHILDREN || n->f.phase == PHASE_SPAWN))
            rc = fork_again(m, n, err);
    }
    m->changed = (struct list){NULL, NULL};
    for (size_t i = 0; rc == 0 && i < m->loaded_count; i++) {
        struct node *n = m->loaded[i];
        if (n->f.phase == PHASE_DONE && n->parent != NULL)
            node_free(m, n);
        else if (n->f.phase == PHASE_CHILDREN || n->f.phase == PHASE_SPAWN)
            fork_may_spawn(m, n);
    }
    free(m->loaded);
    m->loaded = NULL;
    m->loaded_count = 0;
    return rc;
}
