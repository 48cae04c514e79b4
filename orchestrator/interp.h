#ifndef ORCHESTRATOR_INTERP_H
#define ORCHESTRATOR_INTERP_H
#include "orchestrator/asl.h"
/*
 * The interpreter: a pure function (definition, cursor, outcome, now) -> decision. Same arguments, same decision; no
 * clock, no random, no SQLite, no I/O. It knows one frame; machine.h makes a tree of them. Events are
 * GetExecutionHistory's, without timestamp and ids.
 */
enum machine_phase {
    PHASE_ENTER,    /* go into the state */
    PHASE_TASK,     /* its task waits for an answer */
    PHASE_WAIT,     /* until wake_ms */
    PHASE_RETRY,    /* until wake_ms */
    PHASE_CHILDREN, /* until its children have ended */
    PHASE_SPAWN,    /* the same, and another iteration may begin */
    PHASE_DONE,     /* an iteration that has ended: input is its result */
};
struct cursor { /* borrowed by interp_next; what the frame row holds */
    const char *state;
    enum machine_phase phase;
    const json_t *input;    /* raw input of the state */
    const char *input_text; /* the same as text, where it is at hand; NULL */
    const json_t *retry;    /* array: attempts used per retrier; NULL: none used */
    const json_t *vars;     /* what the frame sees: its own variables and those around it; NULL: none */
    int64_t entered_ms;
};
enum outcome_kind {
    /* ENTER: go into the state. CHILDREN, SPAWN: work out once more what was forked. */
    OUTCOME_NONE,
    OUTCOME_SUCCEEDED, /* TASK: output. CHILDREN: the array of what they gave */
    /* TASK, CHILDREN: error, cause. Timeouts come as States.Timeout / States.HeartbeatTimeout; Retry and Catch know both
     * names, the history and the error output show States.Timeout, as AWS does: say in the cause which it was. */
    OUTCOME_FAILED,
    OUTCOME_TIMER, /* WAIT or RETRY: wake_ms has come */
};
struct outcome {
    enum outcome_kind kind;
    const json_t *output;
    const char *error, *cause;
    bool beyond_all; /* OUTCOME_FAILED: States.ALL does not match it, see decision */
};
struct interp_env {
    const json_t *context; /* $$ with Execution, StateMachine, Map; State is put in here by the interpreter */
    int64_t now_ms;
    uint32_t jitter; /* random bits for JitterStrategy FULL */
    uint64_t seed;   /* and for States.UUID and States.MathRandom */
    /* Id of this state's ...StateEntered event, named in causes as AWS does: in phase ENTER the id that the first event
     * of this decision will get, later that of the newest ...StateEntered. 0: not known, left out. */
    int64_t entered_event;
    size_t most_payload; /* bytes of an input or output; 0: MAX_PAYLOAD */
    /* For orch test-state: an object that is told what each stage of the data flow made, by the names that TestState of
     * AWS has for them, and what Retry and Catch said. NULL: nobody asks. */
    json_t *seen;
};
enum decision_kind {
    DECIDE_ENTER, /* cursor: next state, phase ENTER */
    DECIDE_TASK,  /* schedule a Task (phase TASK): resource, parameters, time-outs */
    DECIDE_WAIT,  /* phase WAIT or RETRY until wake_ms */
    DECIDE_FORK,  /* phase CHILDREN: fork */
    DECIDE_END,   /* the frame is over: status, output or error+cause */
};
struct interp_event {
    const char *type; /* static */
    char *details;    /* owned: JSON text; NULL: the type has none */
    bool aside;       /* the next event does not point at it */
};
struct fork {          /* what a Parallel or Map is about to do */
    json_t *items;     /* owned: the array of a Map; NULL: a Parallel */
    json_t *input;     /* owned: what each branch begins with; Map: what ItemSelector sees as $ */
    int64_t at_once;   /* iterations, at most */
    int64_t tolerated; /* iterations that may fail */
};
struct decision { /* everything owned; decision_release */
    enum decision_kind kind;
    struct interp_event *events; /* to be appended in order */
    size_t event_count;
    const char *state; /* the new cursor; borrowed from the definition */
    enum machine_phase phase;
    json_t *input, *retry;
    char *input_text; /* text of input or output, where it was made; NULL */
    json_t *assign;   /* object: the variables that are set; NULL: none */
    int64_t entered_ms, wake_ms;
    const char *resource; /* DECIDE_TASK; borrowed from the definition */
    json_t *parameters;
    int64_t timeout_ms, heartbeat_ms, attempt; /* 0: none */
    struct fork fork;
    const char *status; /* DECIDE_END: SUCCEEDED, FAILED (static) */
    json_t *output;
    char *error, *cause; /* NULL: absent */
    bool beyond_all;     /* States.ALL around it does not match the error either */
};
void decision_release(struct decision *d);
NODISCARD int interp_next(const struct asl *a, const struct cursor *c, const struct outcome *o,
                          const struct interp_env *env, struct decision *ret, struct err *err);
/*
 * What an iteration begins with: ItemSelector on the item, which env->context has as $$.Map.Item; c is the Map's cursor.
 * *ret is DECIDE_ENTER with the input at the first state of the ItemProcessor, or DECIDE_END with the error.
 */
NODISCARD int interp_item(const struct asl *a, const struct cursor *c, const struct fork *fork, size_t index,
                          const struct interp_env *env, struct decision *ret, struct err *err);
/* The details of one event as text: {KEY: {"name": name, WHICH: text, WHICHDetails: {"truncated": false}, and more's
 * members}}; name, text and more may be NULL. Owned. Bad UTF-8 is escaped, never lost. */
char *event_text(const char *key, const char *name, const char *which, const char *text, const json_t *more);
/* {KEY: {"error": ..., "cause": ...}}, without what is NULL. Owned. */
char *event_error_text(const char *key, const char *error, const char *cause);
#endif
