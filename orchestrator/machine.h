#ifndef ORCHESTRATOR_MACHINE_H
#define ORCHESTRATOR_MACHINE_H
#include "orchestrator/interp.h"
/*
 * An execution as a tree of frames, moved one decision at a time: what Parallel and Map add to interp_next. Pure like
 * the interpreter: no clock, no random, no SQLite, no I/O; the same calls make the same events. The engine keeps the tree
 * in the state file, `orch simulate` in memory only: there is one reading of ASL.
 *
 * A frame is a place in the definition where something is going on: the root, a branch of a Parallel, an iteration of a
 * Map. A frame in a Parallel or Map has children, and goes on when they have ended.
 *
 * In memory it is driven like this (tests/lib/machine.c is the whole of it):
 *
 *     m = machine_new(asl, context, 0);              $$ as it is outside of states: Execution, StateMachine
 *     machine_begin(m, input, 0);
 *     for (;;) {
 *         switch (machine_next(m, now, &f, &wake)) {
 *         case MACHINE_GO:    machine_go(m, f, &env, &s, &err);  break;  it has something to do: enter, timer, next item
 *         case MACHINE_TASK:  machine_note(m, f, "ActivityStarted", details, &s);  append, release, and then
 *                             machine_answer(m, f, &outcome, &env, &s, &err);  break;  f->task says what is asked
 *         case MACHINE_WAIT:  now = wake;  continue;             nothing to do before then
 *         case MACHINE_ENDED: machine_end(m) says how;  return;
 *         }
 *         append s.events in order: their ids go on where the last ones ended
 *         machine_step_release(&s);
 *     }
 *
 * Tasks are asked for one after the other, oldest first, and an iteration begins only when no frame that is there can
 * go on: MaxConcurrency is an upper bound (and 40 the greatest, as on AWS), which is needed only where iterations wait.
 */
const char *machine_phase_name(enum machine_phase p); /* "ENTER" ... */
/* MACHINE_PHASES where there is none of the name. */
enum machine_phase machine_phase_of(const char *name);
enum { MACHINE_PHASES = PHASE_DONE + 1 };

enum frame_kind { FRAME_ROOT, FRAME_BRANCH, FRAME_ITERATION };

struct machine_task { /* of a frame in PHASE_TASK */
    const char *resource;
    json_t *parameters;
    int64_t timeout_ms, heartbeat_ms, attempt; /* 0: none */
};
/*
 * Read it, write none of it. An id says when the frame was made: event id (ParallelStateStarted, MapIterationStarted)
 * times FRAME_IDS, and the branch's number; so it is never used twice in an execution, and history alone tells it.
 *
 * When the execution has failed, the frames stay as they stood: a leaf that failed or was aborted at its state, what is
 * around it in PHASE_CHILDREN, what had succeeded in PHASE_DONE. A redrive puts the leaves to PHASE_ENTER and goes on.
 */
enum { FRAME_IDS = 65536 };
struct machine_frame {
    int64_t id, parent; /* root: 0, -1 */
    enum frame_kind kind;
    int64_t index;     /* of the branch or item */
    const char *state; /* the definition's string */
    enum machine_phase phase;
    json_t *input; /* raw input of the state; PHASE_DONE: what the branch or iteration gives */
    /* The event whose input or output is the text of input; 0: none, so whoever keeps the frame keeps the input too. */
    int64_t input_event;
    json_t *retry; /* array: attempts used per retrier; NULL: none used */
    json_t *vars;  /* what Assign has set in this frame; NULL: nothing */
    int64_t entered_ms, wake_ms;
    int64_t entered_event; /* the state's ...StateEntered */
    int64_t last_event;    /* previousEventId of the frame's next event */
    int64_t fork_event;    /* ParallelStateStarted, MapStateStarted; 0: nothing is forked */
    int64_t
        slot_event; /* Map: last event of the iteration that ended last; PHASE_TASK: that the task was begun */
    bool failed;    /* PHASE_DONE: it failed, and that is tolerated */
    struct machine_task
        task; /* PHASE_TASK; all 0 where the frame was loaded: the task has a row of its own there */
};

struct machine_event {
    int64_t id, previous; /* as in GetExecutionHistory */
    int64_t frame;        /* of which it tells; -1: none (ExecutionSucceeded) */
    const char *type;     /* static */
    const char *state;    /* that the frame was in, and since when; borrowed from the definition */
    int64_t entered_ms;
    char *details; /* owned: JSON text {"stateEnteredEventDetails": {...}}; NULL: the type has none */
};
struct machine_step { /* machine_step_release */
    struct machine_event *events;
    size_t count;
    struct machine_frame
        *scheduled;   /* its task is to be scheduled (ActivityScheduled is the last event); or NULL */
    int64_t *aborted; /* frames whose task is of no use any more */
    size_t aborted_count;
    bool ended; /* the execution is over: machine_end */
};
void machine_step_release(struct machine_step *s);

struct machine_end {
    const char *status;        /* SUCCEEDED, FAILED; NULL: not over */
    json_t *output;            /* borrowed */
    const char *error, *cause; /* NULL: absent */
};

/* The begin of the cause of an execution that has had all its events. */
#define MACHINE_FULL "The execution reached the maximum number of history events"

struct machine;
/* The definition and the context object are borrowed as long as the machine lives. max_events: of the execution; the
 * last that fits is the ExecutionFailed that says so, as on AWS; 0: MAX_TRANSITIONS. */
struct machine *machine_new(const struct asl *a, const json_t *context, int64_t max_events);
void machine_free(struct machine *m); /* NULL is fine */
/* The execution is started: ExecutionStarted (event 1) is the caller's. The root is at StartAt. */
void machine_begin(struct machine *m, const json_t *input, int64_t input_event);
int64_t machine_events(const struct machine *m); /* so far: the next one's id less 1 */
struct machine_end machine_end(const struct machine *m);

/* MACHINE_LOST: nothing goes on and nothing waits; no machine that was stepped gets there. */
enum machine_next { MACHINE_GO, MACHINE_TASK, MACHINE_WAIT, MACHINE_ENDED, MACHINE_LOST };
enum machine_next machine_next(struct machine *m, int64_t now_ms, struct machine_frame **ret_borrowed,
                               int64_t *ret_wake_ms);
/*
 * One decision of the frame (context and entered_event of env are filled in by the machine). Fails only where the
 * machine is not what the definition says (ERR_INTERNAL): an ordinary failure is an event. After that, and after a
 * failure to write down what it yields, the machine is to be freed and read again.
 */
NODISCARD int machine_go(struct machine *m, struct machine_frame *f, const struct interp_env *env,
                         struct machine_step *ret, struct err *err);
/* OUTCOME_SUCCEEDED or OUTCOME_FAILED of the task that the frame is in. */
NODISCARD int machine_answer(struct machine *m, struct machine_frame *f, const struct outcome *o,
                             const struct interp_env *env, struct machine_step *ret, struct err *err);
/* An event of the caller's own in the frame, such as ActivityStarted: that task is then the first to be asked for, whoever
 * reads the machine back. type static, details copied, may be NULL. */
void machine_note(struct machine *m, struct machine_frame *f, const char *type, const char *details,
                  struct machine_step *ret);

/* ---- for who keeps the tree ---- */

/*
 * What has changed since the last call: drop first, of frames whose children are not there any more, then put, each
 * changed frame once. What a frame's children had under them is dropped by calls of its own. A frame is done with when it
 * was put as PHASE_DONE. A failure of put or drop is handed on.
 */
struct machine_keeper {
    int (*drop)(void *arg, int64_t parent, struct err *err);
    int (*put)(void *arg, const struct machine_frame *f, struct err *err);
    void *arg;
};
NODISCARD int machine_flush(struct machine *m, const struct machine_keeper *k, struct err *err);
/* Each frame as it was put, ids ascending, so the root first; json values are referenced, strings are not kept. Then
 * machine_loaded, with the number of events that are there. */
NODISCARD int machine_load(struct machine *m, const struct machine_frame *f, struct err *err);
NODISCARD int machine_loaded(struct machine *m, int64_t events, struct err *err);
#endif
