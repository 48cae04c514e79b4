#ifndef ORCHESTRATOR_TEST_STATE_H
#define ORCHESTRATOR_TEST_STATE_H
#include "orchestrator/asl.h"
/*
 * One state of a definition, entered once with an input: what TestState of AWS does, with what each stage of the data
 * flow made. Pure: the interpreter's own decisions, nothing is waited for or called.
 */
struct state_test { /* all of it borrowed */
    const struct asl *asl;
    const char *state;                    /* wherever it stands; ERR_USAGE where there is none */
    const json_t *input, *context, *vars; /* vars NULL: none */
    int64_t now_ms, retries;              /* attempts that the retrier which applies has used */
    bool mocked; /* what a Task, Map or Parallel ends with: result, or else error and cause */
    const json_t *result;
    const char *error, *cause;
};
/* TestState's answer: {status, output, error, cause, nextState, inspectionData}, without what is absent; output and the
 * stages are JSON text. Owned. ERR_USAGE where the state needs a mock and has none. */
NODISCARD int test_state(const struct state_test *t, json_t **ret, struct err *err);
#endif
