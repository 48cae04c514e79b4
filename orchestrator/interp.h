#ifndef ORCHESTRATOR_INTERP_H
#define ORCHESTRATOR_INTERP_H
#include "orchestrator/asl.h"
/*
 * The interpreter: a pure function (definition, cursor, outcome, now) -> decision. Same arguments, same decision; no
 * clock, no random, no SQLite, no I/O. Events are GetExecutionHistory's, without timestamp and ids:
 * {"type":"TaskStateEntered","stateEnteredEventDetails":{...}}.
 */
struct cursor { /* borrowed by interp_next; what the frame row holds */
    const char *state;
    const char *phase;   /* ENTER, TASK, WAIT, RETRY */
    const json_t *input; /* raw input of the state */
    const json_t *retry; /* array: attempts used per retrier */
    int64_t entered_ms;
};
enum outcome_kind {
    OUTCOME_NONE,      /* ENTER: go into the state */
    OUTCOME_SUCCEEDED, /* TASK: output */
    /* TASK: error, cause. Timeouts come as States.Timeout / States.HeartbeatTimeout; Retry and Catch know both names, the
     * history and the error output show States.Timeout, as AWS does: say in the cause which it was. */
    OUTCOME_FAILED,
    OUTCOME_TIMER, /* WAIT or RETRY: wake_ms has come */
};
struct outcome {
    enum outcome_kind kind;
    const json_t *output;
    const char *error, *cause;
};
struct interp_env {
    const json_t
        *context; /* $$ with Execution, StateMachine; State and Task are put in here by the interpreter */
    int64_t now_ms;
    uint32_t jitter; /* random bits for JitterStrategy FULL */
    uint64_t seed;   /* and for States.UUID and States.MathRandom */
    /* Id of this state's ...StateEntered event, named in causes as AWS does: in phase ENTER the id that the first event
     * of this decision will get, later that of the newest ...StateEntered. 0: not known, left out. */
    int64_t entered_event;
};
enum decision_kind {
    DECIDE_ENTER, /* cursor: next state, phase ENTER */
    DECIDE_TASK,  /* schedule a Task (phase TASK): resource, parameters, time-outs */
    DECIDE_WAIT,  /* phase WAIT or RETRY until wake_ms */
    DECIDE_END,   /* the execution is over: status, output or error+cause */
};
struct decision { /* everything owned; decision_release */
    enum decision_kind kind;
    json_t *events;      /* array, to be appended in order */
    char *state, *phase; /* the new cursor */
    json_t *input, *retry;
    int64_t entered_ms, wake_ms;
    char *resource; /* DECIDE_TASK */
    json_t *parameters;
    int64_t timeout_ms, heartbeat_ms, attempt; /* 0: none */
    const char *status;                        /* DECIDE_END: SUCCEEDED, FAILED (static) */
    json_t *output;
    char *error, *cause; /* NULL: absent */
};
void decision_release(struct decision *d);
NODISCARD int interp_next(const struct asl *a, const struct cursor *c, const struct outcome *o,
                          const struct interp_env *env, struct decision *ret, struct err *err);
#endif
