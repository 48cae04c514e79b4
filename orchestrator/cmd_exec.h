#ifndef ORCHESTRATOR_CMD_EXEC_H
#define ORCHESTRATOR_CMD_EXEC_H
#include "orchestrator/cmd.h"
#include "state/exec.h"
/* Executions in the shapes of aws stepfunctions; for list, describe, history, stop. */
json_t *exec_json(const struct execution *e,
                  bool whole); /* list-executions' entry, or describe-execution's document */
/* By name, id, ARN, or a pipeline's name for its newest. */
NODISCARD int exec_find(struct cli *c, enum store_mode mode, const char *word, struct execution *ret,
                        struct err *err);
/* One of get-execution-history's. *ret owned, also where the details are broken. */
NODISCARD int exec_event_json(int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                              const char *details, json_t **ret, struct err *err);
json_t *exec_time(int64_t ms); /* RFC 3339 with milliseconds */
#endif
