#ifndef STEPS_OBJECT_H
#define STEPS_OBJECT_H
#include "io/sink.h"
#include "steps/step.h"
/* Of the steps orch-object-...: the sink of the parameter "connection"; the caller closes it, NULL on failure. */
NODISCARD int object_sink(struct step_ctx *c, const json_t *parameters, struct sink **ret, struct err *err);
#endif
