#ifndef ORCHESTRATOR_MACHINE_INT_H
#define ORCHESTRATOR_MACHINE_INT_H
#include "orchestrator/machine.h"
/* Shared by machine.c (steps), machine_fork.c (children) and machine_keep.c (what is kept of it). */

struct link {
    struct node *prev, *next;
};
struct list {
    struct node *first, *last;
};

/* A frame and what is known of it in memory only. The frame is its first member, so that one is cast to the other. */
struct node {
    struct machine_frame f;
    char *input_text;
    struct node *parent;
    struct list children; /* those that run, and those in PHASE_DONE that no keeper has been told of */
    struct link by_parent, by_phase, by_change;
    bool changed;          /* in the list of those */
    bool children_kept;    /* a keeper knows children of it */
    json_t *seen;          /* owned: variables, of all scopes around it and its own; NULL: none */
    const json_t *context; /* $$; borrowed from the machine, or context_owned */
    json_t *context_owned;
    /* while it is forked */
    struct fork fork;
    json_t **results; /* of length; NULL where there is none yet */
    size_t length, started, ended, failed, running, bytes;
};

struct machine {
    const struct asl *asl;
    const json_t *context;
    struct node *root;
    struct list by_phase[MACHINE_PHASES], changed;
    size_t running; /* frames that are not PHASE_DONE */
    int64_t events, max_events;
    int64_t *dropped; /* parents whose children a keeper is to drop */
    size_t dropped_count;
    struct node **loaded; /* by id, between machine_load and machine_loaded */
    size_t loaded_count;
    const char *status;
    json_t *output;
    char *error, *cause;
};

static inline struct node *node_of(struct machine_frame *f)
{
    return (struct node *)f;
}

/* machine.c */
struct node *node_new(struct machine *m, struct node *parent, enum frame_kind kind, int64_t id,
                      int64_t index);
/* It and all that is under it. */
void node_free(struct machine *m, struct node *n);
void node_phase(struct machine *m, struct node *n, enum machine_phase phase);
/* The frame is at a state; input referenced, text taken (or NULL). */
void node_enter(struct machine *m, struct node *n, const char *state, json_t *input, char *text,
                int64_t input_event);
void node_changed(struct machine *m, struct node *n);
void node_sees(struct node *n); /* n->seen anew, of its parent's and its own */
/* Details are taken. Returns the id. */
int64_t step_event(struct machine *m, struct machine_step *s, const struct node *n, int64_t previous,
                   const char *type, char *details);
struct cursor node_cursor(const struct node *n);
/* What the interpreter says of the node's outcome, and all that follows from it at once. */
int step_decide(struct machine *m, struct node *n, const struct outcome *o, const struct interp_env *env,
                struct machine_step *s, struct err *err);

/* machine_fork.c */
void fork_release(struct node *n);
/* Takes the decision's fork. 1: there is nothing to wait for. */
int fork_begin(struct machine *m, struct node *n, struct decision *d);
int fork_next_item(struct machine *m, struct node *n, const struct interp_env *env, struct machine_step *s,
                   struct err *err);
/* The child has ended. 1: so have all, or nothing can save them: *ret is what the parent is told. Values in *ret are owned
 * by the caller. */
struct joined {
    struct outcome outcome;
    json_t *output;
    char *error, *cause;
};
int fork_child_ended(struct machine *m, struct node *child, const struct decision *d, struct machine_step *s,
                     struct joined *ret);
/* What all of them gave, once all have ended. */
void fork_join(struct node *n, struct joined *ret);
/* The children are not there any more. */
void fork_drop(struct machine *m, struct node *n);
void fork_may_spawn(struct machine *m, struct node *n); /* PHASE_SPAWN or PHASE_CHILDREN */
void fork_child_context(struct node *child);
void fork_result(struct node *n, size_t index, json_t *result, size_t bytes); /* takes result */
#endif
