#ifndef ORCHESTRATOR_INTERP_INT_H
#define ORCHESTRATOR_INTERP_INT_H
#include "orchestrator/interp.h"
/* Shared by the files of the interpreter only: interp.c (the states), interp_error.c (failures),
 * interp_event.c. */

/* One call of interp_next. */
struct run {
    const struct cursor *c;
    const struct outcome *o;
    const struct interp_env *env;
    const json_t *state; /* its definition */
    const char *type;
    json_t *context; /* owned: env->context with State */
    uint64_t random; /* env->seed, moved on by each draw */
    int64_t entered_ms;
    struct decision *d; /* being made */
};

/* Why a state cannot go on. An ordinary value here: Retry and Catch decide what becomes of it. */
struct failure {
    char *error;      /* owned; as history shows it */
    const char *also; /* static: a second name that ErrorEquals may use; NULL: none */
    char *cause;      /* owned; NULL: absent */
    bool beyond_all;  /* States.ALL and States.TaskFailed do not match it */
};
/* All return -1, so that the place that fails says so in one line. The cause gets AWS's prefix naming the
 * state. */
int failure_runtime(const struct run *r, struct failure *f, const char *fmt, ...) PRINTF(3, 4);
int failure_from(const struct run *r, struct failure *f, const struct err *err);
int failure_too_large(struct failure *f, const char *what);
void failure_of_outcome(struct failure *f, const struct outcome *o);

/* Retry, then Catch, then the end of the execution: fills the decision. Takes what f holds. */
void fail_state(struct run *r, struct failure *f);

/* interp_event.c. Text of a value, owned; -1 when it is larger or deeper than a payload may be. what: names
 * it. */
int payload_text(const json_t *v, const char *what, char **ret, struct failure *f);
/* Bad UTF-8 (a server's message) is escaped, never lost. Owned. */
json_t *safe_string(const char *s);
/* Appends {"type": type, key: details}; takes details, and drops members of it that are NULL. */
void event_append(struct run *r, const char *type, const char *key, json_t *details);
/* <Type>StateEntered / Exited; text is the input or output. */
void event_entered(struct run *r, const char *text);
void event_exited(struct run *r, const char *text);
/* {"output": text, "outputDetails": {"truncated": false}}, or the same with "input". */
json_t *details_of(const char *which, const char *text);

/* The decisions. Values are borrowed. */
void decide_enter(struct run *r, const char *state, json_t *input);
void decide_wait(struct run *r, const char *phase, int64_t wake_ms);
void decide_failed(struct run *r, const char *error, const char *cause);
#endif
