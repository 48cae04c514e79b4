#ifndef ORCHESTRATOR_INTERP_INT_H
#define ORCHESTRATOR_INTERP_INT_H
#include "orchestrator/interp.h"
/* Shared by the files of the interpreter only: interp.c (the states), interp_fork.c (Parallel, Map), interp_error.c
 * (failures), interp_event.c. */
struct failure;

/* One call of interp_next. */
struct run {
    const struct cursor *c;
    const struct outcome *o;
    const struct interp_env *env;
    const json_t *state; /* its definition */
    enum asl_type type;
    json_t *context; /* owned, made when it is first asked for: env->context with State */
    int64_t entered_ms;
    const char *input_text; /* of c->input, while the state is entered; NULL */
    uint64_t random;        /* env->seed, moved on by what draws from it */
    struct decision *d;     /* being made */
};
/* Paths and templates of the state: what $ is comes from the caller, $$ and variables from the run. */
int run_path(struct run *r, const char *path, const json_t *input, json_t **ret_borrowed, struct err *err);
int run_template(struct run *r, const json_t *template, const json_t *input, json_t **ret_owned,
                 struct err *err);
/* Assign of the state, a rule or a catcher, where there is one. */
int run_assign(struct run *r, const json_t *assigns, const json_t *input, struct failure *f);
/* The whole of a ...Path field: found, or why not. */
int field_value(struct run *r, const char *field, const json_t *input, json_t **ret_borrowed,
                struct failure *f);
/* InputPath or OutputPath: absent is "$", null is {}. Owned. */
int apply_path(struct run *r, const char *field, const json_t *data, json_t **ret, struct failure *f);
/* Parameters or ResultSelector, where there is one. Owned. */
int apply_template(struct run *r, const char *field, const json_t *data, json_t **ret, struct failure *f);
/* ResultSelector, Assign, ResultPath, OutputPath; the state is left. */
int finish_result(struct run *r, const json_t *result, struct failure *f);
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
void failure_of_outcome(const struct run *r, struct failure *f, const struct outcome *o);

void failure_release(struct failure *f);

/* Retry, then Catch, then the end of the frame: fills the decision. Takes what f holds. */
void fail_state(struct run *r, struct failure *f);

/* interp_event.c. Text of a value, owned; -1 when it is larger or deeper than a payload may be. what: names
 * it. */
int payload_text(const struct run *r, const json_t *v, const char *what, char **ret, struct failure *f);
/* Whether its text has no more bytes, and is as deep as a payload may be: in time that grows with those bytes. */
bool payload_within(const json_t *v, size_t most);
/* Bad UTF-8 (a server's message) is escaped, never lost. Owned. */
json_t *safe_string(const char *s);
/* type static; takes details. */
void event_append(struct run *r, const char *type, char *details);
/* <Type>StateEntered / Exited; text is the input or output. */
void event_entered(struct run *r, const char *text);
void event_exited(struct run *r, const char *text);

/* Puts a stage of the data flow to env->seen. */
void show(const struct run *r, const char *stage, const json_t *v);
void show_taken(const struct run *r, const char *stage, json_t *v);

/* interp_fork.c: Parallel and Map */
int enter_fork(struct run *r, json_t *input, struct failure *f);
int joined(struct run *r, struct failure *f);

/* The decisions. Values are borrowed, text is taken. */
void decide_enter(struct run *r, const char *state, json_t *input, char *text);
void decide_wait(struct run *r, enum machine_phase phase, int64_t wake_ms);
void decide_stay(struct run *r, enum decision_kind kind, enum machine_phase phase);
void decide_failed(struct run *r, const struct failure *f);
#endif
