#ifndef TESTS_LIB_STEP_FIXTURE_H
#define TESTS_LIB_STEP_FIXTURE_H
#include "steps/step.h"
#include "tests/tap.h"
/* A step by itself, without an engine: folder and connections are the test's. */
struct step_fixture {
    struct step_world world;
    struct step_ctx ctx;
    struct err err;
    json_t *result; /* of the last one; NULL after a failure */
};
void sf_begin(struct step_fixture *f, const char *folder, const struct step_connection *connections,
              size_t n);
/* parameters: JSON, in which ' stands for ". Checked first, as the engine does. */
NODISCARD int sf_run(struct step_fixture *f, const char *step, const char *parameters);
void sf_is(struct step_fixture *f, const char *want); /* the result, ' for " */
void sf_end(struct step_fixture *f);
#endif
