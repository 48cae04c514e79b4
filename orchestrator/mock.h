#ifndef ORCHESTRATOR_MOCK_H
#define ORCHESTRATOR_MOCK_H
#include "orchestrator/asl.h"
/*
 * Prepared answers for Tasks, in the MockConfigFile format of AWS Step Functions Local:
 *
 *   {"StateMachines": {MACHINE: {"TestCases": {CASE: {STATE: RESPONSE, ...}}}},
 *    "MockedResponses": {RESPONSE: {"0": {"Return": any JSON},
 *                                   "1-2": {"Throw": {"Error": "...", "Cause": "..."}}}}}
 *
 * The k-th call of a state, counted from 0 over all branches and iterations, retries included, takes the answer whose
 * number or range holds k. Pure but for the count.
 */
struct mock;
/* machine and test_case may be NULL where the file has only one. ERR_USAGE for whatever is wrong: not JSON, an unknown
 * member, a range that overlaps another, a state of the test case that is no Task of the definition. */
NODISCARD int mock_parse(const char *text, size_t n, const char *machine, const char *test_case,
                         const struct asl *a, struct mock **ret, struct err *err);
void mock_free(struct mock *m); /* NULL is fine */
const char *mock_machine(const struct mock *m);
struct mock_answer {           /* borrowed from the mock */
    const json_t *output;      /* Return; NULL: Throw */
    const char *error, *cause; /* of Throw; either may be NULL */
};
/* Counts a call of the state. false: no answer is left for it. m NULL: there are no answers. */
bool mock_next(struct mock *m, const char *state, struct mock_answer *ret);
/* Calls of the state so far; 0 where it is not mocked. */
int64_t mock_calls(const struct mock *m, const char *state);
bool mock_has(const struct mock *m, const char *state);
#endif
