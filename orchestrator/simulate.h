#ifndef ORCHESTRATOR_SIMULATE_H
#define ORCHESTRATOR_SIMULATE_H
#include "orchestrator/mock.h"
/*
 * A definition run in memory, on a virtual clock that jumps to the next timer, its Tasks answered by prepared answers:
 * the same machine.h as the engine's, without its state file. The same arguments give the same end and the same events.
 */
struct simulation {
    const struct asl *asl;
    struct mock *mocks;    /* NULL: no Task has an answer */
    const json_t *context; /* $$: Execution, StateMachine */
    int64_t start_ms;
    int64_t most_events; /* one of them is the failure that says so */
    int64_t most_ms;     /* of real time */
    size_t most_payload; /* bytes of an input or output: MAX_PAYLOAD, or less */
    bool history;        /* keep the events */
};
struct simulated {                /* simulated_release */
    const char *status;           /* SUCCEEDED, FAILED, TIMED_OUT (static) */
    char *output, *error, *cause; /* output as JSON text; NULL: absent */
    int64_t stop_ms;
    int64_t event_count;
    /* With history event_count of them, each JSON text as GetExecutionHistory has it, for a Task those of its resource's
     * kind: as text they take a tenth of what they would take as values. NULL without. */
    char **events;
};
void simulated_release(struct simulated *r);
/* Fails only where orch itself is at fault; whatever the definition does is a status. A Task without an answer left:
 * FAILED, SIMULATE_NO_ANSWER, which no Retry or Catch sees. */
NODISCARD int simulate(const struct simulation *s, const json_t *input, struct simulated *ret,
                       struct err *err);
#define SIMULATE_NO_ANSWER "Orch.NoMockedAnswer"
#endif
