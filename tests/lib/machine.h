#ifndef TESTS_LIB_MACHINE_H
#define TESTS_LIB_MACHINE_H
#include "orchestrator/machine.h"
/* Runs a definition against prepared Task answers on a virtual clock, as the engine does but in memory. */
struct rehearsal {
    const struct asl *asl;
    const json_t
        *mocks; /* {"State": [{"output": ...} | {"error": ..., "cause": ...}, ...]}; NULL: no Tasks */
    const json_t *context; /* $$; NULL: a small one is made */
    int64_t start_ms;
    uint32_t jitter;
    int max_events; /* 0: 25000 */
    bool again;     /* after every step the machine is written down, and read from that */
};
struct machine_result { /* machine_release */
    char status[24];    /* SUCCEEDED, FAILED; RUNAWAY: too many events; UNMOCKED: a Task asked too often */
    json_t *output,
        *events; /* events as from GetExecutionHistory, ExecutionStarted and ActivityStarted included; without times and ids */
    json_t *previous; /* array: previousEventId of each */
    char *error, *cause;
    int64_t end_ms;
    json_t *parameters; /* array: what each scheduled Task was given */
    json_t *waits;      /* array: ms of each Wait and Retry */
};
NODISCARD int machine_run(const struct rehearsal *h, const json_t *input, struct machine_result *ret,
                          struct err *err);
void machine_release(struct machine_result *r);
/* What the text means, whole; aborts the test where it is wrong. Owned. */
json_t *json_of(const char *text);
struct asl *asl_of(const char *text);
/* A definition of one state S, whose members are given without "End": true. Owned. */
char *machine_of_state(const char *members);
/* SUCCEEDED, and its output is that text. */
void machine_gives(const struct machine_result *r, const char *want);
void machine_types_are(const struct machine_result *r, const char *want);
/* "ExecutionStarted PassStateEntered ..." owned. */
char *machine_types(const struct machine_result *r);
/* The names of the states entered, "A B C", owned. */
char *machine_states(const struct machine_result *r);
#endif
